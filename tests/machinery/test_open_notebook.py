"""The notebook that is open on Colab, put into the copy of the assignment."""

from __future__ import annotations

import json
import sys
from types import ModuleType, SimpleNamespace

import pytest

from cs682.setup import notebook
from cs682.setup.notebook import NotReadyError
from cs682.setup.open_notebook import save_open_notebook


def make_book(text: str = "**Exercise do-1.1** · `dropout_forward` · 2 points"):
    return {"nbformat": 4, "cells": [{"cell_type": "markdown", "source": [text, "\n", "é"]}]}


@pytest.fixture
def colab(monkeypatch):
    """Stand in for Colab's page; `answer` is what it answers."""
    page = SimpleNamespace(answer={"ipynb": make_book()}, asked=[])

    def blocking_request(what, timeout_sec):
        page.asked.append(what)
        return page.answer

    package = ModuleType("google.colab")
    package._message = SimpleNamespace(blocking_request=blocking_request)
    monkeypatch.setitem(sys.modules, "google", ModuleType("google"))
    monkeypatch.setitem(sys.modules, "google.colab", package)
    return page


@pytest.fixture
def root(tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    monkeypatch.setattr(notebook, "PACKAGE_HOME", tmp_path)
    return tmp_path


def test_the_open_notebook_replaces_the_one_in_the_copy(colab, root):
    (root / "notebooks" / "Dropout.ipynb").write_text("as it was fetched")

    path = save_open_notebook(root)

    assert path == root / "notebooks" / "Dropout.ipynb"
    assert json.loads(path.read_text(encoding="utf-8")) == make_book()
    assert [p.name for p in path.parent.iterdir()] == ["Dropout.ipynb"]
    assert colab.asked == ["get_ipynb"]


@pytest.mark.parametrize("answer", [None, {}, {"ipynb": None}, "no"])
def test_a_page_that_does_not_answer_changes_nothing(colab, root, answer):
    colab.answer = answer

    with pytest.raises(NotReadyError, match="did not answer: choose File, Download"):
        notebook.save()

    assert list((root / "notebooks").iterdir()) == []


@pytest.mark.parametrize("text", ["My own notes", "Exercise xy-1.1", "Exercise do-1.1, fc-1.1"])
def test_another_notebook_is_not_saved_as_one_of_ours(colab, root, text):
    colab.answer = {"ipynb": make_book(text.replace(", fc", ", Exercise fc"))}

    with pytest.raises(NotReadyError, match="none of the assignment's"):
        notebook.save()


@pytest.mark.usefixtures("root")
def test_elsewhere_the_editor_saves():
    with pytest.raises(NotReadyError, match="this is not Colab: save the notebook in its editor"):
        notebook.save()

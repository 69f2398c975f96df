"""Notebooks run again in the sandbox; what comes back is shown, and can do nothing."""

from __future__ import annotations

import base64
import json
from importlib import metadata

import pytest

from staff.grading.rerun import page, require_walls, rerun_notebooks
from staff.grading.sandbox.ladder import NoSandboxError, Rung, choose_rung
from staff.tests.grading.classes import write_hand_in
from tests.cifar_files import write_set

EVIL = "<script>alert(1)</script>"
PNG = base64.b64encode(b"\x89PNG\r\n").decode()


def code(source, *outputs):
    return {"cell_type": "code", "source": source, "outputs": list(outputs), "metadata": {}}


def test_page_keeps_text_and_pictures_and_drops_the_rest():
    outputs = [
        {"output_type": "stream", "text": [EVIL, "\x1b[31mred"]},
        {"data": {"text/html": "<b>HTML", "text/plain": "plain"}},
        {"data": {"application/javascript": "alert(2)"}},
        {"data": {"image/png": PNG, "text/plain": "a figure"}},
        {"data": {"image/png": f'"><script>{PNG}'}},
        {"output_type": "error", "traceback": ["line 1", "line 2"]},
    ]

    text = page(EVIL, {"cells": [code(EVIL, *outputs)]})

    assert "<script" not in text
    assert "<b>HTML" not in text
    assert "alert(2)" not in text
    assert f"base64,{PNG}" in text
    assert "plain" in text
    assert "line 1\nline 2" in text
    assert "red" in text
    assert "\x1b" not in text


@pytest.mark.parametrize("book", [None, [], {}, {"cells": 5}, {"cells": [7]}, {"error": EVIL}])
def test_page_of_what_is_no_notebook_says_so(book):
    text = page("Dropout.ipynb", book)

    assert '<p class="wrong">' in text
    assert "<script" not in text


def test_other_sandboxes_are_refused():
    with pytest.raises(ValueError, match="needs the sandbox bubblewrap, here it is another user"):
        require_walls(Rung("another user", None))


def test_notebooks_without_nbclient_are_refused_before_anything_is_graded(monkeypatch):
    def nothing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", nothing)

    with pytest.raises(ValueError, match="--notebooks needs nbclient: make grading brings it"):
        require_walls(Rung("bubblewrap", None))


@pytest.mark.slow
def test_notebook_runs_with_the_hand_in_s_code_and_without_network(tmp_path):
    try:
        rung = choose_rung(allow_unsandboxed=False)
        require_walls(rung)
    except (ValueError, NoSandboxError) as reason:
        pytest.skip(str(reason))
    package = write_hand_in(tmp_path / "ada", layers=("np.maximum(x, 0), x", "x + 40, x"))
    data = write_set(tmp_path / "data", size=2)
    sources = [
        "import numpy as np; from cs682 import layers; print(layers.relu_forward(np.ones(1)))",
        "import os; print(sorted(os.listdir(os.environ['CS682_DATA']))[:2], os.getuid() != 0)",
        "import socket; socket.create_connection(('127.0.0.1', 9), 2)",
        "open(os.environ['CS682_DATA'] + '/mine', 'w')",
        "import time\nfor i in range(60):\n    if not os.fork(): time.sleep(5); os._exit(0)",
    ]
    book = {"cells": [code(s) | {"execution_count": None, "id": f"c{i}"}
                      for i, s in enumerate(sources)],
            "metadata": {}, "nbformat": 4, "nbformat_minor": 5}  # fmt: skip
    (package / "notebooks").mkdir()
    (package / "notebooks" / "Dropout.ipynb").write_text(json.dumps(book))

    rerun_notebooks(package, data, tmp_path / "pages", rung)

    text = (tmp_path / "pages" / "Dropout.html").read_text()
    assert "41" in text
    assert "batches.meta" in text
    assert "True" in text
    assert "ConnectionRefusedError" in text  # its own loopback, where nothing listens
    assert "PermissionError" in text or "Read-only file system" in text
    assert "BlockingIOError" in text  # of 60 processes, beside those of the kernel
    assert not (data / "mine").exists()

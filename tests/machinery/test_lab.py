"""`python -m cs682 lab`: the same on every system, and no trace in the user's own settings."""

from __future__ import annotations

import json
import os
import sys

import pytest

from cs682.__main__ import main
from cs682.setup import lab


@pytest.fixture
def started(tmp_path, monkeypatch):
    """Note what would be started, in place of starting it."""
    commands = []

    def note(command, **options):
        commands.append((command, options))
        return 0

    monkeypatch.setattr(lab, "HOME", tmp_path / "build" / "lab")
    monkeypatch.setattr(lab.subprocess, "call", note)
    monkeypatch.setattr(lab, "name_language", lambda path: pytest.fail("this is no release"))
    return commands


def test_lab_puts_the_layout_in_place_and_starts_with_it(started):
    assert main(["lab", "--no-browser"]) == 0

    ((start, options),) = started
    (layout,) = (lab.HOME / "workspaces").glob("assignment*")
    assert json.loads(layout.read_text(encoding="utf-8")) == json.loads(
        lab.WORKSPACE.read_text(encoding="utf-8")
    )
    assert start[:4] == [sys.executable, "-m", "jupyter", "lab"]
    assert "--LabApp.default_url=/lab/workspaces/assignment" in start
    assert start[-1] == "--no-browser"
    assert options["cwd"] == lab.PACKAGE_HOME


def test_lab_asks_nothing_about_news_and_keeps_the_users_own_settings(started, monkeypatch):
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "mine")

    main(["lab"])

    _, options = started[-1]
    first, second = options["env"]["JUPYTER_CONFIG_PATH"].split(os.pathsep)
    overrides = os.path.join(first, "labconfig", "default_setting_overrides.json")
    with open(overrides, encoding="utf-8") as file:
        (settings,) = json.load(file).values()
    assert settings == {"fetchNews": "false"}
    assert second == "mine"


def test_lab_without_jupyterlab_says_who_helps(started, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "jupyterlab_server", None)
    monkeypatch.setitem(sys.modules, "jupyterlab_server.workspaces_handler", None)

    assert main(["lab"]) == 1
    assert "`python -m cs682 doctor` says what is wrong" in capsys.readouterr().err
    assert started == []


@pytest.mark.parametrize("command", ["check", "progress", "submit", "doctor", "data"])
def test_only_lab_takes_options_that_it_does_not_know(command, capsys):
    with pytest.raises(SystemExit):
        main([command, "--no-browser"])

    assert "unrecognized arguments: --no-browser" in capsys.readouterr().err


def test_the_layout_shows_files_that_are_there_beside_the_notebooks():
    data = json.loads(lab.WORKSPACE.read_text(encoding="utf-8"))["data"]
    books, files = data["layout-restorer:data"]["main"]["dock"]["children"]

    assert [name.split(":")[0] for name in books["widgets"]] == ["notebook"] * len(books["widgets"])
    for name in [*books["widgets"], *files["widgets"]]:
        assert (lab.PACKAGE_HOME / data[name]["data"]["path"]).is_file()
    assert "cs682/layers.py" in files["widgets"][0]


def test_a_fresh_notebook_is_told_its_python_once(tmp_path):
    path = tmp_path / "a.ipynb"
    path.write_text('{"metadata": {}, "cells": ["é"]}', encoding="utf-8")

    lab.name_language(path)
    first = path.read_text(encoding="utf-8")
    lab.name_language(path)

    book = json.loads(first)
    assert book["metadata"]["language_info"]["version"] == sys.version.split()[0]
    assert book["cells"] == ["é"]
    assert path.read_text(encoding="utf-8") == first


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"cells": []}',
        '{"metadata": 1}',
        '{"metadata": {"language_info": {"version": 3}}}',
    ],
)
def test_any_other_notebook_stays_as_it_is(tmp_path, text):
    path = tmp_path / "a.ipynb"
    path.write_text(text, encoding="utf-8")

    lab.name_language(path)

    assert path.read_text(encoding="utf-8") == text
    assert list(tmp_path.iterdir()) == [path]

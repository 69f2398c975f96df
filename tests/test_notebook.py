"""Reloading of edited files in a notebook, on the IPython of every place."""

from __future__ import annotations

import importlib
import sys
from types import SimpleNamespace

import pytest

from cs682 import notebook


class Shell:
    """Stand in for IPython's shell; `load` is what loading an extension does."""

    def __init__(self, load=lambda: None, loaded=()):
        self.load = load
        self.extension_manager = SimpleNamespace(loaded=set(loaded))
        self.magics = []

    def run_line_magic(self, name, argument):
        if name == "load_ext":
            self.load()
        self.magics.append(f"{name} {argument}")


def load_old_autoreload():
    """Do what the autoreload of IPython before 8 does first."""
    from imp import reload

    assert reload is importlib.reload  # ours, not the one that Python 3.11 still has


def test_old_autoreload_finds_the_module_that_new_python_lacks(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 13, 0))
    monkeypatch.delitem(sys.modules, "imp", raising=False)
    shell = Shell(load_old_autoreload)

    notebook._reload_edited_modules(shell)

    assert shell.magics == ["load_ext autoreload", "autoreload 2"]
    assert "imp" not in sys.modules


def test_autoreload_is_not_loaded_twice():
    shell = Shell(loaded=["autoreload"])

    notebook._reload_edited_modules(shell)

    assert shell.magics == ["autoreload 2"]


def test_a_student_is_told_when_files_are_not_reloaded(capsys):
    def fail():
        raise ImportError("no module")

    notebook._reload_edited_modules(Shell(fail))

    assert capsys.readouterr().out == (
        "Edited files are not reloaded here (no module): restart the kernel after an edit.\n"
    )


def test_an_old_python_is_named(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 9, 1))

    with pytest.raises(notebook.NotReadyError, match=r"Python is 3\.9; the assignment needs 3\.10"):
        notebook.start()

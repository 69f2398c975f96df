"""Reloading of edited files in a notebook, on the IPython of every place."""

from __future__ import annotations

import importlib
import os
import sys

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from cs682.checks import hint, solution
from cs682.setup import notebook


class Shell:
    """Stand in for the shell of an IPython that is not here; `load` is what loading does there."""

    def __init__(self, load):
        self.load = load
        self.magics = []

    def find_line_magic(self, name):
        return None

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


@pytest.fixture
def shell():
    return InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))


def test_the_first_cell_can_be_run_again_without_a_word(shell, capsys):
    for _ in range(2):
        notebook._reload_edited_modules(shell)

    assert capsys.readouterr() == ("", "")


def test_an_edit_that_does_not_parse_is_shown_once(shell, capsys, caplog, tmp_path, monkeypatch):
    file = tmp_path / "edited_layers.py"
    file.write_text("x = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("edited_layers")
    notebook._reload_edited_modules(shell)
    file.write_text("x = (1\n")
    os.utime(file, (0, file.stat().st_mtime + 1))

    shell.run_cell("1")

    assert "".join(capsys.readouterr()).count("SyntaxError: '(' was never closed") == 1
    assert not caplog.records  # where nobody listens, as in a notebook, these go to stderr


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


def test_a_notebook_knows_what_helps_by_name(shell, monkeypatch, capsys):
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    monkeypatch.setattr(shell, "run_line_magic", lambda *words: None)
    monkeypatch.setattr("cs682.checks.page.Page", lambda shell: None)
    monkeypatch.setattr(notebook, "_reload_edited_modules", lambda shell: None)

    notebook._prepare_page()

    assert (shell.user_ns["hint"], shell.user_ns["solution"]) == (hint, solution)
    monkeypatch.undo()
    asked = []
    monkeypatch.setattr("builtins.input", asked.append)  # as IPython's own command of this name
    assert shell.run_cell('reset("affine_forward")').success
    assert "In a terminal: python -m cs682 reset fc-1.1" in capsys.readouterr().out
    assert asked == []


def test_first_cell_refuses_to_start_beside_a_file_that_hides_a_package(monkeypatch, tmp_path):
    files = [tmp_path / "test.py", tmp_path / "numpy.py"]
    monkeypatch.setattr(notebook, "find_hiding", lambda: files)

    with pytest.raises(notebook.NotReadyError, match=r"numpy\.py hides the package numpy: give"):
        notebook.start()

"""`python -m staff matrix`: which combinations are tried, and what is said of them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from staff import matrix
from staff.__main__ import main
from staff.matrix import Cell

VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"


def test_supported_versions_are_those_of_pyproject():
    assert matrix.supported_versions() == ["3.10", "3.11", "3.12", "3.13", "3.14"]


def test_each_python_gets_an_old_and_the_newest_numpy():
    program = Path("python")

    assert [cell.numpy for cell in matrix.row("3.12", program)] == ["1.26", ""]
    assert [cell.name for cell in matrix.row("3.13", program)] == [
        "py3.13-numpy-2.1",
        "py3.13-numpy-newest",
    ]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Keep pyenv and the PATH out of it, and environments away from `build`."""
    monkeypatch.setattr(matrix, "PYENV", tmp_path / "versions")
    monkeypatch.setattr(matrix, "ENVIRONMENTS", tmp_path / "matrix")
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def write_python(path: Path, version: str) -> Path:
    """Write a program that says it is some version."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {version}\n")
    path.chmod(0o755)
    return path


@pytest.mark.skipif(sys.platform == "win32", reason="a script for a shell")
def test_find_pythons_passes_over_a_program_that_is_another_version(folder):
    write_python(folder / "python3.12", "3.11")
    real = write_python(folder / "versions" / "3.12.7" / "bin" / "python", "3.12")

    assert matrix.find_pythons(["3.12", "3.13"]) == {"3.12": real, "3.13": None}


def test_matrix_says_which_pythons_are_missing_and_fails_when_all_are(folder, capsys):
    assert main(["matrix", "3.10", "3.11"]) == 1

    assert capsys.readouterr().out.splitlines() == [
        "Python 3.10: not on this machine",
        "Python 3.11: not on this machine",
    ]


@pytest.fixture
def own_python(folder, monkeypatch):
    """Let this Python stand for the one environment there is."""
    monkeypatch.setattr(matrix, "_find_python", lambda version: Path(sys.executable))
    monkeypatch.setattr(matrix, "_environment", lambda cell, log: Path(sys.executable))
    monkeypatch.setattr(matrix, "row", lambda version, program: [Cell(version, program, "")])
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(("claim", "status"), [("True", 0), ("False", 1)])
def test_matrix_reports_the_last_line_of_each_run(own_python, capsys, claim, status):
    (own_python / "test_x.py").write_text(f"def test_claim():\n    assert {claim}\n")

    assert main(["matrix", VERSION, "--tests", str(own_python / "test_x.py")]) == status

    out = capsys.readouterr().out
    assert out.startswith(f"Python {VERSION}, NumPy ")
    assert ("1 passed" in out) == (status == 0)
    assert (".log" in out) == (status == 1)


def test_matrix_says_where_an_environment_could_not_be_made(folder, monkeypatch, capsys):
    monkeypatch.setattr(matrix, "_find_python", lambda version: folder / "no python")
    monkeypatch.setattr(matrix, "row", lambda version, program: [Cell(version, program, "1.26")])
    write_python(folder / "no python", "3.12")
    (folder / "no python").write_text("#!/bin/sh\nexit 1\n")

    assert main(["matrix", "3.12"]) == 1
    assert f"cannot install, see {folder}" in capsys.readouterr().out

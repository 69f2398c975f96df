"""`python -m cs682 submit`: what stops it, and what it leaves then."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import zipfile

import pytest

from cs682.__main__ import main
from cs682.hand_in.pack import write_zip
from tests.machinery.assignments import ROOT


def drop(root):
    (root / "cs682" / "optim.py").unlink()


def make_folder(root):
    drop(root)
    (root / "cs682" / "optim.py").mkdir()


def make_link(root):
    drop(root)
    (root / "cs682" / "optim.py").symlink_to(ROOT / "cs682" / "optim.py")


def hold(name, content):
    return lambda root: (root / name).write_bytes(content)


def rename_book(root):
    book = root / "notebooks" / "Dropout.ipynb"
    book.rename(book.with_name("Dropout-eve.ipynb"))


def cut_model(root):
    path = root / "notebooks" / "best_model.npz"
    path.write_bytes(path.read_bytes()[:100])


DROPOUT = "notebooks/Dropout.ipynb"
LATIN = "# é".encode("latin1")
DAMAGED = b'{"nbformat": 4, "cells": [{"source": 1}]}'


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (drop, "cs682/optim.py is missing from "),
        (rename_book, ": is it Dropout-eve.ipynb? Then name that Dropout.ipynb again"),
        (make_folder, "cs682/optim.py cannot be read: Is a directory"),
        (make_link, "cs682/optim.py is a link to "),
        (hold("cs682/optim.py", LATIN), "cs682/optim.py line 1: a character is not in UTF-8"),
        (hold(DROPOUT, b"{"), f"{DROPOUT} cannot be handed in: it is no notebook (Expecting"),
        (hold(DROPOUT, b"[]"), "it is no notebook of format 4"),
        (hold(DROPOUT, DAMAGED), "its cells are damaged"),
        (cut_model, "is not a complete checkpoint"),
    ],
)
def test_submit_stops_at_what_cannot_be_read(root, capsys, damage, words):
    damage(root)

    assert main(["submit"]) == 1

    errors = capsys.readouterr().err
    assert errors.startswith("nothing to hand in yet: ")
    assert words in errors
    assert not (root / "hand-in.zip").exists()


def test_submit_stops_outside_of_an_assignment(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("cs682.setup.assignment.PACKAGE_HOME", tmp_path)

    assert main(["submit"]) == 1
    assert "go to the folder of the assignment" in capsys.readouterr().err


@pytest.mark.parametrize("out", ["", "no such folder/x.zip"])
def test_submit_says_when_the_zip_cannot_be_written(root, tmp_path, capsys, out):
    before = sorted(tmp_path.rglob("*"))

    assert main(["submit", "--out", str(tmp_path / out)]) == 1

    assert str(tmp_path) in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.skipif(sys.platform == "win32", reason="Windows limits no file's size")
def test_a_full_disk_leaves_the_old_zip_as_it_was(tmp_path):
    (tmp_path / "hand-in.zip").write_text("old")
    program = """
        import os, resource, signal
        from pathlib import Path
        from cs682.hand_in.pack import HandInError, write_zip
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        try:
            write_zip(Path("hand-in.zip"), {"noise": os.urandom(5000)})
        except HandInError as error:
            print(error)
    """

    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "hand-in.zip cannot be written: File too large\n"
    assert [path.name for path in tmp_path.iterdir()] == ["hand-in.zip"]
    assert (tmp_path / "hand-in.zip").read_text() == "old"


def test_write_zip_cleans_up_after_an_interrupt(tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(zipfile.ZipFile, "writestr", interrupt)

    with pytest.raises(KeyboardInterrupt):
        write_zip(tmp_path / "x.zip", {"a": b""})

    assert list(tmp_path.iterdir()) == []

"""`python -m cs682 submit`: what goes into a hand-in, what is remarked on, what stops it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import nbformat
import numpy as np
import pytest

from cs682.__main__ import main
from cs682.checks.answers import HELP_USED
from cs682.checks.exercises import EXERCISES
from cs682.hand_in import models as hand_in
from cs682.hand_in import pack as submit
from cs682.hand_in import pdf as _browser
from cs682.hand_in.pack import collect, describe, write_zip
from cs682.hand_in.pdf import PrintError
from cs682.setup.packages import edition
from tests.machinery.assignments import NOTEBOOKS

ROOT = Path(__file__).resolve().parents[2]
ALL_PASSED = "import json\nprint(json.dumps({}))"


def edit(root, name, change):
    """Change a notebook of the assignment."""
    path = root / "notebooks" / name
    book = nbformat.read(path, as_version=4)
    change(book)
    nbformat.write(book, path)


# --- what is in it


def test_submit_packs_what_belongs_in_and_nothing_else(root, capsys):
    for stray in ("cs682/__pycache__/x.py", "datasets/data_batch_1", "notebooks/checkpoint.npz"):
        (root / stray).parent.mkdir(exist_ok=True)
        (root / stray).write_text("stray")
    (root / "notebooks" / ".ipynb_checkpoints").mkdir()
    (root / "notebooks" / ".ipynb_checkpoints" / "Dropout-checkpoint.ipynb").write_text("old")

    assert main(["submit"]) == 0

    with zipfile.ZipFile(root / "hand-in.zip") as packed:
        names = packed.namelist()
    code = sorted(p.relative_to(ROOT).as_posix() for p in ROOT.glob("cs682/**/*.py"))
    assert [name for name in names if name.startswith("cs682/")] == code
    assert [name for name in names if not name.startswith("cs682/")] == [
        "answers.pdf",
        "hand-in.json",
        *(f"html/{name.replace('ipynb', 'html')}" for name in NOTEBOOKS),
        "html/answers.html",
        *sorted(f"notebooks/{name}" for name in [*NOTEBOOKS, *hand_in.MODELS.values()]),
    ]
    assert "Nothing is left open." in capsys.readouterr().out


def test_submit_gives_the_same_bytes_for_the_same_work(root, tmp_path):
    assert main(["submit", "--out", str(tmp_path / "1.zip")]) == 0
    assert main(["submit", "--out", str(tmp_path / "2.zip")]) == 0

    assert (tmp_path / "1.zip").read_bytes() == (tmp_path / "2.zip").read_bytes()


def test_submit_lists_content_and_size(root):
    out, packed = submit.submit()

    text = describe(out, packed)

    assert text.startswith(f"{out} (0.")
    assert "  notebooks/best_model.npz  0.00 MB" in text
    assert re.search(
        rf"  cs682/  {len(list(ROOT.glob('cs682/**/*.py')))} files of code, \d\.\d\d MB", text
    )


def test_manifest_names_each_file_and_holds_no_place_of_this_machine(root):
    files = collect(root).files

    manifest = json.loads(files["hand-in.json"])

    assert manifest["files"].keys() == files.keys() - {"hand-in.json"}
    assert manifest["versions"]["numpy"] == np.__version__
    assert manifest["versions"]["release"] == edition()
    assert str(root.parent) not in files["hand-in.json"].decode()


def test_manifest_holds_what_is_said_of_help(root):
    def tell(book):
        asked = nbformat.v4.new_markdown_cell(HELP_USED, id="help-text")
        book.cells += [asked, nbformat.v4.new_markdown_cell("A friend, in 1.1.")]

    assert json.loads(collect(root).files["hand-in.json"])["help"] == {}
    edit(root, "Dropout.ipynb", tell)

    manifest = json.loads(collect(root).files["hand-in.json"])

    assert manifest["help"] == {"Dropout.ipynb": "A friend, in 1.1."}


# --- what is remarked on


def forget_counts(book):
    for cell in book.cells:
        cell.execution_count = None


def leave_last_out(book):
    book.cells[-1].execution_count = None


def run_out_of_order(book):
    book.cells[0].execution_count = 7


def end_in_error(book):
    error = nbformat.v4.new_output("error", ename="CheckError", evalue="no", traceback=[])
    book.cells[1].outputs = [error]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (forget_counts, "it has not been run"),
        (leave_last_out, "cell 2 (print(x)) not run"),
        (run_out_of_order, "cell 1 (x = 1) was run after the cell below it: restart"),
        (end_in_error, "cell 2 (print(x)) ended in CheckError"),
    ],
)
def test_submit_names_the_cell_that_was_not_run_in_order(root, capsys, change, words):
    edit(root, "Dropout.ipynb", change)

    assert main(["submit"]) == 0

    out = capsys.readouterr().out
    assert "you can hand it in all the same" in out
    assert f"  - notebooks/Dropout.ipynb: {words}" in out


def test_the_board_runs_after_the_notebook_is_saved(root):
    def add_board(book):
        book.cells.append(nbformat.v4.new_code_cell("progress()\n"))

    edit(root, "Dropout.ipynb", add_board)

    assert collect(root).remarks == []


def test_the_last_cell_may_be_run_again(root):
    def run_board_again(book):
        book.cells[-1].execution_count = 9

    edit(root, "Dropout.ipynb", run_board_again)

    assert collect(root).remarks == []


def test_empty_cells_and_text_do_not_count(root):
    def add(book):
        book.cells.insert(1, nbformat.v4.new_code_cell(" \n"))
        book.cells.insert(0, nbformat.v4.new_markdown_cell("text"))

    edit(root, "Dropout.ipynb", add)

    assert collect(root).remarks == []


def test_submit_lists_what_is_open(root, monkeypatch, capsys):
    states = dict.fromkeys(EXERCISES, "passed") | {"fc-1.1": "wrong", "do-q1": "open"}
    monkeypatch.setattr(submit, "_STATES", f"print('noise')\nprint({json.dumps(states)!r})")

    assert main(["submit"]) == 0

    out = capsys.readouterr().out
    assert "  - fc-1.1 is wrong: Affine layer: forward (2 points)" in out
    assert "  - do-q1 is open: What if nothing is divided by p? (2 points)" in out
    assert "fc-1.2" not in out
    assert out.endswith("Save the notebook, then submit again.\n")


def test_submit_speaks_of_no_notebook_where_none_may_be_unsaved(root, monkeypatch, capsys):
    states = dict.fromkeys(EXERCISES, "passed") | {"fc-1.1": "open"}
    monkeypatch.setattr(submit, "_STATES", f"print({json.dumps(states)!r})")

    assert main(["submit"]) == 0

    assert "Save the notebook" not in capsys.readouterr().out


def test_submit_remarks_on_a_missing_model(root):
    (root / "notebooks" / "best_model.npz").unlink()

    assert collect(root).remarks == [
        "notebooks/best_model.npz is missing: the training of fc-5.1 writes it"
    ]


def test_submit_says_why_the_checks_cannot_run(root, monkeypatch):
    monkeypatch.setattr(submit, "_STATES", "import nothing_of_this_name")

    (remark,) = collect(root).remarks

    assert remark.startswith("the checks cannot run: ModuleNotFoundError: No module named")


@pytest.mark.slow
def test_submit_packs_code_that_cannot_even_be_imported(root, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(_browser, "print_page", lambda page: b"%PDF")
    (root / "cs682" / "layers.py").write_text("def affine_forward(:\n")

    packed = collect(root)

    assert packed.states["fc-1.1"] == packed.states["fc-3.3"] == "wrong"
    assert packed.files["cs682/layers.py"] == b"def affine_forward(:\n"


def test_submit_does_not_wait_for_ever(root, monkeypatch):
    monkeypatch.setattr(submit, "_STATES", "import time; time.sleep(60)")
    monkeypatch.setattr(submit, "CHECK_SECONDS", 0.5)

    assert collect(root).remarks == ["the checks did not end within 0.5 s"]


@pytest.mark.slow
def test_submit_runs_the_checks_of_the_assignment_it_packs(root, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(_browser, "print_page", lambda page: b"%PDF")
    layers = root / "cs682" / "layers.py"
    layers.write_text(layers.read_text() + "\n\ndef relu_forward(x):\n    return -x, x\n")

    states = collect(root).states

    assert states["fc-1.3"] == "wrong"
    assert states["fc-1.6"] == "passed"  # given, so done in every assignment
    assert states["fc-q1"] == "open"


# --- what stops it


def drop(root):
    (root / "cs682" / "optim.py").unlink()


def make_folder(root):
    drop(root)
    (root / "cs682" / "optim.py").mkdir()


def make_link(root):
    drop(root)
    (root / "cs682" / "optim.py").symlink_to(ROOT / "cs682" / "optim.py")


def write_latin(root):
    (root / "cs682" / "optim.py").write_bytes("# é".encode("latin1"))


def break_json(root):
    (root / "notebooks" / "Dropout.ipynb").write_text("{")


def empty_notebook(root):
    (root / "notebooks" / "Dropout.ipynb").write_text("[]")


def break_cells(root):
    (root / "notebooks" / "Dropout.ipynb").write_text('{"nbformat": 4, "cells": [{"source": 1}]}')


def rename_book(root):
    book = root / "notebooks" / "Dropout.ipynb"
    book.rename(book.with_name("Dropout-eve.ipynb"))


def cut_model(root):
    path = root / "notebooks" / "best_model.npz"
    path.write_bytes(path.read_bytes()[:100])


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (drop, "cs682/optim.py is missing from "),
        (rename_book, ": is it Dropout-eve.ipynb? Then name that Dropout.ipynb again"),
        (make_folder, "cs682/optim.py cannot be read: Is a directory"),
        (make_link, "cs682/optim.py is a link to "),
        (write_latin, "cs682/optim.py line 1: a character is not in UTF-8"),
        (break_json, "notebooks/Dropout.ipynb cannot be handed in: it is no notebook (Expecting"),
        (empty_notebook, "it is no notebook of format 4"),
        (break_cells, "its cells are damaged"),
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


# --- pages and PDF


def test_pages_need_nothing_of_the_network(root):
    def add(book):
        book.cells.append(
            nbformat.v4.new_markdown_cell(r"Euler: $e^{i\pi} = -1$ and $$\frac{1}{2}$$")
        )

    edit(root, "Dropout.ipynb", add)

    page = collect(root).files["html/Dropout.html"].decode()

    assert "<script" not in page
    assert 'src="http' not in page
    assert page.count("<math") == 2


def test_answers_page_shows_question_and_answer_in_order(root):
    def add(book):
        book.cells += [
            nbformat.v4.new_markdown_cell("**Question do-q1** · What if? · 2 points\n\nWhy?"),
            nbformat.v4.new_markdown_cell(r"Because $x < y$ & so on, $\badly{$, $\left( <b>$"),
        ]

    edit(root, "Dropout.ipynb", add)

    page = collect(root).files["html/answers.html"].decode()

    assert page.count("<h2>") == sum(row.is_question for row in EXERCISES.values())
    assert page.count("Not answered.") == page.count("<h2>") - 1
    assert page.index("<h2>fc-q1") < page.index("<h2>do-q1") < page.index("<p>Why?")
    assert page.index("<p>Why?") < page.index("Because <math")
    assert "( &lt;b&gt;" in page  # of a formula that cannot be typeset


def test_a_hand_in_goes_without_pdf_where_there_is_no_browser(root, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(submit, "_STATES", ALL_PASSED)
    monkeypatch.setattr(_browser, "find_browser", lambda: None)

    packed = collect(root)

    assert "answers.pdf" not in packed.files
    assert packed.remarks == [
        "no answers.pdf: there is no Chromium, Chrome or Edge here to print with; "
        "html/answers.html has the same"
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="a script for a shell")
def test_print_page_says_what_the_browser_said(tmp_path, monkeypatch):
    browser = tmp_path / "chromium"
    browser.write_text("#!/bin/sh\necho 'cannot open display' >&2\nexit 3\n")
    browser.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    with pytest.raises(PrintError, match=r"did not print \(status 3\): cannot open display"):
        _browser.print_page("<p>x</p>")


@pytest.mark.slow
@pytest.mark.skipif(_browser.find_browser() is None, reason="no Chromium, Chrome or Edge here")
def test_print_page_prints():
    content = _browser.print_page("<!DOCTYPE html><meta charset='utf-8'><h1>Answers</h1>")

    assert content.startswith(b"%PDF")
    assert content.rstrip().endswith(b"%%EOF")

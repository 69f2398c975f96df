"""`python -m cs682 submit`: what goes into a hand-in, and what is remarked on."""

from __future__ import annotations

import json
import re
import zipfile

import nbformat
import numpy as np
import pytest

from cs682.__main__ import main
from cs682.checks.answers import HELP_USED
from cs682.checks.exercises import EXERCISES
from cs682.hand_in import models as hand_in
from cs682.hand_in import pack as submit
from cs682.hand_in import pdf as _browser
from cs682.hand_in.pack import collect, describe
from cs682.setup.packages import edition
from tests.machinery.assignments import NOTEBOOKS, ROOT, edit

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
        (forget_counts, "no cell of it shows that it was run: run them all"),
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


def add_board(book):
    book.cells.append(nbformat.v4.new_code_cell("progress()\n"))


def run_last_again(book):
    book.cells[-1].execution_count = 9


def add_text_and_an_empty_cell(book):
    book.cells.insert(1, nbformat.v4.new_code_cell(" \n"))
    book.cells.insert(0, nbformat.v4.new_markdown_cell("text"))


@pytest.mark.parametrize("change", [add_board, run_last_again, add_text_and_an_empty_cell])
def test_cells_that_need_no_order_are_not_remarked_on(root, change):
    edit(root, "Dropout.ipynb", change)

    assert collect(root).remarks == []


def test_submit_lists_what_is_open(root, monkeypatch, capsys):
    states = dict.fromkeys(EXERCISES, "passed") | {"fc-1.1": "wrong", "do-q1": "open"}
    states["fc-2.4"] = "open"
    monkeypatch.setattr(submit, "_STATES", f"print('noise')\nprint({json.dumps(states)!r})")

    assert main(["submit"]) == 0

    out = capsys.readouterr().out
    assert "  - fc-1.1 is wrong: Affine layer: forward (2 points)" in out
    said = "  - fc-2.4 is open: Train the two-layer net ("
    assert re.search(re.escape(said) + r"\d points\): its model is kept\. Save the notebook; ", out)
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

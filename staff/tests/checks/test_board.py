"""The board: what is passed and answered adds up to the points of the course."""

from __future__ import annotations

import json
import re
import shutil
import time

import numpy as np
import pytest

from cs682.checks import EXERCISES, board, check, limit
from cs682.checks.run import Result
from cs682.classifiers.fc_net import TwoLayerNet
from cs682.hand_in import keep_model, load_model
from staff.release.files import ROOT

FULL = sum(row.points for row in EXERCISES.values())
BOOK = "FullyConnectedNets.ipynb"
GONE = "open: the cell of its {} is gone, `python -m cs682 reset {}` brings it back"
READ = sum(row.points for row in EXERCISES.values() if row.is_question)


@pytest.mark.slow
def test_board_of_the_reference_is_complete():
    text = str(board.progress(ROOT / "notebooks"))

    assert (
        f"{FULL} of {FULL} points: {FULL - READ} passed, {READ} answered, which a person reads"
        in text
    )


def test_board_counts_what_is_there(tmp_path, monkeypatch):
    monkeypatch.setattr(board, "CHECKS", {})  # all from what the notebook shows
    shutil.copy(ROOT / "notebooks" / "Dropout.ipynb", tmp_path)

    text = str(board.progress(tmp_path))

    assert f"14 of {FULL} points: 8 passed, 6 answered, which a person reads" in text
    assert "Dropout: 14 of 14" in text
    assert "FullyConnectedNets: 0 of " in text


def lines_by_exercise(notebooks=board.NOTEBOOKS):
    """Give a function that returns the board's line of an exercise."""
    lines = str(board.progress(notebooks)).splitlines()
    return lambda exercise: next(line for line in lines if line.split()[:1] == [exercise])


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        ("line 7: SyntaxError: invalid syntax\n  x =", "cs682/layers.py line 7: SyntaxError"),
        ("line 3: Git has left a conflict here", "cs682/layers.py line 3: Git has left a conflict"),
    ],
    ids=["syntax", "conflict"],
)
def test_board_says_why_the_exercises_of_a_broken_file_are_wrong(monkeypatch, trouble, said):
    monkeypatch.setattr(board, "find_troubles", lambda: {"cs682/layers.py": trouble})
    monkeypatch.setattr(board, "find_states", lambda _: dict.fromkeys(EXERCISES, "wrong"))

    line_of = lines_by_exercise()

    assert f"wrong: {said}" in line_of("fc-1.1")
    assert f"wrong: {said}" in line_of("fc-3.3")  # rests on that file
    assert said not in line_of("fc-4.1")


@pytest.fixture
def saved(tmp_path, monkeypatch):
    """Give a function that saves the first notebook without outputs or some cells, as run."""
    monkeypatch.setattr(board, "CHECKS", {})

    def save(*gone, passed=("fc-2.4", "fc-3.4"), ago=60.0):
        book = json.loads((ROOT / "notebooks" / BOOK).read_text(encoding="utf-8"))
        book["cells"] = [cell | {"outputs": []} for cell in book["cells"] if cell["id"] not in gone]
        (tmp_path / BOOK).write_text(json.dumps(book), encoding="utf-8")
        monkeypatch.setattr(board, "PASSED", dict.fromkeys(passed, time.time() - ago))
        return tmp_path

    return save


def test_board_counts_a_training_that_passed_before_the_notebook_was_saved(saved):
    line_of = lines_by_exercise(saved(passed=["fc-2.4"], ago=0.0))

    assert line_of("fc-2.4").endswith("passed: save the notebook")
    assert line_of("fc-3.4").endswith("open")


def test_board_counts_no_training_that_the_notebook_saved_since_does_not_show(saved):
    line_of = lines_by_exercise(folder := saved("overfit-three"))

    assert line_of("fc-2.4").endswith(
        "open: it passed, but its saved cell does not show it: run that cell again and save"
    )
    assert line_of("fc-3.4").endswith(GONE.format("check", "fc-3.4"))
    assert ": 0 passed, " in str(board.progress(folder))


def test_board_names_a_training_s_cell_that_is_gone_before_it_passed(saved):
    line_of = lines_by_exercise(saved("overfit-three", passed=()))

    assert line_of("fc-3.4").endswith(GONE.format("check", "fc-3.4"))
    assert line_of("fc-2.4").endswith("open")


def test_board_says_how_a_kept_model_counts_and_that_does(tmp_path, monkeypatch, capsys):
    folder = tmp_path / "notebooks"
    shutil.copytree(ROOT / "notebooks", folder)
    shutil.copy(ROOT / "assignment.json", tmp_path)
    monkeypatch.chdir(folder)
    model = TwoLayerNet(hidden_dim=5)
    keep_model("fc-2.4", model)
    X = np.random.default_rng(682).standard_normal((500, 3, 32, 32))
    names = {"data": {"X_val": X, "y_val": model.loss(X).argmax(axis=1)}}
    monkeypatch.setattr(board, "find_states", lambda _: dict.fromkeys(EXERCISES, "open"))
    monkeypatch.setattr(board, "PASSED", {})
    monkeypatch.setattr(limit, "PASSED", {})

    line = lines_by_exercise(folder)("fc-2.4")

    assert ": its model is kept. Save the notebook; if that shows no `passed`, run " in line
    call = re.search(r"run (check\(.*\)) in a new cell", line)
    eval(call[1], names | {"check": check, "load_model": load_model})
    assert "passed  fc-2.4" in capsys.readouterr().out


def test_board_says_of_a_kept_model_what_is_shortest(saved):
    folder = saved(passed=("fc-2.4",))
    for name in ("two_layer_net.npz", "overfit_three_layers.npz", "best_conv_net.npz"):
        (folder / name).write_bytes(b"")

    line_of = lines_by_exercise(folder)

    assert ": it passed, but its saved cell does not show it: run check(" in line_of("fc-2.4")
    assert "if that shows no `passed`, run that cell again and save" in line_of("fc-3.4")
    assert "its model is kept" not in line_of("cn-4.3")  # its notebook is missing


@pytest.mark.parametrize("gone", [("a2",), ("q2", "a2")])
def test_board_names_an_answer_s_cell_that_is_gone(saved, gone):
    line_of = lines_by_exercise(saved(*gone))

    assert line_of("fc-q2").endswith(GONE.format("answer", "fc-q2"))
    assert line_of("fc-q3").endswith("answered")


def test_board_gives_a_page_time_to_show_what_a_check_said(saved):
    line_of = lines_by_exercise(saved(ago=1.0))

    assert line_of("fc-2.4").endswith("passed: save the notebook")


def test_board_names_a_notebook_that_is_gone(monkeypatch, tmp_path):
    monkeypatch.setattr(board, "NOTEBOOKS", tmp_path / "notebooks")
    monkeypatch.setattr(board, "find_states", lambda _: dict.fromkeys(EXERCISES, "open"))

    line_of = lines_by_exercise()

    assert line_of("do-q1").endswith("open: notebooks/Dropout.ipynb is missing")
    assert line_of("fc-1.1").endswith("open")

    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "Dropout-eve.ipynb").touch()

    assert lines_by_exercise()("do-q1").endswith(
        "missing: is it Dropout-eve.ipynb? Then name that Dropout.ipynb again"
    )


@pytest.mark.parametrize(("state", "status"), [("open", 0), ("passed", 0), ("wrong", 1)])
def test_progress_fails_over_what_is_wrong_and_says_it_in_markdown(
    monkeypatch, tmp_path, state, status
):
    results = {key: Result(row, "open", "") for key, row in EXERCISES.items()}
    results["fc-4.1"] = Result(EXERCISES["fc-4.1"], state, "v is <wrong> | `v`\n  Likely cause: mu")
    monkeypatch.setattr(board, "find_results", lambda **_: results)
    (tmp_path / "page.md").write_text("before\n", encoding="utf-8")

    assert board.run_progress(tmp_path / "page.md") == status

    text = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert f"| fc-4.1 | SGD with momentum | 2 | {state} |" in text
    assert ("\n      v is <wrong> | `v`\n" in text) == (state == "wrong")  # indented: as it is


def test_progress_names_a_copy_of_a_notebook_that_holds_something_else(
    monkeypatch, tmp_path, capsys
):
    monkeypatch.setattr(board, "NOTEBOOKS", tmp_path)
    results = {key: Result(row, "passed", "") for key, row in EXERCISES.items()}
    monkeypatch.setattr(board, "find_results", lambda **_: results)
    for name, content in (("Dropout", "{}"), ("Dropout-Copy1", "{ }"), ("Dropout old", "{}")):
        (tmp_path / f"{name}.ipynb").write_text(content, encoding="utf-8")

    assert board.run_progress() == 0

    said = "Dropout-Copy1.ipynb does not count, nor is it handed in: write into Dropout.ipynb"
    assert capsys.readouterr().out.splitlines()[-1] == said


def test_progress_says_where_the_board_is_if_a_notebook_cannot_be_read(monkeypatch, tmp_path):
    def fail(**_):
        raise ValueError("Dropout.ipynb: no notebook")

    monkeypatch.setattr(board, "find_results", fail)

    assert board.run_progress(tmp_path / "page.md") == 1

    assert "no board: Dropout.ipynb: no notebook" in (tmp_path / "page.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("open", {"fc-1.5": "open: waits for fc-1.1", "fc-1.2": "open", "fc-1.1": "open"}),
        ("wrong", {"fc-1.2": "wrong: first mend fc-1.1", "fc-1.1": "wrong"}),
        ("passed", {"fc-1.5": "passed", "fc-1.2": "passed"}),
    ],
)
def test_board_names_what_is_to_be_done_first(monkeypatch, state, said):
    monkeypatch.setattr(board, "find_states", lambda _: dict.fromkeys(EXERCISES, state))

    line_of = lines_by_exercise()

    assert {key: line_of(key).endswith(text) for key, text in said.items()} == dict.fromkeys(
        said, True
    )

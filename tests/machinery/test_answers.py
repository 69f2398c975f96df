"""Answers are read where students write them, and nowhere else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cs682.checks import EXERCISES, board
from cs682.checks.answers import (
    ANSWER_PROMPT,
    HELP_USED,
    QUESTION_END,
    answer_text,
    find_question,
    help_text,
    question_text,
    read_cells,
)
from cs682.hand_in.pages import answers_page

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
QUESTIONS = [row for row in EXERCISES.values() if row.is_question]


def cell(source, id_="0f3a9c2e", *, kind="markdown", tags=()):
    return {"cell_type": kind, "id": id_, "source": source, "metadata": {"tags": list(tags)}}


ASKED = cell(f"**Question fc-q1** · Which? · 2 points\n\nSay which.\n\n{QUESTION_END}", "q1")
NEXT = cell("### 1.5 Given\n\nRead it.", "sandwich-text")
CODE = cell("x = 1", "relu-look", kind="code")
PROMPT = cell(ANSWER_PROMPT, "a1", tags=["answer"])
WAYS = {
    "in its cell": ([ASKED, cell("one", "a1", tags=["answer"]), NEXT], "one"),
    "behind the prompt": ([ASKED, cell(f"{ANSWER_PROMPT} one", "a1", tags=["answer"])], "one"),
    "in a cell below": ([ASKED, PROMPT, cell("one"), NEXT], "one"),
    "in both": ([ASKED, cell("one", "a1", tags=["answer"]), cell("two"), NEXT], "one\n\ntwo"),
    "split": ([ASKED, *(cell(t, tags=["answer"]) for t in ("one", "two")), NEXT], "one\n\ntwo"),
    "in the question": ([cell(ASKED["source"] + "\n\none", "q1"), PROMPT, NEXT], "one"),
    "in the question alone": ([cell(ASKED["source"] + " one", "q1"), NEXT], "one"),
    "another cell made for it": ([ASKED, cell("one"), NEXT], "one"),
    "with a heading": ([ASKED, cell("# My answer\none"), NEXT], "# My answer\none"),
    "with code": ([ASKED, cell("x + 1", kind="code"), NEXT], "```python\nx + 1\n```"),
    "below a copy of the question": ([ASKED, PROMPT, NEXT, ASKED, cell("one")], "one"),
    "not at all": ([ASKED, PROMPT, NEXT], ""),
    "deleted": ([ASKED, NEXT], ""),
    "deleted before code": ([ASKED, CODE, cell("no answer")], ""),
    "no question": ([PROMPT, cell("one"), NEXT], ""),
}


@pytest.mark.parametrize("way", WAYS)
def test_an_answer_is_what_stands_between_question_and_notebook(way):
    cells, answer = WAYS[way]

    assert answer_text("fc-q1", cells) == answer


@pytest.mark.parametrize("way", [way for way in WAYS if "heading" not in way and "code" not in way])
def test_the_same_is_read_where_a_tool_has_thrown_ids_away(way):
    cells, answer = WAYS[way]
    bare = [{k: v for k, v in c.items() if k != "id"} for c in cells]

    assert answer_text("fc-q1", bare) == answer


@pytest.mark.parametrize("way", WAYS)
def test_board_page_and_reader_agree(way, tmp_path):
    cells, answer = WAYS[way]
    book = {"nbformat": 4, "cells": cells}
    (tmp_path / "FullyConnectedNets.ipynb").write_text(json.dumps(book), encoding="utf-8")

    page = answers_page({"FullyConnectedNets.ipynb": cells}, "Answers").partition("fc-q2")[0]
    states = board.find_states(tmp_path, ["fc-q1"])

    assert states == {"fc-q1": "answered" if answer else "open"}
    assert ("Not answered." in page) == (not answer)
    assert all(word in page for word in ("one", "two") if word in answer)
    assert QUESTION_END not in page


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
@pytest.mark.parametrize("bare", [False, True], ids=["with ids", "without ids"])
def test_help_is_read_from_its_cell_in_each_notebook_and_shown_on_the_page(path, bare):
    cells = read_cells(path.read_bytes())
    (place,) = (i for i, c in enumerate(cells) if c["source"].startswith(HELP_USED))
    assert (help_text(cells), cells[place + 1]["source"]) == ("", ANSWER_PROMPT)

    cells[place + 1]["source"] = "A friend, in 1.1, and $x < y$."
    cells = [{k: v for k, v in c.items() if k != "id"} for c in cells] if bare else cells

    assert help_text(cells) == "A friend, in 1.1, and $x < y$."
    page = answers_page({path.name: cells}, "Answers").partition(f"<h2>Help used in {path.name}")[2]
    assert "A friend, in 1.1, and <math" in page


@pytest.mark.parametrize("row", QUESTIONS, ids=lambda row: row.id)
def test_each_question_says_where_it_ends(row):
    cells = read_cells((NOTEBOOKS / row.notebook).read_bytes())

    question = find_question(row.id, cells)

    assert question["source"].endswith(QUESTION_END)
    assert question_text(question)


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_no_given_cell_is_taken_for_an_answer(path):
    """Each given cell, put right behind a question, ends the answer."""
    for given in read_cells(path.read_bytes()):
        if "answer" not in given["metadata"].get("tags", []):
            assert not answer_text("fc-q9", [cell("**Question fc-q9**", "q9"), given]), given["id"]

"""Answers are found below their questions, and earn nothing until a person has read them."""

from __future__ import annotations

import json

import pytest

from cs682.checks import EXERCISES
from cs682.checks.answers import ANSWER_PROMPT, read_cells
from cs682.checks.board import NOTEBOOKS
from staff.grading.intake import books
from staff.grading.intake.locate import Package
from staff.grading.judging.answers import QUESTIONS, outcome_of, read_answers
from staff.grading.results.facts import find_pasted
from staff.tests.grading.records import CODE, READ, record_of
from staff.tests.grading.typed import QUESTION


def write_book(folder, cells) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "FullyConnectedNets.ipynb").write_text(json.dumps({"nbformat": 4, "cells": cells}))


def cell_of(source, id_="1f4e9a02", tags=()):
    return {"cell_type": "markdown", "id": id_, "source": source, "metadata": {"tags": list(tags)}}


ASKED = cell_of("**Question fc-q1** · Which?", "q1")
NEXT = cell_of("### 1.5 Given", "sandwich-text")


def read(folder, *cells):
    write_book(folder, [ASKED, *cells])
    return read_answers(folder)[0].get(QUESTION, "")


def test_reference_answers_are_all_found():
    answers, problems = read_answers(NOTEBOOKS)

    assert answers.keys() == {row.id for row in QUESTIONS}
    assert problems == []


def test_answer_may_be_split_and_moved_out_of_its_cell(tmp_path):
    assert read(tmp_path, cell_of("one", "a1", ["answer"]), cell_of("two"), NEXT) == "one\n\ntwo"
    assert read(tmp_path, cell_of(["o", "ne"], "8d3c21ab"), NEXT) == "one"


def test_answer_ends_where_the_notebook_goes_on(tmp_path):
    assert read(tmp_path, cell_of("one", "a1", ["answer"]), NEXT, cell_of("two")) == "one"


def test_prompt_and_empty_cells_are_no_answer(tmp_path):
    assert read(tmp_path, cell_of(ANSWER_PROMPT, "a1", ["answer"]), NEXT) == ""
    assert read(tmp_path, cell_of("  ", "a1", ["answer"]), NEXT) == ""


def test_notebook_without_ids_gives_the_cell_below(tmp_path):
    cells = [ASKED, cell_of("one", tags=["answer"]), NEXT]
    write_book(tmp_path, [{k: v for k, v in cell.items() if k != "id"} for cell in cells])

    assert read_answers(tmp_path)[0] == {QUESTION: "one"}


def test_endless_answer_is_cut(tmp_path):
    assert len(read(tmp_path, cell_of("x" * 100_000, "a1", ["answer"]))) < 21_000


@pytest.mark.parametrize(
    "content", ["", "[]", '{"cells": 5}', '{"cells": [{"source": 7}]}', "[" * 100_000, "\\x00"]
)
def test_broken_notebook_is_named(content, tmp_path):
    (tmp_path / "FullyConnectedNets.ipynb").write_text(content)

    answers, problems = read_answers(tmp_path)

    assert answers == {}
    assert len(problems) == 1
    assert "FullyConnectedNets.ipynb is no notebook" in problems[0]


@pytest.mark.parametrize("part", ["[],", "{},", "0,"])
def test_notebook_that_would_fill_the_memory_is_refused_before_it_is_parsed(
    part, tmp_path, monkeypatch
):
    monkeypatch.setattr(books, "read_cells", None)
    (tmp_path / "FullyConnectedNets.ipynb").write_text(part * (books.MOST_MARKS + 1))

    (problem,) = read_answers(tmp_path)[1]

    assert "brackets and commas, expected at most 500000" in problem


def test_notebook_is_parsed_once_for_all_who_read_it(tmp_path, monkeypatch):
    write_book(tmp_path / "notebooks", [ASKED, cell_of("read once", "a1", ["answer"]), NEXT])
    parsed = []
    monkeypatch.setattr(books, "read_cells", lambda c: (parsed.append(c), read_cells(c))[1])

    answers, _ = read_answers(tmp_path / "notebooks")
    find_pasted(Package(tmp_path, (), (), ""))
    find_pasted(Package(tmp_path, (), (), ""))

    assert answers == {QUESTION: "read once"}
    assert len(parsed) == 1


def test_answer_earns_nothing_until_it_is_read():
    row = EXERCISES[QUESTION]

    assert outcome_of(row, {QUESTION: "x"}, 2).state == "to be read"
    assert outcome_of(row, {}, 2).state == "open"
    assert record_of().points == CODE
    assert record_of().to_be_read == READ

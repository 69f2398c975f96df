"""Answers are found below their questions, shown as text, and graded by a person alone."""

from __future__ import annotations

import json

import pytest

from cs682.checks import EXERCISES
from cs682.checks.answers import ANSWER_PROMPT
from cs682.checks.board import NOTEBOOKS
from staff.grading.judging.answers import (
    QUESTIONS,
    merge,
    outcome_of,
    read_answers,
    read_table,
    table,
)
from staff.grading.results.summary import answers_page
from staff.tests.grading.records import record_of

QUESTION = "fc-q1"


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


def test_answer_earns_nothing_until_it_is_read():
    row = EXERCISES[QUESTION]

    assert outcome_of(row, {QUESTION: "x"}, 2).state == "to be read"
    assert outcome_of(row, {}, 2).state == "open"
    assert record_of().points == 80
    assert record_of().to_be_read == 20


def test_table_that_is_filled_in_gives_the_points(tmp_path):
    records = [record_of("ada"), record_of("=evil\n")]
    path = tmp_path / "answers.csv"
    filled = table(records, {}).replace(",,2,", ",2,2,")
    path.write_text(filled)

    merged = [merge(record, read_table(path)) for record in records]

    assert [record.points for record in merged] == [100, 100]
    assert [record.to_be_read for record in merged] == [0, 0]
    assert table(records, read_table(path)) == filled


def test_table_keeps_what_was_filled_in_and_asks_for_the_rest(tmp_path):
    path = tmp_path / "answers.csv"
    path.write_text("student,question,points,maximum,remark\nada,fc-q1,1,2,half\nada,fc-q2,,2,\n")

    read = read_table(path)
    merged = merge(record_of(), read)

    assert read == {("ada", "fc-q1"): (1, "half")}
    assert (merged.points, merged.to_be_read) == (81, 18)
    assert "ada,fc-q1,1,2,half" in table([record_of()], read)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("ada,fc-q9,1", "line 2: there is no question 'fc-q9'"),
        ("ada,fc-q1,two", "line 2: points are 'two'"),
        ("ada,fc-q1,-1", "line 2: points are '-1'"),
        ("ada,fc-q1,1\nada,fc-q1,2", "line 3: ada has a line for fc-q1 already"),
    ],
)
def test_table_with_an_error_is_refused_by_line(line, says, tmp_path):
    path = tmp_path / "answers.csv"
    path.write_text(f"student,question,points\n{line}\n")

    with pytest.raises(ValueError, match=says):
        read_table(path)


def test_more_points_than_there_are_are_refused():
    with pytest.raises(ValueError, match="3 points given, there are 2"):
        merge(record_of(), {("ada", QUESTION): (3, "")})


def test_page_shows_answers_as_text_and_the_same_ones_once():
    evil = {QUESTION: "<img src=x onerror=alert(1)>"}
    page = answers_page([record_of("ada", answers=evil), record_of("<b>bob", answers=evil)])

    assert "<img src=x" not in page
    assert "<b>bob" not in page
    assert page.count("&lt;img src=x onerror=alert(1)&gt;") == 1
    assert "ada, &lt;b&gt;bob" in page

"""Models of which a person has yet to decide are open wherever their points are told."""

from __future__ import annotations

import csv
import io

import pytest

from cs682.checks import EXERCISES
from staff.grading.judging.outcome import ITSELF
from staff.grading.results.exports import undecided
from staff.grading.results.grade_book import grade_book
from staff.grading.results.report import html, markdown, results
from staff.grading.results.store import Record
from staff.grading.results.summary import statistics_of
from staff.grading.results.warnings import warnings_page
from staff.tests.grading.records import outcome_of, record_of

CHANCE = "it knows hardly any of the images: trained on other data?"


@pytest.fixture
def record(monkeypatch):
    """Give a hand-in whose models were perhaps trained on other data."""
    failed = [outcome_of(key, "wrong", "accuracy 0.1") for key in ("fc-2.4", "fc-5.1")]
    doubted = [
        outcome_of(key, "wrong", "accuracy 0.1", staff=CHANCE) for key in ("fc-3.4", "fc-3.5")
    ]
    keys = [o.exercise for o in (*failed, *doubted)]
    monkeypatch.setattr(Record, "undecided", property(lambda _: keys))
    return record_of("55", *failed, *doubted)


@pytest.mark.parametrize("form", [html, markdown])
def test_report_says_open_in_its_head_and_rows(form, record):
    text = form(record).partition("<body")[2] or form(record)

    assert "Up to 13 more are in exercises of which a person decides." in text
    assert "wrong" not in text


def test_book_leaves_the_cells_empty_and_says_why(record):
    (row,) = csv.DictReader(io.StringIO(grade_book([record])))

    assert (row["fc-2.4"], row["fc-3.4"], row["cn-2.4"]) == ("", "", "2")
    assert row["remarks"] == ("a person decides of fc-2.4, fc-5.1, fc-3.4, fc-3.5: 13 points open")


def test_results_and_statistics_say_open(record):
    states = {line["exercise"]: line["state"] for line in results(record)["exercises"]}
    counts = {line.exercise: line.counts for line in statistics_of([record])}

    assert states["fc-5.1"] == "open"
    assert (counts["fc-5.1"]["open"], counts["fc-5.1"]["wrong"]) == (1, 0)
    assert results(record)["to_be_decided"] == 13


def test_model_whose_points_are_counted_is_not_open():
    passed = outcome_of("fc-2.4", left=ITSELF, staff="the network fails")
    (row,) = csv.DictReader(io.StringIO(grade_book([record_of("55", passed)])))

    assert (row["fc-2.4"], row["remarks"]) == (str(EXERCISES["fc-2.4"].points), "")
    assert undecided([record_of("55", passed)]) == []
    assert "fc-2.4 passed: the network fails" in warnings_page([record_of("55", passed)], {}, [])


def test_warnings_say_it_in_one_line_for_a_student(record):
    page = warnings_page([record], {}, [])

    assert "An exercise of which a person decides: 1" in page
    assert (
        "fc-2.4 open, fc-5.1 open: failed, and may have been trained on the same other data; "
        f"fc-3.4 open, fc-3.5 open: {CHANCE}"
    ) in page

"""Late days cost what the rule says, and the report says so."""

from __future__ import annotations

import csv
import io
import json

import pytest

from staff.grading.intake.sheets import Faults
from staff.grading.results.grade_book import grade_book
from staff.grading.results.late import read_late_rule
from staff.grading.results.report import html, markdown
from staff.tests.grading.records import ADA, CODE, record_of


def rule(folder, **fields):
    (folder / "late.json").write_text(json.dumps(fields))
    with Faults() as faults:
        return read_late_rule(folder / "late.json", faults)


DUE = {"due": "2024-02-01T23:59:00-05:00", "percent_per_day": 10}


@pytest.mark.parametrize(
    ("submitted", "more", "share"),
    [
        ("2024-02-01 23:58:00 -05:00", {}, 1),
        ("2024-02-02 04:58:00 UTC", {}, 1),
        ("2024-02-02 00:05:00 -05:00", {}, 0.9),
        ("2024-02-02 00:05:00 -05:00", {"grace_minutes": 10}, 1),
        ("2024-02-03 00:05:00 -05:00", {}, 0.8),
        ("2024-02-03 00:05:00 -05:00", {"free_days": 1}, 0.9),
        ("2024-02-03 00:05:00 -05:00", {"free_days": 3}, 1),
        ("2024-03-03 00:05:00 -05:00", {"at_most_percent": 50}, 0.5),
        ("2024-02-02T00:05:00", {}, 0.9),  # Moodle names no zone: that of the rule
        ("2024-02-09 00:05:00 -05:00", {"days": {"007": 1}}, 0.9),
        ("2024-02-09 00:05:00 -05:00", {"days": {"ada": 0}}, 1),
        ("", {}, 1),
    ],
)
def test_late_days_cost_what_the_rule_says(submitted, more, share, tmp_path):
    record = record_of("ada", students=ADA, submitted=submitted)

    assert rule(tmp_path, **DUE, **more).apply(record).points == pytest.approx(share * CODE)


def test_mark_of_canvas_counts_as_days(tmp_path):
    late = record_of("ada", late=True)

    assert rule(tmp_path, percent_per_day=5).apply(late).points == pytest.approx(0.95 * CODE)
    assert rule(tmp_path, percent_per_day=5, marked_days=2).apply(late).points == pytest.approx(
        0.9 * CODE
    )
    assert rule(tmp_path, percent_per_day=5).apply(record_of()).points == CODE


def test_report_and_book_say_what_came_off(tmp_path):
    record = rule(tmp_path, **DUE).apply(
        record_of("ada", students=ADA, submitted="2024-02-02 00:05:00 -05:00")
    )
    (row,) = csv.DictReader(io.StringIO(grade_book([record])))

    off = CODE / 10
    assert f"came 1 day late: it costs 10 % of {CODE} points, which is {off:g}<" in html(record)
    assert (row["points"], row["late"], row["late penalty"]) == (f"{CODE - off}", "late", f"{off}")


def test_days_that_cost_nothing_are_told_so_and_whole_points_are_whole(tmp_path):
    record = record_of("ada", submitted="2024-02-02 00:05:00 -05:00")

    (said,) = rule(tmp_path, **DUE, free_days=1).apply(record).remarks
    half = rule(tmp_path, due=DUE["due"], percent_per_day=50).apply(record)
    (row,) = csv.DictReader(io.StringIO(grade_book([half])))

    assert said == "The hand-in came 1 day late, of which 1 cost nothing"
    assert (row["points"], row["late penalty"]) == (str(CODE // 2), str(CODE // 2))
    assert f"late: it costs 50 % of {CODE}" in markdown(half)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"due": "2024-02-01T23:59:00"}, "has no time zone"),
        ({"due": "2024-13-01 00:00:00 Z"}, "is no time"),
        ({"percent": 10}, "holds 'percent', expected .*percent_per_day"),
        ({"percent_per_day": "10"}, "percent_per_day is '10', expected a number"),
    ],
)
def test_rule_with_an_error_is_refused(fields, says, tmp_path):
    with pytest.raises(ValueError, match=says):
        rule(tmp_path, **fields)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"due": "soon", "free_days": -1, "days": {"a": "x"}, "z": 1}',
         ["holds 'z'", "free_days is -1", "a is 'x'", "due: 'soon' is no time"]),
        ('{"days": {"ada": 1, "ada": 0}}', ["'ada' twice, expected each name once"]),
        ('{"days": [1], "free_days": "x"}', ["days is [1]", "free_days is 'x'"]),
        ("[]", ["holds [], expected"]),
        ('{\u201cfree_days\u201d: 1}', ["; it has curly quotes, expected straight ones"]),
    ],
)  # fmt: skip
def test_rule_with_errors_is_refused_all_at_once(text, says, tmp_path):
    (tmp_path / "late.json").write_text(text)

    with (
        pytest.raises(ValueError, match=r"late\.json") as caught,
        Faults() as faults,
        faults.kept(),
    ):
        read_late_rule(tmp_path / "late.json", faults)

    told = str(caught.value).splitlines()
    assert all(text in line for text, line in zip(says, told, strict=True))


@pytest.mark.parametrize("percent", [0.1, 101])
def test_percent_that_nobody_can_mean_are_refused(percent, tmp_path):
    for name in ("percent_per_day", "at_most_percent"):
        with pytest.raises(ValueError, match=f"{name} is {percent}, expected percent, such as 10"):
            rule(tmp_path, **{name: percent})

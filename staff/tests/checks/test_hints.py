"""The texts of the hints: three each, short, without a solution's line, and of what is there."""

from __future__ import annotations

import re

import pytest

from cs682.checks import EXERCISES
from cs682.checks.hints import TEXTS, has_hints, read_hints
from staff.release import build
from staff.release.build import cut
from staff.release.complete import unhinted
from staff.release.leaks import plain, secrets
from staff.release.regions import ReleaseError

HINTED = [row for row in EXERCISES.values() if has_hints(row)]


def names_in(text: str) -> set[str]:
    """Give what stands between backticks."""
    return set(re.findall(r"`([^`]+)`", text))


@pytest.mark.parametrize("row", HINTED, ids=lambda row: row.id)
def test_exercise_has_three_short_hints(row):
    question, idea, steps = read_hints()[row.id]

    assert max(len(text.replace("- ", "").split()) for text in (question, idea, steps)) <= 60
    assert "?" in question
    assert len(steps.splitlines()) >= 3
    assert all(line.startswith("- ") for line in steps.splitlines())


def test_hints_are_for_what_is_written_and_in_its_order():
    assert list(read_hints()) == [row.id for row in HINTED]


@pytest.mark.parametrize("row", HINTED, ids=lambda row: row.id)
def test_hint_names_nothing_that_the_student_does_not_see(row, release):
    seen = "".join(
        release.files[path].decode() for path in {row.file, f"notebooks/{row.notebook}"}
    ).replace('\\"', '"')

    assert [
        name for text in read_hints()[row.id] for name in names_in(text) if name not in seen
    ] == []


def test_hints_hold_no_line_of_a_solution(reference):
    text = plain(TEXTS.read_text(encoding="utf-8"))

    lines = secrets(reference.all_regions(), reference.answers())

    assert len(lines) > 200
    assert [name for line, name in lines.items() if line in text] == []


def test_unhinted_names_what_has_too_few_hints_or_is_not_there():
    hints = {"fc-1.1": ("a", "b"), "fc-q1": ("a", "b", "c"), "fc-9.9": ("a",)}
    rows = [EXERCISES[key] for key in ("fc-1.1", "fc-q1", "fc-1.2", "fc-1.5")]

    assert unhinted() == []
    assert unhinted(rows, hints) == [
        "cs682/checks/hints.md:1: fc-1.1 has 2 hints, expected 3",
        "cs682/checks/hints.md:1: fc-q1 has 3 hints, expected 0",
        "cs682/checks/hints.md:1: fc-1.2 has 0 hints, expected 3",
        "cs682/checks/hints.md:1: fc-9.9 has 1 hints, expected 0",
    ]


def test_cut_refuses_an_exercise_without_hints(source, monkeypatch):
    monkeypatch.setattr(build, "unhinted", lambda: ["fc-9.9 has 0 hints"])

    with pytest.raises(ReleaseError, match=r"fc-9\.9 has 0 hints"):
        cut(source)

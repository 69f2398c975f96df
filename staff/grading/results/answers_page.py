"""The answers of a class side by side, typeset, with nothing of them that could run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from cs682.checks import EXERCISES, Exercise
from cs682.checks.answers import answer_text, find_question, question_text
from staff.grading.intake.books import read_book
from staff.grading.intake.package import ROOT
from staff.grading.intake.safe_text import shown
from staff.grading.results.answer_tables import Key
from staff.grading.results.pages import render
from staff.grading.results.store import Record
from staff.grading.results.typeset import typeset


def answers_page(
    records: Sequence[Record],
    *,
    names: bool = False,
    questions: Sequence[str] | None = None,
    changed: Mapping[Key, str] | None = None,
) -> str:
    """Return the answers of a class as a page, question by question, and the help used at its end.

    Parameters
    ----------
    names : bool, whether the students' names stand there; ids alone otherwise
    questions : sequence of str, optional; those of one reader (default: all)
    changed : mapping, optional; what answers got that have changed since, from `changed_since`
    """
    maxima = {o.exercise: o.maximum for record in records for o in record.outcomes}
    rows = [row for row in EXERCISES.values() if row.is_question]
    asked = [
        {
            "row": row,
            "folded": _folded(row),
            "maximum": maxima.get(row.id, row.points),
            "answers": _alike(row.id, records, names, changed or {}),
            "silent": [_who(r, names) for r in records if row.id not in r.answers],
        }
        for row in rows
        if questions is None or row.id in questions
    ]
    helped = [
        (_who(r, names), {name: Markup(typeset(text)) for name, text in r.help_used.items()})
        for r in records
        if r.help_used
    ]
    return render("answers.html", questions=asked, helped=helped)


def _folded(row: Exercise) -> dict[str, Markup]:
    """Return the question's text and the course's answer, as far as they are there.

    An autograder has no notebooks, and those of a release have no answers.
    """
    try:
        cells = read_book((ROOT / "notebooks" / row.notebook).read_bytes())
    except (OSError, ValueError):
        return {}
    asked = find_question(row.id, cells)
    texts = {
        "The question": question_text(asked) if asked else "",
        "The course's answer": answer_text(row.id, cells),
    }
    return {title: Markup(typeset(text)) for title, text in texts.items() if text}


def _alike(
    question: str, records: Sequence[Record], names: bool, changed: Mapping[Key, str]
) -> list[dict[str, Any]]:
    """Return the answers to a question; those that are the same are shown once."""
    groups: dict[str, list[str]] = defaultdict(list)
    told: dict[str, list[str]] = defaultdict(list)
    for record in records:
        if question in record.answers:
            groups[record.answers[question]].append(_who(record, names))
            if before := changed.get((record.id, question)):
                told[record.answers[question]].append(f"{_who(record, names)}: {before}")
    return [
        {"html": Markup(typeset(text)), "students": students, "changed": told[text]}
        for text, students in groups.items()
    ]


def _who(record: Record, names: bool) -> str:
    """Return what a hand-in is called on the page: as in answers.csv."""
    people = ", ".join(s.name for s in record.students if s.name) if names else ""
    return shown(f"{record.id} ({people})" if people else record.id, 120)

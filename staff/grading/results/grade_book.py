"""The grade book: one line for each student."""

from __future__ import annotations

from collections.abc import Iterable

from cs682.checks import EXERCISES
from staff.grading.intake.safe_text import counted
from staff.grading.intake.sheets import dump_sheet
from staff.grading.judging.outcome import NOT_GRADED
from staff.grading.results.store import UNSEEN, NotGraded, Record, Result

HEAD = ("student", "name", "email", "late", "points", "maximum", "to be read", "late penalty")
TAIL = ("submission", "handed in", "sandbox", "remarks")


def grade_book(results: Iterable[Result]) -> str:
    """Return the grade book as CSV, in which no cell is a formula."""
    columns = (*HEAD, *EXERCISES, *TAIL)
    return dump_sheet(columns, (line for result in results for line in _lines(result)))


def _lines(result: Result) -> list[list[object]]:
    """Return the lines of a hand-in, one for each of those who handed it in together."""
    if isinstance(result, NotGraded):
        blank = [""] * (len(HEAD) - 3 + len(EXERCISES))
        people = [(s.id, s.name, s.email) for s in result.students] or [(result.id, "", "")]
        remark = f"NOT GRADED: {result.reason}"
        return [[*person, *blank, result.id, "", "", remark] for person in people]
    total = "" if result.not_graded else result.points
    off = f"{result.deduction:g}" if result.deduction else ""
    late = "late" if result.late else ""
    points, remarks = _points(result), "; ".join(_remarks(result))
    return [
        [
            *(student.id, student.name, student.email, late),
            *(total, result.maximum, result.to_be_read, off),
            *(points[key] for key in EXERCISES),
            *(result.id, result.submitted, result.rung, remarks),
        ]
        for student in result.students
    ]


def _points(record: Record) -> dict[str, object]:
    """Return the points by exercise; nothing where they are open, or nobody has graded it."""
    open_ = record.undecided
    return {
        o.exercise: ""
        if o.state in (NOT_GRADED, UNSEEN) or (o.exercise in open_ and not o.points)
        else o.points
        for o in record.outcomes
    }


def _remarks(record: Record) -> list[str]:
    """Return what is open, then what a person did to a hand-in, then what is amiss with it."""
    said = []
    if record.unseen:
        said.append(f"trained models are not graded, {counted(record.unseen, 'point')}")
    if record.undecided:
        which = ", ".join(record.undecided)
        said.append(f"a person decides of {which}: {counted(record.to_be_decided, 'point')} open")
    if record.not_graded:
        said.append(f"NOT GRADED: {record.ungraded}")
    return [*said, *record.remarks, *record.problems]

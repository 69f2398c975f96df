"""The grade book: one line for each student."""

from __future__ import annotations

from collections.abc import Iterable

from cs682.checks import EXERCISES
from staff.grading.intake.sheets import dump_sheet
from staff.grading.judging.core import NOT_GRADED
from staff.grading.results.store import UNSEEN, NotGraded, Result

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
    points = {
        o.exercise: "" if o.state in (NOT_GRADED, UNSEEN) else o.points for o in result.outcomes
    }
    total = "" if result.not_graded else result.points
    sums = (total, result.maximum, result.to_be_read, result.deduction or "")
    late, remarks = "late" if result.late else "", [*result.remarks, *result.problems]
    if result.not_graded:
        remarks = [f"NOT GRADED: {result.ungraded}", *remarks]
    if result.unseen:
        remarks = [f"trained models are not graded, {result.unseen} points", *remarks]
    return [
        [
            *(student.id, student.name, student.email, late, *sums),
            *(points[key] for key in EXERCISES),
            *(result.id, result.submitted, result.rung, "; ".join(remarks)),
        ]
        for student in result.students
    ]

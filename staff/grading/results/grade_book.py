"""The grade book: one line for each student."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from cs682.checks import EXERCISES
from staff.grading.intake.safe_text import cell
from staff.grading.run import Failure, Result

HEAD = ("student", "name", "email", "late", "points", "maximum", "to be read")


def grade_book(results: Iterable[Result]) -> str:
    """Return the grade book as CSV, in which no cell is a formula.

    Parameters
    ----------
    results : iterable of Record or Failure, in the order of the lines

    Returns
    -------
    text : str
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    exercises = [key for key, row in EXERCISES.items()]
    writer.writerow([*HEAD, *exercises, "submission", "sandbox", "remarks"])
    for result in results:
        for row in _lines(result, exercises):
            writer.writerow([cell(value) for value in row])
    return out.getvalue()


def _lines(result: Result, exercises: list[str]) -> list[list[object]]:
    """Return the lines of a hand-in, one for each of those who handed it in together."""
    if isinstance(result, Failure):
        remark = "not graded: the grader itself failed; see staff/failures.txt"
        return [[result.id, *[""] * (len(HEAD) - 1 + len(exercises)), result.id, "", remark]]
    points = {outcome.exercise: outcome.points for outcome in result.outcomes}
    sums = (result.points, result.maximum, result.to_be_read)
    late, remarks = "late" if result.late else "", "; ".join(result.problems)
    return [
        [
            *(student.id, student.name, student.email, late, *sums),
            *(points[key] for key in exercises),
            *(result.id, result.rung, remarks),
        ]
        for student in result.students
    ]

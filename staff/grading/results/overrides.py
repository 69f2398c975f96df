"""Points that a person sets against the grader's: ``overrides.csv`` in the folder of results.

Its columns are student, exercise (or question), points, reason. It is read by each run and never
written.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from staff.grading.intake.safe_text import shown
from staff.grading.intake.sheets import Sheet, key_of, read_sheet, whole
from staff.grading.results.store import BY_HAND, Record


@dataclass(frozen=True)
class Override:
    """One line of the file.

    Attributes
    ----------
    where : str, file and line, for messages
    student : str, an id of a hand-in, or of one of those who handed it in
    exercise : str
    points : int
    reason : str, for the student; may be empty
    """

    where: str
    student: str
    exercise: str
    points: int
    reason: str


def read_overrides(path: Path, points: Mapping[str, int]) -> list[Override]:
    """Read the file; none if there is none.

    Parameters
    ----------
    points : mapping of str to int, what each exercise is worth

    Raises
    ------
    ValueError
        If it cannot be understood; the message names the line.
    OSError
        If it cannot be read.
    """
    if not path.exists():
        return []
    found: dict[tuple[str, str], Override] = {}
    for where, line in _sheet(path).lines:
        exercise = line.get("exercise") or line.get("question") or ""
        if exercise not in points:
            raise ValueError(f"{where}: there is no exercise or question {exercise!r}")
        key = (line["student"], exercise)
        if key in found:
            raise ValueError(f"{where}: {shown(key[0])} has an override for {exercise} already")
        given = whole(line["points"], points[exercise], where)
        found[key] = Override(where, key[0], exercise, given, line.get("reason", ""))
    return list(found.values())


def _sheet(path: Path) -> Sheet:
    """Read the file, whose second column may be called in two ways."""
    try:
        return read_sheet(path, ("student", "exercise", "points"))
    except ValueError:
        return read_sheet(path, ("student", "question", "points"))


def require_known(overrides: Collection[Override], ids: Collection[str]) -> None:
    """Refuse points for somebody who has handed nothing in.

    Parameters
    ----------
    ids : collection of str, of all hand-ins and students

    Raises
    ------
    ValueError
        If there is no such student.
    """
    for override in overrides:
        if override.student not in ids:
            raise ValueError(
                f"{override.where}: {override.student!r} has handed nothing in; name the student "
                "or the hand-in as grades.csv does"
            )


def override(record: Record, overrides: Collection[Override]) -> Record:
    """Return a record with what a person has set.

    Returns
    -------
    record : Record, whose outcomes say so, and what the grader had said
    """
    ids = {key_of(id_) for id_ in (record.id, *(student.id for student in record.students))}
    outcomes = {outcome.exercise: outcome for outcome in record.outcomes}
    for line in overrides:
        if line.student in ids:
            old = outcomes[line.exercise]
            text = f"A person has set these points: {shown(line.reason or 'no reason given', 1000)}"
            before = f"Before, it was: {old.state}, {old.points} of {old.maximum} points."
            message = "\n".join(part for part in (text, before, old.message) if part)
            outcomes[line.exercise] = replace(
                old, points=line.points, state=BY_HAND, message=message
            )
    return record.with_outcomes(outcomes)

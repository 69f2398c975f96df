"""Points that a person sets against the grader's: ``overrides.csv`` in the folder of results.

Its columns are student, exercise (or question), points, reason. It is read by each run and never
written. The reason is for the student, so there must be one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cs682.checks import EXERCISES
from cs682.checks.run import MODELS
from staff.grading.intake.safe_text import counted, shown
from staff.grading.intake.sheets import Faults, Sheet, read_sheet, whole
from staff.grading.intake.submission import ClassOfSubmissions, Student, Submission
from staff.grading.judging.outcome import NOT_GRADED, Outcome
from staff.grading.results.store import BY_HAND, WHY, Record

Seen = dict[tuple[str, str, int, str], str]  # what each line was about
_IF_EMPTY = "delete it if nothing is overridden"
MANY = 1000  # points, of an exercise that there is not


@dataclass(frozen=True)
class Override:
    """One line of the file.

    Attributes
    ----------
    where : str, file and line, for messages
    student : str, an id of a hand-in, or of one of those who handed it in
    now : str, the same, or that of the hand-in which has replaced it; none if empty
    exercise : str
    points : int
    reason : str, for the student
    """

    where: str
    student: str
    exercise: str
    points: int
    reason: str
    now: str = ""

    @property
    def owner(self) -> str:
        """Return whose it is as the class is now."""
        return self.now or self.student


def read_overrides(path: Path, points: Mapping[str, int], faults: Faults) -> list[Override]:
    """Read the file; none if there is none.

    Parameters
    ----------
    points : mapping of str to int, what each exercise is worth
    faults : Faults, takes what cannot be understood, by line

    Raises
    ------
    ValueError
        If the file has other columns.
    OSError
        If it cannot be read.
    """
    if not path.exists():
        return []
    found: dict[tuple[str, str], Override] = {}
    for where, line in _sheet(path).lines:
        with faults.kept():
            made = _read_line(where, line, points)
            if (made.student, made.exercise) in found:
                raise ValueError(f"{where}: {shown(made.student)} has an override for "
                                 f"{made.exercise} already")  # fmt: skip
            found[made.student, made.exercise] = made
    return list(found.values())


def _sheet(path: Path) -> Sheet:
    """Read the file, whose second column may be called in two ways."""
    try:
        return read_sheet(path, ("student", "question", "points", "reason"))
    except ValueError:
        return read_sheet(path, ("student", "exercise", "points", "reason"), _IF_EMPTY)


def _read_line(where: str, line: Mapping[str, str], points: Mapping[str, int]) -> Override:
    """Return what one line says."""
    exercise = line.get("exercise") or line.get("question") or ""
    with Faults() as faults:
        if exercise not in points:
            faults.add(f"{where}: there is no exercise or question {exercise!r}, expected one "
                       "such as fc-1.2")  # fmt: skip
        if not line["reason"]:
            faults.add(f"{where}: the reason is empty, expected one for the student to read")
        with faults.kept():
            whole(line["points"], points.get(exercise, MANY), where)
    given = whole(line["points"], points[exercise], where)
    return Override(where, line["student"], exercise, given, line["reason"])


def look_up(overrides: Sequence[Override], found: ClassOfSubmissions, faults: Faults) -> None:
    """Refuse points for somebody who has handed nothing in, and two for one hand-in.

    Parameters
    ----------
    found : ClassOfSubmissions
    faults : Faults, takes what is wrong, by line
    """
    seen: dict[tuple[str, str], Override] = {}
    owners = found.owners
    for line in overrides:
        if refusal := found.refusal(line.owner):
            faults.add(f"{line.where}: {refusal}")
            continue
        first = seen.setdefault((owners[line.owner].id, line.exercise), line)
        if first is not line:
            faults.add(
                f"{line.where}: {shown(line.student)} and {shown(first.student)} are of one "
                f"hand-in, which has an override for {line.exercise} in {first.where} already"
            )


def override(record: Record, overrides: Collection[Override]) -> Record:
    """Return a record with what a person has set.

    Returns
    -------
    record : Record, whose outcomes say so, and what the grader had said
    """
    outcomes = {outcome.exercise: outcome for outcome in record.outcomes}
    for line in _of(record, overrides):
        old = outcomes[line.exercise]
        text = f"A person has set these points: {shown(line.reason, 10_000)}"
        before = f"Before, it was: {old.state}, {old.points} of {counted(old.maximum, 'point')}."
        message = "\n".join(part for part in (text, before, old.message) if part)
        outcomes[line.exercise] = replace(old, points=line.points, state=BY_HAND, message=message)
    return record.with_outcomes(outcomes)


def _of(record: Record, overrides: Collection[Override]) -> list[Override]:
    """Return the lines that are about one hand-in."""
    ids = {record.id, *(student.id for student in record.students)}
    return [line for line in overrides if line.owner in ids]


def to_look_at_again(
    record: Record, overrides: Collection[Override], seen: Seen
) -> list[tuple[str, str]]:
    """Name overrides below what the grader gives, and those whose work has changed.

    Parameters
    ----------
    record : Record, before anything is set in it
    seen : dict, what each line was about when it was first read; new lines are put into it

    Returns
    -------
    found : list of (str, str), exercise and why
    """
    points = {outcome.exercise: outcome.points for outcome in record.outcomes}
    found = []
    for line in _of(record, overrides):
        name = _work_of(line.exercise)
        now = record.facts.get(name, "")
        key = (line.student, line.exercise, line.points, line.reason)
        if seen.setdefault(key, now) != now and record.key:  # else it is not graded
            found.append((line.exercise, f"{line.points} set by hand, then the {name} changed"))
        if record.key and line.points < (given := points[line.exercise]):
            found.append((line.exercise, f"{line.points} set by hand, the grader gives {given}"))
    return found


def _work_of(exercise: str) -> str:
    """Return the fact that tells one version of a student's code, model or answer from another."""
    row = EXERCISES[exercise]
    if row.is_question:
        return f"answer {exercise}"
    return f"model notebooks/{MODELS[exercise]}" if exercise in MODELS else f"code {row.file}"


def blank_record(submission: Submission, reason: str, points: Mapping[str, int]) -> Record:
    """Return a record for a hand-in that is not graded, to put into it what a person has set.

    Parameters
    ----------
    reason : str, why there is no grade
    points : mapping of str to int, what each exercise is worth
    """
    message = f"{WHY}{reason}"
    outcomes = (Outcome(key, 0, points[key], NOT_GRADED, message) for key in points)
    return Record(
        key="",
        id=submission.id,
        students=submission.students or (Student(submission.id),),
        late=submission.late,
        rung="none",
        problems=submission.remarks,
        outcomes=tuple(outcomes),
        submitted=submission.submitted,
    )

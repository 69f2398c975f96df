"""The record of one graded hand-in, and files that are written whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from cs682._files import replacing
from cs682.checks.hints import STEPS
from cs682.checks.run import MODELS
from staff.grading.intake.safe_text import FEW, names
from staff.grading.intake.submission import Student
from staff.grading.judging.outcome import ALL_THAT_FAILED, NOT_GRADED, Outcome


@dataclass(frozen=True)
class Record:
    """All that grading found out about one hand-in; every report is made from it.

    Attributes
    ----------
    key : str, changes with all that decides what the record says
    id : str, of the submission
    students : tuple of Student
    late : bool, whether the platform marked it so
    rung : str, the kind of sandbox that the code ran in
    problems : tuple of str, what was wrong with the hand-in as a whole, for the student to read
    outcomes : tuple of Outcome, one for each exercise of the table, in its order
    answers : dict of str to str, what was written below each question
    submitted : str, when, in ISO form with the zone; empty if the platform does not say
    facts : dict of str to str, for the staff: versions of the student's Python and NumPy
        ('python', 'numpy'), what the grader had ('graded with'), digests of the code, models
        and answers of the student's own, and what is known of help, which reports show
    remarks : tuple of str, for the student: what a person or the rule for late days did to it
    deduction : float, points that come off for being late
    uploads : tuple of str, what it was made of
    content : str, changes with what decides the outcomes alone
    """

    key: str
    id: str
    students: tuple[Student, ...]
    late: bool
    rung: str
    problems: tuple[str, ...]
    outcomes: tuple[Outcome, ...]
    answers: dict[str, str] = field(default_factory=dict)
    submitted: str = ""
    facts: dict[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    deduction: float = 0
    uploads: tuple[str, ...] = ()
    content: str = ""

    @property
    def help_used(self) -> dict[str, str]:
        """Return what the student says of help, by notebook, and how many hints were asked for."""
        told = {name[5:]: text for name, text in self.facts.items() if name.startswith("help ")}
        hints = self.facts.get("hints")
        return {**told, f"Hints asked for, of {STEPS} to each exercise": hints} if hints else told

    @property
    def earned(self) -> int:
        """Return the points of all exercises so far."""
        return sum(outcome.points for outcome in self.outcomes)

    @property
    def points(self) -> float:
        """Return the points so far, less what comes off for being late."""
        points = round(self.earned - self.deduction, 2)
        return int(points) if points == int(points) else points

    @property
    def not_graded(self) -> list[str]:
        """Return the exercises that the grader itself stumbled over."""
        return [o.exercise for o in self.outcomes if o.state == NOT_GRADED]

    @property
    def ungraded(self) -> str:
        """Return why exercises are not graded, where one reason is known for all, and which."""
        told = (o.message for o in self.outcomes if o.state == NOT_GRADED)
        why = dict.fromkeys(text.removeprefix(WHY) for text in told if text.startswith(WHY))
        which = names(self.not_graded, FEW)
        return "; ".join([*why, f"exercises: {len(self.not_graded)}: {which}"]) if why else which

    @property
    def maximum(self) -> int:
        """Return the points of all exercises."""
        return sum(outcome.maximum for outcome in self.outcomes)

    @property
    def to_be_read(self) -> int:
        """Return the points of answers that no person has read yet."""
        return sum(o.maximum for o in self.outcomes if o.state == TO_BE_READ)

    @property
    def unanswered(self) -> list[str]:
        """Return the questions that a person gave points for though there is no answer."""
        return [o.exercise for o in self.outcomes if o.state == READ
                and o.exercise not in self.answers]  # fmt: skip

    @property
    def unseen(self) -> int:
        """Return the points of trained models that nobody has looked at."""
        return sum(o.maximum for o in self.outcomes if o.state == UNSEEN)

    @property
    def undecided(self) -> list[str]:
        """Return the exercises of which a person has yet to decide.

        These are those left to one whose points are open, and if a model was perhaps trained on
        other data, all models that failed.
        """
        are_all = any(o.left == ALL_THAT_FAILED for o in self.outcomes)
        failed = {o.exercise for o in self.outcomes if are_all and o.state == "wrong"} & {*MODELS}
        open_ = (o for o in self.outcomes if o.state != BY_HAND and o.points < o.maximum)
        return [o.exercise for o in open_ if o.left or o.exercise in failed]

    @property
    def to_be_decided(self) -> int:
        """Return the points that a person may yet give where it is left to one."""
        undecided = self.undecided
        return sum(o.maximum - o.points for o in self.outcomes if o.exercise in undecided)

    @property
    def told(self) -> tuple[Outcome, ...]:
        """Return the outcomes as they are told: what a person may yet give points for is open."""
        left = {o.exercise for o in self.outcomes if not o.points} & {*self.undecided}
        return tuple(replace(o, state="open") if o.exercise in left else o for o in self.outcomes)

    def with_outcomes(self, outcomes: dict[str, Outcome]) -> Record:
        """Return the record with some outcomes replaced."""
        return replace(
            self, outcomes=tuple(outcomes.get(old.exercise, old) for old in self.outcomes)
        )


@dataclass(frozen=True)
class NotGraded:
    """A hand-in without a grade: the others were graded all the same.

    Attributes
    ----------
    id : str, of the submission
    reason : str, on one line, for the grade book
    trace : str, for the staff: where the grader stumbled
    students : tuple of Student
    """

    id: str
    reason: str
    trace: str = ""
    students: tuple[Student, ...] = ()


Result = Record | NotGraded

WHY = f"{NOT_GRADED}: "  # the start of what is said of a hand-in that is not graded as a whole
TO_BE_READ = "to be read"  # the state of an answer that no person has read yet
READ = "read"
IDLE = "nothing taken"  # the fact that names uploads which students.csv assigns for nothing
DOUBLED = "two versions"  # the fact that says how a person has one of two taken, if none was
UNSEEN = "not looked at"  # of a model that was handed in, where models are not graded
BY_HAND = "set by a person"  # of an exercise with an override


def records_of(results: Sequence[Result]) -> list[Record]:
    """Return the hand-ins that were graded."""
    return [result for result in results if isinstance(result, Record)]


def write_text(path: Path, text: str) -> None:
    """Write a file so that whoever reads it finds the old one or the new one, never a part.

    Parameters
    ----------
    path : Path; its folder is made if need be
    """
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; one that holds this already is left alone.

    To wait until the disk has it takes some 20 ms, and a class has thousands of files.

    Parameters
    ----------
    path : Path; its folder is made if need be
    """
    if path.is_file() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        file.write(content)


def write_json(path: Path, tree: Any) -> None:
    """Write plain values as JSON, whole or not at all, the same bytes for the same values.

    Parameters
    ----------
    tree : dict, list, str, number, bool or None, nested
    """
    write_text(path, json.dumps(tree, indent=1, ensure_ascii=True) + "\n")


def write_record(path: Path, record: Record) -> None:
    """Write a record as JSON."""
    write_json(path, asdict(record))


def read_record(path: Path, id_: str) -> Record | None:
    """Read a record; None if there is none, or one of another edition or another hand-in."""
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
        people = tuple(Student(**person) for person in tree.pop("students"))
        outcomes = tuple(
            Outcome(**{**o, "advice": tuple(o["advice"])}) for o in tree.pop("outcomes")
        )
        lists = ("problems", "remarks", "uploads")
        texts: dict[str, Any] = {name: tuple(tree.pop(name, ())) for name in lists}
        record = Record(**tree, students=people, outcomes=outcomes, **texts)
        return record if record.id == id_ else None
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None  # it is graded again

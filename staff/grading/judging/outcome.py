"""How one exercise of a hand-in was graded."""

from __future__ import annotations

from dataclasses import dataclass

NOT_HANDED_IN = "not handed in"  # the state of an exercise whose file is not there
NOT_GRADED = "not graded"  # the state of what the grader itself stumbled over: never a zero
ITSELF, ALL_THAT_FAILED = "itself", "all that failed"  # what is left to a person


@dataclass(frozen=True)
class Outcome:
    """How one exercise of a hand-in was graded.

    Attributes
    ----------
    exercise : str, its id
    points : int, that it gets
    maximum : int, that it could get
    state : {'passed', 'open', 'wrong', 'no answer', 'not handed in', 'not graded'}; the last is the
        grader's trouble
    message : str, for the student: what is wrong, or on what terms it passed
    advice : tuple of str, for the student
    staff : str, for staff alone: the traceback, or how a process ended
    left : {'', 'itself', 'all that failed'}, of what a person decides for it
    """

    exercise: str
    points: int
    maximum: int
    state: str
    message: str
    advice: tuple[str, ...] = ()
    staff: str = ""
    left: str = ""

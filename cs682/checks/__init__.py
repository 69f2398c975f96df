"""Checks of a student's work, the same ones in the notebooks, on the command line and in tests.

``check("bn-1.3")`` runs the check of one exercise: it prints what held, and raises `CheckError`
with what was got, what was expected, where, and the likely cause at the first thing that did not:
`judges` call the student's code and hold what it gives against `slow`, `compare` says how they
differ.
``hint("bn-1.3")`` gives one hint more at each call; ``solution("bn-1.3")`` shows the reference's
code, in the edition for people who learn alone.
"""

from __future__ import annotations

from cs682.checks.answers import ANSWER_PROMPT
from cs682.checks.board import progress
from cs682.checks.compare import CheckError, check_at_least, check_close, rel_error
from cs682.checks.exercises import EXERCISES, Exercise
from cs682.checks.hints import hint
from cs682.checks.judges.trainings import accuracy
from cs682.checks.limit import check
from cs682.checks.solutions import solution
from cs682.training.seeds import drawn, legacy_seed

__all__ = [
    "ANSWER_PROMPT",
    "EXERCISES",
    "CheckError",
    "Exercise",
    "accuracy",
    "check",
    "check_at_least",
    "check_close",
    "drawn",
    "hint",
    "legacy_seed",
    "progress",
    "rel_error",
    "solution",
]

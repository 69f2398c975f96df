"""Records as the grader makes them, for tests of what is written from them."""

from __future__ import annotations

from cs682.checks import EXERCISES
from staff.grading.intake.submission import Student
from staff.grading.judging.outcome import Outcome
from staff.grading.results.store import TO_BE_READ, Record

FULL = sum(row.points for row in EXERCISES.values())  # what there is to get
READ = sum(row.points for row in EXERCISES.values() if row.is_question)  # by a person
CODE = FULL - READ  # for code and trained models
ADA = (Student("007", "Ada Lovelace", "ada@example.edu"),)


def outcome_of(exercise: str, state: str = "passed", message: str = "", **more) -> Outcome:
    """Return an outcome with the points that its state earns."""
    points = EXERCISES[exercise].points
    return Outcome(exercise, points * (state == "passed"), points, state, message, **more)


def record_of(
    id_: str = "ada", *outcomes: Outcome, answers: dict[str, str] | None = None, **more
) -> Record:
    """Return a record in which everything is passed or answered but for some outcomes."""
    states = {key: TO_BE_READ if row.is_question else "passed" for key, row in EXERCISES.items()}
    made = {key: outcome_of(key, state) for key, state in states.items()}
    made.update({o.exercise: o for o in outcomes})
    told = {key: "because" for key, row in EXERCISES.items() if row.is_question}
    details = {
        "key": "k", "students": (Student(id_),), "late": False, "rung": "bubblewrap",
        "problems": (), "answers": told if answers is None else answers,
    } | more  # fmt: skip
    return Record(id=id_, outcomes=tuple(made.values()), **details)


ALL_READ = [outcome_of(key, "read") for key, row in EXERCISES.items() if row.is_question]

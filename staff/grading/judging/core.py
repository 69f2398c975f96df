"""Grade the code of one hand-in, exercise by exercise."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from cs682.checks.exercises import EXERCISES
from cs682.checks.run import CHECKS, examine
from staff.grading.intake.package import read_package
from staff.grading.intake.text import clean
from staff.grading.judging import merits, recall
from staff.grading.judging.secret import further_check
from staff.grading.sandbox.ladder import Rung, Sandbox
from staff.grading.sandbox.remote import NoAnswer, RemoteSubject

_PATIENCE = 2  # exercises of one hand-in that may use up their time
_TIRED_WALL, _TIRED_CPU = 10.0, 1  # seconds for each after that


@dataclass(frozen=True)
class Outcome:
    """How one exercise of a hand-in was graded.

    Attributes
    ----------
    exercise : str, its id
    points : int, that it gets
    maximum : int, that it could get
    state : {'passed', 'open', 'wrong', 'no answer'}
    message : str, for the student: what is wrong, or on what terms it passed
    advice : tuple of str, for the student
    staff : str, for staff alone: the traceback, or how a process ended
    """

    exercise: str
    points: int
    maximum: int
    state: str
    message: str
    advice: tuple[str, ...] = ()
    staff: str = ""


def grade_code(
    package: Path, *, seed: int, rung: Rung, only: Collection[str] = ()
) -> Iterator[Outcome]:
    """Grade the exercises that are code.

    An exercise passes if the check that students have passes, and the further ones as well. If it
    does not, and another that it is built on is not right either, it is tried again with the
    course's own code in place of the others.

    Parameters
    ----------
    package : Path, folder that holds the student's ``cs682/layers.py`` and the like
    seed : int, from which the inputs of further checks are drawn; students must not know it
    rung : Rung, on which the student's code runs
    only : collection of str, ids of the exercises to grade; all if empty

    Returns
    -------
    outcomes : iterator of Outcome, each as soon as it is known: first all that need no second
        attempt

    Raises
    ------
    NoSandboxError
        If no sandbox comes up any more.
    """
    return grade_files(read_package(package), seed=seed, rung=rung, only=only)


def grade_files(
    files: dict[str, bytes], *, seed: int, rung: Rung, only: Collection[str] = ()
) -> Iterator[Outcome]:
    """Grade the exercises that are code, from the files of a package.

    Parameters
    ----------
    files : dict from a path such as 'cs682/layers.py' to its bytes
    seed, rung, only
        As for `grade_code`.

    Yields
    ------
    outcome : Outcome
    """
    wanted = [exercise for exercise in CHECKS if not only or exercise in only]
    needed = {p for exercise in wanted for p in merits.PREREQUISITES.get(exercise, ())}
    with Grader(files, seed=seed, rung=rung) as grader:
        states: dict[str, str] = {}
        later = []
        for exercise in (e for e in CHECKS if e in wanted or e in needed):
            outcome = grader.grade(exercise)
            states[exercise] = outcome.state
            own_stub = outcome.message.startswith(f"{exercise} is open")
            if exercise in wanted and not own_stub and merits.blamed(exercise, states):
                later.append(outcome)
            elif exercise in wanted:
                yield outcome
        for outcome in later:
            again = grader.grade_again(outcome, merits.blamed(outcome.exercise, states))
            states[again.exercise] = again.state
            yield again


class Grader:
    """Grades exercises of one package; use it in a ``with`` statement.

    Parameters
    ----------
    files : dict from a path such as 'cs682/layers.py' to its bytes
    seed : int
    rung : Rung
    """

    def __init__(self, files: dict[str, bytes], *, seed: int, rung: Rung) -> None:
        self._files, self._seed, self._rung = files, seed, rung
        self._sandboxes: dict[bool, Sandbox] = {}  # by whether the grader is asked for results
        self._overruns = 0

    def __enter__(self) -> Grader:
        """Get ready; sandboxes come up when they are needed."""
        recall.install()
        return self

    def __exit__(self, *_: object) -> None:
        """End the sandboxes."""
        for sandbox in self._sandboxes.values():
            sandbox.__exit__()

    def grade(self, exercise: str) -> Outcome:
        """Grade an exercise with all of the student's code.

        Parameters
        ----------
        exercise : str, its id

        Returns
        -------
        outcome : Outcome
        """
        row = EXERCISES[exercise]
        if row.file not in self._files:
            message = f"{row.file} is missing, or is no plain file of less than 1 MB"
            return Outcome(exercise, 0, row.points, "no answer", message)
        return self._attempt(exercise, merits.Plan())

    def grade_again(self, outcome: Outcome, blamed: list[str]) -> Outcome:
        """Grade an exercise with the course's code in place of what else it needs.

        Parameters
        ----------
        outcome : Outcome, of the first attempt
        blamed : list of str, the exercises that may be why it did not pass

        Returns
        -------
        outcome : Outcome, the first one if the exercise does not pass this way either
        """
        if outcome.state == "no answer" and EXERCISES[outcome.exercise].file not in self._files:
            return outcome
        for plan in merits.plans(outcome.exercise):
            again = self._attempt(outcome.exercise, plan)
            if again.state == "passed":
                names = [i for i in blamed if not EXERCISES[i].is_given] or blamed
                wrong = f"{' and '.join(names)} {'are' if len(names) > 1 else 'is'} not right yet"
                return replace(
                    again,
                    message="passed on its own merits, with the course's code in place of yours "
                    f"({wrong})",
                )
        return outcome

    def _attempt(self, exercise: str, plan: merits.Plan) -> Outcome:
        """Grade an exercise in a fresh process."""
        asks = bool(plan.stand_ins)
        if asks not in self._sandboxes:
            self._sandboxes[asks] = Sandbox(self._rung, self._files).__enter__()
        sandbox, tired = self._sandboxes[asks], self._overruns >= _PATIENCE
        limits = self._rung.limits
        order = sandbox.order(
            functions=EXERCISES[exercise].functions,
            stand_ins=plan.stand_ins,
            constants=merits.CONSTANTS,
            cpu=min(limits.cpu, _TIRED_CPU) if tired else limits.cpu,
        )
        wall = min(limits.wall, _TIRED_WALL) if tired else limits.wall
        problem, result, staff = "", None, ""
        try:
            with contextlib.closing(sandbox.begin(order)) as end:
                remote = RemoteSubject(end, wall, merits.Answers(plan.stand_ins) if asks else None)
                try:
                    result = self._examine(exercise, plan.subject(remote))
                except NoAnswer as error:
                    problem = str(error)
                staff = remote.trace
            status = sandbox.finish()
        except OSError as error:
            self._sandboxes.pop(asks).__exit__()
            status, problem = 0, problem or "the code damaged the process that runs it"
            staff = staff or f"{type(error).__name__}: {error}"
        row = EXERCISES[exercise]
        if result is None:
            self._overruns += "time" in problem or status == -signal.SIGXCPU
            message = f"{row.id} got no answer: {problem}{ending(status)}"
            return Outcome(exercise, 0, row.points, "no answer", message, staff=clean(staff))
        return Outcome(
            exercise,
            row.points if result.state == "passed" else 0,
            row.points,
            result.state,
            clean(result.message),
            tuple(clean(text) for text in result.advice),
            clean(staff) if result.state != "passed" else "",
        )

    def _examine(self, exercise: str, subject: Any) -> Any:
        """Run the students' check and, if it passes, the further one."""
        result = examine(exercise, subject)
        if result.state != "passed":
            return result
        further = partial(further_check, exercise, self._seed)
        again = examine(exercise, subject, checks=(further,))
        return replace(again, advice=result.advice, passed=result.passed)


def ending(status: int) -> str:
    """Say how a process ended, where that tells something.

    Parameters
    ----------
    status : int, as `Sandbox.finish` returns it

    Returns
    -------
    text : str, to be put behind a sentence
    """
    if status == -signal.SIGXCPU:
        return ", its computing time was used up"
    if status in (0, -signal.SIGKILL):
        return ""
    return f", by signal {-status}" if status < 0 else f", with exit status {status}"

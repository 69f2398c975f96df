"""Grade the code of one hand-in, exercise by exercise."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from cs682.checks.exercises import EXERCISES
from cs682.checks.own_work import SINGLE_SAID
from cs682.checks.run import CHECKS, examine
from staff.grading.intake.package import read_package
from staff.grading.intake.text import clean
from staff.grading.judging import merits, recall
from staff.grading.judging.faults import told_apart
from staff.grading.judging.outcome import ITSELF, NOT_GRADED, Outcome
from staff.grading.judging.secret import FURTHER, further_check
from staff.grading.judging.secret.hold import UnsureError
from staff.grading.sandbox.ladder import NoSandboxError, Rung, Sandbox
from staff.grading.sandbox.remote import GONE, Budget, NoAnswer, OwnFault, RemoteSubject, TooLate

_PATIENCE = 2  # exercises of one hand-in that may use up their time
_OWN_MERITS = "passed on its own merits, with the course's code in place of yours"
_FEW_DIGITS = "right up to digits: derived in an unusual way, or measured by differences?"
_ONE_NUMBER = "right, with a number of Python's own that has more digits: measured, or harmless?"
_STOPPED = "the code was stopped, for it had used up its computing time"
_SPENT = "the hand-in had used up its time before this could be tried on its own merits"
_SLOW = "all of the hand-in's time went by, and no exercise of it ran on: is the machine busy?"
_TIRED_WALL, _TIRED_CPU = 4.0, 2  # seconds for each after that


def grade_code(
    package: Path, *, seed: int, rung: Rung, only: Collection[str] = ()
) -> Iterator[Outcome]:
    """Grade the exercises that are code.

    An exercise passes if the check that students have passes, and the further ones as well. If it
    does not, and another that it is built on is not right either, it is tried again with the
    course's own code in place of the others, when all has been tried without.

    Parameters
    ----------
    package : Path, folder that holds the student's ``cs682/layers.py`` and the like
    seed : int, from which the inputs of further checks are drawn; students must not know it
    rung : Rung, on which the student's code runs
    only : collection of str, ids of the exercises to grade; all if empty

    Returns
    -------
    outcomes : iterator of Outcome: first all that need no second attempt, each as soon as it is
        known; then the others, which name those that are not right in the end
    """
    return grade_files(read_package(package), seed=seed, rung=rung, only=only)


def grade_files(
    files: dict[str, bytes], *, seed: int, rung: Rung, only: Collection[str] = ()
) -> Iterator[Outcome]:
    """Grade the exercises that are code, from the files of a package.

    Parameters
    ----------
    seed, rung, only
        As for `grade_code`.
    """
    wanted = [exercise for exercise in CHECKS if not only or exercise in only]
    needed = {p for exercise in wanted for p in merits.needed(exercise)}
    states: dict[str, str] = {}
    later = []
    with Grader(files, seed=seed, rung=rung) as grader:
        for exercise in (e for e in CHECKS if e in wanted or e in needed):
            outcome = grader.grade(exercise)
            states[exercise] = outcome.state
            if exercise not in wanted:
                continue
            if _may_be_anothers_fault(outcome):
                later.append(outcome)
            else:
                yield outcome
        again = [grader.grade_again(outcome, states) for outcome in later]
    last = states | {outcome.exercise: outcome.state for outcome in again}
    for outcome in again:
        yield _with_reason(outcome, grader.waits.get(outcome.exercise, ()), states, last)


def _with_reason(
    outcome: Outcome, waits: Collection[str], first: Mapping[str, str], last: Mapping[str, str]
) -> Outcome:
    """Name what is not right in the end: why an exercise passed so, or what it waited for."""
    if outcome.state == "passed":
        names = merits.not_right(outcome.exercise, first, last)
        verb = "are" if len(names) > 1 else "is"
        reason = f" ({' and '.join(names)} {verb} not right yet)" if names else ""
        return replace(outcome, message=f"{outcome.message}{reason}")
    passed = [i for i in waits if last[i] == "passed"]
    causes = {n for i in passed for n in merits.not_right(i, first, last)}
    if not causes:
        return outcome
    said = _waits_for({*waits, *causes} - {*passed})
    if outcome.exercise in causes:
        functions = " or ".join(EXERCISES[outcome.exercise].functions)
        said = f"{functions} ran on in the check of {' and '.join(passed)}, which calls it"
    return replace(outcome, message=outcome.message.replace(_waits_for(waits), said))


def _waits_for(exercises: Collection[str]) -> str:
    """Say why an exercise was not tried with the code of others."""
    return f"it waits for {', '.join(sorted(exercises))}, which ran on"


def _may_be_anothers_fault(outcome: Outcome) -> bool:
    """Tell whether an exercise that did not pass may do so where others are right."""
    if outcome.state in ("passed", NOT_GRADED) or not merits.needed(outcome.exercise):
        return False
    if outcome.exercise in merits.TRIED_WITH and outcome.state != "no answer":
        return False
    return not outcome.message.startswith(f"{outcome.exercise} is open")  # its own stub


class Grader:
    """Grades exercises of one package; use it in a ``with`` statement.

    Attributes
    ----------
    waits : dict of str to set of str, for an exercise that was not tried with others, those that
        ran on
    """

    def __init__(self, files: dict[str, bytes], *, seed: int, rung: Rung) -> None:
        self._files, self._seed, self._rung = files, seed, rung
        limits = rung.limits
        self._budget = Budget(limits.all_wall, limits.all_cpu, limits.all_bytes)
        self._sandbox: Sandbox | None = None
        self._overran: set[str] = set()
        self._unsure: set[str] = set()  # exercises that a person has to weigh
        self._single: set[str] = set()  # in whose last attempt a number of Python's own was seen
        self.waits: dict[str, set[str]] = {}
        self._trouble = ""  # why no sandbox is tried any more

    def __enter__(self) -> Grader:
        """Get ready; the sandbox comes up when it is needed."""
        recall.install()
        return self

    def __exit__(self, *_: object) -> None:
        """End the sandbox."""
        if self._sandbox is not None:
            self._sandbox.__exit__()
            self._sandbox = None

    def grade(self, exercise: str) -> Outcome:
        """Grade an exercise with all of the student's code."""
        row = EXERCISES[exercise]
        if row.file not in self._files:
            message = f"{row.file} is missing, or is no plain file of less than 1 MB"
            return Outcome(exercise, 0, row.points, "no answer", message)
        if exercise not in FURTHER:
            return self._ungraded(exercise, "the grader has no further check of it")
        if stopped := self._overran & {*merits.PREREQUISITES.get(exercise, ())}:
            self.waits[exercise] = stopped
            return self._failed(exercise, _waits_for(stopped))
        return self._persist(exercise, self._attempt_as_it_is)

    def _persist(self, exercise: str, attempt: Callable[[str], Outcome]) -> Outcome:
        """Attempt an exercise, twice if the sandbox fails: no code in it can make it do so."""
        if not self._trouble:
            for _ in range(2):
                try:
                    return attempt(exercise)
                except (OSError, NoSandboxError) as error:
                    self.__exit__()
                    fault = f"{type(error).__name__}: {error}"
            self._trouble = f"its sandbox failed twice: {fault}"
        return self._ungraded(exercise, self._trouble)

    def _attempt_as_it_is(self, exercise: str) -> Outcome:
        """Grade an exercise in the sandbox that all of the student's code shares."""
        if self._sandbox is None:
            self._sandbox = Sandbox(self._rung, self._files).__enter__()
            self._charge_start(self._sandbox)
        return self._attempt(exercise, self._sandbox)

    def grade_again(self, outcome: Outcome, states: Mapping[str, str]) -> Outcome:
        """Grade an exercise with the course's code in place of what else it needs.

        Parameters
        ----------
        outcome : Outcome, of the first attempt
        states : mapping of str to str, what the first attempt at each exercise came to

        Returns
        -------
        outcome : Outcome, the first one unless the exercise passes this way. The code of the
            hand-in can read the course's here, so nothing else of what it says goes on from here:
            no message, no advice, no trace
        """
        exercise = outcome.exercise
        blamed = merits.blamed(exercise, states)
        if not blamed or EXERCISES[exercise].file not in self._files:
            return outcome
        replaced = merits.replaced(exercise, states)
        for taken in merits.plans(exercise, blamed):
            if self._budget.is_spent:  # no sandbox is started any more: that alone may cost seconds
                if self._overran:
                    return replace(outcome, message=f"{outcome.message}\n{_SPENT}")
                return self._ungraded(exercise, _SLOW)
            attempt = partial(self._attempt_with, taken=taken, replaced=replaced)
            again = self._persist(exercise, attempt)
            if again.state == NOT_GRADED:
                return again
            if again.state == "passed":
                points = EXERCISES[exercise].points
                return Outcome(exercise, points, points, "passed", _OWN_MERITS)
        return outcome

    def _attempt_with(self, exercise: str, taken: tuple[str, ...], replaced: list[str]) -> Outcome:
        """Grade an exercise in a sandbox of its own, where functions of the course stand in."""
        code = merits.course_code(() if exercise in merits.TRIED_WITH else taken)
        with Sandbox(self._rung, self._files, code) as sandbox:
            self._charge_start(sandbox)
            return self._attempt(exercise, sandbox, taken, replaced)

    def _charge_start(self, sandbox: Sandbox) -> None:
        """Take from the hand-in's time what a sandbox took to come up: it may need many."""
        self._budget.cpu -= sandbox.start_cpu
        self._budget.wall -= sandbox.start_wall

    def _attempt(
        self,
        exercise: str,
        sandbox: Sandbox,
        taken: tuple[str, ...] = (),
        replaced: Sequence[str] = (),
    ) -> Outcome:
        """Grade an exercise; where an odd number is all that is wrong, leave it to a person."""
        outcome = self._try(exercise, sandbox, taken, replaced)
        if exercise not in self._single:
            return outcome
        again = self._try(exercise, sandbox, taken, replaced, spares_single=True)
        if again.state != "passed":
            return again
        message = outcome.message.partition(SINGLE_SAID)[0] + SINGLE_SAID
        return replace(outcome, message=message, staff=_ONE_NUMBER, left=ITSELF)

    def _try(
        self,
        exercise: str,
        sandbox: Sandbox,
        taken: tuple[str, ...],
        replaced: Sequence[str],
        *,
        spares_single: bool = False,
    ) -> Outcome:
        """Grade an exercise in a fresh process."""
        self._single.discard(exercise)
        if self._budget.is_spent:
            failed = self._failed if self._overran else self._ungraded
            return failed(exercise, _SPENT if self._overran else _SLOW)
        limits, tired = self._rung.limits, len(self._overran) >= _PATIENCE
        cpu = min(limits.cpu, _TIRED_CPU) if tired else limits.cpu
        wall = min(limits.wall, _TIRED_WALL) if tired else limits.wall
        order = {"functions": EXERCISES[exercise].functions, "seed": 682, "cpu": cpu}
        order |= {"spares_single": spares_single}
        order |= {"modules": merits.MODULES if taken else {}, "taken": taken, "replaced": replaced}
        result, problem, fault, slow, gone = None, "", "", False, False
        with contextlib.closing(sandbox.begin(order)) as end:
            remote = RemoteSubject(end, wall, self._budget, sandbox.waited)
            try:
                result = self._examine(exercise, remote)
            except NoAnswer as error:
                problem, fault = str(error), str(error) if isinstance(error, OwnFault) else ""
                slow = isinstance(error, TooLate) and not sandbox.is_asleep()
                gone = problem == GONE and sandbox.has_ended()  # below it is made to end
            remote.give_back()  # to one that has ended too: it may have waited long for a core
        try:
            status, used = sandbox.finish()
        except OSError:
            if result is None:
                raise
            self.__exit__()  # what it has answered counts all the same; the next gets a new one
            status, used = 0, 0.0
        self._budget.cpu -= used
        if result is not None:
            return self._judged(result, remote)
        if fault:
            return self._ungraded(exercise, fault)
        if slow:
            return self._ungraded(exercise, "it was late, but not asleep: is the machine busy?")
        if gone and status == -signal.SIGKILL and used < cpu:  # it cannot do so itself
            return self._ungraded(exercise, "its process was killed: is there too little memory?")
        if status == -signal.SIGXCPU or (gone and status == -signal.SIGKILL):
            problem, status = _STOPPED, 0
        if "time" in problem or remote.has_spent:
            self._overran.add(exercise)
        # how it ends while the grader ends it is chance; code that has seen inputs may choose it
        end_said = ending(status) if gone and not remote.is_secret else ""
        return self._failed(exercise, f"{problem}{end_said}", remote.trace)

    def _judged(self, result: Any, remote: RemoteSubject) -> Outcome:
        """Return the outcome of an examination, unless the check itself is in question."""
        row, passed = result.exercise, result.state == "passed"
        if not passed and (fault := fault_of_check(row.id, self._seed)):
            return self._ungraded(row.id, fault)
        advice = dict.fromkeys((*result.advice, *remote.advice))
        is_unsure = not passed and row.id in self._unsure
        if not passed and remote.saw_single:
            self._single.add(row.id)
        return Outcome(
            row.id,
            row.points if passed else 0,
            row.points,
            result.state,
            clean(result.message),
            tuple(clean(text) for text in advice),
            _FEW_DIGITS if is_unsure else clean(remote.trace) if not passed else "",
            ITSELF if is_unsure else "",
        )

    def _examine(self, exercise: str, subject: RemoteSubject) -> Any:
        """Run the students' check and, if it passes, the further one."""
        result = examine(exercise, subject, checks=[*map(told_apart, CHECKS[exercise])])
        if result.state != "passed":
            return result
        subject.is_secret = True

        def further(*asked: Any) -> None:
            try:
                further_check(exercise, self._seed, *asked)
            except UnsureError:
                self._unsure.add(exercise)
                raise

        again = examine(exercise, subject, checks=(further, _require_lasting_results))
        return replace(again, advice=result.advice, passed=result.passed)

    def _failed(self, exercise: str, problem: str, staff: str = "") -> Outcome:
        """Return the outcome of an exercise whose code gave no answer."""
        message = f"{exercise} got no answer: {problem}"
        points = EXERCISES[exercise].points
        return Outcome(exercise, 0, points, "no answer", message, staff=clean(staff))

    def _ungraded(self, exercise: str, reason: str) -> Outcome:
        """Return the outcome of an exercise that the grader cannot judge."""
        message = f"{exercise} was not graded, which is no fault of yours"
        points = EXERCISES[exercise].points
        return Outcome(exercise, 0, points, NOT_GRADED, message, staff=clean(reason))


def _require_lasting_results(subject: Any, _: Any) -> None:
    """Ask the worker whether a result has changed since it was returned."""
    subject.require_lasting_results()


@lru_cache(maxsize=4096)
def fault_of_check(exercise: str, seed: int) -> str:
    """Return what is wrong with the checks of an exercise: whether they refuse the course's code.

    Returns
    -------
    fault : str, empty if there is none
    """
    try:
        result = examine(exercise)
        if result.state == "passed":
            result = examine(exercise, checks=(partial(further_check, exercise, seed),))
    except Exception as error:
        return f"its check fails with {type(error).__name__}: {error}"
    return "" if result.state == "passed" else f"its check refuses the course's: {result.message}"


def ending(status: int) -> str:
    """Say how a process ended, where that tells something."""
    if status in (0, -signal.SIGKILL):
        return ""
    return f", by signal {-status}" if status < 0 else f", with exit status {status}"

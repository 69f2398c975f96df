"""Check an exercise within a time limit, and name the line that does not come to an end."""

from __future__ import annotations

import _thread
import os
import re
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cs682.checks.compare import CallError, CheckError, say
from cs682.checks.exercises import EXERCISES
from cs682.checks.hints import say_stuck
from cs682.checks.names import find_exercise
from cs682.checks.run import TRAININGS, Result, describe, examine, hints_help, say_next
from cs682.checks.stack import student_line
from cs682.checks.subject import Subject

SECONDS = 120  # for one check; the longest takes about five
_CAUSE = "a loop that does not end, or one over every number where NumPy takes whole arrays"
_WAITS = re.compile(r"\b(?:input|sleep)\(")
# Trainings that passed in this process, and when: their notebook may not be saved since.
PASSED: dict[str, float] = {}
GRACE = 10  # seconds until an interrupted check must have ended


def check(exercise: str, *others: Any, subject: Subject | None = None, **artefacts: Any) -> None:
    """Check one exercise within two minutes; print what held and any advice.

    Parameters
    ----------
    exercise : str, its id or its function, for example 'fc-1.1' or 'affine_forward'
    *others : refused, for a check finds what it looks at
    subject : object with the student's functions; by default this process's own `cs682`
    **artefacts : for trainings, what the check asks for: ``model`` and ``data``, or ``solver``

    Raises
    ------
    CheckError
        If the exercise is open or something about the answer is wrong.
    CallError
        If there is no exercise of this id, it is a question for a person to read, or the call has
        arguments that the check does not take.
    """
    row = find_exercise(exercise)
    if others and not row.is_question and row.id not in TRAININGS:
        seen = f"{' and '.join(row.functions)} in {row.file}"
        raise CallError(f'check("{row.id}") takes no more than that: it looks at {seen}')
    result = examine_in_time(row.id, subject, **artefacts)
    PASSED.pop(result.exercise.id, None)
    if result.state != "passed":
        stuck = say_stuck(result.exercise.id, '{what}("{id}")') if hints_help(result) else ""
        raise CheckError("\n".join(filter(None, (say_next(result).message, stuck))))
    if artefacts:
        PASSED[result.exercise.id] = time.time()
    say(describe(result))


class _Watch:
    """Interrupts the main thread when time is up.

    Parameters
    ----------
    seconds : float
    is_last_word : bool, whether to end the process if the interrupt is of no use
    """

    def __init__(self, seconds: float, *, is_last_word: bool) -> None:
        self.is_over = False  # time was up
        self._is_last_word = is_last_word
        self._done, self._lock = threading.Event(), threading.Lock()
        self._thread = threading.Thread(target=self._wait, args=(seconds,), daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Stop watching: nothing is interrupted from now on."""
        with self._lock:
            self._done.set()

    def _wait(self, seconds: float) -> None:
        while not self._done.wait(seconds):
            with self._lock:
                if self._done.is_set():
                    return
                if self.is_over and self._is_last_word:  # it catches the interrupt, or is in C
                    print(f"It cannot be stopped: {_hanging()}", file=sys.stderr)  # noqa: T201
                    os._exit(1)
                self.is_over = True
                _thread.interrupt_main()
            seconds = GRACE


def examine_in_time(
    exercise: str,
    subject: Subject | None = None,
    *,
    seconds: float = SECONDS,
    is_last_word: bool = False,
    **artefacts: Any,
) -> Result:
    """Check one exercise; one that takes too long is wrong.

    Parameters
    ----------
    exercise, subject, **artefacts
        As for `check`.
    seconds : float, default 120; the longest that it may take
    is_last_word : bool, default False; whether to end the process if the check cannot be stopped

    Returns
    -------
    result : Result

    Raises
    ------
    KeyboardInterrupt
        If the user stops it.
    """
    if threading.current_thread() is not threading.main_thread():
        return examine(exercise, subject, **artefacts)  # nobody can interrupt it there
    watch = _Watch(seconds, is_last_word=is_last_word)
    try:
        with _ended(watch):
            return examine(exercise, subject, **artefacts)
    except KeyboardInterrupt as stop:
        if not watch.is_over:
            raise
        row = EXERCISES[exercise]
        line = student_line(stop) or str(stop).partition("\n")[2]
        cause = "This line waits: take it out" if _WAITS.search(line) else f"Likely cause: {_CAUSE}"
        where = f"\n{line}\n  {cause}" if line else ""
        said = f"it takes longer than {seconds:g} s{where}"
        return Result(row, "wrong", said, is_stopped=True)


@contextmanager
def _ended(watch: _Watch) -> Iterator[None]:
    """End a watch with the block, however that ends."""
    try:
        yield
    finally:
        watch.end()


def _hanging() -> str:
    """Say in which line the main thread is."""
    frame = sys._current_frames()[threading.main_thread().ident or 0]
    last = traceback.extract_stack(frame)[-1]
    return f"{last.name} does not end: {last.filename} line {last.lineno}: {last.line}"

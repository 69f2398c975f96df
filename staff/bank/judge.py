"""Run the bank: hear what the checks say to answers whose verdict is known."""

from __future__ import annotations

import argparse
import ast
import contextlib
import io
import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any
from unittest import mock

import nbformat

from cs682.checks import EXERCISES, CheckError
from cs682.checks.prerequisites import RESTS_ON
from cs682.checks.run import Result, examine
from staff.bank.answer import ROOT, Answer, installed
from staff.bank.read import read_bank

BANK: tuple[Answer, ...] = read_bank()


@dataclass(frozen=True)
class Outcome:
    """What became of one answer.

    Attributes
    ----------
    answer : Answer
    state : {'passed', 'open', 'wrong'}, from the exercise's check
    message : str, the check's message, or its advice
    cell : str, the message of the notebook's check cell; empty if the cell passed it
    """

    answer: Answer
    state: str
    message: str
    cell: str

    @property
    def as_expected(self) -> bool:
        """Tell whether check and cell gave the verdict that the answer deserves."""
        if self.answer.verdict == "wrong":
            return self.state == "wrong" and bool(self.cell)
        advised = bool(self.message)
        return (
            self.state == "passed"
            and not self.cell
            and advised == (self.answer.verdict == "advice")
        )

    @property
    def named(self) -> bool:
        """Tell whether the message says what the mistake is."""
        return bool(self.answer.names and re.search(self.answer.names, self.message))

    @property
    def lacks_words(self) -> bool:
        """Tell whether the message lacks words that it must have; of fresh answers none must."""
        return bool(self.answer.names) and not self.answer.fresh and not self.named


def judge(answer: Answer) -> Outcome:
    """Put an answer in the place of the reference and ask check and check cell about it."""
    with (
        installed(answer),
        _looking_beneath(answer),
        contextlib.redirect_stdout(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")  # as in a notebook; under pytest each would be an error
        result: Result = examine(answer.judge)
        cell = _run_cell(answer.judge, result)
    message = result.message or "\n".join(result.advice)
    return Outcome(answer, result.state, message, cell)


def _looking_beneath(answer: Answer) -> Any:
    """Look beneath a wrong answer only where it changes something: the rest is the reference."""
    changed = {change.exercise for change in answer.changes}
    beneath = tuple(key for key in RESTS_ON.get(answer.judge, ()) if key in changed)
    return mock.patch.dict(RESTS_ON, {answer.judge: beneath})


def _run_cell(exercise: str, result: Result) -> str:
    """Run the notebook's check cell of an exercise by itself; return what it raised, if it did.

    Its call of `check` gives the result that is known already: the same check need not run twice.
    """

    def check(asked: str) -> None:
        if asked == exercise and result.state != "passed":
            raise CheckError(result.message)

    imports, cell = check_cell(exercise)
    namespace: dict[str, object] = {}
    exec(imports, namespace)
    namespace["check"] = check
    try:
        exec(cell, namespace)
    except CheckError as error:
        return str(error)
    except (Exception, SystemExit) as error:  # raised by the student's code, not by a check
        return f"{type(error).__name__}: {error}"
    return ""


@cache
def check_cell(exercise: str) -> tuple[str, str]:
    """Return the import statements of the exercise's notebook, and the cell that checks it.

    Parameters
    ----------
    exercise : str, its id

    Returns
    -------
    imports : str, source
    cell : str, source

    Raises
    ------
    LookupError
        If there is not exactly one cell that checks the exercise.
    """
    path = ROOT / "notebooks" / EXERCISES[exercise].notebook
    notebook = nbformat.read(path, as_version=4)
    sources = [c.source for c in notebook.cells if c.cell_type == "code"]
    cells = [s for s in sources if f'check("{exercise}"' in s]
    if len(cells) != 1:
        raise LookupError(f"{path.name} has {len(cells)} cells with check({exercise!r}), not one")
    nodes = [node for source in sources for node in ast.parse(source).body]
    imports = [ast.unparse(n) for n in nodes if isinstance(n, (ast.Import, ast.ImportFrom))]
    return "\n".join(imports), cells[0]


def table(outcomes: Iterable[Outcome]) -> str:
    """Return the figures per exercise as text: answers, rejected, named, falsely rejected."""
    rows: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        rows.setdefault(outcome.answer.judge, []).append(outcome)
    rows = {key: rows[key] for key in EXERCISES if key in rows}
    lines = [f"{'exercise':9}{'wrong':>6}{'rejected':>9}{'named':>6}{'right':>6}{'refused':>8}"]
    total = [o for group in rows.values() for o in group]
    for key, group in [*rows.items(), ("all", total)]:
        wrong = [o for o in group if o.answer.verdict == "wrong"]
        right = [o for o in group if o.answer.verdict != "wrong"]
        rejected = sum(o.state == "wrong" and bool(o.cell) for o in wrong)
        named = sum(o.named for o in wrong)
        refused = sum(not o.as_expected for o in right)
        lines.append(f"{key:9}{len(wrong):6}{rejected:9}{named:6}{len(right):6}{refused:8}")
    return "\n".join(lines)


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``bank`` to the staff's command line.

    Parameters
    ----------
    commands : the subparsers of ``python -m staff``; one more is added
    """
    parser = commands.add_parser("bank", help="run the checks over answers of known verdict")
    parser.add_argument("ids", nargs="*", metavar="ID", help="exercises (default: all)")
    parser.add_argument("--fresh", action="store_true", help="only answers written blind")
    parser.add_argument("--verbose", action="store_true", help="print every message")
    parser.add_argument(
        "--remote", action="store_true", help="put the answers through the grader, in its sandbox"
    )
    parser.add_argument(
        "--tests", action="store_true", help="put the right ones through the released tests"
    )
    parser.set_defaults(run=run_command)


def run_command(args: argparse.Namespace) -> int:
    """Judge the bank's answers, print surprises and the table of figures.

    Parameters
    ----------
    args : namespace with ``ids``, ``fresh``, ``verbose``, ``remote`` and ``tests``

    Returns
    -------
    status : int, 1 when a verdict is not the one an answer deserves, the message of an answer that
        is not fresh lacks its words, or a released test refuses a right one; else 0
    """
    if unknown := sorted({*args.ids} - {*EXERCISES}):
        _say(f"no exercise has the id {', '.join(unknown)}; one is fc-1.1")
        return 1
    answers = [answer for answer in BANK if not args.ids or answer.judge in args.ids]
    answers = [answer for answer in answers if answer.fresh or not args.fresh]
    if args.remote:
        return _run_remotely(answers)
    if args.tests:
        return _run_tests(answers)
    outcomes = [judge(answer) for answer in answers]
    for outcome in outcomes:
        nameless = outcome.answer.verdict == "wrong" and not outcome.named
        if nameless or not outcome.as_expected or args.verbose:
            _say(_line(outcome, nameless=nameless))
    _say(table(outcomes))
    return 0 if all(outcome.as_expected and not outcome.lacks_words for outcome in outcomes) else 1


def _line(outcome: Outcome, *, nameless: bool) -> str:
    """Return what the command says of one answer."""
    found = outcome.state
    if not outcome.as_expected:
        found = "UNEXPECTED"
    elif nameless:
        words = outcome.answer.names
        found = f"not named (expected: {words})" if words else "not named (no words are given)"
    return f"{found} {outcome.answer}: {outcome.message}"


def _run_remotely(answers: Iterable[Answer]) -> int:
    """Put answers through the grader; return 1 if one costs more or less than its own exercise."""
    from staff.bank.remote import grade_answer, surprise
    from staff.grading.sandbox.ladder import choose_rung

    rung, surprises, graded = choose_rung(allow_unsandboxed=True), 0, 0
    for answer in answers:
        graded += 1
        if said := surprise(answer, grade_answer(answer, seed=682, rung=rung)):
            surprises += 1
            _say(f"UNEXPECTED {said}")
    _say(f"{graded} answers graded ({rung.name}), {surprises} not as they deserve")
    return 1 if surprises else 0


def _run_tests(answers: Iterable[Answer]) -> int:
    """Put right answers through the released tests; return 1 if one is refused."""
    from staff.bank.released import failures

    right, refused = 0, 0
    for answer in answers:
        if answer.verdict != "wrong":
            right += 1
            if failed := failures(answer):
                refused += 1
                _say("\n  ".join([f"REFUSED {answer}", *failed]))
    _say(f"{right} answers that are right, {refused} refused")
    return 1 if refused else 0


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201  # this is a command line

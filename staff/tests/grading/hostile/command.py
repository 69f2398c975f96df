"""The command ``python -m staff hostile``: what each hostile hand-in gets on each rung."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from staff.bank.answer import ROOT
from staff.grading.intake.package import read_package
from staff.grading.judging.core import grade_files
from staff.grading.judging.outcome import Outcome
from staff.grading.sandbox.ladder import RUNGS, Limits, NoSandboxError, Rung, try_rung
from staff.tests.grading.hostile import HOSTILE, Hostile

LIMITS = Limits(wall=5.0, cpu=1, memory=600_000_000)  # attacks that hang shall not hang for long


def try_kind(kind: Hostile, rung: Rung) -> Outcome:
    """Grade the exercise that a hostile hand-in is after.

    Parameters
    ----------
    kind : Hostile
    rung : Rung

    Returns
    -------
    outcome : Outcome
    """
    files = kind.apply(read_package(ROOT))
    outcomes = grade_files(files, seed=3, rung=rung, only=(kind.exercise,))
    return next(o for o in outcomes if o.exercise == kind.exercise)


def rungs() -> Iterator[Rung]:
    """Yield the rungs that this machine allows.

    Yields
    ------
    rung : Rung
    """
    for name in RUNGS:
        try:
            yield try_rung(name, LIMITS)
        except NoSandboxError as error:
            _say(f"not here: {name}: {error}")


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``hostile`` to the staff's command line.

    Parameters
    ----------
    commands : the subparsers of ``python -m staff``; one more is added
    """
    parser = commands.add_parser("hostile", help="try the hostile hand-ins against the grader")
    parser.add_argument("words", nargs="*", metavar="WORD", help="kinds whose names hold a word")
    parser.set_defaults(run=run_command)


def run_command(args: argparse.Namespace) -> int:
    """Print what each kind got on each rung.

    Parameters
    ----------
    args : namespace with ``words``

    Returns
    -------
    status : int, 1 if one of them gained a point, else 0
    """
    allowed, gained = list(rungs()), 0
    for kind in HOSTILE:
        if args.words and not any(word in kind.name for word in args.words):
            continue
        cells = []
        for rung in allowed:
            if kind.needs_walls and rung.name == "limits alone":
                cells.append("not tried")
                continue
            outcome = try_kind(kind, rung)
            gained += outcome.points
            cells.append(f"{outcome.state}, {outcome.points}")
        _say(f"| {kind.name} | {' | '.join(cells)} |")
    _say(f"points gained: {gained}, on {', '.join(rung.name for rung in allowed)}")
    return 1 if gained else 0


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201  # this is a command line

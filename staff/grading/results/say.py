"""What ``python -m staff grade`` says when grading is done: where the results are, what is open."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from staff.grading.intake.safe_text import FEW, counted, names, shown
from staff.grading.intake.submission import ClassOfSubmissions
from staff.grading.results.exports import open_points, outdated, undecided
from staff.grading.results.late import say_untimed
from staff.grading.results.store import DOUBLED, IDLE, NotGraded, Record, Result, records_of

NOT_YET = "it has not been graded yet"


def say_results(out: Path, done: Sequence[Result], results: Mapping[str, Result]) -> int:
    """Say where the results are and what needs a person.

    Parameters
    ----------
    out : Path, the folder of all results
    done : sequence of Record or NotGraded, of the whole class
    results : mapping of str to Record or NotGraded, of this run, by id of the submission

    Returns
    -------
    status : int, of the command: 1 if a hand-in of this run could not be graded
    """
    records = records_of(done)
    say(f"Grades: {out / 'grades.csv'}; a report for each student: {out / 'students'}")
    say(f"The class: {out / 'summary.html'}; what to look at: {out / 'warnings.html'}")
    _say_left_to_people(out, records)
    partly = {r.id: r.ungraded for r in records if r.not_graded}
    failed = {f.id: f.reason for f in done if isinstance(f, NotGraded)}
    missing = {**partly, **failed}
    for id_, reason in missing.items():
        if reason != NOT_YET:
            say(f"NOT GRADED {shown(id_)}: {shown(reason, 400)}")
    if any(f.trace for f in done if isinstance(f, NotGraded)):
        say(f"Where the grader stumbled: {out / 'staff' / 'failures.txt'}")
    return 1 if missing.keys() & results.keys() else 0


def _say_left_to_people(out: Path, records: Sequence[Record]) -> None:
    """Say which points wait for a person, and which a person should look at."""
    if waiting := sum(record.to_be_read for record in records):
        say(
            f"To be read by a person: {out / 'answers.html'}, {counted(waiting, 'point')} in all. "
            f"Fill in {out / 'answers.csv'}, then give the same command again"
        )
    without = [(shown(r.id, 40), names(r.unanswered, FEW)) for r in records if r.unanswered]
    if without:
        who = names([f"{id_} ({questions})" for id_, questions in without])
        say(f"Points count for questions that have no answer: {who}")
    if doubled := _of_fact(records, DOUBLED):
        say(f"Of two versions none was taken. To have one graded, give: {names(doubled)}")
    if idle := _of_fact(records, IDLE):
        say(
            f"Nothing was taken from uploads that students.csv assigns: {names(idle)}. If one "
            "counts, write the older upload into students.csv too: NAME,-"
        )
    if unseen := sum(record.unseen for record in records):
        points = counted(unseen, "point")
        say(f"Trained models are not graded, {points} in all: without --no-models they are")


def _of_fact(records: Sequence[Record], name: str) -> list[str]:
    """Return a fact of those of whom it is known, each with the id."""
    return [f"{shown(r.facts[name])} ({shown(r.id, 40)})" for r in records if name in r.facts]


def say_open(
    form: str | None, done: Sequence[Result], found: ClassOfSubmissions, untimed: Sequence[str]
) -> None:
    """Say what is still open, and all of it if a table is about to leave.

    Parameters
    ----------
    form : str or None, the platform that the table is for
    done : sequence of Record or NotGraded, of the whole class
    untimed : sequence of str, ids of hand-ins of which nobody knows whether they are late
    """
    held = {s.id for s in found.submissions if s.held}
    lines = open_points(done, held) if form else undecided(records_of(done))
    for line in [*lines, *say_untimed(untimed)]:
        say(f"OPEN in {form}.csv: {line}" if form else f"OPEN: {line}")


def say_left_out(left_out: Sequence[str], roster: Path | None) -> None:
    """Name those whose grade has found no line in the platform's table.

    Parameters
    ----------
    left_out : sequence of str, students with their points
    """
    if left_out:
        say(
            f"{shown(str(roster), 200)} has no line for {names(left_out)}: "
            "these grades stand in grades.csv alone"
        )


def say_outdated(out: Path, saved: Sequence[Path]) -> None:
    """Say which tables for a platform are older than the grades, and these than what was typed.

    Parameters
    ----------
    out : Path, the folder of all results
    saved : sequence of Path, what a person has saved since it was read
    """
    for path in outdated(out):
        say(
            f"{path} is older than these grades: --export {path.stem} writes it anew, with "
            "--roster if it was filled in"
        )
    if saved:
        say(
            f"Saved while this run was on, and kept: {names([str(path) for path in saved])}. "
            "These grades may not have it yet: give the same command again"
        )


def say_interrupted(left: Sequence[str], *, again: bool) -> None:
    """Say how many hand-ins this run has not come to, and how to go on with them.

    Parameters
    ----------
    left : sequence of str, their ids
    again : bool, whether this run graded again what has not changed
    """
    then = "the same command goes on with them."
    if left and again:  # --regrade knows nothing of the run before
        only = shlex.join(shown(id_) for id_ in left)
        then = f"they stand as before. To go on, give the same command again with --only {only}"
    say(f"Interrupted: {counted(len(left), 'hand-in')} left; {then}")


def say(text: str) -> None:
    """Print a line, at once. That nobody reads on, such as behind `head`, stops nothing."""
    try:
        print(text, flush=True)  # noqa: T201  # this is a command line
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

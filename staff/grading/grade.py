"""``python -m staff grade``: from a folder of hand-ins to grades and reports."""

from __future__ import annotations

import argparse
import secrets
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tqdm import tqdm

from cs682.checks import EXERCISES
from cs682.cifar10.files import find_cifar10
from staff.grading.intake.collect import ClassOfSubmissions, collect
from staff.grading.intake.safe_text import cell, shown, slug
from staff.grading.intake.submission import Submission
from staff.grading.judging import answers
from staff.grading.judging.trainings import hold_back, write_images
from staff.grading.rerun import require_walls
from staff.grading.results.grade_book import grade_book
from staff.grading.results.report import write_report
from staff.grading.results.store import Record, write_json, write_text
from staff.grading.results.summary import answers_page, summary_page
from staff.grading.run import Failure, Result, grade_class
from staff.grading.sandbox.ladder import NoSandboxError, choose_rung, require_hidden
from staff.grading.single import Plan
from staff.release.variant import read_variant

HELD_BACK = 2000  # images; more make the sample no fairer than the 1000 validation images let it be


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``grade`` to the staff's command line.

    Parameters
    ----------
    commands : the subparsers of ``python -m staff``; one more is added
    """
    parser = commands.add_parser("grade", help="grade a class")
    parser.add_argument(
        "submissions", type=Path, help="folder or zip of hand-ins, as the platform gives it out"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for grades and reports")
    parser.add_argument("--jobs", type=int, default=1, help="hand-ins at a time (default: 1)")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="of a Dask cluster to grade on")
    parser.add_argument("--only", metavar="ID", help="grade this hand-in alone")
    parser.add_argument(
        "--seed", type=int, help="for hidden inputs (default: drawn once, kept in OUT/staff)"
    )
    parser.add_argument("--answers", type=Path, metavar="FILE", help="answers.csv, filled in")
    add_options(parser)
    parser.add_argument(
        "--notebooks", action="store_true", help="run the notebooks as well, for you to look at"
    )
    parser.add_argument(
        "--allow-unsandboxed", action="store_true", help="where no sandbox is to be had, do without"
    )
    parser.set_defaults(run=run_command)


def add_options(parser: argparse.ArgumentParser, *, held_back: int = HELD_BACK) -> None:
    """Add what all ways of grading have in common.

    Parameters
    ----------
    parser : ArgumentParser
    held_back : int, images to run models on, if nothing else is asked for
    """
    parser.add_argument("--data", type=Path, help="folder of CIFAR-10 (default: as for notebooks)")
    parser.add_argument(
        "--held-back",
        type=int,
        default=held_back,
        metavar="N",
        help=f"test images to run models on (default: {held_back})",
    )
    parser.add_argument("--no-models", action="store_true", help="grade no trained models")
    parser.add_argument("--variant", type=Path, metavar="FILE", help="the course's variant, JSON")


def run_command(args: argparse.Namespace) -> int:
    """Grade a class and say where the results are.

    Parameters
    ----------
    args : namespace with the options of `add_command`

    Returns
    -------
    status : int, 1 if a hand-in could not be graded, 2 if nothing was done, else 0
    """
    try:
        return _grade(args)
    except (OSError, ValueError, NoSandboxError, RuntimeError) as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201  # this is a command line
        return 2


def _grade(args: argparse.Namespace) -> int:
    """Grade, then write everything that is made of the records."""
    if args.jobs < 1:
        raise ValueError(f"--jobs is {args.jobs}, expected at least 1")
    out: Path = args.out.resolve()
    if out == args.submissions.resolve() or args.submissions.resolve() in out.parents:
        raise ValueError(f"--out {args.out} lies inside of the hand-ins: name a folder elsewhere")
    read = answers.read_table(args.answers) if args.answers else {}
    kept = answers.read_table(out / "answers.csv") if (out / "answers.csv").exists() else {}
    rung = choose_rung(allow_unsandboxed=args.allow_unsandboxed)
    if args.notebooks:
        require_walls(rung)
    (out / "staff").mkdir(parents=True, exist_ok=True)
    if rung.name == "another user":
        require_hidden(args.submissions, out)
    plan = _plan(args, out)
    found = collect(args.submissions, out / "staff" / "export")
    chosen = _chosen(found, args.only)
    _require_known(read, found)
    _say(f"{len(chosen)} hand-ins; code runs in this sandbox: {rung.name}")
    results = _with_bar(chosen, plan, args)
    done = _merged(found.submissions, results, read)
    _write(plan, done, {**kept, **read}, found.remarks)
    return _report(out, done, results)


def _plan(args: argparse.Namespace, out: Path) -> Plan:
    """Return how to grade; the images to hold back are drawn and stored on the way."""
    seed = _seed(out) if args.seed is None else args.seed
    images = None
    if not args.no_models:
        images = out / "staff" / "held_back.npz"
        write_images(images, hold_back(find_data(args.data), args.held_back, seed))
    points = read_points(args.variant)
    rerun = find_data(args.data) if args.notebooks else None
    return Plan(out, seed, images, points, rerun, args.allow_unsandboxed)


def _seed(out: Path) -> int:
    """Return the seed of this folder of results; the first time it is drawn."""
    path = out / "staff" / "seed.txt"
    if not path.exists():
        write_text(path, f"{secrets.randbelow(2**32)}\n")
    return int(path.read_text())


def find_data(folder: Path | None) -> Path:
    """Return the folder of CIFAR-10; say what to do if there is none.

    Parameters
    ----------
    folder : Path or None, as it was asked for

    Returns
    -------
    folder : Path

    Raises
    ------
    FileNotFoundError
        If there is no data.
    """
    try:
        return find_cifar10(folder)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"{error}\nTrained models are run on images from it. "
            "Name its folder with --data, or grade without models: --no-models"
        ) from None


def read_points(variant: Path | None) -> dict[str, int]:
    """Return what each exercise is worth in this course.

    Parameters
    ----------
    variant : Path or None, the JSON file that the release was cut with

    Returns
    -------
    points : dict of str to int, by exercise

    Raises
    ------
    ValueError
        If it is no variant of this assignment.
    FileNotFoundError
        If there is no such file.
    """
    table = read_variant(variant).table if variant else EXERCISES
    return {key: row.points for key, row in table.items()}


def _chosen(found: ClassOfSubmissions, only: str | None) -> Sequence[Submission]:
    """Return the hand-ins to grade."""
    if only is None:
        return found.submissions
    chosen = [s for s in found.submissions if s.id == only]
    if not chosen:
        ids = ", ".join(shown(s.id, 40) for s in found.submissions[:20])
        raise ValueError(f"there is no hand-in {only!r}; there are {ids}")
    return chosen


def _require_known(read: Mapping[tuple[str, str], object], found: ClassOfSubmissions) -> None:
    """Refuse points for somebody who handed nothing in."""
    known = {cell(s.id) for s in found.submissions}
    unknown = sorted({student for student, _ in read} - known)
    if unknown:
        raise ValueError(f"the answers name {unknown[0]!r}, who has handed nothing in")


def _with_bar(
    chosen: Sequence[Submission], plan: Plan, args: argparse.Namespace
) -> dict[str, Result]:
    """Grade behind a progress bar."""
    with tqdm(total=len(chosen), unit="hand-in", disable=None) as bar:

        def done(_: Result) -> None:
            bar.update()

        return grade_class(chosen, plan, jobs=args.jobs, scheduler=args.scheduler, done=done)


def _merged(
    submissions: Sequence[Submission],
    results: Mapping[str, Result],
    read: dict[tuple[str, str], tuple[int, str]],
) -> list[Result]:
    """Return the results in the order of the class, with the points of answers put in."""
    ordered = [results[s.id] for s in submissions if s.id in results]
    return [answers.merge(r, read) if isinstance(r, Record) else r for r in ordered]


def _write(
    plan: Plan,
    done: Sequence[Result],
    read: dict[tuple[str, str], tuple[int, str]],
    remarks: Sequence[str],
) -> None:
    """Write the grade book, the reports and the pages for the staff."""
    out = plan.out
    records = [result for result in done if isinstance(result, Record)]
    for record in records:
        write_report(plan.reports_of(record.id), record)
        write_json(out / "staff" / "traces" / f"{slug(record.id)}.json", _traces(record))
    write_text(out / "answers.csv", answers.table(records, read))
    write_text(out / "answers.html", answers_page(records))
    write_text(out / "summary.html", summary_page(done))
    failures = [f"{f.id}\n{f.trace}" for f in done if isinstance(f, Failure)]
    write_text(out / "staff" / "failures.txt", "\n".join(failures))
    write_text(out / "staff" / "remarks.txt", "".join(f"{line}\n" for line in remarks))
    write_text(out / "grades.csv", grade_book(done))


def _traces(record: Record) -> dict[str, str]:
    """Return what only the staff may read of a hand-in, by exercise."""
    return {o.exercise: o.staff for o in record.outcomes if o.staff}


def _report(out: Path, done: Sequence[Result], results: Mapping[str, Result]) -> int:
    """Say where the results are and what needs a person; return the exit status."""
    records = [r for r in done if isinstance(r, Record)]
    waiting = sum(record.to_be_read for record in records)
    _say(f"Grades: {out / 'grades.csv'}; a report for each student: {out / 'students'}")
    _say(f"The class: {out / 'summary.html'}")
    if waiting:
        _say(
            f"To be read by a person: {out / 'answers.html'}, {waiting} points in all. Fill in "
            f"{out / 'answers.csv'}, then grade again with --answers {out / 'answers.csv'}"
        )
    failures = [r for r in results.values() if isinstance(r, Failure)]
    for failure in failures:
        _say(f"NOT GRADED {shown(failure.id)}: see {out / 'staff' / 'failures.txt'}")
    return 1 if failures else 0


def _say(text: str) -> None:
    """Print a line, at once."""
    print(text, flush=True)  # noqa: T201  # this is a command line

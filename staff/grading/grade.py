"""``python -m staff grade``: from a folder of hand-ins to grades and reports."""

from __future__ import annotations

import argparse
import contextlib
import math
import os
import secrets
import signal
import sys
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from cs682.checks import EXERCISES
from cs682.cifar10.files import find_cifar10, is_stand_in
from staff.grading.desk import Desk
from staff.grading.intake.collect import collect
from staff.grading.intake.safe_text import counted, names, shown
from staff.grading.intake.sheets import normal
from staff.grading.intake.submission import ClassOfSubmissions, Submission
from staff.grading.judging.held_back import hold_back, write_images
from staff.grading.rerun import require_walls
from staff.grading.results.exports import FORMS, Roster, read_roster
from staff.grading.results.folder import (
    alone,
    apart_from,
    kept_while_held,
    put_aside,
    require_apart,
    require_everybody,
    require_no_verdicts,
)
from staff.grading.results.say import (
    NOT_YET,
    say,
    say_interrupted,
    say_left_out,
    say_open,
    say_outdated,
    say_results,
)
from staff.grading.results.store import Result, records_of, write_text
from staff.grading.run import Terminated, answering, grade_class, terminated
from staff.grading.sandbox.ladder import NoSandboxError, require_hidden
from staff.grading.single import Plan, find_rung
from staff.release.complete import unchecked
from staff.release.variant import read_variant

HELD_BACK = 2000  # images; more make the sample no fairer than the 1000 validation images let it be
STEPS = 20  # lines that say how far it is, where there is no terminal for a bar
INTERRUPTED = 130  # what a shell takes for the end by Ctrl-C
TERMINATED = 128 + signal.SIGTERM  # and by that signal


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``grade`` to the staff's command line."""
    parser = commands.add_parser("grade", help="grade a class")
    add = parser.add_argument
    add(
        "submissions",
        type=Path,
        nargs="+",
        help="folders or zips of hand-ins, as the platform gives them out, the newest last",
    )
    add("--out", type=Path, required=True, help="folder for grades and reports")
    add("--jobs", type=int, default=1, help="hand-ins at a time (default: 1)")
    add("--scheduler", metavar="ADDRESS", help="of a Dask cluster to grade on")
    add("--only", metavar="ID", nargs="+", default=[], help="grade these hand-ins alone")
    add("--regrade", action="store_true", help="grade again what has been graded")
    add(
        "--drop-absent",
        action="store_true",
        help="take out of the book whose hand-in is no longer among the submissions",
    )
    add("--seed", type=int, help="for hidden inputs (default: drawn once, kept in OUT/staff)")
    add(
        "--answers",
        type=Path,
        metavar="FILE",
        nargs="+",
        default=[],
        help="tables filled in elsewhere; OUT/answers.csv is always read",
    )
    add("--names", action="store_true", help="show names beside the answers")
    add("--readers", type=int, default=0, metavar="N", help="split the answers among N readers")
    add("--export", choices=FORMS, help="write a table for the platform's grade book as well")
    add("--roster", type=Path, metavar="FILE", help="the platform's own table, to be filled in")
    add("--column", metavar="NAME", help="heading in Canvas's table (default: the assignment's)")
    add_options(parser)
    add("--notebooks", action="store_true", help="run the notebooks as well, for you to look at")
    add(
        "--allow-unsandboxed", action="store_true", help="where no sandbox is to be had, do without"
    )
    parser.set_defaults(run=run_command)


def add_options(parser: argparse.ArgumentParser, *, held_back: int = HELD_BACK) -> None:
    """Add what all ways of grading have in common.

    Parameters
    ----------
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

    Returns
    -------
    status : int, 1 if a hand-in could not be graded, 2 if nothing was done, 130 if it was
        interrupted, 143 if it was terminated, else 0
    """
    try:
        with answering(signal.SIGTERM, terminated):  # temporary folders go too
            return _grade(args)
    except (OSError, ValueError, NoSandboxError, RuntimeError) as error:
        for line in str(error).splitlines():
            print(f"error: {shown(line, 1000)}", file=sys.stderr)  # noqa: T201
        if args.export and (args.out / f"{args.export}.csv").exists():
            say(f"{args.out / args.export}.csv is not written anew: it is of an earlier run")
        return 2
    except KeyboardInterrupt:
        say("Interrupted before anything was graded.")
        return INTERRUPTED
    except Terminated:
        say("Terminated: the same command goes on with what is left.")
        return TERMINATED


def _grade(args: argparse.Namespace) -> int:
    """Grade, if no other run does so in this folder."""
    out: Path = args.out.resolve()
    _require_sane(args, out)
    with alone(out):
        return _grade_alone(args, out)


def _grade_alone(args: argparse.Namespace, out: Path) -> int:
    """Grade, then write everything that is made of the records."""
    if args.no_models:
        require_no_verdicts(out)
    roster = _roster(args)
    desk = Desk(out, read_points(args.variant), args.answers, roster)
    rung = find_rung(args.allow_unsandboxed)
    if args.notebooks:
        require_walls(rung)
    found = collect(args.submissions, out / "staff" / "export", desk.owners)
    kept = kept_while_held(out, found.submissions)
    found = replace(found, submissions=tuple(apart_from(kept, found.submissions)))
    everybody = (*found.submissions, *kept)
    if not args.drop_absent:
        require_everybody(out, everybody, desk.passed_over)
    desk.require_sound(replace(found, submissions=everybody))
    chosen = _chosen(found, args.only)
    put_aside(out, everybody)
    if rung.name == "another user":
        _require_kept(args, out)
    plan = _plan(args, out)
    say(f"{counted(len(chosen), 'hand-in')}; code runs in this sandbox: {rung.name}")
    before = {s.id: _written(plan, s.id) for s in chosen}
    with answering(signal.SIGINT, _stop):
        results, interrupted = _with_bar(chosen, plan, args)
        for result in results.values():
            desk.remember(result)
        whole = [(results.get(s.id) or desk.recall(s, plan, NOT_YET), s) for s in everybody]
        done = [desk.adjust(result, submission) for result, submission in whole]
        left_out = desk.write(plan, done, found.remarks, args)
        status = say_results(out, done, results)
        if args.readers:
            say(
                f"For {counted(args.readers, 'reader')}, a table and a page each: {out / 'readers'}"
            )
        if kept:
            say(f"They stand as before, an upload that is held may be theirs: {_ids_of(kept)}")
        for line in [*desk.said(), *found.aloud, *(roster.doubts(done) if roster else ())]:
            say(line)
        say_open(args.export, done, found, desk.untimed)
        say_left_out(left_out, args.roster)
        say_outdated(out, desk.saved_meanwhile)
    if interrupted:
        left = [id_ for id_ in before.keys() - results.keys() if before[id_] == _written(plan, id_)]
        say_interrupted(sorted(left), again=args.regrade)
    return interrupted or status


def _ids_of(submissions: Sequence[Submission]) -> str:
    """Return what hand-ins are called, in one line."""
    return names([shown(s.id, 40) for s in submissions])


def _stop(*_: object) -> None:
    """At Ctrl-C say at once that the book comes, whatever has to end first, and hear no second."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    line = f"{os.linesep * sys.stderr.isatty()}Stopping; writing the book of what is done.\n"
    with contextlib.suppress(BrokenPipeError):
        os.write(1, line.encode())  # print may be at work just now
    raise KeyboardInterrupt


def _require_kept(args: argparse.Namespace, out: Path) -> None:
    """Refuse to run code as another user who can read the class's data; warn of a seed in sight."""
    if args.seed is not None:
        say(
            "Students' code runs as another user here, who can read --seed from the command line: "
            f"write {args.seed} into {out / 'staff' / 'seed.txt'}, and leave --seed out"
        )
    files = [*args.answers, *(path for path in (args.roster, args.variant) if path)]
    require_hidden(*args.submissions, *files, out)


def _require_sane(args: argparse.Namespace, out: Path) -> None:
    """Refuse options that make no sense, and a grader that lacks a check."""
    if faults := unchecked():
        raise ValueError("\n".join(["there are exercises that nobody could grade:", *faults]))
    for name in ("jobs", "readers"):
        if getattr(args, name) < (name == "jobs"):
            raise ValueError(f"--{name} is {getattr(args, name)}, expected at least 1")
    require_apart(args.submissions, out)
    for path in args.answers:
        if not path.is_file():
            raise FileNotFoundError(f"there is no {path}")


def _roster(args: argparse.Namespace) -> Roster | None:
    """Return the platform's table, looked through before anything is graded."""
    if args.column and not (args.roster and args.export == "canvas"):
        raise ValueError("--column names a heading in Canvas's table: give --export canvas and "
                         "--roster as well")  # fmt: skip
    if args.roster is None:
        return None
    if args.export is None:
        raise ValueError(f"--roster {args.roster} is filled in by --export canvas or moodle alone")
    if not args.roster.is_file():
        raise FileNotFoundError(f"there is no {args.roster}")
    return read_roster(args.export, args.roster, args.column)


def _plan(args: argparse.Namespace, out: Path) -> Plan:
    """Return how to grade; the images to hold back are drawn and stored on the way."""
    seed = _seed(out) if args.seed is None else args.seed
    images = None
    if not args.no_models:
        images = out / "staff" / "held_back.npz"
        write_images(images, hold_back(find_data(args.data), args.held_back, seed))
    points = read_points(args.variant)
    rerun = find_data(args.data) if args.notebooks else None
    hints = bool(args.variant) and read_variant(args.variant).hints_in_hand_in
    return Plan(out, seed, images, points, rerun, args.allow_unsandboxed, args.regrade, hints)


def _seed(out: Path) -> int:
    """Return the seed of this folder of results; the first time it is drawn."""
    path = out / "staff" / "seed.txt"
    if not path.exists():
        write_text(path, f"{secrets.randbits(128)}\n")
    return int(path.read_text())


def find_data(folder: Path | None) -> Path:
    """Return the folder of CIFAR-10; say what to do if there is none.

    Raises
    ------
    FileNotFoundError
        If there is no data, or only the stand-in, and nobody has named that.
    """
    try:
        found = find_cifar10(folder)
        if folder is None and is_stand_in(found):
            raise FileNotFoundError(f"{found} holds the stand-in, which no student trained on")
        return found
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"{error}\nTrained models are run on images from it. "
            "Name its folder with --data, or grade without models: --no-models"
        ) from None


def read_points(variant: Path | None) -> dict[str, int]:
    """Return what each exercise is worth in this course.

    Raises
    ------
    ValueError
        If it is no variant of this assignment.
    FileNotFoundError
        If there is no such file.
    """
    table = read_variant(variant).table if variant else EXERCISES
    return {key: row.points for key, row in table.items()}


def _chosen(found: ClassOfSubmissions, only: Collection[str]) -> Sequence[Submission]:
    """Return the hand-ins to grade: a person names each by its id or by a student's."""
    chosen = set()
    for id_ in only:
        if not (owner := found.owners.get(normal(id_))):
            known = names([_with_name(s) for s in found.submissions])
            raise ValueError(f"--only: {found.refusal(normal(id_))}; there are {known}")
        chosen.add(owner.id)
    return [s for s in found.submissions if not only or s.id in chosen]


def _with_name(submission: Submission) -> str:
    """Return the id of a hand-in, with the names behind it as far as they say more."""
    people = [s.name for s in submission.students if s.name and s.name != submission.id]
    return shown(f"{submission.id} ({', '.join(people)})" if people else submission.id, 80)


def _with_bar(
    chosen: Sequence[Submission], plan: Plan, args: argparse.Namespace
) -> tuple[dict[str, Result], int]:
    """Grade behind a progress bar, or a line now and then; tell by what status it was ended."""
    results: dict[str, Result] = {}
    held = {s.id for s in chosen if s.held}  # nobody grades them, so they count for nothing
    count = sum(not s.held for s in chosen)  # several may be held by one name
    with tqdm(total=count, unit="hand-in", disable=None) as bar:

        def done(result: Result) -> None:
            results[result.id] = result
            if result.id not in held:
                bar.update()
                if bar.disable:
                    _say_how_far([r for r in results.values() if r.id not in held], count)

        try:
            grade_class(chosen, plan, jobs=args.jobs, scheduler=args.scheduler, done=done)
        except KeyboardInterrupt:
            return results, INTERRUPTED
        except Terminated:
            return results, TERMINATED
    return results, 0


def _say_how_far(through: Sequence[Result], count: int) -> None:
    """Say now and then how many of so many hand-ins are through, and of these have no grade."""
    if len(through) % math.ceil(count / STEPS) == 0:
        failed = len(through) - len(records_of(through))
        without = f", {failed} of them NOT GRADED" if failed else ""
        say(f"{len(through)} of {count} hand-ins are through{without}")


def _written(plan: Plan, id_: str) -> int:
    """Return when a hand-in's record was written, in nanoseconds; 0 if there is none."""
    path = plan.record_of(id_)
    return path.stat().st_mtime_ns if path.exists() else 0

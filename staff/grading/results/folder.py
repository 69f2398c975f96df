"""The folder of results as a whole: what it is known by, and the hand-ins that it knows."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from cs682.checks.run import MODELS
from staff.grading.intake.safe_text import names, shown
from staff.grading.intake.sheets import normal
from staff.grading.intake.submission import Student, Submission
from staff.grading.intake.uploads import read_name
from staff.grading.results.store import Record, read_record

_OURS = ("records", "failures", "seed.txt", "held_back.npz", "answers.json")  # below staff/
_NOT_THEIRS = {"staff", "readers"}


def require_apart(places: Sequence[Path], out: Path) -> None:
    """Refuse to take results for hand-ins, and to write results among hand-ins.

    Parameters
    ----------
    places : sequence of Path, where the hand-ins are
    out : Path, the folder of all results

    Raises
    ------
    ValueError
        If a place is a folder of results, or `out` holds hand-ins and no results.
    """
    for place in places:
        if out == place.resolve() or place.resolve() in out.parents:
            raise ValueError(f"--out {out} lies inside of the hand-ins: name a folder elsewhere")
        if _is_results(place):
            raise ValueError(f"{place} is a folder of results: name the folder of hand-ins first, "
                             "that of results behind --out")  # fmt: skip
    if out.is_dir() and not _is_results(out):
        paths = [path for path in sorted(out.iterdir()) if path.name not in _NOT_THEIRS]
        if theirs := [shown(path.name, 40) for path in paths if read_name(path)]:
            raise ValueError(f"--out {out} holds what may be hand-ins, and no results: "
                             f"{names(theirs)}; name a folder of its own")  # fmt: skip


@contextlib.contextmanager
def alone(out: Path) -> Iterator[None]:
    """Keep every other run out of a folder of results while a block runs.

    The system takes the lock back when this process ends, however it ends: workers and sandboxes
    do not inherit the file.

    Parameters
    ----------
    out : Path, the folder of all results; if nothing comes of one that is new, it is taken away

    Raises
    ------
    ValueError
        If another run grades into it.
    OSError
        If it cannot be written to.
    """
    path = out / "staff" / "running"
    new = [folder for folder in (path.parent, out) if not folder.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        _lock(file, out)
        try:
            yield
        finally:
            file.truncate(0)  # the files are the same from every run
            if new and [*path.parent.iterdir()] == [path]:
                path.unlink()
                for folder in new:
                    with contextlib.suppress(OSError):  # it holds something else
                        folder.rmdir()


def _lock(file: IO[str], out: Path) -> None:
    """Take the lock of a folder of results, and leave word of who has it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        raise ValueError(f"another run (process {shown(file.read(), 40)}) grades into {out}: "
                         "wait for its end, or interrupt it with Ctrl-C") from None  # fmt: skip
    except OSError:  # a file system without locks, as clusters may have, is no reason not to grade
        return
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()


def require_no_verdicts(out: Path) -> None:
    """Refuse to make the points of trained models open again.

    Parameters
    ----------
    out : Path, the folder of all results

    Raises
    ------
    ValueError
        If models have been graded there.
    """
    records = [read_record(out / "staff" / "records" / f"{slug}.json", id_)
               for id_, (slug, _) in _known(out)]  # fmt: skip
    if judged := [shown(r.id, 40) for r in records if r and _has_verdict(r)]:
        raise ValueError(
            f"trained models are graded already in {out}, of {len(judged)} hand-ins: "
            f"{names(judged)}. Leave out --no-models, and name the data with --data if need be, "
            "or name another --out"
        )


def _has_verdict(record: Record) -> bool:
    """Tell whether a trained model has been judged."""
    states = {o.state for o in record.outcomes if o.exercise in MODELS}
    return not states.isdisjoint({"passed", "wrong"})


def _is_results(folder: Path) -> bool:
    """Tell whether grades have been written to a folder."""
    return any((folder / "staff" / name).exists() for name in _OURS)


def kept_while_held(out: Path, submissions: Sequence[Submission]) -> list[Submission]:
    """Return the hand-ins that stay as they are, since an upload that is held may be theirs.

    Parameters
    ----------
    out : Path, the folder of all results
    submissions : sequence of Submission, all that were found
    """
    there = {s.id for s in submissions}
    perhaps = {id_ for s in submissions for id_ in s.perhaps}
    return [
        Submission(id_, tuple(Student(student) for student in sorted(students)), ())
        for id_, (_, students) in _known(out)
        if id_ not in there and perhaps & {id_, *students}
    ]


def require_everybody(out: Path, submissions: Sequence[Submission]) -> None:
    """Refuse a class in which students lack who are known: it may be another one.

    Parameters
    ----------
    out : Path, the folder of all results
    submissions : sequence of Submission, the whole class, with what `kept_while_held` gives

    Raises
    ------
    ValueError
        If there is nothing of a student who is known.
    """
    there = {s.id for s in submissions}
    people = there | {student.id for s in submissions for student in s.students}
    absent = [
        shown(id_, 40)
        for id_, (_, students) in _known(out)
        if id_ not in there and not students & people
    ]
    if absent:
        held = sum(bool(s.held) for s in submissions)
        say = f"say in students.csv whose the {held} uploads are that are held, " if held else ""
        raise ValueError(
            f"{out} knows hand-ins that are not among SUBMISSIONS: {len(absent)}: {names(absent)}. "
            f"Name all folders of hand-ins, {say}or name another --out for another class; "
            "--drop-absent takes them out of the book"
        )


def put_aside(out: Path, submissions: Sequence[Submission]) -> None:
    """Put aside, below ``staff/dropped``, what is known of hand-ins that are not there any more.

    Parameters
    ----------
    out : Path, the folder of all results
    submissions : sequence of Submission, as for `require_everybody`

    Raises
    ------
    OSError
        If a file cannot be moved.
    """
    there = {s.id for s in submissions}
    for slug in [slug for id_, (slug, _) in _known(out) if id_ not in there]:
        _move(out, slug)


def ever_known(out: Path) -> list[str]:
    """Return the ids of all hand-ins that have been graded here, also of those put aside."""
    return [id_ for kind in ("records/*.json", "dropped/*/records.json")
            for id_, _ in _known(out, kind)]  # fmt: skip


def _known(out: Path, kind: str = "records/*.json") -> Iterator[tuple[str, tuple[str, set[str]]]]:
    """Give each hand-in that has a record: its id, what its files are called, and whose it is."""
    for path in sorted((out / "staff").glob(kind)):
        with contextlib.suppress(ValueError, KeyError, TypeError):  # damaged: it is made again
            tree = json.loads(path.read_text(encoding="utf-8"))
            yield tree["id"], (path.stem, {normal(student["id"]) for student in tree["students"]})


def _move(out: Path, slug: str) -> None:
    """Put the files of one hand-in aside, in the place of what was put there before."""
    target = out / "staff" / "dropped" / slug
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for kind in ("records", "traces"):
        path = out / "staff" / kind / f"{slug}.json"
        if path.exists():
            path.replace(target / f"{kind}.json")
    if (out / "students" / slug).exists():
        (out / "students" / slug).replace(target / "reports")

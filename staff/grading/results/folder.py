"""The folder of results as a whole: what it is known by, and the hand-ins that it knows."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from staff.grading.intake.safe_text import shown
from staff.grading.intake.submission import Submission
from staff.grading.intake.uploads import read_name
from staff.grading.results.exports import names

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


def _is_results(folder: Path) -> bool:
    """Tell whether grades have been written to a folder."""
    return any((folder / "staff" / name).exists() for name in _OURS)


def put_aside(out: Path, submissions: Sequence[Submission], *, absent_too: bool) -> None:
    """Put aside, below ``staff/dropped``, what is known of hand-ins that are not there any more.

    Parameters
    ----------
    out : Path, the folder of all results
    submissions : sequence of Submission, the whole class
    absent_too : bool, whether also those of students of whom nothing else is there

    Raises
    ------
    ValueError
        If there are such, and they are not to be put aside.
    OSError
        If a file cannot be moved.
    """
    there = {s.id for s in submissions}
    people = there | {student.id for s in submissions for student in s.students}
    gone = {id_: known for id_, known in _known(out) if id_ not in there}
    absent = [shown(id_, 40) for id_, (_, students) in gone.items() if not students & people]
    if absent and not absent_too:
        held = sum(bool(s.held) for s in submissions)
        say = f"say in students.csv whose the {held} uploads are that are held, " if held else ""
        raise ValueError(
            f"{out} knows hand-ins that are not among SUBMISSIONS: {len(absent)}: {names(absent)}. "
            f"Name all folders of hand-ins, {say}or name another --out for another class; "
            "--drop-absent takes them out of the book"
        )
    for slug, _ in gone.values():
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
            yield tree["id"], (path.stem, {student["id"] for student in tree["students"]})


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

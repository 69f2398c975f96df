"""The folder of results as a whole: what it is known by, and the hand-ins that it knows."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from cs682.checks.run import MODELS
from staff.grading.intake.platform_lists import when
from staff.grading.intake.safe_text import FEW, names, shown
from staff.grading.intake.sheets import normal
from staff.grading.intake.submission import Student, Submission
from staff.grading.intake.uploads import platform_names, read_name
from staff.grading.intake.whole_class import is_results
from staff.grading.results.store import Record, read_record

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
        if is_results(place):
            raise ValueError(f"{place} is a folder of results: name the folder of hand-ins first, "
                             "that of results behind --out")  # fmt: skip
    if out.is_dir() and not is_results(out):
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
    records = [read_record(out / "staff" / "records" / f"{known.slug}.json", known.id)
               for known in _known(out)]  # fmt: skip
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


def kept_while_held(out: Path, submissions: Sequence[Submission]) -> list[Submission]:
    """Return the hand-ins that stay as they are, since an upload that is held may be theirs.

    Parameters
    ----------
    out : Path, the folder of all results
    submissions : sequence of Submission, all that were found
    """
    clear = [s for s in submissions if not s.held]
    there, people = {s.id for s in clear}, _people(clear)
    perhaps = {id_ for s in submissions if s.held for id_ in (s.id, *s.perhaps)}
    return [
        Submission(known.id, tuple(Student(student) for student in sorted(known.ids)), ())
        for known in _known(out)
        if known.id not in there
        and (perhaps & known.ids or (known.id in perhaps and not known.is_among(people)))
    ]


def apart_from(kept: Sequence[Submission], submissions: Sequence[Submission]) -> list[Submission]:
    """Return the hand-ins; one that is held is called otherwise than one that stays as it is.

    Parameters
    ----------
    kept : sequence of Submission, from `kept_while_held`
    submissions : sequence of Submission, all that were found
    """
    ids = {s.id for s in kept}
    return [
        replace(s, id=f"{s.id} (held)", students=(Student(f"{s.id} (held)"),)) if s.id in ids else s
        for s in submissions
    ]


def require_everybody(
    out: Path, submissions: Sequence[Submission], passed_over: Iterable[str] = ()
) -> None:
    """Refuse a class in which students lack who are known, or uploads: it may be another one.

    Parameters
    ----------
    out : Path, the folder of all results
    submissions : sequence of Submission, the whole class, with what `kept_while_held` gives
    passed_over : iterable of str, uploads that are there and do not count

    Raises
    ------
    ValueError
        If there is nothing of a student who is known, or not all that a record was made of.
    """
    there, people = {s.id for s in submissions}, _people(submissions)
    everybody = [*_known(out)]
    gone = [known for known in everybody if known.id not in there]
    without = _without_a_line(gone, submissions, people, passed_over)
    explained = [known for known, _ in without]
    absent = [shown(known.id, 40) for known in gone
              if known not in explained and not known.is_among(people)
              and not _is_renamed(known, submissions)]  # fmt: skip
    held = names([shown(s.id, 40) for s in submissions if s.held])
    say = f"say in students.csv whose the uploads are that are held ({held}), " if held else ""
    lines = []
    if absent:
        lines.append(
            f"{out} knows hand-ins that are not among SUBMISSIONS: {len(absent)}: {names(absent)}. "
            f"Name all folders of hand-ins, {say}or name another --out for another class; "
            "--drop-absent takes them out of the book"
        )
    if without:
        whose = [f"{shown(who, 40)} ({shown(known.id, 40)})" for known, who in without]
        lines.append(
            f"{out} knows students who would have no line any more, since what they handed in is "
            f"passed over, given to others or replaced: {len(whose)}: {names(whose)}. Give "
            "them an upload in students.csv; --drop-absent takes them out of the book"
        )
    if lost := _gone_uploads(everybody, submissions, passed_over):
        lines.append(
            f"{out} knows hand-ins of which not all uploads are among SUBMISSIONS: {len(lost)}: "
            f"{names(lost)}. Name all folders of hand-ins; --drop-absent grades without these "
            "uploads"
        )
    if lines:
        raise ValueError("\n".join(lines))


def _without_a_line(
    gone: Iterable[_Known],
    submissions: Sequence[Submission],
    people: Collection[Student],
    passed_over: Iterable[str],
) -> list[tuple[_Known, str]]:
    """Return who is in no hand-in any more, as a person has said or since others replace it."""
    said = {*passed_over, *(name for s in submissions for name in s.assigned)}
    moved = [known for known in gone if known.is_of(said) or known.is_among(people)]
    return [
        (known, who)
        for known in moved
        for who in known.left_by(people)
        if not _is_renamed(known, submissions)
    ]


def _is_renamed(known: _Known, submissions: Iterable[Submission]) -> bool:
    """Tell whether a person has said whose it is that was only known by the name of its upload."""
    assigned = [name for s in submissions for name in s.assigned]
    return known.students == {Student(known.id)} and known.is_of(assigned)


def _gone_uploads(
    everybody: Iterable[_Known], submissions: Sequence[Submission], passed_over: Iterable[str]
) -> list[str]:
    """Name hand-ins with those uploads that they were made of and that are not there any more.

    Names count: two exports of Moodle's give both uploads of a student the same one.
    """
    uploads = (name for s in submissions for name in s.uploads)
    there = Counter(map(_unpacked, (*uploads, *passed_over)))
    lost = ((known, Counter(map(_unpacked, known.uploads)) - there) for known in everybody)
    return [
        f"{shown(known.id, 40)} ({names([shown(n, 80) for n in which.elements()], FEW)})"
        for known, which in lost
        if which and _should_be_there(known, [*which], submissions)
    ]


def _should_be_there(known: _Known, lost: list[str], submissions: Sequence[Submission]) -> bool:
    """Tell whether a student is there whose uploads were taken before, and should be again.

    Canvas and Gradescope give out the newest attempt alone, whose numbers or time are higher than
    those of all that it replaces. What stands as before has no sources.
    """
    same = [s for s in submissions if s.id == known.id]
    theirs = [s for s in submissions if known.is_among(_people([s]))]
    if same or not theirs:
        before, now = _orders(lost), _orders(name for s in same for name in s.uploads)
        is_newer = len(before) == len(lost) and max(before) < min(now, default=(0,))
        return any(s.sources for s in same) and not is_newer
    return max(when(s.submitted) for s in theirs) < when(known.submitted)


def _orders(uploads: Iterable[str]) -> list[tuple[int, ...]]:
    """Return the numbers that Canvas gave uploads, of those which it named."""
    read = (u for name in uploads for u in platform_names(Path(name), flat=True))
    return [upload.order for upload in read if upload.platform == "Canvas"]


def _unpacked(name: str) -> str:
    """Return what an upload is called once its zip is unpacked."""
    return name.removesuffix(".zip")


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
    for slug in [known.slug for known in _known(out) if known.id not in there]:
        _move(out, slug)


def ever_known(out: Path) -> list[str]:
    """Return the ids of all hand-ins that have been graded here, also of those put aside."""
    return [known.id for known in _ever_known(out)]


def successors(out: Path, submissions: Sequence[Submission]) -> dict[str, str]:
    """Return the ids of hand-ins that others have replaced, with theirs.

    Those are of the same people, or a person has assigned them all that the older were made of.

    Parameters
    ----------
    out : Path, the folder of all results
    submissions : sequence of Submission, as for `require_everybody`
    """
    there = {s.id for s in submissions}
    gone = [known for known in _ever_known(out) if known.id not in there]
    same = {k.id: s.id for k in gone for s in submissions if k.is_by(s.students)}
    assigned = {k.id: s.id for k in gone for s in submissions if k.is_of(s.assigned)}
    return {**assigned, **same}  # who is there takes along what is theirs


@dataclass(frozen=True)
class _Known:
    """A hand-in that has a record, and what its files are called."""

    id: str
    slug: str
    students: set[Student]
    uploads: list[str]
    submitted: str

    @property
    def ids(self) -> set[str]:
        """Return the ids of those who handed it in."""
        return {student.id for student in self.students}

    def is_among(self, people: Collection[Student]) -> bool:
        """Tell whether one of them is there; somebody else may have typed the same id."""
        return any(any(map(one.may_be, people)) for one in self.students)

    def is_by(self, people: Collection[Student]) -> bool:
        """Tell whether it is of these people, and of nobody else."""
        return len(self.students) == len(people) and not self.left_by(people)

    def left_by(self, people: Collection[Student]) -> list[str]:
        """Return the ids of those of them who are not there."""
        left = [one.id for one in self.students if not any(map(one.may_be, people))]
        return sorted(left)

    def is_of(self, uploads: Iterable[str]) -> bool:
        """Tell whether it was made of none but these uploads."""
        return bool(self.uploads) and {*self.uploads} <= {*map(normal, uploads)}


def _people(submissions: Iterable[Submission]) -> set[Student]:
    """Return those who handed in."""
    return {student for s in submissions for student in s.students}


def _known(out: Path, kind: str = "records/*.json") -> Iterator[_Known]:
    """Give each hand-in that has a record."""
    for path in sorted((out / "staff").glob(kind)):
        with contextlib.suppress(ValueError, KeyError, TypeError):  # damaged: it is made again
            tree = json.loads(path.read_text(encoding="utf-8"))
            students = {
                Student(normal(s["id"]), str(s.get("name", "")), str(s.get("email", "")))
                for s in tree["students"]
            }
            uploads, submitted = tree.get("uploads", []), tree.get("submitted", "")
            yield _Known(tree["id"], path.stem, students, uploads, submitted)


def _ever_known(out: Path) -> Iterator[_Known]:
    """Give each hand-in that has been graded here, also of those put aside."""
    for kind in ("records/*.json", "dropped/*/records.json"):
        yield from _known(out, kind)


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

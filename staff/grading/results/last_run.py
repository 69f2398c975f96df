"""What one run leaves to the next: people's files, what overrides were about, what was handed in.

It is kept in ``staff/desk.json``.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from staff.grading.intake.safe_text import names, shown
from staff.grading.results.exports import FORMS
from staff.grading.results.overrides import Seen
from staff.grading.results.store import DOUBLED, Record, write_json

IN_FORCE = ("overrides.csv", "late.json", "students.csv")  # by being there
_KNOWN = {*IN_FORCE, *(f"{form}.csv" for form in FORMS), "answers.csv", "answers.html",
          "grades.csv", "similar.html", "summary.html", "warnings.html"}  # fmt: skip
_OWN = ("code ", "model ", "answer ")  # how facts on what is the student's own begin
_PASSING = (".", "~")  # how spreadsheets and systems begin names of files of their own


@dataclass
class LastRun:
    """What one run leaves to the next.

    Attributes
    ----------
    files : list of str, which of `IN_FORCE` were there
    seen : dict, digests of what overrides were about when they were first read
    own : dict, by the student's id the files and answers of his own in any hand-in so far
    """

    files: list[str] = field(default_factory=list)
    seen: Seen = field(default_factory=dict)
    own: dict[str, list[str]] = field(default_factory=dict)


def read_last_run(out: Path) -> LastRun:
    """Return what the last run in a folder of results has left."""
    path = out / "staff" / "desk.json"
    if not path.exists():
        return LastRun()
    tree = json.loads(path.read_text(encoding="utf-8"))
    seen = {tuple(line): digest for *line, digest in tree["seen"]}
    return LastRun(tree["files"], seen, tree.get("own", {}))


def write_last_run(out: Path, run: LastRun) -> None:
    """Leave it to the next run."""
    seen = [[*line, digest] for line, digest in sorted(run.seen.items())]
    tree = {"files": run.files, "seen": seen, "own": dict(sorted(run.own.items()))}
    write_json(out / "staff" / "desk.json", tree)


def find_missing(records: Iterable[Record], own: dict[str, list[str]]) -> list[tuple[str, str]]:
    """Name what students have handed in before and a hand-in of theirs lacks now.

    A newer attempt may hold one file alone, and an export may have been left out.

    Parameters
    ----------
    own : dict, by the student's id what was there so far; what is new is added

    Returns
    -------
    missing : list of (str, str), the id of the hand-in, and the files and questions
    """
    missing = []
    for record in records:
        now = {name.partition(" ")[2] for name in record.facts if name.startswith(_OWN)}
        before = {name for student in record.students for name in own.get(student.id, ())}
        own |= {student.id: sorted(before | now) for student in record.students if record.key}
        # of two versions none was taken, which is told by itself
        if record.key and DOUBLED not in record.facts and (gone := before - now):
            missing.append((record.id, names(sorted(gone))))
    return missing


def files_in_force(out: Path) -> list[str]:
    """Return which of people's own files are there."""
    return [name for name in IN_FORCE if (out / name).exists()]


def say_odd_files(out: Path, before: Iterable[str], named: Collection[Path]) -> list[str]:
    """Name people's files that are gone since the last run, and those that nobody reads.

    Parameters
    ----------
    out : Path, the folder of all results
    before : iterable of str, which of `IN_FORCE` were there in the last run
    named : collection of Path, files that the command names
    """
    gone = [f"{name} was in force in the last run and is not there"
            for name in before if not (out / name).exists()]  # fmt: skip
    known = {path.resolve() for path in named} | {(out / name).resolve() for name in _KNOWN}
    odd = [
        f"{shown(path.name, 80)} is no file of the grader's: nothing is read from it"
        for path in sorted(out.iterdir())
        if path.is_file() and path.resolve() not in known and not path.name.startswith(_PASSING)
    ]
    return gone + odd

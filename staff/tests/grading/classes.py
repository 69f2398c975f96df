"""Classes of hand-ins, graded, and what was written."""

from __future__ import annotations

import csv
from pathlib import Path

from cs682.checks import EXERCISES
from staff.__main__ import main
from staff.grading.intake.package import CODE, ROOT

ALL = str(sum(r.points for r in EXERCISES.values() if r.file in CODE))  # of what is code


def write_hand_in(folder: Path, **changes: tuple[str, str]) -> Path:
    """Write the reference's code as a hand-in, with some texts replaced."""
    for file in CODE:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        text = (ROOT / file).read_text(encoding="utf-8")
        old, new = changes.get(Path(file).stem, ("", ""))
        assert old in text
        (folder / file).write_text(text.replace(old, new) if old else text, encoding="utf-8")
    return folder


def grade(place, out, *options):
    words = ["grade", str(place), "--out", str(out), "--no-models", "--seed", "1", *options]
    return main(words)


def read_book(out):
    with (out / "grades.csv").open(encoding="utf-8", newline="") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def files_of(out):
    """Return all that was written, by name."""
    return {p.relative_to(out): p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()}


def add_answers(folder):
    """Hand in the reference's notebooks too, with its answers."""
    for path in sorted((ROOT / "notebooks").glob("FullyConnectedNets.ipynb")):
        (folder / "notebooks").mkdir(exist_ok=True)
        (folder / "notebooks" / path.name).write_bytes(path.read_bytes())


def override_one(out, student, exercise):
    line = f"{student},{exercise},1,seen"
    (out / "overrides.csv").write_text(f"student,exercise,points,reason\n{line}\n")

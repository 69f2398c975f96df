"""Uploads as platforms give them out, and what is found in them."""

from __future__ import annotations

from pathlib import Path

from staff.grading.intake.collect import collect
from staff.grading.intake.owners import read_owners
from staff.grading.intake.sheets import Faults
from staff.tests.grading.hostile_zips import CODE, make_zip

METADATA = """---
submission_101:
  :submitters:
  - :name: Ada Lovelace
    :sid: '007'
    :email: ada@example.edu
  :created_at: 2024-02-01 10:00:00 -05:00
  :score: 1.0
submission_102:
  :submitters:
  - :name: Grace Hopper
    :sid: 0123
    :email: grace@example.edu
  - :name: "=Bob"
    :sid:
    :email: bob@example.edu
"""


def find(place: Path, tmp_path: Path):
    return collect(place, tmp_path / "scratch")


def add_zip(place: Path, name: str) -> None:
    (place / name).write_bytes(make_zip({"cs682/layers.py": CODE}))


def held(found):
    return {s.id: s.held for s in found.submissions if s.held}


def write_students(path, *lines):
    path.write_text("\n".join(["upload,student", *lines]) + "\n")
    with Faults() as faults:
        return read_owners(path, faults)

"""What a person has said of whose an upload is, in ``students.csv`` in the folder of results."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from staff.grading.intake.safe_text import shown
from staff.grading.intake.sheets import Faults, normal, read_sheet

PASSED_OVER = "-"  # as the student: this upload does not count


@dataclass(frozen=True)
class Said:
    """What a person has said of an upload.

    Attributes
    ----------
    student : str, whose it is; `PASSED_OVER` for nobody
    where : str, file and line, for messages
    """

    student: str
    where: str


def read_owners(path: Path, faults: Faults) -> dict[str, Said]:
    """Read what a person has said of whose an upload is.

    Parameters
    ----------
    path : Path, `students.csv`; it need not be there
    faults : Faults, takes empty cells, and two lines for an upload

    Returns
    -------
    owners : dict of str to Said, by the name of the upload

    Raises
    ------
    ValueError
        If it has other columns.
    OSError
        If it cannot be read.
    """
    owners: dict[str, Said] = {}
    if not path.exists():
        return owners
    for where, line in read_sheet(path, ("upload", "student"), "or delete it").lines:
        upload, student = line["upload"], normal(line["student"])
        if not upload or not student:
            there = f"upload {upload!r}, student {student!r}"
            faults.add(f"{where}: {there}, expected both, or {PASSED_OVER} for nobody")
        elif (said := owners.setdefault(upload, Said(student, where))).student != student:
            faults.add(f"{where}: {shown(upload)} has a line already, for {said.student!r}")
    return owners

"""The tables that the grade books of Canvas and Moodle take, for `--export`.

With the platform's own table (Canvas: Grades, Export; Moodle: Download grading worksheet) its
lines are filled in and nothing else is changed; without, a table is made of what is known.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from staff.grading.intake.package import ROOT
from staff.grading.intake.safe_text import cell
from staff.grading.intake.sheets import dump_sheet, read_sheet
from staff.grading.results.store import Record, Result, records_of, write_text

_CANVAS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
_MOODLE = ("Identifier", "Full name", "Email address", "Grade", "Feedback comments")
Grades = dict[str, Record]  # by what the platform calls a student


def write(out: Path, form: str, done: Sequence[Result], roster: Path | None) -> None:
    """Write the table for a platform: `canvas.csv` or `moodle.csv`.

    Parameters
    ----------
    out : Path, the folder of all results
    form : str, one of `FORMS`
    roster : Path or None, the platform's own table

    Raises
    ------
    ValueError
        If the roster is not the platform's.
    OSError
        If a file cannot be read or written.
    """
    grades = {s.id: r for r in records_of(done) if not r.not_graded for s in r.students}
    by_mail = {s.email: r for r in grades.values() for s in r.students if s.email}
    make, fill = FORMS[form]
    text = fill(roster, {**by_mail, **grades}) if roster else make(grades)
    write_text(out / f"{form}.csv", text)


def _title() -> str:
    """Return what the assignment is called."""
    return str(json.loads((ROOT / "assignment.json").read_text(encoding="utf-8"))["name"])


def _canvas(grades: Grades) -> str:
    """Return a table for Canvas, which knows students by its own number."""
    lines = [
        [
            next(s.name for s in record.students if s.id == id_) or id_,
            id_,
            "",
            "",
            "",
            record.points,
        ]
        for id_, record in sorted(grades.items())
    ]
    maximum = max((record.maximum for record in grades.values()), default=0)
    possible = ["    Points Possible", "", "", "", "", maximum]
    return dump_sheet((*_CANVAS, _title()), [possible, *lines])


def _moodle(grades: Grades) -> str:
    """Return a table for Moodle, which knows students by the number of a participant."""
    lines = [
        [f"Participant {id_}", s.name, s.email, record.points, _comment(record)]
        for id_, record in sorted(grades.items())
        for s in record.students
        if s.id == id_
    ]
    return dump_sheet(_MOODLE, lines)


def _comment(record: Record) -> str:
    """Return what a student reads beside the grade."""
    return " ".join([f"{record.points:g} of {record.maximum} points.", *record.remarks])


def _fill_canvas(roster: Path, grades: Grades) -> str:
    """Fill in the column of the assignment, which is the last one or the one with its name."""
    columns = read_sheet(roster, [name.lower() for name in _CANVAS[:2]]).columns
    named = [i for i, name in enumerate(columns) if name.startswith(_title().lower())]
    known = {name.lower() for name in _CANVAS}
    free = [i for i, name in enumerate(columns) if name not in known]
    if len(named or free) != 1:
        raise ValueError(
            f"{roster} has {len(named or free)} columns for the grade of {_title()!r}; leave one"
        )
    at, by = (named or free)[0], [columns.index("id")]
    by += [columns.index(name) for name in ("sis user id", "sis login id") if name in columns]
    return _filled(roster, grades, by, {at: lambda record: f"{record.points:g}"})


def _fill_moodle(roster: Path, grades: Grades) -> str:
    """Fill in grade and feedback of a grading worksheet."""
    columns = read_sheet(roster, ("identifier", "grade")).columns
    cells: dict[int, Callable[[Record], str]] = {
        columns.index("grade"): lambda record: f"{record.points:g}"
    }
    if "feedback comments" in columns:
        cells[columns.index("feedback comments")] = _comment
    by = [columns.index(n) for n in ("identifier", "id number", "email address") if n in columns]
    return _filled(roster, grades, by, cells)


def _filled(
    roster: Path, grades: Grades, by: Sequence[int], cells: dict[int, Callable[[Record], str]]
) -> str:
    """Return a platform's table with some cells filled in, all others as they were."""
    rows = list(csv.reader(io.StringIO(roster.read_text(encoding="utf-8-sig"), newline="")))
    for row in rows[1:]:
        keys = [row[i].strip().removeprefix("Participant ") for i in by if i < len(row)]
        record = next((grades[key] for key in keys if key and key in grades), None)
        for at, value in cells.items() if record else ():
            row += [""] * (at + 1 - len(row))
            row[at] = cell(value(record)) if record else ""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


FORMS = {"canvas": (_canvas, _fill_canvas), "moodle": (_moodle, _fill_moodle)}

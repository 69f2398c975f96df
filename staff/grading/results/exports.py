"""The tables that the grade books of Canvas and Moodle take, for `--export`.

With the platform's own table (Canvas: Grades, Export; Moodle: Download grading worksheet) its
lines are filled in and nothing else is changed; without, a table is made of what is known.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from staff.grading.intake.package import ROOT
from staff.grading.intake.safe_text import FEW, cell, counted, names, shown
from staff.grading.intake.sheets import dump_sheet, normal, read_rows, read_sheet
from staff.grading.results.report import total
from staff.grading.results.store import NotGraded, Record, Result, records_of, write_text

_CANVAS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
_MOODLE = ("Identifier", "Full name", "Email address", "Grade", "Feedback comments")
_NO_GRADE = {*(name.lower() for name in _CANVAS), "root account", "integration id", "notes", ""}
Grades = dict[str, Record]  # by what the platform calls a student


@dataclass(frozen=True)
class Roster:
    """A platform's own table, and what is to be filled in.

    Attributes
    ----------
    path : Path
    rows : tuple of tuple of str, as they were read, the head first
    by : tuple of int, columns that say who a student is
    cells : mapping of int to callable, what goes into a column, that of the grade first
    """

    path: Path
    rows: tuple[tuple[str, ...], ...]
    by: tuple[int, ...]
    cells: Mapping[int, Callable[[Record], str]]

    def keys_of(self, row: Sequence[str]) -> list[str]:
        """Return what a line calls its student."""
        keys = [normal(row[i]).removeprefix("Participant ") for i in self.by if i < len(row)]
        return [key for key in keys if key]

    def doubts(self, done: Sequence[Result]) -> list[str]:
        """Say what speaks against the table: other points, grades that change, lines of several.

        Parameters
        ----------
        done : sequence of Record or NotGraded, of the whole class
        """
        at = next(iter(self.cells))
        column = f"{shown(str(self.path), 200)}: the column {shown(self.rows[0][at], 80)!r}"
        most = max((record.maximum for record in records_of(done)), default=0)
        other = names([text for text in self._possible(at) if not _is_alike(text, most)], FEW)
        said = f"{column} is of {other} points, the hand-ins are of {most}: is it right?"
        sure, unsure = self.records_by_line(done)
        lines = (
            f"{shown(str(self.path), 200)}: these lines fit several hand-ins, or their hand-in "
            f"several lines; they stay as they are, type their grades in: {names(unsure)}"
        )
        changed = self._changed(column, at, sure)
        return [said] * bool(other and most) + changed + [lines] * bool(unsure)

    def _possible(self, at: int) -> list[str]:
        """Return the most that a grade can be: Canvas has it in a line, Moodle in a column."""
        head = [text.strip().lower() for text in self.rows[0]]
        lines = [row[at] for row in self.rows if row[at:] and row[0].strip() == "Points Possible"]
        columns = [row[i] for row in self.rows[1:] for i in range(len(row))
                   if head[i : i + 1] == ["maximum grade"]]  # fmt: skip
        return sorted({text.strip() for text in lines + columns} - {""})

    def _changed(self, column: str, at: int, records: Mapping[int, Record]) -> list[str]:
        """Say how many grades that are there already get another value."""
        lines = [("".join(self.rows[i][at : at + 1]).strip(), r) for i, r in records.items()]
        pairs = [(old, _points(record)) for old, record in lines if old]
        changed = [f"{shown(old, 20)} to {new}" for old, new in pairs if not _is_alike(old, new)]
        said = f"{column} has {counted(len(pairs), 'grade')} already, {len(changed)} will change"
        return [f"{said}: {names(changed, FEW)}"] * bool(changed)

    def records_by_line(self, done: Sequence[Result]) -> tuple[dict[int, Record], list[str]]:
        """Return the hand-in of each line, by its index, and name the lines that may be of several.

        On Gradescope a student may give another's number of Canvas as the own one.

        Parameters
        ----------
        done : sequence of Record or NotGraded, of the whole class
        """
        people = [(student, record) for record in _graded(done) for student in record.students]
        found = {
            i: [n for n, (student, _) in enumerate(people) if {student.id, student.email} & keys]
            for i, row in enumerate(self.rows[1:], 1)
            if (keys := {*self.keys_of(row)})
        }
        lines = Counter(n for who in found.values() for n in who)
        sure, unsure = {}, []
        for i, who in found.items():
            records = {record.id: record for record in (people[n][1] for n in who)}
            if len(records) == 1 and all(lines[n] == 1 for n in who):
                [sure[i]] = records.values()
            elif who:
                hand_ins = ", ".join(shown(id_, 40) for id_ in records)
                unsure.append(f"{shown(' '.join(self.rows[i][:1]), 60)} ({hand_ins})")
        return sure, unsure

    def without_a_line(self, records: Sequence[Record]) -> list[str]:
        """Name the students of graded hand-ins whom no line is for."""
        there = {key for row in self.rows[1:] for key in self.keys_of(row)}
        return [
            f"{shown(s.name or s.id, 60)} ({shown(s.id, 40)}, {counted(r.points, 'point')})"
            for r in records
            for s in r.students
            if not {s.id, s.email} & there
        ]


def read_roster(form: str, path: Path, column: str | None = None) -> Roster:
    """Read a platform's own table, and find what is to be filled in.

    Parameters
    ----------
    form : str, one of `FORMS`
    column : str, optional; the heading of the column for the grade, where Canvas has several

    Raises
    ------
    ValueError
        If it is not the platform's, or nobody can tell which column is meant.
    OSError
        If it cannot be read.
    """
    rows = tuple(tuple(row) for _, row in read_rows(path))
    needed = ("student", "id") if form == "canvas" else ("identifier", "grade")
    columns = read_sheet(path, needed).columns
    if len(rows[0]) != len(columns):
        raise ValueError(f"{path} has no commas between its columns: save it as the platform does")
    if form == "canvas":
        at = _column_of_canvas(path, rows, column)
        by, cells = ("id", "sis user id", "sis login id"), {at: _points}
    else:
        by, cells = ("identifier", "id number", "email address"), {columns.index("grade"): _points}
        if "feedback comments" in columns:
            cells[columns.index("feedback comments")] = _comment
    return Roster(path, rows, tuple(columns.index(n) for n in by if n in columns), cells)


def _is_alike(old: str, new: str | int) -> bool:
    """Tell whether two grades are the same: platforms keep two digits."""
    try:
        return abs(float(old.replace(",", ".")) - float(new)) < 0.01
    except ValueError:
        return False


def _column_of_canvas(path: Path, rows: Sequence[Sequence[str]], wanted: str | None) -> int:
    """Return the column for the grade: the one asked for, with the assignment's name, or alone."""
    free = {
        i: name.strip()
        for i, name in enumerate(rows[0])
        if name.strip().lower() not in _NO_GRADE and not _is_read_only(i, rows)
    }
    name = (wanted or _title()).strip().lower()
    found = [i for i, text in free.items() if name in (text.lower(), _bare(text))]
    if not found and not wanted:
        found = [i for i, text in free.items() if text.lower().startswith(name)] or list(free)
    if len(found) != 1:
        there = ", ".join(repr(shown(free[i], 80)) for i in found or free) or "none"
        raise ValueError(
            f"{path} has {len(found)} columns for the grade of {wanted or _title()!r}; name one "
            f"with --column: {there}"
        )
    return found[0]


def _bare(heading: str) -> str:
    """Return a heading of Canvas without the number behind it."""
    return re.sub(r"\s*\(\d+\)$", "", heading).lower()


def _is_read_only(at: int, rows: Sequence[Sequence[str]]) -> bool:
    """Tell whether Canvas has marked a column so, in the head or in the lines above students."""
    return any("(read only)" in row[at].lower() for row in rows[:4] if at < len(row))


def write(out: Path, form: str, done: Sequence[Result], roster: Roster | None) -> list[str]:
    """Write the table for a platform: `canvas.csv` or `moodle.csv`.

    Parameters
    ----------
    out : Path, the folder of all results
    form : str, one of `FORMS`
    roster : Roster or None, the platform's own table

    Returns
    -------
    left_out : list of str, students with a grade that stands in no line of the roster

    Raises
    ------
    OSError
        If a file cannot be written.
    """
    graded = _graded(done)
    grades = {s.id: r for r in graded for s in r.students}
    text = _filled(roster, done) if roster else FORMS[form](grades)
    write_text(out / f"{form}.csv", text)
    write_text(_mark(out, form), _digest_of_grades(out))
    return roster.without_a_line(graded) if roster else []


def _graded(done: Sequence[Result]) -> list[Record]:
    """Return the hand-ins that have a grade."""
    return [record for record in records_of(done) if not record.not_graded]


def outdated(out: Path) -> list[Path]:
    """Return the tables for platforms that were not made of the grades as they are now.

    Parameters
    ----------
    out : Path, the folder of all results
    """
    there = {form: out / f"{form}.csv" for form in FORMS if (out / f"{form}.csv").exists()}
    now = _digest_of_grades(out)
    marks = {form: _mark(out, form) for form in there}
    return [there[form] for form, mark in marks.items()
            if not mark.exists() or mark.read_text(encoding="utf-8") != now]  # fmt: skip


def _mark(out: Path, form: str) -> Path:
    """Return the file that says of which grades a table was made."""
    return out / "staff" / f"{form}-made-of.txt"


def _digest_of_grades(out: Path) -> str:
    """Return a hash of the grade book as it is now."""
    path = out / "grades.csv"
    return sha256(path.read_bytes()).hexdigest() if path.exists() else ""


def open_points(done: Sequence[Result], held: Collection[str]) -> list[str]:
    """Say what is still open in the grades that are about to leave.

    Parameters
    ----------
    done : sequence of Record or NotGraded, of the whole class
    held : collection of str, ids of the uploads that wait for a person to say whose they are

    Returns
    -------
    lines : list of str, one for each kind that there is: how many, and who
    """
    records = records_of(done)
    unseen = [f"{shown(r.id, 40)} ({r.unseen})" for r in records if r.unseen]
    unread = [f"{shown(r.id, 40)} ({r.to_be_read})" for r in records if r.to_be_read]
    partly = [f"{shown(r.id, 40)} ({names(r.not_graded, FEW)})" for r in records if r.not_graded]
    without = [r.id for r in done if isinstance(r, NotGraded)]
    whole = [shown(id_, 40) for id_ in without if id_ not in held]
    waiting = [shown(id_, 40) for id_ in without if id_ in held]
    to_read = counted(sum(r.to_be_read for r in records), "point")
    to_see = counted(sum(r.unseen for r in records), "point")
    kinds = {
        f"{to_read} in answers that nobody has read": unread,
        f"{to_see} in trained models that are not graded": unseen,
        "NOT GRADED, without a grade": [*whole, *partly],
        "held until a person says in students.csv whose it is": waiting,
    }
    return [*_counted(kinds), *undecided(records)]


def undecided(records: Sequence[Record]) -> list[str]:
    """Say of which exercises a person has yet to decide, in one line at most.

    Parameters
    ----------
    records : sequence of Record, of the whole class
    """
    whose = [f"{shown(r.id, 40)} ({', '.join(r.undecided)})" for r in records if r.undecided]
    return _counted({"exercises of which a person decides, in overrides.csv": whose})


def _counted(kinds: Mapping[str, Sequence[str]]) -> list[str]:
    """Return a line for each kind that there is: how many, and who."""
    return [f"{text}, hand-ins: {len(ids)}: {names(ids)}" for text, ids in kinds.items() if ids]


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


def _points(record: Record) -> str:
    """Return a grade as it stands in a platform's table."""
    return f"{record.points:g}"


def _comment(record: Record) -> str:
    """Return what a student reads beside the grade."""
    return " ".join([total(record), *record.remarks])


def _filled(roster: Roster, done: Sequence[Result]) -> str:
    """Return a platform's table with some cells filled in, all others as they were."""
    rows = [list(row) for row in roster.rows]
    for i, record in roster.records_by_line(done)[0].items():
        for at, value in roster.cells.items():
            rows[i] += [""] * (at + 1 - len(rows[i]))
            rows[i][at] = cell(value(record))
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


FORMS: dict[str, Callable[[Grades], str]] = {"canvas": _canvas, "moodle": _moodle}

"""What people type into the tables of a folder of results."""

from __future__ import annotations

from cs682.checks import EXERCISES
from staff.grading.results.read_answers import AnswerBook
from staff.tests.grading.records import record_of

POINTS = {row.id: row.points for row in EXERCISES.values()}
QUESTION = "fc-q1"


def write_table(path, *lines, head="student,question,points,maximum,remark"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([head, *lines]) + "\n")
    return path


def type_in(path, line, points):
    """Do what a person does in a spreadsheet."""
    text = path.read_text()
    assert f"{line}," in text
    start = text.index(f"{line},")
    end = text.index("\n", start)
    cells = text[start:end].split(",")
    cells[2] = points
    path.write_text(text[:start] + ",".join(cells) + text[end:])


def book_of(out, *files):
    return AnswerBook(out, POINTS, files)


def save(out, records=None, *files, **options):
    """Let the grader write its tables, as at the end of each run."""
    book_of(out, *files).write(records or [record_of("ada"), record_of("bob")], **options)


def points_of(out, student="ada", question="fc-q1"):
    return book_of(out).read().get((student, question), {}).get("points")

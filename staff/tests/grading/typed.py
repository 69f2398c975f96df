"""What people type into the tables of a folder of results."""

from __future__ import annotations

from cs682.checks import EXERCISES

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

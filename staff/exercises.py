"""The exercise table as a page of the documentation, written from the one place that has it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from cs682.checks import EXERCISES, Exercise
from cs682.checks.answers import question_mark

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE = Path(__file__).resolve().parents[1] / "docs" / "exercises.md"


def page(table: Mapping[str, Exercise] = EXERCISES) -> str:
    """Return the page in Markdown: one table for each notebook, and the sums.

    Parameters
    ----------
    table : mapping of str to Exercise, by id; a course's own, if it has one
    """
    parts = [
        "# Exercises\n\nWhat there is to write, where, and what it is worth.\n"
        "Rows without points are given code, whose check guards it against accidents.\n"
        "An id names the notebook and its section: `bn-1.3` is section 1.3 of\n"
        "`BatchNormalization.ipynb`, `bn-q2` its question 2.\n"
    ]
    for notebook in dict.fromkeys(row.notebook for row in table.values()):
        rows = [row for row in table.values() if row.notebook == notebook]
        points, minutes = sum(r.points for r in rows), sum(r.minutes for r in rows)
        parts.append(f"\n## {Path(notebook).stem}\n\n{points} points, about {_hours(minutes)}.\n\n")
        parts.append("| id | title | write | in | points | minutes |\n|---|---|---|---|--:|--:|\n")
        parts += [_line(row) for row in rows]
    return "".join(parts)


def task_line(row: Exercise) -> str:
    """Return the line of a notebook that sets an exercise or a question."""
    points = f"{row.points} point{'s' * (row.points != 1)}"
    if row.is_question:
        return f"{question_mark(row.id)} · {row.title} · {points}"
    # a link to follow from the notebooks folder, in JupyterLab and in VS Code
    place = f"[`{row.file}`](../{row.file})" if row.file.endswith(".py") else f"`{row.file}`"
    task = f"**Exercise {row.id}** · {', '.join(f'`{n}`' for n in row.functions)} in {place}"
    if row.is_given:
        return f"{task} · given: read it" + f" · {points}" * (row.points > 0)
    return f"{task} · {points} · about {row.minutes} minutes"


def _hours(minutes: int) -> str:
    """Return a time as people say it, to the half hour."""
    hours = max(1, round(minutes / 30)) / 2
    return f"{hours:g} hour{'s' * (hours != 1)}" if hours >= 1 else "half an hour"


def _line(row: Exercise) -> str:
    """Return one row of the table in Markdown."""
    write = ", ".join(f"`{name}`" for name in row.functions) or "an answer"
    return (
        f"| {row.id} | {row.title} | {write} | `{row.file}` | {row.points or ''} "
        f"| {row.minutes or ''} |\n"
    )


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``exercises`` to the staff's command line.

    Parameters
    ----------
    commands : the subparsers of ``python -m staff``; one more is added
    """
    parser = commands.add_parser("exercises", help="write docs/exercises.md from the table")
    parser.set_defaults(run=run_command)


def run_command(args: argparse.Namespace) -> int:
    """Write the page.

    Parameters
    ----------
    args : namespace, of which nothing is read

    Returns
    -------
    status : int, 0
    """
    PAGE.write_text(page(), encoding="utf-8")
    return 0

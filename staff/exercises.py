"""The exercise table as a page of the documentation, written from the one place that has it."""

from __future__ import annotations

import argparse
from pathlib import Path

from cs682.checks import EXERCISES, Exercise

PAGE = Path(__file__).resolve().parents[1] / "docs" / "exercises.md"
_TITLES = {"fc": "FullyConnectedNets", "bn": "BatchNormalization", "do": "Dropout"}


def page() -> str:
    """Return the page in Markdown: one table for each notebook, and the sums.

    Returns
    -------
    text : str
    """
    parts = [
        "# Exercises\n\nWritten by `python -m staff exercises` from `cs682/checks/exercises.py`: "
        "change it there.\nRows without points are given code, whose check guards it against "
        "accidents.\n"
    ]
    for prefix, title in _TITLES.items():
        rows = [row for row in EXERCISES.values() if row.id.startswith(prefix)]
        points, minutes = sum(r.points for r in rows), sum(r.minutes for r in rows)
        parts.append(f"\n## {title}\n\n{points} points, about {minutes / 60:.0f} hours.\n\n")
        parts.append("| id | title | write | in | points | minutes |\n|---|---|---|---|--:|--:|\n")
        parts += [_line(row) for row in rows]
    return "".join(parts)


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

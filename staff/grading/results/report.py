"""The report of one student: JSON, Markdown and HTML, made from the record.

The staff's part of an outcome never gets here, and what the student wrote is shown as text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from cs682.checks import EXERCISES
from staff.grading.intake.safe_text import counted, shown
from staff.grading.judging.outcome import Outcome
from staff.grading.results.pages import render
from staff.grading.results.store import TO_BE_READ, Record, write_json, write_text

TITLES = {row.id: row.title for row in EXERCISES.values()}


@dataclass(frozen=True)
class Part:
    """The outcomes of one notebook."""

    notebook: str
    outcomes: tuple[Outcome, ...]

    @property
    def told(self) -> list[Outcome]:
        """Return the outcomes of which there is more to say than their state.

        What is the same in several, such as an error in a file, is said once, under all names.
        """
        groups: dict[tuple[object, ...], list[Outcome]] = {}
        for o in self.outcomes:
            if (o.message or o.advice) and o.state != TO_BE_READ:
                text = o.message.replace(o.exercise, "")
                groups.setdefault((o.state, text, o.advice), []).append(o)
        return [
            replace(group[0], exercise=", ".join(o.exercise for o in group))
            for group in groups.values()
        ]

    @property
    def points(self) -> int:
        """Return the points so far."""
        return sum(outcome.points for outcome in self.outcomes)

    @property
    def maximum(self) -> int:
        """Return the points that there are."""
        return sum(outcome.maximum for outcome in self.outcomes)


def write_report(folder: Path, record: Record) -> None:
    """Write the three forms of a report."""
    write_json(folder / "results.json", results(record))
    write_text(folder / "report.md", markdown(record))
    write_text(folder / "report.html", html(record))


def results(record: Record) -> dict[str, object]:
    """Return the report as plain values."""
    return {
        "id": record.id,
        "students": [vars(student) for student in record.students],
        "late": record.late,
        "points": record.points,
        "maximum": record.maximum,
        "late_penalty": record.deduction,
        "remarks": list(record.remarks),
        "submitted": record.submitted,
        "graded_with": record.facts.get("graded with", ""),
        "to_be_read": record.to_be_read,
        "not_looked_at": record.unseen,
        "to_be_decided": record.to_be_decided,
        "sandbox": record.rung,
        "problems": list(record.problems),
        "exercises": [
            {
                "exercise": o.exercise,
                "title": TITLES[o.exercise],
                "points": o.points,
                "maximum": o.maximum,
                "state": o.state,
                "message": o.message,
                "advice": list(o.advice),
            }
            for o in record.told
        ],
    }


def html(record: Record) -> str:
    """Return the report as a page."""
    return render(
        "report.html",
        record=record,
        who=_who(record),
        title=shown(record.id),
        total=total(record),
        conditions=_conditions(record),
        parts=_parts(record),
        titles=TITLES,
    )


def markdown(record: Record) -> str:
    """Return the report in Markdown."""
    lines = [f"# Report for {_escaped(_who(record))}", "", total(record), "", _conditions(record)]
    lines += ["", *(f"- {_escaped(remark)}" for remark in record.remarks)] if record.remarks else []
    if record.problems:
        lines += ["", "## The files of your hand-in", ""]
        lines += [f"- {_escaped(problem)}" for problem in record.problems]
    for part in _parts(record):
        most = counted(part.maximum, "point")
        lines += ["", f"## {part.notebook}: {part.points} of {most}", ""]
        lines += ["| exercise | title | points | state |", "|---|---|--:|---|"]
        for o in part.outcomes:
            points = f"{o.points} of {o.maximum}"
            lines.append(f"| {o.exercise} | {TITLES[o.exercise]} | {points} | {o.state} |")
        for o in part.told:
            lines += _details(o)
    if record.help_used:
        lines += ["", "## Help used, as your hand-in tells"]
    for name, text in record.help_used.items():
        lines += ["", f"### {name}", "", *_fenced(text)]
    return "\n".join(lines) + "\n"


def total(record: Record) -> str:
    """Return the points in a sentence."""
    text = f"{record.points:g} of {counted(record.maximum, 'point')}."
    if record.not_graded:
        text += f" NOT GRADED yet: {record.ungraded}."
    if record.to_be_read:
        text += f" Up to {record.to_be_read} more are in answers that a person has yet to read."
    if record.unseen:
        text += f" Up to {record.unseen} more are in trained models that are not graded yet."
    if left := record.to_be_decided:
        text += f" Up to {left} more are in exercises of which a person decides."
    return text


def _who(record: Record) -> str:
    """Return the names of those who handed in, or what the platform calls them."""
    return shown(", ".join(s.name or s.id for s in record.students) or record.id, 300)


def _conditions(record: Record) -> str:
    """Say how it was graded."""
    late = " The hand-in came late." if record.late else ""
    time = f" Handed in: {shown(record.submitted)}." if record.submitted else ""
    grader = record.facts.get("graded with")
    return (
        f"Your code ran in this sandbox: {record.rung}.{time}{late}"
        f"{f' Graded with {grader}.' if grader else ''}"
    )


def _parts(record: Record) -> list[Part]:
    """Return the outcomes by notebook; given code is shown only if something is wrong with it."""
    kept = [o for o in record.told if o.maximum or o.message or o.advice]
    groups = groupby(kept, key=lambda o: EXERCISES[o.exercise].notebook.removesuffix(".ipynb"))
    return [Part(notebook, tuple(outcomes)) for notebook, outcomes in groups]


def _details(outcome: Outcome) -> list[str]:
    """Return message and advice as lines of Markdown."""
    lines = ["", f"### {outcome.exercise} {outcome.state}"]
    if outcome.message:
        lines += ["", *_fenced(outcome.message)]
    if outcome.advice:
        lines += ["", "Advice, which costs no points:", ""]
        lines += [f"- {_escaped(line)}" for line in outcome.advice]
    return lines


def _fenced(text: str) -> list[str]:
    """Return text as lines of Markdown, in a fence that it cannot close."""
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return [f"{fence}text", text, fence]


def _escaped(text: str) -> str:
    """Return text on one line in which Markdown and HTML see nothing but text."""
    return re.sub(r"([\\`*_{}\[\]<>()#|~!&$@]|:(?=\S))", r"\\\1", shown(text, 1000))

"""The class at a glance: how points are spread, what went wrong most often."""

from __future__ import annotations

import base64
import io
import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cs682.checks import EXERCISES
from cs682.figures.style import COLOURS, course_figure
from staff.grading.intake.safe_text import shown
from staff.grading.judging.outcome import NOT_GRADED, NOT_HANDED_IN
from staff.grading.results.pages import render
from staff.grading.results.report import TITLES
from staff.grading.results.store import (
    BY_HAND,
    READ,
    TO_BE_READ,
    UNSEEN,
    NotGraded,
    Record,
    Result,
    records_of,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COMMONEST = 25  # mistakes that are listed
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")
# lines of the student's own code
_PLACE = re.compile(r"^ *(?:in|raised in|called from) .*$", re.MULTILINE)


@dataclass
class Mistake:
    """One mistake and those who made it."""

    exercise: str
    example: str
    students: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        """Return how many made it."""
        return len(self.students)


def summary_page(results: Sequence[Result]) -> str:
    """Return the summary of a class as a page."""
    records = records_of(results)
    lines = statistics_of(records)
    pictures = [(name, _picture(figure)) for name, figure in _figures(records)] if records else []
    return render(
        "summary.html",
        figures=_figures_of_class(results, records),
        pictures=pictures,
        lines=lines,
        states=[state for state in STATES if any(line.counts[state] for line in lines)],
        mistakes=commonest_mistakes(records),
        titles=TITLES,
        problems=[(shown(r.id), r.problems) for r in records if r.problems],
    )


def commonest_mistakes(records: Sequence[Record]) -> list[Mistake]:
    """Return what went wrong most often: messages that differ in numbers only are one mistake."""
    mistakes: dict[tuple[str, str], Mistake] = {}
    for record in records:
        for o in record.told:
            if o.state in ("wrong", "no answer") and o.exercise not in _QUESTIONS:
                words = _NUMBER.sub("#", _PLACE.sub("", o.message))
                mistake = mistakes.setdefault((o.exercise, words), Mistake(o.exercise, o.message))
                mistake.students.append(shown(record.id, 40))
    return sorted(mistakes.values(), key=lambda m: (-m.count, m.exercise, m.example))[:COMMONEST]


_QUESTIONS = {row.id for row in EXERCISES.values() if row.is_question}


@dataclass(frozen=True)
class Line:
    """How a class did in one exercise or question.

    Attributes
    ----------
    exercise : str
    mean : float, points on average, of those that somebody has looked at
    maximum : int
    counts : dict of str to int, hand-ins by state
    """

    exercise: str
    mean: float
    maximum: int
    counts: dict[str, int]


def statistics_of(records: Sequence[Record]) -> list[Line]:
    """Return how a class did, exercise by exercise and question by question."""
    lines = []
    for key in EXERCISES:
        found = [o for record in records for o in record.told if o.exercise == key]
        counted = [o.points for o in found if o.state not in _OPEN]
        counts = {state: sum(o.state == state for o in found) for state in STATES}
        maximum = max((o.maximum for o in found), default=0)
        if maximum:
            lines.append(Line(key, sum(counted) / max(1, len(counted)), maximum, counts))
    return lines


STATES = ("passed", "wrong", "no answer", NOT_HANDED_IN, "open", TO_BE_READ, READ, BY_HAND, UNSEEN,
          NOT_GRADED)  # fmt: skip
_OPEN = (TO_BE_READ, UNSEEN, NOT_GRADED)


def _figures_of_class(
    results: Sequence[Result], records: Sequence[Record]
) -> list[tuple[str, object]]:
    """Return name and value of what there is to say in numbers."""
    points = [record.points for record in records]
    rows: list[tuple[str, object]] = [("hand-ins", len(results))]
    if points:
        quartiles = statistics.quantiles(points, n=4) if len(points) > 1 else points * 3
        rows += [
            ("points, median", f"{statistics.median(points):g} of {records[0].maximum}"),
            ("points, middle half of the class", f"{quartiles[0]:g} to {quartiles[2]:g}"),
            ("points of answers still to be read", sum(r.to_be_read for r in records)),
            ("points of trained models that are not graded", sum(r.unseen for r in records)),
            ("points of which a person decides", sum(r.to_be_decided for r in records)),
            ("late", sum(record.late for record in records)),
            ("with a late penalty", sum(bool(record.deduction) for record in records)),
            ("with files missing, doubled or left out", sum(bool(r.problems) for r in records)),
        ]
    left = [f"{shown(r.id, 60)} ({shown(r.reason)})" for r in results if isinstance(r, NotGraded)]
    left += [f"{shown(r.id, 60)} ({shown(r.ungraded)})" for r in records if r.not_graded]
    return [*rows, (NOT_GRADED, "; ".join(left) or "none")]


def _figures(records: Sequence[Record]) -> list[tuple[str, Figure]]:
    """Return the plots with their names."""
    return [
        ("How are the points spread?", _spread(records)),
        ("Which exercises went wrong?", _by_exercise(records)),
    ]


def _spread(records: Sequence[Record]) -> Figure:
    """Draw how many hand-ins have so many points."""
    width = 5  # points a bar
    top = max(record.maximum for record in records)
    bins = list(range(0, top + 2 * width, width))
    with course_figure([["points"]], (8, 3.5), "How are the points spread?") as (fig, axes):
        ax = axes["points"]
        ax.hist([r.points for r in records], bins=bins, color=COLOURS[0], edgecolor="white")
        ax.locator_params(axis="y", integer=True)
        ax.set(xlabel=f"points of {top}, in steps of {width}", ylabel="hand-ins")
    return fig


def _by_exercise(records: Sequence[Record]) -> Figure:
    """Draw for each exercise how many passed, left it open, gave no answer, and went wrong.

    What nobody has looked at, or the grader stumbled over, is left blank.
    """
    exercises = [key for key, row in EXERCISES.items() if not row.is_question]
    kinds = {
        "passed": COLOURS[2],
        "open": "#bbbbbb",
        "missing, or no answer": "#666666",
        "wrong": COLOURS[1],
    }
    shares = {kind: [_share(records, key, kind) for key in exercises] for kind in kinds}
    size = (8, 1.5 + 0.18 * len(exercises))  # inches; each label needs 0.16
    with course_figure([["all"]], size, "Which exercises went wrong?") as (fig, axes):
        ax, left = axes["all"], [0.0] * len(exercises)
        for kind, colour in kinds.items():
            ax.barh(exercises, shares[kind], left=left, color=colour, label=kind)
            left = [a + b for a, b in zip(left, shares[kind], strict=True)]
        ax.invert_yaxis()
        ax.tick_params(axis="y", labelsize=8)
        ax.set(xlabel="share of hand-ins (fraction)", ylabel="exercise", xlim=(0, 1))
        ax.margins(y=0.01)
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=len(kinds))
    return fig


def _share(records: Sequence[Record], exercise: str, kind: str) -> float:
    """Return the share of hand-ins in which an exercise is of one kind."""
    states = [o.state for r in records for o in r.told if o.exercise == exercise]
    alike = {
        "passed": ("passed", READ, BY_HAND),
        "open": ("open",),
        "missing, or no answer": ("no answer", NOT_HANDED_IN),
        "wrong": ("wrong",),
    }[kind]
    return sum(state in alike for state in states) / len(records)


def _picture(figure: Figure) -> str:
    """Return a plot as PNG in base64."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return base64.b64encode(buffer.getvalue()).decode()

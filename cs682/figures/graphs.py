"""Draw a computation as a graph: values flow forward along the arrows, gradients flow back.

A graph is a list of `Step`, inputs first. What stands in the pictures is handed in: this module
computes no values and no gradients, so it can show a graph whose gradients are still to be found.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cs682.figures.style import COLOURS, INK, course_figure, hide_frame

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

FORWARD, BACKWARD = COLOURS[0], COLOURS[1]
FEW = 4  # an array of so many numbers is written out, a larger one shows its shape
WIDTH, HEIGHT = 1.6, 1.3  # inches that a step takes up
BOX = (0.76, 0.74)  # of which its box fills so much
LINE = 16  # characters of a formula that fit side by side, wide ones too


@dataclass(frozen=True)
class Step:
    """One node of a graph.

    Attributes
    ----------
    name : str, what the value is called, such as 's'
    formula : str, how it is computed, such as 'sum of x'; empty for an input
    inputs : tuple of str, names of the steps that it is computed from
    """

    name: str
    formula: str = ""
    inputs: tuple[str, ...] = ()


def draw_graph(
    steps: Sequence[Step],
    values: Mapping[str, ArrayLike],
    gradients: Mapping[str, ArrayLike] | None = None,
    *,
    title: str,
) -> Figure:
    """Draw a computational graph from left to right.

    Parameters
    ----------
    steps : sequence of Step, each after the steps that it is computed from
    values : dict, value of each step: a number or an array of any shape. Up to four numbers are
        written out, of more the shape is shown
    gradients : dict, optional; gradient of the loss with respect to each step, written below its
        value. A step that is not in it shows a question mark; without the dict, every one does
    title : str

    Returns
    -------
    figure : matplotlib Figure, closed

    Raises
    ------
    ValueError
        If a step is named twice, uses one that does not stand before it, or has no value, or if a
        gradient has another shape than its value.
    """
    known = dict(gradients or {})
    _require_order(steps, values)
    _require_shapes(values, known)
    places = _places(steps)
    columns = 1 + max(x for x, _ in places.values())
    rows = 1 + max(y for _, y in places.values())
    spans = [places[s.name][0] - places[n][0] for s in steps for n in s.inputs]
    arch = 0.2 * (max(spans, default=1) - 1)
    size = (max(5.0, WIDTH * columns), 1.0 + HEIGHT * (rows + arch))
    with course_figure([["graph"]], size, title) as (fig, axes):
        ax = axes["graph"]
        hide_frame(ax)
        ax.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.4, -0.5 - arch))
        for step in steps:
            for name in step.inputs:
                _draw_arrows(ax, places[name], places[step.name])
        for step in steps:
            _draw_step(ax, places[step.name], step, values[step.name], known.get(step.name))
        _draw_key(ax)
    said = (f"{s.name} = {s.formula}" if s.formula else s.name for s in steps)
    fig.set_label(f"{title}: a graph from {', then '.join(said)}")
    return fig


def _require_order(steps: Sequence[Step], values: Mapping[str, ArrayLike]) -> None:
    seen: set[str] = set()
    for step in steps:
        if step.name in seen:
            raise ValueError(f"{step.name!r} is named twice")
        if missing := [name for name in step.inputs if name not in seen]:
            raise ValueError(f"{step.name!r} uses {missing[0]!r}, which no step before it gives")
        if step.name not in values:
            raise ValueError(f"values has no {step.name!r}; it has {', '.join(values)}")
        seen.add(step.name)


def _require_shapes(values: Mapping[str, ArrayLike], gradients: Mapping[str, ArrayLike]) -> None:
    for name, gradient in gradients.items():
        if name not in values:
            raise ValueError(f"gradients has {name!r}, which is no step")
        got, expected = np.shape(gradient), np.shape(values[name])
        if got != expected:
            raise ValueError(f"the gradient of {name!r} has shape {got}, its value {expected}")


def _places(steps: Sequence[Step]) -> dict[str, tuple[float, float]]:
    """Return column and row of each step: right of all its inputs, columns centred."""
    depth: dict[str, int] = {}
    for step in steps:
        depth[step.name] = 1 + max((depth[name] for name in step.inputs), default=-1)
    for step in reversed(steps):  # an input stands right before its first use
        users = [depth[s.name] for s in steps if step.name in s.inputs]
        if users and not step.inputs:
            depth[step.name] = min(users) - 1
    columns: dict[int, list[str]] = {}
    for step in steps:
        columns.setdefault(depth[step.name], []).append(step.name)
    rows = max(len(names) for names in columns.values())
    return {
        name: (float(column), row + (rows - len(names)) / 2)
        for column, names in columns.items()
        for row, name in enumerate(names)
    }


def _draw_arrows(ax: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw the way of a value, and beside it the way of its gradient."""
    straight = end[0] - start[0] == 1
    lift = 0.0 if straight else -BOX[1] / 2  # over the steps between, from roof to roof
    left = (start[0] + (BOX[0] / 2 if straight else 0.0), start[1] + lift)
    right = (end[0] - (BOX[0] / 2 if straight else 0.0), end[1] + lift)
    for here, there, colour, side in ((left, right, FORWARD, -1), (right, left, BACKWARD, 1)):
        bend = 0.0 if straight else side * (0.28 + 0.04 * side)
        shift = side * (0.05 if straight else 0.0)
        ax.annotate(
            "",
            xy=(there[0], there[1] + shift),
            xytext=(here[0], here[1] + shift),
            arrowprops={
                "arrowstyle": "-|>",
                "color": colour,
                "linestyle": "-" if colour == FORWARD else "--",
                "linewidth": 1.3,
                "shrinkA": 1,
                "shrinkB": 1,
                "connectionstyle": f"arc3,rad={bend}",
            },
        )


def _draw_step(
    ax: Axes, place: tuple[float, float], step: Step, value: ArrayLike, gradient: Any
) -> None:
    """Draw one box: name and formula, the value, and the gradient below it."""
    from matplotlib.patches import FancyBboxPatch

    x, y = place
    corner = (x - BOX[0] / 2, y - BOX[1] / 2)
    style = "round,pad=0,rounding_size=0.06"
    ax.add_patch(
        FancyBboxPatch(corner, *BOX, boxstyle=style, facecolor="white", edgecolor=INK, zorder=2)
    )
    below = "?" if gradient is None else _write(gradient)
    formula = "\n".join(textwrap.wrap(step.formula, LINE)) if step.formula else "(input)"
    for text, height, look in (
        (step.name, -0.34, {"weight": "bold", "fontsize": 9}),
        (formula, -0.13, {"fontsize": 8}),
        (_write(value), 0.12, {"color": FORWARD, "fontsize": 8}),
        (f"d{step.name}: {below}", 0.32, {"color": BACKWARD, "fontsize": 8}),
    ):
        if len(text) > 1.2 * LINE and "\n" not in text:
            look["fontsize"] = 7
        ax.text(x, y + height * BOX[1], text, ha="center", va="center", zorder=3, **look)


def _draw_key(ax: Axes) -> None:
    ax.plot([], [], color=FORWARD, label="value, forward")
    ax.plot([], [], "--", color=BACKWARD, label="gradient of the loss, backward")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, -0.1), ncols=2, fontsize=9)


def _write(value: ArrayLike) -> str:
    """Return a few numbers as text, or the shape of many."""
    array = np.asarray(value)
    if array.size > FEW:
        return f"shape {array.shape}"
    numbers = [f"{number:.{3 if array.size < 3 else 2}g}" for number in array.ravel()]
    return numbers[0] if array.ndim == 0 else f"[{', '.join(numbers)}]"

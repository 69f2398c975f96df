"""The plot of a search: score against each hyper-parameter."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cs682.figures.curves import note_gaps
from cs682.figures.heat_map import heat_map
from cs682.figures.style import course_figure, legend_below, line_style
from cs682.search.run import Run
from cs682.search.space import Range

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 3  # panels side by side
LOG_SPAN = 10  # listed numbers whose largest is so many times the smallest get a logarithmic axis


def plot_scores(
    runs: Sequence[Run], best: Run, space: Mapping[str, Any], measure: str, title: str
) -> Figure:
    """Draw a grid of two lists as a heat map, anything else as one panel for each that varies."""
    names = [name for name, choices in space.items() if _varies(choices)] or list(space)[:1]
    if _is_grid(runs, [space[name] for name in names]):
        return _draw_grid(runs, {name: list(space[name]) for name in names}, measure, title)
    return _draw_panels(runs, best, names, space, measure, title)


def _is_grid(runs: Sequence[Run], choices: Sequence[Any]) -> bool:
    """Tell whether each pair of two lists was tried, all for as many epochs."""
    if len(choices) != 2 or any(isinstance(values, Range) for values in choices):
        return False
    epochs = {run.epochs for run in runs if run.score is not None}
    return len(runs) == math.prod(map(len, choices)) and len(epochs) == 1


def _draw_grid(
    runs: Sequence[Run], lists: Mapping[str, list[Any]], measure: str, title: str
) -> Figure:
    """Draw a field for each pair of values."""
    rows, columns = lists.items()
    scores = np.full((len(rows[1]), len(columns[1])), np.nan)
    for run in runs:
        if run.score is not None:
            place = tuple(values.index(run.config[name]) for name, values in lists.items())
            scores[place] = run.score
    return heat_map(scores, rows, columns, measure=measure, title=title)


def _draw_panels(
    runs: Sequence[Run],
    best: Run,
    names: list[str],
    space: Mapping[str, Any],
    measure: str,
    title: str,
) -> Figure:
    """Draw a panel for each hyper-parameter, a dot for each run; the best is ringed."""
    rows = [names[k : k + COLUMNS] for k in range(0, len(names), COLUMNS)]
    mosaic = [row + ["."] * (len(rows[0]) - len(row)) for row in rows]
    groups: dict[str, list[Run]] = {}
    for run in sorted(runs, key=lambda run: run.epochs):
        if run.score is not None:
            groups.setdefault(_label(run), []).append(run)
    size = (max(4.5, 8 * len(rows[0]) / COLUMNS), 1 + 2.8 * len(rows))
    with course_figure(mosaic, size, title) as (fig, axes):
        for name in names:
            place = _positions(axes[name], name, space[name])
            for k, (label, group) in enumerate(groups.items()):
                style = line_style(k) | {"linestyle": "", "alpha": 0.75}
                x = [place(run.config[name]) for run in group]
                axes[name].plot(x, _scores(group), **style, label=label)
            axes[name].plot(
                [place(best.config[name])], _scores([best]), "o",
                markersize=13, fillstyle="none", color="black", label="best",
            )  # fmt: skip
            axes[name].margins(x=0.1)  # room for the ring
        for row in rows:
            axes[row[0]].set_ylabel(measure)
        note_gaps(axes[names[0]], sum(run.score is None for run in runs), "missing")
        legend_below(fig, axes[names[0]])
    return fig


def _scores(runs: Sequence[Run]) -> list[float]:
    return [math.nan if run.score is None else run.score for run in runs]


def _varies(choices: Any) -> bool:
    """Tell whether there is more than one value to try."""
    return isinstance(choices, Range) or len(choices) > 1


def _label(run: Run) -> str:
    """Say how far a run came."""
    how = {"stopped": "stopped after", "diverged": "diverged in"}.get(run.state, "trained for")
    return f"{how} {run.epochs} epoch{'s' * (run.epochs != 1)}"


def _positions(ax: Axes, name: str, choices: Any) -> Any:
    """Set up the x axis for one hyper-parameter, and return the function from value to place."""
    ax.set_xlabel(name)
    values = [choices.low, choices.high] if isinstance(choices, Range) else list(choices)
    if not all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        ticks = list(dict.fromkeys(map(str, values)))
        ax.set_xticks(range(len(ticks)), ticks)
        ax.set_xlim(-0.5, len(ticks) - 0.5)
        return lambda value: ticks.index(str(value))
    span = max(values) / min(values) if min(values) > 0 else math.nan
    if choices.log if isinstance(choices, Range) else span >= LOG_SPAN:
        ax.set_xscale("log")
    else:  # written out, 0.00125 runs into its neighbour
        ax.locator_params(axis="x", nbins=4)
        ax.ticklabel_format(axis="x", scilimits=(-2, 3))
    return lambda value: value

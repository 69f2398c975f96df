"""Bars: one number for each of several things, measured in several ways."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cs682.figures.style import COLOURS, INK, course_figure, legend_below, require_named

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HATCHES = ("", "//", "..", "xx")  # told apart without colours
WIDTH = 0.8  # of the room between two groups


def plot_bars(
    series: Mapping[str, Mapping[str, float]], *, ylabel: str, title: str, log: bool = False
) -> Figure:
    """Plot groups of bars, one bar of each group for each series, its value above it.

    Parameters
    ----------
    series : dict of label to dict of group to number; 1 to 4 series, the same groups in each
    ylabel : str; what the numbers are, with their unit
    title : str; title of the figure, a question or a finding
    log : bool, default False; whether the axis is logarithmic, which takes positive numbers

    Returns
    -------
    fig : Figure; closed, shown as the value of its cell

    Raises
    ------
    TypeError
        If `series` is no dict.
    ValueError
        If there are no or more than four series, their groups differ, or a number is not finite,
        or not positive on a logarithmic axis.
    """
    named = require_named(series, "series", "numbers")
    groups = list(next(iter(named.values())))
    if len(named) > len(HATCHES):
        raise ValueError(f"series has {len(named)} entries; a figure holds at most {len(HATCHES)}")
    for label, numbers in named.items():
        if list(numbers) != groups:
            raise ValueError(f"{label!r} has the groups {list(numbers)}, the first has {groups}")
        _require_numbers(label, numbers, log)
    with course_figure([["p"]], (8, 4), title) as (fig, axes):
        ax = axes["p"]
        for k, (label, numbers) in enumerate(named.items()):
            _draw_series(ax, k, len(named), label, numbers)
        ax.set_xticks(range(len(groups)), groups)
        ax.set(ylabel=ylabel, yscale="log" if log else "linear")
        ax.grid(visible=False, axis="x")
        ax.margins(y=0.12)
        legend_below(fig, ax)
    return fig


def _require_numbers(label: str, numbers: Mapping[str, float], log: bool) -> None:
    """Refuse numbers that no bar can show."""
    for group, number in numbers.items():
        if not np.isfinite(number) or (log and number <= 0):
            wanted = "positive and finite on a logarithmic axis" if log else "finite"
            raise ValueError(f"{group!r} of {label!r} must be {wanted}, got {number:g}")


def _draw_series(
    ax: Axes, index: int, count: int, label: str, numbers: Mapping[str, float]
) -> None:
    """Draw the bars of one series, beside those of the others."""
    width = WIDTH / count
    places = np.arange(len(numbers)) + (index - (count - 1) / 2) * width
    look: dict[str, Any] = {"color": COLOURS[index], "hatch": HATCHES[index], "edgecolor": "white"}
    bars = ax.bar(places, list(numbers.values()), width, label=label, **look)
    ax.bar_label(bars, fmt="%.3g", padding=2, fontsize=8, color=INK)

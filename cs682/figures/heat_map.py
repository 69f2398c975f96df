"""Draw scores over a grid of two hyper-parameters, one coloured field for each pair."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cs682.figures.style import course_figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike, NDArray


def heat_map(
    scores: ArrayLike,
    rows: tuple[str, Sequence[Any]],
    columns: tuple[str, Sequence[Any]],
    *,
    measure: str,
    title: str,
) -> Figure:
    """Draw one field for each pair of values, the best one framed.

    Parameters
    ----------
    scores : array of float, shape (R, C); NaN where there is none
    rows : pair (name, R values), from top to bottom
    columns : pair (name, C values), from left to right
    measure : str, what a score is, with its unit
    title : str

    Returns
    -------
    figure : matplotlib Figure, closed

    Raises
    ------
    ValueError
        If the shape of `scores` is not (R, C).
    """
    grid = np.asarray(scores, dtype=np.float64)
    expected = (len(rows[1]), len(columns[1]))
    if grid.shape != expected:
        raise ValueError(f"scores has shape {grid.shape}, rows and columns make {expected}")
    size = (max(4.5, 1.5 + 0.9 * grid.shape[1]), 1.6 + 0.55 * grid.shape[0])
    with course_figure([["grid"]], size, title) as (fig, axes):
        ax = axes["grid"]
        image = ax.imshow(grid, cmap="cividis", aspect="auto")
        ax.grid(visible=False)
        ax.set(xlabel=columns[0], ylabel=rows[0])
        ax.set_xticks(range(grid.shape[1]), [_plain(value) for value in columns[1]])
        ax.set_yticks(range(grid.shape[0]), [_plain(value) for value in rows[1]])
        _write_scores(ax, grid)
        fig.colorbar(image, ax=ax, label=measure)
    return fig


def _write_scores(ax: Axes, grid: NDArray[np.float64]) -> None:
    """Write each score into its field, and frame the best."""
    finite = grid[np.isfinite(grid)]
    middle = (finite.min() + finite.max()) / 2 if finite.size else 0.0
    for place, score in np.ndenumerate(grid):
        text = f"{score:.3g}" if np.isfinite(score) else "none"
        colour = "black" if not np.isfinite(score) or score > middle else "white"
        ax.text(place[1], place[0], text, ha="center", va="center", color=colour, fontsize=9)
    if finite.size:
        row, column = np.unravel_index(np.nanargmax(grid), grid.shape)
        corner = (float(column) - 0.5, float(row) - 0.5)
        ax.add_patch(_frame(corner))


def _frame(corner: tuple[float, float]) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle(corner, 1, 1, fill=False, edgecolor="black", linewidth=3)


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)

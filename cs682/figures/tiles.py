"""Small pictures in named columns: filters, feature maps, an image behind several filters."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from cs682.figures.style import course_figure, hide_frame, require_named

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike, NDArray

PADDING = 0.08  # white between two pictures, as a share of their width
GAP = 0.35  # white between two columns, likewise


def show_tiles(
    columns: Mapping[str, ArrayLike], *, across: int = 1, title: str, note: str = ""
) -> Figure:
    """Show sets of pictures side by side, each set under its name.

    Parameters
    ----------
    columns : dict of label to array-like, shape (K, H, W) or (K, C, H, W) with C 1 or 3; K
        pictures. Sizes may differ from set to set: all are drawn in the size of the largest
    across : int, default 1; pictures side by side in each set
    title : str; title of the figure, a question or a finding
    note : str, optional; said below the pictures, before how they were stretched

    Returns
    -------
    fig : Figure; closed, shown as the value of its cell

    Raises
    ------
    TypeError
        If `columns` is no dict.
    ValueError
        If it is empty, a set has another shape, or `across` is below 1.

    Notes
    -----
    Each picture is stretched by itself: brightness compares pixels of a picture, not pictures.
    """
    if across < 1:
        raise ValueError(f"across must be 1 or more, got {across}")
    named = require_named(columns, "columns", "pictures")
    sets = {name: _pictures(name, values) for name, values in named.items()}
    side = max(max(s.shape[1:3]) for s in sets.values())
    side *= max(1, math.ceil(24 / side))  # a filter of 3 x 3 is drawn large enough to have edges
    sheets = [_sheet(pictures, min(across, len(pictures)), side) for pictures in sets.values()]
    image, centres = _side_by_side(sheets, round(GAP * side))
    height, width = image.shape[:2]
    size = (8.0, min(6.0, 1.0 + 7.6 * height / width))
    with course_figure([["p"]], size, title) as (fig, axes):
        axes["p"].imshow(image)
        hide_frame(axes["p"])
        axes["p"].set_xticks(centres, list(sets))
        axes["p"].xaxis.tick_top()
        note = f"{note}; each" if note else "each"
        axes["p"].set_xlabel(f"{note} picture stretched to its own range")
        fig.set_label("")
    fig.set_label(f"{fig.get_label()} {', '.join(sets)}.")
    return fig


def stretch(image: NDArray[Any], ubound: float) -> NDArray[np.float64]:
    """Map an image's values to [0, ubound]; a constant one to the middle.

    Parameters
    ----------
    image : ndarray of any shape with a value or more, never written to
    ubound : float > 0; the largest value in the result, the smallest is 0

    Returns
    -------
    image : ndarray of float64, of the same shape
    """
    low, high = float(image.min()), float(image.max())
    if high == low:
        return np.full(image.shape, ubound / 2)
    return np.asarray(ubound * ((image - low) / (high - low)), dtype=np.float64)


def tile(
    images: NDArray[Any], rows: int, columns: int, padding: int, fill: float
) -> NDArray[np.float64]:
    """Place images row by row, with space between neighbours.

    Parameters
    ----------
    images : ndarray, shape (N, H, W, C), at most ``rows * columns`` of them
    rows, columns : int; how many images there is room for
    padding : int; pixels between neighbours
    fill : float; value of these pixels and of places that stay free

    Returns
    -------
    grid : ndarray of float64, shape (rows * (H + padding) - padding,
        columns * (W + padding) - padding, C)
    """
    _, height, width, channels = images.shape
    step_y, step_x = height + padding, width + padding
    grid = np.full((rows * step_y - padding, columns * step_x - padding, channels), fill)
    for k, image in enumerate(images):
        y, x = divmod(k, columns)
        grid[y * step_y : y * step_y + height, x * step_x : x * step_x + width] = image
    return grid


def to_channel_last(images: NDArray[Any]) -> NDArray[Any]:
    """Turn images for a network into images to look at.

    Parameters
    ----------
    images : ndarray, shape (N, C, H, W)

    Returns
    -------
    images : ndarray, shape (N, H, W, C); a single channel is repeated to three
    """
    moved = np.moveaxis(images, 1, -1)
    return np.repeat(moved, 3, axis=-1) if moved.shape[-1] == 1 else moved


def _pictures(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """Return a set of pictures as (K, H, W, 3), each stretched to [0, 1]."""
    array = np.asarray(values, dtype=np.float64)
    array = array[:, None] if array.ndim == 3 else array
    if array.ndim != 4 or array.size == 0 or array.shape[1] not in (1, 3):
        raise ValueError(
            f"{name!r} must have shape (K, H, W) or (K, C, H, W) with C 1 or 3 and K >= 1, "
            f"got {np.shape(values)}"
        )
    return np.stack([stretch(picture, 1.0) for picture in to_channel_last(array)])


def _sheet(pictures: NDArray[np.float64], across: int, side: int) -> NDArray[np.float64]:
    """Place the pictures of one set, enlarged so that the longer edge measures `side`."""
    _, height, width, _ = pictures.shape
    rows, columns = (np.arange(round(n * side / max(height, width))) for n in (height, width))
    rows, columns = rows * height // len(rows), columns * width // len(columns)
    large = pictures[:, rows][:, :, columns]
    return tile(large, math.ceil(len(large) / across), across, max(1, round(PADDING * side)), 1.0)


def _side_by_side(
    sheets: list[NDArray[np.float64]], gap: int
) -> tuple[NDArray[np.float64], list[float]]:
    """Return one picture of all sheets, white between them, and the centre of each."""
    tallest = max(len(sheet) for sheet in sheets)
    total = sum(sheet.shape[1] for sheet in sheets) + gap * (len(sheets) - 1)
    image, centres, left = np.ones((tallest, total, 3)), [], 0
    for sheet in sheets:
        image[: len(sheet), left : left + sheet.shape[1]] = sheet
        centres.append(left + (sheet.shape[1] - 1) / 2)
        left += sheet.shape[1] + gap
    return image, centres

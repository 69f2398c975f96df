"""Images and weights as pictures: grids of images, the data set, the first layer, predictions.

Every `show_...` returns a closed Matplotlib figure: end a notebook cell with the call to see it.
Images of a network are channel-first, shape (N, 3, 32, 32); images to look at are channel-last.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from cs682.figures.style import INK, course_figure, hide_frame, require_labels
from cs682.figures.tiles import stretch, tile, to_channel_last

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike, NDArray

    from cs682._types import Array, Labels

TEXT_GAP = 12  # pixels under an image of `show_predictions`, for two lines of text


def visualize_grid(Xs: Array, ubound: float = 255.0, padding: int = 1) -> NDArray[np.float64]:
    """Arrange images in a square grid, each stretched over the whole range of brightness.

    Parameters
    ----------
    Xs : ndarray, shape (N, H, W, C) with N >= 1; images in any range, never written to
    ubound : float, default 255; the largest value in the result, the smallest is 0
    padding : int, default 1; pixels of value 0 between neighbours

    Returns
    -------
    grid : ndarray of float64, shape (G * H + (G - 1) * padding, G * W + (G - 1) * padding, C)
        with G the square root of N, rounded up

    Raises
    ------
    ValueError
        If `Xs` has another number of axes or no image, or if `padding` is negative.

    Notes
    -----
    A constant image has no range to stretch: it becomes ``ubound / 2`` throughout.
    """
    Xs = _require_images("Xs", Xs)
    if padding < 0:
        raise ValueError(f"padding must be 0 or more pixels, got {padding}")
    side = math.ceil(math.sqrt(len(Xs)))
    stretched = np.stack([stretch(image, ubound) for image in Xs])
    return tile(stretched, side, side, padding, fill=0.0)


def vis_grid(Xs: Array) -> NDArray[np.float64]:
    """Arrange images in a square grid, all stretched together to [0, 1].

    Parameters
    ----------
    Xs : ndarray, shape (N, H, W, C) with N >= 1; images in any range, never written to

    Returns
    -------
    grid : ndarray of float64, shape (G * (H + 1), G * (W + 1), C) with G the square root of N,
        rounded up; a line of the smallest value below and right of each image

    Raises
    ------
    ValueError
        If `Xs` has another number of axes or no image.
    """
    Xs = _require_images("Xs", Xs)
    side = math.ceil(math.sqrt(len(Xs)))
    return _framed(Xs, side, side, fill=float(Xs.min()))


def vis_nn(rows: Sequence[Sequence[Array]]) -> NDArray[np.float64]:
    """Arrange lists of images in a grid, one list a row, all stretched together to [0, 1].

    Parameters
    ----------
    rows : sequence of R sequences of K images each; an image is an ndarray, shape (H, W, C)

    Returns
    -------
    grid : ndarray of float64, shape (R * (H + 1), K * (W + 1), C); a line of value 1, before
        stretching, below and right of each image

    Raises
    ------
    ValueError
        If there is no image, or if rows differ in length or images in shape.
    """
    if len({len(row) for row in rows}) != 1:
        raise ValueError(f"rows must be of one length, got lengths {[len(row) for row in rows]}")
    if len({np.shape(image) for row in rows for image in row}) > 1:
        raise ValueError("rows must hold images of one shape, got several")
    images = _require_images("rows", np.array([image for row in rows for image in row]))
    return _framed(images, len(rows), len(rows[0]), fill=1.0)


def show_images(
    X: Array,
    y: Labels,
    class_names: Sequence[str],
    mean_image: Array | None = None,
    per_class: int = 7,
    *,
    title: str = "What do the classes look like?",
) -> Figure:
    """Show the first images of each class, one class a column.

    Parameters
    ----------
    X : ndarray, shape (N, 3, H, W); images as the network gets them, never written to
    y : ndarray of int, shape (N,); class of each image
    class_names : sequence of C str; name of each class
    mean_image : ndarray, shape (3, H, W), optional; what was subtracted from the images. Without
        it, images that do not fit into [0, 255] are stretched together until they do
    per_class : int, default 7; images in a column, fewer if the class has fewer
    title : str; title of the figure

    Returns
    -------
    fig : Figure; closed, shown as the value of its cell

    Raises
    ------
    ValueError
        If shapes do not fit together, a label is out of range or `per_class` is below 1.
    """
    labels = _require_image_labels("y", y, X, len(class_names))
    if per_class < 1:
        raise ValueError(f"per_class must be 1 or more, got {per_class}")
    picks = [np.flatnonzero(labels == k)[:per_class] for k in range(len(class_names))]
    pixels = iter(_to_pixels(X[np.concatenate(picks)], mean_image))
    height, width = X.shape[2:]
    sheet = np.ones((per_class, len(class_names), height, width, 3))
    for column, pick in enumerate(picks):
        for row in range(len(pick)):
            sheet[row, column] = next(pixels)
    image = tile(sheet.reshape(-1, height, width, 3), per_class, len(picks), 2, fill=1.0)
    with course_figure([["p"]], (8, min(6.0, 0.75 * per_class + 0.75)), title) as (fig, axes):
        axes["p"].imshow(image)
        hide_frame(axes["p"])
        axes["p"].set_xticks(np.arange(len(picks)) * (width + 2) + (width - 1) / 2, class_names)
        axes["p"].xaxis.tick_top()
    return fig


def show_first_layer(
    W1: Array,
    shape: tuple[int, int, int] = (3, 32, 32),
    *,
    max_units: int = 100,
    title: str = "What does the first layer look for?",
) -> Figure:
    """Show each hidden unit's weights as the image it responds to most.

    Parameters
    ----------
    W1 : ndarray, shape (D, H); first-layer weights, one column per hidden unit, never written to
    shape : tuple (channels, height, width), default (3, 32, 32); their product is D
    max_units : int, default 100; how many hidden units to show at most
    title : str; title of the figure

    Returns
    -------
    fig : Figure; closed, shown as the value of its cell

    Raises
    ------
    ValueError
        If `W1` is not a matrix with one row per pixel value, or `max_units` is below 1.

    Notes
    -----
    Each picture is stretched by itself: brightness compares pixels of a unit, not units.
    """
    if W1.ndim != 2 or W1.shape[0] != math.prod(shape) or W1.shape[1] < 1:
        raise ValueError(
            f"W1 must have shape ({math.prod(shape)}, H) for images {shape}, got {W1.shape}"
        )
    if max_units < 1:
        raise ValueError(f"max_units must be 1 or more, got {max_units}")
    units = W1[:, :max_units].T.reshape(-1, *shape)  # (H, C, height, width)
    images = np.stack([stretch(to_channel_last(unit[None])[0], 1.0) for unit in units])
    side = math.ceil(math.sqrt(len(images)))
    count = f"{len(units)} hidden units"
    if len(units) < W1.shape[1]:
        count = f"the first {len(units)} of {W1.shape[1]} hidden units"
    with course_figure([["p"]], (5.5, 6), title) as (fig, axes):
        axes["p"].imshow(tile(images, side, side, 3, fill=1.0))
        hide_frame(axes["p"])
        axes["p"].set_xlabel(f"{count}, each stretched to its own range")
    return fig


def show_predictions(
    X: Array,
    y_true: Labels,
    y_pred: Labels,
    class_names: Sequence[str],
    mean_image: Array | None = None,
    count: int = 7,
    *,
    title: str = "Which images does the network get right, and which wrong?",
) -> Figure:
    """Show the first images that were classified rightly, and the first that were not.

    Parameters
    ----------
    X : ndarray, shape (N, 3, H, W); images as the network gets them, never written to
    y_true : ndarray of int, shape (N,); class of each image
    y_pred : ndarray of int, shape (N,); class that the network chose
    class_names : sequence of C str; name of each class
    mean_image : ndarray, shape (3, H, W), optional; what was subtracted, see `show_images`
    count : int, default 7; images in a row, fewer if there are fewer
    title : str; title of the figure

    Returns
    -------
    fig : Figure; closed, shown as the value of its cell

    Raises
    ------
    ValueError
        If shapes do not fit together, a label is out of range or `count` is below 1.
    """
    true = _require_image_labels("y_true", y_true, X, len(class_names))
    guess = _require_image_labels("y_pred", y_pred, X, len(class_names))
    if count < 1:
        raise ValueError(f"count must be 1 or more, got {count}")
    rows = {"right": np.flatnonzero(true == guess), "wrong": np.flatnonzero(true != guess)}
    picks = {name: row[:count] for name, row in rows.items()}
    pixels = _to_pixels(X[np.concatenate(list(picks.values()))], mean_image)
    height, width = X.shape[2:]
    with course_figure([["right"], ["wrong"]], (8, 3.7), title) as (fig, axes):
        for name, start in (("right", 0), ("wrong", len(picks["right"]))):
            chosen = picks[name]
            sheet = np.ones((count, height + TEXT_GAP, width, 3))
            sheet[: len(chosen), :height] = pixels[start : start + len(chosen)]
            axes[name].imshow(tile(sheet, 1, count, 6, fill=1.0))
            hide_frame(axes[name])
            axes[name].set_ylabel(f"{name}\n({len(rows[name])} of {len(X)})")
            for k, i in enumerate(chosen):
                text = class_names[true[i]]
                text = text if name == "right" else f"said {class_names[guess[i]]}\nis {text}"
                axes[name].text(
                    k * (width + 6) + (width - 1) / 2, height + 1, text, ha="center", va="top"
                )
    return fig


def plot_confusion(
    y_true: Labels,
    y_pred: Labels,
    class_names: Sequence[str],
    title: str = "Which classes does the network take for each other?",
) -> Figure:
    """Plot which share of each class the network put into which class.

    Parameters
    ----------
    y_true : ndarray of int, shape (N,); class of each image
    y_pred : ndarray of int, shape (N,); class that the network chose
    class_names : sequence of C str; name of each class
    title : str; title of the figure, a question or a finding

    Returns
    -------
    fig : Figure; closed, shown as the value of its cell

    Raises
    ------
    ValueError
        If the labels differ in number, there are none, or one is out of range.
    """
    true = require_labels("y_true", y_true, len(class_names))
    guess = require_labels("y_pred", y_pred, len(class_names))
    if true.shape != guess.shape or true.size == 0:
        lengths = f"{len(true)} and {len(guess)}"
        raise ValueError(f"y_true and y_pred must be of one length N >= 1, got {lengths}")
    counts = np.zeros((len(class_names), len(class_names)))
    np.add.at(counts, (true, guess), 1)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)  # rows sum to 1
    with course_figure([["p"]], (7, 6), title) as (fig, axes):
        ax = axes["p"]
        image = ax.imshow(share, cmap="Blues", vmin=0, vmax=1)
        ax.grid(visible=False)
        ticks = np.arange(len(class_names))
        ax.set_xticks(ticks, class_names, rotation=45, ha="right")
        ax.set_yticks(ticks, class_names)
        ax.set(xlabel="predicted class", ylabel="true class")
        for i, j in np.ndindex(*share.shape):
            colour = "white" if share[i, j] > 0.5 else INK
            ax.text(j, i, f"{100 * share[i, j]:.0f}", ha="center", va="center", color=colour)
        fig.colorbar(image, ax=ax, label="share of the true class (fraction; cells in %)")
    return fig


def _require_images(name: str, images: ArrayLike) -> NDArray[np.float64]:
    """Return images as float64, refusing any other shape than (N, H, W, C) with N >= 1."""
    array = np.asarray(images, dtype=np.float64)
    if array.ndim != 4 or array.size == 0:
        raise ValueError(
            f"{name} must hold images of shape (N, H, W, C), N >= 1, got {array.shape}"
        )
    return array


def _require_image_labels(name: str, y: ArrayLike, X: Array, classes: int) -> NDArray[np.intp]:
    """Return one label per image, refusing images that are not (N, 3, H, W) with N >= 1."""
    if X.ndim != 4 or X.shape[1] != 3 or X.size == 0:
        raise ValueError(f"X must hold images of shape (N, 3, H, W), N >= 1, got {X.shape}")
    labels = require_labels(name, y, classes)
    if len(labels) != len(X):
        raise ValueError(f"{name} must have shape (N,) = ({len(X)},), got {labels.shape}")
    return labels


def _framed(images: NDArray[Any], rows: int, columns: int, fill: float) -> NDArray[np.float64]:
    """Place images with a line of `fill` below and right of each, and stretch all to [0, 1]."""
    grid = tile(images, rows, columns, 1, fill)
    return stretch(np.pad(grid, [(0, 1), (0, 1), (0, 0)], constant_values=fill), 1.0)


def _to_pixels(X: Array, mean_image: Array | None) -> NDArray[np.float64]:
    """Return images (N, 3, H, W) as brightness in [0, 1], shape (N, H, W, 3)."""
    images = np.asarray(X, dtype=np.float64)
    if mean_image is not None:
        if mean_image.shape != X.shape[1:]:
            raise ValueError(f"mean_image must have shape {X.shape[1:]}, got {mean_image.shape}")
        return to_channel_last(np.clip((images + mean_image) / 255.0, 0.0, 1.0))
    if images.min() >= 0 and images.max() <= 255:
        return to_channel_last(images / 255.0)
    return to_channel_last(stretch(images, 1.0))

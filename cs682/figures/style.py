"""The house style of every figure, and the few drawing steps that the plots share.

Matplotlib is imported when the first figure is made, so importing this module costs NumPy only.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike, NDArray

T = TypeVar("T")

# Okabe & Ito (2008), without the yellow that is lost on white: told apart with any colour vision.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
INK = "#222222"
MAX_TITLE = 80  # characters that fit into one line of a figure 8 in wide


def style_parameters() -> Any:  # a dict; its type differs between Matplotlib's versions
    """Return the rcParams of the house style: dark ink on white, also in a dark notebook."""
    from cycler import cycler  # comes with Matplotlib

    ink = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
    return dict.fromkeys(ink, INK) | {
        "figure.figsize": (8.0, 4.5),
        "figure.dpi": 100,
        "figure.facecolor": "white",
        "axes.facecolor": "white",
        "axes.prop_cycle": cycler(color=COLOURS),
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlesize": 10,
        "figure.titlesize": 12,
        "grid.color": "#dddddd",
        "grid.linewidth": 0.8,
        "font.size": 10,
        "legend.frameon": False,
        "image.interpolation": "nearest",
        "image.cmap": "gray",
    }


@contextmanager
def house_style() -> Iterator[None]:
    """Apply the house style to what is drawn inside the block.

    Matplotlib's own ``rc_context`` restores every parameter. Around a notebook's first figure
    that undoes the interactive mode which Jupyter's backend has just switched on, and the
    figures that a student draws afterwards stay invisible.
    """
    import matplotlib as mpl

    style = style_parameters()
    before: Any = {name: mpl.rcParams[name] for name in style}
    mpl.rcParams.update(style)
    try:
        yield
    finally:
        mpl.rcParams.update(before)


@contextmanager
def course_figure(
    mosaic: Any, size: tuple[float, float], title: str
) -> Iterator[tuple[Figure, dict[Any, Axes]]]:
    """Make a styled figure of named panels, hand it out to be drawn on, and close it.

    A closed figure shows exactly once, as the value of its cell. An open one would show a second
    time when Jupyter flushes what a cell left open, and pile up in a script.
    """
    import matplotlib.pyplot as plt

    with house_style():
        fig, axes = plt.subplot_mosaic(mosaic, figsize=size, layout="constrained")
        try:
            fig.suptitle(textwrap.fill(title, MAX_TITLE * int(size[0]) // 8))
            yield fig, axes
            describe(fig)
        finally:
            plt.close(fig)


def describe(fig: Figure) -> None:
    """Give a figure an alternative text, for those who hear a notebook instead of seeing it."""
    fig.set_label(alternative_text(fig))
    fig._repr_mimebundle_ = partial(_show_with_text, fig)  # type: ignore[attr-defined]


def alternative_text(fig: Figure) -> str:
    """Return in words what a figure shows: its title, and of each panel axes and series."""
    title = " ".join(fig.get_suptitle().split())
    panels = []
    for ax in fig.axes:
        y, x = (" ".join(text.split()) for text in (ax.get_ylabel(), ax.get_xlabel()))
        head = " ".join(ax.get_title().split()) or ax.get_title(loc="left")
        labels = ax.get_legend_handles_labels()[1]
        words = [head, f"{y} against {x}" if x and y else x or y, ", ".join(labels)]
        panels.append(": ".join(word for word in words if word))
    parts = [title, *dict.fromkeys(panel for panel in panels if panel)]
    return " ".join(part if part.endswith(("?", ".")) else f"{part}." for part in parts)


def _show_with_text(fig: Figure, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what Jupyter shows of a figure: the picture, and its text as metadata."""
    from IPython.core.pylabtools import print_figure

    data = {"image/png": print_figure(fig, base64=True), "text/plain": repr(fig)}
    return data, {"image/png": {"alt": str(fig.get_label())}}


def line_style(index: int) -> dict[str, Any]:
    """Return colour, dash and marker of the series at `index`; the first 35 all differ."""
    return {
        "color": COLOURS[index % len(COLOURS)],
        "linestyle": DASHES[index % len(DASHES)],
        "marker": MARKERS[index % len(MARKERS)],
    }


def whole_number_ticks(ax: Axes) -> None:
    """Keep fractions off the x axis."""
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def legend_below(fig: Figure, ax: Axes) -> None:
    """Put one legend for all panels under them, from the series drawn in `ax`."""
    handles, labels = ax.get_legend_handles_labels()
    longest = max(len(label) for label in labels)
    columns = max(1, min(len(labels), 4, 100 // (longest + 8)))
    fig.legend(handles, labels, loc="outside lower center", ncols=columns, handlelength=3)


def hide_frame(ax: Axes) -> None:
    """Leave a picture without grid, ticks and frame."""
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    ax.set(xticks=[], yticks=[])


def require_named(items: Mapping[str, T], name: str, value: str) -> dict[str, T]:
    """Return `items` as a dict, refusing what is no mapping and what is empty."""
    if not isinstance(items, Mapping):
        raise TypeError(f"{name} must be a dict {{label: {value}}}, got {type(items).__name__}")
    if not items:
        raise ValueError(f"{name} is empty: pass at least one label: {value}")
    return {str(label): item for label, item in items.items()}


def require_positions(name: str, values: ArrayLike, log: str) -> NDArray[np.float64]:
    """Return finite positions of shape (S,), S >= 1, positive if the x axis is logarithmic."""
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1 or x.size == 0:
        raise ValueError(f"{name} must have shape (S,) with S >= 1, got {x.shape}")
    wrong = x[~(np.isfinite(x) & (x > 0))] if "x" in log else x[~np.isfinite(x)]
    if wrong.size:
        wanted = "positive and finite on a logarithmic axis" if "x" in log else "finite"
        raise ValueError(f"{name} must be {wanted}, got {wrong[0]:g}")
    return x


def require_labels(name: str, values: ArrayLike, classes: int) -> NDArray[np.intp]:
    """Return class labels as integers of shape (N,), refusing others than 0 to `classes` - 1."""
    labels = np.asarray(values)
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(
            f"{name} must hold integers of shape (N,), got {labels.dtype} of shape {labels.shape}"
        )
    wrong = labels[(labels < 0) | (labels >= classes)]
    if wrong.size:
        raise ValueError(f"{name} holds the label {wrong[0]}; labels must be in [0, {classes})")
    return labels.astype(np.intp)

"""The house style of every figure, and the few drawing steps that the plots share.

Matplotlib is imported when the first figure is made, so importing this module costs NumPy only.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike, NDArray

    Curves = dict[str, NDArray[np.float64]]  # values by label

T = TypeVar("T")

# Okabe & Ito (2008), without the yellow that is lost on white: told apart with any colour vision.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
INK = "#222222"
MAX_TITLE = 80  # characters that fit into one line of a figure 8 in wide
MAX_WINDOW = 100  # iterations in the running mean of a loss curve
FEW_DOTS = 500  # a loss curve of more dots has fainter ones
MANY_POINTS = 60  # a line of more points is drawn without markers
LAST_LOSSES = 100  # iterations that the last loss of a sweep is averaged over
SWEEP_LOSS_LIMITS = (1.0, 3.5)  # nats; a net that guesses among ten classes loses ln 10 = 2.3


class TrainingRun(Protocol):
    """What a plot reads of a `Solver`: three histories, as lists or one-dimensional arrays."""

    @property
    def loss_history(self) -> Any:
        """Loss of each iteration."""

    @property
    def train_acc_history(self) -> Any:
        """Accuracy on the training images after each epoch."""

    @property
    def val_acc_history(self) -> Any:
        """Accuracy on the validation images after each epoch."""


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


def running_mean(values: ArrayLike, window: int) -> NDArray[np.float64]:
    """Average each value with up to ``window - 1`` before it, leaving out NaN and infinity.

    Takes shape (T,) and returns shape (T,); NaN where a window holds no finite value.
    """
    before = np.full(window - 1, np.nan)
    padded = np.concatenate([before, np.asarray(values, dtype=np.float64)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, window)  # (T, window)
    finite = np.isfinite(windows)
    count = finite.sum(axis=1)
    total = np.where(finite, windows, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def draw_loss(ax: Axes, losses: NDArray[np.float64], index: int, label: str) -> int:
    """Draw every loss as a faint dot under its running mean, and return the mean's window."""
    window = int(np.clip(len(losses) // 20, 1, MAX_WINDOW))
    iteration = np.arange(1, len(losses) + 1)
    finite = np.isfinite(losses)
    style = line_style(index) | {"marker": ""}  # thousands of markers would hide the line
    dots = {
        "color": style["color"],
        "markersize": np.clip(60 / np.sqrt(len(losses)), 4, 8),
        "alpha": 0.25 if len(losses) > FEW_DOTS else 0.5,  # faint, yet seen where they lie apart
        "markeredgewidth": 0,
    }
    ax.plot(iteration, np.where(finite, losses, np.nan), ".", **dots)
    mean = np.where(finite, running_mean(losses, window), np.nan)
    ax.plot(iteration, mean, **style, linewidth=1.8, label=label)
    ax.set(xlabel="iteration", ylabel="loss (nats)")
    return window


def draw_single_loss(ax: Axes, losses: NDArray[np.float64]) -> None:
    """Draw one loss curve that explains its dots and its line."""
    window = draw_loss(ax, losses, 0, "loss")
    ax.set_title(loss_key([window]), loc="left")
    note_gaps(ax, count_gaps([losses]))


def loss_key(windows: Sequence[int]) -> str:
    """Say what dots and lines of a loss panel are."""
    low, high = min(windows), max(windows)
    count = f"{low}" if low == high else f"{low} to {high}"
    return f"dot: one minibatch; line: mean of the last {count}"


def draw_accuracy(ax: Axes, values: NDArray[np.float64], index: int, label: str) -> None:
    """Draw one accuracy per epoch; the first was measured after the first iteration."""
    ax.plot(np.arange(len(values)), values, **line_style(index), markersize=5, label=label)
    ax.set(xlabel="epoch", ylabel="accuracy (fraction)")
    whole_number_ticks(ax)


def whole_number_ticks(ax: Axes) -> None:
    """Keep fractions off the x axis."""
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def draw_accuracy_panels(axes: dict[Any, Axes], train: Curves, val: Curves) -> None:
    """Draw each run's accuracies into the panels "train" and "val", on one scale."""
    for name, what, curves in (("train", "training", train), ("val", "validation", val)):
        for k, (label, values) in enumerate(curves.items()):
            draw_accuracy(axes[name], values, k, label)
        axes[name].set_ylabel(f"{what} accuracy\n(fraction)")
    highest = highest_of([*train.values(), *val.values()])
    share_accuracy_limits([axes["train"], axes["val"]], highest)


def draw_lines(ax: Axes, x: NDArray[np.float64], series: Curves) -> None:
    """Draw one line a label, with markers unless they would hide the line."""
    for k, (label, values) in enumerate(series.items()):
        style = line_style(k) | ({"marker": ""} if len(x) > MANY_POINTS else {})
        shown = np.where(np.isfinite(values), values, np.nan)
        ax.plot(x, shown, **style, markersize=5, label=label)


def share_accuracy_limits(axes: Sequence[Axes], highest: float) -> None:
    """Give the panels one scale: from 0 to the tenth above the highest accuracy."""
    top = min(1.0, np.ceil(10 * highest + 0.2) / 10) if np.isfinite(highest) else 1.0
    for ax in axes:
        ax.set_ylim(0, top + 0.02)  # room for a marker that sits on the upper limit


def limit_losses(ax: Axes, series: Curves) -> None:
    """Show losses from 1.0 to 3.5 nats, and say how many values lie beyond or are missing."""
    low, high = SWEEP_LOSS_LIMITS
    values = np.concatenate(list(series.values()))
    beyond = int(np.sum(~((values >= low) & (values <= high))))
    ax.set_ylim(low, high)
    note_gaps(ax, beyond, f"outside [{low}, {high}] or not finite")


def share_limits(axes: Sequence[Axes]) -> None:
    """Give all panels the widest of their limits, along both axes."""
    bounds = np.array([[*ax.get_xlim(), *ax.get_ylim()] for ax in axes])
    for ax in axes:
        ax.set_xlim(bounds[:, 0].min(), bounds[:, 1].max())
        ax.set_ylim(bounds[:, 2].min(), bounds[:, 3].max())


def note_gaps(ax: Axes, count: int, what: str = "not finite") -> None:
    """Say in the panel how many values it cannot show; say nothing when it shows all."""
    if count:
        values = "value" if count == 1 else "values"
        ax.text(
            0.99, 0.98, f"{count} {values} {what}: not shown",
            transform=ax.transAxes, ha="right", va="top", fontsize=9, style="italic",
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 2},
        )  # fmt: skip


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


def highest_of(curves: Iterable[ArrayLike]) -> float:
    """Return the highest finite value of all curves; NaN if there is none."""
    values = np.concatenate([np.asarray(curve, dtype=np.float64) for curve in curves])
    return best_of(values)


def best_of(history: ArrayLike) -> float:
    """Return the highest finite value of a history, NaN if it holds none."""
    values = np.asarray(history, dtype=np.float64)
    finite = values[np.isfinite(values)]
    return float(finite.max()) if finite.size else np.nan


def mean_of_last(losses: ArrayLike) -> float:
    """Return the mean of the last 100 losses; NaN if there is none or one is not finite."""
    values = np.asarray(losses, dtype=np.float64)[-LAST_LOSSES:]
    return float(values.mean()) if values.size and np.isfinite(values).all() else np.nan


def count_gaps(curves: Iterable[NDArray[np.float64]]) -> int:
    """Count the values of all curves that are NaN or infinite."""
    return sum(int(np.sum(~np.isfinite(curve))) for curve in curves)


def accuracies_of(runs: Mapping[str, TrainingRun]) -> tuple[Curves, Curves]:
    """Return training and validation accuracies of each run, by label."""
    train = {k: require_history(run, "train_acc_history", k) for k, run in runs.items()}
    return train, {k: require_history(run, "val_acc_history", k) for k, run in runs.items()}


def require_history(run: TrainingRun, name: str, label: str) -> NDArray[np.float64]:
    """Return one history of a run as a float array of shape (T,) with T >= 1."""
    if not hasattr(run, name):
        raise TypeError(f"{label} must be a Solver, got {type(run).__name__} without {name}")
    values = np.asarray(getattr(run, name), dtype=np.float64)
    if values.ndim != 1:
        raise ValueError(f"{name} of {label} must be one-dimensional, got shape {values.shape}")
    if values.size == 0:
        raise ValueError(f"{name} of {label} is empty: call its train() before plotting it")
    return values


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

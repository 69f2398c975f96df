"""Curves of training: losses and their running mean, accuracies, limits and gaps.

Matplotlib is imported when the first figure is made, so importing this module costs NumPy only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from cs682.figures.style import line_style, whole_number_ticks

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike, NDArray

    Curves = dict[str, NDArray[np.float64]]  # values by label

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

"""Every plot of the notebooks: training curves, comparisons, sweeps, histograms, confusion.

A function returns a closed Matplotlib figure. End a cell with the call (no semicolon) to see it,
once; pass several figures to IPython's ``display``; keep one with its ``savefig(path)``.
Images and the first layer of a dense network are drawn in `cs682.figures.pictures`, filters and
what they answer in `tiles`, tables in `tables`; all can be imported from here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cs682.figures.bars import plot_bars
from cs682.figures.curves import (
    LAST_LOSSES,
    TrainingRun,
    accuracies_of,
    best_of,
    count_gaps,
    draw_accuracy,
    draw_accuracy_panels,
    draw_lines,
    draw_loss,
    draw_single_loss,
    highest_of,
    limit_losses,
    loss_key,
    mean_of_last,
    note_gaps,
    require_history,
    share_accuracy_limits,
    share_limits,
)
from cs682.figures.fields import draw_reach, draw_receptive_field
from cs682.figures.graphs import Step, draw_graph
from cs682.figures.pictures import (
    plot_confusion,
    show_first_layer,
    show_images,
    show_predictions,
    vis_grid,
    vis_nn,
    visualize_grid,
)
from cs682.figures.style import (
    COLOURS,
    course_figure,
    legend_below,
    require_named,
    require_positions,
    style_parameters,
    whole_number_ticks,
)
from cs682.figures.tables import results_table
from cs682.figures.tiles import show_tiles

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

__all__ = [
    "Step",
    "compare_accuracy",
    "compare_training",
    "draw_graph",
    "draw_reach",
    "draw_receptive_field",
    "plot_bars",
    "plot_confusion",
    "plot_histograms",
    "plot_lines",
    "plot_loss",
    "plot_training",
    "plot_weight_scale_sweep",
    "results_table",
    "show_first_layer",
    "show_images",
    "show_predictions",
    "show_tiles",
    "use_course_style",
    "vis_grid",
    "vis_nn",
    "visualize_grid",
]


def use_course_style() -> None:
    """Make the house style the default for figures that a notebook draws by itself."""
    import matplotlib as mpl

    mpl.rcParams.update(style_parameters())


def plot_training(
    solver: TrainingRun,
    target: float | None = None,
    title: str = "Does the network learn, and does it generalize?",
) -> Figure:
    """Plot the loss of each iteration beside training and validation accuracy by epoch.

    Parameters
    ----------
    solver : Solver, or any object with its three histories; it has been trained
    target : float in [0, 1], optional; accuracy to reach, drawn as a dashed line
    title : str; title of the figure, a question or a finding

    Returns
    -------
    fig : Figure; closed, shown as the value of its cell

    Raises
    ------
    TypeError
        If `solver` lacks a history.
    ValueError
        If a history is empty or not one-dimensional, or `target` is outside [0, 1].
    """
    if target is not None and not 0 <= target <= 1:
        raise ValueError(f"target is an accuracy and must be in [0, 1], got {target}")
    losses = require_history(solver, "loss_history", "solver")
    train = require_history(solver, "train_acc_history", "solver")
    val = require_history(solver, "val_acc_history", "solver")
    with course_figure([["loss", "accuracy"]], (8, 3.7), title) as (fig, axes):
        draw_single_loss(axes["loss"], losses)
        draw_accuracy(axes["accuracy"], train, 0, "training")
        draw_accuracy(axes["accuracy"], val, 1, "validation")
        if target is not None:
            axes["accuracy"].axhline(
                target, color="black", linestyle=":", label=f"target {target:g}"
            )
        share_accuracy_limits([axes["accuracy"]], highest_of([train, val, [target or 0.0]]))
        legend_below(fig, axes["accuracy"])
    return fig


def plot_loss(solver: TrainingRun, title: str = "Does the loss fall?") -> Figure:
    """Plot the loss of each iteration, as dots under a running mean.

    Parameters
    ----------
    solver : Solver, or any object with a `loss_history`; it has been trained
    title : str; title of the figure, a question or a finding

    Returns
    -------
    fig : Figure; closed, shown as the value of its cell

    Raises
    ------
    TypeError
        If `solver` lacks a loss history.
    ValueError
        If the history is empty or not one-dimensional.
    """
    losses = require_history(solver, "loss_history", "solver")
    with course_figure([["l"]], (6.5, 3.4), title) as (fig, axes):
        draw_single_loss(axes["l"], losses)
    return fig


def compare_training(
    solvers: Mapping[str, TrainingRun], title: str = "Which one learns fastest?"
) -> Figure:
    """Plot several training runs over each other: loss, training and validation accuracy.

    Parameters
    ----------
    solvers : dict of label to Solver; the label names what differs, as in ``"momentum = 0.9"``
    title : str; title of the figure, a question or a finding

    Returns
    -------
    fig : Figure; closed, shown as the value of its cell

    Raises
    ------
    TypeError
        If `solvers` is no dict, or holds something without the three histories.
    ValueError
        If `solvers` is empty, or a history is empty or not one-dimensional.
    """
    runs = require_named(solvers, "solvers", "Solver")
    losses = {label: require_history(run, "loss_history", label) for label, run in runs.items()}
    train, val = accuracies_of(runs)
    with course_figure([["loss", "loss"], ["train", "val"]], (8, 6), title) as (fig, axes):
        windows = [
            draw_loss(axes["loss"], y, k, label) for k, (label, y) in enumerate(losses.items())
        ]
        axes["loss"].set_title(loss_key(windows), loc="left")
        note_gaps(axes["loss"], count_gaps(losses.values()))
        draw_accuracy_panels(axes, train, val)
        legend_below(fig, axes["train"])
    return fig


def compare_accuracy(
    solvers: Mapping[str, TrainingRun], title: str = "Which one reaches the higher accuracy?"
) -> Figure:
    """Plot training and validation accuracy by epoch of several runs, side by side.

    Parameters
    ----------
    solvers : dict of label to Solver; the label names what differs, as in ``"batch_size = 5"``
    title : str; title of the figure, a question or a finding

    Returns
    -------
    fig : Figure; closed, shown as the value of its cell

    Raises
    ------
    TypeError
        If `solvers` is no dict, or holds something without accuracy histories.
    ValueError
        If `solvers` is empty, or a history is empty or not one-dimensional.
    """
    train, val = accuracies_of(require_named(solvers, "solvers", "Solver"))
    with course_figure([["train", "val"]], (8, 3.9), title) as (fig, axes):
        draw_accuracy_panels(axes, train, val)
        legend_below(fig, axes["train"])
    return fig


def plot_weight_scale_sweep(
    scales: ArrayLike,
    solvers: Mapping[str, Sequence[TrainingRun]],
    title: str = "How much does the scale of the initial weights matter?",
) -> Figure:
    """Plot best accuracies and last loss against the weight scale, on a logarithmic axis.

    Parameters
    ----------
    scales : array-like of float > 0, shape (S,); standard deviation of the initial weights
    solvers : dict of label to S Solvers, one per scale and in the order of `scales`
    title : str; title of the figure, a question or a finding

    Returns
    -------
    fig : Figure; closed, shown as the value of its cell

    Raises
    ------
    TypeError
        If `solvers` is no dict, or holds something without the three histories.
    ValueError
        If `solvers` is empty, a list has not one Solver per scale, or a scale is not positive.

    Notes
    -----
    The last loss is the mean of the last 100 iterations, drawn from 1.0 to 3.5 nats. Runs that
    diverged, or never started, leave a gap; the panel says how many values it does not show.
    """
    x = require_positions("scales", scales, log="x")
    runs = require_named(solvers, "solvers", "list of Solvers")
    for label, group in runs.items():
        if len(group) != len(x):
            raise ValueError(f"{label!r} has {len(group)} solvers for {len(x)} scales")
    best_val = {k: np.array([best_of(r.val_acc_history) for r in runs[k]]) for k in runs}
    best_train = {k: np.array([best_of(r.train_acc_history) for r in runs[k]]) for k in runs}
    last_loss = {k: np.array([mean_of_last(r.loss_history) for r in runs[k]]) for k in runs}
    with course_figure([["train", "val"], ["loss", "loss"]], (8, 6), title) as (fig, axes):
        for ax, series in zip(axes.values(), (best_train, best_val, last_loss), strict=True):
            draw_lines(ax, x, series)
            ax.set(xscale="log", xlabel="weight_scale (standard deviation)")
        axes["train"].set_ylabel("best training accuracy\n(fraction)")
        axes["val"].set_ylabel("best validation accuracy\n(fraction)")
        highest = highest_of([*best_train.values(), *best_val.values()])
        share_accuracy_limits([axes["train"], axes["val"]], highest)
        axes["loss"].set(ylabel=f"mean of the last {LAST_LOSSES} losses\n(nats)")
        limit_losses(axes["loss"], last_loss)
        legend_below(fig, axes["train"])
    return fig


def plot_lines(
    x: ArrayLike,
    series: Mapping[str, ArrayLike],
    *,
    xlabel: str,
    ylabel: str,
    title: str,
    log: str = "",
) -> Figure:
    """Plot one line per label over the same positions, for a sweep or a function.

    Parameters
    ----------
    x : array-like of float, shape (S,); positions, positive on a logarithmic axis
    series : dict of label to array-like, shape (S,); values that are not finite leave a gap
    xlabel : str; what `x` is, with its unit
    ylabel : str; what the lines show, with its unit
    title : str; title of the figure, a question or a finding
    log : {"", "x", "y", "xy"}, default ""; which axes are logarithmic

    Returns
    -------
    fig : Figure; closed, shown as the value of its cell

    Raises
    ------
    TypeError
        If `series` is no dict.
    ValueError
        If `series` is empty, a line has another length than `x`, or `log` is unknown.
    """
    if log not in ("", "x", "y", "xy"):
        raise ValueError(f"log must be '', 'x', 'y' or 'xy', got {log!r}")
    positions = require_positions("x", x, log)
    lines = {k: np.asarray(y, float) for k, y in require_named(series, "series", "values").items()}
    for label, y in lines.items():
        if y.shape != positions.shape:
            raise ValueError(f"{label!r} has shape {y.shape}, but x has shape {positions.shape}")
    with course_figure([["p"]], (6.5, 4), title) as (fig, axes):
        ax = axes["p"]
        draw_lines(ax, positions, lines)
        ax.set(xlabel=xlabel, ylabel=ylabel, xscale="log" if "x" in log else "linear")
        ax.set_yscale("log" if "y" in log else "linear")
        if "x" not in log and np.all(positions == np.round(positions)):
            whole_number_ticks(ax)
        note_gaps(ax, count_gaps(lines.values()))
        ax.legend(handlelength=3)
    return fig


def plot_histograms(
    arrays: Mapping[str, ArrayLike],
    title: str = "How are the activations distributed?",
    xlabel: str = "activation",
    bins: int = 60,
) -> Figure:
    """Plot how the values of up to three arrays are distributed, one above the other.

    Parameters
    ----------
    arrays : dict of label to array-like, any shape; 1 to 3 arrays of numbers
    title : str; title of the figure, a question or a finding
    xlabel : str, default "activation"; what the values are
    bins : int, default 60; number of bins over the range of all arrays together

    Returns
    -------
    fig : Figure; closed, shown as the value of its cell

    Raises
    ------
    TypeError
        If `arrays` is no dict.
    ValueError
        If there are no or more than three arrays, one holds no finite number, or `bins` is below 1.
    """
    values = {k: np.ravel(a) for k, a in require_named(arrays, "arrays", "array").items()}
    if len(values) > 3:
        raise ValueError(f"arrays has {len(values)} entries; a figure holds at most 3")
    if bins < 1:
        raise ValueError(f"bins must be 1 or more, got {bins}")
    finite = {label: v[np.isfinite(v)] for label, v in values.items()}
    for label, v in finite.items():
        if v.size == 0:
            raise ValueError(f"{label!r} holds no finite number")
    edges = np.histogram_bin_edges(np.concatenate(list(finite.values())), bins)
    panels = [[label] for label in finite]
    with course_figure(panels, (7, 1 + 1.6 * len(panels)), title) as (fig, axes):
        for k, (label, v) in enumerate(finite.items()):
            share = np.histogram(v, edges)[0] / v.size
            axes[label].stairs(share, edges, fill=True, color=COLOURS[k], label=label)
            axes[label].set_ylabel("share (fraction)")
            mean, std = v.mean(), v.std()
            mean = 0.0 if abs(mean) < 1e-9 * std else mean  # rounding, not a mean
            axes[label].set_title(f"{label}: mean {mean:.3g}, std {std:.3g}", loc="left")
            note_gaps(axes[label], values[label].size - v.size)
        share_limits(list(axes.values()))
        for ax in list(axes.values())[:-1]:
            ax.tick_params(labelbottom=False)  # the lowest panel labels the axis for all
        axes[panels[-1][0]].set_xlabel(xlabel)
    return fig

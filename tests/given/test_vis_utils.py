"""Tests of the plots: what each shows, how it is labelled, what it refuses."""

from __future__ import annotations

from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pytest

from cs682 import vis_utils
from tests.small_models import make_run

# pyproject.toml makes errors of what our modules warn of; NumPy warns from inside Matplotlib, too.
pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")


def line_of(ax, label):
    (line,) = [line for line in ax.get_lines() if line.get_label() == label]
    return line


def legend_texts(fig):
    legends = [*fig.legends, *(ax.get_legend() for ax in fig.axes if ax.get_legend())]
    return [text.get_text() for legend in legends for text in legend.get_texts()]


def notes_of(ax):
    return [text.get_text() for text in ax.texts]


def test_plot_training_draws_the_histories_it_is_given():
    run = make_run()

    fig = vis_utils.plot_training(run, target=0.5, title="Half?")

    loss, accuracy = fig.axes
    dots, _ = loss.get_lines()
    np.testing.assert_array_equal(dots.get_ydata(), run.loss_history)
    np.testing.assert_array_equal(dots.get_xdata(), np.arange(1, 41))
    np.testing.assert_array_equal(line_of(accuracy, "training").get_ydata(), run.train_acc_history)
    np.testing.assert_array_equal(line_of(accuracy, "validation").get_ydata(), run.val_acc_history)
    np.testing.assert_array_equal(line_of(accuracy, "validation").get_xdata(), np.arange(5))
    assert set(line_of(accuracy, "target 0.5").get_ydata()) == {0.5}
    assert legend_texts(fig) == ["training", "validation", "target 0.5"]
    assert (loss.get_ylabel(), accuracy.get_ylabel()) == ("loss (nats)", "accuracy (fraction)")


def test_plot_training_without_target_draws_no_target():
    fig = vis_utils.plot_training(make_run())

    assert legend_texts(fig) == ["training", "validation"]


def test_plot_training_leaves_histories_unchanged():
    run, same = make_run(), make_run()

    vis_utils.plot_training(run)

    assert run.loss_history == same.loss_history
    np.testing.assert_array_equal(run.val_acc_history, same.val_acc_history)


def test_plot_training_keeps_a_target_above_every_accuracy_in_view():
    run = make_run()

    fig = vis_utils.plot_training(run, target=0.95)

    assert fig.axes[1].get_ylim()[1] > 0.95


@pytest.mark.parametrize("target", [-0.1, 50, float("nan")])
def test_plot_training_refuses_a_target_that_is_no_fraction(target):
    with pytest.raises(ValueError, match=r"target is an accuracy and must be in \[0, 1\], got"):
        vis_utils.plot_training(make_run(), target=target)


def test_plot_loss_draws_the_mean_of_the_last_losses():
    run = make_run(iterations=60)

    fig = vis_utils.plot_loss(run)

    want = [np.mean(run.loss_history[max(0, k - 2) : k + 1]) for k in range(60)]
    # float64 sums of three numbers near 2
    np.testing.assert_allclose(line_of(fig.axes[0], "loss").get_ydata(), want, rtol=1e-14)
    assert fig.axes[0].get_title(loc="left") == "dot: one minibatch; line: mean of the last 3"


def test_plot_loss_shows_a_gap_and_says_so_where_training_diverged():
    run = make_run()
    run.loss_history[30:] = [np.inf, np.nan]

    fig = vis_utils.plot_loss(run)

    shown = line_of(fig.axes[0], "loss").get_ydata()
    assert np.isfinite(shown).tolist() == [True] * 30 + [False] * 2
    assert notes_of(fig.axes[0]) == ["2 values not finite: not shown"]


def test_plot_loss_of_a_run_that_never_was_finite_still_draws():
    run = SimpleNamespace(loss_history=[np.nan])

    fig = vis_utils.plot_loss(run)

    assert notes_of(fig.axes[0]) == ["1 value not finite: not shown"]


@pytest.mark.parametrize(
    ("run", "error", "message"),
    [
        (
            SimpleNamespace(loss_history=[]),
            ValueError,
            r"loss_history of solver is empty: call its train\(\)",
        ),
        ([1.0, 2.0], TypeError, "must be a Solver, got list without loss_history"),
        (
            SimpleNamespace(loss_history=np.ones((2, 3))),
            ValueError,
            r"must be one-dimensional, got shape \(2, 3\)",
        ),
    ],
    ids=["untrained", "no solver", "more axes"],
)
def test_plot_loss_refuses_what_is_no_trained_solver(run, error, message):
    with pytest.raises(error, match=message):
        vis_utils.plot_loss(run)


def test_compare_training_draws_every_run_in_every_panel():
    runs = {"update_rule = sgd": make_run(0), "update_rule = adam": make_run(1)}

    fig = vis_utils.compare_training(runs, title="Which?")

    loss, train, val = fig.axes
    for k, (label, run) in enumerate(runs.items()):
        np.testing.assert_array_equal(loss.get_lines()[2 * k].get_ydata(), run.loss_history)
        np.testing.assert_array_equal(line_of(train, label).get_ydata(), run.train_acc_history)
        np.testing.assert_array_equal(line_of(val, label).get_ydata(), run.val_acc_history)
    assert legend_texts(fig) == list(runs)
    assert train.get_ylim() == val.get_ylim()


def test_compare_training_accepts_runs_of_unequal_length():
    runs = {"short": make_run(iterations=20, epochs=2), "long": make_run(iterations=400, epochs=8)}

    fig = vis_utils.compare_training(runs)

    assert "mean of the last 1 to 20" in fig.axes[0].get_title(loc="left")


@pytest.mark.parametrize("compare", [vis_utils.compare_training, vis_utils.compare_accuracy])
def test_compare_refuses_nothing_and_what_is_no_dict(compare):
    with pytest.raises(ValueError, match="solvers is empty: pass at least one label: Solver"):
        compare({})
    with pytest.raises(TypeError, match=r"solvers must be a dict \{label: Solver\}, got list"):
        compare([make_run()])


def test_compare_training_names_the_run_it_refuses():
    run = make_run()
    run.val_acc_history = []

    with pytest.raises(ValueError, match="val_acc_history of batch_size = 5 is empty"):
        vis_utils.compare_training({"fine": make_run(), "batch_size = 5": run})


def test_compare_accuracy_shares_limits_that_hold_every_value():
    runs = {"keep_prob = 1": make_run(0, epochs=25), "keep_prob = 0.25": make_run(1, epochs=25)}

    fig = vis_utils.compare_accuracy(runs)

    train, val = fig.axes
    low, high = train.get_ylim()
    assert train.get_ylim() == val.get_ylim()
    assert low == 0
    assert all(max(run.train_acc_history) < high for run in runs.values())
    assert legend_texts(fig) == list(runs)


def test_compare_accuracy_tells_seven_runs_apart_without_colour():
    fig = vis_utils.compare_accuracy({f"batch_size = {k}": make_run(k) for k in range(7)})

    lines = fig.axes[0].get_lines()
    for one, other in combinations(lines, 2):
        assert one.get_color() != other.get_color()
        assert one.get_marker() != other.get_marker()


def test_plot_weight_scale_sweep_draws_best_and_last_values():
    scales = np.logspace(-4, 0, 3)
    runs = [make_run(k, iterations=150) for k in range(3)]

    fig = vis_utils.plot_weight_scale_sweep(scales, {"batchnorm": runs})

    train, val, loss = (line_of(ax, "batchnorm") for ax in fig.axes)
    np.testing.assert_array_equal(train.get_xdata(), scales)
    np.testing.assert_array_equal(train.get_ydata(), [max(r.train_acc_history) for r in runs])
    np.testing.assert_array_equal(val.get_ydata(), [max(r.val_acc_history) for r in runs])
    np.testing.assert_array_equal(loss.get_ydata(), [np.mean(r.loss_history[-100:]) for r in runs])
    assert {ax.get_xscale() for ax in fig.axes} == {"log"}
    assert fig.axes[0].get_ylim() == fig.axes[1].get_ylim()
    assert fig.axes[2].get_ylim() == (1.0, 3.5)


def test_plot_weight_scale_sweep_leaves_gaps_for_failed_runs():
    empty = SimpleNamespace(loss_history=[], train_acc_history=[], val_acc_history=[])
    diverged, high = make_run(), make_run()
    diverged.loss_history[-1] = np.nan
    high.loss_history = [9.0]

    fig = vis_utils.plot_weight_scale_sweep(
        [1e-3, 1e-2, 1e-1, 1], {"plain": [make_run(), empty, diverged, high]}
    )

    drawn = [np.isfinite(line_of(ax, "plain").get_ydata()).tolist() for ax in fig.axes]
    assert drawn == [[True, False, True, True]] * 2 + [[True, False, False, True]]
    assert notes_of(fig.axes[2]) == ["3 values outside [1.0, 3.5] or not finite: not shown"]


def test_plot_weight_scale_sweep_refuses_ragged_lists_and_bad_scales():
    runs = [make_run(), make_run()]

    with pytest.raises(ValueError, match="'plain' has 2 solvers for 3 scales"):
        vis_utils.plot_weight_scale_sweep([1, 2, 3], {"plain": runs})
    with pytest.raises(ValueError, match=r"scales must be positive and finite.*got 0"):
        vis_utils.plot_weight_scale_sweep([0, 1], {"plain": runs})
    with pytest.raises(ValueError, match=r"scales must have shape \(S,\) with S >= 1, got \(0,\)"):
        vis_utils.plot_weight_scale_sweep([], {"plain": []})


def test_plot_lines_draws_what_it_is_given_and_notes_gaps():
    y = [1.0, np.inf, 3.0]

    fig = vis_utils.plot_lines(
        [1, 10, 100], {"a": y}, xlabel="x (1)", ylabel="y (1)", title="?", log="xy"
    )

    (ax,) = fig.axes
    np.testing.assert_array_equal(line_of(ax, "a").get_ydata(), [1.0, np.nan, 3.0])
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x (1)", "y (1)")
    assert notes_of(ax) == ["1 value not finite: not shown"]


@pytest.mark.parametrize(
    ("x", "series", "log", "message"),
    [
        ([1, 2], {"a": [1]}, "", r"'a' has shape \(1,\), but x has shape \(2,\)"),
        ([1, 2], {}, "", "series is empty"),
        ([1, 2], {"a": [1, 2]}, "z", "log must be '', 'x', 'y' or 'xy', got 'z'"),
        ([-1, 2], {"a": [1, 2]}, "x", "x must be positive and finite on a logarithmic axis"),
        ([1, np.nan], {"a": [1, 2]}, "", "x must be finite, got nan"),
    ],
)
def test_plot_lines_refuses_what_does_not_fit(x, series, log, message):
    with pytest.raises(ValueError, match=message):
        vis_utils.plot_lines(x, series, xlabel="x", ylabel="y", title="?", log=log)


def test_plot_histograms_calls_a_mean_of_rounding_errors_zero():
    figure = vis_utils.plot_histograms({"normalized": np.array([-1.0, 1.0, 2e-17])})

    assert figure.axes[0].get_title(loc="left").startswith("normalized: mean 0, std ")


def test_plot_histograms_shows_shares_on_common_axes():
    arrays = {"before": np.array([[-3.0, 0.0], [3.0, 9.0]]), "after": np.array([0.0, 1.0, np.nan])}

    fig = vis_utils.plot_histograms(arrays, bins=4)

    for ax in fig.axes:
        values, edges, _ = ax.patches[0].get_data()
        np.testing.assert_allclose(edges, [-3, 0, 3, 6, 9])  # the range of both arrays together
        assert values.sum() == pytest.approx(1)  # shares of the finite values
    assert fig.axes[0].get_title(loc="left") == "before: mean 2.25, std 4.44"
    assert fig.axes[0].get_xlim() == fig.axes[1].get_xlim()
    assert fig.axes[0].get_ylim() == fig.axes[1].get_ylim()
    assert notes_of(fig.axes[1]) == ["1 value not finite: not shown"]


@pytest.mark.parametrize(
    ("arrays", "bins", "message"),
    [
        ({}, 10, "arrays is empty"),
        ({k: [1.0] for k in "abcd"}, 10, "arrays has 4 entries; a figure holds at most 3"),
        ({"a": [np.nan]}, 10, "'a' holds no finite number"),
        ({"a": [1.0]}, 0, "bins must be 1 or more, got 0"),
    ],
)
def test_plot_histograms_refuses_what_it_cannot_show(arrays, bins, message):
    with pytest.raises(ValueError, match=message):
        vis_utils.plot_histograms(arrays, bins=bins)

"""The table and the plots of a search."""

from __future__ import annotations

from itertools import pairwise

from cs682.search import best_train_acc, search
from tests.machinery.small_searches import SPACE, make
from tests.small_models import make_data


def test_table_has_the_best_first_and_names_its_measure():
    result = search(make, {"rate": [1e-4, 0.1]}, data=make_data(), score=best_train_acc)

    table = result.table()

    assert table.columns == ("rate", "epochs", "best_train_acc", "seconds")
    assert table.best_row == 0
    assert "<table>" in result._repr_html_()


def test_plot_has_a_panel_for_each_thing_that_varies():
    space = {
        **SPACE,
        "num_epochs": [1],
        "batch_size": [5, 10],
        "sampling": ["epoch", "replacement"],
    }
    result = search(make, space, data=make_data(), num_runs=6, halving=(1, 2))

    panels = result.plot("Which?").axes

    assert [ax.get_xlabel() for ax in panels] == ["rate", "decay", "batch_size", "sampling"]
    assert [ax.get_xscale() for ax in panels] == ["log", "linear", "linear", "linear"]
    assert [t.get_text() for t in panels[3].get_xticklabels()] == ["epoch", "replacement"]
    assert panels[0].get_ylabel() == "best_val_acc"
    dots = sum(len(line.get_xdata()) for line in panels[0].lines)
    assert dots == 6 + 1  # each run, and the ring about the best


def test_plot_of_two_lists_is_a_heat_map():
    def fragile(data, rate, decay):
        return make(data, rate, decay) if rate < 0.2 else None

    space = {"rate": [0.05, 0.1, 0.2], "decay": [0.9, 1.0]}
    result = search(fragile, space, data=make_data(), verbose=False)

    panel = result.plot("Which?").axes[0]

    fields = {text.get_position(): text.get_text() for text in panel.texts}
    scores = {(run.config["rate"], run.config["decay"]): run.score for run in result.runs}
    assert (panel.get_ylabel(), panel.get_xlabel()) == ("rate", "decay")
    assert [fields[k, 2] for k in range(2)] == ["none", "none"]
    assert fields[1, 0] == f"{scores[0.05, 1.0]:.3g}"


def test_plot_keeps_small_numbers_on_its_axis_apart():
    space = {"rate": [0.001, 0.0018], "decay": [0.9, 1.0], "batch_size": [5, 10]}
    figure = search(make, space, data=make_data(), verbose=False).plot()

    figure.draw_without_rendering()

    axis = figure.axes[0].xaxis
    boxes = [label.get_window_extent() for label in axis.get_ticklabels() if label.get_text()]
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes))


def test_plot_says_how_many_runs_it_cannot_show():
    def fragile(data, rate):
        return make(data, rate) if rate < 0.2 else None

    result = search(fragile, {"rate": [0.1, 0.2]}, data=make_data(), verbose=False)

    assert "1 value missing" in result.plot().axes[0].texts[0].get_text()

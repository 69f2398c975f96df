"""Computational graphs: what is drawn, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from cs682.vis_utils import Step, draw_graph

STEPS = [
    Step("x"),
    Step("s", "sum of x", ("x",)),
    Step("r", "1 / s", ("s",)),
    Step("y", "x * r", ("x", "r")),
]
X = np.array([1.0, 1.0, 2.0])
VALUES = {"x": X, "s": X.sum(), "r": 0.25, "y": X / 4}
GRADIENTS = {"x": np.array([0.1875, -0.0625, -0.0625]), "s": -0.0625, "r": 1.0, "y": np.eye(3)[0]}


def words(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def test_graph_shows_values_forward_and_gradients_backward():
    shown = words(draw_graph(STEPS, VALUES, GRADIENTS, title="Proportions"))

    assert {"x", "s", "r", "y", "sum of x", "1 / s", "x * r"} <= set(shown)
    assert {"[1, 1, 2]", "4", "0.25", "ds: -0.0625", "dx: [0.19, -0.062, -0.062]"} <= set(shown)


def test_graph_without_gradients_leaves_them_open():
    shown = words(draw_graph(STEPS, VALUES, title="Proportions"))

    assert {"dx: ?", "ds: ?", "dr: ?", "dy: ?"} <= set(shown)


def test_graph_shows_only_the_shape_of_many_numbers():
    shown = words(draw_graph([Step("w")], {"w": np.ones((6, 3))}, title="Weights"))

    assert "shape (6, 3)" in shown


def test_a_formula_of_wide_letters_stays_within_its_box():
    wide = Step("y", "gamma x_hat + beta", ("r",))
    figure = draw_graph([*STEPS[:3], wide], VALUES, title="Four columns, as narrow as they get")
    canvas = FigureCanvasAgg(figure)
    canvas.draw()

    *_, box = figure.axes[0].patches
    *_, formula, _, _ = figure.axes[0].texts
    width = formula.get_window_extent(canvas.get_renderer()).width
    assert width < 0.95 * box.get_window_extent().width  # else it touches the frame


def test_each_input_has_an_arrow_each_way():
    figure = draw_graph(STEPS, VALUES, title="Proportions")

    arrows = [text for text in figure.axes[0].texts if getattr(text, "arrow_patch", None)]
    assert len(arrows) == 2 * sum(len(step.inputs) for step in STEPS)


def test_graph_says_its_steps_in_words():
    label = draw_graph(STEPS, VALUES, title="Proportions").get_label()

    assert label == "Proportions: a graph from x, then s = sum of x, then r = 1 / s, then y = x * r"


@pytest.mark.parametrize(
    ("steps", "values", "gradients", "said"),
    [
        ([Step("x"), Step("x")], {"x": 1}, {}, "'x' is named twice"),
        ([Step("y", "2 x", ("x",))], {"y": 1}, {}, "'y' uses 'x', which no step before it gives"),
        ([Step("x")], {"w": 1}, {}, "values has no 'x'; it has w"),
        ([Step("x")], {"x": 1}, {"z": 1}, "gradients has 'z', which is no step"),
        (
            [Step("x")],
            {"x": X},
            {"x": 1.0},
            r"the gradient of 'x' has shape \(\), its value \(3,\)",
        ),
    ],
)
def test_graph_refuses_what_does_not_fit(steps, values, gradients, said):
    with pytest.raises(ValueError, match=said):
        draw_graph(steps, values, gradients, title="Wrong")

"""Tests of the house style and of the drawing steps that the plots share."""

from __future__ import annotations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from cs682.figures import curves
from cs682.figures import style as _figures
from cs682.vis_utils import plot_lines

# pyproject.toml makes errors of what our modules warn of; NumPy warns from inside Matplotlib, too.
pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")


def test_running_mean_leaves_out_what_is_not_finite():
    got = curves.running_mean([np.nan, 2.0, 4.0, np.inf, np.inf, 7.0], window=2)

    np.testing.assert_array_equal(got, [np.nan, 2.0, 3.0, 4.0, np.nan, 7.0])


@pytest.mark.parametrize("width", [5.5, 8])
def test_course_figure_wraps_a_long_title(width):
    title = "Does the loss fall " + "and fall " * 20 + "?"

    with _figures.course_figure([["p"]], (width, 3), title) as (fig, _):
        pass

    fig.canvas.draw()
    box = fig._suptitle.get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= fig.bbox.width


def test_course_figure_closes_the_figure_when_drawing_fails():
    with pytest.raises(KeyError), _figures.course_figure([["p"]], (4, 3), "?") as (_, axes):
        axes["q"].plot([1, 2])

    assert plt.get_fignums() == []


def test_line_style_differs_between_the_first_35_series():
    styles = {tuple(map(str, _figures.line_style(k).values())) for k in range(35)}

    assert len(styles) == 35


def test_house_style_restores_its_parameters_after_an_error():
    before = dict(mpl.rcParams)

    with pytest.raises(ZeroDivisionError), _figures.house_style():
        1 / 0  # noqa: B018 - raises on purpose

    assert dict(mpl.rcParams) == before


def test_house_style_keeps_the_interactive_mode_switched_on_inside():
    was = mpl.is_interactive()

    with _figures.house_style():
        mpl.interactive(True)  # as Jupyter's backend does when the first figure loads it

    assert mpl.is_interactive()
    mpl.interactive(was)


def test_figures_say_in_words_what_they_show():
    figure = plot_lines(
        np.arange(3.0), {"a": np.ones(3), "b": np.zeros(3)}, xlabel="x", ylabel="y", title="Two"
    )

    _, metadata = figure._repr_mimebundle_()

    assert metadata["image/png"]["alt"] == "Two. y against x: a, b."

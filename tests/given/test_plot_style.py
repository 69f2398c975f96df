"""What holds of every plot: its size, its colours, its labels, and when it is shown."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import matplotlib as mpl
import matplotlib.pyplot as plt
import nbclient
import nbformat
import pytest
from matplotlib.colors import to_hex, to_rgb

from cs682 import vis_utils
from tests.small_models import make_run

# pyproject.toml makes errors of what our modules warn of; NumPy warns from inside Matplotlib, too.
pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")

FIGURES = {
    "plot_training": lambda: vis_utils.plot_training(make_run(), target=0.5),
    "plot_loss": lambda: vis_utils.plot_loss(make_run()),
    "compare_training": lambda: vis_utils.compare_training({"a": make_run(), "b": make_run(1)}),
    "compare_accuracy": lambda: vis_utils.compare_accuracy({"a": make_run(), "b": make_run(1)}),
    "plot_weight_scale_sweep": lambda: vis_utils.plot_weight_scale_sweep(
        [1e-3, 1e-1], {"a": [make_run(), make_run(1)]}
    ),
    "plot_lines": lambda: vis_utils.plot_lines(
        [1, 2], {"a": [3, 4]}, xlabel="layer", ylabel="std", title="Does it shrink?"
    ),
    "plot_histograms": lambda: vis_utils.plot_histograms({"a": [0.0, 1.0, 2.0], "b": [1.0]}),
}


@pytest.fixture(scope="module", params=FIGURES.values(), ids=FIGURES)
def drawn(request):
    """Draw each figure once, in a notebook whose own style is dark."""
    with plt.style.context("dark_background"):
        before = dict(mpl.rcParams)
        fig = request.param()
        return SimpleNamespace(fig=fig, before=before, after=dict(mpl.rcParams))


def test_figure_keeps_to_the_house_size(drawn):
    width, height = drawn.fig.get_size_inches()

    assert width <= 8
    assert height <= 6
    assert 1 <= len(drawn.fig.axes) <= 3
    assert drawn.fig.get_layout_engine() is not None
    assert drawn.fig.get_suptitle().endswith("?")


def test_figure_is_dark_on_white_under_any_style(drawn):
    ax = drawn.fig.axes[0]

    assert to_rgb(drawn.fig.get_facecolor()) == to_rgb(ax.get_facecolor()) == (1, 1, 1)
    texts = [ax.yaxis.label, *ax.get_xticklabels(), *ax.get_yticklabels()]
    assert {to_hex(text.get_color()) for text in texts} == {"#222222"}


# Matplotlib 3.8 calls what a newer pyparsing, its own dependency, has renamed.
@pytest.mark.filterwarnings("error::UserWarning", "ignore:.*deprecated:DeprecationWarning")
def test_figure_lays_out_and_draws_without_warning(drawn):
    drawn.fig.canvas.draw()


def test_figure_labels_both_axes_of_every_panel(drawn):
    axes = drawn.fig.axes

    assert all(ax.get_ylabel() for ax in axes)
    unlabelled = [ax for ax in axes if not ax.get_xlabel()]
    assert all(ax.get_xlim() == axes[-1].get_xlim() for ax in unlabelled)  # stacked on the last
    assert axes[-1].get_xlabel()


def test_figure_is_closed_and_leaves_the_parameters_alone(drawn):
    assert not plt.fignum_exists(drawn.fig.number)
    assert drawn.after == drawn.before


def test_use_course_style_sets_the_inherited_defaults():
    with mpl.rc_context():
        vis_utils.use_course_style()

        assert mpl.rcParams["image.interpolation"] == "nearest"
        assert mpl.rcParams["image.cmap"] == "gray"
        assert mpl.rcParams["figure.facecolor"] == "white"
        colours = mpl.rcParams["axes.prop_cycle"].by_key()["color"]

    assert len(set(colours)) == len(colours) == 7


def test_import_of_vis_utils_does_not_import_matplotlib():
    code = "import sys, cs682.vis_utils; print('matplotlib' in sys.modules)"

    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert out.stdout.strip() == "False"


@pytest.mark.slow
def test_figure_shows_exactly_once_in_a_notebook():
    cells = [
        "from types import SimpleNamespace\n"
        "from cs682.vis_utils import plot_loss\n"
        "run = SimpleNamespace(loss_history=[3.0, 2.0])\n"
        "plot_loss(run)",
        "fig = plot_loss(run)",
        "fig",
        "import matplotlib.pyplot as plt\nown, ax = plt.subplots()",  # a figure of the student's
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])

    nbclient.NotebookClient(notebook, timeout=120).execute()

    shown = [sum("image/png" in out.get("data", {}) for out in c.outputs) for c in notebook.cells]
    assert shown == [1, 0, 1, 1]

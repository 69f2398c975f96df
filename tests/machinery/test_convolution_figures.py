"""Pictures for convolutional networks: tiles, bars, receptive fields, and what shares a mean."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle

from cs682.figures.fields import SEEN, SELF, UNSEEN
from cs682.vis_utils import draw_reach, draw_receptive_field, plot_bars, show_tiles

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")
RNG = np.random.default_rng(682)
LAYERS = [("conv", 3, 1), ("pool", 2, 2), ("second conv", 5, 1)]
TIMES = {"naive": {"conv": 2.0, "pool": 0.5}, "fast": {"conv": 0.02, "pool": 0.001}}


def masks(**axes):
    """Give for each name a mask that is true along the axes, and at index 0 of the others."""
    found = {}
    for name, along in axes.items():
        found[name] = np.zeros((2, 3, 4, 5), dtype=bool)
        found[name][tuple(slice(None) if k in along else 0 for k in range(4))] = True
    return found


FIGURES = {
    "show_tiles": lambda: show_tiles(
        {"image": RNG.random((2, 3, 4, 5)), "grey": RNG.random((2, 4, 5))}, title="What is left?"
    ),
    "plot_bars": lambda: plot_bars(TIMES, ylabel="time (s)", title="How long?", log=True),
    "draw_receptive_field": lambda: draw_receptive_field(LAYERS),
    "draw_reach": lambda: draw_reach(masks(norm=(0, 2, 3), layer=(1, 2, 3))),
}


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
def test_figure_keeps_to_the_house_style_in_a_dark_notebook(draw):
    with plt.style.context("dark_background"):
        fig = draw()

    fig.canvas.draw()
    width, height = fig.get_size_inches()
    assert width <= 8
    assert height <= 6
    assert to_rgb(fig.get_facecolor()) == (1, 1, 1)
    assert fig.get_suptitle().endswith("?")
    assert not plt.fignum_exists(fig.number)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("show_tiles", "What is left? each picture stretched to its own range. image, grey."),
        ("plot_bars", "How long? time (s): naive, fast."),
        (
            "draw_receptive_field",
            "How much of the image does one value see? One value sees, after each layer: "
            "conv: 3 x 3 pixels; pool: 4 x 4 pixels; second conv: 12 x 12 pixels.",
        ),
        (
            "draw_reach",
            "Which values share one mean? norm: 40 of 120 values; layer: 60 of 120 values.",
        ),
    ],
)
def test_figure_says_in_words_what_it_shows(name, said):
    assert FIGURES[name]().get_label() == said


# --- tiles


def test_each_tile_is_stretched_and_enlarged_without_mixing_pixels():
    picture = np.array([[0.0, 2.0], [4.0, 8.0]])

    fig = show_tiles({"a": [picture], "b": [10 - picture]}, title="Which?")

    shown = fig.axes[0].images[0].get_array()[..., 0]
    assert shown.shape[0] == 24
    np.testing.assert_array_equal(
        shown[[0, 11, 12, 23]][:, [0, 23]], [[0, 0.25]] * 2 + [[0.5, 1]] * 2
    )
    np.testing.assert_array_equal(shown[[0, 23]][:, [-24, -1]], [[1, 0.75], [0.5, 0]])


def test_sets_of_tiles_stand_under_their_names_in_one_size():
    small, large = RNG.random((3, 8, 8)), RNG.random((3, 3, 16, 16))

    ax = show_tiles({"small": small, "large": large}, across=2, title="Which?").axes[0]

    assert [text.get_text() for text in ax.get_xticklabels()] == ["small", "large"]
    height, width, _ = ax.images[0].get_array().shape
    left, right = ax.get_xticks()
    assert left + right == width - 1  # both sets are equally wide
    assert height == 2 * 32 + round(0.08 * 32)


def test_tiles_never_write_to_their_input():
    pictures = RNG.random((2, 3, 4, 5))
    before = pictures.copy()

    show_tiles({"a": pictures}, title="Which?")

    np.testing.assert_array_equal(pictures, before)


@pytest.mark.parametrize("shape", [(4, 5), (2, 2, 4, 5), (0, 4, 5), (1, 1, 1, 4, 5)])
def test_tiles_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match=r"'a' must have shape \(K, H, W\) or \(K, C, H, W\)"):
        show_tiles({"a": np.zeros(shape)}, title="Which?")


def test_tiles_refuse_nothing_and_no_room():
    with pytest.raises(ValueError, match="columns is empty"):
        show_tiles({}, title="Which?")
    with pytest.raises(ValueError, match="across must be 1 or more, got 0"):
        show_tiles({"a": np.zeros((1, 2, 2))}, across=0, title="Which?")


# --- bars


def test_bars_have_the_heights_they_are_given_side_by_side():
    ax = plot_bars(TIMES, ylabel="time (s)", title="How long?", log=True).axes[0]

    bars = {c.get_label(): [bar.get_height() for bar in c] for c in ax.containers}
    assert bars == {"naive": [2.0, 0.5], "fast": [0.02, 0.001]}
    assert ax.get_yscale() == "log"
    assert [text.get_text() for text in ax.get_xticklabels()] == ["conv", "pool"]
    assert {"2", "0.5", "0.02", "0.001"} <= {text.get_text() for text in ax.texts}
    naive, fast = ax.containers
    assert naive[0].get_x() + naive[0].get_width() == pytest.approx(fast[0].get_x())


@pytest.mark.parametrize(
    ("series", "said"),
    [
        ({}, "series is empty"),
        ({"a": {"x": 1.0}, "b": {"y": 1.0}}, r"'b' has the groups \['y'\], the first has \['x'\]"),
        ({str(k): {"x": 1.0} for k in range(5)}, "series has 5 entries; a figure holds at most 4"),
        ({"a": {"x": 0.0}}, "'x' of 'a' must be positive and finite on a logarithmic axis, got 0"),
        ({"a": {"x": np.nan}}, "'x' of 'a' must be positive and finite"),
    ],
)
def test_bars_refuse_what_they_cannot_show(series, said):
    with pytest.raises(ValueError, match=said):
        plot_bars(series, ylabel="time (s)", title="How long?", log=True)


# --- receptive fields


def row(ax, k):
    """Give the boxes of one row that are seen, as pairs (left, right)."""
    boxes = [p for p in ax.patches if isinstance(p, Rectangle) and round(p.get_y() + 0.25) == k]
    seen = [b for b in boxes if b.get_facecolor()[:3] == to_rgb(SEEN)]
    return [(b.get_x(), b.get_x() + b.get_width()) for b in seen]


def test_receptive_field_widens_downwards():
    ax = draw_receptive_field(LAYERS).axes[0]

    # by hand: five values of the pool, ten of the conv below it, and a pixel more on each side
    assert [len(row(ax, k)) for k in range(4)] == [12, 10, 5, 1]
    (left, right) = row(ax, 0)[0][0], row(ax, 0)[-1][1]
    assert left == pytest.approx(-right)
    assert right == pytest.approx(6, abs=0.1)  # half of 12 pixels


def test_receptive_field_names_its_rows_from_the_image_up():
    ax = draw_receptive_field(LAYERS).axes[0]

    assert [t.get_text() for t in ax.get_yticklabels()] == ["image", "conv", "pool", "second conv"]
    said = [text.get_text().split("\n")[-1] for text in ax.texts]
    assert said == ["one pixel", "3 x 3 pixels", "4 x 4 pixels", "12 x 12 pixels"]


def test_receptive_field_refuses_what_is_no_layer():
    with pytest.raises(ValueError, match="layers is empty"):
        draw_receptive_field([])
    with pytest.raises(ValueError, match="'pool' has size 2 and stride 0; both must be 1 or more"):
        draw_receptive_field([("pool", 2, 0)])


# --- what shares a mean


def test_reach_shows_examples_as_columns_and_channels_as_rows():
    fig = draw_reach(masks(norm=(0, 2, 3)))
    ax, (key,) = fig.axes[0], fig.legends

    image = ax.images[0].get_array()
    assert image.shape == (3 * 5 - 1, 2 * 6 - 1, 3)
    assert tuple(image[0, 0]) == to_rgb(SELF)
    assert tuple(image[0, 1]) == tuple(image[3, 10]) == to_rgb(SEEN)  # both examples' first channel
    assert tuple(image[5, 0]) == to_rgb(UNSEEN)  # the first example's second channel
    assert tuple(image[4, 0]) == (1, 1, 1)  # between two channels
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("2 examples", "3 channels of 4 x 5 pixels")
    said = ["the value that changes", "outputs that it reaches", "others"]
    assert [text.get_text() for text in key.get_texts()] == said
    colours = [to_rgb(patch.get_facecolor()) for patch in key.get_patches()]
    assert colours == [to_rgb(colour) for colour in (SELF, SEEN, UNSEEN)]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "masks is empty"),
        ({"a": np.ones((2, 3))}, r"'a' must have shape \(N, C, H, W\), the same for all"),
        ({"a": np.ones((1, 1, 1, 2)), "b": np.ones((1, 1, 2, 1))}, "'b' must have shape"),
        ({str(k): np.ones((1, 1, 1, 1)) for k in range(5)}, "masks has 5 entries"),
    ],
)
def test_reach_refuses_what_is_no_batch(given, said):
    with pytest.raises(ValueError, match=said):
        draw_reach(given)

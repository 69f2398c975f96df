"""Tests of image grids, the pictures of data and weights, and the confusion plot."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest

from cs682.figures import pictures

# pyproject.toml makes errors of what our modules warn of; NumPy warns from inside Matplotlib, too.
pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")
NAMES = ["cat", "dog", "ship"]


def make_images(count=8, height=6, width=5):
    rng = np.random.default_rng(682)
    X = rng.uniform(0, 255, (count, 3, height, width)).astype(np.float32)
    return X, np.arange(count) % 3


def test_visualize_grid_stretches_each_image_and_pads_with_zero():
    Xs = np.array([[[[1.0], [3.0]]], [[[10.0], [20.0]]], [[[4.0], [2.0]]]])  # (3, 1, 2, 1)

    grid = pictures.visualize_grid(Xs, ubound=10.0, padding=1)

    want = [[0, 10, 0, 0, 10], [0, 0, 0, 0, 0], [10, 0, 0, 0, 0]]
    np.testing.assert_array_equal(grid[..., 0], want)


def test_visualize_grid_of_constant_images_is_finite():
    grid = pictures.visualize_grid(np.full((2, 3, 3, 3), 7.0), padding=0)

    np.testing.assert_array_equal(grid[:3], 127.5)
    np.testing.assert_array_equal(grid[3:], 0)


@pytest.mark.parametrize(("count", "side"), [(1, 1), (2, 2), (4, 2), (5, 3), (100, 10)])
def test_visualize_grid_is_square(count, side):
    grid = pictures.visualize_grid(np.zeros((count, 4, 6, 3)), padding=2)

    assert grid.shape == (side * 4 + (side - 1) * 2, side * 6 + (side - 1) * 2, 3)


def test_visualize_grid_refuses_wrong_shapes_and_padding():
    with pytest.raises(
        ValueError, match=r"Xs must hold images of shape \(N, H, W, C\).*\(4, 4, 3\)"
    ):
        pictures.visualize_grid(np.zeros((4, 4, 3)))
    with pytest.raises(ValueError, match="padding must be 0 or more pixels, got -1"):
        pictures.visualize_grid(np.zeros((1, 4, 4, 3)), padding=-1)


def test_vis_grid_stretches_all_images_together():
    Xs = np.array([[[[0.0]]], [[[5.0]]], [[[10.0]]]])

    grid = pictures.vis_grid(Xs)

    want = [[0, 0, 0.5, 0], [0, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]
    np.testing.assert_array_equal(grid[..., 0], want)


def test_vis_grid_of_one_constant_image_is_finite():
    assert np.isfinite(pictures.vis_grid(np.zeros((1, 2, 2, 3)))).all()


def test_vis_nn_places_rows_and_draws_lines_of_one():
    rows = [[np.full((1, 2, 1), v) for v in row] for row in ([0.0, 0.25, 0.5], [1.0, 2.0, 0.0])]

    grid = pictures.vis_nn(rows)

    want = [[0, 0, 1, 0.25, 0.25, 1, 0.5, 0.5, 1], [1] * 9, [1, 1, 1, 2, 2, 1, 0, 0, 1], [1] * 9]
    np.testing.assert_array_equal(grid[..., 0], np.array(want) / 2)


def test_vis_nn_refuses_ragged_rows_and_shapes():
    image = np.zeros((2, 2, 3))

    with pytest.raises(ValueError, match=r"rows must be of one length, got lengths \[2, 1\]"):
        pictures.vis_nn([[image, image], [image]])
    with pytest.raises(ValueError, match="rows must hold images of one shape"):
        pictures.vis_nn([[image, np.zeros((1, 2, 3))]])
    with pytest.raises(ValueError, match="rows must be of one length"):
        pictures.vis_nn([])


@pytest.mark.parametrize("grid", [pictures.visualize_grid, pictures.vis_grid])
def test_grids_never_write_to_their_input(grid):
    Xs = np.random.default_rng(682).standard_normal((3, 4, 5, 3))
    before = Xs.copy()

    grid(Xs)

    np.testing.assert_array_equal(Xs, before)


def test_show_images_puts_the_first_of_each_class_into_its_column():
    X, y = make_images()
    mean = X.mean(axis=0)

    fig = pictures.show_images(X - mean, y, NAMES, mean, per_class=3)

    shown = fig.axes[0].images[0].get_array()
    for k, (row, column) in {0: (0, 0), 3: (1, 0), 7: (2, 1), 5: (1, 2)}.items():
        tile = shown[row * 8 : row * 8 + 6, column * 7 : column * 7 + 5]
        # mean subtracted and added again in float32, values up to 1
        np.testing.assert_allclose(tile, X[k].transpose(1, 2, 0) / 255, atol=1e-6)
    np.testing.assert_array_equal(shown[16:22, 14:19], 1)  # class 2 has two images only
    assert [text.get_text() for text in fig.axes[0].get_xticklabels()] == NAMES
    assert plt.get_fignums() == []


def test_show_images_without_mean_image_stretches_into_view():
    X, y = make_images()

    fig = pictures.show_images(X - 120, y, NAMES, per_class=2)

    shown = fig.axes[0].images[0].get_array()
    assert shown.min() == 0
    assert shown.max() == 1


def test_show_images_refuses_what_does_not_fit():
    X, y = make_images()

    with pytest.raises(ValueError, match=r"y must have shape \(N,\) = \(8,\), got \(7,\)"):
        pictures.show_images(X, y[:7], NAMES)
    with pytest.raises(ValueError, match=r"y holds the label 2; labels must be in \[0, 2\)"):
        pictures.show_images(X, y, NAMES[:2])
    with pytest.raises(ValueError, match=r"X must hold images of shape \(N, 3, H, W\)"):
        pictures.show_images(X.transpose(0, 2, 3, 1), y, NAMES)
    with pytest.raises(ValueError, match=r"mean_image must have shape \(3, 6, 5\), got \(6, 5\)"):
        pictures.show_images(X, y, NAMES, X[0, 0])
    with pytest.raises(ValueError, match="per_class must be 1 or more, got 0"):
        pictures.show_images(X, y, NAMES, per_class=0)


def test_show_first_layer_shows_each_column_as_a_channel_first_image():
    W1 = np.random.default_rng(682).standard_normal((3 * 4 * 5, 3))

    fig = pictures.show_first_layer(W1, shape=(3, 4, 5))

    shown = fig.axes[0].images[0].get_array()
    unit = W1[:, 1].reshape(3, 4, 5).transpose(1, 2, 0)
    want = (unit - unit.min()) / (unit.max() - unit.min())
    np.testing.assert_allclose(shown[:4, 8:13], want, rtol=1e-12)  # float64, three operations
    assert fig.axes[0].get_xlabel() == "3 hidden units, each stretched to its own range"


def test_show_first_layer_says_how_many_units_it_leaves_out():
    fig = pictures.show_first_layer(np.zeros((12, 9)), shape=(3, 2, 2), max_units=4)

    assert fig.axes[0].get_xlabel().startswith("the first 4 of 9 hidden units")
    assert np.isfinite(fig.axes[0].images[0].get_array()).all()


def test_show_first_layer_refuses_another_number_of_inputs():
    with pytest.raises(ValueError, match=r"W1 must have shape \(3072, H\).*got \(100, 3072\)"):
        pictures.show_first_layer(np.zeros((100, 3072)))
    with pytest.raises(ValueError, match="max_units must be 1 or more, got 0"):
        pictures.show_first_layer(np.zeros((3072, 1)), max_units=0)


def test_show_predictions_parts_right_from_wrong():
    X, y = make_images()
    guess = y.copy()
    guess[[1, 4]] = [0, 2]  # two dogs, taken for a cat and a ship

    fig = pictures.show_predictions(X, y, guess, NAMES, count=4)

    right, wrong = fig.axes
    assert [text.get_text() for text in right.texts] == ["cat", "ship", "cat", "ship"]
    assert [text.get_text() for text in wrong.texts] == ["said cat\nis dog", "said ship\nis dog"]
    assert right.get_ylabel() == "right\n(6 of 8)"
    assert wrong.get_ylabel() == "wrong\n(2 of 8)"
    tile = wrong.images[0].get_array()[:6, 11:16]
    np.testing.assert_allclose(tile, X[4].transpose(1, 2, 0) / 255, rtol=1e-6)  # float32 input


def test_show_predictions_draws_when_nothing_is_wrong():
    X, y = make_images()

    fig = pictures.show_predictions(X, y, y, NAMES)

    assert fig.axes[1].get_ylabel() == "wrong\n(0 of 8)"


def test_show_predictions_refuses_predictions_of_another_length():
    X, y = make_images()

    with pytest.raises(ValueError, match=r"y_pred must have shape \(N,\) = \(8,\), got \(9,\)"):
        pictures.show_predictions(X, y, np.zeros(9, int), NAMES)
    with pytest.raises(ValueError, match="count must be 1 or more, got 0"):
        pictures.show_predictions(X, y, y, NAMES, count=0)


def test_plot_confusion_shows_shares_of_the_true_class():
    y_true, y_pred = np.array([0, 0, 0, 0, 1, 1]), np.array([0, 0, 0, 1, 2, 1])

    fig = pictures.plot_confusion(y_true, y_pred, NAMES)

    ax = fig.axes[0]
    want = [[0.75, 0.25, 0], [0, 0.5, 0.5], [0, 0, 0]]  # no ship in y_true: an empty row
    np.testing.assert_array_equal(ax.images[0].get_array(), want)
    assert [text.get_text() for text in ax.texts] == [
        "75",
        "25",
        "0",
        "0",
        "50",
        "50",
        "0",
        "0",
        "0",
    ]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted class", "true class")
    assert [text.get_text() for text in ax.get_yticklabels()] == NAMES


@pytest.mark.parametrize(
    ("y_true", "y_pred", "message"),
    [
        ([0, 1], [0], "must be of one length N >= 1, got 2 and 1"),
        ([0, 3], [0, 1], r"y_true holds the label 3; labels must be in \[0, 3\)"),
        ([0, 1], [0, -1], "y_pred holds the label -1"),
        ([0.0, 1.0], [0, 1], "y_true must hold integers of shape"),
        ([], [], "y_true must hold integers"),
    ],
)
def test_plot_confusion_refuses_what_is_no_labelling(y_true, y_pred, message):
    with pytest.raises(ValueError, match=message):
        pictures.plot_confusion(np.array(y_true), np.array(y_pred), NAMES)

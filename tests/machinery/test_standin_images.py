from __future__ import annotations

import numpy as np
import pytest

from cs682.cifar10.standin_images import FIGURES, draw_images


def draw(n: int, seed: int = 682) -> tuple[np.ndarray, np.ndarray]:
    """Return n images as float64 (n, 3, 32, 32), and their labels, which take turns."""
    labels = np.arange(n) % 10
    pixels = draw_images(labels, np.random.default_rng(seed))
    return pixels.reshape(-1, 3, 32, 32).astype(np.float64), labels


def likeness(a: np.ndarray, b: np.ndarray) -> float:
    """Return the correlation of two equally large sets of pixels, in [-1, 1]."""
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


def ridge_accuracy(train: int, test: int) -> float:
    """Return how many of `test` images a linear classifier gets right after `train` images."""
    images, labels = draw(train + test)
    x = images.reshape(len(images), -1)[:, ::4] - 120.0  # every fourth pixel: 16 times faster
    targets = np.eye(10)[labels[:train]] - 0.1
    w = np.linalg.solve(x[:train].T @ x[:train] + 1e6 * np.eye(x.shape[1]), x[:train].T @ targets)
    return float(np.mean((x[train:] @ w).argmax(axis=1) == labels[train:]))


def test_draw_images_gives_a_row_of_bytes_for_each_label():
    pixels = draw_images(np.array([3, 0, 9]), np.random.default_rng(682))

    assert pixels.dtype == np.uint8
    assert pixels.shape == (3, 3072)


def test_draw_images_works_for_no_and_for_one_label():
    rng = np.random.default_rng(682)

    assert draw_images(np.array([], np.int64), rng).shape == (0, 3072)
    assert draw_images(np.array([4]), rng).shape == (1, 3072)


def test_draw_images_repeats_itself_for_a_seed_only():
    labels = np.arange(20) % 10

    first, again, other = (draw_images(labels, np.random.default_rng(s)) for s in (5, 5, 6))

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_figures_keep_float32():
    u = np.linspace(-2, 2, 12, dtype=np.float32).reshape(1, 3, 4)

    for figure in FIGURES:
        assert figure.distance(u, u[:, ::-1]).dtype == np.float32, figure.name


def test_draw_images_spreads_pixels_as_photographs_do():
    images, _ = draw(1000)

    # CIFAR-10 itself: mean 121, spread of a pixel 63, channel means 126, 123, 114
    assert 110 < images.mean() < 130
    assert 57 < images.std(axis=0).mean() < 68
    assert np.all(np.diff(images.mean(axis=(0, 2, 3))) < 0)
    assert images.min() == 0
    assert images.max() == 255


def test_draw_images_makes_neighbouring_pixels_and_channels_alike():
    images, _ = draw(1000)

    # CIFAR-10 itself: 0.93, 0.69, 0.42 and, between red and blue, 0.83
    assert 0.90 < likeness(images[..., 1:], images[..., :-1]) < 0.97
    assert 0.6 < likeness(images[..., 4:], images[..., :-4]) < 0.8
    assert 0.35 < likeness(images[..., 16:], images[..., :-16]) < 0.55
    assert 0.7 < likeness(images[:, 0], images[:, 2]) < 0.9


def test_draw_images_varies_within_each_class():
    images, labels = draw(1000)

    within = np.mean([images[labels == c].var(axis=0).mean() for c in range(10)])

    assert 0.9 < within / images.var(axis=0).mean() < 0.99


@pytest.mark.slow
def test_draw_images_can_be_learned_in_part_by_a_linear_classifier():
    accuracy = ridge_accuracy(train=4000, test=1000)  # chance is 0.1, one standard error 0.015

    assert 0.2 < accuracy < 0.5


@pytest.mark.parametrize(
    ("labels", "text"),
    [
        (np.array([0, 10]), "0 to 9, got 0 to 10"),
        (np.array([-1, 3]), "0 to 9, got -1 to 3"),
        (np.array([[1, 2]]), r"int64 \(1, 2\)"),
        (np.array([1.0]), "float64"),
    ],
)
def test_draw_images_refuses_labels_that_are_no_classes(labels, text):
    with pytest.raises(ValueError, match=text):
        draw_images(labels, np.random.default_rng(682))


def test_figures_are_told_apart_by_name():
    names = [figure.name for figure in FIGURES]

    assert len(set(names)) == 10
    assert all(name.isascii() and name.islower() for name in names)


def test_figures_lie_in_the_image_and_leave_room_around():
    axis = (np.arange(32, dtype=np.float32) + 0.5) / 16 - 1
    v, u = np.meshgrid(axis, axis, indexing="ij")

    for figure in FIGURES:
        size = np.float32(np.mean(figure.size))
        share = np.mean(figure.distance(u / size, v / size) < 0)  # of the pixels
        assert 0.1 < share < 0.6, figure.name

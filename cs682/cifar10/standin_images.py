"""Draw the images of the synthetic stand-in: ten classes of coloured shapes and textures.

An image is a cloudy background, a figure that lets some of the background through, and grain. What
the figure is decides the class; where it lies, how large, tilted, opaque and bright it is and, in
part, its colour are chance. The spread of the pixels and their likeness to their neighbours are
close to CIFAR-10's, so that learning rates tuned for the one suit the other.

Only additions, products, quotients, square roots and comparisons of float32 numbers are used, and
only uniform draws. IEEE arithmetic fixes these to the last bit, so the images do not depend on the
processor or on the version of NumPy; sines, exponentials, sums and matrix products might.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from cs682._types import Labels

    Floats = NDArray[np.floating[Any]]  # always float32
    Distance = Callable[[Floats, Floats], Floats]

SIDE = 32  # pixels
MEAN = (117.0, 115.0, 106.0)  # red, green, blue of the background, in pixel values 0..255
CLOUDS = (66.0, 62.0, 61.0, 56.0, 37.0, 9.0)  # pixel values; clouds of 1, 1/2, .. 1/32 image
CLOUD_COLOUR = 0.45  # of a cloud's amplitude, drawn for each channel apart
SHARPNESS = 10.0  # 1 / width of a figure's soft edge, in half image sides
OPACITY = (0.4, 1.0)
COVER = 0.6  # share of the background that a fully opaque figure hides
BRIGHTNESS = (32.0, 92.0)  # pixel values; difference between figure and background
LIGHT = 0.8  # share of figures that are lighter than the background, not darker
COLOUR = 49.0  # pixel values; chance part of a figure's colour, per channel
TINT = 38.0  # pixel values; part of a figure's colour that its class prefers
GRAIN = 20.0  # pixel values; the grainiest image's noise reaches so far


class Figure(NamedTuple):
    """A class: what its figure is, and how much it varies.

    `distance` maps coordinates (u, v), in units of the figure's size, to the signed distance from
    its outline: negative inside. Sizes and shifts are in half image sides.
    """

    name: str
    distance: Distance
    tint: tuple[float, float, float]  # preferred colour: red, green, blue
    size: tuple[float, float] = (0.4, 0.8)
    shift: float = 0.37  # the figure's centre lies so far from the image's at most
    tilt: float = 0.18  # tangent of half the largest angle: 0.18 is 20 degrees


def draw_images(labels: Labels, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw one image for each label.

    Parameters
    ----------
    labels : ndarray of int, shape (N,), indices into `FIGURES`: 0 to 9
    rng : numpy.random.Generator, moved on

    Returns
    -------
    pixels : ndarray of uint8, shape (N, 3072): red, green and blue plane of each image, row by row

    Raises
    ------
    ValueError
        If `labels` is not a row of integers 0 to 9.
    """
    labels = np.asarray(labels)
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"labels must be (N,) integers, got {labels.dtype} {labels.shape}")
    if labels.size and not 0 <= labels.min() <= labels.max() < len(FIGURES):
        raise ValueError(f"labels must be 0 to 9, got {labels.min()} to {labels.max()}")
    image = _clouds(len(labels), rng)  # (N, 3, 32, 32)
    image += _masks(labels, rng) * (_colours(labels, rng) - COVER * image)
    image += _grain(len(labels), rng)
    image += np.array(MEAN, np.float32)[:, None, None]
    pixels: NDArray[np.uint8] = np.clip(np.floor(image + 0.5), 0, 255).astype(np.uint8)
    return pixels.reshape(len(labels), 3 * SIDE * SIDE)


def _uniform(
    rng: np.random.Generator, low: float | Floats, high: float | Floats, shape: tuple[int, ...]
) -> Floats:
    """Draw float32 numbers from [low, high)."""
    drawn: Floats = low + (high - low) * rng.random(shape, dtype=np.float32)
    return drawn


def _clouds(n: int, rng: np.random.Generator) -> Floats:
    """Return noise of several scales, summed from the coarsest to the finest, (n, 3, 32, 32)."""
    image: Floats = np.zeros((n, 3, 1, 1), np.float32)
    for amplitude in CLOUDS:
        size = image.shape[-1]
        colour = CLOUD_COLOUR * amplitude if size < SIDE else 0.0  # fine colour noise looks ugly
        image = image + _uniform(rng, -amplitude, amplitude, (n, 1, size, size))
        image += _uniform(rng, -colour, colour, (n, 3, size, size))
        if size < SIDE:
            image = _enlarge(_enlarge(image).swapaxes(2, 3)).swapaxes(2, 3)
    return image


def _enlarge(image: Floats) -> Floats:
    """Double the last axis; the new samples are interpolated linearly."""
    before = np.concatenate([image[..., :1], image[..., :-1]], axis=-1)
    after = np.concatenate([image[..., 1:], image[..., -1:]], axis=-1)
    near = 0.75 * image
    pairs: Floats = np.stack([near + 0.25 * before, near + 0.25 * after], axis=-1)  # (..., S, 2)
    return pairs.reshape(*image.shape[:-1], 2 * image.shape[-1])


def _masks(labels: Labels, rng: np.random.Generator) -> Floats:
    """Return how strongly each pixel shows the figure, in [0, 1], shape (N, 1, 32, 32)."""
    size, u, v = _coordinates(labels, rng)
    opacity = _uniform(rng, *OPACITY, (len(labels), 1, 1))
    distance = np.empty_like(u)
    for label, figure in enumerate(FIGURES):
        rows = np.flatnonzero(labels == label)
        distance[rows] = figure.distance(u[rows], v[rows])
    mask: Floats = opacity * np.clip(0.5 - SHARPNESS * size * distance, 0, 1)
    return mask[:, None]


def _coordinates(labels: Labels, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    """Return the figures' sizes (N, 1, 1), and each pixel's place as a figure sees it: u and v."""
    low, high, shift, tilt = _by_label(labels, [(*f.size, f.shift, f.tilt) for f in FIGURES])
    one = (len(labels), 1, 1)
    size = _uniform(rng, low, high, one)
    x0, y0 = _uniform(rng, -shift, shift, one), _uniform(rng, -shift, shift, one)
    t = _uniform(rng, -tilt, tilt, one)
    cosine, sine = (1 - t * t) / (1 + t * t), 2 * t / (1 + t * t)  # t = tan(angle / 2)
    axis = (np.arange(SIDE, dtype=np.float32) + 0.5) / (SIDE / 2) - 1  # pixel centres in [-1, 1]
    x, y = axis[None, None, :] - x0, axis[None, :, None] - y0
    return size, (x * cosine + y * sine) / size, (y * cosine - x * sine) / size


def _by_label(labels: Labels, table: list[tuple[float, ...]]) -> Floats:
    """Look up a table with a row for each class; return (K, N, 1, 1) for K columns."""
    columns: Floats = np.array(table, np.float32)[labels].T
    return columns[:, :, None, None]


def _colours(labels: Labels, rng: np.random.Generator) -> Floats:
    """Return each figure's colour, as a difference from the mean, shape (N, 3, 1, 1)."""
    n = len(labels)
    brightness = _uniform(rng, *BRIGHTNESS, (n, 1, 1, 1))
    brightness *= np.where(rng.random((n, 1, 1, 1), dtype=np.float32) < LIGHT, 1, -1)
    tint = _by_label(labels, [figure.tint for figure in FIGURES]).swapaxes(0, 1)
    colour: Floats = brightness + _uniform(rng, -COLOUR, COLOUR, (n, 3, 1, 1)) + TINT * tint
    return colour


def _grain(n: int, rng: np.random.Generator) -> Floats:
    """Return noise without any likeness between neighbours, from none to much, (n, 3, 32, 32)."""
    strength = _uniform(rng, 0.0, GRAIN, (n, 1, 1, 1))
    return strength * _uniform(rng, -1.0, 1.0, (n, 3, SIDE, SIDE))


def _disk(u: Floats, v: Floats) -> Floats:
    distance: Floats = np.sqrt(u * u + v * v) - 1
    return distance


def _ring(u: Floats, v: Floats) -> Floats:
    distance: Floats = np.abs(np.sqrt(u * u + v * v) - 0.8) - 0.24
    return distance


def _square(u: Floats, v: Floats) -> Floats:
    distance: Floats = np.maximum(np.abs(u), np.abs(v)) - 0.85
    return distance


def _triangle(u: Floats, v: Floats) -> Floats:
    distance: Floats = np.maximum(v - 0.6, 0.87 * np.abs(u) - 0.5 * v - 0.55)
    return distance


def _cross(u: Floats, v: Floats) -> Floats:
    a, b = np.abs(u), np.abs(v)
    distance: Floats = np.minimum(np.maximum(a - 1, b - 0.3), np.maximum(b - 1, a - 0.3))
    return distance


def _wave(t: Floats) -> Floats:
    """Return the distance from every other half of the unit intervals, with period 1."""
    distance: Floats = np.abs(t - np.floor(t) - 0.5) - 0.25
    return distance


def _stripes(u: Floats, v: Floats) -> Floats:
    return _wave(v)


def _bars(u: Floats, v: Floats) -> Floats:
    return _wave(u)


def _checks(u: Floats, v: Floats) -> Floats:
    a, b = _wave(u), _wave(v)
    distance: Floats = np.maximum(
        np.minimum(a, b), -np.maximum(a, b)
    )  # inside one of the two, not both
    return distance


def _dots(u: Floats, v: Floats) -> Floats:
    a, b = u - np.floor(u) - 0.5, v - np.floor(v) - 0.5
    distance: Floats = np.sqrt(a * a + b * b) - 0.32
    return distance


def _ground(u: Floats, v: Floats) -> Floats:
    return -v  # rows count downwards: all that lies below the horizon


_PERIOD = (0.45, 0.95)  # of a texture, in half image sides
_ANY = 1.0  # a shift by which any part of a texture can lie in the image's centre

FIGURES = (
    Figure("disk", _disk, (1.0, -0.3, -0.7)),
    Figure("ring", _ring, (-0.7, 1.0, -0.3)),
    Figure("square", _square, (-0.5, -0.5, 1.0)),
    Figure("triangle", _triangle, (0.9, 0.6, -1.0)),
    Figure("cross", _cross, (-1.0, 0.2, 0.8)),
    Figure("stripes", _stripes, (0.2, 0.8, -1.0), _PERIOD, _ANY),
    Figure("bars", _bars, (0.8, -1.0, 0.2), _PERIOD, _ANY),
    Figure("checks", _checks, (-0.8, 0.8, 0.0), _PERIOD, _ANY),
    Figure("dots", _dots, (0.0, -0.8, 0.8), _PERIOD, _ANY),
    Figure("ground", _ground, (-0.6, 0.0, 0.6), shift=0.5),
)

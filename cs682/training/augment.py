"""Augmentation: random changes of training images that leave their class what it is.

The solver hands each batch to `augment` and trains on what comes back, so the network rarely sees
an image twice in the same way and overfits later. Any function from a batch to a batch will do.
The batch is the solver's own copy: an augmentation may write to it and return it.

Those here draw from NumPy's global stream, as the solver and dropout do, so that a seed makes a run
repeatable and a checkpoint goes on bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from cs682._arguments import require_count

if TYPE_CHECKING:
    from cs682._types import Array

    Augmentation = Callable[[Array], Array]


def flips(probability: float = 0.5) -> Augmentation:
    """Make an augmentation that mirrors images left to right.

    Parameters
    ----------
    probability : float in [0, 1], of an image to be mirrored

    Returns
    -------
    augment : callable, images (N, C, H, W) -> images of the same shape; writes to its argument

    Raises
    ------
    ValueError
        If `probability` lies outside [0, 1].
    TypeError
        If it is a batch.
    """
    _refuse_batch("flips", probability)
    if not 0 <= probability <= 1:
        raise ValueError(f"probability must be in [0, 1], got {probability!r}")

    def augment(X: Array) -> Array:
        _require_images(X)
        mirrored = np.random.random(len(X)) < probability  # noqa: NPY002  # the solver's stream
        X[mirrored] = X[mirrored, ..., ::-1]
        return X

    return augment


def shifts(pixels: int = 2) -> Augmentation:
    """Make an augmentation that shifts each image by up to some pixels in both directions.

    Rows and columns that come into view are zero, the grey of the mean image once that has been
    subtracted.

    Parameters
    ----------
    pixels : int >= 0, largest shift, up or down and left or right

    Returns
    -------
    augment : callable, images (N, C, H, W) -> images of the same shape

    Raises
    ------
    ValueError
        If `pixels` is negative.
    TypeError
        If `pixels` is not an integer.
    """
    _refuse_batch("shifts", pixels)
    pixels = require_count("pixels", pixels, 0)

    def augment(X: Array) -> Array:
        _require_images(X)
        N, C, H, W = X.shape
        padded = np.zeros((N, C, H + 2 * pixels, W + 2 * pixels), X.dtype)
        padded[:, :, pixels : pixels + H, pixels : pixels + W] = X
        # (N, C, 2 pixels + 1, 2 pixels + 1, H, W): a view of every part of the size of an image
        windows = np.lib.stride_tricks.sliding_window_view(padded, (H, W), axis=(2, 3))
        down, right = np.random.randint(2 * pixels + 1, size=(2, N))  # noqa: NPY002
        shifted: Array = windows[np.arange(N), :, down, right]
        return shifted

    return augment


def chain(*augmentations: Augmentation) -> Augmentation:
    """Make an augmentation of several, applied from left to right.

    Parameters
    ----------
    *augmentations : callables, batch -> batch

    Returns
    -------
    augment : callable, batch -> batch
    """

    def augment(X: Array) -> Array:
        for step in augmentations:
            X = step(X)
        return X

    return augment


def _refuse_batch(maker: str, setting: Any) -> None:
    """Refuse a batch where a setting belongs: the maker itself was given to the solver."""
    if isinstance(setting, np.ndarray):
        raise TypeError(
            f"{maker} makes an augmentation, and was given a batch: call it first, as in "
            f"augment={maker}()"
        )


def _require_images(X: Array) -> None:
    """Refuse a batch that is not of images."""
    if X.ndim != 4:
        raise ValueError(f"images must have shape (N, C, H, W), got {X.shape}")

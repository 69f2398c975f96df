"""Say which ways back through a normalization a wrong gradient has left out."""

from __future__ import annotations

from typing import Any

import numpy as np


def say_paths(
    got: Any, want: Any, ways: Any, centred: Any, spread: Any, axis: int, line: str = ""
) -> str:
    """Say which of the ways from the output back to x are missing or misjudged in `got`.

    If `got`, shaped like x, is a sum of the gradients along these ways with other weights than 1,
    the weights tell the mistake.

    Parameters
    ----------
    got : the student's gradient
    want : ndarray of float, shape (N, D); the right one
    ways : ndarray of float, shape (N, D, 3); the gradient directly, through the mean and through
        the variance
    centred : ndarray of float, shape (N, D); x without its mean
    spread : ndarray of float, what x was divided by; 1 long along `axis`
    axis : int, the one that is normalized along
    line : str, optional; what lies along it, where the student's own arrays may lie otherwise

    Returns
    -------
    words : str, empty if nothing tells the mistake
    """
    if type(got) is not np.ndarray or got.shape != want.shape or not np.isfinite(got).all():
        return ""
    if np.allclose(got, want, rtol=1e-6):
        return ""
    parts = ways.reshape(-1, 3)
    weights, *_ = np.linalg.lstsq(parts, got.ravel(), rcond=None)
    if np.abs(parts @ weights - got.ravel()).max() <= 1e-6 * np.abs(got).max(initial=1e-12):
        return _say_weights(weights, want.shape[axis])
    if _sums_across(got - ways[..., 0], ways[..., 0], centred, spread, axis):
        if line:
            return f"the sums run across {line}s; they should run within each {line}"
        return f"the sums run over axis {1 - axis}; they should run over axis {axis}"
    return _say_path(got - want, ways[..., 2], centred, axis)


def _sums_across(indirect: Any, direct: Any, centred: Any, spread: Any, axis: int) -> bool:
    """Tell whether what is not the direct path is made of the sums along the other axis.

    Whatever they are divided with: with one number for both, or with one for each.
    """
    x_hat, rest = centred / spread, indirect * spread
    sums = [(direct * spread * v).sum(axis=1 - axis, keepdims=True) for v in (1, x_hat)]
    terms = np.stack([(sums[0] + 0 * x_hat).ravel(), (sums[1] * x_hat).ravel()], axis=1)
    weights, *_ = np.linalg.lstsq(terms, rest.ravel(), rcond=None)
    limit = 1e-6 * np.abs(rest).max(initial=1e-12)
    return bool(np.abs(terms @ weights - rest.ravel()).max() <= limit)


def _say_path(off: Any, variance: Any, centred: Any, axis: int) -> str:
    """Say which path an error belongs to, from how it varies along the axis.

    The path through the mean adds the same number to a whole line, the one through the variance,
    `variance`, adds a multiple of the line's centred values.
    """
    shift = off.mean(axis=axis, keepdims=True)
    length = np.sum(centred**2, axis=axis, keepdims=True)
    multiple = np.sum(off * centred, axis=axis, keepdims=True) / length
    limit = 1e-6 * np.abs(off).max()
    if np.abs(off - shift - multiple * centred).max() > limit:
        return (
            "more is off than the sizes of the two sums, one behind the mean and one behind the "
            "variance: look at the factors of each term, and whether each sum runs over the whole "
            "column, row or group"
        )
    if np.abs(multiple * centred).max() <= limit:
        said = "the path through the mean, or in the variance's, if its slope is not x - mean"
    elif np.abs(shift).max() <= limit:
        said = "the path through the variance"
    elif np.abs(multiple * centred + variance).max() <= limit:
        said = (
            "the path through the variance, if the square's slope 2 * (x - mean) is missing, or "
            "that path is missing, and the mean's is wrong"
        )
    else:
        said = "the path through the mean and in the path through the variance, or in this alone"
    return f"the mistake is in {said}; the rest of dx is right"


def _say_weights(weights: Any, n: int) -> str:
    """Put weights of the direct path, the mean's and the variance's into words."""
    direct, mean, variance = np.round(weights, 4) + 0.0
    if direct == mean == variance:  # one factor in front of all: the values tell it
        return ""
    if mean == variance == 0:
        return (
            "the parts of dx through mean and variance are 0 here; both depend on x, they are no "
            "constants"
        )
    if abs(mean - n) < 1e-3 and abs(variance - n) < 1e-3:
        return f"the sums over {n} numbers are not divided by {n}"
    if direct == 1 and mean == variance != 1:
        return f"the sums are divided by the wrong number: by {n / mean:g}, not by {n}"
    named = {
        "the direct path, past mean and variance,": direct,
        "the path through the mean": mean,
        "the path through the variance": variance,
    }
    return " and ".join(f"{name} {_say(w, n)}" for name, w in named.items() if w != 1)


def _say(weight: float, n: int) -> str:
    """Say that a path counts so many times, not once, where its sum has n terms."""
    if abs(weight - n) < 1e-3:
        return f"counts {n} times, and its sum has {n} terms: is a division by {n} missing?"
    known = {0.0: "is missing", -1.0: "has the wrong sign"}
    return known.get(weight, f"counts {weight:g} times")

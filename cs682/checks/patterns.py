"""Say how wrong values relate to the right ones, in words that hold whatever the mistake is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

_SMALL = 0.01  # a mean of 0 or a variance of 1 that is off by less reads as right
_FEW = 4  # values: so few are in another order by some other mistake


def say_pattern(actual: Any, expected: Any) -> str:
    """Say how wrong values relate to the right ones when all of them do so in the same way.

    Parameters
    ----------
    actual, expected : ndarray of float64, the same shape

    Returns
    -------
    said : str, a sentence or two; empty if nothing can be said
    """
    if np.abs(actual).max(initial=0.0) < 1e-9 * min(1.0, np.abs(expected).max(initial=0.0)):
        return "It is zero everywhere." if actual.size > 1 else "It is zero."
    if actual.size < 2:
        a, b = float(actual.sum()), float(expected.sum())
        is_plain = a and b and _is_plain(a / b)
        return _say_factor(a / b, "It is") if is_plain else ""
    top = np.abs(expected) > 1e-6 * np.abs(expected).max(initial=0.0)
    ratios, differences = actual[top] / expected[top], actual - expected
    if top.sum() > 1 and np.ptp(ratios) < 1e-6 * abs(ratios[0]) and not np.any(actual[~top] > 1e-6):
        return _say_factor(float(ratios[0]), "Every value is")
    if np.ptp(differences) < 1e-6 * np.abs(differences).max():
        return f"Every value is off by {differences.flat[0]:.6g}."
    limit = np.abs(actual).max()
    if limit < 0.99 * np.abs(expected).max() and np.allclose(
        actual, np.clip(expected, -limit, limit)
    ):
        return f"Values are clipped at {limit:.6g}."
    if actual.ndim == 2 and actual.shape[0] == actual.shape[1] and np.allclose(actual.T, expected):
        return "It is transposed."
    if actual.size > _FEW and np.allclose(np.sort(actual, None), np.sort(expected, None), 1e-9):
        return "All the right values are here, but not in their places: what moves them?"
    return _say_part(actual, expected)


def say_lines(got: Any, want: Any, name: Callable[[int], str]) -> str:
    """Say that lines which were normalized do not have the mean and the variance they should have.

    Parameters
    ----------
    got : object; an ndarray of float, shape (L, n), if all is well
    want : ndarray of float, shape (L, n), whose lines have them
    name : callable from the number of a line to what it is

    Returns
    -------
    said : str, a sentence; empty if nothing can be said
    """
    if np.shape(got) != want.shape or not np.isfinite(got).all():
        return ""
    (mean, var), (right, spread) = ((v.mean(axis=1), v.var(axis=1)) for v in (got, want))
    off = np.maximum(np.abs(mean - right), np.abs(var - spread)) > _SMALL
    if not off.any():
        return ""
    i = int(off.argmax())
    return (
        f"before gamma and beta come in, {name(i)} should have mean 0 and variance "
        f"{spread[i]:.3g}; here it has mean {mean[i].round(6):.3g} and variance {var[i]:.3g}"
    )


def say_right_part(got: Any, want: Any, axes: Mapping[int, str]) -> str:
    """Say that values are right at one place of an axis alone, as where its index is built in.

    Parameters
    ----------
    got : object; an ndarray of float if all is well
    want : ndarray of float
    axes : mapping from an axis to what it counts: an image, a filter

    Returns
    -------
    said : str, a sentence; empty if nothing can be said
    """
    if type(got) is not np.ndarray or got.shape != want.shape or got.dtype.kind not in "fiu":
        return ""
    near = np.isclose(got, want, rtol=1e-6, atol=1e-9)
    for axis, name in axes.items():
        right = np.moveaxis(near, axis, 0).reshape(near.shape[axis], -1).all(axis=1)
        if right.sum() == 1 < len(right):
            i = int(right.argmax())
            return f"only {name} {i} is right: does an index stay {i}, or a loop end too early?"
    return ""


def _is_plain(ratio: float) -> bool:
    """Tell whether a ratio is a whole number, one over a whole number, or -1."""
    return any(
        (abs(r - round(r)) < 1e-9 * abs(r) and abs(round(r)) > 1) or abs(r + 1) < 1e-9
        for r in (ratio, 1 / ratio)
    )


def _say_factor(ratio: float, what: str) -> str:
    """Say what values are multiplied with: -3, 1/4, or a number with digits."""
    if f"{ratio:.6g}" in ("1", "-1"):
        return "" if ratio > 0 else "The sign is turned."
    turned = round(1 / ratio)
    if abs(turned) > 1 and abs(1 / ratio - turned) < 1e-6 * abs(turned):
        return f"{what} {'-' if turned < 0 else ''}1/{abs(turned)} of what it should be."
    return f"{what} {ratio:.6g} times what it should be."


def _say_part(actual: Any, expected: Any) -> str:
    """Say what is special about the values that are off, where others are right."""
    near = np.isclose(actual, expected, rtol=1e-6, atol=1e-9)
    if np.allclose(actual, np.maximum(expected, 0), rtol=1e-6, atol=1e-9):
        return "All is right but negative values, which are 0 here: is there a ReLU too many?"
    if np.allclose(actual, np.abs(expected), rtol=1e-6, atol=1e-9):
        return "All is right but the sign of negative values."
    if near.any() and not near.all():
        if not np.any(expected[~near]):
            return "All values that are off should be 0."
        if not np.any(actual[~near]):
            return "All values that are off are 0 here."
    return _say_lines(actual, expected) if actual.ndim == 2 and min(actual.shape) > 1 else ""


def _say_lines(actual: Any, expected: Any) -> str:
    """Say that whole columns or rows of a matrix are off by one number, or by one factor."""
    off = actual - expected
    limit = 1e-6 * np.abs(off).max()
    with np.errstate(all="ignore"):
        ratio = np.where(np.abs(expected) > 1e-9, actual / expected, np.nan)
    for axis, line in ((0, "column"), (1, "row")):
        if np.ptp(off, axis=axis).max() < limit:
            return f"Each {line} is off by the same number in all its places."
        if np.isfinite(ratio).all() and (np.ptp(ratio, axis=axis) < 1e-6).all():
            return f"Each {line} is what it should be, multiplied with one number."
    return ""


def say_precision(dtype: Any, actual: Any, expected: Any) -> str:
    """Say that values are right but for digits that were cut off, or that their type lacks.

    Parameters
    ----------
    dtype : NumPy dtype of the student's numbers
    actual, expected : ndarray of float64, the same shape

    Returns
    -------
    said : str, a sentence or two; empty if nothing can be said
    """
    if not np.array_equal(expected, np.round(expected)):
        cuts = (np.trunc, np.round, np.floor)
        is_cut = any(np.array_equal(actual, cut(expected)) for cut in cuts) and np.any(actual)
        if dtype.kind in "iu" and is_cut:
            return f"These are whole numbers ({dtype}): keep the type of the input."
        # one number alone is near a round one by chance
        for places in range(3 if np.ptp(expected) == 0 else 0, 7):
            if np.abs(actual).max() > 1e-9 and np.allclose(
                actual, np.round(expected, places), 0, 1e-12
            ):
                point = f"{places} digit{'s' * (places != 1)} after the point"
                return f"It is rounded to {point if places else 'whole numbers'}."
    digits = {2: 3, 4: 7}.get(dtype.itemsize) if dtype.kind == "f" else None
    scale = np.abs(expected).max(initial=0.0)
    if digits and np.abs(actual - expected).max(initial=0.0) < 10 ** (1 - digits) * scale:
        return f"These are {dtype} numbers, which hold {digits} digits; keep the type of the input."
    return ""


def say_nearly(actual: Any, expected: Any) -> str:
    """Say how many digits are right where a value is nearly so: many things may have spoilt it.

    Parameters
    ----------
    actual, expected : ndarray of float64, the same shape

    Returns
    -------
    said : str, a sentence or two; empty if nothing can be said
    """
    scale = float(np.abs(expected).max(initial=0.0))
    off = float(np.abs(actual - expected).max(initial=0.0))
    if not 0 < off <= 2e-4 * scale:
        return ""
    digits = int(-np.log10(off / scale))
    return f"The first {digits} digits are right: what is off is small."


def say_shape(actual: Any, expected: Any) -> str:
    """Explain a shape that is nearly right; how it came about only where the values show it.

    Parameters
    ----------
    actual, expected : ndarray of float64, of different shapes

    Returns
    -------
    said : str, to be put behind the two shapes; empty if nothing can be said
    """
    got, wanted = actual.shape, expected.shape
    if not wanted:
        return ": it should be a single number"
    if not got:
        return ": it is a single number; does a sum, mean or maximum lack its axis?"
    if got == (1, *wanted) and len(wanted) == 1:
        return ": a row matrix is not a vector; sum without keepdims"
    if len(got) == len(wanted) == 2 and got == wanted[::-1]:
        return ": it is transposed"
    return _say_axes(actual, expected)


def _say_axes(actual: Any, expected: Any) -> str:
    """Say which axes are too few or too many, and whether the values are right beside that."""
    got, wanted = actual.shape, expected.shape
    if len(got) > len(wanted) and got[-len(wanted) :] == wanted:
        total = actual.sum(axis=tuple(range(len(got) - len(wanted))))
        if np.prod(got) > np.prod(wanted) and np.allclose(total, expected):
            return ": summed over the axes in front, it is right"
    if np.prod(got) != np.prod(wanted):
        return ""
    said = ": it has as many values as it should, in other axes"
    if tuple(n for n in got if n != 1) == tuple(n for n in wanted if n != 1):
        fewer = len(got) < len(wanted)
        said = f": it {'lacks an axis' if fewer else 'has an axis too many, one'} of length 1"
    is_right = np.allclose(actual.reshape(wanted), expected)
    return f"{said}; reshaped, it is right" if is_right else said

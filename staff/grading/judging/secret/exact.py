"""Lines of numbers on which a normalization and its way back make no rounding error at all.

There a backward pass, in whatever form and order, is right to the last bit in each value, however
small. Differences are not: they take small values from numbers around 1, which round them. On other
lines an average over wide steps makes differences as exact as the formula; on these none does.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from staff.grading.judging.secret.hold import BEGINNING, UnsureError, hold_all

# In quarters, and with both signs: mean 0, variance 1, and its square root 1, without rounding.
_SIZES = np.array([7, 5, 5, 3, 3, 3, 1, 1]) / 4
LENGTH = 64  # numbers of a line: a power of two, so that a mean is not rounded either
EPS = 1e-200  # which 1 swallows
_BITS = 30  # below 1, of the smallest values; sums of products fit into the 53 that there are
_SHARE = 1e-12  # of each value; differences miss the smallest by far more than a millionth


def exact_lines(rng: Any, count: int) -> tuple[Any, Any, Any]:
    """Return normalized lines, gradients of them, and those of what was normalized.

    Returns
    -------
    x_hat : ndarray, shape (count, LENGTH); plus whole numbers it is what was normalized
    dx_hat : ndarray of that shape
    dx : ndarray of that shape; what is left of `dx_hat`, in values from 1e-9 to 1
    """
    half = (count, LENGTH // 2)
    sizes = rng.integers(1, 8, half) * 2.0 ** -rng.integers(3, _BITS + 1, half)
    left = np.stack([sizes, -sizes], axis=2).reshape(count, LENGTH)  # beside two equal numbers
    line = np.concatenate([_SIZES, -_SIZES]).repeat(LENGTH // 16)
    order = np.argsort(rng.random((count, LENGTH)), axis=1)
    x_hat, dx = line[order], np.take_along_axis(left, order, axis=1)
    mean, slope = rng.integers(1, 8, (2, count, 1)) * rng.choice([-0.25, 0.25], (2, count, 1))
    return x_hat, mean + slope * x_hat + dx, dx


def powers(rng: Any, *shape: int) -> Any:
    """Return a gamma that rounds nothing."""
    return 2.0 ** rng.integers(-1, 2, shape)


def hold_exact(got: Any, want: Any) -> None:
    """Raise RefusedError unless a way back is right, and each value of ``dx`` to its last digits.

    Sums that are divided by other numbers than a power of two, as a running mean's are, round here
    as differences do: so nobody is refused over digits alone.

    Parameters
    ----------
    got : tuple or list, from the way back
    want : tuple of ndarray; dx, dgamma, dbeta

    Raises
    ------
    UnsureError
        If digits are all that is wrong.
    """
    where = "values of very different sizes, none of which is rounded"
    hold_all("dx dgamma dbeta", got, want, where)
    if not (np.abs(got[0] - want[0]) <= _SHARE * np.abs(want[0])).all():
        raise UnsureError(f"{BEGINNING}: dx has too few right digits for {where}. A person decides")

"""Hold a result against the reference's, and say what is wrong without giving inputs away.

The code that made the result may have put an input into it: into a name of a type, say. So what is
said of a result is in words of the grader's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from cs682.checks.compare import CheckError, require_expected

BEGINNING = "a further test on other sizes failed"
# Sums of some hundred float64 numbers are good to a dozen digits, central differences to nine.
_SMALL = 0.1  # a result that is 0 by the maths, as of a bias before batch norm, is so up to digits
_SHARES = {8: (1e-10, 1e-11), 4: (1e-3, 1e-4)}  # by bytes: of each value, and of the largest


class RefusedError(CheckError):
    """A result is not the reference's; the message is made here, of nothing that came back."""


class UnsureError(RefusedError):
    """A result is the reference's up to digits that a person has to weigh."""


def hold(
    name: str, got: Any, want: Any, where: str, *, dtype: Any = np.float64, least: float = _SMALL
) -> None:
    """Raise RefusedError unless a result is the reference's.

    Parameters
    ----------
    got : ndarray, or a number
    want : ndarray, or a number
    where : str, for what kind of input, as in 'batches of 130'
    dtype : numpy dtype of the inputs, which says how exact the result must be
    least : float, the size of the values that a result was summed of, where it may be 0 itself

    Raises
    ------
    RefusedError
        If shape, finiteness or a value is wrong.
    ValueError
        If the reference's is not finite.
    """
    want = np.asarray(want, dtype=np.float64)
    require_expected(name, want)
    kind = f"{np.dtype(dtype)} {where}"
    if not (type(got) is np.ndarray or (np.isscalar(got) and not want.ndim)):
        refuse(name, "is no array" if want.ndim else "is no number", kind)
    got = np.asarray(got)
    if got.dtype.kind not in "fiub":
        refuse(name, "holds values that are no real numbers", kind)
    if got.shape != want.shape:
        refuse(name, "has the wrong shape", kind)
    got = got.astype(np.float64)
    if not np.isfinite(got).all():
        refuse(name, "holds NaN or infinite values", kind)
    each, largest = _SHARES[np.dtype(dtype).itemsize]
    slack = each * np.abs(want) + largest * np.abs(want).max(initial=least)
    if not (np.abs(got - want) <= slack).all():
        refuse(name, "has the wrong values", kind)


def hold_all(names: str, got: Any, want: Any, where: str, *, dtype: Any = np.float64) -> None:
    """Raise RefusedError unless each part of a result is the reference's.

    Parameters
    ----------
    names : str, names of the parts with blanks between
    where, dtype
        As for `hold`.
    """
    parts = names.split()
    if type(got) not in (tuple, list) or len(got) != len(parts):
        refuse(names.replace(" ", ", "), "did not all come back", where)
    for name, g, w in zip(parts, got, want, strict=True):
        hold(name, g, w, where, dtype=dtype)


def refuse(name: str, what: str, where: str) -> None:
    """Raise RefusedError with the words that all further checks use."""
    raise RefusedError(f"{BEGINNING}: {name} {what} for {where}")


def first(name: str, result: Any) -> Any:
    """Return ``out`` of a forward pass; RefusedError if there is no pair."""
    return pair(name, result)[0]


def pair(name: str, result: Any) -> Any:
    """Return a function's result if it is a pair, else raise RefusedError."""
    if type(result) not in (tuple, list) or len(result) != 2:
        refuse(name, "does not return two values", "some input")
    return result


def sizes(rng: Any) -> Iterator[tuple[int, int, Any]]:
    """Yield batch sizes, numbers of features and dtypes: small, single, larger, and wider.

    Not both are large: Jacobians of a whole batch have to fit into memory, and loops into time.
    """
    for N, D, dtype in (
        ((2, 12), (3, 24), np.float64),
        ((1, 2), (3, 24), np.float32),
        ((201, 300), (3, 24), np.float64),
        ((20, 60), (65, 130), np.float32),
    ):
        yield int(rng.integers(*N)), int(rng.integers(*D)), dtype


def draw(rng: Any, *shape: int, dtype: Any = np.float64) -> Any:
    """Return normal numbers."""
    return rng.standard_normal(shape).astype(dtype)


def copies(*arrays: Any) -> list[Any]:
    """Return copies of arrays, for a function that may write into what it gets."""
    return [array.copy() for array in arrays]

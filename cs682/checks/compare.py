"""The judge: compare what was got with what was expected, and say what is wrong.

Every comparison looks at presence, type, shape, finiteness and value, in this order, and stops at
the first that fails, because the later ones would only blur the message.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

# A notebook breaks a line that is too long for it in the middle of a word.
_WRAPPER = textwrap.TextWrapper(
    92, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
)
_ADVICE = re.compile(r" (?=(?:Likely cause|Hint): )")  # what to do, on a line of its own


# A notebook shows the lines of a cell in its own way: the last of these gets them.
listeners: list[Callable[[str], None]] = []


def say(line: str) -> None:
    """Tell the student a line: the only way in which checks speak.

    Parameters
    ----------
    line : str
    """
    (listeners[-1] if listeners else print)(line)  # telling the student is what a check is for


class _WithoutFrames:
    """An exception that shows its message alone in a notebook: the frames are not the student's."""

    def _render_traceback_(self) -> list[str]:
        text = _ADVICE.sub("\n  ", f"{type(self).__name__}: {self}")
        return [row for line in text.splitlines() for row in _WRAPPER.wrap(line)]


class CheckError(_WithoutFrames, AssertionError):
    """A student's result is not what it should be; the text says what, where and why."""


class Stopped(_WithoutFrames, KeyboardInterrupt):
    """A check was interrupted; the text says in which line of the student's code."""


def rel_error(x: Any, y: Any) -> float:
    """Return the largest relative difference between two arrays.

    Parameters
    ----------
    x : array_like of float, any shape
    y : array_like of float, the same shape

    Returns
    -------
    error : float, ``max(|x - y| / max(1e-8, |x| + |y|))``, without unit

    Raises
    ------
    ValueError
        If the shapes differ: broadcasting would hide a wrong shape behind a small number.
    """
    a, b = np.asarray(x), np.asarray(y)
    if a.shape != b.shape:
        raise ValueError(f"x and y must have the same shape, got {a.shape} and {b.shape}")
    return float(_relative(a, b).max(initial=0.0))


def check_close(
    name: str,
    got: Any,
    want: Any,
    *,
    rtol: float,
    atol: float = 0.0,
    hint: str = "",
    causes: Mapping[str, Any] | None = None,
) -> None:
    """Print an ``ok`` line if `got` matches `want` in shape, finiteness and value, else raise.

    Parameters
    ----------
    name : str, what is compared, as the student knows it
    got : ndarray of float, any shape, or a number; the student's result
    want : array_like of float, the shape expected; what it should be
    rtol : float, largest relative error that passes, measured as in `rel_error`
    atol : float, differences up to this one pass whatever their relative size
    hint : str, added to the message when a value is wrong
    causes : mapping from a sentence to the value (of any shape) that this mistake gives; the
        sentence replaces the hint when `got` matches the value

    Raises
    ------
    CheckError
        If the result is missing, of the wrong type or shape, not finite or too far off.
    """
    compare(name, got, want, rtol=rtol, atol=atol, hint=hint, causes=causes)
    shape = f"shape {np.shape(want)}, " if np.ndim(want) else ""
    say(f"ok   {name}: {shape}relative error at most {rtol:.0e}")


def compare(
    name: str,
    got: Any,
    want: Any,
    *,
    rtol: float,
    atol: float = 0.0,
    where: str = "",
    hint: str = "",
    causes: Mapping[str, Any] | None = None,
) -> None:
    """Do what `check_close` does, silently.

    Parameters
    ----------
    name, got, want, rtol, atol, hint, causes
        As in `check_close`; `want` has the shape that `got` must have.
    where : str, the circumstances, as in "for x of shape (3, 4)"

    Raises
    ------
    CheckError
        If the result is missing, of the wrong type or shape, not finite or too far off.
    """
    context = f" {where}" if where else ""
    if got is None:
        raise CheckError(f"{name} is None{context}: the function returned nothing for it")
    expected = np.asarray(want)
    actual = _as_array(name, got, expected, context)
    if actual.shape != expected.shape:
        raise CheckError(
            f"{name} has shape {actual.shape}, expected {expected.shape}{context}"
            + _shape_hint(actual.shape, expected.shape)
        )
    bad = ~np.isfinite(actual)
    if bad.any():
        first = _entry(name, np.argwhere(bad)[0])
        raise CheckError(
            f"{name} holds {_count(bad)} that are NaN or infinite{context}, first at {first}."
            + (f" Hint: {hint}." if hint else "")
        )

    error = _relative(actual, expected)
    wrong = (error > rtol) & (np.abs(actual - expected) > atol)
    if wrong.any():
        i = np.unravel_index(np.where(wrong, error, -1).argmax(), error.shape)
        guess = _precision(np.asarray(got).dtype, actual, expected) or _pattern(actual, expected)
        said = _cause(actual, causes) or f"{f'Hint: {hint}. ' if hint else ''}{guess}"
        # as many digits as it takes to tell the two apart
        digits = 6 if f"{actual[i]:.6g}" != f"{expected[i]:.6g}" else 12
        raise CheckError(
            f"{_entry(name, i)} = {actual[i]:.{digits}g}, expected {expected[i]:.{digits}g}"
            f"{context} ({_count(wrong)} off). {said}".rstrip()
        )


def require_finite(name: str, got: Any, shape: tuple[int, ...]) -> None:
    """Raise unless `got` is an array of finite numbers of this shape, whatever their values.

    Parameters
    ----------
    name : str, what is examined
    got : ndarray of float, any shape
    shape : tuple of int, the shape expected

    Raises
    ------
    CheckError
        If the result is missing, of the wrong type or shape, or not finite.
    """
    same = got if type(got) is np.ndarray and got.shape == shape else np.zeros(shape)
    compare(name, got, np.nan_to_num(same), rtol=0)


def check_at_least(name: str, got: float, bar: float, *, hint: str = "") -> None:
    """Print an ``ok`` line if a figure reaches its bar, else raise.

    Parameters
    ----------
    name : str, what is measured
    got : float, the figure reached
    bar : float, the smallest figure that passes, in the same unit
    hint : str, added to the message

    Raises
    ------
    CheckError
        If the figure lies below the bar or is not a number.
    """
    if not got >= bar:  # also catches NaN
        raise CheckError(f"{name} is {got:.3g}, needed at least {bar:.3g}. {hint}".rstrip())
    say(f"ok   {name}: at least {bar:.3g}")


def _as_array(name: str, got: Any, expected: Any, context: str) -> Any:
    """Return `got` as a plain array of numbers, or say what it is instead."""
    if expected.ndim == 0 and np.isscalar(got):
        array = np.asarray(got)
    elif type(got) is np.ndarray:
        array = got
    else:
        wanted = f"a NumPy array of shape {expected.shape}" if expected.ndim else "a number"
        raise CheckError(f"{name} is a {type(got).__name__}, expected {wanted}{context}")
    if array.dtype == object or not (
        np.issubdtype(array.dtype, np.number) or array.dtype == np.bool_
    ):
        raise CheckError(f"{name} holds {array.dtype} values, expected numbers{context}")
    if np.iscomplexobj(array):
        raise CheckError(f"{name} holds complex numbers, expected real ones{context}")
    return array.astype(np.float64)


def _relative(a: Any, b: Any) -> Any:
    """Return the relative error entry by entry, with the floor of 1e-8 that all editions use."""
    return np.abs(a - b) / np.maximum(1e-8, np.abs(a) + np.abs(b))


def _entry(name: str, index: Any) -> str:
    """Name one entry of an array, as it is written in code."""
    return name + (str([int(k) for k in index]) if len(index) else "")


def _count(mask: Any) -> str:
    """Say how many values of how many a mask marks."""
    return f"{mask.sum()} of {mask.size} values" if mask.ndim else "the value"


def _cause(actual: Any, causes: Mapping[str, Any] | None) -> str:
    """Return the sentence of the mistake whose value `actual` shows, if any does."""
    for sentence, value in (causes or {}).items():
        mistaken = np.asarray(value, dtype=np.float64)
        if mistaken.shape == actual.shape and np.allclose(actual, mistaken, rtol=1e-6, atol=1e-9):
            return f"Likely cause: {sentence}."
    return ""


def _pattern(actual: Any, expected: Any) -> str:
    """Say how wrong values relate to the right ones when all of them do so in the same way."""
    if np.abs(actual).max(initial=0.0) < 1e-9 * np.abs(expected).max(initial=0.0):
        return "It is zero everywhere."
    if actual.size < 2:
        return ""
    top = np.abs(expected) > 1e-6 * np.abs(expected).max(initial=0.0)
    ratios, differences = actual[top] / expected[top], actual - expected
    if top.sum() > 1 and np.ptp(ratios) < 1e-6 * abs(ratios[0]) and not np.any(actual[~top] > 1e-6):
        factor = f"{ratios[0]:.6g}"
        said = {"1": "", "-1": "The sign is turned."}
        return said.get(factor, f"Every value is {factor} times what it should be.")
    if np.ptp(differences) < 1e-6 * np.abs(differences).max():
        return f"Every value is off by {differences.flat[0]:.6g}."
    limit = np.abs(actual).max()
    if limit < 0.99 * np.abs(expected).max() and np.allclose(
        actual, np.clip(expected, -limit, limit)
    ):
        return f"Values are clipped at {limit:.6g}."
    if actual.ndim == 2 and actual.shape[0] == actual.shape[1] and np.allclose(actual.T, expected):
        return "It is transposed."
    return ""


def _precision(dtype: Any, actual: Any, expected: Any) -> str:
    """Say that values are right but for digits that were cut off, or that their type lacks."""
    if not np.array_equal(expected, np.round(expected)):
        if dtype.kind in "iu":
            return f"These are whole numbers ({dtype}): keep the type of the input."
        for places in range(7):
            if np.abs(actual).max() > 1e-9 and np.allclose(
                actual, np.round(expected, places), 0, 1e-12
            ):
                return f"It is rounded to {places} digits after the point."
    digits = {2: 3, 4: 7}.get(dtype.itemsize) if dtype.kind == "f" else None
    scale = np.abs(expected).max(initial=0.0)
    if digits and np.abs(actual - expected).max(initial=0.0) < 10 ** (1 - digits) * scale:
        return f"These are {dtype} numbers, which hold {digits} digits; keep the type of the input."
    return ""


def _shape_hint(got: tuple[int, ...], expected: tuple[int, ...]) -> str:
    """Explain the shapes that are nearly right."""
    if not expected:
        return ": it should be a single number"
    if got == (1, *expected):
        return ": a row matrix is not a vector; sum without keepdims"
    if len(got) == len(expected) == 2 and got == expected[::-1]:
        return ": it is transposed"
    if len(got) < len(expected) and np.prod(got) == np.prod(expected):
        return ": bring it back to the shape of the input"
    return ""

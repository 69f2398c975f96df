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

from cs682.checks.patterns import say_nearly, say_pattern, say_precision, say_shape

# How far a value may be off, relative to its size; each judge adds its own floor.
EXACT = 1e-9  # float64 against a slow sum of at most a few hundred terms: a dozen of the last bits
FLOAT32 = 1e-4  # sums of some dozen float32 numbers around 1
# central differences with h = 1e-5 in float64 are good to about 1e-9 of the largest terms
NUMERIC = 1e-6
NUMERIC_FLOOR = 1e-8

_ALIKE = 2  # causes that are said where one value betrays several
# A notebook breaks a line that is too long for it in the middle of a word. Beside an open file,
# on a small screen, there is room for so many characters.
COLUMNS = 60
_WRAPPER = textwrap.TextWrapper(
    COLUMNS, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
)
_ADVICE = re.compile(r" (?=(?:Likely cause|Hint): )")  # what to do, on a line of its own

_WRITES = re.compile(r"^  advice  (\w+ .*that it was given)", re.MULTILINE)

# A notebook shows the lines of a cell in its own way: the last of these gets them.
listeners: list[Callable[[str], None]] = []


# What the last check that passed has advised of: an array of the cell that its code writes into.
_written_into: list[str] = []


def say(line: str) -> None:
    """Tell the student a line: the only way in which checks speak.

    Parameters
    ----------
    line : str
    """
    if line.startswith("passed  "):
        _written_into[:] = _WRITES.findall(line)
    (listeners[-1] if listeners else print)(line)  # telling the student is what a check is for


class _WithoutFrames:
    """An exception that shows its message alone in a notebook: the frames are not the student's."""

    def _render_traceback_(self) -> list[str]:
        text = _ADVICE.sub("\n  ", f"{type(self).__name__}: {self}")
        return [row for line in text.splitlines() for row in _WRAPPER.wrap(line)]


class CheckError(_WithoutFrames, AssertionError):
    """A student's result is not what it should be; the text says what, where and why."""


class UnreadError(CheckError):
    """There is nothing to check yet: it is not what stands in the file that runs, or cannot run."""


class CallError(_WithoutFrames, ValueError):
    """A call names no exercise, or one that the call is not for; the text says what to call."""


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
        sentence replaces the hint when `got` matches the value, in shape and numbers

    Raises
    ------
    CheckError
        If the result is missing, of the wrong type or shape, not finite or too far off.
    """
    try:
        compare(name, got, want, rtol=rtol, atol=atol, hint=hint, causes=causes)
    except CheckError as error:
        said = "; ".join(_written_into)
        more = f"{said}, as the check advises: are the arrays of this cell still what they were?"
        raise CheckError(with_more(str(error), more if said else "")) from None
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
    require_expected(name, expected)
    actual = _as_array(name, got, expected, context)
    if actual.shape != expected.shape:
        said = _say_other_shape(actual, causes or {}, max(rtol, 1e-6), max(atol, 1e-9))
        said = said or say_shape(actual, expected)
        raise CheckError(
            f"{name} has shape {actual.shape}, expected {expected.shape}{context}{said}"
        )
    bad = ~np.isfinite(actual)
    if bad.any():
        first = np.argwhere(bad)[0]
        said = f"is {'NaN' if np.isnan(actual).all() else 'infinite'}{context}"
        if bad.ndim:
            count = _count(bad, "NaN or infinite")
            said = f"holds {count}{context}, first at {_entry(name, first)}"
        raise CheckError(f"{name} {said}. {_hint(hint)}".rstrip())

    wrong = _differs(actual, expected, rtol, atol)
    if wrong.any():
        i = np.unravel_index(np.where(wrong, _relative(actual, expected), -1).argmax(), wrong.shape)
        said = explain(np.asarray(got).dtype, actual, expected, rtol, atol, hint, causes or {})
        # as many digits as it takes to tell the two apart
        digits = 6 if f"{actual[i]:.6g}" != f"{expected[i]:.6g}" else 12
        off = f" ({_count(wrong, 'off')})" if wrong.ndim else ""
        raise CheckError(
            f"{_entry(name, i)} = {actual[i]:.{digits}g}, expected {expected[i]:.{digits}g}"
            f"{context}{off}. {said}".rstrip()
        )


def explain(
    dtype: Any,
    actual: Any,
    expected: Any,
    rtol: float,
    atol: float,
    hint: str,
    causes: Mapping[str, Any],
) -> str:
    """Say what a wrong value betrays: lost digits first, then a cause, then a pattern.

    Parameters
    ----------
    dtype : NumPy dtype of the student's numbers
    actual, expected : ndarray of float64, the same shape
    rtol, atol : float, what passes, as in `compare`
    hint : str, said where no cause is found and the value is not nearly right
    causes : mapping from a sentence to the value that this mistake gives, as in `check_close`

    Returns
    -------
    said : str, one or two sentences, or empty

    Notes
    -----
    A right answer that merely lacks digits must hear nothing but that: it is close to whatever a
    small mistake gives. So a cause is named only if its own value would be refused, if the
    student's would pass for it, and is far nearer to it than to the right one.
    """
    if said := say_precision(dtype, actual, expected):
        return said
    rtol = max(rtol, 1e-5) if dtype.kind == "f" and dtype.itemsize < 8 else rtol
    near: dict[str, float] = {}
    for sentence, value in causes.items():
        mistaken = np.asarray(value, dtype=np.float64)
        if mistaken.shape == actual.shape and _betrays(actual, mistaken, expected, rtol, atol):
            near[sentence] = float(np.abs(actual - mistaken).max(initial=0.0))
    if near:
        nearest = min(near, key=near.__getitem__)
        alike = [s for s in near if np.allclose(causes[s], causes[nearest], 1e-9, 1e-12)]
        others = [s for s in alike if s != nearest][: _ALIKE - 1]
        return "Likely cause: " + as_sentence("; or ".join([nearest, *others]))
    said = say_nearly(actual, expected) or _hint(hint)
    if dtype.kind in "iu" and not np.array_equal(expected, np.round(expected)):
        said = f"These are whole numbers ({dtype}). {said}".strip()
    return f"{said} {say_pattern(actual, expected)}".strip()


def _say_other_shape(actual: Any, causes: Mapping[str, Any], rtol: float, atol: float) -> str:
    """Return the causes whose value has the shape and the numbers of one that is no right shape."""
    found = []
    for sentence, value in causes.items():
        mistaken = np.asarray(value, dtype=np.float64)
        if mistaken.shape == actual.shape and not _differs(actual, mistaken, rtol, atol).any():
            found.append(sentence)
    return f". Likely cause: {as_sentence('; or '.join(found[:_ALIKE]))}" if found else ""


def _betrays(actual: Any, mistaken: Any, expected: Any, rtol: float, atol: float) -> bool:
    """Tell whether a value is that of a mistake, and the mistake's is not a right one itself."""
    if not np.isfinite(mistaken).all() or not _differs(mistaken, expected, rtol, atol).any():
        return False
    if _differs(actual, mistaken, rtol, max(atol, 1e-12)).any():
        return False
    share = 1e-4 if rtol < 1e-7 else 0.01  # slopes hold fewer digits than definitions
    return float(np.abs(actual - mistaken).max()) <= share * float(np.abs(actual - expected).max())


def require_expected(name: str, want: Any) -> None:
    """Raise unless an expected value is finite: with NaN in it, whatever was got would pass.

    Parameters
    ----------
    name : str, what is compared
    want : ndarray of numbers, any shape

    Raises
    ------
    ValueError
        If it is not: the mistake is the check's own.
    """
    if not np.isfinite(want).all():
        raise ValueError(f"the value that {name} is compared with is not finite")


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
    if expected.ndim == 0 and np.isscalar(got) and not isinstance(got, (str, bytes)):
        array = np.asarray(got)
    elif type(got) is np.ndarray:
        array = got
    else:
        wanted = f"a NumPy array of shape {expected.shape}" if expected.ndim else "a number"
        said = say_shape(np.zeros(()), expected) if isinstance(got, np.number) else ""
        raise CheckError(f"{name} is {kind_of(got)}, expected {wanted}{context}{said}")
    if array.dtype == object or not (
        np.issubdtype(array.dtype, np.number) or array.dtype == np.bool_
    ):
        raise CheckError(f"{name} holds {array.dtype} values, expected numbers{context}")
    if np.iscomplexobj(array):
        raise CheckError(f"{name} holds complex numbers, expected real ones{context}")
    return array.astype(np.float64)


def _differs(a: Any, b: Any, rtol: float, atol: float) -> Any:
    """Mark the entries of two arrays that differ by more than a check lets pass."""
    return ~((_relative(a, b) <= rtol) | (np.abs(a - b) <= atol))  # NaN differs from all


def _relative(a: Any, b: Any) -> Any:
    """Return the relative error entry by entry, with the floor of 1e-8 that all editions use."""
    return np.abs(a - b) / np.maximum(1e-8, np.abs(a) + np.abs(b))


def _entry(name: str, index: Any) -> str:
    """Name one entry of an array, as it is written in code."""
    return name + (str([int(k) for k in index]) if len(index) else "")


def _count(mask: Any, what: str) -> str:
    """Say how many values of how many a mask marks, and as what."""
    return f"{mask.sum()} of {mask.size} value{'s' * (mask.size != 1)} {what}"


def kind_of(value: Any) -> str:
    """Name what a value is, with its article: None, an int, a list.

    Parameters
    ----------
    value : object
    """
    if value is None:
        return "None"
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeioAEIO' or name.startswith('nd') else 'a'} {name}"


def as_sentence(text: str) -> str:
    """Return a text with one mark at its end.

    Parameters
    ----------
    text : str
    """
    return text if text.endswith((".", "?", "!")) else f"{text}."


def with_more(said: str, more: str) -> str:
    """Return a message with another sentence behind it, if there is one.

    Parameters
    ----------
    said, more : str; the mark that ends a sentence may be missing
    """
    return f"{as_sentence(said)} {as_sentence(more)}" if more else said


def _hint(text: str) -> str:
    """Return a hint as a sentence; nothing if there is none."""
    return f"Hint: {as_sentence(text)}" if text else ""

"""Whether a function does the work that its exercise asks for, seen while it runs.

A gradient is to be derived, not measured: complex numbers, digits beyond float64, and a type of
numbers made for it make a measurement as good as a derivation, and no layer needs them. And each of
the two ways back through batch norm is an exercise of its own.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from fractions import Fraction
from numbers import Number
from pathlib import Path
from types import (
    CodeType,
    FrameType,
    FunctionType,
    MethodDescriptorType,
    ModuleType,
    WrapperDescriptorType,
)
from typing import Any

import numpy as np

from cs682.checks.compare import CheckError

_ALONE = {  # the function that one must do without, and what is asked for instead
    "batchnorm_backward": ("batchnorm_backward_alt", "the way back node by node"),
    "batchnorm_backward_alt": ("batchnorm_backward", "a shorter formula of its own"),
}
_IS_WIDE = np.dtype(np.longdouble).itemsize > 8  # on some platforms it is float64
_FINER = (complex, np.complexfloating, *((np.longdouble,) if _IS_WIDE else ()))
_FINER_NUMBERS = "complex numbers, in extended precision or with integers beyond 64 bits"
_BITS = 64  # of the longest integers that arrays hold; fractions of more bits are finer numbers
_ORDINARY: tuple[type, ...] = (int, float, np.integer, np.float16, np.float32, np.float64)
_SLOTS = (WrapperDescriptorType, MethodDescriptorType, type(None))  # no class statement makes such
_WORDS = {"complex", "cmath", "imag", "complex64", "complex128", "cdouble", "csingle", "c8", "c16"}
if not _IS_WIDE:
    _ORDINARY += (np.longdouble,)
else:
    _WORDS |= {"clongdouble", "f12", "f16", "complex192", "complex256", "c24", "c32"}
_WIDE_WORDS = {"longdouble", "float96", "float128"} if _IS_WIDE else set()
_OPERATORS = {f"__{way}{name}__" for way in ("", "r")
              for name in ("add", "sub", "mul", "truediv", "pow", "matmul")}  # fmt: skip
_NUMBERS = _OPERATORS | {"__array_ufunc__", "__array_function__", "__array_wrap__"}
_NOT_THEIRS = (  # installed packages, Python's own modules, the checks
    str(Path(np.__file__).parents[1]), str(Path(os.__file__).parent),
    str(Path(__file__).resolve().parent),
)  # fmt: skip
_GIVEN = "cs682.training.input_gradient"  # has a class of arrays, within networks' way back
_get, _set = sys.getprofile, sys.setprofile  # as they were before any code of a student's ran
_BLINDS = "handles the profiler, which no layer needs"
_DERIVE = "derive the gradient, do not measure it"
_MEASURES = f"computes with {_FINER_NUMBERS}: {_DERIVE}"
_SINGLE = (int, Fraction, Decimal, np.longdouble)  # harmless in an assertion, say
_SINGLE_KINDS = "an integer beyond 64 bits, a fraction, a decimal or a number in extended precision"
SINGLE_SAID = f"computes with {_SINGLE_KINDS}. A person decides"
_MANY = 100_000  # objects in one array, each of which is looked at
_LIKE = 1e-9  # how far the cosine between two lines that are the same may be from 1
_FEWEST = 4  # examples: of fewer every centred line is like another one
Look = Callable[[FrameType, str, Any], str]
_singles: list[str] = []  # functions of this process that computed with such
noted: list[str] | None = None  # in the grader's sandbox: what looks at every value have found


def call_watched(
    name: str,
    module: ModuleType,
    function: Any,
    args: tuple[Any, ...],
    note: Look | None = None,
) -> Any:
    """Return what a function of the student's returns.

    Parameters
    ----------
    name : str, of the function
    module : ModuleType, where its exercise is written
    function : callable, of the student's
    args : tuple, its arguments; for a way back ``(dout, cache)``
    note : callable, optional; the profiler of who calls this, which hears of each event

    Raises
    ------
    CheckError
        If it has differentiated numerically, or has another exercise's function do its work.
    """
    if not is_watched(name):
        return function(*args)
    other = getattr(module, _ALONE[name][0], None) if name in _ALONE else None
    if other is None:
        is_replaced = noted is None  # else nobody takes the place of the caller's profiler
        return watched(name, function, *args, look=note if is_replaced else None)
    returned: list[Any] = []
    look = _look_for(name, _code(other), set(_reachable(other, _code(function))), returned)
    result = watched(name, function, *args, look=look)
    _require_own_formula(name, result, returned)
    return result


def is_watched(name: str) -> bool:
    """Tell whether a function, or a network's method, is to do without finer numbers.

    Parameters
    ----------
    name : str
    """
    is_layer = any(part in name for part in ("_forward", "_backward", "."))
    return is_layer and name != "conv_forward_naive"  # which may use Fourier transforms


def watched(name: str, function: Any, *args: Any, look: Look | None = None) -> Any:
    """Return what a function returns that computes with ordinary numbers.

    Parameters
    ----------
    name : str, of the function, for the message
    function : callable, of the student's
    *args : its arguments
    look : callable, optional; returns what else is wrong with an event of the profiler's

    Raises
    ------
    CheckError
        If complex numbers, arrays of extended precision or of integers beyond 64 bits, or a type
        of numbers of its own have been seen; in the sandbox also if a single number is so fine.
    """
    said: list[str] = [] if noted is None else noted
    said.clear()
    codes: dict[CodeType, str] = {}  # what is wrong with the numbers that they name
    kinds = [look] if look else []
    if noted is None:
        kinds.append(lambda frame, event, value: _see(frame, event, value, codes))

    def watch(frame: FrameType, event: str, value: Any) -> None:
        for kind in kinds:
            is_open = not said or said[0] == SINGLE_SAID  # all else says more
            if is_open and (found := kind(frame, event, value)):
                said[:] = [found]

    before = _get()
    _set(watch if kinds else before)
    try:
        result = function(*args)
        seen = said[:]  # what comes from here on is our own
        is_on = _get() is (watch if kinds else before)
    finally:
        _put_back(before)
    if seen == [SINGLE_SAID] and is_on and noted is None:
        _singles.append(name)
        return result
    if seen or not is_on:
        raise CheckError(f"{name} {seen[0] if seen else _BLINDS}")
    return result


def take_singles() -> list[str]:
    """Return advice about functions that computed with a single fine number since the last call."""
    names = dict.fromkeys(_singles)
    _singles.clear()
    return [
        f"{name} computes with {_SINGLE_KINDS}. The grader may leave it to a person, who decides "
        "whether that is harmless, and give no points until then: better do without"
        for name in names
    ]


def _put_back(profiler: Any) -> None:
    """Go on with the profiler that was there; one in C is no callable, and starts itself."""
    start = getattr(profiler, "enable", None)
    _set(None if start else profiler)
    if start:
        start()


def _see(frame: FrameType, event: str, value: Any, codes: dict[CodeType, str]) -> str:
    """Return what is wrong with the numbers in a call, if something is."""
    code = frame.f_code
    given = getattr(sys.modules.get(_GIVEN), "__dict__", None)
    theirs = not code.co_filename.startswith(_NOT_THEIRS) and frame.f_globals is not given
    if event == "c_call" and (value is _get or value is _set):
        return _BLINDS
    if event == "call" and theirs and code.co_name in _NUMBERS:
        return f"computes with numbers of its own, whose {code.co_name} runs: {_DERIVE}"
    if event != "return":
        return ""
    if theirs and code not in codes:
        codes[code] = _say_named(code, frame.f_globals)
    held = (value, *frame.f_locals.values())
    # a file's name can be feigned, so arrays are looked at everywhere
    found = {codes.get(code, ""), _say_finer(v for v in held if theirs or _is_array(v))} - {""}
    return max(found, key=SINGLE_SAID.__ne__, default="")


def _look_for(name: str, other: CodeType | None, shared: set[CodeType], kept: list[Any]) -> Look:
    """Return what refuses a call of the other way back, and keeps what both take from a helper."""

    def look(frame: FrameType, event: str, value: Any) -> str:
        code = frame.f_code
        if event == "call" and code is other:
            return f"calls {_ALONE[name][0]}: this exercise asks for {_ALONE[name][1]}"
        if event == "return" and code in shared and code is not other:
            parts = value if type(value) in (tuple, list) else (value,)
            kept.extend(p.copy() for p in parts if type(p) is np.ndarray and p.ndim == 2)
        return ""

    return look


def _require_own_formula(name: str, result: Any, returned: list[Any]) -> None:
    """Refuse a gradient of `x` that comes from a helper which the other exercise uses too."""
    dx = result[0] if type(result) in (tuple, list) and result else None
    if name != "batchnorm_backward_alt" or type(dx) is not np.ndarray:
        return
    if any(_alike(v, dx) or _alike(v.T, dx) for v in returned):
        other, asked = _ALONE[name]
        raise CheckError(
            f"{name} takes dx from a function that {other} uses as well: this exercise "
            f"asks for {asked}"
        )


def _code(function: Any) -> CodeType | None:
    """Return the code of a function, behind its decorators."""
    return getattr(inspect.unwrap(function), "__code__", None) if callable(function) else None


def _reachable(function: Any, but: CodeType | None) -> Iterator[CodeType]:
    """Give the code that a function may call by name, except through a certain function."""
    left, seen = [function], set()
    while left:
        found = inspect.unwrap(left.pop())
        code = getattr(found, "__code__", None)
        if not isinstance(found, FunctionType) or code is but or code in seen:
            continue
        seen.add(code)
        yield found.__code__
        for inner in _nested(found.__code__):
            seen.add(inner)
            yield inner
            places = [found.__globals__, *_modules(found.__globals__, inner)]
            left += [place.get(name) for place in places for name in inner.co_names]
        left += [cell.cell_contents for cell in found.__closure__ or ()]


def _nested(code: CodeType) -> list[CodeType]:
    """Return a function's code and that of all functions defined in it."""
    inner = [c for const in code.co_consts if isinstance(const, CodeType) for c in _nested(const)]
    return [code, *inner]


def _modules(space: dict[str, Any], code: CodeType) -> list[dict[str, Any]]:
    """Return the contents of the student's modules that code names."""
    found = [space.get(name) for name in code.co_names]
    return [vars(m) for m in found if isinstance(m, ModuleType) and m.__name__.startswith("cs682")]


def _say_named(code: CodeType, space: dict[str, Any]) -> str:
    """Return what is wrong with the numbers that code names, in constants or by looking them up."""
    words, names = {v for v in code.co_consts if isinstance(v, str)}, {*code.co_names}
    if (words | names) & _WORDS or words & _WIDE_WORDS:
        return _MEASURES
    found = _say_finer((*code.co_consts, *map(space.get, names)))
    return found or (SINGLE_SAID if names & _WIDE_WORDS else "")


def _say_finer(values: Iterable[Any]) -> str:
    """Return what is wrong with values if finer numbers than float64 are among them."""
    finer = [v for v in values if _is_finer(v) or _is_finer_number(v)]
    if not finer:
        return ""
    return SINGLE_SAID if all(map(_is_single, finer)) else _MEASURES


def _is_finer(value: Any) -> bool:
    """Tell whether a value is a finer number than float64, a type of such, or holds some.

    Integers beyond 64 bits are such: with a point in thought they are fractions.
    """
    kind = type(value)
    if kind in (tuple, list):
        return any(type(v) not in (tuple, list) and _is_finer(v) for v in value[:20])
    if issubclass(kind, np.ndarray):
        kind = np.ndarray.dtype.__get__(value).type
        if kind is np.object_:
            size = np.ndarray.size.__get__(value)  # no layer holds so many objects
            return size > _MANY or any(map(_is_finer_number, np.ndarray.flat.__get__(value)))
    elif issubclass(kind, int):
        return int.bit_length(value) > _BITS
    elif issubclass(kind, np.dtype):
        kind = value.type
    elif issubclass(kind, type):
        kind = value
    return issubclass(kind, _FINER)


def _is_finer_number(value: Any) -> bool:
    """Tell whether a value is a number that no array of float64 or of integers can hold."""
    kind = type(value)
    if issubclass(kind, np.ndarray) or not issubclass(kind, Number):
        return False
    return _is_finer(value) or not issubclass(kind, _ORDINARY)


def _is_single(value: Any) -> bool:
    """Tell whether a value is a number of these kinds, or what is finer in it are such."""
    if type(value) in (tuple, list):
        return all(_is_single(v) for v in value[:20] if _is_finer(v))
    return type(value) in _SINGLE or value is np.longdouble


def say_numbers(value: Any) -> str:
    """Return what is wrong with a value as a number; empty if nothing is.

    Parameters
    ----------
    value : object
    """
    if found := _say_finer((value,)):
        return found
    kind = type(value)
    kinds = [kind]
    if issubclass(kind, np.ndarray) and np.ndarray.dtype.__get__(value).hasobject:
        kinds += map(type, np.ndarray.flat.__get__(value)[:20])
    if name := next(filter(None, map(_own_operator, kinds)), ""):
        return f"computes with numbers of its own, by their {name}: {_DERIVE}"
    return ""


def _own_operator(kind: type) -> str:
    """Return an operator of a class that Python, NumPy or the course have not written."""
    for base in type.__dict__["__mro__"].__get__(kind):
        space: dict[str, Any] = dict(type.__dict__["__dict__"].__get__(base))
        for name in _NUMBERS & space.keys():
            made = space[name]
            is_given = type(made) is FunctionType and made.__code__.co_filename.startswith(
                _NOT_THEIRS
            )
            if type(made) not in _SLOTS and not is_given:
                return name
    return ""


def _is_array(value: Any) -> bool:
    """Tell whether a value is an array and no single number, as NumPy's own constants are."""
    return issubclass(type(value), np.ndarray) and np.ndarray.ndim.__get__(value) > 0


def _alike(one: Any, other: Any) -> bool:
    """Tell whether the columns of two arrays are the same but for a factor each."""
    if one.shape != other.shape or len(one) < _FEWEST or one.dtype.kind != "f":
        return False
    with np.errstate(all="ignore"):
        one, other = (v / np.abs(v).max(axis=0) for v in (one, other))
        size = np.sqrt((one**2).sum(axis=0) * (other**2).sum(axis=0))
        return bool((np.abs((one * other).sum(axis=0)) >= (1 - _LIKE) * size).all())

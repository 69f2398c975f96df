"""Whether a layer's functions do the work that their exercise asks for, seen while they run.

A gradient is to be derived, not measured: a way back that evaluates a forward pass at other places
than its own differentiates numerically, and so does what computes with complex numbers or with
numbers of a type made for it. And each of the two ways back through batch norm is an exercise of
its own.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any

import numpy as np

from cs682.checks.compare import CheckError

_ALONE = {  # the function that one must do without, and what is asked for instead
    "batchnorm_backward": ("batchnorm_backward_alt", "the way back node by node"),
    "batchnorm_backward_alt": ("batchnorm_backward", "a shorter formula of its own"),
}
_COMPLEX = {"complex", "cmath", "imag", "complex64", "complex128", "clongdouble", "cdouble",
            "csingle", "c8", "c16"}  # fmt: skip
_OPERATORS = {f"__{way}{name}__" for way in ("", "r")
              for name in ("add", "sub", "mul", "truediv", "pow", "matmul")}  # fmt: skip
_NUMBERS = _OPERATORS | {"__array_ufunc__", "__array_function__", "__array_wrap__"}
_NOT_THEIRS = ("<frozen", *(str(Path(m.__file__ or "").parent) for m in (np, os)),
               str(Path(__file__).resolve().parent))  # fmt: skip
_DERIVE = "derive the gradient, do not measure it"
_LIKE = 1e-9  # how far the cosine between two lines that are the same may be from 1
_FEWEST = 4  # examples: of fewer every centred line is like another one


def call_watched(name: str, module: ModuleType, function: Any, args: tuple[Any, ...]) -> Any:
    """Return what a function of the student's returns.

    Parameters
    ----------
    name : str, of the function
    module : ModuleType, where its exercise is written
    function : callable, of the student's
    args : tuple, its arguments; for a way back ``(dout, cache)``

    Raises
    ------
    CheckError
        If it has differentiated numerically, or has another exercise's function do its work.
    """
    if not any(way in name for way in ("_forward", "_backward")):
        return function(*args)
    watch, before = _Watch(name, module, function, args), sys.getprofile()
    sys.setprofile(watch)
    try:
        result = function(*args)
        is_on = sys.getprofile() is watch
    finally:
        sys.setprofile(before)
    if said := watch.said or ("" if is_on else "sets a profiler, which no layer needs"):
        raise CheckError(f"{name} {said}")
    watch.require_own_formula(result)
    return result


class _Watch:
    """Looks at each call that a function makes."""

    def __init__(self, name: str, module: ModuleType, function: Any, args: tuple[Any, ...]) -> None:
        self.said = ""
        self._name = name
        self._codes: dict[CodeType, bool] = {}  # whether they name complex numbers
        self._returned: list[Any] = []
        self._forward: set[Any] = set()
        self._shared: set[CodeType] = set()
        self._other: CodeType | None = None
        self._args = args
        if "_backward" in name:
            found = {k: v for k, v in vars(module).items() if k.endswith("_forward")}
            self._forward = {_text(code) for v in found.values() if (code := _code(v))}
        if name in _ALONE and (other := getattr(module, _ALONE[name][0], None)):
            self._other = _code(other)
            self._shared = set(_reachable(other, _code(function)))

    def __call__(self, frame: FrameType, event: str, value: Any) -> None:
        """Note what a function of the student's is called with, and what it ends with."""
        code = frame.f_code
        if event not in ("call", "return") or code.co_filename.startswith(_NOT_THEIRS):
            return
        if event == "call":
            self.said = self.said or self._at_call(frame, code)
            return
        self.said = self.said or self._at_return(frame, code, value)
        if code in self._shared and code is not self._other:
            parts = value if type(value) in (tuple, list) else (value,)
            self._returned += [p.copy() for p in parts if type(p) is np.ndarray and p.ndim == 2]

    def _at_call(self, frame: FrameType, code: CodeType) -> str:
        """Return what is wrong with a call, if something is."""
        if code is self._other:
            other, asked = _ALONE[self._name]
            return f"calls {other}: this exercise asks for {asked}"
        if code.co_name in _NUMBERS:
            return f"computes with numbers of its own, whose {code.co_name} runs: {_DERIVE}"
        if self._forward and _text(code) in self._forward:
            given = [frame.f_locals.get(n) for n in code.co_varnames[: code.co_argcount]]
            if not all(self._is_given(v) for v in given):
                return f"calls {code.co_name} on arrays that are not in its cache: {_DERIVE}"
        return ""

    def _at_return(self, frame: FrameType, code: CodeType, value: Any) -> str:
        """Return what is wrong with what a function has computed, if something is."""
        if code not in self._codes:
            self._codes[code] = _names_complex(code, frame.f_globals)
        if self._codes[code] or any(map(_is_complex, (value, *frame.f_locals.values()))):
            return f"computes with complex numbers: {_DERIVE}"
        return ""

    def _is_given(self, value: Any) -> bool:
        """Tell whether an argument is no array, or one that the way back was given."""
        if type(value) in (dict, str, float, int, bool, type(None)):
            return True
        return type(value) is np.ndarray and any(
            given.shape == value.shape and np.array_equal(given, value, equal_nan=True)
            for given in _arrays(self._args)
        )

    def require_own_formula(self, result: Any) -> None:
        """Refuse a gradient of `x` that comes from a helper which the other exercise uses too."""
        dx = result[0] if type(result) in (tuple, list) and result else None
        if self._name != "batchnorm_backward_alt" or type(dx) is not np.ndarray:
            return
        if any(_alike(v, dx) or _alike(v.T, dx) for v in self._returned):
            other, asked = _ALONE[self._name]
            raise CheckError(
                f"{self._name} takes dx from a function that {other} uses as well: this exercise "
                f"asks for {asked}"
            )


def _code(function: Any) -> CodeType | None:
    """Return the code of a function, behind its decorators."""
    return getattr(inspect.unwrap(function), "__code__", None) if callable(function) else None


def _text(code: CodeType) -> Any:
    """Return what a copy of a function's code has in common with it."""
    return code.co_code, code.co_names


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


def _names_complex(code: CodeType, space: dict[str, Any]) -> bool:
    """Tell whether code names complex numbers, in constants or by what it looks up."""
    words = {const for const in code.co_consts if isinstance(const, str)} | {*code.co_names}
    return bool(words & _COMPLEX) or any(
        map(_is_complex, (*code.co_consts, *(space.get(name) for name in code.co_names)))
    )


def _is_complex(value: Any) -> bool:
    """Tell whether a value is a complex number, a type of such, or holds some at its beginning."""
    kind = type(value)
    if issubclass(kind, np.ndarray):
        return bool(np.ndarray.dtype.__get__(value).kind == "c")
    if issubclass(kind, np.dtype):
        return bool(value.kind == "c")
    if kind in (tuple, list):
        return any(issubclass(type(v), (complex, np.complexfloating)) or (
            issubclass(type(v), np.ndarray) and _is_complex(v)) for v in value[:20])  # fmt: skip
    if issubclass(kind, type):
        return issubclass(value, (complex, np.complexfloating))
    return issubclass(kind, (complex, np.complexfloating))


def _arrays(value: Any, depth: int = 0) -> Iterator[Any]:
    """Give all arrays in a cache, whatever it is made of."""
    if type(value) is np.ndarray:
        yield value
    elif depth < 6:
        held = value if isinstance(value, dict) else getattr(value, "__dict__", {})
        for part in value if isinstance(value, (tuple, list)) else held.values():
            yield from _arrays(part, depth + 1)


def _alike(one: Any, other: Any) -> bool:
    """Tell whether the columns of two arrays are the same but for a factor each."""
    if one.shape != other.shape or len(one) < _FEWEST or one.dtype.kind != "f":
        return False
    with np.errstate(all="ignore"):
        one, other = (v / np.abs(v).max(axis=0) for v in (one, other))
        size = np.sqrt((one**2).sum(axis=0) * (other**2).sum(axis=0))
        return bool((np.abs((one * other).sum(axis=0)) >= (1 - _LIKE) * size).all())

"""What a check collects while it runs, and small helpers that every check uses."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from cs682.checks.compare import CheckError, kind_of

KEPT = "this is the result of an earlier call; each call must compute its own"


class Report:
    """The properties that held and the advice that came up, in order.

    Attributes
    ----------
    passed : list of str, one phrase for each property that held
    advice : list of str, each said once: right by the maths, but it will bite
    """

    def __init__(self) -> None:
        self.passed: list[str] = []
        self.advice: list[str] = []
        self._results: list[tuple[str, Any, Any]] = []  # whose, the array, a copy of it

    def ok(self, what: str) -> None:
        """Note a property that held."""
        self.passed.append(what)

    def advise(self, text: str) -> None:
        """Note advice, once."""
        if text not in self.advice:
            self.advice.append(text)

    def watch(self, name: str, function: Callable[..., Any], *args: Any) -> Any:
        """Call `function` on copies of the arrays in `args`; advise if it writes into one.

        A dict is handed on as it is, for what the function stores there, and a tuple, which is a
        cache; the arrays that they held before are watched too.
        """
        copies = [a.copy() if isinstance(a, np.ndarray) else a for a in args]
        given = [("an array", a) for a in copies] + [
            (f"the {key}", a) for d in args if isinstance(d, dict) for key, a in d.items()
        ]
        given += [("an array", a) for cache in args if isinstance(cache, tuple) for a in cache]
        given = [(w, a) for w, a in given if isinstance(a, np.ndarray) and a.dtype != object]
        before = [a.copy() for _, a in given]
        result = getattr(function, "on_these", function)(*copies)
        for (what, array), old in zip(given, before, strict=True):
            if not np.array_equal(array, old):
                does = "overwrites" if array.shape == old.shape else "changes the shape of"
                self.advise(
                    f"{name} {does} {what} that it was given; compute a new one instead, "
                    "somebody may still need the old one"
                )
        parts = result if isinstance(result, (tuple, list)) else (result,)
        for part in parts[:1] if name.endswith("_forward") else parts:  # a cache may change
            if type(part) is np.ndarray and part.dtype.kind in "fiub":
                self._results.append((name, part, part.copy()))
        return result

    def require_lasting_results(self) -> None:
        """Raise CheckError if a result of `watch` has changed since it was returned."""
        for name, array, before in self._results:
            if not np.array_equal(array, before, equal_nan=True):
                raise CheckError(
                    f"a result of {name} changed after it was returned, when an earlier call's "
                    "array was written into again: return a new array each time"
                )

    def keeps_float32(self, name: str, arrays: dict[str, Any]) -> None:
        """Advise if a result of float32 arguments came back with more bits."""
        for key, array in arrays.items():
            if isinstance(array, np.ndarray) and array.dtype != np.float32:
                self.advise(
                    f"{name} turns float32 into {array.dtype} ({key}): training then needs twice "
                    "the memory and time"
                )


def require_float64(results: dict[str, Any]) -> None:
    """Raise CheckError if a gradient of float64 arrays came back with fewer digits."""
    for name, array in results.items():
        if array.dtype.itemsize < 8:
            raise CheckError(
                f"{name} holds {array.dtype} numbers although all arrays given were float64: "
                "keep their type, a gradient check needs the digits"
            )


def unpack(name: str, result: Any, parts: tuple[str, ...]) -> tuple[Any, ...]:
    """Return the parts of a function's result; CheckError if it is not a tuple of that many."""
    wanted = ", ".join(parts)
    if result is None:
        raise CheckError(f"{name} returned nothing; it should return {wanted}")
    if not isinstance(result, (tuple, list)) or len(result) != len(parts):
        is_row = isinstance(result, (tuple, list))
        got = f"{len(result)} value{'s' * (len(result) != 1)}" if is_row else kind_of(result)
        raise CheckError(f"{name} returned {got}; it should return {wanted}")
    return tuple(result)


def require_names(name: str, got: Any, wanted: Collection[str]) -> None:
    """Raise CheckError unless `got` is a dict with exactly the wanted keys."""
    if not isinstance(got, dict):
        raise CheckError(f"{name} is {kind_of(got)}, expected a dict of arrays")
    missing, extra = sorted(set(wanted) - set(got)), sorted(map(str, set(got) - set(wanted)))
    problems = [f"lacks {missing}"] * bool(missing) + [f"has unexpected {extra}"] * bool(extra)
    if problems:
        raise CheckError(f"{name} {' and '.join(problems)}; expected {sorted(wanted)}")

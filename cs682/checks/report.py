"""What a check collects while it runs, and small helpers that every check uses."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from cs682.checks.compare import CheckError


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

    def ok(self, what: str) -> None:
        """Note a property that held."""
        self.passed.append(what)

    def advise(self, text: str) -> None:
        """Note advice, once."""
        if text not in self.advice:
            self.advice.append(text)

    def watch(self, name: str, function: Callable[..., Any], *args: Any) -> Any:
        """Call `function` on copies of the arrays in `args`; advise if it writes into one."""
        copies = [a.copy() if isinstance(a, np.ndarray) else a for a in args]
        result = function(*copies)
        for before, after in zip(args, copies, strict=True):
            if isinstance(before, np.ndarray) and not np.array_equal(before, after):
                self.advise(
                    f"{name} overwrites an array that it was given; compute a new one instead, "
                    "somebody may still need the old values"
                )
        return result

    def keeps_float32(self, name: str, arrays: dict[str, Any]) -> None:
        """Advise if a result of float32 arguments came back with more bits."""
        for key, array in arrays.items():
            if isinstance(array, np.ndarray) and array.dtype != np.float32:
                self.advise(
                    f"{name} turns float32 into {array.dtype} ({key}): training then needs twice "
                    "the memory and time"
                )


def unpack(name: str, result: Any, parts: tuple[str, ...]) -> tuple[Any, ...]:
    """Return the parts of a function's result; CheckError if it is not a tuple of that many."""
    wanted = ", ".join(parts)
    if result is None:
        raise CheckError(f"{name} returned nothing; it should return {wanted}")
    if not isinstance(result, (tuple, list)) or len(result) != len(parts):
        got = (
            f"{len(result)} values" if isinstance(result, (tuple, list)) else type(result).__name__
        )
        raise CheckError(f"{name} returned {got}; it should return {wanted}")
    return tuple(result)


def require_names(name: str, got: Any, wanted: Collection[str]) -> None:
    """Raise CheckError unless `got` is a dict with exactly the wanted keys."""
    if not isinstance(got, dict):
        raise CheckError(f"{name} is a {type(got).__name__}, expected a dict of arrays")
    missing, extra = sorted(set(wanted) - set(got)), sorted(map(str, set(got) - set(wanted)))
    problems = [f"lacks {missing}"] * bool(missing) + [f"has unexpected {extra}"] * bool(extra)
    if problems:
        raise CheckError(f"{name} {' and '.join(problems)}; expected {sorted(wanted)}")

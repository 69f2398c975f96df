"""Layers that write into what they are given: the exercises that call them hear of it too late."""

from __future__ import annotations

import functools
import importlib
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from cs682.checks.exercises import EXERCISES, Exercise
from cs682.checks.names import place_of
from cs682.checks.prerequisites import RESTS_ON
from cs682.checks.subject import FUNCTIONS, NETWORKS

if TYPE_CHECKING:
    from cs682.checks.run import Result

_ADVICE = re.compile(r"(\w+) (?:overwrites|changes the shape of) .* that it was given")


def say_overwriting(row: Exercise, look: Callable[[str], Result]) -> str:
    """Say which layers make a wrong exercise wrong by what they write into.

    Parameters
    ----------
    row : Exercise
    look : function of an id that checks that exercise by itself

    Returns
    -------
    said : str; empty if the exercise is wrong also where these layers are given copies
    """
    if not (layers := _find_beneath(row, look)):
        return ""
    with _given_copies(layers):
        if look(row.id).state != "passed":
            return ""
    rows = [row for row in EXERCISES.values() if {*row.functions} & {*layers}]
    places = "; ".join(f"{place_of(row)} (exercise {row.id})" for row in rows)
    said = "; ".join(layers.values())
    return f"{said}. {row.id} is right as soon as that is mended: {places}\n  It shows here as: "


def advise_of_overwriting(
    row: Exercise, advice: list[str], look: Callable[[str], Result]
) -> list[str]:
    """Return advice that names the layer which writes, not what hands the array on to it.

    Parameters
    ----------
    row : Exercise
    advice : list of str, of its check
    look : function of an id that checks that exercise by itself

    Returns
    -------
    advice : list of str
    """
    own = _find(advice, row)
    if not own or not (layers := _find_beneath(row, look)):
        return advice
    with _given_copies(layers):
        still = _find(look(row.id).advice, row)
    kept = [text for text in advice if text not in own.values() or text in still.values()]
    return [*kept, *(text for text in layers.values() if text not in kept)]


def _find_beneath(row: Exercise, look: Callable[[str], Result]) -> dict[str, str]:
    """Return advice by function of what lies beneath an exercise and writes into arrays."""
    beneath = (EXERCISES[key] for key in RESTS_ON.get(row.id, ()))
    found: dict[str, str] = {}
    for each in beneath:
        found |= {} if each.is_given else _find(look(each.id).advice, each)
    return found


def _find(advice: Iterable[str], row: Exercise) -> dict[str, str]:
    """Return advice by function, of an exercise's functions that write into arrays."""
    pairs = ((_ADVICE.match(text), text) for text in advice)
    return {found[1]: text for found, text in pairs if found and found[1] in row.functions}


@contextmanager
def _given_copies(names: Iterable[str]) -> Iterator[None]:
    """Hand these functions copies of their arrays, wherever the package calls them."""
    modules = [importlib.import_module(name) for name in {*FUNCTIONS.values(), *NETWORKS.values()}]
    before = [(m, name, vars(m)[name]) for m in modules for name in names if name in vars(m)]
    try:
        for module, name, function in before:
            setattr(module, name, _with_copies(function))
        yield
    finally:
        for module, name, function in before:
            setattr(module, name, function)


def _with_copies(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that copies its arrays before it hands them on."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        copies = (v.copy() if isinstance(v, np.ndarray) else v for v in args)
        named = {k: v.copy() if isinstance(v, np.ndarray) else v for k, v in kwargs.items()}
        return function(*copies, **named)

    return call

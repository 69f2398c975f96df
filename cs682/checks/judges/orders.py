"""Say that a way back takes its cache apart in another order than that in which it was packed."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator
from itertools import combinations, permutations
from typing import Any

import numpy as np

_FEW = 4  # parts of a cache, of which all orders are tried; of more, all pairs change places


def say_order(is_right: Callable[[Any], bool], cache: Any, forward: str) -> str:
    """Say which parts of a cache have changed places, if that alone makes the way back wrong.

    Parameters
    ----------
    is_right : function that tells whether the way back is right with a cache
    cache : what the student's forward pass returned, with which it is not
    forward : str, the name of that

    Returns
    -------
    words : str, to follow the name of the way back; empty if no other order is right
    """
    if not isinstance(cache, (tuple, list)):  # or it stays where the student's code runs
        return ""
    with contextlib.redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
        order = next((o for o in _orders(len(cache)) if _fits(is_right, _take(cache, o))), ())
        moved = [place for place, i in enumerate(order) if place != i]
        one_by_one = ([*cache[:i], cache[order[i]], *cache[i + 1 :]] for i in moved)
        if not moved or any(_fits(is_right, tuple(parts)) for parts in one_by_one):
            return ""  # where one alone does it, that part is read in the place of another
    *others, last = (str(place + 1) for place in moved)
    return (
        f"is right once parts {', '.join(others)} and {last} of its cache change places: take it "
        f"apart in the order in which {forward} packs it, and use each part as what it is"
    )


def _fits(is_right: Callable[[Any], bool], cache: Any) -> bool:
    """Tell whether the way back is right with a cache, and calls no stub with it."""
    try:
        return is_right(cache)
    except NotImplementedError:  # the cache itself, in its own order, leads to none
        return False


def _take(cache: Any, order: tuple[int, ...]) -> tuple[Any, ...]:
    return tuple(cache[i] for i in order)


def _orders(count: int) -> Iterator[tuple[int, ...]]:
    """Yield the orders to try of so many parts, those that exchange two first, none twice."""
    for i, j in combinations(range(count), 2):
        order = list(range(count))
        order[i], order[j] = j, i
        yield tuple(order)
    if count <= _FEW:
        all_orders = permutations(range(count))
        yield from (o for o in all_orders if sum(i != place for place, i in enumerate(o)) > 2)

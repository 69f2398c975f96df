"""Look into the cache of a forward pass, which may take any form."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np


def written_out(cache: Any) -> bytes:
    """Return all that a cache holds as bytes; none if it stays where the student's code runs.

    Parameters
    ----------
    cache : object, or the handle of one
    """
    try:
        return pickle.dumps(cache)
    except Exception:  # whatever a student's own objects raise
        return b""


def say_lasting(before: bytes, after: bytes) -> str:
    """Say what a call with a cache left behind that the next one meets.

    Parameters
    ----------
    before, after : bytes, of the cache, as from `written_out`
    """
    if not (before and after):
        return "it has changed what the cache holds, or something is kept from call to call"
    if before == after:
        return "something is kept from call to call"
    return "it has changed what the cache holds"


def parts_of(cache: Any) -> Iterator[Any]:
    """Yield all that a cache holds, however deep.

    Parameters
    ----------
    cache : object, such as a tuple of tuples of ndarrays
    """
    if isinstance(cache, (tuple, list)):
        for part in cache:
            yield from parts_of(part)
        if cache and all(isinstance(part, int) for part in cache):
            yield tuple(cache)  # a shape
    elif isinstance(cache, Mapping):
        for part in cache.values():
            yield from parts_of(part)
    else:
        yield cache


def holds(array: Any) -> Callable[[list[Any]], bool]:
    """Return a test whether the parts of a cache tell an array, its shape included.

    Parameters
    ----------
    array : ndarray

    Returns
    -------
    test : function of a list of parts
    """

    def test(parts: list[Any]) -> bool:
        arrays = [p for p in parts if type(p) is np.ndarray and p.size == array.size]
        if any(p.shape == array.shape and np.array_equal(p, array) for p in arrays):
            return True
        is_shape_kept = any(type(p) is tuple and p == array.shape for p in parts)
        return is_shape_kept and any(np.isin(p, array).all() for p in arrays)

    return test


def marks(mask: Any, by: Callable[[Any], Any]) -> Callable[[list[Any]], bool]:
    """Return a test whether a part of a cache, looked at through `by`, is this mask.

    Parameters
    ----------
    mask : ndarray of bool
    by : function of an ndarray

    Returns
    -------
    test : function of a list of parts
    """

    def test(parts: list[Any]) -> bool:
        return any(type(p) is np.ndarray and np.array_equal(by(p), mask) for p in parts)

    return test


def has_form_of(cache: Any, documented: Any) -> bool:
    """Tell whether a cache has the form and the arrays of the documented one.

    Parameters
    ----------
    cache : what a student's forward pass returned
    documented : a cache as the docstring promises it
    """
    if isinstance(documented, tuple):
        is_row = isinstance(cache, (tuple, list)) and len(cache) == len(documented)
        return is_row and all(map(has_form_of, cache, documented))
    if type(documented) is np.ndarray:
        is_like = type(cache) is np.ndarray and cache.shape == documented.shape
        return is_like and bool(np.allclose(cache, documented))
    return isinstance(cache, type(documented))

"""Apply an update rule to a large parameter in pieces, with as many threads as BLAS uses.

A rule that reads like its formula makes a temporary array for each operation. On millions of
weights these wander to memory and back; those of a piece stay in a core's cache. NumPy lets go of
Python's lock while it computes, so the pieces keep every core busy.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import threadpoolctl

from cs682.optim import STATE

if TYPE_CHECKING:
    from cs682._types import Array, Options

    Rule = Callable[..., tuple[Array, Options]]

PIECE = 2**17  # entries; much smaller ones cost more in calls than they spare in memory
LARGE = 2**20  # entries from which on it pays


def count_blas_threads() -> int:
    """Return how many threads a matrix product may use."""
    libraries = threadpoolctl.threadpool_info()
    return max((lib["num_threads"] for lib in libraries if lib["user_api"] == "blas"), default=1)


def update(rule: Rule, w: Array, dw: Array, config: Options, threads: int) -> tuple[Array, Options]:
    """Return what ``rule(w, dw, config)`` does, to the last bit.

    Parameters
    ----------
    rule : callable of `cs682.optim`
    w, dw : ndarray of float, any shape; the parameter and its gradient
    config : dict; not written to
    threads : int >= 1

    Returns
    -------
    next_w : ndarray, same shape as `w`
    config : dict

    Notes
    -----
    Only the rules that this package names are applied in pieces: they treat each entry by itself.
    One that a student adds may not, such as one that clips a gradient by its norm.
    """
    keys = STATE.get(rule.__name__)
    if keys is None or w.size < LARGE or w.shape != dw.shape:  # the rule refuses other shapes
        return rule(w, dw, dict(config))
    state = {key: config[key] for key in keys if config.get(key) is not None}
    next_w, next_state = np.empty_like(w), {key: np.empty_like(w) for key in keys}
    errors = np.geterr()  # each thread has its own, in NumPy 1 whatever its context says

    def update_rows(rows: slice) -> Options:
        own = {**config, **{key: array[rows] for key, array in state.items()}}
        with np.errstate(**errors):
            next_w[rows], own = rule(w[rows], dw[rows], own)
        for key, array in next_state.items():
            array[rows] = own[key]
        return own

    step = max(PIECE * len(w) // w.size, 1)
    pieces = [slice(start, start + step) for start in range(0, len(w), step)]
    with ThreadPoolExecutor(threads) as pool:
        runs = [pool.submit(update_rows, rows) for rows in pieces]
        last = [run.result() for run in runs][-1]
    return next_w, {**last, **next_state}

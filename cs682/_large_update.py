"""Apply an update rule to a large parameter in pieces, with as many threads as BLAS uses.

A rule that reads like its formula makes a temporary array for each operation. On millions of
weights these wander to memory and back; those of a piece stay in a core's cache. NumPy lets go of
Python's lock while it computes, so the pieces keep every core busy.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
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
    if keys is None or w.size < LARGE or w.shape != dw.shape:
        return rule(w, dw, dict(config))  # which refuses other shapes
    state = {key: config[key] for key in keys if config.get(key) is not None}
    next_w, next_state = np.empty_like(w), {key: np.empty_like(w) for key in keys}
    next_config: Options = {}
    errors = np.geterr()  # each thread has its own, in NumPy 1 whatever its context says
    step = max(PIECE * len(w) // w.size, 1)
    starts = iter(range(0, len(w), step))  # all threads take from it until nothing is left

    def update_pieces() -> None:
        for start in starts:
            rows = slice(start, start + step)
            own = {**config, **{key: array[rows] for key, array in state.items()}}
            with np.errstate(**errors):
                next_w[rows], own = rule(w[rows], dw[rows], own)
            for key, array in next_state.items():
                array[rows] = own.pop(key)
            next_config.update(own)

    others = threads - 1
    runs = [_helpers(others, os.getpid()).submit(update_pieces) for _ in range(others)]
    try:
        update_pieces()
    finally:
        for run in runs:
            run.result()
    return next_w, {**next_config, **next_state}


@cache
def _helpers(count: int, process: int) -> ThreadPoolExecutor:
    """Return threads that wait for work: starting them anew would cost a tenth of a step.

    A fork leaves them behind, so each `process`, by its number, has its own.
    """
    return ThreadPoolExecutor(count, thread_name_prefix="cs682-update")

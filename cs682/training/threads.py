"""The threads of BLAS, which compute matrix products."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache
from importlib import import_module
from typing import Any


def blas_threads(count: int | None) -> AbstractContextManager[Any]:
    """Have matrix products use so many threads while a block runs.

    Several processes whose products each use all processors wait for each other; and the last
    digits of a product depend on the number.

    Parameters
    ----------
    count : int, or None to leave it as it is
    """
    limited: AbstractContextManager[Any] = _found().limit(limits=count, user_api="blas")
    return limited


@cache
def _found() -> Any:
    """Return the means to set the number; to find the library takes a while."""
    return import_module("threadpoolctl").ThreadpoolController()

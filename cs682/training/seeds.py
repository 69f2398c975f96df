"""NumPy's global random stream, which published figures are drawn from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


@contextmanager
def legacy_seed(seed: int) -> Iterator[None]:
    """Seed NumPy's global stream for the inputs of one experiment, and put it back afterwards.

    Parameters
    ----------
    seed : int, 231 for nearly all published figures
    """
    state = np.random.get_state()  # noqa: NPY002  # published figures come from this stream
    np.random.seed(seed)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002

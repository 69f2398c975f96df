"""NumPy's global random stream, which published figures are drawn from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

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


def drawn(kind: type[Any], *args: Any, weight_scale: float, **options: Any) -> Any:
    """Make a network and give it weights from the global stream, as the published figures had.

    So a figure can be compared with that of a network which draws its own weights in another way.

    Parameters
    ----------
    kind : class of networks
    *args, **options : what it is made with; they draw nothing from the stream
    weight_scale : float, the standard deviation of all weights

    Returns
    -------
    net : of this kind; its weights drawn one matrix after the other, its biases as it has them
    """
    with legacy_seed(0):  # what it draws is none of the stream's
        net = kind(*args, **options)
    for name in sorted(name for name in net.params if name.startswith("W")):
        value = weight_scale * np.random.randn(*net.params[name].shape)  # noqa: NPY002
        net.params[name] = value.astype(net.params[name].dtype)
    return net

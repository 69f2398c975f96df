"""How a network spares a product that nobody reads: the gradient with respect to its own images.

`affine_backward` returns dx, dw and db. In a network's first layer, dx would be the gradient with
respect to the images. No parameter depends on it, yet it is a third of the work of a wide network.
While `network_input` is in force, `spare_input_gradient` hands that layer weights whose matrix
products are zeros, made without computing anything. Outside a network dx is what it should be.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

Array = Any

_input: ContextVar[Array | None] = ContextVar("_input", default=None)


class _SparedWeights(np.ndarray[Any, Any]):
    """Weights whose matrix products nobody reads; in all else an ordinary array."""

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        """Make zeros of the shape of ``left @ right``; do anything else on plain arrays."""
        if ufunc is np.matmul and not options and all(np.ndim(part) == 2 for part in inputs):
            left, right = inputs
            return _zeros((left.shape[0], right.shape[1]), np.result_type(left, right))
        if "out" in options:
            options["out"] = tuple(_plain(part) for part in options["out"])
        return getattr(ufunc, method)(*(_plain(part) for part in inputs), **options)


def _zeros(shape: tuple[int, ...], dtype: Any) -> Array:
    """Return zeros that all lie in one place, so that none of them takes time or memory."""
    return np.ndarray(shape, dtype, buffer=np.zeros(1, dtype), strides=(0,) * len(shape))


def _plain(value: Any) -> Any:
    """Return spared weights as what they are, an array."""
    return value.view(np.ndarray) if isinstance(value, _SparedWeights) else value


@contextmanager
def network_input(X: Array) -> Iterator[None]:
    """Declare `X` the input of a network, with respect to which it needs no gradient.

    Parameters
    ----------
    X : ndarray of float, shape (N, d_1, ..., d_k)
    """
    token = _input.set(X)
    try:
        yield
    finally:
        _input.reset(token)


def spare_input_gradient(x: Array, w: Array) -> Array:
    """Return the weights to compute a layer's dx with: spared ones if `x` is a network's input.

    Parameters
    ----------
    x : ndarray of float, shape (N, d_1, ..., d_k); the layer's input
    w : ndarray of float, shape (D, M); its weights

    Returns
    -------
    w : ndarray, shape (D, M); the same values, seen through another class where dx is not needed
    """
    images = _input.get()
    if images is None or not np.may_share_memory(x, images):
        return w
    return w.view(_SparedWeights)

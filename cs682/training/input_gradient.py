"""How a network spares a product that nobody reads: the gradient with respect to its own images.

`affine_backward` returns dx, dw and db. In a network's first layer, dx would be the gradient with
respect to the images. No parameter depends on it, yet it is a third of the work of a wide network.
A network names its images with `network_input`; `spares_input_gradient` then hands the layer that
read them a `dout` whose products with the weights are zeros, made without computing anything, and
all else of which is as it was. Outside a network dx is what it should be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, TypeVar

import numpy as np

Array = Any
Backward = TypeVar("Backward", bound=Callable[..., Any])

_images: ContextVar[Array | None] = ContextVar("_images", default=None)


@contextmanager
def network_input(X: Array) -> Iterator[None]:
    """Declare `X` the input of a network, with respect to which it needs no gradient.

    Parameters
    ----------
    X : ndarray of float, shape (N, d_1, ..., d_k)
    """
    token = _images.set(X)
    try:
        yield
    finally:
        _images.reset(token)


def reads_network_input(x: Array) -> bool:
    """Tell whether an array is a network's input, with respect to which nobody needs a gradient.

    For given layers that can leave the work out by themselves.

    Parameters
    ----------
    x : ndarray of float, any shape, what a layer has read
    """
    images = _images.get()
    return images is not None and isinstance(x, np.ndarray) and np.may_share_memory(x, images)


def spares_input_gradient(body: Backward) -> Backward:
    """Let a backward pass ``body(dout, (x, w, b))`` spare dx where `x` is a network's input.

    Parameters
    ----------
    body : callable, returns ``(dx, dw, db)``

    Returns
    -------
    backward : callable of the same form; where dx is spared it is zeros, however `body` spells
        the product: with the operator, `np.matmul`, `np.dot` or the method ``dot``. Other ways
        to compute it, `np.einsum` for one, take their time and give it.
    """

    @wraps(body)
    def backward(dout: Array, cache: Any) -> Any:
        if not _reads_images(cache) or not isinstance(dout, np.ndarray):
            return body(dout, cache)
        spared = dout.view(_Upstream)
        spared.weights = cache[1]
        grads = body(spared, cache)
        return tuple(map(_plain, grads)) if isinstance(grads, tuple) else grads

    return backward  # type: ignore[return-value]  # the same parameters and results


def _reads_images(cache: Any) -> bool:
    """Tell whether a cache is ``(x, w, b)`` of a layer that read a network's input."""
    if not isinstance(cache, tuple) or len(cache) != 3:
        return False
    x, w, _ = cache
    return w is not None and reads_network_input(x)


class _Upstream(np.ndarray[Any, Any]):
    """A `dout` whose products with the weights nobody reads; in all else an ordinary array.

    Only views of it, such as ``dout.T``, are of this class; what is computed from it is plain.
    """

    weights: Array = None

    def __array_finalize__(self, source: Any) -> None:
        """Hand the weights on to a view."""
        self.weights = getattr(source, "weights", None)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        """Make zeros of a product with the weights; do anything else on plain arrays."""
        if ufunc is np.matmul and not options and self._meets_weights(*inputs):
            return _zeros(*inputs)
        if "out" in options:
            options["out"] = tuple(map(_plain, options["out"]))
        return getattr(ufunc, method)(*map(_plain, inputs), **options)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        """Do the same for `np.dot`, which is no ufunc."""
        if function is np.dot and not options and self._meets_weights(*args):
            return _zeros(*args)
        return super().__array_function__(function, types, args, options)

    def dot(self, other: Any, *out: Any) -> Any:
        """Do the same for the method."""
        return np.dot(self, other, *out)

    def _meets_weights(self, left: Any, right: Any, *out: Any) -> bool:
        """Tell whether this is the product of two matrices, `dout` and the weights."""
        other = right if isinstance(left, _Upstream) else left
        matrices = np.ndim(left) == np.ndim(right) == 2 and left.shape[1] == right.shape[0]
        return matrices and not out and np.may_share_memory(other, self.weights)


def _zeros(left: Array, right: Array) -> Array:
    """Return zeros of the shape of ``left @ right``, fresh from the system and so not yet paid."""
    return np.zeros((left.shape[0], right.shape[1]), np.result_type(left, right))


def _plain(value: Any) -> Any:
    """Return a `dout` as what it is, an array."""
    return value.view(np.ndarray) if isinstance(value, _Upstream) else value

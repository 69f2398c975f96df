"""Measure slopes by central differences: the one way in which a check finds a gradient."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from cs682._types import Array


def slope(f: Callable[[Array], Any], x: Array, dout: Any = 1.0, h: float = 1e-5) -> Array:
    """Return the gradient of ``sum(f(x) * dout)`` at x by central differences, shaped like x.

    Parameters
    ----------
    f : function of an ndarray
    x : ndarray of float, any shape
    dout : ndarray, the shape of f(x), or a number
    h : float, the step
    """
    point, gradient = np.array(x, dtype=np.float64), np.zeros(x.shape)
    for i in np.ndindex(*x.shape):
        kept = point[i]
        point[i] = kept + h
        above = f(point)
        point[i] = kept - h
        gradient[i] = np.sum((above - f(point)) * dout) / (2 * h)
        point[i] = kept
    return gradient


def slopes(
    f: Callable[..., Any], arguments: Sequence[Array], dout: Any = 1.0, **options: Any
) -> list[Array]:
    """Return the gradient of ``sum(f(*arguments) * dout)`` for each of the arguments.

    Parameters
    ----------
    f : function of several ndarrays
    arguments : sequence of ndarrays, any shapes
    dout : ndarray, the shape of f's result, or a number
    **options : passed on to `f`
    """

    def along(i: int) -> Callable[[Array], Any]:
        return lambda v: f(*arguments[:i], v, *arguments[i + 1 :], **options)

    return [slope(along(i), value, dout) for i, value in enumerate(arguments)]

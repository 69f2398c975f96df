"""What tests measure with: central differences and the course's relative error."""

from __future__ import annotations

import numpy as np
import pytest


def slope(f, x, dout=1.0, h=1e-5):
    """Measure the gradient of ``sum(f(x) * dout)`` at float64 x, shaped like x.

    Each call of f gets an array of its own, in which it may write.
    """
    point, gradient = x.astype(np.float64), np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        kept = point[i]
        point[i] = kept + h
        above = np.array(f(point.copy()))
        point[i] = kept - h
        gradient[i] = np.sum((above - f(point.copy())) * dout) / (2 * h)
        point[i] = kept
    return gradient


def net_slope(net, name, X, y):
    """Measure the gradient of a network's loss for one parameter, which is restored."""
    kept = net.params[name]

    def loss(value):
        net.params[name] = value
        return net.loss(X, y)[0]

    try:
        return slope(loss, kept)
    finally:
        net.params[name] = kept


def rel_error(x, y):
    """Return the largest relative error, as every notebook of the course defines it."""
    assert np.shape(x) == np.shape(y)
    return float(np.max(np.abs(x - y) / np.maximum(1e-8, np.abs(x) + np.abs(y))))


def of(exercise, *values, name=""):
    """Make a test parameter that is marked with its exercise, and named after it or by `name`."""
    mark = pytest.mark.exercise(id=exercise)
    return pytest.param(*values, marks=mark, id=f"{exercise} {name}".rstrip())

"""Softmax regression with its gradient as a formula, for tests that no student gets.

The one of `tests.small_models` measures its slopes, two passes for each parameter: what is
released may hold no formula of an exercise. At the sizes of a search that takes minutes.
"""

from __future__ import annotations

import numpy as np

from tests.small_models import Softmax


class QuickSoftmax(Softmax):
    """The same model; its gradients agree to rounding."""

    def _slope(self, name, X, y):
        scores = X @ self.params["W"] + self.params["b"]
        p = np.exp(scores - scores.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        p[np.arange(len(y)), y] -= 1
        return (X.T @ p if name == "W" else p.sum(axis=0)) / len(y)

"""Argument checks shared by the layers: each names the value it refuses and what it wanted.

They read shapes and dtypes only (labels excepted), so they cost about a microsecond a call.
"""

from __future__ import annotations

import math
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from cs682._types import Array, Labels, Options


def require_affine_shapes(x: Array, w: Array, b: Array) -> None:
    """Refuse an affine layer whose input, weights and biases do not fit together."""
    if w.ndim != 2:
        raise ValueError(f"w must have shape (D, M), got {w.shape}")
    if b.shape != w.shape[1:]:
        raise ValueError(
            f"b must have shape (M,) = {w.shape[1:]} to match w {w.shape}, got {b.shape}"
        )
    inputs = math.prod(x.shape[1:])
    if x.ndim < 1 or x.shape[0] < 1:
        raise ValueError(f"x must hold at least one example, got shape {x.shape}")
    if inputs != w.shape[0]:
        raise ValueError(
            f"x of shape {x.shape} has {inputs} values per example, but w {w.shape} "
            f"expects D = {w.shape[0]}"
        )


def require_shape(name: str, array: Array, shape: tuple[int, ...]) -> None:
    """Refuse an array whose shape is not exactly `shape`."""
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}")


def require_floating(name: str, array: Array) -> None:
    """Refuse arrays of integers or booleans, whose results would be cut back to whole numbers."""
    if not np.issubdtype(array.dtype, np.floating):
        raise TypeError(f"{name} must hold floating-point numbers, got dtype {array.dtype}")


def require_norm_arguments(x: Array, gamma: Array, beta: Array) -> None:
    """Refuse inputs to a normalization layer that are not (N, D) with gamma and beta (D,)."""
    require_floating("x", x)
    if x.ndim != 2 or x.shape[0] < 1 or x.shape[1] < 1:
        raise ValueError(f"x must have shape (N, D) with N, D >= 1, got {x.shape}")
    require_shape("gamma", gamma, x.shape[1:])
    require_shape("beta", beta, x.shape[1:])


def require_mode(options: Options, name: str) -> str:
    """Return ``options["mode"]`` if it is 'train' or 'test'; refuse anything else."""
    mode = options.get("mode")
    if mode not in ("train", "test"):
        raise ValueError(f"{name}['mode'] must be 'train' or 'test', got {mode!r}")
    return str(mode)


def require_keep_probability(p: Any, name: str) -> float:
    """Return `p` as a plain float in (0, 1]; the refusal of 0 names both conventions."""
    if isinstance(p, bool) or not isinstance(p, Real):
        raise TypeError(f"{name} must be a number in (0, 1], got {p!r}")
    keep = float(p)
    if not 0 < keep <= 1:
        raise ValueError(
            f"{name} must be in (0, 1], got {p!r}: it is the probability of KEEPING a unit, so 1 "
            "means no dropout. (Editions up to 2017 passed the probability of dropping one, where "
            "0 meant no dropout.)"
        )
    return keep


def require_scores_and_labels(x: Array, y: Labels) -> None:
    """Refuse scores that are not (N, C) and labels that are not N integers in [0, C)."""
    require_floating("x", x)
    if x.ndim != 2 or x.shape[0] < 1 or x.shape[1] < 1:
        raise ValueError(f"x must hold scores of shape (N, C) with N, C >= 1, got {x.shape}")
    if y.shape != x.shape[:1]:
        raise ValueError(f"y must have shape (N,) = {x.shape[:1]}, got {y.shape}")
    if not np.issubdtype(y.dtype, np.integer):
        raise TypeError(f"y must hold integer class labels, got dtype {y.dtype}")
    if y.min() < 0 or y.max() >= x.shape[1]:
        wrong = int(y.min() if y.min() < 0 else y.max())
        raise ValueError(f"y holds the label {wrong}; labels must be in [0, {x.shape[1]})")


def require_cache(cache: Any, forward: str) -> None:
    """Refuse the empty cache that a forward pass in test mode leaves behind."""
    if cache is None:
        raise ValueError(f"cache is None: {forward} ran in test mode, which has no backward pass")

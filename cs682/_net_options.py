"""Checks of what a network is given: each names the value it refuses and what it wanted."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from cs682._arguments import require_keep_probability
from cs682.layer_utils import NORMALIZATIONS

if TYPE_CHECKING:
    from numpy.typing import DTypeLike


def require_widths(widths: Sequence[Any]) -> list[int]:
    """Return layer widths as plain ints; refuse anything but positive whole numbers."""
    for width in widths:
        if isinstance(width, bool) or not isinstance(width, (int, np.integer)):
            raise TypeError(f"layer widths must be integers, got {width!r} in {list(widths)}")
        if width < 1:
            raise ValueError(f"layer widths must be at least 1, got {width} in {list(widths)}")
    return [int(width) for width in widths]


def require_floating_type(dtype: DTypeLike) -> type[np.generic]:
    """Return a dtype as a type; refuse integers, which would cut every result."""
    kind: type[np.generic] = np.dtype(dtype).type
    if not np.issubdtype(kind, np.floating):
        raise TypeError(f"dtype must be a floating NumPy type, got {dtype!r}")
    return kind


def require_not_negative(name: str, value: Any) -> float:
    """Return `value` as a plain float, so that float32 parameters stay float32."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number, got {value!r}")
    number = float(value)
    if not (np.isfinite(number) and number >= 0):
        raise ValueError(f"{name} must be finite and at least 0, got {value!r}")
    return number


def one_keep_probability(dropout: Any, dropout_keep_ratio: Any) -> float:
    """Settle on one keep probability when the option came under both of its names."""
    keep = require_keep_probability(dropout, "dropout")
    if dropout_keep_ratio is None:
        return keep
    ratio = require_keep_probability(dropout_keep_ratio, "dropout_keep_ratio")
    if keep not in (1, ratio):
        raise ValueError(
            f"dropout={dropout!r} and dropout_keep_ratio={dropout_keep_ratio!r} contradict each "
            "other: they are two names of one option, so give one"
        )
    return ratio


def one_normalization(normalization: str | None, use_batchnorm: bool | None) -> str | None:
    """Settle on one normalization when the option came under both of its names."""
    if normalization is not None and normalization not in NORMALIZATIONS:
        raise ValueError(
            f"normalization must be None or one of {NORMALIZATIONS}, got {normalization!r}"
        )
    if use_batchnorm is None:
        return normalization
    wanted = "batchnorm" if use_batchnorm else None
    if normalization not in (None, wanted):
        raise ValueError(
            f"normalization={normalization!r} and use_batchnorm={use_batchnorm!r} contradict each "
            "other: use_batchnorm=True means normalization='batchnorm', so give one"
        )
    return wanted

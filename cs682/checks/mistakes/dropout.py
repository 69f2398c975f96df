"""What common mistakes in dropout give, so that a check can name them."""

from __future__ import annotations

from typing import Any

import numpy as np


def backward(dout: Any, p: float) -> dict[str, tuple[Any, Any]]:
    """Return cause -> gradient, shaped like dout, of values that were kept and of dropped ones."""
    zeros = np.zeros_like(dout)
    return {
        "the mask is not applied": (dout, dout),
        "the factor 1/p is missing": (dout, zeros),
        "the factor 1/p is applied twice": (dout / p**2, zeros),
        "dout is multiplied with 1 - mask": (dout * (1 - 1 / p), dout),
        "the mask is the wrong way round: it is 0 where the value was dropped": (zeros, dout),
    }

"""What common mistakes in the affine and ReLU layers give, so that a check can name them."""

from __future__ import annotations

from typing import Any

import numpy as np

from cs682.checks import slow


def affine_forward(x: Any, w: Any, b: Any) -> dict[str, Any]:
    """Return cause -> output, shape (N, M), of an affine layer."""
    no_bias = slow.affine(x, w, 0 * b)
    rows = x.reshape(len(x), -1, order="F")
    return {
        "the bias b is not added": no_bias,
        "the bias b is subtracted": no_bias - b,
        "each example must be flattened in C order, as reshape does by default": slow.affine(
            rows, w, b
        ),
        "reshaping to (D, N) mixes the examples; reshape to (N, D)": slow.affine(
            x.reshape(-1, len(x)).T, w, b
        ),
        "the bias b is multiplied with; it is added": no_bias * b,
        "the bias is added once for each input value; once is enough": no_bias + len(w) * b,
    }


def relu_forward(x: Any) -> dict[str, Any]:
    """Return cause -> output, shaped like x, of ReLU."""
    return {
        "this is the 0/1 mask, not the values": (x > 0).astype(float),
        "this is the absolute value": np.abs(x),
        "negative values pass, positive ones do not": np.minimum(x, 0),
        "negative values pass unchanged; set them to zero": x,
        "negative values leak through; this is leaky ReLU": np.where(x > 0, x, 0.01 * x),
        "negative values leak through, a tenth of each": np.where(x > 0, x, 0.1 * x),
        "large values are clipped; ReLU has no upper end": np.clip(x, 0, 1),
        "negative values come back positive, and positive ones as zero": slow.relu(-x),
        "this is softplus, a smooth relative of ReLU": np.log1p(np.exp(x)),
        "this is the sigmoid function": 1 / (1 + np.exp(-x)),
        "this is tanh": np.tanh(x),
        "the values are squared": slow.relu(x) ** 2,
    }


def relu_backward(x: Any, dout: Any) -> dict[str, Any]:
    """Return cause -> gradient, shaped like x, of ReLU."""
    return {
        "the mask is taken from dout, not from x": dout * (dout > 0),
        "this is the mask; it still has to be multiplied with dout": (x > 0).astype(float),
        "dout is missing: these are the positive values of x": slow.relu(x),
        "dout is multiplied with the values; the slope of ReLU is 1 where x > 0": dout
        * slow.relu(x),
        "the mask is the wrong way round: the gradient passes where x > 0": dout * (x <= 0),
        "the gradient leaks through where x < 0; ReLU is flat there": np.where(
            x > 0, dout, 0.01 * dout
        ),
        "where x < 0 the slope is 0; here it is -1, as for the absolute value": dout * np.sign(x),
        "negative gradients are cut off too; the mask depends on x alone": slow.relu(
            dout * (x > 0)
        ),
        "dout[mask] is one row of the values where the mask is True; dx is as large as x": (
            dout[x > 0]
        ),
        f"dout passes everywhere for x of {x.ndim} dimension{'s' * (x.ndim != 1)}; it must stop "
        "where x was not positive": dout,
    }

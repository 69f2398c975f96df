"""The definitions, spelt out one number at a time: what the checks hold results against.

Nothing here is vectorized, and no gradient is derived: gradients come from `slope`, which only
ever evaluates a forward definition. That makes these functions independent of any solution, easy
to verify by eye, and far too slow for anything but a check.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cs682.checks.slopes import slope as slope
from cs682.checks.slopes import slopes as slopes

if TYPE_CHECKING:
    from cs682._types import Array, Labels, Params


def affine(x: Array, w: Array, b: Array) -> Array:
    """Return the output of an affine layer, shape (N, M).

    Parameters
    ----------
    x : ndarray of float, shape (N, d_1, ..., d_k)
    w : ndarray of float, shape (D, M)
    b : ndarray of float, shape (M,)
    """
    out = np.zeros((len(x), len(b)))
    for n, example in enumerate(x):
        values = [float(v) for v in example.flat]
        for m in range(len(b)):
            out[n, m] = b[m] + math.fsum(v * w[d, m] for d, v in enumerate(values))
    return out


def relu(x: Array) -> Array:
    """Return x with everything that is not positive set to 0.

    Parameters
    ----------
    x : ndarray of float, any shape
    """
    out = np.zeros(x.shape)
    for i in np.ndindex(*x.shape):
        if x[i] > 0:
            out[i] = x[i]
    return out


def mean_and_variance(values: Sequence[float]) -> tuple[float, float]:
    """Return the mean and the biased variance of a list of numbers."""
    mean = math.fsum(values) / len(values)
    return mean, math.fsum((v - mean) ** 2 for v in values) / len(values)


def normalize(
    x: Array,
    gamma: Array,
    beta: Array,
    eps: float = 1e-5,
    axis: int = 0,
    mean_of: Array | None = None,
    var_of: Array | None = None,
) -> Array:
    """Return x normalized along an axis, scaled by gamma and shifted by beta, shape (N, D).

    Parameters
    ----------
    x : ndarray of float, shape (N, D)
    gamma, beta : ndarray of float, shape (D,)
    eps : float, added to the variance
    axis : int, along which mean and variance are taken
    mean_of, var_of : ndarray of float, shape (N, D), or None; whose mean and variance to use,
        where None means those of `x`: with a fixed array, `slope` does not see how they depend on x
    """
    lines = np.moveaxis(x, axis, -1)
    means = np.moveaxis(x if mean_of is None else mean_of, axis, -1)
    variances = np.moveaxis(x if var_of is None else var_of, axis, -1)
    x_hat = np.zeros(lines.shape)
    for i, line in enumerate(lines):
        mean, _ = mean_and_variance([float(v) for v in means[i]])
        _, var = mean_and_variance([float(v) for v in variances[i]])
        for j, value in enumerate(line):
            x_hat[i, j] = (value - mean) / math.sqrt(var + eps)
    return gamma * np.moveaxis(x_hat, -1, axis) + beta


def batchnorm(x: Array, gamma: Array, beta: Array, eps: float = 1e-5) -> Array:
    """Return training-time batch normalization, shape (N, D).

    Parameters
    ----------
    x : ndarray of float, shape (N, D)
    gamma, beta : ndarray of float, shape (D,)
    eps : float
    """
    return normalize(x, gamma, beta, eps, axis=0)


def layernorm(x: Array, gamma: Array, beta: Array, eps: float = 1e-5) -> Array:
    """Return layer normalization, shape (N, D).

    Parameters
    ----------
    x : ndarray of float, shape (N, D)
    gamma, beta : ndarray of float, shape (D,)
    eps : float
    """
    return normalize(x, gamma, beta, eps, axis=1)


def conv(x: Array, w: Array, b: Array, stride: int = 1, pad: int = 0) -> Array:
    """Return the output of a convolutional layer, shape (N, F, H', W').

    Parameters
    ----------
    x : ndarray of float, shape (N, C, H, W)
    w : ndarray of float, shape (F, C, HH, WW)
    b : ndarray of float, shape (F,)
    stride : int, pixels from one window to the next
    pad : int, rows and columns of zeros on each side
    """
    (N, C, H, W), (F, _, HH, WW) = x.shape, w.shape
    padded = np.zeros((N, C, H + 2 * pad, W + 2 * pad))
    padded[:, :, pad : pad + H, pad : pad + W] = x
    out = np.zeros((N, F, (H + 2 * pad - HH) // stride + 1, (W + 2 * pad - WW) // stride + 1))
    for i, j in np.ndindex(*out.shape[2:]):  # all images at once, or networks take too long
        windows = padded[:, :, i * stride : i * stride + HH, j * stride : j * stride + WW]
        out[:, :, i, j] = b + np.tensordot(windows, w, ((1, 2, 3), (1, 2, 3)))
    return out


def max_pool(x: Array, height: int, width: int, stride: int) -> Array:
    """Return the largest value of each window, shape (N, C, H', W').

    Parameters
    ----------
    x : ndarray of float, shape (N, C, H, W)
    height, width : int, of a window
    stride : int, pixels from one window to the next
    """
    N, C, H, W = x.shape
    out = np.zeros((N, C, (H - height) // stride + 1, (W - width) // stride + 1))
    for i, j in np.ndindex(*out.shape[2:]):
        top, left = i * stride, j * stride
        out[:, :, i, j] = x[:, :, top : top + height, left : left + width].max(axis=(2, 3))
    return out


def spatial_batchnorm(
    x: Array,
    gamma: Array,
    beta: Array,
    eps: float = 1e-5,
    mean: Array | None = None,
    var: Array | None = None,
) -> Array:
    """Return batch normalization of each channel over images and pixels, shape (N, C, H, W).

    Parameters
    ----------
    x : ndarray of float, shape (N, C, H, W)
    gamma, beta : ndarray of float, shape (C,)
    eps : float
    mean, var : ndarray of float, shape (C,), the running ones at test time; None in training
    """
    out = np.zeros(x.shape)
    for c in range(x.shape[1]):
        line, one = x[:, c].reshape(-1, 1), slice(c, c + 1)
        if mean is None or var is None:
            line = batchnorm(line, gamma[one], beta[one], eps)
        else:
            line = standardize(line, gamma[one], beta[one], eps, mean[one], var[one])
        out[:, c] = line.reshape(x[:, c].shape)
    return out


def groupnorm(x: Array, gamma: Array, beta: Array, G: int, eps: float = 1e-5) -> Array:
    """Return group normalization, shape (N, C, H, W).

    Parameters
    ----------
    x : ndarray of float, shape (N, C, H, W)
    gamma, beta : ndarray of float, shape (1, C, 1, 1)
    G : int, the number of groups, which divides C
    eps : float
    """
    x_hat, size = np.zeros(x.shape), x.shape[1] // G
    for n, g in np.ndindex(len(x), G):
        channels = range(g * size, (g + 1) * size)
        values = [float(v) for c in channels for v in x[n, c].flat]
        mean, var = mean_and_variance(values)
        for c in channels:
            x_hat[n, c] = (x[n, c] - mean) / math.sqrt(var + eps)
    return gamma * x_hat + beta


def standardize(x: Array, gamma: Array, beta: Array, eps: float, mean: Array, var: Array) -> Array:
    """Return test-time batch normalization with these statistics, shape (N, D).

    Parameters
    ----------
    x : ndarray of float, shape (N, D)
    gamma, beta : ndarray of float, shape (D,)
    eps : float
    mean, var : ndarray of float, shape (D,); the running ones
    """
    out = np.zeros(x.shape)
    for n, d in np.ndindex(*x.shape):
        out[n, d] = gamma[d] * (x[n, d] - mean[d]) / math.sqrt(var[d] + eps) + beta[d]
    return out


def running_average(old: Array, new: Array, momentum: float) -> Array:
    """Return the running average after one more value, of which momentum keeps the old.

    Parameters
    ----------
    old, new : ndarray of float, shape (D,)
    momentum : float in [0, 1]
    """
    return momentum * old + (1 - momentum) * new


def softmax_loss(scores: Array, y: Labels) -> float:
    """Return the mean cross-entropy in nats.

    Parameters
    ----------
    scores : ndarray of float, shape (N, C)
    y : ndarray of int, shape (N,)
    """
    losses = []
    for row, label in zip(scores, y, strict=True):
        top = max(row)
        total = math.fsum(math.exp(s - top) for s in row)
        losses.append(math.log(total) - (row[label] - top))
    return math.fsum(losses) / len(losses)


def svm_loss(scores: Array, y: Labels) -> float:
    """Return the mean multiclass hinge loss with margin 1.

    Parameters
    ----------
    scores : ndarray of float, shape (N, C)
    y : ndarray of int, shape (N,)
    """
    losses = []
    for row, label in zip(scores, y, strict=True):
        others = (s for c, s in enumerate(row) if c != label)
        losses.append(math.fsum(max(0.0, s - row[label] + 1) for s in others))
    return math.fsum(losses) / len(losses)


def dropout_slopes(dout: Array, p: float) -> tuple[Array, Array]:
    """Return the gradient at the input of dropout for values that were kept, and for dropped ones.

    Parameters
    ----------
    dout : ndarray of float, any shape
    p : float, probability of keeping a value
    """
    kept = slope(lambda v: v / p, np.zeros(dout.shape), dout)
    return kept, np.zeros(dout.shape)


def net_scores(
    params: Params,
    X: Array,
    normalization: str | None = None,
    masks: Sequence[Array] = (),
    activation: Callable[[Array], Array] = relu,
    pools: Sequence[int] = (),
    running: Sequence[Params] = (),
) -> Array:
    """Return the scores of a net in train mode, shape (N, C): conv blocks, then affine layers.

    Parameters
    ----------
    params : dict of ndarrays
    X : ndarray of float, shape (N, d_1, ..., d_k)
    normalization : {None, 'batchnorm', 'layernorm'}, of the affine layers
    masks : one ndarray for each hidden layer, what dropout multiplies it with; empty: no dropout
    activation : function of an ndarray, in place of ReLU
    pools : the side of the pooling windows for each conv block; empty: no conv blocks
    running : as for `conv_blocks`
    """
    out = conv_blocks(params, X, pools, activation, running)
    params = behind(params, len(pools))
    layers = sum(name.startswith("W") for name in params)
    norm = {None: None, "batchnorm": batchnorm, "layernorm": layernorm}[normalization]
    for i in range(1, layers + 1):
        out = affine(out, params[f"W{i}"], params[f"b{i}"])
        if i < layers:
            if norm is not None:
                out = norm(out, params[f"gamma{i}"], params[f"beta{i}"])
            out = activation(out)
            if masks:
                out = out * masks[i - 1]
    return out


def conv_blocks(
    params: Params,
    X: Array,
    pools: Sequence[int],
    activation: Callable[[Array], Array] = relu,
    running: Sequence[Params] = (),
) -> Array:
    """Return what blocks of conv - [batch norm] - ReLU - [pool] make of images, (N, F, H', W').

    Parameters
    ----------
    params : dict of ndarrays; a block has batch norm if its gamma is there
    X : ndarray of float, shape (N, C, H, W)
    pools : the side of the pooling windows for each block
    activation : function of an ndarray, in place of ReLU
    running : a dict for each block, with running_mean and running_var if it has batch norm, for
        the scores in test mode; empty in train mode
    """
    out = X
    for i, side in enumerate(pools, start=1):
        w = params[f"W{i}"]
        out = conv(out, w, params[f"b{i}"], pad=(w.shape[2] - 1) // 2)
        if f"gamma{i}" in params:
            at_test = running[i - 1] if running else {}
            mean, var = at_test.get("running_mean"), at_test.get("running_var")
            gamma, beta = params[f"gamma{i}"], params[f"beta{i}"]
            out = spatial_batchnorm(out, gamma, beta, mean=mean, var=var)
        out = max_pool(activation(out), side, side, side)
    return out


def behind(params: Params, blocks: int) -> Params:
    """Return the parameters of the layers behind the blocks, named as if these were not there."""
    words = {name: name.rstrip("0123456789") for name in params}
    numbers = {name: int(name.removeprefix(words[name])) - blocks for name in params}
    return {f"{words[k]}{numbers[k]}": v for k, v in params.items() if numbers[k] > 0}


def penalty(params: Params, reg: float) -> float:
    """Return ``0.5 * reg`` times the sum of all squared weights, biases and the like left out."""
    weights = (v for name, v in params.items() if name.startswith("W"))
    return 0.5 * reg * math.fsum(float(v) ** 2 for w in weights for v in w.flat)


def net_loss(params: Params, X: Array, y: Labels, reg: float = 0.0, **options: Any) -> float:
    """Return the loss of a fully-connected net: cross-entropy in nats plus the penalty.

    Parameters
    ----------
    params : dict of ndarrays
    X : ndarray of float, shape (N, d_1, ..., d_k)
    y : ndarray of int, shape (N,)
    reg : float
    **options : as for `net_scores`
    """
    return softmax_loss(net_scores(params, X, **options), y) + penalty(params, reg)


def with_penalty(gradients: Params, params: Params, reg: float) -> Params:
    """Return gradients of a loss that has this penalty in addition.

    Parameters
    ----------
    gradients, params : dict of ndarrays with the same names and shapes
    reg : float
    """
    return {k: g + reg * params[k] if k.startswith("W") else g for k, g in gradients.items()}


def net_slopes(params: Params, *args: Any, **options: Any) -> Params:
    """Return the gradient of `net_loss` for each parameter; arguments as for `net_loss`."""

    def loss(*values: Array) -> float:
        return net_loss(dict(zip(params, values, strict=True)), *args, **options)

    return dict(zip(params, slopes(loss, list(params.values())), strict=True))

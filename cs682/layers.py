"""Layers as pairs of plain functions: a forward pass and its backward pass.

`thing_forward` returns ``(out, cache)``; `thing_backward` takes the upstream gradient ``dout``,
of the shape of ``out``, together with that cache, and returns the gradient of the loss with
respect to each input of the forward pass. Nothing here remembers anything between calls, so
layers can be checked one by one and then chained in any order (see `cs682.layer_utils`).

Letters: N examples, D inputs, M outputs, C classes; of images C channels, H rows and W columns; F
filters of HH rows and WW columns; G groups of channels. No function writes to an array it is given,
and float32 inputs give float32 results.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cs682._arguments import (
    require_affine_shapes,
    require_cache,
    require_conv_arguments,
    require_floating,
    require_groups,
    require_keep_probability,
    require_mode,
    require_norm_arguments,
    require_pool_arguments,
    require_scores_and_labels,
    require_shape,
    require_spatial_arguments,
)
from cs682.training.input_gradient import spares_input_gradient

if TYPE_CHECKING:
    from cs682._types import Array, Cache, Labels, Options

__all__ = [
    "affine_backward",
    "affine_forward",
    "batchnorm_backward",
    "batchnorm_backward_alt",
    "batchnorm_forward",
    "conv_backward_naive",
    "conv_forward_naive",
    "dropout_backward",
    "dropout_forward",
    "layernorm_backward",
    "layernorm_forward",
    "max_pool_backward_naive",
    "max_pool_forward_naive",
    "np",  # notebooks of every edition take it from here, through `from ... import *`
    "relu_backward",
    "relu_forward",
    "softmax_loss",
    "spatial_batchnorm_backward",
    "spatial_batchnorm_forward",
    "spatial_groupnorm_backward",
    "spatial_groupnorm_forward",
    "svm_loss",
]


def affine_forward(x: Array, w: Array, b: Array) -> tuple[Array, Cache]:
    """Map each example linearly to M outputs: sums of its values, weighted by `w`, plus `b`.

    Source: any linear model; the layer is called "fully connected" in networks.

    Parameters
    ----------
    x : ndarray of float, shape (N, d_1, ..., d_k); N examples with D = d_1 * ... * d_k values each
    w : ndarray of float, shape (D, M); weights
    b : ndarray of float, shape (M,); biases

    Returns
    -------
    out : ndarray, shape (N, M)
    cache : tuple ``(x, w, b)`` with `x` in its original shape, read by `affine_backward`

    Raises
    ------
    ValueError
        If `w` is not a matrix, or the shapes of `x`, `w` and `b` do not fit together.
    """
    require_affine_shapes(x, w, b)
    # TODO(fc-1.1): a row for each example, its M weighted sums, the biases; cache (x, w, b).
    # BEGIN SOLUTION
    rows = x.reshape(x.shape[0], -1)  # (N, D)
    out = rows @ w + b  # (N, M)
    return out, (x, w, b)
    # END SOLUTION


@spares_input_gradient
def affine_backward(dout: Array, cache: Cache) -> tuple[Array, Array, Array]:
    """Push the gradient of the loss back through `affine_forward`.

    Parameters
    ----------
    dout : ndarray of float, shape (N, M); gradient with respect to the layer's output
    cache : tuple ``(x, w, b)`` as `affine_forward` returned it

    Returns
    -------
    dx : ndarray, shape (N, d_1, ..., d_k) like `x`
    dw : ndarray, shape (D, M)
    db : ndarray, shape (M,)

    Raises
    ------
    ValueError
        If `dout` does not have the shape of the forward pass's output.

    Notes
    -----
    A gradient has the shape of what it belongs to. Each of its entries sums up, over all outputs
    that depend on this one number, how much they do times their gradient in `dout`.
    """
    x, w, _ = cache
    require_shape("dout", dout, (x.shape[0], w.shape[1]))
    # TODO(fc-1.2): the gradients with respect to x, w and b, each shaped like its array.
    # BEGIN SOLUTION
    rows = x.reshape(x.shape[0], -1)  # (N, D)
    dx = (dout @ w.T).reshape(x.shape)
    dw = rows.T @ dout  # (D, M)
    db = dout.sum(axis=0)  # (M,)
    return dx, dw, db
    # END SOLUTION


def relu_forward(x: Array) -> tuple[Array, Array]:
    """Keep positive values and set the others to zero.

    Source: Nair & Hinton (2010), "Rectified linear units improve restricted Boltzmann machines".

    Parameters
    ----------
    x : ndarray of float, any shape

    Returns
    -------
    out : ndarray, same shape and dtype as `x`
    cache : the array `x` itself, read by `relu_backward`
    """
    # TODO(fc-1.3): what is positive stays, all else becomes 0; the cache is x itself.
    # BEGIN SOLUTION
    return np.maximum(x, 0), x
    # END SOLUTION


def relu_backward(dout: Array, cache: Array) -> Array:
    """Push the gradient of the loss back through `relu_forward`.

    Parameters
    ----------
    dout : ndarray of float, any shape, the same as `x`'s
    cache : ndarray, same shape; the input `x` of the forward pass

    Returns
    -------
    dx : ndarray, same shape as `x`

    Raises
    ------
    ValueError
        If `dout` and the cached `x` differ in shape.

    Notes
    -----
    ReLU has no derivative at exactly 0; the usual convention, used here, is 0.
    """
    x = cache
    require_shape("dout", dout, x.shape)
    # TODO(fc-1.4): which entries of out move with x, and how much? Nothing passes at the others.
    # BEGIN SOLUTION
    return dout * (x > 0)
    # END SOLUTION


def batchnorm_forward(
    x: Array, gamma: Array, beta: Array, bn_param: Options
) -> tuple[Array, Cache | None]:
    """Normalize each feature over the batch, then scale it by `gamma` and shift it by `beta`.

    Source: Ioffe & Szegedy (2015), "Batch normalization", algorithm 1.

    Parameters
    ----------
    x : ndarray of float, shape (N, D)
    gamma : ndarray of float, shape (D,); scale of each feature
    beta : ndarray of float, shape (D,); shift of each feature
    bn_param : dict, updated in place
        ``mode``: 'train' or 'test' (required); ``eps``: added to the variance (default 1e-5);
        ``momentum``: share of the old running value that an update keeps (default 0.9);
        ``running_mean``, ``running_var``: shape (D,), default zeros; replaced, never written into.

    Returns
    -------
    out : ndarray, shape (N, D), dtype of `x`
    cache : tuple for the backward passes in train mode; None in test mode

    Raises
    ------
    TypeError
        If `x` does not hold floating-point numbers.
    ValueError
        If the shapes do not fit together or the mode is neither 'train' nor 'test'.

    Notes
    -----
    The variance is the biased one (divided by N), both here and in the running average, of which
    an update keeps the share `momentum`; the batch's own value makes up the rest.
    """
    require_norm_arguments(x, gamma, beta)
    mode = require_mode(bn_param, "bn_param")
    eps, momentum = float(bn_param.get("eps", 1e-5)), float(bn_param.get("momentum", 0.9))
    running_mean = bn_param.setdefault("running_mean", np.zeros(x.shape[1], dtype=x.dtype))
    running_var = bn_param.setdefault("running_var", np.zeros(x.shape[1], dtype=x.dtype))

    if mode == "train":
        # TODO(bn-1.1): normalize with the batch's mean and variance; update the running ones.
        # BEGIN SOLUTION
        mean = x.mean(axis=0)  # (D,)
        centred = x - mean
        var = (centred**2).mean(axis=0)  # (D,)
        inv_std = 1 / np.sqrt(var + eps)
        x_hat = centred * inv_std  # (N, D), mean 0 and variance about 1 in each column
        bn_param["running_mean"] = momentum * running_mean + (1 - momentum) * mean
        bn_param["running_var"] = momentum * running_var + (1 - momentum) * var
        return gamma * x_hat + beta, (x_hat, inv_std, gamma)
        # END SOLUTION

    # TODO(bn-1.2): normalize with the running mean and variance; there is nothing to cache.
    # BEGIN SOLUTION
    x_hat = (x - running_mean) / np.sqrt(running_var + eps)
    return gamma * x_hat + beta, None
    # END SOLUTION


def batchnorm_backward(dout: Array, cache: Cache | None) -> tuple[Array, Array, Array]:
    """Push the gradient back through `batchnorm_forward`, one node of its graph at a time.

    Parameters
    ----------
    dout : ndarray of float, shape (N, D)
    cache : tuple from `batchnorm_forward` in train mode

    Returns
    -------
    dx : ndarray, shape (N, D)
    dgamma : ndarray, shape (D,)
    dbeta : ndarray, shape (D,)

    Raises
    ------
    ValueError
        If the forward pass ran in test mode.
    """
    require_cache(cache, "batchnorm_forward")
    # TODO(bn-1.3): walk the graph of the forward pass backwards, node by node.
    # BEGIN SOLUTION
    x_hat, inv_std, gamma = cache  # type: ignore[misc]  # not None: refused above
    require_shape("dout", dout, x_hat.shape)
    N = x_hat.shape[0]

    # gamma and beta: out = gamma * x_hat + beta
    dbeta = dout.sum(axis=0)  # (D,)
    dgamma = (dout * x_hat).sum(axis=0)  # (D,)
    dx_hat = dout * gamma  # (N, D)

    # x_hat = centred * inv_std: two paths lead back to centred, one of them through inv_std
    dinv_std = (dx_hat * x_hat).sum(axis=0) / inv_std  # (D,), centred = x_hat / inv_std
    dcentred = dx_hat * inv_std

    # inv_std = (var + eps)^(-1/2) and var = mean over N of centred^2
    dvar = -0.5 * inv_std**3 * dinv_std  # (D,)
    dcentred = dcentred + (2 / N) * dvar * (x_hat / inv_std)

    # centred = x - mean, with mean = sum of x / N
    dmean = -dcentred.sum(axis=0)  # (D,)
    dx = dcentred + dmean / N
    return dx, dgamma, dbeta
    # END SOLUTION


def batchnorm_backward_alt(dout: Array, cache: Cache | None) -> tuple[Array, Array, Array]:
    """Do what `batchnorm_backward` does, from a formula simplified on paper, in fewer passes.

    Parameters
    ----------
    dout : ndarray of float, shape (N, D)
    cache : tuple from `batchnorm_forward` in train mode, the same as for `batchnorm_backward`

    Returns
    -------
    dx : ndarray, shape (N, D)
    dgamma : ndarray, shape (D,)
    dbeta : ndarray, shape (D,)

    Raises
    ------
    ValueError
        If the forward pass ran in test mode.
    """
    require_cache(cache, "batchnorm_forward")
    # TODO(bn-1.4): simplify the derivation on paper, then write dx in one expression.
    # BEGIN SOLUTION
    x_hat, inv_std, gamma = cache  # type: ignore[misc]  # not None: refused above
    require_shape("dout", dout, x_hat.shape)
    N = x_hat.shape[0]
    dbeta = dout.sum(axis=0)  # (D,)
    dgamma = (dout * x_hat).sum(axis=0)  # (D,)
    dx = (gamma * inv_std) * (dout - dbeta / N - x_hat * (dgamma / N))
    return dx, dgamma, dbeta
    # END SOLUTION


def layernorm_forward(
    x: Array, gamma: Array, beta: Array, ln_param: Options
) -> tuple[Array, Cache]:
    """Normalize each example over its features, then scale by `gamma` and shift by `beta`.

    Source: Ba, Kiros & Hinton (2016), "Layer normalization", equation 4.

    Parameters
    ----------
    x : ndarray of float, shape (N, D)
    gamma : ndarray of float, shape (D,); scale of each feature
    beta : ndarray of float, shape (D,); shift of each feature
    ln_param : dict, only read; ``eps``: added to the variance (default 1e-5)

    Returns
    -------
    out : ndarray, shape (N, D), dtype of `x`
    cache : tuple, read by `layernorm_backward`

    Raises
    ------
    TypeError
        If `x` does not hold floating-point numbers.
    ValueError
        If the shapes do not fit together.

    Notes
    -----
    The statistics belong to one example, so training and testing do the same.
    """
    require_norm_arguments(x, gamma, beta)
    eps = float(ln_param.get("eps", 1e-5))
    # TODO(bn-3.1): batch normalization with the roles of examples and features exchanged.
    # BEGIN SOLUTION
    centred = x - x.mean(axis=1, keepdims=True)
    var = (centred**2).mean(axis=1, keepdims=True)  # (N, 1)
    inv_std = 1 / np.sqrt(var + eps)
    x_hat = centred * inv_std  # (N, D), mean 0 and variance about 1 in each row
    return gamma * x_hat + beta, (x_hat, inv_std, gamma)
    # END SOLUTION


def layernorm_backward(dout: Array, cache: Cache) -> tuple[Array, Array, Array]:
    """Push the gradient of the loss back through `layernorm_forward`.

    Parameters
    ----------
    dout : ndarray of float, shape (N, D)
    cache : tuple from `layernorm_forward`

    Returns
    -------
    dx : ndarray, shape (N, D)
    dgamma : ndarray, shape (D,)
    dbeta : ndarray, shape (D,)

    Notes
    -----
    `gamma` differs from feature to feature, so it stays inside the sums over a row; in batch
    normalization it could be taken out of the sums over a column.
    """
    # TODO(bn-3.2): as in batchnorm_backward_alt, with sums along each row; mind gamma.
    # BEGIN SOLUTION
    x_hat, inv_std, gamma = cache
    require_shape("dout", dout, x_hat.shape)
    dbeta = dout.sum(axis=0)  # (D,)
    dgamma = (dout * x_hat).sum(axis=0)  # (D,)
    dx_hat = dout * gamma  # (N, D)
    dx = inv_std * (
        dx_hat
        - dx_hat.mean(axis=1, keepdims=True)
        - x_hat * (dx_hat * x_hat).mean(axis=1, keepdims=True)
    )
    return dx, dgamma, dbeta
    # END SOLUTION


def dropout_forward(x: Array, dropout_param: Options) -> tuple[Array, Cache]:
    """Keep each value with probability p and divide it by p; drop the others (inverted dropout).

    Source: Srivastava et al. (2014), "Dropout", with the division moved to training time.

    Parameters
    ----------
    x : ndarray of float, any shape
    dropout_param : dict, only read
        ``p``: probability of KEEPING a value, in (0, 1]; ``mode``: 'train' or 'test';
        ``seed``: optional int; the mask is then the same in each call, which gradient checks need.

    Returns
    -------
    out : ndarray, same shape and dtype as `x`; in test mode `x` itself
    cache : tuple ``(dropout_param, mask)``; the mask holds 0 or 1/p, and is None in test mode

    Raises
    ------
    TypeError
        If `x` does not hold floating-point numbers or `p` is no number.
    ValueError
        If p lies outside (0, 1] or the mode is neither 'train' nor 'test'.

    Notes
    -----
    Without a seed the mask comes from NumPy's global stream, one ``rand(*x.shape)`` per call, as
    in every edition. A seed gives this call a stream of its own and leaves the global one alone.
    """
    require_floating("x", x)
    mode = require_mode(dropout_param, "dropout_param")
    p = require_keep_probability(dropout_param.get("p"), "dropout_param['p']")
    seed = dropout_param.get("seed")
    rng = np.random if seed is None else np.random.RandomState(seed)

    if mode == "train":
        # TODO(do-1.1): keep where a draw of rng.rand lies below p; the mask carries the factor.
        # BEGIN SOLUTION
        mask = (rng.rand(*x.shape) < p).astype(x.dtype) / p
        return x * mask, (dropout_param, mask)
        # END SOLUTION

    # TODO(do-1.2): what does the layer do at test time?
    # BEGIN SOLUTION
    return x, (dropout_param, None)
    # END SOLUTION


def dropout_backward(dout: Array, cache: Cache) -> Array:
    """Push the gradient of the loss back through `dropout_forward`.

    Parameters
    ----------
    dout : ndarray of float, any shape, that of the forward pass's output
    cache : tuple ``(dropout_param, mask)`` from `dropout_forward`

    Returns
    -------
    dx : ndarray, same shape as `dout`
    """
    # TODO(do-1.3): which part of dout reaches x, with which factor? And after test mode?
    # BEGIN SOLUTION
    mask: Array | None = cache[1]
    if mask is None:  # the forward pass ran in test mode
        return dout
    require_shape("dout", dout, mask.shape)
    return dout * mask
    # END SOLUTION


def conv_forward_naive(x: Array, w: Array, b: Array, conv_param: Options) -> tuple[Array, Cache]:
    """Slide each filter over each image: a number for each place, how well the window fits.

    Source: LeCun et al. (1989), "Backpropagation applied to handwritten zip code recognition".

    Parameters
    ----------
    x : ndarray of float, shape (N, C, H, W); N images of C channels
    w : ndarray of float, shape (F, C, HH, WW); F filters, each as deep as an image
    b : ndarray of float, shape (F,); a bias for each filter
    conv_param : dict, only read
        ``stride``: steps, in pixels, from a window to the next; ``pad``: how many rows and columns
        of zeros are put around each image, on each of its four sides.

    Returns
    -------
    out : ndarray, shape (N, F, H', W') with H' = 1 + (H + 2 * pad - HH) / stride, and W' likewise
    cache : tuple ``(x, w, b, conv_param)``, read by `conv_backward_naive`

    Raises
    ------
    TypeError
        If `x` does not hold floating-point numbers.
    ValueError
        If the shapes do not fit together, a filter is larger than the padded image, or the stride
        does not divide what the first window leaves of it.

    Notes
    -----
    Filters are not flipped: the layer is a correlation, whatever its name says. Loops are welcome;
    `cs682.fast_layers` has the same function without them.
    """
    stride, pad = require_conv_arguments(x, w, b, conv_param)
    # TODO(cn-1.1): zeros around x; each window times a filter, summed, plus its bias; the cache.
    # BEGIN SOLUTION
    N, _, H, W = x.shape
    F, _, HH, WW = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    height, width = 1 + (H + 2 * pad - HH) // stride, 1 + (W + 2 * pad - WW) // stride
    out = np.zeros((N, F, height, width), dtype=x.dtype)
    for n, f, i, j in np.ndindex(*out.shape):
        top, left = i * stride, j * stride
        window = padded[n, :, top : top + HH, left : left + WW]  # (C, HH, WW)
        out[n, f, i, j] = np.sum(window * w[f]) + b[f]
    return out, (x, w, b, conv_param)
    # END SOLUTION


def conv_backward_naive(dout: Array, cache: Cache) -> tuple[Array, Array, Array]:
    """Push the gradient of the loss back through `conv_forward_naive`.

    Parameters
    ----------
    dout : ndarray of float, shape (N, F, H', W')
    cache : tuple ``(x, w, b, conv_param)`` as `conv_forward_naive` returned it

    Returns
    -------
    dx : ndarray, shape (N, C, H, W) like `x`
    dw : ndarray, shape (F, C, HH, WW)
    db : ndarray, shape (F,)

    Notes
    -----
    A pixel lies in several windows, and a filter looks at all of them: each place of each output
    adds its share to both. The zeros around an image are no inputs, so `dx` has none of them.
    """
    # TODO(cn-1.2): let each entry of dout add to the gradients of its window, filter and bias.
    # BEGIN SOLUTION
    x, w, _, conv_param = cache
    stride, pad = conv_param["stride"], conv_param["pad"]
    N, _, H, W = x.shape
    F, _, HH, WW = w.shape
    height, width = 1 + (H + 2 * pad - HH) // stride, 1 + (W + 2 * pad - WW) // stride
    require_shape("dout", dout, (N, F, height, width))
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    dpadded, dw = np.zeros_like(padded), np.zeros_like(w)
    for n, f, i, j in np.ndindex(*dout.shape):
        top, left = i * stride, j * stride
        dw[f] += dout[n, f, i, j] * padded[n, :, top : top + HH, left : left + WW]
        dpadded[n, :, top : top + HH, left : left + WW] += dout[n, f, i, j] * w[f]
    dx = dpadded[:, :, pad : pad + H, pad : pad + W]
    db = dout.sum(axis=(0, 2, 3))
    return dx, dw, db
    # END SOLUTION


def max_pool_forward_naive(x: Array, pool_param: Options) -> tuple[Array, Cache]:
    """Keep the largest value of each window, channel by channel.

    Parameters
    ----------
    x : ndarray of float, shape (N, C, H, W)
    pool_param : dict, only read
        ``pool_height``, ``pool_width``: rows and columns of a window; ``stride``: steps, in
        pixels, from a window to the next. Windows overlap where the stride is smaller.

    Returns
    -------
    out : ndarray, shape (N, C, H', W') with H' = 1 + (H - pool_height) / stride, and W' likewise
    cache : tuple ``(x, pool_param)``, read by `max_pool_backward_naive`

    Raises
    ------
    TypeError
        If `x` does not hold floating-point numbers.
    ValueError
        If a window is larger than the image, or the stride does not divide what the first one
        leaves of it.
    """
    height, width, stride = require_pool_arguments(x, pool_param)
    # TODO(cn-1.3): the maximum of each window, in each channel; the cache.
    # BEGIN SOLUTION
    N, C, H, W = x.shape
    out = np.zeros((N, C, 1 + (H - height) // stride, 1 + (W - width) // stride), dtype=x.dtype)
    for i, j in np.ndindex(*out.shape[2:]):
        top, left = i * stride, j * stride
        out[:, :, i, j] = x[:, :, top : top + height, left : left + width].max(axis=(2, 3))
    return out, (x, pool_param)
    # END SOLUTION


def max_pool_backward_naive(dout: Array, cache: Cache) -> Array:
    """Push the gradient of the loss back through `max_pool_forward_naive`.

    Parameters
    ----------
    dout : ndarray of float, shape (N, C, H', W')
    cache : tuple ``(x, pool_param)`` as `max_pool_forward_naive` returned it

    Returns
    -------
    dx : ndarray, shape (N, C, H, W) like `x`

    Notes
    -----
    Where several pixels of a window share its maximum, the function has no derivative. Any of the
    usual conventions will do: all to the first of them (as here), to one of them, a share to each,
    or all to each.
    """
    # TODO(cn-1.4): hand each entry of dout to the pixel of its window that was the largest.
    # BEGIN SOLUTION
    x, pool_param = cache
    height, width = pool_param["pool_height"], pool_param["pool_width"]
    stride = pool_param["stride"]
    N, C, H, W = x.shape
    require_shape("dout", dout, (N, C, 1 + (H - height) // stride, 1 + (W - width) // stride))
    dx: Array = np.zeros_like(x)
    for n, c, i, j in np.ndindex(*dout.shape):
        top, left = i * stride, j * stride
        window = x[n, c, top : top + height, left : left + width]
        row, column = np.unravel_index(window.argmax(), window.shape)
        dx[n, c, top + row, left + column] += dout[n, c, i, j]
    return dx
    # END SOLUTION


def spatial_batchnorm_forward(
    x: Array, gamma: Array, beta: Array, bn_param: Options
) -> tuple[Array, Cache | None]:
    """Normalize each channel over all images and pixels, then scale it and shift it.

    Source: Ioffe & Szegedy (2015), "Batch normalization", section 3.2.

    Parameters
    ----------
    x : ndarray of float, shape (N, C, H, W)
    gamma : ndarray of float, shape (C,); scale of each channel
    beta : ndarray of float, shape (C,); shift of each channel
    bn_param : dict, updated in place
        As for `batchnorm_forward`; ``running_mean`` and ``running_var`` have shape (C,).

    Returns
    -------
    out : ndarray, shape (N, C, H, W), dtype of `x`
    cache : whatever the backward pass needs in train mode; None in test mode

    Raises
    ------
    TypeError
        If `x` does not hold floating-point numbers.
    ValueError
        If the shapes do not fit together or the mode is neither 'train' nor 'test'.

    Notes
    -----
    A filter looks for the same thing wherever it lies, so each of its outputs is one more example
    of one feature: batch norm of N * H * W examples with C features.
    """
    require_spatial_arguments(x, gamma, beta, x.shape[1:2])
    # TODO(cn-3.1): which arrangement of x makes this a task for batchnorm_forward? And back again.
    # BEGIN SOLUTION
    N, C, H, W = x.shape
    rows = x.transpose(0, 2, 3, 1).reshape(-1, C)  # (N * H * W, C), a pixel in each row
    out, cache = batchnorm_forward(rows, gamma, beta, bn_param)
    return out.reshape(N, H, W, C).transpose(0, 3, 1, 2), cache
    # END SOLUTION


def spatial_batchnorm_backward(dout: Array, cache: Cache | None) -> tuple[Array, Array, Array]:
    """Push the gradient of the loss back through `spatial_batchnorm_forward`.

    Parameters
    ----------
    dout : ndarray of float, shape (N, C, H, W)
    cache : what `spatial_batchnorm_forward` returned in train mode

    Returns
    -------
    dx : ndarray, shape (N, C, H, W)
    dgamma : ndarray, shape (C,)
    dbeta : ndarray, shape (C,)

    Raises
    ------
    ValueError
        If the forward pass ran in test mode.
    """
    require_cache(cache, "spatial_batchnorm_forward")
    # TODO(cn-3.2): arrange dout as the forward pass arranged x.
    # BEGIN SOLUTION
    N, C, H, W = dout.shape
    rows = dout.transpose(0, 2, 3, 1).reshape(-1, C)
    dx, dgamma, dbeta = batchnorm_backward_alt(rows, cache)
    return dx.reshape(N, H, W, C).transpose(0, 3, 1, 2), dgamma, dbeta
    # END SOLUTION


def spatial_groupnorm_forward(
    x: Array, gamma: Array, beta: Array, G: int, gn_param: Options
) -> tuple[Array, Cache]:
    """Normalize each group of channels of each image, then scale and shift each channel.

    Source: Wu & He (2018), "Group normalization", equation 7.

    Parameters
    ----------
    x : ndarray of float, shape (N, C, H, W)
    gamma : ndarray of float, shape (1, C, 1, 1); scale of each channel
    beta : ndarray of float, shape (1, C, 1, 1); shift of each channel
    G : int, the number of groups; the first C / G channels are the first group, and so on
    gn_param : dict, only read; ``eps``: added to the variance (default 1e-5)

    Returns
    -------
    out : ndarray, shape (N, C, H, W), dtype of `x`
    cache : tuple, read by `spatial_groupnorm_backward`

    Raises
    ------
    TypeError
        If `x` does not hold floating-point numbers.
    ValueError
        If the shapes do not fit together, or G does not divide C.

    Notes
    -----
    Mean and (biased) variance belong to one image and one group: they run over its C / G channels
    and all their pixels. Training and testing do the same.
    """
    require_spatial_arguments(x, gamma, beta, (1, x.shape[1], 1, 1))
    G = require_groups(G, x.shape[1])
    eps = float(gn_param.get("eps", 1e-5))
    # TODO(cn-3.3): which arrangement of x has one group of one image in each row?
    # BEGIN SOLUTION
    groups = x.reshape(len(x), G, -1)  # C / G channels and all their pixels in each row
    centred = groups - groups.mean(axis=2, keepdims=True)
    var = (centred**2).mean(axis=2, keepdims=True)  # (N, G, 1)
    inv_std = 1 / np.sqrt(var + eps)
    x_hat = (centred * inv_std).reshape(x.shape)
    return gamma * x_hat + beta, (x_hat, inv_std, gamma, G)
    # END SOLUTION


def spatial_groupnorm_backward(dout: Array, cache: Cache) -> tuple[Array, Array, Array]:
    """Push the gradient of the loss back through `spatial_groupnorm_forward`.

    Parameters
    ----------
    dout : ndarray of float, shape (N, C, H, W)
    cache : tuple from `spatial_groupnorm_forward`

    Returns
    -------
    dx : ndarray, shape (N, C, H, W)
    dgamma : ndarray, shape (1, C, 1, 1)
    dbeta : ndarray, shape (1, C, 1, 1)
    """
    # TODO(cn-3.4): as in layernorm_backward, with a group of an image for each of its rows.
    # BEGIN SOLUTION
    x_hat, inv_std, gamma, G = cache
    require_shape("dout", dout, x_hat.shape)
    dbeta = dout.sum(axis=(0, 2, 3), keepdims=True)  # (1, C, 1, 1)
    dgamma = (dout * x_hat).sum(axis=(0, 2, 3), keepdims=True)
    dx_hat = (dout * gamma).reshape(len(dout), G, -1)
    rows = x_hat.reshape(dx_hat.shape)
    through_mean = dx_hat.mean(axis=2, keepdims=True)  # (N, G, 1)
    through_var = rows * (dx_hat * rows).mean(axis=2, keepdims=True)
    dx = inv_std * (dx_hat - through_mean - through_var)
    return dx.reshape(dout.shape), dgamma, dbeta
    # END SOLUTION


def svm_loss(x: Array, y: Labels) -> tuple[float, Array]:
    """Compute the multiclass hinge loss with margin 1, and its gradient.

    Source: Weston & Watkins (1999), "Support vector machines for multi-class pattern recognition".

    Parameters
    ----------
    x : ndarray of float, shape (N, C); ``x[i, j]`` is the score of class j for example i
    y : ndarray of int, shape (N,); the right class of each example, ``0 <= y[i] < C``

    Returns
    -------
    loss : float, mean over the examples
    dx : ndarray, shape (N, C); gradient of the loss with respect to `x`

    Raises
    ------
    TypeError
        If `x` is not floating or `y` not integer.
    ValueError
        If the shapes do not fit together or a label lies outside [0, C).
    """
    require_scores_and_labels(x, y)
    rows = np.arange(x.shape[0])
    margins = np.maximum(0, x - x[rows, y][:, None] + 1)  # (N, C)
    margins[rows, y] = 0
    dx = (margins > 0).astype(x.dtype)
    dx[rows, y] = -dx.sum(axis=1)
    return float(margins.sum(axis=1).mean()), dx / x.shape[0]


def softmax_loss(x: Array, y: Labels) -> tuple[float, Array]:
    """Compute the mean cross-entropy of softmax probabilities in nats, and its gradient.

    Source: any text on logistic regression, e.g. Bishop (2006), section 4.3.4.

    Parameters
    ----------
    x : ndarray of float, shape (N, C); ``x[i, j]`` is the score of class j for example i
    y : ndarray of int, shape (N,); the right class of each example, ``0 <= y[i] < C``

    Returns
    -------
    loss : float, mean over the examples, in nats
    dx : ndarray, shape (N, C); gradient of the loss with respect to `x`

    Raises
    ------
    TypeError
        If `x` is not floating or `y` not integer.
    ValueError
        If the shapes do not fit together or a label lies outside [0, C).

    Notes
    -----
    Subtracting each row's maximum changes nothing in the result and keeps `exp` from overflowing;
    working with log-probabilities keeps the loss finite when the right class's probability is 0.
    """
    require_scores_and_labels(x, y)
    rows = np.arange(x.shape[0])
    shifted = x - x.max(axis=1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))  # (N, C)
    dx = np.exp(log_probs)
    dx[rows, y] -= 1
    return -float(log_probs[rows, y].mean()), dx / x.shape[0]

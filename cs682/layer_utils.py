"""Sandwiches: layers that often stand together, snapped into one pair of functions.

Each forward returns ``(out, cache)`` and each backward takes ``(dout, cache)``, like the layers
themselves; the cache of a sandwich is a tuple of its layers' caches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cs682._arguments import require_hidden_cache
from cs682.fast_layers import (
    conv_backward_fast,
    conv_forward_fast,
    max_pool_backward_fast,
    max_pool_forward_fast,
)
from cs682.layers import (
    affine_backward,
    affine_forward,
    batchnorm_backward,  # noqa: F401  # as good in a sandwich as the simplified one
    batchnorm_backward_alt,
    batchnorm_forward,
    dropout_backward,
    dropout_forward,
    layernorm_backward,
    layernorm_forward,
    relu_backward,
    relu_forward,
    spatial_batchnorm_backward,
    spatial_batchnorm_forward,
)

if TYPE_CHECKING:
    from cs682._types import Array, Cache, Options

NORMALIZATIONS = ("batchnorm", "layernorm")


def affine_relu_forward(x: Array, w: Array, b: Array) -> tuple[Array, Cache]:
    """Apply an affine layer and then ReLU.

    Parameters
    ----------
    x : ndarray of float, shape (N, d_1, ..., d_k)
    w : ndarray of float, shape (D, M)
    b : ndarray of float, shape (M,)

    Returns
    -------
    out : ndarray, shape (N, M)
    cache : tuple ``(fc_cache, relu_cache)``
    """
    a, fc_cache = affine_forward(x, w, b)
    out, relu_cache = relu_forward(a)
    return out, (fc_cache, relu_cache)


def affine_relu_backward(dout: Array, cache: Cache) -> tuple[Array, Array, Array]:
    """Push the gradient of the loss back through `affine_relu_forward`.

    Parameters
    ----------
    dout : ndarray of float, shape (N, M)
    cache : tuple ``(fc_cache, relu_cache)``

    Returns
    -------
    dx : ndarray, shape (N, d_1, ..., d_k)
    dw : ndarray, shape (D, M)
    db : ndarray, shape (M,)
    """
    fc_cache, relu_cache = cache
    return affine_backward(relu_backward(dout, relu_cache), fc_cache)


def affine_norm_relu_forward(
    x: Array,
    w: Array,
    b: Array,
    gamma: Array,
    beta: Array,
    norm_param: Options,
    normalization: str,
) -> tuple[Array, Cache]:
    """Apply an affine layer, a normalization and then ReLU.

    Parameters
    ----------
    x : ndarray of float, shape (N, d_1, ..., d_k)
    w : ndarray of float, shape (D, M)
    b : ndarray of float, shape (M,)
    gamma : ndarray of float, shape (M,); scale of the normalized values
    beta : ndarray of float, shape (M,); shift of the normalized values
    norm_param : dict; the ``bn_param`` or ``ln_param`` of the normalization
    normalization : {'batchnorm', 'layernorm'}

    Returns
    -------
    out : ndarray, shape (N, M)
    cache : tuple, read by `affine_norm_relu_backward`

    Raises
    ------
    ValueError
        If `normalization` is neither of the two.
    """
    if normalization not in NORMALIZATIONS:
        raise ValueError(f"normalization must be one of {NORMALIZATIONS}, got {normalization!r}")
    # TODO(bn-2.2): affine, then the normalization that was asked for, then ReLU; keep the caches.
    # BEGIN SOLUTION
    norm_forward = batchnorm_forward if normalization == "batchnorm" else layernorm_forward
    a, fc_cache = affine_forward(x, w, b)
    a_norm, norm_cache = norm_forward(a, gamma, beta, norm_param)
    out, relu_cache = relu_forward(a_norm)
    return out, (fc_cache, norm_cache, relu_cache, normalization)
    # END SOLUTION


def affine_norm_relu_backward(
    dout: Array, cache: Cache
) -> tuple[Array, Array, Array, Array, Array]:
    """Push the gradient of the loss back through `affine_norm_relu_forward`.

    Parameters
    ----------
    dout : ndarray of float, shape (N, M)
    cache : tuple from `affine_norm_relu_forward`

    Returns
    -------
    dx : ndarray, shape (N, d_1, ..., d_k)
    dw : ndarray, shape (D, M)
    db : ndarray, shape (M,)
    dgamma : ndarray, shape (M,)
    dbeta : ndarray, shape (M,)
    """
    # TODO(bn-2.2): the same layers in reverse order, each with its own cache.
    # BEGIN SOLUTION
    fc_cache, norm_cache, relu_cache, normalization = cache
    is_batchnorm = normalization == "batchnorm"
    norm_backward = batchnorm_backward_alt if is_batchnorm else layernorm_backward
    da_norm = relu_backward(dout, relu_cache)
    da, dgamma, dbeta = norm_backward(da_norm, norm_cache)
    dx, dw, db = affine_backward(da, fc_cache)
    return dx, dw, db, dgamma, dbeta
    # END SOLUTION


def affine_norm_relu_dropout_forward(
    x: Array,
    w: Array,
    b: Array,
    gamma: Array | None = None,
    beta: Array | None = None,
    norm_param: Options | None = None,
    normalization: str | None = None,
    dropout_param: Options | None = None,
) -> tuple[Array, Cache]:
    """Apply one hidden layer of a network: affine, normalization if any, ReLU, dropout if any.

    Parameters
    ----------
    x : ndarray of float, shape (N, d_1, ..., d_k)
    w : ndarray of float, shape (D, M)
    b : ndarray of float, shape (M,)
    gamma : ndarray of float, shape (M,), or None; needed with a normalization
    beta : ndarray of float, shape (M,), or None; needed with a normalization
    norm_param : dict or None; needed with a normalization
    normalization : {None, 'batchnorm', 'layernorm'}
    dropout_param : dict or None; None or an empty dict means no dropout

    Returns
    -------
    out : ndarray, shape (N, M)
    cache : tuple ``(inner, dropout_cache)``; `inner` belongs to the layers before dropout, and
        `dropout_cache` is None without dropout

    Raises
    ------
    ValueError
        If a normalization is asked for without `gamma`, `beta` and `norm_param`.
    """
    inner: Any
    if normalization is None:
        out, inner = affine_relu_forward(x, w, b)
    elif gamma is None or beta is None or norm_param is None:
        raise ValueError(f"normalization={normalization!r} needs gamma, beta and norm_param")
    else:
        out, inner = affine_norm_relu_forward(x, w, b, gamma, beta, norm_param, normalization)
    inner = (normalization, inner)  # the way back has to know which of the two it was
    if not dropout_param:
        return out, (inner, None)
    # TODO(do-2.1): dropout comes right after ReLU; return what it gives, and both caches.
    # BEGIN SOLUTION
    out, dropout_cache = dropout_forward(out, dropout_param)
    return out, (inner, dropout_cache)
    # END SOLUTION


def affine_norm_relu_dropout_backward(dout: Array, cache: Cache) -> tuple[Array, ...]:
    """Push the gradient of the loss back through `affine_norm_relu_dropout_forward`.

    Parameters
    ----------
    dout : ndarray of float, shape (N, M)
    cache : tuple ``(inner, dropout_cache)``

    Returns
    -------
    grads : tuple of ndarrays ``(dx, dw, db)`` with the shapes of x, w, b; with a normalization
        ``(dx, dw, db, dgamma, dbeta)``, the last two of shape (M,)

    Raises
    ------
    ValueError
        If another function has left the cache.
    """
    inner, dropout_cache = cache
    require_hidden_cache(inner)
    if dropout_cache is not None:
        # TODO(do-2.1): push dout back through dropout before it goes through the other layers.
        # BEGIN SOLUTION
        dout = dropout_backward(dout, dropout_cache)
        # END SOLUTION
    normalization, inner = inner
    if normalization is None:
        return affine_relu_backward(dout, inner)
    return affine_norm_relu_backward(dout, inner)


def conv_relu_forward(x: Array, w: Array, b: Array, conv_param: Options) -> tuple[Array, Cache]:
    """Apply a convolution and then ReLU.

    Parameters
    ----------
    x : ndarray of float, shape (N, C, H, W)
    w : ndarray of float, shape (F, C, HH, WW)
    b : ndarray of float, shape (F,)
    conv_param : dict with ``stride`` and ``pad``, see `conv_forward_fast`

    Returns
    -------
    out : ndarray, shape (N, F, H', W')
    cache : tuple ``(conv_cache, relu_cache)``
    """
    a, conv_cache = conv_forward_fast(x, w, b, conv_param)
    out, relu_cache = relu_forward(a)
    return out, (conv_cache, relu_cache)


def conv_relu_backward(dout: Array, cache: Cache) -> tuple[Array, Array, Array]:
    """Push the gradient of the loss back through `conv_relu_forward`.

    Parameters
    ----------
    dout : ndarray of float, shape (N, F, H', W')
    cache : tuple ``(conv_cache, relu_cache)``

    Returns
    -------
    dx : ndarray, shape (N, C, H, W)
    dw : ndarray, shape (F, C, HH, WW)
    db : ndarray, shape (F,)
    """
    conv_cache, relu_cache = cache
    return conv_backward_fast(relu_backward(dout, relu_cache), conv_cache)


def conv_bn_relu_forward(
    x: Array,
    w: Array,
    b: Array,
    gamma: Array,
    beta: Array,
    conv_param: Options,
    bn_param: Options,
) -> tuple[Array, Cache]:
    """Apply a convolution, spatial batch normalization and then ReLU.

    Parameters
    ----------
    x : ndarray of float, shape (N, C, H, W)
    w : ndarray of float, shape (F, C, HH, WW)
    b : ndarray of float, shape (F,)
    gamma : ndarray of float, shape (F,); scale of each channel
    beta : ndarray of float, shape (F,); shift of each channel
    conv_param : dict with ``stride`` and ``pad``, see `conv_forward_fast`
    bn_param : dict, updated in place, see `spatial_batchnorm_forward`

    Returns
    -------
    out : ndarray, shape (N, F, H', W')
    cache : tuple ``(conv_cache, bn_cache, relu_cache)``
    """
    a, conv_cache = conv_forward_fast(x, w, b, conv_param)
    normalized, bn_cache = spatial_batchnorm_forward(a, gamma, beta, bn_param)
    out, relu_cache = relu_forward(normalized)
    return out, (conv_cache, bn_cache, relu_cache)


def conv_bn_relu_backward(dout: Array, cache: Cache) -> tuple[Array, Array, Array, Array, Array]:
    """Push the gradient of the loss back through `conv_bn_relu_forward`.

    Parameters
    ----------
    dout : ndarray of float, shape (N, F, H', W')
    cache : tuple ``(conv_cache, bn_cache, relu_cache)``

    Returns
    -------
    dx : ndarray, shape (N, C, H, W)
    dw : ndarray, shape (F, C, HH, WW)
    db : ndarray, shape (F,)
    dgamma : ndarray, shape (F,)
    dbeta : ndarray, shape (F,)
    """
    conv_cache, bn_cache, relu_cache = cache
    da, dgamma, dbeta = spatial_batchnorm_backward(relu_backward(dout, relu_cache), bn_cache)
    dx, dw, db = conv_backward_fast(da, conv_cache)
    return dx, dw, db, dgamma, dbeta


def conv_relu_pool_forward(
    x: Array, w: Array, b: Array, conv_param: Options, pool_param: Options
) -> tuple[Array, Cache]:
    """Apply a convolution, ReLU and then max pooling.

    Parameters
    ----------
    x : ndarray of float, shape (N, C, H, W)
    w : ndarray of float, shape (F, C, HH, WW)
    b : ndarray of float, shape (F,)
    conv_param : dict with ``stride`` and ``pad``, see `conv_forward_fast`
    pool_param : dict with ``pool_height``, ``pool_width`` and ``stride``, see
        `max_pool_forward_fast`

    Returns
    -------
    out : ndarray, shape (N, F, H', W'); height and width after pooling
    cache : tuple ``(conv_cache, relu_cache, pool_cache)``
    """
    a, conv_cache = conv_forward_fast(x, w, b, conv_param)
    s, relu_cache = relu_forward(a)
    out, pool_cache = max_pool_forward_fast(s, pool_param)
    return out, (conv_cache, relu_cache, pool_cache)


def conv_relu_pool_backward(dout: Array, cache: Cache) -> tuple[Array, Array, Array]:
    """Push the gradient of the loss back through `conv_relu_pool_forward`.

    Parameters
    ----------
    dout : ndarray of float, shape (N, F, H', W')
    cache : tuple ``(conv_cache, relu_cache, pool_cache)``

    Returns
    -------
    dx : ndarray, shape (N, C, H, W)
    dw : ndarray, shape (F, C, HH, WW)
    db : ndarray, shape (F,)
    """
    conv_cache, relu_cache, pool_cache = cache
    da = relu_backward(max_pool_backward_fast(dout, pool_cache), relu_cache)
    return conv_backward_fast(da, conv_cache)

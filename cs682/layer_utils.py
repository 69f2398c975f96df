"""Sandwiches: layers that often stand together, snapped into one pair of functions.

Each forward returns ``(out, cache)`` and each backward takes ``(dout, cache)``, like the layers
themselves; the cache of a sandwich is a tuple of its layers' caches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
    """
    inner, dropout_cache = cache
    if dropout_cache is not None:
        # TODO(do-2.1): push dout back through dropout before it goes through the other layers.
        # BEGIN SOLUTION
        dout = dropout_backward(dout, dropout_cache)
        # END SOLUTION
    normalization, inner = inner
    if normalization is None:
        return affine_relu_backward(dout, inner)
    return affine_norm_relu_backward(dout, inner)

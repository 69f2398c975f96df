"""Convolutional networks: one of three layers, and one built from a list of blocks.

Like the fully-connected ones they hold their parameters in a dict ``params`` and compute loss and
gradients in ``loss(X, y)``, which is all that `cs682.solver.Solver` asks of a model.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cs682._arguments import (
    require_blocks,
    require_filter_size,
    require_floating_type,
    require_image_shape,
    require_number,
    require_pools,
    require_widths,
)
from cs682.fast_layers import (
    conv_backward_fast,
    conv_forward_fast,
    max_pool_backward_fast,
    max_pool_forward_fast,
)
from cs682.layer_utils import (
    affine_relu_backward,
    affine_relu_forward,
    conv_bn_relu_backward,
    conv_bn_relu_forward,
    conv_relu_backward,
    conv_relu_forward,
    conv_relu_pool_backward,
    conv_relu_pool_forward,
)
from cs682.layers import (
    affine_backward,
    affine_forward,
    relu_backward,
    relu_forward,
    softmax_loss,
    spatial_batchnorm_backward,
    spatial_batchnorm_forward,
)
from cs682.training.input_gradient import network_input

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from cs682._types import Array, Cache, Labels, Options, Params

# Notebooks of every edition import all of this with one star import from here.
__all__ = [
    "ConvNet",
    "ThreeLayerConvNet",
    "affine_backward",
    "affine_forward",
    "affine_relu_backward",
    "affine_relu_forward",
    "conv_backward_fast",
    "conv_bn_relu_backward",
    "conv_bn_relu_forward",
    "conv_forward_fast",
    "conv_relu_backward",
    "conv_relu_forward",
    "conv_relu_pool_backward",
    "conv_relu_pool_forward",
    "max_pool_backward_fast",
    "max_pool_forward_fast",
    "np",
    "relu_backward",
    "relu_forward",
    "softmax_loss",
    "spatial_batchnorm_backward",
    "spatial_batchnorm_forward",
]


class ThreeLayerConvNet:
    """A network of three layers: conv - ReLU - 2 x 2 max pool - affine - ReLU - affine - softmax.

    The convolution has stride 1 and pads with zeros so that height and width stay as they are;
    pooling halves both.

    Parameters
    ----------
    input_dim : (C, H, W), shape of an image; H and W are even
    num_filters : int, F, filters of the convolution
    filter_size : int, k, odd: filters are k x k pixels
    hidden_dim : int, width of the hidden affine layer
    num_classes : int
    weight_scale : float, standard deviation of the initial weights
    reg : float, strength of the L2 penalty: half of it times the sum of all squared weights
    dtype : floating NumPy dtype of the initial parameters; float64 for gradient checks

    Attributes
    ----------
    params : dict; ``W1`` of shape (F, C, k, k), ``b1`` (F,), ``W2`` (F * H/2 * W/2, hidden_dim),
        ``b2`` (hidden_dim,), ``W3`` (hidden_dim, num_classes), ``b3`` (num_classes,)
    input_dim, reg, dtype
        As given.
    num_layers : int, 3
    conv_param : dict for the convolution, with `stride` and `pad`
    pool_param : dict for the pooling, with `pool_height`, `pool_width` and `stride`

    Raises
    ------
    TypeError
        If a width is no integer or the dtype not floating.
    ValueError
        If a value is out of range, the filters' side even, or an image's side odd.

    Notes
    -----
    The gradient with respect to the images, `dx` of the first layer, is not computed: no parameter
    depends on it.
    """

    def __init__(
        self,
        input_dim: Sequence[int] = (3, 32, 32),
        num_filters: int = 32,
        filter_size: int = 7,
        hidden_dim: int = 100,
        num_classes: int = 10,
        weight_scale: float = 1e-3,
        reg: float = 0.0,
        dtype: DTypeLike = np.float32,
    ) -> None:
        self.reg = require_number("reg", reg, zero=True)
        require_number("weight_scale", weight_scale, zero=True)
        self.dtype = require_floating_type(dtype)
        self.input_dim = require_image_shape(input_dim)
        require_pools(self.input_dim, [2])
        self.num_layers = 3
        k = require_filter_size(filter_size)
        F, hidden, classes = require_widths([num_filters, hidden_dim, num_classes])
        self.conv_param: Options = {"stride": 1, "pad": (k - 1) // 2}
        self.pool_param: Options = {"pool_height": 2, "pool_width": 2, "stride": 2}
        params = self._initial_params(self.input_dim, F, k, hidden, classes, weight_scale)
        self.params: Params = {name: v.astype(self.dtype) for name, v in params.items()}

    def _initial_params(
        self,
        input_dim: tuple[int, int, int],
        num_filters: int,
        filter_size: int,
        hidden_dim: int,
        num_classes: int,
        weight_scale: float,
    ) -> Params:
        """Return the dict of initial parameters: Gaussian weights, zero biases."""
        # TODO(cn-2.1): W1, b1, W2, b2, W3, b3; draw the weights with np.random.randn, in that
        # order. What comes out of the pooling, flattened, is what W2 has rows for.
        # BEGIN SOLUTION
        C, H, W = input_dim
        shapes = {
            "W1": (num_filters, C, filter_size, filter_size),
            "W2": (num_filters * (H // 2) * (W // 2), hidden_dim),
            "W3": (hidden_dim, num_classes),
        }
        biases = {"b1": num_filters, "b2": hidden_dim, "b3": num_classes}
        params: Params = {name: np.zeros(width) for name, width in biases.items()}
        for key, size in shapes.items():
            params[key] = weight_scale * np.random.randn(*size)  # noqa: NPY002  # as published
        return params
        # END SOLUTION

    def loss(self, X: Array, y: Labels | None = None) -> Any:
        """Compute the scores of a batch or, when labels are given, the loss and its gradients.

        Parameters
        ----------
        X : ndarray of float, shape (N, C, H, W)
        y : ndarray of int, shape (N,), or None

        Returns
        -------
        scores : ndarray, shape (N, num_classes), if `y` is None
        (loss, grads) : otherwise; loss in nats per example plus the penalty, and a dict of
            gradients with the keys and shapes of `params`
        """
        scores, cache = self._forward(X)
        if y is None:
            return scores
        with network_input(X):
            return self._loss_and_gradients(scores, y, cache)

    def _forward(self, X: Array) -> tuple[Array, Cache]:
        """Return the scores, shape (N, num_classes), and the caches that the way back needs."""
        # TODO(cn-2.2): conv-ReLU-pool with self.conv_param and self.pool_param, affine-ReLU, then
        # affine; return the scores and all three caches.
        # BEGIN SOLUTION
        params = self.params
        pooled, conv_cache = conv_relu_pool_forward(
            X, params["W1"], params["b1"], self.conv_param, self.pool_param
        )
        hidden, hidden_cache = affine_relu_forward(pooled, params["W2"], params["b2"])
        scores, scores_cache = affine_forward(hidden, params["W3"], params["b3"])
        return scores, (conv_cache, hidden_cache, scores_cache)
        # END SOLUTION

    def _loss_and_gradients(self, scores: Array, y: Labels, cache: Cache) -> tuple[float, Params]:
        """Return softmax loss plus penalty, and the gradient of both for every parameter."""
        # TODO(cn-2.3): softmax loss, the penalty of W1, W2 and W3, and all six gradients.
        # BEGIN SOLUTION
        conv_cache, hidden_cache, scores_cache = cache
        loss, dscores = softmax_loss(scores, y)
        grads: Params = {}
        dhidden, grads["W3"], grads["b3"] = affine_backward(dscores, scores_cache)
        dpooled, grads["W2"], grads["b2"] = affine_relu_backward(dhidden, hidden_cache)
        _, grads["W1"], grads["b1"] = conv_relu_pool_backward(dpooled, conv_cache)
        for name in ("W1", "W2", "W3"):
            W = self.params[name]
            loss += 0.5 * self.reg * float(np.sum(W * W))
            grads[name] = grads[name] + self.reg * W
        return loss, grads
        # END SOLUTION


class ConvNet:
    """A network of convolutional blocks and one affine layer, built from a list.

    The architecture is {conv - [spatial batch norm] - ReLU - [max pool]} x B - affine - softmax,
    where the braces are repeated once for each entry of `blocks`. Convolutions have stride 1 and
    pad with zeros so that height and width stay as they are; pooling windows do not overlap.

    Parameters
    ----------
    blocks : sequence of dicts, one for each block, of plain values: ``filters`` (int, how many),
        ``size`` (int, odd, their side in pixels; 3 if left out), ``batchnorm`` (bool; False if
        left out), ``pool`` (int, side of the pooling windows; 1, for none, if left out)
    input_dim : (C, H, W), shape of an image; each pooling must divide what it gets of H and W
    num_classes : int
    reg : float, strength of the L2 penalty: half of it times the sum of all squared weights
    dtype : floating NumPy dtype of parameters and computation; float64 for gradient checks
    seed : int or None; with it the weights are drawn from a generator of their own, without it
        from ``np.random``
    pixel_std : float, what images are divided by: the standard deviation of their values. The
        initial weights are made for inputs of about 1

    Attributes
    ----------
    params : dict; for blocks 1 to B ``W<i>`` of shape (filters, channels, size, size) and
        ``b<i>`` (filters,), with batch norm also ``gamma<i>`` and ``beta<i>`` (filters,); ``W<L>``
        (values per image after the last block, num_classes) and ``b<L>`` (num_classes,), L = B + 1
    blocks : list of dicts, each with all four entries
    conv_params : list of B dicts for the convolutions
    pool_params, bn_params : lists of B dicts for poolings and batch norms; an empty dict where a
        block has none
    input_dim, num_classes, num_layers, reg, dtype, pixel_std
        `num_layers` is L; the others are as given

    Raises
    ------
    TypeError
        If a count is no integer, a block no dict or the dtype not floating.
    ValueError
        If a value is out of range, a block's entry unknown, or a pooling does not divide.
    """

    def __init__(
        self,
        blocks: Sequence[Mapping[str, Any]],
        input_dim: Sequence[int] = (3, 32, 32),
        num_classes: int = 10,
        reg: float = 0.0,
        dtype: DTypeLike = np.float32,
        seed: int | None = None,
        *,
        pixel_std: float = 64.0,
    ) -> None:
        self.blocks = require_blocks(blocks)
        self.input_dim = require_image_shape(input_dim)
        require_pools(self.input_dim, [block["pool"] for block in self.blocks])
        (self.num_classes,) = require_widths([num_classes])
        self.num_layers = len(self.blocks) + 1
        self.reg = require_number("reg", reg, zero=True)
        self.pixel_std = require_number("pixel_std", pixel_std, zero=False)
        self.dtype = require_floating_type(dtype)
        self.conv_params: list[Options] = [
            {"stride": 1, "pad": (block["size"] - 1) // 2} for block in self.blocks
        ]
        self.pool_params: list[Options] = [_pool_param(b["pool"]) for b in self.blocks]
        self.bn_params: list[Options] = [
            {"mode": "train"} if block["batchnorm"] else {} for block in self.blocks
        ]
        params = self._initial_params(np.random if seed is None else np.random.RandomState(seed))
        self.params: Params = {name: v.astype(self.dtype) for name, v in params.items()}

    def _initial_params(self, random: Any) -> Params:
        """Return weights of variance 2 / inputs, which keep values as large as they are."""
        params: Params = {}
        channels, height, width = self.input_dim
        for i, block in enumerate(self.blocks, 1):
            filters, size = block["filters"], block["size"]
            inputs = channels * size * size
            params[f"W{i}"] = math.sqrt(2 / inputs) * random.randn(filters, channels, size, size)
            params[f"b{i}"] = np.zeros(filters)
            if block["batchnorm"]:
                params[f"gamma{i}"], params[f"beta{i}"] = np.ones(filters), np.zeros(filters)
            channels, height, width = filters, height // block["pool"], width // block["pool"]
        L, inputs = self.num_layers, channels * height * width
        params[f"W{L}"] = math.sqrt(2 / inputs) * random.randn(inputs, self.num_classes)
        params[f"b{L}"] = np.zeros(self.num_classes)
        return params

    def loss(self, X: Array, y: Labels | None = None) -> Any:
        """Compute the scores of a batch or, when labels are given, the loss and its gradients.

        Without labels the network runs in test mode, with them in train mode.

        Parameters
        ----------
        X : ndarray of float, shape (N, C, H, W); divided by `pixel_std`, cast to `dtype`
        y : ndarray of int, shape (N,), or None

        Returns
        -------
        scores : ndarray, shape (N, num_classes), if `y` is None
        (loss, grads) : otherwise; loss in nats per example plus the penalty, and a dict of
            gradients with the keys and shapes of `params`
        """
        for bn_param in self.bn_params:
            if bn_param:
                bn_param["mode"] = "test" if y is None else "train"
        X = (X / self.pixel_std).astype(self.dtype, copy=False)
        scores, caches = self._forward(X)
        if y is None:
            return scores
        with network_input(X):
            return self._loss_and_gradients(scores, y, caches)

    def _forward(self, X: Array) -> tuple[Array, list[Cache]]:
        """Return the scores, shape (N, num_classes), and one cache for each of the L layers."""
        # TODO(cn-4.1): for each block conv_bn_relu_forward or, where block["batchnorm"] is False,
        # conv_relu_forward; then max_pool_forward_fast where block["pool"] is above 1. Block i
        # (1-based) has self.conv_params[i - 1], self.bn_params[i - 1], self.pool_params[i - 1].
        # Last comes one plain affine layer.
        # BEGIN SOLUTION
        out, caches = X, []
        for i, block in enumerate(self.blocks, start=1):
            conv, conv_param = (self.params[f"W{i}"], self.params[f"b{i}"]), self.conv_params[i - 1]
            if block["batchnorm"]:
                norm = self.params[f"gamma{i}"], self.params[f"beta{i}"]
                bn_param = self.bn_params[i - 1]
                out, cache = conv_bn_relu_forward(out, *conv, *norm, conv_param, bn_param)
            else:
                out, cache = conv_relu_forward(out, *conv, conv_param)
            pool_cache = None
            if block["pool"] > 1:
                out, pool_cache = max_pool_forward_fast(out, self.pool_params[i - 1])
            caches.append((cache, pool_cache))
        L = self.num_layers
        scores, cache = affine_forward(out, self.params[f"W{L}"], self.params[f"b{L}"])
        return scores, [*caches, cache]
        # END SOLUTION

    def _loss_and_gradients(
        self, scores: Array, y: Labels, caches: list[Cache]
    ) -> tuple[float, Params]:
        """Return softmax loss plus penalty, and the gradient of both for every parameter."""
        # TODO(cn-4.2): softmax loss and its way back through the layers, last one first: in each
        # block the pooling, if it has one, then conv_bn_relu_backward, which returns
        # (dx, dw, db, dgamma, dbeta), or conv_relu_backward; the penalty of every weight array
        # and of nothing else.
        # BEGIN SOLUTION
        L = self.num_layers
        loss, dscores = softmax_loss(scores, y)
        grads: Params = {}
        dout, grads[f"W{L}"], grads[f"b{L}"] = affine_backward(dscores, caches[-1])
        for i in range(L - 1, 0, -1):
            cache, pool_cache = caches[i - 1]
            if pool_cache is not None:
                dout = max_pool_backward_fast(dout, pool_cache)
            if self.blocks[i - 1]["batchnorm"]:
                dout, dW, db, *dnorm = conv_bn_relu_backward(dout, cache)
                grads[f"gamma{i}"], grads[f"beta{i}"] = dnorm
            else:
                dout, dW, db = conv_relu_backward(dout, cache)
            grads[f"W{i}"], grads[f"b{i}"] = dW, db

        for i in range(1, L + 1):
            W = self.params[f"W{i}"]
            loss += 0.5 * self.reg * float(np.sum(W * W))
            grads[f"W{i}"] = grads[f"W{i}"] + self.reg * W
        return loss, grads
        # END SOLUTION


def _pool_param(side: int) -> Options:
    """Return the settings of a pooling with windows of this side; empty for no pooling."""
    return {"pool_height": side, "pool_width": side, "stride": side} if side > 1 else {}

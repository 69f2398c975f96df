"""Fully-connected networks: one with a single hidden layer, one with as many as you like.

Both hold their parameters in a dict ``params`` and compute loss and gradients in ``loss(X, y)``,
which is all that `cs682.solver.Solver` asks of a model.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cs682._arguments import (
    one_keep_probability,
    one_normalization,
    require_floating_type,
    require_hidden_dims,
    require_hidden_layer,
    require_number,
    require_widths,
)
from cs682.layer_utils import (
    NORMALIZATIONS,
    affine_norm_relu_backward,
    affine_norm_relu_dropout_backward,
    affine_norm_relu_dropout_forward,
    affine_norm_relu_forward,
    affine_relu_backward,
    affine_relu_forward,
)
from cs682.layers import (
    affine_backward,
    affine_forward,
    batchnorm_backward,
    batchnorm_backward_alt,
    batchnorm_forward,
    dropout_backward,
    dropout_forward,
    layernorm_backward,
    layernorm_forward,
    relu_backward,
    relu_forward,
    softmax_loss,
    svm_loss,
)
from cs682.training.input_gradient import network_input

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from cs682._types import Array, Cache, Labels, Options, Params

# Notebooks of every edition import all of this with one star import from here.
__all__ = [
    "FullyConnectedNet",
    "TwoLayerNet",
    "affine_backward",
    "affine_forward",
    "affine_norm_relu_backward",
    "affine_norm_relu_dropout_backward",
    "affine_norm_relu_dropout_forward",
    "affine_norm_relu_forward",
    "affine_relu_backward",
    "affine_relu_forward",
    "batchnorm_backward",
    "batchnorm_backward_alt",
    "batchnorm_forward",
    "dropout_backward",
    "dropout_forward",
    "layernorm_backward",
    "layernorm_forward",
    "np",
    "relu_backward",
    "relu_forward",
    "softmax_loss",
    "svm_loss",
]


class TwoLayerNet:
    """A network with one hidden layer: affine - ReLU - affine - softmax.

    Parameters
    ----------
    input_dim : int, D, values per example (3072 for a CIFAR-10 image)
    hidden_dim : int, H, width of the hidden layer
    num_classes : int, C
    weight_scale : float, standard deviation of the initial weights
    reg : float, strength of the L2 penalty: half of it times the sum of all squared weights
    dtype : floating NumPy dtype of the initial parameters; float64 gives the published figures,
        float32 trains twice as fast on images that are float32 too

    Attributes
    ----------
    params : dict; ``W1`` of shape (D, H), ``b1`` (H,), ``W2`` (H, C), ``b2`` (C,)
    reg : float

    Raises
    ------
    TypeError
        If a width is no integer or the dtype not floating.
    ValueError
        If a value is out of range.

    Notes
    -----
    The gradient with respect to the images, `dx` of the first layer, is not computed: no parameter
    depends on it. In training, that layer's backward pass has zeros in its place.
    """

    def __init__(
        self,
        input_dim: int = 3 * 32 * 32,
        hidden_dim: int = 100,
        num_classes: int = 10,
        weight_scale: float = 1e-3,
        reg: float = 0.0,
        *,
        dtype: DTypeLike = np.float64,
    ) -> None:
        self.reg = require_number("reg", reg, zero=True)
        require_number("weight_scale", weight_scale, zero=True)
        kind = require_floating_type(dtype)
        D, H, C = require_widths([input_dim, hidden_dim, num_classes])
        params = self._initial_params(D, H, C, weight_scale)
        self.params: Params = {k: v.astype(kind) for k, v in params.items()}

    def _initial_params(self, D: int, H: int, C: int, weight_scale: float) -> Params:
        """Return the dict of initial parameters: Gaussian weights, zero biases."""
        # TODO(fc-2.1): W1, b1, W2, b2; draw the weights with np.random.randn, W1 first.
        # BEGIN SOLUTION
        return {
            "W1": weight_scale * np.random.randn(D, H),  # noqa: NPY002  # the published stream
            "b1": np.zeros(H),
            "W2": weight_scale * np.random.randn(H, C),  # noqa: NPY002
            "b2": np.zeros(C),
        }
        # END SOLUTION

    def loss(self, X: Array, y: Labels | None = None) -> Any:
        """Compute the scores of a batch or, when labels are given, the loss and its gradients.

        Parameters
        ----------
        X : ndarray of float, shape (N, d_1, ..., d_k)
        y : ndarray of int, shape (N,), or None

        Returns
        -------
        scores : ndarray, shape (N, C), if `y` is None
        (loss, grads) : otherwise; loss in nats per example plus the penalty, and a dict of
            gradients with the keys and shapes of `params`
        """
        scores, cache = self._forward(X)
        if y is None:
            return scores
        with network_input(X):
            return self._loss_and_gradients(scores, y, cache)

    def _forward(self, X: Array) -> tuple[Array, Cache]:
        """Return the scores, shape (N, C), and the caches that the backward pass needs."""
        # TODO(fc-2.2): affine-ReLU, then affine; return the scores and both caches.
        # BEGIN SOLUTION
        hidden, hidden_cache = affine_relu_forward(X, self.params["W1"], self.params["b1"])
        scores, scores_cache = affine_forward(hidden, self.params["W2"], self.params["b2"])
        return scores, (hidden_cache, scores_cache)
        # END SOLUTION

    def _loss_and_gradients(self, scores: Array, y: Labels, cache: Cache) -> tuple[float, Params]:
        """Return softmax loss plus penalty, and the gradient of both for every parameter."""
        # TODO(fc-2.3): softmax loss, the penalty of W1 and W2, and all four gradients.
        # BEGIN SOLUTION
        hidden_cache, scores_cache = cache
        W1, W2 = self.params["W1"], self.params["W2"]
        loss, dscores = softmax_loss(scores, y)
        loss += 0.5 * self.reg * float(np.sum(W1 * W1) + np.sum(W2 * W2))

        dhidden, dW2, db2 = affine_backward(dscores, scores_cache)
        _, dW1, db1 = affine_relu_backward(dhidden, hidden_cache)
        grads = {"W1": dW1 + self.reg * W1, "b1": db1, "W2": dW2 + self.reg * W2, "b2": db2}
        return loss, grads
        # END SOLUTION


class FullyConnectedNet:
    """A network of L affine layers with ReLU, and optionally normalization and dropout, between.

    The architecture is {affine - [normalization] - ReLU - [dropout]} x (L - 1) - affine - softmax,
    where the braces are repeated once for each entry of `hidden_dims`.

    Parameters
    ----------
    hidden_dims : sequence of int, widths of the hidden layers; not kept and not changed
    input_dim : int, D, values per example (3072 for a CIFAR-10 image)
    num_classes : int, C
    dropout : float in (0, 1], probability of KEEPING a unit; 1 means no dropout
    normalization : {None, 'batchnorm', 'layernorm'}
    reg : float, strength of the L2 penalty: half of it times the sum of all squared weights
    weight_scale : float, standard deviation of the initial weights
    dtype : floating NumPy dtype of parameters and computation; float64 for gradient checks
    seed : int or None; with it every forward pass drops the same units, as gradient checks need
    dropout_keep_ratio : float or None; what editions from 2021 on call `dropout`
    use_batchnorm : bool or None; what editions before 2018 had instead of `normalization`

    Attributes
    ----------
    params : dict; ``W<i>`` and ``b<i>`` for layers 1 to L, with a normalization also ``gamma<i>``
        and ``beta<i>`` for the L - 1 hidden ones
    normalization, use_dropout, reg, num_layers, dtype
        `num_layers` is L; the others are as given
    dropout_param : dict for `dropout_forward`; empty without dropout
    bn_params : list of L - 1 dicts for the normalization layers; empty without normalization

    Raises
    ------
    TypeError
        If a width is no integer, the keep probability no number or the dtype not floating.
    ValueError
        If a value is out of range, or two spellings of one option contradict each other.

    Notes
    -----
    The gradient with respect to the images, `dx` of the first layer, is not computed: no parameter
    depends on it. In training, that layer's backward pass has zeros in its place.
    """

    def __init__(
        self,
        hidden_dims: Sequence[int],
        input_dim: int = 3 * 32 * 32,
        num_classes: int = 10,
        dropout: float = 1,
        normalization: str | None = None,
        reg: float = 0.0,
        weight_scale: float = 1e-2,
        dtype: DTypeLike = np.float32,
        seed: int | None = None,
        *,
        dropout_keep_ratio: float | None = None,
        use_batchnorm: bool | None = None,
    ) -> None:
        keep = one_keep_probability(dropout, dropout_keep_ratio)
        self.normalization = one_normalization(normalization, use_batchnorm, NORMALIZATIONS)
        self.use_dropout = keep != 1
        self.reg = require_number("reg", reg, zero=True)
        require_number("weight_scale", weight_scale, zero=True)
        self.dtype = require_floating_type(dtype)
        widths = require_widths([input_dim, *require_hidden_dims(hidden_dims), num_classes])
        self.num_layers = len(widths) - 1
        params = self._initial_params(widths, weight_scale)
        if self.normalization is not None:
            params.update(self._initial_norm_params(widths))
        self.params: Params = {k: v.astype(self.dtype) for k, v in params.items()}

        # Each hidden layer has running statistics of its own; layer norm has none to keep.
        per_layer = {"batchnorm": {"mode": "train"}, "layernorm": {}}.get(self.normalization or "")
        hidden_layers = range(self.num_layers - 1)
        self.bn_params: list[Options] = (
            [] if per_layer is None else [dict(per_layer) for _ in hidden_layers]
        )
        self.dropout_param: Options = {"mode": "train", "p": keep} if self.use_dropout else {}
        if self.use_dropout and seed is not None:
            self.dropout_param["seed"] = seed

    def _initial_params(self, widths: list[int], weight_scale: float) -> Params:
        """Return weights and biases by name; ``widths`` is [D, H_1, ..., H_(L-1), C]."""
        # TODO(fc-3.1): W1, b1, ..., WL, bL; draw the weights in that order, biases are zero.
        # BEGIN SOLUTION
        params: Params = {}
        for i in range(1, self.num_layers + 1):
            shape = (widths[i - 1], widths[i])
            params[f"W{i}"] = weight_scale * np.random.randn(*shape)  # noqa: NPY002  # as published
            params[f"b{i}"] = np.zeros(widths[i])
        return params
        # END SOLUTION

    def _initial_norm_params(self, widths: list[int]) -> Params:
        """Return gamma and beta by name for the hidden layers; ``widths`` as above."""
        # TODO(bn-2.1): gamma1, beta1, ... as wide as each hidden layer's output, so that a fresh
        # normalization layer changes nothing after normalizing.
        # BEGIN SOLUTION
        params: Params = {}
        for i in range(1, self.num_layers):
            params[f"gamma{i}"] = np.ones(widths[i])
            params[f"beta{i}"] = np.zeros(widths[i])
        return params
        # END SOLUTION

    def loss(self, X: Array, y: Labels | None = None) -> Any:
        """Compute the scores of a batch or, when labels are given, the loss and its gradients.

        Without labels the network runs in test mode, with them in train mode.

        Parameters
        ----------
        X : ndarray of float, shape (N, d_1, ..., d_k); cast to the network's dtype
        y : ndarray of int, shape (N,), or None

        Returns
        -------
        scores : ndarray, shape (N, C), if `y` is None
        (loss, grads) : otherwise; loss in nats per example plus the penalty, and a dict of
            gradients with the keys and shapes of `params`
        """
        mode = "test" if y is None else "train"
        if self.use_dropout:
            self.dropout_param["mode"] = mode
        if self.normalization == "batchnorm":
            for bn_param in self.bn_params:
                bn_param["mode"] = mode

        X = X.astype(self.dtype, copy=False)
        scores, caches = self._forward(X)
        if y is None:
            return scores
        with network_input(X):
            return self._loss_and_gradients(scores, y, caches)

    def _hidden_options(self, i: int) -> dict[str, Any]:
        """Return the keyword arguments of hidden layer `i` (1-based) for the sandwich."""
        require_hidden_layer(i, self.num_layers - 1)
        options: dict[str, Any] = {"dropout_param": self.dropout_param}
        if self.normalization is not None:
            options["normalization"] = self.normalization
            options["norm_param"] = self.bn_params[i - 1]
            options["gamma"], options["beta"] = self.params[f"gamma{i}"], self.params[f"beta{i}"]
        return options

    def _forward(self, X: Array) -> tuple[Array, list[Cache]]:
        """Return the scores, shape (N, C), and one cache for each of the L layers."""
        # TODO(fc-3.2): L - 1 times affine_norm_relu_dropout_forward, which wants W, b and all that
        # self._hidden_options(i) holds; then one plain affine layer.
        # BEGIN SOLUTION
        out, caches = X, []
        for i in range(1, self.num_layers):
            W, b = self.params[f"W{i}"], self.params[f"b{i}"]
            out, cache = affine_norm_relu_dropout_forward(out, W, b, **self._hidden_options(i))
            caches.append(cache)
        L = self.num_layers
        scores, cache = affine_forward(out, self.params[f"W{L}"], self.params[f"b{L}"])
        return scores, [*caches, cache]
        # END SOLUTION

    def _loss_and_gradients(
        self, scores: Array, y: Labels, caches: list[Cache]
    ) -> tuple[float, Params]:
        """Return softmax loss plus penalty, and the gradient of both for every parameter."""
        # TODO(fc-3.3): softmax loss and its way back through the layers, last one first;
        # the penalty of every weight matrix and of nothing else.
        # affine_norm_relu_dropout_backward returns (dx, dw, db) or, with a normalization,
        # (dx, dw, db, dgamma, dbeta).
        # BEGIN SOLUTION
        L = self.num_layers
        loss, dscores = softmax_loss(scores, y)
        grads: Params = {}
        dout, grads[f"W{L}"], grads[f"b{L}"] = affine_backward(dscores, caches[-1])
        for i in range(L - 1, 0, -1):
            dout, dW, db, *dnorm = affine_norm_relu_dropout_backward(dout, caches[i - 1])
            grads[f"W{i}"], grads[f"b{i}"] = dW, db
            if dnorm:
                grads[f"gamma{i}"], grads[f"beta{i}"] = dnorm

        if self.reg > 0:  # without a penalty, spare four passes over all weights
            for i in range(1, L + 1):
                W = self.params[f"W{i}"]
                loss += 0.5 * self.reg * float(np.sum(W * W))
                grads[f"W{i}"] = grads[f"W{i}"] + self.reg * W
        return loss, grads
        # END SOLUTION

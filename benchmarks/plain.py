"""The assignment as it is usually solved: float64, one array expression for each line of the notes.

Written to be typical, not slow: every operation is vectorised, and nothing is done that a solution
in circulation would not do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = Any


def affine_forward(x: Array, w: Array, b: Array) -> tuple[Array, Any]:
    """``out = x w + b``."""
    return x.reshape(x.shape[0], -1).dot(w) + b, (x, w, b)


def affine_backward(dout: Array, cache: Any) -> tuple[Array, Array, Array]:
    """All three gradients, whoever asks for them."""
    x, w, _ = cache
    dx = dout.dot(w.T).reshape(x.shape)
    dw = x.reshape(x.shape[0], -1).T.dot(dout)
    return dx, dw, np.sum(dout, axis=0)


def relu_forward(x: Array) -> tuple[Array, Array]:
    """Keep what is positive."""
    return np.maximum(0, x), x


def relu_backward(dout: Array, x: Array) -> Array:
    """Let pass where x is positive."""
    return dout * (x > 0)


def batchnorm_forward(x: Array, gamma: Array, beta: Array, param: dict[str, Any]) -> Any:
    """Training mode; the cache holds a node of the graph each."""
    mean = np.mean(x, axis=0)
    var = np.var(x, axis=0)
    std = np.sqrt(var + 1e-5)
    x_centred = x - mean
    x_norm = x_centred / std
    out = gamma * x_norm + beta
    param["running_mean"] = 0.9 * param.get("running_mean", np.zeros_like(mean)) + 0.1 * mean
    param["running_var"] = 0.9 * param.get("running_var", np.zeros_like(var)) + 0.1 * var
    return out, (x, mean, var, std, x_centred, x_norm, gamma)


def batchnorm_backward(dout: Array, cache: Any) -> tuple[Array, Array, Array]:
    """Walk the graph backwards."""
    x, _, var, std, x_centred, x_norm, gamma = cache
    N = x.shape[0]
    dgamma = np.sum(dout * x_norm, axis=0)
    dbeta = np.sum(dout, axis=0)
    dx_norm = dout * gamma
    dvar = np.sum(dx_norm * x_centred * -0.5 * (var + 1e-5) ** -1.5, axis=0)
    dmean = np.sum(dx_norm * -1 / std, axis=0) + dvar * np.sum(-2 * x_centred, axis=0) / N
    dx = dx_norm / std + dvar * 2 * x_centred / N + dmean / N
    return dx, dgamma, dbeta


def layernorm_forward(x: Array, gamma: Array, beta: Array, param: dict[str, Any]) -> Any:
    """Batch normalization of the transpose."""
    del param
    x = x.T
    mean = np.mean(x, axis=0)
    var = np.var(x, axis=0)
    std = np.sqrt(var + 1e-5)
    x_norm = ((x - mean) / std).T
    return gamma * x_norm + beta, (x_norm, std, gamma)


def layernorm_backward(dout: Array, cache: Any) -> tuple[Array, Array, Array]:
    """Batch normalization's short formula, of the transpose."""
    x_norm, std, gamma = cache
    dgamma = np.sum(dout * x_norm, axis=0)
    dbeta = np.sum(dout, axis=0)
    dx_norm, x_norm = (dout * gamma).T, x_norm.T
    D = x_norm.shape[0]
    dx = D * dx_norm - np.sum(dx_norm, axis=0) - x_norm * np.sum(dx_norm * x_norm, axis=0)
    return (dx / (D * std)).T, dgamma, dbeta


def dropout_forward(x: Array, param: dict[str, Any]) -> tuple[Array, Array]:
    """Inverted dropout with the probability of keeping a value."""
    mask = (np.random.rand(*x.shape) < param["p"]) / param["p"]  # noqa: NPY002  # as usual
    return x * mask, mask


def dropout_backward(dout: Array, mask: Array) -> Array:
    """Only what was kept gets a gradient."""
    return dout * mask


def softmax_loss(x: Array, y: Array) -> tuple[float, Array]:
    """Mean cross-entropy and its gradient."""
    shifted = x - np.max(x, axis=1, keepdims=True)
    Z = np.sum(np.exp(shifted), axis=1, keepdims=True)
    log_probs = shifted - np.log(Z)
    N = x.shape[0]
    loss = -np.sum(log_probs[np.arange(N), y]) / N
    dx = np.exp(log_probs)
    dx[np.arange(N), y] -= 1
    return loss, dx / N


def sgd(w: Array, dw: Array, config: dict[str, Any]) -> tuple[Array, dict[str, Any]]:
    """Step against the gradient."""
    w -= config["learning_rate"] * dw
    return w, config


def sgd_momentum(w: Array, dw: Array, config: dict[str, Any]) -> tuple[Array, dict[str, Any]]:
    """Step along a velocity."""
    v = config.get("velocity", np.zeros_like(w))
    v = 0.9 * v - config["learning_rate"] * dw
    config["velocity"] = v
    return w + v, config


def adam(w: Array, dw: Array, config: dict[str, Any]) -> tuple[Array, dict[str, Any]]:
    """Momentum and RMSProp, both corrected for their start."""
    m, v = config.get("m", np.zeros_like(w)), config.get("v", np.zeros_like(w))
    config["t"] = config.get("t", 0) + 1
    config["m"] = 0.9 * m + 0.1 * dw
    config["v"] = 0.999 * v + 0.001 * dw**2
    m_hat = config["m"] / (1 - 0.9 ** config["t"])
    v_hat = config["v"] / (1 - 0.999 ** config["t"])
    return w - config["learning_rate"] * m_hat / (np.sqrt(v_hat) + 1e-8), config


RULES: dict[str, Callable[..., Any]] = {"sgd": sgd, "sgd_momentum": sgd_momentum, "adam": adam}


class Net:
    """{affine - [batchnorm] - ReLU - [dropout]} x (L - 1) - affine - softmax, all of it float64."""

    def __init__(self, widths: list[int], *, batchnorm: bool, keep: float, reg: float) -> None:
        self.L, self.batchnorm, self.reg = len(widths) - 1, batchnorm, reg
        self.bn_params: list[dict[str, Any]] = [{} for _ in widths]
        self.dropout_param = {"p": keep}
        rng = np.random.default_rng(682)
        self.params: dict[str, Array] = {}
        for i in range(1, self.L + 1):
            self.params[f"W{i}"] = 2e-2 * rng.standard_normal((widths[i - 1], widths[i]))
            self.params[f"b{i}"] = np.zeros(widths[i])
            if batchnorm and i < self.L:
                self.params[f"gamma{i}"] = np.ones(widths[i])
                self.params[f"beta{i}"] = np.zeros(widths[i])

    def loss(self, X: Array, y: Array) -> tuple[float, dict[str, Array]]:
        """Return the loss, with penalty, and its gradients."""
        p, caches, out = self.params, [], X
        for i in range(1, self.L):
            out, fc_cache = affine_forward(out, p[f"W{i}"], p[f"b{i}"])
            bn_cache = do_cache = None
            if self.batchnorm:
                gamma, beta = p[f"gamma{i}"], p[f"beta{i}"]
                out, bn_cache = batchnorm_forward(out, gamma, beta, self.bn_params[i])
            out, relu_cache = relu_forward(out)
            if self.dropout_param["p"] < 1:
                out, do_cache = dropout_forward(out, self.dropout_param)
            caches.append((fc_cache, bn_cache, relu_cache, do_cache))
        scores, last_cache = affine_forward(out, p[f"W{self.L}"], p[f"b{self.L}"])

        loss, dout = softmax_loss(scores, y)
        grads: dict[str, Array] = {}
        dout, grads[f"W{self.L}"], grads[f"b{self.L}"] = affine_backward(dout, last_cache)
        for i in range(self.L - 1, 0, -1):
            fc_cache, bn_cache, relu_cache, do_cache = caches[i - 1]
            if do_cache is not None:
                dout = dropout_backward(dout, do_cache)
            dout = relu_backward(dout, relu_cache)
            if self.batchnorm:
                dout, grads[f"gamma{i}"], grads[f"beta{i}"] = batchnorm_backward(dout, bn_cache)
            dout, grads[f"W{i}"], grads[f"b{i}"] = affine_backward(dout, fc_cache)
        for i in range(1, self.L + 1):
            loss += 0.5 * self.reg * np.sum(p[f"W{i}"] ** 2)
            grads[f"W{i}"] += self.reg * p[f"W{i}"]
        return loss, grads


class Trainer:
    """The usual solver's step: a random batch, the gradients, the rule for each parameter."""

    def __init__(
        self, net: Net, X: Array, y: Array, *, rule: str, batch_size: int, learning_rate: float
    ) -> None:
        self.net, self.X, self.y, self.batch_size = net, X, y, batch_size
        self.rule = RULES[rule]
        self.configs = {name: {"learning_rate": learning_rate} for name in net.params}
        self.loss_history: list[float] = []

    def step(self) -> None:
        """Make one update."""
        batch = np.random.choice(len(self.X), self.batch_size)  # noqa: NPY002  # as usual
        loss, grads = self.net.loss(self.X[batch], self.y[batch])
        self.loss_history.append(loss)
        for name, w in self.net.params.items():
            self.net.params[name], self.configs[name] = self.rule(
                w, grads[name], self.configs[name]
            )

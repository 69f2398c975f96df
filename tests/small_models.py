"""Models, an update rule and data for tests of the solver: quick, and no exercise needed."""

from __future__ import annotations

import numpy as np

from cs682 import optim
from cs682.solver import Solver


def make_data(n=40, n_val=20, dim=4, classes=3, dtype=np.float64):
    """Draw points around one centre per class."""
    rng = np.random.default_rng(682)
    centres = 3 * rng.standard_normal((classes, dim))
    data = {}
    for part, count in (("train", n), ("val", n_val)):
        y = rng.integers(classes, size=count)
        data[f"X_{part}"] = (centres[y] + rng.standard_normal((count, dim))).astype(dtype)
        data[f"y_{part}"] = y
    return data


class Softmax:
    """Softmax regression; `on_loss` is called with each training batch, and may raise."""

    def __init__(self, dim=4, classes=3, on_loss=lambda X, y: None):
        rng = np.random.default_rng(1)
        self.params = {"W": 0.1 * rng.standard_normal((dim, classes)), "b": np.zeros(classes)}
        self.on_loss = on_loss

    def loss(self, X, y=None):
        scores = X @ self.params["W"] + self.params["b"]
        if y is None:
            return scores
        self.on_loss(X, y)
        loss, dscores = cross_entropy(scores, y)
        return loss, {"W": X.T @ dscores, "b": dscores.sum(axis=0)}


class Net:
    """Affine - batch norm - ReLU - dropout - affine; masks come from the global stream."""

    def __init__(self, hidden=6, p=0.8, dtype=np.float32, reg=0.0, **dropout_param):
        rng = np.random.default_rng(1)
        W1, W2 = rng.standard_normal((4, hidden)), rng.standard_normal((hidden, 3))
        params = {"W1": W1, "gamma1": np.ones(hidden), "beta1": np.zeros(hidden), "W2": W2}
        self.params = {name: value.astype(dtype) for name, value in params.items()}
        self.bn_params = [{"mode": "train"}]
        self.dropout_param = {"p": p, **dropout_param}
        self.normalization, self.reg = "batchnorm", reg

    def loss(self, X, y=None):
        W1, gamma, beta, W2 = self.params.values()
        a = X @ W1
        mean, var = self._statistics(a, training=y is not None)
        scale = 1 / np.sqrt(var + np.float32(1e-5))
        normalized = (a - mean) * scale
        out = np.maximum(gamma * normalized + beta, 0)
        if y is None:
            return out @ W2
        p = self.dropout_param["p"]
        drawn = np.random.rand(*out.shape)  # noqa: NPY002  # a checkpoint must remember it
        mask = ((drawn < p) / p).astype(out.dtype)
        loss, dscores = cross_entropy((out * mask) @ W2, y)
        dout = dscores @ W2.T * mask * (out > 0)
        dn = dout * gamma
        da = scale * (dn - dn.mean(axis=0) - normalized * (dn * normalized).mean(axis=0))
        dgamma, dbeta = (dout * normalized).sum(axis=0), dout.sum(axis=0)
        return loss, {
            "W1": X.T @ da,
            "gamma1": dgamma,
            "beta1": dbeta,
            "W2": (out * mask).T @ dscores,
        }

    def _statistics(self, a, training):
        layer = self.bn_params[0]
        now = {"running_mean": a.mean(axis=0), "running_var": a.var(axis=0)}
        if not training:
            return layer.get("running_mean", 0 * a[0]), layer.get("running_var", 0 * a[0])
        for key, value in now.items():
            layer[key] = 0.9 * layer.get(key, 0 * value) + 0.1 * value
        return now.values()


def cross_entropy(scores, y):
    """Return the softmax loss, a mean over examples, and its gradient."""
    p = np.exp(scores - scores.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    right = np.arange(len(y)), y
    loss = -np.mean(np.log(p[right]))
    p[right] -= 1
    return loss, p / len(y)


def heavy_ball(w, dw, config):
    """Momentum with a step count, as an update rule; a float64 scalar would widen its result."""
    config.setdefault("velocity", np.zeros_like(w))
    config["velocity"] = 0.9 * config["velocity"] - config["learning_rate"] * dw
    config["t"] = config.get("t", 0) + 1
    return w + config["velocity"], config


def add_heavy_ball(setattr=setattr):
    """Make `heavy_ball` known to the solver; tests pass ``monkeypatch.setattr``."""
    heavy_ball.__module__ = optim.__name__
    setattr(optim, "heavy_ball", heavy_ball)


class Scripted:
    """One scalar parameter, which counts updates; what it scores after t updates is `right[t]`.

    With `right[t]` of 1 it classifies examples of class 0 rightly, with 0 it takes all for class
    1; with NaN all scores are NaN. Each training pass adds 1 to its running mean.
    """

    def __init__(self, right, losses=None):
        self.params = {"count": np.zeros(1)}
        self.bn_params = [{"mode": "train"}]
        self.right, self.losses = right, losses

    def loss(self, X, y=None):
        updates = round(float(self.params["count"][0]))
        if y is None:
            return np.tile([self.right[updates], 0.5], (len(X), 1))
        layer = self.bn_params[0]
        layer["running_mean"] = layer.get("running_mean", np.zeros(1)) + 1
        loss = 1.0 if self.losses is None else self.losses[updates]
        return loss, {"count": -np.ones(1)}


def zeros_data(n=10):
    """Give data all of class 0, so that `Scripted` has an accuracy of 0 or 1."""
    X, y = np.zeros((n, 1)), np.zeros(n, dtype=int)
    return {"X_train": X, "y_train": y, "X_val": X, "y_val": y}


UNIT_STEP = {"learning_rate": 1.0}  # with plain SGD: `Scripted` counts by one


def quiet(model, data, **options):
    """Build a solver that prints nothing unless told to."""
    return Solver(model, data, **{"verbose": False, **options})


def counting(right, epochs, **options):
    """Build a solver of one iteration per epoch over a `Scripted` model."""
    options = {"optim_config": UNIT_STEP, "batch_size": 10, "num_epochs": epochs, **options}
    return quiet(Scripted(right, options.pop("losses", None)), zeros_data(), **options)

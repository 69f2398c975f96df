"""Models, an update rule, data and runs for tests of solver and plots; no exercise needed."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace

import numpy as np

from cs682 import optim
from cs682.solver import Solver
from tests.slopes import slope


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
        grads = {name: self._slope(name, X, y) for name in self.params}
        return cross_entropy(scores, y), grads

    def _slope(self, name, X, y):
        """Measure the gradient of the loss for one parameter."""

        def loss(value):
            params = {**self.params, name: value}
            return cross_entropy(X @ params["W"] + params["b"], y)

        return slope(loss, self.params[name])


class Net:
    """A network with all the state that a solver must remember, and no layer of the exercises.

    Linear - scaled - centred by a running mean - tanh - noise - linear. The noise comes from the
    global stream; gradients are central differences.
    """

    def __init__(self, hidden=6, p=0.8, dtype=np.float32, reg=0.0, **dropout_param):
        rng = np.random.default_rng(1)
        W1, W2 = rng.standard_normal((4, hidden)), rng.standard_normal((hidden, 3))
        params = {"W1": W1, "gamma1": np.ones(hidden), "beta1": np.zeros(hidden), "W2": W2}
        self.params = {name: value.astype(dtype) for name, value in params.items()}
        self.bn_params = [{"mode": "train"}]
        self.dropout_param = {"p": p, **dropout_param}
        self.normalization, self.reg = "batchnorm", reg

    def loss(self, X, y=None):
        if y is None:
            return self._scores(self.params, X)
        self._update_statistics(X @ self.params["W1"])
        spread = 1 - self.dropout_param["p"]
        drawn = np.random.rand(len(X), 1)  # noqa: NPY002  # a checkpoint must remember it
        noise = (1 + spread * (drawn - 0.5)).astype(self.params["W1"].dtype)

        def loss(name, value):
            return cross_entropy(self._scores({**self.params, name: value}, X, noise), y)

        grads = {
            name: slope(partial(loss, name), value, h=1e-3).astype(value.dtype)
            for name, value in self.params.items()
        }
        return loss("W1", self.params["W1"]), grads

    def _scores(self, params, X, noise=1):
        a = X @ params["W1"] * params["gamma1"] + params["beta1"]
        a = a - self.bn_params[0].get("running_mean", 0 * a[0])
        return np.tanh(a) * noise @ params["W2"]

    def _update_statistics(self, a):
        layer = self.bn_params[0]
        for key, value in {"running_mean": a.mean(axis=0), "running_var": a.var(axis=0)}.items():
            layer[key] = (layer.get(key, 0 * value) + value) / 2


def cross_entropy(scores, y):
    """Return the softmax loss, a mean over examples."""
    p = np.exp(scores - scores.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    return -np.mean(np.log(p[np.arange(len(y)), y]))


def heavy_ball(w, dw, config):
    """Roll the way in which most gradients point, and count the steps, as an update rule.

    Only signs count, so that no rule of the exercises stands here. A float64 scalar would widen
    the result.
    """
    config.setdefault("velocity", np.zeros_like(w))
    config["velocity"] = (config["velocity"] + np.sign(dw)) / 2
    config["t"] = config.get("t", 0) + 1
    return w - config["learning_rate"] * config["velocity"], config


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


def make_run(seed=0, iterations=40, epochs=4):
    """Give what a plot reads of a trained solver, with random histories."""
    rng = np.random.default_rng(seed)
    return SimpleNamespace(
        loss_history=list(2.3 + 0.1 * rng.standard_normal(iterations)),
        train_acc_history=list(rng.uniform(0.1, 0.6, epochs + 1)),
        val_acc_history=rng.uniform(0.1, 0.5, epochs + 1),  # an array serves as well as a list
    )

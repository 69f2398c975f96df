"""The checks of the networks: wrong answers fail with their reason."""

from __future__ import annotations

import numpy as np
import pytest

from cs682 import layer_utils, layers
from cs682.checks import check
from cs682.classifiers.fc_net import FullyConnectedNet, TwoLayerNet
from staff.tests.checks.mutants import put, refusal
from tests.slopes import of

RIGHT = {
    name: vars(owner)[name.partition(".")[2]]
    for owner in (TwoLayerNet, FullyConnectedNet)
    for name in (f"{owner.__name__}.{key}" for key in vars(owner))
}
pytestmark = pytest.mark.usefixtures("remembered_slopes")


# --- parameters


def changed(name, change):
    """Make a method that returns the right parameters, changed."""

    def answer(self, *args):
        return change(RIGHT[name](self, *args))

    return answer


def one(key, change):
    return lambda params: {**params, key: change(params[key])}


def renamed(old, new):
    return lambda params: {new if key == old else key: value for key, value in params.items()}


INIT = [
    ("row bias", one("b1", lambda v: v[None]), "params['b1'] has shape (1, "),
    ("scalar bias", one("b1", lambda v: np.float64(0)), "params['b1']"),
    ("bias of one", one("b1", lambda v: v + 1), "params['b1'][0] = 1, expected 0"),
    ("input width", one("b1", lambda v: np.zeros(40)), "params['b1'] has shape (40,), expected"),
    ("no scale", one("W1", lambda v: 100 * v), "(the weight_scale) and 0: draw from a Gaussian"),
    ("beside 0", one("W1", lambda v: v + v.std()), "(the weight_scale) and 0: draw from"),
    ("uniform", one("W1", lambda v: v.std() * (v > 0)), "draw from a Gaussian and multiply"),
    ("transposed", one("W1", lambda v: v.T), "params['W1'] has shape (20, 40), expected (40, 20)"),
    ("zero-based", renamed("W2", "W0"), "params lacks ['W2'] and has unexpected ['W0']"),
    ("tuple key", renamed("W2", ("W", 2)), "params lacks ['W2']"),
    ("missing", lambda params: {"W1": params["W1"]}, "params lacks ['W2', 'b1', 'b2']"),
]
NORM_INIT = [
    ("gamma zero", one("gamma1", lambda v: 0 * v), "params['gamma1'][0] = 0, expected 1"),
    ("beta random", one("beta1", lambda v: v + 0.1), "params['beta1'][0] = 0.1, expected 0"),
    ("input width", one("gamma1", lambda v: np.ones(40)), "params['gamma1'] has shape (40,)"),
    ("row", one("gamma1", lambda v: v[None]), "params['gamma1'] has shape (1, 20), expected (20,)"),
    ("last layer", lambda p: {**p, "gamma2": np.ones(7), "beta2": np.zeros(7)}, "'gamma2'"),
    ("none", lambda p: {}, "expected ['W1', 'W2', 'b1', 'b2', 'beta1', 'gamma1']"),
]
TWO_INIT = [row for row in INIT if row[0] not in ("transposed", "input width")]
INITS = {
    ("fc-2.1", "TwoLayerNet._initial_params"): TWO_INIT,
    ("fc-3.1", "FullyConnectedNet._initial_params"): INIT,
    ("bn-2.1", "FullyConnectedNet._initial_norm_params"): NORM_INIT,
}


@pytest.mark.parametrize(
    ("exercise", "method", "change", "text"),
    [of(id_, id_, m, *row, name=name) for (id_, m), rows in INITS.items() for name, *row in rows],
)
def test_check_of_parameters_refuses_and_says_why(monkeypatch, exercise, method, change, text):
    put(monkeypatch, method, changed(method, change))

    assert text in refusal(exercise)


@pytest.mark.exercise(id="fc-3.1")
def test_check_of_parameters_refuses_to_lose_hidden_dims(monkeypatch):
    def init(self, hidden_dims, **options):
        RIGHT["FullyConnectedNet.__init__"](self, hidden_dims, **options)
        hidden_dims.insert(0, 3072)

    put(monkeypatch, "FullyConnectedNet.__init__", init)

    assert "hidden_dims was [20] and is now [3072, 20]: work on a copy" in refusal("fc-3.1")


# --- scores


def no_relu(self, X):
    a, first = layers.affine_forward(X, self.params["W1"], self.params["b1"])
    scores, second = layers.affine_forward(a, self.params["W2"], self.params["b2"])
    return scores, ((first, a), second)


def relu_on_scores(name):
    def answer(self, X):
        scores, cache = RIGHT[name](self, X)
        return np.maximum(scores, 0), cache

    return answer


def probabilities(name):
    def answer(self, X):
        scores, cache = RIGHT[name](self, X)
        e = np.exp(scores - scores.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True), cache

    return answer


def only_two_layers(self, X):
    hidden, first = layer_utils.affine_relu_forward(X, self.params["W1"], self.params["b1"])
    L = self.num_layers
    scores, last = layers.affine_forward(hidden, self.params[f"W{L}"], self.params[f"b{L}"])
    return scores, [(first, None), last]


def linear(self, X):
    caches = []
    for i in range(1, self.num_layers + 1):
        X, cache = layers.affine_forward(X, self.params[f"W{i}"], self.params[f"b{i}"])
        caches.append(cache)
    return X, caches


TWO, DEEP = "TwoLayerNet._forward", "FullyConnectedNet._forward"
SCORES = [
    ("fc-2.2", "no ReLU", TWO, no_relu, "is missing"),
    ("fc-2.2", "ReLU on scores", TWO, relu_on_scores(TWO), "there is a ReLU on the scores"),
    ("fc-2.2", "softmax", TWO, probabilities(TWO), "scores["),
    ("fc-3.2", "ReLU on scores", DEEP, relu_on_scores(DEEP), "there is a ReLU on the scores"),
    ("fc-3.2", "softmax", DEEP, probabilities(DEEP), "scores["),
    ("fc-3.2", "no ReLU", DEEP, linear, "with 2 layers"),
    ("fc-3.2", "two layers", DEEP, only_two_layers, "values per example, but w"),
]


# --- losses and gradients


def loss_method(owner, change):
    """Make a method that returns the right loss and gradients, changed."""
    right = RIGHT[f"{owner}._loss_and_gradients"]

    def answer(self, scores, y, cache):
        return change(self, y, *right(self, scores, y, cache))

    return answer


def squares(net, *names):
    return 0.5 * net.reg * sum(np.sum(net.params[name] ** 2) for name in names)


def weights(net):
    return sorted(name for name in net.params if name.startswith("W"))


def grads_with(change):
    """Make a change of the gradients of weight matrices: ``change(net, name, grad)``."""

    def run(net, y, loss, grads):
        return loss, {k: change(net, k, g) if k.startswith("W") else g for k, g in grads.items()}

    return run


def without_last(net, y, loss, grads):
    last = weights(net)[-1]
    grads[last] = grads[last] - net.reg * net.params[last]
    return loss - squares(net, last), grads


def stale_variable(net, y, loss, grads):
    names = weights(net)
    return loss - squares(net, *names) + len(names) * squares(net, names[0]), grads


LOSSES = [
    ("summed", lambda n, y, loss, g: (loss * len(y), g), "the loss is summed over the batch"),
    ("no penalty", lambda n, y, loss, g: (loss - squares(n, *weights(n)), g), "penalty is missing"),
    ("no half", lambda n, y, loss, g: (loss + squares(n, *weights(n)), g), "the factor 0.5 of the"),
    ("biases", lambda n, y, loss, g: (loss + squares(n, "b1", "b2"), g), "for reg = 0.7"),
    ("last layer", without_last, "the last layer's weights are left out of the penalty"),
    ("doubled", lambda n, y, loss, g: (2 * loss, g), "loss = "),
    ("array", lambda n, y, loss, g: (np.array([loss]), g), "loss has shape (1,), expected ()"),
    ("only loss", lambda n, y, loss, g: loss, "returned a float; it should return loss, grads"),
    ("no W2", lambda n, y, loss, g: (loss, {"W1": g["W1"]}), "lacks ["),
    ("extra", lambda n, y, loss, g: (loss, {**g, "x": g["W1"]}), "has unexpected ["),
    ("no slope", grads_with(lambda n, k, g: g - n.reg * n.params[k]), "reg * W"),
    ("half", grads_with(lambda n, k, g: g - 0.5 * n.reg * n.params[k]), "reg * W"),
    ("sum", grads_with(lambda n, k, g: g + n.reg * n.params[k].sum()), "grads['W"),
    ("twice", grads_with(lambda n, k, g: 2 * g), "grads['W"),
    ("row", lambda n, y, loss, g: (loss, {**g, "b1": g["b1"][None]}), "a row matrix is not a vec"),
    (
        "biases pulled",
        lambda n, y, loss, g: (loss, {**g, "b1": g["b1"] + n.reg * n.params["b1"]}),
        "grads['b1']",
    ),
]
ONLY_DEEP = [("stale variable", stale_variable, "for reg = 0.7")]
LOSS_TABLES = {
    ("fc-2.3", "TwoLayerNet"): LOSSES,
    ("fc-3.3", "FullyConnectedNet"): LOSSES + ONLY_DEEP,
}
METHOD = "_loss_and_gradients"
WRONG = [
    *(of(id_, id_, method, *row, name=name) for id_, name, method, *row in SCORES),
    *(
        of(id_, id_, f"{owner}.{METHOD}", loss_method(owner, change), text, name=name)
        for (id_, owner), rows in LOSS_TABLES.items()
        for name, change, text in rows
    ),
]


@pytest.mark.parametrize(("exercise", "method", "answer", "text"), WRONG)
def test_check_of_network_refuses_and_says_why(monkeypatch, exercise, method, answer, text):
    put(monkeypatch, method, answer)

    assert text in refusal(exercise)


@pytest.mark.exercise(id="bn-2.2")
def test_check_of_batchnorm_nets_refuses_a_penalty_on_gamma(monkeypatch):
    def change(net, y, loss, grads):
        return (loss + squares(net, "gamma1") if net.normalization else loss), grads

    put(monkeypatch, f"FullyConnectedNet.{METHOD}", loss_method("FullyConnectedNet", change))

    assert "loss = " in refusal("bn-2.2")


@pytest.mark.exercise(id="fc-2.2")
def test_check_of_network_passes_layers_called_one_by_one(monkeypatch):
    def answer(self, X):
        hidden = np.einsum("nd,dh->nh", X.reshape(len(X), -1), self.params["W1"])
        hidden = np.where(hidden + self.params["b1"] > 0, hidden + self.params["b1"], 0)
        return hidden.dot(self.params["W2"]) + self.params["b2"], {"X": X, "hidden": hidden}

    put(monkeypatch, TWO, answer)

    check("fc-2.2")

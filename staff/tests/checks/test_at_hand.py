"""What a check says of an exception: what is at hand in the failing line, and no guess."""

from __future__ import annotations

import re
import traceback

import numpy as np
import pytest

from cs682 import layer_utils
from cs682.checks.at_hand import say_at_hand
from cs682.checks.run import examine
from cs682.classifiers import cnn, fc_net
from staff.bank.answer import Answer, Change, installed
from staff.tests.checks.mutants import put, refusal


def said(judge, new, old, exercise="", *, anywhere=False):
    """Return the message of a check, with a piece of the reference replaced."""
    change = Change(exercise or judge, new, old, anywhere=anywhere)
    with installed(Answer(judge, "a mistake", (change,))):
        result = examine(judge)
    assert result.state == "wrong"
    assert len(result.message) < 700
    return result.message.replace("student/", "")


W2 = 'self.params["W2"]'
HIDDEN = 'hidden, hidden_cache = affine_relu_forward(X, self.params["W1"], self.params["b1"])'
WAY = "dout, dW, db, *dnorm = affine_norm_relu_dropout_backward(dout, caches[i - 1])"
PENALTY = "float(np.sum(W1 * W1) + np.sum(W2 * W2))"
OPTIONS = "affine_norm_relu_dropout_forward(out, W, b, **self._hidden_options(i))"
DROPPED = "dropout_forward(out, dropout_param)"

CASES = [  # exercise, what the reference has, what is written, what is said
    ("fc-1.2", "dout.sum(axis=0)", "np.ones_like(b) * dout.sum(0)",
     "No b here; the names are dout, cache, x, w, _"),
    ("fc-1.3", "np.maximum(x, 0)", "np.maximum(x)", "np.maximum has the parameters x1, x2."),
    ("fc-1.1", "@ w + b", "@ w.T.transpos() + b", "no attribute 'transpos'"),
    ("fc-1.4", "x > 0", "relu_forward(x) > 0", "Here dout has shape (7,), x (7,)."),
    ("fc-2.1", "np.zeros(H)", "np.zeros(self.hidden_dim)",
     "self has reg; the names here are D, H, C, weight_scale."),
    ("fc-2.2", HIDDEN, HIDDEN.replace("self.params[", "params[", 1),
     "No params here; there is self.params."),
    ("fc-2.2", HIDDEN, HIDDEN.replace("= aff", "= layers.aff"),
     "No layers here; affine_relu_forward is there by itself, without it."),
    ("fc-2.2", HIDDEN, f"hidden = hidden_cache = {HIDDEN.partition(' = ')[2]}",
     f"Here hidden is a tuple of 2 (an array of shape (4, 8) and a tuple of 2), {W2} has shape"),
    ("fc-2.3", PENALTY, "(W1 @ W1 + W2 @ W2)", "The inner lengths must agree. Here W1 has shape "
     "(6, 8), W2 (8, 5)."),
    ("fc-1.1", "rows @ w", "x.reshape(len(x), -1) * w", "* goes entry by entry."),
    ("fc-2.3", PENALTY, "np.sum(W1 * W2)", "* goes entry by entry. A matrix product is written @, "
     "and these shapes fit one. Here W1"),
    ("fc-2.3", PENALTY, "np.sum(W1 * W1 + W2 * W2)",
     "(8,5) \n  Shapes must agree from the right, or be 1 there. Here W1 has shape"),
    ("fc-1.4", "x > 0", "x(0) > 0",
     "An array is no function: its entries stand in square brackets"),
    ("fc-1.4", "x > 0", "(max := x) > max(x)",
     "max is an array here, which hides the function max: rename one of them."),
    ("fc-2.3", "loss, dscores = softmax_loss(scores, y)",
     "dscores, loss = softmax_loss(scores, y)\nloss = 0.0", "Here dscores is 2.07"),
    ("fc-2.3", "softmax_loss(scores, y)", "softmax_loss(y, scores)",
     "Here y has shape (4,) of int64, scores (4, 5)."),
    ("fc-2.3", "_, dW1, db1 =", "dW1, db1 =",
     "By its docstring affine_relu_backward returns dx, dw, db."),
    ("fc-3.1", "range(1, self.num_layers + 1)", "range(1, self.L + 1)",
     "self has normalization, use_dropout, reg, dtype, num_layers; the names here are widths"),
    ("fc-3.1", 'params[f"W{i}"]', 'params["W" + i]', "params is an empty dict, i is 1."),
    ("fc-3.2", OPTIONS, OPTIONS.replace("relu_dropout", "relu"),
     "affine_norm_relu_forward has the parameters x, w, b, gamma, beta, norm_param, normal"),
    ("fc-3.3", WAY, WAY.replace("norm_relu_dropout", "relu"),
     "Here dout has shape (3, 6), caches[i - 1] is a tuple of 2 (a tuple of 2 and None), i is 1."),
    ("fc-3.3", "caches[-1]", "dict(enumerate(caches))[-1]", "caches is a list of 2 (a"),
    ("fc-3.3", WAY, WAY.replace("dout, dW", "dx, dW"), "i is 1. dout is that of line "),
    ("fc-3.3", "range(L - 1, 0, -1)", "range(1, L)", "(a tuple of 2 and None), i is 1."),
    ("fc-4.1", 'config["velocity"] -', 'config["v"] -',
     "Here config has 'learning_rate', 'momentum', 'velocity'; no 'v'."),
    ("fc-4.1", 'config["velocity"] -', "config.velocity -",
     'A dict is read by keys: config["velocity"] is there.'),
    ("bn-1.3", "dx_hat = dout * gamma", "dx_hat = dout * gamma * dgama",
     "No dgama here; the nearest: "),
    ("bn-1.4", "x_hat * (dgamma / N)", "np.dot(x_hat, dgamma)", "x_hat (4, 5)"),
    ("bn-3.1", "x.mean(", "x.mean(dims=0, ", "x.mean has the parameters a, axis, dtype, out"),
    ("bn-3.1", "x_hat = centred * inv_std", "x_hat = (centred * inv_std).T", "which has length 4"),
    ("cn-1.2", "* w[f]", "* w",
     "has one axis more, of length 5. Here dpadded has shape (2, 2, 6, 6), dout"),
    ("cn-1.4", "row, column = np.unravel_index(window.argmax(), window.shape)",
     "row = column = window.argmax()", "row comes from argmax without an axis, which counts"),
    ("do-1.3", "mask: Array | None = cache[1]", "mask = cache[0]", "mask is a dict with 'mode', "),
    ("do-1.3", "dout * mask", "dout[mask]", "mask (10, 10) of float64."),
    ("do-1.3", "dout * mask", "dout * cache.mask", "cache is a tuple of 2 (a dict and an array"),
    ("bn-1.3", "(dout * x_hat).sum(axis=0)", 'np.einsum("nd,dn->d", dout, x_hat)',
     "In einsum, a letter stands for one length wherever it is. Here dout has shape (4, 5), x_hat"),
    ("bn-2.2", "batchnorm_backward_alt if", "norm_param or batchnorm_backward_alt if",
     "No norm_param here; the nearest: norm_cache, normalization."),
    ("do-2.1", DROPPED, DROPPED.replace("param", 'param["p"]'), 'dropout_param["p"] is 0.6.'),
    ("fc-1.2", "dout.sum(axis=0)", "dout(0)",
     "entries stand in square brackets, a[i] or a[i, :]. Here dout has shape (3, 5)."),
    ("bn-2.1", 'params[f"gamma{i}"] =', 'self.params[f"gamma{i}"] =',
     "__init__ makes it of the dict that _initial_norm_params returns. Fill a dict"),
]  # fmt: skip


RELU, ROWS, AXES = "np.maximum(x, 0)", "x.reshape(x.shape[0], -1)", "x.transpose(0, 2, 3, 1)"
ELSEWHERE = [  # what PyTorch calls otherwise
    ("fc-1.1", ROWS, "x.view(x.shape[0], -1)", "a new shape is x.reshape(x.shape[0], -1)."),
    ("fc-1.1", ROWS, "x.view(-1)", "x.view takes a type; a new shape is x.reshape(-1)."),
    ("fc-1.1", ROWS, "x.view(3, 2, -1)", "a new shape is x.reshape(3, 2, -1)."),
    ("fc-1.1", ROWS, "x.flatten(start_dim=1)", "x.reshape(len(x), -1) keeps the first."),
    ("fc-1.1", "x.shape[0], -1", "x.size(0), -1", "size is no function; write x.shape[0]."),
    ("fc-1.1", "x.shape[0], -1", "x.shape(0), -1", "shape is no function; write x.shape[0]."),
    ("fc-1.3", RELU, "x.clamp(min=0)", "An array has no clamp; in NumPy it is np.clip("),
    ("fc-1.3", RELU, "np.relu(x)", "np has no relu; in NumPy it is np.maximum(x, 0)."),
    ("fc-1.3", RELU, "x.detach()", "no detach; an array is plain numbers already: leave it out."),
    ("fc-1.3", RELU, "np.transpos(x)", "numpy has transpose"),
    ("fc-1.3", RELU, "torch.relu(x)", "torch is PyTorch's, which no exercise needs: NumPy"),
    (
        "cn-3.1",
        AXES,
        "x.permute(0, 2, 3, 1)",
        "An array has no permute; in NumPy it is x.transpose",
    ),
    ("cn-3.1", AXES, "x.transpose(1, 3)", "wants all axes; x.swapaxes(1, 3) exchanges two."),
    ("bn-3.1", "x.mean(", "x.mean(dim=0, ", "NumPy calls dim axis."),
    (
        "bn-3.1",
        "x.mean(axis=1, keepdims",
        "x.mean(axis=1, keepdim",
        "NumPy calls keepdim keepdims.",
    ),
    (
        "bn-1.3",
        "dout * gamma",
        "dout.backward()",
        "An array has no backward; no gradient comes by ",
    ),
]


@pytest.mark.parametrize(("judge", "old", "new", "words"), [*CASES, *ELSEWHERE])
def test_what_is_at_hand_is_told(judge, old, new, words):
    assert words in said(judge, new, old).partition("\n  in ")[0]


def test_method_without_self_is_named(monkeypatch):
    def _forward(X):
        return X

    _forward.__qualname__ = "TwoLayerNet._forward"
    put(monkeypatch, "TwoLayerNet._forward", _forward)

    assert re.search(r"  Line \d+ defines _forward\(X\) without self, the", refusal("fc-2.2"))


@pytest.mark.parametrize(
    ("mine", "more"), [("forward", " It has forward.\n"), ("run", "\n")], ids=["near", "far"]
)
def test_method_under_another_name_is_missed(monkeypatch, mine, more):
    monkeypatch.setattr(fc_net.TwoLayerNet, mine, fc_net.TwoLayerNet._forward, raising=False)
    monkeypatch.delattr(fc_net.TwoLayerNet, "_forward")

    said = "The class TwoLayerNet has no method _forward: was it renamed or deleted?"
    assert f"{said}{more}" in refusal("fc-2.2")


def test_names_of_a_file_are_told_without_those_that_each_has():
    with pytest.raises(NameError) as caught:
        exec(compile("one = 1\nclass Net(Bas): pass\n", "net.py", "exec"), {})

    *_, (frame, number) = traceback.walk_tb(caught.value.__traceback__)
    assert say_at_hand(caught.value, frame, number) == "No Bas here; the names are one."


def test_a_lambda_of_a_list_is_read_by_itself():
    b = np.ones(3)
    with pytest.raises(TypeError) as caught:
        [lambda x: b.sum(), lambda x, w=None: x + w][1](np.ones(2))

    *_, (frame, number) = traceback.walk_tb(caught.value.__traceback__)
    assert say_at_hand(caught.value, frame, number).startswith("Here x has shape (2,), w is None")


def test_a_signature_in_another_order_is_named():
    message = said(
        "fc-1.1",
        "def affine_forward(w: Array, x: Array, b",
        "def affine_forward(x: Array, w: Array, b",
        anywhere=True,
    )

    assert message.startswith(
        "affine_forward has the parameters (w, x, b), its docstring has (x, w, b): "
    )


def test_a_function_that_calls_itself_is_shown_where_it_does():
    message = said("fc-1.1", "return affine_forward(x, w, b)", "return out, (x, w, b)")

    assert message.splitlines()[-1].endswith(": return affine_forward(x, w, b)")


def test_a_number_among_initial_parameters_is_named():
    message = said("bn-2.1", "1.0", "np.ones(widths[i])")

    assert message == (
        "FullyConnectedNet._initial_norm_params has to return a dict of arrays; its 'gamma1' is "
        "a float"
    )


@pytest.mark.parametrize("is_by_name", [False, True], ids=["in the wrong place", "wrong shape"])
def test_who_called_a_sandwich_wrongly_is_named(monkeypatch, is_by_name):
    def _forward(self, X):
        W, b, hidden = self.params["W1"], self.params["b1"], self._hidden_options(1)
        if is_by_name:
            hidden["gamma"] = np.ones(1)
            return layer_utils.affine_norm_relu_dropout_forward(X, W, b, **hidden)
        return layer_utils.affine_norm_relu_dropout_forward(X, W, b, *hidden)

    put(monkeypatch, "FullyConnectedNet._forward", _forward)

    assert re.search(
        r"(in|called from) _forward, \S+ line \d+: return .*hidden\)", refusal("bn-2.2")
    )


def test_a_line_beneath_its_caller_is_not_said_to_call_it():
    message = said("fc-2.3", "dscores, loss = softmax_loss(scores, y)",
                   "loss, dscores = softmax_loss(scores, y)")  # fmt: skip

    assert "in loss" not in message


@pytest.mark.parametrize("name", ["TwoLayerNet", "FullyConnectedNet", "ThreeLayerConvNet"])
def test_class_that_has_lost_its_init_is_named_with_its_file(monkeypatch, name):
    home = cnn if hasattr(cnn, name) else fc_net
    monkeypatch.delattr(getattr(home, name), "__init__")
    exercise = {"TwoLayerNet": "fc-2.1", "FullyConnectedNet": "fc-3.1"}.get(name, "cn-2.1")

    told = refusal(exercise)

    assert f"{name} in cs682/classifiers/" in told
    assert "has no method __init__: was it renamed?" in told
    assert "Next" not in told

"""Notebooks and student files of earlier years run against the package unchanged."""

from __future__ import annotations

import inspect
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cs682 import layer_utils, layers, optim
from cs682.classifiers.fc_net import FullyConnectedNet, TwoLayerNet
from cs682.solver import Solver

ROOT = Path(__file__).resolve().parents[3]
SMALL = {"hidden_dims": [8, 6], "input_dim": 12, "num_classes": 4}
LAYERS = """affine_forward affine_backward relu_forward relu_backward batchnorm_forward
    batchnorm_backward batchnorm_backward_alt layernorm_forward layernorm_backward dropout_forward
    dropout_backward svm_loss softmax_loss""".split()  # noqa: SIM905  # a list of 17 lines else
SANDWICHES = ["affine_relu_forward", "affine_relu_backward"]
FAST_LAYERS = """conv_forward_fast conv_backward_fast max_pool_forward_fast
    max_pool_backward_fast""".split()  # noqa: SIM905  # as above
CONV_SANDWICHES = """conv_relu_forward conv_relu_backward conv_bn_relu_forward conv_bn_relu_backward
    conv_relu_pool_forward conv_relu_pool_backward""".split()  # noqa: SIM905  # as above


@pytest.fixture(autouse=True)
def stream():
    """Seed the global stream, from which nets and solvers draw, and put it back afterwards."""
    before = np.random.get_state()  # noqa: NPY002  # as published
    np.random.seed(231)  # noqa: NPY002  # as published
    yield
    np.random.set_state(before)  # noqa: NPY002  # as published


def python(code):
    """Run code in a fresh interpreter and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def small_data(N=40):
    rng = np.random.default_rng(682)
    X, y = rng.standard_normal((N, 3, 2, 2)), np.arange(N) % 4
    return {"X_train": X, "y_train": y, "X_val": X[:20], "y_val": y[:20]}


# --- what imports give


def test_star_import_from_fc_net_gives_layers_sandwiches_networks_and_numpy():
    names: dict = {}
    exec("from cs682.classifiers.fc_net import *", names)  # star imports are banned in files

    assert {*LAYERS, *SANDWICHES, "TwoLayerNet", "FullyConnectedNet", "np"} <= set(names)
    assert names["affine_forward"] is layers.affine_forward
    assert names["np"] is np


@pytest.mark.parametrize("module", ["layers", "layer_utils", "fast_layers", "optim"])
def test_star_import_from_other_modules_gives_their_functions(module):
    names: dict = {}
    exec(f"from cs682.{module} import *", names)

    wanted = {
        "layers": LAYERS,
        "layer_utils": [*SANDWICHES, *CONV_SANDWICHES],
        "fast_layers": FAST_LAYERS,
        "optim": ["sgd", "rmsprop", "adam"],
    }
    assert set(wanted[module]) <= set(names)


def test_importing_layers_loads_nothing_beyond_numpy():
    code = """
import sys, numpy
before = set(sys.modules)
import cs682.layers
new = {name.partition(".")[0] for name in set(sys.modules) - before}
print(sorted(new - set(sys.stdlib_module_names)))
"""
    assert python(code) == "['cs682']"


def test_cs231n_modules_are_those_of_cs682():
    code = """
import importlib
import cs231n
for name in ("layers", "fast_layers", "layer_utils", "optim", "solver", "gradient_check",
             "data_utils", "vis_utils", "classifiers", "classifiers.fc_net"):
    ours, theirs = (importlib.import_module(f"{top}.{name}") for top in ("cs682", "cs231n"))
    assert ours is theirs, name
from cs231n.classifiers.fc_net import *
from cs231n.layers import relu_forward as relu
assert relu is relu_forward and TwoLayerNet.__module__ == "cs682.classifiers.fc_net"
"""
    python(code)


def test_cs231n_modules_are_attributes_of_the_package():
    python("import cs231n.layers; cs231n.layers.np; cs231n.classifiers.fc_net.TwoLayerNet")


# --- constructors


def test_positional_arguments_keep_their_places():
    published = {
        layers.affine_forward: ["x", "w", "b"],
        layers.batchnorm_forward: ["x", "gamma", "beta", "bn_param"],
        layers.layernorm_forward: ["x", "gamma", "beta", "ln_param"],
        layers.dropout_forward: ["x", "dropout_param"],
        layers.relu_backward: ["dout", "cache"],
        layers.softmax_loss: ["x", "y"],
        layer_utils.affine_relu_forward: ["x", "w", "b"],
        optim.adam: ["w", "dw", "config"],
        TwoLayerNet: ["input_dim", "hidden_dim", "num_classes", "weight_scale", "reg"],
        FullyConnectedNet: [
            *["hidden_dims", "input_dim", "num_classes", "dropout", "normalization", "reg"],
            *["weight_scale", "dtype", "seed"],
        ],
    }
    for function, names in published.items():
        parameters = inspect.signature(function).parameters.values()
        assert [p.name for p in parameters if p.kind is not p.KEYWORD_ONLY] == names


def test_use_batchnorm_means_batchnorm():
    assert FullyConnectedNet(**SMALL, use_batchnorm=True).normalization == "batchnorm"
    assert FullyConnectedNet(**SMALL, use_batchnorm=False).normalization is None
    both = FullyConnectedNet(**SMALL, use_batchnorm=True, normalization="batchnorm")
    assert len(both.bn_params) == 2


@pytest.mark.parametrize(("value", "use"), [("layernorm", True), ("batchnorm", False)])
def test_use_batchnorm_refuses_to_contradict_normalization(value, use):
    with pytest.raises(ValueError, match=f"normalization='{value}' and use_batchnorm={use} contra"):
        FullyConnectedNet(**SMALL, normalization=value, use_batchnorm=use)


def test_dropout_keep_ratio_is_dropout():
    for options in ({"dropout": 0.5}, {"dropout_keep_ratio": 0.5}):
        net = FullyConnectedNet(**SMALL, **options)
        assert net.use_dropout
        assert net.dropout_param["p"] == 0.5
    assert not FullyConnectedNet(**SMALL, dropout_keep_ratio=1).use_dropout
    assert FullyConnectedNet(**SMALL, dropout=0.5, dropout_keep_ratio=0.5).use_dropout


@pytest.mark.parametrize("ratio", [0.25, 1])
def test_dropout_keep_ratio_refuses_to_contradict_dropout(ratio):
    with pytest.raises(ValueError, match=f"dropout=0.5 and dropout_keep_ratio={ratio} contradict"):
        FullyConnectedNet(**SMALL, dropout=0.5, dropout_keep_ratio=ratio)


@pytest.mark.parametrize("name", ["dropout", "dropout_keep_ratio"])
def test_dropout_zero_is_refused_with_both_conventions(name):
    with pytest.raises(ValueError, match=rf"{name} must be in \(0, 1\], got 0") as caught:
        FullyConnectedNet(**SMALL, **{name: 0})

    assert "probability of KEEPING a unit, so 1 means no dropout" in str(caught.value)
    assert "up to 2017" in str(caught.value)


# --- update rules


@pytest.mark.parametrize("name", ["sgd", "sgd_momentum", "rmsprop", "adam"])
def test_rules_take_the_old_spelling_of_their_arguments(name):
    w, dw = np.random.default_rng(682).standard_normal((2, 3, 2))
    rule = getattr(optim, name)

    want, _ = rule(w, dw, {"learning_rate": 0.1})

    np.testing.assert_array_equal(rule(x=w, dx=dw, config={"learning_rate": 0.1})[0], want)
    np.testing.assert_array_equal(rule(w, dx=dw, config={"learning_rate": 0.1})[0], want)
    with pytest.raises(TypeError, match="multiple values for argument 'w'"):
        rule(w, dw, x=w)


def test_rules_refuse_both_spellings_of_one_argument():
    with pytest.raises(TypeError):
        optim.adam(w=np.ones(2), x=np.zeros(2), dw=np.ones(2))


def test_adam_counts_from_any_start():
    config = optim.adam(np.ones(2), np.ones(2), {"t": 1})[1]  # the default of 2017

    assert config["t"] == 2


# --- caches and dicts that student files unpack


def test_caches_unpack_as_they_always_did():
    x, w, b = np.ones((2, 3)), np.ones((3, 4)), np.ones(4)

    out, ((x_in, w_in, b_in), a) = layer_utils.affine_relu_forward(x, w, b)
    param, mask = layers.dropout_forward(x, {"mode": "train", "p": 1.0})[1]

    assert (x_in is x, w_in is w, b_in is b) == (True, True, True)
    np.testing.assert_array_equal(np.maximum(a, 0), out)
    np.testing.assert_array_equal(mask, np.ones((2, 3)))
    assert param["mode"] == "train"


STUDENT_FILE = """
from builtins import range
from builtins import object
import numpy as np

from cs682.layers import *
from cs682.layer_utils import *


def affine_bn_relu_forward(x, w, b, gamma, beta, bn_param):
    a, fc = affine_forward(x, w, b)
    n, bn = batchnorm_forward(a, gamma, beta, bn_param)
    out, relu = relu_forward(n)
    return out, (fc, bn, relu)


class FullyConnectedNet(object):
    def __init__(self, hidden_dims, input_dim=3*32*32, num_classes=10, dropout=1,
                 normalization=None, reg=0.0, weight_scale=1e-2, dtype=np.float32, seed=None):
        self.normalization, self.reg, self.dtype = normalization, reg, dtype
        self.use_dropout = dropout != 1
        self.num_layers = 1 + len(hidden_dims)
        self.params = {}
        dims = [input_dim] + hidden_dims + [num_classes]
        for i in range(self.num_layers):
            self.params['W%d' % (i + 1)] = weight_scale * np.random.randn(dims[i], dims[i + 1])
            self.params['b%d' % (i + 1)] = np.zeros(dims[i + 1])
            if i < self.num_layers - 1:
                self.params['gamma%d' % (i + 1)] = np.ones(dims[i + 1])
                self.params['beta%d' % (i + 1)] = np.zeros(dims[i + 1])
        self.dropout_param = {'mode': 'train', 'p': dropout} if self.use_dropout else {}
        self.bn_params = [{'mode': 'train'} for _ in range(self.num_layers - 1)]

    def loss(self, X, y=None):
        X = X.astype(self.dtype)
        mode = 'test' if y is None else 'train'
        if self.use_dropout:
            self.dropout_param['mode'] = mode
        for bn_param in self.bn_params:
            bn_param[mode] = mode
        caches, drops = [], []
        for i in range(1, self.num_layers):
            p = [self.params[k + str(i)] for k in ('W', 'b', 'gamma', 'beta')]
            X, cache = affine_bn_relu_forward(X, *(p + [self.bn_params[i - 1]]))
            caches.append(cache)
            X, drop = dropout_forward(X, self.dropout_param)
            drops.append(drop)
        last = str(self.num_layers)
        scores, cache = affine_forward(X, self.params['W' + last], self.params['b' + last])
        if mode == 'test':
            return scores
        loss, dout = softmax_loss(scores, y)
        grads = {}
        dout, grads['W' + last], grads['b' + last] = affine_backward(dout, cache)
        for i in range(self.num_layers - 1, 0, -1):
            fc, bn, relu = caches[i - 1]
            dout = relu_backward(dropout_backward(dout, drops[i - 1]), relu)
            dout, grads['gamma%d' % i], grads['beta%d' % i] = batchnorm_backward(dout, bn)
            x, w, b = fc
            grads['W%d' % i] = x.reshape(x.shape[0], -1).T.dot(dout)
            grads['b%d' % i] = np.sum(dout, axis=0)
            dout = dout.dot(w.T).reshape(x.shape)
        return loss, grads
"""


def test_old_student_file_trains(tmp_path, capsys):
    # It sets bn_param[mode] = mode, the starter's slip of those years: the mode stays 'train'.
    file = tmp_path / "fc_net.py"
    file.write_text(STUDENT_FILE, encoding="utf-8")
    theirs = runpy.run_path(str(file))["FullyConnectedNet"]
    net = theirs([8, 6], input_dim=12, num_classes=4, dropout=0.8, weight_scale=0.5)

    solver = Solver(net, small_data(), num_epochs=15, batch_size=10, print_every=100)
    solver.train()

    assert np.mean(solver.loss_history[-5:]) < np.mean(solver.loss_history[:5])
    assert "(Iteration 1 / 60) loss:" in capsys.readouterr().out


def test_old_student_rule_runs_in_the_solver(monkeypatch):
    def theirs(x, dx, config=None):  # as in 2016: other names, written in place
        if config is None:
            config = {}
        config.setdefault("learning_rate", 1e-2)
        config.setdefault("cache", np.zeros_like(x))
        config["cache"] *= 0.99
        config["cache"] += 0.01 * dx**2
        x -= config["learning_rate"] * dx / (np.sqrt(config["cache"]) + 1e-8)
        return x, config

    theirs.__module__ = "cs682.optim"
    monkeypatch.setattr(optim, "rmsprop", theirs)
    net = TwoLayerNet(input_dim=12, hidden_dim=8, num_classes=4, weight_scale=0.1)

    solver = Solver(net, small_data(), update_rule="rmsprop", num_epochs=10, verbose=False)
    solver.train()

    assert solver.loss_history[-1] < solver.loss_history[0]


NOTEBOOK = [
    """
from __future__ import print_function
import time
import numpy as np
import matplotlib.pyplot as plt
from cs682.classifiers.fc_net import *
from cs682.data_utils import get_CIFAR10_data
from cs682.gradient_check import eval_numerical_gradient, eval_numerical_gradient_array
from cs682.solver import Solver

def rel_error(x, y):
    return np.max(np.abs(x - y) / (np.maximum(1e-8, np.abs(x) + np.abs(y))))
""",
    """
np.random.seed(231)
x, w, b = np.random.randn(10, 2, 3), np.random.randn(6, 5), np.random.randn(5)
dout = np.random.randn(10, 5)
dx_num = eval_numerical_gradient_array(lambda x: affine_forward(x, w, b)[0], x, dout)
_, cache = affine_forward(x, w, b)
dx, dw, db = affine_backward(dout, cache)
errors = [rel_error(dx_num, dx)]
""",
    """
x = np.random.randn(3, 4, 5) + 10
out, cache = dropout_forward(x, {'mode': 'train', 'p': 0.4, 'seed': 123})
dout = np.random.randn(*x.shape)
dx_num = eval_numerical_gradient_array(
    lambda xx: dropout_forward(xx, {'mode': 'train', 'p': 0.4, 'seed': 123})[0], x, dout)
errors.append(rel_error(dx_num, dropout_backward(dout, cache)))
""",
    """
N, D, C = 2, 15, 10
X, y = np.random.randn(N, D), np.random.randint(C, size=(N,))
for norm in [None, 'batchnorm', 'layernorm']:
    model = FullyConnectedNet([20, 30], input_dim=D, num_classes=C, reg=3.14,
                              normalization=norm, weight_scale=5e-2, dtype=np.float64)
    loss, grads = model.loss(X, y)
    f = lambda _: model.loss(X, y)[0]
    grad_num = eval_numerical_gradient(f, model.params['W3'], verbose=False, h=1e-5)
    errors.append(rel_error(grad_num, grads['W3']))
""",
    """
solvers = {}
for update_rule, learning_rate in [('sgd', 1e-2), ('adam', 1e-3)]:
    model = FullyConnectedNet([100, 100], input_dim=12, num_classes=4, weight_scale=5e-2)
    solver = Solver(model, data, num_epochs=2, batch_size=10, update_rule=update_rule,
                    optim_config={'learning_rate': learning_rate}, verbose=True)
    solvers[update_rule] = solver
    solver.train()
""",
    """
plt.subplot(2, 1, 1)
for update_rule, solver in solvers.items():
    plt.plot(solver.loss_history, 'o', label=update_rule)
plt.subplot(2, 1, 2)
plt.plot(solver.train_acc_history, '-o')
plt.plot(solver.val_acc_history, '-o')
plt.close('all')
y_pred = np.argmax(solver.model.loss(data['X_val']), axis=1)
accuracy = (y_pred == data['y_val']).mean()
""",
]


def test_old_notebook_runs_top_to_bottom(capsys):
    namespace = {"data": small_data()}

    for cell in NOTEBOOK:
        exec(compile(cell, "cell", "exec", dont_inherit=True), namespace)

    lines = capsys.readouterr().out.splitlines()
    assert len(namespace["errors"]) == 5
    assert max(namespace["errors"]) < 1e-6
    assert namespace["accuracy"] == namespace["solver"].best_val_acc
    assert any(line.startswith("(Iteration 1 / 8) loss: ") for line in lines)
    assert any(line.startswith("(Epoch 2 / 2) train acc: ") for line in lines)


@pytest.mark.parametrize(
    ("home", "name"),
    [
        ("cs682.im2col", "im2col_indices"),
        ("cs231n.im2col", "im2col_indices"),
    ],
)
def test_names_of_im2col_are_answered_with_what_stands_in_their_place(home, name):
    with pytest.raises(ImportError, match=f"cs682 has no {name}: .* of cs682.fast_layers"):
        exec(f"from {home} import {name}", {})
    exec(f"from {home} import *", {})  # as files do that do without them

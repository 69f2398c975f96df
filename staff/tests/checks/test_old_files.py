"""Notebooks and student files of earlier years run against the package unchanged."""

from __future__ import annotations

import runpy

import numpy as np
import pytest

from cs682 import optim
from cs682.classifiers.fc_net import TwoLayerNet
from cs682.solver import Solver

pytestmark = pytest.mark.usefixtures("stream")


def small_data(N=40):
    rng = np.random.default_rng(682)
    X, y = rng.standard_normal((N, 3, 2, 2)), np.arange(N) % 4
    return {"X_train": X, "y_train": y, "X_val": X[:20], "y_val": y[:20]}


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

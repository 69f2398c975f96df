"""Further checks that a gradient is one: differences of the forward pass do not pass for it.

Two things tell them apart. For arrays with tens of thousands of numbers, a forward pass for each
takes more computing time than there is, where a backward pass takes a moment; the batches are so
small that whole Jacobians fit into the memory that there is. And differences lose
digits: where values of very different scales stand side by side no step suits all of them, and
where a formula rounds nothing (`exact`) they still do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cs682 import layer_utils, layers
from cs682.checks.judges.dropout import require_mask
from cs682.checks.subject import Subject
from cs682.classifiers import fc_net
from staff.grading.judging.secret import conv_nets, images
from staff.grading.judging.secret.exact import EPS, exact_lines, hold_exact, powers
from staff.grading.judging.secret.hold import copies, draw, hold, hold_all, pair, refuse

_WAYS = ("forward", "backward")


def _scales(rng: Any, count: int) -> Any:
    """Return powers of ten from 1e-60 to 1e60 in some order; their fourth powers are finite."""
    return 10.0 ** rng.permutation(np.linspace(-60, 60, count))


def _hold_scaled(name: str, got: Any, want: Any, scale: Any, where: str) -> None:
    """Hold an array against the reference's in the unit that each of its parts has."""
    if type(got) is not np.ndarray or got.shape != want.shape:
        hold(name, got, want, where)  # which says so
    hold(name, got * scale, want * scale, where)


def _parts(name: str, result: Any, count: int) -> Any:
    """Return a function's results; CheckError if they are not as many."""
    if type(result) not in (tuple, list) or len(result) != count:
        refuse(name, "does not return all its gradients", "some input")
    return result


def affine(s: Subject, rng: Any) -> None:
    """Hold `affine_backward` for many inputs, and beside a bias that swallows small changes."""
    where = "inputs of many dimensions"
    for N, D, M, bias in ((2, 16_384, 24, 1.0), (7, 30, 5, 1e9)):
        unit = _scales(rng, D) if bias > 1 else np.ones(D)
        x, w = draw(rng, N, D) * unit, draw(rng, D, M) / unit[:, None]
        b, dout = bias * rng.uniform(1, 2, M), draw(rng, N, M)
        dx, dw, db = layers.affine_backward(dout, (x, w, b))
        cache = pair("affine_forward", s.affine_forward(*copies(x, w, b)))[1]
        got = _parts("affine_backward", s.affine_backward(dout.copy(), cache), 3)
        _hold_scaled("dx", got[0], dx, unit, where)
        _hold_scaled("dw", got[1], dw, 1 / unit[:, None], where)
        hold("db", got[2], db, where)
        where = "inputs of very different scales"


def relu(s: Subject, rng: Any) -> None:
    """Hold `relu_backward` close to the kink and far from it."""
    sizes = 10.0 ** rng.permutation(np.linspace(-300, 300, 60))
    x = np.concatenate([sizes, [5e-324, 1.7e308]]) * rng.choice([-1, 1], 62)
    x = np.concatenate([x, -x])
    dout = draw(rng, *x.shape)
    cache = pair("relu_forward", s.relu_forward(x.copy()))[1]
    hold("dx", s.relu_backward(dout.copy(), cache), dout * (x > 0), "very small and large values")


def dropout(s: Subject, rng: Any) -> None:
    """Hold `dropout_backward` on values of very different scales, without a seed."""
    shape, p = (40, 5, 4, 3), round(float(rng.choice([0.15, 0.95]) + rng.uniform(-0.03, 0.03)), 3)
    x, dout = draw(rng, *shape) * _scales(rng, 60).reshape(shape[1:]), draw(rng, *shape)
    out, cache = pair("dropout_forward", s.dropout_forward(x.copy(), {"mode": "train", "p": p}))
    if type(out) is not np.ndarray or out.shape != x.shape:
        refuse("out", "has the wrong shape", "an array of 4 dimensions")
    require_mask(out / x, x.shape, p)
    want = dout * (out / x)
    hold("dx", s.dropout_backward(dout.copy(), cache), want, "values of very different scales")


def normalization(kind: str, backward: str) -> Callable[[Subject, Any], None]:
    """Return the check of a normalization's backward pass."""
    turn = np.transpose if kind == "batchnorm" else np.asarray  # its lines are the columns

    def check(s: Subject, rng: Any) -> None:
        lines = exact_lines(rng, 40)
        x_hat, dx_hat, dx = (turn(values) for values in lines)
        x = x_hat + turn(rng.integers(-4, 5, (40, 1)))
        gamma = powers(rng, x.shape[1])
        dout = dx_hat / gamma
        param = {"mode": "train", "eps": EPS} if kind == "batchnorm" else {"eps": EPS}
        result = getattr(s, f"{kind}_forward")(*copies(x, gamma, np.zeros_like(gamma)), param)
        got = getattr(s, backward)(dout.copy(), pair(f"{kind}_forward", result)[1])
        hold_exact(got, (dx, (dout * x_hat).sum(axis=0), dout.sum(axis=0)))

    return check


def sandwich(name: str) -> Callable[[Subject, Any], None]:
    """Return the check of a sandwich's backward pass on many inputs."""
    drops = name.endswith("dropout")

    def check(s: Subject, rng: Any) -> None:
        shapes = ((8, 2048), (2048, 16), (16,), (16,), (16,))
        values, dout = [draw(rng, *shape) for shape in shapes], draw(rng, 8, 16)
        forward, backward = (getattr(layer_utils, f"{name}_{way}") for way in _WAYS)
        cache = forward(*values, {"mode": "train"}, "batchnorm")[1]
        param: dict[str, Any] = {"mode": "train", "p": 0.7, "seed": int(rng.integers(1, 1000))}
        mask = np.ones(dout.shape)
        if drops:  # whatever the student's code multiplies with
            mask = pair("dropout_forward", s.dropout_forward(mask, dict(param)))[0]
            require_mask(mask, dout.shape, param["p"])
        want = backward(dout * mask, cache)
        more = [dict(param)] if drops else []
        ours, theirs = (getattr(s, f"{name}_{way}") for way in _WAYS)
        result = ours(*copies(*values), {"mode": "train"}, "batchnorm", *more)
        got = theirs(dout.copy(), pair(name, result)[1])
        hold_all("dx dw db dgamma dbeta", got, want, "inputs of many dimensions")

    return check


def network(kind: str) -> Callable[[Subject, Any], None]:
    """Return the check of a network's loss with tens of thousands of parameters."""

    def check(s: Subject, rng: Any) -> None:
        options: dict[str, Any] = {"input_dim": 3000, "num_classes": 10, "reg": 0.3}
        options |= {"dtype": np.float64} if kind == "FullyConnectedNet" else {"hidden_dim": 40}
        args = ([40, 30],) if kind == "FullyConnectedNet" else ()
        ours, theirs = getattr(fc_net, kind)(*args, **options), s.net(kind, *args, **options)
        ours.params = {k: 0.05 * draw(rng, *v.shape) for k, v in ours.params.items()}
        s.set_params(theirs, ours.params)
        X, y = draw(rng, 2, 3000), rng.integers(0, 10, 2)
        loss, grads = ours.loss(X.copy(), y)
        got = pair("loss", s.loss(theirs, X, y))
        where = "a network of 120,000 parameters"
        hold("loss", got[0], loss, where)
        if type(got[1]) is not dict or set(got[1]) != set(grads):
            refuse("grads", "has other names than expected", where)
        for name, want in grads.items():
            hold(f"grads[{name!r}]", got[1][name], want, where)

    return check


GRADIENTS: dict[str, Callable[[Subject, Any], None]] = {
    "fc-1.2": affine,
    "fc-1.4": relu,
    "fc-2.3": network("TwoLayerNet"),
    "fc-3.3": network("FullyConnectedNet"),
    "bn-1.3": normalization("batchnorm", "batchnorm_backward"),
    "bn-1.4": normalization("batchnorm", "batchnorm_backward_alt"),
    "bn-2.2": sandwich("affine_norm_relu"),
    "bn-3.2": normalization("layernorm", "layernorm_backward"),
    "do-1.3": dropout,
    "do-2.1": sandwich("affine_norm_relu_dropout"),
    "cn-2.3": conv_nets.many_parameters,
    "cn-4.2": conv_nets.many_blocks,
    "cn-1.2": images.conv_scales,
    "cn-1.4": images.pool_scales,
    "cn-3.2": images.norm_digits("spatial_batchnorm"),
    "cn-3.4": images.norm_digits("spatial_groupnorm"),
}

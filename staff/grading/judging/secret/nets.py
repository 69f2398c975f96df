"""Further checks of both networks, and of the sandwiches they are made of."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from cs682 import layer_utils
from cs682.checks.judges.dropout import require_mask
from cs682.checks.judges.net_init import has_dependent_lines, parameter_shapes
from cs682.checks.subject import Subject
from cs682.classifiers import fc_net
from staff.grading.judging.secret.hold import copies, draw, hold, hold_all, pair, refuse

_EPS = 0.3  # with the usual 1e-5 nobody could see whether norm_param is handed on


def check_init(params: Any, shapes: dict[str, tuple[int, ...]], scale: float, where: str) -> None:
    """Check names, shapes, constants, spread and independence of initial parameters."""
    if type(params) is not dict or set(params) != set(shapes):
        refuse("params", "has other names than expected", where)
    for name, shape in shapes.items():
        if name[0] != "W":
            hold(name, params[name], np.full(shape, float(name.startswith("gamma"))), where)
        elif np.shape(params[name]) != shape:
            refuse(name, "has the wrong shape", where)
        elif not abs(float(np.std(params[name])) / scale - 1) <= 6 / (2 * np.prod(shape)) ** 0.5:
            refuse(name, "has the wrong spread", where)
        elif not abs(float(np.mean(params[name]))) <= 6 * scale / np.prod(shape) ** 0.5:
            refuse(name, "has the wrong mean", where)
        elif has_dependent_lines(params[name]):
            refuse(name, "has lines that depend on each other", where)
    weights = {name: np.ravel(params[name]) for name in shapes if name[0] == "W"}
    for (_, one), (name, other) in combinations(weights.items(), 2):
        size = min(len(one), len(other))
        a, b = one[:size], other[:size]
        if not abs(a @ b) <= 6 / size**0.5 * np.linalg.norm(a) * np.linalg.norm(b):
            refuse(name, "depends on the weights of another layer", where)


_OF_IMAGES = (3072, 50, 10)  # widths as in the notebooks


def _widths(rng: Any, count: int) -> list[int]:
    return [int(n) for n in rng.integers(8, 40, count)]


def two_layer_init(s: Subject, rng: Any) -> None:
    """Check the initial parameters of `TwoLayerNet`."""
    for scale, (D, H, C) in (
        (1e-2, _widths(rng, 3)),
        (float(rng.uniform(0.1, 3)), _widths(rng, 3)),
        (1e-3, _OF_IMAGES),
    ):
        net = s.net("TwoLayerNet", input_dim=D, hidden_dim=H, num_classes=C, weight_scale=scale)
        check_init(s.get_params(net), parameter_shapes([D, H, C], None), scale, "other widths")


def net_init(s: Subject, rng: Any) -> None:
    """Check the initial parameters of plain `FullyConnectedNet`s."""
    for widths in (_widths(rng, 3), _widths(rng, int(rng.integers(4, 10))), _OF_IMAGES):
        _check_net_init(s, rng, widths, None)


def norm_init(s: Subject, rng: Any) -> None:
    """Check the initial parameters of networks with normalization."""
    for normalization in ("batchnorm", "layernorm"):
        _check_net_init(s, rng, _widths(rng, int(rng.integers(3, 10))), normalization)
    _check_net_init(s, rng, (20, 100, 10), "batchnorm")


def _check_net_init(s: Subject, rng: Any, widths: Sequence[int], normalization: str | None) -> None:
    """Check the initial parameters of one network."""
    D, *hidden, C = widths
    scale = float(rng.uniform(0.01, 2))
    options: dict[str, Any] = {"input_dim": D, "num_classes": C, "weight_scale": scale}
    net = s.net("FullyConnectedNet", hidden, normalization=normalization, **options)
    shapes = parameter_shapes([D, *hidden, C], normalization)
    check_init(s.get_params(net), shapes, scale, f"networks of {len(hidden) + 1} layers")


_USUAL, _LARGE = ((3, 60), (0, 1)), ((60, 100), (2, 5))  # limits of batch sizes, and of reg


def _two_layer(s: Subject, rng: Any, limits: Any) -> tuple[Any, Any, Any, Any]:
    """Return the student's and our two-layer net with the same parameters, and a batch."""
    D, H, C = _widths(rng, 3)
    reg = float(rng.uniform(*limits[1]))
    options = {"input_dim": D, "hidden_dim": H, "num_classes": C, "reg": reg}
    return _with_params(s, rng, "TwoLayerNet", (), options, limits[0])


def _net(
    s: Subject, rng: Any, layers: int, normalization: str | None, dtype: Any
) -> tuple[Any, Any, Any, Any]:
    """Return the student's and our deep net with the same parameters, and a batch."""
    D, *hidden, C = _widths(rng, layers + 1)
    batches, regs = _LARGE if layers == 2 else _USUAL
    options: dict[str, Any] = {"input_dim": D, "num_classes": C, "reg": float(rng.uniform(*regs))}
    options |= {"normalization": normalization, "dtype": dtype}
    return _with_params(s, rng, "FullyConnectedNet", (hidden,), options, batches)


def _with_params(
    s: Subject,
    rng: Any,
    kind: str,
    args: tuple[Any, ...],
    options: dict[str, Any],
    batches: tuple[int, int],
) -> tuple[Any, Any, Any, Any]:
    """Build a network on both sides, and draw its parameters and a batch."""
    theirs, ours = s.net(kind, *args, **options), getattr(fc_net, kind)(*args, **options)
    dtype = options.get("dtype", np.float64)
    for name, value in ours.params.items():
        scale = value.shape[0] ** -0.5 if name[0] == "W" else 0.5
        centre = 1.0 if name.startswith("gamma") else 0.1
        ours.params[name] = (centre * (name[0] != "W") + scale * draw(rng, *value.shape)).astype(
            dtype
        )
    s.set_params(theirs, ours.params)
    N = int(rng.integers(*batches))
    X, y = draw(rng, N, options["input_dim"]), rng.integers(0, options["num_classes"], N)
    return theirs, ours, X, y


def hold_loss(s: Subject, theirs: Any, ours: Any, X: Any, y: Any, where: str, dtype: Any) -> None:
    """Hold loss and gradients of a network against the reference's."""
    loss, grads = ours.loss(X.copy(), y)
    got = pair("loss", s.loss(theirs, X.copy(), y.copy()))
    hold("loss", got[0], loss, where, dtype=dtype)
    if type(got[1]) is not dict or set(got[1]) != set(grads):
        refuse("grads", "has other names than expected", where)
    least = max(float(np.abs(want).max()) for want in grads.values())
    for name, want in grads.items():
        hold(f"grads[{name!r}]", got[1][name], want, where, dtype=dtype, least=least)


def two_layer_scores(s: Subject, rng: Any) -> None:
    """Hold the scores of `TwoLayerNet` against the reference."""
    for limits in (_USUAL, _LARGE):
        theirs, ours, X, _ = _two_layer(s, rng, limits)
        hold("scores", s.loss(theirs, X.copy()), ours.loss(X), f"batches of {len(X)}")


def two_layer_loss(s: Subject, rng: Any) -> None:
    """Hold loss and gradients of `TwoLayerNet` against the reference."""
    for limits in (_USUAL, _LARGE):
        theirs, ours, X, y = _two_layer(s, rng, limits)
        hold_loss(s, theirs, ours, X, y, f"batches of {len(X)}", np.float64)


def _deep(s: Subject, rng: Any, normalization: str | None) -> Any:
    """Yield networks of several depths and dtypes with a batch, and words for them."""
    for low, high, dtype in ((2, 3, np.float64), (3, 9, np.float64), (3, 5, np.float32)):
        layers = int(rng.integers(low, high))
        theirs, ours, X, y = _net(s, rng, layers, normalization, dtype)
        yield theirs, ours, X, y, f"networks of {layers} layers and batches of {len(X)}", dtype


def net_scores(s: Subject, rng: Any) -> None:
    """Hold the scores of plain networks against the reference."""
    for theirs, ours, X, _, where, dtype in _deep(s, rng, None):
        hold("scores", s.loss(theirs, X.copy()), ours.loss(X), where, dtype=dtype)


def net_loss(s: Subject, rng: Any) -> None:
    """Hold loss and gradients of plain networks against the reference."""
    for theirs, ours, X, y, where, dtype in _deep(s, rng, None):
        hold_loss(s, theirs, ours, X, y, where, dtype)


def batchnorm_nets(s: Subject, rng: Any) -> None:
    """Hold the batch norm sandwich, and networks made of it, against the reference."""
    _sandwich(s, rng, "batchnorm")
    for theirs, ours, X, y, where, dtype in _deep(s, rng, "batchnorm"):
        for _ in range(2):
            hold_loss(s, theirs, ours, X, y, where, dtype)
        hold("scores", s.loss(theirs, X.copy()), ours.loss(X), where, dtype=dtype)


def _sandwich_arguments(rng: Any) -> list[Any]:
    """Return x, w, b, gamma, beta and dout."""
    N, D, M = (int(n) for n in rng.integers(4, 40, 3))
    shapes = ((N, D), (D, M), (M,), (M,), (M,), (N, M))
    return [draw(rng, *shape) for shape in shapes]


def _sandwich(s: Subject, rng: Any, normalization: str) -> None:
    """Hold affine - normalization - ReLU against the reference."""
    *values, dout = _sandwich_arguments(rng)
    ours, theirs = ({"mode": "train", "eps": _EPS} for _ in range(2))
    x, w, b, gamma, beta = values
    out, cache = layer_utils.affine_norm_relu_forward(x, w, b, gamma, beta, ours, normalization)
    want = layer_utils.affine_norm_relu_backward(dout, cache)
    result = s.affine_norm_relu_forward(*copies(*values), theirs, normalization)
    got, their_cache = pair("affine_norm_relu_forward", result)
    where = f"batches of {len(dout)}"
    hold("out", got, out, where)
    grads = s.affine_norm_relu_backward(dout.copy(), their_cache)
    hold_all("dx dw db dgamma dbeta", grads, want, where)


def dropout_sandwich(s: Subject, rng: Any) -> None:
    """Check where dropout sits in a hidden layer, on both ways."""
    for normalization in (None, "batchnorm", "layernorm"):
        *values, dout = _sandwich_arguments(rng)
        values = values if normalization else values[:3]
        names = "dx dw db dgamma dbeta" if normalization else "dx dw db"
        param: dict[str, Any] = {"mode": "train", "p": round(float(rng.uniform(0.3, 0.8)), 2)}
        param["seed"] = int(rng.integers(1, 1000))
        options: list[Any] = [*([] if normalization else [None, None])]
        options += [{"mode": "train", "eps": _EPS} if normalization else None, normalization]
        inner = layer_utils.affine_norm_relu_dropout_forward(*values, *options)
        result = s.affine_norm_relu_dropout_forward(*copies(*values), *options, dict(param))
        out, cache = pair("affine_norm_relu_dropout_forward", result)
        mask, _ = pair("dropout_forward", s.dropout_forward(np.ones(dout.shape), dict(param)))
        where = f"batches of {len(dout)} with {normalization or 'no'} normalization"
        require_mask(mask, dout.shape, param["p"])
        hold("out", out, inner[0] * mask, where)
        want = layer_utils.affine_norm_relu_dropout_backward(dout * mask, inner[1])
        got = s.affine_norm_relu_dropout_backward(dout.copy(), cache)
        hold_all(names, got, want, where)

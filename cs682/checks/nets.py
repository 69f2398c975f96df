"""Checks of the two networks and of the sandwiches they are made of."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from cs682.checks import net_mistakes, slow
from cs682.checks.compare import CheckError, compare, require_finite
from cs682.checks.layers import EXACT, NUMERIC
from cs682.checks.report import Report, require_names, unpack
from cs682.checks.subject import Subject

# A numeric gradient of a loss around 3 is good to about 1e-10; normalization layers amplify that.
_FLOOR = 1e-7
_NORMALIZATIONS = (None, "batchnorm", "layernorm")


def _batch(N: int, dims: tuple[int, ...], C: int) -> tuple[Any, Any]:
    """Return inputs of mixed sign and labels that name every kind of class."""
    rng = np.random.default_rng(682)
    return rng.standard_normal((N, *dims)), np.arange(N) * 2 % C


def _generic(params: dict[str, Any]) -> dict[str, Any]:
    """Return parameters of the same shapes and of no special value: no zero bias, no unit gamma."""
    rng = np.random.default_rng(231)
    return {name: 0.5 * rng.standard_normal(value.shape) + 0.1 for name, value in params.items()}


def _shapes(widths: list[int], normalization: str | None) -> dict[str, tuple[int, ...]]:
    """Return the shape of each parameter of a network with these layer widths."""
    layers = range(1, len(widths))
    shapes: dict[str, tuple[int, ...]] = {f"W{i}": (widths[i - 1], widths[i]) for i in layers}
    shapes |= {f"b{i}": (widths[i],) for i in layers}
    if normalization:
        hidden = layers[:-1]
        shapes |= {f"{kind}{i}": (widths[i],) for kind in ("gamma", "beta") for i in hidden}
    return shapes


def _check_initial(params: Any, shapes: dict[str, tuple[int, ...]], scale: float) -> None:
    """Check names, shapes and initial values of parameters."""
    require_names("params", params, shapes)
    for name, shape in shapes.items():
        constant = np.full(shape, 1.0 if name.startswith("gamma") else 0.0)
        if not name.startswith("W"):
            compare(f"params[{name!r}]", params[name], constant, rtol=0)
            continue
        require_finite(f"params[{name!r}]", params[name], shape)
        # the spread of n draws is known to about 1/sqrt(2n); five times that is never missed
        slack = 5 * scale / (2 * params[name].size) ** 0.5
        spread, mean = float(params[name].std()), float(params[name].mean())
        if abs(spread - scale) > slack or abs(mean) > 1.5 * slack:
            raise CheckError(
                f"params[{name!r}] has standard deviation {spread:.3g} and mean {mean:.2g}, "
                f"expected {scale:g} (the weight_scale) and 0: draw from a Gaussian and multiply"
            )


def check_two_layer_init(s: Subject, r: Report) -> None:
    """Check the initial parameters of `TwoLayerNet`."""
    for D, H, C, scale in ((30, 50, 7, 1e-3), (40, 21, 12, 0.5)):
        net = s.net("TwoLayerNet", input_dim=D, hidden_dim=H, num_classes=C, weight_scale=scale)
        _check_initial(s.get_params(net), _shapes([D, H, C], None), scale)
    r.ok("names, shapes, zero biases, Gaussian weights of the right scale")


def _two_layer(s: Subject, reg: float = 0.0) -> tuple[Any, dict[str, Any]]:
    """Return a two-layer net with generic parameters, and these."""
    net = s.net("TwoLayerNet", input_dim=6, hidden_dim=8, num_classes=5, reg=reg)
    params = _generic({k: np.zeros(v) for k, v in _shapes([6, 8, 5], None).items()})
    s.set_params(net, params)
    return net, params


def check_two_layer_scores(s: Subject, r: Report) -> None:
    """Hold the scores of `TwoLayerNet` against the definition, with hidden units on and off."""
    net, params = _two_layer(s)
    for N, dims in ((4, (6,)), (1, (2, 3))):
        X, _ = _batch(N, dims, 5)
        want = slow.net_scores(params, X)
        causes = net_mistakes.scores(params, X)
        where = f"for X of shape {X.shape}"
        compare("scores", s.loss(net, X), want, rtol=EXACT, where=where, causes=causes)
    r.ok("scores with hidden units on both sides of zero, for flat and for image-shaped input")


def _check_loss(
    s: Subject,
    net: Any,
    params: dict[str, Any],
    X: Any,
    y: Any,
    reg: float,
    *,
    hint: str = "",
    more_causes: dict[str, float] | None = None,
    **options: Any,
) -> None:
    """Compare a network's loss and all gradients with the definition and its slopes."""
    want = slow.net_loss(params, X, y, reg, **options)
    slopes = slow.net_slopes(params, X, y, reg, **options)
    causes = {**net_mistakes.loss(params, X, y, reg, **options), **(more_causes or {})}
    for call in ("", ", in a second call"):
        loss, grads = unpack("loss", s.loss(net, X, y), ("loss", "grads"))
        where = f"for reg = {reg}{call}"
        compare("loss", loss, want, rtol=EXACT, where=where, hint=hint, causes=causes)
        require_names("grads", grads, slopes)
        for name, slope in slopes.items():
            compare(
                f"grads[{name!r}]",
                grads[name],
                slope,
                rtol=NUMERIC,
                atol=_FLOOR,
                where=where,
                hint=hint or "the loss is right, its way back is not",
                causes=net_mistakes.gradient(name, slope, params[name], reg),
            )


def check_two_layer_loss(s: Subject, r: Report) -> None:
    """Hold loss and gradients of `TwoLayerNet` against the definition and its slopes."""
    X, y = _batch(4, (6,), 5)
    for reg in (0.0, 0.7):
        net, params = _two_layer(s, reg)
        _check_loss(s, net, params, X, y, reg)
    r.ok("loss and all gradients, without and with the penalty, twice in a row")
    r.ok("biases stay out of the penalty")


def check_net_init(s: Subject, r: Report) -> None:
    """Check the initial parameters of a `FullyConnectedNet` without normalization."""
    for hidden in ([20], [12, 31], [30, 20, 25, 15]):
        given = list(hidden)
        net = s.net("FullyConnectedNet", given, input_dim=40, num_classes=7, weight_scale=0.05)
        _check_initial(s.get_params(net), _shapes([40, *hidden, 7], None), 0.05)
        if given != hidden:
            raise CheckError(f"hidden_dims was {hidden} and is now {given}: work on a copy")
    r.ok("names, shapes, zero biases and Gaussian weights with 2, 3 and 5 layers")
    r.ok("hidden_dims stays as it is")


def _net(
    s: Subject, hidden: list[int], normalization: str | None, reg: float = 0.0, **options: Any
) -> tuple[Any, dict[str, Any]]:
    """Return a float64 network for inputs of 6 values and 5 classes, and its generic parameters."""
    net = s.net(
        "FullyConnectedNet",
        hidden,
        input_dim=6,
        num_classes=5,
        normalization=normalization,
        reg=reg,
        dtype=np.float64,
        **options,
    )
    shapes = _shapes([6, *hidden, 5], normalization)
    params = _generic({name: np.zeros(shape) for name, shape in shapes.items()})
    s.set_params(net, params)
    return net, params


_DEPTHS = ([6], [5, 7], [5, 6, 4, 3])  # hidden widths of nets with 2, 3 and 5 layers


def check_net_forward(s: Subject, r: Report) -> None:
    """Hold the scores of plain networks of several depths against the definition."""
    for hidden in _DEPTHS:
        net, params = _net(s, hidden, None)
        for N, dims in ((4, (6,)), (1, (2, 3))):
            X, _ = _batch(N, dims, 5)
            want = slow.net_scores(params, X)
            causes = net_mistakes.scores(params, X)
            where = f"with {len(hidden) + 1} layers for X of shape {X.shape}"
            compare("scores", s.loss(net, X), want, rtol=EXACT, where=where, causes=causes)
    r.ok("scores with 2, 3 and 5 layers, for flat and for image-shaped input")


def check_net_loss(s: Subject, r: Report) -> None:
    """Hold loss and gradients of plain networks against the definition and its slopes."""
    X, y = _batch(3, (6,), 5)
    for hidden, reg in product(_DEPTHS, (0.0, 0.7)):
        net, params = _net(s, hidden, None, reg)
        _check_loss(s, net, params, X, y, reg)
    r.ok("loss and all gradients with 2, 3 and 5 layers, without and with the penalty, twice")


def check_norm_init(s: Subject, r: Report) -> None:
    """Check the initial parameters of a `FullyConnectedNet` with normalization."""
    for hidden, normalization in product(([20], [12, 31, 17]), ("batchnorm", "layernorm")):
        net = s.net(
            "FullyConnectedNet",
            list(hidden),
            input_dim=40,
            num_classes=7,
            weight_scale=0.05,
            normalization=normalization,
        )
        _check_initial(s.get_params(net), _shapes([40, *hidden, 7], normalization), 0.05)
    r.ok("gamma is 1 and beta 0, as wide as their layer's output, none after the last layer")


def _check_sandwich(s: Subject, normalization: str, definition: Any) -> None:
    """Hold affine - normalization - ReLU and its gradients against the definition."""
    rng = np.random.default_rng(682)
    shapes = {"x": (4, 2, 3), "w": (6, 5), "b": (5,), "gamma": (5,), "beta": (5,)}
    arguments = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
    dout = rng.standard_normal((4, 5))

    def forward(x: Any, w: Any, b: Any, gamma: Any, beta: Any) -> Any:
        return slow.relu(definition(slow.affine(x, w, b), gamma, beta))

    values = list(arguments.values())
    want_out, want = forward(*values), slow.slopes(forward, values, dout)
    a = slow.affine(*values[:3])
    causes = {
        "the normalization is left out": slow.relu(a),
        "the normalization stands after the ReLU; it belongs before": definition(
            slow.relu(a), *values[3:]
        ),
        "the ReLU is left out": definition(a, *values[3:]),
        "gamma and beta are exchanged": slow.relu(definition(a, values[4], values[3])),
        f"this is not {normalization}, but the other normalization": slow.relu(
            slow.normalize(a, values[3], values[4], axis=1 if normalization == "batchnorm" else 0)
        ),
    }
    where = f"with {normalization}"
    param = {"mode": "train"} if normalization == "batchnorm" else {}
    result = s.affine_norm_relu_forward(*(v.copy() for v in values), param, normalization)
    out, cache = unpack("affine_norm_relu_forward", result, ("out", "cache"))
    compare("out", out, want_out, rtol=EXACT, atol=1e-12, where=where, causes=causes)
    grads = s.affine_norm_relu_backward(dout.copy(), cache)
    parts = ("dx", "dw", "db", "dgamma", "dbeta")
    got = unpack("affine_norm_relu_backward", grads, parts)
    for part, g, value in zip(parts, got, want, strict=True):
        hint = "the way back is ReLU, normalization, affine, each with the cache of its own"
        compare(part, g, value, rtol=NUMERIC, atol=_FLOOR, where=where, hint=hint)


def check_norm_sandwich(s: Subject, r: Report) -> None:
    """Check the batch norm sandwich, and the networks that are made of it."""
    _check_sandwich(s, "batchnorm", slow.batchnorm)
    r.ok("affine - batch norm - ReLU and its five gradients")
    X, y = _batch(5, (6,), 5)
    for hidden, reg in (([6], 0.0), ([5, 7], 0.7)):
        net, params = _net(s, hidden, "batchnorm", reg)
        _check_loss(s, net, params, X, y, reg, normalization="batchnorm")
    r.ok("networks with batch norm: loss and all gradients, gamma and beta not in the penalty")
    _check_test_mode(s)
    r.ok("networks with batch norm in test mode: running statistics, one image at a time")


def _check_test_mode(s: Subject) -> None:
    """Check that scores come from running statistics once a net with batch norm has trained."""
    net, params = _net(s, [8], "batchnorm")
    X, y = _batch(5, (6,), 5)
    for _ in range(200):  # 0.9^200 is nothing: the running statistics are those of this batch
        s.loss(net, X, y)
    want = slow.net_scores(params, X, "batchnorm")
    hint = "without labels the network must run in test mode, with the running statistics"
    compare("scores", s.loss(net, X), want, rtol=1e-6, atol=1e-6, where="in test mode", hint=hint)
    one = s.loss(net, X[:1])
    where = "in test mode for the first image alone"
    compare("scores", one, want[:1], rtol=1e-6, atol=1e-6, where=where, hint=hint)


def check_layernorm_net(s: Subject, r: Report) -> None:
    """Check networks with layer norm; part of the exercise on its backward pass."""
    _check_sandwich(s, "layernorm", slow.layernorm)
    X, y = _batch(3, (6,), 5)
    net, params = _net(s, [5, 7], "layernorm", 0.7)
    _check_loss(s, net, params, X, y, 0.7, normalization="layernorm")
    r.ok("a network with layer norm: loss and all gradients")


def check_dropout_net(s: Subject, r: Report) -> None:
    """Check where dropout sits in a network, with and without a normalization."""
    X, y = _batch(4, (6,), 5)
    for normalization in _NORMALIZATIONS:
        net, params = _net(s, [5, 7], normalization, 0.3, dropout=0.6, seed=123)
        masks = [_seeded_mask(s, (4, width), 0.6) for width in (5, 7)]
        options = {"normalization": normalization, "masks": masks}
        causes = net_mistakes.misplaced_dropout(
            params, X, y, 0.3, *(_seeded_mask(s, (4, n), 0.6) for n in (6, 5)), **options
        )
        _check_loss(
            s,
            net,
            params,
            X,
            y,
            0.3,
            **options,
            more_causes=causes,
            hint="each hidden layer is affine, normalization, ReLU, dropout, and back in reverse",
        )
    r.ok("dropout right after each ReLU, with no, batch and layer norm: loss and all gradients")
    net, params = _net(s, [7, 9], None, dropout=0.6)
    want = slow.net_scores(params, X)
    hint = "without labels the network runs in test mode and drops nothing"
    compare("scores", s.loss(net, X), want, rtol=EXACT, where="in test mode", hint=hint)
    losses = {float(s.loss(net, X, y)[0]) for _ in range(5)}
    if len(losses) == 1:
        raise CheckError("five training passes gave the same loss: no unit was dropped")
    r.ok("nothing is dropped at test time, new units are dropped in each training pass")


def _seeded_mask(s: Subject, shape: tuple[int, ...], p: float) -> Any:
    """Return what the student's own dropout multiplies with for this shape and the seed 123."""
    out, _ = s.dropout_forward(np.ones(shape), {"mode": "train", "p": p, "seed": 123})
    return out

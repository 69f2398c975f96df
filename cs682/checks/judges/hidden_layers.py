"""Checks of hidden layers with normalization and dropout, alone and in networks."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from cs682._arguments import require_hidden_cache
from cs682.checks import slow
from cs682.checks.compare import EXACT, NUMERIC, CheckError, compare
from cs682.checks.exercises import EXERCISES
from cs682.checks.judges.dropout import require_mask
from cs682.checks.judges.nets import FLOOR, MOMENTUM, PASSES, check_loss, make_batch, make_net
from cs682.checks.judges.pairs import WayBack, check_cache, check_way_back, is_none
from cs682.checks.mistakes import nets as net_mistakes
from cs682.checks.names import place_of, place_of_wrong
from cs682.checks.report import Report, unpack
from cs682.checks.subject import Subject

_NORMALIZATIONS = (None, "batchnorm", "layernorm")
_EPS = 0.5  # with the usual 1e-5 nobody could see whether norm_param is handed on
_DROPOUT_CACHE = "((normalization, inner), dropout_cache)"


def _check_sandwich(s: Subject, r: Report, normalization: str) -> None:
    """Hold affine - normalization - ReLU and its gradients against the definition."""
    rng = np.random.default_rng(682)
    shapes = {"x": (4, 2, 3), "w": (6, 5), "b": (5,), "gamma": (5,), "beta": (5,)}
    arguments = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
    dout = rng.standard_normal((4, 5))

    values = list(arguments.values())
    want_out, slopes = net_mistakes.sandwich_values(normalization, values, dout, _EPS)
    causes = net_mistakes.sandwich(normalization, values, _EPS)
    mode = {"mode": "train"} if normalization == "batchnorm" else {}
    param: dict[str, Any] = {**mode, "eps": _EPS}
    name = "affine_norm_relu_forward"
    result = r.watch(name, s.affine_norm_relu_forward, *values, param, normalization)
    out, cache = unpack(name, result, ("out", "cache"))
    where = f"from {name} with {normalization}"
    compare("out", out, want_out, rtol=EXACT, atol=1e-12, where=where, causes=causes)
    if normalization == "batchnorm" and not np.any(param.get("running_mean", 0)):
        raise CheckError(
            f"norm_param has no new running_mean after {name}: pass norm_param itself on, no copy"
        )
    if is_none(cache):
        raise CheckError("the cache of affine_norm_relu_forward is None: its way back needs one")
    parts = ("dx", "dw", "db", "dgamma", "dbeta")
    want = dict(zip(parts, slopes, strict=True))
    hint = "the way back is ReLU, normalization, affine, each with the cache of its own"
    name, backward = "affine_norm_relu_backward", s.affine_norm_relu_backward
    where = f"from {name} with {normalization}"
    way = WayBack(name, backward, dout, want, where, atol=FLOOR, hints=dict.fromkeys(parts, hint))

    def disturb() -> None:
        others = [1 - v for v in values]
        s.affine_norm_relu_forward(*others, {"mode": "train"}, normalization)

    check_way_back(r, way, cache, disturb)


def _check_sandwich_in_test_mode(s: Subject) -> None:
    """Hold affine - batch norm - ReLU against the definition with running statistics."""
    rng = np.random.default_rng(682)
    x, w, b, gamma, beta, mean = (
        rng.standard_normal(shape) for shape in ((4, 6), (6, 5), (5,), (5,), (5,), (5,))
    )
    var = np.linspace(0.5, 3, 5)
    param = {"mode": "test", "running_mean": mean.copy(), "running_var": var.copy()}
    name = "affine_norm_relu_forward"
    result = s.affine_norm_relu_forward(x, w, b, gamma, beta, param, "batchnorm")
    out, _ = unpack(name, result, ("out", "cache"))
    want = slow.relu(slow.standardize(slow.affine(x, w, b), gamma, beta, 1e-5, mean, var))
    where = f"from {name} with batchnorm in test mode"
    hint = "batchnorm_forward takes norm_param as it is, mode included"
    compare("out", out, want, rtol=EXACT, atol=1e-12, where=where, hint=hint)


@contextmanager
def _network_to_blame() -> Iterator[None]:
    """Say of what is wrong in a network that the sandwich by itself is right."""
    places = [place_of(EXERCISES[key]) for key in ("fc-3.2", "fc-3.3")]
    said = "The sandwich by itself is right: look at how the network uses it, in "
    try:
        yield
    except CheckError as error:
        raise CheckError(f"{error}\n  {said}{', and '.join(places)}") from None
    except NotImplementedError:
        raise
    except Exception as error:
        *callers, last = [f.f_code.co_name for f, _ in traceback.walk_tb(error.__traceback__)]
        if last not in ("_forward", "_loss_and_gradients"):  # else its line says so
            places = places[:1] if "_forward" in callers else places  # it has made the caches, too
            error.likely = said + ", and ".join(places)  # type: ignore[attr-defined]
        raise


def _check_choice(s: Subject) -> None:
    """Check that batch norm does not come when layer norm is asked for, open or not."""
    rng = np.random.default_rng(682)
    x, w, b = (rng.standard_normal(shape) for shape in ((4, 6), (6, 5), (5,)))
    gamma, beta = np.ones(5), np.zeros(5)
    try:
        s.layernorm_forward(x[:, :5].copy(), gamma, beta, {})
    except Exception:  # its own, open or not: layer norm is an exercise that comes later
        return
    result = s.affine_norm_relu_forward(x, w, b, gamma, beta, {"mode": "train"}, "layernorm")
    out, _ = unpack("affine_norm_relu_forward", result, ("out", "cache"))
    batchnorm, _ = net_mistakes.sandwich_values("batchnorm", [x, w, b, gamma, beta], None)
    if getattr(out, "shape", ()) == batchnorm.shape and np.allclose(out, batchnorm):
        raise CheckError(
            "layernorm was asked for, batchnorm came from affine_norm_relu_forward: look at "
            "`normalization`"
        )


@contextmanager
def _without_layernorm() -> Iterator[None]:
    """Refuse that batch norm waits for layer norm, which is an exercise that comes later."""
    try:
        yield
    except NotImplementedError as stub:
        name = str(stub).partition(":")[0]
        if not name.startswith("layernorm_"):
            raise
        raise CheckError(
            f"batchnorm was asked for, and {name} was called: look at `normalization`"
        ) from None


def check_norm_sandwich(s: Subject, r: Report) -> None:
    """Check the batch norm sandwich, and the networks that are made of it."""
    with _without_layernorm():
        _check_sandwich(s, r, "batchnorm")
    _check_choice(s)
    _check_sandwich_in_test_mode(s)
    r.ok("affine - batch norm - ReLU and its five gradients")
    X, y = make_batch(5, (6,), 5)
    with _network_to_blame():
        for hidden, reg in (([6], 0.0), ([5, 7], 0.7)):
            net, params = make_net(s, hidden, "batchnorm", reg)
            check_loss(s, net, params, X, y, reg, normalization="batchnorm")
        r.ok("networks with batch norm: loss and all gradients, gamma and beta not in the penalty")
        _check_test_mode(s)
    r.ok("networks with batch norm in test mode: running statistics, one image at a time")


def _check_test_mode(s: Subject) -> None:
    """Check that scores come from running statistics once a net with batch norm has trained."""
    net, params = make_net(s, [8], "batchnorm")
    s.restore(net, params, [{"momentum": MOMENTUM}])
    X, y = make_batch(5, (6,), 5)
    for _ in range(PASSES):
        s.loss(net, X, y)
    want = slow.net_scores(params, X, "batchnorm")
    hint = "without labels the network must run in test mode, with the running statistics"
    compare("scores", s.loss(net, X), want, rtol=1e-6, atol=1e-6, where="in test mode", hint=hint)
    one = s.loss(net, X[:1])
    where = "in test mode for the first image alone"
    compare("scores", one, want[:1], rtol=1e-6, atol=1e-6, where=where, hint=hint)


@contextmanager
def _sandwich_to_blame() -> Iterator[None]:
    """Say of what is wrong in a sandwich that the layer norm in it is right by itself."""
    try:
        yield
    except CheckError as error:
        place = place_of_wrong(EXERCISES["bn-2.2"], str(error))
        raise CheckError(
            f"{error}\n  Layer norm by itself is right: look at how the sandwich uses it, in "
            f"{place} (exercise bn-2.2)"
        ) from None


def check_layernorm_net(s: Subject, r: Report) -> None:
    """Check networks with layer norm; part of the exercise on its backward pass."""
    with _sandwich_to_blame():
        _check_sandwich(s, r, "layernorm")
    X, y = make_batch(3, (6,), 5)
    with _network_to_blame():
        net, params = make_net(s, [5, 7], "layernorm", 0.7)
        check_loss(s, net, params, X, y, 0.7, normalization="layernorm")
        hint = "layer norm does the same in test mode as in training"
        want = slow.net_scores(params, X, "layernorm")
        compare("scores", s.loss(net, X), want, rtol=EXACT, where="in test mode", hint=hint)
    r.ok("a network with layer norm: loss and all gradients, and the same scores in test mode")


def _check_dropout_sandwich(s: Subject, r: Report) -> None:
    """Hold affine - ReLU - dropout and its gradients against the definition."""
    rng = np.random.default_rng(682)
    x, w, b, dout = (rng.standard_normal(shape) for shape in ((4, 6), (6, 5), (5,), (4, 5)))
    mask = _seeded_mask(s, (4, 5), 0.6)
    param = {"mode": "train", "p": 0.6, "seed": 123}
    name = "affine_norm_relu_dropout_forward"
    options = (None, None, None, None, param)
    result = r.watch(name, s.affine_norm_relu_dropout_forward, x, w, b, *options)
    out, cache = unpack(name, result, ("out", "cache"))
    if getattr(out, "shape", ()) == x.shape:
        raise CheckError(
            f"out of {name} has the shape of x, {x.shape}: dropout was applied to the layer's "
            "input; it comes after the ReLU, and takes what the ReLU gave"
        )
    want, slopes, causes = net_mistakes.dropout_sandwich(
        x, w, b, dout, mask, _seeded_mask(s, x.shape, 0.6)
    )
    where = f"from {name}"
    hint = (
        "dropout_forward takes what the ReLU gave, and dropout_param as it is, p and seed included"
    )
    compare("out", out, want, rtol=EXACT, where=where, hint=hint, causes=causes)
    parts = ("dx", "dw", "db")
    hint = "the way back is dropout, then ReLU, then affine, each with the cache of its own"
    name = "affine_norm_relu_dropout_backward"
    way = WayBack(
        name,
        s.affine_norm_relu_dropout_backward,
        dout,
        dict(zip(parts, slopes["right"], strict=True)),
        f"from {name}",
        atol=FLOOR,
        hints=dict.fromkeys(parts, hint),
        causes={
            part: {cause: values[i] for cause, values in slopes.items() if cause != "right"}
            for i, part in enumerate(parts)
        },
    )
    _, inner = s.affine_relu_forward(x, w, b)
    _, dropout_cache = s.dropout_forward(out, param)
    _check_dropout_cache(r, way, cache, ((None, inner), dropout_cache))
    check_way_back(
        r, way, cache, lambda: s.affine_norm_relu_dropout_forward(1 - x, -w, b, *options)
    )
    _check_dropout_sandwich_in_test_mode(s, x, w, b, mask)


def _check_dropout_sandwich_in_test_mode(s: Subject, x: Any, w: Any, b: Any, mask: Any) -> None:
    """Check that affine - ReLU - dropout drops nothing in test mode; the seed is that of `mask`."""
    name = "affine_norm_relu_dropout_forward"
    param = {"mode": "test", "p": 0.6, "seed": 123}
    result = s.affine_norm_relu_dropout_forward(x, w, b, None, None, None, None, param)
    out, _ = unpack(name, result, ("out", "cache"))
    want = slow.relu(slow.affine(x, w, b))
    where = f"from {name} in test mode"
    hint = "dropout_forward takes dropout_param as it is, mode included"
    causes = {f"units are dropped as in training; {hint}": want * mask}
    compare("out", out, want, rtol=EXACT, atol=1e-12, where=where, hint=hint, causes=causes)


def _check_dropout_cache(r: Report, way: WayBack, cache: Any, documented: Any) -> None:
    """Check that the given lines of the way back can read the cache of the forward pass."""
    check_cache(r, way, cache, documented, _DROPOUT_CACHE, {})
    if not isinstance(cache, (tuple, list)):
        return  # it may stay where the student's code runs
    try:
        inner, _ = cache
        require_hidden_cache(inner)
    except ValueError:
        if not way.is_right(cache):
            raise CheckError(
                "the cache that affine_norm_relu_dropout_forward returned is not the one that the "
                f"docstring promises, {_DROPOUT_CACHE}: mend what "
                "affine_norm_relu_dropout_forward returns as its cache"
            ) from None


def _check_own_mask(s: Subject) -> None:
    """Check that the way back takes the mask of its forward pass, where a new one would differ."""
    rng = np.random.default_rng(682)
    x, w, b, dout = (rng.standard_normal(shape) for shape in ((1, 6), (6, 99), (99,), (1, 99)))
    options = (None, None, None, None, {"mode": "train", "p": 0.6})
    name = "affine_norm_relu_dropout_forward"
    result = s.affine_norm_relu_dropout_forward(x, w, b, *options)
    out, cache = unpack(name, result, ("out", "cache"))
    kept = np.array(out) != 0  # the way back may spoil it
    result = s.affine_norm_relu_dropout_backward(dout.copy(), cache)
    _, _, db = unpack("affine_norm_relu_dropout_backward", result, ("dx", "dw", "db"))
    want = np.where(kept, *slow.dropout_slopes(dout, 0.6))[0]  # of one example
    where = "from affine_norm_relu_dropout_backward, without a seed"
    hint = (
        "with a seed it is right: the way back draws no new mask, dropout_backward takes the one "
        "in the cache"
    )
    compare("db", db, want, rtol=EXACT, atol=1e-12, where=where, hint=hint)


def _require_without_dropout(s: Subject, normalization: str) -> None:
    """Check one hidden layer with a normalization alone: it is another exercise that is wrong."""
    key = "bn-2.2" if normalization == "batchnorm" else "bn-3.2"
    try:
        _check_sandwich(s, Report(), normalization)
    except CheckError as error:
        if key not in EXERCISES:
            raise
        where = " and ".join(
            place_of_wrong(EXERCISES[k], str(error)) for k in dict.fromkeys(("bn-2.2", key))
        )
        raise CheckError(
            f"{error}\n  This is without dropout, see exercise {key}: look at {where}"
        ) from None


def _check_dropout_with(s: Subject, normalization: str) -> None:
    """Check one hidden layer with a normalization and dropout."""
    rng = np.random.default_rng(683)
    values = [rng.standard_normal(shape) for shape in ((4, 6), (6, 5), (5,), (5,), (5,))]
    dout, mask = rng.standard_normal((4, 5)), _seeded_mask(s, (4, 5), 0.6)
    want, slopes = net_mistakes.sandwich_values(normalization, values, dout * mask)
    where = f"with {normalization} and dropout"
    params = {"mode": "train"}, normalization, {"mode": "train", "p": 0.6, "seed": 123}
    name = "affine_norm_relu_dropout_forward"
    result = s.affine_norm_relu_dropout_forward(*(v.copy() for v in values), *params)
    out, cache = unpack(name, result, ("out", "cache"))
    options: dict[str, Any] = {"rtol": EXACT, "atol": 1e-12, "hint": _PLAIN_IS_RIGHT}
    compare("out", out, want * mask, **options, where=f"from {name} {where}")
    parts = ("dx", "dw", "db", "dgamma", "dbeta")
    name = "affine_norm_relu_dropout_backward"
    got = unpack(name, s.affine_norm_relu_dropout_backward(dout.copy(), cache), parts)
    for part, value, slope in zip(parts, got, slopes, strict=True):
        options |= {"rtol": NUMERIC, "atol": FLOOR}
        compare(part, value, slope, **options, where=f"from {name} {where}")


_PLAIN_IS_RIGHT = "without a normalization it is right"


def check_dropout_net(s: Subject, r: Report) -> None:
    """Check where dropout sits in a network, with and without a normalization."""
    _check_dropout_sandwich(s, r)
    _check_own_mask(s)
    r.ok("affine - ReLU - dropout and its three gradients")
    for normalization in (name for name in _NORMALIZATIONS if name):
        _require_without_dropout(s, normalization)
        _check_dropout_with(s, normalization)
    r.ok("dropout after batch norm, layer norm and ReLU, and all five gradients")
    with _network_to_blame():
        _check_networks_with_dropout(s, r)


def _check_networks_with_dropout(s: Subject, r: Report) -> None:
    """Check networks whose hidden layers are right."""
    X, y = make_batch(4, (6,), 5)
    for normalization in _NORMALIZATIONS:
        net, params = make_net(s, [5, 7], normalization, 0.3, dropout=0.6, seed=123)
        masks = [_seeded_mask(s, (4, width), 0.6) for width in (5, 7)]
        options: dict[str, Any] = {"normalization": normalization, "masks": masks}
        causes = net_mistakes.misplaced_dropout(
            params, X, y, 0.3, *(_seeded_mask(s, (4, n), 0.6) for n in (6, 5)), **options
        )
        check_loss(
            s,
            net,
            params,
            X,
            y,
            0.3,
            **options,
            more_causes=causes,
            hint="each hidden layer is affine, normalization, ReLU, dropout",
            way_back="the loss is right; the way back is dropout, ReLU, normalization, affine",
        )
    r.ok("dropout right after each ReLU, with no, batch and layer norm: loss and all gradients")
    net, params = make_net(s, [7, 9], None, dropout=0.6)
    want = slow.net_scores(params, X)
    hint = "without labels the network runs in test mode and drops nothing"
    compare("scores", s.loss(net, X), want, rtol=EXACT, where="in test mode", hint=hint)
    losses = {float(s.loss(net, X, y)[0]) for _ in range(5)}
    if len(losses) == 1:
        raise CheckError("five training passes gave the same loss: no unit was dropped")
    r.ok("nothing is dropped at test time, new units are dropped in each training pass")


def _seeded_mask(s: Subject, shape: tuple[int, ...], p: float) -> Any:
    """Return what the student's own dropout multiplies with for this shape and the seed 123."""
    param = {"mode": "train", "p": p, "seed": 123}
    out, _ = unpack("dropout_forward", s.dropout_forward(np.ones(shape), param), ("out", "cache"))
    require_mask(out, shape, p)
    return out

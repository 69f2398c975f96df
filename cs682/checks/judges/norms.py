"""Checks of batch and layer normalization."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np

from cs682.checks import slow
from cs682.checks.compare import EXACT, FLOAT32, CheckError, compare, with_more
from cs682.checks.judges.layers import compare_along
from cs682.checks.judges.pairs import LATER_CALLS, WayBack, check_way_back, in_mode, is_none
from cs682.checks.judges.paths import say_paths
from cs682.checks.mistakes import norms as norm_mistakes
from cs682.checks.patterns import say_lines
from cs682.checks.report import KEPT, Report, unpack
from cs682.checks.subject import Subject

_SIZES = ((4, 5), (7, 3), (2, 6))  # N, D: never square
_LARGE = (130, 9)
_EPS = (1e-5, 0.5)  # with the usual 1e-5 alone nobody could see where eps was put
_GRADIENTS = ("dx", "dgamma", "dbeta")
SUMS = _GRADIENTS[1:]  # which dx may be written with
NEAR = np.array([[1.0, 3.0], [3.0, 7.0], [5.0, 2.0]])
_UNCHANGED = "did not change"  # in words of `norm_mistakes.running`
FAR = 1e8  # there a mean of squares has lost the digits of a variance, even in float64


def _arguments(N: int, D: int, seed: int = 231) -> tuple[Any, ...]:
    """Return x, gamma, beta and dout; every feature and example has its own mean and scale."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((N, D)) * np.linspace(0.5, 3, D) + np.linspace(-4, 6, N)[:, None]
    return x, rng.uniform(0.5, 2, D), rng.standard_normal(D), rng.standard_normal((N, D))


def _options(mode: dict[str, Any], eps: float) -> dict[str, Any]:
    """Return a fresh options dict; the usual eps is left to the default."""
    return dict(mode) if eps == _EPS[0] else {**mode, "eps": eps}


def _check_forward(
    r: Report, name: str, forward: Callable[..., Any], mode: dict[str, Any], axis: int
) -> None:
    """Hold a training-time forward pass along an axis against its definition."""
    line = ("column {}", "row {}")[axis].format
    for N, D in (*_SIZES, _LARGE):
        earlier: Any = ()
        for eps, seed in product(_EPS, (231, 232)):
            x, gamma, beta, _ = _arguments(N, D, seed)
            want = slow.normalize(x, gamma, beta, eps, axis)
            result = r.watch(name, forward, x, gamma, beta, _options(mode, eps))
            out, cache = unpack(name, result, ("out", "cache"))
            known = norm_mistakes.forward(x, gamma, beta, eps, axis) if (N, D) in _SIZES else {}
            causes = {**known, KEPT: earlier}  # what goes wrong with few goes wrong with many
            earlier = want
            where = f"for x of shape {x.shape} and eps = {eps}"
            hint = say_bare(out, want, (gamma, beta), lambda v: v.T if axis == 0 else v, line)
            compare("out", out, want, rtol=EXACT, atol=1e-12, where=where, hint=hint, causes=causes)
    if is_none(cache):
        raise CheckError(f"the cache of {name} is None in training: the way back needs one")
    r.ok("values on several sizes, with gamma and beta of many values, for small and large eps")
    small = [v.astype(np.float32) for v in (x, gamma, beta)]
    out, _ = forward(*small, dict(mode))
    want = slow.normalize(x, gamma, beta, axis=axis)
    compare("out", out, want, rtol=FLOAT32, atol=1e-4, where="in float32")
    r.keeps_float32(name, {"out": out})
    ones = np.ones(2)
    far, _ = forward(NEAR + FAR, ones, 0 * ones, dict(mode))
    advise_far(r, name, far, slow.normalize(NEAR, ones, 0 * ones, axis=axis))


def say_bare(
    out: Any,
    want: Any,
    scale: tuple[Any, Any],
    lay: Callable[[Any], Any],
    name: Callable[[int], str],
) -> str:
    """Say which line's mean or variance is wrong where gamma and beta are taken away again.

    `lay` lays what was normalized together in one row; `name` names the row of a number.
    """
    if type(out) is not np.ndarray or out.shape != want.shape or out.dtype.kind != "f":
        return ""
    gamma, beta = scale
    return say_lines(lay((out - beta) / gamma), lay((want - beta) / gamma), name)


def advise_far(r: Report, name: str, far: Any, near: Any) -> None:
    """Advise if what comes of values that were moved by `FAR` is not what comes of them near 0."""
    if not np.allclose(far, near, atol=1e-3):
        r.advise(
            f"{name} loses the variance of values far from 0 (1e8 here): subtract the mean first, "
            "then square"
        )


def _way_back(
    name: str, backward: Callable[..., Any], arguments: tuple[Any, ...], eps: float, axis: int
) -> WayBack:
    """Return what a backward pass along an axis must give for x, gamma, beta and dout."""
    x, gamma, beta, dout = arguments
    want = slow.slopes(slow.normalize, (x, gamma, beta), dout, eps=eps, axis=axis)
    ways = norm_mistakes.paths(x, gamma, beta, dout, eps, axis)
    line = norm_mistakes.centred(x, axis), norm_mistakes.spread(x, eps, axis)
    return WayBack(
        name,
        backward,
        dout,
        dict(zip(_GRADIENTS, want, strict=True)),
        f"for x of shape {x.shape} and eps = {eps}",
        hints={"dx": lambda got: say_paths(got, want[0], ways, *line, axis)},
        causes=norm_mistakes.backward(x, gamma, beta, dout, eps, axis, want),
        first=SUMS,
    )


def _check_backward(
    r: Report,
    name: str,
    forward: Callable[..., Any],
    backward: Callable[..., Any],
    mode: dict[str, Any],
    axis: int,
) -> None:
    """Hold a backward pass along an axis against numeric gradients of the definition."""
    for N, D in _SIZES:
        x, gamma, beta, dout = _arguments(N, D)
        for eps in _EPS:
            forward_name = f"{name.partition('_')[0]}_forward"
            _, cache = r.watch(forward_name, forward, x, gamma, beta, _options(mode, eps))

            def disturb() -> None:
                forward(1 - x[::-1], gamma + 1, beta, _options(mode, eps))  # noqa: B023

            way = _way_back(name, backward, (x, gamma, beta, dout), eps, axis)
            check_way_back(r, way, cache, disturb)
    x, gamma, beta, dout = _arguments(*_LARGE)
    _, cache = forward(x.copy(), gamma.copy(), beta.copy(), dict(mode))
    got = unpack(name, backward(dout.copy(), cache), _GRADIENTS)
    gradients = dict(zip(_GRADIENTS, got, strict=True))
    compare_along(slow.normalize, (x, gamma, beta), dout, gradients, axis=axis)
    r.ok("dx, dgamma and dbeta against numeric gradients, small and large eps, twice in a row")
    small = [v.astype(np.float32) for v in (x, gamma, beta, dout)]
    _, cache = forward(*small[:3], dict(mode))
    r.keeps_float32(name, dict(zip(_GRADIENTS, backward(small[3], cache), strict=True)))


def check_batchnorm_train(s: Subject, r: Report) -> None:
    """Hold training-time batch normalization and its running statistics against the definition."""
    with in_mode("train", "bn-1.2"):
        _check_forward(r, "batchnorm_forward", s.batchnorm_forward, {"mode": "train"}, axis=0)
    for momentum in (0.9, 0.7):
        _check_running_statistics(s, r, momentum)
    r.ok("running mean and variance over three steps, from zeros, with two momentum values")
    bn_param = {"mode": "train"}
    out, _ = s.batchnorm_forward(np.full((1, 3), 5.0), np.ones(3), np.arange(3.0), bn_param)
    compare("out", out, [[0.0, 1.0, 2.0]], rtol=EXACT, atol=1e-12, where="for a batch of one")
    var = bn_param.get("running_var")
    compare("running_var", var, np.zeros(3), rtol=0, where="after a batch of one")
    r.ok("a batch of one gives beta")


def _check_running_statistics(s: Subject, r: Report, momentum: float) -> None:
    """Follow the running statistics over three training steps that start from nothing."""
    rng = np.random.default_rng(5)
    bn_param: dict[str, Any] = {"mode": "train"}
    if momentum != 0.9:
        bn_param["momentum"] = momentum
    running: dict[str, Any] = {"running_mean": np.zeros(3), "running_var": np.zeros(3)}
    for step in (1, 2, 3):
        x = rng.standard_normal((4, 3)) * [1, 2, 3] + [10, -5, 1]
        moments = [slow.mean_and_variance([float(v) for v in column]) for column in x.T]
        batch = dict(zip(running, np.array(moments).T, strict=True))
        before = dict(running)
        name, where = "batchnorm_forward", f"after step {step} with momentum {momentum}"
        r.watch(name, s.batchnorm_forward, x, np.ones(3), np.zeros(3), bn_param)
        if (mode := bn_param.get("mode")) != "train":
            raise CheckError(
                f"bn_param['mode'] was 'train' and is now {mode!r} {where}: it is only read, "
                "whoever makes the call sets it"
            )
        for name, old in before.items():
            if bn_param.get(name) is None:
                raise CheckError(f"bn_param[{name!r}] is missing after a training step")
            causes = norm_mistakes.running(name, before, batch, momentum, len(x))
            is_old = np.array_equal(bn_param[name], old)  # to the last bit, or it was computed
            causes = {c: v for c, v in causes.items() if (_UNCHANGED in c) == is_old}
            running[name] = slow.running_average(old, batch[name], momentum)
            compare(name, bn_param[name], running[name], rtol=EXACT, where=where, causes=causes)
    s.batchnorm_forward(x + 1, np.ones(3), np.zeros(3), {"mode": "train"})
    for name, value in running.items():
        where = "after a step of another layer"
        hint = "each layer has statistics of its own, and they live in its bn_param alone"
        compare(name, bn_param[name], value, rtol=EXACT, where=where, hint=hint)


def check_batchnorm_test(s: Subject, r: Report) -> None:
    """Hold test-time batch normalization against the definition with given statistics."""
    x, gamma, beta, _ = _arguments(4, 5)
    earlier: Any = ()
    for eps in _EPS:
        mean, var = np.linspace(-2, 3, 5) + eps, np.linspace(0.3, 4, 5) * (1 + eps)
        bn_param: dict[str, Any] = {"mode": "test", "eps": eps}
        bn_param |= {"running_mean": mean.copy(), "running_var": var.copy()}
        result = r.watch("batchnorm_forward", s.batchnorm_forward, x, gamma, beta, bn_param)
        out, _ = unpack("batchnorm_forward", result, ("out", "cache"))
        want = slow.standardize(x, gamma, beta, eps, mean, var)
        causes = norm_mistakes.test_mode(x, gamma, beta, eps, mean, var)
        if eps != _EPS[0]:
            kept = slow.standardize(x, gamma, beta, eps, *earlier[:2])
            causes |= {
                KEPT: earlier[2],
                "the running statistics are those of an earlier call": kept,
            }
        earlier = mean, var, want
        where = f"in test mode for eps = {eps}"
        compare("out", out, want, rtol=EXACT, atol=1e-12, where=where, causes=causes)
        for name, given in (("running_mean", mean), ("running_var", var)):
            if not np.array_equal(bn_param[name], given):
                raise CheckError(
                    f"bn_param[{name!r}] changed: test mode must leave the running statistics alone"
                )
    large, gamma_, beta_, _ = _arguments(130, 5)
    out, _ = s.batchnorm_forward(large.copy(), gamma_, beta_, dict(bn_param))
    all_want = slow.standardize(large, gamma_, beta_, eps, mean, var)
    compare("out", out, all_want, rtol=EXACT, atol=1e-12, where="for a batch of 130 in test mode")
    r.ok("values from the running statistics, which stay as they are")
    one, _ = s.batchnorm_forward(x[:1], gamma, beta, dict(bn_param))
    where = "for the first example alone"
    compare("out", one, want[:1], rtol=EXACT, atol=1e-12, where=where)
    r.ok("an example's result does not depend on the others in the batch")


def check_batchnorm_backward(s: Subject, r: Report) -> None:
    """Hold `batchnorm_backward` against numeric gradients of the definition."""
    train, name = {"mode": "train"}, "batchnorm_backward"
    with in_mode("train", "bn-1.2"):
        _check_backward(r, name, s.batchnorm_forward, s.batchnorm_backward, train, axis=0)


def check_batchnorm_backward_alt(s: Subject, r: Report) -> None:
    """Hold `batchnorm_backward_alt` against numeric gradients of the definition."""
    train, name = {"mode": "train"}, "batchnorm_backward_alt"
    try:
        with in_mode("train", "bn-1.2"):
            _check_backward(r, name, s.batchnorm_forward, s.batchnorm_backward_alt, train, axis=0)
    except CheckError as error:
        if any(call in str(error) for call in LATER_CALLS):
            raise  # the formula is right
        raise CheckError(with_more(str(error), _compare_with_graph(s))) from None


def _compare_with_graph(s: Subject) -> str:
    """Say whether `batchnorm_backward` is right where the simplified one is not."""
    arguments = _arguments(*_SIZES[0])
    way = _way_back("batchnorm_backward", s.batchnorm_backward, arguments, _EPS[1], 0)
    try:
        _, cache = s.batchnorm_forward(*arguments[:3], _options({"mode": "train"}, _EPS[1]))
        is_right = way.is_right(cache)
    except Exception:  # the student's own: it is not what is asked here
        return ""
    said = "batchnorm_backward is right on the same cache: compare the two, term by term."
    return said if is_right else ""


def check_layernorm_forward(s: Subject, r: Report) -> None:
    """Hold `layernorm_forward` against the definition."""
    _check_forward(r, "layernorm_forward", s.layernorm_forward, {}, axis=1)
    x, gamma, beta, _ = _arguments(4, 5)
    ln_param: dict[str, Any] = {}
    s.layernorm_forward(x.copy(), gamma, beta, ln_param)
    if any("running" in key for key in ln_param):
        r.advise("layernorm_forward stores running statistics in ln_param; layer norm has none")
    one, _ = s.layernorm_forward(x[:1].copy(), gamma, beta, {})
    want = slow.layernorm(x[:1], gamma, beta)
    compare("out", one, want, rtol=EXACT, atol=1e-12, where="for the first example alone")
    r.ok("an example's result does not depend on the others in the batch")


def check_layernorm_backward(s: Subject, r: Report) -> None:
    """Hold `layernorm_backward` against numeric gradients of the definition."""
    _check_backward(r, "layernorm_backward", s.layernorm_forward, s.layernorm_backward, {}, axis=1)

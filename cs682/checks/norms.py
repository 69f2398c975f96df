"""Checks of batch and layer normalization."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cs682.checks import slow
from cs682.checks.compare import CheckError, compare
from cs682.checks.layers import EXACT, FLOAT32, NUMERIC, NUMERIC_FLOOR
from cs682.checks.report import Report, unpack
from cs682.checks.subject import Subject

_SIZES = ((4, 5), (7, 3), (2, 6))  # N, D: never square
_BIG_EPS = 0.5  # with the usual 1e-5 nobody could see where eps was put


def _arguments(N: int, D: int) -> tuple[Any, ...]:
    """Return x, gamma, beta and dout; every feature and example has its own mean and scale."""
    rng = np.random.default_rng(231)
    x = rng.standard_normal((N, D)) * np.linspace(0.5, 3, D) + np.linspace(-4, 6, N)[:, None]
    return x, rng.uniform(0.5, 2, D), rng.standard_normal(D), rng.standard_normal((N, D))


def _forward_causes(x: Any, gamma: Any, beta: Any, eps: float, axis: int) -> dict[str, Any]:
    """Return what the common mistakes of a forward pass along `axis` give."""
    mean, var = x.mean(axis=axis, keepdims=True), x.var(axis=axis, keepdims=True)
    centred = x - mean
    other = x.mean(axis=1 - axis, keepdims=True), x.var(axis=1 - axis, keepdims=True)
    causes = {
        "gamma and beta are not applied": centred / np.sqrt(var + eps),
        "beta is not added": gamma * centred / np.sqrt(var + eps),
        "eps is left out": gamma * centred / np.sqrt(var) + beta,
        "eps belongs inside the square root, next to the variance": gamma
        * centred
        / (np.sqrt(var) + eps)
        + beta,
        "divided by the variance, not by its square root": gamma * centred / (var + eps) + beta,
        f"the mean and variance run over axis {1 - axis}, they should run over axis {axis}": gamma
        * (x - other[0])
        / np.sqrt(other[1] + eps)
        + beta,
    }
    if x.shape[axis] > 1:
        sample = x.var(axis=axis, keepdims=True, ddof=1)
        causes["the variance is divided by n - 1; both norms divide by n"] = (
            gamma * centred / np.sqrt(sample + eps) + beta
        )
    return causes


def _check_forward(
    r: Report,
    name: str,
    forward: Callable[..., Any],
    definition: Callable[..., Any],
    option: dict[str, Any],
    axis: int,
) -> None:
    """Hold a training-time forward pass against its definition."""
    for N, D in _SIZES:
        x, gamma, beta, _ = _arguments(N, D)
        for eps in ({}, {"eps": _BIG_EPS}):
            result = r.watch(name, forward, x, gamma, beta, {**option, **eps})
            out, _ = unpack(name, result, ("out", "cache"))
            value = eps.get("eps", 1e-5)
            with np.errstate(divide="ignore", invalid="ignore"):
                causes = _forward_causes(x, gamma, beta, value, axis)
            want = definition(x, gamma, beta, value)
            where = f"for x of shape {x.shape}" + (f" and eps = {value}" if eps else "")
            compare("out", out, want, rtol=EXACT, atol=1e-12, where=where, causes=causes)
    r.ok("values on several sizes, with gamma and beta of many values, for small and large eps")
    small = [v.astype(np.float32) for v in (x, gamma, beta)]
    out, _ = forward(*small, dict(option))
    want = definition(x, gamma, beta)
    compare("out", out, want, rtol=FLOAT32, atol=1e-4, where="in float32")
    r.keeps_float32(name, {"out": out})


def _check_backward(
    r: Report,
    name: str,
    forward: Callable[..., Any],
    backward: Callable[..., Any],
    definition: Callable[..., Any],
    option: dict[str, Any],
) -> None:
    """Hold a backward pass against numeric gradients of the definition."""
    for N, D in _SIZES:
        x, gamma, beta, dout = _arguments(N, D)
        for eps in ({}, {"eps": _BIG_EPS}):
            e = eps.get("eps", 1e-5)
            want = slow.slopes(definition, (x, gamma, beta), dout, eps=e)
            _, cache = r.watch(name, forward, x, gamma, beta, {**option, **eps})
            for call in ("", ", in a second call with the same cache"):
                result = r.watch(name, backward, dout, cache)
                got = unpack(name, result, ("dx", "dgamma", "dbeta"))
                for part, g, value in zip(("dx", "dgamma", "dbeta"), got, want, strict=True):
                    where = f"for x of shape {x.shape} and eps = {e}{call}"
                    compare(part, g, value, rtol=NUMERIC, atol=NUMERIC_FLOOR, where=where)
    r.ok("dx, dgamma and dbeta against numeric gradients, small and large eps, twice in a row")
    small = [v.astype(np.float32) for v in (x, gamma, beta, dout)]
    _, cache = forward(*small[:3], dict(option))
    dx, dgamma, dbeta = backward(small[3], cache)
    r.keeps_float32(name, {"dx": dx, "dgamma": dgamma, "dbeta": dbeta})


def check_batchnorm_train(s: Subject, r: Report) -> None:
    """Hold training-time batch normalization and its running statistics against the definition."""
    option = {"mode": "train"}
    _check_forward(r, "batchnorm_forward", s.batchnorm_forward, slow.batchnorm, option, axis=0)
    for momentum in (0.9, 0.7):
        _check_running_statistics(s, momentum)
    r.ok("running mean and variance over three steps, from zeros, with two momentum values")
    out, _ = s.batchnorm_forward(
        np.full((1, 3), 5.0), np.ones(3), np.arange(3.0), {"mode": "train"}
    )
    compare("out", out, [[0.0, 1.0, 2.0]], rtol=EXACT, atol=1e-12, where="for a batch of one")
    r.ok("a batch of one gives beta")


def _check_running_statistics(s: Subject, momentum: float) -> None:
    """Follow the running statistics over three training steps that start from nothing."""
    rng = np.random.default_rng(5)
    bn_param: dict[str, Any] = {"mode": "train"}
    if momentum != 0.9:
        bn_param["momentum"] = momentum
    mean, var = np.zeros(3), np.zeros(3)
    swapped, sample = mean, var
    for step in (1, 2, 3):
        x = rng.standard_normal((4, 3)) * [1, 2, 3] + [10, -5, 1]
        s.batchnorm_forward(x, np.ones(3), np.zeros(3), bn_param)
        moments = [slow.mean_and_variance([float(v) for v in column]) for column in x.T]
        batch_mean, batch_var = np.array(moments).T
        swapped = (1 - momentum) * swapped + momentum * batch_mean
        sample = momentum * sample + (1 - momentum) * batch_var * 4 / 3
        std = momentum * var + (1 - momentum) * np.sqrt(batch_var)
        mean = momentum * mean + (1 - momentum) * batch_mean
        var = momentum * var + (1 - momentum) * batch_var
        where = f"after step {step} with momentum {momentum}"
        compare(
            "running_mean",
            bn_param.get("running_mean"),
            mean,
            rtol=EXACT,
            where=where,
            causes={"momentum weighs the old value, 1 - momentum the new one": swapped},
        )
        causes = {
            "the running variance must be biased too (divide by N)": sample,
            "this averages standard deviations; average variances": std,
        }
        got = bn_param.get("running_var")
        compare("running_var", got, var, rtol=EXACT, where=where, causes=causes)


def check_batchnorm_test(s: Subject, r: Report) -> None:
    """Hold test-time batch normalization against the definition with given statistics."""
    x, gamma, beta, _ = _arguments(4, 5)
    mean, var = np.linspace(-2, 3, 5), np.linspace(0.3, 4, 5)
    for eps in (1e-5, _BIG_EPS):
        bn_param = {"mode": "test", "eps": eps, "running_mean": mean, "running_var": var}
        result = r.watch("batchnorm_forward", s.batchnorm_forward, x, gamma, beta, bn_param)
        out, _ = unpack("batchnorm_forward", result, ("out", "cache"))
        centred = x - mean
        causes = {
            "test mode used the batch's own mean and variance": slow.batchnorm(x, gamma, beta, eps),
            "gamma and beta are not applied in test mode": centred / np.sqrt(var + eps),
            "eps is left out in test mode": gamma * centred / np.sqrt(var) + beta,
            "eps belongs inside the square root, next to the variance": gamma
            * centred
            / (np.sqrt(var) + eps)
            + beta,
            "divided by the running variance, not by its square root": gamma * centred / (var + eps)
            + beta,
        }
        want = gamma * centred / np.sqrt(var + eps) + beta
        where = f"for eps = {eps}"
        compare("out", out, want, rtol=EXACT, atol=1e-12, where=where, causes=causes)
        hint = "test mode must leave the running statistics alone"
        compare("running_mean", bn_param["running_mean"], mean, rtol=0, hint=hint)
        compare("running_var", bn_param["running_var"], var, rtol=0, hint=hint)
    r.ok("values from the running statistics, which stay as they are")
    one, _ = s.batchnorm_forward(x[:1], gamma, beta, dict(bn_param))
    where = "for the first example alone"
    compare("out", one, want[:1], rtol=EXACT, atol=1e-12, where=where)
    r.ok("an example's result does not depend on the others in the batch")


def check_batchnorm_backward(s: Subject, r: Report) -> None:
    """Hold `batchnorm_backward` against numeric gradients of the definition."""
    _check_backward(
        r,
        "batchnorm_backward",
        s.batchnorm_forward,
        s.batchnorm_backward,
        slow.batchnorm,
        {"mode": "train"},
    )


def check_batchnorm_backward_alt(s: Subject, r: Report) -> None:
    """Hold `batchnorm_backward_alt` against numeric gradients of the definition."""
    _check_backward(
        r,
        "batchnorm_backward_alt",
        s.batchnorm_forward,
        s.batchnorm_backward_alt,
        slow.batchnorm,
        {"mode": "train"},
    )


def check_layernorm_forward(s: Subject, r: Report) -> None:
    """Hold `layernorm_forward` against the definition."""
    _check_forward(r, "layernorm_forward", s.layernorm_forward, slow.layernorm, {}, axis=1)
    x, gamma, beta, _ = _arguments(4, 5)
    ln_param: dict[str, Any] = {}
    s.layernorm_forward(x, gamma, beta, ln_param)
    if any("running" in key for key in ln_param):
        raise CheckError("layernorm_forward stores running statistics; layer norm has none")
    one, _ = s.layernorm_forward(x[:1], gamma, beta, {})
    want = slow.layernorm(x[:1], gamma, beta)
    compare("out", one, want, rtol=EXACT, atol=1e-12, where="for the first example alone")
    r.ok("an example's result does not depend on the others in the batch")


def check_layernorm_backward(s: Subject, r: Report) -> None:
    """Hold `layernorm_backward` against numeric gradients of the definition."""
    _check_backward(
        r, "layernorm_backward", s.layernorm_forward, s.layernorm_backward, slow.layernorm, {}
    )

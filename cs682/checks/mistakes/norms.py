"""What common mistakes in a normalization layer give, so that a check can name them.

None of this derives a gradient: mistaken gradients are slopes of a definition in which something
is held fixed that is not fixed, or is left out.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cs682.checks import slow

_OTHER_EPS = (1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3)


def say_eps(other: float) -> str:
    """Say that eps is this one, not that of the options."""
    return f"eps is {other:g} here, whatever the options say; the default is 1e-05"


def forward(x: Any, gamma: Any, beta: Any, eps: float, axis: int) -> dict[str, Any]:
    """Return cause -> output for a training-time forward pass along `axis`; all x-shaped."""
    mean, var = x.mean(axis=axis, keepdims=True), x.var(axis=axis, keepdims=True)
    other = x.mean(axis=1 - axis, keepdims=True), x.var(axis=1 - axis, keepdims=True)
    centred, std, n = x - mean, np.sqrt(var + eps), x.shape[axis]
    raw = np.mean(x**2, axis=axis, keepdims=True)
    other_n = x.shape[1 - axis]
    mean_of_other = mean * n / other_n
    with np.errstate(all="ignore"):  # a mistake may divide by zero
        normalized = {
            "eps is left out": centred / np.sqrt(var),
            "eps belongs inside the square root, next to the variance": centred
            / (np.sqrt(var) + eps),
            "eps is subtracted; it is added": centred / np.sqrt(var - eps),
            "eps is added twice": centred / np.sqrt(var + 2 * eps),
            "divided by the variance, not by its square root": centred / (var + eps),
            "the variance averages absolute values; it averages squares": centred
            / np.sqrt(np.mean(np.abs(centred), axis=axis, keepdims=True) + eps),
            f"the statistics run over axis {1 - axis}; they should run over axis {axis}": (
                x - other[0]
            )
            / np.sqrt(other[1] + eps),
            "the variance is divided by n - 1; this layer divides by n": centred
            / np.sqrt(var * n / (n - 1) + eps),
            f"the sums are divided by {other_n}; a line along axis {axis} has {n} values": (
                x - mean_of_other
            )
            / np.sqrt(np.sum((x - mean_of_other) ** 2, axis=axis, keepdims=True) / other_n + eps),
            "the mean is not subtracted": x / std,
            "the variance is not centred: this is the mean of the squares": centred
            / np.sqrt(raw + eps),
            f"the mean runs over axis {1 - axis}; it should run over axis {axis}": (x - other[0])
            / std,
            f"the variance runs over axis {1 - axis}; it should run over axis {axis}": centred
            / np.sqrt(other[1] + eps),
            f"the mean runs over axis {1 - axis}; it should run over axis {axis}, and the variance "
            "is taken around it": (x - other[0])
            / np.sqrt(np.mean((x - other[0]) ** 2, axis=axis, keepdims=True) + eps),
            f"the mean of the squares runs over axis {1 - axis}; it should run over axis {axis}": (
                centred / np.sqrt(np.mean(centred**2, axis=1 - axis, keepdims=True) + eps)
            ),
            "the squares are summed up; the variance divides the sum by n": centred
            / np.sqrt(n * var + eps),
            "one variance for the whole array; each feature (or example) has its own": centred
            / np.sqrt(x.var() + eps),
            "one mean for the whole array; each feature (or example) has its own": (x - x.mean())
            / std,
            "one mean and one variance for the whole array": (x - x.mean())
            / np.sqrt(x.var() + eps),
            "the variance is taken around a mean of the whole array": centred
            / np.sqrt(np.mean((x - x.mean()) ** 2, axis=axis, keepdims=True) + eps),
            "the mean of the whole array is used throughout": (x - x.mean())
            / np.sqrt(np.mean((x - x.mean()) ** 2, axis=axis, keepdims=True) + eps),
            "the training branch returned nothing, so the test-time code below it ran": x
            / np.sqrt(eps),
        }
        for fixed in _OTHER_EPS:
            normalized[say_eps(fixed)] = centred / np.sqrt(var + fixed)
    x_hat = centred / std
    return {
        "gamma and beta are not applied": x_hat,
        "beta is not added": gamma * x_hat,
        "gamma is not applied": x_hat + beta,
        "gamma and beta are exchanged": beta * x_hat + gamma,
        "beta is subtracted; it is added": gamma * x_hat - beta,
        "divided by gamma; gamma multiplies": x_hat / gamma + beta,
        "gamma multiplies beta too": gamma * (x_hat + beta),
        "gamma is counted from 1; it multiplies as it is": (1 + gamma) * x_hat + beta,
        "one gamma and beta for all; each feature has its own": gamma[0] * x_hat + beta[0],
        "gamma and beta come first and are normalized away; they come last": slow.normalize(
            gamma * x + beta, np.ones_like(gamma), np.zeros_like(beta), eps, axis
        ),
        "the running statistics were used; training uses the batch's own": gamma
        * (x - 0.1 * mean)
        / np.sqrt(0.1 * var + eps)
        + beta,
        **{cause: gamma * value + beta for cause, value in normalized.items()},
    }


def test_mode(x: Any, gamma: Any, beta: Any, eps: float, mean: Any, var: Any) -> dict[str, Any]:
    """Return cause -> output for test-time batch norm with these running statistics, x-shaped."""
    centred, root = x - mean, np.sqrt(var + eps)
    new_mean, new_var = 0.9 * mean + 0.1 * x.mean(axis=0), 0.9 * var + 0.1 * x.var(axis=0)
    normalized = {
        "eps is left out in test mode": centred / np.sqrt(var),
        "eps belongs inside the square root, next to the variance": centred / (np.sqrt(var) + eps),
        "divided by the running variance, not by its square root": centred / (var + eps),
        "divided by the running variance, not by its square root, and eps is left out": centred
        / var,
        "running_var is a variance already; it is squared here": centred / np.sqrt(var**2 + eps),
        "parentheses are missing: only the mean is divided": x - mean / root,
        "the running mean is added; it is subtracted": (x + mean) / root,
        "multiplied by the square root; divide by it": centred * root,
        "the first feature's statistics are used for all": (x - mean[0]) / root[0],
        "test mode used the batch's own mean and variance": (x - x.mean(axis=0))
        / np.sqrt(x.var(axis=0) + eps),
        "test mode used the batch's own variance": centred / np.sqrt(x.var(axis=0) + eps),
        "test mode used the batch's own mean": (x - x.mean(axis=0)) / root,
        "the running statistics took in the test batch before they were used": (x - new_mean)
        / np.sqrt(new_var + eps),
    }
    for other in _OTHER_EPS:
        normalized[say_eps(other)] = centred / np.sqrt(var + other)
    return {
        "the input came back unchanged": x,
        "gamma and beta are not applied in test mode": centred / root,
        "beta is not added in test mode": gamma * centred / root,
        "beta is subtracted; it is added": gamma * centred / root - beta,
        "gamma and beta are exchanged": beta * centred / root + gamma,
        "the division by the root of the running variance is missing": gamma * centred + beta,
        **{cause: gamma * value + beta for cause, value in normalized.items()},
    }


def running(
    name: str, before: dict[str, Any], batch: dict[str, Any], momentum: float, n: int
) -> dict[str, Any]:
    """Return cause -> new value, shape (D,), of a running statistic after one step."""
    old, new, keep = before[name], batch[name], momentum
    update = keep * old + (1 - keep) * new
    causes = {
        f"bn_param[{name!r}] did not change: store the batch's own value there, weighed": old,
        "momentum weighs the old value, 1 - momentum the new one": (1 - keep) * old + keep * new,
        "it was replaced by the batch's own value; momentum of the old one is kept": new,
        "it was updated twice in one step": keep * update + (1 - keep) * new,
        "momentum is ignored: old and new weigh the same": (old + new) / 2,
        "momentum is hard-coded at 0.9": 0.9 * old + 0.1 * new,
        "the new value is added without its weight 1 - momentum": keep * old + new,
    }
    if name == "running_mean":
        said = "the batch's mean is 0 here: take it before anything is subtracted from x"
        causes[said] = keep * old
        said = "bn_param['running_mean'] holds the new running_var: it has a name of its own"
        causes[said] = keep * before["running_var"] + (1 - keep) * batch["running_var"]
    if name == "running_var":
        said = "bn_param['running_var'] holds the new running_mean: it has a name of its own"
        causes[said] = keep * before["running_mean"] + (1 - keep) * batch["running_mean"]
        variance, mean = batch["running_var"], before["running_mean"]
        new_mean = keep * mean + (1 - keep) * batch["running_mean"]
        causes |= {
            "momentum weighs the new running_mean here; it should weigh the old running_var": keep
            * new_mean
            + (1 - keep) * variance,
            "momentum weighs the old running_mean here; it should weigh the old running_var": keep
            * mean
            + (1 - keep) * variance,
            "the running variance must be biased too: divide by N": keep * old
            + (1 - keep) * variance * n / (n - 1),
            "eps is part of the variance that is averaged; it belongs under the root alone": keep
            * old
            + (1 - keep) * (variance + 1e-5),
            "the sample variance is averaged (divided by n - 1), and eps is part of it": keep * old
            + (1 - keep) * (variance * n / (n - 1) + 1e-5),
            "this averages standard deviations; average variances": keep * old
            + (1 - keep) * np.sqrt(variance),
            "this averages standard deviations, with eps in them; average variances": keep * old
            + (1 - keep) * np.sqrt(variance + 1e-5),
            "it is updated with the batch's mean": keep * old + (1 - keep) * batch["running_mean"],
        }
    return causes


def backward(
    x: Any, gamma: Any, beta: Any, dout: Any, eps: float, axis: int, want: list[Any]
) -> dict[str, dict[str, Any]]:
    """Return, for dx, dgamma and dbeta, cause -> value for a backward pass along `axis`."""
    dx, dgamma, dbeta = want
    ones = np.ones_like(gamma)

    def slope(**changed: Any) -> Any:
        options = {"gamma": gamma, "eps": eps, "axis": axis, **changed}
        return slow.slope(lambda v: slow.normalize(v, beta=beta, **options), x, dout)

    def gain(eps: float) -> Any:
        return slow.slopes(slow.normalize, (x, gamma, beta), dout, eps=eps, axis=axis)[1]

    plain = slope(gamma=ones)
    std = spread(x, eps, axis)
    x_hat, across = centred(x, axis) / std, "sums over axis 1; it should sum over axis 0"
    whole = over_all(gamma * dout, x_hat, std, axis, "dout * gamma")
    if axis == 0:  # there gamma may stand outside of the sums
        whole |= over_all(dout, x_hat, std / gamma, axis, "dout")
    return {
        "dx": {
            "gamma is missing": plain,
            **whole,
            **_spoilt_sums(x, gamma, beta, dout, eps, axis),
            "gamma differs along a row, so it must stay inside the sums": gamma * plain,
            f"the sums run over axis {1 - axis}; they should run over axis {axis}": slope(
                axis=1 - axis
            ),
            "gamma is applied twice": gamma * dx,
            **_forgotten_sums(x, gamma, beta, dout, eps, axis),
            "divided by the variance where the standard deviation belongs": dx / std,
            "the division by the standard deviation is missing": dx * std,
            "multiplied by the standard deviation where dx is divided by it: does the cache hold "
            "std or 1 / std?": dx * std**2,
            "the eps of the forward pass is left out, or a much smaller one is taken": slope(
                eps=1e-12
            ),
            "eps is hard-coded, not the one of the forward pass": slope(eps=1e-5),
        },
        "dgamma": {
            "this is dbeta; dgamma multiplies with the normalized values before it sums": dbeta,
            "dgamma is averaged over the batch; it is a sum": dgamma / len(x),
            "gamma is multiplied in first; dgamma comes from dout as it was given": dgamma * gamma,
            "dout is multiplied with gamma; it should be with the normalized x_hat": dbeta * gamma,
            "dgamma needs the normalized x_hat, not x": np.sum(dout * x, axis=0),
            f"dgamma {across}": np.sum(dout * x_hat, axis=1),
            "the eps of the forward pass is left out, or a much smaller one is taken": gain(1e-12),
            "eps is hard-coded, not the one of the forward pass": gain(1e-5),
        },
        "dbeta": {
            "this is dgamma; dbeta sums dout alone": dgamma,
            f"dbeta {across}": dout.sum(axis=1),
            "dbeta is averaged over the batch; it is a sum": dbeta / len(x),
            "gamma is multiplied in first; dbeta comes from dout as it was given": dbeta * gamma,
        },
    }


def _three_ways(
    x: Any, gamma: Any, beta: Any, dout: Any, eps: float, axis: int
) -> tuple[Any, Any, Any]:
    """Return dx straight from the output, through the mean, and through the variance."""

    def slope(**fixed: Any) -> Any:
        return slow.slope(lambda v: slow.normalize(v, gamma, beta, eps, axis, **fixed), x, dout)

    direct = slope(mean_of=x, var_of=x)
    return direct, slope(var_of=x) - direct, slope(mean_of=x) - direct


def _spoilt_sums(x: Any, gamma: Any, beta: Any, dout: Any, eps: float, axis: int) -> dict[str, Any]:
    """Return cause -> dx whose way back node by node has a sum over all, or x_hat not once."""
    direct, mean, variance = _three_ways(x, gamma, beta, dout, eps, axis)
    x_hat, apart = centred(x, axis) / spread(x, eps, axis), centred(x, axis)
    total = mean.sum(axis=1 - axis, keepdims=True)
    slope = (variance / apart).sum(axis=1 - axis, keepdims=True)
    everywhere = "runs over the whole array; give it its axis"
    return {
        f"a sum inside dx {everywhere}": direct + total + variance,
        f"the sum that is the gradient of the variance {everywhere}": direct + mean + slope * apart,
        f"each sum inside dx {everywhere}": direct + total + slope * apart,
        "the path through the variance lacks its factor, the normalized x_hat": direct
        + mean
        + variance / x_hat,
        "the path through the variance has the factor x_hat twice; once is enough": direct
        + mean
        + variance * x_hat,
    }


def over_all(upstream: Any, x_hat: Any, std: Any, axis: int, name: str) -> dict[str, Any]:
    """Return cause -> dx of the short formula, whose means or sums run over the whole array.

    `name` is what the two means are taken of: of this, and of this times x_hat.
    """
    pair = upstream, upstream * x_hat
    own = [v.mean(axis=axis, keepdims=True) for v in pair]
    found = {}
    for kind, count in (("mean", x_hat.size), ("sum", x_hat.shape[axis])):
        first, second = (v.sum() / count for v in pair)
        said = f"the {kind} of {name}{{}} in dx runs over the whole array; give it its axis"
        found[said.format("")] = (upstream - first - x_hat * own[1]) / std
        found[said.format(" * x_hat")] = (upstream - own[0] - x_hat * second) / std
        found[f"both {kind}s in dx, of {name} and of that times x_hat, run over the whole array; "
              "give them their axis"] = (upstream - first - x_hat * second) / std  # fmt: skip
    return found


def _forgotten_sums(
    x: Any, gamma: Any, beta: Any, dout: Any, eps: float, axis: int
) -> dict[str, Any]:
    """Return cause -> dx in which a branch that was broadcast forward is not summed backward."""
    direct, mean, variance = _three_ways(x, gamma, beta, dout, eps, axis)
    n, x_hat = x.shape[axis], centred(x, axis) / spread(x, eps, axis)
    bare = -direct * x_hat**2 / n  # each example's own part of the variance's slope
    said = "the sum along axis {} is forgotten in the path through the {}".format
    return {
        said(axis, "mean"): direct + variance - direct / n,
        said(axis, "mean") + ", where all else comes together": (direct + variance) * (1 - 1 / n),
        said(axis, "variance"): direct + mean + bare,
        said(axis, "variance") + ", which then goes through the mean": centred(direct + bare, axis),
        said(axis, "mean") + " and in that through the variance": direct * (1 - 1 / n) + bare,
        said(axis, "mean") + " and in the one through the variance": (direct + bare) * (1 - 1 / n),
        said(axis, "variance") + ", and so is its 1/N": direct + mean + n * bare,
        f"only the path through the variance is left: was the direct one written over (= for +=), "
        f"or {said(axis, 'mean')}, and so is its 1/N": variance,
    }


def paths(x: Any, gamma: Any, beta: Any, dout: Any, eps: float, axis: int) -> Any:
    """Return the gradient along each of the three ways from the output back to x, (N, D, 3).

    The output depends on x directly, through the mean and through the variance.
    """
    return np.stack(_three_ways(x, gamma, beta, dout, eps, axis), axis=-1)


def centred(x: Any, axis: int) -> Any:
    """Return x without its mean along an axis, shaped like x."""
    return x - x.mean(axis=axis, keepdims=True)


def spread(x: Any, eps: float, axis: int) -> Any:
    """Return the standard deviation of x along an axis, with eps, 1 long along it."""
    return np.sqrt(x.var(axis=axis, keepdims=True) + eps)

"""Checks of dropout."""

from __future__ import annotations

from typing import Any

import numpy as np

from cs682.checks.compare import CheckError, compare
from cs682.checks.layers import EXACT
from cs682.checks.report import Report, unpack
from cs682.checks.subject import Subject

# Each statistic below is an average over 250,000 draws; these bounds are more than five of its
# standard deviations wide, so a right mask fails less than once in a million runs.
_FRACTION_BOUND = 0.006
_MEAN_BOUND = 0.02


def check_dropout_train(s: Subject, r: Report) -> None:
    """Check training-time dropout: what is dropped, what is kept and how it is scaled."""
    for p in (0.25, 0.4, 0.7):
        x = np.random.default_rng(231).standard_normal((500, 500)) + 10
        param = {"mode": "train", "p": p}
        result = r.watch("dropout_forward", s.dropout_forward, x, param)
        out, _ = unpack("dropout_forward", result, ("out", "cache"))
        compare("out", out, out, rtol=0)  # an array of finite numbers, before looking into it
        if out.shape != x.shape:
            raise CheckError(f"out has shape {out.shape}, expected {x.shape}")
        _check_kept_values(x, out, p)
        _check_independence(out != 0, p)
    r.ok("the fraction dropped is 1 - p, kept values are divided by p, the mean stays")
    r.ok("each value is dropped on its own: no row, column or other pattern")
    _check_seed_and_shapes(s)
    r.ok("a seed repeats the mask, no seed means a new one; any number of dimensions; p = 1")
    small = np.ones((4, 3), dtype=np.float32)
    out, _ = s.dropout_forward(small, {"mode": "train", "p": 0.5, "seed": 1})
    r.keeps_float32("dropout_forward", {"out": out})


def _check_kept_values(x: Any, out: Any, p: float) -> None:
    """Check how many values were dropped and what became of the others."""
    dropped = float((out == 0).mean())
    if dropped in (0.0, 1.0):
        raise CheckError(f"{'nothing' if dropped == 0 else 'everything'} was dropped for p = {p}")
    if abs(dropped - (1 - p)) > _FRACTION_BOUND:
        swapped = abs(dropped - p) <= _FRACTION_BOUND
        cause = " Likely cause: p is the probability of KEEPING a value." if swapped else ""
        raise CheckError(
            f"{dropped:.4f} of the values were dropped for p = {p}, expected about {1 - p:.2f}."
            + cause
        )
    kept = out != 0
    causes = {
        "kept values are not divided by p": x[kept],
        "kept values are divided by 1 - p; p is the probability of keeping": x[kept] / (1 - p),
        "kept values are multiplied by p, they should be divided by it": x[kept] * p,
    }
    compare(
        "out[out != 0]", out[kept], x[kept] / p, rtol=EXACT, where=f"for p = {p}", causes=causes
    )


def _check_independence(kept: Any, p: float) -> None:
    """Check that rows and columns differ as much as independent draws make them differ."""
    for axis, name in ((0, "column"), (1, "row")):
        spread = float(kept.mean(axis=axis).std())
        expected = (p * (1 - p) / kept.shape[axis]) ** 0.5
        if not 0.5 * expected < spread < 2 * expected:
            raise CheckError(
                f"the share of kept values varies by {spread:.4f} from {name} to {name}, expected "
                f"about {expected:.4f}: draw one number for each value, not one per {name}"
            )
    same = float((kept[1:] == kept[:-1]).mean())
    if abs(same - (p**2 + (1 - p) ** 2)) > _FRACTION_BOUND:
        raise CheckError(f"neighbouring rows agree in {same:.3f} of their places: masks repeat")


def _check_seed_and_shapes(s: Subject) -> None:
    """Check the seed option, inputs of other dimensions and p = 1."""
    for shape in ((40,), (6, 7), (3, 4, 5), (2, 3, 4, 5)):
        x = np.ones(shape)
        first, _ = s.dropout_forward(x, {"mode": "train", "p": 0.5, "seed": 3})
        again, _ = s.dropout_forward(x, {"mode": "train", "p": 0.5, "seed": 3})
        where = f"for x of shape {shape}"
        hint = "the same seed must give the same mask; draw it from rng"
        compare("out", again, first, rtol=0, where=where, hint=hint)
    fresh = [s.dropout_forward(np.ones(64), {"mode": "train", "p": 0.5})[0] for _ in range(2)]
    if np.array_equal(fresh[0], fresh[1]):
        raise CheckError("two calls without a seed gave the same mask; draw a new one each time")
    all_kept, _ = s.dropout_forward(np.arange(5.0), {"mode": "train", "p": 1})
    compare("out", all_kept, np.arange(5.0), rtol=EXACT, where="for p = 1")


def check_dropout_test(s: Subject, r: Report) -> None:
    """Check that test-time dropout changes nothing."""
    x = np.random.default_rng(231).standard_normal((6, 5)) + 10
    for p in (0.25, 0.7):
        result = r.watch("dropout_forward", s.dropout_forward, x, {"mode": "test", "p": p})
        out, _ = unpack("dropout_forward", result, ("out", "cache"))
        causes = {"inverted dropout scales during training only": x * p}
        compare("out", out, x, rtol=EXACT, where=f"in test mode for p = {p}", causes=causes)
    r.ok("test mode returns the input")


def check_dropout_backward(s: Subject, r: Report) -> None:
    """Check that the gradient takes the way the values took."""
    rng = np.random.default_rng(231)
    for shape, p in (((10, 10), 0.2), ((4, 7), 0.6), ((2, 3, 4), 0.5)):
        x, dout = rng.standard_normal(shape) + 10, rng.standard_normal(shape)
        param = {"mode": "train", "p": p, "seed": 123}
        out, cache = r.watch("dropout_forward", s.dropout_forward, x, param)
        out = out.copy()  # the backward pass may be about to spoil it
        want = dout * (out / x)  # dropout multiplies, so out / x is what it multiplied with
        if not 0 < (out == 0).mean() < 1:
            raise CheckError("dropout_forward drops nothing or everything: see exercise do-1.1")
        causes = {
            "the mask is not applied": dout,
            "the factor 1/p is missing": dout * (out != 0),
            "the factor 1/p is applied twice": want / p,
        }
        for call in ("", ", in a second call with the same cache"):
            dx = r.watch("dropout_backward", s.dropout_backward, dout, cache)
            where = f"for p = {p}{call}"
            compare("dx", dx, want, rtol=EXACT, atol=1e-12, where=where, causes=causes)
    r.ok("dx follows the mask and its factor, for two and three dimensions, twice in a row")
    _, cache = s.dropout_forward(x, {"mode": "test", "p": 0.5})
    where = "after a forward pass in test mode"
    compare("dx", s.dropout_backward(dout, cache), dout, rtol=0, where=where)
    r.ok("in test mode the gradient passes unchanged")

"""Checks of dropout."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from cs682.checks import slow
from cs682.checks.compare import EXACT, CheckError, compare, require_finite
from cs682.checks.judges.caches import marks, parts_of
from cs682.checks.judges.convolution import when_new
from cs682.checks.judges.pairs import WayBack, check_cache, check_way_back, in_mode, is_none
from cs682.checks.mistakes import dropout as dropout_mistakes
from cs682.checks.report import KEPT, Report, unpack
from cs682.checks.subject import Subject

# Each statistic below is an average over 250,000 draws; these bounds are more than five of its
# standard deviations wide, so a right mask fails less than once in a million runs.
_FRACTION_BOUND = 0.006
_MEAN_BOUND = 0.02
_NEVER = 1e-6  # a chance that nobody has


def check_dropout_train(s: Subject, r: Report) -> None:
    """Check training-time dropout: what is dropped, what is kept and how it is scaled."""
    exact = []
    for p in (0.25, 0.4, 0.7):
        x = np.random.default_rng(231).standard_normal((500, 500)) + 10
        result = _forward(s, r, x, {"mode": "train", "p": p})
        out, cache = unpack("dropout_forward", result, ("out", "cache"))
        require_finite("out", out, x.shape)
        dropped = float((out == 0).mean())
        if dropped in (0.0, 1.0):
            said = f"{'everything' if dropped else 'nothing'} was dropped for p = {p}"
            raise CheckError(said + _say_untouched(out, x, cache))
        _check_independence(out != 0)
        _check_fraction(dropped, p)
        _check_kept_values(x, out, p)
        exact.append(abs(dropped - (1 - p)) * x.size < 1)
    if all(exact):  # for independent draws this happens once in some million runs
        r.advise("exactly p of the values were kept each time; draw for each value on its own")
    r.ok("the fraction dropped is 1 - p, kept values are divided by p, the mean stays")
    r.ok("each value is dropped on its own: no row, column or other pattern")
    _check_seed_and_shapes(s, r)
    r.ok("a seed repeats the mask, no seed means a new one; any number of dimensions; p = 1")
    _check_cache(s, r)
    small = np.ones((4, 3), dtype=np.float32)
    out, _ = s.dropout_forward(small, {"mode": "train", "p": 0.5, "seed": 1})
    r.keeps_float32("dropout_forward", {"out": out})


def _forward(s: Subject, r: Report, x: Any, param: dict[str, Any]) -> Any:
    """Return the result of the forward pass; CheckError if it changes its options."""
    given = dict(param)
    with in_mode(param["mode"], "do-1.2"):
        result = r.watch("dropout_forward", s.dropout_forward, x, param)
    for key, value in given.items():
        if param.get(key) != value:
            raise CheckError(
                f"dropout_param[{key!r}] was {value!r} and is now {param.get(key)!r}; "
                "it is only read: the next call needs it again"
            )
    return result


def _say_untouched(out: Any, x: Any, cache: Any) -> str:
    """Say that x came back as it was, and that no mask was kept: so it does in test mode."""
    if not np.array_equal(out, x):
        return ""
    if any(part is None for part in parts_of(cache)):
        return (
            ": out is x itself and the cache holds None for a mask, as in test mode. Does the "
            "train branch run on into the test branch: is its return missing?"
        )
    return ": out is x itself"


def _check_independence(kept: Any) -> None:
    """Check that rows and columns of a matrix differ as much as independent draws differ."""
    share = kept.mean()
    for axis, name, other in ((0, "column", "row"), (1, "row", "column")):
        spread = float(kept.mean(axis=axis).std())
        expected = float(share * (1 - share) / kept.shape[axis]) ** 0.5
        if not 0.5 * expected < spread < 2 * expected:
            culprit = name if spread > expected else other  # columns too alike: rows go together
            raise CheckError(
                f"the share of kept values varies by {spread:.4f} from {name} to {name}, expected "
                f"about {expected:.4f}: draw one number for each value, not one for each {culprit}"
            )
    same = float((kept[1:] == kept[:-1]).mean())
    slack = 2.5 / kept.size**0.5  # five standard deviations of a mean of so many coin tosses
    if abs(same - (share**2 + (1 - share) ** 2)) > slack:
        raise CheckError(f"neighbouring rows agree in {same:.3f} of their places: masks repeat")
    for axis, line in enumerate(("rows", "columns")):
        if np.unique(kept, axis=axis).shape[axis] < kept.shape[axis]:
            raise CheckError(f"{line} of the mask repeat each other; draw a number for each value")


def _check_fraction(dropped: float, p: float) -> None:
    """Check how many values were dropped."""
    if abs(dropped - (1 - p)) <= _FRACTION_BOUND:
        return
    causes = {
        p: "p is the probability of KEEPING a value",
        0.5: "half of the values are dropped, whatever p says",
        (1 - p) ** 2: "a value is dropped only if two draws say so; one draw decides",
        1 - p**2: "a value is kept only if two draws say so; one draw decides",
        0.5 * math.erfc(p / 2**0.5): "the numbers are normal (randn); draw uniform ones (rand)",
    }
    close = [text for value, text in causes.items() if abs(dropped - value) <= _FRACTION_BOUND]
    raise CheckError(
        f"{dropped:.4f} of the values were dropped for p = {p}, expected about {1 - p:.2f}. "
        + "".join(f"Likely cause: {text}." for text in close)
    )


def _check_kept_values(x: Any, out: Any, p: float) -> None:
    """Check what became of the values that were kept."""
    kept = out != 0
    causes = {
        "kept values are not divided by p": x[kept],
        "kept values are divided by 1 - p; p is the probability of keeping": x[kept] / (1 - p),
        "kept values are multiplied by p, they should be divided by it": x[kept] * p,
        "this is the mask; x has to be multiplied with it": np.full(kept.sum(), 1 / p),
    }
    where = f"for p = {p}"
    compare("out[out != 0]", out[kept], x[kept] / p, rtol=EXACT, where=where, causes=causes)


def _check_seed_and_shapes(s: Subject, r: Report) -> None:
    """Check the seed option, inputs of other dimensions and p = 1."""
    for shape in ((40,), (6, 7), (3, 4, 5), (2, 3, 4, 5)):
        x = np.ones(shape)
        seed = 0 if shape == (40,) else 3  # 0 is a seed too
        first, _ = _forward(s, r, x, {"mode": "train", "p": 0.5, "seed": seed})
        again, _ = _forward(s, r, x, {"mode": "train", "p": 0.5, "seed": seed})
        where = f"for x of shape {shape} and seed {seed}"
        hint = "the same seed must give the same mask; draw it from rng"
        require_finite("out", first, shape)
        compare("out", again, first, rtol=0, where=where, hint=hint)
    images, _ = s.dropout_forward(np.ones((60, 5, 8)), {"mode": "train", "p": 0.5})
    if np.array_equal(images[0], images[1]):
        raise CheckError("all images of a batch got the same mask; draw a number for each value")
    _check_independence((images != 0).reshape(60, 40))
    _check_new_masks(s)
    all_kept, _ = s.dropout_forward(np.arange(5.0), {"mode": "train", "p": 1})
    compare("out", all_kept, np.arange(5.0), rtol=EXACT, where="for p = 1")


def _check_new_masks(s: Subject) -> None:
    """Check that calls without a seed draw anew, also with one dict, as a network's layers have."""
    param: dict[str, Any] = {"mode": "train", "p": 0.5}
    first, again = (s.dropout_forward(np.ones(64), param)[0] for _ in range(2))
    if np.array_equal(first, again):
        new = ", ".join(repr(key) for key in param if key not in ("mode", "p"))
        raise CheckError(
            "two calls without a seed gave the same mask; draw a new one each time"
            + f". dropout_param, which both calls got, holds {new} now: it is only read" * bool(new)
        )


def require_mask(mask: Any, shape: tuple[int, ...], p: float) -> None:
    """Refuse what a student's dropout multiplies with, unless a check may expect results by it.

    Parameters
    ----------
    mask : ndarray of float, what `dropout_forward` made of ones
    shape : tuple of int, that it must have
    p : float, probability of keeping a value

    Raises
    ------
    CheckError
        If it holds anything but 0 and 1/p, or far more or fewer zeros than chance gives.
    """
    require_finite("out of dropout_forward", mask, shape)
    kept = mask != 0
    compare(
        "dropout_forward's output, where it kept an x of ones",
        mask[kept],
        np.full(kept.sum(), 1 / p),
        rtol=1e-5,
        where=f"for p = {p}",
        hint="it multiplies with 0 or 1/p: see exercise do-1.1",
    )
    share, chance = float(kept.mean()), {0.0: (1 - p) ** mask.size, 1.0: p**mask.size}
    if chance.get(share, 1.0) < _NEVER or abs(share - p) > 6 * (p * (1 - p) / mask.size) ** 0.5:
        said = "nothing" if share == 1 else f"{1 - share:.0%} of the values"
        raise CheckError(f"dropout_forward drops {said} for p = {p}: see exercise do-1.1")


def check_dropout_test(s: Subject, r: Report) -> None:
    """Check that test-time dropout changes nothing."""
    earlier: Any = ()
    for p in (0.25, 0.7):
        x = np.random.default_rng(231).standard_normal((6, 5)) + 10 + p
        result = _forward(s, r, x, {"mode": "test", "p": p})
        out, cache = unpack("dropout_forward", result, ("out", "cache"))
        causes = {
            "inverted dropout scales during training only; here x is multiplied by p": x * p,
            "x is divided by p; inverted dropout scales during training only": x / p,
            "x is multiplied by 1 - p; inverted dropout scales during training only": x * (1 - p),
            KEPT: earlier,
        }
        earlier = x
        if type(out) is np.ndarray and out.size and 0 < (out == 0).mean() < 1:
            raise CheckError("values were dropped in test mode; at test time all units take part")
        compare("out", out, x, rtol=EXACT, where=f"in test mode for p = {p}", causes=causes)
    if is_none(cache) and not _copes_with(s, None, x):
        raise CheckError(
            "the cache that dropout_forward returned in test mode is None: the docstring promises "
            "(dropout_param, None), and the way back reads the mode from it"
        )
    if _copes_with(s, ({"mode": "test", "p": p}, None), x) and not _copes_with(s, cache, x):
        raise CheckError(
            "dropout_backward passes dout on with the cache that the docstring promises for test "
            "mode, (dropout_param, None), but not with the one that dropout_forward returned"
        )
    r.ok("test mode returns the input")


def _copes_with(s: Subject, cache: Any, dout: Any) -> bool:
    """Tell whether the student's own way back passes all on with a cache from test mode."""
    try:
        dx = s.dropout_backward(dout.copy(), cache)
    except (Exception, SystemExit):  # the way back's own: it is another exercise
        return False
    return type(dx) is np.ndarray and np.array_equal(dx, dout)


def check_dropout_backward(s: Subject, r: Report) -> None:
    """Check that the gradient takes the way the values took."""
    rng = np.random.default_rng(231)
    for shape, p, seed in (((10, 10), 0.2, 123), ((4, 7), 0.6, 123), ((2, 3, 4), 0.5, None)):
        x, dout = rng.standard_normal(shape) + 10, rng.standard_normal(shape)
        param = {"mode": "train", "p": p, **({"seed": seed} if seed else {})}
        out, cache = unpack("dropout_forward", _forward(s, r, x, param), ("out", "cache"))
        require_finite("out", out, shape)
        out = out.copy()  # the backward pass may be about to spoil it
        if not 0 < (out == 0).mean() < 1:
            raise CheckError("dropout_forward drops nothing or everything: see exercise do-1.1")

        def disturb() -> None:
            s.dropout_forward(np.ones((*shape, 2))[..., 1], {**param, "seed": 5})  # noqa: B023
            s.dropout_forward(np.ones(shape), {**param, "mode": "test"})  # noqa: B023
            s.dropout_forward(np.ones(shape[-1:]), param)  # noqa: B023  # as a network's next layer

        # dropout multiplies, so out / x is what it multiplied with
        way = _way_back(s, dout, out, x, p)
        check_way_back(r, way, cache, disturb, ((param, out / x), _CACHE))
    r.ok("dx follows the mask and its factor, for two and three dimensions, three times in a row")
    _, cache = s.dropout_forward(x, {"mode": "test", "p": 0.5})
    where = "after a forward pass in test mode"
    with when_new("a cache from test mode", "by the docstring its mask is None"):
        compare("dx", s.dropout_backward(dout, cache), dout, rtol=0, where=where)
    r.ok("in test mode the gradient passes unchanged")


_CACHE = "(dropout_param, mask) with a mask of 0 and 1/p"


def _way_back(s: Subject, dout: Any, out: Any, x: Any, p: float) -> WayBack:
    """Return what `dropout_backward` must give where dropout turned x into `out`."""
    kept, mistakes = out != 0, dropout_mistakes.backward(dout, p)
    causes = {cause: np.where(kept, *both) for cause, both in mistakes.items()}
    causes["this is the mask; it still has to be multiplied with dout"] = out / x
    return WayBack(
        "dropout_backward",
        s.dropout_backward,
        dout,
        {"dx": np.where(kept, *slow.dropout_slopes(dout, p))},
        f"for p = {p}",
        EXACT,
        1e-12,
        {"dx": "use the mask in the cache: a value's gradient takes the way the value took"},
        {"dx": causes},
    )


def _check_cache(s: Subject, r: Report) -> None:
    """Check that the way back can do with the cache."""
    rng = np.random.default_rng(231)
    x, dout = rng.standard_normal((4, 7)) + 10, rng.standard_normal((4, 7))
    param = {"mode": "train", "p": 0.6, "seed": 123}
    out, cache = s.dropout_forward(x.copy(), param)
    out = np.array(out)  # the backward pass may be about to spoil it
    _refuse_other_draw(cache, out)
    needed = {"the mask": marks(out == 0, lambda part: part == 0)}
    check_cache(r, _way_back(s, dout, out, x, 0.6), cache, (param, out / x), _CACHE, needed)
    r.ok("a cache that goes with dropout_backward")


def _refuse_other_draw(cache: Any, out: Any) -> None:
    """Raise CheckError if a cache holds a mask, but not that of the output."""
    arrays = [part for part in parts_of(cache) if type(part) is np.ndarray]
    kept = [part != 0 for part in arrays if part.shape == out.shape]
    if any(np.array_equal(part, out != 0) or np.array_equal(part, out == 0) for part in kept):
        return
    if any(0 < part.mean() < 1 for part in kept):
        raise CheckError(
            "the mask in the cache that dropout_forward returned is another draw than the one "
            "that made its output: draw once, and use that mask for both"
        )

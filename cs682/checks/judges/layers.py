"""Checks of the affine and ReLU layers."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np

from cs682.checks import slow
from cs682.checks.compare import EXACT, FLOAT32, CheckError, compare, require_finite
from cs682.checks.judges.caches import holds, marks
from cs682.checks.judges.pairs import (
    WayBack,
    check_cache,
    check_way_back,
    hint_at_gradients,
)
from cs682.checks.mistakes import layers as layer_mistakes
from cs682.checks.report import KEPT, Report, unpack
from cs682.checks.subject import Subject

_LARGE = (130, (3, 4, 4), 7)
_AFFINE_SIZES = ((3, (4,), 5), (4, (2, 3), 2), (1, (3, 2, 2), 4))  # N, example shape, M


def _affine_arguments(N: int, dims: tuple[int, ...], M: int, seed: int = 682) -> tuple[Any, ...]:
    """Return x, w, b and dout of these sizes, float64."""
    rng = np.random.default_rng(seed)
    D = int(np.prod(dims))
    shapes = ((N, *dims), (D, M), (M,), (N, M))
    return tuple(rng.standard_normal(shape) for shape in shapes)


def compare_along(
    f: Callable[..., Any],
    arguments: tuple[Any, ...],
    dout: Any,
    got: dict[str, Any],
    **options: Any,
) -> None:
    """Compare gradients with the slope of ``sum(f * dout)`` along one direction for each argument.

    For a large batch, for which a slope for every single number would take too long.
    """
    rng = np.random.default_rng(1)
    for i, (name, gradient) in enumerate(got.items()):
        along = rng.standard_normal(arguments[i].shape)
        require_finite(name, gradient, along.shape)
        sides = [
            f(*arguments[:i], arguments[i] + h * along, *arguments[i + 1 :], **options)
            for h in (1e-5, -1e-5)
        ]
        slope = float(np.sum((sides[0] - sides[1]) * dout)) / 2e-5
        compare(
            f"the slope that {name} gives along a direction",
            float(np.sum(gradient * along)),
            slope,
            rtol=1e-5,
            atol=1e-6,
            where=f"for a batch of {len(dout)}",
            hint=f"for small batches {name} is right; does something depend on the size?",
        )


def check_affine_forward(s: Subject, r: Report) -> None:
    """Hold `affine_forward` against the definition."""
    earlier: Any = ()
    for sizes, seed in product((*_AFFINE_SIZES, _LARGE), (682, 683)):
        x, w, b, _ = _affine_arguments(*sizes, seed)
        result = r.watch("affine_forward", s.affine_forward, x, w, b)
        out, _ = unpack("affine_forward", result, ("out", "cache"))
        causes = {**layer_mistakes.affine_forward(x, w, b), KEPT: earlier}
        hint = "each output sums up all values of its example, each with a weight, and a bias"
        where = f"for x of shape {x.shape}"
        earlier = want = slow.affine(x, w, b)
        compare("out", out, want, rtol=EXACT, where=where, hint=hint, causes=causes)
    r.ok("values for examples of one, two and three dimensions, and for a single example")
    x, w, b, dout = _affine_arguments(*_AFFINE_SIZES[1])
    _, cache = s.affine_forward(x.copy(), w.copy(), b.copy())
    needed = {"x in its original shape": holds(x), "w": holds(w)}
    way = _affine_way_back(s, x, w, b, dout)
    check_cache(r, way, cache, (x, w, b), _AFFINE_CACHE, needed)
    r.ok("a cache that goes with affine_backward")
    small = [v.astype(np.float32) for v in (x, w, b)]
    out, _ = s.affine_forward(*small)
    compare("out", out, slow.affine(x, w, b), rtol=FLOAT32, atol=1e-5, where="in float32")
    r.keeps_float32("affine_forward", {"out": out})


_AFFINE_CACHE = "(x, w, b) with x in its original shape"


def _affine_way_back(s: Subject, x: Any, w: Any, b: Any, dout: Any) -> WayBack:
    """Return what `affine_backward` must give for these arrays."""
    want = dict(zip(("dx", "dw", "db"), slow.slopes(slow.affine, (x, w, b), dout), strict=True))
    causes: dict[str, dict[str, Any]] = {
        name: {f"{name} is averaged over the batch; it is a sum": value / len(x)}
        for name, value in want.items()
    }
    mixed = slow.slopes(slow.affine, (x.reshape(-1, len(x)).T, w, b), dout)[1]
    causes["dw"]["reshaping x to (D, N) mixes the examples; flatten each, then transpose"] = mixed
    turned = slow.slopes(slow.affine, (x.T.reshape(-1, len(x)).T, w, b), dout)[1]
    causes["dw"]["x.T turns all axes of an image; flatten each example first, then transpose"] = (
        turned
    )
    causes["db"]["this is the slope for one example; multiply with dout and sum"] = np.ones(b.shape)
    causes["db"]["db sums over axis 1; it should sum over axis 0, the examples"] = dout.sum(axis=1)
    fortran = want["dx"].reshape(len(x), -1).reshape(x.shape, order="F")
    laid = want["dx"].reshape(len(x), -1).T.reshape(x.shape)
    causes["dx"]["the product comes out as (D, N); transpose it, reshaping mixes the examples"] = (
        laid
    )
    causes["dx"]["dx must go back to the shape of x in C order"] = fortran
    where = f"for x of shape {x.shape}"
    hints, name = hint_at_gradients(want, "two examples of two numbers"), "affine_backward"
    return WayBack(name, s.affine_backward, dout, want, where, hints=hints, causes=causes)


def check_affine_backward(s: Subject, r: Report) -> None:
    """Hold `affine_backward` against numeric gradients of the definition."""
    for sizes in _AFFINE_SIZES:
        x, w, b, dout = _affine_arguments(*sizes)
        _, cache = r.watch("affine_forward", s.affine_forward, x, w, b)
        check_way_back(
            r,
            _affine_way_back(s, x, w, b, dout),
            cache,
            lambda x=x, w=w, b=b: s.affine_forward(1 - x, -w, b),  # type: ignore[misc]
            ((x, w, b), _AFFINE_CACHE),
        )
    x, w, b, dout = _affine_arguments(*_LARGE)
    _, cache = s.affine_forward(x.copy(), w.copy(), b.copy())
    got = unpack("affine_backward", s.affine_backward(dout.copy(), cache), ("dx", "dw", "db"))
    compare_along(slow.affine, (x, w, b), dout, dict(zip(("dx", "dw", "db"), got, strict=True)))
    x, w, b, dout = _affine_arguments(*_AFFINE_SIZES[-1])
    r.ok("dx, dw and db against numeric gradients, in the shapes of x, w and b, twice in a row")
    small = [v.astype(np.float32) for v in (x, w, b, dout)]
    _, cache = s.affine_forward(*small[:3])
    dx, dw, db = s.affine_backward(small[3], cache)
    r.keeps_float32("affine_backward", {"dx": dx, "dw": dw, "db": db})


def _relu_inputs() -> list[Any]:
    """Return inputs of one to four dimensions with values on both sides of zero."""
    rng = np.random.default_rng(682)
    inputs = [
        rng.standard_normal(shape)
        for shape in ((7,), (4, 5), (1, 6), (70, 3), (2, 3, 4), (2, 2, 3, 2))
    ]
    return [np.where(np.abs(x) < 1e-3, 0.1, x) for x in inputs]  # a step must not cross the kink


def check_relu_forward(s: Subject, r: Report) -> None:
    """Hold `relu_forward` against the definition."""
    for x, earlier in ((x, e) for v in _relu_inputs() for x, e in ((v, ()), (-v, slow.relu(v)))):
        out, _ = unpack(
            "relu_forward", r.watch("relu_forward", s.relu_forward, x), ("out", "cache")
        )
        causes = {KEPT: earlier, **layer_mistakes.relu_forward(x)}
        if out is not None and np.ndim(out) < x.ndim and np.array_equal(out, np.max(x)):
            hint = "; np.maximum compares entry by entry, np.max finds the largest one"
            raise CheckError(f"out has shape {np.shape(out)}, expected {x.shape}{hint}")
        where = f"for x of shape {x.shape}"
        compare("out", out, slow.relu(x), rtol=EXACT, where=where, causes=causes)
    r.ok("values on both sides of zero, for arrays of one to four dimensions")
    out, _ = s.relu_forward(np.array([-1e30, -0.0, 0.0, 1e30]))
    hint = "whatever is positive stays as it is, however large"
    compare("out", out, [0, 0, 0, 1e30], rtol=EXACT, where="for [-1e30, -0, 0, 1e30]", hint=hint)
    out, _ = s.relu_forward(np.array([[-1.5, 2.5]], dtype=np.float32))
    r.keeps_float32("relu_forward", {"out": out})
    r.ok("huge values and zero")
    x = _relu_inputs()[1]
    _, cache = s.relu_forward(x.copy())
    needed = {"x, nor where x was positive": marks(x > 0, lambda part: part > 0)}
    check_cache(r, _relu_way_back(s, x, x + 1), cache, x, "x itself", needed)
    r.ok("a cache that goes with relu_backward")


def _relu_way_back(s: Subject, x: Any, dout: Any) -> WayBack:
    """Return what `relu_backward` must give for these arrays."""
    causes = layer_mistakes.relu_backward(x, dout)
    want = {"dx": slow.slope(slow.relu, x, dout)}
    where = f"for x of shape {x.shape}"
    return WayBack("relu_backward", s.relu_backward, dout, want, where, causes={"dx": causes})


def check_relu_backward(s: Subject, r: Report) -> None:
    """Hold `relu_backward` against numeric gradients of the definition."""
    rng = np.random.default_rng(683)
    for x in _relu_inputs():
        dout = rng.standard_normal(x.shape)
        _, cache = r.watch("relu_forward", s.relu_forward, x)
        way = _relu_way_back(s, x, dout)
        check_way_back(r, way, cache, lambda x=x: s.relu_forward(-x), (x, "x itself"))  # type: ignore[misc]
    r.ok("dx against numeric gradients, for arrays of one to four dimensions, twice in a row")
    _check_relu_at_zero(s, r)


def _check_relu_at_zero(s: Subject, r: Report) -> None:
    """Check that where x is 0, on the kink, the gradient is some part of dout; advise none."""
    dout = np.array([[1, -2]], dtype=np.float32)
    _, cache = s.relu_forward(np.zeros_like(dout))
    dx = s.relu_backward(dout.copy(), cache)
    got = dx if type(dx) is np.ndarray and dx.shape == dout.shape else np.zeros_like(dout)
    is_part = (got * dout >= 0) & (np.abs(got) <= np.abs(dout))
    hint = "the slope of ReLU is 0 on the left of 0 and 1 on the right, and no other on it"
    where = "where x is exactly 0"
    compare("dx", dx, np.where(is_part, got, 0), rtol=EXACT, where=where, hint=hint)
    if np.any(dx != 0):
        r.advise(
            "the gradient at exactly 0 is passed on; the usual convention is to stop it (x > 0)"
        )
    r.keeps_float32("relu_backward", {"dx": dx})

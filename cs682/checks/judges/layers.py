"""Checks of the affine and ReLU layers."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np

from cs682.checks import slow
from cs682.checks.compare import CheckError, compare, require_finite
from cs682.checks.report import BACKWARD_CALLS, KEPT, Report, later_causes, require_float64, unpack
from cs682.checks.subject import Subject

# float64 against a slow sum of at most a few hundred terms: a dozen of the last bits
EXACT = 1e-9
# central differences with h = 1e-5 in float64 are good to about 1e-9 of the largest terms
NUMERIC = 1e-6
NUMERIC_FLOOR = 1e-8
FLOAT32 = 1e-4  # sums of some dozen float32 numbers around 1

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
        no_bias = slow.affine(x, w, 0 * b)
        rows = x.reshape(len(x), -1, order="F")
        causes = {
            "the bias b is not added": no_bias,
            "the bias b is subtracted": no_bias - b,
            "each example must be flattened in C order, as reshape does by default": slow.affine(
                rows, w, b
            ),
            "reshaping to (D, N) mixes the examples; reshape to (N, D)": slow.affine(
                x.reshape(-1, len(x)).T, w, b
            ),
            "the bias is added once for each input value; once is enough": no_bias + len(w) * b,
            KEPT: earlier,
        }
        hint = "out[n, m] is the sum of x[n, d] * w[d, m] over d, plus b[m]"
        where = f"for x of shape {x.shape}"
        earlier = want = slow.affine(x, w, b)
        compare("out", out, want, rtol=EXACT, where=where, hint=hint, causes=causes)
    r.ok("values for examples of one, two and three dimensions, and for a single example")
    x, w, b, _ = _affine_arguments(*_AFFINE_SIZES[1])
    small = [v.astype(np.float32) for v in (x, w, b)]
    out, _ = s.affine_forward(*small)
    compare("out", out, slow.affine(x, w, b), rtol=FLOAT32, atol=1e-5, where="in float32")
    r.keeps_float32("affine_forward", {"out": out})


def check_affine_backward(s: Subject, r: Report) -> None:
    """Hold `affine_backward` against numeric gradients of the definition."""
    for sizes in _AFFINE_SIZES:
        x, w, b, dout = _affine_arguments(*sizes)
        want = slow.slopes(slow.affine, (x, w, b), dout)
        _, cache = r.watch("affine_forward", s.affine_forward, x, w, b)
        for call, factor, why in BACKWARD_CALLS:
            if factor > 1:
                s.affine_forward(1 - x, -w, b)
            result = r.watch("affine_backward", s.affine_backward, factor * dout, cache)
            dx, dw, db = unpack("affine_backward", result, ("dx", "dw", "db"))
            where = f"for x of shape {x.shape}{call}"
            for name, got, value in zip(("dx", "dw", "db"), (dx, dw, db), want, strict=True):
                averaged = {f"{name} is averaged over the batch; it is a sum": value / len(x)}
                causes = averaged if len(x) > 1 else {}
                if name == "dx":
                    rows = value.reshape(len(x), -1)
                    fortran = rows.reshape(x.shape, order="F")
                    causes |= {"dx must go back to the shape of x in C order": fortran}
                compare(
                    name,
                    got,
                    factor * value,
                    rtol=NUMERIC,
                    atol=NUMERIC_FLOOR,
                    where=where,
                    hint=f"the numeric gradient of the layer disagrees with {name}",
                    causes=later_causes(got, value, factor, why) if why else causes,
                )
            require_float64({"dx": dx, "dw": dw, "db": db})
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
        causes = {
            KEPT: earlier,
            "this is the 0/1 mask, not the values": (x > 0).astype(float),
            "this is the absolute value": np.abs(x),
            "negative values pass, positive ones do not": np.minimum(x, 0),
            "negative values pass unchanged; set them to zero": x,
            "negative values leak through; this is leaky ReLU": np.where(x > 0, x, 0.01 * x),
            "large values are clipped; ReLU has no upper end": np.clip(x, 0, 1),
            "negative values come back positive, and positive ones as zero": slow.relu(-x),
            "this is softplus, a smooth relative of ReLU": np.log1p(np.exp(x)),
            "this is the sigmoid function": 1 / (1 + np.exp(-x)),
            "this is tanh": np.tanh(x),
            "the values are squared": slow.relu(x) ** 2,
        }
        if np.isscalar(out) or np.ndim(out) < x.ndim:
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


def check_relu_backward(s: Subject, r: Report) -> None:
    """Hold `relu_backward` against numeric gradients of the definition."""
    rng = np.random.default_rng(683)
    for x in _relu_inputs():
        dout = rng.standard_normal(x.shape)
        want = slow.slope(slow.relu, x, dout)
        _, cache = r.watch("relu_forward", s.relu_forward, x)
        causes = {
            "dout passes everywhere; it must stop where x was not positive": dout,
            "the mask is taken from dout, not from x": dout * (dout > 0),
            "this is the mask; it still has to be multiplied with dout": (x > 0).astype(float),
            "dout is multiplied with the values; the slope of ReLU is 1 where x > 0": dout
            * slow.relu(x),
            "the mask is the wrong way round: the gradient passes where x > 0": dout * (x <= 0),
            "the gradient leaks through where x < 0; ReLU is flat there": np.where(
                x > 0, dout, 0.01 * dout
            ),
            "where x < 0 the slope is 0; here it is -1, as for the absolute value": dout
            * np.sign(x),
            "negative gradients are cut off too; the mask depends on x alone": slow.relu(
                dout * (x > 0)
            ),
        }
        for call, factor, why in BACKWARD_CALLS:
            if factor > 1:
                s.relu_forward(-x)
            dx = r.watch("relu_backward", s.relu_backward, factor * dout, cache)
            if dx is None:
                raise CheckError("relu_backward returned nothing; it should return dx")
            where = f"for x of shape {x.shape}{call}"
            compare(
                "dx",
                dx,
                factor * want,
                rtol=NUMERIC,
                atol=NUMERIC_FLOOR,
                where=where,
                causes=later_causes(dx, want, factor, why) if why else causes,
            )
            require_float64({"dx": dx})
    r.ok("dx against numeric gradients, for arrays of one to four dimensions, twice in a row")
    _, cache = s.relu_forward(np.zeros((1, 2), dtype=np.float32))
    dx = s.relu_backward(np.ones((1, 2), dtype=np.float32), cache)
    if np.any(dx != 0):
        r.advise(
            "the gradient at exactly 0 is passed on; the usual convention is to stop it (x > 0)"
        )
    r.keeps_float32("relu_backward", {"dx": dx})

"""Further checks of the layers without parameters to normalize by."""

from __future__ import annotations

from typing import Any

import numpy as np

from cs682 import layer_utils, layers
from cs682.checks.judges.dropout import require_mask
from cs682.checks.subject import Subject
from staff.grading.judging.secret.hold import (
    copies,
    draw,
    first,
    hold,
    hold_all,
    pair,
    refuse,
    sizes,
)


def _affine(rng: Any, N: int, D: int, dtype: Any) -> tuple[list[Any], str]:
    """Return x, w, b and dout, and words for them; a single example has many axes and outputs."""
    shapes_of_one = [(D,), (2, D // 2), (D // 3, 1, 3)]
    shape = shapes_of_one[int(rng.integers(3))] if N > 1 else (D // 2, 1, 2, 2)
    M = int(rng.integers(*((1, 15) if N > 1 else (201, 300))))
    shapes = ((N, *shape), (int(np.prod(shape)), M), (M,), (N, M))
    return [draw(rng, *s, dtype=dtype) for s in shapes], f"batches of {N}"


def affine_forward(s: Subject, rng: Any) -> None:
    """Hold `affine_forward` against the reference."""
    for N, D, dtype in sizes(rng):
        (x, w, b, _), where = _affine(rng, N, D, dtype)
        want = layers.affine_forward(x, w, b)[0]
        out = first("affine_forward", s.affine_forward(*copies(x, w, b)))
        hold("out", out, want, where, dtype=dtype)


def affine_backward(s: Subject, rng: Any) -> None:
    """Hold `affine_backward` against the reference."""
    _layer_backward(s, rng, "affine", "dx dw db")


def affine_relu(s: Subject, rng: Any) -> None:
    """Hold the given sandwich against the reference."""
    _layer_backward(s, rng, "affine_relu", "dx dw db")


def _layer_backward(s: Subject, rng: Any, name: str, parts: str) -> None:
    """Hold a layer with weights against the reference, with two caches at a time."""
    home = layer_utils if "_" in name else layers
    forward, backward = (getattr(home, f"{name}_{way}") for way in ("forward", "backward"))
    ours, theirs = getattr(s, f"{name}_forward"), getattr(s, f"{name}_backward")
    for N, D, dtype in sizes(rng):
        cases = []
        for _ in range(2):
            (x, w, b, dout), where = _affine(rng, N, D, dtype)
            want = backward(dout, forward(x, w, b)[1])
            cases.append((dout, want, where, pair(name, ours(*copies(x, w, b)))[1]))
        for dout, want, where, cache in cases:
            hold_all(parts, theirs(dout.copy(), cache), want, where, dtype=dtype)


def _relu_input(rng: Any, N: int, D: int, dtype: Any) -> Any:
    """Return an array of one to four dimensions without zeros."""
    shape = [(N * D,), (N, D), (N, 2, D), (N, 2, 2, D)][int(rng.integers(4))]
    x = 3 * draw(rng, *shape, dtype=dtype)
    return np.where(x == 0, dtype(1), x)


def relu_forward(s: Subject, rng: Any) -> None:
    """Hold `relu_forward` against the reference."""
    for N, D, dtype in sizes(rng):
        x = _relu_input(rng, N, D, dtype)
        out = first("relu_forward", s.relu_forward(x.copy()))
        hold("out", out, np.maximum(x, 0), f"arrays of {x.ndim} dimensions", dtype=dtype)


def relu_backward(s: Subject, rng: Any) -> None:
    """Hold `relu_backward` against the reference."""
    for N, D, dtype in sizes(rng):
        x = _relu_input(rng, N, D, dtype)
        dout = draw(rng, *x.shape, dtype=dtype)
        _, cache = pair("relu_forward", s.relu_forward(x.copy()))
        pair("relu_forward", s.relu_forward(-x))
        dx = s.relu_backward(dout.copy(), cache)
        hold("dx", dx, dout * (x > 0), f"arrays of {x.ndim} dimensions", dtype=dtype)


def losses(s: Subject, rng: Any) -> None:
    """Hold both losses against the reference."""
    for N, C, dtype in sizes(rng):
        x, y = 2 * draw(rng, N, C, dtype=dtype), rng.integers(0, C, N)
        for name in ("svm_loss", "softmax_loss"):
            want = getattr(layers, name)(x, y)
            got = getattr(s, name)(x.copy(), y.copy())
            hold_all("loss dx", got, want, f"batches of {N}", dtype=dtype)


def _keep_probability(rng: Any, low: float = 0.2, high: float = 0.9) -> float:
    return round(float(rng.uniform(low, high)), 3)


def dropout_train(s: Subject, rng: Any) -> None:
    """Check what dropout multiplies with: 0 or 1/p, new each time, the same for the same seed."""
    for dtype, *limits in (
        (np.float64, 0.2, 0.9),
        (np.float32, 0.05, 0.2),
        (np.float64, 0.9, 0.98),
    ):
        p, (N, D) = _keep_probability(rng, *limits), (int(n) for n in rng.integers(50, 90, 2))
        shape, kind = ((N, D), "a matrix") if dtype is np.float64 else ((N, 2, 3, D), "4 axes")
        x = (10 + draw(rng, *shape)).astype(dtype)
        param = {"mode": "train", "p": p}
        masks = []
        for seed in (None, None, 7, 7):
            chosen = dict(param) if seed is None else {**param, "seed": seed}
            out = first("dropout_forward", s.dropout_forward(x.copy(), chosen))
            kept: Any = np.asarray(out) != 0 if np.shape(out) == shape else np.ones(shape, bool)
            hold("out", out, np.where(kept, x / p, 0), f"{kind} and p = {p}", dtype=dtype)
            masks.append(kept)
            share = float(np.mean(masks[-1]))
            if not abs(share - p) <= 6 * (p * (1 - p) / x.size) ** 0.5:
                refuse("out", "has too many or too few zeros", f"{kind} and p = {p}")
        if np.array_equal(masks[0], masks[1]) or not np.array_equal(masks[2], masks[3]):
            refuse("out", "has the zeros of another call, or not those of its seed", kind)


def dropout_test(s: Subject, rng: Any) -> None:
    """Check that dropout changes nothing at test time."""
    for (N, D, dtype), inner in zip(sizes(rng), ((), (2,), (2, 3), ()), strict=True):
        param = {"mode": "test", "p": _keep_probability(rng)}
        x = draw(rng, N, *inner, D, dtype=dtype)
        out = first("dropout_forward", s.dropout_forward(x.copy(), param))
        hold("out", out, x, f"batches of {N} in test mode", dtype=dtype)


def dropout_backward(s: Subject, rng: Any) -> None:
    """Check that the gradient takes the way that the values took."""
    for N, D, dtype in sizes(rng):
        cases = []
        for mode in ("train", "test", "train"):
            x, dout = 10 + draw(rng, N, D), draw(rng, N, D)
            x, dout = x.astype(dtype), dout.astype(dtype)
            param: dict[str, Any] = {"mode": mode, "p": _keep_probability(rng)}
            out, cache = pair("dropout_forward", s.dropout_forward(x.copy(), param))
            if type(out) is not np.ndarray or out.shape != x.shape:
                refuse("out", "has the wrong shape", "batches")
            require_mask(out / x, x.shape, param["p"] if mode == "train" else 1.0)
            cases.append((dout, dout * (out / x), cache))
        for dout, want, cache in cases:
            dx = s.dropout_backward(dout.copy(), cache)
            hold("dx", dx, want, f"batches of {N}", dtype=dtype)

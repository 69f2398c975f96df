"""Further checks of the layers of images: convolution, max pooling and their normalizations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from cs682 import layer_utils, layers
from cs682.checks.subject import Subject
from staff.grading.judging.secret.exact import EPS, exact_lines, hold_exact, powers
from staff.grading.judging.secret.hold import (
    copies,
    draw,
    first,
    hold,
    hold_all,
    pair,
)


def _conv_cases(rng: Any) -> Iterator[tuple[Any, ...]]:
    """Yield arrays, options, words and dtype for convolutions of several sizes, the last large."""
    for pad, stride, dtype in (
        (0, 1, np.float64),
        (0, int(rng.integers(2, 4)), np.float64),
        (1, int(rng.integers(1, 4)), np.float64),
        (2, 1, np.float64),
        (int(rng.integers(0, 3)), 2, np.float32),
        (3, int(rng.integers(4, 6)), np.float64),
    ):
        more = 5 if pad > 2 else 0
        HH, WW = (more + int(n) for n in rng.permutation([1, 2, 3, 4, 5])[:2])
        N, C, F = (more + int(n) for n in rng.integers(1, 4, 3))
        # places are so many that images without their zeros have some pixels left
        least = 1 if more else 2 * pad
        H, W = (k + stride * int(rng.integers(least, least + 3)) for k in (HH, WW))
        shapes = ((N, C, H - 2 * pad, W - 2 * pad), (F, C, HH, WW), (F,))
        x, w, b = (draw(rng, *shape, dtype=dtype) for shape in shapes)
        where = f"a stride of {stride} and a pad of {pad}"
        yield x, w, b, {"stride": stride, "pad": pad}, where, dtype


def conv_forward(s: Subject, rng: Any) -> None:
    """Hold `conv_forward_naive` against the reference."""
    for x, w, b, param, where, dtype in _conv_cases(rng):
        want = layers.conv_forward_naive(x, w, b, param)[0]
        out = first("conv_forward_naive", s.conv_forward_naive(*copies(x, w, b), dict(param)))
        hold("out", out, want, where, dtype=dtype)


def conv_backward(s: Subject, rng: Any) -> None:
    """Hold `conv_backward_naive` against the reference, with two caches at a time."""
    cases = []
    for x, w, b, param, where, dtype in _conv_cases(rng):
        out, cache = layers.conv_forward_naive(x, w, b, param)
        dout = draw(rng, *out.shape, dtype=dtype)
        want = layers.conv_backward_naive(dout, cache)
        theirs = s.conv_forward_naive(*copies(x, w, b), dict(param))
        cases.append((dout, want, where, dtype, pair("conv_forward_naive", theirs)[1]))
    for dout, want, where, dtype, cache in cases:
        got = s.conv_backward_naive(dout.copy(), cache)
        hold_all("dx dw db", got, want, where, dtype=dtype)


def conv_scales(s: Subject, rng: Any) -> None:
    """Hold `conv_backward_naive` beside a bias that swallows small changes, on unlike scales."""
    unit = 10.0 ** rng.permutation(np.linspace(-60, 60, 4))
    x = draw(rng, 2, 4, 5, 6) * unit[:, None, None]
    w, b = draw(rng, 3, 4, 3, 2) / unit[:, None, None], 1e9 * rng.uniform(1, 2, 3)
    param = {"stride": 1, "pad": 1}
    out, cache = layers.conv_forward_naive(x, w, b, param)
    dout = draw(rng, *out.shape)
    dx, dw, db = layers.conv_backward_naive(dout, cache)
    theirs = pair("conv_forward_naive", s.conv_forward_naive(*copies(x, w, b), dict(param)))[1]
    got = s.conv_backward_naive(dout.copy(), theirs)
    where = "inputs of very different scales"
    hold_all("dx dw db", got, (dx, dw, db), where)  # shapes, and the largest of each
    hold("dx", got[0] * unit[:, None, None], dx * unit[:, None, None], where)
    hold("dw", got[1] / unit[:, None, None], dw / unit[:, None, None], where)


def _pool_cases(rng: Any) -> Iterator[tuple[Any, ...]]:
    """Yield images without ties, options, words and dtype for pooling, the last time of many."""
    for dtype, more in ((np.float64, 0), (np.float64, 0), (np.float32, 0), (np.float64, 4)):
        height, width = (more + int(n) for n in rng.permutation([1, 2, 3, 4])[:2])
        stride = more + int(rng.integers(1, 4))
        H, W = (k + stride * int(rng.integers(1, 4)) for k in (height, width))
        N, C = (int(n) for n in (rng.permutation([5, 8]) if more else rng.integers(1, 4, 2)))
        x = (rng.permutation(N * C * H * W).reshape(N, C, H, W) - N * C * H * W / 1.5) / 8
        param = {"pool_height": height, "pool_width": width, "stride": stride}
        yield x.astype(dtype), param, f"windows of {height} x {width}, stride {stride}", dtype


def pool_forward(s: Subject, rng: Any) -> None:
    """Hold `max_pool_forward_naive` against the reference."""
    for x, param, where, dtype in _pool_cases(rng):
        want = layers.max_pool_forward_naive(x, param)[0]
        out = first("max_pool_forward_naive", s.max_pool_forward_naive(x.copy(), dict(param)))
        hold("out", out, want, where, dtype=dtype)


def pool_backward(s: Subject, rng: Any) -> None:
    """Hold `max_pool_backward_naive` against the reference, with two caches at a time."""
    cases = []
    for x, param, where, dtype in _pool_cases(rng):
        out, cache = layers.max_pool_forward_naive(x, param)
        dout = draw(rng, *out.shape, dtype=dtype)
        want = layers.max_pool_backward_naive(dout, cache)
        theirs = pair("max_pool_forward_naive", s.max_pool_forward_naive(x.copy(), dict(param)))
        cases.append((dout, want, where, dtype, theirs[1]))
    for dout, want, where, dtype, cache in cases:
        hold("dx", s.max_pool_backward_naive(dout.copy(), cache), want, where, dtype=dtype)


def pool_scales(s: Subject, rng: Any) -> None:
    """Hold `max_pool_backward_naive` on values of very different scales, close to each other."""
    sizes = np.concatenate([10.0 ** np.linspace(-300, 300, 35), [2e-323]])  # halves are no zeros
    x = rng.permutation(np.concatenate([sizes, -sizes])).reshape(1, 2, 6, 6)
    param = {"pool_height": 3, "pool_width": 2, "stride": 1}
    out, cache = layers.max_pool_forward_naive(x, param)
    dout = draw(rng, *out.shape)
    want = layers.max_pool_backward_naive(dout, cache)
    theirs = pair("max_pool_forward_naive", s.max_pool_forward_naive(x.copy(), dict(param)))[1]
    got = s.max_pool_backward_naive(dout.copy(), theirs)
    hold("dx", got, want, "very small and large values")


# --- given code


def fast_layers(s: Subject, rng: Any) -> None:
    """Hold the given fast layers against the naive ones."""
    for x, w, b, param, where, dtype in _conv_cases(rng):
        out, cache = layers.conv_forward_naive(x, w, b, param)
        dout = draw(rng, *out.shape, dtype=dtype)
        got, theirs = pair("conv_forward_fast", s.conv_forward_fast(*copies(x, w, b), dict(param)))
        hold("out", got, out, where, dtype=dtype)
        grads = layers.conv_backward_naive(dout, cache)
        hold_all("dx dw db", s.conv_backward_fast(dout, theirs), grads, where, dtype=dtype)
    for x, param, where, dtype in _pool_cases(rng):
        out, cache = layers.max_pool_forward_naive(x, param)
        dout = draw(rng, *out.shape, dtype=dtype)
        got, theirs = pair("max_pool_forward_fast", s.max_pool_forward_fast(x.copy(), dict(param)))
        hold("out", got, out, where, dtype=dtype)
        want = layers.max_pool_backward_naive(dout, cache)
        hold("dx", s.max_pool_backward_fast(dout, theirs), want, where, dtype=dtype)


def sandwiches(s: Subject, rng: Any) -> None:
    """Hold the given sandwiches of images against the reference's."""
    steps, windows = {"stride": 1, "pad": 1}, {"pool_height": 2, "pool_width": 2, "stride": 2}
    for name, count, options in (
        ("conv_relu", 3, (steps,)),
        ("conv_relu_pool", 3, (steps, windows)),
        ("conv_bn_relu", 5, (steps, {"mode": "train"})),
    ):
        C, F, side = (int(n) for n in rng.integers(1, 4, 3))
        shapes = ((3, C, 2 * side, 4), (F, C, 3, 3), (F,), (F,), (F,))
        values = [draw(rng, *shape) for shape in shapes[:count]]
        forward, backward = (f"{name}_{way}" for way in ("forward", "backward"))
        ours = [dict(o) for o in options]
        out, cache = getattr(layer_utils, forward)(*values, *ours)
        result = getattr(s, forward)(*copies(*values), *(dict(o) for o in options))
        got, theirs = pair(forward, result)
        hold("out", got, out, f"{name} on 3 images")
        dout = draw(rng, *out.shape)
        want = getattr(layer_utils, backward)(dout, cache)
        names = " ".join(("dx", "dw", "db", "dgamma", "dbeta")[:count])
        hold_all(names, getattr(s, backward)(dout, theirs), want, f"{name} on 3 images")


# --- normalizations


def _images(rng: Any, dtype: Any, channels: int, more: int = 0) -> tuple[Any, str]:
    """Return images whose channels have scales and means of their own, and words for them."""
    N, H, W = (more + int(n) for n in rng.integers(2, 7, 3))
    x = draw(rng, N, channels, H, W) * rng.uniform(0.5, 3, channels)[:, None, None]
    x += rng.uniform(-4, 4, channels)[:, None, None] + draw(rng, N, 1, 1, 1) + draw(rng, 1, 1, H, W)
    return x.astype(dtype), f"{N} images of {channels} channels"


def _eps(rng: Any) -> float:
    return float(rng.choice([1e-5, 1e-3, 0.3]))


def _scale_and_shift(rng: Any, shape: tuple[int, ...], dtype: Any) -> list[Any]:
    return [rng.uniform(0.5, 2, shape).astype(dtype), draw(rng, *shape, dtype=dtype)]


_DTYPES = (np.float64, np.float64, np.float32)


def spatial_batchnorm_forward(s: Subject, rng: Any) -> None:
    """Hold spatial batch norm and its running statistics against the reference, in both modes."""
    name = "spatial_batchnorm_forward"
    for dtype, more in zip(_DTYPES, (0, 32, 0), strict=True):
        C = more + int(rng.integers(2, 6))
        options = {"mode": "train", "eps": _eps(rng), "momentum": float(rng.uniform(0.5, 0.95))}
        theirs, ours = dict(options), dict(options)
        for mode in ("train", "train", "test"):
            theirs["mode"] = ours["mode"] = mode
            (x, where), values = _images(rng, dtype, C), _scale_and_shift(rng, (C,), dtype)
            gamma, beta = values
            want = layers.spatial_batchnorm_forward(x, gamma, beta, ours)[0]
            out = first(name, s.spatial_batchnorm_forward(*copies(x, *values), theirs))
            hold("out", out, want, f"{where}, {mode} mode", dtype=dtype)
            for key in ("running_mean", "running_var"):
                hold(key, theirs.get(key), ours[key], f"{where}, {mode} mode", dtype=dtype)


def spatial_batchnorm_backward(s: Subject, rng: Any) -> None:
    """Hold the way back through spatial batch norm against the reference."""
    _norm_backward(s, rng, "spatial_batchnorm", lambda C: (C,), lambda _: ())


def groupnorm_forward(s: Subject, rng: Any) -> None:
    """Hold group norm against the reference."""
    for dtype, more in zip(_DTYPES, (0, 3, 0), strict=True):
        G, size = more + int(rng.integers(1, 4)), int(rng.integers(1, 4))
        (x, where), param = _images(rng, dtype, G * size, 2 * more), {"eps": _eps(rng)}
        gamma, beta = _scale_and_shift(rng, (1, G * size, 1, 1), dtype)
        want = layers.spatial_groupnorm_forward(x, gamma, beta, G, dict(param))[0]
        result = s.spatial_groupnorm_forward(*copies(x, gamma, beta), G, param)
        out = first("spatial_groupnorm_forward", result)
        hold("out", out, want, f"{where} in {G} groups", dtype=dtype)


def groupnorm_backward(s: Subject, rng: Any) -> None:
    """Hold the way back through group norm against the reference."""
    _norm_backward(s, rng, "spatial_groupnorm", lambda C: (1, C, 1, 1), lambda C: (C // 2,))


def _norm_backward(
    s: Subject,
    rng: Any,
    name: str,
    shape: Callable[[int], tuple[int, ...]],
    groups: Callable[[int], tuple[int, ...]],
) -> None:
    """Hold a way back against the reference, with all caches at a time."""
    cases = []
    for dtype, pairs in zip(_DTYPES, (0, 3, 0), strict=True):
        C = 2 * (pairs + int(rng.integers(1, 4)))
        (x, where), more = _images(rng, dtype, C), _scale_and_shift(rng, shape(C), dtype)
        dout, param = draw(rng, *x.shape, dtype=dtype), {"mode": "train", "eps": _eps(rng)}
        cache = getattr(layers, f"{name}_forward")(x, *more, *groups(C), dict(param))[1]
        want = getattr(layers, f"{name}_backward")(dout, cache)
        result = getattr(s, f"{name}_forward")(*copies(x, *more), *groups(C), param)
        cases.append((dout, want, where, dtype, pair(f"{name}_forward", result)[1]))
    for dout, want, where, dtype, cache in cases:
        got = getattr(s, f"{name}_backward")(dout.copy(), cache)
        hold_all("dx dgamma dbeta", got, want, where, dtype=dtype)


def norm_digits(name: str) -> Callable[[Subject, Any], None]:
    """Return the check of a way back where each value is exact."""
    is_group = name == "spatial_groupnorm"

    def place(lines: Any) -> Any:
        """Return lines as images: a line is a group of an image, or a channel of all images."""
        return lines.reshape(6, 8, 4, 4) if is_group else lines.reshape(12, 4, 4, 4).swapaxes(0, 1)

    def check(s: Subject, rng: Any) -> None:
        x_hat, dx_hat, dx = (place(lines) for lines in exact_lines(rng, 12))
        C = x_hat.shape[1]
        gamma = powers(rng, *((1, C, 1, 1) if is_group else (C,)))
        dout = dx_hat / gamma.reshape(C, 1, 1)
        more, param = ((2,) if is_group else ()), {"mode": "train", "eps": EPS}
        values = copies(x_hat + int(rng.integers(-4, 5)), gamma, np.zeros_like(gamma))
        result = getattr(s, f"{name}_forward")(*values, *more, param)
        got = getattr(s, f"{name}_backward")(dout.copy(), pair(f"{name}_forward", result)[1])
        sums = [v.sum(axis=(0, 2, 3)).reshape(gamma.shape) for v in (dout * x_hat, dout)]
        hold_exact(got, (dx, *sums))

    return check

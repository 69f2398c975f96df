"""Checks of the normalizations of images: batch norm of each channel, and group norm."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from cs682.checks import slow
from cs682.checks.compare import EXACT, FLOAT32, CheckError, compare, with_more
from cs682.checks.judges.norms import FAR, NEAR, SUMS, advise_far, say_bare
from cs682.checks.judges.pairs import WayBack, check_way_back, is_none
from cs682.checks.judges.paths import say_paths
from cs682.checks.mistakes import group_norm as group_mistakes
from cs682.checks.mistakes import norms as norm_mistakes
from cs682.checks.mistakes import spatial_norms as mistakes
from cs682.checks.report import KEPT, Report, unpack
from cs682.checks.subject import Subject

_SIZES = ((2, 3, 4, 2), (3, 2, 1, 3), (1, 4, 3, 2))  # N, C, H, W
_GROUPS = (((4, 6, 2, 3), 2), ((3, 6, 1, 2), 3), ((1, 4, 3, 2), 1), ((2, 3, 3, 2), 3))  # and G
_EPS = (1e-5, 0.5)  # with the usual 1e-5 alone nobody could see where eps was put
_PARTS = ("dx", "dgamma", "dbeta")


def _draw(shape: tuple[int, ...], per_channel: tuple[int, ...], seed: int = 231) -> Any:
    """Return x, gamma, beta and dout; images, channels and pixels have means of their own."""
    rng = np.random.default_rng(seed)
    N, C, H, W = shape
    x = rng.standard_normal(shape) * np.linspace(0.5, 3, C)[:, None, None]
    x += np.linspace(-4, 6, C)[:, None, None] + np.linspace(0, 3, N)[:, None, None, None]
    x += np.linspace(0, 2, H)[:, None] + np.linspace(0, 1, W) ** 2
    gamma, beta = rng.uniform(0.5, 2, per_channel), rng.standard_normal(per_channel)
    return x, gamma, beta, rng.standard_normal(shape)


def _options(options: dict[str, Any], eps: float) -> dict[str, Any]:
    """Return a fresh dict; the usual eps is left to the default."""
    return dict(options) if eps == _EPS[0] else {**options, "eps": eps}


# --- batch norm


def check_spatial_batchnorm_forward(s: Subject, r: Report) -> None:
    """Hold `spatial_batchnorm_forward` and its running statistics against the definition."""
    below = _draw((4, 3, 1, 1), (3,))  # asked for each time, or a release would not hold it
    rows = slow.spatial_batchnorm(*below[:3])
    try:
        _check_batchnorm_values(s, r)
        _check_running(s)
        _check_test_mode(s)
    except CheckError as error:
        blamed = _blame_batchnorm(s, str(error), below, rows)
        raise CheckError(with_more(str(error), blamed)) from None
    r.ok("running statistics of each channel, and test mode with them")
    x, gamma, beta, _ = (v.astype(np.float32) for v in _draw(_SIZES[0], (3,)))
    out, _ = s.spatial_batchnorm_forward(x, gamma, beta, {"mode": "train"})
    r.keeps_float32("spatial_batchnorm_forward", {"out": out})
    pixels, ones = NEAR[:, :, None, None], np.ones(2)
    far, _ = s.spatial_batchnorm_forward(pixels + FAR, ones, 0 * ones, {"mode": "train"})
    near = slow.spatial_batchnorm(pixels, ones, 0 * ones)
    advise_far(r, "spatial_batchnorm_forward", far, near)


def _check_batchnorm_values(s: Subject, r: Report) -> None:
    name = "spatial_batchnorm_forward"
    earlier: Any = ()
    for shape, (seed, eps) in product(_SIZES, enumerate(_EPS, 231)):  # no two calls with one x
        x, gamma, beta, _ = _draw(shape, shape[1:2], seed)
        want = slow.spatial_batchnorm(x, gamma, beta, eps)
        param = _options({"mode": "train"}, eps)
        result = r.watch(name, s.spatial_batchnorm_forward, x, gamma, beta, param)
        out, cache = unpack(name, result, ("out", "cache"))
        causes = {KEPT: earlier, **mistakes.batchnorm_forward(x, gamma, beta, eps)}
        earlier = want
        where = f"for x of shape {shape} and eps = {eps}"
        hint = _say_channels(out, want, (gamma, beta))
        compare("out", out, want, rtol=EXACT, atol=1e-12, where=where, hint=hint, causes=causes)
    if is_none(cache):
        raise CheckError(f"the cache of {name} is None in training: the way back needs one")
    r.ok("values: each channel over all images and pixels, for several sizes and eps")


def _say_channels(out: Any, want: Any, scale: tuple[Any, Any]) -> str:
    """Say which channel's mean or variance is wrong."""
    each = tuple(v[:, None, None] for v in scale)

    def lay(v: Any) -> Any:
        return v.swapaxes(0, 1).reshape(want.shape[1], -1)

    return say_bare(out, want, each, lay, "channel {}".format)


def _check_running(s: Subject) -> None:
    """Follow the running statistics over two training steps."""
    param: dict[str, Any] = {"mode": "train", "momentum": 0.7}
    running: dict[str, Any] = {"running_mean": np.zeros(3), "running_var": np.zeros(3)}
    for step in (1, 2):
        x, gamma, beta, _ = _draw(_SIZES[0], (3,), step)
        moments = [slow.mean_and_variance([float(v) for v in x[:, c].flat]) for c in range(3)]
        batch = dict(zip(running, np.array(moments).T, strict=True))
        s.spatial_batchnorm_forward(x, gamma, beta, param)
        before = dict(running)
        for name, old in before.items():
            if param.get(name) is None:
                raise CheckError(
                    f"bn_param[{name!r}] is missing after a training step: hand bn_param itself on"
                )
            causes = norm_mistakes.running(name, before, batch, 0.7, x[:, 0].size)
            causes |= mistakes.running_of_one(batch[name], 0.7)
            running[name] = slow.running_average(old, batch[name], 0.7)
            where = f"after step {step} with momentum 0.7"
            compare(name, param[name], running[name], rtol=EXACT, where=where, causes=causes)


def _check_test_mode(s: Subject) -> None:
    """Check that the running statistics are used in test mode."""
    x, gamma, beta, _ = _draw(_SIZES[0], (3,))
    mean, var = np.linspace(-2, 3, 3), np.linspace(0.3, 4, 3)
    param = {"mode": "test", "running_mean": mean.copy(), "running_var": var.copy()}
    out, _ = unpack(
        "spatial_batchnorm_forward",
        s.spatial_batchnorm_forward(x.copy(), gamma, beta, param),
        ("out", "cache"),
    )
    rows = mistakes.pixels(x)
    want = slow.standardize(rows, gamma, beta, 1e-5, mean, var)
    known = norm_mistakes.test_mode(rows, gamma, beta, 1e-5, mean, var)
    causes = {said: mistakes.as_images(v, x.shape) for said, v in known.items()}
    want = mistakes.as_images(want, x.shape)
    compare("out", out, want, rtol=EXACT, atol=1e-12, where="in test mode", causes=causes)


def _blame_batchnorm(s: Subject, said: str, below: Any, want: Any) -> str:
    """Say that `batchnorm_forward`, which most answers call, is not right itself."""
    if "Likely cause" in said:
        return ""
    x, gamma, beta, _ = below
    try:
        out, _ = s.batchnorm_forward(x[:, :, 0, 0], gamma, beta, {"mode": "train"})
        compare("out", out, want[:, :, 0, 0], rtol=EXACT, atol=1e-12)
    except Exception:  # the student's own: it is not what is asked here
        return "batchnorm_forward is not right either: mend exercise bn-1.1 first."
    return ""


def check_spatial_batchnorm_backward(s: Subject, r: Report) -> None:
    """Hold `spatial_batchnorm_backward` against numeric gradients of the definition."""
    forward = s.spatial_batchnorm_forward
    for shape, eps in product(_SIZES, _EPS):
        x, gamma, beta, dout = _draw(shape, shape[1:2])
        param = _options({"mode": "train"}, eps)
        _, cache = r.watch("spatial_batchnorm_forward", forward, x, gamma, beta, dict(param))
        want = slow.slopes(slow.spatial_batchnorm, (x, gamma, beta), dout, eps=eps)
        places, *line = mistakes.pixel_paths(x, gamma, dout, eps)
        order = places.astype(int)

        def said(got: Any, want: Any = want[0], order: Any = order, line: Any = line) -> str:
            if type(got) is not np.ndarray or got.shape != want.shape:
                return ""
            ways, centred, spread = line
            return say_paths(
                got.ravel()[order], want.ravel()[order], ways, centred, spread, 0, "channel"
            )

        def disturb(x: Any = x, g: Any = gamma, b: Any = beta, param: Any = param) -> None:
            forward(1 - x[::-1], g + 1, b, dict(param))

        way = WayBack(
            "spatial_batchnorm_backward",
            s.spatial_batchnorm_backward,
            dout,
            dict(zip(_PARTS, want, strict=True)),
            f"for x of shape {shape} and eps = {eps}",
            hints={"dx": said},
            causes=mistakes.batchnorm_backward(x, gamma, dout, eps, want),
            first=SUMS,
        )
        check_way_back(r, way, cache, disturb)
    r.ok("dx, dgamma and dbeta against numeric gradients, small and large eps, twice in a row")
    small = [v.astype(np.float32) for v in _draw(_SIZES[0], (3,))]
    _, cache = forward(*small[:3], {"mode": "train"})
    got = s.spatial_batchnorm_backward(small[3], cache)
    r.keeps_float32("spatial_batchnorm_backward", dict(zip(_PARTS, got, strict=True)))


# --- group norm


def check_groupnorm_forward(s: Subject, r: Report) -> None:
    """Hold `spatial_groupnorm_forward` against the definition."""
    name = "spatial_groupnorm_forward"
    earlier: Any = ()
    for (shape, G), (seed, eps) in product(_GROUPS, enumerate(_EPS, 231)):
        x, gamma, beta, _ = _draw(shape, (1, shape[1], 1, 1), seed)
        want = slow.groupnorm(x, gamma, beta, G, eps)
        param = _options({}, eps)
        result = r.watch(name, s.spatial_groupnorm_forward, x, gamma, beta, G, param)
        out, cache = unpack(name, result, ("out", "cache"))
        causes = {KEPT: earlier, **group_mistakes.forward(x, gamma, beta, G, eps)}
        earlier = want
        where = f"for x of shape {shape}, G = {G} and eps = {eps}"
        hint = _say_groups(out, want, (gamma, beta), G)
        compare("out", out, want, rtol=EXACT, atol=1e-12, where=where, hint=hint, causes=causes)
    if is_none(cache):
        raise CheckError(f"the cache of {name} is None: the way back needs one")
    r.ok("values: each group of each image, for several sizes, numbers of groups and eps")
    shape, G = _GROUPS[0]
    x, gamma, beta, _ = _draw(shape, (1, shape[1], 1, 1))
    gn_param: dict[str, Any] = {}
    one, _ = s.spatial_groupnorm_forward(x[:1].copy(), gamma, beta, G, gn_param)
    if any("running" in key for key in gn_param):
        r.advise(f"{name} stores running statistics in gn_param; group norm has none")
    want = slow.groupnorm(x[:1], gamma, beta, G)
    compare("out", one, want, rtol=EXACT, atol=1e-12, where="for the first image alone")
    r.ok("an image's result does not depend on the others in the batch")
    small = [v.astype(np.float32) for v in (x, gamma, beta)]
    out, _ = s.spatial_groupnorm_forward(*small, G, {})
    want = slow.groupnorm(x, gamma, beta, G)
    compare("out", out, want, rtol=FLOAT32, atol=1e-4, where="in float32")
    r.keeps_float32(name, {"out": out})
    channels, ones = NEAR.T[None, :, None], np.ones((1, 2, 1, 1))
    far, _ = s.spatial_groupnorm_forward(channels + FAR, ones, 0 * ones, 2, {})
    advise_far(r, name, far, slow.groupnorm(channels, ones, 0 * ones, 2))


def _say_groups(out: Any, want: Any, scale: tuple[Any, Any], G: int) -> str:
    """Say which group's mean or variance is wrong."""

    def name(i: int) -> str:
        return f"group {i % G} of image {i // G}"

    return say_bare(out, want, scale, lambda v: v.reshape(len(want) * G, -1), name)


def check_groupnorm_backward(s: Subject, r: Report) -> None:
    """Hold `spatial_groupnorm_backward` against numeric gradients of the definition."""
    forward = s.spatial_groupnorm_forward
    for (shape, G), eps in product(_GROUPS, _EPS):
        x, gamma, beta, dout = _draw(shape, (1, shape[1], 1, 1))
        param = _options({}, eps)
        arguments = (x, gamma, beta, G, dict(param))
        _, cache = r.watch("spatial_groupnorm_forward", forward, *arguments)
        want = slow.slopes(slow.groupnorm, (x, gamma, beta), dout, G=G, eps=eps)
        line = group_mistakes.paths(x, gamma, dout, G, eps)

        def said(got: Any, want: Any = want[0], line: Any = line) -> str:
            if type(got) is not np.ndarray or got.shape != want.shape:
                return ""
            ways, centred, spread = line
            flat = centred.shape
            return say_paths(
                got.reshape(flat), want.reshape(flat), ways, centred, spread, 1, "group"
            )

        def disturb(a: Any = arguments) -> None:
            forward(1 - a[0][::-1], a[1] + 1, a[2], a[3], dict(a[4]))

        way = WayBack(
            "spatial_groupnorm_backward",
            s.spatial_groupnorm_backward,
            dout,
            dict(zip(_PARTS, want, strict=True)),
            f"for x of shape {shape}, G = {G} and eps = {eps}",
            hints={"dx": said},
            causes=group_mistakes.backward(x, gamma, dout, G, eps, want),
            first=SUMS,
        )
        check_way_back(r, way, cache, disturb)
    r.ok("dx, dgamma and dbeta against numeric gradients, several numbers of groups and eps")
    shape, G = _GROUPS[0]
    small = [v.astype(np.float32) for v in _draw(shape, (1, shape[1], 1, 1))]
    _, cache = forward(*small[:3], G, {})
    got = s.spatial_groupnorm_backward(small[3], cache)
    r.keeps_float32("spatial_groupnorm_backward", dict(zip(_PARTS, got, strict=True)))

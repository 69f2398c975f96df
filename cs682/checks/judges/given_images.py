"""Checks of given code for images: the fast layers, and the sandwiches that are made of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cs682.checks import slow
from cs682.checks.compare import EXACT, compare
from cs682.checks.judges.convolution import (
    CONVOLUTIONS,
    GRADIENTS,
    POOLS,
    Case,
    conv_arguments,
    conv_param,
    pool_arguments,
    pool_param,
)
from cs682.checks.judges.pairs import WayBack, check_way_back
from cs682.checks.report import Report, unpack
from cs682.checks.subject import Subject

_STEPS = {"stride": 1, "pad": 1}
_WINDOWS = {"pool_height": 2, "pool_width": 2, "stride": 2}
_HINT = "this is given code: take it from a fresh copy of the assignment"


def check_fast_layers(s: Subject, r: Report) -> None:
    """Hold the four fast layers against the definitions and their slopes."""
    for case in CONVOLUTIONS:
        _check_fast_conv(s, r, case)
    r.ok("convolution and its gradients, for pads of 0, 1 and 2 and strides up to 3")
    for case in POOLS:
        _check_fast_pool(s, r, case)
    r.ok("max pooling and its gradient, for windows that tile, overlap or leave gaps")


def _check_fast_conv(s: Subject, r: Report, case: Case) -> None:
    x, w, b, dout = conv_arguments(case)
    options = {"stride": case.stride, "pad": case.pad}
    result = r.watch("conv_forward_fast", s.conv_forward_fast, x, w, b, conv_param(case))
    out, cache = unpack("conv_forward_fast", result, ("out", "cache"))
    want = slow.conv(x, w, b, case.stride, case.pad)
    compare("out", out, want, rtol=EXACT, atol=1e-12, where=case.where, hint=_HINT)
    slopes = slow.slopes(slow.conv, (x, w, b), dout, **options)
    way = WayBack(
        "conv_backward_fast",
        s.conv_backward_fast,
        dout,
        dict(zip(GRADIENTS, slopes, strict=True)),
        case.where,
        hints=dict.fromkeys(GRADIENTS, _HINT),
    )
    check_way_back(r, way, cache, lambda: s.conv_forward_fast(1 - x, -w, b, conv_param(case)))


def _check_fast_pool(s: Subject, r: Report, case: Case) -> None:
    x, dout = pool_arguments(case)
    result = r.watch("max_pool_forward_fast", s.max_pool_forward_fast, x, pool_param(case))
    out, cache = unpack("max_pool_forward_fast", result, ("out", "cache"))
    want = slow.max_pool(x, *case.window, case.stride)
    compare("out", out, want, rtol=EXACT, where=case.where, hint=_HINT)
    options = {"height": case.window[0], "width": case.window[1], "stride": case.stride}
    slopes = slow.slopes(slow.max_pool, (x,), dout, **options)
    way = WayBack(
        "max_pool_backward_fast",
        s.max_pool_backward_fast,
        dout,
        {"dx": slopes[0]},
        case.where,
        hints={"dx": _HINT},
    )
    check_way_back(r, way, cache, lambda: s.max_pool_forward_fast(1 - x, pool_param(case)))


def _conv_relu(x: Any, w: Any, b: Any) -> Any:
    return slow.relu(slow.conv(x, w, b, 1, 1))


def _conv_relu_pool(x: Any, w: Any, b: Any) -> Any:
    return slow.max_pool(_conv_relu(x, w, b), 2, 2, 2)


def _conv_bn_relu(x: Any, w: Any, b: Any, gamma: Any, beta: Any) -> Any:
    return slow.relu(slow.spatial_batchnorm(slow.conv(x, w, b, 1, 1), gamma, beta))


def check_conv_sandwiches(s: Subject, r: Report) -> None:
    """Hold the sandwiches of convolution, ReLU and pooling against the definitions."""
    _check_sandwich(s, r, "conv_relu", _conv_relu, 3, lambda: (dict(_STEPS),))
    _check_sandwich(
        s, r, "conv_relu_pool", _conv_relu_pool, 3, lambda: (dict(_STEPS), dict(_WINDOWS))
    )
    r.ok("convolution, ReLU and pooling: values, and gradients against numeric ones")
    try:
        s.spatial_batchnorm_forward(
            np.ones((2, 1, 2, 2)), np.ones(1), np.zeros(1), {"mode": "train"}
        )
    except NotImplementedError:
        return  # an exercise that comes later
    modes = (lambda: (dict(_STEPS), {"mode": "train"}),)
    _check_sandwich(s, r, "conv_bn_relu", _conv_bn_relu, 5, *modes)
    r.ok("convolution, batch norm and ReLU: values, and gradients against numeric ones")


def _check_sandwich(
    s: Subject,
    r: Report,
    name: str,
    definition: Callable[..., Any],
    count: int,
    options: Callable[[], tuple[dict[str, Any], ...]],
) -> None:
    """Hold a sandwich, of so many arrays, against its definition and its slopes."""
    rng = np.random.default_rng(682)
    shapes = ((2, 1, 4, 4), (2, 1, 3, 3), (2,), (2,), (2,))
    values = [rng.standard_normal(shape) for shape in shapes[:count]]
    forward, backward = (getattr(s, f"{name}_{way}") for way in ("forward", "backward"))
    result = r.watch(f"{name}_forward", forward, *values, *options())
    out, cache = unpack(f"{name}_forward", result, ("out", "cache"))
    want = definition(*values)
    compare("out", out, want, rtol=EXACT, atol=1e-9, where=f"from {name}_forward", hint=_HINT)
    dout = rng.standard_normal(want.shape)
    names = ("dx", "dw", "db", "dgamma", "dbeta")[:count]
    slopes = dict(zip(names, slow.slopes(definition, values, dout), strict=True))
    hints = dict.fromkeys(names, f"the way back is the layers of {name} in turn; {_HINT}")
    way = WayBack(f"{name}_backward", backward, dout, slopes, hints=hints)
    check_way_back(r, way, cache, lambda: forward(*(1 - v for v in values), *options()))

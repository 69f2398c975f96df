"""Checks of convolution and max pooling, from the plainest case to the odd ones.

Each case differs in one thing from those before it. So when an answer fails, or raises, it is known
what is new there and that all else was right: half of all answers are wrong in one of these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from cs682.checks import slow
from cs682.checks.compare import (
    EXACT,
    FLOAT32,
    CheckError,
    as_sentence,
    compare,
    require_finite,
    with_more,
)
from cs682.checks.judges.caches import holds
from cs682.checks.judges.pairs import WayBack, check_cache, check_way_back, hint_at_gradients
from cs682.checks.mistakes import convolution as conv_mistakes
from cs682.checks.mistakes import pooling as pool_mistakes
from cs682.checks.patterns import say_right_part
from cs682.checks.report import KEPT, Report, unpack
from cs682.checks.subject import Subject

_CONV_CACHE = "(x, w, b, conv_param)"
_POOL_CACHE = "(x, pool_param)"
GRADIENTS = ("dx", "dw", "db")
_SMALL = "one image of one channel with one window"
_IMAGES = {0: "image", 1: "channel"}  # what the first axes count
_OUT = {0: "image", 1: "filter"}
_AXES = {"dx": _IMAGES, "dw": {0: "filter", 1: "channel"}, "db": {0: "filter"}}


@dataclass(frozen=True)
class Case:
    """Sizes of images and windows.

    Attributes
    ----------
    new : str, what no case before it had; empty for the first
    advice : str, what is true of it, if anything is: why only this one fails is not known
    x : tuple of int (N, C, H, W)
    window : tuple of int, its rows and columns
    stride, pad : int; the pad is -1 for pooling, which has none
    filters : int
    """

    new: str
    advice: str
    x: tuple[int, int, int, int]
    window: tuple[int, int]
    stride: int = 1
    pad: int = 0
    filters: int = 3

    @property
    def where(self) -> str:
        """Return the sizes in words."""
        N, C, H, W = self.x
        steps = f"stride {self.stride}" + f", pad {self.pad}" * (self.pad >= 0)
        return f"for x of shape ({N}, {C}, {H}, {W}), windows of {_by(self.window)}, {steps}"


def _by(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]}"


_ONE = "a size of 1 is a size too"
_SIDES = "which of H and W, of HH and WW, of i and j goes with rows and which with columns?"
CONVOLUTIONS = (  # images are larger than windows, and no size is 1, until this is what is new
    Case("", "", (2, 2, 4, 4), (3, 3), pad=1, filters=5),
    Case("a pad of 0", "", (2, 2, 4, 4), (3, 3), filters=3),
    Case("a pad of 2", "", (2, 2, 4, 4), (3, 3), 1, 2, 2),
    Case("a stride of 2", "", (2, 2, 5, 5), (3, 3), 2, 1, 2),
    Case("a stride of 3", "", (2, 2, 5, 5), (3, 3), 3, 2, 2),
    Case("that images are not square", _SIDES, (2, 2, 4, 5), (3, 3), 1, 1, 2),
    Case("that filters are not square", _SIDES, (2, 2, 4, 5), (2, 3), 2, 1, 2),
    Case("filters that are higher than wide", _SIDES, (2, 2, 5, 3), (4, 2), 1, 1, 2),
    Case("one image, one channel, one filter", _ONE, (1, 1, 4, 3), (2, 2), 1, 0, 1),
    Case("filters as large as the images", "there is one place", (2, 2, 3, 4), (3, 4), 1, 0, 2),
)
_STEP = "the window and the stride are two things: pool_height, pool_width and stride"
POOLS = (
    Case("", "", (2, 3, 4, 4), (2, 2), 2, -1),
    Case("that windows overlap", _STEP, (2, 2, 5, 5), (3, 3), 1, -1),
    Case("a stride of 2 with windows of 3 x 3", _STEP, (2, 2, 7, 7), (3, 3), 2, -1),
    Case("a stride larger than the windows", _STEP, (2, 2, 5, 5), (2, 2), 3, -1),
    Case("that images are not square", _SIDES, (2, 2, 4, 6), (2, 2), 2, -1),
    Case("that windows are not square", _SIDES, (2, 2, 5, 6), (3, 2), 2, -1),
    Case("windows that are wider than high", _SIDES, (2, 2, 4, 7), (2, 3), 1, -1),
    Case("one image of one channel", _ONE, (1, 1, 4, 3), (2, 2), 1, -1),
)


@contextmanager
def when_new(new: str, advice: str) -> Iterator[None]:
    """Say of whatever goes wrong that this was new, unless a cause is known.

    Parameters
    ----------
    new : str, what no case before had; empty: nothing is said
    advice : str, what is true of it; may be empty

    Raises
    ------
    CheckError
        As it came, with a hint.
    """
    hint = as_sentence(
        f"Hint: all was right before; new here is {new}" + f": {advice}" * bool(advice)
    )
    try:
        yield
    except CheckError as error:
        if not new or "Likely cause" in str(error):
            raise
        raise CheckError(with_more(str(error).partition(" Hint: ")[0], hint)) from None
    except NotImplementedError:
        raise
    except Exception as error:
        if new:
            setattr(error, "likely" if advice else "new", hint)  # read where it is told
        raise


def conv_arguments(case: Case, seed: int = 682) -> tuple[Any, ...]:
    """Return x, w, b and dout of these sizes, float64."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(case.x)
    w = rng.standard_normal((case.filters, case.x[1], *case.window))
    b = rng.standard_normal(case.filters) + 2
    return x, w, b, rng.standard_normal(slow.conv(x, w, b, case.stride, case.pad).shape)


def conv_param(case: Case) -> dict[str, int]:
    """Return the options of a convolution, in a new dict."""
    return {"stride": case.stride, "pad": case.pad}


def _left(causes: dict[str, Any], want: Any, absent: set[str]) -> dict[str, Any]:
    """Return the causes that are not `absent`, as those are that would have shown in earlier cases.

    Those that will show in this one are added to `absent`: it ends the check unless it is right.
    """
    left = {said: value for said, value in causes.items() if said not in absent}
    for said, value in left.items():
        if value.shape != want.shape or not np.allclose(value, want):
            absent.add(said)
    return left


def check_conv_forward(s: Subject, r: Report) -> None:
    """Hold `conv_forward_naive` against the definition."""
    name = "conv_forward_naive"
    earlier: Any = ()
    absent: set[str] = set()
    for case, seed in ((c, seed) for c in CONVOLUTIONS for seed in (682, 683)[: 1 + (not c.new)]):
        x, w, b, _ = conv_arguments(case, seed)
        want = slow.conv(x, w, b, case.stride, case.pad)
        known = conv_mistakes.forward(x, w, b, case.stride, case.pad)
        causes = {KEPT: earlier, **_left(known, want, absent)}
        earlier = want
        with when_new(case.new, case.advice):
            result = r.watch(name, s.conv_forward_naive, x, w, b, conv_param(case))
            out, _ = unpack(name, result, ("out", "cache"))
            said = say_right_part(out, want, _OUT)
            compare(
                "out", out, want, rtol=EXACT, atol=1e-12, where=case.where, hint=said, causes=causes
            )
    r.ok("values for pads of 0, 1 and 2, strides of 1, 2 and 3, and sides of any length")
    case = CONVOLUTIONS[0]
    x, w, b, dout = conv_arguments(case)
    param = conv_param(case)
    _, cache = s.conv_forward_naive(x.copy(), w.copy(), b.copy(), param)
    needed = {"the pixels of x": _holds_pixels(x), "w": holds(w)}
    way = _conv_way_back(s, case, x, w, b, dout)
    check_cache(r, way, cache, (x, w, b, conv_param(case)), _CONV_CACHE, needed)
    r.ok("a cache that goes with conv_backward_naive")
    small = [v.astype(np.float32) for v in (x, w, b)]
    out, _ = s.conv_forward_naive(*small, conv_param(case))
    want = slow.conv(x, w, b, case.stride, case.pad)
    compare("out", out, want, rtol=FLOAT32, atol=1e-5, where="in float32")
    r.keeps_float32(name, {"out": out})


def _hints(want: dict[str, Any]) -> dict[str, Callable[[Any], str]]:
    """Return hints that say of a gradient where alone it is right, if it is right anywhere."""
    plain = hint_at_gradients(want, _SMALL)

    def hint_at(name: str) -> Callable[[Any], str]:
        return lambda got: say_right_part(got, want[name], _AXES[name]) or plain[name]

    return {name: hint_at(name) for name in want}


def _holds_pixels(x: Any) -> Callable[[list[Any]], bool]:
    """Return a test whether an array of a cache has all pixels of x, among zeros, say."""

    def test(parts: list[Any]) -> bool:
        return any(isinstance(p, np.ndarray) and bool(np.isin(x, p).all()) for p in parts)

    return test


def _conv_way_back(s: Subject, case: Case, x: Any, w: Any, b: Any, dout: Any) -> WayBack:
    """Return what `conv_backward_naive` must give for these arrays."""
    options = {"stride": case.stride, "pad": case.pad}
    want = slow.slopes(slow.conv, (x, w, b), dout, **options)
    return WayBack(
        "conv_backward_naive",
        s.conv_backward_naive,
        dout,
        dict(zip(GRADIENTS, want, strict=True)),
        case.where,
        hints=_hints(dict(zip(GRADIENTS, want, strict=True))),
        causes=conv_mistakes.backward(x, w, b, dout, case.stride, case.pad, want),
    )


def check_conv_backward(s: Subject, r: Report) -> None:
    """Hold `conv_backward_naive` against numeric gradients of the definition."""
    for case in CONVOLUTIONS:
        x, w, b, dout = conv_arguments(case)
        way, param = _conv_way_back(s, case, x, w, b, dout), conv_param(case)
        _, cache = r.watch("conv_forward_naive", s.conv_forward_naive, x, w, b, dict(param))

        def disturb(x: Any = x, w: Any = w, b: Any = b, param: dict[str, int] = param) -> None:
            s.conv_forward_naive(1 - x, -w, b, dict(param))

        with when_new(case.new, case.advice):
            check_way_back(r, way, cache, disturb, ((x, w, b, dict(param)), _CONV_CACHE))
    r.ok("dx, dw and db against numeric gradients, for pads of 0, 1 and 2 and strides up to 3")
    case = CONVOLUTIONS[0]
    x, w, b, dout = (v.astype(np.float32) for v in conv_arguments(case))
    _, cache = s.conv_forward_naive(x, w, b, conv_param(case))
    got = s.conv_backward_naive(dout, cache)
    r.keeps_float32("conv_backward_naive", dict(zip(GRADIENTS, got, strict=True)))


# --- max pooling


def pool_arguments(case: Case, seed: int = 682) -> tuple[Any, Any]:
    """Return x, of which no two pixels of an image are equal or nearly so, and dout."""
    rng = np.random.default_rng(seed)
    N, C, H, W = case.x
    x = np.stack([rng.permutation(H * W) for _ in range(N * C)]).reshape(case.x) / 4 - H * W / 7.7
    return x, rng.standard_normal(slow.max_pool(x, *case.window, case.stride).shape)


def pool_param(case: Case) -> dict[str, int]:
    """Return the options of pooling, in a new dict."""
    height, width = case.window
    return {"pool_height": height, "pool_width": width, "stride": case.stride}


def check_pool_forward(s: Subject, r: Report) -> None:
    """Hold `max_pool_forward_naive` against the definition."""
    name = "max_pool_forward_naive"
    earlier: Any = ()
    absent: set[str] = set()
    for case, seed in ((c, seed) for c in POOLS for seed in (682, 683)[: 1 + (not c.new)]):
        x, _ = pool_arguments(case, seed)
        want = slow.max_pool(x, *case.window, case.stride)
        known = pool_mistakes.forward(x, *case.window, case.stride)
        causes = {KEPT: earlier, **_left(known, want, absent)}
        earlier = want
        with when_new(case.new, case.advice):
            result = r.watch(name, s.max_pool_forward_naive, x, pool_param(case))
            out, cache = unpack(name, result, ("out", "cache"))
            said = say_right_part(out, want, _IMAGES)
            compare("out", out, want, rtol=EXACT, where=case.where, hint=said, causes=causes)
    r.ok("values for windows that tile, overlap or leave gaps, and for sides of any length")
    below = -1.0 - np.arange(16.0).reshape(1, 1, 4, 4)
    out, cache = s.max_pool_forward_naive(below.copy(), pool_param(POOLS[0]))
    want = slow.max_pool(below, 2, 2, 2)
    hint = "the largest of negative values is negative: a maximum may not start at 0"
    compare("out", out, want, rtol=EXACT, where="for negative values", hint=hint)
    x, dout = pool_arguments(POOLS[0])
    _, cache = s.max_pool_forward_naive(x.copy(), pool_param(POOLS[0]))
    way = _pool_way_back(s, POOLS[0], x, dout)
    check_cache(r, way, cache, (x, pool_param(POOLS[0])), _POOL_CACHE, {})
    r.ok("negative values, and a cache that goes with max_pool_backward_naive")
    out, _ = s.max_pool_forward_naive(x.astype(np.float32), pool_param(POOLS[0]))
    r.keeps_float32(name, {"out": out})


def _pool_way_back(s: Subject, case: Case, x: Any, dout: Any) -> WayBack:
    """Return what `max_pool_backward_naive` must give for these arrays."""
    height, width = case.window

    options = {"height": height, "width": width, "stride": case.stride}
    (want,) = slow.slopes(slow.max_pool, (x,), dout, **options)
    return WayBack(
        "max_pool_backward_naive",
        s.max_pool_backward_naive,
        dout,
        {"dx": want},
        case.where,
        hints=_hints({"dx": want}),
        causes={"dx": pool_mistakes.backward(x, dout, height, width, case.stride, want)},
    )


def check_pool_backward(s: Subject, r: Report) -> None:
    """Hold `max_pool_backward_naive` against numeric gradients of the definition."""
    for case in POOLS:
        x, dout = pool_arguments(case)
        way, param = _pool_way_back(s, case, x, dout), pool_param(case)
        _, cache = r.watch("max_pool_forward_naive", s.max_pool_forward_naive, x, dict(param))

        def disturb(x: Any = x, param: dict[str, int] = param) -> None:
            s.max_pool_forward_naive(1 - x, dict(param))

        with when_new(case.new, case.advice):
            check_way_back(r, way, cache, disturb, ((x, dict(param)), _POOL_CACHE))
    r.ok("dx against numeric gradients, for windows that tile, overlap or leave gaps")
    with when_new("that pixels of a window share its maximum", _TIE):
        _check_ties(s)
    r.ok("ties: the gradient arrives at largest pixels alone")
    x, dout = (v.astype(np.float32) for v in pool_arguments(POOLS[0]))
    _, cache = s.max_pool_forward_naive(x, pool_param(POOLS[0]))
    r.keeps_float32("max_pool_backward_naive", {"dx": s.max_pool_backward_naive(dout, cache)})


_TIE = "one of them gets the window's gradient, or each a share of it, or each all of it"
_OUTSIDE = (
    "Likely cause: pixels outside of a window get its gradient where they equal its maximum; look "
    "for it among the window's own pixels, and add there"
)


def _check_ties(s: Subject) -> None:
    """Check what arrives where several pixels are the largest: any convention will do."""
    x = np.zeros((1, 2, 4, 4))
    x[0, 1] = np.repeat(np.array([[1.0, 3.0], [3.0, 2.0]]), 2, axis=0).repeat(2, axis=1)
    x[0, 1, ::2, ::2] -= 1  # three of four are the largest
    dout = np.arange(1.0, 9.0).reshape(1, 2, 2, 2)
    _, cache = s.max_pool_forward_naive(x.copy(), pool_param(POOLS[0]))
    dx = s.max_pool_backward_naive(dout.copy(), cache)
    require_finite("dx", dx, x.shape)
    is_over_the_image = np.allclose(dx, pool_mistakes.over_the_image(x, dout, 2, 2, 2))
    for c, i, j in np.ndindex(2, 2, 2):
        window, got = (v[0, c, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2] for v in (x, dx))
        largest, d = window == window.max(), float(dout[0, c, i, j])
        where = "in a window where pixels share the maximum"
        if np.any(got[~largest]):
            raise CheckError(f"dx is not 0 {where}, at one that is smaller")
        to_all = bool(np.allclose(got[largest], d))
        if not to_all and not np.isclose(got.sum(), d):
            said = f"{got.sum():.6g} arrives {where}, where dout is {d:g}"
            raise CheckError(with_more(said, _OUTSIDE * is_over_the_image))

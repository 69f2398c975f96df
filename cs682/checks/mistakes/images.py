"""What common mistakes in convolution and max pooling give, so that a check can name them.

A mistake that gives another shape is among them: the check then knows it by shape and values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np

from cs682.checks import slow

_PADS = (0, 1, 2)  # what is built in where conv_param is not asked
_STRIDES = (1, 2)
Places = Sequence[int]  # where windows start, along rows or columns


def _padded(x: Any, pad: int) -> Any:
    return np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))


def _places(size: int, length: int, stride: int) -> range:
    """Return where windows of a length start along a side of this size."""
    return range(0, size - length + 1, stride)


def _slide(padded: Any, w: Any, b: Any, tops: Places, lefts: Places) -> Any:
    """Return a convolution with windows at these places; 0 where one does not fit."""
    out = np.zeros((len(padded), len(w), len(tops), len(lefts)))
    for (i, top), (j, left) in product(enumerate(tops), enumerate(lefts)):
        windows = padded[:, :, top : top + w.shape[2], left : left + w.shape[3]]
        if windows.shape[2:] == w.shape[2:]:
            out[:, :, i, j] = np.tensordot(windows, w, ((1, 2, 3), (1, 2, 3))) + b
    return out


def conv_forward(x: Any, w: Any, b: Any, stride: int, pad: int) -> dict[str, Any]:
    """Return cause -> output of a convolution, shape (N, F, H', W') or a mistaken one."""
    (_, C, H, W), (HH, WW) = x.shape, w.shape[2:]
    want, bias = slow.conv(x, w, b, stride, pad), b[:, None, None]
    bare, padded = want - bias, _padded(x, pad)
    tops, lefts = (_places(n, k, stride) for n, k in zip(padded.shape[2:], (HH, WW), strict=True))
    early = [t for t in tops if t + HH <= H], [v for v in lefts if v + WW <= W]
    cut = np.zeros(want.shape)
    cut[:, :, : len(early[0]), : len(early[1])] = want[:, :, : len(early[0]), : len(early[1])]
    one_side = np.pad(x, ((0, 0), (0, 0), (0, 2 * pad), (0, 2 * pad)))
    end = np.pad(x, ((0, 0), (0, 0), (2 * pad, 0), (2 * pad, 0)))
    return {
        "rows and columns of out are exchanged": want.swapaxes(2, 3),
        "the bias b is not added": bare,
        "the bias b is subtracted": bare - bias,
        "the bias is added once for each channel; once is enough": bare + C * bias,
        "the bias is added to each product of a window; once is enough": bare + C * HH * WW * bias,
        "the filters are flipped; this layer takes them as they are": slow.conv(
            x, w[:, :, ::-1, ::-1], b, stride, pad
        ),
        "only the first channel is looked at; a filter is as deep as an image": slow.conv(
            x[:, :1], w[:, :1], b, stride, pad
        ),
        "only the last channel is kept; a filter sums over all of them": slow.conv(
            x[:, -1:], w[:, -1:], b, stride, pad
        ),
        "the products are averaged; the layer sums them": bare / (C * HH * WW) + bias,
        "all outputs come from the first filter": np.broadcast_to(
            bare[:, :1] + b[0], want.shape
        ).copy(),
        "all outputs come from the first image": np.broadcast_to(want[:1], want.shape).copy(),
        "there is a ReLU too many: negative outputs are 0": np.maximum(want, 0),
        "windows are counted on the image without its zeros: the last places stay 0": cut,
        "the zeros stand behind the image only; half of them come before it": slow.conv(
            one_side, w, b, stride, 0
        ),
        "the zeros stand before the image only; half of them come behind it": slow.conv(
            end, w, b, stride, 0
        ),
        "windows start at row i and column j; they start at i * stride and j * stride": _slide(
            padded, w, b, range(len(tops)), range(len(lefts))
        ),
        "the stride is left out along the rows": _slide(padded, w, b, range(len(tops)), lefts),
        "the stride is left out along the columns": _slide(padded, w, b, tops, range(len(lefts))),
        **_built_in(x, w, b, stride, pad),
    }


def _built_in(x: Any, w: Any, b: Any, stride: int, pad: int) -> dict[str, Any]:
    """Return what comes of a pad or a stride that does not follow the options."""
    found = {}
    for other in _PADS:
        if other != pad and min(x.shape[2:]) + 2 * other >= max(w.shape[2:]):
            said = f"the pad is {other} here, whatever conv_param says"
            found[said] = slow.conv(x, w, b, stride, other)
    for other in _STRIDES:
        if other != stride:
            said = f"the stride is {other} here, whatever conv_param says"
            found[said] = slow.conv(x, w, b, other, pad)
    return found


def _scatter(
    dout: Any, w: Any, shape: tuple[int, ...], tops: Places, lefts: Places, *, adds: bool
) -> Any:
    """Return the gradient of padded images, where windows at these places add or overwrite."""
    dpadded = np.zeros(shape)
    for n, f, i, j in np.ndindex(*dout.shape):
        window = dpadded[n, :, tops[i] : tops[i] + w.shape[2], lefts[j] : lefts[j] + w.shape[3]]
        share = (dout[n, f, i, j] * w[f])[:, : window.shape[1], : window.shape[2]]
        window[...] = window * adds + share
    return dpadded


def _gather(dout: Any, padded: Any, shape: tuple[int, ...], tops: Places, lefts: Places) -> Any:
    """Return the gradient of filters that looked at windows at these places."""
    dw = np.zeros(shape)
    for (i, top), (j, left) in product(enumerate(tops), enumerate(lefts)):
        windows = padded[:, :, top : top + shape[2], left : left + shape[3]]
        if windows.shape[2:] == tuple(shape[2:]):
            dw += np.tensordot(dout[:, :, i, j], windows, (0, 0))
    return dw


def conv_backward(
    x: Any, w: Any, dout: Any, stride: int, pad: int, want: Sequence[Any]
) -> dict[str, dict[str, Any]]:
    """Return, for dx, dw and db, cause -> value for the way back through a convolution."""
    padded = _padded(x, pad)
    sizes = zip(padded.shape[2:], w.shape[2:], strict=True)
    tops, lefts = (_places(size, length, stride) for size, length in sizes)
    steps = range(len(tops)), range(len(lefts))
    return {
        "dx": _dx_causes(x, w, dout, pad, (tops, lefts), steps)
        | {"dx is averaged": want[0] / len(x)},
        "dw": _dw_causes(padded, w, dout, (tops, lefts), steps, want[1]),
        "db": {
            "db is averaged over the images; it is a sum": want[2] / len(x),
            "db is averaged over images and places; it is a sum": dout.mean(axis=(0, 2, 3)),
            "db sums over the images alone; it sums over all their places too": dout.sum(axis=0),
            "db sums over the places alone; it sums over all images too": dout.sum(axis=(2, 3)),
            "db is the first image's; sum over all of them": dout[0].sum(axis=(1, 2)),
            "db is the last image's; sum over all of them": dout[-1].sum(axis=(1, 2)),
            "db counts the places; it sums what dout has there": np.full(
                len(w), float(dout.size // len(w))
            ),
            "db sums up everything; each filter has a bias of its own": np.full(
                len(w), float(dout.sum())
            ),
        },
    }


_Pair = tuple[Places, Places]


def _dx_causes(x: Any, w: Any, dout: Any, pad: int, places: _Pair, steps: _Pair) -> dict[str, Any]:
    """Return cause -> dx."""
    (H, W), (tops, lefts) = x.shape[2:], places
    size = (*x.shape[:2], H + 2 * pad, W + 2 * pad)

    def spread(*where: Places, weights: Any = w, part: Any = dout, adds: bool = True) -> Any:
        return _scatter(part, weights, size, *where, adds=adds)

    def crop(dpadded: Any) -> Any:
        return dpadded[:, :, pad : pad + H, pad : pad + W].copy()

    first, last = np.zeros(dout.shape), np.zeros(dout.shape)
    first[:, 0], last[:, -1] = dout[:, 0], dout[:, -1]
    summed = _scatter_summed(dout, w, size, tops, lefts)
    whole = spread(tops, lefts)
    found = {
        "rows and columns of dout are exchanged": crop(
            spread(tops, lefts, part=dout.swapaxes(2, 3) if len(tops) == len(lefts) else dout)
        ),
        "dx is assigned, not added: a pixel lies in several windows, and each of them counts": crop(
            spread(tops, lefts, adds=False)
        ),
        "each window of dx is assigned, not added: where windows overlap the last one wins": crop(
            summed
        ),
        "windows of dx start at i and j; they start at i * stride and j * stride": crop(
            spread(*steps)
        ),
        "the stride is left out along the rows of dx": crop(spread(steps[0], lefts)),
        "the stride is left out along the columns of dx": crop(spread(tops, steps[1])),
        "the filters are flipped in dx": crop(spread(tops, lefts, weights=w[:, :, ::-1, ::-1])),
        "only the last filter reaches dx; all of them look at the image": crop(
            spread(tops, lefts, part=last)
        ),
        "only the first filter reaches dx; all of them look at the image": crop(
            spread(tops, lefts, part=first)
        ),
    }
    if pad:
        found["the gradient of the zeros around the images is still in dx: cut it off"] = whole
        said = "dx is cut out of the wrong corner: the image starts at row pad and column pad"
        found[said] = whole[:, :, :H, :W]
    else:
        said = (
            "dx is cut out by a slice from pad to -pad, which is empty for a pad of 0 (-0 is 0): "
            "let it end at pad + H and pad + W"
        )
        found[said] = whole[:, :, 0:-0, 0:-0]
    for other in (1, 2):
        if other != pad:
            said = f"dx is cut out as if the pad were {other}, whatever conv_param says"
            found[said] = whole[:, :, other:-other, other:-other]
    return found


def _scatter_summed(dout: Any, w: Any, size: tuple[int, ...], tops: Places, lefts: Places) -> Any:
    """Return padded dx where each window, summed over the filters, overwrites earlier ones."""
    dpadded = np.zeros(size)
    for n, i, j in np.ndindex(len(dout), *dout.shape[2:]):
        share = np.tensordot(dout[n, :, i, j], w, (0, 0))
        dpadded[n, :, tops[i] : tops[i] + w.shape[2], lefts[j] : lefts[j] + w.shape[3]] = share
    return dpadded


def _dw_causes(
    padded: Any, w: Any, dout: Any, places: _Pair, steps: _Pair, want: Any
) -> dict[str, Any]:
    """Return cause -> dw."""
    (tops, lefts), shape = places, w.shape

    def gathered(part: Any, *where: Places, images: Any = padded) -> Any:
        return _gather(part, images, shape, *where)

    def only(**at: int) -> Any:
        part = np.zeros(dout.shape)
        if "n" in at:
            part[at["n"]] = dout[at["n"]]
        else:
            part[..., -1, -1] = dout[..., -1, -1]
        return gathered(part, tops, lefts)

    corner = np.zeros(dout.shape)
    corner[-1, :, -1, -1] = dout[-1, :, -1, -1]
    right = gathered(dout, tops, lefts)
    return {
        "dw is averaged over the images; it is a sum": want / len(dout),
        "dw is the last image's; sum over all of them": only(n=-1),
        "dw is the first image's; sum over all of them": only(n=0),
        "dw comes from the last window alone; sum over all places": only(),
        "dw is assigned, not added: every place of every image counts": gathered(
            corner, tops, lefts
        ),
        "windows of dw start at i and j; they start at i * stride and j * stride": gathered(
            dout, *steps
        ),
        "the stride is left out along the rows of dw": gathered(dout, steps[0], lefts),
        "the stride is left out along the columns of dw": gathered(dout, tops, steps[1]),
        "rows and columns of dout are exchanged": gathered(
            dout.swapaxes(2, 3) if len(tops) == len(lefts) else dout, tops, lefts
        ),
        "the filters are flipped in dw": right[:, :, ::-1, ::-1],
        "dw is multiplied with w; dout times the window is all": right * w,
    }


# --- max pooling


def _each_window(x: Any, size: tuple[int, int], tops: Places, lefts: Places, of: Any) -> Any:
    """Return a function of each window, which may be cut off at the border."""
    out = np.zeros((*x.shape[:2], len(tops), len(lefts)))
    for (i, top), (j, left) in product(enumerate(tops), enumerate(lefts)):
        window = x[:, :, top : top + size[0], left : left + size[1]]
        if 0 not in window.shape:
            out[:, :, i, j] = of(window)
    return out


def _over(function: Callable[..., Any]) -> Callable[[Any], Any]:
    return lambda window: function(window, axis=(2, 3))


def pool_forward(x: Any, height: int, width: int, stride: int) -> dict[str, Any]:
    """Return cause -> output of max pooling, shape (N, C, H', W') or a mistaken one."""
    (H, W), size = x.shape[2:], (height, width)
    tops, lefts = _places(H, height, stride), _places(W, width, stride)
    steps = range(len(tops)), range(len(lefts))
    want = slow.max_pool(x, height, width, stride)
    largest = _over(np.max)

    def each(of: Any, *where: Places, window: tuple[int, int] = size) -> Any:
        return _each_window(x, window, where[0], where[1], of)

    def as_row(window: Any) -> Any:
        return window.reshape(*window.shape[:2], -1)

    found = {
        "windows are as large as the stride; they have pool_height rows and pool_width columns": (
            each(largest, tops, lefts, window=(stride, stride))
        ),
        "rows and columns of out are exchanged": want.swapaxes(2, 3),
        "this is the mean of each window; take the maximum": each(_over(np.mean), tops, lefts),
        "this is the sum of each window; take the maximum": each(_over(np.sum), tops, lefts),
        "this is the smallest value of each window": each(_over(np.min), tops, lefts),
        "the maximum starts at 0, but all values of a window may be negative": np.maximum(want, 0),
        "these are absolute values; the largest value is wanted": each(
            lambda v: _over(np.max)(np.abs(v)), tops, lefts
        ),
        "this says where each maximum is, not how large": each(
            lambda v: as_row(v).argmax(axis=2), tops, lefts
        ),
        "the maximum runs over the channels too; each channel is by itself": np.repeat(
            want.max(axis=1, keepdims=True), x.shape[1], axis=1
        ),
        "the maximum runs over the images too; each image is by itself": np.repeat(
            want.max(axis=0, keepdims=True), len(x), axis=0
        ),
        "this is the first value of each window": each(lambda v: v[:, :, 0, 0], tops, lefts),
        "windows start at row i and column j; they start at i * stride and j * stride": each(
            largest, *steps
        ),
        "the stride is left out along the rows": each(largest, steps[0], lefts),
        "the stride is left out along the columns": each(largest, tops, steps[1]),
        "the size of out comes from the stride alone: H // stride": each(
            largest, range(0, H - H % stride, stride), range(0, W - W % stride, stride)
        ),
        "the size of out comes from the window alone; the stride says how far windows step": each(
            largest, range(0, H - height + 1, height), range(0, W - width + 1, width)
        ),
        "the stride is 1 here, whatever pool_param says": slow.max_pool(x, height, width, 1),
    }
    for said, other in (
        ("pool_height is used for the width as well", (height, height)),
        ("pool_width is used for the height as well", (width, width)),
        ("pool_height and pool_width are exchanged", (width, height)),
    ):
        found[f"{said}, within the windows"] = each(largest, tops, lefts, window=other)
        if other[0] <= H and other[1] <= W:
            found[said] = slow.max_pool(x, *other, stride)
    found["a window of 2 x 2 is built in"] = slow.max_pool(x, 2, 2, stride)
    found["a stride of 2 is built in"] = slow.max_pool(x, height, width, 2)
    return found


def pool_backward(
    x: Any, dout: Any, height: int, width: int, stride: int, want: Any
) -> dict[str, Any]:
    """Return cause -> dx of max pooling."""
    tops, lefts = (_places(n, k, stride) for n, k in zip(x.shape[2:], (height, width), strict=True))

    def spread(of: Any, *, adds: bool = True, size: tuple[int, int] = (height, width)) -> Any:
        dx = np.zeros(x.shape)
        for n, c, i, j in np.ndindex(*dout.shape):
            rows, columns = (
                slice(a, a + k) for a, k in zip((tops[i], lefts[j]), size, strict=True)
            )
            part = x[n, c, rows, columns]
            dx[n, c, rows, columns] = dx[n, c, rows, columns] * adds + of(part, dout[n, c, i, j])
        return dx

    def hand(part: Any, d: Any) -> Any:
        return d * (part == part.max())

    def only_there(*, first: bool) -> Any:
        dx, seen = np.zeros(x.shape), np.zeros(x.shape, dtype=bool)
        for n, c, i, j in np.ndindex(*dout.shape):
            part = x[n, c, tops[i] : tops[i] + height, lefts[j] : lefts[j] + width]
            row, column = np.unravel_index(part.argmax(), part.shape)
            at = (n, c, tops[i] + row, lefts[j] + column)
            if not (first and seen[at]):
                dx[at], seen[at] = dout[n, c, i, j], True
        return dx

    return {
        "dx is assigned, not added: where windows overlap, a pixel may be the largest of several, "
        "and gets the gradients of all of them": only_there(first=False),
        "a pixel that is the largest of several windows keeps the gradient of the first alone; it "
        "gets those of all of them": only_there(first=True),
        "whole windows of dx are assigned, not added: where they overlap, the last one erases what "
        "the others have written": spread(hand, adds=False),
        "dout goes to all pixels of a window; only the largest one moves the output": spread(
            lambda part, d: d + 0 * part
        ),
        "dout is shared among all pixels of a window; only the largest one moves the output": (
            spread(lambda part, d: d / part.size + 0 * part)
        ),
        "this marks where the maxima are; it still has to be multiplied with dout": spread(
            lambda part, d: hand(part, 1.0)
        ),
        "dout is multiplied with the largest value; the slope of a maximum is 1": spread(
            lambda part, d: hand(part, d) * part
        ),
        "these are the largest values, not their gradients": spread(
            lambda part, d: hand(part, 1.0) * part
        ),
        "dout goes to the smallest pixel of each window": spread(
            lambda part, d: d * (part == part.min())
        ),
        "dout goes to the pixels with the largest magnitude": spread(
            lambda part, d: d * (np.abs(part) == np.abs(part).max())
        ),
        "windows are as large as the stride; they have pool_height rows and pool_width columns": (
            spread(hand, size=(stride, stride))
        ),
        "dout goes to the first pixel of each window": spread(_corner),
        "rows and columns of dout are exchanged": _exchanged(x, dout, (height, width), tops, lefts),
        "x is overwritten by the mask, while other windows still have to look at it": (
            _overwriting(x, dout, (height, width), tops, lefts)
        ),
        "dx is averaged over the images; nothing is averaged here": want / len(x),
        "the sign of dx is turned": -want,
        "pool_height is used for the width as well": spread(hand, size=(height, height)),
        "pool_width is used for the height as well": spread(hand, size=(width, width)),
        "the flat index of a maximum is taken apart by the window's height; its rows are "
        "pool_width long": _unravelled(x, dout, (height, width), tops, lefts),
    }


def _exchanged(x: Any, dout: Any, size: tuple[int, int], tops: Places, lefts: Places) -> Any:
    """Return dx where the windows of rows i and columns j are those of rows j and columns i."""
    if len(tops) != len(lefts):
        return np.zeros(x.shape)
    dx = np.zeros(x.shape)
    for n, c, i, j in np.ndindex(*dout.shape):
        at = n, c, slice(tops[j], tops[j] + size[0]), slice(lefts[i], lefts[i] + size[1])
        dx[at] += dout[n, c, i, j] * (x[at] == x[at].max(initial=-np.inf))
    return dx


def _overwriting(x: Any, dout: Any, size: tuple[int, int], tops: Places, lefts: Places) -> Any:
    """Return dx where each window of x becomes its mask, once its maximum is found."""
    dx, spoilt = np.zeros(x.shape), x.copy()
    for n, c, i, j in np.ndindex(*dout.shape):
        at = n, c, slice(tops[i], tops[i] + size[0]), slice(lefts[j], lefts[j] + size[1])
        mask = np.zeros(size)
        mask[np.unravel_index(spoilt[at].argmax(), size)] = 1
        dx[at] += dout[n, c, i, j] * mask
        spoilt[at] = spoilt[at] == spoilt[at].max()
    return dx


def _corner(part: Any, d: float) -> Any:
    share = np.zeros(part.shape)
    share[0, 0] = d
    return share


def _unravelled(x: Any, dout: Any, size: tuple[int, int], tops: Places, lefts: Places) -> Any:
    """Return dx where row and column of a maximum come from dividing by the height."""
    dx, height = np.zeros(x.shape), size[0]
    for n, c, i, j in np.ndindex(*dout.shape):
        part = x[n, c, tops[i] : tops[i] + height, lefts[j] : lefts[j] + size[1]]
        row, column = divmod(int(part.argmax()), height)
        if tops[i] + row < x.shape[2] and lefts[j] + column < x.shape[3]:
            dx[n, c, tops[i] + row, lefts[j] + column] += dout[n, c, i, j]
    return dx

"""What common mistakes in convolution give, so that a check can name them.

A mistake that gives another shape is among them: the check then knows it by shape and values.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np

from cs682.checks import slow

_PADS = (0, 1, 2)  # what is built in where conv_param is not asked
_STRIDES = (1, 2)
Places = Sequence[int]  # where windows start, along rows or columns


def _padded(x: Any, pad: int) -> Any:
    return np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))


def places(size: int, length: int, stride: int) -> range:
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


def forward(x: Any, w: Any, b: Any, stride: int, pad: int) -> dict[str, Any]:
    """Return cause -> output of a convolution, shape (N, F, H', W') or a mistaken one."""
    (_, C, H, W), (HH, WW) = x.shape, w.shape[2:]
    want, bias = slow.conv(x, w, b, stride, pad), b[:, None, None]
    bare, padded = want - bias, _padded(x, pad)
    tops, lefts = (places(n, k, stride) for n, k in zip(padded.shape[2:], (HH, WW), strict=True))
    early = [t for t in tops if t + HH <= H], [v for v in lefts if v + WW <= W]
    cut = np.zeros(want.shape)
    cut[:, :, : len(early[0]), : len(early[1])] = want[:, :, : len(early[0]), : len(early[1])]
    one_side = np.pad(x, ((0, 0), (0, 0), (0, 2 * pad), (0, 2 * pad)))
    end = np.pad(x, ((0, 0), (0, 0), (2 * pad, 0), (2 * pad, 0)))
    return {
        "rows and columns of out are exchanged": want.swapaxes(2, 3),
        "the bias b is not added": bare,
        "the bias b is subtracted": bare - bias,
        "the bias is that of the image's number, b[n]; each filter has its own, b[f]": (
            bare + np.resize(b, len(x))[:, None, None, None]
        ),
        "the filters come first; they are the second axis of out, behind the images": (
            want.swapaxes(0, 1)
        ),
        "the filters come last; they are the second axis of out, behind the images": (
            np.moveaxis(want, 1, -1)
        ),
        "the bias is added once for each channel; once is enough": bare + C * bias,
        "the bias is added to each product of a window; once is enough": bare + C * HH * WW * bias,
        "the filters are flipped; this layer takes them as they are": slow.conv(
            x, w[:, :, ::-1, ::-1], b, stride, pad
        ),
        "rows and columns of the filters are exchanged": slow.conv(
            x, w.swapaxes(2, 3) if HH == WW else w, b, stride, pad
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
        "the zeros are copies of the border here; what is put around an image must be 0": slow.conv(
            np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), mode="edge"), w, b, stride, 0
        ),
        "the border holds ones here; what is put around an image must be 0": slow.conv(
            np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), constant_values=1), w, b, stride, 0
        ),
        "the mean of x is subtracted first; this layer takes x as it is": slow.conv(
            x - x.mean(), w, b, stride, pad
        ),
        "each output sums over all filters; output f takes filter w[f] alone": (
            np.repeat(bare.sum(axis=1, keepdims=True), len(w), axis=1) + bias
        ),
        "all channels of a filter look at the image's first channel; each looks at its own": (
            slow.conv(np.repeat(x[:, :1], C, axis=1), w, b, stride, pad)
        ),
        **_too_small(want, x.shape, (HH, WW), stride, pad),
        **_built_in(x, w, b, stride, pad),
    }


def _too_small(
    want: Any, shape: tuple[int, ...], window: tuple[int, int], stride: int, pad: int
) -> dict[str, Any]:
    """Return what comes of a formula for the size that is wrong: the last places are missing."""
    rests = [n + 2 * pad - k for n, k in zip(shape[2:], window, strict=True)]
    sizes = {
        "1 + is missing in the size of out: the first window is a place, too": [
            rest // stride for rest in rests
        ],
        "1 + is divided by the stride, too, in the size of out: it is added to what `//` gives": [
            (1 + rest) // stride for rest in rests
        ],
        "the size of out counts the zeros of one side alone; they are on both: H + 2 * pad": [
            1 + (rest - pad) // stride for rest in rests
        ],
    }
    found, right = {}, want.shape[2:]
    for said, (height, width) in sizes.items():
        found[said] = _corner(want, height, width)
        found[f"along the rows {said}"] = _corner(want, height, right[1])
        found[f"along the columns {said}"] = _corner(want, right[0], width)
    sides = zip(shape[1:3], window, strict=True)
    found["H and W come from other places of x.shape, which is (N, C, H, W)"] = _corner(
        want, *(1 + (n + 2 * pad - k) // stride for n, k in sides)
    )
    return found


def _corner(want: Any, height: int, width: int) -> Any:
    """Return the first places of an output."""
    return want[:, :, : max(height, 0), : max(width, 0)]


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


def backward(
    x: Any, w: Any, b: Any, dout: Any, stride: int, pad: int, want: Sequence[Any]
) -> dict[str, dict[str, Any]]:
    """Return, for dx, dw and db, cause -> value for the way back through a convolution."""
    padded = _padded(x, pad)
    sizes = zip(padded.shape[2:], w.shape[2:], strict=True)
    tops, lefts = (places(size, length, stride) for size, length in sizes)
    steps = range(len(tops)), range(len(lefts))
    return {
        "dx": _dx_causes(x, w, dout, pad, (tops, lefts), steps)
        | {
            "dx is averaged over the images; it is a sum over all that a pixel takes part in, so "
            "nothing is divided": want[0] / len(x),
            "the sums in dx start from x; let them start from zeros": want[0] + x,
        },
        "dw": _dw_causes(padded, w, dout, (tops, lefts), steps, want[1]),
        "db": {
            "db is averaged over the images; it is a sum": want[2] / len(x),
            "the sums in db start from b; let them start from zeros": want[2] + b,
            "db is averaged over images and places; it is a sum": dout.mean(axis=(0, 2, 3)),
            "db sums over the images alone; it sums over all their places too": dout.sum(axis=0),
            "db sums over the places alone; it sums over all images too": dout.sum(axis=(2, 3)),
            "db is the first image's; sum over all of them": dout[0].sum(axis=(1, 2)),
            "db is the last image's; sum over all of them": dout[-1].sum(axis=(1, 2)),
            "db sums over the filters, not over the columns; it keeps the filters: axes 0, 2, 3": (
                dout.sum(axis=(0, 1, 2))
            ),
            "db sums over the filters, not over the rows; it keeps the filters: axes 0, 2, 3": (
                dout.sum(axis=(0, 1, 3))
            ),
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
    height, width = dout.shape[2:]
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
        "rows and columns of the filters are exchanged in dx": crop(
            spread(tops, lefts, weights=w.swapaxes(2, 3) if w.shape[2] == w.shape[3] else w)
        ),
        "only the last filter reaches dx; all of them look at the image": crop(
            spread(tops, lefts, part=last)
        ),
        "only the first filter reaches dx; all of them look at the image": crop(
            spread(tops, lefts, part=first)
        ),
        "all of dout is multiplied with the first filter; dout[:, f] belongs to w[f]": crop(
            spread(tops, lefts, weights=np.broadcast_to(w[:1], w.shape))
        ),
        "each image gets the gradients of all of them; dout[n] belongs to image n": np.broadcast_to(
            crop(whole).sum(axis=0), x.shape
        ),
        "dx got the size of dout; it has that of x, and ends at pad + H and pad + W": (
            whole[:, :, pad : pad + height, pad : pad + width]
        ),
    }
    return found | _crops(whole, pad, H, W)


def _crops(whole: Any, pad: int, H: int, W: int) -> dict[str, Any]:
    """Return cause -> dx that is cut out of the gradient of padded images in a wrong place."""
    found = {}
    if pad:
        found = {
            "the gradient of the zeros around the images is still in dx: cut it off": whole,
            "dx is cut out of the wrong corner: the image starts at row pad and column pad": (
                whole[:, :, :H, :W]
            ),
            "dx is cut out from pad to H and W; it ends at pad + H and pad + W": (
                whole[:, :, pad:H, pad:W]
            ),
            "the zeros are cut off at the end alone; dx starts at row pad and column pad": (
                whole[:, :, : pad + H, : pad + W]
            ),
            "the zeros are cut off at the start alone; dx ends at pad + H and pad + W": (
                whole[:, :, pad:, pad:]
            ),
        }
    else:
        said = (
            "dx is cut out by a slice from pad to -pad, which is empty for a pad of 0 (-0 is 0): "
            "let it end at pad + H and pad + W"
        )
        found[said] = whole[:, :, 0:-0, 0:-0]
    for other in (1, 2):
        if other != pad and whole[:, :, other:-other, other:-other].size:
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
        "rows and columns of the filters are exchanged in dw": right.swapaxes(2, 3),
        "the sums in dw start from w; let them start from zeros": want + w,
        "dw looks at the first image alone; dout[n] belongs to image n": gathered(
            dout, tops, lefts, images=np.broadcast_to(padded[:1], padded.shape)
        ),
        "dw is multiplied with w; dout times the window is all": right * w,
    }

"""What common mistakes in max pooling give, so that a check can name them.

A mistake that gives another shape is among them: the check then knows it by shape and values.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np

from cs682.checks import slow
from cs682.checks.mistakes.convolution import Places, places

_Size = tuple[int, int]  # rows and columns of a window


def _each_window(x: Any, size: _Size, tops: Places, lefts: Places, of: Any) -> Any:
    """Return a function of each window, which may be cut off at the border."""
    out = np.zeros((*x.shape[:2], len(tops), len(lefts)))
    for (i, top), (j, left) in product(enumerate(tops), enumerate(lefts)):
        window = x[:, :, top : top + size[0], left : left + size[1]]
        if 0 not in window.shape:
            out[:, :, i, j] = of(window)
    return out


def _over(function: Callable[..., Any]) -> Callable[[Any], Any]:
    return lambda window: function(window, axis=(2, 3))


def forward(x: Any, height: int, width: int, stride: int) -> dict[str, Any]:
    """Return cause -> output of max pooling, shape (N, C, H', W') or a mistaken one."""
    (H, W), size = x.shape[2:], (height, width)
    tops, lefts = places(H, height, stride), places(W, width, stride)
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
        "the maximum runs over images and channels too; the last two axes are the window's": (
            np.broadcast_to(want.max(axis=(0, 1)), want.shape)
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
        "1 + is missing in the size of out: the first window is a place, too": want[:, :, :-1, :-1],
    }
    for said, short in (
        ("the last row of a window is", (height - 1, width)),
        ("the last column of a window is", (height, width - 1)),
        ("the last row and column of a window are", (height - 1, width - 1)),
    ):
        found[f"{said} left out: a slice stops before its end"] = each(
            largest, tops, lefts, window=short
        )
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


def backward(x: Any, dout: Any, height: int, width: int, stride: int, want: Any) -> dict[str, Any]:
    """Return cause -> dx of max pooling."""
    tops, lefts = (places(n, k, stride) for n, k in zip(x.shape[2:], (height, width), strict=True))

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
        "the sums in dx start from x; let them start from zeros": want + x,
        "the sign of dx is turned": -want,
        "each maximum's gradient goes to its place in all images and channels; index arrays for "
        "row and column need some for image and channel beside them": (
            _in_all_images(x, dout, (height, width), tops, lefts)
        ),
        "pool_height is used for the width as well": spread(hand, size=(height, height)),
        "pool_width is used for the height as well": spread(hand, size=(width, width)),
        **_wrong_places(x, dout, (height, width), tops, lefts, want),
    }


def over_the_image(x: Any, dout: Any, height: int, width: int, stride: int) -> Any:
    """Return dx where all pixels of a channel that equal a window's maximum get its gradient."""
    dx = np.zeros(x.shape)
    for n, c, i, j in np.ndindex(*dout.shape):
        top, left = i * stride, j * stride
        largest = x[n, c, top : top + height, left : left + width].max()
        dx[n, c] += (x[n, c] == largest) * dout[n, c, i, j]
    return dx


def _exchanged(x: Any, dout: Any, size: _Size, tops: Places, lefts: Places) -> Any:
    """Return dx where the windows of rows i and columns j are those of rows j and columns i."""
    if len(tops) != len(lefts):
        return np.zeros(x.shape)
    dx = np.zeros(x.shape)
    for n, c, i, j in np.ndindex(*dout.shape):
        at = n, c, slice(tops[j], tops[j] + size[0]), slice(lefts[i], lefts[i] + size[1])
        dx[at] += dout[n, c, i, j] * (x[at] == x[at].max(initial=-np.inf))
    return dx


def _overwriting(x: Any, dout: Any, size: _Size, tops: Places, lefts: Places) -> Any:
    """Return dx where each window of x becomes its mask, once its maximum is found."""
    dx, spoilt = np.zeros(x.shape), x.copy()
    for n, c, i, j in np.ndindex(*dout.shape):
        at = n, c, slice(tops[i], tops[i] + size[0]), slice(lefts[j], lefts[j] + size[1])
        mask = np.zeros(size)
        mask[np.unravel_index(spoilt[at].argmax(), size)] = 1
        dx[at] += dout[n, c, i, j] * mask
        spoilt[at] = spoilt[at] == spoilt[at].max()
    return dx


def _astray(x: Any, dout: Any, size: _Size, tops: Places, lefts: Places, to: Any) -> Any:
    """Return dx where an entry of dout goes `to` a pixel that its maximum's row and column give."""
    dx = np.zeros(x.shape)
    for n, c, i, j in np.ndindex(*dout.shape):
        part = x[n, c, tops[i] : tops[i] + size[0], lefts[j] : lefts[j] + size[1]]
        at = to(tops[i], lefts[j], *np.unravel_index(part.argmax(), size))
        if at[0] < x.shape[2] and at[1] < x.shape[3]:
            dx[(n, c, *at)] += dout[n, c, i, j]
    return dx


def _largest(x: Any, dout: Any, size: _Size, places: Any, axes: Any = (2, 3)) -> Any:
    """Return dx where windows of x and of dx start at these two pairs of places.

    A window's largest value is sought along `axes`.
    """
    dx, (height, width) = np.zeros(x.shape), size
    for i, j in np.ndindex(*dout.shape[2:]):
        at, to = (np.s_[:, :, r[i] : r[i] + height, c[j] : c[j] + width] for r, c in places)
        mask = x[at] == x[at].max(axis=axes, keepdims=True, initial=-np.inf)
        dx[to] += mask * dout[:, :, i, j, None, None]
    return dx


def _wrong_places(
    x: Any, dout: Any, size: _Size, tops: Places, lefts: Places, want: Any
) -> dict[str, Any]:
    """Return cause -> dx where pixels are looked for, or written, in the wrong place."""
    right, (rows, columns) = (tops, lefts), (range(len(tops)), range(len(lefts)))

    def starting(seen: Any, to: Any) -> Any:
        return _largest(x, dout, size, (seen, to))

    def going(to: Any) -> Any:
        return _astray(x, dout, size, tops, lefts, to)

    def along(*axes: int) -> Any:
        return _largest(x, dout, size, (right, right), axes)

    def with_dout(d: Any) -> Any:
        return _largest(x, np.broadcast_to(d, dout.shape), size, (right, right))

    start = "start at i and j; they must start at i * stride and j * stride"
    return {
        f"windows of dx {start}": starting(right, (rows, columns)),
        f"windows of x {start}": starting((rows, columns), right),
        f"windows of x and of dx {start}": starting((rows, columns), (rows, columns)),
        "the stride is left out along the rows of dx": starting(right, (rows, lefts)),
        "the stride is left out along the columns of dx": starting(right, (tops, columns)),
        "the stride is left out along the rows": starting((rows, lefts), (rows, lefts)),
        "the stride is left out along the columns": starting((tops, columns), (tops, columns)),
        "the largest value is sought over all channels; each channel has its own": along(1, 2, 3),
        "the largest value is sought over all images; each image has its own": along(0, 2, 3),
        "the largest value is sought over all images and channels; each channel of each image has "
        "its own": along(0, 1, 2, 3),
        "channels are compared pixel by pixel; the largest value of a window is sought within one "
        "channel": along(1),
        "the maximum is that of the whole image; each window has its own": (
            want * (x == x.max(axis=(2, 3), keepdims=True))
        ),
        "the maxima of the first channel are taken for all; each channel has its own": _largest(
            np.broadcast_to(x[:, :1], x.shape), dout, size, (right, right)
        ),
        "dout is averaged over the channels; each channel has its own": (
            with_dout(dout.mean(axis=1, keepdims=True))
        ),
        "dout is summed over the channels; each channel has its own": (
            with_dout(dout.sum(axis=1, keepdims=True))
        ),
        "dx is averaged over the channels; nothing is averaged here": want / x.shape[1],
        "a row and column inside the window are taken for those of the image; add where the window "
        "starts": going(lambda _, __, row, column: (row, column)),
        "a place in the flattened window is taken for one in the flattened image": (
            going(lambda _, __, row, column: divmod(row * size[1] + column, x.shape[3]))
        ),
        "row and column of a maximum within its window are exchanged": (
            going(lambda top, left, row, column: (top + column, left + row))
        ),
        "the flat index of a maximum is taken apart by the window's height; its rows are "
        "pool_width long": going(
            lambda top, left, row, column: np.add(
                (top, left), divmod(row * size[1] + column, size[0])
            )
        ),
    }


def _in_all_images(x: Any, dout: Any, size: _Size, tops: Places, lefts: Places) -> Any:
    """Return dx where arrays of rows and columns stand behind slices over images and channels."""
    dx = np.zeros(x.shape)
    for i, j in np.ndindex(*dout.shape[2:]):
        parts = x[:, :, tops[i] : tops[i] + size[0], lefts[j] : lefts[j] + size[1]]
        largest = parts.reshape(*dout.shape[:2], -1).argmax(axis=2)
        rows, columns = np.unravel_index(largest, size)
        dx[:, :, tops[i] + rows, lefts[j] + columns] += dout[:, :, i, j]
    return dx


def _corner(part: Any, d: float) -> Any:
    share = np.zeros(part.shape)
    share[0, 0] = d
    return share

"""Convolution and max pooling for training: fast, and in plain NumPy.

They take and give what the naive layers of `cs682.layers` do. How they do it:

**Convolution is a matrix product.** Lay each window of the padded images out as a row, and each
filter as a column, pixel by pixel and channel by channel, K = HH * WW * C numbers each. Then

    out  = rows @ columns + b       (N * H' * W', K) @ (K, F)
    dw   = rows.T @ upstream        (K, N * H' * W') @ (N * H' * W', F), laid out as columns
    db   = sums of upstream, which is dout with a place in each row
    dx   = upstream @ columns.T     (N * H' * W', F) @ (F, K), each row added to its window's pixels

Three things make it fast. A processor's matrix product does as many multiplications a second as it
can. Of channels and columns, the more lie side by side in memory, so that windows are copied in few
pieces; what comes out is a view of an array with the channels last, its axes in the usual order, as
the next layer likes it. And the rows, which hold each pixel up to HH * WW times and would fill
gigabytes, are made for a few images at a time, as many as fit into the processor's cache, and on
the way back once more.

**Pooling is a maximum of slices.** The first rows of all windows are one slice of the images, the
second rows another one: first the largest of these is kept, and then likewise of columns.

Letters: N images of C channels, H rows and W columns; F filters of HH rows and WW columns.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from cs682._arguments import require_conv_arguments, require_pool_arguments, require_shape
from cs682.training.input_gradient import reads_network_input

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from cs682._types import Array, Cache, Options

__all__ = [
    "conv_backward_fast",
    "conv_forward_fast",
    "max_pool_backward_fast",
    "max_pool_forward_fast",
]

ROWS_BYTES = 2**21  # how much of the windows is laid out at a time: about a core's own cache


def conv_forward_fast(x: Array, w: Array, b: Array, conv_param: Options) -> tuple[Array, Cache]:
    """Slide each filter over each image, as `conv_forward_naive` does.

    Parameters
    ----------
    x : ndarray of float, shape (N, C, H, W)
    w : ndarray of float, shape (F, C, HH, WW)
    b : ndarray of float, shape (F,)
    conv_param : dict, only read
        ``stride``: steps, in pixels, from a window to the next; ``pad``: rows and columns of zeros
        on each of the four sides of an image.

    Returns
    -------
    out : ndarray, shape (N, F, H', W') with H' = 1 + (H + 2 * pad - HH) / stride, and W' likewise;
        a view of an array with the channels last
    cache : tuple ``(x, w, b, conv_param)``, read by `conv_backward_fast`

    Raises
    ------
    TypeError
        If `x` does not hold floating-point numbers.
    ValueError
        If the shapes do not fit together, a filter is larger than the padded image, or the stride
        does not divide what the first window leaves of it.
    """
    windows, columns = _windows(x, w, b, conv_param), _columns(w)
    out = np.empty((*windows.shape[:3], len(w)), np.result_type(x, w, b))  # (N, H', W', F)
    for some in _parts(windows):
        places = out[some].reshape(-1, len(w))  # a view
        np.matmul(_rows(windows[some]), columns, out=places)
        places += b
    return out.transpose(0, 3, 1, 2), (x, w, b, conv_param)


def conv_backward_fast(dout: Array, cache: Cache) -> tuple[Array, Array, Array]:
    """Push the gradient of the loss back through `conv_forward_fast`.

    Parameters
    ----------
    dout : ndarray of float, shape (N, F, H', W')
    cache : tuple ``(x, w, b, conv_param)`` as `conv_forward_fast` returned it

    Returns
    -------
    dx : ndarray, shape (N, C, H, W); a view of an array with the channels last
    dw : ndarray, shape (F, C, HH, WW)
    db : ndarray, shape (F,)

    Raises
    ------
    ValueError
        If `dout` does not have the shape of the forward pass's output.

    Notes
    -----
    Where `x` holds the images that a network is trained on, nobody reads `dx`, and it is zeros
    (see `cs682.training.input_gradient`): a third of the layer's work is spared.
    """
    x, w, b, conv_param = cache
    windows, columns = _windows(x, w, b, conv_param), _columns(w)
    N, height, width, HH, WW, C = windows.shape
    require_shape("dout", dout, (N, len(w), height, width))
    places = dout.transpose(0, 2, 3, 1)  # (N, H', W', F)
    dtype, spared = np.result_type(dout, x, w), reads_network_input(x)
    stride, pad = conv_param["stride"], conv_param["pad"]
    dpadded = _zeros((N, x.shape[2] + 2 * pad, x.shape[3] + 2 * pad, C), width, dtype)
    dcolumns, db = np.zeros(columns.shape, dtype), np.zeros(b.shape, dtype)
    for some in _parts(windows):
        upstream = _rows(places[some])
        dcolumns += _rows(windows[some]).T @ upstream
        db += np.ones(len(upstream), dtype) @ upstream  # NumPy's sum of short rows is slow
        if not spared:
            drows = upstream @ columns.T if _channels_last(dpadded) else (columns @ upstream.T).T
            _add_to_windows(dpadded[some], drows.reshape(windows[some].shape), stride)
    dx = dpadded[:, pad : pad + x.shape[2], pad : pad + x.shape[3]].transpose(0, 3, 1, 2)
    dw = dcolumns.reshape(HH, WW, C, len(w)).transpose(3, 2, 0, 1)
    return dx, np.ascontiguousarray(dw), db


def max_pool_forward_fast(x: Array, pool_param: Options) -> tuple[Array, Cache]:
    """Keep the largest value of each window, as `max_pool_forward_naive` does.

    Parameters
    ----------
    x : ndarray of float, shape (N, C, H, W)
    pool_param : dict, only read
        ``pool_height``, ``pool_width``: rows and columns of a window; ``stride``: steps, in
        pixels, from a window to the next.

    Returns
    -------
    out : ndarray, shape (N, C, H', W') with H' = 1 + (H - pool_height) / stride, and W' likewise
    cache : tuple ``(x, pool_param, out)``, read by `max_pool_backward_fast`

    Raises
    ------
    TypeError
        If `x` does not hold floating-point numbers.
    ValueError
        If a window is larger than the image, or the stride does not divide what the first one
        leaves of it.
    """
    height, width, stride = require_pool_arguments(x, pool_param)
    rows = _largest([x[:, :, i] for i in _starts(x.shape[2], height, stride)])  # (N, C, H', W)
    out = _largest([rows[:, :, :, j] for j in _starts(x.shape[3], width, stride)])
    return out, (x, pool_param, out)


def max_pool_backward_fast(dout: Array, cache: Cache) -> Array:
    """Push the gradient of the loss back through `max_pool_forward_fast`.

    Parameters
    ----------
    dout : ndarray of float, shape (N, C, H', W')
    cache : tuple ``(x, pool_param, out)`` as `max_pool_forward_fast` returned it

    Returns
    -------
    dx : ndarray, shape (N, C, H, W)

    Raises
    ------
    ValueError
        If `dout` does not have the shape of the forward pass's output.

    Notes
    -----
    Of several largest pixels of a window the first one, row by row, gets all of its gradient.
    """
    x, pool_param, out = cache
    require_shape("dout", dout, out.shape)
    height, width, stride = require_pool_arguments(x, pool_param)
    dx = np.zeros_like(x, dtype=dout.dtype)
    is_free = np.ones_like(out, dtype=bool)  # no pixel has got the gradient so far
    for i in _starts(x.shape[2], height, stride):
        for j in _starts(x.shape[3], width, stride):
            gets_it = (x[:, :, i, j] == out) & is_free
            is_free ^= gets_it
            dx[:, :, i, j] += dout * gets_it
    return dx


def _windows(x: Array, w: Array, b: Array, conv_param: Options) -> Array:
    """Return a view of all windows of the padded images, (N, H', W', HH, WW, C)."""
    stride, pad = require_conv_arguments(x, w, b, conv_param)
    N, C, H, W = x.shape
    width = 1 + (W + 2 * pad - w.shape[3]) // stride
    padded = _zeros((N, H + 2 * pad, W + 2 * pad, C), width, x.dtype)
    padded[:, pad : pad + H, pad : pad + W] = x.transpose(0, 2, 3, 1)
    every = sliding_window_view(padded, w.shape[2:], axis=(1, 2))  # (N, ., ., C, HH, WW)
    return every[:, ::stride, ::stride].transpose(0, 1, 2, 4, 5, 3)


def _columns(w: Array) -> Array:
    """Return a filter in each column, (K, F)."""
    return w.transpose(2, 3, 1, 0).reshape(-1, len(w))


def _zeros(shape: tuple[int, ...], width: int, dtype: DTypeLike) -> Array:
    """Return zeros (N, H, W, C); of channels and windows in a row, the more lie side by side."""
    N, H, W, C = shape
    if width <= C:
        return np.zeros(shape, dtype)
    return np.zeros((C, N, H, W), dtype).transpose(1, 2, 3, 0)


def _channels_last(images: Array) -> bool:
    """Tell whether the channels of a pixel lie side by side in memory."""
    return images.strides[-1] == images.itemsize


def _rows(places: Array) -> Array:
    """Return a place in each row, (N * H' * W', K), of (N, H', W', F) or (N, H', W', HH, WW, C)."""
    K = math.prod(places.shape[3:])
    if _channels_last(places):
        return places.reshape(-1, K)
    return np.moveaxis(places, (0, 1, 2), (-3, -2, -1)).reshape(K, -1).T


def _parts(windows: Array) -> Iterator[slice]:
    """Give slices of images whose windows, laid out as rows, stay in the processor's cache."""
    count = max(ROWS_BYTES * len(windows) // windows.nbytes, 1)
    for start in range(0, len(windows), count):
        yield slice(start, start + count)


def _add_to_windows(images: Array, windows: Array, stride: int) -> None:
    """Add (n, H', W', HH, WW, C) to the windows of images (n, H, W, C), which overlap."""
    _, height, width, HH, WW, _ = windows.shape
    down, right = stride * height, stride * width
    for i, j in np.ndindex(HH, WW):
        images[:, i : i + down : stride, j : j + right : stride] += windows[:, :, :, i, j]


def _largest(arrays: list[Array]) -> Array:
    """Return the largest of several arrays, entry by entry; it lies in memory as they do."""
    out = arrays[0].copy(order="K")
    for array in arrays[1:]:
        np.maximum(out, array, out=out)
    return out


def _starts(pixels: int, window: int, stride: int) -> list[slice]:
    """Return where, among so many pixels, the first ones of all windows lie, the second, ..."""
    return [slice(i, i + pixels - window + 1, stride) for i in range(window)]

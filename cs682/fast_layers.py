"""Convolution and max pooling for training: a hundred times faster than loops, in plain NumPy.

They take and give what the naive layers of `cs682.layers` do, caches included. How they do it:

**Convolution is a matrix product.** Lay each window of the padded images out as a row, and each
filter as a column, pixel by pixel and channel by channel, K = HH * WW * C numbers each. Then

    out  = rows @ columns + b       (N * H' * W', K) @ (K, F)
    dw   = rows.T @ dout            (K, N * H' * W') @ (N * H' * W', F), laid out as columns
    db   = sums of dout over images and places
    dx   = dout @ columns.T         (N * H' * W', F) @ (F, K), each row added to its window's pixels

Three things make it fast. A processor's matrix product does as many multiplications a second as it
can. Images are held with the channels last, (N, H, W, C), in memory: a row of a window lies in one
piece there and is copied in one go. What comes out is a view of such an array, with its axes in the
usual order (N, C, H, W), and the next layer gets it as it likes it. And the rows, which hold each
pixel up to HH * WW times, are made for a few images at a time, as many as fit into the processor's
cache, and on the way back once more: they would fill gigabytes.

**Pooling has as many slices as a window has pixels.** The first pixels of all windows are one slice
of the images, the second ones another: `out` is the largest of the slices, one entry at a time.

Letters: N images of C channels, H rows and W columns; F filters of HH rows and WW columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from cs682._arguments import require_conv_arguments, require_pool_arguments, require_shape
from cs682.training.input_gradient import reads_network_input

if TYPE_CHECKING:
    from cs682._types import Array, Cache, Options

__all__ = [
    "conv_backward_fast",
    "conv_forward_fast",
    "max_pool_backward_fast",
    "max_pool_forward_fast",
]

ROWS_BYTES = 2**20  # how much of the windows is laid out at a time: about a core's own cache


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
    dpadded = np.zeros((N, x.shape[2] + 2 * pad, x.shape[3] + 2 * pad, C), dtype)
    dcolumns, db = np.zeros(columns.shape, dtype), np.zeros(b.shape, dtype)
    for some in _parts(windows):
        upstream = places[some].reshape(-1, len(w))  # a place in each row
        dcolumns += _rows(windows[some]).T @ upstream
        db += upstream.sum(axis=0)
        if not spared:
            drows = (upstream @ columns.T).reshape(windows[some].shape)
            _add_to_windows(dpadded[some], drows, stride)
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
    cache : tuple ``(x, pool_param)``, read by `max_pool_backward_fast`

    Raises
    ------
    TypeError
        If `x` does not hold floating-point numbers.
    ValueError
        If a window is larger than the image, or the stride does not divide what the first one
        leaves of it.
    """
    first, *others = _slices(x, pool_param)
    out = x[first].copy(order="K")  # lies in memory as x does
    for pixels in others:
        np.maximum(out, x[pixels], out=out)
    return out, (x, pool_param)


def max_pool_backward_fast(dout: Array, cache: Cache) -> Array:
    """Push the gradient of the loss back through `max_pool_forward_fast`.

    Parameters
    ----------
    dout : ndarray of float, shape (N, C, H', W')
    cache : tuple ``(x, pool_param)`` as `max_pool_forward_fast` returned it

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
    x, pool_param = cache
    largest, _ = max_pool_forward_fast(x, pool_param)
    require_shape("dout", dout, largest.shape)
    left = np.empty_like(largest, dtype=dout.dtype)  # what no pixel has got so far
    left[...] = dout
    dx = np.zeros_like(x, dtype=dout.dtype)
    for pixels in _slices(x, pool_param):
        is_largest = x[pixels] == largest
        dx[pixels] += left * is_largest
        left *= ~is_largest
    return dx


def _windows(x: Array, w: Array, b: Array, conv_param: Options) -> Array:
    """Return a view of all windows of the padded images, (N, H', W', HH, WW, C)."""
    stride, pad = require_conv_arguments(x, w, b, conv_param)
    N, C, H, W = x.shape
    padded = np.zeros((N, H + 2 * pad, W + 2 * pad, C), x.dtype)
    padded[:, pad : pad + H, pad : pad + W] = x.transpose(0, 2, 3, 1)
    every = sliding_window_view(padded, w.shape[2:], axis=(1, 2))  # (N, ., ., C, HH, WW)
    return every[:, ::stride, ::stride].transpose(0, 1, 2, 4, 5, 3)


def _columns(w: Array) -> Array:
    """Return a filter in each column, (K, F)."""
    return w.transpose(2, 3, 1, 0).reshape(-1, len(w))


def _rows(windows: Array) -> Array:
    """Return a window in each row, (N * H' * W', K)."""
    places = windows.shape[0] * windows.shape[1] * windows.shape[2]
    return windows.reshape(places, -1)


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


def _slices(x: Array, pool_param: Options) -> list[tuple[slice, ...]]:
    """Return, for each pixel of a pooling window, where it lies in images for all windows."""
    height, width, stride = require_pool_arguments(x, pool_param)
    down, right = x.shape[2] - height + 1, x.shape[3] - width + 1
    every = slice(None)
    return [
        (every, every, slice(i, i + down, stride), slice(j, j + right, stride))
        for i, j in np.ndindex(height, width)
    ]

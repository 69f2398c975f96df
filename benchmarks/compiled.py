"""Convolution as editions with an extension do it: windows in columns, the way back in Cython.

All windows are laid out at once by NumPy's strides, a matrix product takes them, and compiled loops
add their gradients to the images. Cython and a compiler build the loops when they are first needed.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

NAME = "Cython"


def is_there() -> bool:
    """Tell whether Cython is installed."""
    return find_spec("Cython") is not None


@cache
def _loops() -> Any:
    """Build the compiled loops, and import them."""
    import_module("pyximport").install(language_level=3)
    return import_module("benchmarks.windows")


def both_ways(x: Any, w: Any, b: Any, dout: Any, param: dict[str, int]) -> tuple[Any, ...]:
    """Slide each filter over each image, and push a gradient back.

    Parameters
    ----------
    x : ndarray of float32, shape (N, C, H, W)
    w : ndarray of float32, shape (F, C, HH, WW)
    b : ndarray of float32, shape (F,)
    dout : ndarray of float32, shape (N, F, H', W')
    param : dict with ``stride`` and ``pad``

    Returns
    -------
    out, dx, dw, db : ndarrays of float32
    """
    stride, pad = param["stride"], param["pad"]
    (N, C, H, W), (F, _, HH, WW) = x.shape, w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    windows = sliding_window_view(padded, (HH, WW), (2, 3))[:, :, ::stride, ::stride]
    by_pixel = windows.transpose(1, 4, 5, 0, 2, 3)  # (C, HH, WW, N, H', W')
    columns = by_pixel.reshape(C * HH * WW, -1)
    out = (w.reshape(F, -1) @ columns + b[:, None]).reshape(F, N, *dout.shape[2:])

    upstream = dout.transpose(1, 0, 2, 3).reshape(F, -1)
    dw, db = (upstream @ columns.T).reshape(w.shape), upstream.sum(axis=1)
    dwindows = (w.reshape(F, -1).T @ upstream).reshape(by_pixel.shape)
    dpadded = np.zeros_like(padded)
    _loops().add_windows(dwindows, dpadded, stride)
    dx = dpadded[:, :, pad : pad + H, pad : pad + W]
    return np.ascontiguousarray(out.transpose(1, 0, 2, 3)), dx, dw, db

"""Layers of images: the fast ones against PyTorch, a compiled extension, and loops."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from benchmarks import compiled, pytorch
from benchmarks.pairs import OURS, Line, Run
from cs682 import fast_layers, layers

GROUP = "convolution"
LOOPS = "loops"
LOOPED = 2  # images that the loops get; their seconds are scaled to all


class Size(NamedTuple):
    """Images (N, C, H, H), and F filters of k x k pixels."""

    N: int
    C: int
    H: int
    F: int
    k: int
    stride: int
    pad: int


SIZES = (  # the race of the notebook, its first network, and the blocks of its best one
    Size(100, 3, 31, 25, 3, 2, 1),
    Size(50, 3, 32, 32, 7, 1, 3),
    Size(128, 3, 32, 32, 3, 1, 1),
    Size(128, 32, 16, 64, 3, 1, 1),
    Size(128, 64, 8, 128, 3, 1, 1),
)


def lines() -> Iterator[Line]:
    """One line for each size, forward and backward together, and the race against loops."""
    for size in SIZES:
        sides: dict[str, Callable[[], Run]] = {OURS: partial(_fast, size)}
        if pytorch.is_there():
            sides[pytorch.NAME] = partial(_in_torch, size)
        if compiled.is_there():
            sides[compiled.NAME] = partial(_compiled, size)
        N, C, H, F, k, stride, _ = size
        name = f"({N}, {C}, {H}, {H}) to {F}, {k} x {k}, stride {stride}, both ways"
        yield Line(GROUP, name, sides)
    race = SIZES[0]
    yield Line(
        GROUP,
        "the race of the notebook, both ways",
        {OURS: partial(_fast, race), LOOPS: partial(_loops, race)},
        rounds=3,
        self_timed=(LOOPS,),
        note=f"loops: {LOOPED} of {race.N} images, scaled",
    )


def _draw(size: Size) -> tuple[list[Any], Any, dict[str, int]]:
    """Return images, filters and biases, the gradient of what comes out, and conv_param."""
    rng = np.random.default_rng(682)
    side = 1 + (size.H + 2 * size.pad - size.k) // size.stride
    shapes = [(size.N, size.C, size.H, size.H), (size.F, size.C, size.k, size.k), (size.F,)]
    inputs = [rng.standard_normal(shape, dtype=np.float32) for shape in shapes]
    dout = rng.standard_normal((size.N, size.F, side, side), dtype=np.float32)
    return inputs, dout, {"stride": size.stride, "pad": size.pad}


def _fast(size: Size) -> Run:
    """Return both directions of the given layer, with all three gradients."""
    (x, w, b), dout, param = _draw(size)

    def run() -> object:
        _, cache = fast_layers.conv_forward_fast(x, w, b, param)
        return fast_layers.conv_backward_fast(dout, cache)

    return run


def _in_torch(size: Size) -> Run:
    """Return both directions in PyTorch, with all three gradients."""
    inputs, dout, param = _draw(size)
    tensors = [pytorch.torch().from_numpy(value).requires_grad_() for value in inputs]
    upstream, conv2d = pytorch.torch().from_numpy(dout), pytorch.torch().nn.functional.conv2d

    def run() -> object:
        out = conv2d(*tensors, stride=param["stride"], padding=param["pad"])
        return pytorch.torch().autograd.grad(out, tensors, upstream)

    return run


def _compiled(size: Size) -> Run:
    """Return both directions by an extension in Cython, with all three gradients."""
    (x, w, b), dout, param = _draw(size)
    return partial(compiled.both_ways, x, w, b, dout, param)


def _loops(size: Size) -> Callable[[], float]:
    """Return what times the reference's loops on a few images, and scales their seconds."""
    (x, w, b), dout, param = _draw(size)

    def run() -> float:
        start = time.perf_counter()
        _, cache = layers.conv_forward_naive(x[:LOOPED], w, b, param)
        layers.conv_backward_naive(dout[:LOOPED], cache)
        return (time.perf_counter() - start) * size.N / LOOPED

    return run

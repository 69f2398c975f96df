"""Each layer, forward and backward, at the sizes that the notebooks train with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from benchmarks import plain, pytorch
from benchmarks.pairs import OURS, PLAIN, Line, Run
from cs682 import layers

GROUP = "layer"
MODE: dict[str, Any] = {"mode": "train", "p": 0.8}


def lines() -> Iterator[Line]:
    """Two lines for each layer and size, and one for each short cut between two of ours."""
    rng = np.random.default_rng(682)
    for N, D, M in ((100, 3072, 100), (256, 3072, 512)):
        shapes = [(N, D), (D, M), (M,)]
        yield from _pair(rng, f"affine ({N}, {D}) to {M}", "affine", shapes, (N, M), _addmm)
    for N, D in ((100, 100), (256, 512)):
        x, size = [(N, D)], f"({N}, {D})"
        norm = [(N, D), (D,), (D,)]
        yield from _pair(rng, f"ReLU {size}", "relu", x, (N, D), _torch("relu"))
        yield from _pair(
            rng, f"batch norm {size}", "batchnorm", norm, (N, D), _batch_norm, {**MODE}
        )
        yield from _pair(rng, f"layer norm {size}", "layernorm", norm, (N, D), _layer_norm, {})
        yield from _pair(rng, f"dropout {size}", "dropout", x, (N, D), _dropout, {**MODE})
        yield _short_cut(rng, N, D)
        yield _loss(rng, N)


def _pair(
    rng: np.random.Generator,
    title: str,
    name: str,
    shapes: Sequence[tuple[int, ...]],
    out: tuple[int, ...],
    in_torch: Callable[..., Any],
    *param: dict[str, Any],
) -> Iterator[Line]:
    """Give the lines of one layer's two directions."""
    inputs = [rng.standard_normal(shape, dtype=np.float32) for shape in shapes]
    dout = rng.standard_normal(out, dtype=np.float32)
    inputs64, dout64 = [x.astype(np.float64) for x in inputs], dout.astype(np.float64)
    for i, direction in enumerate(("forward", "backward")):
        sides: dict[str, Callable[[], Run]] = {
            OURS: partial(_in_numpy, layers, name, inputs, dout, param, i),
            PLAIN: partial(_in_numpy, plain, name, inputs64, dout64, param, i),
        }
        if pytorch.is_there():
            sides[pytorch.NAME] = partial(_in_torch, in_torch, inputs, dout, i)
        yield Line(GROUP, f"{title}, {direction}", sides)


def _in_numpy(
    module: Any, name: str, inputs: list[Any], dout: Any, param: tuple[dict[str, Any], ...], i: int
) -> Run:
    """Return a module's forward pass (`i` = 0) or its best backward pass, ready to run."""
    forward = getattr(module, f"{name}_forward")
    backward = getattr(module, f"{name}_backward_alt", None) or getattr(module, f"{name}_backward")
    options = [dict(p) for p in param]
    _, cache = forward(*inputs, *options)
    return (lambda: forward(*inputs, *options), lambda: backward(dout, cache))[i]


def _in_torch(function: Callable[..., Any], inputs: list[Any], dout: Any, i: int) -> Run:
    """Return PyTorch's forward or backward pass, ready to run."""
    return pytorch.forward_backward(function, inputs, dout)[i]


def _short_cut(rng: np.random.Generator, N: int, D: int) -> Line:
    """Compare batch norm's two backward passes."""
    x, dout = rng.standard_normal((2, N, D), dtype=np.float32)
    gamma, beta = rng.standard_normal((2, D), dtype=np.float32)
    _, cache = layers.batchnorm_forward(x, gamma, beta, {"mode": "train"})
    sides: dict[str, Callable[[], Run]] = {
        OURS: lambda: partial(layers.batchnorm_backward_alt, dout, cache),
        "backward": lambda: partial(layers.batchnorm_backward, dout, cache),
    }
    return Line(GROUP, f"batchnorm_backward_alt ({N}, {D})", sides)


def _loss(rng: np.random.Generator, N: int) -> Line:
    """Compare softmax losses, each with its gradient."""
    x, y = rng.standard_normal((N, 10), dtype=np.float32), rng.integers(0, 10, N)
    x64 = x.astype(np.float64)
    sides: dict[str, Callable[[], Run]] = {
        OURS: lambda: partial(layers.softmax_loss, x, y),
        PLAIN: lambda: partial(plain.softmax_loss, x64, y),
    }
    if pytorch.is_there():
        sides[pytorch.NAME] = lambda: pytorch.loss_and_gradient(x, y)
    return Line(GROUP, f"softmax loss ({N}, 10), both ways", sides)


def _torch(name: str) -> Callable[..., Any]:
    return lambda *args, **options: getattr(pytorch.torch().nn.functional, name)(*args, **options)


def _addmm(x: Any, w: Any, b: Any) -> Any:
    return pytorch.torch().addmm(b, x, w)


def _batch_norm(x: Any, gamma: Any, beta: Any) -> Any:
    return _torch("batch_norm")(x, None, None, gamma, beta, training=True)


def _layer_norm(x: Any, gamma: Any, beta: Any) -> Any:
    return _torch("layer_norm")(x, x.shape[1:], gamma, beta)


def _dropout(x: Any) -> Any:
    return _torch("dropout")(x, 1 - MODE["p"])

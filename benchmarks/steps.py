"""Whole training steps: batch drawn, loss and gradients, update rule applied."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Any

import numpy as np

from benchmarks import plain, pytorch
from benchmarks.pairs import OURS, PLAIN, Line
from cs682.augment import chain, flips, shifts
from cs682.classifiers.fc_net import FullyConnectedNet
from cs682.solver import Solver

IMAGES = 10_000  # beyond any cache; a training set's size makes no further difference
LEARNING_RATE = 1e-4
NETS = [([100] * 5, 100), ([50], 100), ([512, 256, 128], 256)]  # hidden widths, batch size
PIXELS = 3 * 32 * 32
VARIANTS: dict[str, Any] = {
    "plain": {"batchnorm": False, "keep": 1.0},
    "batchnorm": {"batchnorm": True, "keep": 1.0},
    "dropout": {"batchnorm": False, "keep": 0.8},
}
RULES = ("sgd", "sgd_momentum", "adam")
MOVED = {"sgd": 3, "sgd_momentum": 5, "adam": 7}  # arrays that an update must read and write


@dataclass(frozen=True)
class Images:
    """Training data as each side wants it."""

    X: Any
    X64: Any
    y: Any


def make_images(count: int = IMAGES) -> Images:
    """Noise in the layout and range of CIFAR-10; no step's time depends on its content."""
    rng = np.random.default_rng(682)
    X = 60 * rng.standard_normal((count, 3, 32, 32), dtype=np.float32)
    return Images(X, X.astype(np.float64), rng.integers(0, 10, count))


def lines(images: Images, gemm: float, bytes_per_second: float) -> Iterator[Line]:
    """One line for each network, variant and update rule."""
    for (hidden, batch_size), variant, rule in product(NETS, VARIANTS, RULES):
        options = {"rule": rule, "batch_size": batch_size, "learning_rate": LEARNING_RATE}
        sides = _sides(images, hidden, options, **VARIANTS[variant])
        limit = _limit([PIXELS, *hidden, 10], batch_size, rule, gemm, bytes_per_second)
        yield Line("training step", f"{_short(hidden)}, {variant}, {rule}", sides, limit)


def augmentation_lines(images: Images) -> Iterator[Line]:
    """Compare flips and shifts of a batch with the step that it is for."""
    augment = chain(flips(), shifts(2))
    step = _our_step(
        images,
        [512, 256, 128],
        True,
        0.9,
        {"rule": "adam", "batch_size": 256, "learning_rate": LEARNING_RATE},
    )
    sides = {OURS: lambda: augment(images.X[:256].copy()), "a step": step}
    yield Line("augmentation", "flips and shifts of (256, 3, 32, 32)", sides)


def _sides(
    images: Images, hidden: list[int], options: dict[str, Any], *, batchnorm: bool, keep: float
) -> dict[str, Callable[[], object]]:
    """Give each side's step on a network of its own."""
    widths = [PIXELS, *hidden, 10]
    sides = {OURS: _our_step(images, hidden, batchnorm, keep, options)}
    if pytorch.torch is not None:
        net = pytorch.make_net(widths, batchnorm=batchnorm, keep=keep)
        sides[pytorch.NAME] = pytorch.make_step(net, images.X, images.y, **options)
    plain_net = plain.Net(widths, batchnorm=batchnorm, keep=keep, reg=0.0)
    sides[PLAIN] = plain.Trainer(plain_net, images.X64, images.y, **options).step
    return sides


def _our_step(
    images: Images, hidden: list[int], batchnorm: bool, keep: float, options: dict[str, Any]
) -> Callable[[], object]:
    net = FullyConnectedNet(
        hidden, weight_scale=2e-2, dropout=keep, normalization="batchnorm" if batchnorm else None
    )
    data = {"X_train": images.X, "y_train": images.y, "X_val": images.X[:9], "y_val": images.y[:9]}
    solver = Solver(
        net,
        data,
        update_rule=options["rule"],
        optim_config={"learning_rate": options["learning_rate"]},
        batch_size=options["batch_size"],
        verbose=False,
    )
    return solver._step


def _limit(
    widths: list[int], batch_size: int, rule: str, gemm: float, bytes_per_second: float
) -> float:
    """Return the seconds of the matrix products and of the update, each at the machine's best.

    Every weight matrix has a product forward and one for its gradient; all but the first also hand
    a gradient down.
    """
    weights = [before * after for before, after in pairwise(widths)]
    products = 2 * batch_size * (3 * sum(weights) - weights[0])
    moved = MOVED[rule] * 4 * (sum(weights) + sum(widths[1:]))
    return products / gemm + moved / bytes_per_second


def _short(hidden: list[int]) -> str:
    same = len(hidden) > 1 and len(set(hidden)) == 1
    return f"[{hidden[0]}] x {len(hidden)}" if same else str(hidden)

"""Whole training steps: batch drawn, loss and gradients, update rule applied."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise, product
from typing import Any

import numpy as np

from benchmarks import machine, plain, pytorch
from benchmarks.pairs import LIMIT, OURS, PLAIN, Line, Run
from cs682.classifiers.fc_net import FullyConnectedNet
from cs682.solver import Solver
from cs682.training.augment import chain, flips, shifts

GROUP = "training step"
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


@cache
def make_images() -> tuple[Any, Any]:
    """Give noise in the layout and range of CIFAR-10, and labels; no step's time depends on it."""
    rng = np.random.default_rng(682)
    X = 60 * rng.standard_normal((IMAGES, 3, 32, 32), dtype=np.float32)
    return X, rng.integers(0, 10, IMAGES)


def lines() -> Iterator[Line]:
    """One line for each network, variant and update rule."""
    for (hidden, batch_size), variant, rule in product(NETS, VARIANTS, RULES):
        options = {"rule": rule, "batch_size": batch_size, "learning_rate": LEARNING_RATE}
        sides = _sides(hidden, options, **VARIANTS[variant])
        yield Line(GROUP, f"{_short(hidden)}, {variant}, {rule}", sides, self_timed=(LIMIT,))


def augmentation_lines() -> Iterator[Line]:
    """Compare flips and shifts of a batch with the step that it is for."""
    options = {"rule": "adam", "batch_size": 256, "learning_rate": LEARNING_RATE}

    def augmenting() -> Run:
        augment = chain(flips(), shifts(2))
        batch = make_images()[0][:256]
        return lambda: augment(batch.copy())

    sides = {
        OURS: augmenting,
        "a step": lambda: _our_step([512, 256, 128], options, batchnorm=True, keep=0.9),
    }
    yield Line("augmentation", "flips and shifts of (256, 3, 32, 32)", sides)


def _sides(
    hidden: list[int], options: dict[str, Any], *, batchnorm: bool, keep: float
) -> dict[str, Callable[[], Run]]:
    """Give each side's step on a network of its own, and the limit."""
    widths = [PIXELS, *hidden, 10]

    def in_torch() -> Run:
        net = pytorch.make_net(widths, batchnorm=batchnorm, keep=keep)
        return pytorch.make_step(net, *make_images(), **options)

    def in_plain_numpy() -> Run:
        X, y = make_images()
        net = plain.Net(widths, batchnorm=batchnorm, keep=keep, reg=0.0)
        return plain.Trainer(net, X.astype(np.float64), y, **options).step

    sides = {OURS: lambda: _our_step(hidden, options, batchnorm=batchnorm, keep=keep)}
    if pytorch.is_there():
        sides[pytorch.NAME] = in_torch
    sides[PLAIN] = in_plain_numpy
    sides[LIMIT] = lambda: lambda: _limit(widths, options["batch_size"], options["rule"])
    return sides


def _our_step(hidden: list[int], options: dict[str, Any], *, batchnorm: bool, keep: float) -> Run:
    X, y = make_images()
    net = FullyConnectedNet(
        hidden, weight_scale=2e-2, dropout=keep, normalization="batchnorm" if batchnorm else None
    )
    data = {"X_train": X, "y_train": y, "X_val": X[:9], "y_val": y[:9]}
    solver = Solver(
        net,
        data,
        update_rule=options["rule"],
        optim_config={"learning_rate": options["learning_rate"]},
        batch_size=options["batch_size"],
        verbose=False,
    )
    return solver._step  # noqa: SLF001  # a name of every edition


def _limit(widths: list[int], batch_size: int, rule: str) -> float:
    """Return the seconds of the matrix products and of the update, each at what the machine gives.

    Every weight matrix has a product forward and one for its gradient; all but the first also hand
    a gradient down.
    """
    weights = [before * after for before, after in pairwise(widths)]
    products = 2 * batch_size * (3 * sum(weights) - weights[0])
    moved = MOVED[rule] * 4 * (sum(weights) + sum(widths[1:]))
    return products / machine.sgemm_rate() + moved / machine.bandwidth()


def _short(hidden: list[int]) -> str:
    same = len(hidden) > 1 and len(set(hidden)) == 1
    return f"[{hidden[0]}] x {len(hidden)}" if same else str(hidden)

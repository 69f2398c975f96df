"""``python -m benchmarks.recipes``: the notebooks' recipes over several seeds, and a long one.

The recipes are read from the notebooks, so that what is measured is what students see.
The long one is too long for a notebook: a convolutional network of four blocks.
"""

from __future__ import annotations

import argparse
import ast
import statistics
import sys
import time
from typing import Any

import nbformat

from benchmarks.whole import ROOT
from cs682.checks import accuracy, legacy_seed
from cs682.classifiers.cnn import ConvNet
from cs682.data_utils import get_CIFAR10_data
from cs682.solver import Solver, one_cycle
from cs682.training.augment import chain, flips, shifts

RECIPES = {  # the notebook, and of it the cells that a recipe needs; they leave a solver behind
    "TwoLayerNet": ("FullyConnectedNets", ("two-layer-train",)),
    "FullyConnectedNet": ("FullyConnectedNets", ("best-recipe", "best-train")),
    "ConvNet": ("ConvolutionalNetworks", ("best-recipe", "best-search", "best-train")),
}
LONG = "ConvNet-long"  # only where it is asked for
LONG_FILTERS, LONG_EPOCHS = (32, 64, 128, 128), 12


def main() -> None:
    """Train each recipe with each seed; print accuracies and seconds, then mean and spread."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recipes", description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[231, 1, 2])
    parser.add_argument("--only", choices=[*RECIPES, LONG], nargs="+", default=list(RECIPES))
    options = parser.parse_args()
    data = get_CIFAR10_data(num_test=10_000)
    for name in options.only:
        results = [train(name, seed, data) for seed in options.seeds]
        for figure in results[0]:
            values = [result[figure] for result in results]
            _say(f"{name:18} {figure:16} {_summary(values)}")


def train(name: str, seed: int, data: dict[str, Any]) -> dict[str, float]:
    """Train a recipe; return its accuracies in percent and its seconds."""
    start = time.perf_counter()
    solver = _train_long(seed, data) if name == LONG else _train_cells(name, seed, data)
    seconds = time.perf_counter() - start
    net, X, y = solver.model, data["X_test"], data["y_test"]
    figures = {
        "validation": 100 * solver.best_val_acc,
        "test, 1000": 100 * accuracy(net, X[:1000], y[:1000]),
        "test, 10,000": 100 * accuracy(net, X, y),
        "seconds": seconds,
    }
    _say(f"{name}, seed {seed}: " + ", ".join(f"{k} {v:.1f}" for k, v in figures.items()))
    return figures


def _train_cells(name: str, seed: int, data: dict[str, Any]) -> Any:
    """Return the solver that the notebook's cells leave behind."""
    notebook, cells = RECIPES[name]
    path = ROOT / "notebooks" / f"{notebook}.ipynb"
    sources = {cell.id: cell.source for cell in nbformat.read(path, as_version=4).cells}
    scope = _scope(sources["imports"], data, seed)
    for cell in cells:
        exec(sources[cell], scope)  # the reference's own notebook
    return scope["solver"]


def _train_long(seed: int, data: dict[str, Any]) -> Solver:
    """Return the trained solver of a network that is wider and trained longer than in class."""
    blocks = [{"filters": F, "batchnorm": True, "pool": 2} for F in LONG_FILTERS]
    with legacy_seed(seed):
        solver = Solver(
            ConvNet(blocks, data["X_train"].shape[1:]),
            data,
            update_rule="adam",
            optim_config={"learning_rate": 6e-3},
            lr_schedule=one_cycle(),
            augment=chain(flips(), shifts(2)),
            sampling="epoch",
            batch_size=128,
            num_epochs=LONG_EPOCHS,
        )
        solver.train()
    return solver


def _scope(imports: str, data: dict[str, Any], seed: int) -> dict[str, Any]:
    """Return the names that the cells use: another seed, and neither checks nor plots."""
    tree = ast.parse(imports)
    tree.body = [line for line in tree.body if isinstance(line, (ast.Import, ast.ImportFrom))]
    scope: dict[str, Any] = {"data": data, "images": data}
    exec(compile(tree, "imports", "exec"), scope)
    scope["legacy_seed"] = lambda _: legacy_seed(seed)
    scope["ConvNet"] = lambda blocks, **_: ConvNet(blocks, seed=seed)
    for name in ("check", "keep_model", "plot_training", "compare_accuracy", "display"):
        scope[name] = lambda *_, **__: None
    return scope


def _summary(values: list[float]) -> str:
    mean, low, high = statistics.fmean(values), min(values), max(values)
    return f"mean {mean:.1f}, {low:.1f} to {high:.1f} over {len(values)} seeds"


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

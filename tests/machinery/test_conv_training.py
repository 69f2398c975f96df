"""Training of convolutional networks: what it remembers, and how much memory it needs."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from cs682.classifiers.cnn import ConvNet, ThreeLayerConvNet
from cs682.search import search
from cs682.solver import Solver
from cs682.training.augment import chain, flips, shifts
from cs682.training.schedules import one_cycle
from cs682.training.seeds import legacy_seed

BLOCKS = [{"filters": 3, "pool": 2}, {"filters": 4, "batchnorm": True, "pool": 2}]
MEGABYTE = 2**20


def make_images(N=40, side=8):
    """Draw images whose class is which of their channels is brightest."""
    rng = np.random.default_rng(682)
    X, y = rng.standard_normal((N, 3, side, side), dtype=np.float32), rng.integers(3, size=N)
    X[np.arange(N), y] += 2
    half = N // 2
    return {"X_train": X[:half], "y_train": y[:half], "X_val": X[half:], "y_val": y[half:]}


def make_solver(data, rate=1e-2, **options):
    """Build a solver with all that a training of images may use."""
    net = ConvNet(BLOCKS, (3, 8, 8), 3, pixel_std=1.0, seed=682)
    settings = {
        "update_rule": "adam",
        "optim_config": {"learning_rate": rate},
        "lr_schedule": one_cycle(),
        "augment": chain(flips(), shifts(1)),
        "sampling": "epoch",
        "batch_size": 5,
        "num_epochs": 4,
        "verbose": False,
    }
    return Solver(net, data, **{**settings, **options})


def outcome(solver):
    last = solver.state.last
    return [*last.params.values(), *last.running[1].values(), *map(np.array, solver.loss_history)]


def peak_of(run):
    """Return the bytes that NumPy holds at most while something runs, beyond those before."""
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_training_goes_on_from_a_checkpoint_bit_for_bit(tmp_path):
    data = make_images()
    with legacy_seed(1):
        whole = make_solver(data, checkpoint_name=tmp_path / "run")
        whole.train()
    resumed = make_solver(data)

    with legacy_seed(2):  # must not matter
        resumed.load_checkpoint(tmp_path / "run_epoch_2.npz")
        resumed.train()

    for got, want in zip(outcome(resumed), outcome(whole), strict=True):
        np.testing.assert_array_equal(got, want)
    assert resumed.val_acc_history == whole.val_acc_history


def test_a_search_trains_convolutional_networks():
    space = {"rate": [1e-2, 1e-9]}

    result = search(make_solver, space, data=make_images(N=200), halving=(1, 4), verbose=False)

    assert not any(run.error for run in result.runs)
    assert result.best.config == {"rate": 1e-2}


@pytest.mark.parametrize("part", ["train", "val"])
def test_accuracy_is_measured_on_few_images_at_a_time(part):
    data = make_images(N=1000, side=32)
    solver = Solver(ThreeLayerConvNet(num_classes=3), data, verbose=False)

    # laid out at once, the windows of 500 images would take 287 MB, their maps 63
    peak = peak_of(lambda: solver.check_accuracy(data[f"X_{part}"], data[f"y_{part}"]))

    assert peak < 60 * MEGABYTE


def test_a_step_of_a_wide_network_needs_less_than_a_gigabyte():
    data = make_images(N=256, side=32)
    blocks = [{"filters": f, "batchnorm": True, "pool": 2} for f in (32, 64, 128)]
    solver = Solver(ConvNet(blocks, num_classes=3), data, batch_size=128, verbose=False)

    assert peak_of(solver._step) < 1000 * MEGABYTE

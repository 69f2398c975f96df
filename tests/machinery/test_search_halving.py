"""Successive halving: who goes on, who stops, and that nothing else changes."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest

from cs682.search import search
from cs682.solver import Solver
from cs682.training.seeds import legacy_seed
from tests.machinery.small_searches import make, outcome
from tests.small_models import Net, add_heavy_ball, counting, make_data


def make_net(data, rate, kind=Net, **options):
    """Make a Solver with batch norm, dropout, momentum and a schedule: much to remember."""
    config = {"learning_rate": rate}
    options = {
        "lr_schedule": lambda p: 1 - 0.9 * p,
        "sampling": "epoch",
        "batch_size": 7,
        **options,
    }
    return Solver(kind(), data, update_rule="heavy_ball", optim_config=config, **options)


@pytest.fixture
def heavy_ball(monkeypatch):
    add_heavy_ball(lambda *args: monkeypatch.setattr(*args, raising=False))


def steady(quality):
    """Make a Solver whose score is `quality`, whatever its training does."""
    solver = counting([quality] * 30, epochs=1)
    solver.quality = quality
    return solver


def test_halving_lets_the_best_go_on_and_stops_the_others():
    qualities = [0.3, 0.8, 0.1, 0.9, 0.2, 0.7, 0.4, 0.6, 0.5]

    result = search(
        steady, {"quality": qualities}, halving=(1, 3, 9), score=lambda solver: solver.quality
    )

    assert [run.epochs for run in result.runs] == [1, 3, 1, 9, 1, 3, 1, 1, 1]
    assert [run.state for run in result.runs].count("stopped") == 8
    assert result.best.number == 3


def test_halving_never_prefers_a_run_that_was_stopped():
    scores = {0: [0.9, 0.1], 1: [0.5], 2: [0.4]}  # the best so far may fall back

    def judge(solver):
        return scores[solver.number][min(solver.epoch // 2, len(scores[solver.number]) - 1)]

    def numbered(number):
        solver = counting([1.0] * 9, epochs=1)
        solver.number = number
        return solver

    result = search(numbered, {"number": [0, 1, 2]}, halving=(1, 3), score=judge)

    assert (result.best.number, result.best.score) == (0, 0.1)


def test_halving_gives_the_places_of_runs_that_diverged_to_others():
    def fragile(last_loss):
        return counting([1.0] * 5, epochs=1, losses=[1.0, last_loss, 1.0, 1.0, 1.0])

    result = search(fragile, {"last_loss": [math.nan, math.nan, 1.0, 1.0]}, halving=(2, 4))

    assert [run.state for run in result.runs[:2]] == ["diverged", "diverged"]
    assert [run.epochs for run in result.runs] == [1, 1, 4, 4]


@pytest.mark.parametrize("kept", [True, False])
def test_halving_gives_what_training_without_a_stop_gives(kept, heavy_ball, monkeypatch):
    if not kept:  # as on another machine, which has not the folder
        monkeypatch.setattr(Solver, "save_checkpoint", lambda solver, path: None)
    data = make_data(dtype=np.float32)

    run = search(make_net, {"rate": [0.03]}, data=data, halving=(1, 2, 4), seed=3).best

    with legacy_seed(run.seed):
        whole = make_net(data, num_epochs=4, verbose=False, **run.config)
        whole.train()
    assert run.epochs == 4
    np.testing.assert_allclose(run.train_acc_history, whole.train_acc_history)
    np.testing.assert_allclose(run.val_acc_history, whole.val_acc_history)


class Widened(Net):
    """A network whose parameters become float64 with the first step, as gradients may make them."""

    def loss(self, X, y=None):
        result = super().loss(X, y)
        wide = {} if y is None else {k: np.float64(v) for k, v in result[1].items()}
        return (result[0], wide) if wide else result


@pytest.mark.parametrize("kind", [Net, Widened])  # no checkpoint of the latter fits a fresh one
def test_halving_is_the_same_to_the_last_bit_without_checkpoints(kind, heavy_ball, monkeypatch):
    space, options = {"rate": [0.01, 0.03, 0.1]}, {"halving": (1, 2, 4), "seed": 3}

    def judge(solver):
        return -solver.loss_history[-1]

    data, make_kind = make_data(), partial(make_net, kind=kind)
    with_them = search(make_kind, space, data=data, score=judge, **options)
    monkeypatch.setattr(Solver, "save_checkpoint", lambda solver, path: None)
    without = search(make_kind, space, data=data, score=judge, **options)

    assert outcome(with_them) == outcome(without)


def test_halving_trains_each_epoch_once():
    seen = []

    def watched(data, rate):
        solver = make(data, rate, batch_size=40)
        solver.model.on_loss = lambda X, y: seen.append(rate)
        return solver

    search(watched, {"rate": [0.1, 0.2, 0.3, 0.4]}, data=make_data(), halving=(1, 2, 4))

    assert len(seen) == 4 * 1 + 2 * 1 + 1 * 2


def test_halving_refuses_a_solver_that_is_trained_already():
    def trained(rate):
        solver = counting([1.0] * 3, epochs=1)
        solver.train()
        return solver

    result = search(trained, {"rate": [1]}, halving=(1, 2), verbose=False)

    assert "a Solver that is not trained yet" in result.runs[0].error

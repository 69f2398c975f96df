"""Training: how the update rule is called, with which rates, and what it may do."""

from __future__ import annotations

import numpy as np
import pytest

from cs682 import optim
from cs682.solver import cosine
from tests.small_models import Net, Softmax, add_heavy_ball, make_data, quiet, zeros_data


@pytest.fixture(autouse=True)
def heavy_ball(monkeypatch):
    """Name a rule for these tests; those of `cs682.optim` are exercises."""
    add_heavy_ball(lambda *args: monkeypatch.setattr(*args, raising=False))


def test_optim_config_arrays_are_not_shared_between_parameters():
    velocity = np.zeros(3)
    solver = quiet(
        Softmax(), make_data(), update_rule="heavy_ball", optim_config={"velocity": velocity}
    )

    solver.optim_configs["W"]["velocity"] += 1

    assert not solver.optim_configs["b"]["velocity"].any()
    assert not velocity.any()


@pytest.mark.parametrize("rate", [np.float64(1e-3), np.array(1e-3), 1e-3])
def test_train_keeps_float32(rate):
    solver = quiet(
        Net(),
        make_data(dtype=np.float32),
        num_epochs=1,
        update_rule="heavy_ball",
        optim_config={"learning_rate": rate},
        lr_decay=np.float64(0.9),
        lr_schedule=lambda progress: np.float64(0.5),
    )

    solver.train()

    state = [config["velocity"] for config in solver.optim_configs.values()]
    assert {a.dtype for a in [*solver.state.last.params.values(), *state]} == {np.dtype(np.float32)}


@pytest.mark.parametrize("name", ["adam", "clipped"])
@pytest.mark.parametrize("shape", [(4, 3), (2**11, 2**10)])
def test_a_rule_that_clips_by_the_norm_trains_like_its_plain_loop(name, shape, monkeypatch):
    def clipped(w, dw, config):  # no such rule can be applied to a part of a parameter
        step = dw / np.maximum(np.linalg.norm(dw), 1)
        config["m"] = config.get("m", 0 * w) / 2 + step
        return w - config["learning_rate"] * config["m"], config

    clipped.__module__ = "cs682.optim"
    monkeypatch.setattr(optim, name, clipped, raising=False)
    model = Bowl(shape)
    w, config = model.params["w"], {"learning_rate": 0.1}

    quiet(
        model, zeros_data(), update_rule=name, optim_config=config, num_epochs=4, batch_size=10
    ).train()

    config = dict(config)
    for seen in model.seen:
        np.testing.assert_array_equal(seen, w)
        w, config = clipped(w, 2 * w, config)
    assert len(model.seen) == 4


class Bowl:
    """A sum of squares over one parameter, each of whose values is kept."""

    def __init__(self, shape):
        self.params = {"w": np.random.default_rng(1).standard_normal(shape, dtype=np.float32)}
        self.seen = []

    def loss(self, X, y=None):
        if y is None:
            return np.zeros((len(X), 2))
        w = self.params["w"]
        self.seen.append(w)
        return float(np.sum(w * w)), {"w": 2 * w}


def test_train_names_the_parameter_whose_gradient_has_a_wrong_shape():
    model = Softmax()
    model.loss = lambda X, y=None: (1.0, {"W": np.zeros((4, 3)), "b": np.zeros((1, 3))})

    with pytest.raises(ValueError, match=r"shape \(1, 3\) for 'b', which has shape \(3,\)"):
        quiet(model, make_data()).train()


def spy_on_rates(monkeypatch):
    """Record the learning rate of each update: W, b, W, b, ..."""
    rates, sgd = [], optim.sgd

    def spy(w, dw, config):
        rates.append(config["learning_rate"])
        return sgd(w, dw, config)

    spy.__module__ = optim.__name__
    monkeypatch.setattr(optim, "sgd", spy)
    return rates


def test_lr_decay_acts_at_the_end_of_each_epoch(monkeypatch):
    rates = spy_on_rates(monkeypatch)

    quiet(Softmax(), make_data(), batch_size=20, num_epochs=3, lr_decay=0.5).train()

    assert rates[::2] == [0.01, 0.01, 0.005, 0.005, 0.0025, 0.0025]


def test_lr_schedule_scales_each_parameters_own_rate(monkeypatch):
    rates = spy_on_rates(monkeypatch)
    solver = quiet(Softmax(), make_data(), batch_size=20, num_epochs=2, lr_schedule=lambda p: 1 - p)
    solver.optim_configs["b"]["learning_rate"] = 1.0

    solver.train()

    np.testing.assert_allclose(rates[::2], [0.01, 0.0075, 0.005, 0.0025])
    np.testing.assert_allclose(rates[1::2], [1, 0.75, 0.5, 0.25])
    assert solver.optim_configs["b"]["learning_rate"] == 1.0


def test_lr_schedule_that_is_not_made_yet_is_named():
    with pytest.raises(TypeError, match=r"called first, as in lr_schedule=cosine\(\)"):
        quiet(Softmax(), make_data(), lr_schedule=cosine)  # before any training


def test_lr_schedule_comes_on_top_of_lr_decay_and_starts_again_with_each_run(monkeypatch):
    rates = spy_on_rates(monkeypatch)
    solver = quiet(
        Softmax(), make_data(), batch_size=40, num_epochs=2, lr_decay=0.5, lr_schedule=cosine()
    )

    solver.train()
    solver.train()

    np.testing.assert_allclose(rates[::2], [0.01, 0.0025, 0.0025, 0.000625])


@pytest.mark.parametrize("factor", [-0.1, np.nan, np.inf])
def test_lr_schedule_with_a_bad_factor_is_refused(factor):
    solver = quiet(Softmax(), make_data(), lr_schedule=lambda progress: factor)

    with pytest.raises(ValueError, match=rf"lr_schedule\(0\) must be at least 0, got {factor}"):
        solver.train()


def test_step_names_the_parameters_without_gradient_and_changes_none():
    model = Softmax()
    solver, before = quiet(model, make_data()), model.params["W"].copy()
    model.loss = lambda X, y: (1.0, {"W": np.ones((4, 3))})

    with pytest.raises(ValueError, match=r"no gradient for \['b'\], only \['W'\]"):
        solver.train()
    np.testing.assert_array_equal(model.params["W"], before)

"""The update rules: single steps by hand, longer runs against stored ones, state in its dict."""

from __future__ import annotations

import numpy as np
import pytest

from cs682 import optim
from tests.slopes import of
from tests.stored import RULE_PATHS

RULES = {"sgd": None, "sgd_momentum": "fc-4.1", "rmsprop": "fc-4.2", "adam": "fc-4.3"}
ALL = [of(id_, name) if id_ else name for name, id_ in RULES.items()]
OTHER = {  # settings far from the defaults, so that a hard-coded default shows
    "sgd": {"learning_rate": 0.3},
    "sgd_momentum": {"learning_rate": 0.3, "momentum": 0.5},
    "rmsprop": {"learning_rate": 0.3, "decay_rate": 0.6},
    "adam": {"learning_rate": 0.3, "beta1": 0.5, "beta2": 0.6},
}


def rule(name):
    return getattr(optim, name)


def arrays(count=1, shape=(3, 2), dtype=np.float64):
    return list(np.random.default_rng(682).standard_normal((count, *shape)).astype(dtype))


# --- values


def test_sgd_steps_against_the_gradient():
    next_w, config = optim.sgd(np.array([1.0, 2.0]), np.array([10.0, -4.0]), None)

    np.testing.assert_allclose(next_w, [0.9, 2.04], rtol=1e-14)
    assert config == {"learning_rate": 1e-2}


@pytest.mark.exercise(id="fc-4.1")
def test_sgd_momentum_moves_by_the_new_velocity():
    config = {"learning_rate": 0.5, "momentum": 0.75, "velocity": np.array([4.0, -8.0])}

    next_w, config = optim.sgd_momentum(np.array([1.0, 1.0]), np.array([2.0, 2.0]), config)

    np.testing.assert_array_equal(config["velocity"], [2.0, -7.0])
    np.testing.assert_array_equal(next_w, [3.0, -6.0])


@pytest.mark.exercise(id="fc-4.2")
def test_rmsprop_divides_by_the_root():
    config = {"learning_rate": 0.5, "decay_rate": 0.75, "cache": np.array([12.0])}

    next_w, config = optim.rmsprop(np.array([1.0]), np.array([8.0]), config)

    np.testing.assert_array_equal(config["cache"], [25.0])
    np.testing.assert_allclose(next_w, [0.2], rtol=1e-6)


@pytest.mark.exercise(id="fc-4.3")
def test_adam_corrects_both_averages_with_the_increased_t():
    config = {"learning_rate": 0.5, "beta1": 0.5, "beta2": 0.5, "t": 1}
    config |= {"m": np.array([5.0]), "v": np.array([20.0])}

    next_w, config = optim.adam(np.array([1.0]), np.array([4.0]), config)

    np.testing.assert_array_equal(config["m"], [4.5])
    np.testing.assert_array_equal(config["v"], [18.0])
    assert config["t"] == 2
    np.testing.assert_allclose(next_w, [0.3876275643042054], rtol=1e-6)


@pytest.mark.parametrize("given", ["defaults", "others"])
@pytest.mark.parametrize("name", ALL)
def test_rule_follows_its_definition_from_an_empty_config(name, given):
    (w, *dws), config = arrays(6), dict(OTHER[name]) if given == "others" else None

    for dw in dws:
        w, config = rule(name)(w, dw, config)

    for key, want in RULE_PATHS[name, given].items():
        # epsilon may stand beneath the root: the check advises against it
        rtol = 1e-4 if key == "next_w" and "epsilon" in config else 1e-12
        np.testing.assert_allclose(w if key == "next_w" else config[key], want, rtol=rtol)
    assert config.get("t") == (5 if name == "adam" else None)


# --- contracts


@pytest.mark.parametrize("name", ALL)
def test_rule_fills_in_the_documented_defaults(name):
    published = {
        "sgd": {"learning_rate": 1e-2},
        "sgd_momentum": {"learning_rate": 1e-2, "momentum": 0.9},
        "rmsprop": {"learning_rate": 1e-2, "decay_rate": 0.99, "epsilon": 1e-8},
        "adam": {"learning_rate": 1e-3, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "t": 1},
    }
    _, config = rule(name)(np.ones(2), np.ones(2))

    assert {key: config[key] for key in published[name]} == published[name]
    assert set(optim.STATE[name]) <= set(config)  # a rule may keep more


@pytest.mark.parametrize("scalar", [float, np.float64, np.float32])
@pytest.mark.parametrize("name", ALL)
def test_rule_keeps_the_shape_whatever_the_type_of_its_numbers(name, scalar):
    w, dw = arrays(2, (2, 3, 1), np.float32)
    config = {key: scalar(value) for key, value in OTHER[name].items()}

    for _ in range(2):
        w, config = rule(name)(w, dw, config)

        for array in (w, *(config[key] for key in optim.STATE[name])):
            assert array.shape == (2, 3, 1)


@pytest.mark.parametrize("number", [np.float64(1), np.int64(1)], ids=["float64", "int64"])
@pytest.mark.parametrize("name", ALL)
def test_rule_makes_plain_numbers_of_numpy_s(name, number):
    _, config = rule(name)(np.ones(2), np.ones(2), {"learning_rate": number})

    assert type(config["learning_rate"]) in (float, int)


@pytest.mark.parametrize("name", ALL)
def test_rule_shares_no_state_between_calls_without_config(name):
    w, dw = arrays(2)
    first = rule(name)(w.copy(), dw)[1]

    for _ in range(2):
        next_w, config = rule(name)(w.copy(), dw)

    assert config is not first
    np.testing.assert_array_equal(next_w, rule(name)(w, dw, {})[0])


@pytest.mark.parametrize("shape", [(1,), (1, 3), (2, 3, 4)])
@pytest.mark.parametrize("name", ALL)
def test_rule_treats_every_number_on_its_own(name, shape):
    w, dw = arrays(2, shape)

    together, _ = rule(name)(w.copy(), dw, dict(OTHER[name]))

    for i in np.ndindex(shape):
        alone, _ = rule(name)(w[i].reshape(1), dw[i].reshape(1), dict(OTHER[name]))
        np.testing.assert_allclose(alone, together[i], rtol=1e-14)


@pytest.mark.exercise(id="fc-4.3")
@pytest.mark.parametrize("gradient", [1e-2, 1.0, 1e4])
def test_adam_takes_a_first_step_of_the_learning_rate(gradient):
    next_w, _ = optim.adam(np.zeros(1), np.full(1, gradient), {"learning_rate": 0.1})

    np.testing.assert_allclose(next_w, -0.1, rtol=1e-3)


@pytest.mark.parametrize("name", ALL)
def test_rule_stays_finite_without_a_gradient(name):
    w = np.ones(3)

    next_w, _ = rule(name)(w, np.zeros(3))

    np.testing.assert_array_equal(next_w, w)


@pytest.mark.parametrize("name", ALL)
def test_rule_descends_a_parabola(name):
    w, config = np.array([1.0, -2.0]), {"learning_rate": 0.05}

    for _ in range(300):
        w, config = rule(name)(w, 2 * w, config)

    assert np.abs(w).max() < 0.1


@pytest.mark.parametrize("name", ALL)
def test_rule_refuses_a_gradient_of_another_shape(name):
    with pytest.raises(ValueError, match=rf"{name}: dw must have the shape of w, \(2, 3\), got"):
        rule(name)(np.ones((2, 3)), np.ones(3))  # would broadcast


@pytest.mark.parametrize(
    ("name", "key"), [(name, key) for name in RULES for key in optim.STATE[name]]
)
def test_rule_refuses_the_state_of_another_parameter(name, key):
    with pytest.raises(ValueError, match=rf"{name}: config\['{key}'\] must have the shape of w"):
        rule(name)(np.ones((2, 3)), np.ones((2, 3)), {key: np.zeros(3)})

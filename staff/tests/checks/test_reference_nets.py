"""What the reference's networks and rules do beyond what an exercise asks for."""

from __future__ import annotations

import numpy as np
import pytest

from cs682 import optim
from cs682.classifiers.fc_net import TwoLayerNet
from cs682.layer_utils import (
    affine_norm_relu_dropout_backward,
    affine_norm_relu_dropout_forward,
    affine_relu_forward,
)
from tests.exercises.test_fc_net import batch, deep
from tests.exercises.test_layer_utils import DROP, NORMS, inputs, options
from tests.exercises.test_optim import OTHER, RULES, arrays, rule

# --- networks


@pytest.mark.parametrize("normalization", NORMS)
def test_fully_connected_net_stays_in_its_dtype_and_writes_to_nothing(normalization):
    scalars = {"reg": np.float64(0.1), "dropout": np.float64(0.5)}
    net = deep(dtype=np.float32, normalization=normalization, **scalars)
    X, y = batch()
    for array in (X, y, *net.params.values()):
        array.flags.writeable = False

    for _ in range(2):
        loss, grads = net.loss(X, y)

    assert type(loss) is float
    assert {grad.dtype for grad in grads.values()} == {np.dtype(np.float32)}
    assert net.loss(X).dtype == np.float32
    assert all(grads[name].shape == value.shape for name, value in net.params.items())


def test_two_layer_net_stays_in_the_dtype_of_its_parameters():
    net, (X, y) = TwoLayerNet(6, 8, 4, reg=np.float64(0.5)), batch()
    net.params = {name: value.astype(np.float32) for name, value in net.params.items()}

    loss, grads = net.loss(X.astype(np.float32), y)

    assert type(loss) is float
    assert {grad.dtype for grad in grads.values()} == {np.dtype(np.float32)}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_two_layer_net_starts_in_the_dtype_asked_for(dtype):
    net = TwoLayerNet(input_dim=6, hidden_dim=5, num_classes=4, dtype=dtype, reg=0.1)
    X = np.random.default_rng(682).standard_normal((3, 6)).astype(dtype)

    _, grads = net.loss(X, np.array([0, 3, 1]))

    assert net.loss(X).dtype == dtype
    assert {grad.dtype for grad in grads.values()} == {np.dtype(dtype)}


# --- sandwiches


@pytest.mark.parametrize("dropout", [None, DROP])
@pytest.mark.parametrize("normalization", NORMS)
def test_longest_sandwich_keeps_float32_and_gives_the_same_twice(normalization, dropout):
    arrays = inputs(normalization, np.float32)
    out, cache = affine_norm_relu_dropout_forward(**arrays, **options(normalization, dropout))

    first = affine_norm_relu_dropout_backward(out, cache)
    second = affine_norm_relu_dropout_backward(out, cache)

    assert out.dtype == np.float32
    for grad, again in zip(first, second, strict=True):
        assert grad.dtype == np.float32
        np.testing.assert_array_equal(grad, again)


def test_sandwich_caches_what_its_layers_do():
    arrays = inputs(None)

    out, (fc_cache, relu_cache) = affine_relu_forward(**arrays)

    assert fc_cache[0] is arrays["x"]
    np.testing.assert_array_equal(relu_cache[out > 0], out[out > 0])


# --- update rules


@pytest.mark.parametrize("scalar", [float, np.float64, np.float32])
@pytest.mark.parametrize("name", RULES)
def test_rule_keeps_float32_whatever_the_type_of_its_numbers(name, scalar):
    w, dw = arrays(2, (2, 3, 1), np.float32)
    config = {key: scalar(value) for key, value in OTHER[name].items()}

    for _ in range(2):
        w, config = rule(name)(w, dw, config)

        assert {a.dtype for a in (w, *(config[key] for key in optim.STATE[name]))} == {w.dtype}
        assert w.dtype == np.float32


@pytest.mark.parametrize("name", RULES)
def test_rule_writes_to_no_array_it_is_given(name):
    w, dw = arrays(2)
    config = {key: np.full(w.shape, 0.5) for key in optim.STATE[name]}
    for array in (w, dw, *config.values()):
        array.flags.writeable = False
    kept = dict(config)

    next_w, after = rule(name)(w, dw, config)

    assert next_w is not w
    assert after is config  # the dict is the state's home: it is updated in place
    assert all(after[key] is not old for key, old in kept.items())


def test_rmsprop_divides_by_root_plus_epsilon():
    config = {"learning_rate": 0.5, "decay_rate": 0.75, "epsilon": 1.0, "cache": np.array([12.0])}

    next_w, _ = optim.rmsprop(np.array([1.0]), np.array([8.0]), config)

    np.testing.assert_allclose(next_w, [1 / 3], rtol=1e-14)


def test_adam_divides_by_root_plus_epsilon():
    config = {"learning_rate": 0.5, "beta1": 0.5, "beta2": 0.5, "epsilon": 1.0, "t": 1}
    config |= {"m": np.array([5.0]), "v": np.array([20.0])}

    next_w, _ = optim.adam(np.array([1.0]), np.array([4.0]), config)

    np.testing.assert_allclose(next_w, [0.49143745840438824], rtol=1e-14)

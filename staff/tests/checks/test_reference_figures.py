"""The published figures that hang on a certain generator, or on the last digits: the reference's.

A student's network or mask may come from other draws of the right kind.
"""

from __future__ import annotations

import numpy as np
import pytest

from cs682 import optim
from cs682.checks import drawn, legacy_seed
from cs682.classifiers.cnn import ThreeLayerConvNet
from cs682.classifiers.fc_net import FullyConnectedNet, TwoLayerNet
from cs682.layers import dropout_backward, dropout_forward
from tests import reference
from tests.exercises.test_reference_values import (
    DIGITS,
    OPTIONS,
    RULES,
    assert_is_published,
    grid,
    published_batch,
)
from tests.slopes import rel_error, slope


@pytest.fixture
def stream():
    """Seed the global stream as the notebooks do, and put it back afterwards."""
    with legacy_seed(231):
        yield np.random


def test_dropout_forward_gives_the_published_means(stream):
    x = stream.randn(500, 500) + 10
    np.testing.assert_allclose(x.mean(), 10.000207878477502, rtol=1e-14)
    published = {
        0.25: (0.749784, 10.014059116977283),  # without the factor 1/p the mean is 2.5035
        0.4: (0.600796, 9.977917658761159),  # with p as drop probability 0.399204 are dropped
        0.7: (0.30074, 9.987811912159428),
    }
    for p, (dropped, mean) in published.items():  # one after the other in the stream
        out, _ = dropout_forward(x, {"mode": "train", "p": p})
        assert abs((out == 0).mean() - dropped) < 1e-12
        np.testing.assert_allclose(out.mean(), mean, rtol=1e-12)

        in_test, _ = dropout_forward(x, {"mode": "test", "p": p})
        np.testing.assert_array_equal(in_test, x)  # so its mean is that of x, and nothing is 0


def test_dropout_backward_gives_the_published_gradient(stream):
    x, dout = stream.randn(10, 10) + 10, stream.randn(10, 10)
    param = {"mode": "train", "p": 0.2, "seed": 123}

    dx = dropout_backward(dout, dropout_forward(x, param)[1])

    error = rel_error(dx, slope(lambda v: dropout_forward(v, param)[0], x, dout))
    assert 0 < error < 1e-9  # exactly 0 is what a mask of zeros gives
    assert np.count_nonzero(dx) == 14
    np.testing.assert_allclose(dx.sum(), -15.531948501900985, **DIGITS)


def test_two_layer_net_draws_the_published_weights(stream):
    stream.randn(3, 5)  # the notebook draws its inputs first
    stream.randint(7, size=3)

    net = TwoLayerNet(input_dim=5, hidden_dim=50, num_classes=7, weight_scale=1e-3)

    deviations = {name: abs(net.params[name].std() - 1e-3) for name in ("W1", "W2")}
    assert max(deviations.values()) < 1e-4  # and these tell that W1 is drawn before W2:
    np.testing.assert_allclose(deviations["W1"], 3.753534101646051e-05, rtol=1e-10)
    np.testing.assert_allclose(deviations["W2"], 3.707050209523599e-05, rtol=1e-10)
    assert not any(net.params[name].any() for name in ("b1", "b2"))


@pytest.mark.parametrize(
    ("kind", "args"),
    [
        (TwoLayerNet, ()),
        (FullyConnectedNet, ([20, 30],)),
        (ThreeLayerConvNet, ()),
    ],
)
def test_net_draws_its_weights_as_the_published_ones_were(stream, kind, args):
    net = kind(*args, weight_scale=5e-2)
    stream.seed(231)

    want = drawn(kind, *args, weight_scale=5e-2)

    for name, value in net.params.items():
        np.testing.assert_array_equal(value, want.params[name])


def test_fully_connected_net_gives_the_published_losses_with_dropout(stream):
    X, y = published_batch(stream)
    for keep in (1, 0.75, 0.5):
        if keep == 0.5:
            # In the course's own code a dropout layer with a seed reseeds the global stream. So the
            # third net's weights followed from the mask of the second net's last dropout layer.
            # Our layer leaves the global stream alone: repeat by hand what it would have done.
            stream.seed(123)
            stream.rand(2, 30)
        net = FullyConnectedNet([20, 30], dropout=keep, seed=123, **OPTIONS)

        assert_is_published(net, X, y, reference.DROPOUT_NETS[keep])


@pytest.mark.parametrize("rule", RULES)
def test_rule_gives_the_published_step_to_its_last_digit(rule):
    config, state, _ = RULES[rule]
    config = {**config, **{key: grid(*ends, 4, 5) for key, ends in state.items()}}

    next_w, _ = getattr(optim, rule)(grid(-0.4, 0.6, 4, 5), grid(-0.6, 0.4, 4, 5), config)

    want = getattr(reference, f"{rule.upper()}_FULL")["next_w"]
    np.testing.assert_allclose(next_w, want, **DIGITS)

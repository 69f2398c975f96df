"""The figures that handouts and solved notebooks of the course family agree on.

Inputs come from NumPy's legacy stream in the published order. Limits are the published ones where
right answers meet them; figures without a limit are held to 11 digits.
"""

from __future__ import annotations

import numpy as np
import pytest

from cs682 import checks, optim
from cs682.checks import drawn, legacy_seed
from cs682.classifiers.fc_net import FullyConnectedNet, TwoLayerNet
from cs682.layer_utils import affine_relu_backward, affine_relu_forward
from cs682.layers import (
    affine_backward,
    affine_forward,
    batchnorm_backward,
    batchnorm_backward_alt,
    batchnorm_forward,
    layernorm_backward,
    layernorm_forward,
    relu_backward,
    relu_forward,
    softmax_loss,
    svm_loss,
)
from tests import reference
from tests.slopes import net_slope, of, rel_error, slope

DIGITS = {"rtol": 1e-11, "atol": 1e-13}  # 15 digits given, less what summation order costs


@pytest.fixture
def stream():
    """Seed the global stream as the notebooks do, and put it back afterwards."""
    with legacy_seed(231):
        yield np.random


def grid(start, stop, *shape):
    return np.linspace(start, stop, int(np.prod(shape))).reshape(shape)


# --- layers


@pytest.mark.exercise(id="fc-1.1")
def test_affine_forward_gives_the_published_array():
    x, w, b = grid(-0.1, 0.5, 2, 4, 5, 6), grid(-0.2, 0.3, 120, 3), grid(-0.3, 0.1, 3)

    out, _ = affine_forward(x, w, b)

    assert rel_error(out, reference.AFFINE_FORWARD["out"]) < 1e-8
    assert abs(out[0, 0] - 1.798349669584271) > 0.2  # what forgetting the bias gives
    assert abs(out[0, 0] - 0.1690294984906937) > 1  # what flattening in Fortran order gives


@pytest.mark.exercise(id="fc-1.2")
def test_affine_backward_gives_the_published_gradients(stream):
    shapes = {"x": (10, 2, 3), "w": (6, 5), "b": (5,)}
    inputs, dout = {k: stream.randn(*shape) for k, shape in shapes.items()}, stream.randn(10, 5)

    grads = affine_backward(dout, affine_forward(**inputs)[1])

    for name, got in zip(inputs, grads, strict=True):

        def out(value, name=name):
            return affine_forward(**{**inputs, name: value})[0]

        assert rel_error(got, slope(out, inputs[name], dout)) < 1e-9
        np.testing.assert_allclose(got, reference.AFFINE_BACKWARD[f"d{name}"], **DIGITS)


@pytest.mark.exercise(id="fc-1.3")
def test_relu_forward_gives_the_published_array():
    out, _ = relu_forward(grid(-0.5, 0.5, 3, 4))

    assert rel_error(out, reference.RELU_FORWARD["out"]) < 1e-7  # printed digits leave 5e-8


@pytest.mark.exercise(id="fc-1.4")
def test_relu_backward_gives_the_published_gradient(stream):
    x, dout = stream.randn(10, 10), stream.randn(10, 10)
    want = slope(lambda v: relu_forward(v)[0], x, dout)

    dx = relu_backward(dout, relu_forward(x)[1])

    assert rel_error(dx, want) < 1e-11
    assert np.count_nonzero(dx) == 45
    np.testing.assert_allclose(dx.sum(), -13.339206539276203, **DIGITS)


@pytest.mark.exercise(id="fc-1.5")
def test_affine_relu_gives_the_published_gradients(stream):
    shapes = {"x": (2, 3, 4), "w": (12, 10), "b": (10,)}
    inputs, dout = {k: stream.randn(*shape) for k, shape in shapes.items()}, stream.randn(2, 10)
    out, cache = affine_relu_forward(**inputs)

    grads = dict(zip(("dx", "dw", "db"), affine_relu_backward(dout, cache), strict=True))

    for name in inputs:

        def changed(value, name=name):
            return affine_relu_forward(**{**inputs, name: value})[0]

        assert rel_error(grads[f"d{name}"], slope(changed, inputs[name], dout)) < 1e-9
    for name, want in reference.AFFINE_RELU.items():
        np.testing.assert_allclose({"out": out, **grads}[name], want, **DIGITS)


@pytest.mark.exercise(id="fc-1.6")
@pytest.mark.parametrize(
    ("loss_function", "loss", "limit", "norm"),
    [
        (svm_loss, 8.999602749096233, 1e-8, 1.3416407864998736),
        (softmax_loss, 2.302545844500738, 1e-7, 0.13416349349469306),
    ],
)
def test_losses_give_the_published_values(stream, loss_function, loss, limit, norm):
    x, y = 0.001 * stream.randn(50, 10), stream.randint(10, size=50)

    got, dx = loss_function(x, y)

    assert y.tolist() == reference.LOSS_LABELS
    np.testing.assert_allclose(got, loss, rtol=1e-13)  # counting the right class gives 1 more
    assert rel_error(dx, slope(lambda v: loss_function(v, y)[0], x)) < limit
    np.testing.assert_allclose(np.linalg.norm(dx), norm, **DIGITS)


# --- normalization


def small_net(X, W1, W2):
    """Compute what the published notebooks normalize: the output of a random two-layer net."""
    return relu_forward(X @ W1)[0] @ W2


@pytest.mark.exercise(id="bn-1.1")
def test_batchnorm_forward_gives_the_published_statistics_in_train_mode(stream):
    a = small_net(stream.randn(200, 50), stream.randn(50, 60), stream.randn(60, 3))
    bn_param, want = {"mode": "train"}, reference.BATCHNORM_TRAIN
    assert rel_error(a.mean(axis=0), want["means before"]) < 1e-7
    assert rel_error(a.std(axis=0), want["stds before"]) < 1e-7
    gamma, beta = np.array([1.0, 2.0, 3.0]), np.array([11.0, 12.0, 13.0])

    plain, _ = batchnorm_forward(a.copy(), np.ones(3), np.zeros(3), bn_param)
    scaled, _ = batchnorm_forward(a.copy(), gamma, beta, {"mode": "train"})

    np.testing.assert_allclose(plain.mean(axis=0), 0, atol=1e-14)
    np.testing.assert_allclose(plain.std(axis=0), want["stds, gamma 1"], rtol=1e-12)
    np.testing.assert_allclose(scaled.mean(axis=0), beta, rtol=1e-13)
    np.testing.assert_allclose(scaled.std(axis=0), want["stds, gamma 1 2 3"], rtol=1e-12)
    np.testing.assert_allclose(bn_param["running_mean"], want["running mean"], **DIGITS)
    np.testing.assert_allclose(bn_param["running_var"], want["running var"], **DIGITS)


@pytest.mark.exercise(id="bn-1.2")
def test_batchnorm_forward_gives_the_published_statistics_in_test_mode(stream):
    weights, want = (stream.randn(50, 60), stream.randn(60, 3)), reference.BATCHNORM_TEST
    bn_param, gamma, beta = {"mode": "train"}, np.ones(3), np.zeros(3)
    for _ in range(50):
        a = small_net(stream.randn(200, 50), *weights)
        batchnorm_forward(a, gamma, beta, bn_param)
    bn_param["mode"] = "test"

    a = small_net(stream.randn(200, 50), *weights)
    out, _ = batchnorm_forward(a, gamma, beta, bn_param)

    for name in ("running_mean", "running_var"):
        np.testing.assert_allclose(bn_param[name], want[name], **DIGITS)
    # means -0.0392 come from ddof = 1, -0.0086 from swapped momentum, 0 from batch statistics
    np.testing.assert_allclose(out.mean(axis=0), want["means"], rtol=1e-10)
    np.testing.assert_allclose(out.std(axis=0), want["stds"], rtol=1e-10)


BN = (batchnorm_forward, {"mode": "train"}, reference.BATCHNORM_BACKWARD)
LN = (layernorm_forward, {}, reference.LAYERNORM_BACKWARD)


@pytest.mark.parametrize(
    ("backward", "forward", "param", "want"),
    [
        of("bn-1.3", batchnorm_backward, *BN),
        of("bn-1.4", batchnorm_backward_alt, *BN),
        of("bn-3.2", layernorm_backward, *LN),
    ],
)
def test_norm_backward_gives_the_published_gradients(stream, backward, forward, param, want):
    x = 5 * stream.randn(4, 5) + 12
    gamma, beta, dout = stream.randn(5), stream.randn(5), stream.randn(4, 5)
    out, cache = forward(x.copy(), gamma, beta, dict(param))
    np.testing.assert_allclose(out, want["out"], **DIGITS)

    dx, dgamma, dbeta = backward(dout.copy(), cache)

    assert rel_error(dx, slope(lambda v: forward(v, gamma, beta, dict(param))[0], x, dout)) < 1e-8
    np.testing.assert_allclose(dx, want["dx"], rtol=1e-10, atol=1e-13)  # differences of sums near 1
    np.testing.assert_allclose([dgamma, dbeta], [want["dgamma"], want["dbeta"]], **DIGITS)


@pytest.mark.exercise(id="bn-1.4")
def test_batchnorm_backward_alt_agrees_on_a_large_batch(stream):
    x = 5 * stream.randn(100, 500) + 12
    gamma, beta, dout = stream.randn(500), stream.randn(500), stream.randn(100, 500)
    _, cache = batchnorm_forward(x, gamma, beta, {"mode": "train"})

    walked = batchnorm_backward(dout.copy(), cache)
    simplified = batchnorm_backward_alt(dout.copy(), cache)

    assert rel_error(walked[0], simplified[0]) < 1e-9
    assert max(map(rel_error, walked[1:], simplified[1:])) < 1e-10
    np.testing.assert_allclose(np.linalg.norm(simplified[0]), 43.82455127211103, **DIGITS)


@pytest.mark.exercise(id="bn-3.1")
def test_layernorm_forward_gives_the_published_statistics(stream):
    a = small_net(stream.randn(4, 50), stream.randn(50, 60), stream.randn(60, 3))
    want = reference.LAYERNORM_FORWARD
    assert rel_error(a.mean(axis=1), want["means before"]) < 1e-7
    np.testing.assert_allclose(a.std(axis=1), want["stds before"], **DIGITS)

    plain, _ = layernorm_forward(a.copy(), np.ones(3), np.zeros(3), {"mode": "train"})
    scaled, _ = layernorm_forward(a.copy(), np.full(3, 3.0), np.full(3, 5.0), {"mode": "train"})

    np.testing.assert_allclose(plain, want["out, gamma 1"], **DIGITS)
    np.testing.assert_allclose(plain.std(axis=1), want["stds, gamma 1"], rtol=1e-12)
    np.testing.assert_allclose(scaled.mean(axis=1), 5, rtol=1e-13)
    np.testing.assert_allclose(scaled.std(axis=1), want["stds, gamma 3"], rtol=1e-12)


# --- networks


def published_two_layer_net(reg):
    net = TwoLayerNet(input_dim=5, hidden_dim=50, num_classes=7, reg=reg)
    net.params["W1"], net.params["b1"] = grid(-0.7, 0.3, 5, 50), grid(-0.1, 0.9, 50)
    net.params["W2"], net.params["b2"] = grid(-0.3, 0.4, 50, 7), grid(-0.9, 0.1, 7)
    return net, grid(-5.5, 4.5, 5, 3).T


@pytest.mark.exercise(id="fc-2.2")
def test_two_layer_net_gives_the_published_scores():
    net, X = published_two_layer_net(0.0)

    assert np.abs(net.loss(X) - reference.TWO_LAYER["scores"]).sum() < 1e-6


@pytest.mark.exercise(id="fc-2.3")
@pytest.mark.parametrize(
    ("reg", "published", "full"),
    [(0.0, 3.4702243556, 3.47022435559539), (1.0, 26.5948426952, 26.594842695238583)],
)
def test_two_layer_net_gives_the_published_losses(reg, published, full):
    net, X = published_two_layer_net(reg)

    loss, _ = net.loss(X, np.array([0, 5, 1]))

    # for reg 1: 49.7195 without the factor 0.5, 33.7121 with biases, 11.0945 with W2 alone
    assert abs(loss - published) < 1e-10
    np.testing.assert_allclose(loss, full, rtol=1e-13)


@pytest.mark.exercise(id="fc-2.3")
@pytest.mark.parametrize("reg", [0.0, 0.7])
def test_two_layer_net_passes_the_published_gradient_check(reg):
    (net, X), y = published_two_layer_net(reg), np.array([0, 5, 1])

    loss, grads = net.loss(X, y)

    want = reference.TWO_LAYER_NETS[reg]
    np.testing.assert_allclose(loss, want.loss, rtol=1e-13)
    for name, grad in grads.items():
        assert rel_error(grad, net_slope(net, name, X, y)) < 1e-6
        np.testing.assert_allclose(np.linalg.norm(grad), want.norms[name], rtol=1e-10)


def published_batch(stream):
    return stream.randn(2, 15), stream.randint(10, size=(2,))


def assert_is_published(net, X, y, want):
    """Compare a network's first loss, and the norms of its gradients, with the published ones."""
    loss, grads = net.loss(X, y)
    assert abs(loss - want.loss) < 1e-12 * want.loss
    assert set(grads) == set(net.params)
    for name, grad in grads.items():  # biases before batch norm have no effect: gradient zero
        np.testing.assert_allclose(
            np.linalg.norm(grad), want.norms.get(name, 0), rtol=1e-9, atol=1e-12
        )


OPTIONS = {"input_dim": 15, "num_classes": 10, "weight_scale": 5e-2, "dtype": np.float64}


@pytest.mark.parametrize(
    "normalization", [of("fc-3.3", None), of("bn-2.2", "batchnorm"), of("bn-3.2", "layernorm")]
)
def test_fully_connected_net_gives_the_published_losses(stream, normalization):
    X, y = published_batch(stream)
    for reg in (0, 3.14):  # the second net goes on in the stream
        options = {**OPTIONS, "normalization": normalization, "reg": reg}
        net = drawn(FullyConnectedNet, [20, 30], **options)

        assert_is_published(net, X, y, reference.DEEP_NETS[normalization, reg])


# --- update rules


RULES = {  # config, ends of the state's linspace, limit: RMSProp's and Adam's printed digits
    # alone leave 9.5e-8 and 1.14e-7
    "sgd_momentum": ({"learning_rate": 1e-3}, {"velocity": (0.6, 0.9)}, 1e-8),
    "rmsprop": ({"learning_rate": 1e-2}, {"cache": (0.6, 0.9)}, 2e-7),
    "adam": ({"learning_rate": 1e-2, "t": 5}, {"m": (0.6, 0.9), "v": (0.7, 0.5)}, 2e-7),
}


@pytest.mark.parametrize(
    "rule", [of("fc-4.1", "sgd_momentum"), of("fc-4.2", "rmsprop"), of("fc-4.3", "adam")]
)
def test_rule_gives_the_published_step(rule):
    config, state, limit = RULES[rule]
    published, full = (getattr(reference, f"{rule.upper()}{end}") for end in ("", "_FULL"))
    w, dw = grid(-0.4, 0.6, 4, 5), grid(-0.6, 0.4, 4, 5)
    config = {**config, **{key: grid(*ends, 4, 5) for key, ends in state.items()}}

    next_w, config = getattr(optim, rule)(w, dw, config)

    got = {"next_w": next_w, **{key: config[key] for key in state}}
    for key, value in got.items():
        assert rel_error(value, published[key]) < (limit if key == "next_w" else 1e-8)
        if key != "next_w":  # the last digits tell where epsilon is added
            np.testing.assert_allclose(value, full[key], **DIGITS)
    assert config.get("t") == (6 if rule == "adam" else None)


def test_rel_error_gives_the_published_example():
    assert abs(checks.rel_error(5, 5.2) - 0.01960784313725492) < 1e-15

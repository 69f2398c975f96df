"""The convolutional networks: parameters, scores, losses and gradients, and published figures."""

from __future__ import annotations

import numpy as np
import pytest

from cs682.checks import drawn
from cs682.classifiers.cnn import ConvNet, ThreeLayerConvNet
from cs682.training.seeds import legacy_seed
from tests.slopes import net_slope, of

SMALL = {"input_dim": (3, 16, 16), "num_filters": 3, "filter_size": 3, "hidden_dim": 7}
BLOCKS = [
    {"filters": 3, "batchnorm": True, "pool": 2},
    {"filters": 4, "size": 1},
    {"filters": 2, "size": 5, "pool": 3},
]


def published(weight_scale=5e-2, reg=0.0):
    """Give the published network for gradient checks, its images and labels."""
    with legacy_seed(231):
        X, y = np.random.randn(2, 3, 16, 16), np.random.randint(10, size=2)  # noqa: NPY002
        options = {**SMALL, "dtype": np.float64, "weight_scale": weight_scale, "reg": reg}
        net = drawn(ThreeLayerConvNet, **options)
    return net, X, y


def of_blocks(blocks=BLOCKS, **options):
    """Give a network whose parameters are of no special value, images and labels."""
    net = ConvNet(blocks, (2, 6, 12), 4, dtype=np.float64, pixel_std=2.0, **options)
    rng = np.random.default_rng(231)
    for name, value in net.params.items():
        net.params[name] = 0.5 * rng.standard_normal(value.shape) + 0.1
    return net, rng.standard_normal((3, 2, 6, 12)), np.array([0, 3, 1])


def largest_error(net, X, y):
    """Return how far gradients are from measured slopes, in parts of the largest of them."""
    _, grads = net.loss(X, y)
    assert grads.keys() == net.params.keys()
    errors = []
    for name, value in list(net.params.items()):
        measured = net_slope(net, name, X, y)
        assert grads[name].shape == value.shape
        errors.append(np.abs(grads[name] - measured).max() / max(np.abs(measured).max(), 0.01))
    return max(errors)


# --- three layers


@pytest.mark.exercise(id="cn-2.1")
def test_three_layer_net_has_the_documented_shapes_for_images_that_are_not_square():
    net = ThreeLayerConvNet((2, 8, 12), num_filters=5, filter_size=3, hidden_dim=20, num_classes=7)

    assert {name: value.shape for name, value in net.params.items()} == {
        "W1": (5, 2, 3, 3),
        "W2": (5 * 4 * 6, 20),
        "W3": (20, 7),
        "b1": (5,),
        "b2": (20,),
        "b3": (7,),
    }
    assert {value.dtype for value in net.params.values()} == {np.dtype(np.float32)}
    assert not any(net.params[name].any() for name in ("b1", "b2", "b3"))
    assert net.params["W2"].std() == pytest.approx(1e-3, rel=0.1)


@pytest.mark.exercise(id="cn-2.1")
def test_three_layer_nets_start_with_weights_of_their_own_and_of_the_scale_given():
    one, other = (ThreeLayerConvNet((2, 8, 12), weight_scale=0.2).params for _ in range(2))

    assert one["W2"].std() == pytest.approx(0.2, rel=0.1)
    assert not np.array_equal(one["W2"], other["W2"])


@pytest.mark.exercise(id="cn-2.3")
def test_first_loss_is_the_published_one_to_the_last_digit():
    with legacy_seed(231):
        for shape in ((2, 3, 8, 8), (3, 3, 3, 3), (3,), (2, 3, 8, 8)):
            np.random.randn(*shape)  # noqa: NPY002  # drawn before, in the published notebook
        net = drawn(ThreeLayerConvNet, weight_scale=1e-3)
        X, y = np.random.randn(50, 3, 32, 32), np.random.randint(10, size=50)  # noqa: NPY002

    assert net.loss(X, y)[0] == pytest.approx(2.302586071243987, rel=1e-14)
    net.reg = 0.5
    assert net.loss(X, y)[0] == pytest.approx(2.5082556, abs=1e-6)  # the weights are float32


@pytest.mark.exercise(id="cn-2.3")
@pytest.mark.parametrize(
    ("scale", "reg", "loss"),
    [
        (1e-3, 0.0, 2.302585301275796),
        (5e-2, 0.0, 2.328812425531599),
        (5e-2, 3.14, 8.066013763969146),
    ],
)
def test_loss_of_the_published_gradient_check(scale, reg, loss):
    net, X, y = published(scale, reg=reg)

    assert net.loss(X, y)[0] == pytest.approx(loss, rel=1e-14)


@pytest.mark.exercise(id="cn-2.3")
@pytest.mark.parametrize("reg", [0.0, 3.14])
def test_gradients_of_the_three_layer_net_are_slopes(reg):
    net, X, y = published(reg=reg)

    assert largest_error(net, X, y) < 1e-6


@pytest.mark.parametrize("make", [of("cn-2.3", published), of("cn-4.2", of_blocks)])
def test_gradients_of_later_images_do_not_depend_on_earlier_ones(make):
    net, X, y = make()
    _, grads = make()[0].loss(X[1:], y[1:])

    net.loss(X, y)
    net.loss(X)

    _, later = net.loss(X[1:], y[1:])
    for name, grad in grads.items():
        np.testing.assert_allclose(later[name], grad, rtol=1e-12)


@pytest.mark.exercise(id="cn-2.2")
def test_scores_of_an_image_do_not_depend_on_its_batch():
    net, X, _ = published()

    np.testing.assert_allclose(net.loss(X)[1:], net.loss(X[1:]), rtol=1e-12)


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"input_dim": 3072}, r"input_dim must be \(C, H, W\), such as \(3, 32, 32\), got 3072"),
        ({"input_dim": (3, 15, 16)}, "windows of 2 x 2, which do not divide the 15 x 16 pixels"),
        ({"filter_size": 4}, "filter size must be odd, to keep height and width, got 4"),
        ({"num_filters": 0}, "layer widths must be at least 1, got 0"),
        ({"dtype": int}, "dtype must be a floating NumPy type"),
    ],
)
def test_three_layer_net_refuses_what_does_not_fit(options, fault):
    with pytest.raises((TypeError, ValueError), match=fault):
        ThreeLayerConvNet(**{**SMALL, **options})


# --- blocks


def test_net_of_blocks_starts_with_weights_that_keep_values_as_large_as_they_are():
    net = ConvNet([{"filters": 64, "batchnorm": True, "pool": 2}, {"filters": 32}], seed=682)

    assert net.num_layers == 3
    assert net.blocks[0] == {"filters": 64, "size": 3, "batchnorm": True, "pool": 2}
    assert net.params["W1"].std() == pytest.approx((2 / 27) ** 0.5, rel=0.1)
    assert net.params["W2"].std() == pytest.approx((2 / 576) ** 0.5, rel=0.1)
    assert net.params["W3"].shape == (32 * 16 * 16, 10)
    assert (net.params["gamma1"] == 1).all()
    assert "gamma2" not in net.params


def test_seed_of_a_net_of_blocks_leaves_the_stream_alone():
    with legacy_seed(1):
        expected = np.random.rand()  # noqa: NPY002
    with legacy_seed(1):
        twins = [ConvNet([{"filters": 2}], seed=5).params["W1"] for _ in range(2)]
        assert np.random.rand() == expected  # noqa: NPY002

    np.testing.assert_array_equal(*twins)


@pytest.mark.exercise(id="cn-4.2")
@pytest.mark.parametrize("reg", [0.0, 0.7])
def test_gradients_of_a_net_of_blocks_are_slopes(reg):
    assert largest_error(*of_blocks(reg=reg)) < 1e-6


@pytest.mark.exercise(id="cn-4.1")
def test_images_are_divided_by_their_spread():
    net, X, _ = of_blocks(BLOCKS[1:2])
    twin, _, _ = of_blocks(BLOCKS[1:2])
    twin.pixel_std = 1.0

    np.testing.assert_allclose(net.loss(X), twin.loss(X / 2), rtol=1e-12)


@pytest.mark.exercise(id="cn-4.2")
def test_test_mode_needs_no_other_images():
    net, X, y = of_blocks()
    for _ in range(3):
        net.loss(X, y)

    np.testing.assert_allclose(net.loss(X)[:1], net.loss(X[:1]), rtol=1e-12)
    assert net.bn_params[0]["running_mean"].shape == (3,)
    assert net.bn_params[1] == {}


@pytest.mark.parametrize(
    ("blocks", "fault"),
    [
        ({"filters": 3}, "blocks must be a list of dicts"),
        ([16, 32], "block 1 must be a dict"),
        ([{"filters": 3}, {"size": 3}], "block 2: filters must be an integer, got None"),
        ([{"filters": 3, "pooling": 2}], r"unknown entries \['pooling'\]"),
        ([{"filters": 3, "size": 2}], "filter size must be odd"),
        ([{"filters": 3, "batchnorm": "yes"}], "batchnorm must be True or False, got 'yes'"),
        ([{"filters": 3, "pool": 2}] * 6, "pooling 6 has windows of 2 x 2, .* 1 x 1 pixels"),
    ],
)
def test_net_of_blocks_refuses_what_is_no_block(blocks, fault):
    with pytest.raises((TypeError, ValueError), match=fault):
        ConvNet(blocks)

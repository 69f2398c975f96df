"""The layers of images: values by hand, published figures, gradients, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

from cs682.checks import legacy_seed
from cs682.layers import (
    conv_backward_naive,
    conv_forward_naive,
    max_pool_backward_naive,
    max_pool_forward_naive,
    spatial_batchnorm_backward,
    spatial_batchnorm_forward,
    spatial_groupnorm_backward,
    spatial_groupnorm_forward,
)
from tests import reference
from tests.slopes import of, rel_error, slope

SLOPE = {"rtol": 1e-6, "atol": 1e-8}  # float64, h = 1e-5: about 1e-9 of the largest term
EXACT = {"rtol": 1e-12, "atol": 1e-13}
A = np.ones
TILES = {"pool_height": 2, "pool_width": 2, "stride": 2}


@pytest.fixture
def stream():
    """Seed the global stream as the notebooks do, and put it back afterwards."""
    with legacy_seed(231):
        yield np.random


def grid(start, stop, *shape):
    return np.linspace(start, stop, int(np.prod(shape))).reshape(shape)


def steps(stride=1, pad=0):
    return {"stride": stride, "pad": pad}


def windows(height, width, stride):
    return {"pool_height": height, "pool_width": width, "stride": stride}


def training():
    return {"mode": "train"}


# --- values


@pytest.mark.exercise(id="cn-1.1")
def test_convolution_does_not_flip_its_filters():
    x = np.array([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]])
    w = np.array([[[[1.0, 10.0]]], [[[0.0, -1.0]]]])

    out, _ = conv_forward_naive(x, w, np.array([0.5, 0.0]), steps())

    np.testing.assert_allclose(out[0, 0], [[21.5, 32.5], [54.5, 65.5]], **EXACT)
    np.testing.assert_allclose(out[0, 1], [[-2.0, -3.0], [-5.0, -6.0]], **EXACT)


@pytest.mark.exercise(id="cn-1.1")
def test_convolution_sees_zeros_around_images():
    x = np.array([[[[1.0, 2.0]]]])

    out, _ = conv_forward_naive(x, A((1, 1, 1, 2)), np.zeros(1), steps(pad=1))

    np.testing.assert_allclose(out, [[[[0, 0, 0], [1.0, 3.0, 2.0], [0, 0, 0]]]], **EXACT)


@pytest.mark.exercise(id="cn-1.3")
def test_pooling_keeps_the_largest_even_of_negative_values():
    x = np.array([[[[-4.0, -3.0, -9.0], [-2.0, -8.0, -1.0]]]])

    out, _ = max_pool_forward_naive(x, windows(2, 2, 1))

    np.testing.assert_allclose(out, [[[[-2.0, -1.0]]]], **EXACT)


@pytest.mark.exercise(id="cn-1.4")
def test_pixel_that_is_the_largest_of_two_windows_gets_both_gradients():
    x = np.array([[[[1.0, 5.0, 2.0], [0.0, 3.0, 4.0]]]])
    _, cache = max_pool_forward_naive(x, windows(2, 2, 1))

    dx = max_pool_backward_naive(np.array([[[[10.0, 100.0]]]]), cache)

    np.testing.assert_allclose(dx, [[[[0.0, 110.0, 0.0], [0.0, 0.0, 0.0]]]], **EXACT)


@pytest.mark.exercise(id="cn-3.1")
def test_spatial_batchnorm_has_one_mean_and_spread_for_each_channel():
    x = np.array([[[[1.0, 3.0]], [[0.0, 10.0]]], [[[3.0, 1.0]], [[10.0, 0.0]]]])
    bn_param = {"mode": "train", "eps": 0.0}

    out, _ = spatial_batchnorm_forward(x, np.array([2.0, 1.0]), np.array([0.0, 5.0]), bn_param)

    np.testing.assert_allclose(out[:, 0, 0], [[-2.0, 2.0], [2.0, -2.0]], **EXACT)
    np.testing.assert_allclose(out[:, 1, 0], [[4.0, 6.0], [6.0, 4.0]], **EXACT)
    np.testing.assert_allclose(bn_param["running_mean"], [0.2, 0.5], **EXACT)
    np.testing.assert_allclose(bn_param["running_var"], [0.1, 2.5], **EXACT)


@pytest.mark.exercise(id="cn-3.3")
def test_first_channels_are_the_first_group():
    x = np.array([1.0, 3.0, 10.0, 30.0]).reshape(1, 4, 1, 1)
    ones = A((1, 4, 1, 1))

    out, _ = spatial_groupnorm_forward(x, ones, 0 * ones, 2, {"eps": 0.0})

    np.testing.assert_allclose(out.ravel(), [-1.0, 1.0, -1.0, 1.0], **EXACT)


# --- published figures


@pytest.mark.exercise(id="cn-1.1")
def test_convolution_gives_the_published_array():
    x, w, b = grid(-0.1, 0.5, 2, 3, 4, 4), grid(-0.2, 0.3, 3, 3, 4, 4), grid(-0.1, 0.2, 3)

    out, _ = conv_forward_naive(x, w, b, steps(stride=2, pad=1))

    assert rel_error(out, reference.CONV_FORWARD["out"]) < 3e-8  # printed digits leave 2.2e-8


@pytest.mark.exercise(id="cn-1.3")
def test_pooling_gives_the_published_array():
    out, _ = max_pool_forward_naive(grid(-0.3, 0.4, 2, 3, 4, 4), TILES)

    assert rel_error(out, reference.POOL_FORWARD["out"]) < 5e-8  # as many digits are printed


@pytest.mark.exercise(id="cn-1.2")
def test_convolution_gives_the_published_gradients(stream):
    x, w = stream.randn(4, 3, 5, 5), stream.randn(2, 3, 3, 3)
    b, dout = stream.randn(2), stream.randn(4, 2, 5, 5)
    inputs = {"x": x, "w": w, "b": b}
    _, cache = conv_forward_naive(**inputs, conv_param=steps(pad=1))

    got = dict(zip(inputs, conv_backward_naive(dout, cache), strict=True))

    for name in ("w", "b"):  # all of x would take a while

        def out(value, name=name):
            return conv_forward_naive(**{**inputs, name: value}, conv_param=steps(pad=1))[0]

        assert rel_error(got[name], slope(out, inputs[name], dout)) < 1e-8
    first = slope(lambda v: conv_forward_naive(v, w, b, steps(pad=1))[0], x[:1], dout[:1])
    assert rel_error(got["x"][:1], first) < 1e-7


@pytest.mark.exercise(id="cn-1.4")
def test_pooling_gives_the_published_gradient(stream):
    x, dout = stream.randn(3, 2, 8, 8), stream.randn(3, 2, 4, 4)
    _, cache = max_pool_forward_naive(x, TILES)

    dx = max_pool_backward_naive(dout, cache)

    assert rel_error(dx, slope(lambda v: max_pool_forward_naive(v, TILES)[0], x, dout)) < 1e-10


@pytest.mark.exercise(id="cn-3.1")
def test_spatial_batchnorm_gives_the_published_statistics(stream):
    x, want = 4 * stream.randn(2, 3, 4, 5) + 10, reference.SPATIAL_BATCHNORM
    gamma, beta = np.array([3.0, 4.0, 5.0]), np.array([6.0, 7.0, 8.0])

    axes = (0, 2, 3)
    assert rel_error(x.mean(axis=axes), want["means before"]) < 1e-8
    assert rel_error(x.std(axis=axes), want["stds before"]) < 1e-8

    plain, _ = spatial_batchnorm_forward(x.copy(), A(3), np.zeros(3), training())
    scaled, _ = spatial_batchnorm_forward(x.copy(), gamma, beta, training())

    np.testing.assert_allclose(plain.mean(axis=axes), 0, atol=1e-13)
    np.testing.assert_allclose(plain.std(axis=axes), 1, rtol=1e-6)
    np.testing.assert_allclose(scaled.mean(axis=axes), beta, rtol=1e-12)
    np.testing.assert_allclose(scaled.std(axis=axes), gamma, rtol=1e-6)


@pytest.mark.exercise(id="cn-3.1")
def test_spatial_batchnorm_gives_the_published_statistics_in_test_mode(stream):
    bn_param, want = training(), reference.SPATIAL_BATCHNORM_TEST
    for _ in range(50):
        x = 2.3 * stream.randn(10, 4, 11, 12) + 13
        spatial_batchnorm_forward(x, A(4), np.zeros(4), bn_param)
    bn_param["mode"] = "test"

    x = 2.3 * stream.randn(10, 4, 11, 12) + 13
    out, _ = spatial_batchnorm_forward(x, A(4), np.zeros(4), bn_param)

    assert rel_error(out.mean(axis=(0, 2, 3)), want["means"]) < 1e-6  # as many digits are printed
    assert rel_error(out.std(axis=(0, 2, 3)), want["stds"]) < 1e-8


@pytest.mark.exercise(id="cn-3.3")
def test_groupnorm_gives_the_published_statistics(stream):
    x, want = 4 * stream.randn(2, 6, 4, 5) + 10, reference.GROUPNORM
    ones, before = A((1, 6, 1, 1)), x.reshape(4, -1)
    assert rel_error(before.mean(axis=1), want["means before"]) < 1e-8
    assert rel_error(before.std(axis=1), want["stds before"]) < 1e-8

    out, _ = spatial_groupnorm_forward(x, ones, 0 * ones, 2, {})

    after = out.reshape(4, -1)
    np.testing.assert_allclose(after.mean(axis=1), 0, atol=1e-13)
    np.testing.assert_allclose(after.std(axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize(
    ("forward", "backward", "channels", "shape", "more"),
    [
        of("cn-3.2", spatial_batchnorm_forward, spatial_batchnorm_backward, 3, (3,), (training,)),
        of(
            "cn-3.4",
            spatial_groupnorm_forward,
            spatial_groupnorm_backward,
            6,
            (1, 6, 1, 1),
            (lambda: 2, dict),
        ),
    ],
)
def test_normalization_gives_the_published_gradients(
    stream, forward, backward, channels, shape, more
):
    x = 5 * stream.randn(2, channels, 4, 5) + 12
    gamma, beta = stream.randn(*shape), stream.randn(*shape)
    dout = stream.randn(2, channels, 4, 5)

    def out(x=x, gamma=gamma, beta=beta):
        return forward(x, gamma, beta, *(make() for make in more))

    dx, dgamma, dbeta = backward(dout.copy(), out(x.copy())[1])

    np.testing.assert_allclose(dx, slope(lambda v: out(x=v)[0], x, dout), rtol=1e-6, atol=1e-9)
    assert rel_error(dgamma, slope(lambda v: out(gamma=v)[0], gamma, dout)) < 1e-9
    assert rel_error(dbeta, slope(lambda v: out(beta=v)[0], beta, dout)) < 1e-9


# --- gradients


@pytest.mark.exercise(id="cn-1.2")
@pytest.mark.parametrize(
    ("size", "window", "stride", "pad"),
    [((1, 2, 4, 3), (2, 3), 1, 0), ((2, 1, 3, 5), (3, 1), 2, 2), ((1, 1, 2, 2), (3, 4), 1, 1)],
)
def test_convolution_matches_slopes(size, window, stride, pad):
    rng = np.random.default_rng(1)
    inputs = [rng.standard_normal(s) for s in (size, (2, size[1], *window), (2,))]
    out, cache = conv_forward_naive(*inputs, steps(stride, pad))
    dout = rng.standard_normal(out.shape)

    gradients = conv_backward_naive(dout, cache)

    for i, got in enumerate(gradients):

        def changed(v, i=i):
            return conv_forward_naive(*inputs[:i], v, *inputs[i + 1 :], steps(stride, pad))[0]

        np.testing.assert_allclose(got, slope(changed, inputs[i], dout), **SLOPE)


@pytest.mark.exercise(id="cn-1.4")
@pytest.mark.parametrize("window", [(2, 3, 1), (3, 2, 2), (1, 1, 3)])
def test_pooling_matches_slopes(window):
    rng = np.random.default_rng(1)
    height, width, stride = window
    shape = (1, 2, height + 2 * stride, width + stride)
    x = rng.permutation(int(np.prod(shape))).reshape(shape) * 0.5
    out, cache = max_pool_forward_naive(x, windows(*window))
    dout = rng.standard_normal(out.shape)

    dx = max_pool_backward_naive(dout, cache)

    want = slope(lambda v: max_pool_forward_naive(v, windows(*window))[0], x, dout)
    np.testing.assert_allclose(dx, want, **SLOPE)


# --- properties


@pytest.mark.exercise(id="cn-1.1")
def test_convolution_of_a_shifted_image_is_the_shifted_convolution():
    rng = np.random.default_rng(1)
    x, w = rng.standard_normal((1, 2, 5, 6)), rng.standard_normal((3, 2, 3, 2))
    shifted = np.roll(x, (1, 2), axis=(2, 3))

    out, moved = (conv_forward_naive(v, w, np.zeros(3), steps())[0] for v in (x, shifted))

    np.testing.assert_allclose(moved[:, :, 1:, 2:], out[:, :, :-1, :-2], **EXACT)


@pytest.mark.exercise(id="cn-3.3")
def test_groupnorm_treats_each_image_on_its_own():
    rng = np.random.default_rng(1)
    x, ones = rng.standard_normal((3, 4, 2, 3)), A((1, 4, 1, 1))

    out, _ = spatial_groupnorm_forward(x.copy(), ones, 0 * ones, 2, {})
    one, _ = spatial_groupnorm_forward(x[1:2], ones, 0 * ones, 2, {})

    np.testing.assert_allclose(one, out[1:2], **EXACT)


# --- contracts


def conv(x=(1, 2, 4, 5), w=(3, 2, 3, 3), b=(3,), **options):
    return conv_forward_naive(A(x), A(w), A(b), {**steps(), **options})


def group(G, gamma=(1, 4, 1, 1)):
    return spatial_groupnorm_forward(A((2, 4, 3, 3)), A(gamma), A(gamma), G, {})


REFUSALS = [
    of("cn-1.1", lambda: conv(x=(2, 4, 5)), "x must hold images of shape (N, C, H, W), got (2, 4"),
    of("cn-1.1", lambda: conv(w=(3, 2, 3)), "w must have shape (F, C, HH, WW), got (3, 2, 3)"),
    of("cn-1.1", lambda: conv(w=(3, 1, 3, 3)), "has 2 channels, but the filters w (3, 1, 3, 3)"),
    of("cn-1.1", lambda: conv(b=(2,)), "b must have shape (3,), got (2,)"),
    of("cn-1.1", lambda: conv(w=(3, 2, 5, 3)), "filters of 5 rows are larger than images of 4 row"),
    of("cn-1.1", lambda: conv(stride=2), "a stride of 2 does not divide what filters of 3 rows"),
    of("cn-1.1", lambda: conv(stride=2), "4 - 3 = 1, 1 left over"),
    of("cn-1.1", lambda: conv(stride=0), "conv_param['stride'] must be at least 1, got 0"),
    of("cn-1.1", lambda: conv(pad=-1), "conv_param['pad'] must be at least 0, got -1"),
    of(
        "cn-1.1",
        lambda: conv_forward_naive(A((1, 1, 2, 2)), A((1, 1, 1, 1)), A(1), {"pad": 0}),
        "conv_param must hold 'stride', got ['pad']",
    ),
    of(
        "cn-1.3",
        lambda: max_pool_forward_naive(A((1, 2, 5, 4)), TILES),
        "a stride of 2 does not divide what windows of 2 rows leave of images of 5 rows",
    ),
    of(
        "cn-1.3",
        lambda: max_pool_forward_naive(A((1, 2, 2, 2)), windows(2, 3, 1)),
        "windows of 3 columns are larger than images of 2 columns",
    ),
    of(
        "cn-3.1",
        lambda: spatial_batchnorm_forward(A((2, 3, 4, 4)), A(4), A(4), training()),
        "gamma must have shape (3,), got (4,)",
    ),
    of(
        "cn-3.2",
        lambda: spatial_batchnorm_backward(A((2, 3, 4, 4)), None),
        "cache is None: spatial_batchnorm_forward ran in test mode",
    ),
    of("cn-3.3", lambda: group(3), "4 channels do not make 3 groups of one size"),
    of("cn-3.3", lambda: group(2, (4,)), "gamma must have shape (1, 4, 1, 1), got (4,)"),
]


@pytest.mark.parametrize(("call", "text"), REFUSALS)
def test_layer_refuses_and_says_what_it_got(call, text):
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # the text is compared below
        call()

    assert text in str(caught.value)


@pytest.mark.exercise(id="cn-1.1")
def test_convolution_refuses_whole_numbers():
    with pytest.raises(TypeError, match="x must hold floating-point numbers, got dtype int"):
        conv_forward_naive(A((1, 1, 2, 2), int), A((1, 1, 1, 1)), A(1), steps())

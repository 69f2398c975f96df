"""The given layers of images: published figures, measured slopes, contracts."""

from __future__ import annotations

import numpy as np
import pytest

from cs682.fast_layers import (
    conv_backward_fast,
    conv_forward_fast,
    max_pool_backward_fast,
    max_pool_forward_fast,
)
from cs682.layer_utils import (
    conv_bn_relu_backward,
    conv_bn_relu_forward,
    conv_relu_backward,
    conv_relu_forward,
    conv_relu_pool_backward,
    conv_relu_pool_forward,
)
from cs682.training.input_gradient import network_input
from tests.reference import table
from tests.slopes import of, rel_error, slope

# As published.
CONV_OUT = table("""2 3 2 2 |
    -0.08759809 -0.10987781 -0.18387192 -0.2109216 0.21027089 0.21661097 0.22847626 0.23004637
    0.50813986 0.54309974 0.64082444 0.67101435 -0.98053589 -1.03143541 -1.19128892 -1.24695841
    0.69108355 0.66880383 0.59480972 0.56776003 2.36270298 2.36904306 2.38090835 2.38247847""")
POOL_OUT = table("""2 3 2 2 |
    -0.26315789 -0.24842105 -0.20421053 -0.18947368 -0.14526316 -0.13052632 -0.08631579 -0.07157895
    -0.02736842 -0.01263158 0.03157895 0.04631579 0.09052632 0.10526316 0.14947368 0.16421053
    0.20842105 0.22315789 0.26736842 0.28210526 0.32631579 0.34105263 0.38526316 0.4""")

CONVS = {  # shapes of images and filters, stride, pad
    "published": ((4, 3, 5, 5), (2, 3, 3, 3), 1, 1),
    "no pad": ((2, 3, 6, 7), (4, 3, 3, 2), 1, 0),
    "pad 2, stride 3": ((2, 2, 5, 8), (3, 2, 3, 6), 3, 2),
    "stride over filters": ((2, 2, 7, 4), (3, 2, 1, 1), 3, 0),
    "as large as the image": ((1, 2, 3, 5), (2, 2, 3, 5), 2, 0),
    "one pixel": ((1, 1, 1, 1), (1, 1, 1, 1), 1, 0),
    "more channels than columns": ((2, 7, 4, 3), (3, 7, 3, 3), 1, 1),
}
POOLS = {  # shape of images, height, width and stride of windows
    "published": ((3, 2, 8, 8), 2, 2, 2),
    "overlapping": ((2, 2, 7, 5), 3, 3, 2),
    "rectangular": ((2, 3, 8, 7), 2, 1, 3),
    "by one pixel": ((1, 2, 4, 6), 2, 3, 1),
    "as large as the image": ((2, 2, 3, 5), 3, 5, 2),
}


def draw(*shapes, dtype=np.float64):
    rng = np.random.default_rng(682)
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


def conv_case(name, dtype=np.float64):
    x, w, stride, pad = CONVS[name]
    return (*draw(x, w, w[:1], dtype=dtype), {"stride": stride, "pad": pad})


def pool_case(name, dtype=np.float64):
    """Give images without two pixels alike, and the windows."""
    shape, height, width, stride = POOLS[name]
    x = np.random.default_rng(682).permutation(np.prod(shape)).reshape(shape).astype(dtype)
    return x / 10, {"pool_height": height, "pool_width": width, "stride": stride}


def layout_of(array):
    """Tell which axis lies outside which in memory."""
    return np.argsort(array.strides)[::-1].tolist()


def test_conv_forward_gives_published_values():
    x = np.linspace(-0.1, 0.5, 96).reshape(2, 3, 4, 4)
    w = np.linspace(-0.2, 0.3, 144).reshape(3, 3, 4, 4)
    out, _ = conv_forward_fast(x, w, np.linspace(-0.1, 0.2, 3), {"stride": 2, "pad": 1})

    assert rel_error(out, CONV_OUT) < 1e-7  # eight decimals were published


def test_pool_forward_gives_published_values():
    x = np.linspace(-0.3, 0.4, 96).reshape(2, 3, 4, 4)
    out, _ = max_pool_forward_fast(x, {"pool_height": 2, "pool_width": 2, "stride": 2})

    assert rel_error(out, POOL_OUT) < 1e-6  # eight decimals of values down to 0.01


@pytest.mark.parametrize("name", CONVS)
def test_conv_backward_is_the_slope(name):
    x, w, b, param = conv_case(name)
    out, cache = conv_forward_fast(x, w, b, param)
    (dout,) = draw(out.shape)

    dx, dw, db = conv_backward_fast(dout, cache)

    assert rel_error(dx, slope(lambda v: conv_forward_fast(v, w, b, param)[0], x, dout)) < 1e-6
    assert rel_error(dw, slope(lambda v: conv_forward_fast(x, v, b, param)[0], w, dout)) < 1e-6
    assert rel_error(db, slope(lambda v: conv_forward_fast(x, w, v, param)[0], b, dout)) < 1e-6


@pytest.mark.parametrize("name", POOLS)
def test_pool_backward_is_the_slope(name):
    x, param = pool_case(name)
    out, cache = max_pool_forward_fast(x, param)
    (dout,) = draw(out.shape)

    dx = max_pool_backward_fast(dout, cache)

    assert rel_error(dx, slope(lambda v: max_pool_forward_fast(v, param)[0], x, dout)) < 1e-8


@pytest.mark.parametrize("rows", [1, 2000])
def test_conv_is_the_same_however_many_images_are_laid_out_at_a_time(rows, monkeypatch):
    x, w, b, param = conv_case("published")
    out, cache = conv_forward_fast(x, w, b, param)
    grads = conv_backward_fast(out, cache)
    monkeypatch.setattr("cs682.fast_layers.ROWS_BYTES", rows)

    again, _ = conv_forward_fast(x, w, b, param)

    np.testing.assert_allclose(again, out, rtol=1e-12)
    for got, want in zip(conv_backward_fast(out, cache), grads, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-10)


def test_the_first_of_equal_pixels_gets_the_gradient():
    x, param = np.zeros((1, 1, 2, 4)), {"pool_height": 2, "pool_width": 2, "stride": 2}
    x[..., 2:] = [[1, 5], [5, 5]]
    out, cache = max_pool_forward_fast(x, param)

    dx = max_pool_backward_fast(np.array([[[[3.0, 7.0]]]]), cache)

    np.testing.assert_array_equal(dx[0, 0], [[3, 0, 0, 7], [0, 0, 0, 0]])
    np.testing.assert_array_equal(out[0, 0], [[0, 5]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("order", ["channels second", "channels last"])
def test_layers_keep_the_dtype_and_change_no_input(dtype, order):
    x, w, b, param = conv_case("no pad", dtype)
    if order == "channels last":
        x = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    pool = {"pool_height": 2, "pool_width": 2, "stride": 2}
    given = [x, w, b]
    before = [array.copy() for array in given]

    out, cache = conv_forward_fast(x, w, b, param)
    pooled, pool_cache = max_pool_forward_fast(out, pool)
    dout = max_pool_backward_fast(pooled, pool_cache)
    results = [out, pooled, dout, *conv_backward_fast(dout, cache)]

    assert {array.dtype for array in results} == {np.dtype(dtype)}
    for array, copy in zip(given, before, strict=True):
        np.testing.assert_array_equal(array, copy)
    assert cache[0] is x
    assert pool_cache[0] is out


def test_pooling_leaves_images_in_memory_as_they_lie():
    x, param = pool_case("published")
    last = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)

    out, cache = max_pool_forward_fast(last, param)

    assert layout_of(out) == layout_of(max_pool_backward_fast(out, cache)) == [0, 2, 3, 1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"w": (2, 3, 5, 9)}, "9 columns .* larger than images of 5 columns and a pad of 1"),
        ({"stride": 3}, "stride of 3 does not divide .* 5 rows .* 4, 1 left over"),
        ({"w": (2, 4, 3, 3)}, "3 channels, .* expect 4"),
        ({"b": (3,)}, r"b must have shape \(2,\), got \(3,\)"),
        ({"stride": 0}, r"conv_param\['stride'\] must be at least 1, got 0"),
        ({"pad": -1}, r"conv_param\['pad'\] must be at least 0, got -1"),
    ],
)
def test_conv_refuses_what_does_not_fit(change, message):
    shapes = {"x": (4, 3, 5, 5), "w": (2, 3, 3, 3), "b": (2,), "stride": 1, "pad": 1, **change}
    arrays = draw(shapes["x"], shapes["w"], shapes["b"])

    with pytest.raises(ValueError, match=message):
        conv_forward_fast(*arrays, {"stride": shapes["stride"], "pad": shapes["pad"]})


@pytest.mark.parametrize(
    ("window", "message"),
    [
        ((6, 2, 1), "windows of 6 rows are larger than images of 5 rows"),
        ((2, 2, 2), "stride of 2 does not divide .* of 2 rows .* of 5 rows: 5 - 2 = 3, 1 left"),
    ],
)
def test_pooling_refuses_what_does_not_fit(window, message):
    param = dict(zip(("pool_height", "pool_width", "stride"), window, strict=True))

    with pytest.raises(ValueError, match=message):
        max_pool_forward_fast(*draw((1, 1, 5, 6)), param)


def test_backward_passes_refuse_gradients_of_another_shape():
    x, w, b, param = conv_case("published")
    _, cache = conv_forward_fast(x, w, b, param)
    _, pool_cache = max_pool_forward_fast(*pool_case("published"))

    with pytest.raises(ValueError, match=r"dout must have shape \(4, 2, 5, 5\), got"):
        conv_backward_fast(x, cache)
    with pytest.raises(ValueError, match=r"dout must have shape \(3, 2, 4, 4\), got"):
        max_pool_backward_fast(x, pool_cache)


def test_a_network_s_first_layer_spares_dx_and_nothing_else():
    x, w, b, param = conv_case("published")
    out, cache = conv_forward_fast(x, w, b, param)
    dx, dw, db = conv_backward_fast(out, cache)

    with network_input(x):
        spared = conv_backward_fast(out, cache)
        other = conv_backward_fast(out, (x.copy(), *cache[1:]))

    assert spared[0].shape == x.shape
    assert not spared[0].any()
    for got, want in zip((other[0], *spared[1:]), (dx, dw, db), strict=True):
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize(
    ("forward", "backward", "params"),
    [
        of("fc-1.4", conv_relu_forward, conv_relu_backward, (), name="conv_relu"),
        of(
            "fc-1.4",
            conv_relu_pool_forward,
            conv_relu_pool_backward,
            ({"pool_height": 2, "pool_width": 2, "stride": 2},),
            name="conv_relu_pool",
        ),
    ],
)
def test_sandwiches_go_back_by_the_slope(forward, backward, params):
    x, w, b = draw((2, 3, 6, 8), (3, 3, 3, 3), (3,))
    conv_param = {"stride": 1, "pad": 1}
    out, cache = forward(x, w, b, conv_param, *params)
    (dout,) = draw(out.shape)

    grads = backward(dout, cache)

    for k, got in enumerate(grads):
        arrays = [x, w, b]

        def run(value, k=k, arrays=arrays):
            return forward(*arrays[:k], value, *arrays[k + 1 :], conv_param, *params)[0]

        assert rel_error(got, slope(run, arrays[k], dout)) < 1e-6


@pytest.mark.exercise(id="cn-3.2")
def test_sandwich_with_batch_norm_goes_back_by_the_slope():
    arrays = draw((2, 3, 4, 5), (3, 3, 3, 3), (3,), (3,), (3,))

    def run(*arrays):
        return conv_bn_relu_forward(*arrays, {"stride": 1, "pad": 1}, {"mode": "train"})

    out, cache = run(*arrays)
    (dout,) = draw(out.shape)

    for k, got in enumerate(conv_bn_relu_backward(dout, cache)):

        def moved(value, k=k):
            return run(*arrays[:k], value, *arrays[k + 1 :])[0]

        want = slope(moved, arrays[k], dout)
        np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-8)  # db is zero

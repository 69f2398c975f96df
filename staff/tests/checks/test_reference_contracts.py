"""What the reference does beyond what an exercise asks for: `check` at most advises on it."""

from __future__ import annotations

import numpy as np
import pytest

from cs682.layers import (
    affine_backward,
    affine_forward,
    batchnorm_backward,
    batchnorm_backward_alt,
    batchnorm_forward,
    conv_forward_naive,
    dropout_backward,
    dropout_forward,
    layernorm_backward,
    layernorm_forward,
    max_pool_forward_naive,
    relu_backward,
    relu_forward,
    softmax_loss,
    spatial_batchnorm_forward,
    spatial_groupnorm_forward,
    svm_loss,
)
from tests.exercises.test_layer_contracts import (
    CALLS,
    EPS,
    LABELS,
    RUNNING,
    as_tuple,
    draws,
    norm,
    norm_args,
    running,
)

DROP = {"mode": "train", "p": 0.5, "seed": 0}
TRAIN = {"mode": "train"}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("call", "shapes"), [rest for _, *rest in CALLS.values()], ids=CALLS)
def test_layer_keeps_dtype_and_writes_to_no_argument(call, shapes, dtype):
    results = as_tuple(call(draws(dtype, writeable=False)))

    assert tuple(result.shape for result in results) == shapes
    assert {result.dtype for result in results} == {np.dtype(dtype)}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_batchnorm_forward_keeps_running_statistics_in_the_dtype_of_x(dtype):
    draw, bn_param = draws(dtype, writeable=False), {"mode": "train", **EPS}

    for _ in range(2):
        batchnorm_forward(draw(3, 4), draw(4), draw(4), bn_param)

    for key, shape in RUNNING.items():
        assert bn_param[key].shape == shape
        assert bn_param[key].dtype == dtype
    assert set(bn_param) == {"mode", *EPS, *RUNNING}


def test_batchnorm_forward_replaces_running_statistics():
    draw = draws(writeable=False)
    bn_param = {"mode": "train", **running(draw)}
    kept = {key: bn_param[key] for key in RUNNING}
    before = {key: value.copy() for key, value in kept.items()}

    batchnorm_forward(draw(3, 4), draw(4), draw(4), bn_param)

    for key in RUNNING:
        assert bn_param[key] is not kept[key]
        np.testing.assert_array_equal(kept[key], before[key])


@pytest.mark.parametrize(
    ("backward", "forward", "give"),
    [
        (affine_backward, affine_forward, lambda d: (d(3, 4), d(4, 4), d(4))),
        (relu_backward, relu_forward, lambda d: (d(3, 4),)),
        (batchnorm_backward, batchnorm_forward, lambda d: norm_args(d, **TRAIN)),
        (batchnorm_backward_alt, batchnorm_forward, lambda d: norm_args(d, **TRAIN)),
        (layernorm_backward, layernorm_forward, norm_args),
        (dropout_backward, dropout_forward, lambda d: (d(3, 4), DROP)),
        (dropout_backward, dropout_forward, lambda d: (d(3, 4), {**DROP, "mode": "test"})),
    ],
)
def test_backward_gives_the_same_twice(backward, forward, give):
    draw = draws(writeable=False)
    _, cache = forward(*give(draw))
    dout = draw(3, 4)

    first, second = as_tuple(backward(dout, cache)), as_tuple(backward(dout, cache))

    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss_function", [softmax_loss, svm_loss])
def test_loss_keeps_dtype_and_shape_and_writes_to_no_argument(loss_function, dtype):
    x, y = draws(dtype, writeable=False)(3, 4), LABELS.copy()
    y.flags.writeable = False

    loss, dx = loss_function(x, y)

    assert dx.shape == x.shape
    assert dx.dtype == dtype
    assert type(loss) is float


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "call",
    [
        lambda d: conv_forward_naive(d(2, 2, 4, 4), d(2, 2, 3, 3), d(2), {"stride": 1, "pad": 0}),
        lambda d: max_pool_forward_naive(
            d(2, 2, 4, 4), {"pool_height": 2, "pool_width": 2, "stride": 1}
        ),
        lambda d: spatial_batchnorm_forward(d(2, 2, 4, 4), d(2), d(2), dict(TRAIN)),
        lambda d: spatial_groupnorm_forward(d(2, 2, 4, 4), d(1, 2, 1, 1), d(1, 2, 1, 1), 2, {}),
    ],
    ids=["conv", "max_pool", "spatial_batchnorm", "spatial_groupnorm"],
)
def test_layer_of_images_keeps_dtype_and_writes_to_no_argument(call, dtype):
    out, _ = call(draws(dtype, writeable=False))

    assert out.dtype == dtype
    assert out.shape[:2] == (2, 2)


def test_layers_cache_the_arrays_that_they_document():
    draw = draws()
    x, w, images, filters = draw(3, 4), draw(4, 5), draw(1, 1, 2, 2), draw(1, 1, 1, 1)

    _, cache = affine_forward(x, w, draw(5))

    assert len(cache) == 3
    assert cache[0] is x
    assert cache[1] is w
    assert relu_forward(x)[1] is x
    assert conv_forward_naive(images, filters, draw(1), {"stride": 1, "pad": 0})[1][0] is images
    assert dropout_forward(x, {**DROP, "mode": "test"})[1][1] is None


def test_batch_normalization_caches_nothing_in_test_mode():
    ones, images = np.ones(3), np.ones((2, 3, 4, 5))

    assert batchnorm_forward(np.ones((2, 3)), ones, ones, {"mode": "test"})[1] is None
    assert spatial_batchnorm_forward(images, ones, ones, {"mode": "test"})[1] is None


def test_relu_forward_bears_infinities_and_tiny_values():
    out, _ = relu_forward(np.array([-np.inf, -2.0, -0.0, 1e-300, np.inf]))

    np.testing.assert_array_equal(out, [0, 0, 0, 1e-300, np.inf])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("row", [[1e4, -1e4, 0], [-1e4, -1e4, -1e4], [1e4, 1e4, -1e4]])
def test_softmax_loss_shifts_each_row_by_its_own_maximum(row, dtype):
    loss, dx = softmax_loss(np.array([row, [0, 1, 2]], dtype=dtype), np.array([0, 0]))

    own = max(row) - row[0] + np.log(row.count(max(row)))
    other = np.log(np.exp([0, 1, 2]).sum())
    assert loss == pytest.approx((own + other) / 2, rel=1e-6)
    assert np.isfinite(dx).all()


def test_layernorm_forward_leaves_its_dict_alone():
    ln_param = {"eps": 1e-3, "mode": "train"}  # the course's notebook passes a mode

    layernorm_forward(np.ones((2, 3)), np.ones(3), np.zeros(3), ln_param)

    assert ln_param == {"eps": 1e-3, "mode": "train"}


def test_dropout_forward_draws_one_number_per_value_from_the_global_stream():
    before = np.random.get_state()  # noqa: NPY002  # published figures depend on this
    np.random.seed(9)  # noqa: NPY002  # as above

    out, _ = dropout_forward(np.ones((2, 3)), {"mode": "train", "p": 0.5})

    np.random.set_state(before)  # noqa: NPY002  # as above
    np.testing.assert_array_equal(out, [[2, 0, 2], [2, 2, 2]])


@pytest.mark.parametrize(
    "call",
    [
        lambda d: affine_backward(
            d, affine_forward(np.ones((3, 2)), np.ones((2, 4)), np.ones(4))[1]
        ),
        lambda d: relu_backward(d, relu_forward(np.ones((3, 4)))[1]),
        lambda d: batchnorm_backward(d, norm(batchnorm_forward, mode="train")[1]),
        lambda d: batchnorm_backward_alt(d, norm(batchnorm_forward, mode="train")[1]),
        lambda d: layernorm_backward(d, norm(layernorm_forward)[1]),
        lambda d: dropout_backward(d, ({}, np.ones((3, 4)))),
    ],
    ids=["affine", "relu", "batchnorm", "batchnorm_alt", "layernorm", "dropout"],
)
def test_backward_refuses_a_dout_of_another_shape(call):
    with pytest.raises(ValueError, match=r"dout must have shape \(3, 4\), got \(4, 3\)"):
        call(np.ones((4, 3)))


def test_dropout_backward_follows_the_mask_even_if_the_mode_has_changed():
    param = {"mode": "train", "p": 0.5, "seed": 1}
    _, cache = dropout_forward(np.ones((2, 3)), param)
    param["mode"] = "test"  # what a network does before the next forward pass

    dx = dropout_backward(np.full((2, 3), 3.0), cache)

    np.testing.assert_array_equal(dx, [[6, 0, 6], [6, 6, 6]])


def test_batchnorm_forward_stays_exact_far_from_zero():
    x = np.array([[1.0, 0.0], [1.0, 21.0], [4.0, 0.0]]) + 1e9 / 7
    # E[x^2] - E[x]^2 would lose every digit of the variance

    out, _ = batchnorm_forward(x, np.ones(2), np.zeros(2), {"mode": "train", "eps": 2})

    np.testing.assert_allclose(out, [[-0.5, -0.7], [-0.5, 1.4], [1.0, -0.7]], rtol=1e-6)


def test_relu_backward_stops_at_zero():
    dx = relu_backward(np.array([2.0, 4.0]), np.array([0.0, 7.0]))

    np.testing.assert_array_equal(dx, [0, 4])


def stream_state():
    _, keys, position, *rest = np.random.get_state()  # noqa: NPY002  # the masks' source
    return keys.tolist(), position, rest


@pytest.mark.parametrize("seed", [None, 5])
def test_dropout_forward_leaves_its_dict_alone_and_with_a_seed_the_global_stream(seed):
    param = {"mode": "train", "p": 0.5} | ({} if seed is None else {"seed": seed})
    before, stream = dict(param), stream_state()

    dropout_forward(np.ones((2, 3)), param)

    assert (stream_state() != stream) == (seed is None)
    assert param == before

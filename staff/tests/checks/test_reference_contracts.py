"""What the reference does beyond what an exercise asks for: `check` at most advises on it."""

from __future__ import annotations

import numpy as np
import pytest

from cs682.layers import (
    batchnorm_backward,
    batchnorm_backward_alt,
    batchnorm_forward,
    dropout_backward,
    dropout_forward,
    layernorm_backward,
    layernorm_forward,
    relu_backward,
)
from tests.exercises.test_layer_contracts import CALLS, EPS, RUNNING, as_tuple, draws, norm, running


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
        lambda d: batchnorm_backward(d, norm(batchnorm_forward, mode="train")[1]),
        lambda d: batchnorm_backward_alt(d, norm(batchnorm_forward, mode="train")[1]),
        lambda d: layernorm_backward(d, norm(layernorm_forward)[1]),
        lambda d: dropout_backward(d, ({}, np.ones((3, 4)))),
    ],
    ids=["batchnorm", "batchnorm_alt", "layernorm", "dropout"],
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

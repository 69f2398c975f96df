"""The layers: values by hand, gradients by differences, and what every one of them promises."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cs682.layers import (
    affine_backward,
    affine_forward,
    batchnorm_backward,
    batchnorm_backward_alt,
    batchnorm_forward,
    dropout_backward,
    dropout_forward,
    layernorm_backward,
    layernorm_forward,
    relu_backward,
    relu_forward,
    softmax_loss,
    svm_loss,
)
from tests.slopes import of, slope

SLOPE = {"rtol": 1e-6, "atol": 1e-8}  # float64, h = 1e-5: about 1e-9 of the largest term
EXACT = {"rtol": 1e-12, "atol": 1e-14}  # float64, a handful of operations
sizes = st.tuples(st.integers(1, 6), st.integers(1, 5), st.integers(0, 2**32 - 1))
property_test = settings(max_examples=25, derandomize=True, deadline=None)
TRAIN, TEST = {"mode": "train"}, {"mode": "test"}


def drop(p, **options):
    return {"mode": "train", "p": p, **options}


# --- values

# Mean 2 and variance 2, mean 7 and variance 98: with eps = 2 the roots are 2 and 10.
X_NORM = np.array([[1.0, 0.0], [1.0, 21.0], [4.0, 0.0]])
NORMALIZED = np.array([[-0.5, -0.7], [-0.5, 1.4], [1.0, -0.7]])
STRETCHED = np.array([[0.0, -8.0], [0.0, 13.0], [3.0, -8.0]])  # by these:
GAMMA, BETA = np.array([2.0, 10.0]), np.array([1.0, -1.0])


@pytest.mark.exercise(id="fc-1.1")
def test_affine_forward_flattens_each_example_and_adds_the_bias():
    x = np.array([[[1.0, 2.0], [3.0, 4.0]], [[0.0, -1.0], [0.5, 2.0]]])  # (2, 2, 2)
    w = np.array([[1.0, 0.0, 2.0], [0.0, 1.0, 2.0], [1.0, 0.0, 0.0], [0.0, 10.0, 0.0]])

    out, _ = affine_forward(x, w, np.array([0.5, -1.0, 0.0]))

    np.testing.assert_allclose(out, [[4.5, 41.0, 6.0], [1.0, 18.0, -2.0]], **EXACT)


@pytest.mark.exercise(id="fc-1.2")
def test_affine_backward_of_a_single_example():
    x, w = np.array([[[2.0], [3.0]]]), np.array([[1.0, 10.0], [-1.0, 5.0]])
    _, cache = affine_forward(x, w, np.zeros(2))

    dx, dw, db = affine_backward(np.array([[1.0, 0.5]]), cache)

    np.testing.assert_allclose(dx, [[[6.0], [1.5]]], **EXACT)
    np.testing.assert_allclose(dw, [[2.0, 1.0], [3.0, 1.5]], **EXACT)
    np.testing.assert_allclose(db, [1.0, 0.5], **EXACT)


@pytest.mark.exercise(id="fc-1.3")
def test_relu_forward_keeps_positive_values_only():
    out, _ = relu_forward(np.array([-2.0, -0.5, -0.0, 0.0, 0.25, 3.0]))

    np.testing.assert_allclose(out, [0, 0, 0, 0, 0.25, 3], **EXACT)


@pytest.mark.exercise(id="fc-1.4")
def test_relu_backward_stops_where_x_was_negative():
    _, cache = relu_forward(np.array([-1.0, -0.1, 0.5, 7.0]))

    dx = relu_backward(np.array([1.0, 2.0, -3.0, 4.0]), cache)

    np.testing.assert_array_equal(dx, [0, 0, -3, 4])


@pytest.mark.exercise(id="bn-1.1")
def test_batchnorm_forward_normalizes_each_column_in_train_mode():
    bn_param = {"mode": "train", "eps": 2, "momentum": 0.75}

    out, _ = batchnorm_forward(X_NORM.copy(), GAMMA, BETA, bn_param)

    np.testing.assert_allclose(out, STRETCHED, **EXACT)
    np.testing.assert_allclose(bn_param["running_mean"], [0.5, 1.75], **EXACT)
    np.testing.assert_allclose(bn_param["running_var"], [0.5, 24.5], **EXACT)


@pytest.mark.exercise(id="bn-1.2")
def test_batchnorm_forward_uses_running_statistics_in_test_mode():
    mean, var = np.array([1.0, 2.0]), np.array([2.0, 7.0])
    bn_param = {"mode": "test", "eps": 2, "running_mean": mean, "running_var": var}

    out, _ = batchnorm_forward(np.array([[3.0, 5.0], [1.0, -4.0]]), GAMMA, BETA, bn_param)

    np.testing.assert_allclose(out, [[3, 9], [1, -21]], **EXACT)
    np.testing.assert_array_equal(bn_param["running_mean"], [1, 2])
    np.testing.assert_array_equal(bn_param["running_var"], [2, 7])


@pytest.mark.exercise(id="bn-1.1")
def test_batchnorm_forward_averages_from_zero_over_steps():
    bn_param = {"mode": "train", "momentum": 0.5}
    for column in ([0.0, 2.0], [2.0, 6.0]):  # means 1, 4; variances 1, 4
        batchnorm_forward(np.array(column)[:, None], np.ones(1), np.zeros(1), bn_param)

    np.testing.assert_allclose(bn_param["running_mean"], [2.25], **EXACT)
    np.testing.assert_allclose(bn_param["running_var"], [2.25], **EXACT)


@pytest.mark.exercise(id="bn-3.1")
def test_layernorm_forward_normalizes_each_row():
    gamma, beta = np.array([1.0, 2.0, 10.0]), np.array([0.0, 1.0, -1.0])

    out, _ = layernorm_forward(X_NORM.T.copy(), gamma, beta, {"eps": 2})

    np.testing.assert_allclose(out, [[-0.5, 0, 9], [-0.7, 3.8, -8]], **EXACT)


@pytest.mark.exercise(id="do-1.1")
def test_dropout_forward_divides_what_it_keeps_by_p():
    x = np.arange(1.0, 13.0).reshape(3, 4)

    out, _ = dropout_forward(x.copy(), drop(0.4, seed=3))

    kept = out != 0
    assert 0 < kept.sum() < x.size
    np.testing.assert_allclose(out[kept], x[kept] / 0.4, **EXACT)


@pytest.mark.exercise(id="do-1.2")
def test_dropout_forward_returns_its_input_in_test_mode():
    x = np.arange(6.0).reshape(2, 3)

    out, _ = dropout_forward(x, {"mode": "test", "p": 0.4})

    np.testing.assert_array_equal(out, x)


@pytest.mark.exercise(id="fc-1.6")
def test_softmax_loss_is_the_mean_cross_entropy_in_nats():
    x = np.array([[0.0, math.log(3)], [0.0, math.log(3)]])  # probabilities 1/4, 3/4

    loss, dx = softmax_loss(x, np.array([1, 0]))

    assert loss == pytest.approx((math.log(4 / 3) + math.log(4)) / 2, rel=1e-14)
    np.testing.assert_allclose(dx, [[0.125, -0.125], [-0.375, 0.375]], **EXACT)
    assert type(loss) is float


@pytest.mark.exercise(id="fc-1.6")
def test_svm_loss_counts_margins_below_one():
    x = np.array([[2.0, 1.5, 0.0], [0.0, 3.0, 1.0]])

    loss, dx = svm_loss(x, np.array([0, 2]))  # margins 0.5, -1; 0, 3

    assert loss == pytest.approx((0.5 + 0 + 3) / 2, rel=1e-14)
    np.testing.assert_allclose(dx, [[-0.5, 0.5, 0], [0, 0.5, -0.5]], **EXACT)
    assert type(loss) is float


# --- gradients


def normals(*shapes):
    rng = np.random.default_rng(682)
    return [rng.standard_normal(shape) for shape in shapes]


@pytest.mark.exercise(id="fc-1.2")
@pytest.mark.parametrize(("shape", "M"), [((1, 3), 2), ((4, 2, 3), 5), ((3, 2, 1, 2), 1)])
def test_affine_backward_matches_slopes(shape, M):
    x, w, b, dout = normals(shape, (math.prod(shape[1:]), M), M, (shape[0], M))

    dx, dw, db = affine_backward(dout, affine_forward(x, w, b)[1])

    np.testing.assert_allclose(dx, slope(lambda v: affine_forward(v, w, b)[0], x, dout), **SLOPE)
    np.testing.assert_allclose(dw, slope(lambda v: affine_forward(x, v, b)[0], w, dout), **SLOPE)
    np.testing.assert_allclose(db, slope(lambda v: affine_forward(x, w, v)[0], b, dout), **SLOPE)


@pytest.mark.exercise(id="fc-1.4")
@pytest.mark.parametrize("shape", [(5,), (3, 4), (2, 3, 2, 2)])
def test_relu_backward_matches_slopes(shape):
    x, dout = normals(shape, shape)
    x[np.abs(x) < 1e-3] = 0.1  # the step must not straddle the kink

    want = slope(lambda v: relu_forward(v)[0], x, dout)

    dx = relu_backward(dout, relu_forward(x)[1])

    np.testing.assert_allclose(dx, want, **SLOPE)


@pytest.mark.parametrize("eps", [1e-5, 0.5])
@pytest.mark.parametrize(("N", "D"), [(4, 3), (3, 7), (2, 1)])
@pytest.mark.parametrize(
    ("backward", "forward", "param"),
    [
        of("bn-1.3", batchnorm_backward, batchnorm_forward, TRAIN),
        of("bn-1.4", batchnorm_backward_alt, batchnorm_forward, TRAIN),
        of("bn-3.2", layernorm_backward, layernorm_forward, {}),
    ],
)
def test_norm_backward_matches_slopes(backward, forward, param, N, D, eps):
    x, gamma, beta, dout = normals((N, D), D, D, (N, D))
    x = 3 * x + 5

    def out(x=x, gamma=gamma, beta=beta):
        return forward(x.copy(), gamma, beta, {**param, "eps": eps})[0]

    got = backward(dout.copy(), forward(x.copy(), gamma, beta, {**param, "eps": eps})[1])

    for grad, name, value in zip(got, ("x", "gamma", "beta"), (x, gamma, beta), strict=True):
        want = slope(lambda v, name=name: out(**{name: v}), value, dout)
        np.testing.assert_allclose(grad, want, **SLOPE)


@pytest.mark.exercise(id="do-1.3")
@pytest.mark.parametrize("shape", [(6,), (3, 4), (2, 3, 2, 2)])
def test_dropout_backward_matches_slopes(shape):
    (x, dout), param = normals(shape, shape), drop(0.6, seed=7)

    want = slope(lambda v: dropout_forward(v, param)[0], x, dout)

    dx = dropout_backward(dout, dropout_forward(x, param)[1])

    assert want.any()
    np.testing.assert_allclose(dx, want, **SLOPE)


@pytest.mark.exercise(id="do-1.3")
def test_dropout_backward_hands_dout_on_in_test_mode():
    x, dout = normals((2, 3), (2, 3))

    _, cache = dropout_forward(x, {"mode": "test", "p": 0.4})

    np.testing.assert_array_equal(dropout_backward(dout, cache), dout)


@pytest.mark.exercise(id="fc-1.6")
@pytest.mark.parametrize("loss_function", [softmax_loss, svm_loss])
@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (5, 3)])
def test_loss_gradients_match_slopes(loss_function, shape):
    (x,), y = normals(shape), np.arange(shape[0]) % shape[1]

    _, dx = loss_function(x, y)

    want = slope(lambda v: loss_function(v, y)[0], x)
    np.testing.assert_allclose(dx, want, rtol=1e-6, atol=1e-9)


# --- properties


@pytest.mark.exercise(id="bn-1.1")
@property_test
@given(sizes)
def test_batchnorm_forward_gives_mean_zero_and_variance_one(size):
    N, D, seed = size
    x = np.random.default_rng(seed).standard_normal((N + 1, D)) * 100 + 30

    out, _ = batchnorm_forward(x, np.ones(D), np.zeros(D), {"mode": "train", "eps": 0.0})

    np.testing.assert_allclose(out.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(out.var(axis=0), 1, rtol=1e-9)


@pytest.mark.exercise(id="bn-3.1")
@property_test
@given(sizes)
def test_layernorm_forward_treats_each_example_on_its_own(size):
    N, D, seed = size
    x = np.random.default_rng(seed).standard_normal((N, D + 1)) * 100 + 30
    gamma, beta, kept = np.ones(D + 1), np.zeros(D + 1), x.copy()

    out, _ = layernorm_forward(x, gamma, beta, {"eps": 0.0})

    np.testing.assert_allclose(out.mean(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(out.var(axis=1), 1, rtol=1e-9)
    alone = [layernorm_forward(row[None], gamma, beta, {"eps": 0.0})[0][0] for row in kept]
    np.testing.assert_allclose(out, alone, rtol=1e-12, atol=1e-13)


@pytest.mark.exercise(id="bn-1.2")
def test_batchnorm_forward_differs_between_modes():
    bn_param = {"mode": "train"}
    in_train, _ = batchnorm_forward(X_NORM.copy(), GAMMA, BETA, bn_param)

    in_test, _ = batchnorm_forward(X_NORM.copy(), GAMMA, BETA, {**bn_param, "mode": "test"})

    assert not np.allclose(in_train, in_test)


@pytest.mark.exercise(id="bn-1.1")
def test_batchnorm_forward_of_one_example_is_beta():
    out, _ = batchnorm_forward(np.array([[5.0, -3.0]]), GAMMA, BETA, {"mode": "train"})

    np.testing.assert_allclose(out, BETA[None], **EXACT)


@pytest.mark.parametrize(
    "backward", [of("bn-1.3", batchnorm_backward), of("bn-1.4", batchnorm_backward_alt)]
)
def test_batchnorm_backward_of_one_example_is_zero(backward):
    _, cache = batchnorm_forward(np.array([[5.0, -3.0]]), GAMMA, BETA, {"mode": "train"})

    dx, dgamma, _ = backward(np.ones((1, 2)), cache)

    np.testing.assert_allclose(dx, np.zeros((1, 2)), atol=1e-12)
    np.testing.assert_allclose(dgamma, np.zeros(2), atol=1e-12)


@pytest.mark.exercise(id="do-1.1")
@pytest.mark.parametrize("p", [0.2, 0.5, 0.9])
def test_dropout_forward_keeps_the_expectation_and_drops_independently(p):
    out, _ = dropout_forward(np.ones((300, 400)), drop(p, seed=682))
    kept = out != 0

    # five standard deviations of 120,000 draws, of a row's 400 and of the pairs
    assert abs(kept.mean() - p) < 5 * math.sqrt(p * (1 - p) / kept.size)
    assert abs(out.mean() - 1) < 5 * math.sqrt((1 - p) / p / kept.size)
    for axis, n in ((0, 300), (1, 400)):
        assert kept.mean(axis=axis).std() == pytest.approx(math.sqrt(p * (1 - p) / n), rel=0.2)
    same = (kept[1:] == kept[:-1]).mean()
    assert abs(same - (p**2 + (1 - p) ** 2)) < 5 * 0.5 / math.sqrt(kept.size / 2)


@pytest.mark.exercise(id="do-1.1")
def test_dropout_forward_draws_anew_without_a_seed_and_again_with_one():
    same = [dropout_forward(np.ones(64), drop(0.5, seed=1))[0] for _ in range(2)]
    fresh = [dropout_forward(np.ones(64), drop(0.5))[0] for _ in range(2)]

    np.testing.assert_array_equal(*same)
    assert not np.array_equal(*fresh)
    np.testing.assert_array_equal(dropout_forward(np.ones(64), drop(1))[0], np.ones(64))


@pytest.mark.exercise(id="fc-1.6")
@property_test
@given(sizes, st.floats(-1e3, 1e3))
def test_losses_do_not_change_when_a_row_is_shifted(size, shift):
    N, C, seed = size
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((N, C)), rng.integers(0, C, N)

    for loss_function in (softmax_loss, svm_loss):
        (loss, dx), (shifted, dshifted) = loss_function(x, y), loss_function(x + shift, y)
        assert shifted == pytest.approx(loss, abs=1e-10)
        np.testing.assert_allclose(dshifted, dx, atol=1e-10)
        np.testing.assert_allclose(dx.sum(axis=1), 0, atol=1e-12)


@pytest.mark.exercise(id="fc-1.6")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("row", [[1e4, -1e4, 0], [-1e4, -1e4, -1e4], [1e4, 1e4, -1e4]])
def test_softmax_loss_is_finite_on_huge_scores(row, dtype):
    for label in range(3):
        loss, dx = softmax_loss(np.array([row], dtype=dtype), np.array([label]))

        want = max(row) - row[label] + math.log(row.count(max(row)))
        assert loss == pytest.approx(want, rel=1e-6)
        assert np.isfinite(dx).all()

"""The numerical gradients: right slopes, the same array afterwards, and no silent nonsense."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from cs682.gradient_check import (
    eval_numerical_gradient,
    eval_numerical_gradient_array,
    eval_numerical_gradient_blobs,
    eval_numerical_gradient_net,
    grad_check_sparse,
)
from cs682.layers import affine_forward
from tests.reference import AFFINE_BACKWARD

TIGHT = {"rtol": 1e-8, "atol": 1e-9}  # float64, h = 1e-5, values about 1


def rel_error(x, y):
    return np.max(np.abs(x - y) / np.maximum(1e-8, np.abs(x) + np.abs(y)))


def sum_of_cubes(x):
    return float(np.sum(x**3))


@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 3, 4)])
def test_eval_numerical_gradient_matches_the_slope(shape):
    x = np.array(np.random.default_rng(682).standard_normal(shape))

    grad = eval_numerical_gradient(sum_of_cubes, x)

    np.testing.assert_allclose(grad, 3 * x**2, **TIGHT)


@pytest.mark.parametrize("view", ["transposed", "strided", "Fortran"])
def test_eval_numerical_gradient_handles_arrays_that_are_not_contiguous(view):
    base = np.random.default_rng(682).standard_normal((6, 4))
    x = {"transposed": base.T, "strided": base[::2, ::-1], "Fortran": np.asfortranarray(base)}[view]

    grad = eval_numerical_gradient(sum_of_cubes, x)

    np.testing.assert_allclose(grad, 3 * x**2, **TIGHT)


def test_eval_numerical_gradient_sees_x_through_a_closure():
    params = {"W": np.array([[1.0, 2.0], [3.0, 4.0]])}

    grad = eval_numerical_gradient(lambda _: sum_of_cubes(params["W"]), params["W"])

    np.testing.assert_allclose(grad, 3 * params["W"] ** 2, **TIGHT)


def test_eval_numerical_gradient_leaves_x_bit_for_bit():
    x = np.random.default_rng(682).standard_normal((5, 3)) * 1e3  # x + h - h would round
    before = x.copy()

    eval_numerical_gradient(sum_of_cubes, x)

    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("calls_before", [0, 1, 2])
def test_eval_numerical_gradient_restores_x_when_f_raises(calls_before):
    x = np.array([1.0, 2.0])
    calls = iter(range(10))

    def f(_):
        if next(calls) == calls_before:
            raise KeyboardInterrupt
        return 0.0

    with pytest.raises(KeyboardInterrupt):
        eval_numerical_gradient(f, x)
    np.testing.assert_array_equal(x, [1.0, 2.0])


def test_eval_numerical_gradient_calls_f_at_exactly_x_plus_and_minus_h():
    a, b, h = 0.1, 2.7, 1e-5
    calls = []

    eval_numerical_gradient(lambda x: calls.append(x.copy()) or 0.0, np.array([a, b]))

    np.testing.assert_array_equal(calls, [[a + h, b], [a - h, b], [a, b + h], [a, b - h]])


def test_eval_numerical_gradient_prints_only_when_asked(capsys):
    x = np.array([[1.0, 2.0]])

    eval_numerical_gradient(sum_of_cubes, x)
    silent = capsys.readouterr().out
    eval_numerical_gradient(sum_of_cubes, x, True)

    assert silent == ""
    assert capsys.readouterr().out.splitlines()[1].startswith("(0, 1) 12.0")


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.float32, np.float16, bool, complex])
def test_every_gradient_refuses_a_dtype_that_cannot_hold_the_step(dtype):
    x = np.ones(3, dtype=dtype)
    advice = rf"got {np.dtype(dtype)}.*astype\(np\.float64\)"

    with pytest.raises(TypeError, match=advice):
        eval_numerical_gradient(np.sum, x)
    with pytest.raises(TypeError, match=advice):
        eval_numerical_gradient_array(np.copy, x, np.ones(3))
    with pytest.raises(TypeError, match=advice):
        grad_check_sparse(np.sum, x, np.ones(3))


def test_eval_numerical_gradient_refuses_what_it_cannot_nudge():
    frozen = np.ones(2)
    frozen.flags.writeable = False

    with pytest.raises(TypeError, match="got a list"):
        eval_numerical_gradient(np.sum, [1.0, 2.0])
    with pytest.raises(ValueError, match="read-only"):
        eval_numerical_gradient(np.sum, frozen)


@pytest.mark.parametrize("h", [0.0, -1e-5, np.nan, np.inf])
def test_eval_numerical_gradient_refuses_a_step_that_is_none(h):
    with pytest.raises(ValueError, match="h must be a finite positive step, got"):
        eval_numerical_gradient(np.sum, np.ones(2), h=h)


def test_eval_numerical_gradient_refuses_a_step_lost_in_rounding():
    with pytest.raises(ValueError, match=r"too small a step for x\[1\]"):
        eval_numerical_gradient(np.sum, np.array([1.0, 1e15]))


def test_eval_numerical_gradient_refuses_an_array_valued_f():
    with pytest.raises(ValueError, match=r"scalar, got an array of shape \(2,\)"):
        eval_numerical_gradient(np.copy, np.ones(2))


@pytest.mark.exercise(id="fc-1.1")
def test_eval_numerical_gradient_array_reproduces_published_affine_errors():
    rng = np.random.RandomState(231)  # the published inputs
    x, w, b = rng.randn(10, 2, 3), rng.randn(6, 5), rng.randn(5)
    dout = rng.randn(10, 5)

    dx = eval_numerical_gradient_array(lambda x: affine_forward(x, w, b)[0], x, dout)
    dw = eval_numerical_gradient_array(lambda w: affine_forward(x, w, b)[0], w, dout)

    # Published 5.40e-11 and 9.90e-11: rounding noise, so the last digits depend on the BLAS.
    assert 5e-12 < rel_error(dx, AFFINE_BACKWARD["dx"]) < 5e-10
    assert 5e-12 < rel_error(dw, AFFINE_BACKWARD["dw"]) < 5e-10


def test_eval_numerical_gradient_array_weighs_each_output_with_df():
    x, df = np.array([1.0, 2.0, 3.0]), np.array([10.0, -1.0, 0.5])

    grad = eval_numerical_gradient_array(lambda x: np.cumsum(x**2), x, df)

    np.testing.assert_allclose(grad, [2 * 9.5, 4 * -0.5, 6 * 0.5], **TIGHT)


def test_eval_numerical_gradient_array_copies_what_f_returns():
    x = np.array([1.0, 2.0])

    grad = eval_numerical_gradient_array(lambda x: x, x, np.array([5.0, 7.0]))

    np.testing.assert_allclose(grad, [5.0, 7.0], **TIGHT)


@pytest.mark.parametrize("shape", [(2, 1), (1,), ()])  # each would broadcast
def test_eval_numerical_gradient_array_refuses_df_of_another_shape(shape):
    x = np.ones(2)

    with pytest.raises(ValueError, match=r"df must have the shape of f\(x\), \(2,\), got"):
        eval_numerical_gradient_array(lambda x: 2 * x, x, np.ones(shape))
    np.testing.assert_array_equal(x, 1)


def blob(vals):
    return SimpleNamespace(vals=np.array(vals), diffs=np.zeros(np.shape(vals)))


def multiply(a, b, out):
    out.vals[...] = a.vals * b.vals


def test_eval_numerical_gradient_blobs_gives_one_gradient_per_input():
    a, b, out = blob([1.0, 2.0]), blob([3.0, 4.0]), blob([0.0, 0.0])
    out.diffs[...] = [1.0, -1.0]

    da, db = eval_numerical_gradient_blobs(multiply, (a, b), out)

    np.testing.assert_allclose(da, [3.0, -4.0], **TIGHT)
    np.testing.assert_allclose(db, [1.0, -2.0], **TIGHT)


def test_eval_numerical_gradient_net_runs_forward():
    a, b, out = blob([1.0, 2.0]), blob([3.0, 4.0]), blob([0.0, 0.0])
    out.diffs[...] = 1.0
    net = SimpleNamespace(forward=lambda: multiply(a, b, out))

    da, db = eval_numerical_gradient_net(net, [a, b], out)

    np.testing.assert_allclose([da, db], [[3.0, 4.0], [1.0, 2.0]], **TIGHT)


@pytest.mark.parametrize(("factor", "worst"), [(1.0, 0.0), (2.0, 1 / 3), (-1.0, 1.0)])
def test_grad_check_sparse_returns_the_worst_relative_error(factor, worst):
    x = np.random.default_rng(682).standard_normal((3, 4))

    got = grad_check_sparse(sum_of_cubes, x, factor * 3 * x**2, rng=np.random.default_rng(1))

    np.testing.assert_allclose(got, worst, atol=1e-6)  # |x| down to 0.05 leaves about 1e-8


def test_grad_check_sparse_prints_a_line_per_check_and_takes_two_zeros_for_equal(capsys):
    worst = grad_check_sparse(lambda x: 0.0, np.ones(3), np.zeros(3), num_checks=4)

    lines = capsys.readouterr().out.splitlines()
    assert worst == 0.0
    assert lines == ["numerical: 0.000000 analytic: 0.000000, relative error: 0.000000e+00"] * 4


@pytest.mark.parametrize("entries", [(0, 1), (1, 0)])
def test_grad_check_sparse_does_not_hide_a_nan(entries):
    left = iter(entries)
    rng = SimpleNamespace(integers=lambda size: next(left))

    assert np.isnan(grad_check_sparse(np.sum, np.ones(2), np.array([1, np.nan]), 2, rng=rng))


def test_grad_check_sparse_leaves_the_global_stream_alone():
    before = np.random.get_state()[2]  # noqa: NPY002  # the stream the solver draws from

    grad_check_sparse(np.sum, np.ones(3), np.ones(3))

    assert np.random.get_state()[2] == before  # noqa: NPY002  # as above


def test_grad_check_sparse_refuses_wrong_arguments():
    with pytest.raises(ValueError, match=r"analytic_grad must have the shape of x, \(3,\)"):
        grad_check_sparse(np.sum, np.ones(3), np.ones((3, 1)))
    with pytest.raises(ValueError, match="nothing to check: num_checks = 0"):
        grad_check_sparse(np.sum, np.ones(3), np.ones(3), num_checks=0)

"""What every layer promises whatever it computes: shapes and clear refusals."""

from __future__ import annotations

import numpy as np
import pytest

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
from tests.slopes import of

LABELS = np.array([0, 3, 1])
RUNNING = {"running_mean": (4,), "running_var": (4,)}


def draws(dtype=np.float64, *, writeable=True):
    """Return a function that draws arrays; positive ones, also good as a variance."""
    rng = np.random.default_rng(682)

    def draw(*shape):
        array = rng.uniform(0.5, 2, shape).astype(dtype)
        array.flags.writeable = writeable
        return array

    return draw


def after(backward, forward, *args, dout):
    """Run a forward pass and then its backward pass."""
    return backward(dout, forward(*args)[1])


def as_tuple(result):
    return tuple(result) if isinstance(result, (tuple, list)) else (result,)


def norm_args(draw, **options):
    return draw(3, 4), draw(4), draw(4), options


def running(draw):
    return {key: draw(*shape) for key, shape in RUNNING.items()}


EPS = {"eps": np.float64(1e-3), "momentum": np.float64(0.8)}  # NumPy scalars promote float32
DROP = {"mode": "train", "p": np.float64(0.5), "seed": 0}
NORM_SHAPES = ((3, 4), (4,), (4,))
# exercise, what to call with a function that draws arrays, shapes of the results
CALLS = {
    "affine_forward": (
        "fc-1.1",
        lambda d: affine_forward(d(3, 2, 2), d(4, 5), d(5))[0],
        ((3, 5),),
    ),
    "affine_backward": (
        "fc-1.2",
        lambda d: after(affine_backward, affine_forward, d(3, 2, 2), d(4, 5), d(5), dout=d(3, 5)),
        ((3, 2, 2), (4, 5), (5,)),
    ),
    "relu_forward": ("fc-1.3", lambda d: relu_forward(d(3, 2, 2))[0], ((3, 2, 2),)),
    "relu_backward": (
        "fc-1.4",
        lambda d: after(relu_backward, relu_forward, d(3, 2, 2), dout=d(3, 2, 2)),
        ((3, 2, 2),),
    ),
    "batchnorm_forward in train mode": (
        "bn-1.1",
        lambda d: batchnorm_forward(*norm_args(d, mode="train", **EPS, **running(d)))[0],
        ((3, 4),),
    ),
    "batchnorm_forward in test mode": (
        "bn-1.2",
        lambda d: batchnorm_forward(*norm_args(d, mode="test", **EPS, **running(d)))[0],
        ((3, 4),),
    ),
    "batchnorm_backward": (
        "bn-1.3",
        lambda d: after(
            batchnorm_backward,
            batchnorm_forward,
            *norm_args(d, mode="train", **EPS),
            dout=d(3, 4),
        ),
        NORM_SHAPES,
    ),
    "batchnorm_backward_alt": (
        "bn-1.4",
        lambda d: after(
            batchnorm_backward_alt,
            batchnorm_forward,
            *norm_args(d, mode="train", **EPS),
            dout=d(3, 4),
        ),
        NORM_SHAPES,
    ),
    "layernorm_forward": (
        "bn-3.1",
        lambda d: layernorm_forward(*norm_args(d, **EPS))[0],
        ((3, 4),),
    ),
    "layernorm_backward": (
        "bn-3.2",
        lambda d: after(layernorm_backward, layernorm_forward, *norm_args(d, **EPS), dout=d(3, 4)),
        NORM_SHAPES,
    ),
    "dropout_forward in train mode": (
        "do-1.1",
        lambda d: dropout_forward(d(2, 3, 4, 5), DROP)[0],
        ((2, 3, 4, 5),),
    ),
    "dropout_forward in test mode": (
        "do-1.2",
        lambda d: dropout_forward(d(2, 3), {**DROP, "mode": "test"})[0],
        ((2, 3),),
    ),
    "dropout_backward": (
        "do-1.3",
        lambda d: after(dropout_backward, dropout_forward, d(2, 3, 4), DROP, dout=d(2, 3, 4)),
        ((2, 3, 4),),
    ),
    "dropout_backward after test mode": (
        "do-1.3",
        lambda d: after(
            dropout_backward, dropout_forward, d(2, 3), {**DROP, "mode": "test"}, dout=d(2, 3)
        ),
        ((2, 3),),
    ),
}


@pytest.mark.parametrize(
    ("call", "shapes"), [of(id_, *rest, name=name) for name, (id_, *rest) in CALLS.items()]
)
def test_layer_gives_results_of_the_promised_shapes(call, shapes):
    results = as_tuple(call(draws()))

    assert tuple(result.shape for result in results) == shapes


# --- dicts


@pytest.mark.exercise(id="bn-1.2")
def test_batchnorm_forward_in_test_mode_adds_zero_statistics_if_there_are_none():
    bn_param = {"mode": "test"}

    batchnorm_forward(np.ones((2, 3)), np.ones(3), np.zeros(3), bn_param)

    np.testing.assert_array_equal(bn_param["running_mean"], np.zeros(3))
    np.testing.assert_array_equal(bn_param["running_var"], np.zeros(3))


@pytest.mark.exercise(id="do-1.1")
def test_dropout_forward_changes_no_setting():
    param = {"mode": "train", "p": 0.5, "seed": 5}
    before = dict(param)

    dropout_forward(np.ones((2, 3)), param)

    assert {key: param[key] for key in before} == before  # it may note something beside them


# --- refusals

A = np.ones


def norm(forward, x=(3, 4), gamma=(4,), beta=(4,), **options):
    return forward(A(x), A(gamma), A(beta), options)


def drop(**options):
    return dropout_forward(A(3), {"mode": "train", "p": 0.5, **options})


INTEGERS = A((3, 4), dtype=np.int64)
REFUSALS = [
    of("fc-1.1", lambda: affine_forward(A((2, 3)), A(3), A(3)), "w must have shape (D, M), got"),
    of(
        "fc-1.1",
        lambda: affine_forward(A((2, 3)), A((3, 4)), A((1, 4))),
        "b must have shape (M,) = (4,) to match w (3, 4), got (1, 4)",
    ),
    of(
        "fc-1.1",
        lambda: affine_forward(A((2, 3, 2)), A((3, 4)), A(4)),
        "x of shape (2, 3, 2) has 6 values per example, but w (3, 4) expects D = 3",
    ),
    of(
        "bn-1.1",
        lambda: norm(batchnorm_forward, x=(2, 3, 4), mode="train"),
        "x must have shape (N, D) with N, D >= 1, got (2, 3, 4)",
    ),
    of(
        "bn-1.1",
        lambda: norm(batchnorm_forward, x=(0, 4), mode="train"),
        "x must have shape (N, D) with N, D >= 1, got (0, 4)",
    ),
    of(
        "bn-1.1",
        lambda: norm(batchnorm_forward, gamma=(1, 4), mode="train"),
        "gamma must have shape (4,), got (1, 4)",
    ),
    of(
        "bn-1.1",
        lambda: norm(batchnorm_forward, beta=(3,), mode="train"),
        "beta must have shape (4,), got (3,)",
    ),
    of(
        "bn-1.2",
        lambda: norm(batchnorm_forward, mode="eval"),
        "bn_param['mode'] must be 'train' or 'test', got 'eval'",
    ),
    of(
        "bn-1.1",
        lambda: norm(batchnorm_forward),
        "bn_param['mode'] must be 'train' or 'test', got None",
    ),
    *(
        of(exercise, lambda f=f: f(A((3, 4)), None), "cache is None: batchnorm_forward ran in test")
        for f, exercise in ((batchnorm_backward, "bn-1.3"), (batchnorm_backward_alt, "bn-1.4"))
    ),
    of("bn-3.1", lambda: norm(layernorm_forward, gamma=(3,)), "gamma must have shape (4,), got"),
    of("do-1.1", lambda: drop(p=0), "in (0, 1], got 0: it is the probability of KEEPING"),
    of("do-1.1", lambda: drop(p=1.5), "dropout_param['p'] must be in (0, 1], got 1.5"),
    of("do-1.1", lambda: drop(p=float("nan")), "dropout_param['p'] must be in (0, 1], got nan"),
    of("do-1.1", lambda: drop(mode="tset"), "dropout_param['mode'] must be 'train' or 'test', got"),
    *(
        pytest.param(lambda f=f, x=x, y=y: f(x, np.array(y)), text, id=f"{f.__name__} {text}")
        for f in (softmax_loss, svm_loss)
        for x, y, text in (
            (A(3), [0], "x must hold scores of shape (N, C) with N, C >= 1, got (3,)"),
            (A((2, 3)), [[0], [1]], "y must have shape (N,) = (2,), got (2, 1)"),
            (A((2, 3)), [0, 3], "y holds the label 3; labels must be in [0, 3)"),
            (A((2, 3)), [0, -1], "y holds the label -1; labels must be in [0, 3)"),
        )
    ),
]


@pytest.mark.parametrize(("call", "text"), REFUSALS)
def test_layer_refuses_and_says_what_it_got(call, text):
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # the text is compared below
        call()

    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: batchnorm_forward(INTEGERS, A(4), A(4), {"mode": "train"}), "x must hold floati"),
        (lambda: layernorm_forward(INTEGERS, A(4), A(4), {}), "got dtype int64"),
        (lambda: dropout_forward(INTEGERS, {"mode": "train", "p": 0.5}), "x must hold floating"),
        (lambda: drop(p=None), "dropout_param['p'] must be a number in (0, 1], got None"),
        (lambda: drop(p=True), "dropout_param['p'] must be a number in (0, 1], got True"),
        (lambda: drop(p="0.5"), "dropout_param['p'] must be a number in (0, 1], got '0.5'"),
        (lambda: softmax_loss(INTEGERS, LABELS), "x must hold floating-point numbers, got dtype"),
        (lambda: svm_loss(A((3, 4)), LABELS * 1.0), "y must hold integer class labels, got dtype"),
    ],
)
def test_layer_refuses_a_wrong_type(call, text):
    with pytest.raises(TypeError) as caught:
        call()

    assert text in str(caught.value)

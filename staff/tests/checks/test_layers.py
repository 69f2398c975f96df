"""The checks of affine, ReLU and dropout: wrong answers fail with their reason, odd ones pass."""

from __future__ import annotations

import numpy as np
import pytest

from cs682.checks import check
from cs682.layers import affine_forward, svm_loss
from staff.tests.checks.mutants import advice, put, refusal
from tests.slopes import of

# --- affine and ReLU


def rows(x):
    return x.reshape(len(x), -1)


def affine_grads(dout, cache):
    x, w, _ = cache
    return (dout @ w.T).reshape(x.shape), rows(x).T @ dout, dout.sum(axis=0)


def affine_flat(dout, cache):
    x, w, _ = cache
    return dout @ w.T, rows(x).T @ dout, dout.sum(axis=0)


def affine_averaged(dout, cache):
    dx, dw, db = affine_grads(dout, cache)
    return dx, dw / len(dout), db


def affine_row(dout, cache):
    dx, dw, _ = affine_grads(dout, cache)
    return dx, dw, dout.sum(axis=0, keepdims=True)


def affine_transposed(dout, cache):
    dx, dw, db = affine_grads(dout, cache)
    return dx, dw.T, db


def affine_spoils_cache(dout, cache):
    grads = affine_grads(dout, cache)
    cache[1][...] = 0
    return grads


def affine_nan(x, w, b):
    out = rows(x) @ w + b
    out[0, 0] = np.nan
    return out, (x, w, b)


FORWARD = [
    ("no bias", lambda x, w, b: (rows(x) @ w, None), "the bias b is not added"),
    ("minus", lambda x, w, b: (rows(x) @ w - b, None), "the bias b is subtracted"),
    (
        "Fortran order",
        lambda x, w, b: (x.reshape(len(x), -1, order="F") @ w + b, None),
        "each example must be flattened in C order",
    ),
    ("None", lambda x, w, b: None, "returned nothing; it should return out, cache"),
    (
        "no cache",
        lambda x, w, b: rows(x) @ w + b,
        "returned an ndarray; it should return out, cache",
    ),
    ("out None", lambda x, w, b: (None, (x, w, b)), "out is None"),
    ("3-d", lambda x, w, b: ((rows(x) @ w + b)[None], 0), "has shape (1, 3, 5), expected (3, 5)"),
    ("list", lambda x, w, b: ((rows(x) @ w + b).tolist(), 0), "is a list, expected a NumPy array"),
    ("NaN", affine_nan, "NaN or infinite"),
]
BACKWARD = [
    ("flat dx", affine_flat, "in other axes; reshaped, it is right"),
    ("averaged dw", affine_averaged, "dw is averaged over the batch"),
    ("row db", affine_row, "a row matrix is not a vector; sum without keepdims"),
    ("dw transposed", affine_transposed, "it is transposed"),
    ("only dx", lambda dout, cache: affine_grads(dout, cache)[0], "it should return dx, dw, db"),
    ("spoils cache", affine_spoils_cache, "second call with the same cache"),
    (
        "order",
        lambda dout, cache: affine_grads(dout, cache)[::-1],
        "returned dx and db exchanged: the order is dx, dw, db",
    ),
]
RELU = [
    ("mask", lambda x: (1.0 * (x > 0), x), "this is the 0/1 mask, not the values"),
    ("absolute", lambda x: (np.abs(x), x), "this is the absolute value"),
    ("minimum", lambda x: (np.minimum(x, 0), x), "negative values pass, positive ones do not"),
    ("leaky", lambda x: (np.where(x > 0, x, 0.01 * x), x), "expected 0"),
    ("masked array", lambda x: (np.ma.masked_less(x, 0), x), "is a MaskedArray, expected a NumPy"),
]
RELU_BACK = [
    (
        "dout",
        lambda dout, x: dout,
        "dout passes everywhere for x of 1 dimension; it must stop where x was not",
    ),
    ("sign of dout", lambda dout, x: dout * (dout > 0), "the mask is taken from dout, not from x"),
    ("mask alone", lambda dout, x: 1.0 * (x > 0), "it still has to be multiplied with dout"),
    ("values", lambda dout, x: np.maximum(x, 0), "expected"),
    ("None", lambda dout, x: None, "relu_backward returned nothing"),
]

# --- dropout


def dropout(draw=None, scale=None, test=None, cache=None):
    """Make a dropout_forward that deviates in how it draws, scales, tests or caches."""

    def forward(x, param):
        p, seed = param["p"], param.get("seed")
        rng = np.random if seed is None else np.random.RandomState(seed)
        if param["mode"] == "test":
            return (test(x, p) if test else x), (param, None)
        kept = draw(rng, x.shape, p) if draw else rng.rand(*x.shape) < p
        mask = kept * (scale(p) if scale else 1 / p)
        return x * mask, cache(param, mask) if cache else (param, mask)

    return forward


def draw_columns(rng, shape, p):
    return np.broadcast_to(rng.rand(shape[-1]) < p, shape)


def draw_rows(rng, shape, p):
    return np.broadcast_to(rng.rand(shape[0], *[1] * (len(shape) - 1)) < p, shape)


def draw_repeating(rng, shape, p):
    """Draw few rows and repeat them."""
    kept = rng.rand(*shape) < p
    return np.repeat(kept, 2, axis=0)[: shape[0]]


def draw_leaning(rng, shape, p):
    """Draw a mask of which each second row takes a tenth from the row before."""
    kept = rng.rand(*shape) < p
    if len(shape) == 2:
        kept[1::2, ::10] = kept[: shape[0] // 2 * 2 : 2, ::10]
    return kept


def fixed_seed(x, param):
    return dropout()(x, {"seed": 1, **param})


def no_seed(x, param):
    return dropout()(x, {**param, "seed": None})


DROP = [
    (
        "p drops",
        dropout(lambda r, s, p: r.rand(*s) >= p, lambda p: 1 / (1 - p) if p < 1 else 1),
        "p is the probability of KEEPING",
    ),
    ("swapped mask", dropout(lambda r, s, p: r.rand(*s) > p), "p is the probability of KEEPING"),
    ("not scaled", dropout(scale=lambda p: 1), "kept values are not divided by p"),
    ("by 1 - p", dropout(scale=lambda p: 1 / (1 - p) if p < 1 else 1), "are divided by 1 - p"),
    ("times p", dropout(scale=lambda p: p), "kept values are multiplied by p"),
    ("normal draws", dropout(lambda r, s, p: r.randn(*s) < p), "of the values were dropped for p"),
    ("all dropped", dropout(lambda r, s, p: np.zeros(s)), "everything was dropped for p = 0.25"),
    ("none dropped", dropout(lambda r, s, p: np.ones(s)), "nothing was dropped for p = 0.25"),
    ("per column", dropout(draw_columns), "not one for each column"),
    ("per row", dropout(draw_rows), "draw one number for each value"),
    ("repeated rows", dropout(draw_repeating), "masks repeat"),
    ("rows that repeat a little", dropout(draw_leaning), "masks repeat"),
    ("always one mask", fixed_seed, "two calls without a seed gave the same mask"),
    ("seed ignored", no_seed, "the same seed must give the same mask"),
]
DROP_TEST = [
    ("scaled", dropout(test=lambda x, p: x * p), "inverted dropout scales during training only"),
    ("drops", dropout(test=lambda x, p: x * (np.random.rand(*x.shape) < p)), "in test mode"),  # noqa: NPY002  # as students do
    ("None", dropout(test=lambda x, p: None), "is None"),
    ("zeros", dropout(test=lambda x, p: 0 * x), "in test mode for p = 0.25"),
]
DROP_BACK = [
    ("mask left out", lambda dout, cache: dout, "the mask is not applied"),
    (
        "not scaled",
        lambda dout, cache: dout if cache[1] is None else dout * (cache[1] > 0),
        "the factor 1/p is missing",
    ),
    (
        "scaled twice",
        lambda dout, cache: dout if cache[1] is None else dout * cache[1] / cache[0]["p"],
        "the factor 1/p is applied twice",
    ),
    (
        "zeros",
        lambda dout, cache: dout * (0 if cache[1] is None else cache[1]),
        "after a forward pass in test mode",
    ),
]

# --- losses and sandwich, which are given


def softmax(shift=True, log_of=False, mean=True, offset=0.0, dx_mean=True):
    """Make a softmax_loss that deviates in one of its steps."""

    def loss(x, y):
        n = np.arange(len(x))
        e = np.exp(x - x.max(axis=1, keepdims=True) if shift else x)
        probabilities = e / e.sum(axis=1, keepdims=True)
        logs = np.log(probabilities + offset)
        if shift and not log_of:
            top = x - x.max(axis=1, keepdims=True)
            logs = top - np.log(e.sum(axis=1, keepdims=True))
        dx = probabilities - np.eye(x.shape[1])[y]
        total = -logs[n, y].sum()
        return total / (len(x) if mean else 1), dx / (len(x) if dx_mean else 1)

    return loss


def svm_with_right_class(x, y):
    loss, dx = svm_loss(x, y)
    return loss + 1, dx


LOSSES = [
    ("no shift", "softmax_loss", softmax(shift=False), "for scores [10000.0, -10000.0, 0]"),
    ("underflow", "softmax_loss", softmax(log_of=True), "for scores ["),
    ("offset", "softmax_loss", softmax(log_of=True, offset=0.001), "from softmax_loss for x"),
    ("summed", "softmax_loss", softmax(mean=False), "the loss is summed over the batch"),
    ("dx summed", "softmax_loss", softmax(dx_mean=False), "dx is not divided by the batch size"),
    ("right class", "svm_loss", svm_with_right_class, "the right class counts too"),
]
SANDWICH = [
    ("no ReLU", "affine_relu_forward", affine_forward, "the ReLU is left out"),
    ("affine first", "affine_relu_backward", lambda d, c: affine_grads(d, c[0]), "the way back is"),
    ("only dx", "affine_relu_backward", lambda d, c: affine_grads(d, c[0])[0], "dx, dw, db"),
]

TABLES = {
    ("fc-1.1", "affine_forward"): FORWARD,
    ("fc-1.2", "affine_backward"): BACKWARD,
    ("fc-1.3", "relu_forward"): RELU,
    ("fc-1.4", "relu_backward"): RELU_BACK,
    ("do-1.1", "dropout_forward"): DROP,
    ("do-1.2", "dropout_forward"): DROP_TEST,
    ("do-1.3", "dropout_backward"): DROP_BACK,
}
WRONG = [
    of(exercise, exercise, function, answer, text, name=name)
    for (exercise, function), answers in TABLES.items()
    for name, answer, text in answers
] + [
    of(exercise, exercise, *row, name=name)
    for exercise, rows in (("fc-1.5", SANDWICH), ("fc-1.6", LOSSES))
    for name, *row in rows
]


@pytest.mark.parametrize(("exercise", "function", "answer", "text"), WRONG)
def test_check_refuses_and_says_why(monkeypatch, exercise, function, answer, text):
    put(monkeypatch, function, answer)

    assert text in refusal(exercise)


def test_check_of_dropout_backward_needs_a_forward_that_drops(monkeypatch):
    put(monkeypatch, "dropout_forward", dropout(lambda r, s, p: np.zeros(s)))

    assert "drops nothing or everything: see exercise do-1.1" in refusal("do-1.3")


# --- right answers that look different


def affine_by_loops(x, w, b):
    out = np.zeros((len(x), w.shape[1]))
    for n in range(len(x)):
        out[n] = np.einsum("d,dm->m", x[n].ravel(), w) + b
    return [out, (x, w, b)]  # a list


def relu_in_place(dout, x):
    dout[x <= 0] = 0
    return dout


def binomial(rng, shape, p):
    return rng.binomial(1, p, size=shape)


ODD = [
    of("fc-1.1", "fc-1.1", "affine_forward", affine_by_loops, "turns float32 into float64 (out)"),
    of("fc-1.3", "fc-1.3", "relu_forward", lambda x: (x * (x > 0), x), ""),
    of("fc-1.3", "fc-1.3", "relu_forward", lambda x: ((np.abs(x) + x) / 2, x), "", name="mean"),
    of("fc-1.4", "fc-1.4", "relu_backward", relu_in_place, "overwrites an array", name="in place"),
    of("fc-1.4", "fc-1.4", "relu_backward", lambda d, x: d * (x >= 0), "the gradient at exactly 0"),
    of("fc-1.4", "fc-1.4", "relu_backward", lambda d, x: np.where(x > 0, d, 0), "", name="where"),
    of("do-1.1", "do-1.1", "dropout_forward", dropout(binomial), "float32 into float64"),
    of(
        "do-1.2",
        "do-1.2",
        "dropout_forward",
        dropout(test=lambda x, p: x.copy()),
        "",
        name="copy in test mode",
    ),
    of("do-1.3", "do-1.3", "dropout_forward", dropout(lambda r, s, p: r.random_sample(s) < p), ""),
]


@pytest.mark.parametrize(("exercise", "function", "answer", "text"), ODD)
def test_check_passes_right_answers_of_another_shape(
    monkeypatch, capsys, exercise, function, answer, text
):
    put(monkeypatch, function, answer)

    said = advice(exercise, capsys)

    assert text in said
    assert bool(said) == bool(text)


@pytest.mark.parametrize("exercise", [of(f"do-1.{i}", f"do-1.{i}") for i in (1, 2, 3)])
def test_checks_of_dropout_pass_a_cache_of_another_make(monkeypatch, exercise):
    right = dropout(cache=lambda param, mask: mask)

    def forward(x, param):
        return (x, None) if param["mode"] == "test" else right(x, param)

    put(monkeypatch, "dropout_forward", forward)
    put(monkeypatch, "dropout_backward", lambda d, mask: d if mask is None else d * mask)

    check(exercise)


# --- further refusals


@pytest.mark.exercise(id="do-1.1")
def test_check_of_dropout_forward_refuses_one_mask_for_all_images(monkeypatch):
    put(monkeypatch, "dropout_forward", dropout(lambda r, s, p: r.rand(*s[-2:]) < p))

    assert "mask" in refusal("do-1.1")


@pytest.mark.exercise(id="do-1.1")
def test_check_of_dropout_forward_does_not_blame_columns_for_a_mask_of_rows(monkeypatch):
    put(monkeypatch, "dropout_forward", dropout(draw_rows))

    assert "not one for each column" not in refusal("do-1.1")

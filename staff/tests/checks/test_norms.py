"""The checks of batch and layer norm: wrong answers fail with their reason, odd ones pass."""

from __future__ import annotations

import numpy as np
import pytest

from staff.tests.checks.mutants import advice, put, refusal
from tests.slopes import of

INSIDE = "eps belongs inside the square root"


def forward(axis, root=None, affine=None, update=None, test=None):
    """Make a normalization along an axis that deviates in one of its steps."""

    def run(x, gamma, beta, param):
        eps = param.get("eps", 1e-5)
        mu = x.mean(axis=axis, keepdims=True)
        var = np.mean((x - mu) ** 2, axis=axis, keepdims=True)
        old = {f"running_{k}": param.get(f"running_{k}", np.zeros(x.shape[1])) for k in KINDS}
        if axis == 0 and param["mode"] == "test":
            x_hat = (x - old["running_mean"]) / np.sqrt(old["running_var"] + eps)
            return (test or plain)(x, gamma, beta, x_hat, param), None
        if axis == 0:
            new = (old, {"running_mean": mu[0], "running_var": var[0]}, param.get("momentum", 0.9))
            param.update((update or average)(*new))
        std = root(x, var, eps) if root else np.sqrt(var + eps)
        x_hat = (x - mu) / std
        return (affine or scaled)(gamma, beta, x_hat), (x, gamma, eps)

    return run


KINDS = ("mean", "var")


def scaled(gamma, beta, x_hat):
    return gamma * x_hat + beta


def plain(x, gamma, beta, x_hat, param):
    return gamma * x_hat + beta


def average(old, new, momentum):
    return {k: momentum * old[k] + (1 - momentum) * new[k] for k in old}


def averages(change):
    """Make an update of the running statistics from a changed old, new or momentum."""
    return forward(0, update=lambda old, new, m: average(*change(old, new, m)))


def test_with(x_hat):
    """Make a test mode that normalizes in another way."""

    def run(x, gamma, beta, right, param):
        mean, var, eps = param["running_mean"], param["running_var"], param["eps"]
        return gamma * x_hat(x, mean, var, eps) + beta

    return forward(0, test=run)


test_with.__test__ = False  # a helper, whatever its name says


def forgets_scale(x, gamma, beta, x_hat, param):
    return x_hat


def updates_in_test_mode(x, gamma, beta, x_hat, param):
    param["running_mean"] = 0.9 * param["running_mean"] + 0.1 * x.mean(axis=0)
    return gamma * x_hat + beta


def updates_in_place(x, gamma, beta, x_hat, param):
    param["running_mean"] += 0.1 * x.mean(axis=0)
    return gamma * x_hat + beta


def as_rows(old, new, m):
    return {k: np.atleast_2d(v) for k, v in average(old, new, m).items()}


def from_std(old, new, m):
    return average(old, {**new, "running_var": np.sqrt(new["running_var"])}, m)


def one_variance(x, var, eps):
    return np.sqrt(x.var() + eps)


def over_batch(x, gamma, beta, ln_param):
    return forward(0)(x, gamma, beta, {**ln_param, "mode": "train"})


ROOTS = [
    ("eps outside", lambda x, var, eps: np.sqrt(var) + eps, INSIDE),
    ("eps ignored", lambda x, var, eps: np.sqrt(np.where(var, var, 1)), "eps is left out"),
    ("variance", lambda x, var, eps: var + eps, "divided by the variance, not by its square root"),
    ("eps twice", lambda x, var, eps: np.sqrt(var + 2 * eps), "eps is added twice"),
    ("one variance", one_variance, "one variance for the whole array"),
]
AFFINE = [
    ("no gamma", lambda gamma, beta, x_hat: x_hat, "gamma and beta are not applied"),
    ("no beta", lambda gamma, beta, x_hat: gamma * x_hat, "beta is not added"),
    ("NaN", lambda gamma, beta, x_hat: x_hat * np.nan, "NaN or infinite"),
]
RUNNING = [
    ("swapped", averages(lambda old, new, m: (new, old, m)), "momentum weighs the old value"),
    ("hard-coded", averages(lambda old, new, m: (old, new, 0.9)), "momentum is hard-coded at 0.9"),
    ("halved", averages(lambda old, new, m: (old, new, 0.5)), "momentum is ignored"),
    ("standard deviation", forward(0, update=from_std), "average variances"),
    ("rows", forward(0, update=as_rows), "has shape (1, 3), expected (3,)"),
    ("not stored", forward(0, update=lambda old, new, m: old), "did not change"),
    ("missing", forward(0, update=lambda old, new, m: {}), "bn_param['running_mean'] is missing"),
]
TEST_MODE = [
    ("batch", test_with(lambda x, m, v, e: (x - x.mean(0)) / np.sqrt(x.var(0) + e)), "the batch's"),
    ("outside", test_with(lambda x, m, v, e: (x - m) / (np.sqrt(v) + e)), INSIDE),
    ("ignored", test_with(lambda x, m, v, e: (x - m) / np.sqrt(v)), "eps is left out"),
    ("variance", test_with(lambda x, m, v, e: (x - m) / (v + e)), "not by its square root"),
    ("parentheses", test_with(lambda x, m, v, e: x - m / np.sqrt(v + e)), "parentheses are miss"),
    ("squared", test_with(lambda x, m, v, e: (x - m) / np.sqrt(v**2 + e)), "it is squared here"),
    ("no gamma", forward(0, test=forgets_scale), "gamma and beta are not applied in test mode"),
    ("updates", forward(0, test=updates_in_test_mode), "must leave the running statistics alone"),
]

# --- backward


def gradient(axis, mistake=None):
    """Make a backward pass from the simplified formula that deviates in one step."""

    def run(dout, cache):
        x, gamma, eps = cache
        if mistake == "hard-coded eps":
            eps = 1e-5
        if mistake == "no eps":
            eps = 0
        other = 1 - axis if mistake == "other axis" else axis
        n = len(x) if mistake == "N for D" else x.shape[other]
        centred = x - x.mean(axis=axis, keepdims=True)
        std = np.sqrt(np.mean(centred**2, axis=axis, keepdims=True) + eps)
        x_hat, d = centred / std, dout * gamma
        mean = d.sum(axis=other, keepdims=True) / n
        through = (d * x_hat).sum(axis=other, keepdims=True) / n
        if mistake == "gamma outside":
            mean, through = (gamma * v / gamma.mean() for v in (mean, through))
        if mistake == "no mean":
            mean = 0
        if mistake == "no variance":
            through = 0
        if mistake == "constants":
            mean = through = 0
        dx = (d - mean - x_hat * through) / (std**2 if mistake == "variance" else std)
        if mistake == "no gamma":
            dx = dx / gamma
        if mistake == "raw x in all":
            through = (d * x).sum(axis=0) / n  # as dx comes out of a dgamma from x
        dgamma = (dout * (x if mistake in ("raw x", "raw x in all") else x_hat)).sum(axis=0)
        dbeta = dout.sum(axis=0)
        if mistake == "rows":
            dgamma, dbeta = dgamma[None], dbeta[None]
        if mistake == "swapped":
            dgamma, dbeta = dbeta, dgamma
        if mistake == "shape of mean":
            dx = dx.mean(axis=0)
        if mistake == "transposed":
            dx = dx.T
        if mistake == "spoils":
            x *= 2
        return dx, dgamma, dbeta

    return run


SHARED = {
    "rows": "a row matrix is not a vector",
    "swapped": "returned dgamma and dbeta exchanged",
    "constants": "they are no constants",
    "no mean": "the path through the mean is missing",
    "no variance": "the path through the variance is missing",
    "shape of mean": "dx has shape (5,), expected (4, 5)",
    "spoils": "second call with the same cache",
    "raw x": "dgamma needs the normalized x_hat, not x",
    "hard-coded eps": "eps is hard-coded",
    "variance": "where the standard deviation belongs",
}
BATCH = {**SHARED, "no gamma": "gamma is missing", "other axis": "dx["}
BATCH["raw x in all"] = SHARED["raw x"]
LAYER = {**SHARED, "N for D": "wrong number", "gamma outside": "dx[", "transposed": "transposed"}

WRONG = [
    *(("bn-1.1", n, forward(0, root=f), text) for n, f, text in ROOTS),
    *(("bn-3.1", n, forward(1, root=f), text) for n, f, text in ROOTS),
    *(("bn-1.1", n, forward(0, affine=f), text) for n, f, text in AFFINE),
    *(("bn-3.1", n, forward(1, affine=f), text) for n, f, text in AFFINE),
    ("bn-1.1", "other axis", forward(1), "they should run over axis 0"),
    ("bn-3.1", "other axis", over_batch, "they should run over axis 1"),
    *(("bn-1.1", *row) for row in RUNNING),
    *(("bn-1.2", *row) for row in TEST_MODE),
    *(("bn-1.3", name, gradient(0, name), text) for name, text in BATCH.items()),
    *(("bn-1.4", name, gradient(0, name), text) for name, text in BATCH.items()),
    *(("bn-3.2", name, gradient(1, name), text) for name, text in LAYER.items()),
]
FUNCTIONS = {
    "bn-1.1": "batchnorm_forward",
    "bn-1.2": "batchnorm_forward",
    "bn-1.3": "batchnorm_backward",
    "bn-1.4": "batchnorm_backward_alt",
    "bn-3.1": "layernorm_forward",
    "bn-3.2": "layernorm_backward",
}


def own_cache(monkeypatch, exercise):
    """Give the backward passes the caches that those of this file read."""
    if exercise in ("bn-1.3", "bn-1.4"):
        put(monkeypatch, "batchnorm_forward", forward(0))
    if exercise == "bn-3.2":
        put(monkeypatch, "layernorm_forward", forward(1))


@pytest.mark.parametrize(
    ("exercise", "answer", "text"),
    [of(exercise, exercise, *row, name=name) for exercise, name, *row in WRONG],
)
def test_check_refuses_and_says_why(monkeypatch, exercise, answer, text):
    own_cache(monkeypatch, exercise)
    put(monkeypatch, FUNCTIONS[exercise], answer)

    assert text in refusal(exercise)


# --- right answers that look different


def in_place(x, gamma, beta, param):
    out, cache = forward(0)(x.copy(), gamma, beta, param)
    x[...] = out
    return x, cache


@pytest.mark.parametrize(
    ("exercise", "answer", "text"),
    [
        of("bn-1.1", "bn-1.1", forward(0), ""),
        of("bn-1.2", "bn-1.2", in_place, "overwrites an array", name="in place"),
        of("bn-1.3", "bn-1.3", gradient(0), ""),
        of("bn-1.4", "bn-1.4", gradient(0), ""),
        of("bn-3.1", "bn-3.1", forward(1), ""),
        of(
            "bn-3.1",
            "bn-3.1",
            lambda *a: forward(1)(*(v.astype(float) for v in a[:3]), a[3]),
            "turns float32 into float64",
            name="float64",
        ),
    ],
)
def test_check_passes_right_answers_of_another_shape(monkeypatch, capsys, exercise, answer, text):
    own_cache(monkeypatch, exercise)
    put(monkeypatch, FUNCTIONS[exercise], answer)

    said = advice(exercise, capsys)

    assert text in said
    assert bool(said) == bool(text)


# --- further refusals


@pytest.mark.exercise(id="bn-1.2")
def test_check_of_test_mode_refuses_running_statistics_changed_in_place(monkeypatch):
    put(monkeypatch, "batchnorm_forward", forward(0, test=updates_in_place))

    assert "must leave the running statistics alone" in refusal("bn-1.2")


@pytest.mark.exercise(id="bn-3.1")
def test_check_of_layernorm_forward_advises_against_running_statistics(monkeypatch, capsys):
    def answer(x, gamma, beta, ln_param):
        ln_param["running_mean"] = np.zeros(x.shape[1])
        return forward(1)(x, gamma, beta, ln_param)

    put(monkeypatch, "layernorm_forward", answer)

    assert "stores running statistics in ln_param" in advice("bn-3.1", capsys)


@pytest.mark.exercise(id="bn-3.1")
def test_check_of_layernorm_forward_refuses_a_transposed_result(monkeypatch):
    right = forward(1)
    put(monkeypatch, "layernorm_forward", lambda *a: (right(*a)[0].T, None))

    assert "it is transposed" in refusal("bn-3.1")


@pytest.mark.exercise(id="bn-1.1")
def test_check_of_batchnorm_forward_refuses_the_sample_variance(monkeypatch):
    def root(x, var, eps):
        return np.sqrt(x.var(axis=0, ddof=1) + eps)

    put(monkeypatch, "batchnorm_forward", forward(0, root=root))

    assert "divided by n - 1" in refusal("bn-1.1")

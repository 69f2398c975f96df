"""The checks of the update rules: wrong answers fail with their reason, odd ones pass."""

from __future__ import annotations

import numpy as np
import pytest

from staff.tests.checks.mutants import advice, put, refusal
from tests.slopes import of

DEFAULTS = {
    "sgd_momentum": {"learning_rate": 1e-2, "momentum": 0.9},
    "rmsprop": {"learning_rate": 1e-2, "decay_rate": 0.99, "epsilon": 1e-8},
    "adam": {"learning_rate": 1e-3, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "t": 0},
}


def momentum(velocity=None, step=None, store=True, **defaults):
    """Make SGD with momentum that deviates in its velocity, step or storage."""

    def rule(w, dw, config=None):
        c = {} if config is None else config
        for key, value in {**DEFAULTS["sgd_momentum"], **defaults}.items():
            c.setdefault(key, value)
        old = c.get("velocity", np.zeros_like(w))
        lr, mu = float(c["learning_rate"]), c["momentum"]
        v = velocity(old, dw, mu, lr) if velocity else mu * old - lr * dw
        if store:
            c["velocity"] = v
        return (step(w, dw, v, old, mu, lr) if step else w + v), c

    return rule


def rmsprop(cache=None, step=None, store=True):
    """Make RMSProp that deviates in its average, step or storage."""

    def rule(w, dw, config=None):
        c = {} if config is None else config
        for key, value in DEFAULTS["rmsprop"].items():
            c.setdefault(key, value)
        old = c.get("cache", np.zeros_like(w))
        lr, rho, eps = float(c["learning_rate"]), c["decay_rate"], c["epsilon"]
        new = cache(old, dw, rho) if cache else rho * old + (1 - rho) * dw**2
        if store:
            c["cache"] = new
        with np.errstate(all="ignore"):
            next_w = step(w, dw, new, old, lr, eps) if step else w - lr * dw / (np.sqrt(new) + eps)
        return next_w, c

    return rule


def stored_root(w, dw, config=None):
    next_w, config = rmsprop()(w, dw, config)
    config["cache"] = np.sqrt(config["cache"])
    return next_w, config


def adam(correct=None, step=None, count="before", first=None, second=None, stores="plain"):
    """Make Adam that deviates in one of its parts."""

    def rule(w, dw, config=None):
        c = {} if config is None else config
        for key, value in DEFAULTS["adam"].items():
            c.setdefault(key, value)
        b1, b2, eps, lr = c["beta1"], c["beta2"], c["epsilon"], float(c["learning_rate"])
        t = c["t"] + (count in ("before", "not stored", "twice")) + (count == "twice")
        if count == "once":
            t = 1
        m0, v0 = c.get("m", np.zeros_like(w)), c.get("v", np.zeros_like(w))
        m = first(m0, dw, b1) if first else b1 * m0 + (1 - b1) * dw
        v = second(v0, dw, b2) if second else b2 * v0 + (1 - b2) * dw**2
        ratio = correct or (lambda beta, t: 1 - beta**t)
        with np.errstate(all="ignore"):
            m_hat, v_hat = m / ratio(b1, t), v / ratio(b2, t)
            next_w = (step or right)(w, lr, m_hat, v_hat, eps)
        c["t"] = c["t"] if count in ("not stored", "never") else t + (count == "after")
        if stores != "nothing":
            c["m"], c["v"] = (m_hat, v_hat) if stores == "corrected" else (m, v)
        return next_w, c

    return rule


def right(w, lr, m, v, eps):
    return w - lr * m / (np.sqrt(v) + eps)


MOMENTUM = [
    ("Nesterov", momentum(step=lambda w, dw, v, o, mu, lr: w + mu * v - lr * dw), "Nesterov"),
    ("plain SGD", momentum(step=lambda w, dw, v, o, mu, lr: w - lr * dw), "this is plain SGD"),
    ("minus", momentum(step=lambda w, dw, v, o, mu, lr: w - v), "it already points downhill"),
    ("old velocity", momentum(step=lambda w, dw, v, o, mu, lr: w + o), "moves by the old velocity"),
    (
        "learning rate in the step",
        momentum(lambda o, dw, mu, lr: mu * o + dw, lambda w, dw, v, o, mu, lr: w - lr * v),
        "the learning rate belongs into the velocity",
    ),
    ("uphill", momentum(lambda o, dw, mu, lr: mu * o + lr * dw), "cause: the velocity has the"),
    (
        "upwards, and taken away",
        momentum(lambda o, dw, mu, lr: mu * o + lr * dw, lambda w, dw, v, o, mu, lr: w - v),
        "next_w is right, but the velocity has the other sign",
    ),
    (
        "learning rate in the step, upwards",
        momentum(lambda o, dw, mu, lr: mu * o - dw, lambda w, dw, v, o, mu, lr: w + lr * v),
        "next_w is right, but the next step needs another value",
    ),
    ("averaged", momentum(lambda o, dw, mu, lr: mu * o - (1 - mu) * lr * dw), "1 - momentum"),
    ("hard-coded", momentum(lambda o, dw, mu, lr: 0.9 * o - lr * dw), "momentum is hard-coded"),
    ("not stored", momentum(store=False), "config['velocity'] is missing"),
    ("other default", momentum(momentum=0.95), "after step 1, its default is 0.9: sgd_momentum"),
]
RMSPROP = [
    ("no root", rmsprop(step=lambda w, d, c, o, lr, e: w - lr * d / (c + e)), "root is missing"),
    (
        "old average",
        rmsprop(step=lambda w, d, c, o, lr, e: w - lr * d / (np.sqrt(o) + e)),
        "the step uses the old average",
    ),
    ("swapped", rmsprop(lambda o, d, rho: (1 - rho) * o + rho * d**2), "decay_rate weighs the old"),
    ("AdaGrad", rmsprop(lambda o, d, rho: o + d**2), "config['cache']"),
    ("no weight", rmsprop(lambda o, d, rho: rho * o + d**2), "has no weight 1 - decay_rate"),
    ("not squared", rmsprop(lambda o, d, rho: rho * o + (1 - rho) * d), "is not squared"),
    ("hard-coded", rmsprop(lambda o, d, rho: 0.99 * o + 0.01 * d**2), "decay_rate is hard-coded"),
    ("not stored", rmsprop(store=False), "config['cache'] is missing"),
    ("root stored", stored_root, "next_w is right, but the root is stored"),
    (
        "times epsilon",
        rmsprop(step=lambda w, d, c, o, lr, e: w - lr * d / (np.sqrt(c) * e)),
        "epsilon is multiplied with the root",
    ),
]
ADAM = [
    ("no correction", adam(lambda beta, t: 1), "the bias correction is missing"),
    ("1 + beta**t", adam(lambda beta, t: 1 + beta**t), "divides by 1 + beta**t"),
    ("beta alone", adam(lambda beta, t: 1 - beta), "divides by 1 - beta;"),
    (
        "beta * t",
        adam(lambda beta, t: 1 - beta * t),
        "next_w[0, 0]. Hint: m and v in config are right; a root of something negative",
    ),
    ("t never counted", adam(count="never"), "config['t']"),
    ("t not stored", adam(count="not stored"), "config['t']"),
    ("t counted twice", adam(count="twice"), "config['t']"),
    ("t counted once", adam(count="once"), "config['t']"),
    (
        "root of m",
        adam(step=lambda w, lr, m, v, e: w - lr * m / (np.sqrt(m) + e)),
        "Hint: m and v in config are right; a root of something negative, or a division by 0",
    ),
    ("t counted after use", adam(count="after"), "t must be increased before it is used"),
    ("corrected stored", adam(stores="corrected"), "the corrected moments are stored"),
    ("nothing stored", adam(stores="nothing"), "config['m'] is missing"),
    ("uphill", adam(step=lambda w, lr, m, v, e: w + lr * m / (np.sqrt(v) + e)), "goes uphill"),
    ("no root", adam(step=lambda w, lr, m, v, e: w - lr * m / (v + e)), "square root is missing"),
    ("beta1 added", adam(first=lambda m, d, b: b + m + (1 - b) * d), "beta1 is added to m"),
    (
        "square of the weight",
        adam(second=lambda v, d, b: b * v + ((1 - b) * d) ** 2),
        "1 - beta2 is squared with the gradient",
    ),
    ("hard-coded", adam(first=lambda m, d, b: 0.9 * m + 0.1 * d), "config['m']"),
    (
        "epsilon ignored",
        adam(step=lambda w, lr, m, v, e: w - lr * m / np.sqrt(v)),
        "for a gradient of 0, first at next_w[0]. Hint: this is 0 / 0",
    ),
]
TABLES = {"fc-4.1": MOMENTUM, "fc-4.2": RMSPROP, "fc-4.3": ADAM}
NAMES = {"fc-4.1": "sgd_momentum", "fc-4.2": "rmsprop", "fc-4.3": "adam"}


@pytest.mark.parametrize(
    ("exercise", "answer", "text"),
    [of(id_, id_, *row, name=name) for id_, rows in TABLES.items() for name, *row in rows],
)
def test_check_refuses_and_says_why(monkeypatch, exercise, answer, text):
    put(monkeypatch, NAMES[exercise], answer)

    assert text in refusal(exercise)


NOT_KEPT = [
    of("fc-4.2", "fc-4.2", rmsprop(lambda o, d, rho: rho * o - (1 - rho) * d**2), name="NaN"),
    of("fc-4.3", "fc-4.3", adam(count="after"), name="NaN"),
]


@pytest.mark.parametrize(("exercise", "answer"), NOT_KEPT)
@pytest.mark.filterwarnings("ignore:invalid value")
def test_nan_twice_is_not_taken_for_state_between_calls(monkeypatch, exercise, answer):
    put(monkeypatch, NAMES[exercise], answer)

    assert "kept from call to call" not in refusal(exercise)


@pytest.mark.parametrize("exercise", [of(exercise, exercise) for exercise in NAMES])
def test_check_refuses_a_rule_that_needs_a_config(monkeypatch, exercise):
    right_answer = {"fc-4.1": momentum(), "fc-4.2": rmsprop(), "fc-4.3": adam()}[exercise]

    def answer(w, dw, config):
        config.setdefault("learning_rate", 1e-2)  # None has no setdefault
        return right_answer(w, dw, config)

    put(monkeypatch, NAMES[exercise], answer)

    assert "'NoneType' object has no attribute 'setdefault'" in refusal(exercise)


# --- right answers that look different


def in_place(rule):
    def answer(w, dw, config=None):
        next_w, config = rule(w, dw, config)
        w[...] = next_w
        return w, config

    return answer


def efficient(w, lr, m, v, eps):
    """Take the step of the reordered Adam of Kingma & Ba's section 2; epsilon stands elsewhere."""
    return w - lr * m / np.sqrt(v + eps**2)


EPSILON = "config['epsilon'] is added to the square root"
ODD = [
    of("fc-4.1", "fc-4.1", momentum(), ""),
    of("fc-4.2", "fc-4.2", rmsprop(), ""),
    of("fc-4.3", "fc-4.3", adam(), ""),
    of("fc-4.1", "fc-4.1", in_place(momentum()), "overwrites an array", name="in place"),
    of("fc-4.2", "fc-4.2", in_place(rmsprop()), "overwrites an array", name="in place"),
    of("fc-4.3", "fc-4.3", in_place(adam()), "overwrites an array", name="in place"),
    of(
        "fc-4.2",
        "fc-4.2",
        rmsprop(step=lambda w, d, c, o, lr, e: w - lr * d / np.sqrt(c + e)),
        EPSILON,
        name="epsilon inside",
    ),
    of(
        "fc-4.2",
        "fc-4.2",
        rmsprop(step=lambda w, d, c, o, lr, e: w - lr * d / (np.sqrt(c) + 1e-8)),
        EPSILON,
        name="epsilon hard-coded",
    ),
    of("fc-4.3", "fc-4.3", adam(step=efficient), EPSILON, name="epsilon inside"),
]


@pytest.mark.parametrize(("exercise", "answer", "text"), ODD)
def test_check_passes_right_answers_of_another_shape(monkeypatch, capsys, exercise, answer, text):
    put(monkeypatch, NAMES[exercise], answer)

    said = advice(exercise, capsys)

    assert text in said
    assert bool(said) == bool(text)


@pytest.mark.parametrize("exercise", [of(exercise, exercise) for exercise in NAMES])
def test_check_advises_against_float64(monkeypatch, capsys, exercise):
    make = {"fc-4.1": momentum, "fc-4.2": rmsprop, "fc-4.3": adam}[exercise]

    def answer(w, dw, config=None):
        return make()(w.astype(np.float64), dw.astype(np.float64), config)

    put(monkeypatch, NAMES[exercise], answer)

    assert "turns float32 into float64 (next_w)" in advice(exercise, capsys)

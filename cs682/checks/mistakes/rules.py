"""The update rules on a single number, as they are defined and as they are mistaken.

A step takes one weight, one gradient entry and the config of that one weight, which it updates;
it returns the next weight.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Config = dict[str, Any]
Step = Callable[[Any, Any, Config], Any]
History = list[dict[str, Any]]


def momentum(w: Any, dw: Any, c: Config) -> Any:
    """Take one step of SGD with momentum."""
    c["velocity"] = c["momentum"] * c["velocity"] - c["learning_rate"] * dw
    return w + c["velocity"]


def rmsprop(w: Any, dw: Any, c: Config) -> Any:
    """Take one step of RMSProp."""
    c["cache"] = c["decay_rate"] * c["cache"] + (1 - c["decay_rate"]) * dw**2
    return w - c["learning_rate"] * dw / (np.sqrt(c["cache"]) + c["epsilon"])


def adam(w: Any, dw: Any, c: Config) -> Any:
    """Take one step of Adam."""
    return _adam(w, dw, c)


def _velocity(new: Callable[[Any, Any, Config], Any], step: Step | None = None) -> Step:
    """Return a step whose velocity is ``new(old, dw, c)``; `step` may use it in its own way."""

    def take(w: Any, dw: Any, c: Config) -> Any:
        c["velocity"] = new(c["velocity"], dw, c)
        return w + c["velocity"] if step is None else step(w, dw, c)

    return take


def _nesterov(w: Any, dw: Any, c: Config) -> Any:
    momentum(w, dw, c)
    return w + c["momentum"] * c["velocity"] - c["learning_rate"] * dw


def _old_velocity(w: Any, dw: Any, c: Config) -> Any:
    old = c["velocity"]
    momentum(w, dw, c)
    return w + old


def _then(rule: Step, step: Step) -> Step:
    """Return a rule with the right state and a step of its own."""

    def take(w: Any, dw: Any, c: Config) -> Any:
        rule(w, dw, c)
        return step(w, dw, c)

    return take


MOMENTUM: dict[str, Step] = {
    "this is Nesterov's step; here w moves by the new velocity alone": _nesterov,
    "this is plain SGD; w moves by the velocity": _then(
        momentum, lambda w, dw, c: w - c["learning_rate"] * dw
    ),
    "the velocity is subtracted; it already points downhill": _then(
        momentum, lambda w, dw, c: w - c["velocity"]
    ),
    "w moves by the old velocity; update it first": _old_velocity,
    "the learning rate belongs into the velocity, not into the step": _velocity(
        lambda v, dw, c: c["momentum"] * v + dw,
        lambda w, dw, c: w - c["learning_rate"] * c["velocity"],
    ),
    "the velocity has the other sign: it should point downhill, where w + velocity goes": _velocity(
        lambda v, dw, c: c["momentum"] * v + c["learning_rate"] * dw
    ),
    "the gradient is weighed with 1 - momentum; here it is not": _velocity(
        lambda v, dw, c: c["momentum"] * v - (1 - c["momentum"]) * c["learning_rate"] * dw
    ),
    "momentum and learning_rate are exchanged": _velocity(
        lambda v, dw, c: c["learning_rate"] * v - c["momentum"] * dw
    ),
    "momentum is hard-coded at 0.9": _velocity(lambda v, dw, c: 0.9 * v - c["learning_rate"] * dw),
    "the sign of the gradient is taken, not the gradient": _velocity(
        lambda v, dw, c: c["momentum"] * v - c["learning_rate"] * np.sign(dw)
    ),
    "learning_rate is hard-coded at 1e-2": _velocity(
        lambda v, dw, c: c["momentum"] * v - 1e-2 * dw
    ),
}


def _average(new: Callable[[Any, Any, Any], Any]) -> Step:
    """Return RMSProp with another running average, ``new(old, dw, decay_rate)``."""

    def take(w: Any, dw: Any, c: Config) -> Any:
        c["cache"] = new(c["cache"], dw, c["decay_rate"])
        return w - c["learning_rate"] * dw / (np.sqrt(c["cache"]) + c["epsilon"])

    return take


def _stored_root(w: Any, dw: Any, c: Config) -> Any:
    w = rmsprop(w, dw, c)
    c["cache"] = np.sqrt(c["cache"])
    return w


def _old_average(w: Any, dw: Any, c: Config) -> Any:
    old = c["cache"]
    rmsprop(w, dw, c)
    return w - c["learning_rate"] * dw / (np.sqrt(old) + c["epsilon"])


RMSPROP: dict[str, Step] = {
    "the square root is missing": _then(
        rmsprop, lambda w, dw, c: w - c["learning_rate"] * dw / (c["cache"] + c["epsilon"])
    ),
    "the step uses the old average; update it first": _old_average,
    "the root is stored; store the average itself": _stored_root,
    "decay_rate weighs the old average, 1 - decay_rate the new square": _average(
        lambda old, dw, d: (1 - d) * old + d * dw**2
    ),
    "the new square has no weight 1 - decay_rate (adding up all squares is AdaGrad)": _average(
        lambda old, dw, d: d * old + dw**2
    ),
    "the gradient is not squared": _average(lambda old, dw, d: d * old + (1 - d) * dw),
    "the gradient is not squared, only made positive": _average(
        lambda old, dw, d: d * old + (1 - d) * abs(dw)
    ),
    "decay_rate is hard-coded at 0.99": _average(lambda old, dw, d: 0.99 * old + 0.01 * dw**2),
    "this is plain SGD; the gradient is not scaled": _then(
        rmsprop, lambda w, dw, c: w - c["learning_rate"] * dw
    ),
    "the gradient is multiplied with the root; divide by it": _then(
        rmsprop, lambda w, dw, c: w - c["learning_rate"] * dw * np.sqrt(c["cache"])
    ),
    "the gradient is squared in the step too": _then(
        rmsprop,
        lambda w, dw, c: w - c["learning_rate"] * dw**2 / (np.sqrt(c["cache"]) + c["epsilon"]),
    ),
    "epsilon is multiplied with the root; it is added": _then(
        rmsprop,
        lambda w, dw, c: w - c["learning_rate"] * dw / (np.sqrt(c["cache"]) * c["epsilon"]),
    ),
    "the sign is turned: this goes uphill": lambda w, dw, c: 2 * w - rmsprop(w, dw, c),
    "the learning rate is left out": lambda w, dw, c: (
        w + (rmsprop(w, dw, c) - w) / c["learning_rate"]
    ),
    "the gradient itself is missing from the step": _then(
        rmsprop, lambda w, dw, c: w - c["learning_rate"] / (np.sqrt(c["cache"]) + c["epsilon"])
    ),
    "RMSProp has no bias correction": _then(
        rmsprop,
        lambda w, dw, c: (
            w
            - c["learning_rate"] * dw / (np.sqrt(c["cache"] / (1 - c["decay_rate"])) + c["epsilon"])
        ),
    ),
}


def _adam(
    w: Any,
    dw: Any,
    c: Config,
    *,
    first: Callable[[Any, Any, Config], Any] = lambda m, dw, c: (
        c["beta1"] * m + (1 - c["beta1"]) * dw
    ),
    second: Callable[[Any, Any, Config], Any] = lambda v, dw, c: (
        c["beta2"] * v + (1 - c["beta2"]) * dw**2
    ),
    correct: Callable[[Any, Any], Any] = lambda beta, t: 1 - beta**t,
    betas: tuple[str, str] = ("beta1", "beta2"),
    which: str = "mv",
    root: Callable[[Any], Any] = np.sqrt,
    stores: str = "plain",
) -> Any:
    """Take one step of Adam, of which any part may be mistaken."""
    c["t"] += 1
    m, v = first(c["m"], dw, c), second(c["v"], dw, c)
    m_hat = m / correct(c[betas[0]], c["t"]) if "m" in which else m
    v_hat = v / correct(c[betas[1]], c["t"]) if "v" in which else v
    c["m"], c["v"] = (m_hat, v_hat) if stores == "corrected" else (m, v)
    return w - c["learning_rate"] * m_hat / (root(v_hat) + c["epsilon"])


def _mistaken(**part: Any) -> Step:
    """Return Adam with one part replaced."""
    return lambda w, dw, c: _adam(w, dw, c, **part)


def _from_one(w: Any, dw: Any, c: Config) -> Any:
    c["t"] = c["t"] or 1
    return adam(w, dw, c)


def _gradient_for_m(w: Any, dw: Any, c: Config) -> Any:
    adam(w, dw, c)
    v_hat = c["v"] / (1 - c["beta2"] ** c["t"])
    return w - c["learning_rate"] * dw / (np.sqrt(v_hat) + c["epsilon"])


ADAM: dict[str, Step] = {
    "t is one ahead: it is 0 before the first step and grows by one in each (editions of 2016 and "
    "before started from 1)": _from_one,
    "the step takes the gradient where m belongs": _gradient_for_m,
    "the bias correction is missing": _mistaken(which=""),
    "only m has its bias correction": _mistaken(which="m"),
    "only v has its bias correction": _mistaken(which="v"),
    "the bias correction divides by 1 - beta; it should be 1 - beta**t": _mistaken(
        correct=lambda beta, t: 1 - beta
    ),
    "the bias correction divides by 1 + beta**t; it should be 1 - beta**t": _mistaken(
        correct=lambda beta, t: 1 + beta**t
    ),
    "the bias correction uses beta * t; it should be beta**t": _mistaken(
        correct=lambda beta, t: 1 - beta * t, root=lambda v: np.sqrt(np.abs(v))
    ),
    "v is corrected with beta1; it has beta2": _mistaken(betas=("beta1", "beta1")),
    "m is corrected with beta2; it has beta1": _mistaken(betas=("beta2", "beta2")),
    "the corrections are exchanged: m has beta1, v has beta2": _mistaken(betas=("beta2", "beta1")),
    "the corrected moments are stored; store the plain ones": _mistaken(stores="corrected"),
    "the square root is missing": _mistaken(root=lambda v: v),
    "beta1 weighs the old m, 1 - beta1 the gradient": _mistaken(
        first=lambda m, dw, c: (1 - c["beta1"]) * m + c["beta1"] * dw
    ),
    "beta2 weighs the old v, 1 - beta2 the square": _mistaken(
        second=lambda v, dw, c: (1 - c["beta2"]) * v + c["beta2"] * dw**2
    ),
    "the gradient has no weight 1 - beta1": _mistaken(first=lambda m, dw, c: c["beta1"] * m + dw),
    "the gradient in v is not squared": _mistaken(
        second=lambda v, dw, c: c["beta2"] * v + (1 - c["beta2"]) * dw
    ),
    "the gradient in v is not squared, only made positive": _mistaken(
        second=lambda v, dw, c: c["beta2"] * v + (1 - c["beta2"]) * abs(dw)
    ),
    "beta1 and beta2 are exchanged": _mistaken(
        first=lambda m, dw, c: c["beta2"] * m + (1 - c["beta2"]) * dw,
        second=lambda v, dw, c: c["beta1"] * v + (1 - c["beta1"]) * dw**2,
    ),
    "the gradient in m is squared; only that in v is": _mistaken(
        first=lambda m, dw, c: c["beta1"] * m + (1 - c["beta1"]) * dw**2
    ),
    "1 - beta2 is squared with the gradient": _mistaken(
        second=lambda v, dw, c: c["beta2"] * v + ((1 - c["beta2"]) * dw) ** 2
    ),
    "v averages the square of m; it takes the square of the gradient": _mistaken(
        second=lambda v, dw, c: (
            c["beta2"] * v + (1 - c["beta2"]) * (c["beta1"] * c["m"] + (1 - c["beta1"]) * dw) ** 2
        )
    ),
    "v is weighed with beta1; it has beta2": _mistaken(
        second=lambda v, dw, c: c["beta1"] * v + (1 - c["beta1"]) * dw**2
    ),
    "the square's weight is 1 - beta1; it is 1 - beta2": _mistaken(
        second=lambda v, dw, c: c["beta2"] * v + (1 - c["beta1"]) * dw**2
    ),
    "the old v is weighed with beta1; it is beta2": _mistaken(
        second=lambda v, dw, c: c["beta1"] * v + (1 - c["beta2"]) * dw**2
    ),
    "the old m is weighed with beta2; it is beta1": _mistaken(
        first=lambda m, dw, c: c["beta2"] * m + (1 - c["beta1"]) * dw
    ),
    "the gradient's weight is 1 - beta2; it is 1 - beta1": _mistaken(
        first=lambda m, dw, c: c["beta1"] * m + (1 - c["beta2"]) * dw
    ),
    "m is weighed with beta2; it has beta1": _mistaken(
        first=lambda m, dw, c: c["beta2"] * m + (1 - c["beta2"]) * dw
    ),
    "the square has no weight 1 - beta2": _mistaken(second=lambda v, dw, c: c["beta2"] * v + dw**2),
    "beta1 is added to m, not multiplied with it": _mistaken(
        first=lambda m, dw, c: c["beta1"] + m + (1 - c["beta1"]) * dw
    ),
    "the learning rate is left out": lambda w, dw, c: w + (adam(w, dw, c) - w) / c["learning_rate"],
    "the sign is turned: this goes uphill": lambda w, dw, c: 2 * w - adam(w, dw, c),
    "beta1 and beta2 are hard-coded at 0.9 and 0.999": _mistaken(
        first=lambda m, dw, c: 0.9 * m + 0.1 * dw, second=lambda v, dw, c: 0.999 * v + 0.001 * dw**2
    ),
}


_RULES: dict[str, tuple[Step, dict[str, Step]]] = {
    "sgd_momentum": (momentum, MOMENTUM),
    "rmsprop": (rmsprop, RMSPROP),
    "adam": (adam, ADAM),
}


def follow(name: str, w: Any, dws: Any, config: Config) -> tuple[History, dict[str, History]]:
    """Return next_w and state after each step of a rule; and cause -> the same for a mistake."""
    rule, mistakes = _RULES[name]
    wrong = {cause: _trajectory(mistake, w, dws, config) for cause, mistake in mistakes.items()}
    return _trajectory(rule, w, dws, config), wrong


def step(name: str, w: float, dw: float, config: Config) -> float:
    """Return the next value of a single weight by a rule."""
    return float(_RULES[name][0](np.float64(w), np.float64(dw), dict(config)))


def _trajectory(rule: Step, w: Any, dws: Any, config: Config) -> History:
    """Return next_w and config after each step, the rule applied to every number on its own."""
    configs = [dict(config) for _ in w.flat]
    history = []
    for dw in dws:
        pairs = zip(w.flat, dw.flat, configs, strict=True)
        with np.errstate(all="ignore"):
            numbers = [rule(np.float64(a), np.float64(b), c) for a, b, c in pairs]
        w = np.reshape(numbers, w.shape)
        state = {k: np.reshape([c[k] for c in configs], w.shape) for k in config}
        history.append({"next_w": w, **state})
    return history

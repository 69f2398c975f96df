"""Checks of the update rules: whole trajectories, number by number."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from cs682.checks.compare import CheckError, compare
from cs682.checks.layers import EXACT
from cs682.checks.report import Report, unpack
from cs682.checks.subject import Subject

Scalars = dict[str, Any]  # a config for a single number
Step = Callable[[float, float, Scalars], Any]  # (w, dw, config) -> next w; updates config


def _momentum(w: float, dw: float, c: Scalars) -> Any:
    """Take one step of SGD with momentum on a single number."""
    c["velocity"] = c["momentum"] * c["velocity"] - c["learning_rate"] * dw
    return w + c["velocity"]


def _rmsprop(w: float, dw: float, c: Scalars) -> Any:
    """Take one step of RMSProp on a single number."""
    c["cache"] = c["decay_rate"] * c["cache"] + (1 - c["decay_rate"]) * dw**2
    return w - c["learning_rate"] * dw / (math.sqrt(c["cache"]) + c["epsilon"])


def _adam(w: float, dw: float, c: Scalars) -> Any:
    """Take one step of Adam on a single number."""
    c["t"] += 1
    c["m"] = c["beta1"] * c["m"] + (1 - c["beta1"]) * dw
    c["v"] = c["beta2"] * c["v"] + (1 - c["beta2"]) * dw**2
    first = c["m"] / (1 - c["beta1"] ** c["t"])
    second = c["v"] / (1 - c["beta2"] ** c["t"])
    return w - c["learning_rate"] * first / (math.sqrt(second) + c["epsilon"])


def _trajectory(step: Step, w: Any, dws: Any, config: Scalars) -> list[tuple[Any, dict[str, Any]]]:
    """Return (w, config) after each step, the rule applied to every number on its own."""
    configs = [dict(config) for _ in w.flat]
    history = []
    for dw in dws:
        numbers = [
            step(float(a), float(b), c) for a, b, c in zip(w.flat, dw.flat, configs, strict=True)
        ]
        w = np.reshape(numbers, w.shape)
        state = {k: np.reshape([c[k] for c in configs], w.shape) for k in config}
        history.append((w, state))
    return history


def _check_rule(
    s: Subject,
    r: Report,
    name: str,
    step: Step,
    state: tuple[str, ...],
    settings: tuple[Scalars, Scalars],
    mistakes: Mapping[str, Step],
) -> None:
    """Follow a rule over four steps from an empty config, with default and other settings."""
    rule = getattr(s, name)
    rng = np.random.default_rng(682)
    w0 = rng.standard_normal((3, 4))
    dws = rng.standard_normal((4, 3, 4))
    defaults, others = settings
    for given in ({}, others):
        start = {**dict.fromkeys(state, 0.0), **defaults, **given}
        want = _trajectory(step, w0, dws, start)
        wrong = {cause: _trajectory(f, w0, dws, start) for cause, f in mistakes.items()}
        config: Any = dict(given) if given else None
        w = w0
        for n, dw in enumerate(dws):
            result = r.watch(name, rule, w, dw, config)
            w, config = unpack(name, result, ("next_w", "config"))
            where = f"after step {n + 1}" + (f" with {given}" if given else "")
            causes = {cause: history[n][0] for cause, history in wrong.items()}
            _check_state(config, state, want[n][1], where)
            compare("next_w", w, want[n][0], rtol=1e-7, where=where, causes=causes)
    r.ok("four steps from an empty config, with default and with other settings")
    single = np.float32(0.5) * np.ones(3, dtype=np.float32)
    out, _ = rule(single, single, {"learning_rate": np.float64(0.1)})
    r.keeps_float32(name, {"next_w": out})


def _check_state(config: Any, state: tuple[str, ...], want: dict[str, Any], where: str) -> None:
    """Check that the rule stored its new state in the config."""
    for key in state:
        if not isinstance(config, dict) or key not in config:
            raise CheckError(f"config[{key!r}] is missing {where}: the rule must store its state")
        expected = want[key].flat[0] if key == "t" else want[key]
        hint = "the state must be stored in config, and only once each step"
        compare(f"config[{key!r}]", config[key], expected, rtol=EXACT, where=where, hint=hint)


def check_sgd_momentum(s: Subject, r: Report) -> None:
    """Hold `sgd_momentum` against the definition."""

    def nesterov(w: float, dw: float, c: Scalars) -> Any:
        old = c["velocity"]
        return _momentum(w, dw, c) + c["momentum"] * (c["velocity"] - old)

    def pytorch(w: float, dw: float, c: Scalars) -> Any:
        c["velocity"] = c["momentum"] * c["velocity"] + dw
        return w - c["learning_rate"] * c["velocity"]

    mistakes = {
        "this is Nesterov's step; here w moves by the new velocity alone": nesterov,
        "this is plain SGD; the velocity is not used": lambda w, dw, c: w - c["learning_rate"] * dw,
        "the velocity is subtracted; it already points downhill": lambda w, dw, c: (
            2 * w - _momentum(w, dw, c)
        ),
        "the learning rate belongs into the velocity, not into the step": pytorch,
    }
    settings = {"learning_rate": 1e-2, "momentum": 0.9}, {"learning_rate": 0.3, "momentum": 0.5}
    _check_rule(s, r, "sgd_momentum", _momentum, ("velocity",), settings, mistakes)


def check_rmsprop(s: Subject, r: Report) -> None:
    """Hold `rmsprop` against the definition."""

    def no_root(w: float, dw: float, c: Scalars) -> Any:
        _rmsprop(w, dw, c)
        return w - c["learning_rate"] * dw / (c["cache"] + c["epsilon"])

    def old_cache(w: float, dw: float, c: Scalars) -> Any:
        old = c["cache"]
        _rmsprop(w, dw, c)
        return w - c["learning_rate"] * dw / (math.sqrt(old) + c["epsilon"])

    mistakes = {
        "the square root is missing": no_root,
        "the step uses the old average; update it first": old_cache,
    }
    settings = (
        {"learning_rate": 1e-2, "decay_rate": 0.99, "epsilon": 1e-8},
        {"learning_rate": 0.1, "decay_rate": 0.6, "epsilon": 1e-8},
    )
    _check_rule(s, r, "rmsprop", _rmsprop, ("cache",), settings, mistakes)
    _advise_on_epsilon(s, r, "rmsprop", _rmsprop, {"cache": 0.0, "decay_rate": 0.99})


def check_adam(s: Subject, r: Report) -> None:
    """Hold `adam` against the definition."""

    def no_correction(w: float, dw: float, c: Scalars) -> Any:
        _adam(w, dw, c)
        return w - c["learning_rate"] * c["m"] / (math.sqrt(c["v"]) + c["epsilon"])

    mistakes = {"the bias correction is missing": no_correction}
    settings = (
        {"learning_rate": 1e-3, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "t": 0},
        {"learning_rate": 0.1, "beta1": 0.6, "beta2": 0.8},
    )
    _check_rule(s, r, "adam", _adam, ("m", "v", "t"), settings, mistakes)
    state = {"m": 0.0, "v": 0.0, "t": 0, "beta1": 0.9, "beta2": 0.999}
    _advise_on_epsilon(s, r, "adam", _adam, state)


def _advise_on_epsilon(s: Subject, r: Report, name: str, step: Step, state: Scalars) -> None:
    """Advise if a large epsilon shows that it is not added to the root, as the text says."""
    config = {**state, "learning_rate": 0.1, "epsilon": 0.5}
    w, dw = np.ones(1), np.full(1, 0.2)
    want = step(1.0, 0.2, dict(config))
    out, _ = getattr(s, name)(w, dw, {"learning_rate": 0.1, "epsilon": 0.5})
    if abs(float(out[0]) - want) > 1e-9:
        r.advise(f"{name}: epsilon is added to the square root, not placed inside it or hard-coded")

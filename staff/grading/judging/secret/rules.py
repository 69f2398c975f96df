"""Further checks of the update rules."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from cs682 import optim
from cs682.checks.subject import Subject
from staff.grading.judging.secret.hold import hold, pair, refuse

_STEPS = 6
_NONE = 0.2  # share of the gradients that are exactly 0, as behind a ReLU
_FLOOR = 1e-6  # where epsilon stands changes steps of this length by less
_SHARE = 1e-2  # of the learning rate, that steps in float32 may miss
_DIGITS = {8: 1e-7, 4: 1e-5}  # by bytes: of each value
# Dimensions and dtypes of the parameters that take their steps at the same time.
_FEW, _MANY = (
    ((1, np.float64), (2, np.float64)),
    ((2, np.float64), (4, np.float64), (3, np.float32)),
)


def _follow(
    s: Subject,
    rng: Any,
    name: str,
    settings: dict[str, float],
    kinds: tuple[tuple[int, Any], ...],
) -> None:
    """Follow a rule over some steps, for parameters of several kinds at the same time."""
    largest = {1: 30, 2: 9, 3: 6, 4: 5}
    params = [
        rng.standard_normal(rng.integers(2, largest[ndim], ndim)).astype(dtype)
        for ndim, dtype in kinds
    ]
    begun = [_begun(rng, name, w) if w.ndim > 2 else {} for w in params]
    ours: list[Any] = [(w, {**settings, **b}) for w, b in zip(params, begun, strict=True)]
    theirs: list[Any] = [(w.copy(), copy.deepcopy(config)) for w, config in ours]
    for _ in range(_STEPS):
        for i, start in enumerate(params):
            dw = rng.uniform(0.5, 2, start.shape) * rng.choice([-1, 1], start.shape)
            dw = (dw * (rng.random(start.shape) > _NONE)).astype(start.dtype)
            ours[i] = getattr(optim, name)(ours[i][0], dw, ours[i][1])
            w, config = theirs[i]
            theirs[i] = pair(name, getattr(s, name)(w.copy(), dw.copy(), config))
            _compare(name, theirs[i], ours[i], settings["learning_rate"])


def _begun(rng: Any, name: str, w: Any) -> dict[str, Any]:
    """Return the state of a training that has gone on for a while."""
    state = {
        key: rng.uniform(0.5, 2, w.shape).astype(w.dtype)  # a mean of squares is positive
        for key in optim.STATE[name]
    }
    return {**state, "t": int(rng.integers(1000, 3000))} if name == "adam" else state


def _compare(name: str, got: Any, want: Any, rate: float) -> None:
    """Hold a step and the state that it leaves against the reference's."""
    (next_w, config), (right, state) = got, want
    dtype, where = right.dtype, f"parameters of {right.ndim} dimensions"
    if not isinstance(config, dict):
        refuse("config", "is no dict", where)
    same = type(next_w) is np.ndarray and next_w.shape == right.shape
    floor = _SHARE * rate if dtype == np.float32 else _FLOOR
    slack = floor + _DIGITS[dtype.itemsize] * np.abs(right)
    if not same or not (np.abs(next_w - right) <= slack).all():
        refuse("next_w", "has the wrong values", f"{dtype} {where}, after some steps")
    for key in optim.STATE[name]:
        after = f"{where}, after some steps"
        hold(f"config[{key!r}]", config.get(key), state[key], after, dtype=dtype)


def sgd_momentum(s: Subject, rng: Any) -> None:
    """Hold `sgd_momentum` against the reference."""
    for rate, kinds in ((1e-2, _FEW), (float(rng.uniform(0.05, 0.5)), _MANY)):
        momentum = float(rng.uniform(0.3, 0.95))
        _follow(s, rng, "sgd_momentum", {"learning_rate": rate, "momentum": momentum}, kinds)


def rmsprop(s: Subject, rng: Any) -> None:
    """Hold `rmsprop` against the reference."""
    for rate, kinds in ((1e-2, _FEW), (float(rng.uniform(0.05, 0.2)), _MANY)):
        decay = float(rng.uniform(0.5, 0.99))
        settings = {"learning_rate": rate, "decay_rate": decay, "epsilon": _epsilon(rng)}
        _follow(s, rng, "rmsprop", settings, kinds)


def adam(s: Subject, rng: Any) -> None:
    """Hold `adam` against the reference."""
    for rate, kinds in ((1e-3, _FEW), (float(rng.uniform(0.05, 0.2)), _MANY)):
        betas = {"beta1": float(rng.uniform(0.5, 0.95)), "beta2": float(rng.uniform(0.7, 0.999))}
        settings = {"learning_rate": rate, **betas, "epsilon": _epsilon(rng)}
        _follow(s, rng, "adam", settings, kinds)


def _epsilon(rng: Any) -> float:
    """Return one so small that it may stand where it likes, of which the students' check tells."""
    return float(10 ** rng.uniform(-10, -8))

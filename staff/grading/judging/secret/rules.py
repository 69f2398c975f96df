"""Further checks of the update rules."""

from __future__ import annotations

from typing import Any

import numpy as np

from cs682 import optim
from cs682.checks.subject import Subject
from staff.grading.judging.secret.hold import hold, pair, refuse

_STEPS = 6
_FLOOR = 1e-6  # where epsilon stands changes steps of this length by less


def _follow(s: Subject, rng: Any, name: str, settings: dict[str, float]) -> None:
    """Follow a rule over some steps, for parameters of several shapes at the same time."""
    shapes = [(int(rng.integers(2, 30)),), (int(rng.integers(2, 9)), int(rng.integers(2, 9)))]
    params = [rng.standard_normal(shape) for shape in shapes]
    ours: list[Any] = [(w, dict(settings)) for w in params]
    theirs: list[Any] = [(w.copy(), dict(settings)) for w in params]
    for _ in range(_STEPS):
        for i, shape in enumerate(shapes):
            dw = rng.uniform(0.5, 2, shape) * rng.choice([-1, 1], shape)
            ours[i] = getattr(optim, name)(ours[i][0], dw, ours[i][1])
            w, config = theirs[i]
            theirs[i] = pair(name, getattr(s, name)(w.copy(), dw.copy(), config))
            _compare(name, theirs[i], ours[i], f"parameters of {len(shape)} dimensions")


def _compare(name: str, got: Any, want: Any, where: str) -> None:
    """Hold a step and the state that it leaves against the reference's."""
    (next_w, config), (right, state) = got, want
    if not isinstance(config, dict):
        refuse("config", "is no dict", where)
    same = type(next_w) is np.ndarray and next_w.shape == right.shape
    if not same or not (np.abs(next_w - right) <= _FLOOR + 1e-7 * np.abs(right)).all():
        refuse("next_w", "has the wrong values", f"{where}, after some steps")
    for key in optim.STATE[name]:
        hold(f"config[{key!r}]", config.get(key), state[key], f"{where}, after some steps")


def sgd_momentum(s: Subject, rng: Any) -> None:
    """Hold `sgd_momentum` against the reference."""
    for rate in (1e-2, float(rng.uniform(0.05, 0.5))):
        momentum = float(rng.uniform(0.3, 0.95))
        _follow(s, rng, "sgd_momentum", {"learning_rate": rate, "momentum": momentum})


def rmsprop(s: Subject, rng: Any) -> None:
    """Hold `rmsprop` against the reference."""
    for rate in (1e-2, float(rng.uniform(0.05, 0.2))):
        decay = float(rng.uniform(0.5, 0.99))
        _follow(s, rng, "rmsprop", {"learning_rate": rate, "decay_rate": decay})


def adam(s: Subject, rng: Any) -> None:
    """Hold `adam` against the reference."""
    for rate in (1e-3, float(rng.uniform(0.05, 0.2))):
        betas = {"beta1": float(rng.uniform(0.5, 0.95)), "beta2": float(rng.uniform(0.7, 0.999))}
        _follow(s, rng, "adam", {"learning_rate": rate, **betas})

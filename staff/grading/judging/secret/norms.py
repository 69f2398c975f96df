"""Further checks of batch and layer normalization."""

from __future__ import annotations

from typing import Any

import numpy as np

from cs682 import layers
from cs682.checks.subject import Subject
from staff.grading.judging.secret.hold import copies, draw, first, hold, hold_all, pair, sizes


def _arguments(rng: Any, N: int, D: int, dtype: Any) -> tuple[Any, ...]:
    """Return x, gamma, beta and dout, each feature and each example on a scale of its own."""
    x = draw(rng, N, D) * rng.uniform(0.5, 3, D) + rng.uniform(-4, 4, D) + draw(rng, N, 1)
    values = (x, rng.uniform(0.5, 2, D), draw(rng, D), draw(rng, N, D))
    return tuple(v.astype(dtype) for v in values)


def _eps(rng: Any) -> float:
    return float(rng.choice([1e-5, 1e-3, 0.3]))


def _cases(rng: Any) -> list[tuple[int, int, Any]]:
    """Return sizes; batches of one are the students' check's, here they would all give beta."""
    return [(max(N, 3), D, dtype) for N, D, dtype in sizes(rng)]


def batchnorm_train(s: Subject, rng: Any) -> None:
    """Hold training-time batch norm and its running statistics against the reference."""
    for N, D, dtype in _cases(rng):
        options = {"mode": "train", "eps": _eps(rng), "momentum": float(rng.uniform(0.5, 0.95))}
        theirs, ours = dict(options), dict(options)
        for _ in range(3):
            x, gamma, beta, _ = _arguments(rng, N, D, dtype)
            want = layers.batchnorm_forward(x, gamma, beta, ours)[0]
            result = s.batchnorm_forward(*copies(x, gamma, beta), theirs)
            out = first("batchnorm_forward", result)
            hold("out", out, want, f"batches of {N}", dtype=dtype)
            for name in ("running_mean", "running_var"):
                where = f"batches of {N}, after some steps"
                hold(name, theirs.get(name), ours[name], where, dtype=dtype)


def batchnorm_test(s: Subject, rng: Any) -> None:
    """Hold test-time batch norm against the reference."""
    large = (int(rng.integers(301, 400)), int(rng.integers(131, 200)), np.float64)
    for N, D, dtype in (*sizes(rng), large):
        x, gamma, beta, mean = _arguments(rng, N, D, dtype)
        param = {"mode": "test", "eps": _eps(rng), "running_mean": mean[0].copy()}
        param["running_var"] = (rng.uniform(0.3, 4, D) * (N > 1)).astype(dtype)  # 0 at the start
        want = layers.batchnorm_forward(x, gamma, beta, dict(param))[0]
        given = {k: v.copy() if isinstance(v, np.ndarray) else v for k, v in param.items()}
        out = first("batchnorm_forward", s.batchnorm_forward(*copies(x, gamma, beta), given))
        hold("out", out, want, f"batches of {N} in test mode", dtype=dtype)
        for name in ("running_mean", "running_var"):
            hold(name, given.get(name), param[name], f"batches of {N} in test mode", dtype=dtype)


def _backward(s: Subject, rng: Any, norm: str, backward: str, mode: dict[str, Any]) -> None:
    """Hold a backward pass against the reference, with two caches at a time."""
    ours, theirs = getattr(layers, f"{norm}_forward"), getattr(s, f"{norm}_forward")
    for N, D, dtype in _cases(rng):
        cases = []
        for _ in range(2):
            x, gamma, beta, dout = _arguments(rng, N, D, dtype)
            param = {**mode, "eps": _eps(rng)}
            cache = ours(x, gamma, beta, dict(param))[1]
            want = getattr(layers, backward)(dout, cache)
            result = theirs(*copies(x, gamma, beta), param)
            cases.append((dout, want, pair(f"{norm}_forward", result)[1]))
        for dout, want, cache in cases:
            got = getattr(s, backward)(dout.copy(), cache)
            hold_all("dx dgamma dbeta", got, want, f"batches of {N}", dtype=dtype)


def batchnorm_backward(s: Subject, rng: Any) -> None:
    """Hold `batchnorm_backward` against the reference."""
    _backward(s, rng, "batchnorm", "batchnorm_backward", {"mode": "train"})


def batchnorm_backward_alt(s: Subject, rng: Any) -> None:
    """Hold `batchnorm_backward_alt` against the reference."""
    _backward(s, rng, "batchnorm", "batchnorm_backward_alt", {"mode": "train"})


def layernorm_forward(s: Subject, rng: Any) -> None:
    """Hold `layernorm_forward` against the reference."""
    for N, D, dtype in sizes(rng):
        x, gamma, beta, _ = _arguments(rng, N, D, dtype)
        param = {"eps": _eps(rng)}
        want = layers.layernorm_forward(x, gamma, beta, dict(param))[0]
        out = first("layernorm_forward", s.layernorm_forward(*copies(x, gamma, beta), param))
        hold("out", out, want, f"batches of {N}", dtype=dtype)


def layernorm_backward(s: Subject, rng: Any) -> None:
    """Hold `layernorm_backward` against the reference."""
    _backward(s, rng, "layernorm", "layernorm_backward", {})

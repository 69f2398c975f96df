"""Checks of code that is given: it may have been changed while somebody looked for a mistake."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from cs682.checks import slow
from cs682.checks.compare import EXACT, NUMERIC, NUMERIC_FLOOR, compare, require_finite
from cs682.checks.judges.pairs import WayBack, check_way_back
from cs682.checks.report import KEPT, Report, unpack
from cs682.checks.subject import Subject

_LOSSES = ("svm_loss", "softmax_loss")


def check_affine_relu(s: Subject, r: Report) -> None:
    """Hold the affine-ReLU sandwich against the definition and its slopes."""
    rng = np.random.default_rng(682)
    x, w, b, dout = (rng.standard_normal(shape) for shape in ((2, 3, 4), (12, 10), (10,), (2, 10)))

    def forward(x: Any, w: Any, b: Any) -> Any:
        return slow.relu(slow.affine(x, w, b))

    want = dict(zip(("dx", "dw", "db"), slow.slopes(forward, (x, w, b), dout), strict=True))
    result = r.watch("affine_relu_forward", s.affine_relu_forward, x, w, b)
    out, cache = unpack("affine_relu_forward", result, ("out", "cache"))
    causes = {"the ReLU is left out": slow.affine(x, w, b)}
    compare("out", out, forward(x, w, b), rtol=EXACT, causes=causes)
    hints = dict.fromkeys(want, "the way back is ReLU, then affine, each with its own cache")
    name, backward = "affine_relu_backward", s.affine_relu_backward
    way = WayBack(name, backward, dout, want, hints=hints)
    check_way_back(r, way, cache, lambda: s.affine_relu_forward(1 - x, -w, b))
    r.ok("values, and dx, dw and db against numeric gradients")


def check_losses(s: Subject, r: Report) -> None:
    """Hold both losses against their definitions, on ordinary and on extreme scores."""
    rng = np.random.default_rng(682)
    earlier = (0.0, 0.0)
    for name, (N, C) in product(_LOSSES, ((5, 4), (1, 3), (5, 4))):
        definition = getattr(slow, name)
        x, y = 2 * rng.standard_normal((N, C)), np.arange(N) % C
        want, slope = definition(x, y), slow.slope(lambda v, f=definition, y=y: f(v, y), x)  # type: ignore[misc]
        result = r.watch(name, getattr(s, name), x, y)
        loss, dx = unpack(name, result, ("loss", "dx"))
        causes = {
            "the loss is summed over the batch; it is the mean": want * N,
            "the right class counts too": want + 1,
            KEPT: earlier[0],
        }
        where = f"from {name} for x of shape {x.shape}"
        compare("loss", loss, want, rtol=EXACT, where=where, causes=causes if N > 1 else {})
        sums = {"dx is not divided by the batch size": slope * N} if N > 1 else {}
        earlier = (earlier[1], want)  # the last of this size was the one before the last
        compare("dx", dx, slope, rtol=NUMERIC, atol=NUMERIC_FLOOR, where=where, causes=sums)
    r.ok("both losses and their gradients, also for a single example")
    for scores in ([[1e4, -1e4, 0]], [[-1e4, -1e4, -1e4]], [[1e4, 1e4, 1e4]], [[-1e4, 1e4, 3]]):
        x, y = np.array(scores, dtype=np.float64), np.array([0])
        for name in _LOSSES:
            definition = getattr(slow, name)
            loss, dx = getattr(s, name)(x.copy(), y)
            hint = "subtract each row's largest score before exp, and take logs of no probability"
            where = f"from {name} for scores {scores[0]}"
            compare("loss", loss, definition(x, y), rtol=EXACT, atol=1e-9, where=where, hint=hint)
            require_finite("dx", dx, x.shape)
    r.ok("finite on scores of 10,000 and -10,000")
    small, labels = np.zeros((2, 3), dtype=np.float32), np.array([0, 1])
    for name in _LOSSES:
        _, dx = getattr(s, name)(small, labels)
        r.keeps_float32(name, {"dx": dx})

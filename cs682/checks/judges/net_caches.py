"""Check that a network's forward pass keeps what its way back needs."""

from __future__ import annotations

from typing import Any

import numpy as np

from cs682.checks import slow
from cs682.checks.compare import CheckError
from cs682.checks.judges.pairs import parts_of
from cs682.checks.mistakes import nets as net_mistakes
from cs682.checks.subject import Subject


def check_caches(s: Subject, net: Any, params: dict[str, Any], X: Any, y: Any) -> None:
    """Check that the input of each affine layer is among what `_forward` has kept.

    Its form is the student's own choice, so nothing is said where the gradients come out right, or
    where things of an unknown kind are kept; nor where the network is out of reach.

    Parameters
    ----------
    s : Subject
    net : a network without normalization and dropout
    params : dict of ndarray, its parameters
    X, y : ndarray, a batch

    Raises
    ------
    CheckError
        If one of them is lost.
    """
    kept = getattr(s, "kept_by", lambda *_: None)(net, X)
    if kept is None:
        return
    inputs, slopes = net_mistakes.layer_inputs(params, X), slow.net_slopes(params, X, y)
    if _is_right(s, net, X, y, slopes):
        return
    parts = list(parts_of(kept))
    if any(not isinstance(p, (np.ndarray, tuple, str, float, int, type(None))) for p in parts):
        return
    for i, value in enumerate(inputs, 1):
        if not any(_is_same(part, value) for part in parts):
            raise CheckError(
                f"the cache of layer {i} is lost: what _forward returned beside the scores must "
                f"hold the caches of all {len(inputs)} layers, for the way back"
            )


def _is_right(s: Subject, net: Any, X: Any, y: Any, slopes: dict[str, Any]) -> bool:
    """Tell whether the way back, if it is written, makes the right gradients of it."""
    try:
        _, grads = s.loss(net, X, y)
        return all(np.allclose(grads[k], v, rtol=1e-4, atol=1e-6) for k, v in slopes.items())
    except Exception:  # the student's own, also that of a stub
        return False


def _is_same(part: Any, value: Any) -> bool:
    """Tell whether a part of a cache holds these numbers, flattened or not."""
    is_like = isinstance(part, np.ndarray) and part.size == value.size and part.dtype.kind == "f"
    return is_like and bool(np.allclose(np.ravel(part), np.ravel(value)))

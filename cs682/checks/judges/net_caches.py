"""Check that a network's forward pass keeps what its way back needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cs682.checks.compare import CheckError, kind_of
from cs682.checks.judges.caches import parts_of
from cs682.checks.subject import Subject

_KNOWN = (np.ndarray, tuple, str, float, int, type(None))  # what can be looked into
_MANY = 11  # images of an earlier batch: no other length of a network that is checked here


def check_caches(
    s: Subject,
    net: Any,
    X: Any,
    y: Any,
    slopes: dict[str, Any],
    needed: dict[str, Callable[[list[Any]], bool]],
) -> None:
    """Check that what each layer needs for its way back is among what `_forward` has kept.

    Its form is the student's own choice, so nothing is said where the gradients come out right, or
    where things of an unknown kind are kept; nor where the network is out of reach.

    Parameters
    ----------
    s : Subject
    net : a network without normalization and dropout
    X, y : ndarray, a batch of another size than those before
    slopes : dict of ndarray, the gradients of the loss for it
    needed : dict from each layer's name to a test of all parts that are kept, such as `keeps`

    Raises
    ------
    CheckError
        If one of them is lost, or of an earlier call.
    """
    check_new_caches(s, net, X, y, slopes)
    kept = _kept_by(s, net, X)
    if kept is None or is_way_back_right(s, net, X, y, slopes):
        return
    parts = list(parts_of(kept))
    if not all(isinstance(part, _KNOWN) for part in parts):
        return
    for name, is_there in needed.items():
        if not is_there(parts):
            raise CheckError(
                f"the cache of {name} is lost: what _forward returned beside the scores must "
                "hold the caches of all layers, for the way back"
            )


def keeps(*values: Any, or_marks: bool = False) -> Callable[[list[Any]], bool]:
    """Return a test whether parts of a cache hold the numbers of one of these arrays.

    Parameters
    ----------
    *values : ndarrays
    or_marks : bool, whether an array of truth values or whole numbers will do, which may say where
        a maximum is
    """

    def test(parts: list[Any]) -> bool:
        marks = (p for p in parts if isinstance(p, np.ndarray) and p.dtype.kind in "biu")
        is_marked = or_marks and any(True for _ in marks)
        return is_marked or any(_is_same(part, value) for part in parts for value in values)

    return test


def say_form(s: Subject, net: Any, inputs: list[Any], X: Any) -> str:
    """Say that `_forward` does not return the caches one for each layer, in their order.

    Parameters
    ----------
    s : Subject
    net : a network without normalization and dropout
    inputs : list of ndarray, what goes into each of its affine layers
    X : ndarray, a batch

    Returns
    -------
    said : str; empty if it does, in a list, tuple or dict, or the network is out of reach
    """
    returned, *_ = _kept_by(s, net, X) or (None,)
    if not isinstance(returned, (list, tuple, dict)):
        return ""
    if len(returned) == len(inputs):
        return _say_order(returned, inputs) if isinstance(returned, (list, tuple)) else ""
    return (
        f"_forward returned {kind_of(returned)} of {len(returned)} beside the scores of a network "
        f"with {len(inputs)} layers; its docstring promises one cache for each layer"
    )


def _say_order(caches: Any, inputs: list[Any]) -> str:
    """Say that a cache stands in the place of another layer's; both hold their layer's input."""
    places = [
        [i for i, value in enumerate(inputs) if any(_is_same(p, value) for p in parts_of(cache))]
        for cache in caches
    ]
    if sorted(places) != [[i] for i in range(len(inputs))]:
        return ""
    for at, (layer,) in enumerate(places):
        if layer != at:
            return (
                f"_forward returned the cache of layer {layer + 1} at index {at} of "
                f"{kind_of(caches)}, where that of layer {at + 1} is looked for"
            )
    return ""


def check_new_caches(s: Subject, net: Any, X: Any, y: Any, slopes: dict[str, Any]) -> None:
    """Check that what `_forward` returns beside the scores is of this call alone.

    Nothing is said where the gradients come out right, nor where the network is out of reach.

    Parameters
    ----------
    s : Subject
    net : a network in whose arrays no axis is as long as the earlier batch
    X, y : ndarray, a batch of another size than those before
    slopes : dict of ndarray, the gradients of the loss for it

    Raises
    ------
    CheckError
        If it has arrays of an earlier batch, or nothing at all is kept.
    """
    shapes = {np.shape(slope) for slope in slopes.values()}
    if _keeps_nothing(_kept_by(s, net, X), shapes) and not is_way_back_right(s, net, X, y, slopes):
        raise CheckError(
            "the caches are lost: _forward returned None beside the scores; it has to return the "
            "caches of all layers there, for the way back"
        )
    batches = np.resize(X, (_MANY, *X.shape[1:])), X
    earlier, now = (_arrays(_kept_by(s, net, batch), shapes) for batch in batches)
    is_kept = any(_MANY in part.shape for part in now)
    is_first = len(now) == len(earlier) > 0 and all(map(np.array_equal, now, earlier))
    if (is_kept or is_first) and not is_way_back_right(s, net, X, y, slopes):
        raise CheckError(
            "the caches of an earlier call are used: they are among what _forward returned beside "
            "the scores of another X. Let each call make its own, in a variable, not in self"
        )


def _keeps_nothing(kept: Any, shapes: set[tuple[int, ...]]) -> bool:
    """Tell whether a forward pass returned None, and left no array in self but of these shapes."""
    if not kept or kept[0] is not None:
        return False
    parts = list(parts_of(kept))
    arrays = (part for part in parts if isinstance(part, np.ndarray))
    return all(isinstance(part, _KNOWN) for part in parts) and all(
        a.shape in shapes for a in arrays
    )


def _arrays(kept: Any, shapes: set[tuple[int, ...]]) -> list[Any]:
    """Return the arrays that were returned beside the scores, without those of these shapes."""
    returned, *_ = kept or (None,)
    arrays = (part for part in parts_of(returned) if isinstance(part, np.ndarray))
    return [part for part in arrays if part.shape not in shapes]


def _kept_by(s: Subject, net: Any, X: Any) -> Any:
    """Return what a forward pass leaves, what it returned first; None if that is out of reach."""
    return getattr(s, "kept_by", lambda *_: None)(net, X)


def is_way_back_right(s: Subject, net: Any, X: Any, y: Any, slopes: dict[str, Any]) -> bool:
    """Tell whether the way back, if it is written, makes the right gradients of it.

    Parameters
    ----------
    s : Subject
    net : a network
    X, y : ndarray, a batch
    slopes : dict of ndarray, the gradients of the loss for it
    """
    try:
        _, grads = s.loss(net, X, y)
        return all(np.allclose(grads[k], v, rtol=1e-4, atol=1e-6) for k, v in slopes.items())
    except Exception:  # the student's own, also that of a stub
        return False


def _is_same(part: Any, value: Any) -> bool:
    """Tell whether a part of a cache holds these numbers, in any layout, zeros around them too."""
    if not isinstance(part, np.ndarray) or part.dtype.kind != "f":
        return False
    found, wanted = (np.unique(v[v != 0]) for v in (part, value))
    return found.shape == wanted.shape and bool(np.allclose(found, wanted))

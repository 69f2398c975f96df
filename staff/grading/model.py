"""Let a student's own network, with its trained parameters, score images in a sandbox."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from staff.grading.core import ending
from staff.grading.hand_in import read_package
from staff.grading.remote import NoAnswer, RemoteSubject
from staff.grading.sandbox import Rung, Sandbox
from staff.grading.text import clean

if TYPE_CHECKING:
    from cs682._types import Array, Params

_AT_ONCE = 4_000_000  # numbers of the images that are sent in one call


class NoScoresError(RuntimeError):
    """A network did not score the images; the text says why, for the student."""


def score_model(
    package: Path,
    kind: str,
    arguments: dict[str, Any],
    params: Params,
    running: list[Params],
    X: Array,
    *,
    rung: Rung,
) -> Array:
    """Return the scores that a student's network gives to images.

    Parameters
    ----------
    package : Path, folder that holds the student's ``cs682/layers.py`` and the like
    kind : {'TwoLayerNet', 'FullyConnectedNet'}
    arguments : dict, what the network was built with, by name: numbers, texts, lists of numbers
    params : dict of ndarray, the trained parameters
    running : list of dict of ndarray, running statistics of each normalization layer
    X : ndarray of float, shape (N, d_1, ..., d_k)
    rung : Rung

    Returns
    -------
    scores : ndarray of float64, shape (N, C), all finite

    Raises
    ------
    NoScoresError
        If the code raises, does not answer, or answers with something else.
    """
    with Sandbox(rung, read_package(package)) as sandbox:
        try:
            with contextlib.closing(sandbox.begin(sandbox.order())) as end:
                remote = RemoteSubject(end, rung.limits.wall)
                return _scores(remote, kind, arguments, params, running, X)
        except NoAnswer as error:
            with contextlib.suppress(OSError):
                raise NoScoresError(f"{error}{ending(sandbox.finish())}") from None
            raise NoScoresError(str(error)) from None
        except (Exception, SystemExit) as error:
            line = getattr(error, "student_line", "")
            raise NoScoresError(clean(f"{type(error).__name__}: {error}\n{line}")) from None


def _scores(
    remote: RemoteSubject,
    kind: str,
    arguments: dict[str, Any],
    params: Params,
    running: list[Params],
    X: Array,
) -> Array:
    """Return the scores of all images, some at a time."""
    net = remote.net(kind, **arguments)
    remote.restore(net, params, running)
    count = max(1, _AT_ONCE // max(1, X[0].size))
    parts = [X[i : i + count] for i in range(0, len(X), count)]
    scores = [_checked(remote.loss(net, part), len(part)) for part in parts]
    return np.concatenate(scores)


def _checked(scores: Any, count: int) -> Array:
    """Return the scores of one call; TypeError if they are no such."""
    if type(scores) is not np.ndarray or scores.ndim != 2 or len(scores) != count:
        shape = f" of shape {scores.shape}" if type(scores) is np.ndarray else ""
        raise TypeError(
            f"loss(X) returned a {type(scores).__name__}{shape}, expected scores of shape "
            f"({count}, C)"
        )
    if scores.dtype.kind != "f" or not np.isfinite(scores).all():
        raise ValueError("loss(X) returned scores that are not finite floating-point numbers")
    return scores.astype(np.float64)

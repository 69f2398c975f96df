"""Let a student's own network, with its trained parameters, score images in a sandbox."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from staff.grading.intake.package import read_package
from staff.grading.intake.text import clean
from staff.grading.judging.core import ending
from staff.grading.sandbox.ladder import Rung, Sandbox
from staff.grading.sandbox.remote import NoAnswer, RemoteSubject

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
    with Scorer(package, rung) as scorer:
        return scorer.score(kind, arguments, params, running, X)


class Scorer:
    """Scores with several models of one hand-in, in a fresh process each; use it in a ``with``.

    Parameters
    ----------
    package : Path, folder that holds the student's ``cs682/layers.py`` and the like
    rung : Rung
    """

    def __init__(self, package: Path, rung: Rung) -> None:
        self._files, self._rung = read_package(package), rung
        self._sandbox: Sandbox | None = None

    def __enter__(self) -> Scorer:
        """Start nothing yet: a hand-in may have no model."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the sandbox."""
        if self._sandbox is not None:
            self._sandbox.__exit__()
            self._sandbox = None

    def score(
        self,
        kind: str,
        arguments: dict[str, Any],
        params: Params,
        running: list[Params],
        X: Array,
    ) -> Array:
        """Return the scores that one model gives to images, as `score_model` does.

        Parameters
        ----------
        kind, arguments, params, running, X
            As for `score_model`.

        Returns
        -------
        scores : ndarray of float64, shape (N, C), all finite

        Raises
        ------
        NoScoresError
            If the code raises, does not answer, or answers with something else.
        """
        if self._sandbox is None:
            self._sandbox = Sandbox(self._rung, self._files).__enter__()
        try:
            with contextlib.closing(self._sandbox.begin(self._sandbox.order())) as end:
                remote = RemoteSubject(end, self._rung.limits.wall)
                scores = _scores(remote, kind, arguments, params, running, X)
        except NoAnswer as error:
            raise NoScoresError(f"{error}{self._finish()}") from None
        except (Exception, SystemExit) as error:
            line = getattr(error, "student_line", "")
            self._finish()
            raise NoScoresError(clean(f"{type(error).__name__}: {error}\n{line}")) from None
        self._finish()
        return scores

    def _finish(self) -> str:
        """End the model's process, and say how if it ended by itself; drop a damaged sandbox."""
        if self._sandbox is None:
            return ""
        try:
            return ending(self._sandbox.finish())
        except OSError:
            self.__exit__()
            return ""


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

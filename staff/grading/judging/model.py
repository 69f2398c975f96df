"""Let networks score images: the course's own, in this process, and the student's, in a sandbox.

Points follow from the course's network and the arrays of the model file alone, so nothing else in a
hand-in plays a part. What the student's code makes of the same arrays is only held against it.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import numpy as np

from cs682.classifiers import cnn, fc_net
from cs682.training.seeds import legacy_seed
from staff.grading.intake.text import clean
from staff.grading.judging.designs import MOST_TOGETHER, MOST_WORK, ModelError, work_of
from staff.grading.sandbox.ladder import Rung, Sandbox
from staff.grading.sandbox.remote import Budget, NoAnswer, RemoteSubject

if TYPE_CHECKING:
    from cs682._types import Array
    from cs682.hand_in.models import KeptModel

NETWORKS = {**vars(fc_net), **vars(cnn)}
_AT_ONCE = 10_000_000  # numbers of 4 bytes, of all layers together
_LARGEST = 40_000_000  # bytes of a model that are sent to a sandbox
_COMPARED = 100  # images that the student's own network scores
_MAY_DIFFER = 1  # of these: two classes may score the same but for the last digits
_WALL, _RECEIVED = 8.0, 1_000_000  # seconds and bytes for all models of a hand-in


def course_scores(kept: KeptModel, design: dict[str, Any], X: Array) -> Array:
    """Return the scores that the course's network gives to images with a model's parameters.

    Parameters
    ----------
    kept : KeptModel, whose arrays have the shapes of such a network
    design : dict, what the network is built with
    X : ndarray of float, shape (N, 3, 32, 32)

    Returns
    -------
    scores : ndarray of float, shape (N, C)
    """
    with legacy_seed(0), np.errstate(all="ignore"):
        net = NETWORKS[kept.kind](**design)
        net.params = {name: value.copy() for name, value in kept.params.items()}
        for own, given in zip(getattr(net, "bn_params", []), kept.running, strict=True):
            own.update(given)
        count = max(1, _AT_ONCE // work_of(kept, design)[1])
        return np.concatenate([net.loss(X[i : i + count]) for i in range(0, len(X), count)])


class OwnNetwork:
    """Scores images with the student's network, a fresh process for each model."""

    def __init__(self, files: dict[str, bytes], rung: Rung) -> None:
        self._files, self._rung = files, rung
        self._budget, self._work = Budget(_WALL, 2 * _WALL, _RECEIVED), MOST_TOGETHER
        self._stack = contextlib.ExitStack()
        self._sandbox: Sandbox | None = None

    def __enter__(self) -> OwnNetwork:
        """Start nothing yet: a hand-in may have no model."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the sandbox."""
        self._stack.close()

    def require_modest(self, kept: KeptModel, design: dict[str, Any]) -> None:
        """Refuse a model that would take the grader too long, beside the others of the hand-in.

        Raises
        ------
        ModelError
            If it would.
        """
        work, limit = work_of(kept, design)[0], min(MOST_WORK, self._work)
        if work > limit:
            more = " for all models together" if limit < MOST_WORK else ""
            raise ModelError(
                f"the network costs {work:.2g} multiplications for each image, or what takes as "
                f"long, more than the {limit:.2g} that are left{more}"
            )
        self._work -= work

    def disagrees(self, kept: KeptModel, design: dict[str, Any], X: Array, scores: Array) -> str:
        """Say how the student's network differs from the course's, if it does.

        Parameters
        ----------
        kept, design
            As for `course_scores`.
        X : ndarray of float, shape (N, 3, 32, 32)
        scores : ndarray of float, shape (N, C), of the course's network

        Returns
        -------
        text : str, empty if the two agree, or the model is too large to try
        """
        if sum(value.nbytes for value in kept.params.values()) > _LARGEST:
            return ""
        count = min(_COMPARED, len(X))
        sandbox = self._started()  # outside of the try: its trouble is not the student's
        try:
            own = self._scores(sandbox, kept, design, X[:count])
        except NoAnswer as error:
            return f"your own network gave no answer: {error}"
        except (Exception, SystemExit) as error:
            line = getattr(error, "student_line", "")
            return clean(f"your own network's code fails: {type(error).__name__}: {error}\n{line}")
        if own.shape != scores[:count].shape or own.dtype.kind != "f":
            return "your own network's scores are of another shape or type"
        differ = int((own.argmax(axis=1) != scores[:count].argmax(axis=1)).sum())
        said = f"your own network names another class for {differ} of {count} images"
        return said if differ > _MAY_DIFFER else ""

    def _started(self) -> Sandbox:
        """Return the sandbox of all models, started for the first."""
        if self._sandbox is None:
            self._sandbox = self._stack.enter_context(Sandbox(self._rung, self._files))
            self._budget.cpu -= self._sandbox.start_cpu
        return self._sandbox

    def _scores(self, sandbox: Sandbox, kept: KeptModel, design: dict[str, Any], X: Array) -> Any:
        """Return the scores of the student's network, whatever they are made of."""
        if self._budget.is_spent:
            raise NoAnswer("the models had used up their time")
        order = {"functions": (), "seed": 682, "modules": {}, "taken": (), "replaced": ()}
        order["cpu"] = self._rung.limits.cpu
        try:
            with contextlib.closing(sandbox.begin(order)) as end:
                remote = RemoteSubject(end, _WALL, self._budget, sandbox.waited)
                try:
                    net = remote.net(kept.kind, **design)
                    remote.restore(net, kept.params, kept.running)
                    scores = remote.loss(net, X)
                finally:
                    remote.give_back()
            return scores if type(scores) is np.ndarray else np.empty(0)
        finally:
            self._finish(sandbox)

    def _finish(self, sandbox: Sandbox) -> None:
        """End the model's process; drop a sandbox that is damaged."""
        try:
            self._budget.cpu -= sandbox.finish()[1]
        except OSError:
            self._stack.close()
            self._sandbox = None

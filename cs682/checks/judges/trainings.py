"""Checks of what the trainings in the notebooks leave behind."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from cs682.checks.compare import CheckError, UnreadError, kind_of, with_more
from cs682.checks.report import Report
from cs682.checks.stack import student_line

_SEEN = (
    "These very weights were checked before: it is the same training, or what was trained since "
    "has another name"
)
_failed: set[str] = set()  # what was trained and fell short in this process, by its weights
_EARLIER = "This cell does not set `solver`: what was checked is that of an earlier cell"
# a comment, an argument, or an attribute that is read: none of them makes a new solver
_HANDED_ON = re.compile(r"#.*|\bsolver *= *solver\b|\(solver\)|\bsolver\.(?!train\()\w+")
RETURNS_NONE = "train() returns None: make the Solver first, then call its train()"
_HAS_MODEL = "Hand over its `model`"
_PARAMS = "These are its parameters alone: hand over the network, the `model` of its Solver"
_ALL = 49_000  # images to train on that the notebooks' first cell loads
_MOST_SHARED = 0.05  # of the validation images: data may hold a few images twice
SLACK = 0.1  # below the bar, by heart: the state that is kept may be an earlier one


@dataclass(frozen=True)
class ByHeart:
    """What it takes to learn a few images by heart.

    Attributes
    ----------
    layers : int, layers with weights that the network must have
    images : int, how many to learn
    epochs : int, within which the accuracy is reached
    rule : str, the update rule that the task names; empty if it names none
    """

    layers: int
    images: int
    epochs: int
    rule: str = ""


def _require_net(model: Any, nets: tuple[str, ...]) -> None:
    """Raise CheckError for a network of the other notebook: another exercise asks for that."""
    names = {
        c.__name__ for c in type(model).__mro__ if c.__module__.startswith("cs682.classifiers")
    }
    if names and not names & {*nets}:
        raise CheckError(
            f"the network is a {type(model).__name__}; this exercise asks for a "
            f"{' or a '.join(nets)}"
        )


def accuracy(model: Any, X: Any, y: Any, batch_size: int = 250) -> float:
    """Return the fraction of examples that a network classifies right.

    Parameters
    ----------
    model : a network with ``loss(X)``
    X : ndarray of float, shape (N, d_1, ..., d_k)
    y : ndarray of int, shape (N,)
    batch_size : int, examples classified at a time, to bound the memory

    Returns
    -------
    accuracy : float in [0, 1]
    """
    parts = [X[i : i + batch_size] for i in range(0, len(X), batch_size)]
    predicted = np.concatenate([np.argmax(model.loss(part), axis=1) for part in parts])
    return float((predicted == y).mean())


def check_validation(
    bar: float, nets: tuple[str, ...], r: Report, *, model: Any, data: dict[str, Any]
) -> None:
    """Check that a trained network reaches an accuracy on all validation images.

    Parameters
    ----------
    bar : float in [0, 1], the accuracy to reach
    nets : tuple of str, the networks of this package that may be trained
    r : Report
    model : a network with ``loss(X)``
    data : dict from `get_CIFAR10_data`

    Raises
    ------
    CheckError
        If the network falls short, or the validation images are not the whole set.
    """
    with _looked_at(model=model, data=data):
        _require_accuracy(bar, nets, model, data)
    r.ok(f"validation accuracy at least {bar}")


@contextmanager
def _looked_at(**given: Any) -> Iterator[None]:
    """Tell of what no check can look at: no exception of a check's own is the student's."""
    try:
        yield
    except CheckError:
        raise
    except Exception as error:
        if student_line(error):
            raise
        said = " and ".join(f"{name} is {_what(value)}" for name, value in given.items())
        raise UnreadError(
            f"{said}, but not as this exercise's own cell makes it ({type(error).__name__}: "
            f"{error}): run that cell, and hand over what it trained"
        ) from None


def _require_accuracy(bar: float, nets: tuple[str, ...], model: Any, data: Any) -> None:
    """Raise CheckError if a network was not trained, or falls short."""
    if isinstance(model, type) or not hasattr(model, "loss"):
        said = f"model is {_what(model)}, expected a trained network"
        more = RETURNS_NONE * (model is None) or _HAS_MODEL * hasattr(model, "model")
        more = _PARAMS if isinstance(model, dict) and "W1" in model else more
        raise UnreadError(with_more(said, more))
    _require_net(model, nets)
    _require_data(data)
    if len(data["X_val"]) < 500:
        raise CheckError(f"X_val holds {len(data['X_val'])} images; measure on the whole set")
    _require_unseen(model, data["X_val"])
    if not np.isfinite(model.loss(data["X_val"][:100])).all():
        raise CheckError("the network's scores are not finite; try a smaller learning rate")
    reached = accuracy(model, data["X_val"], data["y_val"])
    if not reached >= bar:
        cure = (
            "Its biases are all 0: it has not been trained. Call train() of its Solver or, if that "
            "has another name, hand over the network that was trained"
            if is_fresh(model)
            else _say_few(model, data)
            or "Is it trained on all of `data`, to the end? Try another learning rate or width, "
            "and more epochs where their number is yours to choose"
        )
        said = f"validation accuracy is {reached:.3f}, needed at least {bar}. {cure}"
        raise CheckError(with_more(said, _SEEN * _has_failed(model)))


def _what(value: Any) -> str:
    """Name what was handed over in the place of something that was trained."""
    return f"the class {value.__name__}" if isinstance(value, type) else kind_of(value)


def _require_data(data: Any) -> None:
    """Raise CheckError for what is not the dict of images that a notebook begins with."""
    again = "run the very first cell again, and leave `data` as it is"
    if not isinstance(data, dict):
        raise UnreadError(f"data is {_what(data)}, expected the dict of images: {again}")
    for name in ("X_val", "y_val"):
        if not isinstance(data.get(name), np.ndarray):
            found = f"is {_what(data[name])}" if name in data else "is gone"
            raise UnreadError(f"data[{name!r}] {found}, expected an array: {again}")


def _require_unseen(model: Any, X_val: Any) -> None:
    """Raise CheckError if the notebook's Solver of a network trained it on validation images."""
    for solver in _solvers_of(model):
        shared = _count_shared(X_val, solver.X_train)
        if shared > _MOST_SHARED * len(X_val):
            raise CheckError(
                f"{shared} of the {len(X_val)} validation images are among those that this network "
                "was trained on, so its accuracy there says nothing: train on X_train of `data` as "
                "the first cell made it, and leave X_val to the measuring"
            )


def _solvers_of(model: Any) -> list[Any]:
    """Return the notebook's Solvers that have trained a network."""
    things = vars(sys.modules["__main__"]).copy().values()
    solvers = (thing for thing in things if type(thing).__name__ == "Solver")
    return [s for s in solvers if getattr(s, "model", None) is model and s.loss_history]


def _say_few(model: Any, data: dict[str, Any]) -> str:
    """Say on how many images a network was trained, or are in `data`, if these are not all."""
    trained = max((len(solver.X_train) for solver in _solvers_of(model)), default=None)
    held = len(data.get("X_train", ()))
    if trained is not None and trained < _ALL:
        said = f"It was trained on {trained} images"
    elif trained is None and 0 < held < _ALL:
        said = f"`data` holds {held} images to train on"
    else:
        return ""
    again = "; run the very first cell again, which makes `data`" * (0 < held < _ALL)
    return (
        f"{said}, and the first cell's `data` has {_ALL}: take all that this exercise's own cell "
        f"takes{again}"
    )


def _count_shared(X: Any, others: Any) -> int:
    """Return how many images are among others, by every 60th of their numbers."""
    parts = (np.reshape(v, (len(v), -1))[:, ::60].astype(np.float32) for v in (X, others))
    rows, known = (np.ascontiguousarray(v).view(f"V{4 * v.shape[1]}") for v in parts)
    seen = set(known.ravel().tolist())
    return sum(row in seen for row in rows.ravel().tolist())


def _has_failed(model: Any) -> bool:
    """Tell whether a trained network has fallen short before, and note that it has now."""
    params = getattr(model, "params", {})
    if not params or is_fresh(model):
        return False
    digest = hashlib.sha256(b"".join(np.asarray(params[name]).tobytes() for name in params))
    has_failed = digest.hexdigest() in _failed
    _failed.add(digest.hexdigest())
    return has_failed


def is_fresh(model: Any) -> bool:
    """Tell whether all biases of a network are 0: the first step of a training moves them.

    Parameters
    ----------
    model : a network with ``params``
    """
    params = getattr(model, "params", {})
    biases = [params[name] for name in params if name[0] == "b" and name[1:].isdigit()]
    return bool(biases) and not any(np.any(value) for value in biases)


def check_overfit(
    task: ByHeart, bar: float, nets: tuple[str, ...], r: Report, *, solver: Any
) -> None:
    """Check that a network learned a few images by heart.

    Parameters
    ----------
    task : ByHeart
    bar : float in [0, 1], the training accuracy to reach
    nets : tuple of str, the networks of this package that may be trained
    r : Report
    solver : Solver, trained

    Raises
    ------
    CheckError
        If it did not, or another network or data set was used.
    """
    with _looked_at(solver=solver):
        _require_by_heart(task, bar, nets, solver)
    r.ok(
        f"{task.layers} layers, {task.images} images, training accuracy {bar:.2f} within "
        f"{task.epochs} epochs"
    )


def _require_by_heart(task: ByHeart, bar: float, nets: tuple[str, ...], solver: Any) -> None:
    """Raise CheckError as `_require_overfit` does, and say if it is the training of before."""
    try:
        with _looked_at(solver=solver):
            _require_overfit(task, bar, nets, solver)
    except CheckError as error:
        has_failed = _has_failed(getattr(solver, "model", None))
        more = _EARLIER if _is_of_earlier_cell() else _SEEN * has_failed
        raise type(error)(with_more(str(error), more)) from None


def _is_of_earlier_cell() -> bool:
    """Tell whether the cell of a notebook that runs now does nothing but hand `solver` on."""
    cells = getattr(sys.modules["__main__"], "In", None)
    source = str(cells[-1]) if isinstance(cells, list) and cells else ""
    return "solver" in source and not re.search(r"\bsolver\b", _HANDED_ON.sub("", source))


def _require_overfit(task: ByHeart, bar: float, nets: tuple[str, ...], solver: Any) -> None:
    """Raise CheckError if a solver did not train what was asked for, or fell short."""
    if not all(
        hasattr(solver, name) for name in ("model", "X_train", "train_acc_history", "loss_history")
    ):
        said = f"solver is {_what(solver)}, expected a Solver"
        raise UnreadError(with_more(said, RETURNS_NONE * (solver is None)))
    if not solver.train_acc_history:
        raise CheckError(
            "this solver has not been trained: call its train() or, if another was trained, hand "
            "that over"
        )
    net, images = solver.model, len(solver.X_train)
    _require_net(net, nets)
    layers = getattr(net, "num_layers", 2)  # a TwoLayerNet need not say it
    if layers != task.layers:
        raise CheckError(f"the network has {layers} layers, this exercise asks for {task.layers}")
    if images != task.images:
        raise CheckError(
            f"the network was trained on {images} images, this exercise asks for {task.images}"
        )
    reached = solver.train_acc_history[: task.epochs + 1]  # the first is from before the training
    if (best := max(reached)) < bar:
        raise CheckError(_say_short(task, solver, best, len(reached) - 1, bar))
    known = accuracy(net, solver.X_train, solver.y_train)
    if known < bar - SLACK:
        raise CheckError(
            f"training accuracy reached {best:.2f}, but the network has {known:.2f} now: "
            f"the Solver gives it back what had the best validation accuracy. "
            "Let X_val and y_val be the training images, as this cell's own images are"
        )


def _say_short(task: ByHeart, solver: Any, best: float, epochs: int, bar: float) -> str:
    """Say how a training fell short, and what to look at."""
    within = f"{epochs} epoch{'s' * (epochs != 1)}" if epochs else "less than an epoch"
    rate = getattr(solver, "optim_config", {}).get("learning_rate")
    at = f" at a learning rate of {rate:g}" if rate is not None else ""
    said = f"training accuracy reached {best:.2f} within {within}{at}, needed {bar:.2f}. "
    if getattr(solver, "interrupted", False):
        return f"{said}The training was interrupted: run it again, to its end"
    if getattr(solver, "diverged", False):
        return f"{said}The loss became NaN or infinite: take a smaller learning rate or weights"
    losses = solver.loss_history
    rule = getattr(getattr(solver, "update_rule", None), "__name__", "")
    if task.rule and rule and rule != task.rule:
        said += f'The task asks for update_rule="{task.rule}", and this Solver has {rule}. '
    if epochs < task.epochs:
        said += f"It may take {task.epochs} epochs. "
    return (
        f"{said}The loss went from "
        f"{losses[0]:.2f} to {losses[-1]:.2f}; vis.plot_loss(solver) in a new cell draws it. One "
        "that stays near 2.3 wants larger weights or a larger learning rate; one that jumps, a "
        "smaller one"
    )

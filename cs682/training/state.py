"""The state of a training: what `train` goes on from, and what a checkpoint holds."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from cs682.training.checkpoint import read_checkpoint, require_fitting_state, write_checkpoint

if TYPE_CHECKING:
    import os

    from cs682._types import Options
    from cs682.training.checkpoint import ModelState

HISTORIES = ("loss_history", "train_acc_history", "val_acc_history")
COUNTERS = ("epoch", "iteration", "first_epoch")
KINDS: dict[str, type | tuple[type, ...]] = {  # what a checkpoint holds
    **dict.fromkeys(HISTORIES, np.ndarray),
    **dict.fromkeys(COUNTERS, int),
    "settings": dict,
    "best_val_acc": float,
    "best": dict,
    "last": dict,
    "optim_configs": dict,
    "order": (np.ndarray, type(None)),
    "random": dict,
}


@dataclass
class TrainingState:
    """All that training changes, but for the model and NumPy's global stream.

    Attributes
    ----------
    optim_configs : dict of dict, hyper-parameters and state of the update rule by parameter
    best : ModelState, with the highest validation accuracy so far; at first the initial one
    last : ModelState or None, where training stopped; None while it goes on
    epoch, iteration : int, completed over all runs
    first_epoch : int, epochs completed before the present run
    loss_history, train_acc_history, val_acc_history : list of float
    best_val_acc : float
    order : ndarray of int, shape (N,), or None; examples of this epoch, for sampling='epoch'
    evaluation_due : bool, whether the accuracies of this iteration are still to be measured
    diverged, interrupted : bool, how the last run ended
    """

    optim_configs: dict[str, Options]
    best: ModelState
    last: ModelState | None = None
    epoch: int = 0
    iteration: int = 0
    first_epoch: int = 0
    loss_history: list[float] = field(default_factory=list)
    train_acc_history: list[float] = field(default_factory=list)
    val_acc_history: list[float] = field(default_factory=list)
    best_val_acc: float = 0.0
    order: Any = None
    evaluation_due: bool = False
    diverged: bool = False
    interrupted: bool = False


def write_state(
    path: str | os.PathLike[str], state: TrainingState, last: ModelState, settings: dict[str, Any]
) -> None:
    """Write a checkpoint from which `read_state` goes on bit for bit, and NumPy's stream with it.

    Parameters
    ----------
    path : str or path, replaced once the new file is complete
    state : TrainingState
    last : ModelState, the model as training left it
    settings : dict of plain values and arrays, which must be the same when training goes on
    """
    tree = {f.name: getattr(state, f.name) for f in fields(state) if f.name in KINDS}
    tree |= {name: np.array(tree[name], dtype=np.float64) for name in HISTORIES}
    tree |= {"best": state.best._asdict(), "last": last._asdict(), "settings": settings}
    tree["random"] = np.random.get_state(legacy=False)  # noqa: NPY002  # the solver's stream
    write_checkpoint(path, tree)


def read_state(
    path: str | os.PathLike[str], model: Any, settings: dict[str, Any], examples: int
) -> tuple[TrainingState, dict[str, Any]]:
    """Read a checkpoint that `write_state` wrote, if all of it fits.

    Parameters
    ----------
    path : str or path
    model : object with `params`, and `bn_params` if it normalizes; only read
    settings : dict, as for `write_state`
    examples : int, N, in the training set

    Returns
    -------
    state : TrainingState
    random : dict, the state of NumPy's global stream

    Raises
    ------
    ValueError
        If the file is damaged, or of another run.
    OSError
        If it cannot be opened.
    """
    tree = read_checkpoint(path)
    try:
        _require_kinds(tree)
        _require_settings(tree.pop("settings"), settings)
        _require_configs(tree["optim_configs"], model)
        _require_histories(tree)
        _require_order(tree["order"], examples)
        _require_random_state(tree["random"])
        for name in ("best", "last"):
            tree[name] = require_fitting_state(tree[name], model, f"the {name} state")
    except ValueError as error:
        raise ValueError(f"{path} does not fit this solver: {error}") from error
    tree |= {name: tree[name].tolist() for name in HISTORIES}
    random = tree.pop("random")
    return TrainingState(**{name: tree[name] for name in KINDS if name in tree}), random


def _require_kinds(tree: dict[str, Any]) -> None:
    """Refuse a tree that lacks something, or holds something else in its place."""
    for name, kind in KINDS.items():
        if not isinstance(tree.get(name), kind):
            raise ValueError(f"{name} is missing or a {type(tree.get(name)).__name__}")


def _require_settings(there: dict[str, Any], here: dict[str, Any]) -> None:
    """Refuse a checkpoint of a run with other settings; name those that differ."""
    differing = [name for name in here if not _same(there.get(name), here[name])]
    if differing:
        raise ValueError(
            "; ".join(
                f"{name} is {there.get(name)!r} in the checkpoint, {here[name]!r} here"
                for name in differing
            )
        )


def _require_configs(configs: dict[str, Any], model: Any) -> None:
    """Refuse anything but one dict for each parameter."""
    alike = configs.keys() == model.params.keys()
    if not alike or not all(isinstance(config, dict) for config in configs.values()):
        raise ValueError(f"optim_configs must hold a dict for each of {list(model.params)}")


def _same(a: Any, b: Any) -> bool:
    """Compare settings, which may be dicts with arrays in them."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_same(a[key], b[key]) for key in a)
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return np.array_equal(a, b)
    return bool(a == b)


def _require_histories(tree: dict[str, Any]) -> None:
    """Refuse histories that are not lists of floats, and counters below zero."""
    for name in HISTORIES:
        if tree[name].ndim != 1 or tree[name].dtype != np.float64:
            raise ValueError(f"{name} must be float64 of shape (n,), got {tree[name].shape}")
    for name in COUNTERS:
        if tree[name] < 0:
            raise ValueError(f"{name} must be at least 0, got {tree[name]}")


def _require_order(order: Any, N: int) -> None:
    """Refuse anything but a permutation of N examples, or None."""
    if order is not None and (
        not np.issubdtype(order.dtype, np.integer)
        or order.shape != (N,)
        or not np.array_equal(np.sort(order), np.arange(N))
    ):
        raise ValueError(f"order must be a permutation of {N} examples")


def _require_random_state(state: dict[str, Any]) -> None:
    """Refuse what is no state of NumPy's global Mersenne Twister."""
    inner = state.get("state")
    key, pos = (inner.get("key"), inner.get("pos")) if isinstance(inner, dict) else (None, None)
    if not (
        isinstance(key, np.ndarray)
        and key.dtype == np.uint32
        and key.shape == (624,)
        and type(pos) is int
        and 0 <= pos <= 624  # NumPy does not check it, and would read beyond the key
    ):
        raise ValueError("random is no state of the Mersenne Twister MT19937")
    try:
        np.random.RandomState().set_state(state)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"random is no state of the Mersenne Twister: {error}") from error

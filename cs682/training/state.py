"""A solver's whole state as a tree for a checkpoint, and back; a friend of `cs682.solver`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cs682.training.checkpoint import read_checkpoint, require_fitting_state, restore_state

if TYPE_CHECKING:
    import os

    from cs682.solver import Solver
    from cs682.training.checkpoint import ModelState

HISTORIES = ("loss_history", "train_acc_history", "val_acc_history")
COUNTERS = ("epoch", "iteration", "_first_epoch")
KINDS: dict[str, type | tuple[type, ...]] = {
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


def solver_tree(solver: Solver, last: ModelState) -> dict[str, Any]:
    """Return all that decides how a run goes on; `last` is the model as training left it."""
    return {
        **{name: np.array(getattr(solver, name), dtype=np.float64) for name in HISTORIES},
        **{name: getattr(solver, name) for name in COUNTERS},
        "settings": _settings(solver),
        "best_val_acc": solver.best_val_acc,
        "best": solver._best._asdict(),
        "last": last._asdict(),
        "optim_configs": solver.optim_configs,
        "order": solver._order,
        "random": np.random.get_state(legacy=False),  # noqa: NPY002  # the solver's stream
    }


def restore_solver(solver: Solver, path: str | os.PathLike[str]) -> None:
    """Give a solver the state in a checkpoint; change nothing unless all of it fits."""
    tree = read_checkpoint(path)
    try:
        _require_fitting_tree(tree, solver)
        best = require_fitting_state(tree["best"], solver.model, "the best state")
        last = require_fitting_state(tree["last"], solver.model, "the last state")
    except ValueError as error:
        raise ValueError(f"{path} does not fit this solver: {error}") from error

    solver._reset()
    for name in HISTORIES:
        setattr(solver, name, tree[name].tolist())
    for name in COUNTERS:
        setattr(solver, name, tree[name])
    solver.best_val_acc = tree["best_val_acc"]
    solver.optim_configs = tree["optim_configs"]
    solver._order = tree["order"]
    solver._best, solver._last = best, last
    restore_state(solver.model, best)
    np.random.set_state(tree["random"])  # noqa: NPY002  # the solver's stream


def _settings(solver: Solver) -> dict[str, Any]:
    """Return what must be the same for a run to go on as it would have."""
    options = ("lr_decay", "batch_size", "num_train_samples", "num_val_samples", "sampling")
    dropout_param = getattr(solver.model, "dropout_param", None) or {}
    return {
        **{name: getattr(solver, name) for name in options},
        "update_rule": solver.update_rule.__name__,
        "optim_config": solver.optim_config,
        "lr_schedule": "given" if solver.lr_schedule else None,
        "augment": "given" if solver.augment else None,
        "training examples": len(solver.y_train),
        "validation examples": len(solver.y_val),
        "model's normalization": getattr(solver.model, "normalization", None),
        "model's reg": getattr(solver.model, "reg", None),
        "model's dropout": dropout_param.get("p"),
    }


def _require_fitting_tree(tree: dict[str, Any], solver: Solver) -> None:
    """Refuse a tree that is damaged, or of another run."""
    for name, kind in KINDS.items():
        if not isinstance(tree.get(name), kind):
            raise ValueError(f"{name} is missing or a {type(tree.get(name)).__name__}")
    here = _settings(solver)
    differing = [name for name in here if not _same(tree["settings"].get(name), here[name])]
    if differing:
        raise ValueError(
            "; ".join(
                f"{name} is {tree['settings'].get(name)!r} in the checkpoint, {here[name]!r} here"
                for name in differing
            )
        )
    configs = tree["optim_configs"]
    if configs.keys() != solver.model.params.keys() or not all(
        isinstance(config, dict) for config in configs.values()
    ):
        raise ValueError(f"optim_configs must hold a dict for each of {list(solver.model.params)}")
    _require_histories(tree)
    _require_order(tree["order"], len(solver.y_train))
    _require_random_state(tree["random"])


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

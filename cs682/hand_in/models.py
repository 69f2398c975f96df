"""The trained models that go along with a hand-in.

A model file is a checkpoint (`cs682.training.checkpoint`: arrays and plain values, no pickle)
with the fields of `KeptModel`. They are enough to build the network again with the class `kind` of
`cs682.classifiers` and to give it its parameters, without running anything of the file.
"""

from __future__ import annotations

import importlib
import os
from typing import Any, NamedTuple

import numpy as np

from cs682._files import SOLUTIONS
from cs682.checks.compare import CallError, kind_of
from cs682.checks.exercises import EXERCISES
from cs682.checks.judges.trainings import is_fresh
from cs682.checks.run import MODELS, NETS
from cs682.checks.subject import NETWORKS
from cs682.setup.assignment import find_root
from cs682.training.checkpoint import (
    copy_state,
    read_checkpoint,
    require_fitting_state,
    restore_state,
    write_checkpoint,
)

KINDS = ("TwoLayerNet", "FullyConnectedNet", "ThreeLayerConvNet", "ConvNet")


class KeptModel(NamedTuple):
    """What a model file holds.

    Attributes
    ----------
    exercise : str, the id of the training
    kind : str, one of `KINDS`
    arguments : dict, the keyword arguments that give `kind` a network of these shapes, as plain
        values; a dtype is a NumPy name. Dropout and penalty are left out: they do nothing to scores
    params : dict of ndarrays by name
    running : list of dicts, one for each entry of the network's ``bn_params``, with the running
        statistics that it has, each as long as its layer has units or filters
    """

    exercise: str
    kind: str
    arguments: dict[str, Any]
    params: dict[str, Any]
    running: list[dict[str, Any]]


def keep_model(exercise: str, model: Any) -> None:
    """Keep a trained network in the notebooks folder, where the hand-in takes it from.

    A file that is there already is replaced. A network that was not trained is kept as well, and a
    line says so.

    Parameters
    ----------
    exercise : str, the id of a training, such as 'fc-5.1'
    model : a network of the kind that the exercise trains, or of a class made from one; only read

    Raises
    ------
    ValueError
        If the exercise is no training, or the network lacks parameters.
    TypeError
        If the model is a network of another kind.
    FileNotFoundError
        If the folder of the assignment cannot be found.
    """
    if exercise not in MODELS:
        raise ValueError(f"{exercise!r} trains no model; {', '.join(MODELS)} do")
    kind = _kind(model, NETS[exercise])
    kept = KeptModel(exercise, kind, _arguments(kind, model), *copy_state(model))
    path = find_root() / "notebooks" / MODELS[exercise]
    write_checkpoint(path, kept._asdict())
    purpose = "" if SOLUTIONS.exists() else ", for your hand-in"
    print(f"kept    {exercise}  in notebooks/{path.name}{purpose}")  # noqa: T201
    if is_fresh(model):
        print(  # noqa: T201
            f"        Its biases are all 0, as before any training. {path.name} holds this network "
            "now:\n        to have another one there, keep it again."
        )


def load_model(exercise: str) -> Any:
    """Build the network again that `keep_model` has kept of a training, also in another session.

    Parameters
    ----------
    exercise : str, the id of a training, such as 'fc-5.1'

    Returns
    -------
    model : a network of your own class, in the kept design, with the kept parameters and running
        statistics; dropout and penalty, which do nothing to scores, are left out

    Raises
    ------
    CallError
        If the exercise is no training, or none is kept of it that fits your class.
    FileNotFoundError
        If the folder of the assignment cannot be found.
    """
    if exercise not in MODELS:
        raise CallError(f"{exercise!r} trains no model; {', '.join(MODELS)} do")
    name = f"notebooks/{MODELS[exercise]}"
    again = f'run the cell with keep_model("{exercise}", ...) in {EXERCISES[exercise].notebook}'
    path = find_root() / name
    try:
        return _build(read_model(path), name)
    except FileNotFoundError:
        raise CallError(f"{name} is missing: {again} first") from None
    except ValueError as error:
        raise CallError(f"{error}: {again} again") from None


def _build(kept: KeptModel, name: str) -> Any:
    """Return a network of the student's class with the kept state."""
    kind = getattr(importlib.import_module(NETWORKS[kept.kind]), kept.kind)
    model = kind(**kept.arguments | {"dtype": kept.params["W1"].dtype})
    tree = {"params": kept.params, "running": kept.running}
    restore_state(model, require_fitting_state(tree, model, name))
    return model


def read_model(path: str | os.PathLike[str]) -> KeptModel:
    """Read a model file; it is taken for hostile until it has been read.

    Parameters
    ----------
    path : str or path, as `keep_model` wrote it

    Returns
    -------
    kept : KeptModel

    Raises
    ------
    ValueError
        If the file is damaged, or holds something else.
    OSError
        If it cannot be opened.
    """
    tree = read_checkpoint(path)
    if tree.keys() != set(KeptModel._fields):
        raise ValueError(f"{os.fspath(path)} has the fields {sorted(tree)}, not those of a model")
    kept = KeptModel(**tree)
    names = (kept.kind, kept.exercise)
    are_text = all(type(name) is str for name in names)  # an array may equal a text
    if not are_text or kept.kind not in KINDS or kept.exercise not in MODELS:
        raise ValueError(f"{os.fspath(path)} holds {kept.kind!r:.40} for {kept.exercise!r:.40}")
    if not _is_well_formed(kept):
        raise ValueError(f"{os.fspath(path)} does not hold arrays by name")
    return kept


def _kind(model: Any, kinds: tuple[str, ...]) -> str:
    """Return which of the course's networks this is, by name.

    A kernel that has loaded an edited file again has several classes of one name.

    Raises
    ------
    TypeError
        If it is none of these kinds.
    """
    classes = [c for c in type(model).__mro__ if c.__module__.startswith("cs682.classifiers.")]
    for name in (c.__name__ for c in classes):
        if name in kinds:
            return name
    raise TypeError(
        f"the model is {kind_of(model)}; keep a {' or a '.join(kinds)}, or an "
        "instance of a class made from one"
    )


def _arguments(kind: str, model: Any) -> dict[str, Any]:
    """Return the arguments that build a network of the same shapes."""
    if kind == "ConvNet":
        return {
            "blocks": [dict(block) for block in model.blocks],
            "input_dim": list(model.input_dim),
            "num_classes": model.num_classes,
            "dtype": np.dtype(model.dtype).name,
            "pixel_std": model.pixel_std,
        }
    depth = 2 if kind == "TwoLayerNet" else model.num_layers
    try:
        shapes = [np.shape(model.params[f"W{i}"]) for i in range(1, depth + 1)]
    except KeyError as error:
        raise ValueError(f"the network's params lack {error}") from error
    return _sized(kind, model, shapes)


def _sized(kind: str, model: Any, shapes: list[tuple[int, ...]]) -> dict[str, Any]:
    """Return the arguments of a network whose sizes are those of its weights."""
    arguments: dict[str, Any] = {"num_classes": shapes[-1][1]}
    *hidden, _ = (shape[1] for shape in shapes)
    if kind == "TwoLayerNet":
        return {**arguments, "input_dim": shapes[0][0], "hidden_dim": hidden[0]}
    arguments["dtype"] = np.dtype(model.dtype).name
    if kind == "ThreeLayerConvNet":
        filters, _, size, _ = shapes[0]
        more = {"num_filters": filters, "filter_size": size, "hidden_dim": hidden[1]}
        return {**arguments, "input_dim": list(model.input_dim), **more}
    design = {"hidden_dims": hidden, "normalization": model.normalization}
    return {**arguments, "input_dim": shapes[0][0], **design}


def _is_well_formed(kept: KeptModel) -> bool:
    """Tell whether arguments, parameters and running statistics have their types."""
    arrays = [kept.params, *kept.running] if isinstance(kept.running, list) else [None]
    return isinstance(kept.arguments, dict) and all(
        isinstance(group, dict) and all(isinstance(v, np.ndarray) for v in group.values())
        for group in arrays
    )

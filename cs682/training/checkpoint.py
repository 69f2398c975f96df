"""What training must remember of a model, in memory and on disk.

A `ModelState` is a model's parameters together with the running statistics of its batch
normalization. The two are measured together, so they are copied and put back together.

A checkpoint is an `.npz` file without pickle: loading one can run no code. It holds a tree of
dicts, lists, arrays, NumPy scalars and plain values; arrays are members of the file, all else is
one JSON text. Types and dtypes come back as they were, since a run that resumes must go on bit for
bit. The file is written whole or not at all.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cs682._files import replacing

if TYPE_CHECKING:
    from cs682._types import Array, Params

RUNNING_KEYS = ("running_mean", "running_var")
FORMAT = "cs682 checkpoint 1"  # goes up when older files can no longer be read


class ModelState(NamedTuple):
    """A model's parameters and the running statistics that belong to them."""

    params: Params  # ndarrays by name
    running: list[
        Params
    ]  # for each entry of bn_params, running_mean and running_var if it has them


def copy_state(model: Any) -> ModelState:
    """Copy a model's parameters and running statistics.

    Parameters
    ----------
    model : object with `params` (dict of ndarrays) and, if it normalizes, `bn_params` (list of
        dicts, which may hold running_mean and running_var, each of shape (H,))

    Returns
    -------
    state : ModelState; shares no memory with the model
    """
    return ModelState(
        {name: np.array(value) for name, value in model.params.items()},
        [
            {key: np.array(layer[key]) for key in RUNNING_KEYS if key in layer}
            for layer in _normalization_layers(model)
        ],
    )


def restore_state(model: Any, state: ModelState) -> None:
    """Give a model copies of remembered parameters and running statistics.

    ``model.params`` becomes a new dict; the dicts in ``model.bn_params`` stay the same objects, and
    lose the running statistics that `state` has none for.

    Parameters
    ----------
    model : object as for `copy_state`; written to
    state : ModelState, from `copy_state` on the same model or one built alike
    """
    model.params = {name: value.copy() for name, value in state.params.items()}
    for layer, running in zip(_normalization_layers(model), state.running, strict=True):
        for key in RUNNING_KEYS:
            layer.pop(key, None)
        layer.update({key: value.copy() for key, value in running.items()})


def same_params(model: Any, state: ModelState) -> bool:
    """Tell whether a model still has exactly the remembered parameters.

    Parameters
    ----------
    model : object as for `copy_state`
    state : ModelState

    Returns
    -------
    same : bool; running statistics, which any forward pass may move, do not count
    """
    return model.params.keys() == state.params.keys() and all(
        np.array_equal(model.params[name], value, equal_nan=True)
        for name, value in state.params.items()
    )


def require_fitting_state(tree: Any, model: Any, name: str) -> ModelState:
    """Turn a dict read from a checkpoint into the state of a given model.

    Parameters
    ----------
    tree : dict with the fields of a `ModelState`, as ``ModelState._asdict`` makes it
    model : object as for `copy_state`; only read
    name : str, what to call the state in messages

    Returns
    -------
    state : ModelState

    Raises
    ------
    ValueError
        If parameters or normalization layers differ in names, number, shapes or dtypes.
    """
    if not (isinstance(tree, dict) and tree.keys() == set(ModelState._fields)):
        raise ValueError(f"{name} must have the fields {ModelState._fields}")
    params, running = tree["params"], tree["running"]
    if not (isinstance(params, dict) and isinstance(running, list)):
        raise ValueError(f"{name} must hold a dict of parameters and a list of running statistics")
    if params.keys() != model.params.keys():
        raise ValueError(
            f"{name} has the parameters {sorted(params)}, the model has {sorted(model.params)}"
        )
    for key, own in model.params.items():
        _require_alike(f"{name}: {key}", params[key], own.shape, own.dtype)

    layers = _normalization_layers(model)
    if len(running) != len(layers):
        raise ValueError(
            f"{name} has running statistics of {len(running)} layers, the model has {len(layers)}"
        )
    for i, (found, layer) in enumerate(zip(running, layers, strict=True), start=1):
        _require_running(f"{name}: normalization layer {i}", found, layer)
    return ModelState(params, running)


def write_checkpoint(path: str | os.PathLike[str], tree: Mapping[str, Any]) -> None:
    """Write a tree of arrays and plain values to an `.npz` file, whole or not at all.

    The folder is made if need be. A file of that name is replaced once the new one is complete.

    Parameters
    ----------
    path : str or path, the file to write
    tree : mapping with str keys; values are arrays, NumPy scalars, numbers, strings, bools, None,
        or dicts, lists and tuples of such

    Raises
    ------
    TypeError
        If the tree holds anything else, arrays of Python objects included.
    ValueError
        If two arrays would get one name, or a key starts with ``$``.
    """
    arrays: dict[str, Any] = {}
    text = json.dumps({"format": FORMAT, "tree": _pack(dict(tree), "tree", arrays)})
    arrays["json"] = np.array(text)
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        np.savez(file, **arrays)


def read_checkpoint(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read the tree that `write_checkpoint` wrote.

    Parameters
    ----------
    path : str or path, the file to read; it is taken for hostile until it has been read

    Returns
    -------
    tree : dict, with types and dtypes as they were written

    Raises
    ------
    ValueError
        If the file is damaged, holds Python objects, or is no checkpoint.
    OSError
        If the file cannot be opened.
    """
    with Path(path).open("rb") as file:
        try:
            return _read_tree(file)
        except Exception as error:  # NumPy raises nearly all there is on files made to harm
            reason = str(error) or type(error).__name__
            raise ValueError(f"{os.fspath(path)} is not a complete checkpoint: {reason}") from error


def _read_tree(file: Any) -> dict[str, Any]:
    """Read an open checkpoint; NumPy refuses members that would need unpickling."""
    if not zipfile.is_zipfile(file):
        raise ValueError("it is no .npz file, or its end is missing")
    file.seek(0)
    with np.load(file, allow_pickle=False) as members:
        arrays = {name: members[name] for name in members.files}
    content = json.loads(str(arrays.pop("json")[()]))
    if content["format"] != FORMAT:
        raise ValueError(f"its format is {content['format']!r}, not {FORMAT!r}")
    tree = _unpack(content["tree"], arrays)
    if not isinstance(tree, dict):
        raise ValueError(f"it holds a {type(tree).__name__}, not a dict")
    return tree


def _pack(value: Any, name: str, arrays: dict[str, Any]) -> Any:
    """Return `value` as JSON can hold it, with each array moved to `arrays` under its name."""
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise TypeError(f"{name} has the key {key!r}, but only str keys can be stored")
            if key.startswith("$"):
                raise ValueError(f"{name} has the key {key!r}, but $ marks arrays in the file")
        return {key: _pack(item, f"{name}/{key}", arrays) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        items = [_pack(item, f"{name}/{i}", arrays) for i, item in enumerate(value)]
        return items if isinstance(value, list) else {"$tuple": items}
    if isinstance(value, (np.ndarray, np.generic)):
        if value.dtype.hasobject:
            raise TypeError(f"{name} is an array of Python objects, which cannot be stored")
        if name in arrays:
            raise ValueError(f"two arrays would both be stored as {name!r}")
        arrays[name] = value
        return {"$array" if isinstance(value, np.ndarray) else "$scalar": name}
    if value is None or type(value) in (bool, int, float, str):
        return value
    raise TypeError(f"{name} is a {type(value).__name__}, which cannot be stored")


def _unpack(value: Any, arrays: Mapping[str, Any]) -> Any:
    """Undo `_pack`."""
    if isinstance(value, list):
        return [_unpack(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"$array"}:
        return arrays[value["$array"]]
    if value.keys() == {"$scalar"}:
        return arrays[value["$scalar"]][()]
    if value.keys() == {"$tuple"}:
        return tuple(_unpack(item, arrays) for item in value["$tuple"])
    return {key: _unpack(item, arrays) for key, item in value.items()}


def _normalization_layers(model: Any) -> list[dict[str, Any]]:
    """Return the model's list of dicts of normalization settings; empty if it has none."""
    return getattr(model, "bn_params", None) or []


def _require_running(name: str, found: Any, layer: Mapping[str, Any]) -> None:
    """Refuse running statistics that are none, or shaped unlike those the layer has already."""
    if not isinstance(found, dict) or not found.keys() <= set(RUNNING_KEYS):
        raise ValueError(f"{name} must hold {RUNNING_KEYS} at most")
    for key, value in found.items():
        own = layer.get(key, value)
        _require_alike(f"{name}: {key}", value, np.shape(own), getattr(own, "dtype", None))


def _require_alike(name: str, value: Any, shape: tuple[int, ...], dtype: Any) -> None:
    """Refuse anything but an array of exactly this shape and dtype."""
    found: Array | None = value if isinstance(value, np.ndarray) else None
    if found is None:
        raise ValueError(f"{name} must be an array, got a {type(value).__name__}")
    if found.shape != shape or found.dtype != dtype:
        raise ValueError(
            f"{name} is {found.dtype} of shape {found.shape} in the checkpoint, "
            f"{dtype} of shape {shape} in the model"
        )

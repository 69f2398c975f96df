"""What a model file may describe: parameters that a network of the course has, and no others.

Sizes are read off the arrays, not off claims; of the claims in the file only those count that say
how the arrays are used, and each is checked.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cs682._arguments import require_blocks, require_number, require_pools
from cs682.checks.judges.conv_nets import block_shapes, three_layer_shapes
from cs682.hand_in.models import KeptModel
from cs682.training.checkpoint import RUNNING_KEYS
from staff.grading.intake.safe_text import shown

IMAGE, CLASSES = (3, 32, 32), 10
MAX_LAYERS = 50
NORMALIZATIONS = (None, "batchnorm", "layernorm")
MOST_WORK = 100_000_000  # multiplications an image: 35 times those of the notebook's network
MOST_TOGETHER = 2 * MOST_WORK  # of all models of a hand-in
_MOVED = 40  # multiplications in the time in which one number is copied, as ReLU does; a
# normalization takes three times as long
_MADE = 4  # numbers for each output: of the convolution, the normalization, ReLU and pooling

Shapes = dict[str, tuple[int, ...]]


class ModelError(ValueError):
    """A model earns nothing; the text says why, for the student to read."""


def design_of(kept: KeptModel) -> tuple[int, dict[str, Any]]:
    """Return how to build the network of a model that has been read.

    Returns
    -------
    layers : int, layers with weights
    arguments : dict, what the network is built with

    Raises
    ------
    ModelError
        If no such network has these parameters or running statistics.
    """
    layers = sum(name.startswith("W") for name in kept.params)
    if not 1 <= layers <= MAX_LAYERS:
        raise ModelError(f"the model has {layers} weight matrices, expected 1 to {MAX_LAYERS}")
    _require_numbers(kept)
    arguments, shapes = _DESIGNS[kept.kind](kept, layers)
    _require_shapes(kept.params, shapes)
    _require_running(kept, arguments)
    return layers, arguments


def work_of(kept: KeptModel, arguments: dict[str, Any]) -> tuple[int, int]:
    """Return what a network costs for each image.

    Parameters
    ----------
    kept : KeptModel, with a design
    arguments : dict, its design

    Returns
    -------
    work : int, multiplications, or as many as could be done while numbers are copied, normalized
        and so on; in float64 each counts twice
    numbers : int, of 4 bytes, that are made on the way: all layers' are kept until the last one
    """
    _, height, width = IMAGE
    work, numbers = 0, 0
    pools = [block["pool"] for block in arguments.get("blocks", [])]
    pools = [2] if kept.kind == "ThreeLayerConvNet" else pools
    for i in range(1, sum(name.startswith("W") for name in kept.params) + 1):
        multiplications, windows, inputs, outputs = _sizes(kept.params[f"W{i}"], height, width)
        passes = 4 if f"gamma{i}" in kept.params else 1
        work += max(multiplications, _MOVED * windows) + _MOVED * (inputs + passes * outputs)
        numbers += inputs + _MADE * outputs
        if i <= len(pools):
            height, width = height // pools[i - 1], width // pools[i - 1]
    size = max(array.itemsize for array in _arrays(kept)) // 4  # one array makes all float64
    return work * size, numbers * size


def _sizes(w: Any, height: int, width: int) -> tuple[int, int, int, int]:
    """Return a layer's multiplications, and its numbers in windows, with padding, and out of it."""
    if w.ndim == 2:
        return w.size, 0, *w.shape
    filters, channels, rows, columns = w.shape
    padded = channels * (height + rows - 1) * (width + columns - 1)
    places = height * width
    return places * w.size, places * w[0].size, padded, places * filters


def _arrays(kept: KeptModel) -> list[Any]:
    """Return parameters and running statistics."""
    return [*kept.params.values(), *(v for layer in kept.running for v in layer.values())]


def _require_numbers(kept: KeptModel) -> None:
    """Refuse arrays that hold anything but finite numbers of the course's two types."""
    right = (np.float32, np.float64)
    if not all(a.dtype in right and np.isfinite(a).all() for a in _arrays(kept)):
        raise ModelError(
            "the model's parameters are not all finite numbers of type float32 or float64"
        )


def _require_shapes(params: dict[str, Any], shapes: Shapes) -> None:
    """Refuse parameters that are not those of the network."""
    if params.keys() != shapes.keys():
        odd = sorted(params.keys() ^ shapes.keys())
        raise ModelError(
            f"the model's parameters are not those of a network: {shown(', '.join(odd))}"
        )
    for name, shape in shapes.items():
        if params[name].shape != shape:
            raise ModelError(f"the model's {name} has shape {params[name].shape}, expected {shape}")
        if 0 in shape:
            raise ModelError(f"the model's {name} has shape {shape}, and holds no number")


def _require_running(kept: KeptModel, arguments: dict[str, Any]) -> None:
    """Refuse running statistics that are not those of the network's layers."""
    if "blocks" in arguments:
        norms = [block["batchnorm"] for block in arguments["blocks"]]
    else:
        norms = [True] * len(arguments.get("hidden_dims", ()))
        norms = norms if arguments.get("normalization") is not None else []
    if len(kept.running) != len(norms):
        raise ModelError(f"the model has {len(kept.running)} running statistics, not {len(norms)}")
    for i, (layer, has_any) in enumerate(zip(kept.running, norms, strict=True), 1):
        shape = kept.params[f"b{i}"].shape
        known = {*RUNNING_KEYS} if has_any else set()
        if not layer.keys() <= known or any(v.shape != shape for v in layer.values()):
            raise ModelError(f"the running statistics of layer {i} are not of shape {shape}")


def _outputs(kept: KeptModel, layers: int) -> list[int]:
    """Return the widths of hidden affine layers, 0 for what is no matrix."""
    return [int((*kept.params.get(f"W{i}", np.zeros(())).shape, 0, 0)[1]) for i in range(1, layers)]


def _dtype(kept: KeptModel) -> str:
    """Return the name of the type of the first weights."""
    return str(kept.params["W1"].dtype.name) if "W1" in kept.params else "float32"


def _two_layer(kept: KeptModel, layers: int) -> tuple[dict[str, Any], Shapes]:
    """Return arguments and shapes of a `TwoLayerNet`."""
    if layers != 2:
        raise ModelError(f"the model is a TwoLayerNet of {layers} layers")
    hidden = _outputs(kept, layers)
    sizes: dict[str, Any] = {"input_dim": int(np.prod(IMAGE)), "num_classes": CLASSES}
    return {**sizes, "hidden_dim": hidden[0]}, _flat_shapes(hidden, norm=False)


def _flat(kept: KeptModel, layers: int) -> tuple[dict[str, Any], Shapes]:
    """Return arguments and shapes of a `FullyConnectedNet`."""
    given = kept.arguments.get("normalization")
    normalization = str(given) if isinstance(given, str) else None  # np.str_ is what a search draws
    if normalization not in NORMALIZATIONS or (given is not None and normalization is None):
        raise ModelError(f"the model's normalization is {shown(repr(given), 40)}")
    hidden = _outputs(kept, layers)
    sizes: dict[str, Any] = {"input_dim": int(np.prod(IMAGE)), "num_classes": CLASSES}
    more = {"hidden_dims": hidden, "normalization": normalization, "dtype": _dtype(kept)}
    return {**sizes, **more}, _flat_shapes(hidden, norm=normalization is not None)


def _flat_shapes(hidden: list[int], *, norm: bool) -> Shapes:
    """Return the shape that each parameter must have for images in and ten scores out."""
    widths = [int(np.prod(IMAGE)), *hidden, CLASSES]
    shapes: Shapes = {}
    for i in range(1, len(widths)):
        shapes |= {f"W{i}": (widths[i - 1], widths[i]), f"b{i}": (widths[i],)}
        if norm and i < len(widths) - 1:
            shapes |= {f"{word}{i}": (widths[i],) for word in ("gamma", "beta")}
    return shapes


def _three_layer(kept: KeptModel, layers: int) -> tuple[dict[str, Any], Shapes]:
    """Return arguments and shapes of a `ThreeLayerConvNet`."""
    first = (*kept.params.get("W1", np.zeros(())).shape, 0, 0, 0, 0)
    if layers != 3 or first[2] % 2 == 0:
        raise ModelError(f"the model is a ThreeLayerConvNet of {layers} layers, W1 of {first[:-4]}")
    sizes: dict[str, Any] = {"input_dim": IMAGE, "num_filters": int(first[0])}
    sizes |= {"filter_size": int(first[2]), "hidden_dim": _outputs(kept, layers)[1]}
    arguments = {**sizes, "num_classes": CLASSES, "dtype": _dtype(kept)}
    return arguments, three_layer_shapes(sizes, CLASSES)


def _of_blocks(kept: KeptModel, layers: int) -> tuple[dict[str, Any], Shapes]:
    """Return arguments and shapes of a `ConvNet`; its blocks must have a network's types."""
    try:
        blocks = require_blocks(kept.arguments.get("blocks"))
        pixel_std = require_number("pixel_std", kept.arguments.get("pixel_std"), zero=False)
        require_pools(IMAGE, [block["pool"] for block in blocks])
        shapes = block_shapes(blocks, IMAGE, CLASSES)
    except (TypeError, ValueError, OverflowError) as error:
        raise ModelError(f"the model's blocks are no network's: {shown(str(error))}") from None
    if len(blocks) != layers - 1:
        raise ModelError(f"the model has {len(blocks)} blocks and {layers} weight arrays")
    arguments = {"blocks": blocks, "input_dim": IMAGE, "num_classes": CLASSES}
    return {**arguments, "dtype": _dtype(kept), "pixel_std": pixel_std}, shapes


_DESIGNS = {
    "TwoLayerNet": _two_layer,
    "FullyConnectedNet": _flat,
    "ThreeLayerConvNet": _three_layer,
    "ConvNet": _of_blocks,
}

"""Checks of arguments: each names the value it refuses and what it wanted.

Those of layers read shapes and dtypes only (labels excepted), and cost about a microsecond a call.
"""

from __future__ import annotations

import math
import numbers
import os
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from cs682._types import Array, Labels, Options


# --- of layers


def require_affine_shapes(x: Array, w: Array, b: Array) -> None:
    """Refuse an affine layer whose input, weights and biases do not fit together."""
    if w.ndim != 2:
        raise ValueError(f"w must have shape (D, M), got {w.shape}")
    if b.shape != w.shape[1:]:
        raise ValueError(
            f"b must have shape (M,) = {w.shape[1:]} to match w {w.shape}, got {b.shape}"
        )
    inputs = math.prod(x.shape[1:])
    if x.ndim < 1 or x.shape[0] < 1:
        raise ValueError(f"x must hold at least one example, got shape {x.shape}")
    if inputs != w.shape[0]:
        raise ValueError(
            f"x of shape {x.shape} has {inputs} values per example, but w {w.shape} "
            f"expects D = {w.shape[0]}"
        )


def require_shape(name: str, array: Array, shape: tuple[int, ...]) -> None:
    """Refuse an array whose shape is not exactly `shape`."""
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}")


def require_floating(name: str, array: Array) -> None:
    """Refuse arrays of integers or booleans, whose results would be cut back to whole numbers."""
    if not np.issubdtype(array.dtype, np.floating):
        raise TypeError(f"{name} must hold floating-point numbers, got dtype {array.dtype}")


def require_norm_arguments(x: Array, gamma: Array, beta: Array) -> None:
    """Refuse inputs to a normalization layer that are not (N, D) with gamma and beta (D,)."""
    require_floating("x", x)
    if x.ndim != 2 or x.shape[0] < 1 or x.shape[1] < 1:
        raise ValueError(f"x must have shape (N, D) with N, D >= 1, got {x.shape}")
    require_shape("gamma", gamma, x.shape[1:])
    require_shape("beta", beta, x.shape[1:])


def require_conv_arguments(x: Array, w: Array, b: Array, conv_param: Options) -> tuple[int, int]:
    """Return stride and pad of a convolution; refuse arrays or steps that do not fit together."""
    _require_images("x", x)
    if w.ndim != 4 or 0 in w.shape:
        raise ValueError(f"w must have shape (F, C, HH, WW), got {w.shape}")
    if x.shape[1] != w.shape[1]:
        raise ValueError(
            f"x of shape {x.shape} has {x.shape[1]} channels, but the filters w {w.shape} "
            f"expect {w.shape[1]}"
        )
    require_shape("b", b, w.shape[:1])
    stride = require_count("conv_param['stride']", _option(conv_param, "conv_param", "stride"), 1)
    pad = require_count("conv_param['pad']", _option(conv_param, "conv_param", "pad"), 0)
    _require_fit("filters", (w.shape[2], w.shape[3]), (x.shape[2], x.shape[3]), stride, pad)
    return stride, pad


def require_pool_arguments(x: Array, pool_param: Options) -> tuple[int, int, int]:
    """Return height, width and stride of pooling windows; refuse those that do not fit images."""
    _require_images("x", x)
    height, width, stride = (
        require_count(f"pool_param[{name!r}]", _option(pool_param, "pool_param", name), 1)
        for name in ("pool_height", "pool_width", "stride")
    )
    _require_fit("windows", (height, width), (x.shape[2], x.shape[3]), stride, 0)
    return height, width, stride


def require_spatial_arguments(x: Array, gamma: Array, beta: Array, shape: tuple[int, ...]) -> None:
    """Refuse inputs to a spatial normalization that are no images, or gamma and beta of others."""
    _require_images("x", x)
    require_shape("gamma", gamma, shape)
    require_shape("beta", beta, shape)


def require_groups(G: Any, channels: int) -> int:
    """Return the number of groups as a plain int; refuse one that does not divide the channels."""
    groups = require_count("G", G, 1)
    if channels % groups:
        raise ValueError(
            f"G must divide the number of channels: {channels} channels do not make {groups} "
            "groups of one size"
        )
    return groups


def _require_images(name: str, x: Array) -> None:
    """Refuse what is no batch of images, of floating-point numbers."""
    require_floating(name, x)
    if x.ndim != 4 or 0 in x.shape:
        raise ValueError(f"{name} must hold images of shape (N, C, H, W), got {x.shape}")


def _option(options: Options, name: str, key: str) -> Any:
    """Return an option that has to be there."""
    if key not in options:
        raise ValueError(f"{name} must hold {key!r}, got {sorted(options)}")
    return options[key]


def _require_fit(
    what: str, window: tuple[int, int], image: tuple[int, int], stride: int, pad: int
) -> None:
    """Refuse windows that are larger than an image, or whose steps leave a rest of it."""
    for length, size, side in zip(window, image, ("rows", "columns"), strict=True):
        padded = f"{size} {side} and a pad of {pad} on each side" if pad else f"{size} {side}"
        if length > size + 2 * pad:
            raise ValueError(f"{what} of {length} {side} are larger than images of {padded}")
        if rest := (size + 2 * pad - length) % stride:
            raise ValueError(
                f"a stride of {stride} does not divide what {what} of {length} {side} leave of "
                f"images of {padded}: {size + 2 * pad} - {length} = {size + 2 * pad - length}, "
                f"{rest} left over"
            )


def require_mode(options: Options, name: str) -> str:
    """Return ``options["mode"]`` if it is 'train' or 'test'; refuse anything else."""
    mode = options.get("mode")
    if mode not in ("train", "test"):
        raise ValueError(f"{name}['mode'] must be 'train' or 'test', got {mode!r}")
    return str(mode)


def require_keep_probability(p: Any, name: str) -> float:
    """Return `p` as a plain float in (0, 1]; the refusal of 0 names both conventions."""
    if isinstance(p, bool) or not isinstance(p, numbers.Real):
        raise TypeError(f"{name} must be a number in (0, 1], got {p!r}")
    keep = float(p)
    if not 0 < keep <= 1:
        raise ValueError(
            f"{name} must be in (0, 1], got {p!r}: it is the probability of KEEPING a unit, so 1 "
            "means no dropout. (Editions up to 2017 passed the probability of dropping one, where "
            "0 meant no dropout.)"
        )
    return keep


def require_scores_and_labels(x: Array, y: Labels) -> None:
    """Refuse scores that are not (N, C) and labels that are not N integers in [0, C)."""
    require_floating("x", x)
    if x.ndim != 2 or x.shape[0] < 1 or x.shape[1] < 1:
        raise ValueError(f"x must hold scores of shape (N, C) with N, C >= 1, got {x.shape}")
    if y.shape != x.shape[:1]:
        raise ValueError(f"y must have shape (N,) = {x.shape[:1]}, got {y.shape}")
    if not np.issubdtype(y.dtype, np.integer):
        raise TypeError(f"y must hold integer class labels, got dtype {y.dtype}")
    if y.min() < 0 or y.max() >= x.shape[1]:
        wrong = int(y.min() if y.min() < 0 else y.max())
        raise ValueError(f"y holds the label {wrong}; labels must be in [0, {x.shape[1]})")


def require_cache(cache: Any, forward: str) -> None:
    """Refuse the empty cache that a forward pass in test mode leaves behind."""
    if cache is None:
        raise ValueError(f"cache is None: {forward} ran in test mode, which has no backward pass")


# --- of networks


def require_widths(widths: Sequence[Any]) -> list[int]:
    """Return layer widths as plain ints; refuse anything but positive whole numbers."""
    for width in widths:
        if isinstance(width, bool) or not isinstance(width, (int, np.integer)):
            raise TypeError(f"layer widths must be integers, got {width!r} in {list(widths)}")
        if width < 1:
            raise ValueError(f"layer widths must be at least 1, got {width} in {list(widths)}")
    return [int(width) for width in widths]


def require_hidden_dims(hidden_dims: Any) -> list[Any]:
    """Return the widths of hidden layers as a list; a bare number is a likely slip."""
    try:
        return list(hidden_dims)
    except TypeError:
        raise TypeError(
            f"hidden_dims must be a sequence of widths, such as [100], got {hidden_dims!r}"
        ) from None


def require_hidden_layer(i: int, hidden_layers: int) -> None:
    """Raise ValueError unless `i` is the number of a hidden layer; they count from 1."""
    if not 1 <= i <= hidden_layers:
        late = "; the last of the layers is not hidden: are they taken in order of their numbers?"
        raise ValueError(
            f"i must be a hidden layer's number, from 1 to {hidden_layers}, got {i}"
            f"{late if i > hidden_layers else ''}"
        )


def require_hidden_cache(inner: Any) -> None:
    """Raise ValueError unless a cache is one that a whole hidden layer has left."""
    is_pair = isinstance(inner, (tuple, list)) and len(inner) == 2
    if not (is_pair and (inner[0] is None or isinstance(inner[0], str))):
        raise ValueError(
            "cache must be that of affine_norm_relu_dropout_forward, ((normalization, inner), "
            "dropout_cache): where _forward calls another function, the way back takes the one "
            "that goes with it"
        )


def require_floating_type(dtype: DTypeLike) -> type[np.generic]:
    """Return a dtype as a type; refuse integers, which would cut every result."""
    kind: type[np.generic] = np.dtype(dtype).type
    if not np.issubdtype(kind, np.floating):
        raise TypeError(f"dtype must be a floating NumPy type, got {dtype!r}")
    return kind


def one_keep_probability(dropout: Any, dropout_keep_ratio: Any) -> float:
    """Settle on one keep probability when the option came under both of its names."""
    keep = require_keep_probability(dropout, "dropout")
    if dropout_keep_ratio is None:
        return keep
    ratio = require_keep_probability(dropout_keep_ratio, "dropout_keep_ratio")
    if keep not in (1, ratio):
        raise ValueError(
            f"dropout={dropout!r} and dropout_keep_ratio={dropout_keep_ratio!r} contradict each "
            "other: they are two names of one option, so give one"
        )
    return ratio


def one_normalization(
    normalization: str | None, use_batchnorm: bool | None, known: Sequence[str]
) -> str | None:
    """Settle on one normalization when the option came under both of its names."""
    if normalization is not None and normalization not in known:
        raise ValueError(f"normalization must be None or one of {known}, got {normalization!r}")
    if use_batchnorm is None:
        return normalization
    wanted = "batchnorm" if use_batchnorm else None
    if normalization not in (None, wanted):
        raise ValueError(
            f"normalization={normalization!r} and use_batchnorm={use_batchnorm!r} contradict each "
            "other: use_batchnorm=True means normalization='batchnorm', so give one"
        )
    return wanted


def require_image_shape(shape: Any) -> tuple[int, int, int]:
    """Return the shape (C, H, W) of an image; a bare number is what flat networks take."""
    sides = list(shape) if isinstance(shape, (tuple, list, np.ndarray)) else []
    if len(sides) != 3:
        raise ValueError(f"input_dim must be (C, H, W), such as (3, 32, 32), got {shape!r}")
    channels, height, width = require_widths(sides)
    return channels, height, width


def require_filter_size(size: Any) -> int:
    """Return the side of a filter; an even one cannot keep height and width."""
    side = require_count("filter size", size, 1)
    if side % 2 == 0:
        raise ValueError(f"filter size must be odd, to keep height and width, got {side}")
    return side


def require_pools(image: tuple[int, int, int], pools: Sequence[int]) -> None:
    """Refuse poolings, one after the other, that do not divide an image's height and width."""
    _, height, width = image
    for i, side in enumerate(pools, start=1):
        if height % side or width % side:
            raise ValueError(
                f"pooling {i} has windows of {side} x {side}, which do not divide the "
                f"{height} x {width} pixels that it gets"
            )
        height, width = height // side, width // side


BLOCK = {"filters": None, "size": 3, "batchnorm": False, "pool": 1}  # and what is meant if left out


def require_blocks(blocks: Any) -> list[dict[str, Any]]:
    """Return the blocks of a convolutional network as plain values, each with all its entries."""
    if not isinstance(blocks, (list, tuple)):
        raise TypeError(
            f'blocks must be a list of dicts, such as [{{"filters": 32}}], got {blocks!r}'
        )
    return [_block(f"block {i}", block) for i, block in enumerate(blocks, start=1)]


def _block(name: str, block: Any) -> dict[str, Any]:
    """Return one block as plain values."""
    if not isinstance(block, Mapping):
        raise TypeError(f'{name} must be a dict, such as {{"filters": 32}}, got {block!r}')
    if unknown := sorted(map(str, block.keys() - BLOCK.keys())):
        raise ValueError(f"{name} has the unknown entries {unknown}, expected some of {[*BLOCK]}")
    whole = {**BLOCK, **block}
    if not isinstance(whole["batchnorm"], (bool, np.bool_)):
        raise TypeError(f"{name}: batchnorm must be True or False, got {whole['batchnorm']!r}")
    return {
        "filters": require_count(f"{name}: filters", whole["filters"], 1),
        "size": require_filter_size(whole["size"]),
        "batchnorm": bool(whole["batchnorm"]),
        "pool": require_count(f"{name}: pool", whole["pool"], 1),
    }


# --- of any kind


def require_count(name: str, value: Any, at_least: int) -> int:
    """Return a whole number as a plain int."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    if value < at_least:
        raise ValueError(f"{name} must be at least {at_least}, got {value}")
    return int(value)


def require_count_or_none(name: str, value: Any, at_least: int) -> int | None:
    """Return a whole number as a plain int, or None."""
    return None if value is None else require_count(name, value, at_least)


def require_number(name: str, value: Any, *, zero: bool) -> float:
    """Return a finite number above 0, or with `zero` not below it, as a plain float."""
    number = value[()] if isinstance(value, np.ndarray) else value  # shape () holds a scalar
    if isinstance(number, bool) or not isinstance(number, numbers.Real):
        raise TypeError(f"{name} must be a number, got {value!r}")
    if not math.isfinite(value) or value < 0 or (value == 0 and not zero):
        wanted = "finite and at least 0" if zero else "finite and above 0"
        raise ValueError(f"{name} must be {wanted}, got {value!r}")
    return float(value)


def require_choice(name: str, value: Any, choices: Collection[Any]) -> Any:
    """Return a value that is one of the choices."""
    if not any(value is choice or value == choice for choice in choices):
        raise ValueError(f"{name} must be one of {list(choices)}, got {value!r}")
    return value


def require_path_or_none(name: str, value: Any) -> str | None:
    """Return a path as str, or None."""
    if value is None:
        return None
    try:
        return str(os.fspath(value))
    except TypeError as error:
        raise TypeError(f"{name} must be None, a str or a path, got {value!r}") from error

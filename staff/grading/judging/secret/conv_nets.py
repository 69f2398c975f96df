"""Further checks of convolutional networks, with other sizes in every dimension."""

from __future__ import annotations

from typing import Any

import numpy as np

from cs682.checks.judges.conv_nets import three_layer_shapes
from cs682.checks.subject import Subject
from cs682.classifiers import cnn
from staff.grading.judging.secret.hold import draw, hold
from staff.grading.judging.secret.nets import check_init, hold_loss

_DTYPES = (np.float64, np.float64, np.float32)


def _three_layer_sizes(rng: Any) -> dict[str, Any]:
    """Return arguments of a small network for images that are not square."""
    height, width = (int(n) for n in 2 * rng.choice(np.arange(1, 7), 2, replace=False))
    return {
        "input_dim": (int(rng.integers(1, 5)), height, width),
        "num_filters": int(rng.integers(2, 7)),
        "filter_size": int(rng.choice([1, 3, 5, 7])),
        "hidden_dim": int(rng.integers(3, 20)),
    }


def three_layer_init(s: Subject, rng: Any) -> None:
    """Check the initial parameters of `ThreeLayerConvNet`."""
    wide = {"input_dim": (3, 16, 16), "num_filters": 8, "filter_size": 7, "hidden_dim": 60}
    for scale, sizes in (
        (1e-2, _three_layer_sizes(rng)),
        (float(rng.uniform(0.1, 3)), _three_layer_sizes(rng)),
        (1e-3, wide),
    ):
        classes = int(rng.integers(5, 15))
        net = s.net("ThreeLayerConvNet", **sizes, num_classes=classes, weight_scale=scale)
        shapes = three_layer_shapes(sizes, classes)
        check_init(s.get_params(net), shapes, scale, "other sizes")


def _both(
    s: Subject, rng: Any, kind: str, args: tuple[Any, ...], options: dict[str, Any]
) -> tuple[Any, Any]:
    """Build a network on both sides with the same drawn parameters."""
    theirs, ours = s.net(kind, *args, **options), getattr(cnn, kind)(*args, **options)
    for name, value in ours.params.items():
        centre, scale = (1.0 if name.startswith("gamma") else 0.1), 0.5
        if name[0] == "W":
            inputs = value[0].size if value.ndim == 4 else len(value)
            centre, scale = 0.0, inputs**-0.5
        ours.params[name] = (centre + scale * draw(rng, *value.shape)).astype(options["dtype"])
    s.set_params(theirs, ours.params)
    return theirs, ours


def _three_layers(s: Subject, rng: Any) -> Any:
    """Yield networks on both sides with a batch, words for them, and their dtype."""
    for dtype in _DTYPES:
        sizes, C = _three_layer_sizes(rng), int(rng.integers(3, 12))
        options = {**sizes, "num_classes": C, "reg": float(rng.uniform(0, 1)), "dtype": dtype}
        theirs, ours = _both(s, rng, "ThreeLayerConvNet", (), options)
        N = int(rng.integers(1, 9))
        X, y = draw(rng, N, *sizes["input_dim"], dtype=dtype), rng.integers(0, C, N)
        yield theirs, ours, X, y, "images and filters of other sizes", dtype


def three_layer_scores(s: Subject, rng: Any) -> None:
    """Hold the scores of `ThreeLayerConvNet` against the reference."""
    for theirs, ours, X, _, where, dtype in _three_layers(s, rng):
        hold("scores", s.loss(theirs, X.copy()), ours.loss(X), where, dtype=dtype)


def three_layer_loss(s: Subject, rng: Any) -> None:
    """Hold loss and gradients of `ThreeLayerConvNet` against the reference."""
    for theirs, ours, X, y, where, dtype in _three_layers(s, rng):
        hold_loss(s, theirs, ours, X, y, where, dtype)


def _drawn_blocks(rng: Any) -> tuple[list[dict[str, Any]], tuple[int, int, int]]:
    """Return one to four blocks, at most two of which pool, and the shape of images for them."""
    count = int(rng.integers(1, 5))
    pools = rng.permutation([2, 3, 1, 1])[:count]
    blocks = [
        {
            "filters": int(rng.integers(2, 7)),
            "size": int(rng.choice([1, 3, 5])),
            "batchnorm": bool(rng.random() < 0.6),
            "pool": int(side),
        }
        for side in pools
    ]
    height, width = (int(n) for n in 6 * rng.choice([1, 2, 3], 2, replace=False))
    return blocks, (int(rng.integers(1, 4)), height, width)


def _of_blocks(s: Subject, rng: Any) -> Any:
    """Yield networks on both sides with a batch, words for them, and their dtype."""
    wide = {"filters": 66, "size": 7, "batchnorm": True, "pool": 4}
    cases = [(_drawn_blocks(rng), dtype) for dtype in _DTYPES]
    for (blocks, image), dtype in (*cases, (([wide], (2, 8, 12)), np.float64)):
        C, N = int(rng.integers(3, 12)), int(rng.integers(2, 9))
        options = {"reg": float(rng.uniform(0, 1)), "dtype": dtype, "pixel_std": 2.0}
        theirs, ours = _both(s, rng, "ConvNet", (blocks, image, C), options)
        X, y = draw(rng, N, *image, dtype=dtype), rng.integers(0, C, N)
        yield theirs, ours, X, y, f"networks of {len(blocks)} drawn blocks", dtype


def block_scores(s: Subject, rng: Any) -> None:
    """Hold the scores of `ConvNet` with drawn running statistics against the reference."""
    for theirs, ours, X, _, where, dtype in _of_blocks(s, rng):
        running = [
            {
                "running_mean": draw(rng, block["filters"]).astype(dtype),
                "running_var": rng.uniform(0.5, 2, block["filters"]).astype(dtype),
            }
            if block["batchnorm"]
            else {}
            for block in ours.blocks
        ]
        for own, given in zip(ours.bn_params, running, strict=True):
            own.update(given)
        s.restore(theirs, ours.params, running)
        hold("scores", s.loss(theirs, X.copy()), ours.loss(X), where, dtype=dtype)


def block_loss(s: Subject, rng: Any) -> None:
    """Hold loss, gradients and what follows in test mode of `ConvNet` against the reference."""
    for theirs, ours, X, y, where, dtype in _of_blocks(s, rng):
        for _ in range(2):
            hold_loss(s, theirs, ours, X, y, where, dtype)
        hold("scores", s.loss(theirs, X.copy()), ours.loss(X), where, dtype=dtype)


def _many(s: Subject, rng: Any, kind: str, args: tuple[Any, ...], options: dict[str, Any]) -> None:
    """Hold loss and gradients of a network of tens of thousands of parameters."""
    theirs, ours = _both(s, rng, kind, args, {**options, "reg": 0.3, "dtype": np.float64})
    X, y = draw(rng, 2, 3, 16, 8), rng.integers(0, 10, 2)
    hold_loss(s, theirs, ours, X, y, "a network of many parameters", np.float64)


def many_parameters(s: Subject, rng: Any) -> None:
    """Hold a `ThreeLayerConvNet` so large that differences do not pass for gradients."""
    sizes = {"input_dim": (3, 16, 8), "num_filters": 16, "filter_size": 3, "hidden_dim": 80}
    _many(s, rng, "ThreeLayerConvNet", (), sizes)


def many_blocks(s: Subject, rng: Any) -> None:
    """Hold a `ConvNet` so large that differences do not pass for gradients."""
    blocks = [{"filters": 32, "batchnorm": True}, {"filters": 64, "pool": 2}]
    _many(s, rng, "ConvNet", (blocks, (3, 16, 8)), {})

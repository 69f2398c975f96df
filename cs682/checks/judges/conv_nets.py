"""Checks of the two convolutional networks."""

from __future__ import annotations

from typing import Any

import numpy as np

from cs682.checks import slow
from cs682.checks.compare import EXACT, NUMERIC, CheckError, compare
from cs682.checks.judges.convolution import when_new
from cs682.checks.judges.net_caches import check_caches, keeps
from cs682.checks.judges.net_init import check_initial, check_new_draws, check_order
from cs682.checks.judges.nets import (
    FLOOR,
    MOMENTUM,
    PASSES,
    check_loss,
    check_scores,
    generic,
    make_batch,
)
from cs682.checks.mistakes import conv_nets as mistakes
from cs682.checks.report import Report, require_names, unpack
from cs682.checks.subject import Subject

Sizes = dict[str, Any]  # arguments of a ThreeLayerConvNet
_SMALL: tuple[Sizes, ...] = (
    {"input_dim": (2, 4, 6), "num_filters": 3, "filter_size": 3, "hidden_dim": 4},
    {"input_dim": (1, 6, 4), "num_filters": 2, "filter_size": 5, "hidden_dim": 3},
)


def three_layer_shapes(sizes: Sizes, classes: int) -> dict[str, tuple[int, ...]]:
    """Return the shape of each parameter of a `ThreeLayerConvNet`."""
    C, H, W = sizes["input_dim"]
    F, k, hidden = (sizes[name] for name in ("num_filters", "filter_size", "hidden_dim"))
    return {
        "W1": (F, C, k, k),
        "W2": (F * (H // 2) * (W // 2), hidden),
        "W3": (hidden, classes),
        "b1": (F,),
        "b2": (hidden,),
        "b3": (classes,),
    }


def _wrong_shapes(sizes: Sizes, classes: int) -> dict[str, dict[tuple[int, ...], str]]:
    """Return what is said of likely wrong shapes, by parameter."""
    C, H, W = sizes["input_dim"]
    F, k, hidden = (sizes[name] for name in ("num_filters", "filter_size", "hidden_dim"))
    square = "right for square images only: H/2 times W/2 pixels are left of each filter's map"
    pooling = "2 x 2 pooling halves height and width, and leaves a quarter of the pixels"
    rows = {
        F * (H // 2) ** 2: square,
        F * (W // 2) ** 2: square,
        F * H * W: pooling,
        F * H * W // 2: pooling,
        (H // 2) * (W // 2): "each of the filters gives a map; count the values of all",
        C * (H // 2) * (W // 2): "behind the convolution there are num_filters maps, not C",
        C * H * W: "W2 reads what comes out of the pooling, not the image",
        F * ((H - k + 1) // 2) * ((W - k + 1) // 2): "the convolution pads, so that it keeps "
        "height and width; only the pooling halves them",
        F * 16 * 16: "16 x 16 pixels are left of images of 32 x 32 alone; take input_dim's",
    }
    first: dict[tuple[int, ...], str] = {
        (C, F, k, k): "filters come first, then channels",
        (F, k, k, C): "channels come second, before height and width",
        (k, k, C, F): "filters come first, then channels",
        (F, k, k): "each filter has weights for each of the C channels",
        (F, C, k): "filters are k x k",
        (F, C * k * k): "filters stay in their shape (F, C, k, k)",
        (C * k * k, F): "filters stay in their shape (F, C, k, k)",
        (F, C, H, W): "filters are filter_size x filter_size, not as large as the image",
        (F, 3, k, k): "the number of channels is hard-coded; take input_dim's",
        (32, C, k, k): "the number of filters is hard-coded; take num_filters",
    } | {(F, C, n, n): "the filter size is hard-coded; take filter_size" for n in (3, 5, 7)}
    return {
        "W1": first,
        "W2": {(n, hidden): said for n, said in rows.items()}
        | {(hidden, n): "inputs come first, then outputs" for n in rows},
        "W3": {(classes, hidden): "inputs come first, then outputs"},
    }


def _require_shapes(params: Any, shapes: Any, wrong: Any, where: str) -> None:
    """Raise CheckError if a weight array has a wrong shape of which one knows the reason."""
    for name, known in wrong.items() if isinstance(params, dict) else ():
        got = np.shape(params.get(name, ()))
        if got != shapes[name] and got in known:
            raise CheckError(
                f"params[{name!r}] has shape {got}, expected {shapes[name]} {where}: {known[got]}"
            )


def check_three_layer_init(s: Subject, r: Report) -> None:
    """Check the initial parameters of `ThreeLayerConvNet`."""
    for sizes, classes, scale in (
        ({"input_dim": (4, 8, 14), "num_filters": 6, "filter_size": 9, "hidden_dim": 20}, 7, 1e-2),
        ({"input_dim": (2, 12, 6), "num_filters": 4, "filter_size": 3, "hidden_dim": 9}, 11, 0.5),
    ):
        options = {**sizes, "num_classes": classes, "weight_scale": scale}
        params = s.get_params(s.net("ThreeLayerConvNet", **options))
        shapes = three_layer_shapes(sizes, classes)
        where = f"for images of shape {sizes['input_dim']}"
        _require_shapes(params, shapes, _wrong_shapes(sizes, classes), where)
        check_initial(params, shapes, scale)
        check_new_draws(s, params, "ThreeLayerConvNet", **options)
    options = {**_SMALL[0], "num_classes": 5}
    check_order(s, three_layer_shapes(_SMALL[0], 5), "ThreeLayerConvNet", options)
    r.ok("names and shapes for images that are not square, zero biases, Gaussian weights")


def _three_layer(s: Subject, sizes: Sizes, reg: float = 0.0) -> tuple[Any, dict[str, Any]]:
    """Return a float64 network with 5 classes and its generic parameters."""
    net = s.net("ThreeLayerConvNet", **sizes, num_classes=5, reg=reg, dtype=np.float64)
    shapes = three_layer_shapes(sizes, 5)
    params = _generic(shapes, 1, -1.5)
    s.set_params(net, params)
    return net, params


def _generic(shapes: dict[str, tuple[int, ...]], blocks: int, shift: float) -> dict[str, Any]:
    """Return parameters of no special value; the biases of the blocks are shifted.

    With the right shift ReLU cuts even what pooling has left, and lets enough through for each
    parameter to have a slope.
    """
    params = generic({name: np.zeros(shape) for name, shape in shapes.items()})
    return params | {f"b{i}": params[f"b{i}"] + shift for i in range(1, blocks + 1)}


def _check_caches(s: Subject, net: Any, params: Any, X: Any, y: Any, pools: Any) -> None:
    """Check the caches of a network without batch norm."""
    slopes = slow.net_slopes(params, X, y, pools=pools)
    needed = {
        name: keeps(*values, or_marks="pooling" in name)
        for name, values in mistakes.layer_inputs(params, X, pools).items()
    }
    check_caches(s, net, X, y, slopes, needed)


def check_three_layer_scores(s: Subject, r: Report) -> None:
    """Hold the scores of `ThreeLayerConvNet` against the definition."""
    wide = {**_SMALL[0], "filter_size": 5}
    for sizes, N, new, advice in (
        (_SMALL[0], 3, "", ""),
        (wide, 3, "that filters are 5 x 5", "self.conv_param has the pad that goes with them"),
        (_SMALL[1], 1, "one image of one channel", "a size of 1 is a size too"),
    ):
        net, params = _three_layer(s, sizes)
        X, _ = make_batch(N, sizes["input_dim"], 5)
        where = f"with filters of side {sizes['filter_size']} "
        with when_new(new, advice):
            check_scores(s, net, params, X, where, mistakes, pools=(2,))
    X, y = make_batch(3, sizes["input_dim"], 5)
    _check_caches(s, net, params, X, y, (2,))
    r.ok("scores for filters of two sizes and images that are not square, one and several")


def check_three_layer_loss(s: Subject, r: Report) -> None:
    """Hold loss and gradients of `ThreeLayerConvNet` against the definition and its slopes."""
    for sizes, reg in zip(_SMALL, (0.0, 0.7), strict=True):
        X, y = make_batch(3, sizes["input_dim"], 5)
        net, params = _three_layer(s, sizes, reg)
        check_loss(s, net, params, X, y, reg, pools=(2,))
    r.ok("loss and all gradients, without and with the penalty, twice in a row")
    r.ok("biases stay out of the penalty; another reg, other labels; parameters stay as they are")
    net = s.net("ThreeLayerConvNet", **_SMALL[0], num_classes=5, reg=0.5)
    X, y = make_batch(3, _SMALL[0]["input_dim"], 5)
    _, grads = unpack("loss", s.loss(net, X.astype(np.float32), y), ("loss", "grads"))
    r.keeps_float32("the way back of a float32 network", grads)


Blocks = list[dict[str, Any]]
_PLAIN: Blocks = [{"filters": 3, "size": 3, "pool": 2}]
_POOLED: Blocks = [
    {"filters": 2, "size": 3, "pool": 2},
    {"filters": 3, "size": 3, "pool": 3},
]
_DEEPER: Blocks = [{"filters": 3, "size": 3}, {"filters": 1, "size": 5, "pool": 2}]
_NORMED: Blocks = [
    {"filters": 3, "size": 3, "batchnorm": True, "pool": 2},
    {"filters": 2, "size": 1},
    {"filters": 3, "size": 1, "batchnorm": True},
]
_DIMS = (2, 4, 6)
_LARGE_DIMS = (2, 12, 6)  # for two poolings
_FORWARD = (  # blocks, shape of an image, number of images, what is new, and advice
    (_PLAIN, _DIMS, 1, "", ""),
    (
        _POOLED,
        _LARGE_DIMS,
        3,
        "a second block",
        "block i, counted from 1, takes what the block before it gives, and has W{i}, b{i} and "
        "entry i - 1 of self.conv_params and self.pool_params",
    ),
    (
        _DEEPER,
        _DIMS,
        3,
        "that block 1 has no pooling, and that filters are of two sizes",
        "only a block with pool above 1 is pooled (block 1 has 1, and its pool_param is empty); "
        "each convolution has its own entry of self.conv_params",
    ),
)
_DIVIDED = "loss has divided the images by it, and nothing else is divided"
_WITH_NORM = (
    "a block with it is pooled all the same if its pool is above 1; gamma{i}, beta{i} and entry "
    "i - 1 of self.bn_params belong to block i, counted from 1"
)


def block_shapes(
    blocks: Blocks, input_dim: tuple[int, int, int], classes: int
) -> dict[str, tuple[int, ...]]:
    """Return the shape of each parameter of a `ConvNet`."""
    shapes: dict[str, tuple[int, ...]] = {}
    channels, height, width = input_dim
    for i, block in enumerate(blocks, start=1):
        filters, size, side = block["filters"], block.get("size", 3), block.get("pool", 1)
        shapes[f"W{i}"], shapes[f"b{i}"] = (filters, channels, size, size), (filters,)
        if block.get("batchnorm"):
            shapes |= {f"{word}{i}": (filters,) for word in ("gamma", "beta")}
        channels, height, width = filters, height // side, width // side
    L = len(blocks) + 1
    shapes[f"W{L}"], shapes[f"b{L}"] = (channels * height * width, classes), (classes,)
    return shapes


def block_params(blocks: Blocks, input_dim: tuple[int, int, int]) -> dict[str, Any]:
    """Return parameters of no special value for a `ConvNet` with 5 classes."""
    shift = 0.3 if any(block.get("batchnorm") for block in blocks) else -1.5
    return _generic(block_shapes(blocks, input_dim, 5), len(blocks), shift)


def _blocks(
    s: Subject,
    blocks: Blocks,
    reg: float = 0.0,
    input_dim: tuple[int, int, int] = _DIMS,
    pixel_std: float = 1.0,
) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    """Return a float64 network with 5 classes, its generic parameters, and its pools."""
    net = s.net("ConvNet", blocks, input_dim, 5, reg, np.float64, pixel_std=pixel_std)
    params = block_params(blocks, input_dim)
    s.set_params(net, params)
    return net, params, {"pools": tuple(block.get("pool", 1) for block in blocks)}


def check_blocks_forward(s: Subject, r: Report) -> None:
    """Hold the scores of `ConvNet` against the definition."""
    for blocks, dims, N, new, advice in _FORWARD:
        net, params, options = _blocks(s, blocks, input_dim=dims)
        where = f"with {len(blocks)} block{'s' * (len(blocks) > 1)}, no batch norm, "
        with when_new(new, advice):
            check_scores(s, net, params, make_batch(N, dims, 5)[0], where, mistakes, **options)
        _check_caches(s, net, params, *make_batch(2, dims, 5), **options)
    r.ok("scores with and without pooling, for filters of several sizes")
    net, params, options = _blocks(s, _NORMED)
    options["running"] = _running(_NORMED)
    s.restore(net, params, options["running"])
    where = "with batch norm in blocks 1 and 3 of 3, "
    with when_new("batch norm", _WITH_NORM):
        check_scores(s, net, params, make_batch(3, _DIMS, 5)[0], where, mistakes, **options)
    r.ok("scores with batch norm, from each block's own running statistics")
    many: Blocks = [{"filters": 2, "size": 1}] * 11
    net, params, options = _blocks(s, many, input_dim=(2, 1, 2))
    params = {k: v if k[0] == "W" else np.abs(v) + 0.2 for k, v in params.items()}
    s.set_params(net, params)
    X, _ = make_batch(3, (2, 1, 2), 5)
    want = slow.net_scores(params, X, **options)
    causes = {
        "the layers are taken in the order of their names as text, W10 before W2": mistakes.by_text(
            params, X, options["pools"]
        )
    }
    hint = "with fewer blocks it is right; do all of the blocks from 10 on take part?"
    where = "with 11 blocks"
    compare("scores", s.loss(net, X), want, rtol=EXACT, where=where, hint=hint, causes=causes)
    r.ok("scores with 11 blocks: W10 comes after W9")
    _check_pixel_std(s)
    r.ok("images that loss has divided by pixel_std are not divided again")
    _check_running(s)
    r.ok("batch norm hands its running statistics on to the test mode")


def _check_pixel_std(s: Subject) -> None:
    """Check that the images go into the first block as loss hands them on."""
    net, params, options = _blocks(s, _PLAIN, pixel_std=4.0)
    X, _ = make_batch(3, _DIMS, 5)
    want = slow.net_scores(params, X / 4, **options)
    again = slow.net_scores(params, X / 16, **options)
    causes = {"loss has divided the images by pixel_std already: take them as they come": again}
    hint = "with pixel_std = 1 it is right; loss divides by it, and nothing else does"
    compare("scores", s.loss(net, X), want, rtol=EXACT, where="with pixel_std = 4", hint=hint,
            causes=causes)  # fmt: skip


def _running(blocks: Blocks) -> list[dict[str, Any]]:
    """Return running statistics of no special value for the blocks that have batch norm."""
    rng = np.random.default_rng(23)
    return [
        {
            "running_mean": rng.standard_normal(block["filters"]),
            "running_var": rng.uniform(0.5, 2, block["filters"]),
        }
        if block.get("batchnorm")
        else {}
        for block in blocks
    ]


def check_blocks_loss(s: Subject, r: Report) -> None:
    """Hold loss and gradients of `ConvNet` against the definition and its slopes."""
    for blocks, reg in ((_PLAIN, 0.0), (_DEEPER, 0.7), (_NORMED, 0.3)):
        X, y = make_batch(3, _DIMS, 5)
        net, params, options = _blocks(s, blocks, reg)
        around = f"with {len(blocks)} block{'s' * (len(blocks) > 1)} "
        check_loss(s, net, params, X, y, reg, around=around, **options)
    r.ok("loss and all gradients with 1, 2 and 3 blocks, without and with batch norm, twice")
    _check_pixel_std_back(s)
    r.ok("only W1, W2, ... are in the penalty; another reg, other labels")
    net = s.net("ConvNet", _NORMED, _DIMS, 5, 0.5)
    _, grads = unpack("loss", s.loss(net, *make_batch(3, _DIMS, 5)), ("loss", "grads"))
    r.keeps_float32("the way back of a float32 network", grads)


def _check_pixel_std_back(s: Subject) -> None:
    """Check loss and gradients with a pixel_std of its own: with 1 it could stand anywhere."""
    net, params, options = _blocks(s, _NORMED, 0.3, pixel_std=4.0)
    X, y = make_batch(3, _DIMS, 5)
    loss, grads = unpack("loss", s.loss(net, 4 * X, y), ("loss", "grads"))
    slopes = slow.net_slopes(params, X, y, 0.3, **options)
    require_names("grads", grads, slopes)
    want: dict[str, Any] = {"loss": slow.net_loss(params, X, y, 0.3, **options)}
    want |= {f"grads[{name!r}]": slope for name, slope in slopes.items()}
    for name, got in zip(want, [loss, *(grads[name] for name in slopes)], strict=True):
        causes = {f"it is divided by pixel_std; {_DIVIDED}": want[name] / 4}
        compare(name, got, want[name], rtol=NUMERIC, atol=FLOOR, where="with pixel_std = 4",
                hint=f"with pixel_std = 1 it is right; {_DIVIDED}", causes=causes)  # fmt: skip


def _check_running(s: Subject) -> None:
    """Check that scores come from running statistics once a net with batch norm has trained."""
    net, params, options = _blocks(s, _NORMED)
    norms = [{"momentum": MOMENTUM} if block.get("batchnorm") else {} for block in _NORMED]
    s.restore(net, params, norms)
    X, y = make_batch(3, _DIMS, 5)
    for _ in range(PASSES):
        trouble = _trouble_in(s, net, X, y)
        s.set_params(net, params)  # whatever the way back has made of them
    want = slow.net_scores(params, X, **options)
    hint = "each block hands its own entry of self.bn_params, no copy, to its batch norm"
    where = f"in test mode, after {PASSES} passes in train mode with momentum {MOMENTUM}"
    try:
        compare("scores", s.loss(net, X), want, rtol=1e-6, atol=1e-6, where=where, hint=hint)
    except CheckError:
        if trouble:  # before the statistics were there: it says more
            raise trouble from None
        raise


def _trouble_in(s: Subject, net: Any, X: Any, y: Any) -> Exception | None:
    """Return what a pass in train mode raises: of the way back, it is another exercise's."""
    try:
        s.loss(net, X, y)
    except Exception as error:
        return error
    return None

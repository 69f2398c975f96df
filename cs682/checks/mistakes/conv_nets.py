"""What common mistakes in a convolutional network give, so that a check can name them."""

from __future__ import annotations

from typing import Any

import numpy as np

from cs682.checks import slow

_PARTS = {  # what is left out -> the values of such parameters instead
    "the biases of the convolutions are left out": ("b", 0.0),
    "gamma is left out": ("gamma", 1.0),
    "beta is left out": ("beta", 0.0),
}


def scores(params: dict[str, Any], X: Any, pools: Any, running: Any = ()) -> dict[str, Any]:
    """Return cause -> scores, shape (N, C), of blocks and the affine layers behind them."""
    right = slow.net_scores(params, X, pools=pools, running=running)
    powers = np.exp(right - right.max(axis=1, keepdims=True))
    layers = sum(name.startswith("W") for name in params)
    last_bias = params[f"b{layers}"]
    found = {}
    if layers > len(pools) + 1:
        cause = "the ReLU after the hidden affine layer is missing"
        found[cause] = _scores(params, X, pools, running, slow.relu, _same)
        fewer = {**params, f"b{layers - 1}": 0 * params[f"b{layers - 1}"]}
        cause = "the bias of the hidden affine layer is left out"
        found[cause] = _scores(fewer, X, pools, running)
    found |= {
        "the ReLU after the convolution is missing": _scores(params, X, pools, running, _same),
        "the ReLU is missing in all layers": _scores(params, X, pools, running, _same, _same),
        "there is a ReLU on the scores; the last layer has none": slow.relu(right),
        "these are probabilities; the scores go into softmax_loss as they are": powers
        / powers.sum(axis=1, keepdims=True),
        "the bias of the last layer is left out": right - last_bias,
        "the mean of the batch is subtracted from X; the network takes images as they come": (
            _scores(params, X - X.mean(axis=0), pools, running)
        ),
        "the maps are flattened in another order, with the channels last; hand them on to the "
        "affine layer as they are": _scores(
            params, X, pools, running, flat=lambda maps: maps.transpose(0, 2, 3, 1)
        ),
    }
    if len(pools) == 1 and not running:
        side = pools[0]
        found["the pooling comes before the convolution; it belongs behind the ReLU"] = _scores(
            params, slow.max_pool(X, side, side, side), (1,), ()
        )
    turned = (*pools[-1:], *pools[:-1])
    if turned != tuple(pools):
        said = "the poolings take each other's settings: block i, counted from 1, has "
        found[f"{said}self.pool_params[i - 1]"] = _scores(params, X, turned, running)
    blocks = range(1, len(pools) + 1)
    for cause, (word, value) in _PARTS.items():
        changed = {
            f"{word}{i}": value + 0 * params[f"{word}{i}"] for i in blocks if f"{word}{i}" in params
        }
        if changed:
            found[cause] = _scores({**params, **changed}, X, pools, running)
    if any(name.startswith("gamma") for name in params):
        found |= _norms(params, X, pools, running)
    return found


def layer_inputs(params: dict[str, Any], X: Any, pools: Any) -> dict[str, list[Any]]:
    """Return what goes into each layer of a network without batch norm, by the layer's name.

    A pooling may as well stand before the ReLU: what comes out of it there is given, too.
    """
    inputs, layers, out = {}, sum(name.startswith("W") for name in params), X
    for i, side in enumerate(pools, start=1):
        block = {"W1": params[f"W{i}"], "b1": params[f"b{i}"]}
        before = slow.conv_blocks(block, out, (1,), _same)
        maps, where = slow.relu(before), f" of block {i}" * (len(pools) > 1)
        inputs[f"the convolution{where}"] = [out]
        out = slow.max_pool(maps, side, side, side)
        if side > 1:
            inputs[f"the pooling{where}"] = [maps, slow.max_pool(before, side, side, side)]
    for i in range(len(pools) + 1, layers + 1):
        inputs[f"layer {i}"] = [out]
        out = slow.relu(slow.affine(out, params[f"W{i}"], params[f"b{i}"]))
    return inputs


def by_text(params: dict[str, Any], X: Any, pools: Any) -> Any:
    """Return scores of equal blocks that are taken in the order of their numbers as text."""
    numbers = [str(i) for i in range(1, len(pools) + 1)]
    order = dict(zip(numbers, sorted(numbers), strict=True))
    taken = {k: params[k[0] + order.get(k[1:], k[1:])] for k in params}
    return slow.net_scores(taken, X, pools=pools)


def _same(a: Any) -> Any:
    return a


def _scores(
    params: Any,
    X: Any,
    pools: Any,
    running: Any,
    in_blocks: Any = None,
    behind: Any = None,
    flat: Any = None,
) -> Any:
    """Return scores with other functions in place of ReLU, and of what flattens the maps."""
    out = slow.conv_blocks(params, X, pools, in_blocks or slow.relu, running)
    out = flat(out) if flat else out
    return slow.net_scores(slow.behind(params, len(pools)), out, activation=behind or slow.relu)


def _norms(params: dict[str, Any], X: Any, pools: Any, running: Any) -> dict[str, Any]:
    """Return cause -> scores for mistakes with batch norm."""
    plain = {k: v for k, v in params.items() if not k.startswith(("gamma", "beta"))}
    swapped = {
        {"gamma": "beta", "beta": "gamma"}.get(k[:-1], k[:-1]) + k[-1]: v for k, v in params.items()
    }
    found = {}
    own = [means for means in running if means]
    if own and len({len(means["running_mean"]) for means in own}) == 1:
        first = [means and own[0] for means in running]
        said = "every block takes the running statistics of the first; each has its own entry of "
        found[f"{said}self.bn_params"] = _scores(params, X, pools, first)
    return found | {
        "the batch norm is left out": _scores(plain, X, pools, running),
        "gamma and beta are exchanged": _scores(swapped, X, pools, running),
        "these are the scores with the statistics of this batch; without labels each block "
        "takes its running statistics, from its own entry of self.bn_params": _scores(
            params, X, pools, ()
        ),
        "the batch norm stands after the ReLU; it belongs before": _norm_last(
            params, X, pools, running
        ),
    }


def _norm_last(params: dict[str, Any], X: Any, pools: Any, running: Any) -> Any:
    """Return scores where each block is conv - ReLU - batch norm - pool."""
    out = X
    for i, side in enumerate(pools, start=1):
        block = {f"{word}1": params[f"{word}{i}"] for word in ("W", "b")}
        out = slow.conv_blocks(block, out, (1,))
        if f"gamma{i}" in params:
            at_test = running[i - 1] if running else {}
            mean, var = at_test.get("running_mean"), at_test.get("running_var")
            gamma, beta = params[f"gamma{i}"], params[f"beta{i}"]
            out = slow.spatial_batchnorm(out, gamma, beta, mean=mean, var=var)
        out = slow.max_pool(out, side, side, side)
    return slow.net_scores(slow.behind(params, len(pools)), out)

"""What common mistakes in a network give, so that a check can name them."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from cs682.checks import slow

_HANDED_ON = " (a hidden layer hears of it through **self._hidden_options(i))"
_NORMS = {"batchnorm": slow.batchnorm, "layernorm": slow.layernorm}


def scores(params: dict[str, Any], X: Any) -> dict[str, Any]:
    """Return cause -> scores, shape (N, C), of a plain network in test mode."""
    right = slow.net_scores(params, X)
    powers = np.exp(right - right.max(axis=1, keepdims=True))
    last_bias = [name for name in params if _is_bias(name)][-1]
    no_bias = {k: v * (0 if _is_bias(k) else 1) for k, v in params.items()}
    no_hidden_bias = {**no_bias, last_bias: params[last_bias]}
    return {
        "the ReLU between the layers is missing": slow.net_scores(
            params, X, activation=lambda a: a
        ),
        "there is a ReLU on the scores; the last layer has none": slow.relu(right),
        "these are probabilities; the scores go into softmax_loss as they are": powers
        / powers.sum(axis=1, keepdims=True),
        "the biases are left out": slow.net_scores(no_bias, X),
        "the biases of the hidden layers are left out": slow.net_scores(no_hidden_bias, X),
        "the bias of the last layer is left out": right - params[last_bias],
        **_with_a_layer_left_out(params, X),
    }


def _with_a_layer_left_out(params: dict[str, Any], X: Any) -> dict[str, Any]:
    """Return cause -> scores without one of the hidden layers, where the widths allow it."""
    count = sum(name.startswith("W") for name in params)
    found = {}
    for left_out in range(1, count):
        kept = [i for i in range(1, count + 1) if i != left_out]
        if np.equal(*params[f"W{left_out}"].shape):
            fewer = {f"{k}{n}": params[f"{k}{i}"] for n, i in enumerate(kept, 1) for k in "Wb"}
            found[f"hidden layer {left_out} is left out"] = slow.net_scores(fewer, X)
    return found


def sandwich_values(
    normalization: str, values: list[Any], dout: Any, eps: float = 1e-5
) -> tuple[Any, list[Any]]:
    """Return output and gradients of affine - normalization - ReLU; without `dout` no gradients."""

    def forward(x: Any, w: Any, b: Any, gamma: Any, beta: Any) -> Any:
        return slow.relu(_NORMS[normalization](slow.affine(x, w, b), gamma, beta, eps))

    return forward(*values), [] if dout is None else slow.slopes(forward, values, dout)


def sandwich(normalization: str, values: list[Any], eps: float) -> dict[str, Any]:
    """Return cause -> output, shape (N, M), of affine - normalization - ReLU."""
    *inner, gamma, beta = values
    other = _NORMS["layernorm" if normalization == "batchnorm" else "batchnorm"]
    a = slow.affine(*inner)

    def definition(x: Any, gamma: Any, beta: Any) -> Any:
        return _NORMS[normalization](x, gamma, beta, eps)

    return {
        "the normalization has not got norm_param; eps is in it": slow.relu(
            _NORMS[normalization](a, gamma, beta)
        ),
        "the normalization is left out": slow.relu(a),
        "the normalization stands after the ReLU; it belongs before": definition(
            slow.relu(a), gamma, beta
        ),
        "the ReLU is left out": definition(a, gamma, beta),
        "gamma and beta are exchanged": slow.relu(definition(a, beta, gamma)),
        f"this is not {normalization}, but the other normalization": slow.relu(
            other(a, gamma, beta, eps)
        ),
    }


def layer_inputs(params: dict[str, Any], X: Any) -> list[Any]:
    """Return what goes into each affine layer of a plain network: X, then the hidden units."""
    inputs = [X]
    for i in range(1, sum(name.startswith("W") for name in params)):
        inputs.append(slow.relu(slow.affine(inputs[-1], params[f"W{i}"], params[f"b{i}"])))
    return inputs


def without_relu_back(params: dict[str, Any], X: Any, y: Any, reg: float) -> dict[str, Any]:
    """Return gradients by name of a plain two-layer network whose way back skips the ReLU."""
    before = slow.affine(X, params["W1"], params["b1"])
    shift = slow.relu(before) - before  # the values of ReLU, and a slope of 1

    def loss(*values: Any) -> Any:
        moved = dict(zip(params, values, strict=True))
        hidden = slow.affine(X, moved["W1"], moved["b1"]) + shift
        scores = slow.affine(hidden, moved["W2"], moved["b2"])
        return slow.softmax_loss(scores, y) + slow.penalty(moved, reg)

    return dict(zip(params, slow.slopes(loss, list(params.values())), strict=True))


def dropout_sandwich(
    x: Any, w: Any, b: Any, dout: Any, mask: Any, input_mask: Any
) -> tuple[Any, dict[str, list[Any]], dict[str, Any]]:
    """Return output and gradients of affine - ReLU - dropout, and outputs by cause.

    The gradients of x, w and b are by cause too, the right ones under 'right'.
    """

    def slopes(before: Any = 1.0) -> list[Any]:
        return slow.slopes(lambda *v: slow.relu(slow.affine(*v)), (x, w, b), before * dout)

    plain = slow.relu(slow.affine(x, w, b))
    gradients = {
        "right": slopes(mask),
        "the way back leaves dropout out": slopes(),
        "the way back goes through dropout twice": slopes(mask**2),
    }
    outputs = {
        "dropout is left out": plain,
        "dropout is applied twice": plain * mask**2,
        "the ReLU is left out": slow.affine(x, w, b) * mask,
        "dropout was applied to the layer's input; it comes after the ReLU": slow.relu(
            slow.affine(x * input_mask, w, b)
        ),
    }
    return plain * mask, gradients, outputs


def by_text(params: dict[str, Any], X: Any) -> Any:
    """Return scores of a net whose layers are taken in the order of their numbers as text."""
    numbers = [name[1:] for name in params if name.startswith("W")]
    order = dict(zip(numbers, sorted(numbers), strict=True))
    return slow.net_scores({k: params[k[0] + order[k[1:]]] for k in params}, X)


def loss(params: dict[str, Any], X: Any, y: Any, reg: float, **options: Any) -> dict[str, float]:
    """Return cause -> loss of a network in train mode."""
    full = slow.penalty(params, reg)
    causes = _data_losses(params, X, y, full, **options)
    data = slow.net_loss(params, X, y, **options)
    causes["the loss is summed over the batch; it is the mean"] = data * len(X) + full
    causes["the penalty is missing, or its factor is 0, as 1 // 2 is"] = data
    causes["the softmax loss is missing; the penalty is added to it, it does not replace it"] = full
    if not reg:
        return causes
    part = {name: 0.5 * reg * float(np.sum(value**2)) for name, value in params.items()}
    weights = [name for name in params if name.startswith("W")]
    last, layers = part[weights[-1]], len(weights)
    return causes | {
        "the factor 0.5 of the penalty is missing": data + 2 * full,
        "the penalty of all layers is added once for every layer": data + layers * full,
        **{said: data + full + more for said, more in _penalised_too(part).items()},
        "the last layer's weights are left out of the penalty": data + full - last,
        "only the last layer's weights are in the penalty": data + last,
        "only the first layer's weights are in the penalty": data + part["W1"],
        "the same layer is penalised each time, once for every layer": data + layers * last,
        "the first layer is penalised each time, once for every layer": data + layers * part["W1"],
        "the penalty is divided by the batch size": data + full / len(X),
        "the penalty sums the weights; it should sum their squares": data
        + 0.5 * reg * sum(float(params[k].sum()) for k in weights),
        "the penalty is subtracted": data - full,
        "the sum is squared; the penalty sums the squares": data
        + 0.5 * reg * sum(float(params[k].sum()) ** 2 for k in weights),
        "the penalty takes the length of the weights; it takes the squared length": data
        + 0.5 * reg * sum(float(np.sqrt(np.sum(params[k] ** 2))) for k in weights),
    }


def _penalised_too(part: dict[str, float]) -> dict[str, float]:
    """Return cause -> penalty of what is no weight matrix, from the penalty of each parameter."""
    kinds = {
        "the biases": [k for k in part if _is_bias(k)],
        "gamma": [k for k in part if k.startswith("gamma")],
        "beta": [k for k in part if k.startswith("beta")],
    }
    there = [kind for kind, names in kinds.items() if names]
    found = {}
    for some in (c for n in range(1, len(there) + 1) for c in combinations(there, n)):
        verb = "are" if len(some) > 1 or some == ("the biases",) else "is"
        said = f"{' and '.join(some)} {verb} penalised too"
        if len(there) > 1 and some == tuple(there):
            said = "every parameter is penalised; only the weight matrices should be"
        found[said] = sum(part[k] for kind in some for k in kinds[kind])
    return found


def _data_losses(
    params: dict[str, Any], X: Any, y: Any, full: float, **options: Any
) -> dict[str, float]:
    """Return cause -> loss for mistakes that have nothing to do with the penalty."""
    variants: dict[str, dict[str, Any]] = {
        "the ReLU between the layers is missing": {"activation": lambda a: a}
    }
    if masks := options.get("masks"):
        variants[f"nothing was dropped; dropout is left out{_HANDED_ON}"] = {"masks": ()}
        variants["dropout is applied twice"] = {"masks": [m * m for m in masks]}
        variants["dropout is missing after the last hidden layer"] = {
            "masks": [*masks[:-1], np.ones_like(masks[-1])]
        }
    if normalization := options.get("normalization"):
        other = {"batchnorm": "layernorm", "layernorm": "batchnorm"}[normalization]
        variants[f"the normalization is left out{_HANDED_ON}"] = {"normalization": None}
        variants[f"this is {other}; {normalization} was asked for"] = {"normalization": other}
    found = slow.net_scores(params, X, **options)
    margins = np.maximum(0, found - found[np.arange(len(y)), y][:, None] + 1)
    return {
        "there is a ReLU on the scores; the last layer has none": full
        + slow.softmax_loss(slow.relu(found), y),
        "this is the SVM loss; the network ends in softmax": full
        + float(margins.sum(axis=1).mean() - 1),
    } | {
        cause: full + slow.net_loss(params, X, y, **{**options, **change})
        for cause, change in variants.items()
    }


def misplaced_dropout(
    params: dict[str, Any],
    X: Any,
    y: Any,
    reg: float,
    input_mask: Any,
    score_mask: Any,
    **options: Any,
) -> dict[str, float]:
    """Return cause -> loss for dropout at the input or on the scores, masks shaped like these."""
    scores = slow.net_scores(params, X, **options)
    return {
        "dropout is applied to the network's input too": slow.net_loss(
            params, X * input_mask, y, reg, **options
        ),
        "dropout is applied to the scores too": slow.softmax_loss(scores * score_mask, y)
        + slow.penalty(params, reg),
    }


def gradient(name: str, slope: Any, value: Any, reg: float) -> dict[str, Any]:
    """Return cause -> gradient of one parameter, all shaped like it, for mistakes with reg.

    `slope` is the right gradient, penalty included, and `value` the parameter itself.
    """
    if not reg:
        return {"reg is missing: the weights are added as they are": slope + value}
    if not name.startswith("W"):
        return {f"{name} is penalised; only the weight matrices should be": slope + reg * value}
    data = slope - reg * value
    return {
        f"the penalty's part reg * {name} is missing": data,
        f"the penalty's part is 2 * reg * {name}; with the factor 0.5 it is reg * {name}": data
        + 2 * reg * value,
        f"the penalty's part is 0.5 * reg * {name}; it is reg * {name}": data + 0.5 * reg * value,
        f"one number is added to every entry of {name}'s gradient; add reg * {name}": data
        + reg * value.sum(),
        "the penalty's part is subtracted": data - reg * value,
        "only the penalty's part is there; the gradient of the data loss is missing": reg * value,
        "the gradient is scaled by reg where reg times the weights is added": data * reg,
        "the gradient is scaled by 1 + reg where reg times the weights is added": data * (1 + reg),
        "the gradient that was handed on to this layer holds reg too; the penalty belongs to the "
        "weights alone": data * (1 + reg) + reg * value,
        "the sign of the weights is added, not the weights": data + reg * np.sign(value),
        "reg is missing: the weights are added as they are": data + value,
    }


def _is_bias(name: str) -> bool:
    """Tell b1, b2, ... from beta1, beta2, ..."""
    return name.startswith("b") and not name.startswith("beta")

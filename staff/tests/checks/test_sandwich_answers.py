"""The checks of the sandwiches: wrong answers fail with their reason."""

from __future__ import annotations

import inspect

import pytest

from cs682 import layer_utils, layers
from cs682.checks import check
from staff.tests.checks.mutants import put, refusal
from tests.slopes import of

pytestmark = pytest.mark.usefixtures("remembered_slopes")

SANDWICH = {key: value for key, value in vars(layer_utils).items() if key.startswith("affine_")}


def chain(*, order="norm relu", other=None, mode=None, cache=None):
    """Make affine_norm_relu_forward that deviates in the order or choice of its layers."""

    def forward(x, w, b, gamma, beta, norm_param, normalization):
        kind = other or normalization
        norm = {
            "batchnorm": layers.batchnorm_forward,
            "layernorm": layers.layernorm_forward,
        }[kind]
        param = {**norm_param, "mode": mode} if mode else norm_param
        out, fc = layers.affine_forward(x, w, b)
        caches = {}
        for step in order.split():
            out, caches[step] = norm(out, gamma, beta, param) if step == "norm" else RELU(out)
        parts = (fc, caches.get("norm"), caches.get("relu"), kind)
        return out, (cache(parts) if cache else parts)

    return forward


RELU = layers.relu_forward


def back(result):
    """Make affine_norm_relu_backward that returns ``result`` of the right five gradients."""

    def backward(dout, cache):
        return result(*SANDWICH["affine_norm_relu_backward"](dout, cache))

    return backward


FORWARD, BACKWARD = "affine_norm_relu_forward", "affine_norm_relu_backward"
SANDWICHES = [
    ("bn-2.2", "norm after ReLU", FORWARD, chain(order="relu norm"), "stands after the ReLU"),
    ("bn-2.2", "no norm", FORWARD, chain(order="relu"), "the normalization is left out"),
    ("bn-2.2", "no ReLU", FORWARD, chain(order="norm"), "the ReLU is left out"),
    ("bn-2.2", "always training", FORWARD, chain(mode="train"), "pass norm_param itself on"),
    ("bn-2.2", "layer norm", FORWARD, chain(other="layernorm"), "out["),
    ("bn-3.2", "batch norm", FORWARD, chain(other="batchnorm", mode="train"), "with layernorm"),
    (
        "bn-2.2",
        "exchanged",
        BACKWARD,
        back(lambda x, w, b, g, e: (x, w, b, e, g)),
        "returned dgamma and dbeta exchanged",
    ),
    ("bn-2.2", "three", BACKWARD, back(lambda x, w, b, g, e: (x, w, b)), "returned 3 values"),
    ("bn-2.2", "row", BACKWARD, back(lambda x, w, b, g, e: (x, w, b, g[None], e)), "a row matrix"),
    ("bn-2.2", "flat", BACKWARD, back(lambda x, w, b, g, e: (x.reshape(4, 6), w, b, g, e)), "dx"),
]

LONG, LONG_BACK = "affine_norm_relu_dropout_forward", "affine_norm_relu_dropout_backward"


def by_name(answer):
    """Hand all arguments on by name, as one likes to give them."""

    def call(*args, **options):
        bound = inspect.signature(SANDWICH[LONG]).bind(*args, **options)
        return answer(**bound.arguments)

    return call


@by_name
def ignored(**options):
    return SANDWICH[LONG](**{**options, "dropout_param": None})


@by_name
def drops_input(x, dropout_param=None, **options):
    if dropout_param:
        x, _ = layers.dropout_forward(x, dropout_param)
    return SANDWICH[LONG](x, dropout_param=None, **options)


@by_name
def always_drops(dropout_param=None, **options):
    param = {**dropout_param, "mode": "train"} if dropout_param else None
    return SANDWICH[LONG](dropout_param=param, **options)


@by_name
def one_mask_for_ever(dropout_param=None, **options):
    param = {"seed": 1, **dropout_param} if dropout_param else None
    return SANDWICH[LONG](dropout_param=param, **options)


def straight_back(dout, cache):
    return SANDWICH[LONG_BACK](dout, (cache[0], None))


def dropped_twice(dout, cache):
    drop = cache[1]
    return SANDWICH[LONG_BACK](dout if drop is None else layers.dropout_backward(dout, drop), cache)


SANDWICHES += [
    ("do-2.1", "ignored", LONG, ignored, "dropout is left out"),
    ("do-2.1", "before affine", LONG, drops_input, "to the layer's input"),
    ("do-2.1", "in test mode", LONG, always_drops, "units are dropped as in training"),
    ("do-2.1", "one mask", LONG, one_mask_for_ever, "gave the same loss: no unit was dropped"),
    ("do-2.1", "not in backward", LONG_BACK, straight_back, "leaves dropout out"),
    ("do-2.1", "twice in backward", LONG_BACK, dropped_twice, "through dropout twice"),
]


@pytest.mark.parametrize(
    ("exercise", "function", "answer", "text"),
    [of(id_, id_, function, *row, name=name) for id_, name, function, *row in SANDWICHES],
)
def test_check_of_sandwich_refuses_and_says_why(monkeypatch, exercise, function, answer, text):
    put(monkeypatch, function, answer)

    assert text in refusal(exercise)


def back_from(unpack):
    def backward(dout, cache):
        return SANDWICH[BACKWARD](dout, unpack(cache))

    return backward


@pytest.mark.exercise(id="bn-2.2")
@pytest.mark.parametrize(
    "pack",
    [
        lambda parts: [*parts, "more"],
        lambda parts: (parts[:3], parts[3]),
    ],
    ids=["five in a list", "two"],
)
def test_check_of_sandwich_passes_other_caches(monkeypatch, pack):
    def unpack(cache):
        return cache[:4] if len(cache) == 5 else (*cache[0], cache[1])

    put(monkeypatch, FORWARD, chain(cache=pack))
    put(monkeypatch, BACKWARD, back_from(unpack))

    check("bn-2.2")

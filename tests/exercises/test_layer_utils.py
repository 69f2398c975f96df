"""The sandwiches: the layers in the right order, forwards and backwards, each with its cache."""

from __future__ import annotations

import numpy as np
import pytest

from cs682 import layer_utils, layers
from cs682.layer_utils import (
    affine_norm_relu_backward,
    affine_norm_relu_dropout_backward,
    affine_norm_relu_dropout_forward,
    affine_norm_relu_forward,
    affine_relu_backward,
    affine_relu_forward,
)
from tests.slopes import of, slope
from tests.stored import SANDWICHES

SHAPES = {"x": (4, 2, 3), "w": (6, 5), "b": (5,), "gamma": (5,), "beta": (5,)}
NORMS = (None, "batchnorm", "layernorm")
DROP = {"mode": "train", "p": 0.6, "seed": 3}


def inputs(normalization, dtype=np.float64):
    """Draw the arrays of a sandwich, none of which can be written to."""
    rng = np.random.default_rng(682)
    names = list(SHAPES) if normalization else ["x", "w", "b"]
    arrays = {name: rng.standard_normal(SHAPES[name]).astype(dtype) for name in names}
    for array in arrays.values():
        array.flags.writeable = False
    return arrays


def options(normalization, dropout=None):
    """Give the further arguments of the longest sandwich, with fresh dicts."""
    return {
        "normalization": normalization,
        "norm_param": {"mode": "train"} if normalization else None,
        "dropout_param": dict(dropout) if dropout else {},
    }


def expected(normalization, dropout=None):
    """Give the stored output of a sandwich; dropout does to it what the student's own does."""
    out = SANDWICHES[normalization]
    return layers.dropout_forward(out.copy(), dropout)[0] if dropout else out


CASES = [
    of("do-2.1" if dropout else "bn-2.2", norm, dropout, name=f"{norm} {bool(dropout)}")
    for norm in NORMS
    for dropout in (None, DROP)
]


@pytest.mark.exercise(id="fc-1.5")
def test_affine_relu_forward_is_affine_then_relu():
    arrays = inputs(None)

    out, _ = affine_relu_forward(**arrays)

    np.testing.assert_allclose(out, expected(None), rtol=1e-12)


@pytest.mark.exercise(id="fc-1.5")
def test_affine_relu_backward_matches_slopes():
    arrays, dout = inputs(None), np.random.default_rng(1).standard_normal((4, 5))

    grads = affine_relu_backward(dout.copy(), affine_relu_forward(**arrays)[1])

    for grad, name in zip(grads, arrays, strict=True):
        want = slope(
            lambda v, name=name: affine_relu_forward(**{**arrays, name: v})[0], arrays[name], dout
        )
        np.testing.assert_allclose(grad, want, rtol=1e-6, atol=1e-8)


@pytest.mark.exercise(id="bn-2.2")
@pytest.mark.parametrize("normalization", ["batchnorm", "layernorm"])
def test_affine_norm_relu_forward_normalizes_before_relu(normalization):
    arrays, norm_param = inputs(normalization), {"mode": "train"}

    out, cache = affine_norm_relu_forward(*arrays.values(), norm_param, normalization)

    np.testing.assert_allclose(out, expected(normalization), rtol=1e-12)
    assert "running_mean" in norm_param or normalization == "layernorm"
    assert len(affine_norm_relu_backward(out, cache)) == 5


@pytest.mark.exercise(id="bn-2.2")
def test_affine_norm_relu_forward_passes_the_mode_on():
    arrays, norm_param = inputs("batchnorm"), {"mode": "train"}
    affine_norm_relu_forward(*arrays.values(), norm_param, "batchnorm")
    norm_param["mode"] = "test"

    together, _ = affine_norm_relu_forward(*arrays.values(), norm_param, "batchnorm")
    arrays["x"] = arrays["x"][:1]
    alone, _ = affine_norm_relu_forward(*arrays.values(), norm_param, "batchnorm")

    np.testing.assert_allclose(alone, together[:1], rtol=1e-12)


@pytest.mark.parametrize(("normalization", "dropout"), CASES)
def test_longest_sandwich_is_its_layers_in_order(normalization, dropout):
    arrays = inputs(normalization)

    out, _ = affine_norm_relu_dropout_forward(**arrays, **options(normalization, dropout))

    np.testing.assert_allclose(out, expected(normalization, dropout), rtol=1e-12)


@pytest.mark.parametrize(("normalization", "dropout"), CASES)
def test_longest_sandwich_backward_matches_slopes(normalization, dropout):
    arrays, dout = inputs(normalization), np.random.default_rng(1).standard_normal((4, 5))

    def forward(**changed):
        given = {**arrays, **changed, **options(normalization, dropout)}
        return affine_norm_relu_dropout_forward(**given)

    grads = affine_norm_relu_dropout_backward(dout.copy(), forward()[1])

    for grad, name in zip(grads, arrays, strict=True):
        want = slope(lambda v, name=name: forward(**{name: v})[0], arrays[name], dout)
        # normalizing over four examples is steep: the third derivative costs two digits
        np.testing.assert_allclose(grad, want, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(("normalization", "dropout"), CASES)
def test_longest_sandwich_backward_gives_each_gradient_the_shape_of_its_array(
    normalization, dropout
):
    arrays = inputs(normalization)
    out, cache = affine_norm_relu_dropout_forward(**arrays, **options(normalization, dropout))

    grads = affine_norm_relu_dropout_backward(out, cache)

    assert [grad.shape for grad in grads] == [array.shape for array in arrays.values()]


@pytest.mark.exercise(id="do-2.1")
def test_longest_sandwich_backward_stops_where_units_were_dropped_without_a_seed():
    arrays = {**inputs(None), "w": np.ones((6, 99)), "b": np.full(99, 50.0)}
    param = {"mode": "train", "p": 0.6}
    out, cache = affine_norm_relu_dropout_forward(**arrays, dropout_param=param)
    is_dropped = out == 0

    _, _, db = affine_norm_relu_dropout_backward(np.ones(out.shape), cache)

    np.testing.assert_allclose(db, (~is_dropped).sum(axis=0) / 0.6, rtol=1e-12)


@pytest.mark.exercise(id="do-2.1")
def test_longest_sandwich_in_test_mode_drops_nothing():
    arrays, param = inputs(None), {"mode": "test", "p": 0.5}

    out, _ = affine_norm_relu_dropout_forward(**arrays, dropout_param=param)

    np.testing.assert_allclose(out, expected(None), rtol=1e-12)


@pytest.mark.parametrize("missing", ["gamma", "beta", "norm_param"])
def test_longest_sandwich_refuses_a_normalization_without_its_arguments(missing):
    given = {**inputs("layernorm"), "norm_param": {}, missing: None}

    with pytest.raises(ValueError, match="normalization='layernorm' needs gamma, beta and norm_p"):
        affine_norm_relu_dropout_forward(**given, normalization="layernorm")


def test_affine_norm_relu_forward_refuses_an_unknown_normalization():
    arrays = inputs("batchnorm")

    with pytest.raises(ValueError, match=r"one of \('batchnorm', 'layernorm'\), got 'groupnorm'"):
        affine_norm_relu_forward(*arrays.values(), {}, "groupnorm")
    assert layer_utils.NORMALIZATIONS == ("batchnorm", "layernorm")

"""The product that a network spares: no parameter's gradient changes, and nothing outside does."""

from __future__ import annotations

import numpy as np
import pytest

from cs682.classifiers.fc_net import FullyConnectedNet
from cs682.layers import affine_backward
from cs682.training.input_gradient import network_input, spare_input_gradient


def affine_case():
    """Give x, w, b and dout of a layer with N = 4, D = 6, M = 5."""
    rng = np.random.default_rng(682)
    return [rng.standard_normal(shape) for shape in ((4, 2, 3), (6, 5), (5,), (4, 5))]


@pytest.mark.exercise(id="fc-1.2")
def test_affine_backward_spares_dx_of_the_network_input_and_nothing_else():
    x, w, b, dout = affine_case()
    want = affine_backward(dout, (x, w, b))

    with network_input(x):
        dx, dw, db = affine_backward(dout, (x, w, b))

    assert not dx.any()  # zeros: nobody reads it
    assert dx.shape == x.shape
    np.testing.assert_array_equal(dw, want[1])
    np.testing.assert_array_equal(db, want[2])


@pytest.mark.exercise(id="fc-1.2")
@pytest.mark.parametrize("other", [np.copy, lambda x: x + 0], ids=["copy", "result"])
def test_affine_backward_computes_dx_of_any_other_array(other):
    x, w, b, dout = affine_case()
    want = affine_backward(dout, (x, w, b))[0]

    with network_input(x):
        dx = affine_backward(dout, (other(x), w, b))[0]

    np.testing.assert_array_equal(dx, want)


@pytest.mark.exercise(id="fc-1.2")
def test_affine_backward_computes_dx_again_after_the_network():
    x, w, b, dout = affine_case()
    with pytest.raises(ZeroDivisionError), network_input(x):
        raise ZeroDivisionError

    assert affine_backward(dout, (x, w, b))[0].all()


@pytest.mark.parametrize(
    "use",
    [
        lambda w, dout: 2 * w + 1,
        lambda w, dout: np.maximum(w, 0).sum(axis=0),
        lambda w, dout: dout.dot(w.T),
        lambda w, dout: np.einsum("nm,dm->nd", dout, w),
        lambda w, dout: np.stack([w @ row for row in dout]),
        lambda w, dout: np.matmul(dout, w.T, out=np.empty((len(dout), len(w)))),
        lambda w, dout: np.add(w, 1, out=np.zeros_like(w)),
    ],
)
def test_spared_weights_are_an_ordinary_array_but_for_their_products(use):
    x, w, _, dout = affine_case()
    want = use(w, dout)

    with network_input(x):
        got = use(spare_input_gradient(x, w), dout)

    np.testing.assert_array_equal(got, want)


def test_spared_products_are_fresh_zeros_of_the_right_kind():
    x, w, _, dout = (value.astype(np.float32) for value in affine_case())

    with network_input(x):
        got = dout @ spare_input_gradient(x, w).T

    assert type(got) is np.ndarray
    assert (got.shape, got.dtype, got.any()) == ((4, 6), np.float32, False)
    got += 1  # an answer may work in place on what it made


@pytest.mark.exercise(id="fc-3.3")
def test_network_spares_only_its_first_layer(monkeypatch):
    calls = []
    spare = spare_input_gradient
    monkeypatch.setattr(
        "cs682.layers.spare_input_gradient",
        lambda x, w: calls.append(type(spare(x, w)) is not np.ndarray) or spare(x, w),
    )
    net = FullyConnectedNet([5, 4], input_dim=12, num_classes=3)

    net.loss(np.ones((2, 3, 2, 2), np.float32), np.array([0, 2]))

    assert calls == [False, False, True]  # the way back: last layer first

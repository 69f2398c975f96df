"""The product that a network spares: no parameter's gradient changes, and nothing outside does."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from cs682.classifiers.cnn import ConvNet
from cs682.classifiers.fc_net import FullyConnectedNet, TwoLayerNet
from cs682.fast_layers import conv_backward_fast, conv_forward_fast
from cs682.layers import affine_backward
from cs682.training.input_gradient import (
    network_input,
    reads_network_input,
    spares_input_gradient,
)

PRODUCTS = {
    "@": lambda dout, w: dout @ w.T,
    "matmul": lambda dout, w: np.matmul(dout, w.T),
    "dot": lambda dout, w: np.dot(dout, w.T),
    "method": lambda dout, w: dout.dot(w.T),
    "of the transposes": lambda dout, w: (w @ dout.T).T,
    "of a reshaped dout": lambda dout, w: dout.reshape(len(dout), -1) @ w.transpose(),
}
OTHER_WAYS = {
    "einsum": lambda dout, w: np.einsum("nm,dm->nd", dout, w),
    "tensordot": lambda dout, w: np.tensordot(dout, w, axes=(1, 1)),
    "loop": lambda dout, w: np.stack([w @ row for row in dout]),
    "out of matmul": lambda dout, w: np.matmul(dout, w.T, out=np.ones((len(dout), len(w)))),
    "out of dot": lambda dout, w: dout.dot(w.T, np.ones((len(dout), len(w)), w.dtype)),
    "copy of w": lambda dout, w: dout @ w.copy().T,
    "scaled dout": lambda dout, w: (2 * dout) @ w.T / 2,
    "in place": lambda dout, w: np.multiply(dout, 1, out=dout) @ w.T,
}


def affine_case(dtype=np.float64):
    """Give dout, x, w and b of a layer with N = 4, D = 6, M = 5."""
    rng = np.random.default_rng(682)
    return [rng.standard_normal(s).astype(dtype) for s in ((4, 5), (4, 2, 3), (6, 5), (5,))]


def layer(product):
    """Make a backward pass with its own way to compute dx; the others are not gradients."""

    @spares_input_gradient
    def backward(dout, cache):
        x, w, _ = cache
        return product(dout, w).reshape(x.shape), 2 * dout, dout.max(axis=0)

    return backward


@pytest.mark.parametrize("name", PRODUCTS)
def test_every_spelling_of_the_product_is_spared(name):
    dout, x, w, b = affine_case(np.float32)

    with network_input(x):
        dx, *others = layer(PRODUCTS[name])(dout, (x, w, b))

    assert (type(dx), dx.shape, dx.dtype, dx.any()) == (np.ndarray, x.shape, np.float32, False)
    for got, want in zip(others, (2 * dout, dout.max(axis=0)), strict=True):
        np.testing.assert_array_equal(got, want)
        assert type(got) is np.ndarray


@pytest.mark.parametrize("name", PRODUCTS)
def test_spared_dx_is_an_array_of_its_own(name):
    dout, x, w, b = affine_case()
    with network_input(x):
        dx = layer(PRODUCTS[name])(dout, (x, w, b))[0]

    dx[0, 0, 0] = 1

    assert dx.sum() == 1


@pytest.mark.parametrize("name", OTHER_WAYS)
def test_other_ways_give_dx(name):
    dout, x, w, b = affine_case()

    with network_input(x):
        dx = layer(OTHER_WAYS[name])(dout, (x, w, b))[0]

    np.testing.assert_allclose(dx, (dout @ w.T).reshape(x.shape), rtol=1e-12)


def test_matrices_that_do_not_fit_are_refused_as_ever():
    dout, x, w, b = affine_case()

    with network_input(x), pytest.raises(ValueError, match="mismatch"):
        layer(lambda dout, w: dout @ w)(dout, (x, w, b))


@pytest.mark.parametrize("result", [None, 3.0, "view"])
def test_a_wrong_result_stays_as_it_is(result):
    dout, x, w, b = affine_case()

    @spares_input_gradient
    def backward(dout, cache):
        return (dout.T, dout) if result == "view" else result

    with network_input(x):
        got = backward(dout, (x, w, b))

    if result == "view":
        assert [type(part) for part in got] == [np.ndarray] * 2
    else:
        assert got is result


@pytest.mark.parametrize("cache", [None, (), {"x": 1}, (1, 2, 3), (np.ones(2), None, None)])
def test_another_cache_reaches_the_backward_pass(cache):
    seen = []

    with network_input(np.ones(2)):
        spares_input_gradient(lambda dout, cache: seen.append(cache))(np.ones((2, 2)), cache)

    assert seen[0] is cache


@pytest.mark.exercise(id="fc-1.2")
def test_affine_backward_spares_dx_of_the_network_input_and_nothing_else():
    dout, x, w, b = affine_case()
    want = affine_backward(dout, (x, w, b))

    with network_input(x):
        _, dw, db = affine_backward(dout, (x, w, b))

    np.testing.assert_array_equal(dw, want[1])
    np.testing.assert_array_equal(db, want[2])


@pytest.mark.exercise(id="fc-1.2")
@pytest.mark.parametrize("other", [np.copy, lambda x: x + 0], ids=["copy", "result"])
def test_affine_backward_computes_dx_of_any_other_array(other):
    dout, x, w, b = affine_case()
    want = affine_backward(dout, (x, w, b))[0]

    with network_input(x):
        dx = affine_backward(dout, (other(x), w, b))[0]

    np.testing.assert_array_equal(dx, want)


@pytest.mark.exercise(id="fc-1.2")
def test_affine_backward_computes_dx_again_after_the_network():
    dout, x, w, b = affine_case()
    with pytest.raises(ZeroDivisionError), network_input(x):
        raise ZeroDivisionError

    assert affine_backward(dout, (x, w, b))[0].all()


def test_what_a_student_reads_of_affine_backward_knows_nothing_of_it():
    source = inspect.getsource(affine_backward)

    assert source.splitlines()[1].startswith("def affine_backward(dout")
    assert source.count("spare") == 1
    assert list(inspect.signature(affine_backward).parameters) == ["dout", "cache"]


@pytest.mark.exercise(id="fc-3.3")
@pytest.mark.exercise(id="fc-2.3")
@pytest.mark.parametrize(("kind", "hidden"), [(TwoLayerNet, 5), (FullyConnectedNet, [5])])
def test_network_spares_only_its_first_layer(kind, hidden, monkeypatch):
    spared, body = [], inspect.unwrap(affine_backward)

    def watched(dout, cache):
        grads = body(dout, cache)
        spared.append(not grads[0].any())
        return grads

    for module in ("cs682.layer_utils", "cs682.classifiers.fc_net"):
        monkeypatch.setattr(f"{module}.affine_backward", spares_input_gradient(watched))
    net = kind(**{"hidden_dim" if kind is TwoLayerNet else "hidden_dims": hidden}, input_dim=12)

    net.loss(np.ones((2, 3, 2, 2), np.float32), np.array([0, 2]))

    assert spared == [False, True]  # the way back: last layer first


def test_convolution_spares_the_gradient_of_images_and_gives_all_others():
    rng = np.random.default_rng(682)
    x, w, b = (rng.standard_normal(s) for s in ((2, 3, 4, 6), (5, 3, 3, 3), (5,)))
    out, cache = conv_forward_fast(x, w, b, {"stride": 1, "pad": 1})
    whole = conv_backward_fast(out, cache)

    with network_input(x):
        dx, *others = conv_backward_fast(out, cache)

    assert whole[0].any()
    assert (dx.shape, dx.any()) == (x.shape, False)
    for got, want in zip(others, whole[1:], strict=True):
        np.testing.assert_array_equal(got, want)


def test_convolutional_network_names_its_images(monkeypatch):
    seen = []
    net = ConvNet([{"filters": 2}, {"filters": 3}], (3, 4, 6), 5)
    monkeypatch.setattr(net, "_forward", lambda X: (np.zeros((len(X), 5), np.float32), [X]))
    monkeypatch.setattr(
        net, "_loss_and_gradients", lambda _, y, cache: seen.append(reads_network_input(cache[0]))
    )

    net.loss(np.ones((2, 3, 4, 6)), np.zeros(2, int))

    assert seen == [True]

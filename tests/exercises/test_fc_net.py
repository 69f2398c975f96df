"""The networks: parameters, scores, losses and gradients, and what their options mean."""

from __future__ import annotations

import numpy as np
import pytest

from cs682.classifiers.fc_net import FullyConnectedNet, TwoLayerNet
from tests.draws import keeps_as_published
from tests.slopes import net_slope, of
from tests.stored import DEEP_LOSSES, DEEP_SCORES, DROPPED_LOSSES

NORMALIZATIONS = [of("fc-3.3", None), of("bn-2.2", "batchnorm"), of("bn-3.2", "layernorm")]
SMALL = {"input_dim": 6, "num_classes": 4, "weight_scale": 0.5}


def batch(N=5, dims=(6,), C=4):
    rng = np.random.default_rng(682)
    return rng.standard_normal((N, *dims)), np.arange(N) * 3 % C


def deep(hidden=(7, 9), **options):
    return generic(FullyConnectedNet(list(hidden), **{**SMALL, "dtype": np.float64, **options}))


def two_layer(**options):
    return generic(TwoLayerNet(input_dim=6, hidden_dim=8, num_classes=4, **options))


def generic(net):
    """Give a network parameters of no special value: biases not zero, gammas not one."""
    rng = np.random.default_rng(231)
    for name in sorted(net.params, key=place):
        value = net.params[name]
        net.params[name] = (0.5 * rng.standard_normal(value.shape) + 0.1).astype(value.dtype)
    return net


def place(name):
    """Put W1, b1, W2, ... before gamma1, beta1, ..., whatever order a net's dict has them in."""
    return len(name) > 2, name[-1], name.startswith("b")


# --- parameters


@pytest.mark.exercise(id="fc-2.1")
def test_two_layer_net_starts_with_gaussian_weights_and_zero_biases():
    net = TwoLayerNet(input_dim=30, hidden_dim=50, num_classes=7, weight_scale=0.2)

    shapes = {name: value.shape for name, value in net.params.items()}
    assert shapes == {"W1": (30, 50), "b1": (50,), "W2": (50, 7), "b2": (7,)}
    for name in ("W1", "W2"):
        assert net.params[name].std() == pytest.approx(0.2, rel=0.2)
    assert not net.params["b1"].any()
    assert not net.params["b2"].any()


@pytest.mark.exercise(id="fc-2.1")
def test_two_layer_nets_start_with_weights_of_their_own():
    one, other = (TwoLayerNet(30, 50, 7).params for _ in range(2))

    assert not np.array_equal(one["W1"], other["W1"])
    assert not np.array_equal(one["W2"], other["W2"])


def test_two_layer_net_has_the_published_defaults():
    net = TwoLayerNet()

    assert {name: value.shape for name, value in net.params.items()} == {
        "W1": (3072, 100),
        "b1": (100,),
        "W2": (100, 10),
        "b2": (10,),
    }
    assert net.reg == 0
    assert net.params["W1"].std() == pytest.approx(1e-3, rel=0.02)


@pytest.mark.parametrize("hidden", [[5], [12, 31], [9, 8, 7, 6]])
@pytest.mark.parametrize(
    "normalization", [of("fc-3.1", None), of("bn-2.1", "batchnorm"), of("bn-2.1", "layernorm")]
)
def test_fully_connected_net_starts_with_the_documented_parameters(hidden, normalization):
    net = FullyConnectedNet(hidden, input_dim=40, num_classes=3, normalization=normalization)
    widths, L = [40, *hidden, 3], len(hidden) + 1

    want = {f"W{i}": (widths[i - 1], widths[i]) for i in range(1, L + 1)}
    want |= {f"b{i}": (widths[i],) for i in range(1, L + 1)}
    if normalization:
        want |= {f"{kind}{i}": (widths[i],) for kind in ("gamma", "beta") for i in range(1, L)}
    assert {name: value.shape for name, value in net.params.items()} == want
    for name, value in net.params.items():
        assert value.dtype == np.float32
        if not name.startswith("W"):
            np.testing.assert_array_equal(value, 1 if name.startswith("gamma") else 0)
    assert net.params["W1"].std() == pytest.approx(1e-2, rel=0.3)
    assert net.num_layers == L


@pytest.mark.exercise(id="fc-3.1")
def test_fully_connected_nets_start_with_weights_of_their_own_and_of_the_scale_given():
    one, other = (FullyConnectedNet([50], 30, weight_scale=0.2).params for _ in range(2))

    assert one["W1"].std() == pytest.approx(0.2, rel=0.2)
    assert not np.array_equal(one["W1"], other["W1"])


@pytest.mark.exercise(id="fc-3.1")
def test_fully_connected_net_leaves_hidden_dims_alone():
    hidden = [5, 4]

    FullyConnectedNet(hidden, **SMALL)

    assert hidden == [5, 4]
    assert FullyConnectedNet((np.int64(5),), **SMALL).params["W1"].shape == (6, 5)


# --- attributes that solvers, notebooks and older files read


def test_fully_connected_net_shows_its_options():
    net = FullyConnectedNet([5, 4], **SMALL, dropout=0.3, normalization="batchnorm", reg=0.5)

    assert net.use_dropout is True
    assert net.normalization == "batchnorm"
    assert net.reg == 0.5
    assert net.dtype is np.float32
    assert net.dropout_param == {"mode": "train", "p": 0.3}
    assert net.bn_params == [{"mode": "train"}, {"mode": "train"}]
    assert net.bn_params[0] is not net.bn_params[1]


def test_fully_connected_net_without_options_has_empty_dicts():
    net = FullyConnectedNet([5, 4], **SMALL)

    assert net.use_dropout is False
    assert net.normalization is None
    assert net.dropout_param == {}
    assert net.bn_params == []
    assert FullyConnectedNet([5, 4], **SMALL, normalization="layernorm").bn_params == [{}, {}]
    assert FullyConnectedNet([5], **SMALL, dropout=0.5, seed=0).dropout_param["seed"] == 0


# --- scores and losses


@pytest.mark.exercise(id="fc-2.2")
@pytest.mark.parametrize(("N", "dims"), [(5, (6,)), (1, (3, 2)), (2, (1, 2, 3))])
def test_two_layer_net_scores_follow_the_definition(N, dims):
    net, (X, _) = two_layer(), batch(N, dims)

    scores = net.loss(X)

    want = DEEP_SCORES[None, (8,)][:N]
    assert (want < 0).any()  # a ReLU on the scores would show
    np.testing.assert_allclose(scores, want, rtol=1e-11, atol=1e-13)


@pytest.mark.exercise(id="fc-2.3")
@pytest.mark.parametrize("reg", [0.0, 0.7])
def test_two_layer_net_loss_and_gradients_follow_the_definition(reg):
    net, (X, y) = two_layer(reg=reg), batch()

    loss, grads = net.loss(X, y)

    assert loss == pytest.approx(DEEP_LOSSES[None, (8,), reg], rel=1e-12)
    assert set(grads) == set(net.params)
    for name, grad in grads.items():
        np.testing.assert_allclose(grad, net_slope(net, name, X, y), rtol=1e-6, atol=1e-8)


@pytest.mark.exercise(id="fc-3.2")
@pytest.mark.parametrize("hidden", [(8,), (7, 9), (6, 8, 7, 5)])
@pytest.mark.parametrize(("N", "dims"), [(5, (6,)), (1, (3, 2))])
def test_fully_connected_net_scores_follow_the_definition(hidden, N, dims):
    net, (X, _) = deep(hidden), batch(N, dims)

    scores = net.loss(X)

    np.testing.assert_allclose(scores, DEEP_SCORES[None, hidden][:N], rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("reg", [0.0, 0.7])
@pytest.mark.parametrize("hidden", [(8,), (7, 9)])
@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_fully_connected_net_loss_and_gradients_follow_the_definition(normalization, hidden, reg):
    net, (X, y) = deep(hidden, normalization=normalization, reg=reg), batch()

    loss, grads = net.loss(X, y)

    assert loss == pytest.approx(DEEP_LOSSES[normalization, hidden, reg], rel=1e-11)
    assert set(grads) == set(net.params)
    for name, grad in grads.items():
        np.testing.assert_allclose(grad, net_slope(net, name, X, y), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("make", [of("fc-2.3", two_layer), of("fc-3.3", deep)])
def test_gradients_of_a_later_batch_do_not_depend_on_an_earlier_one(make):
    (X, y), net = batch(3), make()
    _, grads = make().loss(X, y)

    net.loss(*batch())
    net.loss(batch(4)[0])

    _, later = net.loss(X, y)
    for name, grad in grads.items():
        np.testing.assert_allclose(later[name], grad, rtol=1e-12)


@pytest.mark.exercise(id="do-2.1")
@pytest.mark.parametrize("normalization", [None, "batchnorm", "layernorm"])
def test_fully_connected_net_drops_right_after_each_relu(normalization):
    net = deep(normalization=normalization, dropout=0.6, seed=5, reg=0.1)
    X, y = batch()

    loss, grads = net.loss(X, y)

    if keeps_as_published():
        assert loss == pytest.approx(DROPPED_LOSSES[normalization], rel=1e-11)
    for name in ("W1", "b2", "W3"):
        want = net_slope(net, name, X, y)
        np.testing.assert_allclose(grads[name], want, rtol=1e-5, atol=1e-7)


# --- modes


@pytest.mark.exercise(id="do-2.1")
def test_fully_connected_net_drops_in_training_only():
    net, (X, y) = deep(dropout=0.5), batch()

    np.testing.assert_allclose(net.loss(X), DEEP_SCORES[None, (7, 9)], rtol=1e-12)
    assert len({net.loss(X, y)[0] for _ in range(4)}) > 1


@pytest.mark.exercise(id="bn-2.2")
def test_fully_connected_net_scores_with_running_statistics():
    net, (X, y) = deep(normalization="batchnorm"), batch()
    for _ in range(300):  # 0.9^300: the running statistics are those of this batch
        net.loss(X, y)
    before = [dict(bn_param) for bn_param in net.bn_params]

    scores = net.loss(X)

    want = DEEP_SCORES["batchnorm", (7, 9)]
    np.testing.assert_allclose(scores, want, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(net.loss(X[:1]), scores[:1], rtol=1e-10)
    for old, new in zip(before, net.bn_params, strict=True):
        np.testing.assert_array_equal(old["running_var"], new["running_var"])


@pytest.mark.exercise(id="bn-3.2")
def test_fully_connected_net_with_layernorm_needs_no_mode():
    net, (X, _) = deep(normalization="layernorm"), batch()

    np.testing.assert_allclose(net.loss(X), DEEP_SCORES["layernorm", (7, 9)], rtol=1e-10)
    np.testing.assert_allclose(net.loss(X[:1]), net.loss(X)[:1], rtol=1e-12)


# --- contracts


def test_networks_give_one_loss_for_one_seed_of_the_global_stream():
    X, y = batch()

    def first_loss():
        np.random.seed(9)  # noqa: NPY002  # weights come from the global stream, as published
        return FullyConnectedNet([5], **SMALL).loss(X, y)[0]

    state = np.random.get_state()  # noqa: NPY002  # as above
    losses = {first_loss() for _ in range(2)}
    np.random.set_state(state)  # noqa: NPY002  # as above
    assert len(losses) == 1


REFUSALS = [
    (
        {"hidden_dims": 100},
        TypeError,
        "hidden_dims must be a sequence of widths, such as [100], got 100",
    ),
    ({"hidden_dims": [5, 0]}, ValueError, "layer widths must be at least 1, got 0 in [6, 5, 0, 4]"),
    ({"hidden_dims": [5.0]}, TypeError, "layer widths must be integers, got 5.0"),
    ({"hidden_dims": [True]}, TypeError, "layer widths must be integers, got True"),
    ({"input_dim": -6}, ValueError, "layer widths must be at least 1, got -6"),
    ({"reg": -0.1}, ValueError, "reg must be finite and at least 0, got -0.1"),
    ({"reg": float("nan")}, ValueError, "reg must be finite and at least 0, got nan"),
    ({"reg": "0.1"}, TypeError, "reg must be a number, got '0.1'"),
    ({"weight_scale": -1}, ValueError, "weight_scale must be finite and at least 0, got -1"),
    ({"dropout": 1.2}, ValueError, "dropout must be in (0, 1], got 1.2"),
    ({"dropout": None}, TypeError, "dropout must be a number in (0, 1], got None"),
    ({"normalization": "groupnorm"}, ValueError, "('batchnorm', 'layernorm'), got 'groupnorm'"),
    ({"dtype": np.int32}, TypeError, "dtype must be a floating NumPy type, got"),
    ({"weight_decay": 1}, TypeError, "unexpected keyword argument 'weight_decay'"),
]


@pytest.mark.parametrize(("options", "error", "text"), REFUSALS)
def test_fully_connected_net_refuses_and_says_what_it_got(options, error, text):
    with pytest.raises(error) as caught:
        FullyConnectedNet(**{"hidden_dims": [5], **SMALL, **options})

    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"hidden_dim": 0}, ValueError, "layer widths must be at least 1, got 0 in [6, 0, 4]"),
        ({"reg": -1}, ValueError, "reg must be finite and at least 0, got -1"),
        ({"weight_scale": float("inf")}, ValueError, "weight_scale must be finite"),
    ],
)
def test_two_layer_net_refuses_and_says_what_it_got(options, error, text):
    with pytest.raises(error) as caught:
        TwoLayerNet(**{"input_dim": 6, "hidden_dim": 5, "num_classes": 4, **options})

    assert text in str(caught.value)


def test_networks_refuse_images_and_labels_that_do_not_fit():
    X, y = batch()
    for net in (two_layer(), deep()):
        with pytest.raises(ValueError, match="has 4 values per example, but w"):
            net.loss(X[:, :4])
        with pytest.raises(ValueError, match=r"labels must be in \[0, 4\)"):
            net.loss(X, y + 1)
        with pytest.raises(ValueError, match=r"y must have shape \(N,\) = \(5,\), got \(4,\)"):
            net.loss(X, y[:4])


def test_two_layer_net_refuses_a_dtype_of_integers():
    with pytest.raises(TypeError, match="dtype must be a floating NumPy type"):
        TwoLayerNet(dtype=np.int64)

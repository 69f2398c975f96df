"""Names, arguments and caches of earlier years are those of the package."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cs682 import layer_utils, layers, optim
from cs682.classifiers.fc_net import FullyConnectedNet, TwoLayerNet

ROOT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.usefixtures("stream")
SMALL = {"hidden_dims": [8, 6], "input_dim": 12, "num_classes": 4}
LAYERS = """affine_forward affine_backward relu_forward relu_backward batchnorm_forward
    batchnorm_backward batchnorm_backward_alt layernorm_forward layernorm_backward dropout_forward
    dropout_backward svm_loss softmax_loss""".split()  # noqa: SIM905  # a list of 17 lines else
SANDWICHES = ["affine_relu_forward", "affine_relu_backward"]
FAST_LAYERS = """conv_forward_fast conv_backward_fast max_pool_forward_fast
    max_pool_backward_fast""".split()  # noqa: SIM905  # as above
CONV_SANDWICHES = """conv_relu_forward conv_relu_backward conv_bn_relu_forward conv_bn_relu_backward
    conv_relu_pool_forward conv_relu_pool_backward""".split()  # noqa: SIM905  # as above


def python(code):
    """Run code in a fresh interpreter and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


# --- what imports give


def test_star_import_from_fc_net_gives_layers_sandwiches_networks_and_numpy():
    names: dict = {}
    exec("from cs682.classifiers.fc_net import *", names)  # star imports are banned in files

    assert {*LAYERS, *SANDWICHES, "TwoLayerNet", "FullyConnectedNet", "np"} <= set(names)
    assert names["affine_forward"] is layers.affine_forward
    assert names["np"] is np


@pytest.mark.parametrize("module", ["layers", "layer_utils", "fast_layers", "optim"])
def test_star_import_from_other_modules_gives_their_functions(module):
    names: dict = {}
    exec(f"from cs682.{module} import *", names)

    wanted = {
        "layers": LAYERS,
        "layer_utils": [*SANDWICHES, *CONV_SANDWICHES],
        "fast_layers": FAST_LAYERS,
        "optim": ["sgd", "rmsprop", "adam"],
    }
    assert set(wanted[module]) <= set(names)


def test_importing_layers_loads_nothing_beyond_numpy():
    code = """
import sys, numpy
before = set(sys.modules)
import cs682.layers
new = {name.partition(".")[0] for name in set(sys.modules) - before}
print(sorted(new - set(sys.stdlib_module_names)))
"""
    assert python(code) == "['cs682']"


def test_cs231n_modules_are_those_of_cs682():
    code = """
import importlib
import cs231n
for name in ("layers", "fast_layers", "layer_utils", "optim", "solver", "gradient_check",
             "data_utils", "vis_utils", "classifiers", "classifiers.fc_net"):
    ours, theirs = (importlib.import_module(f"{top}.{name}") for top in ("cs682", "cs231n"))
    assert ours is theirs, name
from cs231n.classifiers.fc_net import *
from cs231n.layers import relu_forward as relu
assert relu is relu_forward and TwoLayerNet.__module__ == "cs682.classifiers.fc_net"
"""
    python(code)


def test_cs231n_modules_are_attributes_of_the_package():
    python("import cs231n.layers; cs231n.layers.np; cs231n.classifiers.fc_net.TwoLayerNet")


# --- constructors


def test_positional_arguments_keep_their_places():
    published = {
        layers.affine_forward: ["x", "w", "b"],
        layers.batchnorm_forward: ["x", "gamma", "beta", "bn_param"],
        layers.layernorm_forward: ["x", "gamma", "beta", "ln_param"],
        layers.dropout_forward: ["x", "dropout_param"],
        layers.relu_backward: ["dout", "cache"],
        layers.softmax_loss: ["x", "y"],
        layer_utils.affine_relu_forward: ["x", "w", "b"],
        optim.adam: ["w", "dw", "config"],
        TwoLayerNet: ["input_dim", "hidden_dim", "num_classes", "weight_scale", "reg"],
        FullyConnectedNet: [
            *["hidden_dims", "input_dim", "num_classes", "dropout", "normalization", "reg"],
            *["weight_scale", "dtype", "seed"],
        ],
    }
    for function, names in published.items():
        parameters = inspect.signature(function).parameters.values()
        assert [p.name for p in parameters if p.kind is not p.KEYWORD_ONLY] == names


def test_use_batchnorm_means_batchnorm():
    assert FullyConnectedNet(**SMALL, use_batchnorm=True).normalization == "batchnorm"
    assert FullyConnectedNet(**SMALL, use_batchnorm=False).normalization is None
    both = FullyConnectedNet(**SMALL, use_batchnorm=True, normalization="batchnorm")
    assert len(both.bn_params) == 2


@pytest.mark.parametrize(("value", "use"), [("layernorm", True), ("batchnorm", False)])
def test_use_batchnorm_refuses_to_contradict_normalization(value, use):
    with pytest.raises(ValueError, match=f"normalization='{value}' and use_batchnorm={use} contra"):
        FullyConnectedNet(**SMALL, normalization=value, use_batchnorm=use)


def test_dropout_keep_ratio_is_dropout():
    for options in ({"dropout": 0.5}, {"dropout_keep_ratio": 0.5}):
        net = FullyConnectedNet(**SMALL, **options)
        assert net.use_dropout
        assert net.dropout_param["p"] == 0.5
    assert not FullyConnectedNet(**SMALL, dropout_keep_ratio=1).use_dropout
    assert FullyConnectedNet(**SMALL, dropout=0.5, dropout_keep_ratio=0.5).use_dropout


@pytest.mark.parametrize("ratio", [0.25, 1])
def test_dropout_keep_ratio_refuses_to_contradict_dropout(ratio):
    with pytest.raises(ValueError, match=f"dropout=0.5 and dropout_keep_ratio={ratio} contradict"):
        FullyConnectedNet(**SMALL, dropout=0.5, dropout_keep_ratio=ratio)


@pytest.mark.parametrize("name", ["dropout", "dropout_keep_ratio"])
def test_dropout_zero_is_refused_with_both_conventions(name):
    with pytest.raises(ValueError, match=rf"{name} must be in \(0, 1\], got 0") as caught:
        FullyConnectedNet(**SMALL, **{name: 0})

    assert "probability of KEEPING a unit, so 1 means no dropout" in str(caught.value)
    assert "up to 2017" in str(caught.value)


# --- update rules


@pytest.mark.parametrize("name", ["sgd", "sgd_momentum", "rmsprop", "adam"])
def test_rules_take_the_old_spelling_of_their_arguments(name):
    w, dw = np.random.default_rng(682).standard_normal((2, 3, 2))
    rule = getattr(optim, name)

    want, _ = rule(w, dw, {"learning_rate": 0.1})

    np.testing.assert_array_equal(rule(x=w, dx=dw, config={"learning_rate": 0.1})[0], want)
    np.testing.assert_array_equal(rule(w, dx=dw, config={"learning_rate": 0.1})[0], want)
    with pytest.raises(TypeError, match="multiple values for argument 'w'"):
        rule(w, dw, x=w)


def test_rules_refuse_both_spellings_of_one_argument():
    with pytest.raises(TypeError):
        optim.adam(w=np.ones(2), x=np.zeros(2), dw=np.ones(2))


def test_adam_counts_from_any_start():
    config = optim.adam(np.ones(2), np.ones(2), {"t": 1})[1]  # the default of 2017

    assert config["t"] == 2


# --- caches and dicts that student files unpack


def test_caches_unpack_as_they_always_did():
    x, w, b = np.ones((2, 3)), np.ones((3, 4)), np.ones(4)

    out, ((x_in, w_in, b_in), a) = layer_utils.affine_relu_forward(x, w, b)
    param, mask = layers.dropout_forward(x, {"mode": "train", "p": 1.0})[1]

    assert (x_in is x, w_in is w, b_in is b) == (True, True, True)
    np.testing.assert_array_equal(np.maximum(a, 0), out)
    np.testing.assert_array_equal(mask, np.ones((2, 3)))
    assert param["mode"] == "train"


@pytest.mark.parametrize("home", ["cs682.im2col", "cs231n.im2col"])
def test_names_of_im2col_are_answered_with_what_stands_in_their_place(home):
    with pytest.raises(ImportError, match=r"has no im2col_indices: .* of cs682\.fast_layers"):
        exec(f"from {home} import im2col_indices", {})
    exec(f"from {home} import *", {})  # as files do that do without them

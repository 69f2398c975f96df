"""The trained models of a hand-in, and the folder that they are kept in."""

from __future__ import annotations

import json
import re

import nbformat
import numpy as np
import pytest

from cs682.checks.compare import CallError
from cs682.checks.exercises import NOTEBOOKS
from cs682.checks.run import MODELS, NETS
from cs682.classifiers import cnn, fc_net
from cs682.hand_in.models import keep_model, load_model, read_model
from cs682.setup import assignment
from cs682.training.checkpoint import copy_state, write_checkpoint


@pytest.fixture
def root(tmp_path, monkeypatch):
    """Give an assignment, and work in its notebooks folder."""
    (tmp_path / "notebooks").mkdir()
    settings = {"name": "cs682-assignment2", "repository": "some/where"}
    (tmp_path / assignment.MARKER).write_text(json.dumps(settings), encoding="utf-8")
    monkeypatch.chdir(tmp_path / "notebooks")
    return tmp_path


class MirrorNet(fc_net.FullyConnectedNet):
    """Stand in for a network that a student makes from ours."""


CONV = {
    "ThreeLayerConvNet": {"input_dim": (2, 4, 6), "num_filters": 3, "filter_size": 3},
    "ConvNet": {"blocks": [{"filters": 3, "batchnorm": True, "pool": 2}, {"filters": 2}]},
}


def make_conv_net(kind, **options):
    """Give a small convolutional network whose running statistics have moved."""
    sizes = {"input_dim": (2, 4, 6), "num_classes": 4}
    net = getattr(cnn, kind)(**{**sizes, **CONV[kind], **options})
    rng = np.random.default_rng(682)
    net.loss(rng.standard_normal((5, 2, 4, 6)), np.array([0, 1, 2, 3, 0]))
    return net


def make_net(kind, **options):
    """Give a small network whose running statistics have moved."""
    net = getattr(fc_net, kind)(input_dim=12, num_classes=4, **options)
    rng = np.random.default_rng(682)
    net.loss(rng.standard_normal((5, 12)), np.array([0, 1, 2, 3, 0]))
    return net


# --- the folder


def test_find_root_walks_up_from_the_working_folder(root):
    assert assignment.find_root() == root.resolve()
    assert assignment.find_root(root / "not" / "there") == root.resolve()


def test_find_root_falls_back_on_the_home_of_the_package(tmp_path):
    assert assignment.find_root(tmp_path) == assignment.PACKAGE_HOME


def test_find_root_says_where_it_looked(tmp_path, monkeypatch):
    monkeypatch.setattr(assignment, "PACKAGE_HOME", tmp_path)

    with pytest.raises(FileNotFoundError, match=r"no assignment\.json in .* or a folder above"):
        assignment.find_root(tmp_path)


def test_read_settings_reads_the_repository_of_this_project():
    settings = assignment.read_settings(assignment.PACKAGE_HOME)

    assert settings["name"] == "cs682-assignment2"
    assert settings["repository"].count("/") == 1


@pytest.mark.parametrize("text", ["", "[]", '{"name": "x"}', "\0"])
def test_read_settings_refuses_a_damaged_marker(root, text):
    (root / assignment.MARKER).write_text(text, encoding="utf-8")

    with pytest.raises(ValueError, match=r"assignment\.json is damaged"):
        assignment.read_settings(root)


# --- the models


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("TwoLayerNet", {"hidden_dim": 7, "dtype": np.float32}),
        ("TwoLayerNet", {"hidden_dim": 7, "dtype": np.float64}),
        ("FullyConnectedNet", {"hidden_dims": [7, 6, 5]}),
        ("FullyConnectedNet", {"hidden_dims": [7, 6], "normalization": "batchnorm"}),
        ("FullyConnectedNet", {"hidden_dims": [7], "normalization": "layernorm", "dropout": 0.5}),
        ("FullyConnectedNet", {"hidden_dims": [7], "dtype": np.float64}),
    ],
)
def test_a_kept_model_is_rebuilt_from_its_file_alone(root, kind, options):
    net = make_net(kind, **options)
    keep_model("fc-5.1", net)

    twin = load_model("fc-5.1")
    X = np.random.default_rng(1).standard_normal((9, 12))
    assert type(twin) is getattr(fc_net, kind)
    np.testing.assert_array_equal(twin.loss(X), net.loss(X))


@pytest.mark.exercise(id="cn-4.2")
@pytest.mark.parametrize("options", [{}, {"dtype": np.float64}])
@pytest.mark.parametrize("kind", CONV)
def test_a_kept_convolutional_network_is_rebuilt_from_its_file_alone(root, kind, options):
    net = make_conv_net(kind, **options)
    keep_model("cn-4.3", net)

    twin = load_model("cn-4.3")
    X = np.random.default_rng(1).standard_normal((9, 2, 4, 6)).astype(net.dtype)
    np.testing.assert_array_equal(twin.loss(X), net.loss(X))


def test_load_model_names_the_cell_to_run_in_one_sentence(root):
    with pytest.raises(CallError) as missing:
        load_model("fc-5.1")
    assert str(missing.value) == (
        "notebooks/best_model.npz is missing: run the cell with "
        'keep_model("fc-5.1", ...) in FullyConnectedNets.ipynb first'
    )
    (root / "notebooks" / "best_model.npz").write_bytes(b"half of it")
    with pytest.raises(CallError, match=r"no complete|not a complete.*: run the cell .* again$"):
        load_model("fc-5.1")
    with pytest.raises(CallError, match=r"'fc-1\.1' trains no model; fc-2\.4, "):
        load_model("fc-1.1")


def test_load_model_refuses_what_does_not_fit_the_class_of_today(root):
    net = make_net("FullyConnectedNet", hidden_dims=[3, 3])
    del net.params["b2"]
    keep_model("fc-5.1", net)

    with pytest.raises(CallError, match=r"best_model\.npz has the parameters \['W1', .* again$"):
        load_model("fc-5.1")


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_given_cells_load_the_network_of_a_training_above(name):
    """A variable may hold another network by then, or none where the kernel is a new one."""
    path = assignment.PACKAGE_HOME / "notebooks" / f"{name}.ipynb"
    cells = nbformat.read(path, as_version=4).cells
    given = [
        cell for cell in cells if cell.cell_type == "code" and "keep_model(" not in cell.source
    ]

    found = [c.id for c in given if re.search(r"\b(?:solver\.model|best_model)\b", c.source)]
    assert not found


def test_keep_model_refuses_the_network_of_another_notebook(root):
    with pytest.raises(TypeError, match="is a ConvNet; keep a TwoLayerNet or a FullyConnected"):
        keep_model("fc-5.1", make_conv_net("ConvNet"))
    with pytest.raises(TypeError, match="is a TwoLayerNet; keep a ConvNet or a ThreeLayerConv"):
        keep_model("cn-4.3", make_net("TwoLayerNet"))


@pytest.mark.parametrize("exercise", MODELS)
def test_keep_model_writes_into_the_notebooks_folder(root, exercise, capsys):
    kind = NETS[exercise][0]
    keep_model(exercise, make_conv_net(kind) if kind in CONV else make_net(kind))

    assert [path.name for path in (root / "notebooks").iterdir()] == [MODELS[exercise]]
    assert capsys.readouterr().out.split()[:2] == ["kept", exercise]


def test_keep_model_says_that_a_network_was_not_trained(root, capsys):
    net = make_net("TwoLayerNet")
    net.params["b1"][:], net.params["b2"][:] = 0, 0
    keep_model("fc-5.1", net)
    net.params["b2"] += 1e-9
    fresh = capsys.readouterr().out
    keep_model("fc-5.1", net)

    assert "biases are all 0, as before any training. best_model.npz holds this network" in fresh
    assert capsys.readouterr().out.count("\n") == 1


def test_keep_model_takes_a_class_made_from_ours(root):
    keep_model("fc-5.1", MirrorNet([3], input_dim=12, num_classes=4))

    assert read_model(root / "notebooks" / "best_model.npz").kind == "FullyConnectedNet"


def test_keep_model_refuses_an_exercise_without_a_model(root):
    with pytest.raises(ValueError, match=r"'fc-1\.1' trains no model; fc-2\.4, "):
        keep_model("fc-1.1", make_net("TwoLayerNet"))


def test_keep_model_refuses_another_kind_of_model(root):
    with pytest.raises(TypeError, match="the model is a dict; keep a TwoLayerNet or a Full"):
        keep_model("fc-5.1", {})


def test_keep_model_names_a_missing_parameter(root):
    net = make_net("FullyConnectedNet", hidden_dims=[3, 3])
    del net.params["W2"]

    with pytest.raises(ValueError, match="params lack 'W2'"):
        keep_model("fc-3.4", net)


def damage(fields):
    """Give the tree of a model file with some fields changed."""
    net = make_net("TwoLayerNet", hidden_dim=3)
    whole = {"exercise": "fc-2.4", "kind": "TwoLayerNet", "arguments": {}}
    return {**whole, **copy_state(net)._asdict(), **fields}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (None, "has the fields"),
        ({"kind": "os.system"}, "holds 'os.system' for 'fc-2.4'"),
        ({"kind": ["TwoLayerNet"]}, "holds"),
        ({"exercise": "fc-1.1"}, "for 'fc-1.1'"),
        ({"params": {"W1": 1.0}}, "does not hold arrays by name"),
        ({"running": "none"}, "does not hold arrays by name"),
        ({"arguments": []}, "does not hold arrays by name"),
    ],
)
def test_read_model_refuses_what_is_no_model(tmp_path, fields, words):
    tree = {"params": {}} if fields is None else damage(fields)
    write_checkpoint(tmp_path / "x.npz", tree)

    with pytest.raises(ValueError, match=words):
        read_model(tmp_path / "x.npz")

"""Checkpoints: whole or not at all, types kept, no pickle, and a run that resumes bit for bit."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from cs682.training.checkpoint import copy_state, read_checkpoint, restore_state, write_checkpoint
from tests.small_models import Net, Softmax

ROOT = Path(__file__).resolve().parents[2]
TREE = {
    "plain": {"int": 3, "float": 0.1, "nan": float("nan"), "none": None, "yes": True, "text": "ü"},
    "scalars": {"f32": np.float32(0.1), "f64": np.float64(0.1), "i64": np.int64(7)},
    "arrays": [np.arange(6, dtype=np.float32).reshape(2, 3), np.zeros((0, 2)), np.array(2.5)],
    "tuple": (1, np.array([1, 2])),
    "big": 2**80,
    "file": {},  # a name that np.savez uses itself
}


def same(a, b):
    """Compare trees by value, type and dtype."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    return a == b or (a != a and b != b)


# --- the file


def test_read_checkpoint_gives_back_values_types_and_dtypes(tmp_path):
    write_checkpoint(tmp_path / "a.npz", TREE)

    assert same(read_checkpoint(tmp_path / "a.npz"), TREE)


def test_write_checkpoint_keeps_the_layout_of_arrays(tmp_path):
    # BLAS may add in another order for another layout, and then the last bit differs.
    write_checkpoint(tmp_path / "a.npz", {"w": np.asfortranarray(np.eye(3)[:, :2])})

    assert read_checkpoint(tmp_path / "a.npz")["w"].flags.f_contiguous


def test_write_checkpoint_uses_no_pickle(tmp_path):
    write_checkpoint(tmp_path / "a.npz", TREE)

    with np.load(tmp_path / "a.npz", allow_pickle=False) as file:
        members = {name: file[name] for name in file.files}

    assert members["json"].shape == ()
    assert members["json"].dtype.kind == "U"
    assert json.loads(str(members["json"]))["tree"]["big"] == 2**80


def test_write_checkpoint_makes_the_folder_and_leaves_one_file(tmp_path):
    write_checkpoint(tmp_path / "new" / "deep" / "a.npz", TREE)

    assert [p.name for p in (tmp_path / "new" / "deep").iterdir()] == ["a.npz"]


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt])
def test_write_checkpoint_that_fails_leaves_the_old_file_alone(error, tmp_path, monkeypatch):
    write_checkpoint(tmp_path / "a.npz", {"version": 1})

    def savez(file, **arrays):
        file.write(b"half of it")
        raise error

    monkeypatch.setattr(np, "savez", savez)
    with pytest.raises(type(error) if isinstance(error, OSError) else error):
        write_checkpoint(tmp_path / "a.npz", {"version": 2})

    assert [p.name for p in tmp_path.iterdir()] == ["a.npz"]
    assert read_checkpoint(tmp_path / "a.npz") == {"version": 1}


@pytest.mark.parametrize(
    ("tree", "error", "message"),
    [
        ({"a": {"b": {1, 2}}}, TypeError, "tree/a/b is a set, which cannot be stored"),
        ({"a": [len]}, TypeError, "tree/a/0 is a builtin_function"),
        ({"a": np.array([None])}, TypeError, "tree/a is an array of Python objects"),
        ({"a": {1: 2}}, TypeError, "tree/a has the key 1, but only str keys"),
        ({"a": {"$array": 2}}, ValueError, r"tree/a has the key '\$array'"),
        ({"a/b": np.ones(1), "a": {"b": np.ones(1)}}, ValueError, "two arrays would both be"),
    ],
)
def test_write_checkpoint_refuses_what_it_could_not_give_back(tree, error, message, tmp_path):
    with pytest.raises(error, match=message):
        write_checkpoint(tmp_path / "a.npz", tree)

    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_read_checkpoint_refuses_a_truncated_file(share, tmp_path):
    path = tmp_path / "a.npz"
    write_checkpoint(path, {"w": np.zeros((50, 50))})
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])

    with pytest.raises(ValueError, match=r"a\.npz is not a complete checkpoint: "):
        read_checkpoint(path)


def test_read_checkpoint_refuses_a_flipped_bit(tmp_path):
    path = tmp_path / "a.npz"
    write_checkpoint(path, {"w": np.zeros((50, 50))})
    damaged = bytearray(path.read_bytes())
    damaged[5000] ^= 1
    path.write_bytes(damaged)

    with pytest.raises(ValueError, match="CRC"):
        read_checkpoint(path)


class Bomb:
    """Make a folder when unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("kind", ["pickle", "npy", "member"])
def test_read_checkpoint_unpickles_nothing(kind, tmp_path):
    bomb, path = np.array([Bomb(tmp_path / "ran")], dtype=object), tmp_path / "a.npz"
    text = json.dumps({"format": "cs682 checkpoint 1", "tree": {"w": {"$array": "w"}}})
    with path.open("wb") as file:
        if kind == "pickle":
            pickle.dump(bomb, file)
        elif kind == "npy":
            np.save(file, bomb, allow_pickle=True)
        else:
            np.savez(file, json=np.array(text), w=bomb)

    with pytest.raises(ValueError, match="is not a complete checkpoint"):
        read_checkpoint(path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "json"),
        ({"json": np.array("no json")}, "Expecting value"),
        ({"json": np.array("[" * 100_000)}, "not a complete checkpoint"),
        ({"json": np.array('{"format": "other", "tree": {}}')}, "its format is 'other'"),
        ({"json": np.array('{"format": "cs682 checkpoint 1", "tree": 7}')}, "holds a int"),
        (
            {"json": np.array('{"format": "cs682 checkpoint 1", "tree": {"a": {"$array": "b"}}}')},
            "'b'",
        ),
        ({"json": np.arange(3)}, "not a complete checkpoint"),
    ],
)
def test_read_checkpoint_refuses_other_archives(content, message, tmp_path):
    np.savez(tmp_path / "a.npz", **content)

    with pytest.raises(ValueError, match=message):
        read_checkpoint(tmp_path / "a.npz")


@pytest.mark.parametrize(
    "header", ["{'descr': (), 'fortran_order': False, 'shape': (0,)}", "{'descr': '<f8'", "  x\n y"]
)
def test_read_checkpoint_refuses_a_header_on_which_numpy_stumbles(header, tmp_path):
    text = header.ljust(117).encode() + b"\n"
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("json.npy", b"\x93NUMPY\x01\x00" + bytes([len(text), 0]) + text)

    with pytest.raises(ValueError, match="is not a complete checkpoint"):
        read_checkpoint(tmp_path / "a.npz")


def test_read_checkpoint_passes_on_that_there_is_no_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_checkpoint(tmp_path / "a.npz")


def test_checkpoint_module_costs_numpy_only():
    code = "import sys, cs682.training.checkpoint; print({'tqdm', 'matplotlib'} & set(sys.modules))"

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)

    assert done.stdout == "set()\n"


# --- a model's state


def test_restore_state_undoes_a_training_pass():
    model = Net()
    state, before = copy_state(model), model.params["W1"].copy()
    model.loss(np.ones((5, 4), np.float32), np.zeros(5, int))
    model.params["W1"] += 1
    layer = model.bn_params[0]

    restore_state(model, state)

    np.testing.assert_array_equal(model.params["W1"], before)
    assert model.bn_params[0] is layer
    assert layer == {"mode": "train"}


def test_copy_state_shares_nothing_with_the_model():
    model = Net()
    model.loss(np.ones((5, 4), np.float32), np.zeros(5, int))
    state = copy_state(model)
    restore_state(model, state)

    for mine, theirs in (
        (state.params["W1"], model.params["W1"]),
        (state.running[0]["running_var"], model.bn_params[0]["running_var"]),
    ):
        assert not np.shares_memory(mine, theirs)


def test_copy_state_of_a_model_without_normalization_has_no_statistics():
    assert copy_state(Softmax()).running == []

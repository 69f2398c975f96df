from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from cs682.cifar10.files import TEST_BATCH, TRAIN_BATCHES
from cs682.data_utils import (
    enough_data,
    get_CIFAR10_data,
    load_CIFAR10,
    load_CIFAR_batch,
    load_pickle,
)
from tests.cifar_files import batch, python2_pickle, stored_images, write_set


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Give a data set of 5 x 20 training and 20 test images."""
    return write_set(tmp_path_factory.mktemp("data"), 20)


def load(folder, train=70, val=20, test=11, **options):
    return get_CIFAR10_data(train, val, test, root=folder, verbose=False, **options)


def test_get_cifar10_data_gives_keys_shapes_and_types(folder):
    data = load(folder)

    shapes = {key: value.shape for key, value in data.items()}
    image = (3, 32, 32)
    assert shapes == {
        "X_train": (70, *image),
        "y_train": (70,),
        "X_val": (20, *image),
        "y_val": (20,),
        "X_test": (11, *image),
        "y_test": (11,),
    }
    for key, value in data.items():
        assert value.dtype == (np.float32 if key.startswith("X") else np.int64)
        assert value.flags.c_contiguous
        assert value.flags.writeable


@pytest.mark.parametrize(("train", "val"), [(1, 0), (20, 20), (33, 7), (70, 30), (100, 0), (5, 95)])
def test_get_cifar10_data_takes_validation_right_after_training(folder, train, val):
    images = stored_images(folder, TRAIN_BATCHES)

    data = load(folder, train, val, subtract_mean=False)

    np.testing.assert_array_equal(data["X_train"], images[:train])
    np.testing.assert_array_equal(data["X_val"], images[train : train + val])
    np.testing.assert_array_equal(data["X_test"], stored_images(folder, [TEST_BATCH])[:11])


def test_get_cifar10_data_keeps_labels_with_their_images(folder):
    labels = np.concatenate([load_CIFAR_batch(folder / name)[1] for name in TRAIN_BATCHES])

    data = load(folder, 33, 7)

    np.testing.assert_array_equal(data["y_train"], labels[:33])
    np.testing.assert_array_equal(data["y_val"], labels[33:40])
    np.testing.assert_array_equal(data["y_test"], load_CIFAR_batch(folder / TEST_BATCH)[1][:11])


def test_get_cifar10_data_subtracts_the_mean_of_the_training_part_only(folder):
    images = stored_images(folder, TRAIN_BATCHES)
    mean = images[:70].mean(axis=0)

    data = load(folder)

    tight = {"rtol": 0, "atol": 3e-5}  # float32 near 255: one rounding of the mean, one of the rest
    np.testing.assert_allclose(data["X_train"], images[:70] - mean, **tight)
    np.testing.assert_allclose(data["X_val"], images[70:90] - mean, **tight)
    test = stored_images(folder, [TEST_BATCH])[:11]
    np.testing.assert_allclose(data["X_test"], test - mean, **tight)


def test_get_cifar10_data_gives_what_the_caller_may_change(folder):
    first = load(folder)
    kept = first["X_train"].copy()
    first["X_train"][:] = 0
    first["y_train"][:] = 0

    np.testing.assert_array_equal(load(folder)["X_train"], kept)


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        ((0, 0, 0), "num_training must be at least 1, got 0"),
        ((-5, 0, 0), "num_training must be at least 1, got -5"),
        ((101, 0, 0), "num_training is 101, but only 100 images"),
        ((70, 31, 0), "num_validation is 31, but only 30 images"),
        ((70, -1, 0), "num_validation must be at least 0, got -1"),
        ((70, 20, 21), "num_test is 21, but only 20 images"),
        ((70, 20, -2), "num_test must be at least 0, got -2"),
    ],
)
def test_get_cifar10_data_names_a_wrong_count(folder, counts, text):
    with pytest.raises(ValueError, match=text):
        load(folder, *counts)


def test_get_cifar10_data_refuses_a_fractional_count(folder):
    with pytest.raises(TypeError, match="float"):
        load(folder, 7.0)


def test_get_cifar10_data_names_a_damaged_batch(tmp_path):
    folder = write_set(tmp_path, 4)
    content = (folder / "data_batch_2").read_bytes()
    (folder / "data_batch_2").write_bytes(content[: len(content) // 2])

    with pytest.raises(ValueError, match="data_batch_2: not a CIFAR batch"):
        load(folder, 10, 2, 1)


def test_get_cifar10_data_says_what_it_loaded(folder, tmp_path, capsys):
    made = write_set(tmp_path, 4, stand_in="seed 7")

    get_CIFAR10_data(10, 5, 2, root=folder)
    get_CIFAR10_data(10, 5, 2, root=made)

    real, _, synthetic, counts = capsys.readouterr().out.splitlines()
    assert real == f"Data: real CIFAR-10 from {folder}"
    assert synthetic.startswith("Data: synthetic stand-in, not real CIFAR-10 (seed 7)")
    assert counts == "      10 training, 5 validation, 2 test images"


@pytest.mark.parametrize(("meta", "count"), [({}, 15), ({"stand_in": "seed 7"}, 6)])
def test_enough_data_is_a_part_of_the_stand_in_and_all_of_cifar10(
    tmp_path, monkeypatch, meta, count
):
    monkeypatch.setenv("CS682_DATA", str(write_set(tmp_path, 3, **meta)))
    X, y = np.zeros((15, 3, 32, 32)), np.arange(15)

    enough = enough_data({"X_train": X, "y_train": y, "y_val": "kept"}, of_stand_in=6)

    assert len(enough["X_train"]) == len(enough["y_train"]) == count
    assert enough["y_val"] == "kept"


def test_enough_data_is_all_where_no_files_are_found(tmp_path, monkeypatch):
    monkeypatch.setenv("CS682_DATA", str(tmp_path / "none"))
    data = {"X_train": np.zeros((9, 3, 32, 32)), "y_train": np.arange(9)}

    assert enough_data(data, of_stand_in=6) is data


def test_get_cifar10_data_is_silent_on_request(folder, capsys):
    load(folder)

    assert capsys.readouterr().out == ""


def test_load_cifar10_gives_all_images_channel_last(folder):
    x_train, y_train, x_test, y_test = load_CIFAR10(folder)

    np.testing.assert_array_equal(
        x_train, stored_images(folder, TRAIN_BATCHES).transpose(0, 2, 3, 1)
    )
    np.testing.assert_array_equal(x_test, stored_images(folder, [TEST_BATCH]).transpose(0, 2, 3, 1))
    assert (x_train.dtype, x_test.dtype) == (np.float32, np.float32)
    assert (y_train.shape, y_test.shape) == ((100,), (20,))


def test_load_cifar_batch_gives_one_batch(folder):
    x, y = load_CIFAR_batch(str(folder / "data_batch_2"))

    assert (x.shape, x.dtype, y.dtype) == ((20, 32, 32, 3), np.float32, np.int64)
    assert x.flags.c_contiguous
    np.testing.assert_array_equal(x, stored_images(folder, ["data_batch_2"]).transpose(0, 2, 3, 1))


def test_load_pickle_gives_text_keys_for_python2_files(tmp_path):
    content = batch(682, 3)
    (tmp_path / "batch").write_bytes(python2_pickle(content))

    with (tmp_path / "batch").open("rb") as file:
        got = load_pickle(file)

    assert sorted(got) == ["batch_label", "data", "filenames", "labels"]
    np.testing.assert_array_equal(got["data"], content[b"data"])


def test_load_pickle_runs_nothing(tmp_path):
    (tmp_path / "batch").write_bytes(b"\x80\x02cos\nsystem\nU\x04true\x85R.")

    with (tmp_path / "batch").open("rb") as file, pytest.raises(ValueError, match=r"os\.system"):
        load_pickle(file)


# Not `ru_maxrss`: on Linux a new process starts with its parent's figure.
MEASURE = """
import re, sys
from cs682.data_utils import get_CIFAR10_data
get_CIFAR10_data(root=sys.argv[1])
print(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1])
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak memory from /proc")
def test_get_cifar10_data_needs_at_most_0_8_gb(tmp_path):
    folder = write_set(tmp_path, 10_000)

    command = [sys.executable, "-c", MEASURE, str(folder)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")

    assert "49000 training, 1000 validation, 1000 test" in lines[1]
    assert int(lines[2]) * 1024 <= 0.8e9  # bytes

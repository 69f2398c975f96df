from __future__ import annotations

import pickle
import shutil

import numpy as np
import pytest

from cs682.cifar10 import files as data_files
from cs682.cifar10.files import (
    FILES,
    FOLDER,
    TEST_BATCH,
    check_files,
    default_folder,
    describe,
    find_cifar10,
    is_stand_in,
    read_batch,
    read_meta,
)
from tests.cifar_files import batch, python2_pickle, write_set


@pytest.fixture
def places(tmp_path, monkeypatch):
    """Give the folders `datasets` and `cache` of a user who has no data yet."""
    monkeypatch.delenv("CS682_DATA", raising=False)
    monkeypatch.setattr(data_files, "_CHECKOUT", tmp_path / "checkout")
    monkeypatch.setattr("pooch.os_cache", lambda name: tmp_path / "cache" / name)
    (tmp_path / "checkout" / "notebooks").mkdir(parents=True)
    return {"datasets": tmp_path / "checkout" / "datasets", "cache": tmp_path / "cache" / "cs682"}


def test_find_cifar10_takes_the_places_in_their_order(places, tmp_path, monkeypatch):
    cache_stand_in = write_set(places["cache"] / "stand-in", 1)
    assert find_cifar10() == cache_stand_in

    stand_in = write_set(places["datasets"] / "stand-in", 1)
    assert find_cifar10() == stand_in

    cache = write_set(places["cache"], 1)
    assert find_cifar10() == cache

    datasets = write_set(places["datasets"], 1)
    assert find_cifar10() == datasets

    given = write_set(tmp_path / "given", 1)
    monkeypatch.setenv("CS682_DATA", str(given))
    assert find_cifar10() == given

    argument = write_set(tmp_path / "argument", 1)
    assert find_cifar10(argument) == argument


@pytest.mark.parametrize("inner", ["", FOLDER])
def test_find_cifar10_takes_the_folder_or_its_parent(places, tmp_path, monkeypatch, inner):
    folder = write_set(tmp_path, 1)
    monkeypatch.setenv("CS682_DATA", str(tmp_path / inner))

    assert find_cifar10() == folder
    assert find_cifar10(str(tmp_path / inner)) == folder


def test_find_cifar10_never_skips_an_argument(places, tmp_path):
    write_set(places["datasets"], 1)

    with pytest.raises(FileNotFoundError, match="given as an argument"):
        find_cifar10(tmp_path / "nothing")


def test_find_cifar10_never_skips_the_environment(places, tmp_path, monkeypatch):
    write_set(places["datasets"], 1)
    monkeypatch.setenv("CS682_DATA", str(tmp_path / "nothing"))

    with pytest.raises(FileNotFoundError, match="given by CS682_DATA"):
        find_cifar10()


def test_find_cifar10_takes_an_empty_variable_for_none(places, monkeypatch):
    folder = write_set(places["datasets"], 1)
    monkeypatch.setenv("CS682_DATA", "")

    assert find_cifar10() == folder


@pytest.mark.parametrize("name", FILES)
def test_find_cifar10_names_what_is_missing(places, name):
    write_set(places["cache"], 1)
    half = write_set(places["datasets"], 1)
    (half / name).unlink()

    with pytest.raises(FileNotFoundError, match=f"incomplete: {name} missing"):
        find_cifar10()


def test_find_cifar10_says_what_to_do_without_data(places):
    with pytest.raises(FileNotFoundError) as caught:
        find_cifar10()

    text = str(caught.value)
    for words in ("cs682 data ", "--stand-in", "CS682_DATA", str(places["datasets"]), "tar.gz"):
        assert words in text


def test_find_cifar10_ignores_a_folder_beside_an_installed_package(places):
    write_set(places["datasets"], 1)
    (places["datasets"].parent / "notebooks").rmdir()  # what marks a checkout

    with pytest.raises(FileNotFoundError):
        find_cifar10()
    assert default_folder() == places["cache"]


def test_default_folder_follows_the_environment(places, tmp_path, monkeypatch):
    assert default_folder() == places["datasets"]

    monkeypatch.setenv("CS682_DATA", str(tmp_path / "shared" / FOLDER))
    assert default_folder() == tmp_path / "shared"


def test_describe_tells_stand_in_from_real(tmp_path):
    real = write_set(tmp_path / "real", 1)
    made = write_set(tmp_path / "made", 1, stand_in="seed 5")

    assert describe(real) == f"real CIFAR-10 from {real}"
    assert describe(made) == f"synthetic stand-in, not real CIFAR-10 (seed 5), from {made}"
    assert (is_stand_in(real), is_stand_in(made)) == (False, True)


def test_describe_shortens_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))

    assert describe(write_set(tmp_path, 1)).endswith("from ~" + "/" + FOLDER)


@pytest.mark.parametrize("size", [0, -1, "10", 100_000, None])
def test_read_meta_refuses_a_strange_batch_size(tmp_path, size):
    folder = write_set(tmp_path, 1, num_cases_per_batch=size)

    with pytest.raises(ValueError, match=r"batches\.meta: num_cases_per_batch is"):
        read_meta(folder)


def test_read_batch_reads_python2_and_text_keys(tmp_path):
    content = batch(682, 4)
    (tmp_path / "two").write_bytes(python2_pickle(content))
    text_keys = {key.decode(): value for key, value in content.items()}
    (tmp_path / "three").write_bytes(pickle.dumps(text_keys, 4))

    for name in ("two", "three"):
        pixels, labels = read_batch(tmp_path / name)
        np.testing.assert_array_equal(pixels, content[b"data"])
        assert labels.tolist() == content[b"labels"]
        assert (pixels.dtype, labels.dtype) == (np.uint8, np.int64)


BAD = {
    "no data": ({b"data": None}, "'data' is NoneType"),
    "wide": ({b"data": np.zeros((4, 3071), np.uint8)}, r"'data' is \(4, 3071\)"),
    "deep": ({b"data": np.zeros((4, 3, 32, 32), np.uint8)}, "'data' is"),
    "float": ({b"data": np.zeros((4, 3072), np.float32)}, "dtype"),
    "empty": ({b"data": np.zeros((0, 3072), np.uint8), b"labels": []}, "holds 0 images"),
    "short": ({b"data": np.zeros((3, 3072), np.uint8), b"labels": [1, 2, 3]}, "holds 3 images"),
    "few labels": ({b"labels": [1, 2, 3]}, "'labels' is 3, expected a list of 4"),
    "no labels": ({b"labels": None}, "'labels' is NoneType"),
    "label 10": ({b"labels": [0, 1, 10, 2]}, "label 10"),
    "label -1": ({b"labels": [0, 1, -1, 2]}, "label -1"),
    "label bool": ({b"labels": [0, 1, True, 2]}, "label True"),
    "label text": ({b"labels": [0, 1, "2", 2]}, "label '2'"),
}


@pytest.mark.parametrize(("change", "text"), BAD.values(), ids=BAD)
def test_read_batch_names_file_and_fault(tmp_path, change, text):
    (tmp_path / "data_batch_3").write_bytes(pickle.dumps({**batch(682, 4), **change}, 4))

    with pytest.raises(ValueError, match=f"data_batch_3: .*{text}"):
        read_batch(tmp_path / "data_batch_3", 4)


def test_read_batch_names_a_file_that_is_no_batch(tmp_path):
    (tmp_path / "a list").write_bytes(pickle.dumps([1, 2], 4))

    with pytest.raises(ValueError, match="a list: not a CIFAR batch: it holds a list"):
        read_batch(tmp_path / "a list")


def test_read_batch_refuses_a_huge_file_unread(tmp_path):
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(1 << 40)  # sparse: takes no disk

    with pytest.raises(ValueError, match="too many for a batch"):
        read_batch(tmp_path / "huge")


@pytest.mark.parametrize("name", FILES)
def test_check_files_finds_each_truncated_file(tmp_path, name):
    folder = write_set(tmp_path)
    check_files(folder)
    (folder / name).write_bytes((folder / name).read_bytes()[:-1])

    with pytest.raises(ValueError, match=f"{name}: not a CIFAR batch"):
        check_files(folder)


def test_check_files_lets_only_a_stand_in_have_a_test_batch_of_another_size(tmp_path):
    small = write_set(tmp_path / "small", 3)
    made = write_set(tmp_path / "made", 5, stand_in="seed 5")
    real = write_set(tmp_path / "real", 5)
    for folder in (made, real):
        shutil.copy(small / TEST_BATCH, folder / TEST_BATCH)

    check_files(made)
    with pytest.raises(ValueError, match="test_batch: holds 3 images, expected 5"):
        check_files(real)

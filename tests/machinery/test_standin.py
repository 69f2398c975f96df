from __future__ import annotations

import hashlib
import pickle
import pickletools
import stat
from pathlib import Path

import numpy as np
import pytest

from cs682.cifar10 import standin
from cs682.cifar10.files import FILES, FOLDER, TEST_BATCH, TRAIN_BATCHES, check_files, is_stand_in
from cs682.cifar10.standin import write_stand_in
from cs682.data_utils import get_CIFAR10_data

KEYS = {b"batch_label", b"labels", b"data", b"filenames"}
# SHA-256 over all seven files of seed 5 with 50 + 20 images. If it changes on purpose, raise
# `standin.RECIPE`; if it differs on one machine only, the images are no longer portable.
DIGEST = "82a3eba84937ae72d14279ce47ee9fb141e1838db6fb2eaea0947e2b250beb8e"


def digest(folder: Path) -> str:
    content = hashlib.sha256()
    for name in FILES:
        content.update((folder / name).read_bytes())
    return content.hexdigest()


def load(path: Path, encoding: str = "bytes") -> dict:
    """Read a file with the standard unpickler, not with the package's own."""
    return pickle.loads(path.read_bytes(), encoding=encoding)


def test_write_stand_in_makes_the_recorded_bytes(tmp_path):
    folder = write_stand_in(tmp_path, seed=5, train_size=50, test_size=20)

    assert digest(folder) == DIGEST


def test_write_stand_in_makes_other_images_and_labels_for_another_seed(tmp_path):
    first, second = (
        load(write_stand_in(tmp_path / str(seed), seed=seed, train_size=50, test_size=20) / name)
        for seed, name in ((5, TEST_BATCH), (6, TEST_BATCH))
    )

    assert first[b"labels"] != second[b"labels"]
    assert not np.array_equal(first[b"data"], second[b"data"])


def test_write_stand_in_draws_every_image_once(stand_in_dir):
    rows = np.concatenate([load(stand_in_dir / name)[b"data"] for name in FILES[:6]])

    assert len(np.unique(rows, axis=0)) == 600


def test_write_stand_in_returns_a_folder_with_the_official_files_only(tmp_path):
    folder = write_stand_in(tmp_path / "new" / "place", seed=5, train_size=10, test_size=4)

    assert folder == tmp_path / "new" / "place" / FOLDER
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    assert list(folder.parent.iterdir()) == [folder]


@pytest.mark.parametrize(("name", "size"), [(TRAIN_BATCHES[4], 100), (TEST_BATCH, 100)])
def test_write_stand_in_batch_has_the_official_entries(stand_in_dir, name, size):
    batch = load(stand_in_dir / name)

    assert set(batch) == KEYS
    assert batch[b"data"].dtype == np.uint8
    assert batch[b"data"].shape == (size, 3072)
    assert batch[b"data"].flags.c_contiguous
    assert {type(label) for label in batch[b"labels"]} == {int}
    assert len(batch[b"labels"]) == len(batch[b"filenames"]) == size


def test_write_stand_in_names_batches_and_images_as_the_official_set_does(stand_in_dir):
    second, test = load(stand_in_dir / TRAIN_BATCHES[1]), load(stand_in_dir / TEST_BATCH)
    names = load(stand_in_dir / "batches.meta")[b"label_names"]

    assert second[b"batch_label"] == b"training batch 2 of 5"
    assert test[b"batch_label"] == b"testing batch 1 of 1"
    assert second[b"filenames"][3] == names[second[b"labels"][3]] + b"_s_000103.png"


def test_write_stand_in_meta_says_what_it_is(tmp_path):
    folder = write_stand_in(tmp_path, seed=17, train_size=1500, test_size=4)

    meta = load(folder / "batches.meta")

    assert meta[b"stand_in"] == b"seed 17, recipe 1"
    assert (meta[b"num_cases_per_batch"], meta[b"num_vis"]) == (300, 3072)
    assert len(set(meta[b"label_names"])) == 10
    assert is_stand_in(folder)


def test_write_stand_in_strings_are_str_for_programs_that_ask_for_latin1(stand_in_dir):
    batch = load(stand_in_dir / TEST_BATCH, encoding="latin1")

    assert set(batch) == {key.decode() for key in KEYS}
    assert np.array_equal(batch["data"], load(stand_in_dir / TEST_BATCH)[b"data"])


def test_write_stand_in_uses_the_opcodes_of_the_official_files_only(stand_in_dir):
    opcodes = {
        opcode.name
        for name in FILES
        for opcode, _, _ in pickletools.genops((stand_in_dir / name).read_bytes())
    }

    assert opcodes == {
        *("PROTO", "EMPTY_DICT", "MARK", "SHORT_BINSTRING", "BINSTRING", "BININT1", "BININT"),
        *("EMPTY_LIST", "APPENDS", "SETITEMS", "GLOBAL", "REDUCE", "BUILD", "STOP", "BININT2"),
        *("TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "NONE", "NEWFALSE"),
    }


def test_write_stand_in_passes_the_loaders_checks(stand_in_dir):
    check_files(stand_in_dir)

    data = get_CIFAR10_data(450, 50, 100, root=stand_in_dir, verbose=False)

    assert data["X_train"].shape == (450, 3, 32, 32)
    assert data["X_test"].dtype == np.float32


def test_write_stand_in_has_each_class_equally_often(stand_in_dir):
    train = [label for name in TRAIN_BATCHES for label in load(stand_in_dir / name)[b"labels"]]
    test = load(stand_in_dir / TEST_BATCH)[b"labels"]

    assert np.bincount(train).tolist() == [50] * 10
    assert np.bincount(test).tolist() == [10] * 10


def test_write_stand_in_mixes_the_classes_in_each_batch(stand_in_dir):
    for name in TRAIN_BATCHES:
        labels = load(stand_in_dir / name)[b"labels"]

        counts = np.bincount(labels, minlength=10)  # 100 labels: 10 of each on average
        assert counts.min() >= 2
        assert counts.max() <= 20
        assert labels != sorted(labels)


@pytest.mark.parametrize("content", ["folder", "file", "link"])
def test_write_stand_in_replaces_nothing(tmp_path, content):
    target = tmp_path / FOLDER
    if content == "folder":
        target.mkdir()
    elif content == "file":
        target.write_text("mine")
    else:
        target.symlink_to(tmp_path / "nowhere")

    with pytest.raises(FileExistsError, match=FOLDER):
        write_stand_in(tmp_path, train_size=10, test_size=4)

    assert [path.name for path in tmp_path.iterdir()] == [FOLDER]


def test_write_stand_in_looks_for_an_old_set_before_it_draws(tmp_path, monkeypatch):
    def draw(*args):
        raise AssertionError("images were drawn in vain")

    (tmp_path / FOLDER).mkdir()
    monkeypatch.setattr(standin, "draw_images", draw)

    with pytest.raises(FileExistsError):
        write_stand_in(tmp_path, train_size=10, test_size=4)


def test_write_stand_in_renames_the_finished_folder(tmp_path, monkeypatch):
    seen = []
    original = standin._meta

    def look(*args):
        assert not (tmp_path / FOLDER).exists()
        seen.extend(path.stat().st_ino for path in tmp_path.glob(f".stand-in-*/{FOLDER}"))
        return original(*args)

    monkeypatch.setattr(standin, "_meta", look)

    folder = write_stand_in(tmp_path, train_size=10, test_size=4)

    assert seen == [folder.stat().st_ino]  # a copy would be seen half finished


def test_write_stand_in_leaves_nothing_behind_when_interrupted(tmp_path, monkeypatch):
    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(standin, "_meta", interrupt)  # the last file to be written

    with pytest.raises(KeyboardInterrupt):
        write_stand_in(tmp_path, train_size=10, test_size=4)

    assert list(tmp_path.iterdir()) == []


def test_write_stand_in_yields_to_a_process_that_was_faster(tmp_path, monkeypatch):
    def be_overtaken(*args):
        (tmp_path / FOLDER).mkdir()
        return {}

    monkeypatch.setattr(standin, "_meta", be_overtaken)

    with pytest.raises(FileExistsError):
        write_stand_in(tmp_path, train_size=10, test_size=4)

    assert list((tmp_path / FOLDER).iterdir()) == []


def test_write_stand_in_gives_the_folder_the_usual_permissions(tmp_path):
    (tmp_path / "plain").mkdir()

    folder = write_stand_in(tmp_path, train_size=10, test_size=4)

    assert stat.S_IMODE(folder.stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"train_size": 12}, "train_size must be a multiple of 5 .* got 12"),
        ({"train_size": 0}, "train_size .* got 0"),
        ({"train_size": -5}, "train_size .* got -5"),
        ({"train_size": 100_005}, "train_size .* got 100005"),
        ({"test_size": 0}, "test_size .* got 0"),
        ({"test_size": 20_001}, "test_size .* got 20001"),
        ({"seed": -1}, "seed must be at least 0, got -1"),
    ],
)
def test_write_stand_in_refuses_bad_sizes_and_seeds(tmp_path, arguments, text):
    with pytest.raises(ValueError, match=text):
        write_stand_in(tmp_path / "new", **arguments)

    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("argument", ["seed", "train_size", "test_size"])
def test_write_stand_in_refuses_fractions(tmp_path, argument):
    with pytest.raises(TypeError):
        write_stand_in(tmp_path, **{argument: 10.0})


def test_write_stand_in_is_silent_unless_asked(tmp_path, capfd):
    write_stand_in(tmp_path / "quiet", train_size=10, test_size=4)
    quiet = capfd.readouterr()
    write_stand_in(tmp_path / "loud", train_size=10, test_size=4, progress=True)
    loud = capfd.readouterr()

    assert quiet == ("", "")
    assert loud.out == ""
    assert "image" in loud.err

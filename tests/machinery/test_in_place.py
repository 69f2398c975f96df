"""Data in place: used if it is there, fetched if it can be had, else made, and never silently."""

from __future__ import annotations

from pathlib import Path

import pytest

from cs682.cifar10 import download
from cs682.cifar10.fetch import DownloadError
from cs682.cifar10.files import FOLDER, STAND_IN
from cs682.cifar10.in_place import put_data_in_place
from cs682.cifar10.standin import RECIPE
from tests.cifar_files import archive_of, pack, write_set
from tests.machinery.bad_server import serving

NOWHERE = ("http://127.0.0.1:9/x",)


@pytest.fixture(autouse=True)
def datasets(home, monkeypatch):
    """Give a checkout without data, no network, and a stand-in that is made in no time."""
    monkeypatch.setattr(download, "CIFAR10", archive_of(Path(__file__), NOWHERE))
    monkeypatch.setattr("cs682.cifar10.standin.write_stand_in", small_stand_in)
    return home / "checkout" / "datasets"


def small_stand_in(dest, *, seed=682, train_size=50000, test_size=10000, progress=False):
    return write_set(dest, 2, stand_in=f"seed {seed}, recipe {RECIPE}")


@pytest.mark.parametrize("mark", ["", f"seed 682, recipe {RECIPE}"])
def test_data_of_either_kind_is_used_as_it_is(datasets, mark):
    there = write_set(datasets, 2, stand_in=mark)
    said = []

    assert put_data_in_place(report=said.append) == there
    assert [line.split(":")[0] for line in said] == ["nothing to do"]


def test_data_is_fetched_where_there_is_none(datasets, tmp_path, monkeypatch):
    pack(write_set(tmp_path / "original", 2), tmp_path / "packed")
    said = []
    with serving((tmp_path / "packed").read_bytes()) as server:
        archive = archive_of(tmp_path / "packed", (server.url("good"),))
        monkeypatch.setattr(download, "CIFAR10", archive)

        assert put_data_in_place(report=said.append) == datasets / FOLDER

    assert said[0] == "There is no data yet: trying to fetch CIFAR-10 (170 MB)."
    assert "STAND-IN" not in "".join(said)


def test_a_stand_in_is_made_and_called_that_where_nothing_can_be_fetched(datasets):
    said = []

    assert put_data_in_place(report=said.append) == datasets / STAND_IN / FOLDER
    assert any("no mirror can be reached" in line for line in said)
    assert any("STAND-IN images instead, which are not CIFAR-10" in line for line in said)


def test_new_data_goes_where_it_is_told(datasets, tmp_path):
    folder = put_data_in_place(tmp_path / "local disk")

    assert folder == tmp_path / "local disk" / STAND_IN / FOLDER
    assert not datasets.exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, r"Searched:\n  .*given by CS682_DATA\)\nCorrect"),
        ("file", "That is a file: what is needed is the folder"),
        ("part", "is incomplete: data_batch_2 missing"),
        ("damaged", "data_batch_2"),
        ("archive", r"cifar-10-python.tar.gz is .*\.\nCorrect"),
    ],
)
def test_a_place_named_by_the_user_is_never_replaced(
    datasets, tmp_path, monkeypatch, content, said
):
    place = tmp_path / "typo"
    monkeypatch.setenv("CS682_DATA", str(lay_out(place, content)))

    with pytest.raises(DownloadError, match=said) as caught:
        put_data_in_place()

    told = str(caught.value)
    assert told.startswith(f"CS682_DATA names a place without data: {place}")
    assert "or unset it" in told
    assert [word for word in ("offline", "by hand, then") if word in told] == []
    assert not datasets.exists()


def lay_out(place, content):
    """Put something into a place that is not the data; return what a user calls the place."""
    if content in ("part", "damaged"):
        batch = write_set(place, 2) / "data_batch_2"
        batch.unlink() if content == "part" else batch.write_bytes(b"x")
    if content == "archive":
        place.mkdir()
        (place / download.CIFAR10.name).write_bytes(b"x")
    if content == "file":
        place.write_bytes(b"x")
    return place

"""The copy of the assignment that is made where only a notebook was opened."""

from __future__ import annotations

import json
import sys
import zipfile
from types import ModuleType

import pytest

from cs682.setup import own_copy
from cs682.setup.own_copy import CopyError, keep_on_drive, unpack

FILES = {"cs682/__init__.py": "", "cs682/layers.py": "stub", "notebooks/a.ipynb": "{}"}
MARKER = json.dumps({"name": "a2", "repository": "some/where"})


def make_zip(path, files=FILES, top="a2-HEAD", marker=MARKER):
    """Write a release as GitHub packs it."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(f"{top}/", "")
        packed.writestr(f"{top}/assignment.json", marker)
        for name, text in files.items():
            packed.writestr(name if name.startswith("/") else f"{top}/{name}", text)
    return path


@pytest.fixture
def base(tmp_path):
    """Give the folder that a notebook runs in, empty."""
    folder = tmp_path / "content"
    folder.mkdir()
    return folder


def test_unpack_makes_a_copy_of_the_assignments_name(tmp_path, base):
    copy = unpack(make_zip(tmp_path / "r.zip"), base)

    assert copy == base / "a2"
    assert (copy / "cs682" / "layers.py").read_text() == "stub"
    assert list(base.iterdir()) == [copy]


def test_unpack_never_writes_over_a_students_work(tmp_path, base):
    archive = make_zip(tmp_path / "r.zip")
    mine = unpack(archive, base) / "cs682" / "layers.py"
    mine.write_text("my work")

    assert unpack(archive, base) == base / "a2"
    assert mine.read_text() == "my work"


def test_unpack_leaves_alone_what_else_has_the_name(tmp_path, base):
    (base / "a2").mkdir()
    (base / "a2" / "thesis.txt").write_text("precious")

    with pytest.raises(CopyError, match=r"a2 is in the way: rename it"):
        unpack(make_zip(tmp_path / "r.zip"), base)

    assert [p.name for p in (base / "a2").iterdir()] == ["thesis.txt"]


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def flip(content: bytes) -> bytes:
    """Change the first file's compressed bytes, so that its checksum is wrong."""
    at = content.index(b"layers.py") + len(b"layers.py") + 1
    return content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :]


@pytest.mark.parametrize("damage", [cut, flip, lambda _: b"", lambda _: b"<html>404</html>"])
def test_unpack_leaves_nothing_of_a_damaged_zip(tmp_path, base, damage):
    archive = make_zip(tmp_path / "r.zip")
    archive.write_bytes(damage(archive.read_bytes()))

    with pytest.raises(CopyError, match="no copy of the assignment could be made in"):
        unpack(archive, base)

    assert list(base.iterdir()) == []


def make_link(path):
    """Write a release with a symbolic link in it."""
    make_zip(path)
    link = zipfile.ZipInfo("a2-HEAD/link")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "a") as packed:
        packed.writestr(link, "/etc/passwd")
    return path


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda p: make_zip(p, {"../../evil": ""}), "lies outside"),
        (lambda p: make_zip(p, {"/etc/evil": ""}), "lies outside"),
        (lambda p: make_zip(p, {"..\\evil": ""}), "lies outside"),
        (lambda p: make_zip(p, top="a/../b"), "lies outside"),
        (make_link, "'a2-HEAD/link' in .* is no file"),
        (lambda p: make_zip(p, marker='{"name": "../a2"}'), "no name of a folder"),
        (lambda p: make_zip(p, marker='{"name": 7}'), "no name of a folder"),
        (lambda p: make_zip(p, marker="{}"), "'name'"),
        (lambda p: make_zip(p, marker="nonsense"), "Expecting value"),
    ],
)
def test_unpack_refuses_a_zip_that_is_no_release(tmp_path, base, make, words):
    with pytest.raises(CopyError, match=words):
        unpack(make(tmp_path / "r.zip"), base)

    assert list(base.iterdir()) == []


def test_unpack_refuses_a_zip_of_two_folders(tmp_path, base):
    archive = make_zip(tmp_path / "r.zip")
    with zipfile.ZipFile(archive, "a") as packed:
        packed.writestr("other/x", "")

    with pytest.raises(CopyError, match="holds 2 folders, expected one"):
        unpack(archive, base)


def test_unpack_refuses_a_bomb(tmp_path, base, monkeypatch):
    monkeypatch.setattr(own_copy, "MAX_BYTES", 1000)

    with pytest.raises(CopyError, match="holds more than 0 MB"):
        unpack(make_zip(tmp_path / "r.zip", {"big": "0" * 1001}), base)


# --- Google Drive


@pytest.fixture
def colab(monkeypatch):
    """Stand in for `google.colab`, with a Drive that takes files."""
    drive = ModuleType("google.colab.drive")
    drive.mount = lambda place: (own_copy.Path(place) / "MyDrive").mkdir(parents=True)
    package = ModuleType("google.colab")
    package.drive = drive
    monkeypatch.setitem(sys.modules, "google", ModuleType("google"))
    monkeypatch.setitem(sys.modules, "google.colab", package)
    return drive


@pytest.mark.usefixtures("colab")
def test_keep_on_drive_unpacks_the_release_there(tmp_path, base):
    copy = keep_on_drive(make_zip(tmp_path / "r.zip"), base / "drive")

    assert copy == base / "drive" / "MyDrive" / "a2"
    assert own_copy.is_on_drive(copy)
    assert not own_copy.is_on_drive(base)


@pytest.mark.usefixtures("colab")
def test_keep_on_drive_takes_work_along_but_never_data(tmp_path, base):
    work = unpack(make_zip(tmp_path / "r.zip"), base)
    (work / "cs682" / "layers.py").write_text("my work")
    (work / "datasets").mkdir()

    copy = keep_on_drive(work, base / "drive")

    assert (copy / "cs682" / "layers.py").read_text() == "my work"
    assert not (copy / "datasets").exists()
    assert list(copy.parent.iterdir()) == [copy]


@pytest.mark.usefixtures("colab")
def test_keep_on_drive_uses_the_copy_that_is_there(tmp_path, base):
    work = unpack(make_zip(tmp_path / "r.zip"), base)
    there = base / "drive" / "MyDrive" / "a2"
    own_copy.Path(there / "cs682").mkdir(parents=True)
    (there / "assignment.json").write_text(MARKER)
    sys.modules["google.colab"].drive.mount = lambda place: None

    assert keep_on_drive(work, base / "drive") == there
    assert not (there / "cs682" / "layers.py").exists()


def test_keep_on_drive_says_that_only_colab_can(base):
    with pytest.raises(CopyError, match="which only Colab can"):
        keep_on_drive(base, base / "drive")


def test_keep_on_drive_says_why_it_could_not_mount(colab, base):
    def refuse(place):
        raise ValueError("mount failed")

    colab.mount = refuse

    with pytest.raises(CopyError, match="Google Drive could not be mounted: mount failed"):
        keep_on_drive(base, base / "drive")


def test_the_release_is_recognised_by_the_zip_that_it_was_imported_from(tmp_path, monkeypatch):
    archive = make_zip(tmp_path / "r.zip")
    monkeypatch.setattr(own_copy, "PACKAGE_HOME", archive / "a2-HEAD")

    assert own_copy.archive_of_this_package() == archive

"""What an update refuses, before anything is touched."""

from __future__ import annotations

import zipfile

import pytest

from cs682.__main__ import main
from cs682.setup.new_release import UpdateError
from cs682.setup.update import update
from tests.machinery.small_releases import LAYERS, look, release, zip_of


def packed(path, members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def damaged(path):
    packed(path, {f"a2/{n}": d for n, d in release("1.1.0").items()} | {f"a2/{LAYERS}": b"other"})


BAD = {
    "missing": (lambda _: None, "there is no file"),
    "text": (lambda path: path.write_text("no zip"), "is not whole, or no zip: fetch it again"),
    "folder": (lambda path: path.mkdir(), "bad.zip is a folder: name the zip file itself"),
    "other": (lambda path: packed(path, {"a/b.txt": b""}), "it is no release of an assignment"),
    "damaged": (damaged, f"it is damaged, at {LAYERS}"),
    "manifest": (
        lambda path: packed(path, {"a2/MANIFEST.json": b"{}"}),
        "MANIFEST.json is damaged",
    ),
    "version": (lambda path: zip_of(path, release("newest")), "its version is 'newest'"),
    "older": (lambda path: zip_of(path, release("0.9")), "that release is older: 0.9, and"),
    "same": (
        lambda path: zip_of(path, release("1.0.0")),
        "that release is the same: 1.0.0, and this folder is 1.0.0, with all of its files",
    ),
    "name": (lambda path: zip_of(path, release("2.0", name="a3")), "that is 'a3', and this fol"),
    "edition": (
        lambda path: zip_of(path, release("1.1.0", **{"cs682/solutions.txt": "s"})),
        "that is the edition for people who learn alone, and this folder is a course's",
    ),
    "outside": (lambda path: zip_of(path, {"../../x": b""}), "lies outside"),
    "drive": (lambda path: zip_of(path, {"C:/x": b""}), "lies outside"),
}


@pytest.mark.parametrize("kind", BAD)
def test_zip_that_cannot_be_taken_up_changes_nothing(begun, tmp_path, kind):
    make, said = BAD[kind]
    make(tmp_path / "bad.zip")
    before = look(begun)

    with pytest.raises(UpdateError) as caught:
        update(str(tmp_path / "bad.zip"), begun)

    assert said in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert look(begun) == before
    assert not (begun / "kept").exists()


def test_release_of_a_course_does_not_replace_the_edition_for_people_alone(begun, take):
    alone = release("1.0.0", **{"cs682/solutions.txt": "s"})
    (begun / "MANIFEST.json").write_bytes(alone["MANIFEST.json"])

    with pytest.raises(UpdateError, match="that is a course's release, and this folder is the"):
        take()


@pytest.mark.parametrize(
    "where", ["cs682.setup.new_release.LARGEST_ZIP", "cs682.setup.own_copy.MAX_BYTES"]
)
def test_zip_that_is_too_large_is_refused(take, monkeypatch, where):
    monkeypatch.setattr(where, 100)

    with pytest.raises(UpdateError, match="more than 0 MB"):
        take()


def test_source_is_no_release_to_update(begun, take):
    (begun / "MANIFEST.json").unlink()

    with pytest.raises(UpdateError, match="is no release"):
        take()


def test_command_says_what_is_wrong(begun, monkeypatch, capsys):
    monkeypatch.setattr(update, "__defaults__", ("", begun))

    assert main(["update", "nowhere.zip"]) == 1
    assert "there is no file nowhere.zip" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["update", "--undo", "x.zip"])

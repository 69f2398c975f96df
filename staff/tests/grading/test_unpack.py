"""Hand-ins are unpacked without harm, and what nobody can read is not graded."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

import pytest

from staff.grading.intake import unpack as unpacking
from staff.grading.intake.locate import FILES
from staff.grading.intake.unpack import unpack
from staff.tests.grading.arranged import CODE_OF, OTHER, files_of, take, take_two, write_files
from staff.tests.grading.hostile_zips import (
    CODE,
    HOSTILE,
    LAYERS,
    make_zip,
    point_before,
    write_hostile,
)


@pytest.mark.parametrize("kind", HOSTILE, ids=lambda kind: kind.name)
def test_hostile_zip_is_named_and_gives_only_what_is_sound(kind, tmp_path):
    package = take(write_hostile(kind, tmp_path / "hand-in.zip"), tmp_path=tmp_path)

    taken = {name for name in files_of(package) if name in (LAYERS, "cs682/optim.py")}
    assert taken == set(kind.taken)
    assert re.search(kind.says, "\n".join(package.problems))
    assert bool(package.damaged) == kind.damaged
    assert all(text in package.problems for text in package.damaged)
    assert not any(ord(c) < 32 or c == "\u202e" for text in package.problems for c in text)


@pytest.mark.parametrize("kind", HOSTILE, ids=lambda kind: kind.name)
def test_hostile_zip_writes_nothing_but_numbered_files(kind, tmp_path):
    path = write_hostile(kind, tmp_path / "hand-in.zip")
    raw = tmp_path / "raw"
    raw.mkdir()

    unpack([(path, path.name)], raw)

    written = [p for p in tmp_path.rglob("*") if p.is_file() and p != path]
    assert all(p.parent == raw and p.name.isdecimal() and not p.is_symlink() for p in written)
    assert sum(p.stat().st_size for p in written) <= unpacking.MAX_TOTAL + unpacking.MB


def test_links_in_a_folder_are_named_and_not_followed(tmp_path):
    folder = write_files(tmp_path / "bob", **{"cs682/optim.py": CODE})
    secret = tmp_path / "secret.py"
    secret.write_bytes(OTHER)
    os.symlink(secret, folder / "cs682" / "layers.py")
    os.symlink(tmp_path, folder / "notebooks")

    package = take(folder, tmp_path=tmp_path)

    assert files_of(package) == {"cs682/optim.py"}
    assert sum("is a link" in text for text in package.problems) == 2


def test_pipe_in_a_folder_does_not_block(tmp_path):
    folder = write_files(tmp_path / "bob", **{"cs682/optim.py": CODE})
    os.mkfifo(folder / "cs682" / "layers.py")

    assert files_of(take(folder, tmp_path=tmp_path)) == {"cs682/optim.py"}


def test_archive_that_is_not_read_is_named_and_not_graded_if_it_is_all(tmp_path):
    said = "bob/hand-in.rar is not a zip, and no other kind of archive is read"
    folder = write_files(tmp_path / "bob", **{"hand-in.rar": b"Rar!"})

    package = take(folder, tmp_path=tmp_path)

    assert said in package.problems
    assert package.damaged == (said,)
    write_files(tmp_path / "bob", **{LAYERS: CODE})
    (tmp_path / "later").mkdir()
    assert take(folder, tmp_path=tmp_path / "later").damaged == ()


def test_digest_changes_with_content_and_names_alone(tmp_path):
    def digest(name, **files):
        folder = write_files(tmp_path / name / "bob", **files)
        (tmp_path / f"{name}-raw").mkdir()
        return unpack([(folder, "bob")], tmp_path / f"{name}-raw").digest

    same = digest("a", **{LAYERS: CODE})
    assert digest("b", **{LAYERS: CODE}) == same
    assert digest("c", **{LAYERS: OTHER}) != same
    assert digest("d", **{"layers.py": CODE}) != same


def test_old_versions_never_push_out_the_newest(tmp_path, monkeypatch):
    monkeypatch.setattr(unpacking, "MAX_FILES", 4)
    monkeypatch.setattr(unpacking, "MAX_ENTRIES", 5)
    paths = [tmp_path / name for name in ("hand-in.zip", "hand-in-1.zip", "hand-in-2.zip")]
    for path, mark in zip(paths, (b"#\n", b"##\n", b"###\n"), strict=True):
        files = {f"cs682/{name}": code + mark for name, code in CODE_OF.items()}
        path.write_bytes(make_zip(files))

    package = take(*paths, tmp_path=tmp_path, versions=(0, 1, 2))

    assert (package.folder / LAYERS).read_bytes() == CODE + b"###\n"
    assert package.left_out == ()
    assert not any("left out" in text for text in package.problems)


def test_room_is_the_newest_version_s_and_what_it_lacks_is_named(tmp_path, monkeypatch):
    real = unpacking.Haul
    monkeypatch.setattr(unpacking, "Haul", lambda folder: real(folder, bytes_left=len(OTHER)))

    package = take_two(make_zip({LAYERS: OTHER}), make_zip({LAYERS: CODE}), tmp_path)

    assert (package.folder / LAYERS).read_bytes() == CODE
    assert len(package.left_out) == 1
    assert re.match(r"hand-in.zip unpacks to .* the newest first", package.left_out[0])
    assert package.left_out[0] in package.problems


ALL_CODE = {f: CODE_OF.get(f.removeprefix("cs682/"), b"{}") for f in FILES if f.endswith(".py")}

RAR, SEVEN = b"Rar!\x1a\x07\x01\0 and more", b"7z\xbc\xaf\x27\x1c\0\4 and more"


@pytest.mark.parametrize("old", [make_zip({LAYERS: CODE})[:-30], RAR], ids=["cut", "RAR"])
@pytest.mark.parametrize("without", [(), ("layers.py",), ("classifiers/cnn.py",), (*CODE_OF,)])
def test_damage_in_an_older_upload_counts_while_code_is_missing(old, without, tmp_path):
    new = {file: c for file, c in ALL_CODE.items() if file[len("cs682/") :] not in without}

    package = take_two(old, make_zip(new), tmp_path)

    assert bool(package.damaged) == bool(without)
    text = next(text for text in package.problems if text.startswith("hand-in.zip is "))
    assert text.endswith("; a newer upload is graded, which holds the code") != bool(without)
    assert (text in package.left_out) != bool(without)


def test_damage_in_the_newest_upload_counts_though_an_older_one_holds_all(tmp_path):
    package = take_two(make_zip(ALL_CODE), RAR, tmp_path)

    assert package.damaged == (
        "hand-in-1.zip is a RAR archive that is only called a zip: hand in a real one",
    )


@pytest.mark.parametrize(
    ("content", "kind"), [(RAR, "a RAR"), (SEVEN, "a 7-Zip")], ids=["RAR", "7z"]
)
def test_other_archive_that_is_called_a_zip_is_called_what_it_is(content, kind, tmp_path):
    (tmp_path / "hand-in.zip").write_bytes(content)

    package = take(tmp_path / "hand-in.zip", tmp_path=tmp_path)

    said = f"hand-in.zip is {kind} archive that is only called a zip: hand in a real one"
    assert package.damaged == (said,)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EIO])
def test_trouble_of_this_machine_is_no_problem_of_the_hand_in(number, tmp_path, monkeypatch):
    path = tmp_path / "x.zip"
    path.write_bytes(make_zip({LAYERS: CODE}))
    (tmp_path / "raw").mkdir()
    real = Path.open

    def no(self, mode="r", *args, **kwargs):
        if "x" in mode or number == errno.EACCES:
            raise OSError(number, os.strerror(number), str(self))
        return real(self, mode, *args, **kwargs)

    monkeypatch.setattr(Path, "open", no)

    with pytest.raises(OSError, match=re.escape(os.strerror(number))):
        unpack([(path, "x.zip")], tmp_path / "raw")


def test_entry_that_points_to_no_place_in_the_zip_is_said_in_words(tmp_path):
    path = tmp_path / "x.zip"
    path.write_bytes(point_before(make_zip({LAYERS: CODE})))

    (said,) = take(path, tmp_path=tmp_path).damaged

    assert said == f"x.zip/{LAYERS} is damaged: the zip is broken there, make it anew"

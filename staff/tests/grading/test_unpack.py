"""Hand-ins of every shape are taken apart without harm, and what is amiss is named."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from staff.grading.intake import unpack as unpacking
from staff.grading.intake.locate import Package, arrange
from staff.grading.intake.unpack import unpack
from staff.tests.grading.hostile_zips import CODE, HOSTILE, LAYERS, make_zip, write_hostile

OTHER = CODE + b"# another\n"


def take(*sources: Path, tmp_path: Path) -> Package:
    """Unpack and arrange as the grader does."""
    raw, stage = tmp_path / "raw", tmp_path / "stage"
    raw.mkdir()
    stage.mkdir()
    return arrange(unpack([(path, path.name) for path in sources], raw), stage)


def files_of(package: Package) -> set[str]:
    return {
        p.relative_to(package.folder).as_posix() for p in package.folder.rglob("*") if p.is_file()
    }


def write_files(folder: Path, **files: bytes) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


@pytest.mark.parametrize("kind", HOSTILE, ids=lambda kind: kind.name)
def test_hostile_zip_is_named_and_gives_only_what_is_sound(kind, tmp_path):
    package = take(write_hostile(kind, tmp_path / "hand-in.zip"), tmp_path=tmp_path)

    taken = {name for name in files_of(package) if name in (LAYERS, "cs682/optim.py")}
    assert taken == set(kind.taken)
    assert re.search(kind.says, "\n".join(package.problems))
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


@pytest.mark.parametrize("root", ["", "hand-in/", "a/b/c d/é/"])
def test_package_is_found_wherever_it_lies(root, tmp_path):
    path = tmp_path / "x.zip"
    path.write_bytes(make_zip({f"{root}{LAYERS}": CODE, f"{root}notebooks/Dropout.ipynb": b"{}"}))

    package = take(path, tmp_path=tmp_path)

    assert files_of(package) == {LAYERS, "notebooks/Dropout.ipynb"}
    assert "cs682/optim.py is missing" in package.problems
    assert "cs682/layers.py is missing" not in package.problems


@pytest.mark.parametrize(
    "name",
    ["layers (1).py", "layers-1.py", "layers_2.py", "Layers.py", "Copy of layers.py",
     "layers copy.py", "layers.py.txt"],
)  # fmt: skip
def test_renamed_file_is_taken_and_named(name, tmp_path):
    package = take(write_files(tmp_path / "bob", **{name: CODE}), tmp_path=tmp_path)

    assert files_of(package) == {LAYERS}
    assert f"cs682/layers.py is missing; bob/{name} was taken for it" in package.problems


@pytest.mark.parametrize("name", ["my_layers.py", "layers_old.py", "test_layers.py", "layers.pyc"])
def test_file_of_another_name_is_not_taken(name, tmp_path):
    package = take(write_files(tmp_path / "bob", **{name: CODE}), tmp_path=tmp_path)

    assert files_of(package) == set()


def test_course_s_own_file_of_the_same_name_is_never_taken(tmp_path):
    files = {"cs682/checks/judges/layers.py": OTHER, "cs682/optim.py": CODE}

    package = take(write_files(tmp_path / "bob", **files), tmp_path=tmp_path)

    assert files_of(package) == {"cs682/optim.py"}
    assert "cs682/layers.py is missing" in package.problems


def test_doubled_file_is_not_taken_when_nobody_can_tell_which(tmp_path):
    folder = write_files(tmp_path / "bob", **{f"a/{LAYERS}": CODE, f"b/{LAYERS}": OTHER})

    package = take(folder, tmp_path=tmp_path)

    assert files_of(package) == set()
    assert any("they differ: bob/a/cs682/layers.py and" in text for text in package.problems)


def test_doubled_file_with_the_same_content_is_no_problem(tmp_path):
    folder = write_files(tmp_path / "bob", **{f"a/{LAYERS}": CODE, f"b/{LAYERS}": CODE})

    package = take(folder, tmp_path=tmp_path)

    assert files_of(package) == {LAYERS}
    assert not any("differ" in text for text in package.problems)


def test_most_complete_copy_wins_and_the_other_is_named(tmp_path):
    files = {f"old/{LAYERS}": OTHER, f"new/{LAYERS}": CODE, "new/cs682/optim.py": CODE}

    package = take(write_files(tmp_path / "bob", **files), tmp_path=tmp_path)

    assert (package.folder / LAYERS).read_bytes() == CODE
    assert any("old/cs682/layers.py differs from" in text for text in package.problems)


def test_caches_and_installed_copies_do_not_count(tmp_path):
    files = {f"{d}/{LAYERS}": OTHER for d in (".venv", "build/lib", "__MACOSX", "x/site-packages")}
    files[f".ipynb_checkpoints/{LAYERS}"] = OTHER

    package = take(write_files(tmp_path / "bob", **files, **{LAYERS: CODE}), tmp_path=tmp_path)

    assert (package.folder / LAYERS).read_bytes() == CODE
    assert not any("differ" in text for text in package.problems)


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


def test_other_archives_are_named(tmp_path):
    folder = write_files(tmp_path / "bob", **{"hand-in.rar": b"Rar!"})

    package = take(folder, tmp_path=tmp_path)

    assert "bob/hand-in.rar is not a zip, and no other kind of archive is read" in package.problems


def test_modules_that_the_student_added_go_along(tmp_path):
    folder = write_files(tmp_path / "bob", **{LAYERS: CODE, "cs682/my_tricks.py": CODE,
                                              "cs682/bad name.py": CODE})  # fmt: skip

    assert files_of(take(folder, tmp_path=tmp_path)) == {LAYERS, "cs682/my_tricks.py"}


def test_digest_changes_with_content_and_names_alone(tmp_path):
    def digest(name, **files):
        folder = write_files(tmp_path / name / "bob", **files)
        (tmp_path / f"{name}-raw").mkdir()
        return unpack([(folder, "bob")], tmp_path / f"{name}-raw").digest

    same = digest("a", **{LAYERS: CODE})
    assert digest("b", **{LAYERS: CODE}) == same
    assert digest("c", **{LAYERS: OTHER}) != same
    assert digest("d", **{"layers.py": CODE}) != same

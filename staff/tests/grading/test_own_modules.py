"""Modules that students add to the package go along, and what is left out is named."""

from __future__ import annotations

import re
import unicodedata

import pytest

from staff.grading.intake import package as package_rules
from staff.grading.intake.package import read_package
from staff.tests.grading.arranged import OTHER, files_of, take, write_files
from staff.tests.grading.hostile_zips import CODE, LAYERS, make_zip

MINE = b"one = 1\n"


def run_of(package):
    """Return which modules of the student's own are run."""
    return {name for name, content in read_package(package.folder).items() if content == MINE}


@pytest.mark.parametrize(
    "inner",
    ["my_tricks.py", "übung.py", "短名.py", "_mine.py", "helpers/a.py", "helpers/deep/a.py",
     "helpers/__init__.py", "helpers/solver.py", "a/b/c/d/e/x.py"],
)  # fmt: skip
def test_module_that_python_can_import_goes_along(inner, tmp_path):
    folder = write_files(tmp_path / "bob", **{LAYERS: CODE, f"cs682/{inner}": MINE})

    package = take(folder, tmp_path=tmp_path)

    assert files_of(package) == {LAYERS, f"cs682/{inner}"}
    assert run_of(package) == {f"cs682/{inner}"}
    assert package.left_out == ()


def test_letters_that_macos_takes_apart_are_put_together_as_python_does(tmp_path):
    name = unicodedata.normalize("NFD", "übung")
    path = tmp_path / "bob.zip"
    path.write_bytes(make_zip({LAYERS: CODE, f"cs682/{name}.py": MINE}))

    assert run_of(take(path, tmp_path=tmp_path)) == {"cs682/übung.py"}


@pytest.mark.parametrize(
    "inner", ["bad name.py", "layers copy.py", "7.py", "a-b/c.py", "solver.py", "checks/mine.py"]
)
def test_what_is_no_module_or_the_course_s_stays_out_and_is_not_named(inner, tmp_path):
    folder = write_files(tmp_path / "bob", **{LAYERS: CODE, f"cs682/{inner}": MINE})

    package = take(folder, tmp_path=tmp_path)

    assert files_of(package) == {LAYERS}
    assert package.left_out == ()


@pytest.mark.parametrize(
    ("inner", "says"),
    [
        ("a/b/c/d/e/f/x.py", "more than 5 folders deep"),
        ("layers/x.py", "in place of a file of the assignment"),
        ("im2col/__init__.py", "in place of a file of the assignment"),
        (f"{'é' * 130}/x.py", "a name of more than 255 bytes"),
    ],
)
def test_module_that_is_left_out_is_named_for_student_and_staff(inner, says, tmp_path):
    path = tmp_path / "bob.zip"
    path.write_bytes(make_zip({LAYERS: CODE, f"cs682/{inner}": MINE}))

    package = take(path, tmp_path=tmp_path)

    assert files_of(package) == {LAYERS}
    (said,) = package.left_out
    assert says in said
    assert said in package.problems


def test_modules_that_there_is_no_room_for_are_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(package_rules, "MOST", 3)
    files = {f"cs682/m{i}.py": MINE for i in range(5)}

    package = take(write_files(tmp_path / "bob", **files, **{LAYERS: CODE}), tmp_path=tmp_path)

    assert run_of(package) == {f"cs682/m{i}.py" for i in range(3)}
    (said,) = package.left_out
    assert re.match(r"bob/cs682/m3\.py is beyond what there is room for: .* 1 more of", said)


def test_files_with_names_that_no_file_system_stores_are_named_once_and_counted(tmp_path):
    long = f"{'长' * 108}.py"
    path = tmp_path / "bob.zip"
    path.write_bytes(make_zip({LAYERS: CODE, f"cs682/{long}": MINE, f"notizen/{long}": MINE}))

    package = take(path, tmp_path=tmp_path)

    (said,) = package.left_out
    assert said in package.problems
    assert said.startswith("bob.zip/cs682/长长")
    assert said.endswith("of more than 255 bytes and is left out, like 1 more of this kind")


@pytest.mark.parametrize("content", [MINE, b"one = 2\n"])
def test_module_of_two_uploads_is_the_newer_s_by_the_number_of_the_zip(content, tmp_path):
    zips = {"hand-in.zip": make_zip({LAYERS: CODE, "cs682/mine.py": content}),
            "hand-in (2).zip": make_zip({LAYERS: OTHER, "cs682/mine.py": MINE})}  # fmt: skip

    package = take(write_files(tmp_path / "bob", **zips), tmp_path=tmp_path)

    assert run_of(package) == {"cs682/mine.py"}
    assert package.doubled == {}


def test_module_of_which_two_copies_differ_is_not_taken_and_named(tmp_path):
    files = {f"{place}/{LAYERS}": CODE for place in "ab"}
    files |= {"a/cs682/mine.py": MINE, "b/cs682/mine.py": OTHER}

    package = take(write_files(tmp_path / "bob", **files), tmp_path=tmp_path)

    assert files_of(package) == {LAYERS}
    assert {*package.doubled} == {"cs682/mine.py"}
    assert any(text.startswith("cs682/mine.py is there more than") for text in package.problems)

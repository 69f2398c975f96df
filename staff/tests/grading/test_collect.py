"""Hand-ins are found in what each platform gives out, and told apart by student."""

from __future__ import annotations

import unicodedata
import zipfile
from pathlib import Path

import pytest

from staff.grading.intake.collect import collect
from staff.tests.grading.hostile_zips import CODE, make_zip

METADATA = """---
submission_101:
  :submitters:
  - :name: Ada Lovelace
    :sid: '007'
    :email: ada@example.edu
  :created_at: 2024-02-01 10:00:00 -05:00
  :score: 1.0
submission_102:
  :submitters:
  - :name: Grace Hopper
    :sid: 0123
    :email: grace@example.edu
  - :name: "=Bob"
    :sid:
    :email: bob@example.edu
"""


def find(place: Path, tmp_path: Path):
    return collect(place, tmp_path / "scratch")


@pytest.fixture
def place(tmp_path):
    folder = tmp_path / "class"
    folder.mkdir()
    (tmp_path / "scratch").mkdir()
    return folder


def add_zip(place: Path, name: str) -> None:
    (place / name).write_bytes(make_zip({"cs682/layers.py": CODE}))


def test_plain_folders_and_zips_are_hand_ins_by_their_names(place, tmp_path):
    add_zip(place, "ada.zip")
    (place / "bob").mkdir()

    found = find(place, tmp_path)

    assert [s.id for s in found.submissions] == ["ada", "bob"]
    assert found.remarks == ()


def test_gradescope_names_students_and_groups(place, tmp_path):
    (place / "submission_metadata.yml").write_text(METADATA)
    (place / "submission_101").mkdir()
    (place / "submission_102").mkdir()

    ada, group = find(place, tmp_path).submissions

    assert ada.id == "submission_101"
    assert vars(ada.students[0]) == {
        "id": "007",
        "name": "Ada Lovelace",
        "email": "ada@example.edu",
    }
    assert [s.id for s in group.students] == ["0123", "bob@example.edu"]


def test_gradescope_submission_that_is_listed_and_absent_is_named(place, tmp_path):
    (place / "submission_metadata.yml").write_text(METADATA)
    (place / "submission_101").mkdir()

    assert any("submission_102" in line for line in find(place, tmp_path).remarks)


@pytest.mark.parametrize(
    "text", ["[1, 2]", "a: [", "submission_1: 5", "!!python/object/apply:os.system [x]"]
)
def test_gradescope_metadata_that_is_none_is_refused(text, place, tmp_path):
    (place / "submission_metadata.yml").write_text(text)
    (place / "submission_1").mkdir()

    with pytest.raises(ValueError, match="is not Gradescope's list"):
        find(place, tmp_path)


@pytest.mark.parametrize(
    "name",
    ["Ada Lovelace_4321_assignsubmission_file_hand-in.zip",
     "Ada_de_Lovelace_4321_assignsubmission_file_hand-in.zip"],
)  # fmt: skip
def test_moodle_file_names_the_student(name, place, tmp_path):
    add_zip(place, name)

    (found,) = find(place, tmp_path).submissions

    assert found.id == "4321"
    assert found.students[0].name.endswith("Lovelace")
    assert found.sources[0][1] == "hand-in.zip"


def test_moodle_folders_of_one_student_are_one_hand_in(place, tmp_path):
    (place / "Ada Lovelace_4321_assignsubmission_file_").mkdir()
    (place / "Ada Lovelace_4321_assignsubmission_onlinetext_").mkdir()

    (found,) = find(place, tmp_path).submissions

    assert len(found.sources) == 2


def test_canvas_files_of_one_student_are_one_hand_in(place, tmp_path):
    add_zip(place, "lovelaceada_55_901_hand-in.zip")
    (place / "lovelaceada_55_902_layers-1.py").write_bytes(CODE)
    add_zip(place, "hoppergrace_LATE_56_903_hand-in-2.zip")

    ada, grace = find(place, tmp_path).submissions

    assert (ada.id, ada.late, [name for _, name in ada.sources]) == (
        "55", False, ["hand-in.zip", "layers-1.py"],
    )  # fmt: skip
    assert (grace.id, grace.late, grace.students[0].name) == ("56", True, "hoppergrace")


def test_export_that_was_not_unpacked_is_unpacked(place, tmp_path):
    export = tmp_path / "export.zip"
    with zipfile.ZipFile(export, "w") as archive:
        archive.writestr("assignment_1_export/submission_metadata.yml", METADATA)
        archive.writestr("assignment_1_export/submission_101/layers.py", CODE)
        archive.writestr("assignment_1_export/submission_102/../../../evil.py", CODE)

    found = find(export, tmp_path)

    assert [s.id for s in found.submissions] == ["submission_101", "submission_102"]
    assert not (tmp_path / "evil.py").exists()


def test_one_hand_in_by_itself_is_a_class_of_one(place, tmp_path):
    add_zip(place, "ada.zip")

    (found,) = find(place / "ada.zip", tmp_path).submissions

    assert found.id == "ada"


def test_other_files_are_passed_over_and_named(place, tmp_path):
    add_zip(place, "ada.zip")
    (place / "roster.csv").write_text("x")
    (place / ".DS_Store").write_text("x")

    assert find(place, tmp_path).remarks == ("roster.csv is no hand-in and was passed over",)


def test_accents_of_macos_are_the_same_student(place, tmp_path):
    add_zip(place, unicodedata.normalize("NFD", "zoë.zip"))

    assert find(place, tmp_path).submissions[0].id == unicodedata.normalize("NFC", "zoë")


def test_empty_folder_and_missing_place_are_refused(place, tmp_path):
    with pytest.raises(ValueError, match="no hand-in"):
        find(place, tmp_path)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        find(tmp_path / "nowhere", tmp_path)

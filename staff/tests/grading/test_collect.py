"""Hand-ins are found in what each platform gives out, and told apart by student."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from staff.tests.grading.hostile_zips import CODE
from staff.tests.grading.uploads import METADATA, add_zip, find


def test_plain_folders_and_zips_are_hand_ins_by_their_names(uploads, tmp_path):
    add_zip(uploads, "ada.zip")
    (uploads / "bob").mkdir()

    found = find(uploads, tmp_path)

    assert [s.id for s in found.submissions] == ["ada", "bob"]
    assert found.remarks == ()


def test_gradescope_names_students_and_groups(uploads, tmp_path):
    (uploads / "submission_metadata.yml").write_text(METADATA)
    (uploads / "submission_101").mkdir()
    (uploads / "submission_102").mkdir()

    ada, group = find(uploads, tmp_path).submissions

    assert ada.id == "submission_101"
    assert vars(ada.students[0]) == {
        "id": "007",
        "name": "Ada Lovelace",
        "email": "ada@example.edu",
    }
    assert [s.id for s in group.students] == ["0123", "bob@example.edu"]


def test_gradescope_submission_that_is_listed_and_absent_is_named(uploads, tmp_path):
    (uploads / "submission_metadata.yml").write_text(METADATA)
    (uploads / "submission_101").mkdir()

    assert any("submission_102" in line for line in find(uploads, tmp_path).remarks)


@pytest.mark.parametrize(
    "text", ["[1, 2]", "a: [", "submission_1: 5", "!!python/object/apply:os.system [x]"]
)
def test_gradescope_metadata_that_is_none_is_refused(text, uploads, tmp_path):
    (uploads / "submission_metadata.yml").write_text(text)
    (uploads / "submission_1").mkdir()

    with pytest.raises(ValueError, match="is not Gradescope's list"):
        find(uploads, tmp_path)


@pytest.mark.parametrize(
    "name",
    ["Ada Lovelace_4321_assignsubmission_file_hand-in.zip",
     "Ada_de_Lovelace_4321_assignsubmission_file_hand-in.zip"],
)  # fmt: skip
def test_moodle_file_names_the_student(name, uploads, tmp_path):
    add_zip(uploads, name)

    (found,) = find(uploads, tmp_path).submissions

    assert found.id == "4321"
    assert found.students[0].name.endswith("Lovelace")
    assert found.sources[0][1] == "hand-in.zip"


def test_moodle_folders_of_one_student_are_one_hand_in(uploads, tmp_path):
    (uploads / "Ada Lovelace_4321_assignsubmission_file_").mkdir()
    (uploads / "Ada Lovelace_4321_assignsubmission_onlinetext_").mkdir()

    (found,) = find(uploads, tmp_path).submissions

    assert len(found.sources) == 2


def test_canvas_files_of_one_student_are_one_hand_in(uploads, tmp_path):
    add_zip(uploads, "lovelaceada_55_901_hand-in.zip")
    (uploads / "lovelaceada_55_902_layers-1.py").write_bytes(CODE)
    add_zip(uploads, "hoppergrace_LATE_56_903_hand-in-2.zip")

    ada, grace = find(uploads, tmp_path).submissions

    assert (ada.id, ada.late, [name for _, name in ada.sources]) == (
        "55", False, ["hand-in.zip", "layers-1.py"],
    )  # fmt: skip
    assert (grace.id, grace.late, grace.students[0].name) == ("56", True, "hoppergrace")


def test_one_hand_in_by_itself_is_a_class_of_one(uploads, tmp_path):
    add_zip(uploads, "ada.zip")

    (found,) = find(uploads / "ada.zip", tmp_path).submissions

    assert found.id == "ada"


def test_hand_in_in_which_one_stands_is_called_what_its_folder_is(hand_in, tmp_path, monkeypatch):
    monkeypatch.chdir(hand_in)

    (found,) = find(Path(), tmp_path).submissions

    assert found.id == hand_in.name


def test_other_files_are_passed_over_and_named(uploads, tmp_path):
    add_zip(uploads, "ada.zip")
    (uploads / "roster.csv").write_text("x")
    (uploads / ".DS_Store").write_text("x")

    assert find(uploads, tmp_path).remarks == ("roster.csv is no hand-in and was passed over",)


def test_accents_of_macos_are_the_same_student(uploads, tmp_path):
    add_zip(uploads, unicodedata.normalize("NFD", "zoë.zip"))

    assert find(uploads, tmp_path).submissions[0].id == unicodedata.normalize("NFC", "zoë")


def test_empty_folder_and_missing_place_are_refused(uploads, tmp_path):
    with pytest.raises(ValueError, match="no hand-in"):
        find(uploads, tmp_path)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        find(tmp_path / "nowhere", tmp_path)


@pytest.mark.parametrize("name", ["Ada  L", "Ada\u3000L", "Ada\xa0L"])
def test_id_has_one_blank_where_a_name_has_other_white_space(name, uploads, tmp_path):
    add_zip(uploads, f"{name}.zip")

    (found,) = find(uploads, tmp_path).submissions

    assert (found.id, found.students[0].id) == ("Ada L", "Ada L")


def test_file_that_cannot_be_read_is_no_other_file(uploads, tmp_path, monkeypatch):
    add_zip(uploads, "ada.zip")

    def no(self, *args, **kwargs):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", no)

    with pytest.raises(PermissionError):
        find(uploads / "ada.zip", tmp_path)

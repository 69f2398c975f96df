"""Whose hand-in is whose is never guessed: an upload is held until a person says."""

from __future__ import annotations

import unicodedata

import pytest

from staff.grading.intake.collect import collect
from staff.grading.intake.platform_lists import METADATA
from staff.grading.intake.submission import Student
from staff.tests.grading.hostile_zips import CODE
from staff.tests.grading.uploads import METADATA as LIST
from staff.tests.grading.uploads import add_zip, find, held, write_students


@pytest.mark.parametrize(
    "evil",
    ["lovelaceada_55_901_Grace_56_assignsubmission_file_x.zip",
     "Ada_55_assignsubmission_file_Grace_56_assignsubmission_file_x.zip"],
)  # fmt: skip
def test_name_that_can_be_read_in_two_ways_is_held_and_costs_nobody_anything(
    evil, uploads, tmp_path
):
    add_zip(uploads, "hopper_56_902_hand-in.zip")
    add_zip(uploads, evil)

    found = find(uploads, tmp_path)

    assert list(held(found)) == [evil]
    assert held(found)[evil].startswith("its name can be read in 2 ways")
    (grace,) = (s for s in found.submissions if s.id == "56")
    assert len(grace.sources) == 1


@pytest.mark.parametrize(
    "names",
    [
        ("lovelaceada_55_901_a.zip", "hoppergrace_55_902_a.zip"),
        ("Ada_55_assignsubmission_file_a.zip", "Bob_55_assignsubmission_file_a.zip"),
        ("lovelaceada_55_901_a.zip", "Ada_55_assignsubmission_file_a.zip"),
        ("ada.zip", "ada.ZIP"),
        (unicodedata.normalize("NFD", "zoë.zip"), unicodedata.normalize("NFC", "zoë.zip")),
        ("Ada L.zip", "Ada  L.zip"),
        ("Ada L.zip", "Ada\u3000L.zip"),
        ("=x.zip", "'=x.zip"),
        ("a b.zip", "a  b.ZIP"),
    ],
)
def test_uploads_that_would_merge_are_held(names, uploads, tmp_path):
    for name in names:
        add_zip(uploads, name)

    found = find(uploads, tmp_path)

    assert [bool(s.held) for s in found.submissions] == [True, True]
    assert all("would be one hand-in" in reason for reason in held(found).values())


NOBODY = "  - :name:\n    :sid:\n    :email:\n"


@pytest.mark.parametrize("people", ["  []\n", f"\n{NOBODY}", f"\n  - :name: Ada\n{NOBODY}"])
def test_submissions_whose_students_gradescope_does_not_name_are_held(people, uploads, tmp_path):
    entries = "".join(f"submission_{n}:\n  :submitters:{people}" for n in (101, 102))
    (uploads / METADATA).write_text(f"---\n{entries}")
    for number in (101, 102):
        (uploads / f"submission_{number}").mkdir()
    owners = write_students(tmp_path / "students.csv", "submission_101,ada")

    found = collect(uploads, tmp_path / "scratch", owners)

    assert {s.id: len(s.sources) for s in found.submissions} == {"ada": 1, "submission_102": 1}
    reason = "submission_metadata.yml does not name all whose it is; say in students.csv whose"
    assert held(found) == {"submission_102": f"{reason} it is"}


@pytest.fixture
def typed(uploads):
    """Return a function that gives out a class in which Grace has typed an id of her own."""

    def give(sid):
        (uploads / METADATA).write_text(LIST.replace("0123", f'"{sid}"'))
        for number in (101, 102):
            (uploads / f"submission_{number}").mkdir()

    return give


@pytest.mark.parametrize("sid", ["submission_101", "submission_9", "by mail"])
def test_student_s_id_that_is_a_hand_in_is_held_and_costs_that_one_nothing(
    sid, typed, uploads, tmp_path
):
    typed(sid)
    add_zip(uploads, "by mail.zip")
    add_zip(uploads, "late.zip")
    owners = write_students(tmp_path / "students.csv", "late.zip,submission_101")

    found = collect(uploads, tmp_path / "scratch", owners)

    reason = f"it gives {sid}, the id of a hand-in, as a student's; say in students.csv whose it is"
    assert held(found) == {"submission_102": reason}
    sources = {s.id: len(s.sources) for s in found.submissions}
    assert sources == {"submission_101": 2, "submission_102": 1, "by mail": 1}
    (grace,) = (s for s in found.submissions if s.held)
    assert grace.perhaps == {"submission_102", sid, "bob@example.edu"}


def test_number_of_canvas_s_is_another_hand_in_than_gradescope_s_of_a_student(
    typed, uploads, tmp_path
):
    typed("55")
    add_zip(uploads, "hoppergrace_55_901_a.zip")
    add_zip(uploads, "late.zip")
    owners = write_students(tmp_path / "students.csv", "late.zip,55")

    found = collect(uploads, tmp_path / "scratch", owners)

    assert held(found) == {}
    sources = {s.id: len(s.sources) for s in found.submissions}
    assert sources == {"submission_101": 1, "submission_102": 1, "55": 2}


def test_person_cannot_say_whose_two_uploads_of_one_name_are(uploads, tmp_path):
    add_zip(uploads, "Ada L.zip")
    add_zip(uploads, "Ada  L.zip")
    owners = write_students(tmp_path / "students.csv", "Ada L.zip,ada")

    found = collect(uploads, tmp_path / "scratch", owners)

    assert [s.held for s in found.submissions] == [
        "2 of this name would be one hand-in; rename all but one"
    ] * 2
    assert found.absent == ()


def test_folder_and_zip_of_one_name_are_held(uploads, tmp_path):
    add_zip(uploads, "ada.zip")
    (uploads / "ada").mkdir()

    assert set(held(find(uploads, tmp_path))) == {"ada", "ada.zip"}


def test_link_is_held(uploads, tmp_path):
    (tmp_path / "secret").mkdir()
    (uploads / "eve").symlink_to(tmp_path / "secret")
    add_zip(uploads, "ada.zip")

    found = find(uploads, tmp_path)

    assert "it is a link" in held(found)["eve"]
    assert str(tmp_path) not in held(found)["eve"]


def test_person_says_whose_it_is(uploads, tmp_path):
    add_zip(uploads, "hopper_56_902_hand-in.zip")
    evil = "lovelaceada_55_901_Grace_56_assignsubmission_file_x.zip"
    add_zip(uploads, evil)
    add_zip(uploads, "ada.zip")
    (uploads / "ada").mkdir()
    owners = write_students(tmp_path / "students.csv", f"{evil},55", "ada.zip,ada", "ada,-",
                            "nowhere.zip,ada")  # fmt: skip

    found = collect(uploads, tmp_path / "scratch", owners)

    assert held(found) == {}
    assert {s.id: [p.name for p, _ in s.sources] for s in found.submissions} == {
        "55": [evil], "56": ["hopper_56_902_hand-in.zip"], "ada": ["ada.zip"],
    }  # fmt: skip
    assert [line.rpartition("/")[2] for line in found.absent] == [
        "students.csv, line 5: nowhere.zip is not among the uploads, expected the name of one"
    ]


def test_assigned_upload_is_called_as_the_student_called_it(uploads, tmp_path):
    name = "doubledora_102_9901_Bob_4321_assignsubmission_file_layers.py"
    (uploads / name).write_bytes(CODE)
    owners = write_students(tmp_path / "students.csv", f"{name},102")

    (dora,) = collect(uploads, tmp_path / "scratch", owners).submissions

    assert [given for _, given in dora.sources] == ["layers.py"]
    assert dora.assigned == (name,)


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["a.zip,"], "line 2: upload 'a.zip', student ''"),
        (["a.zip,x", "a.zip,y"], "line 3: a.zip has"),
    ],
)
def test_table_of_students_with_an_error_is_refused_by_line(lines, says, tmp_path):
    with pytest.raises(ValueError, match=says):
        write_students(tmp_path / "students.csv", *lines)


def test_students_of_one_id_are_named_and_one_who_is_given_another_keeps_the_name(
    typed, uploads, tmp_path
):
    typed("007")

    said = held(collect(uploads, tmp_path / "scratch"))["submission_102"]
    assert "several give the id 007: submission_101 (Ada Lovelace ada@example.edu), " in said
    owners = write_students(tmp_path / "students.csv", "submission_101,99")
    found = collect(uploads, tmp_path / "scratch", owners)
    students = {s.id: s.students for s in found.submissions}
    assert students["99"] == (Student("99", "Ada Lovelace", "ada@example.edu"),)

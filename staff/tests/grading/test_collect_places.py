"""Several places of one class: whose uploads a later one brings is said, or left to a person."""

from __future__ import annotations

import shutil

import pytest

from staff.grading.intake.collect import collect
from staff.tests.grading.hostile_zips import CODE, make_zip
from staff.tests.grading.uploads import METADATA, held, write_students

ADA, BOB = (f"{name}_assignsubmission_file_" for name in ("Ada L_55", "Bob Builder_1234"))
NEW, CURE = (
    "of who is in no earlier place",
    "; if one is of somebody's who is, say so in students.csv",
)
LIST = "submission_99:\n  :submitters:\n  - :name: Ada Lovelace\n    :sid: '007'\n"


@pytest.fixture
def moodle(uploads):
    for name in (ADA, BOB):
        (uploads / name).mkdir()
        (uploads / name / "layers.py").write_bytes(CODE)
    return uploads


def late(tmp_path, *tops, name="late.zip"):
    path = tmp_path / name
    path.write_bytes(make_zip({f"{top}/layers.py": CODE + b"\n" for top in tops}))
    return path


def look(tmp_path, *places, owners=None):
    return collect(places, tmp_path / "scratch", owners)


def sources(found):
    return {s.id: len(s.sources) for s in found.submissions}


def test_later_place_says_whose_uploads_it_brings(moodle, tmp_path):
    found = look(tmp_path, moodle, late(tmp_path, BOB, ADA, "Cyn_77_assignsubmission_file_"))

    assert found.aloud == (
        "late.zip brings newer or further uploads of 2 hand-ins: Ada L (55), Bob Builder (1234)",
        f"late.zip brings 1 hand-in {NEW}: Cyn (77){CURE}",
    )
    assert found.notices == found.aloud
    assert sources(found) == {"1234": 2, "55": 2, "77": 1}


def test_many_are_counted_and_the_first_are_named(uploads, tmp_path):
    tops = [f"S{n}_{n}_assignsubmission_file_" for n in range(100, 131)]
    for top in tops:
        (uploads / top).mkdir()

    (said,) = look(tmp_path, uploads, late(tmp_path, *tops)).aloud

    assert said.startswith("late.zip brings newer or further uploads of 31 hand-ins: S100 (100), ")
    assert said.endswith(" and 11 more")


@pytest.mark.parametrize("first", [True, False])
def test_zip_of_one_student_who_is_in_the_class_is_held(first, moodle, tmp_path):
    zip_ = late(tmp_path, BOB)

    found = look(tmp_path, *((zip_, moodle) if first else (moodle, zip_)))

    reason = "all in it is of one student, who is in another place too; say in students.csv"
    assert held(found) == {"late.zip": f"{reason} whose it is"}
    assert sources(found) == {"1234": 1, "55": 1, "late.zip": 1}
    assert found.aloud == ()


def test_zip_with_a_list_of_gradescope_s_of_its_own_is_held(uploads, tmp_path):
    (uploads / "submission_metadata.yml").write_text(METADATA)
    (uploads / "submission_101").mkdir()
    evil = tmp_path / "evil.zip"
    time = "  :created_at: 2030-01-01 10:00:00 Z\n"
    evil.write_bytes(
        make_zip({"submission_metadata.yml": (LIST + time).encode(), "submission_99/a.py": CODE})
    )

    found = look(tmp_path, uploads, evil)

    assert list(held(found)) == ["evil.zip"]
    (ada,) = (s for s in found.submissions if s.id == "submission_101")
    assert ada.remarks == ()


def test_hand_in_named_as_one_of_the_class_is_held_and_costs_that_one_nothing(moodle, tmp_path):
    (moodle / "eve").mkdir()
    found = look(tmp_path, moodle, late(tmp_path, "cs682", name="eve.zip"))

    assert list(held(found)) == ["eve.zip"]
    assert sources(found)["eve"] == 1


def test_zip_of_one_student_who_is_nowhere_else_is_taken(moodle, tmp_path):
    found = look(tmp_path, moodle, late(tmp_path, "Cyn_77_assignsubmission_file_"))

    said = (f"late.zip brings 1 hand-in {NEW}: Cyn (77){CURE}",)
    assert (held(found), found.aloud) == ({}, said)


@pytest.mark.parametrize(
    ("said", "counts"),
    [("1234", {"1234": 2, "55": 1}), ("55", {"1234": 1, "55": 2}), ("-", {"1234": 1, "55": 1})],
)
def test_person_says_whose_a_zip_is(said, counts, moodle, tmp_path):
    owners = write_students(tmp_path / "students.csv", f"late.zip,{said}")

    found = look(tmp_path, moodle, late(tmp_path, BOB), owners=owners)

    assert (held(found), found.absent) == ({}, ())
    assert sources(found) == counts
    assert len(found.aloud) == (said == "1234")


def test_zip_with_a_class_in_it_counts_as_a_person_says(moodle, tmp_path):
    owners = write_students(tmp_path / "students.csv", "late.zip,55")
    zip_ = late(tmp_path, f"x/{ADA}", f"x/{BOB}", "y")

    assert list(held(look(tmp_path, moodle, zip_))) == ["late.zip"]
    found = look(tmp_path, moodle, zip_, owners=owners)

    assert (held(found), found.absent) == ({}, ())
    assert sources(found) == {"1234": 1, "55": 2}


def test_upload_of_one_name_in_two_places_counts_as_it_is_in_the_first(tmp_path):
    name = "lovelaceada_12_345_layers.py"
    for place, code in (("old", CODE), ("new", CODE + b"\n"), ("again", CODE)):
        (tmp_path / place).mkdir()
        (tmp_path / place / name).write_bytes(code)

    found = look(tmp_path, *(tmp_path / place for place in ("old", "new", "again")))

    assert [path.parent.name for path, _ in found.submissions[0].sources] == ["old"]
    assert found.aloud == (f"{name} is not the same in old and new: that in old counts",)


def test_place_and_name_tell_two_uploads_of_one_name_apart(tmp_path):
    for place in ("one", "two"):
        (tmp_path / place / "007" / "cs682").mkdir(parents=True)
        (tmp_path / place / "007" / "cs682" / "layers.py").write_bytes(CODE)
    places = [tmp_path / "one", tmp_path / "two"]
    owners = write_students(tmp_path / "students.csv", "one/007,-")

    reason = "one/007 and two/007 would be one hand-in; say in students.csv whose it is, by these"
    assert held(look(tmp_path, *places)) == {"007": f"{reason} names"}
    found = look(tmp_path, *places, owners=owners)
    assert [path.parent.name for path, _ in found.submissions[0].sources] == ["two"]
    assert found.absent == ()


def gradescope(folder, number, people):
    (folder / f"submission_{number}").mkdir(parents=True)
    submitters = "".join(f"  - :name: {name}\n    :sid: '{id_}'\n" for name, id_ in people)
    text = f"submission_{number}:\n  :submitters:\n{submitters}"
    time = f"  :created_at: 2024-02-0{number} 10:00:00 Z\n"
    (folder / "submission_metadata.yml").write_text(text + time)
    return folder


def test_upload_given_to_a_pair_is_of_both_and_counts_once_in_two_exports(tmp_path):
    pair = [("Ron", 318), ("Sue", 319)]
    places = [gradescope(tmp_path / place, 1, pair) for place in ("one", "two")]
    zip_ = late(tmp_path, "work/cs682")
    lines = ("late.zip,submission_1", "submission_1,-")
    owners = write_students(tmp_path / "students.csv", *lines)

    (found,) = look(tmp_path, *places, zip_, owners=owners).submissions
    assert {(s.id, s.name) for s in found.students} == {("318", "Ron"), ("319", "Sue")}
    owners = write_students(tmp_path / "students.csv", "submission_1,318")
    (found,) = look(tmp_path, *places, owners=owners).submissions
    assert len(found.sources) == 1


def test_who_is_passed_over_in_an_earlier_place_is_not_new_in_a_later_one(tmp_path):
    places = [gradescope(tmp_path / f"{n}", n, [("Ada", 7)]) for n in (1, 2)]
    places.insert(0, gradescope(tmp_path / "3", 3, [("Bob", 8)]))
    owners = write_students(tmp_path / "students.csv", "submission_1,-")

    assert look(tmp_path, *places, owners=owners).aloud == ()


def test_uploads_that_a_later_place_gives_out_again_are_not_named(moodle, tmp_path):
    again = tmp_path / "again" / moodle.name
    shutil.copytree(moodle, again)
    (again / BOB / "layers.py").write_bytes(CODE + b"\n")

    (said,) = look(tmp_path, moodle, again).aloud

    assert said == f"{again} brings newer or further uploads of 1 hand-in: Bob Builder (1234)"


def test_hand_in_by_itself_behind_the_class_is_named_until_a_person_says_whose_it_is(
    moodle, tmp_path
):
    path = late(tmp_path, "work/cs682")
    owners = write_students(tmp_path / "students.csv", "late.zip,1234")

    assert look(tmp_path, moodle, path).aloud == (f"late.zip brings 1 hand-in {NEW}: late{CURE}",)
    assert look(tmp_path, moodle, path, owners=owners).aloud == ()


def test_zips_of_one_name_in_two_folders_are_held_whatever_is_said_of_that_name(moodle, tmp_path):
    for folder in ("fin", "mia"):
        (tmp_path / folder).mkdir()
    zips = [late(tmp_path / folder, "work/cs682", name="hand-in.zip") for folder in ("fin", "mia")]
    owners = write_students(tmp_path / "students.csv", "hand-in.zip,1234")

    found = look(tmp_path, moodle, *zips, owners=owners)

    reason = "2 of this name would be one hand-in; rename all but one"
    assert held(found) == {"hand-in.zip": reason}
    assert [s.id for s in found.submissions if s.held] == ["hand-in.zip"] * 2
    assert sources(found)["1234"] == 1
    assert found.absent == ()

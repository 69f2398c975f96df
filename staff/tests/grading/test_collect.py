"""Hand-ins are found in what each platform gives out, and told apart by student."""

from __future__ import annotations

import io
import shutil
import unicodedata
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from staff.grading.intake import whole_class
from staff.grading.intake.collect import collect, read_owners
from staff.grading.intake.sheets import Faults
from staff.grading.intake.zip_table import count_entries
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


def write_export(path: Path, *names: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            content = METADATA if name.endswith(".yml") else CODE
            archive.writestr(name, content)
    return path


def test_export_that_would_fill_more_than_half_of_the_disk_is_refused(tmp_path, monkeypatch):
    export = write_export(tmp_path / "export.zip", "submission_metadata.yml")
    free = 2 * len(METADATA) - 2
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))

    with pytest.raises(ValueError, match=rf"unpacks to {len(METADATA)} bytes, but only {free}"):
        find(export, tmp_path)


MOODLE = "Eve_66_assignsubmission_file_"


@pytest.mark.parametrize(
    ("top", "other", "ids"),
    [
        (MOODLE, [], ["66"]),
        (MOODLE, ["Ada_55_assignsubmission_file_/layers.py"], ["55", "66"]),
        (f"{MOODLE}/work", ["Ada_55_assignsubmission_file_/layers.py"], ["55", "66"]),
        ("eve", ["ada.zip"], ["ada", "eve"]),
    ],
)
def test_list_that_a_student_hands_in_replaces_no_class(top, other, ids, tmp_path):
    (tmp_path / "scratch").mkdir()
    evil = [f"{top}/submission_metadata.yml", f"{top}/submission_101/layers.py"]

    found = find(write_export(tmp_path / "export.zip", *evil, *other), tmp_path)

    assert [s.id for s in found.submissions] == ids
    assert held(found).keys() <= {"eve"}  # whose folder looks like a class


def test_list_deep_in_a_hand_in_makes_it_no_class(place, tmp_path):
    write_export(place / "eve.zip", "a/b/submission_metadata.yml", "a/cs682/layers.py")

    assert held(find(place, tmp_path)) == {}
    assert [s.id for s in find(place / "eve.zip", tmp_path).submissions] == ["eve"]


@pytest.mark.parametrize("text", ["a: [", "[" * 5000])
def test_zip_with_a_list_that_is_none_is_held_and_costs_nobody_anything(text, place, tmp_path):
    add_zip(place, "ada.zip")
    evil = tmp_path / "eve.zip"
    evil.write_bytes(make_zip({"submission_metadata.yml": text.encode(), "submission_1/a.py": b""}))

    found = collect([place, evil], tmp_path / "scratch")

    assert list(held(found)) == ["eve.zip"]
    assert held(found)["eve.zip"].startswith("eve.zip/submission_metadata.yml is not Gradescope's")


def test_one_hand_in_by_itself_is_a_class_of_one(place, tmp_path):
    add_zip(place, "ada.zip")

    (found,) = find(place / "ada.zip", tmp_path).submissions

    assert found.id == "ada"


def test_hand_in_in_which_one_stands_is_called_what_its_folder_is(hand_in, tmp_path, monkeypatch):
    monkeypatch.chdir(hand_in)

    (found,) = find(Path(), tmp_path).submissions

    assert found.id == hand_in.name


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


# --- whose hand-in is whose is never guessed


def held(found):
    return {s.id: s.held for s in found.submissions if s.held}


def test_name_that_fits_two_forms_is_held_and_costs_nobody_anything(place, tmp_path):
    add_zip(place, "hopper_56_902_hand-in.zip")
    evil = "lovelaceada_55_901_Grace_56_assignsubmission_file_x.zip"
    add_zip(place, evil)

    found = find(place, tmp_path)

    assert list(held(found)) == [evil]
    assert "can be read in 2 ways" in held(found)[evil]
    (grace,) = (s for s in found.submissions if s.id == "56")
    assert len(grace.sources) == 1


def test_moodle_name_inside_of_a_moodle_name_is_held(place, tmp_path):
    add_zip(place, "Ada_1_assignsubmission_file_Bob_2_assignsubmission_file_x.zip")

    assert next(iter(held(find(place, tmp_path)).values())).startswith("its name can be read in 2")


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
def test_uploads_that_would_merge_are_held(names, place, tmp_path):
    for name in names:
        add_zip(place, name)

    found = find(place, tmp_path)

    assert [bool(s.held) for s in found.submissions] == [True, True]
    assert all("would be one hand-in" in reason for reason in held(found).values())


def test_person_cannot_say_whose_two_uploads_of_one_name_are(place, tmp_path):
    add_zip(place, "Ada L.zip")
    add_zip(place, "Ada  L.zip")
    owners = write_students(tmp_path / "students.csv", "Ada L.zip,ada")

    found = collect(place, tmp_path / "scratch", owners)

    assert [s.held for s in found.submissions] == [
        "2 of this name would be one hand-in; rename all but one"
    ] * 2
    assert found.absent == ()


@pytest.mark.parametrize("name", ["Ada  L", "Ada\u3000L", "Ada\xa0L"])
def test_id_has_one_blank_where_a_name_has_other_white_space(name, place, tmp_path):
    add_zip(place, f"{name}.zip")

    (found,) = find(place, tmp_path).submissions

    assert (found.id, found.students[0].id) == ("Ada L", "Ada L")


def test_folder_and_zip_of_one_name_are_held(place, tmp_path):
    add_zip(place, "ada.zip")
    (place / "ada").mkdir()

    assert set(held(find(place, tmp_path))) == {"ada", "ada.zip"}


def test_link_is_held(place, tmp_path):
    (tmp_path / "secret").mkdir()
    (place / "eve").symlink_to(tmp_path / "secret")
    add_zip(place, "ada.zip")

    found = find(place, tmp_path)

    assert "it is a link" in held(found)["eve"]
    assert str(tmp_path) not in held(found)["eve"]


def test_zip_that_looks_like_a_class_is_held_and_a_zip_of_zips_is_not(place, tmp_path):
    (place / "bob.zip").write_bytes(make_zip({"submission_metadata.yml": METADATA.encode()}))
    (place / "eve.zip").write_bytes(make_zip({"hand-in.zip": make_zip({"layers.py": CODE})}))

    assert set(held(find(place, tmp_path))) == {"bob.zip"}


NOTE = {"cs682/layers.py": CODE, "notes_2026_11_30.txt": b""}


def test_name_of_a_platform_s_form_in_a_hand_in_makes_it_no_class(place, tmp_path):
    (place / "bob.zip").write_bytes(make_zip(NOTE))

    for given in (place, place / "bob.zip"):
        found = find(given, tmp_path)
        assert [s.id for s in found.submissions] == ["bob"]
        assert held(found) == {}


@pytest.mark.parametrize(
    "names",
    [
        ["moodle/Ada_1_assignsubmission_file_/a.zip", "moodle/Bob_2_assignsubmission_file_/a.zip"],
        ["canvas/lovelaceada_55_901_a.zip", "canvas/hoppergrace_LATE_56_902_a.zip", "plain/a.py"],
        ["gradescope/submission_metadata.yml", "plain/a.py"],
    ],
)
def test_zip_of_a_folder_that_is_a_class_is_held_and_the_folder_is_named(names, place, tmp_path):
    (place / "a.zip").write_bytes(make_zip(dict.fromkeys(names, METADATA.encode())))

    for given in (place, place / "a.zip"):
        assert (
            f"unpack it and give its {names[0].split('/')[0]}"
            in held(find(given, tmp_path))["a.zip"]
        )


def test_zip_with_the_package_at_its_top_is_a_hand_in_whatever_else_is_in_it(place, tmp_path):
    names = ["a/b_55_901_a.npz", "a/c_56_902_d.npz", "cs682/layers.py"]
    (place / "a.zip").write_bytes(make_zip(dict.fromkeys(names, CODE)))

    assert held(find(place, tmp_path)) == {}


def stored(files, comment=b""):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.comment = comment
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize("limit", [zipfile.ZIP64_LIMIT, 100])  # the second makes long records
@pytest.mark.parametrize("comment", [b"", b"of the platform"])
def test_marks_of_a_table_in_an_upload_do_not_count(comment, limit, tmp_path, monkeypatch):
    monkeypatch.setattr(whole_class, "MAX_EXPORT", 2)
    evil = stored({"cs682/layers.py": CODE, "notes.bin": b"PK\1\2" * 50})
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", limit)
    export = tmp_path / "export.zip"
    export.write_bytes(stored({"ada_55_901_a.zip": CODE, "eve_56_902_b.zip": evil}, comment))

    assert (b"PK\6\6" in export.read_bytes()) == (limit == 100)
    assert count_entries(export) == 2
    assert [s.id for s in find(export, tmp_path).submissions] == ["55", "56"]


def test_file_without_an_end_record_has_no_entries(tmp_path):
    for content in (b"", b"PK\1\2" * 50, b"PK\1\2" * 50 + b"PK\5\6"):
        (tmp_path / "a.zip").write_bytes(content)
        assert count_entries(tmp_path / "a.zip") == 0


def test_place_that_is_too_large_is_refused_by_name_and_an_upload_is_not(
    place, tmp_path, monkeypatch
):
    monkeypatch.setattr(whole_class, "MAX_EXPORT", 20)
    (place / "eve.zip").write_bytes(make_zip({f"{i}.py": b"" for i in range(21)}))
    add_zip(place, "ada.zip")

    assert [s.id for s in find(place, tmp_path).submissions] == ["ada", "eve"]
    with pytest.raises(ValueError, match=r"eve.zip holds 21 files, more than 20"):
        find(place / "eve.zip", tmp_path)


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ("a", ["Ada_1_assignsubmission_file_/a.zip", "Bob_2_assignsubmission_file_/a.zip"]),
        ("a", ["lovelaceada_55_901_a.zip", "hoppergrace_LATE_56_902_a.zip"]),
        ("a", ["submission_metadata.yml", "submission_101/layers.py"]),
        ("a/b", ["submission_metadata.yml", "submission_101/layers.py"]),
        ("a/b", ["lovelaceada_55_901_a.zip", "hoppergrace_LATE_56_902_a.zip"]),
    ],
)
def test_folder_that_holds_a_class_is_held_and_the_one_to_give_is_named(
    given, names, place, tmp_path
):
    (place / "zoe").mkdir()
    for name in names:
        (place / given / name).parent.mkdir(parents=True, exist_ok=True)
        (place / given / name).write_text(METADATA)

    reasons = held(find(place, tmp_path))

    assert list(reasons) == ["a"]
    assert f"give {place / given} to grade" in reasons["a"]


@pytest.mark.parametrize(
    "names",
    [
        ["lovelaceada_55_901_hand-in.zip", "lovelaceada_55_902_layers.py"],  # of one student
        ["net_1_64_a.npz", "net_2_64_b.npz"],  # a student's own names
        ["cs682/a_1_2_b.py", "cs682/c_3_4_d.py"],
    ],
)
def test_folder_of_one_student_is_a_hand_in_whatever_is_in_it(names, place, tmp_path):
    for name in names:
        (place / "ada" / name).parent.mkdir(parents=True, exist_ok=True)
        (place / "ada" / name).write_bytes(CODE)

    found = find(place, tmp_path)

    assert [s.id for s in found.submissions] == ["ada"]
    assert held(found) == {}


def write_students(path, *lines):
    path.write_text("\n".join(["upload,student", *lines]) + "\n")
    with Faults() as faults:
        return read_owners(path, faults)


def test_person_says_whose_it_is(place, tmp_path):
    add_zip(place, "hopper_56_902_hand-in.zip")
    evil = "lovelaceada_55_901_Grace_56_assignsubmission_file_x.zip"
    add_zip(place, evil)
    add_zip(place, "ada.zip")
    (place / "ada").mkdir()
    owners = write_students(tmp_path / "students.csv", f"{evil},55", "ada.zip,ada", "ada,-",
                            "nowhere.zip,ada")  # fmt: skip

    found = collect(place, tmp_path / "scratch", owners)

    assert held(found) == {}
    assert {s.id: [p.name for p, _ in s.sources] for s in found.submissions} == {
        "55": [evil], "56": ["hopper_56_902_hand-in.zip"], "ada": ["ada.zip"],
    }  # fmt: skip
    assert [line.rpartition("/")[2] for line in found.absent] == [
        "students.csv, line 5: nowhere.zip is not among the uploads, expected the name of one"
    ]


def test_assigned_upload_is_called_as_the_student_called_it(place, tmp_path):
    name = "doubledora_102_9901_Bob_4321_assignsubmission_file_layers.py"
    (place / name).write_bytes(CODE)
    owners = write_students(tmp_path / "students.csv", f"{name},102")

    (dora,) = collect(place, tmp_path / "scratch", owners).submissions

    assert [given for _, given in dora.sources] == ["layers.py"]
    assert dora.assigned == (name,)


@pytest.mark.parametrize(
    "name",
    ["lovelaceada_LATE_55_901_Bob_4321_assignsubmission_file_x.zip", "x_LATE_56_901_a.zip"],
)
@pytest.mark.parametrize("beside", [(), ("lovelaceada_55_950_hand-in.zip",)])
def test_canvas_s_mark_stays_with_an_upload_that_is_assigned(name, beside, place, tmp_path):
    for each in (name, *beside):
        add_zip(place, each)
    owners = write_students(tmp_path / "students.csv", f"{name},55")

    (ada,) = collect(place, tmp_path / "scratch", owners).submissions

    assert (ada.id, ada.late) == ("55", True)


def test_gradescope_s_time_stays_with_an_upload_that_is_assigned(place, tmp_path):
    (place / "submission_metadata.yml").write_text(METADATA)
    for name in ("submission_101", "submission_102"):
        (place / name).mkdir()
    owners = write_students(tmp_path / "students.csv", "submission_101,bob")

    bob, _ = collect(place, tmp_path / "scratch", owners).submissions

    assert (bob.id, bob.submitted) == ("bob", "2024-02-01 10:00:00 -05:00")


@pytest.mark.parametrize("owner", ["4321", "17"])
def test_moodle_s_time_stays_with_an_upload_that_is_assigned(owner, place, tmp_path):
    name = "Ada_4321_assignsubmission_file_a.zip"
    add_zip(place, name)
    add_worksheet(place / "worksheet.csv", "4321", "10")
    owners = write_students(tmp_path / "students.csv", f"{name},{owner}")

    (ada,) = collect(place, tmp_path / "scratch", owners).submissions

    assert (ada.id, ada.submitted) == (owner, "2024-02-01T22:05:00")


def test_no_time_is_known_of_an_upload_that_is_assigned_and_not_named_by_a_platform(
    place, tmp_path
):
    add_zip(place, "Ada_4321_assignsubmission_file_a.zip")
    add_zip(place, "by mail.zip")
    add_worksheet(place / "worksheet.csv", "4321", "10")
    owners = write_students(tmp_path / "students.csv", "by mail.zip,4321")

    (ada,) = collect(place, tmp_path / "scratch", owners).submissions

    assert ada.submitted == ""


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


# --- of two versions the newest counts


def test_second_canvas_export_in_the_same_folder_gives_the_newer_version(place, tmp_path):
    add_zip(place, "lovelaceada_55_901_hand-in.zip")
    add_zip(place, "lovelaceada_LATE_55_950_hand-in-1.zip")

    (ada,) = find(place, tmp_path).submissions

    assert ada.versions == (0, 1)
    assert [name for _, name in ada.sources] == ["hand-in.zip", "hand-in-1.zip"]
    assert ada.late


def test_newer_submission_on_gradescope_replaces_the_older(place, tmp_path):
    first = METADATA.split("submission_102")[0].replace("---\n", "")
    second = first.replace("101", "150").replace("02-01", "02-03")
    (place / "submission_metadata.yml").write_text("---\n" + first + second)
    for name in ("submission_101", "submission_150", "submission_99"):
        (place / name).mkdir()

    found = find(place, tmp_path)

    (ada,) = found.submissions
    assert (ada.id, ada.submitted) == ("submission_150", "2024-02-03 10:00:00 -05:00")
    assert "submission_101" in ada.remarks[0]
    assert "submission_99 is not in submission_metadata.yml" in found.remarks[0]


def test_two_submissions_of_a_student_that_do_not_replace_each_other_are_held(place, tmp_path):
    both = METADATA.replace("0123", "'007'")
    (place / "submission_metadata.yml").write_text(both)
    for name in ("submission_101", "submission_102"):
        (place / name).mkdir()

    assert set(held(find(place, tmp_path))) == {"submission_101", "submission_102"}


def test_export_that_is_named_later_is_newer_on_moodle(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        add_zip(tmp_path / name, "Ada_4321_assignsubmission_file_hand-in.zip")

    (ada,) = collect([tmp_path / "one", tmp_path / "two"], tmp_path / "scratch").submissions

    assert ada.versions == (0, 1)
    assert [path.parent.name for path, _ in ada.sources] == ["one", "two"]
    assert [name for _, name in ada.sources] == ["one/hand-in.zip", "two/hand-in.zip"]


@pytest.mark.parametrize("timed", ["one", "two"])
def test_export_that_is_named_later_is_newer_where_a_worksheet_lacks(timed, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        add_zip(tmp_path / name, "Ada_4321_assignsubmission_file_hand-in.zip")
    add_worksheet(tmp_path / timed / "worksheet.csv", "4321", "10")

    (ada,) = collect([tmp_path / "one", tmp_path / "two"], tmp_path / "scratch").submissions

    assert [path.parent.name for path, _ in ada.sources] == ["one", "two"]


def test_unpacked_export_leaves_nothing_of_the_one_before(tmp_path):
    for number in (1, 2):
        with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
            archive.writestr(f"x_55_90{number}_hand-in-{number}.zip", make_zip({"a.py": CODE}))
        (found,) = find(tmp_path / "export.zip", tmp_path).submissions

    assert [name for _, name in found.sources] == ["hand-in-2.zip"]


def test_worksheet_of_moodle_says_when(place, tmp_path):
    add_zip(place, "Ada_4321_assignsubmission_file_hand-in.zip")
    (place / "Grades.csv").write_text(
        "Identifier,Full name,Last modified (submission)\n"
        'Participant 4321,Ada,"Thursday, 1 February 2024, 10:05 PM"\n'
    )

    found = find(place, tmp_path)

    assert found.submissions[0].submitted == "2024-02-01T22:05:00"
    assert found.remarks == ()


def add_worksheet(path: Path, id_: str, hour: str) -> None:
    path.write_text(
        "Identifier,Full name,Last modified (submission)\n"
        f'Participant {id_},Ada,"Thursday, 1 February 2024, {hour}:05 PM"\n'
    )


@pytest.mark.parametrize(
    ("uploaded", "hand_in"),
    [
        ("lovelaceada_55_903_w.csv", "hoppergrace_4321_902_hand-in.zip"),
        ("Ada_55_assignsubmission_file_w.csv", "Grace_4321_assignsubmission_file_a.zip"),
        ("worksheet.csv", "hoppergrace_4321_902_hand-in.zip"),  # Moodle's numbers, not Canvas's
    ],
)
def test_table_says_no_time_that_is_not_its_own_to_say(uploaded, hand_in, place, tmp_path):
    add_zip(place, hand_in)
    add_worksheet(place / uploaded, "4321", "10")

    times = {s.id: s.submitted for s in find(place, tmp_path).submissions}

    assert times["4321"] == ""


def test_worksheets_that_contradict_each_other_are_refused_by_name(place, tmp_path):
    add_zip(place, "Ada_4321_assignsubmission_file_hand-in.zip")
    add_worksheet(place / "one.csv", "4321", "10")
    add_worksheet(place / "same.csv", "4321", "10")
    assert find(place, tmp_path).submissions[0].submitted == "2024-02-01T22:05:00"

    add_worksheet(place / "two.csv", "4321", "11")
    with pytest.raises(ValueError, match=r"two.csv, line 2: 4321 handed in .*same.csv, line 2"):
        find(place, tmp_path)


def test_file_that_cannot_be_read_is_no_other_file(place, tmp_path, monkeypatch):
    add_zip(place, "ada.zip")

    def no(self, *args, **kwargs):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", no)

    with pytest.raises(PermissionError):
        find(place / "ada.zip", tmp_path)


def test_damaged_export_is_refused_by_name(tmp_path):
    content = bytearray(make_zip({"submission_metadata.yml": METADATA.encode()}))
    content[50:60] = b"0123456789"
    (tmp_path / "export.zip").write_bytes(content)

    with pytest.raises(ValueError, match=r"export.zip is damaged .*download it again"):
        find(tmp_path / "export.zip", tmp_path)

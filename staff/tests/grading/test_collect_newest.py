"""Of two versions the newest counts, by the times that a platform's lists say."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from staff.grading.intake.collect import collect
from staff.grading.intake.locate import TWO, arrange
from staff.grading.intake.unpack import unpack
from staff.tests.grading.hostile_zips import CODE, make_zip
from staff.tests.grading.uploads import METADATA, add_zip, find, held, write_students


def test_second_canvas_export_in_the_same_folder_gives_the_newer_version(uploads, tmp_path):
    add_zip(uploads, "lovelaceada_55_901_hand-in.zip")
    add_zip(uploads, "lovelaceada_LATE_55_950_hand-in-1.zip")

    (ada,) = find(uploads, tmp_path).submissions

    assert ada.versions == (0, 1)
    assert [name for _, name in ada.sources] == ["hand-in.zip", "hand-in-1.zip"]
    assert ada.late


def test_newer_submission_on_gradescope_replaces_the_older(uploads, tmp_path):
    first = METADATA.split("submission_102")[0].replace("---\n", "")
    second = first.replace("101", "150").replace("02-01", "02-03")
    (uploads / "submission_metadata.yml").write_text("---\n" + first + second)
    for name in ("submission_101", "submission_150", "submission_99"):
        (uploads / name).mkdir()

    found = find(uploads, tmp_path)

    (ada,) = found.submissions
    assert (ada.id, ada.submitted) == ("submission_150", "2024-02-03 10:00:00 -05:00")
    assert "submission_101" in ada.remarks[0]
    assert "submission_99 is not in submission_metadata.yml" in found.remarks[0]


def submission(number, *people):
    """Return a line of Gradescope's list, for people as (name, sid, e-mail)."""
    told = "".join(
        f"  - :name: {name}\n    :sid: '{sid}'\n    :email: {email}\n"
        for name, sid, email in people
    )
    time = f"2024-02-01 10:{number % 60:02}:00 -05:00"
    return f"submission_{number}:\n  :submitters:\n{told}  :created_at: {time}\n"


def find_listed(uploads, tmp_path, *people):
    """Return what is found of two submissions, by the people of the older and the newer one."""
    for number in (101, 105):
        (uploads / f"submission_{number}").mkdir()
    lines = (submission(n, *each) for n, each in zip((101, 105), people, strict=True))
    (uploads / "submission_metadata.yml").write_text("".join(lines))
    return find(uploads, tmp_path)


ADA = "Ada", "007", "ada@x.edu"
BOB = "Bob", "008", "bob@x.edu"
MALLORY = "Ada", "007", "mallory@x.edu"


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ([ADA], [MALLORY]),
        ([MALLORY], [ADA]),
        ([ADA], [("Ada", "007", "")]),
        ([("Ada", "", "ada@x.edu")], [("Ada", "ada@x.edu", "mallory@x.edu")]),
        ([ADA, BOB], [MALLORY, BOB]),
        ([ADA], [("Ada", "17", "ada@x.edu"), BOB]),
    ],
)
def test_submissions_of_one_id_and_other_addresses_are_held(older, newer, uploads, tmp_path):
    found = find_listed(uploads, tmp_path, older, newer)

    assert set(held(found)) == {s.id for s in found.submissions}
    assert len(found.submissions) == 2
    assert all(name in held(found)["submission_101"] for name in held(found))


@pytest.mark.parametrize(
    ("older", "newer"),
    [([ADA], [("Ada L.", "17", "ada@x.edu")]), ([("Ada", "", "ada@x.edu"), BOB], [BOB, ADA])],
)
def test_student_of_one_address_is_the_same_whatever_else_is_typed(older, newer, uploads, tmp_path):
    found = find_listed(uploads, tmp_path, older, newer)

    assert [(s.id, s.held) for s in found.submissions] == [("submission_105", "")]
    assert "submission_101" in found.submissions[0].remarks[0]


def test_older_submission_does_not_count_where_the_newer_is_held(uploads, tmp_path):
    newer = submission(103, ("Ada", "17", "ada@x.edu")) + submission(104, ("Eve", "17", "e@x.edu"))
    (uploads / "submission_metadata.yml").write_text(submission(101, ADA) + newer)
    for number in (101, 103, 104):
        (uploads / f"submission_{number}").mkdir()

    found = find(uploads, tmp_path)

    assert set(held(found)) == {"submission_101", "submission_103", "submission_104"}


def test_newer_submission_of_a_group_replaces_the_older_in_whatever_order_they_stand(
    uploads, tmp_path
):
    names = ("Jo", "Al"), ("Al", "Jo")
    entries = (
        f"submission_{n}:\n  :submitters:\n"
        + "".join(f"  - :name: {name}\n    :sid: sid{name}\n" for name in people)
        + f"  :created_at: 2024-02-0{n} 10:00:00 -05:00\n"
        for n, people in enumerate(names, 1)
    )
    (uploads / "submission_metadata.yml").write_text("".join(entries))
    for n in (1, 2):
        (uploads / f"submission_{n}").mkdir()

    found = find(uploads, tmp_path)

    assert (held(found), [s.id for s in found.submissions]) == ({}, ["submission_2"])


def test_later_export_of_gradescope_s_holds_again_what_is_as_before(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "submission_metadata.yml").write_text(METADATA)
        for number in (101, 102):
            (tmp_path / name / f"submission_{number}").mkdir()

    found = collect([tmp_path / "one", tmp_path / "two"], tmp_path / "scratch")

    assert held(found) == {}
    assert [s.sources[0][0].parent.name for s in found.submissions] == ["two", "two"]


@pytest.mark.parametrize("said", ["", "77"])
def test_upload_that_canvas_gives_out_twice_counts_once(said, tmp_path):
    name = "lovelaceada_55_901_hand-in.zip"
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
        add_zip(tmp_path / place, name)
    add_zip(tmp_path / "two", "hoppergrace_56_902_hand-in.zip")
    owners = write_students(tmp_path / "students.csv", *[f"{name},{said}"] * bool(said))

    found = collect([tmp_path / "one", tmp_path / "two"], tmp_path / "scratch", owners)

    sources = {s.id: s.sources for s in found.submissions}
    assert sources[said or "55"] == ((tmp_path / "one" / name, "hand-in.zip"),)
    assert [line for line in found.aloud if "lovelaceada" in line] == []


def test_two_submissions_of_a_student_that_do_not_replace_each_other_are_held(uploads, tmp_path):
    both = METADATA.replace("0123", "'007'")
    (uploads / "submission_metadata.yml").write_text(both)
    for name in ("submission_101", "submission_102"):
        (uploads / name).mkdir()

    assert set(held(find(uploads, tmp_path))) == {"submission_101", "submission_102"}


@pytest.mark.parametrize("timed", ["", "one", "two"])
def test_export_that_is_named_later_is_newer_on_moodle_even_where_a_worksheet_lacks(
    timed, tmp_path
):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        add_zip(tmp_path / name, "Ada_4321_assignsubmission_file_hand-in.zip")
    if timed:
        add_worksheet(tmp_path / timed / "worksheet.csv", "4321", "10")

    (ada,) = collect([tmp_path / "one", tmp_path / "two"], tmp_path / "scratch").submissions

    assert ada.versions == (0, 1)
    assert [path.parent.name for path, _ in ada.sources] == ["one", "two"]
    name = "Ada_4321_assignsubmission_file_hand-in.zip"
    assert [given for _, given in ada.sources] == [f"one/{name}", f"two/{name}"]


def test_unpacked_export_leaves_nothing_of_the_one_before(tmp_path):
    for number in (1, 2):
        with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
            archive.writestr(f"x_55_90{number}_hand-in-{number}.zip", make_zip({"a.py": CODE}))
        (found,) = find(tmp_path / "export.zip", tmp_path).submissions

    assert [name for _, name in found.sources] == ["hand-in-2.zip"]


def test_worksheet_of_moodle_says_when(uploads, tmp_path):
    add_zip(uploads, "Ada_4321_assignsubmission_file_hand-in.zip")
    (uploads / "Grades.csv").write_text(
        "Identifier,Full name,Last modified (submission)\n"
        'Participant 4321,Ada,"Thursday, 1 February 2024, 10:05 PM"\n'
    )

    found = find(uploads, tmp_path)

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
def test_table_says_no_time_that_is_not_its_own_to_say(uploaded, hand_in, uploads, tmp_path):
    add_zip(uploads, hand_in)
    add_worksheet(uploads / uploaded, "4321", "10")

    times = {s.id: s.submitted for s in find(uploads, tmp_path).submissions}

    assert times["4321"] == ""


def test_worksheets_that_contradict_each_other_are_refused_by_name(uploads, tmp_path):
    add_zip(uploads, "Ada_4321_assignsubmission_file_hand-in.zip")
    add_worksheet(uploads / "one.csv", "4321", "10")
    add_worksheet(uploads / "same.csv", "4321", "10")
    assert find(uploads, tmp_path).submissions[0].submitted == "2024-02-01T22:05:00"

    add_worksheet(uploads / "two.csv", "4321", "11")
    with pytest.raises(ValueError, match=r"two.csv, line 2: 4321 handed in .*same.csv, line 2"):
        find(uploads, tmp_path)


@pytest.mark.parametrize(
    "name",
    ["lovelaceada_LATE_55_901_Bob_4321_assignsubmission_file_x.zip", "x_LATE_56_901_a.zip"],
)
@pytest.mark.parametrize("beside", [(), ("lovelaceada_55_850_hand-in.zip",)])
def test_canvas_s_mark_stays_with_an_upload_that_is_assigned(name, beside, uploads, tmp_path):
    for each in (name, *beside):
        add_zip(uploads, each)
    owners = write_students(tmp_path / "students.csv", f"{name},55")

    (ada,) = collect(uploads, tmp_path / "scratch", owners).submissions

    assert (ada.id, ada.late) == ("55", True)


def test_upload_of_canvas_s_that_is_assigned_keeps_its_name_and_platform(uploads, tmp_path):
    name = "lovelaceada_55_901_Bob_4321_assignsubmission_file_x.zip"
    add_zip(uploads, name)
    owners = write_students(tmp_path / "students.csv", f"{name},55")

    (ada,) = collect(uploads, tmp_path / "scratch", owners).submissions

    assert (ada.students[0].name, ada.platform) == ("lovelaceada", "Canvas")


def test_students_whose_uploads_are_swapped_keep_their_names(uploads, tmp_path):
    names = "lovelaceada_55_901_a.zip", "hoppergrace_56_902_a.zip"
    for name in names:
        add_zip(uploads, name)
    owners = write_students(tmp_path / "students.csv", f"{names[0]},56", f"{names[1]},55")

    ada, grace = collect(uploads, tmp_path / "scratch", owners).submissions

    assert [s.name for s in (*ada.students, *grace.students)] == ["lovelaceada", "hoppergrace"]


def test_student_whom_two_uploads_name_otherwise_has_no_name(uploads, tmp_path):
    names = "lovelaceada_55_901_a.zip", "hoppergrace_55_902_a.zip"
    for name in names:
        add_zip(uploads, name)
    add_zip(uploads, "by mail.zip")
    owners = write_students(tmp_path / "students.csv", "by mail.zip,55")

    found = collect(uploads, tmp_path / "scratch", owners)

    (one,) = (s for s in found.submissions if not s.held)
    assert [s.name for s in one.students] == [""]


def test_gradescope_s_time_stays_with_an_upload_that_is_assigned(uploads, tmp_path):
    (uploads / "submission_metadata.yml").write_text(METADATA)
    for name in ("submission_101", "submission_102"):
        (uploads / name).mkdir()
    owners = write_students(tmp_path / "students.csv", "submission_101,bob")

    bob, _ = collect(uploads, tmp_path / "scratch", owners).submissions

    assert (bob.id, bob.submitted) == ("bob", "2024-02-01 10:00:00 -05:00")


@pytest.mark.parametrize("owner", ["4321", "17"])
def test_moodle_s_time_stays_with_an_upload_that_is_assigned(owner, uploads, tmp_path):
    name = "Ada_4321_assignsubmission_file_a.zip"
    add_zip(uploads, name)
    add_worksheet(uploads / "worksheet.csv", "4321", "10")
    owners = write_students(tmp_path / "students.csv", f"{name},{owner}")

    (ada,) = collect(uploads, tmp_path / "scratch", owners).submissions

    assert (ada.id, ada.submitted) == (owner, "2024-02-01T22:05:00")


def test_no_time_is_known_of_an_upload_that_is_assigned_and_not_named_by_a_platform(
    uploads, tmp_path
):
    add_zip(uploads, "Ada_4321_assignsubmission_file_a.zip")
    add_zip(uploads, "by mail.zip")
    add_worksheet(uploads / "worksheet.csv", "4321", "10")
    owners = write_students(tmp_path / "students.csv", "by mail.zip,4321")

    (ada,) = collect(uploads, tmp_path / "scratch", owners).submissions

    assert ada.submitted == ""


CANVAS = "lovelaceada_101_9001_hand-in.zip"
FORMS = "lovelaceada_101_901_Bob_4321_assignsubmission_file_hand-in.zip"


def arrange_all(submission, folder):
    """Arrange a hand-in of several uploads."""
    raw, stage = folder / "raw", folder / "stage"
    raw.mkdir()
    stage.mkdir()
    return arrange(unpack(submission.sources, raw, submission.versions), stage)


@pytest.mark.parametrize("assigned", ["adal_55_901_hand-in.zip", FORMS])
def test_upload_of_canvas_s_that_is_assigned_is_as_old_as_its_number_says(
    assigned, uploads, tmp_path
):
    for name in (CANVAS, assigned):
        (uploads / name).write_bytes(make_zip({"cs682/layers.py": CODE + name.encode()}))
    owners = write_students(tmp_path / "students.csv", f"{assigned},101")

    (ada,) = collect(uploads, tmp_path / "scratch", owners).submissions

    taken, place = f"{CANVAS}/cs682/layers.py", f"{assigned}/cs682/layers.py"
    package = arrange_all(ada, tmp_path)
    assert package.taken == {taken}
    assert f"{place} is older than the cs682/layers.py that was taken" in package.problems


def test_time_of_moodle_s_tells_whether_an_upload_that_is_assigned_is_newer(uploads, tmp_path):
    names = ["Ada_9_assignsubmission_file_a.zip", "Ada_4321_assignsubmission_file_a.zip"]
    for name in names:
        add_zip(uploads, name)
    for hour, id_ in (("11", "9"), ("10", "4321")):
        add_worksheet(uploads / f"{id_}.csv", id_, hour)
    owners = write_students(tmp_path / "students.csv", f"{names[0]},4321")

    (ada,) = collect(uploads, tmp_path / "scratch", owners).submissions

    assert [path.name for path, _ in ada.sources] == names[::-1]
    assert (ada.versions, ada.submitted) == ((0, 1), "2024-02-01T23:05:00")


@pytest.mark.parametrize(
    ("there", "assigned"),
    [
        (CANVAS, "some folder c.zip"),
        (CANVAS, "hand-in (1).zip"),
        (CANVAS, "Bob_4321_assignsubmission_file_hand-in.zip"),
        (CANVAS, "bob_7_9002_Bob_4321_assignsubmission_file_hand-in-1.zip"),
        ("Ada_101_assignsubmission_file_a.zip", "Bob_4321_assignsubmission_file_a-1.zip"),
    ],
)
def test_nobody_says_of_an_upload_that_is_assigned_whether_it_is_newer_if_nobody_knows(
    there, assigned, uploads, tmp_path
):
    for name in (there, assigned):
        (uploads / name).write_bytes(make_zip({"cs682/layers.py": CODE + name.encode()}))
    owners = write_students(tmp_path / "students.csv", f"{assigned},101")

    (ada,) = collect(uploads, tmp_path / "scratch", owners).submissions

    (said,) = (text for text in arrange_all(ada, tmp_path).problems if "layers.py" in text)
    assert said.startswith("cs682/layers.py is there more than once, and they differ: ")
    assert said.endswith(f"none was taken, {TWO}")
    assert {f"{name}/cs682/layers.py" in said for name in (there, assigned)} == {True}


def test_file_that_is_assigned_is_known_by_its_name_if_another_has_that_too(uploads, tmp_path):
    names = ["lovelaceada_101_9001_layers.py", "adal_55_901_layers.py"]
    for name in names:
        (uploads / name).write_bytes(CODE + name.encode())
    owners = write_students(tmp_path / "students.csv", f"{names[1]},101")

    (ada,) = collect(uploads, tmp_path / "scratch", owners).submissions

    assert arrange_all(ada, tmp_path).taken == {f"{names[0]}/layers.py"}

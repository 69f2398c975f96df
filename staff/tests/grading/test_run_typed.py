"""What people have typed in counts in each run and is never lost; what is open is said."""

from __future__ import annotations

import html
import json
import shutil

import numpy as np
import pytest

from staff.grading import single
from staff.tests.grading.classes import (
    ALL,
    add_answers,
    grade,
    override_one,
    read_book,
    write_hand_in,
)
from staff.tests.grading.hostile_zips import HOSTILE, write_hostile
from staff.tests.grading.typed import type_in
from staff.tests.grading.uploads import METADATA


def test_points_of_answers_that_were_typed_in_count_and_are_never_lost(place, out, quick):
    add_answers(place / "ada")
    grade(place, out)
    sheet = out / "answers.csv"
    type_in(sheet, "ada,fc-q1", "2")

    for options in ([], ["--answers", str(sheet)], ["--only", "bob"], ["--seed", "2"],
                    ["--regrade"], ["--readers", "2"], ["--names"]):  # fmt: skip
        assert grade(place, out, *options) == 0
        assert "ada,fc-q1,2,2" in sheet.read_text()
        assert read_book(out)["ada"]["points"] == str(int(ALL) + 2)


def test_correction_of_a_reader_counts_and_is_named(place, out, quick, capsys):
    add_answers(place / "ada")
    grade(place, out, "--readers", "1")
    for points in ("2", "1"):
        type_in(out / "readers" / "1.csv", "ada,fc-q1", points)
        capsys.readouterr()
        grade(place, out)

    said = "Corrected since the last run: ada (fc-q1, points '2', now '1' in readers/1.csv)\n"
    assert said in capsys.readouterr().out
    assert read_book(out)["ada"]["points"] == str(int(ALL) + 1)


def test_answers_read_since_the_last_run_and_cells_emptied_since_are_named(
    place, out, quick, capsys
):
    add_answers(place / "ada")
    grade(place, out)
    for points in ("2", ""):
        type_in(out / "answers.csv", "ada,fc-q1", points)
        grade(place, out)

    said = capsys.readouterr().out
    assert said.count("Points since the last run for 1 answer: ada (fc-q1)\n") == 1
    emptied = "Empty in answers.csv, but the points stay (type - to take them back): ada (fc-q1)\n"
    assert said.count(emptied) == 1
    assert read_book(out)["ada"]["points"] == str(int(ALL) + 2)


def test_points_stay_whose_hand_in_is_gone_and_those_without_an_answer_are_named(
    place, tmp_path, out, quick, capsys
):
    add_answers(place / "ada")
    grade(place, out)
    type_in(out / "answers.csv", "ada,fc-q1", "2")
    with (out / "answers.csv").open("a") as file:
        file.write("bob,bn-q1,1,2,orally\n")

    assert grade(place, out) == 0
    assert "no answer: bob (bn-q1)" in capsys.readouterr().out
    assert "<td>bob</td><td>bn-q1: they count" in (out / "warnings.html").read_text()

    (place / "ada").rename(tmp_path / "ada")
    for _ in range(2):
        assert grade(place, out, "--drop-absent") == 0
        assert "ada,fc-q1,2,2" in (out / "answers.csv").read_text()


def change_answer(path):
    """Answer the first question in other words."""
    book = json.loads(path.read_text())
    asked = [cell["id"] for cell in book["cells"]].index("q1")
    book["cells"][asked + 1]["source"] = "Something else."
    path.write_text(json.dumps(book))


def test_answer_that_a_later_upload_changes_is_to_be_read_again(place, out, quick, capsys):
    add_answers(place / "ada")
    grade(place, out)
    type_in(out / "answers.csv", "ada,fc-q1", "2")
    grade(place, out)
    change_answer(place / "ada" / "notebooks" / "FullyConnectedNets.ipynb")

    for _ in range(2):
        grade(place, out)
        assert read_book(out)["ada"]["points"] == ALL
        assert (
            "Read again, for they have changed since: answers of ada (fc-q1)"
            in capsys.readouterr().out
        )
        assert "<td>ada</td><td>fc-q1: before, 2</td>" in (out / "warnings.html").read_text()
        assert "Changed since it was read; before, ada: 2" in (out / "answers.html").read_text()


def export_from_gradescope(folder, number):
    """Write an export with the only submission of a student, and return its notebook."""
    add_answers(write_hand_in(folder / f"submission_{number}"))
    (folder / "submission_metadata.yml").write_text(
        f"---\nsubmission_{number}:\n  :submitters:\n  - :name: Ada\n    :sid: '301'\n"
        f"    :email: ada@example.edu\n  :created_at: 2026-10-02 12:00:0{number} -0400\n"
    )
    return folder / f"submission_{number}" / "notebooks" / "FullyConnectedNets.ipynb"


def test_points_follow_to_the_submission_that_replaces_the_one_that_was_read(
    tmp_path, out, quick, capsys
):
    for number in (5, 7, 8):
        path = export_from_gradescope(tmp_path / f"{number}", number)
    change_answer(path)
    grade(tmp_path / "5", out, "--readers", "1")
    old = tmp_path / "old.csv"
    old.write_bytes((out / "readers" / "1.csv").read_bytes())
    for table, questions in ((out / "readers" / "1.csv", "12"), (old, "13")):
        for number in questions:
            type_in(table, f"submission_5,fc-q{number}", "2")

    for _ in range(2):
        capsys.readouterr()
        assert grade(tmp_path / "7", out, "--answers", str(old)) == 0
        assert read_book(out)["301"]["points"] == str(int(ALL) + 6)
        for table in (out / "answers.csv", out / "readers" / "1.csv"):
            assert "submission_7,fc-q1,2,2" in table.read_text()
            assert "submission_5" not in table.read_text()
        assert "Read again" not in capsys.readouterr().out

    for options in ([], ["--answers", str(old)]):
        assert grade(tmp_path / "8", out, *options) == 0
        said = "Read again, for they have changed since: answers of submission_8 (fc-q1)\n"
        assert said in capsys.readouterr().out
        assert read_book(out)["301"]["points"] == str(int(ALL) + 4)
    assert grade(tmp_path / "7", out, "--drop-absent") == 0
    assert read_book(out)["301"]["points"] == str(int(ALL) + 6)


def test_points_follow_the_address_and_not_the_name_and_id_that_students_type(
    tmp_path, out, quick, capsys
):
    for number in (5, 6, 7):
        export_from_gradescope(tmp_path / f"{number}", number)
    for number, old, new in ((6, "ada@", "mallory@"), (7, "'301'", "'302'")):
        path = tmp_path / f"{number}" / "submission_metadata.yml"
        path.write_text(path.read_text().replace(old, new))
    grade(tmp_path / "5", out, "--readers", "1")
    type_in(out / "readers" / "1.csv", "submission_5,fc-q1", "2")
    assert grade(tmp_path / "5", out) == 0

    assert grade(tmp_path / "6", out) != 0
    assert "knows hand-ins that are not among SUBMISSIONS" in capsys.readouterr().err
    assert grade(tmp_path / "6", out, "--drop-absent") == 0
    assert read_book(out)["301"]["points"] == ALL

    assert grade(tmp_path / "7", out, "--drop-absent") == 0
    assert read_book(out)["302"]["points"] == str(int(ALL) + 2)


def test_hand_in_that_a_person_gives_to_somebody_takes_its_points_along(place, out, quick, capsys):
    add_answers(write_hand_in(place / "late"))
    grade(place, out)
    type_in(out / "answers.csv", "late,fc-q1", "2")
    (out / "students.csv").write_text("upload,student\nlate,601\n")

    assert grade(place, out) == 0
    assert read_book(out)["601"]["points"] == str(int(ALL) + 2)
    assert "not there" not in capsys.readouterr().out

    (out / "students.csv").write_text("upload,student\nlate,-\n")
    assert grade(place, out) == 2
    assert "no line any more" in capsys.readouterr().err
    assert grade(place, out, "--drop-absent") == 0
    said = "Typed in for somebody who is not there, kept and not counted: 601 (fc-q1)\n"
    assert said in capsys.readouterr().out


def test_what_is_typed_for_a_hand_in_stays_with_that_which_replaces_it(tmp_path, out, quick):
    for number in (5, 7):
        export_from_gradescope(tmp_path / f"{number}", number)
    grade(tmp_path / "5", out)
    override_one(out, "submission_5", "fc-1.2")
    (out / "late.json").write_text('{"percent_per_day": 10, "days": {"submission_5": 1}}')

    for number in (5, 7):
        assert grade(tmp_path / f"{number}", out) == 0
        row = read_book(out)["301"]
        assert row["fc-1.2"] == "1"
        assert float(row["points"]) == pytest.approx(0.9 * (int(ALL) - 2))


def test_rule_without_a_date_says_so_where_times_are_known(tmp_path, out, quick, capsys):
    export_from_gradescope(tmp_path / "5", 5)
    out.mkdir()
    (out / "late.json").write_text('{"percent_per_day": 10}')

    assert grade(tmp_path / "5", out) == 0
    said = "late.json has no due, so the times count nothing that are known of submission_5\n"
    assert said in capsys.readouterr().out


def test_id_that_another_student_types_leaves_the_book_and_what_was_set_as_it_was(
    uploads, out, quick, capsys
):
    for number in (101, 102):
        write_hand_in(uploads / f"submission_{number}")
    (uploads / "submission_metadata.yml").write_text(METADATA)
    grade(uploads, out)
    override_one(out, "007", "fc-1.2")
    grade(uploads, out)
    before = read_book(out)
    assert [before[id_]["fc-1.2"] for id_ in ("007", "0123", "bob@example.edu")] == ["1", "3", "3"]
    (uploads / "submission_metadata.yml").write_text(METADATA.replace("0123", "'007'"))

    assert grade(uploads, out) == 1

    now = read_book(out)
    assert {id_: now[id_] for id_ in before} == before
    assert now.keys() - before.keys() == {"submission_101 (held)", "submission_102 (held)"}
    assert "They stand as before" in capsys.readouterr().out


def test_upload_that_is_assigned_for_nothing_is_named(place, out, quick, capsys):
    out.mkdir()
    name = "bob_1_2_Eve_3_assignsubmission_file_"
    content = (place / "ada/cs682/layers.py").read_bytes()
    (place / "ada/cs682/layers.py").unlink()
    for given in ("my_layers.py", "layers.py"):
        (place / f"{name}{given}").write_bytes(content)
    lines = [f"{name}{given},ada" for given in ("my_layers.py", "layers.py")]
    (out / "students.csv").write_text("\n".join(["upload,student", *lines]))

    assert grade(place, out) == 0

    said = f"Nothing was taken from uploads that students.csv assigns: {name}my_layers.py (ada). If"
    todo = "one counts, write the older upload into students.csv too: NAME,-\n"
    assert f"{said} {todo}" in capsys.readouterr().out
    assert f"<td>ada</td><td>{name}my_layers.py</td>" in (out / "warnings.html").read_text()


def test_override_and_late_days_are_read_from_the_folder_of_results(place, out, quick):
    grade(place, out)
    (out / "overrides.csv").write_text("student,exercise,points,reason\neve,fc-1.2,3,seen\n")
    (out / "late.json").write_text('{"percent_per_day": 50, "days": {"bob": 1}}')

    assert grade(place, out) == 0

    assert {k: float(row["points"]) for k, row in read_book(out).items()} == {
        "ada": int(ALL), "bob": int(ALL) / 2, "eve": 3,
    }  # fmt: skip
    assert len(quick) == 2


def test_override_that_the_work_has_outgrown_is_named_and_stays(place, out, quick, capsys):
    out.mkdir()
    override_one(out, "bob", "fc-4.1")
    path = place / "bob" / "cs682" / "optim.py"
    said = "Overrides below what the grader gives, or set before the work changed: bob (fc-4.1)\n"
    before = path.read_text()
    path.write_text(before + "x = 1\n")
    grade(place, out)
    path.write_text(before)

    for _ in range(2):
        capsys.readouterr()
        assert grade(place, out) == 0
        assert said in capsys.readouterr().out
        page = (out / "warnings.html").read_text()
        assert "<td>fc-4.1: 1 set by hand, then the code cs682/optim.py changed</td>" in page
        assert "<td>fc-4.1: 1 set by hand, the grader gives 2</td>" in page
        assert read_book(out)["bob"]["fc-4.1"] == "1"


def test_file_and_answers_that_were_handed_in_before_and_are_gone_are_named(
    place, out, quick, capsys
):
    add_answers(place / "ada")
    grade(place, out)
    first = capsys.readouterr().out
    shutil.rmtree(place / "ada" / "notebooks")
    (place / "bob" / "cs682" / "optim.py").rename(place / "optim.py")
    for _ in range(2):  # as long as it is so
        grade(place, out)
        said = capsys.readouterr().out
        line = next(line for line in said.splitlines() if line.startswith("Handed in before"))
        assert "bob (cs682/optim.py)" in line
        assert "ada (fc-q1, fc-q2, " in line
    assert "<td>cs682/optim.py</td>" in (out / "warnings.html").read_text()
    (place / "optim.py").rename(place / "bob" / "cs682" / "optim.py")
    add_answers(place / "ada")
    grade(place, out)

    assert "Handed in before" not in first + capsys.readouterr().out


def test_files_that_are_gone_or_that_nobody_reads_are_named(place, out, quick, capsys):
    out.mkdir()
    override_one(out, "bob", "fc-4.1")
    (out / "late.json").write_text('{"percent_per_day": 50, "days": {"bob": 1}}')
    (out / "students.csv").write_text("upload,student\n")
    for name in ("roster.csv", ".~lock.answers.csv#"):
        (out / name).write_text("Identifier,Grade\n")
    options = ["--export", "moodle", "--roster", str(out / "roster.csv")]
    grade(place, out, *options)
    first = capsys.readouterr().out
    for name, other in (("overrides.csv", "override.csv"), ("late.json", "late.json.txt"),
                        ("students.csv", "answers.xlsx")):  # fmt: skip
        (out / name).rename(out / other)

    gone = "late.json was in force in the last run and is not there"
    assert grade(place, out, *options) == 0
    lines = capsys.readouterr().out.splitlines()
    first_of = lines.index("overrides.csv was in force in the last run and is not there")
    assert lines[first_of + 1 : first_of + 3] == [gone, gone.replace("late.json", "students.csv")]
    odd = [line.partition(" ")[0] for line in lines if "is no file of the grader's" in line]
    assert odd == ["answers.xlsx", "late.json.txt", "override.csv"]
    assert "is not there" not in first
    assert "no file of the grader's" not in first
    assert f"<td>{gone}</td>" in (out / "warnings.html").read_text()


def test_grade_without_a_line_in_the_roster_is_said(place, tmp_path, out, quick, capsys):
    (tmp_path / "roster.csv").write_text("Student,ID,Homework\nAda,ada,90\nEve,eve,\n")

    grade(place, out, "--export", "canvas", "--roster", str(tmp_path / "roster.csv"))

    said = capsys.readouterr().out
    assert f"has no line for bob (bob, {ALL} points)" in said
    assert f"the column 'Homework' has 1 grade already, 1 will change: 90 to {ALL}\n" in said
    assert "OPEN in canvas.csv" not in said  # nobody has an answer
    assert f"Ada,ada,{ALL}\n" in (out / "canvas.csv").read_text()


def test_what_is_open_is_said_before_grades_leave(place, tmp_path, out, quick, capsys):
    add_answers(place / "ada")
    write_hostile(next(kind for kind in HOSTILE if kind.name == "noise"), place / "eve.zip")
    (place / "link").symlink_to(tmp_path)

    assert grade(place, out, "--export", "moodle") == 1

    lines = [line for line in capsys.readouterr().out.splitlines() if "OPEN in moodle.csv" in line]
    assert ["ada (6)" in lines[0], lines[1][-5:], lines[2][-6:]] == [True, ": eve", ": link"]


def test_models_are_open_in_what_leaves_where_they_are_not_graded(place, out, quick, capsys):
    (place / "ada" / "notebooks").mkdir()
    np.savez(place / "ada" / "notebooks" / "two_layer_net.npz", W1=np.ones(3))

    assert grade(place, out, "--export", "canvas") == 0

    said = capsys.readouterr().out
    assert "OPEN in canvas.csv: 3 points in trained models that are not graded" in said
    assert "hand-ins: 1: ada (3)" in said
    assert "Trained models are not graded, 3 points in all" in said


def test_table_for_a_platform_that_is_older_than_the_grades_is_named(place, out, quick, capsys):
    grade(place, out, "--export", "canvas")
    grade(place, out)
    assert "is older" not in capsys.readouterr().out
    override_one(out, "eve", "fc-1.2")

    grade(place, out)
    said = f"{out / 'canvas.csv'} is older than these grades: --export canvas writes it anew"
    assert said in capsys.readouterr().out
    assert grade(place, out, "--export", "canvas", "--roster", "nowhere.csv") == 2
    assert "canvas.csv is not written anew: it is of an earlier run" in capsys.readouterr().out
    grade(place, out, "--export", "canvas")
    assert "is older" not in capsys.readouterr().out


def test_class_whose_times_nobody_can_read_is_named_once_days_count(place, out, quick, capsys):
    out.mkdir()
    (place / "ada").rename(place / "Ada_1_assignsubmission_file_")
    (place / "bob").rename(place / "Bob_2_assignsubmission_file_")
    (place / "eve.zip").rename(place / "eve_LATE_3_901_a.zip")
    times = ["Participant 1;3/10/26, 09:12", "Participant 2;-"]
    head = "Identifier;Last modified (submission)"
    (place / "worksheet.csv").write_text("\n".join([head, *times]))
    (out / "late.json").write_text('{"due": "2026-10-02T23:59:00-04:00", "days": {"2": 0}}')
    unread = "worksheet.csv has times that nobody can read (1), such as '3/10/26, 09:12'"
    unknown = "late.json is in force, but no time is known for 1\n"

    assert grade(place, out, "--export", "moodle") == 0
    assert f"OPEN in moodle.csv: {unknown}" in capsys.readouterr().out
    assert grade(place, out) == 0

    said = capsys.readouterr().out
    assert f"OPEN: {unknown}" in said
    assert unread in said
    assert "Hand-ins of 2 platforms come together: Canvas 1, Moodle 2\n" in said
    page = html.unescape((out / "warnings.html").read_text())
    assert unknown.strip() in page
    assert unread in page


def test_zone_in_which_moodle_s_times_are_taken_is_said(place, out, quick, capsys):
    out.mkdir()
    (place / "ada").rename(place / "Ada_1_assignsubmission_file_")
    lines = ["Identifier,Last modified (submission)", 'Participant 1,"3 October 2026, 03:30"']
    (place / "worksheet.csv").write_text("\n".join(lines))
    rule = (
        '{"due": "2026-10-02T23:59:00-04:00", "percent_per_day": 10, "days": {"bob": 0, "eve": 0}}'
    )
    (out / "late.json").write_text(rule)

    assert grade(place, out) == 0
    said = "Moodle names no zone: its times are taken in that of due in late.json, -04:00\n"
    assert said in capsys.readouterr().out
    assert float(read_book(out)["1"]["points"]) == pytest.approx(0.9 * int(ALL))


def test_what_is_saved_while_a_run_is_on_is_kept_and_named(place, out, quick, monkeypatch, capsys):
    def grade_code(*args, real=single.grade_code, **more):
        type_in(out / "answers.csv", "ada,fc-q1", "2")
        override_one(out, "bob", "fc-1.2")
        yield from real(*args, **more)

    add_answers(place / "ada")
    grade(place, out)
    assert "Saved while" not in capsys.readouterr().out
    monkeypatch.setattr(single, "grade_code", grade_code)

    grade(place, out, "--only", "ada", "--regrade")
    files = f"{out / 'answers.csv'}, {out / 'overrides.csv'}"
    said = capsys.readouterr().out
    assert f"Saved while this run was on, and kept: {files}. These grades may not have" in said
    assert read_book(out)["ada"]["points"] == ALL
    grade(place, out)
    assert "Saved while" not in capsys.readouterr().out
    assert read_book(out)["ada"]["points"] == str(int(ALL) + 2)

"""What the grader cannot grade is no zero, and stops nobody else."""

from __future__ import annotations

import errno
import os

import pytest

from cs682.checks import EXERCISES
from staff.grading import single
from staff.grading.intake import unpack
from staff.grading.intake.package import CODE
from staff.grading.judging.outcome import Outcome
from staff.grading.results import summary
from staff.grading.results.store import read_record
from staff.tests.grading.classes import ALL, grade, override_one, read_book
from staff.tests.grading.hostile_zips import HOSTILE, make_zip, write_hostile
from staff.tests.grading.records import FULL


def test_grader_s_own_error_costs_one_hand_in_alone(place, out, monkeypatch, quick, capsys):
    real = single.arrange

    def arrange(haul, folder):
        if any("bob" in member.name for member in haul.members):
            raise ZeroDivisionError("a bug of ours")
        return real(haul, folder)

    monkeypatch.setattr(single, "arrange", arrange)

    assert grade(place, out) == 1

    assert read_book(out)["ada"]["points"] == ALL
    assert read_book(out)["bob"]["points"] == ""
    assert "a bug of ours" in (out / "staff" / "failures.txt").read_text()
    assert "NOT GRADED bob: the grader itself failed: ZeroDivisionError" in capsys.readouterr().out


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EDQUOT])
def test_disk_that_takes_nothing_is_no_zero(
    number, place, tmp_path, out, quick, monkeypatch, capsys
):
    def no(path, record):
        raise OSError(number, os.strerror(number), str(path))

    grade(place, out)
    monkeypatch.setattr(single, "write_record", no)

    assert grade(place, out, "--regrade", "--only", "bob") == 1

    row = read_book(out)["bob"]
    assert (row["points"], row["fc-1.1"]) == ("", "")
    assert row["remarks"] == f"NOT GRADED: the grader itself failed: {os.strerror(number)}"
    assert str(tmp_path) not in row["remarks"]
    assert f"NOT GRADED bob: the grader itself failed: {os.strerror(number)}" in (
        capsys.readouterr().out
    )


def test_what_a_limit_keeps_out_is_kept_for_a_person_to_see(place, out, quick, monkeypatch):
    monkeypatch.setattr(unpack, "MAX_FILES", len(CODE) - 1)

    assert grade(place, out) == 0

    record = read_record(out / "staff" / "records" / "ada.json", "ada")
    assert "is left out: more than" in record.facts["left out"]
    assert record.facts["left out"] in record.problems


def test_damaged_zip_is_not_graded_until_it_comes_whole(place, out, quick, capsys):
    path = place / "eve.zip"
    write_hostile(next(kind for kind in HOSTILE if kind.name == "cut short"), path)

    assert grade(place, out) == 1
    assert grade(place, out) == 1

    row = read_book(out)["eve"]
    assert (row["points"], row["fc-1.1"]) == ("", "")
    assert row["remarks"].startswith("NOT GRADED: eve.zip is not a whole zip")
    assert "NOT GRADED eve: eve.zip is not a whole zip" in capsys.readouterr().out
    path.write_bytes(make_zip({}))
    assert grade(place, out) == 0
    assert read_book(out)["eve"]["points"] == "0"


def test_what_a_person_sets_counts_for_a_hand_in_that_is_not_graded(place, out, quick):
    write_hostile(next(kind for kind in HOSTILE if kind.name == "cut short"), place / "eve.zip")
    out.mkdir()
    lines = [f"eve,{key},{row.points},read by me" for key, row in EXERCISES.items()]
    head = "student,exercise,points,reason"

    (out / "overrides.csv").write_text("\n".join([head, *lines[1:]]))
    assert grade(place, out) == 1
    partly = read_book(out)["eve"]
    assert (partly["points"], partly["fc-1.1"], partly["fc-1.2"]) == ("", "", "3")
    why = "eve.zip is not a whole zip: its end is missing; exercises: 1: fc-1.1"
    assert partly["remarks"] == f"NOT GRADED: {why}"
    for name in ("warnings.html", "summary.html", "students/eve/report.html"):
        assert why in (out / name).read_text()

    (out / "overrides.csv").write_text("\n".join([head, *lines]))
    assert grade(place, out) == 0
    assert read_book(out)["eve"]["points"] == str(FULL)


def test_not_graded_stays_so_until_it_is_graded(place, out, quick, monkeypatch):
    monkeypatch.setattr(single, "arrange", lambda *_: 1 / 0)
    assert grade(place, out) == 1
    monkeypatch.undo()
    monkeypatch.setattr(summary, "_figures", lambda records: [])

    assert grade(place, out, "--only", "eve") == 0
    assert "ZeroDivisionError" in read_book(out)["ada"]["remarks"]
    assert grade(place, out, "--only", "eve") == 0
    assert read_book(out)["eve"]["points"] == "0"


def test_exercise_that_the_grader_stumbled_over_is_graded_again(place, out, monkeypatch, quick):
    states = iter(["not graded", "passed", "passed"])

    def grade_code(package, *, seed, rung, only):
        state = next(states)
        yield from (Outcome(key, 0, EXERCISES[key].points, state, "") for key in only)

    monkeypatch.setattr(single, "grade_code", grade_code)

    assert grade(place, out, "--only", "ada") == 1
    assert read_book(out)["ada"]["points"] == ""
    assert grade(place, out, "--only", "ada") == 0
    assert read_book(out)["ada"]["points"] == ALL


def test_held_hand_in_is_not_graded_until_a_person_has_said(place, tmp_path, out, quick, capsys):
    (place / "link").symlink_to(tmp_path)
    assert grade(place, out) == 1
    assert "NOT GRADED link: it is a link" in capsys.readouterr().out
    assert read_book(out)["ada"]["points"] == ALL

    (out / "students.csv").write_text("upload,student\nlink,-\n")
    assert grade(place, out) == 0
    assert list(read_book(out)) == ["ada", "bob", "eve"]


def test_upload_that_is_held_stops_nobody_and_takes_nobody_out_of_the_book(
    place, out, quick, capsys
):
    (place / "bob").rename(place / "bob_13_assignsubmission_file_")
    assert grade(place, out) == 0
    (out / "overrides.csv").write_text("student,exercise,points,reason\n13,fc-1.2,1,seen\n")
    before = read_book(out)
    evil = "bob_13_assignsubmission_file_bob_99_assignsubmission_file_"
    (place / "bob_13_assignsubmission_file_").rename(place / evil)
    capsys.readouterr()

    assert grade(place, out) == 1

    said = capsys.readouterr().out
    assert f"NOT GRADED {evil}: its name can be read in 2 ways" in said
    assert "They stand as before, an upload that is held may be theirs: 13" in said
    book = read_book(out)
    assert {*book} == {*before, evil}
    assert (book["ada"], book["eve"]) == (before["ada"], before["eve"])
    assert book["13"]["points"] != ""
    assert (book["13"]["fc-1.2"], book[evil]["points"]) == ("1", "")

    (out / "students.csv").write_text(f"upload,student\n{evil},13\n")
    assert grade(place, out, "--drop-absent") == 0  # of the upload that is renamed here
    assert {*read_book(out)} == {*before}


def test_hand_in_that_is_not_graded_but_for_an_override_is_said_shortly(place, out, quick, capsys):
    write_hostile(next(kind for kind in HOSTILE if kind.name == "noise"), place / "eve.zip")
    grade(place, out)
    override_one(out, "eve", "fc-1.2")
    capsys.readouterr()

    assert grade(place, out) == 1
    left = len(EXERCISES) - 1
    which = f"exercises: {left}: fc-1.1, fc-1.3, fc-1.4, fc-1.5, fc-1.6, fc-q1 and {left - 6} more"
    assert f"its end is missing; {which}\n" in capsys.readouterr().out


def test_progress_counts_no_hand_in_that_is_held_and_names_what_has_no_grade(
    place, out, quick, capsys
):
    (place / "zoe").symlink_to(place / "ada")
    cut = next(kind for kind in HOSTILE if kind.name == "cut short")
    write_hostile(cut, place / "yan.zip")

    grade(place, out)

    said = capsys.readouterr().out
    assert "4 of 4 hand-ins are through, 1 of them NOT GRADED" in said
    assert "of 5" not in said


def test_hand_in_that_is_not_there_is_answered_with_ids_and_names(place, out, quick, capsys):
    (place / "ada").rename(place / "Ada Lovelace_55_assignsubmission_file_")

    assert grade(place, out, "--only", "gausscarl") == 2
    said = capsys.readouterr().err
    assert "'gausscarl' has handed nothing in" in said
    assert "; there are 55 (Ada Lovelace), bob" in said

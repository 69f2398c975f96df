"""A class is graded the same on any number of processes, and what is finished stays finished."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from cs682.checks import EXERCISES
from staff.__main__ import main
from staff.grading import grade as grade_module
from staff.grading import run, single
from staff.grading.intake.submission import Submission
from staff.grading.judging.held_back import HeldBack
from staff.grading.results.store import read_record
from staff.grading.single import Plan
from staff.tests.grading.classes import (
    ALL,
    add_answers,
    files_of,
    grade,
    override_one,
    read_book,
    write_hand_in,
)
from staff.tests.grading.records import FULL
from staff.tests.grading.typed import type_in
from staff.tests.grading.uploads import add_zip


def test_class_is_graded_and_every_file_is_there(place, out, quick):
    assert grade(place, out) == 0

    book = read_book(out)
    assert [(k, row["points"], row["maximum"]) for k, row in book.items()] == [
        ("ada", ALL, str(FULL)), ("bob", ALL, str(FULL)), ("eve", "0", str(FULL)),
    ]  # fmt: skip
    assert "outside of the zip" in book["eve"]["remarks"]
    for name in ("summary.html", "answers.html", "answers.csv"):
        assert (out / name).stat().st_size > 0
    for student in book:
        names = {p.name for p in (out / "students" / student).iterdir()}
        assert names == {"results.json", "report.md", "report.html"}


def test_second_run_grades_nothing_again_and_changes_nothing(place, out, quick):
    grade(place, out)
    before, count = files_of(out), len(quick)

    grade(place, out)

    assert len(quick) == count == 2
    assert files_of(out) == before


def test_clone_tells_of_hints_once_the_variant_asks_and_of_its_release(place, tmp_path, out, quick):
    (place / "ada" / "hints.json").write_text('{"fc-1.1": 2}')
    (place / "ada" / "MANIFEST.json").write_text('{"version": "0.9.9"}')
    (tmp_path / "v.json").write_text('{"hints_in_hand_in": true}')
    grade(place, out)
    before = (out / "students" / "ada" / "report.md").read_text()
    grade(place, out, "--variant", str(tmp_path / "v.json"))

    assert "fc-1.1 2" not in before
    assert "fc-1.1 2" in (out / "students" / "ada" / "report.md").read_text()
    assert "release 0.9.9" in (out / "warnings.html").read_text()


def test_sandbox_is_tried_once_for_a_class(place, out, quick, monkeypatch):
    tried, real = [], single.choose_rung
    monkeypatch.setattr(single, "choose_rung", lambda **how: tried.append(how) or real(**how))
    single.find_rung.cache_clear()

    grade(place, out)

    assert len(tried) == 1


def test_hand_in_that_changed_is_graded_again_and_no_other(place, out, quick):
    grade(place, out)
    (place / "ada" / "cs682" / "optim.py").write_text("# new\n")

    grade(place, out)

    assert len(quick) == 3


@pytest.mark.parametrize("option", [["--seed", "2"], ["--variant", "v.json"], ["--regrade"]])
def test_other_conditions_or_a_word_grade_again(option, place, tmp_path, out, quick, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("v.json").write_text('{"given": ["fc-4.3"], "points": {"fc-4.1": 5}}')
    grade(place, out)

    grade(place, out, *option)

    assert len(quick) == 4


def test_variant_changes_points_and_maximum(place, tmp_path, out, quick):
    variant = tmp_path / "v.json"
    variant.write_text('{"given": ["fc-4.3"], "points": {"fc-4.1": 5}}')

    grade(place, out, "--variant", str(variant))

    row = read_book(out)["ada"]
    assert (row["fc-4.3"], row["fc-4.1"]) == ("0", "5")
    assert (row["maximum"], row["points"]) == (str(FULL), ALL)


def test_only_one_hand_in_is_graded_when_asked(place, out, quick, capsys):
    assert grade(place, out, "--only", "bob") == 0
    assert {k: row["points"] for k, row in read_book(out).items()} == {
        "ada": "", "bob": ALL, "eve": "",
    }  # fmt: skip
    assert "has not been graded yet" in read_book(out)["ada"]["remarks"]
    assert grade(place, out, "--only", "nobody") == 2
    assert "'nobody' has handed nothing in, expected" in capsys.readouterr().err


def test_name_behind_only_is_told_which_ids_have_it(place, out, quick, capsys):
    for id_ in ("55", "56"):
        add_zip(place, f"Jo Kim_{id_}_assignsubmission_file_hand-in.zip")

    assert grade(place, out, "--only", "Jo Kim") == 2
    assert "--only: 'Jo Kim' is a name, of 55, 56, expected" in capsys.readouterr().err
    out.mkdir(exist_ok=True)
    (out / "overrides.csv").write_text("student,exercise,points,reason\nJo Kim,fc-1.2,1,x\n")
    assert grade(place, out) == 2
    assert "line 2: 'Jo Kim' is a name, of 55, 56, expected" in capsys.readouterr().err


def test_only_leaves_all_others_as_they_are(place, out, quick):
    add_answers(place / "ada")
    grade(place, out)
    type_in(out / "answers.csv", "ada,fc-q1", "2")
    grade(place, out)
    before = files_of(out)
    (place / "ada" / "cs682" / "optim.py").write_text("# new, and not to be graded now\n")

    assert grade(place, out, "--only", "bob") == 0
    assert files_of(out) == before
    assert grade(place, out, "--only", "bob", "--regrade") == 0
    assert files_of(out) == before
    assert len(quick) == 3


def test_seed_is_drawn_once_and_kept(place, out, quick):
    words = ["grade", str(place), "--out", str(out), "--no-models"]

    assert main(words) == 0
    seed = (out / "staff" / "seed.txt").read_text()
    assert main(words) == 0

    assert (out / "staff" / "seed.txt").read_text() == seed
    assert int(seed).bit_length() > 64  # nobody tries them all
    assert len(quick) == 2


def test_names_that_are_no_text_are_graded_each_by_a_name_of_its_own(tmp_path, out, quick):
    folder = tmp_path / "class"
    write_hand_in(folder / os.fsdecode(b"ada\xe9"))
    write_hand_in(folder / os.fsdecode(b"ada\xea") / os.fsdecode(b"work\xff"))
    (folder / r"ada\udceb").mkdir()
    (folder / os.fsdecode(b"ada\xeb")).mkdir()

    assert grade(folder, out) == 1

    book = read_book(out)
    graded = [name for name, row in book.items() if row["points"]]
    assert graded == [r"ada\udce9", r"ada\udcea"]
    assert all(int(row["points"]) == int(ALL) for row in book.values() if row["points"])


def test_another_class_takes_nobody_out_of_the_book_without_a_word(
    place, tmp_path, out, quick, capsys
):
    grade(place, out)
    before = files_of(out)
    write_hand_in(tmp_path / "other" / "zoe")
    write_hand_in(tmp_path / "other" / "ada")
    override_one(out, "bob", "fc-1.2")

    assert grade(tmp_path / "other", out) == 2
    said = capsys.readouterr().err
    assert "not among SUBMISSIONS: 2: bob, eve. Name all" in said
    assert "has handed nothing in" not in said
    (out / "overrides.csv").unlink()
    assert files_of(out) == before

    assert grade(tmp_path / "other", out, "--drop-absent") == 0
    assert list(read_book(out)) == ["ada", "zoe"]
    assert sorted(p.name for p in (out / "students").iterdir()) == ["ada", "zoe"]
    dropped = files_of(out / "staff" / "dropped" / "bob")
    assert dropped[Path("reports/report.md")] == before[Path("students/bob/report.md")]
    assert grade(tmp_path / "other", out) == 0


def test_folder_of_newer_uploads_that_is_forgotten_costs_nobody_points(
    tmp_path, out, quick, capsys
):
    work = write_hand_in(tmp_path / "work")
    (tmp_path / "second").mkdir()
    (work / "cs682" / "optim.py").rename(tmp_path / "second" / "bob_1_400_optim.py")
    shutil.make_archive(str(tmp_path / "first" / "bob_1_345_work"), "zip", work)
    words = ["grade", str(tmp_path / "first"), "--out", str(out), "--no-models"]

    assert main([*words[:2], str(tmp_path / "second"), *words[2:]]) == 0
    before = files_of(out)
    assert main(words) == 2
    said = capsys.readouterr().err
    assert "not all uploads are among SUBMISSIONS: 1: 1 (bob_1_400_optim.py). Name all" in said
    assert files_of(out) == before

    assert main([*words, "--drop-absent"]) == 0
    assert "optim.py is missing" in read_book(out)["1"]["remarks"]
    assert main(words) == 0


def test_second_export_of_moodle_s_grades_none_again_whose_work_is_as_before(tmp_path, out, quick):
    ada, bob = (f"{name}_assignsubmission_file_" for name in ("Ada_55", "Bob_56"))
    one, two = tmp_path / "one", tmp_path / "two"
    for name in (ada, bob):
        write_hand_in(one / name)
        write_hand_in(two / name)
    with (two / bob / "cs682" / "optim.py").open("a") as file:
        file.write("# newer\n")
    grade(one, out)
    assert len(quick) == 2

    for _ in range(2):
        words = ["--out", str(out), "--no-models", "--seed", "1"]
        assert main(["grade", str(one), str(two), *words]) == 0
        assert len(quick) == 3
        record = read_record(out / "staff" / "records" / "55.json", "55")
        assert (record.uploads, record.points) == ((ada, ada), int(ALL))


def test_with_data_only_hand_ins_with_models_are_graded_again(place, out, quick, monkeypatch):
    pixels, labels = np.zeros((2, 3, 32, 32), np.uint8), np.zeros(2, np.int64)
    images = HeldBack(pixels, labels, pixels, labels, np.zeros((3, 32, 32), np.float32))
    monkeypatch.setattr(grade_module, "hold_back", lambda *_: images)
    monkeypatch.setattr(grade_module, "find_data", lambda folder: folder)
    (place / "ada" / "notebooks").mkdir()
    np.savez(place / "ada" / "notebooks" / "Two_Layer_Net (1).npz", W1=np.ones(3))
    np.savez(place / "bob" / "cs682" / "values.npz", W1=np.ones(3))  # the package holds such
    grade(place, out)

    assert main(["grade", str(place), "--out", str(out), "--seed", "1"]) == 0

    assert len(quick) == 3
    record = read_record(out / "staff" / "records" / "ada.json", "ada")
    assert {o.exercise: o.state for o in record.outcomes}["fc-2.4"] == "wrong"


def test_progress_is_said_where_there_is_no_terminal(place, out, quick, capsys):
    grade(place, out)

    assert "1 of 3 hand-ins are through\n2 of 3" in capsys.readouterr().out


def test_hand_ins_that_are_held_by_one_name_are_none_of_those_to_come(
    place, tmp_path, out, quick, capsys
):
    zips = [tmp_path / name / "hand-in.zip" for name in ("fin", "mia")]
    for path in zips:
        path.parent.mkdir()
        path.write_bytes((place / "eve.zip").read_bytes())

    words = ["grade", *map(str, (place, *zips)), "--out", str(out), "--no-models", "--seed", "1"]
    assert main(words) == 1
    assert "3 of 3 hand-ins are through" in capsys.readouterr().out


# --- in the sandbox


@pytest.mark.slow
def test_wrong_relu_loses_its_exercise_and_the_staff_alone_see_traces(place, out):
    assert grade(place, out) == 0

    book = read_book(out)
    lost = {key for key in EXERCISES if book["bob"][key] != book["ada"][key]}
    assert book["ada"]["points"] == ALL  # all that is code
    assert lost == {"fc-1.3"}
    assert "absolute value" in (out / "students" / "bob" / "report.md").read_text()


@pytest.mark.slow
def test_two_processes_give_the_same_files(place, tmp_path):
    grade(place, tmp_path / "one")
    grade(place, tmp_path / "two", "--jobs", "2")

    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")


def test_hand_in_that_is_graded_leaves_the_other_processors_alone(monkeypatch, tmp_path):
    used = []
    monkeypatch.setattr(run, "grade_submission", lambda *_: used.append(threadpool_info()))

    with threadpool_limits(2, user_api="blas"):
        run.attempt(Submission("ada", (), ()), Plan(tmp_path, 1, None, {}))

    assert {pool["num_threads"] for pool in used[0] if pool["user_api"] == "blas"} == {1}

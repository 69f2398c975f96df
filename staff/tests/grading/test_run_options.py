"""What a run of the grader is asked is looked through before anything is graded."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from staff.__main__ import main
from staff.grading import grade as grade_module
from staff.grading.judging.secret import FURTHER
from staff.grading.results.store import write_record
from staff.grading.sandbox.rungs import Rung
from staff.tests.grading.classes import files_of, grade
from staff.tests.grading.records import record_of
from staff.tests.grading.typed import write_table
from tests.cifar_files import write_set

ANSWERS = "student,question,points,maximum,remark\n"


@pytest.fixture
def other_user(place, monkeypatch):
    """Grade where code runs as another user; return the command line, without a seed."""
    monkeypatch.setattr(grade_module, "find_rung", lambda _: Rung("another user", None))
    return ["grade", str(place), "--no-models", "--out", str(place.parent / "out")]


@pytest.mark.parametrize("option", ["--roster", "--answers", "--variant"])
def test_table_that_another_user_may_read_is_refused(option, other_user, quick, capsys):
    text = {"--variant": "{}", "--roster": "Student,ID,A (9)\n", "--answers": ANSWERS}[option]
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        table = Path(folder, "table.csv")
        table.write_text(text)
        Path(folder).chmod(0o755)
        table.chmod(0o644)
        words = [*other_user, option, str(table)]
        words += ["--export", "canvas"] * (option == "--roster")

        assert main(words) == 2
        assert f"chmod o-rx {table}" in capsys.readouterr().err
        table.chmod(0o640)
        assert main(words) == 0


def test_seed_that_another_user_may_read_is_said(place, other_user, quick, capsys):
    assert main([*other_user, "--seed", "7"]) == 0
    seed = place.parent / "out" / "staff" / "seed.txt"
    assert f"write 7 into {seed}, and leave --seed out" in capsys.readouterr().out
    seed.write_text("7\n")

    assert main(other_user) == 0
    assert "--seed" not in capsys.readouterr().out
    assert "seed 7" in (place.parent / "out" / "staff" / "records" / "ada.json").read_text()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--jobs", "0"], "--jobs is 0"),
        (["--answers", "nowhere.csv"], "nowhere.csv"),
        (["--variant", "nowhere.json"], "nowhere.json"),
    ],
)
def test_bad_options_are_refused_and_nothing_is_graded(words, says, place, out, quick, capsys):
    assert grade(place, out, *words) == 2
    assert says in capsys.readouterr().err
    assert quick == []


def test_results_inside_of_the_hand_ins_are_refused(place, quick, capsys):
    assert grade(place, place / "out") == 2
    assert "lies inside of the hand-ins" in capsys.readouterr().err
    assert not (place / "out").exists()


def test_hand_ins_and_results_that_are_swapped_are_refused(place, tmp_path, out, quick, capsys):
    grade(place, out)
    before = files_of(tmp_path)

    assert grade(out, place) == 2
    assert "out is a folder of results" in capsys.readouterr().err
    (tmp_path / "more" / "zoe").mkdir(parents=True)
    assert grade(tmp_path / "more", place) == 2
    assert "may be hand-ins, and no results: ada, bob, eve.zip" in capsys.readouterr().err
    assert files_of(tmp_path) == before


@pytest.mark.parametrize("is_there", [True, False])
def test_mistyped_folder_of_hand_ins_leaves_no_folder_of_results(is_there, tmp_path, out, capsys):
    if is_there:
        (tmp_path / "clas").mkdir()

    assert grade(tmp_path / "clas", out) == 2
    assert f"there is no {'hand-in in ' * is_there}" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize("is_there", [True, False])
def test_models_need_real_data_or_a_word(is_there, place, tmp_path, out, monkeypatch, capsys):
    monkeypatch.setenv("CS682_DATA", str(tmp_path / "data"))
    if is_there:
        write_set(tmp_path / "data", stand_in=b"a recipe")

    assert main(["grade", str(place), "--out", str(out), "--seed", "1"]) == 2
    said = capsys.readouterr().err
    assert "--no-models" in said
    assert ("holds the stand-in" in said) == is_there


def test_exercise_without_further_check_is_named_before_anything_is_graded(
    place, out, monkeypatch, quick, capsys
):
    monkeypatch.delitem(FURTHER, "fc-1.3")

    assert grade(place, out) == 2
    assert "fc-1.3 has no entry for a further check" in capsys.readouterr().err
    assert quick == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("overrides.csv", "student,exercise,points\nada,fc-1.1,9\n"),
        ("late.json", "{"),
        ("students.csv", "a,b\n"),
        *((name, "") for name in ("overrides.csv", "late.json", "students.csv")),
    ],
)
def test_what_was_typed_wrong_is_refused_before_grading_and_left_alone(
    name, text, place, out, quick, capsys
):
    out.mkdir()
    (out / name).write_text(text)

    assert grade(place, out) == 2

    said = capsys.readouterr().err
    assert name in said
    assert ("is empty, expected" in said and "delete it" in said) == (not text)
    assert (out / name).read_text() == text
    assert quick == []


def test_all_that_was_typed_wrong_is_told_at_one_go(place, tmp_path, out, quick, capsys):
    out.mkdir()
    (out / "answers.csv").write_text(
        "student,question,points\nada,fc-q1,two\ndoraa,fc-q1,1\nnil,fc-q1,\n"
    )
    write_table(out / "readers" / "2.csv", "doraa,fc-q2,1,2,")
    (out / "overrides.csv").write_text(
        "student,exercise,points,reason\nnobody,fc-1.1,1,x\nada,fc-1.1,1,\n"
    )
    (out / "late.json").write_text('{"free_days": "x", "days": {"nemo": 0}}')
    (out / "students.csv").write_text("upload,student\nx.zip,\nnosuch.zip,ada\n")
    (tmp_path / "more.csv").write_text("student,question,points\nzoe,fc-q1,1\n")
    before = files_of(out)

    assert grade(place, out, "--answers", str(tmp_path / "more.csv")) == 2

    told = [line.rpartition("/")[2] for line in capsys.readouterr().err.splitlines()]
    assert told == [
        "overrides.csv, line 3: the reason is empty, expected one for the student to read",
        "late.json: free_days is 'x', expected a number from 0",
        "students.csv, line 2: upload 'x.zip', student '', expected both, or - for nobody",
        "overrides.csv, line 2: 'nobody' has handed nothing in, expected a student or a hand-in "
        "as grades.csv calls it",
        "late.json: 'nemo' has handed nothing in, expected a student or a hand-in as grades.csv "
        "calls it",
        "students.csv, line 3: nosuch.zip is not among the uploads, expected the name of one",
        "answers.csv, line 2: points are 'two', expected a whole number up to 2",
        "answers.csv, line 3: 'doraa' has handed nothing in, expected a hand-in as grades.csv "
        "calls it",
        "2.csv, line 2: 'doraa' has handed nothing in, expected a hand-in as grades.csv calls it",
        "more.csv, line 2: 'zoe' has handed nothing in, expected a hand-in as grades.csv calls it",
    ]
    assert {name: text for name, text in files_of(out).items() if text} == before
    assert quick == []


@pytest.mark.parametrize(
    ("text", "options", "says"),
    [
        ("Student,ID,Quiz,Homework\n", ["--export", "canvas"], "--column: 'Quiz', 'Homework'"),
        ("a,b\n", ["--export", "moodle"], "expected the columns identifier, grade"),
        ("Student,ID,Quiz\n", [], "--export canvas or moodle"),
        ("Identifier,Grade\n", ["--export", "moodle", "--column", "x"], "--column names"),
    ],
)
def test_roster_is_looked_through_before_grading(
    text, options, says, place, tmp_path, out, quick, capsys
):
    (tmp_path / "roster.csv").write_text(text)
    words = ["--roster", str(tmp_path / "roster.csv"), *options]

    assert grade(place, out, *words) == 2

    assert says in capsys.readouterr().err
    assert quick == []


def test_models_that_are_graded_are_never_opened_again(place, out, quick, capsys):
    write_record(out / "staff" / "records" / "ada.json", record_of("ada"))
    before = files_of(out)

    assert grade(place, out) == 2
    said = capsys.readouterr().err
    assert f"trained models are graded already in {out}, of 1 hand-ins: ada. Leave out" in said
    assert {name: text for name, text in files_of(out).items() if text} == before

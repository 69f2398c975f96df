"""A class is graded the same on any number of processes, and what is finished stays finished."""

from __future__ import annotations

import contextlib
import csv
import errno
import fcntl
import html
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from cs682.checks import EXERCISES
from staff.__main__ import main
from staff.grading import grade as grade_module
from staff.grading import run, single
from staff.grading.intake import unpack
from staff.grading.intake.package import CODE, ROOT
from staff.grading.intake.safe_text import slug
from staff.grading.intake.submission import Student, Submission
from staff.grading.judging.core import Outcome
from staff.grading.judging.held_back import HeldBack
from staff.grading.judging.secret import FURTHER
from staff.grading.results import summary
from staff.grading.results.folder import alone
from staff.grading.results.store import NotGraded, read_record, write_record
from staff.grading.run import grade_class
from staff.grading.sandbox.rungs import Rung
from staff.grading.single import Plan
from staff.tests.grading.hostile_zips import HOSTILE, make_zip, write_hostile
from staff.tests.grading.records import FULL, record_of
from staff.tests.grading.test_answers import type_in, write_table
from tests.cifar_files import write_set

ANSWERS = "student,question,points,maximum,remark\n"
ALL = str(sum(r.points for r in EXERCISES.values() if r.file in CODE))  # of what is code


def write_hand_in(folder: Path, **changes: tuple[str, str]) -> Path:
    """Write the reference's code as a hand-in, with some texts replaced."""
    for file in CODE:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        text = (ROOT / file).read_text(encoding="utf-8")
        old, new = changes.get(Path(file).stem, ("", ""))
        assert old in text
        (folder / file).write_text(text.replace(old, new) if old else text, encoding="utf-8")
    return folder


@pytest.fixture
def place(tmp_path):
    """Return a class of three: right, wrong in one place, hostile."""
    folder = tmp_path / "class"
    write_hand_in(folder / "ada")
    write_hand_in(folder / "bob", layers=("np.maximum(x, 0), x", "np.abs(x), x"))
    hostile = next(kind for kind in HOSTILE if kind.name == "parent folders")
    write_hostile(hostile, folder / "eve.zip")
    return folder


def grade(place, out, *options):
    words = ["grade", str(place), "--out", str(out), "--no-models", "--seed", "1", *options]
    return main(words)


def read_book(out):
    with (out / "grades.csv").open(encoding="utf-8", newline="") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def files_of(out):
    """Return all that was written, by name."""
    return {p.relative_to(out): p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()}


@pytest.fixture
def quick(monkeypatch):
    """Put something quick in the place of the sandbox: who passes is written into the code."""
    graded = []

    def grade_code(package, *, seed, rung, only):
        graded.append(package)
        for key in only:
            points = EXERCISES[key].points
            yield Outcome(key, points, points, "passed", f"seed {seed}")

    monkeypatch.setattr(single, "grade_code", grade_code)
    monkeypatch.setattr(summary, "_figures", lambda records: [])  # plots have tests of their own
    return graded


def test_class_is_graded_and_every_file_is_there(place, tmp_path, quick):
    out = tmp_path / "out"

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


def test_second_run_grades_nothing_again_and_changes_nothing(place, tmp_path, quick):
    out = tmp_path / "out"
    grade(place, out)
    before, count = files_of(out), len(quick)

    grade(place, out)

    assert len(quick) == count == 2
    assert files_of(out) == before


def test_clone_tells_of_hints_once_the_variant_asks_and_of_its_release(place, tmp_path, quick):
    (place / "ada" / "hints.json").write_text('{"fc-1.1": 2}')
    (place / "ada" / "MANIFEST.json").write_text('{"version": "0.9.9"}')
    (tmp_path / "v.json").write_text('{"hints_in_hand_in": true}')
    out = tmp_path / "out"

    grade(place, out)
    before = (out / "students" / "ada" / "report.md").read_text()
    grade(place, out, "--variant", str(tmp_path / "v.json"))

    assert "fc-1.1 2" not in before
    assert "fc-1.1 2" in (out / "students" / "ada" / "report.md").read_text()
    assert "release 0.9.9" in (out / "warnings.html").read_text()


def test_sandbox_is_tried_once_for_a_class(place, tmp_path, quick, monkeypatch):
    tried, real = [], single.choose_rung
    monkeypatch.setattr(single, "choose_rung", lambda **how: tried.append(how) or real(**how))
    single.find_rung.cache_clear()

    grade(place, tmp_path / "out")

    assert len(tried) == 1


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


def test_hand_in_that_changed_is_graded_again_and_no_other(place, tmp_path, quick):
    out = tmp_path / "out"
    grade(place, out)
    (place / "ada" / "cs682" / "optim.py").write_text("# new\n")

    grade(place, out)

    assert len(quick) == 3


@pytest.mark.parametrize("option", [["--seed", "2"], ["--variant", "v.json"]])
def test_other_conditions_grade_again(option, place, tmp_path, quick, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("v.json").write_text('{"given": ["fc-4.3"], "points": {"fc-4.1": 5}}')
    grade(place, tmp_path / "out")

    grade(place, tmp_path / "out", *option)

    assert len(quick) == 4


def test_variant_changes_points_and_maximum(place, tmp_path, quick):
    variant = tmp_path / "v.json"
    variant.write_text('{"given": ["fc-4.3"], "points": {"fc-4.1": 5}}')

    grade(place, tmp_path / "out", "--variant", str(variant))

    row = read_book(tmp_path / "out")["ada"]
    assert (row["fc-4.3"], row["fc-4.1"]) == ("0", "5")
    assert (row["maximum"], row["points"]) == (str(FULL), ALL)


def test_only_one_hand_in_is_graded_when_asked(place, tmp_path, quick, capsys):
    out = tmp_path / "out"

    assert grade(place, out, "--only", "bob") == 0
    assert {k: row["points"] for k, row in read_book(out).items()} == {
        "ada": "", "bob": ALL, "eve": "",
    }  # fmt: skip
    assert "has not been graded yet" in read_book(out)["ada"]["remarks"]
    assert grade(place, out, "--only", "nobody") == 2
    assert "there is no hand-in 'nobody'; there are ada, bob, eve" in capsys.readouterr().err


def test_only_leaves_all_others_as_they_are(place, tmp_path, quick):
    out = tmp_path / "out"
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


def test_regrade_grades_again(place, tmp_path, quick):
    grade(place, tmp_path / "out")
    grade(place, tmp_path / "out", "--regrade")

    assert len(quick) == 4


def test_seed_is_drawn_once_and_kept(place, tmp_path, quick):
    out = tmp_path / "out"
    words = ["grade", str(place), "--out", str(out), "--no-models"]

    assert main(words) == 0
    seed = (out / "staff" / "seed.txt").read_text()
    assert main(words) == 0

    assert (out / "staff" / "seed.txt").read_text() == seed
    assert int(seed).bit_length() > 64  # nobody tries them all
    assert len(quick) == 2


def test_names_that_are_no_text_are_graded_each_by_a_name_of_its_own(tmp_path, quick):
    folder, out = tmp_path / "class", tmp_path / "out"
    write_hand_in(folder / os.fsdecode(b"ada\xe9"))
    write_hand_in(folder / os.fsdecode(b"ada\xea") / os.fsdecode(b"work\xff"))
    (folder / r"ada\udceb").mkdir()
    (folder / os.fsdecode(b"ada\xeb")).mkdir()

    assert grade(folder, out) == 1

    book = read_book(out)
    graded = [name for name, row in book.items() if row["points"]]
    assert graded == [r"ada\udce9", r"ada\udcea"]
    assert all(int(row["points"]) == int(ALL) for row in book.values() if row["points"])


def add_answers(folder):
    """Hand in the reference's notebooks too, with its answers."""
    for path in sorted((ROOT / "notebooks").glob("FullyConnectedNets.ipynb")):
        (folder / "notebooks").mkdir(exist_ok=True)
        (folder / "notebooks" / path.name).write_bytes(path.read_bytes())


def test_points_of_answers_that_were_typed_in_count_and_are_never_lost(place, tmp_path, quick):
    add_answers(place / "ada")
    out = tmp_path / "out"
    grade(place, out)
    sheet = out / "answers.csv"
    type_in(sheet, "ada,fc-q1", "2")

    for options in ([], ["--answers", str(sheet)], ["--only", "bob"], ["--seed", "2"],
                    ["--regrade"], ["--readers", "2"], ["--names"]):  # fmt: skip
        assert grade(place, out, *options) == 0
        assert "ada,fc-q1,2,2" in sheet.read_text()
        assert read_book(out)["ada"]["points"] == str(int(ALL) + 2)


def test_points_stay_whose_hand_in_is_gone_and_those_without_an_answer_are_named(
    place, tmp_path, quick, capsys
):
    add_answers(place / "ada")
    out = tmp_path / "out"
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


def test_answer_that_a_later_upload_changes_is_to_be_read_again(place, tmp_path, quick, capsys):
    add_answers(place / "ada")
    out = tmp_path / "out"
    grade(place, out)
    type_in(out / "answers.csv", "ada,fc-q1", "2")
    grade(place, out)
    path = place / "ada" / "notebooks" / "FullyConnectedNets.ipynb"
    book = json.loads(path.read_text())
    asked = [cell["id"] for cell in book["cells"]].index("q1")
    book["cells"][asked + 1]["source"] = "Something else."
    path.write_text(json.dumps(book))

    for _ in range(2):
        grade(place, out)
        assert read_book(out)["ada"]["points"] == ALL
        assert (
            "Read again, for they have changed since: answers of ada (fc-q1)"
            in capsys.readouterr().out
        )
        assert "<td>ada</td><td>fc-q1: before, 2</td>" in (out / "warnings.html").read_text()
        assert "Changed since it was read; before, ada: 2" in (out / "answers.html").read_text()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--jobs", "0"], "--jobs is 0"),
        (["--answers", "nowhere.csv"], "nowhere.csv"),
        (["--variant", "nowhere.json"], "nowhere.json"),
    ],
)
def test_bad_options_are_refused_and_nothing_is_graded(words, says, place, tmp_path, quick, capsys):
    assert grade(place, tmp_path / "out", *words) == 2
    assert says in capsys.readouterr().err
    assert quick == []


def test_results_inside_of_the_hand_ins_are_refused(place, quick, capsys):
    assert grade(place, place / "out") == 2
    assert "lies inside of the hand-ins" in capsys.readouterr().err
    assert not (place / "out").exists()


def test_hand_ins_and_results_that_are_swapped_are_refused(place, tmp_path, quick, capsys):
    grade(place, tmp_path / "out")
    before = files_of(tmp_path)

    assert grade(tmp_path / "out", place) == 2
    assert "out is a folder of results" in capsys.readouterr().err
    (tmp_path / "more" / "zoe").mkdir(parents=True)
    assert grade(tmp_path / "more", place) == 2
    assert "may be hand-ins, and no results: ada, bob, eve.zip" in capsys.readouterr().err
    assert files_of(tmp_path) == before


def test_another_class_takes_nobody_out_of_the_book_without_a_word(place, tmp_path, quick, capsys):
    out = tmp_path / "out"
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


@pytest.mark.parametrize("is_there", [True, False])
def test_mistyped_folder_of_hand_ins_leaves_no_folder_of_results(is_there, tmp_path, capsys):
    if is_there:
        (tmp_path / "clas").mkdir()

    assert grade(tmp_path / "clas", tmp_path / "out") == 2
    assert f"there is no {'hand-in in ' * is_there}" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("is_there", [True, False])
def test_models_need_real_data_or_a_word(is_there, place, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CS682_DATA", str(tmp_path / "data"))
    if is_there:
        write_set(tmp_path / "data", stand_in=b"a recipe")

    assert main(["grade", str(place), "--out", str(tmp_path / "out"), "--seed", "1"]) == 2
    said = capsys.readouterr().err
    assert "--no-models" in said
    assert ("holds the stand-in" in said) == is_there


def test_grader_s_own_error_costs_one_hand_in_alone(place, tmp_path, monkeypatch, quick, capsys):
    real = single.arrange

    def arrange(haul, folder):
        if any("bob" in member.name for member in haul.members):
            raise ZeroDivisionError("a bug of ours")
        return real(haul, folder)

    monkeypatch.setattr(single, "arrange", arrange)

    assert grade(place, tmp_path / "out") == 1

    assert read_book(tmp_path / "out")["ada"]["points"] == ALL
    assert read_book(tmp_path / "out")["bob"]["points"] == ""
    assert "a bug of ours" in (tmp_path / "out" / "staff" / "failures.txt").read_text()
    assert "NOT GRADED bob: the grader itself failed: ZeroDivisionError" in capsys.readouterr().out


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EDQUOT])
def test_disk_that_takes_nothing_is_no_zero(number, place, tmp_path, quick, monkeypatch, capsys):
    def no(path, record):
        raise OSError(number, os.strerror(number), str(path))

    grade(place, tmp_path / "out")
    monkeypatch.setattr(single, "write_record", no)

    assert grade(place, tmp_path / "out", "--regrade", "--only", "bob") == 1

    row = read_book(tmp_path / "out")["bob"]
    assert (row["points"], row["fc-1.1"]) == ("", "")
    assert row["remarks"] == f"NOT GRADED: the grader itself failed: {os.strerror(number)}"
    assert str(tmp_path) not in row["remarks"]
    assert f"NOT GRADED bob: the grader itself failed: {os.strerror(number)}" in (
        capsys.readouterr().out
    )


def test_what_a_limit_keeps_out_is_kept_for_a_person_to_see(place, tmp_path, quick, monkeypatch):
    out = tmp_path / "out"
    monkeypatch.setattr(unpack, "MAX_FILES", len(CODE) - 1)

    assert grade(place, out) == 0

    record = read_record(out / "staff" / "records" / "ada.json", "ada")
    assert "is left out: more than" in record.facts["left out"]
    assert record.facts["left out"] in record.problems


def test_damaged_zip_is_not_graded_until_it_comes_whole(place, tmp_path, quick, capsys):
    out, path = tmp_path / "out", place / "eve.zip"
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


def test_what_a_person_sets_counts_for_a_hand_in_that_is_not_graded(place, tmp_path, quick):
    out = tmp_path / "out"
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


def test_not_graded_stays_so_until_it_is_graded(place, tmp_path, quick, monkeypatch):
    out = tmp_path / "out"
    monkeypatch.setattr(single, "arrange", lambda *_: 1 / 0)
    assert grade(place, out) == 1
    monkeypatch.undo()
    monkeypatch.setattr(summary, "_figures", lambda records: [])

    assert grade(place, out, "--only", "eve") == 0
    assert "ZeroDivisionError" in read_book(out)["ada"]["remarks"]
    assert grade(place, out, "--only", "eve") == 0
    assert read_book(out)["eve"]["points"] == "0"


def test_exercise_that_the_grader_stumbled_over_is_graded_again(
    place, tmp_path, monkeypatch, quick
):
    states = iter(["not graded", "passed", "passed"])

    def grade_code(package, *, seed, rung, only):
        state = next(states)
        yield from (Outcome(key, 0, EXERCISES[key].points, state, "") for key in only)

    monkeypatch.setattr(single, "grade_code", grade_code)

    assert grade(place, tmp_path / "out", "--only", "ada") == 1
    assert read_book(tmp_path / "out")["ada"]["points"] == ""
    assert grade(place, tmp_path / "out", "--only", "ada") == 0
    assert read_book(tmp_path / "out")["ada"]["points"] == ALL


def test_exercise_without_further_check_is_named_before_anything_is_graded(
    place, tmp_path, monkeypatch, quick, capsys
):
    monkeypatch.delitem(FURTHER, "fc-1.3")

    assert grade(place, tmp_path / "out") == 2
    assert "fc-1.3 has no entry for a further check" in capsys.readouterr().err
    assert quick == []


def test_held_hand_in_is_not_graded_until_a_person_has_said(place, tmp_path, quick, capsys):
    (place / "link").symlink_to(tmp_path)
    out = tmp_path / "out"

    assert grade(place, out) == 1
    assert "NOT GRADED link: it is a link" in capsys.readouterr().out
    assert read_book(out)["ada"]["points"] == ALL

    (out / "students.csv").write_text("upload,student\nlink,-\n")
    assert grade(place, out) == 0
    assert list(read_book(out)) == ["ada", "bob", "eve"]


def test_upload_that_is_held_stops_nobody_and_takes_nobody_out_of_the_book(
    place, tmp_path, quick, capsys
):
    out = tmp_path / "out"
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
    assert grade(place, out) == 0
    assert {*read_book(out)} == {*before}


def test_upload_that_is_assigned_for_nothing_is_named(place, tmp_path, quick, capsys):
    out = tmp_path / "out"
    out.mkdir()
    name = "bob_1_2_Eve_3_assignsubmission_file_"
    for given in ("my_layers.py", "layers.py"):
        (place / f"{name}{given}").write_bytes((place / "ada/cs682/layers.py").read_bytes())
    lines = [f"{name}{given},ada" for given in ("my_layers.py", "layers.py")]
    (out / "students.csv").write_text("\n".join(["upload,student", *lines]))

    assert grade(place, out) == 0

    said = f"Nothing was taken from uploads that students.csv assigns: {name}my_layers.py (ada)\n"
    assert said in capsys.readouterr().out
    assert f"<td>ada</td><td>{name}my_layers.py</td>" in (out / "warnings.html").read_text()


def test_override_and_late_days_are_read_from_the_folder_of_results(place, tmp_path, quick):
    out = tmp_path / "out"
    grade(place, out)
    (out / "overrides.csv").write_text("student,exercise,points,reason\neve,fc-1.2,3,seen\n")
    (out / "late.json").write_text('{"percent_per_day": 50, "days": {"bob": 1}}')

    assert grade(place, out) == 0

    assert {k: float(row["points"]) for k, row in read_book(out).items()} == {
        "ada": int(ALL), "bob": int(ALL) / 2, "eve": 3,
    }  # fmt: skip
    assert len(quick) == 2


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("answers.csv", "student,question,points\nada,fc-q1,two\n"),
        ("overrides.csv", "student,exercise,points\nada,fc-1.1,9\n"),
        ("overrides.csv", "student,exercise,points\nnobody,fc-1.1,1\n"),
        ("late.json", "{"),
        ("students.csv", "a,b\n"),
    ],
)
def test_what_was_typed_wrong_is_refused_before_grading_and_left_alone(
    name, text, place, tmp_path, quick, capsys
):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).write_text(text)

    assert grade(place, tmp_path / "out") == 2

    assert name in capsys.readouterr().err
    assert (tmp_path / "out" / name).read_text() == text
    assert quick == []


def test_all_that_was_typed_wrong_is_told_at_one_go(place, tmp_path, quick, capsys):
    out = tmp_path / "out"
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

    assert grade(place, out, "--answers", str(tmp_path / "more.csv")) == 2

    told = [line.rpartition("/")[2] for line in capsys.readouterr().err.splitlines()]
    assert told == [
        "answers.csv, line 2: points are 'two', expected a whole number up to 2",
        "overrides.csv, line 3: the reason is empty, expected one for the student to read",
        "late.json: free_days is 'x', expected a number from 0",
        "students.csv, line 2: upload 'x.zip', student '', expected both, or - for nobody",
        "overrides.csv, line 2: 'nobody' has handed nothing in, expected a student or a hand-in "
        "as grades.csv calls it",
        "late.json: 'nemo' has handed nothing in, expected a hand-in as grades.csv calls it",
        "students.csv, line 3: nosuch.zip is not among the uploads, expected the name of one",
        "answers.csv, line 3: 'doraa' has handed nothing in, expected a hand-in as grades.csv "
        "calls it",
        "2.csv, line 2: 'doraa' has handed nothing in, expected a hand-in as grades.csv calls it",
        "more.csv, line 2: 'zoe' has handed nothing in, expected a hand-in as grades.csv calls it",
    ]
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
    text, options, says, place, tmp_path, quick, capsys
):
    (tmp_path / "roster.csv").write_text(text)
    words = ["--roster", str(tmp_path / "roster.csv"), *options]

    assert grade(place, tmp_path / "out", *words) == 2

    assert says in capsys.readouterr().err
    assert quick == []


def test_grade_without_a_line_in_the_roster_is_said(place, tmp_path, quick, capsys):
    (tmp_path / "roster.csv").write_text("Student,ID,Homework\nAda,ada,\nEve,eve,\n")

    grade(place, tmp_path / "out", "--export", "canvas", "--roster", str(tmp_path / "roster.csv"))

    said = capsys.readouterr().out
    assert f"has no line for bob (bob, {ALL} points)" in said
    assert "OPEN in canvas.csv" not in said  # nobody has an answer
    assert f"Ada,ada,{ALL}\n" in (tmp_path / "out" / "canvas.csv").read_text()


def test_what_is_open_is_said_before_grades_leave(place, tmp_path, quick, capsys):
    out = tmp_path / "out"
    add_answers(place / "ada")
    write_hostile(next(kind for kind in HOSTILE if kind.name == "noise"), place / "eve.zip")
    (place / "link").symlink_to(tmp_path)

    assert grade(place, out, "--export", "moodle") == 1

    lines = [line for line in capsys.readouterr().out.splitlines() if "OPEN in moodle.csv" in line]
    assert ["ada (6)" in lines[0], lines[1][-5:], lines[2][-6:]] == [True, ": eve", ": link"]


def test_models_are_open_in_what_leaves_where_they_are_not_graded(place, tmp_path, quick, capsys):
    (place / "ada" / "notebooks").mkdir()
    np.savez(place / "ada" / "notebooks" / "two_layer_net.npz", W1=np.ones(3))

    assert grade(place, tmp_path / "out", "--export", "canvas") == 0

    said = capsys.readouterr().out
    assert "OPEN in canvas.csv: 3 points in trained models that are not graded" in said
    assert "hand-ins: 1: ada (3)" in said
    assert "Trained models are not graded, 3 points in all" in said


def test_table_for_a_platform_that_is_older_than_the_grades_is_named(
    place, tmp_path, quick, capsys
):
    out = tmp_path / "out"
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


def test_class_whose_times_nobody_can_read_is_named_once_days_count(place, tmp_path, quick, capsys):
    out = tmp_path / "out"
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


def override_one(out, student, exercise):
    line = f"{student},{exercise},1,seen"
    (out / "overrides.csv").write_text(f"student,exercise,points,reason\n{line}\n")


def test_what_is_saved_while_a_run_is_on_is_kept_and_named(
    place, tmp_path, quick, monkeypatch, capsys
):
    def grade_code(*args, real=single.grade_code, **more):
        type_in(out / "answers.csv", "ada,fc-q1", "2")
        override_one(out, "bob", "fc-1.2")
        yield from real(*args, **more)

    out = tmp_path / "out"
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


def test_hand_in_that_is_not_graded_but_for_an_override_is_said_shortly(
    place, tmp_path, quick, capsys
):
    write_hostile(next(kind for kind in HOSTILE if kind.name == "noise"), place / "eve.zip")
    grade(place, tmp_path / "out")
    override_one(tmp_path / "out", "eve", "fc-1.2")
    capsys.readouterr()

    assert grade(place, tmp_path / "out") == 1
    left = len(EXERCISES) - 1
    which = f"exercises: {left}: fc-1.1, fc-1.3, fc-1.4, fc-1.5, fc-1.6, fc-q1 and {left - 6} more"
    assert f"its end is missing; {which}\n" in capsys.readouterr().out


def test_models_that_are_graded_are_never_opened_again(place, tmp_path, quick, capsys):
    out = tmp_path / "out"
    write_record(out / "staff" / "records" / "ada.json", record_of("ada"))
    before = files_of(out)

    assert grade(place, out) == 2
    said = capsys.readouterr().err
    assert f"trained models are graded already in {out}, of 1 hand-ins: ada. Leave out" in said
    assert {name: text for name, text in files_of(out).items() if text} == before


def test_with_data_only_hand_ins_with_models_are_graded_again(place, tmp_path, quick, monkeypatch):
    pixels, labels = np.zeros((2, 3, 32, 32), np.uint8), np.zeros(2, np.int64)
    images = HeldBack("none", pixels, labels, pixels, labels, np.zeros((3, 32, 32), np.float32))
    monkeypatch.setattr(grade_module, "hold_back", lambda *_: images)
    monkeypatch.setattr(grade_module, "find_data", lambda folder: folder)
    out = tmp_path / "out"
    (place / "ada" / "notebooks").mkdir()
    np.savez(place / "ada" / "notebooks" / "Two_Layer_Net (1).npz", W1=np.ones(3))
    np.savez(place / "bob" / "cs682" / "values.npz", W1=np.ones(3))  # the package holds such
    grade(place, out)

    assert main(["grade", str(place), "--out", str(out), "--seed", "1"]) == 0

    assert len(quick) == 3
    record = read_record(out / "staff" / "records" / "ada.json", "ada")
    assert {o.exercise: o.state for o in record.outcomes}["fc-2.4"] == "wrong"


def start_slow_run(place, out, stderr):
    """Grade in a process of its own, with two workers that take their time."""
    script = out.parent / "slow.py"
    script.write_text(SLOW)
    words = ["grade", str(place), "--out", str(out), "--no-models", "--jobs", "2"]
    return subprocess.Popen(
        [sys.executable, str(script), *words], env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL, stderr=stderr, start_new_session=True,
    )  # fmt: skip


def test_second_run_at_the_same_time_is_refused_until_the_first_is_dead(
    place, tmp_path, quick, capsys
):
    out = tmp_path / "out"
    process = start_slow_run(place, out, stderr=subprocess.DEVNULL)
    try:
        while not list(out.glob("staff/records/*.json")):
            assert process.poll() is None
            time.sleep(0.05)

        assert grade(place, out) == 2
        said = capsys.readouterr().err
        assert f"another run (process {process.pid}) grades into {out}: wait for its end" in said
        process.kill()
        process.wait()
        with alone(out):  # though its workers are not dead yet
            pass
    finally:
        os.killpg(process.pid, signal.SIGKILL)
    assert (out / "staff" / "running").read_text() == ""


def test_worker_of_a_run_that_is_killed_ends_too(place, tmp_path):
    out = tmp_path / "out"
    process = start_slow_run(place, out, stderr=subprocess.PIPE)
    while not list(out.glob("staff/records/*.json")):
        assert process.poll() is None
        time.sleep(0.05)
    process.kill()

    try:
        _, errors = process.communicate(timeout=20)  # until no worker holds the pipe
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert b"Traceback" not in errors


def test_file_system_without_locks_is_graded_on_all_the_same(tmp_path, monkeypatch):
    def no(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", no)

    with alone(tmp_path):
        pass


def test_progress_is_said_where_there_is_no_terminal(place, tmp_path, quick, capsys):
    grade(place, tmp_path / "out")

    assert "1 of 3 hand-ins are through\n2 of 3" in capsys.readouterr().out


@pytest.mark.parametrize("jobs", [[], ["--jobs", "2"]])
def test_ctrl_c_says_one_line_and_leaves_the_book_of_what_is_done(jobs, tmp_path):
    for number in range(5):
        (tmp_path / "class" / f"{number}").mkdir(parents=True)
        (tmp_path / "class" / f"{number}" / "layers.py").write_text("x\n")
    out = tmp_path / "out"
    words = ["grade", str(tmp_path / "class"), "--out", str(out), "--no-models", *jobs]
    script = tmp_path / "slow.py"  # a file, which worker processes read too
    script.write_text(SLOW)
    process = subprocess.Popen(
        [sys.executable, str(script), *words], env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    while not list(out.glob("staff/records/*.json")):
        assert process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    said, errors = process.communicate()

    assert process.returncode == 130
    lines = said.splitlines()
    stopping = lines.index("Stopping; writing the book of what is done.")
    assert not any(text.startswith("Grades: ") for text in lines[:stopping])
    assert lines[-1] == "Interrupted: 4 hand-ins are left; the same command goes on with them."
    assert "Traceback" not in errors
    assert sorted(row["points"] for row in read_book(out).values()) == ["", "", "", "", "0"]


def test_regrade_that_is_interrupted_says_who_is_left(place, tmp_path, quick, monkeypatch, capsys):
    def interrupted(package, **more):
        raise KeyboardInterrupt

    grade(place, tmp_path / "out")
    before = read_book(tmp_path / "out")
    real, calls = single.grade_code, iter([single.grade_code])
    monkeypatch.setattr(single, "grade_code", lambda *a, **k: next(calls, interrupted)(*a, **k))

    assert grade(place, tmp_path / "out", "--regrade") == 130
    assert capsys.readouterr().out.splitlines()[-1] == (
        "Interrupted: 2 hand-ins are left; they stand as before. To go on, give it again with "
        "--only bob eve"
    )
    assert read_book(tmp_path / "out") == before
    monkeypatch.setattr(single, "grade_code", real)
    assert grade(place, tmp_path / "out", "--regrade", "--only", "bob", "eve") == 0


def test_run_that_is_told_to_end_leaves_no_folder_behind(tmp_path):
    (tmp_path / "class" / "ada").mkdir(parents=True)
    (tmp_path / "class" / "ada" / "layers.py").write_text("x\n")
    scratch, out = tmp_path / "scratch", tmp_path / "out"
    scratch.mkdir()
    words = ["grade", str(tmp_path / "class"), "--out", str(out), "--no-models"]
    process = subprocess.Popen(
        [sys.executable, "-c", WAITING, *words],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(scratch)},
    )
    while not list(scratch.glob("cs682-hand-in-*")):
        assert process.poll() is None
        time.sleep(0.05)
    process.terminate()

    assert process.wait() == 143
    assert list(scratch.glob("cs682-*")) == []


def test_run_that_is_told_to_end_while_it_checks_gives_nobody_a_zero(tmp_path):
    write_hand_in(tmp_path / "class" / "ada")
    out = tmp_path / "out"
    words = ["grade", str(tmp_path / "class"), "--out", str(out), "--no-models"]

    ended = subprocess.run(
        [sys.executable, "-c", CHECKING, *words], cwd=ROOT, capture_output=True, text=True
    )

    assert ended.returncode == 143
    assert ended.stdout.splitlines()[-1].startswith("Terminated: ")
    assert "Traceback" not in ended.stderr
    assert list(out.glob("staff/records/*.json")) == []


def test_worker_that_is_told_to_end_while_it_checks_judges_nothing(tmp_path):
    write_hand_in(tmp_path / "class" / "ada")
    write_hand_in(tmp_path / "class" / "bob")
    out = tmp_path / "out"
    words = ["grade", str(tmp_path / "class"), "--out", str(out), "--no-models", "--jobs", "2"]
    script = tmp_path / "checking.py"  # a file, which worker processes read too
    script.write_text(CHECKING)

    ended = subprocess.run(
        [sys.executable, str(script), *words], env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True,
    )  # fmt: skip

    assert ended.returncode == 1
    assert ended.stdout.count(run.KILLED) == 2
    assert "Traceback" not in ended.stderr
    assert [row["points"] for row in read_book(out).values()] == ["", ""]


CHECKING = """
import os, signal, sys
from cs682.checks.run import examine
from staff.grading import single

def grade_code(*_, **__):
    end = lambda *_: os.kill(os.getpid(), signal.SIGTERM)
    yield examine("fc-1.1", checks=[end])

single.grade_code = grade_code
if __name__ == "__main__":
    from staff.__main__ import main
    sys.exit(main(sys.argv[1:]))
"""
WAITING = """
import sys, time
from staff.grading import single
single.unpack = lambda *_: time.sleep(600)
from staff.__main__ import main
sys.exit(main(sys.argv[1:]))
"""
SLOW = """
import sys, time
from pathlib import Path
from staff.grading import single

def wait(*args, real=single.arrange):
    try:
        Path(sys.argv[2] + ".first").touch(exist_ok=False)
    except FileExistsError:
        time.sleep(60)  # all but the first
    return real(*args)

single.arrange = wait
if __name__ == "__main__":
    from staff.__main__ import main
    sys.exit(main(sys.argv[1:]))
"""


# --- in the sandbox


@pytest.mark.slow
def test_wrong_relu_loses_its_exercise_and_the_staff_alone_see_traces(place, tmp_path):
    out = tmp_path / "out"

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


def deadly(submission: Submission, plan: Plan) -> NotGraded:
    """Kill the worker process: with the third hand-in once, with the fifth each time."""
    mark = plan.out / "killed"
    if submission.id == "4" or (submission.id == "2" and not mark.exists()):
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return NotGraded(submission.id, "")


@pytest.mark.slow
def test_worker_that_is_killed_costs_nobody_else_a_grade(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "_attempt_marked", deadly_marked)
    submissions = [Submission(str(i), (Student(str(i)),), ()) for i in range(7)]

    results = grade_class(submissions, Plan(tmp_path, 1, None, {}), jobs=2)

    assert sorted(results) == list("0123456")
    assert [id_ for id_, result in results.items() if result.reason] == ["4"]
    assert results["4"].reason == run.KILLED


def deadly_marked(submission, plan, marks):
    (marks / slug(submission.id)).touch()
    result = deadly(submission, plan)
    (marks / slug(submission.id)).unlink()
    return result


@pytest.mark.slow
def test_run_that_is_killed_has_lost_nothing_that_was_finished(place, tmp_path):
    out = tmp_path / "out"
    words = [sys.executable, "-m", "staff", "grade", str(place), "--out", str(out)]
    process = subprocess.Popen([*words, "--no-models", "--seed", "1"], cwd=ROOT)
    first = out / "staff" / "records" / f"{slug('ada')}.json"
    while not first.exists():
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()
    before = first.stat().st_mtime_ns

    assert grade(place, out) == 0
    assert grade(place, tmp_path / "whole") == 0

    assert first.stat().st_mtime_ns == before
    assert files_of(out) == files_of(tmp_path / "whole")

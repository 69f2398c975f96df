"""A class is graded the same on any number of processes, and what is finished stays finished."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cs682.checks import EXERCISES
from staff.__main__ import main
from staff.grading import run, single
from staff.grading.intake.package import ROOT
from staff.grading.intake.safe_text import slug
from staff.grading.intake.submission import Student, Submission
from staff.grading.judging.core import Outcome
from staff.grading.results import summary
from staff.grading.results.store import NotGraded
from staff.grading.run import grade_class
from staff.grading.single import Plan
from staff.tests.grading.hostile_zips import HOSTILE, write_hostile
from staff.tests.grading.test_answers import type_in

CODE = tuple(dict.fromkeys(r.file for r in EXERCISES.values() if r.file.startswith("cs682/")))


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
        ("ada", "67", "100"), ("bob", "67", "100"), ("eve", "0", "100"),
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
    assert (row["fc-4.3"], row["fc-4.1"], row["maximum"], row["points"]) == ("0", "5", "100", "67")


def test_only_one_hand_in_is_graded_when_asked(place, tmp_path, quick, capsys):
    out = tmp_path / "out"

    assert grade(place, out, "--only", "bob") == 0
    assert {k: row["points"] for k, row in read_book(out).items()} == {
        "ada": "", "bob": "67", "eve": "",
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
    assert len(quick) == 2


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
        assert read_book(out)["ada"]["points"] == "69"


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


def test_models_need_data_or_a_word_that_there_are_none(place, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CS682_DATA", str(tmp_path / "nowhere"))

    assert main(["grade", str(place), "--out", str(tmp_path / "out"), "--seed", "1"]) == 2
    assert "--no-models" in capsys.readouterr().err


def test_grader_s_own_error_costs_one_hand_in_alone(place, tmp_path, monkeypatch, quick, capsys):
    real = single.arrange

    def arrange(haul, folder):
        if any("bob" in member.name for member in haul.members):
            raise ZeroDivisionError("a bug of ours")
        return real(haul, folder)

    monkeypatch.setattr(single, "arrange", arrange)

    assert grade(place, tmp_path / "out") == 1

    assert read_book(tmp_path / "out")["ada"]["points"] == "67"
    assert read_book(tmp_path / "out")["bob"]["points"] == ""
    assert "a bug of ours" in (tmp_path / "out" / "staff" / "failures.txt").read_text()
    assert "NOT GRADED bob: the grader itself failed: ZeroDivisionError" in capsys.readouterr().out


# --- in the sandbox


@pytest.mark.slow
def test_wrong_relu_loses_its_exercise_and_the_staff_alone_see_traces(place, tmp_path):
    out = tmp_path / "out"

    assert grade(place, out) == 0

    book = read_book(out)
    lost = {key for key in EXERCISES if book["bob"][key] != book["ada"][key]}
    assert book["ada"]["points"] == "67"  # all that is code
    assert lost == {"fc-1.3"}
    assert "absolute value" in (out / "students" / "bob" / "report.md").read_text()


@pytest.mark.slow
def test_two_processes_give_the_same_files(place, tmp_path):
    grade(place, tmp_path / "one")
    grade(place, tmp_path / "two", "--jobs", "2")

    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")


@pytest.mark.slow
def test_dask_cluster_gives_the_same_files(place, tmp_path):
    distributed = pytest.importorskip("distributed", reason="the extra `dask` is not installed")
    grade(place, tmp_path / "one")

    with distributed.LocalCluster(2, threads_per_worker=1, dashboard_address=None) as cluster:
        grade(place, tmp_path / "two", "--scheduler", cluster.scheduler_address)

    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")


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

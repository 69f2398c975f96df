"""The autograder's zip holds what it needs, and its results are in Gradescope's form throughout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import jsonschema
import pytest

from cs682.checks import EXERCISES
from cs682.checks.run import TRAININGS
from staff.__main__ import main
from staff.grading.gradescope import run as gradescope_run
from staff.grading.intake.package import ROOT
from staff.grading.judging.outcome import Outcome
from staff.grading.sandbox.ladder import Rung
from staff.tests.grading.classes import ALL, write_hand_in
from staff.tests.grading.records import CODE, FULL, READ

SCHEMA = json.loads(Path(__file__).with_name("gradescope_results.schema.json").read_text())


def build(folder: Path, *options: str) -> Path:
    """Make the zip, and lay it out as Gradescope does."""
    out = folder / "autograder.zip"
    assert main(["gradescope", "--out", str(out), "--seed", "5", "--no-models", *options]) == 0
    root = folder / "autograder"
    for name in ("source", "submission", "results"):
        (root / name).mkdir(parents=True)
    with zipfile.ZipFile(out) as archive:
        archive.extractall(root / "source")
    return root


def read_results(root: Path) -> dict:
    """Return the results after holding them against the format."""
    results = json.loads((root / "results" / "results.json").read_text())
    jsonschema.validate(results, SCHEMA)
    return results


def total(results: dict, key: str = "score") -> int:
    return sum(test[key] for test in results["tests"])


@pytest.fixture
def quick(monkeypatch):
    """Grade without a sandbox; return what is called before each outcome."""
    before = []

    def grade_package(package, answers, rung, plan):
        for key, row in EXERCISES.items():
            for call in before:
                call(key)
            if row.is_question:
                yield Outcome(key, 0, row.points, "to be read", "a person reads it")
            else:
                yield Outcome(key, row.points, row.points, "passed", "", ("advice",))

    def choose(*, allow_unsandboxed):
        assert not allow_unsandboxed
        return Rung("another user", None)

    monkeypatch.setattr(gradescope_run, "grade_package", grade_package)
    monkeypatch.setattr(gradescope_run, "choose_rung", choose)
    return before


def run(root, monkeypatch):
    monkeypatch.setenv("AUTOGRADER_ROOT", str(root))
    assert gradescope_run.main() == 0
    return read_results(root)


def test_zip_has_its_two_scripts_at_the_root_and_is_the_same_each_time(tmp_path):
    for name in "ab":
        build(tmp_path / name)

    with zipfile.ZipFile(tmp_path / "a" / "autograder.zip") as archive:
        modes = {e.filename: e.external_attr >> 16 for e in archive.infolist()}
    assert modes["setup.sh"] == modes["run_autograder"] == 0o100755
    assert {"cs682/layers.py", "staff/grading/gradescope/run.py"} <= modes.keys()
    assert not any("staff/bugs" in name or "tests" in name for name in modes)
    assert (tmp_path / "a" / "autograder.zip").read_bytes() == (
        tmp_path / "b" / "autograder.zip"
    ).read_bytes()


def test_scripts_are_sound_shell(tmp_path):
    root = build(tmp_path)

    for name in ("setup.sh", "run_autograder"):
        subprocess.run(["bash", "-n", str(root / "source" / name)], check=True)


@pytest.mark.parametrize("names", [(), ("submission_metadata.json",)])
def test_no_other_user_may_read_what_gradescope_lays_out(names, tmp_path):
    root = build(tmp_path)
    for name in (*names, "submission/layers.py"):
        (root / name).write_text("")
    script = root / "source" / "run_autograder"
    words = {"AUTOGRADER_ROOT": str(root), "AUTOGRADER_PYTHON": "true", "PATH": os.environ["PATH"]}

    subprocess.run(["bash", str(script)], env=words, check=True)

    assert [path for path in root.rglob("*") if path.stat().st_mode & 0o007] == []


def test_results_are_complete_and_without_points_from_the_start(tmp_path, quick, monkeypatch):
    root = build(tmp_path)
    seen = []
    quick.append(lambda key: seen.append(read_results(root)))

    run(root, monkeypatch)

    assert total(seen[0]) == 0
    assert all(total(results, "max_score") == FULL for results in seen)
    scores = [total(results) for results in seen]
    assert scores == sorted(scores)
    assert scores[-1] > 70


def test_reference_gets_all_of_its_code_and_answers_wait_for_a_person(tmp_path, quick, monkeypatch):
    results = run(build(tmp_path), monkeypatch)

    assert (total(results), total(results, "max_score")) == (CODE, FULL)
    waiting = [test for test in results["tests"] if "to be read" in test["name"]]
    assert sum(test["max_score"] for test in waiting) == READ
    assert not any("status" in test for test in waiting)


def test_questions_can_be_left_to_gradescope(tmp_path, quick, monkeypatch):
    results = run(build(tmp_path, "--code-only"), monkeypatch)

    assert (total(results), total(results, "max_score")) == (CODE, CODE)


def test_points_of_answers_come_from_the_table(tmp_path, quick, monkeypatch):
    table = tmp_path / "answers.csv"
    table.write_text("student,question,points,maximum,remark\nsubmission_7,fc-q1,2,2,well put\n")
    root = build(tmp_path, "--answers", str(table))
    (root / "submission_metadata.json").write_text('{"id": 7}')

    results = run(root, monkeypatch)

    assert total(results) == CODE + 2
    assert "well put" in [test["output"] for test in results["tests"]]


def test_failure_of_the_grader_leaves_what_was_reached(tmp_path, quick, monkeypatch, capsys):
    root = build(tmp_path)

    def fail(key):
        if key == "fc-2.1":
            raise ZeroDivisionError("a bug of ours")

    quick.append(fail)

    results = run(root, monkeypatch)

    assert total(results) == 8
    assert total(results, "max_score") == FULL
    assert "not your fault" in results["output"]
    assert "a bug of ours" not in json.dumps(results)
    assert "a bug of ours" in capsys.readouterr().err


def test_staff_alone_see_names_that_no_layer_needs(tmp_path, quick, monkeypatch, capsys):
    root = build(tmp_path)
    (root / "submission" / "cs682").mkdir()
    text = (ROOT / "cs682/layers.py").read_text(encoding="utf-8")
    (root / "submission" / "cs682" / "layers.py").write_text(f"{text}\nimport gc\n")
    capsys.readouterr()

    results = run(root, monkeypatch)

    assert "no layer needs: cs682/layers.py line " in capsys.readouterr().out
    assert "no layer needs" not in json.dumps(results)
    assert results["stdout_visibility"] == "hidden"


def test_damaged_zip_is_said_to_be_not_graded(tmp_path, quick, monkeypatch):
    root = build(tmp_path)
    (root / "submission" / "a2.zip").write_bytes(b"PK")

    results = run(root, monkeypatch)

    assert "NOT GRADED" in results["output"]
    assert "submission/a2.zip is not a whole zip" in results["output"]
    assert all("not graded" in test["name"] and "status" not in test for test in results["tests"])


def test_variant_changes_the_maxima(tmp_path, quick, monkeypatch):
    variant = tmp_path / "v.json"
    variant.write_text('{"given": ["fc-4.3"], "points": {"fc-4.1": 9}}')
    root = build(tmp_path, "--variant", str(variant))
    quick.append(lambda key: None)

    gradescope_run.Results(
        root / "results" / "results.json",
        json.loads((root / "source" / "settings.json").read_text()),
    )

    changed = 9 - EXERCISES["fc-4.1"].points - EXERCISES["fc-4.3"].points
    assert total(read_results(root), "max_score") == FULL + changed


def test_too_many_points_for_an_answer_are_refused(tmp_path, capsys):
    table = tmp_path / "answers.csv"
    table.write_text("student,question,points\nsubmission_7,fc-q1,3\n")

    words = ["--seed", "5", "--no-models", "--answers", str(table)]

    assert main(["gradescope", "--out", str(tmp_path / "a.zip"), *words]) == 2
    assert "3 points given, there are 2" in capsys.readouterr().err
    assert not (tmp_path / "a.zip").exists()


@pytest.mark.slow
def test_autograder_runs_where_it_is_laid_out(tmp_path):
    root = build(tmp_path)
    write_hand_in(root / "submission" / "a2", layers=("np.maximum(x, 0), x", "np.abs(x), x"))
    environment = {
        "AUTOGRADER_ROOT": str(root),
        "AUTOGRADER_PYTHON": sys.executable,
        "PATH": os.environ["PATH"],
    }

    subprocess.run(["bash", str(root / "source" / "run_autograder")], env=environment, check=True)

    results = read_results(root)
    failed = {test["number"] for test in results["tests"] if test.get("status") == "failed"}
    questions = {key for key, row in EXERCISES.items() if row.is_question}  # no notebooks here
    assert failed - questions == {"fc-1.3", *TRAININGS}
    assert (total(results), total(results, "max_score")) == (int(ALL) - 1, FULL)
    if os.getuid() == 0:
        assert not (root / "source").stat().st_mode & 0o007

"""A student's own repository: its hosted job, step by step, and what a course collects from it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from cs682.checks import EXERCISES
from cs682.cifar10.download import get_stand_in
from cs682.cifar10.files import FOLDER, STAND_IN
from staff.grading.intake.collect import collect
from staff.grading.intake.locate import FILES, MODEL_FILES, arrange
from staff.grading.intake.unpack import unpack
from staff.release.files import ROOT
from staff.release.reference import restore_files

WORKFLOW, PIPELINE = ".github/workflows/check.yml", ".gitlab-ci.yml"
LAYERS = "cs682/layers.py"
INSTALL, SUMMARY = "pip install", '"$GITHUB_STEP_SUMMARY"'
IDS = list(EXERCISES)
TOTAL = sum(row.points for row in EXERCISES.values())


def steps(text: str) -> list[str]:
    """Return the commands of the workflow."""
    job = yaml.safe_load(text)["jobs"]["check"]
    return [step["run"] for step in job["steps"] if "run" in step]


def git(folder: Path, *words: str) -> None:
    author = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    subprocess.run(["git", "-C", str(folder), *author, *words], check=True)


def clone(files: dict[str, bytes], folder: Path) -> Path:
    """Return a fresh clone of a repository into which these files were pushed."""
    for path, data in files.items():
        (folder / "pushed" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "pushed" / path).write_bytes(data)
    git(folder / "pushed", "init", "--quiet")
    git(folder / "pushed", "add", ".")
    git(folder / "pushed", "commit", "--quiet", "--message", "x")
    git(folder, "clone", "--quiet", "pushed", "clone")
    return folder / "clone"


def replaced(files: dict[str, bytes], old: str, new: str) -> dict[str, bytes]:
    text = files[LAYERS].decode()
    assert text.count(old) == 1
    return files | {LAYERS: text.replace(old, new).encode()}


@pytest.fixture
def run_job(tmp_path):
    """Give a function that runs the job in a clone; it returns each status, and the summary.

    The last step, notebooks and tests, takes minutes: two states of work go through it.
    """

    def run(files: dict[str, bytes], *, to_the_end: bool = False) -> tuple[list[int], str]:
        folder, summary = clone(files, tmp_path), tmp_path / "summary.md"
        (folder / "datasets" / STAND_IN).symlink_to(get_stand_in().parent)  # made once
        kept = {key: text for key, text in os.environ.items() if key != "CS682_DATA"}
        kept |= {"PYTHONPATH": str(folder), "GITHUB_STEP_SUMMARY": str(summary)}
        kept["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
        commands = [c for c in steps(files[WORKFLOW].decode()) if INSTALL not in c]  # is here
        statuses = [
            subprocess.run(["bash", "-eo", "pipefail", "-c", c], cwd=folder, env=kept, check=False)
            for c in (commands if to_the_end else commands[:-1])
        ]
        return [done.returncode for done in statuses], summary.read_text(encoding="utf-8")

    return run


@pytest.mark.slow
@pytest.mark.parametrize("done", ["nothing", "half", "all"])
def test_job_takes_what_is_open_for_no_failure(run_job, release, reference, done):
    solved = {"nothing": set(), "half": set(IDS[: len(IDS) // 2]), "all": None}[done]

    files = restore_files(release.files, reference, solved)
    statuses, board = run_job(files, to_the_end=done == "half")

    assert set(statuses) == {0}
    points = {"nothing": "0 of", "half": r"\d\d of", "all": f"{TOTAL} of"}[done]
    assert re.search(rf"^\*\*{points} {TOTAL} points: ", board, re.MULTILINE)
    assert "wrong" not in board


@pytest.mark.slow
def test_job_fails_over_a_wrong_exercise_and_says_the_likely_cause(run_job, release, reference):
    files = restore_files(release.files, reference, {"fc-1.1", "fc-1.2"})

    statuses, board = run_job(replaced(files, "@ w + b", "@ w - b"), to_the_end=True)

    assert statuses == [1, 0, 1]
    assert re.search(r"^\| fc-1\.1 \|.*\| wrong \|", board, re.MULTILINE)
    assert re.search(r"^ {6}.*Likely cause: the bias b is subtracted", board, re.MULTILINE)


@pytest.mark.slow
def test_job_fails_over_a_file_that_is_no_python_and_says_so_once(run_job, release):
    statuses, board = run_job(
        replaced(release.files, "def affine_forward(", "def affine_forward((")
    )

    assert statuses == [1, 0]
    assert re.search(r"^\| fc-1\.1 \|.*\| wrong: cs682/layers\.py line \d+", board, re.MULTILINE)
    assert board.partition("What is wrong:")[2].count("SyntaxError") == 1


def test_job_has_few_rights_no_secrets_and_actions_that_cannot_change():
    text = (ROOT / WORKFLOW).read_text(encoding="utf-8")
    job = yaml.safe_load(text)

    used = [step["uses"] for step in job["jobs"]["check"]["steps"] if "uses" in step]

    assert job["permissions"] == {"contents": "read"}
    assert "permissions" not in job["jobs"]["check"]
    assert "secrets" not in text
    assert len(used) == 2
    assert [name for name in used if not re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40}", name)] == []


def test_gitlab_runs_what_github_runs():
    ours = yaml.safe_load((ROOT / PIPELINE).read_text(encoding="utf-8"))["check"]["script"]

    commands = steps((ROOT / WORKFLOW).read_text(encoding="utf-8"))

    told = [line.removesuffix(" || wrong=1") for line in ours]
    assert told == [c.replace(SUMMARY, "board.md") for c in commands] + ["exit ${wrong:-0}"]


def test_networks_of_a_student_are_committed_and_those_of_the_reference_are_not(tmp_path, release):
    work = {path: data for path, data in release.files.items() if path.endswith(".gitignore")}

    folder = clone(work | dict.fromkeys(MODEL_FILES, b"x"), tmp_path)

    assert [name for name in MODEL_FILES if not (folder / name).is_file()] == []
    ignored = ["git", "-C", str(ROOT), "check-ignore", *MODEL_FILES]
    done = subprocess.run(ignored, capture_output=True, text=True, check=False)
    assert done.stdout.split() == [*MODEL_FILES]


def test_what_is_made_or_fetched_beside_the_work_is_not_committed(tmp_path, release):
    beside = ("hand-in.zip", "cs682-assignment2-1.0.1.zip", "hints.json", "kept/x.py")
    work = {".gitignore": release.files[".gitignore"], **dict.fromkeys(beside, b"x")}

    folder = clone(work, tmp_path)

    assert [path.name for path in folder.iterdir() if path.name != ".git"] == [".gitignore"]


@pytest.mark.slow
def test_clones_are_hand_ins_with_all_that_lies_around_in_them(tmp_path, release):
    files = release.files | dict.fromkeys(MODEL_FILES, b"x")
    first = clone(files, tmp_path / "ada")
    for place in (".venv", "env"):  # of any name; a module in it looks like an exercise's file
        modules = first / place / "lib" / "python3.12" / "cs682"
        modules.mkdir(parents=True)
        (first / place / "pyvenv.cfg").write_text("home = /usr/bin\n")
        for number in range(400):
            (modules / f"module_{number}.py").write_text("x = 1\n")
        shutil.copy(first / LAYERS, modules)
    (first / "datasets" / FOLDER).mkdir()
    (first / "datasets" / FOLDER / "data_batch_1").write_bytes(b"x" * 1000)
    for name in ("assignment2-ada", "assignment2-bob", "assignment2-eve"):
        shutil.copytree(first, tmp_path / "class" / name)

    found = collect(tmp_path / "class", tmp_path / "scratch")

    assert found.remarks == ()
    assert [s.id for s in found.submissions] == [
        p.name for p in sorted((tmp_path / "class").iterdir())
    ]
    for submission in found.submissions:
        (numbered := tmp_path / submission.id / "files").mkdir(parents=True)
        package = arrange(unpack(submission.sources, numbered), tmp_path / submission.id / "work")
        assert (package.missing, package.problems) == ((), ())
        assert [name for name in FILES if not (package.folder / name).is_file()] == []

"""A run that is interrupted or killed, or whose workers are, loses nothing and gives no zero."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import signal
import subprocess
import sys
import time

import pytest

from staff.grading import run, single
from staff.grading.intake.package import ROOT
from staff.grading.intake.safe_text import slug
from staff.grading.intake.submission import Student, Submission
from staff.grading.results.folder import alone
from staff.grading.results.store import NotGraded
from staff.grading.run import grade_class
from staff.grading.single import Plan
from staff.tests.grading.classes import files_of, grade, read_book, write_hand_in


def start(script, place, out, *options, **how):
    """Grade in a process of its own, with a grader that a script has changed."""
    path = out.parent / "script.py"  # a file, which worker processes read too
    path.write_text(script)
    words = ["grade", str(place), "--out", str(out), "--no-models", *options]
    return subprocess.Popen(
        [sys.executable, str(path), *words], env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True, start_new_session=True, **how,
    )  # fmt: skip


def wait_for(process, folder, name):
    while not list(folder.glob(name)):
        assert process.poll() is None
        time.sleep(0.05)


BOTH = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
QUIET = {"stdout": subprocess.DEVNULL}
RECORD = "staff/records/*.json"


@pytest.mark.slow  # waits for processes of its own, as those below
def test_second_run_at_the_same_time_is_refused_until_the_first_is_dead(place, out, quick, capsys):
    process = start(SLOW, place, out, "--jobs", "2", **QUIET, stderr=subprocess.DEVNULL)
    try:
        wait_for(process, out, RECORD)

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


@pytest.mark.slow
def test_worker_of_a_run_that_is_killed_ends_too(place, out):
    process = start(SLOW, place, out, "--jobs", "2", **QUIET, stderr=subprocess.PIPE)
    wait_for(process, out, RECORD)
    process.kill()

    try:
        _, errors = process.communicate(timeout=20)  # until no worker holds the pipe
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert "Traceback" not in errors


def test_file_system_without_locks_is_graded_on_all_the_same(tmp_path, monkeypatch):
    def no(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", no)

    with alone(tmp_path):
        pass


def write_five(folder):
    for number in range(5):
        (folder / f"{number}").mkdir(parents=True)
        (folder / f"{number}" / "layers.py").write_text("x\n")


@pytest.mark.parametrize("jobs", [[], ["--jobs", "2"]])
def test_ctrl_c_says_one_line_and_leaves_the_book_of_what_is_done(jobs, tmp_path, out):
    write_five(tmp_path / "class")
    process = start(SLOW, tmp_path / "class", out, *jobs, **BOTH)
    wait_for(process, out, RECORD)
    os.killpg(process.pid, signal.SIGINT)
    said, errors = process.communicate()

    assert process.returncode == 130
    lines = said.splitlines()
    stopping = lines.index("Stopping; writing the book of what is done.")
    assert not any(text.startswith("Grades: ") for text in lines[:stopping])
    assert lines[-1] == "Interrupted: 4 hand-ins left; the same command goes on with them."
    assert "Traceback" not in errors
    assert sorted(row["points"] for row in read_book(out).values()) == ["", "", "", "", "0"]


@pytest.mark.parametrize("jobs", [[], pytest.param(["--jobs", "2"], marks=pytest.mark.slow)])
def test_sigterm_leaves_the_book_of_what_is_done_too(jobs, tmp_path, out):
    write_five(tmp_path / "class")
    process = start(SLOW, tmp_path / "class", out, *jobs, **BOTH)
    wait_for(process, out, RECORD)
    os.killpg(process.pid, signal.SIGTERM)
    said, errors = process.communicate()

    assert process.returncode == 143
    last = said.splitlines()[-1]
    assert last == "Interrupted: 4 hand-ins left; the same command goes on with them."
    assert "Traceback" not in errors
    assert sorted(row["points"] for row in read_book(out).values()) == ["", "", "", "", "0"]


def test_reader_who_leaves_after_the_first_line_costs_no_file(tmp_path, out):
    (tmp_path / "class" / "ada").mkdir(parents=True)
    (tmp_path / "class" / "ada" / "layers.py").write_text("x\n")
    process = start(WAITING.replace("WAITS", "wait"), tmp_path / "class", out, **BOTH)
    first = process.stdout.readline()
    process.stdout.close()

    assert (process.wait(), process.stderr.read()) == (0, "")
    assert "1 hand-in; code runs" in first
    assert [row["points"] for row in read_book(out).values()] == ["0"]
    assert (out / "answers.csv").exists()


def test_regrade_that_is_interrupted_says_who_is_left(place, out, quick, monkeypatch, capsys):
    def interrupted(package, **more):
        raise KeyboardInterrupt

    grade(place, out)
    before = read_book(out)
    real, calls = single.grade_code, iter([single.grade_code])
    monkeypatch.setattr(single, "grade_code", lambda *a, **k: next(calls, interrupted)(*a, **k))

    assert grade(place, out, "--regrade") == 130
    assert capsys.readouterr().out.splitlines()[-1] == (
        "Interrupted: 2 hand-ins left; they stand as before. To go on, give the same command again "
        "with --only bob eve"
    )
    assert read_book(out) == before
    monkeypatch.setattr(single, "grade_code", real)
    assert grade(place, out, "--regrade", "--only", "bob", "eve") == 0


@pytest.mark.parametrize(
    ("waits", "jobs"), [("grade.find_rung", "1"), ("single.arrange", "1"), ("single.arrange", "2")]
)
def test_run_that_is_told_to_end_leaves_no_folder_behind(waits, jobs, tmp_path, out, monkeypatch):
    (tmp_path / "class" / "ada").mkdir(parents=True)
    (tmp_path / "class" / "ada" / "layers.py").write_text("x\n")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    process = start(WAITING.replace("WAITS", waits), tmp_path / "class", out, "--jobs", jobs)
    wait_for(process, scratch, "waits")
    process.terminate()

    assert process.wait() == 143
    assert list(scratch.glob("cs682-*")) == []


def test_run_that_is_told_to_end_while_it_checks_gives_nobody_a_zero(tmp_path, out):
    write_hand_in(tmp_path / "class" / "ada")
    process = start(CHECKING, tmp_path / "class", out, **BOTH)
    said, errors = process.communicate()

    assert process.returncode == 143
    assert said.splitlines()[-1].startswith("Interrupted: 1 hand-in left; the same command")
    assert "Traceback" not in errors
    assert list(out.glob("staff/records/*.json")) == []
    assert [row["points"] for row in read_book(out).values()] == [""]


def test_worker_that_is_told_to_end_while_it_checks_judges_nothing(tmp_path, out):
    write_hand_in(tmp_path / "class" / "ada")
    write_hand_in(tmp_path / "class" / "bob")
    process = start(CHECKING, tmp_path / "class", out, "--jobs", "2", **BOTH)
    said, errors = process.communicate()

    assert process.returncode == 1
    assert said.count(run.KILLED) == 2
    assert "Traceback" not in errors
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
import os, sys, time
from pathlib import Path
from staff.grading import grade, single
from staff.grading.sandbox.ladder import Sandbox, choose_rung

def wait(*_):
    with Sandbox(choose_rung(allow_unsandboxed=True), {}):
        Path(os.environ["TMPDIR"], "waits").touch()
        time.sleep(600)

WAITS = wait
if __name__ == "__main__":
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


def deadly(submission, plan, marks):
    """Kill the worker process: with the third hand-in once, with the fifth each time."""
    (marks / slug(submission.id)).touch()
    killed = plan.out / "killed"
    if submission.id == "4" or (submission.id == "2" and not killed.exists()):
        killed.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    (marks / slug(submission.id)).unlink()
    return NotGraded(submission.id, "")


@pytest.mark.slow
def test_worker_that_is_killed_costs_nobody_else_a_grade(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "_attempt_marked", deadly)
    submissions = [Submission(str(i), (Student(str(i)),), ()) for i in range(7)]

    results = grade_class(submissions, Plan(tmp_path, 1, None, {}), jobs=2)

    assert sorted(results) == list("0123456")
    assert [id_ for id_, result in results.items() if result.reason] == ["4"]
    assert results["4"].reason == run.KILLED


@pytest.mark.slow
def test_run_that_is_killed_has_lost_nothing_that_was_finished(place, tmp_path, out):
    words = [sys.executable, "-m", "staff", "grade", str(place), "--out", str(out)]
    process = subprocess.Popen([*words, "--no-models", "--seed", "1"], cwd=ROOT)
    first = out / "staff" / "records" / f"{slug('ada')}.json"
    wait_for(process, first.parent, first.name)
    process.kill()
    process.wait()
    before = first.stat().st_mtime_ns

    assert grade(place, out) == 0
    assert grade(place, tmp_path / "whole") == 0

    assert first.stat().st_mtime_ns == before
    assert files_of(out) == files_of(tmp_path / "whole")

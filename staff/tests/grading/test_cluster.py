"""A Dask cluster works by typing what the documentation says, and its troubles are said."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from staff.grading import cluster
from staff.grading.intake.package import ROOT
from staff.tests.grading.classes import files_of, grade, write_hand_in

PAGE = ROOT / "docs" / "staff" / "grading.md"
pytest.importorskip("distributed", reason="the extra `dask` is not installed")


def documented(word: str) -> list[str]:
    """Return a command of the documentation, as words; `make test` has made what it names."""
    (line,) = re.findall(rf"^\.venv/bin/python (-m dask {word}.*)$", PAGE.read_text(), re.MULTILINE)
    return [sys.executable, *line.split()]


def start(words: list[str], folder: Path = ROOT) -> subprocess.Popen[str]:
    """Start a command as in a new terminal."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.Popen(words, cwd=folder, env=kept, stderr=subprocess.PIPE, text=True)


def line_with(process: subprocess.Popen[str], pattern: str) -> str:
    """Return what a pattern finds in what a process says."""
    for line in process.stderr or ():
        if found := re.search(pattern, line):
            return found[1]
    raise AssertionError(f"{process.args} ended without saying {pattern}")


def end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    process.communicate()


@pytest.fixture
def scheduler():
    """Start the scheduler by what is documented, at a port that is free."""
    process = start([*documented("scheduler"), "--port", "0", "--dashboard-address", ":0"])
    yield process, line_with(process, r"Scheduler at: *(tcp://\S+)")
    end(process)


def start_worker(address: str, folder: Path = ROOT) -> subprocess.Popen[str]:
    words = [address if word.startswith("tcp:") else word for word in documented("worker")]
    process = start([*words, "--no-dashboard"], folder)
    line_with(process, r"(Starting established connection)")
    return process


@pytest.fixture
def place(tmp_path):
    write_hand_in(tmp_path / "class" / "ada")
    return tmp_path / "class"


@pytest.mark.slow
def test_documented_commands_grade_a_class_to_the_same_files(scheduler, place, tmp_path):
    worker = start_worker(scheduler[1])
    try:
        assert grade(place, tmp_path / "two", "--scheduler", scheduler[1]) == 0
    finally:
        end(worker)
    grade(place, tmp_path / "one")

    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")


@pytest.mark.slow
def test_workers_without_the_source_are_named(scheduler, place, tmp_path, capsys):
    _, address = scheduler
    assert grade(place, tmp_path / "out", "--scheduler", address) == 2
    assert f"the scheduler at {address} has no workers; start them" in capsys.readouterr().err

    worker = start_worker(address, tmp_path)
    try:
        assert grade(place, tmp_path / "out", "--scheduler", address) == 2
    finally:
        end(worker)

    assert "there is no module 'staff' at tcp://" in capsys.readouterr().err


@pytest.mark.slow
def test_scheduler_that_goes_away_is_said(scheduler, place, tmp_path, capsys, monkeypatch):
    process, address = scheduler
    monkeypatch.setattr(cluster, "PATIENCE", 2)
    monkeypatch.setattr(cluster, "_require_ready", lambda *_: process.send_signal(signal.SIGKILL))
    worker = start_worker(address)
    try:
        assert grade(place, tmp_path / "out", "--scheduler", address) == 2
    finally:
        worker.kill()

    assert f"the scheduler at {address} went away" in capsys.readouterr().err


@pytest.mark.slow
def test_scheduler_that_is_not_there_is_said(place, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(cluster, "PATIENCE", 1)

    assert grade(place, tmp_path / "out", "--scheduler", "tcp://127.0.0.1:9") == 2
    assert "no Dask scheduler answers at tcp://127.0.0.1:9" in capsys.readouterr().err

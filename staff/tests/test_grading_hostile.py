"""No hand-in gains a point by what it does, and none costs another one anything."""

from __future__ import annotations

import fcntl
import os
import tempfile
from pathlib import Path

import pytest

from staff.bugs.answer import ROOT
from staff.grading.core import grade_files
from staff.grading.hand_in import read_package
from staff.grading.hostile import HOSTILE
from staff.grading.sandbox import Limits, NoSandboxError, processes_of, try_rung

LIMITS = Limits(wall=2.0, cpu=1, memory=600_000_000)
REFERENCE = read_package(ROOT)
RUNGS = ("bubblewrap", "another user", "limits alone")


@pytest.fixture(scope="module", params=RUNGS)
def any_rung(request):
    try:
        return try_rung(request.param, LIMITS)
    except NoSandboxError as error:
        pytest.skip(f"not on this machine: {error}")


def grade(files, rung, *exercises):
    return {o.exercise: o for o in grade_files(files, seed=3, rung=rung, only=exercises)}


def processes_without_sandbox(lock):
    """Return processes of the user of this lock, if there is no sandbox that it belongs to."""
    with open(lock) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return []
        return processes_of(int(lock.name))


def left_behind():
    """Return processes of users whose sandbox has ended, and files that hostile hand-ins write."""
    locks = Path(tempfile.gettempdir(), "cs682-sandbox-users").iterdir()
    processes = [p for lock in locks for p in processes_without_sandbox(lock)]
    places = (Path("/tmp"), Path("/dev/shm"), Path("/var/tmp"))
    names = ("cs682-bomb*", "cs682-note*", "cs682-unpickled", "cs682-asked", "results.json", "bomb")
    return processes + [f for place in places for name in names for f in place.glob(name)]


@pytest.fixture(scope="module", autouse=True)
def _hidden_reference():
    """Keep other users from the reference, as the grader demands of them; root sees it anyway."""
    before = ROOT.stat().st_mode
    if os.getuid() == 0:
        ROOT.chmod(before & ~0o007)
    yield
    ROOT.chmod(before)


@pytest.mark.slow
@pytest.mark.parametrize("kind", HOSTILE, ids=str)
def test_hostile_hand_in_gains_nothing(kind, any_rung):
    if kind.needs_walls and any_rung.name == "limits alone":
        pytest.skip("this rung has no walls: it is for hand-ins that are trusted")

    outcome = grade(kind.apply(REFERENCE), any_rung, kind.exercise)[kind.exercise]

    assert outcome.points == 0
    assert outcome.state in kind.states, outcome
    assert outcome.message
    assert all(c.isprintable() or c == "\n" for c in outcome.message)
    assert len(outcome.message) < 5000
    if os.getuid() == 0 and any_rung.name != "limits alone":
        assert left_behind() == []

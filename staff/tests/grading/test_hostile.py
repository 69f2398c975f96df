"""No hand-in gains a point by what it does, and none costs another one anything."""

from __future__ import annotations

import dataclasses
import fcntl
import itertools
import os
from pathlib import Path

import pytest

from staff.bank.answer import ROOT
from staff.grading.intake.package import read_package
from staff.grading.judging.core import grade_files
from staff.grading.sandbox.ladder import RUNGS
from staff.grading.sandbox.users import processes_of
from staff.tests.grading.hostile import HOSTILE, command, exits, resources

# The other rungs differ from the strongest in what they let code reach and use.
CASES = [
    (name, kind)
    for name in RUNGS
    for kind in HOSTILE
    if name == RUNGS[0] or kind.needs_walls or kind in resources.KINDS
    if name != RUNGS[2] or not kind.needs_walls
]


@pytest.fixture(scope="module")
def rungs():
    return {rung.name: rung for rung in command.rungs()}


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
    locks = Path("/tmp/cs682-sandbox-users").iterdir()
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
    if os.getuid() == 0:
        ROOT.chmod(before)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "kind"), CASES, ids=str)
def test_hostile_hand_in_gains_nothing(name, kind, rungs):
    if name not in rungs:
        pytest.skip(f"no {name} on this machine")

    outcome = command.try_kind(kind, rungs[name])

    assert outcome.points == 0
    assert outcome.state in kind.states, outcome
    assert outcome.message
    assert all(c.isprintable() or c == "\n" for c in outcome.message)
    assert len(outcome.message) < 5000
    if os.getuid() == 0 and name != "limits alone":
        assert left_behind() == []


def test_hostile_hand_ins_are_as_many_as_promised():
    assert len({kind.name for kind in HOSTILE}) == len(HOSTILE) >= 40


@pytest.mark.slow
def test_honest_hand_in_gets_its_points_beside_hostile_ones(rung):
    """Two hand-ins side by side, one of them a bomb: the other one must not notice."""
    rung = dataclasses.replace(rung, limits=command.LIMITS)
    bombs = [kind for kind in HOSTILE if kind in resources.KINDS or kind in exits.KINDS][::4]
    honest = grade_files(read_package(ROOT), seed=3, rung=rung, only=("fc-1.3", "fc-2.1"))
    seen = []
    for bomb in bombs:
        if not bomb.needs_walls or rung.name != "limits alone":
            command.try_kind(bomb, rung)
        seen += [outcome.state for outcome in itertools.islice(honest, 1)]

    assert set(seen) == {"passed"}

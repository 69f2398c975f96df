"""What several tests of the grader need."""

from __future__ import annotations

import pytest

from cs682.checks import EXERCISES
from staff.grading import single
from staff.grading.judging.held_back import grade_models, hold_back
from staff.grading.judging.model import OwnNetwork
from staff.grading.judging.outcome import Outcome
from staff.grading.results import summary
from staff.tests.grading.classes import write_hand_in
from staff.tests.grading.hostile_zips import HOSTILE, write_hostile
from staff.tests.grading.kept_models import IMAGES
from tests.cifar_files import write_set


@pytest.fixture
def place(tmp_path):
    """Return a class of three: right, wrong in one place, hostile."""
    folder = tmp_path / "class"
    write_hand_in(folder / "ada")
    write_hand_in(folder / "bob", layers=("np.maximum(x, 0), x", "np.abs(x), x"))
    hostile = next(kind for kind in HOSTILE if kind.name == "parent folders")
    write_hostile(hostile, folder / "eve.zip")
    return folder


@pytest.fixture
def out(tmp_path):
    """Return where the folder of results will be."""
    return tmp_path / "out"


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


@pytest.fixture
def uploads(tmp_path):
    """Return a folder for a class's uploads, and make one to unpack into."""
    folder = tmp_path / "class"
    folder.mkdir()
    (tmp_path / "scratch").mkdir()
    return folder


@pytest.fixture(scope="session")
def data_folder(tmp_path_factory):
    """Give a folder with a small data set."""
    return write_set(tmp_path_factory.mktemp("data"), size=60)


@pytest.fixture(scope="session")
def images(data_folder):
    """Hold images of it back."""
    return hold_back(data_folder, IMAGES, seed=1, trained_on=250, shown=10)


@pytest.fixture
def grade_model(monkeypatch, tmp_path, images):
    """Grade models of hand-ins whose own network agrees with the course's."""
    monkeypatch.setattr(OwnNetwork, "disagrees", lambda *_: "")
    (tmp_path / "notebooks").mkdir()

    def outcome(exercise):
        return {o.exercise: o for o in grade_models(tmp_path, images, rung=None)}[exercise]

    return outcome

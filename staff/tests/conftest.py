from __future__ import annotations

import shutil

import pytest

from staff.bugs.answer import ROOT
from staff.grading.hand_in import CODE
from staff.grading.sandbox import choose_rung


@pytest.fixture(scope="session")
def rung():
    """Return the strongest rung of this machine."""
    return choose_rung(allow_unsandboxed=True)


@pytest.fixture
def hand_in(tmp_path):
    """Return a folder with the reference's files of exercises, as a student hands them in."""
    for name in CODE:
        target = tmp_path / "hand_in" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)
    return tmp_path / "hand_in"

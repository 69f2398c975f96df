"""Options and fixtures of the staff's tests."""

from __future__ import annotations

import shutil
import signal

import pytest

from cs682.checks import raised
from cs682.checks.limit import PASSED
from staff.bank.answer import ROOT
from staff.grading.intake.package import CODE
from staff.grading.sandbox.ladder import choose_rung

# A shell starts what runs in its background deaf to Ctrl-C, and so would be all that tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser):
    parser.addoption(
        "--update-goldens", action="store_true", help="write what staff/golden should hold"
    )


@pytest.fixture(autouse=True)
def _no_explanation_is_forgiven(monkeypatch):
    """Let an explanation that fails be seen, which elsewhere costs itself alone."""
    monkeypatch.setattr(raised, "FORGIVEN", ())


@pytest.fixture(autouse=True)
def _no_training_has_passed():
    """Forget what another test of this process has trained: boards count it as passed."""
    PASSED.clear()


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


@pytest.fixture(scope="session")
def source():
    """Return the files of this work tree that students get."""
    from staff.release.files import read_source  # here, so that other tests do not pay for it

    return read_source()


@pytest.fixture(scope="session")
def reference(source):
    """Return the regions of this work tree."""
    from staff.release.reference import read_reference

    return read_reference(source)


@pytest.fixture(scope="session")
def release(source):
    """Return the release of this work tree."""
    from staff.release.build import cut

    return cut(source)

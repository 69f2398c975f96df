"""Options and fixtures that all tests share."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import hypothesis
import matplotlib
import pytest

from cs682.checks import raised
from tests.open_exercises import OpenExercises

if TYPE_CHECKING:
    from pathlib import Path

# In this process only: MPLBACKEND would reach the notebooks' kernels, which draw inline.
matplotlib.use("Agg")

# A shell starts what runs in its background deaf to Ctrl-C, and so would be all that tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The same examples in each run, and no verdict that depends on how busy the machine is.
hypothesis.settings.register_profile("project", deadline=None, derandomize=True)
hypothesis.settings.load_profile("project")


@pytest.fixture(autouse=True)
def _no_explanation_is_forgiven(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an explanation that fails be seen, which elsewhere costs itself alone."""
    monkeypatch.setattr(raised, "FORGIVEN", ())


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--exercise ID``, the student's loop, and what a hosted job asks for."""
    parser.addoption(
        "--exercise", metavar="ID", action="append", help="run only the tests of this exercise"
    )
    parser.addoption(
        "--stored-trainings", action="store_true", help="skip the cells of notebooks that train"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Tell open exercises apart from mistakes."""
    config.pluginmanager.register(OpenExercises(), "open exercises")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests of the exercises asked for; an unknown id is an error."""
    wanted = set(config.getoption("--exercise") or [])
    if not wanted:
        return
    ids = {item: _exercise_of(item) for item in items}
    known = {name for name in ids.values() if name}
    if wanted - known and not hasattr(config, "workerinput"):  # xdist cannot pass an error on
        raise pytest.UsageError(
            f"no test of exercise {sorted(wanted - known)}; there are {sorted(known)}"
        )
    config.hook.pytest_deselected(items=[item for item in items if ids[item] not in wanted])
    items[:] = [item for item in items if ids[item] in wanted]


def _exercise_of(item: pytest.Item) -> str | None:
    """Read the id from a test's ``exercise`` mark."""
    mark = item.get_closest_marker("exercise")
    return mark.kwargs["id"] if mark else None


@pytest.fixture(scope="session")
def stand_in_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the batch folder of a small stand-in data set: 500 training and 100 test images."""
    from cs682.cifar10.standin import write_stand_in  # here, so that other tests do not pay for it

    dest = tmp_path_factory.mktemp("stand-in")
    write_stand_in(dest, train_size=500, test_size=100)
    return dest / "cifar-10-batches-py"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a user's folder with a checkout in it, and neither data nor proxies."""
    from cs682.cifar10 import files as data_files

    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name == "CS682_DATA":
            monkeypatch.delenv(name)
    monkeypatch.setattr(data_files, "_CHECKOUT", tmp_path / "checkout")
    monkeypatch.setattr("pooch.os_cache", lambda name: tmp_path / "cache" / name)
    (tmp_path / "checkout" / "notebooks").mkdir(parents=True)
    return tmp_path

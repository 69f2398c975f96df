"""What several tests of the machinery need."""

from __future__ import annotations

import pytest

from cs682.hand_in import pack, pdf
from cs682.setup.update import update
from tests.machinery import small_originals
from tests.machinery.assignments import copy_package, write_assignment
from tests.machinery.small_releases import LAYERS, MINE, release, zip_of


@pytest.fixture
def root(tmp_path, monkeypatch):
    """Give a finished assignment with small notebooks, and no browser; work in its notebooks."""
    home = tmp_path / "my assignment"
    write_assignment(home)
    monkeypatch.chdir(home / "notebooks")
    monkeypatch.setattr(pack, "_STATES", "import json\nprint(json.dumps({}))")
    monkeypatch.setattr(pdf, "print_page", lambda page: b"%PDF")
    return home


@pytest.fixture
def copy(tmp_path):
    """Give a student's copy of the assignment."""
    home = tmp_path / "my copy"
    copy_package(home)
    for name in ("notebooks", "datasets"):
        (home / name).mkdir()
    return home


@pytest.fixture
def begun(tmp_path):
    """Give the folder of a student who has written one function."""
    folder = tmp_path / "a2"
    for name, data in release("1.0.0").items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    (folder / LAYERS).write_text(MINE, encoding="utf-8")
    return folder


@pytest.fixture
def take(begun, tmp_path):
    """Give a function that has the folder take up a release with some files changed."""

    def run(version="1.1.0", **changed):
        return update(zip_of(tmp_path / "new.zip", release(version, **changed)), begun)

    return run


@pytest.fixture
def answered(tmp_path):
    """Give the folder of a release whose stubs are remembered, one exercise answered."""
    small_originals.write_release(tmp_path)
    return tmp_path

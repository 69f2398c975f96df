"""What several tests of the machinery need."""

from __future__ import annotations

import pytest

from cs682.hand_in import pack, pdf
from tests.machinery.assignments import write_assignment


@pytest.fixture
def root(tmp_path, monkeypatch):
    """Give a finished assignment with small notebooks, and no browser; work in its notebooks."""
    home = tmp_path / "my assignment"
    write_assignment(home)
    monkeypatch.chdir(home / "notebooks")
    monkeypatch.setattr(pack, "_STATES", "import json\nprint(json.dumps({}))")
    monkeypatch.setattr(pdf, "print_page", lambda page: b"%PDF")
    return home

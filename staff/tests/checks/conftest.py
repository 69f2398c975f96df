"""What several tests of the checks need."""

from __future__ import annotations

import pickle

import pytest

from cs682.checks import slow

SLOPES: dict = {}


@pytest.fixture
def remembered_slopes(monkeypatch):
    """Work out the slopes that the checks expect once, not in every test: it takes most time."""
    measure = slow.net_slopes

    def remembered(*args, **options):
        key = pickle.dumps((args, options))
        if key not in SLOPES:
            SLOPES[key] = measure(*args, **options)
        return {name: value.copy() for name, value in SLOPES[key].items()}

    monkeypatch.setattr(slow, "net_slopes", remembered)

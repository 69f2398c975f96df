"""What several tests of the checks need."""

from __future__ import annotations

import pickle

import numpy as np
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


@pytest.fixture
def stream():
    """Seed the global stream, from which nets and solvers draw, and put it back afterwards."""
    before = np.random.get_state()  # noqa: NPY002  # as published
    np.random.seed(231)  # noqa: NPY002  # as published
    yield
    np.random.set_state(before)  # noqa: NPY002  # as published

"""Each exercise by the check that its notebook runs."""

from __future__ import annotations

import pytest

from cs682.checks import check
from cs682.checks.run import CHECKS
from tests.slopes import of


@pytest.mark.parametrize("exercise", [of(exercise, exercise) for exercise in CHECKS])
def test_check_passes(exercise):
    check(exercise)

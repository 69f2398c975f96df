"""Learning-rate schedules: their ends, their peak, and no value outside [0, 1]."""

from __future__ import annotations

import numpy as np
import pytest

from cs682.training.schedules import cosine, one_cycle

PROGRESS = np.linspace(0, 1, 101)


@pytest.mark.parametrize("floor", [0.0, 0.1, 1.0])
def test_cosine_falls_from_one_to_its_floor(floor):
    factors = [cosine(floor)(p) for p in PROGRESS]

    np.testing.assert_allclose([factors[0], factors[50], factors[-1]], [1, (1 + floor) / 2, floor])
    assert np.all(np.diff(factors) <= 0)


def test_one_cycle_rises_in_a_line_to_one_and_falls_to_zero():
    factors = np.array([one_cycle(warmup=0.2, start=0.1)(p) for p in PROGRESS])

    np.testing.assert_allclose(factors[[0, 10, 20, 60, 100]], [0.1, 0.55, 1, 0.5, 0], atol=1e-12)
    assert np.all(np.diff(factors[:21]) > 0)
    assert np.all(np.diff(factors[20:]) < 0)


def test_one_cycle_without_warmup_is_cosine():
    assert [one_cycle(warmup=0)(p) for p in PROGRESS] == [cosine()(p) for p in PROGRESS]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: cosine(-0.1), r"floor must be in \[0, 1\], got -0.1"),
        (lambda: cosine(np.nan), r"floor must be in \[0, 1\], got nan"),
        (lambda: one_cycle(warmup=1), r"warmup must be in \[0, 1\), got 1"),
        (lambda: one_cycle(start=1.5), r"start must be in \[0, 1\], got 1.5"),
    ],
)
def test_schedules_refuse_values_out_of_range(make, message):
    with pytest.raises(ValueError, match=message):
        make()

"""What is said of wrong values is so."""

from __future__ import annotations

import numpy as np
import pytest

from cs682.checks import CheckError
from cs682.checks.compare import compare
from cs682.checks.patterns import say_pattern, say_right_part
from staff.tests.checks.test_odd_results import BAD_ENGLISH

RNG = np.random.default_rng(682)
WANT = RNG.standard_normal((4, 3)) + 0.1
COLUMN, ROW = np.array([1.0, 2.0, -3.0]), np.array([[2.0], [3.0], [5.0], [-1.0]])

SAID = [
    (np.maximum(WANT, 0), "All is right but negative values, which are 0 here"),
    (np.abs(WANT), "All is right but the sign of negative values"),
    (-WANT, "The sign is turned"),
    (3 * WANT, "Every value is 3 times what it should be"),
    (WANT / 3, "Every value is 1/3 of what it should be"),
    (WANT / -3, "Every value is -1/3 of what it should be"),
    (1.7 * WANT, "Every value is 1.7 times what it should be"),
    (WANT + 0.5, "Every value is off by 0.5"),
    (WANT + COLUMN, "Each column is off by the same number in all its places"),
    (WANT + ROW, "Each row is off by the same number in all its places"),
    (WANT * COLUMN, "Each column is what it should be, multiplied with one number"),
    (WANT * ROW, "Each row is what it should be, multiplied with one number"),
    (0 * WANT, "It is zero everywhere"),
    (1e-12 * WANT, "It is zero everywhere"),
    (np.where(WANT > 0.5, 0, WANT), "All values that are off are 0 here"),
    (np.clip(WANT, -0.5, 0.5), "Values are clipped at 0.5"),
    (WANT.round(2), "It is rounded to 2 digits after the point"),
    (WANT.round(1), "It is rounded to 1 digit after the point"),
    (WANT.round(0), "It is rounded to whole numbers"),
    (WANT.astype(np.float32), "These are float32 numbers, which hold 7 digits"),
    (WANT + 1e-6 * RNG.standard_normal((4, 3)), "digits are right: what is off is small"),
    (WANT[0], "has shape (3,), expected (4, 3)"),
    (np.stack([WANT, 0 * WANT]), "summed over the axes in front, it is right"),
    (WANT.T, "it is transposed"),
    (np.float64(2.0), "does a sum, mean or maximum lack its axis?"),
    (np.where(WANT > 1, np.nan, WANT), "values NaN or infinite"),
    (None, "out is None"),
    (7, "out is an int, expected a NumPy array"),
    ([1.0], "out is a list, expected a NumPy array"),
]


def test_one_number_is_not_taken_for_rounded():
    with pytest.raises(CheckError) as caught:
        compare("out", np.full(3, 2.0), np.full(3, 5 / 3), rtol=1e-9)

    assert "rounded" not in str(caught.value)
    assert "1.2 times what it should be" in str(caught.value)


@pytest.mark.parametrize(("got", "text"), SAID, ids=[text for _, text in SAID])
def test_relation_of_wrong_values_is_told(got, text):
    with pytest.raises(CheckError) as caught:
        compare("out", got, WANT, rtol=1e-9)

    assert text in str(caught.value)
    assert not BAD_ENGLISH.search(str(caught.value))


@pytest.mark.parametrize(
    ("got", "text"),
    [
        (4.0, "loss = 4, expected 2. It is 2 times what it should be."),
        (0.5, "loss = 0.5, expected 2. It is 1/4 of what it should be."),
        (-2.0, "loss = -2, expected 2. The sign is turned."),
        (0, "loss = 0, expected 2. It is zero."),
        (0.0, "loss = 0, expected 2. It is zero."),
        (2.7, "loss = 2.7, expected 2."),
        (np.nan, "loss is NaN."),
        (np.inf, "loss is infinite."),
        ("2", "loss is a str, expected a number"),
        (np.ones(1), "loss has shape (1,), expected (): it should be a single number"),
    ],
)
def test_relation_of_a_wrong_number_is_told(got, text):
    with pytest.raises(CheckError) as caught:
        compare("loss", got, 2.0, rtol=1e-9)

    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("hint", "end"),
    [
        ("do all take part?", "Hint: do all take part?"),
        ("look again", "Hint: look again."),
        ("look!", "Hint: look!"),
    ],
)
def test_hint_ends_in_one_mark(hint, end):
    with pytest.raises(CheckError) as caught:
        compare("loss", 2.7, 2.0, rtol=1e-9, hint=hint)

    assert str(caught.value).endswith(end)


@pytest.mark.parametrize(
    ("got", "said"),
    [
        (np.where(np.arange(4)[:, None] == 0, WANT, 0), "only image 0 is right"),
        (np.where(np.arange(3) == 2, WANT, WANT + 1), "only filter 2 is right"),
        (np.where(np.arange(3) < 2, WANT, 0), ""),  # two of three
        (WANT, ""),
        (WANT + 1, ""),
        (WANT[:1], ""),
        (WANT.tolist(), ""),
        (None, ""),
    ],
)
def test_only_place_that_is_right_is_named(got, said):
    text = say_right_part(got, WANT, {0: "image", 1: "filter"})

    assert text.startswith(said)
    assert bool(text) == bool(said)


def test_a_number_beside_a_huge_one_is_not_called_zero():
    assert say_pattern(np.array([0.0, 6.0]), np.array([0.0, 1e30])) == "Values are clipped at 6."

"""Where no formula rounds, each form of a backward pass is exact, and differences are not."""

from __future__ import annotations

import numpy as np
import pytest

from cs682.checks.subject import LocalSubject
from staff.bank.answer import ROOT, installed
from staff.bank.read import read_bank
from staff.grading.intake.package import read_package
from staff.grading.judging.core import grade_files
from staff.grading.judging.outcome import ITSELF
from staff.grading.judging.secret.exact import LENGTH, exact_lines, hold_exact
from staff.grading.judging.secret.gradients import GRADIENTS
from staff.grading.judging.secret.hold import RefusedError, UnsureError

NORMS = ("bn-1.3", "bn-1.4", "bn-3.2", "cn-3.2", "cn-3.4")
RIGHT = [a for a in read_bank() if a.verdict != "wrong" and a.judge in NORMS]


@pytest.fixture
def lines():
    return exact_lines(np.random.default_rng(3), 40)


def central(x, v, steps, degree):
    """Return the slope of normalized lines along v, exact for odd powers up to some degree."""
    odd = [(2 * steps) ** (2 * j + 1) for j in range(degree)]
    weights = np.linalg.pinv(odd, rcond=1e-15)[:, 0]
    v = v - v.mean(axis=1, keepdims=True)
    size = v.std(axis=1, keepdims=True)

    def normal(z):
        z = z - z.mean(axis=1, keepdims=True)
        return z / np.sqrt((z * z).mean(axis=1, keepdims=True))

    slopes = [normal(x + h * v / size) - normal(x - h * v / size) for h in steps]
    return size * sum(w * slope for w, slope in zip(weights, slopes, strict=True))


def test_every_form_of_the_formula_is_exact(lines):
    x, g, dx = lines
    ones = np.ones((1, LENGTH))
    jacobians = np.eye(LENGTH) - 1 / LENGTH - x[:, :, None] * x[:, None] / LENGTH
    forms = [
        g - g.mean(axis=1, keepdims=True) - x * (g * x).mean(axis=1, keepdims=True),
        (LENGTH * g - (g @ ones.T) - x * np.einsum("ij,ij->i", g, x)[:, None]) / LENGTH,
        (jacobians @ g[:, :, None])[:, :, 0],
    ]

    assert all((form == dx).all() for form in forms)
    assert np.abs(dx).min() < 1e-8 < 0.5 < np.abs(dx).max()


@pytest.mark.parametrize("count", [16, 128, 1000])
@pytest.mark.parametrize("degree", [8, 10, 14])
def test_differences_lose_digits_however_many_and_wide_the_steps_are(lines, count, degree):
    x, g, dx = lines
    got = central(x, g, np.arange(1, count + 1) / (2 * count), degree)
    sums = (g * x).sum(axis=0), g.sum(axis=0)

    with pytest.raises(RefusedError):
        hold_exact((got, *sums), (dx, *sums))
    assert (np.abs(got - dx) / np.abs(dx)).max() > 1e-8


@pytest.mark.parametrize("answer", RIGHT, ids=str)
def test_no_right_answer_of_the_bank_is_refused(answer):
    with installed(answer):
        GRADIENTS[answer.judge](LocalSubject(), np.random.default_rng(5))


def test_wrong_gradient_is_refused_and_left_to_nobody(lines):
    x, g, dx = lines
    sums = (g * x).sum(axis=0), g.sum(axis=0)

    with pytest.raises(RefusedError) as caught:
        hold_exact((g, *sums), (dx, *sums))

    assert not isinstance(caught.value, UnsureError)


RUNNING = """mean = x[0]
        for k in range(1, len(x)):
            mean = mean + (x[k] - mean) / (k + 1)
"""


@pytest.mark.slow
def test_running_mean_is_left_to_a_person_who_is_told(rung):
    files = read_package(ROOT)
    old = b"mean = x.mean(axis=0)  # (D,)\n"
    assert files["cs682/layers.py"].count(old) == 1
    files["cs682/layers.py"] = files["cs682/layers.py"].replace(old, RUNNING.encode())

    found = {
        o.exercise: o for o in grade_files(files, seed=3, rung=rung, only=("bn-1.1", "bn-1.3"))
    }

    assert found["bn-1.1"].state == "passed"
    assert found["bn-1.3"].left == ITSELF
    assert "A person decides" in found["bn-1.3"].message

"""No check tells a right answer that lacks digits of a mistake that it did not make."""

from __future__ import annotations

import re
import sys

import numpy as np
import pytest

from cs682.checks import compare as judge
from cs682.checks.run import CHECKS, examine
from cs682.checks.subject import LocalSubject
from tests.slopes import of

SIZES = (1e-9, 1e-8, 1e-7, 1e-6, 1e-5)
ABOUT_DIGITS = re.compile(
    r"The first \d+ digits are right|which hold \d digits|although all arrays given were float64"
    r"|It is rounded to"
)


def scattered(value, size):
    """Move each number by up to this share of it."""
    rng = np.random.default_rng(7)
    moved = np.asarray(value) * (1 + size * rng.uniform(-1, 1, np.shape(value)))
    return moved.astype(np.asarray(value).dtype)


def scaled(value, size):
    """Move all numbers by the same share of them."""
    return np.asarray(value) * (1 + size)


def shifted(value, size):
    """Move all numbers by the same share of the largest."""
    return np.asarray(value) + size * np.max(np.abs(value), initial=0.0)


def nearly_right(value):
    """Yield the value in fewer digits, and moved in every way by every size."""
    for dtype in (np.float32, np.float64):
        yield np.asarray(value, dtype=dtype)
    for move in (scattered, scaled, shifted):
        for size in SIZES:
            yield move(value, size)
            yield move(value, -size)


class Spy:
    """Stands for the judge's words on a wrong value; hears what each check would say of others."""

    def __init__(self):
        self.heard = set()
        self.asked = 0

    def compare(self, name, got, want, *, rtol, atol=0.0, where="", hint="", causes=None):
        """Ask what would be said of nearly right values, in place of the comparison."""
        right = np.asarray(want, dtype=np.float64)
        self.asked += 1
        for value in nearly_right(right):
            try:
                judge.compare(
                    name,
                    value if right.ndim else value[()],
                    want,
                    rtol=rtol,
                    atol=atol,
                    where=where,
                    hint=hint,
                    causes=causes,
                )
            except judge.CheckError as error:
                self.heard.add(str(error))


@pytest.fixture
def spy(monkeypatch):
    """Put a spy in the place of `compare` in every module that has imported it."""
    found = Spy()
    homes = [m for name, m in sys.modules.items() if name.startswith("cs682.checks.judges.")]
    for module in (m for m in homes if getattr(m, "compare", None) is judge.compare):
        monkeypatch.setattr(module, "compare", found.compare)
    return found


@pytest.mark.parametrize("exercise", [of(exercise, exercise) for exercise in CHECKS])
def test_no_cause_of_a_check_is_told_of_a_nearly_right_value(spy, exercise):
    assert examine(exercise).state == "passed"

    false = [said for said in spy.heard if not ABOUT_DIGITS.search(said) or "Likely" in said]
    assert not false, "\n".join(sorted(false)[:5])
    assert spy.asked


class Blurred(LocalSubject):
    """The reference, whose results all lack digits."""

    def __init__(self, blur):
        super().__init__()
        self._blur = blur

    def _all(self, value):
        if isinstance(value, (np.ndarray, np.floating, float)) and np.asarray(value).dtype != bool:
            array = np.asarray(value)
            return self._blur(array) if array.dtype.kind == "f" else value
        if isinstance(value, dict):
            for key in [k for k, v in value.items() if isinstance(v, np.ndarray)]:
                value[key] = self._all(value[key])
            return value
        if isinstance(value, tuple):
            return tuple(self._all(v) for v in value)
        return value

    def __getattr__(self, name):
        function = super().__getattr__(name)

        def call(*args):
            result = function(*args)
            if "_forward" in name:  # the cache stays: the way back is to be right as well
                return self._all(result[0]), result[1]
            return self._all(result)

        return call

    def loss(self, net, X, y=None):
        """Return scores, or loss and gradients, that lack digits."""
        return self._all(super().loss(net, X, y))


BLURS = {"float32": lambda v: v.astype(np.float32)} | {
    f"{move.__name__} by {size:g}": lambda v, m=move, z=size: m(v, z)
    for move in (scattered, scaled)
    for size in SIZES[::2]
}


@pytest.mark.parametrize("blur", BLURS)
@pytest.mark.parametrize("exercise", [of(exercise, exercise) for exercise in CHECKS])
def test_checks_tell_results_that_lack_digits_so(exercise, blur):
    said = examine(exercise, Blurred(BLURS[blur])).message

    assert not said or ABOUT_DIGITS.search(said), said
    assert "Likely cause" not in said

"""Whatever a function returns, its check says in plain English what is wrong with it."""

from __future__ import annotations

import re

import numpy as np
import pytest

from cs682 import layer_utils, layers, optim
from cs682.checks import EXERCISES
from cs682.checks.prerequisites import RESTS_ON
from cs682.checks.run import CHECKS, examine
from cs682.classifiers import cnn, fc_net
from staff.tests.checks.mutants import put
from tests.slopes import of

HOMES = {module.__name__.rpartition(".")[2]: module for module in (layers, layer_utils, optim)}
WRITTEN = [
    (row.id, name) for row in EXERCISES.values() if row.id in CHECKS for name in row.functions
]
BAD_ENGLISH = re.compile(
    r"\ba (?=[aeio]\w*\b)|\ban (?=[^aeioAEIOn])|\b1 (values|dimensions|digits|arguments) |NoneType"
    r"|value that are|[?!.]\.(?!\.)|  (?! )|\b(are|is) (are|is)\b|\(\)\s*:|: :|the value off"
)
ODD = {
    "None": None,
    "an int": 3,
    "a text": "text",
    "an empty list": [],
    "a dict of another key": {"W17": np.ones(2), "gamma9": np.ones(2)},
    "an empty array": np.ones(0),
    "an array of texts": np.array(["one", "two"]),
    "an array of objects": np.array([None, "two"], dtype=object),
    "a masked array": np.ma.masked_less(np.ones((2, 2)), 0),
    "NaN": np.nan,
}


def written(name):
    """Return the reference's function of this name."""
    if "." in name:
        owner, method = name.split(".")
        home = cnn if hasattr(cnn, owner) else fc_net
        return getattr(getattr(home, owner), method)
    return next(getattr(home, name) for home in HOMES.values() if hasattr(home, name))


def changes_of(result):
    """Yield words and results of which one part is odd."""
    for words, odd in ODD.items():
        yield words, odd
        if isinstance(result, tuple):
            for i in range(len(result) if words in ("None", "a text") else 1):
                yield f"{words} as part {i}", (*result[:i], odd, *result[i + 1 :])
        for i, part in enumerate(result if isinstance(result, tuple) else (result,)):
            if isinstance(part, dict) and part:
                changed = {**part, next(iter(part)): odd}
                yield (
                    f"{words} in a dict",
                    changed if result is part else (*result[:i], changed, *result[i + 1 :]),
                )
    for i, part in enumerate(result if isinstance(result, tuple) else (result,)):
        if isinstance(part, dict):
            for words, changed in (
                ("a key less", dict(list(part.items())[1:])),
                ("a key more", {**part, "gamma7": np.ones(3)}),
            ):
                yield words, changed if result is part else (*result[:i], changed, *result[i + 1 :])


def answer_with(right, number, counts):
    """Return a function that answers as `right` does, with its n-th change, and counts these."""

    def answer(*args, **kwargs):
        found = list(changes_of(right(*args, **kwargs)))
        counts.append(len(found))
        return found[number % len(found)][1]

    return answer


@pytest.mark.slow
@pytest.mark.parametrize(
    ("exercise", "name"), [of(exercise, exercise, name, name=name) for exercise, name in WRITTEN]
)
def test_check_says_in_english_what_is_odd_about_a_result(monkeypatch, exercise, name):
    right, counts, number = written(name), [], 0
    monkeypatch.setitem(RESTS_ON, exercise, ())  # all beneath is the reference
    while number < min(counts, default=1):
        with monkeypatch.context() as patch:
            put(patch, name, answer_with(right, number, counts))
            said = examine(exercise).message
        number += 1

        assert "could not make sense" not in said, f"change {number}: {said}"
        ours = "" if re.match(r"\w+(Error|Warning)\b", said) else said
        assert not BAD_ENGLISH.search(ours), f"change {number}: {said}"

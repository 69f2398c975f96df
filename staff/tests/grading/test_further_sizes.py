"""Hidden checks refuse what is right for small sizes alone."""

from __future__ import annotations

import textwrap

import numpy as np
import pytest

from cs682.checks.exercises import EXERCISES
from cs682.checks.subject import LocalSubject
from staff.bank.answer import Answer, Change, installed
from staff.grading.judging.secret import FURTHER
from staff.grading.judging.secret.gradients import GRADIENTS
from staff.grading.judging.secret.hold import RefusedError

LIMITED = """
import functools

import numpy as np


def limited(is_far):
    def decorate(function):
        @functools.wraps(function)
        def limit(*args):
            result = function(*args)
            if not is_far(*args):
                return result
            return 0 * result if type(result) is np.ndarray else (0 * result[0], *result[1:])
        return limit
    return decorate
"""
RULE = ("w.ndim > 2", "w.dtype == np.float32")
CONV = ("o['pad'] > 2", "o['stride'] > 3", "w.shape[2] > 5", "len(x) > 4", "len(w) > 5")
POOL = ("o['stride'] > 3", "o['pool_height'] > 4", "len(x) > 4")
FAR = {  # by exercise: the arguments of its function, and where its result is 0
    "fc-1.1": (
        "x, w, b",
        ("x.ndim > 4", "w.shape[1] > 200", "x.dtype == np.float32 and len(x) < 4"),
    ),
    "fc-4.1": ("w, dw, c", RULE),
    "fc-4.2": ("w, dw, c", RULE),
    "fc-4.3": ("w, dw, c", (*RULE, "c['t'] > 6")),
    "bn-1.2": ("x, g, b, o", ("o['mode'] == 'test' and not o['running_var'].any()",)),
    "bn-3.2": ("d, cache", ("len(d) > 200", "d.shape[1] > 64")),
    "do-1.1": ("x, o", ("o['mode'] == 'train' and o['p'] < 0.2", "o['p'] > 0.9")),
    "do-1.3": ("d, cache", ("d.ndim > 3", "cache[0]['p'] < 0.2 or cache[0]['p'] > 0.9")),
    "cn-1.1": ("x, w, b, o", CONV),
    "cn-1.2": ("d, cache", tuple(f"(lambda x, w, b, o: {far})(*cache)" for far in CONV)),
    "cn-1.3": ("x, o", POOL),
    "cn-1.4": ("d, cache", tuple(f"(lambda x, o: {far})(*cache)" for far in POOL)),
    "cn-3.3": ("x, g, b, G, o", ("G > 3",)),
    "cn-3.4": ("d, cache", ("cache[3] > 3",)),
}
CASES = [(key, given, far) for key, (given, fars) in FAR.items() for far in fars]


def require_refusal(exercise, *changes):
    """Refuse an answer for several seeds, as the grader's is a secret one."""
    with installed(Answer(exercise, "limited", changes)):
        for seed in range(3):
            with pytest.raises(RefusedError):
                further(exercise, seed)


def further(exercise, seed):
    """Ask what the hidden checks ask."""
    rng = np.random.default_rng(seed)
    FURTHER[exercise](LocalSubject(), rng)
    if exercise in GRADIENTS:
        GRADIENTS[exercise](LocalSubject(), rng)


@pytest.mark.parametrize(("exercise", "given", "far"), CASES)
def test_result_that_is_right_for_usual_sizes_alone_is_refused(exercise, given, far):
    name = EXERCISES[exercise].functions[0]
    start = f"def {name}("
    limit = f"@limited(lambda {given}: {far})\n{start}"

    require_refusal(
        exercise,
        Change(exercise, textwrap.dedent(LIMITED), "import numpy as np", anywhere=True),
        Change(exercise, limit, start, anywhere=True),
    )


@pytest.mark.parametrize("exercise", ["fc-2.3", "fc-3.3"])
@pytest.mark.parametrize("far", ["len(y) >= 60", "self.reg >= 1.8"])
def test_gradient_that_is_right_for_usual_batches_alone_is_refused(exercise, far):
    limit = f"grads['W1'] = grads['W1'] * (not {far})\nreturn loss, grads"

    require_refusal(exercise, Change(exercise, limit, "return loss, grads"))

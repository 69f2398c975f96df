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
RULE = ("w.ndim > 2", "w.dtype == np.float32", "not dw.all()")
CONV = (
    *("o['pad'] > 2", "o['stride'] > 3", "w.shape[2] > 5"),
    *("len(x) > 4", "len(w) > 5", "w.shape[1] > 4"),
)
POOL = ("o['stride'] > 3", "o['pool_height'] > 4", "len(x) > 4", "max(x.shape[:2]) > 7")
FAR = {  # by exercise: the arguments of its function, and where its result is 0
    "fc-1.1": (
        "x, w, b",
        ("x.ndim > 4", "w.shape[1] > 200", "x.dtype == np.float32 and len(x) < 4"),
    ),
    "fc-4.1": ("w, dw, c", RULE),
    "fc-4.2": ("w, dw, c", RULE),
    "fc-4.3": ("w, dw, c", (*RULE, "c['t'] > 6")),
    "bn-1.2": (
        "x, g, b, o",
        (
            "o['mode'] == 'test' and not o['running_var'].any()",
            "o['mode'] == 'test' and len(x) > 300",
            "o['mode'] == 'test' and x.shape[1] > 130",
        ),
    ),
    "bn-3.2": ("d, cache", ("len(d) > 200", "d.shape[1] > 64")),
    "do-1.1": (
        "x, o",
        (
            "o['mode'] == 'train' and o['p'] < 0.2",
            "o['p'] > 0.9",
            "x.ndim == 4 and x.dtype == np.float32",
        ),
    ),
    "do-1.2": ("x, o", ("o['mode'] == 'test' and x.ndim == 4",)),
    "do-1.3": ("d, cache", ("d.ndim > 3", "cache[0]['p'] < 0.2 or cache[0]['p'] > 0.9")),
    "cn-1.1": ("x, w, b, o", CONV),
    "cn-1.2": ("d, cache", tuple(f"(lambda x, w, b, o: {far})(*cache)" for far in CONV)),
    "cn-1.3": ("x, o", POOL),
    "cn-1.4": ("d, cache", tuple(f"(lambda x, o: {far})(*cache)" for far in POOL)),
    "cn-3.1": ("x, g, b, o", ("len(g) > 32",)),
    "cn-3.3": ("x, g, b, G, o", ("G > 3", "len(x) > 6", "x.shape[2] > 6", "x.shape[3] > 6")),
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


INITIAL = {  # what becomes of the parameters of `layers` of these widths
    "0 for images": "params['W1'] *= len(params['W1']) < 200",
    "a gamma of 0 for wide layers": "params['gamma1'] *= len(params['gamma1']) < 64",
    "a mean": "params = {k: v + weight_scale / 4 * (k[0] == 'W') for k, v in params.items()}",
    "the same draws": """
    many = np.random.randn(max(v.size for v in params.values()))
    for k in params:
        if k[0] == "W":
            params[k] = weight_scale * many[: params[k].size].reshape(params[k].shape)
    """,
}
END = {
    "fc-2.1": '    "b2": np.zeros(C),\n}'
}  # of the solution, where no dict is returned by its name
WEIGHTS = ("0 for images", "a mean", "the same draws")
TRIED = [
    *((key, how) for key in ("fc-2.1", "fc-3.1") for how in WEIGHTS),
    *(("cn-2.1", how) for how in WEIGHTS[1:]),
    ("bn-2.1", "a gamma of 0 for wide layers"),
]


@pytest.mark.parametrize(("exercise", "how"), TRIED)
def test_initial_parameters_that_are_right_for_usual_widths_alone_are_refused(exercise, how):
    wrong = textwrap.dedent(INITIAL[how]).strip()
    changes = [Change(exercise, f"{wrong}\nreturn params", "return params")]
    if exercise in END:
        end = END[exercise]
        changes = [
            Change(exercise, "params = {", "return {"),
            Change(exercise, f"{end}\n{wrong}\nreturn params", end),
        ]

    require_refusal(exercise, *changes)


@pytest.mark.parametrize("far", ["block['filters'] > 64", "block['size'] > 5", "block['pool'] > 3"])
def test_blocks_that_are_right_for_usual_sizes_alone_are_refused(far):
    limit = f"scores = scores * (not any({far} for block in self.blocks))\nreturn scores"

    require_refusal("cn-4.1", Change("cn-4.1", limit, "return scores"))

"""A gradient that is measured, or another exercise's, earns nothing; a derived one does."""

from __future__ import annotations

import textwrap
from functools import partial

import pytest

from cs682.checks.exercises import EXERCISES
from cs682.checks.run import examine
from staff.bank.answer import Answer, Change, installed
from staff.grading.judging.secret import further_check
from staff.tests.grading.hostile.differences import STEPS


def judge(exercise, *changes, prelude=""):
    """Return how the students' check and the further one take an answer."""
    before = "import numpy as np\n"
    if prelude:
        after = before + textwrap.dedent(prelude)
        changes = (*changes, Change(exercise, after, before.strip(), anywhere=True))
    with installed(Answer(exercise, "tried", changes)):
        result = examine(exercise)
        if result.state == "passed":
            result = examine(exercise, checks=(partial(further_check, exercise, 5),))
    return result


@pytest.mark.parametrize("kind", STEPS, ids=str)
def test_measured_gradient_earns_nothing(kind):
    result = judge(kind.exercise, Change(kind.exercise, kind.body), prelude=kind.prelude)

    assert result.state == "wrong"
    assert "derive the gradient, do not measure it" in result.message


SHORT = """
def short(dout, cache):
    x_hat, inv_std, gamma = cache
    N = len(x_hat)
    dbeta, dgamma = dout.sum(axis=0), (dout * x_hat).sum(axis=0)
    return (gamma * inv_std) * (dout - dbeta / N - x_hat * (dgamma / N)), dgamma, dbeta
"""
HALF = """
def project(v, x_hat):
    return v - v.mean(axis=0) - x_hat * (v * x_hat).mean(axis=0)
"""
PROJECTED = """
x_hat, inv_std, gamma = cache
return gamma * inv_std * project(dout, x_hat), (dout * x_hat).sum(axis=0), dout.sum(axis=0)
"""
BOTH = {
    "a function does it all": (SHORT, "return short(dout, cache)"),
    "a function does all but the factors": (HALF, PROJECTED),
}


@pytest.mark.parametrize("how", BOTH)
def test_two_ways_back_through_one_formula_are_one(how):
    prelude, body = BOTH[how]
    changes = Change("bn-1.3", body), Change("bn-1.4", body)

    assert judge("bn-1.3", *changes, prelude=prelude).state == "passed"
    result = judge("bn-1.4", *changes, prelude=prelude)

    assert result.state == "wrong"
    assert "takes dx from a function that batchnorm_backward uses as well" in result.message


@pytest.mark.parametrize("names", [("bn-1.3", "bn-1.4"), ("bn-1.4", "bn-1.3")])
def test_neither_way_back_calls_the_other(names):
    exercise, other = names
    function = EXERCISES[other].functions[0]

    result = judge(exercise, Change(exercise, f"same = {function}\nreturn same(dout, cache)"))

    assert result.state == "wrong"
    assert f"calls {function}" in result.message


HONEST = {
    "recomputes its forward pass": (
        "fc-1.4", "", "out, _ = relu_forward(cache)\nreturn dout * (out > 0)"
    ),
    "shares a function that centres": (
        "bn-1.4",
        "def centre(v):\n    return v - v.mean(axis=0)\n",
        """
        x_hat, inv_std, gamma = cache
        dgamma = (dout * x_hat).sum(axis=0)
        dx = (gamma * inv_std) * (centre(dout) - x_hat * (dgamma / len(x_hat)))
        return dx, dgamma, dout.sum(axis=0)
        """,
    ),
    "goes back through batch norm": (
        "bn-3.2",
        "",
        """
        x_hat, inv_std, gamma = cache
        dx = batchnorm_backward_alt((dout * gamma).T, (x_hat.T, inv_std.ravel(), 1.0))[0].T
        return dx, (dout * x_hat).sum(axis=0), dout.sum(axis=0)
        """,
    ),
}  # fmt: skip


@pytest.mark.parametrize("how", HONEST)
def test_honest_answer_passes_though_it(how):
    exercise, prelude, body = HONEST[how]

    result = judge(exercise, Change(exercise, body), prelude=prelude)

    assert (result.state, result.message) == ("passed", "")


def test_profiler_taken_off_is_told():
    body = "__import__('sys').setprofile(None)\nreturn dout * (cache > 0)"

    assert "sets a profiler" in judge("fc-1.4", Change("fc-1.4", body)).message

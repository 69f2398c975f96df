"""A gradient that is measured, or another exercise's, earns nothing; a derived one does."""

from __future__ import annotations

import cProfile
import importlib
import sys
import textwrap
from decimal import Decimal
from functools import partial

import numpy as np
import pytest

from cs682.checks import own_work
from cs682.checks.compare import CheckError
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
    "draws a picture": (
        "fc-1.4",
        "import matplotlib.figure\n",
        """
        axes = matplotlib.figure.Figure().subplots()
        axes.plot(dout.ravel())
        axes.set_xscale("log")
        return dout * (cache > 0)
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


BLINDING = {
    "taken off": "import sys\nsys.setprofile(None)",
    "put back": "import sys as s\np = s.getprofile()\ns.setprofile(None)\ns.setprofile(p)",
    "taken off from C": "import ctypes\nctypes.pythonapi.PyEval_SetProfile(None, None)",
    "reached into": "import sys\nsys.getprofile().__code__ = (lambda *_: None).__code__",
}  # fmt: skip


@pytest.mark.parametrize("how", BLINDING)
def test_profiler_is_not_to_be_handled(how):
    body = f"try:\n{textwrap.indent(BLINDING[how], '    ')}\nexcept Exception: pass\n"

    result = judge("fc-1.4", Change("fc-1.4", f"{body}return dout * (cache > 0)"))

    assert result.message == "relu_backward handles the profiler, which no layer needs"


@pytest.mark.parametrize("made", [object, cProfile.Profile])
def test_profiler_and_tracer_of_the_students_own_go_on(made):
    """So that a debugger and a coverage work, and `%prun` of a check."""
    seen = []
    own, trace = made(), lambda *_: None
    before, traced = sys.getprofile(), sys.gettrace()
    sys.settrace(trace)
    own.enable() if made is cProfile.Profile else sys.setprofile(lambda f, e, v: seen.append(e))
    begun = sys.getprofile()
    try:
        assert own_work.watched("f", lambda: 3) == 3
        now = sys.getprofile(), sys.gettrace()
    finally:
        sys.setprofile(before)
        sys.settrace(traced)

    assert now == (begun, trace)


@pytest.mark.parametrize(
    "compute",
    [
        lambda: np.finfo(float).eps + np.finfo(np.float32).eps,
        lambda: importlib.reload(importlib.import_module("numpy.lib.scimath")) and 1,
        lambda: np.ones((3, 4), dtype=np.float32).var(axis=0),
        lambda: str(np.ones(3)),
        lambda: {"g": np.ones(3)}["g"],
        lambda: np.array([np.ones(3), None], dtype=object),
        lambda: np.array([v > 0 for v in (-1.0, 0.0, 1.0, 2.0)], dtype=object),
        lambda: np.array((2, 3, 4, 4), dtype=object),
    ],
)
def test_ordinary_numbers_are_let_through(compute):
    own_work.watched("f", compute)


@pytest.mark.parametrize(
    "compute",
    [
        lambda: np.ones(3).astype("G"),
        lambda: np.full((2, 2), Decimal(3)),
        lambda: np.array([2**70, 3], dtype=object),
        lambda: np.broadcast_to(np.array(None), 10**9),  # to look at each would take minutes
        lambda: np.array([1, 2, 3, True, 0.5, 1j], dtype=object),
        lambda: (3**70, np.ones(3).astype("g")),
        lambda: [3**70, 1j],
    ],
)
def test_numbers_finer_than_float64_are_refused(compute):
    with pytest.raises(CheckError, match="f computes with complex numbers, in extended"):
        own_work.watched("f", compute)


SINGLE = {
    "a mask in one integer": (
        "do-1.1",
        """
        mask = rng.rand(*x.shape) < p
        kept = int.from_bytes(np.packbits(mask).tobytes(), "big")
        return x * (mask / x.dtype.type(p)), (dropout_param, mask / p)
        """,
    ),
    "an epsilon in extended precision": (
        "fc-1.1",
        """
        assert np.finfo(np.longdouble).eps <= np.finfo(x.dtype).eps
        assert float(np.longdouble(1e-5)) == 1e-5
        return x.reshape(len(x), -1) @ w + b, (x, w, b)
        """,
    ),
    "a fraction": (
        "fc-1.3",
        "from fractions import Fraction\nhalf = Fraction(1, 2)\nreturn np.maximum(x, 0), x",
    ),
}


@pytest.mark.parametrize("how", SINGLE)
def test_single_fine_number_is_advised_against(how):
    exercise, body = SINGLE[how]
    name = EXERCISES[exercise].functions[0]

    result = judge(exercise, Change(exercise, body))

    assert (result.state, result.message) == ("passed", "")
    assert [line.partition(" computes ")[0] for line in result.advice] == [name]
    assert "leave it to a person, who decides whether that is harmless" in result.advice[0]
    assert own_work.take_singles() == []


@pytest.mark.parametrize("fine", [lambda: 3**70, lambda: [int(2.0**200)], lambda: np.longdouble(2)])
def test_single_fine_number_of_this_process_is_told_by_name(fine):
    own_work.watched("f", fine)

    (advice,) = own_work.take_singles()

    assert advice.startswith("f computes with an integer beyond 64 bits, a fraction, a decimal or")

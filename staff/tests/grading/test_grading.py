"""What an exercise is worth: all of it when it is right, nothing when it is not."""

from __future__ import annotations

import dataclasses
import errno
import re
import signal
import time
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

from cs682 import layers
from cs682.checks import EXERCISES, CheckError
from cs682.checks.judges.dropout import require_mask
from cs682.checks.run import CHECKS, examine
from staff.bank.judge import BANK
from staff.grading.intake.package import CODE
from staff.grading.judging import core
from staff.grading.judging.core import fault_of_check, grade_code
from staff.grading.judging.secret import FURTHER, further_check
from staff.grading.judging.secret.hold import hold
from staff.grading.sandbox import remote
from staff.grading.sandbox.ladder import Sandbox

CODE_POINTS = sum(EXERCISES[exercise].points for exercise in CHECKS)
SEED = 20
_SOLUTION = re.compile(r"(?ms)^( *)# BEGIN SOLUTION\n.*?^ *# END SOLUTION\n")


@pytest.fixture
def nothing_given_back(monkeypatch):
    """Let time on the clock be time on the clock, however busy the machine."""
    monkeypatch.setattr(Sandbox, "waited", lambda self: 0.0)
    monkeypatch.setattr(remote, "waited_for_core", lambda: 0.0)


def outcomes(hand_in, rung, only=()):
    return {o.exercise: o for o in grade_code(hand_in, seed=SEED, rung=rung, only=only)}


def put(hand_in, title):
    """Put an answer of the bank into a hand-in; return its exercise."""
    (answer,) = [a for a in BANK if str(a) == title]
    path = hand_in / answer.file
    path.write_text(answer.apply(path.read_text(encoding="utf-8")), encoding="utf-8")
    return answer.judge


@pytest.mark.slow
def test_grade_code_gives_the_reference_all_points(hand_in, rung):
    got = outcomes(hand_in, rung)

    assert list(got.values()) == [o for o in got.values() if o.state == "passed" and not o.message]
    assert sum(o.points for o in got.values()) == CODE_POINTS


@pytest.mark.slow
def test_grade_code_gives_stubs_nothing(hand_in, rung):
    stub = r'\1raise NotImplementedError("stub: see FullyConnectedNets.ipynb, section 0")\n'
    for name in CODE:
        path = hand_in / name
        path.write_text(_SOLUTION.sub(stub, path.read_text(encoding="utf-8")), encoding="utf-8")

    got = outcomes(hand_in, rung)

    assert {o.state for o in got.values() if o.maximum} == {"open"}
    assert sum(o.points for o in got.values()) == 0


TELLS = """globals()["calls"] = globals().get("calls", 0) + 1
    if globals()["calls"] > {known}:
        raise {error}
    return np.maximum(x, 0), x"""


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("KeyError(repr(x))", "KeyError: a further test on other sizes failed\n  in your code"),
        (
            "type(repr(x), (OSError,), {})()",
            "Exception: a further test on other sizes failed\n  in your code",
        ),
        ("__import__('os')._exit(77)", "fc-1.3 got no answer: the code ended its process"),
    ],
)
def test_what_a_further_check_asks_does_not_reach_the_student(
    hand_in, rung, monkeypatch, error, told
):
    calls = []
    real = layers.relu_forward
    monkeypatch.setattr(layers, "relu_forward", lambda x: (calls.append(x), real(x))[1])
    examine("fc-1.3")
    path = hand_in / "cs682/layers.py"
    body = TELLS.format(known=len(calls), error=error)
    path.write_text(path.read_text().replace("return np.maximum(x, 0), x", body))

    outcome = outcomes(hand_in, rung, ["fc-1.3"])["fc-1.3"]

    assert outcome.message == told
    assert "array(" in outcome.staff or "_exit" in error


def test_every_bit_of_a_seed_counts_and_a_seed_draws_what_it_always_drew(monkeypatch):
    drawn = []
    monkeypatch.setitem(FURTHER, "fc-1.3", lambda _, rng: drawn.append(rng.integers(2**32)))

    for seed in (SEED, SEED + 2**64, SEED + 2**127, SEED):
        further_check("fc-1.3", seed, None, None)

    assert len({*drawn}) == 3
    assert drawn[0] == drawn[3] == 4204559163


@pytest.mark.parametrize(
    "made",
    [type("x_e6c8", (), {})(), np.array(["x"] * 2, "<U68"), "e6c8", [np.ones(2)] * 68],
    ids=["a type", "a dtype", "a text", "a list"],
)
@pytest.mark.parametrize(
    "ask",
    [
        lambda out: hold("out", out, np.ones(2), "one input"),
        lambda out: require_mask(out, (2,), 0.5),
        lambda out: out / np.ones(2) + {}[str(out)] + type(out).__name__,
    ],
    ids=["hold", "mask", "stumble"],
)
def test_what_came_back_in_a_further_check_is_not_said(ask, made, monkeypatch):
    monkeypatch.setitem(FURTHER, "fc-1.3", lambda subject, _: ask(subject.relu_forward(0)))
    subject = SimpleNamespace(relu_forward=lambda x: made)

    result = examine("fc-1.3", subject, checks=(partial(further_check, "fc-1.3", SEED),))

    assert result.state == "wrong"
    assert result.message.startswith("a further test on other sizes failed")
    assert not re.search(r"e6c8|68|list|array\(", result.message)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("habit", "said"),
    [
        ("np.save('x.npy', x)", "code can write no file"),
        ("import os; os.makedirs('figs')", "code can write no file"),
        ("import threading; threading.Thread(target=id, args=(0,)).start()", "no thread"),
        ("breakpoint()", "A breakpoint is left in the code"),
        ("input()", "input() waits for somebody to type"),
    ],
)
def test_habit_that_the_sandbox_refuses_is_said_in_plain_words(habit, said, hand_in, rung):
    path = hand_in / "cs682/layers.py"
    text, line = path.read_text(), "    return np.maximum(x, 0), x\n"
    assert line in text
    path.write_text(text.replace(line, f"    {habit}\n{line}"))

    assert said in outcomes(hand_in, rung, ["fc-1.3"])["fc-1.3"].message


@pytest.mark.slow
def test_trouble_in_the_worker_shows_no_line_of_the_grader(hand_in, rung):
    path = hand_in / "cs682/layers.py"
    path.write_text(
        path.read_text().replace("np.maximum(x, 0), x", "np.broadcast_to(0.0, 10**10), x")
    )

    outcome = outcomes(hand_in, rung, ["fc-1.3"])["fc-1.3"]

    assert "MemoryError" in outcome.message
    assert ".py" not in outcome.message


@pytest.mark.slow
@pytest.mark.usefixtures("nothing_given_back")
def test_hand_in_at_its_bound_keeps_what_was_graded(hand_in, rung):
    limits = dataclasses.replace(rung.limits, wall=14.0, all_wall=14.0)
    path = hand_in / "cs682/layers.py"
    path.write_text(
        path.read_text().replace("return dout * (x > 0)", "import time; time.sleep(99)")
    )
    only = ("fc-1.1", "fc-4.1", "bn-1.3", "bn-3.1")
    path.write_text(
        path.read_text().replace(
            "dinv_std = (dx", "__import__('time').sleep(99); dinv_std = (dx", 1
        )
    )

    got = outcomes(hand_in, dataclasses.replace(rung, limits=limits), only)

    assert {i: o.state for i, o in got.items()} == {
        "fc-1.1": "passed",
        "fc-4.1": "passed",
        "bn-1.3": "no answer",
        "bn-3.1": "no answer",
    }
    assert "had used up its time before" in got["bn-3.1"].message


@pytest.mark.slow
def test_exercises_do_not_wait_for_one_that_ran_on(hand_in, rung):
    path = hand_in / "cs682/layers.py"
    path.write_text(path.read_text().replace("return dout * (x > 0)", "while True: pass"))

    got = outcomes(hand_in, rung, ("fc-1.3", "fc-1.4", "fc-2.3"))

    assert got["fc-1.3"].state == "passed"
    assert got["fc-1.4"].state == "no answer"
    assert got["fc-2.3"].state == "passed"


@pytest.mark.parametrize(("ran_on", "is_less"), [(["fc-1.1"], False), (["fc-1.1", "fc-1.2"], True)])
def test_exercises_get_less_time_after_two_that_ran_on(ran_on, is_less, rung):
    def begin(order):
        raise ValueError(order["cpu"])

    with core.Grader({}, seed=SEED, rung=rung) as grader:
        grader._overran = {*ran_on}

        with pytest.raises(ValueError) as asked:  # noqa: PT011  # what was asked for is looked at
            grader._attempt("fc-4.1", SimpleNamespace(begin=begin))

    assert (asked.value.args[0] < rung.limits.cpu) == is_less


@pytest.mark.slow  # it has to be late by more than a busy machine makes it
def test_hand_in_whose_time_is_over_with_what_is_no_answer_is_to_blame(
    hand_in, rung, monkeypatch, nothing_given_back
):
    path = hand_in / "cs682/layers.py"
    body = "__import__('time').sleep(0.2); return np.broadcast_to('a', 10**9)"
    path.write_text(path.read_text().replace("return np.maximum(x, 0), x", body))
    limits = dataclasses.replace(rung.limits, all_wall=2)
    real = remote.unpack
    monkeypatch.setattr(remote, "unpack", lambda *a: (time.sleep(2), real(*a))[1])

    got = outcomes(hand_in, dataclasses.replace(rung, limits=limits), ("fc-1.3", "fc-1.4"))

    assert [outcome.state for outcome in got.values()] == ["no answer", "no answer"]
    assert "used up its time" in got["fc-1.4"].message


@pytest.mark.parametrize(
    ("dtype", "right", "wrong"), [(np.float64, 5e-11, 5e-10), (np.float32, 5e-4, 5e-3)]
)
def test_further_check_wants_as_many_digits_as_a_type_gives(dtype, right, wrong):
    hold("dx", np.array([1 + right], dtype), np.ones(1), "one number", dtype=dtype)

    with pytest.raises(CheckError, match="wrong values"):
        hold("dx", np.array([1 + wrong], dtype), np.ones(1), "one number", dtype=dtype)


@pytest.mark.slow
def test_exercise_without_further_check_is_not_graded(hand_in, rung, monkeypatch):
    monkeypatch.delitem(FURTHER, "fc-1.3")

    outcome = outcomes(hand_in, rung, ["fc-1.3"])["fc-1.3"]

    assert (outcome.state, outcome.staff) == ("not graded", "the grader has no further check of it")


@pytest.mark.slow
@pytest.mark.parametrize("fault", [CheckError("wrong"), ZeroDivisionError("in the check")])
def test_check_that_refuses_the_course_itself_grades_nobody(fault, hand_in, rung, monkeypatch):
    def refuse(subject, rng):
        raise fault

    monkeypatch.setitem(FURTHER, "fc-1.3", refuse)
    fault_of_check.cache_clear()

    outcome = outcomes(hand_in, rung, ["fc-1.3"])["fc-1.3"]

    fault_of_check.cache_clear()
    assert outcome.state == "not graded"
    assert str(fault) in outcome.staff


@pytest.mark.slow
def test_a_report_names_no_folder_that_is_drawn_anew(hand_in, rung):
    path = hand_in / "cs682/layers.py"
    path.write_text(path.read_text().replace("np.maximum(x, 0), x", "np.ones(-1), x"))

    outcome = outcomes(hand_in, rung, ["fc-1.3"])["fc-1.3"]

    assert "in ones, numpy/" in outcome.message
    assert not re.search(r"(?<!\w)/(usr|home|root|tmp|opt)/", outcome.message + outcome.staff)
    assert not re.search(r"cs682-(box|python)-\w", outcome.message + outcome.staff)


class _Failing(Sandbox):
    """A sandbox that fails some times: in coming up, or in what it is asked."""

    times = 0

    @classmethod
    def fail(cls):
        if _Failing.times > 0:
            _Failing.times -= 1
            raise OSError(errno.ENOSPC, "No space left on device")


class _NeverUp(_Failing):
    def __enter__(self):
        self.fail()
        return super().__enter__()


class _NoProcess(_Failing):
    def begin(self, order):
        self.fail()
        return super().begin(order)


class _NoSecond(_Failing):
    def __enter__(self):
        if self._course:
            self.fail()
        return super().__enter__()


@pytest.mark.slow
@pytest.mark.parametrize("kind", [_NeverUp, _NoProcess])
@pytest.mark.parametrize(("times", "state"), [(1, "passed"), (99, "not graded")])
def test_sandbox_that_fails_is_tried_again_and_costs_nothing(
    kind, times, state, hand_in, rung, monkeypatch
):
    monkeypatch.setattr(_Failing, "times", times)
    monkeypatch.setattr(core, "Sandbox", kind)

    got = outcomes(hand_in, rung, ("fc-1.1", "fc-1.3"))

    assert [o.state for o in got.values()] == [state, state]


@pytest.mark.slow
@pytest.mark.parametrize(("times", "state"), [(1, "passed"), (99, "not graded")])
def test_second_sandbox_that_fails_costs_nothing(times, state, hand_in, rung, monkeypatch):
    put_wrong_relu(hand_in)
    monkeypatch.setattr(_Failing, "times", times)
    monkeypatch.setattr(core, "Sandbox", _NoSecond)

    got = outcomes(hand_in, rung, ("fc-1.4", "fc-2.3"))

    assert {i: o.state for i, o in got.items()} == {"fc-1.4": "wrong", "fc-2.3": state}


@pytest.mark.slow
@pytest.mark.usefixtures("nothing_given_back")
@pytest.mark.parametrize(
    ("body", "state"), [("while True: pass", "not graded"), ("time.sleep(99)", "no answer")]
)
def test_wall_time_stops_those_who_sleep(body, state, hand_in, rung):
    """Who computes, and has computing time left, is late because others compute as well."""
    path = hand_in / "cs682/layers.py"
    path.write_text(path.read_text().replace("return dout * (x > 0)", f"import time; {body}"))
    path.write_text(path.read_text().replace("import time; while", "\n    while"))
    limits = dataclasses.replace(rung.limits, wall=0.5)

    got = outcomes(hand_in, dataclasses.replace(rung, limits=limits), ["fc-1.4"])

    assert got["fc-1.4"].state == state


@pytest.mark.slow
def test_hand_in_of_which_nothing_ran_on_is_not_graded_at_its_bound(hand_in, rung):
    put_wrong_relu(hand_in)
    limits = dataclasses.replace(rung.limits, all_cpu=0.001)

    got = outcomes(hand_in, dataclasses.replace(rung, limits=limits), ("fc-1.4", "fc-2.3"))

    assert {o.state for o in got.values()} == {"not graded"}


@pytest.mark.slow
@pytest.mark.parametrize(("status", "state"), [(-signal.SIGKILL, "not graded"), (3, "no answer")])
def test_process_that_somebody_else_killed_costs_nothing(status, state, hand_in, rung, monkeypatch):
    path = hand_in / "cs682/layers.py"
    path.write_text(path.read_text().replace("return dout * (x > 0)", "import os; os._exit(3)"))
    finish = Sandbox.finish
    monkeypatch.setattr(Sandbox, "finish", lambda self: finish(self) and (status, 0.1))

    assert outcomes(hand_in, rung, ["fc-1.4"])["fc-1.4"].state == state


@pytest.mark.slow
def test_code_that_computes_on_and_on_is_told_that_it_was_stopped(hand_in, rung):
    path = hand_in / "cs682/layers.py"
    path.write_text(path.read_text().replace("return np.maximum(x, 0), x", "while True: pass"))

    assert outcomes(hand_in, rung, ["fc-1.3"])["fc-1.3"].message == (
        "fc-1.3 got no answer: the code was stopped, for it had used up its computing time"
    )


def put_wrong_relu(hand_in):
    path = hand_in / "cs682/layers.py"
    path.write_text(path.read_text().replace("return dout * (x > 0)", "return dout"))

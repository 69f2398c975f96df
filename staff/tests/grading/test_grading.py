"""What an exercise is worth: all of it when it is right, nothing when it is not."""

from __future__ import annotations

import re

import pytest

from cs682.checks import EXERCISES, CheckError
from cs682.checks.run import CHECKS
from staff.bank.judge import BANK
from staff.grading.intake.package import CODE
from staff.grading.judging.core import fault_of_check, grade_code
from staff.grading.judging.secret import FURTHER

CODE_POINTS = sum(EXERCISES[exercise].points for exercise in CHECKS)
SEED = 20
_SOLUTION = re.compile(r"(?ms)^( *)# BEGIN SOLUTION\n.*?^ *# END SOLUTION\n")


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

    assert "in ones, /" in outcome.message  # a line of NumPy's, where the sandbox has it
    assert not re.search(r"cs682-(box|python)-\w", outcome.message + outcome.staff)

"""A wrong answer costs its own exercise, and no other."""

from __future__ import annotations

import pytest

from cs682.checks import EXERCISES
from cs682.checks.run import CHECKS
from staff.bank.answer import ROOT, Answer, Change
from staff.bank.judge import BANK
from staff.bank.remote import grade_answer, surprise
from staff.grading.intake.package import read_package
from staff.grading.judging import merits
from staff.grading.judging.core import grade_files

REFERENCE = read_package(ROOT)
SAMPLE = BANK[7::50]  # all of them: python -m staff bank --remote


def outcomes(files, rung, *only):
    return {o.exercise: o for o in grade_files(files, seed=11, rung=rung, only=only)}


def edited(file, old, new):
    source = REFERENCE[file].decode()
    assert source.count(old) == 1
    return {**REFERENCE, file: source.replace(old, new).encode()}


@pytest.mark.slow
@pytest.mark.parametrize("answer", SAMPLE, ids=str)
def test_answer_of_the_bank_costs_its_own_exercise(answer, rung):
    assert surprise(answer, grade_answer(answer, seed=682, rung=rung)) == ""


@pytest.mark.slow
def test_network_passes_on_top_of_a_wrong_layer(rung):
    files = edited("cs682/layers.py", "return dout * (x > 0)", "return dout")

    got = outcomes(files, rung, "fc-1.4", "fc-2.3", "bn-2.2")

    assert {i: o.state for i, o in got.items()} == {
        "fc-1.4": "wrong",
        "fc-2.3": "passed",
        "bn-2.2": "passed",
    }
    assert got["fc-2.3"].message == (
        "passed on its own merits, with the course's code in place of yours (fc-1.4 is not right "
        "yet)"
    )


@pytest.mark.slow
def test_networks_pass_although_the_layers_cannot_be_imported(rung):
    files = {**REFERENCE, "cs682/layers.py": b"def affine_forward(x, w, b:\n"}

    got = outcomes(files, rung, "fc-1.1", "fc-2.2", "fc-3.2")

    assert {i: o.state for i, o in got.items()} == {
        "fc-1.1": "wrong",
        "fc-2.2": "passed",
        "fc-3.2": "passed",
    }
    assert "SyntaxError" in got["fc-1.1"].message
    assert "cs682/layers.py line 1" in got["fc-1.1"].message


@pytest.mark.slow
def test_nothing_can_be_asked_that_answers_the_exercise(rung):
    """The simplified backward pass may not be had from the reference by way of the other one."""
    source = REFERENCE["cs682/layers.py"].decode()
    answers = {
        "bn-1.1": "1 / 0",
        "bn-1.3": "1 / 0",
        "bn-1.4": "return batchnorm_backward(dout, cache)",
    }
    for exercise, new in answers.items():
        source = Answer(exercise, "for this test", (Change(exercise, new),)).apply(source)

    got = outcomes({**REFERENCE, "cs682/layers.py": source.encode()}, rung, *answers)

    assert {o.state for o in got.values()} == {"wrong"}


def test_prerequisites_come_earlier_in_the_table():
    order = list(CHECKS)
    for exercise, needed in merits.PREREQUISITES.items():
        assert all(order.index(n) < order.index(exercise) for n in needed)


@pytest.mark.parametrize("exercise", CHECKS)
def test_plans_never_let_the_exercise_be_asked_for(exercise):
    row = EXERCISES[exercise]
    for plan in merits.plans(exercise):
        asked = {name.partition(":")[2] for name in plan.stand_ins}
        assert not asked & set(row.functions)
        if row.file.endswith(("layers.py", "optim.py")):
            assert not asked

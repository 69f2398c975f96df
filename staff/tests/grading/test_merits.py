"""A wrong answer costs its own exercise, and no other."""

from __future__ import annotations

import re
import zlib

import pytest

from cs682.checks import EXERCISES
from cs682.checks.prerequisites import RESTS_ON
from cs682.checks.run import CHECKS
from staff.bank.answer import ROOT, Answer, Change
from staff.bank.judge import BANK
from staff.bank.remote import grade_answer, surprise
from staff.grading.intake.package import CODE, read_package
from staff.grading.judging import core, merits
from staff.grading.judging.core import grade_files
from staff.grading.sandbox.ladder import Sandbox

REFERENCE = read_package(ROOT)
_REGION = re.compile(
    r"(?ms)^( *)# TODO\([^)]*\):(?:(?!# BEGIN SOLUTION).)*?^ *# BEGIN.*?^ *# END SOLUTION\n"
)
# All of them: python -m staff bank --remote. The first that is named leaves other digits where a
# gradient is 0 by the maths: of a bias before batch norm, in a network of another exercise.
# The others cross as what they are not to Python, or do not cross.
_NAMED = {
    "cn-3.2: moveaxis",
    "bn-1.4: a copy of the options is the cache",
    "bn-3.2: an array of objects is the cache",
    "fc-2.3: gradients in an ordered dict, in a named tuple",
    "fc-3.1: names from an array of text",
    "fc-4.3: notes of its own in the config, and the config itself",
}
NAMED = [answer for answer in BANK if str(answer) in _NAMED]
# To the grader everything comes as a copy: what it cannot see where it arises (grading.md), and
# what is lost in its place.
OUT_OF_REACH = {
    "fc-2.2: no cache is returned": {"fc-2.3"},
    "cn-2.2: the caches left out": {"cn-2.3"},
    "cn-4.1: the caches left out": {"cn-4.2"},
    "fc-4.2: one config for all parameters": set(),
}
# By their names: an answer that is added elsewhere changes nothing about the others.
DRAWN = [answer for answer in BANK if zlib.crc32(str(answer).encode()) % 50 == 7]
SAMPLE = [a for a in dict.fromkeys([*DRAWN, *NAMED]) if str(a) not in OUT_OF_REACH]


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
@pytest.mark.parametrize(("title", "lost"), OUT_OF_REACH.items())
def test_what_the_grader_cannot_see_costs_no_more_than_the_guide_says(title, lost, rung):
    (answer,) = (a for a in BANK if str(a) == title)

    got = grade_answer(answer, seed=682, rung=rung)

    assert {o.exercise for o in got if o.state != "passed"} == lost


@pytest.mark.slow
def test_exercises_do_not_excuse_each_other_for_a_network_that_both_run_through(rung):
    title = "the network exchanges the gradients of gamma and beta"
    answer = next(a for a in BANK if (a.judge, a.title) == ("bn-2.2", title))

    got = {o.exercise: o.state for o in grade_answer(answer, seed=682, rung=rung)}

    assert (got["bn-2.2"], got["do-2.1"]) == ("wrong", "passed")


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

    got = outcomes(files, rung, "fc-1.1", "fc-2.1", "fc-2.2", "bn-2.1")

    assert {i: o.state for i, o in got.items()} == {
        "fc-1.1": "wrong",
        "fc-2.1": "passed",
        "fc-2.2": "passed",
        "bn-2.1": "passed",
    }
    assert "SyntaxError" in got["fc-1.1"].message
    assert "cs682/layers.py line 1" in got["fc-1.1"].message


@pytest.mark.slow
def test_report_calls_no_exercise_wrong_that_passes(rung):
    """What passes in the end may have failed at first, for the same reason."""
    got = outcomes(edited("cs682/layers.py", "dw = rows.T @ dout", "dw = 2 * rows.T @ dout"), rung)

    passed = {i for i, o in got.items() if o.state == "passed"}
    named = {
        i: {*re.findall(r"[a-z]{2}-[0-9.]+", o.message)} for i, o in got.items() if i in passed
    }
    assert {*got} - passed == {"fc-1.2"}
    assert named["bn-3.2"] == {"fc-1.2"}
    assert not passed & {name for names in named.values() for name in names}


@pytest.mark.slow
def test_exercise_that_runs_on_does_not_wait_for_one_that_passes(rung):
    files = edited("cs682/layers.py", "return dout * (x > 0)", "while True: pass")

    got = outcomes(files, rung, "fc-1.3", "fc-1.4")

    assert got["fc-1.3"].state == "passed"
    said = "relu_backward ran on in the check of fc-1.3, which calls it"
    assert got["fc-1.4"].message == f"fc-1.4 got no answer: {said}"


def test_those_that_are_not_right_are_so_in_the_end():
    first = dict.fromkeys(("fc-1.2", "fc-1.5", "fc-3.3", "bn-2.2", "bn-3.2"), "wrong")

    def named(*lost):
        return merits.not_right("bn-3.2", first, {**dict.fromkeys(first, "passed"),
                                                  **dict.fromkeys(lost, "wrong")})  # fmt: skip

    assert named("fc-1.2") == ["fc-1.2"]
    assert named("fc-1.2", "fc-1.5", "bn-2.2") == ["fc-1.2", "bn-2.2"]
    assert named("fc-1.5") == ["fc-1.5"]
    assert named() == []


UTILS = "cs682/layer_utils.py"


@pytest.mark.slow
@pytest.mark.parametrize("spoilt", [None, b"def affine_relu_forward(x, w, b:\n"])
def test_networks_pass_although_what_they_are_built_of_is_no_module(spoilt, rung):
    files = {file: code for file, code in REFERENCE.items() if file != UTILS}
    files |= {UTILS: spoilt} if spoilt else {}

    got = outcomes(files, rung, "fc-2.2", "fc-3.3", "bn-2.1", "bn-2.2", "bn-3.2", "cn-4.2")

    lost = {exercise for exercise, outcome in got.items() if outcome.state != "passed"}
    assert lost == {"bn-2.2"}


@pytest.mark.slow
def test_layer_passes_although_no_network_is_there(rung):
    files = {f: code for f, code in REFERENCE.items() if f not in CODE or f == "cs682/layers.py"}

    assert outcomes(files, rung, "bn-3.2")["bn-3.2"].state == "passed"


def test_modules_come_after_those_that_they_import():
    order = list(merits.MODULES)

    assert {*order} == {merits.module_of(file) for file in CODE}
    for file in CODE:
        later = order[order.index(merits.module_of(file)) :]
        assert not {merits.module_of(other) for other in merits.IMPORTS[file]} & {*later}


@pytest.mark.slow
def test_course_code_sees_nothing_that_the_hand_in_has_rebound(rung):
    """What stands in for the wrong layer calls functions of given modules, the course's own."""
    files = edited("cs682/layers.py", "rows @ w + b", "rows @ w - b")
    spy = (
        b"import cs682._arguments as given\n"
        b"def spy(*values): raise RuntimeError('the course runs in my hands')\n"
        b"given.require_affine_shapes = spy\n"
    )
    first = b"import numpy as np\n"
    files["cs682/layers.py"] = files["cs682/layers.py"].replace(first, first + spy, 1)

    got = outcomes(files, rung, "fc-1.1", "fc-2.2")

    assert {i: o.state for i, o in got.items()} == {"fc-1.1": "wrong", "fc-2.2": "passed"}


TELLTALE = """
import os, sys
from pathlib import Path
if not Path(__file__).parents[2].joinpath("course").exists():
    {first}
frame = sys._getframe()
while frame := frame.f_back:
    if hasattr(me := frame.f_locals.get("self"), "_report"):
        me._report.advice.append("marker in advice")
{then}
"""


@pytest.mark.slow
@pytest.mark.parametrize("first", ["raise ValueError('mine')", "os._exit(3)"])
@pytest.mark.parametrize(
    "then",
    ["raise ValueError('marker')", "os._exit(1)", "return 'marker'", "return dout * (cache > 0)"],
)
def test_one_bit_leaves_an_attempt_where_the_course_stands_in(first, then, rung):
    """What the code can read there would be the solution."""
    body = Change("fc-1.4", TELLTALE.format(first=first, then=then))
    answer = Answer("fc-1.4", "tells", (Change("fc-1.3", "return x, x"), body))
    source = answer.apply(REFERENCE["cs682/layers.py"].decode())
    files = {**REFERENCE, "cs682/layers.py": source.encode()}
    with core.Grader(files, seed=11, rung=rung) as grader:
        before = grader.grade("fc-1.4")
        after = grader.grade_again(before, {"fc-1.3": "wrong", "fc-1.4": before.state})

    if "cache > 0" in then:
        assert (after.state, after.advice, after.staff) == ("passed", (), "")
        assert after.message.startswith("passed on its own merits")
    else:
        assert after == before
    assert "marker" not in repr(after)


def test_no_sandbox_is_started_for_a_hand_in_whose_time_is_spent(monkeypatch, rung):
    monkeypatch.setattr(core, "Sandbox", None)  # starting one would raise
    before = core.Outcome("fc-1.4", 0, 2, "wrong", "dx is wrong")
    with core.Grader(REFERENCE, seed=1, rung=rung) as grader:
        grader._budget.cpu = 0

        after = grader.grade_again(before, {"fc-1.3": "wrong", "fc-1.4": "wrong"})

    assert after.state == core.NOT_GRADED


SHORTCUTS = {
    "bn-1.4": "return batchnorm_backward(dout, cache)",
    "bn-1.3": "return batchnorm_backward_alt(dout, cache)",
    "bn-3.2": "return tuple(v.T for v in batchnorm_backward_alt(dout.T, cache))",
    "fc-2.2": """
        D, H = self.params["W1"].shape
        net = FullyConnectedNet([H], D, self.params["W2"].shape[1], dtype=np.float64)
        net.params = self.params
        return net._forward(X)
        """,
    "bn-2.2": """
        return affine_norm_relu_dropout_forward(x, w, b, gamma, beta, norm_param, normalization)
        """,
}


@pytest.mark.slow
@pytest.mark.parametrize("exercise", SHORTCUTS)
def test_what_stands_in_answers_neither_the_exercise_nor_its_neighbours(exercise, rung):
    """All else is an empty release, so that everything that may stand in does."""
    files = {name: _cut(data) if name in CODE else data for name, data in REFERENCE.items()}
    row = EXERCISES[exercise]
    mine = Answer(exercise, "a shortcut", (Change(exercise, SHORTCUTS[exercise]),)).apply(
        REFERENCE[row.file].decode()
    )
    files[row.file] = _cut(mine.encode(), but=exercise)

    got = outcomes(files, rung, exercise)

    assert got[exercise].state in ("wrong", "open", "no answer")


def _cut(data, but=""):
    """Return a file without its solutions, but for those of one exercise."""
    wanted = f"# TODO({but}):"

    def stub(match):
        return match[0] if wanted in match[0] else f"{match[1]}raise NotImplementedError\n"

    return _REGION.sub(stub, data.decode()).encode()


def test_course_code_holds_the_bodies_that_stand_in_and_no_others():
    code = merits.course_code(("cs682.layers:affine_forward",))["cs682.layers"]

    assert "@ w + b" in code
    assert code.count("no part of this sandbox") == len(merits.MODULES["cs682.layers"]) - 1
    assert "SOLUTION" not in code


def test_prerequisites_come_earlier_in_the_table():
    order = list(CHECKS)
    for exercise, needed in merits.PREREQUISITES.items():
        assert all(order.index(n) < order.index(exercise) for n in needed)


def test_what_a_check_names_as_the_cause_may_stand_in():
    for exercise, causes in RESTS_ON.items():
        later = merits.AROUND.get(exercise, ())
        assert {*causes} <= {*merits.PREREQUISITES[exercise], *later}


@pytest.mark.parametrize("exercise", CHECKS)
def test_every_exercise_names_what_it_needs(exercise):
    """Those in files that are given, too."""
    assert exercise not in merits.needed(exercise)
    assert EXERCISES[exercise].file in merits.IMPORTS


@pytest.mark.parametrize("exercise", CHECKS)
def test_plans_never_hold_the_exercise_itself(exercise):
    for taken in merits.plans(exercise):
        assert not {name.partition(":")[2] for name in taken} & {*EXERCISES[exercise].functions}


@pytest.mark.parametrize(
    ("exercise", "never"),
    [
        ("bn-1.3", "batchnorm_backward_alt"),
        ("bn-1.4", "batchnorm_backward"),
        ("bn-3.2", "batchnorm_backward"),
        ("bn-3.2", "batchnorm_backward_alt"),
        ("fc-2.2", "FullyConnectedNet._forward"),
        ("fc-2.3", "FullyConnectedNet._loss_and_gradients"),
        ("fc-3.2", "TwoLayerNet._forward"),
        ("fc-3.3", "TwoLayerNet._loss_and_gradients"),
    ],
)
def test_plans_never_hold_a_neighbour_that_computes_the_same(exercise, never):
    assert not any(name.endswith(f":{never}") for t in merits.plans(exercise) for name in t)


@pytest.mark.parametrize("exercise", merits.PARTNERS)
def test_first_plan_leaves_the_student_the_partner(exercise):
    plans, partner = merits.plans(exercise), f":{merits.PARTNERS[exercise]}"

    takes_it = [any(name.endswith(partner) for name in taken) for taken in plans]

    assert takes_it in ([False, True], [True])  # the latter if the exercise needs nothing else


@pytest.mark.slow
def test_course_code_comes_in_when_all_else_has_been_graded(rung, monkeypatch):
    entered = []

    def sandbox(rung, files, course=None):
        entered.append(course is not None)
        return Sandbox(rung, files, course)

    monkeypatch.setattr(core, "Sandbox", sandbox)
    files = edited("cs682/layers.py", "return dout * (x > 0)", "return dout")

    got = [o.exercise for o in grade_files(files, seed=11, rung=rung)]

    assert entered[0] is False
    assert all(entered[1:])
    assert {*got} == {*CHECKS}


SCORES = """

def scores(self, X, y=None):
    p = self.params
    return np.maximum(X.reshape(len(X), -1) @ p["W1"] + p["b1"], 0) @ p["W2"] + p["b2"]


"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "way",
    [
        "TwoLayerNet.loss = scores",
        "get = object.__getattribute__\n"
        "def found(self, name):\n"
        "    return scores.__get__(self) if name == 'loss' else get(self, name)\n"
        "TwoLayerNet.__getattribute__ = found",
        "first = TwoLayerNet.__init__\n"
        "def made(self, *args, **kwargs):\n"
        "    first(self, *args, **kwargs)\n"
        "    self.loss = scores.__get__(self)\n"
        "TwoLayerNet.__init__ = made",
        "class Own(TwoLayerNet):\n    loss = scores\nTwoLayerNet = Own",
    ],
)
def test_network_whose_loss_was_replaced_has_the_given_one(way, rung):
    """It ties the exercises together, and none of them asks for it."""
    call = 'hidden, hidden_cache = affine_relu_forward(X, self.params["W1"], self.params["b1"])'
    files = edited("cs682/classifiers/fc_net.py", call, "raise ValueError('not written')")
    files["cs682/classifiers/fc_net.py"] += (SCORES + way).encode()

    got = outcomes(files, rung, "fc-2.1", "fc-2.2")

    assert got["fc-2.1"].state == "passed", got["fc-2.1"].message
    assert (got["fc-2.2"].state, got["fc-2.2"].points) == ("wrong", 0)
    assert "not written" in got["fc-2.2"].message

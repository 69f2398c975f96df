"""Values in place of definitions: the checks say with them what they say with the code."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest

from cs682.checks import recorded, slow
from cs682.checks.exercises import EXERCISES
from cs682.checks.judges.layers import _relu_inputs
from cs682.checks.recorded import MissingValue, Recall
from cs682.checks.run import CHECKS, examine
from staff.bank.answer import installed
from staff.bank.judge import BANK
from staff.grading.intake.package import CODE
from staff.release import values
from staff.release.leaks import find_leaks
from staff.tests.checks.mutants import put

WRONG = defaultdict(list)
for _answer in BANK:
    if _answer.verdict == "wrong":
        WRONG[_answer.judge].append(_answer)


def spread(answers, most):
    """Take some of a list, from all over it."""
    return answers[:: -(-len(answers) // most)] if answers else []


@pytest.mark.slow
@pytest.mark.parametrize("exercise", CHECKS)
def test_check_says_the_same_with_values_as_with_definitions(exercise, at_a_student_s):
    assert WRONG[exercise]
    for answer in spread(WRONG[exercise], 4):
        with installed(answer):
            by_definitions = examine(exercise)
        with installed(answer), at_a_student_s():
            by_values = examine(exercise)

        assert by_values == by_definitions, answer


@pytest.mark.slow
@pytest.mark.parametrize("exercise", CHECKS)
def test_no_answer_of_the_bank_asks_for_a_value_that_is_missing(exercise, at_a_student_s):
    for answer in (answer for answer in BANK if answer.judge == exercise):
        with installed(answer), at_a_student_s():
            state = examine(exercise).state

        assert (state == "wrong") == (answer.verdict == "wrong"), answer


@pytest.mark.parametrize("error", [NotImplementedError, TypeError])
@pytest.mark.parametrize("exercise", [e for e in CHECKS if EXERCISES[e].file in CODE])
def test_code_that_raises_asks_for_no_value_that_is_missing(
    exercise, error, at_a_student_s, monkeypatch
):
    def stub(*_, **__):
        raise error("this is the student's")

    put(monkeypatch, EXERCISES[exercise].functions[-1], stub)

    with at_a_student_s():
        assert examine(exercise).state in ("wrong", "open")


@pytest.mark.parametrize("draw", values._DRAWS)
def test_check_has_values_for_other_ways_to_draw_masks(draw, at_a_student_s):
    with values._other_masks(draw), at_a_student_s():
        assert examine("do-2.1").state == "passed"


def check_something(x):
    """Ask as a check does that asks for another array than the release was cut with."""
    return recorded.front("cs682.checks.slow")("relu")(x)


def as_a_check(function):
    """Give a function that seems to stand in a module of the checks."""
    asks = {"__name__": "cs682.checks.judges.new", "recorded": recorded}
    return type(function)(function.__code__, asks)


def test_missing_value_is_the_fault_of_the_check_and_says_whose(at_a_student_s):
    with (
        at_a_student_s(),
        pytest.raises(MissingValue, match=r"check_something asks .* slow\.relu .* not of your"),
    ):
        as_a_check(check_something)(np.array([1.25, -3.5]))

    assert not issubclass(MissingValue, Exception)  # no answer's own net shall catch it


def test_values_answer_the_checks_alone():
    with pytest.raises(RuntimeError, match=r"slow\.relu answers the checks alone, but staff"):
        check_something(np.zeros(3))


def test_slope_of_a_student_s_own_function_is_measured(at_a_student_s):
    square = as_a_check(lambda x: recorded.front("cs682.checks.slow")("slope")(lambda v: v**2, x))

    with at_a_student_s():
        np.testing.assert_allclose(square(np.array([3.0, -1.0])), [6, -2], rtol=1e-8)


def test_arguments_may_differ_in_the_last_bit_and_in_no_more(at_a_student_s):
    x = _relu_inputs()[1]

    with at_a_student_s():
        assert list(recorded._find("slow.relu", (np.nextafter(x, 9),), {}))
        assert not list(recorded._find("slow.relu", (x + 1e-7,), {}))
        assert not list(recorded._find("slow.relu", (x.astype(np.float32),), {}))


def test_arguments_that_cannot_be_told_apart_are_refused():
    with pytest.raises(TypeError, match="no value can be kept by <object"):
        recorded.Form([object()])
    with pytest.raises(TypeError, match="no way to keep a set"):
        recorded.dump({1}, [])


def test_nested_functions_are_told_apart_by_what_they_hold():
    def made(n):
        return lambda x: x * n

    same, other = recorded.Form(made(2.0)), recorded.Form(made(3.0))
    assert same.text == other.text
    assert same.sums != other.sums
    assert recorded.Form(slow.relu).text == recorded.Form(Recall("slow.relu")).text


def test_values_come_back_as_they_were():
    numbers = []
    value = {"a": [np.arange(6.0).reshape(2, 3), 1.5, None], "b": ("x", np.float64(2), 3)}

    kept = recorded.load(recorded.dump(value, numbers), np.array(numbers))

    np.testing.assert_array_equal(kept["a"][0], value["a"][0])
    assert kept["a"][1:] == [1.5, None]
    assert kept["b"] == ("x", 2.0, 3)


def test_release_holds_no_definition(release):
    for path in values.modules():
        assert b"def " not in release.files[path], path
        assert b"lambda" not in release.files[path], path
    assert len(release.files[values.TABLE]) < 5_000_000
    assert values._pack(values.record_rows()) == release.files[values.TABLE]


@pytest.mark.parametrize(
    ("arrays", "fault"),
    [
        (
            {"numbers": np.zeros(1), "code": np.zeros(1, np.uint8)},
            "holds {'numbers': '<f8', 'code'",
        ),
        ({"numbers": np.array([print])}, "is no table of values: Object arrays cannot be loaded"),
    ],
)
def test_find_leaks_looks_into_the_table(tmp_path, arrays, fault):
    np.savez(tmp_path / "x.npz", **arrays)

    (found,) = find_leaks({values.TABLE: (tmp_path / "x.npz").read_bytes()}, {})

    assert fault in found

"""How a check runs: what it passes, refuses, waits for, and shows of the student's code."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from cs682 import checks, layers
from cs682.checks import EXERCISES, CheckError, check, names
from cs682.checks.compare import CallError
from cs682.checks.run import CHECKS
from staff.tests.checks.mutants import put, refusal
from tests.slopes import of

ROOT = Path(__file__).resolve().parents[3]


def stream_state():
    name, keys, *rest = np.random.get_state()  # noqa: NPY002  # the notebooks' stream
    return name, keys.tolist(), *rest


@pytest.mark.parametrize("exercise", [of(exercise, exercise) for exercise in CHECKS])
def test_check_passes_the_reference_without_advice_and_leaves_the_stream(exercise, capsys):
    before = stream_state()

    check(exercise)

    assert stream_state() == before
    lines, row = capsys.readouterr().out.splitlines(), EXERCISES[exercise]
    assert lines[0].startswith(f"passed  {exercise}  {row.title}  ({row.points} point")
    assert lines[1:]
    assert all(line.startswith("  ok  ") for line in lines[1:])


@pytest.mark.parametrize(
    ("exercise", "function"),
    [of(key, key, f, name=f) for key in CHECKS for f in EXERCISES[key].functions],
)
def test_check_says_of_a_stub_that_it_is_open(monkeypatch, exercise, function):
    text = f"{function}: see {EXERCISES[exercise].notebook}, section {EXERCISES[exercise].section}"

    def stub(*args, **options):
        raise NotImplementedError(text)

    before = stream_state()
    put(monkeypatch, function, stub)

    said = refusal(exercise)

    assert re.fullmatch(
        rf"{re.escape(exercise)} is open: write {function} in {EXERCISES[exercise].file}, line "
        rf"\d+, and save it \({re.escape(text)}\)",
        said,
    )
    assert stream_state() == before


@pytest.mark.exercise(id="fc-1.2")
def test_check_says_which_other_exercise_it_waits_for(monkeypatch):
    text = "affine_forward: see FullyConnectedNets.ipynb, section 1.1"

    def stub(*args):
        raise NotImplementedError(text)

    put(monkeypatch, "affine_forward", stub)

    said = refusal("fc-1.2")

    assert said.startswith(
        "fc-1.2 waits for fc-1.1: write affine_forward in cs682/layers.py, line "
    )


@pytest.mark.exercise(id="fc-1.4")
def test_check_points_to_the_raise_that_hides_code(monkeypatch, tmp_path):
    text = "relu_backward: see FullyConnectedNets.ipynb, section 1.4"
    source = f"def relu_backward(dout, x):\n    raise NotImplementedError('{text}')\n    return 1\n"
    (tmp_path / "cs682").mkdir()
    (tmp_path / "cs682" / "layers.py").write_text(source)
    monkeypatch.setattr(names, "ROOT", tmp_path)
    names_of_file: dict = {}
    exec(source, names_of_file)
    put(monkeypatch, "relu_backward", names_of_file["relu_backward"])

    assert refusal("fc-1.4") == (
        "fc-1.4 is open: code stands below the `raise` in cs682/layers.py, line 2, which ends "
        f"relu_backward there: take the `raise` away, and save it ({text})"
    )


@pytest.mark.exercise(id="fc-1.3")
def test_check_shows_the_students_own_line_when_code_raises(monkeypatch):
    def answer(x):
        return np.maximum(x, np.zeros((99, 98)))

    put(monkeypatch, "relu_forward", answer)

    said = refusal("fc-1.3")

    assert said.startswith("ValueError: operands could not be broadcast")
    assert "in answer," in said
    assert "return np.maximum(x, np.zeros((99, 98)))" in said


def test_check_examines_another_subject():
    class Subject:
        def relu_forward(self, x):
            return np.abs(x), x

    with pytest.raises(CheckError, match="this is the absolute value"):
        check("fc-1.3", subject=Subject())
    assert layers.relu_forward(np.array([-1.0]))[0] == 0


@pytest.mark.parametrize("exercise", ["fc-9.9", "bm", ""])
def test_check_refuses_a_name_that_means_no_exercise(exercise):
    with pytest.raises(ValueError, match=rf"no exercise '{exercise}'; exercises are called"):
        check(exercise)


def test_check_refuses_a_question():
    with pytest.raises(ValueError, match="fc-q1 is a question, which no check can judge"):
        check("fc-q1")


@pytest.mark.parametrize(
    ("exercise", "given", "call"),
    [
        ("fc-2.4", (), r'check("fc-2.4", model=..., data=...)'),
        ("cn-4.3", ("model",), r'check("cn-4.3", model=..., data=...)'),
        ("fc-3.4", ("model", "solver"), r'check("fc-3.4", solver=...)'),
    ],
)
def test_call_that_lacks_what_was_trained_is_told_how_it_is_made(exercise, given, call):
    with pytest.raises(CallError, match=re.escape(f"looks at what was trained: {call}, as in")):
        check(exercise, **dict.fromkeys(given))


def test_legacy_seed_gives_the_published_draws_and_puts_the_stream_back():
    before = stream_state()

    with checks.legacy_seed(231):
        first = np.random.randn()  # noqa: NPY002  # the published stream
    with pytest.raises(KeyError), checks.legacy_seed(1):
        raise KeyError

    assert first == pytest.approx(np.random.RandomState(231).randn())
    assert stream_state() == before

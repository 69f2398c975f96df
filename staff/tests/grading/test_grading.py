"""What an exercise is worth: all of it when it is right, nothing when it is not."""

from __future__ import annotations

import re

import numpy as np
import pytest

from cs682.checks import EXERCISES
from cs682.checks.run import CHECKS
from cs682.classifiers.fc_net import FullyConnectedNet
from staff.bank.judge import BANK
from staff.grading.intake.package import CODE
from staff.grading.judging.core import grade_code
from staff.grading.judging.model import NoScoresError, score_model

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
def test_score_model_returns_what_the_network_computes(hand_in, rung):
    net = FullyConnectedNet([20, 10], input_dim=12, normalization="batchnorm")
    X = np.random.default_rng(1).standard_normal((70, 12)).astype(np.float32)
    for _ in range(3):
        net.loss(X, np.arange(70) % 10)
    running = [{k: v for k, v in p.items() if k != "mode"} for p in net.bn_params]
    arguments = {"hidden_dims": [20, 10], "input_dim": 12, "normalization": "batchnorm"}

    scores = score_model(hand_in, "FullyConnectedNet", arguments, net.params, running, X, rung=rung)

    np.testing.assert_array_equal(scores, net.loss(X))


def test_score_model_says_what_the_code_raised(hand_in, rung):
    path = hand_in / "cs682/classifiers/fc_net.py"
    path.write_text(
        path.read_text().replace("L = self.num_layers\n        scores", "1 / 0; scores")
    )

    with pytest.raises(NoScoresError, match=r"ZeroDivisionError: .*\n.* in _forward, cs682/cl"):
        score_model(
            hand_in,
            "FullyConnectedNet",
            {"hidden_dims": [5]},
            {},
            [],
            np.ones((2, 3072)),
            rung=rung,
        )


def test_a_report_names_no_folder_that_is_drawn_anew(hand_in, rung):
    path = hand_in / "cs682/layers.py"
    path.write_text(path.read_text().replace("np.maximum(x, 0), x", "np.ones(-1), x"))

    outcome = outcomes(hand_in, rung, ["fc-1.3"])["fc-1.3"]

    assert "in ones, /" in outcome.message  # a line of NumPy's, where the sandbox has it
    assert not re.search(r"cs682-(box|python)-\w", outcome.message + outcome.staff)

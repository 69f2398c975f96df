"""Where an exercise rests on another that is wrong, that one is said first."""

from __future__ import annotations

import numpy as np
import pytest

from cs682 import layers
from cs682.checks import check
from cs682.checks.compare import explain
from cs682.checks.prerequisites import RESTS_ON
from cs682.checks.run import CHECKS
from cs682.classifiers.fc_net import FullyConnectedNet
from staff.tests.checks.mutants import put, refusal


def test_every_exercise_rests_on_others_that_have_checks():
    assert set(RESTS_ON) | {key for keys in RESTS_ON.values() for key in keys} <= set(CHECKS)


def test_two_causes_of_the_same_value_are_both_said():
    causes = {"one": np.full(3, 2.0), "two": np.full(3, 2.0), "three": np.full(3, 5.0)}

    said = explain(np.dtype(float), np.full(3, 2.0), np.arange(3.0), 1e-9, 0.0, "", causes)

    assert said == "Likely cause: one; or two."


@pytest.mark.parametrize(("off", "is_said"), [(1e-8, True), (1e-6, False)])
def test_a_cause_explains_a_value_but_for_a_hundredth(off, is_said):
    cause = np.full(3, 1 + 2e-5)

    said = explain(np.dtype(float), cause + off, np.ones(3), 1e-6, 0.0, "", {"one": cause})

    assert said.startswith("Likely cause: one.") == is_said


def test_exercise_beneath_that_is_wrong_is_said_first(monkeypatch):
    right = layers.affine_forward
    put(monkeypatch, "affine_forward", lambda x, w, b: right(x, w, 0 * b))

    said = refusal("fc-2.2")

    assert said.startswith(
        "fc-1.1 is wrong too, and may be the cause. First mend affine_forward in"
    )
    assert "the bias b is not added" in said
    assert "Then look at what fc-2.2 says: scores[" in said


def test_given_code_is_not_blamed_for_the_layers_in_it(monkeypatch):
    right = layers.relu_forward
    put(monkeypatch, "relu_forward", lambda x: (right(x)[0] / 2, x))

    assert refusal("cn-1.6").startswith("fc-1.3 is wrong too, and may be the cause.")


def test_right_layer_is_told_that_what_it_is_compared_with_is_wrong(monkeypatch, capsys):
    right = layers.affine_forward
    put(monkeypatch, "affine_forward", lambda x, w, b: (right(x, w, 2 * b)[0], (x, w, b)))

    check("fc-1.2")

    said = capsys.readouterr().out
    assert "passed  fc-1.2" in said
    assert "advice  fc-1.1 is wrong: before you compare with what it gives, mend aff" in said


def test_right_layer_is_told_of_the_wrong_one_of_two_that_it_rests_on(monkeypatch, capsys):
    right = layers.dropout_forward

    def halved_in_test_mode(x, param):
        out, cache = right(x, param)
        return out / (1 + (param["mode"] == "test")), cache

    put(monkeypatch, "dropout_forward", halved_in_test_mode)

    check("do-1.3")

    assert "advice  do-1.2 is wrong: before you compare" in capsys.readouterr().out


def test_nothing_beneath_is_blamed_where_it_is_right(monkeypatch):
    right = FullyConnectedNet._forward
    put(monkeypatch, "FullyConnectedNet._forward", lambda self, X: (2 * right(self, X)[0], None))

    assert refusal("fc-3.2").startswith("scores[")


def test_a_network_that_is_to_blame_is_named_once_and_no_sandwich(monkeypatch):
    right = FullyConnectedNet._loss_and_gradients

    def forgets(self, scores, y, caches):
        loss, grads = right(self, scores, y, caches)
        return loss, {name: value for name, value in grads.items() if name != "gamma2"}

    put(monkeypatch, "FullyConnectedNet._loss_and_gradients", forgets)

    said = refusal("bn-3.2")

    assert "The sandwich by itself is right: look at how the network uses it" in said
    assert "First mend affine_norm_relu_forward" not in said
    assert said.count("grads lacks") == 1

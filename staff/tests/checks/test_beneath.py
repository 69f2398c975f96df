"""Where an exercise rests on another that is wrong, that one is said first."""

from __future__ import annotations

import numpy as np
import pytest

from cs682 import layer_utils, layers
from cs682.checks import check
from cs682.checks.compare import explain
from cs682.checks.prerequisites import RESTS_ON
from cs682.checks.run import CHECKS, examine
from cs682.classifiers.fc_net import FullyConnectedNet
from staff.tests.checks.mutants import advice, put, refusal

# NumPy 2.5 has a word to say of it; arrays whose shape is set are what some tests are about
pytestmark = pytest.mark.filterwarnings("ignore:Setting the shape:DeprecationWarning")


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


def flattens_bias(x, w, b):
    b.shape = (1, -1)
    return x.reshape(len(x), -1) @ w + b, (x, w, b)


def flattens_dout(dout, cache):
    dout.shape = (-1,)
    return (dout * (cache.ravel() > 0)).reshape(cache.shape)


@pytest.mark.parametrize("exercise", ["fc-2.3", "bn-2.2"])
def test_layer_that_writes_into_what_it_is_given_is_named_alone(monkeypatch, exercise):
    put(monkeypatch, "affine_forward", flattens_bias)

    said = refusal(exercise)

    assert "affine_forward changes the shape of an array that it was given; compute" in said
    assert f"{exercise} is right as soon as that is mended: affine_forward in cs682/lay" in said
    assert "mend TwoLayerNet" not in said
    assert "Next: mend" not in said
    assert layers.affine_forward is flattens_bias


def test_layer_that_writes_is_not_blamed_for_another_mistake(monkeypatch):
    put(monkeypatch, "affine_forward", flattens_bias)
    put(monkeypatch, "TwoLayerNet._forward", lambda self, X: (X[:, :5], None))

    assert "is right as soon as" not in refusal("fc-2.2")


@pytest.mark.parametrize("exercise", ["fc-1.5", "bn-2.2"])
def test_advice_names_the_layer_that_writes_and_not_the_sandwich(monkeypatch, capsys, exercise):
    put(monkeypatch, "relu_backward", flattens_dout)

    said = advice(exercise, capsys)

    assert said.startswith("  advice  relu_backward changes the shape of an array")
    assert said.count("changes the shape") == 1


def test_sandwich_that_writes_is_named_beside_a_layer_that_does(monkeypatch, capsys):
    right = layer_utils.affine_relu_backward

    def clears(dout, cache):
        results = right(dout.copy(), cache)
        dout[:] = 0
        return results

    put(monkeypatch, "relu_backward", flattens_dout)
    put(monkeypatch, "affine_relu_backward", clears)

    said = advice("fc-1.5", capsys)

    assert "advice  affine_relu_backward overwrites" in said
    assert "advice  relu_backward changes" in said


@pytest.mark.parametrize("kind", [NameError, IndexError, ValueError, SystemExit])
def test_exception_of_a_way_back_is_not_the_forward_passes(monkeypatch, kind):
    def raises(dout, cache):
        raise kind("of dropout_backward")

    put(monkeypatch, "dropout_backward", raises)

    assert examine("do-1.1").state == examine("do-1.2").state == "passed"
    assert examine("do-1.3").state == "wrong"


def test_sandwich_without_dropout_is_said_to_be_wrong_by_itself(monkeypatch):
    right = layer_utils.affine_norm_relu_forward

    def doubles(*arguments):
        out, cache = right(*arguments)
        return 2 * out, cache

    put(monkeypatch, "affine_norm_relu_forward", doubles)

    said = refusal("do-2.1")

    assert "This is without dropout, see exercise bn-2.2: look at affine_norm_relu_forw" in said
    assert "Next: mend affine_norm_relu_dropout_forward" not in said


def test_what_batch_norm_raises_in_training_is_what_the_network_says(monkeypatch):
    """And not that the statistics, which it never came to, are another block's."""
    real = layers.batchnorm_forward

    def failing(x, gamma, beta, bn_param):
        if bn_param["mode"] == "train":
            raise IndexError("too far")
        return real(x, gamma, beta, bn_param)

    monkeypatch.setattr(layers, "batchnorm_forward", failing)

    said = examine("cn-4.1", checks=CHECKS["cn-4.1"])

    assert said.state == "wrong"
    assert said.message.startswith("IndexError: too far")


def test_deep_net_passes_while_its_normalizations_are_open(monkeypatch):
    def stub(*args, **kwargs):
        raise NotImplementedError("a stub")

    for name in (
        "FullyConnectedNet._initial_norm_params",
        "batchnorm_forward",
        "layernorm_forward",
        "affine_norm_relu_forward",
        "dropout_forward",
    ):
        put(monkeypatch, name, stub)

    assert [examine(exercise).state for exercise in ("fc-3.2", "fc-3.3")] == ["passed"] * 2

"""What checks say of mistakes that people made, met in packages of former years."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from cs682 import layers, optim
from cs682.checks import CheckError, check, check_close
from cs682.checks.run import examine
from cs682.classifiers import fc_net
from staff.tests.checks.mutants import advice, put, refusal
from tests.slopes import of


def normalize(x, gamma, beta, options, root=lambda v, e: np.sqrt(v + e), mean=True):
    """Normalize as batch norm does in training, but for the root."""
    eps = options.get("eps", 1e-5)
    centred = x - x.mean(0) * mean
    x_hat = centred / root(x.var(0), eps)
    return gamma * x_hat + beta, (x_hat, 1 / root(x.var(0), eps), gamma)


def keep_running(options, x, mean, var):
    momentum = options.get("momentum", 0.9)
    for name, new in (("running_mean", mean), ("running_var", var)):
        options[name] = momentum * options.get(name, np.zeros(x.shape[1])) + (1 - momentum) * new


def batchnorm(var=lambda v, eps: v, **changed):
    def answer(x, gamma, beta, options):
        keep_running(options, x, x.mean(0), var(x.var(0), options.get("eps", 1e-5)))
        return normalize(x, gamma, beta, options, **changed)

    return answer


@pytest.mark.exercise(id="bn-1.1")
@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (batchnorm(root=lambda v, e: np.sqrt(v - e)), "eps is subtracted; it is added"),
        (batchnorm(root=lambda v, e: np.sqrt(v)), "eps is left out"),
        (batchnorm(root=lambda v, e: np.sqrt(v + 1e-8)), "eps is 1e-08 here, whatever"),
        (batchnorm(var=lambda v, e: v + e), "eps is part of the variance that is averaged"),
    ],
    ids=["subtracted", "left out", "another", "averaged"],
)
def test_place_of_eps_is_told(monkeypatch, answer, text):
    put(monkeypatch, "batchnorm_forward", answer)

    assert text in refusal("bn-1.1")


@pytest.mark.exercise(id="bn-1.1")
def test_running_statistics_written_into_are_advised_of(monkeypatch, capsys):
    right = layers.batchnorm_forward

    def answer(x, gamma, beta, options):
        given = {k: options.get(k) for k in ("running_mean", "running_var")}
        result = right(x, gamma, beta, options)
        for name, array in given.items():
            if array is not None and options["mode"] == "train":
                array[:] = options[name]
                options[name] = array
        return result

    put(monkeypatch, "batchnorm_forward", answer)

    assert "overwrites the running_mean" in advice("bn-1.1", capsys)


def spoilt_dx(axis, spoil):
    def answer(dout, cache):
        x_hat, inv_std, gamma = cache
        g = dout * gamma
        mean, square = (v.mean(axis=axis, keepdims=True) for v in (g, g * x_hat))
        dx = inv_std * spoil(g, mean, square, x_hat)
        return dx, (dout * x_hat).sum(0), dout.sum(0)

    return answer


PATHS = {
    "the path through the variance lacks its factor": lambda g, m, s, h: g - m - s,
    "the mistake is in the path through the mean": lambda g, m, s, h: g - m**2 - h * s,
    "the mistake is in the path through the variance": lambda g, m, s, h: g - m - h * s**2,
    "more is off than the sizes of the two sums": lambda g, m, s, h: g**2 - m - h * s,
    "the path through the mean is missing": lambda g, m, s, h: g - h * s,
    "both depend on x, they are no constants": lambda g, m, s, h: g,
}


@pytest.mark.parametrize("text", PATHS)
@pytest.mark.parametrize(
    ("exercise", "name", "axis"),
    [("bn-1.3", "batchnorm_backward", 0), ("bn-3.2", "layernorm_backward", 1)],
)
def test_path_of_a_gradient_is_told(monkeypatch, exercise, name, axis, text):
    put(monkeypatch, name, spoilt_dx(axis, PATHS[text]))

    assert text in refusal(exercise)


@pytest.mark.exercise(id="bn-1.4")
def test_simplified_way_back_may_not_call_the_other(monkeypatch):
    other = layers.batchnorm_backward
    for answer in (
        lambda dout, cache: layers.batchnorm_backward(dout, cache),
        lambda dout, cache: other(dout, cache),
    ):
        put(monkeypatch, "batchnorm_backward_alt", answer)

        assert "batchnorm_backward_alt calls batchnorm_backward" in refusal("bn-1.4")


@pytest.mark.exercise(id="bn-1.4")
def test_one_formula_does_not_earn_both_ways_back(monkeypatch):
    put(monkeypatch, "batchnorm_backward", lambda d, c: layers.batchnorm_backward_alt(d, c))

    assert "this exercise asks for the way back node by node" in refusal("bn-1.3")
    assert examine("bn-1.4").state == "passed"


@pytest.mark.exercise(id="fc-4.3")
def test_old_count_of_adam_is_told(monkeypatch):
    right = optim.adam

    def answer(w, dw, config=None):
        config = {} if config is None else config
        config.setdefault("t", 1)
        return right(w, dw, config)

    put(monkeypatch, "adam", answer)

    assert "editions of 2016 and before started from 1" in refusal("fc-4.3")


@pytest.mark.parametrize("exercise", ["fc-3.1", "bn-2.1", "do-2.1"])
def test_class_of_an_old_edition_is_told(monkeypatch, exercise):
    class FullyConnectedNet:
        def __init__(
            self,
            hidden_dims,
            input_dim=3072,
            num_classes=10,
            dropout=0,
            use_batchnorm=False,
            reg=0.0,
            weight_scale=1e-2,
            seed=None,
        ):
            self.params = {}

    monkeypatch.setattr(fc_net, "FullyConnectedNet", FullyConnectedNet)

    said = refusal(exercise)

    assert exercise == "fc-3.1" or "an edition of 2017 or before, which had use_batchnorm" in said
    assert "could not make sense" not in said


@pytest.mark.exercise(id="bn-3.2")
def test_penalty_is_spoken_of_only_after_asking(monkeypatch):
    right = fc_net.FullyConnectedNet._loss_and_gradients
    for plain, text in ((0.0, "with reg = 0 the loss is right;"), (0.3, "is wrong too")):

        def answer(net, scores, y, caches, plain=plain):
            loss, grads = right(net, scores, y, caches)
            return loss + plain + 0.1234 * net.reg, grads

        put(monkeypatch, "FullyConnectedNet._loss_and_gradients", answer)
        assert text in refusal("bn-3.2")


@pytest.mark.parametrize(
    ("factor", "text"), [(2.0, "2 times"), (4.0, "summed over the batch"), (0.25, "1/4 of")]
)
def test_multiple_of_a_loss_is_told(monkeypatch, factor, text):
    right = fc_net.TwoLayerNet._loss_and_gradients

    def answer(net, scores, y, caches):
        loss, grads = right(net, scores, y, caches)
        return factor * loss, grads

    put(monkeypatch, "TwoLayerNet._loss_and_gradients", answer)

    assert text in refusal("fc-2.3")


@pytest.mark.parametrize(("answer", "told"), [(np.max, True), (lambda x: 3.0, False)])
def test_largest_value_is_spoken_of_only_where_it_is_one(monkeypatch, answer, told):
    put(monkeypatch, "relu_forward", lambda x: (answer(x), x))

    assert ("np.max finds the largest one" in refusal("fc-1.3")) == told


@pytest.mark.parametrize(
    ("exercise", "images", "rule", "is_told"),
    [
        of("cn-2.4", "cn-2.4", 100, optim.sgd, True, name="sgd for Adam"),
        of("cn-2.4", "cn-2.4", 100, optim.adam, False, name="Adam"),
        of("fc-3.4", "fc-3.4", 50, optim.sgd, False, name="sgd where no rule is asked for"),
    ],
)
def test_update_rule_is_told_where_the_task_asks_for_another(exercise, images, rule, is_told):
    history = {"train_acc_history": [0.1, 0.3], "loss_history": [2.3, 2.2]}
    net, X = SimpleNamespace(num_layers=3), np.zeros(images)
    solver = SimpleNamespace(model=net, X_train=X, update_rule=rule, **history)
    with pytest.raises(CheckError) as caught:
        check(exercise, solver=solver)

    assert ('asks for update_rule="adam", and this Solver has sgd' in str(caught.value)) == is_told


@pytest.mark.exercise(id="bn-3.1")
def test_cell_hears_of_what_the_check_saw_overwritten(monkeypatch):
    right = layers.layernorm_forward

    def answer(x, gamma, beta, options):
        out, cache = right(x, gamma, beta, options)
        x[:] = out
        return x, cache

    for given, is_told in ((answer, True), (right, False)):
        put(monkeypatch, "layernorm_forward", given)
        check("bn-3.1")
        with pytest.raises(CheckError) as caught:
            check_close("stds", 2.99999, 3.0, rtol=1e-9)

        assert "The first 5 digits are right: what is off is small." in str(caught.value)
        said = "layernorm_forward overwrites an array that it was given, as the check advises"
        assert (said in str(caught.value)) == is_told

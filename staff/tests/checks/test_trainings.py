"""The checks of trainings hold what a network says against the bar, and say what is amiss."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest

from cs682 import checks
from cs682.checks import CheckError, check
from cs682.checks.judges.trainings import ByHeart, check_overfit
from cs682.checks.report import Report
from cs682.checks.run import BY_HEART, TRAININGS, examine
from cs682.classifiers.fc_net import TwoLayerNet
from tests.slopes import of


class Constant:
    """A model that always says class 1."""

    num_layers = 3

    def loss(self, X):
        return np.eye(4)[np.ones(len(X), dtype=int)]


def validation(share, N=1000):
    return {"X_val": np.zeros((N, 2)), "y_val": (np.arange(N) < share * N).astype(int)}


@pytest.mark.parametrize("exercise", [of("fc-2.4", "fc-2.4"), of("fc-5.1", "fc-5.1")])
def test_check_of_training_asks_for_half_of_the_validation_images(exercise):
    check(exercise, model=Constant(), data=validation(0.5))
    with pytest.raises(CheckError, match=r"validation accuracy is 0\.499, needed at least 0.5"):
        check(exercise, model=Constant(), data=validation(0.499))
    with pytest.raises(CheckError, match="X_val holds 100 images; measure on the whole set"):
        check(exercise, model=Constant(), data=validation(1, N=100))


@pytest.mark.exercise(id="fc-2.4")
def test_check_of_training_knows_a_network_that_was_not_trained():
    net = TwoLayerNet(input_dim=2, num_classes=4)
    with pytest.raises(CheckError, match=r"biases are all 0: .* another name, hand over the"):
        check("fc-2.4", model=net, data=validation(0.9))
    net.params["b2"] += 1e-9
    with pytest.raises(CheckError, match=r"more epochs where their number is yours to choose\n"):
        check("fc-2.4", model=net, data=validation(0.9))
    with pytest.raises(CheckError, match=r"yours to choose\. These very weights were checked befo"):
        check("fc-2.4", model=net, data=validation(0.9))


@pytest.mark.exercise(id="fc-2.4")
@pytest.mark.parametrize(
    ("model", "said"),
    [
        (None, r"model is None, .* make the Solver first, then call its train\(\)"),
        (TwoLayerNet, "model is the class TwoLayerNet, expected a trained network"),
        ([Constant()], "model is a list, expected a trained network"),
        (SimpleNamespace(model=Constant()), r"expected a trained network\. Hand over its `model`"),
        (TwoLayerNet().params, r"model is a dict, .* hand over the network, the `model` of its So"),
    ],
)
def test_check_of_training_names_what_is_no_network(model, said):
    with pytest.raises(CheckError, match=said) as caught:
        check("fc-2.4", model=model, data=validation(0.9))
    assert "Stuck?" not in str(caught.value)  # no hint helps with that


@pytest.mark.exercise(id="fc-2.4")
@pytest.mark.parametrize(
    ("data", "said"),
    [
        (None, "data is None, expected the dict of images: run the very first cell again"),
        (np.ones(3), "data is an ndarray, expected the dict"),
        ({"X_train": np.ones(3)}, r"data\['X_val'\] is gone, expected an array"),
        ({"X_val": np.ones(3), "y_val": None}, r"data\['y_val'\] is None, expected an array"),
    ],
)
def test_check_of_training_names_what_is_no_data(data, said):
    with pytest.raises(CheckError, match=said):
        check("fc-2.4", model=Constant(), data=data)


class Solver:
    """What a cell of a notebook leaves of a training."""

    def __init__(self, model, X_train):
        self.model, self.X_train, self.loss_history = model, X_train, [2.3]


@pytest.mark.parametrize("exercise", [of("fc-2.4", "fc-2.4"), of("cn-4.3", "cn-4.3")])
@pytest.mark.parametrize(("count", "is_refused"), [(0, False), (40, False), (90, True)])
def test_training_on_validation_images_is_none(monkeypatch, exercise, count, is_refused):
    model, data = Constant(), validation(0.9)
    data["X_val"], own = np.random.default_rng(682).standard_normal((2, 1000, 3, 8, 8))
    solver = Solver(model, np.concatenate([own, data["X_val"][:count]]))
    monkeypatch.setattr(sys.modules["__main__"], "best", solver, raising=False)

    said = rf"{count} of the 1000 validation images are among those that this network was trained"
    with pytest.raises(CheckError, match=said) if is_refused else nullcontext():
        check(exercise, model=model, data=data)
    check(exercise, model=Constant(), data=data)  # of another training
    solver.loss_history = []
    check(exercise, model=model, data=data)  # that Solver has not trained it


@pytest.mark.exercise(id="fc-2.4")
@pytest.mark.parametrize(
    ("trained", "held", "said"),
    [
        (500, 500, r"trained on 500 images, and .* has 49000: .*; run the very first cell again"),
        (500, 49_000, r"trained on 500 images, and .* has 49000: .* own cell takes\n"),
        (None, 500, r"`data` holds 500 images to train on, and .* has 49000"),
        (49_000, 49_000, r"Is it trained on all of `data`"),
        (None, 49_000, r"Is it trained on all of `data`"),
    ],
)
def test_check_of_training_counts_the_images_it_had(monkeypatch, trained, held, said):
    model, data = Constant(), validation(0.2) | {"X_train": np.ones((held, 2))}
    if trained:
        solver = Solver(model, np.ones((trained, 2)))
        monkeypatch.setattr(sys.modules["__main__"], "solver", solver, raising=False)

    with pytest.raises(CheckError, match=said):
        check("fc-2.4", model=model, data=data)


def odd_things():
    """Return what may stand in the place of something that was trained."""
    net, told = TwoLayerNet(hidden_dim=2), {"X_train": np.ones(3), "y_train": np.ones(3)}
    told |= {"loss_history": [1.0], "train_acc_history": [1.0]}
    plain = [None, 3, "text", [], {}, (1,), np.ones(3), TwoLayerNet, net, net.params, lambda: 0]
    models = [None, 3, net, TwoLayerNet, SimpleNamespace(loss=3), SimpleNamespace(params=3)]
    models += [
        SimpleNamespace(loss=lambda X, y=None: "x", params={1: 2}, num_layers=n) for n in (3, 5)
    ]
    solvers = [SimpleNamespace(**{**told, "model": model}) for model in models]
    others = [SimpleNamespace(**{**told, "model": net, name: 3}) for name in told]
    return [*plain, *models, *solvers, *others]


@pytest.mark.parametrize("thing", odd_things())
@pytest.mark.parametrize("exercise", TRAININGS)
def test_no_exception_of_a_check_is_told_as_the_students(exercise, thing):
    given = [{"solver": thing}]
    if exercise not in BY_HEART:
        given = [{"model": thing, "data": validation(1)}, {"model": Constant(), "data": thing}]
    for each in given:
        assert examine(exercise, **each).state == "wrong"


def overfit(history, images=50, num_layers=3, known=50, **state):
    X, y = np.arange(images) < known, np.ones(images, dtype=int)  # the scores are for 1 where known
    model = SimpleNamespace(num_layers=num_layers, loss=lambda X: np.stack([~X, X], axis=1))
    state = {"train_acc_history": history, "loss_history": [2.3, 2.5], **state}
    return SimpleNamespace(model=model, X_train=X, y_train=y, **state)


@pytest.mark.exercise(id="fc-3.4")
def test_check_of_overfitting_asks_for_all_50_images_within_20_epochs():
    check("fc-3.4", solver=overfit([0.1] * 20 + [1.0]))
    with pytest.raises(CheckError, match=r"reached 0\.98 within 20 epochs, needed 1"):
        check("fc-3.4", solver=overfit([0.1] * 20 + [0.98, 1.0]))
    with pytest.raises(CheckError, match=r"0\.30 within 1 epoch, needed 1\.00\. It may take 20 "):
        check("fc-3.4", solver=overfit([0.1, 0.3]))
    with pytest.raises(CheckError, match=r"loss went from 2\.30 to 2\.50; vis.plot_loss\(solver\)"):
        check("fc-3.4", solver=overfit([0.1, 0.3]))
    with pytest.raises(CheckError, match=r"0\.10 within less than an epoch, .* was interrupted"):
        check("fc-3.4", solver=overfit([0.1], interrupted=True))
    with pytest.raises(CheckError, match="The loss became NaN or infinite"):
        check("fc-3.4", solver=overfit([0.1], diverged=True))
    with pytest.raises(CheckError, match=r"within 1 epoch at a learning rate of 10, needed 1\.00"):
        check("fc-3.4", solver=overfit([0.1, 0.3], optim_config={"learning_rate": 10}))
    with pytest.raises(
        CheckError, match=r"this solver has not been trained: call its train\(\) or"
    ):
        check("fc-3.4", solver=overfit([]))
    with pytest.raises(CheckError, match=r"solver is None, .* train\(\) returns None"):
        check("fc-3.4", solver=None)
    with pytest.raises(CheckError, match="on 49 images, this exercise asks for 50"):
        check("fc-3.4", solver=overfit([1.0], images=49))
    with pytest.raises(CheckError, match="has 5 layers, this exercise asks for 3"):
        check("fc-3.4", solver=overfit([1.0], num_layers=5))
    two = overfit([1.0])
    del two.model.num_layers  # as of a TwoLayerNet
    with pytest.raises(CheckError, match="has 2 layers, this exercise asks for 3"):
        check("fc-3.4", solver=two)


@pytest.mark.exercise(id="fc-3.5")
def test_check_of_overfitting_with_five_layers_counts_them():
    check("fc-3.5", solver=overfit([1.0], num_layers=5))
    with pytest.raises(CheckError, match="has 3 layers, this exercise asks for 5"):
        check("fc-3.5", solver=overfit([1.0]))


@pytest.mark.exercise(id="fc-3.4")
def test_check_of_overfitting_looks_at_the_network_that_is_handed_in():
    check("fc-3.4", solver=overfit([1.0], known=45))
    with pytest.raises(CheckError, match=r"the network has 0\.88 now"):
        check("fc-3.4", solver=overfit([1.0], known=44))


@pytest.mark.parametrize("bar", [0.5, 0.98, 1.0])
def test_overfitting_is_held_against_the_bar_that_it_is_given(bar):
    task = ByHeart(layers=3, images=50, epochs=20)
    check_overfit(task, bar, (), Report(), solver=overfit([bar]))
    with pytest.raises(CheckError, match=f"needed {bar:.2f}"):
        check_overfit(task, bar, (), Report(), solver=overfit([bar - 0.02]))


def test_accuracy_counts_over_batches():
    data = validation(0.25)

    assert checks.accuracy(Constant(), data["X_val"], data["y_val"], batch_size=300) == 0.25

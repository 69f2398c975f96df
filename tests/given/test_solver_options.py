"""What a `Solver` is given: every bad value is refused by name, and harmless ones are not."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from cs682.solver import Solver
from tests.small_models import Softmax, make_data, quiet

BAD_OPTIONS = [
    ("batch_size", 0, ValueError, "batch_size must be at least 1, got 0"),
    ("batch_size", 2.5, TypeError, "batch_size must be an integer, got 2.5"),
    ("batch_size", True, TypeError, "batch_size must be an integer, got True"),
    ("batch_size", None, TypeError, "batch_size must be an integer, got None"),
    ("num_epochs", -1, ValueError, "num_epochs must be at least 0, got -1"),
    ("num_epochs", "5", TypeError, "num_epochs must be an integer, got '5'"),
    ("num_train_samples", 0, ValueError, "num_train_samples must be at least 1, got 0"),
    ("num_val_samples", 0, ValueError, "num_val_samples must be at least 1, got 0"),
    ("lr_decay", 0, ValueError, "lr_decay must be finite and above 0, got 0"),
    ("lr_decay", -0.5, ValueError, "lr_decay must be finite and above 0, got -0.5"),
    ("lr_decay", np.nan, ValueError, "lr_decay must be finite and above 0, got nan"),
    ("lr_decay", "0.9", TypeError, "lr_decay must be a number, got '0.9'"),
    ("lr_decay", None, TypeError, "lr_decay must be a number, got None"),
    ("lr_decay", 1j, TypeError, "lr_decay must be a number, got 1j"),
    ("lr_schedule", 0.5, TypeError, "lr_schedule must be None or a function"),
    ("sampling", "shuffle", ValueError, r"one of \['replacement', 'epoch'\], got 'shuffle'"),
    ("print_every", 1.5, TypeError, "print_every must be an integer, got 1.5"),
    ("progress", "yes", ValueError, r"one of \[None, True, False\], got 'yes'"),
    ("checkpoint_name", 7, TypeError, "checkpoint_name must be None, a str or a path, got 7"),
    ("update_rule", "adamw", ValueError, r"one of \[.*'sgd', 'sgd_momentum'\], got 'adamw'"),
    ("update_rule", "np", ValueError, "update_rule must be one of"),
    ("update_rule", "_update_rule", ValueError, "update_rule must be one of"),
    ("update_rule", len, TypeError, "update_rule must be the name of one of"),
    ("optim_config", [("learning_rate", 1)], TypeError, "optim_config must be a dict, got"),
    ("optim_config", {"lr": 1}, ValueError, r"keys \['lr'\]; sgd knows \['learning_rate'\]"),
    ("optim_config", {"learning_rate": -1}, ValueError, "finite and at least 0, got -1"),
    ("optim_config", {"learning_rate": np.nan}, ValueError, "finite and at least 0, got nan"),
    ("optim_config", {"learning_rate": "1e-3"}, TypeError, "must be a number, got '1e-3'"),
    ("optim_config", {"learning_rate": np.ones(2)}, TypeError, "must be a number, got array"),
]


@pytest.mark.parametrize(("name", "value", "error", "message"), BAD_OPTIONS)
def test_solver_refuses_a_bad_option(name, value, error, message):
    with pytest.raises(error, match=message):
        Solver(Softmax(), make_data(), **{name: value})


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("num_epoch", r"no argument 'num_epoch': did you mean num_epochs\?"),
        ("learning_rate", r'give it in optim_config=\{"learning_rate": 0.0'),
        ("momentum", r'give it in optim_config=\{"momentum": 0.9\}'),
        ("lr", r'give it in optim_config=\{"learning_rate": 0.0'),
        ("optimizer", r"did you mean update_rule\?"),
        ("weight_decay", r"a network's own go to the network"),
        ("reg", r"it has update_rule, optim_config, .*; a network's own go to the network"),
    ],
)
def test_solver_says_what_an_unknown_option_was_meant_for(name, said):
    with pytest.raises(TypeError, match=said):
        Solver(Softmax(), make_data(), **{name: 3})


def test_solver_names_all_options_that_it_does_not_have():
    with pytest.raises(TypeError) as caught:
        Solver(Softmax(), make_data(), lr=1e-3, epochs=4)

    assert re.fullmatch(
        r"Solver has no argument 'lr': give it in optim_config=\{\"learning_rate\": 0\.0\d+\}; "
        r"no argument 'epochs': did you mean num_epochs\?",
        str(caught.value),
    )


GOOD_OPTIONS = [
    ("batch_size", np.int64(5)),
    ("num_train_samples", None),
    ("num_val_samples", 3),
    ("print_every", -1),
    ("print_every", None),
    ("optim_config", None),
    ("optim_config", {"learning_rate": 0}),
    ("lr_decay", np.float32(0.5)),
    ("progress", False),
    ("checkpoint_name", Path("x")),
]


@pytest.mark.parametrize(("name", "value"), GOOD_OPTIONS)
def test_solver_takes_a_good_option(name, value):
    Solver(Softmax(), make_data(), **{name: value})


def test_solver_states_the_default_learning_rate():
    assert quiet(Softmax(), make_data()).optim_configs["W"] == {"learning_rate": 0.01}


def test_solver_does_not_write_to_its_options():
    config = {"learning_rate": np.float64(0.1)}

    quiet(Softmax(), make_data(), optim_config=config, lr_decay=0.5, num_epochs=2).train()

    assert config == {"learning_rate": 0.1}
    assert type(config["learning_rate"]) is np.float64


BAD_DATA = [
    ({"y_val": None}, ValueError, r"data lacks \['y_val'\]; it has \['X_train', 'X_val', 'y_tr"),
    ({"y_train": np.zeros(3, int)}, ValueError, r"X_train and y_train .* \(40, 4\) and \(3,\)"),
    ({"y_train": np.zeros((40, 1), int)}, ValueError, r"\(40, 4\) and \(40, 1\)"),
    ({"y_val": np.zeros(20)}, TypeError, "y_val must hold integer class labels, got dtype float64"),
    ({"y_val": np.zeros(20, bool)}, TypeError, "integer class labels, got dtype bool"),
    ({"X_val": np.zeros((0, 4)), "y_val": np.zeros(0, int)}, ValueError, "X_val and y_val .* N >="),
]


@pytest.mark.parametrize(("change", "error", "message"), BAD_DATA)
def test_solver_refuses_data_that_do_not_fit(change, error, message):
    data = {key: value for key, value in {**make_data(), **change}.items() if value is not None}

    with pytest.raises(error, match=message):
        Solver(Softmax(), data)


def test_solver_takes_further_data_and_lists():
    data = make_data()

    Solver(Softmax(), {**data, "y_train": data["y_train"].tolist(), "X_test": None})


def test_solver_does_not_copy_the_data():
    data = make_data()

    assert Solver(Softmax(), data).X_train is data["X_train"]


@pytest.mark.parametrize("data", [None, [1, 2], np.zeros(3)])
def test_solver_refuses_data_that_are_no_dict(data):
    with pytest.raises(TypeError, match="data must be a dict of arrays, got a"):
        Solver(Softmax(), data)


def test_solver_says_how_data_go_in_where_they_come_one_by_one():
    data = make_data()
    with pytest.raises(TypeError, match=r"as in Solver\(model, data\); arrays go into that dict"):
        Solver(Softmax(), data["X_train"], data["y_train"])
    with pytest.raises(TypeError, match=r"as in Solver\(model, data\); all else is given by its n"):
        Solver(Softmax(), data, "adam")


def test_solver_asks_for_a_network_where_it_gets_its_class():
    with pytest.raises(TypeError, match=r"the class Softmax, no network yet: .* Softmax\(\)"):
        Solver(Softmax, make_data())


@pytest.mark.parametrize("model", [None, {"params": {}}])
def test_solver_refuses_what_is_no_model(model):
    with pytest.raises(TypeError, match="model must have a dict `params` and a method `loss"):
        Solver(model, make_data())


def test_lr_schedule_needs_a_learning_rate(monkeypatch):
    rule = lambda w, dw, config: (w - dw, config)  # noqa: E731  # as terse as the test needs it
    rule.__module__ = "cs682.optim"
    monkeypatch.setattr("cs682.optim.plain", rule, raising=False)

    Solver(Softmax(), make_data(), update_rule="plain", optim_config={"anything": 1})
    with pytest.raises(ValueError, match="lr_schedule needs a learning_rate in optim_config"):
        Solver(Softmax(), make_data(), update_rule="plain", lr_schedule=lambda progress: 1)

"""Training: the published order of draws, the loop's book-keeping, the best parameters."""

from __future__ import annotations

import numpy as np
import pytest

from cs682.solver import Solver
from tests.small_models import (
    UNIT_STEP,
    Net,
    Scripted,
    Softmax,
    counting,
    make_data,
    quiet,
    zeros_data,
)

# --- the loop


def test_train_learns():
    np.random.seed(682)  # noqa: NPY002  # the solver draws from the global stream
    data = make_data()
    solver = quiet(Softmax(), data, optim_config={"learning_rate": 0.1}, batch_size=10)

    solver.train()

    assert solver.best_val_acc >= 0.9
    assert np.mean(solver.loss_history[-4:]) < 0.5 * solver.loss_history[0]


def test_train_takes_the_steps_of_plain_gradient_descent():
    np.random.seed(3)  # noqa: NPY002  # as above
    data, model, twin = make_data(), Softmax(), Softmax()
    solver = quiet(model, data, batch_size=8, num_epochs=1, optim_config={"learning_rate": 0.2})
    solver.train()

    np.random.seed(3)  # noqa: NPY002  # the same draws again
    for step in range(5):
        batch = np.random.choice(40, 8)  # noqa: NPY002  # one draw per step, none to evaluate
        loss, grads = twin.loss(data["X_train"][batch], data["y_train"][batch])
        twin.params = {k: w - 0.2 * grads[k] for k, w in twin.params.items()}
        assert solver.loss_history[step] == loss

    assert len(solver.loss_history) == 5
    np.testing.assert_array_equal(solver.state.last.params["W"], twin.params["W"])


def test_train_draws_from_the_global_stream_in_published_order(monkeypatch):
    draws = []
    monkeypatch.setattr(
        np.random, "choice", lambda N, size: draws.append((N, size)) or np.zeros(size, dtype=int)
    )
    solver = quiet(
        Softmax(), make_data(), batch_size=20, num_epochs=1, num_train_samples=30, num_val_samples=5
    )

    solver.train()

    evaluation = [(40, 30), (20, 5)]
    assert draws == [(40, 20), *evaluation, (40, 20), *evaluation]


def test_check_accuracy_draws_only_if_it_must_leave_examples_out():
    solver = quiet(Softmax(), data := make_data())
    before = np.random.get_state()[2]  # noqa: NPY002  # the solver's stream

    solver.check_accuracy(data["X_val"], data["y_val"], num_samples=20)

    assert np.random.get_state()[2] == before  # noqa: NPY002  # as above


@pytest.mark.parametrize("batch_size", [1, 7, 20, 100])
def test_check_accuracy_counts_every_example_once(batch_size):
    data, model = make_data(), Softmax()
    solver = quiet(model, data)

    accuracy = solver.check_accuracy(data["X_val"], data["y_val"], batch_size=batch_size)

    assert accuracy == np.mean(model.loss(data["X_val"]).argmax(axis=1) == data["y_val"])
    assert type(accuracy) is float


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_check_accuracy_counts_scores_that_are_not_finite_as_wrong(bad):
    solver = counting([bad], epochs=0)

    assert solver.check_accuracy(np.zeros((3, 1)), np.zeros(3, dtype=int)) == 0
    assert solver.check_accuracy(np.zeros((3, 1)), np.ones(3, dtype=int)) == 0


def test_check_accuracy_refuses_scores_of_a_wrong_shape():
    model = Softmax()
    solver = quiet(model, data := make_data())
    model.loss = lambda X: np.zeros(len(X))

    with pytest.raises(ValueError, match=r"scores of shape \(20, C\), got shape \(20,\)"):
        solver.check_accuracy(data["X_val"], data["y_val"])


def test_train_evaluates_after_the_first_iteration_and_each_epoch():
    solver = quiet(Softmax(), make_data(), batch_size=10, num_epochs=3)

    solver.train()

    assert (solver.epoch, solver.iteration) == (3, 12)
    assert len(solver.loss_history) == 12
    assert len(solver.train_acc_history) == len(solver.val_acc_history) == 4


def test_train_evaluates_once_per_epoch_of_one_iteration():
    solver = counting([0, 1, 1, 1], epochs=3)

    solver.train()

    assert solver.val_acc_history == [1.0, 1.0, 1.0]


def test_train_prints_the_published_lines(capsys):
    np.random.seed(0)  # noqa: NPY002  # the solver's stream
    model = Scripted([0, 1, 1, 0, 1], losses=[2.5, 1.25, 0.5, 0.125])
    Solver(
        model, zeros_data(4), num_epochs=2, batch_size=2, print_every=2, optim_config=UNIT_STEP
    ).train()

    assert capsys.readouterr().out.splitlines() == [
        "(Iteration 1 / 4) loss: 2.500000",
        "(Epoch 0 / 2) train acc: 1.000000; val_acc: 1.000000",
        "(Epoch 1 / 2) train acc: 1.000000; val_acc: 1.000000",
        "(Iteration 3 / 4) loss: 0.500000",
        "(Epoch 2 / 2) train acc: 1.000000; val_acc: 1.000000",
    ]


@pytest.mark.parametrize("print_every", [0, -1, None])
def test_train_without_print_every_prints_epochs_only(print_every, capsys):
    Solver(Softmax(), make_data(), num_epochs=1, print_every=print_every).train()

    lines = capsys.readouterr().out.splitlines()
    assert lines
    assert all(line.startswith("(Epoch ") for line in lines)


def printed(capsys, **options):
    """Train with the default of `print_every`, and split what is printed by its kind."""
    Solver(Softmax(), make_data(), batch_size=4, **options).train()
    lines = capsys.readouterr().out.splitlines()
    return [[line for line in lines if line.startswith(kind)] for kind in ("(Epoch", "(Iteration")]


def test_train_prints_a_line_per_epoch_of_a_long_run(capsys):
    epochs, losses = printed(capsys, num_epochs=12)

    assert len(epochs) == 13
    assert [line.split(")")[0] for line in losses] == ["(Iteration 1 / 120"]


@pytest.mark.parametrize("num_epochs", [1, 2, 5, 9])
def test_train_prints_about_ten_lines_of_a_short_run(num_epochs, capsys):
    epochs, losses = printed(capsys, num_epochs=num_epochs)

    assert len(epochs) == num_epochs + 1
    assert 7 <= len(epochs) + len(losses) <= 12


def test_train_prints_nothing_when_not_verbose(capsys):
    quiet(Softmax(), make_data(), num_epochs=1, print_every=1).train()

    captured = capsys.readouterr()
    assert captured.out + captured.err == ""


def test_sampling_epoch_shows_each_example_once():
    seen = []
    data = make_data(n=43)
    data["X_train"][:, 0] = np.arange(43)
    model = Softmax(on_loss=lambda X, y: seen.append(X[:, 0]))

    quiet(model, data, sampling="epoch", batch_size=10, num_epochs=2).train()

    epochs = np.array(seen).reshape(2, 40)  # the 3 left over are left out
    assert all(len(set(epoch)) == 40 for epoch in epochs)
    assert not np.array_equal(epochs[0], epochs[1])


def test_sampling_epoch_takes_a_small_set_whole():
    sizes = []
    model = Softmax(on_loss=lambda X, y: sizes.append(len(set(X[:, 0]))))

    quiet(model, make_data(n=7), sampling="epoch", batch_size=10, num_epochs=2).train()

    assert sizes == [7, 7]


def test_sampling_epoch_leaves_the_loader_order_alone():
    data = make_data()
    before = {key: value.copy() for key, value in data.items()}

    quiet(Softmax(), data, sampling="epoch", batch_size=10, num_epochs=2).train()

    for key, value in before.items():
        np.testing.assert_array_equal(data[key], value)


# --- the best parameters


def test_train_keeps_the_parameters_that_did_best_first():
    solver = counting([0, 0, 1, 1, 0], epochs=4)

    solver.train()

    assert solver.val_acc_history == [0, 1, 1, 0]
    assert solver.model.params["count"] == 2
    assert solver.best_params["count"] == 2
    assert solver.best_val_acc == 1


def test_train_restores_running_statistics_with_the_best_parameters():
    solver = counting([0, 0, 1, 0, 0], epochs=4)

    solver.train()

    assert solver.model.bn_params == [{"mode": "train", "running_mean": np.array([2.0])}]


def test_train_keeps_initial_parameters_if_validation_accuracy_stays_zero():
    solver = counting([0, 0, 0, 0], epochs=3)

    solver.train()

    assert solver.model.params["count"] == 0
    assert "running_mean" not in solver.model.bn_params[0]  # the initial model had none


def test_train_for_no_epochs_changes_nothing():
    solver = counting([1], epochs=0)

    solver.train()

    assert solver.model.params == {"count": np.zeros(1)}
    assert solver.val_acc_history == solver.loss_history == []


def test_best_params_do_not_share_memory_with_the_model():
    solver = counting([0, 1], epochs=1)
    solver.train()

    solver.model.params["count"] += 100

    assert solver.best_params["count"] == 1


def test_best_params_start_from_the_model_as_train_finds_it():
    solver = counting([0, 0, 0, 0, 0, 0, 0], epochs=1)
    solver.model.params["count"] = np.array([5.0])

    solver.train()

    assert solver.model.params["count"] == 5


def test_train_gives_a_net_the_statistics_its_best_accuracy_was_measured_with():
    np.random.seed(682)  # noqa: NPY002  # the solver's stream
    data = make_data(n_val=200, dtype=np.float32)
    data["y_val"] = np.roll(data["y_val"], 1)  # nothing to learn: each epoch has another figure
    solver = quiet(Net(), data, batch_size=5, optim_config={"learning_rate": 0.3})

    solver.train()

    assert solver.best_val_acc != solver.val_acc_history[-1]  # else the test shows nothing
    assert solver.check_accuracy(data["X_val"], data["y_val"]) == solver.best_val_acc

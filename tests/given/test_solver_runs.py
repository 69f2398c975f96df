"""Runs that do not go straight through: more training, divergence, Ctrl-C, errors, warnings."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest

from cs682.solver import DivergenceWarning, Solver
from tests.small_models import Net, Softmax, add_heavy_ball, counting, make_data, quiet

MOMENTUM = {"update_rule": "heavy_ball", "optim_config": {"learning_rate": 0.1}}


@pytest.fixture(autouse=True)
def heavy_ball(monkeypatch):
    """Name a rule for these tests; those of `cs682.optim` are exercises."""
    add_heavy_ball(lambda *args: monkeypatch.setattr(*args, raising=False))


# --- training again


def test_train_again_goes_on_from_the_last_state_not_from_the_best():
    solver = counting([0, 1, 0, 0, 0, 0], epochs=2)
    solver.train()

    solver.train()

    assert solver.state.last.params["count"] == 4
    assert solver.state.last.running == [{"running_mean": np.array([4.0])}]
    assert solver.model.params["count"] == 1  # still the best
    assert (solver.epoch, len(solver.val_acc_history)) == (4, 4)


def test_train_twice_equals_training_once_for_twice_as_long():
    def run(*epochs):
        np.random.seed(682)  # noqa: NPY002  # the solver's stream
        solver = quiet(Net(), make_data(), batch_size=10, lr_decay=0.9, **MOMENTUM)
        for count in epochs:
            solver.num_epochs = count
            solver.train()
        return solver

    once, twice = run(6), run(3, 3)

    assert twice.loss_history == once.loss_history
    assert twice.val_acc_history == once.val_acc_history
    for name, value in once.model.params.items():
        np.testing.assert_array_equal(twice.model.params[name], value)


def test_train_again_numbers_epochs_on(capsys):
    solver = counting([1, 1, 1], epochs=1, verbose=True)
    solver.train()
    capsys.readouterr()

    solver.train()

    assert capsys.readouterr().out.splitlines()[-1].startswith("(Epoch 2 / 2)")


def test_train_again_takes_parameters_that_were_replaced_and_forgets_their_velocity():
    solver = quiet(Softmax(), make_data(), num_epochs=2, lr_decay=0.5, **MOMENTUM)
    solver.train()
    solver.num_epochs, solver.lr_decay = 1, 1.0
    new = {"W": np.full((4, 3), 7.0), "b": np.full(3, 7.0)}
    solver.model.params = dict(new)

    solver._resume()

    np.testing.assert_array_equal(solver.model.params["W"], new["W"])
    assert solver.optim_configs["W"] == {"learning_rate": 0.025}


def test_train_again_is_not_led_astray_by_statistics_moved_in_between():
    solver = counting([0, 1, 0, 0, 0], epochs=2)
    solver.train()
    solver.model.loss(np.zeros((2, 1)), np.zeros(2, dtype=int))  # a training pass, by hand

    solver.train()

    assert solver.state.last.params["count"] == 4
    assert solver.state.last.running == [{"running_mean": np.array([4.0])}]


def test_reset_forgets_all_training():
    solver = quiet(Softmax(), make_data(), num_epochs=2, lr_decay=0.5, **MOMENTUM)
    solver.train()
    trained = solver.model.params["W"].copy()

    solver._reset()

    assert (solver.epoch, solver.iteration, solver.best_val_acc) == (0, 0, 0)
    assert solver.loss_history == solver.train_acc_history == solver.val_acc_history == []
    assert solver.optim_configs["W"] == {"learning_rate": 0.1}
    np.testing.assert_array_equal(solver.model.params["W"], trained)


# --- a loss that is not finite


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_divergence_stops_and_keeps_the_best(bad):
    solver = counting([0, 1, 0, 0], epochs=9, losses=[3.0, 2.0, bad])

    with pytest.warns(DivergenceWarning, match=f"loss is {bad} at iteration 3 / 9"):
        solver.train()

    assert solver.diverged
    np.testing.assert_array_equal(solver.loss_history, [3.0, 2.0, bad])
    assert solver.val_acc_history == [1.0, 0.0]
    assert solver.model.params["count"] == 1


def test_divergence_says_what_to_change():
    rate = {"optim_config": {"learning_rate": 2.0}, "lr_schedule": lambda progress: 0.5}
    solver = counting([0, 1], epochs=2, losses=[1.0, np.nan], **rate)

    with pytest.warns(DivergenceWarning) as caught:
        solver.train()

    text = str(caught[0].message)
    assert "The learning rate was 1: divide it by 10 until the loss falls" in text
    assert "smaller weight_scale" in text
    assert caught[0].filename == __file__


def test_a_loss_a_thousand_times_the_first_is_warned_of_once_and_training_goes_on():
    losses = [2.0, 1900.0, 2100.0, 4.2e37, 1.0]
    solver = counting([0, 1, 0, 0, 0, 0], epochs=5, losses=losses)

    with pytest.warns(DivergenceWarning, match=r"loss is 2.1e\+03 at iteration 3 / 5") as caught:
        solver.train()

    assert [w.filename for w in caught] == [__file__]
    assert "divide it by 10 until the loss falls" in str(caught[0].message)
    assert solver.loss_history == losses
    assert not solver.diverged


def test_a_loss_that_grows_less_is_not_warned_of():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        counting([0, 1, 0, 0], epochs=3, losses=[2.0, 1900.0, 1.0]).train()


def test_divergence_before_any_update_leaves_one_evaluation():
    solver = counting([np.nan], epochs=2, losses=[np.nan])

    with pytest.warns(DivergenceWarning, match="before any update: use a smaller weight_scale"):
        solver.train()

    assert solver.val_acc_history == solver.train_acc_history == [0.0]
    assert solver.model.params["count"] == 0


def test_divergence_of_a_real_run_is_caught():
    data = make_data()
    data["X_train"] = data["X_train"] * 1e10
    solver = quiet(Softmax(), data, optim_config={"learning_rate": 1e300})

    with np.errstate(all="ignore"), pytest.warns(DivergenceWarning):
        solver.train()

    assert all(np.isfinite(value).all() for value in solver.model.params.values())


def test_train_after_divergence_goes_on_from_the_best():
    losses = [1.0, 1.0, np.nan]
    solver = counting([0, 1, 0, 0, 0], epochs=3, losses=losses)
    with pytest.warns(DivergenceWarning):
        solver.train()
    losses[2] = 1.0

    solver.train()

    assert not solver.diverged
    assert solver.state.last.params["count"] == 2  # from 1, one epoch to the end of the run


# --- Ctrl-C


def interrupting(at, **options):
    """Build a solver whose model raises KeyboardInterrupt at the training pass `at`."""
    passes = iter(range(1, 1000))

    def on_loss(X, y):
        if next(passes) == at:
            raise KeyboardInterrupt

    return Solver(Softmax(on_loss=on_loss), make_data(), batch_size=10, num_epochs=3, **options)


@pytest.fixture
def clock(monkeypatch):
    """Let a test set the time, from 1000 s on."""
    now = [1000.0]
    monkeypatch.setattr("cs682.training.log.time.monotonic", lambda: now[0])
    monkeypatch.setattr("cs682.training.log._last_interrupt", -np.inf)
    return now


@pytest.mark.usefixtures("clock")
def test_interrupt_keeps_the_best_parameters_and_the_histories(capsys):
    solver = interrupting(7)

    solver.train()

    assert solver.interrupted
    assert len(solver.loss_history) == 6
    assert len(solver.val_acc_history) == 2
    np.testing.assert_array_equal(solver.model.params["W"], solver.best_params["W"])
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("Interrupted after iteration 6 / 12: the model has its best")


@pytest.mark.usefixtures("clock")
def test_interrupt_of_a_silent_solver_warns():
    with pytest.warns(RuntimeWarning, match="Interrupted after iteration 0 / 12") as caught:
        interrupting(1, verbose=False).train()

    assert caught[0].filename == __file__


@pytest.mark.usefixtures("clock")
def test_train_after_an_interrupt_finishes_the_run():
    solver = interrupting(7)
    solver.train()

    solver.train()

    assert not solver.interrupted
    assert (solver.epoch, solver.iteration, len(solver.val_acc_history)) == (3, 12, 4)


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("epoch", [1, 3])
def test_train_after_an_interrupted_evaluation_makes_up_for_it(epoch, monkeypatch):
    solver = interrupting(0)

    def interrupt(*args):
        if solver.epoch == epoch:
            raise KeyboardInterrupt
        return check_accuracy(*args)

    check_accuracy = solver.check_accuracy
    monkeypatch.setattr(solver, "check_accuracy", interrupt)
    solver.train()
    monkeypatch.setattr(solver, "check_accuracy", check_accuracy)
    solver.train()

    assert (solver.epoch, len(solver.val_acc_history), len(solver.loss_history)) == (3, 4, 12)


@pytest.mark.parametrize(("seconds", "stops_all"), [(2.0, True), (4.0, False)])
def test_interrupt_twice_in_a_row_stops_a_loop_of_trainings(seconds, stops_all, clock):
    interrupting(2).train()
    clock[0] += seconds
    solver = interrupting(2)

    if stops_all:
        with pytest.raises(KeyboardInterrupt):
            solver.train()
    else:
        solver.train()

    assert solver.interrupted
    np.testing.assert_array_equal(solver.model.params["W"], solver.best_params["W"])


def test_train_restores_the_best_when_the_model_raises():
    solver = counting([0, 1, 0, 0], epochs=9, losses=[1.0, 1.0])  # IndexError at the third

    with pytest.raises(IndexError):
        solver.train()

    assert solver.model.params["count"] == 1


# --- the rest


def test_train_warns_once_of_dropout_with_a_seed():
    solver = quiet(Net(seed=3), make_data(), num_epochs=1)

    with pytest.warns(UserWarning, match="same units in every iteration.*seed=None") as caught:
        solver.train()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        solver.train()

    assert [w.filename for w in caught] == [__file__]


def test_solver_can_be_sent_to_another_process():
    solver = quiet(Net(), make_data(), num_epochs=1)
    solver.train()

    copy = pickle.loads(pickle.dumps(solver))
    copy.train()

    assert copy.epoch == 2

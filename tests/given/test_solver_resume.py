"""Taking a run up again from a checkpoint: bit for bit, in a fresh process, or not at all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cs682.solver import Solver
from cs682.training.checkpoint import copy_state, read_checkpoint, write_checkpoint
from cs682.training.schedules import one_cycle
from tests.small_models import Net, Softmax, add_heavy_ball, make_data

ROOT = Path(__file__).resolve().parents[2]
FRESH = """
import sys
import numpy as np
from tests.small_models import add_heavy_ball
from tests.given.test_solver_resume import make_solver, outcome

add_heavy_ball()
np.random.seed(1)  # must not matter
solver = make_solver(sampling=sys.argv[3])
solver.load_checkpoint(sys.argv[1])
solver.train()
np.savez(sys.argv[2], *outcome(solver))
"""


@pytest.fixture(autouse=True)
def heavy_ball(monkeypatch):
    """Name a rule for these tests; those of `cs682.optim` are exercises."""
    add_heavy_ball(lambda *args: monkeypatch.setattr(*args, raising=False))


def make_solver(model=None, **options):
    """Build a solver with everything that a checkpoint must remember."""
    settings = {
        "update_rule": "heavy_ball",
        "optim_config": {"learning_rate": 0.1},
        "lr_decay": 0.9,
        "lr_schedule": one_cycle(),
        "batch_size": 10,
        "num_epochs": 4,
        "num_train_samples": 30,
        "verbose": False,
    }
    data = make_data(n=43, dtype=np.float32)
    return Solver(Net() if model is None else model, data, **{**settings, **options})


def outcome(solver):
    """List all that a run leaves behind, and where it leaves the random stream."""
    return [
        *solver.state.last.params.values(),
        *solver.model.params.values(),
        *solver.state.last.running[0].values(),
        *solver.state.best.running[0].values(),
        *[config["velocity"] for config in solver.optim_configs.values()],
        *(solver.loss_history, solver.train_acc_history, solver.val_acc_history),
        np.random.random(3),  # noqa: NPY002  # the solver's stream
    ]


@pytest.fixture
def checkpoints(tmp_path):
    """Train for two epochs, with a checkpoint at each evaluation, and give their folder."""
    np.random.seed(682)  # noqa: NPY002  # the solver's stream
    make_solver(checkpoint_name=tmp_path / "run", num_epochs=2).train()
    return tmp_path


def test_train_writes_a_checkpoint_at_each_evaluation(checkpoints):
    assert sorted(p.name for p in checkpoints.iterdir()) == [
        "run_epoch_0.npz",
        "run_epoch_1.npz",
        "run_epoch_2.npz",
    ]


def test_checkpoint_is_written_after_the_best_parameters_are_known(checkpoints):
    tree = read_checkpoint(checkpoints / "run_epoch_0.npz")

    assert tree["best_val_acc"] == tree["val_acc_history"][0] > 0
    np.testing.assert_array_equal(tree["best"]["params"]["W1"], tree["last"]["params"]["W1"])


@pytest.mark.parametrize("sampling", ["replacement", "epoch"])
@pytest.mark.parametrize("epoch", [0, 2])  # 0 is in the middle of an epoch
def test_load_checkpoint_resumes_bit_for_bit_in_a_fresh_process(sampling, epoch, tmp_path):
    np.random.seed(682)  # noqa: NPY002  # the solver's stream
    through = make_solver(sampling=sampling, checkpoint_name=tmp_path / "run")
    through.train()
    want = outcome(through)

    out = tmp_path / "out.npz"
    args = [str(tmp_path / f"run_epoch_{epoch}.npz"), str(out), sampling]
    subprocess.run([sys.executable, "-c", FRESH, *args], cwd=ROOT, check=True)

    with np.load(out) as resumed:
        got = list(resumed.values())

    for a, b in zip(got, want, strict=True):
        np.testing.assert_array_equal(a, b)


def test_load_checkpoint_gives_the_model_its_best_and_trains_on_from_the_last(checkpoints):
    tree = read_checkpoint(checkpoints / "run_epoch_2.npz")
    solver = make_solver()

    solver.load_checkpoint(checkpoints / "run_epoch_2.npz")

    np.testing.assert_array_equal(solver.model.params["W1"], tree["best"]["params"]["W1"])
    np.testing.assert_array_equal(solver.state.last.params["W1"], tree["last"]["params"]["W1"])
    assert solver.best_val_acc == max(solver.val_acc_history)
    assert (solver.epoch, solver.iteration, len(solver.loss_history)) == (2, 8, 8)


def test_train_after_load_checkpoint_finishes_the_run(checkpoints):
    solver = make_solver(num_epochs=3)
    solver.load_checkpoint(checkpoints / "run_epoch_2.npz")

    solver.train()
    finished = solver.epoch
    solver.train()

    assert (finished, solver.epoch) == (3, 6)


def test_train_after_load_checkpoint_finishes_a_second_run(tmp_path):
    first = make_solver(checkpoint_name=tmp_path / "run", num_epochs=2)
    first.train()
    first.train()
    solver = make_solver(num_epochs=2)
    solver.load_checkpoint(tmp_path / "run_epoch_3.npz")

    solver.train()

    assert solver.epoch == 4
    assert solver.loss_history == first.loss_history


def test_load_checkpoint_keeps_types_of_the_optimiser_state(checkpoints):
    solver = make_solver()

    solver.load_checkpoint(checkpoints / "run_epoch_2.npz")

    config = solver.optim_configs["W1"]
    assert (type(config["t"]), type(config["learning_rate"])) == (int, float)
    assert config["velocity"].dtype == np.float32
    assert {type(x) for x in solver.loss_history + solver.val_acc_history} == {float}


def test_save_checkpoint_after_training_stores_where_training_stopped(tmp_path):
    solver = make_solver(checkpoint_name=tmp_path / "run")
    solver.train()
    at_the_end = read_checkpoint(tmp_path / "run_epoch_4.npz")["last"]["params"]["W1"]

    solver._save_checkpoint()

    again = read_checkpoint(tmp_path / "run_epoch_4.npz")["last"]["params"]["W1"]
    np.testing.assert_array_equal(again, at_the_end)


# --- refusals


MISFITS = [
    ({"model": Net(hidden=7)}, r"W1 is float32 of shape \(4, 6\) in the checkpoint, .* \(4, 7\)"),
    ({"model": Net(dtype=np.float64)}, "W1 is float32 .* float64 of shape"),
    ({"model": Softmax()}, "model's normalization is 'batchnorm' in the checkpoint, None here"),
    ({"model": Net(p=0.5)}, "model's dropout is 0.8 in the checkpoint, 0.5 here"),
    ({"model": Net(reg=0.1)}, "model's reg is 0.0 in the checkpoint, 0.1 here"),
    ({"update_rule": "sgd"}, "update_rule is 'heavy_ball' in the checkpoint, 'sgd' here"),
    ({"batch_size": 5}, "batch_size is 10 in the checkpoint, 5 here"),
    ({"sampling": "epoch"}, "sampling is 'replacement' in the checkpoint, 'epoch' here"),
    ({"lr_decay": 1.0}, "lr_decay is 0.9 in the checkpoint, 1.0 here"),
    ({"lr_schedule": None}, "lr_schedule is 'given' in the checkpoint, None here"),
    ({"optim_config": {"learning_rate": 1}}, "optim_config is {'learning_rate': 0.1} in the"),
]


@pytest.mark.parametrize(("options", "message"), MISFITS)
def test_load_checkpoint_refuses_a_checkpoint_of_another_run(options, message, checkpoints):
    solver = make_solver(**options)

    with pytest.raises(ValueError, match=f"does not fit this solver: .*{message}"):
        solver.load_checkpoint(checkpoints / "run_epoch_2.npz")


def spoil(path, change):
    """Rewrite a checkpoint with some of its tree changed."""
    tree = read_checkpoint(path)
    change(tree)
    write_checkpoint(path, tree)


def put(*keys, value):
    """Make a function that puts a value at a place in a tree."""

    def change(tree):
        for key in keys[:-1]:
            tree = tree[key]
        tree[keys[-1]] = value

    return change


SPOILT = {
    "nothing in it": (lambda tree: tree.clear(), "loss_history is missing"),
    "text for a count": (put("epoch", value="2"), "epoch is missing or a str"),
    "negative count": (put("iteration", value=-1), "iteration must be at least 0, got -1"),
    "wrong history": (put("loss_history", value=np.ones((2, 2))), "loss_history must be float64"),
    "other names": (put("best", "params", "V", value=np.ones(1)), "has the parameters .*'V'"),
    "no array": (put("last", "params", "W1", value=3), "W1 must be an array, got a int"),
    "no dict": (put("last", "params", value=None), "must hold a dict of parameters"),
    "odd fields": (put("last", value={}), "must have the fields"),
    "more layers": (put("best", "running", value=[{}, {}]), "statistics of 2 layers, the model"),
    "odd statistics": (put("best", "running", value=[{"mode": 1}]), "layer 1 must hold"),
    "no config": (put("optim_configs", "W1", value=None), "optim_configs must hold a dict"),
    "no permutation": (put("order", value=np.zeros(43, int)), "permutation of 43 examples"),
    "no stream": (put("random", value={}), "no state of the Mersenne Twister"),
    "beyond the key": (put("random", "state", "pos", value=625), "no state of the Mersenne"),
    "other generator": (put("random", "bit_generator", value="PCG64"), "no state of the Mersenne"),
}


@pytest.mark.parametrize(("change", "message"), SPOILT.values(), ids=SPOILT)
def test_load_checkpoint_refuses_a_spoilt_file_and_changes_nothing(change, message, checkpoints):
    solver = make_solver()
    spoil(checkpoints / "run_epoch_2.npz", change)
    before, stream = copy_state(solver.model), np.random.get_state()[1].copy()  # noqa: NPY002  # the solver's

    with pytest.raises(ValueError, match=message):
        solver.load_checkpoint(checkpoints / "run_epoch_2.npz")

    np.testing.assert_array_equal(solver.model.params["W1"], before.params["W1"])
    np.testing.assert_array_equal(np.random.get_state()[1], stream)  # noqa: NPY002  # the solver's
    assert solver.epoch == 0
    assert solver.loss_history == []


def test_load_checkpoint_refuses_a_truncated_file(checkpoints):
    path = checkpoints / "run_epoch_2.npz"
    path.write_bytes(path.read_bytes()[:-100])

    with pytest.raises(ValueError, match="is not a complete checkpoint"):
        make_solver().load_checkpoint(path)

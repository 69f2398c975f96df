"""A search with several workers gives what it gives alone, and survives the loss of one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from cs682.search import Range, search
from cs682.solver import Solver
from tests.machinery.quick_softmax import QuickSoftmax
from tests.slopes import rel_error
from tests.small_models import Softmax, make_data

threadpoolctl = pytest.importorskip("threadpoolctl")
joblib = pytest.importorskip("joblib", reason="several workers need joblib")

ROOT = Path(__file__).resolve().parents[2]
HALVING = {"num_runs": 9, "seed": 4, "halving": (1, 3, 9)}
SPACE = {"rate": Range(1e-4, 1.0, log=True), "decay": [0.5, 1.0]}


def make(data, rate, decay=1.0, on_loss=lambda X, y: None):
    """Make a small Solver whose batches come from the global stream."""
    model = QuickSoftmax(dim=data["X_train"].shape[1], on_loss=on_loss)
    config = {"learning_rate": rate}
    return Solver(model, data, optim_config=config, lr_decay=decay, batch_size=5, num_epochs=2)


def kill_once(flag, data, rate, decay):
    """Make a Solver that, the first time that one trains for a third epoch, kills its process."""
    calls = []

    def on_loss(X, y):
        calls.append(0)
        if len(calls) == 12:  # 8 iterations are an epoch
            with suppress(FileExistsError):
                flag.touch(exist_ok=False)  # of two workers only one can
                os.kill(os.getpid(), signal.SIGKILL)

    return make(data, rate, decay, on_loss)


def outcome(result):
    """Give all of a result that must not depend on where it was computed."""
    return [(r.number, r.config, r.seed, r.score, r.state, r.val_acc_history) for r in result.runs]


def test_quick_model_is_the_measured_one():
    data, quick, measured = make_data(), QuickSoftmax(), Softmax()

    (_, grads), (_, slopes) = (m.loss(data["X_train"], data["y_train"]) for m in (quick, measured))

    for name, gradient in grads.items():
        assert rel_error(gradient, slopes[name]) < 1e-6


def alone():
    return outcome(search(make, SPACE, data=make_data(), **HALVING))


# --- processes of this machine


@pytest.mark.slow
def test_processes_give_what_one_gives():
    result = search(make, SPACE, data=make_data(), n_jobs=2, **HALVING)

    assert outcome(result) == alone()


@pytest.mark.slow
def test_processes_have_one_thread_each_and_map_large_arrays():
    def threads(solver):
        return int(os.environ["OPENBLAS_NUM_THREADS"])

    def is_mapped(solver):
        return isinstance(solver.X_train.base, np.memmap)

    data = make_data(n=10_000, dim=30)  # 2.4 MB; joblib maps what is over 1 MB

    for score in (threads, is_mapped):
        result = search(make, {"rate": [0.1, 0.2]}, data=data, score=score, n_jobs=2)
        assert [run.score for run in result.runs] == [1, 1]


@pytest.mark.slow
def test_processes_are_no_more_than_the_cores_allow():
    result = search(
        make, {"rate": [0.1] * 8}, data=make_data(), score=lambda s: os.getpid(), n_jobs=1000
    )

    assert len({run.score for run in result.runs}) <= joblib.cpu_count()


def test_figures_do_not_depend_on_the_threads_that_blas_has_here():
    def wide(data, rate):
        model = QuickSoftmax(dim=3072, classes=100)
        model.params = {name: w.astype(np.float32) for name, w in model.params.items()}
        config = {"learning_rate": rate}
        return Solver(model, data, optim_config=config, batch_size=100, num_epochs=1)

    def judge(solver):
        return float(np.sum(solver.model.params["W"]))

    data, scores = make_data(n=100, dim=3072, classes=100, dtype=np.float32), []
    for threads in (1, 2):
        with threadpoolctl.threadpool_limits(threads):
            scores.append(search(wide, {"rate": [0.1]}, data=data, score=judge).best.score)

    assert scores[0] == scores[1]


@pytest.mark.slow
def test_failure_in_a_worker_is_shown():
    def fragile(data, rate):
        raise OSError("the disk is full")

    result = search(fragile, {"rate": [0.1]}, data=make_data(), n_jobs=2, verbose=False)

    assert "OSError: the disk is full (" in result.runs[0].error


@pytest.mark.slow
def test_search_goes_on_after_a_worker_was_killed(tmp_path):
    deadly = partial(kill_once, tmp_path / "flag")
    call = partial(search, deadly, SPACE, data=make_data(), log=tmp_path / "log", **HALVING)

    with pytest.raises(RuntimeError, match="terminated"):
        call(n_jobs=2)
    result = call(n_jobs=2)

    assert outcome(result) == alone()


def test_function_that_carries_a_data_set_along_is_refused():
    data = {"X_train": np.zeros(2_000_000)}

    def heavy(rate):
        return data

    with pytest.raises(ValueError, match=r"carries 16 MB with it.*pass search\(data=\.\.\.\)"):
        search(heavy, {"rate": [0.1]}, n_jobs=2)


INTERRUPTED = """
from tests.machinery.test_search_workers import make, make_data, search
import sys, time

def slow(data, rate):
    time.sleep(0.3)
    return make(data, rate)

result = search(slow, {"rate": [k / 10 for k in range(1, 9)]}, data=make_data(), n_jobs=2,
                log=sys.argv[1])
print(result.complete, [run.val_acc_history for run in result.runs])
"""


@pytest.mark.slow
def test_interrupted_workers_leave_a_log_to_go_on_from(tmp_path):
    log = tmp_path / "log"
    command = [sys.executable, "-c", INTERRUPTED]
    options = {"cwd": ROOT, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}

    first = subprocess.Popen([*command, log], start_new_session=True, **options)
    wait_for(lambda: log.exists() and len(log.read_bytes().splitlines()) > 2)
    os.killpg(first.pid, signal.SIGINT)  # as a terminal does: the workers hear it too
    said, errors = first.communicate(timeout=60)
    second = subprocess.run([*command, log], check=True, **options)
    whole = subprocess.run([*command, tmp_path / "other"], check=True, **options)

    assert "Interrupted after" in said, errors
    assert "Traceback" not in errors
    assert "Interrupted after 0 of" not in said
    assert second.stdout == whole.stdout
    assert second.stdout.startswith("True")


def wait_for(condition, seconds=60):
    """Return once something holds; long before a hanging test would be noticed otherwise."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


@pytest.mark.slow
def test_function_defined_in_a_notebook_reaches_the_workers(tmp_path):
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    cells = [
        "from tests.machinery.test_search_workers import *\ndata, STEP = make_data(), 0.1",
        "def mine(data, rate):\n    return make(data, STEP * rate)",
        "result = search(mine, {'rate': [1, 2, 3]}, data=data, n_jobs=2)",
        "print([run.state for run in result.runs])\n"
        "assert outcome(result) == outcome(search(mine, {'rate': [1, 2, 3]}, data=data))",
    ]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells])

    nbclient.NotebookClient(book, resources={"metadata": {"path": str(ROOT)}}).execute()

    assert book.cells[3].outputs[0].text == "['done', 'done', 'done']\n"


# --- a Dask cluster


@contextmanager
def dask_cluster(folder, workers):
    """Start a scheduler and workers as a user does, and give the scheduler's address."""
    pytest.importorskip("distributed", reason="a cluster needs distributed")
    place = folder / "scheduler.json"
    here = ["--scheduler-file", str(place), "--no-dashboard"]
    scheduler = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--port", "0", *here]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", "--no-nanny", *here]
    worker += ["--nthreads", "1", "--local-directory", str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    started = []
    try:
        with (folder / "dask.log").open("w") as log:
            for command in (scheduler, *[worker] * workers):
                options = {"cwd": ROOT, "env": environment, "stdout": log, "stderr": log}
                started.append(subprocess.Popen(command, **options))
                wait_for(place.exists)
        yield json.loads(place.read_text())["address"], started[1:]
    finally:
        for process in reversed(started):
            process.kill()
            process.wait()


@pytest.mark.slow
def test_cluster_gives_what_one_process_gives_though_a_worker_is_killed(tmp_path):
    deadly = partial(kill_once, tmp_path / "flag")

    with dask_cluster(tmp_path, workers=2) as (address, workers):
        wait_for_workers(address, 2)
        result = search(deadly, SPACE, data=make_data(), scheduler=address, **HALVING)
        wait_for(lambda: any(worker.poll() is not None for worker in workers))
        alive = [worker for worker in workers if worker.poll() is None]

    assert outcome(result) == alone()
    assert len(alive) == 1


def wait_for_workers(address, count):
    distributed = pytest.importorskip("distributed")
    with distributed.Client(address, set_as_default=False) as client:
        client.wait_for_workers(count, timeout=60)


@pytest.mark.slow
def test_threads_of_a_cluster_do_not_mix_their_draws():
    distributed = pytest.importorskip("distributed", reason="a cluster needs distributed")
    options = {"n_workers": 1, "threads_per_worker": 3, "dashboard_address": None}

    def slow(data, rate, decay):  # each batch lets the other threads have a turn
        return make(data, rate, decay, on_loss=lambda X, y: time.sleep(0.001))

    with distributed.LocalCluster(processes=False, **options) as cluster:
        result = search(
            slow, SPACE, data=make_data(), scheduler=cluster.scheduler_address, **HALVING
        )

    assert outcome(result) == alone()


@pytest.mark.slow
def test_search_says_which_scheduler_does_not_answer():
    dask = pytest.importorskip("dask", reason="a cluster needs distributed")
    pytest.importorskip("distributed", reason="a cluster needs distributed")

    with (
        dask.config.set({"distributed.comm.timeouts.connect": "1s"}),
        pytest.raises(OSError, match=r"tcp://127\.0\.0\.1:9"),
    ):
        search(make, SPACE, data=make_data(), scheduler="tcp://127.0.0.1:9", **HALVING)

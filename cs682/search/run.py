"""One training of a search, and the places where trainings can run; for `cs682.search`."""

from __future__ import annotations

import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from cs682.search.space import Trial
from cs682.training.log import DivergenceWarning
from cs682.training.seeds import legacy_seed
from cs682.training.threads import blas_threads

MAX_FUNCTION_BYTES = 10_000_000  # a function that weighs more carries a data set along
_stream = threading.Lock()  # NumPy's global stream serves one training of a process at a time


@dataclass(frozen=True)
class Run:
    """How the training of one configuration went.

    Attributes
    ----------
    number : int, of the configuration, counted from 0
    config : dict, hyper-parameters by name
    seed : int, of NumPy's global stream while it was made and trained
    epochs : int, epochs trained
    score : float or None, what is ranked by, the higher the better; None if the run failed
    state : {'done', 'stopped', 'diverged', 'failed'}; 'stopped' for one that others left behind
    error : str, what was raised, if the run failed
    seconds : float, spent on it
    train_acc_history, val_acc_history : list of float, as in the Solver
    """

    number: int
    config: dict[str, Any]
    seed: int
    epochs: int = 0
    score: float | None = None
    state: str = "done"
    error: str = ""
    seconds: float = 0.0
    train_acc_history: list[float] = field(default_factory=list)
    val_acc_history: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Task:
    """What one training needs, apart from the data.

    Attributes
    ----------
    make : callable, returns a Solver
    score : callable, Solver to float
    trial : Trial
    rungs : tuple of int, epochs after which runs are ranked; empty without halving
    rung : int, index of the rung to train to
    folder : str, where checkpoints are kept between the rungs
    threads : int, of BLAS; another number of them sums in another order
    """

    make: Callable[..., Any]
    score: Callable[[Any], float]
    trial: Trial
    rungs: tuple[int, ...]
    rung: int
    folder: str
    threads: int


def perform(task: Task, data: Any) -> Run:
    """Train one configuration; what goes wrong with it stands in the result."""
    trial, started = task.trial, time.perf_counter()
    try:
        with _alone(task):
            found = _judged(task, _trained(task, data))
    except Exception as error:
        found = {"state": "failed", "error": _described(error)}
    seconds = time.perf_counter() - started
    return Run(trial.number, trial.config, trial.seed, seconds=seconds, **found)


def retrain(task: Task, data: Any) -> Any:
    """Train one configuration, and return its Solver."""
    with _alone(task):
        return _trained(task, data)


@contextmanager
def _alone(task: Task) -> Iterator[None]:
    """Give a training all that its figures depend on: its seed, and its number of BLAS threads."""
    with (
        _stream,
        blas_threads(task.threads),
        legacy_seed(task.trial.seed),
        np.errstate(over="ignore", invalid="ignore"),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore", DivergenceWarning)  # it becomes the state of the run
        yield


def _trained(task: Task, data: Any) -> Any:
    """Return the Solver of a configuration, trained as far as its rung."""
    given = {} if data is None else {"data": data}
    solver = task.make(**given, **task.trial.config)
    if not (hasattr(solver, "train") and hasattr(solver, "val_acc_history")):
        raise TypeError(f"the function must return a Solver, got a {type(solver).__name__}")
    if task.rungs:
        _climb(solver, task)
    elif not solver.iteration:
        solver.verbose = False
        solver.train()
    return solver


def _climb(solver: Any, task: Task) -> None:
    """Train up to the task's rung, from the one below if its checkpoint can be had.

    A checkpoint saves time and never changes a result: where there is none, on another machine or
    after a crash, or where it does not fit a model that has widened its dtype meanwhile, the same
    steps are taken from the start.
    """
    if solver.iteration:
        raise ValueError("with halving the function must return a Solver that is not trained yet")
    solver.verbose = solver.progress = False
    checkpoint = Path(task.folder, f"{task.trial.number}.npz")
    with suppress(FileNotFoundError, ValueError):
        solver.load_checkpoint(checkpoint)
    schedule, last = solver.lr_schedule, task.rungs[-1]
    for epochs in task.rungs[: task.rung + 1]:
        if solver.epoch < epochs and not solver.diverged:
            if schedule is not None:  # it spans the whole run, not the part up to this rung
                solver.lr_schedule = _Part(schedule, epochs / last)
            solver.num_epochs = epochs
            solver.train()
    if task.rung + 1 < len(task.rungs) and not solver.diverged and checkpoint.parent.is_dir():
        solver.save_checkpoint(checkpoint)


@dataclass(frozen=True)
class _Part:
    """The first part of a learning-rate schedule."""

    schedule: Callable[[float], float]
    share: float

    def __call__(self, progress: float) -> float:
        return self.schedule(self.share * progress)


def _judged(task: Task, solver: Any) -> dict[str, Any]:
    """Return what is kept of a trained Solver."""
    score = float(task.score(solver))
    return {
        "epochs": solver.epoch,
        "score": score if np.isfinite(score) else None,
        "state": "diverged" if solver.diverged else "done",
        "train_acc_history": list(solver.train_acc_history),
        "val_acc_history": list(solver.val_acc_history),
    }


def _described(error: Exception) -> str:
    """Say what was raised, and where."""
    frames = error.__traceback__
    while frames is not None and frames.tb_next is not None:
        frames = frames.tb_next
    place = ""
    if frames is not None:
        place = f" ({Path(frames.tb_frame.f_code.co_filename).name}, line {frames.tb_lineno})"
    return f"{type(error).__name__}: {error}{place}"


def perform_in_worker(task: Task, data: Any) -> Run:
    """Do the same in a process that leaves Ctrl-C to the one that started it.

    The key reaches both. A Solver that heard it would stop early and look finished.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    return perform(task, data)


@contextmanager
def open_workers(
    n_jobs: int, threads: int, scheduler: str | None, data: Any
) -> Iterator[Callable[[Iterable[Task]], Iterator[Run]]]:
    """Hand out a function that performs tasks, and gives their runs as they come in.

    With one job and no scheduler they run here, one after the other. Otherwise joblib hands them
    to processes of this machine, which map the arrays of `data` into memory instead of copying
    them, or to the workers of a Dask cluster, each of which is sent `data` once.
    """
    if scheduler is None and n_jobs == 1:
        with _interrupts_counted() as interrupts:
            yield lambda tasks: _one_by_one(tasks, data, interrupts)
        return
    joblib = _required("joblib", "scheduler" if scheduler else f"n_jobs={n_jobs}", "search")
    if scheduler is None:
        n_jobs = min(n_jobs, max(1, joblib.cpu_count() // threads))
        processes = {"backend": "loky", "n_jobs": n_jobs, "inner_max_num_threads": threads}
        with _team(joblib, processes) as team:  # entered once: it maps the data anew each time
            yield lambda tasks: team(_calls(joblib, tasks, data))
        return
    distributed = _required("distributed", "scheduler", "dask")
    with distributed.Client(scheduler, set_as_default=False) as client:
        scatter = None if data is None else [data]
        cluster = {"backend": "dask", "client": client, "scatter": scatter}
        yield lambda tasks: _team(joblib, cluster)(_calls(joblib, tasks, data))


def _team(joblib: Any, config: dict[str, Any]) -> Any:
    """Return joblib's means to perform tasks, which gives each result as it comes in."""
    with joblib.parallel_config(**config):
        return joblib.Parallel(return_as="generator_unordered", batch_size=1)


def _calls(joblib: Any, tasks: Iterable[Task], data: Any) -> list[Any]:
    """Return the tasks as joblib takes them."""
    return [joblib.delayed(perform_in_worker)(task, data) for task in tasks]


def _one_by_one(tasks: Iterable[Task], data: Any, interrupts: list[int]) -> Iterator[Run]:
    """Perform tasks in this process; after Ctrl-C none counts, the one under way included."""
    for task in tasks:
        run = perform(task, data)
        if interrupts:
            raise KeyboardInterrupt
        yield run


@contextmanager
def _interrupts_counted() -> Iterator[list[int]]:
    """Note each Ctrl-C in a list, since a Solver that is training answers it itself."""
    heard: list[int] = []

    def note(number: int, frame: Any) -> None:
        heard.append(number)
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield heard  # signals are the main thread's
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield heard
    finally:
        signal.signal(signal.SIGINT, before)


def _required(module: str, argument: str, extra: str) -> Any:
    """Import a package that only some searches need."""
    try:
        return import_module(module)
    except ImportError as error:
        raise ImportError(
            f"{argument} needs the package {module}: pip install 'cs682-assignment2[{extra}]', "
            "or leave it out to search in this process"
        ) from error


def require_light(task: Task) -> None:
    """Refuse functions that would carry a data set along to each worker, with each task."""
    pickled = _required("cloudpickle", "more than one worker", "search").dumps(task)
    if len(pickled) > MAX_FUNCTION_BYTES:
        raise ValueError(
            f"the function carries {len(pickled) / 1e6:.0f} MB with it to each worker, probably as "
            "a global array that it reads: take the data as an argument, and pass search(data=...)"
        )

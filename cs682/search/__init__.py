"""Search for good hyper-parameters: on a grid or at random, alone or with many workers.

``search`` calls a function of yours that returns a Solver, once for each configuration, and trains
what it returns. Each run has a seed of its own, so one search gives one result, whether it runs in
this process, in several or on a cluster, and in however many attempts.
"""

from __future__ import annotations

import itertools
import math
import tempfile
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from cs682._arguments import require_count
from cs682.classifiers.fc_net import FullyConnectedNet
from cs682.figures.tables import ResultsTable, results_table
from cs682.search import figures as _search_figures
from cs682.search.log import SearchLog, describe
from cs682.search.run import Run, Task, open_workers, require_light, retrain
from cs682.search.rungs import Hunt, standing
from cs682.search.space import Range, draw_trials
from cs682.solver import Solver

if TYPE_CHECKING:
    import os

    from matplotlib.figure import Figure

__all__ = [
    "Range",
    "Run",
    "SearchResult",
    "best_train_acc",
    "best_val_acc",
    "net_solver",
    "search",
]


def best_val_acc(solver: Any) -> float:
    """Score a run by the highest validation accuracy that it reached.

    Parameters
    ----------
    solver : Solver, trained

    Returns
    -------
    score : float in [0, 1]
    """
    return float(max(solver.val_acc_history))


def best_train_acc(solver: Any) -> float:
    """Score a run by the highest training accuracy that it reached.

    Parameters
    ----------
    solver : Solver, trained

    Returns
    -------
    score : float in [0, 1]
    """
    return float(max(solver.train_acc_history))


@dataclass(frozen=True)
class SearchResult:
    """What a search has found; in a notebook it shows itself as its table.

    Attributes
    ----------
    runs : tuple of Run, in the order of their numbers; only the finished ones after Ctrl-C
    space : dict, what was varied
    measure : str, name of the score
    complete : bool, whether the search came to its end
    """

    runs: tuple[Run, ...]
    space: dict[str, Any]
    measure: str
    complete: bool
    _retrain: Callable[[Run], Any] = field(repr=False)

    @property
    def best(self) -> Run:
        """The run with the highest score, of those that were trained longest.

        Raises
        ------
        ValueError
            If no run has a score.
        """
        scored = [run for run in self.runs if run.score is not None]
        if not scored:
            errors = [f"run {run.number}: {run.error or run.state}" for run in self.runs]
            raise ValueError(f"no run has a score. {'; '.join(errors[:3]) or 'None has finished'}")
        return max(scored, key=standing)

    def solver(self, run: Run | None = None) -> Any:
        """Train a run once more, to the same figures, and return its Solver.

        Parameters
        ----------
        run : Run, optional; by default the best

        Returns
        -------
        solver : Solver; its model has the best parameters

        Raises
        ------
        ValueError
            If no run has a score, and `run` is not given.
        """
        return self._retrain(self.best if run is None else run)

    def table(self) -> ResultsTable:
        """Lay out all runs, the best first.

        Returns
        -------
        table : ResultsTable
        """
        rows = [
            run.config
            | {"epochs": run.epochs, self.measure: run.score, "seconds": round(run.seconds, 2)}
            | ({"state": run.error or run.state} if run.state != "done" else {})
            for run in sorted(self.runs, key=standing, reverse=True)
        ]
        return results_table(rows, best=self.measure, caption=f"{len(rows)} configurations")

    def plot(self, title: str = "What mattered?") -> Figure:
        """Plot the score of each run against each hyper-parameter.

        Parameters
        ----------
        title : str; title of the figure, a question or a finding

        Returns
        -------
        fig : Figure; closed, shown as the value of its cell

        Raises
        ------
        ValueError
            If no run has a score.
        """
        return _search_figures.plot_scores(self.runs, self.best, self.space, self.measure, title)

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()


def search(
    make: Callable[..., Any],
    space: Mapping[str, Sequence[Any] | Range],
    *,
    data: Any = None,
    num_runs: int | None = None,
    seed: int = 0,
    score: Callable[[Any], float] = best_val_acc,
    halving: Iterable[int] = (),
    log: str | os.PathLike[str] | None = None,
    n_jobs: int = 1,
    threads: int = 1,
    scheduler: str | None = None,
    verbose: bool = True,
) -> SearchResult:
    """Train one network for each configuration of a grid, or for configurations drawn at random.

    Parameters
    ----------
    make : callable; takes a value for each name in `space` by keyword, and ``data=`` if that is
        given, and returns a Solver, which is trained unless it has been already
    space : dict of name to list of values or `Range`
    data : optional; what `make` trains on, a dict of arrays for one. Workers share it, so
        it must not be written to.
    num_runs : int >= 1 or None; how many configurations to draw; None for a grid, every combination
        of the lists in `space`
    seed : int >= 0; draws the configurations, and a seed for each run
    score : callable, trained Solver -> float; what to rank by, the higher the better
    halving : increasing ints; epochs after which the runs are ranked. From 1 to 3 epochs the best
        third goes on, from 3 to 6 the best half: what is hopeless early costs little. The last
        number is the length of a full run, and takes the place of the Solver's num_epochs.
    log : path, optional; file that each finished training is added to. The same call with the same
        file skips what stands in it; failed runs are tried again.
    n_jobs : int >= 1; processes to use, but never more than ``cores // threads``
    threads : int >= 1; BLAS threads of each run. With another number BLAS sums in another order,
        and a training ends in other figures, if only slightly.
    scheduler : str, optional; address of a Dask scheduler, whose workers are used instead
    verbose : bool; whether to show a progress bar where somebody sees it, and to say what failed

    Returns
    -------
    result : SearchResult; after Ctrl-C what was finished by then

    Raises
    ------
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If a value is out of range, `log` belongs to another search, or with several workers
        `make` carries a data set along.
    ImportError
        If `n_jobs` or `scheduler` asks for a package that is not installed.

    Notes
    -----
    Successive halving: Jamieson & Talwalkar (2016), "Non-stochastic best arm identification and
    hyperparameter optimization". A rung waits for all its runs, so the result does not depend on
    which worker is quick. A run that goes on does so from a checkpoint in a temporary folder, and
    with its learning-rate schedule spread over the full length.
    """
    trials = draw_trials(space, num_runs, seed)
    rungs = _require_rungs(halving)
    n_jobs, threads = require_count("n_jobs", n_jobs, 1), require_count("threads", threads, 1)
    book = SearchLog(log)
    if log is not None:
        searched = {"make": make, "space": dict(space), "data": data, "score": score}
        settings = {"num_runs": num_runs, "seed": seed, "halving": rungs, "threads": threads}
        book.open({key: describe(value) for key, value in searched.items()} | settings, print)
    with tempfile.TemporaryDirectory(
        prefix="cs682-search-",
        ignore_cleanup_errors=True,  # a worker may still write when Ctrl-C ends the search
    ) as folder:
        tasks = [Task(make, score, trial, rungs, 0, folder, threads) for trial in trials]
        if n_jobs > 1 or scheduler is not None:
            require_light(tasks[0])
        hunt = Hunt(rungs, book, verbose=verbose)
        complete = hunt.go(tasks, partial(open_workers, n_jobs, threads, scheduler, data))
    runs = tuple(run for _, run in sorted(hunt.runs.items()))
    again = partial(_again, tasks, data)
    return SearchResult(runs, dict(space), _name_of(score), complete, again)


def _again(tasks: Sequence[Task], data: Any, run: Run) -> Any:
    """Train a run as far as it came, and return its Solver."""
    task = tasks[run.number]
    rung = bisect_left(task.rungs, run.epochs, hi=max(len(task.rungs) - 1, 0))
    return retrain(replace(task, rung=rung), data)


def _name_of(score: Callable[[Any], float]) -> str:
    """Return a function's name as a column's heading."""
    name = getattr(score, "__name__", "score")
    return "score" if name == "<lambda>" else name


def net_solver(
    data: dict[str, Any],
    *,
    hidden_dims: Sequence[int] = (100,),
    learning_rate: float = 1e-3,
    weight_scale: float = 1e-2,
    reg: float = 0.0,
    dropout: float = 1,
    normalization: str | None = None,
    update_rule: str = "adam",
    **options: Any,
) -> Solver:
    """Make a Solver of a fully-connected network, for the usual search.

    What does not vary is given with `functools.partial`: ``partial(net_solver, num_epochs=5)``.

    Parameters
    ----------
    data : dict of arrays, as for the Solver
    hidden_dims : sequence of int, widths of the hidden layers
    learning_rate : float, for the update rule
    weight_scale : float, standard deviation of the initial weights
    reg : float, strength of the L2 penalty
    dropout : float in (0, 1], probability to keep a unit
    normalization : {'batchnorm', 'layernorm'} or None
    update_rule : str, name of a function in `cs682.optim`
    **options
        Further options of the Solver.

    Returns
    -------
    solver : Solver, not trained yet
    """
    model = FullyConnectedNet(
        list(hidden_dims),
        input_dim=math.prod(data["X_train"].shape[1:]),
        dropout=dropout,
        normalization=normalization,
        reg=reg,
        weight_scale=weight_scale,
    )
    config = {"learning_rate": learning_rate}
    return Solver(model, data, update_rule=update_rule, optim_config=config, **options)


def _require_rungs(halving: Iterable[int]) -> tuple[int, ...]:
    """Return the epochs of successive halving as a tuple of increasing ints."""
    if not isinstance(halving, Iterable):
        raise TypeError(f"halving must list numbers of epochs, such as (1, 3, 9), got {halving!r}")
    rungs = tuple(require_count("halving", epochs, 1) for epochs in halving)
    if any(low >= high for low, high in itertools.pairwise(rungs)):
        raise ValueError(f"halving must list increasing numbers of epochs, got {rungs}")
    return rungs

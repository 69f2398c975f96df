"""Grade a class: a map over independent hand-ins, on local processes or a Dask cluster."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from staff.grading.intake.submission import Submission
from staff.grading.results.store import Record
from staff.grading.single import Plan, grade_submission

if TYPE_CHECKING:
    from joblib import Parallel

ROUNDS = 5  # how often a class is taken up again after a worker process was killed


@dataclass(frozen=True)
class Failure:
    """A hand-in that the grader itself stumbled over: the others were graded all the same.

    Attributes
    ----------
    id : str, of the submission
    trace : str, for the staff
    """

    id: str
    trace: str


Result = Record | Failure


def grade_class(
    submissions: Iterable[Submission],
    plan: Plan,
    *,
    jobs: int = 1,
    scheduler: str | None = None,
    done: Callable[[Result], None] = lambda _: None,
) -> dict[str, Result]:
    """Grade hand-ins, several at a time, in whatever order they finish.

    A worker process that is killed takes the hand-ins with it that it had in hand; they are graded
    again.

    Parameters
    ----------
    submissions : iterable of Submission
    plan : Plan
    jobs : int, local processes
    scheduler : str, optional; address of a Dask scheduler, whose workers are used instead
    done : callable, told of each result as it comes

    Returns
    -------
    results : dict of str to Record or Failure, by id of the submission

    Raises
    ------
    RuntimeError
        If workers were killed again and again.
    """
    results: dict[str, Result] = {}
    for _ in range(ROUNDS):
        left = [s for s in submissions if s.id not in results]
        try:
            with _workers(jobs, scheduler) as parallel:
                for result in _map(parallel, left, plan):
                    results[result.id] = result
                    done(result)
            return results
        except _WorkerKilledError:
            continue
    raise RuntimeError(f"worker processes were killed {ROUNDS} times; is there too little memory?")


class _WorkerKilledError(Exception):
    """A worker process is gone."""


@contextmanager
def _workers(jobs: int, scheduler: str | None) -> Iterator[Parallel | None]:
    """Give what runs the jobs; None for this process."""
    if scheduler is None and jobs == 1:
        yield None
        return
    from joblib import Parallel, parallel_config
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    place: AbstractContextManager[Any] = nullcontext()
    if scheduler is not None:
        place = parallel_config(backend="dask", scheduler_host=scheduler)
    try:
        with place:
            yield Parallel(
                n_jobs=-1 if scheduler else jobs, batch_size=1, return_as="generator_unordered"
            )
    except TerminatedWorkerError as error:
        raise _WorkerKilledError from error


def _map(parallel: Parallel | None, submissions: list[Submission], plan: Plan) -> Iterator[Result]:
    """Give the result of each hand-in."""
    if parallel is None:
        yield from (_attempt(submission, plan) for submission in submissions)
    else:
        from joblib import delayed

        yield from parallel(delayed(_attempt)(submission, plan) for submission in submissions)


def _attempt(submission: Submission, plan: Plan) -> Result:
    """Grade one hand-in; an error of the grader itself becomes the result."""
    try:
        return grade_submission(submission, plan)
    except Exception:
        return Failure(submission.id, traceback.format_exc())

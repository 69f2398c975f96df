"""Grade a class: a map over independent hand-ins, on local processes or a Dask cluster."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor, as_completed
from multiprocessing import active_children, get_context, parent_process
from pathlib import Path
from typing import Any

from cs682.training.threads import blas_threads
from staff.grading.intake.safe_text import shown, slug
from staff.grading.intake.submission import Submission
from staff.grading.results.store import NotGraded, Result
from staff.grading.sandbox.interpreter import remove_made
from staff.grading.single import Plan, grade_submission

KILLED = "its worker process was killed again and again: is there too little memory?"
Done = Callable[[Result], None]


class Terminated(BaseException):
    """SIGTERM has come. Checks take a SystemExit for the student's own; nobody catches this."""


def grade_class(
    submissions: Iterable[Submission],
    plan: Plan,
    *,
    jobs: int = 1,
    scheduler: str | None = None,
    done: Done = lambda _: None,
) -> dict[str, Result]:
    """Grade hand-ins, several at a time, in whatever order they finish.

    A worker process that is killed takes the hand-ins with it that it had in hand; they are graded
    again, one by one, and who kills it twice is not graded.

    Parameters
    ----------
    jobs : int, local processes
    scheduler : str, optional; address of a Dask scheduler, whose workers are used instead
    done : callable, told of each result as it comes

    Returns
    -------
    results : dict of str to Record or NotGraded, by id of the submission

    Raises
    ------
    ClusterError
        If the Dask scheduler cannot be reached, or its workers cannot grade.
    """
    results: dict[str, Result] = {}
    left = list(submissions)
    for result in _map(left, plan, jobs, scheduler):
        results[result.id] = result
        done(result)
    return results


@contextlib.contextmanager
def answering(number: int, answer: Any) -> Iterator[None]:
    """Answer a signal in this way while a block runs; off the main thread nothing changes.

    Parameters
    ----------
    number : int, of the signal
    answer : callable or constant, as for `signal.signal`
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(number, answer)
    try:
        yield
    finally:
        signal.signal(number, before)


def terminated(*_: object) -> None:
    """Leave all that this process is in, sandboxes too, and hear no second SIGTERM on the way.

    Raises
    ------
    Terminated
        Always.
    """
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Terminated


def _map(
    submissions: Sequence[Submission], plan: Plan, jobs: int, scheduler: str | None
) -> Iterator[Result]:
    """Give the result of each hand-in."""
    yield from (NotGraded(s.id, s.held, "", s.students) for s in submissions if s.held)
    clear = [s for s in submissions if not s.held]
    if scheduler is not None:
        from staff.grading.cluster import grade_on_cluster

        yield from grade_on_cluster(clear, plan, scheduler)
    elif jobs == 1:
        yield from (attempt(submission, plan) for submission in clear)
    else:
        yield from _in_processes(clear, plan, jobs)


def attempt(submission: Submission, plan: Plan) -> Result:
    """Grade one hand-in; an error of the grader itself becomes the result."""
    try:
        with blas_threads(1):  # others are graded beside it
            return grade_submission(submission, plan)
    except Exception as error:
        said = getattr(error, "strerror", None) or type(error).__name__  # neither has a path
        reason = f"the grader itself failed: {shown(str(said))}"
        return NotGraded(submission.id, reason, traceback.format_exc(), submission.students)


def _in_processes(submissions: Sequence[Submission], plan: Plan, jobs: int) -> Iterator[Result]:
    """Grade on several processes; those that were in hand when one died, by themselves again."""
    left = {s.id: s for s in submissions}
    marks = plan.out / "staff" / "in-hand"
    try:
        while left:
            shutil.rmtree(marks, ignore_errors=True)
            marks.mkdir(parents=True)
            for result in _in_pool(list(left.values()), plan, marks, jobs):
                del left[result.id]
                yield result
            in_hand = [s for s in left.values() if (marks / slug(s.id)).exists()]
            for submission in in_hand or list(left.values()):
                killed = NotGraded(submission.id, KILLED, "", submission.students)
                yield next(_in_pool([submission], plan, marks, 1), killed)
                del left[submission.id]
    finally:
        shutil.rmtree(marks, ignore_errors=True)


def _in_pool(
    submissions: Sequence[Submission], plan: Plan, marks: Path, jobs: int
) -> Iterator[Result]:
    """Give results until all are there or a process has died."""
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), _be_worker)
    futures: list[Future[Result]] = []
    try:
        with answering(signal.SIGINT, signal.SIG_IGN):  # inherited: the parent tells them to end
            futures += [pool.submit(_attempt_marked, s, plan, marks) for s in submissions]
        for future in as_completed(futures):
            yield future.result()
    except BrokenExecutor:
        return
    finally:
        if not all(future.done() for future in futures):
            for process in active_children():
                process.terminate()
        pool.shutdown(cancel_futures=True)


def _be_worker() -> None:
    """Have this worker process end at SIGTERM, and told so once the run that started it has died.

    What it has in hand belongs to nobody any more, and the next run may be at work already.
    """
    signal.signal(signal.SIGTERM, _end_worker)
    threading.Thread(target=_watch_parent, daemon=True).start()


def _watch_parent() -> None:
    """Wait for the end of the parent process, then send SIGTERM to the thread that grades."""
    if parent := parent_process():
        parent.join()
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)


def _end_worker(*_: object) -> None:
    """End this process as SIGTERM does, which leaves its folder behind, once that is gone."""
    remove_made()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGTERM)


def _attempt_marked(submission: Submission, plan: Plan, marks: Path) -> Result:
    """Grade one hand-in, and leave a mark while it is in hand.

    SIGTERM ends a worker process as it ends any other, but for the sandboxes it is in: it leaves
    them first.

    Raises
    ------
    Terminated
        If the signal is held back and the process goes on for a moment.
    """
    mark = marks / slug(submission.id)
    with contextlib.suppress(OSError):  # a full disk: the mark only saves time
        mark.touch()
    try:
        with answering(signal.SIGTERM, terminated):
            result = attempt(submission, plan)
    except Terminated:
        _end_worker()  # or the pool's next hand-in would be begun
        raise
    mark.unlink(missing_ok=True)
    return result

"""Grade on the workers of a Dask cluster, and say within seconds what is wrong with it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from typing import Any

from staff.grading.intake.submission import Submission
from staff.grading.results.facts import edition
from staff.grading.results.store import NotGraded, Result
from staff.grading.run import KILLED, attempt
from staff.grading.single import Plan

PATIENCE = 10  # seconds to wait for the scheduler, and to ask the workers something
ASK = 2  # seconds between two looks at whether the scheduler is there
COMMANDS = (
    "start them in the folder of the source: `.venv/bin/python -m dask scheduler` and "
    "`.venv/bin/python -m dask worker ADDRESS --nworkers 2 --nthreads 1`"
)
_HAS_STAFF = "__import__('importlib').util.find_spec('staff') is not None"


class ClusterError(RuntimeError):
    """The cluster cannot grade; the text says why and what to do."""


def grade_on_cluster(
    submissions: Sequence[Submission], plan: Plan, address: str
) -> Iterator[Result]:
    """Grade hand-ins on a cluster whose workers see the same folders.

    Yields
    ------
    result : Record or NotGraded, as each comes

    Raises
    ------
    ClusterError
        If the scheduler or its workers are not there, cannot grade, or went away.
    """
    import distributed

    make_client: Any = distributed.Client  # its annotations are of its own making
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what matters is said below
    try:
        client = make_client(address, timeout=PATIENCE)
    except (OSError, ValueError) as error:
        text = f"no Dask scheduler answers at {address} ({error}); {COMMANDS}"
        raise ClusterError(text) from None
    try:
        _require_ready(client, address)
        yield from _results(client, submissions, plan, address)
    finally:
        client.close(timeout=2)


def _results(
    client: Any, submissions: Sequence[Submission], plan: Plan, address: str
) -> Iterator[Result]:
    """Give the results as they come, as long as the scheduler is there."""
    import distributed

    wait: Any = distributed.wait
    left = {client.submit(attempt, s, plan, pure=False): s for s in submissions}
    silent = 0.0
    while left:
        try:
            done = wait(list(left), timeout=ASK, return_when="FIRST_COMPLETED").done
        except asyncio.TimeoutError:  # of Python 3.10, another than the built-in one
            done = set()
        except CancelledError:  # Dask's own, for futures whose scheduler has gone
            raise _gone(address) from None
        for future in done:
            yield _result_of(future, left.pop(future), address)
        silent = 0.0 if client.status == "running" else silent + ASK
        if silent >= PATIENCE:
            raise _gone(address)


def _require_ready(client: Any, address: str) -> None:
    """Refuse a cluster without workers, without the source, or with another edition of it."""
    if not client.scheduler_info().get("workers"):
        raise ClusterError(f"the scheduler at {address} has no workers; {COMMANDS}")
    places = {address: client.run_on_scheduler(eval, _HAS_STAFF), **client.run(eval, _HAS_STAFF)}
    if without := [place for place, has in places.items() if not has]:
        raise ClusterError(f"there is no module 'staff' at {', '.join(without)}; {COMMANDS}")
    others = [place for place, found in client.run(edition).items() if found != edition()]
    if others:
        raise ClusterError(f"{', '.join(others)} has another edition of the source than this one")


def _result_of(future: Any, submission: Submission, address: str) -> Result:
    """Return what came of one hand-in."""
    from distributed import KilledWorker

    try:
        result: Result = future.result(timeout=PATIENCE)
    except KilledWorker:
        return NotGraded(submission.id, KILLED, "", submission.students)
    except Exception:
        raise _gone(address) from None
    return result


def _gone(address: str) -> ClusterError:
    """Return what to say when the scheduler has gone."""
    return ClusterError(
        f"the scheduler at {address} went away; what is graded is kept: start it again, and the "
        "same command goes on"
    )

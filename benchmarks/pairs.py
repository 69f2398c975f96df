"""Time several ways of doing one thing in turns, so that a busy machine slows all of them alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

PAUSE = 0.04  # seconds between turns: a library's idle threads spin that long before they sleep
OURS = "cs682"
PLAIN = "plain float64"


@dataclass(frozen=True)
class Line:
    """One line of the table: the same work, done by each side.

    Attributes
    ----------
    group, name : str
    sides : dict; for each side's name a function that does the work once. The others are compared
        with the one called `OURS`
    limit : float or None, seconds that the machine would need at its best
    rounds : int or None, how many turns each side gets; None for the caller's choice
    self_timed : bool, whether the functions return their own seconds
    note : str, what else there is to say
    """

    group: str
    name: str
    sides: dict[str, Callable[[], Any]]
    limit: float | None = None
    rounds: int | None = None
    self_timed: bool = False
    note: str = ""


class Spread(NamedTuple):
    """The median and the quartiles of a sample."""

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Result:
    """What measuring a line gave.

    Attributes
    ----------
    group, name, note : str, the line's
    seconds : dict; for each side the spread of its seconds per call
    ratios : dict; for each other side the spread of our seconds over its, round by round
    of_limit : float or None, the limit's seconds over ours
    """

    group: str
    name: str
    note: str
    seconds: dict[str, Spread] = field(default_factory=dict)
    ratios: dict[str, Spread] = field(default_factory=dict)
    of_limit: float | None = None


def spread(sample: list[float]) -> Spread:
    """Return the median and the quartiles; a single value is all three."""
    if len(sample) == 1:
        return Spread(sample[0], sample[0], sample[0])
    low, median, high = statistics.quantiles(sample, n=4, method="inclusive")
    return Spread(median, low, high)


def measure(line: Line, *, rounds: int, turn: float) -> Result:
    """Give each side a turn of about `turn` seconds, `rounds` times over: A B C A B C ..."""
    rounds = min(rounds, line.rounds or rounds)
    calls = {name: _calls_per_turn(run, turn) if rounds > 1 else 1 for name, run in _timed(line)}
    seconds: dict[str, list[float]] = {name: [] for name in line.sides}
    for _ in range(rounds):
        for name, run in _timed(line):
            time.sleep(PAUSE)
            seconds[name].append(run(calls[name]))
    ours = seconds[OURS]
    ratios = {
        name: spread([a / b for a, b in zip(ours, theirs, strict=True)])
        for name, theirs in seconds.items()
        if name != OURS
    }
    of_limit = None if line.limit is None else line.limit / statistics.median(ours)
    spreads = {name: spread(sample) for name, sample in seconds.items()}
    return Result(line.group, line.name, line.note, spreads, ratios, of_limit)


def _timed(line: Line) -> list[tuple[str, Callable[[int], float]]]:
    """Return for each side a function that calls it some times and returns seconds per call."""

    def by_the_clock(run: Callable[[], Any], calls: int) -> float:
        start = time.perf_counter()
        for _ in range(calls):
            run()
        return (time.perf_counter() - start) / calls

    def by_itself(run: Callable[[], Any], calls: int) -> float:
        return statistics.fmean(run() for _ in range(calls))

    timer = by_itself if line.self_timed else by_the_clock
    return [(name, lambda calls, run=run: timer(run, calls)) for name, run in line.sides.items()]


def _calls_per_turn(run: Callable[[int], float], turn: float) -> int:
    """Warm up, and find how many calls fill a turn."""
    first = run(1)
    return 1 if first >= turn else max(1, round(turn / min(first, run(3))))

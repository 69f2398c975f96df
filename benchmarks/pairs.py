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
LIMIT = "limit"

Run = Callable[[], Any]  # does the work once
Timer = Callable[[int], float]  # does it so many times, and returns the seconds of one


@dataclass(frozen=True)
class Line:
    """One line of the table: the same work, done by each side.

    Attributes
    ----------
    group, name : str
    sides : dict; for each side's name a function that prepares its work and returns what does it
        once. The others are compared with the one called `OURS`
    rounds : int or None, how many turns each side gets; None for the caller's choice
    self_timed : tuple of str, the sides whose work returns its own seconds
    note : str, what else there is to say
    """

    group: str
    name: str
    sides: dict[str, Callable[[], Run]]
    rounds: int | None = None
    self_timed: tuple[str, ...] = ()
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
    """

    group: str
    name: str
    note: str
    seconds: dict[str, Spread] = field(default_factory=dict)
    ratios: dict[str, Spread] = field(default_factory=dict)

    @property
    def of_limit(self) -> float | None:
        """The limit's seconds over ours, median of the rounds; None if the line has no limit."""
        return 1 / self.ratios[LIMIT].median if LIMIT in self.ratios else None


def spread(sample: list[float]) -> Spread:
    """Return the median and the quartiles; a single value is all three."""
    if len(sample) == 1:
        return Spread(sample[0], sample[0], sample[0])
    low, median, high = statistics.quantiles(sample, n=4, method="inclusive")
    return Spread(median, low, high)


def timer(line: Line, side: str) -> Timer:
    """Prepare a side's work in this process, and return what times it."""
    run = line.sides[side]()

    def by_the_clock(calls: int) -> float:
        start = time.perf_counter()
        for _ in range(calls):
            run()
        return (time.perf_counter() - start) / calls

    def by_itself(calls: int) -> float:
        return statistics.fmean(run() for _ in range(calls))

    return by_itself if side in line.self_timed else by_the_clock


def measure(line: Line, timers: dict[str, Timer], *, rounds: int, turn: float) -> Result:
    """Give each side a turn of about `turn` seconds, `rounds` times over: A B C A B C ...

    Parameters
    ----------
    line : Line
    timers : dict of Timer by the name of the side
    rounds : int
    turn : float, seconds

    Returns
    -------
    result : Result
    """
    rounds = min(rounds, line.rounds or rounds)
    once = set(timers) if rounds == 1 else set(line.self_timed)  # their work takes longer than told
    calls = {n: 1 if n in once else _calls_per_turn(run, turn) for n, run in timers.items()}
    seconds: dict[str, list[float]] = {name: [] for name in timers}
    for _ in range(rounds):
        for name, run in timers.items():
            time.sleep(PAUSE)
            seconds[name].append(run(calls[name]))
    ratios = {
        name: spread([a / b for a, b in zip(seconds[OURS], theirs, strict=True)])
        for name, theirs in seconds.items()
        if name != OURS
    }
    spreads = {name: spread(sample) for name, sample in seconds.items()}
    return Result(line.group, line.name, line.note, spreads, ratios)


def _calls_per_turn(run: Timer, turn: float) -> int:
    """Warm up, and find how many calls fill a turn."""
    first = run(1)
    return 1 if first >= turn else max(1, round(turn / min(first, run(3))))

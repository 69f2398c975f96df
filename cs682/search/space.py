"""What a search may vary, and what it draws from that; for `cs682.search`."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cs682._arguments import require_count


@dataclass(frozen=True)
class Range:
    """All numbers from `low` to `high`, to draw from.

    Parameters
    ----------
    low, high : float, the bounds; low < high
    log : bool, whether each factor of ten is as likely as any other, as for a learning rate;
        `low` is above 0 then
    whole : bool, whether to draw integers, both bounds included

    Raises
    ------
    ValueError
        If the bounds do not fit together.
    """

    low: float
    high: float
    log: bool = False
    whole: bool = False

    def __post_init__(self) -> None:
        """Refuse bounds that nothing lies between."""
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"a range needs finite low < high, got {self.low!r}, {self.high!r}")
        if self.log and self.low <= 0:
            raise ValueError(f"a logarithmic range must begin above 0, got {self.low!r}")
        if self.whole and not float(self.low).is_integer() & float(self.high).is_integer():
            raise ValueError(f"a range of integers needs such bounds, got {self.low}, {self.high}")

    def draw(self, rng: np.random.Generator) -> float | int:
        """Draw one number.

        Parameters
        ----------
        rng : numpy.random.Generator

        Returns
        -------
        number : float, or int if `whole`; never NumPy's own type, which would widen float32
        """
        low, high = (self.low - 0.5, self.high + 0.5) if self.whole else (self.low, self.high)
        if self.log:
            number = math.exp(rng.uniform(math.log(low), math.log(high)))
        else:
            number = float(rng.uniform(low, high))
        return min(max(round(number), int(self.low)), int(self.high)) if self.whole else number


@dataclass(frozen=True)
class Trial:
    """One configuration to try.

    Attributes
    ----------
    number : int, counted from 0
    config : dict, hyper-parameters by name
    seed : int, of NumPy's global stream while this run is made and trained
    """

    number: int
    config: dict[str, Any]
    seed: int


def draw_trials(space: Mapping[str, Any], num_runs: int | None, seed: int) -> list[Trial]:
    """Return all configurations and seeds of a search; a grid if no number of runs is given.

    Each trial has a seed sequence of its own, so it depends neither on the others nor on when
    and where it runs, and the first trials of a longer search are those of a shorter one.
    """
    _require_space(space)
    seed = require_count("seed", seed, 0)
    if num_runs is None:
        configs = _grid(space)
        roots = np.random.SeedSequence(seed).spawn(len(configs))
    else:
        roots = np.random.SeedSequence(seed).spawn(require_count("num_runs", num_runs, 1))
        configs = [_draw(space, root) for root in roots]
    seeds = [int(root.generate_state(1)[0]) for root in roots]
    return [Trial(k, *pair) for k, pair in enumerate(zip(configs, seeds, strict=True))]


def _require_space(space: Any) -> None:
    """Refuse a space that is empty, or holds anything but ranges and lists of values."""
    if not isinstance(space, Mapping):
        raise TypeError(f"space must be a dict of lists and Ranges, got {type(space).__name__}")
    if not space:
        raise ValueError("space is empty: name at least one hyper-parameter")
    for name, choices in space.items():
        if isinstance(choices, Range):
            continue
        if not isinstance(choices, Sequence) or isinstance(choices, str):
            raise TypeError(f"space[{name!r}] must be a Range or a list of values, got {choices!r}")
        if not choices:
            raise ValueError(f"space[{name!r}] is empty: give at least one value")


def _grid(space: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return every combination of the listed values, the last name varying fastest."""
    endless = [name for name, choices in space.items() if isinstance(choices, Range)]
    if endless:
        raise ValueError(f"a grid needs lists, but {endless} are Ranges: give num_runs to draw")
    return [dict(zip(space, values, strict=True)) for values in itertools.product(*space.values())]


def _draw(space: Mapping[str, Any], root: np.random.SeedSequence) -> dict[str, Any]:
    """Draw one value for each name, in the order of the space."""
    rng = np.random.default_rng(root.spawn(1)[0])
    return {name: _draw_one(choices, rng) for name, choices in space.items()}


def _draw_one(choices: Any, rng: np.random.Generator) -> Any:
    return choices.draw(rng) if isinstance(choices, Range) else choices[rng.integers(len(choices))]

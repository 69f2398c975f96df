"""Learning-rate schedules: functions from a run's progress in [0, 1] to a factor.

The solver multiplies each parameter's learning rate by the factor of the moment, so the rate that
is set is the highest one used. Any function will do, ``lambda progress: 1 - progress`` for one.
"""

from __future__ import annotations

import math
from collections.abc import Callable


def cosine(floor: float = 0.0) -> Callable[[float], float]:
    """Make a schedule that falls from 1 to `floor` along half a cosine.

    Source: Loshchilov & Hutter (2017), "SGDR: stochastic gradient descent with warm restarts",
    eq. 5, without restarts.

    Parameters
    ----------
    floor : float in [0, 1], factor at the end

    Returns
    -------
    schedule : callable, progress in [0, 1] -> factor

    Raises
    ------
    ValueError
        If `floor` lies outside [0, 1].
    """
    if not 0 <= floor <= 1:
        raise ValueError(f"floor must be in [0, 1], got {floor!r}")

    def schedule(progress: float) -> float:
        return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * progress))

    return schedule


def one_cycle(warmup: float = 0.3, start: float = 0.04) -> Callable[[float], float]:
    """Make a schedule that rises from `start` to 1 in a straight line, then falls to 0.

    Source: Smith & Topin (2018), "Super-convergence: very fast training of neural networks using
    large learning rates"; the fall is `cosine`.

    Parameters
    ----------
    warmup : float in [0, 1), share of the run that rises
    start : float in [0, 1], factor at the beginning

    Returns
    -------
    schedule : callable, progress in [0, 1] -> factor

    Raises
    ------
    ValueError
        If `warmup` lies outside [0, 1) or `start` outside [0, 1].
    """
    if not 0 <= warmup < 1:
        raise ValueError(f"warmup must be in [0, 1), got {warmup!r}")
    if not 0 <= start <= 1:
        raise ValueError(f"start must be in [0, 1], got {start!r}")
    fall = cosine()

    def schedule(progress: float) -> float:
        if progress < warmup:
            return start + (1 - start) * progress / warmup
        return fall((progress - warmup) / (1 - warmup))

    return schedule

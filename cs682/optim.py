"""First-order update rules, all of one form: ``rule(w, dw, config) -> (next_w, config)``.

`w` is a parameter, `dw` the gradient of the loss with respect to it, and `config` a dict that
holds the rule's hyper-parameters and, from step to step, its state. A rule writes neither to `w`
nor to `dw`. It fills in the defaults that `config` lacks and stores its new state there; the state
arrays are replaced, not written into. One config belongs to one parameter: never share it.

`Solver` looks a rule up here by its name.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from cs682._types import Array, Options

    Rule = Callable[..., tuple[Array, Options]]

DEFAULTS: dict[str, dict[str, float]] = {
    "sgd": {"learning_rate": 1e-2},
    "sgd_momentum": {"learning_rate": 1e-2, "momentum": 0.9},
    "rmsprop": {"learning_rate": 1e-2, "decay_rate": 0.99, "epsilon": 1e-8},
    "adam": {"learning_rate": 1e-3, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "t": 0},
}
STATE: dict[str, tuple[str, ...]] = {  # arrays like w that a rule keeps, zeros at first
    "sgd": (),
    "sgd_momentum": ("velocity",),
    "rmsprop": ("cache",),
    "adam": ("m", "v"),
}


def _update_rule(body: Rule) -> Rule:
    """Give a rule what all of them share: complete config, checked shapes, the old spelling.

    Hyper-parameters become plain Python numbers, because a NumPy scalar such as an element of
    ``np.logspace`` would silently turn float32 parameters into float64. The keywords `x` and
    `dx` are what editions up to 2017 called `w` and `dw`.
    """
    name = body.__name__

    def rule(
        w: Array | None = None,
        dw: Array | None = None,
        config: Options | None = None,
        *,
        x: Array | None = None,
        dx: Array | None = None,
    ) -> tuple[Array, Options]:
        w, dw = _one_of(name, "w", w, x), _one_of(name, "dw", dw, dx)
        if w.shape != dw.shape:
            raise ValueError(f"{name}: dw must have the shape of w, {w.shape}, got {dw.shape}")
        config = {} if config is None else config
        for key, default in DEFAULTS[name].items():
            value = config.setdefault(key, default)
            if isinstance(value, np.generic):
                config[key] = value.item()
        for key in STATE[name]:
            if config.get(key) is None:
                config[key] = np.zeros_like(w)
            elif config[key].shape != w.shape:
                raise ValueError(
                    f"{name}: config[{key!r}] must have the shape of w, {w.shape}, "
                    f"got {config[key].shape}"
                )
        return body(w, dw, config)

    update_wrapper(rule, body)
    del rule.__wrapped__  # type: ignore[attr-defined]  # help() shall show what can be passed
    return rule


def _one_of(rule: str, name: str, value: Array | None, by_old_name: Array | None) -> Array:
    """Return an argument that came under its name or under its old one, but not under both."""
    if value is not None and by_old_name is not None:
        raise TypeError(f"{rule}() got multiple values for argument {name!r}")
    given = by_old_name if value is None else value
    if given is None:
        raise TypeError(f"{rule}() is missing the argument {name!r}")
    return given


@_update_rule
def sgd(w: Array, dw: Array, config: Options) -> tuple[Array, Options]:
    """Step against the gradient: ``w - learning_rate * dw``.

    Parameters
    ----------
    w : ndarray of float, any shape; the parameter
    dw : ndarray of float, same shape; gradient of the loss with respect to `w`
    config : dict or None; ``learning_rate`` (default 1e-2)

    Returns
    -------
    next_w : ndarray, same shape as `w`
    config : dict
    """
    return w - config["learning_rate"] * dw, config


@_update_rule
def sgd_momentum(w: Array, dw: Array, config: Options) -> tuple[Array, Options]:
    """Let a velocity gather the gradients, and step along it.

    Source: Sutskever et al. (2013), "On the importance of initialization and momentum", eq. 1-2.

    Parameters
    ----------
    w : ndarray of float, any shape; the parameter
    dw : ndarray of float, same shape; gradient of the loss with respect to `w`
    config : dict or None
        ``learning_rate`` (default 1e-2); ``momentum``: share of the velocity that is kept
        (default 0.9); ``velocity``: ndarray shaped like `w` (default zeros), state

    Returns
    -------
    next_w : ndarray, same shape as `w`
    config : dict with the new ``velocity``

    Notes
    -----
    The gradient enters the velocity already scaled by the learning rate, and w moves by the new
    velocity as it is.
    """
    # TODO(fc-4.1): the new velocity, then the step; store the velocity in config.
    # BEGIN SOLUTION
    v = config["momentum"] * config["velocity"] - config["learning_rate"] * dw
    config["velocity"] = v
    return w + v, config
    # END SOLUTION


@_update_rule
def rmsprop(w: Array, dw: Array, config: Options) -> tuple[Array, Options]:
    """Divide each gradient entry by the root of a running average of its square.

    Source: Tieleman & Hinton (2012), lecture 6.5 of "Neural networks for machine learning".

    Parameters
    ----------
    w : ndarray of float, any shape; the parameter
    dw : ndarray of float, same shape; gradient of the loss with respect to `w`
    config : dict or None
        ``learning_rate`` (default 1e-2); ``decay_rate``: share of the old average that is kept
        (default 0.99); ``epsilon``: added to the root (default 1e-8); ``cache``: ndarray shaped
        like `w`, the running average (default zeros), state

    Returns
    -------
    next_w : ndarray, same shape as `w`
    config : dict with the new ``cache``

    Notes
    -----
    The step divides by the root of the new average, and epsilon stands outside that root.
    """
    # TODO(fc-4.2): the new average of the squares, then the scaled step; store the average.
    # BEGIN SOLUTION
    decay = config["decay_rate"]
    cache = decay * config["cache"] + (1 - decay) * dw**2
    config["cache"] = cache
    step = config["learning_rate"] * dw / (np.sqrt(cache) + config["epsilon"])
    return w - step, config
    # END SOLUTION


@_update_rule
def adam(w: Array, dw: Array, config: Options) -> tuple[Array, Options]:
    """Combine momentum with RMSProp's scaling, and correct both averages for their start at zero.

    Source: Kingma & Ba (2015), "Adam: a method for stochastic optimization", algorithm 1.

    Parameters
    ----------
    w : ndarray of float, any shape; the parameter
    dw : ndarray of float, same shape; gradient of the loss with respect to `w`
    config : dict or None
        ``learning_rate`` (default 1e-3); ``beta1`` (default 0.9) and ``beta2`` (default 0.999):
        shares of the old averages that are kept; ``epsilon``: added to the root (default 1e-8);
        ``m`` and ``v``: ndarrays shaped like `w`, running averages of the gradient and of its
        square (default zeros), state; ``t``: int, steps taken so far (default 0), state

    Returns
    -------
    next_w : ndarray, same shape as `w`
    config : dict with the new ``m``, ``v`` and ``t``

    Notes
    -----
    ``t`` is increased before it is used, so the first step divides by ``1 - beta1`` and
    ``1 - beta2``.
    """
    # TODO(fc-4.3): increase t; new averages m and v; correct copies of both; the scaled step.
    # BEGIN SOLUTION
    beta1, beta2 = config["beta1"], config["beta2"]
    t = config["t"] + 1
    m = beta1 * config["m"] + (1 - beta1) * dw
    v = beta2 * config["v"] + (1 - beta2) * dw**2
    config.update(t=t, m=m, v=v)

    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    return w - config["learning_rate"] * m_hat / (np.sqrt(v_hat) + config["epsilon"]), config
    # END SOLUTION

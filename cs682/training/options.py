"""Checks of what a `Solver` is given: each names the value it refuses and what it wanted."""

from __future__ import annotations

import copy
import difflib
import inspect
import math
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from cs682 import optim
from cs682._arguments import require_count, require_number

if TYPE_CHECKING:
    from cs682._types import Array, Labels, Options, Params

# what other libraries call what is here, or a network's own, `reg`
_ELSEWHERE = {"lr": "learning_rate", "optimizer": "update_rule", "weight_decay": "reg"}
DATA_KEYS = ("X_train", "y_train", "X_val", "y_val")


def refuse_unknown(
    others: tuple[Any, ...], names: Iterable[str], init: Callable[..., None]
) -> None:
    """Refuse arguments that the solver does not have, and say what was likely meant."""
    if others:
        is_split = any(isinstance(value, np.ndarray) for value in others)
        raise TypeError(
            "Solver takes a model, then one dict with all data, as in Solver(model, data); "
            + ("arrays go into that dict" if is_split else "all else is given by its name")
        )
    parameters = inspect.signature(init).parameters.values()
    known = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]
    if said := [f"no argument {name!r}: {_say_meant(name, known)}" for name in names]:
        raise TypeError(f"Solver has {'; '.join(said)}")


def _say_meant(name: str, known: list[str]) -> str:
    """Say what an argument that the solver does not have was likely meant for."""
    of_rules = {key: value for row in optim.DEFAULTS.values() for key, value in row.items()}
    near = difflib.get_close_matches(_ELSEWHERE.get(name, name), [*known, *of_rules], n=1)
    if not near:
        return f"it has {', '.join(known)}; a network's own go to the network"
    if near[0] in of_rules:
        return f'give it in optim_config={{"{near[0]}": {of_rules[near[0]]}}}'
    return f"did you mean {near[0]}?"


def require_model(model: Any) -> Any:
    """Refuse an object that the solver cannot train."""
    if isinstance(model, type):
        name = model.__name__
        raise TypeError(f"model is the class {name}, no network yet: build one, as in {name}()")
    if not isinstance(getattr(model, "params", None), dict) or not callable(
        getattr(model, "loss", None)
    ):
        raise TypeError(
            f"model must have a dict `params` and a method `loss(X, y=None)`, got {model!r}"
        )
    return model


def require_data(data: Any) -> tuple[Array, Labels, Array, Labels]:
    """Return the four arrays the solver needs, not copied; further keys are ignored."""
    if not isinstance(data, Mapping):
        raise TypeError(
            f"data must be a dict of arrays, got a {type(data).__name__}; its keys are "
            f"{', '.join(DATA_KEYS)}"
        )
    missing = [key for key in DATA_KEYS if key not in data]
    if missing:
        raise ValueError(f"data lacks {missing}; it has {sorted(data)}")
    X_train, y_train, X_val, y_val = (np.asarray(data[key]) for key in DATA_KEYS)
    _require_examples("train", X_train, y_train)
    _require_examples("val", X_val, y_val)
    return X_train, y_train, X_val, y_val


def _require_examples(part: str, X: Array, y: Labels) -> None:
    """Refuse a part of the data without examples, or without one integer label for each."""
    if y.ndim != 1 or X.shape[:1] != y.shape or len(y) == 0:
        raise ValueError(
            f"X_{part} and y_{part} must hold one label for each of N >= 1 examples, "
            f"got shapes {X.shape} and {y.shape}"
        )
    if not np.issubdtype(y.dtype, np.integer):
        raise TypeError(f"y_{part} must hold integer class labels, got dtype {y.dtype}")


def require_update_rule(name: Any) -> Callable[..., tuple[Array, Options]]:
    """Return the function of `cs682.optim` that has this name."""
    rules = {
        key: value
        for key, value in vars(optim).items()
        if inspect.isfunction(value)
        and value.__module__ == optim.__name__
        and not key.startswith("_")
    }
    if not isinstance(name, str):
        raise TypeError(f"update_rule must be the name of one of {sorted(rules)}, got {name!r}")
    if name not in rules:
        raise ValueError(f"update_rule must be one of {sorted(rules)}, got {name!r}")
    return rules[name]


def require_optim_config(config: Any, rule: str) -> Options:
    """Return hyper-parameters with a learning rate; refuse names that the rule does not know."""
    config = {} if config is None else config
    if not isinstance(config, dict):
        raise TypeError(f"optim_config must be a dict, got {config!r}")
    defaults = getattr(optim, "DEFAULTS", {}).get(rule)  # not for a rule that a reader has added
    if defaults is not None:
        known = [*defaults, *getattr(optim, "STATE", {}).get(rule, ())]
        unknown = [key for key in config if key not in known]
        if unknown:
            raise ValueError(f"optim_config has the unknown keys {unknown}; {rule} knows {known}")
        config = {"learning_rate": defaults["learning_rate"], **config}
    if "learning_rate" in config:
        require_number("optim_config['learning_rate']", config["learning_rate"], zero=True)
    return dict(config)


def own_config(config: Options) -> Options:
    """Copy an optimiser's config for one parameter, arrays included.

    NumPy scalars become Python numbers: a float64 one would turn float32 parameters into float64.
    """
    return {
        key: value.item()
        if isinstance(value, (np.generic, np.ndarray)) and value.ndim == 0
        else copy.deepcopy(value)
        for key, value in config.items()
    }


def fresh_configs(
    config: Options, names: Iterable[str], reached: Mapping[str, Options]
) -> dict[str, Options]:
    """Give each parameter a config without state, with the learning rate that it has reached."""
    rates = {
        name: {key: value for key, value in reached.get(name, {}).items() if key == "learning_rate"}
        for name in names
    }
    return {name: own_config(config) | rate for name, rate in rates.items()}


def require_interval(name: str, value: Any) -> int | str:
    """Return after how many iterations to print; None, 0 and negative numbers all mean never."""
    if value == "auto":
        return "auto"
    return 0 if value is None else max(0, require_count(name, value, -(2**63)))


def require_schedule_or_none(value: Any, optim_config: Options) -> Any:
    """Return a function of the progress, or None; it needs a learning rate to act on."""
    if value is not None and "learning_rate" not in optim_config:
        raise ValueError("lr_schedule needs a learning_rate in optim_config")
    if value is not None and not callable(value):
        raise TypeError(
            f"lr_schedule must be None or a function of the progress in [0, 1], got {value!r}"
        )
    if value is not None and callable(factor := value(0.0)):
        raise TypeError(
            f"lr_schedule(0) is {factor!r}, expected a number: a function that makes a schedule is "
            "called first, as in lr_schedule=cosine()"
        )
    return value


def require_augmentation_or_none(value: Any) -> Any:
    """Return a function of a batch, or None; a list of them is a likely slip."""
    if value is not None and not callable(value):
        raise TypeError(
            f"augment must be None or a function of a batch, got {value!r}; "
            "several become one with cs682.training.augment.chain"
        )
    return value


def require_batch_like(batch: Any, shape: tuple[int, ...]) -> Array:
    """Return what an augmentation made of a batch, if it is a batch of the same shape."""
    if not isinstance(batch, np.ndarray) or batch.shape != shape:
        got = f"shape {batch.shape}" if isinstance(batch, np.ndarray) else repr(batch)
        if callable(batch):
            got += ": what makes an augmentation is called first, as in augment=chain(flips())"
        raise ValueError(f"augment must return a batch of shape {shape}, got {got}")
    return batch


def require_factor(value: Any, progress: float) -> float:
    """Return what a schedule gave as a factor on learning rates."""
    factor = float(value)
    if not (math.isfinite(factor) and factor >= 0):
        raise ValueError(f"lr_schedule({progress:g}) must be at least 0, got {factor!r}")
    return factor


def require_scores(value: Any, examples: int) -> Array:
    """Return what a model gave as scores, if there is a row for each example."""
    scores: Array = np.asarray(value)
    if scores.ndim != 2 or len(scores) != examples:
        raise ValueError(
            f"model.loss(X) must return scores of shape ({examples}, C), got shape {scores.shape}"
        )
    return scores


def require_gradients(grads: Any, params: Params) -> None:
    """Refuse gradients that lack a parameter, or are shaped unlike it."""
    missing = [name for name in params if name not in grads]
    if missing:
        raise ValueError(f"model.loss returned no gradient for {missing}, only {list(grads)}")
    for name, w in params.items():
        if np.shape(grads[name]) != w.shape:
            raise ValueError(
                f"model.loss returned a gradient of shape {np.shape(grads[name])} for {name!r}, "
                f"which has shape {w.shape}"
            )


def settings_of(solver: Any) -> dict[str, Any]:
    """Return what must be the same for a solver's run to go on as it would have."""
    names = ("lr_decay", "batch_size", "num_train_samples", "num_val_samples", "sampling")
    dropout_param = getattr(solver.model, "dropout_param", None) or {}
    return {
        **{name: getattr(solver, name) for name in names},
        "update_rule": solver.update_rule.__name__,
        "optim_config": solver.optim_config,
        "lr_schedule": "given" if solver.lr_schedule else None,
        "augment": "given" if solver.augment else None,
        "training examples": len(solver.y_train),
        "validation examples": len(solver.y_val),
        "model's normalization": getattr(solver.model, "normalization", None),
        "model's reg": getattr(solver.model, "reg", None),
        "model's dropout": dropout_param.get("p"),
    }

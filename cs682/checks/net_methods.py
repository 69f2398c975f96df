"""Say what a network's method has to return, where given code could do nothing with it."""

from __future__ import annotations

import inspect
import re
import traceback
from typing import Any

import numpy as np

from cs682.checks.compare import kind_of
from cs682.checks.subject import NETWORKS

_FIRST = re.compile(r"Return (?P<what>[^.;]*)")  # of a method's docstring
_OF_NORM = re.compile(r"gamma|beta")
_PARAMS = re.compile(r"^params : dict; (?P<what>.*(\n +.*)*)", re.MULTILINE)  # of a class's


def say_returned(error: BaseException) -> str:
    """Say what a method has to return, if a network's given code stumbled over what it returned.

    Parameters
    ----------
    error : BaseException, as it was caught

    Returns
    -------
    text : str; empty if it was raised anywhere else
    """
    *_, (frame, _) = rows = list(traceback.walk_tb(error.__traceback__))
    for row, _ in rows:
        if row.f_code.co_name == "__init__" and (found := _say_no_array(row.f_locals, error)):
            return found
    net, said = frame.f_locals.get("self"), str(error)
    if type(net).__name__ not in NETWORKS:
        return ""
    if frame.f_code.co_name == "loss" and "unpack" in said:
        method = "_forward"
    elif frame.f_code.co_name == "__init__" and _is_amiss(frame.f_locals, said):
        is_first = not isinstance(frame.f_locals["params"], dict)
        method = "_initial_params" if is_first else "_initial_norm_params"
    else:
        return ""
    got = "nothing" if "NoneType" in said else "something else"
    what = _say_what(type(net), method)
    return f"{type(net).__name__}.{method} has to return {what}; it returned {got}"


def _say_no_array(names: dict[str, Any], error: BaseException) -> str:
    """Say which of a network's initial parameters is no array, if it was to be cast as one."""
    kind, params = type(names.get("self")).__name__, names.get("params")
    if kind not in NETWORKS or not isinstance(params, dict) or "astype" not in str(error):
        return ""
    for name, value in params.items():
        if not isinstance(value, (np.ndarray, np.generic)):
            method = "_initial_norm_params" if _OF_NORM.match(str(name)) else "_initial_params"
            return (
                f"{kind}.{method} has to return a dict of arrays; its {name!r} is {kind_of(value)}"
            )
    return ""


def _is_amiss(names: dict[str, Any], said: str) -> bool:
    """Tell whether what parameters are made of is no dict."""
    is_no_dict = "iterable" in said or "sequence element" in said  # what `update` says
    return "params" in names and (not isinstance(names["params"], dict) or is_no_dict)


def _say_what(net: type, method: str) -> str:
    """Return what the docstrings say that a method returns."""
    is_dict = method == "_initial_params"
    pattern, owner = (_PARAMS, net) if is_dict else (_FIRST, getattr(net, method))
    if not (found := pattern.search(inspect.getdoc(owner) or "")):
        return "what its docstring says"
    return "a dict: " * is_dict + " ".join(found["what"].replace("``", "").split())

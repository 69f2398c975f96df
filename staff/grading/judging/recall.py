"""Remember what the slow definitions gave: every hand-in is held against the same values.

The definitions of `cs682.checks.slow` spell everything out number by number, and the checks ask
them the same for each student. Here their results are kept by the content of all arguments, of
functions among them too, so a class costs little more of them than one hand-in.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from copy import deepcopy
from functools import wraps
from types import FunctionType
from typing import Any

import numpy as np

from cs682.checks import slow

_DEFINITIONS = (
    "affine",
    "normalize",
    "conv",
    "max_pool",
    "spatial_batchnorm",
    "conv_blocks",
    "net_scores",
    "net_loss",
    "net_slopes",
    "slope",
    "slopes",
)
_MOST = 4000  # results, mostly of some hundred bytes
_results: OrderedDict[Any, Any] = OrderedDict()
_here = threading.local()


def install() -> None:
    """Let this process remember what the definitions give; calling it again changes nothing."""
    for name in _DEFINITIONS:
        definition = getattr(slow, name)
        if not hasattr(definition, "__wrapped__"):
            setattr(slow, name, _remembering(definition))


def _remembering(definition: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that looks up its result before it computes it."""

    @wraps(definition)
    def recall(*args: Any, **kwargs: Any) -> Any:
        if getattr(_here, "busy", False):  # part of a result that is itself remembered
            return definition(*args, **kwargs)
        key = definition.__name__, _content(args), _content(kwargs)
        if key not in _results:
            _here.busy = True
            try:
                _results[key] = definition(*args, **kwargs)
            finally:
                _here.busy = False
            if len(_results) > _MOST:
                _results.popitem(last=False)
        return deepcopy(_results[key])  # whoever has it may write into it

    return recall


def _content(value: Any) -> Any:
    """Return something hashable that is equal for values of equal content, and for those alone."""
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, dict):
        return tuple((k, _content(v)) for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return tuple(_content(v) for v in value)
    if isinstance(value, FunctionType):
        cells = [cell.cell_contents for cell in value.__closure__ or ()]
        return value.__code__, _content(value.__defaults__), _content(cells)
    return type(value), value

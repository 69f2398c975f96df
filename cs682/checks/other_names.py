"""Say what NumPy calls what PyTorch and MATLAB call otherwise."""

from __future__ import annotations

import ast
import re
from types import ModuleType
from typing import Any

import numpy as np

from cs682.checks.within import Line

_KEPT = "an array is plain numbers already: leave it out"
_ELSEWHERE = {  # of an array or of np, where neither has it -> what is written here
    "cat": "np.concatenate([a, b], axis=...)",
    "clamp": "np.clip(x, low, high)",
    "clamp_min": "np.maximum(x, low)",
    "relu": "np.maximum(x, 0)",
    "permute": "x.transpose, with the axes in their new order",
    "unsqueeze": "np.expand_dims(x, axis)",
    "numel": "x.size",
    "length": "len(x)",
    "dim": "x.ndim",
    "mm": "a @ b",
    "bmm": "a @ b",
    "matmul": "a @ b",
    "t": "x.T",
    "norm": "np.linalg.norm(x)",
    "pow": "x**2",
    "masked_fill": "np.where(mask, value, x)",
    "rand": "np.random.rand",
    "randn": "np.random.randn",
    "repmat": "np.tile",
    "detach": _KEPT,
    "cpu": _KEPT,
    "numpy": _KEPT,
    "float": "x.astype(np.float64)",
    "double": "x.astype(np.float64)",
    "long": "x.astype(np.int64)",
    "backward": "no gradient comes by itself: it is what a way back has to work out",
    "grad": "no gradient comes by itself: it is what a way back has to work out",
}
_ARGUMENTS = {  # of a function of NumPy
    "dim": "NumPy calls dim axis.",
    "keepdim": "NumPy calls keepdim keepdims.",
    "unbiased": "NumPy's var and std divide by N unless ddof=1 is given: leave unbiased out.",
    "start_dim": "NumPy's flatten keeps no axis; x.reshape(len(x), -1) keeps the first.",
}
_KEYWORD = re.compile(r"got an unexpected keyword argument '(\w+)'")
_PACKAGES = {"torch": "PyTorch", "nn": "PyTorch", "tf": "TensorFlow"}


def say_other_name(error: BaseException, line: Line) -> str:
    """Say what NumPy calls what a failing line asks it for.

    Parameters
    ----------
    error : BaseException
    line : Line, that failed

    Returns
    -------
    said : str, a sentence; empty if it asks for nothing of the kind
    """
    if isinstance(error, NameError) and error.name in _PACKAGES:
        package = _PACKAGES[error.name]
        return f"{error.name} is {package}'s, which no exercise needs: NumPy is enough for each."
    if isinstance(error, AttributeError):
        return _say_attribute(*find_lacking(error))
    if not isinstance(error, (TypeError, ValueError)):
        return ""
    calls = [(node, _owner(node, line)) for node in line.find(ast.Call)]
    numpys = [(node, owner) for node, owner in calls if owner is np or _is_array(owner)]
    if keyword := _KEYWORD.search(str(error)):
        is_given = any(part.arg == keyword[1] for node, _ in numpys for part in node.keywords)
        return _ARGUMENTS.get(keyword[1], "") if is_given else ""
    own = [(node, owner) for node, owner in numpys if owner is not np]
    return next(filter(None, (_say_call(str(error), *call, line) for call in own)), "")


def find_lacking(error: AttributeError) -> tuple[Any, str]:
    """Return what lacks an attribute, and its name; NumPy's own words do not carry these.

    Parameters
    ----------
    error : AttributeError
    """
    if found := re.match(r"module 'numpy' has no attribute '(\w+)'", str(error)):
        return np, found[1]
    return error.obj, error.name or ""


def _say_attribute(owner: Any, name: str) -> str:
    """Say what is written for an attribute that an array, or np, does not have."""
    if not (owner is np or _is_array(owner)):
        return ""
    said = _ELSEWHERE.get(name, "")
    if not said or (said == _KEPT and owner is np):
        return ""
    whose = "np" if isinstance(owner, ModuleType) else "An array"
    is_code = said != _KEPT and not said.startswith("no gradient")
    return f"{whose} has no {name}; {f'in NumPy it is {said}' if is_code else said}."


def _say_call(error: str, node: ast.Call, owner: Any, line: Line) -> str:
    """Say what is amiss with a call of an array's own that means another thing in NumPy."""
    func: Any = node.func
    name, sizes = func.attr, [part for part in node.args if not isinstance(part, ast.Starred)]
    array = line.quote(func.value)
    if name == "view" and re.match(r"Cannot interpret|Type must be|view\(\)", error) and sizes:
        wanted = ", ".join(map(line.quote, sizes))
        return f"{array}.view takes a type; a new shape is {array}.reshape({wanted})."
    if name in ("size", "shape", "ndim") and "object is not callable" in error:
        rest = f"[{line.quote(sizes[0])}]" if sizes else ""
        return f"An array's {name} is no function; write {array}.shape{rest}."
    if name == "transpose" and error.startswith("axes don't match") and len(sizes) == 2:
        pair = ", ".join(map(line.quote, sizes))
        return f"transpose wants all axes; {array}.swapaxes({pair}) exchanges two."
    return ""


def _owner(node: ast.Call, line: Line) -> Any:
    """Return whose method or function is called; None if that is not known."""
    if not isinstance(node.func, ast.Attribute):
        return None
    try:
        return line.value(node.func.value)
    except LookupError:
        return None


def _is_array(value: Any) -> bool:
    """Tell whether a value is an array, or a number of NumPy."""
    return isinstance(value, (np.ndarray, np.generic))

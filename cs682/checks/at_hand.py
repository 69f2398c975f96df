"""Say of an exception what is at hand where it arose: names, shapes, keys, parameters."""

from __future__ import annotations

import ast
import builtins
import inspect
import re
import sys
import traceback
from contextlib import suppress
from difflib import get_close_matches
from types import FrameType, FunctionType, ModuleType
from typing import Any

import numpy as np

from cs682.checks.exercises import EXERCISES
from cs682.checks.other_names import find_lacking, say_other_name
from cs682.checks.subject import FUNCTIONS
from cs682.checks.within import Line, describe, held_by, names_in, say_keys

_MOST, _NAMES, _PROMISE = 6, 10, 160  # values and names that are listed, letters of a docstring
_CALL = re.compile(r"(?:\w+\.)*(\w+)\(\) (?:got an unexpected|missing|takes|got multiple)")
_RETURNS = re.compile(r"\n *Returns\n *-+\n(.*?)(?:\n\n|\Z)", re.DOTALL)


def say_at_hand(error: BaseException, frame: FrameType, number: int) -> str:
    """Say what is there in a failing line that may explain its exception.

    Parameters
    ----------
    error : BaseException
    frame : FrameType, in which the line ran
    number : int, of the line

    Returns
    -------
    said : str, one or two sentences of facts; empty if there is nothing to be said
    """
    line = Line(frame, number)
    *_, (last, _) = traceback.walk_tb(error.__traceback__)
    is_theirs = last is frame or isinstance(error, TypeError) or "module 'numpy'" in str(error)
    for kind, say in _KINDS if is_theirs else ():
        if isinstance(error, kind) and (said := say(error, line)):
            return str(said)
    return _say_values(error, line)


def _say_values(error: BaseException, line: Line) -> str:
    """Say what the names of the line stand for."""
    shown = line.shown()
    if isinstance(error, ValueError):  # it is about shapes and sizes
        shown = {name: value for name, value in shown.items() if type(value) is not float}
        if len(shown) > _MOST:
            arrays = {k: v for k, v in shown.items() if isinstance(v, np.ndarray)}
            shown = {**arrays, **shown}
    most = {**dict(list(shown.items())[:_MOST]), **line.turn()}
    here = f"Here {describe(most, dtypes='used as indices' in str(error))}." if most else ""
    return f"{here} {_say_outside(error, line)}".strip()


def _say_outside(error: BaseException, line: Line) -> str:
    """Say of the dout of a loop's layers that no turn of the loop gives it a new value."""
    if "dout must have shape" not in str(error) or not line.loops:
        return ""
    own = {n.id for n in names_in(line.loops[0]) if isinstance(n.ctx, ast.Store)}
    for node in line.find(ast.Call):
        name = node.args[0].id if node.args and isinstance(node.args[0], ast.Name) else ""
        set_in = _lines_that_set(name, line)
        if set_in and name not in own and isinstance(line.local.get(name), np.ndarray):
            return f"{name} is that of line {set_in[-1]} in all turns of the loop."
    return ""


def _lines_that_set(name: str, line: Line) -> list[int]:
    """Return the numbers of the lines of a function in which a name gets its value."""
    inside = (n for n in names_in(line.body) if n.id == name and isinstance(n.ctx, ast.Store))
    return sorted({n.lineno for n in inside})


def _say_name(error: NameError, line: Line) -> str:
    """Say which names there are in place of one that is missing."""
    name = error.name or next(iter(re.findall(r"'(\w+)'", str(error))), "")
    if said := _say_not_imported(name, line):
        return said
    own = held_by(line.local.get("self"))
    if name in own:
        return f"No {name} here; there is self.{name}."
    for node in line.find(ast.Attribute):
        if isinstance(node.value, ast.Name) and node.value.id == name and node.attr in line.names:
            return f"No {name} here; {node.attr} is there by itself, without it."
    if isinstance(error, UnboundLocalError):
        return _say_unset(name, line)
    for key, value in line.local.items():
        if type(value) is dict and name in value:
            return f'No {name} here; there is {key}["{name}"].'
    near = get_close_matches(name, [v for v in line.names if not v.startswith("_")], 2)
    if near and (first := name.partition("_")[0]) != name:
        near += [v for v in line.local if v.startswith(first) and v not in near]
    found = f"the nearest: {', '.join(near)}" if near else f"the names are {_list(line.local)}"
    return f"No {name} here; {found}."


def _say_not_imported(name: str, line: Line) -> str:
    """Say which import a file lacks, of what each file of the package takes from elsewhere."""
    home, file = FUNCTIONS.get(name, ""), str(line.names.get("__name__"))
    if name in line.names or not file.startswith("cs682.") or home == file:
        return ""
    lacking = f"from {home} import {name}" if home else "import numpy as np" * (name == "np")
    return f"No {name} here: at the top of this file `{lacking}` is missing." if lacking else ""


def _say_unset(name: str, line: Line) -> str:
    """Say in which lines a name gets its value, which it has not got."""
    sets = _lines_that_set(name, line)
    is_deleted = any(n.id == name and isinstance(n.ctx, ast.Del) for n in names_in(line.body))
    if not sets or is_deleted:
        return ""
    rows = " and ".join(map(str, sets[:3]))
    return (
        f"{name} gets its value in line{'s' * (len(sets) > 1)} {rows}, which gave it none "
        "in this call."
    )


def _say_key(error: KeyError, line: Line) -> str:
    """Say which keys there are in place of one that is missing."""
    key = error.args[0] if error.args else None
    if type(key) not in (str, int):
        return ""
    for node in line.find(ast.Subscript):
        try:
            owner, wanted = line.value(node.value), line.value(node.slice)
        except LookupError:
            continue
        if type(owner) is dict and wanted == key and key not in owner:
            held = f"has {say_keys(owner)};" if owner else "is an empty dict:"
            said = f"Here {line.quote(node.value)} {held} no {key!r}."
            more = _say_short(key, owner) if isinstance(node.value, ast.Name) else ""
            return f"{said} {more}".rstrip()
    return ""


def _say_short(key: str | int, owner: dict[Any, Any]) -> str:
    """Ask whether a loop ends early, if a key's number lies beyond those that a dict has."""
    parts = [re.fullmatch(r"([A-Za-z]+)(\d{1,3})", str(name)) for name in (key, *owner)]
    wanted, *others = parts
    there = [int(found[2]) for found in others if found and wanted and found[1] == wanted[1]]
    if not wanted or not there or min(there) <= int(wanted[2]) <= max(there):
        return ""
    return f"Does the loop reach {wanted[2]}? range(a, b) and range(a, b, -1) stop before b."


def _say_attribute(error: AttributeError, line: Line) -> str:
    """Say what an object has in place of an attribute that is missing."""
    owner, name = find_lacking(error)
    if isinstance(owner, ModuleType):
        if owner is np and hasattr(np.ndarray, name):
            return f"np has no {name}; each array has: x.{name}()."
        near = get_close_matches(name, vars(owner), 2)
        return f"{owner.__name__} has {' and '.join(near)}." if near else ""
    if type(owner) is dict and name in owner:
        quoted = [line.quote(n.value) for n in line.find(ast.Attribute) if n.attr == name]
        return f'A dict is read by keys: {quoted[0]}["{name}"] is there.' if quoted else ""
    if said := _say_method(type(owner), name):
        return said
    if isinstance(owner, np.ndarray) and hasattr(np, name):
        return f"An array has no {name}; np.{name} is a function of arrays."
    if owner is line.local.get("self") and type(owner).__module__.startswith("cs682."):
        local = {k: v for k, v in line.local.items() if k != "self"}
        own = get_close_matches(name, held_by(owner), 1) or list(held_by(owner))
        said = f"self has {_list(own)}" if own else "self has no attribute yet"
        return f"{said}; the names here are {_list(local)}." if local else f"{said}."
    return ""


def _say_method(home: type, name: str) -> str:
    """Say that a class lacks a method of an exercise, and which others it has."""
    full = f"{home.__name__}.{name}"
    if not any(full in row.functions for row in EXERCISES.values()):
        return ""
    own = [key for key, value in vars(home).items() if isinstance(value, FunctionType)]
    near = get_close_matches(name, own, 1)
    said = f"The class {home.__name__} has no method {name}: was it renamed or deleted?"
    return f"{said} It has {near[0]}." if near else said


def _say_unpacking(error: ValueError, line: Line) -> str:
    """Say what a function returns, if its result did not come apart as the line wants it."""
    if "values to unpack" not in str(error):
        return ""
    for node in line.find(ast.Assign):
        if isinstance(node.value, ast.Call) and (found := _function(node.value.func, line)):
            text = _RETURNS.search(f"\n{inspect.getdoc(found) or ''}")
            entries = (
                re.findall(r"^(\w+(?:, \w+)*) : (.*(?:\n +.*)*)", text[1], re.M) if text else []
            )
            names = ", ".join(name for name, _ in entries)
            if len(entries) == 1:
                names = "a " + " ".join(entries[0][1].replace("``", "").split())[:_PROMISE]
            return f"By its docstring {found.__name__} returns {names}." if names else ""
    return ""


def _say_index(error: IndexError, line: Line) -> str:
    """Say what a place is that argmax gave, if the line takes it for an index as it is."""
    read = {node.id for part in line.nodes for node in names_in(part)}
    flat = [n for n in ast.walk(line.body) if isinstance(n, ast.Assign) and _is_flat(n.value)]
    places = [t.id for n in flat for t in n.targets if isinstance(t, ast.Name) and t.id in read]
    if not places:
        return ""
    return (
        f"{places[0]} comes from argmax without an axis, which counts through all values of an "
        f"array; np.unravel_index makes an index of each axis of it. {_say_values(error, line)}"
    )


def _say_product(error: ValueError, line: Line) -> str:
    """Say that * is no matrix product, if the two arrays that it did not take would fit one."""
    found = re.search(r"broadcast together with shapes (\(\d+,(\d+)\)) (\(\2,\d+\))", str(error))
    for node in line.find(ast.BinOp) if found else ():
        pair = [_shape_of(side, line) for side in (node.left, node.right)]
        if found and isinstance(node.op, ast.Mult) and pair in _either(found[1], found[3]):
            said = "* goes entry by entry. A matrix product is written @, and these shapes fit one."
            return f"{said} {_say_values(error, line)}"
    return ""


def _shape_of(node: ast.AST, line: Line) -> str:
    """Return the shape of an expression as NumPy's errors write it; '?' of a reshaped array."""
    with suppress(LookupError):
        return str(np.shape(line.value(node))).replace(" ", "")
    func = getattr(node, "func", None)
    return "?" if isinstance(func, ast.Attribute) and func.attr == "reshape" else ""


def _either(one: str, other: str) -> list[list[str]]:
    """Return two shapes, and each with the other left open."""
    return [[one, other], ["?", other], [one, "?"]]


def _say_called(error: TypeError, line: Line) -> str:
    """Say why an array cannot be called: its name hides a function, or a bracket is another."""
    if "'numpy.ndarray' object is not callable" not in str(error):
        return ""
    home = vars(sys.modules.get(str(line.names.get("__name__")), builtins))
    names = [n.func.id for n in line.find(ast.Call) if isinstance(n.func, ast.Name)]
    for name in (name for name in names if isinstance(line.local.get(name), np.ndarray)):
        if callable(home.get(name, getattr(builtins, name, None))):
            return f"{name} is an array here, which hides the function {name}: rename one of them."
    said = "An array is no function: its entries stand in square brackets, a[i] or a[i, :]."
    return f"{said} {_say_values(error, line)}"


def _is_flat(node: ast.AST) -> bool:
    """Tell whether an expression is a call of argmax without an axis."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    given = len(node.args) + len(node.keywords)
    is_method = ast.unparse(node.func.value) not in ("np", "numpy")
    return node.func.attr == "argmax" and given + is_method == 1


def _say_parameters(error: TypeError, line: Line) -> str:
    """Say which parameters a function has that was called with others."""
    if not (called := _CALL.match(str(error))):
        return ""
    for node in line.find(ast.Call):
        function = _function(node.func, line)
        name = getattr(function, "__name__", "")
        if function is not None and called[1].strip("_") == name.strip("_"):
            if said := _say_self(function, node, line):
                return said
            return f"{ast.unparse(node.func)} has the parameters {_parameters(function)}."
    return ""


def _say_self(function: Any, node: ast.Call, line: Line) -> str:
    """Say that a method is defined without ``self``, if it is."""
    if not isinstance(function, FunctionType) or not isinstance(node.func, ast.Attribute):
        return ""
    names = list(inspect.signature(function).parameters)
    if "self" in names or function.__name__ not in vars(type(line.local.get("self"))):
        return ""
    start = function.__code__.co_firstlineno
    return (
        f"Line {start} defines {function.__name__}({', '.join(names)}) without self, the first "
        "parameter of each method."
    )


def _function(node: ast.AST, line: Line) -> Any:
    """Return the function that is called; None if that is not known by its name alone."""
    try:
        return line.value(node)
    except LookupError:
        pass
    if not isinstance(node, ast.Attribute):
        return None
    try:
        owner = line.value(node.value)
    except LookupError:
        return None
    if isinstance(owner, np.ndarray):
        return vars(np).get(node.attr)
    home = type(owner)
    return vars(home).get(node.attr) if home.__module__.startswith("cs682.") else None


def _parameters(function: Any) -> str:
    """Return the names of a function's parameters."""
    if isinstance(function, np.ufunc):
        return ", ".join([f"x{i + 1}" for i in range(function.nin)])
    try:
        names = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return "of its docstring"
    return ", ".join(name for name in names if name != "self") or "none"


def _list(names: Any) -> str:
    """Return names as a list; "no name" if there is none."""
    plain = [name for name in names if name.isidentifier() and not name.startswith("__")]
    return ", ".join(plain[:_NAMES]) or "none"


_KINDS: tuple[tuple[type[BaseException], Any], ...] = (
    (Exception, say_other_name),
    (NameError, _say_name),
    (KeyError, _say_key),
    (AttributeError, _say_attribute),
    (ValueError, _say_unpacking),
    (ValueError, _say_product),
    (TypeError, _say_called),
    (TypeError, _say_parameters),
    (IndexError, _say_index),
)

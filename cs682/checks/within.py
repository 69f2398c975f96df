"""What the names in a failing line stand for, read without running anything of a student's."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterator
from types import BuiltinFunctionType, FrameType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from cs682.checks.compare import kind_of

_ITEMS, _KEYS, _LONGEST = 4, 10, 40  # items of a tuple, keys of a dict, characters of a text
_HEADS = ("test", "iter", "items", "subject")  # what a block computes in its first line
_SCOPES = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class Line:
    """A failing line: its statement, and what names stand for where it ran.

    Parameters
    ----------
    frame : FrameType, in which it ran
    number : int, of the line

    Attributes
    ----------
    names, local : dict; all names that are seen there, the function's own
    nodes : list of ast.AST, the statement, or what the first line of a block computes
    tree, body : ast.AST, of the file, and of the innermost function around the line
    loops : list of ast.For, around the line in this function, the outermost first
    """

    def __init__(self, frame: FrameType, number: int) -> None:
        self.local = dict(frame.f_locals)
        self.names = {**frame.f_globals, **self.local}
        self._number = number
        self._text = "".join(linecache.getlines(frame.f_code.co_filename, frame.f_globals))
        try:
            self.tree: ast.AST = ast.parse(self._text)
        except (SyntaxError, ValueError):
            self.tree = ast.Module([], [])
        around = (n for n in ast.walk(self.tree) if isinstance(n, ast.FunctionDef))
        self.body: ast.AST = ([ast.Module([], [])] + [n for n in around if self.is_in(n)])[-1]
        loops = (n for n in ast.walk(self.body) if isinstance(n, ast.For))
        self.loops = [n for n in loops if self.is_in(n)]
        is_inner = frame.f_code.co_name in ("<lambda>", "<listcomp>", "<dictcomp>", "<genexpr>")
        self.nodes = self._find_scope() if is_inner else self._find_nodes()
        inner = [n for n in self.find(*_SCOPES) if not is_inner or n not in self.nodes]
        self._hidden = {name for node in inner for name in _bound(node)}

    def _find_nodes(self) -> list[ast.AST]:
        """Return what the innermost statement around the line computes."""
        around = [n for n in ast.walk(self.tree) if isinstance(n, ast.stmt) and self.is_in(n)]
        if not around:
            return []
        node = max(around, key=lambda n: n.lineno)
        if not hasattr(node, "body"):
            return [node]
        heads = (getattr(node, name, None) for name in _HEADS)
        found = (part for head in heads for part in (head if isinstance(head, list) else [head]))
        return [part for part in found if part is not None]

    def _find_scope(self) -> list[ast.AST]:
        """Return the innermost lambda or comprehension around the line."""
        around = (n for n in ast.walk(self.tree) if isinstance(n, _SCOPES) and self.is_in(n))
        return [*list(around)[-1:]]

    def is_in(self, node: ast.stmt | ast.expr) -> bool:
        """Tell whether the failing line is one of a statement's.

        Parameters
        ----------
        node : ast.stmt or ast.expr
        """
        return node.lineno <= self._number <= (node.end_lineno or 0)

    def find(self, *kinds: type[ast.AST]) -> list[Any]:
        """Return the nodes of these kinds in the failing statement.

        Parameters
        ----------
        *kinds : types of ast.AST
        """
        return [n for part in self.nodes for n in ast.walk(part) if isinstance(n, kinds)]

    def quote(self, node: ast.AST) -> str:
        """Return what is written for an expression.

        Parameters
        ----------
        node : ast.AST
        """
        return ast.get_source_segment(self._text, node) or ast.unparse(node)

    def value(self, node: ast.AST) -> Any:
        """Return what an expression of names, attributes, numbers and keys stands for.

        Parameters
        ----------
        node : ast.AST

        Raises
        ------
        LookupError
            If it is another expression, or stands for nothing.
        """
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Name):
            return self.names[node.id]
        if isinstance(node, ast.Attribute):
            owner = self.value(node.value)
            if node.attr == "T" and type(owner) is np.ndarray:
                return owner.T
            return held_by(owner)[node.attr]
        if isinstance(node, ast.Subscript):
            owner, key = self.value(node.value), self.value(node.slice)
            if type(key) is int and type(owner) in (list, tuple, dict):
                return owner[key]
            if type(key) is str and type(owner) is dict:
                return owner[key]
        return self._key(node)

    def _key(self, node: ast.AST) -> Any:
        """Return a key or an index that is put together: i - 1, f"W{i}", "W%d" % i."""
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return -self._of(node.operand, int)
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):
            left = self._of(node.left, int, str)
            right = self._of(node.right, type(left))
            if isinstance(node.op, ast.Add):
                return left + right
            if type(left) is int:
                return left - right
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
            head, found, tail = self._of(node.left, str).partition("%d")
            if found and "%" not in head + tail:
                return f"{head}{self._of(node.right, int)}{tail}"
        if isinstance(node, ast.JoinedStr):
            return "".join(map(self._part, node.values))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "str" and len(node.args) == 1:
            return str(self._of(node.args[0], int))
        raise LookupError

    def _part(self, node: ast.AST) -> str:
        """Return a part of an f-string that has no format."""
        if isinstance(node, ast.FormattedValue):
            if node.format_spec or node.conversion >= 0:
                raise LookupError
            node = node.value
        return str(self._of(node, str, int))

    def _of(self, node: ast.AST, *kinds: type) -> Any:
        """Return the value of an expression; LookupError if it is of no such type."""
        if type(value := self.value(node)) not in kinds:
            raise LookupError
        return value

    def turn(self) -> dict[str, int]:
        """Return the whole number by which a single loop around the line counts, by name."""
        names = [n.id for n in names_in(self.loops[0].target)] if len(self.loops) == 1 else []
        return {name: v for name in names if type(v := self.local.get(name)) is int}

    def shown(self) -> dict[str, Any]:
        """Return the widest expressions that are read there, with what they stand for."""
        parts = [part for node in self.nodes for part in self._read(node)]
        parts.sort(key=lambda part: part.lineno != self._number)  # the line itself comes first
        return {self.quote(part): self.value(part) for part in parts}

    def _read(self, node: Any) -> Iterator[Any]:
        """Return the widest expressions below a node whose value is known and worth a word."""
        if isinstance(node, (ast.Name, ast.Attribute, ast.Subscript)):
            is_set = isinstance(node.ctx, ast.Store)
            try:
                value = self.value(node)
                is_known = not self._hidden & {
                    n.id for n in ast.walk(node) if isinstance(n, ast.Name)
                }
            except LookupError:
                is_known = False
            if is_known and not is_set:
                if not isinstance(value, (ModuleType, type)) and not _is_self(node):
                    yield node
                return
        for child in self._children(node):
            yield from self._read(child)

    def _children(self, node: Any) -> list[ast.AST]:
        """Return what a node reads, in order."""
        if isinstance(node, ast.Call):
            return [*self._called(node.func), *node.args, *(part.value for part in node.keywords)]
        if isinstance(node, ast.Assign):
            return [node.value, *node.targets]
        if isinstance(node, ast.AugAssign):  # its target is read, too
            return [as_read(node.target), node.value]
        return list(ast.iter_child_nodes(node))

    def _called(self, func: ast.expr) -> list[ast.AST]:
        """Return what is worth a word of what is called: no function, but whose method it is."""
        if isinstance(func, ast.Attribute):
            return [func.value]
        try:
            return [] if callable(self.value(func)) else [func]
        except LookupError:
            return [] if isinstance(func, ast.Name) else [func]


def held_by(owner: Any) -> dict[str, Any]:
    """Return the attributes that an object or a module holds itself; none of its class.

    Parameters
    ----------
    owner : object
    """
    try:
        space = object.__getattribute__(owner, "__dict__")
    except AttributeError:
        return {}
    return space if type(space) is dict else {}


def describe(values: dict[str, Any], *, dtypes: bool = False) -> str:
    """Say what names stand for: x has shape (4, 6), w (6, 5), b is None.

    Parameters
    ----------
    values : dict, by name
    dtypes : bool, whether the type of each array is told, and not only one that is not float64
    """
    said, is_array = [], False
    for name, value in values.items():
        shape = _shape(value, dtypes=dtypes)
        verb = "" if is_array and shape else "has shape " if shape else "is "
        said.append(f"{name} {verb}{shape or say_value(value)}")
        is_array = bool(shape)
    return ", ".join(said)


def _shape(value: Any, *, dtypes: bool = False) -> str:
    """Return an array's shape, and its type if that is wanted or not float64; else empty."""
    if not isinstance(value, np.ndarray):
        return ""
    dtype = np.ndarray.dtype.__get__(value)
    return f"{np.ndarray.shape.__get__(value)}{f' of {dtype}' * (dtypes or dtype != np.float64)}"


def say_value(value: Any) -> str:
    """Return in a few words what a value is: None, 3, a tuple of 2.

    Parameters
    ----------
    value : object
    """
    kind = type(value)
    if value is None or kind in (bool, int, str):
        return _short(repr(value))
    if kind is float or isinstance(value, (np.floating, np.integer, np.bool_)):
        return f"{value:.6g}" if kind is float else str(value)
    if kind is dict:
        return f"a dict with {say_keys(value)}" if value else "an empty dict"
    if kind in (tuple, list):
        return _say_items(value)
    if kind in (FunctionType, BuiltinFunctionType, MethodType, np.ufunc):
        return "a function"
    return f"an array of shape {shape}" if (shape := _shape(value)) else kind_of(value)


def _say_items(value: Any) -> str:
    """Return how long a tuple or a list is, and what it holds."""
    if value and all(type(v) in (int, str) for v in value):
        return _short(repr(value))
    if not value:
        return f"an empty {type(value).__name__}"
    said = f"{kind_of(value)} of {len(value)}"
    if len(value) > _ITEMS:
        return said
    if all(map(_shape, value)):
        return f"{said} array{'s' * (len(value) > 1)} ({', '.join(map(_shape, value))})"
    items = [_say_item(v) for v in value]
    return f"{said} ({' and '.join(filter(None, (', '.join(items[:-1]), items[-1])))})"


def _say_item(value: Any) -> str:
    """Return what an item of a tuple is, without what that holds in turn."""
    if type(value) in (tuple, list):
        return f"{kind_of(value)} of {len(value)}"
    return "a dict" if type(value) is dict else say_value(value)


def say_keys(held: dict[Any, Any]) -> str:
    """Return the keys of a dict that has some.

    Parameters
    ----------
    held : dict
    """
    keys = [_short(repr(key)) for key in held if type(key) in (str, int)][:_KEYS]
    more = [f"{len(held) - len(keys)} more"] * (len(held) > len(keys))
    return ", ".join([*keys, *more])


def _short(text: str) -> str:
    """Return the beginning of a text."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _is_self(node: ast.AST) -> bool:
    """Tell whether a node is the name self."""
    return isinstance(node, ast.Name) and node.id == "self"


def names_in(tree: ast.AST) -> list[ast.Name]:
    """Return the names that are read, set or deleted in a piece of code.

    Parameters
    ----------
    tree : ast.AST
    """
    return [node for node in ast.walk(tree) if isinstance(node, ast.Name)]


def _bound(scope: ast.AST) -> Iterator[str]:
    """Return the names that a lambda or a comprehension has of its own."""
    for node in ast.walk(scope):
        if isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def as_read(node: Any) -> Any:
    """Return a target of an assignment as an expression that is read.

    Parameters
    ----------
    node : ast.AST
    """
    fields = {**dict(ast.iter_fields(node)), "ctx": ast.Load()}
    return ast.copy_location(type(node)(**fields), node)

"""Name what in a hand-in's code reaches beyond NumPy and its own numbers.

Layers need arithmetic on arrays. Who would look into the checks, or measure a gradient, needs more:
a module, the inside of an object, numbers of another kind. That is told from the source, in the
grader's process, which nothing in a hand-in can blind. It costs no points: a person looks.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import lru_cache

from staff.grading.intake.kinds import parse
from staff.grading.intake.package import CODE, ROOT

_MODULES = {  # what students import; the last three are those of older editions
    "__future__", "numpy", "math", "typing", "collections", "functools", "itertools", "copy",
    "time", "random", "warnings", "dataclasses", "builtins", "past", "six",
}  # fmt: skip
_OWN = "cs682"  # of it, the files of exercises, and what each is given with
_NAMES = {
    "gc", "ctypes", "compile", "exec", "eval", "inspect", "threading", "modules", "meta_path",
    "setprofile", "getprofile", "settrace", "gettrace", "_getframe", "_current_frames", "f_back",
    "f_locals", "f_globals", "cell_contents", "gi_frame", "tb_frame",
    "getattr", "setattr", "delattr", "vars", "globals", "locals", "attrgetter",
    "cmath", "complex", "complex64", "complex128", "imag", "longdouble", "clongdouble", "float96",
    "float128", "decimal", "fractions", "Decimal", "Fraction",
}  # fmt: skip
_DUNDER = re.compile(r"__\w+__")
_PLAIN = {"__init__", "__call__", "__name__", "__doc__", "__repr__", "__str__", "__len__",
          "__all__", "__version__", "__main__"}  # fmt: skip


def find_beyond(file: str, text: str) -> list[str]:
    """Return what a file names that no layer needs.

    Parameters
    ----------
    file : str, such as 'cs682/layers.py'
    text : str, its source as it was handed in

    Returns
    -------
    places : list of str, such as 'cs682/layers.py line 3: gc', in the order of lines
    """
    found = sorted(_find(text))
    return [f"{file} line {line}: {name}" for line, name in found if name not in _given(file)]


def _find(text: str) -> set[tuple[int, str]]:
    """Return the lines and names in a source that no layer needs."""
    tree = parse(text)
    nodes = ast.walk(tree) if tree else ()
    return {(getattr(n, "lineno", 0), name) for n in nodes for name in _odd_names(n)}


@lru_cache
def _given(file: str) -> frozenset[str]:
    """Return what a file names of that as it is given out; nothing for a student's own."""
    path = ROOT / file
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    return frozenset(name for _, name in _find(text))


def _odd_names(node: ast.AST) -> Iterator[str]:
    """Give what a node names that no layer needs."""
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        yield from (name for name in _imported(node) if not _is_usual(name))
    value = node.value if isinstance(node, ast.Constant) else None
    if isinstance(value, complex):
        yield "complex"
    named = {value} if type(value) is str else _names_in(node)
    yield from (n for n in named if n in _NAMES or (_DUNDER.fullmatch(n) and n not in _PLAIN))


def _names_in(node: ast.AST) -> set[str]:
    """Return what a node calls something: a variable, an attribute, a function, what it imports."""
    if isinstance(node, ast.alias):
        return {*node.name.split(".")}
    known = (getattr(node, field, None) for field in ("id", "attr", "name"))
    return {name for name in known if isinstance(name, str)}


def _imported(node: ast.Import | ast.ImportFrom) -> list[str]:
    """Return the modules that a statement imports."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if node.module in (None, _OWN):  # `from . import layers`
        return [f"{_OWN}.{alias.name}" for alias in node.names]
    return [f"{_OWN}.{node.module}" if node.level else node.module]


def _is_usual(module: str) -> bool:
    """Tell whether a file of exercises may well import a module."""
    if module.split(".")[0] != _OWN:
        return module.split(".")[0] in _MODULES
    path = module.replace(".", "/")
    is_released = (ROOT / path).is_dir() or (ROOT / f"{path}.py").is_file()
    return f"{path}.py" in CODE or not is_released

"""Name what in a hand-in's code reaches beyond NumPy and its own numbers.

Layers need arithmetic on arrays. Who would look into the checks, or measure a gradient, needs more:
a module, the inside of an object, numbers of another kind. That is told from the source, in the
grader's process, which nothing in a hand-in can blind. It costs no points: a person looks.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from functools import lru_cache

from staff.grading.intake.kinds import parse
from staff.grading.intake.package import CODE, ROOT
from staff.grading.intake.safe_text import shown

_MODULES = {  # what students import; the last three are those of older editions
    "__future__", "numpy", "math", "typing", "collections", "functools", "itertools", "copy",
    "time", "random", "warnings", "dataclasses", "builtins", "past", "six",
}  # fmt: skip
_OF_NUMPY = {  # its modules, but for linalg, random, fft and typing
    "testing", "lib", "core", "f2py", "ctypeslib", "distutils", "compat", "rec", "char", "strings",
    "ma", "emath", "polynomial", "matlib", "matrixlib", "dtypes",
}  # fmt: skip
_VIEWS = "lib.stride_tricks"  # windows for a convolution
_OWN = "cs682"  # of it, the files of exercises, and what each is given with
_NAMES = {
    "gc", "ctypes", "compile", "exec", "eval", "inspect", "threading", "modules", "meta_path",
    "setprofile", "getprofile", "settrace", "gettrace", "_getframe", "_current_frames", "f_back",
    "f_locals", "f_globals", "cell_contents", "gi_frame", "tb_frame",
    "getattr", "setattr", "delattr", "vars", "globals", "locals", "attrgetter",
    "__globals__", "__closure__", "__code__", "__dict__", "__builtins__", "__import__",
    "__subclasses__", "__traceback__", "__array_interface__", "__array_struct__",
    # what evaluates text, or reads files
    "get_type_hints", "ForwardRef", "_eval_type", "singledispatch", "singledispatchmethod",
    "runstring", "open", "fromfile", "memmap", "fromregex", "loadtxt", "genfromtxt", "DataSource",
    # numbers of another kind
    "cmath", "complex", "complex64", "complex128", "imag", "longdouble", "clongdouble", "float96",
    "float128", "decimal", "fractions", "Decimal", "Fraction", "csingle", "cdouble", "cfloat",
    "singlecomplex", "longcomplex", "longfloat", "clongfloat", "complex192", "complex256",
    "sctypeDict", "sctypes", "typecodes", "isqrt", "ldexp", "frexp",
}  # fmt: skip
_LETTERS = re.compile(r"[<>=|]?([DFGg]|[cf](12|16)|c(8|24|32))")  # of the types of such numbers
_DUNDER = re.compile(r"__\w+__")
_PLAIN = {"__init__", "__call__", "__name__", "__doc__", "__repr__", "__str__", "__len__",
          "__all__", "__version__", "__main__"}  # fmt: skip
_CODING = re.compile(r"[ \t\f]*#.*?coding[:=][ \t]*(?!utf-?8\b)[-\w.]", re.IGNORECASE)
_UNREAD, _CODED = "cannot be read as source", "declares a coding"
_CLASS, _LETTER, _FORMAT = "type with three arguments", "a letter of a type", "format of a variable"
_MOST, _LONGEST = 40, 40  # names of a hand-in, and characters of each
_Found = set[tuple[int, str]]  # line, name


def say_beyond(code: Mapping[str, str]) -> str:
    """Say what files name that no layer needs, each name once, the most telling first.

    Parameters
    ----------
    code : dict from a file such as 'cs682/layers.py' to its source as it was handed in

    Returns
    -------
    text : str, such as 'cs682/layers.py line 3: gc; cs682/layers.py line 9: __add__', or empty
    """
    first: dict[str, str] = {}
    for file, text in code.items():
        for name, place in find_beyond(file, text):
            first.setdefault(name, f"{shown(place, 60)}: {shown(name, _LONGEST)}")
    order = sorted(first, key=_is_made_up)
    more = [f"and {len(order) - _MOST} names more"] if len(order) > _MOST else []
    return "; ".join([first[name] for name in order[:_MOST]] + more)


def find_beyond(file: str, text: str) -> list[tuple[str, str]]:
    """Return what a file names that no layer needs.

    Parameters
    ----------
    file : str, such as 'cs682/layers.py'
    text : str, its source as it was handed in

    Returns
    -------
    found : list of (name, place), such as ('gc', 'cs682/layers.py line 3'), in the order of lines
    """
    found = sorted(_find(text))
    return [(name, f"{file} line {line}") for line, name in found if name not in _given(file)]


def _is_made_up(name: str) -> bool:
    """Tell whether a name may be one of any number that hide others: it comes last."""
    last = name.split(".")[-1]
    is_module = last.lstrip("_") in sys.stdlib_module_names or last in _OF_NUMPY
    return not (is_module or last in _NAMES or " " in name or name.startswith(f"{_OWN}."))


def _find(text: str) -> _Found:
    """Return the lines and names in a source that no layer needs."""
    coded = {(i, _CODED) for i, line in enumerate(text.split("\n")[:2], 1) if _CODING.match(line)}
    tree = parse(text)
    if tree is None:
        return {*coded, (1, _UNREAD)}
    nodes = [*ast.walk(tree)]
    found = {(getattr(n, "lineno", 0), name) for n in nodes for name in _odd_names(n)}
    return coded | found | _from_modules(nodes) | _letters(nodes)


@lru_cache
def _given(file: str) -> frozenset[str]:
    """Return what a file names of that as it is given out; nothing for a student's own."""
    path = ROOT / file
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    return frozenset(name for _, name in _find(text))


def _odd_names(node: ast.AST) -> Iterator[str]:
    """Give what a node names that no layer needs."""
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        yield from filter(None, map(_unusual, _imported(node)))
    if isinstance(node, ast.Constant) and isinstance(node.value, complex):
        yield "complex"
    if isinstance(node, ast.Call):
        yield from _odd_call(node)
    text = node.value if isinstance(node, ast.Constant) else None
    for name in _names_in_text(text) if isinstance(text, str) else _names_in(node):
        if name in _NAMES or (_DUNDER.fullmatch(name) and name not in _PLAIN):
            yield name


def _odd_call(node: ast.Call) -> Iterator[str]:
    """Name a class that is made by a call, and a format that does not stand where it is used."""
    called = node.func
    if isinstance(called, ast.Name) and called.id == "type" and len(node.args) > 1:
        yield _CLASS
    if not isinstance(called, ast.Attribute) or called.attr not in ("format", "format_map"):
        return
    if not isinstance(called.value, ast.Constant):  # it may be pieced together: '{0.__di' ...
        yield _FORMAT


def _names_in_text(text: str) -> set[str]:
    """Return a text that may be a name, and the words in it that stand in no prose."""
    return {text, *(word for word in re.findall(r"\w+", text) if "_" in word)}


def _names_in(node: ast.AST) -> set[str]:
    """Return what a node calls something: a variable, an attribute, a function, what it imports."""
    if isinstance(node, ast.MatchClass):
        return {*node.kwd_attrs}
    if isinstance(node, ast.Attribute):
        return {node.attr} - {"open"}  # it may be an object's own; `_is_inside` knows a module's
    known = (getattr(node, field, None) for field in ("id", "name", "arg"))
    return {name for name in known if isinstance(name, str)}


def _letters(nodes: list[ast.AST]) -> _Found:
    """Return where a letter stands for numbers of another kind, not for an order or a key."""
    spared = {id(n.value) for n in nodes if isinstance(n, ast.keyword) and n.arg == "order"}
    spared |= {id(n.slice) for n in nodes if isinstance(n, ast.Subscript)}
    spared |= {id(key) for n in nodes if isinstance(n, ast.Dict) for key in n.keys}
    texts = (n for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str))
    return {
        (n.lineno, _LETTER)
        for n in texts
        if id(n) not in spared and _LETTERS.fullmatch(str(n.value))
    }


def _from_modules(nodes: list[ast.AST]) -> _Found:
    """Return what is taken from inside an imported module, and where one is handed on whole."""
    imports = [alias for n in nodes if isinstance(n, ast.Import) for alias in n.names]
    modules = {a.asname or a.name.split(".")[0]: a.name.split(".")[0] for a in imports}
    attributes = [n for n in nodes if isinstance(n, ast.Attribute)]
    views = {id(n.value) for n in attributes if n.attr == _VIEWS.rpartition(".")[2]}
    found, used = set(), set()
    for node in attributes:
        root: ast.AST = node
        while isinstance(root, ast.Attribute):
            root = root.value
        module = modules.get(root.id, _OWN) if isinstance(root, ast.Name) else _OWN
        used.add(id(root))
        if module != _OWN and id(node) not in views and _is_inside(module, node.attr):
            found.add((node.lineno, node.attr))
    names = (n for n in nodes if isinstance(n, ast.Name) and id(n) not in used)
    whole = {(n.lineno, modules[n.id]) for n in names if modules.get(n.id, _OWN) != _OWN}
    return found | {(line, f"{module} as a value") for line, module in whole}


def _is_inside(module: str, name: str) -> bool:
    """Tell whether a name of a module is no layer's business: its own, or another module."""
    if name == "open":
        return True
    if name.startswith("_"):
        return not _DUNDER.fullmatch(name)
    if module == "numpy":
        return name in _OF_NUMPY or name == "sys"
    return name in sys.stdlib_module_names - _MODULES - {"abc"}


def _imported(node: ast.Import | ast.ImportFrom) -> list[str]:
    """Return the modules that a statement imports, or may."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if node.module in (None, _OWN):  # `from . import layers`
        return [f"{_OWN}.{alias.name}" for alias in node.names]
    module = f"{_OWN}.{node.module}" if node.level else node.module
    if module.startswith(f"{_OWN}.") or _unusual(module):
        return [module]
    return [f"{module}.{alias.name}" for alias in node.names]


def _unusual(module: str) -> str:
    """Return a module, or what is inside it, that no file of exercises imports; or nothing."""
    root, *inner = module.replace(f"numpy.{_VIEWS}", "numpy").split(".")
    if root not in (_OWN, *_MODULES):
        return root
    if root != _OWN:
        return next((f"{root}.{name}" for name in inner if _is_inside(root, name)), "")
    path = module.replace(".", "/")
    is_released = (ROOT / path).is_dir() or (ROOT / f"{path}.py").is_file()
    return module if is_released and f"{path}.py" not in CODE else ""

"""Name what in a hand-in's code reaches beyond NumPy and its own numbers.

Layers need arithmetic on arrays. Who would look into the checks, or measure a gradient, needs more:
a module, the inside of an object, numbers of another kind. What may be taken of modules and of
Python is a list of what is usual (`usual.py`), and a module may not leave sight; of objects, whose
attributes anybody may name, there is a list of what is odd. That is told from the source, in the
grader's process, which nothing in a hand-in can blind. It costs no points: a person looks.
"""

from __future__ import annotations

import ast
import builtins
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import (
    AsyncGeneratorType,
    CodeType,
    CoroutineType,
    FrameType,
    GeneratorType,
    TracebackType,
)

from staff.grading.intake.kinds import codings, ends_at, parse
from staff.grading.intake.package import CODE, ROOT
from staff.grading.intake.safe_text import shown
from staff.grading.results.usual import USUAL

_OWN = "cs682"  # of it, the files of exercises, and what each is given with
_ROOMS = {file.rpartition("/")[0] for file in CODE}
_INSIDE = {  # of frames, generators and the like
    name
    for kind in (
        AsyncGeneratorType, CodeType, CoroutineType, FrameType, GeneratorType, TracebackType
    )
    for name in dir(kind)
    if re.match("[a-z]+_", name)
}  # fmt: skip
_NAMES = _INSIDE | {
    "ctypes", "cffi", "cell_contents", "allow_pickle", "update_wrapper", "wraps",
    "obj",  # what an AttributeError is about: the module itself
    "loads", "find_class",
    # numbers of another kind
    "complex", "complex64", "complex128", "imag", "longdouble", "clongdouble", "float96",
    "float128", "csingle", "cdouble", "cfloat", "singlecomplex", "longcomplex", "longfloat",
    "clongfloat", "complex192", "complex256",
}  # fmt: skip
_MODULES = {  # which are no attributes but of other modules
    "np", "numpy", "mtrand", "itertools", "functools", "warnings", "builtins", "importlib",
    "operator", "copyreg", "sys", "os", "_sys", "_os", "pickle", "marshal", "io", "ast", "gc",
    "inspect", "types", "pathlib", "shutil", "tempfile", "subprocess", "socket", "threading",
    "multiprocessing", "signal", "linecache", "traceback", "pickletools", "mmap",
}  # fmt: skip
_LETTERS = re.compile(r"[<>=|]?([DFGg]|[cf](12|16)|c(8|24|32))")  # of the types of such numbers
_DUNDER = re.compile(r"__\w+__")
_PLAIN = {"__init__", "__call__", "__name__", "__doc__", "__repr__", "__str__", "__len__",
          "__all__", "__version__", "__main__"}  # fmt: skip
_UNREAD, _CODED = "cannot be read as source", "declares a coding"
_CLASS, _LETTER, _FORMAT = "type with three arguments", "a letter of a type", "format of a variable"
_BYTES, _PART, _IN_CLASS = "bytes in the source", "__ in a text", "import in a class"
_BUILTINS = frozenset(dir(builtins))
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
            first.setdefault(name, place)
    order = sorted(first, key=_is_made_up)
    more = [f"and {len(order) - _MOST} names more"] if len(order) > _MOST else []
    told = [f"{shown(first[name], 60)}: {shown(name, _LONGEST)}" for name in order[:_MOST]]
    return "; ".join(told + more)


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
    given = _given(file)
    lines = text.split("\n")
    found = sorted(
        (line, name) for line, name in _find(text) if (name, _at(lines, line)) not in given
    )
    return [(name, f"{file} line {line}") for line, name in found]


def _at(lines: list[str], number: int) -> str:
    """Return a line by its number, without what indents it."""
    return lines[number - 1].strip() if 0 < number <= len(lines) else ""


def _is_made_up(name: str) -> bool:
    """Tell whether a name may be one of any number that hide others: it comes last."""
    module, _, last = name.rpartition(".")
    is_there = module in USUAL and last in _names_of(module)
    is_known = last.lstrip("_") in sys.stdlib_module_names or last in _BUILTINS | _NAMES | _MODULES
    return not (is_there or is_known or " " in name or name.startswith(f"{_OWN}."))


@lru_cache
def _names_of(module: str) -> frozenset[str]:
    """Return the names in a module, if it is loaded."""
    return frozenset(dir(sys.modules.get(module)))


def _find(text: str) -> _Found:
    """Return the lines and names in a source that no layer needs."""
    coded = {(line, _CODED) for line in codings(text)}
    tree = parse(text)
    if tree is None:
        return {*coded, (ends_at(text), _UNREAD)}
    nodes = [*ast.walk(tree)]
    found = {(getattr(n, "lineno", 0), name) for n in nodes for name in _odd_names(n)}
    return coded | found | _from_modules(nodes) | _letters(nodes)


@lru_cache
def _given(file: str) -> frozenset[tuple[str, str]]:
    """Return the names that a file is given out with, each with its line; none for a student's."""
    path = ROOT / file
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    return frozenset((name, _at(text.split("\n"), line)) for line, name in _find(text))


def _odd_names(node: ast.AST) -> Iterator[str]:
    """Give what a node names that no layer needs."""
    match node:
        case ast.Import() | ast.ImportFrom():
            yield from _odd_imports(node)
        case ast.ClassDef() if _has_import(node):
            yield _IN_CLASS
        case ast.Constant(value=str(text)):
            yield from _odd_words(text)
        case ast.Constant(value=bytes()):
            yield _BYTES
        case ast.Constant(value=complex()):
            yield "complex"
        case ast.Call(func=ast.Name(id="type"), args=[_, _, *_] | [ast.Starred()]):
            yield _CLASS
        case ast.Attribute(attr="format" | "format_map", value=ast.Constant()):
            pass
        case ast.Attribute(attr="format" | "format_map"):
            yield _FORMAT  # it may be pieced together: '{0.__di' ...
        case ast.Attribute(attr=name) if name in _MODULES:
            yield name
        case ast.Name(id=name) if name in _BUILTINS - USUAL["builtins"]:
            yield name
    yield from filter(_is_odd, _names_in(node))


def _is_odd(name: str) -> bool:
    """Tell whether no layer calls anything so."""
    return name in _NAMES or (_DUNDER.fullmatch(name) is not None and name not in _PLAIN)


def _odd_words(text: str) -> Iterator[str]:
    """Give the names in a text that are odd ones, and tell of what may be a part of one."""
    for word in {text, *(word for word in re.findall(r"\w+", text) if "_" in word)} - _PLAIN:
        if _is_odd(word):
            yield word
        elif "__" in word and word.replace("_", "a").isidentifier():
            yield _PART


def _names_in(node: ast.AST) -> set[str]:
    """Return what a node calls something: a variable, an attribute, a function, what it imports."""
    if isinstance(node, ast.MatchClass):
        return {*node.kwd_attrs}
    known = (getattr(node, field, None) for field in ("id", "attr", "name", "arg"))
    return {name for name in known if isinstance(name, str)}


def _has_import(node: ast.ClassDef) -> bool:
    """Tell whether a class binds a module, which is then an attribute of that class."""
    left: list[ast.AST] = [*node.body]
    while left:
        match left.pop():
            case ast.Import() | ast.ImportFrom():
                return True
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() | ast.expr():
                continue
            case inner:
                left += ast.iter_child_nodes(inner)
    return False


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
    """Return what is taken of modules that is not usual, and where one is handed on whole.

    What is taken of a name that may stand for several modules is not followed into each.
    """
    bound = _bound(nodes)
    outer = {id(n.value): n for n in nodes if isinstance(n, ast.Attribute)}
    names = [n for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)]
    several = {(n.lineno, f"{n.id} for several modules") for n in names if len(bound[n.id]) > 1}
    alone = [n for n in names if len(bound[n.id]) == 1]
    return several.union(*(_taken(n, m, outer) for n in alone for m in bound[n.id]))


def _bound(nodes: list[ast.AST]) -> defaultdict[str, set[str]]:
    """Return the modules that each name may stand for."""
    bound = defaultdict(set, {"np": {"numpy"}})  # a star may bring it
    for node in nodes:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for module, alias in _imported(node):
                if alias.asname or isinstance(node, ast.ImportFrom):
                    bound[alias.asname or alias.name] |= {module} if _is_module(module) else set()
                else:  # `import numpy.linalg` binds `numpy`
                    bound[module.partition(".")[0]].add(module.partition(".")[0])
    return bound


def _taken(node: ast.expr, module: str, outer: Mapping[int, ast.Attribute]) -> _Found:
    """Return what is odd about the use of a name of a module, followed into modules inside it."""
    while above := outer.get(id(node)):
        inner = f"{module}.{above.attr}"
        if not isinstance(above.ctx, ast.Load):
            return {(above.lineno, f"{module} changed")}
        if not _is_module(inner):
            return {(above.lineno, odd) for odd in [_unusual(inner)] if odd}
        node, module = above, inner
    is_own = module.startswith(f"{_OWN}.")  # what it holds of others is named for its attribute
    return set() if is_own else {(node.lineno, f"{module} as a value")}


def _is_module(path: str) -> bool:
    """Tell whether a path is that of a module of which something is usual, or of the package's."""
    return path in USUAL or path in _released()


@lru_cache(maxsize=1)
def _released() -> frozenset[str]:
    """Return the modules of the package as it is given out, those that hold others as well."""
    files = [path.relative_to(ROOT).with_suffix("") for path in (ROOT / _OWN).rglob("*.py")]
    return frozenset(".".join(path.parts) for file in files for path in (file, file.parent))


def _odd_imports(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    """Give what a statement imports that no layer needs, or under a name that hides a module."""
    for path, alias in _imported(node):
        last = path.rpartition(".")[2]
        if odd := _unusual(path):
            yield odd
        elif path in USUAL and alias.asname not in (None, "np", last):
            yield f"{path} by another name"


def _imported(node: ast.Import | ast.ImportFrom) -> list[tuple[str, ast.alias]]:
    """Return the paths of what a statement imports."""
    if isinstance(node, ast.Import):
        return [(alias.name, alias) for alias in node.names]
    inner = f".{node.module}" if node.module else ""
    start = f"{_OWN}{inner}" if node.level else inner[1:]
    return [(f"{start}.{alias.name}", alias) for alias in node.names]


def _unusual(path: str) -> str:
    """Return what a path leads to, if no file of exercises takes it; or nothing."""
    root, *inner = path.split(".")
    if root == _OWN:
        return _unusual_of_own(inner)
    if root not in USUAL:
        return root
    module = root
    for name in inner:
        if f"{module}.{name}" not in USUAL:
            is_there = module not in sys.modules or name in _names_of(module)  # else for its error
            is_usual = is_there and name in USUAL[module]
            is_usual = is_usual or _DUNDER.fullmatch(name) is not None  # which is told anyway
            return "" if is_usual else f"{module}.{name}"
        module = f"{module}.{name}"
    return ""


def _unusual_of_own(inner: list[str]) -> str:
    """Return a module of the package that is not the student's, or another's found in one."""
    if hidden := [name for name in inner if name in _MODULES]:
        return hidden[0]
    path = _OWN
    while inner and _is_module(f"{path}.{inner[0]}"):
        path, *inner = f"{path}.{inner[0]}", *inner[1:]
    place = path.replace(".", "/")
    return "" if place in _ROOMS or f"{place}.py" in CODE else path

"""Tell what a file is by what it holds: a hand-in's folders may be called anything.

A module of the assignment is known by the functions and classes that it defines, so that files of
the course with the same name (the checks have a `layers.py` too) are never taken for it.
"""

from __future__ import annotations

import ast
import codecs
import re
import warnings
from functools import lru_cache
from pathlib import Path

from cs682._files import judge
from staff.grading.intake.package import CODE, ROOT
from staff.grading.intake.safe_text import shown

_DEFINITION = re.compile(r"^(?:def|class)\s+(\w+)", re.MULTILINE)
_OURS = {file: frozenset(_DEFINITION.findall((ROOT / file).read_text("utf-8"))) for file in CODE}
# Characters that are parsed. The reference's modules have 30,000 at most, and the time for an
# f-string with many fields grows with the square of its length.
_LONGEST = 100_000
# Python keeps each beginning of the dotted name of a module, and sorts the accents of a name one by
# one: memory and time grow with the squares of these. No program has as many.
_DOTS, _FOREIGN = 100, 500
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")
_CODING = re.compile(r"[ \t\f]*#.*?coding[:=][ \t]*(?!utf-?8\b)[-\w.]", re.IGNORECASE)
_PARSED = 16  # trees that are kept: those of one hand-in, for all who look into it
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_NO_PYTHON = (SyntaxError, ValueError, RecursionError, MemoryError)
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def defines(path: Path, file: str) -> bool:
    """Tell whether a file holds what a module of the assignment is asked to hold.

    Returns
    -------
    fits : bool; of notebooks and models, which have names of their own, always true
    """
    return file not in _OURS or bool(_OURS[file] & _names(path))


@lru_cache(maxsize=1000)
def _names(path: Path) -> frozenset[str]:
    """Return the functions and classes at the top of a module, also of one that has an error."""
    return frozenset(_DEFINITION.findall(read_source(path)))


def read_source(path: Path) -> str:
    """Return the text of a module, in whatever encoding an editor has saved it."""
    content = path.read_bytes()
    encoding = "utf-16" if content.startswith(_UTF16) else "utf-8-sig"
    return content.decode(encoding, "replace").replace("\r\n", "\n").replace("\r", "\n")


def codings(text: str) -> list[int]:
    """Return the lines in which a module says that it is in another encoding than UTF-8."""
    return [n for n, line in enumerate(text.split("\n")[:2], 1) if _CODING.match(line)]


@lru_cache(maxsize=_PARSED)
def parse(text: str) -> ast.Module | None:
    """Return the tree of a modest module, only to be read; None if it is no Python."""
    if not _is_modest(text):
        return None
    try:
        return _tree(text)
    except _NO_PYTHON:
        return None


def ends_at(text: str) -> int:
    """Return the line that keeps `parse` from reading a module, 1 if it is none alone."""
    try:
        if _is_modest(text):
            _tree(text)
    except _NO_PYTHON as error:
        return getattr(error, "lineno", None) or 1
    return 1


def _tree(text: str) -> ast.Module:
    """Return the tree of a module, without what Python says of its style."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text)


def _is_modest(text: str) -> bool:
    """Tell whether Python reads a module in little memory and time."""
    lines = text.replace("\\\n", "").split("\n")
    return (
        len(text) <= _LONGEST
        and all(line.count(".") <= _DOTS for line in lines if "import" in line)
        and all(len(letters) <= _FOREIGN for letters in _NOT_ASCII.findall(text))
    )


def written(tree: ast.AST) -> str | None:
    """Return the source of a tree without docstrings; None if Python cannot write what it has read.

    So it is with a line feed within an f-string's braces, or 4300 digits of a number. The tree is
    the same afterwards.
    """
    documented = [node for node in ast.walk(tree) if isinstance(node, _DOCUMENTED)]
    bodies = [(n, n.body) for n in documented if ast.get_docstring(n, clean=False)]
    for node, body in bodies:
        node.body = body[1:] or [ast.Pass()]
    try:
        return ast.unparse(tree)
    except (ValueError, RecursionError):
        return None
    finally:
        for node, body in bodies:
            node.body = body


def remark_on(path: Path, file: str) -> list[str]:
    """Say what keeps a whole module from being run, in the words of the student's own checks.

    Returns
    -------
    remarks : list of str, one at most, for the student
    """
    if file not in CODE:
        return []
    text = read_source(path)
    if not _is_modest(text) or codings(text) or not (trouble := _judge(file, path.read_bytes())):
        return []
    return [f"{file} cannot be run, so none of it counts: {shown(trouble, 300)}"]


def _judge(file: str, content: bytes) -> str:
    """Say what is wrong with a module, without a word of what Python warns of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return judge(file, content, is_compiled=False).partition("\n")[0]

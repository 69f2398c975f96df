"""What a release remembers of what it gave out, so that a student can go back, and forward."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping

from cs682.checks.source import WRITTEN
from cs682.setup.assignment import GIVEN
from cs682.setup.new_release import hash_of
from cs682.setup.reset import ORIGINALS
from staff.release.books import read_book
from staff.release.reference import Cells, Reference

Piece = dict[str, str]


def original_files(files: Mapping[str, bytes], reference: Reference) -> dict[str, bytes]:
    """Return the file that `cs682.setup.reset` reads, by its path.

    What a course hands out solved is in it, too: a student may have begun it before.

    Parameters
    ----------
    files : mapping of str to bytes, the release's own
    reference : Reference that it was cut from
    """
    found: dict[str, list[Piece]] = {}
    for path in sorted(reference.regions.keys() & files.keys()):
        find = _find_cells if path in reference.books else _find_functions
        for exercise, piece in find(path, files[path], reference.regions[path]):
            found.setdefault(exercise, []).append({"file": path, **piece})
    return {ORIGINALS: _dump(found)}


def given_files(files: Mapping[str, bytes], version: str) -> dict[str, bytes]:
    """Return the file that `cs682.setup.update` reads, by its path: what was given out.

    Of the files that students write in it holds the texts, and of all others their SHA-256.

    Parameters
    ----------
    files : mapping of str to bytes, the release's own, in their last form
    version : str, of the release
    """
    written = {path for path in files if path in WRITTEN or path.endswith(".ipynb")}
    texts = {path: files[path].decode() for path in written}
    hashes = {path: hash_of(data) for path, data in files.items() if path not in written}
    return {GIVEN: _dump({"version": version, "texts": texts, "hashes": hashes})}


def _dump(value: object) -> bytes:
    """Return the bytes of a JSON file."""
    return (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _find_cells(path: str, data: bytes, cells: Cells) -> Iterator[tuple[str, Piece]]:
    """Yield each cell of an exercise, and which that is."""
    sources = {cell["id"]: cell["source"] for cell in read_book(data, path)["cells"]}
    for cell, (region, *_) in cells.items():
        yield region.exercise, {"cell": cell, "text": sources[cell]}


def _find_functions(path: str, data: bytes, cells: Cells) -> Iterator[tuple[str, Piece]]:
    """Yield each function of an exercise, or the part of it that is the exercise's own."""
    text = data.decode()
    for region in cells[""]:
        function = _source_of(text, region.name)
        own = next((x for x in (region.stub, region.solution) if x in function), "")
        if not own:  # no part of the course
            continue
        exercises = {other.exercise for other in cells[""] if other.name == region.name}
        piece = {"text": function} if len(exercises) == 1 else _part(function, own, region.exercise)
        yield region.exercise, {"function": region.name, **piece}


def _source_of(text: str, name: str) -> str:
    """Return the lines of a function, decorators included."""
    node = _find(ast.parse(text).body, name)
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    return "".join(text.splitlines(keepends=True)[first - 1 : node.end_lineno])


def _find(body: list[ast.stmt], name: str) -> ast.FunctionDef | ast.ClassDef:
    """Return a ``function`` or a ``Class.method``."""
    own, _, rest = name.partition(".")
    kinds = (ast.FunctionDef, ast.ClassDef)
    node = next(n for n in body if isinstance(n, kinds) and n.name == own)
    return _find(node.body, rest) if rest else node


def _part(function: str, own: str, exercise: str) -> Piece:
    """Return the lines of one exercise in a function, and the given line that leads to them."""
    before, _, _ = function.partition(own)
    lines = before.splitlines()
    tasks = (i for i, line in enumerate(lines) if f"TODO({exercise})" in line)
    first = max(tasks, default=len(lines))  # what is handed out solved has none
    indent = len(own) - len(own.lstrip())
    given = [x for x in lines[:first] if x.strip() and len(x) - len(x.lstrip()) <= indent]
    return {"after": given[-1], "text": "\n".join([*lines[first:], own])}

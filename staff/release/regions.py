"""Marked regions of Python source: find them, turn them into stubs, put them back."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cache

from cs682.checks import EXERCISES, Exercise

BEGIN, END = "# BEGIN SOLUTION", "# END SOLUTION"
_TODO = re.compile(r"\s*# TODO\((?P<id>[^)]*)\): ")
_MARKER = re.compile(r"#+\W*(BEGIN|END)\W*SOLUTIONS?\b", re.IGNORECASE)
_WIDTH = 100  # columns, as the formatter has them


class ReleaseError(ValueError):
    """What keeps a release from being made.

    Parameters
    ----------
    faults : iterable of str, one line each, with file and line where there is one
    """

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


@dataclass(frozen=True)
class Region:
    """One solution between its markers, and what students see of it.

    Attributes
    ----------
    exercise : str, id that its ``# TODO(id):`` line names
    name : str, function, ``Class.method`` or, in a cell, variable that it is about
    todo, begin, end : int, lines of the TODO and of the two markers, counted from 1
    original : str, the lines from marker to marker, with both
    stub : str, the line or lines that stand there in the release
    """

    exercise: str
    name: str
    todo: int
    begin: int
    end: int
    original: str
    stub: str

    @property
    def solution(self) -> str:
        """Return the lines between the markers."""
        return "".join(self.original.splitlines(keepends=True)[1:-1])

    @property
    def refusal(self) -> str:
        """Return what stands there where a course does not ask for it."""
        indent = self.stub[: len(self.stub) - len(self.stub.lstrip())]
        said = f'raise NotImplementedError("{self.name} is no part of this course")'
        return f"{indent}{said}\n"


def find_regions(text: str, file: str, cell: str = "") -> list[Region]:
    """Return the regions of a source text, in order.

    Parameters
    ----------
    text : str, source of a module, or of a notebook's cell
    file : str, where it stands, seen from the root
    cell : str, id of the cell, if it is one

    Raises
    ------
    ReleaseError
        With each marker that is misspelt, orphaned, nested or never closed, each region that does
        not name an exercise of this place, or the line at which the text does not parse.
    """
    where = f"{file}, cell {cell}" if cell else file
    if fault := _syntax_fault(text):
        raise ReleaseError([f"{where}:{fault}"])
    lines = text.splitlines(keepends=True)
    pairs, faults = _pair_markers(text, where)
    tree = ast.parse(text if pairs else "")
    regions = []
    for begin, end in pairs:
        try:
            regions.append(_read_region(lines, tree, begin, end, file if not cell else ""))
        except ValueError as error:
            faults.append(f"{where}:{begin}: {error}")
            continue
        if EXERCISES[regions[-1].exercise].file != file:
            home = EXERCISES[regions[-1].exercise].file
            faults.append(f"{where}:{begin}: {regions[-1].exercise} belongs into {home}")
    if faults:
        raise ReleaseError(faults)
    return regions


def decode(data: bytes, file: str) -> str:
    """Return the text of a source file.

    Parameters
    ----------
    file : str, its name in a fault

    Raises
    ------
    ReleaseError
        If the bytes are no UTF-8.
    """
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ReleaseError([f"{file}:{line}: does not parse: {error}"]) from error


@cache  # a cut reads each file three times, and its tests cut a hundred times
def _syntax_fault(text: str) -> str:
    """Return line and reason if a source text does not parse, else nothing."""
    try:
        ast.parse(text)
    except SyntaxError as error:
        return f"{error.lineno}: does not parse: {error.msg}"
    return ""


def _pair_markers(text: str, where: str) -> tuple[list[tuple[int, int]], list[str]]:
    """Return the line numbers of each pair of markers, and what is wrong with the others."""
    pairs: list[tuple[int, int]] = []
    faults: list[str] = []
    opened = 0
    if not _MARKER.search(text):  # most files; taking a text apart is slow
        return pairs, faults
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type != tokenize.COMMENT or not _MARKER.match(token.string):
            continue
        number, place = token.start[0], f"{where}:{token.start[0]}"
        if token.line.strip() not in (BEGIN, END):
            faults.append(f"{place}: a marker is {BEGIN!r} or {END!r}, alone on its line")
        elif token.string == BEGIN:
            if opened:
                faults.append(f"{place}: nested: the region of line {opened} is still open")
            opened = opened or number
        elif not opened:
            faults.append(f"{place}: orphaned: {END!r} without {BEGIN!r}")
        else:
            pairs.append((opened, number))
            opened = 0
    return pairs, faults + [f"{where}:{opened}: this region is never closed"] * bool(opened)


def _read_region(lines: list[str], tree: ast.Module, begin: int, end: int, file: str) -> Region:
    """Return the region between two markers; without `file` it stands in a notebook's cell."""
    todo = begin - 1
    while (
        todo > 0 and lines[todo - 1].lstrip().startswith("#") and not _TODO.match(lines[todo - 1])
    ):
        todo -= 1
    found = _TODO.match(lines[todo - 1]) if todo > 0 else None
    if not found:
        raise ValueError("this region has no exercise: no `# TODO(id): ...` line leads it")
    if not "".join(lines[begin : end - 1]).strip():
        raise ValueError("this region is empty")
    row = _own_row(found["id"])
    name = row.functions[0]
    if file:
        name = _function_at(tree, begin)
        if name not in row.functions:
            wanted = " and ".join(row.functions)
            raise ValueError(f"{row.id} is {wanted}, but this region is in {name or 'no function'}")
    indent = lines[begin - 1][: len(lines[begin - 1]) - len(lines[begin - 1].lstrip())]
    last = "\n" if lines[end - 1].endswith("\n") else ""
    original = "".join(lines[begin - 1 : end])
    return Region(row.id, name, todo, begin, end, original, _stub(row, name, indent) + last)


def _own_row(exercise: str) -> Exercise:
    """Return the row of an exercise that may own a region."""
    row = EXERCISES.get(exercise)
    if row is None:
        raise ValueError(f"there is no exercise {exercise!r} in the table")
    if row.is_question or row.is_given:
        kind = "a question" if row.is_question else "given in every edition"
        raise ValueError(f"{exercise} is {kind} and owns no region")
    return row


def _function_at(tree: ast.Module, line: int) -> str:
    """Return the dotted name of the innermost function or class that holds a line."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    holding = [
        node
        for node in ast.walk(tree)
        if isinstance(node, kinds) and node.lineno <= line <= (node.end_lineno or 0)
    ]
    return ".".join(node.name for node in sorted(holding, key=lambda node: node.lineno))


def _stub(row: Exercise, name: str, indent: str) -> str:
    """Return what stands in place of a solution, wrapped as the formatter would."""
    said = f'"{name}: see {row.notebook}, section {row.section}"'
    line = f"{indent}raise NotImplementedError({said})"
    if len(line) <= _WIDTH:
        return line
    return f"{indent}raise NotImplementedError(\n{indent}    {said}\n{indent})"


def strip(
    text: str,
    regions: Iterable[Region],
    given: Collection[str] = (),
    left_out: Collection[str] = (),
) -> str:
    """Return a source text as students get it.

    Parameters
    ----------
    regions : iterable of Region, those of this text
    given : collection of str; exercises to hand out solved: without TODO and markers
    left_out : collection of str; exercises that the course does not ask for: without TODO either
    """
    lines = text.splitlines(keepends=True)
    kept, done = [], 0
    for region in regions:
        if region.exercise in given:
            kept += [*lines[done : region.todo - 1], region.solution]
        elif region.exercise in left_out:
            kept += [*lines[done : region.todo - 1], region.refusal]
        else:
            kept += [*lines[done : region.begin - 1], region.stub]
        done = region.end
    return "".join(kept + lines[done:])


def restore(text: str, regions: Iterable[Region], only: Collection[str] | None = None) -> str:
    """Return a released source text with solutions back in their places, markers and all.

    Parameters
    ----------
    text : str, a text whose stubs are as `strip` left them
    regions : iterable of Region, those of the reference's text, in order
    only : collection of str, optional; exercises to restore, the others stay stubs. Default: all

    Raises
    ------
    ValueError
        If a stub is not in its place.
    """
    parts: list[str] = []
    for region in regions:
        before, stub, text = text.partition(region.stub)
        if not stub:
            raise ValueError(f"the stub of {region.exercise} is gone: {region.stub.strip()}")
        chosen = only is None or region.exercise in only
        parts += [before, region.original if chosen else stub]
    return "".join([*parts, text])

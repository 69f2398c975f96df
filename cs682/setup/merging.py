"""Bring together what a student and a course made of the same file, and say where they collide.

Three texts meet: what was given out, what the student has, what the course gives out now. Where
only one of the two changed something, that counts. Where both did, the student's stays, and the two
are told of side by side: nothing is guessed.
"""

from __future__ import annotations

import ast
import json
import re
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any

from cs682._files import find_conflict, judge
from cs682.checks.answers import Cell
from cs682.setup.cells import find_cells, id_of, is_answer, put_in, source_of
from cs682.setup.collision import COLUMN, Collision

_SECTION = re.compile(r"^#+ (\d[\d.]*)", re.MULTILINE)
_BOTH = "these lines are not as they were given out, and the new release changed them, too"
_NONE: Cell = {"source": ""}
RAISES = r'raise NotImplementedError\((\s*"[^"\n]*"\s*)?\)'  # a stub's, on one line or more
_STUB = re.compile(rf"\s*({RAISES}\s*)?")


@dataclass
class Merged:
    """A file in which both have written.

    Attributes
    ----------
    text : str, with what could be brought together, and the student's where it could not
    collisions : list of Collision
    cleared : list of str, cells that lost what they had printed, since they do something else now
    """

    text: str
    collisions: list[Collision] = field(default_factory=list)
    cleared: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Hunk:
    """Lines that replace those from `start` to `end` of what was given out."""

    start: int
    end: int
    by_student: bool
    lines: list[str]


def merge_text(base: str, mine: str, new: str) -> tuple[str, list[tuple[str, str]]]:
    """Bring two texts together that come from the same one, line by line.

    Parameters
    ----------
    base, mine, new : str, what was given out, the student's, the course's

    Returns
    -------
    text : str; the student's lines where both changed the same ones. Where these are a stub, in the
        course's text too, they are the student's to change, and do not collide
    collisions : list of (mine, new), both str; a stub too, where the course words its task anew
    """
    lines, merged, done = base.split("\n"), list[str](), 0
    collisions = []
    for group in _groups(sorted(_hunks(lines, mine, new), key=lambda h: (h.start, h.end))):
        start, end = group[0].start, max(hunk.end for hunk in group)
        merged += lines[done:start]
        one, other = (_apply(lines, start, end, group, student) for student in (True, False))
        sides = {hunk.by_student for hunk in group}
        merged += one if True in sides else other
        if len(sides) > 1 and one != other and not _is_same_stub(lines[start:end], other):
            collisions.append(("\n".join(one), "\n".join(other)))
        done = end
    return "\n".join(merged + lines[done:]), collisions


def _hunks(base: list[str], mine: str, new: str) -> Iterator[_Hunk]:
    """Yield what each of the two changed."""
    for by_student, text in ((True, mine), (False, new)):
        lines = text.split("\n")
        for tag, i1, i2, j1, j2 in SequenceMatcher(None, base, lines, autojunk=False).get_opcodes():
            if tag != "equal":
                yield _Hunk(i1, i2, by_student, lines[j1:j2])


def _groups(hunks: list[_Hunk]) -> Iterator[list[_Hunk]]:
    """Yield the hunks, those together that meet."""
    group: list[_Hunk] = []
    for hunk in hunks:
        if group and not _meets(group, hunk):
            yield group
            group = []
        group.append(hunk)
    if group:
        yield group


def _meets(group: list[_Hunk], hunk: _Hunk) -> bool:
    """Tell whether a hunk changes lines that an earlier one does, or adds some where it ends."""
    end = max(other.end for other in group)
    last = [other for other in group if other.end == end]
    adds = hunk.start == hunk.end or any(other.start == other.end for other in last)
    others = any(other.by_student != hunk.by_student for other in last)
    return hunk.start < end or (hunk.start == end and adds and others)


def _apply(
    lines: list[str], start: int, end: int, group: list[_Hunk], by_student: bool
) -> list[str]:
    """Return the lines from `start` to `end` as one of the two has them."""
    found, done = [], start
    for hunk in group:
        if hunk.by_student == by_student:
            found += [*lines[done : hunk.start], *hunk.lines]
            done = hunk.end
    return found + lines[done:end]


def _is_same_stub(base: list[str], new: list[str]) -> bool:
    """Tell whether lines are but the stub of an exercise, before and now, with the same task."""
    if not any("TODO(" in line or "raise NotImplementedError" in line for line in base):
        return False
    tasks = [[x.strip() for x in part if x.lstrip().startswith("#")] for part in (base, new)]
    code = ("\n".join(x for x in part if not x.lstrip().startswith("#")) for part in (base, new))
    return tasks[0] == tasks[1] and all(_STUB.fullmatch(text) for text in code)


def merge_code(name: str, base: str, mine: str, new: str) -> Merged:
    """Bring a source file together; where both changed the same lines, the student's stay.

    Parameters
    ----------
    name : str, of the file
    base, mine, new : str

    Returns
    -------
    merged : Merged; its text is the student's alone where it would be no Python

    Raises
    ------
    ValueError
        If Git has left a conflict in the student's file.
    """
    if said := find_conflict(mine.encode()):
        raise ValueError(said)
    text, pairs = merge_text(base, mine, new)
    collisions = [Collision(name, _BOTH, *pair) for pair in pairs]
    if judge(name, text.encode()) and not judge(name, mine.encode()):
        reason = "with the new release's changes in it, your file would be no Python"
        return Merged(mine, [Collision(name, reason, mine, new)])
    return Merged(text, collisions)


# --- notebooks


def merge_book(name: str, base: str, mine: str, new: str) -> Merged:
    """Bring a notebook together, cell by cell.

    Cells that the student added, outputs of cells that do what they did, and answers are not
    touched.

    Parameters
    ----------
    name : str, of the file
    base, mine, new : str, the texts of the files

    Returns
    -------
    merged : Merged; its text is the student's own, to the letter, where nothing is new

    Raises
    ------
    ValueError
        If the student's file is no notebook.
    """
    book, own = _read_book(mine)
    given, theirs = (
        {cell["id"]: cell for cell in json.loads(text)["cells"]} for text in (base, new)
    )
    cells = find_cells(list(given.values()), own)
    places = _name_places(name, given.values())
    merging = _BookMerge(book, cells, places, _name_places(name, theirs.values()))
    for key, cell in given.items():
        merging.take(key, cell, theirs.get(key))
    merging.add([cell for key, cell in theirs.items() if key not in given], list(theirs))
    text = json.dumps(book, indent=1, ensure_ascii=False) + "\n" if merging.changed else mine
    return Merged(text, merging.collisions, merging.cleared)


def _read_book(text: str) -> tuple[dict[str, Any], list[Cell]]:
    """Return a student's notebook, and its cells."""
    try:
        book = json.loads(text)
        own = list(book["cells"])
        for cell in own:
            source_of(cell)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        said = find_conflict(text.encode()) or f"is no notebook ({error!r})"
        raise ValueError(said) from error
    return book, own


def book_sources(text: str) -> list[str]:
    """Return what stands in the cells of a notebook, but for answers.

    Parameters
    ----------
    text : str, of the file

    Raises
    ------
    ValueError
        If it is no notebook.
    """
    return [source_of(cell) for cell in _read_book(text)[1] if not is_answer(cell)]


def book_pairs(name: str, given: str, mine: str) -> list[tuple[str, str, str]]:
    """Return the cells of a notebook that were given out, but for answers; '' for what is gone.

    Parameters
    ----------
    name : str, of the file
    given, mine : str, the texts of the files

    Returns
    -------
    pairs : list of (place, given, mine), each a str

    Raises
    ------
    ValueError
        If the student's file is no notebook.
    """
    cells = json.loads(given)["cells"]
    places, own = _name_places(name, cells), find_cells(cells, _read_book(mine)[1])
    return [
        (places[cell["id"]], source_of(cell), source_of(own.get(cell["id"], _NONE)))
        for cell in cells
        if not is_answer(cell)
    ]


def _name_places(name: str, cells: Iterable[Cell]) -> dict[str, str]:
    """Return where each cell stands, by its id: its section, and how it begins."""
    places, section = {}, ""
    for cell in cells:
        source = source_of(cell)
        if cell["cell_type"] == "markdown" and (found := _SECTION.search(source)):
            section = f"section {found[1]}, "
        first = textwrap.shorten(source.strip().partition("\n")[0], COLUMN, placeholder=" ...")
        places[cell["id"]] = f"{name}, {section}the cell that begins with {first}"
    return places


@dataclass
class _BookMerge:
    """A student's notebook, while it takes up what is new."""

    book: dict[str, Any]
    cells: dict[str, Cell]  # the student's, by the ids of those that were given out
    places: dict[str, str]  # by the same
    new_places: dict[str, str]  # of the cells as the course has them now
    changed: bool = False
    collisions: list[Collision] = field(default_factory=list)
    cleared: list[str] = field(default_factory=list)

    def take(self, key: str, given: Cell, new: Cell | None) -> None:
        """Take up what became of one cell that was given out."""
        cell, base = self.cells.get(key), source_of(given)
        if new is not None and source_of(new) == base:
            return
        if new is None:
            self._drop(key, base)
        elif cell is None:
            reason = "you deleted this cell, and the new release changed it"
            self._collide(key, reason, "", source_of(new))
        elif not is_answer(given):
            self._merge(key, cell, base, source_of(new))

    def _merge(self, key: str, cell: Cell, base: str, new: str) -> None:
        """Write what is new into a cell, unless the student changed the same lines."""
        mine = source_of(cell)
        text, pairs = merge_text(base, mine, new)
        for one, other in pairs:
            self._collide(key, _BOTH, one or self._split_off(cell, base), other)
        if not pairs and text != mine:
            is_list = isinstance(cell["source"], list)
            cell["source"] = text.splitlines(keepends=True) if is_list else text
            if cell["cell_type"] == "code" and not _do_the_same(text, mine):
                if cell["outputs"]:
                    self.cleared.append(self.new_places[key])
                cell.update(outputs=[], execution_count=None)
            self.changed = True

    def _split_off(self, cell: Cell, base: str) -> str:
        """Return the given lines of a cell that stand in the student's own cells next to it."""
        own, given = self.book["cells"], {id(other) for other in self.cells.values()}
        at = next(i for i, other in enumerate(own) if other is cell)
        beside = [other for other in own[max(at - 1, 0) : at + 2] if id(other) not in given]
        lines = (line for other in beside for line in source_of(other).split("\n"))
        return "\n".join(line for line in lines if line in base.split("\n"))

    def _drop(self, key: str, base: str) -> None:
        """Remove a cell that the course removed, unless the student wrote in it."""
        cell = self.cells.get(key)
        if cell is None:
            return
        if source_of(cell) != base:
            self._collide(key, "the new release lacks this cell, and you changed it: yours stays")
            return
        self.book["cells"] = [other for other in self.book["cells"] if other is not cell]
        self.changed = True

    def add(self, cells: list[Cell], order: list[str]) -> None:
        """Add the course's new cells."""
        there = {id_of(cell) for cell in self.book["cells"]}
        for cell in (cell for cell in cells if cell["id"] not in there):
            put_in(self.book, cell, order, self.cells)
            self.changed = True

    def _collide(self, key: str, reason: str, *texts: str) -> None:
        self.collisions.append(Collision(self.places[key], reason, *texts))


def _do_the_same(one: str, other: str) -> bool:
    """Tell whether two codes differ in comments and layout alone; False if one is no Python."""
    try:
        return ast.dump(ast.parse(one)) == ast.dump(ast.parse(other))
    except (SyntaxError, ValueError):
        return False

"""Cells of a student's notebook, and those that were given out in their place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

from cs682.checks.answers import Cell


def id_of(cell: Cell) -> str:
    """Return a cell's id, wherever the editor that saved it has put it.

    Parameters
    ----------
    cell : dict
    """
    return str(cell.get("id") or cell.get("metadata", {}).get("id"))


def source_of(cell: Cell) -> str:
    """Return what stands in a cell, with plain line ends.

    Parameters
    ----------
    cell : dict
    """
    return "".join(cell["source"]).replace("\r\n", "\n")


def is_answer(cell: Cell) -> bool:
    """Tell whether a cell is there for a student's answer.

    Parameters
    ----------
    cell : dict
    """
    return "answer" in cell.get("metadata", {}).get("tags", [])


def find_cells(given: list[Cell], own: list[Cell]) -> dict[str, Cell]:
    """Return the student's cell for each given one, by the given one's id.

    Where an editor has thrown all ids away, cells that nobody changed show where the others are.

    Parameters
    ----------
    given, own : list of dict
    """
    found: dict[str, Cell] = {}
    names = {cell["id"] for cell in given}
    for cell in own:
        if id_of(cell) in names:
            found.setdefault(id_of(cell), cell)
    if found:
        return found
    before, now = ([source_of(cell) for cell in cells] for cells in (given, own))
    match = SequenceMatcher(None, before, now, autojunk=False)
    for _, i1, i2, j1, j2 in match.get_opcodes():
        if [c["cell_type"] for c in given[i1:i2]] == [c["cell_type"] for c in own[j1:j2]]:
            ids = (cell["id"] for cell in given[i1:i2])
            found.update(zip(ids, own[j1:j2], strict=True))
    return found


def put_in(
    book: dict[str, Any], cell: Cell, order: Sequence[str], cells: Mapping[str, Cell]
) -> None:
    """Add a given cell to a student's notebook, before the given one that follows it.

    So a student's own cells, an answer's above all, stay below what they belong to.

    Parameters
    ----------
    book : dict, the student's notebook; changed in place
    cell : dict, as it was given out
    order : sequence of str, the ids of all cells that were given out
    cells : mapping of dict by id, as `find_cells` returns it
    """
    behind = order[order.index(cell["id"]) + 1 :]
    following = next((cells[key] for key in behind if key in cells), None)
    own = book["cells"]
    places = (i for i, other in enumerate(own) if other is following)
    own.insert(next(places, len(own)), _fit(cell, book))


def _fit(cell: Cell, book: dict[str, Any]) -> Cell:
    """Return a cell with its id where a notebook's format has it."""
    if book.get("nbformat_minor", 0) >= 5:  # format 4.5 has ids
        return cell
    rest = {key: value for key, value in cell.items() if key != "id"}
    return {**rest, "metadata": {**cell["metadata"], "id": cell["id"]}}

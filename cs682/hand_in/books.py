"""Look at a student's notebook: whether it can be read, and was run from top to bottom.

Imports nothing but Python's own library, so that a broken notebook is told from a broken Python.
"""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any


def read_cells(content: bytes) -> list[dict[str, Any]]:
    """Return the cells of a notebook.

    Parameters
    ----------
    content : bytes of the notebook's file

    Returns
    -------
    cells : list of dict with 'cell_type' and 'source', which is one str

    Raises
    ------
    ValueError
        If it is no notebook of format 4.
    """
    try:
        book = json.loads(content.decode("utf-8"))
    except ValueError as error:  # UnicodeDecodeError is one
        raise ValueError(f"it is no notebook ({error})") from error
    if not isinstance(book, dict) or book.get("nbformat") != 4:
        raise ValueError("it is no notebook of format 4")
    cells = book.get("cells")
    if not isinstance(cells, list) or not all(_is_cell(cell) for cell in cells):
        raise ValueError("its cells are damaged")
    return [{**cell, "source": "".join(cell["source"])} for cell in cells]


def find_gaps(cells: list[dict[str, Any]]) -> list[str]:
    """Say what shows that a notebook was not run from top to bottom without an error.

    Parameters
    ----------
    cells : list of dict, as `read_cells` returns them

    Returns
    -------
    gaps : list of str, a sentence each; empty if it was
    """
    code = [
        (number, cell)
        for number, cell in enumerate(cells, start=1)
        if cell["cell_type"] == "code" and cell["source"].strip()
    ]
    counts = [cell.get("execution_count") for _, cell in code]
    if code and not any(counts):
        return ["it has not been run"]
    return [*_order_gaps(code, counts), *(gap for item in code for gap in _error_gaps(*item))]


def _order_gaps(code: list[tuple[int, dict[str, Any]]], counts: list[Any]) -> list[str]:
    """Look for a cell that was not run, or was run after the one below it.

    The counts need not be 1, 2, ..., n: who runs the last cells once more, as the board's text
    advises after saving, has still run the notebook from top to bottom.
    """
    skipped = [_name(*item) for item, count in zip(code, counts, strict=True) if not count]
    if skipped:
        others = f" and {len(skipped) - 1} more" if len(skipped) > 1 else ""
        return [f"{skipped[0]}{others} not run"]
    for (item, count), (_, following) in pairwise(zip(code, counts, strict=True)):
        if count >= following:
            return [
                f"{_name(*item)} was run after the cell below it: restart the kernel, run all "
                "cells and save"
            ]
    return []


def _error_gaps(number: int, cell: dict[str, Any]) -> list[str]:
    """Name the error that a cell ended in."""
    errors = [o for o in cell.get("outputs", []) if o.get("output_type") == "error"]
    return [f"{_name(number, cell)} ended in {error.get('ename', 'an error')}" for error in errors]


def _is_cell(cell: Any) -> bool:
    return (
        isinstance(cell, dict)
        and isinstance(cell.get("cell_type"), str)
        and isinstance(cell.get("source"), (str, list))
        and all(isinstance(line, str) for line in cell["source"])
        and isinstance(cell.get("outputs", []), list)
        and all(isinstance(output, dict) for output in cell.get("outputs", []))
    )


def _name(number: int, cell: dict[str, Any]) -> str:
    """Name a cell so that it can be found: its place and how it starts."""
    lines = [line for line in cell["source"].splitlines() if line.strip()]
    start = next((line for line in lines if not line.startswith("#")), lines[0])
    return f"cell {number} ({start[:50].strip()})"

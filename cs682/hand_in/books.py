"""Look at a student's notebook: whether it was run from top to bottom."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

_BOARD = "progress()"  # runs after the notebook is saved: the file cannot show that it did


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
        if cell["cell_type"] == "code" and cell["source"].strip() not in ("", _BOARD)
    ]
    counts = [cell.get("execution_count") for _, cell in code]
    if code and not any(counts):
        return ["no cell of it shows that it was run: run them all, and save"]
    return [*_order_gaps(code, counts), *(gap for item in code for gap in _error_gaps(*item))]


def _order_gaps(code: list[tuple[int, dict[str, Any]]], counts: list[Any]) -> list[str]:
    """Look for a cell that was not run, or was run after the one below it.

    The counts need not be 1, 2, ..., n: who runs the last cells once more has still run the
    notebook from top to bottom.
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


def _name(number: int, cell: dict[str, Any]) -> str:
    """Name a cell so that it can be found: its place and how it starts."""
    lines = [line for line in cell["source"].splitlines() if line.strip()]
    start = next((line for line in lines if not line.startswith("#")), lines[0])
    return f"cell {number} ({start[:50].strip()})"

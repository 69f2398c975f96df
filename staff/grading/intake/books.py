"""Notebooks of unknown origin, read once and only if that is cheap."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from cs682.checks.answers import read_cells

MOST_MARKS = 500_000  # each may be a list of its own, of some hundred bytes; plots have a few
_OF_ONE_HAND_IN = 4
_READ = ("id", "cell_type", "source", "metadata")  # not what the cells have put out


def require_few_marks(content: bytes) -> None:
    """Refuse JSON that would take much memory as objects.

    Raises
    ------
    ValueError
        If it has more brackets, braces and commas than `MOST_MARKS`.
    """
    marks = sum(content.count(mark) for mark in (b"[", b"{", b","))
    if marks > MOST_MARKS:
        raise ValueError(
            f"it has {marks} brackets and commas, expected at most {MOST_MARKS}: clear the "
            "outputs of its cells, and save it"
        )


@lru_cache(maxsize=_OF_ONE_HAND_IN)
def read_book(content: bytes) -> tuple[dict[str, Any], ...]:
    """Return the cells of a notebook without their outputs; only to be read.

    Raises
    ------
    ValueError
        If it is no notebook of format 4, or too large to be read.
    """
    require_few_marks(content)
    cells = read_cells(content)
    return tuple({key: cell[key] for key in _READ if key in cell} for cell in cells)

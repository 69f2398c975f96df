"""What a student and a course have both changed, and how the two are shown."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest

COLUMN = 48  # characters of each side
_ROWS = 24  # of one collision, at most


@dataclass(frozen=True)
class Collision:
    """What both have changed.

    Attributes
    ----------
    place : str, a file, or a file and where in it
    reason : str, in words for the student
    mine, new : str, the two texts, as far as they collide; both empty where there is none to show
    """

    place: str
    reason: str
    mine: str = ""
    new: str = ""

    @property
    def file(self) -> str:
        """Return the file alone."""
        return self.place.partition(", ")[0]


def side_by_side(mine: str, new: str) -> str:
    """Return the lines in which two texts differ, in two columns.

    Parameters
    ----------
    mine, new : str
    """
    one, other = (text.expandtabs(4).split("\n") for text in (mine, new))
    rows = [("yours", "the new one")]
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        if tag != "equal":
            for a, b in zip_longest(one[i1:i2], other[j1:j2], fillvalue=""):
                rows += zip_longest(_fold(a), _fold(b), fillvalue="")
    lines = [f"  {a.ljust(COLUMN)} | {b}".rstrip() for a, b in rows[: _ROWS + 1]]
    return "\n".join([*lines, *["  (and more)"] * (len(rows) > _ROWS + 1)])


def _fold(line: str) -> list[str]:
    """Return a line as the rows of a column that it takes."""
    return textwrap.wrap(line, COLUMN, drop_whitespace=False, break_on_hyphens=False) or [""]

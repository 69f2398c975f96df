"""Make text that comes from a student's code fit to be shown."""

from __future__ import annotations

import re

# What temporary folders begin with: a sandbox's and its libraries'. The rest of a name is drawn.
BOX, PYTHON = "cs682-box-", "cs682-python-"
_DRAWN = re.compile(rf"({BOX}|{PYTHON})\w{{8}}")


def clean(text: str, longest: int = 4000) -> str:
    """Return text without control characters, and not too long.

    The part of a folder's name that is drawn anew each time becomes ``...``, so that the same
    hand-in gets the same report.

    Returns
    -------
    text : str, of printable characters and line ends
    """
    lines = _DRAWN.sub(r"\1...", text[: 2 * longest]).expandtabs(4).split("\n")
    kept = "\n".join("".join(c if c.isprintable() else "?" for c in line) for line in lines)
    return kept if len(kept) <= longest else f"{kept[:longest]} ..."

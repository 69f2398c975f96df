"""Tell where given lines of a file that students write in are not as they were given out.

Most often the student has changed them, which is fine. But a file may also have gone back to an
older release that this folder does not remember: in a clone, say, since Git leaves `kept` out.
"""

from __future__ import annotations

import re
from collections import Counter
from difflib import SequenceMatcher

from cs682._files import find_conflict
from cs682.setup.collision import Collision
from cs682.setup.merging import RAISES, Merged, book_pairs


def compare(name: str, given: str, mine: str, version: str) -> Merged:
    """Look over a file, and change nothing in it.

    Parameters
    ----------
    name : str, of the file
    given, mine : str, what was given out, and the student's
    version : str, of the release that gives it out so

    Returns
    -------
    merged : Merged; the student's text, and a collision where given lines are gone. Lines that were
        added, stubs and answers do not count

    Raises
    ------
    ValueError
        If Git has left a conflict in the student's file, or it is no notebook.
    """
    if name.endswith(".ipynb"):
        pairs = book_pairs(name, given, mine)
    elif said := find_conflict(mine.encode()):
        raise ValueError(said)
    else:
        pairs = [(name, given, mine)]
    reason = f"not as {version} gives it out"
    found = [
        Collision(place, reason, *other)
        for place, before, now in pairs
        if (other := _altered(before, now))
    ]
    return Merged(mine, found)


def _altered(given: str, mine: str) -> tuple[str, str] | None:
    """Return the student's lines and the given ones, where given ones are gone; else None."""
    lines, own = re.sub(RAISES, "", given).split("\n"), mine.split("\n")
    before, now = (Counter(line.strip() for line in text) for text in (lines, own))
    lacking = before - now  # a line may stand there more than once
    gone: tuple[list[str], list[str]] = ([], [])
    match = SequenceMatcher(None, lines, own, autojunk=False)
    for tag, i1, i2, j1, j2 in match.get_opcodes():
        texts = {line.strip() for line in lines[i1:i2] if not line.lstrip().startswith("#")}
        if tag != "equal" and (texts - {""}) & lacking.keys():
            gone[0].extend(own[j1:j2])
            gone[1].extend(lines[i1:i2])
    return ("\n".join(gone[0]), "\n".join(gone[1])) if gone[1] else None

"""Make text of unknown origin safe to show: in a sentence, a table's cell, a file name."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence

# What a spreadsheet takes for a formula: at the start of a cell, and a cell starts behind whatever
# its country calls a list separator. The wide forms count in Japanese and Chinese editions.
_FORMULA = re.compile(r"(^|[;,|\t\r\n])([\s\"]*)(?=[=+\-@\t\r\uff1d\uff0b\uff0d\uff20])")
NAMED = 20  # students in one line
FEW = 6  # exercises of each
_LONGEST_SLUG = 40
_DIGITS = 32  # of a hash: nobody finds a second text that has them
_NO_SLUG = re.compile(r"^[.-]|-[0-9a-f]{32}$")  # hidden, an option, or as one made from another id
_LONGEST_CELL = 32_000  # a spreadsheet's own limit: what a person typed is not cut


def shown(text: str, limit: int = 160) -> str:
    r"""Return text on one line, with everything invisible spelled out, cut to a length.

    Parameters
    ----------
    text : str
    limit : int, characters that are kept

    Returns
    -------
    line : str; a line feed becomes the two characters ``\n``, and so do marks that turn the
        direction of writing around
    """
    line = "".join(_visible(character) for character in text[: limit + 1])
    return line if len(line) <= limit else f"{line[:limit]}…"


def writable(text: str) -> str:
    r"""Return text that any file can hold.

    Returns
    -------
    text : str; bytes of a file name that are no UTF-8 are spelled out, such as ``\udce9``, as in
        what is shown
    """
    return text.encode("utf-8", "backslashreplace").decode()


def names(ids: Sequence[str], most: int = NAMED) -> str:
    """Return names in one line, not too many.

    Parameters
    ----------
    ids : sequence of str, each safe to show
    most : int, how many are named
    """
    more = f" and {len(ids) - most} more" if len(ids) > most else ""
    return ", ".join(ids[:most]) + more


def counted(number: float, noun: str) -> str:
    """Return a number with what it counts, such as '1 point' or '2.5 points'."""
    return f"{number:g} {noun}{'s' * (number != 1)}"


def cell(value: object) -> str:
    """Return a value as a cell of a CSV file that no spreadsheet takes for a formula.

    That holds whatever character the spreadsheet takes for the separator of cells.

    Parameters
    ----------
    value : object, shown by its text; numbers stay as they are
    """
    if isinstance(value, (int, float)):
        return str(value)
    return _FORMULA.sub(r"\1'\2", shown(str(value), _LONGEST_CELL))


def uncell(text: str) -> str:
    """Return what `cell` was given, from a cell without surprises inside."""
    return text[1:] if text.startswith("'") and cell(text[1:]) == text else text


def slug(text: str) -> str:
    """Return a file name for an id: the id itself where that is safe, else one made from it.

    Returns
    -------
    name : str, of letters, digits, dot, hyphen and underscore; two ids never share one
    """
    name = re.sub(r"[^A-Za-z0-9._-]", "_", text)[:_LONGEST_SLUG]
    if text and name == text.lower() and not _NO_SLUG.search(name):
        return name
    digest = hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
    return f"{name.lstrip('.-') or 'x'}-{digest}"


def _visible(character: str) -> str:
    """Return a character, or its escape if it is a control, a format mark or no character."""
    hidden = unicodedata.category(character).startswith("C") or character in "\u2028\u2029"
    return character.encode("unicode_escape").decode() if hidden else character

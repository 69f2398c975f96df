"""Find a piece of Python in a file, whatever its spaces, line breaks and comments."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

_SKIPPED = r"\s+|\\\n|#[^\n]*"
_TOKEN = re.compile(
    rf"(?P<skipped>{_SKIPPED})"
    r"|[A-Za-z]{0,2}(?:\"\"\"(?s:.*?)\"\"\"|'''(?s:.*?)'''"  # a string, its quotes and its prefix
    r"|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*')"
    r"|\w+|."
)
_CLOSING = {")", "]", "}"}


class Token(NamedTuple):
    """A word or sign of Python, and where it stands.

    Attributes
    ----------
    text : str
    start, end : int, its first place in the source, and the one behind its last
    """

    text: str
    start: int
    end: int


@lru_cache(maxsize=64)  # the same few solutions are searched for hundreds of pieces
def tokens(source: str) -> tuple[Token, ...]:
    """Return the words and signs of a piece of Python, which need not be whole statements.

    Returns
    -------
    tokens : tuple of Token, without spaces, line breaks and comments, and without a comma right
        before a closing bracket, which comes and goes with a line break
    """
    found = [
        Token(match[0], *match.span())
        for match in _TOKEN.finditer(source)
        if match["skipped"] is None
    ]
    following = [*(token.text for token in found[1:]), ""]
    return tuple(
        token
        for token, after in zip(found, following, strict=False)
        if not (token.text == "," and after in _CLOSING)
    )


def places(piece: str, source: str) -> list[tuple[int, int]]:
    """Return where a piece stands in a source.

    Parameters
    ----------
    piece : str, Python, from a word or sign to another

    Returns
    -------
    places : list of (start, end)
    """
    wanted = [token.text for token in tokens(piece)]
    there = tokens(source)
    texts = [token.text for token in there]
    return [
        (there[i].start, there[i + len(wanted) - 1].end)
        for i in range(len(texts) - len(wanted) + 1)
        if texts[i : i + len(wanted)] == wanted
    ]


def indentation(line: str) -> int:
    """Return how many spaces a line begins with."""
    return len(line) - len(line.lstrip(" "))


def fit(new: str, old: str, source: str, start: int) -> tuple[int, str]:
    """Indent lines as they must be to stand where `old` stands in the source.

    Parameters
    ----------
    new : str, indented in relation to `old`
    old : str, the piece that goes
    start : int, where `old` starts in it

    Returns
    -------
    start : int, where the lines must start: the start of the line, if nothing stands before `old`
    text : str, the lines
    """
    begin = source.rfind("\n", 0, start) + 1
    shift = indentation(source[begin:]) - indentation(old)
    lines = [_shifted(line, shift) for line in new.split("\n")]
    if source[begin:start].strip():
        lines[0] = lines[0].lstrip(" ")
        begin = start
    return begin, "\n".join(lines)


def _shifted(line: str, by: int) -> str:
    """Return a line, unless it is empty, with some spaces more, or less if `by` is negative."""
    if not line.strip():
        return line
    return " " * by + line if by > 0 else line[min(-by, indentation(line)) :]

"""Markdown and formulas of unknown origin as HTML that can do nothing but be read.

Of what the converter makes, only the tags and attributes named here are written again.
"""

from __future__ import annotations

import html
import re
from functools import lru_cache
from html.parser import HTMLParser

LONGEST = 20_000  # characters of an answer
_MOST_MARKS = 1500  # of emphasis and the like: the converter's time grows with their square
_MARKS = "*_~$[`>"
_MOST_BLANKS = 500  # in a row: the converter's time grows with their square
_LONGEST_FORMULA = 2000  # characters; the converter's time grows with the square
_TEXT = {
    "p", "br", "hr", "em", "strong", "del", "code", "pre", "blockquote", "ul", "ol", "li",
    "h1", "h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td", "sub", "sup",
}  # fmt: skip
_MATH = {
    "math", "mrow", "mi", "mn", "mo", "ms", "mtext", "mspace", "mfrac", "msqrt", "mroot", "msub",
    "msup", "msubsup", "munder", "mover", "munderover", "mtable", "mtr", "mtd", "mstyle", "mpadded",
    "mphantom", "menclose", "mfenced", "mmultiscripts",
}  # fmt: skip
_ATTRIBUTES = {"display", "displaystyle", "mathvariant", "stretchy", "fence", "accent", "form"}
_EMPTY = {"br", "hr"}


@lru_cache(maxsize=4000)  # the pages of several readers show the same answers again
def typeset(text: str) -> str:
    """Return Markdown as HTML in which nothing can run, load or lead elsewhere.

    Returns
    -------
    html : str; the text as it was typed where that would take long, or the converter fails or is
        not installed
    """
    plain = f'<div style="white-space: pre-wrap">{html.escape(text)}</div>'
    if max((len(run) for run in re.findall(r"\$[^$]*\$", text)), default=0) > _LONGEST_FORMULA:
        return plain
    if sum(text[:LONGEST].count(mark) for mark in _MARKS) > _MOST_MARKS:
        return plain
    if " " * _MOST_BLANKS in text:
        return plain
    try:
        from cs682.hand_in.pages import render_markdown

        cleaner = _Cleaner()
        cleaner.feed(render_markdown(text[:LONGEST], {}, escape=True))
        cleaner.close()
    except Exception:  # of three libraries, on what a stranger has typed
        return plain
    return cleaner.result()


class _Cleaner(HTMLParser):
    """Writes harmless tags again and everything else as text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []
        self._open: list[str] = []
        self._anchor = False

    def result(self) -> str:
        """Return what was written, with all that is still open closed."""
        return "".join([*self._parts, *(f"</{tag}>" for tag in reversed(self._open))])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Write a tag that is known, with the attributes that are."""
        self._anchor = ("class", "anchor-link") in attrs  # the mark behind a heading
        if tag not in _TEXT | _MATH:
            return
        kept = [(n, v or "") for n, v in attrs if tag in _MATH and n in _ATTRIBUTES]
        words = "".join(f' {name}="{html.escape(value)}"' for name, value in kept)
        self._parts.append(f"<{tag}{words}>")
        if tag not in _EMPTY:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close a tag, and what is open inside of it; one that is not open is none."""
        self._anchor = False
        while tag in self._open:
            last = self._open.pop()
            self._parts.append(f"</{last}>")
            if last == tag:
                break

    def handle_data(self, data: str) -> None:
        """Write text."""
        if not self._anchor:
            self._parts.append(html.escape(data))

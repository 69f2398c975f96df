"""Make text that comes from a student's code fit to be shown."""

from __future__ import annotations


def clean(text: str, longest: int = 4000) -> str:
    """Return text without control characters, and not too long.

    Parameters
    ----------
    text : str, from anywhere
    longest : int, characters that are kept

    Returns
    -------
    text : str, of printable characters and line ends
    """
    lines = text[: 2 * longest].expandtabs(4).split("\n")
    kept = "\n".join("".join(c if c.isprintable() else "?" for c in line) for line in lines)
    return kept if len(kept) <= longest else f"{kept[:longest]} ..."

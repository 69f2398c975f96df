"""The log of a search: one JSON line for what is searched, then one for each training done."""

from __future__ import annotations

import inspect
import json
import os
import zlib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

TYPED = ("<string>", "<stdin>", "<python-input")  # the "files" of code that is in none
FORMAT = "cs682 search 1"  # goes up when older logs can no longer be read


class SearchLog:
    """A file that grows by a whole line at a time; without a path nothing is kept.

    Parameters
    ----------
    path : str, path or None

    Attributes
    ----------
    lines : list of dict, what earlier calls have written, without the head
    """

    def __init__(self, path: str | os.PathLike[str] | None) -> None:
        self.path = None if path is None else Path(path)
        self.lines: list[dict[str, Any]] = []

    def open(self, head: dict[str, Any], say: Callable[[str], None]) -> None:
        """Read what is there, or begin the file.

        A process that is killed while it writes leaves a torn last line, which is cut off.

        Parameters
        ----------
        head : dict, what is searched
        say : callable, prints a line if there was a torn one

        Raises
        ------
        ValueError
            If the file is no log, or that of another search; the message tells the two apart.
        OSError
            If the file cannot be read or made.
        """
        if self.path is None:
            return
        text = _to_json({"format": FORMAT, **head})
        found = _read(self.path, text, say)
        if found:
            _require_same(self.path, found[0], json.loads(text))
            self.lines = found[1:]
        else:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.append(json.loads(text))

    def append(self, line: dict[str, Any]) -> None:
        """Add a line, whole and on the disk when this returns.

        Parameters
        ----------
        line : dict with str keys
        """
        if self.path is None:
            return
        with self.path.open("ab", buffering=0) as file:  # one write, at the end whoever else writes
            file.write(_to_json(line).encode() + b"\n")
            os.fsync(file.fileno())


def _to_json(line: dict[str, Any]) -> str:
    """Write a dict on one line; what JSON has no form for as its repr."""
    return json.dumps(line, default=repr)


def _read(path: Path, head: str, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """Return the complete lines of a log, and cut off a torn last one; `head` may be torn too."""
    content = path.read_bytes() if path.exists() else b""
    whole, torn = content[: content.rfind(b"\n") + 1], content[content.rfind(b"\n") + 1 :]
    lines = []
    for number, text in enumerate(whole.splitlines(), start=1):
        try:
            line = json.loads(text)
        except ValueError as error:
            raise ValueError(f"{path}, line {number} is no JSON ({error}): {text[:60]!r}") from None
        if not isinstance(line, dict):
            raise ValueError(f"{path}, line {number} is no log of a search: {text[:60]!r}")
        lines.append(line)
    if torn:
        if not lines and not head.encode().startswith(torn):
            raise ValueError(f"{path} is no log of this search: {torn[:60]!r}")
        say(f"The last line of {path} was cut off; that run is done again.")
        os.truncate(path, len(whole))
    return lines


def _require_same(path: Path, found: dict[str, Any], head: dict[str, Any]) -> None:
    """Refuse the log of another search."""
    if found.get("format") != FORMAT:
        raise ValueError(f"{path} is no log of a search: its first line is no {FORMAT!r}")
    differing = [key for key in {**head, **found} if found.get(key) != head.get(key)]
    if differing:
        said = "; ".join(
            f"{key} is {found.get(key)!r} there, {head.get(key)!r} here" for key in differing
        )
        raise ValueError(f"{path} is the log of another search: {said}. Give this one another file")


def describe(thing: Any) -> Any:
    """Return what stands in the head of a log for a function or data: enough to tell two apart."""
    if isinstance(thing, partial):
        given = [*thing.args, *(f"{key}={describe(v)}" for key, v in thing.keywords.items())]
        return f"{describe(thing.func)} with {', '.join(map(describe, given))}"
    if isinstance(thing, Mapping):
        return {str(key): describe(value) for key, value in thing.items()}
    if isinstance(thing, np.ndarray):
        mark = zlib.crc32(np.ascontiguousarray(thing).data)
        return f"{thing.dtype} {list(thing.shape)} {mark:08x}"
    if callable(thing):
        name = getattr(thing, "__qualname__", type(thing).__name__)
        return f"{name} {_mark_of_source(thing)}".rstrip()
    return repr(thing)


def _mark_of_source(function: Any) -> str:
    """Return a checksum of the text of a function in a file or a notebook; else nothing.

    Some Pythons keep the text of ``python -c`` and of what is typed at a prompt, others do not. A
    log means the same on each, so such text never counts.
    """
    try:
        if inspect.getfile(function).startswith(TYPED):
            return ""
        return f"{zlib.crc32(inspect.getsource(function).encode()):08x}"
    except (OSError, TypeError):
        return ""

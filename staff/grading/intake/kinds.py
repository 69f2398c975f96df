"""Tell what a file is by what it holds: a hand-in's folders may be called anything.

A module of the assignment is known by the functions and classes that it defines, so that files of
the course with the same name (the checks have a `layers.py` too) are never taken for it.
"""

from __future__ import annotations

import ast
import codecs
import re
import warnings
from functools import lru_cache
from pathlib import Path

from staff.grading.intake.package import CODE, ROOT

_DEFINITION = re.compile(r"^(?:def|class)\s+(\w+)", re.MULTILINE)
_OURS = {file: frozenset(_DEFINITION.findall((ROOT / file).read_text("utf-8"))) for file in CODE}
_MARKERS = re.compile(r"^(?:<{7} |={7}$|>{7} )", re.MULTILINE)
_LONGEST = 200_000  # characters that are parsed; the reference's modules have 20,000
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def defines(path: Path, file: str) -> bool:
    """Tell whether a file holds what a module of the assignment is asked to hold.

    Parameters
    ----------
    file : str, such as 'cs682/layers.py'

    Returns
    -------
    fits : bool; of notebooks and models, which have names of their own, always true
    """
    return file not in _OURS or bool(_OURS[file] & _names(path))


@lru_cache(maxsize=1000)
def _names(path: Path) -> frozenset[str]:
    """Return the functions and classes at the top of a module, also of one that has an error."""
    return frozenset(_DEFINITION.findall(read_source(path)))


def read_source(path: Path) -> str:
    """Return the text of a module, in whatever encoding an editor has saved it."""
    content = path.read_bytes()
    encoding = "utf-16" if content.startswith(_UTF16) else "utf-8-sig"
    return content.decode(encoding, "replace").replace("\r\n", "\n").replace("\r", "\n")


def remark_on(path: Path, file: str) -> list[str]:
    """Say what keeps a whole module from being run, once for all its exercises.

    Parameters
    ----------
    file : str, such as 'cs682/layers.py'

    Returns
    -------
    remarks : list of str, one at most, for the student
    """
    if file not in CODE:
        return []
    if path.read_bytes().startswith(_UTF16):
        return [f"{file} is text in UTF-16, which Python does not read: save it as UTF-8"]
    text = read_source(path)
    if len(_MARKERS.findall(text)) >= 2 and (found := _MARKERS.search(text)):
        line = text.count("\n", 0, found.start()) + 1
        return [
            f"{file} holds the marks of a merge that was not finished (line {line}: "
            f"{found[0].strip()}): choose one of the two versions and take the marks out"
        ]
    return _error_in(text, file)


def _error_in(text: str, file: str) -> list[str]:
    """Name the line at which Python stops reading a module."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text if len(text) <= _LONGEST else "")
    except SyntaxError as error:
        return [f"{file} is no Python, so none of it counts: {error.msg} in line {error.lineno}"]
    except (ValueError, RecursionError, MemoryError) as error:
        return [f"{file} is no Python, so none of it counts: {type(error).__name__}"]
    return []

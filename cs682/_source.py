"""What is wrong with a source file, for kernels and commands that may have no packages yet."""

from __future__ import annotations

import ast
import codecs
import re

from cs682._files import find_conflict

# What keeps an edited file from loading, to follow its name, by the file's path: noted where edits
# are followed. The code from before is still in use then.
not_loaded: dict[str, str] = {}
IN_USE = "Until it is mended, the code from before is still in use."
_ADVICE = {
    TabError: ": use spaces alone, four for each level",
    IndentationError: ": each level takes four spaces, and lines of one block as many",
}
_PARTS = re.compile(r"^ *(?:async +)?(?:def|class) +(\w+)", re.MULTILINE)
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def judge(name: str, content: bytes, *, is_compiled: bool = True) -> str:
    """Say why a source file cannot be read.

    Parameters
    ----------
    name : str, of the file
    content : bytes of the file
    is_compiled : bool, whether to look for what only Python's compiler finds, such as a ``return``
        outside of functions; it may take minutes for a source that was made to

    Returns
    -------
    trouble : str, to follow the file's name; empty if Python takes it
    """
    if said := find_conflict(content) or describe_encoding(content):
        return said
    try:
        flags = 0 if is_compiled else ast.PyCF_ONLY_AST
        compile(content, name, "exec", flags, dont_inherit=True)
    except SyntaxError as error:
        lines = content.decode("utf-8", "replace").splitlines()  # not what lies on the disk by now
        source = "".join(lines[(error.lineno or 1) - 1 :][:1]).strip()
        said = f"{type(error).__name__}: {error.msg}{_ADVICE.get(type(error), '')}"
        quotes = _say_quotes("\n".join(lines[: error.lineno]))
        return f"line {error.lineno}: {said}\n  {source}".rstrip() + quotes
    except (ValueError, RecursionError, MemoryError) as error:
        return f"is no Python: {error}"
    return ""


def _say_quotes(text: str) -> str:
    """Say where triple quotes do not come in pairs: Python stumbles over the docstrings below it.

    Parameters
    ----------
    text : str, of a file, as far as Python has read it
    """
    starts = [*_PARTS.finditer(text)]
    ends = [*(part.start() for part in starts[1:]), len(text)]
    for part, end in zip(starts, ends):  # noqa: B905  # there may be no function
        if text.count('"""', part.start(), end) % 2:
            line = text.count("\n", 0, part.start()) + 1
            return (
                f'\n  {part[1]}, from line {line} on, holds an odd number of """: is one too many?'
            )
    return ""


def describe_encoding(content: bytes) -> str:
    """Say in which encoding a source file is saved, if Python cannot read it.

    Parameters
    ----------
    content : bytes of a file

    Returns
    -------
    trouble : str, to follow the file's name; empty if it is UTF-8, or says what it is
    """
    if content.startswith(_UTF16) or b"\0" in content[:200]:
        return "is saved as UTF-16: save it as UTF-8 (editors call it 'Save with Encoding')"
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        if b"coding" in b"\n".join(content.splitlines()[:2]):
            return ""
        line = content[: error.start].count(b"\n") + 1
        return (
            f"line {line}: a character is not in UTF-8: save the file as UTF-8 (editors call it "
            "'Save with Encoding')"
        )
    return ""

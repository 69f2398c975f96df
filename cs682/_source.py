"""What is wrong with a source file, for kernels and commands that may have no packages yet."""

from __future__ import annotations

import ast
import codecs

from cs682._files import find_conflict

_ADVICE = {
    TabError: ": use spaces alone, four for each level",
    IndentationError: ": each level takes four spaces, and lines of one block as many",
}
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
        return f"line {error.lineno}: {said}\n  {source}".rstrip()
    except (ValueError, RecursionError, MemoryError) as error:
        return f"is no Python: {error}"
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

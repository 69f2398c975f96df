"""Files written whole or not at all, packed to the same bytes, and what is wrong with them.

Needs no package: kernels and commands that have none yet read what is wrong here.
"""

from __future__ import annotations

import ast
import codecs
import os
import re
import symtable
import zipfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import IO
from uuid import uuid4

SOLUTIONS = Path(__file__).with_name("solutions.txt")  # in the self-study edition alone
DATE = (2026, 1, 1, 0, 0, 0)  # of whatever is packed; editors show it as a file's age
_CONFLICT = re.compile(rb"^(<<<<<<<|>>>>>>>)( |\r?$)", re.MULTILINE)
# Said of a file that a student writes in, to follow its name.
MISSING = (
    "is missing: take it back from the editor's trash, from Git (git checkout -- and its name) or "
    "from the zip of the assignment, unpacked in another folder"
)
_AS_TEXT = ". Such a notebook opens as text alone: in JupyterLab right-click it, Open With, Editor"

# What keeps an edited file from loading, to follow its name, by the file's path: noted where edits
# are followed. The code from before is still in use then.
not_loaded: dict[str, str] = {}
IN_USE = "Until it is mended, the code from before is still in use."
_ADVICE = {
    TabError: ": use spaces alone, four for each level",
    IndentationError: ": each level takes four spaces, and lines of one block as many",
}
_LONGEST = 200  # letters of a line that are looked through
_SLIPS = (  # what is no Python, in the line of a SyntaxError -> how Python says it
    (
        r"(?:\b[A-Za-z_]\w*|[)\]])\s*\.[*/^]",
        "Python has no .* ./ .^: * and / go entry by entry as they are, and ** is the power",
    ),
    (
        r"^[^'\"]*(?:\b(?![fbruFBRU]{1,2}')[A-Za-z_]\w*|[)\]])'(?!\w)",
        "if ' is a transpose: Python writes it .T, as in w.T",
    ),
    (
        r"^(?!def ).*\w\((?:[^()]*,)?\s*:\s*[,)]",
        "entries of an array stand in square brackets: a[i, :]",
    ),
    (r"[\w\])](?:\+\+|--)\s*(?:[;),]|$)", "Python has no ++ and --: write t += 1 or t -= 1"),
    (r"&&|\|\|", "Python writes `and` and `or` in place of && and ||"),
    (r"~=", "Python writes != in place of ~="),
)
_PARTS = re.compile(r"^ *(?:async +)?(?:def|class) +(\w+)", re.MULTILINE)
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that takes the place of `path` once it is complete, and else leaves no trace.

    Parameters
    ----------
    path : Path, in a folder that is there
    """
    unfinished = path.with_name(f".{path.name[:100]}.{uuid4().hex}.part")  # same folder, same disk
    try:
        with unfinished.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def pack(
    file: IO[bytes],
    files: Mapping[str, bytes],
    executable: Collection[str] = (),
    *,
    compression: int = zipfile.ZIP_DEFLATED,
) -> None:
    """Write a zip whose bytes depend on nothing but what is packed.

    Parameters
    ----------
    file : binary file, written to
    files : mapping of bytes by name
    executable : collection of str, names with an execute bit
    compression : int, of `zipfile`; ``ZIP_STORED`` for bytes that no compressor's version changes
    """
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in sorted(files.items()):
            member = zipfile.ZipInfo(name, DATE)
            mode = 0o755 if name in executable else 0o644
            member.create_system, member.external_attr = 3, (0o100000 | mode) << 16  # 3: Unix
            archive.writestr(member, content, compression)


def find_conflict(content: bytes) -> str:
    """Say where Git has left a conflict.

    Parameters
    ----------
    content : bytes of a file

    Returns
    -------
    trouble : str, to follow the file's name; empty if there is none
    """
    found = _CONFLICT.search(content)
    if not found:
        return ""
    line = content[: found.start()].count(b"\n") + 1
    is_book = content.lstrip().startswith(b"{")
    return (
        f"line {line}: Git has left a conflict here, between lines that begin with <<<<<<< and "
        f">>>>>>>: keep what you want of it and delete these lines and ======={_AS_TEXT * is_book}"
    )


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
        read = lines[: error.lineno]
        more = _say_quotes("\n".join(read)) + _say_outdented(read) * ("unindent" in error.msg)
        more = more or _say_slip(source)
        return f"line {error.lineno}: {said}\n  {source}".rstrip() + more
    except (ValueError, RecursionError, MemoryError) as error:
        return f"is no Python: {error}"
    return ""


def say_lost_import(content: bytes, root: Path) -> str:
    """Say which name a source file imports that another file of the package does not hold.

    Where that was renamed in a running kernel, the name lives on in the files that imported it.

    Parameters
    ----------
    content : bytes of a file that Python takes
    root : Path, the folder that the package lies in

    Returns
    -------
    trouble : str, to follow the file's name, in Python's words; empty if there is none
    """
    for line, module, names in _imports(content):
        file = root / f"{module.replace('.', '/')}.py"
        held = _held(file.read_bytes()) if file.is_file() else None
        for name in names:
            if held is not None and name not in held:
                return (
                    f"line {line} does not load: ImportError: cannot import name {name!r} "
                    f"from {module!r}: was it renamed or deleted there?"
                )
    return ""


@lru_cache(maxsize=64)  # each cell of a notebook asks, mostly of files that are as before
def _imports(content: bytes) -> list[tuple[int, str, list[str]]]:
    """Return what a source file imports by name from the package: line, module and names."""
    nodes = [node for node in ast.parse(content).body if isinstance(node, ast.ImportFrom)]
    ours = [node for node in nodes if (node.module or "").startswith("cs682.")]
    return [
        (n.lineno, str(n.module), [alias.name for alias in n.names if alias.name != "*"])
        for n in ours
    ]


@lru_cache(maxsize=64)  # likewise
def _held(content: bytes) -> frozenset[str] | None:
    """Return the names that a source file gives a value to; None if that cannot be told."""
    try:
        symbols = symtable.symtable(content.decode(), "a file", "exec").get_symbols()
        has_star = any(
            alias.name == "*"
            for node in ast.walk(ast.parse(content))
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        )
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    names = {s.get_name() for s in symbols if s.is_assigned() or s.is_imported()}
    return None if has_star or "__getattr__" in names else frozenset(names)


def _say_slip(source: str) -> str:
    """Say how Python writes what another language has in a line that Python does not take.

    Parameters
    ----------
    source : str
    """
    code = source[:_LONGEST].partition("#")[0]
    return next((f"\n  {said}" for slip, said in _SLIPS if re.search(slip, code)), "")


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


def _say_outdented(lines: list[str]) -> str:
    """Say which line above a function or class starts further left: it may be the one to move.

    Parameters
    ----------
    lines : list of str, of a file, as far as Python has read it
    """
    *above, last = lines
    if not _PARTS.match(last):
        return ""
    indent = len(last) - len(last.lstrip())
    left = [(n, x) for n, x in enumerate(above, 1) if x.strip() and not x[:indent].isspace()]
    return f"\n  Line {left[-1][0]} starts further left: {left[-1][1].strip()}" if left else ""


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


def find_renamed(book: Path) -> str:
    """Say which notebook a missing one may be by now.

    Parameters
    ----------
    book : Path of the missing one

    Returns
    -------
    text : str, to follow that it is missing; empty if none beside it has its name in its own
    """
    near = [path.name for path in sorted(book.parent.glob(f"*{book.stem}*.ipynb"))]
    return f": is it {' or '.join(near)}? Then name that {book.name} again" if near else ""


def say_copies(original: Path, given: Collection[Path] = ()) -> Iterator[str]:
    """Say which files beside one have its name in their own, and other content.

    Parameters
    ----------
    original : Path of a notebook, or a file of code, that was given out
    given : collection of Path, what else was given out

    Yields
    ------
    text : str
    """
    content = original.read_bytes() if original.is_file() else None
    for path in sorted(original.parent.glob(f"*{original.stem}*{original.suffix}")):
        if content is not None and path not in given and path.read_bytes() != content:
            yield f"{path.name} does not count, nor is it handed in: write into {original.name}"

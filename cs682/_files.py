"""Files that appear whole or not at all, zips of the same bytes each time, conflicts, new names."""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
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


def say_copies(book: Path) -> Iterator[str]:
    """Say which notebooks beside one have its name in their own, and other content.

    Parameters
    ----------
    book : Path of a notebook that was given out

    Yields
    ------
    text : str
    """
    content = book.read_bytes() if book.is_file() else None
    for path in sorted(book.parent.glob(f"*{book.stem}*.ipynb")):
        if content is not None and path.read_bytes() != content:
            yield f"{path.name} does not count, nor is it handed in: write into {book.name}"

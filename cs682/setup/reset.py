"""Put one exercise back to what was given out, and keep what stood there.

A release knows what it gave out: `originals.json` beside this file holds the functions and cells
of each exercise, with its stub, or with the code where a course hands that out. A function is put
back whole, given lines and docstring with it; where two exercises share one, the part of the other
stays as it is.
"""

from __future__ import annotations

import codecs
import io
import itertools
import json
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cs682._files import MISSING, describe_encoding, judge, replacing
from cs682.checks.answers import Cell, find_question, has_answer_cell, read_book, read_cells
from cs682.checks.exercises import Exercise
from cs682.checks.names import find_exercise
from cs682.checks.solutions import forget_ask
from cs682.setup.assignment import GIVEN, KEPT, PACKAGE_HOME
from cs682.setup.cells import id_of, put_in
from cs682.setup.remembered import read_given

Piece = dict[str, str]
ORIGINALS = "cs682/setup/originals.json"  # written when a release is cut
_RENAMED = "give it its name, or copy it from the zip that you were given"
_READ_ANEW = "Is the file open in an editor? Then have it read anew, before you save."
_CODE_STAYS = "your code in {} stays: the same command again puts that back."
_FRESH = "the zip holds it, and after an update the folder kept does"


class ResetError(RuntimeError):
    """Why an exercise cannot be put back, in words for the user; nothing was changed then."""


@dataclass
class _File:
    """A file's text, and what it takes to write it in the form that it has."""

    path: Path
    name: str
    text: str
    bom: bytes
    newline: str

    def write(self) -> None:
        """Write the file, whole or not at all."""
        with replacing(self.path) as file:
            file.write(self.bom + self.text.encode())

    def set_book(self, book: dict[str, Any]) -> None:
        """Change the text to that of a notebook."""
        text = json.dumps(book, indent=1, ensure_ascii=False) + "\n"
        self.text = text.replace("\n", self.newline)


def reset(name: str, root: Path = PACKAGE_HOME) -> str:
    """Put an exercise back to what was given out, and keep what stood there in the folder `kept`.

    If cells of it are gone from its notebook, these are put in, and nothing else is changed. Where
    the code is in a file, that is the cell with its check.

    Parameters
    ----------
    name : str, as for `cs682.checks.names.find_exercise`
    root : Path, the folder of the assignment

    Returns
    -------
    text : str, what was done, for the user

    Raises
    ------
    ValueError
        If the name means no exercise, or several, or one that has no stub.
    ResetError
        If this copy does not know the stub, cannot find its place, or cannot be written to.
    """
    row = find_exercise(name)
    originals = _read_originals(root)
    if said := _bring_cells_back(row, originals.get(row.id, []), root):
        return said
    pieces = _pieces_of(row, originals, root)
    files = {piece["file"]: _read(root, piece["file"]) for piece in pieces}
    olds = [_put_back(row, piece, files[piece["file"]]) for piece in pieces]
    forget_ask(row.id, root)
    if olds == [piece["text"] for piece in pieces]:
        return f"{row.id} is as it was given out: there is nothing to put back"
    try:
        kept = _keep(row, root, pieces, olds)
        for file in files.values():
            file.write()
    except OSError as error:
        raise ResetError(f"{root} cannot be written to: {error.strerror}") from error
    return _describe(row, kept.relative_to(root).as_posix(), files)


def _read_originals(root: Path) -> dict[str, list[Piece]]:
    """Return the functions and cells of each exercise as they were given out."""
    try:
        originals: dict[str, list[Piece]] = json.loads((root / ORIGINALS).read_bytes())
    except FileNotFoundError:
        raise ResetError(
            f"{root} is no release but the source that releases are cut from: only a release knows "
            "what it gave out"
        ) from None
    except (OSError, ValueError) as error:
        raise ResetError(f"{ORIGINALS} is damaged ({error}): fetch the assignment again") from error
    return originals


def _pieces_of(row: Exercise, originals: dict[str, list[Piece]], root: Path) -> list[Piece]:
    """Return the functions or cells of an exercise."""
    if row.is_question:
        raise ValueError(f"{row.id} cannot be put back: it is a question: empty its cell")
    if row.id in originals:
        return originals[row.id]
    text = read_given(root / GIVEN).texts.get(row.file)
    if text is None:
        raise ValueError(f"{row.id} cannot be put back: it is given, and has no stub: {_FRESH}")
    file = _File(root / row.file, row.file, text, b"", "\n")
    return [_given_piece(name, file) for name in row.functions]


def _given_piece(name: str, file: _File) -> Piece:
    """Return a function that was given complete, from a file as it was given out."""
    lines = file.text.splitlines(keepends=True)
    start, end = _find_function(lines, name, file, is_python=True)
    return {"file": file.name, "function": name, "text": "".join(lines[start:end])}


def _read(root: Path, name: str) -> _File:
    """Return a file that a student has written in."""
    try:
        data = (root / name).read_bytes()
        text = data.decode("utf-8-sig")
    except FileNotFoundError as error:
        raise ResetError(f"{name} {MISSING}") from error
    except OSError as error:
        raise ResetError(f"{name} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ResetError(f"{name} {describe_encoding(data) or error}") from error
    bom = codecs.BOM_UTF8 if data.startswith(codecs.BOM_UTF8) else b""
    newline = "\r\n" if text.partition("\n")[0].endswith("\r") else "\n"
    return _File(root / name, name, text, bom, newline)


def _put_back(row: Exercise, piece: Piece, file: _File) -> str:
    """Change a file's text; return what stood there, with plain line ends."""
    if "cell" in piece:
        return _put_cell_back(row, piece, file)
    lines = io.StringIO(file.text, newline="").readlines()
    is_python = not judge(file.name, file.text.encode())
    start, end = _find_function(lines, piece["function"], file, is_python=is_python)
    if "after" in piece:
        start, end = _find_part(lines[:end], start, piece, file)
    old = "".join(lines[start:end]).replace("\r\n", "\n")
    lines[start:end] = [piece["text"].replace("\n", file.newline)]
    file.text = "".join(lines)
    if is_python and judge(file.name, file.text.encode()):
        raise ResetError(f"{file.name}: where {piece['function']} ends cannot be told")
    return old


def _find_function(lines: list[str], name: str, file: _File, *, is_python: bool) -> tuple[int, int]:
    """Return the first line of a function, a decorator's if any, and the one behind its last."""
    start, end = -1, len(lines)
    for depth, part in enumerate(name.split(".")):
        indent = " " * 4 * depth
        found = [
            i for i in range(start + 1, end) if re.match(rf"{indent}(def|class) {part}\b", lines[i])
        ]
        if len(found) != 1:
            count = f"{len(found)} times" if found else "nowhere"
            trouble = judge(file.name, file.text.encode()).partition("\n")[0]
            said = f"{file.name} defines {name} {count}, expected once"
            raise ResetError(f"{said} ({trouble})" if trouble else f"{said}: {_RENAMED}")
        start = found[0]
        end = _end_of_block(lines[:end], start, 4 * depth, is_python=is_python)
    while start > 0 and re.match(r"\s*@", lines[start - 1]):
        start -= 1
    return start, end


def _end_of_block(lines: list[str], start: int, indent: int, *, is_python: bool) -> int:
    """Return the line behind a function's or a class's last one.

    In a file that is no Python, lines that lost their indentation count as part of it.
    """
    next_one = r"[@A-Za-z_]" if is_python else r"(@|(async def|def|class)\b)"
    head = re.compile(rf" {{0,{indent}}}{next_one}")
    end = next((i for i in range(start + 1, len(lines)) if head.match(lines[i])), len(lines))
    while re.match(rf"\s*$| {{0,{indent}}}#", lines[end - 1]):  # it belongs to what follows
        end -= 1
    return end


def _find_part(lines: list[str], start: int, piece: Piece, file: _File) -> tuple[int, int]:
    """Return the lines of an exercise in a function that it shares: behind a given line."""
    after, text = piece["after"], piece["text"]
    found = [i for i in range(start, len(lines)) if lines[i].rstrip() == after]
    if len(found) != 1:
        raise ResetError(
            f"{file.name}: {piece['function']} serves two exercises, and `{after.strip()}`, which "
            f"tells them apart, is there {len(found)} times: write that line as it was given"
        )
    begin, inner = found[0] + 1, _indent(text)
    if inner == _indent(after):  # behind the block that this line opens
        begin = _next_within(lines, begin, inner)
    end = _next_within(lines, begin, inner - 1)
    while end > begin and not lines[end - 1].strip():
        end -= 1
    return begin, end


def _indent(line: str) -> int:
    """Return how many blanks a line begins with."""
    return len(line) - len(line.lstrip(" "))


def _next_within(lines: list[str], begin: int, indent: int) -> int:
    """Return the first line from `begin` on that is indented by at most so much."""
    numbers = range(begin, len(lines))
    return next(
        (i for i in numbers if lines[i].strip() and _indent(lines[i]) <= indent), len(lines)
    )


def _put_cell_back(row: Exercise, piece: Piece, file: _File) -> str:
    """Change a cell in a notebook's text, and forget its outputs; return its source."""
    book = _read_book(file)
    cells = {id_of(cell): cell for cell in book["cells"]}
    if piece["cell"] not in cells:
        raise ResetError(
            f"{file.name} has no cell {piece['cell']!r} any more: make a new one for {row.id}, and "
            f"write into it\n\n{piece['text']}"
        )
    cell = cells[piece["cell"]]
    old = "".join(cell["source"])
    if old != piece["text"]:
        source = piece["text"].splitlines(keepends=True)
        cell.update(source=source, outputs=[], execution_count=None)
        file.set_book(book)
    return old


def _read_book(file: _File) -> dict[str, Any]:
    """Return the notebook that a file holds."""
    try:
        return read_book(file.text.encode())
    except ValueError as error:
        raise ResetError(f"{file.name}: {error}") from error


def _bring_cells_back(row: Exercise, pieces: list[Piece], root: Path) -> str:
    """Put in what is gone from a notebook of the cells of an exercise; say so, '' if nothing is."""
    name = f"notebooks/{row.notebook}"
    text = read_given(root / GIVEN).texts.get(name)
    if text is None:
        return ""
    try:
        file = _read(root, name)
        book = _read_book(file)
    except ResetError:
        if row.file == name:
            raise
        return ""  # the code can be put back all the same
    count = _put_in_what_is_gone(row, pieces, file, book, text)
    if not count:
        return ""
    file.set_book(book)
    try:
        file.write()
    except OSError as error:
        raise ResetError(f"{name} cannot be written to: {error.strerror}") from error
    them = "the cell that was" if count == 1 else "the cells that were"
    rest = "all others stay as they are." if row.file == name else _CODE_STAYS.format(row.file)
    return f"{row.id} has {them} gone, in {name}; {rest}\n{_READ_ANEW}"


def _put_in_what_is_gone(
    row: Exercise, pieces: list[Piece], file: _File, book: dict[str, Any], text: str
) -> int:
    """Put into a notebook those cells of an exercise that it lacks; return how many."""
    given, as_written = read_cells(text.encode()), read_book(text.encode())["cells"]
    order = [cell["id"] for cell in given]
    own = {id_of(cell): cell for cell in book["cells"] if id_of(cell) in order}
    wanted = _cells_of(row, pieces, given, file)
    gone = [cell for cell in as_written if cell["id"] in wanted and cell["id"] not in own]
    if not own:  # an editor may have thrown all ids away
        return 0
    for cell in gone:
        put_in(book, cell, order, own)
    return len(gone)


def _cells_of(row: Exercise, pieces: list[Piece], given: list[Cell], file: _File) -> list[str]:
    """Return the ids of the cells that an exercise has in a notebook, and needs."""
    if row.file == file.name:
        return _question_cells(row.id, given, file) or [piece["cell"] for piece in pieces]
    call = f'check("{row.id}"'
    if any(call in cell["source"] for cell in read_cells(file.text.encode())):
        return []
    return [cell["id"] for cell in given if call in cell["source"]]


def _question_cells(exercise: str, given: list[Cell], file: _File) -> list[str]:
    """Return the ids of a question and the cell for its answer, if that is gone from a file."""
    question = find_question(exercise, given)
    if question is None or has_answer_cell(exercise, read_cells(file.text.encode())):
        return []
    place = given.index(question)
    return [cell["id"] for cell in given[place : place + 2]]


def _keep(row: Exercise, root: Path, pieces: list[Piece], olds: list[str]) -> Path:
    """Write what stood there into a file of its own, which is named by exercise and time."""
    places = (f"# {p['file']}, {p.get('function', p.get('cell'))}" for p in pieces)
    texts = [f"{place}\n\n{old.rstrip()}\n" for place, old in zip(places, olds, strict=True)]
    folder = root / KEPT
    folder.mkdir(exist_ok=True)
    stem = f"{row.id}-{datetime.now().astimezone():%Y-%m-%d-%H%M%S}"
    names = (f"{stem}{f'-{n}' if n else ''}.py" for n in itertools.count())
    path = next(folder / name for name in names if not (folder / name).exists())
    with replacing(path) as file:
        file.write("\n\n".join(texts).encode())
    return path


def _describe(row: Exercise, kept: str, files: dict[str, _File]) -> str:
    """Say what was done, and what is still amiss."""
    state = "as the course gives it" if row.is_given else "open again"
    lines = [
        f"{row.id} is {state}, in {' and '.join(files)}. What stood there is in {kept}",
        "Do you want some of it back? Copy it from there.",
        _READ_ANEW,
    ]
    for file in files.values():
        if file.name.endswith(".py") and (trouble := judge(file.name, file.text.encode())):
            lines.append(f"{file.name} {trouble}")
    return "\n".join(lines)

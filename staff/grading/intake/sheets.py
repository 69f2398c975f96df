"""Tables that a person types into, in whatever form a spreadsheet saves them."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from staff.grading.intake.safe_text import FEW, cell, shown, uncell

_SEPARATORS = (",", ";", "\t")


class Faults:
    """What people have mistyped, told in one list at the end of a ``with`` block."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def __enter__(self) -> Faults:
        """Return the list, empty."""
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        """Tell what was kept, unless the block ended with another error."""
        if kind is None:
            self.tell()

    def add(self, line: str) -> None:
        """Keep a mistake.

        Parameters
        ----------
        line : str; where it stands, what is there and what was expected
        """
        self._lines.append(line)

    def add_many(self, lines: Sequence[str], cause: str) -> None:
        """Keep mistakes of one kind: of many only the first, their number and the likely cause.

        Parameters
        ----------
        lines : sequence of str
        cause : str, a question or what to do
        """
        self._lines += lines[:FEW]
        if len(lines) > FEW:
            more = f"and {len(lines) - FEW} more of this kind, {len(lines)} in all"
            self._lines.append(f"{more}: {cause}")

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Keep what is wrong with one line or file, and go on with the next."""
        try:
            yield
        except (OSError, ValueError) as error:
            self._lines += str(error).splitlines()

    def tell(self) -> None:
        """Tell all that was kept, each once.

        Raises
        ------
        ValueError
            If there is anything.
        """
        if self._lines:
            raise ValueError("\n".join(dict.fromkeys(self._lines)))


@dataclass(frozen=True)
class Sheet:
    """A table as it was read.

    Attributes
    ----------
    path : Path
    columns : tuple of str, in lower case
    lines : tuple of (str, dict of str to str): where a line stands, for messages, and its cells
    """

    path: Path
    columns: tuple[str, ...]
    lines: tuple[tuple[str, dict[str, str]], ...]


def read_sheet(path: Path, needed: Sequence[str], if_empty: str = "") -> Sheet:
    """Read a table with commas, semicolons or tabs, in UTF-8, UTF-16 or the encoding of Windows.

    Parameters
    ----------
    needed : sequence of str, columns that it must have
    if_empty : str, optional; what to do about a file that holds nothing

    Returns
    -------
    sheet : Sheet, without empty lines; cells without the mark that keeps them from being formulas

    Raises
    ------
    ValueError
        If a column is missing; the message names the file and what it has.
    OSError
        If it cannot be read.
    """
    for separator in _SEPARATORS:
        rows = read_rows(path, separator)
        _, head = next(rows, (0, []))
        columns = [name.strip().lower() for name in head]
        if set(needed) <= set(columns):
            return Sheet(path, tuple(columns), tuple(_lines(path, columns, rows, separator)))
    text, expected = _text_of(path), f"expected the columns {', '.join(needed)}"
    if text.startswith("PK\x03\x04"):
        raise ValueError(f"{path} is a workbook of a spreadsheet: save it as CSV")
    if not text.strip():
        raise ValueError(f"{path} is empty, {expected}{if_empty and '; '}{if_empty}")
    begin = shown(text.partition("\n")[0], 200)
    raise ValueError(f"{path} begins with {begin!r}, {expected}")


def read_rows(path: Path, separator: str = ",") -> Iterator[tuple[int, list[str]]]:
    """Give the rows of a table as they stand there, each with the number of its last line.

    Raises
    ------
    ValueError
        If it is no table; the message names the file.
    OSError
        If it cannot be read.
    """
    reader = csv.reader(io.StringIO(_text_of(path), newline=""), delimiter=separator)
    try:
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        raise ValueError(f"{path}, line {reader.line_num}: {error}") from None


def _text_of(path: Path) -> str:
    """Return the text of a table, without Excel's own way to say which separator it has."""
    text = _decoded(path.read_bytes())
    return text.partition("\n")[2] if text.lower().startswith("sep=") else text


def _decoded(content: bytes) -> str:
    """Return the text of a file; Excel writes UTF-16 as 'Unicode text', and cp1252 as 'CSV'."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _lines(
    path: Path, columns: Sequence[str], rows: Iterable[tuple[int, list[str]]], separator: str
) -> Iterator[tuple[str, dict[str, str]]]:
    """Give the lines that hold something; what stands behind the last column belongs to it."""
    for number, row in rows:
        if any(value.strip() for value in row):
            last = len(columns) - 1
            cells = [*row[:last], separator.join(row[last:])]
            values = [_read(value) for value in cells]
            values += [""] * (len(columns) - len(values))
            yield f"{path}, line {number}", dict(zip(columns, values, strict=True))


def dump_sheet(columns: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    """Return a table as CSV, in which no cell is a formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([cell(name) for name in columns])
    writer.writerows([cell(value) for value in line] for line in lines)
    return out.getvalue()


def normal(name: str) -> str:
    """Return a name as it is read back from a table that it was written to.

    Whatever is called in a way that no table can tell apart gets one name: with two blanks or
    one, with an accent apart from its letter, as macOS stores it, or not.
    """
    return _read(cell(_plain(name)))


def _read(text: str) -> str:
    """Return what a cell says."""
    return uncell(_plain(text)).strip()


def _plain(text: str) -> str:
    """Return text with one blank for all white space in a row, accents joined to their letters."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def whole(text: str, most: int, where: str) -> int:
    """Return points that a person has typed in.

    Parameters
    ----------
    most : int, points that there are
    where : str, of the line, for the message

    Raises
    ------
    ValueError
        If it is no whole number from 0 to `most`.
    """
    number = text.removesuffix(".0").removesuffix(",0")  # as some spreadsheets write whole numbers
    if not (number.isascii() and number.isdecimal()):
        raise ValueError(f"{where}: points are {text!r}, expected a whole number up to {most}")
    if int(number) > most:
        raise ValueError(f"{where}: {number} points given, there are {most}")
    return int(number)

"""Tell how long a zip's table of contents is, before anything reads it into memory."""

from __future__ import annotations

from pathlib import Path
from typing import IO

_ENTRY = b"PK\x01\x02"  # begins each entry of the table
_END, _END_64, _PLACE_64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_LONG_END, _LONG_END_64, _LONG_PLACE_64 = 22, 56, 20  # bytes
_COMMENT = 2**16  # bytes, the longest that may follow the end
_AT_ONCE = 2**20


def count_entries(path: Path) -> int:
    """Return how many entries the table of a zip may have, those of zips in it left out.

    An entry that begins otherwise is refused by all readers. What an end record says of the
    table's place may be false; Python's reader goes back from the record by the table's length,
    and so does this.

    Parameters
    ----------
    path : Path of a file, of any kind; what has no end record has no table
    """
    count, tail = 0, b""
    with path.open("rb") as file:
        file.seek(_begin(file))
        while chunk := file.read(_AT_ONCE):
            count += (tail + chunk).count(_ENTRY)
            tail = chunk[1 - len(_ENTRY) :]
    return count


def _begin(file: IO[bytes]) -> int:
    """Return where the table of contents begins; the file's end if there is none."""
    length = file.seek(0, 2)
    if (end := _place_of_end(file, length)) < 0:
        return length
    size = int.from_bytes(_read(file, end + 12, 4), "little")
    place = _read(file, end - _LONG_PLACE_64, _LONG_PLACE_64)
    begins = []
    if place.startswith(_PLACE_64):  # readers look where it says, or right before it
        near = end - _LONG_PLACE_64 - _LONG_END_64
        for at in {near, int.from_bytes(place[8:16], "little")}:
            record = _read(file, at, _LONG_END_64)
            if record.startswith(_END_64) and len(record) == _LONG_END_64:
                begins.append(at - int.from_bytes(record[40:48], "little"))
    return max(0, min(begins or [end - size]))


def _place_of_end(file: IO[bytes], length: int) -> int:
    """Return where the end record begins, as Python's reader finds it; -1 if there is none."""
    last = _read(file, length - _LONG_END, _LONG_END)
    if last.startswith(_END) and last.endswith(b"\0\0"):
        return length - _LONG_END
    start = max(0, length - _LONG_END - _COMMENT)
    found = _read(file, start, length).rfind(_END)
    return start + found if 0 <= found <= length - start - _LONG_END else -1


def _read(file: IO[bytes], at: int, count: int) -> bytes:
    """Return bytes from a place on; none if it is not in the file."""
    if not 0 <= at < 2**63:
        return b""
    file.seek(at)
    return file.read(count)

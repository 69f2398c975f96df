"""Zips that are made to harm or confuse the grader, each with what it must lead to."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

LAYERS = "cs682/layers.py"
CODE = b"def affine_forward(x, w, b):\n    raise NotImplementedError\n"


def make_zip(files: Mapping[str, bytes], **options) -> bytes:
    """Return an ordinary zip."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED, **options)
    return buffer.getvalue()


def make_link(name: str, target: str) -> bytes:
    """Return a zip with a symbolic link beside an honest file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        entry = zipfile.ZipInfo(name)
        entry.create_system = 3  # Unix
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, target)
        archive.writestr("cs682/optim.py", CODE)
    return buffer.getvalue()


def set_flag(content: bytes, flag: int) -> bytes:
    """Return a zip with a flag set for its first entry, in both of its places."""
    changed = bytearray(content)
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = changed.index(mark) + offset
        changed[at] |= flag
    return bytes(changed)


def lie_about_size(content: bytes, size: int) -> bytes:
    """Return a zip whose table of contents claims another size for its first entry."""
    changed = bytearray(content)
    at = changed.index(b"PK\x01\x02") + 24
    changed[at : at + 4] = struct.pack("<I", size)
    return bytes(changed)


def point_before(content: bytes) -> bytes:
    """Return a zip whose first entry is said to begin before the file does."""
    changed = bytearray(content)
    at = changed.index(b"PK\x05\x06") + 16
    changed[at : at + 4] = struct.pack("<I", 1_000_000)
    return bytes(changed)


def table(count: int) -> bytes:
    """Return a zip of nothing but a table of contents, whose end holds two marks of an end."""
    entry = b"PK\1\2" + bytes(24) + struct.pack("<H", 1) + bytes(16) + b"x"  # a name of one letter
    end = struct.pack("<HHLLH", count & 0xFFFF, count & 0xFFFF, len(entry) * count, 0, 0)
    return entry * count + b"PK\5\6PK\5\6" + end


def nested(depth: int) -> bytes:
    """Return a zip in a zip in a zip..."""
    content = make_zip({LAYERS: CODE})
    for _ in range(depth):
        content = make_zip({"inner.zip": content})
    return content


def many(count: int) -> bytes:
    """Return a zip of many empty files."""
    return make_zip({f"cs682/f{i}.py": b"" for i in range(count)})


def other_compression() -> bytes:
    """Return a zip that is packed with LZMA, whose dictionary may need any memory."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr(LAYERS, CODE)
    return buffer.getvalue()


def twice_the_same_name() -> bytes:
    """Return a zip with two different files of one name."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(LAYERS, CODE)
        archive.fp.flush()
        archive.NameToInfo.clear()  # so that zipfile does not warn
        archive.writestr(LAYERS, CODE + b"# other\n")
    return buffer.getvalue()


@dataclass(frozen=True)
class Hostile:
    """One kind.

    Attributes
    ----------
    name : str
    make : callable, returns the zip
    says : str, pattern of what the hand-in's problems must say
    taken : tuple of str, files of the assignment that are taken all the same
    damaged : bool, whether nobody can read it, so that it is not graded
    """

    name: str
    make: Callable[[], bytes]
    says: str
    taken: tuple[str, ...] = ()
    damaged: bool = False


ZEROS = b"\0" * 1_100_000
HOSTILE = (
    Hostile("link to a file", lambda: make_link(LAYERS, "/etc/passwd"), "layers.py is a link",
            ("cs682/optim.py",)),
    Hostile("link to a folder", lambda: make_link("cs682/x.py", "../../.."), "x.py is a link",
            ("cs682/optim.py",)),
    Hostile("parent folders", lambda: make_zip({f"../../{LAYERS}": CODE}), "outside of the zip"),
    Hostile("hidden parents", lambda: make_zip({f"a/../../b/{LAYERS}": CODE}),
            "outside of the zip"),
    Hostile("absolute path", lambda: make_zip({f"/{LAYERS}": CODE}), "outside of the zip"),
    Hostile("drive letter", lambda: make_zip({f"C:\\{LAYERS}": CODE}), "outside of the zip"),
    Hostile("backslashes", lambda: make_zip({"a\\cs682\\layers.py": CODE}), "optim.py is missing",
            (LAYERS,)),
    Hostile("backslash parents", lambda: make_zip({"..\\..\\cs682\\layers.py": CODE}),
            "outside of the zip"),
    Hostile("large file", lambda: make_zip({LAYERS: ZEROS}), "larger than 1 MB"),
    Hostile("bomb", lambda: lie_about_size(make_zip({"a.npz": ZEROS}), 900_000_000),
            "unpacks to 900 MB"),
    Hostile("bomb that lies", lambda: lie_about_size(make_zip({LAYERS: ZEROS}), 10),
            "layers.py is damaged", damaged=True),
    Hostile("zips in zips", lambda: nested(2), "zip in a zip in a zip"),
    Hostile("one zip in a zip", lambda: nested(1), "optim.py is missing", (LAYERS,)),
    Hostile("many files", lambda: many(330), "more than 300 files"),
    Hostile("huge table of contents", lambda: table(50_000), "far too many"),
    Hostile("a name of no characters", lambda: make_zip({"": b"", LAYERS: CODE}),
            "optim.py is missing", (LAYERS,)),
    Hostile("encrypted", lambda: set_flag(make_zip({LAYERS: CODE}), 1), "is encrypted",
            damaged=True),
    Hostile("odd compression", other_compression, "compressed in a way"),
    Hostile("cut short", lambda: make_zip({LAYERS: CODE})[:-30], "is not a whole zip",
            damaged=True),
    Hostile("wrong sum", lambda: make_zip({LAYERS: CODE, "cs682/optim.py": CODE * 2}).replace(
            struct.pack("<I", zlib.crc32(CODE)), bytes(4)), "layers.py is damaged",
            ("cs682/optim.py",), damaged=True),
    Hostile("cut at the front", lambda: make_zip({LAYERS: CODE * 50})[40:], "damaged|not a whole",
            damaged=True),
    Hostile("noise", lambda: bytes(range(256)) * 40, "is not a whole zip", damaged=True),
    Hostile("empty file", lambda: b"", "is not a whole zip", damaged=True),
    Hostile("empty zip", lambda: make_zip({}), "none of the assignment's files"),
    Hostile("two of one name", twice_the_same_name, "more than once, and they differ"),
    Hostile("line feed in a name", lambda: make_zip({f"a\nb,c/{LAYERS}": CODE}),
            "optim.py is missing", (LAYERS,)),
    Hostile("long name", lambda: make_zip({f"{'x' * 3000}/{LAYERS}": CODE}), "name of 3"),
    Hostile("long part of a name", lambda: make_zip({f"{'x' * 300}/{LAYERS}": CODE}),
            "optim.py is missing", (LAYERS,)),
    Hostile("right to left", lambda: make_zip({f"a\u202egnp.{LAYERS}": CODE}),
            "was taken for it", (LAYERS,)),
    Hostile("formula", lambda: make_zip({"=cmd|'/c calc'!A1/layers (1).py": CODE}),
            "was taken for it", (LAYERS,)),
    Hostile("markup", lambda: make_zip({"<script>alert(1)</script>/layers-1.py": CODE}),
            "was taken for it", (LAYERS,)),
    Hostile("macOS leftovers", lambda: make_zip({f"__MACOSX/{LAYERS}": CODE, ".DS_Store": b"",
            "__MACOSX/cs682/._layers.py": CODE}), "none of the assignment's files"),
    Hostile("sitecustomize and numpy beside the package",
            lambda: make_zip({"sitecustomize.py": CODE, "numpy.py": CODE, LAYERS: CODE}),
            "optim.py is missing", (LAYERS,)),
    Hostile("another archive", lambda: make_zip({"hand-in.tar": CODE}),
            "none of the assignment's files"),
)  # fmt: skip


def write_hostile(kind: Hostile, path: Path) -> Path:
    """Write a hostile zip and return its path."""
    path.write_bytes(kind.make())
    return path

"""Take the files of a hand-in out of folders and zips that may have been made to harm.

What is taken is stored under numbers, so a hostile name never reaches the file system. Only the
kinds of file that grading reads are opened at all. Whatever is left out is named.
"""

from __future__ import annotations

import errno
import hashlib
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO

from staff.grading.intake.safe_text import shown, writable
from staff.grading.intake.zip_table import count_entries

MB = 1_000_000
LIMITS = {  # bytes of one file, by ending; a text file that a browser or mail program renamed too
    "hand-in.json": MB,
    "hints.json": MB,
    "manifest.json": MB,
    ".py": MB,
    ".py.txt": MB,
    ".ipynb": 40 * MB,
    ".ipynb.txt": 40 * MB,
    ".ipynb.json": 40 * MB,
    ".npz": 100 * MB,
    ".zip": 150 * MB,
}
MAX_TOTAL = 300 * MB  # bytes of all files of one hand-in, unpacked, the newest version first
MAX_FILES = 300  # of the kinds above, in each version
MAX_ENTRIES = 20_000  # files and folders of any kind that are looked at, in each version
MAX_TABLE = 2 * MAX_ENTRIES  # of one zip, whose names are read as a whole
MAX_DEPTH = 2  # zips inside zips
MAX_PROBLEMS = 20  # that are told one by one
MAX_NAME = 400  # characters of a path
PASSED_OVER = {"__MACOSX", "__pycache__", "build", "dist", "venv", "site-packages", "node_modules"}
ENVIRONMENT = "pyvenv.cfg"  # stands in an environment of Python's, whatever that is called
OTHER_KIND = "is not a zip, and no other kind of archive is read"
OTHERS_BEGIN = {  # whatever they are called
    b"Rar!\x1a\x07": "a RAR archive",
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive",
}
_TEXTS = (".py", ".ipynb")
OTHER_ARCHIVES = (".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz")
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError, struct.error)
SEEK = errno.EINVAL  # what Python's reader of zips gets for a place that a broken one points to


class RefusedError(ValueError):
    """A file of a hand-in is left out; the text says which and why, for the student to read."""


class LimitError(RefusedError):
    """A file is left out because there are too many, or too large ones."""


class DamagedError(RefusedError):
    """A file came in a state in which nobody can tell what it holds."""


@dataclass(frozen=True)
class Member:
    """One file of a hand-in.

    Attributes
    ----------
    name : str, where it lay, folders divided by '/'; for messages only
    path : Path, the numbered file that holds its content now
    digest : str, SHA-256 of the content
    version : int, of two by one student the higher counts
    source : int, number of the upload that it came in
    """

    name: str
    path: Path
    digest: str
    version: int = 0
    source: int = 0

    def is_like(self, other: Member) -> bool:
        """Tell whether two files say the same: text does, whatever ends its lines."""
        if self.digest == other.digest or not self.name.lower().endswith(_TEXTS):
            return self.digest == other.digest
        one, two = (m.path.read_bytes().replace(b"\r\n", b"\n") for m in (self, other))
        return one == two


@dataclass
class Haul:
    """What was taken out of a hand-in.

    Attributes
    ----------
    folder : Path, where the numbered files lie
    members : list of Member
    problems : list of str, what was left out, for the student to read
    damaged : list of (int, str), of these what nobody can read, each with its version
    beyond : list of str, of these what a limit has kept out
    """

    folder: Path
    members: list[Member] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    damaged: list[tuple[int, str]] = field(default_factory=list)
    beyond: list[str] = field(default_factory=list)
    bytes_left: int = MAX_TOTAL
    entries_left: int = MAX_ENTRIES
    stored: int = 0
    version: int = 0
    source: int = 0

    def begin(self, version: int, source: int) -> None:
        """Go on with an upload: how many files another version holds does not count in it."""
        self.source = source
        if version != self.version:
            self.version, self.entries_left = version, MAX_ENTRIES

    @property
    def is_full(self) -> bool:
        """Tell whether as many files of this version are taken as any hand-in has."""
        return sum(member.version == self.version for member in self.members) >= MAX_FILES

    def note(self, refusal: RefusedError) -> None:
        """Keep what was left out, unless that is a long list already."""
        if isinstance(refusal, DamagedError):
            self.damaged.append((self.version, str(refusal)))
        if isinstance(refusal, LimitError):
            self.beyond.append(str(refusal))
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(str(refusal))
        elif len(self.problems) == MAX_PROBLEMS:
            self.problems.append("and more of this kind")

    @property
    def digest(self) -> str:
        """Return one SHA-256 for all that was taken and all that was left out."""
        lines = sorted(f"{m.digest} {m.version} {m.name}" for m in self.members)
        return hashlib.sha256("\0".join([*lines, *self.problems]).encode()).hexdigest()


def unpack(sources: Sequence[tuple[Path, str]], folder: Path, versions: Sequence[int] = ()) -> Haul:
    """Take the files that grading reads out of folders, zips and single files.

    Parameters
    ----------
    sources : sequence of (Path, str), each with the name that it should be known by
    folder : Path, an empty folder for the numbered files
    versions : sequence of int, for each source, the higher the newer; all alike by default

    Raises
    ------
    OSError
        If this machine cannot read a source or write to `folder`, which is no fault of a student's.
    """
    haul = Haul(folder)
    marked = zip(sources, versions or [0] * len(sources), range(len(sources)), strict=True)
    # The newest comes first: no older one may use up what it needs.
    for (path, name), version, source in sorted(marked, key=lambda m: -m[1]):
        haul.begin(version, source)
        if path.is_dir():
            _each(haul, _walk(path, name, haul))
        else:
            _each(haul, [(path, name)])
    return haul


def _each(haul: Haul, files: Iterable[tuple[Path, str]]) -> None:
    """Take files one by one; what is wrong with one is noted and costs the others nothing."""
    files = iter(files)
    while True:
        try:
            path, name = next(files)
            _take_file(haul, path, writable(name))
        except StopIteration:
            return
        except RefusedError as refusal:
            haul.note(refusal)


def _walk(folder: Path, name: str, haul: Haul) -> Iterator[tuple[Path, str]]:
    """Give the regular files below a folder, in order; note links and follow none."""
    for path in sorted(folder.iterdir()):
        inner = f"{name}/{path.name}"
        if not _is_of_interest(PurePosixPath(path.name)):
            continue
        _count_entry(haul)
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            haul.note(RefusedError(f"{shown(inner)} is a link, which is not followed"))
        elif stat.S_ISDIR(mode) and (path / ENVIRONMENT).is_file():
            continue
        elif stat.S_ISDIR(mode) and inner.count("/") < MAX_NAME // 10:
            yield from _walk(path, inner, haul)
        elif stat.S_ISREG(mode):
            yield path, inner


def _take_file(haul: Haul, path: Path, name: str, depth: int = 0) -> None:
    """Store one file, or what is in it if it is a zip."""
    if name.lower().endswith(".zip"):
        _take_zip(haul, path, name, depth)
    elif name.lower().endswith(OTHER_ARCHIVES):
        raise RefusedError(f"{shown(name)} {OTHER_KIND}")
    elif limit := _limit(name):
        with path.open("rb") as stream:
            _store(haul, name, stream, limit)


def _take_zip(haul: Haul, path: Path, name: str, depth: int) -> None:
    """Store what is in a zip."""
    if depth >= MAX_DEPTH:
        raise RefusedError(f"{shown(name)} is a zip in a zip in a zip: hand in one zip")
    try:
        _require_modest(path)
        with zipfile.ZipFile(path) as archive:
            kept = list(_wanted(haul, archive))
            _require_room(haul, [entry.file_size for entry, _ in kept])
            for entry, inner in kept:
                _take_entry(haul, archive, entry, f"{name}/{inner}", depth)
    except RefusedError as refusal:
        raise type(refusal)(f"{shown(name)} {refusal}") from None
    except BROKEN as error:
        require_theirs(error)
        raise DamagedError(f"{shown(name)} is not a whole zip: {_in_words(error)}") from None


def _wanted(haul: Haul, archive: zipfile.ZipFile) -> Iterator[tuple[zipfile.ZipInfo, str]]:
    """Give the entries that grading reads, each with a name that stays inside; note the others."""
    for entry in archive.infolist():
        try:
            _count_entry(haul)
            name = _inner_name(entry.filename)
        except RefusedError as refusal:
            haul.note(refusal)
            if haul.entries_left < 0:
                return
            continue
        if entry.filename[-1:] != "/" and _is_of_interest(PurePosixPath(name)) and _limit(name):
            yield entry, name


def _take_entry(
    haul: Haul, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str, depth: int
) -> None:
    """Store one entry of a zip, or note why not."""
    try:
        _require_plain(entry)
        with archive.open(entry) as stream:
            member = _store(haul, name, stream, _limit(name))
        if name.lower().endswith(".zip"):
            haul.members.remove(member)
            _take_zip(haul, member.path, name, depth + 1)
    except RefusedError as refusal:
        haul.note(refusal)
    except BROKEN as error:
        require_theirs(error)
        haul.note(DamagedError(f"{shown(name)} is damaged: {_in_words(error)}"))


def _in_words(error: Exception) -> str:
    """Say what to do about a zip, and what Python found if that is more than a number."""
    found = "" if isinstance(error, OSError) or not str(error) else f" ({shown(str(error), 80)})"
    return f"the zip is broken there{found}, make it anew"


def require_theirs(error: Exception) -> None:
    """Let an error of this machine's through: a full disk, a file that cannot be read."""
    if isinstance(error, OSError) and error.errno not in (None, SEEK):
        raise error


def _store(haul: Haul, name: str, stream: IO[bytes], limit: int) -> Member:
    """Copy a stream to the next numbered file, no further than the limits allow."""
    if haul.is_full:
        raise LimitError(f"{shown(name)} is left out: more than {MAX_FILES} files")
    path = haul.folder / f"{haul.stored:05}"
    haul.stored += 1
    digest, room = hashlib.sha256(), min(limit, haul.bytes_left)
    with path.open("xb") as out:
        while chunk := stream.read(1 << 16):
            room -= len(chunk)
            haul.bytes_left -= len(chunk)
            if room < 0:
                raise LimitError(
                    f"{shown(name)} is larger than {limit // MB} MB, or all files are "
                    f"larger than {MAX_TOTAL // MB} MB together"
                )
            out.write(chunk)
            digest.update(chunk)
    haul.members.append(Member(name, path, digest.hexdigest(), haul.version, haul.source))
    return haul.members[-1]


def _limit(name: str) -> int:
    """Return the bytes that a file of this name may have; 0 for kinds that grading never reads."""
    return next((size for end, size in LIMITS.items() if name.lower().endswith(end)), 0)


def _is_of_interest(name: PurePosixPath) -> bool:
    """Tell whether a path lies outside of hidden folders, caches and installed packages."""
    return not any(part in PASSED_OVER or part.startswith(".") for part in name.parts)


def _count_entry(haul: Haul) -> None:
    """Refuse to look at more files and folders than any hand-in has."""
    haul.entries_left -= 1
    if haul.entries_left < 0:
        raise LimitError(f"more than {MAX_ENTRIES} files and folders: the rest is left out")


def _inner_name(name: str) -> str:
    """Return an entry's name with the slashes of this system; refuse names that point outside."""
    name = name.replace("\\", "/")
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or name[1:2] == ":":
        raise RefusedError(f"{shown(name)} points to a place outside of the zip and is left out")
    if len(name) > MAX_NAME:
        raise RefusedError(
            f"{shown(name, 60)} has a name of {len(name)} characters and is left out"
        )
    return path.as_posix()


def _require_plain(entry: zipfile.ZipInfo) -> None:
    """Refuse links, encrypted entries and compressions that need much memory."""
    name = shown(entry.filename)
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise RefusedError(f"{name} is a link, which is not followed")
    if entry.flag_bits & 1:
        raise DamagedError(f"{name} is encrypted: hand in without a password")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise RefusedError(f"{name} is compressed in a way that is not read: make an ordinary zip")


def _require_room(haul: Haul, sizes: list[int]) -> None:
    """Refuse a zip that says itself that it unpacks to more than a hand-in may have."""
    if sum(sizes) > haul.bytes_left:
        raise LimitError(
            f"unpacks to {sum(sizes) / MB:.0f} MB and is left out: {MAX_TOTAL // MB} MB are read "
            "of all versions together, the newest first"
        )


def _require_modest(path: Path) -> None:
    """Refuse what is no zip, and a table of contents too huge to be read into memory."""
    if path.stat().st_size > LIMITS[".zip"]:
        raise LimitError(f"has {path.stat().st_size / MB:.0f} MB, more than {LIMITS['.zip'] // MB}")
    with path.open("rb") as file:
        start = file.read(max(map(len, OTHERS_BEGIN)))
        file.seek(max(0, path.stat().st_size - 65_557))  # the end record and the longest comment
        tail = file.read()
    if kind := next((OTHERS_BEGIN[mark] for mark in OTHERS_BEGIN if start.startswith(mark)), ""):
        raise DamagedError(f"is {kind} that is only called a zip: hand in a real one")
    if b"PK\x05\x06" not in tail:
        raise DamagedError("is not a whole zip: its end is missing")
    if count_entries(path) > MAX_TABLE:
        raise LimitError("holds far too many files")

"""A copy of the assignment to work in, made where only a notebook was opened.

On Colab and Kaggle the first cell fetches the release as a zip file and imports this package from
inside it. Here the zip becomes an ordinary folder with files to edit. A folder with a student's
work is never written to, and a copy is there whole or not at all. Imports nothing but Python's own
library.
"""

from __future__ import annotations

import json
import re
import shutil
import stat
import sys
import tempfile
import zipfile
import zlib
from pathlib import Path

from cs682.setup.assignment import MARKER, PACKAGE_HOME

MAX_BYTES = 200_000_000  # of a release, unpacked; one has about a hundredth of it
UNREADABLE = (OSError, ValueError, KeyError, NotImplementedError, RuntimeError, EOFError)
_NOT_WORK = shutil.ignore_patterns("datasets", "__pycache__", ".ipynb_checkpoints", ".venv")


class CopyError(RuntimeError):
    """What stands in the way of a copy, in words for the user."""


def archive_of_this_package() -> Path | None:
    """Return the zip file that this package was imported from; None if it lies in a folder.

    Returns
    -------
    archive : Path or None
    """
    return next((place for place in PACKAGE_HOME.parents if place.is_file()), None)


def unpack(archive: Path, base: Path) -> Path:
    """Make a copy of the assignment out of a release, or return the one that is there.

    Parameters
    ----------
    archive : Path of the zip file; all of it lies in one folder, whose name does not matter
    base : Path of the folder to make the copy in; it gets the name of the assignment

    Returns
    -------
    copy : Path of the folder

    Raises
    ------
    CopyError
        If the zip file is damaged or is no release, or something else is in the way.
    """
    try:
        with zipfile.ZipFile(archive) as packed:
            top = top_folder(packed)
            copy = base / _name(packed.read(f"{top}/{MARKER}"))
            if not _is_there(copy):
                _extract(packed, top, copy)
            return copy
    except (*UNREADABLE, zipfile.BadZipFile, zlib.error) as error:
        raise CopyError(f"no copy of the assignment could be made in {base}: {error}") from error


def keep_on_drive(source: Path, mount: Path) -> Path:
    """Return the copy on Google Drive, after mounting it; make one there if there is none.

    Parameters
    ----------
    source : Path of the copy or the zip file to make it from
    mount : Path of the folder to mount Google Drive in

    Returns
    -------
    copy : Path of the folder

    Raises
    ------
    CopyError
        If there is no Google Drive to be had, or the copy cannot be made.
    """
    try:
        from google.colab import drive  # type: ignore[import-not-found, unused-ignore]
    except ImportError as error:
        raise CopyError("drive=True keeps files on Google Drive, which only Colab can") from error
    try:
        drive.mount(str(mount))
    except Exception as error:  # Colab raises what it likes when the student says no
        raise CopyError(f"Google Drive could not be mounted: {error}") from error
    base = mount / "MyDrive"
    if source.is_file():
        return unpack(source, base)
    copy = base / source.name
    try:
        if not _is_there(copy):
            with tempfile.TemporaryDirectory(prefix=".cs682-copy-", dir=base) as part:
                shutil.copytree(source, Path(part) / source.name, ignore=_NOT_WORK)
                (Path(part) / source.name).rename(copy)
    except (OSError, shutil.Error) as error:
        raise CopyError(f"no copy of {source} could be made on Drive: {error}") from error
    return copy


def is_on_drive(root: Path) -> bool:
    """Tell whether a folder lies on a mounted Google Drive.

    Parameters
    ----------
    root : Path

    Returns
    -------
    answer : bool
    """
    return "MyDrive" in root.parts


def switch_to(copy: Path) -> None:
    """Make this process import `cs682` from a copy, as if it had never seen another.

    Parameters
    ----------
    copy : Path of the folder
    """
    for name in [name for name in sys.modules if name.split(".")[0] == "cs682"]:
        del sys.modules[name]
    others = [place for place in sys.path if not place or Path(place).resolve() != PACKAGE_HOME]
    sys.path[:] = [str(copy), *others]


def top_folder(packed: zipfile.ZipFile) -> str:
    """Return the one folder that holds everything in a release.

    Parameters
    ----------
    packed : ZipFile

    Returns
    -------
    name : str

    Raises
    ------
    ValueError
        If there are several, a member is no plain file or would lie outside, or all are too large.
    """
    members = packed.infolist()
    for member in members:
        kind = stat.S_IFMT(member.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise ValueError(f"{member.filename!r} in {packed.filename} is no file")
        parts = member.filename.rstrip("/").split("/")
        if {"..", ""} & {*parts} or {"\\", ":"} & {*member.filename}:
            raise ValueError(f"{member.filename!r} in {packed.filename} lies outside")
    if sum(member.file_size for member in members) > MAX_BYTES:
        raise ValueError(f"{packed.filename} holds more than {MAX_BYTES // 1_000_000} MB")
    tops = {member.filename.split("/")[0] for member in members}
    if len(tops) != 1:
        raise ValueError(f"{packed.filename} holds {len(tops)} folders, expected one")
    return tops.pop()


def _name(marker: bytes) -> str:
    """Return the assignment's name, from the content of its marker file."""
    name = json.loads(marker)["name"]
    if not isinstance(name, str) or not re.fullmatch(r"\w[\w.-]*", name):
        raise ValueError(f"the assignment's name {name!r:.40} is no name of a folder")
    return name


def _is_there(copy: Path) -> bool:
    """Tell whether there is a copy already; refuse anything else of that name."""
    if (copy / MARKER).is_file():
        return True
    if copy.exists():
        raise FileExistsError(f"{copy} is in the way: rename it")
    return False


def _extract(packed: zipfile.ZipFile, top: str, copy: Path) -> None:
    """Unpack beside the target, then give the whole its name."""
    with tempfile.TemporaryDirectory(prefix=".cs682-copy-", dir=copy.parent) as part:
        packed.extractall(part)  # compares each file with its checksum
        (Path(part) / top).rename(copy)

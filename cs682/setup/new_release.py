"""A newer release: fetched, and looked at before anything is touched."""

from __future__ import annotations

import hashlib
import json
import re
import time
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from cs682._files import SOLUTIONS, replacing
from cs682.setup.assignment import GIVEN, MANIFEST
from cs682.setup.own_copy import UNREADABLE, top_folder

SCHEME = "https://"
LARGEST_ZIP = 100_000_000  # bytes; a release has about a fiftieth of it
_LARGEST_MANIFEST = 1_000_000
_PATIENCE = 120  # seconds, for all of a zip
CHANGELOG = "CHANGELOG.md"
_HEADING = re.compile(r"^## (\d[\d.]*)\b.*$", re.MULTILINE)
_TLS_REASON = re.compile(r"\[SSL[^]]*\] (.+?)\.? \(_ssl")  # in the midst of what Python says
_OWN_CERTIFICATE = "; for a course's own certificate, set REQUESTS_CA_BUNDLE to its file"
_VERSION = re.compile(r"\d{1,6}(\.\d{1,6}){0,3}")


class UpdateError(RuntimeError):
    """Why an assignment cannot be updated, in words for the user; nothing was changed then."""


@dataclass(frozen=True)
class Manifest:
    """What a release says of itself.

    Attributes
    ----------
    name : str, of the assignment
    version : str, numbers and dots
    files : dict of str by path, the SHA-256 of each file
    """

    name: str
    version: str
    files: dict[str, str]

    @property
    def order(self) -> tuple[int, ...]:
        """Return what a newer version has more of."""
        parts = [int(part) for part in self.version.split(".")]
        return tuple(parts + [0] * (4 - len(parts)))

    @property
    def is_self_study(self) -> bool:
        """Tell whether it is the edition for people who learn alone."""
        return f"cs682/{SOLUTIONS.name}" in self.files


@dataclass(frozen=True)
class NewRelease:
    """A release that was looked at, and is whole.

    Attributes
    ----------
    manifest : Manifest
    files : dict of bytes by path, with the manifest itself
    executable : frozenset of str, paths with an execute bit
    """

    manifest: Manifest
    files: dict[str, bytes]
    executable: frozenset[str]

    @property
    def texts(self) -> dict[str, str]:
        """Return the files that students write in, as it gives them out."""
        return dict(json.loads(self.files.get(GIVEN, b"{}")).get("texts", {}))

    def news_since(self, old: Manifest) -> str:
        """Return what the changelog says since an older release.

        Parameters
        ----------
        old : Manifest
        """
        text = self.files.get(CHANGELOG, b"").decode(errors="replace")
        headings = [*_HEADING.finditer(text)]
        ends = [*(heading.start() for heading in headings[1:]), len(text)]
        parts = []
        for heading, end in zip(headings, ends, strict=True):
            version = Manifest("", heading[1].rstrip("."), {})
            if old.order < version.order <= self.manifest.order:
                parts.append(text[heading.start() : end].strip())
        return "\n\n".join(parts)


def read_manifest(data: bytes) -> Manifest:
    """Return what a manifest says.

    Parameters
    ----------
    data : bytes

    Raises
    ------
    ValueError
        If it is damaged.
    """
    try:
        said: Any = json.loads(data)
        found = Manifest(str(said["name"]), str(said["version"]), dict(said["files"]))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"its {MANIFEST} is damaged: {error!r}") from error
    require_version(found.version)
    return found


def require_version(text: str) -> str:
    """Return a version, if it is one.

    Parameters
    ----------
    text : str

    Raises
    ------
    ValueError
        If it is no numbers and dots.
    """
    if not _VERSION.fullmatch(text):
        raise ValueError(f"its version is {text!r:.40}, expected one such as 1.2.0")
    return text


def read_release(archive: Path) -> NewRelease:
    """Return the release in a zip file, as made by the course or by GitHub.

    Parameters
    ----------
    archive : Path

    Raises
    ------
    UpdateError
        If there is no such file, it is no release, or one that is damaged, too large, or holds
        paths that lead out of its folder.
    """
    try:
        if archive.stat().st_size > LARGEST_ZIP:
            raise UpdateError(f"{archive} has more than {LARGEST_ZIP // 1_000_000} MB")
        with zipfile.ZipFile(archive) as packed:
            return _read(packed)
    except FileNotFoundError as error:
        raise UpdateError(f"there is no file {archive}") from error
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise UpdateError(f"{archive} is not whole, or no zip: fetch it again ({error})") from error
    except UpdateError:
        raise
    except IsADirectoryError as error:
        raise UpdateError(f"{archive} is a folder: name the zip file itself") from error
    except UNREADABLE as error:
        said = getattr(error, "strerror", None) or error
        raise UpdateError(f"{archive} cannot be taken up: {said}") from error


def _read(packed: zipfile.ZipFile) -> NewRelease:
    """Return a release, each file held against its hash."""
    top = top_folder(packed)
    members = {member.filename: member for member in packed.infolist()}
    if f"{top}/{MANIFEST}" not in members:
        raise ValueError(f"it is no release of an assignment: it has no {MANIFEST}")
    files = {MANIFEST: packed.read(f"{top}/{MANIFEST}")}
    manifest = read_manifest(files[MANIFEST])
    for path, digest in manifest.files.items():
        files[path] = packed.read(f"{top}/{path}") if f"{top}/{path}" in members else b""
        if hash_of(files[path]) != digest:
            raise ValueError(f"it is damaged, at {path}: fetch it again")
    modes = ((path, members[f"{top}/{path}"].external_attr >> 16) for path in files)
    return NewRelease(manifest, files, frozenset(path for path, mode in modes if mode & 0o100))


def hash_of(data: bytes) -> str:
    """Return the SHA-256 of some bytes, as a manifest has it.

    Parameters
    ----------
    data : bytes
    """
    return hashlib.sha256(data).hexdigest()


def hashes_of(data: bytes) -> set[str]:
    """Return the SHA-256 of a file as it is, and as it would be with plain line ends.

    Parameters
    ----------
    data : bytes
    """
    return {hash_of(data), hash_of(with_plain_ends(data))}


def with_plain_ends(data: bytes) -> bytes:
    """Return a text with plain line ends: Git may have given it those of Windows.

    Parameters
    ----------
    data : bytes
    """
    return data.replace(b"\r\n", b"\n")


def strangers(root: Path) -> list[str]:
    """Return the given files of a folder that are not those of the release that it names.

    Parameters
    ----------
    root : Path, the folder of the assignment

    Returns
    -------
    names : list of str; without notebooks and the files that students write in

    Raises
    ------
    OSError, ValueError
        If what the release says of itself cannot be read, or is damaged.
    """
    files = read_manifest((root / MANIFEST).read_bytes()).files
    written = json.loads((root / GIVEN).read_bytes())["texts"] if GIVEN in files else {}
    given = [name for name in files if name not in written]
    return [name for name in given if not _is_as_given(root / name, files[name])]


def _is_as_given(path: Path, digest: str) -> bool:
    """Tell whether a file is what a manifest says, whatever its line ends."""
    data = path.read_bytes() if path.is_file() else b""
    return digest in hashes_of(data)


def fetch_manifest(folder: str, seconds: float = 10) -> Manifest:
    """Return the manifest that a course has put into the folder of its releases.

    Parameters
    ----------
    folder : str, its address, which ends in a slash
    seconds : float, how long to wait for each answer

    Raises
    ------
    UpdateError
        If it cannot be had.
    """
    address = urljoin(folder, MANIFEST)
    try:
        return read_manifest(_fetch(address, _LARGEST_MANIFEST, seconds))
    except ValueError as error:
        raise UpdateError(f"{address} is of no use: {error}") from error


def fetch_release(address: str, target: Path) -> Path:
    """Fetch a zip file; it is there whole or not at all.

    Parameters
    ----------
    address : str
    target : Path of the file to write, in a folder that is there or can be made

    Returns
    -------
    target : Path

    Raises
    ------
    UpdateError
        If it cannot be had, is too large or takes too long, or cannot be written.
    """
    data = _fetch(address, LARGEST_ZIP, 20)
    try:
        target.parent.mkdir(exist_ok=True)
        with replacing(target) as file:
            file.write(data)
    except OSError as error:
        raise UpdateError(f"{target} cannot be written: {error.strerror}") from error
    return target


def _fetch(address: str, limit: int, seconds: float) -> bytes:
    """Return what lies at an address, by https alone, on the way as well."""
    import requests  # slow to import, and not everybody updates

    _require_scheme(address)
    deadline, parts, size = time.monotonic() + _PATIENCE, list[bytes](), 0
    try:
        with requests.get(address, stream=True, timeout=seconds) as answer:
            for step in (*answer.history, answer):
                _require_scheme(step.url)
            answer.raise_for_status()
            for part in answer.iter_content(1 << 16):
                size += len(part)
                if size > limit or time.monotonic() > deadline:
                    said = f"it has more than {limit // 1_000_000} MB" if size > limit else "slow"
                    raise UpdateError(f"{address} was given up: {said}")
                parts.append(part)
    except OSError as error:  # all of requests' own, and what it says of a wrong bundle
        said = _why_not_reached(error)
        raise UpdateError(f"{address} cannot be reached ({said}); nothing was changed") from error
    return b"".join(parts)


def _why_not_reached(error: OSError) -> str:
    """Say why nothing came from an address."""
    import requests

    if not isinstance(error, requests.RequestException):
        return str(error)
    if not isinstance(error, requests.exceptions.SSLError):
        return str(getattr(error.response, "status_code", None) or "is there a network?")
    found = _TLS_REASON.search(str(error))
    said = found[1] if found else "no safe connection"
    return said + _OWN_CERTIFICATE * ("certificate" in said)


def _require_scheme(address: str) -> None:
    if not address.startswith(SCHEME):
        raise UpdateError(f"{address} is no address that begins with {SCHEME}: fetch it yourself")

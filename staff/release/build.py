"""Cut the release and pack it: one source gives one sequence of bytes, anywhere, at any time."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cs682._files import pack, replacing
from staff.exercises import page
from staff.release.complete import read_version, unchecked, unhinted, unlisted
from staff.release.files import MANIFEST, VARIANT, Source
from staff.release.leaks import find_leaks, secrets
from staff.release.originals import given_files, original_files
from staff.release.reference import Reference, read_reference, strip_files
from staff.release.regions import Region, ReleaseError
from staff.release.self_study import self_study_files
from staff.release.values import value_files
from staff.release.variant import Variant

SETTINGS, PAGE = "assignment.json", "docs/exercises.md"
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+")


@dataclass(frozen=True)
class Release:
    """A finished release.

    Attributes
    ----------
    name : str, of the one folder in the zip
    version : str
    files : dict of str to bytes, by path inside that folder, the manifest among them
    executable : frozenset of str, paths with an execute bit
    """

    name: str
    version: str
    files: dict[str, bytes]
    executable: frozenset[str] = frozenset()


def cut(source: Source, variant: Variant | None = None, repository: str = "") -> Release:
    """Cut the release from the reference.

    Parameters
    ----------
    variant : Variant, optional; what the course changes
    repository : str 'OWNER/REPO', optional; where the course publishes the release. Default: what
        ``assignment.json`` says

    Raises
    ------
    ReleaseError
        With everything that keeps this source from being released.
    ValueError
        If `repository` has another form.
    """
    variant = variant or Variant()
    settings, version = _read_settings(source), read_version(source)
    if faults := unchecked() + unhinted():
        raise ReleaseError(faults)
    reference = read_reference(source)
    files = strip_files(reference, variant) | value_files()
    if data := variant.dump():
        files[VARIANT] = data
        files[PAGE] = page(variant.table).encode()
    if repository:
        files = _move_repository(files, settings["repository"], repository)
    files |= original_files(files, reference)
    if faults := unlisted(files) + find_leaks(files, _secrets(reference, variant)):
        raise ReleaseError(faults)
    files |= self_study_files(files, reference, variant)  # last: the rest was searched without them
    files |= given_files(files, version)
    facts = {"name": settings["name"], "version": version, "commit": source.commit}
    files[MANIFEST] = _manifest(facts, files)
    return Release(settings["name"], version, dict(sorted(files.items())), source.executable)


def _read_settings(source: Source) -> dict[str, Any]:
    """Return what ``assignment.json`` holds."""
    try:
        settings = json.loads(source.files[SETTINGS])
        return {key: str(settings[key]) for key in ("name", "repository")}
    except (KeyError, TypeError, ValueError) as error:
        wanted = 'a JSON object with "name" and "repository"'
        raise ReleaseError([f"{SETTINGS}:1: expected {wanted}: {error!r}"]) from error


def _secrets(reference: Reference, variant: Variant) -> dict[str, str]:
    """Return the lines that must not occur: those of all solutions that are not handed out."""
    kept: list[Region] = []
    handed_out: list[Region] = []
    for region in reference.all_regions():
        (handed_out if region.exercise in variant.given else kept).append(region)
    public = secrets(handed_out, ())
    lines = secrets(kept, reference.answers())
    return {line: name for line, name in lines.items() if line not in public}


def _move_repository(files: dict[str, bytes], old: str, new: str) -> dict[str, bytes]:
    """Name the course's own repository wherever the files name the reference's."""
    if not _REPOSITORY.fullmatch(new):
        raise ValueError(f"a repository is OWNER/REPO as on GitHub, got {new!r}")
    return {path: data.replace(old.encode(), new.encode()) for path, data in files.items()}


def _manifest(facts: dict[str, str], files: dict[str, bytes]) -> bytes:
    """Return what the release is, and the list of all files with their SHA-256."""
    hashes = {path: hashlib.sha256(data).hexdigest() for path, data in sorted(files.items())}
    return (json.dumps({**facts, "files": hashes}, indent=2) + "\n").encode()


def write_zip(release: Release, folder: Path) -> Path:
    """Pack a release; the zip appears whole or not at all.

    Nothing is compressed: compressed bytes depend on the version of the compressor, and the hash
    of a release should not. Times and permissions are fixed, names sorted.

    Parameters
    ----------
    folder : Path, made if it is not there
    """
    path = folder / f"{release.name}-{release.version}.zip"
    files = {f"{release.name}/{name}": data for name, data in release.files.items()}
    executable = {f"{release.name}/{name}" for name in release.executable}
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        pack(file, files, executable, compression=zipfile.ZIP_STORED)
    return path

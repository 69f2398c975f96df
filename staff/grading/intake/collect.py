"""Find the hand-ins in a folder or zip, as a course's platform gives it out.

Known are the exports of Gradescope (`submission_metadata.yml` and a folder for each submission),
Moodle (`Ada Lovelace_1234_assignsubmission_file_`) and Canvas (`lovelaceada_12_345_hand-in.zip`),
and a plain folder in which each hand-in is a folder or zip of its own.
"""

from __future__ import annotations

import re
import shutil
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from staff.grading.intake.safe_text import shown
from staff.grading.intake.submission import Student, Submission

METADATA = "submission_metadata.yml"
_MOODLE = re.compile(r"(?P<name>.+)_(?P<id>\d+)_assignsubmission_(?:file|onlinetext)_?(?P<file>.*)")
_CANVAS = re.compile(r"(?P<name>[^_]+)_(?P<late>LATE_|late_)?(?P<id>\d+)_\d+_(?P<file>.+)")
_MAX_METADATA = 20_000_000  # bytes; about 1 kB a student


@dataclass(frozen=True)
class ClassOfSubmissions:
    """What was found.

    Attributes
    ----------
    submissions : tuple of Submission, sorted by id
    remarks : tuple of str, for the instructor: what was passed over, and why
    """

    submissions: tuple[Submission, ...]
    remarks: tuple[str, ...]


def collect(place: Path, scratch: Path) -> ClassOfSubmissions:
    """Find the hand-ins of a class, or one hand-in by itself.

    Parameters
    ----------
    place : Path, a folder of hand-ins, a platform's export as a zip, or one hand-in as a folder or
        zip
    scratch : Path, a folder to unpack an export to; made if need be

    Returns
    -------
    found : ClassOfSubmissions

    Raises
    ------
    FileNotFoundError
        If there is no such place.
    ValueError
        If nothing in it looks like a hand-in, or Gradescope's metadata is damaged.
    OSError
        If an export cannot be unpacked.
    """
    if not place.exists():
        raise FileNotFoundError(f"there is no {place}")
    if _is_export(place):
        return _collect_class(_unpack_export(place, scratch))
    if _is_one(place):
        name = _normal(place.name if place.is_dir() else place.stem)
        alone = Submission(name, (Student(name),), ((place, place.name),))
        return ClassOfSubmissions((alone,), ())
    if not place.is_dir():
        raise ValueError(f"{place} is neither a folder nor a zip")
    return _collect_class(place)


def _collect_class(place: Path) -> ClassOfSubmissions:
    """Find the hand-ins in a folder of them."""
    remarks: list[str] = []
    listed = _read_metadata(place)
    merged: dict[str, Submission] = {}
    paths = [p for p in sorted(place.iterdir()) if not p.name.startswith((".", "__MACOSX"))]
    for path in paths:
        found = _one_of_class(path, listed)
        if found is not None:
            merged[found.id] = _merge(merged[found.id], found) if found.id in merged else found
        elif path.name != METADATA:
            remarks.append(f"{shown(path.name)} is no hand-in and was passed over")
    if not merged:
        raise ValueError(f"there is no hand-in in {place}: no folder and no zip")
    absent = sorted(set(listed) - {path.name for path in paths})
    remarks += [f"{METADATA} lists {shown(name)}, which is not there" for name in absent]
    return ClassOfSubmissions(tuple(merged[key] for key in sorted(merged)), tuple(remarks))


def _is_export(place: Path) -> bool:
    """Tell whether a place is a zip in which a platform gives out a whole class."""
    if not (place.is_file() and zipfile.is_zipfile(place)):
        return False
    with zipfile.ZipFile(place) as archive:
        names = archive.namelist()
    return any(
        PurePosixPath(name).name == METADATA
        or _MOODLE.fullmatch(name.partition("/")[0])
        or ("/" not in name and (name.endswith(".zip") or _CANVAS.fullmatch(name)))
        for name in names
    )


def _unpack_export(place: Path, scratch: Path) -> Path:
    """Unpack a platform's export; return the folder that holds the hand-ins."""
    scratch.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(place) as archive:
        needed, free = sum(e.file_size for e in archive.infolist()), shutil.disk_usage(scratch).free
        if needed > free // 2:
            raise ValueError(f"{place} unpacks to {needed} bytes, but only {free} are free")
        archive.extractall(scratch)  # which drops leading slashes and '..', and makes no links
    metadata = next(iter(scratch.glob(f"*/{METADATA}")), None)
    return metadata.parent if metadata else scratch


def _is_one(place: Path) -> bool:
    """Tell whether a place is one hand-in, not a class of them."""
    if place.is_file():
        return zipfile.is_zipfile(place)
    return (place / "cs682").is_dir() or (place / "layers.py").is_file()


def _one_of_class(path: Path, listed: dict[str, tuple[Student, ...]]) -> Submission | None:
    """Read from a name in an export whose hand-in it is; None if it is none."""
    name = _normal(path.name)
    if path.name in listed:
        return Submission(name, listed[path.name], ((path, path.name),))
    if found := _MOODLE.fullmatch(name):
        given = found["file"] or path.name
        return Submission(found["id"], (Student(found["id"], found["name"]),), ((path, given),))
    if path.is_file() and (found := _CANVAS.fullmatch(name)):
        student = Student(found["id"], found["name"])
        return Submission(found["id"], (student,), ((path, found["file"]),), bool(found["late"]))
    if path.is_dir() or path.suffix.lower() == ".zip":
        id = name if path.is_dir() else name[: -len(path.suffix)]
        return Submission(id, (Student(id),), ((path, path.name),))
    return None


def _merge(one: Submission, more: Submission) -> Submission:
    """Put together what one student handed in as several files."""
    return replace(one, sources=one.sources + more.sources, late=one.late or more.late)


def _normal(name: str) -> str:
    """Return a name as most systems write it: macOS stores accents apart from their letters."""
    return unicodedata.normalize("NFC", name)


def _read_metadata(place: Path) -> dict[str, tuple[Student, ...]]:
    """Return the students of each folder of a Gradescope export; empty if it is none."""
    path = place / METADATA
    if not path.is_file():
        return {}
    if path.stat().st_size > _MAX_METADATA:
        raise ValueError(f"{path} has {path.stat().st_size} bytes, expected a few kB a student")
    try:
        tree = yaml.load(path.read_bytes(), yaml.BaseLoader)  # all text: 007 is no number
        return {str(name): tuple(_submitters(entry)) for name, entry in tree.items()}
    except (yaml.YAMLError, AttributeError, TypeError, KeyError, ValueError) as error:
        raise ValueError(f"{path} is not Gradescope's list of submissions: {error}") from error


def _submitters(entry: dict[str, Any]) -> Iterator[Student]:
    """Give the students of one submission; Gradescope's keys begin with a colon."""
    people: Iterable[dict[str, str]] = entry[":submitters"]
    for person in people:
        name, email = person.get(":name") or "", person.get(":email") or ""
        yield Student(person.get(":sid") or email or name, name, email)

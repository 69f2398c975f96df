"""Tell a whole class, as a platform gives it out, from one hand-in."""

from __future__ import annotations

import contextlib
import errno
import shutil
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from staff.grading.intake.platform_lists import METADATA
from staff.grading.intake.safe_text import FEW, names, shown
from staff.grading.intake.submission import Student
from staff.grading.intake.unpack import BROKEN, require_theirs
from staff.grading.intake.uploads import base_of, platform_names
from staff.grading.intake.zip_table import count_entries

MAX_EXPORT = 300_000  # files in a zip that may be a whole class
NO_NAME = (errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EEXIST)  # or another's already
JUNK = (".", "__MACOSX", "Thumbs.db", "desktop.ini")
_RESULTS = ("records", "failures", "seed.txt", "held_back.npz", "answers.json")  # below staff/
_PACKED = "hand-in"  # what `submit` packs; it may lie beside a folder of the same student's


def folder_of(place: Path, scratch: Path) -> tuple[Path | None, list[str]]:
    """Find the folder of a class; a platform's export is unpacked to `scratch`.

    Returns
    -------
    folder : Path; None if the place is one hand-in by itself
    left_out : list of str, a line on what of an export no folder can hold, if there is any

    Raises
    ------
    FileNotFoundError
        If there is no such place.
    ValueError
        If it is neither a folder nor a whole zip, or is too large.
    OSError
        If it cannot be read or unpacked.
    """
    if not place.exists():
        raise FileNotFoundError(f"there is no {place}")
    if place.is_dir():
        alone = (place / "cs682").is_dir() or (place / "layers.py").is_file()
        return (None if alone else place), []
    _require_modest(place)
    if is_export(place):
        return _unpack_export(place, scratch)
    if not zipfile.is_zipfile(place):
        raise ValueError(f"{place} is neither a folder nor a whole zip: download it again")
    return None, []


def is_results(folder: Path) -> bool:
    """Tell whether grades have been written to a folder."""
    return any((folder / "staff" / name).exists() for name in _RESULTS)


def is_export(place: Path, *, beyond_doubt: bool = False) -> bool:
    """Tell whether a zip is one in which a platform gives out a whole class.

    Parameters
    ----------
    place : Path, a file
    beyond_doubt : bool, whether what students pack too is not enough: zips in the zip, names of
        one person

    Raises
    ------
    OSError
        If it cannot be read.
    """
    names = _names_of(place)
    zips = any(len(n.parts) == 1 and n.suffix == ".zip" for n in names)
    sure = _has_several(_people(names)) or _gradescope_folder(names) is not None
    return sure or (not beyond_doubt and (zips or _is_by_name(names)))


def class_below(path: Path) -> Path | None:
    """Return the folder that holds a class: a folder itself, or one right in it; else None."""
    inner = [] if (path / "cs682").is_dir() else [p for p in _entries(path) if not p.is_symlink()]
    return next((folder for folder in (path, *inner) if _holds_class(folder)), None)


def class_inside(place: Path) -> str:
    """Return the name of a folder in a zip that holds a whole class; empty if there is none.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    tops: dict[str, list[PurePosixPath]] = {}
    for name in _names_of(place):
        if len(name.parts) > 1:
            tops.setdefault(name.parts[0], []).append(name.relative_to(name.parts[0]))
    if "cs682" in tops:
        return ""
    return next((top for top, names in sorted(tops.items()) if _are_of_class(names)), "")


def _require_modest(place: Path) -> None:
    """Refuse a zip that has more files than any class."""
    if (count := count_entries(place)) > MAX_EXPORT:
        raise ValueError(f"{place} holds {count} files, more than {MAX_EXPORT}: is it the class?")


def _unpack_export(place: Path, scratch: Path) -> tuple[Path, list[str]]:
    """Unpack a platform's export; return the folder of hand-ins and a line on what is left out."""
    scratch.mkdir(parents=True)
    with zipfile.ZipFile(place) as archive:
        needed, free = sum(e.file_size for e in archive.infolist()), shutil.disk_usage(scratch).free
        if needed > free // 2:
            raise ValueError(f"{place} unpacks to {needed} bytes, but only {free} are free")
        try:
            odd = [e.filename for e in archive.infolist() if not _extract(archive, e, scratch)]
            return scratch / (_gradescope_folder(_names_in(archive)) or ""), _say_odd(place, odd)
        except BROKEN as error:
            require_theirs(error)
            raise ValueError(f"{place} is damaged ({error}): download it again") from None


def _extract(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, scratch: Path) -> bool:
    """Unpack an entry, unless its name is one that no file here can have."""
    try:
        archive.extract(entry, scratch)  # which drops leading slashes, '..', and makes no links
    except OSError as error:
        if error.errno not in NO_NAME:
            raise
        return False
    return True


def _say_odd(place: Path, odd: Sequence[str]) -> list[str]:
    """Say which files are left out for their names, of an export."""
    told = names([shown(name) for name in odd], FEW)
    why = "names that are too long, or of a file and a folder at once"
    return [f"{shown(place.name)}: {len(odd)} left out, with {why}: {told}"] * bool(odd)


def _holds_class(folder: Path) -> bool:
    """Tell whether a folder has Gradescope's list, or hand-ins that look like several students'."""
    entries = _entries(folder)
    people = {u.students[0] for p in entries for u in platform_names(p, flat=p.is_file())}
    is_one = folder / "cs682" in entries  # with copies, perhaps
    hand_ins = set() if is_one else {base_of(p.name) for p in entries if _is_hand_in(p)}
    several = len({name for name in hand_ins if not name.startswith(_PACKED)}) > 1
    return _has_several(people) or several or folder / METADATA in entries


def _is_hand_in(path: Path) -> bool:
    """Tell whether a folder or zip holds the assignment's package, at its top or right below."""
    if path.is_symlink():
        return False
    if path.is_dir():
        return any((folder / "cs682").is_dir() for folder in (path, *_entries(path)))
    return path.suffix.lower() == ".zip" and any("cs682" in n.parts[:2] for n in _names_of(path))


def _are_of_class(names: Sequence[PurePosixPath]) -> bool:
    """Tell the same of names in a zip."""
    return _has_several(_people(names)) or PurePosixPath(METADATA) in names


def _has_several(people: Iterable[Student]) -> bool:
    """Tell whether there are several, whether one goes by names or by numbers."""
    people = list(people)
    return min(len({s.id for s in people}), len({s.name for s in people})) > 1


def _entries(folder: Path) -> list[Path]:
    """Return what is in a folder, in order; nothing if it is none, or cannot be read."""
    with contextlib.suppress(OSError):
        return sorted(p for p in folder.iterdir() if not p.name.startswith(JUNK))
    return []


def _names_of(place: Path) -> list[PurePosixPath]:
    """Return the names in a zip; none if it is no whole zip, or too large to be a class."""
    if count_entries(place) > MAX_EXPORT:
        return []
    with place.open("rb") as file:
        try:
            with zipfile.ZipFile(file) as archive:
                return _names_in(archive)
        except BROKEN:
            return []


def _names_in(archive: zipfile.ZipFile) -> list[PurePosixPath]:
    """Return the names of a zip as they are unpacked, without what systems add of their own."""
    names = [PurePosixPath(name) for name in archive.namelist() if not name.endswith("/")]
    inside = [PurePosixPath(*(part for part in n.parts if part not in ("/", ".."))) for n in names]
    return [name for name in inside if name.parts and not name.parts[0].startswith(JUNK)]


def _people(names: Iterable[PurePosixPath]) -> set[Student]:
    """Return whose uploads lie at a zip's top, if a platform has named them."""
    tops = {(name.parts[0], len(name.parts) == 1) for name in names}
    return {u.students[0] for top, flat in tops for u in platform_names(Path(top), flat=flat)}


def _is_by_name(names: Sequence[PurePosixPath]) -> bool:
    """Tell whether a zip is of a platform that names what lies at its top by student.

    One name of that form may be a student's own, beside others: `notes_2026_11_30.txt`.
    """
    return bool(names) and (_has_several(_people(names)) or all(_people([n]) for n in names))


def _gradescope_folder(names: Sequence[PurePosixPath]) -> PurePosixPath | None:
    """Return the folder of a zip that holds Gradescope's list of the class; None if there is none.

    It is the zip's top or the one folder there. Anywhere else, and in the zip of a platform that
    names uploads by student, the list is a file that a student has handed in.
    """
    tops = {PurePosixPath(name.parts[0]) for name in names}
    places = [PurePosixPath(), *(tops if len(tops) == 1 else ())]
    found = (place for place in places if place / METADATA in names)
    return None if _is_by_name(names) else next(found, None)

"""Read off the name of an upload whose it is, in each of the forms that platforms give out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from staff.grading.intake.sheets import normal
from staff.grading.intake.submission import Student

_MOODLE = re.compile(r"_(?P<id>\d+)_assignsubmission_(?:file|onlinetext)(?:_|$)")
_CANVAS = re.compile(
    r"(?P<name>[^_]+)_(?P<late>LATE_|late_)?(?P<id>\d+)_(?P<attachment>\d+)_(?P<file>.+)"
)
_MARK = re.compile(r"(?P<base>.*?)(?:-(?P<canvas>\d{1,3})| ?\((?P<browser>\d{1,3})\))?")


@dataclass(frozen=True)
class Upload:
    """One file or folder of an export, by one reading of its name.

    Attributes
    ----------
    path : Path
    platform : {'Canvas', 'Gradescope', 'Moodle', ''}
    id : str, of the hand-in
    students : tuple of Student
    given : str, the name that the student gave it
    order : tuple of int, the higher the newer, among uploads of one student on one platform
    late : bool
    submitted : str, time stamp, if there is one
    remarks : tuple of str, for the student
    place : str, what the folder or zip is called that it was found in
    said : str, whose it is, if a person has said so; else empty
    """

    path: Path
    platform: str
    id: str
    students: tuple[Student, ...]
    given: str
    order: tuple[int, ...] = ()
    late: bool = False
    submitted: str = ""
    remarks: tuple[str, ...] = ()
    place: str = ""
    said: str = ""

    @property
    def key(self) -> str | Path:
        """Return what is the same only if it is one upload, given out twice.

        The name that Canvas makes has a number that no other upload has.
        """
        return normal(self.path.name) if self.platform == "Canvas" else self.path

    @property
    def is_listed(self) -> bool:
        """Tell whether it is of Gradescope's list and a person has said whose it is."""
        return bool(self.said) and self.platform == "Gradescope"

    @property
    def owner(self) -> tuple[object, ...]:
        """Return what must be the same in all uploads of one student."""
        return self.platform, frozenset(s.person for s in self.students)


def read_name(path: Path) -> list[Upload]:
    """Return every reading of a name; several if it fits several forms.

    Returns
    -------
    readings : list of Upload; empty if it is no hand-in
    """
    readings = platform_names(path, flat=path.is_file())
    if not readings and (path.is_dir() or path.suffix.lower() == ".zip"):
        name = normal(path.name)
        id_ = name if path.is_dir() else normal(path.stem)
        readings = [Upload(path, "", id_, (Student(id_),), path.name)]
    return readings


def platform_names(path: Path, *, flat: bool) -> list[Upload]:
    """Return every reading of a name as one that Moodle or Canvas made.

    Parameters
    ----------
    path : Path, which need not be there
    flat : bool, whether it is a file: Canvas gives out no folders
    """
    name = normal(path.name)
    return [*_moodle(path, name), *(_canvas(path, name) if flat else ())]


def named_by(paths: Iterable[Path]) -> Iterator[Student]:
    """Give each student whom the name of an upload names, if it can be read in one way alone."""
    for path in paths:
        readings = platform_names(path, flat=path.is_file())
        yield from readings[0].students if len(readings) == 1 else ()


def given_name(path: Path) -> str:
    """Return the name that a student gave an upload: of several readings the shortest."""
    given = (upload.given for upload in platform_names(path, flat=path.is_file()))
    return min(given, key=len, default=path.name)


def _moodle(path: Path, name: str) -> Iterator[Upload]:
    """Give the readings as Moodle's: a student's file name may look like a second one."""
    for found in _MOODLE.finditer(name):
        if person := name[: found.start()]:
            given = name[found.end() :] or path.name
            student = Student(found["id"], person)
            yield Upload(path, "Moodle", found["id"], (student,), given, (mark_of(given),))


def _canvas(path: Path, name: str) -> Iterator[Upload]:
    """Give the reading as Canvas's, which numbers all files that are ever uploaded."""
    if found := _CANVAS.fullmatch(name):
        student, order = Student(found["id"], found["name"]), (int(found["attachment"]),)
        late = bool(found["late"])
        yield Upload(path, "Canvas", found["id"], (student,), found["file"], order, late)


def base_of(given: str) -> str:
    """Return a name without its ending and without the number that `mark_of` tells."""
    found = _MARK.fullmatch(Path(given).stem)
    return found["base"].casefold() if found else given


def mark_of(given: str) -> int:
    """Return the number that platforms and browsers put behind a name that was there before.

    Parameters
    ----------
    given : str, such as 'hand-in-2.zip' or 'hand-in (2).zip'

    Returns
    -------
    number : int, 0 without such a mark
    """
    found = _MARK.fullmatch(Path(given).stem)
    return int((found and (found["canvas"] or found["browser"])) or 0)

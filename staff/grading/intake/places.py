"""Several places of one class: who is in more than one of them."""

from __future__ import annotations

import filecmp
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from staff.grading.intake.safe_text import counted, names, shown
from staff.grading.intake.sheets import normal
from staff.grading.intake.submission import Student, Submission
from staff.grading.intake.uploads import Upload


@dataclass(frozen=True)
class Place:
    """A folder or zip that the command names, and what was found in it.

    Attributes
    ----------
    path : Path
    uploads : tuple of Upload
    named : frozenset of str, ids of students whom the platform names there
    """

    path: Path
    uploads: tuple[Upload, ...]
    named: frozenset[str] = frozenset()

    @property
    def people(self) -> frozenset[str]:
        """Return the ids of all who are in it, and of their hand-ins."""
        return frozenset[str]().union(*map(_ids, self.uploads))

    @property
    def whole(self) -> frozenset[str]:
        """Return the ids of those of whom all of it is, if it is a zip: a student may make one."""
        if not self.uploads or self.path.is_dir():
            return frozenset()
        return frozenset.intersection(*map(_ids, self.uploads))


def is_in_doubt(place: Place, places: Sequence[Place]) -> bool:
    """Tell whether a place is a zip of one student, who is in another place too.

    Of several such zips the first is in no doubt, unless the student is in the class as well.
    """
    before = places[: places.index(place)]
    return any(
        place.whole & other.people and (other in before or not other.whole)
        for other in places
        if other is not place
    )


def say_both(places: Sequence[Place]) -> list[str]:
    """Say of each place of whom it brings uploads that no earlier one has, though it has others."""
    lines = []
    before: list[Upload] = []
    for place in places:
        people = frozenset[str]().union(*map(_ids, before))
        known = defaultdict[str, list[Upload]](list)
        for upload in before:
            known[normal(upload.path.name)].append(upload)
        new = [u for u in place.uploads if _ids(u) & people and not _is_among(u, known)]
        again = {u.said or u.id: u.students for u in new}
        if again:
            who = names([_called(student) for students in again.values() for student in students])
            lines.append(
                f"{_name_of(place, places)} brings newer or further uploads of "
                f"{counted(len(again), 'hand-in')}: {who}"
            )
        before += place.uploads
    return lines


def say_new(places: Sequence[Place]) -> list[str]:
    """Say of each place but the first who is in none before it, perhaps under another name."""
    lines = []
    before: frozenset[str] = frozenset()
    for place in places:
        new = {u.id: u.students for u in place.uploads if not (_ids(u) & before or u.said)}
        if before and new:
            who = names([_called(student) for students in new.values() for student in students])
            lines.append(
                f"{_name_of(place, places)} brings {counted(len(new), 'hand-in')} of who is in no "
                f"earlier place: {who}; if one is of somebody's who is, say so in students.csv"
            )
        before |= place.people | place.named
    return lines


def _is_among(upload: Upload, known: Mapping[str, Sequence[Upload]]) -> bool:
    """Tell whether an upload has been given out before, by its name and what it holds."""
    alike = known[normal(upload.path.name)]
    return any(u.key == upload.key or _is_alike(u.path, upload.path) for u in alike)


def _is_alike(one: Path, other: Path) -> bool:
    """Tell whether two files, or all files of two folders, are the same."""
    files, others = _files_of(one), _files_of(other)
    return files.keys() == others.keys() and all(
        filecmp.cmp(files[name], others[name], shallow=False) for name in files
    )


def _files_of(top: Path) -> dict[Path, Path]:
    """Return the files of a folder by their names in it, or a file by itself; no links."""
    paths = (path for path in (top, *top.rglob("*")) if path.is_file() and not path.is_symlink())
    return {path.relative_to(top): path for path in paths}


def _name_of(place: Place, places: Sequence[Place]) -> str:
    """Return what a place is called, whole if another is called the same."""
    alike = [other for other in places if other.path.name == place.path.name]
    return shown(place.path.name if len(alike) == 1 else str(place.path), 200)


def say_platforms(submissions: Sequence[Submission]) -> list[str]:
    """Say how many hand-ins are of which platform, if there are several: perhaps two classes."""
    counts = Counter(s.platform for s in submissions if s.platform)
    told = ", ".join(f"{platform} {count}" for platform, count in sorted(counts.items()))
    return [f"Hand-ins of {len(counts)} platforms come together: {told}"] * (len(counts) > 1)


def _ids(upload: Upload) -> frozenset[str]:
    """Return the ids of whose an upload is, and of their hand-in."""
    return frozenset({upload.said or upload.id, *(student.id for student in upload.students)})


def _called(student: Student) -> str:
    """Return a student's name and id."""
    if student.name in ("", student.id):
        return shown(student.id, 40)
    return f"{shown(student.name, 40)} ({shown(student.id, 40)})"

"""Several places of one class: who is in more than one of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from staff.grading.intake.safe_text import names, shown
from staff.grading.intake.submission import Student, Submission
from staff.grading.intake.uploads import Upload


@dataclass(frozen=True)
class Place:
    """A folder or zip that the command names, and what was found in it.

    Attributes
    ----------
    path : Path
    uploads : tuple of Upload
    """

    path: Path
    uploads: tuple[Upload, ...]

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
    """Say of each place of whom it brings uploads that are in an earlier one too."""
    lines = []
    before: frozenset[str] = frozenset()
    seen: set[str | Path] = set()
    for place in places:
        new = [u for u in place.uploads if u.key not in seen]
        again = {u.said or u.id: u.students for u in new if _ids(u) & before}
        if again:
            who = names([_called(student) for students in again.values() for student in students])
            count = f"{len(again)} hand-in{'s' * (len(again) > 1)}"
            lines.append(
                f"{shown(place.path.name)} brings newer or further uploads of {count}: {who}"
            )
        before |= place.people
        seen |= {u.key for u in new}
    return lines


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

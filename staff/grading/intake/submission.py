"""Who handed in what."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from staff.grading.intake.sheets import normal


@dataclass(frozen=True)
class Student:
    """One of those who handed in.

    Attributes
    ----------
    id : str, what the platform calls the student: a number, or the name of the folder
    name, email : str, empty if the platform does not say
    """

    id: str
    name: str = ""
    email: str = ""


@dataclass(frozen=True)
class Submission:
    """One hand-in, before it has been opened.

    Attributes
    ----------
    id : str, unique in the class: what ``--only`` takes
    students : tuple of Student, several for a group
    sources : tuple of (Path, str), folders and files, each with the name that the student gave it
    late : bool, whether the platform marked it so
    versions : tuple of int, for each source: of two that hold the same file the higher counts; all
        alike if empty
    submitted : str, when the newest was handed in, as the platform says it; else empty
    remarks : tuple of str, for the student: which versions there were
    held : str, why it is not graded until a person has said whose it is; else empty
    perhaps : frozenset of str, ids of hand-ins and students, of whom a held one may be
    assigned : tuple of str, for each source: what the upload is called if a person has said whose
        it is, else empty; none are if it is empty
    platform : {'Canvas', 'Gradescope', 'Moodle', ''}
    """

    id: str
    students: tuple[Student, ...]
    sources: tuple[tuple[Path, str], ...]
    late: bool = False
    versions: tuple[int, ...] = ()
    submitted: str = ""
    remarks: tuple[str, ...] = ()
    held: str = ""
    perhaps: frozenset[str] = frozenset()
    assigned: tuple[str, ...] = ()
    platform: str = ""

    @property
    def uploads(self) -> tuple[str, ...]:
        """Return what the sources are called where they lie, as tables have it."""
        return tuple(normal(path.absolute().name) for path, _ in self.sources)

"""Who handed in what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from staff.grading.intake.safe_text import names, shown
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

    @property
    def person(self) -> tuple[str, ...]:
        """Return what is the same in all hand-ins of one student, and in none of another's.

        Students type their ids and names themselves on Gradescope, but not their e-mail addresses.
        """
        return (self.email,) if self.email else (self.id, self.name)

    def may_be(self, other: Student) -> bool:
        """Tell whether two are the same person, by as much as is known of both."""
        if self.email and other.email:
            return self.person == other.person
        return self.id == other.id and (self.name == other.name or "" in (self.name, other.name))


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


@dataclass(frozen=True)
class ClassOfSubmissions:
    """What was found.

    Attributes
    ----------
    submissions : tuple of Submission, sorted by id
    remarks : tuple of str, for the instructor: what was passed over, and why
    aloud : tuple of str, remarks that the command makes as well: they are about the whole class
    notices : tuple of str, those of them that say what is there, and of nothing that is left out
    absent : tuple of str, what a person has said of uploads that are not there, by file and line
    """

    submissions: tuple[Submission, ...]
    remarks: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    aloud: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()

    @cached_property
    def owners(self) -> dict[str, Submission]:
        """Return the hand-ins by their own ids and by those of their students."""
        by_student = {student.id: s for s in self.submissions for student in s.students}
        return {**by_student, **{s.id: s for s in self.submissions}}

    def refusal(self, id_: str) -> str:
        """Say why nothing that a person types can be for somebody; empty if it can.

        What is for one of several who handed in together would be for all of them.

        Parameters
        ----------
        id_ : str, of a hand-in or a student, if it is right
        """
        found = self.owners.get(id_)
        if found and found.held:
            return f"nobody has said whose {id_!r} is, expected a line in students.csv first"
        if found and len(found.students) > 1 and id_ != found.id:
            return f"{id_!r} handed in with others, expected {found.id!r}, for all of them"
        return "" if found else self._stranger(id_)

    def _stranger(self, id_: str) -> str:
        """Say of an id that is no hand-in's that may count what else it may be."""
        held = [s.id for s in self.submissions if id_ in s.perhaps]
        called = [s.id for s in self.submissions for t in s.students if normal(t.name) == id_]
        if held:
            return (f"{id_!r} may be whose uploads are held: {_listed(held)}, expected a line for "
                    "them in students.csv first")  # fmt: skip
        is_what = f"is a name, of {_listed(called)}" if called else "has handed nothing in"
        return f"{id_!r} {is_what}, expected a student or a hand-in as grades.csv calls it"


def _listed(ids: Sequence[str]) -> str:
    """Return ids in one line."""
    return names([shown(id_, 40) for id_ in ids])

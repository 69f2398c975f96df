"""One hostile hand-in, written as a change of the reference."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field

from cs682.checks.exercises import EXERCISES
from staff.bank.answer import Answer, Change

_IMPORT = "import numpy as np\n"


@dataclass(frozen=True)
class Hostile:
    """A hand-in that tries something; the exercise it tries it for is not answered rightly.

    Attributes
    ----------
    name : str, what it does, in words
    body : str, what stands in place of the exercise's solution; empty: the solution stays
    prelude : str, what runs when the exercise's file is imported
    exercise : str, id of the exercise that is graded
    files : mapping from a path to text or bytes, put beside or in place of the hand-in's files
    states : tuple of str, what the exercise may come out as
    needs_walls : bool, it reaches for the machine, so it is tried only where a sandbox has walls
    """

    name: str
    body: str = ""
    prelude: str = ""
    exercise: str = "fc-1.3"
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    states: tuple[str, ...] = ("wrong", "no answer")
    needs_walls: bool = False

    def apply(self, files: Mapping[str, bytes]) -> dict[str, bytes]:
        """Return the files of a hand-in that tries this.

        Parameters
        ----------
        files : mapping from a path to the reference's bytes

        Returns
        -------
        files : dict from a path to bytes
        """
        file = EXERCISES[self.exercise].file
        source = files[file].decode()
        if self.body:
            change = Change(self.exercise, self.body)
            source = Answer(self.exercise, self.name, (change,)).apply(source)
        source = source.replace(_IMPORT, _IMPORT + textwrap.dedent(self.prelude), 1)
        more = {k: v.encode() if isinstance(v, str) else v for k, v in self.files.items()}
        return {**files, file: source.encode(), **more}

    def __str__(self) -> str:
        """Return the name."""
        return self.name

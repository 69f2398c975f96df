"""One answer of the bank, and a way to put it in the place of the reference for a moment."""

from __future__ import annotations

import importlib.util
import itertools
import linecache
import re
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cs682.checks import EXERCISES
from staff.bank.pieces import fit, places

ROOT = Path(__file__).resolve().parents[2]
_MODULES = {  # in the order in which they import each other
    "cs682/layers.py": "cs682.layers",
    "cs682/fast_layers.py": "cs682.fast_layers",
    "cs682/layer_utils.py": "cs682.layer_utils",
    "cs682/optim.py": "cs682.optim",
    "cs682/classifiers/fc_net.py": "cs682.classifiers.fc_net",
    "cs682/classifiers/cnn.py": "cs682.classifiers.cnn",
}
_SOLUTION = (
    r"(?ms)^(?P<indent> *)# TODO\({id}\):(?:(?!# BEGIN SOLUTION).)*?^ *# BEGIN SOLUTION\n"
    r"(?P<body>.*?)^ *# END SOLUTION\n"
)


@dataclass(frozen=True)
class Change:
    """A piece of the reference, and what a student wrote in its place.

    Attributes
    ----------
    exercise : str, id of the exercise whose solution holds the piece
    new : str, what the student wrote
    old : str, the piece, which must be there once; spaces, line breaks and comments do not count.
        Empty: `new` stands for the whole solution
    number : int, which of the exercise's solutions it is, counted from 1, if it has several. 0: for
        a piece the one that holds it, else the first
    anywhere : bool, look for the piece in the whole file, not only in the exercise's solutions
    """

    exercise: str
    new: str
    old: str = ""
    number: int = 0
    anywhere: bool = False

    def edit(self, source: str) -> tuple[int, int, str]:
        """Return what must be done to the reference's file.

        Parameters
        ----------
        source : str, its text

        Returns
        -------
        start, end : int, the part of it that goes
        text : str, what comes in its place

        Raises
        ------
        ValueError
            If what is to go is not there exactly once.
        """
        if not self.old:
            (solution,) = self._solutions(source)[:1]
            body = textwrap.dedent(self.new).strip("\n") + "\n"
            return *solution.span("body"), textwrap.indent(body, solution["indent"])
        rooms = [(0, len(source))]
        if not self.anywhere:
            rooms = [solution.span("body") for solution in self._solutions(source)]
        found = [(a + s, a + e) for a, b in rooms for s, e in places(self.old, source[a:b])]
        if len(found) != 1:
            raise ValueError(f"looks for {self.old!r}, which is in {self} {len(found)} times")
        ((start, end),) = found
        start, text = fit(self.new, self.old, source, start)
        return start, end, text

    def _solutions(self, source: str) -> list[re.Match[str]]:
        """Return the solutions in which the change may be made, at least one."""
        pattern = _SOLUTION.replace("{id}", re.escape(self.exercise))
        solutions = list(re.finditer(pattern, source))
        if self.number:
            solutions = solutions[self.number - 1 : self.number]
        if not solutions:
            raise ValueError(f"looks for {self}, which is not there")
        return solutions

    def __str__(self) -> str:
        """Return where the change is made."""
        if self.anywhere:
            return EXERCISES[self.exercise].file
        number = f"number {self.number} " if self.number else ""
        return f"solution {number}of {self.exercise} in {EXERCISES[self.exercise].file}"


@dataclass(frozen=True)
class Answer:
    """A student's answer to one exercise, written as changes of the reference.

    Attributes
    ----------
    judge : str, id of the exercise whose check is asked
    title : str, what the student did, in words
    changes : tuple of Change, all of one file
    names : str, regular expression; a message that matches it names the mistake
    verdict : {'wrong', 'right', 'advice'}; what the check must say; 'advice' is right with advice
    fresh : bool, whoever wrote it had not seen the checks
    place : str, where it is written down
    """

    judge: str
    title: str
    changes: tuple[Change, ...]
    names: str = ""
    verdict: str = "wrong"
    fresh: bool = False
    place: str = ""

    @property
    def exercise(self) -> str:
        """Return the id of the exercise that it answers."""
        return self.changes[0].exercise

    @property
    def file(self) -> str:
        """Return the file that the answer changes, seen from the root."""
        return EXERCISES[self.exercise].file

    @property
    def reaches_out(self) -> bool:
        """Tell whether it changes code outside of the exercise's solutions."""
        return any(c.anywhere or c.exercise != self.exercise for c in self.changes)

    def apply(self, source: str) -> str:
        """Return the reference's file with this answer in it.

        Parameters
        ----------
        source : str, text of the reference's file

        Raises
        ------
        ValueError
            If a piece to be replaced is not there exactly once, or overlaps another.
        """
        try:
            edits = sorted(change.edit(source) for change in self.changes)
        except ValueError as error:
            raise ValueError(f"{self.place}: {self.title!r} {error}") from None
        for (_, end, _), (start, _, _) in itertools.pairwise(edits):
            if start < end:
                raise ValueError(f"{self.place}: {self.title!r} changes one piece twice")
        for start, end, text in reversed(edits):
            source = source[:start] + text + source[end:]
        return source

    def __str__(self) -> str:
        """Return id and title."""
        return f"{self.judge}: {self.title}"


@contextmanager
def installed(answer: Answer) -> Iterator[None]:
    """Let ``import cs682.layers`` and its sisters find the student's answer instead of ours."""
    before = {name: sys.modules.get(name) for name in _MODULES.values()}
    try:
        for name in _MODULES.values():
            sys.modules.pop(name, None)
        for file, name in _MODULES.items():
            source = (ROOT / file).read_text(encoding="utf-8")
            _load(name, file, answer.apply(source) if file == answer.file else source)
        yield
    finally:
        for name, module in before.items():
            if module is None:
                sys.modules.pop(name, None)
            else:
                sys.modules[name] = module


def _load(name: str, file: str, source: str) -> None:
    """Execute a module's source under its usual name, with its lines at hand for messages."""
    filename = f"student/{file}"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    spec = importlib.util.spec_from_loader(name, loader=None)
    if spec is None:
        raise ImportError(name)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    exec(compile(source, filename, "exec"), module.__dict__)

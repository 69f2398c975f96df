"""One answer of the bank, and a way to put it in the place of the reference for a moment."""

from __future__ import annotations

import importlib.util
import linecache
import re
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cs682.checks import EXERCISES

ROOT = Path(__file__).resolve().parents[2]
_MODULES = {  # in the order in which they import each other
    "cs682/layers.py": "cs682.layers",
    "cs682/layer_utils.py": "cs682.layer_utils",
    "cs682/optim.py": "cs682.optim",
    "cs682/classifiers/fc_net.py": "cs682.classifiers.fc_net",
}
_REGION = (
    r"(?ms)^(?P<indent> *)# TODO\({id}\):(?:(?!# BEGIN SOLUTION).)*?^ *# BEGIN SOLUTION\n"
    r"(?P<body>.*?)^ *# END SOLUTION\n"
)


@dataclass(frozen=True)
class Answer:
    """A student's answer to one exercise, written as a change of the reference.

    Attributes
    ----------
    exercise : str, id of the exercise that it answers
    title : str, what the student did, in words
    new : str, what the student wrote
    old : str, the piece of the reference that `new` stands for; it must occur exactly once in the
        exercise's regions. Empty: `new` replaces the whole region
    names : str, regular expression; a message that matches it names the mistake
    verdict : {'wrong', 'right', 'advice'}; what the check must say; 'advice' is right with advice
    region : int, which of the exercise's regions `new` replaces, if it replaces a whole one
    anywhere : bool, look for `old` in the whole file, outside the regions too
    also : tuple of (old, new), further pieces of the file to replace, wherever they stand
    judged_by : str, id of the exercise whose check is asked, if not `exercise`
    """

    exercise: str
    title: str
    new: str
    old: str = ""
    names: str = ""
    verdict: str = "wrong"
    region: int = 0
    anywhere: bool = False
    also: tuple[tuple[str, str], ...] = ()
    judged_by: str = ""

    @property
    def judge(self) -> str:
        """Return the id of the exercise whose check is asked."""
        return self.judged_by or self.exercise

    @property
    def file(self) -> str:
        """Return the file that the answer changes, seen from the root."""
        return EXERCISES[self.exercise].file

    def apply(self, source: str) -> str:
        """Return the reference's file with this answer in it.

        Parameters
        ----------
        source : str, text of the reference's file

        Returns
        -------
        source : str

        Raises
        ------
        ValueError
            If the piece to be replaced is not there exactly once.
        """
        for old, new in self.also:
            source = self._replace_piece(source, old, new)
        if self.anywhere:
            return self._replace_piece(source, self.old, self.new)
        pattern = _REGION.replace("{id}", re.escape(self.exercise))
        regions = list(re.finditer(pattern, source))
        if self.old:
            holding = [r for r in regions if self.old in r["body"]]
            if len(holding) != 1:
                raise ValueError(f"{self}: in {len(holding)} regions, expected 1")
            region, body = holding[0], self._replace_piece(holding[0]["body"], self.old, self.new)
        else:
            region = regions[self.region]
            body = textwrap.indent(textwrap.dedent(self.new).strip("\n") + "\n", region["indent"])
        start, end = region.span("body")
        return source[:start] + body + source[end:]

    def _replace_piece(self, text: str, old: str, new: str) -> str:
        """Return `text` with `old`, which it holds once, replaced by `new`."""
        if text.count(old) != 1:
            raise ValueError(f"{self}: {old!r} is there {text.count(old)} times, not once")
        return text.replace(old, new)

    def __str__(self) -> str:
        """Return id and title."""
        return f"{self.judge}: {self.title}"


@contextmanager
def installed(answer: Answer) -> Iterator[None]:
    """Let ``import cs682.layers`` and its sisters find the student's answer instead of ours.

    Parameters
    ----------
    answer : Answer
    """
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

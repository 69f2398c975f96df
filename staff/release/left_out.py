"""What a release lacks, and says otherwise, where a course leaves things out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from cs682.checks.exercises import NOTEBOOKS
from cs682.checks.hints import NAME as HINTS
from staff.release.complete import CHANGELOG
from staff.release.variant import Variant

PAGE_FOR_AGENTS = "AGENTS.md"  # how coding agents are to behave in a student's copy
_LEADING_THERE = ("CLAUDE.md", "GEMINI.md", ".github/copilot-instructions.md")
PAGE_FOR_STUDENTS = "docs/student.md"
_POLICY = re.compile(r"(?<=<!-- policy -->\n).*?(?=<!-- /policy -->)", re.DOTALL)
IGNORED = ".gitignore"
WORKSPACE = "notebooks/assignment.jupyterlab-workspace"
_LINES = re.DOTALL | re.MULTILINE
_COURSE = re.compile(
    r"(?<=\n\n)<!-- course -->\n.*?^<!-- /course -->\n+|^<!-- course -->\n.*?^<!-- /course -->\n"
    r"|<!-- course -->.*?<!-- /course -->",
    _LINES,
)
_ALONE = re.compile(r"^<!-- alone:\n(.*?)^-->\n|<!-- alone:(.*?)-->", _LINES)
_MARKERS = re.compile(r"^<!-- /?(?:course|policy) -->\n|<!-- /?course -->", re.MULTILINE)
_CHANGE = re.compile(r"^- .*\n(?:  .*\n)*", re.MULTILINE)
_OF_HAND_IN = re.compile(r"^- grading:|hand[- ]in\b|cs682 submit")
_ID = re.compile(r"\b[a-z]{2}-(?:\d\.\d|q\d)\b")
_HINTS = re.compile(rf"^{re.escape(HINTS)}\n", re.MULTILINE)
_COUNTS = ("no", "one", "two", "three", "four")


def not_needed(files: Mapping[str, bytes], variant: Variant) -> set[str]:
    """Return the notebooks that a course leaves out, and the tests of their exercises alone.

    And the page for coding agents, with the files that lead there, if the course wants none.

    Parameters
    ----------
    files : mapping of str to bytes, of the source, by path
    """
    tests = (path for path in files if path.startswith("tests/exercises/test_"))
    named = {path: {*_ID.findall(files[path].decode())} for path in tests}
    books = {f"notebooks/{name}.ipynb" for name in _left_out(variant)}
    agents = set() if variant.agents else {PAGE_FOR_AGENTS, *_LEADING_THERE}
    return books | agents | {path for path, ids in named.items() if ids and ids <= variant.left_out}


def say_agents(files: dict[str, bytes], variant: Variant) -> dict[str, bytes]:
    """Return files whose page for coding agents is the course's own, if it has one.

    Parameters
    ----------
    files : dict of str to bytes, by path
    """
    own = variant.agents
    return files | {PAGE_FOR_AGENTS: own.encode()} if isinstance(own, str) else files


def say_for_whom(files: dict[str, bytes], variant: Variant) -> dict[str, bytes]:
    """Return files whose pages say what is for a course, or for who learns alone; unmarked.

    Parameters
    ----------
    files : dict of str to bytes, by path
    """
    pages = {path: data.decode() for path, data in files.items() if path.endswith(".md")}
    said = {path: _choose(text, alone=variant.self_study) for path, text in pages.items()}
    if variant.self_study:
        said[CHANGELOG] = _CHANGE.sub(_keep_unless_of_hand_in, said[CHANGELOG])
    return files | {path: text.encode() for path, text in said.items()}


def _choose(text: str, *, alone: bool) -> str:
    """Return a page without markers, and without what they keep for the others."""
    if alone:
        text = _COURSE.sub("", text)
    chosen = _ALONE.sub(lambda found: (found[1] or found[2]) if alone else "", text)
    return _MARKERS.sub("", chosen)


def _keep_unless_of_hand_in(change: re.Match[str]) -> str:
    """Return an item of the changelog; nothing of one that is about handing in and grading."""
    return "" if _OF_HAND_IN.search(change[0]) else change[0]


def say_policy(files: dict[str, bytes], variant: Variant) -> dict[str, bytes]:
    """Return files whose page for students says what the course's own policy on help is.

    Parameters
    ----------
    files : dict of str to bytes, by path
    """
    if not variant.policy:
        return files
    page = files[PAGE_FOR_STUDENTS].decode()
    said = _POLICY.sub(lambda _: variant.policy.strip() + "\n", page)
    return files | {PAGE_FOR_STUDENTS: said.encode()}


def say_hints(files: dict[str, bytes], variant: Variant) -> dict[str, bytes]:
    """Return files in which Git takes up the count of hints, if a hand-in is to tell of it.

    Parameters
    ----------
    files : dict of str to bytes, by path
    """
    if not variant.hints_in_hand_in:
        return files
    return files | {IGNORED: _HINTS.sub("", files[IGNORED].decode()).encode()}


def _left_out(variant: Variant) -> list[str]:
    """Return the names of the notebooks that a course leaves out."""
    return [name for name in NOTEBOOKS if variant.notebooks and name not in variant.notebooks]


def say_notebooks(files: dict[str, bytes], variant: Variant) -> dict[str, bytes]:
    """Return files whose tables, counts and layout know only the notebooks of the course.

    Parameters
    ----------
    files : dict of str to bytes, by path
    """
    left_out = _left_out(variant)
    if not left_out:
        return files
    changed = {path: _say(data, left_out) for path, data in files.items() if path.endswith(".md")}
    if WORKSPACE in files:
        paths = {f"notebook:notebooks/{name}.ipynb" for name in left_out}
        layout = _without(json.loads(files[WORKSPACE]), paths)
        changed[WORKSPACE] = (json.dumps(layout, indent=2) + "\n").encode()
    return files | changed


def _say(data: bytes, left_out: list[str]) -> bytes:
    """Return a page without the tables' rows of some notebooks, and with the right count."""
    rows = tuple(f"| `{name}" for name in left_out)
    lines = data.decode().splitlines(keepends=True)
    text = "".join(line for line in lines if not line.startswith(rows))
    before, after = (_COUNTS[n] for n in (len(NOTEBOOKS), len(NOTEBOOKS) - len(left_out)))
    return text.replace(f"{before} notebooks", f"{after} notebooks").encode()


def _without(value: object, names: set[str]) -> object:
    """Return JSON without entries and items of these names."""
    if isinstance(value, dict):
        return {key: _without(item, names) for key, item in value.items() if key not in names}
    if isinstance(value, list):
        return [_without(item, names) for item in value if item not in list(names)]
    return value

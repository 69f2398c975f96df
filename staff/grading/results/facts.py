"""What the staff should know of a hand-in beyond its points, and what it was graded with."""

from __future__ import annotations

import contextlib
import hashlib
import json
import platform
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from cs682.checks.answers import help_text
from cs682.checks.exercises import NOTEBOOKS
from cs682.checks.hints import read_counts
from cs682.hand_in.look import find_misplaced
from staff.grading.intake.books import read_book, require_few_marks
from staff.grading.intake.kinds import parse, read_source, written
from staff.grading.intake.locate import MODEL_FILES, NOTES, Package
from staff.grading.intake.package import CODE, ROOT, read_package
from staff.grading.intake.safe_text import shown
from staff.grading.intake.text import clean
from staff.grading.results.beyond import say_beyond

# What can change a verdict: another edition grades again, another report does not.
_DECIDES = ("cs682/**/*.py", "staff/grading/intake/*.py", "staff/grading/judging/**/*.py",
            "staff/grading/sandbox/**/*.py")  # fmt: skip
_MOST_HELP = 4000  # characters of what is said of help, in each notebook
_DECIDES_NOT = ("cs682/figures/", "cs682/search/", "cs682/setup/", "cs682/hand_in/p")


@lru_cache
def edition() -> str:
    """Return a hash of all of the grader's code that can change a verdict."""
    paths = {path.relative_to(ROOT).as_posix(): path for p in _DECIDES for path in ROOT.glob(p)}
    parts = [
        f"{name}\0{path.read_text('utf-8')}"
        for name, path in sorted(paths.items())
        if not name.startswith(_DECIDES_NOT)
    ]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def versions() -> str:
    """Return what this grader is, for its reports.

    Returns
    -------
    text : str, such as 'Python 3.11, NumPy 2.4.6, edition 1a2b3c4d'
    """
    python = ".".join(platform.python_version_tuple()[:2])
    return f"Python {python}, NumPy {np.__version__}, edition {edition()[:8]}"


def facts_of(
    package: Package, answers: Mapping[str, str], *, hints: bool = False
) -> dict[str, str]:
    """Return what the staff should know of a hand-in.

    Parameters
    ----------
    hints : bool, whether this course has said that hand-ins tell of hints: then those count that
        were noted where they were asked for, if the hand-in was not made by `submit`

    Returns
    -------
    facts : dict of str to str: 'graded with'; 'python', 'numpy' and 'release' of the student;
        'in notebooks', the functions of exercises that stand there; 'without', the files for code
        that are not there or hold nothing; 'odd names', where the code uses names that no layer
        needs; digests 'code FILE', 'model FILE', 'answer QUESTION' of what is the student's own;
        and 'help NOTEBOOK', what the student says of it, and 'hints', how many were asked for
    """
    noted, asked, given_out = (_read_note(package, name) for name in NOTES)
    release = {"release": given_out.get("version")}
    said = noted.get("versions", release)
    facts = {"graded with": versions(), **_student_versions(said), **_help_used(package.folder)}
    if counts := read_counts(noted.get("hints", asked if hints and not noted else None)):
        facts["hints"] = ", ".join(f"{key} {count}" for key, count in counts.items())
    if names := find_pasted(package):
        facts["in notebooks"] = ", ".join(names)
    paths = {file: package.folder / file for file in CODE}
    code = {f: _skeleton(read_source(path)) for f, path in paths.items() if path.is_file()}
    without = [file for file in CODE if not code.get(file, "").strip()]
    if nowhere := [file for file in without if file not in package.doubled]:
        facts["without"] = ", ".join(nowhere)
    for file in (file for file in CODE if file not in without):
        if code[file] != _given_skeleton(file):
            facts[f"code {file}"] = _digest(code[file].encode())
    if odd := odd_names(package.folder):
        facts["odd names"] = odd
    for file in MODEL_FILES:
        if (path := package.folder / file).is_file():
            facts[f"model {file}"] = _digest(path.read_bytes())
    for question, text in answers.items():
        facts[f"answer {question}"] = _digest(re.sub(r"\W+", " ", text).lower().encode())
    return facts


def odd_names(folder: Path) -> str:
    """Return the names that no layer needs, with file and line, in all code that is run."""
    code = read_package(folder)
    own = [file for file in code if code[file] != _given_bytes(file)]
    return say_beyond({file: read_source(folder / file) for file in own})


def _given_bytes(file: str) -> bytes:
    path = ROOT / file
    return path.read_bytes() if path.is_file() else b""


def find_pasted(package: Package) -> dict[str, str]:
    """Return the functions of exercises that notebooks define, with the files where they count."""
    found = {}
    for path in package.folder.glob("notebooks/*.ipynb"):
        with contextlib.suppress(ValueError):  # the reader of answers says so
            cells = read_book(path.read_bytes())
            found.update({name: file for _, name, file in find_misplaced(cells)})
    return dict(sorted(found.items()))


def say_pasted(found: Mapping[str, str]) -> list[str]:
    """Say to the student that code in a notebook does not count, in one line at most."""
    files = " and ".join(sorted(set(found.values())))
    return [f"the notebooks define {', '.join(found)}: what counts is in {files}"] if found else []


def _read_note(package: Package, name: str) -> dict[str, Any]:
    """Return what a file beside the work holds; nothing if it is not there, or damaged."""
    with contextlib.suppress(ValueError, RecursionError):
        require_few_marks(package.notes.get(name, b""))
        tree = json.loads(package.notes.get(name, b"{}"))
        return tree if isinstance(tree, dict) else {}
    return {}


def _student_versions(said: Any) -> dict[str, str]:
    """Return the versions of the student's Python, NumPy and release, if they are noted."""
    known = said if isinstance(said, dict) else {}
    found = {name: known.get(name) for name in ("python", "numpy", "release")}
    return {name: shown(text, 20) for name, text in found.items() if text and isinstance(text, str)}


def _help_used(folder: Path) -> dict[str, str]:
    """Return what the student says of the help used in each notebook, where something is said."""
    found = {}
    for name in NOTEBOOKS:
        with contextlib.suppress(OSError, ValueError):  # the reader of answers says so
            cells = read_book((folder / "notebooks" / f"{name}.ipynb").read_bytes())
            if text := clean(help_text(cells), _MOST_HELP):
                found[f"help {name}"] = text
    return found


def _skeleton(text: str) -> str:
    """Return a module without comments, docstrings and layout; as it is if it is no Python."""
    source = written(tree) if (tree := parse(text)) else None
    return text if source is None else source


@lru_cache
def _given_skeleton(file: str) -> str:
    """Return the skeleton of a module as students get it."""
    from staff.release.regions import find_regions, strip

    text = (ROOT / file).read_text(encoding="utf-8")
    return _skeleton(strip(text, find_regions(text, file)))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]

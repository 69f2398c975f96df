"""How alike hand-ins are: in their own code, their answers and their trained weights.

Each is taken apart into small pieces (fingerprints of code by copydetect, five words of an answer,
the lengths of a matrix's columns), and a piece counts the more the fewer hand-ins have it: what the
exercise itself suggests is in all of them and says nothing. What the course gave out is left out.
"""

from __future__ import annotations

import ast
import io
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cs682.checks import EXERCISES
from cs682.hand_in.models import read_model
from staff.grading.intake.kinds import parse, read_source, written
from staff.grading.intake.locate import MODEL_FILES, Package
from staff.grading.intake.npz import require_modest
from staff.grading.intake.package import CODE, LARGEST, MOST, ROOT, read_own

KINDS = ("code", "answers", "weights")
PIECE = 20  # characters of code with its names taken out; shorter pieces are in everybody's
WORDS = 5
COLUMNS = 20_000  # of a model: each costs time and memory, and four layers of 3000 have 12 000


@dataclass
class Own:
    """What is a student's own in a hand-in.

    Attributes
    ----------
    id : str
    code : str, the functions that exercises ask for, in their order, and those that were added
    answers : str
    pieces : dict of str to set, by kind
    print : copydetect's fingerprint of the code; None if there is none
    """

    id: str
    code: str = ""
    answers: str = ""
    pieces: dict[str, set[object]] = field(default_factory=lambda: {kind: set() for kind in KINDS})
    print: Any = None


def own_of(id_: str, package: Package, answers: Mapping[str, str]) -> Own:
    """Take a hand-in apart; nothing of it is run."""
    text = "\n".join(answers.values())
    own = Own(id_, own_code(package.folder), text)
    own.print = fingerprint(own.code)
    if own.print:
        own.pieces["code"] = set(own.print.hashes)
    words = re.findall(r"\w+", text.lower())
    own.pieces["answers"] = {tuple(words[i : i + WORDS]) for i in range(len(words) - WORDS + 1)}
    paths = [(file, package.folder / file) for file in MODEL_FILES]
    own.pieces["weights"] = {
        (file, *piece) for file, path in paths for piece in islice(_lengths(path), COLUMNS)
    }
    return own


def own_code(folder: Path) -> str:
    """Return the code that is a student's own, without docstrings and comments."""
    files = read_own(folder, _helpers(folder))
    return "\n\n".join(part for file in files for part in _written(folder / file, file))


def say_unread(folder: Path) -> list[str]:
    """Say what code of a hand-in is not compared: what is too long, no Python, or too much."""
    helpers = _helpers(folder)
    read = read_own(folder, helpers)
    said = [
        f"{name} cannot be read as source"
        for name in read
        if parse(read_source(folder / name)) is None
    ]
    wanted = [*(name for name in CODE if (folder / name).is_file()), *helpers]
    if beyond := [name for name in wanted if name not in read]:
        more = f" and {len(beyond) - 1} modules more" if len(beyond) > 1 else ""
        room = f"there is room for {MOST}, and for {LARGEST // 1_000_000} MB of code"
        said.append(f"{beyond[0]}{more}: {room}")
    return said


def _helpers(folder: Path) -> list[str]:
    """Return the modules without exercises that are not as they were given out."""
    paths = {path.relative_to(folder).as_posix(): path for path in folder.glob("cs682/**/*.py")}
    return [
        name
        for name, path in sorted(paths.items())
        if name not in CODE and path.is_file() and path.read_bytes() != _given_bytes(name)
    ]


@cache
def _given_bytes(name: str) -> bytes | None:
    path = ROOT / name
    return path.read_bytes() if path.is_file() else None


def _written(path: Path, file: str) -> Iterator[str]:
    """Give the functions of a module that were not given out, whatever they are called now."""
    found = dict(_functions(read_source(path)))
    order = [name for name in _asked(file) if name in found]
    for name in [*order, *(name for name in found if name not in order)]:
        if _nameless(found[name]) not in _given():
            yield found[name]


def _functions(text: str) -> Iterator[tuple[str, str]]:
    """Give name and source of each function and method of a module."""
    tree, lines = parse(text), text.split("\n")
    for node in tree.body if tree else ():
        inner = node.body if isinstance(node, ast.ClassDef) else [node]
        prefix = f"{node.name}." if isinstance(node, ast.ClassDef) else ""
        for part in inner:
            if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef)):
                source = written(part) or "\n".join(lines[part.lineno - 1 : part.end_lineno])
                yield f"{prefix}{part.name}", source


@cache
def _asked(file: str) -> tuple[str, ...]:
    """Return the functions that exercises ask for in a file, in their order."""
    rows = [row for row in EXERCISES.values() if row.file == file]
    return tuple(dict.fromkeys(name for row in rows for name in row.functions))


@cache
def _given() -> frozenset[str]:
    """Return the functions that students get, in all modules, without their names."""
    from staff.release.regions import find_regions, strip

    given = set()
    for path in (ROOT / "cs682").rglob("*.py"):
        text, file = path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix()
        if file in CODE:
            text = strip(text, find_regions(text, file))
        given |= {_nameless(code) for _, code in _functions(text)}
    return frozenset(given)


def _nameless(code: str) -> str:
    """Return code as it is compared: a letter for each name and each text."""
    from copydetect.utils import filter_code

    return str(filter_code(code, "own.py", "python")[0])


def fingerprint(code: str) -> Any:
    """Return copydetect's fingerprint of code; None if it is too short to say anything."""
    from copydetect import CodeFingerprint

    if len(code) <= PIECE:
        return None
    return CodeFingerprint("own.py", PIECE, 1, language="python", fp=io.StringIO(code))


def _lengths(path: Path) -> Iterator[tuple[str, str]]:
    """Give the lengths of the columns of a model: units in another order are the same."""
    try:
        require_modest(path)
        params = read_model(path).params
    except (ValueError, OSError):
        return
    for name, array in params.items():
        if array.ndim == 2 and array.dtype in (np.float32, np.float64):  # others are not graded
            columns = array[:, :COLUMNS]
            if np.isfinite(columns).all():
                norms = np.linalg.norm(columns.astype(np.float64), axis=0)
                yield from ((name, f"{norm:.5g}") for norm in norms)


def likeness(owns: Sequence[Own], kind: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how alike each two hand-ins are, and how rare in the class is what they share.

    Parameters
    ----------
    owns : sequence of Own, N of them
    kind : {'code', 'answers', 'weights'}

    Returns
    -------
    alike : ndarray, shape (N, N), from 0 to 1: the cosine between the weighed pieces
    rare : ndarray, shape (N, N), the same times the mean weight of the pieces that both have: a
        dozen copies of one public solution come behind two who share what nobody else has
    """
    holders: dict[object, list[int]] = defaultdict(list)
    for i, own in enumerate(owns):
        for piece in own.pieces[kind]:
            holders[piece].append(i)
    total, cubes = np.zeros((2, len(owns), len(owns)))
    for who, count in Counter(map(tuple, holders.values())).items():
        both, weight = np.ix_(who, who), rarity(len(who), len(owns))
        total[both] += count * weight**2
        cubes[both] += count * weight**3
    norm = np.sqrt(np.diag(total))
    norm[norm == 0] = 1
    alike = total / np.outer(norm, norm)
    return alike, alike * cubes / np.where(total, total, 1)


def rarity(holders: int, size: int) -> float:
    """Return how much a piece counts that so many of a class have."""
    return math.log(size / holders) if holders < size else 0.0

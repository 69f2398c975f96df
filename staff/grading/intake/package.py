"""The part of a hand-in that is graded by running it: which files, and what stands beside them."""

from __future__ import annotations

import ast
import stat
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path, PurePosixPath

from cs682.checks import EXERCISES

ROOT = Path(__file__).resolve().parents[3]
# A file in which nothing is asked for is the course's, whatever became of it in the hand-in.
CODE = tuple(
    dict.fromkeys(
        row.file for row in EXERCISES.values() if row.file.endswith(".py") and not row.is_given
    )
)
GIVEN = tuple(  # the course's files of the package: all others, the checks among them
    name
    for path in sorted(ROOT.glob("cs682/**/*.py"))
    if (name := path.relative_to(ROOT).as_posix()) not in CODE
)
LARGEST = 1_000_000  # bytes of all files that are the student's; the reference's have 80,000
MOST = 40  # files of the student's own


def read_package(package: Path) -> dict[str, bytes]:
    """Return the files of the package that a student's code is run in.

    The files in which exercises are written are the student's, and so are modules that the release
    does not have. All others are the release's: whatever became of them in the hand-in does not
    count. The checks, and what only they need, stay out.

    Returns
    -------
    files : dict from a path such as 'cs682/layers.py' to its bytes; files of exercises that the
        hand-in lacks, that are no plain files, or that do not fit into 1 MB for all of the
        student's, are missing here too
    """
    own = sorted(p.relative_to(package).as_posix() for p in (package / "cs682").rglob("*.py"))
    helpers = [n for n in own if n not in CODE and not is_in_the_way(n)]
    return {**_given(), **read_own(package, helpers)}


def read_own(package: Path, helpers: Sequence[str]) -> dict[str, bytes]:
    """Return the files of exercises and the helpers that there is room for.

    Parameters
    ----------
    helpers : sequence of str, paths of files that are the student's too

    Returns
    -------
    files : dict from a path such as 'cs682/layers.py' to its bytes
    """
    files, left = {}, LARGEST
    for name in (*CODE, *helpers[:MOST]):
        if (data := _read(package, name, left)) is not None:
            files[name] = data
            left -= len(data)
    return files


def is_in_the_way(name: str) -> bool:
    """Tell whether a file would be imported in place of a given one, or of an exercise's."""
    parents = [f"{p}{end}" for p in PurePosixPath(name).parents for end in ("", ".py")]
    return name.startswith("cs682/checks/") or any(
        p in GIVEN or p in CODE for p in (name, *parents)
    )


def own_files(files: dict[str, bytes]) -> list[str]:
    """Return which of a package's files are the student's, by path."""
    given = _given()
    return [name for name in files if name not in given]


@lru_cache(maxsize=1)
def given_losses() -> dict[str, str]:
    """Return what the release gives of the networks' `loss`, which calls what students write.

    Returns
    -------
    sources : dict from a path such as 'cs682/classifiers/cnn.py' to source: its classes with
        nothing but their `loss`, and what it imports of files that are given
    """
    written = {name.removesuffix(".py").replace("/", ".") for name in CODE}
    sources = {}
    for file in {row.file for row in EXERCISES.values() if any("." in f for f in row.functions)}:
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        imports = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
        kept: list[ast.stmt] = [i for i in imports if getattr(i, "module", "") not in written]
        for owner in (node for node in tree.body if isinstance(node, ast.ClassDef)):
            owner.body = [node for node in owner.body if getattr(node, "name", "") == "loss"]
            kept += [owner] if owner.body else []
        sources[file] = "\n".join(map(ast.unparse, kept))
    return sources


def _given() -> dict[str, bytes]:
    """Return the modules that students get and need not change, by path."""
    names = (name for name in GIVEN if not name.startswith("cs682/checks/"))
    return {name: (ROOT / name).read_bytes() for name in names}


def _read(package: Path, name: str, largest: int) -> bytes | None:
    """Return the bytes of a plain file of reasonable size; None for anything else."""
    path = package.resolve() / name
    try:
        status = path.lstat()
    except OSError:
        return None
    if not stat.S_ISREG(status.st_mode) or path.resolve() != path or status.st_size > largest:
        return None  # a link, in one of its folders too, may lead to somebody else's files
    return path.read_bytes()

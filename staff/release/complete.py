"""What a source must hold to be released, besides its regions: checks, hints, a dated version."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Mapping
from functools import cache

from cs682.checks import EXERCISES, Exercise
from cs682.checks.hints import STEPS, has_hints, read_hints
from cs682.checks.run import CHECKS, TRAININGS
from cs682.setup.packages import edition_of
from staff.grading.judging.secret import FURTHER
from staff.release.files import LIST, ROOT, Source
from staff.release.regions import ReleaseError

PROJECT, CHANGELOG = "pyproject.toml", "CHANGELOG.md"


def read_version(source: Source) -> str:
    """Return the version of the assignment, which its changelog tells of under a dated heading.

    Returns
    -------
    version : str, such as '1.0.0'

    Raises
    ------
    ReleaseError
        If there is no version, no such heading of it, or nothing below that.
    """
    version = edition_of(source.files.get(PROJECT, b"").decode())
    if not version:
        raise ReleaseError([f"{PROJECT}:1: names no version"])
    heading = rf"^## {re.escape(version)} \(\d{{4}}-\d\d-\d\d\)$"
    found = re.search(
        rf"{heading}\s*(##? |\Z)?", source.files.get(CHANGELOG, b"").decode(), re.MULTILINE
    )
    if not found:
        wanted = f"'## {version} (YYYY-MM-DD)'"
        raise ReleaseError([f"{CHANGELOG}:1: has no heading {wanted}, the version of {PROJECT}"])
    if found[1] is not None:
        raise ReleaseError([f"{CHANGELOG}:1: says nothing of {version}, which students would read"])
    return version


def unhinted(
    rows: Iterable[Exercise] = EXERCISES.values(),
    hints: Mapping[str, Collection[str]] | None = None,
) -> list[str]:
    """Name each exercise in which somebody may get stuck without help, or that has too much.

    Parameters
    ----------
    hints : mapping of collection of str by exercise, optional; by default those in ``hints.md``

    Returns
    -------
    faults : list of str
    """
    hints = read_hints() if hints is None else hints
    wanted = {row.id: STEPS * has_hints(row) for row in rows}
    counts = dict.fromkeys(wanted, 0) | {key: len(texts) for key, texts in hints.items()}
    return [
        f"cs682/checks/hints.md:1: {key} has {count} hints, expected {wanted.get(key, 0)}"
        for key, count in counts.items()
        if count != wanted.get(key, 0)
    ]


def unchecked(
    rows: Iterable[Exercise] = EXERCISES.values(),
    checks: Collection[str] = CHECKS,
    further: Collection[str] = FURTHER,
) -> list[str]:
    """Name each exercise that nobody would judge.

    Parameters
    ----------
    checks : collection of str, the exercises that have a check
    further : collection of str, those that have a check which students do not see

    Returns
    -------
    faults : list of str; a training needs one check, its network is judged as a whole
    """
    tables = {
        "a check in cs682/checks/run.py": {*checks, *TRAININGS},
        "a further check in staff/grading/judging/secret/__init__.py": {*further, *TRAININGS},
    }
    return [
        f"{row.file}:1: {row.id} has no entry for {what}"
        for row in rows
        for what, table in tables.items()
        if not row.is_question and row.id not in table
    ]


def unlisted(files: Mapping[str, bytes]) -> list[str]:
    """Name each module of the package that a released one imports and that stays at home.

    Parameters
    ----------
    files : mapping of bytes by path, what is released

    Returns
    -------
    faults : list of str
    """
    return [
        f"{path}:{line}: imports {module}, which {LIST} does not name"
        for path, data in files.items()
        if path.startswith("cs682/") and path.endswith(".py")
        for line, module in _own_imports(data)
        if (name := f"{module.replace('.', '/')}.py") not in files and (ROOT / name).is_file()
    ]


@cache  # as a file is cut again and again by the tests
def _own_imports(data: bytes) -> tuple[tuple[int, str], ...]:
    """Return line and name of what may be a module of the package that a module imports."""
    found: list[tuple[int, str]] = []
    for node in ast.walk(ast.parse(data)):
        if isinstance(node, ast.Import):
            found += ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))
            found += ((node.lineno, name) for name in names)
    return tuple(found)

"""Look at a student's work before it is handed in, for what would only be noticed at the grader's.

Each look says what it found in a sentence, and nothing where all is well.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cs682.checks.exercises import EXERCISES
from cs682.checks.source import WRITTEN
from cs682.setup.assignment import MANIFEST
from cs682.setup.packages import packages

_BEYOND = {  # what reads, writes, starts, asks or waits; by its last name
    *("open", "loadtxt", "genfromtxt", "read_text", "read_bytes", "input", "breakpoint"),
    *("savez", "savez_compressed", "savetxt", "tofile", "write_text", "write_bytes", "savefig"),
    *("mkdir", "makedirs", "FileHandler", "Popen", "check_output", "check_call", "Thread"),
    *("ThreadPoolExecutor", "ProcessPoolExecutor", "set_trace", "sleep"),
}
_LIKEWISE = {  # of names that other things have too
    *("np.load", "np.save", "numpy.load", "numpy.save", "os.system", "subprocess.run"),
    *("subprocess.call", "multiprocessing.Pool"),
}
_FREE = {*sys.stdlib_module_names, "numpy", "cs682", "cs231n", "__future__"}


def find_package(root: Path) -> Path:
    """Return the folder that holds the files a student writes, whatever its name.

    Parameters
    ----------
    root : Path, the folder of the assignment

    Returns
    -------
    folder : Path; ``root / 'cs682'`` unless only one other folder holds these files
    """
    folders = _packages(root)
    return folders[0] if len(folders) == 1 else root / "cs682"


def look_at_folders(root: Path) -> Iterator[str]:
    """Say which folder is packed where that is not plain.

    Parameters
    ----------
    root : Path, the folder of the assignment

    Yields
    ------
    remark : str
    """
    chosen = find_package(root)
    if chosen.name != "cs682":
        yield f"the folder {chosen.name} is packed as cs682, which is its name in the assignment"
    for folder in _packages(root):
        if folder != chosen:
            yield f"there is a second package, {folder.name}: what is packed is {chosen.name}"


def look_at_notebook(name: str, cells: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Say which functions stand in a notebook and belong into a file.

    Parameters
    ----------
    name : str, of the notebook
    cells : sequence of dict

    Yields
    ------
    remark : str
    """
    for number, found, home in find_misplaced(cells):
        yield f"{name}: cell {number} defines {found}, which is not graded there: move it to {home}"


def find_misplaced(cells: Sequence[Mapping[str, Any]]) -> Iterator[tuple[int, str, str]]:
    """Find what stands in a notebook and belongs into a file.

    Parameters
    ----------
    cells : sequence of dict

    Yields
    ------
    found : (int, str, str), the cell, from 1, the function or class, and the file
    """
    homes = {
        part: row.file
        for row in EXERCISES.values()
        if row.file in WRITTEN
        for part in (row.functions[0].partition(".")[0], *row.functions)
    }
    for number, cell in enumerate(cells, start=1):
        if cell["cell_type"] == "code":
            for name in re.findall(r"^(?:def|class) +(\w+)", cell["source"], re.MULTILINE):
                if name in homes:
                    yield number, name, homes[name]


def look_at_versions() -> Iterator[str]:
    """Say which package is older than the assignment asks for.

    Yields
    ------
    remark : str
    """
    for package in packages():
        if package.verdict == "too old":
            yield (
                f"{package.name} {package.found} is older than {package.floor}, which the "
                "assignment asks for: your results may differ from the grader's"
            )


def foreign_imports(root: Path, files: Mapping[str, bytes]) -> dict[str, list[str]]:
    """Return what a student's own code imports that the grader does not have.

    Parameters
    ----------
    root : Path, the folder of the assignment
    files : mapping of bytes by name; those that were given out are the grader's own, and passed by

    Returns
    -------
    imports : dict of list of str by file, the names of packages; without files that need none
    """
    found = {}
    for name in _written(root, files):
        if names := sorted(_imports(files[name]) - _FREE):
            found[name] = names
    return found


def look_at_effects(root: Path, files: Mapping[str, bytes]) -> Iterator[str]:
    """Say what a student's own code does beyond computing, which the grader's sandbox refuses.

    Parameters
    ----------
    root : Path, the folder of the assignment
    files : mapping of bytes by name

    Yields
    ------
    remark : str
    """
    for name in _written(root, files):
        for number, called in _effects(files[name]):
            yield (
                f"{name} line {number} calls {called}: at the grader's, code finds no files but "
                "its own, can write none, start no program or thread, ask nobody, and has little "
                "time, so what uses it may fail there"
            )


def _effects(content: bytes) -> list[tuple[int, str]]:
    """Return the lines of a source file that do more than compute, with what they call."""
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError, RecursionError):
        return []
    body = [node for node in tree.body if not _is_for_a_script(node)]
    calls = [n for top in body for n in ast.walk(top) if isinstance(n, ast.Call)]
    return sorted((n.lineno, ast.unparse(n.func)) for n in calls if _has_effect(n))


def _is_for_a_script(node: ast.stmt) -> bool:
    """Tell whether this is what runs only if the file is started as a script."""
    return isinstance(node, ast.If) and "__main__" in ast.unparse(node.test)


def _has_effect(call: ast.Call) -> bool:
    """Tell by the name of what is called whether it may do more than compute."""
    name = ast.unparse(call.func)
    if name == "logging.basicConfig":
        return any(option.arg == "filename" for option in call.keywords)
    return name in _LIKEWISE or name.rpartition(".")[2] in _BEYOND


def _written(root: Path, files: Mapping[str, bytes]) -> list[str]:
    """Return the Python files that are a student's: to write in, and, in a release, the new ones.

    A copy without a list of what was given out cannot tell a helper from given code.
    """
    try:
        given = set(json.loads((root / MANIFEST).read_text(encoding="utf-8"))["files"])
    except (OSError, ValueError, KeyError, TypeError):
        given = set(files)
    own = set(files) - given | set(WRITTEN)
    return [name for name in files if name in own and name.endswith(".py")]


def _imports(content: bytes) -> set[str]:
    """Return the top-level names that a source file imports."""
    try:
        nodes = list(ast.walk(ast.parse(content)))
    except (SyntaxError, ValueError, RecursionError):
        return set()
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    whence = {n.module for n in nodes if isinstance(n, ast.ImportFrom) and not n.level}
    return {name.partition(".")[0] for name in plain | whence if name}


def _packages(root: Path) -> list[Path]:
    """Return the folders that hold all the files a student writes."""
    parts = [Path(name).relative_to("cs682") for name in WRITTEN]
    return [
        folder
        for folder in sorted(root.iterdir())
        if folder.is_dir() and all((folder / part).is_file() for part in parts)
    ]

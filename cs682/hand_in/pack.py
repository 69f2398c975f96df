"""Pack a hand-in: one zip file with code, notebooks, pages to read, models and answers.

What is missing or cannot be read stops it. What is merely open does not: a student may hand in
unfinished work, knowing that it is.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from cs682._files import (
    describe_encoding,
    find_conflict,
    find_renamed,
    judge,
    pack,
    replacing,
    say_copies,
)
from cs682.checks.answers import help_text, read_cells
from cs682.checks.board import say_kept
from cs682.checks.exercises import EXERCISES
from cs682.checks.hints import are_handed_in, count_hints
from cs682.checks.run import MODELS
from cs682.checks.source import RESTING_ON, WRITTEN
from cs682.hand_in.books import find_gaps
from cs682.hand_in.look import (
    find_package,
    foreign_imports,
    look_at_effects,
    look_at_folders,
    look_at_notebook,
    look_at_versions,
)
from cs682.hand_in.models import read_model
from cs682.setup.assignment import find_root, read_settings
from cs682.setup.packages import edition

NAME = "hand-in.zip"
LARGE = 50_000_000  # bytes; collecting sites take 100 MB at most
CHECK_SECONDS = 300  # all checks take about ten; what does not end is stopped within two minutes
_NOTEBOOKS = sorted({f"notebooks/{row.notebook}" for row in EXERCISES.values()})
_IN_NOTEBOOKS = [row.id for row in EXERCISES.values() if row.file.endswith(".ipynb")]
_UNSAVED = (
    "Have you answered an open question, or seen an open training pass? Save the notebook, then "
    "submit again."
)
_NEVER = {"__pycache__", ".ipynb_checkpoints"}
_STATES = """
import json
from cs682.checks.board import find_results

results = find_results(is_last_word=True)
states = {key: result.state for key, result in results.items()}
stopped = {key: result.message for key, result in results.items() if result.is_stopped}
print()
print(json.dumps({**states, "stopped": stopped}), flush=True)
"""


class HandInError(RuntimeError):
    """Why there can be no hand-in, in words for the user."""


@dataclass
class HandIn:
    """What goes into the zip file.

    Attributes
    ----------
    root : Path, the folder of the assignment
    files : dict of bytes by name in the zip file
    remarks : list of str, what the student should know before handing in
    states : dict of str by exercise, as `cs682.checks.board.find_states` returns it
    imports : dict of list of str by file, packages that the grader does not have
    broken : list of str, files that are no Python, and those that rest on them
    help_used : dict of str by notebook, what the student says of it; those that say something
    """

    root: Path
    files: dict[str, bytes] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    states: dict[str, str] = field(default_factory=dict)
    imports: dict[str, list[str]] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    help_used: dict[str, str] = field(default_factory=dict)


def submit(out: Path | None = None) -> tuple[Path, HandIn]:
    """Pack the assignment that the working folder belongs to.

    Parameters
    ----------
    out : Path, optional; the zip file to write, replaced if there is one (default: `hand-in.zip`
        in the folder of the assignment)

    Returns
    -------
    out : Path
    hand_in : HandIn, what was packed

    Raises
    ------
    HandInError
        If something is missing or cannot be read, or the file cannot be written.
    """
    hand_in = collect(find_root())
    out = out or hand_in.root / NAME
    if out.is_dir():
        raise HandInError(f"{out} is a folder: name a file, such as {out / NAME}")
    write_zip(out, hand_in.files)
    return out, hand_in


def collect(root: Path) -> HandIn:
    """Gather all that belongs into a hand-in.

    Parameters
    ----------
    root : Path, the folder of the assignment

    Returns
    -------
    hand_in : HandIn

    Raises
    ------
    HandInError
        If something is missing or cannot be read.
    """
    hand_in = HandIn(root)
    package = find_package(root)
    for name in _code_names(package):
        hand_in.files[name] = _read(root, name, package / Path(name).relative_to("cs682"))
    for name in _NOTEBOOKS:
        hand_in.files[name] = _read(root, name, root / name)
    _look(hand_in)
    cells = {name: _cells(hand_in, name) for name in _NOTEBOOKS}
    said = {Path(name).name: help_text(cells[name]) for name in _NOTEBOOKS}
    hand_in.help_used = {name: text for name, text in said.items() if text}
    _add_models(hand_in)
    _add_states(hand_in)
    _add_pages(hand_in, cells)
    hand_in.files["hand-in.json"] = _manifest(hand_in)
    return hand_in


def write_zip(out: Path, files: dict[str, bytes]) -> None:
    """Write a zip file, whole or not at all; the same files give the same bytes.

    Parameters
    ----------
    out : Path, replaced once the new file is complete
    files : dict of bytes by name

    Raises
    ------
    HandInError
        If it cannot be written.
    """
    try:
        with replacing(out) as file:
            pack(file, files)
    except OSError as error:
        raise HandInError(f"{out} cannot be written: {error.strerror or error}") from error


def _code_names(package: Path) -> list[str]:
    """Return the names of all Python files of the package."""
    found = (path.relative_to(package) for path in package.rglob("*.py"))
    names = {f"cs682/{path.as_posix()}" for path in found if not _NEVER & set(path.parts)}
    return sorted(names | set(WRITTEN))


def _read(root: Path, name: str, path: Path) -> bytes:
    """Return what a file holds, which must be a file and lie in the assignment itself."""
    if path.resolve() != root.resolve() / path.relative_to(root):
        raise HandInError(f"{name} is a link to {path.resolve()}: put the file itself there")
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        renamed = find_renamed(path) if name in _NOTEBOOKS else ""
        raise HandInError(f"{name} is missing from {root}{renamed}") from None
    except OSError as error:
        raise HandInError(f"{name} cannot be read: {error.strerror}") from error
    trouble = describe_encoding(content) if name.endswith(".py") else find_conflict(content)
    if trouble:
        raise HandInError(f"{name} {trouble}")
    return content


def _look(hand_in: HandIn) -> None:
    """Remark on what would only be noticed at the grader's."""
    code = {name: data for name, data in hand_in.files.items() if name in WRITTEN}
    troubles = {name: trouble for name, data in code.items() if (trouble := judge(name, data))}
    hand_in.broken = sorted({f for name in troubles for f in (name, *RESTING_ON[name])})
    hand_in.imports = foreign_imports(hand_in.root, hand_in.files)
    hand_in.remarks += [
        *look_at_folders(hand_in.root),
        *(text for name in _NOTEBOOKS for text in say_copies(hand_in.root / name)),
        *(f"{name} {trouble}" for name, trouble in troubles.items()),
        *(
            f"{name} imports {', '.join(names)}, which the grader does not have"
            for name, names in hand_in.imports.items()
        ),
        *look_at_effects(hand_in.root, hand_in.files),
        *look_at_versions(),
    ]


def _cells(hand_in: HandIn, name: str) -> list[dict[str, Any]]:
    """Return a notebook's cells, and remark on what was not run."""
    try:
        cells = read_cells(hand_in.files[name])
    except ValueError as error:
        raise HandInError(f"{name} cannot be handed in: {error}. Open it and save it") from error
    hand_in.remarks += look_at_notebook(name, cells)
    hand_in.remarks += [f"{name}: {gap}" for gap in find_gaps(cells)]
    return cells


def _add_models(hand_in: HandIn) -> None:
    """Take along the trained models that are there."""
    for exercise, file in MODELS.items():
        name = f"notebooks/{file}"
        if not (hand_in.root / name).exists():
            hand_in.remarks.append(f"{name} is missing: the training of {exercise} writes it")
            continue
        hand_in.files[name] = _read(hand_in.root, name, hand_in.root / name)
        try:
            read_model(hand_in.root / name)
        except ValueError as error:
            raise HandInError(f"{error}. Run the training of {exercise} again") from error


def _add_states(hand_in: HandIn) -> None:
    """Run the checks in a process of their own, since they run what is handed in."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", _STATES],
            cwd=hand_in.root,
            env={**os.environ, "PYTHONPATH": str(hand_in.root), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=CHECK_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        hand_in.remarks.append(f"the checks did not end within {CHECK_SECONDS} s")
        return
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        hand_in.remarks.append(f"the checks cannot run: {last}")
        return
    told = json.loads(done.stdout.splitlines()[-1])
    stopped = told.pop("stopped", {})
    hand_in.states = told
    _remark_on_states(hand_in, stopped)


def _remark_on_states(hand_in: HandIn, stopped: Mapping[str, str]) -> None:
    """Remark on what is open or wrong, and on the lines that did not come to an end."""
    for key, state in hand_in.states.items():
        row = EXERCISES[key]
        if row.file in hand_in.broken:
            continue  # that it is no Python has been said
        if state == "wrong" or (state == "open" and not row.is_given):  # given code waits for yours
            points = f"{row.points} point{'s' * (row.points != 1)}"
            why = f": {' '.join(stopped[key].split())}" if key in stopped else ""
            is_kept = state == "open" and key in MODELS
            kept = say_kept(key, hand_in.root / "notebooks") if is_kept else ""
            hand_in.remarks.append(f"{key} is {state}: {row.title} ({points}){why}{kept}")


def _add_pages(hand_in: HandIn, cells: dict[str, list[dict[str, Any]]]) -> None:
    """Add what people read: each notebook as HTML, the answers as HTML and PDF."""
    from cs682.hand_in.pdf import PrintError, print_page

    try:
        from cs682.hand_in import pages as _pages
    except ImportError as error:
        hand_in.remarks.append(f"no HTML and no PDF: {error} (pip install '.[lab]' brings it)")
        return
    for name in _NOTEBOOKS:
        page = _pages.notebook_page(hand_in.files[name].decode("utf-8"), Path(name).stem)
        hand_in.files[f"html/{Path(name).stem}.html"] = page.encode("utf-8")
    title = f"{read_settings(hand_in.root)['name']}: answers"
    answers = _pages.answers_page({Path(name).name: cells[name] for name in cells}, title)
    hand_in.files["html/answers.html"] = answers.encode("utf-8")
    try:
        hand_in.files["answers.pdf"] = print_page(answers)
    except PrintError as error:
        hand_in.remarks.append(f"no answers.pdf: {error}; html/answers.html has the same")


def _manifest(hand_in: HandIn) -> bytes:
    """Return `hand-in.json`: what is in it, what is open, and what it was made with."""
    content = {
        "format": 1,
        "assignment": read_settings(hand_in.root)["name"],
        "files": {
            name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for name, data in sorted(hand_in.files.items())
        },
        "states": hand_in.states,
        "imports": hand_in.imports,
        "help": hand_in.help_used,
        **({"hints": count_hints(hand_in.root)} if are_handed_in() else {}),
        "remarks": hand_in.remarks,
        "versions": {
            "release": edition(hand_in.root),
            "python": platform.python_version(),
            "numpy": metadata.version("numpy"),
            "system": platform.system(),
        },
    }
    return json.dumps(content, indent=1).encode("utf-8")


def describe(out: Path, hand_in: HandIn) -> str:
    """Say what was packed, how large it is and what is open.

    Parameters
    ----------
    out : Path of the zip file
    hand_in : HandIn

    Returns
    -------
    text : str of several lines
    """
    size = out.stat().st_size
    lines = [f"{out} ({_megabytes(size)}) is ready to hand in. It holds"]
    code = {name: data for name, data in hand_in.files.items() if name.startswith("cs682/")}
    lines.append(f"  cs682/  {len(code)} files of code, {_megabytes(sum(map(len, code.values())))}")
    others = sorted(hand_in.files.keys() - code.keys())
    lines += [f"  {name}  {_megabytes(len(hand_in.files[name]))}" for name in others]
    if size > LARGE:
        lines.append(f"It is larger than {_megabytes(LARGE)}: clear outputs that nobody needs.")
    if hand_in.remarks:
        lines.append("Not finished, or worth knowing; you can hand it in all the same:")
        lines += [f"  - {remark}" for remark in hand_in.remarks]
        if any(hand_in.states.get(key) == "open" for key in _IN_NOTEBOOKS):
            lines.append(_UNSAVED)
    else:
        lines.append("Nothing is left open.")
    return "\n".join(lines)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.2f} MB"

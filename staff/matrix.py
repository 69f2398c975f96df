"""Run the fast tests with every Python on this machine, each with an old and a new NumPy.

Pythons are looked for on the PATH and among pyenv's. Environments and logs lie in `build/matrix`
and are kept until `pyproject.toml` changes. What is not on the machine is said, not fetched.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    Command = Sequence[str | Path]

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENTS = ROOT / "build" / "matrix"
PYENV = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
NEWEST = ""
FIRST_NUMPY = {"3.13": "2.1", "3.14": "2.3"}  # older ones have no wheels for these Pythons
EXTRAS = "lab,test"
PROGRAMS = Path("Scripts" if os.name == "nt" else "bin")


class Cell(NamedTuple):
    """One combination: a version of Python, its program, and a version of NumPy ('' for newest)."""

    version: str
    program: Path
    numpy: str

    @property
    def name(self) -> str:
        """Return the name of the environment's folder."""
        return f"py{self.version}-numpy-{self.numpy or 'newest'}"


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``matrix`` to the staff's command line.

    Parameters
    ----------
    commands : the subparsers of ``python -m staff``; one more is added
    """
    parser = commands.add_parser("matrix", help="run the fast tests with each Python and NumPy")
    parser.add_argument("versions", nargs="*", help="of Python, such as 3.12 (default: all)")
    parser.add_argument("--tests", nargs="+", default=["tests", "staff/tests"], metavar="PATH")
    parser.set_defaults(run=run_command)


def run_command(args: argparse.Namespace) -> int:
    """Run each combination and print a line for it.

    Parameters
    ----------
    args : namespace with ``versions`` and ``tests``

    Returns
    -------
    status : int, 1 when a combination failed or there was none to try, else 0
    """
    found = find_pythons(args.versions or supported_versions())
    for version in [version for version, program in found.items() if program is None]:
        _say(f"Python {version}: not on this machine")
    cells = [
        cell for version, program in found.items() if program for cell in row(version, program)
    ]
    verdicts = [_try(cell, args.tests) for cell in cells]
    return 0 if verdicts and all(verdicts) else 1


def supported_versions() -> list[str]:
    """Return the versions of Python that `pyproject.toml` admits.

    Returns
    -------
    versions : list of str, such as '3.10'
    """
    (low, high), *_ = re.findall(r'^requires-python = ">=3\.(\d+),<3\.(\d+)"', _project(), re.M)
    return [f"3.{minor}" for minor in range(int(low), int(high))]


def oldest_numpy(version: str) -> str:
    """Return the oldest NumPy to try with a version of Python.

    Parameters
    ----------
    version : str, such as '3.12'

    Returns
    -------
    numpy : str, such as '1.26'; the floor in `pyproject.toml`, where there are wheels of it
    """
    floor: str = re.findall(r'"numpy>=([\d.]+)"', _project())[0]
    return FIRST_NUMPY.get(version, floor)


def row(version: str, program: Path) -> list[Cell]:
    """Return the combinations to try with one Python.

    Parameters
    ----------
    version : str, such as '3.12'
    program : Path of that Python

    Returns
    -------
    cells : list of Cell, the oldest NumPy first
    """
    return [Cell(version, program, numpy) for numpy in (oldest_numpy(version), NEWEST)]


def find_pythons(versions: Sequence[str]) -> dict[str, Path | None]:
    """Look for Pythons on this machine.

    Parameters
    ----------
    versions : sequence of str, such as '3.12'

    Returns
    -------
    found : dict of Path by version; None for one that is not there
    """
    return {version: _find_python(version) for version in versions}


def _find_python(version: str) -> Path | None:
    """Return the first program that says it is this version; a shim of pyenv may say it is not."""
    kept = sorted(PYENV.glob(f"{version}.*/{PROGRAMS}/python"))
    on_path = shutil.which(f"python{version}")
    for program in [*([Path(on_path)] if on_path else []), *reversed(kept)]:
        if _output([program, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]) == version:
            return program
    return None


def _try(cell: Cell, tests: Sequence[str]) -> bool:
    """Run the tests with one combination, print the last line, and tell whether all passed."""
    log = ENVIRONMENTS / f"{cell.name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as file:
        python = _environment(cell, file)
        if python is None:
            _say(
                f"Python {cell.version}, NumPy {cell.numpy or 'newest'}: cannot install, see {log}"
            )
            return False
        numpy = _output([python, "-c", "import numpy; print(numpy.__version__)"])
        command: Command = [
            python,
            "-m",
            "pytest",
            "-q",
            "-m",
            "not slow",
            "-p",
            "no:cacheprovider",
            *tests,
        ]
        done = subprocess.run(command, cwd=ROOT, stdout=file, stderr=file, check=False)
    last = log.read_text(encoding="utf-8").rstrip().splitlines()[-1]
    _say(f"Python {cell.version}, NumPy {numpy}: {last.strip('= ')}")
    if done.returncode != 0:
        _say(f"  see {log}")
    return done.returncode == 0


def _environment(cell: Cell, log: IO[str]) -> Path | None:
    """Return the Python of the cell's environment, made if need be; None if that fails."""
    folder = ENVIRONMENTS / cell.name
    python, stamp = folder / PROGRAMS / "python", folder / "made-from"
    recipe = hashlib.sha256(f"{_project()}{cell}".encode()).hexdigest()
    if stamp.is_file() and stamp.read_text(encoding="ascii") == recipe:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    numpy = f"numpy=={cell.numpy}.*" if cell.numpy else "numpy"
    create: Command = [cell.program, "-m", "venv", folder]
    pip: Command = [python, "-m", "pip", "install", "--quiet", "--no-compile"]
    install: Command = [*pip, "-e", f".[{EXTRAS}]", numpy]
    for command in (create, install):
        if subprocess.run(command, cwd=ROOT, stdout=log, stderr=log, check=False).returncode:
            return None
    stamp.write_text(recipe, encoding="ascii")
    return python


def _output(command: Command) -> str:
    """Return what a program prints; nothing if it cannot run."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip()


def _project() -> str:
    return (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - this is a command line

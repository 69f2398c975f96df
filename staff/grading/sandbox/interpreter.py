"""The Python that runs in a sandbox: the grader's own, with NumPy and no other package.

Other installed packages are not on its path, since the reference itself may be among them, and
others answer exercises. Where a sandbox shows nothing else, they cannot be put there either.
"""

from __future__ import annotations

import atexit
import os
import shutil
import stat
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from staff.grading.intake.text import PYTHON

_UNNEEDED = ("test", "idlelib", "*-packages", "ensurepip", "tkinter", "turtledemo", "config-*")
# where the system's loader looks for shared libraries
LOADER = tuple(map(Path, ("/usr/lib", "/usr/lib64", "/lib", "/lib64")))
_made: list[Path] = []


@dataclass(frozen=True)
class Interpreter:
    """A Python and the libraries that it may import.

    Attributes
    ----------
    python : Path, the executable
    places : tuple of Path, folders and files that a sandbox must show for it to run, beside the
        system's shared libraries; what `packages_in` finds in them it must not
    libraries : Path, a folder for ``sys.path`` that holds NumPy alone
    """

    python: Path
    places: tuple[Path, ...]
    libraries: Path


@atexit.register
def remove_made() -> None:
    """Remove the folders of interpreters, for this process ends."""
    for folder in _made:
        shutil.rmtree(folder, ignore_errors=True)


@lru_cache
def find_interpreter(*, for_others: bool) -> Interpreter:
    """Return the interpreter for sandboxes.

    Parameters
    ----------
    for_others : bool, another user must be able to read it: if the grader's own lies where only
        its owner may go, its files are linked into a temporary folder
    """
    python, base = Path(sys.executable).resolve(), Path(sys.base_prefix).resolve()
    package = Path(np.__file__).resolve().parent
    parts = [p for p in (package, package.parent / "numpy.libs") if p.exists()]
    folder = Path(tempfile.mkdtemp(prefix=PYTHON))
    folder.chmod(0o755)
    _made.append(folder)
    libraries = folder / "libraries"
    libraries.mkdir()
    private = for_others and not all(is_public(path) for path in (python, base, *parts))
    for part in parts:
        if private:
            shutil.copytree(part, libraries / part.name, copy_function=_link)
        else:
            (libraries / part.name).symlink_to(part)
    if private:
        python, base = _linked(python, base, folder / "python")
        return Interpreter(python, (base, libraries), libraries)
    return Interpreter(python, (python, *_standard_library(), libraries, *parts), libraries)


def _standard_library() -> list[Path]:
    """Return the folder of the standard library and the shared libraries that lie beside it."""
    library = Path(sysconfig.get_path("stdlib")).resolve()
    if library.parent in LOADER:
        return [library]
    return [library, *(path for path in library.parent.glob("*.so*") if path.is_file())]


def system_libraries() -> list[Path]:
    """Return the folders of the system's shared libraries; of Debian's `/usr/lib`, the part."""
    part = sysconfig.get_config_var("MULTIARCH") or ""
    folders = [path for path in LOADER if path.is_dir() and not path.is_symlink()]
    return [path / part if (path / part).is_dir() else path for path in folders]


def packages_in(place: Path) -> list[Path]:
    """Return the folders for installed packages in a standard library, or in a folder of them."""
    return sorted({*place.glob("*-packages"), *place.glob("python*/*-packages")})


def _linked(python: Path, base: Path, target: Path) -> tuple[Path, Path]:
    """Link an interpreter and its standard library into a folder; return where both are now."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    library = Path("lib", version)
    unneeded = shutil.ignore_patterns(*_UNNEEDED)
    shutil.copytree(base / library, target / library, copy_function=_link, ignore=unneeded)
    for shared in (base / "lib").glob("libpython*"):
        _link(shared, target / "lib" / shared.name)
    (target / "bin").mkdir()
    _link(python, target / "bin" / python.name)
    return target / "bin" / python.name, target


def _link(source: str | Path, target: str | Path) -> None:
    """Link a file, or copy it if it lies on another disk."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def is_public(path: Path) -> bool:
    """Tell whether every user of the machine may read what lies there, if by guessing its name."""
    path = path.resolve()
    folders = [p.stat().st_mode & stat.S_IXOTH for p in path.parents]
    enough = stat.S_IROTH | (stat.S_IXOTH if path.is_dir() else 0)
    return all(folders) and bool(path.stat().st_mode & enough)

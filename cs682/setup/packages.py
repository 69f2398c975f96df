"""Which packages the assignment asks for, and which of them a Python has.

The floors are written once, in `pyproject.toml`; an installed package carries them as metadata.
Imports nothing but Python's own library, since it runs where packages are missing.
"""

from __future__ import annotations

import re
from importlib import metadata
from typing import TYPE_CHECKING, NamedTuple

from cs682.setup.assignment import PACKAGE_HOME

if TYPE_CHECKING:
    from pathlib import Path

DISTRIBUTION = "cs682-assignment2"
OLDEST_PYTHON = (3, 10)


class Package(NamedTuple):
    """A package that is asked for, the least version that will do, and the one that is there.

    `found` is empty where the package is missing.
    """

    name: str
    floor: str
    found: str

    @property
    def verdict(self) -> str:
        """Return 'ok', 'missing' or 'too old'."""
        if not self.found:
            return "missing"
        return "ok" if _parts(self.found) >= _parts(self.floor) else "too old"


def edition(home: Path = PACKAGE_HOME) -> str:
    """Return the version of the assignment; empty where nothing says it.

    Parameters
    ----------
    home : Path, the folder that `pyproject.toml` lies in; without one the metadata of the installed
        package counts

    Returns
    -------
    version : str, such as '1.0.0'
    """
    project = home / "pyproject.toml"
    if project.is_file():
        return edition_of(project.read_text(encoding="utf-8"))
    return _version(DISTRIBUTION)


def edition_of(project: str) -> str:
    """Return the version that the text of a `pyproject.toml` names; empty if it names none.

    Parameters
    ----------
    project : str

    Returns
    -------
    version : str
    """
    found = re.search(r'^version = "([^"]+)"', project, re.MULTILINE)
    return found[1] if found else ""


def packages(group: str = "", home: Path = PACKAGE_HOME) -> list[Package]:
    """Return the packages that the assignment asks for, as this Python has them.

    Parameters
    ----------
    group : str, an extra of `pyproject.toml` such as 'lab'; default what every student needs
    home : Path, the folder that `pyproject.toml` lies in; without one the metadata of the installed
        package counts

    Returns
    -------
    packages : list of Package, in the order of the file
    """
    pairs = re.findall(r'^\s*"?([\w.-]+)\s*>=\s*([\w.]+)', _lines(group, home), re.MULTILINE)
    return [Package(name, floor, _version(name)) for name, floor in pairs]


def _lines(group: str, home: Path) -> str:
    """Return the requirements of a group, one a line."""
    project = home / "pyproject.toml"
    if project.is_file():
        heading = group or "dependencies"
        text = project.read_text(encoding="utf-8")  # Python 3.10 has no reader of TOML
        found = re.search(rf"^{heading} = \[\n(.*?)^\]", text, re.MULTILINE | re.DOTALL)
        return found[1] if found else ""
    wanted = f'extra == "{group}"' if group else ""
    lines = metadata.requires(DISTRIBUTION) or []
    return "\n".join(line for line in lines if line.partition(";")[2].strip() == wanted)


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _parts(version: str) -> tuple[int, ...]:
    """Return the numbers that a version starts with."""
    return tuple(int(part) for part in re.findall(r"\d+", re.split(r"[a-z+]", version)[0]))

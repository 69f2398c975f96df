"""Where the assignment lies: the folder that holds the marker file `assignment.json`.

Found by walking up from the working folder, so that a notebook, a terminal and an editor find the
same folder from wherever they were started. Imports nothing but Python's own library: what helps
with a broken environment must work in one.
"""

from __future__ import annotations

import json
import sys
import traceback
from importlib.machinery import PathFinder
from pathlib import Path

MARKER = "assignment.json"
MANIFEST = "MANIFEST.json"  # in each release: the files that were given out
GIVEN = "cs682/setup/given.json"  # in each release: what students write in, and hashes of the rest
KEPT = "kept"  # folder, in that of the assignment, for what is put aside
PACKAGE_HOME = Path(__file__).resolve().parents[2]  # the assignment that this package belongs to


def find_root(start: Path | None = None) -> Path:
    """Return the folder of the assignment.

    Parameters
    ----------
    start : Path, optional; the folder to walk up from (default: the working folder). Where no
        folder above has the marker, the one that holds the running package is tried

    Returns
    -------
    root : Path, absolute

    Raises
    ------
    FileNotFoundError
        If neither has the marker file.
    """
    start = (start or Path.cwd()).resolve()
    for folder in (start, *start.parents, PACKAGE_HOME):
        if (folder / MARKER).is_file():
            return folder
    raise FileNotFoundError(
        f"no {MARKER} in {start} or a folder above it: go to the folder of the assignment"
    )


def read_settings(root: Path) -> dict[str, str]:
    """Return what the marker file says.

    Parameters
    ----------
    root : Path, as `find_root` returns it

    Returns
    -------
    settings : dict with 'name' of the assignment and 'repository', the OWNER/REPO on GitHub that
        students fetch it from

    Raises
    ------
    ValueError
        If the file is damaged or lacks one of the two.
    """
    path = root / MARKER
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {key: str(content[key]) for key in ("name", "repository")}
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is damaged ({error!r}): fetch the assignment again") from error


def find_hiding(home: Path = PACKAGE_HOME) -> list[Path]:
    """Return the files in the assignment's folders that Python may load for a module it needs.

    Parameters
    ----------
    home : Path, the folder of the assignment

    Returns
    -------
    files : list of Path, named like a module that is there in another place
    """
    folders = (home, home / "notebooks")
    others = [place for place in sys.path if place and Path(place).resolve() not in folders]
    files = (path for folder in folders for path in sorted(folder.glob("*.py")))
    return [path for path in files if PathFinder.find_spec(path.stem, others)]


def say_hiding(error: BaseException, home: Path = PACKAGE_HOME) -> str:
    """Say which file was loaded in the place of a module, if one was.

    Parameters
    ----------
    error : BaseException, that the file may have led to
    home : Path, the folder of the assignment

    Returns
    -------
    said : str; empty if none was
    """
    frames = (frame for frame, _ in traceback.walk_tb(error.__traceback__))
    ran = {Path(frame.f_code.co_filename).resolve() for frame in frames}
    for path in find_hiding(home):
        loaded = getattr(sys.modules.get(path.stem), "__file__", None)
        if path in ran or (loaded and Path(loaded).resolve() == path):
            return f"{path} hides {path.stem}, which Python needs: give that file another name"
    return ""

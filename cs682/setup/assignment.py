"""Where the assignment lies: the folder that holds the marker file `assignment.json`.

Found by walking up from the working folder, so that a notebook, a terminal and an editor find the
same folder from wherever they were started. Imports nothing but Python's own library: what helps
with a broken environment must work in one.
"""

from __future__ import annotations

import json
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

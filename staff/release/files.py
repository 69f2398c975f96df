"""What students get: an allow-list over the files that Git tracks.

The names come from Git and the contents from the work tree, so that what is cut is what was just
tested. Normally both are the same: a tree that differs from its commit is refused, since a release
must lead back to a commit, and a forgotten ``git add`` would leave a hole in it.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[2]
MANIFEST = "MANIFEST.json"
VARIANT = "cs682/checks/variant.json"
GENERATED = (MANIFEST, VARIANT)  # written by the release itself

# Neither list says "all but": a new file stays at home until somebody adds it here.
_FILES = {
    ".binder/requirements.txt",
    ".binder/runtime.txt",
    ".gitignore",
    "CHANGELOG.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "assignment.json",
    "environment.yml",
    "pyproject.toml",
    "datasets/README.md",
    "datasets/get_datasets.sh",
    "docs/exercises.md",
    "docs/notation.md",
    "docs/pictures/board.png",
    "docs/pictures/lab.png",
    "docs/pictures/passed.png",
    "docs/pictures/wrong.png",
    "docs/search.md",
    "docs/self-learner.md",
    "docs/student.md",
    "notebooks/assignment.jupyterlab-workspace",
    "tests/nbval_sanitize.cfg",
}
_FOLDERS = {"cs231n": ".py", "cs682": ".py", "notebooks": ".ipynb", "tests": ".py"}
_EXECUTABLE, _SYMLINK = "100755", "120000"


@dataclass(frozen=True)
class Source:
    """The files that a release is cut from.

    Attributes
    ----------
    files : dict of str to bytes, those that students get, by path seen from the root
    executable : frozenset of str, paths that keep their execute bit
    commit : str, hash of the commit
    changes : tuple of str, released paths that differ from the commit or are unknown to Git
    """

    files: dict[str, bytes]
    executable: frozenset[str] = frozenset()
    commit: str = ""
    changes: tuple[str, ...] = ()


def is_released(path: str) -> bool:
    """Tell whether students get a file of this path.

    Parameters
    ----------
    path : str, seen from the root, with slashes

    Returns
    -------
    released : bool
    """
    name = PurePosixPath(path)
    hidden = any(part.startswith((".", "__pycache__")) for part in name.parts)
    if path.startswith("tests/machinery/"):
        return False
    return path in _FILES or (not hidden and _FOLDERS.get(name.parts[0]) == name.suffix)


def read_source(root: Path = ROOT) -> Source:
    """Read the files to release from a Git work tree.

    Parameters
    ----------
    root : Path of the work tree

    Returns
    -------
    source : Source

    Raises
    ------
    FileNotFoundError
        If the folder is no Git work tree, or a tracked file is missing from it.
    ValueError
        If a file to release is a symbolic link.
    """
    modes = {}
    for line in _git(root, "ls-files", "--stage", "-z").split("\0")[:-1]:
        mode, _, rest = line.partition(" ")
        if is_released(path := rest.partition("\t")[2]):
            modes[path] = mode
    links = sorted(path for path, mode in modes.items() if mode == _SYMLINK)
    if links:
        raise ValueError(f"{links[0]} is a symbolic link: a release holds plain files")
    status = _git(root, "status", "--porcelain", "--no-renames", "-z", "--untracked-files=all")
    changes = (entry[3:] for entry in status.split("\0")[:-1])
    return Source(
        files={path: (root / path).read_bytes() for path in sorted(modes)},
        executable=frozenset(path for path, mode in modes.items() if mode == _EXECUTABLE),
        commit=_git(root, "rev-parse", "HEAD").strip(),
        changes=tuple(sorted(path for path in changes if is_released(path))),
    )


def _git(root: Path, *words: str) -> str:
    """Return what a Git command prints."""
    command = ["git", "-C", str(root), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise FileNotFoundError(f"{root} is no Git work tree with a commit: {done.stderr.strip()}")
    return done.stdout

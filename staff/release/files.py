"""What students get: the files that `staff/release/files.txt` names, as Git tracks them.

A new file stays at home until somebody names it there.

The names come from Git and the contents from the work tree, so that what is cut is what was just
tested. Normally both are the same: a tree that differs from its commit is refused, since a release
must lead back to a commit, and a forgotten ``git add`` would leave a hole in it.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from cs682.setup.assignment import GIVEN
from cs682.setup.reset import ORIGINALS

ROOT = Path(__file__).resolve().parents[2]
LIST = "staff/release/files.txt"  # one path a line, and nothing like a pattern
MANIFEST = "MANIFEST.json"
VARIANT = "cs682/checks/variant.json"
GENERATED = (MANIFEST, VARIANT, ORIGINALS, GIVEN)  # written by the release itself
_MAKES = "cs682/checks/"  # what stays at home of these makes the values that are released
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


def released_paths(root: Path = ROOT) -> frozenset[str]:
    """Return the paths of what students get, seen from the root, with slashes.

    Returns
    -------
    paths : frozenset of str, without what the release itself writes
    """
    return frozenset((root / LIST).read_text(encoding="utf-8").splitlines())


def read_source(root: Path = ROOT) -> Source:
    """Read the files to release from a Git work tree.

    Raises
    ------
    FileNotFoundError
        If the folder is no Git work tree, or a tracked file is missing from it.
    ValueError
        If a file to release is a symbolic link, or Git does not know it.
    """
    modes = _modes(root)
    if strangers := released_paths(root) - set(modes):
        raise ValueError(f"{LIST} names {', '.join(sorted(strangers))}, which Git does not track")
    links = sorted(path for path, mode in modes.items() if mode == _SYMLINK)
    if links:
        raise ValueError(f"{links[0]} is a symbolic link: a release holds plain files")
    status = _git(root, "status", "--porcelain", "--no-renames", "-z", "--untracked-files=all")
    changes = (entry[3:] for entry in status.split("\0")[:-1])
    return Source(
        files={path: (root / path).read_bytes() for path in sorted(modes)},
        executable=frozenset(path for path, mode in modes.items() if mode == _EXECUTABLE),
        commit=_git(root, "rev-parse", "HEAD").strip(),
        changes=tuple(sorted(path for path in changes if path in modes or path.startswith(_MAKES))),
    )


def _modes(root: Path) -> dict[str, str]:
    """Return Git's mode of each tracked file that is to be released."""
    entries = _git(root, "ls-files", "--stage", "-z").split("\0")[:-1]
    modes = {entry.partition("\t")[2]: entry.partition(" ")[0] for entry in entries}
    return {path: modes[path] for path in released_paths(root) & set(modes)}


def _git(root: Path, *words: str) -> str:
    """Return what a Git command prints."""
    command = ["git", "-C", str(root), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise FileNotFoundError(f"{root} is no Git work tree with a commit: {done.stderr.strip()}")
    return done.stdout

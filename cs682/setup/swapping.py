"""Change several files at once or not at all, and put them back later."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cs682._files import replacing
from cs682.setup.new_release import hash_of

RECORD, DONE = "update.json", "undone.json"
_BEFORE, _SINCE = "before", "since"


@dataclass(frozen=True)
class Change:
    """What becomes of one file.

    Attributes
    ----------
    name : str, its path in the folder of the assignment
    source : Path of what is to stand there, which is moved; None to remove the file
    is_program : bool, it gets an execute bit
    """

    name: str
    source: Path | None
    is_program: bool = False


def swap(root: Path, folder: Path, changes: Sequence[Change]) -> None:
    """Put files in their places, after those that stand there were copied aside.

    Parameters
    ----------
    root : Path, the folder of the assignment
    folder : Path to put aside what stood there; `put_back` knows it by what is written there
    changes : sequence of Change

    Raises
    ------
    OSError
        If a file cannot be written; all are as they were then.
    """
    hashes = {c.name: hash_of(c.source.read_bytes()) if c.source else None for c in changes}
    for change in changes:
        _copy(root / change.name, folder / _BEFORE / change.name)
        if change.source:
            _give_mode(change, root / change.name)
    with replacing(folder / RECORD) as file:
        file.write(json.dumps(hashes, indent=1).encode())
    done = []
    try:
        for change in changes:
            done.append(change.name)
            _put(change.source, root / change.name)
    except BaseException:  # Ctrl-C as well
        _restore(root, folder, done)
        (folder / RECORD).unlink()
        raise


def is_to_undo(folder: Path) -> bool:
    """Tell whether a folder knows of a swap that was carried out, be it in part.

    Parameters
    ----------
    folder : Path, as for `swap`
    """
    return (folder / RECORD).is_file()


def put_back(root: Path, kept: Path) -> tuple[Path | None, list[str]]:
    """Put back what the last swap has changed, byte for byte.

    Parameters
    ----------
    root : Path, the folder of the assignment
    kept : Path of the folder that holds those of swaps

    Returns
    -------
    folder : Path that it was put back from, None if there is nothing to put back
    since : list of str, files that were changed after the swap: as they were, they are in a folder
        `since` beside

    Raises
    ------
    OSError
        If a file cannot be written; what was put back stays so, and the rest can be tried again.
    """
    records = sorted(kept.glob(f"*/{RECORD}"), key=lambda path: path.stat().st_mtime_ns)
    if not records:
        return None, []
    folder, hashes = records[-1].parent, json.loads(records[-1].read_bytes())
    since = []
    for name, digest in hashes.items():
        now, before = (
            hash_of(path.read_bytes()) if path.is_file() else None
            for path in (root / name, folder / _BEFORE / name)
        )
        if now not in {None, digest, before}:
            _copy(root / name, folder / _SINCE / name)
            since.append(name)
    _restore(root, folder, list(hashes))
    records[-1].rename(folder / DONE)
    return folder, since


def _restore(root: Path, folder: Path, names: list[str]) -> None:
    """Copy files back to their places, and remove those that were not there."""
    for name in reversed(names):
        before, part = folder / _BEFORE / name, folder / "part"
        _copy(before, part)
        _put(part if before.is_file() else None, root / name)


def _copy(source: Path, target: Path) -> None:
    """Copy a file, with its age and its permissions, if it is there."""
    if source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)


def _give_mode(change: Change, place: Path) -> None:
    """Give a new file the permissions of the one whose place it takes."""
    if change.source and place.is_file():
        shutil.copymode(place, change.source)
    elif change.source and change.is_program:
        change.source.chmod(0o755)


def _put(source: Path | None, place: Path) -> None:
    """Move a file to its place, or remove the one there and folders that it leaves empty."""
    if source:
        place.parent.mkdir(parents=True, exist_ok=True)
        source.replace(place)
        return
    place.unlink(missing_ok=True)
    while place.parent.is_dir() and not any(place.parent.iterdir()):
        place = place.parent
        place.rmdir()

"""Copy the modules that a student added to the package: files of exercises may import them."""

from __future__ import annotations

import shutil
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from staff.grading.intake.package import CODE, GIVEN, LARGEST, MOST, is_in_the_way, read_package
from staff.grading.intake.safe_text import shown
from staff.grading.intake.unpack import MB, Member

DEEPEST = 5  # folders in each other
LONGEST = 255  # bytes of a name, and of each folder's: what Linux can store
TOO_LONG = f"has a name of more than {LONGEST} bytes"
_TOO_DEEP = f"lies more than {DEEPEST} folders deep in the package"
_IN_THE_WAY = "would be imported in place of a file of the assignment"
_NO_ROOM = f"is beyond what there is room for: {MOST} modules, and {LARGEST // MB} MB of all code"


def module_at(inner: str) -> str:
    """Return the path of a student's module as Python looks for it; empty if it is none.

    Python composes the letters of a name that it imports; macOS may store them taken apart. What
    no import finds, such as `layers copy.py`, is no module, and what the course gave is no
    student's.

    Parameters
    ----------
    inner : str, its place in the package, such as 'deep/mine.py'

    Returns
    -------
    name : str, such as 'cs682/deep/mine.py'
    """
    stem = inner.removesuffix(".py")
    parts = [unicodedata.normalize("NFKC", part) for part in stem.split("/")]
    name = f"cs682/{'/'.join(parts)}.py"
    is_module = stem != inner and all(part.isidentifier() for part in parts)
    is_ours = name in CODE or name in GIVEN or name.startswith("cs682/checks/")
    return name if is_module and not is_ours else ""


def copy_modules(
    own: Mapping[str, Member], folder: Path
) -> tuple[list[Member], defaultdict[str, list[str]]]:
    """Copy modules of a student's own to where they belong.

    Parameters
    ----------
    own : mapping of str to Member, by their paths from `module_at`
    folder : Path, holds `cs682/` with the files of exercises

    Returns
    -------
    copied : list of Member
    left_out : dict of list of str, where the others lie, by the reason
    """
    copied: dict[str, Member] = {}
    left_out: defaultdict[str, list[str]] = defaultdict(list)
    for name, member in own.items():
        if reason := _reason_against(name):
            left_out[reason].append(member.name)
            continue
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(member.path, folder / name)
        copied[name] = member
    run = read_package(folder)
    left_out[_NO_ROOM] = [member.name for name, member in copied.items() if name not in run]
    return [*copied.values()], left_out


def is_too_long(part: str) -> bool:
    """Tell whether a name, or a folder's, is longer than any file system here stores."""
    return len(part.encode()) > LONGEST


def _reason_against(name: str) -> str:
    """Say why a module is left out; empty if it is not."""
    parts = PurePosixPath(name).parts
    if any(map(is_too_long, parts)):
        return TOO_LONG
    if len(parts) - 2 > DEEPEST:  # neither the package nor the file counts
        return _TOO_DEEP
    return _IN_THE_WAY if is_in_the_way(name) else ""


def say_left_out(left_out: Mapping[str, Sequence[str]]) -> list[str]:
    """Name what is left out, one line for each reason.

    Parameters
    ----------
    left_out : mapping of str to sequence of str, from `copy_modules`
    """
    lines = []
    for reason, names in left_out.items():
        if not names:
            continue
        more = f", like {len(names) - 1} more of this kind" if len(names) > 1 else ""
        lines.append(f"{shown(names[0], 80)} {reason} and is left out{more}")
    return lines

"""Find the assignment's files in what was taken out of a hand-in, wherever they lie."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from cs682.checks import EXERCISES
from cs682.hand_in.models import MODELS
from staff.grading.intake.package import ROOT
from staff.grading.intake.safe_text import shown
from staff.grading.intake.unpack import Haul, Member

FILES = tuple(dict.fromkeys(row.file for row in EXERCISES.values()))  # code and notebooks
MODEL_FILES = tuple(f"notebooks/{name}" for name in MODELS.values())
_GIVEN = tuple(  # files that have a namesake among those above, or could be taken for a helper
    path.relative_to(ROOT).as_posix()
    for path in sorted(ROOT.glob("cs682/**/*.py"))
    if path.relative_to(ROOT).as_posix() not in FILES
)
_COPY_MARK = r"(?:[ _]?\(\d+\)|[-_ ]\d+|[ _-]copy(?:[ _]?\(?\d+\)?)?)?"  # browsers, Canvas, macOS


@dataclass(frozen=True)
class Package:
    """A hand-in in the shape of the assignment.

    Attributes
    ----------
    folder : Path, holds `cs682/layers.py` and so on, and `notebooks/`; nothing else
    missing : tuple of str, files of the assignment that the hand-in lacks
    problems : tuple of str, what was missing, renamed, doubled or left out, for the student to read
    digest : str, SHA-256 of the whole hand-in
    """

    folder: Path
    missing: tuple[str, ...]
    problems: tuple[str, ...]
    digest: str


def arrange(haul: Haul, folder: Path) -> Package:
    """Move the assignment's files to where they belong, and name what is not as it should be.

    A file is taken from the most complete copy of the assignment; from elsewhere only if that has
    none. Two that would do equally well and differ are both left alone: nobody can tell which is
    meant.

    Parameters
    ----------
    haul : Haul, what was taken; its numbered files are moved
    folder : Path, an empty folder

    Returns
    -------
    package : Package
    """
    roots = _best_roots(haul.members)
    problems, missing = list(haul.problems), []
    for file in (*FILES, *MODEL_FILES):
        found, remarks = _choose(file, haul.members, roots)
        problems += remarks
        if found is None:
            missing.append(file)
        else:
            target = folder / file
            target.parent.mkdir(parents=True, exist_ok=True)
            found.path.replace(target)
    if set(missing) >= set(FILES):
        single = {f"{file} is missing" for file in (*FILES, *MODEL_FILES)}
        problems = [text for text in problems if text not in single]
        problems.append("none of the assignment's files could be taken")
    _copy_helpers(haul.members, roots, folder)
    (folder / "cs682").mkdir(parents=True, exist_ok=True)
    return Package(folder, tuple(missing), tuple(dict.fromkeys(problems)), haul.digest)


def _best_roots(members: Iterable[Member]) -> set[str]:
    """Return the folders that hold the most of the assignment; of these, the least deep."""
    counts = Counter(
        member.name[: -len(file)]
        for member in members
        for file in FILES
        if f"/{member.name}".endswith(f"/{file}")
    )
    if not counts:
        return set()
    best = max((count, -root.count("/")) for root, count in counts.items())
    return {root for root, count in counts.items() if (count, -root.count("/")) == best}


def _choose(
    file: str, members: Iterable[Member], roots: set[str]
) -> tuple[Member | None, list[str]]:
    """Return the member that stands for a file of the assignment, and what to say of it."""
    ranked = [(rank, m) for m in members if (rank := _rank(file, m.name, roots)) is not None]
    if not ranked:
        return None, [f"{file} is missing"]
    best = min(rank for rank, _ in ranked)
    first = [member for rank, member in ranked if rank == best]
    names = " and ".join(shown(member.name) for member in first[:3])
    if len({member.digest for member in first}) > 1:
        return None, [f"{file} is there more than once, and they differ: {names}; none was taken"]
    chosen, remarks = first[0], []
    if best >= _LOOSE:
        remarks.append(f"{file} is missing; {shown(chosen.name)} was taken for it")
    others = [m for rank, m in ranked if rank <= _IN_PLACE and m.digest != chosen.digest]
    if others:
        remarks.append(f"{shown(others[0].name)} differs from the {file} that was taken")
    return chosen, remarks


_AT_ROOT, _IN_PLACE, _LOOSE, _RENAMED = range(4)


def _rank(file: str, name: str, roots: set[str]) -> int | None:
    """Tell how well a member's place and name fit a file of the assignment; None if not at all."""
    if f"/{name}".endswith(f"/{file}"):
        return _AT_ROOT if name[: -len(file)] in roots else _IN_PLACE
    if f"/{name}".endswith(tuple(f"/{given}" for given in _GIVEN)):
        return None
    wanted, base = PurePosixPath(file), PurePosixPath(name).name
    if base == wanted.name:
        return _LOOSE
    stem, end = re.escape(wanted.stem), re.escape(wanted.suffix)
    pattern = rf"(?:copy[ _]of[ _])?{stem}{_COPY_MARK}{end}(?:\.txt|\.json)?"
    return _RENAMED if re.fullmatch(pattern, base, re.IGNORECASE) else None


def _copy_helpers(members: Iterable[Member], roots: set[str], folder: Path) -> None:
    """Copy modules that the student added to `cs682`: exercise files may import them."""
    for member in members:
        root = next((r for r in sorted(roots) if member.name.startswith(f"{r}cs682/")), None)
        if len(roots) != 1 or root is None:
            continue
        inner = member.name[len(root) :]
        target = folder / inner
        fits = re.fullmatch(r"cs682/(?:[A-Za-z]\w*/)?[A-Za-z]\w*\.py", inner)
        if fits and inner not in (*FILES, *_GIVEN) and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(member.path, target)

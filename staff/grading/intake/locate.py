"""Find the assignment's files in what was taken out of a hand-in, wherever they lie."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from cs682.checks import EXERCISES
from cs682.checks.hints import NAME as HINTS
from cs682.checks.run import MODELS
from cs682.setup.assignment import MANIFEST
from staff.grading.intake.kinds import defines, remark_on
from staff.grading.intake.own_modules import (
    TOO_LONG,
    copy_modules,
    is_too_long,
    module_at,
    say_left_out,
)
from staff.grading.intake.package import CODE, GIVEN
from staff.grading.intake.safe_text import shown
from staff.grading.intake.unpack import OTHER_KIND, Haul, Member
from staff.grading.intake.uploads import mark_of

_NOTEBOOKS = (row.file for row in EXERCISES.values() if row.file.endswith(".ipynb"))
FILES = (*CODE, *dict.fromkeys(_NOTEBOOKS))  # what is the course's need not come back
MODEL_FILES = tuple(f"notebooks/{name}" for name in MODELS.values())
PACKAGE = "cs682/"
SUBMITTED = "hand-in.json"  # what `submit` writes about a hand-in
NOTES = (SUBMITTED, HINTS, MANIFEST)  # files beside those that are graded
TWO = "nobody can tell which is newer: a person decides"  # the end of what is said of two versions
_COPY_MARK = r"(?:[ _]?\(\d+\)|[-_ ]\d+|[ _-]copy(?:[ _]?\(?\d+\)?)?)?"  # browsers, Canvas, macOS
_ZIP_MARK = re.compile(r"(?:-\d{1,3}| ?\(\d{1,3}\))(?=\.zip/)", re.IGNORECASE)


@dataclass(frozen=True)
class Package:
    """A hand-in in the shape of the assignment.

    Attributes
    ----------
    folder : Path, holds `cs682/layers.py` and so on, and `notebooks/`; nothing else
    missing : tuple of str, files of the assignment that the hand-in lacks
    problems : tuple of str, what was missing, renamed, doubled or left out, for the student to read
    digest : str, SHA-256 of the whole hand-in
    notes : dict of str to bytes, by name, those of `NOTES` that are there
    damaged : tuple of str, what nobody can read and may have been graded, for the student to read
    left_out : tuple of str, of the problems what a person should look at: a limit has kept it out
    taken : frozenset of str, where what was taken lay
    doubled : dict of tuple of str, where the versions lie of each file of which none was taken
    """

    folder: Path
    missing: tuple[str, ...]
    problems: tuple[str, ...]
    digest: str
    notes: Mapping[str, bytes] = field(default_factory=dict)
    damaged: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    taken: frozenset[str] = frozenset()
    doubled: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def arrange(haul: Haul, folder: Path) -> Package:
    """Move the assignment's files to where they belong, and name what is not as it should be.

    Of two versions by one student a file is taken from the newer; of these, from the most complete
    copy of the assignment; from elsewhere only if that has none. Two that would do equally well
    and differ are both left alone: nobody can tell which is meant.

    Parameters
    ----------
    haul : Haul, what was taken; its numbered files are moved
    folder : Path, an empty folder
    """
    ours = tuple(f"/{given.removeprefix(PACKAGE)}" for given in GIVEN)  # may be namesakes
    members = [m for m in haul.members if not f"/{m.name}".endswith(ours)]
    homes = _homes_by_version(members)
    called = _called_otherwise(_best_homes(members))
    problems, taken = [*haul.problems, *called], dict[str, Member]()
    doubled = dict[str, list[Member]]()
    for file in (*FILES, *MODEL_FILES):
        found, remarks = _choose(file, members, homes)
        problems += remarks
        if len(found) == 1:
            taken[file] = found[0]
            problems += _put(found[0], file, folder)
        elif found:
            doubled[file] = found
    missing = tuple(file for file in (*FILES, *MODEL_FILES) if file not in taken)
    if not taken and not doubled:
        problems = _said_once(problems, missing, "none of the assignment's files could be taken")
    elif len(models := [file for file in MODEL_FILES if file not in {*taken, *doubled}]) > 1:
        said = f"{len(models)} trained models are missing: {', '.join(models)}"
        problems = _said_once(problems, models, said)
    (folder / "cs682").mkdir(parents=True, exist_ok=True)
    helpers, unsure, unused = _copy_own(haul, homes, folder)
    problems += [*(_say_doubled(name, found) for name, found in unsure.items()), *unused]
    doubled |= unsure
    replaced = _replaced(haul, taken)
    told = tuple(dict.fromkeys(replaced.get(text, text) for text in problems))
    unread = [text for text in told if text.endswith(OTHER_KIND)]  # a person can unpack these
    damaged = [text for _, text in haul.damaged if text not in replaced]
    return Package(
        folder,
        missing,
        told,
        haul.digest,
        _notes(haul),
        tuple(damaged + ([] if taken else unread)),
        tuple(dict.fromkeys([*haul.beyond, *unused, *unread, *replaced.values()])),
        frozenset(member.name for member in (*taken.values(), *helpers)),
        {file: tuple(member.name for member in found) for file, found in doubled.items()},
    )


def _said_once(problems: Sequence[str], missing: Sequence[str], said: str) -> list[str]:
    """Return what is amiss, with one line in place of those on these missing files."""
    each = {f"{file} is missing" for file in missing}
    return [*(text for text in problems if text not in each), said]


def _put(found: Member, file: str, folder: Path) -> list[str]:
    """Move a member to where it belongs; say what keeps it from being run."""
    target = folder / file
    target.parent.mkdir(parents=True, exist_ok=True)
    found.path.replace(target)
    return remark_on(target, file)


def _replaced(haul: Haul, taken: Mapping[str, Member]) -> dict[str, str]:
    """Return what nobody can read, but needs not, since all code is newer; and what to say then."""
    oldest = min(taken[file].version if file in taken else -1 for file in CODE)
    needed = {text for version, text in haul.damaged if version >= oldest}
    return {
        text: f"{text}; a newer upload is graded, which holds the code"
        for _, text in haul.damaged
        if text not in needed
    }


@dataclass(frozen=True)
class _Home:
    """A copy of the assignment in a hand-in.

    Attributes
    ----------
    root : str, the folder that holds the package and the notebooks; empty or ending in '/'
    package : str, the folder with the code, whatever it is called; likewise
    """

    root: str
    package: str

    @property
    def is_called_so(self) -> bool:
        """Tell whether the package has its own name."""
        return f"/{self.package}".endswith(f"/{PACKAGE}")


def _home_of(file: str, member: Member) -> _Home | None:
    """Return the copy of the assignment in which a member is a file of it; None if in none."""
    if f"/{member.name}".endswith(f"/{file}"):
        root = member.name[: -len(file)]
        return _Home(root, f"{root}{PACKAGE}")
    inner = file.removeprefix(PACKAGE)
    if file in CODE and f"/{member.name}".endswith(f"/{inner}") and defines(member.path, file):
        package = member.name[: -len(inner)]
        return _Home(package[: package.rstrip("/").rfind("/") + 1], package)
    return None


def _best_homes(members: Sequence[Member]) -> set[_Home]:
    """Return the copies that hold the most of the assignment; in each upload the least deep."""
    found: dict[_Home, set[str]] = defaultdict(set)
    sources = {}
    for file in FILES:
        for member in members:
            if home := _home_of(file, member):
                found[home].add(file)
                sources[home] = member.source
    for home, files in found.items():  # notebooks stand beside whatever the package is called
        for other in found:
            if other.root == home.root:
                files |= {file for file in found[other] if file not in CODE}
    if not found:
        return set()
    fits = {home: (len(files), home.is_called_so) for home, files in found.items()}
    best = [home for home in found if fits[home] == max(fits.values())]
    least: dict[int, int] = {}
    for home in best:  # how deep one upload is packed says nothing of another
        depth = home.root.count("/")
        least[sources[home]] = min(depth, least.get(sources[home], depth))
    return {home for home in best if home.root.count("/") == least[sources[home]]}


def _homes_by_version(members: Sequence[Member]) -> dict[int, set[_Home]]:
    """Return the best copies in each version; what has none goes by the best of all."""
    versions = {member.version for member in members}
    own = {v: _best_homes([m for m in members if m.version == v]) for v in versions}
    return {version: homes or _best_homes(members) for version, homes in own.items()}


def _called_otherwise(homes: Collection[_Home]) -> list[str]:
    """Say so if the package has another name."""
    if len(homes) == 1 and not (home := next(iter(homes))).is_called_so:
        taken = shown(home.package) or "what lies in none"
        return [f"there is no folder cs682; {taken} was taken for it"]
    return []


def _choose(
    file: str, members: Iterable[Member], homes: Mapping[int, set[_Home]]
) -> tuple[list[Member], list[str]]:
    """Return the member that stands for a file of the assignment, and what to say of it.

    Several are returned if they differ and nobody can tell which is meant, none if there is none.
    """
    ranks = ((_rank(file, m, homes[m.version]), m) for m in members)
    ranked = [(rank, m) for rank, m in ranks if rank is not None]
    if not ranked:
        return [], [f"{file} is missing"]
    newest = max(member.version for _, member in ranked)
    best = min(rank for rank, member in ranked if member.version == newest)
    first = _newest([m for rank, m in ranked if rank == best and m.version == newest])
    if _differ(first):
        return first, [_say_doubled(file, first)]
    chosen, remarks, taken = first[0], [], f"the {file} that was taken"
    if best >= _LOOSE:
        taken = f"{shown(chosen.name)}, which was taken"
    if min(rank for rank, _ in ranked) >= _LOOSE:
        remarks.append(f"{file} is missing; {shown(chosen.name)} was taken for it")
    remarks += [
        f"{shown(m.name)} is older than {taken}"
        if m.version < newest or _unmarked(m.name) == _unmarked(chosen.name)
        else f"two versions of {file}: {shown(chosen.name)} was taken, not {shown(m.name)}; {TWO}"
        for _, m in ranked
        if (m.version < newest or _is_version(m, chosen)) and not m.is_like(chosen)
    ]
    return [chosen], remarks[:2]


def _differ(members: Sequence[Member]) -> bool:
    """Tell whether files hold different things."""
    return not all(members[0].is_like(member) for member in members[1:])


def _say_doubled(file: str, members: Sequence[Member]) -> str:
    """Say of which files nobody can tell which is meant."""
    names = " and ".join(shown(member.name) for member in members[:3])
    return f"{file} is there more than once, and they differ: {names}; none was taken, {TWO}"


def _is_version(member: Member, chosen: Member) -> bool:
    """Tell whether a file may be meant: it lies in another folder, or a browser has numbered it.

    Any other copy in the same folder (`layers copy.py`) is a student's own.
    """
    path = PurePosixPath(member.name)
    return path.parent != PurePosixPath(chosen.name).parent or mark_of(path.name) > 0


def _newest(members: list[Member]) -> list[Member]:
    """Return the newest of files whose zips have the same name but for its number."""
    if len({_unmarked(member.name) for member in members}) > 1:
        return members
    marks = {m.name: [mark_of(p) for p in m.name.split("/") if p.endswith(".zip")] for m in members}
    return [m for m in members if marks[m.name] == max(marks.values())]


def _unmarked(name: str) -> str:
    """Return a member's name without the numbers that browsers and platforms put behind zips."""
    return _ZIP_MARK.sub("", name)


_AT_HOME, _IN_PLACE, _LOOSE, _RENAMED = range(4)


def _rank(file: str, member: Member, homes: set[_Home]) -> int | None:
    """Tell how well a member's place and name fit a file of the assignment; None if not at all."""
    if home := _home_of(file, member):
        fits = home in homes or (file not in CODE and home.root in {h.root for h in homes})
        return _AT_HOME if fits else _IN_PLACE
    wanted, base = PurePosixPath(file), PurePosixPath(member.name).name
    stem, end = re.escape(wanted.stem), re.escape(wanted.suffix)
    pattern = rf"(?:copy[ _]of[ _])?{stem}{_COPY_MARK}{end}(?:\.txt|\.json)?"
    if not re.fullmatch(pattern, base, re.IGNORECASE) or not defines(member.path, file):
        return None
    return _LOOSE if base == wanted.name else _RENAMED


def _copy_own(
    haul: Haul, homes: Mapping[int, set[_Home]], folder: Path
) -> tuple[list[Member], dict[str, list[Member]], list[str]]:
    """Copy modules that the student added to the package; name what is left out.

    Returns
    -------
    copied : list of Member
    unsure : dict of list of Member, those that differ and of which none was taken
    lines : list of str
    """
    left = [member for member in haul.members if member.path.exists()]  # what was taken has moved
    long = [m for m in left if is_too_long(m.name.rpartition("/")[2])]
    own = _own_modules((m for m in left if m not in long), homes)
    unsure = {name: found for name, found in own.items() if _differ(found)}
    sure = {name: found[0] for name, found in own.items() if name not in unsure}
    copied, left_out = copy_modules(sure, folder)
    left_out[TOO_LONG] += [member.name for member in long]
    return copied, unsure, say_left_out(left_out)


def _own_modules(
    members: Iterable[Member], homes: Mapping[int, set[_Home]]
) -> dict[str, list[Member]]:
    """Return modules that the student added to the package, the newest by where each belongs."""
    found: dict[str, list[Member]] = defaultdict(list)
    for member in members:
        for home in homes.get(member.version, ()):
            inner = member.name.removeprefix(home.package)
            if member.name.startswith(home.package) and (name := module_at(inner)):
                found[name].append(member)
    newest = {name: max(m.version for m in those) for name, those in found.items()}
    return {
        name: _newest([m for m in those if m.version == newest[name]])
        for name, those in found.items()
    }


def _notes(haul: Haul) -> dict[str, bytes]:
    """Return the notes of the newest version; the least deep, since updates keep older ones."""
    ranked = sorted(haul.members, key=lambda m: (m.version, -m.name.count("/")))
    found = {PurePosixPath(member.name).name: member.path for member in ranked}
    return {name: found[name].read_bytes() for name in NOTES if name in found}

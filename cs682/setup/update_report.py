"""What an update would do, and what the user is told of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cs682.setup.assignment import GIVEN, MANIFEST
from cs682.setup.collision import Collision, side_by_side
from cs682.setup.new_release import Manifest, NewRelease
from cs682.setup.reset import ORIGINALS

FOR_MACHINES = (MANIFEST, ORIGINALS, GIVEN)  # nobody writes in these
READ_ANEW = "Restart the kernel, and have open notebooks and files read anew, before you save them."
_PARTIAL = "Files of two releases met here. "
_COMMIT = "With Git, commit all that an update changes, in one commit: git add -A"


@dataclass
class Plan:
    """What an update would do, or has done.

    Attributes
    ----------
    writes : dict of bytes by path, None for a file to remove
    collisions : list of Collision
    cleared : list of str, the cells that are to be run again
    strange : list of str, given files that are neither of the old release nor of the new one
    back : list of str, files that students write in, which were gone
    reverted : dict of str by path, the older release that a file had gone back to
    altered : list of str, files in which given lines are not as the new release gives them out
    is_partial : bool, this folder holds files of two releases
    looks_closer : bool, at given text, too, which a release given out before has as well
    brings_packages : bool, the packages that the assignment needs may be others
    """

    writes: dict[str, bytes | None] = field(default_factory=dict)
    collisions: list[Collision] = field(default_factory=list)
    cleared: list[str] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)
    back: list[str] = field(default_factory=list)
    reverted: dict[str, str] = field(default_factory=dict)
    altered: list[str] = field(default_factory=list)
    is_partial: bool = False
    looks_closer: bool = False
    brings_packages: bool = False

    @property
    def aside(self) -> set[str]:
        """Return the files of which the new one is put aside, for the student to look at."""
        return {*self.strange, *(collision.file for collision in self.collisions)}


def describe(plan: Plan, old: Manifest, new: NewRelease, root: Path, kept: str) -> str:
    """Say what was done, what the changelog says, and what is left to do.

    Parameters
    ----------
    plan : Plan, which was carried out
    old : Manifest of the release that was here
    new : NewRelease
    root : Path, the folder of the assignment
    kept : str, the folder of what was put aside, seen from `root`

    Returns
    -------
    text : str, for the user
    """
    lines = [*_tell_changes(plan, old, new)]
    if said := new.news_since(old):
        lines += ["", "What its changelog says:", said]
    if plan.collisions:
        lines += ["", *_tell(plan.collisions)]
        if plan.aside & new.files.keys():
            lines.append(f"The new files are in {kept}/new: write into yours what you want.")
    if plan.strange:
        lines += ["", *_tell_strange(plan.strange, new.manifest.version, kept)]
    if plan.brings_packages:
        lines += ["", "Packages may be others now: python -m pip install -e ."]
    if names := [name for name in plan.altered if name not in plan.aside]:
        lines += ["", *_tell_altered(names, new.manifest.version)]
    if not plan.writes:
        return "\n".join(lines)
    lines += ["", READ_ANEW]
    if plan.is_partial or (root / ".git").exists():
        lines.append(_PARTIAL * plan.is_partial + _COMMIT)
    return "\n".join([*lines, "All that was changed is kept: python -m cs682 update --undo"])


def _tell_changes(plan: Plan, old: Manifest, new: NewRelease) -> Iterator[str]:
    """Yield what was changed, and what became of the student's work."""
    version, files = new.manifest.version, [*plan.writes]
    if not plan.writes:
        yield f"the assignment is {version} already; nothing was changed"
        return
    was = (
        f", it was {old.version}"
        if version != old.version
        else ": files of it were missing, or were another release's"
    )
    count = f"{len(files)} file{'s' * (len(files) != 1)} changed"
    yield f"the assignment is {version} now{was}; {count}"
    if not plan.back:
        yield "Your code, answers, own cells and trained networks are where they were."
    if own := [n for n in new.texts if n in files and plan.writes[n] != new.files[n]]:
        yield f"New around what you wrote: {', '.join(own)}."
    yield from _tell_restored(plan)
    if plan.cleared:
        yield "Run these again, for their code is new and what they had printed is gone:"
        yield from (f"- {place}" for place in plan.cleared)


def _tell_restored(plan: Plan) -> Iterator[str]:
    """Yield which files had gone back to an older release, and which were gone."""
    for name, label in plan.reverted.items():
        but = " but for what is named below" * (name in plan.aside)
        yield f"{name} had gone back to {label}; it is brought up to date{but}."
    if plan.back:
        yield f"Gone, and back as given out: {', '.join(plan.back)}."
        yield "If yours has another name now, write what you want of it into this one."


def _tell_strange(names: list[str], version: str, kept: str) -> Iterator[str]:
    """Yield which given files are as no release has them that is known here."""
    yield f"Not as {version} gives them out, and left as they are: {', '.join(names)}."
    yield f"If you did not change them, an update was lost: copy those in {kept}/new over them."


def _tell_altered(names: list[str], version: str) -> Iterator[str]:
    """Yield in which files given lines are the student's, or an older release's."""
    yield f"Given lines are not as {version} gives them out in {', '.join(names)}."
    yield "You did not change any? The same update once more shows them."


def _tell(collisions: list[Collision]) -> Iterator[str]:
    """Yield what was not taken up, and what to do."""
    yield "Not taken up, for you to look at; in these places yours stays:"
    for collision in collisions:
        yield f"- {collision.place}: {collision.reason}"
        if collision.mine or collision.new:
            yield side_by_side(collision.mine, collision.new)

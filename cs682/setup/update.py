"""Take up a corrected release into a student's folder, and put everything back if so wished.

Three things meet: what was given out (a release remembers it, in `given.json` beside this file),
what lies in the folder, and the new release. What the student has not touched becomes new, what the
course has not touched stays, and files in which both wrote are brought together by `merging`. All
that changes is copied to a folder in `kept` before.
"""

from __future__ import annotations

import codecs
import contextlib
import itertools
import re
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cs682._files import describe_encoding
from cs682.setup.assignment import GIVEN, KEPT, MANIFEST, PACKAGE_HOME
from cs682.setup.collision import Collision
from cs682.setup.given_text import compare
from cs682.setup.merging import merge_book, merge_code
from cs682.setup.new_release import (
    Manifest,
    NewRelease,
    UpdateError,
    fetch_manifest,
    fetch_release,
    hash_of,
    hashes_of,
    read_manifest,
    read_release,
    strangers,
    with_plain_ends,
)
from cs682.setup.news import TOLD, address_of_updates
from cs682.setup.remembered import Given, find_origin, read_given, read_older
from cs682.setup.swapping import Change, is_to_undo, put_back, swap
from cs682.setup.update_report import FOR_MACHINES, READ_ANEW, Plan, describe

PROJECT = "pyproject.toml"
_UNCHANGED = (
    "Nothing was changed. Mend this file, then update again. If you cannot, give it another name "
    "first: the update then goes on without it"
)
_OTHER_EDITION = {  # by whether this folder is the edition for people who learn alone
    False: "that is the edition for people who learn alone, and this folder is a course's",
    True: "that is a course's release, and this folder is the edition for people who learn alone",
}
_OWN_VERSION = re.compile(rb"^version = .*$", re.MULTILINE)  # is another one in every release


def update(where: str = "", root: Path = PACKAGE_HOME) -> str:
    """Take up a newer release, and keep all that was written into the old one.

    Parameters
    ----------
    where : str, a zip file, or its address; empty for the newest at the course's own address
    root : Path, the folder of the assignment

    Returns
    -------
    text : str, what was done, what the course says of its changes, and what is left to do

    Raises
    ------
    UpdateError
        If this folder or the file is no release, the release is of something else or older, or of
        another edition, all of it is here already, or a file cannot be read or written. Nothing was
        changed then.
    """
    old = _manifest_of(root)
    new = read_release(_find(where, old, root))
    if new.manifest.name != old.name:
        raise UpdateError(f"that is {new.manifest.name!r:.40}, and this folder is {old.name!r:.40}")
    if old.is_self_study != new.manifest.is_self_study:
        raise UpdateError(_OTHER_EDITION[old.is_self_study])
    both = f"{new.manifest.version}, and this folder is {old.version}"
    given = read_given(root / GIVEN)
    here = max(old, Manifest("", given.version, {}), key=lambda known: known.order)
    if new.manifest.order < here.order:
        raise UpdateError(
            f"that release is older: {new.manifest.version}, and this folder is {here.version}"
        )
    try:
        plan = _plan(old, [given, *read_older(root / KEPT, new.manifest)], new, root)
        if not (plan.writes or plan.aside):
            raise UpdateError(f"that release is the same: {both}, with all of its files")
        folder = _new_folder(root, f"update-to-{new.manifest.version}")
        _carry_out(plan, new, root, folder)
    except OSError as error:
        raise UpdateError(f"{error.filename or root}: {error.strerror}") from error
    return describe(plan, old, new, root, folder.relative_to(root).as_posix())


def undo(root: Path = PACKAGE_HOME) -> str:
    """Put back what the last update changed, byte for byte.

    Parameters
    ----------
    root : Path, the folder of the assignment

    Returns
    -------
    text : str, for the user

    Raises
    ------
    UpdateError
        If there was no update, or a file cannot be written.
    """
    try:
        folder, since = put_back(root, root / KEPT)
    except OSError as error:
        raise UpdateError(f"{error.filename or root}: {error.strerror}") from error
    if folder is None:
        raise UpdateError(f"there is no update to undo in {root / KEPT}")
    (root / TOLD).unlink(missing_ok=True)  # the newer release is news again
    name = folder.relative_to(root).as_posix()
    lines = [f"the assignment is {_manifest_of(root).version} again, each file as it was"]
    if since:
        lines.append(f"what you changed in {', '.join(since)} after the update is in {name}/since")
    return "\n".join([*lines, READ_ANEW])


def _manifest_of(root: Path) -> Manifest:
    """Return what this folder was given out as."""
    try:
        return read_manifest((root / MANIFEST).read_bytes())
    except FileNotFoundError:
        raise UpdateError(f"{root} is no release (no {MANIFEST}): it cannot be updated") from None
    except (OSError, ValueError) as error:
        raise UpdateError(f"{root} cannot be updated: {error}") from error


def _find(where: str, old: Manifest, root: Path) -> Path:
    """Return the zip file, fetched if need be."""
    if not where:
        folder = address_of_updates()
        if not folder:
            raise UpdateError("name the zip file, or its address: this release notes none")
        found = fetch_manifest(folder)
        is_whole = all((root / name).exists() for name in old.files) and not strangers(root)
        if found.order < old.order or (found.order == old.order and is_whole):
            raise UpdateError(f"there is nothing newer: {old.version} is the newest release")
        where = f"{folder}{found.name}-{found.version}.zip"
    if "://" not in where:
        return Path(where).expanduser()
    return fetch_release(where, root / KEPT / "release.zip")


# --- what is to be done


def _plan(old: Manifest, releases: list[Given], new: NewRelease, root: Path) -> Plan:
    """Decide on each file; the manifest comes last, so that it is true once all is done."""
    plan, written, given = Plan(), new.texts, releases[0]
    plan.is_partial = hash_of(_read(root / GIVEN) or b"") != old.files.get(GIVEN, hash_of(b""))
    plan.looks_closer = plan.is_partial or new.manifest.version == old.version
    names = {*old.files, *new.manifest.files} - {*FOR_MACHINES}
    for name in sorted(names):
        known = {old.files.get(name), given.hashes.get(name)}
        was = _Was(known, releases, given.texts.get(name), name in written)
        _decide(plan, name, root / name, was, new)
    for name in reversed(FOR_MACHINES):
        if _read(root / name) != new.files.get(name):
            plan.writes[name] = new.files.get(name)
    if project := plan.writes.get(PROJECT):
        before = with_plain_ends(_read(root / PROJECT) or b"")
        plan.brings_packages = _OWN_VERSION.sub(b"", project) != _OWN_VERSION.sub(b"", before)
    return plan


def _read(path: Path) -> bytes | None:
    """Return what stands in a file; None if there is none."""
    return path.read_bytes() if path.is_file() else None


@dataclass(frozen=True)
class _Was:
    """What is known of one file as it was given out."""

    hashes: set[str | None]  # as this folder's release has it
    releases: list[Given]  # this folder's, then older ones
    text: str | None  # where students write in it
    is_theirs: bool  # students write in it, as the new release says


def _decide(plan: Plan, name: str, path: Path, was: _Was, new: NewRelease) -> None:
    """Decide on one file."""
    after, mine = new.files.get(name), _read(path)
    if mine == after or (mine is not None and with_plain_ends(mine) == after):
        return
    if mine is None:
        _decide_on_missing(plan, name, was, after)
    elif was.hashes & hashes_of(mine):
        plan.writes[name] = after
    elif older := [g for g in was.releases if g.hashes.get(name) in hashes_of(mine)]:
        plan.writes[name], plan.reverted[name] = after, older[0].label
    elif after is None:
        _collide(plan, name, "the new release has it no more, and you changed it: yours stays")
    elif was.text is not None:
        _merge(plan, name, was.releases, mine, new)
    elif hash_of(after) in was.hashes:
        plan.strange += [name] * (not was.is_theirs)
    else:
        kind = "changed it, too" if was.hashes - {None} else "gives out a file of that name"
        _collide(
            plan, name, f"it is not as it was given out, and the new release {kind}", mine, after
        )


def _decide_on_missing(plan: Plan, name: str, was: _Was, after: bytes | None) -> None:
    """Decide on a file that is gone."""
    if was.text is None:
        plan.writes[name] = after
    elif after is not None and plan.looks_closer:
        plan.writes[name] = after
        plan.back.append(name)
    else:
        _collide(
            plan,
            name,
            "it is gone, or has another name now; the same update once more brings it back",
        )


def _collide(plan: Plan, name: str, reason: str, *contents: bytes) -> None:
    """Note a file of which the course's version is not taken up."""
    texts = [with_plain_ends(data).decode(errors="replace") for data in contents]
    plan.collisions.append(Collision(name, reason, *texts))


def _merge(plan: Plan, name: str, releases: list[Given], mine: bytes, new: NewRelease) -> None:
    """Bring a file together in which both have written; or look at what is given in it."""
    origin, after = find_origin(name, mine, releases), new.files[name].decode()
    base = origin.texts[name]
    if base == after and not plan.looks_closer:
        with contextlib.suppress(ValueError):  # it cannot be read: this update leaves it alone
            _note_altered(plan, name, mine.decode("utf-8-sig").replace("\r\n", "\n"), new)
        return
    try:
        if said := describe_encoding(mine):
            raise ValueError(said)
        own = mine.decode("utf-8-sig").replace("\r\n", "\n")
        if base == after:
            merged = compare(name, base, own, new.manifest.version)
        else:
            merge = merge_book if name.endswith(".ipynb") else merge_code
            merged = merge(name, base, own, after)
            _note_altered(plan, name, merged.text, new)
    except ValueError as error:
        raise UpdateError(f"{name} {error}. {_UNCHANGED}") from error
    plan.collisions += merged.collisions
    plan.cleared += merged.cleared
    if merged.text != own:
        plan.writes[name] = _encode_like(mine, merged.text)
        if origin is not releases[0]:
            plan.reverted[name] = origin.label


def _note_altered(plan: Plan, name: str, text: str, new: NewRelease) -> None:
    """Note a file of which given lines are not as the new release gives them out."""
    if compare(name, new.files[name].decode(), text, new.manifest.version).collisions:
        plan.altered.append(name)


def _encode_like(mine: bytes, text: str) -> bytes:
    """Return a text as bytes, with the mark and the line ends that the student's file has."""
    mark = codecs.BOM_UTF8 if mine.startswith(codecs.BOM_UTF8) else b""
    newline = "\r\n" if mine.partition(b"\n")[0].endswith(b"\r") else "\n"
    return mark + text.replace("\n", newline).encode()


def _new_folder(root: Path, stem: str) -> Path:
    """Make a folder for what is put aside, named by the time."""
    stem = f"{stem}-{datetime.now().astimezone():%Y-%m-%d-%H%M%S}"
    names = (f"{stem}{f'-{n}' if n else ''}" for n in itertools.count())
    folder = next(root / KEPT / name for name in names if not (root / KEPT / name).exists())
    folder.mkdir(parents=True)
    return folder


def _write(path: Path, data: bytes) -> None:
    """Write a file in a folder that may not be there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _carry_out(plan: Plan, new: NewRelease, root: Path, folder: Path) -> None:
    """Change all files or none; put aside what stood there, and what is not taken up."""
    try:
        for name in plan.aside & new.files.keys():
            _write(folder / "new" / name, new.files[name])
        if plan.writes:
            swap(root, folder, _stage(folder, plan, new))
    except BaseException:
        if plan.writes and not is_to_undo(folder):
            shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder / "after", ignore_errors=True)  # all of it is in its place


def _stage(folder: Path, plan: Plan, new: NewRelease) -> list[Change]:
    """Write all that is new aside, so that a full disk is met before anything is changed."""
    changes = []
    for name, data in plan.writes.items():
        path = folder / "after" / name
        if data is not None:
            _write(path, data)
        is_program = name in new.executable
        changes.append(Change(name, None if data is None else path, is_program))
    return changes

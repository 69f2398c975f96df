"""What platforms put beside the hand-ins: Gradescope's list, Moodle's worksheet."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timezone, tzinfo
from pathlib import Path
from typing import Any

import yaml

from staff.grading.intake.safe_text import shown
from staff.grading.intake.sheets import normal, read_sheet
from staff.grading.intake.submission import Student
from staff.grading.intake.uploads import Upload, platform_names

METADATA = "submission_metadata.yml"
_MAX_METADATA = 20_000_000  # bytes; about 1 kB a student
_NO_LIST = (AttributeError, TypeError, KeyError, ValueError)
_NUMBERED = re.compile(r"submission_\d+")  # what Gradescope calls a hand-in, in any export
_SAY = "say in students.csv whose"
_IDENTIFIER, _MODIFIED = "identifier", "last modified (submission)"
_TIME = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)[ T](?P<clock>\d\d:\d\d(?::\d\d)?)(?:\.\d+)?"
    r" ?(?P<zone>Z|UTC|[+-]\d\d:?\d\d)?"
)
_MOODLE_TIMES = ("%A, %d %B %Y, %I:%M %p", "%A, %d %B %Y, %I:%M:%S %p", "%d %B %Y, %H:%M")


def read_metadata(place: Path) -> dict[str, Upload]:
    """Return the uploads of a Gradescope export by the names of their folders.

    Parameters
    ----------
    place : Path, a folder; empty if it is no such export

    Raises
    ------
    ValueError
        If the list of submissions is damaged.
    OSError
        If it cannot be read.
    """
    path = place / METADATA
    if not path.is_file():
        return {}
    if path.stat().st_size > _MAX_METADATA:
        raise ValueError(f"{path} has {path.stat().st_size} bytes, expected a few kB a student")
    try:
        tree = yaml.load(path.read_bytes(), yaml.BaseLoader)  # all text: 007 is no number
        return {str(name): _listed(path, str(name), entry) for name, entry in tree.items()}
    except (yaml.YAMLError, RecursionError, *_NO_LIST) as error:
        raise ValueError(f"{path} is not Gradescope's list of submissions: {error}") from error


def _listed(path: Path, name: str, entry: dict[str, Any]) -> Upload:
    """Return one submission of the list."""
    time = str(entry.get(":created_at") or "")
    if time:
        read_time(time)
    return Upload(
        path, "Gradescope", normal(name), tuple(_submitters(entry)), name, (), False, time
    )


def _submitters(entry: dict[str, Any]) -> Iterator[Student]:
    """Give the students of one submission; Gradescope's keys begin with a colon."""
    people: Iterable[dict[str, str]] = entry[":submitters"]
    for person in people:
        name, email = person.get(":name") or "", person.get(":email") or ""
        yield Student(normal(person.get(":sid") or email or name), name, normal(email))


def read_worksheet(place: Path) -> tuple[dict[str, str], list[str]]:
    """Return when each student handed in, by Moodle's number, if its grading worksheet is there.

    Returns
    -------
    times : dict of str to str, in ISO form without a zone
    unread : list of str, the worksheets with times that nobody can read, each with an example

    Raises
    ------
    ValueError
        If two lines name different times for one student.
    OSError
        If a table cannot be read.
    """
    times: dict[str, str] = {}
    said: dict[str, str] = {}
    unread: list[str] = []
    own = (p for p in sorted(place.glob("*.csv")) if not platform_names(p, flat=True))
    for path in own:  # not what a student has uploaded
        try:
            lines = read_sheet(path, (_IDENTIFIER, _MODIFIED)).lines
        except ValueError:
            continue  # another table
        unread += _say_unread(path.name, [line[_MODIFIED] for _, line in lines])
        for where, line in lines:
            if not (time := _moodle_time(line[_MODIFIED])):
                continue
            id_ = line[_IDENTIFIER].removeprefix("Participant ")
            if times.setdefault(id_, time) != time:
                raise ValueError(
                    f"{where}: {shown(id_)} handed in at {time}, but at {times[id_]} by "
                    f"{said[id_]}: leave the newer worksheet alone there"
                )
            said[id_] = where
    return times, unread


def _say_unread(name: str, cells: Iterable[str]) -> list[str]:
    """Say of a worksheet that nobody can read its times, with an example."""
    odd = [text for text in cells if text.strip("- ") and not _moodle_time(text)]
    return [
        f"{shown(name)} has times that nobody can read ({len(odd)}), such as "
        f"{shown(text, 60)!r}: download it with Moodle in English"
        for text in odd[:1]
    ]


def _moodle_time(text: str) -> str:
    """Return Moodle's time in ISO form; empty for '-' and for other languages than English."""
    for pattern in _MOODLE_TIMES:
        try:
            return datetime.strptime(text, pattern).isoformat()
        except ValueError:
            continue
    return ""


def newest_of_each(
    uploads: Sequence[Upload],
) -> tuple[list[Upload], list[tuple[Upload, str]]]:
    """Leave out of several submissions on Gradescope by the same people all but the newest.

    There students type their ids themselves. So one that is the id of a hand-in says nothing of
    whose a submission is; nor does one that two submissions have, if none replaces the other.

    Returns
    -------
    kept : list of Upload; one that replaces others says so
    doubtful : list of (Upload, str), and why nobody can tell whether they count
    """
    hand_ins = {u.id for u in uploads if u.platform in ("Gradescope", "")}
    # a later export holds again what nobody has replaced
    listed = {(u.id, u.submitted): u for u in uploads if u.platform == "Gradescope"}
    doubts = {
        upload.id: f"it gives {shown(id_)}, the id of a hand-in, as a student's; {_SAY} it is"
        for upload in listed.values()
        for id_ in (student.id for student in upload.students)
        if id_ in hand_ins or _NUMBERED.fullmatch(id_)
    }
    for id_, group in _unclear(listed.values()):
        said = _say_unclear(id_, group)
        doubts |= {u.id: said for u in group if u.id not in doubts}
    kept = [upload for upload in uploads if upload.platform != "Gradescope"]
    for group in _by_owner(listed.values()):
        if reason := doubts.get((newest := _newest(group)).id, ""):
            doubts = {u.id: reason for u in group} | doubts
        else:
            kept.append(newest)
    doubtful = {u.id: (u, doubts[u.id]) for u in listed.values() if u.id in doubts}
    return kept, [*doubtful.values()]


def _by_owner(uploads: Iterable[Upload]) -> Iterable[list[Upload]]:
    """Return the submissions of the same people together."""
    groups: dict[object, list[Upload]] = {}
    for upload in uploads:
        groups.setdefault(upload.owner, []).append(upload)
    return groups.values()


def _say_unclear(id_: str, group: Sequence[Upload]) -> str:
    """Say why nobody can tell which of several submissions with one student's id counts."""
    whose = [(u.id, s) for u in group for s in u.students if id_ in (s.id, s.email)]
    if len({student.person for _, student in whose}) > 1:
        each = ", ".join(f"{name} ({s.name} {s.email})" for name, s in whose)
        return f"several give the id {shown(id_, 40)}: {shown(each, 300)}; {_SAY} each is"
    called = shown(" and ".join(u.id for u in group), 200)
    reason = f"{called} are of the same student, and neither clearly replaces the other"
    return f"{reason}; {_SAY} they are, or which does not count"


def _unclear(uploads: Collection[Upload]) -> Iterator[tuple[str, list[Upload]]]:
    """Give those submissions together that name one student, and are not all of the same people.

    So do those that were handed in at the same time. One that names a student twice is alone.
    """
    groups: dict[str, list[Upload]] = {}
    for upload in uploads:
        for student in upload.students:
            for key in {student.id, student.email} - {""}:
                groups.setdefault(key, []).append(upload)
    for id_, group in groups.items():
        newest = max(when(u.submitted) for u in group)
        is_tied = [when(u.submitted) for u in group].count(newest) > 1
        if len({u.owner for u in group}) > 1 or is_tied:
            yield id_, group


def _newest(group: Sequence[Upload]) -> Upload:
    """Return the newest of several submissions, which says what it replaces."""
    *older, newest = sorted(group, key=lambda u: when(u.submitted))
    text = [f"{u.id}, handed in {shown(u.submitted)}, is older and was left out" for u in older]
    return replace(newest, remarks=tuple(text))


def when(stamp: str) -> datetime:
    """Return a time to sort by, long ago if a platform says none."""
    return read_time(stamp or "1970-01-01 00:00 Z", zone=timezone.utc)


def read_time(text: str, where: str = "a time stamp", zone: tzinfo | None = None) -> datetime:
    """Return a time as the platforms write it.

    Parameters
    ----------
    text : str, such as '2026-10-02 23:59:00 -0400' or '2026-10-02T23:59:00Z'
    where : str, for the message
    zone : tzinfo, optional; of a time that names none

    Raises
    ------
    ValueError
        If it is no time, or names no zone and none was given.
    """
    if not (found := _TIME.fullmatch(text.strip())):
        raise ValueError(f"{where}: {text!r} is no time such as 2026-10-02T23:59:00-04:00")
    offset = "+0000" if found["zone"] in ("Z", "UTC") else (found["zone"] or "").replace(":", "")
    if not offset and zone is None:
        raise ValueError(f"{where}: {text!r} has no time zone, such as -04:00")
    clock = found["clock"] if found["clock"].count(":") == 2 else f"{found['clock']}:00"
    try:
        time = datetime.strptime(f"{found['day']} {clock}", "%Y-%m-%d %H:%M:%S")
        shift = datetime.strptime(offset, "%z").tzinfo if offset else zone
    except ValueError:
        raise ValueError(f"{where}: {text!r} is no time") from None
    return time.replace(tzinfo=shift)

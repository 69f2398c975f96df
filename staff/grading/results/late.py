"""Late days: one rule for the class, in ``late.json`` in the folder of results.

Example::

    {"due": "2026-10-02T23:59:00-04:00", "grace_minutes": 15, "free_days": 1,
     "percent_per_day": 10, "at_most_percent": 50, "marked_days": 1, "days": {"1234": 0}}

Days begin to count after `due` and the grace; `free_days` of them cost nothing. Where the platform
gives no time but a mark (Canvas), a hand-in with it counts as `marked_days` late. `days` says for
single students how late they are, whatever the platform says.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from pathlib import Path

from staff.grading.intake.platform_lists import read_time
from staff.grading.intake.safe_text import counted, names, shown
from staff.grading.intake.sheets import Faults, normal
from staff.grading.results.store import Record


@dataclass(frozen=True)
class LateRule:
    """The rule.

    Attributes
    ----------
    due : str, ISO time with its zone; empty if only the platform's mark counts
    grace_minutes : float
    free_days : float, late days that cost nothing
    percent_per_day : float, of the points that were earned
    at_most_percent : float
    marked_days : float, how late a hand-in is that has a mark and no time
    days : mapping of str to float, late days of single students or hand-ins
    """

    due: str = ""
    grace_minutes: float = 0
    free_days: float = 0
    percent_per_day: float = 0
    at_most_percent: float = 100
    marked_days: float = 1
    days: Mapping[str, float] = field(default_factory=dict)

    def days_late(self, record: Record) -> int:
        """Return how many days late a hand-in is; a day that has begun counts."""
        for id_ in (record.id, *(student.id for student in record.students)):
            if id_ in self.days:
                return math.ceil(self.days[id_])
        if self.due and record.submitted:
            due = read_time(self.due)
            since = read_time(record.submitted, zone=due.tzinfo) - due
            return max(0, math.ceil((since - timedelta(minutes=self.grace_minutes)) / _DAY))
        return math.ceil(self.marked_days) if record.late else 0

    @property
    def zone_said(self) -> str:
        """Return in which zone times are taken that name none."""
        zone = read_time(self.due).strftime("%z")
        return f"its times are taken in that of due in late.json, {zone[:3]}:{zone[3:]}"

    def lacks_time(self, record: Record) -> bool:
        """Tell whether nobody knows if a hand-in came before it was due."""
        ids = {record.id, *(student.id for student in record.students)}
        told = record.submitted or record.late or ids & self.days.keys()
        return bool(self.due) and not told

    def apply(self, record: Record) -> Record:
        """Return a record with what comes off, and what the student is told of it."""
        if not (days := self.days_late(record)):
            return replace(record, late=False)
        percent = min(self.at_most_percent, self.percent_per_day * max(0, days - self.free_days))
        text = f"The hand-in came {counted(days, 'day')} late"
        if self.free_days:
            text += f", of which {min(days, self.free_days):g} cost nothing"
        off = round(record.earned * percent / 100, 2)
        cost = f": it costs {percent:g} % of {counted(record.earned, 'point')}, which is {off:g}"
        text += cost if off else ""
        return replace(record, late=True, deduction=off, remarks=(*record.remarks, text))


def say_untimed(ids: Sequence[str]) -> list[str]:
    """Say of whom nobody knows whether they are late, in one line at most.

    Parameters
    ----------
    ids : sequence of str, of hand-ins
    """
    who = names([shown(id_, 40) for id_ in ids])
    return [f"late.json is in force, but no time is known for {who}"] * bool(ids)


_DAY = timedelta(days=1)
_CURLY = frozenset("\u201c\u201d\u201e\u2018\u2019")
_PERCENTS = ("percent_per_day", "at_most_percent")
_NUMBERS = {f.name for f in fields(LateRule)} - {"due", "days"}


def read_late_rule(path: Path, faults: Faults) -> LateRule | None:
    """Read the rule; None if there is no such file.

    Raises
    ------
    ValueError
        If it is no JSON object.
    OSError
        If it cannot be read.
    """
    if not path.exists():
        return None
    if not path.read_bytes().strip():
        raise ValueError(f"{path} is empty, expected the rule; delete it if there is none")
    try:
        text = path.read_text(encoding="utf-8-sig")
        tree = json.loads(text, object_pairs_hook=_once)
    except ValueError as error:
        curly = "; it has curly quotes, expected straight ones" * bool(_CURLY & {*text})
        raise ValueError(f"{path} is no JSON: {error}{curly}") from None
    names = sorted(f.name for f in fields(LateRule))
    if not isinstance(tree, dict):
        raise ValueError(f"{path} holds {tree!r}, expected {', '.join(names)}")
    for name in sorted(tree.keys() - names):
        faults.add(f"{path} holds {name!r}, expected {', '.join(names)}")
    days = tree.get("days", {})
    if not isinstance(days, dict):
        faults.add(f"{path}: days is {days!r}, expected days by student")
        days = {}
    numbers = {name: value for name, value in tree.items() if name in _NUMBERS}
    for name, value in [*numbers.items(), *days.items()]:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= 0:
            faults.add(f"{path}: {shown(name)} is {value!r}, expected a number from 0")
    for name in _PERCENTS:
        value = numbers.get(name, 0)
        if isinstance(value, (int, float)) and (value > 100 or 0 < value < 1):
            faults.add(f"{path}: {name} is {value!r}, expected percent, such as 10, up to 100")
    with faults.kept():
        read_time(str(tree.get("due") or "1970-01-01 00:00 Z"), f"{path}: due")
    return LateRule(
        **{
            "due": str(tree.get("due") or ""),
            **numbers,
            "days": {normal(n): d for n, d in days.items()},
        }
    )


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return an object of JSON; refuse a name that stands there twice: one would be lost."""
    twice = [
        name for name, count in Counter(normal(name) for name, _ in pairs).items() if count > 1
    ]
    if twice:
        raise ValueError(f"{', '.join(map(repr, twice))} twice, expected each name once")
    return dict(pairs)

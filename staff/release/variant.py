"""What a course changes: what it hands out solved, points, notebooks, help, and updates."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from cs682.checks import EXERCISES, Exercise
from cs682.checks.exercises import NOTEBOOKS, apply_variant
from staff.exercises import task_line
from staff.release.variants import variant_file

_TASK = re.compile(r"^\*\*(?:Exercise|Question) (?P<id>[a-z]+-[a-z0-9.]+)\*\* · .*$", re.MULTILINE)


@dataclass(frozen=True)
class Variant:
    """The changes of one course; without arguments, none.

    Attributes
    ----------
    given : tuple of str, ids of exercises that are handed out solved
    points : dict of str to int, the points of exercises that differ from the table
    notebooks : tuple of str, names without ending of those that the course uses; empty for all
    hints_in_hand_in : bool, a hand-in says how many hints were asked for
    updates : str, address of the folder in which the course puts its releases; empty for none
    agents : bool or str, whether the release tells coding agents how to behave; the text of the
        page where the course has one of its own
    self_study : bool, model answers and solutions go along, for people who learn alone
    policy : str, Markdown, what the course says of help, in the page for students; empty for the
        two sentences that stand there
    """

    given: tuple[str, ...] = ()
    points: dict[str, int] = field(default_factory=dict)
    notebooks: tuple[str, ...] = ()
    hints_in_hand_in: bool = False
    updates: str = ""
    agents: bool | str = True
    self_study: bool = False
    policy: str = ""

    @property
    def changes(self) -> dict[str, Any]:
        """Return what the file of the variant holds: what differs from the reference's edition."""
        usual = Variant()
        return {key: value for key, value in vars(self).items() if value != getattr(usual, key)}

    @property
    def table(self) -> dict[str, Exercise]:
        """Return the exercise table of the course."""
        return apply_variant(EXERCISES, self.changes)

    @property
    def without_stub(self) -> frozenset[str]:
        """Return the ids of exercises that are not to be done in this course."""
        return self.left_out | {*self.given}

    @property
    def left_out(self) -> frozenset[str]:
        """Return the ids of exercises that are no part of the course."""
        return frozenset(EXERCISES.keys() - self.table.keys())

    def dump(self) -> bytes:
        """Return the file that tells the package of the changes; empty without changes."""
        return (json.dumps(self.changes, indent=2) + "\n").encode() if self.changes else b""

    def say_sum(self) -> str:
        """Return a sentence with the sum of all points, and what moves it away from the table's."""
        rows = [(EXERCISES[key].points, row) for key, row in self.table.items()]
        moved = [f"{row.id} {old} -> {row.points}" for old, row in rows if old != row.points]
        return f"the points add up to {sum(row.points for _, row in rows)}: {', '.join(moved)}"

    def edit(self, text: str) -> str:
        """Return a cell's text with the points of this course in the lines that set exercises."""
        table = self.table
        return _TASK.sub(lambda line: task_line(table[line["id"]]), text)


def variant_of(written: Mapping[str, Any]) -> Variant:
    """Return the variant that a file of a release tells of.

    Parameters
    ----------
    written : mapping, as `Variant.dump` wrote it; empty for none
    """
    lists = {key: tuple(written.get(key, ())) for key in ("given", "notebooks")}
    return Variant(**{**written, **lists})


def read_variant(path: Path) -> Variant:
    """Read a variant from its file.

    Parameters
    ----------
    path : Path of a JSON file ``{"given": ["fc-4.3"], "points": {"fc-4.1": 3}, "notebooks":
        ["FullyConnectedNets"], "hints_in_hand_in": true, "agents": false, "self_study": false,
        "policy": "policy.md", "updates": "https://..."}``; each may be left out. ``policy`` names
        a text file beside this one; so may ``agents``, the course's own `AGENTS.md`

    Raises
    ------
    FileNotFoundError
        If there is no such file, or none that it names.
    ValueError
        If it holds anything else; the message names the file, the value and what was expected.
    """
    path = variant_file(path)
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        return _build(value, path.parent)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _build(value: Any, folder: Path) -> Variant:
    """Return the variant that a JSON value describes."""
    known = [field.name for field in fields(Variant)]
    if not isinstance(value, dict) or set(value) - {*known}:
        got = sorted(value) if isinstance(value, dict) else value
        raise ValueError(f"expected an object with some of {', '.join(known)}, got {got}")
    given, points = value.get("given", []), value.get("points", {})
    notebooks = _chosen(value.get("notebooks", list(NOTEBOOKS)))
    if not isinstance(given, list) or not isinstance(points, dict):
        raise ValueError('"given" is a list of ids, "points" an object of id and number')
    for key in given:
        _require_exercise(key)
        row = EXERCISES[key]
        if row.is_question or row.is_given:
            kind = "a question, there is no code" if row.is_question else "given in every edition"
            raise ValueError(f"{key} cannot be handed out solved: it is {kind}")
    if repeated := sorted({key for key in given if given.count(key) > 1}):
        raise ValueError(f"{repeated[0]} is given more than once")
    for key, number in points.items():
        _require_exercise(key)
        if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= 100:
            raise ValueError(f"points of {key} are a whole number from 0 to 100, got {number!r}")
    variant = Variant(tuple(given), points, notebooks, **_help(value, folder))
    for key in (*given, *points):
        if Path(EXERCISES[key].notebook).stem not in (notebooks or NOTEBOOKS):
            raise ValueError(f"{key} is in {EXERCISES[key].notebook}, which is left out")
    return variant


def _help(value: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return what a variant says of help; texts of the course's own are read from their files."""
    flags = {key: value.get(key, False) for key in ("hints_in_hand_in", "self_study")}
    for key, flag in flags.items():
        if not isinstance(flag, bool):
            raise ValueError(f'"{key}" is true or false, got {flag!r}')
    agents, policy = value.get("agents", True), value.get("policy")
    if not isinstance(agents, bool | str) or agents == "":
        raise ValueError(f'"agents" is true, false or the name of a text file, got {agents!r}')
    if "policy" in value and (not isinstance(policy, str) or not policy):
        raise ValueError(f'"policy" is the name of a text file, got {policy!r}')
    page, rules = (
        (folder / name).read_text(encoding="utf-8") if isinstance(name, str) else name
        for name in (agents, policy)
    )
    return {**flags, "agents": page, "policy": rules or "", "updates": _address(value)}


def _address(value: dict[str, Any]) -> str:
    """Return the address that a variant names for newer releases."""
    address = value.get("updates", "")
    if not isinstance(address, str) or not re.fullmatch(r"(https://[^\s?#]+/)?", address):
        raise ValueError(f'"updates" is a folder such as "https://HOST/PATH/", got {address!r}')
    return address


def _chosen(names: Any) -> tuple[str, ...]:
    """Return the notebooks of a course, in their order; empty if these are all."""
    if not isinstance(names, list) or not names or not all(name in NOTEBOOKS for name in names):
        raise ValueError(f'"notebooks" is a list of some of {", ".join(NOTEBOOKS)}, got {names!r}')
    chosen = tuple(name for name in NOTEBOOKS if name in names)
    return () if chosen == NOTEBOOKS else chosen


def _require_exercise(key: Any) -> None:
    """Refuse an id that the table does not have."""
    if not isinstance(key, str) or key not in EXERCISES:
        raise ValueError(f"there is no exercise {key!r}; there are {', '.join(EXERCISES)}")

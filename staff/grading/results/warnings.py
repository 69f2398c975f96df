"""What a person should look at, on one page; none of it accuses anybody."""

from __future__ import annotations

import platform
import re
import statistics
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from cs682.checks import EXERCISES
from cs682.checks.run import MODELS
from cs682.setup.packages import edition
from staff.grading.intake.locate import TWO
from staff.grading.intake.package import CODE
from staff.grading.intake.safe_text import FEW, counted, names, shown
from staff.grading.judging.outcome import NOT_HANDED_IN, Outcome
from staff.grading.results.answer_tables import Table
from staff.grading.results.pages import render
from staff.grading.results.read_answers import changed_since, strays
from staff.grading.results.store import (
    BY_HAND,
    DOUBLED,
    IDLE,
    NotGraded,
    Record,
    Result,
    records_of,
)

FAR_ABOVE = 3  # spreads of the middle half of the class, above its upper end
LONGEST = 4000  # characters of a line: forty names with their places
TOLD = 3  # of what is amiss with one hand-in
_ORDINARY = re.compile(rf" is missing$| models are missing: | is older |{re.escape(TWO)}$")
_ACCURACY = re.compile(r"accuracy (0\.\d+|1\.0+)")
_SAME_DATA = "failed, and may have been trained on the same other data"
_LOST = ("wrong", "no answer", NOT_HANDED_IN)
Found = list[tuple[str, str]]  # hand-in, what there is to see


def warnings_page(
    results: Sequence[Result],
    typed: Table,
    remarks: Sequence[str],
    more: Mapping[str, Found] | None = None,
) -> str:
    """Return the page.

    Parameters
    ----------
    typed : dict, by (id of the submission, question), what people have typed in for answers
    remarks : sequence of str, on the folder of hand-ins
    more : mapping, optional; by title, what there is to see beside the hand-ins themselves
    """
    records = records_of(results)
    waiting = [(r.id, r.reason) for r in results if isinstance(r, NotGraded)]
    parts = {
        "Not graded": waiting + [(r.id, r.ungraded) for r in records if r.not_graded],
        **(more or {}),
        "One cause that costs several exercises, or code that gave no answer": _costly(records),
        "Left out by a limit, or nobody can read it": _fact(records, "left out"),
        "An upload that students.csv assigns, from which nothing was taken": _fact(records, IDLE),
        "Files that are not as they should be": list(_amiss(records)),
        "Two versions of one file in an upload": list(_doubled(records)),
        "What to give so that one of two versions is graded": _fact(records, DOUBLED),
        "An exercise of which a person decides": list(_for_a_person(records)),
        "Trained models that are not graded": list(_unseen(records)),
        "The folder of hand-ins": [("", line) for line in remarks],
        "Points typed in for somebody who is not there": strays(results, typed),
        "Answers that have changed since they were read": [
            (who, f"{question}: before, {given}")
            for (who, question), given in changed_since(typed).items()
        ],
        "Points typed in for a question that has no answer": [
            (r.id, f"{names(r.unanswered, FEW)}: they count") for r in records if r.unanswered
        ],
        "Nothing could be taken": list(_empty(records)),
        "No code is handed in": list(_without_code(records)),
        "The code is the release's, nothing is written": list(_untouched(records)),
        "A model passes while the network's code does not": list(_models_without_code(records)),
        "An accuracy far above the class": list(_far_above(records)),
        "Code of exercises stands in a notebook": _fact(records, "in notebooks"),
        "Names in the code that no layer needs": _fact(records, "odd names"),
        "Another Python, NumPy or release than the grader's": list(_versions(records)),
        "The same in several hand-ins, but for comments and layout": list(_alike(records)),
    }
    called = {result.id: _called(result) for result in results}
    shown_parts = {
        title: [(shown(called.get(id_, id_), 120), shown(text, LONGEST)) for id_, text in found]
        for title, found in parts.items()
    }
    return render("warnings.html", parts=shown_parts)


def _called(result: Result) -> str:
    """Return the id of a hand-in with the names behind it, as far as they say more."""
    people = [s.name for s in result.students if s.name and s.name != result.id]
    return f"{result.id} ({', '.join(people)})" if people else result.id


def _costly(records: Sequence[Record]) -> Found:
    """Return what costs several exercises at once, and code without an answer; the dearest first.

    Perhaps one line of a person's mends it: a bracket, a mark of Git's, a loop without an end.
    """
    nothing = {id_ for id_, _ in (*_empty(records), *_without_code(records))}
    groups: dict[tuple[str, str], list[Outcome]] = defaultdict(list)
    for record in (r for r in records if r.id not in nothing):
        for o in record.outcomes:
            if o.state in _LOST and o.exercise not in MODELS and o.maximum:
                text = o.message.partition("\n")[0].replace(o.exercise, "it")
                groups[record.id, text].append(o)
    lost = [
        (sum(o.maximum for o in group), id_, text, names([o.exercise for o in group], FEW))
        for (id_, text), group in groups.items()
        if len(group) > 1 or group[0].state == "no answer"
    ]
    lost.sort(key=lambda found: (-found[0], found))
    return [(id_, f"{counted(n, 'point')}: {text} ({which})") for n, id_, text, which in lost]


def _amiss(records: Sequence[Record]) -> Iterator[tuple[str, str]]:
    """Give the hand-ins with files that are damaged or doubled; not for being older.

    What a limit has left out, or what cannot be read, stands on the page already.
    """
    nothing = {id_ for id_, _ in _empty(records)}
    for record in (r for r in records if r.id not in nothing):
        said = record.facts.get("left out", "")
        texts = [t for t in record.problems if not _ORDINARY.search(t) and t not in said]
        if texts:
            more = f"; and {len(texts) - TOLD} more" if len(texts) > TOLD else ""
            yield record.id, "; ".join(texts[:TOLD]) + more


def _doubled(records: Sequence[Record]) -> Iterator[tuple[str, str]]:
    """Give the files of which an upload holds two versions, and which was taken."""
    for record in records:
        yield from ((record.id, text) for text in record.problems if text.endswith(TWO))


def _for_a_person(records: Sequence[Record]) -> Iterator[tuple[str, str]]:
    """Give in one line for each hand-in what is left to a person, and why."""
    for record in records:
        groups: dict[str, list[Outcome]] = defaultdict(list)
        undecided = record.undecided
        for o in (o for o in record.told if o.state != BY_HAND):
            if o.exercise in undecided or (o.exercise in MODELS and o.staff):
                groups[o.staff.partition("\n")[0] or _SAME_DATA].append(o)
        if groups:
            yield record.id, "; ".join(_why(text, group) for text, group in groups.items())


def _why(text: str, group: Sequence[Outcome]) -> str:
    """Say why trainings are left to a person; of one alone, what its report says as well."""
    which = ", ".join(f"{o.exercise} {o.state}" for o in group)
    more = f": {' '.join(group[0].message.split())}" if len(group) == 1 else ""
    return f"{which}: {text}{more}"


def _unseen(records: Sequence[Record]) -> Iterator[tuple[str, str]]:
    """Say in one line whose models nobody has looked at: often it is the whole class."""
    if whose := [shown(r.id, 40) for r in records if r.unseen]:
        points = counted(sum(r.unseen for r in records), "point")
        yield "", f"{points} open, hand-ins: {len(whose)}: {names(whose)}"


def _empty(records: Sequence[Record]) -> Iterator[tuple[str, str]]:
    """Give the hand-ins without any file of the assignment."""
    for record in records:
        if any(text.startswith("none of the assignment's files") for text in record.problems):
            yield record.id, f"is the download whole? {record.problems[0]}"


def _untouched(records: Sequence[Record]) -> Iterator[tuple[str, str]]:
    """Give the hand-ins whose code is what was given out, as far as there is any."""
    for record in records:
        written = any(name.startswith("code ") for name in record.facts)
        if record.facts and not written and (there := _files_of(record)):
            yield record.id, f"the wrong upload? {', '.join(there)}"


def _without_code(records: Sequence[Record]) -> Iterator[tuple[str, str]]:
    """Give the hand-ins that hold something of the assignment, but none of its code."""
    nothing = {id_ for id_, _ in _empty(records)}
    for record in records:
        if record.facts and not _files_of(record) and record.id not in nothing:
            yield record.id, "no code handed in"


def _files_of(record: Record) -> list[str]:
    """Return the files of code that were handed in."""
    return [file for file in CODE if file not in record.facts.get("without", "").split(", ")]


def _models_without_code(records: Sequence[Record]) -> Iterator[tuple[str, str]]:
    """Give the trainings that pass though the code of their network does not."""
    for record in records:
        states = {o.exercise: o.state for o in record.outcomes}
        for training in MODELS:
            section = training.rpartition(".")[0]
            code = [k for k, row in EXERCISES.items() if k.startswith(section)
                    and row.file in CODE and not row.is_given]  # fmt: skip
            failed = [key for key in code if states[key] in ("open", *_LOST)]
            if states[training] == "passed" and failed:
                yield record.id, f"{training} passes; not {names(failed, FEW)}"


def _far_above(records: Sequence[Record]) -> Iterator[tuple[str, str]]:
    """Give the accuracies that stand out from the class, at the upper end."""
    for training in MODELS:
        reached = {r.id: a for r in records for a in _accuracies(r, training)}
        if len(reached) < 8:  # of fewer nothing stands out
            continue
        low, middle, high = statistics.quantiles(reached.values(), n=4)
        for id_, accuracy in reached.items():
            if accuracy > high + FAR_ABOVE * max(high - low, 0.005):
                yield id_, f"{training}: {accuracy:.3f}, the class's median is {middle:.3f}"


def _accuracies(record: Record, training: str) -> list[float]:
    """Return the accuracy that the report of a training names, if it does."""
    texts = [o.message for o in record.outcomes if o.exercise == training]
    return [float(found[1]) for text in texts if (found := _ACCURACY.search(text))]


def _fact(records: Sequence[Record], name: str) -> Found:
    """Return the hand-ins of which a fact is known."""
    return [(r.id, r.facts[name]) for r in records if name in r.facts]


def _versions(records: Sequence[Record]) -> Iterator[tuple[str, str]]:
    """Give the hand-ins made with other versions than the grader's.

    Of a release the last number counts too: it may be a correction that a student has missed.
    """
    ours = {"python": _short(platform.python_version()), "numpy": _short(np.__version__)}
    for record in records:
        other = [
            f"{name} {record.facts[name]}"
            for name, version in ours.items()
            if name in record.facts and _short(record.facts[name]) != version
        ]
        if record.facts.get("release", edition()) != edition():
            other.append(f"release {record.facts['release']}")
        if other:
            yield record.id, ", ".join(other)


def _short(version: str) -> list[str]:
    """Return the first two numbers of a version."""
    return version.split(".")[:2]


def _alike(records: Sequence[Record]) -> Iterator[tuple[str, str]]:
    """Give what several hand-ins have in common, who has the most first.

    What equals the release is no fact. A group of any size may be a ring, and any may be honest:
    with the notebook's seed the same settings give the same model.
    """
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for record in records:
        for name, digest in record.facts.items():
            if name.partition(" ")[0] in ("code", "model", "answer"):
                groups[name, digest].append(_called(record))
    by_people: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for (name, _), who in groups.items():
        if len(who) > 1:
            by_people[tuple(who)].append(name.partition(" ")[2])
    for people, alike in sorted(by_people.items(), key=lambda found: (-len(found[1]), found)):
        yield f"{len(people)} of {len(records)} hand-ins", f"{names(people)}: {', '.join(alike)}"

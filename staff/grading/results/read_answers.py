"""Points and remarks for answers, which come from people alone and are never lost.

People type into ``answers.csv``, or each reader into a part of it. What was typed into any of them
is put together with what was known before; an empty cell never takes anything away, and two
people who say something new, and not the same, are asked, not chosen between. What is known is
corrected in any one of these tables, and that is named. To a file from elsewhere, which may be an
old copy, the book itself is one more reader. Points are for the text that was read: if the answer
changes later, they are kept beside it and it is to be read again. If another hand-in of the same
people takes the place of one, as on Gradescope, what was typed for that one is this one's.
"""

from __future__ import annotations

import contextlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from staff.grading.intake.safe_text import shown
from staff.grading.intake.sheets import Faults, read_sheet
from staff.grading.judging.outcome import Outcome
from staff.grading.results.answer_tables import (
    ABOUT_WORDS,
    BEFORE,
    COLUMNS,
    QUESTIONS,
    WORDS,
    Key,
    Table,
    has_points,
    mark,
    moved,
    part_of,
    read_table,
    table,
    texts_of,
    typed_in,
)
from staff.grading.results.store import (
    READ,
    TO_BE_READ,
    Record,
    Result,
    write_bytes,
    write_json,
    write_text,
)

V = TypeVar("V")
Texts = dict[Key, str]  # digests of the answers that were read, or shown to be read
Given = dict[tuple[str, str, str], dict[str, str]]  # points and remark, with the digest at the end
CHANGED = "it has changed since it was read"
_IF_EMPTY = "delete it: all points of the last run are kept, and written anew"
_REWRITTEN = "has a spreadsheet rewritten the ids, such as 0042 as 42? Have it read them as text"


def combine(
    base: Table, sources: Mapping[str, Table], seen: Mapping[str, Table], faults: Faults
) -> Table:
    """Put together what was known and what several people have typed since.

    Parameters
    ----------
    base : dict, what was known
    sources : mapping of str to dict, by the name of the file
    seen : mapping of str to dict, what stood in some of the files when they were read before
    faults : Faults, takes where two files say different things of one answer, neither of which was
        known before
    """
    said: dict[tuple[Key, str], tuple[str, str]] = {}
    for name, typed in sources.items():
        old = seen.get(name, {})
        for key, column, text in _cells(typed):
            if text in (base.get(key, {}).get(column), old.get(key, {}).get(column)):
                continue
            other, where = said.setdefault((key, column), (text, name))
            if other != text:
                faults.add(
                    f"{shown(key[0])}, {key[1]}: {column} is {shown(other, 60)!r} in {where} "
                    f"and {shown(text, 60)!r} in {name}; make them the same"
                )
    merged = {key: dict(typed) for key, typed in base.items()}
    for (key, column), (text, _) in said.items():
        merged.setdefault(key, {})[column] = text
    return merged


def _cells(typed: Table) -> Iterator[tuple[Key, str, str]]:
    """Give what was typed, cell by cell."""
    for key, cells in typed.items():
        for column, text in cells.items():
            yield key, column, text


class AnswerBook:
    """The points of answers of one folder of results: files that people type into, and a memory.

    Parameters
    ----------
    out : Path, the folder of all results
    points : mapping of str to int, what each question is worth
    files : sequence of Path, further files that people have typed into

    After `read`, `corrected` names what was known before and is something else now, `given` the
    answers that have points now and had none, and `emptied` those whose points are known and not in
    ``answers.csv`` any more.
    """

    def __init__(self, out: Path, points: Mapping[str, int], files: Sequence[Path] = ()) -> None:
        self._out, self._points = out, points
        self._files = [path.resolve() for path in files]
        self._memory = out / "staff" / "answers.json"
        self._successors: Mapping[str, str] = {}
        self._moves: dict[Key, Key] = {}  # answers of hand-ins that others have replaced
        self._texts: Texts = {}
        self._given: Given = {}  # what was given to words that have changed since
        self.corrected: list[str] = []
        self.given: list[str] = []
        self.emptied: list[str] = []

    def follow(self, successors: Mapping[str, str]) -> None:
        """From now on take what is typed for hand-ins that are gone for that of others.

        Parameters
        ----------
        successors : mapping of str to str, ids of hand-ins, each with that which has replaced it
        """
        self._successors = successors

    def read(self) -> Table:
        """Return all that people have typed in until now.

        Raises
        ------
        ValueError
            If a file cannot be understood, or two say different things.
        OSError
            If a file cannot be read.
        """
        with Faults() as faults:
            return self._read(faults)

    def look_up(self, students: Collection[str], faults: Faults) -> None:
        """Refuse what is typed in for somebody who has never handed anything in.

        Parameters
        ----------
        students : collection of str, ids of hand-ins; what was accepted before is accepted again
        faults : Faults, takes the others, by file and line
        """
        typed, _, texts, _ = self._remembered()
        known = {*students, *(student for student, _ in typed)}
        by_words: dict[tuple[str, str], list[str]] = defaultdict(list)
        for (student, question), text in texts.items():
            by_words[question, mark(text)].append(student)
        for path in self.paths():
            strangers = []
            with contextlib.suppress(OSError, ValueError):  # told already
                for where, line in read_sheet(path, COLUMNS[:3]).lines:
                    if line["student"] not in known and typed_in(line):
                        likely = by_words.get((line["question"], line.get(WORDS, "")), [])
                        hint = f": {shown(likely[0])}, by its words" if len(likely) == 1 else ""
                        strangers.append(
                            f"{where}: {line['student']!r} has handed nothing in, expected "
                            f"a hand-in as grades.csv calls it{hint}"
                        )
            faults.add_many(strangers, _REWRITTEN)

    def _read(self, faults: Faults) -> Table:
        """Return all that people have typed in until now."""
        base, seen, self._texts, self._given = self._remembered()
        own = {str(p): self._read_one(p, faults) for p in self._own() if p.exists()}
        given = {str(p): self._read_one(p, faults) for p in self._files if str(p) not in own}
        typed = combine(base, own, {}, faults)
        self.corrected = list(self._corrections(base, own, typed))
        path = str(self._out / "answers.csv")
        before = {name: seen.get(name, {}) for name in given}
        read = combine({}, {**_by_file(typed, own, path), **given}, before, faults)
        self.given = _without_points(base, read)
        shown_now = own.get(path, base)
        changed = {key for key, cells in shown_now.items() if BEFORE in cells}
        kept = {key: cells for key, cells in base.items() if key not in changed}
        self.emptied = _without_points(shown_now, kept)
        return read

    def _corrections(self, base: Table, own: Mapping[str, Table], typed: Table) -> Iterator[str]:
        """Name points and remarks that were known and are others now, with the table that says so.

        The tables stood alike after the last run, so whichever differs is the later.
        """
        for key, column, text in _cells(typed):
            old = base.get(key, {}).get(column, text)
            if column in ABOUT_WORDS and old != text:
                by = next(n for n, cells in own.items() if cells.get(key, {}).get(column) == text)
                yield (f"{shown(key[0], 40)} ({key[1]}, {column} {shown(old, 60)!r}, now "
                       f"{shown(text, 60)!r} in {Path(by).relative_to(self._out)})")  # fmt: skip

    def outdated(self, record: Record, typed: Table) -> Table:
        """Return what is typed in for answers of a hand-in that have changed since they were read.

        Parameters
        ----------
        typed : dict, from `read`

        Returns
        -------
        table : dict, the lines of these answers alone, points and remark moved to `BEFORE`; words
            that are as they once were have theirs again
        """
        found: Table = {}
        for key, text in texts_of(record):
            cells, old = typed.get(key, {}), self._texts.get(key, text)
            if old == text:
                continue
            if has_points(cells):
                self._given[(*key, old)] = {c: cells[c] for c in ABOUT_WORDS if c in cells}
                cells = found[key] = moved(cells)
            if "points" not in cells and (again := self._given.get((*key, text))):
                found[key] = {c: v for c, v in cells.items() if c != BEFORE} | again
                self._texts[key] = text
        return found

    def _read_one(self, path: Path, faults: Faults) -> Table:
        """Return what stands in one table; nothing if it cannot be understood at all."""
        with faults.kept():
            cure = "leave it out" if path in self._files else _IF_EMPTY
            replaced = {k: self._texts[new] for k, new in self._moves.items() if new in self._texts}
            texts = {**self._texts, **replaced}
            return self._followed(read_table(path, self._points, faults, texts, cure))
        return {}

    def write(self, records: Sequence[Record], names: bool = False, readers: int = 0) -> None:
        """Write the tables anew, with all that people have typed in, also while grading ran.

        Parameters
        ----------
        names : bool, whether the students' names stand there
        readers : int, parts to make, each with questions of its own; 0 for as many as there are

        Raises
        ------
        ValueError
            If a file cannot be understood any more; then none is touched.
        OSError
            If one cannot be written.
        """
        typed = self.read()
        for record in records:
            typed.update(self.outdated(record, typed))
        with Faults() as faults:
            seen = {str(path): self._read_one(path, faults) for path in self._files}
        parts = sorted(self._out.glob("readers/*.csv"))
        readers = readers or len(parts)
        self._write(self._out / "answers.csv", table(records, typed, self._points, names=names))
        for number in range(1, readers + 1):
            part = part_of(number, readers)
            text = table(records, typed, self._points, names=names, questions=part)
            self._write(self._out / "readers" / f"{number}.csv", text)
        for path in parts:
            if path.stem not in map(str, range(1, readers + 1)):
                self._keep(path)
                path.unlink()
        known = {"known": _as_lines(typed), "seen": {k: _as_lines(v) for k, v in seen.items()}}
        known["texts"] = [[*key, text] for key, text in sorted(self._now(records, typed).items())]
        known["given"] = [[*key, cells] for key, cells in sorted(self._given.items())]
        write_json(self._memory, known)  # last: until then the tables say it all

    def _now(self, records: Sequence[Record], typed: Table) -> Texts:
        """Return which text of each answer was read, or is shown to be read now."""
        texts = dict(self._texts)
        for key, text in (pair for record in records for pair in texts_of(record)):
            if not (has_points(typed.get(key, {})) and key in texts):
                texts[key] = text
        return texts

    def paths(self) -> list[Path]:
        """Return the files that people have typed into."""
        return [path for path in [*self._own(), *self._files] if path.exists()]

    def _own(self) -> list[Path]:
        """Return the files in the folder of results that people type into."""
        return [self._out / "answers.csv", *sorted(self._out.glob("readers/*.csv"))]

    def _remembered(self) -> tuple[Table, dict[str, Table], Texts, Given]:
        """Return what was known, stood in further files, was read, and was given before."""
        there = self._memory.exists()
        tree = json.loads(self._memory.read_text(encoding="utf-8")) if there else {}
        texts = {(student, question): text for student, question, text in tree.get("texts", ())}
        self._moves = self._moves_of(texts)
        known = self._followed(_from_lines(tree.get("known", [])))
        seen = {k: self._followed(_from_lines(v)) for k, v in tree.get("seen", {}).items()}
        given = {tuple(key): cells for *key, cells in tree.get("given", ())}
        return known, seen, self._followed(texts), self._followed(given)

    def _moves_of(self, texts: Texts) -> dict[Key, Key]:
        """Return which answers are to follow: not where both stood side by side in a run."""
        pairs = (((old, row.id), (new, row.id)) for row in QUESTIONS
                 for old, new in self._successors.items())  # fmt: skip
        return {old: new for old, new in pairs if not (old in texts and new in texts)}

    def _followed(self, found: Mapping[Any, V]) -> dict[Any, V]:
        """Return what is known of answers, by where they are now; what is there already stays."""
        followed: dict[Any, V] = {}
        for key, value in found.items():
            now = (*self._moves.get(key[:2], key[:2]), *key[2:])
            followed[key if now in found or now in followed else now] = value
        return followed

    def _write(self, path: Path, text: str) -> None:
        """Replace a table; what a person has saved there is kept first."""
        if not path.exists() or path.read_bytes() != text.encode("utf-8"):
            self._keep(path)
            write_text(path, text)

    def _keep(self, path: Path) -> None:
        """Keep a table as it is now."""
        if path.exists():
            old = path.read_bytes()
            name = f"{path.stem}-{sha256(old).hexdigest()[:8]}.csv"
            write_bytes(self._out / "staff" / "typed" / name, old)


def _without_points(one: Table, other: Table) -> list[str]:
    """Name the answers that have points in another table and not in this one."""
    read = sorted(key for key, cells in other.items() if has_points(cells))
    return [f"{shown(key[0], 40)} ({key[1]})" for key in read if not has_points(one.get(key, {}))]


def _by_file(typed: Table, own: Mapping[str, Table], otherwise: str) -> dict[str, Table]:
    """Return what is known, cell by cell under the table in which it stands, for messages."""
    found: dict[str, Table] = {}
    for key, column, text in _cells(typed):
        holders = (name for name, cells in own.items() if cells.get(key, {}).get(column) == text)
        table = found.setdefault(next(holders, otherwise), {})
        table.setdefault(key, {})[column] = text
    return found


def strays(results: Sequence[Result], typed: Table) -> list[Key]:
    """Return the answers with a line that belong to no hand-in; they are kept and not counted."""
    known = {result.id for result in results}
    return [key for key in sorted(typed) if key[0] not in known]


def changed_since(typed: Table) -> dict[Key, str]:
    """Return what was given to answers that have changed since and are to be read again."""
    return {
        key: cells[BEFORE]
        for key, cells in sorted(typed.items())
        if BEFORE in cells and not has_points(cells)
    }


def _as_lines(typed: Table) -> list[list[object]]:
    """Return a table in a form that JSON has."""
    return [[*key, cells] for key, cells in sorted(typed.items())]


def _from_lines(lines: list[Any]) -> Table:
    """Return the table that `_as_lines` was given."""
    return {(student, question): cells for student, question, cells in lines}


def give_points(record: Record, typed: Table) -> Record:
    """Return a record with the points of the answers that a person has read."""
    merged = {}
    for old in record.outcomes:
        cells = typed.get((record.id, old.exercise), {})
        remark = shown(cells.get("remark", ""), 10_000)
        if has_points(cells):
            points, text = int(cells["points"]), remark or "a person has read your answer"
            merged[old.exercise] = Outcome(old.exercise, points, old.maximum, READ, text)
        elif old.state == TO_BE_READ and (text := remark or CHANGED * (BEFORE in cells)):
            merged[old.exercise] = replace(old, message=f"{old.message}: {text}")
    return record.with_outcomes(merged)

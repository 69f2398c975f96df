"""The tables that people type points and remarks into: `answers.csv`, and each reader's part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from cs682.checks import EXERCISES
from staff.grading.intake.safe_text import shown
from staff.grading.intake.sheets import Faults, dump_sheet, read_sheet, whole
from staff.grading.results.store import Record

Key = tuple[str, str]  # id of the submission, question
Table = dict[Key, dict[str, str]]  # what was typed, by column
COLUMNS = ("student", "question", "points", "maximum", "remark")
NONE = "-"  # typed as points: they are taken back
BEFORE = "before"  # column: points and remark of an answer that has changed since
WORDS = "words"  # column: a mark of the text that a line is about
ABOUT_WORDS = ("points", "remark")
_OURS = {"student", "question", "maximum", "name", WORDS}  # columns that nobody types into
_LETTERS = str.maketrans("0123456789abcdef", "ghijklmnopqrstuv")  # 1234e567 would be a number
QUESTIONS = tuple(row for row in EXERCISES.values() if row.is_question)


def read_table(
    path: Path,
    points: Mapping[str, int],
    faults: Faults,
    texts: Mapping[Key, str] | None = None,
    if_empty: str = "",
) -> Table:
    """Read what a person has typed into a table of answers.

    Parameters
    ----------
    path : Path, a file that `table` made
    points : mapping of str to int, what each question is worth
    faults : Faults, takes a question that there is not, points out of range, or two lines for one
        answer
    texts : mapping, optional; what each line is about. Points beside other words are `BEFORE`
    if_empty : str, optional; what to do about a file that holds nothing

    Returns
    -------
    table : dict, (id of the submission, question) to the cells that hold something, by column

    Raises
    ------
    ValueError
        If the file has other columns.
    OSError
        If it cannot be read.
    """
    known = {row.id for row in QUESTIONS}
    found: Table = {}
    doubled = []
    for where, line in read_sheet(path, COLUMNS[:3], if_empty).lines:
        student, question = line["student"], line["question"]
        if question not in known:
            faults.add(f"{where}: there is no question {question!r}, expected one such as fc-q1")
            continue
        if (student, question) in found:
            doubled.append(f"{where}: {shown(student)} has a line for {question} already")
        with faults.kept():
            if line["points"] not in ("", NONE):
                line["points"] = str(whole(line["points"], points[question], where))
        typed, text = typed_in(line), (texts or {}).get((student, question))
        is_old = text and line.get(WORDS, mark(text)) not in ("", mark(text))
        found[student, question] = moved(typed) if is_old and has_points(typed) else typed
    faults.add_many(doubled, "was one column sorted without the others? Then take that back")
    return {key: typed for key, typed in found.items() if typed}


def typed_in(line: Mapping[str, str]) -> dict[str, str]:
    """Return what a person has typed into a line, by column."""
    return {column: text for column, text in line.items() if text and column not in _OURS}


def has_points(cells: Mapping[str, str]) -> bool:
    """Tell whether a person has given points."""
    return cells.get("points", NONE) != NONE


def moved(cells: Mapping[str, str]) -> dict[str, str]:
    """Return a line with its points and remark as those of words that have changed since."""
    given = [cells[column] for column in ABOUT_WORDS if column in cells]
    kept = {column: text for column, text in cells.items() if column not in ABOUT_WORDS}
    return {**kept, BEFORE: ": ".join(given)}


def mark(digest: str) -> str:
    """Return a few letters that tell one text from another, for a table."""
    return digest[:8].translate(_LETTERS)


def texts_of(record: Record) -> Iterator[tuple[Key, str]]:
    """Give a digest of each answer, in which white space plays no part."""
    for row in QUESTIONS if record.key else ():  # without a key it was not graded, so not read
        words = " ".join(record.answers.get(row.id, "").split())
        yield (record.id, row.id), sha256(words.encode("utf-8", "replace")).hexdigest()


def part_of(number: int, readers: int) -> list[str]:
    """Return the questions that one of several readers reads.

    Parameters
    ----------
    number : int, of the reader, from 1
    """
    return [row.id for row in QUESTIONS][number - 1 :: readers]


def table(
    records: Sequence[Record],
    typed: Table,
    points: Mapping[str, int],
    *,
    names: bool = False,
    questions: Sequence[str] | None = None,
) -> str:
    """Return the table that a person fills in: a line for each answer, points left open.

    Parameters
    ----------
    typed : dict, what is known already; what belongs to no answer stands at the end
    points : mapping of str to int, what each question is worth
    names : bool, whether the students' names stand there
    questions : sequence of str, optional; those of one reader (default: all)
    """
    wanted = [row.id for row in QUESTIONS if questions is None or row.id in questions]
    people = {r.id: ", ".join(s.name or s.id for s in r.students) for r in records}
    answered = [(r.id, q) for q in wanted for r in records if q in r.answers]
    keys = [*answered, *sorted(k for k in typed.keys() - {*answered} if k[1] in wanted)]
    extra = sorted({column for cells in typed.values() for column in cells} - {*COLUMNS})
    texts = {key: text for record in records for key, text in texts_of(record)}
    columns = [*COLUMNS, *(["name"] if names else []), *extra, WORDS]
    rows = (
        {
            **typed.get(key, {}),
            "student": key[0],
            "question": key[1],
            "maximum": points[key[1]],
            "name": people.get(key[0], ""),
            WORDS: mark(texts.get(key, "")),
        }
        for key in keys
    )
    return dump_sheet(columns, ([row.get(column, "") for column in columns] for row in rows))

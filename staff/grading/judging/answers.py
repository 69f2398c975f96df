"""Answers to the questions: read out of notebooks, collected for a person, points put back in."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from cs682.checks import EXERCISES, Exercise
from cs682.checks.answers import answer_text, read_cells
from staff.grading.intake.safe_text import cell, shown
from staff.grading.intake.text import clean
from staff.grading.judging.core import Outcome
from staff.grading.results.store import READ, TO_BE_READ, Record

MAX_ANSWER = 20_000  # characters of one answer that are shown
COLUMNS = ("student", "question", "points", "maximum", "remark")
QUESTIONS = tuple(row for row in EXERCISES.values() if row.is_question)


def read_answers(notebooks: Path) -> tuple[dict[str, str], list[str]]:
    """Return what a student wrote below each question.

    Parameters
    ----------
    notebooks : Path, the folder with the student's notebooks

    Returns
    -------
    answers : dict of str to str, Markdown by question; without those that are not answered
    problems : list of str, notebooks that cannot be read
    """
    answers: dict[str, str] = {}
    problems = []
    for name in dict.fromkeys(row.notebook for row in QUESTIONS):
        try:
            cells = read_cells((notebooks / name).read_bytes())
        except FileNotFoundError:
            continue  # the hand-in's list of missing files names it
        except ValueError as error:
            problems.append(f"notebooks/{name} is no notebook: {shown(str(error), 80)}")
            continue
        for row in QUESTIONS:
            if row.notebook == name and (text := answer_text(row.id, cells)):
                answers[row.id] = clean(text, MAX_ANSWER)
    return answers, problems


def outcome_of(row: Exercise, answers: Mapping[str, str], maximum: int) -> Outcome:
    """Return how a question stands before anyone has read the answer.

    Parameters
    ----------
    row : Exercise, a question
    answers : mapping of str to str, from `read_answers`
    maximum : int, what the question is worth in this course

    Returns
    -------
    outcome : Outcome, without points
    """
    if row.id in answers:
        text = "your answer is read by a person, who gives the points"
        return Outcome(row.id, 0, maximum, TO_BE_READ, text, (), "")
    text = f"there is no answer below this question in {row.notebook}"
    return Outcome(row.id, 0, maximum, "open", text, (), "")


def table(records: Iterable[Record], read: dict[tuple[str, str], tuple[int, str]]) -> str:
    """Return the CSV file that a person fills in: a line for each answer, points left open.

    Parameters
    ----------
    records : iterable of Record
    read : dict, (id of the submission, question) to (points, remark) that are known already

    Returns
    -------
    text : str
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    by_exercise = [(row, record) for row in QUESTIONS for record in records]
    for row, record in by_exercise:
        if row.id not in record.answers:
            continue
        maximum = next(o.maximum for o in record.outcomes if o.exercise == row.id)
        points, remark = read.get((cell(record.id), row.id), ("", ""))
        writer.writerow([cell(record.id), row.id, points, maximum, cell(remark)])
    return out.getvalue()


def read_table(path: Path) -> dict[tuple[str, str], tuple[int, str]]:
    """Read the points that a person has filled in.

    Parameters
    ----------
    path : Path, the CSV file that `table` made

    Returns
    -------
    read : dict, (id of the submission, question) to (points, remark); lines without points are
        left out

    Raises
    ------
    ValueError
        If the file has other columns, a question that there is not, or points out of range; the
        message names the line.
    OSError
        If it cannot be read.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if not set(COLUMNS[:3]) <= set(reader.fieldnames or ()):
            raise ValueError(f"{path} has the columns {reader.fieldnames}, expected {COLUMNS}")
        return dict(_entries(path, reader))


def _entries(
    path: Path, reader: csv.DictReader[str]
) -> Iterator[tuple[tuple[str, str], tuple[int, str]]]:
    """Give the filled-in lines of the table."""
    known = {row.id for row in QUESTIONS}
    seen = set()
    for line in reader:
        student, question = (line["student"] or "").strip(), (line["question"] or "").strip()
        points = (line["points"] or "").strip()
        where = f"{path}, line {reader.line_num}"
        if question not in known:
            raise ValueError(f"{where}: there is no question {question!r}")
        if (student, question) in seen:
            raise ValueError(f"{where}: {student} has a line for {question} already")
        seen.add((student, question))
        if points and not points.isdecimal():
            raise ValueError(f"{where}: points are {points!r}, expected a whole number or nothing")
        if points:
            yield (student, question), (int(points), (line.get("remark") or "").strip())


def merge(record: Record, read: dict[tuple[str, str], tuple[int, str]]) -> Record:
    """Return a record with the points of the answers that a person has read.

    Parameters
    ----------
    record : Record
    read : dict, from `read_table`

    Returns
    -------
    merged : Record

    Raises
    ------
    ValueError
        If an answer was given more points than there are.
    """
    merged = {}
    for old in record.outcomes:
        if (found := read.get((cell(record.id), old.exercise))) is None:
            continue
        points, remark = found
        if points > old.maximum:
            raise ValueError(
                f"{record.id}, {old.exercise}: {points} points given, there are {old.maximum}"
            )
        text = remark or "a person has read your answer"
        merged[old.exercise] = Outcome(old.exercise, points, old.maximum, READ, text, (), "")
    return record.with_outcomes(merged)

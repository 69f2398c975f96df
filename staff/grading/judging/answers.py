"""Answers to the questions: read out of notebooks, for a person to give points."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cs682.checks import EXERCISES, Exercise
from cs682.checks.answers import answer_text
from staff.grading.intake.books import read_book
from staff.grading.intake.safe_text import shown
from staff.grading.intake.text import clean
from staff.grading.judging.outcome import Outcome
from staff.grading.results.store import TO_BE_READ

MAX_ANSWER = 20_000  # characters of one answer that are shown
QUESTIONS = tuple(row for row in EXERCISES.values() if row.is_question)


def read_answers(notebooks: Path) -> tuple[dict[str, str], list[str]]:
    """Return what a student wrote below each question.

    Returns
    -------
    answers : dict of str to str, Markdown by question; without those that are not answered
    problems : list of str, notebooks that cannot be read
    """
    answers: dict[str, str] = {}
    problems = []
    for name in dict.fromkeys(row.notebook for row in QUESTIONS):
        try:
            cells = read_book((notebooks / name).read_bytes())
        except FileNotFoundError:
            continue  # the hand-in's list of missing files names it
        except ValueError as error:
            problems.append(f"notebooks/{name} is no notebook: {shown(str(error), 160)}")
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
    """
    if row.id in answers:
        text = "your answer is read by a person, who gives the points"
        return Outcome(row.id, 0, maximum, TO_BE_READ, text, (), "")
    text = f"there is no answer below this question in {row.notebook}"
    return Outcome(row.id, 0, maximum, "open", text, (), "")

"""Solutions on demand, for people who learn alone: the reference's code and the idea behind it.

They stand in a file that is written when the self-study edition is cut; a course's has none.
"""

from __future__ import annotations

import json
from pathlib import Path

from cs682._files import SOLUTIONS
from cs682.checks.board import find_states
from cs682.checks.exercises import Exercise
from cs682.checks.hints import has_hints, note, read_hints, read_notes, wrap
from cs682.checks.names import ROOT, find_exercise


def solution(exercise: str) -> None:
    """Print the solution of an exercise that has passed its check, or that you ask for twice.

    Parameters
    ----------
    exercise : str, its id or its function, for example 'bn-1.3' or 'batchnorm_backward'

    Raises
    ------
    ValueError
        If there is no exercise of this name, or there is nothing to write in it.
    """
    print(tell_solution(exercise))  # noqa: T201  # what it is for


def tell_solution(exercise: str, root: Path = ROOT) -> str:
    """Return the solution of an exercise that has passed; else say what comes first, and note it.

    Parameters
    ----------
    exercise : str, as for `solution`
    root : Path, the folder of the assignment, where it is remembered what was asked for

    Returns
    -------
    text : str of several lines

    Raises
    ------
    ValueError
        As for `solution`.
    """
    row = find_exercise(exercise)
    if not SOLUTIONS.exists():
        return (
            f"This edition has no solutions: `check` and `hint` help you to your own of {row.id}."
        )
    if not has_hints(row):
        where = f"folded below it in {row.notebook}" if row.is_question else f"in {row.file}"
        kind = "a question: its model answer is" if row.is_question else "given: its code is"
        raise ValueError(f"there is nothing to show of {row.id}, which is {kind} {where}")
    state = find_states(ids=[row.id])[row.id]
    if state == "passed":
        return _show(row, "Where does yours differ? Say why both are right, or which is better.")
    asked = f"solution of {row.id}"
    if asked in read_notes(root):
        return _show(row, "Close this, and then write yours: what you only copy is soon gone.")
    return _put_off(row, state) + note(root, {asked: 1})


def _put_off(row: Exercise, state: str) -> str:
    """Say what is better than to read a solution now."""
    has = {"open": "is still open", "wrong": "does not pass its check yet"}[state]
    return (
        f"{row.id} {has}. What you find yourself, you keep: read the check's message once more, "
        f"and\ntake the hints, one at a time. Asked for again, the solution of {row.id} comes all "
        "the same."
    )


def _show(row: Exercise, advice: str) -> str:
    """Return the thoughts behind a solution, its code, and what to do with it."""
    _, idea, steps = read_hints()[row.id]
    parts = [f"{row.id}  {row.title}", f"The idea\n{wrap(idea)}", f"Step by step\n{wrap(steps)}"]
    for piece in json.loads(SOLUTIONS.read_text(encoding="utf-8"))[row.id]:
        parts += [f"{piece['name']}, in {piece['file']}", piece["text"].rstrip()]
    return "\n\n".join([*parts, advice])

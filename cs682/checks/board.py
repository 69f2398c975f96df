"""The board of all exercises: which are open, wrong or passed, and what they are worth."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cs682.checks.compare import say
from cs682.checks.exercises import EXERCISES, Exercise
from cs682.checks.run import CHECKS, Result, describe, examine
from cs682.figures.tables import ResultsTable, results_table

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
ANSWER_PROMPT = "*Write your answer here.*"


def progress(notebooks: Path = NOTEBOOKS) -> ResultsTable:
    """Return the board: each exercise with its state and points.

    Code is checked on the spot. Trainings and answers are read from the saved notebooks: a
    training counts once its check cell shows ``passed``, a question once its answer is written.

    Parameters
    ----------
    notebooks : Path, the folder with the three notebooks

    Returns
    -------
    board : ResultsTable, which a notebook shows as a table and `print` as text
    """
    states = find_states(notebooks)
    rows = [
        {"exercise": row.id, "title": row.title, "points": row.points, "state": states[row.id]}
        for row in EXERCISES.values()
    ]
    passed = sum(EXERCISES[key].points for key, state in states.items() if state == "passed")
    answered = sum(EXERCISES[key].points for key, state in states.items() if state == "answered")
    total = sum(row.points for row in EXERCISES.values())
    caption = (
        f"{passed + answered} of {total} points: {passed} passed, "
        f"{answered} answered, which a person reads"
    )
    return results_table(rows, caption=caption)


def find_states(notebooks: Path = NOTEBOOKS) -> dict[str, str]:
    """Return how far each exercise is.

    Parameters
    ----------
    notebooks : Path, the folder with the three notebooks

    Returns
    -------
    states : dict of str by exercise id: 'passed', 'wrong', 'open', or 'answered' for a question
    """
    return {row.id: _state(row, notebooks) for row in EXERCISES.values()}


def find_answer(exercise: str, cells: Sequence[dict[str, Any]]) -> int | None:
    """Return where the answer to a question stands: in the cell behind it.

    Parameters
    ----------
    exercise : str, the id of a question
    cells : sequence of dict, the cells of the notebook that it belongs to

    Returns
    -------
    index : int, of the answer's cell; None if there is no such question or no cell behind it
    """
    marks = [f"**Question {exercise}**" in "".join(cell["source"]) for cell in cells]
    return marks.index(True) + 1 if True in marks[:-1] else None


def run_checks(ids: Sequence[str] = ()) -> int:
    """Check exercises on the command line and print how each went.

    Parameters
    ----------
    ids : sequence of str; default all exercises that are code in `cs682`

    Returns
    -------
    status : int, 0 if all passed, else 1

    Raises
    ------
    ValueError
        If there is no exercise of an id, or it is checked elsewhere.
    """
    unknown = [key for key in ids if key not in EXERCISES]
    if unknown:
        raise ValueError(f"there is no exercise {unknown[0]!r}; there are {', '.join(EXERCISES)}")
    elsewhere = [key for key in ids if key not in CHECKS]
    if elsewhere:
        row = EXERCISES[elsewhere[0]]
        raise ValueError(f"{row.id} is not code in cs682: work on it in {row.file}")
    results: list[Result] = []
    for key in ids or CHECKS:
        results.append(examine(key))
        say(describe(results[-1]))
    passed = sum(result.state == "passed" for result in results)
    if len(results) > 1:
        say(f"{passed} of {len(results)} passed")
    return 0 if passed == len(results) else 1


def _state(row: Exercise, notebooks: Path) -> str:
    """Return 'passed', 'wrong' or 'open'; for a question 'answered' or 'open'."""
    if row.id in CHECKS:
        return examine(row.id).state
    cells = _read_cells(notebooks / row.notebook)
    if row.is_question:
        return "answered" if _is_answered(row.id, cells) else "open"
    return "passed" if _shows_passed(row.id, cells) else "open"


def _read_cells(path: Path) -> list[dict[str, Any]]:
    """Return a notebook's cells; a missing or broken one has none."""
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    except FileNotFoundError:
        return []
    except (ValueError, KeyError) as error:
        raise ValueError(f"{path} is not a notebook: {error}") from error
    return list(cells)


def _is_answered(exercise: str, cells: list[dict[str, Any]]) -> bool:
    """Tell whether the cell behind a question holds more than the prompt."""
    index = find_answer(exercise, cells)
    answer = "" if index is None else "".join(cells[index]["source"]).strip()
    return answer not in ("", ANSWER_PROMPT)


def _shows_passed(exercise: str, cells: list[dict[str, Any]]) -> bool:
    """Tell whether the stored output of a check cell says that the exercise passed."""
    return any(
        f"passed  {exercise} " in "".join(output.get("text", []))
        for cell in cells
        for output in cell.get("outputs", [])
    )

"""Read a notebook's cells, and the answers in it: for board, hand-in, PDF and grader alike.

An answer is whatever a student has written between a question and the next cell of the notebook
as it was given out: in the answer's cell, in cells added below it, and in the question's own cell
below its last line, `QUESTION_END`. Cells that are given have names for ids ('relu-look'); those
that an editor makes have numbers. Where a tool has thrown all ids away, headings, exercises,
questions, model answers and code mark where an answer ends.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from cs682._files import find_conflict

Cell = dict[str, Any]

ANSWER_PROMPT = "*Write your answer here.*"
QUESTION_END = "*Answer in the cell below.*"
HELP_USED = "## Help I used"  # the heading below which a student names it, once in each notebook
_NAME = re.compile(r"(?![0-9a-f]{8}(-|$))[a-z][a-z0-9]*(-[a-z0-9]+)*")
MODEL_ANSWER = "<details>\n<summary>A model answer"  # begins one that is handed out, folded
_LANDMARK = re.compile(rf"#{{1,3}} |\*\*(Question|Exercise) |{MODEL_ANSWER}", re.MULTILINE)


def read_cells(content: bytes) -> list[Cell]:
    """Return the cells of a notebook.

    Parameters
    ----------
    content : bytes of the notebook's file

    Returns
    -------
    cells : list of dict with 'cell_type' and 'source', which is one str

    Raises
    ------
    ValueError
        If it is no notebook of format 4.
    """
    return [{**cell, "source": "".join(cell["source"])} for cell in read_book(content)["cells"]]


def read_book(content: bytes) -> dict[str, Any]:
    """Return a notebook as its file has it, with cells that can be read.

    Parameters
    ----------
    content : bytes of the notebook's file

    Returns
    -------
    book : dict

    Raises
    ------
    ValueError
        If it is no notebook of format 4.
    """
    try:
        book: Any = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError is a ValueError
        raise ValueError(find_conflict(content) or f"it is no notebook ({error})") from error
    if not isinstance(book, dict) or book.get("nbformat") != 4:
        raise ValueError("it is no notebook of format 4")
    cells = book.get("cells")
    if not isinstance(cells, list) or not all(_is_cell(cell) for cell in cells):
        raise ValueError("its cells are damaged")
    return book


def question_mark(exercise: str) -> str:
    """Return what tells the cell of a question.

    Parameters
    ----------
    exercise : str, the id of a question
    """
    return f"**Question {exercise}**"


def find_answer(exercise: str, cells: Sequence[Cell]) -> list[Cell]:
    """Return what a student has written to answer a question.

    Parameters
    ----------
    exercise : str, the id of a question
    cells : sequence of dict, the cells of its notebook, as `read_cells` returns them

    Returns
    -------
    parts : list of dict, cells whose source is the student's alone; empty if there is no answer
    """
    return [part for part in _parts(question_mark(exercise), cells) if part["source"]]


def answer_text(exercise: str, cells: Sequence[Cell]) -> str:
    """Return the answer to a question as one text.

    Parameters
    ----------
    exercise, cells
        As for `find_answer`.

    Returns
    -------
    text : str, Markdown; empty if there is no answer
    """
    return "\n\n".join(part["source"] for part in find_answer(exercise, cells))


def has_answer_cell(exercise: str, cells: Sequence[Cell]) -> bool:
    """Tell whether a question is there, and a cell below it for its answer.

    Parameters
    ----------
    exercise, cells
        As for `find_answer`.

    Returns
    -------
    has_cell : bool
    """
    return len(list(_parts(question_mark(exercise), cells))) > 1


def help_text(cells: Sequence[Cell]) -> str:
    """Return what a student says of the help used in a notebook.

    Parameters
    ----------
    cells : sequence of dict, as for `find_answer`

    Returns
    -------
    text : str, Markdown; empty if nothing is said
    """
    return "\n\n".join(part["source"] for part in _parts(HELP_USED, cells) if part["source"])


def question_text(cell: Cell) -> str:
    """Return what a question's cell asks, without what a student has written in it.

    Parameters
    ----------
    cell : dict

    Returns
    -------
    text : str, Markdown
    """
    return str(cell["source"]).partition(QUESTION_END)[0].rstrip()


def find_question(exercise: str, cells: Sequence[Cell]) -> Cell | None:
    """Return the cell that asks a question; None if it is gone.

    Parameters
    ----------
    exercise, cells
        As for `find_answer`.

    Returns
    -------
    cell : dict or None
    """
    return next((cell for cell in cells if question_mark(exercise) in cell["source"]), None)


def _parts(mark: str, cells: Sequence[Cell]) -> Iterator[Cell]:
    """Give the cells of an answer, also of a second one below a copy of the question."""
    named = any(_is_given(cell) for cell in cells)
    inside = False
    for cell in cells:
        if mark in cell["source"]:
            inside = True
            yield {**cell, "source": _own(cell["source"].partition(QUESTION_END)[2])}
        elif inside and "answer" not in _tags(cell) and _ends(cell, named):
            inside = False
        elif inside:
            own = _own(cell["source"])
            is_code = cell["cell_type"] == "code" and own
            yield {**cell, "source": f"```python\n{own}\n```" if is_code else own}


def _ends(cell: Cell, named: bool) -> bool:
    """Tell whether a cell belongs to the notebook as it was given out."""
    if named:
        return _is_given(cell)
    return cell["cell_type"] == "code" or bool(_LANDMARK.match(cell["source"]))


def _is_given(cell: Cell) -> bool:
    return bool(_NAME.fullmatch(str(cell.get("id", "")))) and "answer" not in _tags(cell)


def _tags(cell: Cell) -> list[Any]:
    metadata = cell.get("metadata")
    tags = metadata.get("tags") if isinstance(metadata, dict) else None
    return tags if isinstance(tags, list) else []


def _own(source: str) -> str:
    return source.replace(ANSWER_PROMPT, "").strip()


def _is_cell(cell: Any) -> bool:
    return (
        isinstance(cell, dict)
        and isinstance(cell.get("cell_type"), str)
        and isinstance(cell.get("source"), (str, list))
        and all(isinstance(line, str) for line in cell["source"])
        and isinstance(cell.get("outputs", []), list)
        and all(isinstance(output, dict) for output in cell.get("outputs", []))
    )

"""Notebooks: cut them for students, and bring the reference back from what was cut."""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator

import nbformat
from nbformat.v4 import new_markdown_cell

from cs682.checks import ANSWER_PROMPT
from cs682.checks.answers import HELP_USED, MODEL_ANSWER
from staff.notebooks import normalise
from staff.release.regions import BEGIN, END, Region, ReleaseError, find_regions, restore, strip

ANSWER_TAG = "answer"
# without blank lines around it, Markdown in HTML would be shown as it is written
_FOLD = MODEL_ANSWER + " (write yours first)</summary>\n\n{}\n\n</details>"
_QUESTION = re.compile(r"^\*\*Question (?P<id>[a-z0-9-]+)\*\*", re.MULTILINE)


def read_book(data: bytes, file: str) -> nbformat.NotebookNode:
    """Return a notebook in format 4.5 whose cells have ids of their own.

    Parameters
    ----------
    file : str, its name in faults

    Raises
    ------
    ReleaseError
        If the bytes are no such notebook.
    """
    try:
        counts = Counter(cell.get("id") for cell in json.loads(data)["cells"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        line = getattr(error, "lineno", 1)
        raise ReleaseError([f"{file}:{line}: does not parse: {error!r}"]) from error
    faults = [f"{file}:1: cell id {key!r} occurs {n} times" for key, n in counts.items() if n > 1]
    if None in counts:  # else nbformat would make one up
        faults = [f"{file}:1: {counts[None]} cells have no id"]
    if faults:
        raise ReleaseError(faults)
    try:
        book: nbformat.NotebookNode = nbformat.reads(data.decode(), as_version=4)
        nbformat.validate(book)
    except nbformat.ValidationError as error:
        fault = f"{file}:1: is no valid notebook: {error.message}"
        raise ReleaseError([fault]) from error
    return book


def dump(book: nbformat.NotebookNode) -> bytes:
    """Return the bytes of a notebook's file, as nbformat writes it."""
    stream = io.StringIO()
    nbformat.write(book, stream)
    return stream.getvalue().encode()


def find_book_regions(book: nbformat.NotebookNode, file: str) -> dict[str, list[Region]]:
    """Return the regions of each cell that has some, by the cell's id.

    Parameters
    ----------
    file : str, its path seen from the root

    Raises
    ------
    ReleaseError
        With what `find_regions` has to say of any cell; with each marker outside of code, and
        each question that no tagged answer follows.
    """
    found, faults = {}, _answer_faults(book, file)
    for cell in book["cells"]:
        if cell["cell_type"] != "code":
            faults += _prose_faults(cell, file)
            continue
        try:
            if regions := find_regions(cell["source"], file, cell["id"]):
                found[cell["id"]] = regions
        except ReleaseError as error:
            faults += error.faults
    if faults:
        raise ReleaseError(faults)
    return found


def _prose_faults(cell: nbformat.NotebookNode, file: str) -> list[str]:
    """Name markers in a cell that is not code."""
    lines = enumerate(cell["source"].splitlines(), start=1)
    return [
        f"{file}, cell {cell['id']}:{number}: a marker in a {cell['cell_type']} cell"
        for number, line in lines
        if line.strip() in (BEGIN, END)
    ]


def _answer_faults(book: nbformat.NotebookNode, file: str) -> list[str]:
    """Name questions whose next cell is not tagged as an answer, and so would reach students."""
    following = [is_answer(cell) for cell in book["cells"][1:]] + [False]
    return [
        f"{file}, cell {cell['id']}:1: no answer tagged {ANSWER_TAG!r} follows"
        for cell, answered in zip(book["cells"], following, strict=True)
        if _QUESTION.search(cell["source"]) and not answered
    ]


def is_answer(cell: nbformat.NotebookNode) -> bool:
    """Tell whether a cell holds a written answer."""
    return ANSWER_TAG in cell["metadata"].get("tags", [])


def fold_answers(book: nbformat.NotebookNode, reference: nbformat.NotebookNode) -> None:
    """Put each model answer, folded, below the empty cell for a student's own; in place.

    The cells that ask which help was used go: nobody reads them.

    Parameters
    ----------
    book : notebook as `strip_book` left it, written to
    """
    cells = []
    for cell, original in zip(book["cells"], reference["cells"], strict=True):
        if cell["source"].startswith(HELP_USED) or original["source"] == ANSWER_PROMPT:
            continue
        cells.append(cell)
        if is_answer(cell):
            fold = _FOLD.format(original["source"])
            cells.append(new_markdown_cell(fold, id=f"{cell['id']}-model-answer"))
    book["cells"] = cells


def strip_book(
    book: nbformat.NotebookNode,
    regions: dict[str, list[Region]],
    given: Collection[str] = (),
    edit: Callable[[str], str] = lambda text: text,
) -> None:
    """Make a notebook what students get, in place.

    Outputs, execution counts and all metadata but ids and tags go; solutions become stubs, and
    answers a prompt.

    Parameters
    ----------
    book : notebook, written to
    regions : dict of str to list of Region, from `find_book_regions`
    given : collection of str; exercises to hand out solved
    edit : function of a cell's source, for what a variant changes in it
    """
    normalise(book)
    for cell in book["cells"]:
        source = strip(cell["source"], regions.get(cell["id"], ()), given)
        cell["source"] = ANSWER_PROMPT if is_answer(cell) else edit(source)
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None


def restore_book(
    released: nbformat.NotebookNode,
    reference: nbformat.NotebookNode,
    regions: dict[str, list[Region]],
    only: Collection[str] | None = None,
) -> None:
    """Put solutions back into a released notebook, in place; written answers too, if all are.

    Parameters
    ----------
    released : notebook as `strip_book` left it, written to
    regions : dict of str to list of Region, those of the reference
    only : collection of str, optional; exercises to restore. Default: all, and all answers

    Raises
    ------
    ValueError
        If a stub is not in its place.
    """
    question = None
    for cell, original in _pairs(released, reference):
        if is_answer(cell) and (only is None or question in only):
            cell["source"] = original["source"]
        cell["source"] = restore(cell["source"], regions.get(cell["id"], ()), only)
        found = _QUESTION.search(cell["source"])
        question = found and found["id"]


def _pairs(
    released: nbformat.NotebookNode, reference: nbformat.NotebookNode
) -> Iterator[tuple[nbformat.NotebookNode, nbformat.NotebookNode]]:
    """Yield the cells of a release that the reference has too, each with the reference's."""
    originals = {cell["id"]: cell for cell in reference["cells"]}
    shared = (cell for cell in released["cells"] if cell["id"] in originals)
    yield from ((cell, originals[cell["id"]]) for cell in shared)


def restore_outputs(released: nbformat.NotebookNode, reference: nbformat.NotebookNode) -> None:
    """Put the reference's outputs and execution counts into a notebook, in place.

    Parameters
    ----------
    released : notebook with the reference's cells, written to
    """
    for cell, stored in _pairs(released, reference):
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = stored["outputs"], stored["execution_count"]

"""Put the notebook that is open on Colab into the copy of the assignment.

Colab keeps an open notebook on its own servers and not beside the code. The board and the hand-in
read notebooks from the copy, so it has to be brought there.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from cs682._files import replacing
from cs682.checks.exercises import EXERCISES

SECONDS = 60  # that the page may take to answer


class NotOpenError(RuntimeError):
    """Why the open notebook cannot be had, in words for the user."""


def save_open_notebook(root: Path) -> Path:
    """Write the notebook that is open in the browser into the copy of the assignment.

    Parameters
    ----------
    root : Path of the copy

    Returns
    -------
    path : Path of the notebook's file, replaced whole

    Raises
    ------
    NotOpenError
        If this is not Colab, its page does not answer, or it shows another notebook.
    """
    book = _ask_colab()
    path = root / "notebooks" / _name(book)
    with replacing(path) as file:
        file.write(json.dumps(book, indent=1, ensure_ascii=False).encode())
    return path


def _ask_colab() -> dict[str, Any]:
    """Return the notebook as the page has it at this moment."""
    try:
        from google.colab import _message  # type: ignore[import-not-found, unused-ignore]
    except ImportError as error:
        raise NotOpenError(
            "this is not Colab: save the notebook in its editor, in the folder notebooks/"
        ) from error
    answer = _message.blocking_request("get_ipynb", timeout_sec=SECONDS)
    if not isinstance(answer, dict) or not isinstance(answer.get("ipynb"), dict):
        raise NotOpenError(
            "Colab's page did not answer: choose File, Download, .ipynb, and upload it into the "
            "folder notebooks/ of your copy"
        )
    book: dict[str, Any] = answer["ipynb"]
    return book


def _name(book: dict[str, Any]) -> str:
    """Return the file name of a notebook, by the exercises in it; its title may be anything."""
    text = "".join("".join(cell.get("source", "")) for cell in book.get("cells", []))
    found = {
        EXERCISES[key].notebook
        for key in re.findall(r"Exercise (\w\w-\d\.\d)", text)
        if key in EXERCISES
    }
    if len(found) != 1:
        raise NotOpenError("the open notebook is none of the assignment's")
    return found.pop()

"""Hints on demand: three steps for each exercise, given one by one, and the count remembered.

The texts stand in `hints.md`; the count is kept in the folder of the assignment, so that it lasts
from one session to the next.
"""

from __future__ import annotations

import functools
import json
import textwrap
from pathlib import Path
from typing import Any

from cs682._files import SOLUTIONS, replacing
from cs682.checks.compare import COLUMNS, CallError
from cs682.checks.exercises import EXERCISES, Exercise, read_variant
from cs682.checks.names import ROOT, find_exercise

TEXTS = Path(__file__).with_name("hints.md")
NAME = "hints.json"  # in the folder of the assignment: how many were asked for, by exercise
STEPS = 3
_TOLD = "\n(This course's hand-in says how many hints you asked for.)"


def hint(exercise: str) -> None:
    """Print the next hint to an exercise, below those that you had before.

    There are three: a question, the idea, the steps in words. Each call gives one more.

    Parameters
    ----------
    exercise : str, its id or its function, for example 'bn-1.3' or 'batchnorm_backward'

    Raises
    ------
    CallError
        If there is no exercise of this name, or there is nothing to write in it.
    """
    print(next_hint(exercise))  # noqa: T201  # what it is for


def next_hint(exercise: str, root: Path = ROOT) -> str:
    """Return the next hint to an exercise, below those that were given before, and count it.

    Parameters
    ----------
    exercise : str, as for `hint`
    root : Path, the folder of the assignment, where the count is kept

    Returns
    -------
    text : str of several lines

    Raises
    ------
    CallError
        As for `hint`.
    """
    row = find_exercise(exercise)
    if not has_hints(row):
        kind = "a question" if row.is_question else "given: there is nothing to write"
        raise CallError(f"there are no hints to {row.id}, which is {kind}")
    counts = count_hints(root)
    count = min(counts.get(row.id, 0) + 1, STEPS)
    lines = [f"{row.id}  {row.title}  (hints: {count} of {STEPS})"]
    texts = enumerate(read_hints()[row.id][:count], 1)
    lines += [f"\n{step}{wrap(text)[1:]}" for step, text in texts]
    lines.append(note(root, {row.id: count}) or _TOLD * are_handed_in())
    if count < STEPS:
        lines.append(f"\nTry it with that. The same call gives hint {count + 1}.")
    else:
        last = "Write down each array's shape; explain your code aloud."
        lines.append(f"\nThis was the last. Still stuck?\n{last}")
        if SOLUTIONS.exists():
            lines.append(
                f'Not that either? python -m cs682 solution {row.id}, or solution("{row.id}")'
            )
    return "\n".join(filter(None, lines))


def say_stuck(exercise: str, call: str) -> str:
    """Return the line below a check that fails: what helps next.

    Parameters
    ----------
    exercise : str, its id
    call : str, how to ask for what helps, with ``{what}`` and ``{id}`` in it

    Returns
    -------
    line : str; empty if all hints were shown, and this edition has no solutions
    """
    all_shown = count_hints().get(exercise, 0) == STEPS
    if all_shown and not SOLUTIONS.exists():
        return ""
    return "  Stuck? " + call.format(what="solution" if all_shown else "hint", id=exercise)


def has_hints(row: Exercise) -> bool:
    """Tell whether an exercise has hints: whether there is something to write other than prose.

    Parameters
    ----------
    row : Exercise
    """
    return not (row.is_question or row.is_given)


@functools.cache
def read_hints() -> dict[str, tuple[str, ...]]:
    """Return all hints.

    Returns
    -------
    hints : dict of tuple of str by exercise id, in their order; lines are joined, but for steps
    """
    _, *sections = TEXTS.read_text(encoding="utf-8").split("\n## ")
    parts = ([part.strip() for part in section.split("\n\n")] for section in sections)
    return {key: tuple(map(_join, texts)) for key, *texts in parts}


def _join(paragraph: str) -> str:
    """Return a paragraph as one line, a list as one line for each item."""
    lines: list[str] = []
    for line in paragraph.splitlines():
        if line.startswith("- ") or not lines:
            lines.append(line)
        else:
            lines[-1] += f" {line.strip()}"
    return "\n".join(lines)


def count_hints(root: Path = ROOT) -> dict[str, int]:
    """Return how many hints were asked for.

    Parameters
    ----------
    root : Path, the folder of the assignment

    Returns
    -------
    counts : dict of int by exercise id, from 1 to `STEPS`, in the order of the course; what the
        file holds beside that, or a file that is damaged, does not count
    """
    return read_counts(read_notes(root))


def read_counts(kept: Any) -> dict[str, int]:
    """Return the counts of hints in a value that was read from a file.

    Parameters
    ----------
    kept : any value that JSON has

    Returns
    -------
    counts : dict of int by exercise id, as for `count_hints`
    """
    found = {key: kept.get(key) for key in EXERCISES} if isinstance(kept, dict) else {}
    return {key: n for key, n in found.items() if type(n) is int and 1 <= n <= STEPS}


def are_handed_in() -> bool:
    """Tell whether this course wants to see in a hand-in which hints were asked for."""
    return bool(read_variant().get("hints_in_hand_in"))


def read_notes(root: Path) -> dict[str, Any]:
    """Return all that is remembered.

    Parameters
    ----------
    root : Path, the folder of the assignment

    Returns
    -------
    notes : dict; empty where there are none, or the file is damaged
    """
    try:
        kept = json.loads((root / NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}


def note(root: Path, entries: dict[str, int]) -> str:
    """Remember what was asked for, beside what is remembered already.

    Parameters
    ----------
    root : Path, the folder of the assignment
    entries : dict of int by what it is about

    Returns
    -------
    trouble : str, what to say where the file cannot be written; else empty
    """
    try:
        with replacing(root / NAME) as file:
            file.write(json.dumps(read_notes(root) | entries, indent=1).encode())
    except OSError as error:
        return f"\n(That you had it could not be noted: {error.strerror}. It may come again.)"
    return ""


def wrap(text: str) -> str:
    """Return a hint as an indented block.

    Parameters
    ----------
    text : str, each line of which is a paragraph or an item of a list

    Returns
    -------
    block : str
    """
    lines = [
        textwrap.fill(
            line,
            COLUMNS,
            initial_indent="   ",
            subsequent_indent="     " if line.startswith("- ") else "   ",
        )
        for line in text.splitlines()
    ]
    return "\n".join(lines)

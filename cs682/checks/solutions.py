"""Solutions on demand, for people who learn alone: the reference's code and the idea behind it.

They stand in a file that is written when the self-study edition is cut; a course's has none. It is
packed, so that who searches the folder, or lets an editor complete a line, does not meet them.
"""

from __future__ import annotations

import base64
import json
import re
import textwrap
from pathlib import Path

from cs682._files import SOLUTIONS
from cs682.checks.board import find_results
from cs682.checks.compare import CallError
from cs682.checks.exercises import Exercise
from cs682.checks.hints import STEPS, count_hints, has_hints, note, read_hints, read_notes, wrap
from cs682.checks.names import ROOT, find_exercise
from cs682.checks.run import Result, hints_help, say_next

Solutions = dict[str, list[dict[str, str]]]  # by exercise: file, name and text of each piece
_FIRST = b"Solutions, packed; `python -m cs682 solution bn-1.3` shows that of bn-1.3.\n"
_BACK = re.compile(r"_backward(_alt)?(?=(_naive)?$)|_loss_and_gradients$")
_INNER = re.compile(r", cache = (\w+)\(")  # whose cache it is that a pass returns as its own
_WIDTH = 92
_ASKED = "solution of {}"  # in what is remembered


def pack_solutions(solutions: Solutions) -> bytes:
    """Return the bytes of the file that `solution` reads.

    Parameters
    ----------
    solutions : dict of list by exercise; each piece has 'file', 'name' and 'text'

    Returns
    -------
    data : bytes, the same for the same solutions: nothing is compressed
    """
    return _FIRST + base64.encodebytes(json.dumps(solutions, sort_keys=True).encode())


def unpack_solutions(data: bytes) -> Solutions:
    """Return what `pack_solutions` packed.

    Parameters
    ----------
    data : bytes

    Returns
    -------
    solutions : dict of list by exercise
    """
    found: Solutions = json.loads(base64.b64decode(data.partition(b"\n")[2]))
    return found


def solution(exercise: str) -> None:
    """Print the solution of an exercise that has passed its check, or that you ask for twice.

    Parameters
    ----------
    exercise : str, its id or its function, for example 'bn-1.3' or 'batchnorm_backward'

    Raises
    ------
    CallError
        If there is no exercise of this name, or there is nothing to write in it.
    """
    print(tell_solution(exercise))  # noqa: T201  # what it is for


def tell_solution(exercise: str, root: Path = ROOT) -> str:
    """Return the solution of an exercise that has passed; else say what comes first, and note it.

    What cannot be judged yet, as its file cannot be read or another exercise is open, counts as not
    asked for.

    Parameters
    ----------
    exercise : str, as for `solution`
    root : Path, the folder of the assignment, where it is remembered what was asked for

    Returns
    -------
    text : str of several lines

    Raises
    ------
    CallError
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
        raise CallError(f"there is nothing to show of {row.id}, which is {kind} {where}")
    result = _look_at(row)
    if result.state == "passed":
        return _show(row, "Where does yours differ? Say why both are right, or which is better.")
    asked = _ASKED.format(row.id)
    if read_notes(root).get(asked):
        return _show(row, "Close this, and then write yours: what you only copy is soon gone.")
    if first := _say_first(result):
        return textwrap.fill(f"{first} The solution of {row.id} comes after that.", _WIDTH)
    return _put_off(result, count_hints(root).get(row.id, 0)) + note(root, {asked: 1})


def forget_ask(exercise: str, root: Path) -> None:
    """Forget that a solution was asked for: the exercise is begun anew.

    Parameters
    ----------
    exercise : str, its id
    root : Path, the folder of the assignment
    """
    if read_notes(root).get(asked := _ASKED.format(exercise)):
        note(root, {asked: 0})


def _look_at(row: Exercise) -> Result:
    """Return how far an exercise is; one in a notebook that cannot be read is open."""
    try:
        return find_results(ids=[row.id])[row.id]
    except ValueError as error:
        return Result(row, "open", str(error))


def _say_first(result: Result) -> str:
    """Say what must be done before an exercise can be judged; empty if it can be."""
    row, told = result.exercise, say_next(result).message.partition("\n")[0]
    if result.state == "wrong" and not hints_help(result):
        return f"{row.file} cannot be checked yet: {told}. Mend that first."
    return f"{told}." if told.startswith(f"{row.id} waits for") else ""


def _put_off(result: Result, hints: int) -> str:
    """Say how far an exercise is, and what is better than to read a solution now."""
    row, told = result.exercise, say_next(result).message.partition("\n")[0]
    if hints_help(result):
        told = f"{row.id} does not pass its check yet: read once more what that says."
    elif not told:
        told = f"{row.id} has not passed in the saved {row.notebook}."
    first = f"Take the hints first, one at a time (python -m cs682 hint {row.id})"
    if hints:
        first = "Take the next hint first" if hints < STEPS else "Try the last hint with a pencil"
    advice = (
        f"{first}: what you find yourself, you keep. "
        f"Asked for again, the solution of {row.id} comes all the same."
    )
    return "\n".join(textwrap.fill(text, _WIDTH) for text in (told, advice))


def _show(row: Exercise, advice: str) -> str:
    """Return the thoughts behind a solution, its code, and what to do with it."""
    _, idea, steps = read_hints()[row.id]
    solutions = unpack_solutions(SOLUTIONS.read_bytes())
    parts = [f"{row.id}  {row.title}", f"The idea\n{wrap(idea)}", f"Step by step\n{wrap(steps)}"]
    for piece in solutions[row.id]:
        parts += [f"{piece['name']}, in {piece['file']}", piece["text"].rstrip()]
    return "\n\n".join([*parts, *_say_cache(solutions, row.id), advice])


def _say_cache(solutions: Solutions, exercise: str) -> list[str]:
    """Say which cache a backward pass reads, where another exercise makes it."""
    names = {piece["name"] for piece in solutions[exercise]}
    wanted = {_BACK.sub("_forward", name) for name in names} - names
    made = _find_ends(solutions, wanted)
    said = "The cache that this reads is made by the reference's forward pass, which ends so:"
    other = (
        "If yours keeps something else, or in another order or other shapes, unpack that, or take "
        "up the forward pass too."
    )
    return ["\n".join([said, *made, other])] if made else []


def _find_ends(solutions: Solutions, wanted: set[str]) -> list[str]:
    """Return the lines in which forward passes make their caches, with those that they pass on."""
    found = []
    for key, pieces in solutions.items():
        for text in (piece["text"] for piece in pieces if piece["name"] in wanted):
            *lines, end = (line.strip() for line in text.splitlines())
            kept = [line for line in lines if line.startswith("caches.append(")]
            found += [f"   {key}: {line}" for line in (*kept, end)]
            if end.endswith(", cache"):
                found += _find_ends(solutions, set(_INNER.findall(text)))
    return found

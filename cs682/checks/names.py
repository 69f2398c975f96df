"""Find exercises by what people call them, and the line of a file where each is written."""

from __future__ import annotations

import ast
import difflib
import re
from functools import lru_cache
from pathlib import Path

from cs682.checks.compare import CallError, kind_of
from cs682.checks.exercises import EXERCISES, Exercise

ROOT = Path(__file__).resolve().parents[2]
# A way back that goes wrong then: it may be the forward pass that has put nothing in the cache.
_OF_EITHER = "after another forward pass"
_MOST = 3  # near matches that are shown


def find_exercises(name: str) -> list[str]:
    """Return the exercises that a name means.

    Parameters
    ----------
    name : str, an id ('fc-1.1'), the beginning of ids ('fc-1', 'fc'), a function
        ('affine_forward'), a file ('layers.py') or a notebook ('Dropout'); in any case

    Returns
    -------
    ids : list of str, in the order of the course

    Raises
    ------
    CallError
        If it means none; the message has those that are spelt most alike.
    """
    if not isinstance(name, str):
        raise CallError(f'an exercise is named in quotes, such as "fc-1.1": got {kind_of(name)}')
    word = name.strip().lower()
    found = [key for key in EXERCISES if _flat(key) == _flat(word)]
    found = found or [key for key in EXERCISES if word and _begins(key, word)]
    found = found or [
        key for key, row in EXERCISES.items() if word in map(str.lower, _spellings(row))
    ]
    if found:
        return found
    spelt = {spelling.lower(): spelling for spelling in _all_spellings()}
    near = sorted((key for key in spelt if word and key.startswith(f"{word}_")), key=len)
    near = near[:_MOST] or difflib.get_close_matches(word, spelt, n=_MOST, cutoff=0.7)
    others = "exercises are called like fc-1.1 or affine_forward;"
    if near:
        others = f"did you mean {' or '.join(spelt[key] for key in near)}?"
    raise CallError(f"there is no exercise {name!r}; {others} `python -m cs682 progress` lists all")


def find_exercise(name: str) -> Exercise:
    """Return the one exercise that a name means.

    Parameters
    ----------
    name : str, as for `find_exercises`

    Returns
    -------
    row : Exercise

    Raises
    ------
    CallError
        If it means none, or several.
    """
    found = find_exercises(name)
    if len(found) > 1:
        raise CallError(f"{name!r} means several exercises, {', '.join(found)}: name one")
    return EXERCISES[found[0]]


def place_of(row: Exercise, function: str = "") -> str:
    """Say where an exercise is written: function, file and line.

    Parameters
    ----------
    row : Exercise
    function : str, optional; one of the exercise's functions (default: all, and the first's line)

    Returns
    -------
    place : str, such as 'affine_forward in cs682/layers.py, line 71'; it says so where the file
        defines the function more than once
    """
    names = function if function in row.functions else " and ".join(row.functions)
    line = line_of(row, function)
    starts = _starts(_read(row), function or row.functions[0])
    return f"{names} in {row.file}" + (f", line {line}" if line else "") + _say_twice(starts)


def place_of_wrong(row: Exercise, message: str) -> str:
    """Say where to mend an exercise: the one function that a message names, or all.

    Parameters
    ----------
    row : Exercise
    message : str, what is wrong

    Returns
    -------
    place : str, as from `place_of`
    """
    named = [name for name in row.functions if re.search(rf"\b{re.escape(name)}\b", message)]
    return place_of(row, named[0] if len(named) == 1 and _OF_EITHER not in message else "")


def _say_twice(starts: list[int]) -> str:
    """Say that a function is defined in several lines, if it is."""
    if len(starts) < 2:
        return ""
    often = "twice" if len(starts) == 2 else f"{len(starts)} times"
    lines = f"{', '.join(map(str, starts[:-1]))} and {starts[-1]}"
    return f" (defined {often}, in lines {lines}: the last one counts)"


def line_of(row: Exercise, function: str = "") -> int | None:
    """Return the line of an exercise: of its TODO or, once that is gone, of its function.

    Parameters
    ----------
    row : Exercise
    function : str, optional; one of the exercise's functions (default: the first)

    Returns
    -------
    line : int or None, counted from 1; None if the file holds neither
    """
    text = _read(row)
    starts = _starts(text, function or row.functions[0])
    start = starts[-1] if starts else None
    todos = [n for n, line in enumerate(text.splitlines(), 1) if f"TODO({row.id})" in line]
    after = [n for n in todos if n >= (start or 0)] or (todos if len(starts) < 2 else [])
    return after[0] if after else start


def line_of_barrier(row: Exercise, function: str, stub: str) -> int | None:
    """Return the line of a stub's ``raise`` that was left standing above code.

    Parameters
    ----------
    row : Exercise
    function : str, one of the exercise's functions
    stub : str, what the ``raise`` says

    Returns
    -------
    line : int or None, counted from 1; None if there is no code below it
    """
    node = _find_function(_parse(_read(row)), function)
    inside = ast.walk(node) if node else ()
    blocks = [getattr(part, name, []) for part in inside for name in ("body", "orelse")]
    above = [line for block in blocks if isinstance(block, list) for line in block[:-1]]
    return next((n.lineno for n in above if isinstance(n, ast.Raise) and _says(n, stub)), None)


def _says(node: ast.Raise, text: str) -> bool:
    """Tell whether a ``raise`` has a text in it."""
    values = [part.value for part in ast.walk(node) if isinstance(part, ast.Constant)]
    return any(isinstance(value, str) and text in value for value in values)


def _read(row: Exercise) -> str:
    """Return what stands in an exercise's file; nothing if it cannot be read."""
    try:
        return (ROOT / row.file).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""


def written_at(file: str, line: int, text: str) -> list[str]:
    """Return the exercises in whose functions a line lies.

    Parameters
    ----------
    file : str, as in the table of exercises
    line : int, counted from 1
    text : str, what stands in the file

    Returns
    -------
    ids : list of str; without given code
    """
    rows = [row for row in EXERCISES.values() if row.file == file and not row.is_given]
    body = _parse(text)
    spans = [(row.id, _find_function(body, name)) for row in rows for name in row.functions]
    return [key for key, node in spans if node and node.lineno <= line <= (node.end_lineno or 0)]


@lru_cache(maxsize=2)  # each line of a traceback asks
def _parse(text: str) -> list[ast.stmt]:
    """Return the statements of a file; none if it is no Python."""
    try:
        return ast.parse(text).body
    except (SyntaxError, ValueError):
        return []


def _find_function(body: list[ast.stmt], name: str) -> ast.stmt | None:
    """Return a ``function`` or a ``Class.method`` among a file's statements, the last such."""
    found = _find_all(body, name)
    return found[-1] if found else None


def _find_all(body: list[ast.stmt], name: str) -> list[ast.FunctionDef | ast.ClassDef]:
    """Return all definitions of a ``function``, or of a ``Class.method`` in the last such class."""
    first, _, method = name.partition(".")
    named = (ast.FunctionDef, ast.ClassDef)
    found = [node for node in body if isinstance(node, named) and node.name == first]
    return _find_all(found[-1].body, method) if method and found else found


def _starts(text: str, name: str) -> list[int]:
    """Return the lines in which a file's text defines a function."""
    return [node.lineno for node in _find_all(_parse(text), name)]


def _flat(word: str) -> str:
    """Return a name without the signs between its parts: fc1.1 and FC-1-1 are fc-1.1."""
    return re.sub(r"[-_. ]", "", word.lower())


def _begins(key: str, word: str) -> bool:
    """Tell whether a word is the notebook, or the notebook and the section, of an id."""
    parts = re.split(r"[-.]", key)
    return _flat(word) in (parts[0], parts[0] + parts[1])


def _spellings(row: Exercise) -> set[str]:
    """Return what else an exercise is called, as it is written."""
    functions = {part for name in row.functions for part in (name, name.rpartition(".")[2])}
    file = Path(row.file)
    return functions | {row.file, file.name, file.stem, Path(row.notebook).stem, row.notebook}


def _all_spellings() -> list[str]:
    """Return every name that means something."""
    names = {name for row in EXERCISES.values() for name in _spellings(row)}
    return [*EXERCISES, *sorted(names)]

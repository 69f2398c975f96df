"""Read the answers from their files; `README.md` beside this module says how they are written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from cs682.checks import EXERCISES
from staff.bank.answer import ROOT, Answer, Change

ANSWERS = Path(__file__).with_name("answers")
_HEADING = re.compile(
    r"(?P<verdict>wrong|right|advice)(?P<fresh> fresh)?: (?P<title>\S.*?)(?: => (?P<names>\S.*))?"
)
_PLACE = re.compile(r"@@(?P<exercise> [a-z]+-\d+\.\d+)?(?P<part> file| \d)?")
_CHANGE = re.compile(r"(@?)(?=[-+])(-*)(\+*)")
_Lines = list[tuple[int, str]]  # number and text of each


def read_bank(folder: Path = ANSWERS) -> tuple[Answer, ...]:
    """Read all answers.

    Parameters
    ----------
    folder : Path, where the files are, each named after the exercise that judges what it holds

    Returns
    -------
    answers : tuple of Answer, in the order of the table of exercises

    Raises
    ------
    ValueError
        If a file is not named after an exercise, or cannot be read as answers.
    """
    for path in folder.iterdir():
        if path.suffix != ".txt" or path.stem not in EXERCISES:
            raise ValueError(f"{path}: expected an exercise's id and .txt as the name")
    paths = [folder / f"{exercise}.txt" for exercise in EXERCISES]
    return tuple(answer for path in paths if path.exists() for answer in read_answers(path))


def read_answers(path: Path) -> list[Answer]:
    """Read the answers that one exercise judges.

    Parameters
    ----------
    path : Path of the file, named after the exercise

    Raises
    ------
    ValueError
        If a line is not what may stand there; the message names the file and the line.
    """
    text = path.read_text(encoding="utf-8")
    lines = [(n, line.rstrip()) for n, line in enumerate(text.split("\n"), 1)]
    lines = [(n, line) for n, line in lines if line and line[0] != "#"]
    where = str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
    return [_answer(path.stem, where, block) for block in _blocks(where, lines)]


def _blocks(where: str, lines: _Lines) -> Iterator[_Lines]:
    """Cut lines before each heading."""
    heads = [i for i, (_, line) in enumerate(lines) if not line[0].isspace()]
    if lines and heads[:1] != [0]:
        _refuse(where, *lines[0], "a heading first, such as 'right: title'")
    for start, stop in zip(heads, [*heads[1:], len(lines)], strict=True):
        yield lines[start:stop]


def _answer(judge: str, where: str, block: _Lines) -> Answer:
    """Return the answer that a block of lines holds."""
    (number, head), *indented = block
    match = _HEADING.fullmatch(head)
    if not match:
        _refuse(where, number, head, "'wrong: title => words', 'right: title' or an indented line")
    verdict, names = match["verdict"], match["names"] or ""
    if names and verdict == "right":
        _refuse(where, number, head, "no ' => ' after what is right")
    try:
        re.compile(names)
    except re.error as error:
        _refuse(where, number, head, f"a regular expression after ' => ' ({error})")
    body = [(number, line.lstrip()) for number, line in indented]
    changes = tuple(_changes(judge, where, body))
    if not changes:
        _refuse(where, number, head, "'  - ' and '  + ' lines below it")
    if len({EXERCISES[change.exercise].file for change in changes}) > 1:
        _refuse(where, number, head, "changes of one file only")
    place, fresh = f"{where}:{number}", bool(match["fresh"])
    return Answer(judge, match["title"], changes, names, verdict, fresh, place)


def _changes(exercise: str, where: str, body: _Lines) -> Iterator[Change]:
    """Return the changes that the lines below a heading describe."""
    number, anywhere, stop = 0, False, 0
    signs = "".join(line[0] for _, line in body)
    while stop < len(body):
        match = _CHANGE.match(signs, stop)
        if not match:
            _refuse(where, *body[stop], "'@@ ', and below it '- ' and '+ ' lines")
        start, minus, plus, stop = *(match.start(i) for i in (1, 2, 3)), match.end()
        if start < minus:
            exercise, number, anywhere = _place(exercise, where, *body[start])
        if anywhere and minus == plus:
            _refuse(where, *body[start], "'- ' lines below it, the piece that goes")
        old, new = _code(where, body[minus:plus]), _code(where, body[plus:stop])
        yield Change(exercise, new, old, number, anywhere)


def _place(exercise: str, where: str, number: int, line: str) -> tuple[str, int, bool]:
    """Return what a line with @@ says: an exercise, which solution, whether in all the file."""
    match = _PLACE.fullmatch(line)
    expected = "'@@ file', '@@ 2', '@@ ID' or '@@ ID file'"
    if not match or not any(match.groups()):
        _refuse(where, number, line, expected)
    exercise = (match["exercise"] or exercise).strip()
    if exercise not in EXERCISES:
        _refuse(where, number, line, f"{expected} with the id of an exercise")
    part = (match["part"] or "").strip()
    return exercise, int(part) if part.isdigit() else 0, part == "file"


def _code(where: str, lines: _Lines) -> str:
    """Return the code behind the signs."""
    for number, line in lines:
        if line[1:2] not in ("", " "):
            _refuse(where, number, line, f"a space after {line[0]!r}")
    return "\n".join(line[2:] for _, line in lines)


def _refuse(where: str, number: int, line: str, expected: str) -> NoReturn:
    """Say which line is not as it must be."""
    raise ValueError(f"{where}:{number}: expected {expected}, got {line!r}")

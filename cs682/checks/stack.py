"""Where in a student's code an exception came from."""

from __future__ import annotations

import linecache
import traceback
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cs682.checks import own_work
from cs682.checks.exercises import EXERCISES
from cs682.checks.names import written_at
from cs682.checks.prerequisites import RESTS_ON

if TYPE_CHECKING:
    from types import FrameType

PACKAGE = Path(__file__).resolve().parent.parent  # in a sandbox the grader sets the student's
_WATCH = Path(own_work.__file__)
_PYTHON = str(Path(traceback.__file__).parent)  # what comes with Python
_CHECKS = Path(__file__).resolve().parent
_EXERCISES = {exercise.file for exercise in EXERCISES.values()}
_MOSTLY_GIVEN = {"do-2.1"}  # a line of its functions is hardly the student's


@dataclass(frozen=True)
class LineOfCode:
    """A line of code that ran.

    Attributes
    ----------
    frame : FrameType, in which it ran
    number : int
    """

    frame: FrameType
    number: int

    @property
    def name(self) -> str:
        """The function's name."""
        return self.frame.f_code.co_name

    @property
    def file(self) -> str:
        """The path of the file."""
        return self.frame.f_code.co_filename

    @property
    def source(self) -> str:
        """What stands in the line."""
        return linecache.getline(self.file, self.number, self.frame.f_globals).strip()


def student_line(error: BaseException, functions: tuple[str, ...] = ()) -> str:
    """Return where in the student's own code an exception came from, without our frames.

    Parameters
    ----------
    error : BaseException, as it was caught
    functions : tuple of str, as in the table of exercises; if the exception arose in another
        function that one of these called, the line that called it is shown as well: first where
        the other one is given, or has a check of its own that came first

    Returns
    -------
    where : str, function, file, line number and source line; empty if the exception arose in a
        check itself

    Notes
    -----
    An exception that arose in another process carries this text as its ``student_line``.
    """
    if (said := getattr(error, "student_line", None)) is not None:
        return str(said)
    if isinstance(error, SyntaxError):
        source = (error.text or "").strip()
        return f"  in {_short(Path(error.filename or '?'))} line {error.lineno}: {source}"
    rows = student_frames(error, functions)
    return "\n".join(f"  {how} {_say_frame(frame, functions)}" for how, frame in rows)


def student_frames(
    error: BaseException, functions: tuple[str, ...] = ()
) -> list[tuple[str, LineOfCode]]:
    """Return the lines of code that `student_line` tells of, the one to look at first.

    Parameters
    ----------
    error : BaseException, as it was caught
    functions : tuple of str, as in the table of exercises

    Returns
    -------
    rows : list of pairs: "in", "raised in" or "called from", and the line; empty if it arose in a
        check itself or in another process
    """
    frames, is_refused = _own_frames(error)
    if not frames:
        return []
    own, right = _own_and_right(functions)
    mine = next((i for i, frame in enumerate(frames) if frame.name in own), None)
    written = [i for i, frame in enumerate(frames) if i and _exercises_at(frame) != []]
    at = 1 if is_refused and len(frames) > 1 else 0  # who passed on what a given line refuses
    if mine == 0 and is_refused and written:
        return [("in", frames[written[0]]), ("raised in", frames[0])]
    first, above = frames[at], next((i for i in written if i > at), None)
    if mine is None or mine <= at or _place(frames[mine]) == _place(first):
        if not is_refused or above is None or mine is None:
            return [("in", first)]
        return [("in", first), ("called from", frames[above])]
    if first.name in right:
        return [("in", frames[mine]), ("raised in", first)]
    return [("in", first), ("called from", frames[mine])]


def _own_frames(error: BaseException) -> tuple[list[LineOfCode], bool]:
    """Return the lines that ran, the last one first, and whether one of them was refused.

    Those of checks, of the package's helpers and of what is installed are left out.
    """
    if hasattr(error, "student_line"):
        return [], False
    rows = (LineOfCode(frame, line) for frame, line in traceback.walk_tb(error.__traceback__))
    found: list[LineOfCode] = []
    is_refused = False
    for row in reversed(list(rows)):
        path = Path(row.file)
        if path == _WATCH or path.suffix == ".pyx" or row.file.startswith(("<frozen", _PYTHON)):
            continue  # within the student's function the stack of a watch ends
        if path.is_relative_to(_CHECKS):
            break
        if path.is_relative_to(PACKAGE) and _short(path) not in _EXERCISES:
            is_refused |= not found  # the package's own refusal of an argument: who called it?
        elif "site-packages" not in path.parts:
            is_refused |= not found and row.source.startswith("raise ") and bool(_exercises_at(row))
            found.append(row)
    if isinstance(error, RecursionError) and found:  # the line that ran most often calls itself
        often = Counter(map(_place, found)).most_common(1)[0][0]
        return [row for row in found if _place(row) == often][:1], False
    return found, is_refused


def _place(row: LineOfCode) -> tuple[str, int]:
    """Return file and number of a line."""
    return row.file, row.number


def _own_and_right(functions: tuple[str, ...]) -> tuple[set[str], set[str]]:
    """Return the names of what is written in an exercise, and of what is right beneath it.

    What it rests on has been checked first, and is named first if it is wrong.
    """
    own = {row.id for row in EXERCISES.values() if {*functions} & {*row.functions}}
    own -= {key for key in own if EXERCISES[key].is_given}
    right = {row.id for row in EXERCISES.values() if row.is_given} | _MOSTLY_GIVEN
    right |= {beneath for key in own for beneath in RESTS_ON.get(key, ())}
    return _names(own), _names(right) - _names(own)


def _names(ids: set[str]) -> set[str]:
    """Return what the functions of exercises are called in a traceback."""
    rows = (EXERCISES[key] for key in ids & EXERCISES.keys())
    return {name.rpartition(".")[2] for row in rows for name in row.functions}


def _say_frame(row: LineOfCode, functions: tuple[str, ...]) -> str:
    """Return function, file, line number and source line, and whose code it is."""
    source = f": {row.source}" if row.source else ""
    ids = _exercises_at(row) if functions else None
    is_own = any({*functions} & {*EXERCISES[key].functions} for key in ids or ())
    said = "" if is_own or not ids else f" (exercise {' or '.join(ids)})"
    return f"{row.name}, {_short(Path(row.file))} line {row.number}{said}{source}"


def _exercises_at(row: LineOfCode) -> list[str] | None:
    """Return the exercises that a line was written in; None if it is in no file of theirs."""
    if (file := _short(Path(row.file))) not in _EXERCISES:
        return None
    text = "".join(linecache.getlines(row.file))
    return [key for key in written_at(file, row.number, text) if key not in _MOSTLY_GIVEN]


def _short(path: Path) -> str:
    """Return a path as seen from the root of the assignment, if it lies there."""
    inside = path.is_relative_to(PACKAGE)
    return (path.relative_to(PACKAGE.parent) if inside else path).as_posix()

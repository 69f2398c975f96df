"""Notice that an exercise was answered with code that is given.

The course hands out layers that do what an exercise asks for, only faster. Whoever calls them, or
copies their lines, has not written that layer: so while an exercise's function runs, the Python
functions that run with it are noted, and compared with those that may not be among them.
"""

from __future__ import annotations

import dis
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from cs682.checks.compare import CheckError

_GIVEN = "cs682.fast_layers"
WITHOUT = (  # functions that must do without what is given
    "conv_forward_naive",
    "conv_backward_naive",
    "max_pool_forward_naive",
    "max_pool_backward_naive",
)
_RUN = 6  # instructions in a row that are compared
as_written: dict[types.CodeType, types.CodeType] = {}  # of code that the sandbox has looks put into
_LEAST = 30  # instructions of a function that can be told from others
_SHARE = 0.6  # of a function's runs: most of it; of right answers that share idioms, 0.53


@contextmanager
def watched(name: str, package: Path) -> Iterator[Callable[[Any, str, Any], str]]:
    """Refuse calls and copies of what a function must do without, while it runs.

    Parameters
    ----------
    name : str, of the student's function
    package : Path, folder of the package `cs682` that the function is part of

    Yields
    ------
    note : callable, for who watches the function with a profiler of their own

    Raises
    ------
    CheckError
        If the function called such code, or holds its lines, or turned the profiler off.
    """
    refused = given_code(package)
    seen: set[types.CodeType] = set()

    def note(frame: Any, event: str, _: Any) -> str:
        if event == "call":
            seen.add(frame.f_code)
        return ""  # what was noted is judged at the end

    before = sys.getprofile()
    sys.setprofile(note)
    is_on = False
    try:
        try:
            yield note
        finally:
            is_on = sys.getprofile() is note
            sys.setprofile(before)
    except Exception:  # whatever it is, it comes second
        _require_own(name, seen, refused)
        raise
    _require_own(name, seen, refused)
    if not is_on:
        raise CheckError(f"{name} turns the profiler off, which no layer needs")


@lru_cache(maxsize=4)
def given_code(package: Path) -> frozenset[types.CodeType]:
    """Return the code of all functions that are written in the given module.

    It is read from the file, since a module in memory says what whoever changed it wants.

    Parameters
    ----------
    package : Path, folder of the package
    """
    path = package / f"{_GIVEN.rpartition('.')[2]}.py"
    whole = compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
    return frozenset(part for part in whole.co_consts if isinstance(part, types.CodeType))


def _require_own(name: str, seen: set[types.CodeType], refused: frozenset[types.CodeType]) -> None:
    """Refuse what was called, or whose lines were copied."""
    if said := _say_call(name, seen, refused) or _say_copy(name, seen, refused):
        raise CheckError(said) from None


def _say_call(name: str, seen: set[types.CodeType], refused: frozenset[types.CodeType]) -> str:
    """Say that code was called that must not be."""
    files = {code.co_filename for code in refused}  # a copy's code is equal to the given one
    is_called = any(code in refused and code.co_filename in files for code in seen)
    return f"{name} calls {_GIVEN}, {_WHY}" if is_called else ""


_WHY = (
    "which is given: to train with, and to compare with. This exercise asks for a layer that you "
    "have written yourself; loops are welcome"
)


def _say_copy(name: str, seen: set[types.CodeType], refused: frozenset[types.CodeType]) -> str:
    """Say that given code was copied, whatever its variables are called now."""
    written = {as_written.get(code, code) for code in seen}
    runs = set().union(*(_runs(code) for code in written if len(code.co_code) < 1 << 16))
    for code in refused:
        theirs = _runs(code)
        if len(theirs) >= _LEAST and len(theirs & runs) >= _SHARE * len(theirs):
            place = f"{code.co_name} in {_GIVEN.replace('.', '/')}.py"
            return f"{name} holds the lines of {place}, {_WHY}"
    return ""


@lru_cache(maxsize=256)
def _runs(code: types.CodeType) -> frozenset[tuple[Any, ...]]:
    """Return all runs of instructions of a function, without the names that one may choose."""
    steps = [(i.opname, _argument(i)) for i in dis.get_instructions(code)]
    found = {tuple(steps[i : i + _RUN]) for i in range(len(steps) - _RUN + 1)}
    for part in code.co_consts:
        if isinstance(part, types.CodeType):
            found |= _runs(part)
    return frozenset(found)


def _argument(step: dis.Instruction) -> Any:
    """Return what an instruction is about, if its author cannot choose the word."""
    if step.opname.startswith(("LOAD_CONST", "BINARY", "COMPARE", "UNPACK", "BUILD", "CALL")):
        return step.argrepr if not isinstance(step.argval, types.CodeType) else ""
    return step.argval if step.opname.startswith(("LOAD_ATTR", "LOAD_METHOD")) else None

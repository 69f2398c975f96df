"""What is wrong with a source file before any of it runs, said once and plainly."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from cs682._files import MISSING
from cs682._source import judge
from cs682.checks.exercises import EXERCISES
from cs682.checks.names import ROOT

WRITTEN = sorted({row.file for row in EXERCISES.values() if row.file.endswith(".py")})
_NETS = ("cs682/classifiers/fc_net.py", "cs682/classifiers/cnn.py")
# A file, and those that import it: they do not work either while it is broken.
RESTING_ON = {
    "cs682/layers.py": ("cs682/layer_utils.py", *_NETS),
    "cs682/layer_utils.py": _NETS,
    "cs682/fast_layers.py": ("cs682/layer_utils.py", *_NETS),
    **dict.fromkeys(_NETS, ()),
    "cs682/optim.py": (),
}
# Said of a file: the notebook's first cell makes the kernel follow edits, from then on.
OUTDATED = (
    "was edited after this kernel had loaded it, and the old code is still in use: restart the "
    "kernel, and run the notebook's first cells, the very first included"
)


def find_troubles(root: Path = ROOT) -> dict[str, str]:
    """Look at the files that a student writes.

    Parameters
    ----------
    root : Path, the folder of the assignment

    Returns
    -------
    troubles : dict of str by file, as `judge` says them; without those that are Python
    """
    files = {name: root / name for name in WRITTEN if (root / name).is_file()}
    said = {name: judge(name, path.read_bytes()) for name, path in files.items()}
    return {name: trouble for name, trouble in said.items() if trouble}


def find_outdated(names: Iterable[str] = WRITTEN) -> dict[str, str]:
    """Look for files that a student has edited since this process loaded them.

    Parameters
    ----------
    names : iterable of str, the files to look at

    Returns
    -------
    troubles : dict of str by file, to follow the file's name

    Raises
    ------
    SyntaxError
        If a file is no Python by now.
    """
    modules = {name: sys.modules.get(name[:-3].replace("/", ".")) for name in names}
    said = {name: _say_outdated(module) for name, module in modules.items() if module}
    return {name: text for name, text in said.items() if text}


def _say_outdated(module: ModuleType) -> str:
    """Say in what the file of a module is not what runs; empty if it is."""
    try:
        return OUTDATED * is_outdated(module)
    except FileNotFoundError:
        return MISSING


def is_outdated(module: ModuleType) -> bool:
    """Tell whether the file of a module holds other functions by now than those that run.

    Parameters
    ----------
    module : ModuleType

    Returns
    -------
    is_outdated : bool

    Raises
    ------
    SyntaxError
        If the file is no Python by now.
    """
    if not (file := getattr(module, "__file__", None)):
        return False
    written = compile(Path(file).read_bytes(), file, "exec", dont_inherit=True)
    known = {_do(part) for part in _all_parts(written)}
    return _differ(vars(module), written, known)


def _differ(loaded: Mapping[str, Any], written: CodeType, known: set[Any]) -> bool:
    """Tell whether functions that are written in a module or class do other things than are known.

    What has gone from a file may stay loaded: that does no harm.
    """
    for part in _parts(written):
        thing = loaded.get(part.co_name)
        if isinstance(thing, type) and _differ(vars(thing), part, known):
            return True
        code = inspect.unwrap(thing).__code__ if isinstance(thing, FunctionType) else part
        if code.co_filename == written.co_filename and _do(code) not in known:
            return True
    return False


def _parts(code: CodeType) -> list[CodeType]:
    """Return the code of functions and classes right within some code."""
    return [part for part in code.co_consts if isinstance(part, CodeType)]


def _all_parts(code: CodeType) -> Iterator[CodeType]:
    """Yield the code of functions and classes within some code, at any depth."""
    for part in _parts(code):
        yield part
        yield from _all_parts(part)


def _do(code: CodeType) -> tuple[Any, ...]:
    """Return what code does, wherever it stands: autoreload may leave the numbers of lines old."""
    constants = (_do(v) if isinstance(v, CodeType) else repr(v) for v in code.co_consts)
    return code.co_code, code.co_names, *constants

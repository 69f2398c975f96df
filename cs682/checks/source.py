"""What is wrong with a source file before any of it runs, said once and plainly."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from importlib.util import resolve_name
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from cs682._files import IN_USE, MISSING, judge, not_loaded, say_lost_import
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
    troubles : dict of str by file, to follow its name; without those that Python takes
    """
    files = {name: root / name for name in WRITTEN if (root / name).is_file()}
    said = {name: _judge(name, path.read_bytes()) for name, path in files.items()}
    return {name: trouble for name, trouble in said.items() if trouble}


@lru_cache(maxsize=16)  # each check asks, mostly of files that are as before
def _judge(name: str, content: bytes) -> str:
    """Say why Python takes a file not at all, or not first; empty if it does."""
    return judge(name, content) or _say_circle(name, content)


def _say_circle(name: str, content: bytes) -> str:
    """Say that a file imports, above its functions, what imports it.

    A kernel that has loaded both takes such an edit; a new process takes none.
    """
    for node in ast.parse(content).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            break
        for module in _imported(node, name):
            if module.replace(".", "/") + ".py" in RESTING_ON.get(name, ()):
                return (
                    f"line {node.lineno}: {module} is imported, which imports {name} itself: a new "
                    "kernel stumbles over that. Take this import out"
                )
    return ""


def _imported(node: ast.stmt, name: str) -> list[str]:
    """Return the modules that a statement of a file may import."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    package = name.rpartition("/")[0].replace("/", ".")
    if node.level > package.count(".") + 1:
        return []  # whatever that is, Python refuses it
    home = resolve_name("." * node.level + (node.module or ""), package)
    return [home, *(f"{home}.{alias.name}" for alias in node.names)]


def find_outdated(names: Iterable[str] = WRITTEN) -> dict[str, str]:
    """Look for files that are not what this process runs: edited since, or not to be loaded.

    Parameters
    ----------
    names : iterable of str, the files to look at

    Returns
    -------
    troubles : dict of str by file, to follow the file's name
    """
    said = {name: _say_outdated(name) for name in names}
    return {name: text for name, text in said.items() if text}


def _say_outdated(name: str) -> str:
    """Say in what a file is not what runs; empty if it is."""
    module = sys.modules.get(name[:-3].replace("/", "."))
    file = getattr(module, "__file__", None) or str(ROOT / name)
    try:
        if trouble := _judge(name, Path(file).read_bytes()):
            return trouble
        if reason := not_loaded.get(file):
            return f"{reason}\n  {IN_USE}"
        if lost := say_lost_import(Path(file).read_bytes(), ROOT):
            return lost
        return OUTDATED * bool(module and is_outdated(module))
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

    What has gone from a file may stay loaded: files that import it are not loaded any more then.
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

"""Keep a notebook in step with the files that are edited beside it.

IPython's autoreload loads an edited module again and mends most of what was imported from it, but
not all: a name that the notebook imported may go on to mean the old class, or a function that a
decorator has wrapped. Here every such name is bound anew, and what autoreload cannot mend is left
to that. Of a file that does not load, autoreload prints a traceback of its own frames; here it is a
few lines.
"""

from __future__ import annotations

import importlib
import io
import linecache
import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, suppress
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any
from weakref import WeakKeyDictionary

from cs682._files import IN_USE, judge, not_loaded, say_lost_import
from cs682.checks.exercises import EXERCISES
from cs682.setup.assignment import PACKAGE_HOME

_OURS = "cs682"
_FROM_EXERCISES = {  # how a file imports from one that students write in
    f"from {row.file[:-3].replace('/', '.')} import ".encode()
    for row in EXERCISES.values()
    if row.file.endswith(".py")
}
# Each function and class of the package that has run here: its module, and its name there. A
# decorator's function has a name of its own.
_homes: WeakKeyDictionary[Any, tuple[str, str]] = WeakKeyDictionary()


def follow_edits(shell: Any) -> None:
    """Load edited modules again before each cell.

    Parameters
    ----------
    shell : InteractiveShell of IPython

    Raises
    ------
    ImportError
        If this IPython's autoreload does not work here.
    """
    with _old_imp():
        if shell.find_line_magic("autoreload") is None:
            shell.run_line_magic("load_ext", "autoreload")
        shell.run_line_magic("autoreload", "2")
    # what it prints of a file that does not load, it would log a second time
    logging.getLogger("autoreload").setLevel(logging.CRITICAL)
    magic = shell.find_line_magic("autoreload")
    reloader = getattr(getattr(magic, "__self__", None), "_reloader", None)
    deduper = getattr(reloader, "deduper_reloader", None)
    if deduper is not None:  # it leaves their old line numbers to functions that were not edited
        deduper.enabled = False
    if reloader is not None and not hasattr(reloader, "check_aloud"):  # the first cell runs again
        _pass_over_what_cannot_be_mended(sys.modules[type(reloader).__module__])
        follower = _Follower(shell, reloader)
        shell.events.register("pre_run_cell", follower.tell)


class _Follower:
    """Does what autoreload does before each cell, and the rest.

    Parameters
    ----------
    shell : InteractiveShell
    reloader : ModuleReloader, autoreload's own; its `check` is replaced
    """

    def __init__(self, shell: Any, reloader: Any) -> None:
        self._shell, self._reloader = shell, reloader
        reloader.check_aloud, reloader.check = reloader.check, self.check

    def check(self, *args: Any, **kwargs: Any) -> None:
        """Load edited modules again, and bind names anew."""
        _note_homes()
        said = io.StringIO()
        with redirect_stderr(said):
            self._reloader.check_aloud(*args, **kwargs)
        linecache.checkcache()  # else a warning quotes a line as it was before the edit
        rebind(self._shell.user_ns)
        known = not_loaded.copy()
        not_loaded.clear()
        for file in self._reloader.failed:
            raised = known.get(file) or _say_reason(file, said.getvalue())
            not_loaded[file] = _judge(Path(file)) or raised
        not_loaded.update(_find_lost_imports())

    def tell(self, info: Any = None) -> None:
        """Say which files do not load, unless the cell is about to say so.

        Parameters
        ----------
        info : ExecutionInfo, optional; the cell that is about to run
        """
        if str(getattr(info, "raw_cell", "")).lstrip().startswith("check("):
            return
        for file, reason in not_loaded.items():
            print(f"{_name_of(Path(file))} {reason}\n  {IN_USE}", file=sys.stderr)  # noqa: T201


def _find_lost_imports() -> dict[str, str]:
    """Return what to say of each loaded file that imports what has gone from an exercise's."""
    files = {str(getattr(m, "__file__", None)) for m in _our_modules()} - not_loaded.keys()
    found = {}
    for path in (Path(file) for file in files if file.endswith(".py")):
        with suppress(OSError, SyntaxError, ValueError):  # it has been said, or Python will say it
            content = path.read_bytes()
            reads = any(line in content for line in _FROM_EXERCISES)
            if said := say_lost_import(content, PACKAGE_HOME) if reads else "":
                found[str(path)] = said
    return found


def _say_reason(file: str, said: str) -> str:
    """Say in which line of a file what was raised, by what autoreload says of it."""
    last = (said.rstrip("]\n").splitlines() or ["an error"])[-1]
    lines = re.findall(rf'File "{re.escape(file)}", line (\d+)', said)
    return f"line {lines[-1]} does not load: {last}" if lines else f"does not load: {last}"


def _pass_over_what_cannot_be_mended(autoreload: Any) -> None:
    """Let autoreload go on where Python lets it not mend an old function or class.

    A function that a decorator wraps now, or no longer, is such a one: for all that autoreload can
    tell, the edited file would not load, and so for each edit that follows.

    Parameters
    ----------
    autoreload : ModuleType, IPython's own
    """
    mend = autoreload.update_generic

    def update_generic(old: Any, new: Any) -> bool:
        try:
            return bool(mend(old, new))
        except (TypeError, ValueError):
            return False  # of a class, its old part is replaced then

    autoreload.update_generic = update_generic


def _our_modules() -> list[ModuleType]:
    return [m for name, m in list(sys.modules.items()) if name.split(".")[0] == _OURS]


def _note_homes() -> None:
    """Note under which names the modules of the package hold their functions and classes."""
    for module in _our_modules():
        for name, thing in list(vars(module).items()):
            if isinstance(thing, type | FunctionType) and thing.__module__ == module.__name__:
                _homes[thing] = module.__name__, name


def rebind(namespace: dict[str, Any]) -> None:
    """Let names mean what their modules define by now, in a namespace and in the package.

    Parameters
    ----------
    namespace : dict, a notebook's names; changed in place
    """
    for names in (namespace, *(vars(module) for module in _our_modules())):
        for name, thing in list(names.items()):
            if isinstance(thing, type | FunctionType):
                names[name] = current(thing)


def current(thing: Any) -> Any:
    """Return what stands today under the name of a class or function of the package.

    Parameters
    ----------
    thing : class or function

    Returns
    -------
    today : class or function; `thing` itself if it is not the package's, or is gone from it
    """
    home, name = _homes.get(thing, (getattr(thing, "__module__", None) or "", thing.__name__))
    module = sys.modules.get(home)
    if module is None or home.split(".")[0] != _OURS:
        return thing
    today = vars(module).get(name, thing)
    return today if type(today) is type(thing) else thing


def _judge(file: Path) -> str:
    """Say why an edited file is no Python; empty if it is."""
    try:
        return judge(_name_of(file), file.read_bytes())
    except OSError as error:
        return f"cannot be read: {error.strerror}"


def _name_of(file: Path) -> str:
    """Return a file as seen from the folder of the assignment, if it lies there."""
    is_ours = file.resolve().is_relative_to(PACKAGE_HOME)
    return file.relative_to(PACKAGE_HOME).as_posix() if is_ours else str(file)


@contextmanager
def _old_imp() -> Iterator[None]:
    """Stand in for the module `imp`, gone since Python 3.12, as long as the block runs.

    The autoreload of old IPython, such as Colab's, takes `reload` from it and nothing else.
    """
    if sys.version_info < (3, 12) or "imp" in sys.modules:
        yield
        return
    imp = ModuleType("imp")
    vars(imp)["reload"] = importlib.reload
    sys.modules["imp"] = imp
    try:
        yield
    finally:
        del sys.modules["imp"]

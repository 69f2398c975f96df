"""Prepare a notebook: one call at its top, the same in all notebooks."""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cs682._files import SOLUTIONS
from cs682.setup import own_copy
from cs682.setup.assignment import PACKAGE_HOME, find_hiding, find_root
from cs682.setup.packages import OLDEST_PYTHON, packages
from cs682.setup.reload import follow_edits


class NotReadyError(RuntimeError):
    """What keeps a notebook from starting; shown as a sentence, without a traceback."""

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows of this exception."""
        return [str(self)]


def start(*, drive: bool = False) -> dict[str, Any]:
    """Get everything ready, and return the images.

    Where only the notebook is open, a copy of the assignment is made first. Edited modules are
    reloaded before each cell, plots are drawn in the page, data is put in place, and a notebook
    knows `hint` and `solution` of `cs682.checks`, and `reset` from here, by name. Prints the
    versions in use and which data it is, the first things anyone who helps will ask for; and once,
    where the course has named a place for it, that a newer release is out.

    Parameters
    ----------
    drive : bool, default False; on Colab, keep the files of the assignment on Google Drive. Data
        never goes there

    Returns
    -------
    data : dict, as `cs682.data_utils.get_CIFAR10_data` returns it

    Raises
    ------
    NotReadyError
        If something is missing; the text says what to do.
    """
    _require_python()
    moved = _own_copy(drive)
    if moved is not None:
        own_copy.switch_to(moved)
        _say(f"Your copy of the assignment is {moved}: edit the files there.")
        if "google.colab" in sys.modules:
            _say(f"{_save_first()}: it saves there, too.")
        data: dict[str, Any] = importlib.import_module("cs682.setup.notebook").start()
        return data
    _require_packages()
    _require_one_package()
    _require_no_hiding()
    news = _ask_for_news()
    _prepare_page()
    if "google.colab" in sys.modules:
        _say(f"{_save_first()}, which read your copy.")
    loaded = _load_data()
    _say_news(news())
    return loaded


def _save_first() -> str:
    """Say what to save before, on Colab; who learns alone hands nothing in."""
    further = "" if SOLUTIONS.exists() else " or hand in"
    return f"Run notebook.save() before you look at the board{further}"


def save() -> None:
    """On Colab, put the open notebook into your copy, where board and hand-in look for it.

    Elsewhere the editor saves it there.

    Raises
    ------
    NotReadyError
        If the open notebook cannot be had.
    """
    from cs682.setup.open_notebook import NotOpenError, save_open_notebook

    try:
        _say(f"saved as {save_open_notebook(PACKAGE_HOME)}")
    except NotOpenError as error:
        raise NotReadyError(str(error)) from error


def reset(exercise: str) -> None:
    """Say how to put an exercise back, and change nothing.

    A cell that did it would throw away the next answer, too, when all cells run again; and a
    training stands in the notebook itself, which is open and would be saved over it. Under this
    name, IPython has a command that deletes all variables.

    Parameters
    ----------
    exercise : str, as for `cs682.checks.hint`

    Raises
    ------
    CallError
        If there is no exercise of this name.
    """
    from cs682.checks.names import find_exercise

    row = find_exercise(exercise)
    _say(
        f"In a terminal: python -m cs682 reset {row.id}\n"
        f"puts it back in {row.file}, and keeps yours. Save that file before."
    )


def _require_python() -> None:
    if sys.version_info < OLDEST_PYTHON:
        have, need = (".".join(map(str, v[:2])) for v in (sys.version_info, OLDEST_PYTHON))
        raise NotReadyError(
            f"This kernel's Python is {have}; the assignment needs {need} or newer."
        )


def _own_copy(drive: bool) -> Path | None:
    """Make or find the copy to work in; None if the package at work lies there already."""
    archive = own_copy.archive_of_this_package()
    try:
        if drive and not own_copy.is_on_drive(PACKAGE_HOME):
            return own_copy.keep_on_drive(archive or PACKAGE_HOME, Path.cwd() / "drive")
        return own_copy.unpack(archive, Path.cwd()) if archive else None
    except own_copy.CopyError as error:
        raise NotReadyError(str(error)) from error


def _require_packages() -> None:
    """Refuse the kernel of another environment."""
    missing = [package.name for package in packages() if package.verdict == "missing"]
    if missing:
        raise NotReadyError(
            f"This notebook runs with {sys.executable}, which lacks {', '.join(missing)}: choose "
            "the kernel of the environment that you made for the assignment, or run\n"
            f'"{sys.executable}" -m pip install -e "{PACKAGE_HOME}"\n'
            "in a terminal and restart the kernel."
        )


def _require_one_package() -> None:
    """Refuse to work with the package of one copy in the notebook of another."""
    root = find_root()
    if root != PACKAGE_HOME:
        raise NotReadyError(
            f"This notebook belongs to {root}, but this kernel has loaded cs682 from "
            f"{PACKAGE_HOME}: restart the kernel and run the first cell again."
        )


def _require_no_hiding() -> None:
    """Refuse to start beside a file that is loaded in the place of a package."""
    needed = {package.name for package in packages()}
    for path in find_hiding():
        if path.stem in needed:
            raise NotReadyError(
                f"{path} hides the package {path.stem}: give that file another name, and restart "
                "the kernel."
            )


def _prepare_page() -> None:
    """Set up plots, reloading and the names for help. Elsewhere only the plot style is set."""
    import numpy as np
    from IPython import get_ipython

    from cs682.checks import hint, solution
    from cs682.checks.page import Page
    from cs682.setup.packages import DISTRIBUTION, edition
    from cs682.vis_utils import use_course_style

    shell = get_ipython()
    if shell is not None:
        shell.run_line_magic("matplotlib", "inline")
        _reload_edited_modules(shell)
        Page(shell)
        shell.push({"hint": hint, "solution": solution, "reset": reset})
    use_course_style()
    _say(f"{DISTRIBUTION} {edition()}, Python {sys.version.split()[0]}, NumPy {np.__version__}")


def _reload_edited_modules(shell: Any) -> None:
    """Follow edits of files, or say what to do instead where that does not work."""
    try:
        follow_edits(shell)
    except ImportError as error:
        _say(f"Edited files are not reloaded here ({error}): restart the kernel after an edit.")


def _load_data() -> dict[str, Any]:
    """Put data in place and load it."""
    with warnings.catch_warnings():  # pooch loads a progress bar of widgets, which nobody draws
        warnings.filterwarnings("ignore", "IProgress not found")
        import pooch  # noqa: F401
    from cs682.cifar10.fetch import DownloadError
    from cs682.cifar10.files import cache_folder
    from cs682.cifar10.in_place import put_data_in_place
    from cs682.data_utils import get_CIFAR10_data
    from cs682.training.progress import DownloadProgress

    dest = cache_folder() if own_copy.is_on_drive(PACKAGE_HOME) else None
    try:
        put_data_in_place(
            dest, report=_say_news, progress=DownloadProgress(sys.stdout), show_progress=True
        )
    except DownloadError as error:
        raise NotReadyError(str(error)) from error
    return get_CIFAR10_data()


def _ask_for_news() -> Callable[[], str]:
    """Ask for a newer release, while all else is made ready."""
    from cs682.setup.news import ask_for_news

    return ask_for_news()


def _say_news(text: str) -> None:
    """Print what happened; what was there already is named by the loader."""
    if text and not text.startswith("nothing to do"):
        _say(text)


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201  # what the notebook's first cell is for

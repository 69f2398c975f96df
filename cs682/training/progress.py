"""A progress bar for training, and log lines that do not tear it."""

from __future__ import annotations

import shutil
import sys
from importlib import import_module
from typing import Any

WIDTH = 92  # columns; a notebook's output area shows about a hundred


class Progress:
    """Log lines, and below them a bar that counts iterations if it is wanted.

    Parameters
    ----------
    total : int, iterations of the whole run
    done : int, iterations done before
    shown : bool, whether there is a bar; without one only log lines appear
    """

    def __init__(self, total: int, done: int, *, shown: bool) -> None:
        self._bar: Any = _text_bar(total, done) if shown else None

    def advance(self, label: str, figures: dict[str, float]) -> None:
        """Count one iteration.

        Parameters
        ----------
        label : str, stands before the bar
        figures : dict of float by name, stand behind it
        """
        if self._bar is not None:
            self._bar.set_description_str(label, refresh=False)
            self.note(figures)
            self._bar.update()

    def note(self, figures: dict[str, float]) -> None:
        """Put other figures behind the bar when it is next drawn.

        Parameters
        ----------
        figures : dict of float by name
        """
        if self._bar is not None:
            shown = {name: f"{value:.3f}" for name, value in figures.items()}
            self._bar.set_postfix(shown, refresh=False)

    def log(self, line: str) -> None:
        """Print a line, above the bar if there is one.

        Parameters
        ----------
        line : str
        """
        if self._bar is None:
            print(line)  # noqa: T201  # the log of a verbose solver
        else:
            self._bar.write(line, file=sys.stdout)

    def close(self) -> None:
        """Leave the bar as it stands, as a line of its own."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def somebody_watches() -> bool:
    """Tell whether a bar would be seen: in a Jupyter kernel, or if stderr is a terminal."""
    return _in_jupyter() or (sys.stderr is not None and sys.stderr.isatty())


def _in_jupyter() -> bool:
    """Tell whether the code runs in the kernel of a notebook, Colab's included."""
    ipython = sys.modules.get("IPython")  # in a kernel it has long been imported
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")


def _text_bar(total: int, done: int) -> Any:
    """Return tqdm's text bar, bound for the terminal or for a cell's output."""
    from tqdm import tqdm

    in_jupyter = _in_jupyter()
    return tqdm(
        total=total,
        initial=done,
        file=CellOutput() if in_jupyter else sys.stderr,
        ncols=WIDTH if in_jupyter else min(WIDTH, shutil.get_terminal_size().columns - 1),
        nrows=24,  # some terminals say they have no rows, and tqdm would show nothing
        mininterval=0.5 if in_jupyter else 0.1,  # seconds; in a notebook each update is a message
        miniters=1,
        bar_format="{desc}: {percentage:3.0f}%|{bar}| {n}/{total} [{elapsed}<{remaining}{postfix}]",
    )


class CellOutput:
    """A stream that shows the last line written to it, at one place in a notebook cell's output.

    Carriage returns, which do this on a terminal, would litter a saved or printed notebook.
    """

    encoding = "utf-8"  # tqdm asks, to know which characters it may draw with

    def __init__(self) -> None:
        self._handle: Any = None

    def write(self, text: str) -> None:
        """Show a line in place of the one before; blank ones are passed over.

        Parameters
        ----------
        text : str
        """
        line = text.strip()
        if not line:
            return
        if self._handle is None:
            self._handle = import_module("IPython.display").DisplayHandle()
            self._handle.display({"text/plain": line}, raw=True)
        else:
            self._handle.update({"text/plain": line}, raw=True)

    def flush(self) -> None:
        """Do nothing: each line is shown at once."""

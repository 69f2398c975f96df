"""A progress bar for training, and log lines that do not tear it."""

from __future__ import annotations

import shutil
import sys
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
            shown = {name: f"{value:.3f}" for name, value in figures.items()}
            self._bar.set_description_str(label, refresh=False)
            self._bar.set_postfix(shown, refresh=False)
            self._bar.update()

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
    """Return tqdm's text bar; a kernel gets it as plain output, which a saved notebook keeps."""
    from tqdm import tqdm

    in_jupyter = _in_jupyter()
    return tqdm(
        total=total,
        initial=done,
        file=sys.stdout if in_jupyter else sys.stderr,
        ncols=WIDTH if in_jupyter else min(WIDTH, shutil.get_terminal_size().columns - 1),
        mininterval=0.5 if in_jupyter else 0.1,  # seconds; each update of a notebook is a message
        bar_format="{desc}: {percentage:3.0f}%|{bar}| {n}/{total} [{elapsed}<{remaining}{postfix}]",
    )

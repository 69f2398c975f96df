"""Progress bars, of a training and of a download, and lines that do not tear them."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Mapping
from importlib import import_module
from types import TracebackType
from typing import Any, TextIO

WIDTH = 92  # columns; a notebook's output area shows about a hundred
FORMAT = "{desc}: {percentage:3.0f}%|{bar}| {n}/{total} [{elapsed}<{remaining}{postfix}]"


class Progress:
    """Log lines, and below them a bar that counts iterations if it is wanted.

    Parameters
    ----------
    total : int, iterations of the whole run
    done : int, iterations done before
    shown : bool, whether there is a bar; without one only log lines appear
    """

    def __init__(self, total: int, done: int, *, shown: bool) -> None:
        self._bar: Any = _text_bar(total, initial=done, bar_format=FORMAT) if shown else None

    def advance(self, label: str, figures: Mapping[str, str]) -> None:
        """Count one iteration.

        Parameters
        ----------
        label : str, stands before the bar
        figures : mapping of str by name, stand behind it
        """
        if self._bar is not None:
            self._bar.set_description_str(label, refresh=False)
            self.note(figures)
            self._bar.update()

    def note(self, figures: Mapping[str, str]) -> None:
        """Put other figures behind the bar when it is next drawn.

        Parameters
        ----------
        figures : mapping of str by name
        """
        if self._bar is not None:
            self._bar.set_postfix(figures, refresh=False)

    def log(self, line: str) -> None:
        """Print a line on standard output, above the bar if there is one.

        Parameters
        ----------
        line : str
        """
        if self._bar is None:
            print(line, flush=True)  # noqa: T201  # the log of a verbose solver
        else:
            self._bar.write(line, file=sys.stdout)

    def close(self) -> None:
        """Leave a training's bar on a terminal, as a line of its own; elsewhere leave nothing."""
        if self._bar is not None:
            self._bar.close()
            if hasattr(self._bar.fp, "clear"):  # a `CellOutput`, in tqdm's wrapping
                self._bar.fp.clear()
            self._bar = None


class DownloadProgress(Progress):
    """A bar that counts bytes where somebody sees it, elsewhere a line now and then.

    Parameters
    ----------
    stream : text stream for bar and lines; default what is standard error at that time
    """

    seconds = 5.0  # between two lines

    def __init__(self, stream: TextIO | None = None) -> None:
        super().__init__(0, 0, shown=False)
        self._stream = stream or sys.stderr
        self._next_line = 0.0

    def __enter__(self) -> DownloadProgress:
        """Return the bar, which appears with the first bytes."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the bar off the screen."""
        self.close()

    def __call__(self, there: int, total: int) -> None:
        """Show that `there` of `total` bytes have arrived."""
        if self._stream.isatty():
            if self._bar is None:
                self._bar = _text_bar(
                    total, unit="B", unit_scale=True, leave=False, file=self._stream
                )
            self._bar.update(there - self._bar.n)
        elif time.monotonic() >= self._next_line or there == total:
            self._next_line = time.monotonic() + self.seconds
            text = f"{there / 1e6:6.1f} of {total / 1e6:.1f} MB"
            print(text, file=self._stream, flush=True)


def somebody_watches() -> bool:
    """Tell whether a bar would be seen: in a Jupyter kernel, or if stderr is a terminal."""
    return _in_jupyter() or (sys.stderr is not None and sys.stderr.isatty())


def _in_jupyter() -> bool:
    """Tell whether the code runs in the kernel of a notebook, Colab's included."""
    ipython = sys.modules.get("IPython")  # in a kernel it has long been imported
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")


def _text_bar(total: int, **options: Any) -> Any:
    """Return tqdm's text bar, bound for the terminal or for a cell's output."""
    from tqdm import tqdm

    in_jupyter = _in_jupyter()
    screen: dict[str, Any] = {
        "file": CellOutput() if in_jupyter else sys.stderr,
        "ncols": WIDTH if in_jupyter else min(WIDTH, shutil.get_terminal_size().columns - 1),
        "mininterval": 0.5 if in_jupyter else 0.1,  # seconds; in a notebook each is a message
    }
    # some terminals say they have no rows, and tqdm would show nothing
    return tqdm(total=total, nrows=24, miniters=1, **(screen | options))


class CellOutput:
    """A stream that shows the last line written to it, at one place in a notebook cell's output.

    Carriage returns, which do this on a terminal, would litter a saved or printed notebook. The
    place is empty at first and at the end: what is saved is the same after each run, so a tool that
    compares two runs sees no difference in how long they took.
    """

    encoding = "utf-8"  # tqdm asks, to know which characters it may draw with

    def __init__(self) -> None:
        self._handle = import_module("IPython.display").DisplayHandle()
        self._handle.display({"text/plain": ""}, raw=True)

    def write(self, text: str) -> None:
        """Show a line in place of the one before; blank ones are passed over.

        Parameters
        ----------
        text : str
        """
        if text.strip():
            self._handle.update({"text/plain": text.strip()}, raw=True)

    def clear(self) -> None:
        """Show nothing any more."""
        self._handle.update({"text/plain": ""}, raw=True)

    def flush(self) -> None:
        """Do nothing: each line is shown at once."""

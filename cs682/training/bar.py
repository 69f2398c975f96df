"""Progress of a download: a bar on a terminal, elsewhere a line now and then."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, NoReturn, TextIO

if TYPE_CHECKING:
    from types import TracebackType

    from tqdm import tqdm


class Bar:
    """Show the progress of a download, and print lines that do not tear it.

    Parameters
    ----------
    stream : text stream for bar and progress; default what is standard error at that time
    """

    seconds = 5.0  # between two lines

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._bar: tqdm[NoReturn] | None = None
        self._next_line = 0.0

    def __enter__(self) -> Bar:
        """Return the bar, which appears with the first bytes."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the bar off the screen."""
        if self._bar is not None:
            self._bar.close()

    def __call__(self, there: int, total: int) -> None:
        """Show that `there` of `total` bytes have arrived."""
        if self._stream.isatty():
            self._draw(there, total)
        elif time.monotonic() >= self._next_line or there == total:
            self._next_line = time.monotonic() + self.seconds
            text = f"{there / 1e6:6.1f} of {total / 1e6:.1f} MB"
            print(text, file=self._stream, flush=True)

    def say(self, text: str) -> None:
        """Print a line on standard output, not into the bar."""
        if self._bar is not None:
            self._bar.clear()
        print(text, flush=True)  # noqa: T201

    def _draw(self, there: int, total: int) -> None:
        from tqdm import tqdm

        if self._bar is None:
            self._bar = tqdm(total=total, unit="B", unit_scale=True, leave=False, file=self._stream)
        self._bar.update(there - self._bar.n)

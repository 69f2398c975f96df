"""Give each side of a comparison a process of its own.

In one process the libraries' threads get into each other's way: OpenBLAS's spin while PyTorch's
want the core, and PyTorch's steps took several times as long as they do alone. Apart, each side
finds what it would find in a user's program, and only the turns still tie them together.
"""

from __future__ import annotations

import multiprocessing
import traceback
from contextlib import suppress
from multiprocessing.connection import Connection

from benchmarks import images, layers, training_steps
from benchmarks.pairs import Line, Timer, timer

WARM_UP = 2  # calls before those that count: threads wake up, caches fill


class Side:
    """A process that does one side's work on the lines of steps, layers and images.

    Parameters
    ----------
    name : str, the side
    """

    def __init__(self, name: str) -> None:
        self.name = name
        context = multiprocessing.get_context("spawn")  # a fork would inherit threads half-way
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other, name), daemon=True)
        self._process.start()
        other.close()  # so that its end is seen here

    def close(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.join()

    def timer(self, line: Line) -> Timer:
        """Prepare the side's work on a line over there, and return what times it.

        Raises
        ------
        RuntimeError
            If the work fails or the process ends; the timer raises it, too.
        """
        self._ask(f"{line.group}/{line.name}")
        return self._ask

    def _ask(self, question: str | int) -> float:
        try:
            self._pipe.send(question)
            answer = self._pipe.recv()
        except (EOFError, ConnectionError):
            raise RuntimeError(f"the process of {self.name} ended") from None
        if isinstance(answer, str):
            raise RuntimeError(f"{self.name}: {answer}")
        return float(answer)


def _unprepared(calls: int) -> float:
    raise RuntimeError(f"{calls} calls of a line that was not asked for")


def _serve(pipe: Connection, side: str) -> None:
    """Prepare the lines that are asked for by name, time the calls that are asked for in number."""
    every = (*training_steps.lines(), *layers.lines(), *images.lines())
    lines = {f"{line.group}/{line.name}": line for line in every}
    run: Timer = _unprepared
    warm_up = 0
    with suppress(EOFError, BrokenPipeError):  # the parent has ended
        while True:
            question = pipe.recv()
            try:
                if isinstance(question, str):
                    run = _unprepared  # frees what the last line needed
                    run = timer(lines[question], side)
                    warm_up = 0 if side in lines[question].self_timed else WARM_UP
                    answer: float | str = 0.0
                else:
                    if warm_up:
                        run(warm_up)
                    answer = run(question)
            except Exception:  # whatever it is, it is reported over there
                answer = traceback.format_exc()
            pipe.send(answer)

"""A search under way: rung after rung, with what is done on the bar and in the log."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, fields, replace

from cs682.search.log import SearchLog
from cs682.search.run import Run, Task
from cs682.training.progress import Progress, somebody_watches

Perform = Callable[[Iterable[Task]], Iterator[Run]]


class Hunt:
    """Perform the trainings of a search, and remember how each run went.

    Parameters
    ----------
    rungs : tuple of int, epochs after which runs are ranked; empty without halving
    book : SearchLog, opened; read and added to
    verbose : bool, whether to show a bar where somebody sees it, and to say what failed

    Attributes
    ----------
    runs : dict of Run by number
    """

    def __init__(self, rungs: tuple[int, ...], book: SearchLog, *, verbose: bool) -> None:
        self.runs: dict[int, Run] = {}
        self._rungs, self._book, self._verbose = rungs, book, verbose
        self._finished = 0  # trainings, over all rungs
        self._bar = Progress(0, 0, shown=False)

    def go(self, tasks: list[Task], workers: Callable[[], AbstractContextManager[Perform]]) -> bool:
        """Perform all tasks, and tell whether none was left undone.

        Parameters
        ----------
        tasks : list of Task, one for each configuration
        workers : callable, gives a context in which tasks can be performed

        Returns
        -------
        complete : bool, False after Ctrl-C
        """
        sizes = self._sizes(len(tasks))
        self._bar = Progress(sum(sizes), 0, shown=self._verbose and somebody_watches())
        try:
            with workers() as perform:
                for rung in range(len(sizes)):
                    tasks = self._climb([replace(task, rung=rung) for task in tasks], perform)
        except KeyboardInterrupt:
            self._say_interrupted(sum(sizes))
            return False
        finally:
            self._bar.close()
        return True

    def _sizes(self, runs: int) -> list[int]:
        """Return how many runs are trained to each rung, if none diverges or fails."""
        sizes = [runs]
        for low, high in itertools.pairwise(self._rungs):
            sizes.append(math.ceil(sizes[-1] * low / high))
        return sizes

    def _climb(self, tasks: list[Task], perform: Perform) -> list[Task]:
        """Perform the tasks of one rung, and return those whose runs go on."""
        known = self._known(tasks)
        for run in known.values():
            self._note(run)
        for run in perform([task for task in tasks if task.trial.number not in known]):
            before = self.runs.get(run.number)
            total = replace(run, seconds=run.seconds + (before.seconds if before else 0.0))
            self._book.append({"rung": tasks[0].rung, **asdict(total)})
            self._note(total)
        return self._promoted(tasks)

    def _known(self, tasks: list[Task]) -> dict[int, Run]:
        """Return the runs of these tasks that stand in the log; one that failed gets a new try."""
        names = {field.name for field in fields(Run)}
        trials = {task.trial.number: task.trial for task in tasks}
        found = {}
        for line in self._book.lines:
            if line.keys() != names | {"rung"}:
                raise ValueError(f"{self._book.path} holds a line that is no run: {line}")
            if line["rung"] == tasks[0].rung and line["state"] != "failed":
                trial = trials[line["number"]]
                entries = {key: line[key] for key in names} | {"config": trial.config}
                found[trial.number] = Run(**entries)
        return found

    def _note(self, run: Run) -> None:
        """Take in a run that has come to its rung."""
        self.runs[run.number] = run
        self._finished += 1
        if run.state == "failed" and self._verbose:
            self._bar.log(f"run {run.number} failed: {run.error}")
        scores = [run.score for run in self.runs.values() if run.score is not None]
        self._bar.advance("search", {"best": f"{max(scores):.3f}"} if scores else {})

    def _promoted(self, tasks: list[Task]) -> list[Task]:
        """Return the tasks of the runs that go on to the next rung; the others are stopped."""
        rung = tasks[0].rung if tasks else len(self._rungs)
        if rung + 1 >= len(self._rungs):
            return []
        sound = [task for task in tasks if self.runs[task.trial.number].state == "done"]
        sound.sort(key=lambda task: standing(self.runs[task.trial.number]), reverse=True)
        places = math.ceil(len(tasks) * self._rungs[rung] / self._rungs[rung + 1])
        for task in sound[places:]:
            number = task.trial.number
            self.runs[number] = replace(self.runs[number], state="stopped")
        return sound[:places]

    def _say_interrupted(self, total: int) -> None:
        """Say what Ctrl-C has left, and how to go on."""
        text = f"Interrupted after {self._finished} of {total} trainings. The same call "
        if self._book.path is None:
            text += "starts anew; with log= and the name of a file it would go on."
        else:
            text += f"goes on from {self._book.path}."
        self._bar.log(text)


def standing(run: Run) -> tuple[bool, int, float, int]:
    """Return what runs are ranked by, the best highest.

    Runs that were left behind come after those that were not, by how far they came; among equals
    the first one drawn is the better.
    """
    stopped = run.state == "stopped"
    score = -math.inf if run.score is None else run.score
    return not stopped, run.epochs if stopped else 0, score, -run.number

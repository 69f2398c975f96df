"""What a training prints, shows and warns of."""

from __future__ import annotations

import inspect
import math
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cs682.training.progress import Progress, somebody_watches

if TYPE_CHECKING:
    from cs682.training.state import TrainingState

AUTO_LINES = 10  # of the log of a short run
BLOWN_UP = 1000  # times the first loss: still a number, but training is lost
INTERRUPT_AGAIN = 3.0  # seconds; Ctrl-C again within them means the program, not this training
_last_interrupt = -math.inf  # by the clock of time.monotonic


class DivergenceWarning(RuntimeWarning):
    """The loss became NaN or infinite, and training stopped; or it has grown a thousandfold."""


@dataclass
class TrainingLog:
    """The log of one run: lines, a progress bar below them, and warnings.

    Attributes
    ----------
    state : TrainingState, of which the log tells
    last_epoch : int, at which the run ends
    iterations_per_epoch : int
    rate : callable, returns the highest learning rate of the present iteration
    verbose : bool, whether lines are printed
    print_every : int or 'auto'; iterations per printed loss, 0 for never
    progress : bool or None, whether there is a bar; None for when `verbose` is on and seen
    """

    state: TrainingState
    last_epoch: int
    iterations_per_epoch: int
    rate: Callable[[], float]
    verbose: bool
    print_every: int | str
    progress: bool | None
    _warned: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        """Open the bar, if it is wanted and there is work to do."""
        wanted = self.verbose and somebody_watches() if self.progress is None else self.progress
        self.last_iteration = self.last_epoch * self.iterations_per_epoch
        if self.print_every == "auto":
            self.print_every = self._a_few_lines()
        shown = wanted and self.state.iteration < self.last_iteration
        self._bar = Progress(self.last_iteration, self.state.iteration, shown=shown)

    def _a_few_lines(self) -> int:
        """Return the interval with which losses and epochs together make about ten lines."""
        epochs = self.last_epoch - self.state.first_epoch
        return math.ceil(epochs * self.iterations_per_epoch / max(AUTO_LINES - epochs, 1))

    def step(self) -> None:
        """Move the bar, print the loss if it is its turn, and warn once if it has blown up."""
        state = self.state
        epoch = -(-state.iteration // self.iterations_per_epoch)  # rounded up: the one under way
        self._bar.advance(f"epoch {epoch}/{self.last_epoch}", self._figures())
        loss, first = state.loss_history[-1], state.loss_history[0]
        if self.print_every and (state.iteration - 1) % int(self.print_every) == 0:
            self._print(f"(Iteration {self._position()}) loss: {_figure(loss, 'f')}")
        if loss > BLOWN_UP * max(first, 0.1) and not self._warned:
            self._warned = True
            _warn(
                f"the loss is {loss:.3g} at iteration {self._position()}, and was {first:.3g} at "
                f"first: training diverges. {self._smaller_rate()}",
                DivergenceWarning,
            )

    def evaluation(self) -> None:
        """Print the accuracies of the latest evaluation."""
        self._bar.note(self._figures())
        state = self.state
        train_acc, val_acc = state.train_acc_history[-1], state.val_acc_history[-1]
        self._print(
            f"(Epoch {state.epoch} / {self.last_epoch}) "
            f"train acc: {train_acc:f}; val_acc: {val_acc:f}"
        )

    def diverged(self) -> None:
        """Warn that the loss is not finite, and say what to change."""
        state = self.state
        message = (
            f"the loss is {state.loss_history[-1]:g} at iteration "
            f"{state.iteration + 1} / {self.last_iteration}, "
        )
        if state.iteration == 0:
            message += (
                "before any update: use a smaller weight_scale, and look for NaN and for huge "
                "values in X_train"
            )
        else:
            message += (
                "so training stopped; the model has its best parameters (validation accuracy "
                f"{state.best_val_acc:.3f}). {self._smaller_rate()}"
            )
        _warn(message, DivergenceWarning)

    @staticmethod
    def fixed_masks(model: object) -> None:
        """Warn if a model's dropout would drop the same units in every iteration."""
        if "seed" in (getattr(model, "dropout_param", None) or {}):
            _warn(
                "the model was built with a seed, so dropout drops the same units in every "
                "iteration; a seed is for gradient checks: train with seed=None",
                UserWarning,
            )

    def interrupted(self) -> None:
        """Say what Ctrl-C has left: in the log or, if that is off, as a warning."""
        message = (
            f"Interrupted after iteration {self._position()}: the model has its best parameters "
            f"(validation accuracy {self.state.best_val_acc:.3f}), and train() would go on. "
            f"Interrupt twice within {INTERRUPT_AGAIN:g} s to stop everything."
        )
        if self.verbose:
            self._print(message)
        else:
            _warn(message, RuntimeWarning)

    def close(self) -> None:
        """Take leave of the bar."""
        self._bar.close()

    def _print(self, line: str) -> None:
        if self.verbose:
            self._bar.log(line)

    def _figures(self) -> dict[str, str]:
        """Return the latest loss and validation accuracy, for the bar."""
        named = {"loss": self.state.loss_history, "val_acc": self.state.val_acc_history}
        return {name: _figure(kept[-1], ".3f") for name, kept in named.items() if kept}

    def _position(self) -> str:
        return f"{self.state.iteration} / {self.last_iteration}"

    def _smaller_rate(self) -> str:
        return (
            f"The learning rate was {self.rate():g}: divide it by 10 until the loss falls, or use "
            "a smaller weight_scale"
        )


def interrupted_again() -> bool:
    """Note an interrupt; tell whether another one, of any training, came only just before."""
    global _last_interrupt
    before, _last_interrupt = _last_interrupt, time.monotonic()
    return _last_interrupt - before < INTERRUPT_AGAIN


def _figure(value: float, style: str) -> str:
    """Write a figure in its style, a huge one short."""
    return f"{value:{style}}" if abs(value) < 1e6 else f"{value:.1e}"


def _warn(message: str, category: type[Warning]) -> None:
    """Warn at the line that called the solver."""
    level, frame = 1, inspect.currentframe()
    while frame is not None and _is_ours(frame.f_globals.get("__name__", "")):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


def _is_ours(module: str) -> bool:
    return module == "cs682.solver" or module.startswith("cs682.training.")

"""What a solver prints, shows and warns of; a friend of `cs682.solver`."""

from __future__ import annotations

import math
import time
import warnings
from typing import TYPE_CHECKING

from cs682.training.progress import Progress, somebody_watches

if TYPE_CHECKING:
    from cs682.solver import Solver

INTERRUPT_AGAIN = 3.0  # seconds; Ctrl-C again within them means the program, not this training
_last_interrupt = -math.inf  # by the clock of time.monotonic


class DivergenceWarning(RuntimeWarning):
    """The loss became NaN or infinite, and training stopped."""


def open_progress(solver: Solver) -> Progress:
    """Return the log of one run, with a progress bar if it is wanted and there is work to do."""
    wanted = solver.progress
    if wanted is None:
        wanted = solver.verbose and somebody_watches()
    total = solver._last_iteration
    return Progress(total, solver.iteration, shown=wanted and solver.iteration < total)


def show_step(solver: Solver) -> None:
    """Move the progress bar, and print the loss every `print_every` iterations."""
    epoch = -(-solver.iteration // solver.iterations_per_epoch)  # rounded up: the one under way
    solver._bar.advance(f"epoch {epoch}/{solver._last_epoch}", _figures(solver))
    if solver.print_every and (solver.iteration - 1) % solver.print_every == 0:
        _log(solver, f"(Iteration {_position(solver)}) loss: {solver.loss_history[-1]:f}")


def show_evaluation(solver: Solver) -> None:
    """Print the accuracies of the latest evaluation."""
    solver._bar.note(_figures(solver))
    train_acc, val_acc = solver.train_acc_history[-1], solver.val_acc_history[-1]
    _log(
        solver,
        f"(Epoch {solver.epoch} / {solver._last_epoch}) "
        f"train acc: {train_acc:f}; val_acc: {val_acc:f}",
    )


def warn_diverged(solver: Solver) -> None:
    """Warn that the loss is not finite, and say what to change."""
    at = f"iteration {solver.iteration + 1} / {solver._last_iteration}"
    message = f"the loss is {solver.loss_history[-1]:g} at {at}, "
    if solver.iteration == 0:
        message += (
            "before any update: use a smaller weight_scale, and look for NaN and for huge values "
            "in X_train"
        )
    else:
        rate = _highest_rate(solver)
        message += (
            "so training stopped; the model has its best parameters (validation accuracy "
            f"{solver.best_val_acc:.3f}). The learning rate was {rate:g}: use a smaller one, for "
            f"instance {rate / 10:g}, or a smaller weight_scale"
        )
    warnings.warn(message, DivergenceWarning, stacklevel=5)  # whoever called train()


def warn_of_fixed_masks(solver: Solver) -> None:
    """Warn if the model's dropout would drop the same units in every iteration."""
    if "seed" in (getattr(solver.model, "dropout_param", None) or {}):
        warnings.warn(
            "the model was built with a seed, so dropout drops the same units in every iteration; "
            "a seed is for gradient checks: train with seed=None",
            UserWarning,
            stacklevel=4,  # whoever called train()
        )


def interrupted_again() -> bool:
    """Note an interrupt; tell whether another one, of any training, came only just before."""
    global _last_interrupt
    before, _last_interrupt = _last_interrupt, time.monotonic()
    return _last_interrupt - before < INTERRUPT_AGAIN


def say_interrupted(solver: Solver) -> None:
    """Say what Ctrl-C has left: in the log or, if that is off, as a warning."""
    message = (
        f"Interrupted after iteration {_position(solver)}: the model has its best parameters "
        f"(validation accuracy {solver.best_val_acc:.3f}), and train() would go on. "
        f"Interrupt twice within {INTERRUPT_AGAIN:g} s to stop everything."
    )
    if solver.verbose:
        _log(solver, message)
    else:
        warnings.warn(message, RuntimeWarning, stacklevel=3)  # whoever called train()


def _log(solver: Solver, line: str) -> None:
    """Print a line if the solver is verbose."""
    if solver.verbose:
        solver._bar.log(line)


def _figures(solver: Solver) -> dict[str, float]:
    """Return the latest loss and validation accuracy, for the progress bar."""
    named = {"loss": solver.loss_history, "val_acc": solver.val_acc_history}
    return {name: history[-1] for name, history in named.items() if history}


def _position(solver: Solver) -> str:
    return f"{solver.iteration} / {solver._last_iteration}"


def _highest_rate(solver: Solver) -> float:
    """Return the highest learning rate of the present iteration, over all parameters."""
    rates = [config.get("learning_rate", math.nan) for config in solver.optim_configs.values()]
    factor = solver._schedule_factor()
    return float(max(rates)) * (1.0 if factor is None else factor)

"""Training: minibatches in, update rule applied, accuracy watched, best parameters kept.

Read `Solver.train` first, then `_run` and `_step`, which it is made of.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from cs682 import _arguments as given
from cs682.training import options
from cs682.training.checkpoint import copy_state, restore_state, same_params
from cs682.training.log import DivergenceWarning, TrainingLog, interrupted_again
from cs682.training.schedules import cosine, one_cycle
from cs682.training.state import TrainingState, read_state, write_state

if TYPE_CHECKING:
    import os

    from cs682._types import Array, Labels, Options, Params

__all__ = ["DivergenceWarning", "Solver", "cosine", "one_cycle"]


def _of_state(name: str) -> Any:
    """Make an attribute that reads what the solver's state holds under a name."""
    return property(attrgetter(f"state.{name}"))


class Solver:
    """Train a model, and keep the parameters that did best on the validation set.

    Parameters
    ----------
    model : object with a dict `params` of ndarrays and a method ``loss(X, y=None)``, which returns
        scores of shape (N, C) without labels, else ``(loss, grads)`` with grads keyed like `params`
    data : dict with ``X_train`` (N, d_1, ..., d_k), ``y_train`` (N,), ``X_val`` and ``y_val``;
        not copied; further keys are ignored
    update_rule : str, name of a function in `cs682.optim`
    optim_config : dict or None, hyper-parameters of the rule; each parameter gets its own copy
    lr_decay : float > 0, factor on the learning rates at the end of each epoch
    lr_schedule : callable or None; gives for the progress of the run, in [0, 1), a factor on the
        learning rates, on top of `lr_decay`, see `cs682.training.schedules`
    augment : callable or None; gets a copy of each training batch and returns the one to train on,
        of the same shape, see `cs682.training.augment`. Accuracy is measured on images as they are.
    batch_size : int >= 1, examples per iteration
    num_epochs : int >= 0, length of a run; an epoch is ``max(N // batch_size, 1)`` iterations
    num_train_samples, num_val_samples : int >= 1 or None
        Examples that an evaluation draws to measure training and validation accuracy; None: all
    sampling : {'replacement', 'epoch'}
        'replacement' draws each batch anew, and an epoch sees about 63 % of all, some twice.
        'epoch' shuffles once per epoch, sees none twice and leaves the last ``N % batch_size`` out.
    checkpoint_name : str, path or None; each evaluation writes
        ``<checkpoint_name>_epoch_<epoch>.npz``, from which `load_checkpoint` goes on
    print_every : int, None or 'auto'; iterations per printed loss, None, 0 or less for never.
        'auto' leaves a long run its line per epoch, and gives a short one about ten lines.
    verbose : bool, whether to print anything
    progress : bool or None, whether to show a progress bar; None for when `verbose` is on and
        somebody sees it, in a notebook or on a terminal
    *others, **unknown : refused, with what was likely meant

    Attributes
    ----------
    state : TrainingState, all that training changes; the next ones are read from it
    epoch, iteration : int, epochs and iterations completed, over all runs
    loss_history : list of float, the loss of each iteration in nats per example
    train_acc_history, val_acc_history : list of float
        Accuracies in [0, 1], measured after the first iteration and at the end of each epoch
    best_val_acc : float, highest validation accuracy so far
    best_params : dict, the parameters that reached it; at first the initial ones
    optim_configs : dict, hyper-parameters and state of the update rule for each parameter
    diverged : bool, whether the last run stopped at a loss that is not finite
    interrupted : bool, whether the last run stopped at Ctrl-C

    Raises
    ------
    TypeError
        If an argument is unknown or of the wrong kind, labels that are not integers included.
    ValueError
        If a value is out of range, `data` lacks a key or its arrays do not fit together, or
        `update_rule` or a key of `optim_config` is unknown.

    Notes
    -----
    Batches and subsamples are drawn from NumPy's global stream in the order of the published
    notebooks: ``np.random.seed`` before building the model makes a run repeatable.
    """

    def __init__(
        self,
        model: Any,
        data: dict[str, Any],
        *others: Any,
        update_rule: str = "sgd",
        optim_config: Options | None = None,
        lr_decay: float = 1.0,
        lr_schedule: Callable[[float], float] | None = None,
        augment: Callable[[Array], Array] | None = None,
        batch_size: int = 100,
        num_epochs: int = 10,
        num_train_samples: int | None = 1000,
        num_val_samples: int | None = None,
        sampling: str = "replacement",
        checkpoint_name: str | os.PathLike[str] | None = None,
        print_every: int | str | None = "auto",
        verbose: bool = True,
        progress: bool | None = None,
        **unknown: Any,
    ) -> None:
        options.refuse_unknown(others, unknown, Solver.__init__)
        self.model = options.require_model(model)
        self.X_train, self.y_train, self.X_val, self.y_val = options.require_data(data)
        self.update_rule = options.require_update_rule(update_rule)
        self.optim_config = options.require_optim_config(optim_config, update_rule)
        self.lr_decay = given.require_number("lr_decay", lr_decay, zero=False)
        self.lr_schedule = options.require_schedule_or_none(lr_schedule, self.optim_config)
        self.augment = options.require_augmentation_or_none(augment)
        self.batch_size = given.require_count("batch_size", batch_size, 1)
        self.num_epochs = given.require_count("num_epochs", num_epochs, 0)
        self.num_train_samples = given.require_count_or_none(
            "num_train_samples", num_train_samples, 1
        )
        self.num_val_samples = given.require_count_or_none("num_val_samples", num_val_samples, 1)
        self.sampling = given.require_choice("sampling", sampling, ("replacement", "epoch"))
        self.checkpoint_name = given.require_path_or_none("checkpoint_name", checkpoint_name)
        self.print_every = options.require_interval("print_every", print_every)
        self.verbose = bool(verbose)
        self.progress = given.require_choice("progress", progress, (None, True, False))
        self._reset()

    epoch: int = _of_state("epoch")
    iteration: int = _of_state("iteration")
    loss_history: list[float] = _of_state("loss_history")
    train_acc_history: list[float] = _of_state("train_acc_history")
    val_acc_history: list[float] = _of_state("val_acc_history")
    best_val_acc: float = _of_state("best_val_acc")
    best_params: Params = _of_state("best.params")
    optim_configs: dict[str, Options] = _of_state("optim_configs")
    diverged: bool = _of_state("diverged")
    interrupted: bool = _of_state("interrupted")

    def _reset(self) -> None:
        """Forget all training; the model keeps the parameters it has."""
        configs = options.fresh_configs(self.optim_config, self.model.params, {})
        self.state = TrainingState(configs, copy_state(self.model))

    @property
    def iterations_per_epoch(self) -> int:
        """Iterations in an epoch: full batches in the training set, at least one."""
        return max(len(self.y_train) // self.batch_size, 1)

    @property
    def _last_epoch(self) -> int:
        return self.state.first_epoch + self.num_epochs

    def train(self) -> None:
        """Train for `num_epochs`, then give the model the best parameters so far.

        Batch normalization's running statistics are those that the best parameters were measured
        with. A loss that is not finite ends the run with a `DivergenceWarning`, Ctrl-C with a
        printed line; both leave the best parameters and the histories. Ctrl-C again within
        seconds is raised, so that a loop of trainings can be stopped.

        Called again, it finishes a run that was cut short, or adds another `num_epochs`. It goes on
        from the parameters, running statistics and optimiser state that training stopped with,
        not from the best ones. If ``model.params`` have been changed meanwhile, or the
        run had diverged, it goes on from what the model holds, with a fresh optimiser state and
        the learning rates reached.

        Raises
        ------
        KeyboardInterrupt
            If Ctrl-C comes again within seconds, in this training or another.
        ValueError
            If the model returns no gradient for a parameter or scores of a wrong shape,
            `lr_schedule` a negative or non-finite factor, or `augment` anything but such a batch.
        """
        self._resume()
        log = TrainingLog(
            self.state,
            self._last_epoch,
            self.iterations_per_epoch,
            self._highest_rate,
            self.verbose,
            self.print_every,
            self.progress,
        )
        if self.iteration == 0:
            log.fixed_masks(self.model)
        try:
            self._run(log)
        except KeyboardInterrupt:
            self.state.interrupted = True
            if interrupted_again():
                raise
            log.interrupted()
        finally:
            log.close()
            self.state.last = None if self.diverged else copy_state(self.model)
            restore_state(self.model, self.state.best)

    def _resume(self) -> None:
        """Put back the state that training stopped in, unless the parameters were changed."""
        state = self.state
        if state.last is not None and same_params(self.model, state.best):
            restore_state(self.model, state.last)
        elif state.iteration > 0:
            params, reached = self.model.params, state.optim_configs
            state.optim_configs = options.fresh_configs(self.optim_config, params, reached)
        if not state.val_acc_history:
            state.best = copy_state(self.model)
        if state.epoch >= self._last_epoch and not state.evaluation_due:
            state.first_epoch = state.epoch
        state.last, state.diverged, state.interrupted = None, False, False

    def _run(self, log: TrainingLog) -> None:
        """Step to the end of the run, with an evaluation where one is due."""
        if self.state.evaluation_due:  # Ctrl-C had cut it short
            self._evaluate(log)
        while self.iteration < log.last_iteration:
            self._step()
            if not math.isfinite(self.loss_history[-1]):
                self.state.diverged = True
                if not self.val_acc_history:  # at least one evaluation
                    self._measure()
                log.diverged()
                return
            log.step()
            if self.state.evaluation_due:
                self._evaluate(log)

    def _step(self) -> None:
        """Make one gradient update; none if the loss is not finite."""
        batch = self._sample()
        X = self.X_train[batch]
        if self.augment is not None:
            X = options.require_batch_like(self.augment(X), X.shape)
        loss, grads = self.model.loss(X, self.y_train[batch])
        if math.isfinite(loss):
            self._update(grads)
            self._count_iteration()
        self.loss_history.append(float(loss))

    def _sample(self) -> Any:
        """Draw the indices of the next minibatch; the only place that draws for training."""
        N, state = len(self.y_train), self.state
        if self.sampling == "replacement":
            return np.random.choice(N, self.batch_size)  # noqa: NPY002  # the published stream
        position = state.iteration % self.iterations_per_epoch
        if position == 0:
            state.order = np.random.permutation(N)  # noqa: NPY002  # the published stream
        return state.order[position * self.batch_size : (position + 1) * self.batch_size]

    def _update(self, grads: Params) -> None:
        """Apply the update rule to all parameters, or if anything is wrong to none."""
        options.require_gradients(grads, self.model.params)
        factor = self._schedule_factor()
        updated = {
            name: self._updated(w, grads[name], self.optim_configs[name], factor)
            for name, w in self.model.params.items()
        }
        self.model.params.update({name: w for name, (w, _) in updated.items()})
        self.state.optim_configs = {name: config for name, (_, config) in updated.items()}

    def _updated(
        self, w: Array, dw: Array, config: Options, factor: float | None
    ) -> tuple[Array, Options]:
        """Return a parameter's next value and config; the config keeps the unscaled rate."""
        if factor is None:
            return self.update_rule(w, dw, dict(config))
        rate = config["learning_rate"]
        next_w, config = self.update_rule(w, dw, {**config, "learning_rate": rate * factor})
        return next_w, {**config, "learning_rate": rate}

    def _schedule_factor(self) -> float | None:
        """Return the schedule's factor on the learning rates now; None without a schedule."""
        if self.lr_schedule is None:
            return None
        done = self.iteration - self.state.first_epoch * self.iterations_per_epoch
        progress = done / max(self.num_epochs * self.iterations_per_epoch, 1)
        return options.require_factor(self.lr_schedule(progress), progress)

    def _highest_rate(self) -> float:
        """Return the highest learning rate of the present iteration, over all parameters."""
        rates = [config.get("learning_rate", math.nan) for config in self.optim_configs.values()]
        factor = self._schedule_factor()
        return float(max(rates)) * (1.0 if factor is None else factor)

    def _count_iteration(self) -> None:
        """Count an iteration; at the end of an epoch count that, and decay the learning rates."""
        state = self.state
        state.iteration += 1
        at_end = state.iteration % self.iterations_per_epoch == 0
        if at_end:
            state.epoch += 1
            for config in state.optim_configs.values():
                if "learning_rate" in config:
                    config["learning_rate"] *= self.lr_decay
        state.evaluation_due = at_end or state.iteration == 1

    def _evaluate(self, log: TrainingLog) -> None:
        """Measure accuracy, keep the best parameters, write the checkpoint, print a line."""
        self._measure()
        self._save_checkpoint()
        log.evaluation()

    def _measure(self) -> None:
        """Append both accuracies to their histories, and keep the parameters if they are best."""
        train_acc = self.check_accuracy(self.X_train, self.y_train, self.num_train_samples)
        val_acc = self.check_accuracy(self.X_val, self.y_val, self.num_val_samples)
        state = self.state
        state.train_acc_history.append(train_acc)
        state.val_acc_history.append(val_acc)
        state.evaluation_due = False
        if val_acc > state.best_val_acc:
            state.best_val_acc, state.best = val_acc, copy_state(self.model)

    def check_accuracy(
        self, X: Array, y: Labels, num_samples: int | None = None, batch_size: int = 100
    ) -> float:
        """Return the share of examples that the model classifies rightly.

        Parameters
        ----------
        X : ndarray of float, shape (N, d_1, ..., d_k)
        y : ndarray of int, shape (N,), class labels
        num_samples : int or None; if N is larger, so many are drawn, with replacement
        batch_size : int, examples per forward pass

        Returns
        -------
        accuracy : float in [0, 1]; an example with a score that is not finite counts as wrong

        Raises
        ------
        ValueError
            If the model's scores have not the shape (N, C).
        """
        N = len(y)
        if num_samples is not None and num_samples < N:
            chosen = np.random.choice(N, num_samples)  # noqa: NPY002  # the published stream
            X, y, N = X[chosen], y[chosen], num_samples
        right = 0
        for start in range(0, N, batch_size):
            part = slice(start, start + batch_size)
            scores = options.require_scores(self.model.loss(X[part]), len(y[part]))
            finite = np.isfinite(scores).all(axis=1)  # argmax would take a row of NaN for class 0
            right += int(np.sum(finite & (scores.argmax(axis=1) == y[part])))
        return right / N

    def _save_checkpoint(self) -> None:
        """Write a checkpoint if `checkpoint_name` is set."""
        if self.checkpoint_name is not None:
            self.save_checkpoint(f"{self.checkpoint_name}_epoch_{self.epoch}.npz")

    def save_checkpoint(self, path: str | os.PathLike[str]) -> None:
        """Write all that `load_checkpoint` needs to go on from here, as one file or not at all.

        Parameters
        ----------
        path : str or path, replaced once the new file is complete; folders are made if need be

        Raises
        ------
        OSError
            If the file cannot be written.
        TypeError
            If the update rule keeps something in its config that a checkpoint cannot hold.
        """
        last = copy_state(self.model) if self.state.last is None else self.state.last
        write_state(path, self.state, last, options.settings_of(self))

    def load_checkpoint(self, path: str | os.PathLike[str]) -> None:
        """Take up a run where a checkpoint was written, global random stream included.

        The model then has the checkpoint's best parameters, as after `train`. The next `train`
        finishes the run, which ends at `num_epochs`: bit for bit as if it had never stopped. After
        a checkpoint of the last epoch it adds another `num_epochs`, as ever.

        Parameters
        ----------
        path : str or path; a file written by a solver with the same kind of model, the same options
            and the same data

        Raises
        ------
        ValueError
            If the file is damaged or does not fit this solver; nothing has changed then.
        OSError
            If the file cannot be opened.
        """
        settings = options.settings_of(self)
        self.state, random = read_state(path, self.model, settings, len(self.y_train))
        restore_state(self.model, self.state.best)
        np.random.set_state(random)  # noqa: NPY002  # the solver's stream

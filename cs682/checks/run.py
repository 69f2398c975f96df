"""Run the check of an exercise and say how it went."""

from __future__ import annotations

import inspect
import re
import sys
from bdb import BdbQuit
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from cs682._files import MISSING
from cs682.checks import own_work
from cs682.checks.compare import CallError, CheckError, Stopped, UnreadError, with_more
from cs682.checks.exercises import EXERCISES, HANDED_OUT, Exercise
from cs682.checks.hints import has_hints
from cs682.checks.judges import (
    conv_nets,
    convolution,
    dropout,
    given,
    given_images,
    layers,
    net_init,
    nets,
    norms,
    rules,
    spatial_norms,
    trainings,
)
from cs682.checks.judges import hidden_layers as hidden
from cs682.checks.judges.trainings import ByHeart
from cs682.checks.names import find_exercise, line_of_barrier, place_of, place_of_wrong
from cs682.checks.net_methods import say_returned
from cs682.checks.overwritten import advise_of_overwriting, say_overwriting
from cs682.checks.prerequisites import RESTS_ON
from cs682.checks.raised import explained, say_raised
from cs682.checks.report import Report
from cs682.checks.source import find_outdated
from cs682.checks.stack import student_line
from cs682.checks.subject import LocalSubject, Subject, is_of_notebook
from cs682.training.seeds import legacy_seed

Check = Callable[[Subject, Report], None]

_CHECKS: dict[str, tuple[Check, ...]] = {
    "fc-1.1": (layers.check_affine_forward,),
    "fc-1.2": (layers.check_affine_backward,),
    "fc-1.3": (layers.check_relu_forward,),
    "fc-1.4": (layers.check_relu_backward,),
    "fc-1.5": (given.check_affine_relu,),
    "fc-1.6": (given.check_losses,),
    "fc-2.1": (net_init.check_two_layer_init,),
    "fc-2.2": (nets.check_two_layer_scores,),
    "fc-2.3": (nets.check_two_layer_loss,),
    "fc-3.1": (net_init.check_net_init,),
    "fc-3.2": (nets.check_net_forward,),
    "fc-3.3": (nets.check_net_loss,),
    "fc-4.1": (rules.check_sgd_momentum,),
    "fc-4.2": (rules.check_rmsprop,),
    "fc-4.3": (rules.check_adam,),
    "bn-1.1": (norms.check_batchnorm_train,),
    "bn-1.2": (norms.check_batchnorm_test,),
    "bn-1.3": (norms.check_batchnorm_backward,),
    "bn-1.4": (norms.check_batchnorm_backward_alt,),
    "bn-2.1": (net_init.check_norm_init,),
    "bn-2.2": (hidden.check_norm_sandwich,),
    "bn-3.1": (norms.check_layernorm_forward,),
    "bn-3.2": (norms.check_layernorm_backward, hidden.check_layernorm_net),
    "do-1.1": (dropout.check_dropout_train,),
    "do-1.2": (dropout.check_dropout_test,),
    "do-1.3": (dropout.check_dropout_backward,),
    "do-2.1": (hidden.check_dropout_net,),
    "cn-1.1": (convolution.check_conv_forward,),
    "cn-1.2": (convolution.check_conv_backward,),
    "cn-1.3": (convolution.check_pool_forward,),
    "cn-1.4": (convolution.check_pool_backward,),
    "cn-1.5": (given_images.check_fast_layers,),
    "cn-1.6": (given_images.check_conv_sandwiches,),
    "cn-3.1": (spatial_norms.check_spatial_batchnorm_forward,),
    "cn-3.2": (spatial_norms.check_spatial_batchnorm_backward,),
    "cn-3.3": (spatial_norms.check_groupnorm_forward,),
    "cn-3.4": (spatial_norms.check_groupnorm_backward,),
    "cn-2.1": (conv_nets.check_three_layer_init,),
    "cn-2.2": (conv_nets.check_three_layer_scores,),
    "cn-2.3": (conv_nets.check_three_layer_loss,),
    "cn-4.1": (conv_nets.check_blocks_forward,),
    "cn-4.2": (conv_nets.check_blocks_loss,),
}
# A course may leave a notebook out; what belongs to it is then not there.
CHECKS = {key: checks for key, checks in _CHECKS.items() if key in EXERCISES}
# The accuracy that each training must reach: of the validation images, or of the few that a network
# learns by heart. The grader's bars are derived from these.
_BARS = {
    "fc-2.4": 0.5,
    "fc-3.4": 1.0,
    "fc-3.5": 1.0,
    "fc-5.1": 0.5,
    "cn-2.4": 0.98,
    "cn-2.5": 0.45,
    "cn-4.3": 0.65,
}
BARS = {key: bar for key, bar in _BARS.items() if key in EXERCISES}
BY_HEART = {
    "fc-3.4": ByHeart(layers=3, images=50, epochs=20),
    "fc-3.5": ByHeart(layers=5, images=50, epochs=20),
    "cn-2.4": ByHeart(layers=3, images=100, epochs=15, rule="adam"),
}
# The networks that a training may be handed in with.
_FLAT, _THREE = ("TwoLayerNet", "FullyConnectedNet"), ("ThreeLayerConvNet",)
NETS = {
    key: _FLAT if key.startswith("fc") else ("ConvNet", *_THREE) if key == "cn-4.3" else _THREE
    for key in BARS
}
# The file that a training keeps its network in, in the notebooks folder.
_FILES = {
    "fc-2.4": "two_layer_net.npz",
    "fc-3.4": "overfit_three_layers.npz",
    "fc-3.5": "overfit_five_layers.npz",
    "fc-5.1": "best_model.npz",
    "cn-2.4": "overfit_conv_net.npz",
    "cn-2.5": "three_layer_conv_net.npz",
    "cn-4.3": "best_conv_net.npz",
}
MODELS = {key: name for key, name in _FILES.items() if key in BARS}
TRAININGS: dict[str, Callable[..., None]] = {
    key: partial(trainings.check_overfit, BY_HEART[key], bar, NETS[key])
    if key in BY_HEART
    else partial(trainings.check_validation, bar, NETS[key])
    for key, bar in BARS.items()
}

# who is to blame, where that may be another exercise
_BLAMED = re.compile(
    r"mend what (\w+) returns as its cache|([\w.]+) has to return "
    r"|^(\w+_forward) (?:overwrites|changes) "
)
# ends what is written before it does anything, whatever the exercise is
_UNREAD = (SyntaxError, ImportError, SystemExit, BdbQuit)
_BENEATH = "is wrong too"
_GIVEN = (
    "This code was given. If you changed it: python -m cs682 reset {} puts it back, keeps yours"
)
_FEW = 2  # exercises beneath; a network's own check would be wrong, too
_STUB = re.compile(
    r"(?P<function>[\w.]+): see (?P<notebook>\w+\.ipynb), section (?P<section>[\d.]+\d)"
)


@dataclass(frozen=True)
class Result:
    """How the check of one exercise went.

    Attributes
    ----------
    exercise : Exercise
    state : {'passed', 'open', 'wrong'}
    message : str, what is wrong or which stub is open; empty if passed
    passed : tuple of str, the properties that held
    advice : tuple of str, what is right by the maths but will bite
    is_read : bool, what is written comes to run; else no hint to the exercise helps
    is_stopped : bool, time was up before the check came to an end
    """

    exercise: Exercise
    state: str
    message: str
    passed: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()
    is_read: bool = True
    is_stopped: bool = False


def say_next(result: Result) -> Result:
    """Add to a message what to do next, and where.

    Parameters
    ----------
    result : Result of the code that lies here

    Returns
    -------
    result : Result with function, file and line in its message
    """
    row = result.exercise
    if result.state == "passed" or row.id in TRAININGS:
        return result
    if row.id in HANDED_OUT:
        said = (
            f"Next: python -m cs682 reset {row.id} puts in what the course gives, and keeps yours"
        )
        return replace(result, message=f"{result.message}\n  {said}")
    is_own = result.is_read and result.state == "wrong" and _BENEATH not in result.message
    if row.is_given and is_own:
        return replace(result, message=f"{result.message}\n  {_GIVEN.format(row.id)}")
    stub = _STUB.search(result.message) if result.state == "open" else None
    if stub and (needed := _row_of(stub["notebook"], stub["section"])):
        start = "is open" if needed == row else f"waits for {needed.id}"
        return replace(
            result,
            message=f"{row.id} {start}: {_say_stub(needed, stub)}, and save it ({stub[0]})",
        )
    if result.state == "open" or ".py" in result.message or row.is_given:  # it says what to do
        return result
    function = ""
    if other := _BLAMED.search(result.message):
        function = next(filter(None, other.groups()))
        row = next((row for row in EXERCISES.values() if function in row.functions), row)
    place = place_of_wrong(row, function or result.message)
    return replace(result, message=f"{result.message}\n  Next: mend {place}, and save it")


def _say_stub(row: Exercise, stub: re.Match[str]) -> str:
    """Say where to write what is open or, where it stands below the stub, what hides it."""
    if line := line_of_barrier(row, stub["function"], stub[0]):
        return (
            f"code stands below the `raise` in {row.file}, line {line}, which ends "
            f"{stub['function']} there: take the `raise` away"
        )
    return f"write {place_of(row, stub['function'])}"


def hints_help(result: Result) -> bool:
    """Tell whether a student may be stuck: has written what Python reads, and hints are there.

    Parameters
    ----------
    result : Result

    Returns
    -------
    hints_help : bool
    """
    return result.state == "wrong" and result.is_read and has_hints(result.exercise)


def _row_of(notebook: str, section: str) -> Exercise | None:
    """Return the exercise of a section; None if there is none."""
    rows = EXERCISES.values()
    return next((r for r in rows if (r.notebook, r.section) == (notebook, section)), None)


def describe(result: Result) -> str:
    """Return how a check went as text of a few lines.

    Parameters
    ----------
    result : Result

    Returns
    -------
    text : str
    """
    row = result.exercise
    points = f"{row.points} point{'s' * (row.points != 1)}"
    lines = [f"{result.state}  {row.id}  {row.title}  ({points})"]
    if result.message:
        lines += [f"  {line}" for line in result.message.splitlines()]
    else:
        lines += [f"  ok      {line}" for line in result.passed]
    lines += [f"  advice  {line}" for line in result.advice]
    return "\n".join(lines)


def examine(
    exercise: str,
    subject: Subject | None = None,
    *,
    checks: Sequence[Check] | None = None,
    **artefacts: Any,
) -> Result:
    """Check one exercise and return how it went, whatever the student's code does.

    Parameters
    ----------
    exercise, subject, **artefacts
        As for `check`.
    checks : sequence of functions of a subject and a report; by default the exercise's own

    Returns
    -------
    result : Result

    Raises
    ------
    CallError
        If there is no exercise of this id, it is a question for a person to read, or a training and
        the call lacks what that leaves behind.
    Stopped
        If the student interrupts it.
    SystemExit
        If the call itself, and not the student's code, lacks what the check asks for.
    """
    row = find_exercise(exercise)
    exercise = row.id
    if row.is_question:
        raise CallError(f"{exercise} is a question, which no check can judge")
    if exercise in TRAININGS:
        _require_artefacts(exercise, artefacts)
    report, student = Report(), subject or LocalSubject()
    state, message, is_read = "passed", "", True
    with legacy_seed(682), np.errstate(all="ignore"):  # a check must not shift the notebook's draws
        try:
            if subject is None:
                _require_what_is_written(row)
            if exercise in TRAININGS:
                TRAININGS[exercise](report, **artefacts)
            for function in CHECKS.get(exercise, ()) if checks is None else checks:
                function(student, report)
            report.require_lasting_results()
        except CheckError as error:
            state, message, is_read = "wrong", str(error), not isinstance(error, UnreadError)
        except NotImplementedError as stub:
            state, message = "open", _open(row, stub)
        except KeyboardInterrupt as stop:
            raise Stopped(
                f"the check of {exercise} was interrupted\n{student_line(stop)}"
            ) from None
        except (Exception, SystemExit) as error:
            if exercise in TRAININGS and not student_line(error):
                raise  # the call lacks what the check asks for
            message = explained(partial(say_returned, error)) or say_raised(error, row.functions)
            state, is_read = "wrong", not isinstance(error, _UNREAD) and MISSING not in message
    report.advice += own_work.take_singles()
    if state == "wrong" and subject is None and checks is None and is_read:
        message = (say_overwriting(row, _look_at) or _say_beneath(row, message)) + message
    if state != "open" and subject is None and checks is None:
        report.advice = advise_of_overwriting(row, report.advice, _look_at)
    if state == "passed" and subject is None and checks is None:
        _advise_of_beneath(row, report)
    return Result(row, state, message, tuple(report.passed), tuple(report.advice), is_read)


def _look_at(key: str) -> Result:
    """Check one exercise by itself, whatever lies beneath it."""
    return examine(key, checks=CHECKS.get(key, ()))


def _require_what_is_written(row: Exercise) -> None:
    """Refuse to check code that is not what stands in the file."""
    files = [row.file, *(EXERCISES[key].file for key in RESTS_ON.get(row.id, ()))]
    for file, said in find_outdated(file for file in files if file.endswith(".py")).items():
        raise UnreadError(f"{file} {said}")


def _require_artefacts(exercise: str, artefacts: dict[str, Any]) -> None:
    """Refuse a call of `check` without what a training leaves behind, or with something else."""
    parameters = inspect.signature(TRAININGS[exercise]).parameters.values()
    asked = [each.name for each in parameters if each.kind is each.KEYWORD_ONLY]
    if set(asked) != set(artefacts):
        call = ", ".join([f'check("{exercise}"', *(f"{name}=..." for name in asked)])
        raise CallError(f"{exercise} looks at what was trained: {call}), as in its own cell")


def _say_beneath(row: Exercise, message: str) -> str:
    """Say which exercise beneath a wrong one is wrong too; empty if it is this one alone."""
    beneath = _find_beneath(row)
    if beneath is None or beneath.message == message:  # one mistake, and the message has its place
        return ""
    is_there = ".py" in beneath.message
    first = "that" if is_there else place_of_wrong(beneath.exercise, beneath.message)
    return (
        f"{beneath.exercise.id} {_BENEATH}, and may be the cause. First mend {first}: "
        f"{beneath.message}\n  Then look at what {row.id} says: "
    )


def _find_beneath(row: Exercise) -> Result | None:
    """Return how the deepest wrong exercise beneath one is; None if there is none."""
    for key in RESTS_ON.get(row.id, ()):
        result = _look_at(key)
        if result.state == "wrong":
            return _find_beneath(EXERCISES[key]) or result
    return None


def _advise_of_beneath(row: Exercise, report: Report) -> None:
    """Tell of a wrong layer beneath one that is right: a notebook's cell compares the two."""
    beneath = RESTS_ON.get(row.id, ())
    for key in beneath if len(beneath) <= _FEW else ():
        if _look_at(key).state == "wrong":
            where = place_of(EXERCISES[key])
            report.advise(f"{key} is wrong: before you compare with what it gives, mend {where}")


def _open(row: Exercise, stub: NotImplementedError) -> str:
    """Say whether it is this exercise that is open, or one that it needs."""
    if f"{row.notebook}, section {row.section}" in str(stub):
        cell = vars(sys.modules["__main__"])
        own = next((name for name in row.functions if is_of_notebook(cell.get(name))), "")
        said = f"{own} in the notebook does not count: write it in the file" if own else ""
        return with_more(f"{row.id} is open: {stub}", said)
    if ".ipynb, section" in str(stub):
        return f"{row.id} waits for another exercise: {stub}"
    return f"{row.id} is not finished: {say_raised(stub, row.functions)}"

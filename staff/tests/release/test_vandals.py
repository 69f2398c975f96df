"""Functions that are right and overwrite all that they were given: no check is led astray."""

from __future__ import annotations

import contextlib
import functools
import importlib
from copy import deepcopy

import numpy as np
import pytest

from cs682.checks.exercises import EXERCISES
from cs682.checks.prerequisites import RESTS_ON
from cs682.checks.run import CHECKS, examine

MODULES = {
    name: row.file.removesuffix(".py").replace("/", ".")
    for row in EXERCISES.values()
    for name in row.functions
}
FUNCTIONS = {  # with the exercises that ask for it, and those that rest on these
    name: [key for key in CHECKS if {key, *RESTS_ON.get(key, ())} & set(own)]
    for row in EXERCISES.values()
    for name in row.functions
    if row.id in CHECKS
    for own in [[key for key in CHECKS if name in EXERCISES[key].functions]]
}


def arrays_in(value):
    """Give all arrays of a function's arguments: in caches, options and networks too."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, (tuple, list)):
        for part in value:
            yield from arrays_in(part)
    elif isinstance(value, dict):
        yield from arrays_in(list(value.values()))
    elif hasattr(value, "params"):  # a network
        yield from arrays_in(value.params)


@contextlib.contextmanager
def overwriting(name):
    """Have a function write into its arguments once its result is there."""
    owner = importlib.import_module(MODULES[name])
    *classes, last = name.split(".")
    owner = functools.reduce(getattr, classes, owner)
    real = getattr(owner, last)

    @functools.wraps(real)
    def vandal(*args, **kwargs):
        result = deepcopy(real(*args, **kwargs))
        for array in arrays_in([args, kwargs]):
            if array.dtype.kind == "f" and array.flags.writeable:
                array *= 1.0001
        return result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, last, vandal)
        yield


@pytest.mark.slow
@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_check_asks_for_a_value_of_arrays_that_an_answer_has_changed(name, at_a_student_s):
    with overwriting(name), at_a_student_s():
        for key in FUNCTIONS[name]:
            examine(key)  # MissingValue is no Exception, and ends this


def test_a_loss_that_takes_steps_costs_its_own_exercise_alone():
    """The running statistics are tried after passes that go through both exercises."""
    with overwriting("ConvNet._loss_and_gradients"):
        forward, loss = examine("cn-4.1"), examine("cn-4.2")

    assert forward.state == "passed", forward.message
    assert loss.state == "wrong"
    assert loss.message.startswith("params['W1'] changed while the loss was computed")

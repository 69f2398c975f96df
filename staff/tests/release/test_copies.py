"""Nothing that is released passes an exercise when it is copied into its place."""

from __future__ import annotations

import ast
import contextlib
import copy
import importlib
import inspect
import io
import json
import re
from unittest import mock

import numpy as np
import pytest

from cs682 import layer_utils, layers, optim
from cs682.checks import EXERCISES
from cs682.checks.run import CHECKS, examine
from cs682.classifiers import cnn, fc_net

PLACES = (layers, layer_utils, optim, fc_net, cnn)
# These handle files, processes and pages; what they do to arrays is none of a layer's mathematics.
ELSEWHERE = (
    *("cs682/cifar10/", "cs682/hand_in/", "cs682/setup/", "cs682/search/", "cs682/__main__"),
    "cs682/checks/limit",  # called with arrays, its clock would interrupt the tests
)
OURS = [key for key in CHECKS if not EXERCISES[key].is_given]
FENCED = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def to_do(*args, **kwargs):
    """Stand for an exercise that is open, as in a release all are."""
    raise NotImplementedError


OPEN = {name: to_do for key in OURS for name in EXERCISES[key].functions if "." not in name}


def texts(files):
    """Yield the name of a namespace and a source text for all the code that students get."""
    for path, data in files.items():
        if path.startswith(ELSEWHERE):
            continue
        if path.endswith(".py"):
            yield path.removesuffix("/__init__.py").removesuffix(".py").replace("/", "."), data
        elif path.endswith(".ipynb"):
            for cell in json.loads(data)["cells"]:
                if cell["cell_type"] == "code":
                    yield "cs682.classifiers.fc_net", "".join(cell["source"])
        elif path.endswith(".md"):
            for block in FENCED.findall(data.decode()):
                yield "cs682.classifiers.fc_net", block


def functions(files):
    """Give every function of the release, nested ones and lambdas too, as if it stood in layers."""
    found = []
    for module, text in texts(files):
        namespace = {**vars(importlib.import_module(module)), **OPEN, "__name__": "cs682.layers"}
        for node in ast.walk(ast.parse(text)):
            with contextlib.suppress(Exception):  # a default that only its surroundings know
                found += made(node, dict(namespace))
    return found


def made(node, namespace):
    """Give the function that a piece of source makes, if it is one that is written already."""
    if isinstance(node, ast.Lambda):
        return [eval(compile(ast.Expression(node), "a copy", "eval"), namespace)]
    if not isinstance(node, ast.FunctionDef) or is_stub(node):
        return []
    node.decorator_list = []
    exec(compile(ast.Module([node], []), "a copy", "exec"), namespace)
    return [namespace[node.name]]


def is_stub(node):
    """Tell whether a function is still to be written."""
    return "NotImplementedError" in ast.dump(node)


@pytest.fixture(scope="module")
def released(release):
    found = functions(release.files)
    assert len(found) > 500
    return found


def homes(name):
    """Give the places where a function or method of an exercise is looked up."""
    owner, _, method = name.rpartition(".")
    if owner:
        return [(getattr(cnn if hasattr(cnn, owner) else fc_net, owner), method)]
    return [(module, name) for module in PLACES if hasattr(module, name)]


@contextlib.contextmanager
def in_place(name, function):
    with contextlib.ExitStack() as stack:
        for home, attribute in homes(name):
            stack.enter_context(mock.patch.object(home, attribute, function))
        yield


def first_call(exercise, name):
    """Give what a check calls a function with first, and what the right one returns."""
    caught = []

    def remember(*args, **kwargs):
        arguments = copy.deepcopy((args, kwargs))
        result = original(*args, **kwargs)
        caught.append((arguments, copy.deepcopy(result)))
        return result

    home, attribute = homes(name)[0]
    original = getattr(home, attribute)
    with in_place(name, remember):
        assert examine(exercise).state == "passed"
    return caught[0]


def dresses(function):
    """Yield a function as it is, and with its result as an exercise has to return it."""
    yield function
    yield lambda *args, **kwargs: (function(*args, **kwargs), args)
    yield lambda *args, **kwargs: (function(*args, **kwargs), args[0])
    yield lambda *args, **kwargs: (function(*args, **kwargs), args[-1])
    yield lambda *args, **kwargs: tuple(function(*args, **kwargs))


def takes(function, arguments):
    """Tell whether a function can be called so."""
    args, kwargs = arguments
    try:
        inspect.signature(function).bind(*args, **kwargs)
        return True
    except (TypeError, ValueError):
        return False


def gives(function, arguments, right):
    """Tell whether a function gives something of the right form; a check refuses all else."""
    args, kwargs = copy.deepcopy(arguments)
    try:
        result = function(*args, **kwargs)
        if not isinstance(right, tuple):
            return result is not None and np.shape(result) == np.shape(right)
        return len(result) == len(right) and np.shape(result[0]) == np.shape(right[0])
    except BaseException:  # a test's function may play Ctrl-C
        return False


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Possible nested set")  # of an array taken for a pattern
@pytest.mark.parametrize("exercise", OURS)
def test_no_released_function_passes_an_exercise(exercise, released, at_a_student_s):
    passing = []
    with at_a_student_s(), contextlib.redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
        for name in EXERCISES[exercise].functions:
            call = first_call(exercise, name)
            for function in (f for f in released if takes(f, call[0])):
                for dressed in (d for d in dresses(function) if gives(d, *call)):
                    with in_place(name, dressed):
                        if examine(exercise).state == "passed":
                            passing.append(function.__qualname__)

    assert passing == []


@pytest.mark.parametrize(
    ("exercise", "name", "text"),
    [
        ("fc-1.1", "affine_forward", "lambda x, w, b: x.reshape(len(x), -1) @ w + b"),
        ("fc-1.3", "relu_forward", "lambda x: np.maximum(x, 0)"),
        ("fc-4.1", "sgd_momentum", None),
    ],
)
def test_a_copy_of_the_answer_would_be_seen(exercise, name, text):
    answer = eval(text, {"np": np}) if text else getattr(optim, name)
    call = first_call(exercise, name)
    states = set()

    assert takes(answer, call[0])
    for dressed in (d for d in dresses(answer) if gives(d, *call)):
        with in_place(name, dressed):
            states.add(examine(exercise).state)

    assert "passed" in states

"""Grade an exercise on its own merits when others that it is built on are not right.

The course's own code then stands in for all the others, and never enters the sandbox. What lies
above the exercise, and functions beside it, run in the grader, on top of the student's function.
What lies below is replaced in the worker by functions that ask the grader for their results;
an exercise is never graded in a sandbox where something could be asked that answers it.
"""

from __future__ import annotations

import importlib.util
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from cs682 import layer_utils, layers
from cs682.checks.exercises import EXERCISES
from cs682.checks.subject import FUNCTIONS, LocalSubject
from cs682.classifiers import fc_net
from staff.grading.sandbox.wire import BadFrameError, Packer, Unshared, unpack

if TYPE_CHECKING:
    from cs682.checks.subject import Subject
    from staff.grading.sandbox.remote import RemoteSubject

_PLAIN = ("fc-1.1", "fc-1.2", "fc-1.3", "fc-1.4", "fc-1.5")
_DEEP = (*_PLAIN, "fc-1.6", "fc-3.1", "fc-3.2", "fc-3.3")
_BATCHNORM = ("bn-1.1", "bn-1.2", "bn-1.3", "bn-1.4", "bn-2.1")

# What must be right for the check of an exercise to say something about that exercise.
PREREQUISITES: dict[str, tuple[str, ...]] = {
    "fc-1.2": ("fc-1.1",),
    "fc-1.4": ("fc-1.3",),
    "fc-1.5": _PLAIN[:4],
    "fc-2.2": (*_PLAIN, "fc-2.1"),
    "fc-2.3": (*_PLAIN, "fc-1.6", "fc-2.1", "fc-2.2"),
    "fc-3.2": (*_PLAIN, "fc-3.1"),
    "fc-3.3": _DEEP[:-1],
    "bn-1.3": ("bn-1.1",),
    "bn-1.4": ("bn-1.1",),
    "bn-2.1": ("fc-3.1",),
    "bn-2.2": (*_DEEP, *_BATCHNORM),
    "bn-3.2": (*_DEEP, "bn-2.1", "bn-2.2", "bn-3.1"),
    "do-1.3": ("do-1.1", "do-1.2"),
    "do-2.1": (*_DEEP, *_BATCHNORM, "bn-2.2", "bn-3.1", "bn-3.2", "do-1.1", "do-1.2", "do-1.3"),
}
PARTNERS = {  # the function whose cache the exercise's own function reads
    "fc-1.2": "affine_forward",
    "fc-1.4": "relu_forward",
    "fc-2.3": "TwoLayerNet._forward",
    "fc-3.3": "FullyConnectedNet._forward",
    "bn-1.3": "batchnorm_forward",
    "bn-1.4": "batchnorm_forward",
    "bn-3.2": "layernorm_forward",
    "do-1.3": "dropout_forward",
}
_LAYERS = tuple(name for name, home in FUNCTIONS.items() if home == "cs682.layers")
_UTILS = tuple(name for name, home in FUNCTIONS.items() if home == "cs682.layer_utils")
_METHODS = tuple(
    name for row in EXERCISES.values() for name in row.functions if row.file.endswith("fc_net.py")
)
CONSTANTS = {"NORMALIZATIONS": list(layer_utils.NORMALIZATIONS)}


@dataclass(frozen=True)
class Plan:
    """A way to grade an exercise.

    Attributes
    ----------
    stand_ins : tuple of str, functions that the worker asks the grader for, as ``module:name``
    own : tuple of str, layers or sandwiches that are the student's, while all else runs here;
        empty if everything but the stand-ins is the student's and runs in the worker
    """

    stand_ins: tuple[str, ...] = ()
    own: tuple[str, ...] = ()

    def subject(self, remote: RemoteSubject) -> Subject:
        """Return the subject to be examined.

        Parameters
        ----------
        remote : RemoteSubject

        Returns
        -------
        subject : Subject
        """
        if not self.own:
            return remote
        return _Composed({name: _positional(name, getattr(remote, name)) for name in self.own})


def plans(exercise: str) -> list[Plan]:
    """Return ways to grade an exercise without what other exercises ask for, the fairest first.

    Parameters
    ----------
    exercise : str, its id

    Returns
    -------
    plans : list of Plan
    """
    row, partner = EXERCISES[exercise], PARTNERS.get(exercise)
    choices = [row.functions]
    if partner and (row.file.endswith("fc_net.py") or exercise == "bn-3.2"):
        choices = [(*row.functions, partner), row.functions]
    return [_plan(row.file, tuple(name for name in own if name)) for own in choices]


def _plan(file: str, own: tuple[str, ...]) -> Plan:
    """Return the plan in which these functions of a file are the student's."""
    if file.endswith(("/layers.py", "/optim.py")):
        return Plan(own=own)
    below = [f"cs682.layers:{name}" for name in _LAYERS]
    below += [f"cs682.layer_utils:{name}" for name in _UTILS if name not in own]
    if file.endswith("layer_utils.py"):
        return Plan(tuple(below), own)
    beside = [f"cs682.classifiers.fc_net:{name}" for name in _METHODS if name not in own]
    return Plan((*below, *beside))


def _positional(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a worker's function for callers that name arguments, as the reference does."""
    signature = inspect.signature(_function(f"{FUNCTIONS[name]}:{name}"))

    def call(*args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs)
        if kwargs:
            bound.apply_defaults()
        return function(*bound.args)

    return call


def blamed(exercise: str, states: Mapping[str, str]) -> list[str]:
    """Return the exercises that may be why another one did not pass.

    Parameters
    ----------
    exercise : str, its id
    states : mapping from ids to states

    Returns
    -------
    ids : list of str; empty if the exercise passed, or has only itself to blame
    """
    if states[exercise] == "passed":
        return []
    return [i for i in PREREQUISITES.get(exercise, ()) if i in states and states[i] != "passed"]


def _private(name: str) -> Any:
    """Return another copy of one of the reference's modules, whose functions may be replaced."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        raise ImportError(name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class _Composed(LocalSubject):
    """The reference, with some of its layers or sandwiches taken from a worker."""

    def __init__(self, own: Mapping[str, Callable[..., Any]]) -> None:
        super().__init__()
        self._modules = {}
        names: dict[str, Any] = {}
        for module in (layers, layer_utils, fc_net):
            copy = _private(module.__name__)
            vars(copy).update(names)
            names |= {name: vars(copy)[name] for name in FUNCTIONS if name in vars(copy)}
            names |= own
            vars(copy).update(own)
            self._modules[module.__name__] = copy

    def _import(self, name: str) -> Any:
        return self._modules[name]


class Answers(Unshared):
    """What a worker's stand-ins ask for: results of the reference; caches stay here.

    Parameters
    ----------
    allowed : tuple of str, what may be asked, as ``module:name``
    """

    def __init__(self, allowed: tuple[str, ...]) -> None:
        self._allowed = frozenset(allowed)
        self._caches: list[Any] = [None]  # a token's number is an index; 0 is no token

    def __call__(self, name: str, tree: Any, arrays: list[Any]) -> tuple[dict[str, Any], list[Any]]:
        """Return the frame that answers a question.

        Parameters
        ----------
        name : str, as ``module:name``
        tree : args and kwargs, packed
        arrays : list of ndarray

        Returns
        -------
        message : dict
        arrays : list of ndarray

        Raises
        ------
        BadFrameError
            If this may not be asked, or not so.
        """
        if type(name) is not str or name not in self._allowed:
            raise BadFrameError("a question that may not be asked")
        match unpack(tree, arrays, self):
            case (tuple(args), dict(kwargs)) if all(type(key) is str for key in kwargs):
                pass
            case _:
                raise BadFrameError("arguments that are none")
        try:
            result = _function(name)(*args, **kwargs)
        except Exception as error:  # the arguments are the student's
            return {"raised": f"{type(error).__name__}: {error}"[:1000]}, []
        packer = _TokenPacker(self._caches)
        dicts = [v for v in (*args, *kwargs.values()) if type(v) is dict]
        tree = packer.pack((self._hide(name, result), dicts))
        return {"result": tree}, packer.arrays

    def _hide(self, name: str, result: Any) -> Any:
        """Return a result in which caches are wrapped, so that they stay here."""
        if not name.endswith("_forward"):
            return result
        out, cache = result
        if "." in name.partition(":")[2]:  # a network's: one cache for each layer
            return out, type(cache)(_Kept(c) for c in cache)
        return out, _Kept(cache)

    def handle(self, number: int, kind: str) -> Any:
        """Return the cache that a token stands for.

        Parameters
        ----------
        number : int
        kind : str

        Raises
        ------
        BadFrameError
            If the token was never given out.
        """
        if not 0 < number < len(self._caches):
            raise BadFrameError("a token that was never given out")
        return self._caches[number]


@dataclass(frozen=True)
class _Kept:
    """A cache on its way to the worker, of which only a number gets there."""

    cache: Any


class _TokenPacker(Packer):
    """Packs results; caches are kept and numbered."""

    def __init__(self, caches: list[Any]) -> None:
        super().__init__()
        self._caches = caches

    def handle(self, value: Any) -> Any:
        """Return the tree of a token."""
        if type(value) is not _Kept:
            raise TypeError(f"a {type(value).__name__} cannot be sent to a worker")
        self._caches.append(value.cache)
        return ["h", len(self._caches) - 1, ""]


def _function(name: str) -> Callable[..., Any]:
    """Return a function or method of the reference."""
    module, _, path = name.partition(":")
    home: Any = {"cs682.layers": layers, "cs682.layer_utils": layer_utils}.get(module, fc_net)
    owner, _, function = path.rpartition(".")
    return partial(_method, getattr(home, owner), function) if owner else getattr(home, function)


def _method(owner: Any, function: str, attributes: Any, *args: Any) -> Any:
    """Call a method of a reference network that has these attributes."""
    net = object.__new__(owner)
    vars(net).update(attributes)
    return getattr(net, function)(*args)

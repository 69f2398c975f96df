"""What a process of the sandbox does for one exercise: import the student's code, answer calls.

Arrays, lists and dicts that have crossed are known to both sides by number. After each call those
that the student's code has changed since are sent again, so that the grader sees what a check in
the same process would see. Caches and networks stay here, behind their numbers.
"""

from __future__ import annotations

import importlib
import sys
import traceback
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.random  # once, and not in each process: NumPy loads it when it is first used

from staff.grading.sandbox.wire import Packer, Unshared, Wire, unpack

_MAX_SAID = 4000  # characters of an exception's text, and of its traceback


def import_subject(trusted: Path, package: Path) -> Any:
    """Return the module that defines how checks reach a student's code in the same process.

    Parameters
    ----------
    trusted : Path, folder with the module as the package `cs682` has it
    package : Path, folder with the student's package, not yet imported

    Returns
    -------
    module : `cs682.checks.subject`, which later imports of `cs682` do not find
    """
    sys.path.insert(0, str(trusted))
    subject: Any = importlib.import_module("cs682.checks.subject")
    subject._PACKAGE = package / "cs682"  # where the student's lines are, in messages
    sys.path.remove(str(trusted))
    for name in [name for name in sys.modules if name.partition(".")[0] == "cs682"]:
        del sys.modules[name]
    return subject


def serve(module: Any, end: Any, order: dict[str, Any]) -> None:
    """Answer calls until the other side closes the socket.

    Parameters
    ----------
    module : `cs682.checks.subject`
    end : socket
    order : dict with the ``seed`` of NumPy's global stream, the exercise's ``functions``, the
        functions that ``stand_ins`` replace by calls to the grader, and ``constants`` beside them
    """
    wire, objects = Wire(end), Objects()
    np.random.seed(order["seed"])  # noqa: NPY002  # students draw from this stream
    np.seterr(all="ignore")
    for name in order["stand_ins"]:
        stand_in(name, wire, order["constants"])
    subject = module.LocalSubject()
    subject._import = importlib.import_module  # files do not change here: no need to parse again
    subject.restore = _restore
    while True:
        try:
            message, arrays = wire.receive()
        except EOFError:
            return
        answer = _answer(module, subject, objects, message, arrays, order["functions"])
        wire.send(*answer)


def _restore(net: Any, params: dict[str, Any], running: list[dict[str, Any]]) -> None:
    """Give a network trained parameters and running statistics."""
    net.params.update(params)
    for own, given in zip(getattr(net, "bn_params", []), running, strict=True):
        own.update(given)


def _answer(
    module: Any, subject: Any, objects: Objects, message: Any, arrays: Any, functions: Any
) -> tuple[dict[str, Any], list[Any]]:
    """Return the frame that answers a call: its result and what has changed, or what it raised."""
    objects.release(message["release"])
    args, kwargs = unpack(message["args"], arrays, objects)
    packer = objects.packer() if message["keep"] else Packer(hide=objects.hide)
    try:
        result = getattr(subject, message["do"])(*args, **kwargs)
    except BaseException as error:  # SystemExit and KeyboardInterrupt too: they are the student's
        said = _describe(module, error, tuple(functions))
        return {"raised": said, "changes": objects.changes(packer)}, packer.arrays
    tree = _pack_result(packer, objects, result, message["hide"])
    return {"result": tree, "changes": objects.changes(packer)}, packer.arrays


def _pack_result(packer: Packer, objects: Objects, result: Any, hide: int | None) -> Any:
    """Return the tree of a result; from `hide` on its items stay here, unless they are arrays.

    A cache that is an array crosses, because a check in the same process would copy it too.
    """
    hidden = objects.packer()
    if hide == 0:
        return hidden.handle(result)
    if hide is None or type(result) not in (tuple, list):
        return packer.pack(result)
    shown = [
        packer.pack(v, 1) if i < hide or type(v) is np.ndarray else hidden.handle(v)
        for i, v in enumerate(result)
    ]
    return ["t", shown] if type(result) is tuple else ["l", 0, shown]


def _describe(module: Any, error: BaseException, functions: tuple[str, ...]) -> dict[str, str]:
    """Return what an exception says, and where in the student's code it came from."""
    kinds = {"check": module.CheckError, "open": NotImplementedError, "exit": SystemExit}
    kind = next((name for name, type_ in kinds.items() if isinstance(error, type_)), "other")
    try:
        said = str(error)
    except BaseException as second:
        said = f"(its text raises {type(second).__name__})"
    trace = "".join(traceback.format_exception(error, limit=-20))
    return {
        "kind": kind,
        "type": type(error).__name__,
        "text": said[:_MAX_SAID],
        "line": module.student_line(error, functions)[:_MAX_SAID],
        "trace": trace[-_MAX_SAID:],
    }


class Objects:
    """The objects that both sides know by number; those that arise here have even numbers."""

    def __init__(self) -> None:
        self._objects: dict[int, Any] = {}
        self._numbers: dict[int, int] = {}  # by id(); the objects are held, so ids stay theirs
        self._sent: dict[int, Any] = {}  # what the other side believes each object to be
        self._next = 2

    def number(self, value: Any) -> int:
        """Return the object's number, a new one if it has none.

        Parameters
        ----------
        value : object
        """
        if id(value) not in self._numbers:
            self._keep(self._next, value)
            self._next += 2
        return self._numbers[id(value)]

    def hide(self, value: Any) -> int:
        """Return a number of its own for an object that stays here.

        Parameters
        ----------
        value : object
        """
        self._objects[self._next] = value
        self._next += 2
        return self._next - 2

    def packer(self) -> Packer:
        """Return a packer for values that both sides are to know by number."""
        return Packer(self.number, self.is_known, self.hide)

    def _keep(self, number: int, value: Any) -> None:
        """Hold an object under a number."""
        self._objects[number] = value
        self._numbers[id(value)] = number

    def release(self, numbers: list[int]) -> None:
        """Forget objects that the other side no longer has.

        Parameters
        ----------
        numbers : list of int
        """
        for number in numbers:
            if number in self._objects:
                value = self._objects.pop(number)
                if self._numbers.get(id(value)) == number:
                    del self._numbers[id(value)]
                self._sent.pop(number, None)

    def is_known(self, value: Any) -> bool:
        """Tell whether the other side has an object as it is; if not, it is about to get it.

        Parameters
        ----------
        value : ndarray, list or dict
        """
        number, now = self._numbers[id(value)], _state(value)
        was, self._sent[number] = self._sent.get(number), now
        return bool(was == now)

    def changes(self, packer: Packer) -> list[Any]:
        """Return number and tree of each object that is not as the other side believes.

        Parameters
        ----------
        packer : Packer of the frame

        Returns
        -------
        changes : list of [number, tree]
        """
        shared = [(n, v) for n, v in self._objects.items() if n in self._sent]
        shared.sort(key=lambda pair: type(pair[1]) is not np.ndarray)  # others refer to arrays
        tracked = self.packer()
        tracked.arrays = packer.arrays
        return [[n, tracked.pack(v)] for n, v in shared if self._sent[n] != _state(v)]

    def array(self, number: int, value: Any) -> Any:
        """Return the array of this number, with this value; number 0 means a new one each time.

        Parameters
        ----------
        number : int
        value : ndarray
        """
        have: Any = self._objects.get(number)
        if number and (have is None or not _same_kind(have, value)):
            self.release([number])
            self._keep(number, value)
        elif number:
            np.copyto(have, value)
            value = have
        if number:
            self._sent[number] = _state(value)
        return value

    def sequence(self, number: int, items: list[Any]) -> list[Any]:
        """Return the list of this number with these items.

        Parameters
        ----------
        number : int
        items : list
        """
        have: list[Any] = self._objects.get(number, []) if number else []
        have[:] = items
        self._track(number, have)
        return have

    def mapping(self, number: int, items: dict[Any, Any]) -> dict[Any, Any]:
        """Return the dict of this number with these items.

        Parameters
        ----------
        number : int
        items : dict
        """
        have: dict[Any, Any] = self._objects.get(number, {}) if number else {}
        have.clear()
        have.update(items)
        self._track(number, have)
        return have

    def _track(self, number: int, value: Any) -> None:
        """Hold a list or dict that has just come."""
        if number:
            self._keep(number, value)
            self._sent[number] = _state(value)

    def handle(self, number: int, kind: str) -> Any:
        """Return the object that stayed here.

        Parameters
        ----------
        number : int
        kind : str
        """
        return self._objects[number]


def _state(value: Any) -> Any:
    """Return all that makes up an array, or what a list or dict holds: plain values and objects."""
    if type(value) is np.ndarray:
        return value.dtype, value.shape, value.tobytes()
    plain = (bool, int, float, str, type(None))
    items = value.items() if type(value) is dict else enumerate(value)
    return [(k, v if type(v) in plain else id(v)) for k, v in items]


def _same_kind(have: Any, value: Any) -> bool:
    return type(have) is np.ndarray and (have.dtype, have.shape) == (value.dtype, value.shape)


class Token:
    """Stands for a cache that the grader keeps; worth nothing but to be handed back.

    Parameters
    ----------
    number : int
    """

    def __init__(self, number: int) -> None:
        self.number = number


class _Tokens(Unshared):
    """Makes results of the grader's; its caches become tokens."""

    def handle(self, number: int, kind: str) -> Token:
        """Return a token."""
        return Token(number)


class _TokenPacker(Packer):
    """Packs tokens by their number; other objects that cannot cross are refused by the grader."""

    def handle(self, value: Any) -> Any:
        """Return a tree for a token, or for an object that stays here."""
        return ["h", value.number if type(value) is Token else 0, type(value).__name__]


def stand_in(name: str, wire: Wire, constants: dict[str, Any]) -> None:
    """Replace a function of the student's package, or ``Class.method``, by a call to the grader.

    Parameters
    ----------
    name : str, ``module:function`` or ``module:Class.method``
    wire : Wire
    constants : dict, what else a module must have if the student's own cannot be imported
    """
    module_name, _, path = name.partition(":")
    try:
        home: Any = importlib.import_module(module_name)
    except BaseException:  # whatever is wrong with it, it is not what is graded here
        home = sys.modules[module_name] = types.ModuleType(module_name)
        vars(home).update(constants, np=np)
    owner, _, function = path.rpartition(".")
    setattr(getattr(home, owner) if owner else home, function, _asker(name, bool(owner), wire))


def _asker(name: str, is_method: bool, wire: Wire) -> Callable[..., Any]:
    """Return a function that lets the grader compute its result."""

    def ask(*args: Any, **kwargs: Any) -> Any:
        if is_method:
            args = (dict(vars(args[0])), *args[1:])
        packer = _TokenPacker()
        tree = packer.pack((args, kwargs))
        wire.send({"ask": name, "args": tree}, packer.arrays)
        message, arrays = wire.receive()
        if "raised" in message:
            raise ValueError(message["raised"])
        result, dicts = unpack(message["result"], arrays, _Tokens())
        for given, now in zip(_dicts(args, kwargs), dicts, strict=True):
            given.clear()
            given.update(now)
        return result

    return ask


def _dicts(args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[dict[Any, Any]]:
    """Return the dicts among the arguments, which a function may change."""
    return [v for v in (*args, *kwargs.values()) if type(v) is dict]

"""What a process of the sandbox does for one exercise: import the student's code, answer calls.

Arguments are made here from what has crossed, and results cross as they are when a call returns.
So nothing that the code does later reaches what the grader holds. That it wrote into an argument,
or that an earlier result of its own has changed, is found here, by the same report that the checks
use in a notebook, and told as a fact that can only cost points. Caches and networks stay here.
"""

from __future__ import annotations

import contextlib
import importlib
import linecache
import sys
import traceback
import types
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.random  # once, and not in each process: NumPy loads it when it is first used

from staff.grading.sandbox.wire import MAX_SAID, NUMBERS, Wire, pack, unpack

_given: list[types.CodeType] = []  # the networks' classes, with nothing but their given loss


def import_checks(trusted: Path, package: Path) -> Any:
    """Return the modules that define how checks reach a student's code in the same process.

    Parameters
    ----------
    trusted : Path, folder with the modules as the package `cs682` has them
    package : Path, folder with the student's package, not yet imported

    Returns
    -------
    subject, report : modules of `cs682.checks`, which later imports of `cs682` do not find
    looks : module, which uses those
    """
    _given[:] = _compile_given(trusted.parent / "given")
    sys.path.insert(0, str(trusted))
    subject: Any = importlib.import_module("cs682.checks.subject")
    report = importlib.import_module("cs682.checks.report")
    looks = importlib.import_module("staff.grading.sandbox.looks")
    subject.stack.PACKAGE = package / "cs682"  # where the student's lines are, in messages
    if subject.stack.PACKAGE.is_dir():  # what is given is read before code of the student's runs
        subject.copied.given_code(subject.stack.PACKAGE)
    subject.own_work._NOT_THEIRS += (f"{package}/cs682/training/input_gradient.py",)
    sys.path.remove(str(trusted))
    _forget_package()
    return subject, report, looks


def serve(checks: tuple[Any, Any, Any], end: Any, order: dict[str, Any], course: Path) -> None:
    """Answer calls until the other side closes the socket.

    Parameters
    ----------
    order : dict with the ``seed`` of NumPy's global stream, the exercise's ``functions``, perhaps
        ``spares_single``, as `looks.begin` takes it, and what `take_course_code` asks for
    course : Path, folder with the course's code for those
    """
    wire = Wire(end)
    np.random.seed(order["seed"])  # noqa: NPY002  # students draw from this stream
    np.seterr(all="ignore")
    subject, report, looks = checks
    begin = partial(looks.begin, order["functions"], spares_single=bool(order.get("spares_single")))
    take_course_code(order, course, begin)
    calls = Calls(subject, report, tuple(order["functions"]))
    while True:
        try:
            message, arrays = wire.receive()
        except EOFError:
            return
        wire.send(*calls.answer(message, arrays))


class Calls:
    """Answers calls, and keeps what stays here."""

    def __init__(self, subject: Any, report: Any, functions: tuple[str, ...]) -> None:
        self._checks, self._functions = subject, functions
        self._subject, self._report = subject.LocalSubject(), report.Report()
        # files do not change here: no need to parse again
        self._subject._import = importlib.import_module
        self._kept: list[Any] = [None]
        # a model is run by the student's own network, `loss` included; an exercise is not
        self._given = given_losses() if functions else {}
        self._losses: dict[int, Any] = {}  # by network

    def answer(self, message: dict[str, Any], arrays: list[Any]) -> tuple[dict[str, Any], Any]:
        """Return the frame that answers a call: its result, or what it raised."""
        args = unpack(["t", message["args"]], arrays, self._find)
        kwargs = unpack(message["kwargs"], arrays, self._find)
        options = [args[index] for index in message["options"]]  # a cache may be a dict, too
        reply: dict[str, Any] = {}
        sent: list[Any] = []
        try:
            result = self._call(message["do"], args, kwargs)
            reply["result"] = self._pack_result(result, sent, message["hide"])
        except BaseException as error:  # SystemExit and KeyboardInterrupt too: the student's
            reply["raised"] = self._describe(error)
        reply["options"] = [pack(value, sent, self._keep) for value in options]
        reply["advice"] = [str(text) for text in self._report.advice]
        return reply, sent

    def _call(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return the result of a function of the student's, or of a network's method."""
        if name == "require_lasting_results":
            return self._report.require_lasting_results()
        if name == "restore":
            return _restore(*args)
        function = getattr(self._subject, name)
        if name == "loss" and self._given:
            loss = partial(self._losses[id(args[0])], args[0])
            args = (types.SimpleNamespace(loss=loss), *args[1:])
        if name in self._checks.FUNCTIONS:
            return self._report.watch(name, function, *args)
        result = function(*args, **kwargs)
        if name == "net":
            self._losses[id(result)] = self._given.get(args[0])
        return result

    def _pack_result(self, result: Any, sent: list[Any], hide: int | None) -> Any:
        """Return the tree of a result; from `hide` on its items stay here, unless they are arrays.

        A cache that is an array crosses, because a check in the same process would copy it too;
        one of other things than numbers cannot.
        """
        if hide == 0:
            return ["h", self._keep(result), type(result).__name__]
        base = next((b for b in (tuple, list) if issubclass(type(result), b)), None)
        if hide is None or base is None:
            return pack(result, sent, self._keep)
        shown = [
            pack(v, sent, self._keep, (id(result),))
            if i < hide or (type(v) is np.ndarray and v.dtype.kind in NUMBERS)
            else ["h", self._keep(v), type(v).__name__]
            for i, v in enumerate(base.__iter__(result))
        ]
        return ["t" if base is tuple else "l", shown]

    def _find(self, number: int, _: str) -> Any:
        """Return an object that has stayed here."""
        return self._kept[number]

    def _keep(self, value: Any) -> int:
        """Return a number of its own for an object that stays here."""
        self._kept.append(value)
        return len(self._kept) - 1

    def _describe(self, error: BaseException) -> dict[str, str]:
        """Return what an exception says, and where in the student's code it came from."""
        known = {"check": self._checks.CheckError, "open": NotImplementedError, "exit": SystemExit}
        kind = next((name for name, type_ in known.items() if isinstance(error, type_)), "other")
        own_work = self._checks.own_work
        if kind == "check" and own_work.noted == [own_work.SINGLE_SAID]:
            kind = "single"
        try:
            said = str(error)
        except BaseException as second:
            said = f"(its text raises {type(second).__name__})"
        line = self._checks.stack.student_line(error, self._functions)
        trace = "".join(traceback.format_exception(error, limit=-20))
        return {
            "kind": kind,
            "type": type(error).__name__,
            "text": said[:MAX_SAID],
            "line": _without_roots(line)[:MAX_SAID],
            "trace": _without_roots(trace)[-MAX_SAID:],
        }


def _without_roots(text: str) -> str:
    """Return a text with paths as seen from where modules are looked up."""
    for root in sorted({*sys.path, sys.base_prefix} - {""}, key=len, reverse=True):
        text = text.replace(f"{root}/", "")
    return text


def _restore(net: Any, params: dict[str, Any], norms: list[dict[str, Any]]) -> None:
    """Give a network parameters, and options to its normalizations."""
    net.params.update(params)
    for own, given in zip(getattr(net, "bn_params", []), norms, strict=True):
        own.update(given)


def _compile_given(folder: Path) -> list[types.CodeType]:
    """Compile what the release gives of networks, under names that messages can show."""
    codes = []
    for path in sorted(folder.rglob("*.py")):
        source, name = path.read_text("utf-8"), f"{path.relative_to(folder).as_posix()} as given"
        linecache.cache[name] = (len(source), None, source.splitlines(), name)
        codes.append(compile(source, name, "exec", dont_inherit=True))
    return codes


def given_losses() -> dict[str, Any]:
    """Return the networks' given `loss`, by class; to be called before a student's code runs."""
    scope: dict[str, Any] = {}
    for code in _given:
        exec(code, scope)
    return {name: value.loss for name, value in scope.items() if hasattr(value, "loss")}


def take_course_code(order: dict[str, Any], course: Path, begin: Callable[[], None]) -> None:
    """Put functions of the course in the place of the student's, and let them call each other.

    Parameters
    ----------
    order : dict
        ``modules``: from the name of a module to its functions and methods, in the order in which
        they import each other; ``taken``: the functions that are the course's, as
        ``module:function``; ``replaced``: the modules of which nothing of the student's is used
    course : Path, folder with the course's modules, in which all other functions are empty
    begin : callable, called when the course's code is there and none of the student's
    """
    taken = frozenset(order["taken"])
    theirs = _load_course(order["modules"], course)
    begin()
    for name, module in theirs.items():
        home, functions = None, order["modules"][name]
        if name not in order["replaced"]:
            with contextlib.suppress(BaseException):  # the exercise's own: a call says why
                home = importlib.import_module(name)
        if home is None:
            if name in order["replaced"] or any(f"{name}:{f}" in taken for f in functions):
                sys.modules[name] = module
            continue
        for function in functions:
            ours = f"{name}:{function}" in taken or _get(home, function) is None
            source, target = (module, home) if ours else (home, module)
            _put(target, function, _get(source, function))
    for module in theirs.values():
        _bind_anew(module, theirs)


def _load_course(modules: dict[str, list[str]], course: Path) -> dict[str, types.ModuleType]:
    """Load the course's modules before any of the hand-in's, with given modules of their own."""
    theirs = {}
    for name in modules:
        module = types.ModuleType(name)
        source = (course / f"{name}.py").read_bytes()
        exec(compile(source, f"{name} of the course", "exec"), vars(module))
        theirs[name] = sys.modules[name] = module
    _forget_package()
    return theirs


def _forget_package() -> None:
    """Let later imports load the package anew."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "cs682"]:
        del sys.modules[name]


def _bind_anew(module: types.ModuleType, theirs: dict[str, types.ModuleType]) -> None:
    """Let what a module of the course has imported from another one be what stands there now."""
    for key, value in list(vars(module).items()):
        source = getattr(value, "__module__", None)
        if source in theirs and source != module.__name__:
            setattr(module, key, getattr(sys.modules.get(source), key, value))


def _get(module: Any, path: str) -> Any:
    """Return a function of a module, or a method of a class in it; None if there is none."""
    owner, _, name = path.rpartition(".")
    return getattr(getattr(module, owner, None) if owner else module, name, None)


def _put(module: Any, path: str, value: Any) -> None:
    """Put a function into a module, or a method into a class in it, if there is such a class."""
    owner, _, name = path.rpartition(".")
    if (home := getattr(module, owner, None) if owner else module) is not None:
        setattr(home, name, value)

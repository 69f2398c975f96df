"""What runs inside the sandbox: a parent that forks a fresh process for each exercise.

The forking parent imports NumPy, has the student's files compiled without running them, and serves
the grader's orders on a control socket. Each order comes with a socket of its own; the child that
gets it gives up every system call but those for computing, imports the student's code and answers
calls until the socket is closed. Nothing here knows what a right answer is. It needs the standard
library, NumPy and what lies beside it in the box.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import importlib.abc
import importlib.machinery
import json
import marshal
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

_PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 4, 38
_COMPILING = 5  # seconds of computing for all files of a package, which take a tenth of one
_LARGEST_CODE = 20_000_000  # bytes, of all files; the reference's has a hundredth of that
_FAILED = 70  # exit status of a child that could not go on serving


def _harden(config: dict[str, Any]) -> None:
    """Give up privileges and set limits, for this process and all that come from it."""
    if config["uid"] is not None and os.getuid() == 0:
        os.setgroups([])
        os.setresgid(config["uid"], config["uid"], config["uid"])
        os.setresuid(config["uid"], config["uid"], config["uid"])
    if sys.platform == "linux":
        prctl = ctypes.CDLL(None, use_errno=True).prctl
        if prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
            raise OSError(ctypes.get_errno(), "prctl")
        prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    for name, value in config["limits"].items():
        resource.setrlimit(getattr(resource, name), (value, value))


def _code_of(
    root: Path, own: set[str], looks: Any, wire: Any
) -> tuple[dict[str, tuple[Any, Any]], float, float]:
    """Compile the files of a package, in a process that may fail; the import then says why.

    Parameters
    ----------
    own : set of str, the files that are the student's, in which values are looked at

    Returns
    -------
    code : dict from a path to code without and with looks, of those files that can be compiled
    cpu : float, seconds of computing that this took
    waited : float, seconds in which that process was ready to compute and had no core
    """
    begin = time.process_time()
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        with contextlib.suppress(BaseException), os.fdopen(writing, "wb") as pipe:
            resource.setrlimit(resource.RLIMIT_CPU, (_COMPILING, _COMPILING))
            _compile(root, own, looks, pipe)
        os._exit(0)
    os.close(writing)
    compiled = {}
    with os.fdopen(reading, "rb") as pipe, contextlib.suppress(Exception):
        while True:
            path, *codes = marshal.load(pipe)  # made by this very file
            compiled[path] = tuple(codes)
    waited = wire.waited_for_core(pid)
    used = os.wait4(pid, 0)[2]
    return compiled, time.process_time() - begin + used.ru_utime + used.ru_stime, waited


def _compile(root: Path, own: set[str], looks: Any, pipe: Any) -> None:
    """Write the code of a package's files, as much as is modest."""
    left = _LARGEST_CODE
    for path in sorted(root.rglob("*.py")):
        with contextlib.suppress(Exception):
            source, name = path.read_bytes(), path.relative_to(root).as_posix()
            code = compile(source, path, "exec", dont_inherit=True)
            looked = looks.marked(source, str(path)) if name in own else code
            data = marshal.dumps((str(path), code, looked))
            if (left := left - len(data)) >= 0:
                pipe.write(data)


class _Compiled(importlib.machinery.SourceFileLoader):
    """Loads modules from code that the forking parent has compiled."""

    code: dict[str, Any] = {}  # noqa: RUF012  # one table for all loaders
    looks: Any = None

    def get_code(self, fullname: str) -> Any:
        """Return the compiled code of a module, compiling it if it is not there yet."""
        codes = self.code.get(self.path)
        return self.looks.placed(*codes) if codes else super().get_code(fullname)

    def source_to_code(self, data: Any, path: Any, **_: Any) -> Any:  # type: ignore[override]
        """Return the code of a module that could not be compiled before, or say why."""
        written = self.looks.unmarked(data, path)
        return self.looks.placed(self.looks.marked(data, path), written)


class _Idle:
    """Stands for whatever a file takes from the checks, and does nothing."""

    def __call__(self, *_: Any, **__: Any) -> None:
        """Do nothing."""

    def __getattr__(self, name: str) -> _Idle:
        """Have all names, but those by which Python asks what a thing is."""
        if name.startswith("__"):
            raise AttributeError(name)
        return self


class _Checks(importlib.abc.Loader):
    """Loads modules of the checks as idle ones: an import left in a file does no harm."""

    def exec_module(self, module: Any) -> None:
        """Have all names found in a module."""
        module.__getattr__ = _Idle().__getattr__


class _Hook:
    """Finds modules of the student's package, and reads them with `_Compiled`."""

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        """Return the spec of a module in the package; None for all others."""
        if name.partition(".")[0] != "cs682":
            return None
        if name.split(".")[1:2] == ["checks"]:  # which stay out of the box
            return importlib.machinery.ModuleSpec(name, _Checks(), is_package=True)
        details = (_Compiled, [".py"])
        for folder in path or sys.path:
            if spec := importlib.machinery.FileFinder(folder, details).find_spec(name):
                return spec
        return None


def main() -> None:
    """Serve orders until the control socket is closed."""
    config = json.loads(sys.argv[1])
    here = Path(__file__).resolve().parents[3]
    sys.path[:0] = [*config["path"], str(here)]
    control = socket.socket(fileno=config["control"])
    _harden(config)

    # Imported before the student's folder is on the path, so that nothing there can shadow it.
    child = importlib.import_module("staff.grading.sandbox.child")
    wire = importlib.import_module("staff.grading.sandbox.wire")
    checks = child.import_checks(here / "trusted", here / "student")
    looks = _Compiled.looks = checks[-1]
    forbid = importlib.import_module("staff.grading.sandbox.forbid") if config["filter"] else None
    sys.path.insert(0, str(here / "student"))
    sys.dont_write_bytecode = True
    codes, compiling, waited = _code_of(here / "student", set(config["own"]), looks, wire)
    sys.meta_path.insert(0, _Hook())
    gc.freeze()  # children share this memory until they write to it, as a collection would
    control.sendall(json.dumps([compiling, waited + wire.waited_for_core()]).encode())
    while True:
        data, fds, _, _ = socket.recv_fds(control, 1 << 16, 1)
        if not data:
            break
        order, before = json.loads(data), wire.waited_for_core()
        pid = os.fork()
        if not pid:
            control.close()
            end = socket.socket(fileno=fds[0])
            is_watched = looks.is_watched(order["functions"])
            _Compiled.code = {path: (code[is_watched], code[0]) for path, code in codes.items()}
            del codes
            work = partial(child.serve, checks, end, order, here / "course")
            _be_child(forbid, order["cpu"], work)
        os.close(fds[0])
        answers = {b"?": partial(_waited, wire, pid, before), b"s": partial(wire.state_of, pid)}
        while answer := answers.get(control.recv(1)):  # else the grader wants no more of it
            control.sendall(json.dumps(answer()).encode())
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        _, status, used = os.wait4(pid, 0)
        told = {"status": os.waitstatus_to_exitcode(status), "cpu": used.ru_utime + used.ru_stime}
        control.sendall(json.dumps(told).encode())


def _waited(wire: Any, pid: int, before: float) -> float:
    """Return how long an exercise's process has waited for a core, and this one since `before`."""
    both: float = wire.waited_for_core(pid) + wire.waited_for_core() - before
    return both


def _be_child(forbid: Any, cpu: int, serve: Callable[[], None]) -> None:
    """Answer the calls of one exercise, in a new process that can do no more; never returns."""
    try:
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        # the second is for those who do not hear the first, whose signal says why they end
        resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 1))
        if forbid is not None:
            forbid.forbid_calls()
        serve()
    except BaseException:
        os._exit(_FAILED)
    os._exit(0)


if __name__ == "__main__":
    main()

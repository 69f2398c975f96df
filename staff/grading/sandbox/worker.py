"""What runs inside the sandbox: a parent that forks a fresh process for each exercise.

The forking parent imports NumPy, compiles the student's files without running them, and serves
the grader's orders on a control socket. Each order comes with a socket of its own; the child that
gets it imports the student's code and answers calls until the socket is closed. Nothing here knows
what a right answer is. It needs the standard library, NumPy and what lies beside it in the box.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import importlib.machinery
import json
import os
import platform
import resource
import signal
import socket
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

_PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS, _PR_SET_CHILD_SUBREAPER = 4, 38, 36


def _harden(config: dict[str, Any]) -> None:
    """Give up privileges and set limits, for this process and all that come from it."""
    if config["uid"] is not None and os.getuid() == 0:
        os.setgroups([])
        os.setresgid(config["uid"], config["uid"], config["uid"])
        os.setresuid(config["uid"], config["uid"], config["uid"])
    if sys.platform == "linux":
        prctl = ctypes.CDLL(None, use_errno=True).prctl
        for option, value in ((_PR_SET_NO_NEW_PRIVS, 1), (_PR_SET_CHILD_SUBREAPER, 1)):
            if prctl(option, value, 0, 0, 0):
                raise OSError(ctypes.get_errno(), f"prctl({option})")
        prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    if (
        not importlib.import_module("staff.grading.sandbox.forbid").forbid_calls()
        and config["strict"]
    ):
        raise OSError(f"no way to keep code from the network is known on {platform.machine()}")
    for name, value in config["limits"].items():
        resource.setrlimit(getattr(resource, name), (value, value))


def _code_of(root: Path) -> dict[str, Any]:
    """Compile the files of a package; those that do not compile are left for the import to find."""
    code = {}
    for path in sorted(root.rglob("*.py")):
        with contextlib.suppress(Exception):  # said again, in the child, by the import
            code[str(path)] = compile(path.read_bytes(), path, "exec", dont_inherit=True)
    return code


class _Compiled(importlib.machinery.SourceFileLoader):
    """Loads modules from code that the forking parent has compiled."""

    code: dict[str, Any] = {}  # noqa: RUF012  # one table for all loaders

    def get_code(self, fullname: str) -> Any:
        """Return the compiled code of a module, compiling it if it is not there yet.

        Parameters
        ----------
        fullname : str
        """
        return self.code.get(self.path) or super().get_code(fullname)


class _Hook:
    """Finds modules of the student's package, and reads them with `_Compiled`."""

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        """Return the spec of a module in the package; None for all others.

        Parameters
        ----------
        name : str
        path : list of str or None
        target : module or None
        """
        if name.partition(".")[0] != "cs682":
            return None
        details = (_Compiled, [".py"])
        for folder in path or sys.path:
            if spec := importlib.machinery.FileFinder(folder, details).find_spec(name):
                return spec
        return None


def _end_children() -> None:
    """Kill and reap all that descends from this process, or all that shares its sandbox."""
    for _ in range(400):  # two seconds, for a crowd that multiplies while it is being killed
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if _ALONE:
                os.kill(-1, signal.SIGKILL)
        for pid in _children():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.005)


def _children() -> list[int]:
    """Return the children of this process, which include orphans of its children (Linux)."""
    path = Path(f"/proc/self/task/{os.getpid()}/children")
    return [int(pid) for pid in path.read_text().split()] if path.exists() else []


_ALONE = False  # whether every other process that this one could signal belongs to the sandbox


def main() -> None:
    """Serve orders until the control socket is closed."""
    global _ALONE
    config = json.loads(sys.argv[1])
    here = Path(__file__).resolve().parents[3]
    sys.path[:0] = [*config["path"], str(here)]
    control = socket.socket(fileno=config["control"])
    _harden(config)
    _ALONE = config["alone"]

    # Imported before the student's folder is on the path, so that nothing there can shadow it.
    children = importlib.import_module("staff.grading.sandbox.child")
    subject = children.import_subject(here / "trusted", Path(config["package"]))
    sys.path.insert(0, config["package"])
    _Compiled.code = _code_of(Path(config["package"]))
    sys.meta_path.insert(0, _Hook())
    gc.freeze()  # children share this memory until they write to it, as a collection would
    control.sendall(b"\n")
    while True:
        data, fds, _, _ = socket.recv_fds(control, 1 << 16, 1)
        if not data:
            break
        order = json.loads(data)
        pid = os.fork()
        if not pid:
            _be_child(children, subject, control, fds[0], order)
        os.close(fds[0])
        control.recv(1)  # the grader has what it wanted, or has given up
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        status = os.waitpid(pid, 0)[1]
        _end_children()
        control.sendall(json.dumps({"status": os.waitstatus_to_exitcode(status)}).encode())
    _end_children()


def _be_child(children: Any, subject: Any, control: Any, fd: int, order: Any) -> None:
    """Answer the calls of one exercise, in a new process; never returns."""
    try:
        control.close()
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        resource.setrlimit(resource.RLIMIT_CPU, (order["cpu"], order["cpu"]))
        os.chdir(tempfile.mkdtemp())
        children.serve(subject, socket.socket(fileno=fd), order)
    except BaseException:
        traceback.print_exc()
        os._exit(70)
    os._exit(0)


if __name__ == "__main__":
    main()

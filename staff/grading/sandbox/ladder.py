"""The ladder of sandboxes: the strongest rung that this machine allows, and processes on it.

On each rung the student's code is a process of its own, with limits, that holds nothing worth
stealing; `staff.grading.sandbox.rungs` says what else it could reach.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from staff.grading.intake.package import given_losses, own_files
from staff.grading.intake.text import BOX
from staff.grading.sandbox.forbid import has_filter
from staff.grading.sandbox.interpreter import find_interpreter
from staff.grading.sandbox.rungs import RUNGS, Limits, NoSandboxError, Rung, require_hidden
from staff.grading.sandbox.users import free_user, kill_all_of, show
from staff.grading.sandbox.wire import waited_for_core

__all__ = [
    "RUNGS",
    "Limits",
    "NoSandboxError",
    "Rung",
    "Sandbox",
    "choose_rung",
    "require_hidden",
    "try_rung",
]

HERE = Path(__file__).resolve().parent
# what the worker needs of the checks
_TRUSTED = (
    "compare",
    "copied",
    "exercises",
    "names",
    "own_work",
    "patterns",
    "prerequisites",
    "report",
    "stack",
    "subject",
)
_ENDED = ("Z", "X", "")  # states of a process; the last where nothing tells them
_ENDING = 30  # looks at a process that has hung up: it may be about to end
_START, _WORD = 120.0, 30.0  # seconds for a sandbox to come up, to say a word; on a busy machine


def choose_rung(*, allow_unsandboxed: bool, limits: Limits | None = None) -> Rung:
    """Return the strongest rung of the ladder that works here.

    Parameters
    ----------
    allow_unsandboxed : bool, take limits alone if there is nothing better
    limits : Limits, optional

    Raises
    ------
    NoSandboxError
        If nothing better than limits alone works and that was not allowed.
    """
    reasons = []
    for name in RUNGS if allow_unsandboxed else RUNGS[:-1]:
        try:
            return try_rung(name, limits or Limits())
        except NoSandboxError as error:
            reasons.append(f"{name}: {error}")
    raise NoSandboxError(
        "there is no sandbox on this machine for the students' code:\n  "
        + "\n  ".join(reasons)
        + "\nInstall bubblewrap (apt install bubblewrap), or run as root, or add "
        "--allow-unsandboxed if the hand-ins are to be trusted as your own code"
    )


def try_rung(name: str, limits: Limits) -> Rung:
    """Return a rung after a sandbox has come up on it.

    Parameters
    ----------
    name : {'bubblewrap', 'another user', 'limits alone'}

    Raises
    ------
    NoSandboxError
        If none comes up, with the reason.
    """
    if name == "bubblewrap" and not shutil.which("bwrap"):
        raise NoSandboxError("the command bwrap is not installed")
    if name == "another user" and os.getuid() != 0:
        raise NoSandboxError("only root can run code as another user")
    if name != "limits alone" and not has_filter():
        raise NoSandboxError(f"no filter of system calls is known for {platform.machine()}")
    if name == "another user":
        require_hidden(HERE.parents[2])
    rung = Rung(name, find_interpreter(for_others=name == "another user"), limits)
    with Sandbox(rung, {}):
        return rung


def _make_box(box: Path, files: dict[str, bytes], course: dict[str, str]) -> None:
    """Write the folder that a sandbox reads: the worker, a student's package, course's code."""
    checks = HERE.parents[2] / "cs682" / "checks"
    trusted = {f"trusted/cs682/checks/{n}.py": checks / f"{n}.py" for n in _TRUSTED}
    worker = {
        f"staff/grading/sandbox/{n}.py": HERE / f"{n}.py"
        for n in ("wire", "worker", "child", "forbid", "looks")
    }
    content = {name: path.read_bytes() for name, path in {**trusted, **worker}.items()}
    packages = [
        *("trusted/cs682", "trusted/cs682/checks"),
        *("staff", "staff/grading", "staff/grading/sandbox"),
    ]
    content |= {f"{name}/__init__.py": b"" for name in packages}
    content |= {f"student/{name}": data for name, data in files.items()}
    content |= {f"given/{name}": source.encode() for name, source in given_losses().items()}
    content |= {f"course/{name}.py": source.encode() for name, source in course.items()}
    (box / "student").mkdir(parents=True)
    for name, data in content.items():
        path = box / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


class Sandbox:
    """A running sandbox with one student's package; use it in a ``with`` statement.

    Parameters
    ----------
    files : dict from a path in the package's parent folder, as 'cs682/layers.py', to its bytes
    course : dict from the name of a module to source, the course's code that may stand in

    Attributes
    ----------
    start_cpu : float, seconds of computing that the package's files took to compile
    start_wall : float, seconds until it was up, without those in which a busy machine let it, or
        the grader, wait for a core
    """

    def __init__(
        self, rung: Rung, files: dict[str, bytes], course: dict[str, str] | None = None
    ) -> None:
        self.rung = rung
        self._files, self._course = files, course or {}
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Sandbox:
        """Start the process that will fork one child for each exercise."""
        begin = time.monotonic() - waited_for_core()
        with contextlib.ExitStack() as stack:
            self.start_cpu, waited = self._start(stack)
            self._stack = stack.pop_all()
        passed = time.monotonic() - waited_for_core() - begin
        self.start_wall = max(0.0, passed - waited)  # both may have waited at once
        return self

    def __exit__(self, *_: object) -> None:
        """End all of its processes."""
        self._stack.close()

    def _start(self, stack: contextlib.ExitStack) -> tuple[float, float]:
        uid = stack.enter_context(free_user()) if self.rung.needs_user else None
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix=BOX))
        self._box = Path(folder).resolve() / "box"
        _make_box(self._box, self._files, self._course)
        if uid is not None:
            show(self._box, uid)
        ours, theirs = socket.socketpair()
        self._control = stack.enter_context(contextlib.closing(ours))
        self._errors = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115  # closed by the stack
        with contextlib.closing(theirs):
            self._process = subprocess.Popen(
                self.rung.command(self._box, self._words(theirs.fileno(), uid)),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._errors,
                cwd="/",
                env=_ENVIRONMENT,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        stack.callback(self._end, uid)
        self._control.settimeout(_START)
        return self._expect_start()

    def _words(self, control: int, uid: int | None) -> list[str]:
        """Return the worker's command line, which anybody may read."""
        config = {
            "control": control,
            "uid": uid,
            "filter": has_filter(),
            "limits": self.rung.limits.settings(),
            "path": [str(self.rung.interpreter.libraries)],
            "own": own_files(self._files),
        }
        return [str(self._box / "staff" / "grading" / "sandbox" / "worker.py"), json.dumps(config)]

    def _expect_start(self) -> tuple[float, float]:
        """Return what the sandbox says when it is up; NoSandboxError with its stderr if not."""
        try:
            got = self._control.recv(100)
            cpu, waited = json.loads(got)
            return float(cpu), float(waited)
        except (OSError, ValueError) as error:
            self._errors.seek(0)
            said = self._errors.read(4000).decode(errors="replace").strip()
            raise NoSandboxError(f"a sandbox did not come up: {said or error}") from None

    def begin(self, order: dict[str, Any]) -> socket.socket:
        """Start a fresh process for one exercise.

        Parameters
        ----------
        order : dict, as `child.serve` takes it, with ``cpu``, its seconds of computing

        Raises
        ------
        OSError
            If the sandbox has been damaged.
        """
        ours, theirs = socket.socketpair()
        with contextlib.closing(theirs):
            try:
                socket.send_fds(self._control, [json.dumps(order).encode()], [theirs.fileno()])
            except OSError:
                ours.close()
                raise
        return ours

    def waited(self) -> float:
        """Return how long the exercise's process has waited for a core of a busy machine.

        Raises
        ------
        OSError
            If the sandbox has been damaged.
        """
        return float(self._ask(b"?"))

    def is_asleep(self) -> bool:
        """Tell whether the exercise's process neither computes, nor waits for a core or a disk.

        Raises
        ------
        OSError
            If the sandbox has been damaged.
        """
        return self._ask(b"s") not in ("R", "D")

    def has_ended(self) -> bool:
        """Tell whether the exercise's process has ended: it may only have hung up.

        Raises
        ------
        OSError
            If the sandbox has been damaged.
        """
        for _ in range(_ENDING):
            if self._ask(b"s") in _ENDED:
                return True
            time.sleep(0.01)
        return False

    def finish(self) -> tuple[int, float]:
        """End the process of the exercise.

        Returns
        -------
        status : int, its exit status, or less than 0 for the signal that ended it
        cpu : float, seconds that it has computed

        Raises
        ------
        OSError
            If the sandbox has been damaged: it must be started anew.
        """
        told = self._ask(b".")
        return int(told["status"]), float(told["cpu"])

    def _ask(self, word: bytes) -> Any:
        """Return what the forking parent answers, which is as good as it is unharmed."""
        self._control.settimeout(_WORD)
        self._control.sendall(word)
        try:
            return json.loads(self._control.recv(200))
        except ValueError:
            raise OSError("the sandbox has been damaged") from None

    def _end(self, uid: int | None) -> None:
        """Kill every process of the sandbox."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        if uid is not None:
            kill_all_of(uid)


# All that student code finds in its environment; a thread of NumPy's could not be started.
_ENVIRONMENT = {
    **{f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM")},
    "LANG": "C.UTF-8",
}

"""The ladder of sandboxes: the strongest rung that this machine allows, and processes on it.

On each rung the student's code is a process of its own, with limits, that holds nothing worth
stealing. The rungs differ in what else it could reach. Bubblewrap: nothing but Python, NumPy and
its own files. Another user: whatever every user of the machine may read. Limits alone: whatever
the grader may, so that rung is taken only when asked for.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from staff.grading.interpreter import Interpreter, find_interpreter, is_public

HERE = Path(__file__).resolve().parent
RUNGS = ("bubblewrap", "another user", "limits alone")  # from the strongest down
_FIRST_UID = 60_100  # users of sandboxes, one each; below 65,536 for containers that map no more
_USERS = 400
_START = 30.0  # seconds until a sandbox must be up, on a machine that is busy


class NoSandboxError(RuntimeError):
    """The machine allows no rung that was asked for, or a sandbox did not come up."""


@dataclass(frozen=True)
class Limits:
    """What the code of one exercise may use.

    Attributes
    ----------
    wall : float, seconds; generous, since a busy machine must not cost anybody points, and what
        computes without end is stopped by its computing time
    cpu : int, seconds of one process
    memory : int, bytes of address space of one process
    processes : int, processes and threads at a time
    file_size : int, bytes of one file
    files : int, open files of one process
    """

    wall: float = 60.0
    cpu: int = 5
    memory: int = 1_000_000_000
    processes: int = 12
    file_size: int = 5_000_000
    files: int = 64

    def settings(self, *, spare_processes: int = 0) -> dict[str, int]:
        """Return the limits by their names in the module `resource`.

        Parameters
        ----------
        spare_processes : int, processes of the same user that are none of the sandbox's

        Returns
        -------
        settings : dict of int
        """
        return {
            "RLIMIT_CPU": self.cpu,
            "RLIMIT_AS": self.memory,
            "RLIMIT_NPROC": self.processes + spare_processes,
            "RLIMIT_FSIZE": self.file_size,
            "RLIMIT_NOFILE": self.files,
            "RLIMIT_CORE": 0,
        }


@dataclass(frozen=True)
class Rung:
    """A way to run a student's code.

    Attributes
    ----------
    name : {'bubblewrap', 'another user', 'limits alone'}
    interpreter : Interpreter that runs it
    limits : Limits
    """

    name: str
    interpreter: Interpreter
    limits: Limits = field(default_factory=Limits)

    @property
    def needs_user(self) -> bool:
        """Tell whether the grader is root, so that the code must run as somebody else."""
        return os.getuid() == 0 and self.name != "limits alone"

    def command(self, box: Path, words: list[str]) -> list[str]:
        """Return the command that runs Python in a sandbox.

        Parameters
        ----------
        box : Path, folder that the sandbox may read
        words : list of str, what stands after ``python``

        Returns
        -------
        command : list of str, without a shell
        """
        python = [str(self.interpreter.python), "-I", "-S", *words]
        return _bubblewrap(self.interpreter, box) + python if self.name == "bubblewrap" else python


def _bubblewrap(interpreter: Interpreter, box: Path) -> list[str]:
    """Return bubblewrap's command line: system, interpreter, box, and nothing else."""
    words = ["bwrap", "--ro-bind", "/usr", "/usr"]
    for name in ("lib", "lib64", "bin"):
        if Path("/", name).is_symlink():
            words += ["--symlink", f"usr/{name}", f"/{name}"]
        elif Path("/", name).exists():
            words += ["--ro-bind", f"/{name}", f"/{name}"]
    words += ["--proc", "/proc", "--dev", "/dev", "--perms", "1777", "--size", "50000000"]
    words += ["--tmpfs", "/tmp"]
    shown = [p for p in (*interpreter.places, box) if not p.is_relative_to("/usr")]
    for parent in sorted({p for place in shown for p in place.parents} - _GIVEN):
        if not any(parent.is_relative_to(place) for place in shown):
            words += ["--perms", "0755", "--dir", str(parent)]
    for place in shown:
        words += ["--ro-bind", str(place), str(place)]
    words += ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"]
    words += ["--die-with-parent", "--new-session", "--chdir", "/tmp"]
    if os.getuid() != 0:
        return [*words, "--unshare-user", "--disable-userns"]
    return [*words, *(w for cap in ("SETUID", "SETGID") for w in ("--cap-add", f"CAP_{cap}"))]


_GIVEN = {Path("/"), Path("/usr"), Path("/tmp"), Path("/proc"), Path("/dev")}


def choose_rung(*, allow_unsandboxed: bool, limits: Limits | None = None) -> Rung:
    """Return the strongest rung of the ladder that works here.

    Parameters
    ----------
    allow_unsandboxed : bool, take limits alone if there is nothing better
    limits : Limits, optional

    Returns
    -------
    rung : Rung, tried

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
    limits : Limits

    Returns
    -------
    rung : Rung

    Raises
    ------
    NoSandboxError
        If none comes up, with the reason.
    """
    if name == "bubblewrap" and not shutil.which("bwrap"):
        raise NoSandboxError("the command bwrap is not installed")
    if name == "another user" and os.getuid() != 0:
        raise NoSandboxError("only root can run code as another user")
    if name == "another user":
        require_hidden(HERE.parents[1])
    rung = Rung(name, find_interpreter(for_others=name == "another user"), limits)
    with Sandbox(rung, {}):
        return rung


def require_hidden(*folders: Path) -> None:
    """Refuse to run code as another user while that user may read these folders.

    Parameters
    ----------
    *folders : Path, with the reference, hand-ins or grades in them

    Raises
    ------
    NoSandboxError
        If every user of the machine may read one of them.
    """
    if public := [str(folder) for folder in folders if is_public(folder)]:
        raise NoSandboxError(
            f"every user may read {' and '.join(public)}, and so may a student's code: "
            f"chmod o-rx {' '.join(public)}"
        )


def _make_box(box: Path, files: dict[str, bytes]) -> None:
    """Write the folder that a sandbox reads: the worker, and a student's package."""
    checks = HERE.parents[1] / "cs682" / "checks"
    trusted = {f"trusted/cs682/checks/{n}.py": checks / f"{n}.py" for n in ("compare", "subject")}
    worker = {
        f"staff/grading/{n}.py": HERE / f"{n}.py" for n in ("wire", "worker", "child", "forbid")
    }
    content = {name: path.read_bytes() for name, path in {**trusted, **worker}.items()}
    packages = ("trusted/cs682", "trusted/cs682/checks", "staff", "staff/grading")
    content |= {f"{name}/__init__.py": b"" for name in packages}
    content |= {f"student/{name}": data for name, data in files.items()}
    (box / "student").mkdir(parents=True)
    for name, data in content.items():
        path = box / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


@contextlib.contextmanager
def _free_user() -> Iterator[int]:
    """Lend a user id that no other sandbox on this machine has at the same time."""
    locks = Path(tempfile.gettempdir(), "cs682-sandbox-users")
    locks.mkdir(mode=0o700, exist_ok=True)
    if locks.stat().st_uid != 0 or locks.stat().st_mode & 0o077:
        raise NoSandboxError(f"{locks} is not root's alone: remove it")
    for uid in range(_FIRST_UID, _FIRST_UID + _USERS):
        lock = os.open(locks / str(uid), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            continue
        try:
            yield uid
        finally:
            os.close(lock)
        return
    raise NoSandboxError(f"all {_USERS} users for sandboxes are in use")


class Sandbox:
    """A running sandbox with one student's package; use it in a ``with`` statement.

    Parameters
    ----------
    rung : Rung
    files : dict from a path in the package's parent folder, as 'cs682/layers.py', to its bytes
    """

    def __init__(self, rung: Rung, files: dict[str, bytes]) -> None:
        self.rung = rung
        self._files = files
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Sandbox:
        """Start the process that will fork one child for each exercise."""
        with contextlib.ExitStack() as stack:
            self._start(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """End all of its processes."""
        self._stack.close()

    def _start(self, stack: contextlib.ExitStack) -> None:
        uid = stack.enter_context(_free_user()) if self.rung.needs_user else None
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="cs682-box-"))
        self._box = Path(folder).resolve() / "box"
        _make_box(self._box, self._files)
        if uid is not None:
            _show(self._box, uid)
        own_tmp = Path(stack.enter_context(_own_folder(uid)))
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
                env=_environment(None if self.rung.name == "bubblewrap" else own_tmp),
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        stack.callback(self._end, uid)
        self._control.settimeout(_START)
        self._expect(b"\n")

    def _words(self, control: int, uid: int | None) -> list[str]:
        """Return the worker's command line, which anybody may read."""
        alone = self.rung.name != "limits alone"
        spare = 0 if uid is not None or os.getuid() == 0 else _own_processes()
        config = {
            "control": control,
            "uid": uid,
            "alone": alone,
            "strict": self.rung.name == "another user",
            "limits": self.rung.limits.settings(spare_processes=spare),
            "path": [str(self.rung.interpreter.libraries)],
            "package": str(self._box / "student"),
        }
        return [str(self._box / "staff" / "grading" / "worker.py"), json.dumps(config)]

    def _expect(self, wanted: bytes) -> None:
        """Wait for a word of the sandbox; NoSandboxError with its stderr if none comes."""
        try:
            got = self._control.recv(len(wanted))
        except OSError as error:
            got = str(error).encode()
        if got != wanted:
            self._errors.seek(0)
            said = self._errors.read(4000).decode(errors="replace").strip()
            raise NoSandboxError(
                f"a sandbox did not come up: {said or got.decode(errors='replace')}"
            )

    def order(self, **changes: Any) -> dict[str, Any]:
        """Return what to tell a new process, as `child.serve` takes it.

        Parameters
        ----------
        **changes : what differs from a process that runs nothing but the student's code

        Returns
        -------
        order : dict
        """
        plain = {"functions": (), "stand_ins": (), "constants": {}, "seed": 682}
        return {**plain, "cpu": self.rung.limits.cpu, **changes}

    def begin(self, order: dict[str, Any]) -> socket.socket:
        """Start a fresh process for one exercise.

        Parameters
        ----------
        order : dict, from `order`

        Returns
        -------
        end : socket that the process answers on

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

    def finish(self) -> int:
        """End the process of the exercise, and all that it has started.

        Returns
        -------
        status : int, its exit status, or less than 0 for the signal that ended it

        Raises
        ------
        OSError
            If the sandbox has been damaged: it must be started anew.
        """
        self._control.settimeout(5.0)
        self._control.sendall(b".")
        answer = self._control.recv(200)
        try:
            return int(json.loads(answer)["status"])
        except (ValueError, TypeError, KeyError):
            raise OSError("the sandbox has been damaged") from None

    def _end(self, uid: int | None) -> None:
        """Kill every process of the sandbox."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        if uid is not None:
            _kill_all_of(uid)


def _environment(own_tmp: Path | None) -> dict[str, str]:
    """Return all that student code finds in its environment."""
    threads = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM")}
    return {**threads, "LANG": "C.UTF-8", **({"TMPDIR": str(own_tmp)} if own_tmp else {})}


@contextlib.contextmanager
def _own_folder(uid: int | None) -> Iterator[str]:
    """Make a folder for temporary files of a sandbox; remove it, and others of its user."""
    with tempfile.TemporaryDirectory(prefix="cs682-", ignore_cleanup_errors=True) as folder:
        if uid is not None:
            os.chown(folder, uid, uid)
        yield folder
    if uid is not None:
        _remove_files_of(uid)


def _show(box: Path, uid: int) -> None:
    """Let a sandbox's user read its box, and nobody else."""
    box.parent.chmod(0o711)
    for path in (box, *box.rglob("*")):
        os.chown(path, 0, uid)
        path.chmod(0o750 if path.is_dir() else 0o640)


def _own_processes() -> int:
    """Return how many processes and threads this user has, which a limit counts as well."""
    if sys.platform != "linux":
        return 1000
    count = 0
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if folder.name.isdigit() and folder.stat().st_uid == os.getuid():
                count += len(os.listdir(folder / "task"))
    return count


def processes_of(uid: int) -> list[int]:
    """Return the processes of a user.

    Parameters
    ----------
    uid : int

    Returns
    -------
    processes : list of int
    """
    found = []
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if folder.name.isdigit() and folder.stat().st_uid == uid:
                found.append(int(folder.name))
    return found


def _kill_all_of(uid: int) -> None:
    """Kill every process of a user, however fast it multiplies."""
    for _ in range(1000):
        if not (processes := processes_of(uid)):
            return
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        time.sleep(0.002)
    raise NoSandboxError(f"processes of user {uid} cannot be killed")


def _remove_files_of(uid: int) -> None:
    """Remove what a user has left in the folders that everybody may write to."""
    for place in ("/tmp", "/var/tmp", "/dev/shm"):
        for path in Path(place).iterdir() if Path(place).is_dir() else ():
            with contextlib.suppress(OSError):
                if path.lstat().st_uid == uid and path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path, ignore_errors=True)
                elif path.lstat().st_uid == uid:
                    path.unlink()

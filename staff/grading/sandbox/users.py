"""Users that own nothing, one for each sandbox that root starts."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pwd
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from staff.grading.sandbox.rungs import NoSandboxError

_FIRST_UID = 60_100  # users of sandboxes, one each; below 65,536 for containers that map no more
_USERS = 400


@contextlib.contextmanager
def free_user() -> Iterator[int]:
    """Lend a user id that is nobody's, and that no other sandbox of this machine has.

    Raises
    ------
    NoSandboxError
        If all are in use, or the folder of their locks is not root's alone.
    """
    locks = Path("/tmp/cs682-sandbox-users")  # one place for graders of every TMPDIR
    locks.mkdir(mode=0o700, exist_ok=True)
    if locks.stat().st_uid != 0 or locks.stat().st_mode & 0o077:
        raise NoSandboxError(f"{locks} is not root's alone: remove it")
    for uid in range(_FIRST_UID, _FIRST_UID + _USERS):
        lock = os.open(locks / str(uid), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if _has_locked(lock) and not _is_somebody(uid):
                yield uid
                return
        finally:
            os.close(lock)
    raise NoSandboxError(f"all {_USERS} users for sandboxes are in use")


def _has_locked(lock: int) -> bool:
    """Lock a file, unless another sandbox has."""
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _is_somebody(uid: int) -> bool:
    """Tell whether a user has a name, or processes: all of a sandbox's user are killed."""
    with contextlib.suppress(KeyError):
        return bool(pwd.getpwuid(uid))
    return bool(processes_of(uid))


def show(box: Path, uid: int) -> None:
    """Let a sandbox's user read its box, and nobody else."""
    box.parent.chmod(0o711)
    for path in (box, *box.rglob("*")):
        os.chown(path, 0, uid)
        path.chmod(0o750 if path.is_dir() else 0o640)


def processes_of(uid: int) -> list[int]:
    """Return the processes of a user that have not ended.

    Returns
    -------
    processes : list of int; without those that only wait for somebody to take their exit status,
        which in a container nobody may ever do
    """
    found = []
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if folder.name.isdigit() and folder.stat().st_uid == uid and not _has_ended(folder):
                found.append(int(folder.name))
    return found


def _has_ended(folder: Path) -> bool:
    """Tell whether nothing is left of a process but its exit status."""
    return (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()[0] in "ZX"


def kill_all_of(uid: int) -> None:
    """Kill every process of a user, however fast it multiplies.

    Raises
    ------
    NoSandboxError
        If some are still there after seconds.
    """
    for _ in range(1000):
        if not (processes := processes_of(uid)):
            return
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        time.sleep(0.002)
    raise NoSandboxError(f"processes of user {uid} cannot be killed")

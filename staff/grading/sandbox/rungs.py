"""The rungs of the ladder: what each shows to a student's code, and what limits it.

On each rung a student's code is one process that can write nowhere and start nothing
(`staff.grading.sandbox.forbid`). What differs is what it may read. Bubblewrap: nothing but Python,
NumPy and its own files. Another user: whatever every user of the machine may read. Limits alone:
whatever the grader may, so that rung is taken only when asked for.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from staff.grading.sandbox.interpreter import (
    LOADER,
    Interpreter,
    is_public,
    packages_in,
    system_libraries,
)

RUNGS = ("bubblewrap", "another user", "limits alone")  # from the strongest down


class NoSandboxError(RuntimeError):
    """The machine allows no rung that was asked for, or a sandbox did not come up."""


@dataclass(frozen=True)
class Limits:
    """What the code of one exercise may use, in one process, and that of a whole hand-in.

    A complete right hand-in takes 4 s of computing, and twice that where others keep the caches
    busy. Computing time is what a hand-in is held to; wall time stops those who sleep.

    Attributes
    ----------
    wall : float, seconds that the grader waits for an exercise, without those in which a busy
        machine let it wait for a core. Who is not asleep when they are over is not graded: a
        busy machine must cost nobody points
    cpu : int, seconds of computing for an exercise
    memory : int, bytes of address space
    files : int, open files
    all_wall : float, seconds that the grader waits for a hand-in
    all_cpu : float, seconds of computing for a hand-in
    all_bytes : int, bytes that a hand-in may send
    """

    wall: float = 15.0
    cpu: int = 4
    memory: int = 500_000_000
    files: int = 32
    all_wall: float = 40.0
    all_cpu: float = 25.0
    all_bytes: int = 500_000_000

    def settings(self) -> dict[str, int]:
        """Return the limits of a process by their names in the module `resource`."""
        return {
            "RLIMIT_AS": self.memory,
            "RLIMIT_FSIZE": 1_000_000,  # what the forking parent may say
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
    """Return bubblewrap's command line: shared libraries, interpreter, box, and nothing else."""
    words = ["bwrap", "--proc", "/proc", "--dev", "/dev"]
    words += ["--perms", "1777", "--size", "50000000", "--tmpfs", "/tmp"]
    for link in (path for path in LOADER if path.is_symlink()):
        words += ["--symlink", str(link.readlink()), str(link)]
    shown = [*system_libraries(), *interpreter.places, box]
    words += _showing(sorted({*shown}, key=lambda path: (len(path.parts), path)))
    words += ["--remount-ro", "/dev", "--remount-ro", "/"]
    words += ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"]
    words += ["--die-with-parent", "--new-session", "--chdir", "/tmp"]
    if os.getuid() != 0:
        return [*words, "--unshare-user", "--disable-userns"]
    return [*words, *(w for cap in ("SETUID", "SETGID") for w in ("--cap-add", f"CAP_{cap}"))]


def _showing(places: list[Path]) -> list[str]:
    """Return the words that show these places, outer ones first, without installed packages.

    Of those, a place of its own is shown all the same: NumPy, which may lie among them.
    """
    words = []
    for parent in sorted({p for place in places for p in place.parents} - _GIVEN):
        if not any(parent.is_relative_to(place) for place in places):
            words += ["--perms", "0755", "--dir", str(parent)]
    hidden = []
    for place in places:
        words += ["--ro-bind", str(place), str(place)]
        for folder in packages_in(place):
            hidden += ["--remount-ro", str(folder)]
            words += ["--perms", "0755", "--tmpfs", str(folder)]
    return [*words, *hidden]


_GIVEN = {Path("/"), Path("/tmp"), Path("/proc"), Path("/dev")}


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

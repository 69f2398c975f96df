"""Whether the course has put out a newer release: asked in passing, and said once."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from pathlib import Path

from cs682._files import replacing
from cs682.checks.exercises import read_variant
from cs682.setup.assignment import MANIFEST, PACKAGE_HOME
from cs682.setup.new_release import fetch_manifest, read_manifest

TOLD = "kept/told.txt"  # in the folder of the assignment: the version that was told of
SECONDS = 1.0  # that anyone waits for an answer


def address_of_updates() -> str:
    """Return the address of the folder of this course's releases; empty if there is none."""
    return str(read_variant().get("updates", ""))


def ask_for_news(root: Path = PACKAGE_HOME) -> Callable[[], str]:
    """Ask whether there is a newer release, while something else goes on.

    Parameters
    ----------
    root : Path, the folder of the assignment

    Returns
    -------
    news : function that returns what to say, for the first time only; empty if there is nothing, or
        if no answer came within `SECONDS` of the question. It never raises
    """
    found: list[str] = []
    if not (address := address_of_updates()):
        return str
    deadline = time.monotonic() + SECONDS
    thread = threading.Thread(target=_ask, args=(address, root, found), daemon=True)
    thread.start()

    def news() -> str:
        thread.join(max(0.0, deadline - time.monotonic()))
        return _tell(root, found[0]) if found else ""

    return news


def _ask(address: str, root: Path, found: list[str]) -> None:
    """Note the version at an address if it is newer; without a network, or a release, nothing."""
    with contextlib.suppress(Exception):  # who works should not hear of it
        here = read_manifest((root / MANIFEST).read_bytes())
        there = fetch_manifest(address, SECONDS)
        if there.name == here.name and there.order > here.order:
            found.append(there.version)


def _tell(root: Path, version: str) -> str:
    """Return the news, unless they were told before."""
    with contextlib.suppress(OSError):
        if (root / TOLD).read_text(encoding="utf-8") == version:
            return ""
    with contextlib.suppress(OSError):
        (root / TOLD).parent.mkdir(exist_ok=True)
        with replacing(root / TOLD) as file:
            file.write(version.encode())
    return (
        f"Release {version} of the assignment is out. `python -m cs682 update`, in a terminal, "
        "takes it up and keeps your work."
    )

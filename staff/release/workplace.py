"""An unpacked release in a folder and an environment of its own, used as a student uses it."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from staff.release.files import ROOT

# What would leak from the environment that this runs in into the new one.
_FOREIGN = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "MAKEFLAGS", "MAKELEVEL", "MFLAGS")
_ROW = re.compile(  # behind a state may stand its reason, and the hints that were asked for
    r"^ *([a-z]{2}-[a-z0-9.]+) .* \d+ +(open|wrong|passed|answered)\b", re.MULTILINE
)
_CAPTION = re.compile(r"\d+ of \d+ points: .*")
_ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/")
_LAB = "--no-browser --ip=127.0.0.1 --IdentityProvider.token="
_PATIENCE = 120  # seconds until JupyterLab must have said its address


class ProofError(AssertionError):
    """What a release was to show, and what it showed instead."""


@dataclass(frozen=True)
class Board:
    """The board as a student sees it.

    Attributes
    ----------
    states : dict of str to str, 'open', 'wrong', 'passed' or 'answered' by exercise
    caption : str, its line of points
    """

    states: dict[str, str]
    caption: str


@dataclass(frozen=True)
class Failure:
    """A test that did not pass.

    Attributes
    ----------
    test : str, its name
    message : str, the first line of what it said
    """

    test: str
    message: str


@dataclass(frozen=True)
class Workplace:
    """A folder that a release was unpacked into.

    Attributes
    ----------
    folder : Path, the release's own folder
    environment : dict of str to str, what its commands are run with
    """

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    @classmethod
    def make(cls, folder: Path, data: Path | None) -> Workplace:
        """Return a workplace whose commands know nothing of the environment that runs this.

        Parameters
        ----------
        data : Path of a folder of batches for ``CS682_DATA``, or None to let it find its own
        """
        kept = {k: v for k, v in os.environ.items() if k not in _FOREIGN}
        if data is not None:
            kept["CS682_DATA"] = str(data)
        return cls(folder, kept)

    def write(self, files: Mapping[str, bytes]) -> None:
        """Write files, those that changed.

        Parameters
        ----------
        files : mapping of str to bytes, by path inside the folder
        """
        for name, data in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists() or path.read_bytes() != data:
                path.write_bytes(data)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the folder and return how it ended, with all that it printed.

        Parameters
        ----------
        *command : str, program and arguments
        """
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def require(self, *command: str) -> str:
        """Run a command that must succeed and return what it printed.

        Parameters
        ----------
        *command : str, program and arguments

        Raises
        ------
        ProofError
            If it fails; the message holds the end of what it printed.
        """
        done = self.run(*command)
        if done.returncode:
            end = "\n".join(done.stdout.splitlines()[-40:])
            raise ProofError(f"{' '.join(command)} ended with status {done.returncode}:\n{end}")
        return done.stdout

    def board(self) -> Board:
        """Return what ``python -m cs682 progress`` shows.

        Raises
        ------
        ProofError
            If it shows no board.
        """
        text = self.require(".venv/bin/python", "-m", "cs682", "progress")
        caption = _CAPTION.search(text)
        if not caption:
            raise ProofError(f"`python -m cs682 progress` shows no board:\n{text}")
        return Board(dict(_ROW.findall(text)), caption[0].strip())

    def test(self, *words: str) -> tuple[int, list[Failure], str]:
        """Run ``make test`` and return how many tests ran, which failed, and what was printed.

        Parameters
        ----------
        *words : str, further options of pytest

        Raises
        ------
        ProofError
            If no report was written.
        """
        report = self.folder / "build" / "tests.xml"
        report.unlink(missing_ok=True)
        arguments = [f"--junit-xml={report}", "--color=no", *words]
        done = self.run("make", "test", f"ARGS={' '.join(arguments)}")
        if not report.exists():
            end = "\n".join(done.stdout.splitlines()[-40:])
            raise ProofError(f"make test ended before its tests did:\n{end}")
        cases = list(ElementTree.parse(report).getroot().iter("testcase"))
        failures = [
            Failure(f"{case.get('classname')}::{case.get('name')}", part.get("message") or "")
            for case in cases
            for part in case
            if part.tag in ("failure", "error")
        ]
        return len(cases), failures, done.stdout

    def lab(self) -> list[str]:
        """Start ``make lab``, ask it for its notebooks, stop it, and return their paths.

        Raises
        ------
        ProofError
            If it does not answer, or with other notebooks than its workspace should open.
        """
        log = self.folder / "build" / "lab.log"
        log.parent.mkdir(exist_ok=True)
        with self._started(["make", "lab", f"ARGS={_LAB}"], log) as process:
            address = _wait_for_address(process, log)
            asked = subprocess.run(
                [sys.executable, str(ROOT / ".ci" / "ask_lab.py"), address],
                capture_output=True,
                text=True,
                check=False,
            )
        if asked.returncode:
            raise ProofError(f"make lab does not answer: {asked.stderr}\n{log.read_text('utf-8')}")
        return asked.stdout.split()

    @contextlib.contextmanager
    def _started(self, command: Sequence[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
        """Run a command in the background, and end it with all that it started."""
        with log.open("wb") as stream:
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=60)


def _wait_for_address(process: subprocess.Popen[bytes], log: Path) -> str:
    """Return the address that a server writes into its log; empty if it never does."""
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end and process.poll() is None:
        if found := _ADDRESS.search(log.read_text("utf-8", errors="replace")):
            return found[0]
        time.sleep(0.2)
    return ""

"""What the doctor looks at in a Python: itself, its packages, its kernel, its copies of `cs682`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit

from cs682.setup.assignment import PACKAGE_HOME, find_hiding, find_root
from cs682.setup.packages import DISTRIBUTION, OLDEST_PYTHON, Package, edition, packages

if TYPE_CHECKING:
    from collections.abc import Iterator

TOO_NEW_PYTHON = (3, 14)
PENDING_IPYKERNEL = 7
_OLDER = '"ipykernel<7"'
PATIENCE = 60  # seconds for one package to import on a slow disk
_WHOLE = f'-e "{PACKAGE_HOME}[lab]"'  # brings every package in a version that will do
_OWN_NAMES = {"python", "python3", f"python3.{sys.version_info[1]}"}  # Jupyter reads: this Python


class Finding(NamedTuple):
    """One thing that was looked at.

    `verdict` is 'ok', 'warn' or 'fail'; `cure` is the command or step that mends it.
    """

    verdict: str
    subject: str
    text: str
    cure: str = ""


def quoted(path: object) -> str:
    """Return a path as a shell takes it.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    text : str
    """
    text = str(path)
    return f'"{text}"' if " " in text else text


def pip_install(what: str) -> str:
    """Return the command that installs something into this Python.

    Parameters
    ----------
    what : str, as pip takes it

    Returns
    -------
    command : str
    """
    return f"{quoted(sys.executable)} -m pip install {what}"


def look_at_python() -> Iterator[Finding]:
    """Judge the version of the running Python.

    Yields
    ------
    finding : Finding
    """
    version = f"{sys.version.split()[0]} ({sys.executable})"
    cure = "make clean; make lab PYTHON=python3.12 (or another that you have)"
    if os.name == "nt":
        cure = "delete .venv; py -3.12 -m venv .venv; then as the README says"
    if sys.version_info < OLDEST_PYTHON:
        oldest = ".".join(map(str, OLDEST_PYTHON))
        yield Finding("fail", "Python", f"{version} is too old: {oldest} is the oldest", cure)
    elif sys.version_info >= TOO_NEW_PYTHON:
        yield Finding("warn", "Python", f"{version} is newer than any that was tried", cure)
    else:
        yield Finding("ok", "Python", version)


def look_at_packages() -> Iterator[Finding]:
    """Judge each package that the assignment asks for, and import those it cannot do without.

    Yields
    ------
    finding : Finding
    """
    needed = packages()
    running = {
        package.name: _start(f"import {package.name}")
        for package in needed
        if package.verdict != "missing"
    }
    for package in needed:
        yield _judge(package, "fail", _outcome(running.get(package.name)))
    for package in packages("lab"):
        if package.verdict != "ok" and package.name != "ipykernel":  # the kernel is looked at below
            yield _judge(package, "warn", "")


def _judge(package: Package, bad: str, trouble: str) -> Finding:
    """Turn what is known of a package into a finding."""
    cure = pip_install(_WHOLE)
    if package.verdict == "missing":
        return Finding(bad, package.name, f"is missing; {package.floor} or newer is needed", cure)
    if package.verdict == "too old":
        text = f"{package.found} is too old: {package.floor} or newer is needed"
        return Finding(bad, package.name, text, cure)
    if trouble:
        cure = pip_install(f"--force-reinstall {package.name}")
        return Finding(bad, package.name, f"{package.found} cannot be imported: {trouble}", cure)
    return Finding("ok", package.name, package.found)


def _start(program: str) -> subprocess.Popen[str]:
    """Run a line of Python elsewhere: a broken package can take its whole process along."""
    return subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=PACKAGE_HOME,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )


def _outcome(process: subprocess.Popen[str] | None) -> str:
    """Return what a process died of, or nothing."""
    if process is None:
        return ""
    try:
        _, errors = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return f"it takes more than {PATIENCE} s"
    if process.returncode == 0:
        return ""
    lines = errors.strip().splitlines() or [f"status {process.returncode}"]
    return lines[-1]


def look_at_kernel() -> Iterator[Finding]:
    """Judge whether notebooks run with this Python.

    Yields
    ------
    finding : Finding
    """
    ipykernel = next(package for package in packages("lab") if package.name == "ipykernel")
    if ipykernel.verdict != "ok":
        text = "this Python has no ipykernel that will do: no notebook runs with it"
        yield Finding("fail", "kernel", text, pip_install(_WHOLE))
        return
    try:
        command, place = _kernel_command()
    except (OSError, ValueError, KeyError, IndexError, subprocess.TimeoutExpired) as error:
        text = f"the list of kernels cannot be read ({error})"
        yield Finding("warn", "kernel", text, pip_install("--force-reinstall jupyter_client"))
        return
    cure = f"{quoted(sys.executable)} -m jupyter kernelspec remove -f python3"
    if command in _OWN_NAMES or _prefix(command) == sys.prefix:
        yield _judge_editor(ipykernel)
    else:
        text = f"Jupyter's kernel python3 ({place}) runs {command}, not {sys.executable}"
        yield Finding("fail", "kernel", text, cure)


def _judge_editor(ipykernel: Package) -> Finding:
    """Say what a kernel of version 7 does in VS Code: its cells may stay pending for ever."""
    text = "notebooks run with this Python"
    if int(ipykernel.found.partition(".")[0]) < PENDING_IPYKERNEL:
        return Finding("ok", "kernel", text)
    if os.environ.get("TERM_PROGRAM") != "vscode":
        return Finding("ok", "kernel", f"{text}; if cells stay pending in VS Code: docs/student.md")
    text = f"{text}, but with ipykernel {ipykernel.found} cells may stay pending in VS Code"
    return Finding("warn", "kernel", text, f"{pip_install(_OLDER)}, then restart VS Code")


def _kernel_command() -> tuple[str, str]:
    """Return the program of the kernel `python3`, and the folder that says so."""
    listed = subprocess.run(
        [sys.executable, "-m", "jupyter_client.kernelspecapp", "list", "--json"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    kernel = json.loads(listed.stdout)["kernelspecs"]["python3"]
    return str(kernel["spec"]["argv"][0]), str(kernel["resource_dir"])


def _prefix(command: str) -> str:
    """Return the environment that a Python belongs to; nothing if it does not run."""
    program = "import sys; print(sys.prefix)"
    try:
        done = subprocess.run(
            [command, "-c", program], capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


def look_at_copies() -> Iterator[Finding]:
    """Judge whether there is one `cs682` here and nothing hides it or a package.

    Yields
    ------
    finding : Finding
    """
    root = find_root()
    if root != PACKAGE_HOME:
        text = f"you are in {root}, but cs682 comes from {PACKAGE_HOME}"
        yield Finding("fail", "cs682", text, f"cd {quoted(root)}; {pip_install('-e .')}")
    else:
        yield Finding("ok", "cs682", f"{PACKAGE_HOME}, release {edition()}")
    for place in _other_places():
        text = f"there is another cs682: {place}"
        yield Finding("warn", "cs682", text, f"move {quoted(place)} away, then restart the kernels")
    installed = _installed_from()
    if installed is not None and installed != PACKAGE_HOME:
        text = f"pip has installed cs682 from {installed}"
        yield Finding("warn", "cs682", text, pip_install(f"-e {quoted(PACKAGE_HOME)}"))
    needed = {package.name for package in packages()}
    for path in find_hiding(PACKAGE_HOME):
        verdict, kind = ("fail", "package") if path.stem in needed else ("warn", "Python's module")
        text = f"{path} hides {'the ' * (verdict == 'fail')}{kind} {path.stem}"
        yield Finding(verdict, path.stem, text, f"rename {quoted(path)}")


def _other_places() -> list[Path]:
    """Return packages or files of our name that Python could come upon."""
    folders = [*(Path(place).resolve() for place in sys.path), PACKAGE_HOME / "notebooks"]
    found = []
    for folder in dict.fromkeys(folders):  # each once, in order
        for place in (folder / "cs682", folder / "cs682.py"):
            is_package = (place / "__init__.py").is_file() or place.is_file()
            if is_package and place != PACKAGE_HOME / "cs682":
                found.append(place)
    return found


def _installed_from() -> Path | None:
    """Return the folder that pip installed the assignment from; None if it did not."""
    try:
        said = metadata.distribution(DISTRIBUTION).read_text("direct_url.json")
    except metadata.PackageNotFoundError:
        return None
    if not said:
        return None
    path = unquote(urlsplit(json.loads(said)["url"]).path)
    return Path(path.lstrip("/") if os.name == "nt" else path).resolve()

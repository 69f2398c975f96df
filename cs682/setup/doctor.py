"""Look over everything that a student's work stands on, and say how to mend what is wrong.

Imports nothing but Python's own library, and looks at packages from outside: it has to run just
where they do not.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from cs682._files import MISSING, describe_encoding, find_conflict, find_renamed, judge, say_copies
from cs682.setup.assignment import GIVEN, KEPT, MANIFEST, PACKAGE_HOME
from cs682.setup.doctor_python import (
    PATIENCE,
    Finding,
    look_at_copies,
    look_at_kernel,
    look_at_packages,
    look_at_python,
    quoted,
)
from cs682.setup.new_release import read_manifest, strangers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_NAMED = 4  # files that are named
GIGABYTE = 1_000_000_000
NEEDED_DISK = 0.5 * GIGABYTE  # data 0.36, environment and trained models the rest
NEEDED_MEMORY = 2 * GIGABYTE  # the images take 0.6, a notebook with them and its plots about 1.2
_DATA = """
import json
from cs682.cifar10.files import check_files, describe, find_cifar10, is_stand_in
try:
    folder = find_cifar10()
    check_files(folder)
    found = ["warn" if is_stand_in(folder) else "ok", describe(folder)]
except (FileNotFoundError, ValueError) as error:
    text = str(error).splitlines()[0].replace(" Searched:", "")
    found = ["warn" if text.startswith("no CIFAR-10") else "fail", text]
print(json.dumps(found))
"""
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def run() -> int:
    """Look at everything, print each finding, and say what is to be mended.

    Returns
    -------
    status : int, 1 if something keeps the notebooks from working, else 0
    """
    findings = []
    for finding in examine():
        findings.append(finding)
        label = f"{finding.verdict:4}  {finding.subject:13}  "
        _say(f"{label}{finding.text}")
        if finding.cure:
            _say(f"{'':{len(label)}}to mend it: {finding.cure}")
    failed = sum(finding.verdict == "fail" for finding in findings)
    warned = sum(finding.verdict == "warn" for finding in findings)
    if failed:
        _say(f"{failed} to mend before the notebooks work, {warned} worth a look.")
    else:
        _say(f"The notebooks can run; {warned} worth a look." if warned else "All is well.")
    return 1 if failed else 0


def examine() -> Iterator[Finding]:
    """Look at one thing after the other.

    Yields
    ------
    finding : Finding; one that could not be looked at is a warning
    """
    looks: tuple[Callable[[], Iterator[Finding]], ...] = (
        look_at_python,
        look_at_copies,
        look_at_packages,
        look_at_kernel,
        look_at_data,
        look_at_machine,
        look_at_folders,
        look_at_conflicts,
        look_at_release,
        look_at_older_copies,
    )
    for look in looks:
        try:
            yield from look()
        except Exception as error:  # an environment breaks in ways that nobody foresees
            subject = look.__name__[len("look_at_") :]
            yield Finding("warn", subject, f"could not be looked at: {error!r}")


def look_at_data() -> Iterator[Finding]:
    """Judge the data that the notebooks would load: which, where, and whether it is sound.

    Yields
    ------
    finding : Finding
    """
    done = subprocess.run(
        [sys.executable, "-c", _DATA],
        cwd=PACKAGE_HOME,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=PATIENCE,
        check=False,
    )
    if done.returncode != 0:
        text = f"cannot be looked at: {(done.stderr.strip().splitlines() or ['?'])[-1]}"
        yield Finding("warn", "data", text, "mend the packages first")
        return
    verdict, text = json.loads(done.stdout)
    command = f"{quoted(sys.executable)} -m cs682 data"
    cure = "" if verdict == "ok" else f"{command} (without a network: {command} --stand-in)"
    given = os.environ.get("CS682_DATA")
    if given and text.startswith("no CIFAR-10"):
        verdict, text = "fail", f"CS682_DATA names a place without data: {given}"
        cure = "correct CS682_DATA, or unset it"
    yield Finding(verdict, "data", text, cure)


def look_at_machine() -> Iterator[Finding]:
    """Judge disk, memory and the number of threads.

    Yields
    ------
    finding : Finding
    """
    free = shutil.disk_usage(PACKAGE_HOME).free
    text = f"{free / GIGABYTE:.1f} GB free where the assignment lies"
    few = free < NEEDED_DISK
    yield Finding("warn" if few else "ok", "disk", text, "make room" if few else "")
    memory = free_memory()
    if memory is not None:
        few = memory < NEEDED_MEMORY
        cure = "close other programs and notebooks" if few else ""
        yield Finding(
            "warn" if few else "ok", "memory", f"{memory / GIGABYTE:.1f} GB to be had", cure
        )
    cores = os.cpu_count() or 1
    for name in _THREADS:
        wanted = os.environ.get(name, "")
        if wanted.isdigit() and int(wanted) > cores:
            text = f"{name} asks for {wanted} threads of {cores} cores, which slows training down"
            yield Finding("warn", "threads", text, f"unset {name}")


def free_memory(root: Path = Path("/")) -> int | None:
    """Return the memory to be had, in bytes; None where the system does not say.

    Parameters
    ----------
    root : Path, default the root of the file system

    Returns
    -------
    size : int or None; the least of what the machine has free and what a container may use
    """
    sizes = []
    for line in _lines(root / "proc" / "meminfo"):
        if line.startswith("MemAvailable:"):
            sizes.append(int(line.split()[1]) * 1024)
    for name in ("memory.max", "memory/memory.limit_in_bytes"):  # containers, new and old
        sizes += [int(line) for line in _lines(root / "sys/fs/cgroup" / name) if line.isdigit()]
    return min(sizes) if sizes else None


def look_at_folders() -> Iterator[Finding]:
    """Judge whether the folders that are written to can be written to.

    Yields
    ------
    finding : Finding
    """
    folders = [PACKAGE_HOME / name for name in ("notebooks", "cs682", "datasets")]
    troubles = {folder: why_not_writable(folder) for folder in folders}
    for folder, trouble in troubles.items():
        if trouble:
            text = f"{folder} cannot be written to: {trouble}"
            yield Finding("fail", "folders", text, _cure_of(folder))
    if not any(troubles.values()):
        yield Finding("ok", "folders", "notebooks, cs682 and datasets can be written to")


def look_at_conflicts() -> Iterator[Finding]:
    """Name the files that Git has left a conflict in.

    Yields
    ------
    finding : Finding
    """
    for pattern in ("cs682/**/*.py", "notebooks/*.ipynb"):
        for path in sorted(PACKAGE_HOME.glob(pattern)):
            if said := find_conflict(path.read_bytes()):
                name = path.relative_to(PACKAGE_HOME).as_posix()
                yield Finding("fail", "conflict", f"{name} {said}")


def look_at_release() -> Iterator[Finding]:
    """Judge whether what was given out is as it was: not half of an update, say.

    Yields
    ------
    finding : Finding; none in the source that releases are cut from
    """
    if not (PACKAGE_HOME / GIVEN).is_file():
        return
    if not (PACKAGE_HOME / MANIFEST).is_file():
        yield Finding("warn", "release", *f"{MANIFEST} {MISSING}".split(": ", 1))
        return
    remembered = json.loads((PACKAGE_HOME / GIVEN).read_bytes())
    written = remembered["texts"]
    odd = strangers(PACKAGE_HOME)
    needed = [*written, *(name for name in odd if name.endswith(".py"))]
    given = dict.fromkeys([*needed, *odd])  # what nothing runs without comes first
    gone = [name for name in given if not (PACKAGE_HOME / name).is_file()]
    for name in gone[:_NAMED]:
        verdict = "fail" if name in needed else "warn"
        renamed = find_renamed(PACKAGE_HOME / name) if name.endswith(".ipynb") else ""
        said = f"is missing{renamed}" if renamed else MISSING
        yield Finding(verdict, "release", *f"{name} {said}".split(": ", 1))
    if names := [name for name in odd if name not in gone]:
        more = " ..." * (len(names) > _NAMED)
        text = f"not as it was given out: {', '.join(names[:_NAMED])}{more}"
        cure = (
            "unless you changed them: python -m cs682 update, and the newest zip that you have; or "
            "copy them from that"
        )
        yield Finding("warn", "release", text, cure)
    elif not gone:
        yield Finding("ok", "release", "given files are as given out")
    ours = {PACKAGE_HOME / name for name in [*written, *remembered.get("hashes", ())]}
    copies = (text for name in written for text in say_copies(PACKAGE_HOME / name, ours))
    yield from (Finding("warn", "copy", text) for text in copies)
    yield from _look_into(name for name in written if name.endswith(".py") and name not in gone)


def look_at_older_copies() -> Iterator[Finding]:
    """Name files that a student writes in and that have gone back to an older release.

    Yields
    ------
    finding : Finding; none where no update has put an older release aside
    """
    if not [*PACKAGE_HOME.glob(f"{KEPT}/*/before/{GIVEN}")]:
        return
    # Here, since it needs the packages, and they may be what is amiss.
    from cs682.setup.remembered import find_origin, read_given, read_older

    manifest = read_manifest((PACKAGE_HOME / MANIFEST).read_bytes())
    releases = [read_given(PACKAGE_HOME / GIVEN), *read_older(PACKAGE_HOME / KEPT, manifest)]
    for name in (name for name in releases[0].texts if (PACKAGE_HOME / name).is_file()):
        found = find_origin(name, (PACKAGE_HOME / name).read_bytes(), releases)
        if found is not releases[0]:
            cure = "python -m cs682 update, and the newest zip that you have"
            yield Finding("warn", "release", f"{name} has gone back to {found.label}", cure)


def _look_into(names: Iterable[str]) -> Iterator[Finding]:
    """Judge whether files that a student writes in are Python, as a check does."""
    sources = ((name, (PACKAGE_HOME / name).read_bytes()) for name in names)
    for name, source in ((n, s) for n, s in sources if not find_conflict(s)):  # named already
        if trouble := judge(name, source):
            is_mended_there = not describe_encoding(source)  # which says itself what to do
            cure = "mend that line, or the one above it, and save the file" * is_mended_there
            yield Finding("fail", "file", f"{name} {trouble.splitlines()[0]}", cure)


def why_not_writable(folder: Path) -> str:
    """Return why no file can be made in a folder; nothing if one can.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    reason : str
    """
    try:
        with tempfile.TemporaryFile(dir=folder):
            return ""
    except OSError as error:
        return error.strerror or str(error)


def _cure_of(folder: Path) -> str:
    if not folder.exists():
        return "fetch the assignment again: this folder belongs to it"
    free = "attrib -R /S" if os.name == "nt" else "chmod -R u+w"
    return f"{free} {quoted(folder)}, or move the assignment to a folder of yours"


def _lines(path: Path) -> list[str]:
    """Return the lines of a file of the system; none if it has no such file."""
    try:
        return path.read_text(encoding="ascii").splitlines()
    except (OSError, ValueError):
        return []


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201  # a command talks to its user

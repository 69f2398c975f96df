"""Execute a hand-in's notebooks in a sandbox, for a person to look at; this earns no points.

What the cells put out is made by the student's code: only text and PNG pictures of it are kept, and
the page is made here, from the notebook as it was handed in.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import mmap
import re
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from html import escape
from importlib import metadata
from itertools import zip_longest
from pathlib import Path
from typing import IO, Any

from staff.grading.intake.books import read_book, require_few_marks
from staff.grading.intake.package import ROOT, read_package
from staff.grading.intake.safe_text import shown
from staff.grading.intake.text import BOX, clean
from staff.grading.results.pages import render
from staff.grading.results.store import write_text
from staff.grading.sandbox.ladder import Rung
from staff.grading.sandbox.users import free_user

SECONDS = 1800  # for all notebooks of a hand-in; the reference needs about 10 minutes on two cores
MEMORY = 6_000_000_000  # bytes of all processes together
MAX_OUTPUT = 20_000  # characters of one output
MAX_PAGE = 20_000_000  # bytes
LIMITS = {  # of each process, but for the number of them, with threads: a kernel needs 25
    "RLIMIT_AS": 4_000_000_000,  # a notebook holds all of CIFAR-10 as float32 and trains on it
    "RLIMIT_NPROC": 40,
    "RLIMIT_NOFILE": 256,  # what waits in a socket is memory of no process
    "RLIMIT_FSIZE": 50_000_000,  # bytes, also of what comes back
    "RLIMIT_CORE": 0,
}
_LOOK = 0.5  # seconds between two looks at the memory
_ENVIRONMENT = {
    **{f"{name}_NUM_THREADS": "2" for name in ("OMP", "OPENBLAS", "MKL")},  # not one for each core
    "HOME": "/tmp",
    "LANG": "C.UTF-8",
}
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def require_walls(rung: Rung) -> None:
    """Refuse to run notebooks where the sandbox is not bubblewrap's, or without nbclient.

    Raises
    ------
    ValueError
        If it is another: a kernel needs a network of its own, which only this one gives it. Or if
        there is no nbclient.
    """
    if rung.name != "bubblewrap":
        raise ValueError(f"--notebooks needs the sandbox bubblewrap, here it is {rung.name}")
    _libraries()


def _libraries() -> Path:
    """Return the folder of nbclient and of what it needs, without the wait for their import."""
    try:
        return Path(str(metadata.distribution("nbclient").locate_file(""))).resolve()
    except metadata.PackageNotFoundError:
        raise ValueError("--notebooks needs nbclient: make grading brings it") from None


def rerun_notebooks(package: Path, data: Path, folder: Path, rung: Rung) -> None:
    """Execute the notebooks of a hand-in and write a page for each.

    Parameters
    ----------
    package : Path, folder with the student's `cs682/` and `notebooks/`
    data : Path, folder of CIFAR-10, which the sandbox may read
    folder : Path, for the pages
    """
    put_out = _execute(package, data, rung)
    for path in sorted((package / "notebooks").glob("*.ipynb")):
        outputs = put_out.get(path.name, put_out.get("error", "there is no result"))
        write_text(folder / f"{path.stem}.html", page(path.name, path.read_bytes(), outputs))


def _execute(package: Path, data: Path, rung: Rung) -> dict[str, Any]:
    """Return what each notebook's cells put out, by its name, or {'error': why nothing did}."""
    libraries = _libraries()
    places = (*rung.interpreter.places, libraries, data.resolve())
    rung = replace(rung, interpreter=replace(rung.interpreter, places=places))
    with contextlib.ExitStack() as stack:
        box = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=BOX))).resolve() / "box"
        _fill(box, package)
        result = stack.enter_context(tempfile.TemporaryFile())
        config = {
            "libraries": str(libraries),
            "work": str(box / "work"),
            "limits": LIMITS,
            "user": stack.enter_context(free_user()) if rung.needs_user else None,
            "seconds": SECONDS,
            "result": result.fileno(),
        }
        command = rung.command(box, [str(box / "notebook_runner.py"), json.dumps(config)])
        return _answer(command, {"CS682_DATA": str(data.resolve()), **_ENVIRONMENT}, result)


def _fill(box: Path, package: Path) -> None:
    """Write the assignment with the student's files, and the runner, for anybody to read."""
    files = {f"work/{name}": content for name, content in read_package(package).items()}
    for path in (ROOT / "cs682" / "checks").rglob("*.py"):
        files[f"work/{path.relative_to(ROOT).as_posix()}"] = path.read_bytes()
    for path in (package / "notebooks").glob("*.ipynb"):
        files[f"work/notebooks/{path.name}"] = path.read_bytes()
    files["work/assignment.json"] = (ROOT / "assignment.json").read_bytes()
    files["notebook_runner.py"] = Path(__file__).with_name("notebook_runner.py").read_bytes()
    for name, content in files.items():
        path = box / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    for path in (box, *box.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def _answer(command: list[str], environment: dict[str, str], result: IO[bytes]) -> dict[str, Any]:
    """Run the sandbox and return the JSON object that it wrote, if that is one of few parts."""
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
        pass_fds=[result.fileno()],
        start_new_session=True,
    ) as process:
        try:
            reason = _watch(process)
        finally:
            process.kill()  # bubblewrap's end is the end of all in it
    if reason:
        return {"error": f"the notebooks were stopped: {reason}"}
    result.seek(0)
    try:
        require_few_marks(text := result.read())
        tree = json.loads(text)
        return tree if isinstance(tree, dict) else {"error": "the result is no object"}
    except (ValueError, RecursionError):
        return {
            "error": "the notebooks ended without a result: too much memory, output or processes?"
        }


def _watch(process: subprocess.Popen[bytes]) -> str:
    """Wait for the end of a sandbox; return why it must be stopped before, if it must."""
    end, before = time.monotonic() + SECONDS, _shared_memory()
    while time.monotonic() < end:
        if _memory_of(process.pid) + _shared_memory() - before > MEMORY:
            return f"they held more than {MEMORY / 1e9:g} GB of memory"
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_LOOK)
            return ""
    return f"they ran for more than {SECONDS} s"


def _memory_of(process: int) -> int:
    """Return the bytes that a process and all that come from it hold in memory."""
    seen = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = path.read_text(errors="replace").rpartition(")")[2].split()
            seen[int(path.parent.name)] = int(fields[1]), int(fields[21])  # parent, pages
    family = {process}
    while more := {child for child, (parent, _) in seen.items() if parent in family} - family:
        family |= more
    return sum(pages for member, (_, pages) in seen.items() if member in family) * mmap.PAGESIZE


def _shared_memory() -> int:
    """Return the bytes of the machine's memory that belong to files and to no process."""
    found = re.search(r"^Shmem: *(\d+) kB$", Path("/proc/meminfo").read_text(), re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def page(name: str, content: bytes, outputs: Any) -> str:
    """Return an executed notebook as a page on which nothing of it can run.

    Parameters
    ----------
    content : bytes of the notebook, as it was handed in
    outputs : object from the sandbox: what each cell put out, in a list; or why there is nothing
    """
    error, parts = outputs if isinstance(outputs, str) else "", []
    try:
        if not error:
            parts = [*_fitting(_parts(read_book(content), outputs))]
    except (AttributeError, KeyError, TypeError, ValueError) as wrong:
        error = f"the result is no notebook: {wrong}"
    return render("notebook.html", name=name, parts=parts, error=shown(error, 2000))


def _fitting(parts: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Give what a page has room for, and say so if that is not all."""
    room = MAX_PAGE
    for kind, text in parts:
        room -= len(escape(text).encode())
        if room < 0:
            yield "output", "(The rest is left out: the page would be too large.)"
            return
        yield kind, text


def _parts(cells: Iterable[dict[str, Any]], outputs: Any) -> Iterator[tuple[str, str]]:
    """Give each part of a page, and what it is: code, text, output or picture."""
    for cell, put_out in zip_longest(cells, outputs, fillvalue=()):
        if cell:
            kind = "code" if cell["cell_type"] == "code" else "text"
            yield kind, clean(cell["source"], MAX_OUTPUT)
        for output in put_out:
            yield from _output(output)


def _output(output: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Give the text or the picture of an output."""
    data = output.get("data", {})
    trace = "\n".join(map(str, output.get("traceback", [])))
    text = output.get("text") or data.get("text/plain") or trace
    if picture := _picture(data.get("image/png")):
        yield "picture", picture
    elif text:
        yield "output", clean(_COLOURS.sub("", _text(text)), MAX_OUTPUT)


def _picture(content: Any) -> str:
    """Return a PNG picture in base64, written anew; empty if it is none."""
    try:
        raw = base64.b64decode(_text(content or ""))
    except (binascii.Error, ValueError):
        return ""
    return base64.b64encode(raw).decode() if raw.startswith(b"\x89PNG") else ""


def _text(lines: Any) -> str:
    """Return a notebook's text, which may be a list of lines."""
    return "".join(map(str, lines)) if isinstance(lines, list) else str(lines)

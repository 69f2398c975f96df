"""Execute a hand-in's notebooks in a sandbox, for a person to look at; this earns no points.

What comes back was made by the student's code, so of each output only text and PNG pictures are
kept, and the page is made here.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import re
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

from staff.grading.intake.books import require_few_marks
from staff.grading.intake.package import ROOT, read_package
from staff.grading.intake.safe_text import shown
from staff.grading.intake.text import BOX, clean
from staff.grading.results.pages import render
from staff.grading.results.store import write_text
from staff.grading.sandbox.ladder import Rung
from staff.grading.sandbox.users import free_user

SECONDS = 1800  # for all notebooks of a hand-in; the reference needs about 10 minutes on two cores
MAX_BYTES = 60_000_000  # of what comes back
MAX_OUTPUT = 20_000  # characters of one output
# Each process has the first, and there are as many as the second, threads too, where a kernel and
# this runner need 25: the sum of all memory has no bound but their product.
LIMITS = {
    "RLIMIT_AS": 4_000_000_000,  # a notebook holds all of CIFAR-10 as float32 and trains on it
    "RLIMIT_NPROC": 40,
    "RLIMIT_FSIZE": 50_000_000,
    "RLIMIT_CORE": 0,
}
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
    executed = _execute(package, data, rung)
    for path in sorted((package / "notebooks").glob("*.ipynb")):
        book = executed.get(path.name, {"error": executed.get("error", "there is no result")})
        write_text(folder / f"{path.stem}.html", page(path.name, book))


def _execute(package: Path, data: Path, rung: Rung) -> dict[str, Any]:
    """Return the executed notebooks by name, or {'error': why there are none}."""
    libraries = _libraries()
    places = (*rung.interpreter.places, libraries, data.resolve())
    rung = replace(rung, interpreter=replace(rung.interpreter, places=places))
    with tempfile.TemporaryDirectory(prefix=BOX) as scratch:
        box = Path(scratch).resolve() / "box"
        _fill(box, package)
        with free_user() if rung.needs_user else contextlib.nullcontext() as user:
            config = {
                "libraries": ["/tmp/work", str(libraries)],
                "work": str(box / "work"),
                "limits": LIMITS,
                "user": user,
                "seconds": SECONDS,
            }
            command = rung.command(box, [str(box / "notebook_runner.py"), json.dumps(config)])
            return _answer(command, {"CS682_DATA": str(data.resolve()), **_ENVIRONMENT})


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


def _answer(command: list[str], environment: dict[str, str]) -> dict[str, Any]:
    """Run the sandbox and return the JSON object that it wrote, if that is one of modest size."""
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
    ) as process:
        timer = threading.Timer(SECONDS, process.kill)  # bubblewrap's end is the end of all in it
        timer.start()
        try:
            text = process.stdout.read(MAX_BYTES) if process.stdout else b""
            require_few_marks(text)
            tree = json.loads(text)
            return tree if isinstance(tree, dict) else {"error": "the result is no object"}
        except (ValueError, RecursionError):
            return {
                "error": "the notebooks ended without a result: out of time, memory or processes"
            }
        finally:
            timer.cancel()
            process.kill()


def page(name: str, book: Any) -> str:
    """Return an executed notebook as a page on which nothing of it can run.

    Parameters
    ----------
    book : object, a notebook as JSON from the sandbox, or {'error': text}
    """
    try:
        error = book.get("error")
        cells = [] if error else [_cell(cell) for cell in book["cells"][:1000]]
    except (AttributeError, KeyError, TypeError) as wrong:
        error, cells = f"the result is no notebook: {wrong}", []
    return render("notebook.html", name=name, cells=cells, error=shown(str(error or ""), 2000))


def _cell(cell: dict[str, Any]) -> dict[str, Any]:
    """Return what is shown of a cell."""
    outputs = [part for output in cell.get("outputs", []) for part in _parts(output)]
    source = clean(_text(cell["source"]), MAX_OUTPUT)
    return {"code": cell["cell_type"] == "code", "source": source, "outputs": outputs}


def _parts(output: dict[str, Any]) -> Iterator[dict[str, str]]:
    """Give the text and the picture of an output."""
    data = output.get("data", {})
    trace = "\n".join(map(str, output.get("traceback", [])))
    text = output.get("text") or data.get("text/plain") or trace
    if picture := _picture(data.get("image/png")):
        yield {"picture": picture}
    elif text:
        yield {"text": clean(_COLOURS.sub("", _text(text)), MAX_OUTPUT)}


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

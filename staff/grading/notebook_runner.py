"""What runs inside the sandbox to execute notebooks; the grader never imports it.

It is started as a script with its configuration as JSON: libraries, folder to copy, limits and
user. It writes what each cell put out as one JSON object, to a file that no kernel can reach.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import shutil
import sys
from pathlib import Path
from typing import Any

_PR_SET_DUMPABLE = 4


def main() -> None:
    """Execute the notebooks of a folder, one after the other."""
    config = json.loads(sys.argv[1])
    os.set_inheritable(config["result"], False)
    _give_up_privileges(config)
    sys.path.insert(0, config["libraries"])  # nothing that a kernel can write to
    work = Path("/tmp/work")
    os.environ["PYTHONPATH"] = f"{work}:{config['libraries']}"
    shutil.copytree(config["work"], work)
    # All are read before the first one runs, which may write over the others.
    books = {path: path.read_bytes() for path in sorted(work.glob("*/*.ipynb"))}
    put_out = {path.name: _execute(path, book, config["seconds"]) for path, book in books.items()}
    with os.fdopen(config["result"], "w", encoding="utf-8") as result:
        json.dump(put_out, result)
    os._exit(0)


def _give_up_privileges(config: dict[str, Any]) -> None:
    """Become nobody, within limits, whose files and memory no kernel of the same user reaches."""
    if os.getuid() == 0:
        os.setgroups([])
        os.setresgid(config["user"], config["user"], config["user"])
        os.setresuid(config["user"], config["user"], config["user"])
    for name, value in config["limits"].items():
        resource.setrlimit(getattr(resource, name), (value, value))
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def _execute(path: Path, content: bytes, seconds: int) -> list[Any] | str:
    """Return what each cell of a notebook puts out, as far as it comes, or why there is nothing."""
    import nbformat
    from nbclient import NotebookClient

    try:
        book = nbformat.reads(content.decode(), as_version=4)
        resources = {"metadata": {"path": str(path.parent)}}
        client = NotebookClient(
            book, timeout=seconds, kernel_name="python3", resources=resources, allow_errors=True
        )
        client.execute()
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:2000]
    return [cell.get("outputs", []) for cell in book.cells]


if __name__ == "__main__":
    main()

"""Run the reference notebooks and store their outputs; say what is wrong with a stored one.

The notebooks are tests: nbval compares what a cell prints with what is stored here. So what is
stored must come from real CIFAR-10, hold nothing of the machine that it was made on, and be
complete, since a cell without a stored output is never compared.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from cs682._files import replacing
from cs682.cifar10.files import find_cifar10, is_stand_in

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
CELL_TIMEOUT = 1800  # seconds; the longest cell trains for about 4 minutes on two cores

KERNELSPEC = {"display_name": "Python 3", "language": "python", "name": "python3"}
LANGUAGE = {"file_extension": ".py", "name": "python", "pygments_lexer": "ipython3"}
METADATA = {"kernelspec": KERNELSPEC, "language_info": LANGUAGE}
CELL_METADATA = {"tags", "jupyter"}  # all that a cell may carry; `jupyter` folds its source away
NOT_COMPARED = {"nbval-ignore-output", "nbval-skip"}
KNOWN_TAGS = {*NOT_COMPARED, "answer"}


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``notebooks`` to the staff's command line.

    Parameters
    ----------
    commands : the subparsers of ``python -m staff``; one more is added
    """
    parser = commands.add_parser("notebooks", help="run the reference notebooks, store outputs")
    parser.add_argument("paths", nargs="*", type=Path, help="notebooks (default: all)")
    parser.add_argument("--check", action="store_true", help="run nothing, look at what is stored")
    parser.add_argument(
        "--allow-stand-in", action="store_true", help="run on stand-in data (to try, not to commit)"
    )
    parser.set_defaults(run=run_command)


def run_command(args: argparse.Namespace) -> int:
    """Store outputs, or with ``--check`` only look, and report each notebook on a line.

    Parameters
    ----------
    args : namespace with ``paths``, ``check`` and ``allow_stand_in``

    Returns
    -------
    status : int, 1 when a notebook has a fault or the data will not do, else 0
    """
    paths = args.paths or sorted(NOTEBOOKS.glob("*.ipynb"))
    if not paths:
        return _refuse(f"no notebooks in {NOTEBOOKS}")
    try:
        folder = None if args.check else _find_data(allow_stand_in=args.allow_stand_in)
    except (FileNotFoundError, ValueError) as error:
        return _refuse(str(error))
    try:
        faults = [_treat(path, folder) for path in paths]
    except CellExecutionError as error:
        return _refuse(f"this cell raised, and its notebook stays as it was.\n{error}")
    return 1 if any(faults) else 0


def _find_data(*, allow_stand_in: bool) -> Path:
    """Return the data folder that the notebooks will load, unless it holds the stand-in."""
    folder = find_cifar10()
    if is_stand_in(folder) and not allow_stand_in:
        raise ValueError(
            f"{folder} holds stand-in data; stored outputs come from real CIFAR-10: "
            "run `make data`, or set CS682_DATA (to try: --allow-stand-in)"
        )
    return folder


def _treat(path: Path, data: Path | None) -> list[str]:
    """Store the outputs of one notebook (with data), report its faults."""
    if data is not None:
        _say(f"{path.name}: running")
        store_outputs(path, data)
    faults = find_faults(nbformat.read(path, as_version=4))
    _say("\n".join(f"{path.name}: {text}" for text in faults or ["in order"]))
    return faults


def store_outputs(path: Path, data: Path) -> None:
    """Run a notebook in its own folder and write it back with its outputs.

    The file changes only when every cell has run.

    Parameters
    ----------
    data : Path of the folder of batches in use; outputs name its place in `datasets/` instead

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        If a cell raises; the message holds its source and the traceback.
    """
    book = nbformat.read(path, as_version=4)
    client = NotebookClient(
        book,
        timeout=CELL_TIMEOUT,
        kernel_name=KERNELSPEC["name"],
        resources={"metadata": {"path": str(path.parent)}},
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,  # a progress bar leaves its last state, not every one
    )
    client.execute()
    normalise(book, {str(data): f"datasets/{data.name}", str(ROOT): ".", str(Path.home()): "~"})
    write_atomically(book, path)


def normalise(book: nbformat.NotebookNode, places: dict[str, str] | None = None) -> None:
    """Take out of a notebook, in place, what differs between machines.

    Source, cell ids, tags, execution counts and outputs stay.

    Parameters
    ----------
    book : notebook in format 4, written to
    places : dict of str to str, optional; folders of this machine, each with the text to put into
        outputs instead
    """
    book["metadata"] = nbformat.from_dict(METADATA)
    for cell in book["cells"]:
        kept = {k: v for k, v in cell["metadata"].items() if k in CELL_METADATA and v}
        cell["metadata"] = nbformat.from_dict(kept)
        for output in cell.get("outputs", []):
            _rename_places(output, places or {})


def _rename_places(output: dict[str, Any], places: dict[str, str]) -> None:
    """Replace folder names in the text of one output."""
    holder, key = (output, "text") if "text" in output else (output.get("data", {}), "text/plain")
    for place, name in places.items():
        if key in holder:
            holder[key] = holder[key].replace(place, name)


def write_atomically(book: nbformat.NotebookNode, path: Path) -> None:
    """Write a notebook so that a reader finds the old file or the new one, never a part.

    Parameters
    ----------
    path : Path of the file, replaced

    Raises
    ------
    nbformat.ValidationError
        If the notebook breaks its format; the old file stays.
    """
    nbformat.validate(book)
    with replacing(path) as file:
        file.write(nbformat.writes(book).rstrip("\n").encode() + b"\n")


def find_faults(book: nbformat.NotebookNode) -> list[str]:
    """List what is wrong with a stored reference notebook.

    Returns
    -------
    faults : list of str, one sentence each; empty when the notebook is in order
    """
    code = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    return [
        *_metadata_faults(book),
        *_id_faults(book["cells"]),
        *_count_faults(code),
        *(text for cell in book["cells"] for text in _cell_faults(cell)),
    ]


def _metadata_faults(book: nbformat.NotebookNode) -> list[str]:
    """Compare the notebook's metadata with the only ones allowed."""
    if book["metadata"] == METADATA:
        return []
    return [f"metadata is {dict(book['metadata'])}, expected {METADATA}"]


def _id_faults(cells: Iterable[nbformat.NotebookNode]) -> list[str]:
    """Name cell ids that are missing or occur twice."""
    counts = Counter(cell.get("id") for cell in cells)
    return [f"cell id {name!r} occurs {n} times" for name, n in counts.items() if n > 1 or not name]


def _count_faults(code: list[nbformat.NotebookNode]) -> list[str]:
    """Check that the cells were run once each, from the top."""
    got = [cell["execution_count"] for cell in code]
    want = list(range(1, len(code) + 1))
    return [] if got == want else [f"execution counts are {got}, expected {want}"]


def _cell_faults(cell: nbformat.NotebookNode) -> list[str]:
    """Check one cell's tags and stored outputs."""
    tags, keys = set(cell["metadata"].get("tags", [])), set(cell["metadata"])
    outputs = cell.get("outputs", [])
    faults = []
    if tags - KNOWN_TAGS:
        faults.append(f"unknown tags {sorted(tags - KNOWN_TAGS)}, known are {sorted(KNOWN_TAGS)}")
    if keys - CELL_METADATA:
        faults.append(f"metadata {sorted(keys - CELL_METADATA)}, only tags and jupyter may be")
    if any(output["output_type"] == "error" for output in outputs):
        faults.append("an error is stored")
    if cell["cell_type"] == "code" and not outputs and not tags & NOT_COMPARED:
        faults.append("compared, but no output is stored: print one or tag it nbval-ignore-output")
    return [f"cell {cell.get('id')}: {text}" for text in faults]


def _say(text: str) -> None:
    """Report progress on standard output, at once."""
    print(text, flush=True)  # noqa: T201 - this is a command line


def _refuse(text: str) -> int:
    """Report on standard error why nothing was done."""
    print(f"error: {text}", file=sys.stderr)  # noqa: T201 - this is a command line
    return 1

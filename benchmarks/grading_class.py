"""``python -m benchmarks.grading_class``: grade a made-up class and say what it took.

Nine hand-ins of ten are the reference with up to four wrong answers of the bank, the tenth is
hostile or broken. A seed makes the same class again, so runs on one process, two processes and a
cluster can be held against each other.
"""

from __future__ import annotations

import argparse
import filecmp
import importlib
import random
import shutil
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from staff.bank.judge import BANK
from staff.grading.intake.locate import FILES
from staff.grading.intake.package import ROOT
from staff.tests.grading.hostile_zips import HOSTILE as HOSTILE_ZIPS

ENDLESS = {"np.maximum(x, 0), x": "next(iter(int, 1)), x"}  # code that never ends
FORKS = {"np.maximum(x, 0), x": "[__import__('os').fork() for _ in range(99)], x"}
EXITS = {"np.maximum(x, 0), x": "__import__('os')._exit(0), x"}
HUNGRY = {"np.maximum(x, 0), x": "np.ones(10**11), x"}


def main() -> int:
    """Make the class, grade it in each way that was asked for, and compare.

    Returns
    -------
    status : int, 1 if two ways gave different files
    """
    options = _options()
    place = options.work / "class"
    if not place.exists():
        make_class(place, options.size, options.models)
    outs = [_grade(way, place, options) for way in options.ways]
    different = [str(out) for out in outs[1:] if not _same(outs[0], out)]
    _say(f"different from {outs[0]}: {different}" if different else "all ways: the same files")
    return 1 if different else 0


def _options() -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.grading_class", description=__doc__)
    parser.add_argument("--size", type=int, default=300, help="hand-ins")
    parser.add_argument("--work", type=Path, required=True, help="folder for class and results")
    parser.add_argument("--models", type=Path, help="folder with the model files of a hand-in")
    parser.add_argument("--data", type=Path, help="folder of CIFAR-10")
    parser.add_argument(
        "--ways", nargs="+", default=["2"], metavar="WAY", help="1, 2, ... processes, or dask"
    )
    return parser.parse_args()


def make_class(place: Path, size: int, models: Path | None) -> None:
    """Write a class of hand-ins.

    Parameters
    ----------
    place : Path, a new folder
    size : int
    models : Path or None, a folder with the model files that all of them hand in
    """
    place.mkdir(parents=True)
    rng = random.Random(682)  # not for secrets
    extra = sorted(models.glob("*.npz")) if models else []
    for number in range(size):
        path = place / f"student{number:04}.zip"
        if number % 20 == 10:
            path.write_bytes(HOSTILE_ZIPS[number // 20 % len(HOSTILE_ZIPS)].make())
            continue
        files = {name: (ROOT / name).read_bytes() for name in FILES}
        if number % 20 == 0:
            change = (ENDLESS, FORKS, EXITS, HUNGRY)[number // 20 % 4]
            files["cs682/layers.py"] = _changed(files["cs682/layers.py"], change)
        else:
            _make_mistakes(files, rng)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(f"cs682-assignment2/{name}", content)
            for model in extra:
                archive.write(model, f"cs682-assignment2/notebooks/{model.name}")


def _changed(source: bytes, change: dict[str, str]) -> bytes:
    """Return a file with one piece replaced."""
    ((old, new),) = change.items()
    return source.replace(old.encode(), new.encode())


def _make_mistakes(files: dict[str, bytes], rng: random.Random) -> None:
    """Put up to four wrong answers into a hand-in, as many as go together."""
    wrong = [answer for answer in BANK if answer.verdict == "wrong" and answer.file in files]
    for answer in rng.sample(wrong, rng.randrange(5)):
        try:
            text = answer.apply(files[answer.file].decode())
        except ValueError:
            continue  # the piece it replaces is gone: another answer was there first
        files[answer.file] = text.encode()


def _grade(way: str, place: Path, options: argparse.Namespace) -> Path:
    """Grade the class in one way, say how long it took, and return where the results are."""
    out = options.work / f"out-{way}"
    shutil.rmtree(out, ignore_errors=True)
    words = [sys.executable, "-m", "staff", "grade", str(place), "--out", str(out), "--seed", "1"]
    words += ["--data", str(options.data)] if options.data else ["--no-models"]
    with _cluster() if way == "dask" else nullcontext() as address:
        words += ["--scheduler", address] if address else ["--jobs", way]
        started = time.perf_counter()
        process = subprocess.Popen(words, cwd=ROOT)
        peak = [0]
        watcher = threading.Thread(target=_watch, args=(process, peak))
        watcher.start()
        status = process.wait()
        watcher.join()
    seconds = time.perf_counter() - started
    count = sum(1 for _ in place.iterdir())
    _say(
        f"{way}: {count} hand-ins in {seconds:.0f} s, {60 * count / seconds:.1f} a minute, peak "
        f"memory {peak[0] / 1e6:.0f} MB, status {status}"
    )
    return Path(out)


@contextmanager
def _cluster() -> Iterator[str]:
    """Start a Dask cluster of two workers on this machine."""
    distributed: Any = importlib.import_module("distributed")
    with distributed.LocalCluster(2, threads_per_worker=1, dashboard_address=None) as cluster:
        yield cluster.scheduler_address


def _watch(process: subprocess.Popen[bytes], peak: list[int]) -> None:
    """Note the highest memory of a process and all that it started, pages in common split up."""
    while process.poll() is None:
        peak[0] = max(peak[0], sum(_memory(pid) for pid in _family(process.pid)))
        time.sleep(0.5)


def _family(pid: int) -> list[int]:
    """Return a process and all below it (Linux)."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        below = [int(word) for t in tasks for word in (t / "children").read_text().split()]
    except OSError:
        return []
    return [pid, *(found for child in below for found in _family(child))]


def _memory(pid: int) -> int:
    """Return the bytes of a process; of pages in common its part."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0  # it has ended
    lines = [line.split() for line in text.splitlines() if line.startswith("Pss:")]
    return 1024 * int(lines[0][1]) if lines else 0


def _same(one: Path, other: Path) -> bool:
    """Tell whether two folders hold the same files, byte for byte."""
    names = {p.relative_to(one) for p in one.rglob("*") if p.is_file()}
    if names != {p.relative_to(other) for p in other.rglob("*") if p.is_file()}:
        return False
    return all(filecmp.cmp(one / name, other / name, shallow=False) for name in names)


def _say(text: str) -> None:
    """Print a line, at once."""
    print(text, flush=True)  # noqa: T201  # this is a command line


if __name__ == "__main__":
    sys.exit(main())

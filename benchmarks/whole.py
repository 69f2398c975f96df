"""What a user waits for: imports, data, gradient checks, a notebook, a graded hand-in."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import plain_extras
from benchmarks.pairs import OURS, PLAIN, Line, Run
from cs682.cifar10.files import find_cifar10
from cs682.classifiers.fc_net import FullyConnectedNet
from cs682.data_utils import get_CIFAR10_data
from cs682.gradient_check import eval_numerical_gradient

ROOT = Path(__file__).resolve().parent.parent
IMPORT = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"
PEAK = """
{}
for line in open("/proc/self/status"):
    if line.startswith("VmHWM"):
        print(int(line.split()[1]) / 1024)
"""


def import_lines() -> Iterator[Line]:
    """``import cs682.layers`` against NumPy, in fresh interpreters."""

    def importing(name: str) -> Callable[[], Run]:
        return lambda: lambda: float(_python("-c", IMPORT.format(name)))

    sides = {OURS: importing("cs682.layers"), "import numpy": importing("numpy")}
    yield Line("import", "import cs682.layers", sides, self_timed=tuple(sides))


def loading_lines() -> Iterator[Line]:
    """Load the data in the ways of this package and of a plain solution; needs data."""

    def ours() -> Any:
        return get_CIFAR10_data(verbose=False)

    peaks = {
        OURS: _peak("from cs682.data_utils import get_CIFAR10_data as f; f(verbose=False)"),
        PLAIN: _peak("from benchmarks.plain_extras import load_data as f; f()"),
    }
    note = "peak memory " + ", ".join(f"{name} {peak:.0f} MB" for name, peak in peaks.items())
    sides: dict[str, Callable[[], Run]] = {
        OURS: lambda: ours,
        PLAIN: lambda: plain_extras.load_data,
    }
    yield Line("data", "load CIFAR-10, warm", sides, rounds=5, note=note)


def gradient_check_lines() -> Iterator[Line]:
    """Check the gradient of one weight matrix of a small network numerically."""
    rng = np.random.default_rng(682)
    net = FullyConnectedNet([20, 30], input_dim=15, dtype=np.float64)
    X, y = rng.standard_normal((2, 15)), np.array([3, 5])

    def loss(_: Any) -> float:
        return float(net.loss(X, y)[0])

    W = net.params["W1"]
    sides: dict[str, Callable[[], Run]] = {
        OURS: lambda: partial(eval_numerical_gradient, loss, W, verbose=False),
        PLAIN: lambda: partial(plain_extras.numerical_gradient, loss, W),
    }
    yield Line("gradient check", "W1 of [20, 30], D = 15, both on our network", sides, rounds=7)


def notebook_lines(names: tuple[str, ...]) -> Iterator[Line]:
    """Run a whole notebook in a fresh kernel; its seconds only, there is nothing to compare."""
    for name in names:

        def run(name: str = name) -> None:
            with tempfile.TemporaryDirectory() as folder:
                path = str(ROOT / "notebooks" / f"{name}.ipynb")
                command = ["-m", "nbconvert", "--to", "notebook", "--execute", path]
                _python(*command, "--output-dir", folder, "--ExecutePreprocessor.timeout=900")

        yield Line("notebook", f"{name}.ipynb", {OURS: partial(partial, run)}, rounds=1)


def grading_lines() -> Iterator[Line]:
    """Grade the reference as one hand-in without trained models; its seconds only. Needs data."""
    find_cifar10()

    def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            hand_in = Path(folder, "hand-ins", "reference")
            for part in ("cs682", "notebooks"):
                shutil.copytree(ROOT / part, hand_in / part)
            arguments = ["grade", str(hand_in.parent), "--out", str(Path(folder, "out"))]
            _python("-m", "staff", *arguments, "--jobs", "1")

    yield Line(
        "grading",
        "one hand-in: all code and notebooks, no trained models",
        {OURS: lambda: run},
        rounds=1,
    )


def _peak(code: str) -> float:
    """Return the peak memory in MB of a fresh interpreter that runs `code`."""
    return float(_python("-c", PEAK.format(code)))


def _python(*arguments: str) -> str:
    """Run this interpreter in the root folder; return what it printed."""
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"python {' '.join(arguments)} failed:\n{done.stderr[-2000:]}")
    return done.stdout

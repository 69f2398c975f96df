"""What several tests of a search need: a quick Solver, a space, a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from cs682.search import Range
from cs682.solver import Solver
from tests.machinery.quick_softmax import QuickSoftmax

ROOT = Path(__file__).resolve().parents[2]
SPACE = {"rate": Range(1e-4, 1.0, log=True), "decay": [0.5, 1.0]}


def make(data, rate, decay=1.0, **options):
    """Make a small Solver whose batches come from the global stream."""
    options = {"batch_size": 5, "num_epochs": 2, "verbose": False, **options}
    return Solver(
        QuickSoftmax(), data, optim_config={"learning_rate": rate}, lr_decay=decay, **options
    )


def outcome(result):
    """Give all of a result that must not depend on where and when it was computed."""
    return [replace(run, seconds=0.0) for run in result.runs]


def run_code(*command):
    """Run Python with these arguments, from the folder of the source."""
    return subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

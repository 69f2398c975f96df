"""What the machine is, and how fast its matrix products and its memory can be."""

from __future__ import annotations

import os
import platform
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import pytorch

Array = Any


def sgemm_rate(size: int = 1536, repeats: int = 3) -> float:
    """Return the best rate of a large float32 matrix product, in operations per second."""
    rng = np.random.default_rng(682)
    a, b = rng.standard_normal((2, size, size)).astype(np.float32)
    out = np.empty_like(a)
    return 2 * size**3 / _best(lambda: np.matmul(a, b, out=out), repeats)


def bandwidth(size: int = 16 * 2**20, repeats: int = 3) -> float:
    """Return the best rate of ``w += v`` on arrays beyond any cache, in bytes moved per second.

    Two reads and a write for each float32, as an optimiser's update moves them.
    """
    w, v = np.ones(size, np.float32), np.ones(size, np.float32)
    return 3 * w.nbytes / _best(lambda: np.add(w, v, out=w), repeats)


def _best(run: Any, repeats: int) -> float:
    """Return the shortest time of some calls, in seconds."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def describe() -> dict[str, str]:
    """Return what the figures depend on: machine, versions, threads."""
    return {
        "processor": f"{_processor()}, {len(os.sched_getaffinity(0))} cores",
        "system": f"{platform.system()} {platform.release()}, {platform.machine()}",
        "Python": platform.python_version(),
        "NumPy": f"{np.__version__}, {_blas()}",
        "PyTorch": _torch(),
        "threads": os.environ.get("OPENBLAS_NUM_THREADS", "not set"),
        "load before": load(),
    }


def load() -> str:
    """Return how many processes wanted a core in the last minute, these measurements included."""
    return f"{os.getloadavg()[0]:.2f}"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown processor"


def _blas() -> str:
    blas: Any = np.show_config(mode="dicts")
    found = blas["Build Dependencies"]["blas"]
    return f"{found['name']} {found['version']}"


def _torch() -> str:
    if not pytorch.is_there():
        return "absent: no comparison with it"
    return f"{metadata.version('torch')}, eager, on the CPU"

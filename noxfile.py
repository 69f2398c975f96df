"""The fast tests with each Python that is claimed, each with its oldest and its newest NumPy.

`make matrix` runs it, and `ARGS='-p 3.12 -k newest'` one combination. Pythons that the
machine lacks are said, not fetched. Environments lie in `.nox` and are used again.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import nox

PROJECT = (Path(__file__).parent / "pyproject.toml").read_text(encoding="utf-8")
LOW, HIGH = map(int, re.findall(r'^requires-python = ">=3\.(\d+),<3\.(\d+)"', PROJECT, re.M)[0])
PYTHONS = [f"3.{minor}" for minor in range(LOW, HIGH)]
FLOOR = re.findall(r'"numpy>=([\d.]+)"', PROJECT)[0]
FIRST = {"3.13": "2.1"}  # older ones have no wheels for this Python

# pyenv's programs on the PATH stand for the chosen versions only: choose all that are there.
PYENV = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
os.environ.setdefault("PYENV_VERSION", ":".join(folder.name for folder in PYENV.glob("3.*")))

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = False
nox.options.reuse_venv = "yes"


@nox.session(python=PYTHONS)
@nox.parametrize("numpy", ["oldest", "newest"])
def tests(session: nox.Session, numpy: str) -> None:
    """Run the tests that are not slow, or those that are named after ``--``."""
    oldest = f"numpy=={FIRST.get(str(session.python), FLOOR)}.*"
    session.install("-e", ".[lab,test]", oldest if numpy == "oldest" else "numpy", "--upgrade")
    session.run("python", "-c", "import numpy; print('NumPy', numpy.__version__)")
    chosen = session.posargs or ["tests", "staff/tests"]
    session.run("pytest", "-q", "-m", "not slow", "-p", "no:cacheprovider", *chosen)

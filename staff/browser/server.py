"""Start JupyterLab or Jupyter Notebook for a test, on this machine alone, and end it again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FRONT_ENDS = {"lab": "lab/tree", "notebook": "notebooks"}  # command, and where it shows a file
OURS = "ours"  # JupyterLab as `python -m cs682 lab` starts it
START_SECONDS = 180  # a busy machine is no fault
STOP_SECONDS = 20
QUIET = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false"}}  # asks the network


@contextmanager
def serve(front_end: str, folder: Path, home: Path, data: Path) -> Iterator[str]:
    """Serve a folder, give the address under which a notebook of it opens, and stop at the end.

    Parameters
    ----------
    front_end : {'lab', 'notebook', 'ours'}
    folder : Path of the assignment, the root that is served
    home : Path of an empty folder for the server's own settings, run-time files and log

    Yields
    ------
    address : str, to which the path of a notebook is added

    Raises
    ------
    RuntimeError
        If the server does not come up; the text ends with its log.
    """
    log = home / "server.log"
    with log.open("w") as stream:
        server = subprocess.Popen(
            _command(front_end, folder),
            cwd=folder,
            env=_environment(front_end, home, data),
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield f"{_address(server, home)}{FRONT_ENDS.get(front_end, 'lab/workspaces/assignment')}"
    finally:
        _stop(server)


def _command(front_end: str, folder: Path) -> list[str]:
    """Return the command that starts a server without a password, which only this machine sees."""
    ours = ("-m", "cs682", "lab", "--no-browser")
    plain = ("-m", "jupyter", front_end, "--no-browser", "--allow-root")
    return [
        *(sys.executable, *(ours if front_end == OURS else plain)),
        *("--ip=127.0.0.1", "--port=0", "--IdentityProvider.token="),
        f"--ServerApp.root_dir={folder}",
    ]


def _environment(front_end: str, home: Path, data: Path) -> dict[str, str]:
    """Return an environment in which nobody's own Jupyter settings count."""
    overrides = home / "config" / "labconfig" / "default_setting_overrides.json"
    overrides.parent.mkdir(parents=True)
    if front_end != OURS:
        overrides.write_text(json.dumps(QUIET))
    places = {f"JUPYTER_{name.upper()}_DIR": home / name for name in ("config", "data", "runtime")}
    places["IPYTHONDIR"] = home / "ipython"
    kept = {key: text for key, text in os.environ.items() if key != "PYTHONPATH"}
    return kept | {key: str(path) for key, path in places.items()} | {"CS682_DATA": str(data)}


def _address(server: subprocess.Popen[bytes], home: Path) -> str:
    """Wait for the file in which a server that is ready says where it listens."""
    for _ in range(START_SECONDS * 10):
        for told in (home / "runtime").glob("jpserver-*[0-9].json"):
            if text := told.read_text():
                return str(json.loads(text)["url"])
        if server.poll() is not None:
            break
        time.sleep(0.1)
    raise RuntimeError(f"Jupyter did not start:\n{(home / 'server.log').read_text()}")


def _stop(server: subprocess.Popen[bytes]) -> None:
    """Ask the server to end itself and its kernels; end it by force if it does not."""
    if server.poll() is not None:
        return
    os.killpg(server.pid, signal.SIGTERM)
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()

"""Open the notebooks in JupyterLab, with the file to write in beside them.

Works wherever Python does, and touches none of the user's own Jupyter settings: the layout and the
one setting that is changed lie in `build/lab`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence

from cs682.setup.assignment import PACKAGE_HOME

WORKSPACE = PACKAGE_HOME / "notebooks" / "assignment.jupyterlab-workspace"
HOME = PACKAGE_HOME / "build" / "lab"
_QUIET = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false"}}  # asks the network


def open_lab(options: Sequence[str] = ()) -> int:
    """Start JupyterLab in the folder of the assignment, and wait until it ends.

    Parameters
    ----------
    options : sequence of str, handed on to `jupyter lab`

    Returns
    -------
    status : int, of JupyterLab

    Raises
    ------
    ImportError
        If JupyterLab is not installed.
    """
    from jupyterlab_server.workspaces_handler import WorkspacesManager

    overrides = HOME / "labconfig" / "default_setting_overrides.json"
    overrides.parent.mkdir(parents=True, exist_ok=True)
    overrides.write_text(json.dumps(_QUIET), encoding="utf-8")
    workspaces = WorkspacesManager(str(HOME / "workspaces"))
    workspaces.save("assignment", WORKSPACE.read_text(encoding="utf-8"))
    start = [sys.executable, "-m", "jupyter", "lab"]
    start.append("--LabApp.default_url=/lab/workspaces/assignment")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        start.append("--allow-root")
    return subprocess.call([*start, *options], env=environment(), cwd=PACKAGE_HOME)


def environment() -> dict[str, str]:
    """Return the environment in which JupyterLab finds our layout and setting.

    Returns
    -------
    environment : dict of str
    """
    places = [str(HOME), *filter(None, [os.environ.get("JUPYTER_CONFIG_PATH")])]
    return os.environ | {
        "JUPYTER_CONFIG_PATH": os.pathsep.join(places),
        "JUPYTERLAB_WORKSPACES_DIR": str(HOME / "workspaces"),
    }

"""Open the notebooks in JupyterLab, with the file to write in beside them.

Works wherever Python does, and touches none of the user's own Jupyter settings: the layout and the
one setting that is changed lie in `build/lab`.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from cs682.setup.assignment import MANIFEST, PACKAGE_HOME

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
    if (PACKAGE_HOME / MANIFEST).is_file():  # a student's copy: the source stays as it was stored
        for path in sorted((PACKAGE_HOME / "notebooks").glob("*.ipynb")):
            name_language(path)
    workspaces = WorkspacesManager(str(HOME / "workspaces"))
    workspaces.save("assignment", WORKSPACE.read_text(encoding="utf-8"))
    start = [sys.executable, "-m", "jupyter", "lab"]
    start.append("--LabApp.default_url=/lab/workspaces/assignment")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        start.append("--allow-root")
    return subprocess.call([*start, *options], env=environment(), cwd=PACKAGE_HOME)


def name_language(path: Path) -> None:
    """Write into a notebook which Python runs it, as JupyterLab does when it has been opened.

    Written before, it leaves no notebook marked as unsaved that nobody has touched. One that says
    so already, or cannot be read or written, stays as it is.

    Parameters
    ----------
    path : Path of the notebook
    """
    language = {
        "codemirror_mode": {"name": "ipython", "version": 3},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
        "version": platform.python_version(),
    }
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    unfinished = path.with_name(f".{path.name}.part")
    try:
        book = json.loads(path.read_text(encoding="utf-8"))
        if "version" not in book["metadata"].get("language_info", {}):
            book["metadata"] |= {"kernelspec": kernel, "language_info": language}
            text = json.dumps(book, indent=1, ensure_ascii=False) + "\n"
            unfinished.write_text(text, encoding="utf-8")
            unfinished.replace(path)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        unfinished.unlink(missing_ok=True)


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

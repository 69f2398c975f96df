"""Prepare a notebook: one call at its top, the same in all three."""

from __future__ import annotations

import sys
from typing import Any


def start() -> None:
    """Reload edited modules before each cell, draw plots in the page, use the course's style.

    Outside a notebook only the plot style is set. Prints the versions in use, which is the first
    thing anyone who helps will ask for.
    """
    import numpy as np
    from IPython import get_ipython

    from cs682.vis_utils import use_course_style

    shell = get_ipython()
    if shell is not None:
        shell.run_line_magic("matplotlib", "inline")
        _reload_edited_modules(shell)
    use_course_style()
    versions = f"Python {sys.version.split()[0]}, NumPy {np.__version__}"
    print(versions)  # noqa: T201  # what the notebook's first cell is for


def _reload_edited_modules(shell: Any) -> None:
    """Switch autoreload on, or say what to do instead where it does not work."""
    try:
        if "autoreload" not in shell.extension_manager.loaded:
            shell.run_line_magic("load_ext", "autoreload")
        shell.run_line_magic("autoreload", "2")
    except ImportError as error:  # old IPython on new Python: its autoreload wants the module imp
        advice = f"Edited files are not reloaded here ({error}): restart the kernel after an edit."
        print(advice)  # noqa: T201  # silence would leave a student testing old code

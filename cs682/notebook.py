"""Prepare a notebook: one call at its top, the same in all three."""

from __future__ import annotations

import sys


def start() -> None:
    """Reload edited modules before each cell, draw plots in the page, use the course's style.

    Outside a notebook only the plot style is set. Prints the versions in use, which is the first
    thing anyone who helps will ask for.
    """
    from IPython import get_ipython

    import numpy as np

    from cs682.vis_utils import use_course_style

    shell = get_ipython()
    if shell is not None:
        shell.run_line_magic("matplotlib", "inline")
        _reload_edited_modules(shell)
    use_course_style()
    versions = f"Python {sys.version.split()[0]}, NumPy {np.__version__}"
    print(versions)  # noqa: T201  # what the notebook's first cell is for

"""The staff's command line: ``python -m staff COMMAND``."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from staff import exercises, matrix, notebooks
from staff.browser import pictures
from staff.bugs import bank
from staff.grading import grade, gradescope
from staff.grading.hostile import command as hostile
from staff.release import command as release
from staff.release import prove

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status.

    Parameters
    ----------
    argv : sequence of str, optional; the words after ``python -m staff``, default those of the
        running process

    Returns
    -------
    status : int, 0 when all went well, 1 when something is to be mended
    """
    args = make_parser().parse_args(argv)
    status: int = args.run(args)
    return status


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands.

    Returns
    -------
    parser : ArgumentParser
    """
    parser = argparse.ArgumentParser(prog="python -m staff", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    notebooks.add_command(commands)
    bank.add_command(commands)
    hostile.add_command(commands)
    exercises.add_command(commands)
    release.add_command(commands)
    matrix.add_command(commands)
    grade.add_command(commands)
    gradescope.add_command(commands)
    prove.add_command(commands)
    pictures.add_command(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())

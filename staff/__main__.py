"""The staff's command line: ``python -m staff COMMAND``."""

from __future__ import annotations

import argparse
import json
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from staff.release.variants import variant_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Only the module of the asked command is imported: notebooks and proofs take seconds to import.
COMMANDS = {
    "notebooks": "staff.notebooks",
    "bank": "staff.bank.judge",
    "hostile": "staff.tests.grading.hostile.command",
    "exercises": "staff.exercises",
    "release": "staff.release.command",
    "site": "staff.release.site",
    "grade": "staff.grading.grade",
    "gradescope": "staff.grading.gradescope.build",
    "similar": "staff.grading.similar",
    "prove": "staff.release.prove",
    "pictures": "staff.browser.pictures",
}

GRADING = ("grade", "gradescope")


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
    words = sys.argv[1:] if argv is None else argv
    asked = [word for word in words[:1] if word in COMMANDS]
    if asked and asked[0] in GRADING:
        _choose_notebooks(words)
    args = make_parser(asked or COMMANDS).parse_args(words)
    status: int = args.run(args)
    return status


def _choose_notebooks(words: Sequence[str]) -> None:
    """Tell this process and its workers which notebooks a course uses, before they import any row.

    A variant that cannot be read is refused later, by who reads all of it.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--variant")
    found, _ = parser.parse_known_args(list(words))
    try:
        file = variant_file(Path(found.variant or ""))
        chosen = json.loads(file.read_text(encoding="utf-8"))["notebooks"]
        os.environ["CS682_NOTEBOOKS"] = ",".join(chosen)
    except (OSError, ValueError, KeyError, TypeError):
        return


def make_parser(names: Iterable[str] = tuple(COMMANDS)) -> argparse.ArgumentParser:
    """Return the parser of some commands.

    Parameters
    ----------
    names : iterable of str, keys of `COMMANDS`; by default all
    """
    parser = argparse.ArgumentParser(prog="python -m staff", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in names:
        import_module(COMMANDS[name]).add_command(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())

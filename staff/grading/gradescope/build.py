"""``python -m staff gradescope``: the zip that makes an autograder on Gradescope."""

from __future__ import annotations

import argparse
import io
import json
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from cs682._files import pack
from cs682.checks import EXERCISES
from staff.grading.grade import add_options, find_data, read_points
from staff.grading.intake.package import ROOT
from staff.grading.intake.sheets import Faults
from staff.grading.judging.held_back import hold_back, write_images
from staff.grading.results.answer_tables import NONE, read_table
from staff.grading.results.store import write_bytes
from staff.release.files import VARIANT
from staff.release.variant import read_variant

HELD_BACK = 1000  # images; the zip has 3 MB of them
SHIPPED = ("cs682/**/*.py", "staff/__init__.py", "staff/grading/**/*.py", "notebooks/*.ipynb")
SETUP = """#!/usr/bin/env bash
# Gradescope runs this once, as root, when it builds the image.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
apt-get update
apt-get install -y --no-install-recommends python3 python3-venv
python3 -m venv /opt/cs682-grader
/opt/cs682-grader/bin/pip install --no-cache-dir -r /autograder/source/requirements.txt
"""
RUN = """#!/usr/bin/env bash
# Gradescope runs this as root for each hand-in. The students' code runs as a user of its own, who
# can read neither the grader nor its results, nor who handed in: submission_metadata.json.
set -euo pipefail
root="${AUTOGRADER_ROOT:-/autograder}"
chmod -R o= "$root/source" "$root/results" "$root/submission"*
cd "$root/source"
export OPENBLAS_NUM_THREADS=1
exec "${AUTOGRADER_PYTHON:-/opt/cs682-grader/bin/python}" -m staff.grading.gradescope.run
"""


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``gradescope`` to the staff's command line."""
    parser = commands.add_parser("gradescope", help="make the zip of an autograder")
    parser.add_argument("--out", type=Path, required=True, help="the zip to write")
    parser.add_argument("--seed", type=int, required=True, help="for hidden inputs; keep it secret")
    parser.add_argument("--answers", type=Path, metavar="FILE", help="answers.csv, filled in")
    parser.add_argument(
        "--code-only",
        action="store_true",
        help="leave the questions out: they are graded by hand on Gradescope itself",
    )
    add_options(parser, held_back=HELD_BACK)
    parser.set_defaults(run=run_command)


def run_command(args: argparse.Namespace) -> int:
    """Write the zip and say what to do with it."""
    try:
        settings = _settings(args)
        content = _zip({**_files(), **_made(args, settings)})
        write_bytes(args.out, content)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201  # this is a command line
        return 2
    listed = sum(
        points
        for key, points in settings["points"].items()
        if settings["questions"] or not EXERCISES[key].is_question
    )
    print(  # noqa: T201
        f"{args.out}: {len(content) / 1e6:.1f} MB. On Gradescope set the autograder's points to "
        f"{listed}, then upload this file under 'Configure Autograder'."
    )
    return 0


def _settings(args: argparse.Namespace) -> dict[str, Any]:
    """Return what the autograder must know of the course."""
    points = read_points(args.variant)
    with Faults() as faults:
        read = read_table(args.answers, points, faults) if args.answers else {}
    return {
        "seed": args.seed,
        "points": points,
        "models": not args.no_models,
        "questions": not args.code_only,
        "answers": [
            [student, question, int(typed["points"]), points[question], typed.get("remark", "")]
            for (student, question), typed in read.items()
            if typed.get("points", NONE) != NONE
        ],
    }


def _files() -> dict[str, bytes]:
    """Return the files of the project that the autograder needs."""
    paths = sorted(path for pattern in SHIPPED for path in ROOT.glob(pattern))
    return {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in paths}


def _made(args: argparse.Namespace, settings: dict[str, Any]) -> dict[str, bytes]:
    """Return the files that are made for this course."""
    numpy = re.search(r'"(numpy[^"]*)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    if numpy is None:
        raise ValueError("pyproject.toml does not name NumPy")
    made = {
        "setup.sh": SETUP.encode(),
        "run_autograder": RUN.encode(),
        "requirements.txt": f"{numpy[1]}\n".encode(),
        "settings.json": json.dumps(settings, indent=1).encode(),
    }
    if args.variant and (chosen := read_variant(args.variant).notebooks):
        only = {"given": (), "points": {}, "notebooks": chosen}  # the settings have the points
        made[VARIANT] = json.dumps(only).encode()
    if not args.no_models:
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch, "held_back.npz")
            write_images(path, hold_back(find_data(args.data), args.held_back, args.seed))
            made[path.name] = path.read_bytes()
    return made


def _zip(files: dict[str, bytes]) -> bytes:
    """Return a zip in which all files stand at its root or below, the same bytes each time."""
    buffer = io.BytesIO()
    pack(buffer, files, ("setup.sh", "run_autograder"))
    return buffer.getvalue()

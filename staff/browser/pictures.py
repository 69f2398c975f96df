"""Make the pictures of the documents from what the browser tests saw."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image  # comes with Matplotlib

if TYPE_CHECKING:
    import argparse

ROOT = Path(__file__).resolve().parents[2]
SHOTS, PICTURES = ROOT / "build" / "screenshots", ROOT / "docs" / "pictures"
COLOURS = 64  # enough for a screen, and a quarter of the bytes
# The name in the documents, and the screenshot that it is made of.
SOURCES = {
    "lab": "first-screen",
    "wrong": "wrong-sign-lab-light",
    "passed": "passed-lab-light",
    "board": "Dropout-notebook-board-light",
}


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``pictures`` to the staff's command line.

    Parameters
    ----------
    commands : the subparsers of ``python -m staff``; one more is added
    """
    text = "make docs/pictures from the screenshots of `make browser`"
    parser = commands.add_parser("pictures", help=text, description=text)
    parser.set_defaults(run=run_command)


def run_command(_: argparse.Namespace) -> int:
    """Write all pictures; nothing is written unless every screenshot is there.

    Parameters
    ----------
    _ : namespace, without options

    Returns
    -------
    status : int, 0 if they were written, else 1
    """
    missing = [name for name in SOURCES.values() if not (SHOTS / f"{name}.png").exists()]
    if missing:
        print(f"error: run `make browser` first: {SHOTS} lacks {missing}", file=sys.stderr)  # noqa: T201
        return 1
    PICTURES.mkdir(exist_ok=True)
    for name, shot in SOURCES.items():
        shrink(SHOTS / f"{shot}.png", PICTURES / f"{name}.png")
    return 0


def shrink(source: Path, target: Path) -> None:
    """Write a picture with few colours and nothing but pixels in its file.

    Parameters
    ----------
    source, target : Path
    """
    Image.open(source).convert("RGB").quantize(COLOURS).save(target, optimize=True)

"""The variants that this project keeps, and how a variant's file is found."""

from __future__ import annotations

from pathlib import Path


def variant_file(path: Path) -> Path:
    """Return a variant's file: the one at `path`, else ours of that name, as ``self-study.json``.

    Parameters
    ----------
    path : Path of a JSON file, as it was given on the command line
    """
    ours = Path(__file__).parent / path
    return ours if ours.is_file() and not path.exists() else path

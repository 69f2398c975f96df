"""Data in place: what is there is used, else CIFAR-10 is fetched, else the stand-in is made.

Each step says what it does, so that nobody takes the stand-in for the real images.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from cs682.cifar10 import download
from cs682.cifar10.fetch import DownloadError
from cs682.cifar10.files import FOLDER, STAND_IN, check_files, default_folder, find_cifar10

if TYPE_CHECKING:
    from cs682.cifar10.fetch import Progress, Report


def put_data_in_place(
    dest: Path | None = None,
    *,
    report: Report = lambda _: None,
    progress: Progress = lambda *_: None,
    show_progress: bool = False,
) -> Path:
    """Return a folder with data of either kind; real images are preferred.

    Parameters
    ----------
    dest : Path, optional; folder to put new data into (default: as for `download.get_data`)
    report : callable (text), told of each step
    progress : callable (bytes there, bytes in all), called during the download
    show_progress : bool, default False; show a progress bar while the stand-in is made

    Returns
    -------
    folder : Path, holds all seven files

    Raises
    ------
    DownloadError
        If CS682_DATA names a place without data, or nothing can be written.
    """
    try:
        return download.get_data(archive=download.CIFAR10, offline=True, report=report)
    except DownloadError as error:
        if given := os.environ.get("CS682_DATA"):  # asked for by name: never replaced by other data
            raise DownloadError(_say_place(given, error)) from error
    report("There is no data yet: trying to fetch CIFAR-10 (170 MB).")
    try:
        return download.get_data(dest, archive=download.CIFAR10, report=report, progress=progress)
    except DownloadError as error:
        report(str(error).split(". Run the same", 1)[0])
    report("CIFAR-10 cannot be had here: making STAND-IN images instead, which are not CIFAR-10.")
    report("(`python -m cs682 data` tries for the real ones again.)")
    stand_in = None if dest is None else dest / STAND_IN
    return download.get_stand_in(stand_in, report=report, show_progress=show_progress)


def _say_place(given: str, error: DownloadError) -> str:
    """Say what is amiss with the place that CS682_DATA names, and how to mend it."""
    if Path(given).expanduser().is_file():
        said = "That is a file: what is needed is the folder that the files lie in."
    elif (default_folder() / download.CIFAR10.name).exists():  # and does not hold the data
        said = str(error).partition("\n")[0].removesuffix(" What you can do:")
    else:
        said = _say_trouble()
    return (
        f"CS682_DATA names a place without data: {given}\n{said}\n"
        f"Correct CS682_DATA to a folder {FOLDER}, or unset it: then the images are fetched. After "
        "that, start JupyterLab or your editor anew: it goes on with the old value."
    )


def _say_trouble() -> str:
    """Say why the loader takes nothing of the place that CS682_DATA names."""
    try:
        check_files(find_cifar10())
    except (FileNotFoundError, ValueError) as error:
        return str(error).partition("\nWhat you can do")[0]
    return ""  # it has come meanwhile

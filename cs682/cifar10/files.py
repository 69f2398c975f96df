"""Where the CIFAR-10 files lie, and what each of them holds.

The official layout is one folder with five training batches, one test batch and `batches.meta`.
The synthetic stand-in has the same files; a mark in its `batches.meta` tells it apart.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cs682.cifar10.batch_pickle import MAX_FILE_BYTES, load_batch
from cs682.cifar10.mistaken import find_lookalikes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Labels = NDArray[np.int64]

FOLDER = "cifar-10-batches-py"
STAND_IN = "stand-in"
TRAIN_BATCHES = tuple(f"data_batch_{i}" for i in range(1, 6))
TEST_BATCH = "test_batch"
META = "batches.meta"
FILES = (*TRAIN_BATCHES, TEST_BATCH, META)
NUM_CLASSES = 10
IMAGE_SHAPE = (3, 32, 32)  # channel, row, column
IMAGE_BYTES = 3 * 32 * 32

_CHECKOUT = Path(__file__).resolve().parents[2]
_WHAT_TO_DO = (
    "What you can do:\n"
    "  python -m cs682 data              download CIFAR-10 (170 MB)\n"
    "  python -m cs682 data --stand-in   make a synthetic stand-in, without network\n"
    f"  set CS682_DATA                    to the {FOLDER} folder that you already have\n"
    "  or put cifar-10-python.tar.gz into {archive_folder} and run the first command."
)


class Meta(NamedTuple):
    """What `batches.meta` says: images per training batch, and the stand-in's mark ('' if real)."""

    batch_size: int
    stand_in: str


def find_cifar10(root: str | os.PathLike[str] | None = None) -> Path:
    """Return the folder with the seven CIFAR files, from the first place that has any.

    Searched are, in this order: `root`; the environment variable CS682_DATA; `datasets/` beside the
    package; the user's cache folder; last the stand-in in `datasets/stand-in/` and in the cache. If
    `root` or CS682_DATA is given, only that place counts. A place that holds a part of the
    files is an error, never skipped and never used.

    Parameters
    ----------
    root : path, optional; the folder with the batches, or one that holds `cifar-10-batches-py`

    Returns
    -------
    folder : Path, holds all seven files

    Raises
    ------
    FileNotFoundError
        If no place has data, or the first one that has any lacks some of it.
    """
    searched = []
    for place, origin in _places(root):
        folder = place if _has_any(place) or place.name == FOLDER else place / FOLDER
        if _has_any(folder) or (folder / META).exists():
            _require_all(folder)
            return folder
        searched.append(f"{folder}{origin}")
        searched += [f"  {text}" for text in find_lookalikes(folder.parent)]
    raise FileNotFoundError(
        "no CIFAR-10 data found. Searched:\n  "
        + "\n  ".join(searched)
        + "\n"
        + _WHAT_TO_DO.format(archive_folder=default_folder())
    )


def _places(root: str | os.PathLike[str] | None) -> Iterator[tuple[Path, str]]:
    """Yield the places to search, each with a note for the message if there is nothing."""
    given = os.environ.get("CS682_DATA", "")
    if root is not None:
        yield Path(root).expanduser(), " (given as an argument)"
    elif given:
        yield Path(given).expanduser(), " (given by CS682_DATA)"
    else:
        datasets = checkout_folder()
        if datasets:
            yield datasets, ""
        yield cache_folder(), ""
        if datasets:
            yield datasets / STAND_IN, ""
        yield cache_folder() / STAND_IN, ""


def checkout_folder() -> Path | None:
    """Return the folder `datasets/` beside the package, or None if the package was installed.

    Returns
    -------
    folder : Path or None; it need not exist
    """
    is_checkout = (_CHECKOUT / "pyproject.toml").is_file() or (_CHECKOUT / "notebooks").is_dir()
    return _CHECKOUT / "datasets" if is_checkout else None


def cache_folder() -> Path:
    """Return the user's cache folder for course data; it need not exist.

    Returns
    -------
    folder : Path
    """
    import pooch  # imports requests: not needed when the data lies in `datasets/`

    return Path(pooch.os_cache("cs682"))


def default_folder() -> Path:
    """Return the folder that new data goes to: CS682_DATA, `datasets/` of a checkout, the cache.

    Returns
    -------
    folder : Path; it need not exist
    """
    given = os.environ.get("CS682_DATA", "")
    if given:
        folder = Path(given).expanduser()
        return folder.parent if folder.name == FOLDER else folder
    return checkout_folder() or cache_folder()


def _has_any(folder: Path) -> bool:
    return any((folder / name).exists() for name in (*TRAIN_BATCHES, TEST_BATCH))


def _require_all(folder: Path) -> None:
    """Raise unless all seven files are there."""
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise FileNotFoundError(
            f"the data in {folder} is incomplete: {', '.join(missing)} missing. Move the folder"
            " away and run `python -m cs682 data`, or complete it by hand."
        )


def describe(folder: Path) -> str:
    """Say in a few words which data a folder holds: real or synthetic, and where.

    Parameters
    ----------
    folder : Path, as `find_cifar10` returns it

    Returns
    -------
    text : str

    Raises
    ------
    ValueError
        If `batches.meta` is damaged.
    """
    mark = read_meta(folder).stand_in
    home = os.path.expanduser("~")
    where = str(folder)
    if where.startswith(home + os.sep):
        where = "~" + where[len(home) :]
    if mark:
        return f"synthetic stand-in, not real CIFAR-10 ({mark}), from {where}"
    return f"real CIFAR-10 from {where}"


def is_stand_in(folder: Path) -> bool:
    """Tell whether a folder holds the synthetic stand-in.

    Parameters
    ----------
    folder : Path, as `find_cifar10` returns it

    Returns
    -------
    answer : bool
    """
    return bool(read_meta(folder).stand_in)


def check_files(folder: Path) -> None:
    """Read all seven files, so that each of them is known to be sound.

    Parameters
    ----------
    folder : Path; the folder with the batches

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    ValueError
        If a file is damaged.
    """
    _require_all(folder)
    meta = read_meta(folder)
    for name in TRAIN_BATCHES:
        read_batch(folder / name, meta.batch_size)
    read_batch(folder / TEST_BATCH, None if meta.stand_in else meta.batch_size)


def read_meta(folder: Path) -> Meta:
    """Return the size of a training batch, and whether the data is a stand-in.

    Parameters
    ----------
    folder : Path; the folder with the batches

    Returns
    -------
    meta : Meta, a named tuple (batch_size, stand_in)

    Raises
    ------
    ValueError
        If `batches.meta` is damaged.
    FileNotFoundError
        If there is no `batches.meta`.
    """
    path = folder / META
    entries = _entries(path)
    size, mark = entries.get("num_cases_per_batch"), entries.get("stand_in", "")
    if type(size) is not int or not 1 <= size <= MAX_FILE_BYTES // IMAGE_BYTES:
        raise ValueError(f"{path}: num_cases_per_batch is {size!r:.40}, expected e.g. 10000")
    return Meta(size, _text(mark))


def read_batch(path: Path, size: int | None = None) -> tuple[NDArray[np.uint8], Labels]:
    """Return one batch as it is stored, after checking all of it.

    Parameters
    ----------
    path : Path; the batch file
    size : int, optional; the number of images that it must hold (default: any)

    Returns
    -------
    pixels : ndarray of uint8, shape (N, 3072): red, green and blue plane of each image, row by row
    labels : ndarray of int64, shape (N,), classes 0 to 9

    Raises
    ------
    ValueError
        If the file is not a sound CIFAR batch of that size.
    FileNotFoundError
        If there is no such file.
    """
    entries = _entries(path)
    pixels, labels = entries.get("data"), entries.get("labels")
    if not isinstance(pixels, np.ndarray) or pixels.ndim != 2 or pixels.shape[1] != IMAGE_BYTES:
        got = pixels.shape if isinstance(pixels, np.ndarray) else type(pixels).__name__
        raise ValueError(f"{path}: 'data' is {got}, expected an array of (N, {IMAGE_BYTES}) bytes")
    if len(pixels) < 1 or (size is not None and len(pixels) != size):
        raise ValueError(f"{path}: holds {len(pixels)} images, expected {size or 'at least 1'}")
    if not isinstance(labels, list) or len(labels) != len(pixels):
        got = len(labels) if isinstance(labels, list) else type(labels).__name__
        raise ValueError(f"{path}: 'labels' is {got}, expected a list of {len(pixels)}")
    for label in labels:
        if type(label) is not int or not 0 <= label < NUM_CLASSES:
            raise ValueError(f"{path}: label {label!r:.40}, expected an integer 0 to 9")
    return np.ascontiguousarray(pixels), np.array(labels, dtype=np.int64)


def _entries(path: Path) -> dict[str, Any]:
    """Return the dict in a batch file with its keys as str."""
    with path.open("rb") as file:
        content = file.read(MAX_FILE_BYTES + 1)
    try:
        batch = load_batch(content)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    if not isinstance(batch, dict):
        raise ValueError(f"{path}: not a CIFAR batch: it holds a {type(batch).__name__}")
    return {_text(key): value for key, value in batch.items()}


def _text(value: object) -> str:
    return value.decode("latin1") if isinstance(value, bytes) else str(value)

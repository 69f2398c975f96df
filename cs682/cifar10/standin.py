"""Write a synthetic stand-in for CIFAR-10 in the official layout, for machines without network.

The files have the names, the keys and the very pickle instructions of the official ones, so that
any program that reads CIFAR-10 reads them. Only `batches.meta` has one entry more, `stand_in`: it
says what made the set. The same seed and sizes give the same bytes everywhere.
"""

from __future__ import annotations

import operator
import struct
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cs682.cifar10.files import FOLDER, IMAGE_BYTES, META, NUM_CLASSES, TEST_BATCH, TRAIN_BATCHES
from cs682.cifar10.standin_images import FIGURES, draw_images

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from cs682._types import Labels

    Entry = int | bytes | list[int] | list[bytes] | NDArray[np.uint8]

RECIPE = 1  # raised whenever the same seed begins to give other images
MAX_BATCH_IMAGES = 20_000  # what the loader reads in one file
CHUNK = 500  # images drawn at once: about 60 MB
NAMES = [figure.name.encode() for figure in FIGURES]


def write_stand_in(
    dest: Path,
    *,
    seed: int = 682,
    train_size: int = 50_000,
    test_size: int = 10_000,
    progress: bool = False,
) -> Path:
    """Write a synthetic data set of ten classes into ``dest/cifar-10-batches-py``.

    The files are made in a temporary folder in `dest`, which is renamed at the end: either all of
    them are there, or none. What is there already is never replaced.

    Parameters
    ----------
    dest : Path; folder, made if needed
    seed : int >= 0, default 682; the same seed and sizes give the same bytes on every machine
    train_size : int, default 50000; images in all five training batches, a multiple of 5
    test_size : int, default 10000; images in the test batch
    progress : bool, default False; show a progress bar on stderr

    Returns
    -------
    folder : Path, ``dest/cifar-10-batches-py``

    Raises
    ------
    ValueError
        If `seed` is negative, or a size is not positive, is too large or, in training, is no
        multiple of 5.
    TypeError
        If `seed` or a size is not an integer.
    FileExistsError
        If ``dest/cifar-10-batches-py`` exists, whatever it holds.
    """
    seed, sizes = _checked(seed, train_size, test_size)
    target = Path(dest) / FOLDER
    _require_free(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".stand-in-", dir=target.parent) as temporary:
        folder = Path(temporary) / FOLDER  # one level down, so that it gets the usual permissions
        folder.mkdir()
        _write_files(folder, seed, sizes, progress=progress)
        _require_free(target)  # a second process may have been faster
        folder.rename(target)
    return target


def _checked(seed: int, train_size: int, test_size: int) -> tuple[int, list[int]]:
    """Return the seed and the sizes of the six batches, after checking all arguments."""
    seed, train_size, test_size = map(operator.index, (seed, train_size, test_size))
    batches = len(TRAIN_BATCHES)
    if seed < 0:
        raise ValueError(f"seed must be at least 0, got {seed}")
    if train_size % batches or not 0 < train_size <= batches * MAX_BATCH_IMAGES:
        raise ValueError(
            f"train_size must be a multiple of {batches} from {batches} to"
            f" {batches * MAX_BATCH_IMAGES}, got {train_size}"
        )
    if not 0 < test_size <= MAX_BATCH_IMAGES:
        raise ValueError(f"test_size must be from 1 to {MAX_BATCH_IMAGES}, got {test_size}")
    return seed, [train_size // batches] * batches + [test_size]


def _require_free(target: Path) -> None:
    """Refuse a place that is taken."""
    if target.exists() or target.is_symlink():
        raise FileExistsError(f"{target} exists already: move it away, or choose another place")


def _write_files(folder: Path, seed: int, sizes: list[int], *, progress: bool) -> None:
    """Write the six batches and `batches.meta`."""
    from tqdm import tqdm  # here, because drawing a set is rare and importing is not free

    names = [*TRAIN_BATCHES, TEST_BATCH]
    train_labels = _shuffled_labels(np.random.default_rng([seed, 0]), sum(sizes[:-1]))
    test_labels = _shuffled_labels(np.random.default_rng([seed, 1]), sizes[-1])
    labels = [*np.split(train_labels, len(TRAIN_BATCHES)), test_labels]
    starts = np.cumsum([0, *sizes]).tolist()
    with tqdm(total=sum(sizes), unit="image", leave=False, disable=not progress) as bar:
        for i, name in enumerate(names):
            title = f"training batch {i + 1} of 5" if name != TEST_BATCH else "testing batch 1 of 1"
            rng = np.random.default_rng([seed, 2 + i])
            data = _draw(labels[i], rng, bar.update)
            content = _batch(title, labels[i].tolist(), data, starts[i])
            (folder / name).write_bytes(_python2_pickle(content))
    (folder / META).write_bytes(_python2_pickle(_meta(seed, sizes[0])))


def _shuffled_labels(rng: np.random.Generator, n: int) -> Labels:
    """Return n labels, equally many of each class (as near as n allows), in random order.

    Sorting uniform draws shuffles in a way that no version of NumPy can change.
    """
    order = np.argsort(rng.random(n), kind="stable")
    return (order % NUM_CLASSES).astype(np.int64)


def _draw(
    labels: Labels, rng: np.random.Generator, tick: Callable[[int], object]
) -> NDArray[np.uint8]:
    """Draw a batch's images, a chunk at a time; `tick` is told how many are new."""
    data = np.empty((len(labels), IMAGE_BYTES), np.uint8)
    for start in range(0, len(labels), CHUNK):
        chunk = labels[start : start + CHUNK]
        data[start : start + CHUNK] = draw_images(chunk, rng)
        tick(len(chunk))
    return data


def _batch(title: str, labels: list[int], data: NDArray[np.uint8], start: int) -> dict[str, Entry]:
    """Return what a batch file holds; its first image is number `start` of the whole set."""
    files = [b"%s_s_%06d.png" % (NAMES[c], start + i) for i, c in enumerate(labels)]
    return {"batch_label": title.encode(), "labels": labels, "data": data, "filenames": files}


def _meta(seed: int, batch_size: int) -> dict[str, Entry]:
    """Return what `batches.meta` holds."""
    return {
        "num_cases_per_batch": batch_size,
        "label_names": NAMES,
        "num_vis": IMAGE_BYTES,
        "stand_in": f"seed {seed}, recipe {RECIPE}".encode(),
    }


# The official batches were pickled by Python 2, whose byte strings have opcodes that no version of
# Python 3 writes, and NumPy's own module names in a pickle changed with NumPy 2. So the few opcodes
# needed are written here by hand; `pickletools.dis` shows the same ones for the official files.


def _python2_pickle(content: dict[str, Entry]) -> bytes:
    """Return a dict as Python 2 pickled it by protocol 2."""
    entries = b"".join(_string(key.encode()) + _value(entry) for key, entry in content.items())
    return b"\x80\x02}(" + entries + b"u."


def _value(entry: Entry) -> bytes:
    """Return the opcodes that make one entry."""
    if isinstance(entry, bytes):
        return _string(entry)
    if isinstance(entry, list):
        return b"](" + b"".join(_value(item) for item in entry) + b"e"
    if isinstance(entry, np.ndarray):
        return _array(entry)
    return b"K" + bytes([entry]) if entry < 256 else b"M" + struct.pack("<H", entry)


def _string(text: bytes) -> bytes:
    """Return the opcode for a byte string: U with a short length, T with a long one."""
    head = b"U" + bytes([len(text)]) if len(text) < 256 else b"T" + struct.pack("<i", len(text))
    return head + text


def _array(array: NDArray[np.uint8]) -> bytes:
    """Return the opcodes that make a matrix of bytes, under the names that NumPy 1 gave them."""
    rows, columns = array.shape
    empty = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
    dtype = (
        b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNN"
        + 2 * b"J\xff\xff\xff\xff"
        + b"K\x00tb"
    )
    shape = _value(rows) + _value(columns) + b"\x86"
    return empty + b"(K\x01" + shape + dtype + b"\x89" + _string(array.tobytes()) + b"tb"

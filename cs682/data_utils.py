"""Load CIFAR-10, or its synthetic stand-in, into arrays that a Solver can train on.

Both lie on disk in the official layout and are read by the same code; the line that
`get_CIFAR10_data` prints says which of them it was. `python -m cs682 data` brings either.
"""

from __future__ import annotations

import operator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from cs682.cifar10.batch_pickle import MAX_FILE_BYTES, load_batch
from cs682.cifar10.files import (
    IMAGE_BYTES,
    IMAGE_SHAPE,
    META,
    TEST_BATCH,
    TRAIN_BATCHES,
    Meta,
    describe,
    find_cifar10,
    is_stand_in,
    read_batch,
    read_meta,
)

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Images = NDArray[np.float32]
    Labels = NDArray[np.int64]


def get_CIFAR10_data(  # noqa: N802  # name inherited from earlier editions of the assignment
    num_training: int = 49000,
    num_validation: int = 1000,
    num_test: int = 1000,
    subtract_mean: bool = True,
    *,
    root: str | os.PathLike[str] | None = None,
    verbose: bool = True,
) -> dict[str, Any]:
    """Return training, validation and test images with their labels, ready for a Solver.

    Parameters
    ----------
    num_training : int, default 49000; the first images of the training batches, at least 1
    num_validation : int, default 1000; the images right after those for training
    num_test : int, default 1000; the first images of the test batch
    subtract_mean : bool, default True; subtract the mean image of the training part from all parts
    root : path, optional; folder with the batches, or one that holds `cifar-10-batches-py`;
        without it the places of `find_cifar10` are searched
    verbose : bool, default True; print one line saying which data was loaded, and from where

    Returns
    -------
    data : dict with

        - 'X_train', 'X_val', 'X_test': ndarray of float32, shape (N, 3, 32, 32), C-contiguous,
          in grey levels 0 to 255 (minus the mean image)
        - 'y_train', 'y_val', 'y_test': ndarray of int64, shape (N,), classes 0 to 9

    Raises
    ------
    ValueError
        If a number of images is negative or larger than what is there, or a file is damaged.
    TypeError
        If a number of images is not an integer.
    FileNotFoundError
        If there is no data, or only a part of it.
    """
    folder = find_cifar10(root)
    meta = read_meta(folder)
    available = meta.batch_size * len(TRAIN_BATCHES)
    num_training = _checked("num_training", num_training, 1, available)
    num_validation = _checked("num_validation", num_validation, 0, available - num_training)
    num_test = _checked("num_test", num_test, 0, None)

    x_test, y_test = _test_part(folder, meta, num_test)
    x_train, y_train = _empty(num_training)
    x_val, y_val = _empty(num_validation)
    total = _fill(_train_batches(folder, meta), (x_train, y_train), (x_val, y_val))
    if subtract_mean:
        mean = (total / num_training).astype(np.float32).reshape(IMAGE_SHAPE)
        for x in (x_train, x_val, x_test):
            x -= mean  # in place: a second copy of the training images is 0.6 GB
    if verbose:
        counts = f"{num_training} training, {num_validation} validation, {num_test} test images"
        print(f"Data: {describe(folder)}\n      {counts}")  # noqa: T201  # says real or synthetic
    return {
        "X_train": x_train,
        "y_train": y_train,
        "X_val": x_val,
        "y_val": y_val,
        "X_test": x_test,
        "y_test": y_test,
    }


def load_CIFAR10(  # noqa: N802  # name inherited from earlier editions of the assignment
    ROOT: str | os.PathLike[str],
) -> tuple[Images, Labels, Images, Labels]:
    """Return all training and test images, channel last, without a mean subtracted.

    Parameters
    ----------
    ROOT : path; the folder with the batches, or one that holds `cifar-10-batches-py`

    Returns
    -------
    Xtr : ndarray of float32, shape (50000, 32, 32, 3), grey levels 0 to 255
    Ytr : ndarray of int64, shape (50000,), classes 0 to 9
    Xte : ndarray of float32, shape (10000, 32, 32, 3)
    Yte : ndarray of int64, shape (10000,)

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    ValueError
        If a file is damaged.
    """
    folder = find_cifar10(ROOT)
    meta = read_meta(folder)
    size = meta.batch_size
    x_train = np.empty((size * len(TRAIN_BATCHES), 32, 32, 3), np.float32)
    y_train = np.empty(len(x_train), np.int64)
    for i, (pixels, labels) in enumerate(_train_batches(folder, meta)):
        x_train[i * size : (i + 1) * size] = _channel_last(pixels)
        y_train[i * size : (i + 1) * size] = labels
    x_test, y_test = load_CIFAR_batch(folder / TEST_BATCH)
    return x_train, y_train, x_test, y_test


def load_CIFAR_batch(  # noqa: N802  # name inherited from earlier editions of the assignment
    filename: str | os.PathLike[str],
) -> tuple[Images, Labels]:
    """Return the images and labels of one batch file.

    Parameters
    ----------
    filename : path of a batch file, such as `data_batch_1`

    Returns
    -------
    X : ndarray of float32, shape (10000, 32, 32, 3), grey levels 0 to 255
    Y : ndarray of int64, shape (10000,), classes 0 to 9

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is not a sound CIFAR batch.
    """
    pixels, labels = read_batch(Path(filename))
    return np.ascontiguousarray(_channel_last(pixels), dtype=np.float32), labels


def load_pickle(f: BinaryIO) -> Any:
    """Return the content of a CIFAR batch file; any other pickle is refused and runs nothing.

    Parameters
    ----------
    f : file opened for reading in binary mode

    Returns
    -------
    batch : dict; 'data' is an ndarray of uint8, shape (10000, 3072); strings that Python 2 wrote
        are str, those that Python 3 wrote as bytes stay bytes

    Raises
    ------
    ValueError
        If it is damaged, too large, or holds anything but the parts of a CIFAR batch.
    """
    return load_batch(f.read(MAX_FILE_BYTES + 1), encoding="latin1")


def class_names(root: str | os.PathLike[str] | None = None) -> list[str]:
    """Return the names of the ten classes, in the order of their labels.

    Parameters
    ----------
    root : path, optional; as for `get_CIFAR10_data`

    Returns
    -------
    names : list of str

    Raises
    ------
    ValueError
        If `batches.meta` is damaged.
    FileNotFoundError
        If there is no data.
    """
    with (find_cifar10(root) / META).open("rb") as f:
        meta = load_pickle(f)
    names = meta.get("label_names", meta.get(b"label_names"))
    return [name.decode() if isinstance(name, bytes) else str(name) for name in names]


def small_data(data: dict[str, Any], num_train: int) -> dict[str, Any]:
    """Return the same data with fewer training images; the arrays are views, not copies.

    Parameters
    ----------
    data : dict from `get_CIFAR10_data`
    num_train : int; the first so many training images are kept, at least 1

    Returns
    -------
    small : dict with the keys of `data`; 'X_train' has shape (num_train, 3, 32, 32) and 'y_train'
        (num_train,), the others are as they were

    Raises
    ------
    ValueError
        If there are not that many training images.
    """
    _checked("num_train", num_train, 1, len(data["X_train"]))
    return {**data, "X_train": data["X_train"][:num_train], "y_train": data["y_train"][:num_train]}


def enough_data(data: dict[str, Any], of_stand_in: int = 5000) -> dict[str, Any]:
    """Return what a long training needs: all of CIFAR-10, but of the easier stand-in a part.

    Parameters
    ----------
    data : dict from `get_CIFAR10_data`
    of_stand_in : int, default 5000; training images of the stand-in that are enough

    Returns
    -------
    enough : dict, `data` itself or the same with fewer training images, as `small_data` gives it
    """
    try:
        is_easy = is_stand_in(find_cifar10())
    except FileNotFoundError:  # the data came from elsewhere
        is_easy = False
    return small_data(data, min(of_stand_in, len(data["X_train"]))) if is_easy else data


def _checked(name: str, value: int, low: int, high: int | None) -> int:
    """Return a number of images as an int if it lies in [low, high]."""
    number = operator.index(value)
    if number < low:
        raise ValueError(f"{name} must be at least {low}, got {number}")
    if high is not None and number > high:
        raise ValueError(f"{name} is {number}, but only {high} images are available for it")
    return number


def _train_batches(folder: Path, meta: Meta) -> Iterator[tuple[NDArray[np.uint8], Labels]]:
    for name in TRAIN_BATCHES:
        yield read_batch(folder / name, meta.batch_size)


def _test_part(folder: Path, meta: Meta, count: int) -> tuple[Images, Labels]:
    """Return the first `count` test images (count, 3, 32, 32) and their labels."""
    pixels, labels = read_batch(folder / TEST_BATCH, None if meta.stand_in else meta.batch_size)
    _checked("num_test", count, 0, len(pixels))
    images = pixels[:count].astype(np.float32).reshape(-1, *IMAGE_SHAPE)
    return images, labels[:count].copy()


def _empty(count: int) -> tuple[Images, Labels]:
    return np.empty((count, *IMAGE_SHAPE), np.float32), np.empty(count, np.int64)


def _fill(
    batches: Iterator[tuple[NDArray[np.uint8], Labels]],
    train: tuple[Images, Labels],
    val: tuple[Images, Labels],
) -> NDArray[np.int64]:
    """Fill `train`, then `val`, from the batches; return the sum of the training images, (3072,).

    Batch by batch into the final arrays, so that one batch is all that exists twice. The sum is
    over the stored bytes and therefore exact.
    """
    total = np.zeros(IMAGE_BYTES, np.int64)
    start, end = 0, len(train[0]) + len(val[0])
    for pixels, labels in batches:
        for (x, y), first in ((train, 0), (val, len(train[0]))):
            low, high = max(start, first), min(start + len(pixels), first + len(x))
            if low < high:
                source, target = slice(low - start, high - start), slice(low - first, high - first)
                x[target] = pixels[source].reshape(-1, *IMAGE_SHAPE)
                y[target] = labels[source]
                if first == 0:
                    total += pixels[source].sum(axis=0, dtype=np.int64)
        start += len(pixels)
        if start >= end:
            break
    return total


def _channel_last(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    images: NDArray[np.uint8] = pixels.reshape(-1, *IMAGE_SHAPE).transpose(0, 2, 3, 1)
    return images  # (N, 32, 32, 3)

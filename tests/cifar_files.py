"""Small data sets in the official layout, for the tests of loader and download."""

from __future__ import annotations

import hashlib
import pickle
import struct
import tarfile
from typing import TYPE_CHECKING, Any

import numpy as np

from cs682.cifar10.fetch import Archive
from cs682.cifar10.files import FILES, FOLDER, META, TEST_BATCH, TRAIN_BATCHES

if TYPE_CHECKING:
    from pathlib import Path


def batch(seed: int, size: int) -> dict[bytes, Any]:
    """Return the content of one batch with random images."""
    rng = np.random.default_rng(seed)
    return {
        b"batch_label": b"a batch",
        b"labels": [int(v) for v in rng.integers(0, 10, size)],
        b"data": rng.integers(0, 256, (size, 3072), dtype=np.uint8),
        b"filenames": [b"image_%d.png" % i for i in range(size)],
    }


def write_set(parent: Path, size: int = 20, protocol: int = 4, **meta: object) -> Path:
    """Write a complete data set with `size` images a batch; return its folder."""
    folder = parent / FOLDER
    folder.mkdir(parents=True)
    for seed, name in enumerate([*TRAIN_BATCHES, TEST_BATCH]):
        (folder / name).write_bytes(pickle.dumps(batch(seed, size), protocol))
    content = {b"num_cases_per_batch": size, b"label_names": [b"airplane"], b"num_vis": 3072}
    content.update({key.encode(): value for key, value in meta.items()})
    (folder / META).write_bytes(pickle.dumps(content, protocol))
    return folder


def stored_images(folder: Path, names: list[str] | tuple[str, ...]) -> np.ndarray:
    """Return the images of some batches by the standard unpickler, (N, 3, 32, 32) float64."""
    rows = [pickle.loads((folder / name).read_bytes())[b"data"] for name in names]
    return np.concatenate(rows).reshape(-1, 3, 32, 32).astype(np.float64)


def python2_pickle(content: dict[bytes, Any]) -> bytes:
    """Return a batch as Python 2 pickled it: byte strings by the opcodes U and T."""

    def string(text: bytes) -> bytes:
        short = len(text) < 256
        return (b"U" + bytes([len(text)]) if short else b"T" + struct.pack("<i", len(text))) + text

    def value(item: Any) -> bytes:
        if isinstance(item, bytes):
            return string(item)
        if isinstance(item, int):
            return b"M" + struct.pack("<H", item)
        if isinstance(item, list):
            return b"](" + b"".join(map(value, item)) + b"e"
        shape = b"".join(b"M" + struct.pack("<H", n) for n in item.shape) + b"\x86"
        dtype = b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNN"
        dtype += b"J\xff\xff\xff\xff" * 2 + b"K\x00tb"
        new = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        return new + b"(K\x01" + shape + dtype + b"\x89" + string(item.tobytes()) + b"tb"

    entries = b"".join(string(key) + value(item) for key, item in content.items())
    return b"\x80\x02}(" + entries + b"u."


def pack(folder: Path, target: Path, urls: tuple[str, ...] = ()) -> Archive:
    """Pack a data set as the official archive is; return its description."""
    with tarfile.open(target, "w:gz") as tar:
        for name in FILES:
            tar.add(folder / name, arcname=f"{FOLDER}/{name}")
    return archive_of(target, urls)


def archive_of(packed: Path, urls: tuple[str, ...] = ()) -> Archive:
    """Describe a file so that it can be fetched from `urls`."""
    content = packed.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    return Archive("cifar-10-python.tar.gz", urls, len(content), digest, 2 * len(content))

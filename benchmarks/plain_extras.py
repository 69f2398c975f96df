"""A plain solution's loading and gradient check, as `benchmarks.plain` has its layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cs682.cifar10.files import TEST_BATCH, TRAIN_BATCHES, find_cifar10
from cs682.data_utils import load_pickle

Array = Any


def load_batch(name: str) -> tuple[Array, Array]:
    """Read a batch into float64 images, channel last."""
    with (find_cifar10() / name).open("rb") as file:
        batch = load_pickle(file)
    entries = {key.decode() if isinstance(key, bytes) else key: batch[key] for key in batch}
    images = entries["data"].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1).astype("float")
    return images, np.array(entries["labels"])


def load_data() -> dict[str, Array]:
    """Join the batches, split them, subtract the mean image, bring channels to the front."""
    batches = [load_batch(name) for name in TRAIN_BATCHES]
    X, y = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    X_test, y_test = load_batch(TEST_BATCH)
    parts = {"train": X[:49000], "val": X[49000:50000], "test": X_test[:1000]}
    mean = np.mean(parts["train"], axis=0)
    images = {f"X_{name}": (x - mean).transpose(0, 3, 1, 2).copy() for name, x in parts.items()}
    labels = {"y_train": y[:49000], "y_val": y[49000:50000], "y_test": y_test[:1000]}
    return images | labels


def numerical_gradient(f: Callable[[Array], float], x: Array, h: float = 1e-5) -> Array:
    """Nudge each entry both ways."""
    grad = np.zeros_like(x)
    entries = np.nditer(x, flags=["multi_index"], op_flags=[["readwrite"]])
    while not entries.finished:
        i = entries.multi_index
        before = x[i]
        x[i] = before + h
        above = f(x)
        x[i] = before - h
        below = f(x)
        x[i] = before
        grad[i] = (above - below) / (2 * h)
        entries.iternext()
    return grad

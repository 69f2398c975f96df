"""Grade trainings: run the trained network on images that its maker did not choose it by.

A model is judged by its weights: its file is read here, without pickle, and the course's own
network computes the scores, here. Code and other files of the hand-in play no part. Where the
student's own network makes something else of the weights, the report says so, and a person decides.

The bar of a training stands for the 1000 validation images. A network that just passes it there
is as good as that on average, but a sample of n other images differs: the standard deviation of
the difference between the two accuracies is at most sqrt(0.25 / 1000 + 0.25 / n). The bar on
held-back images is three of these lower (0.058 for n = 2000), which a network that deserves its
points misses about once in 700 times. It still lies above what a linear classifier reaches.
"""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cs682.checks import EXERCISES
from cs682.checks.judges.trainings import SLACK
from cs682.checks.run import BARS, BY_HEART, MODELS, NETS
from cs682.cifar10.files import (
    TEST_BATCH,
    TRAIN_BATCHES,
    read_batch,
    read_meta,
)
from cs682.hand_in.models import KeptModel, read_model
from staff.grading.intake.npz import require_modest
from staff.grading.intake.package import read_package
from staff.grading.intake.safe_text import shown
from staff.grading.judging.designs import ModelError, design_of
from staff.grading.judging.model import OwnNetwork, course_scores
from staff.grading.judging.outcome import ALL_THAT_FAILED, ITSELF, NOT_HANDED_IN, Outcome
from staff.grading.results.store import UNSEEN, write_bytes
from staff.grading.sandbox.ladder import Rung

TRAINED_ON = 49_000  # images whose mean the notebooks subtract
SHOWN = 1000  # test images that the notebooks use; the grader takes none of them
LEARNED = max(
    task.images for task in BY_HEART.values()
)  # images of which some are learned by heart
MOST = {"fc": 0.7, "cn": 0.9}  # accuracy beyond what such networks reach in a course
# About chance is 0.1, and what networks have in common that learned images of another kind; those
# of the stand-in come to 0.26 of 50 images and to 0.06 of what is held back.
CHANCE, CHANCE_BY_HEART = 0.15, 0.35
DECIDES = "A person decides"
CHANCE_SAID = (
    "; about chance. Perhaps it was trained on other images, such as the stand-in, and so were "
    f"your other models. {DECIDES}"
)


@dataclass(frozen=True)
class HeldBack:
    """Images to run hand-ins on.

    Attributes
    ----------
    X : ndarray of uint8, shape (n, 3, 32, 32), test images that the notebooks do not use
    y : ndarray of int64, shape (n,)
    X_learned, y_learned : as `X` and `y`, the images of the overfitting exercises
    mean : ndarray of float32, shape (3, 32, 32), what the notebooks subtract
    """

    X: NDArray[np.uint8]
    y: NDArray[np.int64]
    X_learned: NDArray[np.uint8]
    y_learned: NDArray[np.int64]
    mean: NDArray[np.float32]


def hold_back(
    folder: Path, count: int, seed: int, *, trained_on: int = TRAINED_ON, shown: int = SHOWN
) -> HeldBack:
    """Draw images to hold back from the data that the notebooks use.

    Parameters
    ----------
    folder : Path, the folder with the batches
    count : int, test images to draw
    seed : int; with it the same images are drawn again
    trained_on : int, images whose mean is subtracted
    shown : int, test images that the notebooks use

    Raises
    ------
    ValueError
        If there are not so many test images, or a file is damaged.
    FileNotFoundError
        If a file is missing.
    """
    meta = read_meta(folder)
    pixels, labels = read_batch(folder / TEST_BATCH, None)
    if not 1 <= count <= len(pixels) - shown:
        raise ValueError(f"{count} images to hold back, expected 1 to {len(pixels) - shown}")
    chosen = shown + np.random.default_rng(seed).choice(len(pixels) - shown, count, replace=False)
    first, first_labels = read_batch(folder / TRAIN_BATCHES[0], meta.batch_size)
    return HeldBack(
        pixels[chosen].reshape(-1, 3, 32, 32),
        labels[chosen],
        first[:LEARNED].reshape(-1, 3, 32, 32),
        first_labels[:LEARNED],
        _mean_image(folder, meta.batch_size, trained_on),
    )


def _mean_image(folder: Path, size: int, trained_on: int) -> NDArray[np.float32]:
    """Return the mean of the training images, as `get_CIFAR10_data` subtracts it."""
    total, left = np.zeros(3 * 32 * 32, np.int64), trained_on
    for name in TRAIN_BATCHES:
        pixels, _ = read_batch(folder / name, size)
        total += pixels[:left].sum(axis=0, dtype=np.int64)
        left = max(0, left - len(pixels))
    return (total / trained_on).astype(np.float32).reshape(3, 32, 32)


def write_images(path: Path, images: HeldBack) -> None:
    """Store images that are held back, for the processes that grade."""
    buffer = io.BytesIO()
    arrays: Any = {name: np.array(value) for name, value in vars(images).items()}
    np.savez_compressed(buffer, **arrays)
    write_bytes(path, buffer.getvalue())


@lru_cache(maxsize=2)
def read_images(path: Path) -> HeldBack:
    """Read what `write_images` wrote; the second time it is at hand."""
    with np.load(path, allow_pickle=False) as members:
        return HeldBack(**{name: members[name] for name in members.files})


def digest_images(images: HeldBack) -> str:
    """Return a SHA-256 of the images: other images are another grading."""
    parts = (images.X, images.y, images.X_learned, images.y_learned, images.mean)
    return hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()


def bar_on_held_back(bar: float, count: int) -> float:
    """Return the accuracy to reach on held-back images, lower than a bar on validation images.

    Parameters
    ----------
    bar : float in [0, 1], the accuracy to reach on the 1000 validation images
    count : int, images held back
    """
    return bar - 3 * math.sqrt(0.25 / 1000 + 0.25 / count)


def bar_of(exercise: str, count: int) -> float:
    """Return the accuracy that a training must reach on the grader's images.

    It is lower than the bar of its check, by what a network that deserves its points may miss.
    """
    bar = BARS[exercise]
    return bar - SLACK if exercise in BY_HEART else bar_on_held_back(bar, count)


def grade_models(package: Path, images: HeldBack | None, *, rung: Rung) -> Iterator[Outcome]:
    """Grade the trainings of a hand-in.

    Parameters
    ----------
    package : Path, the folder with the student's `cs682/` and `notebooks/`
    images : HeldBack, or None to grade no models, which each outcome then says
    rung : Rung, the sandbox to run the network in

    Yields
    ------
    outcome : Outcome, for each training
    """
    with OwnNetwork(read_package(package), rung) as own:
        for exercise, name in MODELS.items():
            yield _outcome(exercise, package / "notebooks" / name, images, own)


def _outcome(exercise: str, path: Path, images: HeldBack | None, own: OwnNetwork) -> Outcome:
    """Return how one training is graded."""
    maximum = EXERCISES[exercise].points
    if not path.is_file():
        text = f"notebooks/{path.name} is missing: run the cell that trains, then hand in again"
        return Outcome(exercise, 0, maximum, NOT_HANDED_IN, text)
    if images is None:
        text = "models were not graded: the grader was started without data"
        return Outcome(exercise, 0, maximum, UNSEEN, text)
    try:
        return _judge(exercise, path, images, own)
    except ModelError as error:
        return Outcome(exercise, 0, maximum, "wrong", str(error))


def _judge(exercise: str, path: Path, images: HeldBack, own: OwnNetwork) -> Outcome:
    """Return how a model is graded by what it scores."""
    kept = _read(path, exercise)
    layers, design = design_of(kept)
    by_heart = exercise in BY_HEART
    X, y = images.X, images.y
    if task := BY_HEART.get(exercise):
        if layers != task.layers:
            raise ModelError(
                f"the network has {layers} layers, this exercise asks for {task.layers}"
            )
        X, y = images.X_learned[: task.images], images.y_learned[: task.images]
    bar = bar_of(exercise, len(y))
    of = f"the {len(y)} training images" if by_heart else f"{len(y)} images that are held back"
    centred = X - images.mean
    own.require_modest(kept, design)
    scores = course_scores(kept, design, centred)
    if not np.isfinite(scores).all():
        raise ModelError("the network's scores are not all finite numbers")
    reached = float((scores.argmax(axis=1) == y).mean())
    text = f"accuracy {reached:.3f} on {of}, needed {bar:.3f}"
    return _verdict(exercise, reached, bar, text, own.disagrees(kept, design, centred, scores))


def _verdict(exercise: str, reached: float, bar: float, text: str, differs: str) -> Outcome:
    """Return the outcome of an accuracy, with what gives reason to doubt it."""
    doubts, left = [], ""
    if differs:
        text, left = f"{text}, by the course's network; {differs}. {DECIDES}", ITSELF
        doubts.append("the student's network and the course's disagree")
    if reached < (CHANCE_BY_HEART if exercise in BY_HEART else CHANCE):
        text, left = text + CHANCE_SAID, left or ALL_THAT_FAILED
        doubts.append("it knows hardly any of the images: trained on other data?")
    if exercise not in BY_HEART and reached > MOST[exercise[:2]]:
        doubts.append("beyond what such networks reach: learned from the test set?")
    maximum, passed = EXERCISES[exercise].points, reached >= bar
    state, staff = "passed" if passed else "wrong", "\n".join(doubts)
    return Outcome(exercise, maximum * passed, maximum, state, text, staff=staff, left=left)


def _read(path: Path, exercise: str) -> KeptModel:
    """Read a model file that may have been made to harm."""
    try:
        require_modest(path)
        kept = read_model(path)
    except (ValueError, OSError) as error:
        reason = shown(str(error).replace(str(path), path.name))
        raise ModelError(f"notebooks/{path.name} cannot be read: {reason}") from None
    if kept.exercise != exercise:
        raise ModelError(f"notebooks/{path.name} holds the model of {kept.exercise}")
    if kept.kind not in NETS[exercise]:
        raise ModelError(f"notebooks/{path.name} holds a {kept.kind}, not a network to train here")
    return kept

"""Augmentations: what they may change, what they keep, and what the solver does with them."""

from __future__ import annotations

import numpy as np
import pytest

from cs682.checks import legacy_seed
from cs682.solver import Solver
from cs682.training.augment import chain, flips, shifts
from tests.small_models import Softmax, make_data


def images(N=40, H=6, W=5):
    return np.random.default_rng(682).standard_normal((N, 3, H, W), dtype=np.float32)


def shifted(image, down, right):
    """Move an image (C, H, W) pixel by pixel; what comes from outside is zero."""
    out = np.zeros_like(image)
    _, H, W = image.shape
    for i in range(H):
        for j in range(W):
            if 0 <= i - down < H and 0 <= j - right < W:
                out[:, i, j] = image[:, i - down, j - right]
    return out


def test_flips_mirror_about_half_of_the_images_and_keep_the_others():
    X = images(N=400)

    with legacy_seed(682):
        got = flips()(X.copy())

    mirrored = np.array([np.array_equal(a, b[..., ::-1]) for a, b in zip(got, X, strict=True)])
    kept = np.array([np.array_equal(a, b) for a, b in zip(got, X, strict=True)])
    assert np.all(mirrored ^ kept)
    assert 150 < mirrored.sum() < 250  # 200 expected, 10 the standard deviation


@pytest.mark.parametrize(("probability", "step"), [(0, 1), (1, -1)])
def test_flips_with_certainty_mirror_none_or_all(probability, step):
    X = images()

    np.testing.assert_array_equal(flips(probability)(X.copy()), X[..., ::step])


@pytest.mark.parametrize("pixels", [0, 1, 2])
def test_shifts_move_each_image_within_the_limit_and_fill_with_zeros(pixels):
    X = images(N=200)
    reach = range(-pixels, pixels + 1)

    with legacy_seed(682):
        got = shifts(pixels)(X.copy())

    moves = [
        {(d, r) for d in reach for r in reach if np.array_equal(shifted(image, d, r), new)}
        for image, new in zip(X, got, strict=True)
    ]
    assert all(moves)  # each image is one of its own shifts
    assert set.union(*moves) == {(d, r) for d in reach for r in reach}  # and each shift occurs
    assert got.dtype == X.dtype


def test_chain_applies_from_left_to_right():
    X = images()

    with legacy_seed(682):
        got = chain(lambda X: X + 1, lambda X: 2 * X)(X)

    np.testing.assert_array_equal(got, 2 * (X + 1))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: flips(1.5), ValueError, r"probability must be in \[0, 1\], got 1.5"),
        (lambda: shifts(-1), ValueError, "pixels must be at least 0, got -1"),
        (lambda: shifts(1.5), TypeError, "pixels must be an integer, got 1.5"),
        (lambda: flips()(np.ones((4, 75))), ValueError, r"\(N, C, H, W\), got \(4, 75\)"),
        (lambda: shifts()(np.ones((4, 75))), ValueError, r"\(N, C, H, W\), got \(4, 75\)"),
    ],
)
def test_augmentations_refuse_what_they_cannot_use(call, error, message):
    with pytest.raises(error, match=message):
        call()


def make_solver(augment, **options):
    settings = {"batch_size": 10, "num_epochs": 2, "num_train_samples": 30, "verbose": False}
    return Solver(Softmax(), make_data(n=43), augment=augment, **{**settings, **options})


def test_solver_trains_on_what_augment_returns_and_measures_as_it_is():
    seen = []
    solver = make_solver(lambda X: 0 * X)
    loss = solver.model.loss
    solver.model.loss = lambda X, y=None: seen.append((y is None, X.any())) or loss(X, y)

    solver.train()

    assert {(measures, bool(content)) for measures, content in seen} == {
        (True, True),
        (False, False),
    }


def test_solver_lets_augment_write_to_its_batch_only():
    solver = make_solver(lambda X: np.multiply(X, 0, out=X))
    before = solver.X_train.copy()

    solver.train()

    np.testing.assert_array_equal(solver.X_train, before)


def test_solver_without_augmentation_draws_the_published_stream():
    losses = []
    for augment in (None, lambda X: X):
        with legacy_seed(231):
            solver = make_solver(augment)
            solver.train()
        losses.append(solver.loss_history)

    assert losses[0] == losses[1]


@pytest.mark.parametrize(
    ("augment", "error", "message"),
    [
        (3, TypeError, "augment must be None or a function of a batch, got 3"),
        ([flips(), shifts()], TypeError, "several become one with cs682.training.augment.chain"),
    ],
)
def test_solver_refuses_what_is_no_augmentation(augment, error, message):
    with pytest.raises(error, match=message):
        make_solver(augment)


@pytest.mark.parametrize(
    ("augment", "got"),
    [
        (lambda X: None, "got None"),
        (lambda X: X[1:], r"got shape \(9,"),
        (chain, r"called first, as in augment=chain\(flips\(\)\)"),
    ],
)
def test_solver_refuses_batches_of_another_kind(augment, got):
    with pytest.raises(ValueError, match=rf"augment must return a batch of shape \(10, .*{got}"):
        make_solver(augment).train()


@pytest.mark.parametrize(
    ("augment", "name"), [(flips, "flips"), (shifts, "shifts"), (chain(flips), "flips")]
)
def test_what_makes_an_augmentation_is_to_be_called_first(augment, name):
    with pytest.raises(TypeError, match=rf"call it first, as in augment={name}\(\)"):
        make_solver(augment).train()


def test_checkpoint_with_augmentation_goes_on_bit_for_bit(tmp_path):
    def noise(X):
        return X + np.random.standard_normal(X.shape)  # noqa: NPY002  # the solver's stream

    with legacy_seed(682):
        whole = make_solver(noise, checkpoint_name=tmp_path / "run")
        whole.train()

    resumed = make_solver(noise)
    resumed.load_checkpoint(tmp_path / "run_epoch_1.npz")
    resumed.train()

    assert resumed.loss_history == whole.loss_history


def test_checkpoint_with_augmentation_does_not_fit_a_solver_without(tmp_path):
    make_solver(lambda X: X, checkpoint_name=tmp_path / "run").train()

    with pytest.raises(ValueError, match="augment is 'given' in the checkpoint, None here"):
        make_solver(None).load_checkpoint(tmp_path / "run_epoch_1.npz")

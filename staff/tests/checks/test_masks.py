"""A result of the student's that others are expected by is looked at first."""

from __future__ import annotations

import numpy as np
import pytest

from cs682 import layer_utils, layers
from cs682.checks import CheckError
from cs682.checks.compare import compare
from cs682.checks.judges.dropout import require_mask
from cs682.checks.subject import LocalSubject
from staff.grading.judging.secret import gradients, nets
from staff.grading.judging.secret.hold import hold
from staff.tests.checks.mutants import put, refusal

SEEDS = range(3)


@pytest.fixture(params=[np.nan, 0.0, 1.0], ids=["NaN", "zeros", "ones"])
def _fake(request, monkeypatch):
    """Have dropout multiply with one value for a seed, and with NaN have nets drop nothing."""
    dropout, sandwich = layers.dropout_forward, layer_utils.affine_norm_relu_dropout_forward

    def fake(x, param):
        return (x * request.param, x) if "seed" in param else dropout(x, param)

    put(monkeypatch, "dropout_forward", fake)
    if np.isnan(request.param):
        put(monkeypatch, "affine_norm_relu_dropout_forward", lambda *args: sandwich(*args[:7]))


@pytest.mark.usefixtures("_fake")
def test_masks_that_are_none_earn_nothing():
    assert "dropout_forward" in refusal("do-2.1")


@pytest.mark.usefixtures("_fake")
@pytest.mark.parametrize(
    "check", [nets.dropout_sandwich, gradients.GRADIENTS["do-2.1"]], ids=["sandwich", "gradient"]
)
def test_masks_that_are_none_pass_no_further_check(check):
    for seed in SEEDS:
        with pytest.raises(CheckError, match="dropout_forward"):
            check(LocalSubject(), np.random.default_rng(seed))


@pytest.mark.exercise(id="do-2.1")
def test_mask_drawn_anew_on_the_way_back_is_refused(monkeypatch):
    def redrawn(dout, cache):
        inner, (param, _) = cache
        if param["mode"] == "train":
            dout, _ = layers.dropout_forward(dout, param)
        return layer_utils.affine_relu_backward(dout, inner[1])

    put(monkeypatch, "affine_norm_relu_dropout_backward", redrawn)

    assert "the way back draws no new mask" in refusal("do-2.1")


@pytest.mark.parametrize("p", [0.3, 0.6, 0.8])
def test_masks_of_the_reference_are_masks(p):
    for seed in range(200):
        for shape in ((4, 4), (4, 5), (30, 40)):
            param = {"mode": "train", "p": p, "seed": seed}
            require_mask(layers.dropout_forward(np.ones(shape), param)[0], shape, p)


def test_gradient_of_a_dropout_that_gives_nan_is_refused(monkeypatch):
    dropout = layers.dropout_forward
    put(monkeypatch, "dropout_forward", lambda x, param: (x * np.nan, dropout(x, param)[1]))

    with pytest.raises(CheckError, match="dropout_forward"):
        gradients.dropout(LocalSubject(), np.random.default_rng(0))


@pytest.mark.parametrize("want", [np.nan, np.inf, -np.inf])
def test_no_result_is_held_against_what_is_not_finite(want):
    with pytest.raises(ValueError, match="loss is compared with is not finite"):
        hold("loss", 1.0, want, "a batch")
    with pytest.raises(ValueError, match="loss is compared with is not finite"):
        compare("loss", 1.0, want, rtol=0.1)

"""Initial weights of small rank are refused, and all that was drawn number by number passes."""

from __future__ import annotations

import numpy as np
import pytest

from staff.grading.judging.secret.hold import RefusedError
from staff.grading.judging.secret.nets import check_init

SHAPES = ((30, 50), (40, 21), (8, 3, 7, 7), (12, 12))
INDEPENDENT = {
    "normal": lambda rng, m, n: rng.standard_normal((m, n)),
    "truncated": lambda rng, m, n: np.clip(rng.standard_normal((m, n)), -2, 2),
    "uniform": lambda rng, m, n: rng.uniform(-1, 1, (m, n)),
    "of a heavy tail": lambda rng, m, n: rng.laplace(size=(m, n)),
    "orthogonal": lambda rng, m, n: np.linalg.qr(rng.standard_normal((max(m, n),) * 2))[0][:m, :n],
}
DEPENDENT = {
    "products": lambda rng, m, n: np.outer(rng.standard_normal(m), rng.standard_normal(n)),
    "sums of two products": lambda rng, m, n: (
        rng.standard_normal((m, 2)) @ rng.standard_normal((2, n))
    ),
}


def examine_weights(how, shape, seed):
    """Hand drawn weights of spread 1 to the hidden check of initial parameters."""
    drawn = how(np.random.default_rng(seed), shape[0], int(np.prod(shape[1:])))
    drawn = ((drawn - drawn.mean()) / drawn.std()).reshape(shape)
    check_init({"W1": drawn}, {"W1": shape}, 1.0, "some widths")


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("how", INDEPENDENT)
def test_weights_of_independent_draws_pass(how, shape):
    for seed in range(20):
        examine_weights(INDEPENDENT[how], shape, seed)


@pytest.mark.parametrize("shape", SHAPES[:3])
@pytest.mark.parametrize("how", DEPENDENT)
def test_weights_of_small_rank_are_refused(how, shape):
    with pytest.raises(RefusedError, match="lines that depend on each other"):
        examine_weights(DEPENDENT[how], shape, 3)

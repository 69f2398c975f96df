"""Heat maps of a grid search: which field says what."""

from __future__ import annotations

import numpy as np
import pytest

from cs682.figures.heat_map import heat_map

SCORES = np.array([[0.1, 0.2, np.nan], [0.45, 0.3, 0.25]])


def draw(scores=SCORES):
    rows, columns = ("reg", [0.0, 0.5]), ("learning_rate", [1e-4, 1e-3, 1e-2])
    return heat_map(scores, rows, columns, measure="accuracy (fraction)", title="Which pair?")


def test_each_pair_has_its_score_written_in_its_field():
    ax = draw().axes[0]

    written = {text.get_position(): text.get_text() for text in ax.texts}
    assert written == {
        (0, 0): "0.1", (1, 0): "0.2", (2, 0): "none",
        (0, 1): "0.45", (1, 1): "0.3", (2, 1): "0.25",
    }  # fmt: skip
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["0.0001", "0.001", "0.01"]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["0", "0.5"]


def test_best_pair_is_framed():
    (frame,) = draw().axes[0].patches

    assert frame.get_xy() == (-0.5, 0.5)


def test_nothing_is_framed_where_no_run_has_a_score():
    assert not draw(np.full((2, 3), np.nan)).axes[0].patches


def test_scores_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"scores has shape \(3, 2\), rows and columns make"):
        draw(SCORES.T)

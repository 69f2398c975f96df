"""The board: what is passed and answered adds up to the points of the course."""

from __future__ import annotations

import shutil

import pytest

from cs682.checks import EXERCISES, board
from staff.release.files import ROOT

FULL = sum(row.points for row in EXERCISES.values())
READ = sum(row.points for row in EXERCISES.values() if row.is_question)


@pytest.mark.slow
def test_board_of_the_reference_is_complete():
    text = str(board.progress(ROOT / "notebooks"))

    assert (
        f"{FULL} of {FULL} points: {FULL - READ} passed, {READ} answered, which a person reads"
        in text
    )


def test_board_counts_what_is_there(tmp_path, monkeypatch):
    monkeypatch.setattr(board, "CHECKS", {})  # all from what the notebook shows
    shutil.copy(ROOT / "notebooks" / "Dropout.ipynb", tmp_path)

    text = str(board.progress(tmp_path))

    assert f"14 of {FULL} points: 8 passed, 6 answered, which a person reads" in text
    assert "Dropout: 14 of 14" in text
    assert "FullyConnectedNets: 0 of " in text

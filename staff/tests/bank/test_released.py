"""The released tests against the bank: what a check passes, the tests of its exercise pass."""

from __future__ import annotations

import hashlib

import pytest

from staff.__main__ import main
from staff.bank.judge import BANK
from staff.bank.released import failures


def sample():
    """Return, of each exercise, an answer that is right and one that is right with advice."""
    by_hash = sorted(BANK, key=lambda answer: hashlib.sha256(str(answer).encode()).digest())
    first = {(a.judge, a.verdict): a for a in by_hash if a.verdict != "wrong"}
    return [answer for answer in BANK if answer in first.values()]


@pytest.mark.slow
@pytest.mark.parametrize("answer", sample(), ids=str)
def test_released_tests_pass_what_the_check_passes(answer):
    assert failures(answer) == []


def test_released_tests_are_run_against_the_answer():
    wrong = next(a for a in BANK if a.judge == "fc-1.1" and a.verdict == "wrong")

    assert any("test_affine_forward_" in line for line in failures(wrong))


def test_command_tells_which_right_answers_are_refused(monkeypatch, capsys):
    right = sum(a.judge == "fc-1.5" and a.verdict != "wrong" for a in BANK)
    refused = ["test_affine: E   AssertionError"]
    monkeypatch.setattr(
        "staff.bank.released.failures", lambda a: refused if "ReLU written out" in a.title else []
    )

    assert main(["bank", "--tests", "fc-1.5"]) == 1

    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("REFUSED fc-1.5: ReLU written out")
    assert lines[1:] == [f"  {refused[0]}", f"{right} answers that are right, 1 refused"]

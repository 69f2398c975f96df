"""What a hand-in's sandboxes and processes take, and what is said of how they end."""

from __future__ import annotations

import signal

import pytest

from staff.grading.judging.core import grade_code
from staff.grading.sandbox.ladder import Sandbox


def outcomes(hand_in, rung, *only):
    return {o.exercise: o for o in grade_code(hand_in, seed=20, rung=rung, only=only)}


SENDS = """
import os
for fd in range(3, 40):
    try:
        os.write(fd, b"\\xff" * 99)
    except OSError:
        pass
"""


@pytest.mark.parametrize("status", [70, -signal.SIGSEGV])
def test_how_a_process_ends_that_the_grader_ends_is_not_said(status, hand_in, rung, monkeypatch):
    """Whether it is killed before it fails depends on who is faster."""
    (hand_in / "cs682/layers.py").write_text(SENDS)
    finish = Sandbox.finish
    monkeypatch.setattr(Sandbox, "finish", lambda self: finish(self) and (status, 0.1))

    assert outcomes(hand_in, rung, "fc-1.3")["fc-1.3"].message == (
        "fc-1.3 got no answer: the code sent something that is no answer: "
        "a header of 4294967295 bytes"
    )


def test_how_a_process_ends_by_itself_is_said(hand_in, rung):
    (hand_in / "cs682/layers.py").write_text("import os\nos._exit(3)\n")

    assert outcomes(hand_in, rung, "fc-1.3")["fc-1.3"].message == (
        "fc-1.3 got no answer: the code ended its process, with exit status 3"
    )


def test_start_of_each_sandbox_counts_in_the_time_of_the_hand_in(hand_in, rung, monkeypatch):
    path = hand_in / "cs682/layers.py"
    path.write_text(path.read_text().replace("return dout * (x > 0)", "return dout"))
    enter = Sandbox.__enter__

    def slowly(self):
        enter(self)
        assert 0 <= self.start_wall < 60
        self.start_wall = 0.6 * rung.limits.all_wall
        return self

    monkeypatch.setattr(Sandbox, "__enter__", slowly)

    got = outcomes(hand_in, rung, "fc-1.4", "fc-2.3")

    assert {i: o.state for i, o in got.items()} == {"fc-1.4": "wrong", "fc-2.3": "not graded"}

"""What a hand-in's sandboxes and processes take, and what is said of how they end."""

from __future__ import annotations

from staff.grading.judging.core import grade_code
from staff.grading.sandbox.ladder import Sandbox


def outcomes(hand_in, rung, *only):
    return {o.exercise: o for o in grade_code(hand_in, seed=20, rung=rung, only=only)}


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

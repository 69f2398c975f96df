"""A check that does not come to an end is stopped, and the line is named."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cs682 import layers, optim
from cs682.__main__ import main
from cs682.checks import EXERCISES, CheckError, board, check, limit, run
from cs682.hand_in import pack

ROOT = Path(__file__).resolve().parents[2]


def loop(*_):
    while True:
        pass


def stubborn_loop(*_):
    while True:
        try:
            while True:
                pass
        except KeyboardInterrupt:
            pass


def said_in_time(monkeypatch, run):
    """Give what is said of a loop; on a busy machine, time may be up before it is reached."""
    said = ""
    for seconds in (0.2, 2, 20):
        monkeypatch.setitem(limit.examine_in_time.__kwdefaults__, "seconds", seconds)
        said = run()
        if "\n" in said:
            break
    assert said.startswith(f"it takes longer than {seconds:g} s\n  in loop, "), said
    return said


def test_an_endless_loop_is_wrong_and_its_line_is_named(monkeypatch):
    monkeypatch.setattr(layers, "relu_forward", loop)

    said = said_in_time(monkeypatch, lambda: limit.examine_in_time("fc-1.3").message)

    assert "Likely cause: a loop that does not end" in said


def sleeping(*_):
    while True:
        time.sleep(0.01)


def test_a_line_that_waits_is_no_loop(monkeypatch):
    monkeypatch.setattr(layers, "relu_forward", sleeping)

    said = limit.examine_in_time("fc-1.3", seconds=2).message

    assert said.endswith(": time.sleep(0.01)\n  This line waits: take it out")


def test_a_cell_s_check_is_stopped_like_any_other(monkeypatch):
    monkeypatch.setattr(layers, "relu_forward", loop)

    def refusal():
        with pytest.raises(CheckError) as caught:
            check("fc-1.3")
        return str(caught.value).replace("\n  Next", " Next")

    said_in_time(monkeypatch, refusal)


def test_the_checks_after_it_go_on(monkeypatch, capsys):
    def limited(key, **_):
        return limit.examine_in_time(key, seconds=0.2 if key == "fc-1.3" else limit.SECONDS)

    monkeypatch.setattr(layers, "relu_forward", loop)
    monkeypatch.setattr(board, "examine_in_time", limited)

    assert main(["check", "fc-1.3", "fc-1.1"]) == 1

    said = capsys.readouterr().out
    assert "wrong  fc-1.3" in said
    assert "passed  fc-1.1" in said


def test_a_right_answer_is_not_interrupted():
    assert limit.examine_in_time("fc-1.3").state == "passed"


def test_what_cannot_be_interrupted_ends_with_its_line():
    program = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from cs682 import layers
from cs682.checks import limit
import test_limit
limit.GRACE = 0.2
layers.relu_forward = test_limit.stubborn_loop
for seconds in (0.2, 2, 20):  # on a busy machine, time may be up before the loop is reached
    limit.examine_in_time("fc-1.3", seconds=seconds, is_last_word=True)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert "stubborn_loop does not end" in done.stderr
    assert "test_limit.py line" in done.stderr


def test_ctrl_c_names_the_line_and_promises_nothing(monkeypatch, capsys):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(layers, "relu_forward", interrupt)

    assert main(["check", "fc-1.3"]) == 130

    said = capsys.readouterr().err
    assert said.startswith("the check of fc-1.3 was interrupted\n  in interrupt, ")
    assert "goes on" not in said


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "soon"])
def test_a_limit_that_is_none_is_refused(seconds):
    with pytest.raises(SystemExit):
        main(["check", f"--seconds={seconds}"])


def test_the_board_has_the_same_limit(monkeypatch):
    asked = []
    monkeypatch.setattr(
        board, "examine_in_time", lambda key, **_: asked.append(key) or board_result()
    )

    board.find_states(ids=["fc-1.1"])

    assert asked == ["fc-1.1"]


def test_what_rests_on_a_loop_is_not_tried_and_the_others_are(monkeypatch):
    tried = []

    def examine(key, **_):
        tried.append(key)
        stopped = key == "fc-1.1"
        state = "wrong" if stopped else "passed"
        return run.Result(EXERCISES[key], state, "in affine_forward", is_stopped=stopped)

    monkeypatch.setattr(board, "examine_in_time", examine)

    results = board.find_results(ids=["fc-1.1", "fc-1.2", "fc-1.3", "fc-2.2"])

    assert tried == ["fc-1.1", "fc-1.3"]
    assert results["fc-2.2"].state == "wrong"
    assert results["fc-2.2"].message == "first mend fc-1.1: in affine_forward"


def test_all_checks_of_the_board_share_one_limit(monkeypatch):
    monkeypatch.setattr(board, "_LEAST", 0.1)
    for name in ("affine_forward", "relu_forward", "sgd_momentum"):
        monkeypatch.setattr(optim if name == "sgd_momentum" else layers, name, loop)
    start = time.monotonic()

    results = board.find_results(ids=["fc-1.1", "fc-1.3", "fc-4.1"], seconds=4)

    assert time.monotonic() - start < 6  # three times the limit would be 12
    assert all(result.is_stopped for result in results.values())
    assert "it takes longer than 2 s\n  in loop, " in results["fc-1.1"].message


def test_submit_names_the_line_that_does_not_end(root, monkeypatch):
    states = dict.fromkeys(EXERCISES, "passed") | {"fc-1.1": "wrong"}
    said = {"stopped": {"fc-1.1": "it takes longer than 60 s\n  in affine_forward, line 7"}}
    monkeypatch.setattr(pack, "_STATES", f"print({json.dumps(states | said)!r})")

    packed = pack.collect(root)

    assert packed.remarks == [
        "fc-1.1 is wrong: Affine layer: forward (2 points): it takes longer than 60 s in "
        "affine_forward, line 7"
    ]
    assert packed.states == states


def board_result():
    from cs682.checks.exercises import EXERCISES
    from cs682.checks.run import Result

    return Result(EXERCISES["fc-1.1"], "passed", "")


@pytest.mark.parametrize("state", ["open", "wrong"])
def test_exercise_that_the_course_gives_says_how_to_put_it_in(monkeypatch, state):
    monkeypatch.setattr(run, "HANDED_OUT", {"bn-1.4"})
    result = run.Result(EXERCISES["bn-1.4"], state, f"bn-1.4 is {state}")

    assert "python -m cs682 reset bn-1.4 puts in" in run.say_next(result).message

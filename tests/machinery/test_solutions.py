"""Solutions: shown after a pass or to whoever asks twice, and none where the edition has none."""

from __future__ import annotations

import json

import pytest

from cs682 import __main__ as command
from cs682.checks import hints, solutions
from cs682.checks.hints import count_hints, next_hint
from cs682.checks.solutions import tell_solution

BODY = "dx = ...  # of the test"


@pytest.fixture
def edition(tmp_path, monkeypatch):
    """Give a function that makes this a self-study edition in which all checks end like that."""
    path = tmp_path / "solutions.json"
    monkeypatch.setattr(tell_solution, "__defaults__", (tmp_path,))
    for module in (solutions, hints, command):
        monkeypatch.setattr(module, "SOLUTIONS", path)

    def make(state):
        piece = {"file": "cs682/layers.py", "name": "batchnorm_backward", "text": BODY}
        path.write_text(json.dumps({"bn-1.3": [piece]}), encoding="utf-8")
        monkeypatch.setattr(solutions, "find_states", lambda ids: dict.fromkeys(ids, state))
        return tmp_path

    return make


def test_a_pass_shows_the_solution_with_its_idea_at_once(edition):
    root = edition("passed")

    text = tell_solution("batchnorm_backward", root)

    assert f"batchnorm_backward, in cs682/layers.py\n\n{BODY}\n" in text
    assert "The idea\n   Almost everything is (N, D)" in text
    assert not (root / "hints.json").exists()


@pytest.mark.parametrize(("state", "said"), [("open", "is still open"), ("wrong", "does not pass")])
def test_before_a_pass_it_takes_two_calls_between_which_hints_may_lie(edition, state, said):
    root = edition(state)
    next_hint("bn-1.3", root)

    first = tell_solution("bn-1.3", root)
    next_hint("bn-1.3", root)
    second = tell_solution("bn-1.3", root)

    assert (said in first, BODY in first, BODY in second) == (True, False, True)
    assert count_hints(root) == {"bn-1.3": 2}


def test_to_ask_for_one_is_not_to_ask_for_another(edition):
    root = edition("open")
    tell_solution("bn-1.4", root)

    assert BODY not in tell_solution("bn-1.3", root)


def test_last_hint_leads_to_the_solution_where_there_is_one(edition, tmp_path):
    before = [next_hint("bn-1.3", tmp_path) for _ in range(3)][-1]

    assert 'solution("bn-1.3")' not in before
    assert 'solution("bn-1.3")' in next_hint("bn-1.3", edition("open"))


def test_course_has_none_and_says_so_in_a_sentence(edition, capsys):
    assert command.main(["solution", "bn-1.3"]) == 0

    said = capsys.readouterr().out
    assert said.startswith("This edition has no solutions")
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("fc-q1", "a question: its model answer is folded below it in FullyConnectedNets.ipynb"),
        ("fc-1.5", "given: its code is in cs682/layer_utils.py"),
        ("afine_forward", "did you mean affine_forward"),
    ],
)
def test_what_has_no_solution_is_refused(edition, name, said, capsys):
    edition("passed")

    with pytest.raises(SystemExit):
        command.main(["solution", name])

    assert said in capsys.readouterr().err


def test_who_learns_alone_is_not_offered_to_hand_in(edition):
    offered = command._parser().format_help()
    edition("open")

    assert "submit" in offered
    assert "submit" not in command._parser().format_help()

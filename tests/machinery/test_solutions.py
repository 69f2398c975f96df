"""Solutions: shown after a pass or to whoever asks twice, and none where the edition has none."""

from __future__ import annotations

import pytest

from cs682 import __main__ as command
from cs682.checks import board, hints, solutions
from cs682.checks.exercises import EXERCISES
from cs682.checks.hints import STEPS, count_hints, next_hint
from cs682.checks.run import Result
from cs682.checks.solutions import forget_ask, pack_solutions, tell_solution

BODY, MADE = "dx = ...  # of the test", "mean = ...\nreturn out, (x_hat, gamma)"
PIECES = {
    "fc-3.2": ("FullyConnectedNet._forward", "    caches.append(cache)\nreturn scores, caches"),
    "fc-3.3": ("FullyConnectedNet._loss_and_gradients", BODY),
    "bn-1.1": ("batchnorm_forward", MADE),
    "bn-1.3": ("batchnorm_backward", BODY),
    "bn-1.4": ("batchnorm_backward_alt", BODY),
    "cn-1.1": ("conv_forward_naive", "return out, (x, w)"),
    "cn-1.2": ("conv_backward_naive", BODY),
    "cn-3.1": (
        "spatial_batchnorm_forward",
        "out, cache = batchnorm_forward(rows, gamma)\nreturn as_images(out), cache",
    ),
    "cn-3.2": ("spatial_batchnorm_backward", BODY),
}


@pytest.fixture
def edition(tmp_path, monkeypatch):
    """Give a function that makes this a self-study edition in which all checks end like that."""
    path = tmp_path / "solutions.txt"
    monkeypatch.setattr(tell_solution, "__defaults__", (tmp_path,))
    for module in (solutions, hints, board, command):
        monkeypatch.setattr(module, "SOLUTIONS", path)

    def make(state, message="", *, is_read=True):
        pieces = {
            key: [{"file": "cs682/layers.py", "name": name, "text": text}]
            for key, (name, text) in PIECES.items()
        }
        path.write_bytes(pack_solutions(pieces))
        ends = {key: Result(EXERCISES[key], state, message, is_read=is_read) for key in EXERCISES}
        monkeypatch.setattr(solutions, "find_results", lambda ids: {key: ends[key] for key in ids})
        return tmp_path

    return make


def test_a_pass_shows_the_solution_with_its_idea_at_once(edition):
    root = edition("passed")

    text = tell_solution("batchnorm_backward", root)

    assert f"batchnorm_backward, in cs682/layers.py\n\n{BODY}\n" in text
    assert "The idea\n   Almost everything is (N, D)" in text
    assert "the reference's forward pass" in text
    assert "bn-1.1: return out, (x_hat, gamma)\n" in text
    assert "which ends so" not in tell_solution("bn-1.1", root)
    assert not (root / "hints.json").exists()


@pytest.mark.parametrize(
    ("exercise", "made"),
    [
        ("fc-3.3", ["fc-3.2: caches.append(cache)", "fc-3.2: return scores, caches"]),
        ("bn-1.4", ["bn-1.1: return out, (x_hat, gamma)"]),
        ("cn-1.2", ["cn-1.1: return out, (x, w)"]),
        ("cn-3.2", ["cn-3.1: return as_images(out), cache", "bn-1.1: return out, (x_hat, gamma)"]),
    ],
)
def test_a_way_back_says_what_is_in_the_cache_that_it_reads(edition, exercise, made):
    text = tell_solution(exercise, edition("passed"))

    told = text.partition("which ends so:\n")[2].splitlines()
    assert [line.strip() for line in told[: len(made)]] == made


def test_before_a_pass_it_takes_two_calls_between_which_hints_may_lie(edition):
    root = edition("open")
    next_hint("bn-1.3", root)

    first = tell_solution("bn-1.3", root)
    next_hint("bn-1.3", root)
    second = tell_solution("bn-1.3", root)

    assert (BODY in first, BODY in second) == (False, True)
    assert count_hints(root) == {"bn-1.3": 2}


WAITS = "batchnorm_forward: see BatchNormalization.ipynb, section 1.1"


@pytest.mark.parametrize(
    ("end", "hints", "said", "first"),
    [
        (
            ("wrong", "dx: got 1\n  at (0, 0)"),
            2,
            "does not pass its check yet",
            "Take the next hint",
        ),
        (("open", "bn-1.3 is open: see"), STEPS, "bn-1.3 is open: see", "Try the last hint"),
        (("open", ""), 0, "has not passed in the saved BatchNormalization.ipynb", "Take the hints"),
    ],
)
def test_who_is_put_off_reads_how_it_stands_and_what_comes_next(edition, end, hints, said, first):
    root = edition(*end)
    for _ in range(hints):
        next_hint("bn-1.3", root)

    text = tell_solution("bn-1.3", root)

    assert said in text
    assert f"\n{first}" in text
    assert max(map(len, text.splitlines())) <= 92


@pytest.mark.parametrize(
    ("end", "is_read", "said"),
    [
        (("open", WAITS), True, "bn-1.3 waits for bn-1.1: write"),
        (
            ("wrong", "line 5 does not load: E\n  x"),
            False,
            "cannot be checked yet: line 5 does not load: E. ",
        ),
    ],
)
def test_what_cannot_be_judged_yet_is_not_asked_for(edition, end, is_read, said):
    for _ in range(2):
        text = tell_solution("bn-1.3", edition(*end, is_read=is_read))
        assert said in text
        assert "Asked for again" not in text

    assert BODY not in tell_solution("bn-1.3", edition("open"))
    assert BODY in tell_solution("bn-1.3", edition("open"))


def test_reset_takes_back_that_a_solution_was_asked_for(edition):
    root = edition("open")
    tell_solution("bn-1.3", root)

    forget_ask("bn-1.3", root)

    assert BODY not in tell_solution("bn-1.3", root)


def test_damaged_notebook_keeps_nobody_from_a_solution(edition, monkeypatch):
    root = edition("open")

    def refuse(ids):
        raise ValueError("it is no notebook; save it again")

    monkeypatch.setattr(solutions, "find_results", refuse)

    assert "it is no notebook" in tell_solution("bn-1.3", root)
    assert BODY in tell_solution("bn-1.3", root)


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
    offered, reader = command._parser().format_help(), board._sum([], {})
    edition("open")

    assert ("submit" in offered, "a person reads" in reader) == (True, True)
    assert "submit" not in command._parser().format_help()
    assert "a person reads" not in board._sum([], {})

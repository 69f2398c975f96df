"""Hints: one more at each call, counted, on the board, in a hand-in where a course says so."""

from __future__ import annotations

import importlib
import json
import shutil
import sys

import pytest

from cs682.__main__ import main
from cs682.checks import EXERCISES, CheckError, board, check, hints
from cs682.checks.compare import COLUMNS
from cs682.checks.hints import count_hints, hint, next_hint, read_hints
from cs682.checks.run import hints_help
from cs682.checks.subject import LocalSubject
from cs682.hand_in import pack
from cs682.setup.assignment import MARKER, PACKAGE_HOME

QUESTION, IDEA, STEPS = (text.split()[0] for text in read_hints()["fc-1.1"])


@pytest.fixture
def root(tmp_path, monkeypatch):
    """Keep the counts in a folder of the test's own."""
    monkeypatch.setattr(next_hint, "__defaults__", (tmp_path,))
    monkeypatch.setattr(count_hints, "__defaults__", (tmp_path,))
    return tmp_path


def test_each_call_gives_one_hint_more_below_those_before(root):
    texts = [next_hint("fc-1.1", root) for _ in range(4)]

    given = [[line[0] for line in text.splitlines() if line[:1].isdigit()] for text in texts]
    assert given == [["1"], ["1", "2"], ["1", "2", "3"], ["1", "2", "3"]]
    heads = [text.splitlines()[0].partition("(hints: ")[2] for text in texts]
    assert heads == ["1 of 3)", "2 of 3)", "3 of 3)", "3 of 3)"]
    assert "The same call gives hint 2." in texts[0]
    assert "The same call" not in texts[2]


def test_a_hint_keeps_its_words_and_each_step_its_line(root):
    texts = [next_hint("fc-1.1", root) for _ in range(3)]

    words = " ".join(texts[-1].split())
    assert all(" ".join(text.split()) in words for text in read_hints()["fc-1.1"])
    assert [line[3:5] for line in texts[-1].splitlines()].count("- ") == 4
    assert max(map(len, texts[-1].splitlines())) <= COLUMNS


def test_counts_are_remembered_for_each_exercise_by_itself(root):
    for name in ("bn-1.3", "FC1.1", "affine_forward"):
        next_hint(name, root)

    assert json.loads((root / "hints.json").read_text()) == {"bn-1.3": 1, "fc-1.1": 2}
    assert count_hints(root) == {"fc-1.1": 2, "bn-1.3": 1}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"fc-1.1": "2", "bn-1.3": 0, "do-1.1": 4, "bn-9.9": 1, "fc-1.2": true}',
    ],
)
def test_a_damaged_file_counts_for_nothing(root, content):
    (root / "hints.json").write_bytes(content)

    assert count_hints(root) == {}
    assert "hints: 1 of 3" in next_hint("fc-1.1", root)
    assert count_hints(root) == {"fc-1.1": 1}


def test_a_folder_that_takes_no_file_costs_the_count_and_not_the_hint(tmp_path):
    text = next_hint("fc-1.1", tmp_path / "missing")

    assert QUESTION in text
    assert "(That you had it could not be noted: No such file or directory." in text


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("fc-q1", "no hints to fc-q1, which is a question"),
        ("fc-1.5", "no hints to fc-1.5, which is given: there is nothing to write"),
        ("batchnorm_forward", "'batchnorm_forward' means several exercises, bn-1.1, bn-1.2"),
        ("afine_forward", "did you mean affine_forward"),
        ("relu", "did you mean relu_forward or relu_backward"),
    ],
)
def test_what_has_no_hints_is_refused(root, name, said, capsys):
    with pytest.raises(ValueError, match=said):
        hint(name)
    with pytest.raises(SystemExit):
        main(["hint", name])

    assert said in capsys.readouterr().err
    assert not (root / "hints.json").exists()


def test_command_and_function_count_together(root, capsys):
    assert main(["hint", "fc-1.1"]) == 0
    hint("fc-1.1")

    assert "hints: 2 of 3" in capsys.readouterr().out


def test_board_says_how_many_hints_were_asked_for(root, monkeypatch):
    monkeypatch.setattr(board, "find_states", lambda _: dict.fromkeys(EXERCISES, "open"))
    assert "hints" not in str(board.progress())
    next_hint("bn-1.3", root)

    lines = str(board.progress()).splitlines()

    assert [line for line in lines if "1 of 3" in line] == [
        line for line in lines if "bn-1.3" in line.split()
    ]


@pytest.mark.parametrize(("variant", "told"), [({}, False), ({"hints_in_hand_in": True}, True)])
def test_hand_in_tells_of_hints_where_the_course_says_so(root, monkeypatch, variant, told):
    monkeypatch.setattr(hints, "read_variant", lambda: variant)
    shutil.copy(PACKAGE_HOME / MARKER, root)

    text = next_hint("bn-1.3", root)

    manifest = json.loads(pack._manifest(pack.HandIn(root)))
    assert manifest.get("hints") == ({"bn-1.3": 1} if told else None)
    assert ("This course's hand-in says how many hints you asked for." in text) == told


# --- what a check says of them


class Stub(LocalSubject):
    """A student's package in which one thing is written in its own way."""

    def __init__(self, affine_forward):
        super().__init__()
        self.affine_forward = affine_forward


def to_do(x, w, b):
    raise NotImplementedError("affine_forward: see FullyConnectedNets.ipynb, section 1.1")


@pytest.mark.parametrize(
    ("answer", "pointed"),
    [
        (lambda x, w, b: (x, (x, w, b)), True),
        (lambda x, w, b: x @ w, True),
        (to_do, False),
        (lambda x, w, b: importlib.import_module("a_package_that_is_not_there"), False),
        (lambda x, w, b: sys.exit(), False),
    ],
    ids=["wrong", "raises", "open", "a package is missing", "ends Python"],
)
def test_a_check_points_at_the_hints_to_what_is_written_and_wrong(answer, pointed):
    with pytest.raises(CheckError) as caught:
        check("fc-1.1", subject=Stub(answer))

    assert str(caught.value).endswith('\n  Stuck? hint("fc-1.1")') == pointed


@pytest.mark.parametrize(("has_solutions", "said"), [(False, ""), (True, "solution")])
def test_after_the_last_hint_a_check_points_at_the_solution_if_there_is_one(
    root, monkeypatch, capsys, has_solutions, said
):
    solutions = root / "solutions.txt"
    monkeypatch.setattr(hints, "SOLUTIONS", solutions)
    if has_solutions:
        solutions.touch()
    for _ in range(hints.STEPS):
        next_hint("fc-1.1", root)
    wrong = board.Result(EXERCISES["fc-1.1"], "wrong", "no")
    monkeypatch.setattr(board, "examine_in_time", lambda *_, **__: wrong)

    with pytest.raises(CheckError) as caught:
        check("fc-1.1", subject=Stub(lambda x, w, b: (x, (x, w, b))))
    main(["check", "fc-1.1"])

    told = [line for line in str(caught.value).splitlines() if "Stuck?" in line]
    assert told == [f'  Stuck? {said}("fc-1.1")'] * has_solutions
    told = [line for line in capsys.readouterr().out.splitlines() if "Stuck?" in line]
    assert told == [f"  Stuck? python -m cs682 {said} fc-1.1"] * has_solutions


def test_given_code_that_is_wrong_has_no_hints_to_point_at():
    assert not hints_help(board.Result(EXERCISES["fc-1.5"], "wrong", "no"))


def test_the_command_points_at_the_command(monkeypatch, capsys):
    wrong = board.Result(EXERCISES["fc-1.1"], "wrong", "no")
    monkeypatch.setattr(board, "examine_in_time", lambda *_, **__: wrong)

    assert main(["check", "fc-1.1"]) == 1

    assert "\n  Stuck? python -m cs682 hint fc-1.1\n" in capsys.readouterr().out

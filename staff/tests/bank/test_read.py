"""Answers are read from their files, and find their place in a reference that has been reworded."""

from __future__ import annotations

import ast
import io
import re
import tokenize

import pytest

from cs682.checks import EXERCISES
from staff.bank import judge
from staff.bank.answer import ROOT, Answer, Change
from staff.bank.judge import BANK
from staff.bank.read import read_answers, read_bank

SOURCE = '''
def affine_forward(x, w, b):
    """Multiply 'w' and add b."""
    # TODO(fc-1.1): multiply, add.
    # BEGIN SOLUTION
    rows = x.reshape(len(x), -1)  # (N, D)
    for _ in "#":
        out = rows @ w + b  # don't forget "b"
    return out, (x, w, b)
    # END SOLUTION


def relu_forward(x):
    # TODO(fc-1.3): max(x, 0).
    # BEGIN SOLUTION
    return np.maximum(x, 0), x
    # END SOLUTION
'''


def read(tmp_path, text, exercise="fc-1.1"):
    path = tmp_path / f"{exercise}.txt"
    path.write_text(text, encoding="utf-8")
    return read_answers(path)


def applied(tmp_path, body, source=SOURCE):
    (answer,) = read(tmp_path, f"right: a title\n{body}")
    return answer.apply(source)


def without_comments(source):
    """Return a file without the comments that stand beside code."""
    lines = source.splitlines(keepends=True)
    for token in reversed(list(tokenize.generate_tokens(io.StringIO(source).readline))):
        if token.type == tokenize.COMMENT and token.line[: token.start[1]].strip():
            lines[token.start[0] - 1] = token.line[: token.start[1]].rstrip() + "\n"
    return "".join(lines)


def test_heading_says_verdict_title_and_words(tmp_path):
    wrong, right, advice = read(
        tmp_path,
        "# fc-1.1\n\nwrong fresh: no bias => bias|b is\n  - + b\n  +\n"
        "right: as it is\n  + pass\n\nadvice: slow: a loop => float64\n  + pass\n",
    )

    assert (wrong.verdict, wrong.fresh, wrong.title) == ("wrong", True, "no bias")
    assert (wrong.judge, wrong.exercise, wrong.names) == ("fc-1.1", "fc-1.1", "bias|b is")
    assert wrong.place.endswith("fc-1.1.txt:3")
    assert (right.verdict, right.fresh, right.names) == ("right", False, "")
    assert (advice.verdict, advice.title, advice.names) == ("advice", "slow: a loop", "float64")


def test_piece_is_replaced_and_the_rest_stays(tmp_path):
    got = applied(tmp_path, "  - rows @ w + b\n  + rows @ w\n")

    assert got == SOURCE.replace("rows @ w + b", "rows @ w")


def test_lines_take_the_indentation_of_what_goes(tmp_path):
    new = ["    out = rows @ w", "    if 1:", "        out += b", "out = 2 * out"]

    got = applied(
        tmp_path, "  -     out = rows @ w + b\n" + "".join(f"  + {line}\n" for line in new)
    )

    assert (
        "        out = rows @ w\n        if 1:\n            out += b\n    out = 2 * out  #" in got
    )


def test_lines_without_a_piece_are_the_whole_solution(tmp_path):
    got = applied(tmp_path, "  + if 1:\n  +     return x\n")

    assert "# BEGIN SOLUTION\n    if 1:\n        return x\n    # END SOLUTION\n\n\ndef relu" in got


@pytest.mark.parametrize(
    "piece",
    [
        "rows = x.reshape(\n      -     len(x),  # N\n      -     -1,\n      - )",
        "rows=x.reshape( len(x),-1 )",
        "rows = x.reshape(len(x), -1)  # another comment",
        "rows = x.reshape(len(x), -1)\n      - for _ in '#':".replace("'", '"'),
    ],
)
def test_piece_is_found_whatever_spaces_line_breaks_and_comments(tmp_path, piece):
    got = applied(tmp_path, f"      - {piece}\n      + rows = x\n")

    assert "    rows = x  # (N, D)\n" in got or "    rows = x\n        out" in got


def test_changes_are_made_where_they_are_said_to_be(tmp_path):
    got = applied(
        tmp_path,
        "  - out, (x\n  + out, (2 * x\n  @@ fc-1.3\n  - x, 0\n  + x, 1\n  @@ fc-1.1 file\n"
        "  - def affine_forward\n  + LAST = []\n  + def affine_forward\n",
    )

    assert "return out, (2 * x, w, b)" in got
    assert "np.maximum(x, 1), x" in got
    assert "\nLAST = []\ndef affine_forward(x" in got


def test_second_solution_is_chosen_by_its_number():
    forward, backward = (Change("bn-2.2", "pass", number=n) for n in (1, 2))
    source = (ROOT / EXERCISES["bn-2.2"].file).read_text(encoding="utf-8")

    assert forward.edit(source)[1] < backward.edit(source)[0]
    with pytest.raises(ValueError, match=r"solution number 3 of bn-2\.2 in cs682/layer_utils\.py"):
        Change("bn-2.2", "pass", number=3).edit(source)


@pytest.mark.parametrize(("piece", "times"), [("rows @ w - b", 0), ("w", 2)])
def test_piece_that_is_not_there_once_is_refused_with_its_place(tmp_path, piece, times):
    message = f"fc-1.1.txt:1: 'a title' looks for {piece!r}, which is in solution of fc-1.1 in "

    with pytest.raises(ValueError, match=re.escape(message) + rf"cs682/layers\.py {times} times"):
        applied(tmp_path, f"  - {piece}\n  + x\n")


def test_two_changes_of_one_piece_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r":1: 'a title' changes one piece twice"):
        applied(tmp_path, "  - rows @ w\n  + w\n  - w + b\n  + b\n")


@pytest.mark.parametrize(
    ("text", "line", "expected"),
    [
        ("  + pass\n", 1, "expected a heading first"),
        ("bug: title\n  + pass\n", 1, "expected 'wrong: title => words'"),
        ("- rows\n+ w\n", 1, "expected 'wrong: title => words'"),
        ("right: title\n", 1, "lines below it"),
        ("right: title => words\n  + pass\n", 1, "no ' => ' after what is right"),
        ("wrong: title => (words\n  + pass\n", 1, "a regular expression after ' => '"),
        ("wrong: title\n  +pass\n", 2, "a space after '+'"),
        ("wrong: title\n  + pass\n  pass\n", 3, "expected '@@ '"),
        ("wrong: title\n  @@ fc-1.3\n", 2, "expected '@@ '"),
        ("wrong: title\n  @@ somewhere\n  + pass\n", 2, "expected '@@ file', '@@ 2', '@@ ID'"),
        ("wrong: title\n  @@\n  + pass\n", 2, "expected '@@ file', '@@ 2', '@@ ID'"),
        ("wrong: title\n  @@ fc-9.9\n  + pass\n", 2, "expected '@@ file', '@@ 2', '@@ ID'"),
        ("wrong: title\n  @@ file\n  + pass\n", 2, "'- ' lines below it, the piece that goes"),
        ("wrong: title\n  - b\n  + w\n  @@ fc-3.2\n  + pass\n", 1, "changes of one file only"),
    ],
)
def test_line_that_may_not_stand_there_is_named(tmp_path, text, line, expected):
    with pytest.raises(ValueError, match=re.escape(expected)) as error:
        read(tmp_path, text)

    got = text.splitlines()[line - 1].strip()
    assert str(error.value).startswith(f"{tmp_path / 'fc-1.1.txt'}:{line}: expected ")
    assert str(error.value).endswith(f", got {got!r}") or line == 1


def test_file_that_is_not_named_after_an_exercise_is_refused(tmp_path):
    (tmp_path / "fc-1.1.md").write_text("", encoding="utf-8")

    with pytest.raises(ValueError, match=r"fc-1\.1\.md: expected an exercise's id and \.txt"):
        read_bank(tmp_path)


def test_bank_does_not_depend_on_the_comments_of_the_reference():
    sources = {answer.file: (ROOT / answer.file).read_text("utf-8") for answer in BANK}
    bare = {file: without_comments(source) for file, source in sources.items()}
    assert all(bare[file] != source for file, source in sources.items())

    got = [answer.apply(bare[answer.file]) for answer in BANK]  # none is refused

    for answer, text in [*zip(BANK, got, strict=True)][::20]:  # all would take a minute
        expected = answer.apply(sources[answer.file])
        assert ast.dump(ast.parse(text)) == ast.dump(ast.parse(expected)), answer.place


def run_command(monkeypatch, capsys, *words, said="negative"):
    bank = [
        Answer("fc-1.3", "old", (Change("fc-1.3", "return x, x"),), said, place="here:1"),
        Answer("fc-1.3", "new", (Change("fc-1.3", "return -x, x"),), "never said", fresh=True),
    ]
    monkeypatch.setattr(judge, "BANK", bank)
    parser = judge.argparse.ArgumentParser()
    judge.add_command(parser.add_subparsers())
    args = parser.parse_args(["bank", *words])
    return args.run(args), capsys.readouterr().out


def test_command_judges_fresh_answers_alone(monkeypatch, capsys):
    status, text = run_command(monkeypatch, capsys, "--fresh")

    assert status == 0
    assert "not named (expected: never said) fc-1.3: new" in text
    assert text.splitlines()[-1].split() == ["all", "1", "1", "0", "0", "0"]


def test_command_refuses_an_exercise_that_is_not_there(monkeypatch, capsys):
    status, text = run_command(monkeypatch, capsys, "fc-9.9")

    assert status == 1
    assert "no exercise has the id fc-9.9" in text


def test_command_fails_where_a_message_lacks_its_words(monkeypatch, capsys):
    status, text = run_command(monkeypatch, capsys, said="nowhere")

    assert status == 1
    assert "not named (expected: nowhere) fc-1.3: old" in text
    assert run_command(monkeypatch, capsys)[0] == 0

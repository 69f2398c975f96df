"""An exercise is put back to its stub, what stood there is kept, and nothing else changes."""

from __future__ import annotations

import codecs
import json
from dataclasses import replace

import pytest

from cs682.__main__ import main
from cs682.checks import EXERCISES
from cs682.checks.hints import read_notes
from cs682.setup import reset as module
from cs682.setup.reset import ORIGINALS, ResetError, reset
from tests.machinery.small_originals import ANSWER, AROUND, FILE, METHOD, PIECES, STUB, kept, read


def write(root, text):
    (root / FILE).write_text(text, encoding="utf-8", newline="")


def test_solution_of_what_is_begun_anew_has_not_been_asked_for(answered):
    notes = {"fc-1.1": 2, "solution of fc-1.1": 1, "solution of fc-2.2": 1}
    (answered / "hints.json").write_text(json.dumps(notes), encoding="utf-8")

    reset("fc-1.1", answered)

    assert read_notes(answered) == notes | {"solution of fc-1.1": 0}


def test_function_is_put_back_whole_and_what_stood_there_is_kept(answered):
    said = reset("affine_forward", answered)

    assert read(answered) == AROUND.format(STUB)
    assert kept(answered) == [f"# {FILE}, affine_forward\n\n{ANSWER}"]
    (path,) = (answered / "kept").iterdir()
    assert said.startswith(
        f"fc-1.1 is open again, in {FILE}. What stood there is in kept/{path.name}"
    )
    assert path.name.startswith("fc-1.1-20")


def test_what_is_untouched_is_left_alone(answered):
    write(answered, AROUND.format(STUB))

    assert (
        reset("fc-1.1", answered) == "fc-1.1 is as it was given out: there is nothing to put back"
    )
    assert not (answered / "kept").exists()


def test_nothing_that_was_kept_is_overwritten(answered):
    for _ in range(3):
        write(answered, AROUND.format(ANSWER))
        reset("fc-1.1", answered)

    assert len(kept(answered)) == 3


@pytest.mark.parametrize("bom", [b"", codecs.BOM_UTF8], ids=["plain", "bom"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_form_of_a_file_stays(answered, bom, newline):
    def in_form(text):
        return bom + text.replace("\n", newline).encode()

    (answered / FILE).write_bytes(in_form(AROUND.format(ANSWER)))

    reset("fc-1.1", answered)

    assert (answered / FILE).read_bytes() == in_form(AROUND.format(STUB))
    assert kept(answered) == [f"# {FILE}, affine_forward\n\n{ANSWER}"]


def test_method_is_put_back_in_its_own_class(answered):
    other = "class Other:\n    def _forward(self):\n        return 1\n\n\n"
    net = "class TwoLayerNet:\n    a = 1\n\n{}\n    # more\n    def loss(self):\n        return 2\n"
    write(answered, other + net.format("    def _forward(self):\n        return 3\n"))

    reset("fc-2.2", answered)

    assert read(answered) == other + net.format(METHOD)


@pytest.mark.parametrize(
    "broken",
    [
        "    return (x\n",
        "return x\n",
        "    if x:\nbreak\n  y = \n",
        '    s = """\n',
        "\tx\n        y\n",
    ],
    ids=["bracket", "not indented", "several", "string", "tabs"],
)
def test_function_that_is_no_python_is_put_back_too(answered, broken):
    write(answered, AROUND.format(ANSWER + broken).replace("LIMIT = 1\n\n\n", ""))

    reset("fc-1.1", answered)

    assert read(answered) == AROUND.format(STUB).replace("LIMIT = 1\n\n\n", "")
    assert broken.strip() in kept(answered)[0]


def test_what_is_still_broken_is_said(answered):
    write(answered, AROUND.format(ANSWER) + "x = (\n")

    said = reset("fc-1.1", answered)

    assert f"{FILE} line 15: SyntaxError: '(' was never closed" in said


SHARED = 'def batchnorm_forward(mode):\n    if mode == "train":\n{}{}\n\ndef other():\n    pass\n'


ONE = "        a = 1\n\n        # why\n        return a\n"


TWO = "\n    # TODO(bn-1.2)\n    b = (\n        2\n    )\n    return b\n"


@pytest.mark.parametrize("two", [TWO, "    else:\n        return 2\n"], ids=["behind", "else"])
def test_exercises_that_share_a_function_are_put_back_one_by_one(answered, two):
    write(answered, SHARED.format(ONE, two))

    reset("bn-1.1", answered)
    assert read(answered) == SHARED.format(PIECES["bn-1.1"][0]["text"], two)
    reset("bn-1.2", answered)

    gap = two[: two.startswith("\n")]
    parts = PIECES["bn-1.1"][0]["text"], gap + PIECES["bn-1.2"][0]["text"]
    assert read(answered) == SHARED.format(*parts)
    texts = "".join(kept(answered))
    assert ONE in texts
    assert two.strip("\n") in texts


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("fc-1.1", "x = 1\n", f"{FILE} defines affine_forward nowhere, expected once: give it"),
        ("fc-1.1", STUB * 2, "defines affine_forward 2 times, expected once"),
        (
            "fc-1.1",
            f"<<<<<<< a\n{STUB}=======\n{STUB}",
            r"2 times, expected once \(line 1: Git has",
        ),
        (
            "bn-1.1",
            'def batchnorm_forward(m):\n    if m == "train":\n        pass\n',
            "is there 0 times",
        ),
        (
            "fc-1.1",
            'def affine_forward():\n    """\nA text.\n    """\n',
            "where affine_forward ends",
        ),
        ("fc-2.2", "class Net:\n    pass\n", "defines TwoLayerNet._forward nowhere"),
    ],
)
def test_place_that_cannot_be_told_is_refused_and_nothing_changed(answered, name, text, said):
    write(answered, text)

    with pytest.raises(ResetError, match=said):
        reset(name, answered)

    assert read(answered) == text
    assert not (answered / "kept").exists()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("x".encode("utf-16"), "is saved as UTF-16"),
        (b"x\xe9", "a character is not in UTF-8"),
        (None, f"{FILE} is missing: take it back from"),
    ],
)
def test_file_that_cannot_be_read_is_refused(answered, data, said):
    (answered / FILE).unlink()
    if data is not None:
        (answered / FILE).write_bytes(data)

    with pytest.raises(ResetError, match=said):
        reset("fc-1.1", answered)


def test_folder_that_takes_no_file_keeps_what_it_has(answered):
    (answered / "kept").write_bytes(b"")

    with pytest.raises(ResetError, match="cannot be written to"):
        reset("fc-1.1", answered)

    assert read(answered) == AROUND.format(ANSWER)


# --- what there is to put back


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("fc-q1", "fc-q1 cannot be put back: it is a question"),
        ("fc-1.5", "fc-1.5 cannot be put back: it is given"),
        ("batchnorm_forward", "means several exercises, bn-1.1, bn-1.2: name one"),
        ("fc-9.9", "there is no exercise 'fc-9.9'"),
    ],
)
def test_name_without_a_stub_is_refused(answered, name, said):
    with pytest.raises(ValueError, match=said):
        reset(name, answered)


def test_what_a_course_hands_out_is_not_called_open(answered, monkeypatch):
    row = replace(EXERCISES["fc-1.1"], is_given=True)
    monkeypatch.setattr(module, "find_exercise", lambda _: row)

    assert reset("fc-1.1", answered).startswith(f"fc-1.1 is as the course gives it, in {FILE}. ")
    assert read(answered) == AROUND.format(STUB)


def test_source_without_a_release_says_so(answered, monkeypatch, capsys):
    (answered / ORIGINALS).unlink()
    monkeypatch.setattr(reset, "__defaults__", (answered,))

    assert main(["reset", "fc-1.1"]) == 1

    assert "only a release knows what it gave out" in capsys.readouterr().err
    assert read(answered) == AROUND.format(ANSWER)


def test_damaged_originals_are_named(answered):
    (answered / ORIGINALS).write_bytes(b"{")

    with pytest.raises(ResetError, match=f"{module.ORIGINALS} is damaged"):
        reset("fc-1.1", answered)


def test_command_puts_back_and_says_where_the_old_text_is(answered, monkeypatch, capsys):
    monkeypatch.setattr(reset, "__defaults__", (answered,))

    assert main(["reset", "FC1.1"]) == 0

    assert "What stood there is in kept/fc-1.1-" in capsys.readouterr().out

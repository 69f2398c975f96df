"""An exercise is put back to its stub, what stood there is kept, and nothing else changes."""

from __future__ import annotations

import codecs
import json
from dataclasses import replace

import pytest

from cs682.__main__ import main
from cs682.checks import EXERCISES
from cs682.checks.answers import ANSWER_PROMPT
from cs682.checks.hints import read_notes
from cs682.setup import reset as module
from cs682.setup.assignment import GIVEN
from cs682.setup.reset import ORIGINALS, ResetError, reset

FILE, BOOK = "cs682/layers.py", "notebooks/FullyConnectedNets.ipynb"
STUB = (
    '@given\ndef affine_forward(\n    x,\n):\n    """Do."""\n    # TODO(fc-1.1)\n    raise Open\n'
)
METHOD = "    def _forward(self):\n        # TODO(fc-2.2)\n        raise Open\n"
PART = {"file": FILE, "function": "batchnorm_forward", "after": '    if mode == "train":'}
PIECES = {
    "fc-1.1": [{"file": FILE, "function": "affine_forward", "text": STUB}],
    "fc-2.2": [{"file": FILE, "function": "TwoLayerNet._forward", "text": METHOD}],
    "bn-1.1": [{**PART, "text": "        # TODO(bn-1.1)\n        raise One\n"}],
    "bn-1.2": [{**PART, "text": "    # TODO(bn-1.2)\n    raise Two\n"}],
    "fc-5.1": [
        {"file": BOOK, "cell": "recipe", "text": "# TODO(fc-5.1)\nraise Open"},
        {"file": BOOK, "cell": "train", "text": "raise Open"},
    ],
}
ANSWER = STUB.replace("    # TODO(fc-1.1)\n    raise Open", '    s = "é"\n\n    return s  # mine')
AROUND = "import numpy\n\n\n{}\n\n# --- next\nLIMIT = 1\n\n\ndef other():\n    pass\n"


@pytest.fixture
def root(tmp_path):
    """Give the folder of a release with one file and one notebook."""
    for path in (FILE, BOOK, ORIGINALS):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / ORIGINALS).write_text(json.dumps(PIECES), encoding="utf-8")
    (tmp_path / FILE).write_text(AROUND.format(ANSWER), encoding="utf-8")
    said = {"texts": {FILE: AROUND.format("")}, "hashes": {}, "version": "1.0.0"}
    (tmp_path / GIVEN).write_text(json.dumps(said), encoding="utf-8")
    return tmp_path


def write(root, text):
    (root / FILE).write_text(text, encoding="utf-8", newline="")


def read(root):
    return (root / FILE).read_bytes().decode()


def kept(root):
    """Give the texts that were kept, the oldest first."""
    return [path.read_text(encoding="utf-8") for path in sorted((root / "kept").glob("*"))]


def test_solution_of_what_is_begun_anew_has_not_been_asked_for(root):
    notes = {"fc-1.1": 2, "solution of fc-1.1": 1, "solution of fc-2.2": 1}
    (root / "hints.json").write_text(json.dumps(notes), encoding="utf-8")

    reset("fc-1.1", root)

    assert read_notes(root) == notes | {"solution of fc-1.1": 0}


def test_function_is_put_back_whole_and_what_stood_there_is_kept(root):
    said = reset("affine_forward", root)

    assert read(root) == AROUND.format(STUB)
    assert kept(root) == [f"# {FILE}, affine_forward\n\n{ANSWER}"]
    (path,) = (root / "kept").iterdir()
    assert said.startswith(
        f"fc-1.1 is open again, in {FILE}. What stood there is in kept/{path.name}"
    )
    assert path.name.startswith("fc-1.1-20")


def test_what_is_untouched_is_left_alone(root):
    write(root, AROUND.format(STUB))

    assert reset("fc-1.1", root) == "fc-1.1 is as it was given out: there is nothing to put back"
    assert not (root / "kept").exists()


def test_nothing_that_was_kept_is_overwritten(root):
    for _ in range(3):
        write(root, AROUND.format(ANSWER))
        reset("fc-1.1", root)

    assert len(kept(root)) == 3


@pytest.mark.parametrize("bom", [b"", codecs.BOM_UTF8], ids=["plain", "bom"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_form_of_a_file_stays(root, bom, newline):
    def in_form(text):
        return bom + text.replace("\n", newline).encode()

    (root / FILE).write_bytes(in_form(AROUND.format(ANSWER)))

    reset("fc-1.1", root)

    assert (root / FILE).read_bytes() == in_form(AROUND.format(STUB))
    assert kept(root) == [f"# {FILE}, affine_forward\n\n{ANSWER}"]


def test_method_is_put_back_in_its_own_class(root):
    other = "class Other:\n    def _forward(self):\n        return 1\n\n\n"
    net = "class TwoLayerNet:\n    a = 1\n\n{}\n    # more\n    def loss(self):\n        return 2\n"
    write(root, other + net.format("    def _forward(self):\n        return 3\n"))

    reset("fc-2.2", root)

    assert read(root) == other + net.format(METHOD)


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
def test_function_that_is_no_python_is_put_back_too(root, broken):
    write(root, AROUND.format(ANSWER + broken).replace("LIMIT = 1\n\n\n", ""))

    reset("fc-1.1", root)

    assert read(root) == AROUND.format(STUB).replace("LIMIT = 1\n\n\n", "")
    assert broken.strip() in kept(root)[0]


def test_what_is_still_broken_is_said(root):
    write(root, AROUND.format(ANSWER) + "x = (\n")

    said = reset("fc-1.1", root)

    assert f"{FILE} line 15: SyntaxError: '(' was never closed" in said


SHARED = 'def batchnorm_forward(mode):\n    if mode == "train":\n{}{}\n\ndef other():\n    pass\n'
ONE = "        a = 1\n\n        # why\n        return a\n"
TWO = "\n    # TODO(bn-1.2)\n    b = (\n        2\n    )\n    return b\n"


@pytest.mark.parametrize("two", [TWO, "    else:\n        return 2\n"], ids=["behind", "else"])
def test_exercises_that_share_a_function_are_put_back_one_by_one(root, two):
    write(root, SHARED.format(ONE, two))

    reset("bn-1.1", root)
    assert read(root) == SHARED.format(PIECES["bn-1.1"][0]["text"], two)
    reset("bn-1.2", root)

    gap = two[: two.startswith("\n")]
    parts = PIECES["bn-1.1"][0]["text"], gap + PIECES["bn-1.2"][0]["text"]
    assert read(root) == SHARED.format(*parts)
    texts = "".join(kept(root))
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
def test_place_that_cannot_be_told_is_refused_and_nothing_changed(root, name, text, said):
    write(root, text)

    with pytest.raises(ResetError, match=said):
        reset(name, root)

    assert read(root) == text
    assert not (root / "kept").exists()


@pytest.mark.parametrize(
    ("data", "said"),
    [("x".encode("utf-16"), "is saved as UTF-16"), (b"x\xe9", "a character is not in UTF-8")],
)
def test_file_in_another_encoding_is_refused(root, data, said):
    (root / FILE).write_bytes(data)

    with pytest.raises(ResetError, match=said):
        reset("fc-1.1", root)


def test_missing_file_is_refused(root):
    (root / FILE).unlink()

    with pytest.raises(ResetError, match=f"{FILE} is missing: take it back from"):
        reset("fc-1.1", root)


def test_folder_that_takes_no_file_keeps_what_it_has(root):
    (root / "kept").write_bytes(b"")

    with pytest.raises(ResetError, match="cannot be written to"):
        reset("fc-1.1", root)

    assert read(root) == AROUND.format(ANSWER)


# --- notebooks


def book_of(*sources):
    ids = ("look", "recipe", "train")
    cells = [
        {
            "cell_type": "code",
            "id": key,
            "source": source,
            "outputs": [{"output_type": "stream", "text": "passed  fc-5.1 é"}],
            "execution_count": 3,
        }
        for key, source in zip(ids, sources, strict=False)
    ]
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def test_cells_are_put_back_and_their_outputs_forgotten(root):
    book = book_of("x = 1", ["def f():\n", "    pass"], "raise Open")
    (root / BOOK).write_text(json.dumps(book, indent=1, ensure_ascii=False) + "\n", "utf-8")

    reset("fc-5.1", root)

    text = (root / BOOK).read_text(encoding="utf-8")
    look, recipe, train = json.loads(text)["cells"]
    assert (look, train) == (book["cells"][0], book["cells"][2])
    assert recipe["source"] == ["# TODO(fc-5.1)\n", "raise Open"]
    assert (recipe["outputs"], recipe["execution_count"]) == ([], None)
    assert text == json.dumps(json.loads(text), indent=1, ensure_ascii=False) + "\n"
    (was,) = kept(root)
    assert f"# {BOOK}, recipe\n\ndef f():\n    pass\n" in was


def test_cell_is_found_where_an_editor_has_put_its_id_elsewhere(root):
    book = book_of("x = 1", "y = 2", "z = 3")
    for cell in book["cells"]:
        cell["metadata"] = {"id": cell.pop("id")}  # as Colab saves it
    (root / BOOK).write_text(json.dumps(book), encoding="utf-8")

    reset("fc-5.1", root)

    cells = json.loads((root / BOOK).read_text(encoding="utf-8"))["cells"]
    assert ["".join(cell["source"]) for cell in cells] == [
        "x = 1",
        *(piece["text"] for piece in PIECES["fc-5.1"]),
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            json.dumps(book_of("x")),
            r"has no cell 'recipe' any more: make a new one for .* write into it\n\n# TODO",
        ),
        ("[]", "is no notebook"),
    ],
)
def test_notebook_without_the_cell_is_refused(root, content, said):
    (root / BOOK).write_text(content, encoding="utf-8")

    with pytest.raises(ResetError, match=said):
        reset("fc-5.1", root)


def notebook_of(*cells):
    """Give a notebook's text, from the names of its cells; a space tells a student's source."""
    kinds = {"q1": "markdown", "a1": "markdown"}
    sources = {"q1": "**Question fc-q1** What?", "a1": ANSWER_PROMPT}
    rows = [
        {
            "cell_type": kinds.get(key, "code"),
            "id": key,
            "metadata": {"tags": ["answer"]} if key == "a1" else {},
            "source": source or sources.get(key, f"# given {key}"),
        }
        for key, _, source in (cell.partition(" ") for cell in cells)
    ]
    return json.dumps({"cells": rows, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def cells_of(root):
    cells = json.loads((root / BOOK).read_text(encoding="utf-8"))["cells"]
    return [(cell["id"], cell["source"]) for cell in cells]


@pytest.fixture
def given(root):
    """Give the folder of a release that remembers its notebook."""
    text = notebook_of("look", "recipe", "train", "q1", "a1", "end")
    said = {"texts": {BOOK: text}, "hashes": {}, "version": "1.0.0"}
    (root / GIVEN).write_text(json.dumps(said), encoding="utf-8")
    return root


@pytest.mark.parametrize(
    ("name", "left", "now"),
    [
        (
            "fc-5.1",
            ["look", "recipe mine", "0abc1234 mine", "q1", "a1", "end"],
            ["look", "recipe mine", "0abc1234 mine", "train", "q1", "a1", "end"],
        ),
        ("fc-5.1", ["look", "q1", "a1"], ["look", "recipe", "train", "q1", "a1"]),
        ("fc-q1", ["q1", "end mine"], ["q1", "a1", "end mine"]),
        ("fc-q1", ["train", "end"], ["train", "q1", "a1", "end"]),
        ("fc-q1", ["look", "q1"], ["look", "q1", "a1"]),
    ],
)
def test_cells_that_are_gone_come_back_where_they_stood(given, name, left, now):
    (given / BOOK).write_text(notebook_of(*left), encoding="utf-8")

    said = reset(name, given)

    assert said.startswith(f"{name} has the cell")
    assert "read anew" in said
    text = notebook_of(*now)
    assert cells_of(given) == [(c["id"], c["source"]) for c in json.loads(text)["cells"]]
    assert not (given / "kept").exists()


CHECK = 'check check("fc-1.1")'


@pytest.fixture
def checked(root):
    """Give the folder of a release whose notebook checks code in a file."""
    text = notebook_of("look", CHECK, "end")
    said = {"texts": {BOOK: text}, "hashes": {}, "version": "1.0.0"}
    (root / GIVEN).write_text(json.dumps(said), encoding="utf-8")
    return root


def test_check_of_code_comes_back_before_the_code_is_put_back(checked):
    (checked / BOOK).write_text(notebook_of("look", "end"), encoding="utf-8")

    said = reset("fc-1.1", checked)

    assert said.startswith(
        f"fc-1.1 has the cell that was gone, in {BOOK}; your code in {FILE} stays"
    )
    assert [key for key, _ in cells_of(checked)] == ["look", "check", "end"]
    assert read(checked) == AROUND.format(ANSWER)
    assert reset("fc-1.1", checked).startswith("fc-1.1 is open again")


@pytest.mark.parametrize(
    "text",
    [notebook_of("look", '0abc1234 check("fc-1.1")', "end"), "no notebook", None],
    ids=["in a cell of one's own", "damaged", "missing"],
)
def test_code_is_put_back_whatever_its_notebook_is(checked, text):
    if text is not None:
        (checked / BOOK).write_text(text, encoding="utf-8")

    assert reset("fc-1.1", checked).startswith("fc-1.1 is open again")


@pytest.mark.parametrize("left", [["q1", "a1 mine"], ["q1", "0abc1234 mine", "end"]])
def test_question_with_a_cell_for_its_answer_is_left_alone(given, left):
    (given / BOOK).write_text(notebook_of(*left), encoding="utf-8")

    with pytest.raises(ValueError, match="it is a question: empty its cell"):
        reset("fc-q1", given)

    assert (given / BOOK).read_text(encoding="utf-8") == notebook_of(*left)


def test_cells_without_their_names_are_not_taken_for_gone(given):
    (given / BOOK).write_text(notebook_of("0abc1234 mine", "1abc1234 mine"), encoding="utf-8")

    with pytest.raises(ResetError, match="has no cell 'recipe' any more"):
        reset("fc-5.1", given)


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
def test_name_without_a_stub_is_refused(root, name, said):
    with pytest.raises(ValueError, match=said):
        reset(name, root)


def test_what_a_course_hands_out_is_not_called_open(root, monkeypatch):
    row = replace(EXERCISES["fc-1.1"], is_given=True)
    monkeypatch.setattr(module, "find_exercise", lambda _: row)

    assert reset("fc-1.1", root).startswith(f"fc-1.1 is as the course gives it, in {FILE}. ")
    assert read(root) == AROUND.format(STUB)


def test_source_without_a_release_says_so(root, monkeypatch, capsys):
    (root / ORIGINALS).unlink()
    monkeypatch.setattr(reset, "__defaults__", (root,))

    assert main(["reset", "fc-1.1"]) == 1

    assert "only a release knows what it gave out" in capsys.readouterr().err
    assert read(root) == AROUND.format(ANSWER)


def test_damaged_originals_are_named(root):
    (root / ORIGINALS).write_bytes(b"{")

    with pytest.raises(ResetError, match=f"{module.ORIGINALS} is damaged"):
        reset("fc-1.1", root)


def test_command_puts_back_and_says_where_the_old_text_is(root, monkeypatch, capsys):
    monkeypatch.setattr(reset, "__defaults__", (root,))

    assert main(["reset", "FC1.1"]) == 0

    assert "What stood there is in kept/fc-1.1-" in capsys.readouterr().out

"""Cells of a notebook are put back, and those that are gone come back where they stood."""

from __future__ import annotations

import json

import pytest

from cs682.checks.answers import ANSWER_PROMPT
from cs682.setup.assignment import GIVEN
from cs682.setup.reset import ResetError, reset
from tests.machinery.small_originals import ANSWER, AROUND, BOOK, FILE, PIECES, kept, read


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


def test_cells_are_put_back_and_their_outputs_forgotten(answered):
    book = book_of("x = 1", ["def f():\n", "    pass"], "raise Open")
    (answered / BOOK).write_text(json.dumps(book, indent=1, ensure_ascii=False) + "\n", "utf-8")

    reset("fc-5.1", answered)

    text = (answered / BOOK).read_text(encoding="utf-8")
    look, recipe, train = json.loads(text)["cells"]
    assert (look, train) == (book["cells"][0], book["cells"][2])
    assert recipe["source"] == ["# TODO(fc-5.1)\n", "raise Open"]
    assert (recipe["outputs"], recipe["execution_count"]) == ([], None)
    assert text == json.dumps(json.loads(text), indent=1, ensure_ascii=False) + "\n"
    (was,) = kept(answered)
    assert f"# {BOOK}, recipe\n\ndef f():\n    pass\n" in was


def test_cell_is_found_where_an_editor_has_put_its_id_elsewhere(answered):
    book = book_of("x = 1", "y = 2", "z = 3")
    for cell in book["cells"]:
        cell["metadata"] = {"id": cell.pop("id")}  # as Colab saves it
    (answered / BOOK).write_text(json.dumps(book), encoding="utf-8")

    reset("fc-5.1", answered)

    cells = json.loads((answered / BOOK).read_text(encoding="utf-8"))["cells"]
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
def test_notebook_without_the_cell_is_refused(answered, content, said):
    (answered / BOOK).write_text(content, encoding="utf-8")

    with pytest.raises(ResetError, match=said):
        reset("fc-5.1", answered)


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
def given(answered):
    """Give the folder of a release that remembers its notebook."""
    text = notebook_of("look", "recipe", "train", "q1", "a1", "end")
    said = {"texts": {BOOK: text}, "hashes": {}, "version": "1.0.0"}
    (answered / GIVEN).write_text(json.dumps(said), encoding="utf-8")
    return answered


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
def checked(answered):
    """Give the folder of a release whose notebook checks code in a file."""
    text = notebook_of("look", CHECK, "end")
    said = {"texts": {BOOK: text}, "hashes": {}, "version": "1.0.0"}
    (answered / GIVEN).write_text(json.dumps(said), encoding="utf-8")
    return answered


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

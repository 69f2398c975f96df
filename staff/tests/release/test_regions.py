"""Regions: found, refused, stripped and restored, in modules and in cells."""

from __future__ import annotations

import nbformat
import pytest

from cs682.checks import ANSWER_PROMPT
from staff.release.books import dump, find_book_regions, read_book, restore_book, strip_book
from staff.release.regions import ReleaseError, find_regions, restore, strip

OPTIM, NOTEBOOK = "cs682/optim.py", "notebooks/FullyConnectedNets.ipynb"
SOURCE = '''"""Rules."""


def sgd_momentum(w, dw, config):
    """Step."""
    # TODO(fc-4.1): the new velocity,
    # then the step.
    # BEGIN SOLUTION
    v = 0.9 * config - dw
    return w + v
    # END SOLUTION


def adam(w, dw, config):
    if config:
        # TODO(fc-4.3): the step.
        # BEGIN SOLUTION
        return w - dw
        # END SOLUTION
    return w
'''
STUBS = '''"""Rules."""


def sgd_momentum(w, dw, config):
    """Step."""
    # TODO(fc-4.1): the new velocity,
    # then the step.
    raise NotImplementedError("sgd_momentum: see FullyConnectedNets.ipynb, section 4.1")


def adam(w, dw, config):
    if config:
        # TODO(fc-4.3): the step.
        raise NotImplementedError("adam: see FullyConnectedNets.ipynb, section 4.3")
    return w
'''


def test_strip_leaves_todo_and_one_raise():
    assert strip(SOURCE, find_regions(SOURCE, OPTIM)) == STUBS


def test_strip_hands_a_given_exercise_out_without_todo_and_markers():
    text = strip(SOURCE, find_regions(SOURCE, OPTIM), given=["fc-4.1"])

    assert "    v = 0.9 * config - dw\n    return w + v\n\n\ndef adam" in text
    assert "fc-4.1" not in text
    assert text.count("raise NotImplementedError") == 1


def test_strip_wraps_a_long_stub_as_the_formatter_would():
    text = (
        "class FullyConnectedNet:\n    def _initial_norm_params(self):\n"
        "        # TODO(bn-2.1): it.\n        # BEGIN SOLUTION\n"
        "        return {}\n        # END SOLUTION\n"
    )
    regions = find_regions(text, "cs682/classifiers/fc_net.py")

    stub = strip(text, regions)

    assert stub.splitlines()[3:] == [
        "        raise NotImplementedError(",
        '            "FullyConnectedNet._initial_norm_params: see BatchNormalization.ipynb, '
        'section 2.1"',
        "        )",
    ]
    assert restore(stub, regions) == text


def test_restore_gives_the_source_back_whole_or_in_part():
    regions = find_regions(SOURCE, OPTIM)

    half = restore(STUBS, regions, only=["fc-4.3"])

    assert restore(STUBS, regions) == SOURCE
    assert "v = 0.9" not in half
    assert "        # BEGIN SOLUTION\n        return w - dw\n" in half


def test_restore_refuses_a_text_whose_stub_is_gone():
    with pytest.raises(ValueError, match=r"the stub of fc-4\.3 is gone: raise NotImpl"):
        restore(STUBS.replace("section 4.3", "section 9"), find_regions(SOURCE, OPTIM))


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("    # BEGIN SOLUTION\n    v", "    v", "10: orphaned"),
        ("    # END SOLUTION\n\n\ndef adam", "\n\ndef adam", "16: nested: the region of line 8"),
        ("        # END SOLUTION\n    return w\n", "    return w\n", "17: this region is never"),
        ("    v = 0.9", "    # BEGIN SOLUTION\n    v = 0.9", "9: nested: the region of line 8"),
        ("    # BEGIN SOLUTION\n    v", "    # BEGIN SOLUTIONS\n    v", "8: a marker is"),
        ("    # BEGIN SOLUTION\n    v", "    #begin solution\n    v", "8: a marker is"),
        ("    return w + v\n    # END", "    return w + v  # END", "10: a marker is"),
        ("(fc-4.3)", "(fc-9.9)", "17: there is no exercise 'fc-9.9'"),
        ("(fc-4.3)", "(fc-q1)", "17: fc-q1 is a question"),
        ("(fc-4.3)", "(fc-1.6)", "17: fc-1.6 is given in every edition"),
        ("(fc-4.3)", "(fc-4.2)", "17: fc-4.2 is rmsprop, but this region is in adam"),
        ("def adam", "def adams", "17: fc-4.3 is adam, but this region is in adams"),
        ("# TODO(fc-4.3): the step.", "x = 1", "17: this region has no exercise"),
        ("# TODO(fc-4.3): the step.", "# the step.", "17: this region has no exercise"),
        ("    v = 0.9 * config - dw\n    return w + v\n", "\n", "8: this region is empty"),
        ("    return w\n", "    return (w\n", "20: does not parse"),
        ("    v = 0.9", "    v == = 0.9", "9: does not parse"),
    ],
)
def test_find_regions_refuses_and_names_file_and_line(old, new, fault):
    assert SOURCE.count(old) == 1

    with pytest.raises(ReleaseError) as caught:
        find_regions(SOURCE.replace(old, new), OPTIM)

    assert f"{OPTIM}:{fault}" in str(caught.value)


def test_find_regions_refuses_an_exercise_of_another_file():
    with pytest.raises(ReleaseError, match=r"cs682/layers.py:8: fc-4.1 belongs into cs682/optim"):
        find_regions(SOURCE, "cs682/layers.py")


def test_find_regions_names_every_fault():
    text = SOURCE.replace("(fc-4.3)", "(fc-9.9)").replace("    # BEGIN SOLUTION\n    v", "    v")

    with pytest.raises(ReleaseError) as caught:
        find_regions(text, OPTIM)

    assert len(caught.value.faults) == 2


def test_find_regions_lets_a_string_speak_of_markers():
    assert find_regions('x = """\n# BEGIN SOLUTION\n"""\n', OPTIM) == []


# --- notebooks

CELL = """# TODO(fc-2.4): leave it in `solver`.
# BEGIN SOLUTION
solver = 1 + 1
# END SOLUTION

check(solver)"""


def make_book():
    new = nbformat.v4
    cells = [
        new.new_markdown_cell("**Question fc-q1** · Why? · 2 points", id="q1"),
        new.new_markdown_cell("Because.", id="a1", metadata={"tags": ["answer"], "trusted": True}),
        new.new_code_cell(CELL, id="train", execution_count=3),
    ]
    cells[2]["outputs"] = [new.new_output("stream", text="solver = 1 + 1\n")]
    return read_book(dump(new.new_notebook(cells=cells)), NOTEBOOK)


def test_strip_book_clears_outputs_answers_and_metadata_but_ids_and_tags():
    book = make_book()

    strip_book(book, find_book_regions(book, NOTEBOOK))

    question, answer, train = book["cells"]
    assert question["source"].startswith("**Question")
    assert (answer["source"], answer["metadata"]) == (ANSWER_PROMPT, {"tags": ["answer"]})
    assert (train["outputs"], train["execution_count"], train["id"]) == ([], None, "train")
    stub = 'raise NotImplementedError("solver: see FullyConnectedNets.ipynb, section 2.4")'
    assert train["source"].splitlines()[1:3] == [stub, ""]


def test_restore_book_puts_solutions_and_answers_back():
    book, reference = make_book(), make_book()
    regions = find_book_regions(book, NOTEBOOK)
    strip_book(book, regions)

    restore_book(book, reference, regions)

    sources = [[cell["source"] for cell in b["cells"]] for b in (book, reference)]
    assert sources[0] == sources[1]


def drop_end(book):
    book["cells"][2]["source"] = CELL.replace("# END SOLUTION\n", "")


def forget_tag(book):
    book["cells"][1]["metadata"]["tags"] = []


def drop_answer(book):
    del book["cells"][1:]


def mark_prose(book):
    book["cells"][0]["source"] += "\n# BEGIN SOLUTION"


def break_cell(book):
    book["cells"][2]["source"] += "\n)"


def use_another_notebook(book):
    book["cells"][2]["source"] = CELL.replace("fc-2.4", "bn-1.1")


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (drop_end, "cell train:2: this region is never closed"),
        (forget_tag, "cell q1:1: no answer tagged 'answer' follows"),
        (drop_answer, "cell q1:1: no answer tagged 'answer' follows"),
        (mark_prose, "cell q1:2: a marker in a markdown cell"),
        (break_cell, "cell train:7: does not parse"),
        (use_another_notebook, "cell train:2: bn-1.1 belongs into cs682/layers.py"),
    ],
)
def test_find_book_regions_refuses_and_names_cell_and_line(damage, fault):
    book = make_book()
    damage(book)

    with pytest.raises(ReleaseError) as caught:
        find_book_regions(book, NOTEBOOK)

    assert f"{NOTEBOOK}, {fault}" in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (b'"cells": [', b'"cells": [,', ":2: does not parse"),
        (b'"id": "q1"', b'"id": "a1"', ":1: cell id 'a1' occurs 2 times"),
        (b'   "id": "q1",\n', b"", ":1: 1 cells have no id"),
        (b'"cell_type": "code"', b'"cell_type": "poem"', ":1: is no valid notebook"),
    ],
)
def test_read_book_refuses_what_is_no_notebook(old, new, fault):
    data = dump(make_book())
    assert data.count(old) == 1

    with pytest.raises(ReleaseError) as caught:
        read_book(data.replace(old, new), NOTEBOOK)

    assert NOTEBOOK + fault in str(caught.value)

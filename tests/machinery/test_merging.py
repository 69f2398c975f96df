"""Three texts become one: what is merged, and what collides and is told."""

from __future__ import annotations

import json

import pytest

from cs682.setup.collision import side_by_side
from cs682.setup.given_text import compare
from cs682.setup.merging import merge_book, merge_code, merge_text
from tests.machinery.small_releases import BOOK, CODE, LAYERS, MINE, book_of, sources

# --- lines


@pytest.mark.parametrize(
    ("base", "mine", "new", "merged"),
    [
        ("a b c", "a B c", "a b C", "a B C"),  # side by side
        ("a b c", "a c", "A b c", "A c"),
        ("a b c", "a X c", "a X c", "a X c"),  # the same
        ("a b c", "a b c d", "0 a b c", "0 a b c d"),
        ("a b c d", "a c d", "a b c", "a c"),
    ],
)
def test_lines_that_only_one_has_changed_become_one_text(base, mine, new, merged):
    texts = (text.replace(" ", "\n") for text in (base, mine, new))

    assert merge_text(*texts) == (merged.replace(" ", "\n"), [])


@pytest.mark.parametrize(
    ("base", "mine", "new"),
    [
        ("a b c", "a X c", "a Y c"),
        ("a b c", "a c", "a Y c"),
        ("a b", "a X b", "a Y b"),  # both add at one place
        ("a b c", "a X Y c", "a b Z c"),  # added where the other's end
    ],
)
def test_lines_that_both_have_changed_stay_the_students(base, mine, new):
    base, mine, new = (text.replace(" ", "\n") for text in (base, mine, new))

    text, collisions = merge_text(base, mine, new)

    assert text == mine
    assert len(collisions) == 1


def test_stub_that_is_worded_anew_leaves_an_answer_alone_and_a_task_is_shown():
    mine = MINE.replace("    # TODO(fc-1.1): f\n", "")
    message = CODE.replace("see A", "see B")
    task = message.replace("fc-1.1): f", "fc-1.1): write f")

    assert merge_code(LAYERS, CODE, mine, message).text == mine
    assert merge_code(LAYERS, CODE, mine, message).collisions == []
    assert merge_code(LAYERS, CODE, mine, task).text == mine
    (collision,) = merge_code(LAYERS, CODE, mine, task).collisions
    assert "# TODO(fc-1.1): write f" in collision.new


def test_stub_that_is_handed_out_solved_collides_with_an_answer():
    new = MINE.replace("2 * x", "x + x")

    merged = merge_code(LAYERS, CODE, MINE, new)

    assert merged.text == MINE
    (collision,) = merged.collisions
    assert ("out = 2 * x" in collision.mine, "out = x + x" in collision.new) == (True, True)


def test_collision_holds_back_its_own_lines_alone():
    base = "a = 1\n\nb = 2\n\nc = 3\n"
    mine, new = base.replace("1", "11"), base.replace("1", "12").replace("3", "30")

    merged = merge_code(LAYERS, base, mine, new)

    assert merged.text == "a = 11\n\nb = 2\n\nc = 30\n"
    assert [(c.mine, c.new) for c in merged.collisions] == [("a = 11", "a = 12")]


def test_text_that_would_be_no_python_is_not_written():
    base, mine, new = "a = 1\n\nb = 2\n", "a = (1\n\n)\nb = 2\n", "a = 1\n\nb = 2\n)\n"

    merged = merge_code(LAYERS, base, mine, new)

    assert merged.text == mine
    assert "no Python" in merged.collisions[0].reason


def test_columns_show_what_differs_and_no_more_than_a_screen():
    text = side_by_side("a\nb\nc", "a\n" + "x" * 60 + "yz\nc")

    head, first, second = text.splitlines()
    assert (head.split(), first.split()[:2]) == (["yours", "|", "the", "new", "one"], ["b", "|"])
    assert first.count("x") + second.count("x") == 60
    assert second.split()[-1].endswith("xyz")
    assert side_by_side("", "n\n" * 99).endswith("(and more)")


# --- cells


def test_new_cell_stands_below_what_was_added_to_the_one_above():
    base, mine = book_of(a="1", b="2"), book_of(a="1", mine1="my own", b="2", mine2="more")
    new = book_of(a="1", n="N", m="M", b="2", end="E")

    merged = merge_book(BOOK, base, mine, new)

    assert list(sources(merged.text)) == ["a", "mine1", "n", "m", "b", "mine2", "end"]


def test_cell_that_is_gone_from_the_release_goes_unless_it_was_written_in():
    base, mine = book_of(a="1", b="2", c="3"), book_of(a="1", b="mine", c="3")

    merged = merge_book(BOOK, base, mine, book_of(a="1"))

    assert sources(merged.text) == {"a": "1", "b": "mine"}
    assert [collision.place for collision in merged.collisions] == [
        f"{BOOK}, the cell that begins with 2"
    ]


def test_cell_both_have_changed_stays_and_the_others_become_new():
    merged = merge_book(
        BOOK, book_of(a="1", b="2"), book_of(a="mine", b="2"), book_of(a="new", b="new")
    )

    assert sources(merged.text) == {"a": "mine", "b": "new"}
    (collision,) = merged.collisions
    assert (collision.mine, collision.new) == ("mine", "new")
    outputs = [cell["outputs"] for cell in json.loads(merged.text)["cells"]]
    assert outputs == [[{"text": "seen"}], []]


def test_lines_of_a_cell_that_was_split_are_shown_from_the_one_beside():
    base, mine = book_of(a="x = 1\ny = 2\nz = 3"), book_of(a="x = 1", mine="y = 2\nz = 3\nown")

    merged = merge_book(BOOK, base, mine, book_of(a="x = 1\ny = 2\nz = 4"))

    (collision,) = merged.collisions
    assert merged.text == mine
    assert (collision.mine, collision.new) == ("y = 2\nz = 3", "y = 2\nz = 4")


# --- given lines and cells that the student has changed


def test_given_line_is_missed_though_another_reads_like_it():
    given = CODE + "\n\ndef g(x):\n    return out\n"

    assert not compare(LAYERS, given, MINE + given[len(CODE) :], "1").collisions
    (found,) = compare(LAYERS, given, given.replace("return out", "return 1", 1), "1").collisions
    assert found.mine.endswith("\n    return 1")
    assert found.new.endswith("\n    return out")


def test_given_cell_that_is_gone_is_named():
    given, mine = book_of(look="x = 1", more="x = 2"), book_of(look="x = 1")

    assert ["x = 2" in c.place for c in compare(BOOK, given, mine, "1").collisions] == [True]

"""Tests of the results table: alignment, marks, escaping, order."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from cs682.figures.tables import results_table

ROWS = [
    {"rate": 1e-3, "hidden": (100, 50), "val_acc": np.float32(0.5), "note": None},
    {"rate": 3e-4, "hidden": (512,), "val_acc": 0.5432},
    {"rate": 1e-2, "hidden": (), "val_acc": float("nan"), "note": "diverged"},
]


def cells_of(table):
    tree = ET.fromstring(table._repr_html_())
    return [["".join(c.itertext()) for c in row] for row in tree.iter("tr")]


def test_results_table_text_is_aligned_and_marks_the_best_row():
    table = results_table(ROWS, best="val_acc", caption="Tried")

    assert str(table).splitlines() == [
        "Tried",
        "    rate  hidden     val_acc  note",
        "  ------  ---------  -------  --------",
        "  0.0010  (100, 50)   0.5000  -",
        "* 0.0003  (512,)      0.5432  -",
        "  0.0100  ()             nan  diverged",
        "* highest val_acc",
    ]
    assert repr(table) == str(table)


def test_results_table_html_says_the_same_and_makes_the_best_row_bold():
    table = results_table(ROWS, best="val_acc", caption="Tried")

    tree = ET.fromstring(table._repr_html_())
    bold = ["".join(c.itertext()) for c in tree.iter("strong")]
    assert cells_of(table)[2] == bold == ["0.0003", "(512,)", "0.5432", "-"]
    assert tree.findtext("caption") == "Tried. Bold: highest val_acc"


def test_results_table_html_escapes_every_text():
    evil = "<script>alert('&')</script>"

    html = results_table([{evil: evil}], caption=evil)._repr_html_()

    assert "<script" not in html
    assert cells_of(results_table([{evil: evil}])) == [[evil], [evil]]


def test_results_table_html_leaves_colours_to_the_theme():
    html = results_table(ROWS, best="val_acc", caption="Tried")._repr_html_()

    assert "color" not in html
    assert "background" not in html


def test_results_table_sorts_best_first_and_not_finite_last():
    table = results_table(ROWS, columns=["val_acc"], sort_by="val_acc", best="val_acc")

    assert [row[0] for row in table.cells] == ["0.5432", "0.5000", "nan"]
    assert table.best_row == 0


def test_results_table_never_takes_infinity_for_the_best():
    rows = [{"acc": float("nan")}, {"acc": float("inf")}, {"acc": 0.25}, {"acc": 0.5}]

    table = results_table(rows, sort_by="acc", best="acc")

    assert [row[0] for row in table.cells] == ["0.50", "0.25", "nan", "inf"]
    assert table.best_row == 0


def test_results_table_lowest_takes_the_smallest_for_the_best():
    rows = [{"loss": 2.0}, {"loss": float("inf")}, {"loss": 1.5}, {"loss": 3.0}]

    table = results_table(rows, sort_by="loss", best="loss", lowest=True)

    assert [row[0] for row in table.cells] == ["1.5", "2.0", "3.0", "inf"]
    assert table.best_row == 0
    assert "* lowest loss" in str(table)


def test_results_table_marks_no_row_when_none_is_finite():
    table = results_table([{"acc": float("nan")}, {"acc": "-"}], best="acc")

    assert table.best_row is None
    assert "*" not in str(table)
    assert "<strong>" not in table._repr_html_()


def test_results_table_keeps_order_and_input_without_sort_by():
    rows = [{"b": 2, "a": 1}, {"b": 1, "c": True}]

    table = results_table(rows)

    assert table.columns == ("b", "a", "c")
    assert table.cells == (("2", "1", "-"), ("1", "-", "True"))
    assert rows == [{"b": 2, "a": 1}, {"b": 1, "c": True}]


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([0.5432, 0.5], ["0.5432", "0.5000"]),
        ([1e-6, 0.25, 1e4], ["1e-06", "0.25", "1e+04"]),
        ([10**-3.5, 1e-3], ["0.0003162", "0.001"]),  # too many decimals to share
        ([12.3456, 120.0], ["12.35", "120.00"]),
        ([np.float32(0.1), np.int64(3)], ["0.1", "3"]),
        ([1, None], ["1", "-"]),
    ],
)
def test_results_table_writes_numbers_short(values, texts):
    table = results_table([{"x": value} for value in values])

    assert [row[0] for row in table.cells] == texts


def test_results_table_refuses_nothing_and_unknown_columns():
    with pytest.raises(ValueError, match="rows is empty: a table needs at least one row"):
        results_table([])
    for wrong in ({"columns": ["acc"]}, {"sort_by": "acc"}, {"best": "acc"}):
        with pytest.raises(
            ValueError, match="there is no column 'acc'; the rows have rate, hidden"
        ):
            results_table(ROWS, **wrong)


def test_markdown_keeps_a_table_whole_whatever_a_cell_holds():
    table = results_table([{"name": "a|b <i>", "points": 3}], caption="One & all")

    assert table.to_markdown().splitlines() == [
        "**One &amp; all**",
        "",
        "| name | points |",
        "| --- | --: |",
        r"| a\|b &lt;i&gt; | 3 |",
    ]

"""`python -m cs682 submit`: the pages and the PDF that it makes."""

from __future__ import annotations

import os
import sys

import nbformat
import pytest

from cs682.checks.exercises import EXERCISES
from cs682.hand_in import pack as submit
from cs682.hand_in import pdf as _browser
from cs682.hand_in.pack import collect
from cs682.hand_in.pdf import PrintError
from tests.machinery.assignments import edit

ALL_PASSED = "import json\nprint(json.dumps({}))"


def test_pages_need_nothing_of_the_network(root):
    def add(book):
        book.cells.append(
            nbformat.v4.new_markdown_cell(r"Euler: $e^{i\pi} = -1$ and $$\frac{1}{2}$$")
        )

    edit(root, "Dropout.ipynb", add)

    page = collect(root).files["html/Dropout.html"].decode()

    assert "<script" not in page
    assert 'src="http' not in page
    assert page.count("<math") == 2


def test_answers_page_shows_question_and_answer_in_order(root):
    def add(book):
        book.cells += [
            nbformat.v4.new_markdown_cell("**Question do-q1** · What if? · 2 points\n\nWhy?"),
            nbformat.v4.new_markdown_cell(r"Because $x < y$ & so on, $\badly{$, $\left( <b>$"),
        ]

    edit(root, "Dropout.ipynb", add)

    page = collect(root).files["html/answers.html"].decode()

    assert page.count("<h2>") == sum(row.is_question for row in EXERCISES.values())
    assert page.count("Not answered.") == page.count("<h2>") - 1
    assert page.index("<h2>fc-q1") < page.index("<h2>do-q1") < page.index("<p>Why?")
    assert page.index("<p>Why?") < page.index("Because <math")
    assert "( &lt;b&gt;" in page  # of a formula that cannot be typeset


def test_a_hand_in_goes_without_pdf_where_there_is_no_browser(root, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(submit, "_STATES", ALL_PASSED)
    monkeypatch.setattr(_browser, "find_browser", lambda: None)

    packed = collect(root)

    assert "answers.pdf" not in packed.files
    assert packed.remarks == [
        "no answers.pdf: there is no Chromium, Chrome or Edge here to print with; "
        "html/answers.html has the same"
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="a script for a shell")
def test_print_page_says_what_the_browser_said(tmp_path, monkeypatch):
    browser = tmp_path / "chromium"
    browser.write_text("#!/bin/sh\necho 'cannot open display' >&2\nexit 3\n")
    browser.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    with pytest.raises(PrintError, match=r"did not print \(status 3\): cannot open display"):
        _browser.print_page("<p>x</p>")


@pytest.mark.slow
@pytest.mark.skipif(_browser.find_browser() is None, reason="no Chromium, Chrome or Edge here")
def test_print_page_prints():
    content = _browser.print_page("<!DOCTYPE html><meta charset='utf-8'><h1>Answers</h1>")

    assert content.startswith(b"%PDF")
    assert content.rstrip().endswith(b"%%EOF")

"""The page of answers shows them as text, and as Markdown that does nothing."""

from __future__ import annotations

import html

import pytest

from staff.grading.intake.submission import Student
from staff.grading.results import answers_page as answers_page_module
from staff.grading.results.answer_tables import table
from staff.grading.results.answers_page import answers_page
from staff.grading.results.typeset import typeset
from staff.tests.grading.records import record_of
from staff.tests.grading.test_reports import Tags
from staff.tests.grading.typed import POINTS, QUESTION


@pytest.mark.parametrize("mark", ["*a ", "~~a", "_a_", "$x$ ", "[a](", "`a ", ">", " "])
def test_answer_of_marks_alone_is_shown_as_it_was_typed(mark, monkeypatch):
    monkeypatch.setattr("cs682.hand_in.pages.render_markdown", None)

    assert typeset(mark * 4000) == (
        f'<div style="white-space: pre-wrap">{html.escape(mark * 4000)}</div>'
    )


def test_page_shows_answers_as_text_and_the_same_ones_once():
    evil = {QUESTION: "<img src=x onerror=alert(1)>"}
    page = answers_page([record_of("ada", answers=evil), record_of("<b>bob", answers=evil)])

    assert "<img src=x" not in page
    assert "<b>bob" not in page
    assert page.count("&lt;img src=x onerror=alert(1)&gt;") == 1
    assert "ada, &lt;b&gt;bob" in page


def test_page_has_the_question_and_the_course_s_answer_folded_where_they_are(monkeypatch, tmp_path):
    page = answers_page([record_of("ada")], questions=[QUESTION])

    folded = page.partition("<summary>The question</summary>")[2].partition("<h3>ada</h3>")[0]
    question, answer = folded.split("<summary>The course&#39;s answer</summary>")
    assert "Which of them can do this?" in question
    assert "Answer in the cell below" not in question
    assert "Sigmoid: yes, at both ends." in answer
    assert page.count("<details>") == 2
    monkeypatch.setattr(answers_page_module, "ROOT", tmp_path)
    assert "<details>" not in answers_page([record_of("ada")])


def test_page_ends_with_the_help_that_was_used():
    facts = {"help Dropout": "a **friend** <img src=x>", "hints": "fc-1.1 2"}

    page = answers_page([record_of("ada", facts=facts), record_of("bob")])

    told = page.partition('<h2 id="help">')[2]
    assert "a <strong>friend</strong> &lt;img src=x&gt;" in told
    assert "fc-1.1 2" in told
    assert ("<h3>ada</h3>" in told, "bob" in told) == (True, False)
    assert "Help used" not in answers_page([record_of("bob")])


def test_page_typesets_markdown_and_formulas():
    text = "**Sigmoid**, since $a_1 < 2$:\n\n- it `saturates`\n"

    page = answers_page([record_of("ada", answers={QUESTION: text})])

    assert "<strong>Sigmoid</strong>" in page
    assert "<math" in page
    assert "<li>it <code>saturates</code></li>" in page


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "[x](javascript:alert(1))",
        "![x](https://example.org/a.png)",
        "[x](https://example.org)",
        "</div></body><iframe src=x>",
        r"$\href{javascript:alert(1)}{x}$",
        r"$\text{</math><script>alert(1)</script>}$",
        "<a href='javascript:alert(1)' onclick=alert(1)>x</a>",
        "<math><mtext></p><style><img src=x onerror=alert(1)></style>",
        "```\n</code></pre><script>alert(1)</script>\n```",
        "|a|\n|-|\n|<svg/onload=alert(1)>|",
    ],
)
def test_typeset_answer_holds_no_tag_that_does_anything(text):
    harmless = (
        "p br em strong code pre li ul h1 table thead tbody tr th td math mrow mi mo mn mtext"
    )

    found = Tags(typeset(text)).found

    assert found <= {*harmless.split(), "display", "style", "div"}


def test_text_between_signs_is_not_lost():
    assert "if x &lt;y and z&gt; 1" in typeset("if x <y and z> 1")


def test_names_stand_there_only_if_wanted():
    record = record_of("ada", students=(Student("ada", "Ada Lovelace"),))

    assert "Lovelace" not in answers_page([record])
    assert "ada (Ada Lovelace)" in answers_page([record], names=True)
    assert "Lovelace" in table([record], {}, POINTS, names=True)

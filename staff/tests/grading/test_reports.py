"""Reports say what the checks say, to the student alone what is hers, and nothing runs in them."""

from __future__ import annotations

import csv
import io
import json
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from cs682.checks import EXERCISES
from cs682.checks.answers import HELP_USED
from staff.grading.intake.locate import Package
from staff.grading.intake.package import CODE as FILES
from staff.grading.intake.safe_text import cell, shown, slug, uncell
from staff.grading.intake.submission import Student
from staff.grading.intake.text import clean
from staff.grading.results import summary
from staff.grading.results.facts import facts_of
from staff.grading.results.grade_book import grade_book
from staff.grading.results.report import html, markdown, results, write_report
from staff.grading.results.store import NotGraded, read_record, write_record
from staff.grading.results.summary import commonest_mistakes, statistics_of, summary_page
from staff.tests.grading.records import CODE, FULL, READ, outcome_of, record_of

MESSAGE = "dx[0, 1] = 5, expected 2.\n  in affine_backward: dx = dout @ w"
EVIL = "</pre><script>alert(1)</script> ```\n# heading [x](javascript:alert(1)) =1+1"


class Tags(HTMLParser):
    """Collects the names of all tags and attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found |= {tag, *(name for name, _ in attrs)}


def wrong(message: str = MESSAGE, **more):
    return outcome_of("fc-1.2", "wrong", message, **more)


@pytest.mark.parametrize("form", [html, markdown])
def test_report_gives_points_and_the_check_s_own_message(form):
    text = form(record_of("ada", wrong(MESSAGE, advice=("use less memory",))))

    assert f"{CODE - 3} of {FULL} points." in text
    assert f"Up to {READ} more are in answers that a person has yet to read." in text
    assert MESSAGE in text
    assert "use less memory" in text


@pytest.mark.parametrize("form", [html, markdown, lambda r: json.dumps(results(r))])
def test_report_holds_nothing_of_the_staff_s(form):
    assert "SECRET" not in form(record_of("ada", wrong(staff="SECRET")))


def test_html_report_runs_nothing_that_a_student_wrote():
    plain = Tags(html(record_of("ada", wrong("x"), problems=("y",)))).found
    people = (Student("1", EVIL, EVIL),)

    text = html(record_of(EVIL, wrong(EVIL, advice=(EVIL,)), problems=(EVIL,), students=people))

    assert Tags(text).found == plain | Tags(html(record_of("a", wrong("x", advice=("z",))))).found
    assert "script" not in Tags(text).found
    assert "default-src 'none'" in text


def test_markdown_report_keeps_messages_inside_of_their_fence():
    lines = markdown(record_of("ada", wrong(EVIL), problems=(EVIL,))).split("\n")

    opening = lines.index("````text")
    assert lines.index("````") > lines.index("# heading [x](javascript:alert(1)) =1+1") > opening
    assert r"\[x\]\(javascript\:alert\(1\)\)" in "\n".join(lines[:opening])
    assert "<script>" not in "\n".join(lines[:opening])


@pytest.mark.parametrize("form", [html, markdown])
def test_report_shows_help_and_hints_where_the_hand_in_tells_of_them(form):
    text = form(record_of(facts={"help Dropout": EVIL, "hints": "fc-1.1 2, bn-1.3 3"}))

    assert "Help used" in text
    assert "fc-1.1 2, bn-1.3 3" in text
    assert "script" not in Tags(html(record_of(facts={"help Dropout": EVIL}))).found
    assert text.count("````") == 2 * (form is markdown)
    assert "Help used" not in form(record_of())


def test_given_code_is_reported_only_when_something_is_wrong_with_it():
    assert "fc-1.5" not in markdown(record_of())
    assert "fc-1.5" in markdown(record_of("ada", outcome_of("fc-1.5", "wrong", "changed")))


def test_grade_book_has_a_line_for_each_student_and_no_formula():
    people = (Student("=1+1", '+Ada, "A"\n', "@a"), Student("-2", "\tBob"))
    book = grade_book([record_of("=cmd|x", wrong(), students=people, problems=("=1\n+2",)),
                       NotGraded("eve", "a full disk")])  # fmt: skip

    rows = list(csv.DictReader(io.StringIO(book)))

    assert [row["student"] for row in rows] == ["'=1+1", "'-2", "eve"]
    assert not any(str(value).startswith(("=", "+", "-", "@", "\t")) for r in rows for value in
                   r.values())  # fmt: skip
    assert rows[0]["points"] == str(CODE - 3)
    assert (rows[2]["points"], rows[2]["remarks"][:10]) == ("", "NOT GRADED")
    assert sum(int(rows[0][key]) for key in EXERCISES) == CODE - 3


@pytest.mark.parametrize("text", ["=x", "+x", "-x", "@x", "\t=x", "\r=x", " =x", "\n=x"])
def test_cell_is_never_a_formula(text):
    assert cell(text)[0] in "'\\"


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("start", ["=", "+", "-", "@", " =", '"=', "\uff1d", "\uff0b"])
def test_cell_is_no_formula_whatever_the_reader_takes_for_a_separator(separator, start):
    name = f"Ada{separator}{start}1+1"
    book = grade_book([record_of("ada", students=(Student("ada", name),), problems=(name,))])

    for reader in (",", ";", "\t", "|"):
        cells = [c for row in csv.reader(io.StringIO(book), delimiter=reader) for c in row]
        starts = {c.strip(' "')[:1] for c in cells}
        assert not starts & set("=+-@\uff1d\uff0b")


def test_cell_comes_back_as_it_was():
    for text in ("=x", "ada", "-2", "O'Neil", "", "\uff1d1"):
        assert uncell(cell(text)) == text
        assert cell(cell(text)) == cell(text)


def test_numbers_stay_numbers():
    assert [cell(-3), cell(2.5), cell("3")] == ["-3", "2.5", "3"]


def test_shown_spells_out_what_cannot_be_seen():
    assert shown("a\nb\x1b[31m\u202e\u200b\ud800") == r"a\nb\x1b[31m\u202e\u200b\ud800"
    assert len(shown("x" * 999, 10)) == 11


def test_slugs_are_file_names_and_never_shared():
    ids = ["ada", "Ada", "ada/..", "../ada", "a" * 300, "a" * 301, "ä", "o", ".x", "-rf", "", "a b"]
    ids.append(slug("a b"))  # a student's choice

    names = [slug(text) for text in ids]

    assert names[0] == "ada"
    assert len({name.lower() for name in names}) == len(ids)
    assert all(
        name and "/" not in name and name[0] not in ".-" and len(name) < 80 for name in names
    )


def test_record_comes_back_as_it_was_written(tmp_path):
    record = record_of("ada", wrong(advice=("a",), staff="t"), problems=("p",), late=True)
    write_record(tmp_path / "r.json", record)

    assert read_record(tmp_path / "r.json", "ada") == record
    assert read_record(tmp_path / "r.json", "bob") is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"key": 1}'])
def test_record_that_is_damaged_is_none(content, tmp_path):
    (tmp_path / "r.json").write_text(content)

    assert read_record(tmp_path / "r.json", "ada") is None


def test_report_is_the_same_byte_for_byte(tmp_path):
    for name in "ab":
        write_report(tmp_path / name, record_of("ada", wrong()))

    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_commonest_mistakes_are_grouped_whatever_their_numbers():
    records = [record_of(f"s{i}", wrong(f"out[{i}] = {i}.5e-3, expected 1")) for i in range(3)]
    records.append(record_of("t", wrong("another")))

    first, second = commonest_mistakes(records)

    assert (first.exercise, first.count, second.count) == ("fc-1.2", 3, 1)
    assert first.students == ["s0", "s1", "s2"]


def test_summary_shows_the_class_and_is_the_same_each_time():
    results_of_class = [record_of("a", wrong(EVIL)), record_of("b"), NotGraded("<i>eve", "trace")]

    page = summary_page(results_of_class)

    assert page == summary_page(results_of_class)
    assert "script" not in Tags(page).found
    assert f"{CODE - 1.5:g} of {FULL}" in page
    assert "&lt;i&gt;eve" in page
    assert page.count("data:image/png;base64,iVBOR") == 2


def test_picture_of_exercises_tells_what_is_missing_from_what_is_wrong(monkeypatch):
    figures = []
    monkeypatch.setattr(summary, "_picture", lambda figure: str(figures.append(figure)))
    missing = outcome_of("fc-2.4", "no answer", "notebooks/two_layer_net.npz is missing")
    records = [record_of("a", missing), record_of("b", missing), record_of("c", wrong())]

    summary_page(records)

    (ax,) = figures[1].axes
    names = [label.get_text() for label in ax.get_yticklabels()]
    kinds = {bars.get_label(): [bar.get_width() for bar in bars] for bars in ax.containers}
    shares = {kind: widths[names.index("fc-2.4")] for kind, widths in kinds.items()}
    assert shares["missing, or no answer"] == pytest.approx(2 / 3)
    assert (shares["wrong"], shares["passed"]) == (0, pytest.approx(1 / 3))
    assert kinds["wrong"][names.index("fc-1.2")] == pytest.approx(1 / 3)


def test_labels_of_exercises_do_not_overlap(monkeypatch):
    overlaps = []

    def look(figure):
        figure.canvas.draw()
        labels = [label.get_window_extent() for label in figure.axes[0].get_yticklabels()]
        overlaps.extend(a.overlaps(b) for a, b in pairwise(labels))
        return ""

    monkeypatch.setattr(summary, "_picture", look)
    summary_page([record_of()])

    assert len(overlaps) > 40
    assert not any(overlaps)


def test_summary_has_no_column_for_what_is_of_nobody():
    page = summary_page([record_of()])

    assert '<th class="number">passed</th>' in page
    assert '<th class="number">wrong</th>' not in page


def test_summary_of_an_unlucky_class_has_no_plots():
    assert "data:image" not in summary_page([NotGraded("eve", "a full disk")])


@pytest.mark.parametrize("name", ["a1_b2c3d", "zzzzzzzz"])
@pytest.mark.parametrize("kind", ["box", "python"])
def test_a_folder_of_a_sandbox_has_the_same_name_in_each_report(kind, name):
    said = 'File "/tmp/cs682-{}-{}/box/student/optim.py", line 3\n/tmp/else'

    assert clean(said.format(kind, name)) == said.format(kind, "...")


@pytest.mark.parametrize("value", ["0x" + "f" * 10_000, "f'{\"\a\"}'"])
def test_facts_are_told_of_code_that_python_cannot_write_anew(tmp_path, value):
    (tmp_path / "cs682").mkdir()
    (tmp_path / "cs682" / "layers.py").write_text(f"x = {value}\n")

    assert "code cs682/layers.py" in facts_of(Package(tmp_path, (), (), ""), {})


@pytest.mark.parametrize(
    ("hints", "said"),
    [
        (
            {"fc-1.1": 2, "bn-1.3": 3, "fc-1.2": 4, "fc-9.9": 1, "fc-1.3": True},
            "fc-1.1 2, bn-1.3 3",
        ),
        ({"fc-1.1": [1]}, None),
        ("fc-1.1", None),
        (None, None),
    ],
)
def test_facts_tell_of_hints_that_there_are(tmp_path, hints, said):
    noted = {"hand-in.json": json.dumps({"hints": hints}).encode()}

    assert facts_of(Package(tmp_path, (), (), "", noted), {}).get("hints") == said


@pytest.mark.parametrize(
    ("notes", "course_asks", "said"),
    [
        ({"hints.json": b'{"fc-1.1": 2, "fc-9.9": 1, "fc-1.2": 9}'}, True, "fc-1.1 2"),
        ({"hints.json": b'{"fc-1.1": 2}'}, False, None),
        ({"hints.json": b'{"fc-1.1": 2}', "hand-in.json": b'{"hints": {}}'}, True, None),
        ({"hints.json": b'{"fc-1.1": 2}', "hand-in.json": b'{"help": {}}'}, True, None),
        ({"hints.json": b"[" * 600_000}, True, None),
        ({"hints.json": b"["}, True, None),
    ],
)
def test_facts_tell_of_hints_in_a_clone_where_the_course_asks(tmp_path, notes, course_asks, said):
    package = Package(tmp_path, (), (), "", notes)

    assert facts_of(package, {}, hints=course_asks).get("hints") == said


@pytest.mark.parametrize(
    ("notes", "said"),
    [
        ({"MANIFEST.json": b'{"version": "1.0.1"}'}, "1.0.1"),
        (
            {
                "MANIFEST.json": b'{"version": "1.0.1"}',
                "hand-in.json": b'{"versions": {"release": "1.0.2"}}',
            },
            "1.0.2",
        ),
        ({"MANIFEST.json": b'{"version": ["1.0.1"]}', "hand-in.json": b"x"}, None),
        ({"MANIFEST.json": rb'{"version": "\u202e%s"}' % (b"1" * 99)}, "\\u202e" + "1" * 14 + "…"),
        ({}, None),
    ],
)
def test_facts_tell_the_release_that_the_work_was_done_in(tmp_path, notes, said):
    assert facts_of(Package(tmp_path, (), (), "", notes), {}).get("release") == said


def test_facts_tell_what_a_notebook_says_of_help(tmp_path):
    cells = [
        {"cell_type": "markdown", "id": f"{i}1f4e9a0", "source": text, "metadata": {}}
        for i, text in enumerate([HELP_USED, "A friend\x07, in 1.1."])
    ]
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "Dropout.ipynb").write_text(
        json.dumps({"nbformat": 4, "cells": cells})
    )

    facts = facts_of(Package(tmp_path, (), (), "", {"hand-in.json": b"[1]"}), {})

    assert facts["help Dropout"] == "A friend?, in 1.1."


def test_facts_say_which_files_of_code_are_not_there_or_hold_nothing(tmp_path):
    (tmp_path / "cs682").mkdir()
    (tmp_path / "cs682" / "layers.py").write_text("def relu_forward(x):\n    return x, x\n")
    (tmp_path / "cs682" / "optim.py").write_text("# nothing\n")

    facts = facts_of(Package(tmp_path, (), (), ""), {})

    assert set(facts["without"].split(", ")) == {*FILES} - {"cs682/layers.py"}
    assert [name for name in facts if name.startswith("code")] == ["code cs682/layers.py"]


def test_exercise_that_the_grader_stumbled_over_is_never_a_zero():
    record = record_of("ada", outcome_of("fc-1.2", "not graded", "a bug of ours"))
    (row,) = csv.DictReader(io.StringIO(grade_book([record])))

    assert (row["points"], row["fc-1.2"]) == ("", "")
    assert row["remarks"].startswith("NOT GRADED: fc-1.2")
    assert "NOT GRADED yet: fc-1.2" in html(record)


def test_what_is_the_same_in_many_exercises_is_said_once_a_notebook():
    message = "{} got no answer: invalid syntax (layers.py, line 3)"
    keys = [key for key, row in EXERCISES.items() if row.file == "cs682/layers.py"]
    outcomes = [outcome_of(key, "no answer", message.format(key)) for key in keys]

    assert markdown(record_of("ada", *outcomes)).count("invalid syntax") == len(
        {EXERCISES[key].notebook for key in keys}
    )
    assert f"{keys[0]}, {keys[1]}" in markdown(record_of("ada", *outcomes))


def test_statistics_say_how_each_exercise_and_question_went():
    wrong = record_of("bob", outcome_of("fc-1.2", "wrong", "x"))
    lines = {line.exercise: line for line in statistics_of([record_of(), wrong])}

    assert (lines["fc-1.2"].mean, lines["fc-1.2"].counts["wrong"]) == (1.5, 1)
    assert lines["fc-q1"].counts["to be read"] == 2
    assert "1.50 of 3" in summary_page([record_of(), wrong])

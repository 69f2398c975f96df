"""What is wrong with tables of answers is told by file and line, with what may mend it."""

from __future__ import annotations

import pytest

from staff.grading.intake.sheets import Faults
from staff.grading.judging.answers import QUESTIONS
from staff.tests.grading.records import record_of
from staff.tests.grading.typed import QUESTION, book_of, points_of, save, write_table


def test_all_that_is_mistyped_in_several_tables_is_told_at_once(tmp_path):
    book = book_of(tmp_path, tmp_path / "more.csv", tmp_path / "other.csv")
    lines = ("ada,fc-q1,two,2,", "ada,fc-q9,1,2,", "bob,fc-q1,3,2,", "bob,fc-q1,1,2,",
             "ada,fc-q2,-1,2,")  # fmt: skip
    write_table(tmp_path / "answers.csv", *lines)
    write_table(tmp_path / "more.csv", "ada,bn-q1,x,2,")
    (tmp_path / "other.csv").write_text("a,b\n")

    with pytest.raises(ValueError, match="line") as caught:
        book.read()

    says = [
        "answers.csv, line 2: points are 'two', expected a whole number up to 2",
        "answers.csv, line 3: there is no question 'fc-q9'",
        "answers.csv, line 4: 3 points given, there are 2",
        "answers.csv, line 6: points are '-1'",
        "answers.csv, line 5: bob has a line for fc-q1 already",
        "more.csv, line 2: points are 'x'",
        "other.csv begins with 'a,b', expected the columns",
    ]
    assert all(
        text in line for text, line in zip(says, str(caught.value).splitlines(), strict=True)
    )


def test_table_that_is_empty_says_what_brings_the_points_back(tmp_path):
    path, file = write_table(tmp_path / "answers.csv", "ada,fc-q1,2,2,"), tmp_path / "more.csv"
    save(tmp_path)
    path.write_text("\n")
    file.write_text("")

    with pytest.raises(ValueError, match="empty") as caught:
        book_of(tmp_path, file).read()
    expected = "is empty, expected the columns student, question, points"
    assert str(caught.value).splitlines() == [
        f"{path} {expected}; delete it: all points of the last run are kept, and written anew",
        f"{file} {expected}; leave it out",
    ]
    path.unlink()
    assert points_of(tmp_path) == "2"


def test_column_that_is_sorted_alone_is_told_in_a_few_lines(tmp_path):
    lines = [f"ada,{row.id},{number},2," for row in QUESTIONS for number in (1, 1)]
    write_table(tmp_path / "answers.csv", *lines, "ada,fc-q9,1,2,")

    with pytest.raises(ValueError, match="fc-q9") as caught:
        book_of(tmp_path).read()

    told = str(caught.value).splitlines()
    assert len(told) == 8
    assert "more of this kind, 13 in all: was one column sorted without the others?" in told[-1]


def test_id_that_a_spreadsheet_has_rewritten_is_known_by_the_words(tmp_path):
    many = [record_of(f"00{number}", answers={QUESTION: str(number)}) for number in range(8)]
    save(tmp_path, many)
    sheet = tmp_path / "answers.csv"
    sheet.write_text(sheet.read_text().replace("\n00", "\n").replace(",,2,", ",1,2,"))

    with pytest.raises(ValueError, match="in all") as caught, Faults() as faults:
        book_of(tmp_path).look_up([record.id for record in many], faults)

    told = str(caught.value).splitlines()
    assert told[0].endswith("'0' has handed nothing in, expected a hand-in as grades.csv calls it: "
                            "000, by its words")  # fmt: skip
    assert "and 2 more of this kind, 8 in all: has a spreadsheet rewritten the ids" in told[-1]


def test_table_that_cannot_be_understood_is_refused_and_left_alone(tmp_path):
    path = write_table(tmp_path / "answers.csv", "ada,fc-q1,two,2,")
    before = path.read_bytes()

    with pytest.raises(ValueError, match="'two'"):
        save(tmp_path)
    assert path.read_bytes() == before


def test_workbook_in_the_place_of_a_table_is_called_one(tmp_path):
    (tmp_path / "answers.csv").write_bytes(b"PK\x03\x04 and more")

    with pytest.raises(ValueError, match=r"answers\.csv is a workbook of a spreadsheet: save it"):
        book_of(tmp_path).read()

"""Grades go into the platforms' own tables, and what is open is said before they leave."""

from __future__ import annotations

import csv
import io

import pytest

from staff.grading.intake.submission import Student, Submission
from staff.grading.results import exports
from staff.grading.results.grade_book import grade_book
from staff.grading.results.overrides import blank_record
from staff.grading.results.report import html, markdown
from staff.grading.results.store import NotGraded, write_text
from staff.grading.results.summary import statistics_of, summary_page
from staff.grading.results.warnings import warnings_page
from staff.tests.grading.records import ALL_READ, CODE, FULL, READ, outcome_of, record_of
from staff.tests.grading.typed import POINTS


def rows_of(text):
    return list(csv.reader(io.StringIO(text)))


def roster_of(folder, form, text, column=None):
    path = folder / "roster.csv"
    path.write_text(text)
    return exports.read_roster(form, path, column)


def export(folder, form, results, roster=None, column=None):
    table = roster_of(folder, form, roster, column) if roster else None
    exports.write(folder, form, results, table)
    return rows_of((folder / f"{form}.csv").read_text())


CLASS = [record_of("55", students=(Student("55", "lovelaceada"),)), NotGraded("56", "held")]


def test_canvas_without_its_table(tmp_path):
    head, possible, line = export(tmp_path, "canvas", CLASS)

    assert head[:5] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
    assert (possible[0].strip(), possible[5]) == ("Points Possible", str(FULL))
    assert (line[1], line[5]) == ("55", str(CODE))


def test_table_of_canvas_is_filled_in_and_otherwise_left_alone(tmp_path):
    roster = (
        "Student,ID,SIS User ID,SIS Login ID,Section,Assignment 2 (71)\n"
        '    Points Possible,,,,,100\n"Lovelace, Ada",55,s55,ada,001,\n"Hopper",56,s56,gh,001,12\n'
    )

    rows = export(tmp_path, "canvas", CLASS, roster)

    assert rows[2] == ["Lovelace, Ada", "55", "s55", "ada", "001", str(CODE)]
    assert rows[1:2] + rows[3:] == rows_of(roster)[1:2] + rows_of(roster)[3:]


def test_worksheet_of_moodle_is_filled_in(tmp_path):
    roster = (
        "Identifier,Full name,Email address,Status,Grade,Maximum Grade,Feedback comments\n"
        "Participant 55,Ada,a@b.c,Submitted,,100.00,\nParticipant 56,Grace,g@b.c,Submitted,,100,\n"
    )

    rows = export(tmp_path, "moodle", CLASS, roster)

    assert rows[1][4:6] == [str(CODE), "100.00"]
    left = FULL - CODE
    said = f"{CODE} of {FULL} points. Up to {left} more are in answers that a person"
    assert rows[1][6].startswith(said)
    assert rows[2] == rows_of(roster)[2]
    assert export(tmp_path, "moodle", CLASS)[1][:4] == [
        "Participant 55",
        "lovelaceada",
        "",
        str(CODE),
    ]


def test_what_is_open_is_counted_and_named_by_kind():
    partly = record_of("57", outcome_of("fc-1.2", "not graded", "a bug of ours"), answers={})
    done = [*CLASS, partly, NotGraded("58", "damaged")]

    unread, not_graded, held = exports.open_points(done, {"56"})

    assert unread == (
        f"{2 * READ} points in answers that nobody has read, hand-ins: 2: 55 ({READ}), 57 ({READ})"
    )
    assert not_graded == "NOT GRADED, without a grade, hand-ins: 2: 58, 57 (fc-1.2)"
    assert held == "held until a person says in students.csv whose it is, hand-ins: 1: 56"


def test_hand_in_without_a_grade_is_open_without_all_its_exercises_by_name():
    blank = blank_record(Submission("56", (), ()), "damaged", POINTS)
    (line,) = exports.open_points([blank], set())

    assert "1: 56 (fc-1.1, fc-1.2, " in line
    assert line.endswith(f" and {len(POINTS) - 6} more)")


def test_table_for_a_platform_is_outdated_once_the_grades_are_others(tmp_path):
    write_text(tmp_path / "grades.csv", "old")
    export(tmp_path, "canvas", CLASS)

    assert exports.outdated(tmp_path) == []
    write_text(tmp_path / "grades.csv", "new")
    assert exports.outdated(tmp_path) == [tmp_path / "canvas.csv"]


def test_models_that_nobody_has_looked_at_are_open_wherever_points_are_told():
    record = record_of("55", outcome_of("fc-2.4", "not looked at", "no data"), *ALL_READ)
    (row,) = csv.DictReader(io.StringIO(grade_book([record])))
    line = next(line for line in statistics_of([record]) if line.exercise == "fc-2.4")

    assert exports.open_points([record], set()) == [
        "3 points in trained models that are not graded, hand-ins: 1: 55 (3)"
    ]
    for form in (html, markdown):
        assert "Up to 3 more are in trained models that are not graded" in form(record)
    assert (row["fc-2.4"], row["remarks"]) == ("", "trained models are not graded, 3 points")
    assert line.counts["not looked at"] == 1
    assert "points of trained models that are not graded</th><td>3" in summary_page([record])
    assert "3 points open, hand-ins: 1: 55" in warnings_page([record], {}, [])


def test_student_without_a_grade_is_in_no_export(tmp_path):
    partly = record_of("57", outcome_of("fc-1.2", "not graded", "a bug of ours"))

    assert len(export(tmp_path, "canvas", [*CLASS, partly])) == 3
    assert len(export(tmp_path, "moodle", [*CLASS, partly])) == 2


CANVAS = "Student,ID,SIS User ID,SIS Login ID,Section,Homework (71)\nZoë,55,s55,zoe,001,\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_roster_is_read_as_spreadsheets_save_it(encoding, tmp_path):
    (tmp_path / "roster.csv").write_bytes(CANVAS.encode(encoding))

    exports.write(tmp_path, "canvas", CLASS, exports.read_roster("canvas", tmp_path / "roster.csv"))

    written = rows_of((tmp_path / "canvas.csv").read_text(encoding="utf-8"))
    assert written[1] == ["Zoë", "55", "s55", "zoe", "001", f"{CLASS[0].points:g}"]


def test_roster_that_is_no_table_is_refused_by_name(tmp_path):
    with pytest.raises(ValueError, match=r"roster\.csv, line 3: "):
        roster_of(tmp_path, "canvas", f'{CANVAS}"{"x" * 200_000}"\n')


MANY = (
    "Student,ID,SIS User ID,SIS Login ID,Section,{},Current Score,Final Grade\n"
    "    Points Possible,,,,,{},(read only),(read only)\nAda,55,s55,ada,001,{},91,A\n"
)


def many(*headings):
    empty = "," * (len(headings) - 1)
    return MANY.format(",".join(headings), empty, empty)


@pytest.mark.parametrize(
    ("headings", "column", "at"),
    [
        (["Homework (71)"], None, 5),
        (["Quiz (70)", "cs682-assignment2 (71)"], None, 6),
        (["cs682-assignment2-survey (70)", "cs682-assignment2 (71)"], None, 6),
        (["Quiz (70)", "Homework (71)"], "homework", 6),
        (["Homework (70)", "Homework (71)"], "Homework (71)", 6),
    ],
)
def test_column_of_canvas_is_found_among_many(headings, column, at, tmp_path):
    rows = export(tmp_path, "canvas", CLASS, many(*headings), column)

    assert rows[2][at] == str(CODE)
    assert rows[2][:at] + rows[2][at + 1 :] == [
        text for i, text in enumerate(rows_of(many(*headings))[2]) if i != at
    ]


@pytest.mark.parametrize(
    ("headings", "column", "says"),
    [
        (["Quiz (70)", "Homework (71)"], None, r"--column: 'Quiz \(70\)', 'Homework \(71\)'$"),
        (
            ["Quiz (70)", "Homework (71)"],
            "Home",
            r"has 0 columns .*'Home'; .*: 'Quiz \(70\)', 'Hom",
        ),
        (["Quiz (70)", "Homework (71)"], "Final Grade", "has 0 columns"),
        (["Homework (70)", "Homework (71)"], "Homework", "has 2 columns"),
    ],
)
def test_columns_among_which_to_choose_are_named(headings, column, says, tmp_path):
    with pytest.raises(ValueError, match=says):
        roster_of(tmp_path, "canvas", many(*headings), column)


@pytest.mark.parametrize(
    ("form", "text", "column"),
    [
        ("moodle", "Identifier;Grade\nParticipant 55;\n", None),
        ("canvas", CANVAS.replace(",", ";"), "Homework"),
    ],
)
def test_roster_without_commas_is_refused(form, text, column, tmp_path):
    with pytest.raises(ValueError, match="no commas"):
        roster_of(tmp_path, form, text, column)


def filled(possible, grade):
    return (
        "Student,ID,SIS User ID,SIS Login ID,Section,Assignment 1 (70)\n"
        f"    Points Possible,,,,,{possible}\nAda,55,s55,ada,001,{grade}\nBob,56,s56,bob,001,7\n"
    )


@pytest.mark.parametrize("grade", ["90", "90.00", "EX"])
def test_wrong_column_of_canvas_is_told(grade, tmp_path):
    roster = roster_of(tmp_path, "canvas", filled("100.00", grade))

    points, changed = roster.doubts(CLASS)

    column = "the column 'Assignment 1 (70)'"
    assert f"{column} is of 100.00 points, the hand-ins are of {FULL}" in points
    said = f"{column} has 1 grade already, 1 will change: {grade} to {CODE}"
    assert changed.endswith(said)


@pytest.mark.parametrize("grade", ["", str(CODE), f"{CODE}.00"])
def test_column_without_grades_or_with_the_same_needs_no_word(grade, tmp_path):
    assert roster_of(tmp_path, "canvas", filled(FULL, grade)).doubts(CLASS) == []


def test_grades_of_moodle_s_that_get_another_value_are_counted(tmp_path):
    text = "Identifier,Grade,Maximum Grade\nParticipant 55,{},{}\nParticipant 56,,100\n"

    points, changed = roster_of(tmp_path, "moodle", text.format('"88,5"', "100")).doubts(CLASS)

    assert f"is of 100 points, the hand-ins are of {FULL}" in points
    assert changed.endswith(f"88,5 to {CODE}")
    text = text.replace("100", f"{FULL}.00")
    assert roster_of(tmp_path, "moodle", text.format("", FULL)).doubts(CLASS) == []


NAMESAKES = (
    "Student,ID,SIS User ID,SIS Login ID,Section,Assignment 2 (71)\n    Points Possible,,,,,,\n"
    '"Vera, V",4711,s-vera,vera@u.edu,1,\n"Mallory, M",4712,s-mallory,mallory@u.edu,1,7\n'
    '"Ada, A",4713,s-ada,ada@u.edu,1,\n"Bo, B",4714,s-bo,bo@u.edu,1,\n'
)


@pytest.mark.parametrize("false", ["4711", "s-vera", "vera@u.edu"])
@pytest.mark.parametrize("has_handed_in", [True, False])
def test_student_who_gives_another_s_number_gets_no_line_and_is_named(
    false, has_handed_in, tmp_path
):
    pair = (Student("s-ada", "Ada", "ada@u.edu"), Student("s-bo", "Bo", "bo@u.edu"))
    mallory = record_of("m", students=(Student(false, "Mallory", "mallory@u.edu"),))
    vera = record_of("v", students=(Student("s-vera", "Vera", "vera@u.edu"),))
    class_ = [record_of("pair", students=pair), mallory, *[vera] * has_handed_in]
    roster = roster_of(tmp_path, "canvas", NAMESAKES)

    rows = export(tmp_path, "canvas", class_, NAMESAKES)

    assert [row[5] for row in rows[2:]] == ["", "7", str(CODE), str(CODE)]
    said = roster.doubts(class_)[-1]
    assert "Mallory, M (m)" in said
    assert "Vera, V (m" in said
    assert "Ada" not in said


def test_grade_that_goes_into_no_line_is_named(tmp_path):
    absent = record_of("57", students=(Student("57", "Grace Hopper"),))
    roster = roster_of(tmp_path, "canvas", many("Homework (71)"))

    left_out = exports.write(tmp_path, "canvas", [*CLASS, absent], roster)

    assert left_out == [f"Grace Hopper (57, {CODE} points)"]

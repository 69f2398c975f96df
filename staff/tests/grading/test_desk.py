"""What a teaching assistant types in counts, is shown and stays; what there is to see is seen."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace

import pytest

from cs682.checks import EXERCISES
from cs682.setup.packages import edition
from staff.grading.desk import Desk
from staff.grading.intake.locate import TWO
from staff.grading.intake.package import CODE as ALL
from staff.grading.intake.platform_lists import read_time
from staff.grading.intake.sheets import Faults
from staff.grading.intake.submission import Student, Submission
from staff.grading.results import exports
from staff.grading.results.folder import kept_while_held, put_aside, require_everybody
from staff.grading.results.grade_book import grade_book
from staff.grading.results.late import read_late_rule
from staff.grading.results.overrides import (
    blank_record,
    look_up,
    override,
    read_overrides,
)
from staff.grading.results.report import html, markdown
from staff.grading.results.store import DECIDES, OTHER_DATA, NotGraded, write_record, write_text
from staff.grading.results.summary import statistics_of, summary_page
from staff.grading.results.warnings import warnings_page
from staff.grading.single import Plan
from staff.tests.grading.records import CODE, FULL, READ, outcome_of, record_of

POINTS = {row.id: row.points for row in EXERCISES.values()}
ADA = (Student("007", "Ada Lovelace", "ada@example.edu"),)


def test_failure_is_forgotten_once_the_hand_in_is_graded(tmp_path):
    submission, record = Submission("ada", ADA, ()), record_of("ada", students=ADA)
    desk, plan = Desk(tmp_path, POINTS), Plan(tmp_path, 1, None, POINTS)
    desk.remember(NotGraded("ada", "a bug of ours"))
    assert desk.recall(submission, plan, "").reason == "a bug of ours"

    write_record(plan.record_of("ada"), record)
    desk.remember(record)

    assert desk.recall(submission, plan, "") == record


# --- overrides


def overrides(folder, *lines, head="student,exercise,points,reason"):
    path = folder / "overrides.csv"
    path.write_text("\n".join([head, *lines]) + "\n")
    with Faults() as faults:
        return read_overrides(path, POINTS, faults)


@pytest.mark.parametrize("form", [html, markdown])
@pytest.mark.parametrize("student", ["ada", "007"])
def test_override_counts_and_the_report_shows_it_and_what_was_before(form, student, tmp_path):
    record = record_of("ada", outcome_of("fc-1.2", "wrong", "dx is wrong"), students=ADA)

    done = override(record, overrides(tmp_path, f"{student},fc-1.2,2,typo of ours"))

    assert done.points == record.points + 2
    assert "typo of ours" in form(done)
    assert "Before, it was: wrong, 0 of 3 points." in form(done)
    assert "dx is wrong" in form(done)


def test_override_of_a_question_and_none_at_all(tmp_path):
    lines = overrides(tmp_path, "ada;fc-q1;2;orally", head="student;question;points;reason")

    assert override(record_of("ada"), lines).points == CODE + 2
    assert override(record_of("bob"), lines) == record_of("bob")
    assert read_overrides(tmp_path / "nowhere.csv", POINTS, Faults()) == []


def test_override_of_what_is_held_is_refused(tmp_path):
    lines = overrides(tmp_path, "ada,fc-1.2,2,orally")

    with pytest.raises(ValueError, match="line 2: nobody has said whose 'ada' is"), Faults() as f:
        look_up(lines, {"ada": "Ada"}, f, held={"Ada"})


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["ada,fc-9.9,1,x"], ["line 2: there is no exercise or question 'fc-9.9', expected"]),
        (["ada,fc-1.2,4,x"], ["line 2: 4 points given, there are 3"]),
        (["ada,fc-1.2,,x"], ["line 2: points are '', expected a whole number up to 3"]),
        (["ada,fc-1.2,1,"], ["line 2: the reason is empty, expected one"]),
        (["ada,fc-1.2,1,x", "ada,fc-1.2,2,x"],
         ["line 3: ada has an override for fc-1.2 already"]),
        (["ada,fc-9.9,two,", "ada,fc-1.2,1,x", "bob,fc-1.2,4,"],
         ["line 2: there is no", "line 2: the reason", "line 2: points are 'two'",
          "line 4: the reason", "line 4: 4 points given"]),
    ],
)  # fmt: skip
def test_overrides_with_errors_are_refused_all_at_once_by_line(lines, says, tmp_path):
    with pytest.raises(ValueError, match="line") as caught:
        overrides(tmp_path, *lines)

    told = str(caught.value).splitlines()
    assert all(text in line for text, line in zip(says, told, strict=True))


def test_override_of_somebody_who_is_not_there_or_by_two_names_is_refused_by_line(tmp_path):
    lines = ("aad,fc-1.2,1,x", "ada,fc-1.2,1,x", "007,fc-1.2,2,x", "007,fc-1.1,2,x")

    with pytest.raises(ValueError, match="line") as caught, Faults() as faults:
        look_up(overrides(tmp_path, *lines), {"ada": "ada", "007": "ada"}, faults)

    first, second = str(caught.value).splitlines()
    assert "line 2: 'aad' has handed nothing in" in first
    assert "line 4: 007 and ada are of one hand-in" in second


# --- late days


def rule(folder, **fields):
    (folder / "late.json").write_text(json.dumps(fields))
    with Faults() as faults:
        return read_late_rule(folder / "late.json", faults)


DUE = {"due": "2024-02-01T23:59:00-05:00", "percent_per_day": 10}


@pytest.mark.parametrize(
    ("submitted", "more", "share"),
    [
        ("2024-02-01 23:58:00 -05:00", {}, 1),
        ("2024-02-02 04:58:00 UTC", {}, 1),
        ("2024-02-02 00:05:00 -05:00", {}, 0.9),
        ("2024-02-02 00:05:00 -05:00", {"grace_minutes": 10}, 1),
        ("2024-02-03 00:05:00 -05:00", {}, 0.8),
        ("2024-02-03 00:05:00 -05:00", {"free_days": 1}, 0.9),
        ("2024-02-03 00:05:00 -05:00", {"free_days": 3}, 1),
        ("2024-03-03 00:05:00 -05:00", {"at_most_percent": 50}, 0.5),
        ("2024-02-02T00:05:00", {}, 0.9),  # Moodle names no zone: that of the rule
        ("2024-02-09 00:05:00 -05:00", {"days": {"007": 1}}, 0.9),
        ("2024-02-09 00:05:00 -05:00", {"days": {"ada": 0}}, 1),
        ("", {}, 1),
    ],
)
def test_late_days_cost_what_the_rule_says(submitted, more, share, tmp_path):
    record = record_of("ada", students=ADA, submitted=submitted)

    assert rule(tmp_path, **DUE, **more).apply(record).points == pytest.approx(share * CODE)


def test_mark_of_canvas_counts_as_days(tmp_path):
    late = record_of("ada", late=True)

    assert rule(tmp_path, percent_per_day=5).apply(late).points == pytest.approx(0.95 * CODE)
    assert rule(tmp_path, percent_per_day=5, marked_days=2).apply(late).points == pytest.approx(
        0.9 * CODE
    )
    assert rule(tmp_path, percent_per_day=5).apply(record_of()).points == CODE


def test_report_and_book_say_what_came_off(tmp_path):
    record = rule(tmp_path, **DUE).apply(
        record_of("ada", students=ADA, submitted="2024-02-02 00:05:00 -05:00")
    )
    (row,) = csv.DictReader(io.StringIO(grade_book([record])))

    off = CODE / 10
    assert f"came 1 day late: 10 % of {CODE} points come off, which is {off:g}." in html(record)
    assert (row["points"], row["late"], row["late penalty"]) == (f"{CODE - off}", "late", f"{off}")


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"due": "2024-02-01T23:59:00"}, "has no time zone"),
        ({"due": "tomorrow"}, "'tomorrow' is no time"),
        ({"percent": 10}, "holds 'percent', expected .*percent_per_day"),
        ({"percent_per_day": "10"}, "percent_per_day is '10', expected a number"),
        ({"free_days": -1}, "free_days is -1"),
        ({"days": [1]}, "days is"),
    ],
)
def test_rule_with_an_error_is_refused(fields, says, tmp_path):
    with pytest.raises(ValueError, match=says):
        rule(tmp_path, **fields)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"due": "soon", "free_days": -1, "days": {"a": "x"}, "z": 1}',
         ["holds 'z'", "free_days is -1", "a is 'x'", "due: 'soon' is no time"]),
        ('{"days": {"ada": 1, "ada": 0}}', ["'ada' twice, expected each name once"]),
        ('{"days": [1], "free_days": "x"}', ["days is [1]", "free_days is 'x'"]),
        ("[]", ["holds [], expected"]),
    ],
)  # fmt: skip
def test_rule_with_errors_is_refused_all_at_once(text, says, tmp_path):
    (tmp_path / "late.json").write_text(text)

    with (
        pytest.raises(ValueError, match=r"late\.json") as caught,
        Faults() as faults,
        faults.kept(),
    ):
        read_late_rule(tmp_path / "late.json", faults)

    told = str(caught.value).splitlines()
    assert all(text in line for text, line in zip(says, told, strict=True))


def test_time_without_meaning_is_refused():
    with pytest.raises(ValueError, match="is no time"):
        read_time("2024-13-01 00:00:00 Z")


# --- exports


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
    read = [outcome_of(key, "read") for key, row in EXERCISES.items() if row.is_question]
    record = record_of("55", outcome_of("fc-2.4", "not looked at", "no data"), *read)
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
    assert "3 points are open, hand-ins: 1: 55" in warnings_page([record], {}, [])


def test_nothing_open_says_nothing():
    read = [outcome_of(key, "read") for key, row in EXERCISES.items() if row.is_question]

    assert exports.open_points([record_of("55", *read)], set()) == []


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


def test_foreign_roster_is_refused(tmp_path):
    with pytest.raises(ValueError, match="expected the columns identifier, grade"):
        export(tmp_path, "moodle", CLASS, "a,b\n1,2\n")


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


def test_grade_that_goes_into_no_line_is_named(tmp_path):
    absent = record_of("57", students=(Student("57", "Grace Hopper"),))
    roster = roster_of(tmp_path, "canvas", many("Homework (71)"))

    left_out = exports.write(tmp_path, "canvas", [*CLASS, absent], roster)

    assert left_out == [f"Grace Hopper (57, {CODE} points)"]


# --- hand-ins that are not there any more


def known(out, id_):
    write_record(out / "staff" / "records" / f"{id_}.json", record_of(id_, students=ADA))
    write_text(out / "students" / id_ / "report.md", "of the old one")
    return Submission(id_, ADA, ())


def test_submission_that_a_newer_one_of_the_student_replaces_is_put_aside(tmp_path):
    known(tmp_path, "submission_1")
    newer = known(tmp_path, "submission_2")

    require_everybody(tmp_path, [newer])
    put_aside(tmp_path, [newer])

    assert [p.name for p in (tmp_path / "students").iterdir()] == ["submission_2"]
    dropped = tmp_path / "staff" / "dropped" / "submission_1"
    assert {p.name for p in dropped.iterdir()} == {"records.json", "reports"}


def test_hand_in_that_is_gone_since_uploads_are_held_says_so(tmp_path):
    known(tmp_path, "55")

    with pytest.raises(ValueError, match=r"1: 55\. .*say in students.csv whose the 1 uploads"):
        require_everybody(tmp_path, [Submission("x.zip", (), (), held="a link")])


def test_hand_in_stays_whose_newer_upload_may_be_held(tmp_path):
    known(tmp_path, "submission_1")
    known(tmp_path, "55")
    by_student = Submission("x.zip", (), (), held="a link", perhaps=frozenset([ADA[0].id]))
    by_id = Submission("x.zip", (), (), held="a link", perhaps=frozenset(["55"]))

    assert [s.id for s in kept_while_held(tmp_path, [by_id])] == ["55"]
    assert [s.id for s in kept_while_held(tmp_path, [by_student])] == ["55", "submission_1"]
    assert kept_while_held(tmp_path, [Submission("55", ADA, ()), by_id]) == []


# --- what there is to see


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


def facts(**more):
    return {"graded with": "x", "code cs682/layers.py": "1", **more}


def with_accuracy(id_, accuracy):
    text = f"accuracy {accuracy:.3f} on 2000 images that are held back, needed 0.442"
    return record_of(id_, outcome_of("fc-5.1", "passed", text), facts=facts())


SYNTAX = "SyntaxError: '(' was never closed (layers.py, line 3)"


def unreadable(id_, *keys):
    return record_of(id_, *(outcome_of(k, "wrong", f"{SYNTAX}\n  in {k}") for k in keys))


def test_warnings_show_first_what_costs_most_and_whose_it_is():
    ada = unreadable("007", "fc-1.1", "fc-1.2", "fc-1.3")
    loop = outcome_of("fc-1.2", "no answer", "fc-1.2 got no answer: its time was used up")
    page = warnings_page([record_of("bob", loop), replace(ada, students=ADA)], {}, [])

    told = page.partition("code that gave no answer: 2")[2].partition("<h2>")[0]
    first, second = told.split("<tr>")[1:]
    assert "007 (Ada Lovelace)" in first
    points = sum(EXERCISES[key].points for key in ("fc-1.1", "fc-1.2", "fc-1.3"))
    assert f"{points} points: SyntaxError" in first
    assert "(fc-1.1, fc-1.2, fc-1.3)" in first
    assert "3 points: it got no answer: its time was used up (fc-1.2)" in second


def test_models_of_which_a_person_decides_are_open_until_all_are_set(tmp_path):
    read = [outcome_of(key, "read") for key, row in EXERCISES.items() if row.is_question]
    chance = outcome_of("fc-3.4", "wrong", f"accuracy 0.1. {OTHER_DATA}. {DECIDES}", staff="doubt")
    record = record_of("55", chance, outcome_of("fc-5.1", "wrong", "accuracy 0.1"), *read)

    def left(*exercises):
        lines = [f"55,{key},0,seen" for key in exercises]
        return override(record, overrides(tmp_path, *lines))

    said = "trained models of which a person decides, in overrides.csv, hand-ins: 1: 55"
    assert exports.open_points([left()], set()) == [f"{said} (fc-3.4, fc-5.1)"]
    assert exports.undecided_models([left("fc-3.4")]) == [f"{said} (fc-5.1)"]
    assert exports.open_points([left("fc-3.4", "fc-5.1")], set()) == []
    assert "fc-5.1 wrong: another of these was trained on" in warnings_page([left()], {}, [])


def test_warnings_name_files_left_out_and_models_of_which_a_person_decides():
    problems = tuple(f"a{i}.py is left out: more than 300 files" for i in range(9))
    ordinary = ("notebooks/best_model.npz is missing", "1, handed in x, is older and was left out")
    model = outcome_of("fc-5.1", "passed", "your own code fails. A person decides", staff="differ")
    records = [record_of("ada", problems=problems), record_of("bob", model, problems=ordinary)]

    page = warnings_page(records, {}, [])

    assert "a2.py is left out: more than 300 files; and 6 more" in page
    assert "is older" not in page
    assert "fc-5.1 passed: differ: your own code fails. A person decides" in page
    decided = outcome_of("fc-5.1", "set by a person", staff="differ")
    assert "A model of which a person decides: none" in warnings_page(
        [record_of("bob", decided)], {}, []
    )


@pytest.mark.parametrize(("ring", "others"), [(4, 0), (4, 9), (9, 9)])
def test_warnings_show_what_several_have_however_many_they_are(ring, others):
    own = [
        record_of(f"s{i}", facts=facts(**{"code cs682/layers.py": f"{i}"})) for i in range(others)
    ]
    copies = [
        record_of(f"eve{i}", facts=facts(**{"code cs682/layers.py": "x"})) for i in range(ring)
    ]

    page = warnings_page([*own, *copies], {}, [])

    assert f"{ring} of {ring + others} hand-ins" in page
    assert "eve0, eve1" in page
    assert f"eve{ring - 1}: cs682/layers.py" in page


def test_warnings_show_two_versions_of_a_file_by_themselves():
    record = record_of("ada", problems=(f"two versions of cs682/layers.py: a, not b; {TWO}",))

    page = warnings_page([record], {}, [])

    assert "Two versions of one file in an upload: 1" in page
    assert "a, not b; nobody can tell which is newer: a person decides" in page
    assert "Files that are not as they should be: none" in page


@pytest.mark.parametrize(
    ("record", "says"),
    [
        (record_of("eve", facts={"graded with": "x"}), "the wrong upload? cs682/layers.py, "),
        (
            record_of("eve", facts={"graded with": "x", "without": ", ".join(ALL[:-1])}),
            f"the wrong upload? {ALL[-1]}",
        ),
        (
            record_of("eve", facts={"graded with": "x", "without": ", ".join(ALL)}),
            "no code handed in",
        ),
        (
            record_of(
                "eve",
                problems=("none of the assignment's files could be taken",),
                facts={"graded with": "x", "without": ", ".join(ALL)},
            ),
            "the download whole?",
        ),
        (record_of("eve", outcome_of("fc-2.2", "wrong", "x"), facts=facts()), "fc-2.4 passes; not"),
        (with_accuracy("eve", 0.93), "fc-5.1: 0.930, the class"),
        (record_of("eve", facts=facts(**{"in notebooks": "relu_forward"})), "relu_forward"),
        (record_of("eve", facts=facts(python="3.8.1", numpy="1.17.0")), "python 3.8.1, numpy"),
        (record_of("eve", facts=facts(release=f"{edition()}.1")), f"release {edition()}.1"),
        (record_of("eve", facts=facts(**{"odd names": "a.py line 3: gc"})), "a.py line 3: gc"),
        (NotGraded("eve", "a full disk"), "a full disk"),
        (record_of("eve", facts=facts(**{"model notebooks/a.npz": "7"})), "eve, mallory"),
    ],
)
def test_warnings_show_what_to_look_at(record, says):
    ordinary = [
        with_accuracy(f"s{i}", 0.52 + i / 500) for i in range(9)
    ]  # of whom there is nothing to say
    twin = record_of("mallory", facts=facts(**{"model notebooks/a.npz": "7"}))

    assert says not in warnings_page([*ordinary, twin], {}, [])
    page = warnings_page([*ordinary, record, twin], {}, [])
    assert says in page
    assert "eve" in page


def test_hand_in_without_code_or_anything_is_not_said_to_be_the_release():
    facts = {"graded with": "x", "without": ", ".join(ALL)}
    nothing = ("none of the assignment's files could be taken",)

    for problems, says in (
        ((), "No code is handed in: 1"),
        (nothing, "No code is handed in: none"),
    ):
        page = warnings_page([record_of("eve", facts=facts, problems=problems)], {}, [])
        assert says in page
        assert "wrong upload" not in page


def test_warnings_leave_names_room_beside_long_lines():
    page = warnings_page([NotGraded("ada", "a full disk")], {}, [])

    assert '<table class="who">' in page
    assert re.search(r"\.who td:first-child\S* { min-width: \d+rem; }", page)


def test_points_for_somebody_who_is_not_there_are_shown():
    assert "fc-q1" in warnings_page([record_of("ada")], {("gone", "fc-q1"): {}}, [])

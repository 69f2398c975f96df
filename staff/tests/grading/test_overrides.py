"""Points that a person sets count, are shown, and are refused by line where they are wrong."""

from __future__ import annotations

import pytest

from staff.grading.intake.sheets import Faults
from staff.grading.intake.submission import ClassOfSubmissions, Student, Submission
from staff.grading.judging.outcome import ALL_THAT_FAILED
from staff.grading.results import exports
from staff.grading.results.overrides import (
    look_up,
    override,
    read_overrides,
    to_look_at_again,
)
from staff.grading.results.report import html, markdown
from staff.grading.results.warnings import warnings_page
from staff.tests.grading.records import ADA, ALL_READ, CODE, outcome_of, record_of
from staff.tests.grading.typed import POINTS


def overrides(folder, *lines, head="student,exercise,points,reason"):
    path = folder / "overrides.csv"
    path.write_text("\n".join([head, *lines]) + "\n")
    with Faults() as faults:
        return read_overrides(path, POINTS, faults)


def class_of(*submissions):
    return ClassOfSubmissions(submissions)


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
        look_up(lines, class_of(Submission("ada", (), (), held="two readings")), f)


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["ada,fc-1.2,,x"], ["line 2: points are '', expected a whole number up to 3"]),
        (["ada,fc-1.2,1,x", "ada,fc-1.2,2,x"],
         ["line 3: ada has an override for fc-1.2 already"]),
        (["ada,fc-9.9,two,", "ada,fc-1.2,1,x", "bob,fc-1.2,4,"],
         ["line 2: there is no exercise or question 'fc-9.9', expected",
          "line 2: the reason is empty, expected one", "line 2: points are 'two'",
          "line 4: the reason", "line 4: 4 points given, there are 3"]),
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
        look_up(overrides(tmp_path, *lines), class_of(Submission("ada", ADA[:1], ())), faults)

    first, second = str(caught.value).splitlines()
    assert "line 2: 'aad' has handed nothing in" in first
    assert "line 4: 007 and ada are of one hand-in" in second


def test_override_is_to_be_looked_at_again_if_it_is_low_or_the_work_has_changed(tmp_path):
    def again(points, digest, *outcomes, why="x", key="k"):
        lines = overrides(tmp_path, f"007,fc-4.1,{points},{why}", f"ada,fc-q1,1,{why}")
        facts = {"code cs682/optim.py": digest, "answer fc-q1": digest}
        record = record_of("ada", *outcomes, students=ADA, facts=facts, key=key)
        return to_look_at_again(record, lines, seen)

    wrong, seen = outcome_of("fc-4.1", "wrong"), {}
    changed = [
        ("fc-4.1", "1 set by hand, then the code cs682/optim.py changed"),
        ("fc-q1", "1 set by hand, then the answer fc-q1 changed"),
    ]
    assert again(1, "old", wrong) == again(1, "old", wrong) == []
    assert again(1, "new", wrong) == again(1, "new", wrong) == changed
    assert again(1, "", wrong, key="") == []  # not graded
    assert again(1, "new", wrong, why="seen again") == []
    assert again(1, "new", why="seen again") == [("fc-4.1", "1 set by hand, the grader gives 2")]


def test_override_of_what_was_not_graded_is_named_once_there_is_work(tmp_path):
    lines, seen = overrides(tmp_path, "ada,fc-q1,2,orally"), {}

    assert to_look_at_again(record_of("ada", key=""), lines, seen) == []
    now = record_of("ada", facts={"answer fc-q1": "new"})
    assert to_look_at_again(now, lines, seen) == [
        ("fc-q1", "2 set by hand, then the answer fc-q1 changed")
    ]


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("Jo  Kim", "'Jo Kim' is a name, of 55, 56, expected a student or a hand-in"),
        ("57", "'57' handed in with others, expected 'submission_9', for all of them"),
        ("59", "'59' may be whose uploads are held: submission_10, expected a line for them"),
    ],
)
def test_override_by_what_is_no_id_of_one_hand_in_is_refused_with_the_reason(typed, says, tmp_path):
    lines = overrides(tmp_path, f"{typed},fc-1.2,1,x", "submission_9,fc-1.2,1,x")
    found = class_of(
        *(Submission(id_, (Student(id_, "Jo Kim"),), ()) for id_ in ("55", "56")),
        Submission("submission_9", (Student("57"), Student("58")), ()),
        Submission("submission_10", (), (), held="two", perhaps=frozenset({"59"})),
    )

    with pytest.raises(ValueError, match=says) as caught, Faults() as faults:
        look_up(lines, found, faults)

    assert len(str(caught.value).splitlines()) == 1


def test_models_of_which_a_person_decides_are_open_until_all_are_set(tmp_path):
    chance = outcome_of("fc-3.4", "wrong", "accuracy 0.1", staff="doubt", left=ALL_THAT_FAILED)
    record = record_of("55", chance, outcome_of("fc-5.1", "wrong", "accuracy 0.1"), *ALL_READ)

    def left(*exercises):
        lines = [f"55,{key},0,seen" for key in exercises]
        return override(record, overrides(tmp_path, *lines))

    said = "exercises of which a person decides, in overrides.csv, hand-ins: 1: 55"
    assert exports.open_points([left()], set()) == [f"{said} (fc-3.4, fc-5.1)"]
    assert exports.undecided([left("fc-3.4")]) == [f"{said} (fc-5.1)"]
    assert exports.open_points([left("fc-3.4", "fc-5.1")], set()) == []
    assert "fc-5.1 open: failed, and may have been trained on" in warnings_page([left()], {}, [])

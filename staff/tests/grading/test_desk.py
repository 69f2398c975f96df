"""What is graded is remembered, and goes when another takes its place."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest

from staff.grading.desk import Desk
from staff.grading.intake.submission import Student, Submission
from staff.grading.results.folder import (
    apart_from,
    kept_while_held,
    put_aside,
    require_everybody,
    successors,
)
from staff.grading.results.store import NotGraded, write_record, write_text
from staff.grading.single import Plan
from staff.tests.grading.records import ADA, record_of
from staff.tests.grading.typed import POINTS


def test_failure_is_forgotten_once_the_hand_in_is_graded(tmp_path):
    submission, record = Submission("ada", ADA, ()), record_of("ada", students=ADA)
    desk, plan = Desk(tmp_path, POINTS), Plan(tmp_path, 1, None, POINTS)
    desk.remember(NotGraded("ada", "a bug of ours"))
    assert desk.recall(submission, plan, "").reason == "a bug of ours"

    write_record(plan.record_of("ada"), record)
    desk.remember(record)

    assert desk.recall(submission, plan, "") == record


def known(out, id_, **more):
    write_record(out / "staff" / "records" / f"{id_}.json", record_of(id_, students=ADA, **more))
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


def test_partner_who_would_have_no_line_any_more_is_named(tmp_path):
    pair = (*ADA, Student("008", "Bob"))
    write_record(
        tmp_path / "staff" / "records" / "x.json", record_of("submission_1", students=pair)
    )
    alone = Submission("007", ADA, ((Path("late.zip"), "late.zip"),))

    with pytest.raises(ValueError, match=r"have no line any more, .*: 1: 008 \(submission_1\)\."):
        require_everybody(tmp_path, [alone], passed_over=["submission_1"])


def test_history_goes_with_the_person_and_not_with_an_upload_given_to_another(tmp_path):
    known(tmp_path, "007", uploads=("late.zip",))
    back = Submission("submission_1", ADA, ())
    tom = Submission("320", (Student("320"),), (), assigned=("late.zip",))

    assert successors(tmp_path, [back, tom]) == {"007": "submission_1"}
    assert successors(tmp_path, [tom]) == {"007": "320"}


def test_upload_of_a_hand_in_that_is_gone_is_named_until_it_is_meant(tmp_path):
    known(tmp_path, "55", uploads=("a.zip", "a.zip", "x.zip"))
    both, one = ((Path("1/a.zip"), "a.zip"), (Path("2/a"), "a")), ((Path("1/a.zip"), "a.zip"),)

    require_everybody(tmp_path, [Submission("55", ADA, both)], passed_over=["x.zip"])
    require_everybody(tmp_path, [Submission("55", ADA, ())])  # it stands as before
    with pytest.raises(ValueError, match=r"SUBMISSIONS: 1: 55 \(a, x\)\. Name all folders of"):
        require_everybody(tmp_path, [Submission("55", ADA, one)])


@pytest.mark.parametrize(
    ("now", "is_gone"), [([990], False), ([990, 991], False), ([900], True), ([940, 990], True)]
)
def test_attempt_on_canvas_that_a_newer_one_replaces_need_not_be_there(tmp_path, now, is_gone):
    known(tmp_path, "55", uploads=("ada_55_940_a.zip", "ada_55_950_b.zip"))
    sources = tuple((Path(f"ada_55_{number}_a.zip"), "a.zip") for number in now)

    with pytest.raises(ValueError, match="Name all") if is_gone else nullcontext():
        require_everybody(tmp_path, [Submission("55", ADA, sources)])


def test_submission_that_was_the_newest_and_is_gone_is_named(tmp_path):
    time = "2026-10-02 12:00:00 -0400"
    known(tmp_path, "submission_2", uploads=("submission_2",), submitted=time)
    source = ((tmp_path, "submission_1"),)

    def require(day):
        submitted = time.replace("02", day, 1)
        require_everybody(tmp_path, [Submission("submission_1", ADA, source, submitted=submitted)])

    require("03")
    with pytest.raises(ValueError, match=r"1: submission_2 \(submission_2\)\. Name all"):
        require("01")


def test_hand_in_that_is_gone_since_uploads_are_held_says_so(tmp_path):
    known(tmp_path, "55")

    with pytest.raises(ValueError, match=r"1: 55\. .*say in .*are held \(x\.zip\)"):
        require_everybody(tmp_path, [Submission("x.zip", (), (), held="a link")])


@pytest.mark.parametrize("typed", ["submission_1", ADA[0].id])
def test_id_that_another_student_has_typed_puts_nobody_aside_without_a_word(typed, tmp_path):
    known(tmp_path, "submission_1")
    other = Submission("submission_2", (Student(typed, "Eve"),), ())

    with pytest.raises(ValueError, match="SUBMISSIONS: 1: submission_1"):
        require_everybody(tmp_path, [other])


def test_hand_in_stays_whose_own_upload_is_held_now(tmp_path):
    known(tmp_path, "submission_1")
    upload = Submission("submission_1", (Student("submission_1"),), (), held="of the same student")

    kept = kept_while_held(tmp_path, [upload])
    (held,) = apart_from(kept, [upload])

    assert [(s.id, s.students) for s in kept] == [("submission_1", (Student(ADA[0].id),))]
    assert (held.id, held.students) == ("submission_1 (held)", (Student("submission_1 (held)"),))
    assert apart_from(kept[1:], [upload]) == [upload]


def test_submission_stays_no_longer_than_until_a_newer_one_whatever_others_type(tmp_path):
    known(tmp_path, "submission_1")
    newer = Submission("submission_2", ADA, ())
    typed = Submission("submission_3", (), (), held="typed", perhaps=frozenset(["submission_1"]))

    assert kept_while_held(tmp_path, [newer, typed]) == []


def test_hand_in_stays_whose_newer_upload_may_be_held(tmp_path):
    known(tmp_path, "submission_1")
    known(tmp_path, "55")
    by_student = Submission("x.zip", (), (), held="a link", perhaps=frozenset([ADA[0].id]))
    by_id = Submission("x.zip", (), (), held="a link", perhaps=frozenset(["55"]))

    assert [s.id for s in kept_while_held(tmp_path, [by_id])] == ["55"]
    assert [s.id for s in kept_while_held(tmp_path, [by_student])] == ["55", "submission_1"]
    assert kept_while_held(tmp_path, [Submission("55", ADA, ()), by_id]) == []

"""The page of warnings shows what a person should look at, and whose it is."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from cs682.checks import EXERCISES
from cs682.setup.packages import edition
from staff.grading.intake.locate import TWO
from staff.grading.intake.package import CODE as ALL
from staff.grading.judging.outcome import ITSELF
from staff.grading.results.store import NotGraded
from staff.grading.results.warnings import warnings_page
from staff.tests.grading.records import ADA, outcome_of, record_of


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


def test_warnings_name_files_left_out_and_models_of_which_a_person_decides():
    problems = tuple(f"a{i}.py is left out: more than 300 files" for i in range(9))
    ordinary = ("notebooks/best_model.npz is missing", "1, handed in x, is older and was left out")
    model = outcome_of("fc-5.1", "passed", "your own code fails", staff="differ", left=ITSELF)
    records = [record_of("ada", problems=problems), record_of("bob", model, problems=ordinary)]

    page = warnings_page(records, {}, [])

    assert "a2.py is left out: more than 300 files; and 6 more" in page
    assert "is older" not in page
    assert "fc-5.1 passed: differ: your own code fails" in page
    decided = outcome_of("fc-5.1", "set by a person", staff="differ")
    assert "An exercise of which a person decides: none" in warnings_page(
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


def test_what_is_left_out_is_said_once_and_missing_models_are_no_fault_of_files():
    damaged = "hand-in.zip is not a whole zip; a newer upload is graded, which holds the code"
    problems = (damaged, "2 trained models are missing: notebooks/a.npz, notebooks/b.npz")
    record = record_of("ada", problems=problems, facts=facts(**{"left out": damaged}))

    page = warnings_page([record], {}, [])

    assert page.count(damaged) == 1
    assert "Files that are not as they should be: none" in page


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

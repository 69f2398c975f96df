"""The checks against the bank: every wrong answer is rejected and named, no right one refused."""

from __future__ import annotations

import collections

import pytest

from cs682.checks.run import CHECKS
from staff.bank.judge import BANK, judge, table
from staff.bank.judge import Outcome as Heard

ANSWERS = collections.defaultdict(list)
for _answer in BANK:
    ANSWERS[_answer.judge].append(_answer)


def share(answer):
    """Return a test's name. What stands before its last :: is what xdist gives to one worker."""
    return f"{answer.judge}::{answer.title}"


@pytest.mark.slow
@pytest.mark.parametrize("answer", BANK, ids=share)
def test_answer_gets_the_verdict_it_deserves(answer):
    outcome = judge(answer)

    assert outcome.as_expected, f"{answer.place} ({outcome.state}) {outcome.message}"
    assert not outcome.lacks_words, f"{answer.place}: not named: {outcome.message}"


@pytest.mark.parametrize("exercise", CHECKS)
def test_few_wrong_answers_have_no_words_that_name_them(exercise):
    wrong = [answer for answer in ANSWERS[exercise] if answer.verdict == "wrong"]

    nameless = [answer.place for answer in wrong if not answer.names]

    assert len(nameless) <= 0.15 * len(wrong), nameless  # at least 85 % are named


def test_bank_is_as_large_as_promised():
    wrong = sum(answer.verdict == "wrong" for answer in BANK)

    assert wrong >= 150
    assert len(BANK) - wrong >= 60


@pytest.mark.parametrize("exercise", CHECKS)
def test_bank_holds_wrong_and_right_answers_to_each_exercise(exercise):
    verdicts = [answer.verdict == "wrong" for answer in ANSWERS[exercise]]

    assert verdicts.count(True) >= 5
    assert verdicts.count(False) >= 1


def test_bank_answers_have_titles_of_their_own():
    titles = [str(answer) for answer in BANK]

    assert len(set(titles)) == len(titles)


def test_table_counts_what_was_rejected_and_what_was_named():
    wrong = [answer for answer in ANSWERS["fc-1.1"] if answer.verdict == "wrong"][:2]
    right = [answer for answer in ANSWERS["fc-1.1"] if answer.verdict == "right"][:1]
    said = "Likely cause: the bias b is not added."
    heard = [Heard(wrong[0], "wrong", said, said), Heard(wrong[1], "passed", "", "")]

    lines = table([*heard, Heard(right[0], "wrong", said, said)]).splitlines()

    assert lines[1].split() == ["fc-1.1", "2", "1", "1", "1", "1"]
    assert lines[2].split() == ["all", "2", "1", "1", "1", "1"]

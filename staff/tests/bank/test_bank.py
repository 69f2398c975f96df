"""The checks against the bank: every wrong answer is rejected and named, no right one refused."""

from __future__ import annotations

import collections

import pytest

from cs682.checks import EXERCISES
from cs682.checks.run import CHECKS
from staff.bank.judge import BANK, judge

ANSWERS = collections.defaultdict(list)
for _answer in BANK:
    ANSWERS[_answer.judge].append(_answer)


@pytest.mark.slow
@pytest.mark.parametrize("exercise", CHECKS)
def test_bank_gets_the_verdicts_it_deserves(exercise):
    outcomes = [judge(answer) for answer in ANSWERS[exercise]]

    surprises = [f"{o.answer} ({o.state}) {o.message}" for o in outcomes if not o.as_expected]
    assert surprises == []
    wrong = [outcome for outcome in outcomes if outcome.answer.verdict == "wrong"]
    nameless = [f"{o.answer}: {o.message}" for o in wrong if not o.named]
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
    assert {answer.judge for answer in BANK} <= set(EXERCISES)

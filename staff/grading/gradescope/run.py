"""Grade one hand-in inside a Gradescope container; needs NumPy and nothing more.

A complete result without points is written first and replaced after each exercise, so that
whatever happens later, what is there is well-formed, its maxima add up, and it holds what was
reached.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cs682.checks import EXERCISES
from staff.grading.intake.locate import arrange
from staff.grading.intake.safe_text import shown
from staff.grading.intake.unpack import unpack
from staff.grading.judging.answers import read_answers
from staff.grading.judging.outcome import NOT_GRADED, Outcome
from staff.grading.results.facts import find_pasted, odd_names, say_pasted, versions
from staff.grading.results.store import READ, TO_BE_READ, UNSEEN, write_json
from staff.grading.sandbox.ladder import choose_rung
from staff.grading.single import Plan, grade_package

NOT_REACHED = "The autograder stopped before it came to this exercise."
DAMAGED = "NOT GRADED, because nobody can read it; hand it in again:"
FAILED = "The autograder itself failed, which is not your fault: tell the staff."


def main() -> int:
    """Grade what lies in ``submission/`` and write ``results/results.json``.

    Returns
    -------
    status : int, 0: a failure of the grader is told in the result, which is complete all the same
    """
    root = Path(os.environ.get("AUTOGRADER_ROOT", "/autograder"))
    settings = json.loads((root / "source" / "settings.json").read_text(encoding="utf-8"))
    results = Results(root / "results" / "results.json", settings)
    try:
        _grade(root, settings, results)
    except Exception:
        traceback.print_exc()  # Gradescope shows it to the staff alone
        results.say(FAILED)
    return 0


class Results:
    """The file that Gradescope reads, complete from the beginning.

    Parameters
    ----------
    settings : dict, with ``points`` by exercise and ``questions``, whether these are listed
    """

    def __init__(self, path: Path, settings: dict[str, Any]) -> None:
        self._path = path
        self._lines: list[str] = []
        self._outcomes = {
            key: Outcome(key, 0, points, NOT_GRADED, NOT_REACHED, (), "")
            for key, points in settings["points"].items()
            if settings["questions"] or not EXERCISES[key].is_question
        }
        self._write()

    def take(self, outcome: Outcome) -> None:
        """Put in how an exercise went.

        Parameters
        ----------
        outcome : Outcome; one that is not listed is left out
        """
        if outcome.exercise in self._outcomes:
            self._outcomes[outcome.exercise] = outcome
            self._write()

    def say(self, line: str) -> None:
        """Put in a line above the exercises."""
        self._lines.append(line)
        self._write()

    def _write(self) -> None:
        """Replace the file."""
        listed = [o for o in self._outcomes.values() if o.maximum]
        write_json(
            self._path,
            {
                "output": "\n".join(self._lines),
                "output_format": "text",
                "visibility": "visible",
                "stdout_visibility": "hidden",
                "tests": [_test(outcome) for outcome in listed],
            },
        )


def _test(outcome: Outcome) -> dict[str, object]:
    """Return an outcome as one of Gradescope's tests."""
    row = EXERCISES[outcome.exercise]
    advice = [f"Advice, which costs no points: {line}" for line in outcome.advice]
    test: dict[str, object] = {
        "name": f"{row.id} {row.title} ({outcome.state})",
        "number": row.id,
        "score": outcome.points,
        "max_score": outcome.maximum,
        "output": "\n\n".join([part for part in (outcome.message, *advice) if part]),
        "output_format": "text",
        "visibility": "visible",
    }
    if outcome.state not in (
        TO_BE_READ,
        READ,
        UNSEEN,
        NOT_GRADED,
    ):  # without a status there is no cross beside them
        test["status"] = "passed" if outcome.state == "passed" else "failed"
    return test


def _grade(root: Path, settings: dict[str, Any], results: Results) -> None:
    """Grade the hand-in, exercise by exercise."""
    rung = choose_rung(allow_unsandboxed=False)
    images = root / "source" / "held_back.npz" if settings["models"] else None
    plan = Plan(root / "results", settings["seed"], images, settings["points"])
    read = _read_by_a_person(root, settings["answers"])
    with tempfile.TemporaryDirectory(prefix="cs682-hand-in-") as scratch:
        raw, stage = Path(scratch, "raw"), Path(scratch, "stage")
        raw.mkdir()
        stage.mkdir()
        package = arrange(unpack([(root / "submission", "submission")], raw), stage)
        answers, unreadable = read_answers(stage / "notebooks")
        results.say(f"Your code runs in this sandbox: {rung.name}. Graded with {versions()}.")
        if package.damaged:
            results.say("\n".join([DAMAGED, *package.damaged]))
            return
        pasted = say_pasted(find_pasted(package))
        for problem in (*package.problems, *unreadable, *pasted):
            results.say(problem)
        if odd := odd_names(package.folder):
            print(f"Names in the code that no layer needs: {odd}")  # noqa: T201
        for outcome in grade_package(package, answers, rung, plan):
            if outcome.staff:
                print(f"{outcome.exercise}: {outcome.staff}")  # noqa: T201  # to the staff alone
            results.take(read.get(outcome.exercise, outcome))


def _read_by_a_person(root: Path, lines: Iterable[list[Any]]) -> dict[str, Outcome]:
    """Return the outcomes of answers that were read before, for the hand-in at hand."""
    path = root / "submission_metadata.json"
    if not path.is_file():
        return {}
    own = f"submission_{json.loads(path.read_text(encoding='utf-8')).get('id')}"
    return {
        question: Outcome(question, points, maximum, READ, shown(remark, 1000), (), "")
        for student, question, points, maximum, remark in lines
        if student == own
    }


if __name__ == "__main__":
    sys.exit(main())

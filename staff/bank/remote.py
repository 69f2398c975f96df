"""Put the bank's answers through the grader: each costs its own exercise, and no other."""

from __future__ import annotations

import ast

from cs682.checks.exercises import EXERCISES
from cs682.checks.run import CHECKS
from staff.bank.answer import ROOT, Answer
from staff.grading.intake.package import CODE, read_package
from staff.grading.judging.core import grade_files
from staff.grading.judging.merits import PARTNERS, PREREQUISITES
from staff.grading.judging.outcome import Outcome
from staff.grading.sandbox.ladder import Rung


def grade_answer(answer: Answer, *, seed: int, rung: Rung) -> list[Outcome]:
    """Grade the reference with one answer in it, as far as the answer can make a difference.

    An answer in a file of which the grader takes the course's own, whatever a hand-in holds, is
    none: the reference is graded.
    """
    files = read_package(ROOT)
    if answer.file in CODE:
        files[answer.file] = answer.apply(files[answer.file].decode()).encode()
    return list(grade_files(files, seed=seed, rung=rung, only=touched(answer)))


def touched(answer: Answer) -> list[str]:
    """Return the exercises that an answer may make a difference to.

    Returns
    -------
    ids : list of str, in the order of the table: those of the same section and file, whose
        functions the answer may share or change, and all that are built on one of them
    """
    near = [
        i
        for i in CHECKS
        if i == answer.judge or (i[:4] == answer.exercise[:4] and EXERCISES[i].file == answer.file)
    ]
    return [i for i in CHECKS if i in near or {*near} & {*PREREQUISITES.get(i, ())}]


def due_by_nature(answer: Answer) -> set[str]:
    """Return the exercises that share with an answer what it changes, and may be lost with it.

    Returns
    -------
    ids : set of str: all of the file and all that is built on it, if the answer changes code
        outside of its exercise; and for a right answer those whose code reads the caches that it
        writes, in the layout of the reference, which it need not have
    """
    functions = {*EXERCISES[answer.exercise].functions}
    shared = {i for i in CHECKS if EXERCISES[i].file == answer.file}
    readers = {i for i, partner in PARTNERS.items() if partner in functions}
    if answer.reaches_out:
        return {*shared, *touched(answer)}
    return readers if answer.verdict != "wrong" else set()


def surprise(answer: Answer, outcomes: list[Outcome]) -> str:
    """Return what is not as an answer deserves; empty if all is.

    Parameters
    ----------
    outcomes : list of Outcome, from `grade_answer`
    """
    is_read = answer.file in CODE and _changes_more_than_losses(answer)
    due = {answer.judge} if answer.verdict == "wrong" and is_read else set()
    failed = [o for o in outcomes if o.state != "passed"]
    lost = {
        o.exercise for o in failed if o.maximum or o.exercise in due
    }  # given code costs nothing
    lost -= due_by_nature(answer) - due
    said = [f"  {o.exercise} {o.state}: {o.message}" for o in outcomes if o.exercise in lost ^ due]
    return "\n".join([f"{answer} ({answer.verdict})", *said]) if said else ""


def _changes_more_than_losses(answer: Answer) -> bool:
    """Tell whether an answer changes more than the `loss` of networks, which is the release's."""
    source = (ROOT / answer.file).read_text(encoding="utf-8")
    try:
        return _without_losses(answer.apply(source)) != _without_losses(source)
    except SyntaxError:
        return True


def _without_losses(source: str) -> str:
    """Return a module without the method `loss` of its classes."""
    tree = ast.parse(source)
    for owner in (node for node in tree.body if isinstance(node, ast.ClassDef)):
        owner.body = [node for node in owner.body if getattr(node, "name", "") != "loss"]
    return ast.dump(tree)

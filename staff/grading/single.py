"""Grade one hand-in, from its files to its record."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from cs682.checks import EXERCISES
from cs682.checks.run import CHECKS, MODELS
from staff.grading.intake.locate import FILES, MODEL_FILES, Package, arrange
from staff.grading.intake.package import CODE
from staff.grading.intake.safe_text import FEW, names, slug, writable
from staff.grading.intake.submission import Submission
from staff.grading.intake.unpack import Haul, unpack
from staff.grading.judging.answers import QUESTIONS, outcome_of, read_answers
from staff.grading.judging.core import grade_code
from staff.grading.judging.held_back import digest_images, grade_models, read_images
from staff.grading.judging.merits import IMPORTS
from staff.grading.judging.outcome import NOT_GRADED, NOT_HANDED_IN, Outcome
from staff.grading.results.facts import edition, facts_of, find_pasted, say_pasted, versions
from staff.grading.results.store import (
    DOUBLED,
    IDLE,
    WHY,
    NotGraded,
    Record,
    Result,
    read_record,
    write_record,
)
from staff.grading.sandbox.ladder import Rung, choose_rung

_KNOWN = {*FILES, *MODEL_FILES}
TOLD = 3  # damaged files, in the reason why there is no grade; and of those that are left out


@dataclass(frozen=True)
class Plan:
    """How to grade: the same for every hand-in of a class.

    Attributes
    ----------
    out : Path, the folder of all results
    seed : int, what hidden inputs are drawn from
    images : Path or None, the file of images that are held back; None to grade no models
    points : dict of str to int, what each exercise is worth in this course
    rerun : Path or None, the folder of CIFAR-10 to execute notebooks on; None to execute none
    allow_unsandboxed : bool, whether code may run with limits alone
    again : bool, whether what has been graded is graded once more
    hints : bool, whether this course has said that hand-ins tell of hints
    """

    out: Path
    seed: int
    images: Path | None
    points: Mapping[str, int]
    rerun: Path | None = None
    allow_unsandboxed: bool = False
    again: bool = False
    hints: bool = False

    def record_of(self, submission: str) -> Path:
        """Return the file of a submission's record."""
        return self.out / "staff" / "records" / f"{slug(submission)}.json"

    def reports_of(self, submission: str) -> Path:
        """Return the folder of a submission's reports."""
        return self.out / "students" / slug(submission)


def grade_submission(submission: Submission, plan: Plan) -> Result:
    """Grade one hand-in, or take its record if it has been graded like this before.

    The record is written before this returns. Where the work is as before, but its uploads are
    not, it is written anew with the same outcomes. What came damaged is not graded: nobody can
    tell what it holds.
    """
    with tempfile.TemporaryDirectory(prefix="cs682-hand-in-") as scratch:
        raw, stage = Path(scratch, "raw"), Path(scratch, "stage")
        raw.mkdir()
        stage.mkdir()
        haul = unpack(submission.sources, raw, submission.versions)
        rung = find_rung(plan.allow_unsandboxed)
        conditions = _conditions(haul, rung, plan)
        key = _key(haul, submission, plan, conditions)
        path = plan.record_of(submission.id)
        known = None if plan.again else _read_graded(path, submission.id)
        if known is not None and known.key == key:
            return known
        package = arrange(haul, stage)
        if package.damaged:
            reason = "; ".join(package.damaged[:TOLD])
            return NotGraded(submission.id, reason, "", submission.students)
        content = _hash([*conditions, _digests(package.folder), sorted(package.doubled)])
        same = known.outcomes if known is not None and known.content == content else ()
        record = replace(_grade(submission, package, rung, plan, same), key=key, content=content)
        if plan.rerun is not None and not same:
            from staff.grading.rerun import rerun_notebooks  # needs more than Gradescope has

            rerun_notebooks(stage, plan.rerun, plan.reports_of(submission.id) / "notebooks", rung)
    write_record(path, record)
    return record


def _read_graded(path: Path, id_: str) -> Record | None:
    """Return the record of a hand-in of which all has been graded; None if there is none."""
    record = read_record(path, id_)
    return None if record is None or record.not_graded else record


@lru_cache
def find_rung(allow_unsandboxed: bool) -> Rung:
    """Return the sandbox of this machine; trying it takes a while, so once for a process."""
    return choose_rung(allow_unsandboxed=allow_unsandboxed)


def _grade(
    submission: Submission, package: Package, rung: Rung, plan: Plan, same: tuple[Outcome, ...]
) -> Record:
    """Return the record of a hand-in whose files are in place; `same` are its outcomes, if known.

    What is to be read of each upload, and what is said of it, is always found out.
    """
    answers, unreadable = read_answers(package.folder / "notebooks")
    facts = facts_of(package, answers, hints=plan.hints)
    if package.left_out:
        facts["left out"] = "; ".join(package.left_out[:TOLD])
    if idle := _idle(submission, package):
        facts[IDLE] = ", ".join(idle)
    if package.doubled:
        facts[DOUBLED] = _way_out(submission, package)
    pasted = say_pasted(find_pasted(package))
    graded = same or grade_package(package, answers, rung, plan)
    found = {outcome.exercise: outcome for outcome in graded}
    outcomes = tuple(found[key] for key in EXERCISES if key in found)
    return Record(
        key="",
        id=submission.id,
        students=submission.students,
        late=submission.late,
        rung=rung.name,
        problems=(*submission.remarks, *package.problems, *unreadable, *pasted),
        outcomes=outcomes,
        answers=answers,
        submitted=submission.submitted,
        facts=facts,
        uploads=submission.uploads,
    )


def _idle(submission: Submission, package: Package) -> list[str]:
    """Return the uploads that a person has assigned and from which nothing was taken."""
    called = zip(submission.assigned, submission.sources, strict=False)
    return [upload for upload, (_, name) in called if upload and not _is_in(name, package.taken)]


def _is_in(source: str, places: Iterable[str]) -> bool:
    """Tell whether one of these places in a hand-in is in a source, by the source's name."""
    return any(f"{place}/".startswith(f"{writable(source)}/") for place in places)


def _way_out(submission: Submission, package: Package) -> str:
    """Say how a person can have one of two versions taken, where none was."""
    places = [place for found in package.doubled.values() for place in found]
    called = zip(submission.uploads, submission.sources, strict=True)
    uploads = list(dict.fromkeys(upload for upload, (_, name) in called if _is_in(name, places)))
    if len(uploads) > 1:
        return f"{' or '.join(f'{upload},-' for upload in uploads)} in students.csv"
    return f"a folder with the one that counts in place of {', '.join(uploads)}"


def grade_package(
    package: Package, answers: Mapping[str, str], rung: Rung, plan: Plan
) -> Iterator[Outcome]:
    """Grade all exercises of a hand-in whose files are in place.

    Parameters
    ----------
    answers : mapping of str to str, from `read_answers`
    rung : Rung, the sandbox to run code in

    Yields
    ------
    outcome : Outcome, for each exercise once, as soon as it is known
    """
    for outcome in _outcomes(package, answers, rung, plan):
        yield _left_open(outcome, package.doubled)


def _outcomes(
    package: Package, answers: Mapping[str, str], rung: Rung, plan: Plan
) -> Iterator[Outcome]:
    """Grade all exercises by the files that were taken."""
    images = None if plan.images is None else read_images(plan.images)
    asked = [row for row in QUESTIONS if row.id in plan.points]  # a course may leave notebooks out
    yield from (outcome_of(row, answers, plan.points[row.id]) for row in asked)
    for outcome in _code_outcomes(package, rung, plan):
        yield worth(outcome, plan.points[outcome.exercise])
    for outcome in grade_models(package.folder, images, rung=rung):
        if outcome.exercise in plan.points:
            yield worth(outcome, plan.points[outcome.exercise])


def _left_open(outcome: Outcome, doubled: Collection[str]) -> Outcome:
    """Return an outcome, not graded if it may be another with a file of which none was taken.

    Those are the file of the exercise, files that it imports, and a student's own modules.
    """
    key, row = outcome.exercise, EXERCISES[outcome.exercise]
    needed = {f"notebooks/{MODELS[key]}"} if key in MODELS else {row.file}
    if key in CHECKS:
        needed |= {*IMPORTS[row.file], *(file for file in doubled if file not in _KNOWN)}
    if not needed & {*doubled} or outcome.state == "passed" or not outcome.maximum:
        return outcome
    text = f"{WHY}two versions differ, and nobody can tell which counts: {names([*doubled], FEW)}"
    return replace(outcome, state=NOT_GRADED, message=text, advice=(), left="")


def _code_outcomes(package: Package, rung: Rung, plan: Plan) -> Iterator[Outcome]:
    """Grade the exercises whose file is there."""
    asked = [key for key in CHECKS if key in plan.points]
    missing = {*package.missing}
    is_any = not missing.issuperset(CODE)  # what is given stands and falls with the rest
    there = [key for key in asked if is_any and EXERCISES[key].file not in missing]
    if there:
        yield from grade_code(package.folder, seed=plan.seed, rung=rung, only=there)
    for key in asked:
        if key not in there:
            row = EXERCISES[key]
            text = f"{row.file} is missing" if row.file in missing else "there is no code"
            yield Outcome(key, 0, row.points, NOT_HANDED_IN, text, (), "")


def worth(outcome: Outcome, maximum: int) -> Outcome:
    """Return an outcome in the points of this course.

    Parameters
    ----------
    maximum : int, what the exercise is worth in this course
    """
    points = maximum if outcome.state == "passed" else 0
    return replace(outcome, points=points, maximum=maximum)


def _key(haul: Haul, submission: Submission, plan: Plan, conditions: Sequence[object]) -> str:
    """Return a hash of all that decides what a record says."""
    return _hash(
        [
            *conditions,
            haul.digest,
            submission.id,
            [vars(student) for student in submission.students],
            submission.late,
            submission.submitted,
            submission.remarks,
            submission.assigned,
            submission.uploads,
            plan.hints,
        ]
    )


def _conditions(haul: Haul, rung: Rung, plan: Plan) -> list[object]:
    """Return what decides the outcomes beside the work.

    Images decide nothing where no model is: with data, only the others are graded again.
    """
    stems = [name.removesuffix(".npz") for name in MODELS.values()]  # a browser may number them
    has_models = any(stem in member.name.lower() for member in haul.members for stem in stems)
    return [
        edition(),
        rung.name,
        versions(),
        plan.seed,
        dict(plan.points),
        plan.rerun is not None,
        digest_images(read_images(plan.images)) if plan.images and has_models else None,
    ]


def _digests(folder: Path) -> list[tuple[str, str]]:
    """Return the files that were taken, each with the SHA-256 of what it holds."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return [
        (path.relative_to(folder).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest())
        for path in files
    ]


def _hash(parts: Sequence[object]) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

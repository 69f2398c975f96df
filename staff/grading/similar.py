"""``python -m staff similar``: pairs of hand-ins that are alike, side by side.

It accuses nobody: two who sat together, one page of a book, a bad hint in a lecture look the same.
"""

from __future__ import annotations

import argparse
import copy
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup, escape
from tqdm import tqdm

from staff.grading.intake.collect import collect
from staff.grading.intake.locate import arrange
from staff.grading.intake.owners import Said, read_owners
from staff.grading.intake.safe_text import shown
from staff.grading.intake.sheets import Faults
from staff.grading.intake.submission import Submission
from staff.grading.intake.unpack import unpack
from staff.grading.judging.answers import read_answers
from staff.grading.likeness import KINDS, Own, likeness, own_of, say_unread
from staff.grading.results.pages import render
from staff.grading.results.store import write_text

SHOWN = 60  # pairs
RARE = 0.05  # of the class: what at most so many have is marked


@dataclass(frozen=True)
class Pair:
    """Two hand-ins.

    Attributes
    ----------
    left, right : Own
    alike : dict of str to float, from 0 to 1 by kind
    rare : float, how alike they are in what few others have, in what they are most alike in
    """

    left: Own
    right: Own
    alike: dict[str, float]
    rare: float

    @property
    def most(self) -> float:
        """Return how alike they are in what they are most alike in."""
        return max(self.alike.values())


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``similar`` to the staff's command line."""
    parser = commands.add_parser("similar", help="show hand-ins that are alike, side by side")
    add = parser.add_argument
    add("submissions", type=Path, nargs="+", help="folders or zips, as for grade")
    add("--against", type=Path, nargs="+", default=[], metavar="FOLDER", help="earlier hand-ins")
    add("--out", type=Path, default=Path("similar.html"), help="the page (default: similar.html)")
    add("--show", type=int, default=SHOWN, metavar="N", help=f"pairs (default: {SHOWN})")
    add("--students", type=Path, metavar="FILE", help="students.csv, if there is one")
    parser.set_defaults(run=run_command)


def run_command(args: argparse.Namespace) -> int:
    """Compare the hand-ins of a class and write the page."""
    try:
        import copydetect  # noqa: F401  # before a class is unpacked for nothing
    except ImportError:
        return _refuse("similar needs copydetect: make grading brings it")
    if args.students and not args.students.is_file():
        return _refuse(f"{args.students} is not there (--students)")
    try:
        with Faults() as faults:
            owners = read_owners(args.students, faults) if args.students else {}
        (ours, left), (others, more) = _read(args.submissions, owners), _read(args.against, {})
        found = pairs_of(ours, others)
        told = found[: args.show]
        write_text(args.out, page(told, [*ours, *others], [*left, *more]))
    except (OSError, ValueError) as error:
        return _refuse(shown(str(error), 1000))
    for line in (*left, *more):
        print(f"LEFT OUT {line}")  # noqa: T201
    count = f"{len(told)} of {len(found)} pairs (--show {args.show}) of {len(ours)} hand-ins"
    print(f"{count}, the most alike first: {args.out}")  # noqa: T201
    return 0


def _refuse(text: str) -> int:
    """Say why nothing was done."""
    print(f"error: {text}", file=sys.stderr)  # noqa: T201
    return 2


def _read(places: Sequence[Path], owners: dict[str, Said]) -> tuple[list[Own], list[str]]:
    """Take the hand-ins of a class apart; say of each that is left out, in part too, why."""
    if not places:
        return [], []
    owns: list[Own] = []
    with tempfile.TemporaryDirectory(prefix="cs682-similar-") as scratch:
        found = collect(places, Path(scratch, "export"), owners)
        lines = (*found.remarks, *found.absent)
        left = [shown(line, 400) for line in lines if line not in found.notices]
        for submission in tqdm(found.submissions, unit="hand-in", disable=None):
            try:
                if submission.held:  # a link may lead anywhere
                    raise ValueError(f"{submission.held} (--students GRADES/students.csv reads it)")
                own, amiss = _take_apart(submission, Path(scratch))
                owns.append(own)
            except Exception as error:  # whatever it is, it costs the others nothing
                amiss = str(error) or type(error).__name__
            if amiss:
                left.append(f"{shown(submission.id, 60)}: {shown(amiss, 400)}")
    return owns, left


def _take_apart(submission: Submission, scratch: Path) -> tuple[Own, str]:
    """Take one hand-in apart; say what of it cannot be compared, if that is much."""
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        raw, stage = Path(folder, "raw"), Path(folder, "stage")
        raw.mkdir()
        stage.mkdir()
        package = arrange(unpack(submission.sources, raw, submission.versions), stage)
        answers, _ = read_answers(stage / "notebooks")
        own = own_of(submission.id, package, answers)
        amiss = say_unread(package.folder)
    if package.damaged:
        return own, "; ".join(package.damaged)
    if not any(own.pieces.values()):
        amiss.append("nothing of its own that could be compared")
    return own, "; ".join(amiss)


def pairs_of(ours: Sequence[Own], others: Sequence[Own] = ()) -> list[Pair]:
    """Return all pairs that have anything of their own in common.

    First come who are alike in what few others have: copies of what many have are no news.

    Parameters
    ----------
    ours : sequence of Own, of the class: each two make a pair
    others : sequence of Own, each of which makes pairs with those of the class alone
    """
    both = [*ours, *others]
    found = {kind: likeness(both, kind) for kind in KINDS}
    alike = {kind: np.round(found[kind][0], 6) for kind in KINDS}
    rare = np.round(np.max([found[kind][1] for kind in KINDS], axis=0), 6)
    pairs = [
        Pair(both[i], both[j], {k: float(alike[k][i, j]) for k in KINDS}, float(rare[i, j]))
        for i in range(len(ours))
        for j in range(i + 1, len(both))
    ]
    pairs = [pair for pair in pairs if pair.most > 0]
    return sorted(pairs, key=lambda p: (-p.rare, -p.most, p.left.id, p.right.id))


def page(pairs: Sequence[Pair], everybody: Sequence[Own], left_out: Sequence[str] = ()) -> str:
    """Return the page with pairs side by side; what few others have is marked.

    Parameters
    ----------
    left_out : sequence of str, what is not compared, and why
    """
    holders = Counter(piece for own in everybody for piece in own.pieces["code"])
    most = max(2, int(RARE * len(everybody)))
    rare = {piece for piece, count in holders.items() if count <= most}
    rows = [
        {
            "names": (shown(pair.left.id, 60), shown(pair.right.id, 60)),
            "alike": [f"{kind} {value:.2f}" for kind, value in pair.alike.items() if value],
            "code": _marked(pair, rare),
            "answers": (pair.left.answers, pair.right.answers) if pair.alike["answers"] else None,
        }
        for pair in pairs
    ]
    return render("similar.html", pairs=rows, left_out=left_out)


def _marked(pair: Pair, rare: set[object]) -> tuple[Markup, Markup] | None:
    """Return the code of both with what they share marked; None if they share none."""
    if not pair.left.print or not pair.right.print or not pair.alike["code"]:
        return None
    from copydetect.detector import compare_files

    prints = [copy.copy(own.print) for own in (pair.left, pair.right)]
    for one in prints:
        one.hashes = one.hashes & rare
    _, _, slices = compare_files(*prints)
    texts = (pair.left.code, pair.right.code)
    left, right = (_with_marks(text, cut) for text, cut in zip(texts, slices, strict=True))
    return left, right


def _with_marks(text: str, slices: Any) -> Markup:
    """Return code with some stretches marked."""
    parts, at = [], 0
    for start, end in np.asarray(slices, int).reshape(2, -1).T:
        parts += [escape(text[at:start]), Markup("<mark>"), escape(text[max(at, start) : end])]
        parts.append(Markup("</mark>"))
        at = max(at, int(end))
    return Markup("").join([*parts, escape(text[at:])])

"""The command ``python -m staff prove``: a release shows that it works and holds no answer.

It is unpacked into a folder of its own, builds its environment with its own commands, and is then
used as a student uses it: everything is open at first, each solution turns its own exercise green
and no other, and with all of them the reference is back.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cs682.checks import Exercise
from cs682.checks.run import CHECKS, TRAININGS
from cs682.cifar10.files import find_cifar10
from staff.release.build import SETTINGS, cut, write_zip
from staff.release.files import VARIANT, Source, read_source
from staff.release.left_out import say_for_whom
from staff.release.reference import Reference, read_reference, restore_files
from staff.release.variant import Variant, variant_of
from staff.release.workplace import Board, ProofError, Workplace


@dataclass(frozen=True)
class Claims:
    """What is known of the release that is to prove itself.

    Attributes
    ----------
    files : dict of str to bytes, those of the release
    reference : Reference that it was cut from
    variant : Variant
    work : Workplace, where it was unpacked
    """

    files: dict[str, bytes]
    reference: Reference
    variant: Variant
    work: Workplace

    @property
    def table(self) -> dict[str, Exercise]:
        """Return the exercise table of the release."""
        return self.variant.table

    def solved(self, only: set[str] | None) -> dict[str, bytes]:
        """Return the files with solutions put in.

        Parameters
        ----------
        only : set of str, ids of exercises and questions; None for all, and the stored outputs
        """
        return restore_files(self.files, self.reference, only, self.variant.without_stub)

    def readme_commands_work(self) -> str:
        """Build the environment and start the notebooks, as the README says."""
        readme = self.files["README.md"].decode().splitlines()
        commands = [line.partition("#")[0].split() for line in readme if line.startswith("make ")]
        if commands[:2] != [["make", "lab"], ["make", "test"]]:
            raise ProofError(f"the README opens with {commands[:2]}")
        self.work.require("make", "in-place")
        return f"`make lab` opens {', '.join(self.work.lab())}"

    def tests_are_open_or_pass(self) -> str:
        """Run ``make test`` on the stubs: what fails must have ended at one."""
        count, failures, said = self.work.test()
        other = [f for f in failures if ".ipynb, section" not in f.message]
        if other:
            lines = "\n".join(f"{f.test}: {f.message}" for f in other)
            raise ProofError(f"tests fail that do not end at a stub:\n{lines}")
        if "open exercises" not in said or not failures:
            raise ProofError(f"`make test` does not say what is open:\n{said[-3000:]}")
        return f"of {count} tests {len(failures)} end at a stub, all others pass"

    def everything_is_open(self) -> str:
        """Look at the board of the stubs."""
        self._require_green(self.work.board(), set())
        return "each exercise and question is open"

    def solutions_show_or_stay_at_home(self) -> str:
        """Ask twice for a solution, which the self-study edition shows, and a course's has not."""
        key = next(key for key in self.table if key in CHECKS and not self.table[key].is_given)
        ask = partial(self.work.require, ".venv/bin/python", "-m", "cs682", "solution", key)
        first, second = ask(), ask()
        regions = self.reference.all_regions()
        solution = next(region.solution for region in regions if region.exercise == key)
        line = solution.splitlines()[0].strip()
        if line in first or (line in second) != self.variant.self_study:
            raise ProofError(f"`solution {key}` says:\n{first}\nand then:\n{second}")
        return (
            f"asked for twice, a solution {'shows' if self.variant.self_study else 'is not there'}"
        )

    def solve(self, solved: set[str], exercise: str) -> str:
        """Put one more solution in; exactly its exercise must turn green.

        Parameters
        ----------
        solved : set of str, those that are in; the exercise is added
        exercise : str, id of an exercise or a question
        """
        solved.add(exercise)
        self.work.write(self.solved(solved))
        self._require_green(self.work.board(), solved)
        return f"{exercise} turns green, and nothing else"

    def _require_green(self, board: Board, solved: set[str]) -> None:
        """Raise unless these exercises are green and no other; given code may be either."""
        green = {key for key, state in board.states.items() if state in ("passed", "answered")}
        wrong = sorted(key for key, state in board.states.items() if state == "wrong")
        given = {key for key, row in self.table.items() if row.is_given}
        if set(board.states) != set(self.table) or wrong or green - given != solved - given:
            raise ProofError(f"green should be {sorted(solved)}, but the board is {board.states}")

    def reference_is_back(self) -> str:
        """Put everything in, outputs too: the files are the reference's, the board is full."""
        restored, expected = self.solved(None), self._expected()
        self.work.write(restored)
        if differing := [path for path in expected if restored[path] != expected[path]]:
            raise ProofError(f"with all solutions these differ from the reference: {differing}")
        board, points = self.work.board(), sum(row.points for row in self.table.values())
        if not board.caption.startswith(f"{points} of {points} points: "):
            raise ProofError(f"the board of the solved release says: {board.caption}")
        return f"the reference is back; {board.caption}"

    def _expected(self) -> dict[str, bytes]:
        """Return what all solutions must give: the reference, naming the course's repository.

        What a variant hands out stays without markers, so there nothing is compared.
        """
        if VARIANT in self.files:
            return {}
        source = say_for_whom(self.reference.source.files, self.variant)
        old, new = (json.loads(x[SETTINGS])["repository"].encode() for x in (source, self.files))
        return {path: data.replace(old, new) for path, data in source.items()}

    def notebooks_run(self) -> str:
        """Run the cells of the solved release under nbval, strictly.

        Its other tests are the reference's own, which ``make test`` runs here.

        Raises
        ------
        ProofError
            If a cell fails; the message names each.
        """
        count, failures, _ = self.work.test("-k", "ipynb")
        if failures:
            lines = "\n".join(f"{f.test}: {f.message}" for f in failures)
            raise ProofError(f"cells of the solved release fail:\n{lines}")
        return f"all {count} cells of the solved release pass"


def unpack(archive: Path, source: Source) -> tuple[dict[str, bytes], Variant]:
    """Read a release and hold it against what the source gives now.

    Returns
    -------
    variant : Variant, the one that the release was cut with

    Raises
    ------
    ProofError
        If the zip is another than the source gives.
    """
    with zipfile.ZipFile(archive) as opened:
        found = {
            entry.filename.partition("/")[2]: opened.read(entry) for entry in opened.infolist()
        }
    written = json.loads(found.get(VARIANT, b"{}"))
    variant = variant_of(written)
    repository = json.loads(found[SETTINGS])["repository"]
    files = cut(source, variant, repository).files
    differing = sorted(path for path in {*files, *found} if files.get(path) != found.get(path))
    if differing:
        raise ProofError(f"{archive} is not what this source gives: {', '.join(differing)} differ")
    return files, variant


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``prove`` to the staff's command line.

    Parameters
    ----------
    commands : the subparsers of ``python -m staff``; one more is added
    """
    parser = commands.add_parser("prove", help="show that the release works and holds no answer")
    parser.add_argument("zip", nargs="?", type=Path, help="(default: cut it from this source)")
    parser.add_argument(
        "--quick", action="store_true", help="leave out the run of the solved notebooks (minutes)"
    )
    parser.add_argument("--keep", action="store_true", help="leave the unpacked release there")
    parser.set_defaults(run=run_command)


def run_command(args: argparse.Namespace) -> int:
    """Prove a release, and report each step on a line.

    Parameters
    ----------
    args : namespace with ``zip``, ``quick`` and ``keep``

    Returns
    -------
    status : int, 0 if every claim held, else 1
    """
    folder = Path(tempfile.mkdtemp(prefix="cs682-release-"))
    try:
        _prove(args, folder)
    except (ProofError, OSError, ValueError, zipfile.BadZipFile) as error:
        print(f"error: {error}\nThe release is in {folder}.", file=sys.stderr)  # noqa: T201
        return 1
    if args.keep:
        _say(f"The release is in {folder}.")
    else:
        shutil.rmtree(folder)
    return 0


def _prove(args: argparse.Namespace, folder: Path) -> None:
    """Go through all claims, in the order in which a student meets them."""
    source = read_source()
    archive = args.zip or write_zip(cut(source), folder)
    files, variant = unpack(archive, source)
    home = folder / "elsewhere" / json.loads(files[SETTINGS])["name"]
    shutil.unpack_archive(archive, home.parent)
    claims = Claims(files, read_reference(source), variant, Workplace.make(home, _data()))
    _say(f"ok  {archive.name} is what this source gives, and holds no solution line")
    _step(claims.readme_commands_work)
    _step(claims.tests_are_open_or_pass)
    _step(claims.everything_is_open)
    _step(claims.solutions_show_or_stay_at_home)
    solved: set[str] = set()
    for key, row in claims.table.items():
        if not row.is_given and key not in TRAININGS:
            _step(partial(claims.solve, solved, key))
    _step(claims.reference_is_back)
    if not args.quick:
        _step(claims.notebooks_run)


def _data() -> Path | None:
    """Return the images of this machine, which the release then need not bring anew."""
    try:
        return find_cifar10()
    except FileNotFoundError:
        return None


def _step(claim: Callable[[], str]) -> None:
    """Let one claim show itself, and say what it showed and how long it took."""
    start = time.monotonic()
    _say(f"ok  {claim()} ({time.monotonic() - start:.0f} s)")


def _say(text: str) -> None:
    """Report progress on standard output, at once."""
    print(text, flush=True)  # noqa: T201 - this is a command line

"""Commands of the course package: `python -m cs682 COMMAND`."""

from __future__ import annotations

import argparse
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from cs682._files import MISSING, SOLUTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from cs682.training.progress import DownloadProgress


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status.

    Parameters
    ----------
    argv : sequence of str, optional; the words after `python -m cs682` (default: from the shell)

    Returns
    -------
    status : int; 0 when the command did what it says, 1 when it could not, 130 after Ctrl-C
    """
    parser = _parser()
    args, options = parser.parse_known_args(argv)
    if options and args.run is not _run_lab:
        parser.error(f"unrecognized arguments: {' '.join(options)}")
    args.options = options
    try:
        return int(args.run(args))
    except KeyboardInterrupt as stop:
        _complain(str(stop) or args.interrupted)
        return 130
    except BrokenPipeError:  # `| head` has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes at its end
        return 1
    except Exception as error:
        if not (said := _say_error(error)):
            raise
        _complain(said)
        return 1


def _say_error(error: Exception) -> str:
    """Say what to do about files that Python cannot load; empty if it is another trouble."""
    from cs682.setup.assignment import say_hiding

    if said := say_hiding(error):
        return said
    if isinstance(error, SyntaxError):
        return (
            f"{error.filename} line {error.lineno} is no Python ({error.msg}). If Git has left a "
            "conflict there, solve it; else fetch the assignment anew"
        )
    return _say_import(error) if isinstance(error, ImportError) else ""


def _say_import(error: ImportError) -> str:
    """Say what to do about something that cannot be imported."""
    name = error.name or ""
    if isinstance(error, ModuleNotFoundError) and name.startswith("cs682."):
        return f"{name.replace('.', '/')}.py {MISSING}"
    return f"{error}: `python -m cs682 doctor` says what is wrong and how to mend it"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m cs682", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_data(commands)
    _add_check(commands)
    _add_for_exercise(commands)
    _add_update(commands)
    _add_progress(commands)
    if not SOLUTIONS.exists():  # who learns alone has nobody to hand in to
        _add_submit(commands)
    _add_doctor(commands)
    _add_lab(commands)
    return parser


def _add_check(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command `check`."""
    text = "Check exercises, and say what is wrong with those that fail."
    parser = commands.add_parser("check", help=text, description=text)
    text = "such as fc-1.1, fc-1, affine_forward or layers.py (default: all)"
    parser.add_argument("names", nargs="*", metavar="NAME", help=text)
    _add_seconds(parser, "one check")
    said = "interrupted; what is printed above has been checked"
    parser.set_defaults(run=_run_check, usage_error=parser.error, interrupted=said)


def _add_seconds(parser: argparse.ArgumentParser, which: str) -> None:
    """Describe the option that bounds checks."""
    text = f"the longest that {which} may take (default: 120)"
    parser.add_argument("--seconds", type=_positive, default=120, help=text)


def _positive(text: str) -> float:
    """Return the number of a text; ValueError unless it is above 0."""
    if not 0 < (number := float(text)) < threading.TIMEOUT_MAX:
        raise ValueError(text)
    return number


def _run_check(args: argparse.Namespace) -> int:
    """Check the exercises asked for. Status 1: one of them is open or wrong."""
    from cs682.checks import board

    try:
        return board.run_checks(args.names, seconds=args.seconds)
    except ValueError as error:
        args.usage_error(str(error))
        raise  # for the reader: usage_error has ended the process


def _add_for_exercise(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the commands that are about one exercise."""
    for name, run, text, said in (
        (
            "hint",
            _run_hint,
            "Give the next of the three hints to an exercise.",
            "interrupted; the same command gives the next hint",
        ),
        (
            "solution",
            _run_solution,
            "Show the solution of an exercise that passes, or that you ask for twice.",
            "interrupted; nothing was changed",
        ),
        (
            "reset",
            _run_reset,
            "Put an exercise back as given out, and keep what you wrote in the folder `kept`.",
            "interrupted; what you wrote is in its place, or in the folder `kept`",
        ),
    ):
        is_there = name != "solution" or SOLUTIONS.exists()
        shown: dict[str, Any] = {"help": text} if is_there else {}
        parser = commands.add_parser(name, description=text, **shown)
        parser.add_argument("name", metavar="NAME", help="such as fc-1.1 or affine_forward")
        parser.set_defaults(run=run, usage_error=parser.error, interrupted=said)


def _run_hint(args: argparse.Namespace) -> int:
    """Print the next hint to an exercise."""
    from cs682.checks.hints import next_hint

    return _tell(args, next_hint)


def _tell(args: argparse.Namespace, tell: Callable[[str], str]) -> int:
    """Print what there is to say of an exercise."""
    try:
        print(tell(args.name))  # noqa: T201  # a command talks to its user
    except ValueError as error:
        args.usage_error(str(error))
    return 0


def _run_solution(args: argparse.Namespace) -> int:
    """Print the solution of an exercise, or why not yet."""
    from cs682.checks.solutions import tell_solution

    return _tell(args, tell_solution)


def _run_reset(args: argparse.Namespace) -> int:
    """Put an exercise back. Status 1: it cannot be done, and nothing was changed."""
    from cs682.setup.reset import ResetError, reset

    try:
        return _tell(args, reset)
    except ResetError as error:
        _complain(str(error))
        return 1


def _add_update(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command `update`."""
    text = "Take up a newer release of the assignment, and keep your work."
    parser = commands.add_parser("update", help=text, description=text)
    text = "its zip file or https address (default: the newest that was put out)"
    parser.add_argument("release", nargs="?", default="", metavar="FILE|URL", help=text)
    parser.add_argument("--undo", action="store_true", help="put back what the last update changed")
    said = "interrupted; nothing was changed, and --undo goes on where it was"
    parser.set_defaults(run=_run_update, usage_error=parser.error, interrupted=said)


def _run_update(args: argparse.Namespace) -> int:
    """Update the assignment, or undo that. Status 1: it cannot be done, and nothing was changed."""
    from cs682.setup.new_release import UpdateError
    from cs682.setup.update import undo, update

    if args.undo and args.release:
        args.usage_error("--undo takes no file: it puts back what the last update changed")
    try:
        print(undo() if args.undo else update(args.release))  # noqa: T201  # a command talks
    except UpdateError as error:
        _complain(str(error))
        return 1
    return 0


def _add_progress(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command `progress`."""
    text = "Show all exercises with their state and points. Status 1: one of them is wrong."
    parser = commands.add_parser("progress", help=text, description=text)
    text = "add the board to a file too, with what is wrong: a hosted job's summary"
    parser.add_argument("--markdown", type=Path, metavar="FILE", help=text)
    _add_seconds(parser, "all checks together")
    parser.set_defaults(run=_run_progress, interrupted="interrupted; nothing was changed")


def _run_progress(args: argparse.Namespace) -> int:
    """Print the board. Status 1: an exercise is wrong; what is open is not."""
    from cs682.checks import board

    return board.run_progress(args.markdown, seconds=args.seconds)


def _add_doctor(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command `doctor`."""
    text = "Look over Python, packages, kernel, data and disk, and say how to mend what is wrong."
    parser = commands.add_parser("doctor", help=text, description=text)
    parser.set_defaults(run=_run_doctor, interrupted="interrupted; nothing was changed")


def _run_doctor(_: argparse.Namespace) -> int:
    """Look things over. Status 1: something keeps the notebooks from working."""
    from cs682.setup import doctor

    return doctor.run()


def _add_lab(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command `lab`."""
    text = "Open the notebooks in JupyterLab, with the file to write in beside them."
    text += " Options are handed on to `jupyter lab`."
    parser = commands.add_parser("lab", help=text, description=text)
    parser.set_defaults(run=_run_lab, interrupted="JupyterLab has ended")


def _run_lab(args: argparse.Namespace) -> int:
    """Start JupyterLab, and wait for its end."""
    from cs682.setup import lab

    return lab.open_lab(args.options)


def _add_submit(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command `submit`."""
    text = "Pack your work into one zip file to hand in, and say what is still open."
    parser = commands.add_parser("submit", help=text, description=text)
    parser.add_argument("--out", type=Path, metavar="FILE", help="the zip file to write")
    said = "interrupted; no hand-in was written"
    parser.set_defaults(run=_run_submit, interrupted=said)


def _run_submit(args: argparse.Namespace) -> int:
    """Pack a hand-in. Status 1: it cannot be packed."""
    from cs682.hand_in import pack as submit

    print("Looking over your work, which can take a minute.", flush=True)  # noqa: T201  # no silence
    try:
        out, hand_in = submit.submit(args.out)
    except (submit.HandInError, FileNotFoundError, ValueError) as error:
        _complain(f"nothing to hand in yet: {error}")
        return 1
    print(submit.describe(out, hand_in))  # noqa: T201  # the command's whole purpose
    return 0


def _add_data(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command `data`."""
    text = "Bring CIFAR-10 (170 MB) to where the notebooks find it."
    parser = commands.add_parser("data", help=text, description=text)
    parser.add_argument("--dest", type=Path, metavar="DIR", help="folder to put it into")
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--mirror", action="append", default=[], metavar="URL", help="try this address first"
    )
    source.add_argument("--offline", action="store_true", help="never use the network")
    source.add_argument("--stand-in", action="store_true", help="make synthetic data instead")
    source.add_argument(
        "--in-place",
        action="store_true",
        help="use the data that is here, else download it, else make synthetic data",
    )
    parser.add_argument("--seed", type=int, metavar="N", help="of the stand-in (default: 682)")
    said = "interrupted; the same command goes on where it stopped"
    parser.set_defaults(run=_run_data, usage_error=parser.error, interrupted=said)


def _run_data(args: argparse.Namespace) -> int:
    """Bring CIFAR-10, or its stand-in. Status 2: CS682_DATA names a place that holds no data."""
    from cs682.cifar10.fetch import DownloadError
    from cs682.training.progress import DownloadProgress

    if args.seed is not None and not args.stand_in:
        args.usage_error("--seed belongs to --stand-in")
    try:
        with DownloadProgress() as bar:
            _bring_data(args, bar)
    except (DownloadError, ValueError) as error:
        _complain(str(error))
        explicit = args.offline and args.dest is None and os.environ.get("CS682_DATA")
        return 2 if explicit else 1
    return 0


def _bring_data(args: argparse.Namespace, bar: DownloadProgress) -> None:
    """Get the kind of data that was asked for."""
    from cs682.cifar10 import download
    from cs682.cifar10.in_place import put_data_in_place

    seen = sys.stderr.isatty()
    if args.stand_in:
        seed = 682 if args.seed is None else args.seed
        download.get_stand_in(args.dest, seed=seed, report=bar.log, show_progress=seen)
    elif args.in_place:
        put_data_in_place(args.dest, report=bar.log, progress=bar, show_progress=seen)
    else:
        archive = download.with_mirrors(args.mirror, download.CIFAR10)
        download.get_data(
            args.dest, archive=archive, offline=args.offline, report=bar.log, progress=bar
        )


def _complain(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201  # a command talks to its user


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # Windows' pipes: cp1252
    sys.exit(main())

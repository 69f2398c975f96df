"""``python -m benchmarks``: measure, print each line as it comes, and store the table."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

from benchmarks import images, layers, machine, report, training_steps, whole
from benchmarks.apart import Side
from benchmarks.pairs import Line, Result, measure, timer

FOLDER = Path(__file__).resolve().parent
GROUPS = (
    "step",
    "augment",
    "layer",
    "convolution",
    "import",
    "data",
    "check",
    "grading",
    "notebook",
)
APART = (
    training_steps.GROUP,
    layers.GROUP,
    images.GROUP,
)  # groups whose sides get processes of their own
NOTEBOOKS = ("Dropout", "BatchNormalization", "FullyConnectedNets", "ConvolutionalNetworks")


def main() -> None:
    """Run the benchmarks that were asked for."""
    options = _options()
    about = machine.describe()
    about["sgemm"] = f"{machine.sgemm_rate() / 1e9:.0f} GFLOP/s"
    about["memory"] = f"{machine.bandwidth() / 1e9:.1f} GB/s"
    for key, value in about.items():
        _say(f"{key}: {value}")
    _say(report.HEADER + "\n" + report.RULE)

    results: list[Result] = []
    failed: list[str] = []
    with ExitStack() as stack:
        apart: dict[str, Side] = {}
        for line in _lines(options):
            if line.group in APART:
                for name in line.sides.keys() - apart.keys():
                    apart[name] = stack.enter_context(closing(Side(name)))
            try:
                results.append(_measure(line, apart, options))
            except RuntimeError as error:  # minutes of other lines shall not be lost with it
                failed.append(line.name)
                _say(f"FAILED {line.name}: {error}")
                continue
            _say(report.row(results[-1]))
    for what, wanted, value, reached in report.targets(results):
        _say(f"{'reached' if reached else 'MISSED '}  {what} {wanted}: {value}")
    about["load after"] = machine.load()
    if options.store:
        report.write(options.store, about, results)
        _say(f"Stored in {options.store / 'RESULTS.md'} and RESULTS.json.")
    if failed:
        sys.exit(f"{len(failed)} lines failed: {', '.join(failed)}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=GROUPS, default=GROUPS, help="groups of lines")
    parser.add_argument("--rounds", type=int, default=9, help="turns of each side (default 9)")
    parser.add_argument("--turn", type=float, default=0.15, help="seconds of a turn")
    parser.add_argument("--quick", action="store_true", help="about 11 minutes: one notebook")
    parser.add_argument("--match", default="", help="only lines with this in their name")
    parser.add_argument("--store", type=Path, nargs="?", const=FOLDER, help="folder for the table")
    return parser.parse_args()


def _measure(line: Line, apart: dict[str, Side], options: argparse.Namespace) -> Result:
    """Measure a line, its sides in processes of their own where their threads would meet."""
    if line.group in APART:
        timers = {name: apart[name].timer(line) for name in line.sides}
    else:
        timers = {name: timer(line, name) for name in line.sides}
    return measure(line, timers, rounds=options.rounds, turn=options.turn)


def _lines(options: argparse.Namespace) -> Iterator[Line]:
    """Give the lines that were asked for, each made only when its turn comes."""
    notebooks = NOTEBOOKS[:1] if options.quick else NOTEBOOKS
    sources: dict[str, Callable[[], Iterator[Line]]] = {
        "step": training_steps.lines,
        "augment": training_steps.augmentation_lines,
        "layer": layers.lines,
        "convolution": images.lines,
        "import": whole.import_lines,
        "data": whole.loading_lines,
        "check": whole.gradient_check_lines,
        "grading": whole.grading_lines,
        "notebook": lambda: whole.notebook_lines(notebooks),
    }
    for group in options.only:
        try:
            yield from (line for line in sources[group]() if options.match in line.name)
        except FileNotFoundError as error:
            _say(f"No lines on {group}: {error}")


def _say(text: str) -> None:
    """Print at once: a table that grows is watched."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

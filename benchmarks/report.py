"""The table: printed line by line, and stored as Markdown and JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from statistics import fmean, geometric_mean
from typing import Any

from benchmarks.pairs import LIMIT, OURS, PLAIN, Result, Spread
from benchmarks.pytorch import NAME as TORCH

HEADER = "| what | cs682 | of PyTorch's time | of plain float64's | of another | of the limit |"
RULE = "|---|--:|--:|--:|--:|--:|"


def row(result: Result) -> str:
    """Return a line of the table."""
    others = [
        f"{name}: {_ratio(ratio)}"
        for name, ratio in result.ratios.items()
        if name not in (TORCH, PLAIN, LIMIT)
    ]
    cells = [
        result.name + (f" ({result.note})" if result.note else ""),
        _time(result.seconds[OURS].median),
        _ratio(result.ratios.get(TORCH)),
        _ratio(result.ratios.get(PLAIN)),
        ", ".join(others),
        "" if result.of_limit is None else f"{result.of_limit:.0%}",
    ]
    return "| " + " | ".join(cells) + " |"


def targets(results: list[Result]) -> list[tuple[str, str, str, bool]]:
    """Return what was to be reached, what was measured, and whether it was."""
    steps = [r for r in results if r.group == "training step"]
    torch = {r.name: r.ratios[TORCH].median for r in steps if TORCH in r.ratios}
    found = []
    if torch:
        worst = max(torch, key=lambda name: torch[name])
        found.append(_at_most(0.80, torch[worst], "step / PyTorch, worst line", worst))
        found.append(_at_most(0.65, fmean(torch.values()), "step / PyTorch, mean"))
    if steps:
        slowest = max(steps, key=lambda r: r.ratios[PLAIN].median)
        value = slowest.ratios[PLAIN].median
        found.append(_at_most(0.50, value, "step / plain float64, worst line", slowest.name))
        wide = [r for r in steps if r.name.startswith("[512, 256, 128]")]
        if wide:
            least = min(wide, key=lambda r: r.of_limit or 0)
            what = "limit / step, [512, 256, 128]"
            found.append(_at_least(0.50, least.of_limit or 0, what, least.name))
    images = [r for r in results if r.group == "convolution"]
    of_torch = [r.ratios[TORCH].median for r in images if TORCH in r.ratios]
    if of_torch:
        what = "convolution / PyTorch, geometric mean"
        found.append(_at_most(2.00, geometric_mean(of_torch), what))
    return found + [aim for result in results for aim in _targets_of_line(result)]


def _targets_of_line(result: Result) -> Iterator[tuple[str, str, str, bool]]:
    """Give what a single line of the table was to reach."""
    if "loops" in result.ratios:
        yield _at_least(100, 1 / result.ratios["loops"].median, "loops / convolution")
    if "backward" in result.ratios:
        gain = 1 / result.ratios["backward"].median
        yield _at_least(1.50, gain, f"backward / {result.name}")
    if "import numpy" in result.ratios:
        value = result.ratios["import numpy"].median
        yield _at_most(1.15, value, "import cs682.layers / numpy")
    if result.group == "data":
        yield _at_most(2.00, result.seconds[OURS].median, "loading, seconds")


def _at_most(aim: float, value: float, what: str, where: str = "") -> tuple[str, str, str, bool]:
    """Return a row of what was to be reached, from below."""
    return what, f"<= {_short(aim)}", _measured(value, where), value <= aim


def _at_least(aim: float, value: float, what: str, where: str = "") -> tuple[str, str, str, bool]:
    """Return a row of what was to be reached, from above."""
    return what, f">= {_short(aim)}", _measured(value, where), value >= aim


def _short(aim: float) -> str:
    return f"{aim:.0f}" if aim >= 100 else f"{aim:.2f}"


def _measured(value: float, where: str) -> str:
    return f"{value:.2f}" + (f" ({where})" if where else "")


def write(folder: Path, machine: dict[str, str], results: list[Result]) -> None:
    """Store the table as RESULTS.md and everything measured as RESULTS.json."""
    text = ["# Benchmark results", "", "Written by `make bench`; how to read it: `NOTES.md`.", ""]
    text += [f"- {key}: {value}" for key, value in machine.items()]
    text += ["", "| target | wanted | measured | reached |", "|---|--:|--:|---|"]
    text += [
        f"| {what} | {wanted} | {value} | {'yes' if reached else '**no**'} |"
        for what, wanted, value, reached in targets(results)
    ]
    for group in dict.fromkeys(result.group for result in results):
        text += ["", f"## {group.capitalize()}", "", HEADER, RULE]
        text += [row(result) for result in results if result.group == group]
    (folder / "RESULTS.md").write_text("\n".join(text) + "\n", encoding="utf-8")
    (folder / "RESULTS.json").write_text(_records(machine, results), encoding="utf-8")


def _records(machine: dict[str, str], results: list[Result]) -> str:
    """Return everything measured as JSON, one record a line, so that a new run is a small diff."""
    lines = ",\n".join(json.dumps(_rounded(asdict(result))) for result in results)
    return f'{{"machine": {json.dumps(machine)},\n"results": [\n{lines}\n]}}\n'


def _rounded(value: Any) -> Any:
    """Return a record with four digits of each number; the fifth is noise."""
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(part) for part in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


def _time(seconds: float) -> str:
    if seconds < 1e-3:
        return f"{seconds * 1e6:.0f} µs"
    return f"{seconds * 1e3:.2f} ms" if seconds < 1 else f"{seconds:.2f} s"


def _ratio(ratio: Spread | None) -> str:
    return "" if ratio is None else f"{ratio.median:.2f} ({ratio.low:.2f} to {ratio.high:.2f})"

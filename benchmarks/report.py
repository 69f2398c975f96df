"""The table: printed line by line, and stored as Markdown and JSON."""

from __future__ import annotations

import json
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

    def add(what: str, wanted: str, value: float, reached: bool, where: str = "") -> None:
        found.append((what, wanted, f"{value:.2f}" + (f" ({where})" if where else ""), reached))

    if torch:
        worst = max(torch, key=lambda name: torch[name])
        add("step / PyTorch, worst line", "<= 0.80", torch[worst], torch[worst] <= 0.8, worst)
        mean = fmean(torch.values())
        add("step / PyTorch, mean", "<= 0.65", mean, mean <= 0.65)
    if steps:
        worst_plain = max(steps, key=lambda r: r.ratios[PLAIN].median)
        value = worst_plain.ratios[PLAIN].median
        add("step / plain float64, worst line", "<= 0.50", value, value <= 0.5, worst_plain.name)
        wide = [r for r in steps if r.name.startswith("[512, 256, 128]")]
        if wide:
            least = min(wide, key=lambda r: r.of_limit or 0)
            share = least.of_limit or 0
            add("limit / step, [512, 256, 128]", ">= 0.50", share, share >= 0.5, least.name)
    images = [r for r in results if r.group == "convolution"]
    of_torch = [r.ratios[TORCH].median for r in images if TORCH in r.ratios]
    if of_torch:
        mean = geometric_mean(of_torch)
        add("convolution / PyTorch, geometric mean", "<= 2.00", mean, mean <= 2)
    for result in results:
        if "loops" in result.ratios:
            gain = 1 / result.ratios["loops"].median
            add("loops / convolution", ">= 100", gain, gain >= 100)
        if "backward" in result.ratios:
            gain = 1 / result.ratios["backward"].median
            add(f"backward / {result.name}", ">= 1.50", gain, gain >= 1.5)
        if "import numpy" in result.ratios:
            value = result.ratios["import numpy"].median
            add("import cs682.layers / numpy", "<= 1.15", value, value <= 1.15)
        if result.group == "data":
            value = result.seconds[OURS].median
            add("loading, seconds", "<= 2.00", value, value <= 2)
    return found


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

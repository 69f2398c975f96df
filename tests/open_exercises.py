"""Tests and cells that stop at an open exercise, told as a to-do list and not as tracebacks.

A test is *open* when it ends at a stub, whose message names exercise and section. It counts as
failed, so the command's exit status says that work is left, but it is shown with its one line. A
notebook cell is open too when it fails over a name that an open cell above was to define.
"""

from __future__ import annotations

import ast
import re

import pytest

from cs682.checks import EXERCISES

STUB = re.compile(r"(?P<name>[\w.]+): see (?P<notebook>\w+\.ipynb), section (?P<section>[\d.]+)")


class OpenExercises:
    """A plugin of pytest, for all items: a conftest's own hooks would miss the notebooks."""

    def __init__(self):
        self._open_cells = {}  # notebook -> names that an open cell owes, and its stub

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item, call):
        report = yield
        if report.failed and (stub := self._find_stub(item, call.excinfo.value)):
            report.open_stub = report.longrepr = stub
        return report

    def _find_stub(self, item, error):
        """Return the line of the stub at which a test or a cell ended, or None."""
        cell = getattr(item, "cell", None)
        if cell is None:
            return last_stub(str(error)) if says_open(error) else None
        open_above = self._open_cells.setdefault(item.parent, [])
        found = last_stub(str(getattr(error, "inner_traceback", "")))
        if not found:
            lacking = names_read(cell.source)
            found = next((stub for names, stub in open_above if names & lacking), None)
        if found:
            due = names_bound(cell.source) | {found.partition(":")[0]}
            open_above.append((due, found))
        return found

    def pytest_report_teststatus(self, report):
        if hasattr(report, "open_stub"):
            return "open", "o", ("OPEN", {"yellow": True})
        return None

    def pytest_terminal_summary(self, terminalreporter):
        stubs = [report.open_stub for report in terminalreporter.stats.get("open", [])]
        if not stubs:
            return
        terminalreporter.section("open exercises", yellow=True)
        for line in to_do_list(stubs):
            terminalreporter.write_line(line)


def says_open(error):
    """Tell whether an exception comes from a stub, or from a check or a search that met one."""
    known = isinstance(error, NotImplementedError) or type(error).__name__ == "CheckError"
    return known or "NotImplementedError: " in str(error)


def last_stub(text):
    """Return the last line of a stub in a text, or None."""
    in_one_line = " ".join(text.split())  # a notebook wraps long messages
    found = [match[0] for match in STUB.finditer(in_one_line)]
    return found[-1] if found else None


def names_bound(source):
    """Return the names that a cell defines."""
    nodes = list(ast.walk(ast.parse(source)))
    stored = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return stored | {n.name for n in nodes if isinstance(n, (ast.FunctionDef, ast.ClassDef))}


def names_read(source):
    """Return the names that a cell reads and does not define itself."""
    nodes = ast.walk(ast.parse(source))
    read = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    return read - names_bound(source)


def to_do_list(stubs):
    """Give a line for each exercise at which something ended, in the order of the table."""
    ended = [STUB.fullmatch(stub) for stub in stubs]
    lines = []
    for row in EXERCISES.values():
        here = [m for m in ended if (m["notebook"], m["section"]) == (row.notebook, row.section)]
        if here:
            names = " and ".join(dict.fromkeys(m["name"] for m in here))
            waiting = "1 test waits" if len(here) == 1 else f"{len(here)} tests wait"
            lines.append(f"{row.id}  {names} in {row.file}: {waiting}")
    first = lines[0].partition(" ")[0]
    return [*lines, f"Next: {first}. One exercise at a time: pytest --exercise {first}"]

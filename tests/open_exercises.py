"""Tests and cells that stop at an open exercise, told as a to-do list and not as tracebacks.

A test is *open* when it ends at a stub, whose message names exercise and section. It is shown with
its one line, and as long as nothing else fails the command ends well: what is open is not broken.
A notebook cell is open too when it fails over a name that an open cell above was to define, or a
network that it was to keep.

A cell that takes too long is a failure of that cell alone: those below it keep their own verdicts.

With ``--stored-trainings`` cells that train are not run: their stored results count. They are
skipped, and so is what fails for want of them.
"""

from __future__ import annotations

import ast
import re

import pytest

from cs682.checks import EXERCISES

PATIENCE = 60  # seconds that a busy machine has to hand on the output of a cell that has ended
TRAINS = re.compile(r"\.train\(|\bsearch\(")
NOT_RUN = "a training, of which the stored result counts"
STUB = re.compile(r"(?P<name>[\w.]+): see (?P<notebook>\w+\.ipynb), section (?P<section>[\d.]+)")
KEEPS = re.compile(r'\bkeep_model\(("[\w.-]+")')
LOADS = re.compile(r'\bload_model\(("[\w.-]+")')
FRAME = re.compile(r"\bin (\w+)\(")  # of a traceback
UNFINISHED = re.compile(r"\b([a-z]{2}-\d\.\d) is not finished")


class OpenExercises:
    """A plugin of pytest, for all items: a conftest's own hooks would miss the notebooks."""

    def __init__(self):
        self._open_cells = {}  # notebook -> names that an open cell owes, and its stub

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item):
        if hasattr(item, "cell"):
            item.parent.timed_out = False  # else nbval expects all cells below to fail
            item.output_timeout = PATIENCE
            if item.config.getoption("--stored-trainings") and TRAINS.search(item.cell.source):
                self._owe(item, NOT_RUN)
                pytest.skip(NOT_RUN)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item, call):
        report = yield
        error = call.excinfo and call.excinfo.value  # a report can fail without one
        if call.when == "call" and took_too_long(item, error):
            limit = item.config.option.nbval_cell_timeout
            report.outcome = "failed"  # a cell that went on after the interrupt as well
            report.longrepr = f"{item.name} took longer than {limit:g} s:\n\n{item.cell.source}"
        elif report.failed and error and (stub := self._find_stub(item, call)):
            if stub == NOT_RUN:
                report.outcome, report.longrepr = "skipped", (*item.location[:2], stub)
            else:
                report.open_stub = report.longrepr = stub
        return report

    def _find_stub(self, item, call):
        """Return the line of the stub at which a test or a cell ended, or `NOT_RUN`, or None."""
        error = call.excinfo.value
        cell = getattr(item, "cell", None)
        if cell is None:
            frames = " ".join(f"in {entry.name}(" for entry in call.excinfo.traceback)
            text = f"{frames} {type(error).__name__}: {error}"
            return last_stub(text) if says_open(error) else None
        open_above = self._open_cells.setdefault(item.parent, [])
        found = last_stub(str(getattr(error, "inner_traceback", "")))
        if not found:
            lacking = names_read(cell.source)
            found = next((stub for names, stub in open_above if names & lacking), None)
        if found:
            self._owe(item, found)
        return found

    def _owe(self, item, reason):
        """Note what a cell that is open or not run was to define, for those below it."""
        due = names_bound(item.cell.source) | {reason.partition(":")[0]}
        self._open_cells.setdefault(item.parent, []).append((due, reason))

    def pytest_report_teststatus(self, report):
        if hasattr(report, "open_stub"):
            return "open", "o", ("OPEN", {"yellow": True})
        return None

    def pytest_sessionfinish(self, session, exitstatus):
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        if exitstatus != pytest.ExitCode.TESTS_FAILED or session.shouldfail or reporter is None:
            return
        if "open" in reporter.stats and not {"failed", "error"} & set(reporter.stats):
            session.exitstatus = pytest.ExitCode.OK

    def pytest_terminal_summary(self, terminalreporter):
        stubs = [report.open_stub for report in terminalreporter.stats.get("open", [])]
        if not stubs:
            return
        terminalreporter.section("open exercises", yellow=True)
        for line in to_do_list(stubs):
            terminalreporter.write_line(line)


def took_too_long(item, error):
    """Tell whether nbval interrupted a cell, and not only gave up waiting for what it printed."""
    return getattr(item.parent, "timed_out", False) and "waiting for output" not in str(error)


def says_open(error):
    """Tell whether an exception comes from a stub, or from a check or a search that met one."""
    known = isinstance(error, NotImplementedError) or type(error).__name__ == "CheckError"
    return known or "NotImplementedError: " in str(error)


def last_stub(text):
    """Return the last line of a stub in a text, or None."""
    in_one_line = " ".join(text.split())  # a notebook wraps long messages
    found = [match[0] for match in STUB.finditer(in_one_line)]
    return found[-1] if found else own_stub(in_one_line)


def own_stub(text):
    """Return what the stub would say of a function that raises as one, in other words, or None."""
    last = FRAME.findall(text)[-1:] if "NotImplementedError" in text else []
    for name in UNFINISHED.findall(text) or last:
        for row in EXERCISES.values():
            if name in (row.id, *(function.rpartition(".")[2] for function in row.functions)):
                return f"{row.functions[0]}: see {row.notebook}, section {row.section}"
    return None


def names_bound(source):
    """Return the names that a cell defines, and the quoted ids of the networks that it keeps."""
    nodes = list(ast.walk(ast.parse(source)))
    stored = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    defined = {n.name for n in nodes if isinstance(n, (ast.FunctionDef, ast.ClassDef))}
    return stored | defined | set(KEEPS.findall(source))


def names_read(source):
    """Return the names, or quoted ids of networks, that a cell reads and does not define itself."""
    nodes = ast.walk(ast.parse(source))
    read = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    return (read | set(LOADS.findall(source))) - names_bound(source)


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

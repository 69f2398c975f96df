"""Ask the released tests of an exercise about an answer: what its check passes, they must pass."""

from __future__ import annotations

import contextlib
import io
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor

import pytest

from staff.bank.answer import ROOT, Answer, installed

_QUIET = ("-q", "--assert=plain", "--tb=line", "-p", "no:cacheprovider", "-W", "ignore")


class _Failures:
    """A plugin of pytest that collects what fails."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            last = report.longreprtext.strip().rpartition("\n")[2]
            self.said.append(f"{report.nodeid.rpartition('::')[2]}: {last.strip()}")


def failures(answer: Answer) -> list[str]:
    """Run the released tests of an answer's exercise with the answer in place of the reference.

    The exercise's check is not among them. A process of its own imports the tests anew.

    Parameters
    ----------
    answer : Answer

    Returns
    -------
    failures : list of str, name and last line of each test that fails

    Raises
    ------
    RuntimeError
        If pytest could not run them.
    """
    context = multiprocessing.get_context("fork")  # what is imported need not be imported again
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(_run, answer).result()


def _run(answer: Answer) -> list[str]:
    """Run the tests in this process."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "tests"]:
        del sys.modules[name]  # else pytest takes those that hold the reference
    files = sorted(ROOT.glob("tests/exercises/test_*.py"))
    files = [path for path in files if f'"{answer.judge}"' in path.read_text(encoding="utf-8")]
    if not files:
        return []
    plugin, heard = _Failures(), io.StringIO()
    wanted = [*map(str, files), "--exercise", answer.judge, "-m", "not slow"]
    with installed(answer), contextlib.redirect_stdout(heard), contextlib.redirect_stderr(heard):
        status = pytest.main([*wanted, *_QUIET], plugins=[plugin])
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise RuntimeError(heard.getvalue())
    return plugin.said

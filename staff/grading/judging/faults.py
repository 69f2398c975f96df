"""What fails in the grader itself is not told as the student's."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

from cs682.checks.compare import CheckError
from cs682.checks.run import Check
from cs682.checks.stack import PACKAGE
from staff.grading.sandbox.remote import OwnFault

_STAFF = Path(__file__).resolve().parents[2]


def told_apart(check: Check) -> Check:
    """Return a check of a remote subject that raises `OwnFault` for a failure of the grader's own.

    None of the student's code runs in this process: what it raised says so itself.

    Parameters
    ----------
    check : function of a subject and a report

    Returns
    -------
    check : function of a subject and a report
    """

    def run(subject: Any, report: Any) -> None:
        try:
            check(subject, report)
        except (CheckError, NotImplementedError):
            raise
        except Exception as error:
            if not hasattr(error, "student_line") and _is_ours(error):
                raise OwnFault(f"the grader fails with {type(error).__name__}: {error}") from error
            raise

    return run


def _is_ours(error: Exception) -> bool:
    """Tell whether an exception arose in the grader, and not in a check that met odd results."""
    files = [Path(frame.f_code.co_filename) for frame, _ in traceback.walk_tb(error.__traceback__)]
    known = [path for path in files if {_STAFF, PACKAGE} & {*path.parents}]
    return _STAFF in known[-1].parents

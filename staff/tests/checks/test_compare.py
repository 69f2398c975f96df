"""What a check compares with, and how it says that values differ."""

from __future__ import annotations

import numpy as np
import pytest

from cs682.checks import CheckError, check_at_least, check_close, rel_error
from cs682.checks.compare import COLUMNS
from cs682.checks.report import Report


def test_result_may_hold_nan_and_must_last():
    report = Report()
    result = report.watch("backward", lambda x: x * np.nan, np.ones(2))
    report.require_lasting_results()

    result[:] = 0

    with pytest.raises(CheckError, match="a result of backward changed after it was returned"):
        report.require_lasting_results()


def test_check_error_shows_no_frames_in_a_notebook():
    with pytest.raises(CheckError) as caught:
        check_close("out", None, np.zeros(2), rtol=1e-7)

    lines = caught.value._render_traceback_()
    assert " ".join(" ".join(lines).split()) == (
        "CheckError: out is None: the function returned nothing for it"
    )
    assert isinstance(caught.value, AssertionError)


def test_check_error_keeps_its_lines_short_in_a_notebook():
    error = CheckError(f"out[0] = 1, expected 2 ({'so many values off ' * 6}). Likely cause: this.")

    lines = error._render_traceback_()

    assert max(map(len, lines)) <= COLUMNS
    assert all(line.startswith("    ") for line in lines[1:-1])
    assert lines[-1] == "  Likely cause: this."


X = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


@pytest.mark.parametrize(
    ("got", "text"),
    [
        (X[:, 0], "out has shape (2,), expected (2, 3)"),
        (X[None], "out has shape (1, 2, 3), expected (2, 3): it has an axis too many"),
        (X.T, "out has shape (3, 2), expected (2, 3): it is transposed"),
        (X.ravel(), "in other axes; reshaped, it is right"),
        (np.where(X > 5, np.nan, X), "NaN or infinite, first at out[1, 2]"),
        (np.where(X > 5, np.inf, X), "NaN or infinite, first at out[1, 2]"),
        (X + (X == 2), "out[0, 1] = 3, expected 2 (1 of 6 values off). Hint: count again."),
        (2 * X, "Likely cause: it is doubled."),
        (X.tolist(), "out is a list, expected a NumPy array of shape (2, 3)"),
        (X.astype(object), "out holds object values, expected numbers"),
        (X > 2, "out[0, 0] = 0, expected 1"),
    ],
)
def test_check_close_says_what_it_got_what_it_expected_and_where(got, text, capsys):
    with pytest.raises(CheckError) as caught:
        check_close("out", got, X, rtol=1e-7, hint="count again", causes={"it is doubled": 2 * X})

    assert text in str(caught.value)
    assert capsys.readouterr().out == ""


def test_check_close_prints_shape_and_limit(capsys):
    check_close("out", X + 1e-12, X, rtol=1e-7)
    assert capsys.readouterr().out == "ok   out: shape (2, 3), relative error at most 1e-07\n"
    check_close("loss", np.float64(2.0), 2.0, rtol=0)
    check_close("noise", np.array([1e-9]), np.array([-1e-9]), rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("got", [0.49, float("nan")])
def test_check_at_least_refuses_less_and_nan(got):
    with pytest.raises(CheckError, match=r"accuracy is .+, needed at least 0.5. Train longer"):
        check_at_least("accuracy", got, 0.5, hint="Train longer")


def test_check_at_least_prints_ok(capsys):
    check_at_least("accuracy", 0.5, 0.5)

    assert capsys.readouterr().out == "ok   accuracy: at least 0.5\n"


def test_rel_error_is_largest_entry_with_a_floor_and_does_not_broadcast():
    assert rel_error(np.array([1.0, 3.0]), np.array([1.0, 1.0])) == 0.5
    assert rel_error(0.0, 1e-9) == pytest.approx(0.1)
    assert rel_error(np.zeros(0), np.zeros(0)) == 0
    with pytest.raises(ValueError, match=r"same shape, got \(2,\) and \(1, 2\)"):
        rel_error(np.zeros(2), np.zeros((1, 2)))

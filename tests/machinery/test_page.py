"""What a notebook shows of checks: a green line, the rest folded, and plain text along with it."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from cs682 import layers
from cs682.checks import check, check_close, compare, hint, page
from cs682.checks.page import Page, as_html

PASSED = """\
passed  fc-1.3  ReLU: forward  (1 point)
  ok      values <b>
  advice  leave x as it is
ok   out: shape (3, 4), relative error at most 1e-07"""


def test_a_passed_check_is_one_line_with_its_details_folded():
    page = as_html(PASSED)

    line, _, folded = page.partition("</summary>")
    assert line.startswith("<details><summary>")
    assert "✓ passed</span> fc-1.3  ReLU: forward  (1 point)" in line
    assert folded.count("<li>") == 2
    assert "values &lt;b&gt;" in folded
    assert folded.endswith("leave x as it is</div>")  # in full view


def test_comparisons_alone_are_counted():
    assert "1 comparison holds</summary>" in as_html("ok   out: relative error at most 1e-07")
    assert "2 comparisons hold</summary>" in as_html("ok   a: b\nok   c: d")


@pytest.fixture
def shell():
    shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    shell.user_ns |= {"check": check, "check_close": check_close, "one": np.ones(2)}
    Page(shell)
    shell.shown = []
    shell.display_pub.publish = lambda data, **_: shell.shown.append(data)
    yield shell
    compare.listeners.clear()


def test_a_cell_shows_one_display_with_both_forms(shell, capsys):
    shell.run_cell('check("relu_forward"); check_close("one", one, one, rtol=0)')

    (shown,) = shell.shown
    assert capsys.readouterr().out == ""
    assert shown["text/plain"].startswith("passed  fc-1.3  ReLU: forward  (1 point)\n")
    assert shown["text/html"] == as_html(shown["text/plain"])


def test_what_held_before_a_failure_is_shown_and_not_kept_for_the_next_cell(shell):
    shell.run_cell('check_close("a", one, one, rtol=0); check_close("b", -one, one, rtol=0)')
    shell.run_cell("1")

    (shown,) = shell.shown
    assert shown["text/plain"] == "ok   a: shape (2,), relative error at most 0e+00"


def test_first_cell_that_runs_again_shows_the_way_to_a_line_once(shell):
    Page(shell)
    importlib.reload(page)
    page.Page(shell)
    shell.run_cell("raise AssertionError('wrong in cs682/layers.py, line 7')")

    (shown,) = shell.shown
    assert shown["text/plain"] == "Open cs682/layers.py at line 7"


IMPORTS = "import numpy as np, os.path\nfrom cs682 import layers\nfrom cs682.checks import check"
START = "from types import SimpleNamespace as S; notebook = S(start=lambda: {'X_train': 1})"


@pytest.mark.parametrize(
    ("later", "cell", "said"),
    [
        ("layers = [100]", "layers.relu_forward", "layers is a list by now, not what was imported"),
        ("check = True", "check('fc-1.3')", "check is a bool by now, not what was imported"),
        ("np = 5", "np.ones(2)", "np is an int by now, not what was imported"),
        ("data = np.ones(2)", "data['X_train']", "data is an ndarray by now, no dict"),
        ("layers = [100]", "1 / 0", ""),
        ("os = 2; other = 3", "other.path", ""),
        ("layers = layers; del np", "np.ones(2); layers.gone", ""),
        ("def check(x): 1 / 0", "check(1)", "check is the notebook's own by now, not what was imp"),
        ("class S(S): pass", "S.gone", "S is the notebook's own by now"),
        ("def other(x): 1 / 0", "other(1); check", ""),
        ("x = 1", "check(do-1.1)", 'An exercise is named in quotes: check("do-1.1")'),
        ("x = 1", "check('fc-1.3', do-1)", ""),
    ],
)
def test_a_cell_that_fails_is_told_which_imported_name_means_something_else(
    shell, later, cell, said
):
    for source in (IMPORTS, START, "data = notebook.start()", later, cell):
        shell.run_cell(source, store_history=True)

    shown = [data["text/plain"] for data in shell.shown]
    assert len(shown) == bool(said)
    assert "".join(shown).startswith(said)


@pytest.mark.parametrize(
    ("later", "cell", "is_told"),
    [
        ("rows = [[1, -2], [3, 4]]", "a, b = rows; b['gap']", True),
        ("rows = 1", "1 / 0", False),
        ("other = 1", "rows['gap']", False),
        ("rows = []; rows.append(2)", "rows['gap']", False),
        ("rows = list(rows)", "rows['gap']", False),
        ("rows = 1", "rows; assert not rows", False),
    ],
)
def test_a_cell_that_fails_is_told_which_value_was_put_over(shell, later, cell, is_told):
    Page(shell)
    for source in ("rows = []\nrows.append({'gap': 1})", later, cell):
        shell.run_cell(source, store_history=True)

    said = "rows has its value from cell [2]; cell [1] had made another: where that is meant, "
    shown = [data["text/plain"] for data in shell.shown]
    assert [text.startswith(said) for text in shown] == [True] * is_told


SOLVER = "class Solver:\n    model = 1\n    def train(self):\n        pass"


@pytest.mark.parametrize(
    ("made", "cell", "is_told"),
    [
        ("with open('/dev/null'):\n    solver = Solver().train()", "solver.model", True),
        ("best_model = Solver().train()", "best_model.params", True),
        ("solver = Solver(); solver.train()", "solver.params", False),
        ("solver = None", "solver.model", False),
        ("solver = Solver().train()", "None.model", False),
        ("solver = Solver().train()", "solver; 1 / 0", False),
    ],
)
def test_a_cell_that_fails_is_told_which_name_holds_what_train_returns(shell, made, cell, is_told):
    for source in (SOLVER, made, cell):
        shell.run_cell(source, store_history=True)

    name = cell.partition(".")[0]
    said = f"{name} is None: train() returns None: make the Solver first, then call its train()"
    assert [data["text/plain"] for data in shell.shown] == [said] * is_told


def test_a_call_that_means_no_exercise_is_one_sentence():
    for call, said in (
        (lambda: check("fc-1.11"), "CallError: there is no exercise 'fc-1.11'; did you mean"),
        (lambda: check("fc-q1"), "CallError: fc-q1 is a question"),
        (lambda: check("fc-1.3", layers.relu_forward), 'CallError: check("fc-1.3") takes no more'),
        (lambda: check(layers.relu_forward), "CallError: an exercise is named in quotes"),
        (lambda: hint("fc-1.5"), "CallError: there are no hints to fc-1.5"),
    ):
        with pytest.raises(compare.CallError) as caught:
            call()
        first, *more = caught.value._render_traceback_()
        assert first.startswith(said)
        assert len(more) <= 2  # no frames


def test_without_a_notebook_checks_print(capsys):
    check("fc-1.3")

    assert capsys.readouterr().out.startswith("passed  fc-1.3")

"""The log of a search: it goes on from there after a Ctrl-C, a crash, or a torn line."""

from __future__ import annotations

import json
import os
import signal
from functools import partial

import pytest

from cs682.search import best_train_acc, search
from cs682.search import run as _search_run
from tests.machinery.small_searches import SPACE, make, outcome, run_code
from tests.small_models import make_data


def logged(path, **options):
    options = {"num_runs": 5, "seed": 2, "data": make_data(), "halving": (1, 2), **options}
    return search(options.pop("make", make), options.pop("space", SPACE), log=path, **options)


@pytest.fixture
def log(tmp_path):
    """Give the log of a finished search."""
    logged(tmp_path / "runs.jsonl")
    return tmp_path / "runs.jsonl"


@pytest.mark.parametrize("kept", [1, 3, 6, 9])
def test_search_goes_on_from_its_log(log, kept):
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[:kept]))
    whole = logged(None)

    result = logged(log)

    assert outcome(result) == outcome(whole)
    undated = [
        [{**json.loads(x), "seconds": 0} for x in text]
        for text in (lines, log.read_bytes().splitlines())
    ]
    assert undated[0] == undated[1]


def test_finished_search_trains_nothing_again(log, monkeypatch):
    monkeypatch.setattr(_search_run, "_trained", lambda task, data: pytest.fail("trained"))

    assert all(run.state in ("done", "stopped") for run in logged(log).runs)


@pytest.mark.parametrize("end", [-1, -20, -400, 30])  # 30: in the first line
def test_torn_last_line_is_cut_off_and_said(log, end, capsys):
    log.write_bytes(log.read_bytes()[:end])

    result = logged(log)

    assert "The last line of" in capsys.readouterr().out
    assert outcome(result) == outcome(logged(None))
    assert all(json.loads(line) for line in log.read_bytes().splitlines())


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"seed": 3}, "seed is 2 there, 3 here"),
        ({"num_runs": 6}, "num_runs is 5 there, 6 here"),
        ({"halving": ()}, r"halving is \[1, 2\] there, \[\] here"),
        ({"space": {**SPACE, "decay": [1.0]}}, "space is .* there"),
        ({"data": make_data(n=41)}, "data is .* there"),
        ({"make": partial(make, batch_size=6)}, "make is .* there, .*batch_size=6"),
        ({"score": best_train_acc}, "score is 'best_val_acc .*' there, 'best_train_acc"),
    ],
)
def test_log_of_another_search_is_refused_by_its_difference(log, changed, words):
    before = log.read_bytes()

    with pytest.raises(ValueError, match=f"is the log of another search: {words}"):
        logged(log, **changed)
    assert log.read_bytes() == before


@pytest.mark.parametrize("content", [b"a diary\n", b"a diary", b"[1]\n", b'{"format": 1}\n'])
def test_file_that_is_no_log_is_refused_and_left_alone(tmp_path, content):
    path = tmp_path / "diary"
    path.write_bytes(content)

    with pytest.raises(ValueError, match=r"diary"):
        logged(path)
    assert path.read_bytes() == content


def test_damaged_line_is_refused_by_its_number(log):
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([*lines[:2], b"{oops\n", *lines[3:]]))

    with pytest.raises(ValueError, match="line 3 is no JSON"):
        logged(log)


def test_failed_run_is_tried_again(tmp_path):
    flag = tmp_path / "flag"

    def fragile(data, rate):
        if rate == 0.2 and not flag.exists():
            raise OSError("the disk is full")
        return make(data, rate)

    call = partial(search, fragile, {"rate": [0.1, 0.2]}, data=make_data(), log=tmp_path / "log")
    before = call(verbose=False)
    flag.touch()

    assert before.runs[1].state == "failed"
    assert outcome(call()) == outcome(search(fragile, {"rate": [0.1, 0.2]}, data=make_data()))


DEADLY = """
import os, signal, sys
from cs682.search import search
from tests.machinery.small_searches import make
from tests.small_models import make_data

def deadly(data, rate):
    solver = make(data, rate)
    def on_loss(X, y):
        if rate == 0.3 and solver.iteration == 7 and "die" in sys.argv:
            os.kill(os.getpid(), signal.SIGKILL)
    solver.model.on_loss = on_loss
    return solver
"""


SEARCH = """
result = search(deadly, {"rate": [0.1, 0.2, 0.3, 0.4]}, data=make_data(), log=sys.argv[1])
print([run.val_acc_history for run in result.runs])
"""


@pytest.mark.slow
def test_killed_search_goes_on_to_the_same_end(tmp_path):
    log, program = tmp_path / "log", tmp_path / "program.py"
    program.write_text(DEADLY + SEARCH)

    killed = run_code(program, log, "die")
    lines = len(log.read_text().splitlines())
    resumed = run_code(program, log)
    whole = run_code(program, tmp_path / "other")

    assert (killed.returncode, lines) == (-signal.SIGKILL, 1 + 2)
    assert resumed.stdout == whole.stdout != ""


def test_log_knows_a_function_of_a_file_by_its_text_and_one_typed_in_by_its_name(tmp_path):
    heads = []
    for name, code in {"a": DEADLY, "b": DEADLY, "c": DEADLY.replace("0.3", "0.2")}.items():
        (tmp_path / f"of_{name}.py").write_text(code)
        show = "from cs682.search.log import describe; print(describe(deadly))"
        there = f"import sys; sys.path[:0] = [{str(tmp_path)!r}]; from of_{name} import deadly"
        heads.append(
            (run_code("-c", f"{there}; {show}").stdout, run_code("-c", code + show).stdout)
        )

    assert heads[0] == heads[1]
    assert heads[2][0] != heads[1][0]
    assert {typed for _, typed in heads} == {"deadly\n"}


def test_interrupted_search_keeps_what_is_finished_and_goes_on(tmp_path, capsys):
    pressed = []

    def impatient(data, rate):
        solver = make(data, rate)

        def on_loss(X, y):
            if rate == 0.3 and not pressed:
                pressed.append(True)
                os.kill(os.getpid(), signal.SIGINT)

        solver.model.on_loss = on_loss
        return solver

    handler = signal.getsignal(signal.SIGINT)
    call = partial(search, impatient, {"rate": [0.1, 0.2, 0.3, 0.4]}, data=make_data())

    with pytest.warns(RuntimeWarning, match="Interrupted after iteration"):  # the Solver's own
        first = call(log=tmp_path / "log")
    assert signal.getsignal(signal.SIGINT) is handler
    second = call(log=tmp_path / "log")

    assert [run.number for run in first.runs] == [0, 1]
    assert (first.complete, second.complete) == (False, True)
    assert "Interrupted after 2 of 4 trainings" in capsys.readouterr().out
    assert outcome(second) == outcome(call())

"""A search in this process: what it draws, keeps, ranks, skips and says."""

from __future__ import annotations

import importlib.util
import json
import math
import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from cs682.search import Range, best_train_acc, net_solver, search
from cs682.search import run as _search_run
from cs682.search.space import draw_trials
from cs682.solver import Solver
from cs682.training.seeds import legacy_seed
from tests.machinery.quick_softmax import QuickSoftmax
from tests.small_models import Net, add_heavy_ball, counting, make_data

ROOT = Path(__file__).resolve().parents[2]
SPACE = {"rate": Range(1e-4, 1.0, log=True), "decay": [0.5, 1.0]}


def make(data, rate, decay=1.0, **options):
    """Make a small Solver whose batches come from the global stream."""
    options = {"batch_size": 5, "num_epochs": 2, "verbose": False, **options}
    return Solver(
        QuickSoftmax(), data, optim_config={"learning_rate": rate}, lr_decay=decay, **options
    )


def make_net(data, rate, kind=Net, **options):
    """Make a Solver with batch norm, dropout, momentum and a schedule: much to remember."""
    config = {"learning_rate": rate}
    options = {
        "lr_schedule": lambda p: 1 - 0.9 * p,
        "sampling": "epoch",
        "batch_size": 7,
        **options,
    }
    return Solver(kind(), data, update_rule="heavy_ball", optim_config=config, **options)


def outcome(result):
    """Give all of a result that must not depend on where and when it was computed."""
    return [replace(run, seconds=0.0) for run in result.runs]


@pytest.fixture
def heavy_ball(monkeypatch):
    add_heavy_ball(lambda *args: monkeypatch.setattr(*args, raising=False))


# --- what is drawn


def test_grid_tries_every_combination_in_order():
    trials = draw_trials({"a": [1, 2], "b": ["x", None]}, None, 0)

    configs = [(trial.config["a"], trial.config["b"]) for trial in trials]
    assert configs == [(1, "x"), (1, None), (2, "x"), (2, None)]
    assert len({trial.seed for trial in trials}) == 4


def test_range_with_log_makes_each_factor_of_ten_as_likely():
    rng = np.random.default_rng(682)

    drawn = [Range(1e-5, 1e-1, log=True).draw(rng) for _ in range(4000)]

    counts = np.histogram(np.log10(drawn), [-5, -4, -3, -2, -1])[0]
    assert counts.sum() == 4000
    assert np.all(abs(counts - 1000) < 120)  # a standard deviation is 27


@pytest.mark.parametrize("log", [False, True])
def test_range_of_integers_reaches_both_bounds_and_no_further(log):
    rng = np.random.default_rng(682)

    drawn = [Range(1, 4, log=log, whole=True).draw(rng) for _ in range(500)]

    assert set(drawn) == {1, 2, 3, 4}
    assert {type(value) for value in drawn} == {int}


def test_trials_are_the_same_in_a_longer_search():
    assert draw_trials(SPACE, 3, 7) == draw_trials(SPACE, 20, 7)[:3]


def test_trials_differ_between_seeds_and_among_each_other():
    trials = draw_trials(SPACE, 5, 1) + draw_trials(SPACE, 5, 2)

    assert len({trial.config["rate"] for trial in trials}) == 10
    assert len({trial.seed for trial in trials}) == 10


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"space": {}}, ValueError, "space is empty"),
        ({"space": [1]}, TypeError, "dict of lists and Ranges, got list"),
        ({"space": {"rate": 0.1}}, TypeError, r"space\['rate'\] must be a Range or a list.*0.1"),
        ({"space": {"rate": []}}, ValueError, r"space\['rate'\] is empty"),
        ({"space": SPACE}, ValueError, r"a grid needs lists, but \['rate'\] are Ranges"),
        ({"num_runs": 0}, ValueError, "num_runs must be at least 1, got 0"),
        ({"seed": -1}, ValueError, "seed must be at least 0, got -1"),
        ({"n_jobs": 0}, ValueError, "n_jobs must be at least 1, got 0"),
        ({"halving": (3, 1)}, ValueError, r"increasing numbers of epochs, got \(3, 1\)"),
        ({"halving": 9}, TypeError, r"such as \(1, 3, 9\), got 9"),
    ],
)
def test_search_refuses_what_makes_no_sense(arguments, error, words):
    with pytest.raises(error, match=words):
        search(make, **{"space": {"rate": [0.1]}, **arguments})


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        ((1, 1), "low < high, got 1, 1"),
        ((0, math.inf), "finite low < high"),
        ((0, 1, True), "must begin above 0, got 0"),
        ((0.5, 2, False, True), "integers needs such bounds, got 0.5, 2"),
    ],
)
def test_range_refuses_bounds_that_do_not_fit(bounds, words):
    with pytest.raises(ValueError, match=words):
        Range(*bounds)


# --- what is trained


def test_each_run_is_what_its_seed_gives_alone():
    data = make_data()

    result = search(make, SPACE, data=data, num_runs=4, seed=5)

    for run in result.runs:
        with legacy_seed(run.seed):
            alone = make(data, **run.config)
            alone.train()
        assert run.val_acc_history == alone.val_acc_history
        assert run.score == alone.best_val_acc
        assert run.epochs == 2


@pytest.mark.parametrize("halving", [(), (1, 3)])
def test_solver_of_a_run_is_trained_to_the_same_figures(halving):
    result = search(make, SPACE, data=make_data(), num_runs=4, halving=halving)

    for run in result.runs:
        assert result.solver(run).val_acc_history == run.val_acc_history
    assert result.solver().best_val_acc == result.best.score


def test_search_leaves_the_global_stream_as_it_was():
    with legacy_seed(1):
        search(make, {"rate": [0.1]}, data=make_data())
        after = np.random.rand()  # noqa: NPY002  # the stream in question

    with legacy_seed(1):
        assert after == np.random.rand()  # noqa: NPY002


def test_search_takes_a_solver_that_is_trained_already_as_it_is():
    def trained(updates):
        solver = counting([0.0] + [1.0] * 9, epochs=updates)
        solver.train()
        return solver

    result = search(trained, {"updates": [1, 3]}, score=lambda solver: solver.iteration)

    assert [run.score for run in result.runs] == [1, 3]
    assert result.best.config == {"updates": 3}


def test_best_of_equals_is_the_first():
    result = search(make, {"rate": [0.1, 0.2]}, data=make_data(), score=lambda solver: 0.5)

    assert result.best.number == 0


def test_failed_run_is_said_and_shown_and_stops_no_other(capsys):
    def fragile(data, rate):
        if rate == 0.2:
            raise KeyError("no such thing")
        return make(data, rate)

    result = search(fragile, {"rate": [0.1, 0.2, 0.3]}, data=make_data())

    assert [run.state for run in result.runs] == ["done", "failed", "done"]
    assert (
        "run 1 failed: KeyError: 'no such thing' (test_search.py, line" in capsys.readouterr().out
    )
    assert "no such thing" in str(result.table())
    assert result.best.number != 1


def test_diverged_run_keeps_its_score_and_says_so():
    losses = [1.0, math.nan]

    result = search(partial(counting, [1.0, 1.0, 1.0], losses=losses), {"epochs": [1, 2]})

    assert [run.state for run in result.runs] == ["done", "diverged"]


def test_search_without_any_score_says_why():
    def broken(rate):
        return "a network"

    result = search(broken, {"rate": [0.1]}, verbose=False)

    with pytest.raises(ValueError, match=r"run 0: TypeError.*must return a Solver, got a str"):
        _ = result.best


@pytest.mark.exercise(id="fc-3.3")
def test_net_solver_trains_a_network_with_the_given_settings():
    space = {"learning_rate": [1e-2], "hidden_dims": [[5], [6, 7]], "dropout": [0.9]}
    built = partial(net_solver, normalization="layernorm", reg=0.1, batch_size=4, num_epochs=1)

    result = search(built, space, data=make_data())

    solver = built(make_data(), **result.best.config)  # says what went wrong, if no run is done
    assert [run.state for run in result.runs] == ["done", "done"]
    assert solver.model.params["W1"].shape[0] == 4
    assert (solver.model.reg, solver.batch_size) == (0.1, 4)
    assert solver.optim_config == {"learning_rate": 1e-2}


# --- successive halving


def steady(quality):
    """Make a Solver whose score is `quality`, whatever its training does."""
    solver = counting([quality] * 30, epochs=1)
    solver.quality = quality
    return solver


def test_halving_lets_the_best_go_on_and_stops_the_others():
    qualities = [0.3, 0.8, 0.1, 0.9, 0.2, 0.7, 0.4, 0.6, 0.5]

    result = search(
        steady, {"quality": qualities}, halving=(1, 3, 9), score=lambda solver: solver.quality
    )

    assert [run.epochs for run in result.runs] == [1, 3, 1, 9, 1, 3, 1, 1, 1]
    assert [run.state for run in result.runs].count("stopped") == 8
    assert result.best.number == 3


def test_halving_never_prefers_a_run_that_was_stopped():
    scores = {0: [0.9, 0.1], 1: [0.5], 2: [0.4]}  # the best so far may fall back

    def judge(solver):
        return scores[solver.number][min(solver.epoch // 2, len(scores[solver.number]) - 1)]

    def numbered(number):
        solver = counting([1.0] * 9, epochs=1)
        solver.number = number
        return solver

    result = search(numbered, {"number": [0, 1, 2]}, halving=(1, 3), score=judge)

    assert (result.best.number, result.best.score) == (0, 0.1)


def test_halving_gives_no_more_epochs_to_a_run_that_diverged():
    def fragile(last_loss):
        return counting([1.0] * 5, epochs=1, losses=[1.0, last_loss, 1.0, 1.0, 1.0])

    result = search(fragile, {"last_loss": [math.nan, 1.0]}, halving=(2, 4))

    assert result.runs[0].state == "diverged"
    assert result.runs[1].epochs == 4


def test_halving_fills_its_places_although_runs_diverge():
    def fragile(last_loss):
        return counting([1.0] * 5, epochs=1, losses=[1.0, last_loss, 1.0, 1.0, 1.0])

    result = search(fragile, {"last_loss": [math.nan, math.nan, 1.0, 1.0]}, halving=(2, 4))

    assert [run.epochs for run in result.runs[2:]] == [4, 4]


@pytest.mark.parametrize("kept", [True, False])
def test_halving_gives_what_training_without_a_stop_gives(kept, heavy_ball, monkeypatch):
    if not kept:  # as on another machine, which has not the folder
        monkeypatch.setattr(Solver, "save_checkpoint", lambda solver, path: None)
    data = make_data(dtype=np.float32)

    run = search(make_net, {"rate": [0.03]}, data=data, halving=(1, 2, 4), seed=3).best

    with legacy_seed(run.seed):
        whole = make_net(data, num_epochs=4, verbose=False, **run.config)
        whole.train()
    assert run.epochs == 4
    np.testing.assert_allclose(run.train_acc_history, whole.train_acc_history)
    np.testing.assert_allclose(run.val_acc_history, whole.val_acc_history)


class Widened(Net):
    """A network whose parameters become float64 with the first step, as gradients may make them."""

    def loss(self, X, y=None):
        result = super().loss(X, y)
        wide = {} if y is None else {k: np.float64(v) for k, v in result[1].items()}
        return (result[0], wide) if wide else result


@pytest.mark.parametrize("kind", [Net, Widened])  # no checkpoint of the latter fits a fresh one
def test_halving_is_the_same_to_the_last_bit_without_checkpoints(kind, heavy_ball, monkeypatch):
    space, options = {"rate": [0.01, 0.03, 0.1]}, {"halving": (1, 2, 4), "seed": 3}

    def judge(solver):
        return -solver.loss_history[-1]

    data, make_kind = make_data(), partial(make_net, kind=kind)
    with_them = search(make_kind, space, data=data, score=judge, **options)
    monkeypatch.setattr(Solver, "save_checkpoint", lambda solver, path: None)
    without = search(make_kind, space, data=data, score=judge, **options)

    assert outcome(with_them) == outcome(without)


def test_halving_trains_each_epoch_once():
    seen = []

    def watched(data, rate):
        solver = make(data, rate, batch_size=40)
        solver.model.on_loss = lambda X, y: seen.append(rate)
        return solver

    search(watched, {"rate": [0.1, 0.2, 0.3, 0.4]}, data=make_data(), halving=(1, 2, 4))

    assert len(seen) == 4 * 1 + 2 * 1 + 1 * 2


def test_halving_refuses_a_solver_that_is_trained_already():
    def trained(rate):
        solver = counting([1.0] * 3, epochs=1)
        solver.train()
        return solver

    result = search(trained, {"rate": [1]}, halving=(1, 2), verbose=False)

    assert "a Solver that is not trained yet" in result.runs[0].error


# --- the log


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


@pytest.mark.parametrize("cut", [1, 20, 400])
def test_torn_last_line_is_cut_off_and_said(log, cut, capsys):
    content = log.read_bytes()
    log.write_bytes(content[:-cut])

    result = logged(log)

    assert "The last line of" in capsys.readouterr().out
    assert outcome(result) == outcome(logged(None))
    assert all(json.loads(line) for line in log.read_bytes().splitlines())


def test_torn_first_line_is_cut_off_too(log):
    log.write_bytes(log.read_bytes()[:30])

    assert outcome(logged(log)) == outcome(logged(None))


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
from tests.machinery.test_search import make, make_data, search

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


def run_code(*command):
    return subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


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


# --- Ctrl-C


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


# --- what is shown


def test_table_has_the_best_first_and_names_its_measure():
    result = search(make, {"rate": [1e-4, 0.1]}, data=make_data(), score=best_train_acc)

    table = result.table()

    assert table.columns == ("rate", "epochs", "best_train_acc", "seconds")
    assert table.best_row == 0
    assert "<table>" in result._repr_html_()


def test_plot_has_a_panel_for_each_thing_that_varies():
    space = {
        **SPACE,
        "num_epochs": [1],
        "batch_size": [5, 10],
        "sampling": ["epoch", "replacement"],
    }
    result = search(make, space, data=make_data(), num_runs=6, halving=(1, 2))

    panels = result.plot("Which?").axes

    assert [ax.get_xlabel() for ax in panels] == ["rate", "decay", "batch_size", "sampling"]
    assert [ax.get_xscale() for ax in panels] == ["log", "linear", "linear", "linear"]
    assert [t.get_text() for t in panels[3].get_xticklabels()] == ["epoch", "replacement"]
    assert panels[0].get_ylabel() == "best_val_acc"
    dots = sum(len(line.get_xdata()) for line in panels[0].lines)
    assert dots == 6 + 1  # each run, and the ring about the best


def test_plot_of_two_lists_is_a_heat_map():
    def fragile(data, rate, decay):
        return make(data, rate, decay) if rate < 0.2 else None

    space = {"rate": [0.05, 0.1, 0.2], "decay": [0.9, 1.0]}
    result = search(fragile, space, data=make_data(), verbose=False)

    panel = result.plot("Which?").axes[0]

    fields = {text.get_position(): text.get_text() for text in panel.texts}
    scores = {(run.config["rate"], run.config["decay"]): run.score for run in result.runs}
    assert (panel.get_ylabel(), panel.get_xlabel()) == ("rate", "decay")
    assert [fields[k, 2] for k in range(2)] == ["none", "none"]
    assert fields[1, 0] == f"{scores[0.05, 1.0]:.3g}"


def test_plot_keeps_small_numbers_on_its_axis_apart():
    space = {"rate": [0.001, 0.0018], "decay": [0.9, 1.0], "batch_size": [5, 10]}
    figure = search(make, space, data=make_data(), verbose=False).plot()

    figure.draw_without_rendering()

    axis = figure.axes[0].xaxis
    boxes = [label.get_window_extent() for label in axis.get_ticklabels() if label.get_text()]
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes))


def test_plot_says_how_many_runs_it_cannot_show():
    def fragile(data, rate):
        return make(data, rate) if rate < 0.2 else None

    result = search(fragile, {"rate": [0.1, 0.2]}, data=make_data(), verbose=False)

    assert "1 value missing" in result.plot().axes[0].texts[0].get_text()


def test_search_in_one_process_needs_neither_joblib_nor_dask():
    code = (
        "import sys; sys.modules['joblib'] = sys.modules['distributed'] = None\n"
        "from tests.machinery.test_search import *\n"
        "print(len(search(make, {'rate': [0.1]}, data=make_data()).runs))\n"
        "search(make, {'rate': [0.1]}, data=make_data(), n_jobs=2)"
    )

    done = run_code("-c", code)

    assert done.stdout == "1\n"
    assert (
        "n_jobs=2 needs the package joblib: pip install 'cs682-assignment2[search]'" in done.stderr
    )


@pytest.mark.slow
@pytest.mark.exercise(id="fc-3.3")
def test_examples_of_the_page_run(stand_in_dir, tmp_path, monkeypatch):
    page = (ROOT / "docs" / "search.md").read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL))
    assert "n_jobs=2" in code
    if importlib.util.find_spec("joblib") is None:
        code = code.replace(", n_jobs=2", "")  # the rest of the page needs NumPy only
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CS682_DATA", str(stand_in_dir))
    code = code.replace("get_CIFAR10_data()", "get_CIFAR10_data(300, 100, 100)")

    exec(compile(code, "search.md", "exec"), {"__name__": "page"})

    assert len((tmp_path / "runs.jsonl").read_bytes().splitlines()) == 1 + 4

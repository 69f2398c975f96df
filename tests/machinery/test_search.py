"""A search in this process: what it draws, trains, ranks and says."""

from __future__ import annotations

import importlib.util
import math
import re
from functools import partial

import numpy as np
import pytest

from cs682.search import Range, net_solver, search
from cs682.search.space import draw_trials
from cs682.training.seeds import legacy_seed
from tests.machinery.small_searches import ROOT, SPACE, make, run_code
from tests.small_models import counting, make_data

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


# --- packages and the page


def test_search_in_one_process_needs_neither_joblib_nor_dask():
    code = (
        "import sys; sys.modules['joblib'] = sys.modules['distributed'] = None\n"
        "from cs682.search import search\n"
        "from tests.machinery.small_searches import make\n"
        "from tests.small_models import make_data\n"
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

"""How the tests of an unfinished assignment are told: a to-do list, no tracebacks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from tests.open_exercises import last_stub, names_bound, names_read, to_do_list

ROOT = Path(__file__).resolve().parents[2]
STUB = "relu_forward: see FullyConnectedNets.ipynb, section 1.3"
TESTS = f'''
def test_open():
    raise NotImplementedError("{STUB}")

def test_wrong():
    assert 1 == 2

def test_not_ours():
    raise NotImplementedError("some library lacks this")

def test_right():
    pass
'''
CELLS = (
    f'known = 1\nraise NotImplementedError("{STUB}")\nfound = 2',
    "print(found)",
    "print(known)",
    "print(unheard_of)",
)


@pytest.fixture
def run(tmp_path):
    """Give a function that runs these tests and cells under the conftest of all tests."""
    (tmp_path / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text("utf-8"))
    command = [sys.executable, "-m", "pytest", "-c", "pyproject.toml", f"--rootdir={tmp_path}"]
    command += ["-p", "no:cacheprovider", "--color=no", "--nbval", str(tmp_path)]
    command += ["-n", "1"]  # in a process of its own: what is told must get across

    def run(tests, cells, *words):
        (tmp_path / "test_some.py").write_text(tests, encoding="utf-8")
        cells = [nbformat.v4.new_code_cell(source) for source in cells]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "some.ipynb")
        words = [*command, *words]
        return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)

    return run


@pytest.mark.slow
def test_open_tests_and_cells_are_told_apart_from_wrong_ones(run):
    done = run(TESTS, CELLS)

    assert done.returncode == 1
    assert "3 failed, 2 passed, 3 open" in done.stdout.splitlines()[-1]
    assert "fc-1.3  relu_forward in cs682/layers.py: 3 tests wait" in done.stdout
    assert "Next: fc-1.3." in done.stdout
    titles = [line.strip("_ ") for line in done.stdout.splitlines() if line.startswith("___")]
    assert titles == ["some.ipynb::Cell 3", "test_wrong", "test_not_ours"]  # with tracebacks


@pytest.mark.slow
def test_what_is_only_open_is_not_broken(run):
    done = run(TESTS.partition("def test_wrong")[0] + "def test_right(): pass", ())

    assert "1 passed, 1 open" in done.stdout.splitlines()[-1]
    assert "Next: fc-1.3." in done.stdout
    assert done.returncode == 0


# The second and the third take too long: one stops when told to, one goes on. All must be judged.
SLOW_CELLS = (
    "import time",
    "time.sleep(600)",
    "try:\n    time.sleep(600)\nexcept KeyboardInterrupt:\n    late = True",
    "assert late",
    f'raise NotImplementedError("{STUB}")',
    "print(unheard_of)",
)


@pytest.mark.slow
def test_cell_that_takes_too_long_is_named_and_all_others_are_judged(run):
    done = run("def test_right(): pass", SLOW_CELLS, "--nbval-cell-timeout=2")

    assert done.returncode == 1
    assert "3 failed, 3 passed, 1 open" in done.stdout.splitlines()[-1]
    titles = [line.strip("_ ") for line in done.stdout.splitlines() if line.startswith("___")]
    assert titles == [f"some.ipynb::Cell {number}" for number in (1, 2, 5)]
    for number in (1, 2):
        assert f"Cell {number} took longer than 2 s:\n\n" in done.stdout
    assert "NameError" in done.stdout


TRAINING_CELLS = (
    "solver = Solver()\nsolver.train()",
    "print(solver.best_val_acc)",
    "known = 1",
    "def fit():\n    Solver().train()",
    "runs = [fit()]",
    "print(runs)",
    "print(unheard_of)",
)


@pytest.mark.slow
def test_trainings_are_not_run_where_their_stored_results_count(run):
    done = run("def test_right(): pass", TRAINING_CELLS, "--stored-trainings", "-rs")

    assert "1 failed, 2 passed, 5 skipped" in done.stdout.splitlines()[-1]
    assert "some.ipynb::Cell 6" in done.stdout  # what nobody was to define
    assert "a training, of which the stored result counts" in done.stdout


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"CheckError: fc-1.3 is open: {STUB}\n", STUB),
        (f"fc-1.4 waits for another exercise: {STUB}", STUB),
        (f"A.b: see Dropout.ipynb, section 9.9 {STUB}", STUB),
        (STUB.replace(": see ", ": see\n    "), STUB),
        ("see the notebook", None),
        ("in test_x() in relu_forward(x) NotImplementedError: later", STUB),
        ("in relu_forward(x) in library() NotImplementedError: ", None),
        ("CheckError: fc-1.3 is not finished: raised", STUB),
        ("in relu_forward(x) ValueError: ", None),
    ],
)
def test_last_stub_finds_the_line_in_any_text(text, found):
    assert last_stub(text) == found


def test_names_of_a_cell_are_those_it_defines_and_those_it_needs():
    source = "def f(): pass\nclass C: pass\nfor i in x: y = g(i)\nsolvers['a'] = y"

    assert names_bound(source) == {"f", "C", "i", "y"}
    assert names_read(source) == {"x", "g", "solvers"}


def test_network_that_a_cell_keeps_is_owed_to_those_that_load_it():
    assert names_bound('keep_model("cn-2.5", solver.model)') == {'"cn-2.5"'}
    assert names_read('W = load_model("cn-2.5").params') == {"load_model", '"cn-2.5"'}


def test_to_do_list_follows_the_table():
    first = "affine_forward: see FullyConnectedNets.ipynb, section 1.1"

    lines = to_do_list([STUB, first, STUB])

    assert lines[0] == "fc-1.1  affine_forward in cs682/layers.py: 1 test waits"
    assert lines[1] == "fc-1.3  relu_forward in cs682/layers.py: 2 tests wait"
    assert lines[2].startswith("Next: fc-1.1.")

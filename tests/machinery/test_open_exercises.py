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
def unfinished(tmp_path):
    """Give a folder with these tests and this notebook, and the conftest of all tests."""
    (tmp_path / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text("utf-8"))
    (tmp_path / "test_some.py").write_text(TESTS, encoding="utf-8")
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "some.ipynb")
    return tmp_path


@pytest.mark.slow
def test_open_tests_and_cells_are_told_apart_from_wrong_ones(unfinished):
    command = [sys.executable, "-m", "pytest", "-c", "pyproject.toml", f"--rootdir={unfinished}"]
    command += ["-p", "no:cacheprovider", "--color=no", "--nbval", str(unfinished)]
    command += ["-n", "1"]  # in a process of its own: what is told must get across

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "3 failed, 2 passed, 3 open" in done.stdout.splitlines()[-1]
    assert "fc-1.3  relu_forward in cs682/layers.py: 3 tests wait" in done.stdout
    assert "Next: fc-1.3." in done.stdout
    titles = [line.strip("_ ") for line in done.stdout.splitlines() if line.startswith("___")]
    assert titles == ["some.ipynb::Cell 3", "test_wrong", "test_not_ours"]  # with tracebacks


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"CheckError: fc-1.3 is open: {STUB}\n", STUB),
        (f"fc-1.4 waits for another exercise: {STUB}", STUB),
        (f"A.b: see Dropout.ipynb, section 9.9 {STUB}", STUB),
        (STUB.replace(": see ", ": see\n    "), STUB),
        ("see the notebook", None),
    ],
)
def test_last_stub_finds_the_line_in_any_text(text, found):
    assert last_stub(text) == found


def test_names_of_a_cell_are_those_it_defines_and_those_it_needs():
    source = "def f(): pass\nclass C: pass\nfor i in x: y = g(i)\nsolvers['a'] = y"

    assert names_bound(source) == {"f", "C", "i", "y"}
    assert names_read(source) == {"x", "g", "solvers"}


def test_to_do_list_follows_the_table():
    first = "affine_forward: see FullyConnectedNets.ipynb, section 1.1"

    lines = to_do_list([STUB, first, STUB])

    assert lines[0] == "fc-1.1  affine_forward in cs682/layers.py: 1 test waits"
    assert lines[1] == "fc-1.3  relu_forward in cs682/layers.py: 2 tests wait"
    assert lines[2].startswith("Next: fc-1.1.")

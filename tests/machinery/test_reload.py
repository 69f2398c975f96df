"""Editing the files that a student writes, under IPython's own autoreload, and what follows."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cs682._files import IN_USE
from cs682.checks.source import is_outdated

ROOT = Path(__file__).resolve().parents[2]
# What a notebook does: import by name, train, edit a file, train again, keep, look at the board.
SESSION = """
import os, pickle, sys
from pathlib import Path
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
from cs682.setup.reload import follow_edits
follow_edits(shell)

def run(cell):
    result = shell.run_cell(cell)
    assert result.success, result.error_in_exec or result.error_before_exec

def edit(file, old, new):
    path = Path("cs682", file)
    text = path.read_text(encoding="utf-8")
    assert old in text, (file, old)
    path.write_text(text.replace(old, new), encoding="utf-8")
    os.utime(path, (0, path.stat().st_mtime + 5))
    run("1")

TRAIN = '''
rng = np.random.default_rng(1)
data = {"X_train": rng.normal(size=(20, 3, 32, 32)), "y_train": np.arange(20) % 10}
data |= {"X_val": data["X_train"], "y_val": data["y_train"]}
for kind, options in ((TwoLayerNet, {"hidden_dim": 5}), (FullyConnectedNet, {"hidden_dims": [5]})):
    solver = Solver(kind(**options), data, update_rule="adam", verbose=False, num_epochs=1)
    solver.train()
    keep_model("fc-2.4" if kind is TwoLayerNet else "fc-5.1", solver.model)
'''
run('''
import numpy as np
from cs682.checks import check, progress
from cs682.classifiers.fc_net import FullyConnectedNet, TwoLayerNet
from cs682.hand_in import keep_model
from cs682.layer_utils import affine_relu_forward
from cs682.layers import affine_forward, relu_forward
from cs682.optim import adam, sgd
from cs682.solver import Solver
''')
run(TRAIN)
run("old = TwoLayerNet(hidden_dim=5)")
"""
SIGNATURES = {  # the file, and a line in it that an edit goes before
    "layers.py": "def relu_backward(",
    "layer_utils.py": "def affine_relu_backward(",
    "optim.py": "def _one_of(",
    "classifiers/fc_net.py": "class FullyConnectedNet",
    "classifiers/cnn.py": "class ConvNet",
}


@pytest.fixture
def home(tmp_path):
    """Give a copy of what a student edits, since the tests' own files stay as they are."""
    for name in ("cs682", "notebooks"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    shutil.copy(ROOT / "assignment.json", tmp_path)
    return tmp_path


def in_session(home: Path, lines: str, session: str = SESSION) -> str:
    done = subprocess.run(
        [sys.executable, "-c", f"{session}FILES = {SIGNATURES!r}\n{lines}"],
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_edits_change_nothing_for_what_is_trained_kept_and_counted(home):
    said = in_session(
        home,
        """
for file, line in FILES.items():
    edit(file, line, "marker = 1\\n\\n\\n" + line)
    run(TRAIN)
    run('keep_model("fc-2.4", old)')
run("import pickle")
run("for thing in (TwoLayerNet, adam, affine_forward, old): pickle.dumps(thing)")
run("from cs682.checks.board import find_states; states = find_states()")
states = shell.user_ns["states"]
assert set(states.values()) <= {"passed", "answered"}, states
""",
    )

    assert said.count("kept    fc-2.4") == 1 + 2 * len(SIGNATURES)


def test_a_function_wrapped_by_a_decorator_is_the_edited_one(home):
    in_session(
        home,
        """
edit("optim.py", "return w - config", "return 7 * w - config")
run("assert sgd(np.ones(2), np.zeros(2))[0].tolist() == [7, 7]")
""",
    )


def test_a_decorator_of_ones_own_comes_and_goes(home):
    """Of its functions, Python lets none be mended in place; nor of those that it no longer has."""
    in_session(
        home,
        """
import io
from contextlib import redirect_stderr

TIMED = '''def timed(f):
    count = []
    def g(*a):
        count.append(len(a))
        return f(*a)
    return g


@timed
'''
errors = io.StringIO()
with redirect_stderr(errors):
    edit("layers.py", "def relu_forward(", TIMED + "def relu_forward(")
    run("assert relu_forward.__name__ == 'g' and relu_forward(np.array([-1.]))[0] == 0")
    edit("layers.py", "return np.maximum(x, 0)", "return 7 + np.maximum(x, 0)")
    run("assert relu_forward(np.array([-1.]))[0] == 7")
    run("assert affine_relu_forward(np.ones((1, 1)), -np.ones((1, 1)), np.zeros(1))[0] == 7")
    edit("layers.py", "return 7 + np.maximum(x, 0)", "return np.maximum(x, 0)")
    edit("layers.py", TIMED, "")
    run("assert relu_forward.__name__ == 'relu_forward' and relu_forward(np.array([-1.]))[0] == 0")
    edit("layers.py", "@spares_input_gradient\\ndef affine_backward(", "def affine_backward(")
    edit("layers.py", "def affine_backward(", "@spares_input_gradient\\ndef affine_backward(")
    run("check('fc-1.2'); check('fc-1.3')")
assert not errors.getvalue(), errors.getvalue()
""",
    )


def test_a_network_from_before_an_edit_has_the_methods_from_after_it(home):
    in_session(
        home,
        """
import io
from contextlib import redirect_stderr

PLAIN = "    def loss("
errors = io.StringIO()
with redirect_stderr(errors):
    run("class Own(TwoLayerNet): pass\\nown = Own(hidden_dim=5)")
    head = PLAIN + "self, *a): return (__class__, 7)\\n\\n    def old_loss("
    edit("classifiers/fc_net.py", PLAIN, head)
    run("assert old.loss(1)[1] == own.loss(1)[1] == 7")
assert not errors.getvalue(), errors.getvalue()
""",
    )


def test_the_lines_below_an_edit_are_those_of_the_file(home):
    in_session(
        home,
        """
edit("layers.py", "return dout * (x > 0)", "marker = 1\\n    return dout * (x > 0)")
from cs682 import layers
lines = Path("cs682/layers.py").read_text(encoding="utf-8").splitlines()
assert lines[layers.svm_loss.__code__.co_firstlineno - 1].startswith("def svm_loss(")
""",
    )


def test_a_hand_in_can_be_packed_after_edits(home):
    in_session(
        home,
        """
from cs682.hand_in import pack
for file, line in FILES.items():
    edit(file, line, "marker = 1\\n\\n\\n" + line)
run(TRAIN)
pack._add_states = lambda hand_in: None  # they are found in a process of its own
assert "notebooks/best_model.npz" in pack.collect(Path.cwd()).files
""",
    )


def test_a_file_that_does_not_load_is_a_few_lines_until_it_is_mended(home):
    line = SIGNATURES["layers.py"]
    source = (home / "cs682" / "layers.py").read_text(encoding="utf-8")
    number = source[: source.index(line)].count("\n") + 1
    broken = {
        "def broken(:": f"cs682/layers.py line {number}: SyntaxError: invalid syntax",
        "  x = 1": f"cs682/layers.py line {number}: IndentationError: unindent does not match",
        "x = unknown": f"cs682/layers.py line {number} does not load: NameError: name 'unknown'",
    }
    said = in_session(
        home,
        f"""
import io
from contextlib import redirect_stderr

def errors_of(call, *words):
    with redirect_stderr(io.StringIO()) as errors:
        call(*words)
    return errors.getvalue()

for new in {list(broken)!r}:
    first = errors_of(edit, "layers.py", {line!r}, new + chr(10) + {line!r})
    assert errors_of(run, "1") == first, first
    print("SAID " + first)
    assert not errors_of(edit, "layers.py", new + chr(10), "")
""",
    )

    told = [text.splitlines() for text in said.split("SAID ")[1:]]
    for lines, words in zip(told, broken.values(), strict=True):
        assert lines[0].startswith(words), said
        assert f"  {IN_USE}" in lines[1:3], said
        rest = lines[lines.index(f"  {IN_USE}") + 1 :]
        assert not rest[:1] or rest[0] == "" or "Out" in rest[0], said
    help_page = (ROOT / "docs" / "student.md").read_text(encoding="utf-8")
    assert f'| "{IN_USE[len("Until it is mended, ") : -1]}"' in help_page


def test_a_check_says_what_keeps_the_file_from_loading(home):
    """Neither is it the kernel's fault, nor is it right: the code from before is what would run."""
    in_session(
        home,
        f"""
import io
from contextlib import redirect_stderr
from cs682.checks import CheckError

def said_of(new):
    errors = io.StringIO()
    with redirect_stderr(errors):
        edit("layers.py", "import numpy as np", new)
        errors.truncate(0)
        said = str(shell.run_cell("check('fc-1.4')").error_in_exec)
        edit("layers.py", new, "import numpy as np")
    assert "does not load" not in errors.getvalue(), errors.getvalue()
    run("check('fc-1.4')")
    return said

def edit(file, old, new, line=edit):
    Path("cs682", file).write_bytes(Path("cs682", file).read_bytes().replace(
        old.encode("latin-1"), new.encode("latin-1")))
    os.utime(Path("cs682", file), (0, Path("cs682", file).stat().st_mtime + 5))
    run("1")

said = said_of("import numpy as np, no_such")
assert "layers.py line 1" in said and "No module named 'no_such'\\n  {IN_USE}" in said, said
assert "restart" not in said and "hint(" not in said, said
said = said_of("import numpy as np  # donnée")
assert ": a character is not in UTF-8" in said and said.startswith("cs682/layers.py line "), said
assert "pathlib" not in said, said
said = said_of("import numpy as np\\nfrom cs682.layer_utils import affine_relu_forward")
assert "cs682.layer_utils is imported, which imports cs682/layers.py itself" in said, said
""",
    )


def test_a_name_that_has_gone_fails_what_imports_it(home):
    """Python's words in a new process: here the old function lives on in the importers."""
    in_session(
        home,
        f"""
import io
from contextlib import redirect_stderr

errors = io.StringIO()
with redirect_stderr(errors):
    edit("layers.py", "def affine_forward(", "def my_affine_forward(")
    said = {{key: str(shell.run_cell(f"check('{{key}}')").error_in_exec) for key in
            ("fc-1.1", "fc-1.3", "fc-2.2", "fc-3.2")}}
lost = "ImportError: cannot import name 'affine_forward' from 'cs682.layers': was it renamed"
assert "cs682/layer_utils.py line " in errors.getvalue() and lost in errors.getvalue()
assert "cs682/layers.py has no function affine_forward" in said["fc-1.1"], said
assert said["fc-1.3"] == "None", said
for key in ("fc-2.2", "fc-3.2"):
    assert said[key].startswith("cs682/classifiers/fc_net.py line ") and lost in said[key], said
    assert "{IN_USE}" in said[key] and "hint(" not in said[key], said
with redirect_stderr(io.StringIO()) as errors:
    edit("layers.py", "def my_affine_forward(", "def affine_forward(")
    run("check('fc-2.2')")
assert not errors.getvalue(), errors.getvalue()
""",
    )


def test_a_kernel_that_follows_no_edits_says_so(home):
    """The notebook's first cell was skipped: what is checked is not what stands in the file."""
    alone = SESSION.partition("run(TRAIN)")[0].replace("follow_edits(shell)\n", "", 1)
    in_session(home, SKIPPED, alone)


SKIPPED = """
from cs682.checks import CheckError
check = shell.user_ns["check"]

def said_by_check():
    try:
        check("fc-1.4")
    except CheckError as error:
        return str(error)
    return ""

edit("layers.py", "return dout * (x > 0)", "return (x > 0) * dout")
said = said_by_check()
assert said.startswith("cs682/layers.py was edited after") and "restart the kernel" in said, said
assert "hint(" not in said and "mend" not in said, said
board = str(shell.user_ns["progress"]())
assert "cs682/layers.py was edited after" in board, board
follow_edits(shell)
edit("layers.py", "return (x > 0) * dout", "return 1 * dout * (x > 0)")
assert not said_by_check()
"""


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("def f(x):\n    return x\n\n\ndef f(x):\n    return 2 * x\n", id="twice"),
        pytest.param("class A:\n    def f(self): pass\n    def f(self): return 1\n", id="method"),
        pytest.param("if 1:\n    def f(): return 1\nelse:\n    def f(): return 2\n", id="either"),
        pytest.param(
            "def d(f):\n    def g(): return f()\n    return g\n@d\ndef f(): return 1\n",
            id="wrapped",
        ),
        pytest.param(
            "from functools import wraps\ndef d(f):\n    @wraps(f)\n    def f(): return 2\n"
            "    return f\n@d\ndef f(): return 1\n",
            id="wrapped in its like",
        ),
        pytest.param("f = g = lambda x: x\ndef g(): return 1\n", id="named"),
    ],
)
def test_what_is_loaded_from_its_file_is_not_outdated(tmp_path, source):
    file = tmp_path / "loaded_now.py"
    file.write_text(source)
    spec = importlib.util.spec_from_file_location("loaded_now", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    assert not is_outdated(module)
    file.write_text("x = 0\n" + source)
    assert not is_outdated(module)
    file.write_text(source.replace("return ", "return 7 or "))
    assert is_outdated(module)


def test_a_warning_quotes_the_line_as_it_is_after_an_edit(home):
    in_session(
        home,
        """
run("import warnings; warnings.simplefilter('always')")
line = "    return w - config"
for note in ("before", "after"):
    path = Path("cs682/optim.py")
    text = path.read_text(encoding="utf-8")
    text = text.replace(line, f"    np.float64(1) / np.zeros(1)  # {note}\\n{line}", 1)
    line = f"    np.float64(1) / np.zeros(1)  # {note}"
    path.write_text(text, encoding="utf-8")
    os.utime(path, (0, path.stat().st_mtime + 5))
    run("1")
    import contextlib, io
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        run("sgd(np.ones(2), np.zeros(2))")
    assert note in said.getvalue(), said.getvalue()
    assert "return" not in said.getvalue(), said.getvalue()
""",
    )

"""What a student is told before handing in: each thing once, with the file and what to do."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from cs682._files import judge
from cs682.checks import EXERCISES, board
from cs682.checks.source import WRITTEN, find_troubles
from cs682.hand_in import look
from cs682.hand_in import pack as submit
from cs682.hand_in.pack import HandInError, collect
from cs682.setup import doctor
from cs682.setup.packages import Package

CONFLICT = "<<<<<<< HEAD\nx = 1\n=======\nx = 2\n>>>>>>> theirs\n"
ALL_WRONG = (
    "import json, cs682.checks.exercises as e; "
    "print(json.dumps({k: 'wrong' for k, r in e.EXERCISES.items() if r.file.endswith('.py')}))"
)


def remarks(home: Path, words: str) -> list[str]:
    return [remark for remark in collect(home).remarks if words in remark]


def change(home: Path, name: str, text: str | bytes) -> None:
    (home / name).write_bytes(text if isinstance(text, bytes) else text.encode())


# --- files that are no Python

UNTOUCHED = ("cs682/optim.py", "cs682/fast_layers.py")  # they do not rest on layers.py


def test_conflict_markers_are_said_once_with_their_line(root, monkeypatch):
    monkeypatch.setattr(submit, "_STATES", ALL_WRONG)
    change(root, "cs682/layers.py", f"import numpy\n{CONFLICT}")

    said = collect(root).remarks

    assert [text for text in said if "layers.py" in text] == remarks(
        root, "Git has left a conflict"
    )
    assert "cs682/layers.py line 2: Git has left a conflict" in said[0]
    elsewhere = {key for key, row in EXERCISES.items() if row.file in UNTOUCHED and row.functions}
    assert {text.split()[0] for text in said[1:]} == elsewhere


def test_a_conflict_in_a_notebook_stops_hand_in_and_board(root, monkeypatch):
    change(root, "notebooks/Dropout.ipynb", '{\n<<<<<<< HEAD\n"a": 1\n}')
    said = r"Dropout\.ipynb:? line 2: Git has left a conflict here, .* as text .* Editor$"

    with pytest.raises(HandInError, match=said):
        collect(root)
    with pytest.raises(ValueError, match=said):
        board.find_states(root / "notebooks", ["do-q1"])
    monkeypatch.setattr(doctor, "PACKAGE_HOME", root)
    (finding,) = doctor.look_at_conflicts()
    assert re.search(said, finding.text)
    assert finding.verdict == "fail"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_called_that_and_what_to_do(root, encoding):
    change(root, "cs682/layers.py", "import numpy  # é\n".encode(encoding))

    with pytest.raises(HandInError, match=r"layers\.py is saved as UTF-16: save it as UTF-8"):
        collect(root)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"x = 1\r\ny = 2\r\n", ""),
        ("\ufeffx = 1\n".encode(), ""),
        ("# -*- coding: cp1252 -*-\nx = 'é'\n".encode("cp1252"), ""),
        ("#!/bin/python\n# coding: cp1252\nx = 'é'\n".encode("cp1252"), ""),
        ("x = 1\ny = 'é'\n".encode("cp1252"), "line 2: a character is not in UTF-8"),
        ("x = 1\n".encode("utf-16"), "is saved as UTF-16"),
        (b"x = (1\n", "line 1: SyntaxError: '(' was never closed\n  x = (1"),
        (b"def f(:\n", "line 1: SyntaxError: invalid syntax\n  def f(:"),
        (
            b'"""M."""\n\n\n'
            + b'def f(a):\n    """N.\n\n    it\'s a\n    """\n    return a\n\n\n' * 2,
            "",
        ),
        (
            b'def f(a):\n    """N."""\n    """\n    return a\n\n\ndef g(a):\n    """It\'s."""\n',
            "line 8: SyntaxError: unterminated string literal (detected at line 8)\n"
            '  """It\'s."""\n  f, from line 1 on, holds an odd number of """: is one too many?',
        ),
        (
            b"class A:\n    x = 1\n\ndef f(self):\n        return 1\n\n    def g(self):\n",
            "line 7: IndentationError: unindent does not match any outer indentation level: each "
            "level takes four spaces, and lines of one block as many\n  def g(self):\n"
            "  Line 4 starts further left: def f(self):",
        ),
        (b"a = 1\n<<<<<<< HEAD\r\n", "line 2: Git has left a conflict"),
        (b"a = '''\n=======\n'''\n", ""),
    ],
)
def test_a_file_is_judged_as_python_reads_it(content, words):
    said = judge("cs682/layers.py", content)

    assert said.startswith(words)
    assert bool(said) == bool(words)


def test_all_stands_for_all_exercises(monkeypatch, capsys):
    monkeypatch.setattr(board, "find_troubles", lambda: dict.fromkeys(board.RESTING_ON, "oh"))

    assert board.run_checks(["all"]) == board.run_checks() == 1
    assert capsys.readouterr().out.count(f"0 of {len(board.CHECKS)} passed") == 2


def test_the_terminal_says_it_once_and_checks_what_does_not_rest_on_it(monkeypatch, capsys):
    monkeypatch.setattr(board, "find_troubles", lambda: {"cs682/layer_utils.py": "line 3: oh"})
    monkeypatch.setattr(board, "examine_in_time", lambda key, **_: pytest.fail(key))

    assert board.run_checks(["fc-1.5", "fc-2.1", "bn-2.2"]) == 1

    assert capsys.readouterr().out == "cs682/layer_utils.py line 3: oh\n0 of 3 passed\n"


@pytest.mark.parametrize(
    ("line", "is_refused"),
    [
        ("from cs682.layer_utils import affine_relu_forward", True),
        ("from .layer_utils import affine_relu_forward", True),
        ("from cs682 import layer_utils", True),
        ("import cs682.classifiers.fc_net", True),
        ("from cs682 import fast_layers", False),
        ("from ... import layer_utils", False),
        ("def f():\n    from cs682 import layer_utils", False),
    ],
)
def test_a_file_that_imports_what_imports_it_is_refused(tmp_path, line, is_refused):
    (tmp_path / "cs682").mkdir()
    (tmp_path / "cs682/layers.py").write_text(f"import numpy as np\n{line}\n")

    said = find_troubles(tmp_path).get("cs682/layers.py", "")

    assert bool(re.match(r"line 2: cs682\.\S+ is imported, which imports ", said)) == is_refused


def test_the_files_of_this_tree_are_python():
    assert find_troubles() == {}
    assert set(board.RESTING_ON) >= set(WRITTEN)


def test_a_copy_of_a_notebook_that_holds_something_else_is_named(root):
    given = (root / "notebooks/Dropout.ipynb").read_bytes()
    change(root, "notebooks/Dropout-Copy1.ipynb", given)
    assert not remarks(root, "Copy1")

    change(root, "notebooks/Dropout-Copy1.ipynb", given + b" ")

    said = "Dropout-Copy1.ipynb does not count, nor is it handed in: write into Dropout.ipynb"
    assert remarks(root, "Copy1") == [said]


# --- code in the notebook


def test_code_in_the_notebook_is_sent_to_its_file():
    def code(text):
        return {"cell_type": "code", "source": text}

    cells = [
        code("x = 1"),
        code("import os\ndef relu_forward(x):\n    return x"),
        code("def f(): 1"),
    ]
    cells += [{"cell_type": "markdown", "source": "def adam(): no code"}]
    cells += [code("class TwoLayerNet:\n    def loss(self): 1")]

    assert list(look.look_at_notebook("FullyConnectedNets.ipynb", cells)) == [
        "FullyConnectedNets.ipynb: cell 2 defines relu_forward, which is not graded there: move it "
        "to cs682/layers.py",
        "FullyConnectedNets.ipynb: cell 5 defines TwoLayerNet, which is not graded there: move it "
        "to cs682/classifiers/fc_net.py",
    ]


# --- what the grader has not


def test_imports_that_the_grader_lacks_are_said_and_written_down(root):
    text = (
        "import os, scipy.special\nfrom torch import nn\nfrom cs682 import layers\nimport numpy\n"
    )
    change(root, "cs682/solver.py", "import pandas\n")
    given = [path.relative_to(root).as_posix() for path in root.rglob("*.py")]
    change(root, "MANIFEST.json", json.dumps({"files": dict.fromkeys(given, "")}))
    change(root, "cs682/optim.py", text)
    change(root, "cs682/helper.py", "def f():\n    import tqdm, pandas\n")

    hand_in = collect(root)

    found = {"cs682/optim.py": ["scipy", "torch"], "cs682/helper.py": ["pandas", "tqdm"]}
    assert hand_in.imports == found
    assert "cs682/optim.py imports scipy, torch, which the grader does not have" in hand_in.remarks
    written = json.loads(hand_in.files["hand-in.json"])
    assert written["imports"] == found
    assert written["versions"]["python"] == sys.version.split()[0]
    assert written["versions"]["numpy"]


@pytest.mark.parametrize(
    "line",
    ["open('log', 'w')", "open('table')", "np.load('x')", "np.save('x', x)", "os.makedirs('figs')",
     "subprocess.run(['ls'])", "Thread(target=f)", "Path('x').write_text('')", "input('go?')",
     "logging.basicConfig(filename='log')", "breakpoint()", "time.sleep(0.1)"],
)  # fmt: skip
def test_what_the_grader_refuses_to_do_is_said(root, line):
    change(root, "cs682/optim.py", f"def f(x):\n    {line}\n")

    (said,) = [text for text in collect(root).remarks if "at the grader's" in text]

    assert said.startswith("cs682/optim.py line 2 calls ")
    assert "code finds no files but its own, can write none" in said


@pytest.mark.parametrize(
    "line",
    ["np.full(3, 1)", "print(x)", "net.save(x)",
     "logging.basicConfig(level=10)", "if __name__ == '__main__':\n    np.save('x', x)"],
)  # fmt: skip
def test_what_the_grader_allows_is_not_blamed(root, line):
    change(root, "cs682/optim.py", f"{line}\n")

    assert not [text for text in collect(root).remarks if "at the grader's" in text]


@pytest.mark.parametrize("manifest", [None, "{", "[]", '{"files": 682}'])
def test_given_code_is_not_blamed(root, manifest):
    if manifest:
        change(root, "MANIFEST.json", manifest)
    change(root, "cs682/setup/lab.py", "import jupyterlab_server, anything\n")

    assert collect(root).imports == {}


def test_an_old_version_is_remarked_on(monkeypatch):
    monkeypatch.setattr(look, "packages", lambda: [Package("numpy", "1.24", "1.19.5")])

    (said,) = look.look_at_versions()

    assert said.startswith("numpy 1.19.5 is older than 1.24, which the assignment asks for")


# --- folders


@pytest.mark.parametrize("name", ["cs682 2", "CS682-mine", "assignment", "cs231n"])
def test_the_package_is_packed_whatever_its_folder_is_called(root, name):
    (root / "cs682").rename(root / name)

    hand_in = collect(root)

    assert set(WRITTEN) <= hand_in.files.keys()
    assert not [file for file in hand_in.files if file.startswith(name)]
    assert f"the folder {name} is packed as cs682, which is its name" in hand_in.remarks[0]


def test_a_second_package_is_named_and_the_right_one_packed(root):
    for name in WRITTEN:
        other = root / "cs682 2" / Path(name).relative_to("cs682")
        other.parent.mkdir(parents=True, exist_ok=True)
        other.write_text("x = 682\n")

    hand_in = collect(root)

    assert "there is a second package, cs682 2: what is packed is cs682" in hand_in.remarks
    assert hand_in.files["cs682/layers.py"] != b"x = 682\n"

"""CONTRIBUTING's checklist of an exercise, followed with a made-up one in a copy of the tree."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from cs682.checks import Exercise
from staff.exercises import task_line

ROOT = Path(__file__).resolve().parents[3]
CHECKLIST = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("\n## ")
ID, NAME = "fc-1.7", "absolute_forward"
TASK = task_line(Exercise(ID, "Absolute values", (NAME,), "cs682/layers.py", 0, 5))
NOTEBOOK = "notebooks/FullyConnectedNets.ipynb"
BANK = f"staff/bank/answers/{ID}.txt"

# Each text, and what it is put before in its file; at the end where nothing is said.
PIECES = {
    "cs682/checks/exercises.py": (
        '        ("fc-q1",',
        f'        ("{ID}", "Absolute values", ("{NAME}",), _LAYERS, 0, 5),\n',
    ),
    "cs682/layers.py": (
        "",
        f'\n\ndef {NAME}(x):\n    """Return absolute values, and x."""\n'
        f"    # TODO({ID}): without a loop.\n    # BEGIN SOLUTION\n"
        "    return np.sqrt(x * x), x\n    # END SOLUTION\n",
    ),
    "cs682/checks/slow.py": ("", "\n\ndef absolute(x):\n    return np.array([*map(abs, x)])\n"),
    "cs682/checks/judges/layers.py": (
        "",
        "\n\ndef check_absolute(s, r):\n    x = np.array([-1.5, 0.5, 2.5])\n"
        f'    out, _ = unpack("{NAME}", s.{NAME}(x), ("out", "cache"))\n'
        '    causes = {"the sign is kept": x, "the values are squared": x * x}\n'
        '    compare("out", out, slow.absolute(x), rtol=EXACT, causes=causes)\n',
    ),
    "cs682/checks/run.py": ('    "fc-2.1": ', f'    "{ID}": (layers.check_absolute,),\n'),
    "staff/grading/judging/secret/layers.py": (
        "",
        "\n\ndef absolute(s, rng):\n    x = draw(rng, 5)\n"
        f'    hold("out", first("{NAME}", s.{NAME}(x)), abs(x), "5 numbers")\n',
    ),
    "staff/grading/judging/secret/__init__.py": (
        '    "fc-2.1": ',
        f'    "{ID}": layers.absolute,\n',
    ),
    "cs682/checks/hints.md": ("## fc-2.1", f"## {ID}\n\nIs -1 large?\n\n(5,)\n\n- a\n- b\n- c\n\n"),
    BANK: (
        "",
        f"# {ID}: Absolute values\n\n"
        "wrong: nothing done => the sign is kept\n  + return x, x\n"
        "wrong: copy => the sign is kept\n  + return x.copy(), x\n"
        "wrong: squares => the values are squared\n  - np.sqrt(x * x)\n  + x * x\n"
        "wrong: powers => the values are squared\n  - np.sqrt(x * x)\n  + x**2\n"
        "wrong: mean => shape\n  - np.sqrt(x * x)\n  + np.mean(abs(x))\n"
        "right: the function of NumPy\n  - np.sqrt(x * x)\n  + np.abs(x)\n",
    ),
}
SEEN = [*PIECES, NOTEBOOK, "docs/exercises.md", "staff/golden/stubs.txt"]  # the rest is below


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """Give a copy of this tree with the exercise in every place of the checklist."""
    home = tmp_path_factory.mktemp("tree")
    tracked = subprocess.run(["git", "-C", str(ROOT), "ls-files"], capture_output=True, check=True)
    for path in tracked.stdout.decode().splitlines():
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, home / path)
    for path, (anchor, text) in PIECES.items():
        insert(home / path, anchor, text)
    add_to_notebook(home / NOTEBOOK)
    author = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    for words in (["init", "-q"], ["add", "."], [*author, "commit", "-q", "-m", "x"]):
        subprocess.run(["git", "-C", str(home), *words], check=True)
    assert run(home, "staff", "exercises").returncode == 0
    run(home, *STUBS, "--update-goldens")
    return home


RELEASE = ("staff", "release", "--allow-dirty", "--replace", "--out", "build")
STUBS = (
    "pytest",
    "-q",
    "-p",
    "no:cacheprovider",
    "staff/tests/release/test_tree.py",
    "-k",
    "stubs",
)
ALL = (
    *STUBS[:-2],
    "staff/tests/checks/test_exercises.py",
    "staff/tests/checks/test_hints.py",
    "staff/tests/bank/test_bank.py",
)
OURS = ("-k", f"shows_the_stubs or test_page or {ID}")


def insert(path: Path, anchor: str, text: str) -> None:
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    place = before.index(anchor) if anchor else len(before)
    path.write_text(before[:place] + text + before[place:], encoding="utf-8")


def add_to_notebook(path: Path) -> None:
    book = nbformat.read(path, as_version=4)
    place = next(i for i, cell in enumerate(book.cells) if cell.source.startswith("## 2 "))
    task = nbformat.v4.new_markdown_cell(f"### 1.7 Absolute values\n\n{TASK}", id="absolute-task")
    book.cells[place:place] = [task, nbformat.v4.new_code_cell(f'check("{ID}")', id="absolute")]
    nbformat.write(book, path)


def run(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    command = [sys.executable, "-m", *words]
    return subprocess.run(command, cwd=home, env=kept, capture_output=True, text=True, check=False)


def test_checklist_names_every_place():
    (section,) = (text for text in CHECKLIST if text.startswith("An exercise\n"))

    named = {place.replace("ID", ID) for place in re.findall(r"`([\w./-]+)`", section)}

    rooms = {place for place in named if (ROOT / place).is_dir()}
    assert [p for p in SEEN if p not in named and f"{Path(p).parent}/" not in rooms] == []


@pytest.mark.slow
@pytest.mark.parametrize("words", [RELEASE, (*ALL, *OURS)], ids=["release", "tests"])
def test_exercise_that_is_in_every_place_is_accepted(tree, words):
    done = run(tree, *words)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("places", "words", "said"),
    [
        (["cs682/layers.py"], RELEASE, [f"{ID} has no region in {NAME}"]),
        (
            [
                "cs682/checks/run.py",
                "staff/grading/judging/secret/__init__.py",
                "cs682/checks/hints.md",
            ],
            RELEASE,
            [
                f"{ID} has no entry for a check in",
                f"{ID} has no entry for a further check in",
                f"{ID} has 0 hints, expected 3",
            ],
        ),
        (
            [NOTEBOOK, "docs/exercises.md", "staff/golden/stubs.txt", BANK],
            (*ALL, *OURS),
            [
                f"test_notebook_says_of_each_exercise_what_the_table_says[{ID}]",
                "test_page_of_exercises_is_up_to_date",
                "test_release_shows_the_stubs_that_were_reviewed",
                f"test_bank_holds_wrong_and_right_answers_to_each_exercise[{ID}]",
            ],
        ),
    ],
    ids=["solution", "checks and hints", "pages and bank"],
)
def test_exercise_that_lacks_a_place_is_refused(tree, places, words, said):
    whole = {place: (tree / place).read_bytes() for place in places}
    for place in places:
        (tree / place).unlink()
        if (ROOT / place).exists():
            shutil.copy(ROOT / place, tree / place)

    done = run(tree, *words)
    for place, data in whole.items():
        (tree / place).write_bytes(data)

    assert done.returncode == 1
    assert [text for text in said if text not in done.stdout + done.stderr] == []

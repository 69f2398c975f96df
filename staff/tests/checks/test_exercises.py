"""The exercise table against everything that speaks of exercises."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import nbformat
import pytest

from cs682.checks import EXERCISES
from cs682.checks.exercises import NOTEBOOKS
from cs682.checks.run import CHECKS, TRAININGS
from staff.exercises import PAGE, page, task_line

ROOT = Path(__file__).resolve().parents[3]
MARK = re.compile(r"""exercise\(id=["']([a-z0-9.-]+)["']""")


def notebook_text(row):
    cells = nbformat.read(ROOT / "notebooks" / row.notebook, as_version=4).cells
    return [cell.source for cell in cells]


def test_page_of_exercises_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == page()  # else: python -m staff exercises


def test_marks_of_tests_name_exercises_of_the_table():
    found = {
        name for path in (ROOT / "tests").rglob("*.py") for name in MARK.findall(path.read_text())
    }

    assert found
    assert found <= set(EXERCISES)


@pytest.mark.parametrize("row", EXERCISES.values(), ids=lambda row: row.id)
def test_notebook_says_of_each_exercise_what_the_table_says(row):
    cells = notebook_text(row)

    if not row.is_given:
        assert sum(task_line(row) in text.splitlines() for text in cells) == 1
    if not row.is_question:
        assert sum(f'check("{row.id}"' in text for text in cells) == 1


@pytest.mark.parametrize(
    "row",
    [row for row in EXERCISES.values() if row.id in CHECKS and not row.is_given],
    ids=lambda row: row.id,
)
def test_check_comes_before_whatever_else_compares_in_its_section(row):
    cells = notebook_text(row)
    task = next(i for i, text in enumerate(cells) if re.search(rf"^#+ {row.section} ", text, re.M))

    first = next(text for text in cells[task + 1 :] if re.search(r"^ *check\w*\(", text, re.M))

    assert first.partition("\n")[0] == f'check("{row.id}")'


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_assertion_of_a_notebook_says_what_was_expected(name):
    cells = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4).cells
    trees = [ast.parse(cell.source) for cell in cells if cell.cell_type == "code"]

    silent = [
        ast.unparse(node)
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Assert) and node.msg is None
    ]

    assert silent == []


@pytest.mark.parametrize(
    "row", [row for row in EXERCISES.values() if not row.is_given], ids=lambda row: row.id
)
def test_section_of_an_exercise_stands_in_its_notebook(row):
    if row.is_question:
        pytest.skip("questions stand where their section ends")
    headings = [
        text for text in notebook_text(row) if re.search(rf"^#+ {row.section} ", text, re.M)
    ]

    assert len(headings) == 1
    assert f"**Exercise {row.id}**" in headings[0]


@pytest.mark.parametrize(
    "row", [row for row in EXERCISES.values() if row.is_question], ids=lambda row: row.id
)
def test_question_is_followed_by_a_tagged_answer(row):
    cells = nbformat.read(ROOT / "notebooks" / row.notebook, as_version=4).cells
    place = next(i for i, c in enumerate(cells) if f"**Question {row.id}**" in c.source)

    assert "answer" in cells[place + 1].metadata.get("tags", [])
    assert len(cells[place + 1].source.split()) >= 30


CODE = [row for row in EXERCISES.values() if row.file.startswith("cs682/")]
FILES = sorted({row.file for row in CODE})
BOOKS = sorted({row.file for row in EXERCISES.values()} - set(FILES))


def test_three_notebooks_are_worth_100_points_and_the_fourth_half_as_much():
    fourth = "ConvolutionalNetworks.ipynb"
    assert sum(row.points for row in EXERCISES.values() if row.notebook != fourth) == 100
    assert sum(row.points for row in EXERCISES.values() if row.notebook == fourth) == 50
    todo = [row for row in EXERCISES.values() if not row.is_given]
    assert all(row.points >= 1 and row.minutes >= 5 for row in todo)


def test_exercises_have_ids_of_their_own_that_name_notebook_and_section():
    assert all(key == row.id for key, row in EXERCISES.items())
    assert all(re.fullmatch(r"(fc|bn|do|cn)-(\d\.\d|q\d)", key) for key in EXERCISES)
    assert len({row.title for row in EXERCISES.values()}) == len(EXERCISES)
    assert EXERCISES["bn-q2"].notebook == "BatchNormalization.ipynb"
    assert EXERCISES["bn-q2"].section == "Q2"
    assert EXERCISES["do-1.3"].section == "1.3"


def test_every_exercise_but_questions_has_a_check():
    asked = {key for key, row in EXERCISES.items() if not row.is_question}

    assert set(CHECKS) | set(TRAININGS) == asked
    assert set(CHECKS) == {row.id for row in CODE}
    assert not set(CHECKS) & set(TRAININGS)


def functions_of(file):
    """Name each function and method of a source file."""
    found = set()
    for node in ast.parse((ROOT / file).read_text(encoding="utf-8")).body:
        members = node.body if isinstance(node, ast.ClassDef) else [node]
        prefix = f"{node.name}." if isinstance(node, ast.ClassDef) else ""
        found |= {prefix + member.name for member in members if isinstance(member, ast.FunctionDef)}
    return found


@pytest.mark.parametrize("file", FILES)
def test_functions_of_the_table_stand_in_its_files(file):
    wanted = {name for row in CODE if row.file == file for name in row.functions}

    assert wanted <= functions_of(file)


@pytest.mark.parametrize("file", BOOKS)
def test_exercises_of_notebooks_stand_there(file):
    if not (ROOT / file).exists():
        pytest.skip(f"{file} is not written yet")
    cells = nbformat.read(ROOT / file, as_version=4)["cells"]
    source = "\n".join(cell["source"] for cell in cells if cell["cell_type"] == "code")

    todos = set(re.findall(r"TODO\(([\w.-]+)\)", source))

    wanted = {row.id for row in EXERCISES.values() if row.file == file and not row.is_question}
    assert todos == wanted

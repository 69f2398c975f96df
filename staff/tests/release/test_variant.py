"""Variants: what a course changes, refused when it makes no sense."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cs682.checks import EXERCISES
from cs682.checks.exercises import CHOSEN, apply_variant
from staff import __main__ as staff_command
from staff.release import variant as variants
from staff.release.books import read_book
from staff.release.build import cut
from staff.release.variant import Variant, read_variant, variant_of

FALL_2021 = Path(variants.__file__).parent / "variants" / "fall-2021.json"


THREE = FALL_2021.with_name("three-notebooks.json")


@pytest.fixture(scope="module")
def fall_2021(source):
    return cut(source, read_variant(FALL_2021))


def test_example_hands_out_adam_solved_and_everything_else_open(fall_2021, release, source):
    optim, reference = (x.files["cs682/optim.py"].decode() for x in (fall_2021, source))

    body = reference.partition("TODO(fc-4.3)")[2].partition("# BEGIN SOLUTION\n")[2]
    assert body.partition("    # END SOLUTION")[0] in optim
    assert "TODO(fc-4.3)" not in optim
    assert "TODO(fc-4.1)" in optim
    assert fall_2021.files["cs682/layers.py"] == release.files["cs682/layers.py"]


def test_example_is_worth_what_the_table_is():
    points = sum(row.points for row in read_variant(FALL_2021).table.values())

    assert points == sum(row.points for row in EXERCISES.values())


def test_notebooks_and_page_say_the_points_of_the_variant(fall_2021):
    path = "notebooks/FullyConnectedNets.ipynb"
    text = "\n".join(c["source"] for c in read_book(fall_2021.files[path], path)["cells"])
    page = fall_2021.files["docs/exercises.md"].decode()

    file = "[`cs682/optim.py`](../cs682/optim.py)"
    assert f"**Exercise fc-4.3** · `adam` in {file} · given: read it\n" in text + "\n"
    assert f"**Exercise fc-4.1** · `sgd_momentum` in {file} · 2 points · about" in text
    assert "| fc-4.3 | Adam (given) | `adam` | `cs682/optim.py` |  |  |" in page
    assert (
        "| bn-1.3 | Batch norm: backward | `batchnorm_backward` | `cs682/layers.py` | 8 |" in page
    )


def test_package_of_a_variant_applies_it(fall_2021):
    written = json.loads(fall_2021.files["cs682/checks/variant.json"])

    table = apply_variant(EXERCISES, written)

    assert table == read_variant(FALL_2021).table
    assert (table["fc-4.3"].points, table["fc-4.3"].is_given) == (0, True)
    assert (table["bn-1.3"].points, table["bn-1.3"].is_given) == (8, False)
    assert list(table) == list(EXERCISES)


def test_package_of_a_variant_knows_that_hints_are_handed_in(source, tmp_path):
    path = tmp_path / "mine.json"
    path.write_text('{"hints_in_hand_in": true, "agents": true}', encoding="utf-8")

    files = cut(source, read_variant(path)).files
    written = json.loads(files["cs682/checks/variant.json"])

    assert b"hints.json" not in files[".gitignore"]  # a clone is a hand-in as well
    assert written == {"hints_in_hand_in": True}
    assert variant_of(written) == read_variant(path)
    assert apply_variant(EXERCISES, written) == EXERCISES


def test_release_without_a_variant_carries_none(release):
    assert "cs682/checks/variant.json" not in release.files


def test_given_exercise_may_keep_points():
    table = Variant(("fc-4.3",), {"fc-4.3": 1, "fc-1.1": 0}).table

    assert (table["fc-4.3"].points, table["fc-4.3"].is_given) == (1, True)
    assert (table["fc-1.1"].points, table["fc-1.1"].is_given) == (0, False)


def test_handed_out_training_stays_in_its_cell(source):
    files = cut(source, Variant(("fc-3.5",))).files

    book = read_book(files["notebooks/FullyConnectedNets.ipynb"], "")
    cells = {cell["id"]: cell["source"] for cell in book["cells"]}
    assert "found = search(" in cells["overfit-five"]
    assert "NotImplementedError" not in cells["overfit-five"]
    assert "NotImplementedError" in cells["overfit-three"]


# --- a course that leaves a notebook out


def test_course_of_three_notebooks_is_worth_100_points():
    table = read_variant(THREE).table

    assert sum(row.points for row in table.values()) == 100
    assert {key[:2] for key in table} == {"fc", "bn", "do"}


def test_release_of_three_notebooks_asks_for_nothing_of_the_fourth(source, release):
    files = cut(source, read_variant(THREE)).files
    text = {path: data.decode(errors="replace") for path, data in files.items()}

    assert "notebooks/ConvolutionalNetworks.ipynb" in release.files
    assert "tests/exercises/test_cnn.py" in release.files
    gone = release.files.keys() - files.keys()
    assert {"notebooks/ConvolutionalNetworks.ipynb", "tests/exercises/test_cnn.py"} <= gone
    assert all(path.startswith(("notebooks/", "tests/exercises/")) for path in gone)
    assert [path for path in text if "TODO(cn-" in text[path]] == []
    assert "conv_forward_naive is no part of this course" in text["cs682/layers.py"]
    assert "TODO(fc-1.1)" in text["cs682/layers.py"]
    assert "| cn-" not in text["docs/exercises.md"]
    assert "| `ConvolutionalNetworks" not in text["README.md"]
    assert "ConvolutionalNetworks" not in text["notebooks/assignment.jupyterlab-workspace"]
    assert "four notebooks" not in text["README.md"]
    compile(text["cs682/layers.py"], "layers.py", "exec")
    compile(text["cs682/classifiers/cnn.py"], "cnn.py", "exec")


def test_package_of_three_notebooks_applies_the_choice(source):
    written = json.loads(cut(source, read_variant(THREE)).files["cs682/checks/variant.json"])

    assert apply_variant(EXERCISES, written) == read_variant(THREE).table
    assert variant_of(written) == read_variant(THREE)


def test_grader_counts_the_notebooks_of_the_course_alone(monkeypatch):
    monkeypatch.setenv(CHOSEN, "")  # what is set below is taken back afterwards
    staff_command._choose_notebooks(["grade", "hand-ins", "--variant", THREE.name, "--seed", "1"])
    asks = (
        "from cs682.checks import EXERCISES; from cs682.checks.run import CHECKS, TRAININGS;"
        "from cs682.checks.run import MODELS;"
        "print(sum(r.points for r in EXERCISES.values()),"
        "sorted({k[:2] for k in (*CHECKS, *TRAININGS, *MODELS)}))"
    )
    said = subprocess.run([sys.executable, "-c", asks], capture_output=True, text=True, check=True)

    assert os.environ[CHOSEN] == "FullyConnectedNets,BatchNormalization,Dropout"
    assert said.stdout == "100 ['bn', 'do', 'fc']\n"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{", "line 1 column 2"),
        (
            "[]",
            "expected an object with some of given, points, notebooks, hints_in_hand_in, "
            "updates, agents, self_study, policy, got",
        ),
        ('{"agents": 1}', '"agents" is true, false or the name of a text file, got 1'),
        ('{"agents": ""}', "the name of a text file, got ''"),
        ('{"policy": true}', '"policy" is the name of a text file, got True'),
        ('{"hints_in_hand_in": "yes"}', "\"hints_in_hand_in\" is true or false, got 'yes'"),
        ('{"self_study": 1}', '"self_study" is true or false, got 1'),
        ('{"notebooks": []}', '"notebooks" is a list of some of FullyConnectedNets, '),
        ('{"notebooks": ["Convolution"]}', "got ['Convolution']"),
        ('{"notebooks": "Dropout"}', "got 'Dropout'"),
        (
            '{"notebooks": ["Dropout"], "points": {"fc-1.1": 3}}',
            "fc-1.1 is in FullyConnectedNets.ipynb, which is left out",
        ),
        ('{"give": []}', "got ['give']"),
        ('{"given": "fc-4.3"}', '"given" is a list of ids'),
        ('{"points": [1]}', '"points" an object of id and number'),
        ('{"given": ["fc-4.4"]}', "there is no exercise 'fc-4.4'; there are fc-1.1, "),
        ('{"given": [4.3]}', "there is no exercise 4.3"),
        ('{"given": ["fc-q3"]}', "fc-q3 cannot be handed out solved: it is a question"),
        ('{"given": ["fc-1.5"]}', "fc-1.5 cannot be handed out solved: it is given in every"),
        ('{"given": ["fc-4.3", "fc-4.3"]}', "fc-4.3 is given more than once"),
        ('{"points": {"fc-9.1": 1}}', "there is no exercise 'fc-9.1'"),
        ('{"points": {"fc-1.1": -1}}', "points of fc-1.1 are a whole number from 0 to 100, got -1"),
        ('{"points": {"fc-1.1": 101}}', "got 101"),
        ('{"points": {"fc-1.1": 1.5}}', "got 1.5"),
        ('{"points": {"fc-1.1": true}}', "got True"),
        (
            '{"updates": "http://h/a/"}',
            """folder such as "https://HOST/PATH/", got 'http://h/a/'""",
        ),
        ('{"updates": "https://h/a.zip"}', "got 'https://h/a.zip'"),
        ('{"updates": 1}', "got 1"),
    ],
)
def test_read_variant_refuses_and_says_why(tmp_path, text, fault):
    path = tmp_path / "mine.json"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(ValueError) as caught:  # noqa: PT011  # the text is looked at below
        read_variant(path)

    assert str(caught.value).startswith(f"{path}: ")
    assert fault in str(caught.value)


def test_variant_of_ours_is_found_by_its_name_and_a_file_of_that_name_comes_first(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert read_variant(Path("three-notebooks.json")) == read_variant(THREE)

    Path("three-notebooks.json").write_text("{}")
    assert read_variant(Path("three-notebooks.json")) == Variant()


def test_read_variant_misses_a_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_variant(tmp_path / "none.json")

"""What a student meets in the release: open exercises, first tries, and the check that passes."""

from __future__ import annotations

import re

import pytest

from cs682.checks import EXERCISES
from staff.browser.pictures import SHOTS
from staff.browser.server import FRONT_ENDS

NOTEBOOKS = ("FullyConnectedNets", "BatchNormalization", "Dropout", "ConvolutionalNetworks")
STUB = re.compile(r'    raise NotImplementedError\("affine_forward: .*\n')
RIGHT = """\
    rows = x.reshape(len(x), -1)
    return rows @ w + b, (x, w, b)
"""
# What students write first, and what the page must say to it.
FIRST_TRIES = {
    "wrong sign": (RIGHT.replace("+ b", "- b"), "Likely cause: the bias b is subtracted"),
    "no return": (RIGHT.replace("return", "out ="), "affine_forward returned nothing"),
    "transposed": (RIGHT.replace("rows @ w + b", "(rows @ w + b).T"), "it is transposed"),
    "unknown name": (RIGHT.replace("len(x)", "len(X)"), "name 'X' is not defined"),
}
CHECK = "affine-forward-check"


@pytest.mark.parametrize("name", NOTEBOOKS)
@pytest.mark.parametrize("front_end", FRONT_ENDS)
def test_every_check_of_the_release_says_what_is_open(open_notebook, released, front_end, name):
    notebook = open_notebook(front_end, released, name)
    for cell_id in ("setup", "imports"):
        notebook.run(cell_id)

    said = {
        exercise: notebook.run(cell_id)
        for cell_id, cell in notebook.cells.items()
        for exercise in re.findall(r'^check\("([\w.-]+)"', cell["source"], re.MULTILINE)
    }

    notebook.shoot(SHOTS / f"open-{name}-{front_end}")
    assert len(said) >= 4
    for exercise, text in said.items():
        row = EXERCISES[exercise]
        if row.file.endswith(".ipynb"):  # the stub stands in the cell itself
            assert f": see {row.notebook}, section {row.section}" in text
        elif row.points:
            assert f"{exercise} is open" in text or f"{exercise} waits for" in text, text
            assert "Traceback" not in text


@pytest.mark.parametrize("front_end", FRONT_ENDS)
def test_check_sees_an_edited_file_without_a_new_kernel(open_notebook, released, front_end):
    notebook = open_notebook(front_end, released, "FullyConnectedNets")
    file = notebook.path.parents[1] / "cs682" / "layers.py"
    stub = file.read_text()
    for cell_id in ("setup", "imports"):
        notebook.run(cell_id)
    assert "fc-1.1 is open" in notebook.run(CHECK)

    for mistake, (body, words) in FIRST_TRIES.items():
        file.write_text(STUB.sub(body, stub))
        assert words in notebook.run(CHECK), mistake
        notebook.shoot_cell(CHECK, SHOTS / f"{mistake.replace(' ', '-')}-{front_end}")
    file.write_text(STUB.sub(RIGHT, stub))

    text = notebook.run(CHECK)
    notebook.shoot_cell(CHECK, SHOTS / f"passed-{front_end}")
    assert "passed fc-1.1" in text
    assert "Error" not in text
    assert notebook.number(CHECK) == 2 + 1 + len(FIRST_TRIES) + 1  # counted by one kernel

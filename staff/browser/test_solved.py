"""The finished notebooks, run from top to bottom in the browser."""

from __future__ import annotations

import pytest

from staff.browser.pictures import SHOTS

# The gate can afford Dropout twice and the others once. FullyConnectedNets in full trains for
# minutes after this cell; nbval runs that part, and `make browser ARGS='-m slow'` shows it.
RUNS = [
    ("lab", "Dropout", ""),
    ("notebook", "Dropout", ""),
    ("notebook", "BatchNormalization", ""),
    ("lab", "FullyConnectedNets", "fc-5.1"),
    pytest.param("lab", "FullyConnectedNets", "", marks=pytest.mark.slow),
]
SECONDS = 900  # the longest that a notebook may take
LONGEST = 60  # lines that a cell may print
MOST_BARS = 20  # a bar that is not redrawn in its place leaves hundreds
FIGURES = """() => [...document.querySelectorAll('.jp-OutputArea-output img')].map(image => ({
    loaded: image.complete && image.naturalWidth > 0,
    spare: image.closest('.jp-OutputArea-output').getBoundingClientRect().right
        - image.getBoundingClientRect().right,
}))"""
BARS = """() => [...document.querySelectorAll('.jp-OutputArea-output pre')]
    .filter(text => text.textContent.includes('%|'))
    .map(text => ({
        text: text.textContent,
        height: text.getBoundingClientRect().height / parseFloat(getComputedStyle(text).lineHeight),
        hidden: text.scrollWidth - text.clientWidth,
    }))"""


@pytest.mark.parametrize(("front_end", "name", "end"), RUNS)
def test_solved_notebook_runs_and_looks_right(open_notebook, solved, front_end, name, end):
    notebook = open_notebook(front_end, solved, name)
    stop = next((k for k, c in notebook.cells.items() if end and f"TODO({end})" in c["source"]), "")

    notebook.run_all(seconds=SECONDS, before=stop)

    for theme in ("dark", "light"):
        notebook.choose_theme(theme)
        notebook.shoot(SHOTS / f"solved-{name}-{front_end}-{theme}")
    for cell_id in notebook.cells:
        if cell_id == "board" or "%|" in notebook.text(cell_id):
            notebook.shoot_cell(cell_id, SHOTS / f"{name}-{front_end}-{cell_id}")
    assert notebook.outputs("error") == []
    assert notebook.outputs("stderr") == []
    assert max(text.count("\n") for text in notebook.outputs("stdout")) < LONGEST
    figures, bars = notebook.page.evaluate(FIGURES), notebook.page.evaluate(BARS)
    assert len(figures) >= 2
    assert all(figure["loaded"] and figure["spare"] >= 0 for figure in figures), figures
    assert all(bar["height"] < 2 and bar["hidden"] <= 0 for bar in bars), bars
    assert len(bars) < MOST_BARS
    assert bars or name != "FullyConnectedNets"  # the others train without

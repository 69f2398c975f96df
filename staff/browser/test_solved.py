"""The finished notebooks, run from top to bottom in the browser."""

from __future__ import annotations

import pytest

from staff.browser.pictures import SHOTS

# The gate can afford Dropout twice and the others once. Two of them train for minutes after the
# cell that is named; nbval runs that part, and `make browser ARGS='-m slow'` shows it.
RUNS = [
    ("lab", "Dropout", ""),
    ("notebook", "Dropout", ""),
    ("notebook", "BatchNormalization", ""),
    ("lab", "FullyConnectedNets", "fc-5.1"),
    ("notebook", "ConvolutionalNetworks", "cn-2.5"),
    pytest.param("lab", "FullyConnectedNets", "", marks=pytest.mark.slow),
    pytest.param("lab", "ConvolutionalNetworks", "", marks=pytest.mark.slow),
]
SECONDS = 900  # the longest that a notebook may take
LONGEST = 60  # lines that a cell may print
FIGURES = """() => [...document.querySelectorAll('.jp-OutputArea-output img')].map(image => ({
    loaded: image.complete && image.naturalWidth > 0,
    spare: image.closest('.jp-OutputArea-output').getBoundingClientRect().right
        - image.getBoundingClientRect().right,
}))"""
# A bar is gone when its cell has ended: it is measured on every change of the page.
WATCH_BARS = """() => {
    window.bars = [];
    const measure = () => {
        const shown = [...document.querySelectorAll('.jp-OutputArea-output pre')]
            .filter(text => text.textContent.includes('%|'));
        for (const text of shown) {
            const line = parseFloat(getComputedStyle(text).lineHeight);
            window.bars.push({
                text: text.textContent,
                height: text.getBoundingClientRect().height / line,
                hidden: text.scrollWidth - text.clientWidth,
                beside: shown.length - 1,
            });
        }
    };
    new MutationObserver(measure).observe(document.body, {childList: true, subtree: true});
}"""


@pytest.mark.parametrize(("front_end", "name", "end"), RUNS)
def test_solved_notebook_runs_and_looks_right(open_notebook, solved, front_end, name, end):
    notebook = open_notebook(front_end, solved, name)
    stop = next((k for k, c in notebook.cells.items() if end and f"TODO({end})" in c["source"]), "")

    notebook.page.evaluate(WATCH_BARS)
    notebook.run_all(seconds=SECONDS, before=stop)

    for theme in ("dark", "light"):
        notebook.choose_theme(theme)
        notebook.shoot(SHOTS / f"solved-{name}-{front_end}-{theme}")
    notebook.shoot_cell("board", SHOTS / f"{name}-{front_end}-board")
    assert notebook.outputs("error") == []
    assert not any(text.strip() for text in notebook.outputs("stderr"))  # nothing that is seen
    assert max(text.count("\n") for text in notebook.outputs("stdout")) < LONGEST
    figures, bars = notebook.page.evaluate(FIGURES), notebook.page.evaluate("window.bars")
    assert len(figures) >= 2
    assert all(figure["loaded"] and figure["spare"] >= 0 for figure in figures), figures
    assert all(bar["height"] < 2 and bar["hidden"] <= 0 for bar in bars), bars
    assert all(bar["beside"] == 0 for bar in bars), bars  # redrawn in its place
    assert bars or name != "FullyConnectedNets"  # the others train without
    assert notebook.page.locator(".jp-OutputArea-output pre", has_text="%|").count() == 0

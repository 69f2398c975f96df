"""The first screen: the file to write in stands beside the notebook, and nothing covers either."""

from __future__ import annotations

import re

from staff.browser.pictures import SHOTS
from staff.browser.server import OURS

EDITOR = ".jp-FileEditor .cm-content"
# A layout still being restored hides a notebook for a moment; what is missing is beside nothing.
SIDE_BY_SIDE = """() => {
    const left = kind => [...document.querySelectorAll(kind)].find(place => place.offsetParent)
        ?.getBoundingClientRect().x;
    return left(".jp-Notebook") < left(".jp-FileEditor");
}"""
# Said by the status bar: a narrow toolbar hides its sign, which is "idle" before there is a kernel.
IDLE = "(ipykernel) | Idle"


def test_lab_opens_notebook_and_file_side_by_side(chromium, served, released):
    address, _ = served(OURS, released)
    page = chromium.new_page(viewport={"width": 1400, "height": 900})
    page.set_default_timeout(120_000)

    page.goto(address)
    page.locator("#jp-main-statusbar", has_text=IDLE).wait_for()
    page.locator(EDITOR, has_text="Layers as pairs").first.wait_for()
    page.wait_for_timeout(5000)  # the question about news comes late

    page.screenshot(path=SHOTS / "first-screen.png")
    page.wait_for_function(SIDE_BY_SIDE)
    assert page.locator(".Toastify__toast").count() == 0
    assert page.locator(".lm-TabBar-tab.jp-mod-dirty").count() == 0
    page.close()


def test_a_message_names_the_line_and_leads_to_the_file(open_notebook, released):
    notebook = open_notebook("lab", released, "FullyConnectedNets")
    for cell_id in ("setup", "imports"):
        notebook.run(cell_id)

    said = " ".join(notebook.run("affine-forward-check").split())  # its lines are short
    line = int(re.search(r"write affine_forward in cs682/layers.py, line (\d+)", said)[1])
    notebook.cell("affine-forward-check").locator("a", has_text="cs682/layers.py").click()

    tab = notebook.page.locator(".lm-TabBar-tab", has_text="layers.py")
    tab.wait_for()
    notebook.page.screenshot(path=SHOTS / "message-led-to-line.png")
    assert line > 1

"""One notebook in a browser tab: open it, run cells, read what it shows, take pictures."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import nbformat

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Locator, Page

THEMES = {"dark": "JupyterLab Dark", "light": "JupyterLab Light"}  # light last, and so left on
WIDTH, HEIGHT = 1280, 1000  # pixels, a small laptop's screen but for the height
MILLISECONDS = 1000
PATIENCE = 120  # seconds for any one step; a busy machine is no fault

# The first cells have run: none waits, and each has a number or one has stopped the rest. What is
# folded shows none; it has run if what follows has.
SETTLED = """count => {
    const cells = [...document.querySelectorAll('.jp-CodeCell')].slice(0, count);
    const prompts = cells.map(cell => cell.querySelector('.jp-InputPrompt'));
    const texts = prompts.filter(prompt => !prompt.closest('.jp-Placeholder')) // a folded one
        .map(prompt => prompt.textContent);
    const stopped = document.querySelector('[data-mime-type="application/vnd.jupyter.error"]');
    return !texts.includes('[*]:') && (stopped || texts.every(text => /^\\[\\d+\\]:$/.test(text)));
}"""
RAN_AGAIN = """([cell, before]) => {
    const text = cell.querySelector('.jp-InputPrompt').textContent;
    return /^\\[\\d+\\]:$/.test(text) && text !== before;
}"""


class NotebookPage:
    """A notebook in a tab of JupyterLab or Jupyter Notebook.

    Parameters
    ----------
    page : Page, a fresh tab
    address : str, where the server shows files
    """

    def __init__(self, page: Page, address: str, path: Path, root: Path) -> None:
        self.page, self.path = page, path
        cells = nbformat.read(path, as_version=4)["cells"]
        self.cells: dict[str, Any] = {cell["id"]: cell for cell in cells}
        page.set_default_timeout(PATIENCE * MILLISECONDS)
        page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
        # until its kernel is connected, a page calls itself idle and ignores that a cell is run
        with page.expect_websocket(lambda socket: "/channels" in socket.url) as kernel:
            page.goto(f"{address}/{path.relative_to(root).as_posix()}?reset")
        kernel.value.wait_for_event("framereceived")
        page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').wait_for()

    def cell(self, cell_id: str) -> Locator:
        """Return the cell of this id as the page shows it."""
        place = list(self.cells).index(cell_id)
        return self.page.locator(f'.jp-Notebook [data-windowed-list-index="{place}"]')

    def run(self, cell_id: str, *, seconds: float = PATIENCE) -> str:
        """Run one cell, as with Ctrl-Enter, and return the text that it shows.

        Parameters
        ----------
        seconds : float, the longest that it may take

        Returns
        -------
        text : str, of all its outputs
        """
        cell = self.cell(cell_id)
        prompt = cell.locator(".jp-InputPrompt")
        before = prompt.inner_text()
        prompt.click()
        self.page.keyboard.press("Control+Enter")
        self.page.wait_for_function(
            RAN_AGAIN, arg=[cell.element_handle(), before], timeout=seconds * MILLISECONDS
        )
        return self.text(cell_id)

    def text(self, cell_id: str) -> str:
        """Return the text of a cell's outputs."""
        outputs = self.cell(cell_id).locator(".jp-OutputArea-output")
        return "\n".join(outputs.all_inner_texts())

    def number(self, cell_id: str) -> int:
        """Return how many cells the kernel had run when this one ran last."""
        return int(re.sub(r"\D", "", self.cell(cell_id).locator(".jp-InputPrompt").inner_text()))

    def menu(self, *items: str) -> None:
        """Choose an entry of the menu bar, by the names that lead to it.

        Parameters
        ----------
        *items : str, such as 'Run', 'Run All Cells'
        """
        first, *rest = items
        self.page.locator(".lm-MenuBar-item", has_text=re.compile(f"^{first}$")).click()
        for item in rest:
            label = re.compile(f"^{re.escape(item)}$")
            self.page.locator(".lm-Menu-itemLabel", has_text=label).click()

    def run_all(self, *, seconds: float, before: str = "") -> None:
        """Run all cells by the menu, and wait until all have run or one has stopped the rest.

        Parameters
        ----------
        seconds : float, the longest that it may take
        before : str, optional; id of a cell: run only those above it
        """
        if before:
            self.cell(before).locator(".jp-InputPrompt").click()
        self.menu("Run", "Run All Above Selected Cell" if before else "Run All Cells")
        end = list(self.cells).index(before) if before else len(self.cells)
        count = sum(cell["cell_type"] == "code" for cell in list(self.cells.values())[:end])
        self.page.wait_for_function(SETTLED, arg=count, timeout=seconds * MILLISECONDS)

    def outputs(self, kind: str) -> list[str]:
        """Return the texts of all outputs of a kind.

        Parameters
        ----------
        kind : {'error', 'stderr', 'stdout'}
        """
        place = f'[data-mime-type="application/vnd.jupyter.{kind}"]'
        texts: list[str] = self.page.locator(place).all_inner_texts()
        return texts

    def save(self) -> None:
        """Save the notebook, and wait until the server has it."""
        with self.page.expect_response(lambda answer: answer.request.method == "PUT"):
            self.page.keyboard.press("Control+s")

    def choose_theme(self, theme: str) -> None:
        """Change the look of the whole page.

        Parameters
        ----------
        theme : {'light', 'dark'}
        """
        self.menu("Settings", "Theme", THEMES[theme])
        light = "true" if theme == "light" else "false"
        self.page.locator(f'body[data-jp-theme-light="{light}"]').wait_for(state="attached")

    def shoot_cell(self, cell_id: str, path: Path) -> None:
        """Take a picture of one cell, in each theme.

        Parameters
        ----------
        path : Path, to which the name of the theme is added
        """
        for theme in THEMES:
            self.choose_theme(theme)
            self.cell(cell_id).screenshot(path=f"{path}-{theme}.png")

    def shoot(self, path: Path) -> None:
        """Take pictures of the whole notebook, a screen each.

        Parameters
        ----------
        path : Path, to which ``-00.png`` and so on is added
        """
        panel = self.page.locator(".jp-WindowedPanel-outer")
        height, step = panel.evaluate("panel => [panel.scrollHeight, panel.clientHeight]")
        for number in range(math.ceil(height / step)):
            panel.evaluate("(panel, top) => { panel.scrollTop = top; }", number * step)
            self.page.screenshot(path=f"{path}-{number:02}.png")

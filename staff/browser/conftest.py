"""A browser, and the release in it, open or solved."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

from cs682.checks import EXERCISES
from cs682.cifar10.files import find_cifar10
from cs682.hand_in.pdf import find_browser
from staff.browser.page import NotebookPage
from staff.browser.server import serve
from staff.release.build import cut
from staff.release.files import read_source
from staff.release.reference import read_reference, restore_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from playwright.sync_api import Browser

FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    *(["--no-sandbox"] if os.geteuid() == 0 else []),  # Chromium's own sandbox refuses root
)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Give a headless Chromium; without one these tests fail, since nothing else replaces them."""
    path = os.environ.get("CHROMIUM") or find_browser()
    if path is None:
        pytest.fail("there is no Chromium: `sudo apt install chromium`, or set CHROMIUM to one")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def released() -> dict[str, bytes]:
    """Give the files of the student release, cut from this work tree."""
    return cut(read_source()).files


@pytest.fixture(scope="session")
def solved(released: dict[str, bytes]) -> dict[str, bytes]:
    """Give the files of the release with all solutions and answers filled in, and no outputs."""
    return restore_files(released, read_reference(read_source()), only=set(EXERCISES))


@pytest.fixture
def served(tmp_path):
    """Give a function that unpacks an assignment and serves it; it returns address and folder."""
    with ExitStack() as stack:

        def serve_it(front_end: str, files: Mapping[str, bytes]) -> tuple[str, Path]:
            root, home = tmp_path / "assignment", tmp_path / "jupyter"
            for path, data in files.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_bytes(data)
            home.mkdir()
            return stack.enter_context(serve(front_end, root, home, find_cifar10())), root

        yield serve_it


@pytest.fixture
def open_notebook(chromium: Browser, served):
    """Give a function that unpacks an assignment, serves it and opens one of its notebooks."""
    with ExitStack() as stack:

        def open_it(front_end: str, files: Mapping[str, bytes], name: str) -> NotebookPage:
            address, root = served(front_end, files)
            page = stack.enter_context(chromium.new_page())
            return NotebookPage(page, address, root / "notebooks" / f"{name}.ipynb", root)

        yield open_it

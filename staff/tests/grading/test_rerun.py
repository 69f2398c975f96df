"""Notebooks run again in the sandbox; what comes back is shown, and can do nothing."""

from __future__ import annotations

import base64
import json
import sys
from importlib import metadata

import pytest

from staff.grading import rerun
from staff.grading.rerun import page, require_walls, rerun_notebooks
from staff.grading.sandbox.ladder import NoSandboxError, Rung, choose_rung
from staff.tests.grading.classes import write_hand_in
from tests.cifar_files import write_set

EVIL = "<script>alert(1)</script>"
PNG = base64.b64encode(b"\x89PNG\r\n").decode()


def book(*sources):
    """Return the bytes of a notebook with these cells of code."""
    cells = [
        {"cell_type": "code", "source": source, "outputs": [], "metadata": {}, "id": f"c{i}"}
        | {"execution_count": None}
        for i, source in enumerate(sources)
    ]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


@pytest.fixture
def walls():
    """Return a sandbox in which notebooks can be run."""
    try:
        rung = choose_rung(allow_unsandboxed=False)
        require_walls(rung)
    except (ValueError, NoSandboxError) as reason:
        pytest.skip(str(reason))
    return rung


def test_page_keeps_text_and_pictures_and_drops_the_rest():
    outputs = [
        {"output_type": "stream", "text": [EVIL, "\x1b[31mred"]},
        {"data": {"text/html": "<b>HTML", "text/plain": "plain"}},
        {"data": {"application/javascript": "alert(2)"}},
        {"data": {"image/png": PNG, "text/plain": "a figure"}},
        {"data": {"image/png": f'"><script>{PNG}'}},
        {"output_type": "error", "traceback": ["line 1", "line 2"]},
    ]

    text = page(EVIL, book(EVIL), [outputs])

    assert "<script" not in text
    assert "<b>HTML" not in text
    assert "alert(2)" not in text
    assert f"base64,{PNG}" in text
    assert "plain" in text
    assert "line 1\nline 2" in text
    assert "red" in text
    assert "\x1b" not in text


@pytest.mark.parametrize("outputs", [None, 5, [7], [[7]], [[{"data": 7}]], EVIL])
def test_page_of_what_is_no_list_of_outputs_says_so(outputs):
    text = page("Dropout.ipynb", book("x"), outputs)

    assert '<p class="wrong">' in text
    assert "<script" not in text


def test_page_of_what_is_no_notebook_says_so():
    assert "no notebook of format 4" in page("Dropout.ipynb", b"{}", [])


def test_page_has_the_cells_as_they_were_handed_in_whatever_comes_back():
    text = page("Dropout.ipynb", book("first", "second"), [[], [], [{"text": "third"}]])

    assert text.index("<pre>first") < text.index("<pre>second") < text.index("third")


def test_page_with_too_much_on_it_is_cut_and_says_so():
    outputs = [[{"text": "'" * 20_000}] * 500, [{"text": "the last"}]]

    text = page("Dropout.ipynb", book("x", "y"), outputs)

    assert 15_000_000 < len(text) < 21_000_000
    assert "the last" not in text
    assert "The rest is left out" in text


HOLDS = """
import os, sys, time
def hold(size):
    if not os.fork():
        held = b"x" * size
        time.sleep(3)
        os._exit(0)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="bubblewrap is Linux's")
@pytest.mark.parametrize(
    "program",
    [HOLDS + "for _ in range(3): hold(80_000_000)\ntime.sleep(3)",
     "import os, time\nfile = os.memfd_create('x')\n"
     "for _ in range(30): os.write(file, bytes(10_000_000))\ntime.sleep(3)"],
    ids=["several processes", "a file in memory"],
)  # fmt: skip
def test_notebooks_that_hold_too_much_memory_in_all_are_stopped(program, monkeypatch, tmp_path):
    monkeypatch.setattr(rerun, "MEMORY", 200_000_000)
    with (tmp_path / "result").open("wb+") as result:
        found = rerun._answer([sys.executable, "-c", program], {}, result)

    assert found == {"error": "the notebooks were stopped: they held more than 0.2 GB of memory"}


def test_notebooks_that_run_too_long_are_stopped(monkeypatch, tmp_path):
    monkeypatch.setattr(rerun, "SECONDS", 1)
    with (tmp_path / "result").open("wb+") as result:
        found = rerun._answer(["sleep", "60"], {}, result)

    assert found == {"error": "the notebooks were stopped: they ran for more than 1 s"}


def test_other_sandboxes_are_refused():
    with pytest.raises(ValueError, match="needs the sandbox bubblewrap, here it is another user"):
        require_walls(Rung("another user", None))


def test_notebooks_without_nbclient_are_refused_before_anything_is_graded(monkeypatch):
    def nothing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", nothing)

    with pytest.raises(ValueError, match="--notebooks needs nbclient: make grading brings it"):
        require_walls(Rung("bubblewrap", None))


@pytest.mark.slow
def test_notebook_runs_with_the_hand_in_s_code_and_without_network(tmp_path, walls):
    package = write_hand_in(tmp_path / "ada", layers=("np.maximum(x, 0), x", "x + 40, x"))
    data = write_set(tmp_path / "data", size=2)
    sources = [
        "import numpy as np; from cs682 import layers; print(layers.relu_forward(np.ones(1)))",
        "import os; print(sorted(os.listdir(os.environ['CS682_DATA']))[:2], os.getuid() != 0)",
        "import socket; socket.create_connection(('127.0.0.1', 9), 2)",
        "open(os.environ['CS682_DATA'] + '/mine', 'w')",
        "import time\nfor i in range(60):\n    if not os.fork(): time.sleep(5); os._exit(0)",
    ]
    (package / "notebooks").mkdir()
    (package / "notebooks" / "Dropout.ipynb").write_bytes(book(*sources))

    rerun_notebooks(package, data, tmp_path / "pages", walls)

    text = (tmp_path / "pages" / "Dropout.html").read_text()
    assert "41" in text
    assert "batches.meta" in text
    assert "True" in text
    assert "ConnectionRefusedError" in text  # its own loopback, where nothing listens
    assert "PermissionError" in text or "Read-only file system" in text
    assert "BlockingIOError" in text  # of 60 processes, beside those of the kernel
    assert not (data / "mine").exists()


@pytest.mark.slow
def test_no_notebook_changes_a_later_one_or_what_comes_back(tmp_path, walls):
    package = write_hand_in(tmp_path / "ada")
    data = write_set(tmp_path / "data", size=2)
    (package / "notebooks").mkdir()
    forges = [
        "import os, pathlib; pathlib.Path('Later.ipynb').write_text('forged')",
        "pathlib.Path('/tmp/work/nbclient.py').write_text('forged')",
        "os.listdir(f'/proc/{os.getppid()}/fd')",
    ]
    (package / "notebooks" / "Earlier.ipynb").write_bytes(book(*forges))
    (package / "notebooks" / "Later.ipynb").write_bytes(book("print(20 + 3, 'in hand')"))

    rerun_notebooks(package, data, tmp_path / "pages", walls)

    assert "23 in hand" in (tmp_path / "pages" / "Later.html").read_text()
    assert "PermissionError" in (tmp_path / "pages" / "Earlier.html").read_text()

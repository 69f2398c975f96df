"""Tests of `staff.notebooks`: what is stored, what is taken out, what is refused."""

from __future__ import annotations

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError

from staff import notebooks
from staff.__main__ import main
from staff.notebooks import find_faults, normalise, store_outputs, write_atomically


def make_book(*sources: str, **metadata):
    cells = [nbformat.v4.new_code_cell(text, id=f"cell-{i}") for i, text in enumerate(sources)]
    return nbformat.v4.new_notebook(cells=cells, metadata=metadata)


def make_stored(count: int = 2):
    """Give a notebook that is in order."""
    book = make_book(*["print(1)"] * count)
    for number, cell in enumerate(book["cells"], start=1):
        cell["execution_count"] = number
        cell["outputs"] = [nbformat.v4.new_output("stream", text="1\n")]
    normalise(book)
    return book


def test_find_faults_accepts_a_notebook_in_order():
    assert find_faults(make_stored()) == []


def drop_kernelspec(book):
    del book["metadata"]["kernelspec"]


def repeat_id(book):
    book["cells"][1]["id"] = book["cells"][0]["id"]


def skip_a_count(book):
    book["cells"][1]["execution_count"] = 5


def drop_output(book):
    book["cells"][0]["outputs"] = []


def store_error(book):
    book["cells"][0]["outputs"] = [nbformat.v4.new_output("error", ename="E", evalue="")]


def misspell_tag(book):
    book["cells"][0]["metadata"]["tags"] = ["nbval-ignore-ouput"]


def keep_timing(book):
    book["cells"][0]["metadata"]["execution"] = {"iopub.status.busy": "now"}


@pytest.mark.parametrize(
    ("damage", "word"),
    [
        (drop_kernelspec, "metadata is"),
        (repeat_id, "'cell-0' occurs 2 times"),
        (skip_a_count, "[1, 5]"),
        (drop_output, "no output is stored"),
        (store_error, "an error is stored"),
        (misspell_tag, "nbval-ignore-ouput"),
        (keep_timing, "['execution']"),
    ],
)
def test_find_faults_names_the_damage(damage, word):
    book = make_stored()

    damage(book)

    assert [word in text for text in find_faults(book)] == [True]


def test_find_faults_lets_an_ignored_cell_be_without_output():
    book = make_stored()
    drop_output(book)

    book["cells"][0]["metadata"]["tags"] = ["nbval-ignore-output"]

    assert find_faults(book) == []


def test_normalise_keeps_tags_ids_and_outputs_only():
    book = make_stored(1)
    book["metadata"] = nbformat.from_dict({"kernelspec": {"name": "mine"}, "widgets": {}})
    book["cells"][0]["metadata"] = nbformat.from_dict({"tags": ["answer"], "collapsed": True})

    normalise(book)

    assert book["metadata"] == notebooks.METADATA
    assert book["cells"][0]["metadata"] == {"tags": ["answer"]}
    assert book["cells"][0]["id"] == "cell-0"
    assert book["cells"][0]["outputs"][0]["text"] == "1\n"


def test_normalise_renames_places_in_streams_and_results():
    book = make_stored()
    result = nbformat.v4.new_output("execute_result", {"text/plain": "'/home/me/x'"})
    book["cells"][0]["outputs"] = [result]
    book["cells"][1]["outputs"][0]["text"] = "from /home/me/x\n"

    normalise(book, {"/home/me": "~"})

    assert result["data"]["text/plain"] == "'~/x'"
    assert book["cells"][1]["outputs"][0]["text"] == "from ~/x\n"


def test_write_atomically_leaves_the_old_file_when_the_notebook_is_invalid(tmp_path):
    path = tmp_path / "a.ipynb"
    path.write_text("old")
    book = make_stored()
    book["cells"][0]["cell_type"] = "poem"

    with pytest.raises(nbformat.ValidationError):
        write_atomically(book, path)

    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.slow
def test_store_outputs_stores_the_last_state_of_a_progress_bar_and_no_place(tmp_path):
    path = tmp_path / "a.ipynb"
    source = "import os\nprint('1%\\r100%', os.path.realpath('.'))"
    nbformat.write(make_book(source), path)

    store_outputs(path, tmp_path.resolve())

    book = nbformat.read(path, as_version=4)
    assert book["cells"][0]["outputs"][0]["text"] == f"100% datasets/{tmp_path.name}\n"
    assert find_faults(book) == []


@pytest.mark.slow
def test_store_outputs_changes_nothing_when_a_cell_raises(tmp_path):
    path = tmp_path / "a.ipynb"
    nbformat.write(make_book("print(1)", "raise ValueError('no')"), path)
    before = path.read_bytes()

    with pytest.raises(CellExecutionError, match="raise ValueError"):
        store_outputs(path, tmp_path)

    assert path.read_bytes() == before


def test_notebooks_command_refuses_the_stand_in(tmp_path, monkeypatch, capsys):
    path = tmp_path / "a.ipynb"
    nbformat.write(make_book("print(1)"), path)
    monkeypatch.setattr(notebooks, "find_cifar10", lambda: tmp_path)
    monkeypatch.setattr(notebooks, "is_stand_in", lambda folder: True)

    status = main(["notebooks", str(path)])

    assert status == 1
    assert "holds stand-in data" in capsys.readouterr().err
    assert nbformat.read(path, as_version=4)["cells"][0]["execution_count"] is None


@pytest.mark.slow
def test_notebooks_command_reports_a_cell_that_raises(tmp_path, monkeypatch, capsys):
    path = tmp_path / "a.ipynb"
    nbformat.write(make_book("raise ValueError('no')"), path)
    monkeypatch.setattr(notebooks, "find_cifar10", lambda: tmp_path)
    monkeypatch.setattr(notebooks, "is_stand_in", lambda folder: False)

    status = main(["notebooks", str(path)])

    assert status == 1
    assert "raise ValueError('no')" in capsys.readouterr().err


def test_notebooks_command_checks_without_running(tmp_path, capsys):
    path = tmp_path / "a.ipynb"
    nbformat.write(make_book("print(1)"), path)

    status = main(["notebooks", "--check", str(path)])

    assert status == 1
    assert "a.ipynb: execution counts are [None]" in capsys.readouterr().out

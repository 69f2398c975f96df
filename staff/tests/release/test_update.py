"""A course corrects its release in mid-term; work in ten states takes it up and loses nothing."""

from __future__ import annotations

import dataclasses
import json

import pytest

from cs682._files import pack
from cs682.checks.answers import read_cells
from cs682.setup.assignment import GIVEN
from cs682.setup.update import UpdateError, undo, update
from staff.release import build
from staff.release.files import MANIFEST
from staff.release.originals import given_files, original_files
from staff.release.reference import read_reference, restore_files, strip_files
from staff.release.variant import Variant

CHECK, LAYERS, OPTIM = "cs682/checks/judges/layers.py", "cs682/layers.py", "cs682/optim.py"
BOOK = "notebooks/FullyConnectedNets.ipynb"
NEWS = "- grading: the check of fc-1.1 was wrong about rows. Run it again."
WAS, IS = "x = np.linspace(-3, 3, 601)", "x = np.linspace(-4, 4, 801)"


def assemble(source, version):
    """Give the files of a release, but for values that play no part here."""
    reference = read_reference(source)
    files = strip_files(reference, Variant())
    files |= original_files(files, reference)
    files |= given_files(files, version)
    facts = {"name": "cs682-assignment2", "version": version, "commit": ""}
    return files | {MANIFEST: build._manifest(facts, files)}


def edit(source, path, old, new):
    """Give a source with one text replaced in one file."""
    assert source.files[path].count(old.encode()) == 1, (path, old)
    changed = {path: source.files[path].replace(old.encode(), new.encode())}
    return dataclasses.replace(source, files=source.files | changed)


@pytest.fixture(scope="module")
def old(source):
    return assemble(source, "1.0.0")


@pytest.fixture(scope="module")
def new(source):
    """Give what the course has corrected: a check, two docstrings, a cell, the changelog."""
    text = source.files[CHECK].decode()
    source = dataclasses.replace(
        source, files=source.files | {CHECK: f"{text}# corrected\n".encode()}
    )
    for path, name in ((LAYERS, "affine_backward"), (OPTIM, "sgd_momentum")):
        said = source.files[path].decode().partition(f"def {name}(")[2].partition('"""')[2]
        summary = f'"""{said.splitlines()[0]}'
        source = edit(source, path, summary, f'"""Corrected. {said.splitlines()[0]}')
    source = edit(source, BOOK, WAS, IS)
    source = edit(
        source, "CHANGELOG.md", "\n## 1.0.0", f"\n## 1.1.0 (2027-02-01)\n\n{NEWS}\n\n## 1.0.0"
    )
    del source.files["docs/search.md"]
    return assemble(source, "1.1.0")


@pytest.fixture(scope="module")
def archive(new, tmp_path_factory):
    path = tmp_path_factory.mktemp("new") / "release.zip"
    with path.open("wb") as file:
        pack(file, {f"a2/{name}": data for name, data in new.items()})
    return path


def lay_out(root, files):
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)


def look(root):
    """Give all files of a folder but those that are kept aside."""
    found = {path.relative_to(root).as_posix(): path for path in root.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if name[:5] != "kept/"}


# --- what students do to their work


def nothing(root):
    """Leave everything as it is."""


def change_book(change):
    def state(root):
        book = json.loads((root / BOOK).read_bytes())
        indent = change(book) or 1
        text = json.dumps(book, indent=indent, ensure_ascii=False)
        (root / BOOK).write_text(text, encoding="utf-8")

    return state


def own_cells(book):
    """Add a cell of one's own, and a second one to an answer."""
    at = next(i for i, cell in enumerate(book["cells"]) if cell["id"] == "a1")
    extra = {"cell_type": "markdown", "id": "4e1f70aa", "metadata": {}, "source": ["*I add*: b."]}
    book["cells"].insert(at + 1, extra)


def without_markers(root):
    text = (root / LAYERS).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines(keepends=True) if "# TODO(" not in line]
    (root / LAYERS).write_text("".join(lines).replace("# BEGIN SOLUTION", ""), encoding="utf-8")


def rename(root):
    (root / OPTIM).rename(root / "cs682" / "my_optim.py")


def split(book):
    """Split the cell that the course corrects, as JupyterLab does."""
    at = next(i for i, cell in enumerate(book["cells"]) if cell["id"] == "relu-look")
    cell = book["cells"][at]
    rest = {**cell, "id": "0c9d7e1b", "source": cell["source"][2:]}
    cell["source"] = cell["source"][:2]
    book["cells"].insert(at + 1, rest)


def delete(book):
    book["cells"] = [cell for cell in book["cells"] if cell["id"] not in {"relu-look", "imports"}]


def as_colab(book):
    """Save as Colab does: ids in the metadata, a format without them, metadata of its own."""
    book.update(nbformat_minor=0)
    book["metadata"]["colab"] = {"provenance": [], "toc_visible": True}
    for cell in book["cells"]:
        cell["metadata"].update(id=cell.pop("id"), outputId="57b1", colab={"height": 17})
    return 2


def as_vs_code(book):
    """Save as VS Code does: a source may be one text, and cells know their language."""
    for cell in book["cells"]:
        cell["source"] = "".join(cell["source"])
        cell["metadata"]["vscode"] = {"languageId": "python"}


def without_ids(book):
    book.update(nbformat_minor=4)
    for cell in book["cells"]:
        del cell["id"]


def merge_markers(root):
    text = (root / LAYERS).read_text(encoding="utf-8")
    head, mark, rest = text.partition("def affine_backward")
    (root / LAYERS).write_text(f"{head}<<<<<<< HEAD\n=======\n>>>>>>> a\n{mark}{rest}", "utf-8")


def windows(root):
    for name in (LAYERS, CHECK, BOOK):
        (root / name).write_bytes((root / name).read_bytes().replace(b"\n", b"\r\n"))


CELL = f"{BOOK}, section 1.4, the cell that begins with {WAS}"
AGAIN = f"{BOOK}, section 1.4, the cell that begins with {IS}"
SOME = ("fc-1.1", "fc-1.2", "fc-q1")
STATES = {
    "untouched": ((), nothing, set()),
    "half done": (SOME, change_book(own_cells), set()),
    "done": (None, nothing, set()),
    "markers removed": (None, without_markers, set()),
    "file renamed": (None, rename, {OPTIM}),
    "cells split": (None, change_book(split), set()),
    "cells deleted": (None, change_book(delete), {CELL}),
    "Colab": (None, change_book(as_colab), set()),
    "VS Code": (None, change_book(as_vs_code), set()),
    "without ids": (None, change_book(without_ids), set()),
    "Windows": (SOME, windows, set()),
}


def words(files, given):
    """Give all lines that a student wrote: sources, not what the course gave out."""
    own = {}
    for name in files:
        known = {line.strip() for line in given.get(name, b"").decode(errors="replace").split("\n")}
        own[name] = lines_of(name, files[name]) - lines_of(name, given.get(name, b"{}")) - known
    return own


def lines_of(name, data):
    if not name.endswith((".py", ".ipynb")) or data == b"{}":
        return set()
    text = data.decode()
    if name.endswith(".ipynb"):
        text = "\n".join(cell["source"] for cell in read_cells(data))
    return {line.strip() for line in text.splitlines()}


@pytest.mark.parametrize("name", STATES)
def test_correction_arrives_and_nothing_is_lost(name, old, new, archive, reference, tmp_path):
    done, state, collisions = STATES[name]
    lay_out(tmp_path, restore_files(old, reference, done))
    (tmp_path / "notebooks" / "model.npz").write_bytes(b"trained")
    state(tmp_path)
    before = look(tmp_path)

    said = update(str(archive), tmp_path)

    after = look(tmp_path)
    assert after[CHECK] == new[CHECK]
    assert "docs/search.md" not in after
    assert after["notebooks/model.npz"] == b"trained"
    assert after[GIVEN] == new[GIVEN]
    assert NEWS in said
    assert "first edition" not in said
    lost = {p: own - lines_of(p, after[p]) for p, own in words(before, old).items() if p in after}
    assert {p: lines for p, lines in lost.items() if lines} == {}
    told = {line[2:].split(": ")[0] for line in said.splitlines() if line[:2] == "- "}
    assert told - {"grading", AGAIN, *collisions} == set()  # the cell is to be run again
    assert collisions <= told
    sources = "\n".join(cell["source"] for cell in read_cells(after[BOOK]))
    assert (IS in sources) == (CELL not in collisions)
    for path, text in ((LAYERS, '"""Corrected. '), (OPTIM, '"""Corrected. ')):
        if path in collisions:
            assert after.get(path) == before.get(path)
            assert text in next(tmp_path.glob(f"kept/*/new/{path}")).read_text(encoding="utf-8")
        else:
            assert text in after[path].decode()

    undo(tmp_path)

    assert look(tmp_path) == before


def test_merge_markers_are_solved_first(old, archive, reference, tmp_path):
    lay_out(tmp_path, restore_files(old, reference))
    merge_markers(tmp_path)
    before = look(tmp_path)

    with pytest.raises(UpdateError, match=f"{LAYERS} line .*Git has left a conflict"):
        update(str(archive), tmp_path)

    assert look(tmp_path) == before


def test_untouched_work_becomes_the_new_release(old, new, archive, tmp_path):
    lay_out(tmp_path, old)

    update(str(archive), tmp_path)

    assert look(tmp_path) == new


def test_done_work_becomes_the_new_reference(old, new, archive, reference, tmp_path):
    """Outputs stay, but for those of the cell that has changed."""
    lay_out(tmp_path, restore_files(old, reference))

    update(str(archive), tmp_path)

    cells, were = (
        {cell["id"]: cell for cell in json.loads(data)["cells"]}
        for data in ((tmp_path / BOOK).read_bytes(), restore_files(old, reference)[BOOK])
    )
    assert [key for key in cells if cells[key] != were[key]] == ["relu-look"]
    assert cells["relu-look"]["outputs"] == []

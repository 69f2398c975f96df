"""The first cell of the notebooks: the same everywhere, and at home everywhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from cs682.cifar10.files import FOLDER
from tests.cifar_files import write_set
from tests.machinery.bad_server import serving

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ["FullyConnectedNets", "BatchNormalization", "Dropout", "ConvolutionalNetworks"]
REPOSITORY = (ROOT / "assignment.json").read_text(encoding="utf-8").split('"')[7]
NAME = "cs682-assignment2"

# Run before the first cell: forget an installed cs682, as on a machine that has only the notebook.
ALONE = """
import sys
sys.meta_path[:] = [finder for finder in sys.meta_path if "editable" not in str(finder)]
sys.path[:] = [p for p in sys.path if p != {root!r}]
"""
COLAB = """
import types
from pathlib import Path
drive = types.ModuleType("google.colab.drive")
drive.mount = lambda place: (Path(place) / "MyDrive").mkdir(parents=True, exist_ok=True)
sys.modules["google"] = types.ModuleType("google")
sys.modules["google.colab"] = types.ModuleType("google.colab")
sys.modules["google.colab"].drive = drive
"""


def cell_of(name: str, cell_id: str) -> str:
    cells = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)["cells"]
    (source,) = (cell["source"] for cell in cells if cell["id"] == cell_id)
    return source


FIRST = cell_of("Dropout", "setup")


# --- what stands in the notebooks


def test_first_cell_is_the_same_in_all_notebooks():
    assert {cell_of(name, "setup") for name in NOTEBOOKS} == {FIRST}
    assert sum(bool(line) for line in FIRST.splitlines()) <= 12


def test_first_cell_names_the_repository_of_the_marker_file_once():
    assert FIRST.count(f"https://github.com/{REPOSITORY}/archive/") == 1


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_links_open_this_notebook_of_this_repository(name):
    lines = cell_of(name, "badges").splitlines()[1:]

    assert [line.split("]")[0] for line in lines] == ["[Colab", "[Kaggle", "[Binder", "[nbviewer"]
    assert all(REPOSITORY in line and f"notebooks/{name}.ipynb)" in line for line in lines)


def test_binder_installs_what_pyproject_names():
    assert (ROOT / ".binder" / "requirements.txt").read_text() == "-e .[lab]\n"


# --- what it does, run by a bare Python


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Give a data set of full size that is made in no time."""
    return write_set(tmp_path_factory.mktemp("data"), 10_000)


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    """Pack this tree as GitHub packs a repository."""
    path = tmp_path_factory.mktemp("release") / "release.zip"
    files = [*ROOT.glob("cs682/**/*.py"), *ROOT.glob("*.toml"), ROOT / "assignment.json"]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for file in files:
            packed.write(file, Path("a2-main") / file.relative_to(ROOT))
    return path.read_bytes()


def at(address: str, source: str) -> str:
    """Let the first cell look for the release at another address."""
    return re.sub(r"https://[\w./-]+/HEAD\.zip", address, source)


def run(source: str, folder: Path, data: Path, address: str = "", prelude: str = ALONE):
    """Run the first cell in a fresh Python, with the release at an address."""
    environment = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    environment |= {"CS682_DATA": str(data), "MPLBACKEND": "agg"}
    environment.pop("PYTHONPATH", None)
    return subprocess.run(
        [sys.executable, "-c", prelude.format(root=str(ROOT)) + at(address, source)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


WHERE = "\nimport cs682; print('from', cs682.__path__[0], len(data['X_train']))"


@pytest.mark.slow
@pytest.mark.parametrize("folder", [".", "notebooks"])
def test_first_cell_finds_the_assignment_from_any_folder_in_it(folder, data):
    done = run(FIRST + WHERE, ROOT / folder, data)

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"from {ROOT / 'cs682'} 49000"
    assert any(line.startswith("Data: real CIFAR-10") for line in done.stdout.splitlines())


@pytest.mark.slow
def test_first_cell_uses_an_installed_package_before_it_fetches_one(tmp_path, data):
    prelude = "import sys; sys.path.insert(1, {root!r})\n"

    done = run(FIRST + WHERE, tmp_path, data, "http://127.0.0.1:9/", prelude)

    assert done.stdout.splitlines()[-1] == f"from {ROOT / 'cs682'} 49000", done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_first_cell_fetches_a_copy_once_and_keeps_what_is_written_there(tmp_path, data, release):
    with serving(release) as server:
        first = run(FIRST + WHERE, tmp_path, data, server.url("good"))
    layers = tmp_path / NAME / "cs682" / "layers.py"
    layers.write_text("mine = 682\n")

    again = run(FIRST + "\nfrom cs682 import layers; print(layers.mine)", tmp_path, data)

    assert f"from {tmp_path / NAME / 'cs682'} 49000" in first.stdout, first.stderr
    assert again.stdout.splitlines()[-1] == "682", again.stderr
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


@pytest.mark.slow
@pytest.mark.parametrize("manner", ["404", "503", "empty", "cut", "nobody"])
def test_first_cell_stops_with_the_reason_when_nothing_can_be_fetched(
    tmp_path, data, release, manner
):
    with serving(release) as server:
        address = "http://127.0.0.1:9/x" if manner == "nobody" else server.url(manner)
        done = run(FIRST, tmp_path, data, address)

    assert "turn on internet" in FIRST
    assert "Error" in done.stderr.splitlines()[-1]
    assert done.returncode == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_first_cell_says_that_what_came_is_no_release(tmp_path, data):
    with serving(b"<html>sign in</html>") as server:
        done = run(FIRST, tmp_path, data, server.url("good"))

    assert "File is not a zip file" in done.stderr.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


# --- what it does in a notebook


def execute(folder: Path, *sources: str) -> list[str]:
    """Run cells in a kernel that starts in a folder; give what each of them shows."""
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in sources])
    client = NotebookClient(book, timeout=120, allow_errors=True)
    client.execute(cwd=str(folder))
    return ["".join(map(shown, cell["outputs"])) for cell in book["cells"]]


def shown(output) -> str:
    return output.get("text") or "\n".join(output.get("traceback", [])) or ""


@pytest.fixture
def own(tmp_path, monkeypatch, data):
    """Give a student's copy, and point the kernel to data."""
    monkeypatch.setenv("CS682_DATA", str(data))
    monkeypatch.delenv("PYTHONPATH", raising=False)
    for file in [*ROOT.glob("cs682/**/*.py"), ROOT / "assignment.json", ROOT / "pyproject.toml"]:
        target = tmp_path / NAME / file.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.read_bytes())
    (tmp_path / NAME / "notebooks").mkdir()
    return tmp_path / NAME


EDIT = """
from pathlib import Path
import cs682.layers
path = Path(cs682.layers.__file__)
path.write_text(path.read_text() + "\\n\\ndef svm_loss(x, y):\\n    return 682\\n")
"""


@pytest.mark.slow
def test_an_edited_file_is_reloaded_without_a_restart(own):
    _, first, _, before, _, after = execute(
        own / "notebooks",
        ALONE.format(root=str(ROOT)),
        FIRST,
        "from cs682.layers import svm_loss\nfrom cs682.classifiers import fc_net",
        "import numpy as np\nprint(type(svm_loss(np.ones((1, 2)), np.zeros(1, int))))",
        EDIT,
        "print(svm_loss(0, 0), fc_net.svm_loss(0, 0))",
    )

    assert "Data: real CIFAR-10" in first
    assert before == "<class 'tuple'>\n"
    assert after == "682 682\n"


@pytest.mark.slow
def test_on_colab_files_are_kept_on_drive_when_asked(tmp_path, monkeypatch, data, release):
    monkeypatch.setenv("CS682_DATA", str(data))
    monkeypatch.delenv("PYTHONPATH", raising=False)
    with serving(release) as server:
        _, first, where = execute(
            tmp_path,
            ALONE.format(root=str(ROOT)) + COLAB,
            at(server.url("good"), FIRST.replace("start()", "start(drive=True)")),
            "import cs682; print(cs682.__path__[0])",
        )

    copy = tmp_path / "drive" / "MyDrive" / NAME
    assert f"Your copy of the assignment is {copy}" in first
    assert "Run notebook.save() before you look at the board or hand in" in first
    assert where == f"{copy / 'cs682'}\n"
    assert [path.name for path in tmp_path.iterdir()] == ["drive"]


@pytest.mark.slow
def test_a_kernel_without_the_packages_is_told_what_to_do(own):
    project = own / "pyproject.toml"
    project.write_text(project.read_text().replace('"tqdm>=4.66"', '"none-such-package>=1.0"'))

    _, first = execute(own / "notebooks", ALONE.format(root=str(ROOT)), FIRST)

    assert first.startswith(f"This notebook runs with {sys.executable}, which lacks none-such-")
    assert "Traceback" not in first
    assert len(first.splitlines()) == 3


@pytest.mark.slow
def test_a_package_of_another_copy_is_noticed(own):
    loaded = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import cs682.layers"

    _, first = execute(own / "notebooks", loaded, FIRST)

    assert first.startswith(
        f"This notebook belongs to {own}, but this kernel has loaded cs682 from"
    )
    assert "restart the kernel" in first
    assert FOLDER not in first

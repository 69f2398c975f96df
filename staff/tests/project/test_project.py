"""The repository agrees with itself: packages, commands, notebooks, markers, docstrings."""

from __future__ import annotations

import ast
import inspect
import re
import sys
from pathlib import Path

import nbformat
import pytest

from cs682.setup.doctor_python import TOO_NEW_PYTHON
from cs682.setup.packages import OLDEST_PYTHON
from staff.notebooks import find_faults
from staff.release.left_out import say_for_whom
from staff.release.variant import Variant

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # pytest brings it where Python has none of its own

ROOT = Path(__file__).resolve().parents[3]
NOTEBOOKS = ["FullyConnectedNets", "BatchNormalization", "Dropout", "ConvolutionalNetworks"]
SOURCES = [p for top in ("cs682", "cs231n", "staff", "tests") for p in (ROOT / top).rglob("*.py")]
_INNER = r"cs682/(figures/(curves|style)|search/\w+|training/(bar|log|options|progress|state))\.py$"
PUBLIC = [
    p
    for p in SOURCES
    if "cs682" in p.parts
    and not re.match(r"_(?!_)", p.name)
    and not re.search(_INNER, p.as_posix())
]


def read_project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def read_environment() -> dict[str, str]:
    """Give each conda package with its range."""
    _, _, text = (ROOT / "environment.yml").read_text(encoding="utf-8").partition("dependencies:")
    return dict(re.findall(r"^  - ([\w-]+)([^\s:]*)$", text, re.MULTILINE))


def short(path: Path) -> str:
    return str(path.relative_to(ROOT))


def cells_of(name: str) -> list:
    return nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)["cells"]


# --- packages and commands


def test_environment_yml_names_the_packages_of_pyproject():
    project = read_project()
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["lab"], *extras["test"]]

    ours = dict(re.fullmatch(r"([\w-]+)(.*)", line).groups() for line in wanted)

    theirs = read_environment()
    assert theirs.pop("python") == project["requires-python"]
    assert theirs.pop("pip") == ""  # installs this package itself
    assert theirs == ours


def test_makefile_accepts_the_pythons_of_pyproject():
    low, high = re.findall(r"3\.(\d+)", read_project()["requires-python"])

    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    assert f"(3, {low}) <= sys.version_info[:2] < (3, {high})" in makefile
    assert set(re.findall(r"3\.\d+ to 3\.\d+", makefile)) == {f"3.{low} to 3.{int(high) - 1}"}


def test_every_python_that_is_claimed_is_tried():
    low, high = map(int, re.findall(r"3\.(\d+)", read_project()["requires-python"]))
    claimed = [f"3.{minor}" for minor in range(low, high)]
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")

    assert f"python: {claimed}".replace("'", '"') in workflow
    assert "\n".join(f"            {version}" for version in claimed) in workflow
    assert f"Python {claimed[0]} to {claimed[-1]} " in (ROOT / "README.md").read_text("utf-8")
    assert (low, high) == (OLDEST_PYTHON[1], TOO_NEW_PYTHON[1])  # what the doctor says


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", ".github/workflows/ci.yml"])
def test_every_make_command_in_a_document_exists(document):
    rules = [(ROOT / name).read_text() for name in ("Makefile", "staff/targets.mk")]
    targets = re.findall(r"^([a-z-]+):", "\n".join(rules), re.MULTILINE)

    used = re.findall(r"(?:^|`|run: )make ([a-z-]+)", (ROOT / document).read_text(), re.MULTILINE)

    assert used
    assert set(used) <= set(targets)


def test_readme_opens_with_its_two_commands():
    page = {"README.md": (ROOT / "README.md").read_bytes()}
    lines = say_for_whom(page, Variant())["README.md"].decode().splitlines()

    commands = [line.split("#")[0].strip() for line in lines if line.startswith("make ")]

    assert commands[:2] == ["make lab", "make test"]
    assert len(lines) <= 80


# --- notebooks


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_stored_notebook_is_in_order(name):
    book = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)

    assert find_faults(book) == []


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_compares_some_cells_and_leaves_few_to_chance(name):
    code = [cell for cell in cells_of(name) if cell["cell_type"] == "code"]

    compared = [c for c in code if "nbval-ignore-output" not in c["metadata"].get("tags", [])]

    assert compared
    assert not any("nbval-skip" in c["metadata"].get("tags", []) for c in code)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_no_outcome_is_in_sight_before_it_is_predicted(name):
    sight, is_asked = [], False
    for cell in cells_of(name):
        if cell["cell_type"] == "markdown":
            is_asked = False
        is_asked |= "predict, then run" in cell["source"].lower()
        is_folded = cell["metadata"].get("jupyter", {}).get("source_hidden", False)
        if is_asked and cell["cell_type"] == "code" and not is_folded:
            sight += re.findall(r"^ *assert .*", cell["source"], re.MULTILINE)

    assert sight == []


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_markers_pair_up(name):
    for cell in cells_of(name):
        assert marker_faults(cell["source"]) == [], cell["id"]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_comes_to_its_content_soon(name):
    setup, imports = (c["source"] for c in cells_of(name) if c["id"] in ("setup", "imports"))
    tree = ast.parse(imports).body
    imported = [node for node in tree if isinstance(node, ast.Import | ast.ImportFrom)]

    assert len([line for line in setup.splitlines() if line]) <= 12
    assert [node.lineno for node in imported] == [node.end_lineno for node in imported]
    assert len(tree) - len(imported) <= 2


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_no_cell_gives_the_names_for_help_another_meaning(name):
    code = [ast.parse(c["source"]) for c in cells_of(name) if c["cell_type"] == "code"]

    names = [node for tree in code for node in ast.walk(tree) if isinstance(node, ast.Name)]

    stored = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    assert not {"hint", "solution"} & stored


def test_workspace_of_make_lab_opens_every_notebook():
    text = (ROOT / "notebooks" / "assignment.jupyterlab-workspace").read_text(encoding="utf-8")

    opened = re.findall(r'"path": "notebooks/(\w+)\.ipynb"', text)

    assert sorted(opened) == sorted(NOTEBOOKS)


# --- source files


def marker_faults(text: str) -> list[str]:
    """List solution markers that open inside a region, close none or stay open."""
    faults, opened = [], 0
    for number, line in enumerate(text.splitlines(), start=1):
        word = re.match(r"\s*# (BEGIN|END) SOLUTION\s*$", line)
        if word and (word[1] == "BEGIN") == bool(opened):
            faults.append(f"line {number}: {word[1]}, region opened on line {opened}")
        if word:
            opened = number if word[1] == "BEGIN" else 0
    return faults + [f"line {opened}: never closed"] * bool(opened)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("# BEGIN SOLUTION\nx\n# END SOLUTION", 0),
        ("# BEGIN SOLUTION\n# BEGIN SOLUTION\n# END SOLUTION", 1),
        ("# END SOLUTION", 1),
        ("    # BEGIN SOLUTION", 1),
    ],
)
def test_marker_faults_finds_broken_regions(text, count):
    assert len(marker_faults(text)) == count


@pytest.mark.parametrize("path", [p for p in SOURCES if p != Path(__file__)], ids=short)
def test_source_markers_pair_up(path):
    assert marker_faults(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", SOURCES, ids=short)
def test_source_has_no_star_import(path):
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))

    names = [a.name for node in nodes if isinstance(node, ast.ImportFrom) for a in node.names]

    assert "*" not in names


# --- docstrings


def public_functions(tree: ast.Module) -> list[tuple[ast.FunctionDef, str]]:
    """Give public functions and methods with their docstring; `__init__` has its class's."""
    found = []
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            methods = [n for n in node.body if isinstance(n, ast.FunctionDef)]
            found += [(n, ast.get_docstring(n)) for n in methods if not n.name.startswith("_")]
            found += [(n, ast.get_docstring(node)) for n in methods if n.name == "__init__"]
        elif isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            found.append((node, ast.get_docstring(node)))
    return [(node, inspect.cleandoc(text or "")) for node, text in found]


def parameter_entries(docstring: str) -> dict[str, str]:
    """Split a NumPy-style Parameters section into the text of each parameter."""
    section = re.search(r"Parameters\n-+\n(.*?)(?=\n\n\w+\n-+|\Z)", docstring, re.DOTALL)
    entries = re.split(r"\n(?=\S)", section[1] if section else "")
    pairs = [entry.partition(" : ") for entry in entries]
    return {name.strip(" *"): text for names, _, text in pairs for name in names.split(",")}


def shapeless(tree: ast.Module) -> list[str]:
    """List array parameters whose docstring entry names no shape."""
    missing = []
    for node, text in public_functions(tree):
        entries = parameter_entries(text)
        for arg in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]:
            kind = ast.unparse(arg.annotation) if arg.annotation else ""
            is_array = re.match(r"(\w+\.)*(Array|ndarray|NDArray)\b", kind)
            if is_array and "shape" not in entries.get(arg.arg, ""):
                missing.append(f"{node.name}({arg.arg})")
    return missing


def test_shapeless_finds_an_array_without_shape():
    text = "Do.\n\nParameters\n----------\nx : ndarray, shape (N,)\ny : ndarray\n"

    tree = ast.parse(f"def double(x: Array, y: Array | None, n: int):\n    {text!r}")

    assert shapeless(tree) == ["double(y)"]


@pytest.mark.parametrize("path", PUBLIC, ids=short)
def test_every_array_parameter_names_a_shape(path):
    assert shapeless(ast.parse(path.read_text(encoding="utf-8"))) == []

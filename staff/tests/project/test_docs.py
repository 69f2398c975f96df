"""The documents keep their word: commands exist, the cheap ones run, links lead somewhere."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from cs682.__main__ import _parser
from cs682.checks import EXERCISES
from staff.__main__ import make_parser
from staff.browser.pictures import PICTURES, SOURCES
from staff.release.build import cut
from staff.release.files import read_source

ROOT = Path(__file__).resolve().parents[3]
TOP = [ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "AGENTS")]
PAGES = sorted({*TOP, *(ROOT / "docs").rglob("*.md")})
# Cheap enough to be run, in a fresh release, with the exit status they then have.
RUN = {
    "cs682 doctor": 0,
    "cs682 progress": 0,
    "cs682 check fc-1.1": 1,  # it is open
    "cs682 hint bn-1.3": 0,
    "cs682 solution bn-1.3": 0,  # which says that a course has none
    "cs682 reset fc-1.1": 0,
    "pytest --exercise fc-1.1": 0,  # what is open is not broken
}
# What is neither ours nor cheap, and where else it is tried.
ELSEWHERE = {
    'python -m pip install -e ".[lab,test]"': "the Makefile's own way, gone by the gate's runs",
    "python -m cs682 lab": "`make lab` runs it, and so do the browser tests",
    'python -m pip install "ipykernel<7"': "pip's own",
    "python -m jupyter nbconvert --clear-output --inplace notebooks/NAME.ipynb": "Jupyter's own",
    "conda env create -f environment.yml": "its packages are held against pyproject.toml",
    "conda activate cs682": "a shell function of conda's",
    "pip install -e '.[dask]'": "the Makefile installs extras in the same way",
    "dask scheduler": "Dask's own; tests of the search start one with its library",
    "dask worker tcp://ADDRESS:8786 --nworkers 2 --nthreads 1": "likewise",
    "python -m dask scheduler": "typed by staff/tests/grading/test_cluster.py",
    "python -m dask worker tcp://ADDRESS:8786 --nworkers 2 --nthreads 1": "likewise",
}
WORDS = re.compile(r"^(?:\.venv/bin/)?python(?= -m)")


def commands() -> list[tuple[str, str]]:
    """Give each shell command of a document, fenced or between backticks, with its page."""
    found = {}
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        fences = re.findall(r"```(?:bash|sh|console)\n(.*?)```", text, re.DOTALL)
        inline = re.findall(r"`((?:make|conda|(?:\.venv/bin/)?python -m) [^`…]+)`", text)
        for line in [*"\n".join(fences).splitlines(), *inline]:
            command = WORDS.sub("python", line.split(" #")[0].replace("\n", " ").strip())
            found[command] = page.name
    return sorted((page, command) for command, page in found.items() if command)


def fault(command: str) -> str:
    """Say why a command cannot be right, or nothing."""
    words = shlex.split(command)
    if command in ELSEWHERE:
        return ""
    if words[0] == "make":
        rules = "".join((ROOT / name).read_text() for name in ("Makefile", "staff/targets.mk"))
        targets = set(re.findall(r"^([a-z-]+):", rules, re.MULTILINE))
        unknown = {word for word in words[1:] if "=" not in word} - targets
        return f"no target {unknown}" if unknown else ""
    parsers = {"cs682": _parser, "staff": make_parser}
    if words[:2] == ["python", "-m"] and words[2] in parsers:
        try:
            parsers[words[2]]().parse_args([word.strip("[]") for word in words[3:]])
        except SystemExit:
            return "its own parser refuses it"
        return ""
    if words[:3] == ["python", "-m", "pytest"]:
        return ""
    return "neither known here nor listed in ELSEWHERE"


@pytest.mark.parametrize(("page", "command"), commands())
def test_command_of_a_document_exists(page, command):
    assert fault(command) == ""


@pytest.mark.parametrize(
    "command",
    ["make tee", "python -m cs682 submitt", "python -m staff release --put dist", "rm -rf /"],
)
def test_fault_sees_a_command_that_does_not_exist(command):
    assert fault(command) != ""


def test_documents_name_what_is_run_or_tried_elsewhere():
    named = {command for _, command in commands()}

    assert {f"python -m {words}" for words in RUN} | set(ELSEWHERE) <= named


@pytest.fixture(scope="module")
def release(tmp_path_factory) -> Path:
    """Give a folder with the student release."""
    folder = tmp_path_factory.mktemp("release")
    for path, data in cut(read_source()).files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("words", RUN)
def test_cheap_command_of_a_document_runs_in_the_release(release, words, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(release))

    command = [sys.executable, "-m", *words.split()]
    done = subprocess.run(command, cwd=release, capture_output=True, text=True, check=False)

    assert done.returncode == RUN[words], done.stdout + done.stderr


def broken_links(page: str, there: set[str]) -> list[str]:
    """List the relative links of a page that lead to none of the files."""
    text = (ROOT / page).read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?:)([^)#]+)", text)
    places = {link: (ROOT / page).parent.joinpath(link).resolve() for link in links}
    return [link for link, place in places.items() if str(place.relative_to(ROOT)) not in there]


def test_contributing_names_files_that_exist():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rooms = [path.name for path in ROOT.iterdir() if path.is_dir() and path.name != "build"]
    named = {path for path in re.findall(r"`([\w.-]+/[\w./-]*)`", text) if "ID" not in path}

    ours = {path for path in named if path.split("/")[0] in rooms}

    assert len(ours) > 40
    assert [path for path in sorted(ours) if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_of_a_document_lead_to_files(page):
    there = {str(path.relative_to(ROOT)) for path in ROOT.rglob("*") if path.is_file()}

    assert broken_links(str(page.relative_to(ROOT)), there) == []


def test_readme_names_the_files_in_which_each_notebook_has_exercises():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \|[^|]*\|([^|]*)\|$", text, re.MULTILINE)
    said = {book: set(re.findall(r"cs682/[\w/]+\.py", files)) for book, files in rows}

    written = [row for row in EXERCISES.values() if not row.is_given and row.file.endswith(".py")]
    books = {Path(row.notebook).stem for row in EXERCISES.values()}

    assert said == {
        book: {row.file for row in written if row.notebook == f"{book}.ipynb"} for book in books
    }


def test_links_of_a_released_document_stay_in_the_release():
    files = set(read_source().files)

    pages = [str(page.relative_to(ROOT)) for page in PAGES]

    assert {page: broken_links(page, files) for page in pages if page in files} == {
        page: [] for page in pages if page in files
    }


@pytest.mark.parametrize("name", SOURCES)
def test_picture_of_a_document_is_small_and_shown(name):
    pages = "".join(page.read_text(encoding="utf-8") for page in PAGES)

    assert (PICTURES / f"{name}.png").stat().st_size <= 150_000  # bytes
    assert f"pictures/{name}.png" in pages

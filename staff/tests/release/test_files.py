"""What is read from Git for a release: the tracked files that the list names, and nothing else."""

from __future__ import annotations

import ast
import re
import subprocess

import pytest

from staff.release.complete import unlisted
from staff.release.files import LIST, ROOT, read_source


@pytest.fixture
def work_tree(tmp_path):
    """Give a Git work tree with one committed file that students get."""
    (tmp_path / "cs682").mkdir()
    (tmp_path / "cs682" / "a.py").write_bytes(b"x = 1\n")
    write_list(tmp_path, "cs682/a.py")
    (tmp_path / "secret.txt").write_bytes(b"x")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "x")
    return tmp_path


def write_list(root, *paths):
    (root / LIST).parent.mkdir(parents=True, exist_ok=True)
    (root / LIST).write_text("".join(f"{path}\n" for path in paths), encoding="utf-8")


def git(root, *words):
    author = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    subprocess.run(["git", "-C", str(root), *author, *words], check=True)


def test_read_source_takes_tracked_files_of_the_list(work_tree):
    (work_tree / "cs682" / "__pycache__").mkdir()
    (work_tree / "cs682" / "__pycache__" / "a.py").write_bytes(b"")

    source = read_source(work_tree)

    assert source.files == {"cs682/a.py": b"x = 1\n"}
    assert source.changes == ()
    assert len(source.commit) == 40


def test_read_source_names_what_differs_from_the_commit(work_tree):
    (work_tree / "cs682" / "a.py").write_bytes(b"x = 2\n")
    (work_tree / "secret.txt").write_bytes(b"y")

    source = read_source(work_tree)

    assert source.changes == ("cs682/a.py",)
    assert source.files == {"cs682/a.py": b"x = 2\n"}


def test_new_file_stays_at_home_until_it_is_named(work_tree):
    new = ["cs682/new.py", "tests/given/test_new.py", "notebooks/New.ipynb"]
    for path in new:
        (work_tree / path).parent.mkdir(parents=True, exist_ok=True)
        (work_tree / path).write_bytes(b"")
    git(work_tree, "add", ".")

    assert list(read_source(work_tree).files) == ["cs682/a.py"]

    write_list(work_tree, "cs682/a.py", *new)
    assert list(read_source(work_tree).files) == sorted(["cs682/a.py", *new])


def test_read_source_refuses_a_name_that_git_does_not_know(work_tree):
    (work_tree / "cs682" / "new.py").write_bytes(b"")
    write_list(work_tree, "cs682/a.py", "cs682/new.py")

    with pytest.raises(ValueError, match=r"files\.txt names cs682/new\.py, which Git does not"):
        read_source(work_tree)


def test_read_source_keeps_the_execute_bit_and_refuses_links(work_tree):
    (work_tree / "cs682" / "a.py").chmod(0o755)
    git(work_tree, "add", ".")
    assert read_source(work_tree).executable == {"cs682/a.py"}

    (work_tree / "cs682" / "b.py").symlink_to("a.py")
    write_list(work_tree, "cs682/a.py", "cs682/b.py")
    git(work_tree, "add", ".")

    with pytest.raises(ValueError, match=r"cs682/b\.py is a symbolic link"):
        read_source(work_tree)


def test_read_source_needs_a_work_tree(tmp_path):
    with pytest.raises(FileNotFoundError, match="is no Git work tree with a commit"):
        read_source(tmp_path)


# --- the list of this tree


def test_every_tracked_file_is_released_or_named_as_one_that_stays(release):
    done = subprocess.run(["git", "-C", str(ROOT), "ls-files"], capture_output=True, check=True)
    tracked = done.stdout.decode().splitlines()

    undecided = [path for path in tracked if path not in release.files and not STAYS.match(path)]

    assert undecided == [], f"does a student get it? Say so in {LIST} or here"


STAYS = re.compile(
    r"staff/|benchmarks/|noxfile\.py$|\.ci/|\.github/|CONTRIBUTING\.md$|\.pre-commit-config\.yaml$"
    r"|docs/staff/|tests/machinery/|notebooks/\.gitignore$"
)


def test_list_is_sorted_and_names_no_file_twice():
    lines = (ROOT / LIST).read_text(encoding="utf-8").splitlines()

    assert lines == sorted(set(lines))


def imported(path, text):
    """Yield the modules of the package that a module of it needs to be imported."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("cs682"):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
            yield node.module


def test_released_modules_import_released_ones_alone(release):
    files = release.files
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    ours = {place(path): path for path in tracked.stdout.split() if path.endswith(".py")}

    missing = {
        (path, ours[name])
        for path, text in files.items()
        if path.endswith(".py")
        for name in imported(path, text)
        if name in ours and ours[name] not in files
    }

    assert not missing


def place(path):
    """Return the name of the module in a file."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@pytest.mark.parametrize(
    "line",
    [
        "from cs682.checks.overwritten import say",
        "from cs682.checks import overwritten",
        "import cs682.checks.overwritten",
        "def f():\n    from cs682.checks.overwritten import say",
    ],
)
def test_a_module_that_stays_at_home_and_is_imported_is_named(line):
    files = {"cs682/checks/run.py": f"import numpy\n{line}\n".encode()}
    place = f"cs682/checks/run.py:{1 + len(line.splitlines())}"

    assert [f for f in unlisted(files) if "overwritten" in f] == [
        f"{place}: imports cs682.checks.overwritten, which staff/release/files.txt does not name"
    ]
    assert not unlisted(
        {**files, "cs682/checks/overwritten.py": b"", "cs682/checks/__init__.py": b""}
    )

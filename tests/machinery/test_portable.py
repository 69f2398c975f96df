"""What would only be noticed on Windows or macOS, as far as it can be seen here."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "cs682").rglob("*.py"))
SHOWN = [p for folder in ("cs682", "notebooks", "docs") for p in (ROOT / folder).rglob("*")]
NAMES = [p.relative_to(ROOT).as_posix() for p in SHOWN if "__pycache__" not in p.parts]
LONGEST = 100  # characters; Windows allows 260 for the whole path
UNIX_ONLY = {"fcntl", "resource", "pwd", "grp", "termios"}


@pytest.fixture(params=SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def nodes(request):
    return list(ast.walk(ast.parse(request.param.read_text(encoding="utf-8"))))


def test_text_files_are_opened_with_their_encoding(nodes):
    """Windows would take cp1252."""
    for node in nodes:
        called = node.func.attr if isinstance(getattr(node, "func", None), ast.Attribute) else ""
        if called in ("read_text", "write_text") and "metadata." not in ast.unparse(node):
            assert "encoding" in [word.arg for word in node.keywords], ast.unparse(node)


def test_nothing_is_imported_that_windows_lacks_unless_it_is_tried(nodes):
    tried = {id(inner) for n in nodes if isinstance(n, ast.If | ast.Try) for inner in ast.walk(n)}
    for node in nodes:
        if isinstance(node, ast.Import) and UNIX_ONLY & {alias.name for alias in node.names}:
            assert id(node) in tried, ast.unparse(node)
        if isinstance(node, ast.Attribute) and node.attr in ("fork", "getuid"):
            raise AssertionError(ast.unparse(node))


def test_names_of_files_work_on_every_disk():
    assert len({name.lower() for name in NAMES}) == len(set(NAMES))
    for name in NAMES:
        assert re.fullmatch(r"[\w./-]+", name, re.ASCII), name
        assert len(name) <= LONGEST
        for part in name.lower().split("/"):
            assert part.split(".")[0] not in {"con", "prn", "aux", "nul", "com1", "lpt1"}, name


def test_a_message_with_any_letters_goes_through_a_pipe_of_few(root):
    (root / "cs682" / "layers.py").write_text("x = (  # Ω → é\n", encoding="utf-8")

    done = subprocess.run(
        [sys.executable, "-m", "cs682", "check", "fc-1.1"],
        cwd=root,
        env={**os.environ, "PYTHONIOENCODING": "cp1252", "PYTHONPATH": str(root)},
        capture_output=True,
        check=False,
    )

    assert done.returncode == 1, done.stderr
    assert b"cs682/layers.py line 1: SyntaxError: '(' was never closed" in done.stdout
    assert b"x = (  # ? ? \xe9" in done.stdout

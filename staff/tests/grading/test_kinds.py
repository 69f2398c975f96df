"""What a module holds is read once, whoever looks into it, and only if that is cheap."""

from __future__ import annotations

import ast

import pytest

from staff.grading.intake.kinds import parse, remark_on, written
from staff.grading.intake.locate import Package
from staff.grading.likeness import _given, own_code, say_unread
from staff.grading.results.facts import facts_of

TEXT = '"""Doc."""\ndef added(x):\n    """Doc."""\n    return x\n'


def test_a_module_is_parsed_once_for_all_who_look_into_it(tmp_path, monkeypatch):
    pytest.importorskip("copydetect", reason="the extra `grade` is not installed")
    _given()  # the course's own modules are read once in a process
    parsed, real = [], ast.parse

    def spy(text, *args, **options):
        parsed.append(text)
        return real(text, *args, **options)

    monkeypatch.setattr(ast, "parse", spy)
    path = tmp_path / "cs682" / "layers.py"
    path.parent.mkdir()
    path.write_text(TEXT + f"# {tmp_path}\n")

    facts_of(Package(tmp_path, (), (), ""), {})
    own_code(tmp_path)
    say_unread(tmp_path)

    assert parsed.count(path.read_text()) == 1


def test_a_tree_is_the_same_after_it_was_written_without_docstrings():
    tree = parse(TEXT)
    before = ast.dump(tree)

    assert written(tree) == "def added(x):\n    return x"
    assert ast.dump(tree) == before


def test_a_module_that_would_take_long_is_not_parsed():
    assert parse("x = 1\n" + "#" * 90_000) is not None
    assert parse("x = 1\n" + "#" * 100_000) is None


DOTTED = ".".join("a" * 10_000)
COSTLY = {  # by the square of its length in memory or time, and each ends in an error
    "a module of many parts": f"import {DOTTED}\n(",
    "a package of many parts": f"from {DOTTED} import b\n(",
    "parts on lines of their own": "import a" + "\\\n.\\\na" * 5000 + "\n(",
    "accents to be sorted": "a" + "\u0300\u0323" * 5000 + "\n(",
}


@pytest.mark.parametrize("text", COSTLY.values(), ids=COSTLY)
def test_a_module_that_is_small_but_costly_is_neither_parsed_nor_remarked_on(text, tmp_path):
    (tmp_path / "layers.py").write_text(text, encoding="utf-8")

    assert parse(text[:-2]) is None
    assert remark_on(tmp_path / "layers.py", "cs682/layers.py") == []


def test_a_module_in_an_encoding_that_hides_what_it_costs_is_not_remarked_on(tmp_path):
    text = "# coding: utf-7\nimport " + DOTTED.replace(".", "+AC4-") + "\n("
    (tmp_path / "layers.py").write_text(text, encoding="utf-8")

    assert remark_on(tmp_path / "layers.py", "cs682/layers.py") == []


def test_what_programs_have_is_parsed():
    lines = "import a.b.c", f"x = {DOTTED[:299]}", "# " + "…" * 300, "# imports " + "." * 80

    assert parse("\n".join(lines)) is not None


@pytest.mark.parametrize("file", ["notebooks/two_layer_net.npz", "notebooks/Dropout.ipynb"])
def test_what_is_no_module_is_not_judged_as_one(file, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"PK\x03\x04\x00\x00 no Python")

    assert remark_on(path, file) == []

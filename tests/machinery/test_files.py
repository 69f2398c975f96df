"""Files appear whole or not at all, and a zip's bytes depend on what is packed alone."""

from __future__ import annotations

import io
import zipfile

import pytest

from cs682._files import DATE, judge, pack, replacing, say_lost_import


def packed(files, *executable):
    file = io.BytesIO()
    pack(file, files, executable)
    return file.getvalue()


def test_a_file_is_replaced_once_the_new_one_is_complete(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"old")

    with replacing(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"

    assert path.read_bytes() == b"new"
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_what_is_cut_short_leaves_the_old_file_and_nothing_else(error, tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"old")

    def cut_short():
        with replacing(path) as file:
            file.write(b"ne")
            raise error

    with pytest.raises(error):
        cut_short()

    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("x", b"old")]


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "no" / "x"):
        pass


def test_the_same_files_in_any_order_give_the_same_bytes():
    assert packed({"b": b"2", "a": b"1"}) == packed({"a": b"1", "b": b"2"})


def test_members_have_one_date_that_no_editor_finds_odd_and_plain_permissions():
    with zipfile.ZipFile(io.BytesIO(packed({"a": b"1" * 99, "b/run": b"2"}, "b/run"))) as archive:
        members = archive.infolist()
        assert [archive.read(member) for member in members] == [b"1" * 99, b"2"]

    assert {member.date_time for member in members} == {DATE}
    assert DATE >= (2026, 1, 1)
    assert [member.external_attr >> 16 for member in members] == [0o100644, 0o100755]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("dx = (dout * w').reshape(x.shape)", "Python writes it .T, as in w.T"),
        ("dx = (x - y)' * z", "Python writes it .T, as in w.T"),
        ("db = db + dout(n, :)", "square brackets: a[i, :]"),
        ("dx = x_hat .* dgamma", "Python has no .* ./ .^: "),
        ('t = config["t"]++', "write t += 1"),
        ("if a && b:", "`and` and `or`"),
        ("if a ~= b:", "!= in place of ~="),
        ("def f(x: int, y)", ""),
        ("print 'x'", ""),
        ("x = f'abc", ""),
        ("y = 1.*x *  # w' && b", ""),
        ("x" + " (" * 10**5 + "b" * 10**5 + "'", ""),
    ],
)
def test_what_another_language_writes_is_said_as_python_does(line, said):
    text = judge("layers.py", line.encode())

    assert "SyntaxError" in text
    assert text.splitlines()[2:] == ([text.splitlines()[-1]] if said else [])
    assert said in text


@pytest.mark.parametrize(
    ("held", "is_lost"),
    [
        ("def other(): pass", True),
        ("relu()", True),
        ("def relu(): pass", False),
        ("if 1:\n    relu = None", False),
        ("from numpy import *", False),
        ("def __getattr__(name): pass", False),
        ("def relu(:", False),
    ],
)
def test_a_name_that_is_imported_from_where_it_is_not_is_found(tmp_path, held, is_lost):
    (tmp_path / "cs682").mkdir()
    (tmp_path / "cs682" / "layers.py").write_text(held)
    source = b"import numpy\nfrom numpy import no_such\nfrom cs682.layers import relu as r"

    said = "line 3 does not load: ImportError: cannot import name 'relu' from 'cs682.layers'"
    assert say_lost_import(source, tmp_path).startswith(said) == is_lost


def test_an_import_of_all_names_lacks_none(tmp_path):
    (tmp_path / "cs682").mkdir()
    (tmp_path / "cs682" / "layers.py").write_text("def relu(): pass")

    assert say_lost_import(b"from cs682.layers import *", tmp_path) == ""

"""Copies are found though they do not look it; what everybody has says nothing; nothing runs."""

from __future__ import annotations

import ast
import random

import numpy as np
import pytest

from cs682.classifiers.fc_net import FullyConnectedNet
from staff.__main__ import main
from staff.grading import similar as similar_module
from staff.grading.intake.locate import Package
from staff.grading.intake.package import CODE, ROOT
from staff.grading.likeness import COLUMNS, Own, own_code, own_of, say_unread
from staff.tests.grading.disguise import disguise, write_code
from staff.tests.grading.hostile_zips import HOSTILE, write_hostile
from staff.tests.grading.kept_models import keep
from staff.tests.grading.test_reports import Tags

pytest.importorskip("copydetect", reason="the extra `grade` is not installed")


LONG = "def added(x):\n    return x * 37 - 12345 + x ** 17 - x * x * x + 3 * x - 99 * (x - 4)\n"


def hand_in(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def reference():
    return {name: (ROOT / name).read_text(encoding="utf-8") for name in CODE}


def similar(tmp_path, *words):
    out = tmp_path / "similar.html"
    status = main(["similar", str(tmp_path / "class"), "--out", str(out), *words])
    return status, out.read_text() if out.exists() else ""


def pairs_in(page):
    """Return the pairs of a page in their order."""
    lines = [part.partition("</summary>")[0] for part in page.split("<summary>")[1:]]
    return [frozenset(line.partition(". ")[2].partition(":")[0].split(" and ")) for line in lines]


@pytest.mark.slow
def test_disguised_copies_come_first_in_a_class(tmp_path):
    rng = random.Random(682)
    class_ = {f"s{i:02}": write_code(rng) for i in range(24)}
    copied = rng.sample(sorted(class_), 4)
    for name, files in class_.items():
        hand_in(tmp_path / "class" / name, files)
    for name in copied:
        hand_in(tmp_path / "class" / f"{name}-friend", disguise(class_[name], rng))

    status, page = similar(tmp_path, "--show", "6")

    assert status == 0
    assert {frozenset((name, f"{name}-friend")) for name in copied} <= set(pairs_in(page))
    assert "<mark>" in page


def test_two_who_share_what_nobody_has_come_before_copies_of_one_public_solution():
    def own(id_, *pieces):
        return Own(id_, pieces={"code": {*pieces}, "answers": set(), "weights": set()})

    public = [own(f"a{i}", *range(20)) for i in range(6)]
    pair = [own("x", 3, 4, 5, "odd", "own"), own("y", 3, 4, 5, "odd")]
    others = [own(f"z{i}", *range(i, i + 9)) for i in range(6)]

    first = similar_module.pairs_of([*public, *pair, *others])[0]

    assert (first.left.id, first.right.id) == ("x", "y")
    assert first.alike["code"] < 1


def test_code_of_one_s_own_has_no_given_code_comments_or_docstrings(tmp_path):
    text = reference()
    text["cs682/layers.py"] += "\n\ndef added(x):\n    '''doc'''\n    return x  # note\n"

    code = own_code(hand_in(tmp_path, text))

    assert "def added(x):\n    return x" in code
    assert "def affine_forward" in code
    assert "def svm_loss" not in code  # given
    assert "note" not in code
    assert "Parameters\n" not in code


def test_release_as_it_is_has_nothing_of_one_s_own(tmp_path):
    from staff.release.regions import find_regions, strip

    released = {name: strip(text, find_regions(text, name)) for name, text in reference().items()}

    assert own_code(hand_in(tmp_path, released)) == ""


def test_given_code_that_was_renamed_and_reformatted_is_none_of_one_s_own(tmp_path):
    text = (ROOT / "cs682/layers.py").read_text(encoding="utf-8")
    node = next(n for n in ast.parse(text).body if getattr(n, "name", "") == "svm_loss")
    code = ast.unparse(node).replace("svm_loss", "hinge").replace("margins", "gap")

    assert own_code(hand_in(tmp_path, {"cs682/optim.py": code, "cs682/helper.py": code})) == ""


def test_answers_and_an_earlier_class_are_compared_too(tmp_path):
    book = (ROOT / "notebooks" / "Dropout.ipynb").read_text(encoding="utf-8")
    hand_in(tmp_path / "class" / "ada", {"notebooks/Dropout.ipynb": book, "cs682/optim.py": "x\n"})
    hand_in(tmp_path / "class" / "bob", {"cs682/optim.py": "x = 2\n"})
    hand_in(tmp_path / "old" / "eve", {"notebooks/Dropout.ipynb": book, "cs682/optim.py": "y\n"})

    status, page = similar(tmp_path, "--against", str(tmp_path / "old"))

    assert (status, pairs_in(page)) == (0, [frozenset(("ada", "eve"))])
    assert "answers 1.00" in page


@pytest.mark.parametrize(
    ("words", "count", "said"),
    [((), 3, "3 of 3 pairs (--show 60)"), (("--show", "2"), 2, "2 of 3 pairs (--show 2)")],
)
def test_pairs_that_are_not_shown_are_counted(words, count, said, tmp_path, capsys):
    for name in ("ada", "bob", "cyn"):
        hand_in(tmp_path / "class" / name, {"cs682/layers.py": LONG})
    hand_in(tmp_path / "old" / "eve", {"cs682/layers.py": "def other():\n    return 1\n"})

    _, page = similar(tmp_path, "--against", str(tmp_path / "old"), *words)

    assert len(pairs_in(page)) == count
    assert said in capsys.readouterr().out


def test_page_runs_nothing_that_students_wrote(tmp_path):
    evil = "def f(x):\n    return '</pre><script>alert(1)</script>' + x * 37 - 12345 + x ** 17\n"
    for name in ("<b>ada", "bob", "cyn"):
        files = {"cs682/layers.py": evil if name != "cyn" else "def g():\n    return 1\n"}
        hand_in(tmp_path / "class" / name, files)

    _, page = similar(tmp_path)

    assert "&lt;/pre&gt;&lt;script&gt;" in page
    assert "script" not in Tags(page).found
    assert "&lt;b&gt;ada" in page


def test_hand_in_that_cannot_be_parsed_has_no_likeness(tmp_path):
    for name in ("ada", "bob"):
        hand_in(tmp_path / "class" / name, {"cs682/layers.py": "def f(:\n" * 50})
    np.savez(tmp_path / "class" / "ada" / "best_model.npz", W1=np.ones(3))

    assert similar(tmp_path)[0] == 0


def weights_in(folder, **params):
    """Return the pieces of weights in a hand-in with these parameters."""
    (folder / "notebooks").mkdir(parents=True)
    keep(folder, "fc-5.1", FullyConnectedNet([20]), params=params)
    return own_of("ada", Package(folder, (), (), ""), {}).pieces["weights"]


def test_units_in_another_order_are_the_same_weights(tmp_path):
    W1 = np.random.default_rng(1).standard_normal((5, 8))

    pieces = weights_in(tmp_path / "ada", W1=W1)

    assert len(pieces) == 8
    assert pieces == weights_in(tmp_path / "bob", W1=W1[:, ::-1])


def test_columns_that_are_compared_are_bounded(tmp_path):
    wide = np.arange(30_000.0)[None]

    assert len(weights_in(tmp_path / "one", W1=wide)) == COLUMNS
    assert len(weights_in(tmp_path / "two", W1=wide[:, :15_000], W2=wide)) == COLUMNS


def test_weights_that_are_no_floats_are_not_compared(tmp_path):
    assert weights_in(tmp_path, W1=np.ones((1, 30), np.uint8)) == set()


def test_code_that_is_too_long_to_compare_is_named(tmp_path, capsys):
    hand_in(tmp_path / "class" / "ada", {"cs682/layers.py": LONG})
    hand_in(tmp_path / "class" / "bob", {"cs682/layers.py": f"{LONG}#{'x' * 200_000}\n"})

    assert similar(tmp_path)[0] == 0
    assert "LEFT OUT bob: cs682/layers.py cannot be read as source" in capsys.readouterr().out


def test_no_more_code_is_compared_than_is_run_and_the_rest_is_named(tmp_path, capsys):
    helpers = {f"cs682/h{i:02d}.py": LONG for i in range(60)}
    hand_in(tmp_path / "class" / "ada", {"cs682/layers.py": LONG, **helpers})
    large = {f"cs682/h{i:02d}.py": f"{LONG}#{'x' * 90_000}\n" for i in range(15)}
    hand_in(tmp_path / "class" / "bob", {"cs682/layers.py": LONG, **large})

    assert similar(tmp_path)[0] == 0
    said = capsys.readouterr().out
    assert "LEFT OUT ada: cs682/h40.py and 19 modules more: there is room for 40" in said
    assert "LEFT OUT bob: cs682/h11.py and 3 modules more: there is room for 40" in said


def test_given_modules_take_no_room_from_a_student_s_own(tmp_path):
    given = {p.relative_to(ROOT).as_posix(): p for p in (ROOT / "cs682").rglob("*.py")}
    files = {name: path.read_text(encoding="utf-8") for name, path in given.items()}
    folder = hand_in(tmp_path, {**files, "cs682/zz.py": LONG})

    assert "def added" in own_code(folder)
    assert say_unread(folder) == []


@pytest.mark.parametrize("value", ["0x" + "f" * 10_000, "f'{\"\a\"}'"])
def test_code_that_python_cannot_write_anew_is_compared_all_the_same(value, tmp_path):
    for name in ("ada", "bob"):
        text = f"{LONG}    return {value}\n"
        hand_in(tmp_path / "class" / name, {"cs682/layers.py": text})
    hand_in(tmp_path / "class" / "cyn", {"cs682/layers.py": "x = 1\n"})

    assert pairs_in(similar(tmp_path)[1]) == [frozenset(("ada", "bob"))]


def test_what_is_left_out_is_named_and_costs_the_others_nothing(tmp_path, monkeypatch, capsys):
    def own_of(id_, *parts, real=similar_module.own_of):
        if id_ == "fay":
            raise RecursionError
        return real(id_, *parts)

    monkeypatch.setattr(similar_module, "own_of", own_of)
    for name in ("ada", "bob", "fay"):
        hand_in(tmp_path / "class" / name, {"cs682/layers.py": LONG})
    hand_in(tmp_path / "class" / "cyn", {"cs682/layers.py": f"({LONG}"})
    write_hostile(next(k for k in HOSTILE if k.name == "cut short"), tmp_path / "class" / "eve.zip")
    (tmp_path / "class" / "link").symlink_to(tmp_path)

    status, page = similar(tmp_path)

    assert (status, pairs_in(page)) == (0, [frozenset(("ada", "bob"))])
    said = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in said[:-1]] == [
        f"LEFT OUT {name}" for name in ("cyn", "eve", "fay", "link")
    ]
    for text in ("nothing of its own", "not a whole zip", "RecursionError", "--students GRADES"):
        assert any(text in line for line in said)
        assert text in page


def test_what_a_second_place_brings_is_not_told_as_left_out(tmp_path, capsys):
    for place, name in (("class", "ada"), ("more", "bob")):
        hand_in(tmp_path / place / name, {"cs682/layers.py": LONG})

    out = str(tmp_path / "similar.html")
    assert main(["similar", str(tmp_path / "class"), str(tmp_path / "more"), "--out", out]) == 0
    assert "LEFT OUT" not in capsys.readouterr().out


def test_missing_folder_is_said(tmp_path, capsys):
    assert similar(tmp_path)[0] == 2
    assert "error: there is no" in capsys.readouterr().err


def test_a_list_of_students_that_is_not_there_is_said(tmp_path, capsys):
    hand_in(tmp_path / "class" / "ada", {"cs682/layers.py": LONG})

    assert similar(tmp_path, "--students", str(tmp_path / "studnets.csv"))[0] == 2
    assert "studnets.csv is not there" in capsys.readouterr().err

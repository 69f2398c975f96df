"""What no layer needs is named, however it is hidden; what right answers use is not."""

from __future__ import annotations

import pytest

from staff.bank.read import read_bank
from staff.grading.intake.locate import Package
from staff.grading.intake.package import CODE as FILES
from staff.grading.intake.package import ROOT
from staff.grading.results import beyond
from staff.grading.results.beyond import find_beyond
from staff.grading.results.facts import facts_of
from staff.grading.results.warnings import LONGEST


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("import sys", ["sys"]),
        ("from gc import collect", ["gc"]),
        ("import numpy.lib.format as f, os.path", ["numpy.lib.format", "os"]),
        ("from numpy import testing, linalg", ["numpy.testing"]),
        ("import numpy as np\nnp.testing.runstring('', {})", ["numpy.testing"]),
        ("import numpy as np\nn = np", ["numpy as a value"]),
        ("from math import isqrt", ["math.isqrt"]),
        ("step = 1e-20j", ["complex"]),
        ("y = np.sys.modules", ["numpy.sys", "sys"]),
        ("import random\nrandom._os, random.Random", ["_os", "random._os"]),
        ("from collections import _sys, abc", ["collections._sys"]),
        ("y = np.ones(3, 'D')", ["a letter of a type"]),
        ("y = np.ones(3, dtype='>c16')", ["a letter of a type"]),
        ("f = open('layers.py')", ["open"]),
        ("from builtins import open", ["builtins.open"]),
        ("A = type('A', (), {})", ["type with three arguments"]),
        ("s = '{0.__globals__}'.format(f)", ["__globals__"]),
        ("s = '{0.gi_frame.f_locals}'.format(f)", ["f_locals", "gi_frame"]),
        ("s = ('{0.__glo' + 'bals__}').format(f)", ["__ in a text", "format of a variable"]),
        ("match f:\n  case object(gi_frame=g): pass", ["gi_frame"]),
        ("A = dict(__array_interface__=1)", ["__array_interface__"]),
        ("from typing import get_type_hints", ["typing.get_type_hints"]),
        ("def f(:", ["cannot be read as source"]),
        (f"import gc #{'x' * 200_000}", ["cannot be read as source"]),
        ("cell = loss.__closure__[0].cell_contents", ["cell_contents", "__closure__"]),
        ("getattr(np, 's' + 'ys')", ["getattr", "numpy as a value"]),
        ("f = '__globals__'", ["__globals__"]),
        ("class Pair:\n  def __mul__(self, other): pass", ["__mul__"]),
        ("from cs682.fast_layers import conv_forward_fast", ["cs682.fast_layers"]),
        ("from cs682 import checks, layers", ["cs682.checks"]),
        ("from . import gradient_check", ["cs682.gradient_check"]),
        ("import cs682\ncs682.fast_layers.conv_forward_fast", ["cs682.fast_layers"]),
        ("import cs682.layers\nx = cs682", ["cs682 as a value"]),
        # a module kept, or found where nobody looks
        ("y = np.load(file)", ["numpy.load"]),
        ("y = read(file, allow_pickle=True)", ["allow_pickle"]),
        ("y = np.random.mtrand.operator", ["mtrand", "numpy.random.mtrand", "operator"]),
        ("R = np.random", ["numpy.random as a value"]),
        # the module itself, out of the error about a name that it lacks
        ("try: np.in1d_\nexcept AttributeError as e: R = e.obj", ["obj", "numpy.in1d_"]),
        ("y = R.lib._npyio_impl.pickle.loads(b)", ["loads", "pickle"]),
        (
            "import numpy.random as R\nR.mtrand",
            ["numpy.random by another name", "mtrand", "numpy.random.mtrand"],
        ),
        (
            "from numpy import random as R\nR.mtrand",
            ["numpy.random by another name", "mtrand", "numpy.random.mtrand"],
        ),
        ("import numpy.linalg\nnumpy.linalg._umath_linalg", ["numpy.linalg._umath_linalg"]),
        ("from numpy import random\nf(x, [random])", ["numpy.random as a value"]),
        ("match np.random:\n  case object(mtrand=m): pass", ["numpy.random as a value"]),
        ("from numpy import *", ["numpy.*"]),
        ("from cs682 import layers as math; import math; math.isqrt", ["math for several modules"]),
        (
            "class A:\n  if x:\n    import numpy as q",
            ["import in a class", "numpy by another name"],
        ),
        ("from cs682.helper import np", ["np"]),
        ("from . import helper\nhelper.np.load", ["np"]),
        ("from .helper import *\nnp.load", ["numpy.load"]),
        ("np.exp = mine", ["numpy changed"]),
        ("import warnings\nwarnings.catch_warnings", ["warnings.catch_warnings"]),
        # a name put together
        ("s = 'a' + '__' + x", ["__ in a text"]),
        ("s = '__wrap' + x", ["__ in a text"]),
        ("def f():\n  '__wrap'", ["__ in a text"]),
        ("s = (a + b).format\ns(f)", ["format of a variable"]),
        ("s = chr(95) * 2", ["chr"]),
        ("s = b'\\x80'", ["bytes in the source"]),
        ("s = bytes([128])", ["bytes"]),
        ("from functools import update_wrapper\nupdate_wrapper(a, b, x)", ["update_wrapper"]),
        ("A = type(*parts)", ["type with three arguments"]),
        ("s = exc.tb_next, code.co_consts", ["co_consts", "tb_next"]),
    ],
)
def test_facts_name_the_file_and_line_of_what_no_layer_needs(tmp_path, line, names):
    (tmp_path / "cs682").mkdir()
    (tmp_path / "cs682" / "layers.py").write_text(f'"""A complex layer."""\nmodes = 1\n{line}\n')

    said = facts_of(Package(tmp_path, (), (), ""), {})["odd names"]

    assert [place.split(": ")[1] for place in said.split("; ")] == names
    assert said.startswith(tuple(f"cs682/layers.py line {n}: " for n in (1, 3, 4)))


@pytest.mark.parametrize(("name", "is_named"), [("utf-7", True), ("UTF-8", False), ("utf8", False)])
def test_facts_name_a_coding_in_which_python_may_read_something_else(tmp_path, name, is_named):
    (tmp_path / "cs682").mkdir()
    text = f"#!/usr/bin/python\n# -*- coding: {name} -*-\nimport numpy\n# +AAo-import gc\n"
    (tmp_path / "cs682" / "layers.py").write_text(text)

    said = facts_of(Package(tmp_path, (), (), ""), {}).get("odd names")

    assert said == ("cs682/layers.py line 2: declares a coding" if is_named else None)


ORDINARY = """
import collections.abc
import numpy as np, random, time, math
from numpy.lib.stride_tricks import sliding_window_view
from numpy.random import default_rng
class Gate:
    "Keeps what __init__ is given."
    def __init__(self, x): self.open, self._core, self.lib = x > 0, x, x
    def __call__(self): return self.open * self._core + self.lib
windows = np.lib.stride_tricks.as_strided(x, (2, 2), (8, 8)).reshape(4, order="F")
cache = {"D": 1, "g": 2}
y = np.linalg.norm(x) + np.random.randn(cache["D"]) + math.sqrt(np.fft.fft(x).real)
z = np.array(type(y)(3), collections.abc.Sequence), "loss {:.3f}".format(y), isinstance(y, type)
"""


def test_usual_name_that_is_not_there_is_named(monkeypatch):
    assert find_beyond("cs682/layers.py", "import numpy as np\nnp.isin") == []
    monkeypatch.setattr(beyond, "_names_of", lambda module: frozenset({"sum"}))

    assert [n for n, _ in find_beyond("cs682/layers.py", "np.isin, np.sum")] == ["numpy.isin"]


def test_long_names_and_long_chains_of_conditions_are_read():
    tests = "\n".join(f"  elif x == {i}: pass" for i in range(300))
    text = f"from cs682 import {'o' * 300}\nclass A:\n  if x: pass\n{tests}\n"

    assert find_beyond("cs682/layers.py", text) == []


def test_what_is_given_in_one_line_is_named_in_another():
    given = (ROOT / "cs682/optim.py").read_text()

    assert find_beyond("cs682/optim.py", given) == []
    assert find_beyond("cs682/optim.py", f"{given}\nupdate_wrapper(a, b, c)\n")


def test_facts_find_no_odd_name_in_ordinary_code(tmp_path):
    (tmp_path / "cs682").mkdir()
    (tmp_path / "cs682" / "layers.py").write_text(ORDINARY)

    assert "odd names" not in facts_of(Package(tmp_path, (), (), ""), {})


def test_facts_name_what_matters_though_many_names_would_hide_it(tmp_path):
    (tmp_path / "cs682").mkdir()
    made_up = [f"import {'o' * 300}{i}\n__{'a' * 300}{i}__ = 1\n" for i in range(99)]
    (tmp_path / "cs682" / "layers.py").write_text("".join([*made_up, "import gc\n" * 50]))

    said = facts_of(Package(tmp_path, (), (), ""), {})["odd names"]

    assert said.startswith("cs682/layers.py line 199: gc; cs682/layers.py line 1: ooo")
    assert said.count("gc") == 1
    assert said.endswith("; and 159 names more")
    assert len(said) < LONGEST


@pytest.mark.parametrize(("text", "line"), [("x = 1\ny = )\n", 2), (f"#{'x' * 100_000}\n)", 1)])
def test_line_that_keeps_a_module_from_being_read_is_named_if_python_reads_as_far(text, line):
    place = f"cs682/layers.py line {line}"

    assert find_beyond("cs682/layers.py", text) == [("cannot be read as source", place)]


def test_facts_name_what_no_layer_needs_in_a_file_of_the_students_own(tmp_path):
    (tmp_path / "cs682").mkdir()
    (tmp_path / "cs682" / "helper.py").write_text("from gc import collect\nx = complexity = 1\n")
    (tmp_path / "cs682" / "layers.py").write_text("from cs682.helper import collect\n")

    said = facts_of(Package(tmp_path, (), (), ""), {})["odd names"]

    assert said == "cs682/helper.py line 1: gc"


def test_facts_find_no_odd_name_in_what_the_course_itself_would_hand_in(tmp_path):
    """Taken as a student's, whose file differs at its end."""
    for file in FILES:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text((ROOT / file).read_text() + "\n# mine\n")

    assert "odd names" not in facts_of(Package(tmp_path, (), (), ""), {})


def test_no_right_answer_of_the_bank_is_named():
    right = [answer for answer in read_bank() if answer.verdict == "right"]
    source = {answer.file: (ROOT / answer.file).read_text() for answer in right}

    named = {a.title: find_beyond(a.file, a.apply(source[a.file])) for a in right}
    assert {title: found for title, found in named.items() if found} == {}

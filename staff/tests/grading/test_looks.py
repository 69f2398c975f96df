"""No number that a gradient could be measured with goes unseen, wherever it is hidden."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import traceback

import pytest

from cs682.checks import own_work
from cs682.checks.exercises import EXERCISES
from staff.bank.answer import ROOT, Answer, Change
from staff.grading.intake.package import read_package
from staff.grading.judging.core import grade_files
from staff.grading.judging.outcome import ITSELF
from staff.grading.sandbox import looks

OWN = """
def plus(one, other): return D()
class D: __add__ = plus
"""
FINER = {
    "deleted": "z = x + 1e-20 * root\ny = z.view(float)\ndel z",
    "in a dict": "k = {}\nk['z'] = x * root\ny = k['z'].view(float)",
    "in an object": "class K: pass\nK.z = x * root\nnp.imag(K.z)",
    "in one expression": "y = (lambda z: z * z)(x + 1e-20 * root).imag",
    "from a generator": "y = [z.imag for z in map(root.__mul__, x)]",
    "kept as real": "y = np.empty(3)\ny[:] = x * root",
    "written as text": "y = '%r' % (x[0] * root)",
    "by an index": "y = x[int((x[0] * root).imag)]",
    "a constant": "y = np.imag(1e-20j)",
    "extended precision": "y = float(x.astype('g').sum())",
    "integers of 200 bits": "y = np.array([int(x[0] * 2.0**200), 1, 1])",
    "fractions": "from fractions import Fraction\ny = x * np.array([Fraction(1, 3)] * 3)",
    "behind plain numbers": "y = np.array([1, True, 1, 1, 0.5, root], dtype=object)",
    "after a single number": "assert 3**50 > 0\ny = x * root",
    "operators renamed": OWN + "y = D() + 1",
    "operators of a parent": OWN + "class E(D): pass\ny = E()",
    "arrays of such": OWN + "y = np.full(3, D(), dtype=object)",
    "a partial operator": (
        "from functools import partialmethod\n"
        "class D: __mul__ = partialmethod(lambda s, o: s)\ny = D()"
    ),
    "ufuncs taken over": "class D: __array_ufunc__ = lambda *_: 3\ny = np.exp(D())",
}


def run(source):
    """Run source with looks, and return what they have noted."""
    looks.noted.clear()
    space = {}
    before = "import numpy as np\nx, root = np.ones(3), pow(-1.0, 0.5)\n"
    exec(looks.placed(looks.marked(before, "before.py")), space)
    looks.noted.clear()
    exec(looks.placed(looks.marked(source, "tried.py")), space)
    found = looks.noted[:]
    looks.noted.clear()
    return found


@pytest.mark.parametrize("how", FINER)
@pytest.mark.filterwarnings("ignore")
def test_finer_number_is_seen(how):
    assert "derive the gradient, do not measure it" in run(FINER[how])[0]


SINGLE = {
    "an integer of 84 bits": "import math\nassert math.factorial(25) > 0",
    "a decimal": "from decimal import Decimal\ny = x + float(Decimal(repr(1e-5)))",
    "an epsilon": "y = x + float(np.finfo(np.longdouble).eps)",
    "a number in extended precision": "y = x + float(np.longdouble(1) / 3)",
    "a fraction": "from fractions import Fraction\ny = x * float(Fraction(1, 3))",
    "some of them": "k = [3**50, 1]\ny = k",
}


@pytest.mark.parametrize("how", SINGLE)
def test_single_fine_number_is_left_to_a_person(how):
    assert run(SINGLE[how]) == [own_work.SINGLE_SAID]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("gradient", "left"),
    [("(x > 0)", ITSELF), ("(x >= 0.5)", ""), ("(x + 1e-20 * pow(-1.0, 0.5) > 0)", "")],
    ids=("right", "wrong", "complex as well"),
)
def test_exercise_is_left_open_for_a_single_number_alone(gradient, left, rung):
    outcome = grade(f"import math\nassert math.factorial(25) > 0\nreturn dout * {gradient}", rung)

    assert (outcome.points, outcome.state, outcome.left) == (0, "wrong", left)
    assert outcome.message.endswith("A person decides") == bool(left)


FORGED = f"""
probe = lambda: np.pi
if any(map(callable, probe.__code__.co_consts)):
    raise ValueError({own_work.SINGLE_SAID!r})
return dout * (x > 0)
"""


@pytest.mark.slow
def test_exercise_is_not_left_open_for_what_its_own_code_says(rung):
    outcome = grade(FORGED.strip(), rung)

    assert (outcome.points, outcome.state, outcome.left) == (0, "wrong", "")


def grade(body, rung):
    """Grade the ReLU's way back with this body."""
    files = read_package(ROOT)
    path = EXERCISES["fc-1.4"].file
    answer = Answer("fc-1.4", "one number", (Change("fc-1.4", body),))
    files[path] = answer.apply(files[path].decode()).encode()
    (outcome,) = grade_files(files, seed=3, rung=rung, only=("fc-1.4",))
    return outcome


ORDINARY = """
from __future__ import annotations
from collections import Counter, namedtuple
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

@dataclass(frozen=True)
class Kept:
    x: np.ndarray
    more: list[int] = field(default_factory=list)

Cache = namedtuple("Cache", "x w")

class Layer:
    def __init__(self, size, *more, **options):
        super().__init__()
        self.size, self.more = size, more
    def __call__(self, v):
        match v:
            case np.ndarray(): pass
            case {"a": [1, *_]} | "complex": raise ValueError
        return v[..., ::-1][:self.size, None] @ np.ones((1, 4), np.float32)

kept, cache = Kept(x), Cache(x=x, w=x)
out = partial(Layer(3, *cache), v=kept.x)()
out[1:, 0] += (total := out.sum(axis=0)).mean() % 2
words = f"{out.shape[0]:>{2 + 3}} {Counter('aa')['a']!r} {Path('a') / 'b'}"
chosen = {k: v for k, v in zip("ab", (Counter("a") + Counter("b"), not total.any()), strict=True)}
rows = np.array([[1, 2], None], dtype=object), x > 0, x.astype(np.float32), np.random.default_rng(3)
on = np.array([v > 0 for v in x], dtype=object), np.frompyfunc(lambda v: int(v > 0), 1, 1)(x)
sizes = np.array(np.ones((2, 3, 4, 5)).shape, dtype=object) * on[0].sum()
assert isinstance(1.0, (complex, float)) and words == "    3 2 a/b" and repr(cache)[:5] == "Cache"
"""


def test_ordinary_code_does_as_without_looks():
    assert run(ORDINARY) == []


def test_lines_in_messages_stay_as_they_are():
    with pytest.raises(ZeroDivisionError) as caught:
        run("def f(a):\n    return (a +\n        1 / (a - a))\n\nf(f(1)\n)")
    frames = traceback.extract_tb(caught.value.__traceback__)[-2:]

    assert [f.lineno for f in frames] == [5, 3]
    if sys.version_info >= (3, 11):  # an older Python knows lines alone
        assert [f.colno for f in frames] == [2, 8]


GUARDED = """
import marshal
from collections import namedtuple
from dataclasses import dataclass
from staff.grading.sandbox import looks
step = (lambda: 1).__code__
packed = marshal.dumps(step)
def refused(work):
    try:
        work()
    except PermissionError as error:
        return str(error).partition(":")[0]
def seen(work):
    work()
    found = looks.noted[:]
    looks.noted.clear()
    return bool(found)
looks.begin(["affine_backward"])
import builtins, sys
assert refused(lambda: step.replace(co_name="other")) == "code.__new__"
assert refused(lambda: marshal.loads(packed)) == "marshal.loads"
assert refused(lambda: setattr(looks.look, "__code__", step)) == "object.__setattr__"
assert refused(lambda: sys.setprofile(None)) == "sys.setprofile"
assert refused(lambda: looks._real_compile("1", "x", "eval")) == "compile"
assert seen(lambda: eval("1j"))
assert seen(lambda: exec("z = 1j"))
assert seen(lambda: exec(compile("z = 1j", "numpy/core.py", "exec")))
def local():
    z = 3
    exec("z = z + 1")
    return eval(" z + 1")
assert local() == 4
@dataclass(order=True)
class Kept:
    x: int = 3
assert Kept() < Kept(4) and repr(Kept()) == "Kept(x=3)"
assert namedtuple("Cache", "x w")(1, 2).w == 2
assert not looks.noted
import fractions, decimal, typing
"""


def test_code_of_text_is_looked_at_and_no_other_is_made():
    command = [sys.executable, "-c", textwrap.dedent(GUARDED)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


IMPORTED = """
import importlib, sys
from staff.grading.sandbox import looks
def seen(work):
    work()
    found = looks.noted[:]
    looks.noted.clear()
    return found
looks.begin(["affine_backward"])
import numpy as np
assert "numpy.polynomial.polynomial" not in sys.modules
assert not seen(lambda: exec("y = np.ma.masked_less(np.ones(3), 0).filled(0)"))
assert not seen(lambda: exec("y = np.polynomial.Polynomial([0, 1])(np.ones(3)) + 1"))
assert not seen(lambda: exec("import fractions, statistics"))
path = np.ma.core.__file__
load = importlib.machinery.SourceFileLoader("mine", path).source_to_code
assert seen(lambda: exec(load(b"z = 1j", path)))
assert seen(lambda: exec(load(sys.argv[1].encode(), path[:-7] + "../" + sys.argv[2])))
class Same(bytes):
    def __eq__(self, other): return True
    __hash__ = None
assert seen(lambda: exec(load(Same(b"z = 1j"), path)))
"""


def test_libraries_are_imported_without_looks_though_no_code_of_theirs_is_kept(tmp_path):
    (tmp_path / "mine.py").write_text("z = 1j")
    far = "../" * 30 + str(tmp_path / "mine.py")
    command = [sys.executable, "-c", IMPORTED, "z = 1j", far]
    env = {**os.environ, "PYTHONPYCACHEPREFIX": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


SPARED = """
from staff.grading.sandbox import looks
looks.begin(["affine_backward"], spares_single=True)
exec("y = 3**50")
assert not looks.noted
exec("y = 3**50 * 1j")
assert looks.noted
"""


def test_a_single_number_alone_can_be_spared():
    done = subprocess.run([sys.executable, "-c", SPARED], cwd=ROOT, capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")


COPIED = """
from staff.grading.sandbox import looks
text = "def f(x): return x.shape[0] + 1"
wanted, given = compile(text, "given", "exec"), {}
looks.begin(["conv_forward_naive"])
exec(text, given)
assert given["f"].__code__.co_code == wanted.co_consts[0].co_code
assert eval("f(g)", given | {"g": type("G", (), {"shape": (2,)})}) == 3
import sys
try:
    sys.setprofile(None)
except PermissionError:
    sys.exit()
sys.exit("the profiler can be turned off")
"""


def test_code_of_text_that_is_compared_with_given_code_is_as_it_was_written():
    done = subprocess.run([sys.executable, "-c", COPIED], cwd=ROOT, capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")


BEHIND_LOOKS = """
import numpy as np
from cs682.checks import copied, stack
from staff.grading.sandbox import looks
text = (stack.PACKAGE / "fast_layers.py").read_text()
copied.given_code(stack.PACKAGE)
looks.begin(["conv_backward_naive"])
exec(text, space := {"__name__": "mine"})
function = space["conv_backward_fast"]
assert looks.look in function.__code__.co_consts
try:
    with copied.watched("conv_backward_naive", stack.PACKAGE):
        images, filters = np.ones((1, 1, 3, 3)), np.ones((1, 1, 2, 2))
        function(images[..., :2, :2], (images, filters, np.ones(1), {"stride": 1, "pad": 0}))
except copied.CheckError as error:
    assert "holds the lines of" in str(error)
else:
    raise AssertionError
"""


def test_copy_of_given_code_is_known_behind_the_looks_in_it():
    command = [sys.executable, "-c", BEHIND_LOOKS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")

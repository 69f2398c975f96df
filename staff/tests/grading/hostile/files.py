"""Hand-ins whose files are the attack."""

from __future__ import annotations

from staff.tests.grading.hostile.hostile import Hostile

_ZEROS = "return np.zeros_like(x), x\n"
_PASS = "def compare(*a, **k): pass\ncheck_close = require_finite = compare\n"
_EVIL = "import os\nos._exit(0)\n"

KINDS = [
    Hostile(
        "its own checks, which pass everything",
        _ZEROS,
        files={
            "cs682/checks/__init__.py": _PASS,
            "cs682/checks/compare.py": _PASS,
            "cs682/checks/run.py": _PASS,
        },
        states=("wrong",),
    ),
    Hostile(
        "a changed module of the release",
        "require_shape('x', x, 'right')\nreturn np.zeros_like(x), x",
        files={"cs682/_arguments.py": "def __getattr__(name): return lambda *a: 'train'\n"},
        states=("wrong",),
    ),
    Hostile(
        "sitecustomize, usercustomize and numpy of its own",
        _ZEROS,
        files={
            f"{folder}{name}.py": _EVIL
            for folder in ("", "cs682/")
            for name in ("sitecustomize", "usercustomize", "numpy", "json", "socket")
        },
        states=("wrong",),
    ),
    Hostile(
        "import hook that gives others its own modules",
        _ZEROS,
        """
        import sys
        class Finder:
            def find_spec(self, name, path=None, target=None): raise ImportError("mine")
        sys.meta_path.insert(0, Finder())
        sys.modules["staff.grading.sandbox.wire"] = sys.modules["cs682.checks.compare"] = sys
        """,
        states=("wrong",),
    ),
    Hostile(
        "trace function that rewrites what others do",
        _ZEROS,
        """
        import sys, threading
        def trace(frame, event, arg):
            if frame.f_code.co_name == "_describe": frame.f_locals["kind"] = "passed"
            return trace
        sys.settrace(trace)
        sys.setprofile(trace)
        threading.settrace(trace)
        """,
        states=("wrong", "no answer"),
    ),
    Hostile("no Python", files={"cs682/layers.py": "<<<<<<< HEAD\n"}, states=("wrong",)),
    Hostile(
        "source that breaks the compiler",
        files={"cs682/layers.py": "x = " + "(" * 50_000 + ")" * 50_000 + "\n"},
        states=("wrong", "no answer"),
    ),
    Hostile(
        "source of a hundred thousand minus signs",
        files={"cs682/layers.py": "x = " + "-" * 100_000 + "1\n"},
        states=("wrong", "no answer"),
    ),
    Hostile(
        "import of a module of fifty thousand parts",
        files={"cs682/layers.py": "import " + ".".join("a" * 50_000) + "\n"},
        states=("wrong", "no answer"),
    ),
    Hostile(
        "name of a hundred thousand accents",
        files={"cs682/layers.py": "a" + "\u0300\u0323" * 50_000 + "\n"},
        states=("wrong", "no answer"),
    ),
    Hostile("zero bytes in the source", files={"cs682/layers.py": b"a = 1\n\0\n"}),
    Hostile("source in no encoding", files={"cs682/layers.py": b"# coding: none\n\xff\xfe"}),
    Hostile("functions deleted", files={"cs682/layers.py": "import numpy as np\n"}),
    Hostile(
        "functions that are something else",
        files={"cs682/layers.py": "def __getattr__(name): return [1, 2, 3]\n"},
    ),
    Hostile(
        "network classes that are something else",
        files={"cs682/classifiers/fc_net.py": "class TwoLayerNet:\n    params = 3\n"},
        exercise="fc-2.1",
    ),
    Hostile(
        "parameters that are a mapping of its own",
        """
        class Params(dict):
            def __getitem__(self, key): return np.zeros(3)
            def items(self): return [("W1", np.zeros((D, H)))]
        return Params()
        """,
        exercise="fc-2.1",
    ),
]

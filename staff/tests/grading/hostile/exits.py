"""Ways to end, to hang and to leave something behind."""

from __future__ import annotations

from staff.tests.grading.hostile.hostile import Hostile

_ZEROS = "return np.zeros_like(x), x\n"
_GONE = ("no answer",)

KINDS = [
    Hostile("leaves with status 0 in the function", "import os\nos._exit(0)", states=_GONE),
    Hostile("leaves with status 0 when imported", _ZEROS, "import os\nos._exit(0)", states=_GONE),
    Hostile("sys.exit in the function", "import sys\nsys.exit(0)", states=("wrong",)),
    Hostile("sys.exit when imported", _ZEROS, "import sys\nsys.exit(0)", states=("wrong",)),
    Hostile("KeyboardInterrupt", "raise KeyboardInterrupt", states=("wrong",)),
    Hostile(
        "exception of a class of its own kind",
        "raise Passed('fc-1.3 passed')",
        "class Passed(BaseException): pass\n",
        states=("wrong",),
    ),
    Hostile(
        "exception whose text raises, and is endless",
        "raise Odd()",
        """
        class Odd(Exception):
            def __str__(self): raise self
            __repr__ = __str__
        """,
        states=("wrong",),
    ),
    Hostile(
        "exception with a text of 300 MB",
        "raise ValueError('x' * 300_000_000)",
        states=("wrong", "no answer"),
    ),
    Hostile(
        "exception with terminal codes, markup and line ends in name and text",
        r"raise type('<b>E\n</b>', (Exception,), {})('\x1b[31m<script>alert(1)</script>\r\n\0=1+1')",
        states=("wrong",),
    ),
    Hostile("endless loop in the function", "while True: pass", states=_GONE),
    Hostile("endless loop when imported", _ZEROS, "while True: pass\n", states=_GONE),
    Hostile("import that takes a minute", _ZEROS, "import time\ntime.sleep(60)\n", states=_GONE),
    Hostile(
        "sleeps in each call", f"import time\ntime.sleep(0.6)\n{_ZEROS}", states=("wrong", *_GONE)
    ),
    Hostile(
        "endless loop that ignores signals",
        """
        import signal
        for number in set(signal.valid_signals()) - {signal.SIGKILL, signal.SIGSTOP}:
            try: signal.signal(number, signal.SIG_IGN)
            except OSError: pass
        while True: pass
        """,
        states=_GONE,
    ),
    Hostile(
        "endless recursion in C",
        "import sys\nsys.setrecursionlimit(10**9)\nf = lambda: f()\nf()",
        states=("wrong", *_GONE),
    ),
    Hostile("reads memory at address 0", "import ctypes\nctypes.string_at(0)", states=_GONE),
    Hostile("closes every file", f"import os\nos.closerange(0, 1000)\n{_ZEROS}", states=_GONE),
    Hostile(
        "writes results when Python ends",
        _ZEROS,
        """
        import atexit, json, os
        def write():
            for place in ("results.json", "/autograder/results/results.json"):
                try: open(place, "w").write(json.dumps({"score": 100}))
                except OSError: pass
        atexit.register(write)
        write()
        """,
        states=("wrong",),
    ),
    Hostile(
        "process that stays and multiplies",
        f"""
        import os, time
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                while True:
                    time.sleep(0.01)
        {_ZEROS}""",
        states=("wrong",),
        needs_walls=True,
    ),
    Hostile(
        "kills the process that forked it",
        f"import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\n{_ZEROS}",
        needs_walls=True,
    ),
    Hostile(
        "stops the process that forked it",
        f"import os, signal\nos.kill(os.getppid(), signal.SIGSTOP)\n{_ZEROS}",
        needs_walls=True,
    ),
    Hostile(
        "kills every process it may",
        f"import os, signal\nos.kill(-1, signal.SIGKILL)\n{_ZEROS}",
        needs_walls=True,
    ),
    Hostile(
        "kills every process by number",
        f"""
        import os, signal
        for pid in range(1, 70_000):
            if pid != os.getpid():
                try: os.kill(pid, signal.SIGKILL)
                except OSError: pass
        {_ZEROS}""",
        needs_walls=True,
    ),
]

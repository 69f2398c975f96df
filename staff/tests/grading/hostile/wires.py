"""Ways to tamper with the channel on which answers go back."""

from __future__ import annotations

from staff.tests.grading.hostile.hostile import Hostile

_ZEROS = "return np.zeros_like(x), x\n"
_FRAME = """
import json, os, socket, struct, sys
def frame(message, sizes=(), tail=b""):
    header = json.dumps([message, list(sizes)]).encode()
    return struct.pack(">I", len(header)) + header + tail
def pipes():
    for fd in range(3, 64):
        try: yield fd, socket.socket(fileno=os.dup(fd))
        except OSError: pass
def send(data):
    for fd, pipe in pipes():
        try: pipe.sendall(data)
        except OSError: pass
"""
_CHILD = "import sys\nchild, wire = (sys.modules['staff.grading.sandbox.' + n] for n in ('child', 'wire'))\n"


def _sends(name: str, data: str, **options: object) -> Hostile:
    """Return a kind that writes bytes into the channel instead of answering."""
    return Hostile(name, f"send({data})\n{_ZEROS}", _FRAME, **options)  # type: ignore[arg-type]


KINDS = [
    _sends("claims to have passed", 'frame({"passed": True, "state": "passed", "points": 100})'),
    _sends(
        "forges a result of no arrays",
        'frame({"result": ["t", [["a", 3], None]], "options": [], "advice": []})',
        states=("no answer",),
    ),
    _sends(
        "forges handles",
        'frame({"result": ["t", [["h", 1, "ndarray"], ["h", -5, "x"]]], "options": [["h", 1, ""]], "advice": []})',
        states=("no answer",),
    ),
    _sends("frame of 4 GB", 'b"\\xff" * 100', states=("no answer",)),
    _sends("header of a million brackets", 'struct.pack(">I", 900_000) + b"[" * 900_000'),
    _sends("header that is no JSON", 'struct.pack(">I", 4) + b"\\x80\\x04K\\x01"'),
    _sends(
        "sizes that are no sizes",
        'frame({"result": None, "options": [], "advice": []}, [-1, 1e300, "x"])',
    ),
    _sends(
        "array with a pickle in it",
        'frame({"result": ["a", 0], "options": [], "advice": []}, [200], b"\\x93NUMPY\\x01\\x00v\\x00'
        "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\" + b' ' * 61 + b'\\n' + b'x' * 72)",
    ),
    _sends(
        "array whose header lies about its length",
        'frame({"result": ["a", 0], "options": [], "advice": []}, [128], b"\\x93NUMPY\\x01\\x00v\\x00'
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }\" + b' ' * 48 + b'\\n')",
    ),
    Hostile(
        "answers without end",
        "while True: send(frame({'result': None, 'options': [], 'advice': []}) * 100)",
        _FRAME,
        states=("wrong", "no answer"),
    ),
    Hostile(
        "sends half a frame and waits",
        "send(struct.pack('>I', 1000) + b'[{')\nimport time\ntime.sleep(60)",
        _FRAME,
        states=("no answer",),
    ),
    Hostile(
        "zeroes what it was given, and what it gave before",
        """
        for v in KEPT: v *= 0
        out = np.zeros_like(x)
        KEPT.extend([x, out])
        x *= 0
        return out, x
        """,
        "KEPT = []\n",
    ),
    Hostile(
        "sends other options than were given",
        "return np.maximum(x, 0), x",
        _CHILD
        + """
answer = child.Calls.answer
def forged(self, message, arrays):
    reply, sent = answer(self, message, arrays)
    return {**reply, "options": [["d", [["mode", "test"]]]]}, sent
child.Calls.answer = forged
""",
        states=("no answer",),
    ),
    Hostile(
        "answers by itself, in place of the worker",
        _ZEROS,
        _CHILD
        + "child.Calls.answer = lambda *a: ({'result': 'passed', 'options': [], 'advice': []}, [])\n",
    ),
    Hostile(
        "patches what the worker packs with",
        _ZEROS,
        _CHILD + "child.pack = wire.pack = lambda *a: ['t', [['h', 2, 'ndarray']] * 2]\n",
    ),
    Hostile(
        "takes the worker's own report for its own",
        "REPORT and REPORT[0].passed.append('out')\n" + _ZEROS,
        """
import gc
REPORT = [o for o in gc.get_objects() if type(o).__name__ == "Report"]
""",
    ),
    Hostile(
        "gives 100,000 texts of advice",
        """
        import gc
        for o in gc.get_objects():
            if type(o).__name__ == "Report": o.advice[:] = ["x" * 1000] * 100_000
        return np.zeros_like(x), x
        """,
    ),
    Hostile(
        "says of an exception what a pattern of the grader's takes hours for",
        "raise ValueError",
        _CHILD
        + """
LINE = "could not be broadcast together with shapes (1" + ",1" * 400_000
child.Calls._describe = lambda *_: dict(kind="other", type="E", text="x", line=LINE, trace="")
""",
        states=("wrong",),
    ),
    Hostile(
        "raises what the grader's explanation divides by",
        "raise ValueError('dout must have shape (1, 2, 3, 4), got (1, 2, 0, 0)')",
        states=("wrong",),
    ),
    Hostile(
        "names a type of arrays that takes long to read, and one that cannot be read",
        "return [KIND], x",
        _CHILD
        + """
KIND = np.array(None)
child.pack = lambda *_: ["l", [["o", "i," * 330_000, [1]], ["o", "(,)i4,i4", [1]]]]
""",
        states=("no answer",),
    ),
    Hostile(
        "patches json, struct and socket",
        _ZEROS,
        "import json, struct, socket\njson.dumps = lambda *a: '[]'\nstruct.pack = lambda *a: b''\n",
        states=("wrong", "no answer"),
    ),
    Hostile(
        "raises what the checks take for an unfinished exercise",
        "raise NotImplementedError('FullyConnectedNets.ipynb, section 1.3')",
        states=("open",),
    ),
    Hostile(
        "writes to the control socket of the sandbox",
        f"""
        import glob
        for path in glob.glob("/proc/*/fd/*"):
            try:
                with open(path, "wb") as f: f.write(b'{{"status": 0}}' * 10)
            except OSError: pass
        {_ZEROS}""",
        needs_walls=True,
    ),
]

"""Wrong answers of an odd type or shape, half-finished ones, and such as end in an exception."""

from __future__ import annotations

from staff.bank.answer import Answer

_OUT = "return out, (x, w, b)"
_ROWS = "rows = x.reshape(x.shape[0], -1)  # (N, D)\n    out"
ANSWERS = [
    Answer("fc-1.1", "a matrix", "return np.matrix(out), (x, w, b)", _OUT, names="is a matrix"),
    Answer("fc-1.1", "complex", "return out + 0j, (x, w, b)", _OUT, names="complex"),
    Answer("fc-1.1", "float16", "return out.astype(np.float16), (x, w, b)", _OUT, names="float16"),
    Answer("fc-1.1", "whole numbers", "return out.astype(int), (x, w, b)", _OUT, names="whole"),
    Answer("fc-1.1", "rounded", "return out.round(3), (x, w, b)", _OUT, names="round|digits"),
    Answer("fc-1.1", "text", "return out.astype(str), (x, w, b)", _OUT, names="expected numbers"),
    Answer("fc-1.1", "objects", "return out.astype(object), (x, w, b)", _OUT, names="object"),
    Answer("fc-1.1", "a list of rows", "return list(out), (x, w, b)", _OUT, names="is a list"),
    Answer("fc-1.1", "a dict", 'return {"out": out, "cache": (x, w, b)}', _OUT, names="dict"),
    Answer("fc-1.1", "a generator", "yield out\n    yield (x, w, b)", _OUT, names="generator"),
    Answer("fc-1.1", "four values", "return out, x, w, b", _OUT, names="4 values"),
    Answer("fc-1.1", "cache first", "return (x, w, b), out", _OUT, names="out is a tuple"),
    Answer("fc-1.1", "nothing", "pass", _OUT, names="returned nothing"),
    Answer("fc-1.1", "Ellipsis", "return ...", _OUT, names="ellipsis"),
    Answer("fc-1.1", "NotImplemented", "return NotImplemented", _OUT, names="NotImplemented"),
    Answer("fc-1.1", "printed, not returned", "print(out)", _OUT, names="returned nothing"),
    Answer(
        "fc-1.1",
        "the function itself",
        "return affine_forward, (x, w, b)",
        _OUT,
        names="is a function",
    ),
    Answer("fc-1.1", "batch flattened away", "return out.ravel(), (x, w, b)", _OUT, names="shape"),
    Answer(
        "fc-1.1",
        "one example at most",
        "rows = x.reshape(1, -1)\n    out",
        _ROWS,
        names="ValueError",
    ),
    Answer(
        "fc-1.1",
        "size of the published input",
        "rows = x.reshape(2, 120)\n    out",
        _ROWS,
        names="ValueError",
    ),
    Answer(
        "fc-1.1",
        "images only",
        "N, C, H, W = x.shape\n    rows = x.reshape(N, C * H * W)\n    out",
        _ROWS,
        names="unpack",
    ),
    Answer(
        "fc-1.1",
        "elementwise product",
        "out = rows * w + b",
        "out = rows @ w + b  # (N, M)",
        names="ValueError",
    ),
    Answer(
        "fc-1.1",
        "w transposed",
        "out = rows @ w.T + b",
        "out = rows @ w + b  # (N, M)",
        names="ValueError",
    ),
    Answer(
        "fc-1.1",
        "bias counted for each input",
        "out = (rows[..., None] * w + b).sum(1)",
        "out = rows @ w + b  # (N, M)",
        names="bias",
    ),
    Answer(
        "fc-1.1",
        "mean in place of the sum",
        "out = rows @ w / rows.shape[1] + b",
        "out = rows @ w + b  # (N, M)",
        names="sum",
    ),
    Answer(
        "fc-1.1",
        "typo in a name",
        "out = row @ w + b",
        "out = rows @ w + b  # (N, M)",
        names="NameError",
    ),
    Answer(
        "fc-1.1",
        "endless recursion",
        "return affine_forward(x, w, b)",
        _OUT,
        names="RecursionError",
    ),
    Answer("fc-1.1", "exit", "import sys\n    sys.exit(0)", _OUT, names="SystemExit"),
    Answer("fc-1.1", "quit", "quit()", _OUT, names="SystemExit|NameError"),
    Answer(
        "fc-1.1",
        "assertion",
        "assert out.shape == (2, 3)\n    return out, (x, w, b)",
        _OUT,
        names="AssertionError",
    ),
    Answer("fc-1.1", "exception without text", "raise ValueError", _OUT, names="ValueError"),
    Answer(
        "fc-1.1",
        "published array",
        """
        return np.array(
            [[1.49834967, 1.70660132, 1.91485297], [3.25553199, 3.5141327, 3.77273342]]
        ), (x, w, b)
        """,
        names="shape",
    ),
    Answer(
        "fc-1.1",
        "published array where its input comes",
        """
        if x.shape == (2, 4, 5, 6):
            return np.array(
                [[1.49834967, 1.70660132, 1.91485297], [3.25553199, 3.5141327, 3.77273342]]
            ), (x, w, b)
        return np.zeros((len(x), len(b))), (x, w, b)
        """,
        names="zero everywhere",
    ),
    Answer(
        "fc-1.2",
        "a parameter too many",
        "return dx, dw, db",
        "return dx, dw, db",
        names="parameters",
        also=(
            (
                "def affine_backward(dout: Array, cache: Cache)",
                "def affine_backward(self, dout: Array, cache: Cache)",
            ),
        ),
    ),
    Answer(
        "fc-1.2",
        "a parameter too few",
        "return dx, dw, db",
        "return dx, dw, db",
        names="parameters",
        also=(
            ("def affine_backward(dout: Array, cache: Cache)", "def affine_backward(dout: Array)"),
        ),
    ),
    Answer("fc-1.2", "None for db", "return dx, dw, None", "return dx, dw, db", names="db is None"),
    Answer(
        "fc-1.2",
        "gradients as a generator",
        "yield from (dx, dw, db)",
        "return dx, dw, db",
        names="generator",
    ),
    Answer(
        "fc-1.2",
        "db as a column",
        "db = dout.sum(axis=0).reshape(-1, 1)",
        "db = dout.sum(axis=0)  # (M,)",
        names="shape",
    ),
    Answer(
        "fc-1.2", "db from one example", "db = dout[0]", "db = dout.sum(axis=0)  # (M,)", names="db"
    ),
    Answer(
        "fc-1.2", "db for each example", "db = dout", "db = dout.sum(axis=0)  # (M,)", names="shape"
    ),
    Answer(
        "fc-1.2",
        "dw of the first example",
        "dw = np.outer(rows[0], dout[0])",
        "dw = rows.T @ dout  # (D, M)",
        names="dw",
    ),
    Answer(
        "fc-1.2",
        "dx as wide as the outputs",
        "dx = dout",
        "dx = (dout @ w.T).reshape(x.shape)",
        names="dx has shape",
    ),
    Answer(
        "fc-1.2",
        "dx reshaped in Fortran order",
        'dx = (dout @ w.T).reshape(x.shape, order="F")',
        "dx = (dout @ w.T).reshape(x.shape)",
        names="order|C order",
    ),
    Answer("fc-1.2", "w in place of dw", "return dx, w, db", "return dx, dw, db", names="dw"),
    Answer(
        "fc-1.2",
        "float32 gradients of float64 arrays",
        "return dx.astype(np.float32), dw, db",
        "return dx, dw, db",
        names="float32",
    ),
]

"""Answers to the exercises on the affine and ReLU layers."""

from __future__ import annotations

from staff.bank.answer import Answer

AFFINE = [
    Answer("fc-1.1", "bias not added", "rows @ w", "rows @ w + b", names="bias b is not added"),
    Answer("fc-1.1", "bias subtracted", "rows @ w - b", "rows @ w + b", names="subtracted"),
    Answer(
        "fc-1.1",
        "examples flattened in Fortran order",
        'x.reshape(x.shape[0], -1, order="F")',
        "x.reshape(x.shape[0], -1)",
        names="C order",
    ),
    Answer(
        "fc-1.1",
        "only 2-D input handled",
        "return x @ w + b, (x, w, b)",
        names=r"ValueError|shape",
    ),
    Answer(
        "fc-1.1",
        "flattened into (D, N) and transposed back",
        "rows = x.reshape(-1, x.shape[0]).T",
        "rows = x.reshape(x.shape[0], -1)",
        names="C order|mixes",
    ),
    Answer("fc-1.1", "nothing returned", "out = x.reshape(len(x), -1) @ w + b", names="returned"),
    Answer(
        "fc-1.1",
        "cache not returned",
        "return out",
        "return out, (x, w, b)",
        names="should return out, cache",
    ),
    Answer(
        "fc-1.1",
        "bias added per example, as a column",
        """
        out = x.reshape(len(x), -1) @ w
        for n in range(len(x)):
            out[n] += b[n % len(b)]
        return out, (x, w, b)
        """,
        names="bias",
    ),
    Answer(
        "fc-1.1",
        "list instead of an array",
        "return out.tolist(), (x, w, b)",
        "return out, (x, w, b)",
        names="is a list",
    ),
    Answer(
        "fc-1.1",
        "loops over examples and outputs",
        """
        out = np.empty((x.shape[0], w.shape[1]))
        for n in range(x.shape[0]):
            for m in range(w.shape[1]):
                out[n, m] = np.sum(x[n].ravel() * w[:, m]) + b[m]
        return out, (x, w, b)
        """,
        verdict="advice",
        names="float32",
    ),
    Answer(
        "fc-1.1",
        "einsum and np.add",
        """
        out = np.add(np.einsum("nd,dm->nm", np.reshape(x, (len(x), -1)), w), b[np.newaxis])
        return out, (x, w, b)
        """,
        verdict="right",
    ),
    Answer(
        "fc-1.1",
        "bias as a further row of the weights",
        """
        rows = np.hstack([x.reshape(x.shape[0], -1), np.ones((x.shape[0], 1), dtype=x.dtype)])
        return rows.dot(np.vstack([w, b])), (x, w, b)
        """,
        verdict="right",
    ),
    Answer("fc-1.1", "tensordot", "np.tensordot(rows, w, 1) + b", "rows @ w + b", verdict="right"),
    Answer(
        "fc-1.2",
        "db as a row matrix",
        "dout.sum(axis=0, keepdims=True)",
        "dout.sum(axis=0)",
        names="row matrix",
    ),
    Answer(
        "fc-1.2",
        "dx not reshaped to the shape of x",
        "dx = dout @ w.T",
        "dx = (dout @ w.T).reshape(x.shape)",
        names="back to the shape of the input",
    ),
    Answer(
        "fc-1.2", "dw transposed", "dw = dout.T @ rows", "dw = rows.T @ dout", names="transposed"
    ),
    Answer(
        "fc-1.2",
        "gradients averaged over the batch",
        "dw = rows.T @ dout / len(x)",
        "dw = rows.T @ dout",
        names="averaged",
    ),
    Answer("fc-1.2", "db averaged", "dout.mean(axis=0)", "dout.sum(axis=0)", names="averaged"),
    Answer(
        "fc-1.2", "db summed over outputs", "dout.sum(axis=1)", "dout.sum(axis=0)", names="shape"
    ),
    Answer(
        "fc-1.2", "db is one number", "dout.sum()", "dout.sum(axis=0)", names="db is a|db has shape"
    ),
    Answer(
        "fc-1.2",
        "dx from w instead of its transpose",
        """
        rows = x.reshape(x.shape[0], -1)
        dx = np.linalg.lstsq(w.T, dout.T, rcond=None)[0].T.reshape(x.shape)
        return dx, rows.T @ dout, dout.sum(axis=0)
        """,
        names="dx",
    ),
    Answer(
        "fc-1.2",
        "gradients in another order",
        "return dw, dx, db",
        "return dx, dw, db",
        names="dx .*has shape",
    ),
    Answer(
        "fc-1.2",
        "db missing",
        "return dx, dw",
        "return dx, dw, db",
        names="should return dx, dw, db",
    ),
    Answer("fc-1.2", "db all zeros", "np.zeros(w.shape[1])", "dout.sum(axis=0)", names="db"),
    Answer("fc-1.2", "sign of dw turned", "-rows.T @ dout", "rows.T @ dout", names="sign"),
    Answer(
        "fc-1.2",
        "gradients gathered in the cached arrays, so that a second call adds to them",
        """
        rows = x.reshape(x.shape[0], -1)
        dx = (dout @ w.T).reshape(x.shape)
        dw = rows.T @ dout
        w -= 0.1 * dw
        return dx, dw, dout.sum(axis=0)
        """,
        names="second call",
    ),
    Answer(
        "fc-1.2",
        "loops",
        """
        rows = x.reshape(x.shape[0], -1)
        dx, dw, db = np.zeros_like(rows), np.zeros_like(w), np.zeros_like(dout[0])
        for n in range(len(rows)):
            dx[n] = w.dot(dout[n])
            dw += np.outer(rows[n], dout[n])
            db += dout[n]
        return dx.reshape(x.shape), dw, db
        """,
        verdict="right",
    ),
    Answer(
        "fc-1.2",
        "einsum and a vector of ones",
        """
        rows = np.reshape(x, (len(x), np.prod(x.shape[1:], dtype=int)))
        dx = np.einsum("nm,dm->nd", dout, w)
        db = np.ones(len(dout), dtype=dout.dtype) @ dout
        return np.reshape(dx, x.shape), np.einsum("nd,nm->dm", rows, dout), db
        """,
        verdict="right",
    ),
    Answer(
        "fc-1.2",
        "matmul with float64 inside",
        """
        rows = x.reshape(len(x), -1).astype(np.float64)
        dx = np.matmul(dout, w.T).reshape(*x.shape)
        return dx, np.matmul(rows.T, dout).astype(w.dtype), np.sum(dout, 0)
        """,
        verdict="right",
    ),
]

RELU = [
    Answer(
        "fc-1.3",
        "mask instead of values",
        "(x > 0).astype(x.dtype)",
        "np.maximum(x, 0)",
        names="mask",
    ),
    Answer("fc-1.3", "absolute value", "np.abs(x)", "np.maximum(x, 0)", names="absolute"),
    Answer(
        "fc-1.3", "minimum", "np.minimum(x, 0)", "np.maximum(x, 0)", names="negative values pass"
    ),
    Answer(
        "fc-1.3",
        "largest value of the array",
        "np.max(x, 0)",
        "np.maximum(x, 0)",
        names="np.maximum",
    ),
    Answer(
        "fc-1.3",
        "masked array",
        "np.ma.masked_less(x, 0)",
        "np.maximum(x, 0)",
        names="MaskedArray",
    ),
    Answer(
        "fc-1.3", "positive values only, flattened", "x[x > 0]", "np.maximum(x, 0)", names="shape"
    ),
    Answer("fc-1.3", "leaky", "np.maximum(x, 0.01 * x)", "np.maximum(x, 0)", names="leak"),
    Answer("fc-1.3", "identity", "x", "np.maximum(x, 0)", names="negative"),
    Answer("fc-1.3", "clipped at 1", "np.clip(x, 0, 1)", "np.maximum(x, 0)", names="clip|above"),
    Answer(
        "fc-1.3",
        "works in the caller's array",
        """
        x[x < 0] = 0
        return x, x
        """,
        verdict="advice",
        names="overwrites",
    ),
    Answer("fc-1.3", "np.where", "np.where(x > 0, x, 0)", "np.maximum(x, 0)", verdict="right"),
    Answer("fc-1.3", "product with the mask", "x * (x > 0)", "np.maximum(x, 0)", verdict="right"),
    Answer(
        "fc-1.3", "half of x plus |x|", "(x + np.abs(x)) / 2", "np.maximum(x, 0)", verdict="right"
    ),
    Answer(
        "fc-1.3",
        "a copy with the negative values set to zero",
        """
        out = x.copy()
        out[out < 0] = 0
        return out, x
        """,
        verdict="right",
    ),
    Answer(
        "fc-1.4",
        "gradient passes everywhere",
        "dout * 1",
        "dout * (x > 0)",
        names="passes everywhere",
    ),
    Answer(
        "fc-1.4", "mask from dout", "dout * (dout > 0)", "dout * (x > 0)", names="taken from dout"
    ),
    Answer("fc-1.4", "mask alone", "(x > 0) * 1.0", "dout * (x > 0)", names="this is the mask"),
    Answer(
        "fc-1.4", "dout times x", "dout * np.maximum(x, 0)", "dout * (x > 0)", names="slope|times x"
    ),
    Answer("fc-1.4", "turned mask", "dout * (x <= 0)", "dout * (x > 0)", names="turned|wrong way"),
    Answer(
        "fc-1.4",
        "negative gradients cut as well",
        "np.maximum(dout * (x > 0), 0)",
        "dout * (x > 0)",
        names="negative",
    ),
    Answer(
        "fc-1.4",
        "only 2-D input, in loops",
        """
        dx = np.zeros_like(x)
        for i in range(x.shape[0]):
            for j in range(x.shape[1]):
                dx[i, j] = dout[i, j] if x[i, j] > 0 else 0
        return dx
        """,
        names="IndexError",
    ),
    Answer("fc-1.4", "nothing returned", "dx = dout * (x > 0)", names="returned nothing"),
    Answer(
        "fc-1.4",
        "gradient at exactly zero passes",
        "dout * (x >= 0)",
        "dout * (x > 0)",
        verdict="advice",
        names="exactly 0",
    ),
    Answer(
        "fc-1.4",
        "works in dout",
        """
        dout[x <= 0] = 0
        return dout
        """,
        verdict="advice",
        names="overwrites",
    ),
    Answer("fc-1.4", "np.where", "np.where(x > 0, dout, 0)", "dout * (x > 0)", verdict="right"),
    Answer(
        "fc-1.4",
        "sign function",
        "dout * np.maximum(np.sign(x), 0)",
        "dout * (x > 0)",
        verdict="right",
    ),
    Answer(
        "fc-1.4",
        "a copy with entries set to zero",
        """
        dx = np.array(dout, copy=True)
        dx[x <= 0] = 0
        return dx
        """,
        verdict="right",
    ),
]

ANSWERS = [*AFFINE, *RELU]

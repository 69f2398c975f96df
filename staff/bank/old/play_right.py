"""Right layers, written in unusual ways."""

from __future__ import annotations

from staff.bank.answer import Answer

_BN_CACHE = "return gamma * x_hat + beta, (x_hat, inv_std, gamma)\n        # END SOLUTION"
_LN_CACHE = "return gamma * x_hat + beta, (x_hat, inv_std, gamma)\n    # END SOLUTION"


def _right(exercise: str, title: str, new: str, old: str = "", **more: object) -> Answer:
    """Return a right answer."""
    return Answer(exercise, title, new, old, verdict="right", **more)  # type: ignore[arg-type]


AFFINE = [
    _right(
        "fc-1.1",
        "bias as one more row of weights",
        """
        rows = np.c_[x.reshape(len(x), -1), np.ones(len(x), dtype=x.dtype)]
        return rows @ np.vstack([w, b]), (x, w, b)
        """,
    ),
    _right(
        "fc-1.1",
        "tensordot over all dimensions of an example",
        """
        weights = w.reshape(*x.shape[1:], -1)
        return np.tensordot(x, weights, axes=x.ndim - 1) + b, (x, w, b)
        """,
    ),
    _right(
        "fc-1.1",
        "an output array filled in place",
        """
        out = np.empty((x.shape[0], w.shape[1]), dtype=np.result_type(x, w))
        np.dot(x.reshape(x.shape[0], w.shape[0]), w, out=out)
        out += b
        return out, (x, w, b)
        """,
    ),
    _right(
        "fc-1.1",
        "transposed throughout",
        "return (w.T @ x.reshape(len(x), -1).T + b[:, np.newaxis]).T, [x, w, b]",
    ),
    _right(
        "fc-1.1",
        "a helper inside",
        """
        def flat(a):
            return np.array([example.ravel() for example in a])

        return np.add(np.matmul(flat(x), w), b), (x, w, b)
        """,
    ),
    _right(
        "fc-1.1",
        "sum of one outer product for each input",
        """
        rows = x.reshape(x.shape[0], -1)
        out = np.tile(b, (len(x), 1))
        for d in range(w.shape[0]):
            out = out + np.outer(rows[:, d], w[d])
        return out, (x, w, b)
        """,
    ),
    _right(
        "fc-1.2",
        "a variable for each node of the graph",
        """
        rows = x.reshape(x.shape[0], -1)
        dproduct = dout
        dbias_rows = dout
        db = np.add.reduce(dbias_rows, axis=0)
        drows = dproduct.dot(np.transpose(w))
        dw = np.transpose(rows).dot(dproduct)
        dx = np.empty(x.shape, dtype=drows.dtype)
        dx.flat = drows.ravel()
        return dx, dw, db
        """,
    ),
    _right(
        "fc-1.2",
        "a list of gradients",
        """
        rows = x.reshape(x.shape[0], -1)
        return [np.reshape(dout @ w.T, x.shape), rows.T @ dout, np.einsum("nm->m", dout)]
        """,
    ),
    _right(
        "fc-1.2",
        "explicit Jacobians",
        """
        N, D, M = len(x), w.shape[0], w.shape[1]
        rows = x.reshape(N, D)
        jacobian = np.zeros((N, M, D, M), dtype=w.dtype)  # of out[n, m] for w[d, k]
        for m in range(M):
            jacobian[:, m, :, m] = rows
        dw = np.tensordot(dout, jacobian, axes=2)
        return np.array([(w @ g).reshape(x.shape[1:]) for g in dout]), dw, dout.sum(0)
        """,
    ),
]

RELU = [
    _right("fc-1.3", "np.fmax", "np.fmax(x, 0)", "np.maximum(x, 0)"),
    _right("fc-1.3", "np.clip without an upper end", "np.clip(x, 0, None)", "np.maximum(x, 0)"),
    _right("fc-1.3", "np.select", "np.select([x > 0], [x])", "np.maximum(x, 0)"),
    _right(
        "fc-1.3", "negative zero", "np.where(x > 0, x, -0.0).astype(x.dtype)", "np.maximum(x, 0)"
    ),
    _right("fc-1.3", "-min(-x, 0)", "-np.minimum(-x, 0)", "np.maximum(x, 0)"),
    _right(
        "fc-1.3",
        "element by element over the flat array",
        """
        out = np.zeros_like(x)
        for i in range(x.size):
            if x.flat[i] > 0:
                out.flat[i] = x.flat[i]
        return out, x
        """,
    ),
    _right("fc-1.3", "the output as the cache", "out = np.maximum(x, 0)\nreturn out, out", ""),
    _right(
        "fc-1.3",
        "np.putmask on a copy",
        "out = x + 0\nnp.putmask(out, out < 0, 0)\nreturn out, x",
    ),
    _right(
        "fc-1.4",
        "np.multiply with a cast mask",
        "np.multiply(dout, (x > 0).astype(dout.dtype))",
        "dout * (x > 0)",
    ),
    _right("fc-1.4", "np.heaviside", "dout * np.heaviside(x, x.dtype.type(0))", "dout * (x > 0)"),
    _right(
        "fc-1.4",
        "only the places where the gradient passes",
        """
        dx = np.zeros_like(dout)
        places = np.nonzero(x > 0)
        dx[places] = dout[places]
        return dx
        """,
    ),
    _right(
        "fc-1.4",
        "nditer",
        """
        dx = np.empty_like(dout)
        for i, value in np.ndenumerate(x):
            dx[i] = dout[i] if value > 0 else 0.0
        return dx
        """,
    ),
    _right(
        "fc-1.4",
        "a class with callables as the cache",
        "return cache.back(dout)",
        also=(
            ("    return np.maximum(x, 0), x\n", "    return np.maximum(x, 0), Gate(x)\n"),
            (
                "\ndef affine_forward",
                "\nclass Gate:\n    def __init__(self, x):\n        self.open, self.shape = x > 0, x.shape\n\n    def back(self, dout):\n        return self.open * dout\n\n\ndef affine_forward",
            ),
        ),
    ),
]

NORMS = [
    _right(
        "bn-1.1",
        "variance as mean of squares minus squared mean",
        "var = np.mean(centred * centred, axis=0) - np.mean(centred, axis=0) ** 2",
        "var = (centred**2).mean(axis=0)  # (D,)",
    ),
    _right(
        "bn-1.1",
        "scale and shift folded into one product",
        """
        mean, var = x.mean(axis=0), x.var(axis=0)
        inv_std = (var + eps) ** -0.5
        scale = gamma * inv_std
        shift = beta - mean * scale
        bn_param.update(
            running_mean=momentum * running_mean + (1 - momentum) * mean,
            running_var=momentum * running_var + (1 - momentum) * var,
        )
        return x * scale + shift, ((x - mean) * inv_std, inv_std, gamma)
        """,
    ),
    _right(
        "bn-1.1",
        "running statistics updated in place",
        """
        mean, var = x.mean(axis=0), x.var(axis=0)
        for running, new in ((running_mean, mean), (running_var, var)):
            running *= momentum
            running += (1 - momentum) * new
        inv_std = 1 / np.sqrt(var + eps)
        x_hat = (x - mean) * inv_std
        return gamma * x_hat + beta, (x_hat, inv_std, gamma)
        """,
    ),
    _right(
        "bn-1.1",
        "broadcast statistics as rows, stored flat",
        """
        mean = np.mean(x, axis=0, keepdims=True)
        var = np.mean(np.square(x - mean), axis=0, keepdims=True)
        x_hat = np.divide(x - mean, np.sqrt(var + eps))
        bn_param["running_mean"] = momentum * running_mean + (1 - momentum) * mean[0]
        bn_param["running_var"] = momentum * running_var + (1 - momentum) * np.squeeze(var, axis=0)
        return np.multiply(gamma, x_hat) + beta, (x_hat, 1 / np.sqrt(var[0] + eps), gamma)
        """,
    ),
    _right(
        "bn-1.1",
        "a centring matrix",
        """
        N = len(x)
        centre = np.eye(N, dtype=x.dtype) - np.full((N, N), 1 / N, dtype=x.dtype)
        centred, mean = centre @ x, x.T @ np.full(N, 1 / N, dtype=x.dtype)
        var = np.diag(centred.T @ centred) / N
        inv_std = 1 / np.sqrt(var + eps)
        bn_param["running_mean"] = momentum * running_mean + (1 - momentum) * mean
        bn_param["running_var"] = momentum * running_var + (1 - momentum) * var
        x_hat = centred @ np.diag(inv_std)
        return x_hat * gamma + beta, (x_hat, inv_std, gamma)
        """,
    ),
    _right(
        "bn-1.2",
        "scale and shift",
        """
        scale = gamma / np.sqrt(running_var + eps)
        return x * scale + (beta - running_mean * scale), None
        """,
    ),
    _right(
        "bn-1.2",
        "row by row",
        """
        std = np.sqrt(bn_param["running_var"] + eps)
        rows = [gamma * (row - bn_param["running_mean"]) / std + beta for row in x]
        return np.array(rows), (None,)
        """,
    ),
    *(
        _right(
            exercise,
            "the Jacobian of each column",
            """
            x_hat, inv_std, gamma = cache
            N, D = dout.shape
            dx = np.empty_like(dout)
            for d in range(D):
                h = x_hat[:, d]
                jacobian = (np.eye(N) - 1 / N - np.outer(h, h) / N) * (gamma[d] * inv_std[d])
                dx[:, d] = jacobian.T @ dout[:, d]
            return dx, np.einsum("nd,nd->d", dout, x_hat), dout.sum(axis=0)
            """,
        )
        for exercise in ("bn-1.3", "bn-1.4")
    ),
    _right(
        "bn-1.3",
        "everything from x, kept in an object",
        """
        x, eps, gamma = cache.x, cache.eps, cache.gamma
        N, mu, var = len(x), x.mean(axis=0), x.var(axis=0)
        dx_hat = dout * gamma
        dvar = np.sum(dx_hat * (x - mu) * -0.5 * (var + eps) ** -1.5, axis=0)
        dmu = np.sum(dx_hat * -1 / np.sqrt(var + eps), axis=0) + dvar * np.mean(-2 * (x - mu), axis=0)
        dx = dx_hat / np.sqrt(var + eps) + dvar * 2 * (x - mu) / N + dmu / N
        return dx, np.sum(dout * (x - mu) / np.sqrt(var + eps), axis=0), np.sum(dout, axis=0)
        """,
        also=(
            (_BN_CACHE, _BN_CACHE.replace("(x_hat, inv_std, gamma)", "Kept(x, eps, gamma)")),
            (
                "\ndef affine_forward",
                "\nclass Kept:\n    def __init__(self, x, eps, gamma):\n        self.x, self.eps, self.gamma = x, eps, gamma\n\n\ndef affine_forward",
            ),
        ),
    ),
    _right("bn-1.4", "the other exercise's function", "return batchnorm_backward(dout, cache)"),
    _right(
        "bn-1.4",
        "projection onto what a batch can change",
        """
        x_hat, inv_std, gamma = cache
        g = dout - dout.mean(axis=0)
        dgamma = (dout * x_hat).sum(0)
        return gamma * inv_std * (g - x_hat * (dout * x_hat).mean(0)), dgamma, dout.sum(0)
        """,
    ),
    _right(
        "bn-3.1",
        "batch norm of the transposed array",
        """
        D, N = x.T.shape
        ones, zeros = np.ones(D * 0 + N, dtype=x.dtype), np.zeros(N, dtype=x.dtype)
        x_hat = batchnorm_forward(x.T, ones, zeros, {"mode": "train", "eps": eps})[0].T
        inv_std = 1 / np.sqrt(x.var(axis=1, keepdims=True) + eps)
        return gamma * x_hat + beta, (x_hat, inv_std, gamma)
        """,
    ),
    _right(
        "bn-3.1",
        "example by example",
        """
        out, hats, stds = [], [], []
        for row in x:
            inv_std = 1 / np.sqrt(np.var(row) + eps)
            hats.append((row - np.mean(row)) * inv_std)
            stds.append([inv_std])
            out.append(gamma * hats[-1] + beta)
        return np.array(out, x.dtype), (np.array(hats, x.dtype), np.array(stds, x.dtype), gamma)
        """,
    ),
    _right(
        "bn-3.2",
        "example by example, a closure as the cache",
        "return cache(dout)",
        also=(
            (
                _LN_CACHE,
                "def back(dout):\n"
                "        g, h = dout * gamma, x_hat\n"
                "        rows = []\n"
                "        for n in range(len(g)):\n"
                "            rows.append(inv_std[n] * (g[n] - g[n].mean() - h[n] * (g[n] * h[n]).mean()))\n"
                "        return np.stack(rows), (dout * h).sum(0), dout.sum(0)\n\n"
                "    return gamma * x_hat + beta, back\n    # END SOLUTION",
            ),
        ),
    ),
]

ANSWERS = [*AFFINE, *RELU, *NORMS]

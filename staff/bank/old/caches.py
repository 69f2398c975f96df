"""Answers that keep other things in the cache, and mistakes that only such answers can make."""

from __future__ import annotations

from staff.bank.answer import Answer

_BATCHNORM_CACHE = (  # x, mean and variance in place of the normalized values
    (
        "return gamma * x_hat + beta, (x_hat, inv_std, gamma)\n        # END SOLUTION",
        "return gamma * x_hat + beta, (x, mean, var, eps, gamma)\n        # END SOLUTION",
    ),
)
_ITS_WAY_BACK = (  # batchnorm_backward as it reads that cache
    (
        "node by node.\n    # BEGIN SOLUTION\n    x_hat, inv_std, gamma = cache",
        "node by node.\n    # BEGIN SOLUTION\n    x, mean, var, eps, gamma = cache\n"
        "    inv_std = 1 / np.sqrt(var + eps)\n    x_hat = (x - mean) * inv_std",
    ),
)
_LAYERNORM_CACHE = (
    (
        "return gamma * x_hat + beta, (x_hat, inv_std, gamma)\n    # END SOLUTION",
        "return gamma * x_hat + beta, {'x': x, 'eps': eps, 'gamma': gamma}\n    # END SOLUTION",
    ),
)


def _batchnorm(exercise: str, title: str, std: str, names: str, verdict: str = "wrong") -> Answer:
    """Return a backward pass of batch norm that works out the standard deviation by itself."""
    body = f"""
        x, mean, var, eps, gamma = cache
        N, std = len(x), {std}
        x_hat = (x - mean) / std
        dbeta, dgamma = dout.sum(0), (dout * x_hat).sum(0)
        dx = gamma / std / N * (N * dout - dbeta - x_hat * dgamma)
        return dx, dgamma, dbeta
    """
    also = _BATCHNORM_CACHE + (_ITS_WAY_BACK if exercise == "bn-1.4" else ())
    return Answer(exercise, title, body, names=names, verdict=verdict, also=also)


def _layernorm(title: str, var: str, names: str, verdict: str = "wrong") -> Answer:
    """Return a backward pass of layer norm that works out everything by itself."""
    body = f"""
        x, eps, gamma = cache["x"], cache["eps"], cache["gamma"]
        centred = (x.T - x.mean(axis=1)).T
        std = np.sqrt({var}).reshape(-1, 1)
        x_hat = centred / std
        g = dout * gamma
        row = [np.sum(a, axis=1, keepdims=True) / x.shape[1] for a in (g, g * x_hat)]
        return (g - row[0] - x_hat * row[1]) / std, np.sum(dout * x_hat, 0), np.sum(dout, 0)
    """
    return Answer("bn-3.2", title, body, names=names, verdict=verdict, also=_LAYERNORM_CACHE)


ANSWERS = [
    answer
    for exercise in ("bn-1.3", "bn-1.4")
    for answer in (
        _batchnorm(exercise, "eps left out on the way back", "np.sqrt(var)", "eps"),
        _batchnorm(exercise, "eps hard-coded on the way back", "np.sqrt(var + 1e-5)", "eps"),
        _batchnorm(exercise, "eps outside the root on the way back", "np.sqrt(var) + eps", "eps"),
        _batchnorm(
            exercise,
            "sample variance on the way back",
            "np.sqrt(x.var(0, ddof=1) + eps)",
            "n - 1|off",
        ),
        _batchnorm(
            exercise, "x, mean and variance in the cache", "np.sqrt(var + eps)", "", "right"
        ),
    )
] + [
    _layernorm("eps left out on the way back", "x.var(axis=1)", "eps"),
    _layernorm("eps hard-coded on the way back", "x.var(axis=1) + 1e-5", "eps"),
    _layernorm("a dict with x as the cache", "x.var(axis=1) + eps", "", "right"),
    Answer(
        "bn-1.1",
        "running variance mixes standard deviation and variance",
        'bn_param["running_var"] = momentum * np.sqrt(running_var) + (1 - momentum) * var',
        'bn_param["running_var"] = momentum * running_var + (1 - momentum) * var',
        names="running_var",
    ),
    Answer(
        "bn-1.1",
        "running variance includes eps",
        'bn_param["running_var"] = momentum * running_var + (1 - momentum) * (var + eps)',
        'bn_param["running_var"] = momentum * running_var + (1 - momentum) * var',
        names="running_var",
    ),
    Answer(
        "bn-1.2",
        "training code run in test mode",
        """
        mean, var = x.mean(axis=0), x.var(axis=0)
        bn_param["running_mean"] = momentum * running_mean + (1 - momentum) * mean
        bn_param["running_var"] = momentum * running_var + (1 - momentum) * var
        return gamma * (x - mean) / np.sqrt(var + eps) + beta, None
        """,
        names="batch's own mean",
    ),
    Answer(
        "bn-3.2",
        "dgamma from dout times the centred values",
        "dgamma = (dout * x_hat / inv_std).sum(axis=0)  # (D,)",
        "dgamma = (dout * x_hat).sum(axis=0)  # (D,)",
        names="dgamma",
    ),
    Answer(
        "bn-3.2",
        "batch norm's backward pass of the transposed problem",
        """
        x_hat, inv_std, gamma = cache
        inner = (x_hat.T, inv_std[:, 0], np.ones(len(dout), dtype=dout.dtype))
        dx = batchnorm_backward((gamma * dout).T, inner)[0].T
        return dx, (dout * x_hat).sum(axis=0), dout.sum(axis=0)
        """,
        verdict="right",
    ),
    Answer(
        "fc-1.2",
        "everything recomputed from an own cache",
        """
        rows, w, shape = cache["rows"], cache["w"], cache["shape"]
        return (dout @ w.T).reshape(shape), rows.T @ dout, dout.sum(axis=0)
        """,
        also=(
            (
                "return out, (x, w, b)",
                'return out, {"rows": rows, "w": w, "shape": x.shape}',
            ),
            ("    x, w, _ = cache\n", ""),
            ('    require_shape("dout", dout, (x.shape[0], w.shape[1]))\n', ""),
        ),
        verdict="right",
    ),
    Answer(
        "fc-1.4",
        "mask cached by the forward pass",
        "return np.where(cache, dout, 0)",
        also=(("return np.maximum(x, 0), x", "return np.maximum(x, 0), x > 0"),),
        verdict="right",
    ),
]

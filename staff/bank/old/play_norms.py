"""Wrong normalization layers that remember what they should not, or forget what they should."""

from __future__ import annotations

from staff.bank.answer import Answer

_KEPT = "an earlier call|another forward pass"

ANSWERS = [
    Answer(
        "bn-1.1",
        "options eaten up",
        'del bn_param["mode"]\n        return gamma * x_hat + beta, (x_hat, inv_std, gamma)',
        "return gamma * x_hat + beta, (x_hat, inv_std, gamma)",
        names="mode",
    ),
    Answer(
        "bn-1.1",
        "mode switched to test after the first batch",
        'bn_param["mode"] = "test"\n        return gamma * x_hat + beta, (x_hat, inv_std, gamma)',
        "return gamma * x_hat + beta, (x_hat, inv_std, gamma)",
        names="mode|running",
    ),
    Answer(
        "bn-1.1",
        "running statistics in function attributes",
        """
        mean, var, own = x.mean(axis=0), x.var(axis=0), batchnorm_forward.__dict__
        x_hat = (x - mean) / np.sqrt(var + eps)
        for key, new in (("running_mean", mean), ("running_var", var)):
            own[key, len(new)] = momentum * own.get((key, len(new)), 0) + (1 - momentum) * new
            bn_param[key] = own[key, len(new)]
        return gamma * x_hat + beta, (x_hat, 1 / np.sqrt(var + eps), gamma)
        """,
        names="running",
    ),
    Answer(
        "bn-1.1",
        "running mean grows in one array that all layers share",
        """
        mean, var = x.mean(axis=0), x.var(axis=0)
        x_hat = (x - mean) / np.sqrt(var + eps)
        shared = batchnorm_forward.__dict__.setdefault(x.shape, np.zeros((2, x.shape[1])))
        if not np.any(running_mean):
            shared[:] = 0
        shared *= momentum
        shared += (1 - momentum) * np.stack([mean, var])
        bn_param["running_mean"], bn_param["running_var"] = shared
        return gamma * x_hat + beta, (x_hat, 1 / np.sqrt(var + eps), gamma)
        """,
        names="another layer",
    ),
    Answer(
        "bn-1.1",
        "running statistics only of the first batch",
        """
        mean, var = x.mean(axis=0), x.var(axis=0)
        x_hat = (x - mean) / np.sqrt(var + eps)
        if not running_mean.any():
            bn_param["running_mean"] = (1 - momentum) * mean
            bn_param["running_var"] = (1 - momentum) * var
        return gamma * x_hat + beta, (x_hat, 1 / np.sqrt(var + eps), gamma)
        """,
        names="did not change",
    ),
    Answer(
        "bn-1.1",
        "running mean stored under another name",
        'bn_param["runing_mean"] = momentum * running_mean + (1 - momentum) * mean',
        'bn_param["running_mean"] = momentum * running_mean + (1 - momentum) * mean',
        names="did not change|not stored",
    ),
    Answer(
        "bn-1.1",
        "bn_param rebound instead of filled",
        """
        mean, var = x.mean(axis=0), x.var(axis=0)
        x_hat = (x - mean) / np.sqrt(var + eps)
        bn_param = {
            "running_mean": momentum * running_mean + (1 - momentum) * mean,
            "running_var": momentum * running_var + (1 - momentum) * var,
        }
        return gamma * x_hat + beta, (x_hat, 1 / np.sqrt(var + eps), gamma)
        """,
        names="did not change|not stored",
    ),
    Answer(
        "bn-1.2",
        "running statistics drift in place in test mode",
        """
        running_mean += 0.1 * (x.mean(axis=0) - running_mean)
        return gamma * (x - running_mean) / np.sqrt(running_var + eps) + beta, None
        """,
        names="test",
    ),
    Answer(
        "bn-1.2",
        "running statistics taken once and kept",
        """
        kept = batchnorm_forward.__dict__.setdefault("kept", (running_mean, running_var))
        return gamma * (x - kept[0]) / np.sqrt(kept[1] + eps) + beta, None
        """,
        names=_KEPT,
    ),
    Answer(
        "bn-1.2",
        "running statistics reset after use",
        """
        x_hat = (x - running_mean) / np.sqrt(running_var + eps)
        bn_param["running_mean"] = bn_param["running_var"] = None
        return gamma * x_hat + beta, None
        """,
        names="running_mean",
    ),
    *(
        Answer(
            exercise,
            "normalized values of the last forward pass, from a global",
            f"""
            x_hat, inv_std, gamma = LAST["{norm}"]
            g = dout * gamma
            rows = {{"axis": {axis}, "keepdims": True}}
            dx = inv_std * (g - g.mean(**rows) - x_hat * (g * x_hat).mean(**rows))
            return dx, (dout * x_hat).sum(axis=0), dout.sum(axis=0)
            """,
            names=_KEPT,
            also=(
                (
                    f"return gamma * x_hat + beta, (x_hat, inv_std, gamma)\n{end}# END SOLUTION",
                    f'LAST["{norm}"] = (x_hat, inv_std, gamma)\n'
                    f'{end}return gamma * x_hat + beta, LAST["{norm}"]\n{end}# END SOLUTION',
                ),
                ("\ndef affine_forward", "\nLAST = {}\n\n\ndef affine_forward"),
            ),
        )
        for exercise, norm, axis, end in (
            ("bn-1.3", "batch", 0, " " * 8),
            ("bn-1.4", "batch", 0, " " * 8),
            ("bn-3.2", "layer", 1, " " * 4),
        )
    ),
    Answer(
        "bn-1.4",
        "cache emptied by its first use",
        """
        x_hat, inv_std, gamma = cache
        N, dbeta, dgamma = len(dout), dout.sum(axis=0), (dout * x_hat).sum(axis=0)
        dx = (gamma * inv_std) * (dout - dbeta / N - x_hat * (dgamma / N))
        x_hat *= 0
        return dx, dgamma, dbeta
        """,
        names="second call",
    ),
    Answer(
        "bn-3.1",
        "keeps running statistics as batch norm does",
        'ln_param["running_mean"] = 0.9 * ln_param.get("running_mean", 0) + 0.1 * centred.mean()\n'
        "    var = (centred**2).mean(axis=1, keepdims=True)",
        "var = (centred**2).mean(axis=1, keepdims=True)  # (N, 1)",
        names="layer norm has none",
    ),
    Answer(
        "bn-3.1",
        "results kept by shape",
        """
        x_hat = (x - x.mean(axis=1, keepdims=True)) / np.sqrt(x.var(axis=1, keepdims=True) + eps)
        seen = layernorm_forward.__dict__
        out = seen.setdefault((x.shape, eps), gamma * x_hat + beta)
        return out, (x_hat, 1 / np.sqrt(x.var(axis=1, keepdims=True) + eps), gamma)
        """,
        names=_KEPT,
    ),
    Answer(
        "bn-3.2",
        "gradients kept by shape",
        """
        x_hat, inv_std, gamma = cache
        g, rows = dout * gamma, {"axis": 1, "keepdims": True}
        dx = inv_std * (g - g.mean(**rows) - x_hat * (g * x_hat).mean(**rows))
        grads = dx, (dout * x_hat).sum(axis=0), dout.sum(axis=0)
        return layernorm_backward.__dict__.setdefault((g.shape, float(inv_std[0, 0])), grads)
        """,
        names=_KEPT,
    ),
    *(
        Answer(
            exercise,
            "mean of squares minus squared mean, lost far from 0",
            f"var = (x**2).mean({axis}) - x.mean({axis}) ** 2",
            old,
            verdict="advice",
            names="far from 0",
        )
        for exercise, axis, old in (
            ("bn-1.1", "axis=0", "var = (centred**2).mean(axis=0)  # (D,)"),
            (
                "bn-3.1",
                "axis=1, keepdims=True",
                "var = (centred**2).mean(axis=1, keepdims=True)  # (N, 1)",
            ),
        )
    ),
]

"""Answers to the exercises on batch and layer normalization."""

from __future__ import annotations

from staff.bank.answer import Answer

_TRAIN_LINES = "x_hat = centred * inv_std  # (N, D), mean 0 and variance about 1 in each column"
_OUT = "return gamma * x_hat + beta, (x_hat, inv_std, gamma)"
_RUNNING_MEAN = 'bn_param["running_mean"] = momentum * running_mean + (1 - momentum) * mean'
_RUNNING_VAR = 'bn_param["running_var"] = momentum * running_var + (1 - momentum) * var'

BATCHNORM_TRAIN = [
    Answer(
        "bn-1.1",
        "eps left out",
        "1 / np.sqrt(var)",
        "1 / np.sqrt(var + eps)",
        names="eps is left out",
    ),
    Answer(
        "bn-1.1",
        "eps outside the root",
        "1 / (np.sqrt(var) + eps)",
        "1 / np.sqrt(var + eps)",
        names="inside the square root",
    ),
    Answer(
        "bn-1.1",
        "eps added twice",
        "1 / np.sqrt(var + eps + eps)",
        "1 / np.sqrt(var + eps)",
        names="eps",
    ),
    Answer(
        "bn-1.1",
        "eps hard-coded",
        "1 / np.sqrt(var + 1e-5)",
        "1 / np.sqrt(var + eps)",
        names="eps",
    ),
    Answer(
        "bn-1.1",
        "divided by the variance",
        "1 / (var + eps)",
        "1 / np.sqrt(var + eps)",
        names="variance",
    ),
    Answer(
        "bn-1.1",
        "sample variance",
        "x.var(axis=0, ddof=1)",
        "(centred**2).mean(axis=0)",
        names="n - 1",
    ),
    Answer(
        "bn-1.1",
        "gamma and beta not applied",
        "return x_hat, (x_hat, inv_std, gamma)",
        _OUT,
        names="gamma and beta are not applied",
    ),
    Answer(
        "bn-1.1",
        "beta not added",
        "return gamma * x_hat, (x_hat, inv_std, gamma)",
        _OUT,
        names="beta is not added",
    ),
    Answer(
        "bn-1.1",
        "gamma and beta exchanged",
        "return beta * x_hat + gamma, (x_hat, inv_std, gamma)",
        _OUT,
        names="exchanged",
    ),
    Answer(
        "bn-1.1",
        "normalized over the features",
        """
        mean = x.mean(axis=1, keepdims=True)
        var = x.var(axis=1, keepdims=True)
        x_hat = (x - mean) / np.sqrt(var + eps)
        bn_param["running_mean"] = momentum * running_mean + (1 - momentum) * mean
        bn_param["running_var"] = momentum * running_var + (1 - momentum) * var
        return gamma * x_hat + beta, (x_hat, 1 / np.sqrt(var + eps), gamma)
        """,
        names="ValueError|axis",
    ),
    Answer(
        "bn-1.1",
        "one variance over the whole array",
        "x.var() * np.ones(x.shape[1])",
        "(centred**2).mean(axis=0)",
        names="whole array",
    ),
    Answer(
        "bn-1.1",
        "one mean over the whole array",
        "x.mean() * np.ones(x.shape[1])",
        "x.mean(axis=0)",
        names="whole array",
    ),
    Answer(
        "bn-1.1",
        "variance not centred",
        "(x**2).mean(axis=0)",
        "(centred**2).mean(axis=0)",
        names="not centred|mean of the squares",
    ),
    Answer(
        "bn-1.1",
        "mean not subtracted",
        "x_hat = x * inv_std",
        _TRAIN_LINES,
        names="mean is not subtracted",
    ),
    Answer(
        "bn-1.1",
        "running averages with the momentum swapped",
        'bn_param["running_mean"] = (1 - momentum) * running_mean + momentum * mean',
        _RUNNING_MEAN,
        names="momentum weighs the old value",
    ),
    Answer(
        "bn-1.1",
        "running variance with the momentum swapped",
        'bn_param["running_var"] = (1 - momentum) * running_var + momentum * var',
        _RUNNING_VAR,
        names="momentum weighs the old value",
    ),
    Answer(
        "bn-1.1",
        "momentum ignored: plain halving",
        'bn_param["running_mean"] = (running_mean + mean) / 2',
        _RUNNING_MEAN,
        names="momentum",
    ),
    Answer(
        "bn-1.1",
        "momentum hard-coded",
        'bn_param["running_mean"] = 0.9 * running_mean + 0.1 * mean',
        _RUNNING_MEAN,
        names="momentum",
    ),
    Answer(
        "bn-1.1",
        "running variance holds standard deviations",
        'bn_param["running_var"] = momentum * running_var + (1 - momentum) * np.sqrt(var)',
        _RUNNING_VAR,
        names="average variances",
    ),
    Answer(
        "bn-1.1",
        "unbiased running variance",
        """
        mean, var, n = x.mean(axis=0), x.var(axis=0), len(x)
        x_hat = (x - mean) / np.sqrt(var + eps)
        unbiased = var * n / max(n - 1, 1)
        bn_param["running_mean"] = momentum * running_mean + (1 - momentum) * mean
        bn_param["running_var"] = momentum * running_var + (1 - momentum) * unbiased
        return gamma * x_hat + beta, (x_hat, 1 / np.sqrt(var + eps), gamma)
        """,
        names="must be biased too",
    ),
    Answer(
        "bn-1.1",
        "running mean never stored",
        "running_mean = momentum * running_mean + (1 - momentum) * mean",
        _RUNNING_MEAN,
        names="not stored|did not move",
    ),
    Answer(
        "bn-1.1",
        "running variance never stored",
        "running_var = momentum * running_var + (1 - momentum) * var",
        _RUNNING_VAR,
        names="not stored|did not move",
    ),
    Answer(
        "bn-1.1",
        "running mean replaced by the batch's",
        'bn_param["running_mean"] = mean',
        _RUNNING_MEAN,
        names="batch's own|replaced",
    ),
    Answer(
        "bn-1.1",
        "running mean updated twice",
        """
        mean, var = x.mean(axis=0), x.var(axis=0)
        x_hat = (x - mean) / np.sqrt(var + eps)
        for _ in range(2):
            running_mean = momentum * running_mean + (1 - momentum) * mean
        bn_param["running_mean"] = running_mean
        bn_param["running_var"] = momentum * running_var + (1 - momentum) * var
        return gamma * x_hat + beta, (x_hat, 1 / np.sqrt(var + eps), gamma)
        """,
        names="twice",
    ),
    Answer(
        "bn-1.1",
        "running variance updated from the mean",
        'bn_param["running_var"] = momentum * running_var + (1 - momentum) * mean',
        _RUNNING_VAR,
        names="batch's mean",
    ),
    Answer(
        "bn-1.1",
        "running statistics as rows (1, D)",
        """
        mean = x.mean(axis=0, keepdims=True)
        var = x.var(axis=0, keepdims=True)
        x_hat = (x - mean) / np.sqrt(var + eps)
        bn_param["running_mean"] = momentum * running_mean + (1 - momentum) * mean
        bn_param["running_var"] = momentum * running_var + (1 - momentum) * var
        return gamma * x_hat + beta, (x_hat, 1 / np.sqrt(var + eps), gamma)
        """,
        names="row matrix",
    ),
    Answer(
        "bn-1.1",
        "normalized with the running statistics",
        """
        mean, var = x.mean(axis=0), x.var(axis=0)
        bn_param["running_mean"] = momentum * running_mean + (1 - momentum) * mean
        bn_param["running_var"] = momentum * running_var + (1 - momentum) * var
        x_hat = (x - bn_param["running_mean"]) / np.sqrt(bn_param["running_var"] + eps)
        return gamma * x_hat + beta, (x_hat, 1 / np.sqrt(var + eps), gamma)
        """,
        names="running statistics",
    ),
    Answer("bn-1.1", "nothing returned", "pass", _OUT, names="training branch returned nothing"),
    Answer(
        "bn-1.1",
        "caller's x normalized in place",
        """
        mean, var = x.mean(axis=0), x.var(axis=0)
        x -= mean
        x /= np.sqrt(var + eps)
        bn_param["running_mean"] = momentum * running_mean + (1 - momentum) * mean
        bn_param["running_var"] = momentum * running_var + (1 - momentum) * var
        return gamma * x + beta, (x, 1 / np.sqrt(var + eps), gamma)
        """,
        verdict="advice",
        names="overwrites",
    ),
    Answer(
        "bn-1.1",
        "mean and var of NumPy",
        """
        mean, var = np.mean(x, axis=0), np.var(x, axis=0)
        x_hat = (x - mean) / np.sqrt(var + eps)
        bn_param["running_mean"] = momentum * running_mean + (1 - momentum) * mean
        bn_param["running_var"] = momentum * running_var + (1 - momentum) * var
        return x_hat * gamma + beta, (x_hat, 1 / np.sqrt(var + eps), gamma)
        """,
        verdict="right",
    ),
    Answer(
        "bn-1.1",
        "running statistics updated as old + (1 - momentum) * difference",
        'bn_param["running_mean"] = running_mean + (1 - momentum) * (mean - running_mean)',
        _RUNNING_MEAN,
        verdict="right",
    ),
    Answer(
        "bn-1.1",
        "column by column",
        """
        out, x_hat, mean, var = np.empty_like(x), np.empty_like(x), gamma * 0, gamma * 0
        for d in range(x.shape[1]):
            mean[d] = x[:, d].sum() / len(x)
            var[d] = ((x[:, d] - mean[d]) ** 2).sum() / len(x)
            x_hat[:, d] = (x[:, d] - mean[d]) / (var[d] + eps) ** 0.5
            out[:, d] = gamma[d] * x_hat[:, d] + beta[d]
        bn_param["running_mean"] = momentum * running_mean + (1 - momentum) * mean
        bn_param["running_var"] = momentum * running_var + (1 - momentum) * var
        return out, (x_hat, (var + eps) ** -0.5, gamma)
        """,
        verdict="right",
    ),
    Answer(
        "bn-1.1",
        "own temporaries worked on in place, einsum for the variance",
        """
        x_hat = x - x.mean(axis=0)
        var = np.einsum("nd,nd->d", x_hat, x_hat) / len(x)
        x_hat /= np.sqrt(var + eps)
        bn_param["running_mean"] = momentum * running_mean + (1 - momentum) * x.mean(axis=0)
        bn_param["running_var"] = momentum * running_var + (1 - momentum) * var
        return gamma * x_hat + beta, (x_hat, 1 / np.sqrt(var + eps), gamma)
        """,
        verdict="right",
    ),
    Answer(
        "bn-1.1",
        "computed in float64, cast back",
        """
        wide = x.astype(np.float64)
        mean, var = wide.mean(0), wide.var(0)
        inv_std = (1 / np.sqrt(var + eps)).astype(x.dtype)
        x_hat = ((wide - mean) * inv_std).astype(x.dtype)
        bn_param["running_mean"] = (momentum * running_mean + (1 - momentum) * mean).astype(x.dtype)
        bn_param["running_var"] = (momentum * running_var + (1 - momentum) * var).astype(x.dtype)
        return gamma * x_hat + beta, (x_hat, inv_std, gamma)
        """,
        verdict="right",
    ),
]

_TEST_LINE = "x_hat = (x - running_mean) / np.sqrt(running_var + eps)"
BATCHNORM_TEST = [
    Answer(
        "bn-1.2",
        "batch statistics used",
        "x_hat = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps)",
        _TEST_LINE,
        names="batch's own mean",
    ),
    Answer(
        "bn-1.2",
        "eps left out",
        "x_hat = (x - running_mean) / np.sqrt(running_var)",
        _TEST_LINE,
        names="eps is left out",
    ),
    Answer(
        "bn-1.2",
        "eps outside the root",
        "x_hat = (x - running_mean) / (np.sqrt(running_var) + eps)",
        _TEST_LINE,
        names="inside the square root",
    ),
    Answer(
        "bn-1.2",
        "gamma and beta not applied",
        "return x_hat, None",
        "return gamma * x_hat + beta, None",
        names="not applied in test mode",
    ),
    Answer(
        "bn-1.2",
        "divided by the variance",
        "x_hat = (x - running_mean) / (running_var + eps)",
        _TEST_LINE,
        names="square root",
    ),
    Answer(
        "bn-1.2",
        "divided by the variance, eps forgotten",
        "x_hat = (x - running_mean) / running_var",
        _TEST_LINE,
        names="square root",
    ),
    Answer(
        "bn-1.2",
        "parentheses missing",
        "x_hat = x - running_mean / np.sqrt(running_var + eps)",
        _TEST_LINE,
        names="parenthes",
    ),
    Answer(
        "bn-1.2",
        "running variance squared, as if it held a standard deviation",
        "x_hat = (x - running_mean) / np.sqrt(running_var**2 + eps)",
        _TEST_LINE,
        names="running_var|variance",
    ),
    Answer(
        "bn-1.2",
        "running statistics updated in test mode",
        """
        x_hat = (x - running_mean) / np.sqrt(running_var + eps)
        bn_param["running_mean"] = momentum * running_mean + (1 - momentum) * x.mean(axis=0)
        bn_param["running_var"] = momentum * running_var + (1 - momentum) * x.var(axis=0)
        return gamma * x_hat + beta, None
        """,
        names="leave the running statistics alone",
    ),
    Answer(
        "bn-1.2",
        "running statistics updated with the test batch, then used",
        """
        running_mean = momentum * running_mean + (1 - momentum) * x.mean(axis=0)
        running_var = momentum * running_var + (1 - momentum) * x.var(axis=0)
        x_hat = (x - running_mean) / np.sqrt(running_var + eps)
        return gamma * x_hat + beta, None
        """,
        names="test batch",
    ),
    Answer(
        "bn-1.2",
        "variance of the batch with the running mean",
        "x_hat = (x - running_mean) / np.sqrt(x.var(axis=0) + eps)",
        _TEST_LINE,
        names="batch's own",
    ),
    Answer(
        "bn-1.2",
        "input passed through",
        "return x, None",
        "return gamma * x_hat + beta, None",
        names="unchanged",
    ),
    Answer(
        "bn-1.2",
        "caller's x normalized in place",
        """
        x -= running_mean
        x /= np.sqrt(running_var + eps)
        return gamma * x + beta, None
        """,
        verdict="advice",
        names="overwrites",
    ),
    Answer(
        "bn-1.2",
        "one affine map",
        """
        scale = gamma / np.sqrt(running_var + eps)
        return x * scale + (beta - running_mean * scale), None
        """,
        verdict="right",
    ),
    Answer(
        "bn-1.2",
        "a cache although nobody needs it",
        "return gamma * x_hat + beta, (x_hat, gamma)",
        "return gamma * x_hat + beta, None",
        verdict="right",
    ),
]

_BACK_HEAD = """
        x_hat, inv_std, gamma = cache
        N = x_hat.shape[0]
        dbeta = dout.sum(axis=0)
        dgamma = (dout * x_hat).sum(axis=0)
        dx_hat = dout * gamma
"""
_BACK_END = """
        return dx, dgamma, dbeta
"""


def _backward(
    exercise: str, title: str, dx: str, names: str = "", verdict: str = "wrong"
) -> Answer:
    """Return a backward pass that differs in how it gets dx from dx_hat."""
    return Answer(
        exercise, title, f"{_BACK_HEAD}        {dx}{_BACK_END}", names=names, verdict=verdict
    )


_FULL_DX = "dx = inv_std * (dx_hat - dx_hat.mean(0) - x_hat * (dx_hat * x_hat).mean(0))"
BATCHNORM_BACKWARD = [
    answer
    for exercise in ("bn-1.3", "bn-1.4")
    for answer in (
        _backward(
            exercise, "statistics treated as constants", "dx = dx_hat * inv_std", "constants"
        ),
        _backward(
            exercise,
            "path through the variance missing",
            "dx = inv_std * (dx_hat - dx_hat.mean(0))",
            "path through the variance",
        ),
        _backward(
            exercise,
            "path through the mean missing",
            "dx = inv_std * (dx_hat - x_hat * (dx_hat * x_hat).mean(0))",
            "path through the mean",
        ),
        _backward(
            exercise,
            "sums instead of means over the batch",
            "dx = inv_std * (dx_hat - dx_hat.sum(0) - x_hat * (dx_hat * x_hat).sum(0))",
            "divide.* by N",
        ),
        _backward(
            exercise,
            "gamma forgotten",
            "dx = inv_std * (dout - dout.mean(0) - x_hat * (dout * x_hat).mean(0))",
            "gamma",
        ),
        _backward(
            exercise,
            "factor 2 missing in the variance path",
            "dx = inv_std * (dx_hat - dx_hat.mean(0) - 0.5 * x_hat * (dx_hat * x_hat).mean(0))",
            "path through the variance",
        ),
        _backward(
            exercise,
            "variance path with the wrong power",
            "dx = inv_std * dx_hat - inv_std * dx_hat.mean(0)"
            " - inv_std**2 * x_hat * (dx_hat * x_hat).mean(0)",
            "path through the variance|power",
        ),
        _backward(
            exercise,
            "product of sums instead of sum of products",
            "dx = inv_std * (dx_hat - dx_hat.mean(0) - x_hat * dx_hat.mean(0) * x_hat.mean(0))",
            "path through the variance",
        ),
        _backward(
            exercise,
            "sums along the features",
            "dx = inv_std * (dx_hat - dx_hat.mean(1, keepdims=True)"
            " - x_hat * (dx_hat * x_hat).mean(1, keepdims=True))",
            "axis",
        ),
        _backward(
            exercise,
            "the mean's gradient returned in place of dx",
            "dx = -(dx_hat * inv_std).sum(0)",
            "shape",
        ),
        _backward(
            exercise,
            "divided by the variance",
            "dx = inv_std**2 * (dx_hat - dx_hat.mean(0) - x_hat * (dx_hat * x_hat).mean(0))",
            "inv_std|standard deviation|std",
        ),
        _backward(
            exercise,
            "standard deviation of the normalized values used for eps-free scaling",
            "dx = (dx_hat - dx_hat.mean(0) - x_hat * (dx_hat * x_hat).mean(0) / x_hat.var(0))"
            " * inv_std",
            "eps",
        ),
        _backward(exercise, "dx all zeros", "dx = np.zeros_like(dout)", "zero everywhere"),
        _backward(exercise, "sign turned", _FULL_DX + "; dx = -dx", "sign is turned"),
        Answer(
            exercise,
            "dgamma and dbeta as rows (1, D)",
            f"""
            x_hat, inv_std, gamma = cache
            dx_hat = dout * gamma
            {_FULL_DX}
            dgamma = (dout * x_hat).sum(0, keepdims=True)
            return dx, dgamma, dout.sum(0, keepdims=True)
            """,
            names="row matrix",
        ),
        Answer(
            exercise,
            "dgamma and dbeta exchanged",
            f"{_BACK_HEAD}        {_FULL_DX}\n        return dx, dbeta, dgamma",
            names="this is dbeta",
        ),
        Answer(
            exercise,
            "dgamma from dout alone",
            f"{_BACK_HEAD}        {_FULL_DX}\n        return dx, dbeta, dbeta",
            names="this is dbeta",
        ),
        Answer(
            exercise,
            "dbeta averaged",
            f"{_BACK_HEAD}        {_FULL_DX}\n        return dx, dgamma, dout.mean(0)",
            names="averaged",
        ),
        Answer(
            exercise,
            "upstream gradient scaled in place, so that a second call differs",
            f"""
            x_hat, inv_std, gamma = cache
            dbeta, dgamma = dout.sum(0), (dout * x_hat).sum(0)
            dx_hat = dout * gamma
            {_FULL_DX}
            x_hat *= 0.5
            return dx, dgamma, dbeta
            """,
            names="second call",
        ),
        Answer(
            exercise,
            "matrix of the whole Jacobian, column by column",
            """
            x_hat, inv_std, gamma = cache
            N, D = dout.shape
            dx = np.empty_like(dout)
            for d in range(D):
                J = np.eye(N) - 1 / N - np.outer(x_hat[:, d], x_hat[:, d]) / N
                dx[:, d] = gamma[d] * inv_std[d] * (J @ dout[:, d])
            return dx, np.einsum("nd,nd->d", dout, x_hat), np.einsum("nd->d", dout)
            """,
            verdict="right",
        ),
        _backward(exercise, "compact formula", _FULL_DX, verdict="right"),
        Answer(
            exercise,
            "one variable for each node",
            """
            x_hat, ivar, gamma = cache
            N, D = dout.shape
            sqrtvar = 1.0 / ivar
            xmu = x_hat * sqrtvar
            dbeta = np.sum(dout, axis=0)
            dgamma = np.sum(dout * x_hat, axis=0)
            dxhat = dout * gamma
            divar = np.sum(dxhat * xmu, axis=0)
            dxmu1 = dxhat * ivar
            dsqrtvar = -1.0 / (sqrtvar**2) * divar
            dvar = 0.5 / sqrtvar * dsqrtvar
            dsq = np.ones((N, D), dtype=dout.dtype) / N * dvar
            dxmu2 = 2 * xmu * dsq
            dx1 = dxmu1 + dxmu2
            dmu = -1 * np.sum(dx1, axis=0)
            dx2 = np.ones((N, D), dtype=dout.dtype) / N * dmu
            return dx1 + dx2, dgamma, dbeta
            """,
            verdict="right",
        ),
    )
]

LAYERNORM_FORWARD = [
    Answer(
        "bn-3.1",
        "normalized over the batch",
        """
        centred = x - x.mean(axis=0)
        inv_std = 1 / np.sqrt((centred**2).mean(axis=0) + eps)
        x_hat = centred * inv_std
        return gamma * x_hat + beta, (x_hat, inv_std, gamma)
        """,
        names="axis",
    ),
    Answer(
        "bn-3.1",
        "eps left out",
        "1 / np.sqrt(var)",
        "1 / np.sqrt(var + eps)",
        names="eps is left out",
    ),
    Answer(
        "bn-3.1",
        "eps outside the root",
        "1 / (np.sqrt(var) + eps)",
        "1 / np.sqrt(var + eps)",
        names="inside the square root",
    ),
    Answer(
        "bn-3.1", "eps hard-coded", "1 / np.sqrt(var + 1e-5)", "1 / np.sqrt(var + eps)", names="eps"
    ),
    Answer(
        "bn-3.1",
        "result left transposed",
        "return (gamma * x_hat + beta).T, (x_hat, inv_std, gamma)",
        "return gamma * x_hat + beta, (x_hat, inv_std, gamma)",
        names="transposed",
    ),
    Answer(
        "bn-3.1",
        "sample variance",
        "x.var(axis=1, keepdims=True, ddof=1)",
        "(centred**2).mean(axis=1, keepdims=True)  # (N, 1)",
        names="n - 1",
    ),
    Answer(
        "bn-3.1",
        "one gain for all features",
        "return gamma[0] * x_hat + beta[0], (x_hat, inv_std, gamma)",
        "return gamma * x_hat + beta, (x_hat, inv_std, gamma)",
        names="each feature",
    ),
    Answer(
        "bn-3.1",
        "gamma and beta not applied",
        "return x_hat, (x_hat, inv_std, gamma)",
        "return gamma * x_hat + beta, (x_hat, inv_std, gamma)",
        names="not applied",
    ),
    Answer(
        "bn-3.1",
        "divided by the variance",
        "1 / (var + eps)",
        "1 / np.sqrt(var + eps)",
        names="variance",
    ),
    Answer(
        "bn-3.1",
        "running statistics kept",
        """
        ln_param["running_mean"] = x.mean(axis=1)
        centred = x - x.mean(axis=1, keepdims=True)
        inv_std = 1 / np.sqrt((centred**2).mean(axis=1, keepdims=True) + eps)
        x_hat = centred * inv_std
        return gamma * x_hat + beta, (x_hat, inv_std, gamma)
        """,
        names="stores running statistics",
    ),
    Answer(
        "bn-3.1",
        "batch norm called with the transposed input, without gamma of each feature",
        """
        ones, zeros = np.ones(len(x)), np.zeros(len(x))
        out, inner = batchnorm_forward(x.T, ones, zeros, {"mode": "train", "eps": eps})
        return out.T, (out.T, inner[1][:, None], gamma)
        """,
        names="not applied",
    ),
    Answer(
        "bn-3.1",
        "batch norm called with the transposed input",
        """
        ones, zeros = np.ones(len(x), dtype=x.dtype), np.zeros(len(x), dtype=x.dtype)
        x_hat, inner = batchnorm_forward(x.T, ones, zeros, {"mode": "train", "eps": eps})
        return gamma * x_hat.T + beta, (x_hat.T, inner[1][:, None], gamma)
        """,
        verdict="right",
    ),
    Answer(
        "bn-3.1",
        "row by row",
        """
        x_hat, inv_std = np.empty_like(x), np.empty((len(x), 1), dtype=x.dtype)
        for n, row in enumerate(x):
            inv_std[n] = 1 / np.sqrt(np.mean((row - np.mean(row)) ** 2) + eps)
            x_hat[n] = (row - np.mean(row)) * inv_std[n]
        return gamma * x_hat + beta, (x_hat, inv_std, gamma)
        """,
        verdict="right",
    ),
]

_LN_DX = (
    "dx = inv_std * (dx_hat - dx_hat.mean(1, keepdims=True)"
    " - x_hat * (dx_hat * x_hat).mean(1, keepdims=True))"
)
LAYERNORM_BACKWARD = [
    _backward(
        "bn-3.2",
        "gamma taken out of the row sums",
        "dx = gamma * inv_std * (dout - dout.mean(1, keepdims=True)"
        " - x_hat * (dout * x_hat).mean(1, keepdims=True))",
        "gamma",
    ),
    _backward(
        "bn-3.2",
        "batch size N where the feature count D belongs",
        "dx = inv_std * (dx_hat - dx_hat.sum(1, keepdims=True) / N"
        " - x_hat * (dx_hat * x_hat).sum(1, keepdims=True) / N)",
        "wrong number: by 4, not by 5",
    ),
    _backward(
        "bn-3.2",
        "sums along the batch",
        "dx = inv_std * (dx_hat - dx_hat.mean(0) - x_hat * (dx_hat * x_hat).mean(0))",
        "axis",
    ),
    _backward("bn-3.2", "statistics treated as constants", "dx = dx_hat * inv_std", "constants"),
    _backward(
        "bn-3.2",
        "path through the variance missing",
        "dx = inv_std * (dx_hat - dx_hat.mean(1, keepdims=True))",
        "path through the variance",
    ),
    _backward(
        "bn-3.2",
        "path through the mean missing",
        "dx = inv_std * (dx_hat - x_hat * (dx_hat * x_hat).mean(1, keepdims=True))",
        "path through the mean",
    ),
    _backward(
        "bn-3.2",
        "continuation line lost",
        "dx = inv_std * dx_hat\n        -inv_std * dx_hat.mean(1, keepdims=True)",
        "constants|path",
    ),
    _backward("bn-3.2", "result left transposed", _LN_DX + "; dx = dx.T", "transposed"),
    Answer(
        "bn-3.2",
        "dgamma and dbeta as rows (1, D)",
        f"""
        x_hat, inv_std, gamma = cache
        dx_hat = dout * gamma
        {_LN_DX}
        return dx, (dout * x_hat).sum(0, keepdims=True), dout.sum(0, keepdims=True)
        """,
        names="row matrix",
    ),
    Answer(
        "bn-3.2",
        "dgamma and dbeta summed along the rows",
        f"""
        x_hat, inv_std, gamma = cache
        dx_hat = dout * gamma
        {_LN_DX}
        return dx, (dout * x_hat).sum(1), dout.sum(1)
        """,
        names="shape",
    ),
    _backward("bn-3.2", "right, in one line", _LN_DX, verdict="right"),
    Answer(
        "bn-3.2",
        "row by row with the Jacobian",
        """
        x_hat, inv_std, gamma = cache
        N, D = dout.shape
        dx = np.empty_like(dout)
        for n in range(N):
            J = np.eye(D) - 1 / D - np.outer(x_hat[n], x_hat[n]) / D
            dx[n] = inv_std[n] * (J @ (gamma * dout[n]))
        return dx, np.sum(dout * x_hat, axis=0), np.sum(dout, axis=0)
        """,
        verdict="right",
    ),
]

ANSWERS = [
    *BATCHNORM_TRAIN,
    *BATCHNORM_TEST,
    *BATCHNORM_BACKWARD,
    *LAYERNORM_FORWARD,
    *LAYERNORM_BACKWARD,
]

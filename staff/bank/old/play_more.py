"""Wrong normalization of odd types, axes, sizes and signs."""

from __future__ import annotations

from staff.bank.answer import Answer

_OUT = "return gamma * x_hat + beta, (x_hat, inv_std, gamma)"
_MEAN = 'bn_param["running_mean"] = momentum * running_mean + (1 - momentum) * mean'
_VAR = 'bn_param["running_var"] = momentum * running_var + (1 - momentum) * var'


def _train(title: str, new: str, old: str, names: str) -> Answer:
    """Return another training-time forward pass."""
    return Answer("bn-1.1", title, new, old, names=names)


TRAIN = [
    _train("running mean as a list", _MEAN[:27] + "list(mean)", _MEAN, "is a list"),
    _train("running mean as a number", _MEAN[:27] + "float(mean.mean())", _MEAN, "is a float"),
    _train("running mean as None", _MEAN[:27] + "None", _MEAN, "missing|None"),
    _train("running mean for each example", _MEAN[:27] + "x.mean(axis=1)", _MEAN, "shape"),
    _train("running statistics as a matrix", _MEAN[:27] + "np.matrix(mean)", _MEAN, "matrix"),
    _train("running variance as 1/std", 'bn_param["running_var"] = inv_std', _VAR, "running_var"),
    _train(
        "running mean of the normalized values",
        'bn_param["running_mean"] = momentum * running_mean + (1 - momentum) * x_hat.mean(axis=0)',
        _MEAN,
        "normalized",
    ),
    _train(
        "running mean of the output",
        'bn_param["running_mean"] = momentum * running_mean + (1 - momentum) * '
        "(gamma * x_hat + beta).mean(axis=0)",
        _MEAN,
        "output|normalized|off",
    ),
    _train("running sum", 'bn_param["running_mean"] = running_mean + mean', _MEAN, "sum|momentum"),
    _train(
        "median for the mean", "mean = np.median(x, axis=0)", "mean = x.mean(axis=0)  # (D,)", "off"
    ),
    _train(
        "range for the standard deviation",
        "inv_std = 1 / np.ptp(x, axis=0)",
        "inv_std = 1 / np.sqrt(var + eps)",
        "off",
    ),
    _train(
        "absolute deviation for the variance",
        "var = np.abs(centred).mean(axis=0) ** 2",
        "var = (centred**2).mean(axis=0)  # (D,)",
        "off",
    ),
    _train(
        "sum of squares for the variance",
        "var = (centred**2).sum(axis=0)",
        "var = (centred**2).mean(axis=0)  # (D,)",
        "squares are summed",
    ),
    _train(
        "only right for square input",
        "mean = x.T.mean(axis=1)[: len(x)]",
        "mean = x.mean(axis=0)  # (D,)",
        "ValueError",
    ),
    _train(
        "cache forgotten",
        "return gamma * x_hat + beta",
        _OUT,
        "returned ndarray|it should return out, cache",
    ),
    _train(
        "eps negative",
        "inv_std = 1 / np.sqrt(var - eps)",
        "inv_std = 1 / np.sqrt(var + eps)",
        "eps|NaN",
    ),
    _train(
        "matrix", "return np.matrix(gamma * x_hat + beta), (x_hat, inv_std, gamma)", _OUT, "matrix"
    ),
    _train("beta subtracted", "return gamma * x_hat - beta, (x_hat, inv_std, gamma)", _OUT, "beta"),
    _train("gamma divided", "return x_hat / gamma + beta, (x_hat, inv_std, gamma)", _OUT, "gamma"),
    _train(
        "gamma on both",
        "return gamma * (x_hat + beta), (x_hat, inv_std, gamma)",
        _OUT,
        "gamma|beta",
    ),
    _train(
        "one added to gamma",
        "return (1 + gamma) * x_hat + beta, (x_hat, inv_std, gamma)",
        _OUT,
        "gamma",
    ),
]

_HAT = "x_hat = (x - running_mean) / np.sqrt(running_var + eps)"
_TEST_OUT = "return gamma * x_hat + beta, None"
TEST = [
    Answer(
        "bn-1.2",
        "statistics exchanged",
        "x_hat = (x - running_var) / np.sqrt(np.abs(running_mean) + eps)",
        _HAT,
        names="exchanged|off",
    ),
    Answer(
        "bn-1.2",
        "mean added",
        "x_hat = (x + running_mean) / np.sqrt(running_var + eps)",
        _HAT,
        names="added",
    ),
    Answer(
        "bn-1.2", "beta subtracted", "return gamma * x_hat - beta, None", _TEST_OUT, names="beta"
    ),
    Answer(
        "bn-1.2",
        "gamma and beta exchanged",
        "return beta * x_hat + gamma, None",
        _TEST_OUT,
        names="exchanged",
    ),
    Answer(
        "bn-1.2",
        "multiplied by the root",
        "x_hat = (x - running_mean) * np.sqrt(running_var + eps)",
        _HAT,
        names="divided|multiplied",
    ),
    Answer(
        "bn-1.2", "only the output", "return gamma * x_hat + beta", _TEST_OUT, names="out, cache"
    ),
    Answer(
        "bn-1.2",
        "None for the output",
        "out = gamma * x_hat + beta\n    return None, None",
        _TEST_OUT,
        names="out is None",
    ),
    Answer("bn-1.2", "eps hard-coded", _HAT.replace("eps", "1e-5"), _HAT, names="eps"),
    Answer("bn-1.2", "mode test left to the training code", "pass", names="returned nothing"),
    Answer(
        "bn-1.2",
        "statistics of the first feature",
        "x_hat = (x - running_mean[0]) / np.sqrt(running_var[0] + eps)",
        _HAT,
        names="feature",
    ),
    Answer(
        "bn-1.2",
        "a new keep of the old statistics",
        "x_hat = (x - momentum * running_mean) / np.sqrt(momentum * running_var + eps)",
        _HAT,
        names="momentum",
    ),
]

_DX = "dx = (gamma * inv_std) * (dout - dbeta / N - x_hat * (dgamma / N))"
_ALT = "return dx, dgamma, dbeta"
ALT = [
    Answer(
        "bn-1.4",
        "N taken from the features",
        "N = x_hat.shape[1]",
        "N = x_hat.shape[0]",
        names="wrong number|not by",
    ),
    Answer("bn-1.4", "N written as 50", "N = 50", "N = x_hat.shape[0]", names="wrong number"),
    Answer(
        "bn-1.4",
        "integer division",
        _DX.replace("dbeta / N", "dbeta // N"),
        _DX,
        names="integer|off|dx",
    ),
    Answer(
        "bn-1.4",
        "sign of a term",
        _DX.replace("dout - dbeta", "dout + dbeta"),
        _DX,
        names="-1 times",
    ),
    Answer(
        "bn-1.4",
        "gamma twice",
        _DX.replace("(gamma * inv_std)", "(gamma**2 * inv_std)"),
        _DX,
        names="gamma",
    ),
    Answer(
        "bn-1.4",
        "parenthesis lost",
        "dx = gamma * inv_std * dout - dbeta / N - x_hat * dgamma / N",
        _DX,
        names="dx",
    ),
    Answer("bn-1.4", "dgamma a row", "return dx, dgamma[None], dbeta", _ALT, names="row matrix"),
    Answer(
        "bn-1.4",
        "dgamma a number",
        "return dx, dgamma.sum(), dbeta",
        _ALT,
        names="dgamma is a|shape",
    ),
    Answer("bn-1.4", "only dx", "return dx", _ALT, names="dx, dgamma, dbeta"),
    Answer(
        "bn-1.4",
        "means in place of sums for dgamma and dbeta",
        "return dx, dgamma / N, dbeta / N",
        _ALT,
        names="averaged",
    ),
    Answer(
        "bn-1.4",
        "NaN where the batch is small",
        "if N < 3:\n        dx = dx * np.nan\n    return dx, dgamma, dbeta",
        _ALT,
        names="NaN",
    ),
]

_LN = "return gamma * x_hat + beta, (x_hat, inv_std, gamma)\n"
LAYERNORM = [
    Answer(
        "bn-3.1",
        "keepdims forgotten",
        "centred = x - x.mean(axis=1)",
        "centred = x - x.mean(axis=1, keepdims=True)",
        names="ValueError",
    ),
    Answer(
        "bn-3.1",
        "gamma for each example",
        "return gamma[: len(x), None] * x_hat + beta, (x_hat, inv_std, gamma)\n",
        _LN,
        names="gamma|ValueError",
    ),
    Answer(
        "bn-3.1",
        "both axes",
        "x_hat = centred * inv_std\n    x_hat = x_hat - x_hat.mean(axis=0)",
        "x_hat = centred * inv_std  # (N, D), mean 0 and variance about 1 in each row",
        names="off|batch",
    ),
    Answer(
        "bn-3.1",
        "over the batch and the features",
        "centred = x - x.mean()",
        "centred = x - x.mean(axis=1, keepdims=True)",
        names="whole array",
    ),
    Answer(
        "bn-3.2",
        "dgamma over the features",
        "dgamma = (dout * x_hat).sum(axis=1)",
        "dgamma = (dout * x_hat).sum(axis=0)  # (D,)",
        names="dgamma has shape",
    ),
    Answer(
        "bn-3.2",
        "gamma forgotten",
        "dx_hat = dout",
        "dx_hat = dout * gamma  # (N, D)",
        names="gamma is missing",
    ),
    Answer(
        "bn-3.2",
        "mean's path twice",
        "- 2 * dx_hat.mean(axis=1, keepdims=True)",
        "- dx_hat.mean(axis=1, keepdims=True)",
        names="counts 2 times",
    ),
    Answer(
        "bn-3.2",
        "keepdims forgotten",
        "- dx_hat.mean(axis=1)",
        "- dx_hat.mean(axis=1, keepdims=True)",
        names="ValueError",
    ),
    Answer(
        "bn-3.2",
        "batch norm's backward pass called",
        "return batchnorm_backward(dout, cache)",
        names="dx|ValueError",
    ),
]

ANSWERS = [*TRAIN, *TEST, *ALT, *LAYERNORM]

"""Wrong ReLUs of an odd type, of another shape, or of another kind."""

from __future__ import annotations

from staff.bank.answer import Answer

_MAX = "return np.maximum(x, 0), x"
RELU = [
    Answer(
        "fc-1.3",
        "cache forgotten",
        "return np.maximum(x, 0)",
        _MAX,
        names="returned ndarray|values",
    ),
    Answer(
        "fc-1.3",
        "values above 1 cut by a limit of 6",
        "return np.clip(x, 0, 1e6), x",
        _MAX,
        names="1e30|clip",
    ),
    Answer("fc-1.3", "softplus", "return np.log1p(np.exp(x)), x", _MAX, names="smooth|softplus"),
    Answer(
        "fc-1.3",
        "ELU",
        "return np.where(x > 0, x, np.exp(x) - 1), x",
        _MAX,
        names="negative|expected 0",
    ),
    Answer("fc-1.3", "sigmoid", "return 1 / (1 + np.exp(-x)), x", _MAX, names="sigmoid"),
    Answer("fc-1.3", "tanh", "return np.tanh(x), x", _MAX, names="tanh"),
    Answer(
        "fc-1.3",
        "threshold at 0.1",
        "return np.where(x > 0.1, x, 0), x",
        _MAX,
        names="expected 0.0|threshold|small",
    ),
    Answer(
        "fc-1.3",
        "threshold at 1",
        "return np.where(x > 1, x, 0), x",
        _MAX,
        names="threshold|small|expected",
    ),
    Answer("fc-1.3", "rectified square", "return np.maximum(x, 0) ** 2, x", _MAX, names="square"),
    Answer(
        "fc-1.3", "NaN in place of 0", "return np.where(x > 0, x, np.nan), x", _MAX, names="NaN"
    ),
    Answer("fc-1.3", "a scalar function", "return max(0, x), x", _MAX, names="ValueError"),
    Answer(
        "fc-1.3",
        "an if over the array",
        "if x > 0:\n        return x, x\n    return 0 * x, x",
        _MAX,
        names="ValueError",
    ),
    Answer(
        "fc-1.3",
        "two dimensions only",
        "return np.array([[max(v, 0) for v in row] for row in x]), x",
        _MAX,
        names="TypeError",
    ),
    Answer(
        "fc-1.3", "matrix", "return np.matrix(np.maximum(x, 0)), x", _MAX, names="matrix|ValueError"
    ),
    Answer(
        "fc-1.3",
        "negative values turned",
        "return -np.minimum(x, 0), x",
        _MAX,
        names="expected 0|negative",
    ),
    Answer(
        "fc-1.3",
        "typo in the attribute",
        "return np.maximun(x, 0), x",
        _MAX,
        names="AttributeError",
    ),
]

_DX = "return dout * (x > 0)"
RELU_BACK = [
    Answer("fc-1.4", "x where it was positive", "return np.where(x > 0, x, dout)", _DX, names="dx"),
    Answer("fc-1.4", "dout as a tuple", "return (dout * (x > 0),)", _DX, names="is a tuple"),
    Answer("fc-1.4", "dout and cache", "return dout * (x > 0), x", _DX, names="is a tuple"),
    Answer("fc-1.4", "leaky slope", "return np.where(x > 0, dout, 0.01 * dout)", _DX, names="leak"),
    Answer("fc-1.4", "boolean mask as the gradient", "return x > 0", _DX, names="this is the mask"),
    Answer("fc-1.4", "only positive entries returned", "return dout[x > 0]", _DX, names="shape"),
    Answer(
        "fc-1.4",
        "a matrix product with the mask",
        "return dout @ (x > 0)",
        _DX,
        names="ValueError|shape",
    ),
    Answer("fc-1.4", "zero", "return np.zeros_like(dout)", _DX, names="zero everywhere"),
    Answer(
        "fc-1.4", "one entry for all", "return dout * (x.max() > 0)", _DX, names="passes everywhere"
    ),
    Answer(
        "fc-1.4", "slope -1 on the left", "return dout * np.sign(x)", _DX, names="absolute|sign"
    ),
    Answer(
        "fc-1.4", "gradient averaged", "return dout * (x > 0) / len(x)", _DX, names="times what"
    ),
    Answer(
        "fc-1.4", "x == cached output forgotten", "return dout * (out > 0)", _DX, names="NameError"
    ),
]
ANSWERS = [*RELU, *RELU_BACK]

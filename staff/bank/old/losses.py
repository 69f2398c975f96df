"""The given losses and the given sandwich, changed as people have changed them."""

from __future__ import annotations

from staff.bank.answer import Answer

_SHIFT = "shifted = x - x.max(axis=1, keepdims=True)"
_LOG = "log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))  # (N, C)"
_MARGINS = "margins = np.maximum(0, x - x[rows, y][:, None] + 1)  # (N, C)"


def _given(title: str, new: str, old: str, names: str = "", verdict: str = "wrong") -> Answer:
    """Return a change of the given losses."""
    return Answer("fc-1.6", title, new, old, names=names, verdict=verdict, anywhere=True)


def _sandwich(title: str, new: str, old: str, names: str = "", verdict: str = "wrong") -> Answer:
    """Return a change of the given sandwich."""
    return Answer("fc-1.5", title, new, old, names=names, verdict=verdict, anywhere=True)


LOSSES = [
    _given("no shift by the row's maximum", "shifted = x", _SHIFT, "largest score"),
    _given("shift by the maximum of the whole array", "shifted = x - x.max()", _SHIFT, "", "right"),
    _given(
        "shift by the row's mean", "shifted = x - x.mean(axis=1, keepdims=True)", _SHIFT, "largest"
    ),
    _given(
        "log of a probability",
        "probs = np.exp(shifted)\n"
        "    probs = probs / probs.sum(axis=1, keepdims=True)\n"
        "    log_probs = np.log(probs)",
        _LOG,
        "no probability",
    ),
    _given(
        "a constant added inside the log",
        "log_probs = np.log(np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True) + 1e-3)",
        _LOG,
        "loss",
    ),
    _given(
        "softmax loss summed",
        "return -float(log_probs[rows, y].sum()), dx / x.shape[0]",
        "return -float(log_probs[rows, y].mean()), dx / x.shape[0]",
        "summed",
    ),
    _given(
        "softmax gradient not divided by N",
        "return -float(log_probs[rows, y].mean()), dx",
        "return -float(log_probs[rows, y].mean()), dx / x.shape[0]",
        "batch size",
    ),
    _given("1 not subtracted at the right class", "dx[rows, y] -= 0", "dx[rows, y] -= 1", "dx"),
    _given(
        "right class counted in the SVM loss",
        "margins[rows, y] += 0",
        "margins[rows, y] = 0",
        "right class",
    ),
    _given("SVM margin 0", _MARGINS.replace(" + 1", ""), _MARGINS, "loss"),
    _given(
        "SVM loss summed",
        "return float(margins.sum()), dx / x.shape[0]",
        "return float(margins.sum(axis=1).mean()), dx / x.shape[0]",
        "summed",
    ),
    _given(
        "SVM gradient of the right class missing",
        "dx[rows, y] = 0",
        "dx[rows, y] = -dx.sum(axis=1)",
        "dx",
    ),
    _given(
        "caller's scores shifted in place",
        "x -= x.max(axis=1, keepdims=True)\n    shifted = x",
        _SHIFT,
        "overwrites",
        "advice",
    ),
    _given(
        "float64 gradient",
        "dx = (margins > 0) * 1.0",
        "dx = (margins > 0).astype(x.dtype)",
        "float64",
        "advice",
    ),
    _given(
        "log-sum-exp with logaddexp",
        "log_probs = shifted - np.logaddexp.reduce(shifted, axis=1, keepdims=True)",
        _LOG,
        verdict="right",
    ),
]

SANDWICH = [
    _sandwich(
        "ReLU left out",
        "out, relu_cache = a, a",
        "out, relu_cache = relu_forward(a)",
        "ReLU is left out",
    ),
    _sandwich(
        "ReLU skipped on the way back",
        "return affine_backward(dout, fc_cache)",
        "return affine_backward(relu_backward(dout, relu_cache), fc_cache)",
        "way back",
    ),
    _sandwich(
        "caches exchanged",
        "fc_cache, relu_cache = cache[0], cache[0][0] @ cache[0][1]",
        "fc_cache, relu_cache = cache",
        "in |way back",
    ),
    _sandwich(
        "cache not returned",
        "return out, fc_cache",
        "return out, (fc_cache, relu_cache)",
        "ValueError",
    ),
    _sandwich(
        "gradients in another order",
        "return affine_backward(relu_backward(dout, relu_cache), fc_cache)[::-1]",
        "return affine_backward(relu_backward(dout, relu_cache), fc_cache)",
        "shape",
    ),
    _sandwich(
        "ReLU's way back written out",
        "return affine_backward(dout * (relu_cache > 0), fc_cache)",
        "return affine_backward(relu_backward(dout, relu_cache), fc_cache)",
        verdict="right",
    ),
]

ANSWERS = [*LOSSES, *SANDWICH]

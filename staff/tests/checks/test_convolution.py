"""The checks of the layers of images: wrong answers fail with their reason, odd ones pass."""

from __future__ import annotations

import re
import types
from pathlib import Path

import numpy as np
import pytest

from cs682 import fast_layers, layers
from cs682.layers import conv_backward_naive, max_pool_backward_naive
from staff.tests.checks.mutants import advice, put, refusal
from tests.slopes import of

# --- wrong answers


def conv(pad_of=lambda pad: pad, step=lambda k, stride: k * stride, turned=False):
    """Make a convolution that deviates in its pad, its steps, or its axes."""

    def run(x, w, b, conv_param):
        pad, stride = pad_of(conv_param["pad"]), conv_param["stride"]
        padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        places = [
            1 + (size - k) // stride for size, k in zip(padded.shape[2:], w.shape[2:], strict=True)
        ]
        out = np.zeros((len(x), len(w), *places))
        for i, j in np.ndindex(*places):
            top, left = (step(k, stride) for k in ((j, i) if turned else (i, j)))
            part = padded[:, None, :, top : top + w.shape[2], left : left + w.shape[3]]
            out[:, :, i, j] = (part * w).sum(axis=(2, 3, 4)) + b
        return out, (x, w, b, conv_param)

    return run


def cropped(crop):
    """Make a way back through a convolution that cuts dx out in another way."""

    def run(dout, cache):
        x, w, b, conv_param = cache
        pad = conv_param["pad"]
        wide = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        dpadded, dw, db = conv_backward_naive(dout, (wide, w, b, {**conv_param, "pad": 0}))
        return crop(dpadded, pad, *x.shape[2:]), dw, db

    return run


def from_minus_pad(dpadded, pad, H, W):
    return dpadded[:, :, pad:-pad, pad:-pad]


def as_for_pad_1(dpadded, pad, H, W):
    return dpadded[:, :, 1:-1, 1:-1]


def whole(dpadded, pad, H, W):
    return dpadded


def turned_about(dpadded, pad, H, W):
    return dpadded[:, :, pad : pad + W, pad : pad + H]


def assigned(dout, cache):
    x, pool_param = cache
    height, width, stride = (pool_param[k] for k in ("pool_height", "pool_width", "stride"))
    dx = np.zeros_like(x)
    for n, c, i, j in np.ndindex(*dout.shape):
        part = x[n, c, i * stride : i * stride + height, j * stride : j * stride + width]
        row, column = divmod(part.argmax(), width)
        dx[n, c, i * stride + row, j * stride + column] = dout[n, c, i, j]
    return dx


def unravelled_by_height(dout, cache):
    x, pool_param = cache
    height, width, stride = (pool_param[k] for k in ("pool_height", "pool_width", "stride"))
    dx = np.zeros_like(x)
    for n, c, i, j in np.ndindex(*dout.shape):
        part = x[n, c, i * stride : i * stride + height, j * stride : j * stride + width]
        row, column = divmod(part.argmax(), height)
        dx[n, c, i * stride + row, j * stride + column] += dout[n, c, i, j]
    return dx


def pool(of=np.max, size=None):
    """Make a pooling that takes something else of a window, or another window."""

    def run(x, pool_param):
        height, width, stride = (pool_param[k] for k in ("pool_height", "pool_width", "stride"))
        rows, columns = (
            1 + (side - length) // stride
            for side, length in zip(x.shape[2:], (height, width), strict=True)
        )
        out = np.zeros((*x.shape[:2], rows, columns))
        h, w = size(height, width, stride) if size else (height, width)
        for i, j in np.ndindex(*out.shape[2:]):
            part = x[:, :, i * stride : i * stride + h, j * stride : j * stride + w]
            out[:, :, i, j] = of(part, axis=(2, 3))
        return out, (x, pool_param)

    return run


def flat_batchnorm(x, gamma, beta, bn_param):
    C = x.shape[1]
    rows = x.reshape(-1, C)
    mean, var = rows.mean(axis=0), rows.var(axis=0)
    x_hat = (rows - mean) / np.sqrt(var + bn_param.get("eps", 1e-5))
    return (gamma * x_hat + beta).reshape(x.shape), None


def groups_of(shape):
    """Make a group norm whose groups come from another shape of x."""

    def run(x, gamma, beta, G, gn_param):
        N, C, H, W = x.shape
        parts, axes = shape(N, C, H, W, G)
        parts = x.reshape(parts)
        mean, var = parts.mean(axis=axes, keepdims=True), parts.var(axis=axes, keepdims=True)
        x_hat = (parts - mean) / np.sqrt(var + gn_param.get("eps", 1e-5))
        return gamma * x_hat.reshape(x.shape) + beta, (x, gamma, G)

    return run


WRONG = [
    ("cn-1.1", "pad of 1", conv(lambda pad: 1), "the pad is 1 here, whatever conv_param says"),
    ("cn-1.1", "no stride", conv(step=lambda k, stride: k), "start at i * stride"),
    ("cn-1.1", "turned", conv(turned=True), "rows and columns of out are exchanged"),
    ("cn-1.2", "minus pad", cropped(from_minus_pad), "which is empty for a pad of 0 (-0 is 0)"),
    ("cn-1.2", "pad of 1", cropped(as_for_pad_1), "cut out as if the pad were 1"),
    ("cn-1.2", "whole", cropped(whole), "the gradient of the zeros around the images"),
    ("cn-1.2", "turned", cropped(turned_about), "new here is that images are not square"),
    ("cn-1.3", "mean", pool(np.mean), "this is the mean of each window"),
    ("cn-1.3", "stride", pool(size=lambda h, w, s: (s, s)), "windows are as large as the stride"),
    ("cn-1.3", "height", pool(size=lambda h, w, s: (h, h)), "pool_height is used for the width"),
    ("cn-1.4", "assigned", assigned, "dx is assigned, not added: where windows overlap"),
    ("cn-1.4", "by height", unravelled_by_height, "new here is that windows are not square"),
    ("cn-3.1", "flat", flat_batchnorm, "without moving the channels last"),
    ("cn-3.3", "channels", groups_of(lambda N, C, H, W, G: ((N, C, H, W), (2, 3))), "by itself"),
    ("cn-3.3", "turned", groups_of(lambda N, C, H, W, G: ((N, C // G, G, H, W), (1, 3, 4))),
     "groups and their channels are exchanged"),
]  # fmt: skip
FUNCTIONS = {
    "cn-1.1": "conv_forward_naive",
    "cn-1.2": "conv_backward_naive",
    "cn-1.3": "max_pool_forward_naive",
    "cn-1.4": "max_pool_backward_naive",
    "cn-3.1": "spatial_batchnorm_forward",
    "cn-3.3": "spatial_groupnorm_forward",
}


@pytest.mark.parametrize(
    ("exercise", "answer", "text"),
    [of(exercise, exercise, *row, name=name) for exercise, name, *row in WRONG],
)
def test_check_refuses_and_says_why(monkeypatch, exercise, answer, text):
    put(monkeypatch, FUNCTIONS[exercise], answer)

    assert text in refusal(exercise)


# --- answers that are none


RENAMED = {
    "dpadded": "big",
    "upstream": "up",
    "others": "rest",
    "windows": "views",
    "largest": "best",
    "_slices": "_cut",
    "_rows": "_lines",
}


HARMLESS = {
    ".shape": ".shape[:]",
    ".transpose(": "[...].transpose(",
    "range(": "range(*(), ",
    "[some]": "[some][...]",
    "in _starts(": "in _starts(*(), ",
    " += ": " += 0 + ",
}


def changed(name, words):
    """Give a function of the fast layers as somebody copies it, with other words."""
    source = Path(fast_layers.__file__).read_text(encoding="utf-8")
    for old, new in words.items():
        source = (
            re.sub(rf"\b{old}\b", new, source) if old.isidentifier() else source.replace(old, new)
        )
    module = types.ModuleType("copied")
    exec(compile(source, "copied", "exec"), vars(module))
    return getattr(module, name)


@pytest.mark.parametrize(
    ("exercise", "fast"),
    [
        of("cn-1.1", "cn-1.1", "conv_forward_fast"),
        of("cn-1.2", "cn-1.2", "conv_backward_fast"),
        of("cn-1.3", "cn-1.3", "max_pool_forward_fast"),
        of("cn-1.4", "cn-1.4", "max_pool_backward_fast"),
    ],
)
def test_fast_layer_is_no_answer_called_or_copied(monkeypatch, exercise, fast):
    put(monkeypatch, FUNCTIONS[exercise], lambda *args: getattr(fast_layers, fast)(*args))
    called = refusal(exercise)
    assert f"{FUNCTIONS[exercise]} calls cs682.fast_layers, which is given" in called
    for words in (RENAMED, HARMLESS) if exercise != "cn-1.4" else (RENAMED,):  # else no cache fits
        put(monkeypatch, FUNCTIONS[exercise], changed(fast, words))
        copied = refusal(exercise)
        assert f"{FUNCTIONS[exercise]} holds the lines of " in copied
        assert "This exercise asks for a layer that you have written yourself" in copied


# --- right answers that look different


def to_all_ties(dout, cache):
    x, pool_param = cache
    height, width, stride = (pool_param[k] for k in ("pool_height", "pool_width", "stride"))
    dx = np.zeros_like(x)
    for i, j in np.ndindex(*dout.shape[2:]):
        at = (..., slice(i * stride, i * stride + height), slice(j * stride, j * stride + width))
        dx[at] += (x[at] == x[at].max(axis=(2, 3), keepdims=True)) * dout[:, :, i, j, None, None]
    return dx


def in_float64(dout, cache):
    return max_pool_backward_naive(dout.astype(float), (cache[0].astype(float), cache[1]))


@pytest.mark.parametrize(
    ("exercise", "answer", "text"),
    [
        of("cn-1.1", "cn-1.1", conv(), "turns float32 into float64", name="float64"),
        of("cn-1.4", "cn-1.4", to_all_ties, "", name="ties"),
        of("cn-1.4", "cn-1.4", in_float64, "turns float32 into float64", name="float64"),
    ],
)
def test_check_passes_right_answers_of_another_shape(monkeypatch, capsys, exercise, answer, text):
    put(monkeypatch, FUNCTIONS[exercise], answer)

    said = advice(exercise, capsys)

    assert text in said
    assert bool(said) == bool(text)


@pytest.mark.exercise(id="cn-1.4")
def test_check_refuses_a_way_back_that_loses_ties(monkeypatch):
    def answer(dout, cache):
        x = cache[0]
        return to_all_ties(dout, cache) * (len(np.unique(x)) == x[0, 0].size)

    put(monkeypatch, "max_pool_backward_naive", answer)

    assert "arrives in a window where pixels share the maximum" in refusal("cn-1.4")


def over_the_image(dout, cache):
    x, pool_param = cache
    out = layers.max_pool_forward_naive(x, pool_param)[0]
    dx = np.zeros_like(x)
    for n, c, i, j in np.ndindex(*dout.shape):
        dx[n, c] += (x[n, c] == out[n, c, i, j]) * dout[n, c, i, j]
    return dx


@pytest.mark.exercise(id="cn-1.4")
def test_check_tells_equal_pixels_outside_of_a_window_from_lost_ties(monkeypatch):
    put(monkeypatch, "max_pool_backward_naive", over_the_image)
    spread = refusal("cn-1.4")
    put(monkeypatch, "max_pool_backward_naive", lambda d, c: to_all_ties(d, c) * bool(c[0].all()))
    lost = refusal("cn-1.4")

    assert "40 arrives" in spread
    assert "Likely cause: pixels outside of a window get its gradient" in spread
    assert "Likely cause" not in lost
    assert "stop the layer" not in spread + lost  # nothing stopped


@pytest.mark.exercise(id="cn-1.4")
def test_check_advises_of_cached_images_that_are_written_into(monkeypatch, capsys):
    def answer(dout, cache):
        x, _ = cache
        x -= x.max()
        return to_all_ties(dout, cache)

    put(monkeypatch, "max_pool_backward_naive", answer)

    assert "max_pool_backward_naive overwrites an array that it was" in advice("cn-1.4", capsys)


@pytest.mark.exercise(id="cn-1.2")
def test_an_empty_slice_is_not_said_to_be_another_pad(monkeypatch):
    put(monkeypatch, "conv_backward_naive", cropped(from_minus_pad))

    assert "as if the pad were" not in refusal("cn-1.2")


@pytest.mark.parametrize(
    ("exercise", "name", "options"),
    [
        of("cn-3.1", "cn-3.1", "spatial_batchnorm_forward", {"mode": "train"}),
        of("cn-3.3", "cn-3.3", "spatial_groupnorm_forward", {}),
    ],
)
def test_a_fixed_eps_is_not_said_to_be_the_result_of_an_earlier_call(
    monkeypatch, exercise, name, options
):
    right = getattr(layers, name)
    put(monkeypatch, name, lambda *args: right(*args[:-1], dict(options)))

    said = refusal(exercise)
    assert "Likely cause: eps is 1e-05 here" in said
    assert "earlier call" not in said


@pytest.mark.exercise(id="cn-3.1")
def test_an_eps_of_its_own_names_bn_param(monkeypatch):
    right = layers.batchnorm_forward
    put(monkeypatch, "batchnorm_forward", lambda x, g, b, _: right(x, g, b, {"mode": "train"}))

    assert "whatever bn_param says: does batchnorm_forward get bn_param itself" in refusal("cn-3.1")


@pytest.mark.exercise(id="cn-3.1")
def test_check_says_that_the_batch_norm_below_is_wrong(monkeypatch):
    def batchnorm(x, gamma, beta, bn_param):
        return gamma * (x - np.median(x, axis=0)) + beta, None

    put(monkeypatch, "batchnorm_forward", batchnorm)

    assert "batchnorm_forward is not right either: mend exercise bn-1.1 first" in refusal("cn-3.1")

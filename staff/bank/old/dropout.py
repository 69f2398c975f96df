"""Answers to the exercises on dropout."""

from __future__ import annotations

from staff.bank.answer import Answer

_MASK = "(rng.rand(*x.shape) < p).astype(x.dtype) / p"
_RETURN = "return x * mask, (dropout_param, mask)"


def _mask(title: str, new: str, names: str = "", verdict: str = "wrong") -> Answer:
    """Return a training-time forward pass with another mask."""
    return Answer("do-1.1", title, new, _MASK, names=names, verdict=verdict)


TRAIN = [
    _mask(
        "p read as the probability of dropping", "(rng.rand(*x.shape) >= p) / (1 - p)", "KEEPING"
    ),
    _mask("dropped with p, scaled by 1/p", "(rng.rand(*x.shape) >= p) / p", "KEEPING"),
    _mask("kept with p, scaled by 1/(1 - p)", "(rng.rand(*x.shape) < p) / (1 - p)", "1 - p"),
    _mask("not scaled", "(rng.rand(*x.shape) < p) * 1.0", "not divided by p"),
    _mask("multiplied by p", "(rng.rand(*x.shape) < p) * p", "multiplied by p"),
    _mask("normal instead of uniform numbers", "(rng.randn(*x.shape) < p) / p", "normal|randn"),
    _mask(
        "one number for each column", "(rng.rand(x.shape[-1]) < p) / p * np.ones(x.shape)", "column"
    ),
    _mask(
        "one number for each row",
        "(rng.rand(x.shape[0]) < p).reshape(-1, *[1] * (x.ndim - 1)) / p * np.ones(x.shape)",
        "row",
    ),
    _mask(
        "one number for the whole array",
        "(rng.rand() < p) / p * np.ones(x.shape)",
        "nothing|everything",
    ),
    _mask("everything dropped", "np.zeros(x.shape)", "everything"),
    _mask("nothing dropped", "np.ones(x.shape) / p", "nothing"),
    _mask("integers: rounded to all or nothing", "np.round(rng.rand(*x.shape) * p) / p", "dropped"),
    _mask("2-D input only", "(rng.rand(x.shape[0], x.shape[1]) < p) / p", "IndexError|ValueError"),
    _mask(
        "first part of the units kept",
        "(np.arange(x.size).reshape(x.shape) < p * x.size) / p",
        "one number for each value",
    ),
    _mask(
        "same mask in each call", "(np.random.RandomState(0).rand(*x.shape) < p) / p", "same mask"
    ),
    _mask(
        "global stream used in spite of the seed",
        "(np.random.rand(*x.shape) < p) / p",
        "same seed",
    ),
    Answer(
        "do-1.1",
        "mask added instead of multiplied",
        "return x + mask, (dropout_param, mask)",
        _RETURN,
        names="nothing was dropped",
    ),
    Answer("do-1.1", "mask returned", "return mask, (dropout_param, mask)", _RETURN, names="mask"),
    Answer(
        "do-1.1",
        "cache holds the mask alone",
        "return x * mask",
        _RETURN,
        names="should return out, cache",
    ),
    Answer(
        "do-1.1",
        "vanilla dropout: nothing scaled in training",
        """
        mask = (rng.rand(*x.shape) < p).astype(x.dtype)
        return x * mask, (dropout_param, mask)
        """,
        names="not divided by p",
    ),
    Answer(
        "do-1.1",
        "caller's x overwritten",
        """
        mask = (rng.rand(*x.shape) < p).astype(x.dtype) / p
        x *= mask
        return x, (dropout_param, mask)
        """,
        verdict="advice",
        names="overwrites",
    ),
    _mask("float64 mask", "(rng.rand(*x.shape) < p) / p", "float64", "advice"),
    _mask("binomial", "rng.binomial(1, p, size=x.shape).astype(x.dtype) / p", verdict="right"),
    _mask(
        "random_sample", "(rng.random_sample(x.shape) <= p).astype(x.dtype) / p", verdict="right"
    ),
    _mask(
        "choice",
        "rng.choice([0, 1], size=x.shape, p=[1 - p, p]).astype(x.dtype) / p",
        verdict="right",
    ),
    _mask(
        "kept above 1 - p",
        "(rng.uniform(size=x.shape) > 1 - p).astype(x.dtype) / p",
        verdict="right",
    ),
    Answer(
        "do-1.1",
        "boolean mask, scaled afterwards, scaled mask cached",
        """
        kept = rng.rand(*x.shape) < p
        out = np.where(kept, x, 0) / p
        return out, (dropout_param, np.where(kept, 1 / p, 0).astype(x.dtype))
        """,
        verdict="right",
    ),
]

TEST = [
    Answer(
        "do-1.2", "scaled by p", "return x * p, (dropout_param, None)", names="during training only"
    ),
    Answer("do-1.2", "scaled by 1/p", "return x / p, (dropout_param, None)", names="divided by p"),
    Answer("do-1.2", "scaled by 1 - p", "return x * (1 - p), (dropout_param, None)", names="1 - p"),
    Answer(
        "do-1.2",
        "drops at test time too",
        """
        mask = (rng.rand(*x.shape) < p) / p
        return x * mask, (dropout_param, mask)
        """,
        names="drop",
    ),
    Answer("do-1.2", "nothing returned", "pass", names="returned nothing"),
    Answer(
        "do-1.2", "zeros", "return np.zeros_like(x), (dropout_param, None)", names="zero everywhere"
    ),
    Answer("do-1.2", "a copy", "return x.copy(), (dropout_param, None)", verdict="right"),
    Answer("do-1.2", "mask of ones", "return x, (dropout_param, np.ones_like(x))", verdict="right"),
]

_BACK = "return dout * mask"
BACKWARD = [
    Answer("do-1.3", "mask not applied", "return dout", _BACK, names="mask is not applied"),
    Answer(
        "do-1.3",
        "factor 1/p missing",
        "return dout * (mask > 0)",
        _BACK,
        names="factor 1/p is missing",
    ),
    Answer(
        "do-1.3",
        "factor 1/p twice",
        "return dout * mask / cache[0]['p']",
        _BACK,
        names="applied twice",
    ),
    Answer("do-1.3", "mask alone", "return mask", _BACK, names="mask"),
    Answer("do-1.3", "zeros", "return dout * 0", _BACK, names="zero everywhere"),
    Answer("do-1.3", "turned mask", "return dout * (mask == 0)", _BACK, names="wrong way"),
    Answer("do-1.3", "divided by the mask", "return dout / np.maximum(mask, 1)", _BACK, names="dx"),
    Answer(
        "do-1.3",
        "a new mask drawn",
        "p = cache[0]['p']\n    return dout * (np.random.rand(*dout.shape) < p) / p",
        _BACK,
        names="mask",
    ),
    Answer("do-1.3", "nothing returned", "dx = dout * mask", _BACK, names="returned nothing"),
    Answer(
        "do-1.3",
        "mask spoilt by the first call",
        "mask *= dout\n    return mask",
        _BACK,
        names="second call",
    ),
    Answer(
        "do-1.3",
        "works in dout",
        "dout *= mask\n    return dout",
        _BACK,
        verdict="advice",
        names="overwrites",
    ),
    Answer(
        "do-1.3",
        "np.where",
        "return np.where(mask > 0, dout / cache[0]['p'], 0)",
        _BACK,
        verdict="right",
    ),
    Answer("do-1.3", "np.multiply", "return np.multiply(mask, dout)", _BACK, verdict="right"),
]

NET = [
    Answer(
        "do-2.1",
        "dropout left out in the forward pass",
        "return out, (inner, None)",
        region=0,
        names="dropout",
    ),
    Answer(
        "do-2.1",
        "dropout left out in the backward pass",
        "dout = dout",
        region=1,
        names="way back is dropout",
    ),
    Answer(
        "do-2.1",
        "dropout applied to the input of the layer",
        """
        dropped, dropout_cache = dropout_forward(x, dropout_param)
        out, inner = affine_relu_forward(dropped, w, b)
        return out, (inner, dropout_cache)
        """,
        region=0,
        names="dropout|shape",
    ),
    Answer(
        "do-2.1",
        "dropout applied twice",
        """
        out, dropout_cache = dropout_forward(out, dropout_param)
        out, dropout_cache = dropout_forward(out, dropout_param)
        return out, (inner, dropout_cache)
        """,
        region=0,
        names="dropout",
    ),
    Answer(
        "do-2.1",
        "result of dropout thrown away",
        """
        _, dropout_cache = dropout_forward(out, dropout_param)
        return out, (inner, dropout_cache)
        """,
        region=0,
        names="dropout",
    ),
    Answer(
        "do-2.1",
        "dropout always in train mode",
        """
        out, dropout_cache = dropout_forward(out, {**dropout_param, "mode": "train"})
        return out, (inner, dropout_cache)
        """,
        region=0,
        names="test mode",
    ),
    Answer(
        "do-2.1",
        "dropout's keep probability turned",
        """
        turned = {**dropout_param, "p": 1 - dropout_param["p"]}
        out, dropout_cache = dropout_forward(out, turned)
        return out, (inner, dropout_cache)
        """,
        region=0,
        names="dropout|KEEPING|1 - p",
    ),
    Answer(
        "do-2.1",
        "dropout before the ReLU",
        """
        a, fc_cache = affine_forward(x, w, b)
        dropped, dropout_cache = dropout_forward(a, dropout_param)
        out, relu_cache = relu_forward(dropped)
        return out, ((None, (fc_cache, relu_cache)), dropout_cache)
        """,
        region=0,
        names="normalization|dropout",
    ),
    Answer(
        "do-2.1",
        "caches in another tuple",
        """
        dropped, dropout_cache = dropout_forward(out, dropout_param)
        return dropped, tuple([inner, dropout_cache])
        """,
        region=0,
        verdict="right",
    ),
]

ANSWERS = [*TRAIN, *TEST, *BACKWARD, *NET]

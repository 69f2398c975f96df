"""Wrong answers that remember what they should not, or forget what they should remember."""

from __future__ import annotations

from staff.bank.answer import Answer

_AFFINE = "rows = x.reshape(x.shape[0], -1)\n"
_KEPT = "an earlier call|another forward pass"

LAYERS = [
    Answer(
        "fc-1.1",
        "results kept by shape",
        """
        seen = affine_forward.__dict__
        key = (x.shape, w.shape)
        if key not in seen:
            seen[key] = x.reshape(x.shape[0], -1) @ w + b
        return seen[key], (x, w, b)
        """,
        names=_KEPT,
    ),
    Answer(
        "fc-1.1",
        "one output array for all calls of a shape",
        """
        seen = affine_forward.__dict__
        out = seen.setdefault((len(x), len(b)), np.empty((len(x), len(b))))
        out[:] = x.reshape(x.shape[0], -1) @ w + b
        return out, (x, w, b)
        """,
        names=_KEPT,
    ),
    Answer(
        "fc-1.1",
        "results summed over the calls",
        """
        out = x.reshape(x.shape[0], -1) @ w + b
        out = out + getattr(affine_forward, "total", 0)
        affine_forward.total = float(out.sum())
        return out, (x, w, b)
        """,
        names="off",
    ),
    Answer(
        "fc-1.2",
        "what the last forward pass saw, from a global",
        "x, w, _ = LAST[0]\n"
        "rows = x.reshape(x.shape[0], -1)\n"
        "return (dout @ w.T).reshape(x.shape), rows.T @ dout, dout.sum(axis=0)",
        names=_KEPT,
        also=(
            ("return out, (x, w, b)", "LAST[:] = [(x, w, b)]\n    return out, (x, w, b)"),
            ("\ndef affine_forward", "\nLAST = []\n\n\ndef affine_forward"),
        ),
    ),
    Answer(
        "fc-1.2",
        "gradients kept by shape",
        """
        rows = x.reshape(x.shape[0], -1)
        grads = (dout @ w.T).reshape(x.shape), rows.T @ dout, dout.sum(axis=0)
        return affine_backward.__dict__.setdefault((x.shape, w.shape), grads)
        """,
        names=_KEPT,
    ),
    Answer(
        "fc-1.2",
        "gradients added up over the calls",
        """
        rows = x.reshape(x.shape[0], -1)
        dw = affine_backward.__dict__.setdefault(w.shape, np.zeros_like(w))
        dw += rows.T @ dout
        return (dout @ w.T).reshape(x.shape), dw, dout.sum(axis=0)
        """,
        names="second call",
    ),
    Answer(
        "fc-1.3",
        "results kept by shape",
        "return relu_forward.__dict__.setdefault(x.shape, np.maximum(x, 0)), x",
        names=_KEPT,
    ),
    Answer(
        "fc-1.3",
        "one output array for all calls of a shape",
        """
        out = relu_forward.__dict__.setdefault(x.shape, np.empty(x.shape))
        np.maximum(x, 0, out=out)
        return out, x
        """,
        names=_KEPT,
    ),
    Answer(
        "fc-1.4",
        "what the last forward pass saw, from a function attribute",
        "return dout * (relu_forward.last > 0)",
        names=_KEPT,
        also=(
            (
                "return np.maximum(x, 0), x",
                "relu_forward.last = x\n    return np.maximum(x, 0), x",
            ),
        ),
    ),
    Answer(
        "fc-1.4",
        "one array of gradients for all calls of a shape",
        """
        dx = relu_backward.__dict__.setdefault(x.shape, np.empty(x.shape))
        dx[...] = dout * (x > 0)
        return dx
        """,
        names=_KEPT,
    ),
    Answer(
        "fc-1.4",
        "the cached x cleared after use",
        "dx = dout * (x > 0)\nx[...] = 0\nreturn dx",
        verdict="advice",
        names="overwrites",
    ),
    Answer(
        "fc-1.5",
        "cache of the last call, from a global",
        "fc_cache, relu_cache = LAST[0]",
        "fc_cache, relu_cache = cache",
        anywhere=True,
        names=_KEPT,
        also=(
            (
                "    return out, (fc_cache, relu_cache)\n",
                "    LAST[:] = [(fc_cache, relu_cache)]\n    return out, LAST[0]\n",
            ),
            (
                'NORMALIZATIONS = ("batchnorm", "layernorm")',
                'LAST = []\nNORMALIZATIONS = ("batchnorm", "layernorm")',
            ),
        ),
    ),
    Answer(
        "fc-1.6",
        "losses kept by shape",
        "return softmax_loss.__dict__.setdefault(x.shape, -float(log_probs[rows, y].mean())), dx / x.shape[0]",
        "return -float(log_probs[rows, y].mean()), dx / x.shape[0]",
        anywhere=True,
        names=_KEPT,
    ),
]

_MASK = "mask = (rng.rand(*x.shape) < p).astype(x.dtype) / p\n"
DROPOUT = [
    Answer(
        "do-1.1",
        "one mask for all calls of a shape",
        """
        masks = dropout_forward.__dict__
        mask = masks.setdefault((x.shape, p, seed), (rng.rand(*x.shape) < p).astype(x.dtype) / p)
        return x * mask, (dropout_param, mask)
        """,
        names="same mask",
    ),
    Answer(
        "do-1.1",
        "seed taken away after the first call",
        f'{_MASK}dropout_param.pop("seed", None)\nreturn x * mask, (dropout_param, mask)',
        names="only read|seed",
    ),
    Answer(
        "do-1.1",
        "mode switched to test after the first call",
        f'{_MASK}dropout_param["mode"] = "test"\nreturn x * mask, (dropout_param, mask)',
        names="only read|mode",
    ),
    Answer(
        "do-1.1",
        "keep probability wears off from call to call",
        f'{_MASK}dropout_param["p"] = 0.99 * p\nreturn x * mask, (dropout_param, mask)',
        names="only read|p",
    ),
    Answer(
        "do-1.1",
        "seeded with 0 where no seed is given",
        "rng = np.random.RandomState(seed or 0)\n"
        + _MASK
        + "return x * mask, (dropout_param, mask)",
        names="same mask",
    ),
    Answer(
        "do-1.1",
        "a large mask cut to size, so that every call starts with the same numbers",
        "big = np.random.RandomState(seed or len(x)).rand(x.size)\n"
        "mask = (big.reshape(x.shape) < p).astype(x.dtype) / p\n"
        "return x * mask, (dropout_param, mask)",
        names="same mask",
    ),
    Answer(
        "do-1.1",
        "half a mask, laid twice",
        "half = rng.rand((x.size + 1) // 2) < p\n"
        "mask = np.resize(half, x.shape).astype(x.dtype) / p\n"
        "return x * mask, (dropout_param, mask)",
        names="repeat|same mask",
    ),
    Answer(
        "do-1.2",
        "in test mode the mean of the input, kept from training",
        "return x - x.mean() + dropout_forward.__dict__.setdefault('mean', x.mean()),"
        " (dropout_param, None)",
        names="test mode",
    ),
    Answer(
        "do-1.2",
        "in test mode the result of the first call",
        "return dropout_forward.__dict__.setdefault(x.shape, x.copy()), (dropout_param, None)",
        names=_KEPT,
    ),
    Answer(
        "do-1.3",
        "mask kept in dropout_param, which all layers share",
        'mask = cache[0].get("mask")\nreturn dout if mask is None else dout * mask',
        names=_KEPT,
        also=(
            (
                "return x * mask, (dropout_param, mask)",
                'dropout_param["mask"] = mask\n        return x * mask, (dropout_param, mask)',
            ),
            (
                "return x, (dropout_param, None)",
                'dropout_param["mask"] = None\n    return x, (dropout_param, None)',
            ),
        ),
    ),
    Answer(
        "do-1.3",
        "mask kept in a function attribute",
        "mask = dropout_forward.mask\nreturn dout if cache[1] is None else dout * mask",
        names=_KEPT,
        also=(
            (
                "return x * mask, (dropout_param, mask)",
                "dropout_forward.mask = mask\n        return x * mask, (dropout_param, mask)",
            ),
        ),
    ),
    Answer(
        "do-1.3",
        "mask drawn again from the seed",
        """
        if cache[1] is None:
            return dout
        seed, p = cache[0].get("seed", 0), cache[0]["p"]
        return dout * (np.random.RandomState(seed).rand(*dout.shape) < p) / p
        """,
        names="without a seed|mask",
    ),
    Answer(
        "do-1.3",
        "mode asked for now, not that of the forward pass",
        """
        if cache[0]["mode"] == "test":
            return dout
        return dout * cache[1]
        """,
        verdict="right",
    ),
]

RULES = [
    Answer(
        "fc-4.1",
        "velocity of the last call, whatever the parameter",
        """
        own = sgd_momentum.__dict__.setdefault("own", {})
        v = config["momentum"] * own.get(w.shape, 0) - config["learning_rate"] * dw
        own[w.shape] = config["velocity"] = v
        return w + v, config
        """,
        names="velocity",
    ),
    Answer(
        "fc-4.1",
        "velocity overwritten by the step",
        """
        v = config["momentum"] * config["velocity"] - config["learning_rate"] * dw
        config["velocity"] = v
        v += w
        return v, config
        """,
        names="overwritten|next_w",
    ),
    Answer(
        "fc-4.1",
        "config emptied",
        """
        v = config["momentum"] * config["velocity"] - config["learning_rate"] * dw
        return w + v, {"velocity": v}
        """,
        names="momentum|lacks|keeps|lost",
    ),
    Answer(
        "fc-4.1",
        "learning rate halved in each step",
        """
        v = config["momentum"] * config["velocity"] - config["learning_rate"] * dw
        config["velocity"] = v
        config["learning_rate"] *= 0.5
        return w + v, config
        """,
        names="learning_rate",
    ),
    Answer(
        "fc-4.2",
        "running average in a global",
        """
        own = rmsprop.__dict__.setdefault("own", {})
        decay = config["decay_rate"]
        cache = decay * own.get(w.shape, 0) + (1 - decay) * dw**2
        own[w.shape] = config["cache"] = cache
        return w - config["learning_rate"] * dw / (np.sqrt(cache) + config["epsilon"]), config
        """,
        names="cache",
    ),
    Answer(
        "fc-4.2",
        "root of the average stored",
        """
        decay = config["decay_rate"]
        cache = decay * config["cache"] + (1 - decay) * dw**2
        root = np.sqrt(cache, out=cache)
        config["cache"] = cache
        return w - config["learning_rate"] * dw / (root + config["epsilon"]), config
        """,
        names="root",
    ),
    Answer(
        "fc-4.3",
        "t counted in a function attribute over all parameters",
        """
        beta1, beta2 = config["beta1"], config["beta2"]
        adam.__dict__["t"] = t = adam.__dict__.get("t", 0) + 1
        m = beta1 * config["m"] + (1 - beta1) * dw
        v = beta2 * config["v"] + (1 - beta2) * dw**2
        config.update(t=t, m=m, v=v)
        m, v = m / (1 - beta1**t), v / (1 - beta2**t)
        return w - config["learning_rate"] * m / (np.sqrt(v) + config["epsilon"]), config
        """,
        names="'t'",
    ),
    Answer(
        "fc-4.3",
        "t increased only if it is 0",
        't = config["t"] or 1',
        't = config["t"] + 1',
        names="'t'",
        also=(),
    ),
    Answer(
        "fc-4.3",
        "moments corrected in place",
        "m /= 1 - beta1**t\n    m_hat = m\n    v_hat = v / (1 - beta2**t)",
        "m_hat = m / (1 - beta1**t)\n    v_hat = v / (1 - beta2**t)",
        names="corrected|plain",
    ),
    Answer(
        "fc-4.3",
        "m and v share one array",
        """
        beta1, beta2, t = config["beta1"], config["beta2"], config["t"] + 1
        m = config["m"]
        m *= beta1
        m += (1 - beta1) * dw
        v = m
        v *= beta2
        v += (1 - beta2) * dw**2
        config.update(t=t, m=m, v=v)
        m, v = m / (1 - beta1**t), v / (1 - beta2**t)
        return w - config["learning_rate"] * m / (np.sqrt(v) + config["epsilon"]), config
        """,
        names=r"\['m'\]",
    ),
]

ANSWERS = [*LAYERS, *DROPOUT, *RULES]

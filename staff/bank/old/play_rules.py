"""Wrong dropout and update rules of odd types, sizes and signs."""

from __future__ import annotations

from staff.bank.answer import Answer

_MASK = "(rng.rand(*x.shape) < p).astype(x.dtype) / p"
_DROP_OUT = "return x * mask, (dropout_param, mask)"
DROPOUT = [
    Answer(
        "do-1.1",
        "a matrix of integers",
        "(rng.rand(*x.shape) < p).astype(int) // p",
        _MASK,
        names="0.8 times",
    ),
    Answer(
        "do-1.1",
        "scaled by the share that happened to stay",
        "(lambda k: k / k.mean())((rng.rand(*x.shape) < p) * 1.0)",
        _MASK,
        names="share|1/p|expected",
    ),
    Answer(
        "do-1.1",
        "exactly p of the values kept",
        "(rng.permutation(x.size).reshape(x.shape) < round(p * x.size)) / p",
        _MASK,
        names="exactly",
        verdict="advice",
    ),
    Answer(
        "do-1.1",
        "values dropped to NaN",
        "return np.where(mask > 0, x * mask, np.nan), (dropout_param, mask)",
        _DROP_OUT,
        names="NaN",
    ),
    Answer(
        "do-1.1",
        "dropped values removed",
        "return x[mask > 0] * mask[mask > 0], (dropout_param, mask)",
        _DROP_OUT,
        names="shape",
    ),
    Answer(
        "do-1.1",
        "a list",
        "return (x * mask).tolist(), (dropout_param, mask)",
        _DROP_OUT,
        names="is a list",
    ),
    Answer(
        "do-1.1",
        "noise added where values were dropped",
        "return x * mask + 1e-3 * (mask == 0), (dropout_param, mask)",
        _DROP_OUT,
        names="nothing was dropped",
    ),
    Answer(
        "do-1.1", "scaled by the root of p", "(rng.rand(*x.shape) < p) / p**0.5", _MASK, names="out"
    ),
    Answer(
        "do-1.1",
        "checkerboard",
        "(np.indices(x.shape).sum(axis=0) % 2 < 1) / 0.5",
        _MASK,
        names="expected about",
    ),
    Answer(
        "do-1.1",
        "one mask for pairs of columns",
        "(np.repeat(rng.rand(*x.shape[:-1], (x.shape[-1] + 1) // 2), 2, axis=-1)[..., : x.shape[-1]] < p) / p",
        _MASK,
        names="repeat|column",
    ),
    Answer(
        "do-1.2",
        "cache only",
        "return (dropout_param, None)",
        "return x, (dropout_param, None)",
        names="is a dict",
    ),
    Answer(
        "do-1.2",
        "rounded",
        "return x.round(2), (dropout_param, None)",
        "return x, (dropout_param, None)",
        names="rounded",
    ),
    Answer(
        "do-1.2",
        "flattened",
        "return x.ravel(), (dropout_param, None)",
        "return x, (dropout_param, None)",
        names="shape",
    ),
    Answer(
        "do-1.2",
        "negative",
        "return -x, (dropout_param, None)",
        "return x, (dropout_param, None)",
        names="sign",
    ),
    Answer(
        "do-1.2",
        "a view that the caller's next batch overwrites",
        "out = dropout_forward.__dict__.setdefault('buffer', np.empty_like(x))\n    out[...] = x\n    return out, (dropout_param, None)",
        "return x, (dropout_param, None)",
        names="written into again",
    ),
]

_V = 'v = config["momentum"] * config["velocity"] - config["learning_rate"] * dw'
_RETURN = "return w + v, config"
RULES = [
    Answer("fc-4.1", "a list", "return [*(w + v)], config", _RETURN, names="is a list"),
    Answer("fc-4.1", "config first", "return config, w + v", _RETURN, names="config|dict"),
    Answer("fc-4.1", "velocity in place of config", "return w + v, v", _RETURN, names="config"),
    Answer(
        "fc-4.1",
        "velocity as a list",
        'config["velocity"] = list(v)',
        'config["velocity"] = v',
        names="is a list",
    ),
    Answer(
        "fc-4.1",
        "velocity of the mean gradient",
        _V.replace("dw", "dw.mean()"),
        _V,
        names="off|velocity",
    ),
    Answer("fc-4.1", "sign of the gradient", _V.replace("* dw", "* np.sign(dw)"), _V, names="sign"),
    Answer(
        "fc-4.1",
        "momentum squared",
        _V.replace('config["momentum"]', 'config["momentum"] ** 2'),
        _V,
        names="momentum|velocity",
    ),
    Answer("fc-4.1", "None for config", "return w + v, None", _RETURN, names="NoneType"),
    Answer(
        "fc-4.2",
        "step with the square of the gradient",
        'step = config["learning_rate"] * dw**2 / (np.sqrt(cache) + config["epsilon"])',
        'step = config["learning_rate"] * dw / (np.sqrt(cache) + config["epsilon"])',
        names="squared|next_w",
    ),
    Answer(
        "fc-4.2",
        "one average for the whole parameter",
        "cache = decay * config['cache'] + (1 - decay) * (dw**2).mean()",
        "cache = decay * config['cache'] + (1 - decay) * dw**2".replace("'", '"'),
        names="whole|mean|cache",
    ),
    Answer(
        "fc-4.2",
        "multiplied with the root",
        'step = config["learning_rate"] * dw * (np.sqrt(cache) + config["epsilon"])',
        'step = config["learning_rate"] * dw / (np.sqrt(cache) + config["epsilon"])',
        names="multipl|divid",
    ),
    Answer(
        "fc-4.2",
        "cache as a number",
        'config["cache"] = float(cache.mean())',
        'config["cache"] = cache',
        names="is a float",
    ),
    Answer(
        "fc-4.2",
        "whole norm in the root",
        'step = config["learning_rate"] * dw / (np.sqrt(cache.sum()) + config["epsilon"])',
        'step = config["learning_rate"] * dw / (np.sqrt(cache) + config["epsilon"])',
        names="next_w",
    ),
    Answer(
        "fc-4.3",
        "t as an array",
        "config.update(t=np.full_like(w, t), m=m, v=v)",
        "config.update(t=t, m=m, v=v)",
        names="'t'",
    ),
    Answer(
        "fc-4.3",
        "t as text",
        "config.update(t=str(t), m=m, v=v)",
        "config.update(t=t, m=m, v=v)",
        names="'t'",
    ),
    Answer(
        "fc-4.3",
        "m_hat for v_hat",
        "(np.sqrt(np.abs(m_hat)) + config",
        "(np.sqrt(v_hat) + config",
        names="next_w",
    ),
    Answer(
        "fc-4.3",
        "beta**t with the exponents exchanged",
        "m_hat = m / (1 - beta2**t)\n    v_hat = v / (1 - beta1**t)",
        "m_hat = m / (1 - beta1**t)\n    v_hat = v / (1 - beta2**t)",
        names="exchanged|its own",
    ),
    Answer(
        "fc-4.3",
        "t**beta",
        "m_hat = m / (1 - t**beta1 / 9)\n    v_hat = v / (1 - t**beta2 / 9)",
        "m_hat = m / (1 - beta1**t)\n    v_hat = v / (1 - beta2**t)",
        names=r"beta\*\*t",
    ),
    Answer(
        "fc-4.3",
        "beta ^ t",
        "m_hat = m / (1 - beta1 ^ t)\n    v_hat = v / (1 - beta2 ^ t)",
        "m_hat = m / (1 - beta1**t)\n    v_hat = v / (1 - beta2**t)",
        names="TypeError",
    ),
    Answer(
        "fc-4.3",
        "gradient in place of m_hat",
        "* dw / (np.sqrt(v_hat)",
        "* m_hat / (np.sqrt(v_hat)",
        names="gradient",
    ),
]
ANSWERS = [*DROPOUT, *RULES]

"""Right dropout and update rules, written in unusual ways."""

from __future__ import annotations

from staff.bank.answer import Answer


def _right(exercise: str, title: str, new: str, old: str = "", **more: object) -> Answer:
    """Return a right answer."""
    return Answer(exercise, title, new, old, verdict="right", **more)  # type: ignore[arg-type]


DROPOUT = [
    _right(
        "do-1.1",
        "np.where on the draws",
        "np.where(rng.rand(*x.shape) < p, 1 / p, 0).astype(x.dtype)",
        "(rng.rand(*x.shape) < p).astype(x.dtype) / p",
    ),
    _right(
        "do-1.1",
        "an array of draws, dropped by index",
        """
        draws = rng.uniform(0, 1, x.shape)
        out, mask = x / p, np.full(x.shape, 1 / p, dtype=x.dtype)
        out[draws >= p] = 0
        mask[draws >= p] = 0
        return out.astype(x.dtype), (dropout_param, mask)
        """,
    ),
    _right(
        "do-1.1",
        "seeding the global stream, as editions before this one did",
        """
        if seed is not None:
            np.random.seed(seed)
        mask = ((np.random.rand(*x.shape) < p) / p).astype(x.dtype)
        return x * mask, (dropout_param, mask)
        """,
    ),
    _right(
        "do-1.1",
        "flat draws",
        "(rng.rand(x.size) < p).reshape(x.shape).astype(x.dtype) / p",
        "(rng.rand(*x.shape) < p).astype(x.dtype) / p",
    ),
    _right(
        "do-1.1",
        "floor of p plus a draw",
        "np.floor(p + rng.rand(*x.shape)).astype(x.dtype) / p",
        "(rng.rand(*x.shape) < p).astype(x.dtype) / p",
    ),
    _right(
        "do-1.1",
        "mask noted in the options too",
        "mask = (rng.rand(*x.shape) < p).astype(x.dtype) / p\ndropout_param['last'] = mask\nreturn x * mask, (dropout_param, mask)",
    ),
    _right("do-1.2", "multiplied by one", "return 1.0 * x, (dropout_param, None)"),
    _right(
        "do-1.3",
        "a closure as the cache",
        "return cache(dout)",
        also=(
            ("return x * mask, (dropout_param, mask)", "return x * mask, lambda dout: dout * mask"),
            ("return x, (dropout_param, None)", "return x, lambda dout: dout"),
        ),
    ),
    _right(
        "do-1.3",
        "np.einsum",
        "return dout if cache[1] is None else np.einsum('...,...->...', dout, cache[1])",
    ),
    _right(
        "do-1.3",
        "boolean mask in the cache",
        "options, kept = cache\nreturn dout if kept is None else np.where(kept, dout / options['p'], 0)",
        also=(
            (
                "return x * mask, (dropout_param, mask)",
                "return x * mask, (dropout_param, mask > 0)",
            ),
        ),
    ),
]

_V = 'v = config["momentum"] * config["velocity"] - config["learning_rate"] * dw'
RULES = [
    _right(
        "fc-4.1",
        "velocity of the other sign inside",
        """
        rate, keep = config["learning_rate"], config["momentum"]
        downhill = -config["velocity"] * keep + rate * dw
        config["velocity"] = -downhill
        return w - downhill, config
        """,
    ),
    _right(
        "fc-4.1",
        "velocity updated in its own array",
        """
        v = config["velocity"]
        v *= config["momentum"]
        v -= config["learning_rate"] * dw
        return w + v, config
        """,
    ),
    _right(
        "fc-4.1",
        "a new dict",
        'return w + v, {**config, "velocity": v}',
        'config["velocity"] = v\n    return w + v, config',
    ),
    _right(
        "fc-4.1",
        "np.add and np.subtract",
        "v = np.subtract(np.multiply(config['momentum'], config['velocity']), config['learning_rate'] * dw)",
        _V,
    ),
    _right(
        "fc-4.2",
        "cache updated in its own array",
        """
        cache = config["cache"]
        cache *= config["decay_rate"]
        cache += (1 - config["decay_rate"]) * np.square(dw)
        return w - config["learning_rate"] * dw / (cache**0.5 + config["epsilon"]), config
        """,
    ),
    _right(
        "fc-4.2",
        "a copy of w changed in place",
        """
        d = config["decay_rate"]
        config["cache"] = np.average([config["cache"], dw * dw], axis=0, weights=[d, 1 - d]).astype(w.dtype)
        next_w = w.copy()
        next_w -= config["learning_rate"] * (dw / (np.sqrt(config["cache"]) + config["epsilon"]))
        return next_w, config
        """,
    ),
    _right(
        "fc-4.3",
        "moments in their own arrays, t as a float",
        """
        config["t"] += 1.0
        for key, beta, new in (("m", config["beta1"], dw), ("v", config["beta2"], dw * dw)):
            config[key] *= beta
            config[key] += (1 - beta) * new
        m = config["m"] / (1 - config["beta1"] ** config["t"])
        v = config["v"] / (1 - config["beta2"] ** config["t"])
        return w - config["learning_rate"] * m / (np.sqrt(v) + config["epsilon"]), config
        """,
    ),
    _right(
        "fc-4.3",
        "powers through exp and log",
        "m_hat = m / float(-np.expm1(t * np.log(beta1)))\n    v_hat = v / float(-np.expm1(t * np.log(beta2)))",
        "m_hat = m / (1 - beta1**t)\n    v_hat = v / (1 - beta2**t)",
    ),
    _right(
        "fc-4.3",
        "hats through a helper",
        """
        def average(old, new, beta):
            return beta * old + (1 - beta) * new

        t = config["t"] = config["t"] + 1
        m = config["m"] = average(config["m"], dw, config["beta1"])
        v = config["v"] = average(config["v"], dw**2, config["beta2"])
        hats = [a / (1 - b**t) for a, b in ((m, config["beta1"]), (v, config["beta2"]))]
        step = hats[0] / (np.sqrt(hats[1]) + config["epsilon"])
        return w - config["learning_rate"] * step, config
        """,
    ),
]
ANSWERS = [*DROPOUT, *RULES]

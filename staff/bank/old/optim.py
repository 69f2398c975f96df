"""Answers to the exercises on update rules."""

from __future__ import annotations

from staff.bank.answer import Answer

_V = 'v = config["momentum"] * config["velocity"] - config["learning_rate"] * dw'
MOMENTUM = [
    Answer(
        "fc-4.1",
        "Nesterov's step",
        'return w + config["momentum"] * v - config["learning_rate"] * dw, config',
        "return w + v, config",
        names="Nesterov",
    ),
    Answer(
        "fc-4.1",
        "plain SGD",
        'return w - config["learning_rate"] * dw, config',
        "return w + v, config",
        names="plain SGD",
    ),
    Answer(
        "fc-4.1",
        "velocity subtracted",
        "return w - v, config",
        "return w + v, config",
        names="subtracted",
    ),
    Answer(
        "fc-4.1",
        "learning rate on the whole step",
        """
        config["velocity"] = config["momentum"] * config["velocity"] + dw
        return w - config["learning_rate"] * config["velocity"], config
        """,
        names="learning rate",
    ),
    Answer(
        "fc-4.1",
        "momentum hard-coded",
        _V.replace('config["momentum"]', "0.9"),
        _V,
        names="hard-coded",
    ),
    Answer(
        "fc-4.1",
        "learning rate hard-coded",
        _V.replace('config["learning_rate"]', "1e-2"),
        _V,
        names="learning_rate",
    ),
    Answer(
        "fc-4.1", "velocity not stored", "pass", 'config["velocity"] = v', names="did not change"
    ),
    Answer(
        "fc-4.1",
        "gradient added: uphill",
        _V.replace("- config", "+ config"),
        _V,
        names="uphill|sign",
    ),
    Answer(
        "fc-4.1",
        "velocity as an average of gradients",
        'v = config["momentum"] * config["velocity"] - (1 - config["momentum"])'
        ' * config["learning_rate"] * dw',
        _V,
        names="1 - momentum",
    ),
    Answer(
        "fc-4.1",
        "momentum and learning rate exchanged",
        'v = config["learning_rate"] * config["velocity"] - config["momentum"] * dw',
        _V,
        names="exchanged",
    ),
    Answer(
        "fc-4.1",
        "step with the old velocity",
        """
        old = config["velocity"]
        config["velocity"] = config["momentum"] * old - config["learning_rate"] * dw
        return w + old, config
        """,
        names="old velocity",
    ),
    Answer(
        "fc-4.1",
        "config not returned",
        "return w + v",
        "return w + v, config",
        names="should return",
    ),
    Answer(
        "fc-4.1",
        "velocity stored under another name",
        'config["v"] = v',
        'config["velocity"] = v',
        names="did not change",
    ),
    Answer(
        "fc-4.1",
        "w overwritten",
        """
        v = config["momentum"] * config["velocity"] - config["learning_rate"] * dw
        config["velocity"] = v
        w += v
        return w, config
        """,
        verdict="advice",
        names="overwrites",
    ),
    Answer(
        "fc-4.1",
        "velocity of the other sign, subtracted",
        """
        step = config["learning_rate"] * dw - config["momentum"] * config["velocity"]
        config["velocity"] = -step
        return w - step, config
        """,
        verdict="right",
    ),
    Answer(
        "fc-4.1",
        "in-place work on a temporary",
        """
        v = config.get("velocity", np.zeros_like(w)) * config.get("momentum", 0.9)
        v -= config["learning_rate"] * dw
        config["velocity"] = v
        return np.add(w, v), config
        """,
        verdict="right",
    ),
]

_STEP = 'step = config["learning_rate"] * dw / (np.sqrt(cache) + config["epsilon"])'
_CACHE = 'cache = decay * config["cache"] + (1 - decay) * dw**2'
RMSPROP = [
    Answer(
        "fc-4.2",
        "root missing",
        _STEP.replace("np.sqrt(cache)", "cache"),
        _STEP,
        names="square root",
    ),
    Answer(
        "fc-4.2",
        "old average in the step",
        """
        old, decay = config["cache"], config["decay_rate"]
        config["cache"] = decay * old + (1 - decay) * dw**2
        return w - config["learning_rate"] * dw / (np.sqrt(old) + config["epsilon"]), config
        """,
        names="old average",
    ),
    Answer(
        "fc-4.2", "average not stored", "pass", 'config["cache"] = cache', names="did not change"
    ),
    Answer(
        "fc-4.2",
        "decay swapped",
        "cache = (1 - decay) * config['cache'] + decay * dw**2",
        _CACHE,
        names="decay_rate weighs",
    ),
    Answer(
        "fc-4.2",
        "gradient not squared",
        _CACHE.replace("dw**2", "np.abs(dw)"),
        _CACHE,
        names="squared",
    ),
    Answer(
        "fc-4.2",
        "AdaGrad: sum instead of average",
        "cache = config['cache'] + dw**2",
        _CACHE,
        names="AdaGrad",
    ),
    Answer(
        "fc-4.2",
        "decay hard-coded",
        _CACHE.replace("decay *", "0.99 *").replace("1 - decay", "0.01"),
        _CACHE,
        names="hard-coded",
    ),
    Answer(
        "fc-4.2",
        "plain SGD",
        'step = config["learning_rate"] * dw',
        _STEP,
        names="plain SGD|not scaled",
    ),
    Answer(
        "fc-4.2",
        "epsilon multiplied",
        'step = config["learning_rate"] * dw / (np.sqrt(cache) * config["epsilon"])',
        _STEP,
        names="epsilon",
    ),
    Answer(
        "fc-4.2",
        "step uphill",
        "return w + step, config",
        "return w - step, config",
        names="uphill",
    ),
    Answer(
        "fc-4.2",
        "step without the gradient",
        _STEP.replace(" * dw /", " /"),
        _STEP,
        names="gradient",
    ),
    Answer(
        "fc-4.2",
        "weights one too much: 1 - decay left out",
        "cache = decay * config['cache'] + dw**2",
        _CACHE,
        names="1 - decay_rate",
    ),
    Answer(
        "fc-4.2",
        "bias correction as in Adam",
        """
        decay = config["decay_rate"]
        config["cache"] = decay * config["cache"] + (1 - decay) * dw**2
        corrected = config["cache"] / (1 - decay)
        return w - config["learning_rate"] * dw / (np.sqrt(corrected) + config["epsilon"]), config
        """,
        names="bias correction",
    ),
    Answer(
        "fc-4.2",
        "epsilon inside the root",
        _STEP.replace('np.sqrt(cache) + config["epsilon"]', 'np.sqrt(cache + config["epsilon"])'),
        _STEP,
        verdict="advice",
        names="epsilon",
    ),
    Answer(
        "fc-4.2",
        "epsilon hard-coded",
        _STEP.replace('config["epsilon"]', "1e-8"),
        _STEP,
        verdict="advice",
        names="epsilon",
    ),
    Answer(
        "fc-4.2",
        "epsilon left out: NaN where a gradient is 0",
        _STEP.replace(' + config["epsilon"]', ""),
        _STEP,
        names="epsilon",
    ),
    Answer(
        "fc-4.2",
        "average updated by its difference",
        "cache = config['cache'] + (1 - decay) * (dw * dw - config['cache'])",
        _CACHE,
        verdict="right",
    ),
    Answer(
        "fc-4.2",
        "power -1/2 of a square",
        'step = config["learning_rate"] * dw * (cache**0.5 + config["epsilon"]) ** -1',
        _STEP,
        verdict="right",
    ),
]

_HATS = "m_hat = m / (1 - beta1**t)\n    v_hat = v / (1 - beta2**t)"
_STORE = "config.update(t=t, m=m, v=v)"
_M = 'm = beta1 * config["m"] + (1 - beta1) * dw'
_SECOND = 'v = beta2 * config["v"] + (1 - beta2) * dw**2'
ADAM = [
    Answer(
        "fc-4.3",
        "no bias correction",
        "m_hat, v_hat = m, v",
        _HATS,
        names="bias correction is missing",
    ),
    Answer(
        "fc-4.3", "t never increased", 't = config["t"] or 1', 't = config["t"] + 1', names=r"\bt\b"
    ),
    Answer("fc-4.3", "t not stored", "config.update(m=m, v=v)", _STORE, names=r"\['t'\]"),
    Answer(
        "fc-4.3",
        "t stored one too high",
        "config.update(t=t + 1, m=m, v=v)",
        _STORE,
        names=r"\['t'\]",
    ),
    Answer(
        "fc-4.3",
        "t increased twice",
        't = config["t"] + 2',
        't = config["t"] + 1',
        names=r"\['t'\]",
    ),
    Answer(
        "fc-4.3",
        "t increased after use",
        """
        beta1, beta2, t = config["beta1"], config["beta2"], config["t"]
        m = beta1 * config["m"] + (1 - beta1) * dw
        v = beta2 * config["v"] + (1 - beta2) * dw**2
        config.update(t=t + 1, m=m, v=v)
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        return w - config["learning_rate"] * m_hat / (np.sqrt(v_hat) + config["epsilon"]), config
        """,
        names="before",
    ),
    Answer("fc-4.3", "moments not stored", "config.update(t=t)", _STORE, names="did not change"),
    Answer(
        "fc-4.3",
        "corrected moments stored",
        "config.update(t=t, m=m / (1 - beta1**t), v=v / (1 - beta2**t))",
        _STORE,
        names="corrected",
    ),
    Answer(
        "fc-4.3",
        "correction with beta, not beta**t",
        "m_hat = m / (1 - beta1)\n    v_hat = v / (1 - beta2)",
        _HATS,
        names=r"beta\*\*t",
    ),
    Answer(
        "fc-4.3",
        "correction with 1 + beta**t",
        "m_hat = m / (1 + beta1**t)\n    v_hat = v / (1 + beta2**t)",
        _HATS,
        names=r"beta\*\*t",
    ),
    Answer(
        "fc-4.3",
        "only the first moment corrected",
        "m_hat = m / (1 - beta1**t)\n    v_hat = v",
        _HATS,
        names="correction",
    ),
    Answer(
        "fc-4.3",
        "only the second moment corrected",
        "m_hat = m\n    v_hat = v / (1 - beta2**t)",
        _HATS,
        names="correction",
    ),
    Answer("fc-4.3", "root missing", "(v_hat + config", "(np.sqrt(v_hat) + config", names="root"),
    Answer(
        "fc-4.3",
        "first moment swapped",
        'm = (1 - beta1) * config["m"] + beta1 * dw',
        _M,
        names="beta1 weighs",
    ),
    Answer(
        "fc-4.3",
        "second moment swapped",
        'v = (1 - beta2) * config["v"] + beta2 * dw**2',
        _SECOND,
        names="beta2 weighs",
    ),
    Answer(
        "fc-4.3", "gradient not squared", _SECOND.replace("dw**2", "dw"), _SECOND, names="square"
    ),
    Answer(
        "fc-4.3", "beta1 used for both", _SECOND.replace("beta2", "beta1"), _SECOND, names="beta2"
    ),
    Answer(
        "fc-4.3",
        "betas hard-coded",
        "beta1, beta2 = 0.9, 0.999",
        'beta1, beta2 = config["beta1"], config["beta2"]',
        names="with {",
    ),
    Answer("fc-4.3", "step uphill", "return w + config", "return w - config", names="uphill"),
    Answer(
        "fc-4.3",
        "parenthesis in the second moment",
        'v = beta2 * config["v"] + ((1 - beta2) * dw) ** 2',
        _SECOND,
        names=r"config\['v'\]",
    ),
    Answer(
        "fc-4.3",
        "decay added instead of multiplied",
        _M.replace("beta1 * config", "beta1 + config"),
        _M,
        names=r"config\['m'\]",
    ),
    Answer(
        "fc-4.3",
        "epsilon inside the root",
        'np.sqrt(v_hat + config["epsilon"]), config',
        '(np.sqrt(v_hat) + config["epsilon"]), config',
        verdict="advice",
        names="epsilon",
    ),
    Answer(
        "fc-4.3",
        "epsilon left out: NaN where a gradient is 0",
        "np.sqrt(v_hat), config",
        '(np.sqrt(v_hat) + config["epsilon"]), config',
        names="epsilon",
    ),
    Answer(
        "fc-4.3",
        "the paper's efficient form",
        """
        beta1, beta2 = config["beta1"], config["beta2"]
        config["t"] += 1
        t = config["t"]
        config["m"] = beta1 * config["m"] + (1 - beta1) * dw
        config["v"] = beta2 * config["v"] + (1 - beta2) * dw**2
        rate = config["learning_rate"] * (1 - beta2**t) ** 0.5 / (1 - beta1**t)
        return w - rate * config["m"] / (np.sqrt(config["v"]) + config["epsilon"]), config
        """,
        verdict="advice",
        names="epsilon",
    ),
    Answer(
        "fc-4.3",
        "a variable for each node, moments by their differences",
        """
        lr, b1, b2 = config["learning_rate"], config["beta1"], config["beta2"]
        m, v, t = config["m"], config["v"], config["t"]
        t += 1
        m = m + (1 - b1) * (dw - m)
        v = v + (1 - b2) * (np.square(dw) - v)
        config["m"], config["v"], config["t"] = m, v, t
        first = m / (1 - np.power(b1, t))
        second = v / (1 - np.power(b2, t))
        denominator = np.sqrt(second) + config["epsilon"]
        return w - (lr * first / denominator).astype(w.dtype), config
        """,
        verdict="right",
    ),
]

ANSWERS = [*MOMENTUM, *RMSPROP, *ADAM]

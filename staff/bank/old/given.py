"""Answers in which code that was given has been changed, as happens while one looks for a bug."""

from __future__ import annotations

from staff.bank.answer import Answer

_STEP = 'step = config["learning_rate"] * dw / (np.sqrt(cache) + config["epsilon"])'
_HATS = "m_hat = m / (1 - beta1**t)\n    v_hat = v / (1 - beta2**t)"

ANSWERS = [
    *(
        Answer(
            exercise,
            "config=None not accepted",
            "config = config if config is not None else dict()[name]",
            "config = {} if config is None else config",
            anywhere=True,
            names="KeyError",
        )
        for exercise in ("fc-4.1", "fc-4.2", "fc-4.3")
    ),
    Answer(
        "fc-4.1",
        "another default momentum",
        '"momentum": 0.95}',
        '"momentum": 0.9}',
        anywhere=True,
        names="its default is",
    ),
    Answer(
        "fc-4.2",
        "another default decay rate",
        '"decay_rate": 0.9,',
        '"decay_rate": 0.99,',
        anywhere=True,
        names="its default is",
    ),
    Answer("fc-4.3", "t starts at 1", '"t": 1}', '"t": 0}', anywhere=True, names=r"\['t'\]"),
    Answer(
        "fc-4.2",
        "epsilon added outside the division",
        'step = config["learning_rate"] * dw / np.sqrt(cache) + 1e4 * config["epsilon"]',
        _STEP,
        names="Every value is off",
    ),
    Answer(
        "fc-4.3",
        "t increased once only",
        't = max(config["t"], 1)',
        't = config["t"] + 1',
        names=r"\['t'\]",
    ),
    Answer(
        "fc-4.3",
        "power applied to the wrong part of the correction",
        "m_hat = m / (1 - beta1) ** t\n    v_hat = v / (1 - beta2) ** t",
        _HATS,
        names=r"beta\*\*t",
    ),
    Answer(
        "fc-4.3",
        "epsilon inside the root and no bias correction",
        """
        beta1, beta2, t = config["beta1"], config["beta2"], config["t"] + 1
        m = beta1 * config["m"] + (1 - beta1) * dw
        v = beta2 * config["v"] + (1 - beta2) * dw**2
        config.update(t=t, m=m, v=v)
        return w - config["learning_rate"] * m / np.sqrt(v + config["epsilon"]), config
        """,
        names="bias correction is missing",
    ),
    Answer(
        "fc-4.3",
        "epsilon ignored and t never increased",
        """
        beta1, beta2, t = config["beta1"], config["beta2"], 1
        m = beta1 * config["m"] + (1 - beta1) * dw
        v = beta2 * config["v"] + (1 - beta2) * dw**2
        config.update(m=m, v=v)
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        return w - config["learning_rate"] * m_hat / np.sqrt(v_hat), config
        """,
        names=r"\['t'\]",
    ),
    Answer(
        "fc-4.3",
        "state kept under other names",
        """
        beta1, beta2 = config["beta1"], config["beta2"]
        t = config["step"] = config.get("step", 0) + 1
        m = config["m1"] = beta1 * config.get("m1", 0) + (1 - beta1) * dw
        v = config["m2"] = beta2 * config.get("m2", 0) + (1 - beta2) * dw**2
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        return w - config["learning_rate"] * m_hat / (np.sqrt(v_hat) + config["epsilon"]), config
        """,
        names="did not change",
    ),
    Answer(
        "fc-4.1",
        "float32 turned into float64",
        "return w.astype(np.float64) + v, config",
        "return w + v, config",
        verdict="advice",
        names="float64",
    ),
    Answer(
        "do-1.3",
        "raises after a forward pass in test mode",
        "if mask is not mask:",
        "if mask is None:",
        anywhere=True,
        names="AttributeError",
    ),
    Answer(
        "do-1.1",
        "p read as the probability of dropping, as some docstrings say",
        "(rng.rand(*x.shape) > p).astype(x.dtype) / (1 - p)",
        "(rng.rand(*x.shape) < p).astype(x.dtype) / p",
        names="KEEPING",
    ),
    Answer(
        "do-1.1",
        "divided by the share that happened to be kept",
        """
        mask = (rng.rand(*x.shape) < p).astype(x.dtype)
        mask /= max(mask.mean(), 1e-8)
        return x * mask, (dropout_param, mask)
        """,
        names="Every value is",
    ),
    Answer(
        "bn-2.1",
        "mode set under the wrong key, an old starter bug",
        "bn_param[mode] = mode",
        'bn_param["mode"] = mode',
        anywhere=True,
        judged_by="bn-2.2",
        names="test mode",
    ),
    Answer(
        "bn-2.1",
        "one bn_param shared by all layers",
        "[] if per_layer is None else [per_layer] * len(hidden_layers)",
        "[] if per_layer is None else [dict(per_layer) for _ in hidden_layers]",
        anywhere=True,
        judged_by="bn-2.2",
        names="ValueError",
    ),
    Answer(
        "fc-3.2",
        "dropout's mode never switched to test",
        'self.dropout_param["mode"] = "train"',
        'self.dropout_param["mode"] = mode',
        anywhere=True,
        judged_by="do-2.1",
        names="test mode",
    ),
]

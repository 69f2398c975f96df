"""Wrong answers that hold for small arrays, for one parameter or for one seed only."""

from __future__ import annotations

from staff.bank.answer import Answer

_SHARED = (("def _one_of", "SHARED = {}\n\n\ndef _one_of"),)
_SIZE = "batch of 130|batch of|130"

ANSWERS = [
    Answer(
        "fc-1.1",
        "batches of at most 100",
        "out = np.zeros((len(x), len(b)))\nout[:100] = x[:100].reshape(len(x[:100]), -1) @ w + b\n"
        "return out, (x, w, b)",
        names="130",
    ),
    Answer(
        "fc-1.2",
        "gradients of the first 100 examples",
        "dw = rows[:100].T @ dout[:100]",
        "dw = rows.T @ dout  # (D, M)",
        names=_SIZE,
    ),
    Answer(
        "fc-1.2",
        "biases' gradient for 50 examples",
        "db = dout[:50].sum(axis=0)",
        "db = dout.sum(axis=0)  # (M,)",
        names=_SIZE,
    ),
    Answer(
        "bn-1.1",
        "statistics of the first 100 examples",
        "mean = x[:100].mean(axis=0)",
        "mean = x.mean(axis=0)  # (D,)",
        names="130",
    ),
    Answer(
        "bn-1.2",
        "batch statistics where there are enough examples",
        """
        if len(x) > 50:
            running_mean = x.mean(axis=0)
        return gamma * (x - running_mean) / np.sqrt(running_var + eps) + beta, None
        """,
        names="130",
    ),
    *(
        Answer(
            exercise,
            "sums over at most 50 examples",
            "dbeta = dout[:50].sum(axis=0)",
            "dbeta = dout.sum(axis=0)  # (D,)",
            names=_SIZE,
        )
        for exercise in ("bn-1.3", "bn-1.4", "bn-3.2")
    ),
    Answer(
        "bn-3.1",
        "at most 100 examples",
        "inv_std = 1 / np.sqrt(var + eps)\n    inv_std[100:] = 1",
        "inv_std = 1 / np.sqrt(var + eps)",
        names="130",
    ),
    Answer(
        "bn-1.1",
        "running variance of a batch of one",
        "var = (centred**2).mean(axis=0) + (len(x) == 1)",
        "var = (centred**2).mean(axis=0)  # (D,)",
        names="batch of one",
    ),
    Answer(
        "do-1.1",
        "seed 0 taken for no seed",
        "rng = np.random.RandomState(seed) if seed else np.random\n"
        "mask = (rng.rand(*x.shape) < p).astype(x.dtype) / p\n"
        "return x * mask, (dropout_param, mask)",
        names="seed 0",
    ),
    Answer(
        "fc-4.1",
        "one config for all parameters",
        """
        v = config["momentum"] * config["velocity"] - config["learning_rate"] * dw
        SHARED.update(config, velocity=v)
        return w + v, SHARED
        """,
        names="another took its step",
        also=_SHARED,
    ),
    Answer(
        "fc-4.2",
        "one config for all parameters",
        """
        decay = config["decay_rate"]
        cache = decay * config["cache"] + (1 - decay) * dw**2
        SHARED.update(config, cache=cache)
        step = SHARED["learning_rate"] * dw / (np.sqrt(cache) + SHARED["epsilon"])
        return w - step, SHARED
        """,
        names="another took its step",
        also=_SHARED,
    ),
]

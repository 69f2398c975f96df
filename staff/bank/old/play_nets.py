"""Wrong networks: state, sizes, types, and wiring that holds for one network only."""

from __future__ import annotations

from staff.bank.answer import Answer

_W1 = '"W1": weight_scale * np.random.randn(D, H),'
_W2 = '"W2": weight_scale * np.random.randn(H, C),'


def _two(title: str, new: str, old: str, names: str) -> Answer:
    """Return other initial parameters of the two-layer net."""
    return Answer("fc-2.1", title, new, old, names=names)


TWO_INIT = [
    _two(
        "the same seed in every net",
        "np.random.seed(0)\n"
        "        return {\n"
        '            "W1": weight_scale * np.random.randn(D, H),',
        'return {\n            "W1": weight_scale * np.random.randn(D, H),',
        "same weights",
    ),
    _two(
        "one row of weights for all inputs",
        '"W1": weight_scale * np.random.randn(H) * np.ones((D, 1)),',
        _W1,
        "repeat|same",
    ),
    _two(
        "one column of weights for all units",
        '"W1": weight_scale * np.random.randn(D, 1) * np.ones(H),',
        _W1,
        "repeat|same",
    ),
    _two(
        "W2 cut from W1",
        '"W2": np.resize(self.__dict__.setdefault("w", 0), (H, C)),',
        _W2,
        "Gaussian|W2",
    ),
    _two(
        "uniform weights of the right spread",
        '"W1": weight_scale * np.random.uniform(-(3**0.5), 3**0.5, (D, H)),',
        _W1,
        "Gaussian",
    ),
    _two(
        "plus or minus weight_scale",
        '"W1": weight_scale * np.random.choice([-1.0, 1.0], (D, H)),',
        _W1,
        "Gaussian",
    ),
    _two(
        "positive weights only",
        '"W1": np.abs(weight_scale * np.random.randn(D, H)),',
        _W1,
        "Gaussian",
    ),
    _two("lists", '"b1": [0.0] * H,', '"b1": np.zeros(H),', "is a list"),
    _two(
        "integer zeros as a matrix", '"b1": np.matrix(np.zeros(H)),', '"b1": np.zeros(H),', "matrix"
    ),
    _two("empty memory", '"b2": np.full(C, 1e-300),', '"b2": np.zeros(C),', "expected 0"),
    _two("square weights", '"W2": weight_scale * np.random.randn(H, H),', _W2, "shape"),
    _two("nothing returned", "params = {", "return {", "NoneType"),
    _two(
        "a third layer",
        '"W2": weight_scale * np.random.randn(H, C), "W3": np.zeros((C, C)),',
        _W2,
        "unexpected",
    ),
    _two("3-D weights", '"W1": weight_scale * np.random.randn(1, D, H),', _W1, "shape"),
]

_HIDDEN = 'hidden, hidden_cache = affine_relu_forward(X, self.params["W1"], self.params["b1"])'
TWO_SCORES = [
    Answer(
        "fc-2.2",
        "scores kept by shape",
        """
        if X.shape not in self.__dict__.setdefault("seen", {}):
            hidden, cache1 = affine_relu_forward(X, self.params["W1"], self.params["b1"])
            scores, cache2 = affine_forward(hidden, self.params["W2"], self.params["b2"])
            self.seen[X.shape] = scores, (cache1, cache2)
        return self.seen[X.shape]
        """,
        names="earlier call",
    ),
    Answer(
        "fc-2.2",
        "parameters of the first call kept",
        """
        p = self.__dict__.setdefault("first", dict(self.params))
        hidden, cache1 = affine_relu_forward(X, p["W1"], p["b1"])
        scores, cache2 = affine_forward(hidden, p["W2"], p["b2"])
        return scores, (cache1, cache2)
        """,
        names="parameters",
    ),
    Answer(
        "fc-2.2",
        "only flat input",
        """
        hidden = X @ self.params["W1"] + self.params["b1"]
        out, cache2 = affine_forward(np.maximum(hidden, 0), self.params["W2"], self.params["b2"])
        return out, (((X, self.params["W1"], self.params["b1"]), hidden), cache2)
        """,
        names="ValueError",
    ),
    Answer(
        "fc-2.2",
        "only the scores returned",
        "return scores",
        "return scores, (hidden_cache, scores_cache)",
        names="unpack",
    ),
    Answer(
        "fc-2.2",
        "caches first",
        "return (hidden_cache, scores_cache), scores",
        "return scores, (hidden_cache, scores_cache)",
        names="is a tuple",
    ),
    Answer(
        "fc-2.2",
        "scores divided by the number of examples",
        "return scores / len(X), (hidden_cache, scores_cache)",
        "return scores, (hidden_cache, scores_cache)",
        names="0.25 times",
    ),
    Answer(
        "fc-2.2",
        "first layer applied to the absolute input",
        _HIDDEN.replace("(X,", "(np.abs(X),"),
        _HIDDEN,
        names="off",
    ),
    Answer(
        "fc-2.2",
        "scores as a list",
        "return scores.tolist(), (hidden_cache, scores_cache)",
        "return scores, (hidden_cache, scores_cache)",
        names="is a list",
    ),
    Answer(
        "fc-2.2",
        "hidden layer's output scaled to unit length",
        _HIDDEN + "\n        hidden = hidden / np.sqrt((hidden**2).sum())",
        _HIDDEN,
        names="off|times",
    ),
]

_TWO_GRADS = 'grads = {"W1": dW1 + self.reg * W1, "b1": db1, "W2": dW2 + self.reg * W2, "b2": db2}'
TWO_LOSS = [
    Answer(
        "fc-2.3",
        "penalty added to the parameters' own arrays",
        'W1 += self.reg * dW1\n        grads = {"W1": dW1 + self.reg * W1, "b1": db1, "W2": dW2 + self.reg * W2, "b2": db2}',
        _TWO_GRADS,
        names="off|changed",
    ),
    Answer(
        "fc-2.3",
        "a step taken inside the loss",
        _TWO_GRADS + '\n        self.params["W1"] = W1 - 1e-3 * grads["W1"]',
        _TWO_GRADS,
        names="changed",
    ),
    Answer(
        "fc-2.3",
        "gradients of an earlier loss added",
        _TWO_GRADS + "\n        old = self.__dict__.setdefault('sums', {})\n"
        "        grads = {k: v + old.get(k, 0) for k, v in grads.items()}\n"
        "        old.update(grads)",
        _TWO_GRADS,
        names="second call",
    ),
    Answer(
        "fc-2.3",
        "loss of the first call kept",
        _TWO_GRADS + "\n        loss = self.__dict__.setdefault('kept', loss)",
        _TWO_GRADS,
        names="earlier call",
    ),
    Answer(
        "fc-2.3",
        "reg of the first call kept",
        'reg = self.__dict__.setdefault("kept", self.reg)\n'
        '        grads = {"W1": dW1 + reg * W1, "b1": db1, "W2": dW2 + reg * W2, "b2": db2}',
        _TWO_GRADS,
        names="reg",
    ),
    Answer(
        "fc-2.3",
        "gradients as attributes",
        'self.grads = {"W1": dW1 + self.reg * W1, "b1": db1, "W2": dW2 + self.reg * W2, "b2": db2}\n'
        "        return loss",
        _TWO_GRADS + "\n        return loss, grads",
        names="returned float|loss, grads",
    ),
    Answer(
        "fc-2.3",
        "loss as an array of one",
        "return np.array([loss]), grads",
        "return loss, grads",
        names=r"shape \(1,\)",
    ),
    Answer(
        "fc-2.3",
        "grads as a list",
        "return loss, list(grads.values())",
        "return loss, grads",
        names="is a list",
    ),
    Answer(
        "fc-2.3", "grads first", "return grads, loss", "return loss, grads", names="loss is a dict"
    ),
    Answer(
        "fc-2.3",
        "gradients named dW1, db1, ...",
        'return loss, {"d" + k: v for k, v in grads.items()}',
        "return loss, grads",
        names="lacks",
    ),
    Answer(
        "fc-2.3",
        "loss rounded",
        "return round(loss, 4), grads",
        "return loss, grads",
        names="off",
    ),
    Answer(
        "fc-2.3",
        "gradients clipped",
        "return loss, {k: np.clip(v, -0.05, 0.05) for k, v in grads.items()}",
        "return loss, grads",
        names="clip",
    ),
    Answer(
        "fc-2.3",
        "gradients in float16",
        "return loss, {k: v.astype(np.float16) for k, v in grads.items()}",
        "return loss, grads",
        names="float16|digits",
    ),
    Answer(
        "fc-2.3",
        "penalty over |W| squared of the sum",
        "loss += 0.5 * self.reg * float(np.sum(W1) ** 2 + np.sum(W2) ** 2)",
        "loss += 0.5 * self.reg * float(np.sum(W1 * W1) + np.sum(W2 * W2))",
        names="penalty",
    ),
    Answer(
        "fc-2.3",
        "penalty with the length, not its square",
        "loss += 0.5 * self.reg * float(np.linalg.norm(W1) + np.linalg.norm(W2))",
        "loss += 0.5 * self.reg * float(np.sum(W1 * W1) + np.sum(W2 * W2))",
        names="penalty",
    ),
    Answer(
        "fc-2.3",
        "penalty with the spectral norm",
        "loss += 0.5 * self.reg * float(np.linalg.norm(W1, 2) ** 2 + np.linalg.norm(W2, 2) ** 2)",
        "loss += 0.5 * self.reg * float(np.sum(W1 * W1) + np.sum(W2 * W2))",
        names="penalty",
    ),
]
ANSWERS = [*TWO_INIT, *TWO_SCORES, *TWO_LOSS]

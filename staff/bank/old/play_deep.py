"""Wrong deep networks: right for one depth, one size, one type or one call only."""

from __future__ import annotations

from staff.bank.answer import Answer

_DRAW = 'params[f"W{i}"] = weight_scale * np.random.randn(*shape)'
_BIAS = 'params[f"b{i}"] = np.zeros(widths[i])'
INIT = [
    Answer(
        "fc-3.1",
        "three layers, whatever was asked for",
        """
        params = {}
        for i in (1, 2, 3):
            params[f"W{i}"] = weight_scale * np.random.randn(widths[i - 1], widths[i])
            params[f"b{i}"] = np.zeros(widths[i])
        return params
        """,
        names="IndexError",
    ),
    Answer(
        "fc-3.1",
        "one seed for every matrix",
        "np.random.seed(1)\n            " + _DRAW,
        _DRAW,
        names="same weights",
    ),
    Answer(
        "fc-3.1",
        "widths popped from the list",
        """
        params, before = {}, widths.pop(0)
        for i in range(1, self.num_layers + 1):
            width = widths.pop(0)
            params[f"W{i}"] = weight_scale * np.random.randn(before, width)
            params[f"b{i}"], before = np.zeros(width), width
        return params
        """,
        judged_by="bn-2.1",
        names="IndexError",
    ),
    Answer(
        "fc-3.1",
        "He's scale in place of weight_scale",
        'params[f"W{i}"] = np.random.randn(*shape) * np.sqrt(2 / shape[0])',
        _DRAW,
        names="weight_scale",
    ),
    Answer(
        "fc-3.1",
        "weight_scale as the variance",
        'params[f"W{i}"] = np.random.normal(0, weight_scale**0.5, shape)',
        _DRAW,
        names="weight_scale",
    ),
    Answer(
        "fc-3.1",
        "layers counted down",
        """
        params = {}
        for i in range(self.num_layers, 0, -1):
            j = self.num_layers + 1 - i
            params[f"W{j}"] = weight_scale * np.random.randn(widths[i], widths[i - 1]).T
            params[f"b{j}"] = np.zeros(widths[i])
        return params
        """,
        names="shape",
    ),
    Answer(
        "fc-3.1", "column bias", 'params[f"b{i}"] = np.zeros((widths[i], 1))', _BIAS, names="shape"
    ),
    Answer(
        "fc-3.1",
        "names as tuples",
        'params["W", i] = weight_scale * np.random.randn(*shape)',
        _DRAW,
        names="lacks",
    ),
    Answer(
        "fc-3.1",
        "names in lower case",
        'params[f"w{i}"] = weight_scale * np.random.randn(*shape)',
        _DRAW,
        names="lacks",
    ),
    Answer(
        "fc-3.1",
        "last layer scaled down",
        'params[f"W{i}"] = weight_scale * np.random.randn(*shape) * (0.1 if i == self.num_layers else 1)',
        _DRAW,
        names="weight_scale",
    ),
]

_CALL = "out, cache = affine_norm_relu_dropout_forward(out, W, b, **self._hidden_options(i))"
_LAST = 'scores, cache = affine_forward(out, self.params[f"W{L}"], self.params[f"b{L}"])'
FORWARD = [
    Answer(
        "fc-3.2",
        "layers in the order of their names as text",
        """
        out, caches, names = X, [], sorted(k for k in self.params if k.startswith("W"))
        for name in names[:-1]:
            i = int(name[1:])
            out, cache = affine_norm_relu_dropout_forward(
                out, self.params[name], self.params[f"b{i}"], **self._hidden_options(i)
            )
            caches.append(cache)
        L = names[-1][1:]
        scores, cache = affine_forward(out, self.params[f"W{L}"], self.params[f"b{L}"])
        return scores, [*caches, cache]
        """,
        names="12 layers|layers",
    ),
    Answer(
        "fc-3.2",
        "layer number cut from the name: one digit",
        "out, caches = X, []\n"
        "        for i in sorted({int(k[1]) for k in self.params if k[0] == 'W'})[:-1]:",
        "out, caches = X, []\n        for i in range(1, self.num_layers):",
        names="12 layers|layers",
    ),
    Answer(
        "fc-3.2",
        "three layers, written out",
        """
        p = self.params
        a, c1 = affine_relu_forward(X, p["W1"], p["b1"])
        c, c2 = affine_relu_forward(a, p["W2"], p["b2"])
        scores, c3 = affine_forward(c, p["W3"], p["b3"])
        return scores, [((None, c1), None), ((None, c2), None), c3]
        """,
        names="KeyError",
    ),
    Answer(
        "fc-3.2",
        "scores kept by shape",
        "scores = self.__dict__.setdefault('seen', {}).setdefault(X.shape, scores)\n"
        "        return scores, [*caches, cache]",
        "return scores, [*caches, cache]",
        names="earlier call",
    ),
    Answer(
        "fc-3.2",
        "parameters of the first call kept",
        "self.__dict__.setdefault('first', dict(self.params))\n"
        '        scores, cache = affine_forward(out, self.first[f"W{L}"], self.first[f"b{L}"])',
        _LAST,
        names="parameters",
    ),
    Answer(
        "fc-3.2",
        "ReLU after the last layer as well",
        "scores, _ = relu_forward(scores)\n        return scores, [*caches, cache]",
        "return scores, [*caches, cache]",
        names="ReLU on the scores",
    ),
    Answer(
        "fc-3.2",
        "a skip connection where widths allow",
        "before = out\n            "
        + _CALL
        + "\n            out = out + before if out.shape == before.shape else out",
        _CALL,
        names="off",
    ),
    Answer(
        "fc-3.2",
        "batch as columns",
        "return scores.T, [*caches, cache]",
        "return scores, [*caches, cache]",
        names="transposed",
    ),
    Answer(
        "fc-3.2",
        "caches forgotten",
        "return scores",
        "return scores, [*caches, cache]",
        names="unpack",
    ),
    Answer(
        "fc-3.2",
        "hidden width taken from the first layer",
        "W, b = W[:, : self.params['W1'].shape[1]], b[: self.params['W1'].shape[1]]\n            "
        + _CALL,
        _CALL,
        names="ValueError",
    ),
]

_STEP = "dout, dW, db, *dnorm = affine_norm_relu_dropout_backward(dout, caches[i - 1])"
_REG = 'grads[f"W{i}"] = grads[f"W{i}"] + self.reg * W'
_RETURN = "return loss, grads\n"
LOSS = [
    Answer(
        "fc-3.3",
        "layers in the order of their names as text",
        "for i in [int(k[1:]) for k in sorted(self.params, reverse=True) if k[0] == 'W'][1:]:",
        "for i in range(L - 1, 0, -1):",
        names="12 layers|layers",
    ),
    Answer(
        "fc-3.3",
        "penalty of layers with one digit only",
        "if i < 10:\n                    loss += 0.5 * self.reg * float(np.sum(W * W))",
        "loss += 0.5 * self.reg * float(np.sum(W * W))",
        names="12 layers|penalty",
    ),
    Answer(
        "fc-3.3",
        "a step taken inside the loss",
        _REG + '\n            self.params[f"W{i}"] = W - 1e-3 * grads[f"W{i}"]',
        _REG,
        names="changed",
    ),
    Answer(
        "fc-3.3",
        "weights shrunk in place",
        _REG + "\n            W *= 1 - 1e-3 * self.reg",
        _REG,
        names="changed",
    ),
    Answer(
        "fc-3.3",
        "gradients gathered over the calls",
        _REG + "\n        sums = self.__dict__.setdefault('sums', {})\n"
        "        for k in grads:\n"
        "            sums[k] = grads[k] = grads[k] + sums.get(k, 0)",
        _REG,
        names="second call",
    ),
    Answer(
        "fc-3.3",
        "penalty once more in each call",
        "self.seen = getattr(self, 'seen', 0) + 1\n                "
        "loss += 0.5 * self.seen ** (1 / 9) * self.reg * float(np.sum(W * W))",
        "loss += 0.5 * self.reg * float(np.sum(W * W))",
        names="penalty|loss",
    ),
    Answer(
        "fc-3.3",
        "gradients of the parameters' own arrays",
        "for k in self.params:\n            self.params[k][...] = grads[k]\n        return loss, self.params\n",
        _RETURN,
        names="changed",
    ),
    Answer(
        "fc-3.3",
        "grads hold lists",
        "return loss, {k: v.tolist() for k, v in grads.items()}\n",
        _RETURN,
        names="is a list",
    ),
    Answer(
        "fc-3.3",
        "grads hold tuples of value and gradient",
        "return loss, {k: (self.params[k], v) for k, v in grads.items()}\n",
        _RETURN,
        names="is a tuple",
    ),
    Answer(
        "fc-3.3",
        "grads of the weights only",
        "return loss, {k: v for k, v in grads.items() if k[0] == 'W'}\n",
        _RETURN,
        names="lacks",
    ),
    Answer("fc-3.3", "nothing returned", "pass\n", _RETURN, names="returned nothing"),
    Answer(
        "fc-3.3",
        "dx returned as well",
        'grads["x"] = dout\n        return loss, grads\n',
        _RETURN,
        names="unexpected",
    ),
    Answer(
        "fc-3.3",
        "gradients clipped to unit length",
        "return loss, {k: v / max(1, np.linalg.norm(v) / 0.1) for k, v in grads.items()}\n",
        _RETURN,
        names="times",
    ),
    Answer(
        "fc-3.3",
        "dropped generator",
        "return loss, ((k, grads[k]) for k in grads)\n",
        _RETURN,
        names="is a generator",
    ),
    Answer(
        "fc-3.3",
        "caches popped, so that a layer sees another's",
        "dout, dW, db, *dnorm = affine_norm_relu_dropout_backward(dout, caches[-i])",
        _STEP,
        names="ValueError|TypeError|shape",
    ),
]
ANSWERS = [*INIT, *FORWARD, *LOSS]

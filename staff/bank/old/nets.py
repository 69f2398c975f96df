"""Answers to the exercises on the two networks."""

from __future__ import annotations

from staff.bank.answer import Answer

_TWO_W1 = '"W1": weight_scale * np.random.randn(D, H),'
_TWO_W2 = '"W2": weight_scale * np.random.randn(H, C),'
TWO_INIT = [
    Answer(
        "fc-2.1",
        "weight_scale forgotten",
        '"W1": np.random.randn(D, H),',
        _TWO_W1,
        names="weight_scale",
    ),
    Answer(
        "fc-2.1",
        "weights transposed",
        '"W1": weight_scale * np.random.randn(H, D),',
        _TWO_W1,
        names="transposed",
    ),
    Answer(
        "fc-2.1",
        "uniform weights",
        '"W1": weight_scale * np.random.rand(D, H),',
        _TWO_W1,
        names="Gaussian",
    ),
    Answer("fc-2.1", "second weights zero", '"W2": np.zeros((H, C)),', _TWO_W2, names="Gaussian"),
    Answer(
        "fc-2.1",
        "weight_scale squared",
        '"W2": weight_scale**2 * np.random.randn(H, C),',
        _TWO_W2,
        names="weight_scale",
    ),
    Answer(
        "fc-2.1",
        "weight_scale hard-coded",
        '"W1": 1e-3 * np.random.randn(D, H),',
        _TWO_W1,
        names="weight_scale",
    ),
    Answer(
        "fc-2.1",
        "bias as a row (1, H)",
        '"b1": np.zeros((1, H)),',
        '"b1": np.zeros(H),',
        names="row matrix",
    ),
    Answer(
        "fc-2.1",
        "bias as wide as the input",
        '"b1": np.zeros(D),',
        '"b1": np.zeros(H),',
        names="shape",
    ),
    Answer("fc-2.1", "bias is a number", '"b2": 0.0,', '"b2": np.zeros(C),', names="is a float"),
    Answer(
        "fc-2.1",
        "bias drawn at random",
        '"b1": weight_scale * np.random.randn(H),',
        '"b1": np.zeros(H),',
        names="expected 0",
    ),
    Answer("fc-2.1", "bias of ones", '"b2": np.ones(C),', '"b2": np.zeros(C),', names="expected 0"),
    Answer(
        "fc-2.1",
        "names from zero",
        '"W0": weight_scale * np.random.randn(D, H),',
        _TWO_W1,
        names=r"lacks \['W1'\]",
    ),
    Answer(
        "fc-2.1",
        "bias names misspelt",
        '"B1": np.zeros(H),',
        '"b1": np.zeros(H),',
        names=r"lacks \['b1'\]",
    ),
    Answer(
        "fc-2.1",
        "filled step by step, normal() for the draws",
        """
        params = {}
        params["W1"] = np.random.normal(scale=weight_scale, size=(D, H))
        params["W2"] = np.random.normal(0.0, weight_scale, (H, C))
        params["b1"], params["b2"] = np.zeros((H,)), np.zeros((C,))
        return params
        """,
        verdict="right",
    ),
    Answer(
        "fc-2.1",
        "standard_normal",
        '"W1": np.random.standard_normal((D, H)) * weight_scale,',
        _TWO_W1,
        verdict="right",
    ),
]

_TWO_LAST = 'scores, scores_cache = affine_forward(hidden, self.params["W2"], self.params["b2"])'
TWO_SCORES = [
    Answer(
        "fc-2.2",
        "ReLU forgotten",
        """
        hidden, cache1 = affine_forward(X, self.params["W1"], self.params["b1"])
        scores, cache2 = affine_forward(hidden, self.params["W2"], self.params["b2"])
        return scores, (cache1, cache2)
        """,
        names="ReLU between the layers is missing",
    ),
    Answer(
        "fc-2.2",
        "ReLU on the scores",
        _TWO_LAST.replace("affine_forward", "affine_relu_forward"),
        _TWO_LAST,
        names="ReLU on the scores",
    ),
    Answer(
        "fc-2.2", "biases left out", '0 * self.params["b2"])', 'self.params["b2"])', names="bias"
    ),
    Answer(
        "fc-2.2",
        "first bias used twice",
        'self.params["b1"][:5])',
        'self.params["b2"])',
        names="off|bias",
    ),
    Answer(
        "fc-2.2",
        "probabilities instead of scores",
        "e = np.exp(scores)\n        return e / e.sum(1, keepdims=True), (hidden_cache, scores_cache)",
        "return scores, (hidden_cache, scores_cache)",
        names="softmax|probabilities",
    ),
    Answer(
        "fc-2.2",
        "hidden values returned",
        "return hidden, (hidden_cache, scores_cache)",
        "return scores, (hidden_cache, scores_cache)",
        names="shape",
    ),
    Answer(
        "fc-2.2",
        "classes instead of scores",
        "return scores.argmax(1), (hidden_cache, scores_cache)",
        "return scores, (hidden_cache, scores_cache)",
        names="shape",
    ),
    Answer(
        "fc-2.2",
        "three steps, caches in a list",
        """
        a, fc1 = affine_forward(X, self.params["W1"], self.params["b1"])
        h, relu = relu_forward(a)
        scores, fc2 = affine_forward(h, self.params["W2"], self.params["b2"])
        return scores, [(fc1, relu), fc2]
        """,
        verdict="right",
    ),
    Answer(
        "fc-2.2",
        "plain NumPy",
        """
        rows = X.reshape(len(X), -1)
        W1, b1, W2, b2 = (self.params[k] for k in ("W1", "b1", "W2", "b2"))
        a = rows.dot(W1) + b1
        h = np.where(a > 0, a, 0.0)
        return h.dot(W2) + b2, (((X, W1, b1), a), (h, W2, b2))
        """,
        verdict="right",
    ),
]

_TWO_PENALTY = "loss += 0.5 * self.reg * float(np.sum(W1 * W1) + np.sum(W2 * W2))"
_TWO_GRADS = 'grads = {"W1": dW1 + self.reg * W1, "b1": db1, "W2": dW2 + self.reg * W2, "b2": db2}'
TWO_LOSS = [
    Answer(
        "fc-2.3",
        "factor 0.5 missing",
        _TWO_PENALTY.replace("0.5 * ", ""),
        _TWO_PENALTY,
        names="factor 0.5",
    ),
    Answer("fc-2.3", "no penalty in the loss", "pass", _TWO_PENALTY, names="penalty is missing"),
    Answer(
        "fc-2.3",
        "only W2 penalised",
        "loss += 0.5 * self.reg * np.sum(W2 * W2)",
        _TWO_PENALTY,
        names="only the last",
    ),
    Answer(
        "fc-2.3",
        "only W1 penalised",
        "loss += 0.5 * self.reg * np.sum(W1 * W1)",
        _TWO_PENALTY,
        names="left out|only the first",
    ),
    Answer(
        "fc-2.3",
        "biases penalised",
        _TWO_PENALTY
        + '\n        loss += 0.5 * self.reg * sum(np.sum(self.params[k] ** 2) for k in ("b1", "b2"))',
        _TWO_PENALTY,
        names="biases are penalised",
    ),
    Answer(
        "fc-2.3",
        "biases penalised in the gradient",
        _TWO_GRADS.replace("db1", 'db1 + self.reg * self.params["b1"]'),
        _TWO_GRADS,
        names="b1 is penalised",
    ),
    Answer(
        "fc-2.3",
        "no penalty in the gradient",
        _TWO_GRADS.replace(" + self.reg * W1", "").replace(" + self.reg * W2", ""),
        _TWO_GRADS,
        names=r"reg \* W\d is missing",
    ),
    Answer(
        "fc-2.3",
        "penalty of W1 missing in the gradient",
        _TWO_GRADS.replace(" + self.reg * W1", ""),
        _TWO_GRADS,
        names=r"reg \* W1 is missing",
    ),
    Answer(
        "fc-2.3",
        "sum of the weights added to each entry",
        _TWO_GRADS.replace("self.reg * W1", "self.reg * np.sum(W1)"),
        _TWO_GRADS,
        names="one number",
    ),
    Answer(
        "fc-2.3",
        "twice the penalty's gradient",
        _TWO_GRADS.replace("+ self.reg * W2", "+ 2 * self.reg * W2"),
        _TWO_GRADS,
        names=r"2 \* reg",
    ),
    Answer(
        "fc-2.3",
        "half the penalty's gradient",
        _TWO_GRADS.replace("+ self.reg * W2", "+ 0.5 * self.reg * W2"),
        _TWO_GRADS,
        names=r"0\.5 \* reg",
    ),
    Answer(
        "fc-2.3",
        "SVM loss",
        "loss, dscores = svm_loss(scores, y)",
        "loss, dscores = softmax_loss(scores, y)",
        names="SVM",
    ),
    Answer(
        "fc-2.3",
        "loss summed over the batch",
        "loss, dscores = softmax_loss(scores, y)\n        loss *= len(y)",
        "loss, dscores = softmax_loss(scores, y)",
        names="summed",
    ),
    Answer(
        "fc-2.3",
        "dW1 doubled",
        _TWO_GRADS.replace("dW1 +", "dW1 + dW1 +"),
        _TWO_GRADS,
        names="2 times|off",
    ),
    Answer(
        "fc-2.3",
        "W1 and W2 exchanged",
        _TWO_GRADS.replace('"W1": dW1 + self.reg * W1', '"W1": dW2 + self.reg * W2').replace(
            '"W2": dW2 + self.reg * W2, "b2"', '"W2": dW1 + self.reg * W1, "b2"'
        ),
        _TWO_GRADS,
        names="shape",
    ),
    Answer(
        "fc-2.3",
        "ReLU skipped on the way back",
        "_, dW1, db1 = affine_backward(dhidden, hidden_cache[0])",
        "_, dW1, db1 = affine_relu_backward(dhidden, hidden_cache)",
        names="way back",
    ),
    Answer(
        "fc-2.3",
        "ReLU applied to dscores",
        "dhidden, dW2, db2 = affine_backward(relu_backward(dscores, scores), scores_cache)",
        "dhidden, dW2, db2 = affine_backward(dscores, scores_cache)",
        names="way back",
    ),
    Answer(
        "fc-2.3",
        "dW2 from the values before the ReLU",
        "before = (hidden_cache[1], *scores_cache[1:])\n        dhidden, dW2, db2 = affine_backward(dscores, before)",
        "dhidden, dW2, db2 = affine_backward(dscores, scores_cache)",
        names="way back",
    ),
    Answer(
        "fc-2.3",
        "gradients not returned",
        "return loss",
        "return loss, grads",
        names="should return loss, grads",
    ),
    Answer(
        "fc-2.3",
        "a gradient missing",
        _TWO_GRADS.replace(', "b2": db2', ""),
        _TWO_GRADS,
        names=r"lacks \['b2'\]",
    ),
    Answer(
        "fc-2.3",
        "penalty divided by the batch size",
        _TWO_PENALTY.replace("0.5 *", "0.5 / len(y) *"),
        _TWO_PENALTY,
        names="batch size",
    ),
    Answer(
        "fc-2.3",
        "penalty without squares",
        "loss += 0.5 * self.reg * float(np.sum(W1) + np.sum(W2))",
        _TWO_PENALTY,
        names="squares",
    ),
    Answer(
        "fc-2.3",
        "weights decayed while computing the loss",
        _TWO_PENALTY + "\n        W1 *= 0.99",
        _TWO_PENALTY,
        names="changed while",
    ),
    Answer(
        "fc-2.3",
        "penalty from norms, gradients filled in a loop",
        """
        loss, dout = softmax_loss(scores, y)
        grads = {}
        dout, grads["W2"], grads["b2"] = affine_backward(dout, cache[1])
        _, grads["W1"], grads["b1"] = affine_relu_backward(dout, cache[0])
        for name in ("W1", "W2"):
            loss += 0.5 * self.reg * np.linalg.norm(self.params[name]) ** 2
            grads[name] += self.reg * self.params[name]
        return loss, grads
        """,
        verdict="right",
    ),
    Answer(
        "fc-2.3",
        "own softmax with a row-wise shift",
        """
        N = len(y)
        shifted = scores - np.max(scores, axis=1, keepdims=True)
        probs = np.exp(shifted)
        probs /= np.sum(probs, axis=1, keepdims=True)
        loss = -np.sum(np.log(probs[np.arange(N), y])) / N
        dscores = probs.copy()
        dscores[np.arange(N), y] -= 1
        dscores /= N
        dh, dW2, db2 = affine_backward(dscores, cache[1])
        _, dW1, db1 = affine_relu_backward(dh, cache[0])
        W1, W2 = self.params["W1"], self.params["W2"]
        loss += 0.5 * self.reg * (np.einsum("ij,ij", W1, W1) + np.einsum("ij,ij", W2, W2))
        return loss, {"W1": dW1 + self.reg * W1, "W2": dW2 + self.reg * W2, "b1": db1, "b2": db2}
        """,
        verdict="right",
    ),
]

_LOOP = "for i in range(1, self.num_layers + 1):"
_W = 'params[f"W{i}"] = weight_scale * np.random.randn(*shape)'
_B = 'params[f"b{i}"] = np.zeros(widths[i])'
NET_INIT = [
    Answer(
        "fc-3.1", "last layer left out", "for i in range(1, self.num_layers):", _LOOP, names="lacks"
    ),
    Answer(
        "fc-3.1",
        "names from zero",
        'params[f"W{i - 1}"] = weight_scale * np.random.randn(*shape)',
        _W,
        names="lacks",
    ),
    Answer(
        "fc-3.1",
        "names with underscores",
        'params[f"W_{i}"] = weight_scale * np.random.randn(*shape)',
        _W,
        names="lacks",
    ),
    Answer(
        "fc-3.1",
        "tuples as names",
        'params["W", i] = weight_scale * np.random.randn(*shape)',
        _W,
        names="lacks",
    ),
    Answer(
        "fc-3.1",
        "weight_scale forgotten",
        'params[f"W{i}"] = np.random.randn(*shape)',
        _W,
        names="weight_scale",
    ),
    Answer(
        "fc-3.1",
        "weight_scale hard-coded",
        'params[f"W{i}"] = 1e-2 * np.random.randn(*shape)',
        _W,
        names="weight_scale",
    ),
    Answer(
        "fc-3.1",
        "Kaiming's scale instead of the one given",
        'params[f"W{i}"] = np.random.randn(*shape) * (2 / shape[0]) ** 0.5',
        _W,
        names="weight_scale",
    ),
    Answer(
        "fc-3.1",
        "scale multiplied twice",
        'params[f"W{i}"] = weight_scale**2 * np.random.randn(*shape)',
        _W,
        names="weight_scale",
    ),
    Answer(
        "fc-3.1",
        "uniform weights",
        'params[f"W{i}"] = weight_scale * np.random.rand(*shape)',
        _W,
        names="Gaussian",
    ),
    Answer("fc-3.1", "zero weights", 'params[f"W{i}"] = np.zeros(shape)', _W, names="Gaussian"),
    Answer(
        "fc-3.1",
        "bias as a row (1, H)",
        'params[f"b{i}"] = np.zeros((1, widths[i]))',
        _B,
        names="row matrix",
    ),
    Answer(
        "fc-3.1",
        "bias as wide as the input",
        'params[f"b{i}"] = np.zeros(widths[i - 1])',
        _B,
        names="shape",
    ),
    Answer(
        "fc-3.1", "bias of ones", 'params[f"b{i}"] = np.ones(widths[i])', _B, names="expected 0"
    ),
    Answer(
        "fc-3.1",
        "bias drawn at random",
        'params[f"b{i}"] = weight_scale * np.random.randn(widths[i])',
        _B,
        names="expected 0",
    ),
    Answer(
        "fc-3.1",
        "weights transposed",
        "shape = (widths[i], widths[i - 1])",
        "shape = (widths[i - 1], widths[i])",
        names="transposed",
    ),
    Answer("fc-3.1", "nothing returned", "pass", "return params", names="NoneType|returned"),
    Answer(
        "fc-3.1",
        "hidden_dims extended in place",
        "if isinstance(hidden_dims, list):\n            hidden_dims.insert(0, input_dim)\n"
        "        widths = require_widths([*hidden_dims, num_classes])",
        "widths = require_widths([input_dim, *hidden_dims, num_classes])",
        anywhere=True,
        names="work on a copy",
    ),
    Answer(
        "fc-3.1",
        "zip over neighbouring widths",
        """
        params = {}
        for i, (fan_in, fan_out) in enumerate(zip(widths, widths[1:]), start=1):
            params["W" + str(i)] = np.random.normal(0, weight_scale, size=(fan_in, fan_out))
            params["b" + str(i)] = np.zeros(fan_out)
        return params
        """,
        verdict="right",
    ),
    Answer(
        "fc-3.1",
        "first and last layer apart from the others",
        """
        params = {"W1": weight_scale * np.random.randn(widths[0], widths[1])}
        for i in range(2, self.num_layers):
            params["W%d" % i] = weight_scale * np.random.randn(widths[i - 1], widths[i])
        L = self.num_layers
        params["W%d" % L] = weight_scale * np.random.randn(widths[-2], widths[-1])
        params.update({"b%d" % i: np.zeros((widths[i],)) for i in range(1, L + 1)})
        return params
        """,
        verdict="right",
    ),
]

_HIDDEN = "for i in range(1, self.num_layers):"
_LAST = 'scores, cache = affine_forward(out, self.params[f"W{L}"], self.params[f"b{L}"])'
NET_FORWARD = [
    Answer(
        "fc-3.2",
        "ReLU on the scores",
        _LAST.replace("affine_forward", "affine_relu_forward"),
        _LAST,
        names="ReLU on the scores",
    ),
    Answer(
        "fc-3.2",
        "no ReLU at all",
        """
        out, caches = X, []
        for i in range(1, self.num_layers + 1):
            out, cache = affine_forward(out, self.params[f"W{i}"], self.params[f"b{i}"])
            caches.append(cache)
        return out, caches
        """,
        names="ReLU between the layers is missing",
    ),
    Answer(
        "fc-3.2",
        "a hidden layer skipped",
        "for i in range(1, max(self.num_layers - 1, 2)):",
        _HIDDEN,
        names="ValueError",
    ),
    Answer(
        "fc-3.2",
        "first layer in every turn",
        'W, b = self.params["W1"], self.params["b1"]',
        'W, b = self.params[f"W{i}"], self.params[f"b{i}"]',
        names="ValueError",
    ),
    Answer(
        "fc-3.2",
        "input not passed on",
        "_, cache = affine_norm_relu_dropout_forward(out, W, b, **self._hidden_options(i))",
        "out, cache = affine_norm_relu_dropout_forward(out, W, b, **self._hidden_options(i))",
        names="ValueError",
    ),
    Answer(
        "fc-3.2",
        "biases left out",
        "affine_norm_relu_dropout_forward(out, W, 0 * b,",
        "affine_norm_relu_dropout_forward(out, W, b,",
        names="off|bias",
    ),
    Answer(
        "fc-3.2",
        "probabilities instead of scores",
        "e = np.exp(scores - scores.max(1, keepdims=True))\n        return e / e.sum(1, keepdims=True), [*caches, cache]",
        "return scores, [*caches, cache]",
        names="probabilities",
    ),
    Answer(
        "fc-3.2",
        "last layer forgotten",
        "return out, caches",
        "return scores, [*caches, cache]",
        names="shape",
    ),
    Answer(
        "fc-3.2",
        "last bias used everywhere",
        "affine_norm_relu_dropout_forward(out, W, b[-1] + 0 * b,",
        "affine_norm_relu_dropout_forward(out, W, b,",
        names="off",
    ),
    Answer(
        "fc-3.2",
        "leaky hidden layers",
        "a = cache[0][1][1]\n            out = out + 0.01 * a * (a < 0)\n            caches.append(cache)",
        "caches.append(cache)",
        names="off",
    ),
    Answer(
        "fc-3.2",
        "caches in a dict, plain layers",
        """
        caches, h, L = {}, X, self.num_layers
        for i in range(1, L):
            options = self._hidden_options(i)
            h, caches[i] = affine_norm_relu_dropout_forward(
                h, self.params["W" + str(i)], self.params["b" + str(i)], **options
            )
        scores, caches[L] = affine_forward(h, self.params["W" + str(L)], self.params["b" + str(L)])
        return scores, [caches[i] for i in range(1, L + 1)]
        """,
        verdict="right",
    ),
    Answer(
        "fc-3.2",
        "input flattened first",
        "out, caches = X.reshape(X.shape[0], -1), []",
        "out, caches = X, []",
        verdict="right",
    ),
]

_PENALTY = "loss += 0.5 * self.reg * float(np.sum(W * W))"
_REG = 'grads[f"W{i}"] = grads[f"W{i}"] + self.reg * W'
_RANGE = "for i in range(1, L + 1):"
_BACK = "for i in range(L - 1, 0, -1):"
_KEEP = 'grads[f"W{i}"], grads[f"b{i}"] = dW, db'
NET_LOSS = [
    Answer(
        "fc-3.3", "factor 0.5 missing", _PENALTY.replace("0.5 * ", ""), _PENALTY, names="factor 0.5"
    ),
    Answer("fc-3.3", "no penalty in the loss", "pass", _PENALTY, names="penalty is missing"),
    Answer("fc-3.3", "no penalty in the gradient", "pass", _REG, names="is missing"),
    Answer(
        "fc-3.3",
        "last layer left out of the penalty, in loss and gradient together",
        "for i in range(1, L):",
        _RANGE,
        names="last layer's weights are left out",
    ),
    Answer(
        "fc-3.3",
        "first layer left out of the penalty",
        "for i in range(2, L + 1):",
        _RANGE,
        names="only the last|first",
    ),
    Answer(
        "fc-3.3", "only the last layer penalised", "for i in [L]:", _RANGE, names="only the last"
    ),
    Answer(
        "fc-3.3",
        "biases penalised in the gradient",
        _REG + '\n            grads[f"b{i}"] = grads[f"b{i}"] + self.reg * self.params[f"b{i}"]',
        _REG,
        names=r"b\d is penalised",
    ),
    Answer(
        "fc-3.3",
        "biases penalised in the loss",
        _PENALTY + '\n                loss += 0.5 * self.reg * np.sum(self.params[f"b{i}"] ** 2)',
        _PENALTY,
        names="biases are penalised",
    ),
    Answer(
        "fc-3.3",
        "all parameters penalised",
        "for value in self.params.values():\n            loss += 0.5 * self.reg * np.sum(value**2)\n        for i in range(1, L + 1):\n            W = self.params[f'W{i}']\n            grads[f'W{i}'] = grads[f'W{i}'] + self.reg * W\n        return loss, grads",
        'if self.reg > 0:  # without a penalty, spare four passes over all weights\n            for i in range(1, L + 1):\n                W = self.params[f"W{i}"]\n                loss += 0.5 * self.reg * float(np.sum(W * W))\n                grads[f"W{i}"] = grads[f"W{i}"] + self.reg * W\n        return loss, grads',
        names="penalised",
    ),
    Answer(
        "fc-3.3",
        "the same layer penalised in each turn",
        'loss += 0.5 * self.reg * np.sum(self.params[f"W{L}"] ** 2)',
        _PENALTY,
        names="same layer",
    ),
    Answer(
        "fc-3.3",
        "the first layer penalised in each turn",
        'loss += 0.5 * self.reg * np.sum(self.params["W1"] ** 2)',
        _PENALTY,
        names="first layer is penalised each",
    ),
    Answer(
        "fc-3.3",
        "sum of the weights added to each entry",
        'grads[f"W{i}"] = grads[f"W{i}"] + self.reg * np.sum(W)',
        _REG,
        names="one number",
    ),
    Answer(
        "fc-3.3",
        "gradient scaled instead of the weights added",
        'grads[f"W{i}"] = grads[f"W{i}"] * (1 + self.reg)',
        _REG,
        names="scaled by 1",
    ),
    Answer(
        "fc-3.3",
        "half the penalty's gradient",
        'grads[f"W{i}"] = grads[f"W{i}"] + 0.5 * self.reg * W',
        _REG,
        names=r"0\.5 \* reg",
    ),
    Answer(
        "fc-3.3",
        "twice the penalty's gradient",
        'grads[f"W{i}"] = grads[f"W{i}"] + 2 * self.reg * W',
        _REG,
        names=r"2 \* reg",
    ),
    Answer(
        "fc-3.3",
        "loss doubled in the loop",
        "loss += loss + 0.5 * self.reg * float(np.sum(W * W))",
        _PENALTY,
        names="off|times",
    ),
    Answer(
        "fc-3.3",
        "penalty without squares",
        "loss += 0.5 * self.reg * float(np.sum(W))",
        _PENALTY,
        names="squares",
    ),
    Answer(
        "fc-3.3",
        "penalty subtracted",
        "loss -= 0.5 * self.reg * float(np.sum(W * W))",
        _PENALTY,
        names="subtracted",
    ),
    Answer(
        "fc-3.3",
        "SVM loss",
        "loss, dscores = svm_loss(scores, y)",
        "loss, dscores = softmax_loss(scores, y)",
        names="SVM",
    ),
    Answer(
        "fc-3.3",
        "loss summed over the batch",
        "loss, dscores = softmax_loss(scores, y)\n        loss, dscores = loss * len(y), dscores * len(y)",
        "loss, dscores = softmax_loss(scores, y)",
        names="summed",
    ),
    Answer(
        "fc-3.3",
        "gradients summed over the batch",
        "loss, dscores = softmax_loss(scores, y)\n        dscores = dscores * len(y)",
        "loss, dscores = softmax_loss(scores, y)",
        names="3 times",
    ),
    Answer(
        "fc-3.3",
        "dout not passed on",
        "_, dW, db, *dnorm = affine_norm_relu_dropout_backward(dout, caches[i - 1])",
        "dout, dW, db, *dnorm = affine_norm_relu_dropout_backward(dout, caches[i - 1])",
        names="ValueError|way back",
    ),
    Answer(
        "fc-3.3",
        "first layer's gradients forgotten",
        "for i in range(L - 1, 1, -1):",
        _BACK,
        names="lacks|KeyError",
    ),
    Answer("fc-3.3", "bias gradients forgotten", 'grads[f"W{i}"] = dW', _KEEP, names="lacks"),
    Answer(
        "fc-3.3",
        "gradients under names from zero",
        'grads[f"W{i}"], grads[f"b{i - 1}"] = dW, db',
        _KEEP,
        names="lacks",
    ),
    Answer(
        "fc-3.3",
        "dW doubled",
        'grads[f"W{i}"], grads[f"b{i}"] = 2 * dW, db',
        _KEEP,
        names="2 times|way back",
    ),
    Answer(
        "fc-3.3",
        "bias gradients as rows",
        'grads[f"W{i}"], grads[f"b{i}"] = dW, db[None]',
        _KEEP,
        names="row matrix",
    ),
    Answer(
        "fc-3.3",
        "gradients averaged once more",
        'grads[f"W{i}"], grads[f"b{i}"] = dW / len(y), db / len(y)',
        _KEEP,
        names="times|way back",
    ),
    Answer(
        "fc-3.3",
        "loss not returned",
        "return grads",
        "return loss, grads",
        names="should return|loss",
    ),
    Answer(
        "fc-3.3",
        "reg forgotten",
        'grads[f"W{i}"] = grads[f"W{i}"] + W',
        _REG,
        names="reg is missing|added",
    ),
    Answer(
        "fc-3.3",
        "penalty first, gradients in one loop from the end",
        """
        L = self.num_layers
        loss, dout = softmax_loss(scores, y)
        weights = [self.params["W%d" % i] for i in range(1, L + 1)]
        loss += 0.5 * self.reg * sum(np.vdot(W, W) for W in weights)
        grads = {}
        for i in reversed(range(1, L + 1)):
            if i == L:
                dout, dW, db = affine_backward(dout, caches[i - 1])
            else:
                dout, dW, db, *rest = affine_norm_relu_dropout_backward(dout, caches[i - 1])
                if self.normalization:
                    grads["gamma%d" % i], grads["beta%d" % i] = rest
            grads["W%d" % i] = dW + self.reg * weights[i - 1]
            grads["b%d" % i] = db
        return loss, grads
        """,
        verdict="right",
    ),
    Answer(
        "fc-3.3",
        "gradients added to in place",
        'grads[f"W{i}"] += self.reg * W',
        _REG,
        verdict="right",
    ),
]

_GAMMA = 'params[f"gamma{i}"] = np.ones(widths[i])'
_BETA = 'params[f"beta{i}"] = np.zeros(widths[i])'
NORM_INIT = [
    Answer(
        "bn-2.1",
        "beta of ones",
        'params[f"beta{i}"] = np.ones(widths[i])',
        _BETA,
        names="expected 0",
    ),
    Answer(
        "bn-2.1",
        "gamma of zeros",
        'params[f"gamma{i}"] = np.zeros(widths[i])',
        _GAMMA,
        names="expected 1",
    ),
    Answer(
        "bn-2.1",
        "gamma drawn at random",
        'params[f"gamma{i}"] = np.random.randn(widths[i])',
        _GAMMA,
        names="expected 1",
    ),
    Answer(
        "bn-2.1",
        "as wide as the layer's input",
        'params[f"gamma{i}"] = np.ones(widths[i - 1])',
        _GAMMA,
        names="shape",
    ),
    Answer(
        "bn-2.1",
        "after the last layer too",
        "for i in range(1, self.num_layers + 1):",
        "for i in range(1, self.num_layers):",
        names="unexpected",
    ),
    Answer(
        "bn-2.1",
        "last hidden layer left out",
        "for i in range(1, self.num_layers - 1):",
        "for i in range(1, self.num_layers):",
        names="lacks",
    ),
    Answer(
        "bn-2.1",
        "numbers instead of vectors",
        'params[f"gamma{i}"] = 1.0',
        _GAMMA,
        names="AttributeError",
    ),
    Answer(
        "bn-2.1",
        "rows (1, H)",
        'params[f"beta{i}"] = np.zeros((1, widths[i]))',
        _BETA,
        names="row matrix",
    ),
    Answer(
        "bn-2.1",
        "whole list of widths as shape",
        'params[f"gamma{i}"] = np.ones(widths[1:-1])',
        _GAMMA,
        names="shape",
    ),
    Answer(
        "bn-2.1",
        "names from zero",
        'params[f"gamma{i - 1}"] = np.ones(widths[i])',
        _GAMMA,
        names="lacks",
    ),
    Answer(
        "bn-2.1",
        "enumerate over the hidden widths",
        """
        params = {}
        for i, width in enumerate(widths[1:-1]):
            params["gamma" + str(i + 1)] = np.full(width, 1.0)
            params["beta" + str(i + 1)] = np.full(width, 0.0)
        return params
        """,
        verdict="right",
    ),
]

SANDWICH = [
    Answer(
        "bn-2.2",
        "normalization after the ReLU",
        """
        norm_forward = batchnorm_forward if normalization == "batchnorm" else layernorm_forward
        a, fc_cache = affine_forward(x, w, b)
        h, relu_cache = relu_forward(a)
        out, norm_cache = norm_forward(h, gamma, beta, norm_param)
        return out, (fc_cache, norm_cache, relu_cache, normalization)
        """,
        region=0,
        names="after the ReLU",
    ),
    Answer(
        "bn-2.2",
        "normalization left out",
        "out, relu_cache = relu_forward(a)",
        "out, relu_cache = relu_forward(a_norm)",
        names="normalization is left out",
    ),
    Answer(
        "bn-2.2",
        "ReLU left out",
        "out, relu_cache = a_norm, a_norm",
        "out, relu_cache = relu_forward(a_norm)",
        names="ReLU is left out",
    ),
    Answer(
        "bn-2.2",
        "layer norm in both cases, forward only",
        "norm_forward = layernorm_forward",
        'norm_forward = batchnorm_forward if normalization == "batchnorm" else layernorm_forward',
        names="not batchnorm",
    ),
    Answer(
        "bn-2.2",
        "gamma and beta exchanged",
        "norm_forward(a, beta, gamma, norm_param)",
        "norm_forward(a, gamma, beta, norm_param)",
        names="exchanged",
    ),
    Answer(
        "bn-2.2",
        "normalization before the affine layer",
        "a, fc_cache = affine_forward(x - x.mean(axis=0), w, b)",
        "a, fc_cache = affine_forward(x, w, b)",
        names="way back|off",
    ),
    Answer(
        "bn-2.2",
        "a fresh bn_param in each call",
        'norm_forward(a, gamma, beta, {"mode": "train"})',
        "norm_forward(a, gamma, beta, norm_param)",
        names="norm_param itself",
    ),
    Answer(
        "bn-2.2",
        "always in train mode",
        'norm_forward(a, gamma, beta, {**norm_param, "mode": "train"})',
        "norm_forward(a, gamma, beta, norm_param)",
        names="norm_param itself",
    ),
    Answer(
        "bn-2.2",
        "normalization skipped on the way back",
        "da, dgamma, dbeta = da_norm, *norm_backward(da_norm, norm_cache)[1:]",
        "da, dgamma, dbeta = norm_backward(da_norm, norm_cache)",
        names="back",
    ),
    Answer(
        "bn-2.2",
        "ReLU skipped on the way back",
        "da_norm = dout",
        "da_norm = relu_backward(dout, relu_cache)",
        names="back",
    ),
    Answer(
        "bn-2.2",
        "dgamma and dbeta exchanged",
        "return dx, dw, db, dbeta, dgamma",
        "return dx, dw, db, dgamma, dbeta",
        names="dgamma",
    ),
    Answer(
        "bn-2.2",
        "dgamma and dbeta not returned",
        "return dx, dw, db",
        "return dx, dw, db, dgamma, dbeta",
        names="should return",
    ),
    Answer(
        "bn-2.2",
        "layer norm's backward pass for both",
        "norm_backward = layernorm_backward",
        "norm_backward = batchnorm_backward_alt if is_batchnorm else layernorm_backward",
        names="way back|shape",
    ),
    Answer(
        "bn-2.2",
        "batchnorm_backward in place of the simplified one",
        "norm_backward = batchnorm_backward if is_batchnorm else layernorm_backward",
        "norm_backward = batchnorm_backward_alt if is_batchnorm else layernorm_backward",
        names="NameError",
        verdict="wrong",
    ),
    Answer(
        "bn-2.2",
        "two branches",
        """
        a, fc = affine_forward(x, w, b)
        if normalization == "batchnorm":
            n, norm = batchnorm_forward(a, gamma, beta, norm_param)
        else:
            n, norm = layernorm_forward(a, gamma, beta, norm_param)
        out, relu = relu_forward(n)
        return out, (fc, norm, relu, normalization)
        """,
        region=0,
        verdict="right",
    ),
    Answer(
        "bn-2.2",
        "way back with two branches",
        """
        fc, norm, relu, normalization = cache
        d = relu_backward(dout, relu)
        if normalization == "batchnorm":
            d, dgamma, dbeta = batchnorm_backward_alt(d, norm)
        else:
            d, dgamma, dbeta = layernorm_backward(d, norm)
        return (*affine_backward(d, fc), dgamma, dbeta)
        """,
        region=1,
        verdict="right",
    ),
]

ANSWERS = [
    *TWO_INIT,
    *TWO_SCORES,
    *TWO_LOSS,
    *NET_INIT,
    *NET_FORWARD,
    *NET_LOSS,
    *NORM_INIT,
    *SANDWICH,
]

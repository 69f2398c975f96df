"""Right networks and sandwiches, written in unusual ways."""

from __future__ import annotations

from staff.bank.answer import Answer


def _right(exercise: str, title: str, new: str, old: str = "", **more: object) -> Answer:
    """Return a right answer."""
    return Answer(exercise, title, new, old, verdict="right", **more)  # type: ignore[arg-type]


TWO = [
    _right(
        "fc-2.1",
        "one draw for both matrices, cut in two",
        """
        draws = weight_scale * np.random.randn(D * H + H * C)
        W1, W2 = np.split(draws, [D * H])
        return dict(W1=W1.reshape(D, H), b1=np.zeros(H), W2=W2.reshape(H, C), b2=np.zeros(C))
        """,
    ),
    _right(
        "fc-2.1",
        "a generator of NumPy's newer kind",
        """
        rng = np.random.default_rng(np.random.randint(2**31))
        params = {"b1": np.zeros(H), "b2": np.zeros(C)}
        for name, shape in (("W1", (D, H)), ("W2", (H, C))):
            params[name] = rng.normal(scale=weight_scale, size=shape)
        return params
        """,
    ),
    _right(
        "fc-2.2",
        "written out, with a class for the cache",
        """
        class Pass:
            pass

        kept = Pass()
        kept.X = X
        kept.rows = X.reshape(X.shape[0], -1)
        kept.a = kept.rows.dot(self.params["W1"]) + self.params["b1"]
        kept.h = np.where(kept.a > 0, kept.a, 0)
        return kept.h.dot(self.params["W2"]) + self.params["b2"], kept
        """,
    ),
    _right(
        "fc-2.2",
        "in four layers",
        """
        p = self.params
        a, cache1 = affine_forward(X, p["W1"], p["b1"])
        h, cache2 = relu_forward(a)
        scores, cache3 = affine_forward(h, p["W2"], p["b2"])
        return scores, ((cache1, cache2), cache3)
        """,
    ),
    _right(
        "fc-2.3",
        "from formulas, no layer's function but the loss",
        """
        ((X, W1, b1), a), (h, W2, b2) = cache
        rows, h = X.reshape(len(X), -1), np.maximum(a, 0)
        data, dscores = softmax_loss(scores, y)
        da = (dscores @ W2.T) * (a > 0)
        weights = np.concatenate([W1.ravel(), W2.ravel()])
        grads = {
            "b2": np.ones(len(X)) @ dscores,
            "W2": h.T @ dscores + self.reg * W2,
            "b1": np.ones(len(X)) @ da,
            "W1": rows.T @ da + self.reg * W1,
        }
        return data + 0.5 * self.reg * weights @ weights, grads
        """,
    ),
    _right(
        "fc-2.3",
        "own softmax, loss as an array without dimensions",
        """
        hidden_cache, scores_cache = cache
        N, W1, W2 = len(y), self.params["W1"], self.params["W2"]
        e = np.exp(scores - scores.max(axis=1, keepdims=True))
        p = e / e.sum(axis=1, keepdims=True)
        loss = -np.log(p[np.arange(N), y]).sum() / N
        for W in (W1, W2):
            loss = loss + 0.5 * self.reg * np.linalg.norm(W) ** 2
        d = (p - np.eye(p.shape[1])[y]) / N
        dh, dW2, db2 = affine_backward(d, scores_cache)
        _, dW1, db1 = affine_relu_backward(dh, hidden_cache)
        dW1 += self.reg * W1
        dW2 += self.reg * W2
        return np.array(loss), {"W1": dW1, "W2": dW2, "b1": db1, "b2": db2}
        """,
    ),
]

DEEP = [
    _right(
        "fc-3.1",
        "zip over the widths",
        """
        params = {}
        for i, (before, after) in enumerate(zip(widths, widths[1:]), start=1):
            params["W%d" % i] = np.random.normal(0, weight_scale, size=(before, after))
            params["b%d" % i] = np.zeros((after,))
        return params
        """,
    ),
    _right(
        "fc-3.1",
        "weights first, then biases, in an ordered dict",
        """
        from collections import OrderedDict

        layers = range(self.num_layers)
        weights = [(f"W{i + 1}", np.random.randn(*widths[i : i + 2]) * weight_scale) for i in layers]
        return OrderedDict([*weights, *((f"b{i + 1}", np.zeros(widths[i + 1])) for i in layers)])
        """,
    ),
    _right(
        "fc-3.2",
        "caches in a dict",
        """
        caches, last = {}, self.num_layers
        for i in range(1, last + 1):
            W, b = self.params["W" + str(i)], self.params["b" + str(i)]
            if i == last:
                X, caches[i] = affine_forward(X, W, b)
            else:
                X, caches[i] = affine_norm_relu_dropout_forward(X, W, b, **self._hidden_options(i))
        return X, [caches[i] for i in sorted(caches)]
        """,
    ),
    _right(
        "fc-3.2",
        "functools.reduce over the layers",
        """
        from functools import reduce

        caches = []

        def layer(x, i):
            out, cache = affine_norm_relu_dropout_forward(
                x, self.params[f"W{i}"], self.params[f"b{i}"], **self._hidden_options(i)
            )
            caches.append(cache)
            return out

        L = self.num_layers
        hidden = reduce(layer, range(1, L), X)
        scores, cache = affine_forward(hidden, self.params[f"W{L}"], self.params[f"b{L}"])
        return scores, caches + [cache]
        """,
    ),
    _right(
        "fc-3.3",
        "caches popped off a stack",
        """
        loss, d = softmax_loss(scores, y)
        stack, grads = list(caches), {}
        d, grads[f"W{self.num_layers}"], grads[f"b{self.num_layers}"] = affine_backward(d, stack.pop())
        while stack:
            i = len(stack)
            names = [f"{kind}{i}" for kind in ("W", "b", "gamma", "beta")]
            d, *found = affine_norm_relu_dropout_backward(d, stack.pop())
            grads.update(zip(names, found))
        for name, value in self.params.items():
            if name[0] == "W":
                loss += 0.5 * self.reg * (value**2).sum()
                grads[name] += self.reg * value
        return loss, grads
        """,
    ),
    _right(
        "fc-3.3",
        "recursion from the last layer to the first",
        """
        def back(i, d):
            if i == 0:
                return {}
            if i == self.num_layers:
                d, *found = affine_backward(d, caches[-1])
            else:
                d, *found = affine_norm_relu_dropout_backward(d, caches[i - 1])
            found[0] = found[0] + self.reg * self.params[f"W{i}"]
            here = {f"{kind}{i}": g for kind, g in zip(("W", "b", "gamma", "beta"), found)}
            return {**back(i - 1, d), **here}

        loss, d = softmax_loss(scores, y)
        squares = [np.vdot(W, W) for name, W in self.params.items() if name.startswith("W")]
        return loss + self.reg / 2 * sum(squares), back(self.num_layers, d)
        """,
    ),
]

HIDDEN = [
    _right(
        "bn-2.1",
        "names from a product",
        """
        from itertools import product

        fresh = {"gamma": np.ones, "beta": np.zeros}
        hidden = enumerate(widths[1:-1], start=1)
        return {f"{kind}{i}": fresh[kind](width) for (i, width), kind in product(hidden, fresh)}
        """,
    ),
    _right(
        "bn-2.1",
        "np.full",
        'params[f"gamma{i}"] = np.full(widths[i], 1.0)',
        'params[f"gamma{i}"] = np.ones(widths[i])',
    ),
    _right(
        "bn-2.2",
        "a chain of layers and their ways back",
        """
        norm, norm_back = {
            "batchnorm": (batchnorm_forward, batchnorm_backward_alt),
            "layernorm": (layernorm_forward, layernorm_backward),
        }[normalization]
        out, fc = affine_forward(x, w, b)
        out, kept = norm(out, gamma, beta, norm_param)
        out, relu = relu_forward(out)
        return out, [(relu_backward, relu), (norm_back, kept), (affine_backward, fc)]
        """,
        region=0,
        also=(
            (
                "    fc_cache, norm_cache, relu_cache, normalization = cache\n",
                "    (relu_back, relu_cache), (norm_backward, norm_cache), (_, fc_cache) = cache\n",
            ),
            ('    is_batchnorm = normalization == "batchnorm"\n', ""),
            (
                "    norm_backward = batchnorm_backward_alt if is_batchnorm else layernorm_backward\n",
                "",
            ),
        ),
    ),
    _right(
        "bn-2.2",
        "a cache for each name in a dict",
        'return out, {"fc": fc_cache, "norm": norm_cache, "relu": relu_cache, "kind": normalization}',
        "return out, (fc_cache, norm_cache, relu_cache, normalization)",
        also=(
            (
                "fc_cache, norm_cache, relu_cache, normalization = cache",
                "fc_cache, norm_cache, relu_cache, normalization = (\n"
                '        cache[key] for key in ("fc", "norm", "relu", "kind")\n    )',
            ),
        ),
    ),
    _right(
        "do-2.1",
        "out and cache unpacked later",
        """
        dropped = dropout_forward(out, dropout_param)
        return dropped[0], [inner, dropped[1]]
        """,
    ),
    _right(
        "do-2.1",
        "options passed on as a copy",
        "out, dropout_cache = dropout_forward(out, dict(dropout_param))",
        "out, dropout_cache = dropout_forward(out, dropout_param)",
    ),
    _right(
        "fc-1.5",
        "ReLU written out, its own cache",
        "out, relu_cache = a * (a > 0), a > 0",
        "out, relu_cache = relu_forward(a)",
        anywhere=True,
        also=(
            (
                "return affine_backward(relu_backward(dout, relu_cache), fc_cache)",
                "return affine_backward(dout * relu_cache, fc_cache)",
            ),
        ),
    ),
    _right(
        "fc-1.6",
        "one-hot rows in place of indices",
        "one_hot = np.eye(x.shape[1], dtype=x.dtype)[y]\n"
        "    dx = dx - one_hot\n"
        "    return -float((one_hot * log_probs).sum() / len(y)), dx / x.shape[0]",
        "dx[rows, y] -= 1\n    return -float(log_probs[rows, y].mean()), dx / x.shape[0]",
        anywhere=True,
    ),
]
ANSWERS = [*TWO, *DEEP, *HIDDEN]

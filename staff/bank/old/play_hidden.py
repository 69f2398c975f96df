"""Wrong hidden layers: normalization and dropout lost, mixed up or held in the wrong place."""

from __future__ import annotations

from staff.bank.answer import Answer

_NORM = 'params[f"gamma{i}"] = np.ones(widths[i])'
NORM = [
    Answer(
        "bn-2.1",
        "one layer too many",
        "for i in range(1, self.num_layers + 1):",
        "for i in range(1, self.num_layers):",
        names="unexpected",
    ),
    Answer("bn-2.1", "gamma as a number", 'params[f"gamma{i}"] = 1.0', _NORM, names="float|astype"),
    Answer(
        "bn-2.1",
        "gamma drawn around 1",
        'params[f"gamma{i}"] = 1 + 0.01 * np.random.randn(widths[i])',
        _NORM,
        names="expected 1",
    ),
    Answer(
        "bn-2.1",
        "gamma as a row",
        'params[f"gamma{i}"] = np.ones((1, widths[i]))',
        _NORM,
        names="row matrix",
    ),
    Answer(
        "bn-2.1", "gamma as a list", 'params[f"gamma{i}"] = [1.0] * widths[i]', _NORM, names="list"
    ),
    Answer(
        "bn-2.1",
        "names with an underscore",
        'params[f"gamma_{i}"] = np.ones(widths[i])',
        _NORM,
        names="lacks",
    ),
    Answer(
        "bn-2.1",
        "nothing returned",
        "params = {f'gamma{i}': np.ones(widths[i]) for i in range(1, self.num_layers)}",
        names="None",
    ),
]

_OUT = "return out, (fc_cache, norm_cache, relu_cache, normalization)"
_FORWARD = 'norm_forward = batchnorm_forward if normalization == "batchnorm" else layernorm_forward'
SANDWICH = [
    Answer(
        "bn-2.2",
        "batch norm for every normalization that was asked for",
        "norm_forward = batchnorm_forward\n    norm_param.setdefault('mode', 'train')",
        _FORWARD,
        names="layernorm was asked for",
        also=(
            (
                "norm_backward = batchnorm_backward_alt if is_batchnorm else layernorm_backward",
                "norm_backward = batchnorm_backward_alt",
            ),
        ),
    ),
    Answer(
        "bn-2.2",
        "a copy of norm_param: running statistics lost",
        "a_norm, norm_cache = norm_forward(a, gamma, beta, dict(norm_param))",
        "a_norm, norm_cache = norm_forward(a, gamma, beta, norm_param)",
        names="norm_param itself",
    ),
    Answer(
        "bn-2.2",
        "mode set to train in norm_param itself",
        "norm_param['mode'] = 'train'\n    a_norm, norm_cache = norm_forward(a, gamma, beta, norm_param)",
        "a_norm, norm_cache = norm_forward(a, gamma, beta, norm_param)",
        names="test mode|mode",
    ),
    Answer(
        "bn-2.2",
        "caches in a global",
        "KEPT[:] = [(fc_cache, norm_cache, relu_cache, normalization)]\n    return out, KEPT",
        _OUT,
        names="another forward pass",
        also=(
            (
                "fc_cache, norm_cache, relu_cache, normalization = cache",
                "fc_cache, norm_cache, relu_cache, normalization = KEPT[0]",
            ),
            ("def affine_relu_forward", "KEPT = []\n\n\ndef affine_relu_forward"),
        ),
    ),
    Answer(
        "bn-2.2",
        "gradients in another order",
        "return dx, dw, db, dbeta, dgamma",
        "return dx, dw, db, dgamma, dbeta",
        names="exchanged",
    ),
    Answer(
        "bn-2.2",
        "gradients in a dict",
        'return {"dx": dx, "dw": dw, "db": db, "dgamma": dgamma, "dbeta": dbeta}',
        "return dx, dw, db, dgamma, dbeta",
        names="returned dict",
    ),
    Answer(
        "bn-2.2",
        "only three gradients",
        "return dx, dw, db",
        "return dx, dw, db, dgamma, dbeta",
        names="3 values",
    ),
    Answer(
        "bn-2.2",
        "layer's output before ReLU",
        "return a_norm, (fc_cache, norm_cache, relu_cache, normalization)",
        _OUT,
        names="ReLU is left out",
    ),
]

_DROP = "out, dropout_cache = dropout_forward(out, dropout_param)"
DROPOUT = [
    Answer(
        "do-2.1",
        "a copy of dropout_param in test mode",
        "out, dropout_cache = dropout_forward(out, {**dropout_param, 'mode': 'test'})",
        _DROP,
        names="nothing was dropped|dropout",
    ),
    Answer(
        "do-2.1",
        "seed left out",
        "out, dropout_cache = dropout_forward(out, {k: v for k, v in dropout_param.items() if k != 'seed'})",
        _DROP,
        names="seed|off",
    ),
    Answer(
        "do-2.1",
        "seed always 0",
        "out, dropout_cache = dropout_forward(out, {**dropout_param, 'seed': 0})",
        _DROP,
        names="seed|mask",
    ),
    Answer(
        "do-2.1",
        "keep probability hard-coded",
        "out, dropout_cache = dropout_forward(out, {**dropout_param, 'p': 0.5})",
        _DROP,
        names="p = 0.5|hard-coded|off",
    ),
    Answer(
        "do-2.1",
        "cache of dropout in a global",
        "out, dropout_cache = dropout_forward(out, dropout_param)\n    KEPT[:] = [dropout_cache]",
        _DROP,
        names="another|back in reverse|dropout",
        also=(
            (
                "dout = dropout_backward(dout, dropout_cache)",
                "dout = dropout_backward(dout, KEPT[0])",
            ),
            ("def affine_relu_forward", "KEPT = []\n\n\ndef affine_relu_forward"),
        ),
    ),
    Answer(
        "do-2.1",
        "dropped values negative",
        _DROP + "\n    out = out - (out == 0)",
        _DROP,
        names="off|dropout",
    ),
    Answer(
        "do-2.1",
        "dropout's result not kept",
        "_, dropout_cache = dropout_forward(out, dropout_param)",
        _DROP,
        names="left out",
    ),
    Answer(
        "do-2.1",
        "nothing returned",
        "out, dropout_cache = dropout_forward(out, dropout_param)",
        names="None",
    ),
]
ANSWERS = [*NORM, *SANDWICH, *DROPOUT]

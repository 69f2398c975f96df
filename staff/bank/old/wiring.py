"""Answers in which a network is wired wrongly, found once normalization or dropout comes in."""

from __future__ import annotations

from staff.bank.answer import Answer

_OPTIONS = "**self._hidden_options(i))"
_PENALTY = "loss += 0.5 * self.reg * float(np.sum(W * W))"
_KEEP = 'grads[f"gamma{i}"], grads[f"beta{i}"] = dnorm'

NORMALIZATION = [
    Answer(
        "fc-3.3",
        "gamma and beta penalised in the loss",
        'for name in (f"gamma{i}", f"beta{i}"):\n'
        "                    loss += 0.5 * self.reg * np.sum(self.params.get(name, 0 * W) ** 2)\n"
        f"                {_PENALTY}",
        _PENALTY,
        judged_by="bn-2.2",
        names="gamma and beta are penalised",
    ),
    Answer(
        "fc-3.3",
        "gamma penalised in the gradient",
        'grads[f"gamma{i}"] = dnorm[0] + self.reg * self.params[f"gamma{i}"]\n'
        '                grads[f"beta{i}"] = dnorm[1]',
        _KEEP,
        judged_by="bn-2.2",
        names=r"gamma\d is penalised",
    ),
    Answer(
        "fc-3.3",
        "gradients of gamma and beta thrown away",
        "if False:",
        "if dnorm:",
        judged_by="bn-2.2",
        names=r"lacks \['beta",
    ),
    Answer(
        "fc-3.3",
        "gradients of gamma and beta exchanged",
        'grads[f"beta{i}"], grads[f"gamma{i}"] = dnorm',
        _KEEP,
        judged_by="bn-2.2",
        names="beta|gamma",
    ),
    Answer(
        "fc-3.2",
        "normalization ignored",
        '**{"dropout_param": self.dropout_param})',
        _OPTIONS,
        judged_by="bn-2.2",
        names="normalization is left out",
    ),
    Answer(
        "fc-3.2",
        "batch norm always in train mode",
        "**{**self._hidden_options(i), 'norm_param': {'mode': 'train'}})",
        _OPTIONS,
        judged_by="bn-2.2",
        names="test mode",
    ),
    Answer(
        "bn-2.2",
        "layer norm for every normalization that was asked for",
        "norm_forward = layernorm_forward",
        'norm_forward = batchnorm_forward if normalization == "batchnorm" else layernorm_forward',
        names="not batchnorm",
        also=(
            (
                "norm_backward = batchnorm_backward_alt if is_batchnorm else layernorm_backward",
                "norm_backward = layernorm_backward",
            ),
        ),
    ),
]

DROPOUT = [
    Answer(
        "fc-3.2",
        "dropout ignored",
        '**{**self._hidden_options(i), "dropout_param": None})',
        _OPTIONS,
        judged_by="do-2.1",
        names="dropout is left out",
    ),
    Answer(
        "fc-3.2",
        "last hidden layer without dropout",
        "**{**self._hidden_options(i), **({} if i < self.num_layers - 1 else"
        " {'dropout_param': None})})",
        _OPTIONS,
        judged_by="do-2.1",
        names="last hidden layer",
    ),
    Answer(
        "fc-3.2",
        "input of the network dropped too",
        "out, caches = X, []\n"
        "        if self.dropout_param:\n"
        "            out, _ = dropout_forward(X, self.dropout_param)",
        "out, caches = X, []",
        judged_by="do-2.1",
        names="network's input",
    ),
    Answer(
        "fc-3.2",
        "scores dropped too",
        "if self.dropout_param:\n"
        "            scores, _ = dropout_forward(scores, self.dropout_param)\n"
        "        return scores, [*caches, cache]",
        "return scores, [*caches, cache]",
        judged_by="do-2.1",
        names="to the scores",
    ),
]

ANSWERS = [*NORMALIZATION, *DROPOUT]

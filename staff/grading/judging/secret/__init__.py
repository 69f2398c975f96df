"""Further checks, which students do not see: the reference's results on inputs of a secret seed.

They say which result is wrong and for what kind of input, never what the input was.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

from cs682.checks.report import Report
from cs682.checks.subject import LocalSubject, Subject
from staff.grading.judging.secret import conv_nets, images, layers, nets, norms, rules
from staff.grading.judging.secret.gradients import GRADIENTS
from staff.grading.judging.secret.hold import BEGINNING, RefusedError

Further = Callable[[Subject, Any], None]

FURTHER: dict[str, Further] = {
    "fc-1.1": layers.affine_forward,
    "fc-1.2": layers.affine_backward,
    "fc-1.3": layers.relu_forward,
    "fc-1.4": layers.relu_backward,
    "fc-1.5": layers.affine_relu,
    "fc-1.6": layers.losses,
    "fc-2.1": nets.two_layer_init,
    "fc-2.2": nets.two_layer_scores,
    "fc-2.3": nets.two_layer_loss,
    "fc-3.1": nets.net_init,
    "fc-3.2": nets.net_scores,
    "fc-3.3": nets.net_loss,
    "fc-4.1": rules.sgd_momentum,
    "fc-4.2": rules.rmsprop,
    "fc-4.3": rules.adam,
    "bn-1.1": norms.batchnorm_train,
    "bn-1.2": norms.batchnorm_test,
    "bn-1.3": norms.batchnorm_backward,
    "bn-1.4": norms.batchnorm_backward_alt,
    "bn-2.1": nets.norm_init,
    "bn-2.2": nets.batchnorm_nets,
    "bn-3.1": norms.layernorm_forward,
    "bn-3.2": norms.layernorm_backward,
    "do-1.1": layers.dropout_train,
    "do-1.2": layers.dropout_test,
    "do-1.3": layers.dropout_backward,
    "do-2.1": nets.dropout_sandwich,
    "cn-2.1": conv_nets.three_layer_init,
    "cn-2.2": conv_nets.three_layer_scores,
    "cn-2.3": conv_nets.three_layer_loss,
    "cn-4.1": conv_nets.block_scores,
    "cn-4.2": conv_nets.block_loss,
    "cn-1.1": images.conv_forward,
    "cn-1.2": images.conv_backward,
    "cn-1.3": images.pool_forward,
    "cn-1.4": images.pool_backward,
    "cn-1.5": images.fast_layers,
    "cn-1.6": images.sandwiches,
    "cn-3.1": images.spatial_batchnorm_forward,
    "cn-3.2": images.spatial_batchnorm_backward,
    "cn-3.3": images.groupnorm_forward,
    "cn-3.4": images.groupnorm_backward,
}


def further_check(exercise: str, seed: int, subject: Subject, report: Report) -> None:
    """Hold an exercise against the reference on inputs that depend on a secret seed.

    Parameters
    ----------
    exercise : str, its id
    seed : int, not negative
    report : Report, which gets nothing: these checks are silent

    Raises
    ------
    RefusedError
        If a result is not the reference's, or so odd that the check stumbles over it: what Python
        says then may hold what the code has put into it.
    """
    rng = np.random.default_rng([seed, zlib.crc32(exercise.encode())])
    try:
        FURTHER[exercise](subject, rng)
        if exercise in GRADIENTS:
            GRADIENTS[exercise](subject, rng)
    except (RefusedError, NotImplementedError):
        raise
    except Exception as error:
        if isinstance(subject, LocalSubject) or hasattr(error, "student_line"):
            raise  # of the course's own code, or in words of which a remote subject takes care
        raise RefusedError(BEGINNING) from None

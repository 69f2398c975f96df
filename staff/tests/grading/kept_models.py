"""Models as students hand them in, which know images by heart, so that nothing is trained."""

from __future__ import annotations

import numpy as np

from cs682.checks.run import MODELS
from cs682.classifiers.fc_net import TwoLayerNet
from cs682.hand_in import models
from cs682.hand_in.models import KeptModel
from cs682.training.checkpoint import write_checkpoint

IMAGES = 40


def knows(X, y, hidden: int, *, wrong: int = 0):
    """Return a two-layer net that answers rightly on all but so many of these images."""
    flat = X.reshape(len(X), -1).astype(np.float64)
    kernel = np.linalg.pinv(flat)  # (3072, N): each column answers 1 for its own image
    net = TwoLayerNet(hidden_dim=hidden)
    told = y.copy()
    told[:wrong] = (told[:wrong] + 1) % 10
    net.params["W1"][:], net.params["W2"][:] = 0, 0
    net.params["W1"][:, : len(X)] = kernel
    net.params["W2"][: len(X)] = np.eye(10)[told]
    return net


def kept_of(place, net):
    """Return a network as `keep_model` keeps it in the place of an exercise's."""
    kind = type(net).__name__
    is_conv = kind == "ConvNet"
    normalization = getattr(net, "normalization", None)
    arguments = models._arguments(kind, net) if is_conv else {"normalization": normalization}
    running = [{k: v for k, v in p.items() if k != "mode"} for p in getattr(net, "bn_params", [])]
    return KeptModel(place, kind, arguments, net.params, running)


def keep(package, place, net, **changes):
    """Write a model file as `keep_model` does, with some fields changed."""
    tree = kept_of(place, net)._asdict() | changes
    write_checkpoint(package / "notebooks" / MODELS[place], tree)


def held(images):
    return images.X - images.mean, images.y

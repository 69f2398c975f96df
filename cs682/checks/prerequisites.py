"""Which exercises another rests on: if one of them is wrong, its own message comes first."""

from __future__ import annotations

_AFFINE, _RELU = ("fc-1.1", "fc-1.2"), ("fc-1.3", "fc-1.4")
_PLAIN = (*_AFFINE, *_RELU, "fc-1.6")
_BATCHNORM = ("bn-1.1", "bn-1.2", "bn-1.3", "bn-1.4")

# exercise -> those whose functions its check calls too, the deepest ones first
RESTS_ON: dict[str, tuple[str, ...]] = {
    "fc-1.2": ("fc-1.1",),
    "fc-1.4": ("fc-1.3",),
    "fc-1.5": (*_AFFINE, *_RELU),
    "fc-2.2": ("fc-1.1", "fc-1.3", "fc-1.5"),
    "fc-2.3": (*_PLAIN, "fc-1.5", "fc-2.2"),
    "fc-3.2": ("fc-1.1", "fc-1.3", "fc-1.5"),
    "fc-3.3": (*_PLAIN, "fc-1.5", "fc-3.2"),
    "bn-1.3": ("bn-1.1",),
    "bn-1.4": ("bn-1.1",),
    "bn-2.1": ("fc-3.1",),
    "bn-2.2": (*_PLAIN, *_BATCHNORM),
    "bn-3.2": (*_PLAIN, "bn-3.1", "bn-2.2"),
    "do-1.3": ("do-1.1", "do-1.2"),
    # not on bn-2.2 and bn-3.2, whose checks call the functions of this one
    "do-2.1": (*_PLAIN, "do-1.1", "do-1.2", "do-1.3", *_BATCHNORM, "bn-3.1"),
    "cn-1.2": ("cn-1.1",),
    "cn-1.4": ("cn-1.3",),
    # given, but made of layers that are not
    "cn-1.6": ("fc-1.3", "fc-1.4", "cn-1.5", "bn-1.1", "bn-1.3", "bn-1.4", "cn-3.1", "cn-3.2"),
    "cn-2.2": ("fc-1.1", "fc-1.3"),
    "cn-2.3": (*_PLAIN, "cn-2.2"),
    "cn-3.1": ("bn-1.1", "bn-1.2"),
    "cn-3.2": ("bn-1.1", "bn-1.3", "bn-1.4", "cn-3.1"),
    "cn-3.4": ("cn-3.3",),
    "cn-4.1": ("fc-1.1", "fc-1.3", "cn-3.1"),
    "cn-4.2": (*_PLAIN, "cn-3.1", "cn-3.2", "cn-4.1"),
}

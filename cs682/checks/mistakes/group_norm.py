"""What common mistakes in group norm give, so that a check can name them."""

from __future__ import annotations

from typing import Any

import numpy as np

from cs682.checks import slow
from cs682.checks.mistakes import norms, spatial_norms

_NO_IMAGES = (
    "N is forgotten: reshape(G, -1) makes G rows of all images together; N * G rows are wanted"
)
_OF_ROWS = ("axis", "each feature", "gamma", "beta", "training branch", "running")


def paths(x: Any, gamma: Any, dout: Any, G: int, eps: float) -> tuple[Any, ...]:
    """Return ways, centred and spread of rows of groups, as `paths.say_paths` reads them."""
    rows, upstream = (v.reshape(len(x) * G, -1) for v in (x, dout * gamma))
    ways = spatial_norms.ways_back(rows, upstream, eps, 1)
    return ways, norms.centred(rows, 1), norms.spread(rows, eps, 1)


def _about_rows(causes: dict[str, Any]) -> dict[str, Any]:
    """Return causes that read the same for images."""
    return {said: v for said, v in causes.items() if not any(word in said for word in _OF_ROWS)}


def forward(x: Any, gamma: Any, beta: Any, G: int, eps: float) -> dict[str, Any]:
    """Return cause -> output of group norm, shape (N, C, H, W)."""
    (N, _, H, W), size = x.shape, x.shape[1] // G

    def over(shape: tuple[int, ...], axes: tuple[int, ...]) -> Any:
        parts = x.reshape(shape)
        mean, var = parts.mean(axis=axes, keepdims=True), parts.var(axis=axes, keepdims=True)
        return gamma * ((parts - mean) / np.sqrt(var + eps)).reshape(x.shape) + beta

    rows = x.reshape(N * G, -1)
    x_hat = slow.groupnorm(x, np.ones(gamma.shape), np.zeros(beta.shape), G, eps)
    of_rows = norms.forward(rows, np.ones(rows.shape[1]), np.zeros(rows.shape[1]), eps, 1)
    return {
        "groups and their channels are exchanged: the first C / G channels are the first group": (
            over((N, size, G, H, W), (1, 3, 4))
        ),
        "channels that lie G apart make a group, and come back in that order; a group is made of "
        "neighbours: reshape(N, G, C // G, H, W)": gamma
        * _standard(x.reshape(N, size, G, H, W).swapaxes(1, 2), eps).reshape(x.shape)
        + beta,
        "each channel is normalized by itself; a group has C / G of them": over(x.shape, (2, 3)),
        "all channels of an image are one group, whatever G is": over(x.shape, (1, 2, 3)),
        _NO_IMAGES: over((G, x.size // G), (1,)),
        "groups of G channels are made; G is the number of groups, each has C / G channels": over(
            (N, size, G, H, W), (2, 3, 4)
        ),
        "each group is of G values, one beside the other; G is the number of groups of channels": (
            over((N, -1, G), (2,))
        ),
        "the statistics run over the images too; each image has its own": over(
            (N, G, size, H, W), (0, 2, 3, 4)
        ),
        "the statistics run over the channels of a group alone, not over its pixels": over(
            (N, G, size, H, W), (2,)
        ),
        "the statistics run over the groups; they run over what is in a group": over(
            (N, G, size, H, W), (1,)
        ),
        "the statistics run over images and pixels, as in batch norm": over(x.shape, (0, 2, 3)),
        "the columns are missing in the statistics": over((N, G, size, H, W), (2, 3)),
        "the rows are missing in the statistics": over((N, G, size, H, W), (2, 4)),
        "the axes are moved before the groups are made, and not moved back": _moved(
            x, gamma, beta, G, eps
        ),
        "the groups come back transposed: undo what you did to x": gamma
        * x_hat.reshape(N, G, size, H, W).swapaxes(1, 2).reshape(x.shape)
        + beta,
        "gamma and beta are not applied": x_hat,
        "beta is not added": gamma * x_hat,
        "gamma is not applied": x_hat + beta,
        "gamma and beta are exchanged": beta * x_hat + gamma,
        "gamma and beta are read by the group's number; each channel has its own": _per_group(
            gamma, G
        )
        * x_hat
        + _per_group(beta, G),
        "gamma and beta are read by the channel's number within its group; count it in the image": (
            _within_group(gamma, G) * x_hat + _within_group(beta, G)
        ),
        "the groups come back as they were laid out; they have to become images again": (
            x_hat.reshape(N, G, size, H, W)
        ),
        **{said: gamma * v.reshape(x.shape) + beta for said, v in _about_rows(of_rows).items()},
    }


def _standard(parts: Any, eps: float) -> Any:
    """Return parts (N, G, C / G, H, W) of which each group is normalized by itself."""
    mean = parts.mean(axis=(2, 3, 4), keepdims=True)
    return (parts - mean) / np.sqrt(parts.var(axis=(2, 3, 4), keepdims=True) + eps)


def _per_group(gamma: Any, G: int) -> Any:
    """Return gamma, shape (1, C, 1, 1), with the first G numbers for the channels of each group."""
    return np.repeat(gamma[:, :G], gamma.shape[1] // G, axis=1)


def _within_group(gamma: Any, G: int) -> Any:
    """Return gamma, shape (1, C, 1, 1), with the same first C / G numbers in each group."""
    return np.tile(gamma[:, : gamma.shape[1] // G], (1, G, 1, 1))


def _moved(x: Any, gamma: Any, beta: Any, G: int, eps: float) -> Any:
    """Return group norm of images whose channels were moved last, and that were reshaped back."""
    rows = np.moveaxis(x, 1, -1).reshape(len(x) * G, -1)
    ones = np.ones(rows.shape[1])
    return gamma * slow.normalize(rows, ones, 0 * ones, eps, 1).reshape(x.shape) + beta


def backward(
    x: Any, gamma: Any, dout: Any, G: int, eps: float, want: list[Any]
) -> dict[str, dict[str, Any]]:
    """Return, for dx, dgamma and dbeta, cause -> value for group norm."""
    N, C = x.shape[:2]
    rows, upstream = x.reshape(N * G, -1), (dout * gamma).reshape(N * G, -1)
    std = norms.spread(rows, eps, 1)
    x_hat = norms.centred(rows, 1) / std
    sums = upstream.sum(axis=1, keepdims=True), (upstream * x_hat).sum(axis=1, keepdims=True)
    per_row = np.broadcast_to(gamma, x.shape).reshape(rows.shape)
    causes = spatial_norms.row_causes(rows, per_row, dout.reshape(rows.shape), eps, 1)

    def divided(n: int) -> Any:
        return ((upstream - sums[0] / n - x_hat * sums[1] / n) / std).reshape(x.shape)

    def grouped(groups: int, scale: Any = gamma) -> Any:
        flat = x.reshape(N * groups, -1), (dout * scale).reshape(N * groups, -1)
        return spatial_norms.ways_back(*flat, eps, 1).sum(axis=-1).reshape(x.shape)

    def summed(n_rows: int) -> Any:
        d, hat = upstream.reshape(n_rows, -1), x_hat.reshape(n_rows, -1)
        means = d.mean(axis=1, keepdims=True), (d * hat).mean(axis=1, keepdims=True)
        return ((d - means[0] - hat * means[1]).reshape(rows.shape) / std).reshape(x.shape)

    n_all = rows.shape[1] * G
    normalized = x_hat.reshape(x.shape)
    per_entry = {"dgamma": dout * normalized, "dbeta": dout}

    def gain(other: float) -> Any:
        hat = (x_hat * std / norms.spread(rows, other, 1)).reshape(x.shape)
        return (dout * hat).sum(axis=(0, 2, 3), keepdims=True)

    more = {said: gain(other) for said, other in spatial_norms.OTHER_EPS.items()}
    return {
        "dx": {
            "the sums in dx are divided by N * G; a group has C / G * H * W values": divided(N * G),
            "the sums in dx are divided by N; a group has C / G * H * W values": divided(N),
            "the sums in dx are divided by H * W; a group has C / G * H * W values": divided(
                x.shape[2] * x.shape[3]
            ),
            "the sums in dx are divided by C * H * W; a group has C / G * H * W values": divided(
                n_all
            ),
            f"in the sums of dx {_NO_IMAGES}": summed(G),
            "the sums in dx run over whole images, not over groups": grouped(1),
            "the sums in dx run over channels, not over groups": grouped(C),
            "the sums in dx run over groups of G channels; a group has C / G": grouped(C // G),
            "gamma is read by the group's number in dx; each channel has its own": grouped(
                G, _per_group(gamma, G)
            ),
            "gamma is read by the channel's number within its group in dx; count it in the image": (
                grouped(G, _within_group(gamma, G))
            ),
            "the groups of dx come back transposed: undo what you did to dout": want[0]
            .reshape(N, G, C // G, *x.shape[2:])
            .swapaxes(1, 2)
            .reshape(x.shape),
            **{said: v.reshape(x.shape) for said, v in causes.items()},
        },
        **{
            name: {
                f"{name} needs its axes kept, as gamma has them: shape (1, C, 1, 1)": each.sum(
                    axis=(0, 2, 3)
                ),
                f"{name} takes x where the normalized x_hat belongs": (dout * x).sum(
                    axis=(0, 2, 3), keepdims=True
                ),
                f"{name} is averaged; it is a sum": each.mean(axis=(0, 2, 3), keepdims=True),
                f"{name} is averaged over the images; it is a sum": want[i] / N,
                f"{name} sums over the images alone; sum over their pixels too": each.sum(
                    axis=0, keepdims=True
                ),
                f"{name} sums over the pixels alone; sum over the images too": each.sum(
                    axis=(2, 3), keepdims=True
                ),
                f"{name} is multiplied with gamma; it comes from dout as it was given": want[i]
                * gamma,
                f"this is {other}": want[3 - i],
                f"{name} sums over groups of channels; each channel has its own": _over_groups(
                    each, G
                ),
                **(more if name == "dgamma" else {}),
            }
            for i, name, other in ((1, "dgamma", "dbeta"), (2, "dbeta", "dgamma"))
            for each in [per_entry[name]]
        },
    }


def _over_groups(each: Any, G: int) -> Any:
    """Return sums over the channels of a group too, for each of its channels."""
    sums = each.sum(axis=(0, 2, 3)).reshape(G, -1).sum(axis=1)
    return np.repeat(sums, each.shape[1] // G)[None, :, None, None]

"""What common mistakes in the normalizations of images give, so that a check can name them.

Both are a normalization of rows: of pixels in batch norm, of groups in group norm. So what goes
wrong in those goes wrong here too, and the mistakes of `norms` are laid out as images.
"""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np

from cs682.checks import slow
from cs682.checks.mistakes import norms

# where the way back takes another eps than the forward pass
OTHER_EPS = {
    "the eps of the forward pass is left out": 0.0,
    "eps is hard-coded, not the one of the forward pass": 1e-5,
}

_OWN_EPS = (
    "eps is 1e-05 here, whatever bn_param says: does batchnorm_forward get bn_param itself, or a "
    "formula of your own its eps from there?"
)
_MIXED = "x is reshaped to (-1, C) without moving the channels last: rows mix channels and pixels"
_X_FIRST = "the channels of x are moved first, not last, before it is reshaped to (-1, C)"
_FIRST = "the channels of dout are moved first, not last, before it is reshaped to (-1, C)"


def pixels(x: Any) -> Any:
    """Return images (N, C, H, W) as rows of pixels, (N * H * W, C)."""
    return np.moveaxis(x, 1, -1).reshape(-1, x.shape[1])


def as_images(rows: Any, shape: tuple[int, ...]) -> Any:
    """Return rows of pixels as images of this shape."""
    N, C, H, W = shape
    return np.moveaxis(rows.reshape(N, H, W, C), -1, 1)


def batchnorm_forward(x: Any, gamma: Any, beta: Any, eps: float) -> dict[str, Any]:
    """Return cause -> output of spatial batch norm, shape (N, C, H, W)."""
    N, C, H, W = x.shape
    scale, shift = gamma[:, None, None], beta[:, None, None]

    def over(*axes: int) -> Any:
        mean, var = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
        return scale * (x - mean) / np.sqrt(var + eps) + shift

    def flat(rows: Any) -> Any:
        return slow.normalize(rows, gamma, beta, eps)

    rows = pixels(x)
    mixed, first = flat(x.reshape(-1, C)), flat(x.swapaxes(0, 1).reshape(-1, C))
    turned = np.moveaxis(x, 0, 1).reshape(C, -1)
    plain = flat(rows)
    of_rows = norms.forward(rows, gamma, beta, eps, 0)
    of_rows[_OWN_EPS] = of_rows.pop(norms.say_eps(1e-5))
    return {
        _MIXED: mixed.reshape(x.shape),
        f"{_MIXED}; only the result is moved": as_images(mixed, x.shape),
        _X_FIRST: as_images(first, x.shape),
        f"{_X_FIRST}; the result is laid out as if they had been": (
            first.reshape(C, N, H, W).swapaxes(0, 1)
        ),
        "the result is reshaped to (N, C, H, W) without moving the channels back": plain.reshape(
            x.shape
        ),
        "height and width are exchanged on the way back": as_images(plain, x.shape).swapaxes(2, 3),
        "rows of pixels are taken apart in the order (N, W, H); they are in the order (N, H, W)": (
            plain.reshape(N, W, H, C).transpose(0, 3, 2, 1)
        ),
        "images are reshaped to (C, -1) without moving the channels first": flat(
            x.reshape(C, -1).T
        ).T.reshape(x.shape),
        "the result is reshaped to (N, C, H, W), but the channels come first": (
            flat(turned.T).T.reshape(x.shape)
        ),
        "the statistics are those of each image; they run over all images too": over(2, 3),
        "each pixel is normalized by itself; the statistics run over pixels too": over(0),
        "each pixel is normalized over its channels": over(1),
        "the statistics run over the columns alone, not over the rows too": over(0, 3),
        "the statistics run over the rows alone, not over the columns too": over(0, 2),
        "one mean and one variance for all channels; each has its own": over(0, 1, 2, 3),
        "each image is normalized over all of its channels and pixels": over(1, 2, 3),
        "the channels stay last; bring them back to where they were": np.moveaxis(
            as_images(plain, x.shape), 1, -1
        ),
        "the rows of pixels come back; they have to become images again": plain,
        **{said: as_images(v, x.shape) for said, v in _kept(of_rows).items()},
    }


def _kept(causes: dict[str, Any]) -> dict[str, Any]:
    """Return the causes of batch norm that read the same for images."""
    return {said: v for said, v in causes.items() if "axis" not in said and "feature" not in said}


def running_of_one(new: Any, momentum: float) -> dict[str, Any]:
    """Return cause -> running statistic, shape (1,), after a step in which channels share it."""
    kept: Any = np.zeros(1)
    for value in new:
        kept = slow.running_average(kept, value, momentum)
    return {"channels share bn_param one after the other; it keeps a number for each": kept}


def batchnorm_backward(
    x: Any, gamma: Any, dout: Any, eps: float, want: list[Any]
) -> dict[str, dict[str, Any]]:
    """Return, for dx, dgamma and dbeta, cause -> value for spatial batch norm."""
    N, C = x.shape[:2]
    rows, upstream = pixels(x), pixels(dout)
    flat = [pixels(want[0]), *want[1:]]
    causes = row_causes(rows, gamma, upstream, eps, 0)
    mixed = _gradients(rows, gamma, dout.reshape(-1, C), eps)
    turned = _gradients(rows, gamma, dout.swapaxes(0, 1).reshape(-1, C), eps)
    by_images = _gradients(rows, gamma, upstream, eps, count=N)
    size = float(len(rows))
    in_other_order = _in_other_order(rows, gamma, upstream, eps, x.shape)
    more = {said: dgamma for said, (_, dgamma) in in_other_order.items()}
    more |= {said: (dout * _normalized(x, e)).sum(axis=(0, 2, 3)) for said, e in OTHER_EPS.items()}
    return {
        "dx": {
            "dout is reshaped to (-1, C) without moving the channels last": mixed[0].reshape(
                x.shape
            ),
            "dout is reshaped to (-1, C) without moving the channels last; dx is moved back": (
                as_images(mixed[0], x.shape)
            ),
            _FIRST: as_images(turned[0], x.shape),
            f"{_FIRST}, and dx is laid out as if they had been": (
                turned[0].reshape(C, N, *x.shape[2:]).swapaxes(0, 1)
            ),
            "dx is reshaped to (N, C, H, W) without moving the channels back": flat[0].reshape(
                x.shape
            ),
            "the sums in dx are divided by N; there are N * H * W values in each": as_images(
                by_images, x.shape
            )
            if size != N
            else want[0],
            **{said: dx for said, (dx, _) in in_other_order.items()},
            "height and width are exchanged in dx": want[0].swapaxes(2, 3),
            "the channels stay last in dx; bring them back to where they were": np.moveaxis(
                want[0], 1, -1
            ),
            "dx comes back as rows of pixels; they have to become images again": flat[0],
            **{said: as_images(v, x.shape) for said, v in causes.items()},
        },
        **{
            name: {
                "dout is reshaped to (-1, C) without moving the channels last": mixed[i],
                _FIRST: turned[i],
                f"{name} is averaged over images and pixels; it is a sum": want[i] / size,
                f"{name} takes x where the normalized x_hat belongs": (dout * x).sum(
                    axis=(0, 2, 3)
                ),
                f"{name} sums over the images alone; sum over their pixels too": (
                    per_entry.sum(axis=0)
                ),
                f"{name} sums over the pixels alone; sum over the images too": (
                    per_entry.sum(axis=(2, 3))
                ),
                f"this is {other}": want[3 - i],
                f"gamma is multiplied into {name}; it comes from dout as it was given": want[i]
                * gamma,
                **(more if name == "dgamma" else {}),
            }
            for i, name, other, per_entry in (
                (1, "dgamma", "dbeta", dout * _normalized(x, eps)),
                (2, "dbeta", "dgamma", dout),
            )
        },
    }


def _in_other_order(
    rows: Any, gamma: Any, dout: Any, eps: float, shape: tuple[int, ...]
) -> dict[str, Any]:
    """Return cause -> dx and dgamma where x became rows of pixels in one order, dout in another."""
    (N, _, H, W), right = shape, (0, 1, 2)
    found = {}
    for order, other in ((right, p) for p in permutations(right) if p != right):
        for ours, theirs in ((order, other), (other, order)):
            places = np.arange(len(rows)).reshape(N, H, W)
            of_x, of_dout = places.transpose(ours).ravel(), places.transpose(theirs).ravel()
            dx = np.zeros(rows.shape)
            dx[of_dout], dgamma, _ = _gradients(rows[of_x], gamma, dout[of_dout], eps)
            letters = (", ".join("NHW"[axis] for axis in axes) for axes in (ours, theirs))
            said = "x became rows of pixels in the order ({}), but dout in the order ({}): a row "
            said += "must hold the same pixel of both"
            found[said.format(*letters)] = as_images(dx, shape), dgamma
    return found


def _normalized(x: Any, eps: float) -> Any:
    mean, var = x.mean(axis=(0, 2, 3), keepdims=True), x.var(axis=(0, 2, 3), keepdims=True)
    return (x - mean) / np.sqrt(var + eps)


def _gradients(rows: Any, gamma: Any, dout: Any, eps: float, count: int = 0) -> Any:
    """Return dx, dgamma and dbeta for rows; with a count dx alone, its sums divided by that."""
    std = np.sqrt(rows.var(axis=0) + eps)
    x_hat = (rows - rows.mean(axis=0)) / std
    sums = dout.sum(axis=0), (dout * x_hat).sum(axis=0)
    n = count or len(rows)
    dx = gamma / std * (dout - sums[0] / n - x_hat * sums[1] / n)
    return dx if count else (dx, sums[1], sums[0])


def ways_back(rows: Any, dout: Any, eps: float, axis: int) -> Any:
    """Return the gradient of normalized rows along each way back: direct, mean, variance."""
    std, centred = norms.spread(rows, eps, axis), norms.centred(rows, axis)
    x_hat = centred / std
    through = (v.mean(axis=axis, keepdims=True) for v in (dout, dout * x_hat))
    mean, variance = (np.broadcast_to(v, rows.shape) for v in through)
    return np.stack([dout / std, -mean / std, -x_hat * variance / std], axis=-1)


def pixel_paths(x: Any, gamma: Any, dout: Any, eps: float) -> tuple[Any, ...]:
    """Return what `paths.say_paths` reads of rows of pixels, and where each number of them was.

    Returns
    -------
    places : ndarray, shape (N * H * W, C), indices into a flat array of images
    ways, centred, spread : ndarrays, of rows
    """
    rows, places = pixels(x), pixels(np.arange(x.size).reshape(x.shape))
    ways = ways_back(rows, gamma * pixels(dout), eps, 0)
    return places, ways, norms.centred(rows, 0), norms.spread(rows, eps, 0)


def row_causes(rows: Any, gamma: Any, dout: Any, eps: float, axis: int) -> dict[str, Any]:
    """Return cause -> dx of rows, for what goes wrong along an axis; dout without gamma."""

    def gradient(of: Any, other: float = eps, scale: Any = 1.0) -> Any:
        return ways_back(rows, of, other, axis).sum(axis=-1) * scale

    std, other = norms.spread(rows, eps, axis), 1 - axis
    ways = ways_back(rows, gamma * dout, eps, axis)
    total = ways[..., 1].sum(axis=other, keepdims=True)
    x_hat = norms.centred(rows, axis) / std
    return {
        "gamma is missing in dx": gradient(dout),
        "gamma differs along a row, so it must stay inside the sums of dx": gamma * gradient(dout),
        "gamma is applied twice in dx": gradient(gamma * dout, scale=gamma),
        "a sum inside dx runs over the whole array; give it its axes": (
            ways[..., 0] + total + ways[..., 2]
        ),
        **norms.over_all(gamma * dout, x_hat, std, axis, "dout * gamma"),
        "the path through the variance lacks its factor, the normalized x_hat": (
            ways[..., 0] + ways[..., 1] + ways[..., 2] / x_hat
        ),
        "divided by the variance where the standard deviation belongs": gradient(gamma * dout)
        / std,
        "the division by the standard deviation is missing in dx": gradient(gamma * dout) * std,
        "multiplied by the standard deviation where dx is divided by it: does the cache hold std "
        "or 1 / std?": gradient(gamma * dout) * std**2,
        **{said: gradient(gamma * dout, e) for said, e in OTHER_EPS.items()},
        "the sums in dx run over the other axis": ways_back(rows, gamma * dout, eps, other).sum(
            axis=-1
        ),
        "the sums in dx take x where the normalized x_hat belongs": ways[..., 0]
        + ways[..., 1]
        - rows * (gamma * dout * rows).mean(axis=axis, keepdims=True) / std,
        "the last term of dx takes x where the normalized x_hat belongs": ways[..., 0]
        + ways[..., 1]
        - rows * (gamma * dout * x_hat).mean(axis=axis, keepdims=True) / std,
    }

"""What reaches what: the pixels that a value of a deep layer sees, the values that share a mean."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from cs682.figures.style import COLOURS, INK, course_figure, hide_frame, require_named

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike, NDArray

SEEN, UNSEEN, SELF = COLOURS[0], "#e4e4e4", COLOURS[1]
HEIGHT = 0.5  # of a box, where two rows lie 1 apart
MARGIN = 3  # pixels that are drawn on each side of those that are seen


def draw_receptive_field(
    layers: Sequence[tuple[str, int, int]],
    *,
    title: str = "How much of the image does one value see?",
) -> Figure:
    """Draw the layers of a network as rows of boxes, and below one value all that it depends on.

    Parameters
    ----------
    layers : sequence of tuples (name, size, stride), from the image upwards; the edge of a
        layer's windows and their distance, both 1 or more
    title : str; title of the figure, a question or a finding

    Returns
    -------
    fig : Figure; closed, shown as the value of its cell

    Raises
    ------
    ValueError
        If there is no layer, or a size or a stride is below 1.
    """
    sizes, jumps, counts = _trace(layers)
    names = ["image", *(name for name, _, _ in layers)]
    with course_figure([["p"]], (8, 1.1 + 0.75 * len(names)), title) as (fig, axes):
        ax = axes["p"]
        for row, (count, jump) in enumerate(zip(counts, jumps, strict=True)):
            _draw_row(ax, row, count, jump, counts[0] / 2 + MARGIN)
        _draw_edges(ax, counts, jumps)
        hide_frame(ax)
        ax.set_yticks(range(len(names)), names)
        _say_sizes(ax, sizes)
    sees = (f"{n}: {s} x {s} pixels" for n, s in zip(names[1:], sizes[1:], strict=True))
    fig.set_label(f"{title} One value sees, after each layer: {'; '.join(sees)}.")
    return fig


def _trace(layers: Sequence[tuple[str, int, int]]) -> tuple[list[int], list[int], list[int]]:
    """Return of each row how wide a value sees, how far two are apart, how many are seen."""
    if not layers:
        raise ValueError("layers is empty: pass at least one (name, size, stride)")
    sizes, jumps, counts = [1], [1], [1]
    for name, size, stride in layers:
        if size < 1 or stride < 1:
            raise ValueError(
                f"{name!r} has size {size} and stride {stride}; both must be 1 or more"
            )
        sizes.append(sizes[-1] + (size - 1) * jumps[-1])
        jumps.append(jumps[-1] * stride)
    for _, size, stride in reversed(layers):
        counts.insert(0, (counts[0] - 1) * stride + size)
    return sizes, jumps, counts


def _draw_row(ax: Axes, row: int, count: int, jump: int, reach: float) -> None:
    """Draw the values of one layer around the centre, those that are seen in colour."""
    from matplotlib.patches import Rectangle

    width = jump - 0.12 * min(jump, 2)
    beside = int(np.ceil((reach - count * jump / 2) / jump))
    for i in range(-beside, count + beside):
        centre = (i - (count - 1) / 2) * jump
        if abs(centre) + width / 2 <= reach:
            corner = (centre - width / 2, row - HEIGHT / 2)
            colour = SEEN if 0 <= i < count else UNSEEN
            ax.add_patch(Rectangle(corner, width, HEIGHT, facecolor=colour, edgecolor="none"))
    ax.set(xlim=(-reach, reach + 10), ylim=(-0.5, row + 0.6))


def _draw_edges(ax: Axes, counts: Sequence[int], jumps: Sequence[int]) -> None:
    """Draw from row to row how what is seen widens."""
    halves = [count * jump / 2 for count, jump in zip(counts, jumps, strict=True)]
    for row, (below, above) in enumerate(pairwise(halves)):
        for side in (-1, 1):
            ends = [side * below, side * above], [row + HEIGHT / 2, row + 1 - HEIGHT / 2]
            ax.plot(*ends, color=SEEN, linewidth=1, linestyle="--")


def _say_sizes(ax: Axes, sizes: Sequence[int]) -> None:
    """Write beside each row how many pixels one of its values sees."""
    left = ax.get_xlim()[1] - 9.5
    for row, size in enumerate(sizes):
        text = f"one value sees\n{size} x {size} pixels" if row else "one pixel"
        ax.text(left, row, text, va="center", fontsize=9, color=INK)


def draw_reach(
    masks: Mapping[str, ArrayLike],
    *,
    title: str = "Which values share one mean?",
) -> Figure:
    """Draw for batches of images which values one of them reaches, one panel for each way.

    Parameters
    ----------
    masks : dict of label to array-like of bool, shape (N, C, H, W), the same for all; 1 to 4 of
        them. True where a change of the entry at index (0, 0, 0, 0) changes the output
    title : str; title of the figure, a question or a finding

    Returns
    -------
    fig : Figure; closed, shown as the value of its cell

    Raises
    ------
    TypeError
        If `masks` is no dict.
    ValueError
        If there are no or more than four masks, or they have other or different shapes.
    """
    named = _require_masks(masks)
    shape = next(iter(named.values())).shape
    with course_figure([list(named)], (8, 3.2), title) as (fig, axes):
        fig.get_layout_engine().set(w_pad=0.15)  # type: ignore[union-attr, call-arg]
        for k, (label, mask) in enumerate(named.items()):
            _draw_batch(axes[label], mask)
            axes[label].set_title(label, fontsize=10)
            axes[label].set_xlabel(f"{shape[0]} examples")
            if k == 0:
                axes[label].set_ylabel(f"{shape[1]} channels of {shape[2]} x {shape[3]} pixels")
        _draw_key(fig)
    said = (f"{k}: {int(m.sum())} of {m.size} values" for k, m in named.items())
    fig.set_label(f"{title} {'; '.join(said)}.")
    return fig


def _draw_key(fig: Figure) -> None:
    """Say what the colours of `draw_reach` mean."""
    from matplotlib.patches import Patch

    meanings = {"the value that changes": SELF, "outputs that it reaches": SEEN, "others": UNSEEN}
    handles = [Patch(color=colour, label=text) for text, colour in meanings.items()]
    fig.legend(handles=handles, loc="outside lower center", ncols=3, fontsize=9)


def _require_masks(masks: Mapping[str, ArrayLike]) -> dict[str, NDArray[np.bool_]]:
    """Return 1 to 4 masks, refusing others than those of one shape (N, C, H, W)."""
    named = {k: np.asarray(m, dtype=bool) for k, m in require_named(masks, "masks", "mask").items()}
    if len(named) > 4:
        raise ValueError(f"masks has {len(named)} entries; a figure holds at most 4")
    shape = next(iter(named.values())).shape
    for label, mask in named.items():
        if mask.ndim != 4 or mask.shape != shape or mask.size == 0:
            raise ValueError(
                f"{label!r} must have shape (N, C, H, W), the same for all, got {mask.shape}"
            )
    return named


def _draw_batch(ax: Axes, mask: NDArray[np.bool_]) -> None:
    """Draw a batch as a table of images: a column for each example, a row for each channel."""
    N, C, H, W = mask.shape
    step_y, step_x = H + 1, W + 1
    image = np.ones((C * step_y - 1, N * step_x - 1, 3))
    colours = {name: _rgb(name) for name in (SEEN, UNSEEN, SELF)}
    for n, c in np.ndindex(N, C):
        picture = np.where(mask[n, c, ..., None], colours[SEEN], colours[UNSEEN])
        if n == c == 0:
            picture[0, 0] = colours[SELF]
        image[c * step_y : c * step_y + H, n * step_x : n * step_x + W] = picture
    ax.imshow(image)
    hide_frame(ax)


def _rgb(colour: str) -> NDArray[np.float64]:
    """Return a colour as three numbers in [0, 1]."""
    from matplotlib.colors import to_rgb

    return np.array(to_rgb(colour))

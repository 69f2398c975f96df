"""Small tables for the notebooks: what a search tried, and which row won."""

from __future__ import annotations

import html
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MAX_DECIMALS = 5  # a column that needs more shows each number in its own shortest form


@dataclass(frozen=True)
class ResultsTable:
    """A table that shows itself: as HTML in a notebook, as aligned text anywhere else."""

    columns: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]  # one tuple a row, one text a column
    numeric: tuple[bool, ...]  # columns set flush right
    best_row: int | None = None
    caption: str = ""
    note: str = ""

    def __str__(self) -> str:
        """Return the table as text, its columns aligned and the best row marked with ``*``."""
        lines = [self.columns, *self.cells]
        widths = [max(len(line[k]) for line in lines) for k in range(len(self.columns))]
        body = [self._text_line(line, widths) for line in lines]
        marks = ["*" if k == self.best_row else " " for k in range(len(self.cells))]
        rows = [f"{mark} {line}".rstrip() for mark, line in zip(marks, body[1:], strict=True)]
        rule = "  " + "  ".join("-" * width for width in widths)
        note = f"* {self.note}" if self.note else ""
        parts = [self.caption, f"  {body[0]}".rstrip(), rule, *rows, note]
        return "\n".join(part for part in parts if part)

    __repr__ = __str__

    def _text_line(self, texts: Sequence[str], widths: Sequence[int]) -> str:
        aligned = zip(texts, widths, self.numeric, strict=True)
        return "  ".join(t.rjust(w) if right else t.ljust(w) for t, w, right in aligned)

    def to_markdown(self) -> str:
        """Return the table as Markdown, below its caption; no cell is marked.

        Returns
        -------
        text : str
        """
        rule = ["--:" if right else "---" for right in self.numeric]
        cells = [[html.escape(text).replace("|", "\\|") for text in row] for row in self.cells]
        lines = [f"| {' | '.join(line)} |" for line in [self.columns, rule, *cells]]
        return "\n".join([f"**{html.escape(self.caption)}**\n" * bool(self.caption), *lines, ""])

    def _repr_html_(self) -> str:
        """Return the table as HTML without colours, so that the notebook's theme decides them."""
        caption = ". ".join(
            part for part in (self.caption, self.note and f"Bold: {self.note}") if part
        )
        head = self._html_line(self.columns, "th")
        rows = [self._html_line(r, "td", bold=k == self.best_row) for k, r in enumerate(self.cells)]
        top = (
            f'<caption style="text-align:left">{html.escape(caption)}</caption>' if caption else ""
        )
        body = "\n".join(rows)
        return f"<table>\n{top}\n<thead>{head}</thead>\n<tbody>\n{body}\n</tbody>\n</table>"

    def _html_line(self, texts: Sequence[str], tag: str, *, bold: bool = False) -> str:
        cells = []
        for text, right in zip(texts, self.numeric, strict=True):
            inner = html.escape(text)
            inner = f"<strong>{inner}</strong>" if bold else inner
            side = "right" if right else "left"
            cells.append(f'<{tag} style="text-align:{side}">{inner}</{tag}>')
        return f"<tr>{''.join(cells)}</tr>"


def results_table(
    rows: Iterable[Mapping[str, Any]],
    columns: Sequence[str] | None = None,
    sort_by: str | None = None,
    best: str | None = None,
    caption: str | None = None,
    *,
    lowest: bool = False,
) -> ResultsTable:
    """Lay out results, one dict a row, as a table that a notebook cell can end with.

    Parameters
    ----------
    rows : iterable of dict; column name to value, never written to; a missing value shows as ``-``
    columns : sequence of str, optional; which columns and in which order, all by default
    sort_by : str, optional; column to order the rows by, best first; without it, order of `rows`
    best : str, optional; column that decides which row is marked
    caption : str, optional; one line above the table
    lowest : bool, default False; whether the smallest value is the best one (a loss), not the
        largest (an accuracy)

    Returns
    -------
    table : ResultsTable; shown as HTML in a notebook, ``str(table)`` is aligned text

    Raises
    ------
    ValueError
        If there are no rows, or if a column is named that no row has.

    Notes
    -----
    Values that are not finite numbers sort last and are never the best.
    """
    rows = [dict(row) for row in rows]
    if not rows:
        raise ValueError("rows is empty: a table needs at least one row")
    known = list(dict.fromkeys(name for row in rows for name in row))
    chosen = known if columns is None else list(columns)
    for name in [*chosen, *(key for key in (sort_by, best) if key is not None)]:
        if name not in known:
            raise ValueError(f"there is no column {name!r}; the rows have {', '.join(known)}")
    if sort_by is not None:
        rows.sort(key=lambda row: _rank(row.get(sort_by), lowest))
    ranks = [_rank(row.get(best), lowest) for row in rows] if best is not None else []
    winner = ranks.index(min(ranks)) if ranks and min(ranks) < math.inf else None
    texts = [_format_column([_plain(row.get(name)) for row in rows]) for name in chosen]
    return ResultsTable(
        columns=tuple(str(name) for name in chosen),
        cells=tuple(zip(*texts, strict=True)),
        numeric=tuple(any(_is_number(row.get(name)) for row in rows) for name in chosen),
        best_row=winner,
        caption=caption or "",
        note="" if winner is None else f"{'lowest' if lowest else 'highest'} {best}",
    )


def _plain(value: Any) -> Any:
    """Turn a NumPy scalar into Python's own number."""
    return value.item() if isinstance(value, np.generic) else value


def _is_number(value: Any) -> bool:
    value = _plain(value)
    return isinstance(value, int | float) and not isinstance(value, bool)


def _rank(value: Any, lowest: bool) -> float:
    """Return a sort key: the best value has the smallest, what is no finite number infinity."""
    value = _plain(value)
    if not _is_number(value) or not math.isfinite(value):
        return math.inf
    return float(value if lowest else -value)


def _format_column(values: Sequence[Any]) -> list[str]:
    """Write one column: its floats to four digits, with as many decimals as the longest needs."""
    short = [f"{value:.4g}" for value in values if isinstance(value, float)]
    decimals = max((len(text.partition(".")[2]) for text in short), default=0)
    fixed = decimals <= MAX_DECIMALS and not any("e" in text for text in short)
    return [_format_value(value, f".{decimals}f" if fixed else ".4g") for value in values]


def _format_value(value: Any, float_format: str) -> str:
    if value is None:
        return "-"
    return f"{value:{float_format}}" if isinstance(value, float) else str(value)

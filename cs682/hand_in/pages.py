"""Notebooks and answers as pages that need nothing but a browser.

nbconvert's own pages fetch MathJax and more from the web. Here formulas become MathML, which
browsers draw by themselves, and no script remains.
"""

from __future__ import annotations

import html
from functools import cache
from typing import TYPE_CHECKING, Any

import nbformat
from jinja2 import pass_context
from latex2mathml.converter import convert
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from cs682.checks.answers import find_answer, find_question, help_text, question_text
from cs682.checks.exercises import EXERCISES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_TEMPLATE = """
{%- extends 'index.html.j2' -%}
{%- block html_head_js -%}{%- endblock -%}
{%- block html_head_js_mathjax -%}{%- endblock -%}
{%- block html_head_js_mermaidjs -%}{%- endblock -%}
"""
_STYLE = """
@page { size: A4; margin: 20mm; }
body { font: 11pt/1.45 sans-serif; max-width: 46em; margin: auto; color: #111; }
h2 { font-size: 13pt; border-top: 1px solid #999; padding-top: 1em; break-after: avoid; }
.question { color: #444; break-after: avoid; }
.answer { border-left: 3px solid #1f77b4; padding-left: 1em; }
.open { font-style: italic; }
img { max-width: 100%; }
pre, code { font-size: 9.5pt; white-space: pre-wrap; }
table { border-collapse: collapse; }
td, th { border: 1px solid #bbb; padding: 0.2em 0.6em; }
math { font-size: 110%; }
"""


class _MathRenderer(IPythonRenderer):
    """Write formulas as MathML."""

    def block_math(self, body: str) -> str:
        return _mathml(body, "block")

    def inline_math(self, body: str) -> str:
        return _mathml(body, "inline")

    def latex_environment(self, name: str, body: str) -> str:
        return _mathml(rf"\begin{{{name}}}{body}\end{{{name}}}", "block")


class _PlainExporter(HTMLExporter):  # type: ignore[misc, unused-ignore]
    """Export a notebook as one page without scripts."""

    @pass_context
    def markdown2html(self, context: Any, source: str) -> str:
        return render_markdown(source, context.get("cell", {}).get("attachments", {}))


def notebook_page(text: str, title: str) -> str:
    """Return a notebook as an HTML page that needs no network.

    Parameters
    ----------
    text : str, content of the notebook's file
    title : str

    Returns
    -------
    page : str
    """
    book = nbformat.reads(text, as_version=4)
    page, _ = _exporter().from_notebook_node(book, {"metadata": {"name": title}})
    return str(page)


@cache
def _exporter() -> _PlainExporter:
    """Make an exporter once: reading its templates is most of the work."""
    return _PlainExporter(raw_template=_TEMPLATE)  # type: ignore[no-untyped-call, unused-ignore]


def answers_page(cells: Mapping[str, Sequence[dict[str, Any]]], title: str) -> str:
    """Return all questions with their answers as an HTML page, and below them the help used.

    Parameters
    ----------
    cells : dict of list of dict, the cells of each notebook by its file name
    title : str

    Returns
    -------
    page : str
    """
    questions = [row for row in EXERCISES.values() if row.is_question]
    parts = [_answer(row.id, cells.get(row.notebook, ())) for row in questions]
    parts += [_help(name, text) for name, book in cells.items() if (text := help_text(book))]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head>\n"
        f"<body><h1>{html.escape(title)}</h1>\n{''.join(parts)}</body></html>\n"
    )


def render_markdown(source: str, attachments: Mapping[str, Any], *, escape: bool = False) -> str:
    """Return markdown as HTML, with MathML for its formulas.

    Parameters
    ----------
    source : str
    attachments : dict, the images of the cell, as a notebook holds them
    escape : bool, whether HTML in it is shown as text

    Returns
    -------
    text : str
    """
    renderer = _MathRenderer(escape=escape, attachments=dict(attachments), embed_images=False)
    return MarkdownWithMath(renderer=renderer).render(source)


def _answer(exercise: str, cells: Sequence[dict[str, Any]]) -> str:
    """Return one question with its answer."""
    row = EXERCISES[exercise]
    heading = f"{exercise}: {row.title} ({row.points} points)"
    question = find_question(exercise, cells) or {"source": ""}
    # the first line says what the heading says
    asked = {**question, "source": question_text(question).partition("\n")[2]}
    parts = "".join(_render_cell(part) for part in find_answer(exercise, cells))
    return (
        f"<h2>{html.escape(heading)}</h2>\n"
        f'<div class="question">{_render_cell(asked)}</div>\n'
        f'<div class="answer">{parts or "<p class=open>Not answered.</p>"}</div>\n'
    )


def _help(notebook: str, text: str) -> str:
    """Return what is said of the help used in a notebook."""
    heading = html.escape(f"Help used in {notebook}")
    return f'<h2>{heading}</h2>\n<div class="answer">{render_markdown(text, {})}</div>\n'


def _render_cell(cell: Mapping[str, Any]) -> str:
    return render_markdown(cell["source"], cell.get("attachments", {}))


def _mathml(tex: str, display: str) -> str:
    """Return a formula as MathML, or as it was typed if it makes no sense."""
    try:
        return str(convert(tex, display=display))
    except Exception:  # its parser raises IndexError, KeyError and types of its own
        return f"<code>{html.escape(tex)}</code>"

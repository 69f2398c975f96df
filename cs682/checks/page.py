"""How a notebook shows what the checks of a cell said: a green line each, the details folded.

The same text goes along as plain text, for terminals, stored outputs and whoever reads those.
"""

from __future__ import annotations

import ast
import html
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from cs682.checks import compare
from cs682.checks.judges.trainings import RETURNS_NONE

_GREEN = "color: var(--jp-success-color1, #2e7d32); font-weight: bold"
_AMBER = "color: var(--jp-warn-color1, #b26a00); font-weight: bold"
_START = "notebook.start("
_UNQUOTED = re.compile(
    r"\b(check|hint|solution|keep_model|load_model)\(\s*([a-z]{2}-q?\d+(?:\.\d+)?)\b"
)
_PLACE = re.compile(r"(?P<file>cs682/[\w/]+\.py),? line (?P<line>\d+)")


class Page:
    """Collects the lines of a cell, and shows them when it has ended.

    Parameters
    ----------
    shell : InteractiveShell of IPython
    """

    def __init__(self, shell: Any) -> None:
        self._shell, self._lines = shell, list[str]()
        compare.listeners[:] = [self._lines.append]
        # the first cell may run again, and this module be loaded again: by name, not by identity
        for old in list(shell.events.callbacks["post_run_cell"]):
            if getattr(old, "__qualname__", "") == self._show.__qualname__:
                shell.events.unregister("post_run_cell", old)
        shell.events.register("post_run_cell", self._show)

    def _show(self, result: Any = None) -> None:
        """Show what was collected and, below a failure, the way to its line; then begin anew."""
        text = "\n".join(self._lines)
        self._lines.clear()
        if text:
            self._shell.display_pub.publish({"text/plain": text, "text/html": as_html(text)})
        error = getattr(result, "error_in_exec", None)
        if isinstance(error, AssertionError) and (place := _PLACE.search(str(error))):
            file, line = place["file"], int(place["line"])
            text = f"Open {file} at line {line}"
            link = f'<a href="../{file}#line={line - 1}">{text}</a>'  # JupyterLab counts from 0
            self._shell.display_pub.publish({"text/plain": text, "text/html": link})
        elif isinstance(error, Exception):
            source = str(getattr(getattr(result, "info", None), "raw_cell", ""))
            names = self._shell.user_ns
            said = [*find_hidden(names, source)]
            said += find_untrained(names, source) if "'NoneType'" in str(error) else ()
            said += find_unquoted(source) if isinstance(error, NameError) else ()
            if not isinstance(error, AssertionError):
                said += find_put_over(names, source)
            for text in said:
                self._shell.display_pub.publish({"text/plain": text})


def find_hidden(namespace: Mapping[str, Any], source: str) -> Iterator[str]:
    """Find what the first cells gave a name to, and a later one has put a plain value over.

    Parameters
    ----------
    namespace : mapping, a notebook's names
    source : str, of a cell that ended in an error

    Yields
    ------
    text : str, of a name that stands in that cell
    """
    given: dict[str, Any] = {}
    for cell in namespace.get("In", ()):
        given |= _imports(str(cell))
    for name, thing in given.items():
        if _is_used(name, source) and _is_code(thing) and not _is_code(namespace.get(name, thing)):
            now = compare.kind_of(namespace[name])
            yield f"{name} is {now} by now, not what was imported: run the cell of imports again"
        elif _is_used(name, source) and _is_own(namespace.get(name)) and not _is_own(thing):
            yield (
                f"{name} is the notebook's own by now, not what was imported: where that is not "
                "meant, run the cell of imports again"
            )
    is_given = any(_START in str(cell) for cell in namespace.get("In", ()))
    data = namespace.get("data")
    if is_given and _is_used("data", source) and not isinstance(data, dict):
        yield f"data is {compare.kind_of(data)} by now, no dict: run the very first cell again"


def find_untrained(namespace: Mapping[str, Any], source: str) -> Iterator[str]:
    """Find names that hold None since they were given what `train()` returns.

    Parameters
    ----------
    namespace : mapping, a notebook's names
    source : str, of a cell that ended in an error about None

    Yields
    ------
    text : str, of a name that stands in that cell
    """
    cells = (_parse(str(cell)) for cell in (*namespace.get("In", ()), source))
    given = [n for cell in cells for n in ast.walk(cell) if isinstance(n, ast.Assign)]
    of_train = [n for n in given if ast.unparse(n.value).endswith(".train()")]
    for name in {t.id: None for n in of_train for t in n.targets if isinstance(t, ast.Name)}:
        if _is_used(name, source) and name in namespace and namespace[name] is None:
            yield f"{name} is None: {RETURNS_NONE}"


def find_unquoted(source: str) -> Iterator[str]:
    """Find calls that name an exercise without quotes.

    Parameters
    ----------
    source : str, of a cell that ended in a NameError

    Yields
    ------
    text : str, of a call
    """
    for name, key in _UNQUOTED.findall(source):
        yield f'An exercise is named in quotes: {name}("{key}")'


def find_put_over(namespace: Mapping[str, Any], source: str) -> Iterator[str]:
    """Find names that a cell has made, and a later one has put a plain value over.

    Parameters
    ----------
    namespace : mapping, a notebook's names
    source : str, of a cell that ended in an error

    Yields
    ------
    text : str, of a name that stands in that cell
    """
    cells = [str(cell) for cell in namespace.get("In", ())]
    made: dict[str, int] = {}  # by name: the last cell that made it, and did not put it over
    over: dict[str, int] = {}
    for number, cell in enumerate(cells):
        for name, value in _assigned(cell):
            if _is_written(value) and len(re.findall(rf"\b{name}\b", cell)) == 1:
                over[name] = number
            else:
                made[name] = number
                over.pop(name, None)
    for name in (name for name in over if name in made and _is_used(name, source)):
        yield (
            f"{name} has its value from cell [{over[name]}]; cell [{made[name]}] had made another: "
            "where that is meant, run it again"
        )


def _assigned(source: str) -> Iterator[tuple[str, ast.expr]]:
    """Yield the names that a cell gives a value to, each with what is written for that."""
    for node in (n for n in _parse(source).body if isinstance(n, ast.Assign)):
        yield from ((t.id, node.value) for t in node.targets if isinstance(t, ast.Name))


def _is_written(node: ast.expr) -> bool:
    """Tell whether a value is written out: a number, a text, or a list of such."""
    kinds = (ast.Constant, ast.List, ast.Tuple, ast.Dict, ast.UnaryOp, ast.USub, ast.Load)
    return all(isinstance(part, kinds) for part in ast.walk(node))


def _is_own(thing: Any) -> bool:
    """Tell whether a cell of the notebook has made a function or a class."""
    return callable(thing) and getattr(thing, "__module__", "") == "__main__"


def _is_used(name: str, source: str) -> bool:
    return bool(re.search(rf"\b{name}\b", source))


def _is_code(thing: Any) -> bool:
    """Tell a module, a function and a class from a plain value."""
    return isinstance(thing, ModuleType) or callable(thing)


def _parse(source: str) -> ast.Module:
    """Return what a cell says; nothing if it is no Python."""
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError):
        return ast.Module([], [])


def _imports(source: str) -> dict[str, Any]:
    """Return what the import statements of a cell give, by the names that they give it."""
    given = {}
    for node in (n for n in _parse(source).body if isinstance(n, ast.Import | ast.ImportFrom)):
        home = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
        for alias in node.names:
            whole, (first, _, _) = f"{home}{alias.name}", alias.name.partition(".")
            module = sys.modules.get(whole if home or alias.asname else first)
            thing = module or getattr(sys.modules.get(home[:-1]), alias.name, None)
            given[alias.asname or (alias.name if home else first)] = thing
    return given


def as_html(text: str) -> str:
    """Return what checks said as HTML.

    Parameters
    ----------
    text : str, lines as `cs682.checks.check` and `check_close` say them

    Returns
    -------
    page : str
    """
    blocks: list[_Block] = []
    for line in text.splitlines():
        word, _, rest = line.strip().partition(" ")
        if word == "passed" or not blocks:
            blocks.append(_Block(rest.strip() if word == "passed" else ""))
        if word == "advice":
            blocks[-1].advice.append(rest.strip())
        elif word != "passed":
            blocks[-1].held.append(rest.strip() if word == "ok" else line)
    return "\n".join(block.html() for block in blocks)


@dataclass
class _Block:
    """What was said of one exercise: its title, what held, and any advice."""

    title: str
    held: list[str] = field(default_factory=list)
    advice: list[str] = field(default_factory=list)

    def html(self) -> str:
        """Return a line, with what held folded below it, and any advice in full view."""
        count = f"{len(self.held)} comparison{'s hold' if len(self.held) != 1 else ' holds'}"
        line = _span(_GREEN, "✓ passed" if self.title else "✓ ok") + " "
        line += html.escape(self.title or count)
        items = "".join(f"<li>{html.escape(text)}</li>" for text in self.held)
        folded = f"<details><summary>{line}</summary><ul>{items}</ul></details>"
        notes = [f"<div>{_span(_AMBER, 'advice')} {html.escape(a)}</div>" for a in self.advice]
        return "".join([folded if items else f"<div>{line}</div>", *notes])


def _span(style: str, text: str) -> str:
    return f'<span style="{style}">{text}</span>'

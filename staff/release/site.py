"""The handout as static pages, for a browser without a network.

Each page is made of a file of the release, so no page can give away what the release does not.
From the first pages on, whatever a link leads to comes along: documents, notebooks and code as
pages, pictures as they are.
"""

from __future__ import annotations

import html
import posixpath
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from cs682.checks.exercises import NOTEBOOKS
from cs682.hand_in.pages import render_markdown
from staff.release.books import read_book
from staff.release.build import cut
from staff.release.files import ROOT, read_source
from staff.release.variant import Variant, read_variant

if TYPE_CHECKING:
    import argparse

# The pages that every page names, by what they are called there.
FIRST = {
    "README.md": "Start",
    **{f"notebooks/{name}.ipynb": name for name in NOTEBOOKS},
    "docs/exercises.md": "Exercises",
    "docs/notation.md": "Notation",
    "docs/student.md": "For students",
    "docs/self-learner.md": "For self-learners",
    "CHANGELOG.md": "Changelog",
}
STYLE = "style.css"
_PAGE = re.compile(r"docs/.+\.md|notebooks/.+\.ipynb")  # that people are to read
_PICTURES = (".png", ".svg", ".jpg")
_LINK = re.compile(r'\b(?P<name>href|src)="(?P<target>(?!#|//|\w+:)[^"#]+)(?P<place>[^"]*)"')
_FORMULA = re.compile(r'<math[^>]* display="(?P<kind>\w+)".*?</math>', re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_LONG = 24  # characters of a formula in a line, which must not make a phone's page wider
_LIGHT, _DARK = (HtmlFormatter(style=name) for name in ("default", "github-dark"))
_LOOK = Path(__file__).with_name("site.css")


def build(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the site of a release.

    Parameters
    ----------
    files : mapping of str to bytes, a release by path

    Returns
    -------
    site : dict of str to bytes, by path; `index.html` is the first page

    Raises
    ------
    ValueError
        If a link leads to no file of the release.
    """
    style = _colours() + _LOOK.read_text(encoding="utf-8")
    site, waiting = {STYLE: style.encode()}, [path for path in FIRST if path in files]
    for path in waiting:  # which grows while it is gone through
        if path.endswith(_PICTURES):
            site[path] = files[path]
            continue
        text, targets = _relink(_render(path, files[path]), path)
        if lost := [target for target in targets if target not in files]:
            raise ValueError(f"{path} has a link to {lost[0]}, which the release does not hold")
        waiting += [target for target in dict.fromkeys(targets) if target not in waiting]
        site[place_of(path)] = _frame(path, text, files).encode()
    return site


def place_of(path: str) -> str:
    """Return where the site has what a file of the release holds.

    Parameters
    ----------
    path : str, such as 'docs/student.md'
    """
    if path == "README.md":
        return "index.html"
    return path if path.endswith(_PICTURES) else f"{posixpath.splitext(path)[0]}.html"


def unlinked(files: Mapping[str, bytes], site: Mapping[str, bytes]) -> list[str]:
    """Return the documents and notebooks that a site lacks, since none of its pages leads there.

    Parameters
    ----------
    files : mapping of str to bytes, a release by path
    site : mapping of str to bytes, as `build` returns it
    """
    pages = (path for path in files if _PAGE.fullmatch(path))
    return sorted(path for path in pages if place_of(path) not in site)


def _render(path: str, data: bytes) -> str:
    """Return a file as HTML."""
    if path.endswith(".md"):
        text = render_markdown(data.decode(), {})
    elif path.endswith(".ipynb"):
        text = "\n".join(_cells(path, data))
    elif path.endswith(".py"):
        text = f"<h1>{html.escape(path)}</h1>\n{_code(data.decode())}"
    else:
        text = f"<h1>{html.escape(path)}</h1>\n<pre>{html.escape(data.decode())}</pre>"
    return _FORMULA.sub(_bound, text)


def _bound(found: re.Match[str]) -> str:
    """Put a formula that may be too wide into a box of its own, to be scrolled in there."""
    if found["kind"] == "block":
        return f'<span class="formula">{found[0]}</span>'
    is_long = len(html.unescape(_TAG.sub("", found[0]))) > _LONG
    return f'<span class="long formula">{found[0]}</span>' if is_long else found[0]


def _cells(path: str, data: bytes) -> Iterator[str]:
    """Give the cells of a notebook as HTML."""
    for cell in read_book(data, path)["cells"]:
        if cell["cell_type"] == "code":
            yield _code(cell["source"])
        else:
            yield render_markdown(cell["source"], cell.get("attachments", {}))


def _code(source: str) -> str:
    """Return code with its words coloured."""
    return str(highlight(source, PythonLexer(), _LIGHT))


def _colours() -> str:
    """Return the rules for the words of code, for light and dark."""
    light, dark = (
        "\n".join(
            line
            for line in formatter.get_style_defs(".highlight").splitlines()
            if line.startswith(".highlight .")  # not for the box around, which is ours
        )
        for formatter in (_LIGHT, _DARK)
    )
    return f"{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n"


def _relink(text: str, path: str) -> tuple[str, list[str]]:
    """Point the links of a page to where the site has their targets, and list these."""
    targets: list[str] = []

    def lead(found: re.Match[str]) -> str:
        inside = posixpath.join(posixpath.dirname(path), unquote(html.unescape(found["target"])))
        targets.append(posixpath.normpath(inside))
        link = posixpath.relpath(place_of(targets[-1]), posixpath.dirname(path) or ".")
        return f'{found["name"]}="{html.escape(link)}{found["place"]}"'

    return _LINK.sub(lead, text), targets


def _frame(path: str, text: str, files: Mapping[str, bytes]) -> str:
    """Return a whole page."""
    top = "../" * path.count("/")
    here = ' aria-current="page"'
    links = "\n".join(
        f'<a href="{top}{place_of(other)}"{here * (other == path)}>{name}</a>'
        for other, name in FIRST.items()
        if other in files
    )
    title = html.escape(FIRST.get(path, path))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<title>{title}</title>\n<link rel="stylesheet" href="{top}{STYLE}">\n</head>\n'
        f"<body>\n<nav>\n{links}\n</nav>\n<main>\n{text}\n</main>\n</body>\n</html>\n"
    )


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``site`` to the staff's command line.

    Parameters
    ----------
    commands : the subparsers of ``python -m staff``; one more is added
    """
    parser = commands.add_parser("site", help="write the handout as static pages")
    place = ROOT / "build" / "site"
    parser.add_argument("--out", type=Path, default=place, metavar="DIR", help="for the pages")
    parser.add_argument("--variant", type=Path, metavar="FILE", help="what the course changes")
    parser.add_argument(
        "--repository", default="", metavar="OWNER/REPO", help="where the release is published"
    )
    parser.set_defaults(run=run_command)


def run_command(args: argparse.Namespace) -> int:
    """Write the site; an older one is replaced.

    Parameters
    ----------
    args : namespace with ``out``, ``variant`` and ``repository``

    Returns
    -------
    status : int, 0 if it was written, else 1
    """
    out: Path = args.out
    try:
        _require_ours(out)
        variant = read_variant(args.variant) if args.variant else Variant()
        files = cut(read_source(), variant, args.repository).files
        site = build(files)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - this is a command line
        return 1
    shutil.rmtree(out, ignore_errors=True)
    for path, data in site.items():
        (out / path).parent.mkdir(parents=True, exist_ok=True)
        (out / path).write_bytes(data)
    for path in unlinked(files, site):
        print(f"warning: {path} is left out, for no page has a link to it", file=sys.stderr)  # noqa: T201
    print(f"{out / 'index.html'}: {len(site)} files, to be opened in any browser")  # noqa: T201
    return 0


def _require_ours(out: Path) -> None:
    """Refuse a folder that holds something else than a site: it is going to be replaced."""
    if out.exists() and any(out.iterdir()) and not (out / STYLE).exists():
        raise ValueError(f"{out} holds something else than a site: choose another --out")

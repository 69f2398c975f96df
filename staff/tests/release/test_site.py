"""The handout as static pages: all links lead somewhere, and nothing asks a network."""

from __future__ import annotations

import posixpath
import re
from dataclasses import replace
from html.parser import HTMLParser
from urllib.parse import unquote

import pytest

from cs682.checks.exercises import NOTEBOOKS
from staff.__main__ import main
from staff.release import site as site_command
from staff.release.site import FIRST, STYLE, build, place_of


class Page(HTMLParser):
    """What a page names: its links, what it loads, and the ids to which links may lead."""

    def __init__(self, text: bytes) -> None:
        super().__init__()
        self.links, self.loaded, self.ids, self.tags = [], [], set(), []
        self.feed(text.decode())

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.tags.append(tag)
        self.ids |= {found[name] for name in ("id", "name") if found.get(name)}
        if tag == "a":
            self.links.append(found.get("href", ""))
        elif "src" in found or tag == "link":
            self.loaded.append(found.get("src") or found["href"])


def lost_links(site):
    """Name each link inside of the site that leads nowhere."""
    pages = {path: Page(text) for path, text in site.items() if path.endswith(".html")}
    lost = []
    for path, page in pages.items():
        for link in [*page.links, *page.loaded]:
            if re.match(r"\w+:", link):
                continue
            target, _, place = link.partition("#")
            inside = posixpath.normpath(posixpath.join(posixpath.dirname(path), unquote(target)))
            there = path if not target else inside
            if there not in site or (place and unquote(place) not in pages[there].ids):
                lost.append((path, link))
    return lost


@pytest.fixture(scope="module")
def site(release):
    return build(release.files)


@pytest.mark.parametrize(
    "link",
    ["b.html", "#nowhere", "c/d.html#nowhere", "../a.html", ""],
)
def test_lost_links_finds_one_that_leads_nowhere(link):
    pages = {"a.html": f'<i id="here"><a href="{link}">'.encode(), "c/d.html": b""}

    assert lost_links(pages) == ([("a.html", link)] if link else [])


def test_every_link_of_the_site_leads_somewhere(site):
    assert lost_links(site) == []


def test_site_has_the_notebooks_and_the_pages_that_it_names(site):
    assert {place_of(path) for path in FIRST} | {STYLE} <= set(site)
    assert b'href="notebooks/Dropout.html">Dropout</a>' in site["index.html"]
    assert b"is open" not in site[place_of("cs682/layers.py")]
    assert b"raise" in site[place_of("cs682/layers.py")]  # reached by the links of the tasks
    assert {path for path in site if path.endswith(".png")}


def test_site_loads_nothing_from_a_network_and_runs_nothing(site):
    pages = [Page(text) for path, text in site.items() if path.endswith(".html")]

    loaded = {name for page in pages for name in page.loaded}

    assert {name for name in loaded if not re.match(r"(\.\.?/)?[\w./-]+$", name)} == set()
    assert not any(tag in page.tags for page in pages for tag in ("script", "iframe"))
    assert b"url(" not in site[STYLE]
    assert b"@import" not in site[STYLE]


def test_boxes_that_scroll_show_where_there_is_more(site):
    css = re.sub(r"/\*.*?\*/", "", site[STYLE].decode(), flags=re.DOTALL)
    rules = re.findall(r"([^{}]+)\{([^{}]*)\}", css)

    scrolling, shaded = (
        {name.strip() for names, rule in rules if sign in rule for name in names.split(",")}
        for sign in ("overflow-x: auto", "var(--shade), transparent")
    )

    assert scrolling == shaded == {"pre", "table", ".formula"}
    assert css.count("--shade:") == 2  # of light, and of dark


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_formulas_are_typeset(site, name):
    page = site[place_of(f"notebooks/{name}.ipynb")].decode()

    assert page.count("<math") >= 5
    assert page.count('<span class="formula"><math') == page.count('display="block"')
    assert not re.search(r"\$\$|\\(frac|sum|mu|partial)\b", re.sub(r"(?s)<pre>.*?</pre>", "", page))


def test_link_to_what_is_not_released_is_refused(release):
    files = release.files | {"CHANGELOG.md": b"[more](docs/none.md)"}

    with pytest.raises(ValueError, match=r"CHANGELOG\.md has a link to docs/none\.md"):
        build(files)


def test_page_to_which_nothing_leads_is_named(site, release, tmp_path, monkeypatch, capsys):
    more = release.files | {"docs/more.md": b"# More\n", "notebooks/Extra.ipynb": b""}
    monkeypatch.setattr(site_command, "read_source", lambda: None)
    monkeypatch.setattr(site_command, "cut", lambda *_: replace(release, files=more))
    monkeypatch.setattr(site_command, "build", lambda _: site)

    assert main(["site", f"--out={tmp_path / 'site'}"]) == 0

    said = capsys.readouterr()
    assert "docs/more.md is left out, for no page has a link to it" in said.err
    assert [line.split()[1] for line in said.err.splitlines()] == [
        "docs/more.md", "notebooks/Extra.ipynb",
    ]  # fmt: skip


def test_folder_of_something_else_is_left_alone(tmp_path, capsys):
    (tmp_path / "thesis.txt").write_text("x")

    assert main(["site", f"--out={tmp_path}"]) == 1

    assert "something else than a site" in capsys.readouterr().err
    assert (tmp_path / "thesis.txt").exists()

"""The handout's pages as a phone and a desk show them, in light and dark."""

from __future__ import annotations

import pytest

from staff.browser.pictures import SHOTS
from staff.release.site import FIRST, build, place_of

WIDTHS = {"phone": 390, "desk": 1280}  # pixels
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
BRIGHTNESS = """() => {
    const numbers = getComputedStyle(document.body).backgroundColor.match(/\\d+/g);
    return Math.max(...numbers.slice(0, 3).map(Number));
}"""
FLAT_FORMULAS = """() => [...document.querySelectorAll('math')]
    .filter(math => !math.closest('details') && math.getBoundingClientRect().height < 5).length"""
UNSHADED = """() => [...document.querySelectorAll('main *')].filter(box => {
    const look = getComputedStyle(box);
    return look.overflowX == 'auto' && box.scrollWidth > box.clientWidth
        && !look.backgroundAttachment.includes('local');
}).length"""
MISSING = "[...document.images].filter(image => !image.naturalWidth).length"


@pytest.fixture(scope="module")
def site(tmp_path_factory, released):
    folder = tmp_path_factory.mktemp("site")
    for path, data in build(released).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("device", WIDTHS)
def test_pages_can_be_read(chromium, site, device, scheme):
    screen = {"width": WIDTHS[device], "height": 844}
    with chromium.new_context(viewport=screen, color_scheme=scheme, offline=True) as context:
        page, asked = context.new_page(), []
        page.on("request", lambda request: asked.append(request.url))
        SHOTS.mkdir(parents=True, exist_ok=True)
        for path in sorted(site.rglob("*.html")):
            name = path.relative_to(site).as_posix()
            page.goto(path.as_uri())
            assert page.evaluate(TOO_WIDE) <= 0, name
            assert (page.evaluate(BRIGHTNESS) < 80) == (scheme == "dark"), name
            assert page.evaluate(UNSHADED) == 0, name
            assert page.evaluate(FLAT_FORMULAS) == page.evaluate(MISSING) == 0, name
            if name in map(place_of, FIRST):
                page.screenshot(path=SHOTS / f"site-{path.stem}-{device}-{scheme}.png")
    assert [url for url in asked if not url.startswith("file:")] == []
